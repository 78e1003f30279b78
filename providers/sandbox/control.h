/*
 * control.h - what the control API's files share.
 */
#ifndef SANDBOX_CONTROL_H
#define SANDBOX_CONTROL_H

#include "base/json.h"
#include "providers/sandbox/call.h"

void control_refuse(struct call *call, int status, const char *code, const char *detail);
bool control_parse(struct call *call); /* false: answered */
/* The same for lists: up to 16384 elements. */
bool control_parse_large(struct call *call);
/* An answer of 200; the object is the caller's to end. */
void control_begin(struct call *call, struct json_out *out);
/* A whole number of the query, from 0 up. */
int64_t control_query_number(const struct call *call, const char *name, int64_t otherwise);

#endif

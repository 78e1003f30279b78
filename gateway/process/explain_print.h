/*
 * explain_print.h - an explanation, as POST /v1/routing/explain answers it, for people.
 */
#ifndef PROCESS_EXPLAIN_PRINT_H
#define PROCESS_EXPLAIN_PRINT_H

#include "base/json.h"

void explain_print_text(const json_t *explanation, struct buf *out);

#endif

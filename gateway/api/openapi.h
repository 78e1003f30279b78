/*
 * openapi.h - parts of the OpenAPI document (private to openapi*.c).
 */
#ifndef API_OPENAPI_H
#define API_OPENAPI_H

#include "api/call.h"

enum {
    OPENAPI_BYTES_MAX = 4 * 1024 * 1024,
    OPENAPI_TEXT_SIZE = 200,
};

/* "content": a schema of the components under a media type; the media type stays open. */
void openapi_begin_content(struct json_out *out, const char *type, const char *schema);
void openapi_end_content(struct json_out *out);

/* openapi_answers.c */
/* "responses" of an endpoint: what it may answer, with which headers. */
void openapi_put_responses(struct json_out *out, const struct endpoint *endpoint);
/* "headers" and "responses" of the components. */
void openapi_put_answers(struct json_out *out);

#endif

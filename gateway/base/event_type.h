/*
 * event_type.h - what can happen, in one table: the types of the rows of `events`.
 *
 * Merchants decide by these names (GET /v1/events, the stream, webhooks): none is ever renamed or
 * given another meaning. docs/api.md lists them all; tests/lint/tables.sh compares.
 */
#ifndef BASE_EVENT_TYPE_H
#define BASE_EVENT_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum {
    EVENT_TYPE_NAME_MAX = 64,
};

struct event_type {
    const char *name;    /* "payment.succeeded" */
    const char *meaning; /* one sentence, for a merchant's developer */
};

const struct event_type *event_type_all(size_t *count);
const struct event_type *event_type_find(struct str name); /* NULL: there is no such type */

#endif

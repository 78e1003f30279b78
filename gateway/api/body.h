/*
 * body.h - the bytes of a request's body to a JSON object, or why not.
 *
 * Malformed text is 400. A number that no int64 can hold is well-formed JSON with a wrong value:
 * it is kept as a fraction, which no integer field takes, so that its member is named with a 422
 * instead of a parser's complaint.
 */
#ifndef API_BODY_H
#define API_BODY_H

#include "api/field.h"
#include "base/arena.h"

/* An object, owned by the caller; NULL with *problem. An empty text is {} when allowed to be. */
json_t *body_parse(struct str text, bool may_be_empty, struct arena *arena,
                   struct field_problem *problem) MUST_USE;
/* The same with few members, one of which may be a long text. */
json_t *body_parse_text(struct str text, struct field_problem *problem);
/* application/json, parameters allowed (charset must be UTF-8). */
bool body_is_json(struct str content_type);

#endif

/*
 * body.h - a request's body: how long it may take, and where it is put (private to gateway/http).
 *
 *     head -> body_take? -- whole -------------------------------------> handler
 *                |                                                          ^
 *                +-- body_begin -> a turn of body_ms / 3 -> body_take? -----+
 *                                       ^            |
 *                                       +- brought --+-- too little, or no turn left: refused
 *                                          enough
 *
 * A body within the usual limit stays in the connection's input until it is whole, then moves into
 * the exchange's arena. A large one, which its route has accepted, has its place there from the
 * start; it gets more turns by its length, at HTTP_LARGE_BODY_RATE.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
    HTTP_BODY_TURNS = 3,          /* of body_ms */
    HTTP_LARGE_BODY_RATE = 65536, /* bytes a second: what a large body must bring on average */
};

struct connection;

struct body {          /* all zero between two requests */
    char *large;       /* borrowed, in the arena; NULL: it is no large body */
    size_t taken;      /* bytes in large */
    size_t turn_start; /* bytes that were there when the turn began */
    size_t turns_left; /* after this one */
    size_t held_bytes; /* that this body takes in the arena */
};

/* The first turn: call before PHASE_BODY is entered. */
void body_begin(struct connection *c);
/* True when the body is complete and in the request. */
bool body_take(struct connection *c) MUST_USE;
/* A turn is over: true when another one may begin. */
bool body_may_go_on(struct connection *c) MUST_USE;
/* False when large bodies have taken their part of the buffers. */
bool body_accept_large(struct connection *c) MUST_USE;
/* The exchange is answered or gone. */
void body_end(struct connection *c);

#endif

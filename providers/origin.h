/*
 * origin.h - how many connections to one origin are opened at once.
 *
 *              may start             socket opened          PREREQ
 *     HELD ------------> PENDING ------------> OPENING ------------> LEFT
 *       |                   |    a kept connection is taken            ^
 *       |                   +------------------------------------------+
 *       +-- ORIGIN_HOLD_US have passed: it starts in any case
 *
 * A TLS handshake costs ten times what a request on a kept connection costs, on both sides. When
 * answers come late for a moment, the calls that pile up would open a connection each, and so make
 * the moment a long one. So while as many are being opened as is a quarter of what is there
 * (ORIGIN_CONNECTS at least), further calls wait for one of the kept connections to come free, but
 * not for long: an origin that is slow to connect is not made slower.
 */
#ifndef PROVIDERS_ORIGIN_H
#define PROVIDERS_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum {
    ORIGIN_CONNECTS = 16,
    ORIGIN_GROWTH = 4, /* a quarter */
    ORIGIN_HOLD_US = 250000,
};

enum origin_stage {
    ORIGIN_NONE, /* not under way */
    ORIGIN_HELD,
    ORIGIN_PENDING, /* started; it is not known yet whether a kept connection takes it */
    ORIGIN_OPENING, /* it opens one */
    ORIGIN_LEFT,    /* its request left: the connection is its own until it ends */
    ORIGIN_STAGE_COUNT,
};

struct origin {
    struct link link;  /* in its table */
    struct link held;  /* calls, oldest first; the user's */
    size_t open_count; /* sockets */
    size_t count[ORIGIN_STAGE_COUNT];
    char base_url[];
};

/* The one with this URL, made when there is none yet. It lives until origins_free. */
struct origin *origins_find(struct link *table, const char *base_url);
void origins_free(struct link *table);
/* A call goes from one stage to the next. */
void origin_move(struct origin *origin, enum origin_stage from, enum origin_stage to);
/* May one more call start, those that are held aside? */
bool origin_has_room(const struct origin *origin);

#endif

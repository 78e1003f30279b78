/*
 * trail.h - the last eight things that happened, in shared memory, any process writing.
 *
 * A ring with a running number: a writer takes the next number and fills its place. A reader that
 * meets a place being filled may see half of the old and half of the new text; numbers and times
 * are whole. It is for people: nothing decides by it.
 */
#ifndef ROUTER_TRAIL_H
#define ROUTER_TRAIL_H

#include <stddef.h>

#include "router/shared_text.h"

enum {
    TRAIL_MAX = 8,
};

struct trail_place {
    _Atomic int64_t at_us; /* monotonic; 0: empty */
    _Atomic int64_t length_us;
    struct shared_text text;
};

struct trail { /* all zero: empty */
    _Atomic uint64_t count;
    struct trail_place place[TRAIL_MAX];
};

struct trail_event {
    int64_t at_us;     /* monotonic */
    int64_t length_us; /* how long it took, or will last */
    char text[SHARED_TEXT_SIZE];
};

void trail_add(struct trail *trail, struct str text, int64_t length_us, int64_t at_us);
/* The newest first; how many there are. */
size_t trail_read(const struct trail *trail, struct trail_event out[TRAIL_MAX]);
/* What is in `from`, as it is now. */
void trail_copy(struct trail *to, const struct trail *from);
void trail_clear(struct trail *trail);

#endif

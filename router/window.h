/*
 * window.h - calls and failures of the last seconds, in shared memory, any process writing.
 *
 * One bucket a second, each one word (a second in 24 bits, calls in 20, failures in 20), so that a
 * bucket is always whole: its counts belong to its second and no call is lost or counted twice.
 */
#ifndef ROUTER_WINDOW_H
#define ROUTER_WINDOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WINDOW_BUCKET_COUNT = 32, /* more than the longest window has seconds */
};

struct window { /* all zero: empty */
    _Atomic uint64_t bucket[WINDOW_BUCKET_COUNT];
};

/* Beyond a million calls in a second no more are counted. */
void window_add(struct window *window, bool is_failure, int64_t now_us);
void window_read(struct window *window, int64_t window_ms, int64_t now_us, uint32_t *calls,
                 uint32_t *failures);
void window_clear(struct window *window);

#endif

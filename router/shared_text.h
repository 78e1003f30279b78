/*
 * shared_text.h - a short text in shared memory that several processes write and read: torn at
 * worst, never unterminated, never beyond printable ASCII.
 */
#ifndef ROUTER_SHARED_TEXT_H
#define ROUTER_SHARED_TEXT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/str.h"

enum {
    SHARED_TEXT_WORDS = 8,
    SHARED_TEXT_SIZE = SHARED_TEXT_WORDS * 8, /* with its terminator */
};

struct shared_text { /* all zero: empty */
    _Atomic uint64_t word[SHARED_TEXT_WORDS];
};

/* What does not fit is cut; what is not printable becomes '?'. */
void shared_text_write(struct shared_text *text, struct str value);
void shared_text_read(const struct shared_text *text, char out[SHARED_TEXT_SIZE]);

#endif

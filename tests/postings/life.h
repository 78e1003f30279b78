/*
 * life.h - one merchant's random life: payments with all that can happen to them, payouts, and what
 * people enter. Every movement is booked by the table of posting.c; what it should come to is told to
 * the books apart from that.
 */
#ifndef TESTS_POSTINGS_LIFE_H
#define TESTS_POSTINGS_LIFE_H

#include "base/rng.h"
#include "tests/postings/books.h"

enum {
    LIFE_OPERATION_MAX = 24,
};

struct life_operation { /* a capture or a refund */
    struct uuid attempt_id;
    enum operation operation;
    int64_t amount_minor;
    bool is_open, is_dropped;
};

struct life_hold { /* the transfer that holds an authorization */
    struct uuid transfer_id;
    int64_t amount_minor; /* 0: nothing is held */
};

struct life_payment {
    int64_t authorized, captured, capture_open, refunded, refund_open, let_go, fees;
    int64_t entered; /* by people, at the provider's account */
    struct life_hold hold, late;
    struct life_operation operations[LIFE_OPERATION_MAX];
    size_t operation_count;
    bool has_begun;
};

struct life {
    struct books books;
    struct rng rng;
    struct life_payment payments[BOOKS_PAYMENT_MAX];
    int64_t paid_out, came_back; /* payouts, in the first currency */
    uint64_t event_count;
    uint64_t by_event[POSTING_EVENT_COUNT];
};

/* Begin: no row yet, the currencies and all draws by seed and number. */
void life_begin(struct life *life, uint64_t seed, uint64_t number, bool is_told);
/* One event, if the one that is drawn can happen now; false: nothing was booked. */
bool life_step(struct life *life);
/* Whatever is still open is ended, as time would. */
void life_end(struct life *life);
/* All that is always true; ends the program when it is not. */
void life_check(const struct life *life);
/* An entry by people between random accounts, as a row of the table; false: not this time. */
bool life_enter(struct life *life);
/* An amount: one, small, usual, the largest. */
int64_t life_amount(struct rng *rng);
/* Rows of the table that posting_make does not make: of `event`, one leg. */
void life_book(struct life *life, enum posting_event event, struct str leg, int payment,
               size_t currency, int64_t amount_minor, const struct uuid *pending_id,
               struct uuid *transfer_id);

#endif

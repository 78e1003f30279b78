/*
 * ruling.h - what follows from a person's answer to a case, and from the end of a reversal: pure.
 *
 *     case, ruling --ruling_hear--> refused
 *          |
 *          +-- charged, not_charged --ruling_weigh--> REFUSE_BOOKED  the books say otherwise
 *          |                                |-------> NOTE           they say so already
 *          |                                +-------> TELL           the attempt ends as told
 *          +-- accepted, reverse -----------> NOTE
 *
 * NOTE writes an event and the case, TELL besides what the end of an attempt writes, each in one
 * commit that demands the case as it was read (ruling_after says what it becomes). decide.c loads and
 * writes in production, tests/sim in the simulator; both ask here.
 */
#ifndef PAYMENT_RULING_H
#define PAYMENT_RULING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/terms.h"
#include "payment/attempt.h"

/* docs/operations.md tells which fits when. */
enum payment_ruling {
    RULING_NONE = 0,
    RULING_CHARGED,     /* "charged": the money moved, or is held */
    RULING_NOT_CHARGED, /* "not_charged": it did not, and never will */
    RULING_ACCEPTED,    /* "accepted": it stays as it is */
    RULING_REVERSE,     /* "reverse": try once more to reverse it */
    RULING_COUNT,
};

struct ruling_case {
    enum review_state state;
    enum review_kind kind;
    enum operation operation;
};

struct ruling_attempt { /* what its rows say by now */
    bool is_final;
    bool is_approved;
    bool is_reserved; /* ... and its sum is kept for a reversal */
    bool is_own;      /* ... and is what its payment came to: it had been canceled too late */
};

enum ruling_step {
    RULING_GO_ON = 0,
    RULING_REFUSE_DECIDED,
    RULING_REFUSE_REVERSING,
    RULING_REFUSE_UNFIT,  /* no answer to a case of this kind */
    RULING_REFUSE_AMOUNT, /* a capture, void or refund moves what was asked for, or nothing */
    RULING_REFUSE_BOOKED,
    RULING_NOTE,
    RULING_TELL,
};

/* Whether `ruling` can answer a case of this kind and operation. */
bool payment_ruling_fits(enum payment_ruling ruling, enum review_kind kind,
                         enum operation operation);
/* GO_ON, or why the case does not take this answer. names_amount: of another sum than was asked. */
enum ruling_step ruling_hear(const struct ruling_case *about, enum payment_ruling ruling,
                             bool names_amount);
/* What to do with an answer that was heard: REFUSE_BOOKED, NOTE or TELL. */
enum ruling_step ruling_weigh(enum payment_ruling ruling, const struct ruling_attempt *attempt);
/* What an attempt is told by `ruling`, which is CHARGED or NOT_CHARGED. */
enum outcome ruling_outcome(enum payment_ruling ruling);
/* The state of an open case that was answered so. */
enum review_state ruling_after(enum payment_ruling ruling);
/*
 * What was kept for the reversal is free again: the money stays where it is. But for a charge beside
 * another that the payment came to: it stays kept, and is no merchant's to refund.
 */
bool ruling_frees_reserve(const struct ruling_case *about, enum payment_ruling ruling,
                          const struct ruling_attempt *attempt);
/*
 * What is held stays so, and is asked about again at once: while its reversal was open nobody could ask
 * whether it is held at all, and from now on its provider alone ends it.
 */
bool ruling_looks_again(const struct ruling_case *about, enum payment_ruling ruling);
/* Of an attempt in this state a person says nothing new: only a final one that was charged. */
bool ruling_is_said_before(enum attempt_state state, enum outcome told);

struct ruling_mismatch { /* zero, then each outcome of an attempt in its order */
    bool is_approved;
    bool is_told;
    bool was_seen;
    bool is_known; /* a person confirmed the other amount, or was asked of it since it is booked */
};
/* What a person confirmed without having heard of the other amount is news to him, once. */
void ruling_mismatch_add(struct ruling_mismatch *mismatch, enum outcome outcome, bool is_told,
                         bool names_other_amount);

enum reversal_step {
    REVERSAL_WAIT = 0, /* not decided */
    REVERSAL_DONE,
    REVERSAL_AGAIN,   /* it surely did not work: another operation */
    REVERSAL_GIVE_UP, /* ... and there were enough: a person must look */
};
/* `tries` surely did not work before this one, whose operation is in `status`. */
enum reversal_step ruling_reversal(enum payment_status status, int32_t tries, int32_t try_max);

#endif

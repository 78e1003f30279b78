/*
 * rows.h - what outlives a worker: the store's rows, the providers' books, and what clients saw. The
 * checker reads nothing else.
 */
#ifndef SIM_ROWS_H
#define SIM_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "payment/orchestrate.h"
#include "payment/ruling.h"

#define NONE     UINT32_MAX
#define MS       1000LL
#define SEC      1000000LL
#define EPOCH_US (1000000 * SEC) /* wall clock when the world begins */

enum {
    WORKER_MAX = 6,
    HOST_MAX = 2,
    PROVIDER_MAX = 4,
    MERCHANT_MAX = 4,
    ATTEMPT_MAX = 4,
    EVENT_TIMES = 8,
    KEY_MAX = 4, /* idempotency keys that one order uses, one after the other */
};

/* ---- rows: what the store holds -------------------------------------------------------------- */

enum step { STEP_CHARGE = 0, STEP_SESSION, STEP_CONTINUE /* after the payer's consent */ };

struct send_row {
    bool exists;
    bool moves_money;
    enum step step;
    int64_t created_us; /* wall clock of the writer */
    int64_t committed_at;
};

struct outcome_row {
    uint32_t next; /* of the same attempt, by number */
    int16_t number;
    int16_t send_number;
    enum outcome outcome;
    bool left;
    bool announces;
    bool is_resumed;  /* written by a look, not by the holder */
    bool is_told;     /* by a person's word */
    bool is_mismatch; /* its answer named another amount */
    int64_t created_us;
    int64_t committed_at;
};

struct park_row {
    bool exists;
    int64_t next_us;
    int64_t lease_until_us;
    int64_t parked_us;
    int32_t tries;
    int64_t epoch;    /* of the claims on this row; a new row begins at 0, as in the ledger */
    bool is_recheck;  /* final, and to be looked up again */
    bool is_canceled; /* the merchant wants it back ... */
    int64_t canceled_us;
    bool was_canceled; /* ... and the claim said so */
    int64_t claimed_at;
    uint16_t version; /* of what is on the heap for it */
};

enum resolved_by {
    RESOLVED_BY_NOBODY = 0,
    RESOLVED_BY_PERSON,
    RESOLVED_BY_PROOF,
    RESOLVED_BY_REVERSAL,
};

struct review_row { /* a case: one of a kind for each attempt */
    uint32_t next;  /* of the same attempt, + 1; 0: none */
    uint32_t payment;
    uint8_t attempt; /* index */
    enum review_kind kind;
    enum review_state state;
    int64_t epoch;
    int64_t opened_at;
    enum resolved_by resolved_by;
    enum payment_ruling ruling;
    bool is_lie;
    unsigned verdicts;  /* since it was opened */
    bool was_confirmed; /* when it was opened, a person had said that it was charged */
    int64_t decided_at;
    int32_t event_number; /* of the event that says who, and why */
    uint32_t reversal;    /* the order that is to give it back */
};

struct told_case {   /* a person's answer on its way into the store */
    uint32_t review; /* + 1; 0: none */
    uint32_t epoch;
    enum payment_ruling ruling;
    bool is_lie;
    bool frees;       /* what was reserved for a reversal */
    bool looks_again; /* at what is held */
};

struct limits_row {
    int64_t authorized, captured, capture_open, refunded, refund_open;
    int64_t held;       /* by the hold that they are of */
    uint8_t held_whole; /* ... as attempt n authorized it, from 1; 0: a rest of that */
    int64_t held_since;
    bool hold_has_ended; /* the provider was believed to hold it no longer */
    int64_t hold_known_at;
    int64_t decided_at; /* when an operation on it was decided last */
    int64_t freed_at;   /* when a person accepted what was to be given back */
};

struct decision_row {  /* of an attempt, where its payment is decided anew */
    uint8_t bound;     /* so many attempts in all, it says; 0: it does not say */
    bool names_nobody; /* the attempt is recorded, and is the last */
    bool declines;     /* ... because the rules decline the payment */
};

struct attempt_row {
    bool exists;
    struct decision_row decision;
    bool is_reserved; /* for its reversal */
    bool is_late;     /* an authorization that came late: it has limits of its own */
    struct limits_row late;
    uint32_t cases; /* the newest, + 1; 0: none */
    uint8_t provider;
    uint32_t writer;
    struct send_row send[ORCHESTRATE_SEND_MAX];
    uint32_t first_outcome, last_outcome;
    int16_t outcome_count;
    bool has_final_outcome;
    uint8_t pending_reason; /* of the newest row that says pending */
    int64_t action_expires_us;
    int64_t opened_at;
    struct park_row park;
};

struct sums { /* of the operations on a payment, added up by the checker */
    int64_t captured, voided, refunded, reversed; /* by the books */
    unsigned reversals_done, reversals_not;       /* by rows */
    unsigned reserves_done;              /* ... of what was reserved in the payment's own limits */
    unsigned late_done[ATTEMPT_MAX];     /* ... of what has limits of its own */
    int64_t late_held[ATTEMPT_MAX];      /* ... by transfers: pending, and not voided */
    int64_t open_captures, open_refunds; /* by rows: not decided */
    int64_t done_captures, done_voids, done_refunds; /* by rows: succeeded */
    int64_t held;                                    /* by transfers: pending, and not voided */
};

/* Appended, never changed. */
enum transfer_state { TRANSFER_POSTED = 0, TRANSFER_PENDING, TRANSFER_VOIDED };

struct transfer_row {
    uint32_t payment;
    enum transfer_state state;
    bool is_rest;           /* of a hold, after its first: what it was, and what is left */
    uint8_t late;           /* attempt, from 1, of a hold that came late; 0: it did not */
    uint16_t debit, credit; /* accounts */
    int64_t amount;
};

static inline uint64_t transfer_hash(uint64_t hash, const struct transfer_row *row)
{
    const uint64_t parts[] = {row->payment, (uint64_t)row->state,
                              (uint64_t)row->debit << 16 | row->credit, (uint64_t)row->amount};
    for (int i = 0; i < 4; i++)
        hash = (hash ^ parts[i]) * 0x100000001b3u;
    return hash;
}

/* Accounts of the books: what a provider owes us, what we owe a merchant. */
static inline uint16_t account_of_provider(uint8_t provider)
{
    return provider;
}
static inline uint16_t account_of_merchant(uint8_t merchant)
{
    return (uint16_t)(PROVIDER_MAX + merchant);
}
#define ACCOUNT_COUNT (PROVIDER_MAX + MERCHANT_MAX)

struct payment_row {
    bool exists;
    uint8_t merchant; /* whose key asked for it */
    uint32_t order;
    uint8_t key; /* which of the order's keys */
    uint8_t fingerprint;
    uint8_t try_number;
    uint32_t request; /* the request that opened it */
    uint32_t writer;
    enum operation operation;
    int64_t amount;
    int64_t opened_at;
    int64_t final_at;
    enum payment_status status; /* as its own attempts say */
    enum payment_status shown;  /* of its newest event, those of its operations among them */
    int32_t event_count;
    int64_t event_at[EVENT_TIMES]; /* when the newest were written */
    bool has_answer;
    enum payment_status answer_status;
    uint64_t answer_bytes; /* stands for the stored bytes */
    int64_t posted;        /* sum of its posted transfers */
    bool needs_review;
    bool is_lied; /* a person said of it, or of an operation on it, what was not so */
    bool is_canceled;
    int64_t canceled_at;
    bool is_taken_back;  /* canceled, and approved all the same: to be reversed, too */
    int64_t late_posted; /* posted although it had ended without it: to be reversed */
    int64_t late_held;   /* ... of it, authorized: in limits of their own */
    int64_t reserved;    /* of its limits, for reversals */
    uint8_t reversal_of; /* attempt of the parent, counted from 1, that is taken back; 0: none */
    bool is_unreserved;  /* ... and a person said that it was charged: nothing is kept for it */
    enum payment_status then; /* of the parent, once it is; PROCESSING: as it was */
    uint32_t parent;          /* of a capture, void or refund: the payment; else NONE */
    bool is_given_back;       /* ... its sum, to the payment's limits */
    uint32_t capture;         /* of a refund: the capture that it is taken of; else NONE */
    uint32_t first_capture, next_capture; /* done ones of a payment */
    struct limits_row limits; /* of a payment that was approved, of a capture that was done */
    struct attempt_row attempt[ATTEMPT_MAX];
};

static inline uint8_t last_attempt(const struct payment_row *payment)
{
    uint8_t last = 0;
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        if (payment->attempt[at].exists)
            last = at;
    return last;
}

/* ---- books: what a provider holds under one attempt's key ------------------------------------ */

enum book_state {
    BOOK_NONE = 0,
    BOOK_WORKING, /* accepted, takes effect at effect_at, and says nothing of it */
    BOOK_PENDING, /* accepted, says so, decides at effect_at */
    BOOK_ASKED,   /* inert: the payer consents at effect_at, or never */
    BOOK_CONSENT, /* inert: waits for a further send */
    BOOK_DONE,
};

struct book {
    enum book_state state;
    enum outcome outcome; /* of DONE */
    enum outcome effect;  /* what WORKING or PENDING becomes */
    enum outcome pending_word;
    enum outcome first_answer;
    int64_t effect_at;
    int64_t key_at; /* first use of the key */
    int64_t last_arrival;
    int64_t net;
    int64_t charged_at; /* first time that money moved */
    uint8_t captures;
    bool mismatch;
    bool was_late;
    bool was_canceled;     /* by us */
    bool is_late;          /* paid after it was declined */
    bool is_voided;        /* of what was authorized: all that was not captured */
    int64_t hold_ended_at; /* ... by its provider; 0: not */
    int64_t captured;
    int64_t accepted_at; /* of an operation: when the provider took it on */
    uint8_t pending_reason;
    bool was_asked;
    uint8_t continued; /* the newest send that went on, and was executed; 0: none */
    enum outcome continued_answer;
    int64_t continued_at;
    uint32_t first_entry, last_entry;
};

enum call_kind { CALL_FIRST = 0, CALL_REPEAT, CALL_LOOKUP, CALL_CANCEL }; /* as send kinds */

struct entry { /* one request, as the wire and the provider saw it */
    uint32_t next;
    uint8_t send_number;
    enum call_kind kind;
    enum step step;
    uint8_t merchant; /* whose account at the provider it went to */
    bool arrived;
    bool delivered; /* the answer reached a living worker */
    bool whole;
    bool not_found;
    bool duplicate;
    bool may_send_again;
    bool answers_key;
    bool mismatch;
    bool is_inert;
    enum outcome outcome;
    int64_t begun_at; /* when its worker took or claimed the payment */
    int64_t started_at, arrived_at, delivered_at;
};

/* ---- clients --------------------------------------------------------------------------------- */

enum told {
    TOLD_NOTHING = 0,
    TOLD_FINAL,
    TOLD_PROCESSING,
    TOLD_CONFLICT,    /* 409: a live worker holds the key */
    TOLD_OTHER_BODY,  /* 422 */
    TOLD_REFERENCE,   /* 409: the reference has a payment */
    TOLD_UNAVAILABLE, /* 503: nothing was written */
    TOLD_OUTCOME_PENDING,
    TOLD_LIMIT, /* 409: the payment has not so much left; nothing was written */
    TOLD_COUNT,
};

struct request {
    uint32_t order;
    uint8_t key;
    uint8_t fingerprint; /* of the body: 0 is the order's own */
    bool is_closed;      /* answered, or the connection is gone */
    uint32_t worker;
};

struct log_line { /* what a client saw, whether or not the reply reached it */
    uint32_t request;
    uint32_t payment;
    enum told told;
    enum payment_status status;
    uint64_t bytes;
    int64_t at;
};

struct order { /* what a client of a merchant wants */
    uint8_t merchant;
    uint32_t local; /* number among the merchant's: keys and references of merchants look alike */
    int64_t amount;
    bool has_reference;
    enum operation operation;
    uint32_t parent;     /* the payment that is captured, voided or refunded; else NONE */
    uint8_t reversal_of; /* asked for by ourselves: see struct payment_row */
    bool has_followers;
    uint8_t key; /* in use */
    uint16_t repeats;
    uint32_t generation;
    bool is_done;
    uint8_t key_requests[KEY_MAX];
    uint8_t key_unavailable[KEY_MAX];
};

#endif

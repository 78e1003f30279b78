/*
 * orchestrate.h - how a payment proceeds: a pure step, no I/O, no clock, no allocation.
 *
 *     orchestrate_step(state, event) -> action
 *
 * The driver (driver.c in production, tests/sim in the simulator) performs the action and comes back with
 * what happened as the next event. One step asks for a transaction OR a send, never both; an action may
 * also say that the client is to be answered now.
 *
 *        begin
 *          |  WRITE open                       (idempotency + payment + attempt + send, one commit)
 *          v
 *       OPENING --unknown--> PROBING
 *          |  SEND
 *          v
 *       SENDING --facts--> RECORDING (WRITE record: facts + next send) --SEND--> SENDING
 *          |                                   ^
 *          |  soft decline or failure, and the failover rule holds
 *          +-------> SWITCHING (WRITE switch: close A, open B) --SEND--> SENDING
 *          |  approved | declined | failed | pending | unknown
 *          v
 *       CLOSING (WRITE close: outcome + transfers + event + answer, or park) --reply--> ENDED
 *
 * THE RULE (design section 4). Fail over from attempt a only if, counting sends that move money,
 *   (i)   none of them left, and this worker held them all; or
 *   (ii)  each that left was answered by a definite soft decline or failure; or
 *   (iii) the provider confirmed the cancel of a.
 * Otherwise a is UNKNOWN and the payment waits: no table, setting or timer leads out of it.
 *
 * A resumed attempt (orchestrate_resume: crash, time-out) proceeds only towards success, end or review. A
 * definite decline or failure, or "not found", got by repeating the key or by lookup may END the payment,
 * and only after the settling time of the last send that may have left; it never fails over.
 */
#ifndef PAYMENT_ORCHESTRATE_H
#define PAYMENT_ORCHESTRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/terms.h"
#include "payment/attempt.h"
#include "payment/plan.h"

enum {
    ORCHESTRATE_CANDIDATE_MAX = 16,
    ORCHESTRATE_SEND_MAX = 8, /* sends of one attempt */
};

/* How a provider answers the same key again; mirrors enum provider_replay (static_assert in driver.c). */
enum orchestrate_replay {
    REPLAY_NONE = 0,
    REPLAY_FIRST_ANSWER,
    REPLAY_LATEST_STATE,
    REPLAY_DUPLICATE,
};

struct orchestrate_candidate { /* in the order to try */
    enum orchestrate_replay replay;
    bool can_lookup;
    int64_t key_lifetime_us; /* 0: for ever */
    int64_t settle_us;
};

struct orchestrate_limits {
    int64_t send_window_us;   /* a send may leave this long after it was committed to memory (not_after) */
    int64_t answer_us;        /* the client waits this long, then 202 */
    int64_t call_us;          /* a provider call ends by then (engine's answer time-out) */
    int64_t lease_us;         /* CHECKed: send_window + call < lease, answer < lease */
    int64_t write_retry_us;   /* first pause before a rolled-back CLOSE is written again; doubles to 1 s */
    int64_t resolve_first_us; /* 2 s: first look at an unknown attempt */
    int64_t resolve_max_us;   /* 5 min: longest pause between two looks */
    int64_t review_after_us;  /* 24 h in UNKNOWN, then a person must look */
    uint8_t attempt_max;      /* 3 providers tried per payment */
    uint8_t again_max;        /* 1: further sends of one attempt after FAILED with may_send_again */
};

enum orchestrate_phase {
    PHASE_NEW = 0,
    PHASE_OPENING,
    PHASE_SENDING,
    PHASE_RECORDING,
    PHASE_SWITCHING,
    PHASE_CLOSING,
    PHASE_PROBING,
    PHASE_WAITING, /* before a write is repeated, or before a probe is repeated */
    PHASE_ENDED,
    PHASE_COUNT,
};

enum orchestrate_event_kind {
    EVENT_BEGIN = 0,   /* candidates known (at least one) */
    EVENT_WRITTEN,     /* result of WRITE or PROBE */
    EVENT_ANSWERED,    /* result of SEND */
    EVENT_TIMER,       /* the WAIT is over */
    EVENT_DEADLINE,    /* the client has waited answer_us */
};

/* Mirrors enum store_result (static_assert in driver.c). */
enum orchestrate_write {
    WRITE_COMMITTED = 0,
    WRITE_KEY_TAKEN,
    WRITE_REFERENCE_TAKEN,
    WRITE_LIMIT_EXCEEDED,
    WRITE_FENCED,
    WRITE_ROLLED_BACK,
    WRITE_UNAVAILABLE,
    WRITE_UNKNOWN,
};

struct orchestrate_answer { /* judged by the adapter, or by the engine's end */
    bool left;              /* false: no byte of this send left */
    bool whole;             /* a whole answer came and was judged */
    enum outcome outcome;   /* NONE: facts only, go on with the next send. Whole answers only */
    bool amount_mismatch;   /* amount, currency or reference differ from what was sent: never success */
    bool not_found;
    bool duplicate;
    bool may_send_again;
    bool next_moves_money;  /* outcome NONE: the adapter's next send moves money */
    bool next_refused;      /* outcome NONE or switch: the adapter cannot express it: attempt FAILED */
};

struct orchestrate_event {
    enum orchestrate_event_kind kind;
    int64_t now_us; /* wall clock of this host, for stored times; the driver guards against steps */
    enum orchestrate_write write;
    struct orchestrate_answer answer;
};

enum orchestrate_action_kind {
    ACTION_NONE = 0, /* wait for the next event */
    ACTION_WRITE,
    ACTION_PROBE,    /* ask for the fate of the last WRITE */
    ACTION_SEND,     /* the send that was committed last (or, resumed: repeat or lookup) */
    ACTION_WAIT,     /* until wait_us from now, then EVENT_TIMER */
    ACTION_END,      /* forget this payment */
};

enum orchestrate_send_kind {
    SEND_FIRST = 0, /* the committed request, first time */
    SEND_REPEAT,    /* the identical stored request under the same key */
    SEND_LOOKUP,
};

enum orchestrate_reply {
    REPLY_NONE = 0,
    REPLY_FINAL,       /* the stored answer of this close */
    REPLY_PROCESSING,  /* 202 with the current state */
    REPLY_KEY_TAKEN,   /* look the key up and answer by design section 5 */
    REPLY_REFERENCE_TAKEN,
    REPLY_UNAVAILABLE, /* 503: nothing was written, nothing was sent */
    REPLY_OUTCOME_PENDING, /* 503 outcome_pending: "repeat the same key" */
};

/* What a WRITE contains: the driver fills in the rows. */
struct orchestrate_write_plan {
    bool opens_payment;
    bool opens_attempt;        /* attempt number state->attempt_number on candidate state->candidate */
    bool opens_send;           /* send number state->send_number */
    bool has_outcome;          /* of attempt closed_attempt_number, number outcome_number */
    uint8_t outcome_attempt_number;
    int16_t outcome_number;
    int16_t outcome_send_number;
    enum outcome outcome;      /* NONE: facts recorded */
    bool left;
    bool posts_transfers;      /* approved: by operation */
    bool has_event;
    enum payment_status status; /* after this commit */
    bool stores_answer;
    bool parks;
    int64_t park_next_us;
    bool unparks;              /* resumed only */
    bool needs_review;         /* status REVIEW */
};

struct orchestrate_action {
    enum orchestrate_action_kind kind;
    enum orchestrate_reply reply;  /* performed before kind */
    enum orchestrate_send_kind send;
    int64_t wait_us;
    struct orchestrate_write_plan write;
};

struct orchestrate_send_state {
    bool moves_money;
    bool held;       /* this worker committed and holds it (knows whether it left) */
    bool left;       /* may have left (a send not held counts as left) */
    bool answered;   /* by a definite answer */
    enum outcome outcome;
    int64_t created_us;
};

struct orchestrate_attempt {
    enum attempt_state state;
    uint8_t candidate;
    uint8_t send_count;
    uint8_t again_count;
    int16_t outcome_count;
    struct orchestrate_send_state send[ORCHESTRATE_SEND_MAX];
};

struct orchestrate {
    enum orchestrate_phase phase;
    enum orchestrate_phase resume_phase; /* what PROBING or WAITING goes back to */
    struct plan_position plan;
    enum operation operation;       /* SALE or AUTHORIZE: from the plan */
    bool is_resumed;
    bool is_canceled;               /* by the merchant: never repeat */
    bool client_waits;              /* an answer is still owed */
    uint8_t candidate_count;
    uint8_t attempt_number;         /* current, 1.. */
    struct orchestrate_candidate candidate[ORCHESTRATE_CANDIDATE_MAX];
    struct orchestrate_attempt attempt; /* current */
    bool soft_declined;             /* some attempt was: the payment ends declined, not failed */
    int32_t tries;                  /* resumed: looks so far */
    int64_t unknown_since_us;
    int64_t write_pause_us;
    struct orchestrate_write_plan pending; /* the WRITE in the air */
    struct orchestrate_limits limits;
};

/* A new payment. candidate_count >= 1. */
void orchestrate_init(struct orchestrate *o, const struct orchestrate_limits *limits,
                      enum operation operation, const struct orchestrate_candidate *candidates,
                      size_t candidate_count);

/* An attempt taken over from the ledger: `attempt` as stored (every send not answered counts as left). */
void orchestrate_resume(struct orchestrate *o, const struct orchestrate_limits *limits,
                        enum operation operation, const struct orchestrate_candidate *candidate,
                        const struct orchestrate_attempt *attempt, uint8_t attempt_number,
                        int32_t tries, int64_t unknown_since_us, bool soft_declined_before,
                        bool is_canceled);

/* The one function. The event must fit the phase (CHECKed: a driver's bug, not input). */
void orchestrate_step(struct orchestrate *o, const struct orchestrate_event *event,
                      struct orchestrate_action *action);

/* The failover rule alone, for tests and for whoever reads. */
bool orchestrate_may_fail_over(const struct orchestrate *o);

#endif

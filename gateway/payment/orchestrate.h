/*
 * orchestrate.h - how a payment proceeds: a pure step, no I/O, no clock, no allocation.
 *
 *     orchestrate_step(state, event) -> action
 *
 * The driver (driver.c in production, tests/sim in the simulator) performs the action and comes
 * back with what happened as the next event. One step asks for a transaction OR a send, never both;
 * an action may also say that the client is to be answered now.
 *
 *        begin
 *          |  PREPARE                          (build the first send of the first candidate)
 *          |  WRITE open                       (idempotency + payment + attempt + send, one commit)
 *          v
 *       OPENING --unknown--> PROBING
 *          |  SEND
 *          v
 *       SENDING --facts--> PREPARE, RECORDING  (WRITE record: facts + next send) --SEND--> SENDING
 *          |
 *          |  soft decline or failure, and the failover rule holds
 *          +-------> PREPARE, SWITCHING        (WRITE switch: close A, open B) --SEND--> SENDING
 *          |            | LIMIT_EXCEEDED: the card's budget of retries is spent --> CLOSING (A alone)
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
 * Who is tried next may be decided anew while the first send of a further attempt is PREPAREd
 * (orchestrate_reorder): that THE RULE allows one was settled before, who was tried is passed over, and
 * the bound on attempts only ever gets lower. Where the new decision names nobody, the attempt is
 * recorded as refused, and it is the last.
 *
 * A resumed attempt (orchestrate_resume: crash, time-out) proceeds only towards success, end or
 * review, in one look:
 *
 *       begin --repeat--> ANNOUNCING (WRITE: a repeat may leave) --SEND repeat--> SENDING
 *         |  ---lookup, or cancel----------------------SEND lookup, SEND cancel--> SENDING
 *         |  nothing can have moved, or nobody can be asked                          |
 *         v                                                                          v
 *       CLOSING (WRITE close: end, review, or put back with a later time) <----------+
 *
 * A definite decline or failure, or "not found", got by repeating the key or by lookup may END the
 * payment, and only if the look began after the settling time of every other send or repeat that
 * may have left (what the provider has answered or shown as pending has arrived: there is nothing to
 * wait for); it never fails over. A repeat is announced by a committed row before it leaves, so
 * that whoever takes the attempt over later knows the last moment at which money may still begin to
 * move. "Failed" ends it only when it is the answer to the key (answers_key): a refusal at the door
 * says nothing of earlier sends. Where a provider refuses a key it knows (REPLAY_DUPLICATE), no "no"
 * to a repeat ends it: what forbids the repeat, an empty balance, may be the first send's own doing.
 *
 * The payer may have to act first (REQUIRES_ACTION). Where the provider then waits for a further
 * send of ours (its answers say so: is_inert), a look that finds the payer's consent (may_continue)
 * goes on, with a send of the same attempt under a key of its own:
 *
 *       SENDING --may_continue--> PREPARE, RECORDING (WRITE record: fences, opens the send) --SEND
 *       first--> SENDING --> CLOSING, as after any look
 *
 * That WRITE is the claim holder's alone (it puts the claim back under its epoch, due again when
 * the send must have ended), is refused when the merchant's cancel was noted, and opens only one
 * such send at a time: while one has no answer of its own it is repeated under its key, or looked
 * for. After action_expires_us, or the merchant's cancel, nothing is continued or repeated, and an
 * inert answer of a settled look ends the attempt: nothing has moved, and nobody will move it. So
 * does "not found", if nothing was ever continued: such a provider forgets whom nobody approved. What
 * the provider completes by itself ends by its word alone.
 *
 * The merchant may ask for an accepted attempt to be canceled (payouts). The provider is then told,
 * and asked, in turn, until it says how it ended: canceled, or paid all the same. Its word alone
 * counts, and it is judged like that of a lookup.
 *
 * A person may say what an attempt in review came to (told): it ends as if a lookup had proved it,
 * under the same fence.
 *
 * A final attempt may be looked up again (a recheck): because its provider says that something has
 * happened, or because what was authorized is held for a time only. It is never repeated. What was
 * believed to have failed and is approved is posted, and is for a person to see; what was authorized
 * and is held no longer gives its limits back. Whatever else is said changes nothing.
 * A hold is watched as long as something of it is neither captured nor given up: from the end that its
 * provider names, with longer and longer pauses, until the provider says that it is gone, or, when twice
 * its time is over, by a person: it is never just forgotten. While an operation on it is under way its end
 * is not noted: that one comes first. A hold that came late is an authorization of its own, which the
 * payment's is not part of: once a person lets it be, it is watched like any (ruling_looks_again).
 *
 * Capture, void and refund are operations on a payment: one candidate, no failover, and else the
 * same. `status` is then the operation's. Their sums are guarded by the payment's limits, changed in
 * the same WRITE that opens or ends them; while an outcome is unknown its sum stays open.
 *
 * Fences. Each decision about an attempt (record, switch, close, announcement) carries an outcome
 * row whose number is one above the highest the writer has seen: of two writers who both believe
 * that they hold the attempt, one ends FENCED and stops. Putting back and taking out of
 * `unresolved` carry the claim's epoch.
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
    ORCHESTRATE_SEND_MAX = 8, /* sends of one attempt; repeats are not sends of their own */
    ORCHESTRATE_NOBODY = -1,  /* no candidate is left */
};

enum {
    /* Outcomes of an attempt: one with so many is for a person, before their numbers (int16_t) end. */
    ORCHESTRATE_OUTCOME_MAX = 32000,
};

/* What a provider says of the end of a hold is believed up to here. */
#define ORCHESTRATE_HOLD_MAX_US (366LL * 24 * 3600 * 1000000)

/* clang-format off */
/* How a provider answers the same key again; mirrors enum provider_replay. */
enum orchestrate_replay {
    REPLAY_NONE = 0,
    REPLAY_FIRST_ANSWER,
    REPLAY_LATEST_STATE,
    REPLAY_DUPLICATE,
};

struct orchestrate_candidate { /* in the order to try */
    enum orchestrate_replay replay;
    bool can_lookup;         /* resumed: build_lookup works with the facts that are stored */
    bool can_cancel;         /* resumed: build_cancel does */
    int64_t key_lifetime_us; /* 0: for ever */
    int64_t settle_us;
    int64_t action_us; /* the payer has so long to act; 0: no limit of the provider's */
    bool waits_for_us; /* after the payer's consent; before that, what it asks for is inert */
    int64_t hold_us; /* an authorization holds so long; 0: nobody knows */
};

struct orchestrate_limits {
    int64_t send_window_us;   /* a send may leave this long after its WRITE was asked for */
    int64_t answer_us;        /* the client waits this long, then 202 */
    int64_t call_us;          /* a provider call ends by then (engine's answer time-out) */
    int64_t lease_us;         /* CHECKed: send_window + call < lease, answer < lease */
    int64_t skew_us;          /* 5 s: hosts' wall clocks differ by less; added to settling times */
    int64_t write_retry_us;   /* first pause before a write is repeated; doubles to 1 s */
    int64_t resolve_first_us; /* 2 s: first look at an unknown attempt */
    int64_t resolve_max_us;   /* 5 min: longest pause between two looks */
    int64_t review_after_us;  /* 24 h in UNKNOWN, then a person must look */
    int64_t pending_after_us; /* 7 d: the same for PENDING */
    int64_t payout_max_us;    /* 1 h: longest pause between two looks at a PENDING payout */
    int64_t payout_after_us;  /* 35 d: the same for a PENDING payout: it may lie unclaimed for 30 */
    int64_t action_us;        /* 3 h: the payer has so long to act, or as long as the provider says,
                                 if that is less */
    int64_t action_max_us;    /* 15 s: longest pause between two looks until then */
    uint8_t attempt_max;      /* 3 providers tried per payment */
    uint8_t again_max;        /* 1: further sends of one attempt after FAILED with may_send_again */
};

enum orchestrate_phase {
    PHASE_NEW = 0,
    PHASE_PREPARING, /* the driver builds a request; it comes back at once */
    PHASE_OPENING,
    PHASE_SENDING,
    PHASE_RECORDING,
    PHASE_SWITCHING,
    PHASE_ANNOUNCING, /* resumed: the row before a repeat */
    PHASE_CLOSING,
    PHASE_PROBING,
    PHASE_WAITING, /* before a write is repeated, or before a probe is repeated */
    PHASE_ENDED,
    PHASE_COUNT,
};

enum orchestrate_event_kind {
    EVENT_BEGIN = 0, /* candidates known (at least one) */
    EVENT_PREPARED,  /* result of PREPARE */
    EVENT_WRITTEN,   /* result of WRITE or PROBE */
    EVENT_ANSWERED,  /* result of SEND */
    EVENT_TIMER,     /* the WAIT is over */
    EVENT_DEADLINE,  /* the client has waited answer_us; at any time between WRITE open and END */
    EVENT_KIND_COUNT,
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
    WRITE_RESULT_COUNT,
};

struct orchestrate_prepared { /* provider->next() */
    bool refused; /* the adapter cannot express it: nothing is sent, the attempt FAILED */
    bool declined; /* refused, and by the merchant's rules: the payment ends declined, not failed */
    bool moves_money;
};

/*
 * Judged by the adapter, or by the engine's end. A repeat or lookup that the driver cannot even
 * build (body erased, account gone) is an answer with left = false.
 */
struct orchestrate_answer {
    bool left;            /* false: no byte of this send left, and none will */
    bool whole;           /* a whole answer came and was judged; implies left */
    enum outcome outcome; /* NONE: facts only, go on with the next send. Whole answers only */
    bool amount_mismatch; /* amount, currency or reference differ from what was sent */
    bool not_found;       /* of a lookup */
    bool duplicate;       /* the key was used before: says no outcome */
    bool may_send_again;  /* FAILED for a passing reason */
    bool answers_key;     /* FAILED: it tells what became of the key; false for a refusal at the
                             door (HTTP 401, 403, 408, 425, 429, 5xx) */
    bool is_news;           /* PENDING: for another reason than before, or with new facts */
    bool has_new_facts;     /* duplicate: it named what has the key, which can now be asked for */
    bool is_inert;          /* PENDING, REQUIRES_ACTION: nothing moves before a further send of ours */
    bool may_continue;      /* ... of a lookup: which may leave now, the payer has approved */
    int64_t hold_ends_us;   /* an authorization: held until then, as the provider says; 0: it does not */
};

struct orchestrate_event {
    enum orchestrate_event_kind kind;
    int64_t now_us; /* wall clock of this host, for stored times; the driver guards against steps */
    struct orchestrate_prepared prepared;
    enum orchestrate_write write;
    struct orchestrate_answer answer;
};

enum orchestrate_action_kind {
    ACTION_NONE = 0, /* wait for the next event */
    ACTION_PREPARE,  /* build send `send_number` of attempt `attempt_number` on `candidate`, keep it
                        for the WRITE and SEND to come; EVENT_PREPARED before any other event */
    ACTION_WRITE,    /* `write`; may be asked for again: build the rows again, dated now_us */
    ACTION_PROBE,    /* ask for the fate of the last WRITE */
    ACTION_SEND,     /* `send` of send `send_number` */
    ACTION_WAIT,     /* wait_us from now (add jitter), then EVENT_TIMER */
    ACTION_END,      /* forget this payment */
};

enum orchestrate_send_kind {
    SEND_FIRST = 0, /* the committed request, first time */
    SEND_REPEAT,    /* the identical stored request under the same key */
    SEND_LOOKUP,
    SEND_CANCEL, /* asks for the cancel of the attempt */
};

enum orchestrate_reply {
    REPLY_NONE = 0,
    REPLY_FINAL,      /* the stored answer of this close */
    REPLY_PROCESSING, /* 202 with the current state (201 with requires_action); not stored */
    REPLY_KEY_TAKEN,  /* look the key up and answer by design section 5 */
    REPLY_REFERENCE_TAKEN,
    REPLY_LIMIT_EXCEEDED,  /* an operation: the payment has not so much left; a payment: the card must
                              not be tried again now; nothing was written */
    REPLY_UNAVAILABLE,     /* 503: this request wrote and sent nothing; one before it, under its
                              key, may have */
    REPLY_OUTCOME_PENDING, /* 503 outcome_pending: "repeat the same key" */
};

/* Why an attempt ends, where no answer of the provider says it. */
enum orchestrate_cause {
    CAUSE_ANSWER = 0,
    CAUSE_PAYER_DID_NOT_ACT,
    CAUSE_CANCELED,   /* by the merchant, before the payer's consent was used */
    CAUSE_NOT_WANTED, /* the payment has ended without this attempt */
};

/* What a WRITE contains: the driver fills in the rows. */
struct orchestrate_write_plan {
    bool opens_payment;         /* payment, details, idempotency key, limits row */
    bool opens_attempt;         /* attempt `attempt_number` (of the action) on `candidate` */
    bool opens_send;            /* its send `send_number`, as prepared; not_after: + send_window */
    bool has_outcome;           /* row outcome_number of attempt outcome_attempt_number */
    uint8_t outcome_attempt_number;
    int16_t outcome_number;
    int16_t outcome_send_number; /* 0: none */
    enum outcome outcome;       /* NONE: facts, or a send that did nothing and goes again */
    bool left;
    bool announces_repeat;      /* send outcome_send_number may leave again from now_us on */
    bool posts_transfers;       /* approved: by operation */
    bool has_event;
    bool is_news;               /* the event may be left out when the status stays as it was */
    enum payment_status status; /* after this commit; NONE: unchanged */
    bool stores_answer;         /* the first final answer, under the idempotency key */
    enum orchestrate_cause cause;
    int64_t action_expires_us;  /* outcome REQUIRES_ACTION: until then the payer may act */
    bool parks;                 /* into `unresolved`; resumed: put back under the claim's epoch;
                                   with opens_send: unless a cancel was noted that the claim did not
                                   tell of */
    int64_t park_next_us;
    int32_t park_tries;
    bool rechecks;              /* parked, and yet final: to be looked up again (see above) */
    int64_t hold_ends_us;       /* what is approved is held until then; 0: nobody knows */
    bool ends_hold;             /* approved before; the provider holds it no longer */
    bool unparks;               /* resumed: out of `unresolved` under the claim's epoch */
    bool needs_review;          /* status REVIEW, or approved though the payment had ended */
    enum review_kind review;    /* ... why; NONE: it does not */
    bool is_suspect;            /* rolled back again and again: a text of the provider's may be why;
                                   write its texts as printable ASCII, or leave them out */
};

struct orchestrate_action {
    enum orchestrate_action_kind kind;
    enum orchestrate_reply reply; /* performed before kind */
    uint8_t attempt_number;       /* PREPARE, WRITE, SEND: which attempt, 1.. */
    uint8_t candidate;            /* its index as given to orchestrate_init; resumed: 0 */
    uint8_t send_number;          /* PREPARE, WRITE (opens_send), SEND: 1..; lookup, cancel: 0 */
    enum orchestrate_send_kind send;
    int64_t not_after_us;         /* SEND: wall clock; in truth send_window_us, by the monotonic
                                     clock, after the WRITE was asked for: later it must not leave */
    int64_t wait_us;
    int64_t now_us;               /* WRITE: created_us of the rows */
    struct orchestrate_write_plan write;
};

struct orchestrate_send_state {
    bool moves_money;
    bool held;     /* this worker committed and holds it (knows whether it left) */
    bool left;     /* may have left (a send not held counts as left) */
    bool answered; /* by a definite answer */
    bool arrived;  /* rebuilt: the provider was seen to have it, as pending */
    bool continued; /* inert, and the next send went on with the payer's consent: a key of its own */
    enum outcome outcome;
    int64_t created_us;
};

struct orchestrate_attempt {
    enum attempt_state state;
    uint8_t candidate;
    uint8_t send_count;
    uint8_t again_count;
    int16_t outcome_count; /* highest outcome number */
    bool was_lost; /* rebuilt: an answer was, or a repeat was announced */
    int64_t last_intent_us; /* newest send or announced repeat: what may have left last */
    struct orchestrate_send_state send[ORCHESTRATE_SEND_MAX];
};

/* clang-format on */
/* Rebuild an attempt from its rows: begin, every send by number, every outcome by number. */
void orchestrate_attempt_begin(struct orchestrate_attempt *attempt);
void orchestrate_attempt_add_send(struct orchestrate_attempt *attempt, bool moves_money,
                                  int64_t created_us);
void orchestrate_attempt_add_outcome(struct orchestrate_attempt *attempt, int32_t number,
                                     int32_t send_number, enum outcome outcome, int64_t created_us);

struct orchestrate {
    enum orchestrate_phase phase;
    enum orchestrate_phase resume_phase; /* what PREPARING, PROBING or WAITING leads to */
    struct plan_position plan;
    enum operation operation; /* SALE, AUTHORIZE or PAYOUT: from the plan */
    bool is_resumed;
    bool is_canceled; /* by the merchant: never repeat, never fail over; cancel where possible */
    bool payment_is_final;  /* resumed: the payment ended, or went on, without this attempt */
    bool is_recheck;        /* resumed: what is final is looked up again */
    bool is_held;           /* resumed: ... of what was authorized, not all is captured */
    bool is_in_use;         /* resumed: ... an operation on it is under way */
    bool mismatch_is_known; /* resumed: ... and a person was asked of its other amount */
    bool client_waits;      /* an answer is still owed */
    bool probe_again;       /* WAITING: then PROBE, not WRITE */
    bool was_announced;     /* resumed: the look in the air is a repeat */
    bool is_canceling;      /* resumed: ... is a cancel */
    bool is_continuing; /* resumed: ... is the first send of a new key, after the payer's consent */
    bool is_decided_anew; /* who is tried next, before each further attempt */
    uint8_t candidate_count;
    /* All of them, by index: attempt n is of the nth, order_count are to be tried, then the rest. */
    uint8_t order[ORCHESTRATE_CANDIDATE_MAX];
    uint8_t order_count;
    uint8_t attempt_number; /* current, 1.. */
    struct orchestrate_candidate candidate[ORCHESTRATE_CANDIDATE_MAX];
    struct orchestrate_attempt attempt; /* current */
    bool soft_declined; /* some attempt, or by the rules: the payment ends declined, not failed */
    int32_t tries;      /* resumed: looks so far */
    int64_t unknown_since_us;
    int64_t look_us;           /* resumed: when the look began */
    int64_t settled_us;        /* resumed: a look begun before this proves nothing */
    int64_t action_expires_us; /* 0: the payer was never asked to act */
    int64_t hold_ends_us;      /* 0: as long as the provider holds */
    enum outcome told;         /* resumed: by a person; NONE: look */
    int64_t write_pause_us;
    uint8_t rollback_count;                /* of the WRITE in the air, in a row */
    enum orchestrate_reply pending_reply;  /* owed once the WRITE is committed */
    struct orchestrate_write_plan pending; /* the WRITE in the air */
    struct orchestrate_limits limits;
};

/* CHECKs the relations between limits that the rule rests on. */
void orchestrate_check_limits(const struct orchestrate_limits *limits);

/* A new payment. candidate_count >= 1. First event: BEGIN. */
void orchestrate_init(struct orchestrate *o, const struct orchestrate_limits *limits,
                      enum operation operation, const struct orchestrate_candidate *candidates,
                      size_t candidate_count);
/*
 * Before BEGIN: who is tried next is decided anew before each further attempt. Of the candidates given
 * only the first `first_count` are of the first decision; a later one may name any.
 */
void orchestrate_decide_anew(struct orchestrate *o, size_t first_count);
/*
 * Only while the first send of a further attempt is PREPAREd, of a payment that is decided anew: from
 * this attempt on these are tried, in this order, by their index as given to orchestrate_init. Who was
 * tried before is passed over. attempt_max: of the whole payment; 0, or more than it was: as it was.
 * Returns whom the attempt is for now. ORCHESTRATE_NOBODY: it is still for whom the action named, to be
 * recorded there: the answer must be `refused`, and no attempt follows.
 */
int orchestrate_reorder(struct orchestrate *o, const uint8_t *order, size_t count,
                        uint8_t attempt_max) MUST_USE;

struct orchestrate_resumed { /* an attempt claimed from `unresolved`, as stored */
    struct orchestrate_candidate candidate;
    struct orchestrate_attempt attempt; /* by orchestrate_attempt_begin, _add_send, _add_outcome */
    uint8_t attempt_number;
    int32_t tries;             /* of the claim */
    int64_t unknown_since_us;  /* when it was first parked */
    int64_t action_expires_us; /* as written with the newest REQUIRES_ACTION; 0: none */
    bool soft_declined_before; /* an earlier attempt of this payment was, or it was by the rules */
    bool is_canceled;
    bool is_recheck; /* parked by `rechecks`, or by a notice that says otherwise */
    /* An authorization that was approved, as the payment's books have it. */
    bool is_held;         /* by it, and not all of that is captured */
    bool is_in_use;       /* an operation on it is under way: what is said now may be its doing */
    int64_t hold_ends_us; /* 0: not known: as long as the provider holds */
    /* It is approved, its answers name another amount, and a person has confirmed it, or was asked
     * of it since. */
    bool mismatch_is_known;
    /* Its status is final, or it has a later attempt: status and answer stay as they are; an
     * approval is posted and needs_review. */
    bool payment_is_final;
    /* What a person says it came to; NONE: look. It is in no queue then, and nobody is asked. */
    enum outcome told;
};

/* First event: BEGIN. Never a client; at most one look, then END. */
void orchestrate_resume(struct orchestrate *o, const struct orchestrate_limits *limits,
                        enum operation operation, const struct orchestrate_resumed *resumed);

/* The merchant canceled: from now on neither failover nor repeat. */
void orchestrate_cancel(struct orchestrate *o);

/* The one function. The event must fit the phase (CHECKed: a driver's bug, not input). */
void orchestrate_step(struct orchestrate *o, const struct orchestrate_event *event,
                      struct orchestrate_action *action);

/* The failover rule alone, for tests and for whoever reads. */
bool orchestrate_may_fail_over(const struct orchestrate *o);

#endif

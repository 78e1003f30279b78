/*
 * driver.h - inside the payment module: one payment in this worker's hands, and who does what with
 * it.
 *
 *     driver.c         entry, limits, deadlines, the loop from event to action
 *     driver_request.c what a request asks for, as the payment's first view
 *     driver_payout.c  what is different when money goes out
 *     facts.c          what is known of the payment and of each account, for the router
 *     driver_route.c   decision, and the provider_call of an attempt
 *     driver_again.c   ... before a further attempt, by rules that ask what came before
 *     decision_record.c the decision as it is stored
 *     no_route.c       nobody is left: what is told instead
 *     driver_write.c   rows for the ledger out of a write plan; the answer that is stored with them
 *     driver_send.c    engine sends, judging, health and metrics
 *     driver_operate.c an operation on a payment: what it acts on, and whether it may
 *     driver_hold.c    by which authorization the payment is held now
 *     driver_operation.c its rows: limits, transfers, and its event in the life of the payment
 *     driver_key.c     keys and references that were taken: replay, 409, 202, next try
 *     driver_cancel.c  the merchant wants a payout back
 *     driver_payer.c   until when the payer may act
 *     driver_status.c  which status may be written
 *     decide.c         a person says what an attempt in review came to (ruling.h: what follows)
 *     resolve.c        the same for attempts claimed from `unresolved`
 *     resolve_queue.c  claiming them, and the heartbeat
 *     reversal.c       late successes are claimed, and reversed
 *
 * Two views of the payment are kept. `committed` is what the ledger has: only it is shown while a
 * write is in the air. `planned` is `committed` plus the rows of that write; a commit makes it the
 * committed one. Rows live in arrays that only grow, so that both views share them.
 */
#ifndef PAYMENT_DRIVER_H
#define PAYMENT_DRIVER_H

#include "base/arena.h"
#include "base/list.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "ledger/posting.h"
#include "payment/hash.h"
#include "payment/payment.h"
#include "payment/rest.h"
#include "payment/reversal.h"
#include "payment/vault.h"

enum {
    DRIVE_ARENA_MAX = 64 * 1024 * 1024, /* one that was looked at INT16_MAX times has room */
    DRIVE_TRY_MAX = 8,                  /* rounds for a free (reference, try) */
    DRIVE_LOOKUP_MAX = 4,               /* lookups in a row that only brought facts */
    DRIVE_KEY_MAX = 16 + 256,
};

/* The reason of an outcome that a person told. */
#define DRIVE_TOLD "told_by_operator"
/* ... of one whose answer named another amount or currency than was sent. */
#define DRIVE_MISMATCH "amount_mismatch"

struct drive_candidate {
    const struct merchant_account *account;
    struct str token;
    int64_t expected_fee_minor; /* -1: unknown */
    bool probe;                 /* of a half-open breaker */
    int64_t probe_taken_us;     /* monotonic; 0: not taken, or used by a send */
};

struct drive_answer {       /* what is known of the last send: material of an outcome row */
    uint8_t attempt_number; /* of which attempt; 0: nothing was sent */
    enum outcome outcome;
    struct str code;
    struct str reason;
    struct str reference;
    struct str facts_json;
    struct str debug_id;
    int32_t http_status;
    int64_t fee_minor;
    int64_t elapsed_us;
    struct str advice;      /* of a decline: the network's code; empty: none */
    bool is_mastercard;     /* the card, as the provider says */
    int64_t answered_minor; /* a mismatch: what it said instead; else -1 */
    char answered_currency[4];
};

struct drive_told { /* what a person says of an attempt; alive until `ended` */
    enum outcome outcome;
    int64_t amount_minor; /* that moved; 0: as sent */
    struct str reference; /* the provider's; may be empty */
    struct str data_json; /* of the event: who, why */
    struct store_verdict verdict;
    void (*written)(void *ctx, enum store_result result); /* a write has ended; more may follow */
    void (*ended)(void *ctx);                             /* the drive is gone */
    void *ctx;
};

struct drive_target {         /* kept in the operation's row (routing_json) */
    struct str parent_ref;    /* the provider's id of what it acts on */
    struct str acts_on;       /* the authorization in force, as it was read; not kept */
    bool is_last;             /* capture: the last one */
    bool is_reserved;         /* a reversal: its sum is open since the approval was posted */
    bool is_late;             /* ... of an authorization with limits of its own */
    int64_t let_go_minor;     /* capture, reauthorization: held beyond its sum, let go with it */
    struct uuid attempt_id;   /* a reversal: whose approval is taken back; else zero */
    struct uuid capture_id;   /* a refund: the capture of whose limits it is taken; or zero */
    enum payment_status then; /* of the payment, once approved: PAYMENT_NONE: as its limits say;
                                 PROCESSING: as it was; CANCELED */
    struct str reason;
};

struct drive_view {
    struct store_payment_view payment;
    struct store_attempt_view *attempts; /* attempt_room of them, in the arena */
};

struct drive_rows { /* of one attempt: both views point here */
    struct store_send *sends;
    size_t send_room;
    struct store_outcome *outcomes;
    size_t outcome_room;
    const char *refused_as; /* why it could not be sent: "not_expressible", "busy"; NULL: it was */
    struct str decision_json; /* its own; empty: it is that of the attempt before */
};

struct drive {
    struct payments *payments; /* borrowed */
    struct link in_hand;
    struct link looking;    /* resumed: with the resolver */
    struct link waiting;    /* for the deadline; in order of deadlines */
    int64_t started_us;     /* wall */
    int64_t deadline_us;    /* monotonic */
    int64_t wall_offset_us; /* wall minus monotonic clock when it began: no step is seen within */
    int64_t lift_us;        /* fresh: it is dated so much later than the wall clock said */
    int64_t guard_us;       /* resumed: a step of the wall clock that the core is not told of */
    struct arena arena;
    struct merchant *merchant; /* held */
    payment_done_fn done;      /* NULL: answered, or nobody asks */
    void *ctx;
    struct str request_id;
    struct str description;
    struct str return_url;
    struct str cancel_url;
    struct str customer_id;
    const struct currency *currency;
    enum operation operation;
    const struct provider_beneficiary *beneficiary; /* payout; in the arena */
    struct uuid given_id;                           /* the payment's, known before; or zero */
    struct drive_target target; /* an operation: what it acts on; in the arena */
    struct drive_asked {        /* ... and what the merchant asked for */
        struct uuid capture_id; /* a refund of this one alone; zero: of any */
        int64_t amount_minor;   /* 0: all that is left */
    } asked;

    bool is_resumed;
    bool is_order; /* no client waits for it: accounts that rest are left alone */
    bool is_held;  /* opened here: found by its key */
    bool has_timer;
    bool has_request; /* `request` is built for the attempt's next send */
    UT_hash_handle hh;
    size_t hash_key_len;
    char hash_key[DRIVE_KEY_MAX]; /* merchant, idempotency key */

    struct orchestrate core;
    struct drive_candidate candidate[ORCHESTRATE_CANDIDATE_MAX];
    size_t candidate_count;
    size_t first_count; /* of them in the first decision; a later one may name any */
    const struct payment_request *again; /* in the arena; NULL: nothing is decided anew */
    uint8_t tries_max;                   /* of the rule; 0: it does not say */
    int64_t
        failover_until_us; /* monotonic: no further account is tried later; 0: the rule does not say */
    struct rulebook_pick rules; /* that decide; the merchant holds them */
    size_t attempt_room;
    struct drive_view committed;
    struct drive_view planned;
    struct drive_rows *rows; /* attempt_room of them, in the arena */

    /* The attempt that is prepared or sent. */
    struct provider_call call;
    struct provider_facts facts;
    struct provider_facts learned; /* in this look or send */
    struct provider_request request;
    struct str refusal;     /* what the adapter said when it refused last; empty: it did not */
    struct str body_sealed; /* of the request, for send sealed_number */
    struct uuid attempt_id;
    uint8_t attempt_number;
    uint8_t attempt_candidate;
    uint8_t sealed_number; /* 0: not yet */

    /* The send in the air, or just answered. */
    uint8_t lookup_count;
    enum provider_step send_step;
    enum orchestrate_send_kind send_kind;
    struct engine_send *send;
    struct health_entry *health;
    struct bulkhead_seat seat; /* at the account of the current attempt */
    struct drive_answer answer;

    /* The write in the air. */
    struct orchestrate_write_plan plan;
    int64_t write_us; /* monotonic, when it was asked for */
    int64_t write_wall_us;
    bool is_writing;
    struct store_ticket ticket;
    struct arena write_arena; /* what a WRITE that is asked for again may build again */
    struct str answer_body;

    struct loop_timer timer;
    unsigned try_rounds;
    unsigned choose_rounds;
    unsigned key_rounds;
    struct store_claimed claim;    /* resumed */
    const struct drive_told *told; /* resumed: by a person; else NULL */

    /* A refusal that waits for the next tick, or for the key to be looked up. */
    struct str problem_detail;
    enum message problem;
    int retry_after_s;
};

struct resolver {
    struct loop_timer claim_timer; /* each resolve_interval_ms */
    struct loop_timer beat_timer;  /* each second */
    struct link looking;           /* claimed attempts in hand */
    size_t running;                /* of them */
    size_t ended_count;            /* ... done with since the last claim */
    bool may_be_more;              /* the last claim found some */
    bool is_claiming;
    bool is_adopting;
    bool is_beating;
    bool is_counting;
    bool is_clock_off; /* too far from the database's: nothing is taken over */
    int64_t look_us;   /* monotonic: when to adopt and count next */
    int64_t last_mono_us;
    int64_t last_wall_us;
    int64_t guard_us;       /* a forward step of the wall clock, not yet believed */
    int64_t guard_until_us; /* monotonic */
    struct arena claim_arena;
    struct metrics_series *unresolved;
    struct metrics_series *unresolved_oldest;
};

struct rollup { /* of balances, and of service levels */
    struct loop_timer timer;
    bool is_rolling;
    int64_t left; /* the round's */
    struct loop_timer level_timer;
    bool is_rolling_levels;
    struct loop_timer measure_timer;
    bool is_measuring;
    int64_t measured_us; /* monotonic: when it was asked last */
    struct arena measure_arena;
};

struct payments {
    struct payments_config config;
    struct payments_parts parts;
    struct vault vault;
    struct rests *rests; /* owned */
    struct rng rng;
    struct link in_hand; /* oldest first */
    size_t in_hand_count;
    struct link waiting;
    struct drive *by_key; /* hash of those that are held */
    int64_t watermark_us; /* wall: the highest that the ledger was told */
    struct loop_timer deadline_timer;
    struct loop_timer soon_timer;
    struct link soon; /* refusals for the next tick: drives linked by `waiting` */
    bool is_draining;
    struct link deciding;  /* decisions of cases, not yet answered, or still being written */
    struct link operating; /* operations that are still reading what they act on */
    struct link canceling; /* requests for a cancel, not yet answered */
    size_t canceling_count;
    struct metrics_series *in_flight;
    struct resolver resolver;
    struct rollup rollup;
    struct reversals reversals;
};

/* ---- driver.c ---- */
struct drive *drive_new(struct payments *payments, struct merchant *merchant);
void drive_free(struct drive *drive);
int64_t drive_wall_us(const struct drive *drive);
/* Step the core and do what it asks, until it waits. The drive may be freed when this returns. */
void drive_step(struct drive *drive, const struct orchestrate_event *event);
void drive_begin(struct drive *drive);
void drive_reply(struct drive *drive, const struct payment_reply *reply);
void drive_reply_problem(struct drive *drive, enum message problem, struct str detail,
                         const struct uuid *payment_id, int retry_after_s);
/* The state of `payment`: 201 or 202. */
void drive_reply_state(struct drive *drive, const struct store_payment_view *payment);
/* The client is answered by its deadline, come what may. */
void drive_wait_for_deadline(struct drive *drive);
/* Answer with the refusal in the drive at the next tick, then free it. */
void drive_refuse_soon(struct drive *drive);

/* ---- driver_request.c ---- */
void drive_take_request(struct drive *drive, const struct payment_request *request);
/* By which it is found when the same merchant repeats the key. */
void drive_name_key(struct drive *drive, struct str key);
/* A payment id and an empty view for try `try_number`. */
void drive_open_view(struct drive *drive, int32_t try_number);
void drive_seal_tokens(struct drive *drive);

/* ---- driver_payout.c ---- */
enum id_kind drive_id_kind(const struct store_payment *row);
/* "/v1/payouts/pyt_..." */
struct str drive_location(const struct store_payment *row, struct arena *arena);
const struct provider_beneficiary *
drive_copy_beneficiary(const struct provider_beneficiary *beneficiary, struct arena *arena);
/* What of a beneficiary may be shown, as JSON. */
struct str drive_show_beneficiary(const struct provider_beneficiary *beneficiary,
                                  struct arena *arena);
/*
 * The status that the core means, in the words for a payout whose newest outcome has this reason.
 * What comes back after the merchant's cancel is canceled.
 */
enum payment_status drive_payout_status(const struct orchestrate_write_plan *plan,
                                        struct str reason, bool is_canceled);

/* ---- driver_route.c ---- */
/* Candidates, decision, first request. False: the refusal is in the drive. */
bool drive_route(struct drive *drive, const struct payment_request *request);
/* The request for send `send_number` of the action's attempt: the adapter's next. */
void drive_prepare(struct drive *drive, const struct orchestrate_action *action,
                   struct orchestrate_prepared *prepared);
void drive_fill_call(struct drive *drive, const struct drive_candidate *candidate,
                     const struct uuid *attempt_id);
/* Take the probe of a half-open breaker for this candidate, if it needs one. */
bool drive_take_probe(struct drive *drive, struct drive_candidate *candidate);
void drive_return_probes(struct drive *drive);
struct orchestrate_candidate drive_core_candidate(const struct drive_candidate *candidate);

/* ---- driver_again.c ---- */
struct routing;
/* After the first decision: what later ones need is kept, if the rules ask what came before. */
void drive_expect_again(struct drive *drive, const struct payment_request *request,
                        const struct routing *routing);
/*
 * Decide before the further attempt that the core asks to be prepared. NULL: it is for *candidate now;
 * else nobody is left, and this is why: the attempt is recorded, nothing is sent, and none follows.
 */
const char *drive_decide_again(struct drive *drive, const struct orchestrate_action *action,
                               uint8_t *candidate);

/* ---- driver_operate.c ---- */
/* From the operation's row; false: it cannot be read. */
bool drive_read_target(struct drive *drive);
/*
 * The opening of a refund did not find the room that was there when its capture was chosen: others
 * were quicker. True: nothing is written, and it is chosen again; the drive may be freed.
 */
bool drive_choose_again(struct drive *drive);
void driver_operate_release(struct payments *payments);

/* ---- driver_hold.c ---- */
/*
 * The provider's id of the authorization that is in force now for what this attempt was approved to
 * hold: its own (empty: nobody has named it), or that of its newest reauthorization. False: the
 * payment is not held by this attempt. `attempt` is one of payment->attempts.
 */
bool drive_find_hold(const struct store_payment_view *payment,
                     const struct store_attempt_view *attempt, struct str *reference) MUST_USE;
/* What a WRITE posts is an authorization that came late. */
bool drive_comes_late(const struct orchestrate_write_plan *plan, enum operation operation);
/* What would change at the payment changes at this late authorization: `limits` is left with nothing. */
void drive_put_late(const struct uuid *attempt_id, struct store_limits *limits,
                    struct store_limits *late);
/* The provider named this id when it approved the attempt. */
bool drive_was_approved_as(const struct store_attempt_view *attempt, struct str reference);

/* ---- driver_operation.c ---- */
struct drive_operation_rows {
    struct store_limits limits;
    struct store_limits room; /* of the capture, or the late authorization */
    struct store_parent parent;
    struct store_hold hold;
    bool has_limits, has_room, has_hold;
    bool has_posting;
    enum posting_phase phase;
};
/* What a WRITE of an operation changes at its payment; now_us dates the rows. */
void drive_operation_rows(struct drive *drive, const struct orchestrate_write_plan *plan,
                          int64_t now_us, struct drive_operation_rows *rows);
/*
 * Whether a late success that was posted by this outcome has its sum reserved for the reversal: what a
 * person told has not, it may be of another sum.
 */
bool drive_is_reserved(const struct store_outcome *outcome);
/* The same of an authorization that is held no longer. */
void drive_expiry_rows(struct drive *drive, int64_t now_us, struct drive_operation_rows *rows);

/* ---- driver_write.c ---- */
/* Why the attempt that the plan ends came to this outcome, as its row will say. */
struct str drive_reason(const struct drive *drive, const struct orchestrate_write_plan *plan);
void drive_write(struct drive *drive, const struct orchestrate_action *action);
void drive_probe(struct drive *drive);
void drive_view_init(struct drive *drive, size_t attempt_room);
/* Room for so many rows of attempt `index`; pointers in both views are brought up to date. */
void drive_reserve(struct drive *drive, size_t index, size_t send_count, size_t outcome_count);

/* ---- driver_send.c ---- */
void drive_send(struct drive *drive, const struct orchestrate_action *action);
void drive_send_stop(struct drive *drive);
/*
 * What the end of a send says of the provider's health. That it is still at work on a repeated
 * request, or knows its key, says that it is well.
 */
enum health_event drive_health_event(enum provider_step step, const struct engine_result *result,
                                     const struct provider_judgement *judgement);

/* ---- driver_key.c ---- */
struct drive *drive_find_held(struct payments *payments, const struct drive *drive);
void drive_hold_key(struct drive *drive);
void drive_release_key(struct drive *drive);
/* True when the request repeats one in hand here: answered with 409 or 422. */
bool drive_refuse_repeat(struct drive *drive);
/* Answer from the ledger; without such a key, with the refusal in the drive. Frees it in the end.
 */
void drive_answer_key(struct drive *drive);
void drive_answer_reference(struct drive *drive);

/* ---- driver_payer.c ---- */
/* The facts of an outcome that asks the payer to act, with the time until when. */
struct str drive_add_expiry(struct drive *drive, struct str facts_json, int64_t expires_us);
/* The time of the newest such outcome; 0: there is none. */
int64_t drive_read_expiry(const struct store_attempt_view *attempt);

/* ---- driver_status.c ---- */
/* The planned view gets this status, unless it may not follow (status.h): logged, and false. */
bool drive_move_status(struct drive *drive, enum payment_status to);

/* ---- driver_cancel.c ---- */
void driver_cancel_release(struct payments *payments);

/* ---- decide.c ---- */
void decide_release(struct payments *payments);

/* ---- resolve.c ---- */
/* Its provider known here; NULL when the account is gone. */
const struct merchant_account *drive_find_account(const struct merchant *merchant,
                                                  const struct uuid *account_id);
/* Everything that answers taught, in their order; the strings in arena. */
void drive_read_facts(const struct store_attempt_view *attempt, struct arena *arena,
                      struct provider_facts *known);
void resolve_take_on(struct payments *payments, const struct store_claimed *claimed);
/* End an attempt that nobody else holds as a person says. */
void resolve_tell(struct payments *payments, const struct store_claimed *attempt,
                  const struct drive_told *told);

/* ---- resolve_queue.c ---- */
/* Claim in the next tick. */
void resolver_wake(struct payments *payments);
/* A claimed attempt is done with. */
void resolver_ended(struct payments *payments, struct drive *drive);
void resolver_init(struct payments *payments);
void resolver_release(struct payments *payments);

/* ---- rollup.c ---- */
void rollup_init(struct payments *payments);
void rollup_release(struct payments *payments);

#endif

/*
 * sim.h - the simulator: the production core in a world of fakes, driven by a heap of events.
 *
 *     clients --requests--> workers (core + thin driver) --bundles--> store (rows, group commit)
 *        ^                     |   ^                                     |
 *        +------replies--------+   +--calls, answers--> providers (books of their own)
 *
 * A world is one seed: its faults, limits, providers and clients are drawn from it, some classes of
 * faults switched off (swarm). Faults stop at `stop_at`; the world then runs until nothing is left
 * to happen, and check.c judges it by the books, the store's rows and the clients' log alone. Same
 * seed, same events, same trace hash. Time is virtual and in microseconds; nothing here reads a
 * clock or the environment.
 *
 * One payment's slot is made when a worker takes a request; its rows exist once the store committed
 * them. All references are indices (NONE: none), so that vectors may grow and a trace is readable.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "payment/orchestrate.h"

#define NONE     UINT32_MAX
#define MS       1000LL
#define SEC      1000000LL
#define EPOCH_US (1000000 * SEC) /* wall clock when the world begins */

enum {
    WORKER_MAX = 6,
    HOST_MAX = 2,
    PROVIDER_MAX = 4,
    ATTEMPT_MAX = 4,
    KEY_MAX = 4, /* idempotency keys that one order uses, one after the other */
};

/* ---- faults and marks ------------------------------------------------------------------------ */

/* Chances in a million, drawn per seed; 0: this class is off. The table with names is in swarm.c.
 */
enum fault {
    FAULT_REFUSE = 0,
    FAULT_RESET_BEFORE,
    FAULT_RESET_AFTER,
    FAULT_HANG_BEFORE,
    FAULT_HANG_AFTER,
    FAULT_500_BEFORE,
    FAULT_500_AFTER,
    FAULT_500_CACHED,
    FAULT_GARBAGE,
    FAULT_LATE_EFFECT,
    FAULT_LATE_ARRIVAL,
    FAULT_DOOR, /* 401, 429: refused before the key is looked at */
    FAULT_MISMATCH,
    FAULT_DECLINE_SOFT,
    FAULT_DECLINE_HARD,
    FAULT_FAILED, /* 422, recorded under the key */
    FAULT_PENDING,
    FAULT_ACTION,
    FAULT_LIE, /* lookup or repeat says what is not so, before the settling time */
    FAULT_ADAPTER_REFUSES,
    FAULT_ROLLBACK,
    FAULT_COMMIT_UNKNOWN,
    FAULT_COMMIT_LATE,
    FAULT_PROBE_AWAY,
    FAULT_REPLY_LOST,
    FAULT_CLIENT_REPEATS,
    FAULT_CLIENT_PARALLEL,
    FAULT_CLIENT_OTHER_BODY,
    FAULT_CLIENT_NEW_KEY,
    FAULT_CANCEL,
    FAULT_UNCLAIMED, /* a pending payout says another reason */
    /* Drawn as events at the beginning: these are on or off. */
    FAULT_CRASH,
    FAULT_CRASH_HOST,
    FAULT_PAUSE,
    FAULT_CLOCK,
    FAULT_STORE_AWAY,
    FAULT_PROVIDER_AWAY,
    FAULT_COUNT,
};

extern const char *const fault_names[FAULT_COUNT];

/* Rare things that the default run must have seen. The table with names is in swarm.c. */
enum mark {
    MARK_FAILOVER_NOT_SENT = 0,
    MARK_FAILOVER_SOFT,
    MARK_FAILOVER_SESSION,
    MARK_ADAPTER_REFUSED,
    MARK_AGAIN,
    MARK_UNKNOWN,
    MARK_ENGINE_EXPIRED,
    MARK_LATE_ARRIVAL,
    MARK_LATE_EFFECT,
    MARK_REPEAT_APPROVED,
    MARK_REPEAT_EXECUTED,
    MARK_REPEAT_DECLINED,
    MARK_REPEAT_LIED,
    MARK_REPEAT_DOOR,
    MARK_DUPLICATE,
    MARK_LOOKUP_APPROVED,
    MARK_LOOKUP_NOT_FOUND,
    MARK_LOOKUP_LIED,
    MARK_PUT_BACK_EARLY,
    MARK_PENDING_NOT_FOUND,
    MARK_PENDING_APPROVED,
    MARK_PENDING_DECLINED,
    MARK_ACTION,
    MARK_REVIEW_MISMATCH,
    MARK_REVIEW_TIME,
    MARK_COMMIT_LOST,
    MARK_COMMIT_KEPT,
    MARK_COMMIT_LATE,
    MARK_COMMIT_AFTER_DEATH,
    MARK_PROBE_AWAY,
    MARK_REWRITTEN,
    MARK_FENCED,
    MARK_ZOMBIE_FENCED,
    MARK_ZOMBIE_WROTE,
    MARK_CRASH_WORKER,
    MARK_CRASH_HOST,
    MARK_ADOPTED_UNSENT,
    MARK_ADOPTED_SENT,
    MARK_ADOPTED_SESSION,
    MARK_ADOPTED_REPEAT,
    MARK_TAKEN_OUT,
    MARK_KEY_REPLAYED,
    MARK_KEY_CONFLICT,
    MARK_KEY_PROCESSING,
    MARK_KEY_OTHER_BODY,
    MARK_REFERENCE_TAKEN,
    MARK_NEXT_TRY,
    MARK_UNAVAILABLE,
    MARK_DEADLINE_SENDING,
    MARK_DEADLINE_WRITING,
    MARK_FINAL_AFTER_DEADLINE,
    MARK_CANCELED,
    MARK_CANCEL_NOTED,
    MARK_CANCEL_UNHEARD, /* whoever held the claim did not know of it yet */
    MARK_CANCEL_IN_HAND,
    MARK_CANCEL_CONFIRMED,
    MARK_CANCEL_TOO_LATE,
    MARK_CANCEL_LOST,
    MARK_PAYOUT_PAID,
    MARK_PAYOUT_RETURNED,
    MARK_PAYOUT_NEWS,
    MARK_ADOPTED_FENCED,
    MARK_COUNT,
};
extern const char *const mark_names[MARK_COUNT];

/* ---- events ---------------------------------------------------------------------------------- */

enum sim_event_kind {
    SIM_CLIENT = 0, /* a: order; b: its generation */
    SIM_REQUEST,    /* a: request */
    SIM_GIVE_UP,    /* a: request: the client's connection is gone */
    SIM_BATCH,      /* a: worker; b: incarnation: what is queued goes out */
    SIM_COMMIT,     /* a: first bundle of a batch */
    SIM_WRITTEN,    /* a: bundle */
    SIM_PROBED,     /* a: bundle */
    SIM_TIMER,      /* a: flight; b: generation */
    SIM_DEADLINE,   /* a: flight; b: generation */
    SIM_ARRIVE,     /* a: call */
    SIM_ANSWER,     /* a: call */
    SIM_EFFECT,     /* a: book: a late effect, or the end of pending */
    SIM_DUE,        /* a: payment; b: attempt index; x: version: look at the unresolved queue */
    SIM_LOADED,     /* a: payment; b: attempt index; x: worker: claimed, now read */
    SIM_BEGIN,      /* a: flight; b: generation: what was read is acted upon */
    SIM_CRASH,      /* a: worker, or WORKER_MAX + host */
    SIM_RESTART,    /* a: worker */
    SIM_PAUSE,      /* a: worker */
    SIM_CLOCK,      /* a: host: its wall clock is stepped */
    SIM_ADOPT,      /* a: writer */
    SIM_CANCEL,     /* a: order; b: how often asked */
    SIM_KIND_COUNT,
};

struct sim_event {
    int64_t at;
    uint32_t seq;
    uint16_t kind;
    uint16_t x;
    uint32_t a;
    uint32_t b;
};

struct heap {
    struct sim_event *item; /* owned */
    size_t count, capacity;
    uint32_t seq;
};
void heap_push(struct heap *heap, struct sim_event event);
bool heap_pop(struct heap *heap, struct sim_event *event);

/* A vector whose memory is kept from world to world. */
struct vec {
    void *item; /* owned */
    uint32_t count, capacity;
    size_t size; /* of one item */
};
/* A zeroed item at the end. */
uint32_t vec_add(struct vec *vec);
void *vec_get(const struct vec *vec, uint32_t index);

/* ---- rows: what the store holds -------------------------------------------------------------- */

enum step { STEP_CHARGE = 0, STEP_SESSION };

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
    bool is_resumed; /* written by a look, not by the holder */
    int64_t created_us;
    int64_t committed_at;
};

struct park_row {
    bool exists;
    int64_t next_us;
    int64_t lease_until_us;
    int64_t parked_us;
    int32_t tries;
    int64_t epoch;     /* of the claims on this row; a new row begins at 0, as in the ledger */
    bool is_canceled;  /* the merchant wants it back */
    bool was_canceled; /* ... and the claim said so */
    int64_t claimed_at;
    uint16_t version; /* of what is on the heap for it */
};

struct attempt_row {
    bool exists;
    uint8_t provider;
    uint32_t writer;
    struct send_row send[ORCHESTRATE_SEND_MAX];
    uint32_t first_outcome, last_outcome;
    int16_t outcome_count;
    bool has_final_outcome;
    uint8_t pending_reason; /* of the newest row that says pending */
    int64_t opened_at;
    struct park_row park;
};

struct payment_row {
    bool exists;
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
    enum payment_status status;
    int32_t event_count;
    bool has_answer;
    enum payment_status answer_status;
    uint64_t answer_bytes; /* stands for the stored bytes */
    int64_t posted;        /* sum of transfers */
    bool needs_review;
    bool is_canceled;
    int64_t canceled_at;
    struct attempt_row attempt[ATTEMPT_MAX];
};

/* ---- books: what a provider holds under one attempt's key ------------------------------------ */

enum book_state {
    BOOK_NONE = 0,
    BOOK_WORKING, /* accepted, takes effect at effect_at, and says nothing of it */
    BOOK_PENDING, /* accepted, says so, decides at effect_at */
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
    bool was_canceled; /* by us */
    uint8_t pending_reason;
    uint32_t first_entry, last_entry;
};

enum call_kind { CALL_FIRST = 0, CALL_REPEAT, CALL_LOOKUP, CALL_CANCEL }; /* as send kinds */

struct entry { /* one request, as the wire and the provider saw it */
    uint32_t next;
    uint8_t send_number;
    enum call_kind kind;
    enum step step;
    bool arrived;
    bool delivered; /* the answer reached a living worker */
    bool whole;
    bool not_found;
    bool duplicate;
    bool may_send_again;
    bool answers_key;
    bool mismatch;
    enum outcome outcome;
    int64_t begun_at; /* when its worker took or claimed the payment */
    int64_t started_at, arrived_at, delivered_at;
};

/* ---- providers ------------------------------------------------------------------------------- */

struct provider_fake {
    enum orchestrate_replay replay;
    bool can_lookup;
    bool can_cancel;
    bool two_step;
    int64_t key_lifetime;
    int64_t settle;
    int64_t latency;
    int64_t down_from, down_to; /* refuses or hangs */
    bool down_hangs;
};

struct call {
    uint32_t flight, generation;
    uint32_t payment;
    uint8_t attempt; /* index */
    uint8_t send_number;
    enum call_kind kind;
    enum step step;
    uint32_t entry;
    int64_t started_at;
    bool is_lost;
    uint8_t pending_reason; /* with the answer */
    struct orchestrate_answer answer;
};

/* ---- workers --------------------------------------------------------------------------------- */

struct bundle { /* one WRITE on its way */
    uint32_t flight, generation;
    uint32_t worker, incarnation;
    uint32_t writer;
    uint32_t payment;
    uint32_t next; /* of the same batch */
    uint8_t attempt_number;
    uint8_t provider;
    uint8_t send_number;
    bool moves_money;
    enum step step;
    bool is_resumed;
    bool is_decided;
    bool answer_lost;
    int64_t decided_at;
    int64_t now_us;
    int64_t epoch;
    int32_t event_number;
    uint8_t park_attempt; /* index */
    uint8_t pending_reason;
    bool was_canceled; /* by the claim */
    enum orchestrate_write result;
    struct orchestrate_write_plan plan;
};

struct flight { /* a payment in a worker's hands: what the driver keeps beside the core */
    bool in_use;
    uint32_t generation;
    uint32_t worker;
    uint32_t request; /* NONE: resumed, or the client is gone */
    uint32_t payment;
    uint32_t bundle; /* the last WRITE */
    uint8_t order_of_providers[PROVIDER_MAX];
    uint8_t provider;      /* of the current attempt */
    uint8_t provider_next; /* prepared */
    enum step step_next;
    bool moves_money_next;
    bool session_done;
    bool deadline_passed;
    int64_t write_asked_at; /* monotonic */
    int64_t epoch;
    int64_t begun_at;
    uint8_t pending_reason; /* of the last answer */
    bool was_canceled;      /* by the claim */
    int32_t event_count;
    uint32_t next_free;
    struct orchestrate core;
};

struct worker {
    bool is_alive;
    uint8_t host;
    uint32_t incarnation;
    uint32_t writer;
    int64_t paused_until;
    uint32_t queue_first, queue_last; /* bundles */
    bool batch_is_scheduled;
};

struct writer { /* one incarnation of a worker, as the store knows it */
    uint32_t worker;
    bool is_dead;     /* for good */
    bool was_adopted; /* its attempts were taken over, dead or not */
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

struct order {
    int64_t amount;
    bool has_reference;
    enum operation operation;
    uint8_t key; /* in use */
    uint8_t repeats;
    uint32_t generation;
    bool is_done;
    uint32_t key_payment[KEY_MAX]; /* the idempotency table */
    uint8_t key_requests[KEY_MAX];
    uint8_t key_unavailable[KEY_MAX];
    uint32_t try_payment[KEY_MAX + 1]; /* the (reference, try) index; try 1 is [1] */
};

/* ---- the world ------------------------------------------------------------------------------- */

struct world_plan { /* which world; the shrinker varies all but the seed */
    uint64_t seed;
    uint32_t order_count;
    uint64_t salt;   /* not 0: the faults, limits and providers of the seed, and another course */
    uint64_t off;    /* classes of faults that do not happen although they are drawn: a bit each */
    int64_t stop_us; /* not 0: faults end by then */
};

struct world {
    struct world_plan plan;
    uint32_t order_count;
    bool trace;
    struct rng rng;
    int64_t now;
    int64_t stop_at; /* faults end */
    uint64_t hash;
    uint64_t event_count;
    struct heap heap;
    uint32_t chance[FAULT_COUNT];
    uint64_t *marks; /* MARK_COUNT, borrowed */
    struct orchestrate_limits limits;
    int64_t dead_after;
    int64_t span; /* orders come within */
    unsigned worker_count, host_count, provider_count;
    int64_t skew[HOST_MAX];
    int64_t store_down_from, store_down_to;
    struct worker worker[WORKER_MAX];
    struct provider_fake provider[PROVIDER_MAX];
    uint32_t free_flight;
    struct vec orders, requests, log, payments, outcomes, books, entries, calls, bundles, flights,
        writers;
    uint64_t crash_count, send_count, look_count;
    char violation[512]; /* empty: none */
};

void world_init(struct world *w, uint64_t *marks);
void world_release(struct world *w);
/* Everything that happens for a plan, without judging it. */
void world_run(struct world *w, const struct world_plan *plan);
void world_push(struct world *w, int64_t at, enum sim_event_kind kind, uint32_t a, uint32_t b);
void world_push_x(struct world *w, int64_t at, enum sim_event_kind kind, uint32_t a, uint32_t b,
                  uint16_t x);
/* A violation that is seen while it happens; the first one counts. */
void world_violation(struct world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void world_trace(const struct world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void mark(struct world *w, enum mark which)
{
    w->marks[which]++;
}
/* News of the same status is no event of its own. */
static inline bool has_event(const struct orchestrate_write_plan *plan)
{
    return plan->has_event && !plan->is_news;
}
static inline bool faults_are_on(const struct world *w)
{
    return w->now < w->stop_at;
}

/* swarm.c */
void swarm_draw(struct world *w);
bool chance(struct world *w, enum fault fault);
void swarm_step_clock(struct world *w, uint32_t host);
int64_t between(struct world *w, int64_t low, int64_t high);

/* store.c */
bool store_is_down(const struct world *w);
void store_write(struct world *w, uint32_t bundle);
void store_batch(struct world *w, uint32_t worker, uint32_t incarnation);
void store_commit(struct world *w, uint32_t first);
void store_probe(struct world *w, uint32_t bundle);
void store_park(struct world *w, uint32_t payment, uint8_t attempt);
/* A row of the queue becomes due, or its lease ends, at `at`. */
void store_due(struct world *w, uint32_t payment, uint8_t attempt, int64_t at);

/* provider.c */
void provider_send(struct world *w, uint32_t call);
void provider_arrive(struct world *w, uint32_t call);
void provider_effect(struct world *w, uint32_t book);
static inline uint32_t book_index(uint32_t payment, uint8_t attempt)
{
    return payment * ATTEMPT_MAX + attempt;
}

/* worker.c */
int64_t worker_wall(const struct world *w, const struct worker *worker);
void worker_boot(struct world *w, uint32_t worker);
void worker_request(struct world *w, uint32_t request);
void worker_written(struct world *w, uint32_t bundle);
void worker_probed(struct world *w, uint32_t bundle);
void worker_begin(struct world *w, uint32_t flight, uint32_t generation);
void worker_timer(struct world *w, uint32_t flight, uint32_t generation);
void worker_deadline(struct world *w, uint32_t flight, uint32_t generation);
void worker_answer(struct world *w, uint32_t call);
/* recovery.c */
void recovery_due(struct world *w, uint32_t payment, uint8_t attempt, uint16_t version);
void recovery_loaded(struct world *w, uint32_t payment, uint8_t attempt, uint32_t worker);
void recovery_adopt(struct world *w, uint32_t writer);
void recovery_crash(struct world *w, uint32_t which);
void recovery_pause(struct world *w, uint32_t worker);
void worker_resume(struct world *w, uint32_t worker, uint32_t payment, uint8_t attempt);
void worker_drop_flights(struct world *w, uint32_t worker);
void worker_cancel(struct world *w, uint32_t payment);
/* Flights of paused workers wait: true when the event was put off. */
bool worker_puts_off(struct world *w, const struct sim_event *event);

/* client.c */
void client_start(struct world *w, uint32_t order);
void client_act(struct world *w, uint32_t order, uint32_t generation);
void client_told(struct world *w, uint32_t request, enum told told, uint32_t payment);
void client_lost(struct world *w, uint32_t request);

/* check.c: reads books, rows and the log; writes w->violation. */
void check_world(struct world *w);

#define ORDER(w, i)   ((struct order *)vec_get(&(w)->orders, i))
#define REQUEST(w, i) ((struct request *)vec_get(&(w)->requests, i))
#define PAYMENT(w, i) ((struct payment_row *)vec_get(&(w)->payments, i))
#define OUTCOME(w, i) ((struct outcome_row *)vec_get(&(w)->outcomes, i))
#define BOOK(w, i)    ((struct book *)vec_get(&(w)->books, i))
#define ENTRY(w, i)   ((struct entry *)vec_get(&(w)->entries, i))
#define CALL(w, i)    ((struct call *)vec_get(&(w)->calls, i))
#define BUNDLE(w, i)  ((struct bundle *)vec_get(&(w)->bundles, i))
#define FLIGHT(w, i)  ((struct flight *)vec_get(&(w)->flights, i))
#define LOG(w, i)     ((struct log_line *)vec_get(&(w)->log, i))
#define WRITER(w, i)  ((struct writer *)vec_get(&(w)->writers, i))

#endif

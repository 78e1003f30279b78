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

#include "base/error.h"
#include "base/rng.h"
#include "faults.h"
#include "payment/orchestrate.h"
#include "rows.h"

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
    SIM_STORE_AWAY, /* a: ms: nobody reaches the store */
    SIM_LATE,       /* a: book: a provider breaks its word */
    SIM_HINT,       /* a: book: a webhook about it arrives */
    SIM_HOLD_END,   /* a: book: its provider holds it no longer */
    SIM_PERSON,     /* a: review; b: its epoch: somebody takes it up */
    SIM_DECIDE,     /* a: review; x: worker and ruling: somebody has decided */
    SIM_FAILOVER,   /* a: ms until it serves again; b: 1: what was not acknowledged is lost */
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
static inline void *vec_get(const struct vec *vec, uint32_t index)
{
    CHECK(index < vec->count);
    return (char *)vec->item + index * vec->size;
}

/* ---- providers ------------------------------------------------------------------------------- */

struct provider_fake {
    enum orchestrate_replay replay;
    bool can_lookup;
    bool can_cancel;
    bool two_step;
    bool needs_us; /* after the payer's consent it waits for a further send */
    int64_t key_lifetime;
    int64_t settle;
    int64_t hold;     /* an authorization holds so long, says the provider; 0: it does not say */
    int64_t held_for; /* ... and so long it is in truth, but for faults */
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
    struct decision_row decision;
    uint8_t send_number;
    bool moves_money;
    enum step step;
    bool is_resumed;
    bool is_poisoned;
    bool is_decided;
    bool answer_lost;
    uint32_t era;   /* of the store that it went to */
    uint64_t batch; /* position in its log */
    int64_t decided_at;
    int64_t now_us;
    int64_t epoch;
    int32_t event_number;
    uint8_t park_attempt; /* index */
    uint8_t pending_reason;
    bool was_canceled;     /* by the claim */
    struct told_case told; /* by a person */
    bool is_note;          /* ... and nothing else */
    int64_t hold_change;   /* what the end of a hold takes off, by the limits as they were read */
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
    struct decision_row decision_next;
    enum step step_next;
    bool moves_money_next;
    bool session_done;
    bool deadline_passed;
    bool is_poisoned;       /* a text of the provider's that the store does not take */
    int64_t write_asked_at; /* monotonic */
    int64_t epoch;
    int64_t begun_at;
    uint8_t pending_reason; /* of the last answer */
    bool was_canceled;      /* by the claim */
    int64_t hold_change;
    struct told_case told;
    bool is_note;
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

/* ---- the world ------------------------------------------------------------------------------- */

struct world_plan { /* which world; the shrinker varies all but the seed */
    uint64_t seed;
    uint32_t order_count;
    uint64_t salt;   /* not 0: the faults, limits and providers of the seed, and another course */
    uint64_t off;    /* classes of faults that do not happen although they are drawn: a bit each */
    int64_t stop_us; /* not 0: faults end by then */
    bool
        is_real; /* our two providers and short times; what happens is told to tests/crash/trace.mjs */
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
    uint64_t *marks; /* MARK_AND_POINT_COUNT, borrowed */
    struct orchestrate_limits limits;
    int64_t dead_after;
    int64_t span; /* orders come within */
    unsigned worker_count, host_count, provider_count, merchant_count;
    int64_t skew[HOST_MAX];
    int64_t store_down_to;
    uint32_t store_era;   /* how often another database took over */
    uint64_t batch_count; /* position in its log */
    uint64_t kept_batch;  /* what the one that took over last had of its predecessor */
    int64_t crash_every;  /* crash points, on average, between two crashes */
    int64_t crash_in;
    uint64_t transfer_hash; /* of the transfers as they were written */
    uint32_t local_count[MERCHANT_MAX];
    struct worker worker[WORKER_MAX];
    struct provider_fake provider[PROVIDER_MAX];
    uint32_t free_flight;
    struct vec orders, requests, log, payments, outcomes, transfers, books, entries, calls, bundles,
        flights, writers, reviews;
    struct vec sums;             /* the checker's: struct check_sums of each payment */
    struct vec keys, references; /* unique indexes of the store: uint32_t, payment + 1; 0: free */
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
/* Its class was drawn, and was not switched off by hand. */
bool happens(const struct world *w, enum fault fault);
void swarm_step_clock(struct world *w, uint32_t host);
int64_t between(struct world *w, int64_t low, int64_t high);

/* crash.c: the worker that holds `flight`, or sent `bundle`, may die here: true when it did. */
bool crash_flight(struct world *w, uint32_t flight, enum crash_point point);
bool crash_bundle(struct world *w, uint32_t bundle, enum crash_part part);
bool crash_call(struct world *w, uint32_t call, enum crash_part part);
bool crash_worker(struct world *w, uint32_t worker, enum crash_point point);

/* store.c */
bool store_is_down(const struct world *w);
/* Slots of the unique indexes (merchant, key) and (merchant, reference, try): payment + 1, or 0. */
uint32_t *store_key(struct world *w, uint8_t merchant, uint32_t local, uint8_t key);
uint32_t *store_reference(struct world *w, uint8_t merchant, uint32_t local, uint8_t try_number);
void store_away(struct world *w, int64_t us);
void store_failover(struct world *w, int64_t us, bool loses);
void store_write(struct world *w, uint32_t bundle);
void store_batch(struct world *w, uint32_t worker, uint32_t incarnation);
void store_commit(struct world *w, uint32_t first);
void store_probe(struct world *w, uint32_t bundle);
/* What a probe says of a bundle that is decided. */
enum orchestrate_write store_fate(const struct bundle *bundle);
void store_park(struct world *w, uint32_t payment, uint8_t attempt, bool is_recheck);
void store_transfer(struct world *w, struct transfer_row row);
/* A row of the queue becomes due, or its lease ends, at `at`. */
void store_due(struct world *w, uint32_t payment, uint8_t attempt, int64_t at);
/* Somebody claims a row of the queue. */
void store_take(struct world *w, uint32_t payment, uint8_t attempt);
/* The merchant wants a parked attempt back: false when it is not parked. */
bool store_want_back(struct world *w, uint32_t payment, uint8_t attempt);
/* It is in no queue, not final, and its writer is `writer`: a sweep that knows him dead parks it. */
bool store_may_adopt(const struct world *w, uint32_t payment, uint8_t attempt, uint32_t writer);

/* provider.c */
void provider_send(struct world *w, uint32_t call);
void provider_arrive(struct world *w, uint32_t call);
void provider_effect(struct world *w, uint32_t book);
void provider_late(struct world *w, uint32_t book);
/* It is told of until somebody must have heard it. */
void provider_say_again(struct world *w, uint32_t book);
/* The time of a hold is over. */
void provider_hold_end(struct world *w, uint32_t book);
/* The book of the attempt that holds what capture or void `payment` is about. */
uint32_t hold_of(const struct world *w, uint32_t payment);
/* Something of it is neither captured nor voided, and it is held no longer. */
static inline bool hold_is_gone(const struct book *book)
{
    return (book->hold_ended_at != 0 || book->is_voided) && book->captured < book->net;
}
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
/* decide.c: who is tried, by rules that may decide anew */
/* The first decision, and whether further ones follow. Before BEGIN. */
void decide_first(struct world *w, struct flight *flight);
/* The decision before a further attempt: whom it is for. */
uint8_t decide_anew(struct world *w, struct flight *flight);
void decide_check(struct world *w, uint32_t payment, uint8_t last);

/* recovery.c */
void recovery_due(struct world *w, uint32_t payment, uint8_t attempt, uint16_t version);
void recovery_loaded(struct world *w, uint32_t payment, uint8_t attempt, uint32_t worker);
void recovery_adopt(struct world *w, uint32_t writer);
void recovery_crash(struct world *w, uint32_t which);
void recovery_pause(struct world *w, uint32_t worker);
/* Its process ends; who notices adopts what it held, and it starts again. */
void recovery_kill(struct world *w, uint32_t worker);
/* A slot for a payment in hand, and back. */
uint32_t worker_take_flight(struct world *w, uint32_t worker, uint32_t request, uint32_t payment);
void worker_free_flight(struct world *w, uint32_t flight);
struct orchestrate_candidate worker_candidate(const struct provider_fake *provider);
/* resume.c */
void worker_resume(struct world *w, uint32_t worker, uint32_t payment, uint8_t attempt);
bool worker_holds(const struct world *w, uint32_t flight, uint32_t generation);
/* A person's answer: the attempt ends as told, or only the case does. */
void worker_tell(struct world *w, uint32_t worker, const struct told_case *told);
void worker_note(struct world *w, uint32_t worker, const struct told_case *told);
void worker_drop_flights(struct world *w, uint32_t worker);
void worker_cancel(struct world *w, uint32_t payment);
/* Flights of paused workers wait: true when the event was put off. */
bool worker_puts_off(struct world *w, const struct sim_event *event);

/* client.c */
void client_start(struct world *w, uint32_t order);
void client_act(struct world *w, uint32_t order, uint32_t generation);
void client_told(struct world *w, uint32_t request, enum told told, uint32_t payment);
void client_lost(struct world *w, uint32_t request);

/* The key came to nothing: another one, soon. */
void client_next_key(struct world *w, uint32_t order);

/* person.c: cases, and those who decide them */
void person_open(struct world *w, uint32_t payment, uint8_t at, enum review_kind kind);
/* The attempt is final: nothing is left to ask of it. */
void person_prove(struct world *w, uint32_t payment, uint8_t at);
void person_reversed(struct world *w, const struct order *order, bool worked);
void person_look(struct world *w, uint32_t review, uint32_t epoch);
void person_decide(struct world *w, uint32_t review, uint16_t x);
uint32_t person_worker(uint16_t x);
bool person_may_decide(const struct world *w, const struct told_case *told);
void person_apply(struct world *w, const struct told_case *told);

/* operation.c: captures, voids and refunds of a payment, and what they do to its limits */
/* Its merchant was told that `payment` ended well: he may go on with it. */
void operation_follow(struct world *w, uint32_t payment);
/* Attempt `at` is approved though its payment had ended without it: it is taken back. */
void operation_reverse(struct world *w, uint32_t payment, uint8_t at);
/* What these limits leave for `operation`. */
int64_t operation_left(const struct limits_row *limits, enum operation operation);
/* Those that it changes: of its payment, or of the authorization that came late. */
struct limits_row *operation_limits(const struct world *w, const struct payment_row *operation);
/* The capture that a refund is taken of, by what is known when it begins; false: none has room. */
bool operation_choose(const struct world *w, struct payment_row *refund);
/* Whether it still has, when the refund is opened. */
bool operation_has_room(const struct world *w, const struct payment_row *refund);
/* What a payment is once `attempt` (from 0) of it is taken back: canceled, or as it was. */
enum payment_status operation_then(const struct world *w, uint32_t parent, uint8_t attempt);
/* An event of a payment that is not its own attempts'; its number is the next one, whoever waits. */
void operation_event(struct payment_row *payment, enum payment_status status);
/* The limits of the payment, and of the capture, allow what the bundle makes of an operation that is open. */
bool operation_fits(const struct world *w, const struct bundle *bundle);
/* The rows of a payment's limits, events and transfers that are part of the bundle. */
void operation_apply(struct world *w, const struct bundle *bundle);
/* The same of one that came late: nothing of it. */
void operation_release_late(struct world *w, uint32_t payment, uint8_t at);
/* So much of its hold is held no longer; the rest is, by another transfer. Nothing is held: nothing is done. */
void operation_release(struct world *w, uint32_t payment, int64_t taken);
/* The limits of what attempt `at` is approved for. */
static inline struct limits_row *hold_limits(struct payment_row *payment, uint8_t at)
{
    return payment->attempt[at].is_late ? &payment->attempt[at].late : &payment->limits;
}
/* hint.c: webhooks: dropped, repeated, late, in any order, and never more than a hint */
void hint_send(struct world *w, uint32_t book);
void hint_arrive(struct world *w, uint32_t book);

/* narrate.c: a world of our two real providers, told in a form that tests/crash/trace.mjs can play; else nothing. */
void narrate_make_real(struct world *w);
void narrate(const struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void narrate_point(const struct world *w, const char *what, enum crash_point point);
/* What the wire says of a call, and what it did: none, done, late, waits; known: an earlier one had. */
void narrate_call(const struct world *w, const struct call *call, const char *word,
                  const char *effect);
void narrate_end(struct world *w);

/* check.c: reads books, rows and the log; writes w->violation. */
void check_world(struct world *w);

#define ORDER(w, i)    ((struct order *)vec_get(&(w)->orders, i))
#define REQUEST(w, i)  ((struct request *)vec_get(&(w)->requests, i))
#define PAYMENT(w, i)  ((struct payment_row *)vec_get(&(w)->payments, i))
#define OUTCOME(w, i)  ((struct outcome_row *)vec_get(&(w)->outcomes, i))
#define BOOK(w, i)     ((struct book *)vec_get(&(w)->books, i))
#define ENTRY(w, i)    ((struct entry *)vec_get(&(w)->entries, i))
#define CALL(w, i)     ((struct call *)vec_get(&(w)->calls, i))
#define BUNDLE(w, i)   ((struct bundle *)vec_get(&(w)->bundles, i))
#define FLIGHT(w, i)   ((struct flight *)vec_get(&(w)->flights, i))
#define LOG(w, i)      ((struct log_line *)vec_get(&(w)->log, i))
#define REVIEW(w, i)   ((struct review_row *)vec_get(&(w)->reviews, i))
#define TRANSFER(w, i) ((struct transfer_row *)vec_get(&(w)->transfers, i))
#define WRITER(w, i)   ((struct writer *)vec_get(&(w)->writers, i))

#endif

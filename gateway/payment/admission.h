/*
 * admission.h - what is taken on, and what is refused before it costs anything (promise P10).
 *
 *     request -> its key is known? --no--> stranger's bucket of its address ------> 429
 *                  | yes
 *                  v
 *                bucket of the key, bucket of the merchant ----------------------> 429
 *                  v
 *                payments: worker full? more in hand than goes out in time? ------> 503
 *                reads: too many under way? -------------------------------------> 503
 *                  v
 *                under way for the key, for the merchant ------------------------> 429
 *                  v
 *                ticket ... work ... admission_end
 *
 * All of it is a few look-ups: a refusal costs no more than its own answer. Rates and what is under
 * way are counted over all workers, in the shared segment; a killed worker's part is taken out by
 * the master. What a worker holds, and what a provider's account may hold of it (bulkhead.h), is
 * counted by the worker alone.
 *
 * Under overload merchants share: one that has less than its part of the limit in hand is taken as
 * long as the worker has room at all, so that a flood of one leaves the others their payments.
 *
 * Refusals are about the request, never about the payment: nothing is stored under the idempotency
 * key. A request whose key was opened lately is let through under overload, a few at a time, to be
 * answered from the ledger: it is marked as a repeat, and a repeat opens nothing.
 */
#ifndef PAYMENT_ADMISSION_H
#define PAYMENT_ADMISSION_H

#include "base/bucket.h"
#include "base/message.h"
#include "payment/bulkhead.h"
#include "payment/governor.h"
#include "payment/merchant.h"

enum {
    ADMISSION_REPEAT_MAX = 64, /* repeats let through by one worker at a time under overload */
};

struct admission_config {
    struct bucket_limit key;         /* requests with one API key */
    struct bucket_limit merchant;    /* requests of one merchant; its own limit goes before both */
    struct bucket_limit address;     /* requests without a valid key from one address */
    size_t key_in_flight_max;        /* requests under way, over all workers */
    size_t merchant_in_flight_max;   /* the same of a merchant */
    size_t read_in_flight_max;       /* requests that move no money, of one worker */
    size_t in_flight_max;            /* payments in one worker's hands */
    size_t account_in_flight_max;    /* of them at one provider account; at most half in any case */
    size_t origin_in_flight_max;     /* of them at one provider host; at most half in any case */
    struct governor_config overload; /* `most` is in_flight_max */
};
extern const struct admission_config admission_config_default;

enum admission_reason {
    ADMISSION_ADMITTED = 0,
    ADMISSION_ADDRESS_RATE,
    ADMISSION_KEY_RATE,
    ADMISSION_MERCHANT_RATE,
    ADMISSION_KEY_IN_FLIGHT,
    ADMISSION_MERCHANT_IN_FLIGHT,
    ADMISSION_READ_IN_FLIGHT,
    ADMISSION_WORKER_FULL,
    ADMISSION_OVERLOAD,
    ADMISSION_PROVIDER_BUSY, /* said by the router's decision, counted here */
    ADMISSION_REASON_COUNT,
};
const char *admission_reason_name(enum admission_reason reason); /* "key_rate", ... */

struct admission_quota { /* for the RateLimit headers */
    const char *policy;  /* "key", "merchant", "address"; NULL: nothing to tell */
    int64_t quota;
    int64_t window_s;
    int64_t remaining;
    int64_t reset_s;
};

struct admission_verdict {
    enum admission_reason reason; /* ADMITTED: go on */
    enum message problem;         /* else: RATE_LIMITED or OVERLOADED */
    struct str detail;
    int retry_after_s;
    struct admission_quota quota; /* also of who was admitted, once little is left */
    bool is_repeat; /* admitted to be answered from the ledger, and for nothing else */
};

enum admission_work {
    ADMISSION_READ = 0, /* and administration */
    ADMISSION_PAYMENT,  /* may open a payment or a payout */
};

struct admission_shared; /* the tables in the segment */
struct admission;
struct admission_lane;

struct admission_ticket { /* zero: none */
    struct admission_lane *key;
    struct admission_lane *merchant;
    enum admission_work work;
    bool is_held;
    bool is_repeat;
};

/* Bytes that admission_open carves. */
size_t admission_shared_size(void);
/* In the master, before the fork. */
struct admission_shared *admission_open(struct shm *shm);
/* The worker in this slot is gone. */
void admission_forget_slot(struct admission_shared *shared, unsigned slot);

/* `lagging` is called each interval in which the event loop is too slow; may be NULL. */
typedef void (*admission_lagging_fn)(void *ctx);
struct admission *admission_new(struct loop *loop, struct admission_shared *shared,
                                const struct admission_config *config, unsigned slot);
void admission_watch_lag(struct admission *admission, admission_lagging_fn lagging, void *ctx);
void admission_free(struct admission **admission);

/*
 * Everywhere below `admission` may be NULL: then nothing is limited (tests of other things, the
 * command line).
 */

/* The address of a client as a key: IPv4, or the /64 of IPv6. */
struct uuid admission_address(const char *peer);
/*
 * May a key that this worker does not know be looked up? One that was valid before may always. Any
 * other takes a token of its address beforehand (*has_paid), so that guesses under way at the same
 * time do not share one: admission_give_back when it was no guess, or was never looked up.
 */
bool admission_may_look_up(struct admission *admission, const char *peer, struct str api_key,
                           bool *has_paid, struct admission_verdict *verdict);
void admission_give_back(struct admission *admission, const char *peer);
/* A request without a valid key: takes a token of its address. False: *verdict says 429. */
bool admission_take_stranger(struct admission *admission, const char *peer,
                             struct admission_verdict *verdict);
/* This key was looked up and is valid. */
void admission_note_key(struct admission *admission, struct str api_key);

/*
 * Would a request of this caller be refused now? Takes nothing, counts nothing. idempotency_key:
 * empty when there is none.
 */
bool admission_look(struct admission *admission, const struct caller *caller,
                    enum admission_work work, struct str idempotency_key,
                    struct admission_verdict *verdict);
/* Take it on: true, and admission_end must follow. */
bool admission_begin(struct admission *admission, const struct caller *caller,
                     enum admission_work work, struct str idempotency_key,
                     struct admission_ticket *ticket, struct admission_verdict *verdict);
void admission_end(struct admission *admission, struct admission_ticket *ticket);
/* An idempotency key was opened in the ledger. */
void admission_note_opened(struct admission *admission, const struct uuid *merchant_id,
                           struct str idempotency_key);
bool admission_was_opened(const struct admission *admission, const struct uuid *merchant_id,
                          struct str idempotency_key); /* lately: see base/recall.h */
/* Is there room for work that nobody waits for (rows of a batch)? Only while nothing presses. */
bool admission_has_room(const struct admission *admission);

/* What the driver tells: a payment in hand, a send at a provider, a write of the ledger. */
void admission_payment_began(struct admission *admission);
void admission_payment_ended(struct admission *admission);
void admission_send_began(struct admission *admission);
void admission_send_ended(struct admission *admission);
void admission_write_began(struct admission *admission);
void admission_write_ended(struct admission *admission, int64_t took_us);
/* Seats at provider accounts (bulkhead.h). */
bool admission_is_busy(struct admission *admission, const struct provider_account *account);
void admission_sit(struct admission *admission, const struct provider_account *account,
                   struct bulkhead_seat *seat);
void admission_stand(struct admission *admission, struct bulkhead_seat *seat);
void admission_count_busy(struct admission *admission); /* a payment refused for busy providers */

#endif

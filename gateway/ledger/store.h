/*
 * store.h - rows in and out of the ledger, by group commit.
 *
 * What a worker wants to write is a struct store_txn: a bundle of rows that must be committed
 * together. Bundles gathered in a tick (openings and closings of many payments) go out as ONE
 * database transaction of INSERT ... SELECT FROM unnest(...) statements when a connection is free:
 *
 *     store_write_start ... -> [ queue ] -> batch n: rows of up to batch_max bundles,
 *                                           + row (writer, n) in `batches` -> one Sync
 *                                           -> done of each bundle
 *
 * A bundle that fails (a unique key, a CHECK) must not fail its neighbours: the batch is rolled
 * back and its bundles run again in smaller batches under new numbers, until the culprit stands
 * alone.
 *
 * The connection may die before the answer to the commit: every bundle of that batch ends
 * STORE_UNKNOWN. store_probe_start then asks on a fresh connection by inserting the batch's own row
 * (writer, n) again: that insert waits for a still running commit, and afterwards either fails (it
 * was committed) or succeeds (it was not, and never can be any more). No guess, no time-out
 * decides.
 *
 * Natural keys fence zombies: outcome (attempt, number), send (attempt, number), event (payment,
 * number) and attempt (payment, number) are unique; the loser of a race ends STORE_FENCED.
 *
 * All times are wall clock microseconds, money is minor units, strings are borrowed until done (the
 * store copies what it needs into the batch at store_write_start; the txn may die when it returns).
 */
#ifndef LEDGER_STORE_H
#define LEDGER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/id.h"
#include "base/loop.h"
#include "base/money.h"
#include "base/terms.h"

struct store;

struct store_config {
    const char *conninfo;        /* libpq; the gateway's role; borrowed for the life of the store */
    unsigned writer_connections; /* 2: group commit, pipeline mode */
    unsigned reader_connections; /* 2: reads */
    size_t batch_max;            /* 256 bundles in one transaction */
    int64_t linger_us;           /* 1,000: wait this long for company under light load */
    size_t queue_max;            /* 8,192 bundles waiting; beyond it STORE_UNAVAILABLE at once */
    int64_t statement_timeout_ms; /* 10,000 */
    int64_t reconnect_ms;         /* 250, doubling to 5,000 with jitter */
    const char *journal_folder;   /* NULL or empty: no journal (journal.h); borrowed likewise */
    int64_t journal_keep_ms;      /* 24 h: older files are deleted */
    int64_t journal_bytes_max;    /* 8 GiB of files; beyond it the oldest are deleted */
};
extern const struct store_config store_config_default;

enum store_result {
    STORE_COMMITTED = 0,
    STORE_KEY_TAKEN,       /* idempotency key exists: nothing of this bundle was written */
    STORE_REFERENCE_TAKEN, /* (merchant, reference, try) exists: nothing was written */
    STORE_LIMIT_EXCEEDED,  /* payment_limits or a token's budget refused: nothing was written */
    STORE_FENCED,          /* someone else moved this attempt or payment on: nothing was written */
    STORE_ROLLED_BACK,     /* surely not written (error in *why); may be written again as it is */
    STORE_UNAVAILABLE,     /* never sent: the database is away or the queue full */
    STORE_UNKNOWN,         /* sent, answer lost: store_probe_start */
    STORE_RESULT_COUNT,
};
const char *store_result_name(enum store_result result);

/* ---- rows ------------------------------------------------------------------------------------ */

struct store_payment { /* payments + idempotency */
    struct uuid merchant_id;
    struct uuid payment_id;
    bool is_payout; /* money goes out; else a payment: neither is ever found as the other */
    enum operation operation; /* CAPTURE, VOID, REFUND, REAUTHORIZE: on a payment; else NONE */
    struct uuid parent_id;    /* ... that payment; zero when operation is NONE */
    int64_t created_us;
    int64_t amount_minor;
    char currency[4];
    bool capture_automatic;
    bool livemode;
    struct str reference; /* empty: none; payments and payouts have references of their own */
    int32_t try_number;   /* 1.. within the reference */
    struct str method_type;
    struct str country;
    struct str customer_json; /* "{}"; payout: what may be shown of the beneficiary */
    struct str metadata_json; /* "{}" */
    struct str routing_json;  /* "providers": only, never, as sent; "{}"; of an operation: what it
                                 acts on at the provider */
    struct str tokens_sealed; /* encrypted tokens; erased with the personal data above */
    int64_t erased_us;        /* read only: when they were; 0: they were not */
    int64_t archived_us;      /* read only: its attempts lie in a file since (archive.h); 0: here */
    struct str key;           /* Idempotency-Key, 1..255 bytes */
    uint8_t fingerprint[32];
    struct uuid writer_id; /* who holds it; zero: this store's */
    /* Of the token that is tried first: when its budget is spent, nothing is opened: LIMIT_EXCEEDED.
     * Zero: it has none. Write only. */
    uint8_t budget_hash[32];
};

struct store_attempt {
    struct uuid merchant_id;
    struct uuid payment_id;
    struct uuid attempt_id;
    int32_t number; /* 1.. within the payment: unique */
    enum operation operation;
    struct uuid account_id;
    struct str provider;
    int64_t amount_minor;
    char currency[4];
    struct str
        decision_json; /* of the routing that chose it; "" on later attempts of the same decision */
    uint8_t token_hash[32];     /* HMAC of the token: the networks' retry budget is counted by it */
    int64_t expected_fee_minor; /* -1: unknown */
    struct str step;            /* of the plan; written only; empty: none */
    int64_t created_us;
    struct uuid writer_id; /* read only: always written as this store's */
};

struct store_send {
    struct uuid merchant_id;
    struct uuid attempt_id;
    int32_t number;  /* 1.. within the attempt: unique */
    struct str step; /* "charge", "session", ... */
    bool moves_money;
    struct str adapter_version;
    struct str provider_key; /* empty: the attempt's id, as shown; or none */
    int64_t key_valid_until_us;
    int64_t not_after_us;   /* wall clock; the send may leave until then */
    struct str body_sealed; /* the exact request, encrypted */
    int64_t created_us;
};

struct store_outcome {
    struct uuid merchant_id;
    struct uuid attempt_id;
    int32_t number;        /* 1.. within the attempt: unique (the fence) */
    int32_t send_number;   /* which send it is about; 0: none (crash found, given up) */
    enum outcome outcome;  /* OUTCOME_NONE: only facts were recorded */
    bool left;             /* the send left */
    struct str code;       /* provider's */
    struct str reason;     /* ours */
    struct str reference;  /* provider's id of the movement */
    struct str facts_json; /* "{}" */
    struct str debug_id;
    int32_t http_status; /* 0: no answer */
    int64_t fee_minor;   /* stated by the provider; -1: not stated */
    int64_t elapsed_us;
    int64_t created_us;
};

enum transfer_state {
    TRANSFER_PENDING = 0,
    TRANSFER_POSTED,
    TRANSFER_VOIDED, /* of pending_id; nothing moves */
};

struct store_transfer {
    struct uuid merchant_id;
    struct uuid transfer_id;
    struct uuid payment_id;
    struct uuid attempt_id;
    struct uuid pending_id; /* zero unless it posts or voids a pending one */
    enum transfer_state state;
    struct str debit_account;  /* "provider:paypal:acc_...:pending" */
    struct str credit_account; /* "merchant:sales" */
    int64_t amount_minor;      /* > 0 */
    char currency[4];
    struct str kind; /* "payment", "fee", ...: posting.h */
    int64_t created_us;
};

struct store_parent { /* an operation's event in the life of its payment; only with limits of it */
    struct uuid merchant_id;
    struct uuid payment_id; /* the payment, not the operation */
    struct uuid event_id;
    struct uuid attempt_id;
    struct str type;      /* "payment.captured" */
    struct str data_json; /* names the operation */
    int64_t created_us;
    /*
     * The payment's status from now on, as its limits say under their lock, after the hold has
     * changed: something is held: authorized; nothing, and nothing was captured: canceled; else
     * succeeded. PAYMENT_NONE: that. PAYMENT_PROCESSING: as it was. PAYMENT_CANCELED: that.
     */
    enum payment_status status;
};

/*
 * What is held of an authorization, after the limits have changed: the transfer that holds it is
 * voided, and another holds what is still open. Only with limits. Nothing is held: nothing is done.
 */
#define STORE_HOLD_ALL INT64_MAX
struct store_hold {
    struct uuid merchant_id;
    struct uuid payment_id;
    struct uuid attempt_id;
    struct uuid release_id; /* of the transfer that voids */
    struct uuid rest_id;    /* of the one that holds the rest */
    struct uuid limits_id;  /* of the limits that name it: a late one's; zero: its payment's */
    struct uuid of_attempt; /* release what this attempt held, and keep no rest; zero: the hold that
                               the limits name */
    int64_t taken_minor;    /* of the hold that the limits name; STORE_HOLD_ALL: keep no rest */
    int64_t created_us;
};

struct store_event {
    struct uuid merchant_id;
    struct uuid event_id;
    struct uuid payment_id;
    struct uuid attempt_id;     /* zero: about the payment as a whole */
    int32_t number;             /* 1.. within the payment: unique (the fence) */
    struct str type;            /* "payment.succeeded" */
    enum payment_status status; /* the payment's status from now on */
    struct str data_json;       /* "{}" */
    struct str step;            /* of the plan; written only; empty: none */
    int64_t created_us;
};

/*
 * Deltas on payment_limits. `create`: insert a row of zeros first if there is none. Without it, a
 * row that is not there (or of another currency) ends LIMIT_EXCEEDED, as does any violated guard.
 */
struct store_limits {
    struct uuid merchant_id;
    struct uuid payment_id;
    bool create;
    char currency[4];
    int64_t authorized, captured, capture_open, refunded, refund_open;
    struct uuid hold_id; /* create: the transfer that holds it; zero: none does */
    /*
     * The authorization in force, by the provider's id. Create: of the first one; a change: of the one
     * that takes its place. Empty, 0: as it is.
     */
    struct str hold_reference;
    int64_t hold_ends_us;
    struct str acts_on; /* a change: another is in force: LIMIT_EXCEEDED; empty: whichever is */
};

/*
 * A capture has limits of its own, in a row of its own id: authorized and captured are its sum, and
 * refunded and refund_open what is taken of it. So has an authorization that came late, in a row of its
 * attempt's id: authorized is what is held, capture_open what is kept for its reversal. It is none of
 * what its payment holds: whatever ends either of them leaves the other as it is. A bundle that changes
 * such a row (`room`) changes those of its payment too (`limits`, of a late one by nothing), so that
 * whoever has the payment's row has these rows.
 */

/*
 * A decline, counted against a token that was supplied for the payment. Networks limit how often a
 * card may be tried again, at whatever provider: `most` declines within 30 days, or never again. When
 * the same transaction opens another attempt, and nothing is left, it ends LIMIT_EXCEEDED.
 */
struct store_budget {
    struct uuid merchant_id;
    uint8_t token_hash[32];
    int32_t most;
    bool forbids;
    bool opens;
    int64_t created_us;
};

struct store_final { /* the first final answer of a payment, replayed byte for byte */
    struct uuid merchant_id;
    struct uuid payment_id;
    int32_t status;
    struct str body;
    int64_t created_us;
};

struct store_answer { /* the same of a key that opens no payment */
    struct uuid merchant_id;
    struct str key;
    int32_t status;
    struct str content_type;
    struct str location;
    struct str body;
    int64_t created_us;
};

struct store_park { /* into `unresolved`, or put back with a later time */
    struct uuid merchant_id;
    struct uuid attempt_id;
    struct uuid payment_id;
    struct uuid account_id; /* with the provider: its lane */
    struct str provider;
    int64_t next_us;
    int32_t tries;
    int64_t epoch;    /* 0: new row; else the claim's epoch (other: STORE_FENCED) */
    bool is_canceled; /* as claimed: a cancel that came meanwhile makes it due at once, at try 0 */
    bool
        unless_canceled; /* ... or, if this is set: STORE_FENCED, nothing of the bundle is written */
    struct str reason;
};

/* The reason under which a final attempt is parked, to be looked up again. */
#define STORE_RECHECK "recheck"

struct store_unpark { /* delete the row that this worker claimed */
    struct uuid merchant_id;
    struct uuid attempt_id;
    int64_t epoch; /* other: STORE_FENCED */
};

struct store_review { /* a new case; one of this attempt and kind that was resolved is opened again,
                         but for a late success */
    struct uuid merchant_id;
    struct uuid review_id;
    struct uuid payment_id;
    struct uuid attempt_id;
    struct uuid account_id;
    enum review_kind kind;
    enum review_state state; /* OPEN or REVERSING: due at once */
    enum operation operation;
    struct str provider;
    int64_t amount_minor;
    char currency[4];
    int64_t answered_minor;    /* what the answer said; -1: nothing else than was sent */
    char answered_currency[4]; /* likewise; "" */
    struct str reference;      /* the provider's */
    struct str detail;         /* why, in a word */
    int64_t created_us;
};

struct store_verdict { /* a case is decided; of another state or epoch: STORE_FENCED */
    struct uuid merchant_id;
    struct uuid review_id;
    enum review_state from;
    enum review_state to; /* RESOLVED; REVERSING: once more, due at once */
    int64_t epoch;
    struct uuid key_id; /* who; zero: the gateway */
    struct str outcome;
    struct str reason;
    struct str evidence;
    struct uuid reversal_id; /* zero: as it was */
    int64_t created_us;
};

struct store_proof { /* an attempt is final: its open cases of not knowing are resolved, if any */
    struct uuid merchant_id;
    struct uuid payment_id;
    struct uuid attempt_id;
    enum outcome outcome;
    int64_t created_us;
};

enum {
    STORE_TRANSFER_MAX = 6,
    STORE_EVENT_MAX = 2,
    STORE_BUDGET_MAX = 8,
    STORE_LIST_MAX = 100,
    STORE_OPERATION_MAX = 1000, /* on one payment */
};

struct store_txn { /* every part may be NULL (or count 0); all parts are of one payment; a payment
                      comes with its first attempt */
    const char
        *name; /* "open", "record", "close", "switch", ...: for crash points (base/crash.h) */
    const struct store_payment *payment;
    const struct store_attempt *attempt;
    const struct store_send *send;
    const struct store_outcome *outcome;
    const struct store_transfer *transfers;
    size_t transfer_count;
    const struct store_event *events;
    size_t event_count;
    const struct store_limits *limits;
    const struct store_limits *room; /* of one capture, or late authorization; only with limits */
    const struct store_parent *parent;
    const struct store_hold *hold;
    const struct store_budget *budgets;
    size_t budget_count;
    const struct store_final *answer;
    const struct store_park *park;
    const struct store_unpark *unpark;
    const struct store_review *review;
    const struct store_verdict *verdict;
    const struct store_proof *proof;
};

struct store_ticket { /* names a bundle's place: batch, and the keys to ask for */
    int64_t batch_no;
    struct uuid merchant_id;
    struct uuid payment_id; /* set when the bundle opened a payment, and its first attempt */
    struct uuid attempt_id;
    char key[256];
};

typedef void (*store_done_fn)(void *ctx, enum store_result result,
                              const struct store_ticket *ticket, const struct error *why);

/*
 * writer_id: new for each process that writes; registered in `writers` (instance, boot, slot) by
 * store_new's first connection before anything else is written. boot_id: random for each start of
 * the master that holds the instance's lock; no clock is asked who belongs to an earlier one.
 */
struct store *store_new(struct loop *loop, const struct store_config *config,
                        const struct uuid *writer_id, const struct uuid *instance_id,
                        const struct uuid *boot_id, unsigned slot);
/* Bundles and reads in flight get no done. The loop must not tick afterwards: its hooks stay. */
void store_free(struct store **store);
bool store_is_connected(const struct store *store); /* at least one writer connection works */
size_t store_queued(const struct store *store);

/*
 * done is called exactly once, never before this returns. A bundle that could not be sent within
 * two seconds ends UNAVAILABLE (or ROLLED_BACK, when it was sent and rolled back before).
 */
void store_write_start(struct store *store, const struct store_txn *txn, store_done_fn done,
                       void *ctx);
/* After STORE_UNKNOWN: ends COMMITTED, KEY_TAKEN, REFERENCE_TAKEN, ROLLED_BACK, or UNAVAILABLE (ask
 * again). */
void store_probe_start(struct store *store, const struct store_ticket *ticket, store_done_fn done,
                       void *ctx);

/* ---- reads: results live in the arena that the caller gives (alive until done) --------------- */

struct store_send_view {
    struct store_send row;
};
struct store_late { /* an authorization that came late: its own limits */
    bool exists;
    int64_t held_minor;
    int64_t open_minor; /* ... of it kept for its reversal, or being voided */
    int64_t ends_us;    /* it is held until then; 0: not known */
};
struct store_attempt_view {
    struct store_attempt row;
    struct store_send *sends; /* by number */
    size_t send_count;
    struct store_outcome *outcomes; /* by number */
    size_t outcome_count;
    struct store_late late;
    bool parked;      /* in `unresolved` */
    bool is_canceled; /* there, and the merchant wants it back */
};
struct store_payment_view {
    struct store_payment row;   /* key, fingerprint, tokens_sealed, details included */
    enum payment_status status; /* of its newest event; PROCESSING when it has none */
    int32_t event_count;        /* highest event number */
    int64_t updated_us;
    int64_t authorized, captured, refunded; /* from payment_limits; 0 when it has no row; those of a
                                               capture count what is taken of it alone; an
                                               authorization that came late is not among them */
    int64_t capture_open, refund_open;      /* asked for, and not yet known to have been done */
    struct str
        hold_reference;   /* the provider's id of the authorization in force; empty: not known */
    int64_t hold_ends_us; /* it is held until then; 0: not known */
    struct store_attempt_view *attempts; /* by number */
    size_t attempt_count;
};

enum store_find {
    STORE_FOUND = 0,
    STORE_ABSENT,
    STORE_FAILED, /* database away or time-out: *why */
};
enum store_kind { /* of what is looked for */
                  STORE_ANY = 0,
                  STORE_PAYMENTS,
                  STORE_PAYOUTS,
                  STORE_CAPTURES,
                  STORE_VOIDS,
                  STORE_REFUNDS,
                  STORE_REAUTHORIZATIONS,
                  STORE_KIND_COUNT,
};
struct str store_kind_name(enum store_kind kind); /* "payment", "payout", ...: not of ANY */
enum store_kind store_kind_of(const struct store_payment *row);
typedef void (*store_payment_fn)(void *ctx, enum store_find found,
                                 const struct store_payment_view *payment, const struct error *why);
void store_load_payment(struct store *store, const struct uuid *merchant_id,
                        const struct uuid *payment_id, enum store_kind kind, struct arena *arena,
                        store_payment_fn done, void *ctx);
/* The newest try under a reference; `kind` is not STORE_ANY. */
void store_load_reference(struct store *store, const struct uuid *merchant_id, enum store_kind kind,
                          struct str reference, struct arena *arena, store_payment_fn done,
                          void *ctx);

struct store_key_view {
    struct uuid payment_id;
    uint8_t fingerprint[32];
    struct uuid writer_id; /* who opened it */
    bool has_answer;
    struct store_answer answer; /* of a payment: neither content_type nor location */
    int64_t created_us;
};
typedef void (*store_key_fn)(void *ctx, enum store_find found, const struct store_key_view *key,
                             const struct error *why);
void store_load_key(struct store *store, const struct uuid *merchant_id, struct str key,
                    struct arena *arena, store_key_fn done, void *ctx);

struct store_filter { /* GET /v1/payments, GET /v1/payouts; newest first */
    struct uuid merchant_id;
    enum store_kind kind;
    int64_t from_us, to_us;     /* created, from included, to excluded; 0: open */
    enum payment_status status; /* PAYMENT_NONE: any */
    struct str reference;
    struct str provider; /* of any attempt */
    struct uuid after;   /* cursor: payments older than this id; zero: from the newest */
    unsigned limit;      /* 1..100 */
};
typedef void (*store_list_fn)(void *ctx, enum store_find found,
                              const struct store_payment_view *payments, size_t count,
                              bool has_more, const struct error *why);
void store_list_payments(struct store *store, const struct store_filter *filter,
                         struct arena *arena, store_list_fn done, void *ctx);
/*
 * The operations on a payment, newest first, at most STORE_OPERATION_MAX. No such payment: none.
 * STORE_ANY: of all kinds. Without their metadata, which is `{}` then, they take some kB each;
 * with it, as much as merchants put there.
 */
void store_list_operations(struct store *store, const struct uuid *merchant_id,
                           const struct uuid *payment_id, enum store_kind kind, bool has_metadata,
                           struct arena *arena, store_list_fn done, void *ctx);

/* ---- the queue of unresolved attempts -------------------------------------------------------- */

struct store_claimed {
    struct uuid merchant_id;
    struct uuid attempt_id;
    struct uuid payment_id;
    int64_t epoch;
    int32_t tries;
    int64_t parked_us; /* when it was first parked */
    struct uuid account_id;
    struct str provider;
    bool is_canceled;
    bool is_recheck; /* parked as STORE_RECHECK: final, and to be looked up again */
};
typedef void (*store_claim_fn)(void *ctx, enum store_find found,
                               const struct store_claimed *claimed, size_t count,
                               const struct error *why);
typedef void (*store_count_fn)(void *ctx, enum store_find found, int64_t count,
                               const struct error *why);
struct store_lane { /* the attempts of one account */
    struct str provider;
    struct uuid account_id;
    int32_t in_hand; /* of it, here */
};
struct store_claim_ask {
    int64_t now_us;
    int64_t lease_ms;
    unsigned limit;       /* rows claimed now */
    unsigned account_max; /* in hand and claimed of one account, and of one provider */
    unsigned provider_max;
    const struct store_lane *lanes; /* those with attempts in hand; borrowed during the call */
    size_t lane_count;
};
/*
 * Claim due rows for lease_ms (one UPDATE whose outer WHERE repeats the predicate). Each claim
 * raises the epoch by one: a row that kills its claimers shows it there. Accounts take turns, each
 * with what is longest due: whoever has least in hand comes first.
 */
void store_claim(struct store *store, const struct store_claim_ask *ask, struct arena *arena,
                 store_claim_fn done, void *ctx);
/*
 * The merchant wants this attempt back: from now on whoever claims it is told, and it is due at
 * once. Count 0: it is not in `unresolved`. Again: nothing changes.
 */
void store_cancel(struct store *store, const struct uuid *merchant_id,
                  const struct uuid *attempt_id, int64_t now_us, store_count_fn done, void *ctx);

/*
 * Park every attempt without final outcome of writers that are surely dead: those the master reaped
 * (writers.reaped_us set by store_reap_writer), and those of other instances whose newest heartbeat
 * is older than dead_after_ms (not_after + call time-out + settling). Returns how many were parked.
 */
void store_adopt(struct store *store, int64_t now_us, int64_t dead_after_ms, store_count_fn done,
                 void *ctx);
/*
 * This store's writer ends: all it was asked to write is answered, nothing of it is left to adopt.
 * Count 0: it has been reaped before. Nothing may be written afterwards.
 */
void store_close_writer(struct store *store, int64_t now_us, store_count_fn done, void *ctx);
/* The master (or its successor, holding the instance lock) says: this writer's process is gone. */
void store_reap_writer(struct store *store, const struct uuid *writer_id, int64_t now_us,
                       store_count_fn done, void *ctx);
/* Every writer of this instance but those of this boot is gone. */
void store_reap_instance(struct store *store, int64_t now_us, store_count_fn done, void *ctx);
/*
 * Heartbeat and watermark: every attempt this writer made before watermark_us is final or parked.
 * The watermark never goes back. Count 0: this writer was reaped, its attempts belong to others;
 * stop.
 */
void store_heartbeat(struct store *store, int64_t now_us, int64_t watermark_us, store_count_fn done,
                     void *ctx);
/*
 * How far the database's clock is ahead of ours (negative: behind), beyond what the way of the
 * last heartbeat explains. False: no heartbeat has come back yet.
 */
bool store_clock_ahead(const struct store *store, int64_t *ahead_us);
typedef void (*store_backlog_fn)(void *ctx, enum store_find found, int64_t parked,
                                 int64_t oldest_parked_us, const struct error *why);
void store_backlog(struct store *store, store_backlog_fn done, void *ctx);

#endif

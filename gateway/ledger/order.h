/*
 * order.h - payouts that wait: rows of payout_orders and of what belongs to them.
 *
 *   requires_approval --approve--> queued --claim--> running --> begun (the payment says the rest)
 *     | reject, cancel               ^  | cancel       |  '----> failed (without any payment)
 *     v                              |  v              |
 *   rejected, canceled               |  canceled <-----+  cancel, if the try's key was still free
 *                                    '-----------------'  put back: later, or as the next try
 *
 * An order begins under a key of its own (order_key): whoever runs it again, after a crash or at
 * the same time, finds that key taken. The key is the arbiter of cancelling, too: what may have
 * been claimed is canceled by taking the key of its try, so that nobody can begin it any more.
 *
 * A batch is stored in one transaction, on the connection for what is large (SQL_BULK): group
 * commit does not wait for it. When the answer to the commit is lost, the same transaction is sent
 * again: its idempotency key is either its own already, or taken by another, or free.
 *
 * Every change is one statement that names the state it expects; who comes second changes nothing.
 */
#ifndef LEDGER_ORDER_H
#define LEDGER_ORDER_H

#include "ledger/store.h"

enum order_state {
    ORDER_NONE = 0,
    ORDER_REQUIRES_APPROVAL,
    ORDER_QUEUED,
    ORDER_RUNNING,
    ORDER_BEGUN,
    ORDER_FAILED,
    ORDER_CANCELED,
    ORDER_REJECTED,
    ORDER_STATE_COUNT,
};
const char *order_state_name(enum order_state state);
enum order_state order_state_find(struct str name); /* ORDER_NONE when unknown */

enum order_decision {
    ORDER_APPROVE = 1,
    ORDER_REJECT,
    ORDER_CANCEL,
};

enum {
    ORDER_KEY_SIZE = 64,
    ORDER_DECISION_MAX = 3, /* each once */
    ORDER_CANCEL_CHUNK = 200,
};

/* The idempotency key of one try: begins with a character that no client's key can have. */
struct str order_key(const struct uuid *order_id, int32_t try_number, char out[ORDER_KEY_SIZE]);
bool order_key_is(struct str key);

struct order { /* strings borrowed, or in the arena of a read */
    struct uuid merchant_id;
    struct uuid order_id;
    struct uuid batch_id; /* zero: a single payout */
    int32_t row_number;   /* 1.. in its batch; 0: single */
    int64_t created_us;
    bool livemode;
    int64_t amount_minor;
    char currency[4];
    struct str reference;      /* empty: none */
    struct str request_sealed; /* empty: begun, or erased */
    struct str approval_json;  /* "[]": none was needed */
    struct uuid created_by;    /* API key */
    enum order_state state;
    int64_t next_us;
    int64_t epoch;
    int32_t try_number;
    int32_t wait_count;
    struct uuid payment_id; /* of this try */
    struct str reason;
    struct str detail;
    int64_t begun_us;  /* 0: not yet */
    int64_t done_us;   /* 0: not yet known to be */
    int64_t erased_us; /* when its personal data were; 0: they were not */
};

struct order_batch {
    struct uuid merchant_id;
    struct uuid batch_id;
    int64_t created_us;
    bool livemode;
    struct str reference;
    int32_t row_count; /* good and bad */
    int32_t invalid_count;
    struct str totals_json;   /* of the good rows: [{"currency","count","amount"}] */
    struct str approval_json; /* "[]": none was needed */
    enum order_state state;   /* REQUIRES_APPROVAL, QUEUED (open), REJECTED, CANCELED */
    struct uuid created_by;
    bool is_done; /* read only: no row is known to be unfinished */
};

struct order_error { /* a row that was refused */
    int32_t row_number;
    struct str reference;   /* empty: none that could be kept */
    struct str code;        /* of the first error */
    struct str errors_json; /* [{"code","param","detail"}] */
};

struct order_note { /* a decision, as it was written down */
    struct uuid subject_id;
    struct str decision; /* "approve", "reject", "cancel" */
    struct uuid key_id;
    struct str role;
    int64_t created_us;
};

/* ---- storing --------------------------------------------------------------------------------- */

struct order_bundle { /* everything of one request; borrowed until done */
    struct uuid merchant_id;
    struct str key;
    uint8_t fingerprint[32];
    struct uuid holder_id; /* the batch, or the one order */
    int64_t created_us;
    const struct order_batch *batch; /* NULL: one single order */
    const struct order *orders;
    size_t order_count;
    const struct order_error *errors;
    size_t error_count;
    const struct store_answer *answer; /* NULL: none is stored */
};

/*
 * COMMITTED; KEY_TAKEN: by another request, nothing was written; ROLLED_BACK, UNAVAILABLE: surely
 * nothing was written; UNKNOWN: the commit was lost, and so were the repeats of it.
 */
typedef void (*order_stored_fn)(void *ctx, enum store_result result, const struct error *why);
void order_store_start(struct store *store, const struct order_bundle *bundle, order_stored_fn done,
                       void *ctx);
/* Keep the first final answer of a key that has none yet; then store_load_key tells it. */
void order_answer_start(struct store *store, const struct store_answer *answer,
                        order_stored_fn done, void *ctx);

/* ---- running --------------------------------------------------------------------------------- */

struct order_claim { /* strings in the arena that was given */
    struct uuid merchant_id;
    struct uuid order_id;
    struct uuid batch_id;
    int64_t epoch;
    int32_t try_number;
    int32_t free_tries; /* of them, those that do not count */
    int32_t wait_count;
    struct uuid payment_id;
    struct str request_sealed;
    bool is_batch_canceled; /* not to be begun */
};
typedef void (*order_claim_fn)(void *ctx, enum store_find found, const struct order_claim *claims,
                               size_t count, const struct error *why);
struct order_wanted {
    unsigned limit;              /* orders at most */
    unsigned merchant_limit;     /* of one merchant at most */
    const struct uuid *excluded; /* merchants that are not to be claimed of */
    size_t excluded_count;
    int64_t now_us;
    int64_t lease_ms;
};
/*
 * Claim due orders: the first of each merchant, then the second of each, and so on; single payouts
 * before rows of batches. Results live in arena.
 */
void order_claim_start(struct store *store, const struct order_wanted *wanted, struct arena *arena,
                       order_claim_fn done, void *ctx);

struct order_end { /* how a claim ended; of another epoch or state: nothing changes */
    struct uuid merchant_id;
    struct uuid order_id;
    int64_t epoch;
    enum order_state state; /* QUEUED: put back; BEGUN; FAILED */
    int64_t next_us;
    int32_t try_number;
    int32_t free_tries;
    int32_t wait_count;
    struct uuid payment_id; /* of this try */
    struct str reason;
    struct str detail;
    struct str status; /* what it came to; empty: not yet known */
    bool has_payment;  /* a payment of this try exists */
};
/*
 * All of them FAILED, or none. One fails only when nobody can begin it any more: when its key is
 * taken, or is being taken, it is queued again instead. That may wait for the other's transaction.
 */
void order_end_start(struct store *store, const struct order_end *ends, size_t count,
                     int64_t now_us, store_count_fn done, void *ctx);
/*
 * Look what became of begun orders that are due, at most `limit`; those that are over are marked
 * done, the others looked at later. Counts those that were looked at.
 */
void order_settle_start(struct store *store, unsigned limit, int64_t now_us, store_count_fn done,
                        void *ctx);
/* How many wait for their turn, and since when the oldest of them is due; 0, 0: none. */
void order_backlog_start(struct store *store, store_backlog_fn done, void *ctx);

/* ---- deciding -------------------------------------------------------------------------------- */

struct order_decide {
    struct uuid merchant_id;
    struct uuid subject_id; /* an order, or a batch */
    enum order_decision decision;
    struct uuid key_id; /* who; approves only what another key asked for */
    struct str role;
    int64_t now_us;
};
/*
 * Count 1: decided. 0: it is not in a state for that, was asked for by this key (approve), or does
 * not exist: load it to tell. An order of a batch can only be canceled by itself.
 */
void order_decide_start(struct store *store, const struct order_decide *decide, store_count_fn done,
                        void *ctx);
/* The same of a batch and all its rows; cancel: of those that have not begun. */
void order_decide_batch_start(struct store *store, const struct order_decide *decide,
                              store_count_fn done, void *ctx);
/*
 * Cancel some of the rows of a canceled batch that may have been claimed, from row_number on.
 * *count is the last row looked at; 0: none was left.
 */
void order_cancel_rows_start(struct store *store, const struct uuid *merchant_id,
                             const struct uuid *batch_id, int32_t row_number, int64_t now_us,
                             store_count_fn done, void *ctx);

#endif

/*
 * seal_store.h - sealing: which transfers can be sealed, and writing the seal (seal.h). Blocking, on a
 * connection of its own: for the sealer and the command line, never for a worker.
 *
 *     ids of a merchant   ---- sealed ----|to_id ---- settled ----|boundary ---- too new ---->
 *
 * There is no order of commits, so a boundary is needed below which nothing appears unnoticed. It lies
 * SEAL_BEHIND_US before a moment of the database's clock, and every transaction that was begun before
 * that moment is over. Whoever appears below it was begun after the moment, with an id that was then
 * older than ten seconds: its writer has put it into seal_late, in the same transaction (LATE_ROWS in
 * sql.c). From there it gets into the merchant's next seal, whatever its id.
 *
 * One sealer at a time, over all hosts: a lock of its session. Number and merchant are the key of a
 * seal, so that two can never make one chain in turn.
 */
#ifndef LEDGER_SEAL_STORE_H
#define LEDGER_SEAL_STORE_H

#include "ledger/seal.h"

enum {
    SEAL_BEHIND_US = 20000000,
    SEAL_DUE_MAX = 256, /* merchants in one answer */
};

struct seal_store;

/* NULL with *err: the database cannot be reached. `name` is what pg_stat_activity shows. */
struct seal_store *seal_store_open(const char *conninfo, const char *name,
                                   struct error *err) MUST_USE;
void seal_store_close(struct seal_store **store);

/* Become the one who seals; *is_ours false: another is. */
bool seal_store_claim(struct seal_store *store, bool *is_ours, struct error *err) MUST_USE;
/* Look at the clock and the transactions. *boundary is zero as long as nothing is known; it follows the
 * calls before, so call it again and again. */
bool seal_store_settle(struct seal_store *store, struct uuid *boundary, struct error *err) MUST_USE;
/* The next merchants behind *after that have something to seal, at most SEAL_DUE_MAX. */
bool seal_store_due(struct seal_store *store, const struct uuid *boundary, const struct uuid *after,
                    struct uuid *merchants, size_t *count, struct error *err) MUST_USE;
/* The newest seal of a merchant; number 0: none. */
bool seal_store_last(struct seal_store *store, const struct uuid *merchant_id, struct seal *last,
                     struct error *err) MUST_USE;
/* Make the merchant's next seal, behind *last and above number `above`, and commit it. *last becomes
 * it; its number stays when there was nothing to seal. */
bool seal_store_seal(struct seal_store *store, const struct uuid *boundary, int64_t above,
                     const struct seal_key *key, struct seal *last, struct error *err) MUST_USE;

/* ---- what verify reads ------------------------------------------------------------------------- */

/* The rows of a seal as they are now. */
struct seal_rows {
    struct seal_tree tree;
    struct buf marks; /* owned */
    struct buf text;  /* owned: the encoding of a row */
    int64_t late_count;
    int64_t oldest_us;     /* created_at of the late row that says it is the oldest */
    struct uuid oldest_id; /* its id */
};
void seal_rows_init(struct seal_rows *rows);
void seal_rows_release(struct seal_rows *rows);

/* Merchants that have transfers or seals, behind *after, at most SEAL_DUE_MAX. */
bool seal_store_merchants(struct seal_store *store, const struct uuid *after,
                          struct uuid *merchants, size_t *count, struct error *err) MUST_USE;
typedef bool (*seal_fn)(void *ctx, const struct seal *seal, struct error *err);
/* The seals of a merchant by number, one by one; false: `each` said so, or the database. */
bool seal_store_each(struct seal_store *store, const struct uuid *merchant_id, seal_fn each,
                     void *ctx, struct error *err) MUST_USE;
/* The seal with its list of rows (into *marks); *is_there false: it is gone. */
bool seal_store_read(struct seal_store *store, const struct uuid *merchant_id, int64_t number,
                     struct seal *seal, struct buf *marks, bool *is_there,
                     struct error *err) MUST_USE;
bool seal_store_rows(struct seal_store *store, const struct seal *seal, struct seal_rows *rows,
                     struct error *err) MUST_USE;

/* What no seal covers. */
struct seal_rest {
    int64_t new_count;  /* behind the last seal */
    int64_t late_count; /* they wait in seal_late */
    bool has_hidden;
    struct uuid hidden_id; /* in seal_late with a number that no seal has */
    bool has_backdated;
    struct uuid backdated_id; /* one of late_count that claims to be older than allowed */
};
/* `oldest_us`: what waits may claim to be so old. */
bool seal_store_rest(struct seal_store *store, const struct uuid *merchant_id,
                     const struct uuid *sealed_to, int64_t oldest_us, struct seal_rest *rest,
                     struct error *err) MUST_USE;

#endif

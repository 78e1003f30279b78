/*
 * holds.h - provider accounts that get no new payments for a while.
 *
 *     disabled     by a person: no new payments, and nothing that a merchant asks for on old ones
 *     drained      by a person: no new payments; captures, refunds and look-ups go on
 *     maintenance  planned: the same from its start to its end, or each week at that time
 *
 * A person's hold replaces the one before; it ends by itself at `until`, or when somebody ends it.
 * Windows of maintenance stand beside each other. Rows are never deleted: they are the record of
 * who held what, why, and until when. Look-ups and reversals, which keep money safe, always go on.
 *
 * What is not ended travels with the account's row in the directory; whether it holds now is asked
 * of the clock, so that it begins and ends everywhere at once.
 */
#ifndef LEDGER_HOLDS_H
#define LEDGER_HOLDS_H

#include "ledger/directory.h"

enum {
    HOLD_MAX = 32, /* of an account that are not ended */
    HOLD_LIST_MAX = 100,
};

enum hold_kind {
    HOLD_NONE = 0,
    HOLD_MAINTENANCE, /* the stronger, the greater */
    HOLD_DRAINED,
    HOLD_DISABLED,
    HOLD_KIND_COUNT,
};
const char *hold_kind_name(enum hold_kind kind); /* "maintenance", "drained", ... */
enum hold_kind hold_kind_find(struct str name);  /* HOLD_NONE when unknown */

struct hold { /* strings are borrowed from what was read */
    struct uuid hold_id;
    enum hold_kind kind;
    int64_t from_us;  /* wall clock */
    int64_t until_us; /* 0: until somebody ends it */
    bool weekly;
    struct str author;
    struct str reason;
    int64_t created_us; /* the rest only in lists */
    int64_t ended_us;
    struct str ended_by;
};

/* Of directory_account.holds; at most HOLD_MAX. */
size_t holds_parse(struct str text, struct hold out[HOLD_MAX]);
/* Whether it holds at now_us; *until_us: the end of this time, 0: none. */
bool hold_is_on(const struct hold *hold, int64_t now_us, int64_t *until_us);
/* The strongest that holds at now_us, with until_us of this time; false: none does. */
bool holds_now(struct str text, int64_t now_us, struct hold *out);

/* replaces: end what people did before. STORE_ABSENT: there is no such account. */
void holds_add(struct store *store, const struct uuid *merchant_id, const struct uuid *account_id,
               const struct hold *hold, bool replaces, directory_done_fn done, void *ctx);
/* hold_id NULL: what people did. STORE_ABSENT: there was nothing to end. */
void holds_end(struct store *store, const struct uuid *merchant_id, const struct uuid *account_id,
               const struct uuid *hold_id, struct str by, int64_t now_us, directory_done_fn done,
               void *ctx);
typedef void (*holds_list_fn)(void *ctx, enum store_find found, const struct hold *holds,
                              size_t count, const struct error *why);
/* Newest first, ended ones too, at most HOLD_LIST_MAX. */
void holds_list(struct store *store, const struct uuid *merchant_id, const struct uuid *account_id,
                struct arena *arena, holds_list_fn done, void *ctx);

#endif

/*
 * merchant.h - who is calling, and through which accounts: a cache of the directory in each worker.
 *
 * An API key is "tpk_test_" or "tpk_live_" + 43 base64url characters (256 random bits). Its
 * HMAC-SHA-256 under the pepper finds it. Found keys, merchants and accounts are cached; the
 * directory's version is compared every second, and a change drops what was cached. Unknown keys
 * are remembered for a second (bounded), so that guessing does not reach the database.
 */
#ifndef PAYMENT_MERCHANT_H
#define PAYMENT_MERCHANT_H

#include "base/crypto.h"
#include "base/loop.h"
#include "ledger/directory.h"
#include "payment/rulebook.h"
#include "providers/provider.h"
#include "router/cost.h"
#include "router/health.h"

enum {
    MERCHANT_ACCOUNT_MAX = 16,
    MERCHANT_APPROVAL_MAX = 200, /* as many as there are currencies */
};

struct merchant_account {
    struct provider_account account;
    struct directory_account row; /* strings owned with the merchant */
    struct cost_table *cost;      /* owned; NULL: no fee table */
    struct health_entry *health;  /* in shared memory */
    uint64_t currency_bits[4];    /* by currency_index */
    bool usable;                  /* false: secret missing or settings wrong: `problem` says why */
    char problem[160];
};

struct merchant_limits { /* 0: the gateway's default */
    int64_t rate;        /* requests a second */
    int64_t burst;       /* of them at once */
    int64_t in_flight_max;
};

struct merchant_approval { /* above so much a second key must approve a payout */
    const struct currency *currency;
    int64_t limit_minor; /* > 0 */
};

struct merchant { /* immutable once loaded; reference counted (merchant_hold, merchant_drop) */
    struct uuid merchant_id;
    struct str name;
    struct str country;
    bool livemode;
    bool disabled;
    struct str client_keys; /* digests of 32 bytes; empty: any client */
    struct merchant_limits limits;
    struct merchant_approval approval[MERCHANT_APPROVAL_MAX];
    size_t approval_count;
    struct merchant_account account[MERCHANT_ACCOUNT_MAX];
    size_t account_count;
    struct rulebook_sets rules; /* held; empty: no rulebook was given */
};

struct caller { /* what a valid key gives */
    struct uuid key_id;
    enum key_role role;
    bool livemode;
    struct merchant *merchant; /* held; NULL for an operator of the house */
};

struct merchants;

struct merchants_config {        /* strings are borrowed, alive as long as the module */
    const char *secrets_folder;  /* where "file:NAME" lies */
    const char *default_ca_file; /* accounts without own CA; "" = system store */
    int64_t check_interval_ms;   /* 1,000 */
    size_t merchant_max;         /* 10,000 cached */
    size_t key_max;              /* 20,000 cached */
    /* "env:NAME": only process reads the environment. False when there is no such name; may be
     * NULL. */
    bool (*read_env)(void *ctx, const char *name, struct secret *value);
    void *env_ctx;
};
extern const struct merchants_config merchants_config_default; /* no folder, no environment */

struct merchants *merchants_new(struct loop *loop, struct store *store, struct health *health,
                                const uint8_t pepper[32], const struct merchants_config *config);
void merchants_free(struct merchants **merchants);
/* Merchants come with their rule sets; the book is borrowed, and goes after the merchants. */
void merchants_use_rulebook(struct merchants *merchants, struct rulebook *book);
/* `gone` is called for each account of a merchant that is dropped for good (engine_forget_account).
 */
typedef void (*merchants_gone_fn)(void *ctx, const struct uuid *account_id);
void merchants_watch(struct merchants *merchants, merchants_gone_fn gone, void *ctx);

/*
 * Whatever hands out a merchant (merchants_try, merchants_authenticate, merchants_load) hands out a
 * held one: the receiver drops it. It stays valid when the cache has long forgotten it.
 */
void merchant_hold(struct merchant *merchant);
void merchant_drop(struct merchant *merchant);

enum merchants_find {
    MERCHANTS_FOUND = 0,
    MERCHANTS_UNKNOWN,     /* no such key, expired or disabled: 401 */
    MERCHANTS_UNAVAILABLE, /* the database is away: 503 */
};
/* caller: only when FOUND; caller->merchant is held for the receiver, who drops it. */
typedef void (*merchants_done_fn)(void *ctx, enum merchants_find found,
                                  const struct caller *caller);
/* The hot path: answers at once from the cache; false means ask merchants_authenticate. */
bool merchants_try(struct merchants *merchants, struct str api_key, struct caller *caller);
/* done exactly once, never before this returns. */
void merchants_authenticate(struct merchants *merchants, struct str api_key, merchants_done_fn done,
                            void *ctx);
/* The same for who proved before that they have the key of this digest: a session. */
bool merchants_try_digest(struct merchants *merchants, const uint8_t digest[32],
                          struct caller *caller);
void merchants_authenticate_digest(struct merchants *merchants, const uint8_t digest[32],
                                   merchants_done_fn done, void *ctx);
/* merchant: only when FOUND (also when disabled: its open payments must end); held for the
 * receiver. */
typedef void (*merchants_load_fn)(void *ctx, enum merchants_find found, struct merchant *merchant);
void merchants_load(struct merchants *merchants, const struct uuid *merchant_id,
                    merchants_load_fn done, void *ctx);
/* False when the merchant is bound to clients and this is none of them (spki NULL: no certificate).
 */
bool merchant_takes_client(const struct merchant *merchant, const uint8_t spki[32]);
/* Above which sum of this currency a second key must approve a payout; 0: none. */
int64_t merchant_payout_limit(const struct merchant *merchant, const struct currency *currency);
/* Drop everything cached (the directory changed here). */
void merchants_forget(struct merchants *merchants);

/* Of the form of a key: nothing else is looked up. */
bool merchant_key_is_valid(struct str text);
/* Make a key: text shown once, digest stored. */
void merchant_key_make(bool livemode, char text[64], uint8_t digest[32], const uint8_t pepper[32]);
void merchant_key_digest(struct str text, const uint8_t pepper[32], uint8_t digest[32]);

/*
 * Build the usable form of an account row (secret read, settings checked, fee table parsed). What
 * is wrong makes the account unusable, never the merchant. health may be NULL; strings live in
 * arena. The secret is
 * {"user": "...", "password": "..."} in a file only we may read, or in an environment variable.
 */
void merchant_account_build(struct merchant_account *out, const struct directory_account *row,
                            const struct merchants_config *config, struct health *health,
                            struct arena *arena);
void merchant_account_release(struct merchant_account *account);
bool merchant_account_takes(const struct merchant_account *account,
                            const struct currency *currency);

#endif

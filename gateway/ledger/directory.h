/*
 * directory.h - merchants, API keys and provider accounts: rare writes, cached reads.
 *
 * Secrets are never here: an account names where its credentials are ("file:paypal-demo.json" below
 * the secrets folder, or "env:PAYPAL_DEMO"), a key is stored as HMAC-SHA-256 under a pepper.
 */
#ifndef LEDGER_DIRECTORY_H
#define LEDGER_DIRECTORY_H

#include "ledger/store.h"

enum key_role {
    KEY_ROLE_NONE = 0,
    KEY_MERCHANT, /* "merchant": payments of its merchant */
    KEY_FINANCE,  /* "finance": reads of its merchant */
    KEY_OPERATOR, /* "operator": administration and provider health; merchant_id may be zero */
    KEY_ROLE_COUNT,
};
const char *key_role_name(enum key_role role);
enum key_role key_role_find(struct str name);

struct directory_merchant {
    struct uuid merchant_id;
    struct uuid twin_id; /* the test twin of a live merchant, and the other way round */
    struct str name;
    bool livemode;
    bool disabled;
    struct str country;
    int64_t created_us;
    struct str client_keys; /* digests of 32 bytes; empty: any client. put leaves them alone */
    struct str
        payout_limits_json; /* {"EUR": 500000}: above, a second key approves; put leaves it */
    bool rules_approval;    /* a second key approves its rule sets; put leaves it (rules.h) */
    int64_t rate;           /* its own limits; 0: the gateway's default. put leaves them alone */
    int64_t burst;
    int64_t in_flight_max;
};

enum {
    DIRECTORY_CLIENT_KEY_MAX = 4,
};

struct directory_key {
    struct uuid key_id;
    struct uuid
        merchant_id; /* the (live or test) merchant it acts for; zero: operator of the house */
    enum key_role role;
    bool livemode;
    struct str hint; /* first and last characters, for display */
    uint8_t digest[32];
    int64_t created_us;
    int64_t expires_us;  /* 0: never */
    int64_t disabled_us; /* 0: active; else from then on */
};

struct directory_account {
    struct uuid merchant_id;
    struct uuid account_id;
    struct str provider;
    struct str name; /* unique per merchant and provider */
    struct str base_url;
    struct str secret_ref;
    struct str settings_json;
    struct str fees_json;     /* fee table, whole */
    struct str currencies;    /* "EUR USD"; empty: all the provider takes */
    struct str methods;       /* "card wallet"; empty: all */
    int64_t amount_max_minor; /* 0: none */
    bool disabled;
    int64_t created_us;
    struct str holds; /* those that are not ended, as holds.h reads them; put leaves them alone */
};

typedef void (*directory_done_fn)(void *ctx, enum store_find found, const struct error *why);

/*
 * put inserts, or changes what is there under the same id (a key is never changed; a merchant keeps
 * its mode, an account its provider). STORE_ABSENT: nothing written because the object to change
 * does not exist, a unique name is taken, or a value is refused (*why then tells which).
 */
void directory_put_merchant(struct store *store, const struct directory_merchant *merchant,
                            directory_done_fn done, void *ctx);
void directory_put_key(struct store *store, const struct directory_key *key, directory_done_fn done,
                       void *ctx);
void directory_put_account(struct store *store, const struct directory_account *account,
                           directory_done_fn done, void *ctx);
void directory_disable_merchant(struct store *store, const struct uuid *merchant_id, bool disabled,
                                directory_done_fn done, void *ctx);
/* The only clients that the merchant's API keys work for; empty: all. */
void directory_bind_merchant(struct store *store, const struct uuid *merchant_id,
                             struct str client_keys, directory_done_fn done, void *ctx);
/* Above which sums a second key must approve payouts: payout_limits_json of *merchant. */
void directory_approve_merchant(struct store *store, const struct directory_merchant *merchant,
                                directory_done_fn done, void *ctx);
/* Its own limits: rate, burst and in_flight_max of *merchant. */
void directory_limit_merchant(struct store *store, const struct directory_merchant *merchant,
                              directory_done_fn done, void *ctx);
void directory_disable_key(struct store *store, const struct uuid *key_id, int64_t at_us,
                           directory_done_fn done, void *ctx);
void directory_disable_account(struct store *store, const struct uuid *merchant_id,
                               const struct uuid *account_id, bool disabled, directory_done_fn done,
                               void *ctx);

struct directory_rows {
    struct directory_merchant *merchants;
    size_t merchant_count;
    struct directory_key *keys;
    size_t key_count;
    struct directory_account *accounts;
    size_t account_count;
};
typedef void (*directory_rows_fn)(void *ctx, enum store_find found,
                                  const struct directory_rows *rows, const struct error *why);
/* By digest: the key and its merchant (one row each). */
void directory_find_key(struct store *store, const uint8_t digest[32], struct arena *arena,
                        directory_rows_fn done, void *ctx);
/* One key by its id, without its merchant. */
void directory_load_key(struct store *store, const struct uuid *key_id, struct arena *arena,
                        directory_rows_fn done, void *ctx);
/* One merchant with all its keys and accounts. */
void directory_load_merchant(struct store *store, const struct uuid *merchant_id,
                             struct arena *arena, directory_rows_fn done, void *ctx);
/* All merchants (no keys, no accounts), by name. */
void directory_list_merchants(struct store *store, struct arena *arena, directory_rows_fn done,
                              void *ctx);
/* Every account of every merchant (operators' provider board), and the house's operator keys. */
void directory_list_accounts(struct store *store, struct arena *arena, directory_rows_fn done,
                             void *ctx);
/* A number that grows with every change above: caches compare it once a second. */
void directory_version(struct store *store, store_count_fn done, void *ctx);

#endif

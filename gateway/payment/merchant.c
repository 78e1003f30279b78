#include "payment/merchant.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "payment/hash.h"
#include "payment/prices.h"

/*
 *     authenticate(key) -> digest -> keys? ---------------------------> answer
 *                                    refused (1 s)? ------------------> unknown
 *                                    else finding: find_key -> load merchant -> keys -> answer
 *
 * Those who ask for the same digest (or merchant) while it is being fetched wait for the one fetch.
 * A fetch that began before a change of the directory is handed out, but not kept.
 */

enum {
    MERCHANT_ARENA_MAX = 4 * 1024 * 1024,
    FETCH_ARENA_MAX = 8 * 1024 * 1024,
    REFUSED_MAX = 4096,
    FETCH_MAX = 1024, /* running at once; beyond it: unavailable */
};
#define REFUSED_US CLOCK_SECOND_US

const struct merchants_config merchants_config_default = {
    .secrets_folder = "",
    .default_ca_file = "",
    .check_interval_ms = 1000,
    .merchant_max = 10000,
    .key_max = 20000,
};

struct watch { /* outlives the cache as long as a merchant is held somewhere */
    merchants_gone_fn gone;
    void *ctx;
    unsigned references;
};

struct merchant_box {
    struct merchant merchant; /* first: a merchant is found in its box */
    struct arena arena;
    struct watch *watch; /* one reference owned */
    unsigned references;
    UT_hash_handle hh; /* by merchant_id */
};

struct key_entry {
    uint8_t digest[32];
    struct caller caller; /* its merchant is held */
    int64_t expires_us;
    UT_hash_handle hh;
};

struct refused_entry {
    uint8_t digest[32];
    int64_t until_us; /* monotonic */
    UT_hash_handle hh;
};

struct waiter {
    struct link link;
    merchants_done_fn done; /* of authenticate */
    merchants_load_fn load; /* of load: one of both */
    void *ctx;
};

struct fetch {
    struct merchants *merchants;
    bool is_key;
    uint8_t digest[32];      /* of the key */
    struct uuid merchant_id; /* of the merchant */
    uint64_t generation;     /* of the cache when it began */
    struct caller caller;    /* found so far */
    int64_t expires_us;
    struct arena arena;
    size_t pricing; /* account whose fee table is being kept */
    struct link waiters;
    struct link link;
};

struct ready { /* answered at the next tick */
    struct link link;
    struct waiter waiter;
    enum merchants_find found;
    struct caller caller; /* its merchant is held */
};

struct merchants {
    struct store *store;   /* borrowed */
    struct health *health; /* borrowed */
    struct prices *prices; /* owned */
    struct rulebook *book; /* borrowed; NULL: none */
    uint8_t pepper[32];
    struct merchants_config config;
    struct key_entry *keys;        /* owned */
    struct refused_entry *refused; /* owned */
    struct merchant_box *boxes;    /* one reference owned */
    struct link fetches;
    size_t fetch_count;
    struct link ready;
    struct loop_timer ready_timer;
    struct loop_timer check_timer;
    uint64_t generation;
    int64_t version; /* of the directory; -1: not yet known */
    bool is_checking;
    struct watch *watch; /* one reference owned */
};

/* ---- merchants ---- */

static void watch_drop(struct watch *watch)
{
    CHECK(watch->references > 0);
    if (--watch->references == 0)
        free(watch);
}

void merchant_hold(struct merchant *merchant)
{
    struct merchant_box *box = (struct merchant_box *)(void *)merchant;
    CHECK(box->references > 0);
    box->references++;
}

void merchant_drop(struct merchant *merchant)
{
    struct merchant_box *box = (struct merchant_box *)(void *)merchant;
    CHECK(box->references > 0);
    if (--box->references > 0)
        return;
    for (size_t i = 0; i < merchant->account_count; i++) {
        struct merchant_account *account = &merchant->account[i];
        if (box->watch->gone != NULL)
            box->watch->gone(box->watch->ctx, &account->account.account_id);
        merchant_account_release(account);
    }
    rulebook_drop(&merchant->rules);
    watch_drop(box->watch);
    arena_release(&box->arena);
    free(box);
}

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    CHECK(memory != NULL);
    return memory;
}

/* Limits that cannot be read would let everything pass: then everything needs an approval. */
static void read_approvals(struct merchant *merchant, struct str json)
{
    struct error err;
    json_t *limits = json_parse(json.len > 0 ? json : STR("{}"), &json_limits_default, &err);
    if (limits == NULL) {
        log_error("merchant", "payout limits cannot be read: every payout needs an approval",
                  LOG_CSTR("error", err.text));
        size_t count = 0;
        const struct currency *all = currency_all(&count);
        for (size_t i = 0; i < count && i < MERCHANT_APPROVAL_MAX; i++)
            merchant->approval[merchant->approval_count++] = (struct merchant_approval){&all[i], 1};
    }
    for (void *at = json_object_iter(limits); at; at = json_object_iter_next(limits, at)) {
        struct str code = {json_object_iter_key(at), json_object_iter_key_len(at)};
        int64_t limit_minor = json_integer_value(json_object_iter_value(at));
        const struct currency *currency = currency_find(code);
        if (currency != NULL && limit_minor > 0 && merchant->approval_count < MERCHANT_APPROVAL_MAX)
            merchant->approval[merchant->approval_count++] =
                (struct merchant_approval){currency, limit_minor};
    }
    json_decref(limits);
}

int64_t merchant_payout_limit(const struct merchant *merchant, const struct currency *currency)
{
    for (size_t i = 0; i < merchant->approval_count; i++) {
        if (merchant->approval[i].currency == currency)
            return merchant->approval[i].limit_minor;
    }
    return 0;
}

static struct merchant_box *merchant_build(struct merchants *merchants,
                                           const struct directory_rows *rows)
{
    struct merchant_box *box = allocate(sizeof(*box));
    const struct directory_merchant *row = &rows->merchants[0];
    arena_init(&box->arena, MERCHANT_ARENA_MAX);
    box->references = 1;
    box->watch = merchants->watch;
    box->watch->references++;
    struct merchant *merchant = &box->merchant;
    merchant->merchant_id = row->merchant_id;
    merchant->name = arena_str(&box->arena, row->name);
    merchant->country = arena_str(&box->arena, row->country);
    merchant->livemode = row->livemode;
    merchant->disabled = row->disabled;
    merchant->client_keys = arena_str(&box->arena, row->client_keys);
    merchant->limits = (struct merchant_limits){
        .rate = row->rate,
        .burst = row->burst,
        .in_flight_max = row->in_flight_max,
    };
    read_approvals(merchant, row->payout_limits_json);
    for (size_t i = 0; i < rows->account_count && i < MERCHANT_ACCOUNT_MAX; i++) {
        struct merchant_account *account = &merchant->account[merchant->account_count++];
        merchant_account_build(account, &rows->accounts[i], &merchants->config, merchants->health,
                               &box->arena);
        char id[ID_TEXT_SIZE];
        if (!account->usable)
            log_warn("merchant", "an account cannot be used",
                     LOG_STR("account", id_format(ID_ACCOUNT, &account->account.account_id, id)),
                     LOG_CSTR("problem", account->problem));
    }
    if (rows->account_count > MERCHANT_ACCOUNT_MAX)
        log_warn("merchant", "a merchant has more accounts than can be used",
                 LOG_INT("accounts", (int64_t)rows->account_count));
    return box;
}

/* ---- the cache ---- */

static void key_entry_free(struct key_entry *entry)
{
    if (entry->caller.merchant != NULL)
        merchant_drop(entry->caller.merchant);
    free(entry);
}

static void key_entry_remove(struct merchants *merchants, struct key_entry *entry)
{
    HASH_DEL(merchants->keys, entry);
    key_entry_free(entry);
}

static void box_remove(struct merchants *merchants, struct merchant_box *box)
{
    HASH_DEL(merchants->boxes, box);
    merchant_drop(&box->merchant);
}

static void refused_remove(struct merchants *merchants, struct refused_entry *entry)
{
    HASH_DEL(merchants->refused, entry);
    free(entry);
}

/* HASH_CLEAR frees the table only; its entries stay linked. */
void merchants_forget(struct merchants *merchants)
{
    struct key_entry *key = merchants->keys;
    struct refused_entry *refused = merchants->refused;
    struct merchant_box *box = merchants->boxes;
    void *next = NULL;
    merchants->generation++;
    HASH_CLEAR(hh, merchants->keys);
    HASH_CLEAR(hh, merchants->refused);
    HASH_CLEAR(hh, merchants->boxes);
    for (; key != NULL; key = next) {
        next = key->hh.next;
        key_entry_free(key);
    }
    for (; refused != NULL; refused = next) {
        next = refused->hh.next;
        free(refused);
    }
    for (; box != NULL; box = next) {
        next = box->hh.next;
        merchant_drop(&box->merchant);
    }
}

/* uthash iterates in the order of adding: the head is the oldest. */
static void keep_key(struct merchants *merchants, const struct fetch *fetch)
{
    struct key_entry *entry = NULL;
    HASH_FIND(hh, merchants->keys, fetch->digest, sizeof(fetch->digest), entry);
    if (entry != NULL)
        return;
    entry = allocate(sizeof(*entry));
    memcpy(entry->digest, fetch->digest, sizeof(entry->digest));
    entry->caller = fetch->caller;
    entry->expires_us = fetch->expires_us;
    if (entry->caller.merchant != NULL)
        merchant_hold(entry->caller.merchant);
    HASH_ADD(hh, merchants->keys, digest, sizeof(entry->digest), entry);
    if (HASH_COUNT(merchants->keys) > merchants->config.key_max)
        key_entry_remove(merchants, merchants->keys);
}

static void keep_refused(struct merchants *merchants, const uint8_t digest[32])
{
    struct refused_entry *entry = NULL;
    int64_t until_us = clock_mono_us() + REFUSED_US;
    HASH_FIND(hh, merchants->refused, digest, sizeof(entry->digest), entry);
    if (entry != NULL) {
        entry->until_us = until_us;
        return;
    }
    entry = allocate(sizeof(*entry));
    memcpy(entry->digest, digest, sizeof(entry->digest));
    entry->until_us = until_us;
    HASH_ADD(hh, merchants->refused, digest, sizeof(entry->digest), entry);
    if (HASH_COUNT(merchants->refused) > REFUSED_MAX)
        refused_remove(merchants, merchants->refused);
}

static bool is_refused(struct merchants *merchants, const uint8_t digest[32])
{
    struct refused_entry *entry = NULL;
    HASH_FIND(hh, merchants->refused, digest, sizeof(entry->digest), entry);
    return entry != NULL && entry->until_us > clock_mono_us();
}

static struct merchant *keep_merchant(struct merchants *merchants, struct merchant_box *box)
{
    struct merchant_box *old = NULL;
    HASH_FIND(hh, merchants->boxes, &box->merchant.merchant_id, sizeof(struct uuid), old);
    if (old != NULL)
        box_remove(merchants, old);
    if (merchants->boxes != NULL && HASH_COUNT(merchants->boxes) >= merchants->config.merchant_max)
        box_remove(merchants, merchants->boxes);
    merchant_hold(&box->merchant);
    HASH_ADD(hh, merchants->boxes, merchant.merchant_id, sizeof(struct uuid), box);
    return &box->merchant;
}

static struct merchant *find_merchant(struct merchants *merchants, const struct uuid *merchant_id)
{
    struct merchant_box *box = NULL;
    HASH_FIND(hh, merchants->boxes, merchant_id, sizeof(*merchant_id), box);
    return box != NULL ? &box->merchant : NULL;
}

/* ---- answers ---- */

/* Consumes one reference of the caller's merchant. */
static void answer(const struct waiter *waiter, enum merchants_find found, struct caller *caller)
{
    bool has_merchant = found == MERCHANTS_FOUND;
    if (!has_merchant && caller->merchant != NULL) {
        merchant_drop(caller->merchant);
        caller->merchant = NULL;
    }
    if (waiter->done != NULL)
        waiter->done(waiter->ctx, found, has_merchant ? caller : NULL);
    else
        waiter->load(waiter->ctx, found, caller->merchant);
}

static void ready_run(void *ctx)
{
    struct merchants *merchants = ctx;
    struct link now;
    struct link *next = NULL;
    list_init(&now);
    while (!list_is_empty(&merchants->ready)) {
        struct link *item = merchants->ready.next;
        list_remove(item);
        list_add_last(&now, item);
    }
    for (struct link *item = now.next; item != &now; item = next) {
        next = item->next;
        struct ready *ready = LIST_OWNER(item, struct ready, link);
        answer(&ready->waiter, ready->found, &ready->caller);
        free(ready);
    }
}

static void answer_soon(struct merchants *merchants, const struct waiter *waiter,
                        enum merchants_find found, const struct caller *caller)
{
    struct ready *ready = allocate(sizeof(*ready));
    ready->waiter = *waiter;
    ready->found = found;
    if (caller != NULL) {
        ready->caller = *caller;
        if (ready->caller.merchant != NULL)
            merchant_hold(ready->caller.merchant);
    }
    list_add_last(&merchants->ready, &ready->link);
    loop_timer_start(&merchants->ready_timer, 0);
}

static void fetch_free(struct fetch *fetch)
{
    struct link *next = NULL;
    for (struct link *item = fetch->waiters.next; item != &fetch->waiters; item = next) {
        next = item->next;
        free(LIST_OWNER(item, struct waiter, link));
    }
    list_remove(&fetch->link);
    if (fetch->caller.merchant != NULL)
        merchant_drop(fetch->caller.merchant);
    arena_release(&fetch->arena);
    free(fetch);
}

/* Everybody who waited is answered; the fetch is over. */
static void fetch_end(struct fetch *fetch, enum merchants_find found)
{
    struct merchants *merchants = fetch->merchants;
    merchants->fetch_count--;
    bool is_current = fetch->generation == merchants->generation;
    if (fetch->is_key && is_current && found == MERCHANTS_FOUND)
        keep_key(merchants, fetch);
    if (fetch->is_key && is_current && found == MERCHANTS_UNKNOWN)
        keep_refused(merchants, fetch->digest);
    list_remove(&fetch->link); /* who asks from now on asks anew */
    for (struct link *item = fetch->waiters.next; item != &fetch->waiters; item = item->next) {
        struct caller caller = fetch->caller;
        if (caller.merchant != NULL)
            merchant_hold(caller.merchant);
        answer(LIST_OWNER(item, struct waiter, link), found, &caller);
    }
    fetch_free(fetch);
}

/* ---- fetching ---- */

static bool is_same_fetch(const struct fetch *fetch, const struct fetch *wanted)
{
    if (fetch->is_key != wanted->is_key || fetch->generation != wanted->generation)
        return false;
    return wanted->is_key ? memcmp(fetch->digest, wanted->digest, sizeof(wanted->digest)) == 0
                          : uuid_eq(&fetch->merchant_id, &wanted->merchant_id);
}

/* The running fetch of the same thing, or a new one; NULL when too many run. */
static struct fetch *fetch_join(struct merchants *merchants, const struct fetch *wanted,
                                bool *is_new)
{
    *is_new = false;
    for (struct link *item = merchants->fetches.next; item != &merchants->fetches;
         item = item->next) {
        struct fetch *fetch = LIST_OWNER(item, struct fetch, link);
        if (is_same_fetch(fetch, wanted))
            return fetch;
    }
    if (merchants->fetch_count >= FETCH_MAX)
        return NULL;
    struct fetch *fetch = allocate(sizeof(*fetch));
    *fetch = *wanted;
    fetch->merchants = merchants;
    arena_init(&fetch->arena, FETCH_ARENA_MAX);
    list_init(&fetch->waiters);
    list_add_last(&merchants->fetches, &fetch->link);
    merchants->fetch_count++;
    *is_new = true;
    return fetch;
}

static void fetch_wait(struct fetch *fetch, const struct waiter *waiter)
{
    struct waiter *kept = allocate(sizeof(*kept));
    *kept = *waiter;
    list_add_last(&fetch->waiters, &kept->link);
}

static void price_done(void *ctx, enum store_find found, int64_t count, const struct error *why);

static void merchant_done(struct fetch *fetch)
{
    if (fetch->generation == fetch->merchants->generation)
        (void)keep_merchant(fetch->merchants,
                            (struct merchant_box *)(void *)fetch->caller.merchant);
    fetch_end(fetch, MERCHANTS_FOUND);
}

static void rules_done(void *ctx, enum store_find found, const struct rulebook_sets *sets)
{
    struct fetch *fetch = ctx;
    if (found != STORE_FOUND) {
        fetch_end(fetch, MERCHANTS_UNAVAILABLE);
        return;
    }
    fetch->caller.merchant->rules = *sets;
    merchant_done(fetch);
}

/* No decision is made by a fee table that the ledger does not have. */
static void fetch_price(struct fetch *fetch)
{
    struct merchants *merchants = fetch->merchants;
    struct merchant *merchant = fetch->caller.merchant;
    if (prices_next(merchants->prices, merchant, &fetch->pricing)) {
        prices_keep(merchants->prices, merchant, fetch->pricing, price_done, fetch);
        return;
    }
    if (merchants->book != NULL)
        rulebook_load(merchants->book, &merchant->merchant_id, rules_done, fetch);
    else
        merchant_done(fetch);
}

static void price_done(void *ctx, enum store_find found, int64_t count UNUSED,
                       const struct error *why)
{
    struct fetch *fetch = ctx;
    if (found == STORE_FAILED) {
        log_warn("merchant", "cannot keep a fee table", LOG_CSTR("error", why->text));
        fetch_end(fetch, MERCHANTS_UNAVAILABLE);
        return;
    }
    prices_kept(fetch->merchants->prices, fetch->caller.merchant, fetch->pricing);
    fetch_price(fetch);
}

static void load_done(void *ctx, enum store_find found, const struct directory_rows *rows,
                      const struct error *why)
{
    struct fetch *fetch = ctx;
    if (found == STORE_FAILED) {
        log_warn("merchant", "cannot load a merchant", LOG_CSTR("error", why->text));
        fetch_end(fetch, MERCHANTS_UNAVAILABLE);
        return;
    }
    if (found == STORE_ABSENT || rows->merchant_count == 0) {
        fetch_end(fetch, MERCHANTS_UNKNOWN);
        return;
    }
    struct merchant_box *box = merchant_build(fetch->merchants, rows);
    fetch->caller.merchant = &box->merchant;
    fetch_price(fetch);
}

static void merchant_start(struct merchants *merchants, const struct uuid *merchant_id,
                           const struct waiter *waiter)
{
    struct merchant *merchant = find_merchant(merchants, merchant_id);
    if (merchant != NULL) {
        struct caller caller = {.merchant = merchant};
        answer_soon(merchants, waiter, MERCHANTS_FOUND, &caller);
        return;
    }
    bool is_new;
    struct fetch wanted = {.merchant_id = *merchant_id, .generation = merchants->generation};
    struct fetch *fetch = fetch_join(merchants, &wanted, &is_new);
    if (fetch == NULL) {
        answer_soon(merchants, waiter, MERCHANTS_UNAVAILABLE, NULL);
        return;
    }
    fetch_wait(fetch, waiter);
    if (is_new)
        directory_load_merchant(merchants->store, merchant_id, &fetch->arena, load_done, fetch);
}

void merchants_load(struct merchants *merchants, const struct uuid *merchant_id,
                    merchants_load_fn done, void *ctx)
{
    struct waiter waiter = {.load = done, .ctx = ctx};
    merchant_start(merchants, merchant_id, &waiter);
}

/* The merchant of a key; the reference handed in passes to the fetch. */
static void key_merchant_done(void *ctx, enum merchants_find found, struct merchant *merchant)
{
    struct fetch *fetch = ctx;
    fetch->caller.merchant = merchant;
    if (found == MERCHANTS_FOUND && merchant->disabled)
        found = MERCHANTS_UNKNOWN;
    fetch_end(fetch, found);
}

static bool is_key_valid(const struct directory_key *key, const uint8_t digest[32], int64_t now_us)
{
    return crypto_equal(key->digest, digest, 32) &&
           (key->disabled_us == 0 || key->disabled_us > now_us) &&
           (key->expires_us == 0 || key->expires_us > now_us);
}

/* When a valid key stops to be one, by itself or because it was replaced; 0: never. */
static int64_t key_end_us(const struct directory_key *key)
{
    if (key->disabled_us == 0 || key->expires_us == 0)
        return key->disabled_us + key->expires_us;
    return key->disabled_us < key->expires_us ? key->disabled_us : key->expires_us;
}

static void key_done(void *ctx, enum store_find found, const struct directory_rows *rows,
                     const struct error *why)
{
    struct fetch *fetch = ctx;
    if (found == STORE_FAILED) {
        log_warn("merchant", "cannot look up a key", LOG_CSTR("error", why->text));
        fetch_end(fetch, MERCHANTS_UNAVAILABLE);
        return;
    }
    if (found == STORE_ABSENT || rows->key_count == 0 ||
        !is_key_valid(&rows->keys[0], fetch->digest, clock_wall_us())) {
        fetch_end(fetch, MERCHANTS_UNKNOWN);
        return;
    }
    const struct directory_key *key = &rows->keys[0];
    fetch->caller.key_id = key->key_id;
    fetch->caller.role = key->role;
    fetch->caller.livemode = key->livemode;
    fetch->expires_us = key_end_us(key);
    if (uuid_is_zero(&key->merchant_id)) {
        fetch_end(fetch, key->role == KEY_OPERATOR ? MERCHANTS_FOUND : MERCHANTS_UNKNOWN);
        return;
    }
    merchants_load(fetch->merchants, &key->merchant_id, key_merchant_done, fetch);
}

bool merchants_try_digest(struct merchants *merchants, const uint8_t digest[32],
                          struct caller *caller)
{
    struct key_entry *entry = NULL;
    HASH_FIND(hh, merchants->keys, digest, sizeof(entry->digest), entry);
    if (entry == NULL)
        return false;
    if (entry->expires_us != 0 && entry->expires_us <= clock_wall_us()) {
        key_entry_remove(merchants, entry);
        return false;
    }
    *caller = entry->caller;
    if (caller->merchant != NULL)
        merchant_hold(caller->merchant);
    return true;
}

bool merchants_try(struct merchants *merchants, struct str api_key, struct caller *caller)
{
    uint8_t digest[32];
    if (!merchant_key_is_valid(api_key))
        return false;
    merchant_key_digest(api_key, merchants->pepper, digest);
    return merchants_try_digest(merchants, digest, caller);
}

void merchants_authenticate_digest(struct merchants *merchants, const uint8_t digest[32],
                                   merchants_done_fn done, void *ctx)
{
    struct waiter waiter = {.done = done, .ctx = ctx};
    struct caller caller;
    if (merchants_try_digest(merchants, digest, &caller)) {
        answer_soon(merchants, &waiter, MERCHANTS_FOUND, &caller);
        if (caller.merchant != NULL)
            merchant_drop(caller.merchant);
        return;
    }
    struct fetch wanted = {.is_key = true, .generation = merchants->generation};
    memcpy(wanted.digest, digest, sizeof(wanted.digest));
    if (is_refused(merchants, wanted.digest)) {
        answer_soon(merchants, &waiter, MERCHANTS_UNKNOWN, NULL);
        return;
    }
    bool is_new;
    struct fetch *fetch = fetch_join(merchants, &wanted, &is_new);
    if (fetch == NULL) {
        answer_soon(merchants, &waiter, MERCHANTS_UNAVAILABLE, NULL);
        return;
    }
    fetch_wait(fetch, &waiter);
    if (is_new)
        directory_find_key(merchants->store, fetch->digest, &fetch->arena, key_done, fetch);
}

void merchants_authenticate(struct merchants *merchants, struct str api_key, merchants_done_fn done,
                            void *ctx)
{
    uint8_t digest[32];
    if (!merchant_key_is_valid(api_key)) {
        answer_soon(merchants, &(struct waiter){.done = done, .ctx = ctx}, MERCHANTS_UNKNOWN, NULL);
        return;
    }
    merchant_key_digest(api_key, merchants->pepper, digest);
    merchants_authenticate_digest(merchants, digest, done, ctx);
}

/* ---- the version ---- */

static void version_done(void *ctx, enum store_find found, int64_t version, const struct error *why)
{
    struct merchants *merchants = ctx;
    (void)why; /* while the ledger is away the cache stands */
    merchants->is_checking = false;
    if (found != STORE_FOUND)
        return;
    if (merchants->version != version)
        merchants_forget(merchants);
    merchants->version = version;
}

static void check_run(void *ctx)
{
    struct merchants *merchants = ctx;
    if (!merchants->is_checking) {
        merchants->is_checking = true;
        directory_version(merchants->store, version_done, merchants);
    }
    loop_timer_start(&merchants->check_timer, merchants->config.check_interval_ms * CLOCK_MS_US);
}

struct merchants *merchants_new(struct loop *loop, struct store *store, struct health *health,
                                const uint8_t pepper[32], const struct merchants_config *config)
{
    CHECK(config->key_max > 0 && config->merchant_max > 0 && config->check_interval_ms > 0);
    struct merchants *merchants = allocate(sizeof(*merchants));
    merchants->store = store;
    merchants->prices = prices_new(store);
    merchants->health = health;
    memcpy(merchants->pepper, pepper, sizeof(merchants->pepper));
    merchants->config = *config;
    merchants->version = -1;
    merchants->watch = allocate(sizeof(*merchants->watch));
    merchants->watch->references = 1;
    list_init(&merchants->fetches);
    list_init(&merchants->ready);
    loop_timer_init(&merchants->ready_timer, loop, ready_run, merchants);
    loop_timer_init(&merchants->check_timer, loop, check_run, merchants);
    loop_timer_start(&merchants->check_timer, 0);
    return merchants;
}

void merchants_use_rulebook(struct merchants *merchants, struct rulebook *book)
{
    merchants->book = book;
}

void merchants_watch(struct merchants *merchants, merchants_gone_fn gone, void *ctx)
{
    merchants->watch->gone = gone;
    merchants->watch->ctx = ctx;
}

void merchants_free(struct merchants **merchants_at)
{
    struct merchants *merchants = *merchants_at;
    if (merchants == NULL)
        return;
    *merchants_at = NULL;
    merchants->watch->gone = NULL;
    merchants_forget(merchants);
    struct link *next = NULL;
    for (struct link *item = merchants->fetches.next; item != &merchants->fetches; item = next) {
        next = item->next;
        fetch_free(LIST_OWNER(item, struct fetch, link));
    }
    for (struct link *item = merchants->ready.next; item != &merchants->ready; item = next) {
        next = item->next;
        struct ready *ready = LIST_OWNER(item, struct ready, link);
        if (ready->caller.merchant != NULL)
            merchant_drop(ready->caller.merchant);
        free(ready);
    }
    loop_timer_release(&merchants->ready_timer);
    loop_timer_release(&merchants->check_timer);
    watch_drop(merchants->watch);
    prices_free(&merchants->prices);
    OPENSSL_cleanse(merchants->pepper, sizeof(merchants->pepper));
    free(merchants);
}

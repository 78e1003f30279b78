#include "providers/webhook_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "providers/certificate.h"
#include "providers/http_client.h"

enum {
    CONNECT_MS = 3000,
    ANSWER_MS = 5000,
    RETRY_S = 30, /* a key in use whose address does not answer */
};

enum state {
    KEY_ABSENT = 0,
    KEY_FETCHING,
    KEY_KNOWN,
    KEY_REFUSED,
};

/* A place of the table: one address, for one circle of authorities and one name. */
struct entry {
    enum state state;
    char url[256];
    char name[128];
    char ca_file[256];
    struct webhook_key *key; /* owned; may be there while it is fetched again */
    int64_t until_us;        /* monotonic: fresh, or refused, until then */
    int64_t used_us;         /* monotonic */
    const char *why;
    struct webhook_keys *keys;       /* borrowed */
    struct provider_account account; /* whose credentials are empty: only where to ask */
    struct provider_request request;
    struct http_transfer *transfer; /* borrowed */
    struct link waits;              /* owned */
};

struct webhook_wait {
    struct link link;
    struct webhook_keys *keys; /* borrowed */
    webhook_key_fn done;
    void *ctx;
};

struct webhook_keys {
    struct http_client *client; /* owned */
    struct loop_timer timer;    /* tells those whose answer is there already */
    struct entry entry[WEBHOOK_KEY_MAX];
    size_t fetch_count;
    size_t wait_count;
    int64_t strangers_full_us; /* monotonic: when their bucket is full again */
};

static void forget(struct entry *entry)
{
    CHECK(entry->transfer == NULL && list_is_empty(&entry->waits));
    webhook_key_free(&entry->key);
    entry->state = KEY_ABSENT;
}

static struct entry *find_entry(struct webhook_keys *keys, const struct provider_account *account,
                                const struct provider_check *check)
{
    for (size_t i = 0; i < WEBHOOK_KEY_MAX; i++) {
        struct entry *entry = &keys->entry[i];
        if (entry->state != KEY_ABSENT && strcmp(entry->url, check->certificate_url) == 0 &&
            strcmp(entry->name, check->certificate_name) == 0 &&
            strcmp(entry->ca_file, account->ca_file) == 0)
            return entry;
    }
    return NULL;
}

/* A free place; else the longest unused of the refused ones; else of those that are known. */
static struct entry *take_place(struct webhook_keys *keys)
{
    struct entry *best = NULL;

    for (size_t i = 0; i < WEBHOOK_KEY_MAX; i++) {
        struct entry *entry = &keys->entry[i];
        if (entry->state == KEY_ABSENT)
            return entry;
        if (entry->state == KEY_FETCHING || !list_is_empty(&entry->waits))
            continue;
        if (best == NULL || (entry->state == KEY_REFUSED && best->state == KEY_KNOWN) ||
            (entry->state == best->state && entry->used_us < best->used_us))
            best = entry;
    }
    if (best != NULL)
        forget(best);
    return best;
}

static bool may_ask_stranger(struct webhook_keys *keys, int64_t now_us)
{
    const int64_t step_us = WEBHOOK_KEY_STRANGER_S * CLOCK_SECOND_US;
    const int64_t full_us = keys->strangers_full_us > now_us ? keys->strangers_full_us : now_us;

    if (full_us + step_us - now_us > WEBHOOK_KEY_STRANGER_BURST * step_us)
        return false;
    keys->strangers_full_us = full_us + step_us;
    return true;
}

/* ---- telling ---- */

static enum webhook_key_find found_of(const struct entry *entry)
{
    if (entry->key != NULL)
        return WEBHOOK_KEY_FOUND;
    return entry->state == KEY_REFUSED ? WEBHOOK_KEY_REFUSED : WEBHOOK_KEY_UNAVAILABLE;
}

static void tell(struct entry *entry)
{
    struct link told;

    list_init(&told);
    while (!list_is_empty(&entry->waits))
        list_add_last(&told, list_take_first(&entry->waits));
    while (!list_is_empty(&told)) {
        struct webhook_wait *wait = LIST_OWNER(list_take_first(&told), struct webhook_wait, link);
        entry->keys->wait_count--;
        wait->done(wait->ctx, found_of(entry), entry->key, entry->why);
        free(wait);
    }
}

static void tell_waiting(void *ctx)
{
    struct webhook_keys *keys = ctx;

    for (size_t i = 0; i < WEBHOOK_KEY_MAX; i++) {
        if (keys->entry[i].state != KEY_FETCHING)
            tell(&keys->entry[i]);
    }
}

/* ---- fetching ---- */

static struct webhook_key *check_answer(const struct entry *entry,
                                        const struct engine_result *result, struct error *err)
{
    struct certificate_trust *trust = certificate_trust_new(entry->ca_file, err);
    struct webhook_key *key = NULL;

    if (trust == NULL)
        return NULL;
    key = certificate_check(result->answer.body, trust, entry->name, clock_wall_us(), err);
    certificate_trust_free(&trust);
    return key;
}

static void keep(struct entry *entry, struct webhook_key *key, int64_t now_us)
{
    const int64_t left_us = webhook_key_valid_until_us(key) - clock_wall_us();
    const int64_t fresh_us = WEBHOOK_KEY_FRESH_S * CLOCK_SECOND_US;

    webhook_key_free(&entry->key);
    entry->key = key;
    entry->state = KEY_KNOWN;
    entry->until_us = now_us + (left_us < fresh_us ? left_us : fresh_us);
    entry->why = "";
}

static void refuse(struct entry *entry, int64_t now_us, const struct error *err)
{
    log_warn("webhook", "a certificate is not believed", LOG_CSTR("url", entry->url),
             LOG_CSTR("error", err->text));
    webhook_key_free(&entry->key);
    entry->state = KEY_REFUSED;
    entry->until_us = now_us + WEBHOOK_KEY_REFUSED_S * CLOCK_SECOND_US;
    entry->why = "the certificate is not to be believed";
}

/* What is known, and still valid, is worth more than no answer. */
static void put_off(struct entry *entry, int64_t now_us)
{
    const bool is_valid =
        entry->key != NULL && webhook_key_valid_until_us(entry->key) > clock_wall_us();

    if (!is_valid)
        webhook_key_free(&entry->key);
    entry->state = KEY_KNOWN;
    entry->until_us = now_us + (is_valid ? RETRY_S * CLOCK_SECOND_US : 0);
    entry->why = "the certificate's address does not answer";
}

static void fetched(void *ctx, const struct engine_result *result)
{
    struct entry *entry = ctx;
    struct webhook_keys *keys = entry->keys;
    const int64_t now_us = clock_mono_us();
    struct error err = {.code = ERROR_NONE};
    struct webhook_key *key = NULL;

    entry->transfer = NULL;
    keys->fetch_count--;
    const int status = result->end == ENGINE_ANSWERED ? result->answer.status : 0;
    if (status == 200)
        key = check_answer(entry, result, &err);
    else if (status >= 400 && status < 500 && entry->key == NULL)
        (void)fail(&err, ERROR_DENIED, "cannot fetch the certificate: HTTP %d", status);
    if (key != NULL)
        keep(entry, key, now_us);
    else if (err.code == ERROR_DENIED)
        refuse(entry, now_us, &err);
    else
        put_off(entry, now_us);
    tell(entry);
    if (entry->state == KEY_KNOWN && entry->key == NULL && list_is_empty(&entry->waits))
        forget(entry);
}

static void start_fetch(struct entry *entry)
{
    struct webhook_keys *keys = entry->keys;
    struct str path = str_of(entry->url);
    const size_t host_at = sizeof("https://") - 1;

    path = str_sub(path, str_find_char(path, '/', host_at), path.len);
    entry->state = KEY_FETCHING;
    entry->account = (struct provider_account){.provider = NULL};
    memcpy(entry->account.base_url, entry->url, (size_t)(path.at - entry->url));
    memcpy(entry->account.ca_file, entry->ca_file, sizeof(entry->ca_file));
    entry->request = (struct provider_request){
        .step = PROVIDER_STEP_SESSION, .method = STR("GET"), .path = path};
    const struct http_call call = {
        .account = &entry->account,
        .request = &entry->request,
        .connect_ms = CONNECT_MS,
        .answer_ms = ANSWER_MS,
        .not_after_us = clock_mono_us() + ANSWER_MS * CLOCK_MS_US,
        .not_after_wall_us = clock_wall_us() + ANSWER_MS * CLOCK_MS_US,
    };
    keys->fetch_count++;
    entry->transfer = http_client_start(keys->client, &call, fetched, entry);
}

/* ---- public ---- */

struct webhook_keys *webhook_keys_new(struct loop *loop, const struct engine_config *config)
{
    struct webhook_keys *keys = calloc(1, sizeof(*keys));
    struct engine_config own = *config;

    CHECK(keys != NULL);
    own.in_flight_max = WEBHOOK_KEY_FETCH_MAX;
    own.connections_per_host_max = WEBHOOK_KEY_FETCH_MAX;
    own.answer_bytes_max = CERTIFICATE_BYTES_MAX;
    keys->client = http_client_new(loop, &own);
    loop_timer_init(&keys->timer, loop, tell_waiting, keys);
    for (size_t i = 0; i < WEBHOOK_KEY_MAX; i++) {
        keys->entry[i].keys = keys;
        list_init(&keys->entry[i].waits);
    }
    return keys;
}

void webhook_keys_free(struct webhook_keys **keys_at)
{
    struct webhook_keys *keys = *keys_at;

    if (keys == NULL)
        return;
    http_client_free(&keys->client);
    loop_timer_release(&keys->timer);
    for (size_t i = 0; i < WEBHOOK_KEY_MAX; i++) {
        struct entry *entry = &keys->entry[i];
        while (!list_is_empty(&entry->waits))
            free(LIST_OWNER(list_take_first(&entry->waits), struct webhook_wait, link));
        webhook_key_free(&entry->key);
    }
    free(keys);
    *keys_at = NULL;
}

const struct webhook_key *webhook_keys_find(struct webhook_keys *keys,
                                            const struct provider_account *account,
                                            const struct provider_check *check)
{
    const int64_t now_us = clock_mono_us();
    struct entry *entry = find_entry(keys, account, check);

    if (entry == NULL || entry->state != KEY_KNOWN || entry->until_us <= now_us ||
        webhook_key_valid_until_us(entry->key) <= clock_wall_us())
        return NULL;
    entry->used_us = now_us;
    return entry->key;
}

/* The entry to wait at; NULL: nobody may be asked now. */
static struct entry *find_or_fetch(struct webhook_keys *keys,
                                   const struct provider_account *account,
                                   const struct provider_check *check)
{
    const int64_t now_us = clock_mono_us();
    struct entry *entry = find_entry(keys, account, check);

    if (entry != NULL && (entry->state == KEY_FETCHING || entry->until_us > now_us))
        return entry;
    const bool is_good = entry != NULL && entry->key != NULL;
    if (keys->fetch_count == WEBHOOK_KEY_FETCH_MAX || (!is_good && !may_ask_stranger(keys, now_us)))
        return NULL;
    if (entry == NULL)
        entry = take_place(keys);
    if (entry == NULL)
        return NULL;
    memcpy(entry->url, check->certificate_url, sizeof(entry->url));
    memcpy(entry->name, check->certificate_name, sizeof(entry->name));
    memcpy(entry->ca_file, account->ca_file, sizeof(entry->ca_file));
    start_fetch(entry);
    return entry;
}

struct webhook_wait *webhook_keys_fetch(struct webhook_keys *keys,
                                        const struct provider_account *account,
                                        const struct provider_check *check, webhook_key_fn done,
                                        void *ctx)
{
    struct entry *entry = NULL;

    if (keys->wait_count < WEBHOOK_KEY_WAIT_MAX)
        entry = find_or_fetch(keys, account, check);
    if (entry == NULL)
        return NULL;
    struct webhook_wait *wait = calloc(1, sizeof(*wait));
    CHECK(wait != NULL);
    *wait = (struct webhook_wait){.keys = keys, .done = done, .ctx = ctx};
    list_init(&wait->link);
    list_add_last(&entry->waits, &wait->link);
    keys->wait_count++;
    entry->used_us = clock_mono_us();
    if (entry->state != KEY_FETCHING)
        loop_timer_start(&keys->timer, 0);
    return wait;
}

void webhook_wait_cancel(struct webhook_wait *wait)
{
    list_remove(&wait->link);
    wait->keys->wait_count--;
    free(wait);
}

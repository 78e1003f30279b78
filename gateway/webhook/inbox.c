#include "webhook/inbox_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/message.h"
#include "http/route.h"

/*
 *     RECEIVED -> OWNER (whose account?) -> MERCHANT (cached) -> verify --> KEY (certificate) -> verify
 *                                                                  |                               |
 *                                                                  +--------> STORING <------------+
 *                                                                             -> answered
 */

enum {
    HEADER_MAX = 32,
    SEALED_MAX = 96 * 1024,
    RETRY_AFTER_S = 5,
    FORGED_LOG_MS = 100,
};

const struct inbox_config inbox_config_default = {
    .interval_ms = 1000,
    .in_hand_max = 512,
    .rate = 200,
    .burst = 1000,
    .lease_ms = 30000,
    .retry_ms = 2000,
    .retry_max_ms = 3600000,
    .tries_max = 24,
    .alert_ms = 600000,
};

struct arrival { /* one webhook, until it is answered */
    struct link link;
    struct inbox *inbox;     /* borrowed */
    struct http_exchange *x; /* borrowed until answered */
    struct arena arena;
    struct str provider; /* as the path names it */
    struct uuid account_id;
    struct uuid merchant_id;
    struct merchant *merchant; /* held */
    const struct merchant_account *account;
    struct provider_webhook webhook;
    struct provider_check check;
    struct webhook_wait *wait; /* borrowed, while it waits for a key */
    struct inbound_event event;
    struct str pass; /* whose webhooks were genuine before: a word for admission */
    bool has_paid;
};

/* ---- answers --------------------------------------------------------------------------------- */

static void arrival_free(struct arrival *arrival)
{
    list_remove(&arrival->link);
    arrival->inbox->arrival_count--;
    if (arrival->wait != NULL)
        webhook_wait_cancel(arrival->wait);
    if (arrival->merchant != NULL)
        merchant_drop(arrival->merchant);
    arena_release(&arrival->arena);
    free(arrival);
}

static void count(const struct arrival *arrival, const char *result)
{
    const struct provider *provider = provider_find(arrival->provider);
    metrics_count(METRIC_WEBHOOKS_RECEIVED, 1,
                  str_of(provider != NULL ? provider->name : "unknown"), str_of(result));
}

static void refuse(struct arrival *arrival, enum message message, const char *detail,
                   const char *result)
{
    const struct message_entry *entry = message_entry(message);
    struct http_exchange *x = arrival->x;
    char seconds[16];
    struct buf body;
    (void)snprintf(seconds, sizeof(seconds), "%d", RETRY_AFTER_S);
    const struct http_header header = {STR("Retry-After"), str_of(seconds)};
    bool is_later = entry->status == 429 || entry->status == 503;
    count(arrival, result);
    buf_init(&body, 4096);
    message_print(message, str_of(detail), STR_NONE, STR_NONE, str_of(http_request_id(x)), &body);
    http_reply(x, &(struct http_response){
                      .status = entry->status,
                      .content_type = STR("application/problem+json"),
                      .body = buf_str(&body),
                      .headers = &header,
                      .header_count = is_later ? 1 : 0,
                  });
    buf_release(&body);
    arrival_free(arrival);
}

static void refuse_unknown(struct arrival *arrival)
{
    refuse(arrival, MESSAGE_NOT_FOUND, "there is nothing at this address", "unknown_account");
}

static void refuse_later(struct arrival *arrival, const char *result)
{
    refuse(arrival, MESSAGE_UNAVAILABLE, "it cannot be kept now; send it again", result);
}

static void say_ok(struct arrival *arrival, const char *result)
{
    count(arrival, result);
    http_reply(arrival->x, &(struct http_response){
                               .status = 200,
                               .content_type = STR("text/plain; charset=utf-8"),
                               .body = STR("ok\n"),
                           });
    arrival_free(arrival);
}

/* ---- keeping it ------------------------------------------------------------------------------ */

static void put_bound(struct buf *bound, const struct uuid *merchant_id,
                      const struct uuid *account_id, struct str event_id)
{
    buf_add_str(bound, STR("inbound\n"));
    buf_add(bound, merchant_id->byte, sizeof(merchant_id->byte));
    buf_add(bound, account_id->byte, sizeof(account_id->byte));
    buf_add_str(bound, event_id);
}

/* What its signature is made of, without the address's secret. */
static bool matters(struct str name)
{
    return str_eq_nocase(str_sub(name, 0, 7), STR("PAYPAL-")) ||
           str_eq_nocase(name, STR("Authorization")) || str_eq_nocase(name, STR("Content-Type"));
}

static struct str seal(struct arrival *arrival)
{
    const struct inbound_event *event = &arrival->event;
    const struct provider_webhook *webhook = &arrival->webhook;
    struct buf bound;
    struct buf plain;
    struct buf sealed;
    buf_init(&bound, 256);
    buf_init(&plain, SEALED_MAX);
    buf_init(&sealed, SEALED_MAX + AEAD_OVERHEAD);
    put_bound(&bound, &event->merchant_id, &event->account_id, event->event_id);
    if (str_find(webhook->query, STR("secret="), 0) == SIZE_MAX)
        buf_add_str(&plain, webhook->query);
    buf_add_char(&plain, '\n');
    for (size_t i = 0; i < webhook->header_count; i++) {
        if (matters(webhook->headers[i].name))
            buf_printf(&plain, STR_FMT ": " STR_FMT "\n", STR_ARG(webhook->headers[i].name),
                       STR_ARG(webhook->headers[i].value));
    }
    buf_add_char(&plain, '\n');
    buf_add_str(&plain, webhook->body);
    crypto_seal(arrival->inbox->parts.seal_key, buf_str(&bound), buf_str(&plain), &sealed);
    struct str kept = arena_str(&arrival->arena, buf_str(&sealed));
    buf_release(&bound);
    buf_release(&plain);
    buf_release(&sealed);
    return kept;
}

static void stored(void *ctx, enum store_find found, int64_t number, const struct error *why)
{
    struct arrival *arrival = ctx;
    struct inbox *inbox = arrival->inbox;
    if (found != STORE_FOUND) {
        log_warn("webhook", "a webhook could not be kept", LOG_CSTR("error", why->text));
        refuse_later(arrival, "not_kept");
        return;
    }
    CRASH_AT("hook_stored");
    bool is_due = number > 0 && arrival->event.state == INBOUND_WAITING;
    say_ok(arrival, number > 0 ? "kept" : "repeated");
    if (is_due)
        inbox_applier_wake(inbox);
}

static struct uuid own_id(enum id_kind kind, struct str text)
{
    struct uuid id = {{0}};
    struct error ignored;
    return text.len > 0 && id_parse(kind, text, &id, &ignored) ? id : (struct uuid){{0}};
}

static struct str join_ids(const struct provider_hint *hint, struct arena *arena)
{
    struct str text = STR_NONE;
    for (size_t i = 0; i < hint->reference_count; i++)
        text = i == 0 ? hint->reference[0]
                      : arena_printf(arena, STR_FMT "\n" STR_FMT, STR_ARG(text),
                                     STR_ARG(hint->reference[i]));
    return text;
}

static void fill_event(struct arrival *arrival, const struct provider_hint *hint)
{
    struct inbound_event *event = &arrival->event;
    event->attempt_id = own_id(ID_ATTEMPT, hint->attempt_ref);
    event->payment_id = own_id(ID_PAYMENT, hint->payment_ref);
    event->happened_us = hint->happened_us;
    event->event_id = hint->event_id;
    event->event_type = hint->event_type;
    event->says = hint->outcome;
    event->operations = hint->operations;
    event->provider_ids = join_ids(hint, &arrival->arena);
    event->state = INBOUND_WAITING;
    event->reason = STR("new");
    if (hint->is_irrelevant) {
        event->state = INBOUND_IGNORED;
        event->reason = STR("irrelevant");
    } else if (uuid_is_zero(&event->attempt_id) && uuid_is_zero(&event->payment_id) &&
               event->provider_ids.len == 0) {
        event->state = INBOUND_IGNORED;
        event->reason = STR("names_nothing");
    }
}

/* Genuine, and says nothing that can be read: sending it again would not help. */
static void fill_unreadable(struct arrival *arrival, const struct error *why)
{
    struct inbound_event *event = &arrival->event;
    uint8_t digest[SHA256_SIZE];
    struct buf hex;
    crypto_sha256(arrival->webhook.body, digest);
    buf_init(&hex, 2 * SHA256_SIZE + 1);
    crypto_hex((struct str){(const char *)digest, sizeof(digest)}, &hex);
    event->event_id = arena_str(&arrival->arena, buf_str(&hex));
    buf_release(&hex);
    event->event_type = STR("unreadable");
    event->state = INBOUND_DEAD;
    event->reason = STR("unreadable");
    metrics_count(METRIC_INBOUND_EVENTS, 1, STR("dead"));
    log_error("webhook", "a genuine webhook cannot be read", LOG_STR("provider", arrival->provider),
              LOG_CSTR("error", why->text));
}

static void keep(struct arrival *arrival)
{
    CRASH_AT("hook_read");
    const struct provider_account *account = &arrival->account->account;
    struct provider_hint hint;
    struct error err;
    arrival->event = (struct inbound_event){
        .merchant_id = arrival->merchant_id,
        .account_id = arrival->account_id,
        .received_us = arrival->webhook.now_us,
        .provider = str_of(account->provider->name),
    };
    if (account->provider->parse_webhook(account, &arrival->webhook, &arrival->arena, &hint, &err))
        fill_event(arrival, &hint);
    else
        fill_unreadable(arrival, &err);
    arrival->event.body_sealed = seal(arrival);
    inbound_store_start(arrival->inbox->parts.store, &arrival->event, stored, arrival);
}

/* ---- its account's share ---------------------------------------------------------------------- */

static struct inbox_owner *owner_place(struct inbox *inbox, const struct uuid *account_id)
{
    size_t place = 0;
    for (size_t i = 0; i < sizeof(account_id->byte); i++)
        place = place * 31 + account_id->byte[i];
    return &inbox->owner[place & (INBOX_OWNER_COUNT - 1)];
}

/* One token of the account's bucket (generic cell rate algorithm, as in base/bucket.h). */
static bool take_token(const struct arrival *arrival)
{
    struct inbox *inbox = arrival->inbox;
    struct inbox_owner *owner = owner_place(inbox, &arrival->account_id);
    if (!uuid_eq(&owner->account_id, &arrival->account_id)) /* another took its place meanwhile */
        *owner = (struct inbox_owner){arrival->account_id, arrival->merchant_id, 0};
    int64_t now_us = clock_mono_us();
    int64_t step_us = CLOCK_SECOND_US / inbox->config.rate;
    int64_t full_us = owner->full_us > now_us ? owner->full_us : now_us;
    if (full_us + step_us - now_us > inbox->config.burst * step_us)
        return false;
    owner->full_us = full_us + step_us;
    return true;
}

/* ---- is it genuine? -------------------------------------------------------------------------- */

/* Whoever sends many does not fill the log: all of them are counted. */
static void log_forged(const struct arrival *arrival)
{
    struct inbox *inbox = arrival->inbox;
    char id[ID_TEXT_SIZE];
    int64_t now_us = clock_mono_us();
    if (now_us < inbox->log_us)
        return;
    inbox->log_us = now_us + FORGED_LOG_MS * CLOCK_MS_US;
    log_warn("webhook", "a webhook is not genuine",
             LOG_CSTR("verdict", provider_verdict_name(arrival->check.verdict)),
             LOG_CSTR("reason", arrival->check.reason),
             LOG_STR("account", id_format(ID_ACCOUNT, &arrival->account_id, id)),
             LOG_CSTR("peer", http_request(arrival->x)->peer));
}

static void refuse_forged(struct arrival *arrival)
{
    enum provider_verdict verdict = arrival->check.verdict;
    log_forged(arrival);
    if (verdict == PROVIDER_WEBHOOK_FORGED)
        refuse(arrival, MESSAGE_UNAUTHENTICATED, "the webhook is not genuine", "forged");
    else
        refuse(arrival, MESSAGE_MALFORMED_REQUEST, "the webhook is not genuine",
               provider_verdict_name(verdict));
}

static void verify(struct arrival *arrival, const struct webhook_key *key);

static void key_found(void *ctx, enum webhook_key_find found, const struct webhook_key *key,
                      const char *why)
{
    struct arrival *arrival = ctx;
    arrival->wait = NULL;
    switch (found) {
    case WEBHOOK_KEY_FOUND:
        verify(arrival, key);
        return;
    case WEBHOOK_KEY_REFUSED:
        arrival->check.verdict = PROVIDER_WEBHOOK_FORGED;
        arrival->check.reason = why;
        refuse_forged(arrival);
        return;
    case WEBHOOK_KEY_UNAVAILABLE:
        refuse_later(arrival, "no_certificate");
        return;
    }
}

static void find_key(struct arrival *arrival)
{
    struct inbox *inbox = arrival->inbox;
    const struct provider_account *account = &arrival->account->account;
    const struct webhook_key *key = webhook_keys_find(inbox->keys, account, &arrival->check);
    if (key != NULL) {
        verify(arrival, key);
        return;
    }
    arrival->wait = webhook_keys_fetch(inbox->keys, account, &arrival->check, key_found, arrival);
    if (arrival->wait == NULL)
        refuse_later(arrival, "no_certificate");
}

static void is_genuine(struct arrival *arrival)
{
    struct admission *admission = arrival->inbox->parts.admission;
    http_vouch(arrival->x);
    if (admission != NULL)
        admission_note_key(admission, arrival->pass);
    if (arrival->has_paid)
        admission_give_back(admission, http_request(arrival->x)->peer);
    if (take_token(arrival)) /* only now: what is forged uses up nothing of it */
        keep(arrival);
    else
        refuse(arrival, MESSAGE_RATE_LIMITED, "too many webhooks for this account", "limited");
}

/* At most twice: with a key there is none to be asked for. */
static void verify(struct arrival *arrival, const struct webhook_key *key)
{
    const struct provider_account *account = &arrival->account->account;
    account->provider->verify_webhook(account, &arrival->webhook, key, &arrival->check);
    switch ((unsigned)arrival->check.verdict) {
    case PROVIDER_WEBHOOK_GENUINE:
        is_genuine(arrival);
        return;
    case PROVIDER_WEBHOOK_NEEDS_KEY:
        CHECK(key == NULL);
        find_key(arrival);
        return;
    case PROVIDER_WEBHOOK_NOT_SET_UP:
        refuse(arrival, MESSAGE_CONFLICT, "this account takes no webhooks: see docs/webhooks.md",
               "not_set_up");
        return;
    default:
        refuse_forged(arrival);
        return;
    }
}

/* ---- whose is it? ---------------------------------------------------------------------------- */

static const struct merchant_account *find_account(const struct arrival *arrival)
{
    const struct merchant *merchant = arrival->merchant;
    for (size_t i = 0; i < merchant->account_count; i++) {
        const struct merchant_account *account = &merchant->account[i];
        if (uuid_eq(&account->row.account_id, &arrival->account_id) &&
            account->account.provider != NULL &&
            str_eq(arrival->provider, str_of(account->account.provider->name)))
            return account;
    }
    return NULL;
}

static void merchant_loaded(void *ctx, enum merchants_find found, struct merchant *merchant)
{
    struct arrival *arrival = ctx;
    arrival->merchant = merchant; /* held for us */
    if (found == MERCHANTS_UNAVAILABLE) {
        refuse_later(arrival, "unavailable");
        return;
    }
    if (found == MERCHANTS_FOUND && !merchant->disabled)
        arrival->account = find_account(arrival);
    if (arrival->account == NULL)
        refuse_unknown(arrival);
    else if (!arrival->account->usable)
        refuse_later(arrival, "unusable_account");
    else if (arrival->account->account.provider->verify_webhook == NULL)
        refuse(arrival, MESSAGE_CONFLICT, "this provider sends no webhooks", "not_set_up");
    else
        verify(arrival, NULL);
}

static void go_on(struct arrival *arrival, const struct inbox_owner *owner)
{
    arrival->merchant_id = owner->merchant_id;
    merchants_load(arrival->inbox->parts.merchants, &arrival->merchant_id, merchant_loaded,
                   arrival);
}

static void owner_found(void *ctx, enum store_find found, const struct uuid *merchant_id,
                        const struct error *why)
{
    struct arrival *arrival = ctx;
    (void)why;
    if (found == STORE_FOUND) {
        struct inbox_owner *owner = owner_place(arrival->inbox, &arrival->account_id);
        *owner = (struct inbox_owner){arrival->account_id, *merchant_id, 0};
        go_on(arrival, owner);
    } else if (found == STORE_ABSENT) {
        refuse_unknown(arrival);
    } else {
        refuse_later(arrival, "unavailable");
    }
}

/* ---- a request ------------------------------------------------------------------------------- */

/* Whoever sent a genuine one for this account before is no stranger. False: the arrival was refused. */
static bool admit(struct arrival *arrival)
{
    const struct http_request *request = http_request(arrival->x);
    struct admission *admission = arrival->inbox->parts.admission;
    struct admission_verdict verdict = {.reason = ADMISSION_ADMITTED};
    char id[UUID_TEXT_SIZE];
    arrival->pass = arena_printf(&arrival->arena, "webhook %s " STR_FMT, request->peer,
                                 STR_ARG(uuid_format(&arrival->account_id, id)));
    if (admission == NULL || request->peer_is_proxy ||
        admission_may_look_up(admission, request->peer, arrival->pass, &arrival->has_paid,
                              &verdict))
        return true;
    refuse(arrival, MESSAGE_RATE_LIMITED, "too many requests of this address", "limited");
    return false;
}

static void read_request(struct arrival *arrival)
{
    const struct http_request *request = http_request(arrival->x);
    struct arena *arena = &arrival->arena;
    struct provider_header *headers = ARENA_ARRAY(arena, struct provider_header, HEADER_MAX);
    size_t header_count = 0;
    for (size_t i = 0; i < request->header_count && header_count < HEADER_MAX; i++) {
        if (matters(request->headers[i].name))
            headers[header_count++] =
                (struct provider_header){request->headers[i].name, request->headers[i].value};
    }
    arrival->webhook = (struct provider_webhook){
        .url = arena_printf(arena, "https://" STR_FMT STR_FMT, STR_ARG(request->host),
                            STR_ARG(request->target)),
        .query = request->query,
        .headers = headers,
        .header_count = header_count,
        .body = request->body,
        .now_us = clock_wall_us(),
    };
}

static void take(struct arrival *arrival)
{
    struct inbox *inbox = arrival->inbox;
    struct inbox_owner *owner = owner_place(inbox, &arrival->account_id);
    if (inbox->arrival_count > inbox->config.in_hand_max) {
        refuse_later(arrival, "full");
        return;
    }
    if (!admit(arrival))
        return;
    read_request(arrival);
    if (uuid_eq(&owner->account_id, &arrival->account_id))
        go_on(arrival, owner);
    else
        inbound_account_start(inbox->parts.store, &arrival->account_id, owner_found, arrival);
}

/* The table's one line: a pattern is told by its place. */
static const struct route routes[] = {
    {HTTP_POST, "/webhooks/{provider}/{account}", NULL, 0},
};

bool inbox_takes(const struct http_exchange *x)
{
    return str_starts(http_request(x)->path, STR("/webhooks/"));
}

void inbox_handle(struct http_exchange *x, void *ctx)
{
    struct inbox *inbox = ctx;
    struct arrival *arrival = calloc(1, sizeof(*arrival));
    struct route_params params;
    const struct route *route = NULL;
    struct error ignored;
    struct buf allow;
    CHECK(arrival != NULL);
    arrival->inbox = inbox;
    arrival->x = x;
    arena_init(&arrival->arena, INBOX_ARENA_MAX);
    list_add_last(&inbox->arrivals, &arrival->link);
    inbox->arrival_count++;
    buf_init(&allow, 64);
    enum route_result found = route_find(routes, ARRAY_LEN(routes), http_request(x)->method,
                                         http_request(x)->path, &route, &params, &allow);
    buf_release(&allow);
    http_set_route(x, routes[0].pattern);
    if (found == ROUTE_FOUND)
        arrival->provider = params.value[0];
    if (found == ROUTE_NO_METHOD)
        refuse(arrival, MESSAGE_METHOD_NOT_ALLOWED, "webhooks are sent by POST", "malformed");
    else if (found == ROUTE_FOUND && provider_find(arrival->provider) != NULL &&
             id_parse(ID_ACCOUNT, params.value[1], &arrival->account_id, &ignored))
        take(arrival);
    else if (admit(arrival))
        refuse_unknown(arrival);
}

/* ---- the module ------------------------------------------------------------------------------ */

struct inbox *inbox_new(const struct inbox_config *config, const struct inbox_parts *parts)
{
    struct inbox *inbox = calloc(1, sizeof(*inbox));
    CHECK(inbox != NULL);
    CHECK(config->rate > 0 && config->burst > 0);
    inbox->config = *config;
    inbox->parts = *parts;
    list_init(&inbox->arrivals);
    inbox->keys = webhook_keys_new(parts->loop, parts->engine);
    inbox_applier_init(inbox);
    return inbox;
}

void inbox_free(struct inbox **inbox_at)
{
    struct inbox *inbox = *inbox_at;
    if (inbox == NULL)
        return;
    *inbox_at = NULL;
    for (struct link *item = inbox->arrivals.next; item != &inbox->arrivals;) {
        struct arrival *arrival = LIST_OWNER(item, struct arrival, link);
        item = item->next;
        arrival_free(arrival);
    }
    inbox_applier_release(inbox);
    webhook_keys_free(&inbox->keys);
    free(inbox);
}

bool inbox_drain(struct inbox *inbox)
{
    inbox->is_draining = true;
    return inbox->arrival_count == 0 && !inbox->applier.is_running;
}

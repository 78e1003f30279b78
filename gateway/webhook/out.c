#include "webhook/out.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/list.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "payment/hook_secret.h"
#include "webhook/out_body.h"

#define REST_MAX_US (2 * CLOCK_SECOND_US)

enum {
    LEASE_SPARE_MS = 10000, /* beyond a try: reading the payment before it, writing its end */
    END_AGAIN_MS = 500,
    SWEEP_MS = 2000,
    BACKLOG_MS = 10000,
    DRAIN_MS = 3000,
    REST_SHARE = 10, /* a claim that took long is followed by a pause ten times as long */
    CLAIM_ARENA_MAX = 16 * 1024 * 1024,
    SENDING_ARENA_MAX = 64 * 1024 * 1024,
};

const struct out_config out_config_default = {
    .interval_ms = 250,
    .in_flight_max = 64,
    .endpoint_max = 8,
    .connect_ms = 5000,
    .answer_ms = 20000,
};

struct sending { /* one claimed delivery */
    struct link link;
    struct out *out;
    struct arena arena;
    struct hook_claim claim; /* strings in arena */
    struct hook_keys keys[HOOK_SECRET_MAX];
    size_t key_count;
    const struct store_payment_view *payment; /* in arena */
    struct out_transfer *transfer;            /* NULL: the ledger is being read */
};

struct out {
    struct out_config config;
    struct out_parts parts;
    struct out_http *http; /* owned */
    struct link sendings;
    size_t in_flight;
    struct hook_end *ends;   /* owned; to be written */
    struct hook_end *ending; /* owned; being written */
    size_t end_count;
    size_t ending_count;
    size_t end_max;
    struct loop_timer claim_timer;
    struct loop_timer end_timer;
    int64_t claimed_us; /* monotonic: when the claim under way was asked for */
    int64_t sweep_us;   /* monotonic: when to look next */
    int64_t backlog_us;
    int64_t drain_until_us; /* 0: not draining */
    bool is_claiming;
    bool is_ending; /* on its way, or to be repeated */
    struct arena claim_arena;
    struct metrics_series *seconds;
    struct metrics_series *held;
    struct metrics_series *waiting;
    struct metrics_series *oldest;
};

/* ---- writing ends ---------------------------------------------------------------------------- */

static void ended(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct out *out = ctx;
    (void)count; /* of another epoch: somebody else's by now */
    if (found == STORE_FAILED) {
        log_warn("webhook", "cannot note how webhooks ended; will try again",
                 LOG_CSTR("error", why->text));
        loop_timer_start(&out->end_timer, END_AGAIN_MS * CLOCK_MS_US);
        return;
    }
    CRASH_AT("outbox_noted");
    out->ending_count = 0;
    out->is_ending = false;
    if (out->end_count > 0)
        loop_timer_start(&out->end_timer, 0);
    else if (out->drain_until_us == 0)
        loop_timer_start(&out->claim_timer, 0); /* what came next of their payments is due */
}

/* All that ended while the last write was under way; or that one again. */
static void write_ends(void *ctx)
{
    struct out *out = ctx;
    if (out->ending_count == 0) {
        struct hook_end *empty = out->ending;
        out->ending = out->ends;
        out->ends = empty;
        out->ending_count = out->end_count;
        out->end_count = 0;
    }
    out->is_ending = true;
    hooks_end(out->parts.store, out->ending, out->ending_count, clock_wall_us(), ended, out);
}

static struct hook_end *add_end(struct out *out, const struct hook_claim *claim)
{
    CHECK(out->end_count < out->end_max);
    struct hook_end *end = &out->ends[out->end_count++];
    *end = (struct hook_end){
        .merchant_id = claim->merchant_id,
        .endpoint_id = claim->endpoint_id,
        .event_id = claim->event_id,
        .epoch = claim->epoch,
    };
    if (!out->is_ending && !loop_timer_is_running(&out->end_timer))
        loop_timer_start(&out->end_timer, 0);
    return end;
}

static void noted(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    (void)ctx;
    (void)count;
    if (found == STORE_FAILED)
        log_warn("webhook", "cannot note how an endpoint is doing", LOG_CSTR("error", why->text));
}

/* ---- one delivery ---------------------------------------------------------------------------- */

static void sending_free(struct sending *sending)
{
    struct out *out = sending->out;
    list_remove(&sending->link);
    CHECK(out->in_flight > 0);
    out->in_flight--;
    metrics_hold(out->held, (int64_t)out->in_flight);
    for (size_t i = 0; i < sending->key_count; i++)
        hook_keys_wipe(&sending->keys[i]);
    arena_release(&sending->arena);
    free(sending);
}

/* Through no fault of the endpoint: later, and it does not count as a try. */
static void put_back(struct sending *sending, const char *error, int64_t delay_ms)
{
    struct hook_end *end = add_end(sending->out, &sending->claim);
    end->state = HOOK_WAITING;
    end->next_us = clock_wall_us() + delay_ms * CLOCK_MS_US;
    end->error = str_of(error);
    end->does_not_count = true;
    sending_free(sending);
}

static void note_health(const struct sending *sending, const struct out_verdict *verdict)
{
    struct hook_health health = {
        .merchant_id = sending->claim.merchant_id,
        .endpoint_id = sending->claim.endpoint_id,
        .url = sending->claim.url,
        .succeeded = verdict->state == HOOK_DELIVERED,
        .is_gone = verdict->is_gone,
        .resume_us = verdict->resume_us,
    };
    if (!health.succeeded || sending->claim.failure_count > 0)
        hooks_health(sending->out->parts.store, &health, clock_wall_us(), noted, NULL);
}

static struct str name_outcome(const struct out_verdict *verdict)
{
    if (verdict->state == HOOK_WAITING)
        return STR("retried");
    return str_of(verdict->is_gone ? "gone" : hook_state_name(verdict->state));
}

static void answered(void *ctx, const struct out_result *result)
{
    struct sending *sending = ctx;
    CRASH_AT("outbox_answered");
    struct out *out = sending->out;
    uint32_t draw;
    rng_fill(&draw, sizeof(draw));
    struct out_verdict verdict = out_judge(out->parts.schedule, sending->claim.round_try_number,
                                           &result->answer, clock_wall_us(), draw);
    struct hook_end *end = add_end(out, &sending->claim);
    end->state = verdict.state;
    end->next_us = verdict.next_us;
    end->status = result->answer.status;
    end->error = str_of(verdict.error);
    end->elapsed_us = result->elapsed_us;
    metrics_count(METRIC_HOOK_TRIES, 1, name_outcome(&verdict));
    metrics_observe_us(out->seconds, result->elapsed_us);
    note_health(sending, &verdict);
    sending_free(sending);
}

static void post(struct sending *sending, const struct buf *body)
{
    struct arena *arena = &sending->arena;
    char id[ID_TEXT_SIZE];
    struct buf signature;
    int64_t now_s = clock_wall_us() / CLOCK_SECOND_US;
    struct str event_id = id_format(ID_EVENT, &sending->claim.event_id, id);
    buf_init(&signature, OUT_HEADER_SIZE);
    hook_sign(sending->keys, sending->key_count, event_id, now_s, buf_str(body), &signature);
    CHECK(buf_is_ok(&signature));
    struct out_call call = {
        .url = sending->claim.url,
        .may_be_http = !sending->claim.livemode,
        .body = buf_str(body),
        .headers = {arena_printf(arena, "webhook-id: " STR_FMT, STR_ARG(event_id)),
                    arena_printf(arena, "webhook-timestamp: %lld", (long long)now_s),
                    arena_printf(arena, "webhook-signature: " STR_FMT,
                                 STR_ARG(buf_str(&signature)))},
        .header_count = 3,
    };
    sending->transfer = out_http_start(sending->out->http, &call, answered, sending);
    buf_release(&signature);
}

static void post_payment(struct sending *sending, const struct payout_view *payout)
{
    struct buf body;
    buf_init(&body, OUT_BODY_MAX + 4096);
    out_body_payment(&sending->claim, sending->payment, payout, sending->out->parts.seal_key,
                     &sending->arena, &body);
    CHECK(buf_is_ok(&body));
    post(sending, &body);
    buf_release(&body);
}

static bool is_let_go(const struct sending *sending)
{
    return sending->out->drain_until_us != 0;
}

static void payout_loaded(void *ctx, enum store_find found, const struct payout_view *payouts,
                          size_t count, bool has_more, const struct error *why)
{
    struct sending *sending = ctx;
    (void)has_more;
    (void)why;
    if (found == STORE_FAILED || is_let_go(sending))
        put_back(sending, "unavailable", 1000);
    else
        post_payment(sending, found == STORE_FOUND && count > 0 ? payouts : NULL);
}

static void payment_loaded(void *ctx, enum store_find found,
                           const struct store_payment_view *payment, const struct error *why)
{
    struct sending *sending = ctx;
    struct uuid order_id;
    (void)why;
    if (found == STORE_FAILED || is_let_go(sending)) {
        put_back(sending, "unavailable", 1000);
        return;
    }
    sending->payment = found == STORE_FOUND ? payment : NULL;
    if (sending->payment != NULL && out_body_order(payment, &order_id))
        payout_load(sending->out->parts.store, &sending->claim.merchant_id, &order_id,
                    &sending->arena, payout_loaded, sending);
    else
        post_payment(sending, NULL);
}

/* A secret that does not open (of another master secret) signs nothing; one at least must. */
static bool open_keys(struct sending *sending)
{
    const struct hook_claim *claim = &sending->claim;
    for (size_t i = 0; i < claim->secret_count; i++) {
        struct error err;
        if (hook_secret_open(sending->out->parts.seal_key, &claim->merchant_id, &claim->endpoint_id,
                             &claim->secrets[i], &sending->keys[sending->key_count], &err))
            sending->key_count++;
        else
            log_error("webhook", "cannot open a secret", LOG_CSTR("error", err.text));
    }
    return sending->key_count > 0;
}

static void send_ping(struct sending *sending)
{
    struct buf body;
    buf_init(&body, 4096);
    out_body_ping(&sending->claim, &body);
    CHECK(buf_is_ok(&body));
    post(sending, &body);
    buf_release(&body);
}

static void report_loaded(void *ctx, enum store_find found, const struct hook_report *report,
                          const struct error *why)
{
    struct sending *sending = ctx;
    struct buf body;
    (void)why;
    if (found == STORE_FAILED || is_let_go(sending)) {
        put_back(sending, "unavailable", 1000);
        return;
    }
    buf_init(&body, OUT_BODY_MAX);
    out_body_report(&sending->claim, report, &body);
    CHECK(buf_is_ok(&body));
    post(sending, &body);
    buf_release(&body);
}

static void start(struct out *out, const struct hook_claim *claim)
{
    struct sending *sending = calloc(1, sizeof(*sending));
    CHECK(sending != NULL);
    sending->out = out;
    arena_init(&sending->arena, SENDING_ARENA_MAX);
    sending->claim = *claim;
    sending->claim.type = arena_str(&sending->arena, claim->type);
    sending->claim.url = arena_str(&sending->arena, claim->url);
    list_add_last(&out->sendings, &sending->link);
    out->in_flight++;
    metrics_hold(out->held, (int64_t)out->in_flight);
    if (!open_keys(sending))
        put_back(sending, "no_secret", 60000);
    else if (str_eq(claim->type, STR(OUT_PING)))
        send_ping(sending);
    else if (str_eq(claim->type, STR(OUT_REPORT)))
        hooks_report(out->parts.store, &claim->merchant_id, &claim->event_id, &sending->arena,
                     report_loaded, sending);
    else
        store_load_payment(out->parts.store, &claim->merchant_id, &claim->payment_id, STORE_ANY,
                           &sending->arena, payment_loaded, sending);
}

/* ---- claiming -------------------------------------------------------------------------------- */

static void claimed(void *ctx, enum store_find found, const struct hook_claim *claims, size_t count,
                    const struct error *why)
{
    struct out *out = ctx;
    out->is_claiming = false;
    if (count > 0)
        CRASH_AT("outbox_claimed");
    if (found == STORE_FAILED)
        log_debug("webhook", "cannot claim webhooks", LOG_CSTR("error", why->text));
    for (size_t i = 0; i < count; i++)
        start(out, &claims[i]);
    if (out->drain_until_us != 0)
        return;
    int64_t rest_us = (clock_mono_us() - out->claimed_us) * REST_SHARE;
    if (count > 0)
        loop_timer_start(&out->claim_timer, 0);
    else if (rest_us > out->config.interval_ms * CLOCK_MS_US)
        loop_timer_start(&out->claim_timer, rest_us < REST_MAX_US ? rest_us : REST_MAX_US);
}

static void swept(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    (void)ctx;
    (void)why;
    if (found == STORE_FOUND && count > 0)
        log_info("webhook", "skipped what waited for endpoints that are disabled",
                 LOG_INT("count", count));
}

static void counted(void *ctx, enum store_find found, int64_t waiting, int64_t oldest_us,
                    const struct error *why)
{
    struct out *out = ctx;
    (void)why;
    if (found != STORE_FOUND)
        return;
    int64_t age_us = oldest_us > 0 ? clock_wall_us() - oldest_us : 0;
    metrics_set(out->waiting, waiting);
    metrics_set(out->oldest, age_us > 0 ? age_us : 0);
}

static void look_after(struct out *out)
{
    int64_t now_us = clock_mono_us();
    if (now_us >= out->sweep_us) {
        out->sweep_us = now_us + SWEEP_MS * CLOCK_MS_US;
        hooks_sweep(out->parts.store, clock_wall_us(), swept, out);
    }
    if (now_us >= out->backlog_us) {
        out->backlog_us = now_us + BACKLOG_MS * CLOCK_MS_US;
        hooks_backlog(out->parts.store, counted, out);
    }
}

static void claim(void *ctx)
{
    struct out *out = ctx;
    size_t taken = out->in_flight + out->end_count + out->ending_count;
    loop_timer_start(&out->claim_timer, out->config.interval_ms * CLOCK_MS_US);
    if (out->is_claiming || out->drain_until_us != 0 || !store_is_connected(out->parts.store))
        return;
    look_after(out);
    if (taken >= out->config.in_flight_max)
        return;
    struct hook_wanted wanted = {
        .now_us = clock_wall_us(),
        .lease_ms = out->config.answer_ms + LEASE_SPARE_MS,
        .limit = (unsigned)(out->config.in_flight_max - taken),
        .endpoint_max = out->config.endpoint_max,
    };
    out->is_claiming = true;
    out->claimed_us = clock_mono_us();
    arena_reset(&out->claim_arena);
    hooks_claim(out->parts.store, &wanted, &out->claim_arena, claimed, out);
}

/* ---- the module ------------------------------------------------------------------------------ */

struct out *out_new(const struct out_config *config, const struct out_parts *parts)
{
    struct out *out = calloc(1, sizeof(*out));
    CHECK(out != NULL && config->in_flight_max > 0 && config->endpoint_max > 0);
    struct out_http_config http = {
        .rules = parts->rules,
        .ca_file = parts->ca_file,
        .connect_ms = config->connect_ms,
        .answer_ms = config->answer_ms,
        .in_flight_max = config->in_flight_max,
    };
    out->config = *config;
    out->parts = *parts;
    out->http = out_http_new(parts->loop, &http);
    out->end_max = 2 * (size_t)config->in_flight_max;
    out->ends = calloc(out->end_max, sizeof(*out->ends));
    out->ending = calloc(out->end_max, sizeof(*out->ending));
    CHECK(out->ends != NULL && out->ending != NULL);
    list_init(&out->sendings);
    arena_init(&out->claim_arena, CLAIM_ARENA_MAX);
    out->seconds = metrics_find(METRIC_HOOK_SECONDS, NULL, 0);
    out->held = metrics_find(METRIC_HOOKS_IN_FLIGHT, NULL, 0);
    out->waiting = metrics_find(METRIC_HOOKS_WAITING, NULL, 0);
    out->oldest = metrics_find(METRIC_HOOKS_OLDEST_SECONDS, NULL, 0);
    loop_timer_init(&out->claim_timer, parts->loop, claim, out);
    loop_timer_init(&out->end_timer, parts->loop, write_ends, out);
    loop_timer_start(&out->claim_timer, config->interval_ms * CLOCK_MS_US);
    return out;
}

/* Those that the ledger is being read for notice it themselves. */
static void interrupt(struct out *out)
{
    for (struct link *item = out->sendings.next; item != &out->sendings;) {
        struct sending *sending = LIST_OWNER(item, struct sending, link);
        item = item->next;
        if (sending->transfer == NULL)
            continue;
        out_http_cancel(sending->transfer);
        put_back(sending, "interrupted", 0);
    }
}

bool out_drain(struct out *out)
{
    int64_t now_us = clock_mono_us();
    if (out->drain_until_us == 0) {
        out->drain_until_us = now_us + DRAIN_MS * CLOCK_MS_US;
        loop_timer_stop(&out->claim_timer);
    }
    if (now_us >= out->drain_until_us)
        interrupt(out);
    return out->in_flight == 0 && out->end_count == 0 && out->ending_count == 0 &&
           !out->is_claiming;
}

void out_free(struct out **out_at)
{
    struct out *out = *out_at;
    if (out == NULL)
        return;
    while (!list_is_empty(&out->sendings))
        sending_free(LIST_OWNER(list_take_first(&out->sendings), struct sending, link));
    out_http_free(&out->http);
    loop_timer_release(&out->claim_timer);
    loop_timer_release(&out->end_timer);
    arena_release(&out->claim_arena);
    free(out->ends);
    free(out->ending);
    free(out);
    *out_at = NULL;
}

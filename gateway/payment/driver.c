#include "payment/driver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "payment/present.h"

static_assert((int)WRITE_COMMITTED == (int)STORE_COMMITTED &&
                  (int)WRITE_KEY_TAKEN == (int)STORE_KEY_TAKEN &&
                  (int)WRITE_REFERENCE_TAKEN == (int)STORE_REFERENCE_TAKEN &&
                  (int)WRITE_LIMIT_EXCEEDED == (int)STORE_LIMIT_EXCEEDED &&
                  (int)WRITE_FENCED == (int)STORE_FENCED &&
                  (int)WRITE_ROLLED_BACK == (int)STORE_ROLLED_BACK &&
                  (int)WRITE_UNAVAILABLE == (int)STORE_UNAVAILABLE &&
                  (int)WRITE_UNKNOWN == (int)STORE_UNKNOWN &&
                  (int)WRITE_RESULT_COUNT == (int)STORE_RESULT_COUNT,
              "the core's words for a write are the store's");
static_assert((int)REPLAY_NONE == (int)PROVIDER_REPLAY_NONE &&
                  (int)REPLAY_FIRST_ANSWER == (int)PROVIDER_REPLAY_FIRST_ANSWER &&
                  (int)REPLAY_LATEST_STATE == (int)PROVIDER_REPLAY_LATEST_STATE &&
                  (int)REPLAY_DUPLICATE == (int)PROVIDER_REPLAY_DUPLICATE,
              "the core's words for a replay are the adapter's");
static_assert((int)ORCHESTRATE_CANDIDATE_MAX == (int)ROUTE_CANDIDATE_MAX,
              "all kept are candidates");
static_assert((int)MERCHANT_ACCOUNT_MAX <= (int)ROUTE_CANDIDATE_MAX, "all accounts can be asked");

const struct payments_config payments_config_default = {
    .limits =
        {
            .send_window_us = 5 * CLOCK_SECOND_US,
            .answer_us = 20 * CLOCK_SECOND_US,
            .call_us = 30 * CLOCK_SECOND_US,
            .lease_us = 60 * CLOCK_SECOND_US,
            .skew_us = 5 * CLOCK_SECOND_US,
            .write_retry_us = 50 * CLOCK_MS_US,
            .resolve_first_us = 2 * CLOCK_SECOND_US,
            .resolve_max_us = 300 * CLOCK_SECOND_US,
            .review_after_us = 24LL * 3600 * CLOCK_SECOND_US,
            .pending_after_us = 7LL * 24 * 3600 * CLOCK_SECOND_US,
            .payout_max_us = 3600 * CLOCK_SECOND_US,
            .payout_after_us = 35LL * 24 * 3600 * CLOCK_SECOND_US,
            .action_us = 3LL * 3600 * CLOCK_SECOND_US,
            .action_max_us = 15 * CLOCK_SECOND_US,
            .attempt_max = 3,
            .again_max = 1,
        },
    .in_flight_max = 4096,
    .resolve_interval_ms = 1000,
    .resolve_batch = 256,
    .dead_after_ms = 120000,
    .reverse_wait_ms = 1000,
    .reverse_retry_ms = 5000,
    .reverse_try_max = 8,
};

/* ---- one payment ---- */

struct drive *drive_new(struct payments *payments, struct merchant *merchant)
{
    struct drive *drive = calloc(1, sizeof(*drive));
    CHECK(drive != NULL);
    drive->payments = payments;
    arena_init(&drive->arena, DRIVE_ARENA_MAX);
    arena_init(&drive->write_arena, DRIVE_ARENA_MAX);
    if (merchant != NULL)
        merchant_hold(merchant);
    drive->merchant = merchant;
    int64_t mono_us = clock_mono_us();
    int64_t wall_us = clock_wall_us();
    /* Whatever this writer opens is dated after its watermark: only there it is looked for. */
    drive->started_us = wall_us > payments->watermark_us ? wall_us : payments->watermark_us;
    drive->lift_us = drive->started_us - wall_us;
    drive->wall_offset_us = drive->started_us - mono_us;
    drive->deadline_us = mono_us + payments->config.limits.answer_us;
    list_init(&drive->waiting);
    list_init(&drive->looking);
    list_add_last(&payments->in_hand, &drive->in_hand);
    payments->in_hand_count++;
    admission_payment_began(payments->parts.admission);
    metrics_add(payments->in_flight, 1);
    return drive;
}

/* Out of every list already, or the lists go too. */
static void drive_release(struct drive *drive)
{
    CHECK(drive->send == NULL);
    drive_return_probes(drive);
    admission_stand(drive->payments->parts.admission, &drive->seat);
    admission_payment_ended(drive->payments->parts.admission);
    metrics_add(drive->payments->in_flight, -1);
    if (drive->has_timer)
        loop_timer_release(&drive->timer);
    if (drive->merchant != NULL)
        merchant_drop(drive->merchant);
    arena_release(&drive->write_arena);
    arena_release(&drive->arena);
    free(drive);
}

void drive_free(struct drive *drive)
{
    struct payments *payments = drive->payments;
    drive_release_key(drive);
    list_remove(&drive->waiting);
    list_remove(&drive->in_hand);
    payments->in_hand_count--;
    if (drive->is_resumed)
        resolver_ended(payments, drive);
    const struct drive_told *told = drive->told;
    drive_release(drive);
    if (told != NULL)
        told->ended(told->ctx);
}

int64_t drive_wall_us(const struct drive *drive)
{
    return clock_mono_us() + drive->wall_offset_us;
}

/* ---- replies ---- */

void drive_reply(struct drive *drive, const struct payment_reply *reply)
{
    list_remove(&drive->waiting);
    payment_done_fn done = drive->done;
    if (done == NULL)
        return;
    drive->done = NULL;
    CRASH_AT("reply_before");
    done(drive->ctx, reply);
    CRASH_AT("reply_after");
}

void drive_reply_problem(struct drive *drive, enum message problem, struct str detail,
                         const struct uuid *payment_id, int retry_after_s)
{
    char id[ID_TEXT_SIZE];
    struct payment_reply reply = {
        .status = message_entry(problem)->status,
        .problem = problem,
        .problem_detail = detail,
        .retry_after_s = retry_after_s,
    };
    if (payment_id != NULL)
        reply.problem_payment =
            id_format(drive_id_kind(&drive->committed.payment.row), payment_id, id);
    drive_reply(drive, &reply);
}

static int state_http_status(enum payment_status status)
{
    bool is_open =
        status == PAYMENT_PROCESSING || status == PAYMENT_REVIEW || status == PAYMENT_UNCLAIMED;
    return is_open ? 202 : 201;
}

static void reply_body(struct drive *drive, const struct store_payment_view *payment,
                       struct str body)
{
    struct payment_reply reply = {
        .status = state_http_status(payment->status),
        .content_type = STR("application/json"),
        .body = body,
        .location = drive_location(&payment->row, &drive->arena),
    };
    drive_reply(drive, &reply);
}

void drive_reply_state(struct drive *drive, const struct store_payment_view *payment)
{
    if (drive->done == NULL)
        return;
    struct buf body;
    buf_init(&body, PRESENT_BYTES_MAX);
    present_payment(payment, &body);
    reply_body(drive, payment, buf_str(&body));
    buf_release(&body);
}

/* True when the drive lives on to find its answer in the ledger. */
static bool perform_reply(struct drive *drive, enum orchestrate_reply kind)
{
    switch (kind) {
    case REPLY_NONE:
        return false;
    case REPLY_FINAL:
        if (drive->answer_body.len > 0)
            reply_body(drive, &drive->committed.payment, drive->answer_body);
        else
            drive_reply_state(drive, &drive->committed.payment);
        return false;
    case REPLY_PROCESSING:
        drive_reply_state(drive, &drive->committed.payment);
        return false;
    case REPLY_KEY_TAKEN:
        drive_answer_key(drive);
        return true;
    case REPLY_REFERENCE_TAKEN:
        drive_answer_reference(drive);
        return true;
    case REPLY_LIMIT_EXCEEDED:
        if (operation_is_follow_up(drive->operation))
            drive_reply_problem(drive, MESSAGE_OVER_LIMIT, STR_NONE, NULL, 0);
        else
            drive_reply_problem(drive, MESSAGE_RETRY_FORBIDDEN,
                                STR("this card was declined too often within 30 days, or for good: "
                                    "ask for another payment method"),
                                NULL, 0);
        return false;
    case REPLY_UNAVAILABLE:
        drive_reply_problem(drive, MESSAGE_UNAVAILABLE, STR_NONE, NULL, 1);
        return false;
    case REPLY_OUTCOME_PENDING:
        /* While the opening is in the air, its payment may never exist. */
        drive_reply_problem(drive, MESSAGE_OUTCOME_PENDING, STR_NONE,
                            drive->committed.payment.attempt_count > 0
                                ? &drive->committed.payment.row.payment_id
                                : NULL,
                            1);
        return false;
    }
    return false;
}

/* ---- from event to action ---- */

static void timer_run(void *ctx)
{
    struct drive *drive = ctx;
    struct orchestrate_event event = {.kind = EVENT_TIMER};
    drive_step(drive, &event);
}

/* A quarter of jitter, so that what failed together does not come back together. */
static void start_wait(struct drive *drive, int64_t wait_us)
{
    if (!drive->has_timer) {
        loop_timer_init(&drive->timer, drive->payments->parts.loop, timer_run, drive);
        drive->has_timer = true;
    }
    uint64_t jitter = rng_below(&drive->payments->rng, (uint64_t)wait_us / 4 + 1);
    loop_timer_start(&drive->timer, wait_us + (int64_t)jitter);
}

void drive_step(struct drive *drive, const struct orchestrate_event *first)
{
    struct orchestrate_event event = *first;
    struct orchestrate_action action;
    for (;;) {
        event.now_us = drive_wall_us(drive);
        orchestrate_step(&drive->core, &event, &action);
        if (perform_reply(drive, action.reply))
            return;
        if (action.kind != ACTION_PREPARE)
            break;
        event = (struct orchestrate_event){.kind = EVENT_PREPARED};
        drive_prepare(drive, &action, &event.prepared);
    }
    switch (action.kind) {
    case ACTION_NONE:
    case ACTION_PREPARE:
        return;
    case ACTION_WRITE:
        drive_write(drive, &action);
        return;
    case ACTION_PROBE:
        drive_probe(drive);
        return;
    case ACTION_SEND:
        drive_send(drive, &action);
        return;
    case ACTION_WAIT:
        start_wait(drive, action.wait_us);
        return;
    case ACTION_END:
        drive_free(drive);
        return;
    }
}

void drive_begin(struct drive *drive)
{
    struct orchestrate_candidate candidates[ORCHESTRATE_CANDIDATE_MAX];
    for (size_t i = 0; i < drive->candidate_count; i++)
        candidates[i] = drive_core_candidate(&drive->candidate[i]);
    struct orchestrate_limits limits = drive->payments->config.limits;
    if (drive->tries_max > 0 && drive->tries_max < limits.attempt_max)
        limits.attempt_max = drive->tries_max;
    orchestrate_init(&drive->core, &limits, drive->operation, candidates, drive->candidate_count);
    if (drive->again != NULL)
        orchestrate_decide_anew(&drive->core, drive->first_count);
    struct orchestrate_event event = {.kind = EVENT_BEGIN};
    drive_step(drive, &event);
}

/* ---- deadlines and refusals ---- */

static void deadline_run(void *ctx)
{
    struct payments *payments = ctx;
    int64_t now_us = clock_mono_us();
    while (!list_is_empty(&payments->waiting)) {
        struct drive *drive = LIST_OWNER(payments->waiting.next, struct drive, waiting);
        if (drive->deadline_us > now_us) {
            loop_timer_start(&payments->deadline_timer, drive->deadline_us - now_us);
            return;
        }
        list_remove(&drive->waiting);
        struct orchestrate_event event = {.kind = EVENT_DEADLINE};
        if (drive->core.phase != PHASE_NEW && drive->core.phase != PHASE_ENDED)
            drive_step(drive, &event);
        else if (drive->done != NULL) /* its key or reference is being looked up: it may exist */
            drive_reply_problem(drive, MESSAGE_OUTCOME_PENDING, STR_NONE, NULL, 1);
    }
}

void drive_wait_for_deadline(struct drive *drive)
{
    struct payments *payments = drive->payments;
    list_add_last(&payments->waiting, &drive->waiting);
    if (!loop_timer_is_running(&payments->deadline_timer))
        loop_timer_start(&payments->deadline_timer, payments->config.limits.answer_us);
}

static void soon_run(void *ctx)
{
    struct payments *payments = ctx;
    struct link *next = NULL;
    for (struct link *item = payments->soon.next; item != &payments->soon; item = next) {
        next = item->next;
        struct drive *drive = LIST_OWNER(item, struct drive, waiting);
        drive_reply_problem(drive, drive->problem, drive->problem_detail, NULL,
                            drive->retry_after_s);
        drive_free(drive);
    }
}

void drive_refuse_soon(struct drive *drive)
{
    struct payments *payments = drive->payments;
    list_remove(&drive->waiting);
    list_add_last(&payments->soon, &drive->waiting);
    loop_timer_start(&payments->soon_timer, 0);
}

void payment_create_start(struct payments *payments, struct merchant *merchant,
                          const struct payment_request *request, payment_done_fn done, void *ctx)
{
    bool is_full = !request->is_repeat && payments->in_hand_count >= payments->config.in_flight_max;
    struct drive *drive = drive_new(payments, merchant);
    drive->done = done;
    drive->ctx = ctx;
    if (is_full) {
        drive->problem = MESSAGE_OVERLOADED;
        drive->retry_after_s = 1;
        drive_refuse_soon(drive);
        return;
    }
    drive_take_request(drive, request);
    if (drive_refuse_repeat(drive))
        return;
    drive_wait_for_deadline(drive);
    if (request->is_repeat) {
        drive->problem = MESSAGE_OVERLOADED;
        drive->retry_after_s = 1;
        drive_answer_key(drive);
        return;
    }
    if (!drive_route(drive, request)) {
        /* Even so the key may have an answer: the same key gives the same answer. When providers
         * are busy, that is asked only where the key was seen: refusing must cost nothing. */
        if (drive->problem == MESSAGE_OVERLOADED &&
            !admission_was_opened(payments->parts.admission, &merchant->merchant_id, request->key))
            drive_refuse_soon(drive);
        else
            drive_answer_key(drive);
        return;
    }
    drive_seal_tokens(drive);
    drive_begin(drive);
}

/* ---- the module ---- */

static void account_gone(void *ctx, const struct uuid *account_id)
{
    struct payments *payments = ctx;
    engine_forget_account(payments->parts.engine, account_id);
}

struct payments *payments_new(const struct payments_config *config,
                              const struct payments_parts *parts)
{
    orchestrate_check_limits(&config->limits);
    CHECK(config->in_flight_max > 0 && config->resolve_batch > 0);
    struct payments *payments = calloc(1, sizeof(*payments));
    CHECK(payments != NULL);
    payments->config = *config;
    payments->parts = *parts;
    payments->watermark_us = clock_wall_us();
    payments->vault =
        (struct vault){.seal_key = parts->seal_key, .hash_key = parts->token_hash_key};
    payments->rests = rests_new();
    uint64_t seed;
    rng_fill(&seed, sizeof(seed));
    rng_seed(&payments->rng, seed);
    list_init(&payments->in_hand);
    list_init(&payments->waiting);
    list_init(&payments->soon);
    list_init(&payments->canceling);
    list_init(&payments->deciding);
    list_init(&payments->operating);
    loop_timer_init(&payments->deadline_timer, parts->loop, deadline_run, payments);
    loop_timer_init(&payments->soon_timer, parts->loop, soon_run, payments);
    payments->in_flight = metrics_find(METRIC_IN_FLIGHT, NULL, 0);
    merchants_watch(parts->merchants, account_gone, payments);
    resolver_init(payments);
    rollup_init(payments);
    reversals_init(payments);
    return payments;
}

bool payments_drain(struct payments *payments)
{
    payments->is_draining = true;
    return payments->in_hand_count == 0 && payments->canceling_count == 0 &&
           list_is_empty(&payments->deciding) && reversals_are_idle(payments) &&
           !payments->resolver.is_claiming;
}

size_t payments_in_flight(const struct payments *payments)
{
    return payments->in_hand_count;
}

bool payments_has_room(const struct payments *payments)
{
    return admission_has_room(payments->parts.admission);
}

void payments_use_rules(struct payments *payments, struct rule_set *rules)
{
    payments->parts.rules = rules;
}

void payments_free(struct payments **payments_at)
{
    struct payments *payments = *payments_at;
    if (payments == NULL)
        return;
    *payments_at = NULL;
    HASH_CLEAR(hh, payments->by_key);
    struct link *next = NULL;
    for (struct link *item = payments->in_hand.next; item != &payments->in_hand; item = next) {
        next = item->next;
        struct drive *drive = LIST_OWNER(item, struct drive, in_hand);
        drive_send_stop(drive);
        drive_release(drive);
    }
    merchants_watch(payments->parts.merchants, NULL, NULL);
    resolver_release(payments);
    rollup_release(payments);
    reversals_release(payments);
    driver_cancel_release(payments);
    decide_release(payments);
    driver_operate_release(payments);
    loop_timer_release(&payments->deadline_timer);
    loop_timer_release(&payments->soon_timer);
    rests_free(&payments->rests);
    free(payments);
}

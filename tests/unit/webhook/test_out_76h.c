/*
 * 76 hours without a receiver, in virtual time: the real queue in a real PostgreSQL, the real schedule,
 * a clock of our own. Five endpoints are told of the same events; one of them is down for 76 hours.
 * Workers die now and then, before they have sent, or after it and before they have said so.
 *
 * What is true is what the receivers have noted.
 */
#include "tests/unit/ledger/hooks.h"

#include "webhook/out_schedule.h"

enum {
    PAYMENTS = 60,
    EVENTS = 3, /* of each */
    ENDPOINTS = 5,
    CRASHES_PER_MILLION = 30000,
};

#define DOWN_HOURS 76
#define BEGIN      NOW
#define UP_AGAIN   (BEGIN + DOWN_HOURS HOURS)

enum kind {
    FINE = 0,
    DOWN,      /* refuses connections for 76 hours */
    SLOW,      /* times out for 30 hours */
    REDIRECTS, /* for 20 hours */
    FLAKY,     /* every third time 500 or 503 */
};

struct world {
    struct rng rng;
    struct out_schedule schedule;
    int64_t now_us;
    struct uuid endpoint_ids[ENDPOINTS];
    struct uuid payment_ids[PAYMENTS];
    struct {
        int64_t at_us;
        int payment;
        int32_t number;
    } events[PAYMENTS * EVENTS];
    size_t written;
    unsigned noted[ENDPOINTS][PAYMENTS][EVENTS + 1]; /* by the receivers */
    int64_t last_us[ENDPOINTS];                      /* of a first telling */
    int64_t first_success_us;                        /* of the one that was down, afterwards */
    unsigned crashes;
    unsigned tries;
};

static struct world w;

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Payments begin within 75 hours; what else happens to each follows within an hour. */
static void plan_events(void)
{
    size_t at = 0;
    for (int payment = 0; payment < PAYMENTS; payment++) {
        int64_t time_us = BEGIN + (int64_t)rng_below(&w.rng, 75) * INT64_C(3600000000);
        w.payment_ids[payment] = uuid_new();
        for (int32_t number = 1; number <= EVENTS; number++) {
            time_us += (int64_t)rng_below(&w.rng, 1200) SECONDS + 1;
            w.events[at].at_us = time_us;
            w.events[at].payment = payment;
            w.events[at++].number = number;
        }
    }
    qsort(w.events, at, sizeof(w.events[0]), by_time);
}

static void let_happen(void)
{
    while (w.written < ARRAY_LEN(w.events) && w.events[w.written].at_us <= w.now_us) {
        const struct uuid *id = &w.payment_ids[w.events[w.written].payment];
        assert_int_equal(write_event(&lab.merchant_id, id, w.events[w.written].number,
                                     "payment.succeeded", w.events[w.written].at_us),
                         STORE_COMMITTED);
        w.written++;
    }
}

static struct out_answer receive(enum kind kind)
{
    struct out_answer fine = {.status = 204, .error = ""};
    int64_t hours = (w.now_us - BEGIN) / INT64_C(3600000000);
    switch (kind) {
    case DOWN:
        return hours < DOWN_HOURS ? (struct out_answer){.error = "connect_failed"} : fine;
    case SLOW:
        return hours < 30 ? (struct out_answer){.error = "timeout"} : fine;
    case REDIRECTS:
        return hours < 20 ? (struct out_answer){.status = 302, .error = ""} : fine;
    case FLAKY:
        if (rng_below(&w.rng, 3) > 0)
            return fine;
        return (struct out_answer){.status = rng_below(&w.rng, 2) == 0 ? 500 : 503,
                                   .error = "",
                                   .retry_after_us = 60 SECONDS};
    case FINE:
        return fine;
    }
    return fine;
}

static int index_of(const struct uuid *id, const struct uuid *ids, int count)
{
    for (int i = 0; i < count; i++) {
        if (uuid_eq(&ids[i], id))
            return i;
    }
    fail_msg("nobody has that id");
    return -1;
}

/* A receiver notes a delivery: never before the one before it in its payment. */
static void note(const struct hook_claim *claim, int endpoint)
{
    char sql[256];
    char text[UUID_TEXT_SIZE];
    int payment = index_of(&claim->payment_id, w.payment_ids, PAYMENTS);
    (void)snprintf(sql, sizeof(sql), "SELECT number FROM events WHERE event_id = '%s'",
                   uuid_format(&claim->event_id, text).at);
    long number = fixture_count(lab.conn, sql);
    for (long before = 1; before < number; before++) {
        if (w.noted[endpoint][payment][before] == 0)
            fail_msg("endpoint %d was told event %ld of payment %d before event %ld", endpoint,
                     number, payment, before);
    }
    for (long after = number + 1; after <= EVENTS; after++)
        assert_int_equal(w.noted[endpoint][payment][after], 0);
    if (w.noted[endpoint][payment][number]++ == 0)
        w.last_us[endpoint] = w.now_us;
    if (endpoint == DOWN && w.first_success_us == 0)
        w.first_success_us = w.now_us;
}

static void send_one(const struct hook_claim *claim)
{
    int endpoint = index_of(&claim->endpoint_id, w.endpoint_ids, ENDPOINTS);
    bool crashes = rng_chance(&w.rng, CRASHES_PER_MILLION) != 0;
    w.tries++;
    w.crashes += crashes;
    if (crashes && rng_below(&w.rng, 2) == 0)
        return; /* nothing left */
    struct out_answer answer = receive((enum kind)endpoint);
    struct out_verdict verdict = out_judge(&w.schedule, claim->round_try_number, &answer, w.now_us,
                                           (uint32_t)rng_next(&w.rng));
    if (verdict.state == HOOK_DELIVERED)
        note(claim, endpoint);
    if (crashes)
        return;
    struct hook_end end = end_of(claim, verdict.state, verdict.next_us);
    assert_int_equal(end_now(&end, 1, w.now_us), 1);
    if (verdict.state != HOOK_DELIVERED || claim->failure_count > 0)
        health_now(&claim->endpoint_id, verdict.state == HOOK_DELIVERED, verdict.is_gone,
                   verdict.resume_us, w.now_us);
}

static bool send_due(void)
{
    bool has_any = false;
    arena_reset(&lab.arena);
    while (claim_some(w.now_us, 32, 8) > 0) {
        has_any = true;
        for (size_t i = 0; i < lab.claim_count; i++)
            send_one(&lab.claims[i]);
    }
    return has_any;
}

/* To the next event, or the next try; at least a second on: an endpoint may have asked for a pause. */
static bool go_on(void)
{
    const char *text = fixture_ask(
        lab.conn, "SELECT coalesce((extract(epoch FROM min(next_at)) * 1000000)::bigint, 0)"
                  " FROM hook_deliveries WHERE state IN ('waiting', 'sending')");
    int64_t next_us = strtoll(text, NULL, 10);
    if (w.written < ARRAY_LEN(w.events) && (next_us == 0 || w.events[w.written].at_us < next_us))
        next_us = w.events[w.written].at_us;
    if (next_us == 0)
        return false;
    w.now_us = next_us > w.now_us + 1 SECONDS ? next_us : w.now_us + 1 SECONDS;
    return true;
}

static void nothing_is_lost_and_each_payment_is_told_in_order(void **state)
{
    (void)state;
    struct error err;
    memset(&w, 0, sizeof(w));
    rng_seed(&w.rng, 76);
    assert_true(out_schedule_parse(STR(OUT_SCHEDULE_DEFAULT), &w.schedule, &err));
    for (int i = 0; i < ENDPOINTS; i++)
        w.endpoint_ids[i] = add_endpoint("payment.*");
    w.now_us = BEGIN;
    plan_events();
    do {
        let_happen();
        (void)send_due();
    } while (go_on());

    for (int endpoint = 0; endpoint < ENDPOINTS; endpoint++) {
        for (int payment = 0; payment < PAYMENTS; payment++) {
            for (int number = 1; number <= EVENTS; number++)
                assert_true(w.noted[endpoint][payment][number] >= 1);
        }
    }
    assert_int_equal(hooks_rows("state = 'delivered'"), ENDPOINTS * PAYMENTS * EVENTS);
    assert_int_equal(hooks_rows("state <> 'delivered'"), 0);
    assert_true(w.crashes > 10);
    /* Who was down has all within a few minutes of the first that got through. */
    assert_true(w.first_success_us >= UP_AGAIN);
    assert_true(w.last_us[DOWN] - w.first_success_us < 300 SECONDS);
    assert_true(w.first_success_us - UP_AGAIN < 24 HOURS);
    print_message("%u tries, %u of them ended by crashes; back after 76 h, told all %.1f h later\n",
                  w.tries, w.crashes, (double)(w.last_us[DOWN] - UP_AGAIN) / 3.6e9);
}

/* The schedule of Standard Webhooks, as it is published, would lose what came first. */
static void a_schedule_that_is_shorter_than_the_outage_loses(void **state)
{
    (void)state;
    struct error err;
    memset(&w, 0, sizeof(w));
    rng_seed(&w.rng, 1);
    assert_true(out_schedule_parse(STR("5s 5m 30m 2h 5h 10h 14h 20h 24h"), &w.schedule, &err));
    for (int i = 0; i < ENDPOINTS; i++)
        w.endpoint_ids[i] = i == DOWN ? add_endpoint("payment.*") : uuid_new();
    w.now_us = BEGIN;
    w.payment_ids[0] = happen(1, "payment.succeeded", BEGIN);
    w.written = ARRAY_LEN(w.events);
    int64_t last_us = 0;
    do {
        while (claim_some(w.now_us, 32, 8) > 0) {
            struct out_answer answer = receive(DOWN);
            struct out_verdict verdict =
                out_judge(&w.schedule, lab.claims->round_try_number, &answer, w.now_us, 0);
            last_us = w.now_us;
            assert_int_equal(end_one(lab.claims, verdict.state, verdict.next_us, w.now_us), 1);
        }
    } while (go_on());
    assert_int_equal(hooks_rows("state = 'failed' AND tries = 10"), 1);
    assert_int_equal((last_us - BEGIN) / INT64_C(60000000), 75 * 60 + 35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_lost_and_each_payment_is_told_in_order,
                                        hooks_lab_open, hooks_lab_close),
        cmocka_unit_test_setup_teardown(a_schedule_that_is_shorter_than_the_outage_loses,
                                        hooks_lab_open, hooks_lab_close),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

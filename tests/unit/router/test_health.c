/*
 * test_health.c - the breaker in virtual time: outages seen, recoveries seen, stragglers ignored.
 */
#include "health_world.h"

#include "base/rng.h"

static void a_new_account_is_healthy(void **state)
{
    struct health_view view = look(*state);
    assert_int_equal(view.state, HEALTH_CLOSED);
    assert_true(view.may_try);
    assert_int_equal(view.success_per_million, 1000000);
    assert_int_equal(view.calls + view.failures + view.in_flight, 0);
    assert_int_equal(view.p50_us + view.p95_us + view.p99_us, 0);
    assert_int_equal(view.opened_us + view.retry_us + view.last_error_wall_us, 0);
    assert_string_equal(view.why, "");
    assert_string_equal(view.last_error, "");
}

static void five_failures_in_a_row_open_it_and_say_why(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 4; i++) {
        call(world, HEALTH_NOT_SENT, 1 * MS);
        assert_int_equal(look(world).state, HEALTH_CLOSED);
    }
    call(world, HEALTH_NOT_SENT, 1 * MS);
    struct health_view view = look(world);
    assert_int_equal(view.state, HEALTH_OPEN);
    assert_false(view.may_try);
    assert_string_equal(view.why, "5 failures in a row: connect_refused");
    assert_string_equal(view.last_error, "connect_refused");
    assert_int_equal(view.last_error_wall_us, wall_us);
    assert_int_equal(view.opened_us, world->now_us);
    assert_int_equal(view.retry_us, world->now_us + 5 * S);
    assert_int_equal(view.calls, 5);
    assert_int_equal(view.failures, 5);
    assert_int_equal(view.success_per_million, 1000000); /* calls failed; no payment has ended */
}

static void every_kind_of_failure_opens_it_and_declines_do_not(void **state)
{
    struct world *world = *state;
    for (int event = HEALTH_SUCCESS; event <= HEALTH_ERROR; event++) {
        struct uuid id = account_of(100 + (unsigned)event);
        world->entry = health_find(world->health, &id);
        for (int i = 0; i < 5; i++) {
            call(world, (enum health_event)event, 1 * MS);
        }
        assert_int_equal(look(world).state, event == HEALTH_SUCCESS ? HEALTH_CLOSED : HEALTH_OPEN);
    }
}

/* We were too busy, too late, or gave up: that is no fault of the provider's. */
static void our_own_faults_are_not_counted(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 100; i++) {
        call(world, HEALTH_NEUTRAL, 1 * MS);
    }
    struct health_view view = look(world);
    assert_int_equal(view.state, HEALTH_CLOSED);
    assert_int_equal(view.calls, 0);
    assert_int_equal(view.in_flight, 0);
    assert_string_equal(view.last_error, "");
    for (int i = 0; i < 5; i++) {
        call(world, HEALTH_NEUTRAL, 1 * MS); /* nor do they interrupt a row of failures */
        call(world, HEALTH_LOST, 1 * MS);
    }
    assert_int_equal(look(world).state, HEALTH_OPEN);
    world->now_us += 6 * S;
    assert_true(health_take_probe(world->health, world->entry, world->now_us));
    assert_false(health_take_probe(world->health, world->entry, world->now_us));
    call(world, HEALTH_NEUTRAL, 1 * MS); /* the probe was not sent: the next may have it */
    assert_true(health_take_probe(world->health, world->entry, world->now_us));
    call(world, HEALTH_SUCCESS, 1 * MS);
    assert_int_equal(look(world).state, HEALTH_CLOSED);
}

static void a_success_in_between_starts_the_row_anew(void **state)
{
    struct world *world = *state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++) {
            call(world, HEALTH_ERROR, 1 * MS);
        }
        call(world, HEALTH_SUCCESS, 1 * MS);
        world->now_us += 20 * S; /* out of the window, so that the share does not open it */
    }
    assert_int_equal(look(world).state, HEALTH_CLOSED);
}

static void half_of_ten_calls_failing_opens_it(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 4; i++) {
        call(world, HEALTH_SUCCESS, 1 * MS);
        call(world, HEALTH_ERROR, 1 * MS);
    }
    call(world, HEALTH_SUCCESS, 1 * MS);
    assert_int_equal(look(world).state, HEALTH_CLOSED); /* 4 of 9 */
    call(world, HEALTH_ERROR, 1 * MS);
    assert_string_equal(look(world).why, "5 of 10 calls failed: connect_refused");
}

static void nine_calls_or_less_than_half_do_not_open_it(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 3; i++) {
        call(world, HEALTH_ERROR, 1 * MS);
        call(world, HEALTH_ERROR, 1 * MS);
        call(world, HEALTH_SUCCESS, 1 * MS);
    }
    assert_int_equal(look(world).state, HEALTH_CLOSED); /* 6 of 9 */
    world->now_us += 20 * S;
    for (int i = 0; i < 5; i++) {
        call(world, HEALTH_SUCCESS, 1 * MS);
    }
    for (int i = 0; i < 4; i++) {
        call(world, HEALTH_ERROR, 1 * MS);
    }
    call(world, HEALTH_SUCCESS, 1 * MS);
    assert_int_equal(look(world).state, HEALTH_CLOSED); /* 4 of 10 */
    call(world, HEALTH_ERROR, 1 * MS);
    assert_int_equal(look(world).state, HEALTH_CLOSED); /* 5 of 11 */
    call(world, HEALTH_ERROR, 1 * MS);
    struct health_view view = look(world);
    assert_int_equal(view.state, HEALTH_OPEN); /* 6 of 12 */
    assert_string_equal(view.why, "6 of 12 calls failed: connect_refused");
}

static void the_window_forgets_after_ten_seconds(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 4; i++) {
        call(world, HEALTH_ERROR, 1 * MS);
    }
    assert_int_equal(look(world).failures, 4);
    world->now_us += 8 * S;
    assert_int_equal(look(world).failures, 4);
    world->now_us += 2 * S;
    assert_int_equal(look(world).calls, 0);
    assert_int_equal(look(world).success_per_million, 1000000);
    world->now_us += INT64_C(400) * 86400 * S; /* and never remembers */
    assert_int_equal(look(world).calls, 0);
}

static void an_open_breaker_gives_one_probe_after_five_seconds(void **state)
{
    struct world *world = *state;
    fail_open(world);
    world->now_us += 5 * S - 1;
    assert_false(look(world).may_try);
    assert_false(health_take_probe(world->health, world->entry, world->now_us));
    world->now_us += 1;
    assert_int_equal(look(world).state, HEALTH_HALF_OPEN);
    assert_true(look(world).may_try);
    assert_true(health_take_probe(world->health, world->entry, world->now_us));
    assert_int_equal(look(world).state, HEALTH_HALF_OPEN);
    assert_false(look(world).may_try);
    assert_false(health_take_probe(world->health, world->entry, world->now_us));
    call(world, HEALTH_SUCCESS, 80 * MS);
    struct health_view view = look(world);
    assert_int_equal(view.state, HEALTH_CLOSED);
    assert_true(view.may_try);
    assert_int_equal(view.opened_us + view.retry_us, 0);
    assert_string_equal(view.why, "");
    assert_string_equal(view.last_error, "connect_refused"); /* what was is still told */
    assert_true(health_take_probe(world->health, world->entry, world->now_us)); /* all may */
    call(world, HEALTH_NOT_SENT, 1 * MS);
    assert_int_equal(look(world).state, HEALTH_CLOSED);
    world->now_us += 10 * S; /* it is back: the row starts anew */
    call(world, HEALTH_SUCCESS, 1 * MS);
    for (int i = 0; i < 4; i++) {
        call(world, HEALTH_NOT_SENT, 1 * MS);
        assert_int_equal(look(world).state, HEALTH_CLOSED);
    }
}

static void while_it_comes_back_two_failures_are_enough(void **state)
{
    struct world *world = *state;
    fail_open(world);
    world->now_us += 5 * S;
    assert_true(health_take_probe(world->health, world->entry, world->now_us));
    call(world, HEALTH_SUCCESS, 80 * MS);
    assert_int_equal(look(world).away_per_million, 900000);
    world->now_us += 5 * S;
    assert_int_equal(look(world).away_per_million, 450000);
    call(world, HEALTH_NOT_SENT, 1 * MS);
    assert_int_equal(look(world).state, HEALTH_CLOSED);
    call(world, HEALTH_NOT_SENT, 1 * MS);
    assert_int_equal(look(world).state, HEALTH_OPEN);
    assert_int_equal(look(world).retry_us, world->now_us + 10 * S); /* it flaps: twice as long */
    assert_int_equal(look(world).level, 1);
}

static void a_breaker_that_flaps_waits_longer_and_one_that_stays_closed_is_forgiven(void **state)
{
    static const int64_t pause_s[] = {5, 10, 15, 15};
    struct world *world = *state;
    for (size_t i = 0; i < 4; i++) {
        fail_open(world);
        assert_int_equal(look(world).retry_us, world->now_us + pause_s[i] * S);
        world->now_us += pause_s[i] * S;
        assert_true(health_take_probe(world->health, world->entry, world->now_us));
        call(world, HEALTH_SUCCESS, 80 * MS);
    }
    assert_int_equal(look(world).level, 3);
    world->now_us += 200 * (int64_t)S;
    assert_int_equal(look(world).level, 0);
    fail_open(world);
    assert_int_equal(look(world).retry_us, world->now_us + 5 * S);
}

static void a_failed_probe_opens_it_for_another_five_seconds(void **state)
{
    struct world *world = *state;
    fail_open(world);
    int64_t opened_us = look(world).opened_us;
    for (int i = 0; i < 4; i++) {
        world->now_us += 5 * S;
        assert_true(health_take_probe(world->health, world->entry, world->now_us));
        call(world, HEALTH_NOT_SENT, 2 * MS);
        struct health_view view = look(world);
        assert_int_equal(view.state, HEALTH_OPEN);
        assert_int_equal(view.retry_us, world->now_us + 5 * S);
        assert_int_equal(view.opened_us, opened_us);
        assert_string_equal(view.why, "probe failed: connect_refused");
    }
}

static void a_probe_without_answer_is_forgotten_after_ten_seconds(void **state)
{
    struct world *world = *state;
    fail_open(world);
    world->now_us += 5 * S;
    assert_true(health_take_probe(world->health, world->entry, world->now_us));
    health_sent(world->entry, world->now_us);
    assert_int_equal(look(world).retry_us, world->now_us + 10 * S);
    world->now_us += 10 * S - 1;
    assert_false(health_take_probe(world->health, world->entry, world->now_us));
    world->now_us += 1;
    assert_true(look(world).may_try);
    assert_true(health_take_probe(world->health, world->entry, world->now_us));
    assert_false(health_take_probe(world->health, world->entry, world->now_us));
    /* The first probe's time-out says nothing of the second. */
    world->now_us += 1 * S;
    answer(world, HEALTH_LOST, 11 * S);
    assert_int_equal(look(world).state, HEALTH_HALF_OPEN);
    call(world, HEALTH_SUCCESS, 10 * MS);
    assert_int_equal(look(world).state, HEALTH_CLOSED);
}

static void stragglers_of_the_outage_change_nothing(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 40; i++) {
        health_sent(world->entry, world->now_us);
    }
    int64_t sent_us = world->now_us;
    world->now_us += 100 * MS;
    fail_open(world);
    world->now_us += 1 * S;
    answer(world, HEALTH_SUCCESS, world->now_us - sent_us); /* while open: does not close */
    assert_int_equal(look(world).state, HEALTH_OPEN);
    world->now_us += 5 * S;
    assert_true(health_take_probe(world->health, world->entry, world->now_us));
    answer(world, HEALTH_SUCCESS,
           world->now_us - sent_us);                     /* while half open: neither closes ... */
    answer(world, HEALTH_LOST, world->now_us - sent_us); /* ... nor opens */
    assert_int_equal(look(world).state, HEALTH_HALF_OPEN);
    call(world, HEALTH_SUCCESS, 50 * MS);
    assert_int_equal(look(world).state, HEALTH_CLOSED);
    for (int i = 0; i < 37; i++) { /* closed again: time-outs of before do not open it */
        world->now_us += 10 * MS;
        answer(world, HEALTH_LOST, world->now_us - sent_us);
    }
    assert_int_equal(look(world).state, HEALTH_CLOSED);
    assert_int_equal(look(world).failures, 0);
    assert_int_equal(look(world).in_flight, 0);
    fail_open(world); /* but those of after do */
}

static void silence_opens_it(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 5; i++) {
        health_sent(world->entry, world->now_us);
        assert_int_equal(look(world).state, HEALTH_CLOSED);
        world->now_us += 500 * MS;
    }
    world->now_us += 1499 * MS; /* 3,999 ms since the first */
    assert_int_equal(look(world).state, HEALTH_CLOSED);
    world->now_us += 1 * MS;
    struct health_view view = look(world);
    assert_int_equal(view.state, HEALTH_OPEN);
    assert_string_equal(view.why, "5 calls in 4000 ms without any answer");
    assert_int_equal(view.in_flight, 5);
}

static void a_lost_call_does_not_end_silence(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 6; i++) {
        health_sent(world->entry, world->now_us);
    }
    world->now_us += 3 * S;
    answer(world, HEALTH_LOST, 3 * S);
    world->now_us += 1 * S;
    assert_int_equal(look(world).state, HEALTH_OPEN);
}

static void few_calls_or_any_answer_are_not_silence(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 4; i++) {
        health_sent(world->entry, world->now_us);
    }
    world->now_us += 20 * S;
    assert_int_equal(look(world).state, HEALTH_CLOSED); /* four calls */
    health_sent(world->entry, world->now_us);
    answer(world, HEALTH_ERROR, 20 * S); /* a 503 is an answer */
    for (int i = 0; i < 5; i++) {
        health_sent(world->entry, world->now_us);
    }
    world->now_us += 3 * S;
    assert_int_equal(look(world).state, HEALTH_CLOSED);
    answer(world, HEALTH_SUCCESS, 3 * S);
    world->now_us += 3 * S;
    assert_int_equal(look(world).state, HEALTH_CLOSED);
}

static void calls_long_ago_are_not_silence(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 3; i++) { /* time-outs, then an hour of nothing */
        health_sent(world->entry, world->now_us);
    }
    world->now_us += 30 * S;
    for (int i = 0; i < 3; i++) {
        answer(world, HEALTH_LOST, 30 * S);
    }
    world->now_us += 3600 * (int64_t)S;
    for (int i = 0; i < 5; i++) {
        health_sent(world->entry, world->now_us);
    }
    world->now_us += 100 * MS;
    assert_int_equal(look(world).state, HEALTH_CLOSED);
}

/* One payment each 250 ms, judged as the router does: how long until traffic moves, and until it is
 * back. */
static void outages_move_traffic_in_time_and_recovery_brings_it_back(void **state)
{
    struct world *world = *state;
    static const enum health_event kinds[] = {HEALTH_NOT_SENT, HEALTH_ERROR, HEALTH_LOST};
    for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++) {
        bool hangs = kinds[kind] == HEALTH_LOST;
        for (int i = 0; i < 100; i++) {
            call(world, HEALTH_SUCCESS, 250 * MS);
        }
        int64_t started_us = world->now_us;
        int calls = 0;
        int64_t pending_us[64]; /* of hanging calls, which time out after 20 s */
        size_t pending = 0, timed_out = 0;
        while (world->now_us - started_us < 60 * (int64_t)S) { /* a minute's outage */
            struct health_view view = look(world);
            if (view.state == HEALTH_CLOSED ||
                (view.may_try && health_take_probe(world->health, world->entry, world->now_us))) {
                calls++;
                if (hangs) {
                    health_sent(world->entry, world->now_us);
                    pending_us[pending++] = world->now_us;
                } else {
                    call(world, kinds[kind], 1 * MS);
                }
            }
            world->now_us += 250 * MS;
            while (timed_out < pending &&
                   world->now_us - pending_us[timed_out] >= 20 * (int64_t)S) {
                answer(world, HEALTH_LOST, world->now_us - pending_us[timed_out++]);
            }
            if (world->now_us - started_us > 5 * (int64_t)S) {
                assert_int_not_equal(look(world).state, HEALTH_CLOSED);
            }
        }
        assert_true(calls <= 20 + 12); /* until it opened, and at most a probe each 5 s */
        int64_t recovered_us = world->now_us;
        while (look(world).state != HEALTH_CLOSED) {
            struct health_view view = look(world);
            if (view.may_try && health_take_probe(world->health, world->entry, world->now_us)) {
                call(world, HEALTH_SUCCESS, 50 * MS);
            }
            world->now_us += 250 * MS;
            assert_true(world->now_us - recovered_us <= 30 * (int64_t)S);
        }
        while (timed_out < pending) { /* the last of the outage, late */
            answer(world, HEALTH_LOST, world->now_us - pending_us[timed_out++]);
        }
        assert_int_equal(look(world).state, HEALTH_CLOSED);
        assert_int_equal(look(world).in_flight, 0);
        world->now_us += 60 * S;
    }
}

static void an_outage_under_load_is_seen_within_twenty_calls(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 5000; i++) { /* 1,000 good calls a second */
        call(world, HEALTH_SUCCESS, 1 * MS);
    }
    int calls = 0;
    while (look(world).state == HEALTH_CLOSED) {
        call(world, HEALTH_NOT_SENT, 1 * MS);
        calls++;
        assert_true(calls <= 20);
    }
}

static void latency_quantiles_follow_and_forget(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 900; i++) {
        call(world, HEALTH_SUCCESS, 45 * MS);
        world->now_us -= 45 * MS;
    }
    for (int i = 0; i < 90; i++) {
        call(world, HEALTH_SUCCESS, 400 * MS);
        world->now_us -= 400 * MS;
    }
    for (int i = 0; i < 10; i++) {
        call(world, HEALTH_SUCCESS, 2500 * MS);
        world->now_us -= 2500 * MS;
    }
    struct health_view view = look(world);
    assert_in_range(view.p50_us, 35 * MS, 50 * MS);
    assert_in_range(view.p95_us, 300 * MS, 500 * MS);
    assert_in_range(view.p99_us, 300 * MS, 500 * MS);
    call(world, HEALTH_SUCCESS, 2500 * MS);
    assert_in_range(look(world).p99_us, 2000 * MS, 5000 * MS);
    world->now_us += 120 * S;
    assert_in_range(look(world).p50_us, 35 * MS, 50 * MS);
    for (int i = 0; i < 3000; i++) { /* the new speed takes over */
        call(world, HEALTH_SUCCESS, 4 * MS);
        world->now_us -= 3 * MS;
    }
    assert_in_range(look(world).p50_us, 2 * MS, 5 * MS);
    world->now_us += 1800 * (int64_t)S;
    assert_int_equal(look(world).p50_us, 0);
    call(world, HEALTH_SUCCESS, 3600 * (int64_t)S);
    assert_int_equal(look(world).p99_us, 60 * S); /* the last bucket's end */
    call(world, HEALTH_SUCCESS, -5);
    assert_in_range(look(world).p50_us, 0, 1 * MS);
}

static void lost_calls_have_no_latency(void **state)
{
    struct world *world = *state;
    call(world, HEALTH_LOST, 30 * S);
    call(world, HEALTH_NOT_SENT, 0);
    assert_int_equal(look(world).p99_us, 0);
}

static void a_dead_workers_calls_are_taken_out(void **state)
{
    struct world *world = *state;
    health_set_slot(3);
    for (int i = 0; i < 7; i++) {
        health_sent(world->entry, world->now_us);
    }
    health_set_slot(4);
    for (int i = 0; i < 2; i++) {
        health_sent(world->entry, world->now_us);
    }
    assert_int_equal(look(world).in_flight, 9);
    health_forget_slot(world->health, 3);
    assert_int_equal(look(world).in_flight, 2);
    health_forget_slot(world->health, 3);
    assert_int_equal(look(world).in_flight, 2);
    answer(world, HEALTH_SUCCESS, 0);
    answer(world, HEALTH_SUCCESS, 0);
    assert_int_equal(look(world).in_flight, 0);
}

static void a_dead_workers_calls_are_no_silence(void **state)
{
    struct world *world = *state;
    health_set_slot(3);
    for (int i = 0; i < 7; i++) {
        health_sent(world->entry, world->now_us);
    }
    health_forget_slot(world->health, 3);
    world->now_us += 10 * S;
    assert_int_equal(look(world).state, HEALTH_CLOSED);
    health_set_slot(0);
    health_sent(world->entry, world->now_us);
    assert_int_equal(look(world).state, HEALTH_CLOSED);
}

static void reasons_are_cut_and_cleaned(void **state)
{
    struct world *world = *state;
    static const char text[] = "line\nbreak \xC3\xA4 and much, much, much, much, much, much, more";
    health_sent(world->entry, world->now_us);
    health_answered(world->health, world->entry, HEALTH_ERROR, 0, str_of(text), world->now_us,
                    wall_us);
    assert_string_equal(look(world).last_error, "line?break ?? and much, much, much, much, much,");
    health_sent(world->entry, world->now_us);
    health_answered(world->health, world->entry, HEALTH_LOST, 0, STR_NONE, world->now_us, wall_us);
    assert_string_equal(look(world).last_error, "lost");
}

static void accounts_are_kept_apart_and_found_again(void **state)
{
    struct world *world = *state;
    struct health_entry *entries[HEALTH_ENTRY_MAX - 1];
    for (unsigned i = 0; i < ARRAY_LEN(entries); i++) {
        struct uuid id = account_of(1000 + i);
        entries[i] = health_find(world->health, &id);
        assert_ptr_not_equal(entries[i], world->entry);
        for (unsigned k = 0; k < i; k += 37) {
            assert_ptr_not_equal(entries[i], entries[k]);
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(entries); i++) {
        struct uuid id = account_of(1000 + i);
        assert_ptr_equal(health_find(world->health, &id), entries[i]);
    }
}

static void a_full_table_gives_up_the_oldest_unused(void **state)
{
    struct world *world = *state;
    fail_open(world); /* account 1, the oldest */
    for (unsigned i = 0; i < HEALTH_ENTRY_MAX - 1; i++) {
        struct uuid id = account_of(1000 + i);
        health_sent(health_find(world->health, &id), world->now_us + 1 + i);
    }
    struct uuid fresh = account_of(9999);
    struct health_entry *entry = health_find(world->health, &fresh);
    assert_ptr_equal(entry, world->entry);
    assert_ptr_equal(health_find(world->health, &fresh), entry);
    assert_int_equal(look(world).state, HEALTH_CLOSED);
    assert_string_equal(look(world).last_error, "");
    for (unsigned i = 0; i < 200; i++) { /* all others are busy: still never NULL */
        struct uuid id = account_of(20000 + i);
        assert_non_null(health_find(world->health, &id));
    }
}

static void states_have_names(void **state)
{
    (void)state;
    assert_string_equal(health_state_name(HEALTH_CLOSED), "closed");
    assert_string_equal(health_state_name(HEALTH_HALF_OPEN), "half_open");
    assert_string_equal(health_state_name(HEALTH_OPEN), "open");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_account_is_healthy),
        TEST(five_failures_in_a_row_open_it_and_say_why),
        TEST(every_kind_of_failure_opens_it_and_declines_do_not),
        TEST(our_own_faults_are_not_counted),
        TEST(a_success_in_between_starts_the_row_anew),
        TEST(half_of_ten_calls_failing_opens_it),
        TEST(nine_calls_or_less_than_half_do_not_open_it),
        TEST(the_window_forgets_after_ten_seconds),
        TEST(an_open_breaker_gives_one_probe_after_five_seconds),
        TEST(while_it_comes_back_two_failures_are_enough),
        TEST(a_breaker_that_flaps_waits_longer_and_one_that_stays_closed_is_forgiven),
        TEST(a_failed_probe_opens_it_for_another_five_seconds),
        TEST(a_probe_without_answer_is_forgotten_after_ten_seconds),
        TEST(stragglers_of_the_outage_change_nothing),
        TEST(silence_opens_it),
        TEST(a_lost_call_does_not_end_silence),
        TEST(few_calls_or_any_answer_are_not_silence),
        TEST(calls_long_ago_are_not_silence),
        TEST(outages_move_traffic_in_time_and_recovery_brings_it_back),
        TEST(an_outage_under_load_is_seen_within_twenty_calls),
        TEST(latency_quantiles_follow_and_forget),
        TEST(lost_calls_have_no_latency),
        TEST(a_dead_workers_calls_are_taken_out),
        TEST(a_dead_workers_calls_are_no_silence),
        TEST(reasons_are_cut_and_cleaned),
        TEST(accounts_are_kept_apart_and_found_again),
        TEST(a_full_table_gives_up_the_oldest_unused),
        TEST(states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

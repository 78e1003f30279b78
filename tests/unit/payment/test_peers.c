/* Two hosts, one database: what one sees of a provider is a hint for the other, and no more. */
#include "tests/unit/payment/world.h"

#include "payment/peers.h"

enum {
    INTERVAL_MS = 200,
};

static struct shm other_shm;
static struct health *other;
static struct uuid account_id;
static struct peers *a;
static struct peers *b;

static int start(void **state)
{
    struct error err;
    int result = world_start(state);
    account_id = world.merchant->account[0].account.account_id;
    assert_true(shm_open_segment(&other_shm, health_size() + 4096, &err));
    other = health_open(&other_shm, &health_config_default);
    return result;
}

static int stop(void **state)
{
    peers_free(&a);
    peers_free(&b);
    int result = world_stop(state);
    shm_close(&other_shm);
    return result;
}

static struct health_history history_of(struct health *health)
{
    struct health_history history;
    health_read_history(health, health_find(health, &account_id), clock_mono_us(), &history);
    return history;
}

static void fail_open(struct health *health)
{
    struct health_view view = {.state = HEALTH_CLOSED};
    struct health_entry *entry = health_find(health, &account_id);
    while (view.state == HEALTH_CLOSED) {
        health_sent(entry, clock_mono_us());
        health_answered(health, entry, HEALTH_NOT_SENT, 0, STR("connect_refused"), clock_mono_us(),
                        clock_wall_us());
        health_read(health, entry, clock_mono_us(), &view);
    }
}

/* Until the other host shows a hint, or shows none. */
static void wait_for_hint(bool wanted)
{
    for (int tries = 0; (history_of(other).hint[0] != '\0') != wanted; tries++) {
        assert_true(tries < 3000); /* 30 s */
        world_run_for(10 * CLOCK_MS_US);
    }
}

static void an_open_breaker_is_a_hint_for_the_other_host(void **state)
{
    (void)state;
    struct uuid id_a = uuid_new();
    struct uuid id_b = uuid_new();
    a = peers_new(world.loop, world.store, world.health, &id_a, INTERVAL_MS);
    b = peers_new(world.loop, world.store, other, &id_b, INTERVAL_MS);
    struct uuid nobody = uuid_new(); /* an account that the directory does not know */
    health_sent(health_find(world.health, &nobody), clock_mono_us());
    fail_open(world.health);
    wait_for_hint(true);
    struct health_history history = history_of(other);
    assert_non_null(strstr(history.hint, ": open, 5 failures in a row: connect_refused"));
    assert_true(history.hint_age_us <= (int64_t)PEERS_STALE * INTERVAL_MS * CLOCK_MS_US);
    struct health_view view;
    health_read(other, health_find(other, &account_id), clock_mono_us(), &view);
    assert_int_equal(view.state, HEALTH_CLOSED);            /* it never opens by that alone */
    assert_string_equal(history_of(world.health).hint, ""); /* and is no hint for itself */
    /* Host a falls silent: its next turn is in an hour. */
    assert_true(health_take_turn(world.health, 0, clock_mono_us() + 3600 * CLOCK_SECOND_US));
    wait_for_hint(false);
}

/* Whose turn it is: one exchange in each interval, however many workers. */
static void one_worker_tells_for_all(void **state)
{
    (void)state;
    int64_t now_us = clock_mono_us() + 7200 * CLOCK_SECOND_US;
    assert_true(health_take_turn(world.health, 3 * CLOCK_SECOND_US, now_us));
    assert_false(health_take_turn(world.health, 3 * CLOCK_SECOND_US, now_us));
    assert_false(health_take_turn(world.health, 3 * CLOCK_SECOND_US, now_us + 2999999));
    assert_true(health_take_turn(world.health, 3 * CLOCK_SECOND_US, now_us + 3000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_breaker_is_a_hint_for_the_other_host),
        cmocka_unit_test(one_worker_tells_for_all),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

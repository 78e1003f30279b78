/* Backtests that were asked for: places, leases, tries, and who may still write. */
#include "base/crypto.h"
#include "ledger/backtest_queue.h"
#include "ledger/rules.h"
#include "tests/unit/ledger/fixture.h"

#define T0 (1800000000 * CLOCK_SECOND_US)
#define S  CLOCK_SECOND_US

struct shown {
    struct fixture *f;
    enum store_find found;
    struct backtests_row row;
};

static void show_done(void *ctx, enum store_find found, const struct backtests_row *row,
                      const struct error *why)
{
    struct shown *shown = ctx;
    (void)why;
    shown->found = found;
    shown->row = *row;
    fixture_answered(shown->f);
}

static struct shown show(struct fixture *f, const struct uuid *merchant_id, const struct uuid *id,
                         struct arena *arena)
{
    struct shown shown = {.f = f};
    f->waiting_for++;
    backtests_load(f->store, merchant_id, id, arena, show_done, &shown);
    fixture_wait(f);
    return shown;
}

static void keep_rules(struct fixture *f, const struct uuid *merchant_id)
{
    struct number number = {.f = f};
    struct rules_version version = {
        .merchant_id = *merchant_id,
        .text = STR("otherwise { by cost }"),
        .author = STR("key_ada"),
        .created_us = T0,
    };
    crypto_sha256(version.text, version.hash);
    f->waiting_for++;
    rules_put(f->store, &version, number_done, &number);
    assert_int_equal(number_wait(&number), 1);
}

static struct backtests_row queue_at(const struct uuid *merchant_id, int64_t at_us)
{
    return (struct backtests_row){
        .merchant_id = *merchant_id,
        .backtest_id = uuid_new(),
        .version = 1,
        .since_us = at_us - 86400 * S,
        .until_us = at_us,
        .created_us = at_us,
        .author = STR("key_ada"),
    };
}

/* The place; 0: there is none. */
static int64_t put(struct fixture *f, const struct backtests_row *row)
{
    struct number number = {.f = f};
    f->waiting_for++;
    backtests_put(f->store, row, number_done, &number);
    fixture_wait(f);
    assert_int_not_equal(number.found, STORE_FAILED);
    return number.found == STORE_FOUND ? number.count : 0;
}

static int64_t due(struct fixture *f, int64_t now_us)
{
    struct number number = {.f = f};
    f->waiting_for++;
    backtests_due(f->store, now_us, number_done, &number);
    return number_wait(&number);
}

struct bench { /* what each test needs */
    struct fixture f;
    struct arena arena;
    struct backtest_queue *queue;
    struct uuid merchant_id;
    struct uuid runner_id;
    struct backtests_row row; /* claimed */
    struct str rules;
};

static void set_up(struct bench *b)
{
    struct error err;
    memset(b, 0, sizeof(*b));
    fixture_open(&b->f);
    arena_init(&b->arena, 16 << 20);
    b->queue = backtest_queue_open(b->f.conninfo, &err);
    assert_non_null(b->queue);
    b->merchant_id = uuid_new();
    b->runner_id = uuid_new();
    keep_rules(&b->f, &b->merchant_id);
}

static void tear_down(struct bench *b)
{
    backtest_queue_close(&b->queue);
    arena_release(&b->arena);
    fixture_close(&b->f);
}

static bool claim(struct bench *b, int64_t now_us)
{
    struct error err;
    bool is_there = backtest_queue_claim(b->queue, &b->runner_id, now_us, now_us + 30 * S,
                                         &b->arena, &b->row, &b->rules, &err);
    if (!is_there)
        assert_string_equal(err.text, "");
    return is_there;
}

static void a_backtest_is_queued_claimed_and_done(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    set_up(&b);
    struct backtests_row row = queue_at(&b.merchant_id, T0);
    struct uuid stranger = uuid_new();
    assert_int_equal(due(&b.f, T0), 0);
    assert_int_equal(put(&b.f, &row), 1);
    assert_int_equal(due(&b.f, T0 - 1), 0);
    assert_int_equal(due(&b.f, T0), 1);
    assert_int_equal(show(&b.f, &stranger, &row.backtest_id, &b.arena).found, STORE_ABSENT);
    assert_int_equal(show(&b.f, &b.merchant_id, &row.backtest_id, &b.arena).row.state,
                     BACKTESTS_QUEUED);
    assert_true(claim(&b, T0));
    assert_true(uuid_eq(&b.row.backtest_id, &row.backtest_id));
    assert_true(str_eq(b.rules, STR("otherwise { by cost }")));
    assert_int_equal(b.row.since_us, T0 - 86400 * S);
    assert_int_equal(b.row.until_us, T0);
    assert_int_equal(b.row.tries, 1);
    assert_int_equal(show(&b.f, &b.merchant_id, &row.backtest_id, &b.arena).row.state,
                     BACKTESTS_RUNNING);
    assert_false(claim(&b, T0)); /* it is leased */
    assert_int_equal(due(&b.f, T0), 0);
    assert_true(
        backtest_queue_end(b.queue, &b.row, STR("{\"payments\":1}"), STR_NONE, T0 + S, &err));
    struct shown shown = show(&b.f, &b.merchant_id, &row.backtest_id, &b.arena);
    assert_int_equal(shown.row.state, BACKTESTS_DONE);
    assert_true(str_eq(shown.row.result, STR("{\"payments\":1}")));
    assert_int_equal(shown.row.started_us, T0);
    assert_int_equal(shown.row.ended_us, T0 + S);
    assert_false(claim(&b, T0 + 3600 * S)); /* nor is it begun again */
    tear_down(&b);
}

static void a_merchant_has_so_many_places(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    set_up(&b);
    struct uuid other = uuid_new();
    keep_rules(&b.f, &other);
    for (int i = 1; i <= BACKTESTS_WAITING_MAX; i++) {
        struct backtests_row row = queue_at(&b.merchant_id, T0 + i);
        assert_int_equal(put(&b.f, &row), i);
    }
    struct backtests_row more = queue_at(&b.merchant_id, T0 + 10);
    struct backtests_row others = queue_at(&other, T0 + 10);
    assert_int_equal(put(&b.f, &more), 0);
    assert_int_equal(put(&b.f, &others), 1);
    assert_true(claim(&b, T0 + 20)); /* running, it has its place */
    assert_int_equal(put(&b.f, &more), 0);
    assert_true(backtest_queue_end(b.queue, &b.row, STR_NONE, STR("no"), T0 + 30, &err));
    assert_int_equal(put(&b.f, &more), 1);
    assert_int_equal(put(&b.f, &more), 0);
    /* In the order in which they came, whoever's they are. */
    int64_t last_us = 0;
    unsigned count = 0;
    while (claim(&b, T0 + 40)) {
        struct shown shown = show(&b.f, &b.row.merchant_id, &b.row.backtest_id, &b.arena);
        assert_true(shown.row.created_us >= last_us);
        last_us = shown.row.created_us;
        count++;
    }
    assert_int_equal(count, BACKTESTS_WAITING_MAX + 1);
    tear_down(&b);
}

static void who_has_lost_the_lease_writes_nothing(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    set_up(&b);
    struct backtests_row row = queue_at(&b.merchant_id, T0);
    assert_int_equal(put(&b.f, &row), 1);
    assert_true(claim(&b, T0));
    struct backtests_row former = b.row;
    assert_true(backtest_queue_renew(b.queue, &former, T0 + 60 * S, &err));
    assert_false(claim(&b, T0 + 59 * S));
    assert_true(claim(&b, T0 + 60 * S));
    assert_int_equal(b.row.tries, 2);
    assert_false(backtest_queue_renew(b.queue, &former, T0 + 999 * S, &err));
    assert_string_equal(err.text, "");
    assert_false(backtest_queue_put_back(b.queue, &former, true, T0, &err));
    assert_false(backtest_queue_end(b.queue, &former, STR("{}"), STR_NONE, T0, &err));
    assert_true(backtest_queue_end(b.queue, &b.row, STR("{}"), STR_NONE, T0 + 61 * S, &err));
    assert_false(backtest_queue_end(b.queue, &b.row, STR("{}"), STR_NONE, T0 + 62 * S, &err));
    tear_down(&b);
}

static void what_the_dead_had_is_free_at_once(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    set_up(&b);
    struct uuid other = uuid_new();
    keep_rules(&b.f, &other);
    struct backtests_row one = queue_at(&b.merchant_id, T0);
    struct backtests_row two = queue_at(&other, T0 + 1);
    assert_int_equal(put(&b.f, &one), 1);
    assert_int_equal(put(&b.f, &two), 1);
    struct uuid dead_id = b.runner_id;
    assert_true(claim(&b, T0 + 2));
    b.runner_id = uuid_new();
    assert_true(claim(&b, T0 + 2));
    assert_false(claim(&b, T0 + 3));
    assert_true(backtest_queue_release(b.queue, &dead_id, T0 + 3, &err));
    assert_true(claim(&b, T0 + 3));
    assert_true(uuid_eq(&b.row.backtest_id, &one.backtest_id));
    assert_int_equal(b.row.tries, 2); /* it counts */
    assert_false(claim(&b, T0 + 3));  /* the other lives */
    assert_true(backtest_queue_put_back(b.queue, &b.row, true, T0 + 4, &err));
    assert_true(claim(&b, T0 + 4));
    assert_int_equal(b.row.tries, 2); /* told to stop: it does not */
    assert_true(backtest_queue_put_back(b.queue, &b.row, false, T0 + 5, &err));
    assert_int_equal(show(&b.f, &b.merchant_id, &one.backtest_id, &b.arena).row.state,
                     BACKTESTS_QUEUED);
    assert_true(claim(&b, T0 + 5));
    assert_int_equal(b.row.tries, 3);
    tear_down(&b);
}

static void results_are_forgotten(void **state)
{
    (void)state;
    struct bench b;
    struct error err;
    set_up(&b);
    PGconn *conn = fixture_connect("postgres");
    struct uuid other = uuid_new();
    keep_rules(&b.f, &other);
    for (int i = 0; i < BACKTESTS_KEPT_MAX + 5; i++) {
        struct backtests_row row = queue_at(i == 0 ? &other : &b.merchant_id, T0 + i);
        assert_int_equal(put(&b.f, &row), 1);
        assert_true(claim(&b, T0 + i));
        assert_true(backtest_queue_end(b.queue, &b.row, STR("{}"), STR_NONE, T0 + i, &err));
    }
    struct backtests_row waiting = queue_at(&b.merchant_id, T0);
    assert_int_equal(put(&b.f, &waiting), 1);
    int64_t end_us = T0 + BACKTESTS_KEEP_S * S;
    assert_true(backtest_queue_sweep(b.queue, NULL, end_us - 1, &err));
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM backtests"), BACKTESTS_KEPT_MAX + 6);
    assert_true(backtest_queue_sweep(b.queue, &b.merchant_id, end_us - 1, &err));
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM backtests"), BACKTESTS_KEPT_MAX + 2);
    assert_string_equal(fixture_ask(conn, "SELECT extract(epoch FROM min(created_at)) * 1000000"
                                          " - 1800000000000000 FROM backtests WHERE ended_at IS"
                                          " NOT NULL AND merchant_id = (SELECT merchant_id FROM"
                                          " backtests WHERE place IS NOT NULL)"),
                        "5.000000"); /* the newest */
    assert_true(backtest_queue_sweep(b.queue, NULL, end_us, &err));
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM backtests"), BACKTESTS_KEPT_MAX + 1);
    assert_true(backtest_queue_sweep(b.queue, NULL, end_us + 3600 * S, &err));
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM backtests"), 1); /* what waits */
    PQfinish(conn);
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_backtest_is_queued_claimed_and_done, fixture_new_database),
        cmocka_unit_test_setup(a_merchant_has_so_many_places, fixture_new_database),
        cmocka_unit_test_setup(who_has_lost_the_lease_writes_nothing, fixture_new_database),
        cmocka_unit_test_setup(what_the_dead_had_is_free_at_once, fixture_new_database),
        cmocka_unit_test_setup(results_are_forgotten, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

/* The networks' limits on retries: counted exactly, whatever comes at once, within a window that moves. */
#include "tests/unit/ledger/fixture.h"

#define DAY_US (24 * 3600 * CLOCK_SECOND_US)

enum {
    MOST = 15,
};

static struct store_budget make_budget(const struct uuid *merchant_id, char token, bool opens)
{
    struct store_budget budget = {
        .merchant_id = *merchant_id,
        .most = MOST,
        .opens = opens,
        .created_us = clock_wall_us(),
    };
    memset(budget.token_hash, token, sizeof(budget.token_hash));
    return budget;
}

static enum store_result decline(struct fixture *f, const struct store_budget *budgets,
                                 size_t count)
{
    struct store_txn txn = {.name = "test", .budgets = budgets, .budget_count = count};
    return write_now(f, &txn);
}

static enum store_result decline_at(struct fixture *f, const struct uuid *merchant_id,
                                    int64_t wall_us, bool opens)
{
    struct store_budget budget = make_budget(merchant_id, 'a', opens);
    budget.created_us = wall_us;
    return decline(f, &budget, 1);
}

static enum store_result open_with(struct fixture *f, const struct uuid *merchant_id, char token)
{
    struct rows r;
    rows_open(&r, merchant_id);
    memset(r.payment.budget_hash, token, token != '\0' ? 32 : 0);
    return write_now(f, &r.txn);
}

static void what_is_spent_opens_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct uuid merchant_id = uuid_new();
    struct uuid other_id = uuid_new();
    fixture_open(&f);
    for (int i = 0; i < MOST; i++) {
        assert_int_equal(open_with(&f, &merchant_id, 'a'), STORE_COMMITTED);
        assert_int_equal(decline_at(&f, &merchant_id, clock_wall_us(), false), STORE_COMMITTED);
    }
    assert_int_equal(open_with(&f, &merchant_id, 'a'), STORE_LIMIT_EXCEEDED);
    assert_int_equal(open_with(&f, &merchant_id, 'b'), STORE_COMMITTED);
    assert_int_equal(open_with(&f, &merchant_id, '\0'), STORE_COMMITTED);
    assert_int_equal(open_with(&f, &other_id, 'a'), STORE_COMMITTED);
    /* A key that was used is that payment's, whatever its card has become. */
    struct rows r;
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    r.payment.payment_id = uuid_new();
    r.attempt.payment_id = r.payment.payment_id;
    r.attempt.attempt_id = uuid_new();
    r.send.attempt_id = r.attempt.attempt_id;
    memset(r.payment.budget_hash, 'a', 32);
    assert_int_equal(write_now(&f, &r.txn), STORE_KEY_TAKEN);
    fixture_close(&f);
}

static void the_window_moves_with_time(void **state)
{
    (void)state;
    struct fixture f;
    struct uuid merchant_id = uuid_new();
    fixture_open(&f);
    int64_t now_us = clock_wall_us();
    for (int i = 0; i < MOST; i++) /* one a day, the first 31 days ago */
        assert_int_equal(decline_at(&f, &merchant_id, now_us - (31 - i) * DAY_US, true),
                         i < MOST - 1 ? STORE_COMMITTED : STORE_LIMIT_EXCEEDED);
    /* What was refused was rolled back with its decline: fourteen, one of them too old to count. */
    assert_int_equal(decline_at(&f, &merchant_id, now_us, true), STORE_COMMITTED);
    assert_int_equal(decline_at(&f, &merchant_id, now_us, true), STORE_COMMITTED);
    assert_int_equal(open_with(&f, &merchant_id, 'a'), STORE_COMMITTED);
    assert_int_equal(decline_at(&f, &merchant_id, now_us, false), STORE_COMMITTED);
    fixture_close(&f);
}

static void what_is_forbidden_stays_so(void **state)
{
    (void)state;
    struct fixture f;
    struct uuid merchant_id = uuid_new();
    PGconn *admin = fixture_connect("postgres");
    fixture_open(&f);
    struct store_budget budget = make_budget(&merchant_id, 'a', false);
    budget.forbids = true;
    budget.created_us -= 400 * DAY_US;
    assert_int_equal(decline(&f, &budget, 1), STORE_COMMITTED);
    assert_int_equal(open_with(&f, &merchant_id, 'a'), STORE_LIMIT_EXCEEDED);
    assert_int_equal(decline_at(&f, &merchant_id, clock_wall_us(), true), STORE_LIMIT_EXCEEDED);
    assert_int_equal(decline_at(&f, &merchant_id, clock_wall_us(), false), STORE_COMMITTED);
    assert_int_equal(fixture_count(admin, "SELECT count(forbidden_at) FROM token_budget"), 1);
    PQfinish(admin);
    fixture_close(&f);
}

/* 100 at once, in batches that are halved again and again: exactly as many as there is room for. */
static void exactly_as_many_pass_as_there_is_room_for(void **state)
{
    (void)state;
    struct fixture f;
    static struct write writes[100];
    struct uuid merchant_id = uuid_new();
    PGconn *admin = fixture_connect("postgres");
    fixture_open(&f);
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        struct store_budget budgets[2] = {make_budget(&merchant_id, 'a', true),
                                          make_budget(&merchant_id, (char)('b' + i % 5), true)};
        struct store_txn txn = {.name = "test", .budgets = budgets, .budget_count = 2};
        write_start(&f, &txn, &writes[i]);
    }
    fixture_wait(&f);
    size_t passed = 0;
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        passed += writes[i].result == STORE_COMMITTED;
        assert_true(writes[i].result == STORE_COMMITTED ||
                    writes[i].result == STORE_LIMIT_EXCEEDED);
    }
    assert_int_equal(passed, MOST - 1); /* the fifteenth decline leaves nothing for another try */
    assert_int_equal(fixture_count(admin, "SELECT sum(length(declines)) / 8 FROM token_budget"),
                     2 * (MOST - 1));
    PQfinish(admin);
    fixture_close(&f);
}

/* However often it is declined: 35 times are kept, the newest. */
static void a_row_does_not_grow(void **state)
{
    (void)state;
    struct fixture f;
    struct uuid merchant_id = uuid_new();
    PGconn *admin = fixture_connect("postgres");
    fixture_open(&f);
    int64_t now_us = clock_wall_us();
    for (int i = 0; i < 50; i++)
        assert_int_equal(decline_at(&f, &merchant_id, now_us + i, false), STORE_COMMITTED);
    assert_int_equal(fixture_count(admin, "SELECT length(declines) FROM token_budget"), 35 * 8);
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT count(*) FROM token_budget WHERE right(encode(declines, 'hex'), 16) ="
                   " encode(int8send(%lld), 'hex') AND left(encode(declines, 'hex'), 16) ="
                   " encode(int8send(%lld), 'hex')",
                   (long long)(now_us + 49), (long long)(now_us + 15));
    assert_int_equal(fixture_count(admin, sql), 1);
    PQfinish(admin);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_spent_opens_nothing, fixture_new_database),
        cmocka_unit_test_setup(the_window_moves_with_time, fixture_new_database),
        cmocka_unit_test_setup(what_is_forbidden_stays_so, fixture_new_database),
        cmocka_unit_test_setup(exactly_as_many_pass_as_there_is_room_for, fixture_new_database),
        cmocka_unit_test_setup(a_row_does_not_grow, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

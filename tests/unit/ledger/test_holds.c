/* Accounts that are held back: when a hold is on, and what the directory tells of it. */
#include "tests/unit/ledger/fixture.h"

#include "ledger/directory.h"
#include "ledger/holds.h"

#define HOUR_US (INT64_C(3600) * 1000000)

static struct fixture f;
static struct arena arena;
static enum store_find answer;
static struct directory_rows rows;
static const struct hold *listed;
static size_t listed_count;
static struct directory_account account;

static void changed(void *ctx, enum store_find found, const struct error *why)
{
    (void)ctx;
    (void)why;
    answer = found;
    fixture_answered(&f);
}

static void rows_came(void *ctx, enum store_find found, const struct directory_rows *came,
                      const struct error *why)
{
    (void)ctx;
    (void)why;
    answer = found;
    rows = *came;
    fixture_answered(&f);
}

static void list_came(void *ctx, enum store_find found, const struct hold *holds, size_t count,
                      const struct error *why)
{
    (void)ctx;
    (void)why;
    answer = found;
    listed = holds;
    listed_count = count;
    fixture_answered(&f);
}

static enum store_find wait(void)
{
    f.waiting_for++;
    fixture_wait(&f);
    return answer;
}

static int begin(void **state)
{
    (void)fixture_new_database(state);
    fixture_open(&f);
    arena_init(&arena, 1 << 20);
    struct directory_merchant merchant = {
        .merchant_id = uuid_new(),
        .twin_id = uuid_new(),
        .name = STR("Bakery"),
        .livemode = true,
        .created_us = clock_wall_us(),
    };
    account = (struct directory_account){
        .merchant_id = merchant.merchant_id,
        .account_id = uuid_new(),
        .provider = STR("paypal"),
        .name = STR("main"),
        .base_url = STR("https://127.0.0.1:9443"),
        .secret_ref = STR("file:paypal.json"),
        .settings_json = STR("{}"),
        .created_us = clock_wall_us(),
    };
    directory_put_merchant(f.store, &merchant, changed, NULL);
    assert_int_equal(wait(), STORE_FOUND);
    directory_put_account(f.store, &account, changed, NULL);
    assert_int_equal(wait(), STORE_FOUND);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_release(&arena);
    fixture_close(&f);
    return 0;
}

static struct str holds_now_in_directory(void)
{
    directory_load_merchant(f.store, &account.merchant_id, &arena, rows_came, NULL);
    assert_int_equal(wait(), STORE_FOUND);
    assert_int_equal(rows.account_count, 1);
    return rows.accounts[0].holds;
}

static struct hold hold_of(enum hold_kind kind, int64_t from_us, int64_t until_us)
{
    return (struct hold){
        .hold_id = uuid_new(),
        .kind = kind,
        .from_us = from_us,
        .until_us = until_us,
        .author = STR("Anna (key_1)"),
        .reason = STR("an outage, they say"),
        .created_us = clock_wall_us(),
    };
}

static void add(const struct hold *hold, bool replaces)
{
    holds_add(f.store, &account.merchant_id, &account.account_id, hold, replaces, changed, NULL);
    assert_int_equal(wait(), STORE_FOUND);
}

static void a_hold_is_told_with_the_account_until_it_ends(void **state)
{
    (void)state;
    struct hold found;
    int64_t now_us = clock_wall_us();
    assert_int_equal(holds_now_in_directory().len, 0);
    struct hold drain = hold_of(HOLD_DRAINED, now_us, now_us + HOUR_US);
    add(&drain, true);
    struct str text = holds_now_in_directory();
    assert_true(holds_now(text, now_us + 1, &found));
    assert_int_equal(found.kind, HOLD_DRAINED);
    assert_int_equal(found.until_us, now_us + HOUR_US);
    assert_true(str_eq(found.reason, STR("an outage, they say")));
    assert_true(str_eq(found.author, STR("Anna (key_1)")));
    assert_false(holds_now(text, now_us + HOUR_US, &found)); /* by itself */
    struct hold off = hold_of(HOLD_DISABLED, now_us, 0);
    add(&off, true); /* instead of the other */
    text = holds_now_in_directory();
    assert_true(holds_now(text, now_us + 1000 * HOUR_US, &found));
    assert_int_equal(found.kind, HOLD_DISABLED);
    struct hold parsed[HOLD_MAX];
    assert_int_equal(holds_parse(text, parsed), 1);
    holds_end(f.store, &account.merchant_id, &account.account_id, NULL, STR("Bert"),
              clock_wall_us(), changed, NULL);
    assert_int_equal(wait(), STORE_FOUND);
    assert_int_equal(holds_now_in_directory().len, 0);
    holds_end(f.store, &account.merchant_id, &account.account_id, NULL, STR("Bert"),
              clock_wall_us(), changed, NULL);
    assert_int_equal(wait(), STORE_ABSENT);

    holds_list(f.store, &account.merchant_id, &account.account_id, &arena, list_came, NULL);
    assert_int_equal(wait(), STORE_FOUND);
    assert_int_equal(listed_count, 2); /* nothing is forgotten */
    assert_int_equal(listed[0].kind, HOLD_DISABLED);
    assert_true(str_eq(listed[0].ended_by, STR("Bert")));
    assert_true(str_eq(listed[1].ended_by, STR("Anna (key_1)")));
}

static void windows_stand_beside_each_other_and_what_ran_out_is_cleared_away(void **state)
{
    (void)state;
    int64_t now_us = clock_wall_us();
    struct hold past = hold_of(HOLD_MAINTENANCE, now_us - 2 * HOUR_US, now_us - HOUR_US);
    struct hold next = hold_of(HOLD_MAINTENANCE, now_us + HOUR_US, now_us + 2 * HOUR_US);
    struct hold weekly = hold_of(HOLD_MAINTENANCE, now_us - 2 * HOUR_US, now_us - HOUR_US);
    struct hold parsed[HOLD_MAX];
    weekly.weekly = true;
    add(&past, false);
    add(&weekly, false);
    add(&next, false);
    struct str text = holds_now_in_directory();
    assert_int_equal(holds_parse(text, parsed), 2); /* the one that ran out went */
    struct hold found;
    assert_false(holds_now(text, now_us, &found));
    assert_true(holds_now(text, now_us + 90 * HOUR_US / 60, &found));
    assert_true(holds_now(text, now_us - 90 * HOUR_US / 60 + 168 * HOUR_US, &found));
    assert_int_equal(found.until_us, now_us - HOUR_US + 168 * HOUR_US);
    struct hold off = hold_of(HOLD_DISABLED, now_us, 0);
    add(&off, true);
    text = holds_now_in_directory();
    assert_int_equal(holds_parse(text, parsed), 3);
    assert_true(holds_now(text, now_us + 90 * HOUR_US / 60, &found));
    assert_int_equal(found.kind, HOLD_DISABLED); /* the strongest */
}

static void weekly_windows_come_again_each_week(void **state)
{
    (void)state;
    int64_t until_us = 0;
    struct hold hold = {.kind = HOLD_MAINTENANCE, .from_us = HOUR_US, .until_us = 3 * HOUR_US};
    assert_false(hold_is_on(&hold, HOUR_US - 1, &until_us));
    assert_true(hold_is_on(&hold, HOUR_US, &until_us));
    assert_true(hold_is_on(&hold, 3 * HOUR_US - 1, &until_us));
    assert_false(hold_is_on(&hold, 3 * HOUR_US, &until_us));
    assert_false(hold_is_on(&hold, 169 * HOUR_US, &until_us));
    hold.weekly = true;
    assert_false(hold_is_on(&hold, HOUR_US - 1, &until_us));
    assert_false(hold_is_on(&hold, 3 * HOUR_US, &until_us));
    assert_true(hold_is_on(&hold, 169 * HOUR_US, &until_us));
    assert_int_equal(until_us, 171 * HOUR_US);
    assert_false(hold_is_on(&hold, 171 * HOUR_US, &until_us));
    assert_true(hold_is_on(&hold, (168 * 52 + 2) * HOUR_US, &until_us));
}

static void garbage_holds_nothing(void **state)
{
    (void)state;
    struct hold found;
    struct hold parsed[HOLD_MAX];
    assert_false(holds_now(STR("x\x1f\x1e\x1e"), 1, &found));
    assert_int_equal(holds_parse(STR("\x1f\x1f\x1f\x1f"), parsed), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hold_is_told_with_the_account_until_it_ends),
        TEST(windows_stand_beside_each_other_and_what_ran_out_is_cleared_away),
        cmocka_unit_test(weekly_windows_come_again_each_week),
        cmocka_unit_test(garbage_holds_nothing),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

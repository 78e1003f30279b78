/* Who makes which report: locks, epochs, what is due, and that it is told in the same transaction. */
#include "ledger/report_store.h"

#include "fixture.h"

#define NOW  INT64_C(1795000000000000)
#define HOUR (INT64_C(3600) * CLOCK_SECOND_US)

static struct report_store *open_store(void)
{
    struct error err;
    struct report_store *store =
        report_store_open(fixture_conninfo("turnpike_gateway", fixture_database), &err);
    if (store == NULL)
        fail_msg("%s", err.text);
    return store;
}

static struct report_key key_of(const struct uuid *merchant_id)
{
    return (struct report_key){*merchant_id, STR("books"), STR("hour")};
}

static struct report_run run_of(int64_t back)
{
    return (struct report_run){
        .from_us = NOW - back * HOUR,
        .to_us = NOW - (back - 1) * HOUR,
        .what = STR("csv"),
        .file = STR("books.csv"),
        .host = STR("here"),
    };
}

static bool begin(struct report_store *store, const struct report_key *key, struct report_run *run,
                  int64_t now_us)
{
    struct error err;
    bool is_begun = false;
    assert_true(report_store_begin(store, key, run, now_us, &is_begun, &err));
    return is_begun;
}

static bool made(struct report_store *store, const struct report_key *key,
                 const struct report_run *run, bool is_announced)
{
    struct error err;
    bool is_ours = false;
    const struct report_made one = {
        .event_id = uuid_new(), .rows = 7, .bytes = 70, .is_announced = is_announced};
    if (!report_store_made(store, key, run, &one, NOW, &is_ours, &err))
        fail_msg("%s", err.text);
    return is_ours;
}

static bool lock(struct report_store *store, const struct report_key *key)
{
    struct error err;
    bool is_ours = false;
    assert_true(report_store_lock(store, key, &is_ours, &err));
    return is_ours;
}

static void one_has_the_lock_until_it_is_dead(void **state)
{
    (void)state;
    struct uuid merchant_id = uuid_new();
    struct uuid other_id = uuid_new();
    struct report_key key = key_of(&merchant_id);
    struct report_key other = key_of(&other_id);
    struct report_store *first = open_store();
    struct report_store *second = open_store();
    struct error err;
    assert_true(lock(first, &key));
    assert_false(lock(second, &key));
    assert_true(lock(second, &other));
    assert_true(report_store_unlock(first, &key, &err));
    assert_true(lock(second, &key));
    PGconn *admin = fixture_connect("postgres");
    (void)fixture_ask(admin, "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                             "WHERE application_name = 'turnpike reporter'");
    report_store_close(&first);
    first = open_store();
    assert_true(lock(first, &key));
    report_store_close(&first);
    report_store_close(&second);
    PQfinish(admin);
}

static void who_lost_its_period_changes_nothing(void **state)
{
    (void)state;
    struct uuid merchant_id = uuid_new();
    struct report_key key = key_of(&merchant_id);
    struct report_store *store = open_store();
    struct report_run slow = run_of(1);
    struct report_run heir = run_of(1);
    struct error err;
    assert_true(begin(store, &key, &slow, NOW));
    assert_true(begin(store, &key, &heir, NOW)); /* what is found in making was left by the dead */
    assert_true(slow.epoch == 1 && heir.epoch == 2 && heir.tries == 2);
    assert_false(made(store, &key, &slow, false));
    assert_true(report_store_failed(store, &key, &slow, STR("too late"), NOW + HOUR, false, &err));
    assert_true(made(store, &key, &heir, false));
    assert_false(made(store, &key, &heir, false));
    assert_false(begin(store, &key, &slow, NOW + 100 * HOUR)); /* once is enough */
    report_store_close(&store);
}

static void what_is_done_is_told_by_period(void **state)
{
    (void)state;
    struct uuid merchant_id = uuid_new();
    struct report_key key = key_of(&merchant_id);
    struct report_store *store = open_store();
    int64_t done[REPORT_DONE_MAX];
    int64_t next_us = 0;
    int64_t first_us = 1;
    size_t count = 0;
    struct error err;
    struct report_run run[4] = {run_of(4), run_of(3), run_of(2), run_of(1)};
    assert_true(report_store_first(store, &key, &first_us, &err) && first_us == 0);
    for (int i = 0; i < 3; i++)
        assert_true(begin(store, &key, &run[i], NOW));
    assert_true(made(store, &key, &run[0], false));
    assert_true(report_store_failed(store, &key, &run[1], STR("why"), NOW + HOUR, false, &err));
    assert_true(report_store_first(store, &key, &first_us, &err));
    assert_int_equal(first_us, run[0].from_us);
    assert_true(report_store_done(store, &key, run[0].from_us, NOW, done, &count, &next_us, &err));
    assert_true(count == 2 && done[0] == run[0].from_us && done[1] == run[1].from_us);
    assert_int_equal(next_us, NOW + HOUR);
    assert_false(begin(store, &key, &run[1], NOW + HOUR - 1));
    assert_true(
        report_store_done(store, &key, run[1].from_us, NOW + HOUR, done, &count, &next_us, &err));
    assert_true(count == 0 && next_us == INT64_MAX);
    assert_true(begin(store, &key, &run[1], NOW + HOUR));
    struct report_key week = {merchant_id, STR("books"), STR("week")};
    assert_true(report_store_first(store, &week, &first_us, &err) && first_us == 0);
    report_store_close(&store);
}

static void endpoints_that_want_it_are_told_once(void **state)
{
    (void)state;
    static const char *const wanted[] = {"*", "report.*", "payment.* report.ready", "payment.*"};
    char sql[1024];
    char id[UUID_TEXT_SIZE];
    struct uuid merchant_id = uuid_new();
    struct report_key key = key_of(&merchant_id);
    struct report_store *store = open_store();
    PGconn *admin = fixture_connect("postgres");
    (void)uuid_format(&merchant_id, id);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        (void)snprintf(
            sql, sizeof(sql),
            "INSERT INTO hook_endpoints (merchant_id, endpoint_id, created_at, resume_at, "
            "failure_count, livemode, is_draining, url, description, event_types, "
            "disabled_reason) VALUES ('%s', gen_random_uuid(), now(), now(), 0, true, "
            "false, 'https://x', '', '%s', '') RETURNING 'ok'",
            id, wanted[i]);
        assert_string_equal(fixture_ask(admin, sql), "ok");
    }
    struct report_run run[2] = {run_of(2), run_of(1)};
    assert_true(begin(store, &key, &run[0], NOW) && begin(store, &key, &run[1], NOW));
    assert_true(made(store, &key, &run[0], true));
    assert_false(made(store, &key, &run[0], true));
    assert_true(made(store, &key, &run[1], false));
    (void)snprintf(
        sql, sizeof(sql),
        "SELECT string_agg(e.event_types, ', ' ORDER BY e.event_types COLLATE \"C\") "
        "FROM hook_deliveries d JOIN hook_endpoints e USING (merchant_id, endpoint_id) "
        "JOIN report_runs r USING (merchant_id, event_id) WHERE d.merchant_id = '%s' AND "
        "d.type = 'report.ready' AND d.state = 'waiting'",
        id);
    assert_string_equal(fixture_ask(admin, sql), "*, payment.* report.ready, report.*");
    report_store_close(&store);
    PQfinish(admin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_has_the_lock_until_it_is_dead, fixture_new_database),
        cmocka_unit_test_setup(who_lost_its_period_changes_nothing, fixture_new_database),
        cmocka_unit_test_setup(what_is_done_is_told_by_period, fixture_new_database),
        cmocka_unit_test_setup(endpoints_that_want_it_are_told_once, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

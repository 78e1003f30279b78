/*
 * Backtests computed by real processes, against a real ledger. What is to be caught in the middle is
 * held there by a lock that reading outcomes waits for.
 */
#include "process/backtest_errand.h"

#include <sys/wait.h>

#include "base/crypto.h"
#include "ledger/backtest_queue.h"
#include "ledger/rules.h"
#include "tests/unit/ledger/fixture.h"

enum {
    PATIENCE_MS = 30000,
};

static struct config config;
static PGconn *owner;   /* asks what became of it */
static PGconn *blocker; /* holds them while somebody shall wait */
static struct fixture f;
static struct uuid merchant_id;
static struct backtests_row asked;

static int set_up(void **state)
{
    (void)fixture_new_database(state);
    fixture_open(&f);
    owner = fixture_connect("postgres");
    blocker = fixture_connect("postgres");
    config_init(&config);
    assert_true(str_copy_to(str_of(f.conninfo), config.database, sizeof(config.database)));
    config_finish(&config);
    merchant_id = uuid_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    PQfinish(owner);
    PQfinish(blocker);
    fixture_close(&f);
    return 0;
}

static void queue(const char *text)
{
    struct number number = {.f = &f};
    struct rules_version version = {
        .merchant_id = merchant_id,
        .text = str_of(text),
        .author = STR("key_ada"),
        .created_us = clock_wall_us(),
    };
    crypto_sha256(version.text, version.hash);
    f.waiting_for++;
    rules_put(f.store, &version, number_done, &number);
    assert_int_equal(number_wait(&number), 1);
    asked = (struct backtests_row){
        .merchant_id = merchant_id,
        .backtest_id = uuid_new(),
        .version = 1,
        .since_us = version.created_us - 3600 * CLOCK_SECOND_US,
        .until_us = version.created_us,
        .created_us = version.created_us,
        .author = STR("key_ada"),
    };
    f.waiting_for++;
    backtests_put(f.store, &asked, number_done, &number);
    assert_int_equal(number_wait(&number), 1);
}

static pid_t start(struct uuid *runner_id, struct uuid dead_id)
{
    *runner_id = uuid_new();
    pid_t pid = fork();
    if (pid == 0) {
        const struct backtest_errand errand = {
            .config = &config, .runner_id = *runner_id, .dead_id = dead_id};
        _exit(backtest_errand_run(&errand));
    }
    assert_true(pid > 0);
    return pid;
}

static int end_of(pid_t pid)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int run(void)
{
    struct uuid runner_id;
    return end_of(start(&runner_id, (struct uuid){{0}}));
}

static const char *row(const char *what)
{
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "SELECT %s FROM backtests", what);
    return fixture_ask(owner, sql);
}

static void until_asked(const char *sql, const char *wanted)
{
    int64_t give_up_us = clock_mono_us() + PATIENCE_MS * CLOCK_MS_US;
    while (strcmp(fixture_ask(owner, sql), wanted) != 0) {
        if (clock_mono_us() > give_up_us)
            fail_msg("%s: %s, never %s", sql, fixture_ask(owner, sql), wanted);
        (void)usleep(5000);
    }
}

/* Somebody reads outcomes, and waits. */
static const char reading[] = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                              " AND query LIKE 'COPY%'";

static void block(void)
{
    static const char *const steps[] = {
        "CREATE FUNCTION hold() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_lock_shared(7)'",
        "ALTER FUNCTION hold() STABLE",
        "ALTER TABLE outcomes RENAME TO outcomes_kept",
        "CREATE VIEW outcomes AS SELECT * FROM outcomes_kept WHERE hold() IS NOT NULL",
        "GRANT SELECT, INSERT ON outcomes TO turnpike_gateway",
        "SELECT pg_advisory_lock(7)",
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        assert_string_equal(fixture_ask(blocker, steps[i]), "");
}

static void unblock(void)
{
    assert_string_equal(fixture_ask(blocker, "SELECT pg_advisory_unlock(7)"), "t");
}

/* An errand that reads, and waits until unblock(). */
static pid_t start_blocked(struct uuid *runner_id)
{
    queue("otherwise { by cost }");
    block();
    pid_t pid = start(runner_id, (struct uuid){{0}});
    until_asked(reading, "1");
    return pid;
}

/* Its child; 0: none at the moment. */
static pid_t child_of(pid_t pid)
{
    char path[64];
    int child = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    (void)!fscanf(file, "%d", &child);
    (void)fclose(file);
    return child;
}

static void a_backtest_is_computed_and_written_down(void **state)
{
    (void)state;
    queue("otherwise { by cost }");
    assert_int_equal(run(), 0);
    assert_string_equal(row("state"), "done");
    assert_string_equal(row("result::jsonb->>'object'"), "backtest");
    assert_string_equal(row("result::jsonb->>'payments'"), "0");
    assert_string_equal(row("tries"), "1");
    assert_int_equal(run(), 0); /* there is nothing more */
    assert_string_equal(row("epoch"), "1");
}

static void what_cannot_be_computed_fails_at_once_and_says_why(void **state)
{
    (void)state;
    queue("rule \"x\" when amont > 1 EUR { use paypal }\notherwise { by cost }\n");
    assert_int_equal(run(), 0);
    assert_string_equal(row("state"), "failed");
    assert_string_equal(row("reason LIKE 'version 1: %amont%'"), "t");
    assert_string_equal(row("tries"), "1");
}

static void what_takes_too_long_is_failed(void **state)
{
    (void)state;
    config.backtest_limit_ms = 200;
    queue("otherwise { by cost }");
    block();
    assert_int_equal(run(), 0);
    assert_string_equal(row("state"), "failed");
    assert_string_equal(row("reason LIKE '%longer than%'"), "t");
}

static void a_death_is_survived_once(void **state)
{
    (void)state;
    struct uuid first_id;
    struct uuid second_id;
    pid_t pid = start_blocked(&first_id);
    assert_string_equal(row("state"), "running");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_true(WIFSIGNALED(end_of(pid)));
    /* Without its name the lease keeps others away. */
    assert_int_equal(run(), 0);
    assert_string_equal(row("state"), "running");
    /* The one that computed goes with it. */
    unblock();
    until_asked("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state ="
                " 'active'",
                "0");
    assert_int_equal(end_of(start(&second_id, first_id)), 0);
    assert_string_equal(row("state"), "done");
    assert_string_equal(row("tries"), "2");
}

static void two_deaths_are_told(void **state)
{
    (void)state;
    struct uuid runner_id;
    pid_t pid = start_blocked(&runner_id);
    pid_t computer = child_of(pid);
    assert_int_equal(kill(computer, SIGKILL), 0);
    until_asked("SELECT tries FROM backtests", "2"); /* by the same errand, at once */
    until_asked("SELECT state FROM backtests", "running");
    pid_t next = child_of(pid);
    for (; next == 0 || next == computer; next = child_of(pid))
        (void)usleep(1000);
    assert_int_equal(kill(next, SIGKILL), 0);
    assert_int_equal(end_of(pid), 0);
    assert_string_equal(row("state"), "failed");
    assert_string_equal(row("reason LIKE '%died each time%signal 9%'"), "t");
}

static void who_is_told_to_stop_puts_it_back(void **state)
{
    (void)state;
    struct uuid runner_id;
    pid_t pid = start_blocked(&runner_id);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(end_of(pid), 0);
    assert_string_equal(row("state"), "queued");
    assert_string_equal(row("tries"), "0");
    unblock();
    assert_int_equal(run(), 0);
    assert_string_equal(row("state"), "done");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_backtest_is_computed_and_written_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_computed_fails_at_once_and_says_why, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_takes_too_long_is_failed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_death_is_survived_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_deaths_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_told_to_stop_puts_it_back, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

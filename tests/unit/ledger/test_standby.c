/*
 * Commits that wait for a synchronous standby: one that was given up is not told as committed, and a
 * probe says so only when the standby has it. The standby's name is one that never comes.
 */
#include "tests/unit/ledger/fixture.h"

enum {
    TRIES_MAX = 200, /* commits until the server has read that it is to wait */
};

struct lab {
    struct fixture f;
    PGconn *conn; /* the superuser's; it writes nothing, and waits for nobody */
    struct loop_timer pause;
    struct uuid merchant_id;
};

static void run_for(struct lab *lab, int64_t us)
{
    loop_timer_start(&lab->pause, us);
    loop_run(lab->f.loop);
    loop_timer_stop(&lab->pause);
}

static void wait_for_standby(struct lab *lab, bool wanted)
{
    const char *sql = wanted ? "ALTER SYSTEM SET synchronous_standby_names = 'nobody'"
                             : "ALTER SYSTEM SET synchronous_standby_names = ''";
    assert_string_equal(fixture_ask(lab->conn, sql), "");
    assert_string_equal(fixture_ask(lab->conn, "SELECT pg_reload_conf()"), "t");
}

static void lab_open(struct lab *lab)
{
    memset(lab, 0, sizeof(*lab));
    fixture_config = store_config_default;
    fixture_config.reconnect_ms = 10;
    fixture_config.writer_connections = 1;
    fixture_config.linger_us = 0;
    fixture_open(&lab->f);
    loop_timer_init(&lab->pause, lab->f.loop, (loop_fn)loop_stop, lab->f.loop);
    lab->conn = fixture_connect("postgres");
    lab->merchant_id = uuid_new();
}

static void lab_close(struct lab *lab)
{
    wait_for_standby(lab, false);
    PQfinish(lab->conn);
    loop_timer_release(&lab->pause);
    fixture_close(&lab->f);
}

static long waiting(struct lab *lab, const char *kind)
{
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                   " AND application_name = 'turnpike %s 1'",
                   kind);
    return fixture_count(lab->conn, sql);
}

static void end_wait(struct lab *lab, const char *how)
{
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT count(pg_%s_backend(pid)) FROM pg_stat_activity"
                   " WHERE wait_event = 'SyncRep'",
                   how);
    assert_true(fixture_count(lab->conn, sql) > 0);
}

/* True when `write` waits for the standby; false: it has ended before. */
static bool comes_to_wait(struct lab *lab, const struct write *write, const char *kind)
{
    for (int i = 0; i < 1000 && !write->is_done; i++) {
        if (waiting(lab, kind) > 0)
            return true;
        run_for(lab, 10000);
    }
    assert_true(write->is_done);
    return false;
}

/* A bundle whose commit waits: the server is not told at once that it is to. */
static void write_until_it_waits(struct lab *lab, struct rows *r, struct write *write)
{
    rows_open(r, &lab->merchant_id);
    assert_int_equal(write_now(&lab->f, &r->txn), STORE_COMMITTED); /* it is connected */
    wait_for_standby(lab, true);
    for (int i = 0; i < TRIES_MAX; i++) {
        rows_open(r, &lab->merchant_id);
        write_start(&lab->f, &r->txn, write);
        if (comes_to_wait(lab, write, "writer"))
            return;
        assert_int_equal(write->result, STORE_COMMITTED);
    }
    fail_msg("no commit waits for the standby");
}

static void start_probe(struct lab *lab, const struct store_ticket *ticket, struct write *probe)
{
    *probe = (struct write){.f = &lab->f};
    lab->f.waiting_for++;
    store_probe_start(lab->f.store, ticket, write_done, probe);
}

/* Until the connection is there that probes need. */
static void probe_until_it_waits(struct lab *lab, const struct store_ticket *ticket,
                                 struct write *probe)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        start_probe(lab, ticket, probe);
        if (comes_to_wait(lab, probe, "control"))
            return;
        assert_int_equal(probe->result, STORE_UNAVAILABLE);
    }
    fail_msg("no probe waits for the standby");
}

static void given_up(const char *how)
{
    static struct lab lab;
    lab_open(&lab);
    struct rows r;
    struct write write;
    struct write probe;
    write_until_it_waits(&lab, &r, &write);
    end_wait(&lab, how);
    fixture_wait(&lab.f);
    assert_int_equal(write.result, STORE_UNKNOWN);
    /* Its row can be seen by now, and still is only here. */
    probe_until_it_waits(&lab, &write.ticket, &probe);
    end_wait(&lab, how);
    fixture_wait(&lab.f);
    assert_int_equal(probe.result, STORE_UNAVAILABLE);
    probe_until_it_waits(&lab, &write.ticket, &probe);
    wait_for_standby(&lab, false);
    fixture_wait(&lab.f);
    assert_int_equal(probe.result, STORE_COMMITTED);
    lab_close(&lab);
}

static void a_commit_whose_wait_was_cancelled_is_unknown(void **state)
{
    (void)state;
    given_up("cancel");
}

static void a_commit_whose_backend_was_ended_is_unknown(void **state)
{
    (void)state;
    given_up("terminate");
}

/* As a trigger, an extension, or each transaction of a database that must be vacuumed soon. */
static void warn_at_each_statement(PGconn *conn)
{
    assert_string_equal(fixture_ask(conn,
                                    "CREATE FUNCTION chatter() RETURNS trigger LANGUAGE plpgsql AS"
                                    " $$BEGIN RAISE WARNING 'by the way'; RETURN NULL; END$$"),
                        "");
    assert_string_equal(
        fixture_ask(conn, "DO $$DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables"
                          " WHERE schemaname = 'public' LOOP EXECUTE format('CREATE TRIGGER chatter"
                          " AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH STATEMENT"
                          " EXECUTE FUNCTION chatter()', t); END LOOP; END$$"),
        "");
}

static void a_warning_of_a_statement_leaves_the_commit_known(void **state)
{
    (void)state;
    static struct lab lab;
    struct rows r;
    lab_open(&lab);
    warn_at_each_statement(lab.conn);
    for (int i = 0; i < 3; i++) {
        rows_open(&r, &lab.merchant_id);
        assert_int_equal(write_now(&lab.f, &r.txn), STORE_COMMITTED);
        rows_to_close(&r);
        assert_int_equal(write_now(&lab.f, &r.txn), STORE_COMMITTED);
    }
    lab_close(&lab);
}

/* A test that fails leaves no commit waiting for ever. */
static int wait_for_nobody(void **state)
{
    (void)state;
    PGconn *conn = fixture_connect("postgres");
    (void)fixture_ask(conn, "ALTER SYSTEM SET synchronous_standby_names = ''");
    (void)fixture_ask(conn, "SELECT pg_reload_conf()");
    PQfinish(conn);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_commit_whose_wait_was_cancelled_is_unknown,
                                        fixture_new_database, wait_for_nobody),
        cmocka_unit_test_setup_teardown(a_commit_whose_backend_was_ended_is_unknown,
                                        fixture_new_database, wait_for_nobody),
        cmocka_unit_test_setup(a_warning_of_a_statement_leaves_the_commit_known,
                               fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

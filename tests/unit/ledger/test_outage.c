/* PostgreSQL goes away, comes back, refuses: nothing acknowledged is lost, nothing is told wrong.
 */
#include "tests/unit/ledger/fixture.h"
#include "tests/unit/rounds.h"

enum {
    STREAM_MAX = 60000,
    STREAM_WIDTH = 24,    /* bundles in the air */
    TRIES_PER_STRIKE = 5, /* a blow may fall between two batches */
};

static struct loop_timer pause_timer;

static void run_for(struct fixture *f, int64_t us)
{
    loop_timer_init(&pause_timer, f->loop, (loop_fn)loop_stop, f->loop);
    loop_timer_start(&pause_timer, us);
    loop_run(f->loop);
    loop_timer_release(&pause_timer);
}

static void wait_connected(struct fixture *f, bool wanted)
{
    for (int i = 0; i < 3000 && store_is_connected(f->store) != wanted; i++)
        run_for(f, 10000);
    assert_int_equal(store_is_connected(f->store), wanted);
}

static struct store_config quick(void)
{
    struct store_config config = store_config_default;
    config.reconnect_ms = 10;
    return config;
}

static void read_done(void *ctx, enum store_find found, const struct store_payment_view *payment,
                      const struct error *why)
{
    struct number *number = ctx;
    (void)payment;
    number->found = found;
    if (found == STORE_FAILED)
        assert_true(strlen(why->text) > 0);
    fixture_answered(number->f);
}

static enum store_find read_now(struct fixture *f, const struct rows *r)
{
    struct number number = {.f = f};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    f->waiting_for++;
    store_load_payment(f->store, &r->payment.merchant_id, &r->payment.payment_id, STORE_ANY, &arena,
                       read_done, &number);
    fixture_wait(f);
    arena_release(&arena);
    return number.found;
}

static void while_the_server_is_away_nothing_waits_for_ever(void **state)
{
    (void)state;
    fixture_config = quick();
    fixture_pg("stop");
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    rows_open(&r, &merchant_id);
    int64_t started_us = clock_mono_us();
    assert_int_equal(write_now(&f, &r.txn), STORE_UNAVAILABLE);
    assert_int_equal(read_now(&f, &r), STORE_FAILED);
    assert_true(clock_mono_us() - started_us < 10 * CLOCK_SECOND_US);
    assert_false(store_is_connected(f.store));
    fixture_pg("start");
    wait_connected(&f, true);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    assert_int_equal(read_now(&f, &r), STORE_FOUND);
    /* Away again, with idle connections; a bundle that comes just before the return is written. */
    fixture_pg("stop");
    wait_connected(&f, false);
    rows_open(&r, &merchant_id);
    struct write write;
    write_start(&f, &r.txn, &write);
    fixture_pg("start");
    fixture_wait(&f);
    assert_true(write.result == STORE_COMMITTED || write.result == STORE_UNAVAILABLE);
    fixture_close(&f);
}

/* ---- a stream of payments while connections, or the server, are killed ----------------------- */

struct stream {
    struct fixture *f;
    struct uuid merchant_id;
    size_t started;
    size_t ended;
    size_t limit;
    unsigned results[STORE_RESULT_COUNT];
    unsigned unknown_count;
};

struct item {
    struct stream *stream;
    struct uuid payment_id;
    enum store_result result;
    bool is_done;
    bool is_there; /* in the tables */
};

static struct item items[STREAM_MAX];

static void stream_add(struct stream *stream);

static void item_end(struct item *item, enum store_result result)
{
    struct stream *stream = item->stream;
    assert_false(item->is_done);
    item->is_done = true;
    item->result = result;
    stream->results[result]++;
    stream->ended++;
    if (stream->started < stream->limit)
        stream_add(stream);
    else if (stream->ended == stream->started)
        loop_stop(stream->f->loop);
}

static void probed(void *ctx, enum store_result result, const struct store_ticket *ticket,
                   const struct error *why)
{
    struct item *item = ctx;
    (void)why;
    if (result == STORE_UNAVAILABLE)
        store_probe_start(item->stream->f->store, ticket, probed, item);
    else
        item_end(item, result);
}

static void written(void *ctx, enum store_result result, const struct store_ticket *ticket,
                    const struct error *why)
{
    struct item *item = ctx;
    (void)why;
    if (result != STORE_UNKNOWN) {
        item_end(item, result);
        return;
    }
    item->stream->unknown_count++;
    store_probe_start(item->stream->f->store, ticket, probed, item);
}

static void stream_add(struct stream *stream)
{
    struct item *item = &items[stream->started++];
    struct rows r;
    rows_open(&r, &stream->merchant_id);
    *item = (struct item){.stream = stream, .payment_id = r.payment.payment_id};
    store_write_start(stream->f->store, &r.txn, written, item);
}

static void stream_begin(struct stream *stream, struct fixture *f)
{
    *stream = (struct stream){.f = f, .merchant_id = uuid_new(), .limit = STREAM_MAX};
    for (int i = 0; i < STREAM_WIDTH; i++)
        stream_add(stream);
}

static int compare_items(const void *a, const void *b)
{
    return memcmp(&((const struct item *)a)->payment_id, &((const struct item *)b)->payment_id,
                  sizeof(struct uuid));
}

/* Everything that was told committed is there, whole, and nothing else is. */
static void stream_check(const struct stream *stream)
{
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(
        fixture_count(conn, "SELECT count(*) FROM payments p FULL JOIN (attempts a"
                            " FULL JOIN sends s USING (attempt_id)) USING (payment_id) WHERE"
                            " num_nonnulls(p.merchant_id, a.merchant_id, s.merchant_id) < 3"),
        0);
    PGresult *res = PQexec(conn, "SELECT payment_id FROM payments");
    assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
    qsort(items, stream->started, sizeof(*items), compare_items);
    for (int i = 0; i < PQntuples(res); i++) {
        struct item key = {0};
        struct error err;
        assert_true(uuid_parse(str_of(PQgetvalue(res, i, 0)), &key.payment_id, &err));
        struct item *item = bsearch(&key, items, stream->started, sizeof(*items), compare_items);
        CHECK(item != NULL);
        item->is_there = true;
    }
    for (size_t i = 0; i < stream->started; i++) {
        char text[UUID_TEXT_SIZE];
        if (items[i].is_there != (items[i].result == STORE_COMMITTED))
            fail_msg("payment %s was told %s", uuid_format(&items[i].payment_id, text).at,
                     store_result_name(items[i].result));
    }
    PQclear(res);
    PQfinish(conn);
}

static void stream_end(struct stream *stream)
{
    stream->limit = stream->started;
    if (stream->ended < stream->started) {
        loop_timer_start(&stream->f->limit, 60 * CLOCK_SECOND_US);
        loop_run(stream->f->loop);
        loop_timer_stop(&stream->f->limit);
    }
    assert_int_equal(stream->ended, stream->started);
    stream_check(stream);
    print_message("%zu bundles: %u committed, %u rolled back, %u unavailable; %u lost answers\n",
                  stream->started, stream->results[STORE_COMMITTED],
                  stream->results[STORE_ROLLED_BACK], stream->results[STORE_UNAVAILABLE],
                  stream->unknown_count);
}

static void backends_are_terminated_at_any_moment(void **state)
{
    (void)state;
    fixture_config = quick();
    fixture_config.linger_us = 0;
    fixture_config.batch_max = 8;
    struct fixture f;
    fixture_open(&f);
    wait_connected(&f, true);
    PGconn *admin = fixture_connect("postgres");
    struct rng rng;
    rng_seed(&rng, 42);
    struct stream stream;
    stream_begin(&stream, &f);
    unsigned want = rounds_of(60);
    unsigned strikes = 0;
    for (unsigned tries = 0; strikes < want; tries++) {
        assert_true(tries < want * TRIES_PER_STRIKE);
        unsigned before = stream.unknown_count;
        run_for(&f, (int64_t)rng_below(&rng, 30000));
        (void)fixture_ask(admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                                 " usename = 'turnpike_gateway' AND datname = current_database()");
        run_for(&f, 10000);
        wait_connected(&f, true);
        strikes += stream.unknown_count > before ? 1 : 0;
    }
    stream_end(&stream);
    assert_true(stream.results[STORE_COMMITTED] > want);
    PQfinish(admin);
    fixture_close(&f);
}

static void the_server_is_killed_under_load(void **state)
{
    (void)state;
    fixture_config = quick();
    fixture_config.linger_us = 0;
    struct fixture f;
    fixture_open(&f);
    wait_connected(&f, true);
    struct rng rng;
    rng_seed(&rng, 43);
    struct stream stream;
    stream_begin(&stream, &f);
    unsigned want = rounds_of(10);
    unsigned strikes = 0;
    for (unsigned tries = 0; strikes < want; tries++) {
        assert_true(tries < want * TRIES_PER_STRIKE);
        unsigned before = stream.unknown_count;
        run_for(&f, 5000 + (int64_t)rng_below(&rng, 30000));
        /* Beside the loop, so that it strikes batches on their way. */
        FILE *killer = popen(fixture_pg_command("kill"), "r");
        assert_non_null(killer);
        wait_connected(&f, false);
        assert_int_equal(pclose(killer), 0);
        strikes += stream.unknown_count > before ? 1 : 0;
        fixture_pg("start");
        wait_connected(&f, true);
    }
    stream_end(&stream);
    fixture_close(&f);
}

/* ---- refusals
 * ------------------------------------------------------------------------------------ */

static void a_commit_that_is_refused_is_rolled_back(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    PGconn *owner = fixture_connect("postgres");
    /* Checked at the commit, as nothing in our schema is: the refusal answers the Sync itself. */
    assert_string_equal(fixture_ask(owner, "ALTER TABLE attempts ADD CONSTRAINT late UNIQUE"
                                           " (provider) DEFERRABLE INITIALLY DEFERRED"),
                        "");
    struct uuid merchant_id = uuid_new();
    struct rows rows[4];
    struct write writes[4];
    for (int i = 0; i < 4; i++) {
        rows_open(&rows[i], &merchant_id);
        write_start(&f, &rows[i].txn, &writes[i]);
    }
    fixture_wait(&f);
    unsigned committed = 0;
    for (int i = 0; i < 4; i++) {
        committed += writes[i].result == STORE_COMMITTED;
        if (writes[i].result != STORE_COMMITTED)
            assert_int_equal(writes[i].result, STORE_FENCED);
    }
    assert_int_equal(committed, 1);
    assert_int_equal(fixture_count(owner, "SELECT count(*) FROM payments"), 1);
    PQfinish(owner);
    fixture_close(&f);
}

static void a_server_that_turns_read_only_is_not_ready(void **state)
{
    (void)state;
    fixture_config = quick();
    struct fixture f;
    fixture_open(&f);
    wait_connected(&f, true);
    PGconn *admin = fixture_connect("postgres");
    (void)fixture_ask(admin, "ALTER SYSTEM SET default_transaction_read_only = on");
    (void)fixture_ask(admin, "SELECT pg_reload_conf()");
    struct uuid merchant_id = uuid_new();
    struct rows r;
    enum store_result result;
    do { /* until the reload has reached the backend */
        rows_open(&r, &merchant_id);
        result = write_now(&f, &r.txn);
    } while (result == STORE_COMMITTED);
    /* Refused by the server, or not sent: the store's own look may have been first. */
    assert_true(result == STORE_ROLLED_BACK || result == STORE_UNAVAILABLE);
    do { /* the reload may not have reached every backend, the one that is asked how it is among them */
        wait_connected(&f, false);
        rows_open(&r, &merchant_id);
        result = write_now(&f, &r.txn);
    } while (result != STORE_UNAVAILABLE);
    (void)fixture_ask(admin, "SET default_transaction_read_only = off");
    (void)fixture_ask(admin, "ALTER SYSTEM RESET default_transaction_read_only");
    (void)fixture_ask(admin, "SELECT pg_reload_conf()");
    do { /* a backend that the reload has not reached yet refuses, and is left */
        wait_connected(&f, true);
        result = write_now(&f, &r.txn);
    } while (result == STORE_ROLLED_BACK || result == STORE_UNAVAILABLE);
    assert_int_equal(result, STORE_COMMITTED);
    PQfinish(admin);
    fixture_close(&f);
}

static void a_statement_that_takes_too_long_is_rolled_back(void **state)
{
    (void)state;
    fixture_config = quick();
    fixture_config.statement_timeout_ms = 1000; /* a loaded machine is slow, too */
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    rows_open(&r, &merchant_id);
    rows_to_close(&r);
    r.txn = (struct store_txn){.name = "t", .limits = &r.limits};
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    PGconn *other = fixture_connect("turnpike_gateway");
    (void)fixture_ask(other, "BEGIN");
    (void)fixture_ask(other, "UPDATE payment_limits SET refunded = 0");
    r.limits.create = false;
    r.limits.captured = 0;
    assert_int_equal(write_now(&f, &r.txn), STORE_ROLLED_BACK);
    (void)fixture_ask(other, "ROLLBACK");
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    assert_int_equal(fixture_count(other, "SELECT authorized FROM payment_limits"), 2198);
    PQfinish(other);
    fixture_close(&f);
}

static void a_missing_schema_keeps_the_store_unready(void **state)
{
    (void)state;
    fixture_config = quick();
    PGconn *admin = fixture_connect("postgres");
    assert_string_equal(fixture_ask(admin, "DROP TABLE batches"), "");
    struct fixture f;
    fixture_open(&f);
    run_for(&f, 300000);
    assert_false(store_is_connected(f.store));
    (void)fixture_ask(admin, "CREATE TABLE batches (writer_id uuid, batch_no bigint, is_probe bool,"
                             " created_at timestamptz, first_event uuid,"
                             " PRIMARY KEY (writer_id, batch_no))");
    (void)fixture_ask(admin, "GRANT SELECT, INSERT ON batches TO turnpike_gateway");
    wait_connected(&f, true);
    PQfinish(admin);
    fixture_close(&f);
}

/* Freed with everything in the air: nobody is told, nothing leaks (run under ASan). */
static void a_store_can_be_freed_at_any_moment(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        fixture_config = quick();
        struct fixture f;
        fixture_open(&f);
        struct uuid merchant_id = uuid_new();
        static struct rows rows[8];
        static struct write writes[8];
        for (int n = 0; n < 8; n++) {
            rows_open(&rows[n], &merchant_id);
            writes[n] = (struct write){.f = &f};
            store_write_start(f.store, &rows[n].txn, write_done, &writes[n]);
            f.waiting_for += 100; /* never comes to zero */
        }
        run_for(&f, i * 2500);
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(while_the_server_is_away_nothing_waits_for_ever,
                               fixture_new_database),
        cmocka_unit_test_setup(backends_are_terminated_at_any_moment, fixture_new_database),
        cmocka_unit_test_setup(the_server_is_killed_under_load, fixture_new_database),
        cmocka_unit_test_setup(a_commit_that_is_refused_is_rolled_back, fixture_new_database),
        cmocka_unit_test_setup(a_server_that_turns_read_only_is_not_ready, fixture_new_database),
        cmocka_unit_test_setup(a_statement_that_takes_too_long_is_rolled_back,
                               fixture_new_database),
        cmocka_unit_test_setup(a_missing_schema_keeps_the_store_unready, fixture_new_database),
        cmocka_unit_test_setup(a_store_can_be_freed_at_any_moment, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

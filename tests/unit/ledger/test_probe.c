/*
 * Commits whose answer is lost: whatever the probe says is what the tables say, now and later.
 */
#include "tests/unit/ledger/fixture.h"
#include "tests/unit/ledger/wire.h"
#include "tests/unit/rounds.h"

enum {
    ROUND_COUNT = 240,
    BUNDLE_MAX = 4,
};

struct lab {
    struct fixture f;
    struct wire wire;
    PGconn *conn; /* past the wire */
    struct loop_timer pause;
    struct uuid merchant_id;
    struct rng rng;
};

static void lab_open(struct lab *lab)
{
    memset(lab, 0, sizeof(*lab));
    fixture_config = store_config_default;
    fixture_config.reconnect_ms = 10;
    fixture_config.writer_connections = 1;
    fixture_config.linger_us = 0;
    struct fixture *f = &lab->f;
    f->loop = loop_new();
    f->writer_id = uuid_new();
    f->instance_id = uuid_new();
    f->boot_id = uuid_new();
    wire_open(&lab->wire, f->loop, fixture_dir);
    (void)snprintf(f->conninfo, sizeof(f->conninfo),
                   "host=%s port=%d user=turnpike_gateway dbname=%s", fixture_dir, WIRE_PORT,
                   fixture_database);
    fixture_config.conninfo = f->conninfo;
    f->store = store_new(f->loop, &fixture_config, &f->writer_id, &f->instance_id, &f->boot_id, 1);
    loop_timer_init(&f->limit, f->loop, fixture_late, f);
    loop_timer_init(&lab->pause, f->loop, (loop_fn)loop_stop, f->loop);
    lab->conn = fixture_connect("turnpike_gateway");
    lab->merchant_id = uuid_new();
    const char *seed = getenv("SEED");
    uint64_t number = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)clock_wall_us();
    print_message("SEED=%llu\n", (unsigned long long)number);
    rng_seed(&lab->rng, number);
}

static void lab_close(struct lab *lab)
{
    wire_close(&lab->wire);
    PQfinish(lab->conn);
    loop_timer_release(&lab->pause);
    fixture_close(&lab->f);
}

static void run_for(struct lab *lab, int64_t us)
{
    loop_timer_start(&lab->pause, us);
    loop_run(lab->f.loop);
    loop_timer_stop(&lab->pause);
}

static long count_of(PGconn *conn, const char *format, const struct uuid *id)
{
    char text[UUID_TEXT_SIZE];
    char sql[256];
    (void)uuid_format(id, text);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(sql, sizeof(sql), format, text);
#pragma GCC diagnostic pop
    return fixture_count(conn, sql);
}

static bool is_there(PGconn *conn, const struct rows *r)
{
    long payments = count_of(conn, "SELECT count(*) FROM payments WHERE payment_id = '%s'",
                             &r->payment.payment_id);
    long attempts = count_of(conn, "SELECT count(*) FROM attempts WHERE attempt_id = '%s'",
                             &r->attempt.attempt_id);
    long sends = count_of(conn, "SELECT count(*) FROM sends WHERE attempt_id = '%s'",
                          &r->attempt.attempt_id);
    /* All of a bundle or nothing of it. */
    assert_int_equal(payments, attempts);
    assert_int_equal(payments, sends);
    return payments == 1;
}

static void assert_told_the_truth(PGconn *conn, const struct rows *r, enum store_result result)
{
    switch (result) {
    case STORE_COMMITTED:
        assert_true(is_there(conn, r));
        return;
    case STORE_KEY_TAKEN:
    case STORE_REFERENCE_TAKEN:
    case STORE_ROLLED_BACK:
    case STORE_UNAVAILABLE:
        assert_false(is_there(conn, r));
        return;
    case STORE_LIMIT_EXCEEDED:
    case STORE_FENCED:
    case STORE_UNKNOWN:
    case STORE_RESULT_COUNT:
        break;
    }
    fail_msg("unexpected result %s", store_result_name(result));
}

/* Ask until there is an answer: the connection of a probe may be lost, too. */
static enum store_result probe_until_told(struct lab *lab, const struct store_ticket *ticket)
{
    enum store_result result;
    unsigned tries = 0;
    do {
        assert_true(tries++ < 200);
        result = probe_now(&lab->f, ticket);
    } while (result == STORE_UNAVAILABLE);
    return result;
}

static void warm_up(struct lab *lab)
{
    struct rows r;
    rows_open(&r, &lab->merchant_id);
    assert_int_equal(write_now(&lab->f, &r.txn), STORE_COMMITTED);
}

static void an_answer_lost_after_the_commit_is_committed(void **state)
{
    (void)state;
    static struct lab lab;
    lab_open(&lab);
    warm_up(&lab);
    struct rows r;
    struct write write;
    rows_open(&r, &lab.merchant_id);
    lab.wire.armed = CUT_ANSWER;
    write_start(&lab.f, &r.txn, &write);
    fixture_wait(&lab.f);
    assert_int_equal(write.result, STORE_UNKNOWN);
    assert_int_equal(probe_until_told(&lab, &write.ticket), STORE_COMMITTED);
    assert_int_equal(probe_until_told(&lab, &write.ticket), STORE_COMMITTED);
    assert_true(is_there(lab.conn, &r));
    lab_close(&lab);
}

/* The batch is delivered after its probe: it must fail, for ever. */
static void a_batch_that_comes_after_its_probe_is_refused(void **state)
{
    (void)state;
    static struct lab lab;
    lab_open(&lab);
    warm_up(&lab);
    struct rows r;
    struct write write;
    rows_open(&r, &lab.merchant_id);
    lab.wire.armed = CUT_ALL;
    write_start(&lab.f, &r.txn, &write);
    fixture_wait(&lab.f);
    assert_int_equal(write.result, STORE_UNKNOWN);
    assert_int_equal(probe_until_told(&lab, &write.ticket), STORE_ROLLED_BACK);
    wire_release(&lab.wire, true);
    run_for(&lab, 50000);
    assert_false(is_there(lab.conn, &r));
    assert_int_equal(probe_until_told(&lab, &write.ticket), STORE_ROLLED_BACK);
    /* It may be written again as it is. */
    assert_int_equal(write_now(&lab.f, &r.txn), STORE_COMMITTED);
    assert_true(is_there(lab.conn, &r));
    lab_close(&lab);
}

/*
 * Until the server has done all that it got of the batch and waits for its Sync: before that the
 * probe may well come first, and the batch is then refused, as it must be.
 */
static void wait_for_open_transaction(struct lab *lab)
{
    static const char sql[] = "SELECT count(*) FROM pg_stat_activity"
                              " WHERE datname = current_database() AND backend_xid IS NOT NULL"
                              " AND wait_event = 'ClientRead' AND pid <> pg_backend_pid()";
    unsigned tries = 0;
    while (fixture_count(lab->conn, sql) == 0) {
        assert_true(tries++ < 10000);
        run_for(lab, 1000); /* the wire is of this loop, too */
    }
}

/* The transaction is still open when the probe asks: the probe waits for it. */
static void a_probe_waits_for_a_running_commit(void **state)
{
    (void)state;
    static struct lab lab;
    lab_open(&lab);
    for (int deliver = 0; deliver < 2; deliver++) {
        warm_up(&lab);
        struct rows r;
        struct write write;
        rows_open(&r, &lab.merchant_id);
        lab.wire.armed = CUT_SYNC;
        write_start(&lab.f, &r.txn, &write);
        fixture_wait(&lab.f);
        assert_int_equal(write.result, STORE_UNKNOWN);
        wait_for_open_transaction(&lab);
        struct write probe = {.f = &lab.f};
        lab.f.waiting_for++;
        store_probe_start(lab.f.store, &write.ticket, write_done, &probe);
        run_for(&lab, 100000);
        assert_false(probe.is_done);
        wire_release(&lab.wire, deliver == 1);
        fixture_wait(&lab.f);
        assert_int_equal(probe.result, deliver == 1 ? STORE_COMMITTED : STORE_ROLLED_BACK);
        assert_int_equal(is_there(lab.conn, &r), deliver == 1);
    }
    lab_close(&lab);
}

static void a_probe_tells_a_taken_key_from_a_commit(void **state)
{
    (void)state;
    static struct lab lab;
    lab_open(&lab);
    warm_up(&lab);
    struct rows first;
    rows_open(&first, &lab.merchant_id);
    assert_int_equal(write_now(&lab.f, &first.txn), STORE_COMMITTED);
    for (int i = 0; i < 2; i++) {
        struct rows r;
        struct write write;
        rows_open(&r, &lab.merchant_id);
        if (i == 0)
            r.payment.key = first.payment.key;
        else
            r.payment.reference = first.payment.reference;
        lab.wire.armed = CUT_ANSWER;
        write_start(&lab.f, &r.txn, &write);
        fixture_wait(&lab.f);
        assert_int_equal(write.result, STORE_UNKNOWN);
        assert_int_equal(probe_until_told(&lab, &write.ticket),
                         i == 0 ? STORE_KEY_TAKEN : STORE_REFERENCE_TAKEN);
        assert_false(is_there(lab.conn, &r));
    }
    lab_close(&lab);
}

struct told { /* what a caller was told of a bundle, to be compared again at the end */
    struct rows rows;
    enum store_result result;
};

static struct told all[ROUND_COUNT * BUNDLE_MAX];
static size_t all_count;

/* Some bundles repeat the key, or the reference, of an earlier one. */
static void make_bundle(struct lab *lab, struct rows *r)
{
    rows_open(r, &lab->merchant_id);
    if (all_count == 0 || rng_below(&lab->rng, 4) != 0)
        return;
    const struct rows *earlier = &all[rng_below(&lab->rng, all_count)].rows;
    if (rng_below(&lab->rng, 2) == 0)
        r->payment.key = str_of(earlier->key);
    else
        r->payment.reference = str_of(earlier->reference);
}

static unsigned one_round(struct lab *lab)
{
    struct write writes[BUNDLE_MAX];
    size_t first = all_count;
    size_t count = 1 + rng_below(&lab->rng, BUNDLE_MAX);
    unsigned unknown_count = 0;
    lab->wire.armed = (enum cut)(1 + rng_below(&lab->rng, CUT_COUNT - 1));
    for (size_t i = 0; i < count; i++) {
        make_bundle(lab, &all[all_count].rows);
        write_start(&lab->f, &all[all_count].rows.txn, &writes[i]);
        all_count++;
    }
    fixture_wait(&lab->f);
    /* Before, while, or after the probe asks. */
    bool deliver = rng_below(&lab->rng, 2) == 0;
    uint64_t when = rng_below(&lab->rng, 3);
    if (when == 0)
        wire_release(&lab->wire, deliver);
    struct write probes[BUNDLE_MAX];
    for (size_t i = 0; i < count; i++) {
        all[first + i].result = writes[i].result;
        if (writes[i].result != STORE_UNKNOWN)
            continue;
        unknown_count++;
        probes[i] = (struct write){.f = &lab->f};
        lab->f.waiting_for++;
        store_probe_start(lab->f.store, &writes[i].ticket, write_done, &probes[i]);
    }
    run_for(lab, (int64_t)rng_below(&lab->rng, 20000));
    wire_release(&lab->wire, deliver);
    fixture_wait(&lab->f);
    for (size_t i = 0; i < count; i++) {
        if (writes[i].result != STORE_UNKNOWN)
            continue;
        all[first + i].result = probes[i].result;
        if (probes[i].result == STORE_UNAVAILABLE)
            all[first + i].result = probe_until_told(lab, &writes[i].ticket);
    }
    for (size_t i = 0; i < count; i++)
        assert_told_the_truth(lab->conn, &all[first + i].rows, all[first + i].result);
    return unknown_count;
}

static void probes_tell_the_truth_over_many_cuts(void **state)
{
    (void)state;
    static struct lab lab;
    lab_open(&lab);
    warm_up(&lab);
    unsigned unknown_rounds = 0;
    unsigned results[STORE_RESULT_COUNT] = {0};
    all_count = 0;
    unsigned rounds = rounds_of(ROUND_COUNT);
    for (unsigned round = 0; round < rounds; round++)
        unknown_rounds += one_round(&lab) > 0;
    run_for(&lab, 100000);
    for (size_t i = 0; i < all_count; i++) {
        assert_told_the_truth(lab.conn, &all[i].rows, all[i].result);
        results[all[i].result]++;
    }
    print_message("%u rounds with a lost answer; %u committed, %u rolled back, %u key taken, "
                  "%u reference taken\n",
                  unknown_rounds, results[STORE_COMMITTED], results[STORE_ROLLED_BACK],
                  results[STORE_KEY_TAKEN], results[STORE_REFERENCE_TAKEN]);
    assert_true(unknown_rounds >= rounds * 5 / 6);
    if (rounds == ROUND_COUNT) {
        assert_true(results[STORE_COMMITTED] > 0 && results[STORE_ROLLED_BACK] > 0);
        assert_true(results[STORE_KEY_TAKEN] > 0 && results[STORE_REFERENCE_TAKEN] > 0);
    }
    lab_close(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_answer_lost_after_the_commit_is_committed, fixture_new_database),
        cmocka_unit_test_setup(a_batch_that_comes_after_its_probe_is_refused, fixture_new_database),
        cmocka_unit_test_setup(a_probe_waits_for_a_running_commit, fixture_new_database),
        cmocka_unit_test_setup(a_probe_tells_a_taken_key_from_a_commit, fixture_new_database),
        cmocka_unit_test_setup(probes_tell_the_truth_over_many_cuts, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

/* Bundles into batches, against a real PostgreSQL. */
#include "tests/unit/ledger/fixture.h"

enum {
    MANY = 64,
};

static void opening_and_closing_are_written_whole(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    assert_true(store_is_connected(f.store));
    rows_to_close(&r);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    PGconn *conn = fixture_connect("turnpike_gateway");
    static const char *const tables[] = {
        "idempotency", "payments", "attempts",       "sends",
        "outcomes",    "events",   "payment_limits", "payment_answers",
    };
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        char sql[64];
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", tables[i]);
        assert_int_equal(fixture_count(conn, sql), 1);
    }
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM transfers"), 2);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM batches WHERE NOT is_probe"), 2);
    assert_int_equal(fixture_count(conn, "SELECT batch_no FROM attempts"), 1);
    assert_int_equal(fixture_count(conn, "SELECT max(batch_no) FROM events"), 2);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM writers"), 1);
    PQfinish(conn);
    fixture_close(&f);
}

static void many_bundles_share_a_transaction(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    static struct rows rows[500];
    static struct write writes[500];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rows_open(&rows[i], &merchant_id);
        write_start(&f, &rows[i].txn, &writes[i]);
    }
    assert_int_equal(store_queued(f.store), 500);
    fixture_wait(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(writes[i].result, STORE_COMMITTED);
    /* Openings and closings together. */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (i % 2 == 0)
            rows_to_close(&rows[i]);
        else
            rows_open(&rows[i], &merchant_id);
        write_start(&f, &rows[i].txn, &writes[i]);
    }
    fixture_wait(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(writes[i].result, STORE_COMMITTED);
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM payments"), 750);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM transfers"), 500);
    assert_true(fixture_count(conn, "SELECT count(*) FROM batches") <= 16);
    PQfinish(conn);
    fixture_close(&f);
}

/* 64 requests with one key in one batch: one wins, and nothing of the others is there. */
static void one_key_in_one_batch_has_one_winner(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    static struct rows rows[MANY];
    static struct write writes[MANY];
    for (size_t i = 0; i < MANY; i++) {
        rows_open(&rows[i], &merchant_id);
        rows[i].payment.key = STR("the key");
        rows[i].payment.reference = STR("the order");
        write_start(&f, &rows[i].txn, &writes[i]);
    }
    fixture_wait(&f);
    unsigned won = 0;
    for (size_t i = 0; i < MANY; i++) {
        won += writes[i].result == STORE_COMMITTED;
        if (writes[i].result != STORE_COMMITTED)
            assert_int_equal(writes[i].result, STORE_KEY_TAKEN);
    }
    assert_int_equal(won, 1);
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM payments"), 1);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM attempts"), 1);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM sends"), 1);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM batches"), 1);
    PQfinish(conn);
    fixture_close(&f);
}

/* The same across connections, batches of a few, with neighbours that must not suffer. */
static void one_key_across_connections_has_one_winner(void **state)
{
    (void)state;
    fixture_config = store_config_default;
    fixture_config.batch_max = 4;
    fixture_config.writer_connections = 4;
    fixture_config.linger_us = 0;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    static struct rows rows[2 * MANY];
    static struct write writes[2 * MANY];
    for (size_t i = 0; i < 2 * MANY; i++) {
        rows_open(&rows[i], &merchant_id);
        if (i % 2 == 0)
            rows[i].payment.key = STR("the key");
        write_start(&f, &rows[i].txn, &writes[i]);
    }
    fixture_wait(&f);
    unsigned won = 0;
    for (size_t i = 0; i < 2 * MANY; i++) {
        if (i % 2 == 1)
            assert_int_equal(writes[i].result, STORE_COMMITTED);
        else
            won += writes[i].result == STORE_COMMITTED;
    }
    assert_int_equal(won, 1);
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM payments"), MANY + 1);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM attempts"), MANY + 1);
    PQfinish(conn);
    fixture_close(&f);
}

static void a_reference_is_taken_by_one_key(void **state)
{
    (void)state;
    fixture_config = store_config_default;
    fixture_config.batch_max = 8;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct uuid other_id = uuid_new();
    static struct rows rows[MANY];
    static struct write writes[MANY];
    for (size_t i = 0; i < MANY; i++) {
        rows_open(&rows[i], &merchant_id);
        rows[i].payment.reference = STR("order-1");
        write_start(&f, &rows[i].txn, &writes[i]);
    }
    fixture_wait(&f);
    unsigned won = 0;
    size_t winner = 0;
    for (size_t i = 0; i < MANY; i++) {
        if (writes[i].result == STORE_COMMITTED) {
            won++;
            winner = i;
        } else {
            assert_int_equal(writes[i].result, STORE_REFERENCE_TAKEN);
        }
    }
    assert_int_equal(won, 1);
    struct rows again;
    /* Another try, another merchant, and no reference at all are free. */
    rows_open(&again, &merchant_id);
    again.payment.reference = STR("order-1");
    again.payment.try_number = 2;
    assert_int_equal(write_now(&f, &again.txn), STORE_COMMITTED);
    rows_open(&again, &other_id);
    again.payment.reference = STR("order-1");
    assert_int_equal(write_now(&f, &again.txn), STORE_COMMITTED);
    for (int i = 0; i < 2; i++) {
        rows_open(&again, &merchant_id);
        again.payment.reference = STR_NONE;
        assert_int_equal(write_now(&f, &again.txn), STORE_COMMITTED);
    }
    /* A repeated request has both taken: it is told about its key. */
    rows_open(&again, &merchant_id);
    again.payment.reference = STR("order-1");
    again.payment.key = rows[winner].payment.key;
    assert_int_equal(write_now(&f, &again.txn), STORE_KEY_TAKEN);
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM idempotency"), 5);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM attempts"), 5);
    PQfinish(conn);
    fixture_close(&f);
}

/* Rows that PostgreSQL refuses stand between good ones, in one batch. */
static void a_poisoned_bundle_does_not_fail_its_neighbours(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    static struct rows rows[100];
    static struct write writes[100];
    for (size_t i = 0; i < 100; i++) {
        rows_open(&rows[i], &merchant_id);
        if (i == 13)
            rows[i].payment.country = STR("\xff\xfe");
        if (i == 57)
            rows[i].payment.method_type = STR("a\0b");
        if (i == 58)
            rows[i].attempt.number = 0;
        if (i == 99)
            rows[i].payment.amount_minor = 0;
        write_start(&f, &rows[i].txn, &writes[i]);
    }
    fixture_wait(&f);
    for (size_t i = 0; i < 100; i++) {
        bool is_poison = i == 13 || i == 57 || i == 58 || i == 99;
        assert_int_equal(writes[i].result, is_poison ? STORE_ROLLED_BACK : STORE_COMMITTED);
        if (is_poison)
            assert_true(strlen(writes[i].why.text) > 10);
    }
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM sends"), 96);
    PQfinish(conn);
    fixture_close(&f);
}

static void the_second_writer_of_a_number_is_fenced(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    rows_close(&r);
    /* Each of the rows alone is a fence: attempt, send, outcome, event, answer. */
    struct store_txn fences[] = {
        {.name = "t", .attempt = &r.attempt}, {.name = "t", .send = &r.send},
        {.name = "t", .outcome = &r.outcome}, {.name = "t", .events = r.events, .event_count = 1},
        {.name = "t", .answer = &r.answer},
    };
    for (size_t i = 0; i < ARRAY_LEN(fences); i++) {
        if (i >= 2)
            assert_int_equal(write_now(&f, &fences[i]), STORE_COMMITTED);
        assert_int_equal(write_now(&f, &fences[i]), STORE_FENCED);
    }
    /* Twice in one batch: exactly one. And what else the loser brought is not written. */
    struct write writes[2];
    struct rows second = r;
    second.transfers[0].transfer_id = uuid_new();
    r.outcome.number = second.outcome.number = 2;
    r.txn = (struct store_txn){
        .name = "t", .outcome = &r.outcome, .transfers = r.transfers, .transfer_count = 1};
    second.txn = (struct store_txn){.name = "t",
                                    .outcome = &second.outcome,
                                    .transfers = second.transfers,
                                    .transfer_count = 1};
    write_start(&f, &r.txn, &writes[0]);
    write_start(&f, &second.txn, &writes[1]);
    fixture_wait(&f);
    assert_int_equal((writes[0].result == STORE_COMMITTED) + (writes[1].result == STORE_COMMITTED),
                     1);
    assert_int_equal((writes[0].result == STORE_FENCED) + (writes[1].result == STORE_FENCED), 1);
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM transfers"), 1);
    PQfinish(conn);
    fixture_close(&f);
}

/* 64 captures of 1..64 on 1,000 authorized: never beyond, whatever order they run in. */
static void limits_hold_under_parallel_changes(void **state)
{
    (void)state;
    fixture_config = store_config_default;
    fixture_config.writer_connections = 4;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    rows_open(&r, &merchant_id);
    rows_to_close(&r);
    r.limits.authorized = 1000;
    r.limits.captured = 0;
    r.txn = (struct store_txn){.name = "t", .limits = &r.limits};
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    static struct store_limits changes[MANY];
    static struct write writes[MANY];
    for (int i = 0; i < MANY; i++) {
        changes[i] = r.limits;
        changes[i].create = false;
        changes[i].authorized = 0;
        changes[i].capture_open = i + 1;
        struct store_txn txn = {.name = "t", .limits = &changes[i]};
        write_start(&f, &txn, &writes[i]);
    }
    fixture_wait(&f);
    int64_t open = 0;
    for (int i = 0; i < MANY; i++) {
        if (writes[i].result == STORE_COMMITTED)
            open += i + 1;
        else
            assert_int_equal(writes[i].result, STORE_LIMIT_EXCEEDED);
    }
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(fixture_count(conn, "SELECT capture_open FROM payment_limits"), open);
    assert_true(open <= 1000 && open > 1000 - MANY);
    /* To the very edge, and one beyond. */
    struct store_limits edge = changes[0];
    edge.capture_open = 1000 - open;
    struct store_txn txn = {.name = "t", .limits = &edge};
    assert_int_equal(write_now(&f, &txn), STORE_COMMITTED);
    edge.capture_open = 1;
    assert_int_equal(write_now(&f, &txn), STORE_LIMIT_EXCEEDED);
    edge.capture_open = -1001;
    assert_int_equal(write_now(&f, &txn), STORE_LIMIT_EXCEEDED);
    edge = changes[0];
    edge.payment_id = uuid_new(); /* no such row */
    assert_int_equal(write_now(&f, &txn), STORE_LIMIT_EXCEEDED);
    edge = changes[0];
    edge.refunded = 1; /* nothing is captured */
    edge.capture_open = 0;
    assert_int_equal(write_now(&f, &txn), STORE_LIMIT_EXCEEDED);
    PQfinish(conn);
    fixture_close(&f);
}

struct releasing { /* ends a transaction as soon as somebody waits for it */
    PGconn *holder, *watcher;
    struct loop_timer timer;
};

static void release_if_waited_for(void *ctx)
{
    struct releasing *releasing = ctx;
    if (fixture_count(releasing->watcher, "SELECT count(*) FROM pg_locks WHERE NOT granted") > 0)
        (void)fixture_ask(releasing->holder, "COMMIT");
    else
        loop_timer_start(&releasing->timer, 5 * CLOCK_MS_US);
}

/*
 * The authorization in force: whoever names another, or waits for the row while another takes its place,
 * changes nothing; who names none is of no authorization.
 */
static void what_acts_on_an_authorization_that_is_replaced_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    rows_open(&r, &merchant_id);
    rows_to_close(&r);
    r.limits.authorized = 1000;
    r.limits.captured = 0;
    r.limits.hold_reference = STR("FIRST");
    r.limits.hold_ends_us = clock_wall_us();
    r.txn = (struct store_txn){.name = "t", .limits = &r.limits};
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);

    struct store_limits capture = r.limits;
    capture.create = false;
    capture.authorized = 0;
    capture.capture_open = 1;
    capture.hold_reference = STR_NONE;
    capture.hold_ends_us = 0;
    capture.acts_on = STR("FIRST");
    struct store_txn txn = {.name = "t", .limits = &capture};
    assert_int_equal(write_now(&f, &txn), STORE_COMMITTED);
    struct store_limits again = capture; /* reauthorized */
    again.capture_open = 0;
    again.hold_reference = STR("SECOND");
    txn.limits = &again;
    assert_int_equal(write_now(&f, &txn), STORE_COMMITTED);
    again.hold_reference =
        STR("THIRD"); /* in the place of the first one: it is not there any more */
    assert_int_equal(write_now(&f, &txn), STORE_LIMIT_EXCEEDED);
    txn.limits = &capture;
    assert_int_equal(write_now(&f, &txn), STORE_LIMIT_EXCEEDED);
    capture.acts_on = STR_NONE;
    assert_int_equal(write_now(&f, &txn), STORE_COMMITTED);

    capture.acts_on = STR("SECOND");
    PGconn *conn = fixture_connect("turnpike_gateway");
    (void)fixture_ask(conn, "BEGIN");
    (void)fixture_ask(conn, "UPDATE payment_limits SET hold_reference = 'FOURTH' RETURNING 1");
    struct releasing releasing = {.holder = conn, .watcher = fixture_connect("turnpike_gateway")};
    loop_timer_init(&releasing.timer, f.loop, release_if_waited_for, &releasing);
    struct write waits;
    write_start(&f, &txn, &waits);
    loop_timer_start(&releasing.timer, 0);
    fixture_wait(&f);
    loop_timer_release(&releasing.timer);
    assert_int_equal(waits.result, STORE_LIMIT_EXCEEDED);
    assert_int_equal(fixture_count(conn, "SELECT capture_open FROM payment_limits WHERE"
                                         " hold_reference = 'FOURTH' AND hold_ends_at IS NOT NULL"),
                     2);
    PQfinish(releasing.watcher);
    PQfinish(conn);
    fixture_close(&f);
}

/* Refunds choose a capture each, and some the same: neither it nor its payment is ever exceeded. */
static void the_room_of_a_capture_is_never_exceeded(void **state)
{
    (void)state;
    enum { CAPTURES = 3, ROOM = 20, ASKED = 70 };
    fixture_config = store_config_default;
    fixture_config.writer_connections = 4;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    rows_open(&r, &merchant_id);
    rows_to_close(&r);
    r.limits.authorized = CAPTURES * ROOM;
    r.limits.captured = 0;
    r.txn = (struct store_txn){.name = "t", .limits = &r.limits};
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    struct store_limits limits = r.limits;
    struct store_limits rooms[CAPTURES];
    limits.create = false;
    limits.authorized = 0;
    limits.captured = ROOM;
    for (int i = 0; i < CAPTURES; i++) { /* each is done in a commit with its payment's */
        rooms[i] = limits;
        rooms[i].create = true;
        rooms[i].payment_id = uuid_new();
        rooms[i].authorized = ROOM;
        struct store_txn txn = {.name = "t", .limits = &limits, .room = &rooms[i]};
        assert_int_equal(write_now(&f, &txn), STORE_COMMITTED);
        rooms[i].create = false;
        rooms[i].authorized = rooms[i].captured = 0;
        rooms[i].refund_open = 1;
    }
    limits.captured = 0;
    limits.refund_open = 1;
    static struct write writes[ASKED];
    for (int i = 0; i < ASKED; i++) { /* most of them of the first */
        struct store_txn txn = {.name = "t", .limits = &limits, .room = &rooms[i % 7 < 4 ? 0 : 1]};
        write_start(&f, &txn, &writes[i]);
    }
    fixture_wait(&f);
    int committed = 0;
    for (int i = 0; i < ASKED; i++) {
        committed += writes[i].result == STORE_COMMITTED;
        assert_true(writes[i].result == STORE_COMMITTED ||
                    writes[i].result == STORE_LIMIT_EXCEEDED);
    }
    assert_int_equal(committed, 2 * ROOM); /* twenty of either; the payment had room for sixty */
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(fixture_count(conn, "SELECT max(refund_open) FROM payment_limits"), 2 * ROOM);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM payment_limits"
                                         " WHERE captured = 20 AND refund_open = 20"),
                     2);
    /* The other way round: room, but the payment has none; then neither is changed. */
    struct store_limits all = limits;
    all.refund_open = ROOM;
    struct store_txn txn = {.name = "t", .limits = &all};
    assert_int_equal(write_now(&f, &txn), STORE_COMMITTED);
    txn = (struct store_txn){.name = "t", .limits = &limits, .room = &rooms[2]};
    assert_int_equal(write_now(&f, &txn), STORE_LIMIT_EXCEEDED);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM payment_limits"
                                         " WHERE captured = 20 AND refund_open = 0"),
                     1);
    PQfinish(conn);
    fixture_close(&f);
}

static void creating_limits_twice_adds_up_within_the_checks(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    rows_open(&r, &merchant_id);
    rows_to_close(&r);
    r.txn = (struct store_txn){.name = "t", .limits = &r.limits};
    r.limits.captured = 0;
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    r.limits.authorized = 1;
    r.limits.captured = 1;
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(fixture_count(conn, "SELECT authorized FROM payment_limits"), 1100);
    assert_int_equal(fixture_count(conn, "SELECT captured FROM payment_limits"), 1);
    PQfinish(conn);
    fixture_close(&f);
}

/* Two batches that lock the same rows against a third session that locks them the other way round.
 */
static void a_deadlocked_batch_runs_again(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows rows[2];
    for (int i = 0; i < 2; i++) {
        rows_open(&rows[i], &merchant_id);
        rows_to_close(&rows[i]);
        rows[i].txn = (struct store_txn){.name = "t", .limits = &rows[i].limits};
        assert_int_equal(write_now(&f, &rows[i].txn), STORE_COMMITTED);
    }
    PGconn *other = fixture_connect("turnpike_gateway");
    char sql[256];
    char text[UUID_TEXT_SIZE];
    (void)fixture_ask(other, "BEGIN");
    (void)snprintf(sql, sizeof(sql),
                   "UPDATE payment_limits SET refunded = refunded + 0 WHERE payment_id = '%s'",
                   uuid_format(&rows[1].payment.payment_id, text).at);
    assert_string_equal(fixture_ask(other, sql), "");
    struct write writes[2];
    for (int i = 0; i < 2; i++) {
        rows[i].limits.create = false;
        rows[i].limits.authorized = 1;
        rows[i].limits.captured = 0;
        write_start(&f, &rows[i].txn, &writes[i]);
    }
    /* The batch holds the first row and waits for the second; now the other way round. The batch
     * has waited longer, so it is the one that PostgreSQL gives up. */
    PGconn *watch = fixture_connect("postgres");
    (void)snprintf(sql, sizeof(sql),
                   "UPDATE payment_limits SET refunded = refunded + 0 WHERE payment_id = '%s';"
                   " COMMIT",
                   uuid_format(&rows[0].payment.payment_id, text).at);
    struct loop_timer step;
    loop_timer_init(&step, f.loop, (loop_fn)loop_stop, f.loop);
    unsigned waits = 0;
    do {
        assert_true(waits++ < 6000);
        loop_timer_start(&step, 5000);
        loop_run(f.loop);
    } while (fixture_count(watch, "SELECT count(*) FROM pg_stat_activity"
                                  " WHERE wait_event_type = 'Lock'") == 0);
    assert_int_equal(PQsendQuery(other, sql), 1);
    fixture_wait(&f);
    for (int i = 0; i < 2; i++)
        assert_int_equal(writes[i].result, STORE_COMMITTED);
    /* On a stalled machine the session may be the victim: it tells of it once it is out. */
    for (PGresult *res; (res = PQgetResult(other)) != NULL;)
        PQclear(res);
    (void)fixture_ask(other, "ROLLBACK");
    /* It was a deadlock, not luck; the statistics are told up to ten seconds later. */
    unsigned tries = 0;
    do {
        assert_true(tries++ < 3000);
        loop_timer_start(&step, 20000);
        loop_run(f.loop);
    } while (fixture_count(watch, "SELECT deadlocks FROM pg_stat_database"
                                  " WHERE datname = current_database()") == 0);
    loop_timer_release(&step);
    PQfinish(other);
    PQfinish(watch);
    fixture_close(&f);
}

/* A batch that waits for a lock delays those behind it by a few lingers and no more. */
static void a_slow_batch_does_not_hold_the_next(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows rows[2];
    struct write writes[2];
    for (int i = 0; i < 2; i++) {
        rows_open(&rows[i], &merchant_id);
        rows_to_close(&rows[i]);
        rows[i].txn = (struct store_txn){.name = "t", .limits = &rows[i].limits};
        assert_int_equal(write_now(&f, &rows[i].txn), STORE_COMMITTED);
        rows[i].limits.create = false;
        rows[i].limits.authorized = 1;
        rows[i].limits.captured = 0;
    }
    PGconn *other = fixture_connect("turnpike_gateway");
    PGconn *watch = fixture_connect("postgres");
    char sql[256];
    char text[UUID_TEXT_SIZE];
    (void)fixture_ask(other, "BEGIN");
    (void)snprintf(sql, sizeof(sql),
                   "UPDATE payment_limits SET refunded = refunded + 0 WHERE payment_id = '%s'",
                   uuid_format(&rows[0].payment.payment_id, text).at);
    assert_string_equal(fixture_ask(other, sql), "");
    struct loop_timer step;
    loop_timer_init(&step, f.loop, (loop_fn)loop_stop, f.loop);
    write_start(&f, &rows[0].txn, &writes[0]);
    unsigned waits = 0;
    do {
        assert_true(waits++ < 6000);
        loop_timer_start(&step, 5000);
        loop_run(f.loop);
    } while (fixture_count(watch, "SELECT count(*) FROM pg_stat_activity"
                                  " WHERE wait_event_type = 'Lock'") == 0);
    write_start(&f, &rows[1].txn, &writes[1]);
    for (waits = 0; !writes[1].is_done; waits++) {
        assert_true(waits < 6000);
        loop_timer_start(&step, 5000);
        loop_run(f.loop);
    }
    assert_int_equal(writes[1].result, STORE_COMMITTED);
    assert_false(writes[0].is_done);
    (void)fixture_ask(other, "ROLLBACK");
    fixture_wait(&f);
    assert_int_equal(writes[0].result, STORE_COMMITTED);
    loop_timer_release(&step);
    PQfinish(other);
    PQfinish(watch);
    fixture_close(&f);
}

static void a_full_queue_refuses_at_once(void **state)
{
    (void)state;
    fixture_config = store_config_default;
    fixture_config.queue_max = 16;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    static struct rows rows[20];
    static struct write writes[20];
    for (size_t i = 0; i < 20; i++) {
        rows_open(&rows[i], &merchant_id);
        write_start(&f, &rows[i].txn, &writes[i]);
    }
    assert_int_equal(store_queued(f.store), 16);
    fixture_wait(&f);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(writes[i].result, i < 16 ? STORE_COMMITTED : STORE_UNAVAILABLE);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(opening_and_closing_are_written_whole, fixture_new_database),
        cmocka_unit_test_setup(many_bundles_share_a_transaction, fixture_new_database),
        cmocka_unit_test_setup(one_key_in_one_batch_has_one_winner, fixture_new_database),
        cmocka_unit_test_setup(one_key_across_connections_has_one_winner, fixture_new_database),
        cmocka_unit_test_setup(a_reference_is_taken_by_one_key, fixture_new_database),
        cmocka_unit_test_setup(a_poisoned_bundle_does_not_fail_its_neighbours,
                               fixture_new_database),
        cmocka_unit_test_setup(the_second_writer_of_a_number_is_fenced, fixture_new_database),
        cmocka_unit_test_setup(limits_hold_under_parallel_changes, fixture_new_database),
        cmocka_unit_test_setup(what_acts_on_an_authorization_that_is_replaced_is_refused,
                               fixture_new_database),
        cmocka_unit_test_setup(the_room_of_a_capture_is_never_exceeded, fixture_new_database),
        cmocka_unit_test_setup(creating_limits_twice_adds_up_within_the_checks,
                               fixture_new_database),
        cmocka_unit_test_setup(a_deadlocked_batch_runs_again, fixture_new_database),
        cmocka_unit_test_setup(a_slow_batch_does_not_hold_the_next, fixture_new_database),
        cmocka_unit_test_setup(a_full_queue_refuses_at_once, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

/*
 * Payouts that wait: stored whole or not at all, claimed by one, fairly; decided by one; canceled
 * only when they can never begin.
 */
#include "tests/unit/ledger/orders.h"
#include "tests/unit/ledger/wire.h"

static void a_batch_is_stored_whole_and_once(void **state UNUSED)
{
    make_batch(&lab.merchant_id, "k-1", ROW_MAX, ORDER_QUEUED);
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    assert_int_equal(count("SELECT count(*) FROM payout_orders"), ROW_MAX * 9 / 10);
    assert_int_equal(count("SELECT count(*) FROM payout_batch_errors"), ROW_MAX / 10);
    assert_int_equal(count("SELECT count(*) FROM payout_batches WHERE state = 'open'"), 1);
    assert_int_equal(count("SELECT count(*) FROM answers WHERE key = 'k-1'"), 1);
    assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE state = 'queued' AND priority"
                           " = 1 AND payment_id = order_id AND request_sealed ="
                           " '\\x007365616c6564ff'"),
                     ROW_MAX * 9 / 10);
    /* The same again, as after a lost answer: nothing changes, and it is ours. */
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    assert_int_equal(count("SELECT count(*) FROM payout_orders"), ROW_MAX * 9 / 10);
    /* Another request under the key: nothing of it is written. */
    make_batch(&lab.merchant_id, "k-1", 20, ORDER_QUEUED);
    assert_int_equal(store_now(&made.bundle), STORE_KEY_TAKEN);
    assert_int_equal(count("SELECT count(*) FROM payout_orders"), ROW_MAX * 9 / 10);
    assert_int_equal(count("SELECT count(*) FROM payout_batches"), 1);
    /* Another merchant's key is another key. */
    struct uuid other = uuid_new();
    make_batch(&other, "k-1", 20, ORDER_QUEUED);
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    assert_int_equal(count("SELECT count(*) FROM payout_batches"), 2);
}

static void a_row_that_the_database_refuses_stores_nothing(void **state UNUSED)
{
    make_batch(&lab.merchant_id, "k-1", 30, ORDER_QUEUED);
    made.orders[20].amount_minor = 0;
    assert_int_equal(store_now(&made.bundle), STORE_ROLLED_BACK);
    assert_int_equal(count("SELECT count(*) FROM payout_orders"), 0);
    assert_int_equal(count("SELECT count(*) FROM payout_batches"), 0);
    assert_int_equal(count("SELECT count(*) FROM idempotency"), 0);
}

static void an_order_is_claimed_once_until_its_lease_ends(void **state UNUSED)
{
    make_single(&lab.merchant_id, "k-1", ORDER_QUEUED);
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    assert_int_equal(claim_now(10, NOW - 1).count, 0);
    struct claims first = claim_now(10, NOW);
    assert_int_equal(first.count, 1);
    assert_int_equal(first.claim[0].epoch, 1);
    assert_int_equal(first.claim[0].try_number, 1);
    assert_false(first.claim[0].is_batch_canceled);
    assert_true(uuid_eq(&first.claim[0].order_id, &made.orders[0].order_id));
    assert_true(uuid_eq(&first.claim[0].payment_id, &made.orders[0].order_id));
    assert_true(str_eq(first.claim[0].request_sealed, STR("\0sealed\xff")));
    assert_int_equal(claim_now(10, NOW + 59 SECONDS).count, 0);
    struct claims again = claim_now(10, NOW + 60 SECONDS);
    assert_int_equal(again.count, 1);
    assert_int_equal(again.claim[0].epoch, 2);
}

static void what_waits_for_approval_is_not_claimed(void **state UNUSED)
{
    make_single(&lab.merchant_id, "k-1", ORDER_REQUIRES_APPROVAL);
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    assert_int_equal(claim_now(10, NOW + 1000 SECONDS).count, 0);
}

static void merchants_take_turns_and_single_payouts_go_first(void **state UNUSED)
{
    struct uuid big = uuid_new();
    struct uuid small[3] = {uuid_new(), uuid_new(), uuid_new()};
    make_batch(&big, "k-1", 1000, ORDER_QUEUED);
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    for (size_t i = 0; i < 3; i++) {
        make_batch(&small[i], "k-1", 5, ORDER_QUEUED);
        assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    }
    make_single(&big, "k-2", ORDER_QUEUED);
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    struct uuid single = made.orders[0].order_id;
    struct claims got = claim_now(8, NOW);
    assert_int_equal(got.count, 8);
    assert_int_equal(count_of(&got, &big), 2);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(count_of(&got, &small[i]), 2);
    bool has_single = false;
    for (size_t i = 0; i < got.count; i++)
        has_single = has_single || uuid_eq(&got.claim[i].order_id, &single);
    assert_true(has_single);
    /* Of one merchant at most so many; of one that is excluded none. */
    got = claim_of(100, 4, NOW, NULL, 0);
    assert_int_equal(count_of(&got, &big), 4);
    got = claim_of(100, 100, NOW, &big, 1);
    assert_int_equal(count_of(&got, &big), 0);
}

static void of_many_claimers_each_gets_others(void **state UNUSED)
{
    enum { CLAIMERS = 4 };
    static struct claims got[CLAIMERS];
    static struct arena arenas[CLAIMERS];
    struct store *stores[CLAIMERS];
    struct uuid writers[CLAIMERS];
    make_batch(&lab.merchant_id, "k-1", 400, ORDER_QUEUED);
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    struct order_wanted wanted = {
        .limit = 60, .merchant_limit = 60, .now_us = NOW, .lease_ms = LEASE_MS};
    struct store_config config = store_config_default;
    config.conninfo = lab.f.conninfo;
    for (int i = 0; i < CLAIMERS; i++) {
        writers[i] = uuid_new();
        arena_init(&arenas[i], 64 << 20);
        stores[i] = store_new(lab.f.loop, &config, &writers[i], &lab.f.instance_id, &lab.f.boot_id,
                              (unsigned)i + 2);
        lab.f.waiting_for++;
        order_claim_start(stores[i], &wanted, &arenas[i], claim_done, &got[i]);
    }
    fixture_wait(&lab.f);
    size_t total = 0;
    for (int i = 0; i < CLAIMERS; i++)
        total += got[i].count;
    assert_true(total >= 60); /* nobody waits for another's rows; nobody gets them, too */
    assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE state = 'running'"),
                     (long)total);
    assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE epoch > 1"), 0);
    for (int i = 0; i < CLAIMERS; i++) {
        store_free(&stores[i]);
        arena_release(&arenas[i]);
    }
}

static void an_end_counts_for_its_claim_alone(void **state UNUSED)
{
    make_batch(&lab.merchant_id, "k-1", 9, ORDER_QUEUED);
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    struct claims late = claim_now(3, NOW);
    struct claims got = claim_now(9, NOW + 60 SECONDS);
    assert_int_equal(late.count, 3);
    assert_int_equal(got.count, 9);
    struct order_end zombie = end_of(&late.claim[0], ORDER_QUEUED);
    assert_int_equal(end_now(&zombie, 1), 0);
    struct order_end ends[3];
    ends[0] = end_of(&got.claim[0], ORDER_QUEUED); /* put back */
    ends[0].wait_count = 4;
    ends[0].free_tries = 3;
    ends[0].reason = STR("no_healthy_provider");
    ends[1] = end_of(&got.claim[1], ORDER_BEGUN);
    ends[1].has_payment = true;
    ends[2] = end_of(&got.claim[2], ORDER_FAILED);
    ends[2].status = STR("failed");
    ends[2].reason = STR("no_route");
    assert_int_equal(end_now(ends, 2), 2);
    assert_int_equal(end_now(ends, 2), 0);
    assert_int_equal(end_now(ends + 2, 1), 1);
    assert_int_equal(end_now(ends + 2, 1), 0);
    assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE state = 'queued' AND"
                           " wait_count = 4 AND begun_at IS NULL AND request_sealed IS NOT NULL"
                           " AND reason = 'no_healthy_provider' AND done_at IS NULL"),
                     1);
    assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE state = 'begun' AND begun_at"
                           " IS NOT NULL AND request_sealed IS NULL AND done_at IS NULL"),
                     1);
    assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE state = 'failed' AND status ="
                           " 'failed' AND begun_at IS NULL AND done_at IS NOT NULL"),
                     1);
    assert_int_equal(claim_now(9, NOW + 4 SECONDS).count, 0);
    struct claims again = claim_now(9, NOW + 5 SECONDS);
    assert_int_equal(again.count, 1);
    assert_int_equal(again.claim[0].wait_count, 4);
    assert_int_equal(again.claim[0].free_tries, 3);
}

/* ---- deciding ---- */

static int64_t decide_as(const struct uuid *subject_id, enum order_decision decision,
                         const struct uuid *key_id, bool is_batch)
{
    struct number number = {.f = &lab.f};
    struct order_decide decide = {
        .merchant_id = lab.merchant_id,
        .subject_id = *subject_id,
        .decision = decision,
        .key_id = *key_id,
        .role = STR("finance"),
        .now_us = NOW,
    };
    lab.f.waiting_for++;
    if (is_batch)
        order_decide_batch_start(lab.f.store, &decide, number_done, &number);
    else
        order_decide_start(lab.f.store, &decide, number_done, &number);
    return number_wait(&number);
}

static void another_key_approves_and_once(void **state UNUSED)
{
    make_single(&lab.merchant_id, "k-1", ORDER_REQUIRES_APPROVAL);
    struct uuid id = made.orders[0].order_id;
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    assert_int_equal(decide_as(&id, ORDER_APPROVE, &lab.creator, false), 0);
    assert_int_equal(count("SELECT count(*) FROM payout_decisions"), 0);
    assert_int_equal(decide_as(&id, ORDER_APPROVE, &lab.other, false), 1);
    assert_int_equal(decide_as(&id, ORDER_APPROVE, &lab.other, false), 0);
    assert_int_equal(decide_as(&id, ORDER_REJECT, &lab.other, false), 0);
    assert_int_equal(count("SELECT count(*) FROM payout_decisions WHERE decision = 'approve'"), 1);
    assert_int_equal(claim_now(5, NOW).count, 1);
    struct uuid stranger = uuid_new();
    assert_int_equal(decide_as(&stranger, ORDER_APPROVE, &lab.other, false), 0);
}

static void approve_reject_and_cancel_at_once_have_one_winner(void **state UNUSED)
{
    static const enum order_decision decisions[] = {ORDER_APPROVE, ORDER_REJECT, ORDER_CANCEL};
    for (int round = 0; round < 20; round++) {
        struct number numbers[9];
        char key[32];
        (void)snprintf(key, sizeof(key), "k-%d", round);
        make_single(&lab.merchant_id, key, ORDER_REQUIRES_APPROVAL);
        assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
        struct order_decide decide = {
            .merchant_id = lab.merchant_id,
            .subject_id = made.orders[0].order_id,
            .key_id = lab.other,
            .role = STR("finance"),
            .now_us = NOW,
        };
        for (size_t i = 0; i < 9; i++) {
            numbers[i] = (struct number){.f = &lab.f};
            lab.f.waiting_for++;
            decide.decision = decisions[(i + (size_t)round) % 3];
            order_decide_start(lab.f.store, &decide, number_done, &numbers[i]);
        }
        fixture_wait(&lab.f);
        /* A cancel may follow an approval: then both won, one after the other. */
        long notes = count("SELECT count(*) FROM payout_decisions");
        long won = 0;
        for (size_t i = 0; i < 9; i++)
            won += (long)numbers[i].count;
        assert_int_equal(won, notes);
        long both = count("SELECT count(*) FROM payout_decisions a JOIN payout_decisions r"
                          " USING (subject_id) WHERE r.decision = 'reject' AND a.decision <>"
                          " 'reject'");
        assert_int_equal(both, 0);
        (void)fixture_ask(lab.conn, "UPDATE payout_orders SET state = 'rejected'");
        PGconn *owner = fixture_connect("postgres");
        (void)fixture_ask(owner, "DELETE FROM payout_decisions");
        PQfinish(owner);
    }
}

static void a_batch_is_approved_and_rejected_with_its_rows(void **state UNUSED)
{
    make_batch(&lab.merchant_id, "k-1", 50, ORDER_REQUIRES_APPROVAL);
    struct uuid id = made.batch.batch_id;
    struct uuid row = made.orders[0].order_id;
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    assert_int_equal(decide_as(&row, ORDER_APPROVE, &lab.other, false), 0); /* not by itself */
    assert_int_equal(decide_as(&row, ORDER_CANCEL, &lab.creator, false), 1);
    assert_int_equal(decide_as(&id, ORDER_APPROVE, &lab.creator, true), 0);
    assert_int_equal(decide_as(&id, ORDER_APPROVE, &lab.other, true), 1);
    assert_int_equal(decide_as(&id, ORDER_APPROVE, &lab.other, true), 0);
    assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE state = 'queued'"), 44);
    assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE state = 'canceled'"), 1);
    make_batch(&lab.merchant_id, "k-2", 50, ORDER_REQUIRES_APPROVAL);
    id = made.batch.batch_id;
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    assert_int_equal(decide_as(&id, ORDER_REJECT, &lab.creator, true), 1);
    assert_int_equal(decide_as(&id, ORDER_APPROVE, &lab.other, true), 0);
    assert_int_equal(decide_as(&id, ORDER_CANCEL, &lab.other, true), 0);
    assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE state = 'rejected' AND"
                           " done_at IS NOT NULL"),
                     45);
}

/* ---- canceling what may have begun ---- */

/* Begin the try as the driver does: whoever has the key has the payout. */
static bool begin(const struct order_claim *claim)
{
    char sql[512];
    char key[ORDER_KEY_SIZE];
    char merchant[UUID_TEXT_SIZE];
    char payment[UUID_TEXT_SIZE];
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO idempotency VALUES ('%s', '%s', sha256('x'), '%s', '%s', now())"
                   " ON CONFLICT DO NOTHING RETURNING 1",
                   uuid_format(&claim->merchant_id, merchant).at,
                   order_key(&claim->order_id, claim->try_number, key).at,
                   uuid_format(&claim->payment_id, payment).at, payment);
    return strcmp(fixture_ask(lab.conn, sql), "1") == 0;
}

static void what_has_begun_is_not_canceled_and_what_is_canceled_never_begins(void **state UNUSED)
{
    make_batch(&lab.merchant_id, "k-1", 5, ORDER_QUEUED);
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    struct claims got = claim_now(3, NOW);
    assert_int_equal(got.count, 3);
    assert_true(begin(&got.claim[0]));
    assert_int_equal(decide_as(&got.claim[0].order_id, ORDER_CANCEL, &lab.creator, false), 0);
    assert_int_equal(decide_as(&got.claim[1].order_id, ORDER_CANCEL, &lab.creator, false), 1);
    assert_false(begin(&got.claim[1])); /* a worker that slept over it */
    /* Put back, and still its old claimer may wake up. */
    struct order_end back = end_of(&got.claim[2], ORDER_QUEUED);
    assert_int_equal(end_now(&back, 1), 1);
    assert_int_equal(decide_as(&got.claim[2].order_id, ORDER_CANCEL, &lab.creator, false), 1);
    assert_false(begin(&got.claim[2]));
    /* Never claimed: no key needs to be taken. */
    long keys = count("SELECT count(*) FROM idempotency");
    struct claims rest = claim_now(9, NOW + 60 SECONDS);
    assert_int_equal(rest.count, 3); /* the first, and the two that nobody touched */
    assert_int_equal(decide_as(&back.order_id, ORDER_CANCEL, &lab.creator, false), 0);
    assert_int_equal(count("SELECT count(*) FROM idempotency"), keys);
    struct order_end begun = end_of(&rest.claim[0], ORDER_BEGUN);
    assert_int_equal(end_now(&begun, 1), 1);
    assert_int_equal(decide_as(&rest.claim[0].order_id, ORDER_CANCEL, &lab.creator, false), 0);
}

/* ---- failing what may have begun ---- */

struct hanging { /* an opening that takes its time */
    PGconn *conn;
    PGconn *watcher;
    struct loop_timer timer;
    const char *end;
};

static void end_when_waited_for(void *ctx)
{
    struct hanging *hanging = ctx;
    long waiting =
        fixture_count(hanging->watcher, "SELECT count(*) FROM pg_locks WHERE NOT granted");
    if (waiting == 0)
        loop_timer_start(&hanging->timer, 20 * CLOCK_MS_US);
    else
        (void)fixture_ask(hanging->conn, hanging->end);
}

/* Another worker's opening is in the air when the order fails here: its end decides. */
static const char *fail_beside(const char *client_key, const char *end, bool *can_begin)
{
    struct hanging hanging = {.conn = lab.conn, .end = end};
    make_single(&lab.merchant_id, client_key, ORDER_QUEUED);
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    struct claims got = claim_now(1, NOW);
    assert_int_equal(got.count, 1);
    hanging.watcher = fixture_connect("turnpike_gateway");
    (void)fixture_ask(lab.conn, "BEGIN");
    assert_true(begin(&got.claim[0]));
    loop_timer_init(&hanging.timer, lab.f.loop, end_when_waited_for, &hanging);
    loop_timer_start(&hanging.timer, 0);
    struct order_end failed = end_of(&got.claim[0], ORDER_FAILED);
    failed.status = STR("failed");
    failed.reason = STR("no_route");
    assert_int_equal(end_now(&failed, 1), 1);
    loop_timer_release(&hanging.timer);
    PQfinish(hanging.watcher);
    *can_begin = begin(&got.claim[0]);
    char sql[256];
    char id[UUID_TEXT_SIZE];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT state || ' ' || status || ' ' || reason || ' ' || (done_at IS NOT NULL)"
                   " FROM payout_orders WHERE order_id = '%s'",
                   uuid_format(&failed.order_id, id).at);
    return fixture_ask(lab.conn, sql);
}

static void what_somebody_may_have_begun_does_not_fail(void **state UNUSED)
{
    bool can_begin = true;
    assert_string_equal(fail_beside("k-1", "COMMIT", &can_begin),
                        "queued  idempotency_key_in_use false");
    assert_false(can_begin);
    struct claims again = claim_now(1, NOW + 60 SECONDS); /* and finds what has the key */
    assert_int_equal(again.count, 1);
    assert_int_equal(again.claim[0].try_number, 1);
    assert_string_equal(fail_beside("k-2", "ROLLBACK", &can_begin), "failed failed no_route true");
    assert_false(can_begin); /* a worker that slept over it */
    /* A claim that is over takes no key. */
    make_single(&lab.merchant_id, "k-3", ORDER_QUEUED);
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    struct claims late = claim_now(1, NOW);
    struct claims now = claim_now(1, NOW + 60 SECONDS);
    assert_int_equal(now.count, 1);
    struct order_end zombie = end_of(&late.claim[0], ORDER_FAILED);
    zombie.status = STR("failed");
    assert_int_equal(end_now(&zombie, 1), 0);
    assert_true(begin(&now.claim[0]));
}

static int64_t cancel_rows(const struct uuid *batch_id, int32_t from)
{
    struct number number = {.f = &lab.f};
    lab.f.waiting_for++;
    order_cancel_rows_start(lab.f.store, &lab.merchant_id, batch_id, from, NOW, number_done,
                            &number);
    return number_wait(&number);
}

static void a_batch_is_canceled_but_for_what_has_begun(void **state UNUSED)
{
    make_batch(&lab.merchant_id, "k-1", 1000, ORDER_QUEUED);
    struct uuid id = made.batch.batch_id;
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    struct claims got = claim_now(450, NOW);
    assert_int_equal(got.count, 450);
    for (size_t i = 0; i < 450; i += 45)
        assert_true(begin(&got.claim[i]));
    assert_int_equal(decide_as(&id, ORDER_CANCEL, &lab.creator, true), 1);
    assert_int_equal(decide_as(&id, ORDER_CANCEL, &lab.creator, true), 0);
    assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE state = 'canceled'"), 450);
    int chunks = 0;
    for (int64_t row = 0; (row = cancel_rows(&id, (int32_t)row + 1)) > 0;)
        chunks++;
    assert_int_equal(chunks, 3);
    assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE state = 'canceled'"), 890);
    assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE state = 'running'"), 10);
    /* Whoever claims one of the rest is told. */
    struct claims rest = claim_now(100, NOW + 60 SECONDS);
    assert_int_equal(rest.count, 10);
    assert_true(rest.claim[0].is_batch_canceled);
}

/* ---- a lost answer ---- */

static struct wire wire;
static bool delivers;

/* What was held back arrives late, or never: meanwhile the same bundle waits for it to end. */
static void release(void *ctx UNUSED)
{
    wire_release(&wire, delivers);
}

static struct store *open_wire(void)
{
    static struct uuid writer;
    static char conninfo[256];
    struct store_config config = store_config_default;
    writer = uuid_new();
    wire_open(&wire, lab.f.loop, fixture_dir);
    wire.statement = "order_key";
    (void)snprintf(conninfo, sizeof(conninfo), "host=%s port=%d user=turnpike_gateway dbname=%s",
                   fixture_dir, WIRE_PORT, fixture_database);
    config.conninfo = conninfo;
    config.reconnect_ms = 10;
    return store_new(lab.f.loop, &config, &writer, &lab.f.instance_id, &lab.f.boot_id, 2);
}

static void let_write(void *ctx)
{
    (void)fixture_ask(ctx, "GRANT INSERT ON idempotency TO turnpike_gateway");
}

/* After a lost commit everything is refused for a while: 15,000 rows are not sent without end. */
static void what_is_refused_again_and_again_is_not_hurried(void **state UNUSED)
{
    struct loop_timer later;
    PGconn *owner = fixture_connect("postgres");
    struct store *direct = lab.f.store;
    struct store *cut = open_wire();
    make_batch(&lab.merchant_id, "k-1", 20, ORDER_QUEUED);
    loop_timer_init(&later, lab.f.loop, let_write, owner);
    (void)fixture_ask(owner, "REVOKE INSERT ON idempotency FROM turnpike_gateway");
    wire.armed = CUT_ALL;
    loop_timer_start(&later, 3 * CLOCK_SECOND_US);
    lab.f.store = cut;
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    lab.f.store = direct;
    assert_int_equal(wire.cut_count, 1);
    if (wire.seen_count < 2 || wire.seen_count > 30)
        fail_msg("sent %u times", wire.seen_count);
    assert_int_equal(count("SELECT count(*) FROM payout_orders"), 18);
    loop_timer_release(&later);
    PQfinish(owner);
    store_free(&cut);
    wire_close(&wire);
}

static void a_lost_commit_is_found_by_its_key(void **state UNUSED)
{
    struct loop_timer later;
    struct store *direct = lab.f.store;
    struct store *cut = open_wire();
    loop_timer_init(&later, lab.f.loop, release, NULL);
    int batches = 0;
    for (int round = 0; round < 2 * (CUT_COUNT - CUT_ANSWER); round++) {
        enum cut kind = (enum cut)(CUT_ANSWER + round / 2);
        char key[16];
        (void)snprintf(key, sizeof(key), "k-%d", round);
        make_batch(&lab.merchant_id, key, 20, ORDER_QUEUED);
        wire.armed = kind;
        delivers = round % 2 == 0;
        loop_timer_start(&later, 300 * CLOCK_MS_US);
        unsigned cuts = wire.cut_count;
        lab.f.store = cut;
        assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
        lab.f.store = direct;
        assert_int_equal(wire.cut_count, cuts + 1);
        char sql[128];
        (void)snprintf(sql, sizeof(sql),
                       "SELECT count(*) FROM payout_orders o WHERE batch_id ="
                       " (SELECT payment_id FROM idempotency WHERE key = '%s')",
                       key);
        assert_int_equal(count(sql), 18);
        assert_int_equal(count("SELECT count(*) FROM payout_batches"), ++batches);
        wire_release(&wire, delivers);
    }
    loop_timer_release(&later);
    store_free(&cut);
    wire_close(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_open, lab_close)
        TEST(a_batch_is_stored_whole_and_once),
        TEST(a_row_that_the_database_refuses_stores_nothing),
        TEST(an_order_is_claimed_once_until_its_lease_ends),
        TEST(what_waits_for_approval_is_not_claimed),
        TEST(merchants_take_turns_and_single_payouts_go_first),
        TEST(of_many_claimers_each_gets_others),
        TEST(an_end_counts_for_its_claim_alone),
        TEST(another_key_approves_and_once),
        TEST(approve_reject_and_cancel_at_once_have_one_winner),
        TEST(a_batch_is_approved_and_rejected_with_its_rows),
        TEST(what_has_begun_is_not_canceled_and_what_is_canceled_never_begins),
        TEST(what_somebody_may_have_begun_does_not_fail),
        TEST(a_batch_is_canceled_but_for_what_has_begun),
        TEST(what_is_refused_again_and_again_is_not_hurried),
        TEST(a_lost_commit_is_found_by_its_key),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

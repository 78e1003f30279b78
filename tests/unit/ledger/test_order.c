/*
 * Payouts that wait: stored whole or not at all, claimed by one, fairly; decided by one; canceled
 * only when they can never begin.
 */
#include "tests/unit/ledger/fixture.h"
#include "tests/unit/ledger/wire.h"

#include "ledger/order_read.h"

enum {
    ROW_MAX = 2500, /* some statements' worth */
    LEASE_MS = 60000,
};

#define NOW     (INT64_C(1795000000) * 1000000)
#define SECONDS *INT64_C(1000000)

struct lab {
    struct fixture f;
    PGconn *conn;
    struct arena arena;
    struct uuid merchant_id;
    struct uuid creator; /* key */
    struct uuid other;   /* key */
};

static struct lab lab;

static int lab_open(void **state)
{
    (void)fixture_new_database(state);
    memset(&lab, 0, sizeof(lab));
    fixture_open(&lab.f);
    lab.conn = fixture_connect("turnpike_gateway");
    arena_init(&lab.arena, 256 << 20);
    lab.merchant_id = uuid_new();
    lab.creator = uuid_new();
    lab.other = uuid_new();
    return 0;
}

static int lab_close(void **state)
{
    (void)state;
    PQfinish(lab.conn);
    arena_release(&lab.arena);
    fixture_close(&lab.f);
    return 0;
}

/* ---- storing ---- */

struct stored {
    enum store_result result;
    struct error why;
};

static void stored_done(void *ctx, enum store_result result, const struct error *why)
{
    struct stored *stored = ctx;
    stored->result = result;
    stored->why = *why;
    fixture_answered(&lab.f);
}

static enum store_result store_now(const struct order_bundle *bundle)
{
    struct stored stored = {.result = STORE_RESULT_COUNT};
    lab.f.waiting_for++;
    order_store_start(lab.f.store, bundle, stored_done, &stored);
    assert_int_equal(stored.result, STORE_RESULT_COUNT);
    fixture_wait(&lab.f);
    return stored.result;
}

struct made { /* one bundle with all that it points at */
    struct order_bundle bundle;
    struct order_batch batch;
    struct order orders[ROW_MAX];
    struct order_error errors[ROW_MAX];
    struct store_answer answer;
    char key[64];
    char reference[ROW_MAX][24];
};
static struct made made;

static void make_order(struct order *order, const struct uuid *merchant_id, enum order_state state)
{
    *order = (struct order){
        .merchant_id = *merchant_id,
        .order_id = uuid_new(),
        .created_us = NOW,
        .amount_minor = 1099,
        .currency = "EUR",
        .request_sealed = STR("\0sealed\xff"),
        .approval_json = STR("{}"),
        .created_by = lab.creator,
        .state = state,
    };
}

static struct made *make_single(const struct uuid *merchant_id, const char *key,
                                enum order_state state)
{
    memset(&made, 0, sizeof(made));
    make_order(&made.orders[0], merchant_id, state);
    made.bundle = (struct order_bundle){
        .merchant_id = *merchant_id,
        .key = str_of(key),
        .fingerprint = {7},
        .holder_id = made.orders[0].order_id,
        .created_us = NOW,
        .orders = made.orders,
        .order_count = 1,
    };
    return &made;
}

/* Every tenth row is bad. */
static struct made *make_batch(const struct uuid *merchant_id, const char *key, int32_t rows,
                               enum order_state state)
{
    memset(&made, 0, sizeof(made));
    struct uuid batch_id = uuid_new();
    size_t good = 0;
    size_t bad = 0;
    for (int32_t row = 1; row <= rows; row++) {
        if (row % 10 == 0) {
            made.errors[bad++] = (struct order_error){
                .row_number = row,
                .code = STR("invalid_member"),
                .errors_json = STR("[{\"code\":\"invalid_member\",\"param\":\"amount\"}]"),
            };
            continue;
        }
        struct order *order = &made.orders[good];
        make_order(order, merchant_id, state);
        order->batch_id = batch_id;
        order->row_number = row;
        (void)snprintf(made.reference[good], sizeof(made.reference[0]), "ref-%d", (int)row);
        order->reference = str_of(made.reference[good++]);
    }
    made.batch = (struct order_batch){
        .merchant_id = *merchant_id,
        .batch_id = batch_id,
        .created_us = NOW,
        .reference = STR("salaries"),
        .row_count = rows,
        .invalid_count = (int32_t)bad,
        .totals_json = STR("[]"),
        .approval_json = STR("{}"),
        .state = state,
        .created_by = lab.creator,
    };
    made.answer = (struct store_answer){
        .merchant_id = *merchant_id,
        .key = str_of(key),
        .status = 201,
        .content_type = STR("application/json"),
        .location = STR("/v1/payout-batches/bat_x"),
        .body = STR("{\"id\":\"bat_x\"}"),
        .created_us = NOW,
    };
    made.bundle = (struct order_bundle){
        .merchant_id = *merchant_id,
        .key = str_of(key),
        .fingerprint = {9},
        .holder_id = batch_id,
        .created_us = NOW,
        .batch = &made.batch,
        .orders = made.orders,
        .order_count = good,
        .errors = made.errors,
        .error_count = bad,
        .answer = &made.answer,
    };
    return &made;
}

static long count(const char *sql)
{
    return fixture_count(lab.conn, sql);
}

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

/* ---- claiming ---- */

struct claims {
    const struct order_claim *claim;
    size_t count;
};

static void claim_done(void *ctx, enum store_find found, const struct order_claim *claims, size_t n,
                       const struct error *why)
{
    struct claims *got = ctx;
    if (found != STORE_FOUND)
        fail_msg("%s", why->text);
    *got = (struct claims){claims, n};
    fixture_answered(&lab.f);
}

static struct claims claim_of(unsigned limit, unsigned merchant_limit, int64_t now_us,
                              const struct uuid *excluded, size_t excluded_count)
{
    struct claims got = {NULL, 0};
    struct order_wanted wanted = {
        .limit = limit,
        .merchant_limit = merchant_limit,
        .excluded = excluded,
        .excluded_count = excluded_count,
        .now_us = now_us,
        .lease_ms = LEASE_MS,
    };
    lab.f.waiting_for++;
    order_claim_start(lab.f.store, &wanted, &lab.arena, claim_done, &got);
    fixture_wait(&lab.f);
    return got;
}

static struct claims claim_now(unsigned limit, int64_t now_us)
{
    return claim_of(limit, limit, now_us, NULL, 0);
}

static size_t count_of(const struct claims *got, const struct uuid *merchant_id)
{
    size_t n = 0;
    for (size_t i = 0; i < got->count; i++)
        n += uuid_eq(&got->claim[i].merchant_id, merchant_id);
    return n;
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

/* ---- ending ---- */

static int64_t end_now(const struct order_end *ends, size_t n)
{
    struct number number = {.f = &lab.f};
    lab.f.waiting_for++;
    order_end_start(lab.f.store, ends, n, NOW, number_done, &number);
    return number_wait(&number);
}

static struct order_end end_of(const struct order_claim *claim, enum order_state state)
{
    return (struct order_end){
        .merchant_id = claim->merchant_id,
        .order_id = claim->order_id,
        .epoch = claim->epoch,
        .state = state,
        .next_us = NOW + 5 SECONDS,
        .try_number = claim->try_number,
        .wait_count = claim->wait_count,
        .payment_id = claim->payment_id,
    };
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
    ends[0].reason = STR("no_healthy_provider");
    ends[1] = end_of(&got.claim[1], ORDER_BEGUN);
    ends[1].has_payment = true;
    ends[2] = end_of(&got.claim[2], ORDER_FAILED);
    ends[2].status = STR("failed");
    ends[2].reason = STR("no_route");
    assert_int_equal(end_now(ends, 3), 3);
    assert_int_equal(end_now(ends, 3), 0);
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
    assert_int_equal(claim_now(9, NOW + 5 SECONDS).count, 1);
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

/* ---- reading ---- */

struct page {
    enum store_find found;
    const struct payout_view *views;
    size_t count;
    bool has_more;
};

static void page_done(void *ctx, enum store_find found, const struct payout_view *views, size_t n,
                      bool has_more, const struct error *why)
{
    struct page *page = ctx;
    if (found == STORE_FAILED)
        fail_msg("%s", why->text);
    *page = (struct page){found, views, n, has_more};
    fixture_answered(&lab.f);
}

static struct page load(const struct uuid *payout_id)
{
    struct page page = {.count = 0};
    lab.f.waiting_for++;
    payout_load(lab.f.store, &lab.merchant_id, payout_id, &lab.arena, page_done, &page);
    fixture_wait(&lab.f);
    return page;
}

static struct page list(struct payout_filter filter)
{
    struct page page = {.count = 0};
    filter.merchant_id = lab.merchant_id;
    lab.f.waiting_for++;
    payout_list(lab.f.store, &filter, &lab.arena, page_done, &page);
    fixture_wait(&lab.f);
    return page;
}

static struct page rows_of(const struct uuid *batch_id, int32_t after, const char *status,
                           unsigned limit)
{
    struct page page = {.count = 0};
    lab.f.waiting_for++;
    payout_rows(lab.f.store, &lab.merchant_id, batch_id, after, str_of(status), limit, &lab.arena,
                page_done, &page);
    fixture_wait(&lab.f);
    return page;
}

/* A payout of the ledger, of that id and key, closed with the status. */
static void put_payout(const struct uuid *payment_id, const char *key, enum payment_status status,
                       const char *reason)
{
    struct rows r;
    rows_open(&r, &lab.merchant_id);
    r.payment.payment_id = *payment_id;
    r.payment.is_payout = true;
    r.payment.created_us = NOW;
    r.payment.key = str_of(key);
    r.payment.reference = STR_NONE;
    r.attempt.payment_id = *payment_id;
    r.attempt.operation = OPERATION_PAYOUT;
    assert_int_equal(write_now(&lab.f, &r.txn), STORE_COMMITTED);
    if (status == PAYMENT_NONE)
        return;
    rows_to_close(&r);
    r.txn.transfer_count = 0;
    r.txn.limits = NULL;
    r.txn.answer = NULL;
    r.outcome.outcome = status == PAYMENT_SUCCEEDED ? OUTCOME_APPROVED : OUTCOME_FAILED;
    r.outcome.reason = str_of(reason);
    r.events[0].payment_id = *payment_id;
    r.events[0].status = status;
    assert_int_equal(write_now(&lab.f, &r.txn), STORE_COMMITTED);
}

static void a_payout_is_found_by_its_own_id_alone(void **state UNUSED)
{
    char key[ORDER_KEY_SIZE];
    struct uuid direct = uuid_new();
    put_payout(&direct, "k-direct", PAYMENT_SUCCEEDED, "");
    struct page page = load(&direct);
    assert_int_equal(page.found, STORE_FOUND);
    assert_false(page.views[0].has_order);
    assert_int_equal(page.views[0].payment->status, PAYMENT_SUCCEEDED);
    /* An order without payment; then with that of its second try. */
    make_single(&lab.merchant_id, "k-1", ORDER_QUEUED);
    struct uuid id = made.orders[0].order_id;
    struct uuid second = uuid_new();
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    page = load(&id);
    assert_int_equal(page.found, STORE_FOUND);
    assert_true(page.views[0].has_order);
    assert_null(page.views[0].payment);
    assert_int_equal(page.views[0].order.state, ORDER_QUEUED);
    struct claims got = claim_now(1, NOW);
    put_payout(&id, order_key(&id, 1, key).at, PAYMENT_FAILED, "connect_refused");
    struct order_end next = end_of(&got.claim[0], ORDER_QUEUED);
    next.try_number = 2;
    next.payment_id = second;
    next.has_payment = true;
    assert_int_equal(end_now(&next, 1), 1);
    page = load(&id);
    assert_null(page.views[0].payment);
    put_payout(&second, order_key(&id, 2, key).at, PAYMENT_NONE, "");
    page = load(&id);
    assert_true(uuid_eq(&page.views[0].payment->row.payment_id, &second));
    assert_int_equal(load(&second).found, STORE_ABSENT); /* a try is no payout of its own */
    struct uuid stranger = uuid_new();
    assert_int_equal(load(&stranger).found, STORE_ABSENT);
    struct rows r;
    rows_open(&r, &lab.merchant_id);
    assert_int_equal(write_now(&lab.f, &r.txn), STORE_COMMITTED);
    assert_int_equal(load(&r.payment.payment_id).found, STORE_ABSENT); /* a payment */
}

static void lists_hold_every_payout_once(void **state UNUSED)
{
    char key[ORDER_KEY_SIZE];
    struct uuid ids[5];
    /* old to new: direct; queued; first try begun; second try; running and already begun */
    ids[0] = uuid_new();
    put_payout(&ids[0], "k-direct", PAYMENT_SUCCEEDED, "");
    for (int i = 1; i < 5; i++) {
        char client_key[16];
        (void)snprintf(client_key, sizeof(client_key), "k-%d", i);
        make_single(&lab.merchant_id, client_key, ORDER_QUEUED);
        made.orders[0].reference = i == 1 ? STR("mine") : STR_NONE;
        ids[i] = made.orders[0].order_id;
        assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    }
    struct claims got = claim_now(9, NOW);
    assert_int_equal(got.count, 4);
    for (size_t i = 0; i < got.count; i++) {
        const struct order_claim *claim = &got.claim[i];
        struct order_end end = end_of(claim, ORDER_BEGUN);
        end.has_payment = true;
        if (uuid_eq(&claim->order_id, &ids[1])) {
            end = end_of(claim, ORDER_QUEUED);
        } else if (uuid_eq(&claim->order_id, &ids[3])) {
            put_payout(&ids[3], order_key(&ids[3], 1, key).at, PAYMENT_FAILED, "x");
            end.payment_id = uuid_new();
            end.try_number = 2;
            put_payout(&end.payment_id, order_key(&ids[3], 2, key).at, PAYMENT_UNCLAIMED, "y");
        } else {
            put_payout(&claim->order_id, order_key(&claim->order_id, 1, key).at, PAYMENT_SUCCEEDED,
                       "");
        }
        if (!uuid_eq(&claim->order_id, &ids[4]))
            assert_int_equal(end_now(&end, 1), 1);
    }
    struct page page = list((struct payout_filter){.limit = 100});
    assert_int_equal(page.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(uuid_eq(&page.views[i].payout_id, &ids[4 - i]));
    /* by pages */
    struct payout_filter filter = {.limit = 2};
    size_t seen = 0;
    do {
        page = list(filter);
        for (size_t i = 0; i < page.count; i++)
            assert_true(uuid_eq(&page.views[i].payout_id, &ids[4 - seen++]));
        filter.after = page.views[page.count - 1].payout_id;
    } while (page.has_more);
    assert_int_equal(seen, 5);
    /* by status, as it is shown */
    static const struct {
        const char *status;
        size_t count;
    } statuses[] = {
        {"succeeded", 2}, {"scheduled", 1}, {"unclaimed", 1}, {"processing", 1}, {"failed", 0}};
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        page = list((struct payout_filter){.limit = 100, .status = str_of(statuses[i].status)});
        if (page.count != statuses[i].count)
            fail_msg("%s: %zu", statuses[i].status, page.count);
    }
    page = list((struct payout_filter){.limit = 100, .reference = STR("mine")});
    assert_int_equal(page.count, 1);
    assert_true(uuid_eq(&page.views[0].payout_id, &ids[1]));
    assert_int_equal(list((struct payout_filter){.limit = 9, .provider = STR("paypal")}).count, 4);
    assert_int_equal(list((struct payout_filter){.limit = 9, .from_us = NOW + 1 SECONDS}).count, 0);
    assert_int_equal(list((struct payout_filter){.limit = 9, .to_us = NOW}).count, 0);
}

static void rows_of_a_batch_are_paged_with_the_refused_ones(void **state UNUSED)
{
    make_batch(&lab.merchant_id, "k-1", 95, ORDER_QUEUED);
    struct uuid id = made.batch.batch_id;
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    int32_t at = 0;
    struct page page;
    do {
        page = rows_of(&id, at, NULL, 10);
        for (size_t i = 0; i < page.count; i++) {
            const struct payout_view *view = &page.views[i];
            int32_t row = view->error != NULL ? view->error->row_number : view->order.row_number;
            assert_int_equal(row, ++at);
            assert_int_equal(view->error != NULL, at % 10 == 0);
        }
    } while (page.has_more);
    assert_int_equal(at, 95);
    page = rows_of(&id, 0, "invalid", 100);
    assert_int_equal(page.count, 9);
    assert_true(str_eq(page.views[8].error->code, STR("invalid_member")));
    page = rows_of(&id, 0, "scheduled", 100);
    assert_int_equal(page.count, 86);
    struct uuid stranger = uuid_new();
    assert_int_equal(rows_of(&stranger, 0, NULL, 100).count, 0);
}

struct batch_page {
    const struct batch_view *views;
    size_t count;
    bool has_more;
};

static void batch_done(void *ctx, enum store_find found, const struct batch_view *views, size_t n,
                       bool has_more, const struct error *why)
{
    struct batch_page *page = ctx;
    if (found != STORE_FOUND)
        fail_msg("%s", why->text);
    *page = (struct batch_page){views, n, has_more};
    fixture_answered(&lab.f);
}

static struct batch_page load_batch(const struct uuid *batch_id)
{
    struct batch_page page = {.count = 0};
    lab.f.waiting_for++;
    batch_load(lab.f.store, &lab.merchant_id, batch_id, &lab.arena, batch_done, &page);
    fixture_wait(&lab.f);
    return page;
}

static int64_t counted(const struct batch_view *view, const char *status, const char *reason)
{
    int64_t n = 0;
    for (size_t i = 0; i < view->count_count; i++) {
        if (str_eq(view->counts[i].status, str_of(status)) &&
            str_eq(view->counts[i].reason, str_of(reason)))
            n += view->counts[i].count;
    }
    return n;
}

static int64_t settle_now(int64_t now_us)
{
    struct number number = {.f = &lab.f};
    lab.f.waiting_for++;
    order_settle_start(lab.f.store, 1000, now_us, number_done, &number);
    return number_wait(&number);
}

static void progress_is_counted_by_status_and_reason(void **state UNUSED)
{
    char key[ORDER_KEY_SIZE];
    make_batch(&lab.merchant_id, "k-1", 40, ORDER_QUEUED);
    struct uuid id = made.batch.batch_id;
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    struct claims got = claim_now(20, NOW);
    assert_int_equal(got.count, 20);
    for (size_t i = 0; i < 12; i++) {
        const struct order_claim *claim = &got.claim[i];
        struct order_end end = end_of(claim, ORDER_BEGUN);
        end.has_payment = true;
        put_payout(&claim->order_id, order_key(&claim->order_id, 1, key).at,
                   i < 6   ? PAYMENT_SUCCEEDED
                   : i < 9 ? PAYMENT_RETURNED
                           : PAYMENT_NONE,
                   i < 6 ? "" : "returned");
        assert_int_equal(end_now(&end, 1), 1);
    }
    struct order_end failed = end_of(&got.claim[12], ORDER_FAILED);
    failed.status = STR("failed");
    failed.reason = STR("no_route");
    assert_int_equal(end_now(&failed, 1), 1);
    for (int round = 0; round < 2; round++) { /* before and after they are known to be done */
        struct batch_page page = load_batch(&id);
        assert_int_equal(page.count, 1);
        assert_int_equal(counted(&page.views[0], "succeeded", ""), 6);
        assert_int_equal(counted(&page.views[0], "returned", "returned"), 3);
        assert_int_equal(counted(&page.views[0], "processing", ""), 3 + 7);
        assert_int_equal(counted(&page.views[0], "scheduled", ""), 16);
        assert_int_equal(counted(&page.views[0], "failed", "no_route"), 1);
        assert_int_equal(page.views[0].invalid_count, 1);
        assert_int_equal(page.views[0].invalid[0].count, 4);
        assert_false(page.views[0].batch.is_done);
        assert_int_equal(settle_now(NOW + 5 SECONDS), round == 0 ? 12 : 0);
        assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE done_at IS NOT NULL"), 10);
    }
    assert_int_equal(settle_now(NOW + 11 SECONDS), 3); /* still open: looked at again, later */
    assert_int_equal(settle_now(NOW + 12 SECONDS), 0);
}

static struct batch_page list_batches(struct payout_filter filter)
{
    struct batch_page page = {.count = 0};
    filter.merchant_id = lab.merchant_id;
    filter.limit = filter.limit == 0 ? 100 : filter.limit;
    lab.f.waiting_for++;
    batch_list(lab.f.store, &filter, &lab.arena, batch_done, &page);
    fixture_wait(&lab.f);
    return page;
}

static void batches_are_listed_by_their_state(void **state UNUSED)
{
    struct uuid ids[3];
    for (int i = 0; i < 3; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k-%d", i);
        make_batch(&lab.merchant_id, key, 3, i == 0 ? ORDER_REQUIRES_APPROVAL : ORDER_QUEUED);
        made.batch.reference = i == 2 ? STR("last") : STR_NONE;
        ids[i] = made.batch.batch_id;
        assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    }
    (void)fixture_ask(lab.conn, "UPDATE payout_orders SET done_at = now() WHERE batch_id ="
                                " (SELECT batch_id FROM payout_batches WHERE reference = 'last')");
    struct batch_page page = list_batches((struct payout_filter){.limit = 2});
    assert_int_equal(page.count, 2);
    assert_true(page.has_more);
    assert_true(uuid_eq(&page.views[0].batch.batch_id, &ids[2]));
    assert_true(page.views[0].batch.is_done);
    static const char *const statuses[] = {"requires_approval", "processing", "completed"};
    for (size_t i = 0; i < 3; i++) {
        page = list_batches((struct payout_filter){.status = str_of(statuses[i])});
        assert_int_equal(page.count, 1);
        assert_true(uuid_eq(&page.views[0].batch.batch_id, &ids[i]));
    }
    assert_int_equal(list_batches((struct payout_filter){.reference = STR("last")}).count, 1);
    assert_int_equal(list_batches((struct payout_filter){.after = ids[1]}).count, 1);
}

/* ---- a lost answer ---- */

static struct wire wire;
static bool delivers;

/* What was held back arrives late, or never: meanwhile the same bundle waits for it to end. */
static void release(void *ctx UNUSED)
{
    wire_release(&wire, delivers);
}

static void a_lost_commit_is_found_by_its_key(void **state UNUSED)
{
    struct loop_timer later;
    struct store_config config = store_config_default;
    struct uuid writer = uuid_new();
    char conninfo[256];
    wire_open(&wire, lab.f.loop, fixture_dir);
    wire.statement = "order_key";
    (void)snprintf(conninfo, sizeof(conninfo), "host=%s port=%d user=turnpike_gateway dbname=%s",
                   fixture_dir, WIRE_PORT, fixture_database);
    config.conninfo = conninfo;
    config.reconnect_ms = 10;
    struct store *direct = lab.f.store;
    struct store *cut =
        store_new(lab.f.loop, &config, &writer, &lab.f.instance_id, &lab.f.boot_id, 2);
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
        TEST(a_batch_is_canceled_but_for_what_has_begun),
        TEST(a_payout_is_found_by_its_own_id_alone),
        TEST(lists_hold_every_payout_once),
        TEST(rows_of_a_batch_are_paged_with_the_refused_ones),
        TEST(progress_is_counted_by_status_and_reason),
        TEST(batches_are_listed_by_their_state),
        TEST(a_lost_commit_is_found_by_its_key),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

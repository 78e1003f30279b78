/*
 * orders.h - what the tests of orders share: a store, bundles made up, claims and ends.
 */
#ifndef TESTS_UNIT_LEDGER_ORDERS_H
#define TESTS_UNIT_LEDGER_ORDERS_H

#include "tests/unit/ledger/fixture.h"

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

static UNUSED int lab_open(void **state)
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

static UNUSED int lab_close(void **state)
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

static UNUSED void stored_done(void *ctx, enum store_result result, const struct error *why)
{
    struct stored *stored = ctx;
    stored->result = result;
    stored->why = *why;
    fixture_answered(&lab.f);
}

static UNUSED enum store_result store_now(const struct order_bundle *bundle)
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

static UNUSED void make_order(struct order *order, const struct uuid *merchant_id,
                              enum order_state state)
{
    *order = (struct order){
        .merchant_id = *merchant_id,
        .order_id = uuid_new(),
        .created_us = NOW,
        .amount_minor = 1099,
        .currency = "EUR",
        .request_sealed = STR("\0sealed\xff"),
        .approval_json = STR("[]"),
        .created_by = lab.creator,
        .state = state,
    };
}

static UNUSED struct made *make_single(const struct uuid *merchant_id, const char *key,
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
static UNUSED struct made *make_batch(const struct uuid *merchant_id, const char *key, int32_t rows,
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
        .approval_json = STR("[]"),
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

static UNUSED long count(const char *sql)
{
    return fixture_count(lab.conn, sql);
}

/* ---- claiming ---- */

struct claims {
    const struct order_claim *claim;
    size_t count;
};

static UNUSED void claim_done(void *ctx, enum store_find found, const struct order_claim *claims,
                              size_t n, const struct error *why)
{
    struct claims *got = ctx;
    if (found != STORE_FOUND)
        fail_msg("%s", why->text);
    *got = (struct claims){claims, n};
    fixture_answered(&lab.f);
}

static UNUSED struct claims claim_of(unsigned limit, unsigned merchant_limit, int64_t now_us,
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

static UNUSED struct claims claim_now(unsigned limit, int64_t now_us)
{
    return claim_of(limit, limit, now_us, NULL, 0);
}

static UNUSED size_t count_of(const struct claims *got, const struct uuid *merchant_id)
{
    size_t n = 0;
    for (size_t i = 0; i < got->count; i++)
        n += uuid_eq(&got->claim[i].merchant_id, merchant_id);
    return n;
}

/* ---- ending ---- */

static UNUSED int64_t end_now(const struct order_end *ends, size_t n)
{
    struct number number = {.f = &lab.f};
    lab.f.waiting_for++;
    order_end_start(lab.f.store, ends, n, NOW, number_done, &number);
    return number_wait(&number);
}

static UNUSED struct order_end end_of(const struct order_claim *claim, enum order_state state)
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

#endif

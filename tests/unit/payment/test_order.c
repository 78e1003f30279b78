/*
 * Orders through the runner for real: PostgreSQL, TLS, both payout adapters and the sandbox, whose
 * books say how often each was paid.
 */
#include "tests/unit/payment/world.h"

#include <libpq-fe.h>

#include "payment/order.h"
#include "payment/order_internal.h"

enum {
    POLL_MS = 20,
    POLL_MAX = 1500, /* a breaker stays open for 5 s */
};

static struct orders *orders;
static PGconn *conn;

#define BODY(amount, payees, more)                                                                 \
    "{\"amount\":" #amount ",\"currency\":\"EUR\",\"beneficiary\":{\"type\":\"individual\","       \
    "\"first_name\":\"Ada\",\"last_name\":\"Lovelace\",\"country\":\"DE\"},\"payees\":{" payees    \
    "}" more "}"
#define PAYPAL "\"paypal\":\"ada@example.com\""
#define BOTH   PAYPAL ",\"payoneer\":\"payee-1\""

static void start_orders_of(unsigned try_max)
{
    struct orders_config config = orders_config_default;
    config.try_max = try_max;
    config.interval_ms = 10;
    config.retry_ms = 100;
    config.wait_ms = 50;
    config.wait_max_ms = 200;
    config.lease_ms = 5000;
    struct orders_parts parts = {
        .loop = world.loop,
        .store = world.store,
        .payments = world.payments,
        .merchants = world.merchants,
        .seal_key = world.keys[0],
    };
    orders = orders_new(&config, &parts);
}

static void start_orders(void)
{
    start_orders_of(orders_config_default.try_max);
}

static int start_world(void **state)
{
    const int status = world_start(state);
    const struct uuid merchant_id = world.merchant->merchant_id;
    world_write_secret("paypal_payouts.json", "{\"user\":\"client\",\"password\":\"secret\"}");
    world_write_secret("payoneer_payouts.json", "{\"user\":\"client\",\"password\":\"secret\"}");
    world_put_account(&merchant_id, "paypal_payouts", world.port[SANDBOX_PORT_PAYPAL],
                      "{\"settle_ms\":\"1000\"}",
                      "{\"name\":\"c\",\"default\":{\"percent\":\"1.00\"}}");
    world_put_account(&merchant_id, "payoneer_payouts", world.port[SANDBOX_PORT_PAYONEER_PAYOUTS],
                      "{\"settle_ms\":\"1000\",\"program_id\":\"100012345\"}",
                      "{\"name\":\"d\",\"default\":{\"percent\":\"2.00\"}}");
    for (int i = 0; world.merchant->account_count < 4; i++) {
        assert_true(i < POLL_MAX);
        world_run_for(POLL_MS * CLOCK_MS_US);
        merchants_load(world.merchants, &merchant_id, world_take_merchant, NULL);
        world_wait();
    }
    conn = PQconnectdb(world.conninfo);
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    start_orders();
    return status;
}

/* The world runs on: no answer of the ledger may come to who is gone. */
static void end_orders(void)
{
    orders_drain(orders);
    for (int i = 0; orders->is_claiming || orders->is_settling || orders->is_counting ||
                    !list_is_empty(&orders->writing);
         i++) {
        assert_true(i < POLL_MAX);
        world_run_for(POLL_MS * CLOCK_MS_US);
    }
    orders_free(&orders);
}

static int stop_world(void **state)
{
    end_orders();
    PQfinish(conn);
    return world_stop(state);
}

static const char *query(const char *sql)
{
    static char out[1024];
    PGresult *res = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    (void)snprintf(out, sizeof(out), "%s", PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
    PQclear(res);
    return out;
}

/* Of one order: "state status try reason". */
static const char *state_of(const struct uuid *order_id)
{
    char id[UUID_TEXT_SIZE];
    char sql[300];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT state || ' ' || status || ' ' || try_number || ' ' || reason"
                   " FROM payout_orders WHERE order_id = '%s'",
                   uuid_format(order_id, id).at);
    return query(sql);
}

static void wait_for(const struct uuid *order_id, const char *wanted)
{
    for (int i = 0; strcmp(state_of(order_id), wanted) != 0; i++) {
        if (i == POLL_MAX)
            fail_msg("\"%s\" instead of \"%s\"", state_of(order_id), wanted);
        world_run_for(POLL_MS * CLOCK_MS_US);
    }
}

static void stored(void *ctx, enum store_result result, const struct error *why)
{
    (void)ctx;
    if (result != STORE_COMMITTED)
        fail_msg("%s: %s", store_result_name(result), why->text);
    loop_stop(world.loop);
}

/* An order of `body` that is due at once; of a batch when batch_id is given. */
static struct uuid put_order(const char *body, const struct uuid *batch_id)
{
    static unsigned number;
    struct error err;
    char key[32];
    json_t *json = json_parse(str_of(body), &json_limits_default, &err);
    assert_non_null(json);
    (void)snprintf(key, sizeof(key), "client-%u", ++number);
    struct order order = {
        .merchant_id = world.merchant->merchant_id,
        .order_id = uuid_new(),
        .created_us = clock_wall_us(),
        .amount_minor = json_integer_value(json_object_get(json, "amount")),
        .currency = "EUR",
        .reference = arena_str(&world.arena, json_text(json, "reference")),
        .approval_json = STR("[]"),
        .state = ORDER_QUEUED,
    };
    struct order_batch batch = {0};
    if (batch_id != NULL) {
        order.batch_id = *batch_id;
        order.row_number = (int32_t)number;
        batch = (struct order_batch){.merchant_id = order.merchant_id,
                                     .batch_id = *batch_id,
                                     .created_us = order.created_us,
                                     .row_count = 1,
                                     .totals_json = STR("[]"),
                                     .approval_json = STR("[]"),
                                     .state = ORDER_QUEUED};
    }
    assert_true(order_request_seal(world.keys[0], &order.merchant_id, &order.order_id, json,
                                   &world.arena, &order.request_sealed));
    json_decref(json);
    struct order_bundle bundle = {
        .merchant_id = order.merchant_id,
        .key = str_of(key),
        .holder_id = batch_id != NULL ? *batch_id : order.order_id,
        .created_us = order.created_us,
        .batch = batch_id != NULL ? &batch : NULL,
        .orders = &order,
        .order_count = 1,
    };
    order_store_start(world.store, &bundle, stored, NULL);
    world_wait();
    return order.order_id;
}

static void fault(const char *provider, const char *kind)
{
    char body[256];
    (void)snprintf(
        body, sizeof(body),
        "{\"provider\":\"%s\",\"operation\":\"payout\",\"kind\":\"%s\",\"delay_ms\":1000}",
        provider, kind);
    (void)world_control("POST", "/faults", body);
}

static void no_faults(void)
{
    (void)world_control("DELETE", "/faults", NULL);
}

static void feel_well(void)
{
    for (size_t a = 0; a < world.merchant->account_count; a++) {
        struct health_entry *entry = world.merchant->account[a].health;
        for (int i = 0; i < 50; i++) {
            health_sent(entry, clock_mono_us());
            health_answered(world.health, entry, HEALTH_SUCCESS, 1000, STR("http_201"),
                            clock_mono_us(), clock_wall_us());
        }
    }
}

/* How often the providers have paid this amount: each test has its own. */
static size_t paid(int64_t amount_minor)
{
    struct error err;
    struct json_limits limits = {
        .depth_max = 32, .member_count_max = 1000000, .string_bytes_max = 65536};
    json_t *json = json_parse(world_control("GET", "/books", NULL), &limits, &err);
    const json_t *entries = json_path(json, "entries");
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        bool is_payout = str_eq(json_text(entry, "kind"), STR("payout"));
        count += is_payout && json_integer_value(json_object_get(entry, "amount")) == amount_minor;
    }
    json_decref(json);
    return count;
}

static long payments_of(const struct uuid *order_id)
{
    char id[UUID_TEXT_SIZE];
    char sql[200];
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM payments WHERE key LIKE '%%%s%%'",
                   uuid_format(order_id, id).at);
    return strtol(query(sql), NULL, 10);
}

/* ---- the tests ---- */

static void an_order_is_paid_once_and_then_forgotten(void **state)
{
    (void)state;
    struct uuid id = put_order(BODY(5001, PAYPAL, ",\"reference\":\"r-1\""), NULL);
    wait_for(&id, "begun succeeded 1 ");
    assert_int_equal(paid(5001), 1);
    assert_int_equal(payments_of(&id), 1);
    assert_string_equal(query("SELECT count(*) FROM payout_orders WHERE request_sealed IS NULL"),
                        "1");
    char text[UUID_TEXT_SIZE];
    char sql[200];
    (void)snprintf(sql, sizeof(sql), "SELECT reference FROM payments WHERE payment_id = '%s'",
                   uuid_format(&id, text).at);
    assert_string_equal(query(sql), "r-1"); /* the payout's id is the order's */
}

/* As if the worker had died behind any of its steps: whoever runs it again finds it begun. */
static void an_order_that_is_run_again_is_not_paid_again(void **state)
{
    char text[UUID_TEXT_SIZE];
    char sql[600];
    (void)state;
    struct uuid ids[3];
    static const char *const bodies[] = {BODY(5002, PAYPAL, ""),
                                         BODY(5002, PAYPAL, ",\"reference\":\"r-2\""),
                                         BODY(5002, "\"paypal\":\"stuck@example.com\"", "")};
    for (size_t i = 0; i < 3; i++) {
        ids[i] = put_order(bodies[i], NULL);
        (void)snprintf(sql, sizeof(sql),
                       "UPDATE payout_orders SET request_sealed = request_sealed WHERE order_id ="
                       " '%s'; CREATE TABLE kept_%zu AS SELECT request_sealed FROM payout_orders"
                       " WHERE order_id = '%s'",
                       uuid_format(&ids[i], text).at, i, text);
        (void)query(sql);
        wait_for(&ids[i], i < 2 ? "begun succeeded 1 " : "begun  1 ");
    }
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++) {
            (void)snprintf(sql, sizeof(sql),
                           "UPDATE payout_orders SET state = 'running', status = '', begun_at ="
                           " NULL, done_at = NULL, next_at = now() - interval '1 s',"
                           " request_sealed = (SELECT request_sealed FROM kept_%zu)"
                           " WHERE order_id = '%s'",
                           i, uuid_format(&ids[i], text).at);
            (void)query(sql);
        }
        for (size_t i = 0; i < 3; i++) {
            wait_for(&ids[i], i < 2 ? "begun succeeded 1 " : "begun  1 ");
            assert_int_equal(payments_of(&ids[i]), 1);
        }
        assert_int_equal(paid(5002), 3);
    }
}

static void what_nobody_took_is_tried_again_under_another_key(void **state)
{
    (void)state;
    feel_well();
    fault("any", "refuse");
    struct uuid id = put_order(BODY(5003, BOTH, ",\"reference\":\"r-3\""), NULL);
    for (int i = 0; strstr(state_of(&id), "queued  2 ") == NULL; i++) {
        if (i == POLL_MAX)
            fail_msg("%s", state_of(&id));
        world_run_for(POLL_MS * CLOCK_MS_US);
    }
    no_faults();
    feel_well();
    for (int i = 0; strncmp(state_of(&id), "begun succeeded", 15) != 0; i++) {
        if (i == POLL_MAX)
            fail_msg("%s", state_of(&id));
        world_run_for(POLL_MS * CLOCK_MS_US);
    }
    assert_int_equal(paid(5003), 1);
    assert_true(payments_of(&id) >= 2);
}

/* Whom it was passed on to cannot express it: that says nothing of who was away. */
static void an_order_outlives_who_cannot_express_it(void **state)
{
    (void)state;
    feel_well();
    fault("paypal_payouts", "refuse");
    struct uuid id = put_order(BODY(5009, PAYPAL ",\"payoneer\":\"a/b\"", ""), NULL);
    for (int i = 0; strstr(state_of(&id), "queued  2 ") == NULL; i++) {
        if (i == POLL_MAX)
            fail_msg("%s", state_of(&id));
        world_run_for(POLL_MS * CLOCK_MS_US);
    }
    no_faults();
    for (int i = 0; strncmp(state_of(&id), "begun succeeded", 15) != 0; i++) {
        if (i == POLL_MAX)
            fail_msg("%s", state_of(&id));
        feel_well();
        world_run_for(POLL_MS * CLOCK_MS_US);
    }
    assert_int_equal(paid(5009), 1);
}

/* It has one try, and is turned away twice: that costs none. */
static void who_is_turned_away_keeps_his_tries(void **state)
{
    (void)state;
    feel_well();
    end_orders();
    start_orders_of(1);
    (void)world_control("POST", "/faults",
                        "{\"provider\":\"paypal_payouts\",\"operation\":\"payout\","
                        "\"kind\":\"http_429\",\"count\":2}");
    struct uuid id = put_order(BODY(5011, PAYPAL, ",\"reference\":\"r-11\""), NULL);
    for (int i = 0; strncmp(state_of(&id), "begun", 5) != 0; i++) {
        if (i == POLL_MAX)
            fail_msg("%s", state_of(&id));
        feel_well();
        world_run_for(POLL_MS * CLOCK_MS_US);
    }
    wait_for(&id, "begun succeeded 3 ");
    assert_int_equal(paid(5011), 1);
    assert_int_equal(payments_of(&id), 3);
    no_faults();
    /* That nobody took it does. */
    fault("paypal_payouts", "refuse");
    id = put_order(BODY(5012, PAYPAL, ""), NULL);
    for (int i = 0; strncmp(state_of(&id), "begun failed 1 ", 15) != 0; i++) {
        if (i == POLL_MAX)
            fail_msg("%s", state_of(&id));
        world_run_for(POLL_MS * CLOCK_MS_US);
    }
    no_faults();
    end_orders();
    start_orders();
}

/* Every breaker is open: the row waits, and no payment is made for it. */
static void an_order_waits_while_nobody_can_be_asked(void **state)
{
    (void)state;
    for (size_t a = 0; a < world.merchant->account_count; a++) {
        struct health_entry *entry = world.merchant->account[a].health;
        for (int i = 0; i < 200; i++) {
            health_sent(entry, clock_mono_us());
            health_answered(world.health, entry, HEALTH_NOT_SENT, 1000, STR("connect_refused"),
                            clock_mono_us(), clock_wall_us());
        }
    }
    struct uuid id = put_order(BODY(5004, BOTH, ""), NULL);
    for (int i = 0; strcmp(state_of(&id), "queued  1 no_healthy_provider") != 0; i++) {
        if (i == POLL_MAX)
            fail_msg("%s", state_of(&id));
        world_run_for(POLL_MS * CLOCK_MS_US);
    }
    assert_int_equal(payments_of(&id), 0);
    feel_well();
    wait_for(&id, "begun succeeded 1 ");
    assert_int_equal(paid(5004), 1);
}

static const struct merchant_account *account_of(const char *provider)
{
    for (size_t a = 0; a < world.merchant->account_count; a++) {
        if (str_eq(world.merchant->account[a].row.provider, str_of(provider)))
            return &world.merchant->account[a];
    }
    fail_msg("no account of %s", provider);
    return NULL;
}

/* Until this worker knows it. */
static void disable(const char *provider, bool disabled)
{
    struct uuid merchant_id = world.merchant->merchant_id;
    struct uuid account_id = account_of(provider)->account.account_id;
    directory_disable_account(world.store, &merchant_id, &account_id, disabled, world_put_done,
                              NULL);
    world_wait();
    for (int i = 0; account_of(provider)->row.disabled != disabled; i++) {
        assert_true(i < POLL_MAX);
        world_run_for(POLL_MS * CLOCK_MS_US);
        merchants_load(world.merchants, &merchant_id, world_take_merchant, NULL);
        world_wait();
    }
}

/* Who stops the only account that would do stops its payouts: he does not end them. */
static void an_order_waits_for_an_account_that_is_disabled(void **state)
{
    char sql[200];
    char text[UUID_TEXT_SIZE];
    (void)state;
    feel_well();
    disable("paypal_payouts", true);
    struct uuid id = put_order(BODY(5010, PAYPAL, ""), NULL);
    struct uuid nobody = put_order(BODY(5010, "\"rebilly\":\"x\"", ""), NULL);
    wait_for(&id, "queued  1 no_route");
    (void)snprintf(sql, sizeof(sql), "SELECT detail FROM payout_orders WHERE order_id = '%s'",
                   uuid_format(&id, text).at);
    assert_non_null(strstr(query(sql), "paypal_payouts:main disabled"));
    assert_int_equal(payments_of(&id), 0);
    wait_for(&nobody, "failed failed 1 no_route"); /* no account would do for it */
    disable("paypal_payouts", false);
    wait_for(&id, "begun succeeded 1 ");
    assert_int_equal(paid(5010), 1);
}

static void what_can_never_be_begun_fails(void **state)
{
    (void)state;
    feel_well();
    struct uuid first = put_order(BODY(5005, PAYPAL, ",\"reference\":\"r-5\""), NULL);
    wait_for(&first, "begun succeeded 1 ");
    struct uuid second = put_order(BODY(5005, PAYPAL, ",\"reference\":\"r-5\""), NULL);
    wait_for(&second, "failed failed 1 reference_taken");
    assert_int_equal(paid(5005), 1);
    struct uuid nobody =
        put_order(BODY(5005, PAYPAL, ",\"providers\":{\"only\":[\"payoneer_payouts\"]}"), NULL);
    wait_for(&nobody, "failed failed 1 no_route");
    assert_int_equal(payments_of(&nobody), 0);
    struct uuid declined = put_order(BODY(5006, "\"paypal\":\"denied@example.com\"", ""), NULL);
    wait_for(&declined, "begun declined 1 invalid_payee");
}

static void a_row_of_a_canceled_batch_is_not_begun(void **state)
{
    struct uuid batch_id = uuid_new();
    char text[UUID_TEXT_SIZE];
    char sql[300];
    (void)state;
    fault("any", "slow"); /* nothing is sent before the cancel */
    end_orders();
    struct uuid id = put_order(BODY(5007, PAYPAL, ""), &batch_id);
    (void)snprintf(sql, sizeof(sql),
                   "UPDATE payout_batches SET state = 'canceled' WHERE batch_id = '%s';"
                   " UPDATE payout_orders SET epoch = 3 WHERE batch_id = '%s'",
                   uuid_format(&batch_id, text).at, text);
    (void)query(sql);
    start_orders();
    wait_for(&id, "canceled canceled 1 ");
    no_faults();
    assert_int_equal(paid(5007), 0);
    assert_int_equal(payments_of(&id), 0);
}

static void a_drained_runner_leaves_nothing_in_hand(void **state)
{
    (void)state;
    feel_well();
    for (int i = 0; i < 20; i++)
        (void)put_order(BODY(5008, PAYPAL, ""), NULL);
    for (int i = 0; !orders_drain(orders); i++) {
        assert_true(i < POLL_MAX);
        world_run_for(POLL_MS * CLOCK_MS_US);
    }
    assert_int_equal(orders_in_flight(orders), 0);
    assert_string_equal(query("SELECT count(*) FROM payout_orders WHERE state = 'running'"), "0");
    end_orders();
    start_orders();
    for (int i = 0; strcmp(query("SELECT count(*) FROM payout_orders WHERE done_at IS NULL AND"
                                 " amount_minor = 5008"),
                           "0") != 0;
         i++) {
        assert_true(i < POLL_MAX);
        world_run_for(POLL_MS * CLOCK_MS_US);
    }
    assert_int_equal(paid(5008), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_paid_once_and_then_forgotten),
        cmocka_unit_test(an_order_that_is_run_again_is_not_paid_again),
        cmocka_unit_test(what_nobody_took_is_tried_again_under_another_key),
        cmocka_unit_test(an_order_outlives_who_cannot_express_it),
        cmocka_unit_test(who_is_turned_away_keeps_his_tries),
        cmocka_unit_test(an_order_waits_while_nobody_can_be_asked),
        cmocka_unit_test(an_order_waits_for_an_account_that_is_disabled),
        cmocka_unit_test(what_can_never_be_begun_fails),
        cmocka_unit_test(a_row_of_a_canceled_batch_is_not_begun),
        cmocka_unit_test(a_drained_runner_leaves_nothing_in_hand),
    };
    return cmocka_run_group_tests(tests, start_world, stop_world);
}

/* test_admit.c - requests that are refused before anything is done for them, over real HTTP. */
#include "world.h"

#include "payment/admission_internal.h"

#define KEY "Idempotency-Key: \"k-1\"\r\n"

static struct admission_config limits;

/* A token a second at most: the tests take theirs faster, and never wait for one. */
static int start(void **state)
{
    if (limits.in_flight_max == 0)
        limits = admission_config_default;
    world_limits = &limits;
    return world_start(state);
}

static int stop(void **state)
{
    int status = world_stop(state);
    limits = admission_config_default;
    world_trusted = NULL;
    return status;
}

static int many_per_key(void **state)
{
    limits = admission_config_default;
    limits.key = (struct bucket_limit){.rate = 1, .burst = 40};
    return start(state);
}

static int few_per_address(void **state)
{
    limits = admission_config_default;
    limits.address = (struct bucket_limit){.rate = 1, .burst = 20};
    return start(state);
}

/* Ask until it is refused: a slow machine gives a few tokens more. */
static int ask_until(int status, const char *method, const char *path, const char *key,
                     const char *body)
{
    int count = 0;
    while (ask(method, path, key, KEY, body) != status && count < 1000)
        count++;
    return count;
}

static void beyond_its_rate_a_key_gets_429_unread(void **state UNUSED)
{
    int count = ask_until(429, "POST", "/v1/payments", world.merchant_key, "{\"no JSON");
    assert_in_range(count, 40, 100);
    assert_problem(429, "rate_limited", "");
    assert_true(has_header("Retry-After: 1\r\n"));
    assert_true(has_header("RateLimit-Policy: \"key\";q=40;w=40\r\n"));
    assert_true(has_header("RateLimit: \"key\";r=0;t="));
    assert_int_equal(fake.write_count, 0);
    /* Another key of the same merchant has its own. */
    assert_int_equal(ask("GET", "/v1/payments", world.finance_key, "", NULL), 200);
    assert_false(has_header("RateLimit"));
}

static void little_left_is_told_with_the_answer(void **state UNUSED)
{
    for (int i = 0; i < 36; i++)
        assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
    assert_true(has_header("RateLimit-Policy: \"key\";q=40;w=40\r\n"));
    assert_true(has_header("RateLimit: \"key\";r="));
}

static const char guess[] = "tpk_test_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static void guessing_keys_is_slowed_down_by_address(void **state UNUSED)
{
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
    assert_int_equal(ask("GET", "/v1/payments", guess, "", NULL), 401);
    int count = ask_until(429, "GET", "/v1/payments", guess, NULL);
    assert_in_range(count, 19, 100);
    assert_problem(429, "rate_limited", "");
    assert_true(has_header("RateLimit-Policy: \"address\";q=20;w=20\r\n"));
    /* Nor anything else without a key: nothing at that address, and what anyone may read. */
    (void)ask_until(429, "GET", "/v1/nothing", NULL, NULL);
    assert_problem(429, "rate_limited", "");
    (void)ask_until(429, "GET", "/openapi.json", NULL, NULL);
    assert_problem(429, "rate_limited", "");
    /* Who has a key is served, even when nobody knows it any more. */
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
    merchants_forget(world.merchants);
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
}

static int behind_a_proxy(void **state)
{
    static struct address_list proxies;
    struct error err;
    assert_true(address_list_parse(STR("127.0.0.1"), &proxies, &err));
    world_trusted = &proxies;
    return few_per_address(state);
}

static void a_proxy_s_address_is_nobody_s(void **state UNUSED)
{
    for (int i = 0; i < 60; i++)
        assert_int_equal(ask("GET", "/v1/payments", NULL, "", NULL), 401);
}

static void an_overloaded_worker_refuses_payments_unread(void **state UNUSED)
{
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
    world.admission->in_hand = world.admission->config.in_flight_max;
    (void)ask("POST", "/v1/payments", world.merchant_key, KEY, "{\"no JSON");
    assert_problem(503, "overloaded", "");
    assert_true(has_header("Retry-After: "));
    assert_true(json_is_true(json_path(world.answer.json, "retryable")));
    assert_int_equal(fake.write_count, 0);
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
    world.admission->in_hand = 0;
    assert_int_equal(ask("POST", "/v1/payments", world.merchant_key, KEY, "{\"no JSON"), 400);
}

/* Its key was opened: answered by what is stored, and nothing is opened for it. */
static void a_repeat_passes_an_overloaded_worker(void **state UNUSED)
{
    const char *payment = "{\"amount\":1099,\"currency\":\"EUR\",\"method\":"
                          "{\"type\":\"test\",\"outcome\":\"approved\"}}";
    struct uuid merchant_id;
    struct error err;
    assert_true(id_parse(ID_MERCHANT, str_of(world.merchant), &merchant_id, &err));
    admission_note_opened(world.admission, &merchant_id, STR("k-1"));
    world.admission->in_hand = world.admission->config.in_flight_max;
    /* The ledger in memory has no such key: then it is refused like any other. */
    (void)ask("POST", "/v1/payments", world.merchant_key, KEY, payment);
    assert_problem(503, "overloaded", "");
    assert_int_equal(fake.key_read_count, 1);
    (void)ask("POST", "/v1/payments", world.merchant_key, "Idempotency-Key: k-2\r\n", payment);
    assert_problem(503, "overloaded", "");
    assert_int_equal(fake.key_read_count, 1);
    assert_int_equal(fake.write_count, 0);
    world.admission->in_hand = 0;
}

#define PAYOUT                                                                                     \
    "{\"amount\":500,\"currency\":\"EUR\",\"beneficiary\":{\"type\":\"individual\",\"first_"       \
    "name\":\"Ada\","                                                                              \
    "\"last_name\":\"Lovelace\"},\"payees\":{\"paypal\":\"ada@example.com\"}}"
#define BATCH "{\"payouts\":[" PAYOUT "]}"

static void overload(bool is_on)
{
    world.admission->in_hand = is_on ? world.admission->config.in_flight_max : 0;
}

/* Payouts above 1.00 EUR wait for an approval: they are stored without the driver. */
static int with_approvals(void **state)
{
    int status = start(state);
    fake.merchants[1].payout_limits_json = STR("{\"EUR\":100}");
    return status;
}

static int post(const char *path, const char *headers, const char *body)
{
    return ask("POST", path, world.merchant_key, headers, body);
}

static void repeats_of_payouts_and_batches_are_answered(void **state UNUSED)
{
    struct buf large;
    buf_init(&large, 1 << 18);
    buf_add_str(&large, STR("{\"payouts\":[" PAYOUT));
    while (large.len < http_limits_default.body_bytes_max)
        buf_add_str(&large, STR("," PAYOUT));
    buf_add(&large, "]}", 3);
    assert_int_equal(post("/v1/payouts", "Idempotency-Key: p-1\r\n", PAYOUT), 202);
    assert_int_equal(post("/v1/payout-batches", "Idempotency-Key: b-1\r\n", BATCH), 202);
    assert_int_equal(post("/v1/payout-batches", "Idempotency-Key: l-1\r\n", large.at), 202);
    size_t orders = fake_orders.order_count;
    overload(true);
    assert_int_equal(post("/v1/payouts", "Idempotency-Key: p-1\r\n", PAYOUT), 202);
    assert_int_equal(post("/v1/payout-batches", "Idempotency-Key: b-1\r\n", BATCH), 202);
    assert_true(has_header("Idempotent-Replayed: true"));
    assert_int_equal(post("/v1/payout-batches", "Idempotency-Key: l-1\r\n", large.at), 202);
    assert_true(has_header("Idempotent-Replayed: true"));
    (void)post("/v1/payout-batches", "Idempotency-Key: l-2\r\n", large.at);
    assert_problem(503, "overloaded", "");
    assert_int_equal(post("/v1/payouts", "Idempotency-Key: p-1\r\n", BATCH), 422);
    assert_int_equal(fake_orders.order_count, orders);
    overload(false);
    buf_release(&large);
}

/* Admitted as repeats, and the ledger has no such key. */
static void a_repeat_opens_nothing(void **state UNUSED)
{
    struct uuid merchant_id;
    struct error err;
    assert_true(id_parse(ID_MERCHANT, str_of(world.merchant), &merchant_id, &err));
    admission_note_opened(world.admission, &merchant_id, STR("k-1"));
    overload(true);
    (void)post("/v1/payouts", KEY, PAYOUT);
    assert_problem(503, "overloaded", "");
    assert_int_equal(fake.key_read_count, 1);
    (void)post("/v1/payout-batches", KEY, BATCH);
    assert_problem(503, "overloaded", "");
    assert_int_equal(fake.key_read_count, 2);
    fake.merchants[1].payout_limits_json = STR(""); /* and by way of the driver */
    merchants_forget(world.merchants);
    (void)post("/v1/payouts", KEY, PAYOUT);
    assert_problem(503, "overloaded", "");
    (void)post("/v1/payout-batches", KEY, BATCH);
    assert_problem(503, "overloaded", "");
    assert_int_equal(fake_orders.order_count, 0);
    assert_int_equal(fake.write_count, 0);
    overload(false);
}

/* x\\y, bare or as "x\\\\y", is one key; "x\\y" is another: x\y. */
static void a_repeat_is_known_by_its_key_not_by_how_it_is_written(void **state UNUSED)
{
    assert_int_equal(post("/v1/payouts", "Idempotency-Key: x\\\\y\r\n", PAYOUT), 202);
    size_t reads = fake.key_read_count;
    overload(true);
    assert_int_equal(post("/v1/payouts", "Idempotency-Key: \"x\\\\\\\\y\"\r\n", PAYOUT), 202);
    assert_int_equal(fake.key_read_count, reads + 1);
    (void)post("/v1/payouts", "Idempotency-Key: \"x\\\\y\"\r\n", PAYOUT);
    assert_problem(503, "overloaded", "");
    (void)post("/v1/payouts", "Idempotency-Key: \"x\\y\r\n", PAYOUT); /* malformed: of nobody */
    assert_problem(503, "overloaded", "");
    assert_int_equal(fake.key_read_count, reads + 1);
    assert_int_equal(fake_orders.order_count, 1);
    overload(false);
}

/* Each is looked up for the first time: more of them than the address has tries. */
static void valid_keys_cost_their_address_nothing(void **state UNUSED)
{
    for (int i = 0; i < 40; i++) {
        char key[64];
        add_key_row(key, KEY_MERCHANT, &fake.merchants[1].merchant_id, false);
        assert_int_equal(ask("GET", "/v1/payments", key, "", NULL), 200);
        assert_false(has_header("RateLimit"));
    }
    fake.is_away = true; /* nor do those that nobody can look up */
    merchants_forget(world.merchants);
    for (int i = 0; i < 40; i++)
        assert_int_equal(ask("GET", "/v1/payments", guess, "", NULL), 503);
    fake.is_away = false;
}

static void whatever_is_answered_nothing_stays_counted(void **state UNUSED)
{
    (void)ask("GET", "/v1/payments", world.merchant_key, "", NULL);
    (void)ask("GET", "/v1/payments?limit=x", world.merchant_key, "", NULL);
    (void)ask("GET", "/v1/payments", NULL, "", NULL);
    (void)ask("GET", "/v1/payments/pay_01JDEX7T1V5M2Q9K8Z4R6W0C3B", world.merchant_key, "", NULL);
    (void)ask("POST", "/v1/payments", world.merchant_key, KEY, "{}");
    (void)ask("POST", "/v1/payments", world.merchant_key, "", "{}");
    (void)ask("POST", "/v1/payments", world.finance_key, KEY, "{}");
    (void)ask("POST", "/v1/admin/merchants", world.operator_key, "", "{\"name\":\"X\"}");
    (void)ask("DELETE", "/v1/payments", world.merchant_key, "", NULL);
    assert_null(world.admission->keys);
    assert_null(world.admission->merchants);
    assert_int_equal(world.admission->read_count, 0);
    assert_int_equal(world.admission->repeat_count, 0);
    assert_int_equal(world.admission->in_hand, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(beyond_its_rate_a_key_gets_429_unread, many_per_key, stop),
        cmocka_unit_test_setup_teardown(little_left_is_told_with_the_answer, many_per_key, stop),
        cmocka_unit_test_setup_teardown(guessing_keys_is_slowed_down_by_address, few_per_address,
                                        stop),
        cmocka_unit_test_setup_teardown(a_proxy_s_address_is_nobody_s, behind_a_proxy, stop),
        cmocka_unit_test_setup_teardown(an_overloaded_worker_refuses_payments_unread, start, stop),
        cmocka_unit_test_setup_teardown(a_repeat_passes_an_overloaded_worker, start, stop),
        cmocka_unit_test_setup_teardown(repeats_of_payouts_and_batches_are_answered, with_approvals,
                                        stop),
        cmocka_unit_test_setup_teardown(a_repeat_opens_nothing, with_approvals, stop),
        cmocka_unit_test_setup_teardown(a_repeat_is_known_by_its_key_not_by_how_it_is_written,
                                        with_approvals, stop),
        cmocka_unit_test_setup_teardown(valid_keys_cost_their_address_nothing, few_per_address,
                                        stop),
        cmocka_unit_test_setup_teardown(whatever_is_answered_nothing_stays_counted, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

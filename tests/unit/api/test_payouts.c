/* test_payouts.c - payouts, approvals and batches over real HTTP and a ledger in memory. */
#include "world.h"

#include "api/intake.h"

#define KEY(text) "Idempotency-Key: \"" text "\"\r\n"
#define ADA                                                                                        \
    "\"beneficiary\":{\"type\":\"individual\",\"first_name\":\"Ada\",\"last_name\":\"Lovelace\"}"
#define PAYEES      "\"payees\":{\"paypal\":\"ada@example.com\"}"
#define PAYOUT(sum) "{\"amount\":" #sum ",\"currency\":\"EUR\"," ADA "," PAYEES "}"
#define BATCH(rows) "{\"reference\":\"b-1\",\"payouts\":[" rows "]}"
#define ROW(sum, reference)                                                                        \
    "{\"amount\":" #sum ",\"currency\":\"EUR\",\"reference\":\"" reference "\"," ADA "," PAYEES "}"
#define BATCHES "/v1/payout-batches"

static int post(const char *path, const char *key, const char *idempotency, const char *body)
{
    return ask("POST", path, key, idempotency, body);
}

static const char *path_to(const char *collection, const char *member, const char *rest)
{
    static char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s%s", collection, text_of(member), rest);
    return path;
}

static int64_t number_of(const char *path)
{
    return json_integer_value(json_path(world.answer.json, path));
}

/* The key cache holds the merchant as it was. */
static void set_limits(const char *json)
{
    fake.merchants[1].payout_limits_json = str_of(json);
    merchants_forget(world.merchants);
}

/* ---- single payouts ---- */

static void a_payout_goes_to_the_driver(void **state UNUSED)
{
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("k-1"), PAYOUT(1000)), 422);
    assert_problem(422, "no_route", ""); /* the merchant has no account */
    assert_int_equal(fake_orders.order_count, 0);
    assert_int_equal(post("/v1/payouts", world.merchant_key, "", PAYOUT(1000)), 400);
    assert_problem(400, "idempotency_key_missing", "Idempotency-Key");
}

static void what_is_wrong_is_named(void **state UNUSED)
{
    static const struct {
        const char *body;
        const char *code;
        const char *param;
    } bad[] = {
        {"{\"amount\":1,\"currency\":\"EUR\"," ADA "}", "missing_member", "payees"},
        {"{\"amount\":0,\"currency\":\"EUR\"," ADA "," PAYEES "}", "invalid_amount", "amount"},
        {"{\"amount\":1,\"currency\":\"EUR\"," ADA ",\"payees\":{\"paypal\":\"ada\"}}",
         "invalid_member", "payees.paypal"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"beneficiary\":{\"type\":\"business\"}," PAYEES "}",
         "missing_member", "beneficiary.business_name"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"beneficiary\":{\"type\":\"business\","
         "\"business_name\":\"x\",\"bank_account\":{\"iban\":\"DE88370400440532013000\"}}," PAYEES
         "}",
         "invalid_member", "beneficiary.bank_account.iban"},
        {"{\"amount\":1,\"currency\":\"EUR\"," ADA "," PAYEES ",\"metadata\":{\"x\":"
         "\"4111111111111111\"}}",
         "card_data", "metadata.x"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("k-2"), bad[i].body), 422);
        assert_problem(422, bad[i].code, bad[i].param);
    }
}

static void another_key_approves(void **state UNUSED)
{
    char id[64];
    set_limits("{\"EUR\":1000}");
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("a-0"), PAYOUT(1000)), 422);
    assert_problem(422, "no_route", ""); /* at the limit: none is needed */
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("a-1"), PAYOUT(1001)), 202);
    assert_string_equal(text_of("status"), "requires_approval");
    assert_string_equal(text_of("beneficiary.name"), "Ada Lovelace");
    assert_int_equal(number_of("approval.exceeds.0.limit"), 1000);
    assert_int_equal(number_of("approval.exceeds.0.amount"), 1001);
    assert_true(has_header("Location: /v1/payouts/pyt_"));
    (void)snprintf(id, sizeof(id), "%s", text_of("id"));
    /* the same key: the same payout, as it is now */
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("a-1"), PAYOUT(1001)), 202);
    assert_string_equal(text_of("id"), id);
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("a-1"), PAYOUT(1002)), 422);
    assert_problem(422, "idempotency_key_reused", "");
    assert_int_equal(fake_orders.order_count, 1);
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("a-1"), PAYOUT(1001)), 202);

    const char *approve = path_to("/v1/payouts", "id", "/approve");
    char path[200];
    (void)snprintf(path, sizeof(path), "%s", approve);
    assert_int_equal(ask("POST", path, world.merchant_key, "", NULL), 403);
    assert_problem(403, "approval_needs_another_key", "");
    assert_int_equal(ask("POST", path, world.other_key, "", NULL), 404);
    assert_int_equal(ask("POST", path, world.operator_key, "", NULL), 403);
    assert_problem(403, "forbidden", "");
    assert_int_equal(ask("POST", path, world.finance_key, "", NULL), 200);
    assert_string_equal(text_of("status"), "scheduled");
    assert_string_equal(text_of("decisions.0.decision"), "approve");
    assert_string_equal(text_of("decisions.0.role"), "finance");
    assert_int_equal(ask("POST", path, world.finance_key, "", NULL), 200); /* harmless */
    assert_int_equal(fake_orders.note_count, 1);
    (void)snprintf(path, sizeof(path), "/v1/payouts/%s/reject", id);
    assert_int_equal(ask("POST", path, world.finance_key, "", NULL), 409);
    assert_problem(409, "conflict", "");
    assert_string_equal(text_of("payment_id"), id);
    /* canceled before it began: the first final answer is kept for its key */
    (void)snprintf(path, sizeof(path), "/v1/payouts/%s/cancel", id);
    assert_int_equal(ask("POST", path, world.finance_key, "", NULL), 403);
    assert_int_equal(ask("POST", path, world.merchant_key, "", NULL), 200);
    assert_string_equal(text_of("status"), "canceled");
    assert_int_equal(ask("POST", path, world.merchant_key, "", NULL), 200);
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("a-1"), PAYOUT(1001)), 201);
    assert_string_equal(text_of("status"), "canceled");
    assert_true(has_header("Idempotent-Replayed: true"));
    set_limits("");
}

static void a_rejected_payout_is_over(void **state UNUSED)
{
    char path[200];
    char id[64];
    set_limits("{\"EUR\":1000}");
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("r-1"), PAYOUT(2000)), 202);
    (void)snprintf(id, sizeof(id), "%s", text_of("id"));
    (void)snprintf(path, sizeof(path), "/v1/payouts/%s/reject", id);
    assert_int_equal(ask("POST", path, world.merchant_key, "", NULL), 200); /* one's own, too */
    assert_string_equal(text_of("status"), "rejected");
    assert_int_equal(ask("POST", path, world.finance_key, "", NULL), 200);
    (void)snprintf(path, sizeof(path), "/v1/payouts/%s/approve", id);
    assert_int_equal(ask("POST", path, world.finance_key, "", NULL), 409);
    (void)snprintf(path, sizeof(path), "/v1/payouts/%s/cancel", id);
    assert_int_equal(ask("POST", path, world.merchant_key, "", NULL), 409);
    (void)snprintf(path, sizeof(path), "/v1/payouts/%s", id);
    assert_int_equal(ask("GET", path, world.finance_key, "", NULL), 200);
    assert_string_equal(text_of("status"), "rejected");
    assert_int_equal(ask("GET", path, world.other_key, "", NULL), 404);
    assert_int_equal(ask("GET", "/v1/payouts?limit=1", world.merchant_key, "", NULL), 200);
    assert_int_equal(json_array_size(json_path(world.answer.json, "data")), 1);
    assert_string_equal(text_of("data.0.id"), id);
    assert_int_equal(ask("GET", "/v1/payouts?status=new", world.merchant_key, "", NULL), 400);
    assert_int_equal(
        ask("GET", "/v1/payouts/pay_01JDEX7T1V5M2Q9K8Z4R6W0C3B", world.merchant_key, "", NULL),
        404);
    set_limits("");
}

/* What a try came to is not what the payout comes to, until the runner has written so. */
static void a_failed_try_is_no_failed_payout(void **state UNUSED)
{
    char path[200];
    char id[64];
    set_limits("{\"EUR\":1000}");
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("f-1"), PAYOUT(2000)), 202);
    (void)snprintf(id, sizeof(id), "%s", text_of("id"));
    struct order *order = &fake_orders.orders[fake_orders.order_count - 1];
    struct store_payment_view *try = &fake.payments[fake.payment_count++];
    *try = (struct store_payment_view){.status = PAYMENT_FAILED};
    try->row.merchant_id = order->merchant_id;
    try->row.payment_id = order->payment_id = uuid_new(); /* of its second try */
    try->row.is_payout = true;
    order->state = ORDER_RUNNING;
    (void)snprintf(path, sizeof(path), "/v1/payouts/%s/cancel", id);
    assert_int_equal(ask("POST", path, world.merchant_key, "", NULL), 409);
    assert_problem(409, "conflict", "");
    assert_true(has_header("Retry-After: 1"));
    assert_string_equal(text_of("payment_id"), id);
    assert_null(strstr(text_of("detail"), "failed"));
    order->state = ORDER_BEGUN; /* now it is */
    assert_int_equal(ask("POST", path, world.merchant_key, "", NULL), 409);
    assert_problem(409, "conflict", "");
    assert_false(has_header("Retry-After"));
    assert_non_null(strstr(text_of("detail"), "failed"));
    fake.payment_count--;
    set_limits("");
}

static void an_order_that_cannot_be_stored_is_told_so(void **state UNUSED)
{
    set_limits("{\"EUR\":1}");
    fake_orders.next_result = STORE_UNAVAILABLE;
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("u-1"), PAYOUT(5)), 503);
    assert_problem(503, "unavailable", "");
    fake_orders.next_result = STORE_UNKNOWN;
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("u-1"), PAYOUT(5)), 503);
    assert_problem(503, "outcome_pending", "");
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("u-1"), PAYOUT(5)), 202);
    set_limits("");
}

/* Whoever repeats a key that is in the ledger is never told that it stands for nothing. */
static void a_key_that_cannot_be_read_is_pending(void **state UNUSED)
{
    set_limits("{\"EUR\":1}");
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("v-1"), PAYOUT(5)), 202);
    fake.away_at = 1; /* the key is not read */
    (void)post("/v1/payouts", world.merchant_key, KEY("v-1"), PAYOUT(5));
    assert_problem(503, "outcome_pending", "");
    fake.is_away = false;
    fake.away_at = 2; /* the payout is not */
    (void)post("/v1/payouts", world.merchant_key, KEY("v-1"), PAYOUT(5));
    assert_problem(503, "outcome_pending", "");
    fake.is_away = false;
    fake_orders.next_result = STORE_KEY_TAKEN; /* and then nobody can say by what */
    fake.away_at = 3;
    (void)post("/v1/payouts", world.merchant_key, KEY("v-2"), PAYOUT(5));
    assert_problem(503, "outcome_pending", "");
    fake.is_away = false;
    fake_orders.next_result = STORE_KEY_TAKEN; /* it was given back; ours is not stored either */
    fake.away_at = 4;
    (void)post("/v1/payouts", world.merchant_key, KEY("v-2"), PAYOUT(5));
    assert_problem(503, "outcome_pending", "");
    fake.is_away = false;
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("v-2"), PAYOUT(5)), 202);
    set_limits("");
}

/* Asked of the ledger in as many steps as it takes, which goes away at each of them. */
static void decide_with_a_ledger_that_goes_away(const char *path, const char *key, unsigned steps)
{
    for (unsigned at = 1; at <= steps; at++) {
        fake.away_at = at;
        (void)ask("POST", path, key, "", NULL);
        assert_problem(503, "outcome_pending", "");
        assert_non_null(strstr(text_of("detail"), "again"));
        fake.is_away = false;
    }
    fake.away_at = 0;
    assert_int_equal(ask("POST", path, key, "", NULL), 200);
}

static void a_decision_that_may_have_been_noted_is_pending(void **state UNUSED)
{
    char path[200];
    char id[64];
    set_limits("{\"EUR\":1}");
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("d-1"), PAYOUT(5)), 202);
    (void)snprintf(id, sizeof(id), "%s", text_of("id"));
    (void)snprintf(path, sizeof(path), "/v1/payouts/%s/approve", id);
    decide_with_a_ledger_that_goes_away(path, world.finance_key, 2);
    (void)snprintf(path, sizeof(path), "/v1/payouts/%s/cancel", id);
    decide_with_a_ledger_that_goes_away(path, world.merchant_key, 2);
    set_limits("");
}

/* ---- batches ---- */

static const char mixed[] = BATCH(ROW(100, "x-1") "," ROW(0, "x-2") ",7," ROW(300, "x-1") "," ROW(
    200, "x-3") ",{\"reference\":\"x-4\"},{\"amount\":4111111111111111}," ROW(5,
                                                                              "4111111111111111"));

static void a_batch_is_taken_and_its_bad_rows_are_named(void **state UNUSED)
{
    static const struct {
        int row;
        const char *code;
        const char *param;
        const char *reference;
    } bad[] = {
        {2, "invalid_amount", "amount", "x-2"},     {3, "invalid_member", "", ""},
        {4, "reference_taken", "reference", "x-1"}, {6, "missing_member", "amount", "x-4"},
        {7, "invalid_amount", "amount", ""},        {8, "card_data", "reference", ""},
    };
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("b-1"), mixed), 201);
    assert_string_equal(text_of("status"), "processing");
    assert_string_equal(text_of("reference"), "b-1");
    assert_int_equal(number_of("rows"), 8);
    assert_int_equal(number_of("valid"), 2);
    assert_int_equal(number_of("invalid"), 6);
    assert_int_equal(number_of("counts.scheduled"), 2);
    assert_int_equal(number_of("reasons.invalid.invalid_amount"), 2);
    assert_int_equal(number_of("totals.0.amount"), 300);
    assert_int_equal(number_of("totals.0.open_rows"), 2);
    assert_true(has_header("Location: /v1/payout-batches/bat_"));
    char rows[200];
    (void)snprintf(rows, sizeof(rows), "%s", path_to(BATCHES, "id", "/payouts?limit=100"));
    char one[200];
    (void)snprintf(one, sizeof(one), "%s", path_to(BATCHES, "id", ""));
    char *first = json_dumps(world.answer.json, JSON_COMPACT);
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("b-1"), mixed), 201);
    assert_true(has_header("Idempotent-Replayed: true"));
    char *again = json_dumps(world.answer.json, JSON_COMPACT);
    assert_string_equal(first, again);
    free(first);
    free(again);
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("b-1"), BATCH(ROW(100, "x-1"))), 422);
    assert_problem(422, "idempotency_key_reused", "");
    assert_int_equal(post("/v1/payouts", world.merchant_key, KEY("b-1"), PAYOUT(5)), 422);
    assert_problem(422, "idempotency_key_reused", "");

    assert_int_equal(ask("GET", rows, world.finance_key, "", NULL), 200);
    assert_int_equal(json_array_size(json_path(world.answer.json, "data")), 8);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "data.%d", bad[i].row - 1);
        const json_t *row = json_path(world.answer.json, path);
        assert_int_equal(json_integer_value(json_object_get(row, "row")), bad[i].row);
        assert_true(str_eq(json_text(row, "status"), STR("invalid")));
        assert_true(str_eq(json_path_text(row, "errors.0.code"), str_of(bad[i].code)));
        assert_true(str_eq(json_path_text(row, "errors.0.param"), str_of(bad[i].param)));
        assert_true(json_path_text(row, "errors.0.detail").len > 0);
        assert_true(str_eq(json_text(row, "reference"), str_of(bad[i].reference)));
    }
    assert_string_equal(text_of("data.0.payout.status"), "scheduled");
    assert_int_equal(number_of("data.4.payout.amount"), 200);
    assert_int_equal(number_of("data.4.payout.row"), 5);
    assert_int_equal(ask("GET", rows, world.other_key, "", NULL), 404);
    assert_int_equal(ask("GET", one, world.other_key, "", NULL), 404);
    assert_int_equal(ask("GET", one, world.merchant_key, "", NULL), 200);
    assert_int_equal(ask("GET", BATCHES, world.merchant_key, "", NULL), 200);
    assert_int_equal(json_array_size(json_path(world.answer.json, "data")), 1);
    /* no number of a card anywhere */
    for (size_t i = 0; i < fake_orders.error_count; i++)
        assert_int_equal(str_find(fake_orders.errors[i].errors_json, STR("4111"), 0), SIZE_MAX);
}

#define CSV_HEADER                                                                                 \
    "amount,currency,reference,beneficiary.type,beneficiary.first_name,beneficiary.last_name,"     \
    "payees.paypal\r\n"

static void the_same_batch_as_csv_is_the_same_request(void **state UNUSED)
{
    static const char json[] = BATCH(ROW(100, "c-1") "," ROW(0, "c-2"));
    static const char csv[] = CSV_HEADER "100,EUR,c-1,individual,Ada,Lovelace,ada@example.com\r\n"
                                         "0,EUR,c-2,individual,Ada,Lovelace,ada@example.com\r\n";
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("c-1"), json), 201);
    char id[64];
    (void)snprintf(id, sizeof(id), "%s", text_of("id"));
    assert_int_equal(ask_as("text/csv; charset=utf-8", "POST", BATCHES "?reference=b-1",
                            world.merchant_key, KEY("c-1"), csv),
                     201);
    assert_string_equal(text_of("id"), id);
    assert_int_equal(
        ask_as("text/csv", "POST", BATCHES "?reference=b-2", world.merchant_key, KEY("c-1"), csv),
        422);
    assert_problem(422, "idempotency_key_reused", "");
    assert_int_equal(ask_as("text/csv", "POST", BATCHES, world.merchant_key, KEY("c-2"), csv), 201);
    assert_int_equal(number_of("invalid"), 1);
    assert_int_equal(ask_as("text/csv", "POST", BATCHES "?on_invalid=reject", world.merchant_key,
                            KEY("c-3"), csv),
                     422);
    assert_problem(422, "invalid_rows", "payouts");
    assert_int_equal(json_array_size(json_path(world.answer.json, "errors")), 1);
    assert_int_equal(number_of("errors.0.row"), 2);
    assert_string_equal(text_of("errors.0.param"), "amount");
}

static void a_batch_may_be_refused_for_its_rows(void **state UNUSED)
{
    size_t before = fake_orders.batch_count;
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("j-1"),
                          "{\"on_invalid\":\"reject\",\"payouts\":[" ROW(1, "") "," ROW(
                              0, "y") "," ROW(1, "z") "]}"),
                     422);
    assert_problem(422, "invalid_rows", "payouts");
    assert_int_equal(json_array_size(json_path(world.answer.json, "errors")), 2);
    assert_int_equal(number_of("errors.0.row"), 1);
    assert_string_equal(text_of("errors.0.param"), "reference");
    assert_int_equal(number_of("errors.1.row"), 2);
    assert_int_equal(fake_orders.batch_count, before);
    /* nothing was stored: corrected, it goes under the same key */
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("j-1"),
                          "{\"on_invalid\":\"reject\",\"payouts\":[" ROW(1, "z") "]}"),
                     201);
}

static void what_is_no_batch_is_refused(void **state UNUSED)
{
    static const struct {
        const char *type;
        const char *path;
        const char *body;
        int status;
        const char *code;
        const char *param;
    } bad[] = {
        {"application/json", BATCHES, "", 400, "malformed_json", ""},
        {"application/json", BATCHES, "{}", 422, "missing_member", "payouts"},
        {"application/json", BATCHES, "{\"payouts\":{}}", 422, "invalid_member", "payouts"},
        {"application/json", BATCHES, "{\"payouts\":[]}", 422, "invalid_member", "payouts"},
        {"application/json", BATCHES, "{\"payouts\":[{]}", 400, "malformed_json", ""},
        {"application/json", BATCHES, "{\"payouts\":[" ROW(1, "a") "]", 400, "malformed_json", ""},
        {"application/json", BATCHES, "{\"payouts\":[" ROW(1, "a") "],\"x\":1}", 422,
         "unknown_member", "x"},
        {"application/json", BATCHES, "{\"payouts\":[" ROW(1, "a") "],\"on_invalid\":\"maybe\"}",
         422, "invalid_member", "on_invalid"},
        {"application/json", BATCHES,
         "{\"payouts\":[" ROW(1, "a") "],\"reference\":\"4111111111111111\"}", 422, "card_data",
         "reference"},
        {"application/json", BATCHES "?reference=x", "{\"payouts\":[" ROW(1, "a") "]}", 400,
         "cursor_malformed", "reference"},
        {"application/xml", BATCHES, "<x/>", 415, "unsupported_media_type", ""},
        {"text/csv", BATCHES, "", 400, "malformed_csv", ""},
        {"text/csv", BATCHES, "amount\n", 422, "missing_member", "currency"},
        {"text/csv", BATCHES, CSV_HEADER, 422, "invalid_member", "payouts"},
        {"text/csv", BATCHES, CSV_HEADER "1,\"EUR", 400, "malformed_csv", ""},
        {"text/csv", BATCHES "?on_invalid=maybe", CSV_HEADER "1\n", 400, "cursor_malformed",
         "on_invalid"},
    };
    size_t before = fake_orders.batch_count;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        (void)ask_as(bad[i].type, "POST", bad[i].path, world.merchant_key, KEY("n-1"), bad[i].body);
        assert_problem(bad[i].status, bad[i].code, bad[i].param);
    }
    assert_int_equal(post(BATCHES, world.finance_key, KEY("n-1"), mixed), 403);
    assert_int_equal(post(BATCHES, world.merchant_key, "", mixed), 400);
    assert_int_equal(fake_orders.batch_count, before);
    assert_int_equal(world.api->intake_count, 0);
}

static void a_batch_is_judged_by_its_rows_and_its_total(void **state UNUSED)
{
    char path[200];
    char id[64];
    set_limits("{\"EUR\":1000}");
    assert_int_equal(
        post(BATCHES, world.merchant_key, KEY("t-1"), BATCH(ROW(500, "1") "," ROW(500, "2"))), 201);
    assert_int_equal(
        post(BATCHES, world.merchant_key, KEY("t-2"), BATCH(ROW(500, "1") "," ROW(501, "2"))), 202);
    assert_string_equal(text_of("status"), "requires_approval");
    assert_int_equal(number_of("approval.exceeds.0.amount"), 1001);
    assert_int_equal(number_of("approval.exceeds.0.largest"), 501);
    assert_int_equal(number_of("counts.requires_approval"), 2);
    (void)snprintf(id, sizeof(id), "%s", text_of("id"));
    (void)snprintf(path, sizeof(path), BATCHES "/%s/approve", id);
    assert_int_equal(ask("POST", path, world.merchant_key, "", NULL), 403);
    assert_problem(403, "approval_needs_another_key", "");
    assert_int_equal(ask("POST", path, world.other_key, "", NULL), 404);
    assert_int_equal(ask("POST", path, world.finance_key, "", NULL), 200);
    assert_int_equal(ask("POST", path, world.finance_key, "", NULL), 200);
    /* its rows are not approved one by one */
    (void)snprintf(path, sizeof(path), BATCHES "/%s/payouts", id);
    assert_int_equal(ask("GET", path, world.finance_key, "", NULL), 200);
    assert_string_equal(text_of("data.0.payout.status"), "scheduled");
    (void)snprintf(path, sizeof(path), "%s",
                   path_to("/v1/payouts", "data.0.payout.id", "/approve"));
    assert_int_equal(ask("POST", path, world.finance_key, "", NULL), 409);
    assert_non_null(strstr(text_of("detail"), id));
    (void)snprintf(path, sizeof(path), BATCHES "/%s/reject", id);
    assert_int_equal(ask("POST", path, world.finance_key, "", NULL), 409);
    (void)snprintf(path, sizeof(path), BATCHES "/%s/cancel", id);
    assert_int_equal(ask("POST", path, world.merchant_key, "", NULL), 200);
    assert_string_equal(text_of("status"), "canceled");
    /* the answer that was given first is given again, whatever happened since */
    assert_int_equal(
        post(BATCHES, world.merchant_key, KEY("t-2"), BATCH(ROW(500, "1") "," ROW(501, "2"))), 202);
    assert_string_equal(text_of("status"), "requires_approval");
    set_limits("");
}

static struct buf large_batch(size_t rows)
{
    struct buf body;
    buf_init(&body, 1 << 23);
    buf_add_str(&body, STR("{\"payouts\":["));
    for (size_t i = 1; i <= rows; i++) {
        buf_printf(&body,
                   "%s{\"amount\":%zu,\"currency\":\"%s\",\"reference\":\"salary-2026-11-%zu\"," ADA
                   ",\"payees\":{\"paypal\":\"employee-%zu@example.com\",\"payoneer\":"
                   "\"employee-%zu\"},\"metadata\":{\"department\":\"research\"}}",
                   i > 1 ? "," : "", i % 100 == 0 ? 0 : 1000 + i, i % 3 == 0 ? "USD" : "EUR", i, i,
                   i);
    }
    buf_add_str(&body, STR("]}"));
    assert_true(buf_is_ok(&body));
    buf_add_char(&body, '\0');
    return body;
}

/* The loop goes round many times while the rows are taken in: other work waits for no batch. */
static void fifteen_thousand_rows_do_not_stop_the_loop(void **state UNUSED)
{
    struct buf body = large_batch(15000);
    int64_t from_us = clock_mono_us();
    fake_orders.order_count = 0;
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("l-1"), body.at), 201);
    int64_t took_us = clock_mono_us() - from_us;
    assert_int_equal(number_of("valid"), 14850);
    assert_int_equal(number_of("invalid"), 150);
    assert_int_equal(json_array_size(json_path(world.answer.json, "totals")), 2);
    print_message("15,000 rows of %zu bytes in %lld ms, %zu rounds of the loop, the longest %lld"
                  " ms\n",
                  body.len, (long long)(took_us / 1000), world.round_count,
                  (long long)(world.longest_us / 1000));
    assert_true(world.round_count > 50);
    assert_int_equal(world.api->intake_count, 0);
    buf_release(&body);
    body = large_batch(15001);
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("l-2"), body.at), 422);
    assert_problem(422, "invalid_member", "payouts");
    buf_release(&body);
}

static void a_batch_that_cannot_be_stored_is_told_so(void **state UNUSED)
{
    fake_orders.next_result = STORE_ROLLED_BACK;
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("s-1"), BATCH(ROW(1, "s"))), 503);
    assert_problem(503, "unavailable", "");
    fake_orders.next_result = STORE_UNKNOWN;
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("s-1"), BATCH(ROW(1, "s"))), 503);
    assert_problem(503, "outcome_pending", "");
    fake.is_away = true;
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("s-1"), BATCH(ROW(1, "s"))), 503);
    assert_problem(503, "unavailable", "");
    fake.is_away = false;
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("s-1"), BATCH(ROW(1, "s"))), 201);
    /* it is there, and the answer was lost */
    fake.away_at = 2;
    (void)post(BATCHES, world.merchant_key, KEY("s-1"), BATCH(ROW(1, "s")));
    assert_problem(503, "outcome_pending", "");
    fake.is_away = false;
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("s-1"), BATCH(ROW(1, "s"))), 201);
    assert_true(has_header("Idempotent-Replayed: true"));
    fake_orders.next_result = STORE_KEY_TAKEN;
    fake.away_at = 3;
    (void)post(BATCHES, world.merchant_key, KEY("s-2"), BATCH(ROW(1, "s")));
    assert_problem(503, "outcome_pending", "");
    fake.is_away = false;
}

static void a_decision_about_a_batch_may_have_been_noted(void **state UNUSED)
{
    char path[200];
    char id[64];
    set_limits("{\"EUR\":1000}");
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("e-1"), BATCH(ROW(1001, "1"))), 202);
    (void)snprintf(id, sizeof(id), "%s", text_of("id"));
    (void)snprintf(path, sizeof(path), BATCHES "/%s/approve", id);
    decide_with_a_ledger_that_goes_away(path, world.finance_key, 2);
    (void)snprintf(path, sizeof(path), BATCHES "/%s/cancel", id);
    decide_with_a_ledger_that_goes_away(path, world.merchant_key, 2);
    set_limits("");
    /* canceled by the first of three steps, which is all that counts */
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("e-2"), BATCH(ROW(1, "1"))), 201);
    (void)snprintf(path, sizeof(path), "%s", path_to(BATCHES, "id", "/cancel"));
    fake.away_at = 2;
    (void)ask("POST", path, world.merchant_key, "", NULL);
    assert_problem(503, "outcome_pending", "");
    fake.is_away = false;
    assert_int_equal(ask("POST", path, world.merchant_key, "", NULL), 200);
    assert_string_equal(text_of("status"), "canceled");
}

static int post_csv(const char *idempotency, const char *csv)
{
    return ask_as("text/csv", "POST", BATCHES, world.merchant_key, idempotency, csv);
}

static void wrong_rows_are_part_of_what_was_asked(void **state UNUSED)
{
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("w-1"), BATCH("7,[1]," ROW(1, "w"))),
                     201);
    assert_int_equal(
        post(BATCHES, world.merchant_key, KEY("w-1"), BATCH(" 7 , [ 1 ] ," ROW(1, "w"))), 201);
    assert_true(has_header("Idempotent-Replayed: true"));
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("w-1"), BATCH("8,[1]," ROW(1, "w"))),
                     422);
    assert_problem(422, "idempotency_key_reused", "");
    assert_int_equal(post(BATCHES, world.merchant_key, KEY("w-1"), BATCH("7,[2]," ROW(1, "w"))),
                     422);
    /* other cells than the header's */
    assert_int_equal(post_csv(KEY("w-2"), CSV_HEADER "1,EUR\r\n"), 201);
    assert_int_equal(post_csv(KEY("w-2"), CSV_HEADER "1,EUR\n"), 201);
    assert_int_equal(post_csv(KEY("w-2"), CSV_HEADER "2,EUR\r\n"), 422);
    assert_problem(422, "idempotency_key_reused", "");
}

/* A row whose canonical form is too long to be made hides neither itself nor what was before it. */
static void a_row_without_a_canonical_form_hides_nothing(void **state UNUSED)
{
    struct buf csv;
    buf_init(&csv, 1 << 20);
    buf_add_str(&csv, STR(CSV_HEADER "1,EUR,c-1,individual,Ada,Lovelace,a@example.com\n\""));
    size_t first = sizeof(CSV_HEADER) - 1;
    for (int i = 0; i < 200000; i++)
        buf_add_char(&csv, '\x01'); /* six characters in JSON */
    size_t last = csv.len - 1;
    buf_add_str(&csv, STR("\",EUR,c-2,individual,Ada,Lovelace,a@example.com\n"));
    buf_add_char(&csv, '\0');
    assert_int_equal(post_csv(KEY("x-1"), csv.at), 201);
    assert_int_equal(number_of("invalid"), 1);
    csv.at[first] = '2';
    assert_int_equal(post_csv(KEY("x-1"), csv.at), 422);
    assert_problem(422, "idempotency_key_reused", "");
    csv.at[first] = '1';
    csv.at[last] = '\x02';
    assert_int_equal(post_csv(KEY("x-1"), csv.at), 422);
    assert_problem(422, "idempotency_key_reused", "");
    csv.at[last] = '\x01';
    assert_int_equal(post_csv(KEY("x-1"), csv.at), 201);
    assert_true(has_header("Idempotent-Replayed: true"));
    buf_release(&csv);
}

/* 2 MB of cells, and the names of fifty long columns in each row: more than is ever kept. */
static void a_batch_that_swells_is_refused(void **state UNUSED)
{
    struct buf csv;
    buf_init(&csv, 1 << 22);
    buf_add_str(&csv, str_sub(STR(CSV_HEADER), 0, sizeof(CSV_HEADER) - 3));
    for (int column = 0; column < 50; column++) {
        buf_printf(&csv, ",metadata.%02d", column);
        for (int i = 0; i < 38; i++)
            buf_add_str(&csv, STR("\xf0\x9f\x92\xb6"));
    }
    for (int row = 0; row < 15000; row++) {
        buf_add_str(&csv, STR("\n1,EUR,,individual,Ada,Lovelace,a@example.com"));
        for (int column = 0; column < 50; column++)
            buf_add_str(&csv, STR(",x"));
    }
    buf_add_char(&csv, '\0');
    assert_true(buf_is_ok(&csv));
    size_t before = fake_orders.batch_count;
    assert_int_equal(post_csv(KEY("y-1"), csv.at), 422);
    assert_problem(422, "invalid_member", "payouts");
    assert_non_null(strstr(text_of("detail"), "several batches"));
    assert_int_equal(fake_orders.batch_count, before);
    assert_int_equal(world.api->intake_count, 0);
    buf_release(&csv);
}

/* ---- payees ---- */

static void payees_need_an_account_that_knows_them(void **state UNUSED)
{
    assert_int_equal(post("/v1/payees/registration-links", world.merchant_key, "",
                          "{\"payee_id\":\"ada-1815\"}"),
                     422);
    assert_problem(422, "no_route", "provider");
    assert_int_equal(post("/v1/payees/registration-links", world.merchant_key, "",
                          "{\"payee_id\":\"ada-1815\",\"beneficiary\":{\"type\":\"business\"}}"),
                     422);
    assert_problem(422, "missing_member", "beneficiary.business_name");
    assert_int_equal(post("/v1/payees/registration-links", world.merchant_key, "",
                          "{\"payee_id\":\"ada-1815\",\"redirect_url\":\"http://a\"}"),
                     422);
    assert_problem(422, "invalid_member", "redirect_url");
    assert_int_equal(ask("GET", "/v1/payees/ada-1815", world.finance_key, "", NULL), 422);
    assert_problem(422, "no_route", "provider");
    assert_int_equal(ask("GET", "/v1/payees/4111111111111111", world.finance_key, "", NULL), 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payout_goes_to_the_driver),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(another_key_approves),
        cmocka_unit_test(a_rejected_payout_is_over),
        cmocka_unit_test(a_failed_try_is_no_failed_payout),
        cmocka_unit_test(an_order_that_cannot_be_stored_is_told_so),
        cmocka_unit_test(a_key_that_cannot_be_read_is_pending),
        cmocka_unit_test(a_decision_that_may_have_been_noted_is_pending),
        cmocka_unit_test(a_batch_is_taken_and_its_bad_rows_are_named),
        cmocka_unit_test(the_same_batch_as_csv_is_the_same_request),
        cmocka_unit_test(a_batch_may_be_refused_for_its_rows),
        cmocka_unit_test(what_is_no_batch_is_refused),
        cmocka_unit_test(a_batch_is_judged_by_its_rows_and_its_total),
        cmocka_unit_test(fifteen_thousand_rows_do_not_stop_the_loop),
        cmocka_unit_test(a_batch_that_cannot_be_stored_is_told_so),
        cmocka_unit_test(a_decision_about_a_batch_may_have_been_noted),
        cmocka_unit_test(wrong_rows_are_part_of_what_was_asked),
        cmocka_unit_test(a_row_without_a_canonical_form_hides_nothing),
        cmocka_unit_test(a_batch_that_swells_is_refused),
        cmocka_unit_test(payees_need_an_account_that_knows_them),
    };
    return cmocka_run_group_tests(tests, world_start, world_stop);
}

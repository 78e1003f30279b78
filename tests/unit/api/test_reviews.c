/* /v1/reviews and /v1/unresolved: who sees what, and who may decide. */
#include "world.h"

#define RESOLVE "{\"outcome\":\"charged\",\"reason\":\"seen in the dashboard\"}"

static struct uuid merchant_of(const char *id)
{
    struct uuid uuid;
    struct error err;
    assert_true(id_parse(ID_MERCHANT, str_of(id), &uuid, &err));
    return uuid;
}

static struct review_view *add_case(const char *merchant, enum review_kind kind,
                                    enum review_state state)
{
    struct review_view *view = &fake_reviews.views[fake_reviews.count++];
    struct store_payment_view *payment = &fake.payments[fake.payment_count++];
    *view = (struct review_view){
        .merchant_id = merchant_of(merchant),
        .review_id = uuid_new(),
        .payment_id = uuid_new(),
        .attempt_id = uuid_new(),
        .account_id = uuid_new(),
        .payment_kind = STR("payment"),
        .kind = kind,
        .state = state,
        .operation = OPERATION_SALE,
        .provider = STR("paypal"),
        .amount_minor = 1099,
        .currency = "EUR",
        .answered_minor = kind == REVIEW_AMOUNT_MISMATCH ? 999 : -1,
        .answered_currency = "EUR",
        .opened_us = clock_wall_us(),
        .resolved_us = state == REVIEW_RESOLVED ? clock_wall_us() : 0,
        .outcome = state == REVIEW_RESOLVED ? STR("charged") : STR_NONE,
    };
    *payment = (struct store_payment_view){
        .row = {.merchant_id = view->merchant_id,
                .payment_id = view->payment_id,
                .currency = "EUR"},
        .status = PAYMENT_REVIEW,
    };
    return view;
}

static char *path_of(const struct review_view *view, const char *rest)
{
    static char path[100];
    char id[ID_TEXT_SIZE];
    (void)snprintf(path, sizeof(path), "/v1/reviews/%s%s",
                   id_format(ID_REVIEW, &view->review_id, id).at, rest);
    return path;
}

static size_t listed(const char *path, const char *key)
{
    assert_int_equal(ask("GET", path, key, "", NULL), 200);
    return json_array_size(json_path(world.answer.json, "data"));
}

static void merchants_see_their_own_and_operators_all(void **state UNUSED)
{
    char path[100];
    const struct review_view *mine = add_case(world.merchant, REVIEW_AMOUNT_MISMATCH, REVIEW_OPEN);
    const struct review_view *live = add_case(world.live, REVIEW_LATE_SUCCESS, REVIEW_REVERSING);
    assert_int_equal(listed("/v1/reviews", world.merchant_key), 1);
    assert_int_equal(listed("/v1/reviews", world.finance_key), 1);
    assert_int_equal(listed("/v1/reviews", world.live_key), 1);
    assert_int_equal(listed("/v1/reviews", world.operator_key), 2);
    (void)snprintf(path, sizeof(path), "/v1/reviews?merchant=%s&state=open", world.live);
    assert_int_equal(listed(path, world.operator_key), 1);
    assert_int_equal(fake_reviews.filter.state, REVIEW_OPEN);
    assert_int_equal(listed(path, world.merchant_key), 0); /* of others there are none */
    assert_int_equal(ask("GET", path_of(mine, ""), world.merchant_key, "", NULL), 200);
    assert_string_equal(text_of("kind"), "amount_mismatch");
    assert_string_equal(text_of("of.status"), "review");
    assert_int_equal(json_integer_value(json_path(world.answer.json, "answered.amount")), 999);
    assert_int_equal(json_array_size(json_path(world.answer.json, "choices")), 2);
    assert_int_equal(ask("GET", path_of(live, ""), world.operator_key, "", NULL), 200);
    assert_int_equal(json_array_size(json_path(world.answer.json, "choices")), 0);
    assert_int_equal(ask("GET", path_of(live, ""), world.merchant_key, "", NULL), 404);
    assert_int_equal(
        ask("GET", "/v1/reviews/rev_01JDEX7T1V5M2Q9K8Z4R6W0C3B", world.operator_key, "", NULL),
        404);
}

static void only_operators_decide_and_say_why(void **state UNUSED)
{
    struct review_view *mine = add_case(world.merchant, REVIEW_AMOUNT_MISMATCH, REVIEW_OPEN);
    assert_int_equal(ask("POST", path_of(mine, "/resolve"), world.merchant_key, "", RESOLVE), 403);
    assert_int_equal(ask("POST", path_of(mine, "/resolve"), world.finance_key, "", RESOLVE), 403);
    static const struct {
        const char *body;
        const char *code;
        const char *param;
    } wrong[] = {
        {"{\"outcome\":\"charged\"}", "missing_member", "reason"},
        {"{\"reason\":\"because\"}", "missing_member", "outcome"},
        {"{\"outcome\":\"approved\",\"reason\":\"because\"}", "invalid_member", "outcome"},
        {"{\"outcome\":\"not_charged\",\"reason\":\"because\",\"amount\":1}", "invalid_member",
         "amount"},
        {"{\"outcome\":\"accepted\",\"reason\":\"because\"}", "invalid_member", "outcome"},
        {"{\"outcome\":\"charged\",\"reason\":\"the card 4111111111111111\"}", "card_data",
         "reason"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        (void)ask("POST", path_of(mine, "/resolve"), world.operator_key, "", wrong[i].body);
        assert_int_equal(world.answer.status, 422);
        assert_string_equal(text_of("code"), wrong[i].code);
        assert_string_equal(text_of("param"), wrong[i].param);
    }
    mine->state = REVIEW_RESOLVED;
    mine->outcome = STR("charged");
    assert_int_equal(ask("POST", path_of(mine, "/resolve"), world.operator_key, "", RESOLVE), 409);
    mine->state = REVIEW_REVERSING;
    assert_int_equal(ask("POST", path_of(mine, "/resolve"), world.operator_key, "", RESOLVE), 409);
    assert_int_equal(fake.write_count, 0);
}

static void open_attempts_are_listed_likewise(void **state UNUSED)
{
    char path[100];
    fake_reviews.open_count = 1;
    fake_reviews.open[0] = (struct unresolved_view){
        .merchant_id = merchant_of(world.merchant),
        .payment_id = uuid_new(),
        .attempt_id = uuid_new(),
        .account_id = uuid_new(),
        .payment_kind = STR("payout"),
        .provider = STR("paypal"),
        .operation = OPERATION_PAYOUT,
        .currency = "EUR",
        .outcome = OUTCOME_UNKNOWN,
        .reason = STR("timeout"),
        .since_us = clock_wall_us() - 90 * CLOCK_SECOND_US,
        .next_us = clock_wall_us(),
        .tries = 3,
    };
    assert_int_equal(listed("/v1/unresolved?provider=paypal&limit=5", world.operator_key), 1);
    assert_int_equal(fake_reviews.open_filter.limit, 5);
    assert_true(str_eq(fake_reviews.open_filter.provider, STR("paypal")));
    assert_string_equal(text_of("data.0.status"), "unknown");
    assert_string_equal(text_of("data.0.reason"), "timeout");
    assert_int_equal(strncmp(text_of("data.0.payment"), "pyt_", 4), 0);
    assert_true(json_integer_value(json_path(world.answer.json, "data.0.age_seconds")) >= 90);
    assert_int_equal(listed("/v1/unresolved", world.merchant_key), 1);
    assert_int_equal(listed("/v1/unresolved", world.live_key), 0);
    (void)snprintf(path, sizeof(path), "/v1/unresolved?merchant=%s", world.live);
    assert_int_equal(listed(path, world.operator_key), 0);
}

static void without_the_ledger_they_are_503(void **state UNUSED)
{
    const struct review_view *mine = add_case(world.merchant, REVIEW_AMOUNT_MISMATCH, REVIEW_OPEN);
    assert_int_equal(listed("/v1/reviews", world.operator_key), 1);
    fake.is_away = true;
    assert_int_equal(ask("GET", "/v1/reviews", world.operator_key, "", NULL), 503);
    assert_int_equal(ask("GET", "/v1/unresolved", world.operator_key, "", NULL), 503);
    assert_int_equal(ask("GET", path_of(mine, ""), world.operator_key, "", NULL), 503);
    assert_int_equal(ask("POST", path_of(mine, "/resolve"), world.operator_key, "", RESOLVE), 503);
}

#define OVER_HTTP(test) cmocka_unit_test_setup_teardown(test, world_start, world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_HTTP(merchants_see_their_own_and_operators_all),
        OVER_HTTP(only_operators_decide_and_say_why),
        OVER_HTTP(open_attempts_are_listed_likewise),
        OVER_HTTP(without_the_ledger_they_are_503),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

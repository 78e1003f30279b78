#include "providers/payoneer.h"

#include "providers/adapter.h"
#include "providers/paypal.h"

#include "fixture.h"

#define LIST_ID "6076b2feabe8170009d56de4l7ab1tlvai852jekk4s2h2b7it"

struct setup {
    struct provider_account account;
    struct provider_call call;
    struct provider_facts facts;
    struct provider_request request;
    struct arena arena;
    struct error err;
    json_t *settings;
};

static void start(struct setup *s)
{
    memset(s, 0, sizeof(*s));
    s->account = fixture_account(&provider_payoneer);
    s->call = fixture_call(&s->account);
    s->settings = json_object();
    s->account.settings = s->settings;
    arena_init(&s->arena, 1 << 20);
}

static void stop(struct setup *s)
{
    arena_release(&s->arena);
    json_decref(s->settings);
    secret_release(&s->account.password);
}

static void set(struct setup *s, const char *name, const char *value)
{
    assert_int_equal(json_object_set_new(s->settings, name, json_string(value)), 0);
}

static enum provider_next next(struct setup *s)
{
    return provider_payoneer.next(&s->call, &s->facts, &s->arena, &s->request, &s->err);
}

static void assert_text(struct str is, const char *want)
{
    fixture_same("request", "text", is, str_of(want));
}

static void every_fixture_is_judged_as_it_says(void **state)
{
    (void)state;
    fixture_run_all("tests/fixtures/payoneer/*.http", &provider_payoneer, 50);
}

static void a_sale_makes_a_list_before_it_charges(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    set(&s, "division", "STORE1");
    set(&s, "notification_url", "https://gw.example/hooks/opg");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_int_equal(s.request.step, PROVIDER_STEP_SESSION);
    assert_false(s.request.moves_money);
    assert_text(s.request.method, "POST");
    assert_text(s.request.path, "/api/lists");
    assert_text(s.request.key, "");
    assert_int_equal(s.request.header_count, 2);
    assert_text(s.request.header[0].value,
                "application/vnd.optile.payment.enterprise-v1-extensible+json");
    assert_text(s.request.body,
                "{\"transactionId\":\"" FIXTURE_ATTEMPT "\",\"integration\":\"PURE_NATIVE\","
                "\"operationType\":\"CHARGE\",\"country\":\"DE\",\"division\":\"STORE1\","
                "\"customer\":{\"number\":\"" FIXTURE_PAYMENT "\"},\"payment\":{\"reference\":"
                "\"" FIXTURE_PAYMENT "\",\"amount\":10.99,\"currency\":\"EUR\",\"invoiceId\":"
                "\"" FIXTURE_PAYMENT "\"},\"callback\":{\"notificationUrl\":"
                "\"https://gw.example/hooks/opg\"},\"preselection\":{\"direction\":\"CHARGE\","
                "\"deferral\":\"NON_DEFERRED\"}}");
    stop(&s);
}

static void the_payer_is_sent_where_the_request_says(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    set(&s, "return_url", "https://account.example/back");
    set(&s, "cancel_url", "https://account.example/cart");
    s.call.cancel_url = STR("https://shop.example/cart?a=1");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_true(str_find(s.request.body,
                         STR("\"callback\":{\"returnUrl\":\"https://account.example/back\","
                             "\"cancelUrl\":\"https://shop.example/cart?a=1\"}"),
                         0) != SIZE_MAX);
    stop(&s);
}

static void a_list_is_charged_under_its_own_id(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    provider_fact_set(&s.facts, STR("list_id"), STR(LIST_ID));
    s.call.token = STR("acc+7=");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_int_equal(s.request.step, PROVIDER_STEP_CHARGE);
    assert_true(s.request.moves_money);
    assert_text(s.request.path, "/api/lists/" LIST_ID "/accounts/acc%2B7%3D/charge");
    assert_text(s.request.key, LIST_ID);
    assert_text(s.request.body, "{\"transactionId\":\"" FIXTURE_ATTEMPT "\"}");
    stop(&s);
}

static void an_authorization_is_deferred(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    s.call.operation = OPERATION_AUTHORIZE;
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_true(str_find(s.request.body, STR("\"deferral\":\"DEFERRED\""), 0) != SIZE_MAX);
    stop(&s);
}

static void only_what_is_safe_to_repeat_has_a_key(void **state)
{
    static const struct {
        enum operation operation;
        const char *method;
        const char *path;
        const char *key;
    } rows[] = {
        {OPERATION_CAPTURE, "POST", "/api/charges/c1/closing", ""},
        {OPERATION_VOID, "DELETE", "/api/charges/c1", "c1"},
        {OPERATION_REFUND, "POST", "/api/charges/c1/payout", ""},
    };
    struct setup s;
    (void)state;

    start(&s);
    s.call.parent_ref = STR("c1");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        s.call.operation = rows[i].operation;
        assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
        assert_text(s.request.method, rows[i].method);
        assert_text(s.request.path, rows[i].path);
        assert_text(s.request.key, rows[i].key);
        assert_int_equal(s.request.has_body, rows[i].operation != OPERATION_VOID);
    }
    stop(&s);
}

static void what_payoneer_cannot_express_is_refused(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    s.call.token = STR("a/../../charges");
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.token = STR("tok_ok");
    s.call.country = STR_NONE;
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.country = STR("de");
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.country = STR_NONE;
    set(&s, "country", "AT");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    set(&s, "currencies", "USD CHF");
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    set(&s, "currencies", "USD EUR");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    s.call.amount_minor = -1;
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.amount_minor = 1;
    s.call.operation = OPERATION_PAYOUT;
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    stop(&s);
}

static void every_currency_survives_the_round_trip(void **state)
{
    static const int64_t amounts[] = {1, 9, 10, 99, 1000, 1099, 123456789, MONEY_AMOUNT_MAX};
    size_t count = 0;
    const struct currency *all = currency_all(&count);
    struct setup s;
    (void)state;

    start(&s);
    assert_true(count > 150);
    for (size_t i = 0; i < count; i++) {
        assert_true(provider_takes_currency(&provider_payoneer, &all[i]));
        s.call.currency = &all[i];
        for (size_t j = 0; j < ARRAY_LEN(amounts); j++) {
            struct provider_judgement judgement;
            struct buf answer;
            struct str raw;
            int64_t minor = 0;

            s.call.amount_minor = amounts[j];
            assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
            assert_true(adapter_raw_value(s.request.body, "payment.amount", &raw));
            assert_true(adapter_read_amount(raw, &all[i], &minor) && minor == amounts[j]);

            buf_init(&answer, 4096);
            buf_printf(&answer,
                       "{\"operation\":\"CHARGE\",\"payment\":{\"amount\":" STR_FMT
                       ",\"currency\":\"%s\"},\"status\":{\"code\":\"charged\"},"
                       "\"identification\":{\"longId\":\"c1\"}}",
                       STR_ARG(raw), all[i].code);
            const struct provider_answer whole = {.status = 200, .body = buf_str(&answer)};
            provider_payoneer.judge(&s.call, PROVIDER_STEP_CHARGE, &whole, &s.arena, &judgement);
            assert_int_equal(judgement.outcome, OUTCOME_APPROVED);
            assert_true(judgement.has_amount && judgement.amount_minor == amounts[j]);
            assert_string_equal(judgement.currency, all[i].code);
            buf_release(&answer);
        }
        arena_reset(&s.arena);
    }
    stop(&s);
}

static void a_lookup_prefers_the_charge_to_its_list(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    assert_false(provider_payoneer.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    provider_fact_set(&s.facts, STR("list_id"), STR(LIST_ID));
    assert_true(provider_payoneer.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    assert_text(s.request.path, "/api/lists/" LIST_ID);
    provider_fact_set(&s.facts, STR("charge_id"), STR("c1"));
    assert_true(provider_payoneer.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    assert_text(s.request.path, "/api/charges/c1");
    s.call.operation = OPERATION_REFUND;
    assert_false(provider_payoneer.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    stop(&s);
}

static void settings_are_known_strings(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    assert_true(provider_payoneer.check_account(&s.account, &s.err));
    set(&s, "country", "DEU");
    assert_false(provider_payoneer.check_account(&s.account, &s.err));
    set(&s, "country", "DE");
    set(&s, "divison", "typo");
    assert_false(provider_payoneer.check_account(&s.account, &s.err));
    assert_non_null(strstr(s.err.text, "divison"));
    stop(&s);
}

static void the_settling_time_is_a_setting_of_the_account(void **state)
{
    static const char *const wrong[] = {"-1", "86400001", "3s", "1e3", " 5", "9999999999999999999"};
    struct setup s;
    (void)state;

    start(&s);
    assert_int_equal(provider_settle_ms(&s.account), 15 * 60 * 1000);
    assert_int_equal(provider_paypal.capability.settle_ms, 5 * 60 * 1000);
    set(&s, "settle_ms", "3000");
    assert_true(provider_payoneer.check_account(&s.account, &s.err));
    assert_int_equal(provider_settle_ms(&s.account), 3000);
    set(&s, "settle_ms", "0");
    assert_true(provider_payoneer.check_account(&s.account, &s.err));
    assert_int_equal(provider_settle_ms(&s.account), 0);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        set(&s, "settle_ms", wrong[i]);
        assert_false(provider_payoneer.check_account(&s.account, &s.err));
        assert_non_null(strstr(s.err.text, "settle_ms"));
        assert_int_equal(provider_settle_ms(&s.account), 15 * 60 * 1000);
    }
    stop(&s);
}

/* Both parts are of allowed length; together, encoded, they are too long for a path. */
static void a_path_that_would_be_too_long_is_refused(void **state)
{
    char list[ADAPTER_PART_MAX];
    char token[ADAPTER_PART_MAX];
    struct setup s;
    (void)state;

    start(&s);
    memset(list, 'a', sizeof(list));
    memset(token, '!', sizeof(token));
    provider_fact_set(&s.facts, STR("list_id"), (struct str){list, sizeof(list)});
    s.call.token = (struct str){token, sizeof(token)};
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    assert_non_null(strstr(s.err.text, "path"));
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fixture_is_judged_as_it_says),
        cmocka_unit_test(a_sale_makes_a_list_before_it_charges),
        cmocka_unit_test(the_payer_is_sent_where_the_request_says),
        cmocka_unit_test(a_list_is_charged_under_its_own_id),
        cmocka_unit_test(an_authorization_is_deferred),
        cmocka_unit_test(only_what_is_safe_to_repeat_has_a_key),
        cmocka_unit_test(what_payoneer_cannot_express_is_refused),
        cmocka_unit_test(every_currency_survives_the_round_trip),
        cmocka_unit_test(a_lookup_prefers_the_charge_to_its_list),
        cmocka_unit_test(settings_are_known_strings),
        cmocka_unit_test(the_settling_time_is_a_setting_of_the_account),
        cmocka_unit_test(a_path_that_would_be_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

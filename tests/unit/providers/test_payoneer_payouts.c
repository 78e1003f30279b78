#include "providers/payoneer_payouts.h"

#include "providers/adapter.h"

#include "fixture.h"

#define PROGRAM "100012345"

struct setup {
    struct provider_account account;
    struct provider_call call;
    struct provider_facts facts;
    struct provider_request request;
    struct arena arena;
    struct error err;
};

static void set(struct setup *s, const char *name, const char *value)
{
    if (s->account.settings == NULL)
        s->account.settings = json_object();
    assert_int_equal(
        json_object_set_new((json_t *)(uintptr_t)s->account.settings, name, json_string(value)), 0);
}

static void start(struct setup *s)
{
    memset(s, 0, sizeof(*s));
    s->account = fixture_account(&provider_payoneer_payouts);
    s->call = fixture_call(&s->account);
    s->call.operation = OPERATION_PAYOUT;
    s->call.token = STR(FIXTURE_PAYEE);
    set(s, "program_id", PROGRAM);
    arena_init(&s->arena, 1 << 20);
}

static void stop(struct setup *s)
{
    arena_release(&s->arena);
    secret_release(&s->account.password);
    json_decref((json_t *)(uintptr_t)s->account.settings);
}

static enum provider_next next(struct setup *s)
{
    return provider_payoneer_payouts.next(&s->call, &s->facts, &s->arena, &s->request, &s->err);
}

static void assert_text(struct str is, const char *want)
{
    fixture_same("request", "text", is, str_of(want));
}

static void every_fixture_is_judged_as_it_says(void **state)
{
    (void)state;
    fixture_run_all("tests/fixtures/payoneer_payouts/*.http", &provider_payoneer_payouts, 60);
}

static void a_payout_is_one_payment_under_its_own_reference(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_text(s.request.method, "POST");
    assert_text(s.request.path, "/v4/programs/" PROGRAM "/masspayouts");
    assert_text(s.request.key, FIXTURE_ATTEMPT);
    assert_true(s.request.moves_money);
    assert_int_equal(s.request.step, PROVIDER_STEP_CHARGE);
    assert_text(s.request.body,
                "{\"Payments\":[{\"client_reference_id\":\"" FIXTURE_ATTEMPT
                "\",\"payee_id\":\"payee-123\",\"amount\":10.99,\"currency\":\"EUR\","
                "\"description\":\"" FIXTURE_PAYMENT "\"}]}");
    s.call.merchant_ref = STR("order 1");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_true(str_find(s.request.body, STR("\"description\":\"order 1\""), 0) != SIZE_MAX);
    s.call.description = STR("June");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_true(str_find(s.request.body, STR("\"description\":\"June\""), 0) != SIZE_MAX);
    stop(&s);
}

static void lookup_and_cancel_need_only_our_reference(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    assert_true(provider_payoneer_payouts.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    assert_text(s.request.method, "GET");
    assert_text(s.request.path, "/v4/programs/" PROGRAM "/payouts/" FIXTURE_ATTEMPT "/status");
    assert_false(s.request.moves_money);
    assert_true(provider_payoneer_payouts.build_cancel(&s.call, &s.facts, &s.arena, &s.request));
    assert_text(s.request.method, "PUT");
    assert_text(s.request.path, "/v4/programs/" PROGRAM "/payouts/" FIXTURE_ATTEMPT "/cancel");
    assert_true(s.request.has_body && s.request.body.len == 0);
    assert_false(s.request.moves_money);
    assert_int_equal(s.request.step, PROVIDER_STEP_CANCEL);
    assert_true(provider_payoneer_payouts.build_probe(&s.account, &s.arena, &s.request));
    assert_text(s.request.path, "/v4/programs/" PROGRAM "/balance");
    stop(&s);
}

static void what_payoneer_cannot_pay_out_is_refused(void **state)
{
    static const struct str payees[] = {STR_INIT(""),         STR_INIT("a/b"), STR_INIT("a b"),
                                        STR_INIT(".."),       STR_INIT("a?b"), STR_INIT("a%2fb"),
                                        STR_INIT("p\xc3\xa4")};
    struct setup s;
    (void)state;

    start(&s);
    for (size_t i = 0; i < ARRAY_LEN(payees); i++) {
        s.call.token = payees[i];
        assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
        assert_non_null(strstr(s.err.text, "payee id"));
    }
    s.call.token = STR("user@example.com");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    for (int i = OPERATION_SALE; i < OPERATION_COUNT; i++) {
        s.call.operation = (enum operation)i;
        assert_int_equal(next(&s),
                         i == OPERATION_PAYOUT ? PROVIDER_NEXT_SEND : PROVIDER_NEXT_REFUSE);
    }
    s.call.operation = OPERATION_PAYOUT;
    set(&s, "currencies", "USD");
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.currency = currency_find(STR("USD"));
    s.call.amount_minor = 0;
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.amount_minor = 1;
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    set(&s, "program_id", "1/../2");
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    assert_false(provider_payoneer_payouts.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    assert_false(provider_payoneer_payouts.build_probe(&s.account, &s.arena, &s.request));
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
        assert_true(provider_takes_currency(&provider_payoneer_payouts, &all[i]));
        s.call.currency = &all[i];
        for (size_t j = 0; j < ARRAY_LEN(amounts); j++) {
            struct provider_judgement judgement;
            struct buf answer;
            struct str raw;

            s.call.amount_minor = amounts[j];
            assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
            assert_true(adapter_raw_value(s.request.body, "Payments.0.amount", &raw));
            buf_init(&answer, 4096);
            buf_printf(&answer,
                       "{\"result\":{\"amount\":" STR_FMT ",\"currency\":\"%s\",\"status\":"
                       "\"Transferred\",\"payee_id\":\"" FIXTURE_PAYEE "\",\"payout_id\":\"1\"}}",
                       STR_ARG(raw), all[i].code);
            const struct provider_answer whole = {.status = 200, .body = buf_str(&answer)};
            provider_payoneer_payouts.judge(&s.call, PROVIDER_STEP_LOOKUP, &whole, &s.arena,
                                            &judgement);
            assert_int_equal(judgement.outcome, OUTCOME_APPROVED);
            assert_true(judgement.has_amount && judgement.amount_minor == amounts[j]);
            assert_string_equal(judgement.currency, all[i].code);
            buf_release(&answer);
        }
        arena_reset(&s.arena);
    }
    stop(&s);
}

static void another_payee_is_not_ours(void **state)
{
    const struct provider_answer answer = {
        .status = 200,
        .body = STR("{\"result\":{\"amount\":10.99,\"currency\":\"EUR\",\"status\":\"Transferred\","
                    "\"payee_id\":\"" FIXTURE_PAYEE "\",\"payout_id\":\"1\"}}"),
    };
    struct provider_judgement judgement;
    struct setup s;
    (void)state;

    start(&s);
    s.call.token = STR("payee-124");
    provider_payoneer_payouts.judge(&s.call, PROVIDER_STEP_LOOKUP, &answer, &s.arena, &judgement);
    assert_int_equal(judgement.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(judgement.reason, "reference_mismatch");
    s.call.token = STR_NONE; /* erased: nothing to compare with */
    provider_payoneer_payouts.judge(&s.call, PROVIDER_STEP_LOOKUP, &answer, &s.arena, &judgement);
    assert_int_equal(judgement.outcome, OUTCOME_APPROVED);
    stop(&s);
}

/* Every word but one is no success, whatever the HTTP status of the answer. */
static void only_transferred_is_paid(void **state)
{
    static const char *const words[] = {"Pending", "Pending Payee", "Cancelled", "Completed",
                                        "Success", "Paid",          "Loaded",    ""};
    struct setup s;
    (void)state;

    start(&s);
    for (int status = 100; status < 600; status++) {
        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
            struct provider_judgement judgement;
            const struct provider_answer answer = {
                .status = status,
                .body = arena_printf(&s.arena,
                                     "{\"result\":{\"amount\":10.99,\"currency\":\"EUR\","
                                     "\"status\":\"%s\",\"payout_id\":\"1\"}}",
                                     words[i]),
            };
            provider_payoneer_payouts.judge(&s.call, PROVIDER_STEP_LOOKUP, &answer, &s.arena,
                                            &judgement);
            assert_int_not_equal(judgement.outcome, OUTCOME_APPROVED);
            assert_false(judgement.not_found);
            provider_payoneer_payouts.judge(&s.call, PROVIDER_STEP_CHARGE, &answer, &s.arena,
                                            &judgement);
            assert_int_not_equal(judgement.outcome, OUTCOME_APPROVED);
        }
        arena_reset(&s.arena);
    }
    stop(&s);
}

static void an_account_needs_its_program(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    assert_true(provider_payoneer_payouts.check_account(&s.account, &s.err));
    set(&s, "login_url", "https://login.example:9444");
    assert_true(provider_payoneer_payouts.check_account(&s.account, &s.err));
    set(&s, "login_url", "http://login.example");
    assert_false(provider_payoneer_payouts.check_account(&s.account, &s.err));
    assert_non_null(strstr(s.err.text, "login_url"));
    set(&s, "login_url", "");
    set(&s, "program_id", "");
    assert_false(provider_payoneer_payouts.check_account(&s.account, &s.err));
    assert_non_null(strstr(s.err.text, "program_id"));
    stop(&s);
}

static void tokens_come_from_the_login_host(void **state)
{
    static const struct {
        const char *base_url;
        const char *login_url;
        const char *want;
    } rows[] = {
        {"https://api.payoneer.com", "", "https://login.payoneer.com"},
        {"https://api.sandbox.payoneer.com", "", "https://login.sandbox.payoneer.com"},
        {"https://127.0.0.1:9444", "", "https://127.0.0.1:9444"},
        {"https://api.payoneer.com.evil.example", "", "https://api.payoneer.com.evil.example"},
        {"https://api.payoneer.com", "https://other.example", "https://other.example"},
    };
    struct setup s;
    (void)state;

    start(&s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char url[256];
        assert_true(
            str_copy_to(str_of(rows[i].base_url), s.account.base_url, sizeof(s.account.base_url)));
        set(&s, "login_url", rows[i].login_url);
        provider_payoneer_payouts.find_token_url(&s.account, url);
        assert_string_equal(url, rows[i].want);
    }
    provider_payoneer_payouts.build_token(&s.account, &s.arena, &s.request);
    assert_true(s.request.basic_auth);
    assert_text(s.request.path, "/api/v2/oauth2/token");
    assert_text(s.request.body, "grant_type=client_credentials&scope=read%20write");
    stop(&s);
}

/* ---- payees ---- */

static void a_registration_link_names_the_payee_and_fills_the_form_in(void **state)
{
    const struct provider_beneficiary who = {
        .type = STR("business"),
        .first_name = STR("Ada"),
        .last_name = STR("Lovelace"),
        .business_name = STR("Engines Ltd"),
        .email = STR("ada@example.com"),
        .country = STR("GB"),
        .iban = STR("GB33BUKB20201555555555"),
    };
    struct setup s;
    (void)state;

    start(&s);
    struct provider_payee_ask ask = {
        .question = PROVIDER_PAYEE_LINK,
        .account = &s.account,
        .payee_id = STR("payee-123"),
    };
    assert_true(provider_payoneer_payouts.build_payee(&ask, &s.arena, &s.request, &s.err));
    assert_text(s.request.method, "POST");
    assert_text(s.request.path, "/v4/programs/" PROGRAM "/payees/registration-link");
    assert_text(s.request.body, "{\"payee_id\":\"payee-123\"}");
    assert_false(s.request.moves_money);
    ask.redirect_url = STR("https://shop.example/back?x=1");
    ask.session_ref = STR("s-1");
    ask.beneficiary = &who;
    assert_true(provider_payoneer_payouts.build_payee(&ask, &s.arena, &s.request, &s.err));
    assert_text(s.request.body,
                "{\"payee_id\":\"payee-123\",\"client_session_id\":\"s-1\",\"redirect_url\":"
                "\"https://shop.example/back?x=1\",\"payee\":{\"type\":\"COMPANY\",\"contact\":{"
                "\"first_name\":\"Ada\",\"last_name\":\"Lovelace\",\"email\":\"ada@example.com\"},"
                "\"company\":{\"name\":\"Engines Ltd\"},\"address\":{\"country\":\"GB\"}}}");
    ask.redirect_url = STR("http://shop.example");
    assert_false(provider_payoneer_payouts.build_payee(&ask, &s.arena, &s.request, &s.err));
    assert_non_null(strstr(s.err.text, "redirect_url"));
    ask.payee_id = STR("../x");
    assert_false(provider_payoneer_payouts.build_payee(&ask, &s.arena, &s.request, &s.err));
    assert_int_equal(s.err.code, ERROR_INVALID);
    ask = (struct provider_payee_ask){
        .question = PROVIDER_PAYEE_STATUS, .account = &s.account, .payee_id = STR("a@b.de")};
    assert_true(provider_payoneer_payouts.build_payee(&ask, &s.arena, &s.request, &s.err));
    assert_text(s.request.method, "GET");
    assert_text(s.request.path, "/v4/programs/" PROGRAM "/payees/a%40b.de/status");
    stop(&s);
}

static void what_payoneer_says_of_a_payee_is_read(void **state)
{
    static const struct {
        enum provider_payee_question question;
        int status;
        const char *body;
        enum error_code code; /* ERROR_NONE: read */
        enum provider_payee_state is;
        const char *text; /* link, or provider_ref */
    } rows[] = {
        {PROVIDER_PAYEE_LINK, 200,
         "{\"result\":{\"registration_link\":\"https://payouts.payoneer.com/x?token=1\",\"token\":"
         "\"1\"}}",
         ERROR_NONE, PROVIDER_PAYEE_UNKNOWN, "https://payouts.payoneer.com/x?token=1"},
        {PROVIDER_PAYEE_LINK, 200, "{\"result\":{\"registration_link\":\"javascript:alert(1)\"}}",
         ERROR_UNAVAILABLE, PROVIDER_PAYEE_UNKNOWN, ""},
        {PROVIDER_PAYEE_LINK, 200, "{}", ERROR_UNAVAILABLE, PROVIDER_PAYEE_UNKNOWN, ""},
        {PROVIDER_PAYEE_LINK, 200, "<html>", ERROR_UNAVAILABLE, PROVIDER_PAYEE_UNKNOWN, ""},
        {PROVIDER_PAYEE_LINK, 404, "{}", ERROR_DENIED, PROVIDER_PAYEE_UNKNOWN, ""},
        {PROVIDER_PAYEE_STATUS, 200,
         "{\"result\":{\"account_id\":\"5510700\",\"status\":{\"type\":1,\"description\":"
         "\"Active\"},\"payout_method\":{\"type\":\"BANK\",\"currency\":\"USD\"}}}",
         ERROR_NONE, PROVIDER_PAYEE_ACTIVE, "5510700"},
        {PROVIDER_PAYEE_STATUS, 200,
         "{\"result\":{\"account_id\":5510700,\"status\":{\"type\":0}}}", ERROR_NONE,
         PROVIDER_PAYEE_PENDING, "5510700"},
        {PROVIDER_PAYEE_STATUS, 200, "{\"result\":{\"status\":{\"type\":99}}}", ERROR_NONE,
         PROVIDER_PAYEE_INACTIVE, ""},
        {PROVIDER_PAYEE_STATUS, 200, "{\"result\":{\"status\":{\"type\":2}}}", ERROR_NONE,
         PROVIDER_PAYEE_UNKNOWN, ""},
        {PROVIDER_PAYEE_STATUS, 200, "{\"result\":{}}", ERROR_UNAVAILABLE, PROVIDER_PAYEE_UNKNOWN,
         ""},
        {PROVIDER_PAYEE_STATUS, 404, "{}", ERROR_NOT_FOUND, PROVIDER_PAYEE_UNKNOWN, ""},
        {PROVIDER_PAYEE_STATUS, 400, "{}", ERROR_INVALID, PROVIDER_PAYEE_UNKNOWN, ""},
        {PROVIDER_PAYEE_STATUS, 401, "{}", ERROR_DENIED, PROVIDER_PAYEE_UNKNOWN, ""},
        {PROVIDER_PAYEE_STATUS, 403, "{}", ERROR_DENIED, PROVIDER_PAYEE_UNKNOWN, ""},
        {PROVIDER_PAYEE_STATUS, 429, "{}", ERROR_BUSY, PROVIDER_PAYEE_UNKNOWN, ""},
        {PROVIDER_PAYEE_STATUS, 503, "", ERROR_UNAVAILABLE, PROVIDER_PAYEE_UNKNOWN, ""},
        {PROVIDER_PAYEE_STATUS, 302, "", ERROR_UNAVAILABLE, PROVIDER_PAYEE_UNKNOWN, ""},
    };
    struct setup s;
    (void)state;

    start(&s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct provider_payee_ask ask = {
            .question = rows[i].question, .account = &s.account, .payee_id = STR("p")};
        const struct provider_answer answer = {.status = rows[i].status,
                                               .body = str_of(rows[i].body)};
        struct provider_payee payee;
        s.err.code = ERROR_NONE;
        const bool is_read =
            provider_payoneer_payouts.judge_payee(&ask, &answer, &s.arena, &payee, &s.err);
        if (is_read != (rows[i].code == ERROR_NONE) || s.err.code != rows[i].code)
            fail_msg("row %zu: %d, %s", i, is_read, s.err.text);
        if (!is_read)
            continue;
        assert_int_equal(payee.state, rows[i].is);
        assert_text(payee.link.len > 0 ? payee.link : payee.provider_ref, rows[i].text);
        if (rows[i].is == PROVIDER_PAYEE_ACTIVE)
            assert_text(payee.currency, "USD");
    }
    assert_string_equal(provider_payee_state_name(PROVIDER_PAYEE_INACTIVE), "inactive");
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fixture_is_judged_as_it_says),
        cmocka_unit_test(a_payout_is_one_payment_under_its_own_reference),
        cmocka_unit_test(lookup_and_cancel_need_only_our_reference),
        cmocka_unit_test(what_payoneer_cannot_pay_out_is_refused),
        cmocka_unit_test(every_currency_survives_the_round_trip),
        cmocka_unit_test(another_payee_is_not_ours),
        cmocka_unit_test(only_transferred_is_paid),
        cmocka_unit_test(an_account_needs_its_program),
        cmocka_unit_test(tokens_come_from_the_login_host),
        cmocka_unit_test(a_registration_link_names_the_payee_and_fills_the_form_in),
        cmocka_unit_test(what_payoneer_says_of_a_payee_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

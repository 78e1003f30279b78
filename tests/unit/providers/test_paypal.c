#include "providers/paypal.h"

#include "providers/adapter.h"
#include "providers/paypal_codes.h"

#include "fixture.h"

struct setup {
    struct provider_account account;
    struct provider_call call;
    struct provider_facts facts;
    struct provider_request request;
    struct arena arena;
    struct error err;
};

static void start(struct setup *s)
{
    memset(s, 0, sizeof(*s));
    s->account = fixture_account(&provider_paypal);
    s->call = fixture_call(&s->account);
    arena_init(&s->arena, 1 << 20);
}

static void stop(struct setup *s)
{
    arena_release(&s->arena);
    secret_release(&s->account.password);
}

static enum provider_next next(struct setup *s)
{
    return provider_paypal.next(&s->call, &s->facts, &s->arena, &s->request, &s->err);
}

static void assert_text(struct str is, const char *want)
{
    fixture_same("request", "text", is, str_of(want));
}

static const char *header(const struct provider_request *request, const char *name)
{
    static char value[256];

    for (size_t i = 0; i < request->header_count; i++) {
        if (str_eq(request->header[i].name, str_of(name))) {
            assert_true(str_copy_to(request->header[i].value, value, sizeof(value)));
            return value;
        }
    }
    return NULL;
}

static void every_fixture_is_judged_as_it_says(void **state)
{
    (void)state;
    fixture_run_all("tests/fixtures/paypal/*.http", &provider_paypal, 60);
}

/* Looked up later, an object may be anywhere in its life: every status that PayPal publishes. */
static void every_status_of_an_object_is_judged(void **state)
{
    static const struct {
        enum operation operation;
        const char *status;
        enum outcome outcome;
    } rows[] = {
        {OPERATION_REAUTHORIZE, "CREATED", OUTCOME_APPROVED},
        {OPERATION_REAUTHORIZE, "CAPTURED", OUTCOME_APPROVED},
        {OPERATION_REAUTHORIZE, "PARTIALLY_CAPTURED", OUTCOME_APPROVED},
        {OPERATION_REAUTHORIZE, "VOIDED", OUTCOME_APPROVED},
        {OPERATION_REAUTHORIZE, "PENDING", OUTCOME_PENDING},
        {OPERATION_REAUTHORIZE, "DENIED", OUTCOME_DECLINED_SOFT},
        {OPERATION_CAPTURE, "COMPLETED", OUTCOME_APPROVED},
        {OPERATION_CAPTURE, "PARTIALLY_REFUNDED", OUTCOME_APPROVED},
        {OPERATION_CAPTURE, "REFUNDED", OUTCOME_APPROVED},
        {OPERATION_CAPTURE, "PENDING", OUTCOME_PENDING},
        {OPERATION_CAPTURE, "DECLINED", OUTCOME_DECLINED_SOFT},
        {OPERATION_CAPTURE, "FAILED", OUTCOME_FAILED},
        {OPERATION_REFUND, "COMPLETED", OUTCOME_APPROVED},
        {OPERATION_REFUND, "PENDING", OUTCOME_PENDING},
        {OPERATION_REFUND, "FAILED", OUTCOME_FAILED},
        {OPERATION_REFUND, "CANCELLED", OUTCOME_FAILED},
        {OPERATION_VOID, "VOIDED", OUTCOME_APPROVED},
        {OPERATION_VOID, "CAPTURED", OUTCOME_FAILED},
        {OPERATION_VOID, "DENIED", OUTCOME_FAILED},
        {OPERATION_VOID, "CREATED", OUTCOME_UNKNOWN},
        {OPERATION_VOID, "PENDING", OUTCOME_UNKNOWN},
        {OPERATION_VOID, "PARTIALLY_CAPTURED", OUTCOME_UNKNOWN},
        {OPERATION_CAPTURE, "NEWS_TO_US", OUTCOME_UNKNOWN},
    };
    struct setup s;
    struct provider_judgement judgement;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[300];
        start(&s);
        s.call.operation = rows[i].operation;
        (void)snprintf(body, sizeof(body),
                       "{\"id\": \"7AB14937998046VF5\", \"status\": \"%s\", \"custom_id\": \"%s\", "
                       "\"amount\": {\"currency_code\": \"EUR\", \"value\": \"10.99\"}}",
                       rows[i].status, FIXTURE_ATTEMPT);
        const struct provider_answer answer = {
            .status = 200, .body = str_of(body), .retry_after_ms = -1};
        provider_paypal.judge(&s.call, PROVIDER_STEP_LOOKUP, &answer, &s.arena, &judgement);
        if (judgement.outcome != rows[i].outcome)
            fail_msg("%s of operation %d is %s", rows[i].status, (int)rows[i].operation,
                     outcome_name(judgement.outcome));
        stop(&s);
    }
}

static void a_sale_creates_an_order_that_pays_at_once(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    s.call.description = STR("two \"quotes\"");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_text(s.request.method, "POST");
    assert_text(s.request.path, "/v2/checkout/orders");
    assert_text(s.request.key, FIXTURE_ATTEMPT);
    assert_string_equal(header(&s.request, "PayPal-Request-Id"), FIXTURE_ATTEMPT);
    assert_string_equal(header(&s.request, "Prefer"), "return=representation");
    assert_string_equal(header(&s.request, "Content-Type"), "application/json");
    assert_null(header(&s.request, "Authorization"));
    assert_true(s.request.moves_money);
    assert_int_equal(s.request.step, PROVIDER_STEP_CHARGE);
    assert_text(s.request.body,
                "{\"intent\":\"CAPTURE\",\"purchase_units\":[{\"reference_id\":\"" FIXTURE_ATTEMPT
                "\",\"custom_id\":\"" FIXTURE_ATTEMPT "\",\"invoice_id\":\"" FIXTURE_PAYMENT
                "\",\"description\":\"two \\\"quotes\\\"\",\"amount\":{\"currency_code\":\"EUR\","
                "\"value\":\"10.99\"}}],\"payment_source\":{\"card\":{\"vault_id\":\"tok_ok\"}}}");
    stop(&s);
}

static void the_same_call_composes_the_same_bytes(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    const struct str first = s.request.body;
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_true(str_eq(first, s.request.body));
    stop(&s);
}

static void a_wallet_is_authorized_with_its_vault_id(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    s.call.operation = OPERATION_AUTHORIZE;
    s.call.method_type = STR("wallet");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_true(str_find(s.request.body, STR("\"intent\":\"AUTHORIZE\""), 0) != SIZE_MAX);
    assert_true(str_find(s.request.body, STR("{\"paypal\":{\"vault_id\":\"tok_ok\"}}"), 0) !=
                SIZE_MAX);
    stop(&s);
}

static void an_order_the_payer_approved_is_completed(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    provider_fact_set(&s.facts, STR("order_id"), STR("5O190127TN364715T"));
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_text(s.request.path, "/v2/checkout/orders");
    provider_fact_set(&s.facts, STR("order_state"), STR("APPROVED"));
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_text(s.request.path, "/v2/checkout/orders/5O190127TN364715T/capture");
    assert_false(s.request.has_body);
    stop(&s);
}

static void each_completion_has_a_key_of_its_own(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    provider_fact_set(&s.facts, STR("order_id"), STR("5O190127TN364715T"));
    provider_fact_set(&s.facts, STR("order_state"), STR("APPROVED"));
    for (uint8_t number = 2; number <= 3; number++) {
        s.call.send_number = number;
        s.call.operation = number == 2 ? OPERATION_SALE : OPERATION_AUTHORIZE;
        assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
        assert_true(s.request.moves_money);
        assert_text(s.request.path, number == 2
                                        ? "/v2/checkout/orders/5O190127TN364715T/capture"
                                        : "/v2/checkout/orders/5O190127TN364715T/authorize");
        assert_text(s.request.key, number == 2 ? FIXTURE_ATTEMPT "-2" : FIXTURE_ATTEMPT "-3");
        assert_string_equal(header(&s.request, "PayPal-Request-Id"),
                            number == 2 ? FIXTURE_ATTEMPT "-2" : FIXTURE_ATTEMPT "-3");
    }
    stop(&s);
}

static void the_payer_is_sent_where_the_request_says(void **state)
{
    struct setup s;
    json_t *settings = json_pack("{s:s, s:s}", "return_url", "https://account.example/back",
                                 "cancel_url", "https://account.example/cart");
    (void)state;

    start(&s);
    s.account.settings = settings;
    s.call.return_url = STR("https://shop.example/paid?a=1");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_true(str_find(s.request.body,
                         STR("\"experience_context\":{\"return_url\":\"https://shop.example/"
                             "paid?a=1\",\"cancel_url\":\"https://account.example/cart\"}"),
                         0) != SIZE_MAX);
    stop(&s);
    json_decref(settings);
}

static void a_wallet_without_a_token_is_approved_at_paypals_page(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    s.call.method_type = STR("wallet");
    s.call.token = STR_NONE;
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE); /* where would the payer come back to? */
    s.call.return_url = STR("https://shop.example/paid");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_true(
        str_find(s.request.body,
                 STR("\"payment_source\":{\"paypal\":{\"experience_context\":{\"return_url\":"
                     "\"https://shop.example/paid\",\"user_action\":\"PAY_NOW\"}}}"),
                 0) != SIZE_MAX);
    s.call.method_type = STR("card");
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    stop(&s);
}

/* Nothing moves before our next send; it may leave only when the payer has approved. */
static void an_order_says_whether_it_waits_for_us(void **state)
{
    static const struct {
        const char *status;
        const char *more;
        enum outcome outcome;
        bool is_inert, may_continue;
    } rows[] = {
        {"CREATED", "", OUTCOME_PENDING, true, false}, /* without a link nobody can act */
        {"PAYER_ACTION_REQUIRED",
         ",\"links\":[{\"rel\":\"payer-action\",\"href\":\"https://pay.example/1\"}]",
         OUTCOME_REQUIRES_ACTION, true, false},
        {"APPROVED", "", OUTCOME_PENDING, true, true},
        {"SAVED", "", OUTCOME_PENDING, false, false},
        {"VOIDED", "", OUTCOME_FAILED, false, false},
        {"COMPLETED", "", OUTCOME_UNKNOWN, false, false},
        {"APPROVED",
         ",\"purchase_units\":[{\"payments\":{\"captures\":[{\"id\":\"3C\",\"status\":"
         "\"COMPLETED\",\"amount\":{\"currency_code\":\"EUR\",\"value\":\"10.99\"}}]}}]",
         OUTCOME_APPROVED, false, false},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct setup s;
        struct provider_judgement judgement = {0};
        start(&s);
        const struct provider_answer answer = {
            .status = 200,
            .content_type = STR("application/json"),
            .body = arena_printf(&s.arena, "{\"id\":\"5O1\",\"status\":\"%s\"%s}", rows[i].status,
                                 rows[i].more),
        };
        provider_paypal.judge(&s.call, PROVIDER_STEP_LOOKUP, &answer, &s.arena, &judgement);
        assert_int_equal(judgement.outcome, rows[i].outcome);
        assert_int_equal(judgement.is_inert, rows[i].is_inert);
        assert_int_equal(judgement.may_continue, rows[i].may_continue);
        stop(&s);
    }
}

static void follow_ups_name_what_they_act_on(void **state)
{
    static const struct {
        enum operation operation;
        const char *path;
        const char *body;
    } rows[] = {
        {OPERATION_CAPTURE, "/v2/payments/authorizations/0VF5/capture",
         "{\"amount\":{\"currency_code\":\"EUR\",\"value\":\"10.99\"}}"},
        {OPERATION_VOID, "/v2/payments/authorizations/0VF5/void", ""},
        {OPERATION_REFUND, "/v2/payments/captures/0VF5/refund",
         "{\"amount\":{\"currency_code\":\"EUR\",\"value\":\"10.99\"},\"custom_id\":"
         "\"" FIXTURE_ATTEMPT "\"}"},
        {OPERATION_REAUTHORIZE, "/v2/payments/authorizations/0VF5/reauthorize",
         "{\"amount\":{\"currency_code\":\"EUR\",\"value\":\"10.99\"}}"},
    };
    struct setup s;
    (void)state;

    start(&s);
    s.call.parent_ref = STR("0VF5");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        s.call.operation = rows[i].operation;
        assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
        assert_text(s.request.path, rows[i].path);
        assert_text(s.request.body, rows[i].body);
        assert_int_equal(s.request.has_body, rows[i].body[0] != '\0');
        assert_text(s.request.key, FIXTURE_ATTEMPT);
    }
    s.call.parent_ref = STR("../captures");
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.parent_ref = STR_NONE;
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    stop(&s);
}

/* The authorization before says nothing of the one that took its place, nor the other way round. */
static void a_reauthorization_is_looked_up_by_its_own_id(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    s.call.operation = OPERATION_REAUTHORIZE;
    s.call.parent_ref = STR("0VF5");
    assert_false(provider_paypal.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    provider_fact_set(&s.facts, STR("authorization_id"), STR("7AB1"));
    assert_true(provider_paypal.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    assert_text(s.request.path, "/v2/payments/authorizations/7AB1");
    stop(&s);
}

static void what_is_held_is_looked_up_by_the_authorization_in_force(void **state)
{
    static const struct {
        const char *id, *status;
        enum outcome outcome;
    } rows[] = {
        {"7AB1", "CREATED", OUTCOME_APPROVED},
        {"7AB1", "PARTIALLY_CAPTURED", OUTCOME_APPROVED},
        {"7AB1", "VOIDED", OUTCOME_FAILED},
        {"0VF5", "VOIDED", OUTCOME_UNKNOWN}, /* the one before */
        {"7AB1", "NEW_WORD", OUTCOME_UNKNOWN},
    };
    struct setup s;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[256];
        struct provider_judgement judgement;
        start(&s);
        s.call.operation = OPERATION_AUTHORIZE;
        provider_fact_set(&s.facts, STR("order_id"), STR("5O190127TN364715T"));
        s.call.held_ref = STR("7AB1");
        assert_true(provider_paypal.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
        assert_text(s.request.path, "/v2/checkout/orders/5O190127TN364715T");
        s.call.is_superseded = true;
        assert_true(provider_paypal.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
        assert_text(s.request.path, "/v2/payments/authorizations/7AB1");
        (void)snprintf(body, sizeof(body),
                       "{\"id\":\"%s\",\"status\":\"%s\",\"amount\":{\"currency_code\":\"EUR\","
                       "\"value\":\"3.00\"},\"expiration_time\":\"2026-12-20T10:15:30Z\"}",
                       rows[i].id, rows[i].status);
        const struct provider_answer answer = {
            .status = 200,
            .content_type = STR("application/json"),
            .body = str_of(body),
            .retry_after_ms = -1,
        };
        provider_paypal.judge(&s.call, PROVIDER_STEP_LOOKUP, &answer, &s.arena, &judgement);
        assert_int_equal(judgement.outcome, rows[i].outcome);
        assert_false(judgement.has_amount); /* less than was authorized at first, and no mismatch */
        if (judgement.outcome == OUTCOME_APPROVED)
            assert_int_equal(judgement.hold_ends_us, 1797761730LL * 1000000);
        stop(&s);
    }
}

static void what_paypal_cannot_express_is_refused(void **state)
{
    static const struct str tokens[] = {STR_INIT(""),          STR_INIT("a/b"), STR_INIT("a\nb"),
                                        STR_INIT("a b"),       STR_INIT(".."),  STR_INIT("a\0b"),
                                        STR_INIT("t\xc3\xb6k")};
    struct setup s;
    (void)state;

    start(&s);
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        s.call.token = tokens[i];
        assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    }
    s.call.token = STR("tok_ok");
    s.call.method_type = STR("bank");
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.method_type = STR("card");
    s.call.operation = OPERATION_PAYOUT;
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.operation = OPERATION_SALE;
    s.call.amount_minor = 0;
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.amount_minor = 1099;
    s.call.currency = currency_find(STR("KWD"));
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.currency = currency_find(STR("HUF"));
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.amount_minor = 1100;
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_true(str_find(s.request.body, STR("\"value\":\"11\""), 0) != SIZE_MAX);
    stop(&s);
}

/* What we write, PayPal repeats, and we read: the same minor units, in every currency and size. */
static void every_currency_survives_the_round_trip(void **state)
{
    static const int64_t amounts[] = {1, 9, 10, 99, 100, 101, 1099, 123456789, MONEY_AMOUNT_MAX};
    struct str codes = provider_paypal.capability.currency_codes;
    size_t sent = 0;
    struct setup s;
    (void)state;

    start(&s);
    while (codes.len > 0) {
        const struct str code = str_cut(&codes, ' ');
        s.call.currency = currency_find(code);
        if (s.call.currency == NULL)
            fail_msg("no such currency: " STR_FMT, STR_ARG(code));
        for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
            struct str text;
            int64_t minor = 0;
            s.call.amount_minor = amounts[i];
            const bool is_whole = paypal_digits(s.call.currency) == s.call.currency->exponent ||
                                  amounts[i] % 100 == 0;
            assert_int_equal(next(&s), is_whole ? PROVIDER_NEXT_SEND : PROVIDER_NEXT_REFUSE);
            if (!is_whole)
                continue;
            assert_true(adapter_raw_value(s.request.body, "purchase_units.0.amount.value", &text));
            assert_true(adapter_read_amount(text, s.call.currency, &minor));
            assert_true(minor == amounts[i]);
            if (paypal_digits(s.call.currency) == 0)
                assert_true(str_find_char(text, '.', 0) == SIZE_MAX);
            sent++;
        }
        arena_reset(&s.arena);
    }
    assert_true(sent > 200);
    stop(&s);
}

/* The published list of issues against our table: nothing missing, no class contradicted. */
static void every_published_issue_has_a_meaning_of_its_class(void **state)
{
    char line[256];
    size_t count = 0;
    FILE *file = fopen("tests/fixtures/paypal/issue_codes.tsv", "r");
    (void)state;

    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '#')
            continue;
        struct str rest = str_of(line);
        rest.len--;
        const struct str issue = str_cut(&rest, '\t');
        (void)str_cut(&rest, '\t');
        const struct paypal_code *code = paypal_issue_find(issue);
        if (code == NULL)
            fail_msg("not in the table: " STR_FMT, STR_ARG(issue));
        const enum paypal_meaning meaning = code->meaning;
        if (str_eq(rest, STR("decline-hard")))
            assert_int_equal(meaning, PAYPAL_MEANS_HARD);
        else if (str_eq(rest, STR("decline-soft")))
            assert_int_equal(meaning, PAYPAL_MEANS_SOFT);
        else if (str_eq(rest, STR("duplicate")))
            assert_int_equal(meaning, PAYPAL_MEANS_DUPLICATE);
        else if (str_eq(rest, STR("payer-action")))
            assert_int_equal(meaning, PAYPAL_MEANS_ACTION);
        else if (str_eq(rest, STR("state-conflict")))
            assert_true(meaning == PAYPAL_MEANS_FAILED || meaning == PAYPAL_MEANS_DUPLICATE);
        else if (!str_starts(rest, STR("in-progress")))
            assert_int_equal(meaning, PAYPAL_MEANS_FAILED);
        count++;
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(count, 218);
}

static void a_lookup_needs_an_id_and_goes_to_its_kind(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    assert_false(provider_paypal.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    provider_fact_set(&s.facts, STR("order_id"), STR("5O19"));
    assert_true(provider_paypal.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    assert_text(s.request.method, "GET");
    assert_text(s.request.path, "/v2/checkout/orders/5O19");
    assert_false(s.request.moves_money);
    assert_int_equal(s.request.step, PROVIDER_STEP_LOOKUP);
    s.call.operation = OPERATION_REFUND;
    assert_false(provider_paypal.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    provider_fact_set(&s.facts, STR("refund_id"), STR("1JU0"));
    assert_true(provider_paypal.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    assert_text(s.request.path, "/v2/payments/refunds/1JU0");
    s.call.operation = OPERATION_VOID;
    s.call.parent_ref = STR("0VF5");
    assert_true(provider_paypal.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    assert_text(s.request.path, "/v2/payments/authorizations/0VF5");
    stop(&s);
}

static bool judge_token(int status, const char *body, int64_t *lifetime_ms, struct error *err)
{
    struct secret token;
    const struct provider_answer answer = {.status = status, .body = str_of(body)};

    secret_init(&token);
    const bool taken = provider_paypal.judge_token(&answer, &token, lifetime_ms, err);
    if (taken)
        assert_true(str_eq(secret_expose(&token), STR("A21AA")));
    secret_release(&token);
    return taken;
}

static void a_token_is_taken_or_refused_without_a_word_about_it(void **state)
{
    int64_t lifetime_ms = 0;
    struct error err;
    (void)state;

    assert_true(judge_token(200,
                            "{\"access_token\":\"A21AA\",\"token_type\":\"Bearer\","
                            "\"expires_in\":32400}",
                            &lifetime_ms, &err));
    assert_true(lifetime_ms == 32400000);
    assert_false(judge_token(401, "{\"error\":\"invalid_client\"}", &lifetime_ms, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_false(judge_token(503, "", &lifetime_ms, &err));
    assert_int_equal(err.code, ERROR_UNAVAILABLE);
    assert_false(judge_token(200,
                             "{\"access_token\":\"A\\r\\nX: y\",\"token_type\":\"Bearer\","
                             "\"expires_in\":9}",
                             &lifetime_ms, &err));
    assert_false(judge_token(200,
                             "{\"access_token\":\"A\",\"token_type\":\"Bearer\","
                             "\"expires_in\":0}",
                             &lifetime_ms, &err));
    assert_false(judge_token(200, "A21AA", &lifetime_ms, &err));
    assert_null(strstr(err.text, "A21AA"));
}

static void a_token_request_uses_basic_and_holds_no_secret(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    provider_paypal.build_token(&s.account, &s.arena, &s.request);
    assert_true(s.request.basic_auth);
    assert_text(s.request.path, "/v1/oauth2/token");
    assert_text(s.request.body, "grant_type=client_credentials");
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fixture_is_judged_as_it_says),
        cmocka_unit_test(every_status_of_an_object_is_judged),
        cmocka_unit_test(a_sale_creates_an_order_that_pays_at_once),
        cmocka_unit_test(the_same_call_composes_the_same_bytes),
        cmocka_unit_test(a_wallet_is_authorized_with_its_vault_id),
        cmocka_unit_test(an_order_the_payer_approved_is_completed),
        cmocka_unit_test(each_completion_has_a_key_of_its_own),
        cmocka_unit_test(the_payer_is_sent_where_the_request_says),
        cmocka_unit_test(a_wallet_without_a_token_is_approved_at_paypals_page),
        cmocka_unit_test(an_order_says_whether_it_waits_for_us),
        cmocka_unit_test(follow_ups_name_what_they_act_on),
        cmocka_unit_test(a_reauthorization_is_looked_up_by_its_own_id),
        cmocka_unit_test(what_is_held_is_looked_up_by_the_authorization_in_force),
        cmocka_unit_test(what_paypal_cannot_express_is_refused),
        cmocka_unit_test(every_currency_survives_the_round_trip),
        cmocka_unit_test(every_published_issue_has_a_meaning_of_its_class),
        cmocka_unit_test(a_lookup_needs_an_id_and_goes_to_its_kind),
        cmocka_unit_test(a_token_is_taken_or_refused_without_a_word_about_it),
        cmocka_unit_test(a_token_request_uses_basic_and_holds_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "providers/paypal_payouts.h"

#include "providers/adapter.h"
#include "providers/paypal.h"

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
    s->account = fixture_account(&provider_paypal_payouts);
    s->call = fixture_call(&s->account);
    s->call.operation = OPERATION_PAYOUT;
    s->call.token = STR("receiver@example.com");
    arena_init(&s->arena, 1 << 20);
}

static void stop(struct setup *s)
{
    arena_release(&s->arena);
    secret_release(&s->account.password);
    json_decref((json_t *)(uintptr_t)s->account.settings);
}

static void set(struct setup *s, const char *name, const char *value)
{
    if (s->account.settings == NULL)
        s->account.settings = json_object();
    assert_int_equal(
        json_object_set_new((json_t *)(uintptr_t)s->account.settings, name, json_string(value)), 0);
}

static enum provider_next next(struct setup *s)
{
    return provider_paypal_payouts.next(&s->call, &s->facts, &s->arena, &s->request, &s->err);
}

static void assert_text(struct str is, const char *want)
{
    fixture_same("request", "text", is, str_of(want));
}

static void every_fixture_is_judged_as_it_says(void **state)
{
    (void)state;
    fixture_run_all("tests/fixtures/paypal_payouts/*.http", &provider_paypal_payouts, 90);
}

static void a_payout_is_a_batch_of_one_under_its_own_key(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    s.call.description = STR("two \"quotes\"");
    set(&s, "email_subject", "You have a payout!");
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_text(s.request.method, "POST");
    assert_text(s.request.path, "/v1/payments/payouts");
    assert_text(s.request.key, FIXTURE_ATTEMPT);
    assert_true(s.request.moves_money);
    assert_int_equal(s.request.step, PROVIDER_STEP_CHARGE);
    assert_int_equal(s.request.header_count, 1);
    assert_text(s.request.body,
                "{\"sender_batch_header\":{\"sender_batch_id\":\"" FIXTURE_ATTEMPT
                "\",\"email_subject\":\"You have a payout!\"},\"items\":[{\"recipient_type\":"
                "\"EMAIL\",\"amount\":{\"value\":\"10.99\",\"currency\":\"EUR\"},\"note\":"
                "\"two \\\"quotes\\\"\",\"sender_item_id\":\"" FIXTURE_ATTEMPT
                "\",\"receiver\":\"receiver@example.com\"}]}");
    const struct str first = s.request.body;
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    assert_true(str_eq(first, s.request.body));
    stop(&s);
}

static void the_payee_id_says_what_kind_it_is(void **state)
{
    static const struct {
        struct str payee;
        const char *type;     /* NULL: refused */
        const char *receiver; /* or a word of the refusal */
    } rows[] = {
        {STR_INIT("a@b.de"), "EMAIL", "a@b.de"},
        {STR_INIT("first.last+tag@mail.example.com"), "EMAIL", "first.last+tag@mail.example.com"},
        {STR_INIT("+4915112345678"), "PHONE", "4915112345678"},
        {STR_INIT("+14085551234"), "PHONE", "14085551234"},
        {STR_INIT("G83JXTJ5EHCQ2"), "PAYPAL_ID", "G83JXTJ5EHCQ2"},
        {STR_INIT(""), NULL, "no payee id"},
        {STR_INIT("@b.de"), NULL, "e-mail"},
        {STR_INIT("a@"), NULL, "e-mail"},
        {STR_INIT("a@de"), NULL, "e-mail"},
        {STR_INIT("a@.de"), NULL, "e-mail"},
        {STR_INIT("a@b."), NULL, "e-mail"},
        {STR_INIT("a@b..de"), NULL, "e-mail"},
        {STR_INIT("a@b@c.de"), NULL, "e-mail"},
        {STR_INIT("a b@c.de"), NULL, "e-mail"},
        {STR_INIT("a\nb@c.de"), NULL, "e-mail"},
        {STR_INIT("\xc3\xa4@c.de"), NULL, "e-mail"},
        {STR_INIT("+0123456789"), NULL, "phone"},
        {STR_INIT("+1408555"), NULL, "phone"},
        {STR_INIT("+1234567890123456"), NULL, "phone"},
        {STR_INIT("+1 408 555 1234"), NULL, "phone"},
        {STR_INIT("+"), NULL, "phone"},
        {STR_INIT("G83JXTJ5EHCQ"), NULL, "13 capitals"},
        {STR_INIT("g83jxtj5ehcq2"), NULL, "13 capitals"},
        {STR_INIT("payee-123"), NULL, "13 capitals"},
    };
    struct setup s;
    (void)state;

    start(&s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str raw;
        s.call.token = rows[i].payee;
        const enum provider_next is = next(&s);
        if (rows[i].type == NULL) {
            if (is != PROVIDER_NEXT_REFUSE || strstr(s.err.text, rows[i].receiver) == NULL)
                fail_msg("row %zu: %d, %s", i, (int)is, s.err.text);
            continue;
        }
        assert_int_equal(is, PROVIDER_NEXT_SEND);
        assert_true(adapter_raw_value(s.request.body, "items.0.recipient_type", &raw));
        assert_text(raw, rows[i].type);
        assert_true(adapter_raw_value(s.request.body, "items.0.receiver", &raw));
        assert_text(raw, rows[i].receiver);
    }
    stop(&s);
}

/* At the limit of 127 characters, one above, and a local part above 64. */
static void an_address_has_limits(void **state)
{
    char email[PROVIDER_PATH_MAX];
    struct setup s;
    (void)state;

    start(&s);
    memset(email, 'a', sizeof(email));
    email[64] = '@';
    email[125] = '.';
    s.call.token = (struct str){email, 127};
    assert_int_equal(next(&s), PROVIDER_NEXT_SEND);
    s.call.token = (struct str){email, 128};
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    email[64] = 'a';
    email[65] = '@';
    s.call.token = (struct str){email, 127};
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    stop(&s);
}

static void a_refusal_never_tells_whose_payee_id_it_was(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    s.call.token = STR("someone@private");
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    assert_null(strstr(s.err.text, "someone"));
    s.call.token = STR("+49private");
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    assert_null(strstr(s.err.text, "private"));
    stop(&s);
}

static void what_paypal_cannot_pay_out_is_refused(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    for (int i = OPERATION_SALE; i < OPERATION_COUNT; i++) {
        s.call.operation = (enum operation)i;
        assert_int_equal(next(&s),
                         i == OPERATION_PAYOUT ? PROVIDER_NEXT_SEND : PROVIDER_NEXT_REFUSE);
    }
    s.call.operation = OPERATION_PAYOUT;
    s.call.amount_minor = 0;
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    assert_non_null(strstr(s.err.text, "cannot pay out"));
    s.call.amount_minor = 1099;
    s.call.currency = currency_find(STR("KWD"));
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    s.call.currency = currency_find(STR("HUF"));
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    assert_non_null(strstr(s.err.text, "0 decimals"));
    s.call.currency = currency_find(STR("EUR"));
    set(&s, "currencies", "USD GBP");
    assert_int_equal(next(&s), PROVIDER_NEXT_REFUSE);
    stop(&s);
}

/* What we write, PayPal repeats, and we read: the same minor units, in every currency and size. */
static void every_currency_survives_the_round_trip(void **state)
{
    static const int64_t amounts[] = {1, 9, 10, 99, 100, 101, 1099, 123456789, MONEY_AMOUNT_MAX};
    struct str codes = provider_paypal_payouts.capability.currency_codes;
    size_t sent = 0;
    struct setup s;
    (void)state;

    start(&s);
    while (codes.len > 0) {
        const struct str code = str_cut(&codes, ' ');
        s.call.currency = currency_find(code);
        assert_non_null(s.call.currency);
        for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
            struct provider_judgement judgement;
            struct str text;
            struct buf answer;
            s.call.amount_minor = amounts[i];
            const bool is_whole = paypal_digits(s.call.currency) == s.call.currency->exponent ||
                                  amounts[i] % 100 == 0;
            assert_int_equal(next(&s), is_whole ? PROVIDER_NEXT_SEND : PROVIDER_NEXT_REFUSE);
            if (!is_whole)
                continue;
            assert_true(adapter_raw_value(s.request.body, "items.0.amount.value", &text));
            if (paypal_digits(s.call.currency) == 0)
                assert_true(str_find_char(text, '.', 0) == SIZE_MAX);
            buf_init(&answer, 4096);
            buf_printf(&answer,
                       "{\"batch_header\":{\"payout_batch_id\":\"B1\",\"batch_status\":"
                       "\"SUCCESS\"},\"items\":[{\"payout_item_id\":\"I1\",\"transaction_status\":"
                       "\"SUCCESS\",\"payout_item\":{\"amount\":{\"currency\":\"" STR_FMT
                       "\",\"value\":\"" STR_FMT "\"}}}]}",
                       STR_ARG(code), STR_ARG(text));
            const struct provider_answer whole = {.status = 200, .body = buf_str(&answer)};
            provider_paypal_payouts.judge(&s.call, PROVIDER_STEP_LOOKUP, &whole, &s.arena,
                                          &judgement);
            assert_int_equal(judgement.outcome, OUTCOME_APPROVED);
            assert_true(judgement.has_amount && judgement.amount_minor == amounts[i]);
            assert_true(str_eq(str_of(judgement.currency), code));
            buf_release(&answer);
            sent++;
        }
        arena_reset(&s.arena);
    }
    assert_true(sent > 200);
    stop(&s);
}

static void a_lookup_needs_the_batch_and_a_cancel_the_item(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    assert_false(provider_paypal_payouts.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    assert_false(provider_paypal_payouts.build_cancel(&s.call, &s.facts, &s.arena, &s.request));
    provider_fact_set(&s.facts, STR("payout_batch_id"), STR("5UXD2E8A7EBQJ"));
    assert_true(provider_paypal_payouts.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    assert_text(s.request.method, "GET");
    assert_text(s.request.path, "/v1/payments/payouts/5UXD2E8A7EBQJ");
    assert_int_equal(s.request.step, PROVIDER_STEP_LOOKUP);
    assert_false(s.request.moves_money);
    assert_false(provider_paypal_payouts.build_cancel(&s.call, &s.facts, &s.arena, &s.request));
    provider_fact_set(&s.facts, STR("payout_item_id"), STR("8AELMXH8UB2P8"));
    assert_true(provider_paypal_payouts.build_cancel(&s.call, &s.facts, &s.arena, &s.request));
    assert_text(s.request.method, "POST");
    assert_text(s.request.path, "/v1/payments/payouts-item/8AELMXH8UB2P8/cancel");
    assert_int_equal(s.request.step, PROVIDER_STEP_CANCEL);
    assert_false(s.request.has_body);
    provider_fact_set(&s.facts, STR("payout_batch_id"), STR("../orders"));
    assert_false(provider_paypal_payouts.build_lookup(&s.call, &s.facts, &s.arena, &s.request));
    stop(&s);
}

/* A lost create is found again as PayPal documents it: the same key is refused with the batch's
 * link, the batch is asked for, and its item says what became of it. */
static void a_lost_answer_is_found_by_repeating_the_key(void **state)
{
    static const char *const refused =
        "{\"name\":\"USER_BUSINESS_ERROR\",\"message\":\"...\",\"details\":[{\"field\":"
        "\"SENDER_BATCH_ID\",\"issue\":\"Batch with given sender_batch_id already exists\","
        "\"link\":[{\"href\":\"https://api-m.paypal.com/v1/payments/payouts/5UXD2E8A7EBQJ\"}]}]}";
    struct provider_judgement judgement;
    struct setup s;
    (void)state;

    start(&s);
    const struct provider_answer answer = {.status = 400, .body = str_of(refused)};
    provider_paypal_payouts.judge(&s.call, PROVIDER_STEP_CHARGE, &answer, &s.arena, &judgement);
    assert_int_equal(judgement.outcome, OUTCOME_UNKNOWN);
    assert_true(judgement.duplicate);
    assert_true(
        provider_paypal_payouts.build_lookup(&s.call, &judgement.facts, &s.arena, &s.request));
    assert_text(s.request.path, "/v1/payments/payouts/5UXD2E8A7EBQJ");
    stop(&s);
}

static void settings_are_known_and_plain(void **state)
{
    char text[300];
    struct setup s;
    (void)state;

    start(&s);
    assert_true(provider_paypal_payouts.check_account(&s.account, &s.err));
    set(&s, "email_message", "Thanks");
    assert_true(provider_paypal_payouts.check_account(&s.account, &s.err));
    set(&s, "email_subject",
        "Gr\xc3\xbc\xc3\x9f"
        "e");
    assert_false(provider_paypal_payouts.check_account(&s.account, &s.err));
    memset(text, 'x', sizeof(text));
    text[256] = '\0';
    set(&s, "email_subject", text);
    assert_false(provider_paypal_payouts.check_account(&s.account, &s.err));
    assert_non_null(strstr(s.err.text, "email_subject"));
    text[255] = '\0';
    set(&s, "email_subject", text);
    assert_true(provider_paypal_payouts.check_account(&s.account, &s.err));
    set(&s, "return_url", "https://x.example"); /* PayPal's other product has it, not this one */
    assert_false(provider_paypal_payouts.check_account(&s.account, &s.err));
    stop(&s);
}

/* No answer of any status without a success of the item in it may be taken for one. */
static void only_an_item_that_says_success_is_paid(void **state)
{
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "{\"status\":\"SUCCESS\"}",
        "{\"transaction_status\":\"SUCCESS\"}",
        "{\"batch_header\":{\"payout_batch_id\":\"B\",\"batch_status\":\"SUCCESS\"}}",
        "{\"batch_header\":{\"payout_batch_id\":\"B\",\"batch_status\":\"SUCCESS\"},\"items\":[]}",
        "{\"batch_header\":{\"payout_batch_id\":\"B\",\"batch_status\":\"SUCCESS\"},\"items\":[0]}",
    };
    struct setup s;
    (void)state;

    start(&s);
    for (int status = 100; status < 600; status++) {
        for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
            struct provider_judgement judgement;
            const struct provider_answer answer = {.status = status, .body = str_of(bodies[i])};
            provider_paypal_payouts.judge(&s.call, PROVIDER_STEP_CHARGE, &answer, &s.arena,
                                          &judgement);
            assert_int_not_equal(judgement.outcome, OUTCOME_APPROVED);
            provider_paypal_payouts.judge(&s.call, PROVIDER_STEP_LOOKUP, &answer, &s.arena,
                                          &judgement);
            assert_int_not_equal(judgement.outcome, OUTCOME_APPROVED);
            assert_false(judgement.not_found);
        }
        arena_reset(&s.arena);
    }
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fixture_is_judged_as_it_says),
        cmocka_unit_test(a_payout_is_a_batch_of_one_under_its_own_key),
        cmocka_unit_test(the_payee_id_says_what_kind_it_is),
        cmocka_unit_test(an_address_has_limits),
        cmocka_unit_test(a_refusal_never_tells_whose_payee_id_it_was),
        cmocka_unit_test(what_paypal_cannot_pay_out_is_refused),
        cmocka_unit_test(every_currency_survives_the_round_trip),
        cmocka_unit_test(a_lookup_needs_the_batch_and_a_cancel_the_item),
        cmocka_unit_test(a_lost_answer_is_found_by_repeating_the_key),
        cmocka_unit_test(settings_are_known_and_plain),
        cmocka_unit_test(only_an_item_that_says_success_is_paid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_payout_check.c - what is wrong with a payout is told, and with which of its members. */
#include "support.h"

#include <stdio.h>

#include "api/payout_check.h"

#define ADA           "\"type\":\"individual\",\"first_name\":\"Ada\",\"last_name\":\"Lovelace\""
#define HEAD          "\"amount\":12500,\"currency\":\"EUR\","
#define PAYEES        "\"payees\":{\"paypal\":\"ada@example.com\",\"payoneer\":\"ada-1815\"}"
#define WHO(who)      "{" HEAD PAYEES ",\"beneficiary\":{" who "}}"
#define BANK(account) WHO(ADA ",\"bank_account\":{" account "}")
#define PAY(payees)   "{" HEAD "\"beneficiary\":{" ADA "},\"payees\":{" payees "}}"
#define IBAN          "\"iban\":\"DE89370400440532013000\""

static struct field_problem check(const char *text, char *iban)
{
    struct arena arena;
    struct field_problem problem = {.message = MESSAGE_NONE};
    arena_init(&arena, 1 << 20);
    json_t *body = body_parse(str_of(text), false, &arena, &problem);
    if (body != NULL && field_check(&payout_fields, body, &problem) &&
        payout_check(body, &problem)) {
        problem.message = MESSAGE_NONE;
        struct str plain = json_path_text(body, "beneficiary.bank_account.iban");
        if (iban != NULL)
            assert_true(str_copy_to(plain, iban, 64));
    }
    json_decref(body);
    arena_release(&arena);
    return problem;
}

static void what_is_right_is_taken(void **state UNUSED)
{
    static const char *const good[] = {
        WHO(ADA),
        WHO(ADA ",\"email\":\"ada@example.com\",\"phone\":\"+4915112345678\",\"country\":\"DE\""),
        WHO("\"type\":\"business\",\"business_name\":\"Engines Ltd\""),
        WHO("\"type\":\"business\",\"business_name\":\"Engines\",\"first_name\":\"Ada\""),
        BANK(IBAN),
        BANK(IBAN ",\"bic\":\"COBADEFFXXX\",\"country\":\"DE\",\"currency\":\"EUR\",\"holder\":"
                  "\"Ada Lovelace\""),
        BANK("\"iban\":\"FR14 2004 1010 0505 0001 3M02 606\",\"bic\":\"SOGEREPX\""),
        BANK("\"iban\":\"GB29NWBK60161331926819\",\"bic\":\"NWBKJESH\""),
        BANK("\"account_number\":\"000123456789\",\"routing_code\":\"021000021\",\"country\":"
             "\"US\""),
        BANK("\"account_number\":\"12345678\",\"routing_code\":\"601613\",\"country\":\"GB\","
             "\"bic\":\"NWBKGB2L\""),
        BANK("\"account_number\":\"12345678\",\"country\":\"JP\""),
        BANK("\"account_number\":\"01-0902-0068389-00\",\"country\":\"NZ\""),
        PAY("\"paypal\":\"+14155552671\""),
        PAY("\"paypal\":\"QXZDDWTSJ3NHC\""),
        PAY("\"payoneer\":\"payee_1.2-3@x\""),
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct field_problem problem = check(good[i], NULL);
        if (problem.message != MESSAGE_NONE)
            fail_test("%s: %s %s", good[i], problem.param, problem.detail);
    }
}

static const struct {
    const char *text;
    enum message message;
    const char *param;
} wrong[] = {
    /* the table */
    {"{" HEAD PAYEES "}", MESSAGE_MISSING_MEMBER, "beneficiary"},
    {"{" HEAD "\"beneficiary\":{" ADA "}}", MESSAGE_MISSING_MEMBER, "payees"},
    {"{\"currency\":\"EUR\"," PAYEES ",\"beneficiary\":{" ADA "}}", MESSAGE_MISSING_MEMBER,
     "amount"},
    {"{\"amount\":1.5,\"currency\":\"EUR\"}", MESSAGE_INVALID_AMOUNT, "amount"},
    {"{\"amount\":1,\"currency\":\"EURO\"}", MESSAGE_UNKNOWN_CURRENCY, "currency"},
    {"{" HEAD PAYEES ",\"beneficiary\":{" ADA "},\"x\":1}", MESSAGE_UNKNOWN_MEMBER, "x"},
    {WHO(ADA ",\"iban\":\"DE\""), MESSAGE_UNKNOWN_MEMBER, "beneficiary.iban"},
    {BANK("\"x\":1"), MESSAGE_UNKNOWN_MEMBER, "beneficiary.bank_account.x"},
    {BANK(""), MESSAGE_MISSING_MEMBER, ""},
    {WHO("\"type\":\"person\""), MESSAGE_INVALID_MEMBER, "beneficiary.type"},
    {WHO(ADA ",\"country\":\"ZZ\""), MESSAGE_INVALID_MEMBER, "beneficiary.country"},
    {WHO(ADA ",\"country\":\"UK\""), MESSAGE_INVALID_MEMBER, "beneficiary.country"},
    {WHO(ADA ",\"email\":\"ada\""), MESSAGE_INVALID_MEMBER, "beneficiary.email"},
    {WHO(ADA ",\"phone\":\"015112345678\""), MESSAGE_INVALID_MEMBER, "beneficiary.phone"},
    {PAY(""), MESSAGE_INVALID_MEMBER, "payees"},
    {PAY("\"stripe\":\"x\""), MESSAGE_UNKNOWN_PROVIDER, "payees.stripe"},
    {PAY("\"paypal\":1"), MESSAGE_INVALID_MEMBER, "payees.paypal"},
    {PAY("\"payoneer\":\"a b\""), MESSAGE_INVALID_MEMBER, "payees.payoneer"},
    /* names */
    {WHO("\"type\":\"individual\""), MESSAGE_MISSING_MEMBER, "beneficiary.first_name"},
    {WHO("\"type\":\"individual\",\"first_name\":\"Ada\""), MESSAGE_MISSING_MEMBER,
     "beneficiary.last_name"},
    {WHO("\"type\":\"individual\",\"first_name\":\"  \",\"last_name\":\"x\""),
     MESSAGE_MISSING_MEMBER, "beneficiary.first_name"},
    {WHO("\"type\":\"business\",\"first_name\":\"Ada\""), MESSAGE_MISSING_MEMBER,
     "beneficiary.business_name"},
    {WHO(ADA ",\"business_name\":\"x\""), MESSAGE_INVALID_MEMBER, "beneficiary.business_name"},
    /* bank accounts */
    {BANK("\"iban\":\"DE88370400440532013000\""), MESSAGE_INVALID_MEMBER,
     "beneficiary.bank_account.iban"},
    {BANK("\"iban\":\"DE8937040044053201300\""), MESSAGE_INVALID_MEMBER,
     "beneficiary.bank_account.iban"},
    {BANK("\"iban\":\"US89370400440532013000\""), MESSAGE_INVALID_MEMBER,
     "beneficiary.bank_account.iban"},
    {BANK("\"iban\":\"DE89-3704-0044-0532-0130-00\""), MESSAGE_INVALID_MEMBER,
     "beneficiary.bank_account.iban"},
    {BANK("\"iban\":\"AAAA AAAA AAAA AAAA AAAA AAAA AAAA AAAA AA\""), MESSAGE_INVALID_MEMBER,
     "beneficiary.bank_account.iban"},
    {BANK("\"iban\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""), MESSAGE_INVALID_MEMBER,
     "beneficiary.bank_account.iban"},
    {BANK(IBAN ",\"country\":\"AT\""), MESSAGE_INVALID_MEMBER, "beneficiary.bank_account.country"},
    {BANK(IBAN ",\"account_number\":\"1\""), MESSAGE_INVALID_MEMBER,
     "beneficiary.bank_account.account_number"},
    {BANK(IBAN ",\"bic\":\"COBAATWW\""), MESSAGE_INVALID_MEMBER, "beneficiary.bank_account.bic"},
    {BANK(IBAN ",\"bic\":\"COBADEFFX\""), MESSAGE_INVALID_MEMBER, "beneficiary.bank_account.bic"},
    {BANK(IBAN ",\"bic\":\"cobadeff\""), MESSAGE_INVALID_MEMBER, "beneficiary.bank_account.bic"},
    {BANK(IBAN ",\"bic\":\"COBAZZFF\""), MESSAGE_INVALID_MEMBER, "beneficiary.bank_account.bic"},
    {BANK(IBAN ",\"currency\":\"USD\""), MESSAGE_INVALID_MEMBER,
     "beneficiary.bank_account.currency"},
    {BANK(IBAN ",\"holder\":\" \""), MESSAGE_INVALID_MEMBER, "beneficiary.bank_account.holder"},
    {BANK("\"bic\":\"COBADEFF\""), MESSAGE_MISSING_MEMBER, "beneficiary.bank_account.iban"},
    {BANK("\"account_number\":\"12345678\""), MESSAGE_MISSING_MEMBER,
     "beneficiary.bank_account.country"},
    {BANK("\"account_number\":\"12_34\",\"country\":\"NZ\""), MESSAGE_INVALID_MEMBER,
     "beneficiary.bank_account.account_number"},
    {BANK("\"account_number\":\"-1\",\"country\":\"NZ\""), MESSAGE_INVALID_MEMBER,
     "beneficiary.bank_account.account_number"},
    {BANK("\"account_number\":\"12345678\",\"country\":\"US\""), MESSAGE_MISSING_MEMBER,
     "beneficiary.bank_account.routing_code"},
    {BANK("\"account_number\":\"1\",\"country\":\"US\",\"routing_code\":\"021000022\""),
     MESSAGE_INVALID_MEMBER, "beneficiary.bank_account.routing_code"},
    {BANK("\"account_number\":\"1\",\"country\":\"GB\",\"bic\":\"COBADEFF\""),
     MESSAGE_INVALID_MEMBER, "beneficiary.bank_account.bic"},
    /* payees */
    {PAY("\"paypal\":\"ada@\""), MESSAGE_INVALID_MEMBER, "payees.paypal"},
    {PAY("\"paypal\":\"+49\""), MESSAGE_INVALID_MEMBER, "payees.paypal"},
    {PAY("\"paypal\":\"QXZDDWTSJ3NH\""), MESSAGE_INVALID_MEMBER, "payees.paypal"},
    {PAY("\"paypal\":\"QXZDDWTSJ3NH-\""), MESSAGE_INVALID_MEMBER, "payees.paypal"},
    {PAY("\"payoneer\":\"a/b\""), MESSAGE_INVALID_MEMBER, "payees.payoneer"},
    {PAY("\"payoneer\":\"1234567890123456789012345678901234567890123456789012345678901\""),
     MESSAGE_INVALID_MEMBER, "payees.payoneer"},
    /* card data */
    {WHO(ADA ",\"email\":\"4111111111111111@example.com\""), MESSAGE_CARD_DATA,
     "beneficiary.email"},
    {BANK("\"account_number\":\"4111111111111111\",\"country\":\"JP\""), MESSAGE_CARD_DATA,
     "beneficiary.bank_account.account_number"},
    {BANK("\"iban\":\"4111 1111 1111 1111\""), MESSAGE_CARD_DATA, "beneficiary.bank_account.iban"},
};

static void what_is_wrong_is_named(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct field_problem problem = check(wrong[i].text, NULL);
        if (problem.message != wrong[i].message || strcmp(problem.param, wrong[i].param) != 0)
            fail_test("%s: got %s at \"%s\" (%s), wanted %s at \"%s\"", wrong[i].text,
                      message_entry(problem.message)->code, problem.param, problem.detail,
                      message_entry(wrong[i].message)->code, wrong[i].param);
        assert_true(problem.detail[0] != '\0');
    }
}

static void an_iban_is_kept_plain(void **state UNUSED)
{
    char iban[64];
    assert_int_equal(check(BANK("\"iban\":\"de89 3704 0044 0532 0130 00\""), iban).message,
                     MESSAGE_NONE);
    assert_string_equal(iban, "DE89370400440532013000");
}

static void addresses_have_the_form_of_e_mail(void **state UNUSED)
{
    static const char *const good[] = {
        "a@b.de",  "ada.lovelace+pay@mail.example.co.uk", "o'hara@example.com", "x_y=z@a-b.io",
        "1@2.com", "j\303\266rg@m\303\274nchen.de"};
    static const char *const bad[] = {
        "",
        "@",
        "a@",
        "@b.de",
        "a@b",
        "a@b@c.de",
        "a b@c.de",
        "a@b c.de",
        ".a@b.de",
        "a.@b.de",
        "a..b@c.de",
        "a@.de",
        "a@b..de",
        "a@b.de.",
        "a@-b.de",
        "a@b-.de",
        "a@b.d\\e",
        "\"a\"@b.de",
        "a@[1.2.3.4]",
        "a@b_c.de",
        "a,b@c.de",
        "<a@b.de>",
        "a@b.de\n",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b.de"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (!form_email.is_ok(str_of(good[i])))
            fail_test("%s is refused", good[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (form_email.is_ok(str_of(bad[i])))
            fail_test("\"%s\" is taken", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_taken),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(an_iban_is_kept_plain),
        cmocka_unit_test(addresses_have_the_form_of_e_mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

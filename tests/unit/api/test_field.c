/* test_field.c - every field of every table refuses what it must, by name. */
#include "support.h"

#include <stdio.h>

#define METHOD     "\"method\":{\"type\":\"card\",\"tokens\":{\"paypal\":\"tok_ok\"}}"
#define BASE       "\"amount\":1,\"currency\":\"EUR\"," METHOD
#define WITH(more) "{" BASE "," more "}"

static void the_contract_of_the_design_is_taken(void **state UNUSED)
{
    assert_taken(&payment_fields, "{" BASE "}");
    assert_taken(&payment_fields,
                 "{\"amount\": 1099, \"currency\": \"EUR\", \"capture\": \"automatic\", "
                 "\"reference\": \"order-1001\", \"method\": {\"type\": \"card\", \"tokens\": "
                 "{\"paypal\": \"tok_ok\", \"payoneer\": \"tok_ok\"}}, \"customer\": {\"id\": "
                 "\"c-7\", \"country\": \"DE\"}, \"metadata\": {\"cart\": \"77\"}, \"providers\": "
                 "{\"only\": [], \"never\": []}}");
    assert_taken(&payment_fields, "{\"amount\":999999999999999,\"currency\":\"JPY\",\"method\":"
                                  "{\"type\":\"test\",\"outcome\":\"approved\"}}");
}

static void wrong_amounts_are_named(void **state UNUSED)
{
    static const char *const amounts[] = {
        "0",
        "-1",
        "-0",
        "1000000000000000",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999",
        "1e2",
        "1E400",
        "10.00",
        "10.5",
        "0.1",
        "\"1099\"",
        "\"\"",
        "null",
        "true",
        "[]",
        "{}",
        "[1]",
    };
    for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "{\"amount\":%s,\"currency\":\"EUR\"," METHOD "}",
                       amounts[i]);
        assert_refused(&payment_fields, text, MESSAGE_INVALID_AMOUNT, "amount");
    }
    assert_refused(&payment_fields, "{\"currency\":\"EUR\"," METHOD "}", MESSAGE_MISSING_MEMBER,
                   "amount");
}

static void wrong_currencies_are_named(void **state UNUSED)
{
    static const char *const currencies[] = {"\"EURO\"", "\"eur\"",   "\"XXX\"",  "\"ABC\"",
                                             "\"\"",     "null",      "978",      "\"E\\u0055\"",
                                             "\"DEM\"",  "[\"EUR\"]", "\"EU\\n\""};
    for (size_t i = 0; i < ARRAY_LEN(currencies); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "{\"amount\":1,\"currency\":%s," METHOD "}",
                       currencies[i]);
        assert_refused(&payment_fields, text, MESSAGE_UNKNOWN_CURRENCY, "currency");
    }
}

static void unknown_members_are_named_by_their_path(void **state UNUSED)
{
    assert_refused(&payment_fields, WITH("\"amout\":5"), MESSAGE_UNKNOWN_MEMBER, "amout");
    assert_refused(&payment_fields, WITH("\"customer\":{\"nme\":\"x\"}"), MESSAGE_UNKNOWN_MEMBER,
                   "customer.nme");
    assert_refused(&payment_fields, WITH("\"providers\":{\"olny\":[]}"), MESSAGE_UNKNOWN_MEMBER,
                   "providers.olny");
    assert_refused(&payment_fields, WITH("\"\":1"), MESSAGE_UNKNOWN_MEMBER, "");
    assert_refused(&payment_fields,
                   "{\"amount\":1,\"currency\":\"EUR\",\"method\":{\"type\":\"card\",\"x\":1}}",
                   MESSAGE_UNKNOWN_MEMBER, "method.x");
}

static void a_long_unknown_name_is_cut_at_a_character(void **state UNUSED)
{
    struct buf text;
    buf_init(&text, 10000);
    buf_add_str(&text, STR("{"));
    buf_add_char(&text, '"');
    for (int i = 0; i < 500; i++)
        buf_add_str(&text, STR("\xe2\x82\xac"));
    buf_add_str(&text, STR("\":1}"));
    buf_add_char(&text, '\0');
    struct field_problem problem = check_body(&payment_fields, text.at);
    assert_int_equal(problem.message, MESSAGE_UNKNOWN_MEMBER);
    assert_true(strlen(problem.param) > 100);
    assert_true(str_is_utf8(str_of(problem.param)));
    buf_release(&text);
}

static void card_data_comes_first_and_is_not_repeated(void **state UNUSED)
{
    assert_refused(&payment_fields, WITH("\"unknown\":1,\"reference\":\"4111111111111111\""),
                   MESSAGE_CARD_DATA, "reference");
    assert_refused(&payment_fields, "{\"amount\":0,\"card\":{\"cvv\":\"123\"}}", MESSAGE_CARD_DATA,
                   "card.cvv");
    assert_refused(&payment_fields, WITH("\"metadata\":{\"4111111111111111\":\"x\"}"),
                   MESSAGE_CARD_DATA, "metadata");
    struct field_problem problem = check_body(
        &payment_fields, "{\"method\":{\"tokens\":{\"paypal\":\"4111 1111 1111 1111\"}}}");
    assert_int_equal(problem.message, MESSAGE_CARD_DATA);
    assert_null(strstr(problem.detail, "4111"));
    assert_string_equal(problem.param, "method.tokens.paypal");
}

static void methods_customers_and_choices_are_checked(void **state UNUSED)
{
    static const struct {
        const char *text;
        enum message message;
        const char *param;
    } cases[] = {
        {"{\"amount\":1,\"currency\":\"EUR\"}", MESSAGE_MISSING_MEMBER, "method"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"method\":{}}", MESSAGE_MISSING_MEMBER,
         "method.type"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"method\":\"card\"}", MESSAGE_INVALID_MEMBER,
         "method"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"method\":null}", MESSAGE_INVALID_MEMBER, "method"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"method\":{\"type\":\"Card\"}}",
         MESSAGE_INVALID_MEMBER, "method.type"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"method\":{\"type\":\"\"}}", MESSAGE_INVALID_MEMBER,
         "method.type"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"method\":{\"type\":\"card\",\"tokens\":{\"stripe\":"
         "\"x\"}}}",
         MESSAGE_UNKNOWN_PROVIDER, "method.tokens.stripe"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"method\":{\"type\":\"card\",\"tokens\":{\"paypal\":"
         "\"\"}}}",
         MESSAGE_INVALID_MEMBER, "method.tokens.paypal"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"method\":{\"type\":\"card\",\"tokens\":{\"paypal\":"
         "\"a b\"}}}",
         MESSAGE_INVALID_MEMBER, "method.tokens.paypal"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"method\":{\"type\":\"card\",\"tokens\":{\"paypal\":"
         "7}}}",
         MESSAGE_INVALID_MEMBER, "method.tokens.paypal"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"method\":{\"type\":\"card\",\"tokens\":[]}}",
         MESSAGE_INVALID_MEMBER, "method.tokens"},
        {"{\"amount\":1,\"currency\":\"EUR\",\"method\":{\"type\":\"test\",\"outcome\":\"maybe\"}}",
         MESSAGE_INVALID_MEMBER, "method.outcome"},
        {WITH("\"capture\":\"later\""), MESSAGE_INVALID_MEMBER, "capture"},
        {WITH("\"capture\":true"), MESSAGE_INVALID_MEMBER, "capture"},
        {WITH("\"reference\":\"\""), MESSAGE_INVALID_MEMBER, "reference"},
        {WITH("\"reference\":\"a\\nb\""), MESSAGE_INVALID_MEMBER, "reference"},
        {WITH("\"reference\":null"), MESSAGE_INVALID_MEMBER, "reference"},
        {WITH("\"description\":\"\\u0007\""), MESSAGE_INVALID_MEMBER, "description"},
        {WITH("\"customer\":[]"), MESSAGE_INVALID_MEMBER, "customer"},
        {WITH("\"customer\":{\"country\":\"de\"}"), MESSAGE_INVALID_MEMBER, "customer.country"},
        {WITH("\"customer\":{\"country\":\"DEU\"}"), MESSAGE_INVALID_MEMBER, "customer.country"},
        {WITH("\"customer\":{\"country\":\"ZZ\"}"), MESSAGE_INVALID_MEMBER, "customer.country"},
        {WITH("\"customer\":{\"country\":\"UK\"}"), MESSAGE_INVALID_MEMBER, "customer.country"},
        {WITH("\"customer\":{\"email\":\"nobody\"}"), MESSAGE_INVALID_MEMBER, "customer.email"},
        {WITH("\"customer\":{\"email\":\"a@b@c\"}"), MESSAGE_INVALID_MEMBER, "customer.email"},
        {WITH("\"customer\":{\"id\":\"a b\"}"), MESSAGE_INVALID_MEMBER, "customer.id"},
        {WITH("\"metadata\":[]"), MESSAGE_INVALID_MEMBER, "metadata"},
        {WITH("\"metadata\":{\"a\":1}"), MESSAGE_INVALID_MEMBER, "metadata.a"},
        {WITH("\"metadata\":{\"\":\"x\"}"), MESSAGE_INVALID_MEMBER, "metadata."},
        {WITH("\"metadata\":{\"a\":{\"b\":\"x\"}}"), MESSAGE_INVALID_MEMBER, "metadata.a"},
        {WITH("\"providers\":{\"only\":[\"stripe\"]}"), MESSAGE_UNKNOWN_PROVIDER, "providers.only"},
        {WITH("\"providers\":{\"never\":[1]}"), MESSAGE_UNKNOWN_PROVIDER, "providers.never"},
        {WITH("\"providers\":{\"never\":\"paypal\"}"), MESSAGE_UNKNOWN_PROVIDER, "providers.never"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_refused(&payment_fields, cases[i].text, cases[i].message, cases[i].param);
}

/* A payment whose metadata has `count` names of name_len characters and values of value_len. */
static struct field_problem check_metadata(int count, int name_len, int value_len)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_add_str(&text, STR("{" BASE ",\"metadata\":{"));
    for (int i = 0; i < count; i++)
        buf_printf(&text, "%s\"%0*d\":\"%0*d\"", i > 0 ? "," : "", name_len, i, value_len, 0);
    buf_add_str(&text, STR("}}"));
    buf_add_char(&text, '\0');
    struct field_problem problem = check_body(&payment_fields, text.at);
    buf_release(&text);
    return problem;
}

static void metadata_has_its_limits(void **state UNUSED)
{
    assert_int_equal(check_metadata(50, 40, 500).message, MESSAGE_NONE);
    assert_int_equal(check_metadata(51, 10, 5).message, MESSAGE_INVALID_MEMBER);
    assert_int_equal(check_metadata(1, 41, 5).message, MESSAGE_INVALID_MEMBER);
    assert_int_equal(check_metadata(1, 10, 501).message, MESSAGE_INVALID_MEMBER);
    assert_taken(&payment_fields, WITH("\"metadata\":{\"note\":\"two\\nlines\",\"empty\":\"\"}"));
}

static void lengths_count_characters_not_bytes(void **state UNUSED)
{
    struct buf text;
    buf_init(&text, 10000);
    for (int count = 255; count <= 256; count++) {
        buf_clear(&text);
        buf_add_str(&text, STR("{" BASE ",\"reference\":\""));
        for (int i = 0; i < count; i++)
            buf_add_str(&text, STR("\xc3\xa4"));
        buf_add_str(&text, STR("\"}"));
        buf_add_char(&text, '\0');
        assert_int_equal(check_body(&payment_fields, text.at).message,
                         count == 255 ? MESSAGE_NONE : MESSAGE_INVALID_MEMBER);
    }
    buf_release(&text);
}

/* ---- all tables at once ---- */

/* A value that no field of this type takes. */
static json_t *wrong_value(const struct field *field)
{
    return field->type == FIELD_INTEGER ? json_string("1") : json_integer(-1);
}

static void every_field_of_every_table_refuses_a_wrong_type_by_name(void **state UNUSED)
{
    for (size_t s = 0; s < field_set_count; s++) {
        const struct field_set *set = field_sets[s];
        for (size_t i = 0; i < set->count; i++) {
            struct field one = set->fields[i];
            struct field_set alone = {.name = set->name, .fields = &one, .count = 1};
            struct field_problem problem;
            json_t *body = json_object();
            assert_int_equal(json_object_set_new(body, one.name, wrong_value(&one)), 0);
            if (field_check(&alone, body, &problem))
                fail_test("%s.%s takes a wrong type", set->name, one.name);
            assert_string_equal(problem.param, one.name);
            assert_true(problem.detail[0] != '\0');
            json_decref(body);
        }
    }
}

static void every_example_is_taken_and_every_needed_field_missed(void **state UNUSED)
{
    for (size_t s = 0; s < field_set_count; s++) {
        const struct field_set *set = field_sets[s];
        for (size_t i = 0; i < set->count; i++) {
            struct field one = set->fields[i];
            struct field_set alone = {.name = set->name, .fields = &one, .count = 1};
            struct field_problem problem;
            json_t *body = json_object();
            bool is_taken = field_check(&alone, body, &problem);
            assert_int_equal(is_taken, !one.required);
            if (one.required)
                assert_int_equal(problem.message, MESSAGE_MISSING_MEMBER);
            json_decref(body);
            if (one.example != NULL) {
                char text[512];
                (void)snprintf(text, sizeof(text), "{\"%s\":%s}", one.name, one.example);
                assert_taken(&alone, text);
            }
        }
    }
}

static void administration_takes_references_never_credentials(void **state UNUSED)
{
    assert_taken(&secret_fields, "{\"secret\":\"file:paypal.json\"}");
    assert_taken(&secret_fields, "{\"secret\":\"env:PAYPAL\"}");
    static const char *const wrong[] = {"\"A21AAFs9YK\"",  "\"file:\"",        "\"file:../x\"",
                                        "\"file:/etc/x\"", "\"file:.hidden\"", "\"env:\"",
                                        "\"FILE:x\"",      "\"file:a b\"",     "{\"user\":\"x\"}"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char text[100];
        (void)snprintf(text, sizeof(text), "{\"secret\":%s}", wrong[i]);
        assert_refused(&secret_fields, text, MESSAGE_INVALID_MEMBER, "secret");
        assert_null(strstr(check_body(&secret_fields, text).detail, "A21AAFs9YK"));
    }
    assert_refused(&account_change_fields, "{}", MESSAGE_MISSING_MEMBER, "");
    assert_refused(&account_change_fields, "{\"base_url\":\"http://x.example\"}",
                   MESSAGE_INVALID_MEMBER, "base_url");
    assert_refused(&account_change_fields, "{\"base_url\":\"https://user:pw@x.example\"}",
                   MESSAGE_INVALID_MEMBER, "base_url");
    assert_refused(&account_change_fields, "{\"provider\":\"paypal\"}", MESSAGE_UNKNOWN_MEMBER,
                   "provider");
}

static void queries_are_checked_as_text(void **state UNUSED)
{
    static const struct {
        const char *name;
        const char *good;
        const char *bad;
    } cases[] = {
        {"limit", "100", "101"},
        {"limit", "1", "0"},
        {"limit", "7", "+7"},
        {"limit", "7", "seven"},
        {"status", "succeeded", "ok"},
        {"created_from", "2026-11-21", "yesterday"},
        {"provider", "paypal", "x"},
        {"starting_after", "pay_01JDEX7T1V5M2Q9K8Z4R6W0C3B", "pay_1"},
        {"reference", "order-1", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct field_problem problem;
        const struct field *field = field_find(&payment_query, str_of(cases[i].name));
        assert_non_null(field);
        assert_true(field_check_text(field, str_of(cases[i].good), &problem));
        assert_false(field_check_text(field, str_of(cases[i].bad), &problem));
        assert_string_equal(problem.param, cases[i].name);
    }
    struct field_problem problem;
    const struct field *field = field_find(&payment_query, STR("reference"));
    assert_false(field_check_text(field, STR("4111111111111111"), &problem));
    assert_int_equal(problem.message, MESSAGE_CARD_DATA);
    assert_false(field_check_text(field, STR("\xff"), &problem));
    assert_null(field_find(&payment_query, STR("limitt")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_contract_of_the_design_is_taken),
        cmocka_unit_test(wrong_amounts_are_named),
        cmocka_unit_test(wrong_currencies_are_named),
        cmocka_unit_test(unknown_members_are_named_by_their_path),
        cmocka_unit_test(a_long_unknown_name_is_cut_at_a_character),
        cmocka_unit_test(card_data_comes_first_and_is_not_repeated),
        cmocka_unit_test(methods_customers_and_choices_are_checked),
        cmocka_unit_test(metadata_has_its_limits),
        cmocka_unit_test(lengths_count_characters_not_bytes),
        cmocka_unit_test(every_field_of_every_table_refuses_a_wrong_type_by_name),
        cmocka_unit_test(every_example_is_taken_and_every_needed_field_missed),
        cmocka_unit_test(administration_takes_references_never_credentials),
        cmocka_unit_test(queries_are_checked_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_card.c - card data is found wherever it hides, and never repeated. */
#include "support.h"

#include "api/card.h"

#define VISA "4111111111111111"

static void assert_found(const char *text, const char *where)
{
    char path[CARD_PATH_SIZE];
    struct error err;
    json_t *body = json_parse(str_of(text), &json_limits_default, &err);
    assert_non_null(body);
    if (!card_find(body, path))
        fail_test("%s: nothing found", text);
    assert_string_equal(path, where);
    assert_null(strstr(path, "4111"));
    json_decref(body);
}

static void assert_clean(const char *text)
{
    char path[CARD_PATH_SIZE];
    struct error err;
    json_t *body = json_parse(str_of(text), &json_limits_default, &err);
    assert_non_null(body);
    if (card_find(body, path))
        fail_test("%s: found at %s", text, path);
    json_decref(body);
}

static void numbers_are_found_at_any_depth(void **state UNUSED)
{
    assert_found("{\"a\":\"" VISA "\"}", "a");
    assert_found("{\"a\":{\"b\":{\"c\":\"x 4111 1111 1111 1111 y\"}}}", "a.b.c");
    assert_found("{\"a\":[\"fine\",{\"b\":\"4111-1111-1111-1111\"}]}", "a.b");
    assert_found("[[[[\"" VISA "\"]]]]", "");
    assert_found("{\"first\":\"fine\",\"a\":{\"x\":1},\"last\":\"" VISA "\"}", "last");
}

static void a_number_as_a_name_is_found_and_not_named(void **state UNUSED)
{
    assert_found("{\"" VISA "\":1}", "");
    assert_found("{\"metadata\":{\"4111 1111 1111 1111\":\"x\"}}", "metadata");
}

static void security_codes_are_found_by_name(void **state UNUSED)
{
    static const char *const names[] = {
        "cvv",   "CVV",           "cvc",          "CVC2",
        "c_v_v", "security_code", "securityCode", "Card-Security-Code",
        "csc",   "track1",        "Track_2_Data", "pin_block"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!card_is_code_name(str_of(names[i])))
            fail_test("%s is not taken for a code", names[i]);
    }
    assert_found("{\"method\":{\"cvv\":\"\"}}", "method.cvv");
    assert_found("{\"metadata\":{\"cvc\":null}}", "metadata.cvc");
    assert_found("{\"a\":[{\"security code\":[]}]}", "a.security code");
}

static void ordinary_bodies_are_clean(void **state UNUSED)
{
    assert_clean("{\"reference\":\"order-1001\",\"phone\":\"+4915112345678\"}");
    assert_clean("{\"id\":\"0190a5c6-4111-7111-8111-111111111111\"}");
    assert_clean("{\"a\":\"4111111111111112\",\"code\":\"x\",\"cv\":\"x\",\"covv\":1}");
    assert_clean("{\"amount\":411111111111111,\"n\":null,\"b\":true,\"r\":1.5,\"o\":{},\"l\":[]}");
    assert_false(card_is_code_name(STR_NONE));
    assert_false(card_is_code_name(STR("cvvcvvcvvcvvcvvcvvcvvcvvcvvcvvcvvcvvcvvcvvcvvcvvcvv")));
}

/* 4000435195009 has thirteen digits, an issuer and a Luhn digit. */
static void a_valid_iban_is_no_card_number(void **state UNUSED)
{
    assert_clean("{\"iban\":\"LV90BANK4000435195009\"}");
    assert_clean("{\"beneficiary\":{\"bank_account\":{\"iban\":\"LV90 BANK 4000 4351 9500 9\"}}}");
    assert_found("{\"iban\":\"LV91BANK4000435195009\"}", "iban");
    assert_found("{\"note\":\"LV90BANK4000435195009\"}", "note");
    assert_found("{\"iban\":\"" VISA "\"}", "iban");
}

static void a_long_path_is_cut_not_overrun(void **state UNUSED)
{
    struct buf text;
    char path[CARD_PATH_SIZE];
    struct error err;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 30; i++)
        buf_printf(&text, "{\"a_rather_long_name_of_a_member_%d\":", i);
    buf_add_str(&text, STR("\"" VISA "\""));
    for (int i = 0; i < 30; i++)
        buf_add_char(&text, '}');
    json_t *body = json_parse(buf_str(&text), &json_limits_default, &err);
    assert_non_null(body);
    assert_true(card_find(body, path));
    assert_true(strlen(path) < CARD_PATH_SIZE);
    json_decref(body);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_found_at_any_depth),
        cmocka_unit_test(a_number_as_a_name_is_found_and_not_named),
        cmocka_unit_test(security_codes_are_found_by_name),
        cmocka_unit_test(ordinary_bodies_are_clean),
        cmocka_unit_test(a_valid_iban_is_no_card_number),
        cmocka_unit_test(a_long_path_is_cut_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

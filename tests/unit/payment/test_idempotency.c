#include "payment/idempotency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool parses(const char *header, const char *expected)
{
    char out[IDEMPOTENCY_KEY_MAX + 1];
    struct str key;
    struct error err;
    if (!idempotency_key_parse(str_of(header), out, &key, &err)) {
        assert_int_equal(err.code, ERROR_INVALID);
        assert_true(err.text[0] != '\0');
        return false;
    }
    assert_int_equal(key.len, strlen(out));
    assert_ptr_equal(key.at, out);
    if (expected != NULL)
        assert_string_equal(out, expected);
    return true;
}

static void quoted_and_bare_keys_are_the_same_key(void **state)
{
    (void)state;
    assert_true(parses("\"3f0c-77\"", "3f0c-77"));
    assert_true(parses("3f0c-77", "3f0c-77"));
    assert_true(parses("  \"3f0c-77\"\t", "3f0c-77"));
    assert_true(parses("\"a b\"", "a b"));
    assert_true(parses("\"a\\\"b\\\\c\"", "a\"b\\c"));
    assert_true(parses("a;b,c=d", "a;b,c=d"));
}

static void malformed_keys_are_refused(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "",          "   ",      "\"\"",     "\"abc",       "abc\"",
        "\"",        "\"a\"b\"", "\"a\";x",  "\"a\",\"b\"", "a b",
        "a\tb",      "\"a\\b\"", "\"a\\",    "\xc3\xa9",    "\"\xc3\xa9\"",
        "\"a\x7f\"", "a\x7f",    "\"a\nb\"", "a\rb",
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        if (parses(headers[i], NULL))
            fail_msg("accepted: %s", headers[i]);
    }
}

static void keys_have_1_to_255_characters(void **state)
{
    (void)state;
    char header[300];
    memset(header, 'k', sizeof(header));
    header[255] = '\0';
    assert_true(parses(header, header));
    header[255] = 'k';
    header[256] = '\0';
    assert_false(parses(header, NULL));

    memset(header, 'k', sizeof(header));
    header[0] = '"';
    header[256] = '"';
    header[257] = '\0';
    assert_true(parses(header, NULL));
    header[256] = 'k';
    header[257] = '"';
    header[258] = '\0';
    assert_false(parses(header, NULL));
}

static void a_key_with_a_nul_byte_is_refused(void **state)
{
    (void)state;
    char out[IDEMPOTENCY_KEY_MAX + 1];
    struct str key;
    struct error err;
    assert_false(idempotency_key_parse(STR("ab\0cd"), out, &key, &err));
    assert_false(idempotency_key_parse(STR("\"ab\0cd\""), out, &key, &err));
}

static void print(const char *method, const char *path, const char *body, uint8_t out[32])
{
    struct error err;
    json_t *json = NULL;
    if (body != NULL) {
        json = json_parse(str_of(body), &json_limits_default, &err);
        assert_non_null(json);
    }
    assert_true(idempotency_fingerprint(str_of(method), str_of(path), json, out, &err));
    json_decref(json);
}

static void order_of_members_and_white_space_do_not_matter(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    print("POST", "/v1/payments", "{\"amount\":1099,\"method\":{\"b\":2,\"a\":1}}", a);
    print("POST", "/v1/payments", "{ \"method\" : {\"a\":1, \"b\":2},\n \"amount\":1099 }", b);
    assert_memory_equal(a, b, 32);
}

static void every_part_of_a_request_counts(void **state)
{
    (void)state;
    static const char *const requests[][3] = {
        {"POST", "/v1/payments", "{\"amount\":1099}"},
        {"POST", "/v1/payments", "{\"amount\":1098}"},
        {"POST", "/v1/payments", "{\"amount\":\"1099\"}"},
        {"POST", "/v1/payments", "{\"amount\":1099,\"x\":null}"},
        {"POST", "/v1/payments", "{}"},
        {"POST", "/v1/payments", NULL},
        {"PUT", "/v1/payments", "{\"amount\":1099}"},
        {"POST", "/v1/payouts", "{\"amount\":1099}"},
        {"POST", "/v1/payments", "{\"list\":[1,2]}"},
        {"POST", "/v1/payments", "{\"list\":[2,1]}"},
    };
    uint8_t digest[ARRAY_LEN(requests)][32];
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        print(requests[i][0], requests[i][1], requests[i][2], digest[i]);
        for (size_t n = 0; n < i; n++) {
            if (memcmp(digest[n], digest[i], 32) == 0)
                fail_msg("requests %zu and %zu have the same fingerprint", n, i);
        }
    }
}

static void a_body_that_is_too_large_is_refused(void **state)
{
    (void)state;
    struct error err;
    uint8_t digest[32];
    json_t *body = json_array();
    for (int i = 0; i < 100; i++) {
        char text[4096];
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        json_array_append_new(body, json_string(text));
    }
    assert_false(idempotency_fingerprint(STR("POST"), STR("/v1/payments"), body, digest, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    json_decref(body);
}

static void a_key_says_which_person_of_the_house_it_was(void **state)
{
    (void)state;
    static const char *const others[] = {"a", "by:key_x:a", "\302\247cancel:1",
                                         "\302\247payout:1:1", ""};
    struct uuid person = uuid_new();
    char id[ID_TEXT_SIZE];
    char own[IDEMPOTENCY_KEY_MAX + 1];
    char out[IDEMPOTENCY_KEY_MAX + 1];
    struct arena arena;
    struct error err;
    struct str key;
    arena_init(&arena, 1 << 16);
    struct str shown = id_format(ID_KEY, &person, id);
    memset(own, ':', sizeof(own));
    for (size_t len = 1; len < sizeof(own); len++) {
        bool fits = len <= 219;
        assert_int_equal(idempotency_key_by(&person, (struct str){own, len}, &arena, &key, &err),
                         fits);
        if (!fits)
            continue;
        assert_true(key.len <= IDEMPOTENCY_KEY_MAX);
        assert_true(str_eq(idempotency_key_author(key), shown));
        assert_true(str_ends(key, (struct str){own, len}));
        /* Whoever sends it by hand is refused. */
        assert_false(idempotency_key_parse(key, out, &key, &err));
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(idempotency_key_author(str_of(others[i])).len, 0);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoted_and_bare_keys_are_the_same_key),
        cmocka_unit_test(malformed_keys_are_refused),
        cmocka_unit_test(keys_have_1_to_255_characters),
        cmocka_unit_test(a_key_with_a_nul_byte_is_refused),
        cmocka_unit_test(order_of_members_and_white_space_do_not_matter),
        cmocka_unit_test(every_part_of_a_request_counts),
        cmocka_unit_test(a_key_says_which_person_of_the_house_it_was),
        cmocka_unit_test(a_body_that_is_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

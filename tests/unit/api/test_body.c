/* test_body.c - malformed text is 400, a number that fits nowhere is still a member's fault. */
#include "support.h"

static json_t *parse(const char *text, struct arena *arena, struct field_problem *problem)
{
    return body_parse(str_of(text), false, arena, problem);
}

static void malformed_text_is_refused(void **state UNUSED)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "1",
        "\"x\"",
        "{}x",
        "{\"a\":1,\"a\":2}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":+1}",
        "{\"a\":99999999999999999999,}",
        "{\"a\":99999999999999999999",
        "{'a':1}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":NaN}",
        "{\"a\":1e99999,\"a\":2}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct field_problem problem = {.message = MESSAGE_NONE};
        struct arena arena;
        arena_init(&arena, 1 << 16);
        json_t *body = parse(texts[i], &arena, &problem);
        if (body != NULL)
            fail_test("%s is taken", texts[i]);
        assert_int_equal(problem.message, MESSAGE_MALFORMED_JSON);
        assert_true(problem.detail[0] != '\0');
        arena_release(&arena);
    }
}

static void nul_bytes_and_depth_are_refused(void **state UNUSED)
{
    struct field_problem problem;
    struct arena arena;
    char deep[200] = "";
    arena_init(&arena, 1 << 16);
    assert_null(body_parse((struct str){"{}\0", 3}, false, &arena, &problem));
    assert_null(body_parse((struct str){"\0{}", 3}, false, &arena, &problem));
    for (size_t i = 0; i < 40; i++)
        memcpy(deep + i * 5, "{\"a\":", 5);
    assert_null(body_parse((struct str){deep, sizeof(deep)}, false, &arena, &problem));
    assert_int_equal(problem.message, MESSAGE_MALFORMED_JSON);
    arena_release(&arena);
}

static void numbers_beyond_int64_become_fractions(void **state UNUSED)
{
    static const char *const numbers[] = {
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999999",
        "1e400",
        "-1E400",
        "1E+999",
        "123456789012345678901e5",
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct field_problem problem = {.message = MESSAGE_NONE};
        struct arena arena;
        struct buf text;
        buf_init(&text, 1000);
        arena_init(&arena, 1 << 16);
        buf_printf(&text, "{\"x\":\"%s \\\" {\",\"a\":[%s,7],\"b\":%s}", numbers[i], numbers[i],
                   numbers[i]);
        json_t *body = body_parse(buf_str(&text), false, &arena, &problem);
        if (body == NULL)
            fail_test("%s: %s", numbers[i], problem.detail);
        assert_true(json_is_real(json_object_get(body, "b")));
        assert_true(json_is_real(json_path(body, "a.0")));
        assert_int_equal(json_integer_value(json_path(body, "a.1")), 7);
        assert_true(str_starts(json_text(body, "x"), str_of(numbers[i]))); /* strings stay */
        json_decref(body);
        arena_release(&arena);
        buf_release(&text);
    }
}

static void an_empty_body_may_be_an_object(void **state UNUSED)
{
    struct field_problem problem;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    json_t *body = body_parse(STR_NONE, true, &arena, &problem);
    assert_true(json_is_object(body));
    json_decref(body);
    arena_release(&arena);
}

static void only_json_in_utf8_is_json(void **state UNUSED)
{
    static const char *const yes[] = {
        "application/json", "Application/JSON", "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"", "application/json ; foo=bar; charset=utf-8"};
    static const char *const no[] = {"",
                                     "text/plain",
                                     "application/jsonx",
                                     "application/x-json",
                                     "application/json; charset=latin1",
                                     "application",
                                     "application/problem+json",
                                     "multipart/form-data"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(body_is_json(str_of(yes[i])));
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_false(body_is_json(str_of(no[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_text_is_refused),
        cmocka_unit_test(nul_bytes_and_depth_are_refused),
        cmocka_unit_test(numbers_beyond_int64_become_fractions),
        cmocka_unit_test(an_empty_body_may_be_an_object),
        cmocka_unit_test(only_json_in_utf8_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

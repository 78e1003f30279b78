/*
 * test_diagnosis.c - findings as people and programs read them.
 */
#include "support.h"

#include "router/diagnosis.h"

static struct arena arena;
static struct diagnosis diagnosis;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    diagnosis_init(&diagnosis, &arena);
    buf_init(&out, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    buf_release(&out);
    return 0;
}

static struct ast_span span(unsigned line, unsigned from, unsigned to)
{
    return (struct ast_span){{line, from}, {line, to}};
}

static const char *printed(const char *text)
{
    buf_clear(&out);
    diagnosis_sort(&diagnosis);
    diagnosis_print(&diagnosis, STR("a.rules"), str_of(text), &out);
    buf_add_char(&out, '\0');
    assert_true(buf_is_ok(&out));
    return out.at;
}

static void a_finding_shows_its_line_and_what_is_meant(void **state)
{
    (void)state;
    diagnosis_error(&diagnosis, span(2, 15, 20), "did you mean amount?", "unknown fact %s",
                    "amout");
    assert_string_equal(printed("# one\nrule \"large\" w amout >= 5 EUR\n"),
                        "a.rules:2:15: error: unknown fact amout\n"
                        "rule \"large\" w amout >= 5 EUR\n"
                        "              ^~~~~\n"
                        "remedy: did you mean amount?\n");
}

static void findings_are_told_by_place(void **state)
{
    (void)state;
    diagnosis_warn(&diagnosis, span(3, 1, 2), "r3", "third");
    diagnosis_error(&diagnosis, span(1, 2, 3), "r2", "second");
    diagnosis_error(&diagnosis, span(1, 1, 2), "r1", "first");
    assert_string_equal(printed("ab\r\n\nc"), "a.rules:1:1: error: first\nab\n^\nremedy: r1\n"
                                              "a.rules:1:2: error: second\nab\n ^\nremedy: r2\n"
                                              "a.rules:3:1: warning: third\nc\n^\nremedy: r3\n");
    struct error err;
    assert_true(diagnosis_first(&diagnosis, &err));
    assert_string_equal(err.text, "1:1: first; r1");
}

static void a_file_with_warnings_only_has_no_first_error(void **state)
{
    (void)state;
    struct error err = {.text = "untouched"};
    diagnosis_warn(&diagnosis, span(1, 1, 2), "r", "t");
    assert_false(diagnosis_first(&diagnosis, &err));
    assert_string_equal(err.text, "untouched");
}

static void marks_stand_under_characters(void **state)
{
    (void)state;
    diagnosis_error(&diagnosis, span(1, 4, 6), "r", "t");
    diagnosis_error(&diagnosis, span(2, 3, 3), "r", "t");
    diagnosis_error(&diagnosis, (struct ast_span){{3, 2}, {4, 1}}, "r", "t");
    assert_string_equal(printed("\xEF\xBB\xBF\t\xC3\xA4\xE2\x82\xACxy\nab\na\x01 c\nd"),
                        "a.rules:1:4: error: t\n\t\xC3\xA4\xE2\x82\xACxy\n\t  ^~\nremedy: r\n"
                        "a.rules:2:3: error: t\nab\n  ^\nremedy: r\n"
                        "a.rules:3:2: error: t\na? c\n ^~~\nremedy: r\n");
}

static void long_lines_are_cut_around_the_place(void **state)
{
    (void)state;
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    text[499] = '!';
    diagnosis_error(&diagnosis, span(1, 500, 501), "r", "t");
    const char *all = printed(text);
    const char *line = strchr(all, '\n') + 1;
    const char *marks = strchr(line, '\n') + 1;
    assert_true(marks - line < 140);
    assert_int_equal(strcspn(line, "!"), strcspn(marks, "^"));
    assert_memory_equal(line, "...x", 4);
    assert_memory_equal(marks - 5, "x...\n", 5);
}

static void text_that_is_not_utf8_is_shown_without_harm(void **state)
{
    (void)state;
    diagnosis_error(&diagnosis, span(1, 2, 3), "r", "t");
    assert_string_equal(printed("a\xFF"
                                "b\x1B[0m"),
                        "a.rules:1:2: error: t\na?b?[0m\n ^\nremedy: r\n");
}

static void what_is_not_kept_is_counted_and_errors_come_first(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DIAGNOSIS_FINDING_MAX; i++) {
        assert_false(diagnosis_is_full(&diagnosis));
        diagnosis_warn(&diagnosis, span(i + 1, 1, 2), "r", "w");
    }
    assert_true(diagnosis_is_full(&diagnosis));
    diagnosis_error(&diagnosis, span(1000, 1, 2), "r", "e");
    diagnosis_warn(&diagnosis, span(1001, 1, 2), "r", "w");
    assert_int_equal(diagnosis.count, DIAGNOSIS_FINDING_MAX);
    assert_int_equal(diagnosis.error_count, 1);
    assert_int_equal(diagnosis.warning_count, DIAGNOSIS_FINDING_MAX + 1);
    struct error err;
    assert_true(diagnosis_first(&diagnosis, &err));
    assert_string_equal(err.text, "1000:1: e; r");
    assert_non_null(strstr(printed("x"), "a.rules: 2 more\n"));
}

static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    char text[DIAGNOSIS_TEXT_MAX + 2];
    memset(text, 'x', sizeof(text));
    memcpy(text + DIAGNOSIS_TEXT_MAX - 1, "\xC3\xA4", 2);
    diagnosis_add(&diagnosis, SEVERITY_ERROR, span(1, 1, 2), (struct str){text, sizeof(text)},
                  STR("r"));
    assert_int_equal(diagnosis.finding[0].text.len, DIAGNOSIS_TEXT_MAX - 1);
}

static void programs_read_an_array(void **state)
{
    (void)state;
    diagnosis_warn(&diagnosis, (struct ast_span){{1, 2}, {3, 4}}, "say \"x\"", "no \"x\"");
    struct json_out json;
    json_out_init(&json, &out);
    diagnosis_json(&diagnosis, &json);
    assert_str(buf_str(&out),
               "[{\"severity\":\"warning\",\"line\":1,\"column\":2,\"end_line\":3,\"end_column\":4,"
               "\"text\":\"no \\\"x\\\"\",\"remedy\":\"say \\\"x\\\"\"}]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_finding_shows_its_line_and_what_is_meant),
        TEST(findings_are_told_by_place),
        TEST(a_file_with_warnings_only_has_no_first_error),
        TEST(marks_stand_under_characters),
        TEST(long_lines_are_cut_around_the_place),
        TEST(text_that_is_not_utf8_is_shown_without_harm),
        TEST(what_is_not_kept_is_counted_and_errors_come_first),
        TEST(long_texts_are_cut_between_characters),
        TEST(programs_read_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

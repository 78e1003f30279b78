/* test_rows.c - the rows of a body come out one by one, and nothing malformed slips between them. */
#include "support.h"

#include <stdio.h>

#include "api/rows.h"

/* The rows in their canonical form, "!" for a wrong one, "#" for malformed; then the head. */
static const char *read_text(const char *body, bool is_csv)
{
    static struct buf out;
    struct arena arena;
    struct rows rows;
    struct field_problem problem = {.message = MESSAGE_NONE};
    enum rows_next next = ROWS_MALFORMED;
    arena_init(&arena, ROWS_ARENA_MAX);
    buf_release(&out);
    buf_init(&out, 1 << 16);
    rows_init(&rows, str_of(body), is_csv, &payout_fields, "payouts");
    if (!is_csv || rows_read_header(&rows, &arena, &problem)) {
        json_t *row = NULL;
        while ((next = rows_next(&rows, &arena, &row, &problem)) <= ROWS_WRONG) {
            if (next == ROWS_ROW)
                assert_true(json_canonical(row, &out));
            json_decref(row);
            row = NULL;
            buf_add_char(&out, next == ROWS_ROW ? ' ' : '!');
        }
    }
    json_t *head = next == ROWS_END ? rows_head(&rows, &arena, &problem) : NULL;
    if (head != NULL)
        assert_true(json_canonical(head, &out));
    else
        buf_printf(&out, "#%s", message_entry(problem.message)->code);
    json_decref(head);
    buf_add_char(&out, '\0');
    arena_release(&arena);
    return out.at;
}

static void rows_of_json_come_one_by_one(void **state UNUSED)
{
    static const struct {
        const char *body;
        const char *got;
    } bodies[] = {
        {"{\"payouts\":[{\"a\":1},{\"a\":2}],\"on_invalid\":\"skip\"}",
         "{\"a\":1} {\"a\":2} {\"on_invalid\":\"skip\",\"payouts\":[]}"},
        {" { \"reference\" : \"x]\\\"[\" , \"payouts\" : [ { \"a\" : [1,{\"b\":\"],}\"}] } ,\n{} "
         "] } ",
         "{\"a\":[1,{\"b\":\"],}\"}]} {} {\"payouts\":[],\"reference\":\"x]\\\"[\"}"},
        {"{\"payouts\":[]}", "{\"payouts\":[]}"},
        {"{\"payouts\":[ \n ]}", "{\"payouts\":[]}"},
        {"{\"x\":{\"payouts\":[{\"a\":1}]},\"payouts\":[{\"b\":1}]}",
         "{\"b\":1} {\"payouts\":[],\"x\":{\"payouts\":[{\"a\":1}]}}"},
        {"{\"payouts\":[1,\"x\",null,[{}],true,{\"a\":1}]}", "!!!!!{\"a\":1} {\"payouts\":[]}"},
        {"{\"payouts\":[{\"n\":99999999999999999999}]}", "{\"n\":0.5} {\"payouts\":[]}"},
        /* no list: the head is the body */
        {"{\"payouts\":{\"a\":1}}", "{\"payouts\":{\"a\":1}}"},
        {"{\"reference\":\"x\"}", "{\"reference\":\"x\"}"},
        {"{}", "{}"},
        {"{\"p\\u0061youts\":[{\"a\":1}]}", "{\"payouts\":[{\"a\":1}]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        const char *got = read_text(bodies[i].body, false);
        if (strcmp(got, bodies[i].got) != 0)
            fail_test("%s: got %s, wanted %s", bodies[i].body, got, bodies[i].got);
    }
}

static void malformed_json_is_found_wherever_it_stands(void **state UNUSED)
{
    static const char *const bodies[] = {
        "",
        "x",
        "[]",
        "[{\"a\":1}]",
        "{",
        "{\"payouts\"",
        "{\"payouts\":",
        "{\"payouts\":[",
        "{\"payouts\":[{\"a\":1}",
        "{\"payouts\":[{\"a\":1},",
        "{\"payouts\":[{\"a\":1}]",
        "{\"payouts\":[{\"a\":1}}",
        "{\"payouts\":[{\"a\":1},]}",
        "{\"payouts\":[,{\"a\":1}]}",
        "{\"payouts\":[{\"a\":1},,{\"a\":1}]}",
        "{\"payouts\":[{\"a\":1} {\"a\":2}]}",
        "{\"payouts\":[{\"a\":1]}",
        "{\"payouts\":[{\"a\":1}}]}",
        "{\"payouts\":[{\"a\":1,\"a\":2}]}",
        "{\"payouts\":[{\"a\":\"\xff\"}]}",
        "{\"payouts\":[{\"a\":tru}]}",
        "{\"payouts\":[tru]}",
        "{\"payouts\":[1 2]}",
        "{\"payouts\":[\"x]}",
        "{\"payouts\":[[}]]}",
        "{\"payouts\":[{\"a\":1}],\"payouts\":[{\"a\":2}]}",
        "{\"x\":1,\"x\":2,\"payouts\":[{\"a\":1}]}",
        "{\"payouts\":[{\"a\":1}]} x",
        "{\"payouts\":[{\"a\":1}],}",
        "{\"payouts\":[{\"a\":1}]:1}",
        "{,\"payouts\":[{\"a\":1}]}",
        "{\"x\" 1,\"payouts\":[{\"a\":1}]}",
        "{\"x\":,\"payouts\":[{\"a\":1}]}",
        "{\"x\":[1},\"payouts\":[{\"a\":1}]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        const char *got = read_text(bodies[i], false);
        if (strstr(got, "#malformed_json") == NULL)
            fail_test("%s: got %s", bodies[i], got);
    }
    /* What stands behind a NUL counts, too. */
    static const char nul[] = "{\"payouts\":[1\0x]}";
    struct arena arena;
    struct rows rows;
    struct field_problem problem = {.message = MESSAGE_NONE};
    json_t *row = NULL;
    arena_init(&arena, ROWS_ARENA_MAX);
    rows_init(&rows, (struct str){nul, sizeof(nul) - 1}, false, &payout_fields, "payouts");
    assert_int_equal(rows_next(&rows, &arena, &row, &problem), ROWS_MALFORMED);
    arena_release(&arena);
}

/* Any prefix of a body is malformed, and is read without a step beyond its end. */
static void a_body_that_was_cut_is_malformed(void **state UNUSED)
{
    static const char whole[] = "{\"reference\":\"a\\\\\",\"payouts\":[{\"a\":{\"b\":[\"\\\"\"]}},"
                                "{}],\"on_invalid\":\"skip\"}";
    for (size_t len = 0; len + 1 < sizeof(whole); len++) {
        char *cut = strndup(whole, len); /* its own memory: the sanitizer sees a step too far */
        const char *got = read_text(cut, false);
        if (strstr(got, "#malformed_json") == NULL)
            fail_test("%s: got %s", cut, got);
        free(cut);
    }
    assert_null(strstr(read_text(whole, false), "#"));
}

#define HEADER "amount,currency,beneficiary.type,payees.paypal\n"

/* before, then so many bytes of filler, then after; lives until the next. */
static const char *stretched(const char *before, const char *filler, size_t bytes,
                             const char *after)
{
    static struct buf text;
    buf_release(&text);
    buf_init(&text, 1 << 23);
    buf_add_str(&text, str_of(before));
    while (bytes >= strlen(filler)) {
        buf_add_str(&text, str_of(filler));
        bytes -= strlen(filler);
    }
    buf_add_str(&text, str_of(after));
    buf_add_char(&text, '\0');
    assert_true(buf_is_ok(&text));
    return text.at;
}

/* One row or head beyond its length is refused, however little of it there is to keep. */
static void what_is_too_long_is_not_looked_into(void **state UNUSED)
{
    static const struct {
        const char *before;
        const char *filler;
        const char *after;
        bool is_csv;
    } bodies[] = {
        {"{\"payouts\":[]", " ", "}", false},
        {"{\"payouts\":[{\"a\":1}]", " ", ",\"n\":99999999999999999999}", false},
        {"{\"payouts\":{\"n\":99999999999999999999", "\n", "}}", false},
        {"{\"n\":99999999999999999999", "\t", "}", false},
        {"{\"payouts\":[{\"n\":99999999999999999999", " ", "}]}", false},
        {"{\"payouts\":[{\"a\":\"", "x", "\"}]}", false},
        {"{\"payouts\":[{},", "1", "]}", false},
        {"\"", "x", "\"\"\",b\n", true},
        {HEADER "\"", "\"\"", "\",b\n", true},
        {HEADER "a", "x", ",b\n", true},
        {HEADER "a", ",\"\"\"\"", "\n", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        const char *text = stretched(bodies[i].before, bodies[i].filler, 4200000, bodies[i].after);
        const char *got = read_text(text, bodies[i].is_csv);
        if (strstr(got, bodies[i].is_csv ? "#malformed_csv" : "#malformed_json") == NULL)
            fail_test("%zu: got %s", i, got);
    }
}

static void what_is_just_short_enough_is_taken(void **state UNUSED)
{
    const size_t head = sizeof("{\"payouts\":[]}") - 1;
    const size_t row = sizeof("{\"n\":99999999999999999999}") - 1;
    assert_string_equal(
        read_text(stretched("{\"payouts\":[{}]", " ", ROW_BYTES_MAX - head, "}"), false),
        "{} {\"payouts\":[]}");
    assert_string_equal(
        read_text(stretched("{\"payouts\":[{}]", " ", ROW_BYTES_MAX - head + 1, "}"), false),
        "{} #malformed_json");
    assert_string_equal(read_text(stretched("{\"payouts\":[{\"n\":99999999999999999999", " ",
                                            ROW_BYTES_MAX - row, "}]}"),
                                  false),
                        "{\"n\":0.5} {\"payouts\":[]}");
    assert_string_equal(read_text(stretched("{\"payouts\":[{\"n\":99999999999999999999", " ",
                                            ROW_BYTES_MAX - row + 1, "}]}"),
                                  false),
                        "#malformed_json");
    /* The most that a record can take of the arena: cells of one doubled quote. */
    assert_string_equal(
        read_text(stretched(HEADER "a", ",\"\"\"\"", ROW_BYTES_MAX - 1, "\n"), true), "!{}");
}

static void rows_of_csv_come_one_by_one(void **state UNUSED)
{
    assert_string_equal(read_text(HEADER "1,EUR,business,a@b.de\n\n2,USD\n3,KWD,,", true),
                        "{\"amount\":1,\"beneficiary\":{\"type\":\"business\"},\"currency\":"
                        "\"EUR\",\"payees\":{\"paypal\":\"a@b.de\"}} !{\"amount\":3,\"currency\":"
                        "\"KWD\"} {}");
    assert_string_equal(read_text(HEADER, true), "{}");
    assert_string_equal(read_text("", true), "#malformed_csv");
    assert_string_equal(read_text("amount;currency\n", true), "#unknown_member");
    assert_string_equal(read_text("\"amount", true), "#malformed_csv");
    assert_string_equal(read_text(HEADER "1,\"EUR", true), "#malformed_csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_json_come_one_by_one),
        cmocka_unit_test(malformed_json_is_found_wherever_it_stands),
        cmocka_unit_test(a_body_that_was_cut_is_malformed),
        cmocka_unit_test(what_is_too_long_is_not_looked_into),
        cmocka_unit_test(what_is_just_short_enough_is_taken),
        cmocka_unit_test(rows_of_csv_come_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

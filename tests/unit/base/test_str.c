#include "base/str.h"
#include "helpers.h"

static void empty_strings_are_equal_with_and_without_address(void **state)
{
    (void)state;
    assert_true(str_eq(STR_NONE, STR("")));
    assert_true(str_eq_nocase(STR_NONE, STR("")));
    assert_true(str_is_empty(str_of(NULL)));
    assert_int_equal(str_compare(STR_NONE, STR("")), 0);
    assert_true(str_starts(STR_NONE, STR_NONE));
    assert_true(str_ends(STR("a"), STR_NONE));
    assert_int_equal(str_find(STR_NONE, STR_NONE, 0), 0);
    assert_int_equal(str_find(STR_NONE, STR("a"), 0), SIZE_MAX);
    assert_true(str_is_empty(str_trim(STR_NONE)));
    assert_true(str_is_utf8(STR_NONE));
}

static void comparison_is_by_byte_and_shorter_first(void **state)
{
    (void)state;
    assert_int_equal(str_compare(STR("a"), STR("b")), -1);
    assert_int_equal(str_compare(STR("b"), STR("a")), 1);
    assert_int_equal(str_compare(STR("a"), STR("aa")), -1);
    assert_int_equal(str_compare(STR("\xff"), STR("a")), 1);
    assert_int_equal(str_compare(STR("a\0a"), STR("a\0b")), -1);
    assert_true(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
    assert_false(str_eq_nocase(STR("\xc4"), STR("\xe4")));
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_false(str_eq_nocase(STR("["), STR("{")));
}

static void search_respects_its_start(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 0), 1);
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 2), 4);
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 5), SIZE_MAX);
    assert_int_equal(str_find(STR("abc"), STR("c"), 99), SIZE_MAX);
    assert_int_equal(str_find(STR("abc"), STR(""), 3), 3);
    assert_int_equal(str_find_char(STR("abca"), 'a', 1), 3);
    assert_int_equal(str_find_char(STR("abc"), 'a', 3), SIZE_MAX);
    assert_int_equal(str_find_char(STR("a\0c"), 'c', 0), 2);
}

static void parts_are_clipped(void **state)
{
    (void)state;
    assert_str(str_sub(STR("abc"), 1, 99), "bc");
    assert_str(str_sub(STR("abc"), 99, 1), "");
    assert_str(str_sub(STR("abc"), 1, SIZE_MAX), "bc");
    assert_str(str_sub(STR_NONE, 5, 5), "");
    assert_str(str_trim(STR(" \t a b\t ")), "a b");
    assert_str(str_trim(STR(" \t ")), "");
    assert_str(str_trim(STR("\na\n")), "\na\n");
}

static void cutting_walks_all_parts(void **state)
{
    (void)state;
    struct str rest = STR("a,,b,");
    assert_str(str_cut(&rest, ','), "a");
    assert_str(str_cut(&rest, ','), "");
    assert_str(str_cut(&rest, ','), "b");
    assert_str(rest, "");
    assert_str(str_cut(&rest, ','), "");
    rest = STR("whole");
    assert_str(str_cut(&rest, ','), "whole");
    assert_str(rest, "");
    rest = STR_NONE;
    assert_str(str_cut(&rest, ','), "");
}

static void integers_are_exact_to_the_last_value(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_valid;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"007", true, 7},
        {"2147483648", true, INT64_C(2147483648)},
        {"9007199254740993", true, INT64_C(9007199254740993)},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"92233720368547758070", false, 0},
        {"18446744073709551616", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {"--1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"1e2", false, 0},
        {"0x10", false, 0},
        {"1_000", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t value = 4711;
        bool is_valid = str_to_int64(str_of(cases[i].text), &value);
        if (is_valid != cases[i].is_valid)
            fail_test("%s", cases[i].text);
        assert_true(value == (is_valid ? cases[i].value : 4711));
    }
    int64_t value;
    assert_false(str_to_int64(STR("1\0"), &value));
}

static void copies_are_terminated_or_refused(void **state)
{
    (void)state;
    char out[4] = "xxx";
    assert_true(str_copy_to(STR("abc"), out, sizeof(out)));
    assert_string_equal(out, "abc");
    assert_false(str_copy_to(STR("abcd"), out, sizeof(out)));
    assert_string_equal(out, "");
    assert_true(str_copy_to(STR_NONE, out, 1));
}

static void utf8_is_judged_by_rfc_3629(void **state)
{
    (void)state;
    static const struct str valid[] = {
        STR_INIT("plain ascii of more than eight bytes"),
        STR_INIT("\x00\x7f"),
        STR_INIT("\xc2\x80\xdf\xbf"),
        STR_INIT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
        STR_INIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
        STR_INIT("12345678\xe2\x82\xac"),
    };
    static const struct str invalid[] = {
        STR_INIT("\x80"),             /* tail without head */
        STR_INIT("\xbf"),             /* tail without head */
        STR_INIT("\xc0\x80"),         /* overlong NUL */
        STR_INIT("\xc1\xbf"),         /* overlong */
        STR_INIT("\xe0\x9f\xbf"),     /* overlong */
        STR_INIT("\xf0\x8f\xbf\xbf"), /* overlong */
        STR_INIT("\xed\xa0\x80"),     /* surrogate */
        STR_INIT("\xed\xbf\xbf"),     /* surrogate */
        STR_INIT("\xf4\x90\x80\x80"), /* above U+10FFFF */
        STR_INIT("\xf5\x80\x80\x80"), /* above U+10FFFF */
        STR_INIT("\xff"),             /* never */
        STR_INIT("\xc3"),             /* cut off */
        STR_INIT("\xe2\x82"),         /* cut off */
        STR_INIT("\xf0\x9f\x98"),     /* cut off */
        STR_INIT("\xc3("),            /* no tail */
        STR_INIT("12345678\xe2\x28\xa1"),
    };
    for (size_t i = 0; i < ARRAY_LEN(valid); i++)
        assert_true(str_is_utf8(valid[i]));
    for (size_t i = 0; i < ARRAY_LEN(invalid); i++) {
        if (str_is_utf8(invalid[i]))
            fail_test("case %zu", i);
    }
}

static void every_scalar_value_and_no_other_is_utf8(void **state)
{
    (void)state;
    for (unsigned code = 0x80; code <= 0x120000; code++) {
        char text[4];
        size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        static const unsigned heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (size_t i = 0; i < len; i++) {
            unsigned bits = code >> (6 * (len - 1 - i));
            text[i] = (char)(unsigned char)(i == 0 ? heads[len] | bits : 0x80 | (bits & 0x3f));
        }
        bool is_scalar = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        if (str_utf8_size((struct str){text, len}, 0) != (is_scalar ? len : 0))
            fail_test("U+%04X", code);
    }
}

static void buf_grows_to_its_limit_and_no_further(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    for (int i = 0; i < 1000; i++)
        buf_add_char(&buf, 'x');
    assert_true(buf_is_ok(&buf));
    assert_int_equal(buf.len, 1000);
    buf_add_char(&buf, 'y');
    assert_false(buf_is_ok(&buf));
    assert_int_equal(buf.len, 1000);
    buf_clear(&buf);
    assert_true(buf_is_ok(&buf));
    buf_add_str(&buf, STR("again"));
    assert_str(buf_str(&buf), "again");
    buf_release(&buf);
    assert_null(buf.at);
}

static void after_an_overflow_the_rest_is_dropped_too(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 5);
    buf_add_str(&buf, STR("abc"));
    buf_add_str(&buf, STR("def"));
    buf_add_str(&buf, STR("g"));
    assert_null(buf_extend(&buf, 0));
    assert_str(buf_str(&buf), "abc");
    assert_false(buf_is_ok(&buf));
    buf_release(&buf);
    buf_init(&buf, 0);
    buf_add_str(&buf, STR_NONE);
    assert_true(buf_is_ok(&buf));
    buf_add_char(&buf, 'a');
    assert_false(buf_is_ok(&buf));
    buf_release(&buf);
    buf_init(&buf, SIZE_MAX);
    buf_add_char(&buf, 'a');
    assert_true(buf_is_ok(&buf));
    buf_release(&buf);
}

static void printing_works_at_every_length(void **state)
{
    (void)state;
    char text[1200];
    memset(text, 'z', sizeof(text));
    struct buf buf;
    buf_init(&buf, 1100);
    for (int len = 0; len <= 1100; len++) {
        buf_clear(&buf);
        buf_printf(&buf, "%.*s", len, text);
        assert_true(buf_is_ok(&buf));
        assert_int_equal(buf.len, len);
    }
    buf_clear(&buf);
    buf_printf(&buf, "%.*s", 1101, text);
    assert_false(buf_is_ok(&buf));
    assert_int_equal(buf.len, 0);
    buf_release(&buf);
}

static void integers_are_printed_as_they_are_read(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, -1, 9, 10, -10, INT32_MAX, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct buf buf;
        int64_t back = 4711;
        buf_init(&buf, 20);
        buf_add_int64(&buf, values[i]);
        assert_true(str_to_int64(buf_str(&buf), &back));
        assert_true(back == values[i]);
        buf_release(&buf);
    }
}

static void hex_digits_are_read_in_either_case(void **state)
{
    (void)state;
    int known = 0;
    for (int c = 0; c < 256; c++) {
        int value = str_hex_value((char)c);
        assert_in_range(value + 1, 0, 16);
        if (value < 0)
            continue;
        known++;
        assert_int_equal(str_hex_digits[value], c >= 'A' && c <= 'F' ? c + 'a' - 'A' : c);
    }
    assert_int_equal(known, 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_strings_are_equal_with_and_without_address),
        cmocka_unit_test(comparison_is_by_byte_and_shorter_first),
        cmocka_unit_test(search_respects_its_start),
        cmocka_unit_test(parts_are_clipped),
        cmocka_unit_test(cutting_walks_all_parts),
        cmocka_unit_test(integers_are_exact_to_the_last_value),
        cmocka_unit_test(copies_are_terminated_or_refused),
        cmocka_unit_test(utf8_is_judged_by_rfc_3629),
        cmocka_unit_test(every_scalar_value_and_no_other_is_utf8),
        cmocka_unit_test(buf_grows_to_its_limit_and_no_further),
        cmocka_unit_test(after_an_overflow_the_rest_is_dropped_too),
        cmocka_unit_test(printing_works_at_every_length),
        cmocka_unit_test(integers_are_printed_as_they_are_read),
        cmocka_unit_test(hex_digits_are_read_in_either_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/json.h"
#include "helpers.h"

#include <stdlib.h>

/* The cases follow the JSONTestSuite's families (y_ accepted, n_ refused); the texts are our own.
 */
static const struct str accepted[] = {
    STR_INIT("{}"),
    STR_INIT("[]"),
    STR_INIT(" \t\r\n[ ]\r\n"),
    STR_INIT("[[],{}]"),
    STR_INIT("[0,-0,1,-1,10,1.5,1e2,1E+2,1e-2,0.1,-0.0]"),
    STR_INIT("[9223372036854775807,-9223372036854775808]"),
    STR_INIT("[true,false,null]"),
    STR_INIT("[\"\",\"a\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
    STR_INIT("[\"\\u0041\\u00e9\\u20AC\\uD83D\\uDE00\"]"),
    STR_INIT("[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]"),
    STR_INIT("[\"\x7f\xe2\x80\xa8\"]"),
    STR_INIT("[\"[{]},:\\\"[[[\"]"),
    STR_INIT("{\"\":0}"),
    STR_INIT("{\"a\":1,\"A\":2}"),
    STR_INIT("{\"a\":{\"a\":{\"a\":[{}]}}}"),
};

static const struct str refused[] = {
    STR_INIT(""),
    STR_INIT(" "),
    STR_INIT("1"),
    STR_INIT("\"text\""),
    STR_INIT("null"),
    STR_INIT("true"),
    STR_INIT("["),
    STR_INIT("]"),
    STR_INIT("{"),
    STR_INIT("}"),
    STR_INIT("[}"),
    STR_INIT("{]"),
    STR_INIT("[1"),
    STR_INIT("[1,"),
    STR_INIT("[1,]"),
    STR_INIT("[,1]"),
    STR_INIT("[1,,2]"),
    STR_INIT("[1 2]"),
    STR_INIT("[]]"),
    STR_INIT("[] []"),
    STR_INIT("[]x"),
    STR_INIT("[]\0"),
    STR_INIT("[1]\0[2]"),
    STR_INIT("[\"a\0b\"]"),
    STR_INIT("[\0]"),
    STR_INIT("\xef\xbb\xbf[]"),
    STR_INIT("[01]"),
    STR_INIT("[+1]"),
    STR_INIT("[.5]"),
    STR_INIT("[1.]"),
    STR_INIT("[1e]"),
    STR_INIT("[1e+]"),
    STR_INIT("[-]"),
    STR_INIT("[--1]"),
    STR_INIT("[0x10]"),
    STR_INIT("[1_000]"),
    STR_INIT("[NaN]"),
    STR_INIT("[Infinity]"),
    STR_INIT("[-Infinity]"),
    STR_INIT("[1e400]"),
    STR_INIT("[-1e400]"),
    STR_INIT("[9223372036854775808]"),
    STR_INIT("[-9223372036854775809]"),
    STR_INIT("[True]"),
    STR_INIT("[nul]"),
    STR_INIT("[truex]"),
    STR_INIT("['a']"),
    STR_INIT("[a]"),
    STR_INIT("[\"a]"),
    STR_INIT("[\"a\\\"]"),
    STR_INIT("[\"\\x41\"]"),
    STR_INIT("[\"\\u004\"]"),
    STR_INIT("[\"\\u00zz\"]"),
    STR_INIT("[\"\\u0000\"]"),
    STR_INIT("[\"\\ud800\"]"),
    STR_INIT("[\"\\udc00\"]"),
    STR_INIT("[\"\\ud800\\u0041\"]"),
    STR_INIT("[\"\t\"]"),
    STR_INIT("[\"\n\"]"),
    STR_INIT("[\"\x1f\"]"),
    STR_INIT("[\"\xff\"]"),
    STR_INIT("[\"\xc3\"]"),
    STR_INIT("[\"\xed\xa0\x80\"]"),
    STR_INIT("[\"\xc0\xaf\"]"),
    STR_INIT("[\"\xf5\x80\x80\x80\"]"),
    STR_INIT("[\xc3\xa9]"),
    STR_INIT("{\"a\"}"),
    STR_INIT("{\"a\":}"),
    STR_INIT("{\"a\":1,}"),
    STR_INIT("{,\"a\":1}"),
    STR_INIT("{\"a\" 1}"),
    STR_INIT("{\"a\"::1}"),
    STR_INIT("{a:1}"),
    STR_INIT("{1:1}"),
    STR_INIT("{'a':1}"),
    STR_INIT("{\"a\":1,\"a\":2}"),
    STR_INIT("{\"a\":1,\"\\u0061\":2}"),
    STR_INIT("{\"x\":{\"a\":1,\"a\":1}}"),
    STR_INIT("[1]/* comment */"),
    STR_INIT("[1]//"),
    STR_INIT("#[1]"),
    STR_INIT("[\f]"),
    STR_INIT("[\v1]"),
    STR_INIT("[1\xc2\xa0]"),
};

static void well_formed_texts_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
        struct error err;
        json_t *value = json_parse(accepted[i], &json_limits_default, &err);
        if (value == NULL)
            fail_test(STR_FMT ": %s", STR_ARG(accepted[i]), err.text);
        json_decref(value);
    }
}

static void malformed_texts_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct error err = {0};
        if (json_parse(refused[i], &json_limits_default, &err) != NULL)
            fail_test("accepted: " STR_FMT, STR_ARG(refused[i]));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_int_equal(memcmp(err.text, "cannot read json: ", 18), 0);
    }
}

static void every_prefix_of_a_text_is_refused_without_a_crash(void **state)
{
    (void)state;
    const struct str text =
        STR("{\"a\":[1,2.5,\"x\\u00e9\\n\",{\"b\":null}],\"c\":\"\xe2\x82\xac\",\"d\":true}");
    for (size_t len = 0; len <= text.len; len++) {
        struct error err;
        /* On the heap, so that the sanitizer sees a read past the end. */
        char *copy = malloc(len + (len == 0));
        memcpy(copy, text.at, len);
        json_t *value = json_parse((struct str){copy, len}, &json_limits_default, &err);
        assert_int_equal(value != NULL, len == text.len);
        json_decref(value);
        free(copy);
    }
}

static void errors_never_quote_the_input(void **state)
{
    (void)state;
    struct error err;
    assert_null(json_parse(STR("{\"number\": 4111111111111111x}"), &json_limits_default, &err));
    assert_null(strstr(err.text, "4111"));
    assert_non_null(strstr(err.text, "line 1"));
    assert_null(json_parse(STR("{\"secret4111\":1,\"secret4111\":2}"), &json_limits_default, &err));
    assert_null(strstr(err.text, "4111"));
}

static json_t *parse_nested(size_t depth, bool closed)
{
    struct buf buf;
    struct error err;
    buf_init(&buf, 1 << 20);
    for (size_t i = 0; i < depth; i++)
        buf_add_str(&buf, i % 2 == 0 ? STR("[") : STR("{\"a\":"));
    if (depth % 2 == 0)
        buf_add_char(&buf, '0');
    for (size_t i = depth; i-- > 0 && closed;)
        buf_add_char(&buf, i % 2 == 0 ? ']' : '}');
    json_t *value = json_parse(buf_str(&buf), &json_limits_default, &err);
    buf_release(&buf);
    return value;
}

static void nesting_is_limited_before_the_parser_sees_it(void **state)
{
    (void)state;
    json_t *value = parse_nested(32, true);
    assert_non_null(value);
    json_decref(value);
    assert_null(parse_nested(33, true));
    assert_null(parse_nested(100000, true));
    assert_null(parse_nested(100000, false));
}

static void members_and_elements_are_counted_together(void **state)
{
    (void)state;
    const struct json_limits limits = {
        .depth_max = 4, .member_count_max = 4, .string_bytes_max = 9};
    static const struct str fits[] = {
        STR_INIT("[1,2,3,4]"),
        STR_INIT("{\"a\":1,\"b\":[2,3]}"),
        STR_INIT("[[],[],{},{}]"),
        STR_INIT("[ \",,,,,\" , [ ] ]"),
    };
    static const struct str exceeds[] = {
        STR_INIT("[1,2,3,4,5]"),
        STR_INIT("{\"a\":1,\"b\":[2,3],\"c\":4}"),
        STR_INIT("[[1],[2],3]"),
        STR_INIT("[[[1,2,3]]]"),
    };
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(fits); i++) {
        json_t *value = json_parse(fits[i], &limits, &err);
        assert_non_null(value);
        json_decref(value);
    }
    for (size_t i = 0; i < ARRAY_LEN(exceeds); i++)
        assert_null(json_parse(exceeds[i], &limits, &err));
}

static void strings_and_keys_have_a_longest_length(void **state)
{
    (void)state;
    const struct json_limits limits = {
        .depth_max = 4, .member_count_max = 4, .string_bytes_max = 4};
    struct error err;
    json_t *value = json_parse(STR("{\"abcd\":\"a\\n\\n\"}"), &json_limits_default, &err);
    json_decref(value);
    value = json_parse(STR("{\"abcd\":\"abcd\"}"), &limits, &err);
    assert_non_null(value);
    json_decref(value);
    assert_null(json_parse(STR("{\"abcde\":1}"), &limits, &err));
    assert_null(json_parse(STR("[\"abcde\"]"), &limits, &err));
    assert_null(json_parse(STR("[\"\\n\\n\\n\"]"), &limits, &err));
    assert_null(json_parse(STR("[\"abcdefgh"), &limits, &err));
    assert_null(json_parse(STR("[\"\\"), &limits, &err));
}

static void only_integers_are_amounts(void **state)
{
    (void)state;
    struct error err;
    json_t *value = json_parse(STR("{\"a\":100,\"b\":1e2,\"c\":10.00,\"d\":\"100\",\"e\":-5,"
                                   "\"f\":9223372036854775807,\"g\":null,\"h\":true}"),
                               &json_limits_default, &err);
    int64_t out = 4711;
    assert_non_null(value);
    assert_false(json_path_int64(value, "b", &out));
    assert_false(json_path_int64(value, "c", &out));
    assert_false(json_path_int64(value, "d", &out));
    assert_false(json_path_int64(value, "g", &out));
    assert_false(json_path_int64(value, "h", &out));
    assert_false(json_path_int64(value, "absent", &out));
    assert_true(out == 4711);
    assert_true(json_path_int64(value, "a", &out) && out == 100);
    assert_true(json_path_int64(value, "e", &out) && out == -5);
    assert_true(json_path_int64(value, "f", &out) && out == INT64_MAX);
    json_decref(value);
}

static void paths_walk_objects_and_arrays(void **state)
{
    (void)state;
    struct error err;
    json_t *value = json_parse(STR("{\"a\":{\"b\":[{\"c\":\"deep\"},7,\"x\"]},\"0\":\"zero\"}"),
                               &json_limits_default, &err);
    assert_non_null(value);
    assert_str(json_path_text(value, "a.b.0.c"), "deep");
    assert_str(json_path_text(value, "a.b.2"), "x");
    assert_str(json_path_text(value, "0"), "zero");
    assert_str(json_text(value, "0"), "zero");
    assert_null(json_path(value, "a.b.3"));
    assert_null(json_path(value, "a.b.-1"));
    assert_null(json_path(value, "a.b.x"));
    assert_null(json_path(value, "a.b.0.c.d"));
    assert_null(json_path(value, "a..b"));
    assert_true(str_is_empty(json_path_text(value, "a.b.1")));
    assert_true(str_is_empty(json_text(value, "a")));
    assert_true(str_is_empty(json_text(NULL, "a")));
    assert_null(json_path(NULL, "a"));
    json_decref(value);
}

static void canonical_form_forgets_order_and_spaces(void **state)
{
    (void)state;
    struct error err;
    struct buf out;
    json_t *value =
        json_parse(STR(" { \"b\" : [ 1 , 2 ] , \"a\" : { \"z\" : null, \"y\" : \"\\u00e9\" } } "),
                   &json_limits_default, &err);
    buf_init(&out, 100);
    assert_true(json_canonical(value, &out));
    assert_str(buf_str(&out), "{\"a\":{\"y\":\"\xc3\xa9\",\"z\":null},\"b\":[1,2]}");
    buf_release(&out);
    buf_init(&out, 10);
    assert_false(json_canonical(value, &out));
    buf_release(&out);
    json_decref(value);
}

static void writer_puts_commas_where_they_belong(void **state)
{
    (void)state;
    struct buf buf;
    struct json_out out;
    buf_init(&buf, 4096);
    json_out_init(&out, &buf);
    json_begin_object(&out);
    json_put_int(&out, "int", INT64_MIN);
    json_put_str(&out, "str", STR("text"));
    json_put_cstr(&out, "none", NULL);
    json_put_null(&out, "null");
    json_put_bool(&out, "yes", true);
    json_put_bool(&out, "no", false);
    json_put_raw(&out, "raw", STR("[1]"));
    json_key(&out, "list");
    json_begin_array(&out);
    json_int(&out, 1);
    json_str(&out, STR_NONE);
    json_begin_object(&out);
    json_end_object(&out);
    json_begin_array(&out);
    json_end_array(&out);
    json_bool(&out, true);
    json_null_value(&out);
    json_cstr(&out, "end");
    json_end_array(&out);
    json_key_str(&out, STR("a\"b"));
    json_begin_object(&out);
    json_put_int(&out, "x", 0);
    json_end_object(&out);
    json_end_object(&out);
    assert_str(buf_str(&buf),
               "{\"int\":-9223372036854775808,\"str\":\"text\",\"none\":null,\"null\":null,"
               "\"yes\":true,\"no\":false,\"raw\":[1],\"list\":[1,\"\",{},[],true,null,\"end\"],"
               "\"a\\\"b\":{\"x\":0}}");
    buf_release(&buf);
}

static void strings_are_escaped_against_every_reader(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *json;
    } cases[] = {
        {STR_INIT("plain"), "\"plain\""},
        {STR_INIT("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\""},
        {STR_INIT("a\0b"), "\"a\\u0000b\""},
        {STR_INIT("\x1b\x1f\x7f"), "\"\\u001b\\u001f\\u007f\""},
        {STR_INIT("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
         "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\""},
        {STR_INIT("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {STR_INIT("\xff"), "\"\xef\xbf\xbd\""},
        {STR_INIT("a\xc3"), "\"a\xef\xbf\xbd\""},
        {STR_INIT("\xc3("), "\"\xef\xbf\xbd(\""},
        {STR_INIT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf buf;
        struct json_out out;
        buf_init(&buf, 4096);
        json_out_init(&out, &buf);
        json_str(&out, cases[i].text);
        assert_str(buf_str(&buf), cases[i].json);
        buf_release(&buf);
    }
}

static void every_byte_pair_is_written_so_that_it_can_be_read(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4096);
    for (unsigned pair = 0; pair < 65536; pair++) {
        struct error err;
        struct json_out out;
        const char text[2] = {(char)(unsigned char)(pair >> 8), (char)(unsigned char)(pair & 255)};
        struct str s = {text, 2};
        buf_clear(&buf);
        json_out_init(&out, &buf);
        json_begin_array(&out);
        json_str(&out, s);
        json_str(&out, s);
        json_end_array(&out);
        if (text[0] == '\0' || text[1] == '\0')
            continue; /* Right, but jansson refuses an escaped NUL. */
        json_t *value = json_parse(buf_str(&buf), &json_limits_default, &err);
        assert_non_null(value);
        assert_true(!str_is_utf8(s) || str_eq(json_path_text(value, "1"), s));
        json_decref(value);
    }
    buf_release(&buf);
}

static void every_byte_is_escaped_wherever_it_stands(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4096);
    for (unsigned byte = 1; byte < 256; byte++) {
        for (size_t at = 0; at < 24; at++) {
            struct error err;
            struct json_out out;
            char text[24];
            struct str s = {text, sizeof(text)};
            memset(text, '~', sizeof(text));
            text[at] = (char)(unsigned char)byte;
            buf_clear(&buf);
            json_out_init(&out, &buf);
            json_begin_array(&out);
            json_str(&out, s);
            json_end_array(&out);
            bool is_plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
            assert_int_equal(buf.len == sizeof(text) + 4, is_plain);
            json_t *value = json_parse(buf_str(&buf), &json_limits_default, &err);
            assert_non_null(value);
            assert_int_equal(str_eq(json_path_text(value, "0"), s), byte < 0x80);
            json_decref(value);
        }
    }
    buf_release(&buf);
}

static void overflow_is_remembered_by_the_buffer(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 60; limit++) {
        struct buf buf;
        struct json_out out;
        buf_init(&buf, limit);
        json_out_init(&out, &buf);
        json_begin_object(&out);
        json_put_str(&out, "plain", STR("text"));
        json_put_str(&out, "escaped", STR("a\nb\"c"));
        json_put_int(&out, "n", 12345);
        json_end_object(&out);
        const char *whole = "{\"plain\":\"text\",\"escaped\":\"a\\nb\\\"c\",\"n\":12345}";
        assert_int_equal(buf_is_ok(&buf), limit >= strlen(whole));
        assert_true(str_starts(str_of(whole), buf_str(&buf)));
        buf_release(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_texts_are_read),
        cmocka_unit_test(malformed_texts_are_refused),
        cmocka_unit_test(every_prefix_of_a_text_is_refused_without_a_crash),
        cmocka_unit_test(errors_never_quote_the_input),
        cmocka_unit_test(nesting_is_limited_before_the_parser_sees_it),
        cmocka_unit_test(members_and_elements_are_counted_together),
        cmocka_unit_test(strings_and_keys_have_a_longest_length),
        cmocka_unit_test(only_integers_are_amounts),
        cmocka_unit_test(paths_walk_objects_and_arrays),
        cmocka_unit_test(canonical_form_forgets_order_and_spaces),
        cmocka_unit_test(writer_puts_commas_where_they_belong),
        cmocka_unit_test(strings_are_escaped_against_every_reader),
        cmocka_unit_test(every_byte_pair_is_written_so_that_it_can_be_read),
        cmocka_unit_test(every_byte_is_escaped_wherever_it_stands),
        cmocka_unit_test(overflow_is_remembered_by_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

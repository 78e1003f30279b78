#include "base/json_read.h"
#include "helpers.h"

#include "base/rng.h"
#include "tests/unit/rounds.h"

/* Random texts, most of them nearly right. */
struct writer {
    struct buf text;
    struct rng rng;
    bool odd; /* may hold what is not plain */
};

static uint64_t draw(struct writer *w, uint64_t bound)
{
    return rng_below(&w->rng, bound);
}

static void put_space(struct writer *w)
{
    static const char spaces[] = " \n\r\t";
    while (draw(w, 4) == 0)
        buf_add_char(&w->text, spaces[draw(w, 4)]);
}

static void put_string(struct writer *w)
{
    static const struct str odd[] = {
        STR_INIT("\\n"),     STR_INIT("\\\""),         STR_INIT("\\u00e9"), STR_INIT("\xc3\xa9"),
        STR_INIT("\\ud83d"), STR_INIT("\xff"),         STR_INIT("\x01"),    STR_INIT("\\u0000"),
        STR_INIT("\\/"),     STR_INIT("\xe2\x82\xac"),
    };
    buf_add_char(&w->text, '"');
    for (uint64_t left = draw(w, 6); left > 0; left--) {
        if (w->odd && draw(w, 8) == 0)
            buf_add_str(&w->text, odd[draw(w, ARRAY_LEN(odd))]);
        else
            buf_add_char(&w->text, "abcABC {}[],:/\x7f"[draw(w, 15)]);
    }
    buf_add_char(&w->text, '"');
}

static void put_scalar(struct writer *w)
{
    static const struct str plain[] = {
        STR_INIT("0"),
        STR_INIT("-0"),
        STR_INIT("7"),
        STR_INIT("-12"),
        STR_INIT("true"),
        STR_INIT("null"),
        STR_INIT("false"),
        STR_INIT("999999999999999999"),
        STR_INIT("-123456789012345678"),
    };
    static const struct str odd[] = {
        STR_INIT("1.5"), STR_INIT("1e2"),  STR_INIT("9223372036854775807"),
        STR_INIT("01"),  STR_INIT("-"),    STR_INIT("1."),
        STR_INIT("tru"), STR_INIT("NULL"), STR_INIT("99999999999999999999"),
    };
    if (draw(w, 2) == 0)
        put_string(w);
    else if (w->odd && draw(w, 6) == 0)
        buf_add_str(&w->text, odd[draw(w, ARRAY_LEN(odd))]);
    else
        buf_add_str(&w->text, plain[draw(w, ARRAY_LEN(plain))]);
}

/* A container of up to `depth` levels; members have different names unless odd. */
static void put_container(struct writer *w, unsigned depth) /* NOLINT(misc-no-recursion) */
{
    const bool is_object = draw(w, 2) == 0;
    buf_add_char(&w->text, is_object ? '{' : '[');
    const uint64_t count = draw(w, 5);
    for (uint64_t i = 0; i < count; i++) {
        put_space(w);
        if (is_object) {
            buf_printf(&w->text, "\"m%d\"", (int)(w->odd && draw(w, 6) == 0 ? 0 : i));
            put_space(w);
            buf_add_char(&w->text, ':');
            put_space(w);
        }
        if (depth > 1 && draw(w, 3) == 0)
            put_container(w, depth - 1);
        else
            put_scalar(w);
        put_space(w);
        if (i + 1 < count)
            buf_add_char(&w->text, ',');
    }
    put_space(w);
    buf_add_char(&w->text, is_object ? '}' : ']');
}

static const struct json_limits limits = {
    .depth_max = 8, .member_count_max = 100, .string_bytes_max = 64};

static void put_text(struct writer *w)
{
    buf_clear(&w->text);
    put_space(w);
    put_container(w, 4);
    put_space(w);
}

/* Change, drop or add one byte, now and then. */
static void damage(struct writer *w)
{
    static const char bytes[] = "{}[],:\"\\ 0-.etx";
    char *at = w->text.at + draw(w, w->text.len);
    switch (draw(w, 4)) {
    case 0:
        *at = bytes[draw(w, sizeof(bytes))]; /* NUL, too */
        break;
    case 1:
        memmove(at, at + 1, (size_t)(w->text.at + w->text.len - at) - 1);
        w->text.len--;
        break;
    case 2:
        buf_add_char(&w->text, bytes[draw(w, sizeof(bytes) - 1)]);
        break;
    default:
        break;
    }
}

static json_t *read_by_jansson(struct str text)
{
    if (str_find_char(text, '\0', 0) != SIZE_MAX)
        return NULL; /* it would stop there and be content */
    return json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
}

static void plain_texts_are_read_as_jansson_does(void **state)
{
    (void)state;
    struct writer w = {.odd = false};
    buf_init(&w.text, 1 << 16);
    rng_seed(&w.rng, 1);
    for (unsigned i = rounds_of(20000); i > 0; i--) {
        put_text(&w);
        struct str text = buf_str(&w.text);
        json_t *value = json_read_plain(text, &limits);
        json_t *expected = read_by_jansson(text);
        if (value == NULL || expected == NULL || !json_equal(value, expected))
            fail_test("read otherwise: " STR_FMT, STR_ARG(text));
        json_decref(value);
        json_decref(expected);
    }
    buf_release(&w.text);
}

static void what_jansson_refuses_is_never_read(void **state)
{
    (void)state;
    struct writer w = {.odd = true};
    unsigned read = 0;
    unsigned passed_on = 0;
    buf_init(&w.text, 1 << 16);
    rng_seed(&w.rng, 2);
    for (unsigned i = rounds_of(200000); i > 0; i--) {
        put_text(&w);
        damage(&w);
        /* On the heap and no longer than it is, so that the sanitizer sees a read past the end. */
        char *copy = malloc(w.text.len + (w.text.len == 0));
        memcpy(copy, w.text.at, w.text.len);
        struct str text = {copy, w.text.len};
        json_t *value = json_read_plain(text, &limits);
        json_t *expected = read_by_jansson(text);
        if (value != NULL && (expected == NULL || !json_equal(value, expected)))
            fail_test("read otherwise: " STR_FMT, STR_ARG(text));
        *(value != NULL ? &read : &passed_on) += 1;
        json_decref(value);
        json_decref(expected);
        free(copy);
    }
    assert_true(read > passed_on / 20 && passed_on > read / 20); /* both are tried */
    buf_release(&w.text);
}

static void limits_are_left_to_the_scan(void **state)
{
    (void)state;
    const struct json_limits tight = {.depth_max = 2, .member_count_max = 3, .string_bytes_max = 4};
    static const struct str within[] = {STR_INIT("[[]]"), STR_INIT("[1,2,3]"),
                                        STR_INIT("{\"a\":[1,2]}"), STR_INIT("[\"abcd\"]")};
    static const struct str beyond[] = {STR_INIT("[[[]]]"), STR_INIT("[1,2,3,4]"),
                                        STR_INIT("{\"a\":[1,2,3]}"), STR_INIT("[\"abcde\"]"),
                                        STR_INIT("{\"abcde\":1}")};
    for (size_t i = 0; i < ARRAY_LEN(within); i++) {
        json_t *value = json_read_plain(within[i], &tight);
        assert_non_null(value);
        json_decref(value);
    }
    for (size_t i = 0; i < ARRAY_LEN(beyond); i++)
        assert_null(json_read_plain(beyond[i], &tight));
}

static void a_member_given_twice_is_not_plain(void **state)
{
    (void)state;
    assert_null(json_read_plain(STR("{\"a\":1,\"a\":1}"), &limits));
    assert_null(json_read_plain(STR("{\"a\":null,\"b\":2,\"a\":3}"), &limits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_texts_are_read_as_jansson_does),
        cmocka_unit_test(what_jansson_refuses_is_never_read),
        cmocka_unit_test(limits_are_left_to_the_scan),
        cmocka_unit_test(a_member_given_twice_is_not_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

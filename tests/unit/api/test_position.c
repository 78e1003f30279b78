/* test_position.c - a position is read back only as it was printed, for the merchant it was made for. */
#include "support.h"

#include "api/position.h"

static const uint8_t key[POSITION_KEY_SIZE] = {1, 2, 3};
static const struct uuid merchant = {{1, [15] = 1}};

static struct follow_mark some_mark(void)
{
    struct follow_mark mark = {.newest = 9, .made_us = 1795348800000000};
    static const int64_t read[] = {1, 2, 5, 900};
    assert_true(follow_mark_meet(&mark, 7));
    assert_true(follow_mark_meet(&mark, 9));
    for (size_t i = 0; i < ARRAY_LEN(read); i++)
        assert_true(follow_mark_read(&mark, 7, read[i], 0));
    return mark;
}

static struct str print(struct buf *out)
{
    struct follow_mark mark = some_mark();
    buf_init(out, FOLLOW_TEXT_MAX + POSITION_TAG_LEN);
    position_print(key, &merchant, &mark, out);
    assert_true(buf_is_ok(out));
    return buf_str(out);
}

static bool is_read(struct str text, const uint8_t *with, const struct uuid *by)
{
    struct follow_mark mark;
    struct error err = {.text = ""};
    bool ok = position_parse(with, by, text, &mark, &err);
    if (!ok)
        assert_int_equal(err.code, ERROR_INVALID);
    return ok;
}

static void a_position_reads_as_it_was_printed(void **state UNUSED)
{
    struct buf text;
    struct buf again;
    struct error err;
    struct follow_mark mark;
    struct str printed = print(&text);
    assert_true(position_parse(key, &merchant, printed, &mark, &err));
    assert_int_equal(mark.writer_count, 2);
    assert_int_equal(mark.hole_count, 2);
    assert_true(follow_mark_has(&mark, 7, 900));
    assert_false(follow_mark_has(&mark, 7, 4));
    buf_init(&again, FOLLOW_TEXT_MAX + POSITION_TAG_LEN);
    position_print(key, &merchant, &mark, &again);
    assert_true(str_eq(buf_str(&again), printed));
    for (size_t i = 0; i < printed.len; i++)
        assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                               printed.at[i]));
    buf_release(&again);
    buf_release(&text);
}

static void every_other_text_is_refused(void **state UNUSED)
{
    static const char other[] = "ABz09-_=+";
    char changed[FOLLOW_TEXT_MAX];
    struct buf text;
    struct str printed = print(&text);
    assert_true(printed.len > POSITION_TAG_LEN && printed.len + 1 < sizeof(changed));
    for (size_t at = 0; at < printed.len; at++) {
        for (const char *c = other; *c != '\0'; c++) {
            if (*c == printed.at[at])
                continue;
            memcpy(changed, printed.at, printed.len);
            changed[at] = *c;
            if (is_read((struct str){changed, printed.len}, key, &merchant))
                fail_test("byte %zu changed to %c, and read all the same", at, *c);
        }
        assert_false(is_read(str_sub(printed, 0, at), key, &merchant));
        assert_false(is_read(str_sub(printed, at + 1, SIZE_MAX), key, &merchant));
    }
    memcpy(changed, printed.at, printed.len);
    changed[printed.len] = 'A';
    assert_false(is_read((struct str){changed, printed.len + 1}, key, &merchant));
    buf_release(&text);
}

static void a_mark_that_somebody_made_is_refused(void **state UNUSED)
{
    struct follow_mark mark = some_mark();
    struct buf text;
    buf_init(&text, FOLLOW_TEXT_MAX);
    follow_mark_print(&mark, &text); /* reads as a mark, but nobody signed it */
    assert_false(is_read(buf_str(&text), key, &merchant));
    for (size_t i = 0; i < POSITION_TAG_LEN; i++)
        buf_add_char(&text, 'A');
    assert_false(is_read(buf_str(&text), key, &merchant));
    buf_release(&text);
}

static void another_merchants_or_deployments_position_is_refused(void **state UNUSED)
{
    static const uint8_t other_key[POSITION_KEY_SIZE] = {1, 2, 4};
    struct uuid other = merchant;
    struct buf text;
    struct str printed = print(&text);
    other.byte[15]++;
    assert_true(is_read(printed, key, &merchant));
    assert_false(is_read(printed, key, &other));
    assert_false(is_read(printed, other_key, &merchant));
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_reads_as_it_was_printed),
        cmocka_unit_test(every_other_text_is_refused),
        cmocka_unit_test(a_mark_that_somebody_made_is_refused),
        cmocka_unit_test(another_merchants_or_deployments_position_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

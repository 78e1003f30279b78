/* test_cookie.c - the sealed cookie: what is printed is read again, and nothing else is. */
#include "support.h"

#include <string.h>

#include "api/cookie.h"

static const uint8_t own_key[AEAD_KEY_SIZE] = {7, 1, 2};
static const uint8_t other_key[AEAD_KEY_SIZE] = {7, 1, 3};

static struct session make(void)
{
    struct session session = {.created_us = INT64_C(1790000000123456),
                              .expires_us = INT64_C(1790028800123456)};
    memset(session.digest, 0xa5, sizeof(session.digest));
    session.session_id = uuid_new();
    return session;
}

static void print(const struct session *session, char text[COOKIE_VALUE_LEN])
{
    struct buf out;
    buf_init(&out, 256);
    cookie_print(own_key, session, &out);
    assert_int_equal(out.len, COOKIE_VALUE_LEN);
    memcpy(text, out.at, COOKIE_VALUE_LEN);
    buf_release(&out);
}

static void what_is_printed_is_read(void **state UNUSED)
{
    struct session session = make();
    struct session read;
    struct error err;
    char text[COOKIE_VALUE_LEN];
    for (int i = 0; i < 200; i++) { /* other nonces, other letters */
        print(&session, text);
        assert_true(cookie_parse(own_key, (struct str){text, sizeof(text)}, &read, &err));
        assert_memory_equal(read.digest, session.digest, sizeof(read.digest));
        assert_true(uuid_eq(&read.session_id, &session.session_id));
        assert_int_equal(read.created_us, session.created_us);
        assert_int_equal(read.expires_us, session.expires_us);
        for (size_t at = 0; at < sizeof(text); at++)
            assert_null(strchr("+/=;, \"\\", text[at]));
    }
}

static void no_bit_of_it_may_change(void **state UNUSED)
{
    struct session session = make();
    struct session read;
    struct error err;
    char text[COOKIE_VALUE_LEN];
    print(&session, text);
    for (size_t bit = 0; bit < 8 * sizeof(text); bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ (char)(1 << bit % 8));
        assert_false(cookie_parse(own_key, (struct str){text, sizeof(text)}, &read, &err));
        text[bit / 8] = (char)(text[bit / 8] ^ (char)(1 << bit % 8));
    }
    for (size_t len = 0; len < sizeof(text); len++)
        assert_false(cookie_parse(own_key, (struct str){text, len}, &read, &err));
    assert_false(cookie_parse(other_key, (struct str){text, sizeof(text)}, &read, &err));
    assert_true(cookie_parse(own_key, (struct str){text, sizeof(text)}, &read, &err));
}

static void it_is_found_once_or_not_at_all(void **state UNUSED)
{
    static const struct {
        const char *header;
        const char *value;
    } cases[] = {
        {"__Host-turnpike=abc", "abc"},
        {"a=1; __Host-turnpike=abc; b=2", "abc"},
        {"a=1;__Host-turnpike=abc", "abc"},
        {"__Host-turnpike=a=b", "a=b"},
        {"", ""},
        {"turnpike=abc", ""},
        {"x__Host-turnpike=abc", ""},
        {"__host-turnpike=abc", ""},
        {"a=__Host-turnpike=abc", ""},
        {"__Host-turnpike=abc; __Host-turnpike=abc", ""},
        {"__Host-turnpike=; __Host-turnpike=abc", ""},
        {";;;=;", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str found = cookie_find(str_of(cases[i].header));
        if (!str_eq(found, str_of(cases[i].value)))
            fail_test("%s: found " STR_FMT, cases[i].header, STR_ARG(found));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_is_read),
        cmocka_unit_test(no_bit_of_it_may_change),
        cmocka_unit_test(it_is_found_once_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

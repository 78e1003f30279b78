/* Stored texts made small: what comes out is what went in, and damage is seen. */
#include "base/pack.h"

#include <string.h>

#include "base/rng.h"

/* Last: it has a macro called fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum {
    TEXT_MAX = 1 << 20,
};

static const char answer[] =
    "{\"id\":\"pay_01M80MKTEKEGM9CBND7DXDAP2P\",\"object\":\"payment\",\"status\":\"succeeded\","
    "\"amount\":1299,"
    "\"currency\":\"USD\",\"amount_captured\":1299,\"amount_refunded\":0,\"capture\":\"automatic\","
    "\"reference\":\"order-77\",\"method\":{\"type\":\"card\"},\"customer\":{},\"metadata\":{},"
    "\"provider\":"
    "\"paypal\",\"failure\":null,\"attempts\":[{\"id\":\"att_01M80MKTEKEGMVG5G2PX8XA480\","
    "\"provider\":"
    "\"paypal\",\"account\":\"acc_01M80MKSKCEP2B3FYXKS7RFBPN\",\"operation\":\"sale\",\"status\":"
    "\"approved\","
    "\"reason\":\"approved\",\"code\":null,\"provider_reference\":\"9BK0HGK56F8HGWIH2\",\"expected_"
    "fee\":51,"
    "\"fee\":77,\"started\":\"2026-11-22T03:25:50.931Z\",\"ended\":\"2026-11-22T03:25:50.970Z\"}]}";

static void assert_round_trip(struct str plain, size_t *packed_len)
{
    struct buf packed;
    struct arena arena;
    struct str again;
    struct error err;
    buf_init(&packed, 2 * TEXT_MAX);
    arena_init(&arena, 2 * TEXT_MAX);
    pack(plain, &packed);
    assert_true(buf_is_ok(&packed));
    assert_true(packed.len <= plain.len);
    assert_true(unpack(buf_str(&packed), TEXT_MAX, &arena, &again, &err));
    assert_true(str_eq(plain, again));
    *packed_len = packed.len;
    arena_release(&arena);
    buf_release(&packed);
}

static void an_answer_becomes_a_third(void **state)
{
    (void)state;
    size_t len;
    assert_round_trip(str_of(answer), &len);
    assert_true(len * 3 < sizeof(answer));
}

static void any_text_comes_out_as_it_went_in(void **state)
{
    (void)state;
    struct rng rng;
    static char text[70000];
    size_t len;
    rng_seed(&rng, 7);
    for (int round = 0; round < 400; round++) {
        size_t size = (size_t)rng_below(&rng, round % 50 == 0 ? sizeof(text) : 600);
        for (size_t i = 0; i < size; i++)
            text[i] = round % 2 == 0 ? (char)rng_below(&rng, 256) : answer[rng_below(&rng, 40)];
        text[0] = (char)(' ' + rng_below(&rng, 224)); /* those below are dictionaries' */
        assert_round_trip((struct str){text, size}, &len);
    }
}

static void what_was_never_packed_is_what_it_is(void **state)
{
    (void)state;
    struct arena arena;
    struct str plain;
    struct error err;
    arena_init(&arena, TEXT_MAX);
    assert_true(unpack(STR("{\"a\":1}"), 100, &arena, &plain, &err));
    assert_true(str_eq(plain, STR("{\"a\":1}")));
    assert_true(unpack(STR_NONE, 100, &arena, &plain, &err));
    assert_int_equal(plain.len, 0);
    assert_false(unpack(STR("{\"a\":1}"), 3, &arena, &plain, &err));
    arena_release(&arena);
}

/* A version that comes after ours has packed it: the ledger's text is no answer then. */
static void an_unknown_dictionary_is_refused(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, TEXT_MAX);
    for (int first = 0; first < 256; first++) {
        const char text[] = {(char)first, '{', '}'};
        struct str plain = STR_NONE;
        struct error err = {.code = ERROR_NONE};
        bool is_text = first >= ' ' || first == '\t' || first == '\n' || first == '\r';
        assert_int_equal(unpack((struct str){text, sizeof(text)}, 100, &arena, &plain, &err),
                         is_text);
        assert_int_equal(err.code, is_text ? ERROR_NONE : ERROR_INVALID);
        assert_int_equal(plain.len, is_text ? sizeof(text) : 0);
    }
    arena_release(&arena);
}

/* Each byte changed, and each length cut: an error or a text, never more than was allowed. */
static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    struct buf packed;
    buf_init(&packed, TEXT_MAX);
    pack(str_of(answer), &packed);
    for (size_t i = 0; i < 2 * packed.len; i++) {
        struct arena arena;
        struct str plain;
        struct error err = {.code = ERROR_NONE};
        arena_init(&arena, TEXT_MAX);
        char *damaged = arena_alloc(&arena, packed.len);
        memcpy(damaged, packed.at, packed.len);
        struct str text = {damaged, packed.len};
        if (i < packed.len)
            damaged[i] = (char)(damaged[i] ^ 0x5a);
        else
            text.len = i - packed.len;
        if (unpack(text, 4096, &arena, &plain, &err))
            assert_true(plain.len <= 4096);
        else
            assert_int_equal(err.code, ERROR_INVALID);
        if (text.len > 1 && text.len < packed.len)
            assert_int_equal(err.code, ERROR_INVALID);
        arena_release(&arena);
    }
    buf_release(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_becomes_a_third),
        cmocka_unit_test(any_text_comes_out_as_it_went_in),
        cmocka_unit_test(what_was_never_packed_is_what_it_is),
        cmocka_unit_test(an_unknown_dictionary_is_refused),
        cmocka_unit_test(damage_is_refused_or_harmless),
    };
    return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}

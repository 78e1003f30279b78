#include "base/arena.h"
#include "helpers.h"

#include <stdalign.h>

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    char *before = NULL;
    size_t before_size = 0;
    arena_init(&arena, 1 << 20);
    for (size_t size = 0; size < 600; size++) {
        char *at = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(at[i], 0);
        memset(at, 0xff, size);
        assert_true(before == NULL || at >= before + before_size || at < before);
        before = at;
        before_size = size;
    }
    arena_release(&arena);
    assert_int_equal(arena.used, 0);
}

static void reset_keeps_the_first_block_and_zeroes_again(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    char *first = arena_alloc(&arena, 100);
    memset(first, 'x', 100);
    (void)arena_alloc(&arena, 50000);
    (void)arena_alloc(&arena, 50000);
    arena_reset(&arena);
    assert_in_range(arena.used, 1, 4096);
    char *again = arena_alloc(&arena, 100);
    assert_ptr_equal(again, first);
    assert_int_equal(again[0], 0);
    arena_release(&arena);
    arena_reset(&arena);
    arena_release(&arena);
}

static void copies_hold_any_byte(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    struct str copy = arena_str(&arena, STR("a\0b"));
    assert_true(str_eq(copy, STR("a\0b")));
    assert_string_equal(arena_cstr(&arena, STR("text")), "text");
    assert_string_equal(arena_cstr(&arena, STR_NONE), "");
    assert_int_equal(arena_str(&arena, STR_NONE).len, 0);
    assert_str(arena_printf(&arena, "%s-%d", "pay", 7), "pay-7");
    assert_int_equal(arena_printf(&arena, "%2000d", 1).len, 2000);
    arena_release(&arena);
}

static void whole_limit_is_usable(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10000);
    (void)arena_alloc(&arena, 16);
    size_t left = arena.limit - arena.used;
    (void)arena_alloc(&arena, left & ~(size_t)15);
    assert_true(arena.used <= arena.limit);
    arena_release(&arena);
}

static void allocate(void *ctx)
{
    struct arena arena;
    arena_init(&arena, 8192);
    (void)arena_alloc(&arena, *(size_t *)ctx);
}

static void allocate_bit_by_bit(void *ctx)
{
    struct arena arena;
    arena_init(&arena, *(size_t *)ctx);
    for (int i = 0; i < 1000; i++)
        (void)arena_alloc(&arena, 16);
}

static void passing_the_limit_aborts(void **state)
{
    (void)state;
    size_t size = 8192;
    assert_false(aborts(allocate, &size));
    size = 8193;
    assert_true(aborts(allocate, &size));
    size = SIZE_MAX;
    assert_true(aborts(allocate, &size));
    size = SIZE_MAX - 15;
    assert_true(aborts(allocate, &size));
    size = 15999;
    assert_true(aborts(allocate_bit_by_bit, &size));
    size = 32000;
    assert_false(aborts(allocate_bit_by_bit, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(reset_keeps_the_first_block_and_zeroes_again),
        cmocka_unit_test(copies_hold_any_byte),
        cmocka_unit_test(whole_limit_is_usable),
        cmocka_unit_test(passing_the_limit_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/rng.h"
#include "helpers.h"

static void seed_gives_the_published_sequence(void **state)
{
    (void)state;
    /* splitmix64 of 0 gives the state; xoshiro256** then yields these (Vigna's reference code). */
    struct rng rng;
    rng_seed(&rng, 0);
    assert_true(rng.state[0] == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(rng.state[1] == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(rng.state[2] == UINT64_C(0x06c45d188009454f));
    assert_true(rng.state[3] == UINT64_C(0xf88bb8a8724c81ec));
    assert_true(rng_next(&rng) == UINT64_C(0x99ec5f36cb75f2b4));
    rng.state[0] = 1;
    rng.state[1] = 2;
    rng.state[2] = 3;
    rng.state[3] = 4;
    assert_true(rng_next(&rng) == UINT64_C(11520));
    assert_true(rng_next(&rng) == UINT64_C(0));
    assert_true(rng_next(&rng) == UINT64_C(1509978240));
}

static void same_seed_same_draws(void **state)
{
    (void)state;
    struct rng a, b, c;
    rng_seed(&a, 42);
    rng_seed(&b, 42);
    rng_seed(&c, 43);
    int same_count = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t draw = rng_next(&a);
        assert_true(draw == rng_next(&b));
        same_count += draw == rng_next(&c);
    }
    assert_int_equal(same_count, 0);
}

static void draws_below_a_bound_are_even(void **state)
{
    (void)state;
    struct rng rng;
    int counts[7] = {0};
    rng_seed(&rng, 7);
    for (int i = 0; i < 70000; i++)
        counts[rng_below(&rng, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(counts[i], 9500, 10500);
    for (int i = 0; i < 100; i++) {
        assert_true(rng_below(&rng, 1) == 0);
        assert_true(rng_below(&rng, UINT64_MAX) < UINT64_MAX);
        assert_true(rng_below(&rng, (UINT64_MAX >> 1) + 2) < (UINT64_MAX >> 1) + 2);
    }
}

static void chance_has_its_ends(void **state)
{
    (void)state;
    struct rng rng;
    int count = 0;
    rng_seed(&rng, 9);
    for (int i = 0; i < 10000; i++) {
        assert_false(rng_chance(&rng, 0));
        assert_true(rng_chance(&rng, 1000000));
        count += rng_chance(&rng, 250000);
    }
    assert_in_range(count, 2300, 2700);
}

static void strong_bytes_have_no_pattern(void **state)
{
    (void)state;
    /* Every size up to beyond the pool is filled to its end and never past it. */
    static uint8_t bytes[6001];
    for (size_t size = 0; size < sizeof(bytes); size += 37) {
        int zero_count = 0;
        memset(bytes, 0, sizeof(bytes));
        rng_fill(bytes, size);
        assert_int_equal(bytes[size], 0);
        for (size_t i = 0; i < size; i++)
            zero_count += bytes[i] == 0;
        assert_in_range(zero_count, 0, size / 256 + 40);
    }
}

static void parent_and_child_draw_different_bytes(void **state)
{
    (void)state;
    uint8_t mine[32], theirs[32];
    int ends[2];
    rng_fill(mine, sizeof(mine)); /* so that there is a pool to inherit */
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        rng_fill(theirs, sizeof(theirs));
        _exit(write(ends[1], theirs, sizeof(theirs)) == sizeof(theirs) ? 0 : 1);
    }
    rng_fill(mine, sizeof(mine));
    assert_int_equal(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_memory_not_equal(mine, theirs, sizeof(mine));
    close(ends[0]);
    close(ends[1]);
}

static void draw_below_zero(void *ctx)
{
    (void)rng_below(ctx, 0);
}

static void bound_of_zero_is_a_bug(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1);
    assert_true(aborts(draw_below_zero, &rng));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seed_gives_the_published_sequence),
        cmocka_unit_test(same_seed_same_draws),
        cmocka_unit_test(draws_below_a_bound_are_even),
        cmocka_unit_test(chance_has_its_ends),
        cmocka_unit_test(strong_bytes_have_no_pattern),
        cmocka_unit_test(parent_and_child_draw_different_bytes),
        cmocka_unit_test(bound_of_zero_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

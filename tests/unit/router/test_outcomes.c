/*
 * test_outcomes.c - what became of payments: each count in its minute and under its key, and a full set
 * makes room by what was not counted for longest.
 */
#include "support.h"

#include "base/clock.h"
#include "router/outcomes.h"

#define MINUTE (60 * CLOCK_SECOND_US)
#define NOON   (1000 * 60 * MINUTE) /* some whole minute */

static struct outcomes_table *table;

static int open_table(void **state UNUSED)
{
    table = calloc(1, sizeof(*table));
    return table == NULL;
}

static int close_table(void **state UNUSED)
{
    free(table);
    return 0;
}

static struct outcomes_counts counts_of(uint64_t key, unsigned minutes, int64_t now_us)
{
    struct outcomes_counts counts;
    outcomes_read(table, key, minutes, now_us, &counts);
    return counts;
}

static uint32_t sum_of(uint64_t key, unsigned minutes, int64_t now_us)
{
    struct outcomes_counts counts = counts_of(key, minutes, now_us);
    return outcomes_sum(&counts);
}

static void every_kind_is_counted_by_itself(void **state UNUSED)
{
    for (int kind = 0; kind < OUTCOMES_KIND_COUNT; kind++) {
        for (int i = 0; i <= kind; i++)
            outcomes_add(table, 7, (enum outcomes_kind)kind, NOON + i * MINUTE);
    }
    struct outcomes_counts counts = counts_of(7, 60, NOON + 3 * MINUTE);
    assert_int_equal(counts.count[OUTCOMES_APPROVED], 1);
    assert_int_equal(counts.count[OUTCOMES_DECLINED], 2);
    assert_int_equal(counts.count[OUTCOMES_UNKNOWN], 3);
    assert_int_equal(counts.count[OUTCOMES_FAILED], 4);
    assert_int_equal(outcomes_sum(&counts), 10);
    assert_int_equal(sum_of(8, 60, NOON), 0);
}

static void a_window_is_of_whole_minutes_and_this_one(void **state UNUSED)
{
    outcomes_add(table, 7, OUTCOMES_APPROVED, NOON);
    assert_int_equal(sum_of(7, 0, NOON), 0);
    assert_int_equal(sum_of(7, 1, NOON), 1);
    assert_int_equal(sum_of(7, 1, NOON + MINUTE - 1), 1);
    assert_int_equal(sum_of(7, 1, NOON + MINUTE), 0);
    assert_int_equal(sum_of(7, 2, NOON + MINUTE), 1);
    assert_int_equal(sum_of(7, 60, NOON + 60 * MINUTE - 1), 1);
    assert_int_equal(sum_of(7, 60, NOON + 60 * MINUTE), 0);
    /* The same place of the ring, an hour and four minutes later: the old count is gone. */
    outcomes_add(table, 7, OUTCOMES_DECLINED, NOON + OUTCOMES_BUCKET_COUNT * MINUTE);
    struct outcomes_counts counts = counts_of(7, 60, NOON + OUTCOMES_BUCKET_COUNT * MINUTE);
    assert_int_equal(counts.count[OUTCOMES_APPROVED], 0);
    assert_int_equal(counts.count[OUTCOMES_DECLINED], 1);
}

static void a_full_count_does_not_run_over_into_another(void **state UNUSED)
{
    enum { MOST = (1 << 20) - 1 };
    for (int i = 0; i < MOST + 3; i++) {
        outcomes_add(table, 7, OUTCOMES_APPROVED, NOON);
        outcomes_add(table, 7, OUTCOMES_FAILED, NOON);
    }
    struct outcomes_counts counts = counts_of(7, 60, NOON);
    assert_int_equal(counts.count[OUTCOMES_APPROVED], MOST);
    assert_int_equal(counts.count[OUTCOMES_DECLINED], 0);
    assert_int_equal(counts.count[OUTCOMES_UNKNOWN], 0);
    assert_int_equal(counts.count[OUTCOMES_FAILED], MOST);
}

/* Keys whose bits 20 to 28 are equal share a set of eight; 0 and 1 are keys as any other. */
static void a_full_set_gives_up_the_one_not_counted_for_longest(void **state UNUSED)
{
    static const uint64_t keys[OUTCOMES_SET] = {0, 1, 10, 11, 12, 13, 14, 15};
    for (size_t oldest = 0; oldest < OUTCOMES_SET; oldest++) {
        memset(table, 0, sizeof(*table));
        for (size_t i = 0; i < OUTCOMES_SET; i++)
            outcomes_add(table, keys[i], OUTCOMES_APPROVED, NOON);
        for (size_t i = 0; i < OUTCOMES_SET; i++) {
            if (i != oldest)
                outcomes_add(table, keys[i], OUTCOMES_APPROVED, NOON + 1);
        }
        outcomes_add(table, 99, OUTCOMES_DECLINED, NOON + 2);
        for (size_t i = 0; i < OUTCOMES_SET; i++)
            assert_int_equal(sum_of(keys[i], 60, NOON), i == oldest ? 0 : 2);
        struct outcomes_counts counts = counts_of(99, 60, NOON);
        assert_int_equal(counts.count[OUTCOMES_DECLINED], 1); /* and nothing of the one before */
        assert_int_equal(outcomes_sum(&counts), 1);
    }
}

/* Places that other processes are just taking stay theirs. */
static void a_place_that_another_is_taking_is_let_alone(void **state UNUSED)
{
    enum { MOVING = 1 };
    atomic_store(&table->key[0], MOVING); /* the oldest of all: never counted */
    for (uint64_t key = 10; key < 10 + OUTCOMES_SET; key++)
        outcomes_add(table, key, OUTCOMES_APPROVED, NOON + (int64_t)key);
    assert_int_equal(atomic_load(&table->key[0]), MOVING);
    assert_int_equal(sum_of(10, 60, NOON), 0); /* made room for the eighth */
    assert_int_equal(sum_of(11, 60, NOON), 1);
    assert_int_equal(sum_of(17, 60, NOON), 1);
    for (size_t i = 0; i < OUTCOMES_SET; i++)
        atomic_store(&table->key[i], MOVING);
    outcomes_add(table, 50, OUTCOMES_APPROVED, NOON); /* not counted */
    for (size_t i = 0; i < OUTCOMES_SET; i++)
        assert_int_equal(atomic_load(&table->key[i]), MOVING);
    assert_int_equal(sum_of(50, 60, NOON), 0);
}

/* Another set is another set. */
static void eight_times_the_sets_are_kept(void **state UNUSED)
{
    for (uint64_t i = 0; i < OUTCOMES_ENTRY_MAX; i++)
        outcomes_add(table, i << 20 | 5, OUTCOMES_APPROVED, NOON);
    for (uint64_t i = 0; i < OUTCOMES_ENTRY_MAX; i++)
        assert_int_equal(sum_of(i << 20 | 5, 60, NOON), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_is_counted_by_itself),
        TEST(a_window_is_of_whole_minutes_and_this_one),
        TEST(a_full_count_does_not_run_over_into_another),
        TEST(a_full_set_gives_up_the_one_not_counted_for_longest),
        TEST(a_place_that_another_is_taking_is_let_alone),
        TEST(eight_times_the_sets_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

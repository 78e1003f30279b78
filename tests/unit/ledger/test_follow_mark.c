/* What one position has read of another: every pair of sets of batches of a small ledger. */
#include "ledger/follow_mark.h"

#include "tests/unit/ledger/fixture.h"

enum {
    BATCH_COUNT = 4, /* of each of two writers */
    SET_COUNT = 1 << (2 * BATCH_COUNT),
};

static void read_set(struct follow_mark *mark, unsigned set)
{
    *mark = (struct follow_mark){.newest = 2};
    assert_true(follow_mark_meet(mark, 1));
    assert_true(follow_mark_meet(mark, 2));
    for (unsigned i = 0; i < 2 * BATCH_COUNT; i++) {
        if ((set & 1U << i) != 0)
            assert_true(follow_mark_read(mark, 1 + (int)i / BATCH_COUNT, 1 + i % BATCH_COUNT, 0));
    }
}

static void a_position_covers_those_that_have_read_a_part_of_it(void **state UNUSED)
{
    static struct follow_mark marks[SET_COUNT];
    for (unsigned a = 0; a < SET_COUNT; a++)
        read_set(&marks[a], a);
    for (unsigned a = 0; a < SET_COUNT; a++) {
        for (unsigned b = 0; b < SET_COUNT; b++) {
            if (follow_mark_covers(&marks[a], &marks[b]) != ((b & ~a) == 0))
                fail_msg("set %x covers %x: not as told", a, b);
        }
    }
}

static void what_stands_within_a_batch_is_covered_by_who_has_read_it(void **state UNUSED)
{
    struct follow_mark part;
    struct follow_mark whole;
    read_set(&part, 1);
    read_set(&whole, 3);
    part.part_number = 1;
    part.part_batch = 2;
    assert_true(follow_mark_covers(&whole, &part));
    assert_false(follow_mark_covers(&part, &whole));
    read_set(&whole, 1);
    assert_false(follow_mark_covers(&whole, &part));
}

static void writers_that_only_one_knows(void **state UNUSED)
{
    struct follow_mark both;
    struct follow_mark less;
    read_set(&both, 0x3f);
    read_set(&less, 0x3f);
    follow_mark_drop(&less, 1); /* read whole, as it says */
    assert_true(follow_mark_covers(&less, &both));
    assert_false(follow_mark_covers(&both, &less));
    read_set(&less, 0x0f);
    less.newest = 1; /* the second registered later */
    less.writer_count = 1;
    assert_true(follow_mark_covers(&both, &less));
    assert_false(follow_mark_covers(&less, &both));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_covers_those_that_have_read_a_part_of_it),
        cmocka_unit_test(what_stands_within_a_batch_is_covered_by_who_has_read_it),
        cmocka_unit_test(writers_that_only_one_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

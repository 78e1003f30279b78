#include "process/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

static struct shared *shared_make(void)
{
    struct shared *shared = calloc(1, sizeof(*shared));
    assert_non_null(shared);
    return shared;
}

static void a_dead_writer_is_taken_by_one(void **state)
{
    (void)state;
    struct shared *shared = shared_make();
    struct uuid id = uuid_new();
    assert_null(shared_take_dead(shared, 1));
    assert_true(shared_add_dead(shared, &id));
    struct shared_dead *dead = shared_take_dead(shared, 1);
    assert_non_null(dead);
    assert_true(uuid_eq(&dead->writer_id, &id));
    assert_null(shared_take_dead(shared, 2));
    shared_dead_done(dead, false);
    assert_ptr_equal(shared_take_dead(shared, 2), dead);
    shared_dead_done(dead, true);
    assert_null(shared_take_dead(shared, 2));
    free(shared);
}

/* Whoever dies while it reports must not take the report with it. */
static void what_a_dead_reporter_had_taken_waits_again(void **state)
{
    (void)state;
    struct shared *shared = shared_make();
    struct uuid a = uuid_new();
    struct uuid b = uuid_new();
    assert_true(shared_add_dead(shared, &a));
    assert_true(shared_add_dead(shared, &b));
    struct shared_dead *of_one = shared_take_dead(shared, 1);
    struct shared_dead *of_two = shared_take_dead(shared, SHM_SLOT_MAX - 1);
    assert_non_null(of_one);
    assert_non_null(of_two);
    shared_return_dead(shared, 1);
    assert_ptr_equal(shared_take_dead(shared, 3), of_one);
    assert_null(shared_take_dead(shared, 4)); /* the other reporter lives */
    shared_return_dead(shared, SHM_SLOT_MAX - 1);
    assert_ptr_equal(shared_take_dead(shared, 0), of_two);
    shared_return_dead(shared, 0);
    assert_ptr_equal(shared_take_dead(shared, 0), of_two);
    free(shared);
}

static void processes_are_counted_by_what_they_do(void **state)
{
    (void)state;
    struct shared *shared = shared_make();
    unsigned serving = 9;
    unsigned draining = 9;
    shared_count(shared, &serving, &draining);
    assert_int_equal(serving + draining, 0);
    atomic_store(&shared->slot[1].pid, 11); /* starts */
    atomic_store(&shared->slot[2].pid, 12);
    atomic_store(&shared->slot[2].is_ready, 1);
    atomic_store(&shared->slot[SHM_SLOT_MAX - 1].pid, 13);
    atomic_store(&shared->slot[SHM_SLOT_MAX - 1].is_ready, 1);
    atomic_store(&shared->slot[SHM_SLOT_MAX - 1].is_retired, 1);
    atomic_store(&shared->slot[3].is_ready, 1); /* dead */
    shared_count(shared, &serving, &draining);
    assert_int_equal(serving, 1);
    assert_int_equal(draining, 1);
    free(shared);
}

static void a_full_table_says_so(void **state)
{
    (void)state;
    struct shared *shared = shared_make();
    struct uuid id = uuid_new();
    for (int i = 0; i < SHARED_DEAD_MAX; i++)
        assert_true(shared_add_dead(shared, &id));
    assert_false(shared_add_dead(shared, &id));
    free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_writer_is_taken_by_one),
        cmocka_unit_test(what_a_dead_reporter_had_taken_waits_again),
        cmocka_unit_test(processes_are_counted_by_what_they_do),
        cmocka_unit_test(a_full_table_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

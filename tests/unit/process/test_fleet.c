#include "process/fleet_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

#include "base/clock.h"

/* A master with `workers` seats that has started nobody. */
static struct fleet *fleet_make(unsigned workers)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));
    struct config *config = calloc(1, sizeof(*config));
    struct uuid id = uuid_new();
    struct error err;
    assert_non_null(fleet);
    assert_non_null(config);
    config_init(config);
    config->workers = workers;
    config_finish(config);
    assert_true(fleet_open(fleet, config, &id, &id, &err));
    free(config);
    return fleet;
}

static void fleet_drop(struct fleet *fleet)
{
    shm_close(&fleet->shm);
    free(fleet);
}

/* One generation drains, all of the next are in crash pauses, a third starts: three times 43. */
static void more_workers_than_slots_wait(void **state)
{
    (void)state;
    struct fleet *fleet = fleet_make(43);
    struct generation *generation = fleet_next(fleet);
    assert_non_null(generation);
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        fleet->member[slot] = (struct member){.generation = generation, .seat = 1};
    }
    int64_t from_us = clock_mono_us();
    assert_int_equal(fleet_find_free_slot(fleet), 0);
    assert_false(fleet_start_worker(fleet, generation, 43));
    assert_true(fleet->seat[43].restart_at_us > from_us);
    assert_int_equal(fleet->seat[42].restart_at_us, 0);
    fleet_drop(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_workers_than_slots_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * health_world.h - one account in a health table of its own, in virtual time.
 */
#ifndef TESTS_ROUTER_HEALTH_WORLD_H
#define TESTS_ROUTER_HEALTH_WORLD_H

#include "support.h"

#include "base/clock.h"

enum {
    MS = 1000,
    S = 1000000,
};

static const int64_t wall_us = INT64_C(1700000000000000);

struct world {
    struct shm shm;
    struct health *health;
    struct health_entry *entry;
    int64_t now_us;
};

UNUSED static struct uuid account_of(unsigned n)
{
    struct uuid id = {{0}};
    memcpy(id.byte, &n, sizeof(n));
    id.byte[8] = 0x80;
    return id;
}

UNUSED static int set_up(void **state)
{
    static struct world world;
    struct error err;
    struct uuid id = account_of(1);
    assert_true(shm_open_segment(&world.shm, health_size() + 4096, &err));
    world.health = health_open(&world.shm, &health_config_default);
    world.entry = health_find(world.health, &id);
    world.now_us = INT64_C(86400) * S;
    health_set_slot(0);
    *state = &world;
    return 0;
}

UNUSED static int tear_down(void **state)
{
    shm_close(&((struct world *)*state)->shm);
    return 0;
}

UNUSED static struct health_view look(struct world *world)
{
    struct health_view view;
    health_read(world->health, world->entry, world->now_us, &view);
    return view;
}

UNUSED static void answer(struct world *world, enum health_event event, int64_t latency_us)
{
    health_answered(world->health, world->entry, event, latency_us,
                    event == HEALTH_SUCCESS ? STR_NONE : STR("connect_refused"), world->now_us,
                    wall_us);
}

UNUSED static void call(struct world *world, enum health_event event, int64_t latency_us)
{
    health_sent(world->entry, world->now_us);
    world->now_us += latency_us;
    answer(world, event, latency_us);
}

UNUSED static void fail_open(struct world *world)
{
    for (int i = 0; i < 5 && look(world).state == HEALTH_CLOSED; i++) {
        call(world, HEALTH_NOT_SENT, 1 * MS);
    }
    assert_int_equal(look(world).state, HEALTH_OPEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif

#include "payment/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    ARENA_BYTES_MAX = 4 << 20,
    IDLE_S = 60, /* accounts without a call for so long are not told of */
    SWEEP_EVERY = 1000,
    HOST_SHOWN = 8, /* characters of a host's id */
    SAYS_SIZE = 160,
};

struct peers {
    struct store *store;   /* borrowed */
    struct health *health; /* borrowed */
    struct uuid host_id;
    int64_t interval_us;
    struct loop_timer tick;
    struct arena arena; /* of the exchange under way */
    bool is_busy;
    unsigned rounds;
};

static void listed(void *ctx, enum store_find found, const struct host_row *rows, size_t count,
                   const struct error *why)
{
    struct peers *peers = ctx;
    peers->is_busy = false;
    if (found == STORE_FAILED) {
        log_debug("health", "other hosts were not read", LOG_CSTR("error", why->text));
        return;
    }
    int64_t now_us = clock_mono_us();
    for (size_t i = 0; i < count; i++) {
        const struct host_row *row = &rows[i];
        char host[UUID_TEXT_SIZE];
        char says[SAYS_SIZE];
        bool is_open = str_eq(row->state, str_of(health_state_name(HEALTH_OPEN)));
        if (!is_open && !row->slow)
            continue;
        (void)uuid_format(&row->host_id, host);
        (void)snprintf(says, sizeof(says), "%s: %s, " STR_FMT, host + 36 - HOST_SHOWN,
                       is_open ? "open" : "slow", STR_ARG(row->why));
        if (is_open) /* a brown-out is told of by the row alone: it shows here soon enough */
            health_hint(health_find(peers->health, &row->account_id), str_of(says),
                        now_us - row->age_us,
                        now_us - row->age_us + PEERS_STALE * peers->interval_us);
    }
}

static void read_others(struct peers *peers)
{
    arena_reset(&peers->arena);
    hosts_list(peers->store, &peers->host_id, PEERS_STALE * peers->interval_us, &peers->arena,
               listed, peers);
}

static void told(void *ctx, enum store_find found, int64_t number, const struct error *why)
{
    struct peers *peers = ctx;
    (void)number;
    if (found == STORE_FAILED) {
        log_debug("health", "other hosts were not told", LOG_CSTR("error", why->text));
        peers->is_busy = false;
        return;
    }
    read_others(peers);
}

static void swept(void *ctx, enum store_find found, int64_t number, const struct error *why)
{
    (void)why;
    told(ctx, found, number, why);
}

static void tell(struct peers *peers, int64_t now_us)
{
    size_t at = 0;
    size_t count = 0;
    struct uuid account_id;
    struct health_entry *entry;
    arena_reset(&peers->arena);
    struct host_row *rows = ARENA_ARRAY(&peers->arena, struct host_row, HOSTS_ROW_MAX);
    while (count < HOSTS_ROW_MAX &&
           health_next(peers->health, &at, IDLE_S * CLOCK_SECOND_US, now_us, &account_id, &entry)) {
        struct health_view view;
        health_read(peers->health, entry, now_us, &view);
        rows[count++] = (struct host_row){
            .account_id = account_id,
            .state = str_of(health_state_name(view.state)),
            .slow = view.is_slow,
            .why = arena_str(&peers->arena, str_of(view.why)),
            .calls = view.calls,
            .failures = view.failures,
            .p95_us = view.p95_us,
        };
    }
    peers->is_busy = true;
    if (peers->rounds++ % SWEEP_EVERY == SWEEP_EVERY - 1)
        hosts_sweep(peers->store, swept, peers);
    else if (count == 0)
        read_others(peers);
    else
        hosts_put(peers->store, &peers->host_id, rows, count, told, peers);
}

static void tick(void *ctx)
{
    struct peers *peers = ctx;
    int64_t now_us = clock_mono_us();
    loop_timer_start(&peers->tick, peers->interval_us / 4);
    if (!peers->is_busy && store_is_connected(peers->store) &&
        health_take_turn(peers->health, peers->interval_us, now_us))
        tell(peers, now_us);
}

struct peers *peers_new(struct loop *loop, struct store *store, struct health *health,
                        const struct uuid *host_id, int64_t interval_ms)
{
    struct peers *peers = calloc(1, sizeof(*peers));
    CHECK(peers != NULL);
    peers->store = store;
    peers->health = health;
    peers->host_id = *host_id;
    peers->interval_us = interval_ms * CLOCK_MS_US;
    arena_init(&peers->arena, ARENA_BYTES_MAX);
    loop_timer_init(&peers->tick, loop, tick, peers);
    if (interval_ms > 0)
        loop_timer_start(&peers->tick, peers->interval_us / 4);
    return peers;
}

void peers_free(struct peers **peers)
{
    struct peers *p = *peers;
    if (p == NULL)
        return;
    loop_timer_release(&p->tick);
    arena_release(&p->arena);
    free(p);
    *peers = NULL;
}

/*
 * fake_hooks.h - webhook endpoints in memory, beside fake_store.h and by its rules: what this file
 * defines, the linker does not take from libledger, and every answer comes in a later tick.
 */
#ifndef TESTS_API_FAKE_HOOKS_H
#define TESTS_API_FAKE_HOOKS_H

#include "fake_store.h"

#include "ledger/hooks.h"

static struct fake_hooks {
    struct hook_endpoint endpoints[2 * HOOK_ENDPOINT_MAX];
    bool is_deleted[2 * HOOK_ENDPOINT_MAX];
    size_t count;
    struct hook_delivery delivery; /* the only one */
    struct uuid delivery_merchant;
    struct hook_filter filter; /* of the last list */
    struct {
        int64_t from_us, to_us;
        enum hook_state state;
    } range; /* of the last replay */
} fake_hooks;

struct fake_hook_job { /* what a queued answer points at */
    void *ctx;
    hook_endpoints_fn endpoints_done;
    struct hook_endpoint *endpoints;
    hook_deliveries_fn deliveries_done;
    struct hook_delivery *deliveries;
    size_t count;
    store_count_fn count_done;
};

static void run_hook(const struct fake_job *queued)
{
    const struct fake_hook_job *job = queued->ctx;
    bool is_away = queued->found == STORE_FAILED;
    enum store_find found = is_away ? STORE_FAILED : job->count > 0 ? STORE_FOUND : STORE_ABSENT;
    if (job->endpoints_done != NULL)
        job->endpoints_done(job->ctx, found, job->endpoints, is_away ? 0 : job->count,
                            &queued->why);
    else if (job->deliveries_done != NULL)
        job->deliveries_done(job->ctx, found, job->deliveries, is_away ? 0 : job->count, false,
                             &queued->why);
    else
        job->count_done(job->ctx, is_away ? STORE_FAILED : STORE_FOUND, (int64_t)job->count,
                        &queued->why);
}

static struct fake_hook_job *fake_hook_job(void *ctx)
{
    struct fake_hook_job *job = ARENA_NEW(&fake.memory, struct fake_hook_job);
    fake_ask();
    job->ctx = ctx;
    (void)fake_job(run_hook, job);
    return job;
}

static void fake_hook_count(store_count_fn done, void *ctx, size_t count)
{
    struct fake_hook_job *job = fake_hook_job(ctx);
    job->count_done = done;
    job->count = count;
}

static struct hook_endpoint *fake_find_hook(const struct uuid *merchant_id,
                                            const struct uuid *endpoint_id)
{
    for (size_t i = 0; i < fake_hooks.count; i++) {
        struct hook_endpoint *endpoint = &fake_hooks.endpoints[i];
        if (!fake_hooks.is_deleted[i] && uuid_eq(&endpoint->merchant_id, merchant_id) &&
            uuid_eq(&endpoint->endpoint_id, endpoint_id))
            return endpoint;
    }
    return NULL;
}

/* ---- endpoints ---- */

void hooks_list(struct store *store UNUSED, const struct uuid *merchant_id, int64_t now_us UNUSED,
                struct arena *arena, hook_endpoints_fn done, void *ctx)
{
    struct fake_hook_job *job = fake_hook_job(ctx);
    job->endpoints_done = done;
    job->endpoints = ARENA_ARRAY(arena, struct hook_endpoint, fake_hooks.count);
    for (size_t i = 0; i < fake_hooks.count; i++) {
        if (!fake_hooks.is_deleted[i] && uuid_eq(&fake_hooks.endpoints[i].merchant_id, merchant_id))
            job->endpoints[job->count++] = fake_hooks.endpoints[i];
    }
}

void hooks_load(struct store *store UNUSED, const struct uuid *merchant_id,
                const struct uuid *endpoint_id, int64_t now_us UNUSED, struct arena *arena,
                hook_endpoints_fn done, void *ctx)
{
    struct fake_hook_job *job = fake_hook_job(ctx);
    const struct hook_endpoint *endpoint = fake_find_hook(merchant_id, endpoint_id);
    job->endpoints_done = done;
    job->endpoints = ARENA_NEW(arena, struct hook_endpoint);
    job->count = endpoint != NULL;
    if (endpoint != NULL)
        *job->endpoints = *endpoint;
}

static void fake_add_secret(struct hook_endpoint *endpoint, const struct hook_secret *secret)
{
    memmove(endpoint->secrets + 1, endpoint->secrets,
            (HOOK_SECRET_MAX - 1) * sizeof(endpoint->secrets[0]));
    endpoint->secrets[0] = *secret;
    endpoint->secret_count++;
}

void hooks_create(struct store *store UNUSED, const struct hook_endpoint *endpoint,
                  const struct hook_secret *secret, store_count_fn done, void *ctx)
{
    size_t count = 0;
    for (size_t i = 0; i < fake_hooks.count; i++)
        count += !fake_hooks.is_deleted[i] &&
                 uuid_eq(&fake_hooks.endpoints[i].merchant_id, &endpoint->merchant_id);
    fake_hook_count(done, ctx, count < HOOK_ENDPOINT_MAX);
    if (count == HOOK_ENDPOINT_MAX || fake.is_away)
        return;
    CHECK(fake_hooks.count < ARRAY_LEN(fake_hooks.endpoints));
    struct hook_endpoint *row = &fake_hooks.endpoints[fake_hooks.count++];
    *row = *endpoint;
    row->url = arena_str(&fake.memory, endpoint->url);
    row->description = arena_str(&fake.memory, endpoint->description);
    row->event_types = arena_str(&fake.memory, endpoint->event_types);
    fake_add_secret(row, secret);
}

void hooks_update(struct store *store UNUSED, const struct hook_change *change, int64_t now_us,
                  store_count_fn done, void *ctx)
{
    struct hook_endpoint *row = fake_find_hook(&change->merchant_id, &change->endpoint_id);
    fake_hook_count(done, ctx, row != NULL);
    if (row == NULL || fake.is_away)
        return;
    if (change->has_url)
        row->url = arena_str(&fake.memory, change->url);
    if (change->has_description)
        row->description = arena_str(&fake.memory, change->description);
    if (change->has_event_types)
        row->event_types = arena_str(&fake.memory, change->event_types);
    if (change->has_enabled) {
        row->disabled_us = change->enabled ? 0 : now_us;
        row->disabled_reason = change->enabled ? STR_NONE : STR("merchant");
    }
}

void hooks_delete(struct store *store UNUSED, const struct uuid *merchant_id,
                  const struct uuid *endpoint_id, int64_t now_us UNUSED, store_count_fn done,
                  void *ctx)
{
    struct hook_endpoint *row = fake_find_hook(merchant_id, endpoint_id);
    fake_hook_count(done, ctx, row != NULL);
    if (row != NULL && !fake.is_away)
        fake_hooks.is_deleted[row - fake_hooks.endpoints] = true;
}

void hooks_rotate(struct store *store UNUSED, const struct uuid *merchant_id,
                  const struct uuid *endpoint_id, const struct hook_secret *secret,
                  int64_t until_us, store_count_fn done, void *ctx)
{
    struct hook_endpoint *row = fake_find_hook(merchant_id, endpoint_id);
    bool has_room = row != NULL && row->secret_count < HOOK_SECRET_MAX;
    fake_hook_count(done, ctx, has_room);
    if (!has_room || fake.is_away)
        return;
    for (size_t i = 0; i < row->secret_count; i++)
        row->secrets[i].expires_us = until_us;
    fake_add_secret(row, secret);
}

/* ---- deliveries ---- */

static bool fake_has_delivery(const struct uuid *merchant_id, const struct uuid *endpoint_id,
                              const struct uuid *event_id)
{
    return uuid_eq(&fake_hooks.delivery_merchant, merchant_id) &&
           uuid_eq(&fake_hooks.delivery.endpoint_id, endpoint_id) &&
           (event_id == NULL || uuid_eq(&fake_hooks.delivery.event_id, event_id));
}

static void fake_deliveries(struct arena *arena, bool has, hook_deliveries_fn done, void *ctx)
{
    struct fake_hook_job *job = fake_hook_job(ctx);
    job->deliveries_done = done;
    job->deliveries = ARENA_NEW(arena, struct hook_delivery);
    *job->deliveries = fake_hooks.delivery;
    job->count = has;
}

void hooks_deliveries(struct store *store UNUSED, const struct hook_filter *filter,
                      struct arena *arena, hook_deliveries_fn done, void *ctx)
{
    fake_hooks.filter = *filter;
    fake_hooks.filter.type = arena_str(&fake.memory, filter->type);
    fake_deliveries(arena, fake_has_delivery(&filter->merchant_id, &filter->endpoint_id, NULL),
                    done, ctx);
}

void hooks_delivery(struct store *store UNUSED, const struct uuid *merchant_id,
                    const struct uuid *endpoint_id, const struct uuid *event_id,
                    struct arena *arena, hook_deliveries_fn done, void *ctx)
{
    fake_deliveries(arena, fake_has_delivery(merchant_id, endpoint_id, event_id), done, ctx);
}

void hooks_ping(struct store *store UNUSED, const struct uuid *merchant_id,
                const struct uuid *endpoint_id, const struct uuid *event_id, struct str type,
                int64_t now_us, store_count_fn done, void *ctx)
{
    const struct hook_endpoint *row = fake_find_hook(merchant_id, endpoint_id);
    bool may = row != NULL && row->disabled_us == 0;
    fake_hook_count(done, ctx, may);
    if (!may)
        return;
    fake_hooks.delivery_merchant = *merchant_id;
    fake_hooks.delivery = (struct hook_delivery){.endpoint_id = *endpoint_id,
                                                 .event_id = *event_id,
                                                 .payment_id = *event_id,
                                                 .created_us = now_us,
                                                 .next_us = now_us,
                                                 .state = HOOK_WAITING,
                                                 .type = arena_str(&fake.memory, type)};
}

void hooks_replay(struct store *store UNUSED, const struct uuid *merchant_id,
                  const struct uuid *endpoint_id, const struct uuid *event_id,
                  int64_t now_us UNUSED, store_count_fn done, void *ctx)
{
    fake_hook_count(done, ctx,
                    fake_has_delivery(merchant_id, endpoint_id, event_id) &&
                        fake_hooks.delivery.state != HOOK_SENDING);
}

void hooks_replay_range(struct store *store UNUSED, const struct uuid *merchant_id,
                        const struct uuid *endpoint_id, int64_t from_us, int64_t to_us,
                        enum hook_state state, int64_t now_us UNUSED, store_count_fn done,
                        void *ctx)
{
    fake_hooks.range.from_us = from_us;
    fake_hooks.range.to_us = to_us;
    fake_hooks.range.state = state;
    fake_hook_count(done, ctx, fake_has_delivery(merchant_id, endpoint_id, NULL));
}

#endif

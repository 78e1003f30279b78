/*
 * fake_events.h - the events of a ledger in which nothing has happened (part of fake_store.h); what
 * is read of a real one is tested in tests/unit/ledger/test_follow.c and tests/e2e/events.mjs.
 */
#ifndef TESTS_API_FAKE_EVENTS_H
#define TESTS_API_FAKE_EVENTS_H

#include "ledger/follow.h"

struct fake_events {
    events_fn done;
    void *ctx;
    bool is_one;
};

static struct event_filter fake_event_filter; /* of the last list */

static void run_events(const struct fake_job *job)
{
    struct fake_events *asked = job->ctx;
    enum store_find found = job->found;
    if (found == STORE_FOUND && asked->is_one)
        found = STORE_ABSENT;
    asked->done(asked->ctx, found, NULL, 0, false, &job->why);
}

static void fake_events(struct arena *arena, bool is_one, events_fn done, void *ctx)
{
    struct fake_events *asked = ARENA_NEW(arena, struct fake_events);
    *asked = (struct fake_events){.done = done, .ctx = ctx, .is_one = is_one};
    (void)fake_job(run_events, asked);
}

void events_list(struct store *store UNUSED, const struct event_filter *filter, struct arena *arena,
                 events_fn done, void *ctx)
{
    fake_event_filter = *filter;
    fake_events(arena, false, done, ctx);
}

void events_load(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                 const struct uuid *event_id UNUSED, struct arena *arena, events_fn done, void *ctx)
{
    fake_events(arena, true, done, ctx);
}

void events_of_payment(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                       const struct uuid *payment_id UNUSED, struct arena *arena, events_fn done,
                       void *ctx)
{
    fake_events(arena, false, done, ctx);
}

struct fake_following {
    follow_fn done;
    void *ctx;
};

static void run_follow(const struct fake_job *job)
{
    struct fake_following *asked = job->ctx;
    struct error why;
    (void)fail(&why, ERROR_UNAVAILABLE, "nobody can follow here");
    asked->done(asked->ctx, STORE_FAILED, NULL, &why);
}

void follow_begin(struct store *store UNUSED, struct follow_mark *mark UNUSED, struct arena *arena,
                  follow_fn done, void *ctx)
{
    struct fake_following *asked = ARENA_NEW(arena, struct fake_following);
    *asked = (struct fake_following){done, ctx};
    (void)fake_job(run_follow, asked);
}

void follow_read(struct store *store, const struct uuid *merchants UNUSED,
                 size_t merchant_count UNUSED, struct follow_mark *mark, struct arena *arena,
                 follow_fn done, void *ctx)
{
    follow_begin(store, mark, arena, done, ctx);
}

void follow_keep(struct follow_news *news UNUSED, const struct follow_mark *until UNUSED,
                 struct arena *arena UNUSED)
{
}

bool follow_next(struct follow_news *news UNUSED, const struct event_view **event UNUSED)
{
    return false;
}

#endif

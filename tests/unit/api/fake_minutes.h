/*
 * fake_minutes.h - how accounts did over time, in memory, beside fake_store.h and by its rules.
 */
#ifndef TESTS_API_FAKE_MINUTES_H
#define TESTS_API_FAKE_MINUTES_H

#include "fake_store.h"

#include "ledger/minutes.h"

static struct fake_minutes {
    struct uuid merchant_id, account_id; /* of the last question */
    int64_t from_us, to_us, step_us;
    struct minutes_point points[8]; /* what is answered: start_us counts from from_us */
    size_t count;
} fake_minutes;

struct fake_minutes_job {
    void *ctx;
    minutes_fn done;
    struct minutes_point points[8];
};

static void run_minutes(const struct fake_job *job)
{
    struct fake_minutes_job *asked = job->ctx;
    asked->done(asked->ctx, job->found, asked->points, fake_minutes.count, &job->why);
}

void minutes_read(struct store *store UNUSED, const struct uuid *merchant_id,
                  const struct uuid *account_id, int64_t from_us, int64_t to_us, int64_t step_us,
                  struct arena *arena UNUSED, minutes_fn done, void *ctx)
{
    struct fake_minutes_job *job = ARENA_NEW(&fake.memory, struct fake_minutes_job);
    fake_minutes.merchant_id = *merchant_id;
    fake_minutes.account_id = *account_id;
    fake_minutes.from_us = from_us;
    fake_minutes.to_us = to_us;
    fake_minutes.step_us = step_us;
    fake_ask();
    job->ctx = ctx;
    job->done = done;
    for (size_t i = 0; i < fake_minutes.count; i++) {
        job->points[i] = fake_minutes.points[i];
        job->points[i].start_us += from_us;
    }
    (void)fake_job(run_minutes, job);
}

void minutes_put(struct store *store UNUSED, const struct uuid *host_id UNUSED,
                 int64_t start_us UNUSED, const struct minute_row *rows UNUSED, size_t count UNUSED,
                 store_count_fn done UNUSED, void *ctx UNUSED)
{
    fail_test("minutes are not written by the api");
}

void minutes_sweep(struct store *store UNUSED, store_count_fn done UNUSED, void *ctx UNUSED)
{
    fail_test("minutes are not removed by the api");
}

#endif

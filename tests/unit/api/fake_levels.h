/*
 * fake_levels.h - service levels and holds in memory, beside fake_store.h and by its rules.
 */
#ifndef TESTS_API_FAKE_LEVELS_H
#define TESTS_API_FAKE_LEVELS_H

#include "fake_store.h"

#include "ledger/earned.h"
#include "ledger/holds.h"
#include "ledger/levels.h"
#include "ledger/measures.h"

static struct fake_levels {
    struct uuid merchant_id; /* of the last question */
    int64_t from_us, to_us;
    struct levels levels;             /* what is answered */
    struct measures measures;         /* likewise */
    struct earned earned;             /* likewise */
    struct hold holds[HOLD_LIST_MAX]; /* newest first; of any account */
    size_t hold_count;
} fake_levels;

struct fake_levels_job {
    void *ctx;
    levels_fn levels;
    measures_fn measures;
    earned_fn earned;
    holds_list_fn holds;
    directory_done_fn changed;
    bool has_changed;
};

static struct fake_levels_job *fake_levels_job(void (*run)(const struct fake_job *job), void *ctx)
{
    struct fake_levels_job *job = ARENA_NEW(&fake.memory, struct fake_levels_job);
    fake_ask();
    job->ctx = ctx;
    (void)fake_job(run, job);
    return job;
}

static void run_levels(const struct fake_job *job)
{
    struct fake_levels_job *asked = job->ctx;
    asked->levels(asked->ctx, job->found, &fake_levels.levels, &job->why);
}

static void run_holds(const struct fake_job *job)
{
    struct fake_levels_job *asked = job->ctx;
    asked->holds(asked->ctx, job->found, fake_levels.holds, fake_levels.hold_count, &job->why);
}

static void run_hold_change(const struct fake_job *job)
{
    struct fake_levels_job *asked = job->ctx;
    bool is_nothing = job->found == STORE_FOUND && !asked->has_changed;
    asked->changed(asked->ctx, is_nothing ? STORE_ABSENT : job->found, &job->why);
}

void levels_roll(struct store *store UNUSED, int64_t now_us UNUSED, unsigned checks UNUSED,
                 unsigned attempts_max UNUSED, store_count_fn done, void *ctx)
{
    fake_count(done, ctx, 0);
}

void levels_read(struct store *store UNUSED, const struct uuid *merchant_id, int64_t from_us,
                 int64_t to_us, struct arena *arena UNUSED, levels_fn done, void *ctx)
{
    fake_levels.merchant_id = *merchant_id;
    fake_levels.from_us = from_us;
    fake_levels.to_us = to_us;
    fake_levels_job(run_levels, ctx)->levels = done;
}

static void run_measures(const struct fake_job *job)
{
    struct fake_levels_job *asked = job->ctx;
    asked->measures(asked->ctx, job->found, &fake_levels.measures, &job->why);
}

void measures_read(struct store *store UNUSED, const struct uuid *merchant_id, int64_t from_us,
                   int64_t to_us, int64_t now_us UNUSED, struct arena *arena UNUSED,
                   measures_fn done, void *ctx)
{
    fake_levels.merchant_id = *merchant_id;
    fake_levels.from_us = from_us;
    fake_levels.to_us = to_us;
    fake_levels_job(run_measures, ctx)->measures = done;
}

void measures_roll(struct store *store UNUSED, int64_t now_us UNUSED, unsigned most UNUSED,
                   store_count_fn done, void *ctx)
{
    fake_count(done, ctx, 0);
}

static void run_earned(const struct fake_job *job)
{
    struct fake_levels_job *asked = job->ctx;
    asked->earned(asked->ctx, job->found, &fake_levels.earned, &job->why);
}

void earned_read(struct store *store UNUSED, const struct uuid *merchant_id, int64_t from_us,
                 int64_t to_us, struct arena *arena UNUSED, earned_fn done, void *ctx)
{
    fake_levels.merchant_id = *merchant_id;
    fake_levels.from_us = from_us;
    fake_levels.to_us = to_us;
    fake_levels_job(run_earned, ctx)->earned = done;
}

static bool fake_end_holds(const struct uuid *hold_id, struct str by, int64_t now_us)
{
    bool has_ended = false;
    for (size_t i = 0; i < fake_levels.hold_count; i++) {
        struct hold *hold = &fake_levels.holds[i];
        bool is_it =
            hold_id != NULL ? uuid_eq(&hold->hold_id, hold_id) : hold->kind != HOLD_MAINTENANCE;
        if (is_it && hold->ended_us == 0) {
            hold->ended_us = now_us;
            hold->ended_by = arena_str(&fake.memory, by);
            has_ended = true;
        }
    }
    return has_ended;
}

void holds_add(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
               const struct uuid *account_id UNUSED, const struct hold *hold, bool replaces,
               directory_done_fn done, void *ctx)
{
    struct fake_levels_job *job = fake_levels_job(run_hold_change, ctx);
    job->changed = done;
    job->has_changed = true;
    if (replaces)
        (void)fake_end_holds(NULL, hold->author, hold->created_us);
    memmove(&fake_levels.holds[1], &fake_levels.holds[0],
            fake_levels.hold_count * sizeof(fake_levels.holds[0]));
    fake_levels.hold_count++;
    fake_levels.holds[0] = *hold;
    fake_levels.holds[0].author = arena_str(&fake.memory, hold->author);
    fake_levels.holds[0].reason = arena_str(&fake.memory, hold->reason);
}

void holds_end(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
               const struct uuid *account_id UNUSED, const struct uuid *hold_id, struct str by,
               int64_t now_us, directory_done_fn done, void *ctx)
{
    struct fake_levels_job *job = fake_levels_job(run_hold_change, ctx);
    job->changed = done;
    job->has_changed = fake_end_holds(hold_id, by, now_us);
}

void holds_list(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                const struct uuid *account_id UNUSED, struct arena *arena UNUSED,
                holds_list_fn done, void *ctx)
{
    fake_levels_job(run_holds, ctx)->holds = done;
}

#endif

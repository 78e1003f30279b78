/*
 * fake_reviews.h - cases and open attempts in memory, beside fake_store.h and by its rules: what this
 * file defines, the linker does not take from libledger, and every answer comes in a later tick.
 */
#ifndef TESTS_API_FAKE_REVIEWS_H
#define TESTS_API_FAKE_REVIEWS_H

#include "fake_store.h"

#include "ledger/review.h"

static struct fake_reviews {
    struct review_view views[FAKE_ROW_MAX]; /* newest first */
    size_t count;
    struct review_filter filter; /* of the last list */
    struct unresolved_view open[FAKE_ROW_MAX];
    size_t open_count;
    struct unresolved_filter open_filter;
} fake_reviews;

struct fake_review_job { /* what a queued answer points at */
    void *ctx;
    review_list_fn listed;
    unresolved_list_fn open_listed;
    struct review_view *views;
    struct unresolved_view *open;
    size_t count;
    bool is_one;
};

static struct fake_review_job *fake_review_job(void (*run)(const struct fake_job *job), void *ctx)
{
    struct fake_review_job *job = ARENA_NEW(&fake.memory, struct fake_review_job);
    fake_ask();
    job->ctx = ctx;
    (void)fake_job(run, job);
    return job;
}

static void run_reviews(const struct fake_job *job)
{
    struct fake_review_job *asked = job->ctx;
    enum store_find found = job->found;
    if (found == STORE_FOUND && asked->is_one && asked->count == 0)
        found = STORE_ABSENT;
    asked->listed(asked->ctx, found, asked->views, found == STORE_FOUND ? asked->count : 0, false,
                  &job->why);
}

static bool fake_is_theirs(const struct uuid *merchant_id, const struct uuid *of)
{
    return uuid_is_zero(merchant_id) || uuid_eq(merchant_id, of);
}

void review_list(struct store *store UNUSED, const struct review_filter *filter,
                 struct arena *arena UNUSED, review_list_fn done, void *ctx)
{
    struct fake_review_job *job = fake_review_job(run_reviews, ctx);
    fake_reviews.filter = *filter;
    job->listed = done;
    job->views = ARENA_ARRAY(&fake.memory, struct review_view, fake_reviews.count + 1);
    for (size_t i = 0; i < fake_reviews.count; i++)
        if (fake_is_theirs(&filter->merchant_id, &fake_reviews.views[i].merchant_id))
            job->views[job->count++] = fake_reviews.views[i];
}

void review_load(struct store *store UNUSED, const struct uuid *merchant_id,
                 const struct uuid *review_id, struct arena *arena UNUSED, review_list_fn done,
                 void *ctx)
{
    struct fake_review_job *job = fake_review_job(run_reviews, ctx);
    job->listed = done;
    job->is_one = true;
    for (size_t i = 0; i < fake_reviews.count; i++) {
        if (fake_is_theirs(merchant_id, &fake_reviews.views[i].merchant_id) &&
            uuid_eq(review_id, &fake_reviews.views[i].review_id)) {
            job->views = &fake_reviews.views[i];
            job->count = 1;
        }
    }
}

static void run_open(const struct fake_job *job)
{
    struct fake_review_job *asked = job->ctx;
    asked->open_listed(asked->ctx, job->found, asked->open,
                       job->found == STORE_FOUND ? asked->count : 0, false, &job->why);
}

void unresolved_list(struct store *store UNUSED, const struct unresolved_filter *filter,
                     struct arena *arena UNUSED, unresolved_list_fn done, void *ctx)
{
    struct fake_review_job *job = fake_review_job(run_open, ctx);
    fake_reviews.open_filter = *filter;
    job->open_listed = done;
    job->open = ARENA_ARRAY(&fake.memory, struct unresolved_view, fake_reviews.open_count + 1);
    for (size_t i = 0; i < fake_reviews.open_count; i++)
        if (fake_is_theirs(&filter->merchant_id, &fake_reviews.open[i].merchant_id))
            job->open[job->count++] = fake_reviews.open[i];
}

/* Nothing is reversed here: the asking is never answered. */
void review_count(struct store *store UNUSED, review_tally_fn done UNUSED, void *ctx UNUSED)
{
}

void review_claim_start(struct store *store UNUSED, unsigned limit UNUSED, int64_t now_us UNUSED,
                        int64_t lease_ms UNUSED, struct arena *arena UNUSED,
                        review_claim_fn done UNUSED, void *ctx UNUSED)
{
}

void review_put_back(struct store *store UNUSED, const struct review_end *end UNUSED,
                     store_count_fn done UNUSED, void *ctx UNUSED)
{
}

#endif

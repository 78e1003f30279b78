/*
 * fake_rules.h - a merchant without rule sets, beside fake_store.h and by its rules.
 */
#ifndef TESTS_API_FAKE_RULES_H
#define TESTS_API_FAKE_RULES_H

#include "fake_store.h"

#include "ledger/rules.h"

struct fake_rules_job {
    void *ctx;
    rules_versions_fn versions;
    rules_moves_fn moves;
    bool is_list;
    struct rules_version version; /* rules_load */
};

static int32_t fake_rule_versions; /* each merchant has so many */

static struct fake_rules_job *fake_rules_job(void (*run)(const struct fake_job *job), void *ctx)
{
    struct fake_rules_job *job = ARENA_NEW(&fake.memory, struct fake_rules_job);
    fake_ask();
    job->ctx = ctx;
    (void)fake_job(run, job);
    return job;
}

static void run_rule_versions(const struct fake_job *job)
{
    struct fake_rules_job *asked = job->ctx;
    bool is_nothing = job->found == STORE_FOUND && !asked->is_list;
    asked->versions(asked->ctx, is_nothing ? STORE_ABSENT : job->found, NULL, 0, &job->why);
}

static void run_rule_load(const struct fake_job *job)
{
    struct fake_rules_job *asked = job->ctx;
    bool is_absent = job->found == STORE_FOUND && asked->version.version > fake_rule_versions;
    asked->versions(asked->ctx, is_absent ? STORE_ABSENT : job->found, &asked->version, 1,
                    &job->why);
}

static void run_rule_moves(const struct fake_job *job)
{
    struct fake_rules_job *asked = job->ctx;
    asked->moves(asked->ctx, job->found, NULL, 0, &job->why);
}

void rules_put(struct store *store UNUSED, const struct rules_version *version UNUSED,
               store_count_fn done, void *ctx)
{
    fake_count(done, ctx, 1);
}

void rules_move(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                const struct rules_move *move UNUSED, directory_done_fn done, void *ctx)
{
    (void)fake_change(done, ctx, true);
}

void rules_approval(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                    bool required UNUSED, directory_done_fn done, void *ctx)
{
    (void)fake_change(done, ctx, true);
}

void rules_load(struct store *store UNUSED, const struct uuid *merchant_id UNUSED, int32_t version,
                struct arena *arena UNUSED, rules_versions_fn done, void *ctx)
{
    struct fake_rules_job *job = fake_rules_job(run_rule_load, ctx);
    job->versions = done;
    job->version.version = version;
}

void rules_find(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                const uint8_t hash[32] UNUSED, struct arena *arena UNUSED, rules_versions_fn done,
                void *ctx)
{
    fake_rules_job(run_rule_versions, ctx)->versions = done;
}

void rules_list(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                struct arena *arena UNUSED, rules_versions_fn done, void *ctx)
{
    struct fake_rules_job *job = fake_rules_job(run_rule_versions, ctx);
    job->versions = done;
    job->is_list = true;
}

void rules_moves(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                 struct arena *arena UNUSED, rules_moves_fn done, void *ctx)
{
    fake_rules_job(run_rule_moves, ctx)->moves = done;
}

/* No canary runs, and no rulebook is given to the merchants. */
void rules_tallies(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                   int32_t number UNUSED, rules_tallies_fn done UNUSED, void *ctx UNUSED)
{
    CHECK(false);
}

void rules_in_force(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                    struct arena *arena UNUSED, rules_force_fn done UNUSED, void *ctx UNUSED)
{
    CHECK(false);
}

void rules_tally(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                 int32_t number UNUSED, enum rules_arm arm UNUSED,
                 const struct rules_tally *tally UNUSED, directory_done_fn done UNUSED,
                 void *ctx UNUSED)
{
    CHECK(false);
}

void rules_look(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                int32_t number UNUSED, int32_t look UNUSED, store_count_fn done UNUSED,
                void *ctx UNUSED)
{
    CHECK(false);
}

#endif

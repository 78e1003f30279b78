/* fake_audit.h - what people did, in memory, in the place of ledger/audit.c (see fake_store.h). */
#ifndef FAKE_AUDIT_H
#define FAKE_AUDIT_H

#include "fake_store.h"
#include "ledger/audit.h"

#define FAKE_AUDIT_MAX 256

static struct {
    struct audit_row rows[FAKE_AUDIT_MAX]; /* in their order */
    size_t count;
    bool is_full;   /* nothing can be recorded any more */
    bool loses_end; /* what came of it cannot be */
    struct audit_filter filter;
} fake_audit;

static struct audit_row *fake_audit_find(const struct uuid *audit_id)
{
    for (size_t i = 0; i < fake_audit.count; i++) {
        if (uuid_eq(&fake_audit.rows[i].act.audit_id, audit_id))
            return &fake_audit.rows[i];
    }
    return NULL;
}

static void fake_audit_keep(const struct audit_act *act)
{
    assert_true(fake_audit.count < FAKE_AUDIT_MAX);
    struct audit_row *row = &fake_audit.rows[fake_audit.count++];
    *row = (struct audit_row){.act = *act};
    struct str *const texts[] = {&row->act.role,     &row->act.actor,   &row->act.action,
                                 &row->act.object,   &row->act.address, &row->act.request,
                                 &row->act.data_json};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = fake_keep(*texts[i]);
}

static void fake_audit_answer(const struct uuid *audit_id, const struct audit_answer *answer)
{
    struct audit_row *row = fake_audit_find(audit_id);
    if (row == NULL) {
        fail_test("%s", "what was never begun has ended");
        return;
    }
    assert_int_equal(row->answer.ended_us, 0); /* once */
    row->answer = *answer;
    struct str *const texts[] = {&row->answer.outcome, &row->answer.code, &row->answer.result,
                                 &row->answer.state};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = fake_keep(*texts[i]);
}

static void run_failed(const struct fake_job *job)
{
    static const struct error why = {.code = ERROR_UNAVAILABLE, .text = "no room"};
    job->done.count(job->ctx, STORE_FAILED, 0, &why);
}

static void fake_audit_done(store_count_fn done, void *ctx, bool fails)
{
    if (fails)
        fake_job(run_failed, ctx)->done.count = done;
    else
        fake_count(done, ctx, 1);
}

void audit_begin(struct store *store UNUSED, const struct audit_act *act, store_count_fn done,
                 void *ctx)
{
    if (!fake_audit.is_full && !fake.is_away)
        fake_audit_keep(act);
    fake_audit_done(done, ctx, fake_audit.is_full);
}

void audit_end(struct store *store UNUSED, const struct uuid *audit_id,
               const struct audit_answer *answer, store_count_fn done, void *ctx)
{
    if (!fake_audit.loses_end && !fake.is_away)
        fake_audit_answer(audit_id, answer);
    fake_audit_done(done, ctx, fake_audit.loses_end);
}

void audit_refused(struct store *store UNUSED, const struct audit_act *act,
                   const struct audit_answer *answer, store_count_fn done, void *ctx)
{
    if (!fake.is_away) {
        fake_audit_keep(act);
        fake_audit_answer(&act->audit_id, answer);
    }
    fake_count(done, ctx, 1);
}

bool audit_keeps(struct str name)
{
    return str_eq(name, STR("reason")) || str_eq(name, STR("amount")) ||
           str_eq(name, STR("merchant")) || str_eq(name, STR("weekly"));
}

struct fake_audit_reading {
    audit_fn done;
    void *ctx;
};

static void fake_audit_listed(void *ctx, enum store_find found, int64_t count UNUSED,
                              const struct error *why)
{
    struct fake_audit_reading *reading = ctx;
    reading->done(reading->ctx, found == STORE_FAILED ? STORE_FAILED : STORE_FOUND, fake_audit.rows,
                  found == STORE_FAILED ? 0 : fake_audit.count, false, why);
}

/* All rows, whatever is asked; the filter is what the tests look at. */
void audit_list(struct store *store UNUSED, const struct audit_filter *filter, struct arena *arena,
                audit_fn done, void *ctx)
{
    struct fake_audit_reading *reading = ARENA_NEW(arena, struct fake_audit_reading);
    *reading = (struct fake_audit_reading){done, ctx};
    fake_audit.filter = *filter;
    fake_count(fake_audit_listed, reading, 0);
}

#endif

/*
 * fake_exports.h - a merchant's exports in memory, beside fake_store.h and by its rules: one that is set is there.
 */
#ifndef TESTS_API_FAKE_EXPORTS_H
#define TESTS_API_FAKE_EXPORTS_H

#include "fake_store.h"

#include "ledger/exports.h"

static struct fake_exports {
    struct uuid merchant_id; /* whose the one is */
    struct exports_row row;
    int taken; /* so often there is no place */
    /* of the last question */
    struct uuid asked_merchant;
    struct uuid before;
    struct exports_row put;
    char what[32], account[64];
    unsigned open_max, limit, put_count;
} fake_exports;

struct fake_exports_job {
    exports_fn done;
    store_count_fn put_done;
    void *ctx;
    bool is_there;
};

static void run_exports(const struct fake_job *job)
{
    const struct fake_exports_job *asked = job->ctx;
    bool is_absent = job->found == STORE_FOUND && !asked->is_there;
    if (asked->put_done != NULL)
        asked->put_done(asked->ctx, is_absent ? STORE_ABSENT : job->found, 1, &job->why);
    else
        asked->done(asked->ctx, is_absent ? STORE_ABSENT : job->found, &fake_exports.row,
                    asked->is_there, &job->why);
}

static void fake_exports_ask(const struct uuid *merchant_id, struct fake_exports_job asked)
{
    struct fake_exports_job *job = ARENA_NEW(&fake.memory, struct fake_exports_job);
    fake_ask();
    *job = asked;
    fake_exports.asked_merchant = *merchant_id;
    (void)fake_job(run_exports, job);
}

struct str exports_file_name(const struct uuid *export_id, struct str what,
                             char out[EXPORTS_FILE_SIZE])
{
    char id[ID_TEXT_SIZE];
    (void)snprintf(out, EXPORTS_FILE_SIZE, "%s.%s", id_format(ID_EXPORT, export_id, id).at,
                   export_what_suffix(what));
    return str_of(out);
}

void exports_put(struct store *store UNUSED, const struct uuid *merchant_id,
                 const struct exports_row *row, unsigned open_max, store_count_fn done, void *ctx)
{
    fake_exports.put = *row;
    fake_exports.open_max = open_max;
    fake_exports.put_count++;
    (void)str_copy_to(row->what, fake_exports.what, sizeof(fake_exports.what));
    (void)str_copy_to(row->account, fake_exports.account, sizeof(fake_exports.account));
    bool is_there = fake_exports.taken == 0;
    fake_exports.taken -= !is_there;
    fake_exports_ask(merchant_id, (struct fake_exports_job){NULL, done, ctx, is_there});
}

void exports_load(struct store *store UNUSED, const struct uuid *merchant_id,
                  const struct uuid *export_id, struct arena *arena UNUSED, exports_fn done,
                  void *ctx)
{
    bool is_there = uuid_eq(merchant_id, &fake_exports.merchant_id) &&
                    uuid_eq(export_id, &fake_exports.row.export_id);
    fake_exports_ask(merchant_id, (struct fake_exports_job){done, NULL, ctx, is_there});
}

void exports_list(struct store *store UNUSED, const struct uuid *merchant_id,
                  const struct uuid *before, unsigned limit, struct arena *arena UNUSED,
                  exports_fn done, void *ctx)
{
    fake_exports.before = *before;
    fake_exports.limit = limit;
    bool is_there = uuid_eq(merchant_id, &fake_exports.merchant_id);
    fake_exports_ask(merchant_id, (struct fake_exports_job){done, NULL, ctx, is_there});
}

#endif

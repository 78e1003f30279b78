#include "ledger/volume.h"

#include "ledger/call.h"
#include "ledger/chart.h"

struct volume {
    struct call call;
    volume_fn done;
    void *ctx;
    struct volume_row rows[VOLUME_ROW_MAX];
    size_t count;
};

static void volume_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct volume *volume = LIST_OWNER(job, struct volume, call.request.job);
    for (int row = 0; row < PQntuples(res) && volume->count < VOLUME_ROW_MAX; row++) {
        struct volume_row *to = &volume->rows[volume->count];
        if (!str_copy_to(column_text(res, row, 0), to->currency, sizeof(to->currency)))
            continue;
        to->amount_minor = column_int8(res, row, 1);
        volume->count++;
    }
}

static void volume_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct volume *volume = LIST_OWNER(job, struct volume, call.request.job);
    bool ok = end == PG_DONE;
    volume->done(volume->ctx, ok ? STORE_FOUND : STORE_FAILED, volume->rows, ok ? volume->count : 0,
                 &why->err);
    call_free(&volume->call);
}

void volume_load(struct store *store, const struct volume_ask *ask, volume_fn done, void *ctx)
{
    char pending[CHART_ACCOUNT_SIZE];
    struct volume *volume = call_new(store, sizeof(*volume), SQL_BULK, volume_result, volume_end);
    volume->done = done;
    volume->ctx = ctx;
    params_uuid(&volume->call.params, &ask->merchant_id);
    params_time(&volume->call.params, ask->from_us);
    params_time(&volume->call.params, ask->until_us);
    params_text(&volume->call.params, chart_of_provider(CHART_PROVIDER_PENDING, ask->provider,
                                                        &ask->account_id, pending));
    call_add(&volume->call, SQL_VOLUME);
    call_submit(&volume->call);
}

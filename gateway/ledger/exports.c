#include "ledger/exports.h"

#include <stdio.h>

#include "ledger/call.h"
#include "ledger/count.h"

struct exports_read {
    struct call call;
    struct arena *arena; /* borrowed */
    exports_fn done;
    void *ctx;
    struct exports_row *rows;
    size_t count;
};

struct str exports_file_name(const struct uuid *export_id, struct str what,
                             char out[EXPORTS_FILE_SIZE])
{
    char id[ID_TEXT_SIZE];
    int len = snprintf(out, EXPORTS_FILE_SIZE, "%s.%s", id_format(ID_EXPORT, export_id, id).at,
                       export_what_suffix(what));
    CHECK(len > 0 && len < EXPORTS_FILE_SIZE);
    return str_of(out);
}

void exports_put(struct store *store, const struct uuid *merchant_id, const struct exports_row *row,
                 unsigned open_max, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_EXPORT_PUT, done, ctx);
    struct params *params = &call->params;
    char id[ID_TEXT_SIZE];
    char file[EXPORTS_FILE_SIZE];
    CHECK(open_max > 0 && open_max <= EXPORTS_OPEN_MAX && row->from_us < row->to_us);
    params_uuid(params, merchant_id);
    params_uuid(params, &row->export_id);
    params_uuid(params, &row->asked_by);
    params_time(params, row->asked_us);
    params_time(params, row->from_us);
    params_time(params, row->to_us);
    params_text(params, id_format(ID_EXPORT, &row->export_id, id));
    params_text(params, row->what);
    params_text(params, row->account);
    params_text(params, exports_file_name(&row->export_id, row->what, file));
    params_int4(params, (int32_t)open_max);
    call_submit(call);
}

static void read_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct exports_read *read = LIST_OWNER(job, struct exports_read, call.request.job);
    read->count = (size_t)PQntuples(res);
    read->rows = ARENA_ARRAY(read->arena, struct exports_row, read->count);
    for (int i = 0; i < PQntuples(res); i++) {
        struct exports_row *row = &read->rows[i];
        *row = (struct exports_row){
            .export_id = column_uuid(res, i, 0),
            .asked_by = column_uuid(res, i, 1),
            .asked_us = column_time(res, i, 2),
            .from_us = column_time(res, i, 3),
            .to_us = column_time(res, i, 4),
            .begun_us = column_time(res, i, 5),
            .made_us = column_time(res, i, 6),
            .reached_us = column_time(res, i, 7),
            .rows = column_int8(res, i, 8),
            .bytes = column_int8(res, i, 9),
            .what = column_copy(res, i, 11, read->arena),
            .account = column_copy(res, i, 12, read->arena),
            .state = column_copy(res, i, 13, read->arena),
            .error = column_copy(res, i, 14, read->arena),
        };
        column_digest(res, i, 10, row->sha256);
    }
}

static void read_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct exports_read *read = LIST_OWNER(job, struct exports_read, call.request.job);
    enum store_find found = read->count > 0 ? STORE_FOUND : STORE_ABSENT;
    read->done(read->ctx, end == PG_DONE ? found : STORE_FAILED, read->rows, read->count,
               &why->err);
    call_free(&read->call);
}

static struct exports_read *read_new(struct store *store, const struct uuid *merchant_id,
                                     struct arena *arena, exports_fn done, void *ctx)
{
    struct exports_read *read = call_new(store, sizeof(*read), SQL_READER, read_result, read_end);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    params_uuid(&read->call.params, merchant_id);
    return read;
}

void exports_load(struct store *store, const struct uuid *merchant_id, const struct uuid *export_id,
                  struct arena *arena, exports_fn done, void *ctx)
{
    struct exports_read *read = read_new(store, merchant_id, arena, done, ctx);
    params_uuid(&read->call.params, export_id);
    call_add(&read->call, SQL_EXPORT_LOAD);
    call_submit(&read->call);
}

void exports_list(struct store *store, const struct uuid *merchant_id, const struct uuid *before,
                  unsigned limit, struct arena *arena, exports_fn done, void *ctx)
{
    struct exports_read *read = read_new(store, merchant_id, arena, done, ctx);
    params_uuid(&read->call.params, before);
    params_int8(&read->call.params, (int64_t)limit);
    call_add(&read->call, SQL_EXPORT_LIST);
    call_submit(&read->call);
}

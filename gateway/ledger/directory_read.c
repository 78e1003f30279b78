#include "ledger/directory.h"

#include "ledger/call.h"

struct directory_read {
    struct call call;
    struct arena *arena;
    directory_rows_fn done;
    void *ctx;
    bool is_list; /* nothing found is an answer, too */
    struct directory_rows rows;
};

static void take_merchants(struct directory_read *read, const PGresult *res)
{
    struct arena *arena = read->arena;
    struct directory_rows *rows = &read->rows;
    rows->merchant_count = (size_t)PQntuples(res);
    rows->merchants = ARENA_ARRAY(arena, struct directory_merchant, rows->merchant_count);
    for (int row = 0; row < PQntuples(res); row++) {
        rows->merchants[row] = (struct directory_merchant){
            .merchant_id = column_uuid(res, row, 0),
            .twin_id = column_uuid(res, row, 1),
            .name = column_copy(res, row, 2, arena),
            .livemode = column_bool(res, row, 3),
            .disabled = column_bool(res, row, 4),
            .country = column_copy(res, row, 5, arena),
            .created_us = column_time(res, row, 6),
            .client_keys = column_copy(res, row, 7, arena),
            .rate = column_int8(res, row, 8),
            .burst = column_int8(res, row, 9),
            .in_flight_max = column_int8(res, row, 10),
            .payout_limits_json = column_copy(res, row, 11, arena),
            .rules_approval = column_bool(res, row, 12),
        };
    }
}

static void take_keys(struct directory_read *read, const PGresult *res)
{
    struct arena *arena = read->arena;
    struct directory_rows *rows = &read->rows;
    rows->key_count = (size_t)PQntuples(res);
    rows->keys = ARENA_ARRAY(arena, struct directory_key, rows->key_count);
    for (int row = 0; row < PQntuples(res); row++) {
        rows->keys[row] = (struct directory_key){
            .key_id = column_uuid(res, row, 0),
            .merchant_id = column_uuid(res, row, 1),
            .role = key_role_find(column_text(res, row, 2)),
            .livemode = column_bool(res, row, 3),
            .hint = column_copy(res, row, 4, arena),
            .created_us = column_time(res, row, 6),
            .expires_us = column_time(res, row, 7),
            .disabled_us = column_time(res, row, 8),
        };
        column_digest(res, row, 5, rows->keys[row].digest);
    }
}

static void take_accounts(struct directory_read *read, const PGresult *res)
{
    struct arena *arena = read->arena;
    struct directory_rows *rows = &read->rows;
    rows->account_count = (size_t)PQntuples(res);
    rows->accounts = ARENA_ARRAY(arena, struct directory_account, rows->account_count);
    for (int row = 0; row < PQntuples(res); row++) {
        rows->accounts[row] = (struct directory_account){
            .merchant_id = column_uuid(res, row, 0),
            .account_id = column_uuid(res, row, 1),
            .provider = column_copy(res, row, 2, arena),
            .name = column_copy(res, row, 3, arena),
            .base_url = column_copy(res, row, 4, arena),
            .secret_ref = column_copy(res, row, 5, arena),
            .settings_json = column_copy(res, row, 6, arena),
            .fees_json = column_copy(res, row, 7, arena),
            .currencies = column_copy(res, row, 8, arena),
            .methods = column_copy(res, row, 9, arena),
            .amount_max_minor = column_int8(res, row, 10),
            .disabled = column_bool(res, row, 11),
            .created_us = column_time(res, row, 12),
            .holds = column_is_null(res, row, 13) ? STR_NONE : column_copy(res, row, 13, arena),
        };
    }
}

static void rows_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct directory_read *read = LIST_OWNER(job, struct directory_read, call.request.job);
    switch ((unsigned)sql) {
    case SQL_FIND_KEY_MERCHANT:
    case SQL_LOAD_MERCHANT:
    case SQL_LIST_MERCHANTS:
        take_merchants(read, res);
        return;
    case SQL_FIND_KEY:
    case SQL_LOAD_KEY_ROW:
    case SQL_LOAD_MERCHANT_KEYS:
    case SQL_LIST_OPERATOR_KEYS:
        take_keys(read, res);
        return;
    case SQL_LOAD_MERCHANT_ACCOUNTS:
    case SQL_LIST_ACCOUNTS:
        take_accounts(read, res);
        return;
    default:
        CHECK(false);
    }
}

static void rows_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct directory_read *read = LIST_OWNER(job, struct directory_read, call.request.job);
    const struct directory_rows *rows = &read->rows;
    enum store_find found = STORE_FOUND;
    if (end != PG_DONE)
        found = STORE_FAILED;
    else if (!read->is_list && rows->merchant_count + rows->key_count == 0)
        found = STORE_ABSENT;
    read->done(read->ctx, found, rows, &why->err);
    call_free(&read->call);
}

static struct directory_read *read_new(struct store *store, struct arena *arena,
                                       directory_rows_fn done, void *ctx)
{
    struct directory_read *read = call_new(store, sizeof(*read), SQL_READER, rows_result, rows_end);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    return read;
}

void directory_find_key(struct store *store, const uint8_t digest[32], struct arena *arena,
                        directory_rows_fn done, void *ctx)
{
    struct directory_read *read = read_new(store, arena, done, ctx);
    params_bytea(&read->call.params, (struct str){(const char *)digest, 32});
    call_add(&read->call, SQL_FIND_KEY);
    call_add(&read->call, SQL_FIND_KEY_MERCHANT);
    call_submit(&read->call);
}

void directory_load_key(struct store *store, const struct uuid *key_id, struct arena *arena,
                        directory_rows_fn done, void *ctx)
{
    struct directory_read *read = read_new(store, arena, done, ctx);
    params_uuid(&read->call.params, key_id);
    call_add(&read->call, SQL_LOAD_KEY_ROW);
    call_submit(&read->call);
}

void directory_load_merchant(struct store *store, const struct uuid *merchant_id,
                             struct arena *arena, directory_rows_fn done, void *ctx)
{
    struct directory_read *read = read_new(store, arena, done, ctx);
    params_uuid(&read->call.params, merchant_id);
    call_add(&read->call, SQL_LOAD_MERCHANT);
    call_add(&read->call, SQL_LOAD_MERCHANT_KEYS);
    call_add(&read->call, SQL_LOAD_MERCHANT_ACCOUNTS);
    call_submit(&read->call);
}

void directory_list_merchants(struct store *store, struct arena *arena, directory_rows_fn done,
                              void *ctx)
{
    struct directory_read *read = read_new(store, arena, done, ctx);
    read->is_list = true;
    call_add(&read->call, SQL_LIST_MERCHANTS);
    call_submit(&read->call);
}

void directory_list_accounts(struct store *store, struct arena *arena, directory_rows_fn done,
                             void *ctx)
{
    struct directory_read *read = read_new(store, arena, done, ctx);
    read->is_list = true;
    call_add(&read->call, SQL_LIST_ACCOUNTS);
    call_add(&read->call, SQL_LIST_OPERATOR_KEYS);
    call_submit(&read->call);
}

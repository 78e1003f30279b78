#include "ledger/books.h"

#include "ledger/call.h"

struct books_call {
    struct call call;
    struct arena *arena;
    struct books books;
    unsigned limit;
    books_fn done;
    void *ctx;
};

static struct books_call *books_of(struct pg_job *job)
{
    return LIST_OWNER(job, struct books_call, call.request.job);
}

/* Text of a column in the arena; NULL: empty. */
static struct str text_at(const struct books_call *read, const PGresult *res, int row, int column)
{
    return column_is_null(res, row, column) ? STR_NONE : column_copy(res, row, column, read->arena);
}

static void take_accounts(struct books_call *read, const PGresult *res)
{
    struct books *books = &read->books;
    books->has_more = (unsigned)PQntuples(res) > read->limit;
    books->count = books->has_more ? read->limit : (size_t)PQntuples(res);
    books->accounts = ARENA_ARRAY(read->arena, struct book_account, books->count);
    for (int row = 0; row < (int)books->count; row++) {
        books->accounts[row] = (struct book_account){
            .id = text_at(read, res, row, 0),
            .account = text_at(read, res, row, 1),
            .currency = text_at(read, res, row, 2),
            .number = column_int8(res, row, 3),
            .kind = text_at(read, res, row, 4),
            .type = text_at(read, res, row, 5),
            .normal = text_at(read, res, row, 6),
            .title = text_at(read, res, row, 7),
            .debit_minor = column_int8(res, row, 8),
            .credit_minor = column_int8(res, row, 9),
            .pending_debit_minor = column_int8(res, row, 10),
            .pending_credit_minor = column_int8(res, row, 11),
        };
    }
}

/* Of four columns from there on. */
static struct book_cause take_cause(const struct books_call *read, const PGresult *res, int row,
                                    int column)
{
    return (struct book_cause){
        .payment_id = column_uuid(res, row, column),
        .payment_kind = text_at(read, res, row, column + 1),
        .operation_id = column_uuid(res, row, column + 2),
        .operation_kind = text_at(read, res, row, column + 3),
    };
}

static void take_transfers(struct books_call *read, const PGresult *res)
{
    struct books *books = &read->books;
    books->transfers = ARENA_ARRAY(read->arena, struct book_transfer, (size_t)PQntuples(res));
    for (int row = 0; row < PQntuples(res); row++) {
        if (column_is_null(res, row, 10)) { /* the last one: where to go on */
            books->has_more = true;
            books->next = column_uuid(res, row, 0);
            continue;
        }
        books->transfers[books->count++] = (struct book_transfer){
            .transfer_id = column_uuid(res, row, 0),
            .of = take_cause(read, res, row, 1),
            .attempt_id = column_uuid(res, row, 5),
            .pending_id = column_uuid(res, row, 6),
            .created_us = column_time(res, row, 7),
            .effective_us = column_time(res, row, 8),
            .amount_minor = column_int8(res, row, 9),
            .state = text_at(read, res, row, 10),
            .kind = text_at(read, res, row, 11),
            .debit_account = text_at(read, res, row, 12),
            .credit_account = text_at(read, res, row, 13),
            .currency = text_at(read, res, row, 14),
        };
    }
}

static void take_balances(struct books_call *read, const PGresult *res)
{
    struct books *books = &read->books;
    books->count = (size_t)PQntuples(res);
    books->balances = ARENA_ARRAY(read->arena, struct book_balance, books->count);
    for (int row = 0; row < PQntuples(res); row++) {
        books->balances[row] = (struct book_balance){
            .account = text_at(read, res, row, 0),
            .currency = text_at(read, res, row, 1),
            .debit_minor = column_int8(res, row, 2),
            .credit_minor = column_int8(res, row, 3),
            .has_pending = !column_is_null(res, row, 4),
            .pending_debit_minor = column_int8(res, row, 4),
            .pending_credit_minor = column_int8(res, row, 5),
        };
    }
}

static void take_lines(struct books_call *read, const PGresult *res)
{
    struct books *books = &read->books;
    unsigned movements = 0;
    books->count = (size_t)PQntuples(res);
    books->lines = ARENA_ARRAY(read->arena, struct book_line, books->count);
    for (int row = 0; row < PQntuples(res); row++) {
        books->lines[row] = (struct book_line){
            .line = text_at(read, res, row, 0),
            .created_us = column_time(res, row, 1),
            .effective_us = column_time(res, row, 2),
            .transfer_id = column_uuid(res, row, 3),
            .of = take_cause(read, res, row, 4),
            .kind = text_at(read, res, row, 8),
            .counter_account = text_at(read, res, row, 9),
            .currency = text_at(read, res, row, 10),
            .debit_minor = column_int8(res, row, 11),
            .credit_minor = column_int8(res, row, 12),
            .balance_minor = column_int8(res, row, 13),
        };
        if (!uuid_is_zero(&books->lines[row].transfer_id)) {
            movements++;
            books->next = books->lines[row].transfer_id;
        }
    }
    books->has_more = movements == read->limit;
}

static void books_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct books_call *read = books_of(job);
    if (sql == SQL_BOOK_ACCOUNTS)
        take_accounts(read, res);
    else if (sql == SQL_BOOK_TRANSFERS)
        take_transfers(read, res);
    else if (sql == SQL_BOOK_BALANCES)
        take_balances(read, res);
    else
        take_lines(read, res);
}

static void books_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct books_call *read = books_of(job);
    read->done(read->ctx, end == PG_DONE ? STORE_FOUND : STORE_FAILED, &read->books, &why->err);
    call_free(&read->call);
}

static struct books_call *books_new(struct store *store, const struct uuid *merchant_id,
                                    struct arena *arena, books_fn done, void *ctx)
{
    struct books_call *read = call_new(store, sizeof(*read), SQL_READER, books_result, books_end);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    params_uuid(&read->call.params, merchant_id);
    return read;
}

static void put_text(struct params *params, struct str text)
{
    if (str_is_empty(text))
        params_null(params);
    else
        params_text(params, text);
}

static void put_uuid(struct params *params, const struct uuid *id)
{
    if (uuid_is_zero(id))
        params_null(params);
    else
        params_uuid(params, id);
}

void books_accounts(struct store *store, const struct uuid *merchant_id, struct str kind,
                    struct str after, unsigned limit, struct arena *arena, books_fn done, void *ctx)
{
    struct books_call *read = books_new(store, merchant_id, arena, done, ctx);
    struct params *params = &read->call.params;
    read->limit = limit;
    put_text(params, kind);
    put_text(params, after);
    params_int8(params, (int64_t)limit + 1);
    call_add(&read->call, SQL_BOOK_ACCOUNTS);
    call_submit(&read->call);
}

void books_transfers(struct store *store, const struct uuid *merchant_id,
                     const struct books_filter *filter, struct arena *arena, books_fn done,
                     void *ctx)
{
    struct books_call *read = books_new(store, merchant_id, arena, done, ctx);
    struct params *params = &read->call.params;
    CHECK(filter->limit > 0);
    params_uuid(params, &filter->since);
    params_uuid(params, &filter->before);
    put_uuid(params, &filter->payment_id);
    put_text(params, filter->account);
    put_text(params, filter->kind);
    put_text(params, filter->state);
    params_int8(params, filter->limit);
    params_int8(params, BOOKS_LOOK_MAX);
    call_add(&read->call, SQL_BOOK_TRANSFERS);
    call_submit(&read->call);
}

void books_balances(struct store *store, const struct uuid *merchant_id, const int64_t *as_of_us,
                    bool by_effect, struct arena *arena, books_fn done, void *ctx)
{
    struct books_call *read = books_new(store, merchant_id, arena, done, ctx);
    struct params *params = &read->call.params;
    if (as_of_us == NULL)
        params_null(params);
    else
        params_time(params, *as_of_us);
    params_text(params, by_effect ? STR("effective") : STR("recorded"));
    call_add(&read->call, SQL_BOOK_BALANCES);
    call_submit(&read->call);
}

void books_statement(struct store *store, const struct uuid *merchant_id, struct str account,
                     int64_t from_us, int64_t to_us, const struct uuid *after, unsigned limit,
                     struct arena *arena, books_fn done, void *ctx)
{
    struct books_call *read = books_new(store, merchant_id, arena, done, ctx);
    struct params *params = &read->call.params;
    CHECK(limit > 0 && from_us <= to_us);
    read->limit = limit;
    params_text(params, account);
    params_time(params, from_us);
    params_time(params, to_us);
    params_int8(params, limit);
    params_uuid(params, after);
    call_add(&read->call, SQL_BOOK_STATEMENT);
    call_submit(&read->call);
}

#include "ledger/rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROW_COLUMN_MAX = 20, /* one more than any row has: the last one ends it */
    ROW_KEY_MAX = 3,
    ROW_OF_BUNDLE_MAX = 8, /* of one statement */
};

static_assert((int)ROW_OF_BUNDLE_MAX >= (int)STORE_TRANSFER_MAX &&
                  (int)ROW_OF_BUNDLE_MAX >= (int)STORE_EVENT_MAX &&
                  (int)ROW_OF_BUNDLE_MAX >= (int)STORE_BUDGET_MAX,
              "all rows of a bundle fit");

enum column_kind {
    COLUMN_END = 0,
    COLUMN_GATE, /* the payment that this bundle opens; NULL when it opens none */
    COLUMN_UUID,
    COLUMN_UUID_NULL, /* zero: NULL */
    COLUMN_WRITER,    /* zero: the writer of the batch */
    COLUMN_BIGINT,
    COLUMN_BIGINT_NULL, /* negative: NULL */
    COLUMN_INTEGER,
    COLUMN_BOOL,
    COLUMN_TIME,
    COLUMN_TIME_NULL, /* 0: NULL */
    COLUMN_TEXT,
    COLUMN_TEXT_NULL, /* empty: NULL */
    COLUMN_BYTES,
    COLUMN_DIGEST,      /* uint8_t[32] */
    COLUMN_DIGEST_NULL, /* zeros: NULL */
    COLUMN_CURRENCY,    /* char[4] */
    COLUMN_OPERATION,
    COLUMN_OUTCOME,
    COLUMN_STATUS,
    COLUMN_STATUS_NULL, /* PAYMENT_NONE: NULL */
    COLUMN_TRANSFER_STATE,
    COLUMN_KIND, /* of struct store_payment */
    COLUMN_REVIEW_KIND,
    COLUMN_REVIEW_STATE,
};

struct column {
    enum column_kind kind;
    size_t at;
};

enum scalar { /* parameters before the arrays */
              SCALAR_NONE = 0,
              SCALAR_BATCH,        /* batch_no */
              SCALAR_WRITER_BATCH, /* writer_id, batch_no */
              SCALAR_NOW,
};

struct row {
    const char *at;
    const struct uuid *gate; /* NULL: none */
};

struct insert {
    enum sql sql;
    enum scalar scalar;
    struct column key[ROW_KEY_MAX]; /* sorted by it, so that two batches lock in the same order */
    struct column columns[ROW_COLUMN_MAX];
};

#define C(kind, type, member)                                                                      \
    {                                                                                              \
        COLUMN_##kind, offsetof(struct store_##type, member)                                       \
    }
#define GATED                                                                                      \
    {                                                                                              \
        COLUMN_GATE, 0                                                                             \
    }

#define LIMITS_COLUMNS(...)                                                                        \
    {                                                                                              \
        GATED, C(UUID, limits, merchant_id), C(UUID, limits, payment_id),                          \
            C(CURRENCY, limits, currency), C(BIGINT, limits, authorized),                          \
            C(BIGINT, limits, captured), C(BIGINT, limits, capture_open),                          \
            C(BIGINT, limits, refunded), C(BIGINT, limits, refund_open) __VA_ARGS__                \
    }

/* clang-format off */
static const struct insert inserts[] = {
{SQL_OPEN, SCALAR_NONE, {C(UUID, payment, merchant_id), C(TEXT, payment, key)},
    {C(UUID, payment, merchant_id), C(TEXT, payment, key), C(DIGEST, payment, fingerprint),
     C(UUID, payment, payment_id), C(WRITER, payment, writer_id), C(TIME, payment, created_us),
     {COLUMN_KIND, 0}, C(TEXT_NULL, payment, reference),
     C(INTEGER, payment, try_number), C(DIGEST_NULL, payment, budget_hash)}},
{SQL_PAYMENTS, SCALAR_BATCH, {C(UUID, payment, merchant_id), C(UUID, payment, payment_id)},
    {C(UUID, payment, merchant_id), C(UUID, payment, payment_id), {COLUMN_KIND, 0},
     C(TIME, payment, created_us), C(BIGINT, payment, amount_minor), C(CURRENCY, payment, currency),
     C(BOOL, payment, capture_automatic), C(BOOL, payment, livemode),
     C(TEXT_NULL, payment, reference), C(INTEGER, payment, try_number),
     C(TEXT, payment, method_type), C(TEXT, payment, country), C(TEXT, payment, key),
     C(WRITER, payment, writer_id), C(TEXT, payment, customer_json),
     C(TEXT, payment, metadata_json), C(TEXT, payment, routing_json),
     C(BYTES, payment, tokens_sealed), C(UUID_NULL, payment, parent_id)}},
{SQL_ATTEMPTS, SCALAR_WRITER_BATCH, {C(UUID, attempt, merchant_id), C(UUID, attempt, attempt_id)},
    {GATED, C(UUID, attempt, merchant_id), C(UUID, attempt, payment_id),
     C(UUID, attempt, attempt_id), C(INTEGER, attempt, number), C(OPERATION, attempt, operation),
     C(UUID, attempt, account_id), C(TEXT, attempt, provider), C(BIGINT, attempt, amount_minor),
     C(CURRENCY, attempt, currency), C(TEXT_NULL, attempt, decision_json),
     C(DIGEST, attempt, token_hash), C(BIGINT_NULL, attempt, expected_fee_minor),
     C(TIME, attempt, created_us), C(TEXT_NULL, attempt, step)}},
{SQL_SENDS, SCALAR_NONE,
    {C(UUID, send, merchant_id), C(UUID, send, attempt_id), C(INTEGER, send, number)},
    {GATED, C(UUID, send, merchant_id), C(UUID, send, attempt_id), C(INTEGER, send, number),
     C(TEXT, send, step), C(BOOL, send, moves_money),
     C(TEXT, send, adapter_version), C(TEXT_NULL, send, provider_key),
     C(TIME, send, key_valid_until_us), C(TIME, send, not_after_us), C(BYTES, send, body_sealed),
     C(TIME, send, created_us)}},
{SQL_OUTCOMES, SCALAR_NONE,
    {C(UUID, outcome, merchant_id), C(UUID, outcome, attempt_id), C(INTEGER, outcome, number)},
    {GATED, C(UUID, outcome, merchant_id), C(UUID, outcome, attempt_id),
     C(INTEGER, outcome, number), C(INTEGER, outcome, send_number), C(OUTCOME, outcome, outcome),
     C(BOOL, outcome, left), C(TEXT, outcome, code), C(TEXT, outcome, reason),
     C(TEXT, outcome, reference), C(TEXT, outcome, facts_json), C(TEXT, outcome, debug_id),
     C(INTEGER, outcome, http_status), C(BIGINT_NULL, outcome, fee_minor),
     C(BIGINT, outcome, elapsed_us), C(TIME, outcome, created_us)}},
{SQL_TRANSFERS, SCALAR_WRITER_BATCH,
    {C(UUID, transfer, merchant_id), C(UUID, transfer, transfer_id)},
    {GATED, C(UUID, transfer, merchant_id), C(UUID, transfer, transfer_id),
     C(UUID, transfer, payment_id), C(UUID, transfer, attempt_id),
     C(UUID_NULL, transfer, pending_id), C(TRANSFER_STATE, transfer, state),
     C(TEXT, transfer, debit_account), C(TEXT, transfer, credit_account),
     C(BIGINT, transfer, amount_minor), C(CURRENCY, transfer, currency), C(TEXT, transfer, kind),
     C(TIME, transfer, created_us)}},
{SQL_EVENTS, SCALAR_WRITER_BATCH,
    {C(UUID, event, merchant_id), C(UUID, event, payment_id), C(INTEGER, event, number)},
    {GATED, C(UUID, event, merchant_id), C(UUID, event, payment_id), C(INTEGER, event, number),
     C(UUID, event, event_id), C(UUID_NULL, event, attempt_id), C(TEXT, event, type),
     C(STATUS, event, status), C(TEXT, event, data_json), C(TIME, event, created_us),
     C(TEXT_NULL, event, step)}},
{SQL_BUDGETS, SCALAR_NONE, {C(UUID, budget, merchant_id), C(DIGEST, budget, token_hash)},
    {C(UUID, budget, merchant_id), C(DIGEST, budget, token_hash), C(INTEGER, budget, most),
     C(BOOL, budget, forbids), C(BOOL, budget, opens), C(TIME, budget, created_us)}},
{SQL_ANSWERS, SCALAR_NONE, {C(UUID, final, merchant_id), C(UUID, final, payment_id)},
    {GATED, C(UUID, final, merchant_id), C(UUID, final, payment_id), C(INTEGER, final, status),
     C(BYTES, final, body), C(TIME, final, created_us)}},
{SQL_LIMITS_CREATE, SCALAR_NONE, {C(UUID, limits, merchant_id), C(UUID, limits, payment_id)},
    LIMITS_COLUMNS(, C(UUID_NULL, limits, hold_id), C(TEXT_NULL, limits, hold_reference),
                   C(TIME_NULL, limits, hold_ends_us))},
{SQL_LIMITS_CHANGE, SCALAR_NONE, {C(UUID, limits, merchant_id), C(UUID, limits, payment_id)},
    LIMITS_COLUMNS(, C(TEXT_NULL, limits, hold_reference), C(TIME_NULL, limits, hold_ends_us),
                   C(TEXT_NULL, limits, acts_on))},
{SQL_HOLDS, SCALAR_WRITER_BATCH, {C(UUID, hold, merchant_id), C(UUID, hold, payment_id)},
    {GATED, C(UUID, hold, merchant_id), C(UUID, hold, release_id), C(UUID, hold, rest_id),
     C(UUID, hold, payment_id), C(UUID, hold, attempt_id), C(UUID_NULL, hold, of_attempt),
     C(BIGINT, hold, taken_minor), C(TIME, hold, created_us), C(UUID_NULL, hold, limits_id)}},
{SQL_PARENTS, SCALAR_WRITER_BATCH, {C(UUID, parent, merchant_id), C(UUID, parent, payment_id)},
    {GATED, C(UUID, parent, merchant_id), C(UUID, parent, payment_id), C(UUID, parent, event_id),
     C(UUID_NULL, parent, attempt_id), C(TEXT, parent, type), C(STATUS_NULL, parent, status),
     C(TEXT, parent, data_json), C(TIME, parent, created_us)}},
{SQL_PARK_NEW, SCALAR_NOW, {C(UUID, park, merchant_id), C(UUID, park, attempt_id)},
    {GATED, C(UUID, park, merchant_id), C(UUID, park, attempt_id), C(UUID, park, payment_id),
     C(UUID, park, account_id), C(TEXT, park, provider), C(TIME, park, next_us),
     C(INTEGER, park, tries), C(TEXT, park, reason)}},
{SQL_PARK_AGAIN, SCALAR_NONE, {C(UUID, park, merchant_id), C(UUID, park, attempt_id)},
    {GATED, C(UUID, park, merchant_id), C(UUID, park, attempt_id), C(TIME, park, next_us),
     C(INTEGER, park, tries), C(BIGINT, park, epoch), C(BOOL, park, is_canceled),
     C(TEXT, park, reason), C(BOOL, park, unless_canceled)}},
{SQL_UNPARK, SCALAR_NONE, {C(UUID, unpark, merchant_id), C(UUID, unpark, attempt_id)},
    {GATED, C(UUID, unpark, merchant_id), C(UUID, unpark, attempt_id),
     C(BIGINT, unpark, epoch)}},
{SQL_VERDICTS, SCALAR_NONE, {C(UUID, verdict, merchant_id), C(UUID, verdict, review_id)},
    {C(UUID, verdict, merchant_id), C(UUID, verdict, review_id), C(REVIEW_STATE, verdict, from),
     C(BIGINT, verdict, epoch), C(UUID_NULL, verdict, key_id), C(TEXT, verdict, outcome),
     C(TEXT, verdict, reason), C(TEXT, verdict, evidence), C(UUID_NULL, verdict, reversal_id),
     C(TIME, verdict, created_us), C(REVIEW_STATE, verdict, to)}},
{SQL_PROOFS, SCALAR_NONE, {C(UUID, proof, merchant_id), C(UUID, proof, attempt_id)},
    {C(UUID, proof, merchant_id), C(UUID, proof, payment_id), C(UUID, proof, attempt_id),
     C(OUTCOME, proof, outcome), C(TIME, proof, created_us)}},
{SQL_REVIEWS, SCALAR_NONE, {C(UUID, review, merchant_id), C(UUID, review, attempt_id)},
    {C(UUID, review, merchant_id), C(UUID, review, review_id), C(UUID, review, payment_id),
     C(UUID, review, attempt_id), C(UUID, review, account_id), C(TIME, review, created_us),
     C(BIGINT, review, amount_minor), C(BIGINT_NULL, review, answered_minor),
     C(REVIEW_KIND, review, kind), C(REVIEW_STATE, review, state),
     C(OPERATION, review, operation), C(TEXT, review, provider), C(CURRENCY, review, currency),
     C(CURRENCY, review, answered_currency), C(TEXT, review, reference),
     C(TEXT, review, detail)}},
};
/* clang-format on */

static const enum value_type column_types[] = {
    [COLUMN_GATE] = VALUE_UUID,           [COLUMN_UUID] = VALUE_UUID,
    [COLUMN_UUID_NULL] = VALUE_UUID,      [COLUMN_WRITER] = VALUE_UUID,
    [COLUMN_BIGINT] = VALUE_INT8,         [COLUMN_BIGINT_NULL] = VALUE_INT8,
    [COLUMN_INTEGER] = VALUE_INT4,        [COLUMN_BOOL] = VALUE_BOOL,
    [COLUMN_TIME] = VALUE_TIME,           [COLUMN_TEXT] = VALUE_TEXT,
    [COLUMN_TEXT_NULL] = VALUE_TEXT,      [COLUMN_BYTES] = VALUE_BYTEA,
    [COLUMN_DIGEST] = VALUE_BYTEA,        [COLUMN_DIGEST_NULL] = VALUE_BYTEA,
    [COLUMN_CURRENCY] = VALUE_TEXT,       [COLUMN_OPERATION] = VALUE_TEXT,
    [COLUMN_OUTCOME] = VALUE_TEXT,        [COLUMN_STATUS] = VALUE_TEXT,
    [COLUMN_TRANSFER_STATE] = VALUE_TEXT, [COLUMN_KIND] = VALUE_TEXT,
    [COLUMN_REVIEW_KIND] = VALUE_TEXT,    [COLUMN_REVIEW_STATE] = VALUE_TEXT,
    [COLUMN_STATUS_NULL] = VALUE_TEXT,    [COLUMN_TIME_NULL] = VALUE_TIME,
};

/* ---- one column ------------------------------------------------------------------------------ */

static const struct uuid *uuid_at(const char *at)
{
    return (const struct uuid *)(const void *)at;
}

static int64_t int64_at(const char *at)
{
    return *(const int64_t *)(const void *)at;
}

static int int_at(const char *at)
{
    return *(const int *)(const void *)at;
}

static struct str str_at(const char *at)
{
    return *(const struct str *)(const void *)at;
}

static void put_digest(struct params *params, const char *digest)
{
    static const char zeros[32];
    if (memcmp(digest, zeros, sizeof(zeros)) == 0)
        params_put_null(params);
    else
        params_put_bytes(params, (struct str){digest, sizeof(zeros)});
}

static const char *state_name(int state)
{
    static const char *const names[] = {
        [TRANSFER_PENDING] = "pending",
        [TRANSFER_POSTED] = "posted",
        [TRANSFER_VOIDED] = "voided",
    };
    CHECK(state >= 0 && (size_t)state < ARRAY_LEN(names));
    return names[state];
}

static void put_uuid(struct params *params, const struct uuid *id)
{
    if (id == NULL || uuid_is_zero(id))
        params_put_null(params);
    else
        params_put_uuid(params, id);
}

static void put_nullable(struct params *params, const struct column *column, const char *at)
{
    if (column->kind == COLUMN_TEXT_NULL) {
        struct str text = str_at(at);
        if (str_is_empty(text))
            params_put_null(params);
        else
            params_put_bytes(params, text);
    } else if (column->kind == COLUMN_TIME_NULL && int64_at(at) > 0) {
        params_put_time(params, int64_at(at));
    } else if (column->kind == COLUMN_TIME_NULL || int64_at(at) < 0) {
        params_put_null(params);
    } else {
        params_put_int8(params, int64_at(at));
    }
}

static void put_status(struct params *params, const struct column *column,
                       enum payment_status status)
{
    if (column->kind == COLUMN_STATUS_NULL && status == PAYMENT_NONE)
        params_put_null(params);
    else
        params_put_bytes(params, str_of(payment_status_name(status)));
}

static void put_column(struct params *params, const struct column *column, const struct row *row,
                       const struct rows_batch *batch)
{
    const char *at = row->at + column->at;
    switch (column->kind) {
    case COLUMN_GATE:
        put_uuid(params, row->gate);
        return;
    case COLUMN_UUID:
        params_put_uuid(params, uuid_at(at));
        return;
    case COLUMN_UUID_NULL:
        put_uuid(params, uuid_at(at));
        return;
    case COLUMN_WRITER:
        params_put_uuid(params, uuid_is_zero(uuid_at(at)) ? &batch->writer_id : uuid_at(at));
        return;
    case COLUMN_BIGINT:
        params_put_int8(params, int64_at(at));
        return;
    case COLUMN_BIGINT_NULL:
    case COLUMN_TEXT_NULL:
    case COLUMN_TIME_NULL:
        put_nullable(params, column, at);
        return;
    case COLUMN_INTEGER:
        params_put_int4(params, int_at(at));
        return;
    case COLUMN_BOOL:
        params_put_bool(params, *(const bool *)(const void *)at);
        return;
    case COLUMN_TIME:
        params_put_time(params, int64_at(at));
        return;
    case COLUMN_TEXT:
    case COLUMN_BYTES:
        params_put_bytes(params, str_at(at));
        return;
    case COLUMN_DIGEST_NULL:
        put_digest(params, at);
        return;
    case COLUMN_DIGEST:
        params_put_bytes(params, (struct str){at, 32});
        return;
    case COLUMN_CURRENCY:
        params_put_bytes(params, (struct str){at, strnlen(at, 4)});
        return;
    case COLUMN_OPERATION:
        params_put_bytes(params, str_of(operation_name((enum operation)int_at(at))));
        return;
    case COLUMN_OUTCOME:
        params_put_bytes(params, str_of(outcome_name((enum outcome)int_at(at))));
        return;
    case COLUMN_STATUS:
    case COLUMN_STATUS_NULL:
        put_status(params, column, (enum payment_status)int_at(at));
        return;
    case COLUMN_KIND:
        params_put_bytes(params, store_kind_name(store_kind_of((const void *)at)));
        return;
    case COLUMN_REVIEW_KIND:
        params_put_bytes(params, str_of(review_kind_name((enum review_kind)int_at(at))));
        return;
    case COLUMN_REVIEW_STATE:
        params_put_bytes(params, str_of(review_state_name((enum review_state)int_at(at))));
        return;
    case COLUMN_TRANSFER_STATE:
        params_put_bytes(params, str_of(state_name(int_at(at))));
        return;
    case COLUMN_END:
        break;
    }
    CHECK(false);
}

/* ---- the rows of a statement ----------------------------------------------------------------- */

static int compare_key(const struct column *key, const char *a, const char *b)
{
    switch ((unsigned)key->kind) {
    case COLUMN_UUID:
        return uuid_compare(uuid_at(a + key->at), uuid_at(b + key->at));
    case COLUMN_TEXT:
        return str_compare(str_at(a + key->at), str_at(b + key->at));
    case COLUMN_INTEGER:
        return int_at(a + key->at) - int_at(b + key->at);
    case COLUMN_DIGEST:
        return memcmp(a + key->at, b + key->at, 32);
    default:
        CHECK(false);
    }
}

static int compare_rows(const void *a, const void *b, void *ctx)
{
    const struct insert *insert = ctx;
    for (size_t i = 0; i < ROW_KEY_MAX && insert->key[i].kind != COLUMN_END; i++) {
        int order =
            compare_key(&insert->key[i], ((const struct row *)a)->at, ((const struct row *)b)->at);
        if (order != 0)
            return order;
    }
    return 0;
}

/* The first row and how many there are. */
static const void *rows_of(const struct store_txn *txn, enum sql sql, size_t *count)
{
    *count = 1;
    switch ((unsigned)sql) {
    case SQL_OPEN:
    case SQL_PAYMENTS:
        return txn->payment;
    case SQL_ATTEMPTS:
        return txn->attempt;
    case SQL_SENDS:
        return txn->send;
    case SQL_OUTCOMES:
        return txn->outcome;
    case SQL_TRANSFERS:
        *count = txn->transfer_count;
        return txn->transfers;
    case SQL_EVENTS:
        *count = txn->event_count;
        return txn->events;
    case SQL_BUDGETS:
        *count = txn->budget_count;
        return txn->budgets;
    case SQL_ANSWERS:
        return txn->answer;
    case SQL_LIMITS_CREATE:
        return txn->limits != NULL && txn->limits->create ? txn->limits : NULL;
    case SQL_LIMITS_CHANGE:
        return txn->limits != NULL && !txn->limits->create ? txn->limits : NULL;
    case SQL_PARENTS:
        return txn->parent;
    case SQL_HOLDS:
        return txn->hold;
    case SQL_PARK_NEW:
        return txn->park != NULL && txn->park->epoch == 0 ? txn->park : NULL;
    case SQL_PARK_AGAIN:
        return txn->park != NULL && txn->park->epoch != 0 ? txn->park : NULL;
    case SQL_UNPARK:
        return txn->unpark;
    case SQL_VERDICTS:
        return txn->verdict;
    case SQL_PROOFS:
        return txn->proof;
    case SQL_REVIEWS:
        return txn->review;
    default:
        CHECK(false);
    }
}

/* The limits of a capture or a late authorization, beside those of its payment. */
static const void *room_of(const struct store_txn *txn, enum sql sql)
{
    if (txn->room == NULL || (sql != SQL_LIMITS_CREATE && sql != SQL_LIMITS_CHANGE))
        return NULL;
    return txn->room->create == (sql == SQL_LIMITS_CREATE) ? txn->room : NULL;
}

static size_t row_size(enum sql sql)
{
    if (sql == SQL_TRANSFERS)
        return sizeof(struct store_transfer);
    if (sql == SQL_BUDGETS)
        return sizeof(struct store_budget);
    return sql == SQL_EVENTS ? sizeof(struct store_event) : 0;
}

static size_t gather(const struct insert *insert, struct bundle *const *bundles, size_t count,
                     struct row *rows)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct store_txn *txn = &bundles[i]->txn;
        const struct uuid *gate = txn->payment != NULL ? &txn->payment->payment_id : NULL;
        size_t row_count;
        const char *first = rows_of(txn, insert->sql, &row_count);
        for (size_t r = 0; first != NULL && r < row_count; r++)
            rows[found++] = (struct row){first + r * row_size(insert->sql), gate};
        const char *room = room_of(txn, insert->sql);
        if (room != NULL)
            rows[found++] = (struct row){room, gate};
    }
    return found;
}

static void put_scalars(struct params *params, enum scalar scalar, const struct rows_batch *batch)
{
    if (scalar == SCALAR_WRITER_BATCH)
        params_uuid(params, &batch->writer_id);
    if (scalar == SCALAR_WRITER_BATCH || scalar == SCALAR_BATCH)
        params_int8(params, batch->batch_no);
    if (scalar == SCALAR_NOW)
        params_time(params, batch->now_us);
}

void rows_send(struct pg *pg, struct pg_job *job, struct params *params,
               const struct rows_batch *batch, struct bundle *const *bundles, size_t count)
{
    struct row *rows = calloc(count * ROW_OF_BUNDLE_MAX, sizeof(*rows));
    CHECK(rows != NULL);
    for (size_t i = 0; i < ARRAY_LEN(inserts); i++) {
        const struct insert *insert = &inserts[i];
        size_t row_count = gather(insert, bundles, count, rows);
        if (row_count == 0)
            continue;
        union {
            const struct insert *in;
            void *out;
        } ctx = {.in = insert};
        qsort_r(rows, row_count, sizeof(*rows), compare_rows, ctx.out);
        params_clear(params);
        put_scalars(params, insert->scalar, batch);
        for (size_t c = 0; insert->columns[c].kind != COLUMN_END; c++) {
            const struct column *column = &insert->columns[c];
            params_array_begin(params, column_types[column->kind], row_count);
            for (size_t r = 0; r < row_count; r++)
                put_column(params, column, &rows[r], batch);
            params_array_end(params);
        }
        pg_job_send(pg, job, insert->sql, params);
    }
    free(rows);
}

#include "ledger/erase.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/value.h"

enum {
    AGAIN_MAX = 3, /* rounds with a payment that is answered just now */
};

struct erase {
    PGconn *conn;  /* owned */
    bool is_raced; /* the last statement came too early: it is to be done again */
};

/* order_key: a sign, "payout:", the order's id, ':', the number of the try. */
#define SUBJECT                                                                                    \
    " CASE WHEN p.parent_id IS NOT NULL THEN p.parent_id WHEN p.key LIKE '\302\247payout:%' THEN"  \
    " split_part(p.key, ':', 2)::uuid ELSE p.payment_id END"

static const char twin_sql[] = "SELECT twin_id FROM merchants WHERE merchant_id = $1";
static const char payments_sql[] =
    "SELECT p.payment_id, p.kind = 'payout', " SUBJECT ", p.customer,"
    " CASE p.kind WHEN 'payout' THEN p.tokens_sealed END FROM payments p WHERE p.merchant_id = $1"
    " AND p.payment_id > $2 AND p.parent_id IS NULL AND p.erased_at IS NULL"
    " ORDER BY p.payment_id LIMIT $3";
static const char orders_sql[] =
    "SELECT o.order_id, true, o.order_id, NULL::text, o.request_sealed FROM payout_orders o"
    " WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.request_sealed IS NOT NULL"
    " ORDER BY o.order_id LIMIT $3";
/* Of each kind, since the index has it. */
static const char reference_sql[] =
    "SELECT DISTINCT s.id, s.is_payout, s.id, NULL::text, NULL::bytea FROM (SELECT" SUBJECT
    " AS id, p.kind = 'payout' AS is_payout FROM payments p WHERE p.merchant_id = $1 AND p.kind ="
    " ANY ('{payment,payout,capture,void,refund,reauthorize}') AND p.reference = $2 UNION ALL"
    " SELECT o.order_id, true FROM payout_orders o WHERE o.merchant_id = $1 AND o.reference = $2)"
    " s ORDER BY 1 LIMIT $3";
static const char lock_sql[] = "SELECT erase_lock($1, $2), erase_obstacle($1, $2)";
static const char payment_answers_sql[] =
    "SELECT a.payment_id, a.body FROM payment_answers a WHERE a.merchant_id = $1"
    " AND a.payment_id = ANY (erase_members($1, $2))";
static const char answers_sql[] = "SELECT a.key, a.body FROM answers a WHERE a.merchant_id = $1"
                                  " AND a.location = $2";
static const char erase_sql[] =
    "SELECT erase_payment($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

static bool fail_pg(struct erase *erase, const PGresult *res, const char *what, struct error *err)
{
    const char *code = res != NULL ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    const char *said = res != NULL ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    struct str text = str_of(said != NULL ? said : PQerrorMessage(erase->conn));
    struct str line = str_cut(&text, '\n');
    erase->is_raced = code != NULL && (strcmp(code, "40001") == 0 || strcmp(code, "40P01") == 0 ||
                                       strcmp(code, "55000") == 0);
    return fail(err, ERROR_IO, "cannot %s: " STR_FMT, what, STR_ARG(line));
}

static bool command(struct erase *erase, const char *sql, struct error *err)
{
    PGresult *res = PQexec(erase->conn, sql);
    bool ok = PQresultStatus(res) == PGRES_COMMAND_OK || fail_pg(erase, res, "erase", err);
    PQclear(res);
    return ok;
}

/* The rows; NULL with *err when it was refused. Takes params. */
static PGresult *ask(struct erase *erase, const char *sql, struct params *params, struct error *err)
{
    const char *values[PARAMS_MAX];
    int formats[PARAMS_MAX];
    for (unsigned i = 0; i < params->count; i++) {
        values[i] = params->length[i] < 0 ? NULL : params->bytes.at + params->offset[i];
        formats[i] = 1;
    }
    PGresult *res = PQexecParams(erase->conn, sql, (int)params->count, NULL, values, params->length,
                                 formats, 1);
    params_release(params);
    if (PQresultStatus(res) == PGRES_TUPLES_OK)
        return res;
    (void)fail_pg(erase, res, "erase", err);
    PQclear(res);
    return NULL;
}

struct erase *erase_open(const char *conninfo, struct error *err)
{
    struct erase *erase = calloc(1, sizeof(*erase));
    CHECK(erase != NULL);
    erase->conn = PQconnectdb(conninfo);
    bool ok = PQstatus(erase->conn) == CONNECTION_OK ||
              fail_pg(erase, NULL, "connect to the database", err);
    ok = ok && command(erase, "SET lock_timeout = '5s'", err) &&
         command(erase, "SET client_encoding = 'UTF8'", err) &&
         command(erase, "SET search_path = public", err);
    if (!ok)
        erase_close(&erase);
    return erase;
}

void erase_close(struct erase **erase)
{
    if (*erase == NULL)
        return;
    PQfinish((*erase)->conn);
    free(*erase);
    *erase = NULL;
}

/* ---- finding --------------------------------------------------------------------------------- */

bool erase_find_twin(struct erase *erase, const struct uuid *merchant_id, struct uuid *twin_id,
                     struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, merchant_id);
    PGresult *res = ask(erase, twin_sql, &params, err);
    bool ok = res != NULL && (PQntuples(res) == 1 ||
                              fail(err, ERROR_NOT_FOUND, "erase: there is no such merchant"));
    if (ok)
        *twin_id = column_uuid(res, 0, 0);
    PQclear(res);
    return ok;
}

static bool find(struct erase *erase, const char *sql, struct params *params, bool is_order,
                 struct arena *arena, struct erase_subject **subjects, size_t *count,
                 struct error *err)
{
    PGresult *res = ask(erase, sql, params, err);
    if (res == NULL)
        return false;
    *count = (size_t)PQntuples(res);
    *subjects = ARENA_ARRAY(arena, struct erase_subject, *count + 1);
    for (int i = 0; i < PQntuples(res); i++)
        (*subjects)[i] = (struct erase_subject){
            .row_id = column_uuid(res, i, 0),
            .is_payout = column_bool(res, i, 1),
            .id = column_uuid(res, i, 2),
            .customer = column_copy(res, i, 3, arena),
            .sealed = column_copy(res, i, 4, arena),
            .is_order = is_order,
        };
    PQclear(res);
    return true;
}

bool erase_page(struct erase *erase, const struct uuid *merchant_id, bool is_order,
                const struct uuid *after, struct arena *arena, struct erase_subject **subjects,
                size_t *count, struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, merchant_id);
    params_uuid(&params, after);
    params_int8(&params, ERASE_PAGE_MAX);
    return find(erase, is_order ? orders_sql : payments_sql, &params, is_order, arena, subjects,
                count, err);
}

bool erase_find_reference(struct erase *erase, const struct uuid *merchant_id, struct str reference,
                          struct arena *arena, struct erase_subject **subjects, size_t *count,
                          struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, merchant_id);
    params_text(&params, reference);
    params_int8(&params, ERASE_PAGE_MAX);
    return find(erase, reference_sql, &params, false, arena, subjects, count, err);
}

/* ---- one payment ------------------------------------------------------------------------------ */

struct erasing {
    struct erase *erase;
    const struct erase_asked *asked;
    const struct uuid *id;
    struct arena *arena;
};

static void put_subject(const struct erasing *e, struct params *params)
{
    params_init(params);
    params_uuid(params, &e->asked->merchant_id);
    params_uuid(params, e->id);
}

static bool redact(const struct erasing *e, const PGresult *res, bool is_payment,
                   struct params *params, struct error *err)
{
    size_t count = (size_t)PQntuples(res);
    struct str *left = ARENA_ARRAY(e->arena, struct str, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct str stored = column_copy(res, (int)i, 1, e->arena);
        if (!e->asked->redact(stored, e->asked->erased_us, e->arena, &left[i], err))
            return false;
    }
    params_array_begin(params, is_payment ? VALUE_UUID : VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++) {
        struct uuid id = is_payment ? column_uuid(res, (int)i, 0) : (struct uuid){{0}};
        if (is_payment)
            params_put_uuid(params, &id);
        else
            params_put_bytes(params, column_text(res, (int)i, 0));
    }
    params_array_end(params);
    params_array_begin(params, VALUE_BYTEA, count);
    for (size_t i = 0; i < count; i++)
        params_put_bytes(params, left[i]);
    params_array_end(params);
    return true;
}

/* Of payments by their ids; of payouts that waited by what their answers call them. */
static bool put_answers(const struct erasing *e, bool is_payment, struct params *params,
                        struct error *err)
{
    struct params which;
    char shown[ID_TEXT_SIZE];
    params_init(&which);
    params_uuid(&which, &e->asked->merchant_id);
    if (is_payment)
        params_uuid(&which, e->id);
    else
        params_text(&which, arena_printf(e->arena, "/v1/payouts/%s",
                                         id_format(ID_PAYOUT, e->id, shown).at));
    PGresult *res = ask(e->erase, is_payment ? payment_answers_sql : answers_sql, &which, err);
    bool ok = res != NULL && redact(e, res, is_payment, params, err);
    PQclear(res);
    return ok;
}

static void put_record(const struct erasing *e, struct params *params)
{
    const struct erase_asked *asked = e->asked;
    put_subject(e, params);
    params_uuid(params, &asked->erasure_id);
    params_time(params, asked->erased_us);
    params_text(params, str_of(asked->named));
    params_text(params, str_of(asked->author));
    params_text(params, str_of(asked->reason));
    if (asked->customer_hash != NULL)
        params_bytea(params, (struct str){(const char *)asked->customer_hash, 32});
    else
        params_null(params);
}

static bool write_all(const struct erasing *e, enum erase_result *result, struct str *told,
                      struct error *err)
{
    struct params params;
    put_record(e, &params);
    if (!put_answers(e, true, &params, err) || !put_answers(e, false, &params, err)) {
        params_release(&params);
        return false;
    }
    PGresult *res = ask(e->erase, erase_sql, &params, err);
    if (res == NULL)
        return false;
    *result = column_is_null(res, 0, 0) ? ERASE_NOTHING : ERASE_DONE;
    *told = column_copy(res, 0, 0, e->arena);
    PQclear(res);
    return true;
}

static bool run(const struct erasing *e, enum erase_result *result, struct str *told,
                struct error *err)
{
    struct params params;
    put_subject(e, &params);
    PGresult *res = ask(e->erase, lock_sql, &params, err);
    if (res == NULL)
        return false;
    bool is_there = column_bool(res, 0, 0);
    bool is_open = !column_is_null(res, 0, 1);
    *result = is_there ? ERASE_REFUSED : ERASE_ABSENT;
    *told = column_copy(res, 0, 1, e->arena);
    PQclear(res);
    return !is_there || is_open || write_all(e, result, told, err);
}

bool erase_run(struct erase *erase, const struct erase_asked *asked, const struct uuid *id,
               struct arena *arena, enum erase_result *result, struct str *told, struct error *err)
{
    const struct erasing e = {.erase = erase, .asked = asked, .id = id, .arena = arena};
    struct error ignored;
    bool ok = false;
    erase->is_raced = true;
    for (int round = 0; !ok && erase->is_raced && round < AGAIN_MAX; round++) {
        erase->is_raced = false;
        if (!command(erase, "BEGIN", err))
            return false;
        ok = run(&e, result, told, err);
        if (!ok || asked->is_dry || *result != ERASE_DONE)
            ok = command(erase, "ROLLBACK", ok ? err : &ignored) && ok;
        else
            ok = command(erase, "COMMIT", err);
    }
    return ok;
}

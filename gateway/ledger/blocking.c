#include "ledger/blocking.h"

#include <string.h>

PGconn *blocking_open(const char *conninfo, const char *name, struct error *err)
{
    const char *keys[] = {"dbname", "fallback_application_name", NULL};
    const char *values[] = {conninfo, name, NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 1);
    if (PQstatus(conn) == CONNECTION_OK)
        return conn;
    const char *text = PQerrorMessage(conn);
    (void)fail(err, ERROR_IO, "cannot connect to the database: %.*s", (int)strcspn(text, "\n"),
               text);
    PQfinish(conn);
    return NULL;
}

bool blocking_refused(PGconn *conn, struct error *err)
{
    const char *text = PQerrorMessage(conn);
    return fail(err, ERROR_IO, "the database refused: %.*s", (int)strcspn(text, "\n"), text);
}

bool blocking_send(PGconn *conn, const char *sql, struct params *params)
{
    const char *values[PARAMS_MAX];
    int formats[PARAMS_MAX];
    for (unsigned i = 0; i < params->count; i++) {
        values[i] = params->length[i] < 0 ? NULL : params->bytes.at + params->offset[i];
        formats[i] = 1;
    }
    bool ok = PQsendQueryParams(conn, sql, (int)params->count, NULL, values, params->length,
                                formats, 1) == 1;
    params_release(params);
    return ok;
}

PGresult *blocking_run(PGconn *conn, const char *sql, struct params *params, struct error *err)
{
    PGresult *res = blocking_send(conn, sql, params) ? PQgetResult(conn) : NULL;
    PGresult *more;
    while (res != NULL && (more = PQgetResult(conn)) != NULL)
        PQclear(more);
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return res;
    (void)blocking_refused(conn, err);
    PQclear(res);
    return NULL;
}

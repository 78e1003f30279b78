#include "ledger/copy.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIGNATURE_BYTES = 19, /* "PGCOPY\n\377\r\n\0", flags, no extension */
    SQL_BYTES_MAX = 4096,
};

/* From 1970 to PostgreSQL's epoch, 2000-01-01. */
#define EPOCH_US INT64_C(946684800000000)

struct copy {
    PGconn *conn; /* owned */
    char *chunk;  /* of PQgetCopyData; owned by libpq */
    size_t column_count;
    bool is_begun; /* the signature is behind us */
};

static bool fail_pg(struct copy *copy, struct error *err, const char *what)
{
    const char *text = PQerrorMessage(copy->conn);
    return fail(err, ERROR_IO, "cannot %s: %.*s", what, (int)strcspn(text, "\n"), text);
}

static bool run(struct copy *copy, const char *sql, ExecStatusType wanted, struct error *err)
{
    PGresult *res = PQexec(copy->conn, sql);
    bool ok = PQresultStatus(res) == wanted;
    if (!ok)
        (void)fail_pg(copy, err, "read the history");
    PQclear(res);
    return ok;
}

struct copy *copy_open(const char *conninfo, struct error *err)
{
    struct copy *copy = calloc(1, sizeof(*copy));
    CHECK(copy != NULL);
    copy->conn = PQconnectdb(conninfo);
    bool ok =
        PQstatus(copy->conn) == CONNECTION_OK || fail_pg(copy, err, "connect to the database");
    ok = ok && run(copy, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", PGRES_COMMAND_OK, err);
    /* A scan of everything: on as many cores as there are. */
    ok = ok && run(copy, "SET LOCAL statement_timeout = 0; SET LOCAL parallel_tuple_cost = 0",
                   PGRES_COMMAND_OK, err);
    if (!ok)
        copy_close(&copy);
    return copy;
}

bool copy_set(struct copy *copy, const char *sql, struct error *err)
{
    return run(copy, sql, PGRES_COMMAND_OK, err);
}

bool copy_quote(struct copy *copy, struct str text, struct buf *out, struct error *err)
{
    char *literal = PQescapeLiteral(copy->conn, text.len > 0 ? text.at : "", text.len);
    if (literal == NULL)
        return fail_pg(copy, err, "quote a text");
    buf_add_str(out, str_of(literal));
    PQfreemem(literal);
    return true;
}

void copy_close(struct copy **copy)
{
    if (*copy == NULL)
        return;
    PQfreemem((*copy)->chunk);
    PQfinish((*copy)->conn);
    free(*copy);
    *copy = NULL;
}

bool copy_start(struct copy *copy, const char *select, size_t column_count, struct error *err)
{
    char sql[SQL_BYTES_MAX];
    int len = snprintf(sql, sizeof(sql), "COPY (%s) TO STDOUT (FORMAT binary)", select);
    CHECK(len > 0 && (size_t)len < sizeof(sql));
    CHECK(column_count <= COPY_COLUMN_MAX);
    copy->column_count = column_count;
    copy->is_begun = false;
    return run(copy, sql, PGRES_COPY_OUT, err);
}

static uint64_t big_endian(const char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | (uint8_t)at[i];
    return value;
}

/* One field of the row; its bytes, or none for NULL. */
static bool take_field(struct str *rest, struct str *field)
{
    if (rest->len < 4)
        return false;
    int32_t len = (int32_t)big_endian(rest->at, 4);
    *rest = str_sub(*rest, 4, rest->len);
    *field = STR_NONE;
    if (len < 0)
        return true;
    if (rest->len < (size_t)len)
        return false;
    *field = str_sub(*rest, 0, (size_t)len);
    *rest = str_sub(*rest, (size_t)len, rest->len);
    return true;
}

static bool read_row(const struct copy *copy, struct str rest, struct str *field)
{
    if (rest.len < 2 || big_endian(rest.at, 2) != copy->column_count)
        return false;
    rest = str_sub(rest, 2, rest.len);
    for (size_t i = 0; i < copy->column_count; i++) {
        if (!take_field(&rest, &field[i]))
            return false;
    }
    return rest.len == 0;
}

/* After the last row the connection says how it ended, and then that nothing more comes. */
static void end(struct copy *copy, int got, struct error *err)
{
    PGresult *res = got == -1 ? PQgetResult(copy->conn) : NULL;
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        (void)fail_pg(copy, err, "read the history");
    while (res != NULL) {
        PQclear(res);
        res = PQgetResult(copy->conn);
    }
}

/* Each chunk is a row; the first may have the signature before it, the last is the end mark. */
bool copy_next(struct copy *copy, struct str *field, struct error *err)
{
    err->text[0] = '\0';
    for (;;) {
        PQfreemem(copy->chunk);
        copy->chunk = NULL;
        int got = PQgetCopyData(copy->conn, &copy->chunk, 0);
        if (got < 0) {
            end(copy, got, err);
            return false;
        }
        struct str chunk = {copy->chunk, (size_t)got};
        if (!copy->is_begun)
            chunk = str_sub(chunk, SIGNATURE_BYTES, chunk.len);
        copy->is_begun = true;
        bool is_end = chunk.len == 2 && big_endian(chunk.at, 2) == 0xFFFF;
        if (chunk.len == 0 || is_end)
            continue;
        return read_row(copy, chunk, field) ||
               fail(err, ERROR_IO, "cannot read the history: a row is unlike what was asked for");
    }
}

bool copy_int(struct str field, int64_t *value)
{
    if (field.len == 4)
        *value = (int32_t)big_endian(field.at, 4);
    else if (field.len == 8)
        *value = (int64_t)big_endian(field.at, 8);
    return field.len == 4 || field.len == 8;
}

bool copy_time(struct str field, int64_t *us)
{
    if (field.len != 8)
        return false;
    *us = (int64_t)big_endian(field.at, 8) + EPOCH_US;
    return true;
}

bool copy_uuid(struct str field, struct uuid *id)
{
    if (field.len != sizeof(id->byte))
        return false;
    memcpy(id->byte, field.at, sizeof(id->byte));
    return true;
}

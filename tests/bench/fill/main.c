/*
 * bench-fill PLAN.json K N      write the chunks K, K + N, K + 2N ... that are not there yet;
 *                               N of them may run side by side
 */
#include "tests/bench/fill/fill.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void run(PGconn *database, const char *sql)
{
    PGresult *result = PQexec(database, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        give_up("%s: %s", sql, PQerrorMessage(database));
    PQclear(result);
}

/* One byte a chunk: written already? */
static char *load_done(PGconn *database, int64_t chunk_count)
{
    char *done = calloc((size_t)chunk_count, 1);
    PGresult *result = PQexec(database, "SELECT chunk FROM bench_fill");
    if (done == NULL || PQresultStatus(result) != PGRES_TUPLES_OK)
        give_up("cannot read what is done: %s", PQerrorMessage(database));
    for (int i = 0; i < PQntuples(result); i++) {
        int64_t chunk = strtoll(PQgetvalue(result, i, 0), NULL, 10);
        if (chunk >= 0 && chunk < chunk_count)
            done[chunk] = 1;
    }
    PQclear(result);
    return done;
}

static void copy(PGconn *database, const struct table *table, const struct text *text)
{
    PGresult *result = PQexec(database, table->copy);
    if (PQresultStatus(result) != PGRES_COPY_IN)
        give_up("%s: %s", table->copy, PQerrorMessage(database));
    PQclear(result);
    if (PQputCopyData(database, text->at, (int)text->len) != 1 || PQputCopyEnd(database, NULL) != 1)
        give_up("copy to %s: %s", table->name, PQerrorMessage(database));
    result = PQgetResult(database);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        give_up("copy to %s: %s", table->name, PQerrorMessage(database));
    PQclear(result);
    while ((result = PQgetResult(database)) != NULL)
        PQclear(result);
}

static void write_chunk(const struct plan *plan, PGconn *database, int64_t chunk,
                        struct text tables[TABLE_MAX])
{
    char sql[128];
    int64_t from = chunk * plan->chunk_size;
    int64_t until = from + plan->chunk_size;
    if (until > plan->payment_count)
        until = plan->payment_count;
    for (size_t i = 0; i < plan->table_count; i++)
        tables[i].len = 0;
    for (int64_t i = from; i < until; i++)
        payment_write(plan, i, tables);
    run(database, "BEGIN");
    (void)snprintf(sql, sizeof(sql), "INSERT INTO bench_fill VALUES (%lld)", (long long)chunk);
    run(database, sql);
    for (size_t i = 0; i < plan->table_count; i++) {
        if (tables[i].len > 0)
            copy(database, &plan->table[i], &tables[i]);
    }
    run(database, "COMMIT");
}

int main(int argc, char **argv)
{
    struct plan plan;
    struct text tables[TABLE_MAX] = {{0}};
    if (argc != 4)
        give_up("usage: bench-fill PLAN.json K N");
    plan_load(&plan, argv[1]);
    int64_t first = strtoll(argv[2], NULL, 10);
    int64_t step = strtoll(argv[3], NULL, 10);
    if (first < 0 || step < 1)
        give_up("K must be at least 0 and N at least 1");
    PGconn *database = PQconnectdb(plan.database);
    if (PQstatus(database) != CONNECTION_OK)
        give_up("cannot connect: %s", PQerrorMessage(database));
    run(database, "SET synchronous_commit = off");
    int64_t chunk_count = (plan.payment_count + plan.chunk_size - 1) / plan.chunk_size;
    char *done = load_done(database, chunk_count);
    for (int64_t chunk = first; chunk < chunk_count; chunk += step) {
        if (done[chunk])
            continue;
        write_chunk(&plan, database, chunk, tables);
        (void)printf("%lld\n", (long long)chunk);
        (void)fflush(stdout);
    }
    free(done);
    for (size_t i = 0; i < TABLE_MAX; i++)
        free(tables[i].at);
    PQfinish(database);
    plan_release(&plan);
    return 0;
}

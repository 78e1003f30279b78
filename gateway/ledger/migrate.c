#include "ledger/migrate.h"

#include <dirent.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ledger/count.h"

enum {
    NAME_SIZE = 256,
    PATH_SIZE = 4096,
};

/* Any number, as long as it is always the same: "turnpike" in ASCII. */
#define LOCK_KEY "8391171938456364901"

struct migration {
    char name[NAME_SIZE];
    char version[MIGRATE_VERSION_SIZE];
    bool is_applied;
};

struct migrator {
    const char *folder;
    migrate_say_fn say;
    void *ctx;
    PGconn *conn;                 /* owned */
    struct migration *migrations; /* owned; in the order of versions */
    size_t count;
};

/* ---- the folder ------------------------------------------------------------------------------ */

/* "20261121000001_roles.sql"; anything else in the folder is not ours. */
static bool parse_name(const char *name, struct migration *migration)
{
    struct str rest = str_of(name);
    if (rest.len >= NAME_SIZE || !str_ends(rest, STR(".sql")))
        return false;
    struct str version = str_cut(&rest, '_');
    int64_t number;
    if (!str_to_int64(version, &number) || number <= 0)
        return false;
    return str_copy_to(version, migration->version, sizeof(migration->version)) &&
           str_copy_to(str_of(name), migration->name, sizeof(migration->name));
}

static int compare_migrations(const void *a, const void *b)
{
    return strcmp(((const struct migration *)a)->version, ((const struct migration *)b)->version);
}

static bool read_folder(struct migrator *m, struct error *err)
{
    DIR *dir = opendir(m->folder);
    if (dir == NULL)
        return fail(err, ERROR_IO, "cannot read the migrations in %s", m->folder);
    m->migrations = calloc(MIGRATE_FILE_MAX, sizeof(*m->migrations));
    CHECK(m->migrations != NULL);
    const struct dirent *entry;
    bool is_ok = true;
    while (is_ok && (entry = readdir(dir)) != NULL) {
        struct migration migration = {.is_applied = false};
        if (!parse_name(entry->d_name, &migration))
            continue;
        if (m->count == MIGRATE_FILE_MAX)
            is_ok = fail(err, ERROR_INVALID, "more than %d migrations in %s", MIGRATE_FILE_MAX,
                         m->folder);
        else
            m->migrations[m->count++] = migration;
    }
    closedir(dir);
    if (!is_ok)
        return false;
    if (m->count == 0)
        return fail(err, ERROR_NOT_FOUND, "no migrations in %s", m->folder);
    qsort(m->migrations, m->count, sizeof(*m->migrations), compare_migrations);
    for (size_t i = 1; i < m->count; i++) {
        if (strcmp(m->migrations[i - 1].version, m->migrations[i].version) == 0)
            return fail(err, ERROR_INVALID, "%s and %s have the same version",
                        m->migrations[i - 1].name, m->migrations[i].name);
    }
    return true;
}

static bool read_file(const struct migrator *m, const char *name, struct buf *text,
                      struct error *err)
{
    char path[PATH_SIZE];
    if (snprintf(path, sizeof(path), "%s/%s", m->folder, name) >= (int)sizeof(path))
        return fail(err, ERROR_INVALID, "the path of %s is too long", name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return fail(err, ERROR_IO, "cannot read %s", path);
    char chunk[8192];
    size_t got;
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_add(text, chunk, got);
    bool is_read = ferror(file) == 0;
    (void)fclose(file);
    if (!is_read || !buf_is_ok(text))
        return fail(err, ERROR_IO, "cannot read %s whole", path);
    return true;
}

/* What stands between the up line and the down line. */
static bool find_up(struct str text, struct str *up, bool *in_transaction)
{
    size_t at = str_find(text, STR("-- migrate:up"), 0);
    if (at == SIZE_MAX)
        return false;
    struct str rest = str_sub(text, at, SIZE_MAX);
    struct str line = str_cut(&rest, '\n');
    *in_transaction = str_find(line, STR("transaction:false"), 0) == SIZE_MAX;
    size_t down = str_find(rest, STR("-- migrate:down"), 0);
    *up = down == SIZE_MAX ? rest : str_sub(rest, 0, down);
    return true;
}

/* ---- the database ---------------------------------------------------------------------------- */

static bool fail_result(struct migrator *m, PGresult *res, const char *doing, struct error *err)
{
    const char *message = res == NULL ? NULL : PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *line = res == NULL ? NULL : PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION);
    struct str text = str_of(message != NULL ? message : PQerrorMessage(m->conn));
    text = str_cut(&text, '\n');
    (void)fail(err, ERROR_UNAVAILABLE, "%s: " STR_FMT "%s%s", doing, STR_ARG(text),
               line != NULL ? " at character " : "", line != NULL ? line : "");
    PQclear(res);
    return false;
}

static bool run(struct migrator *m, const char *sql, const char *doing, struct error *err)
{
    PGresult *res = PQexec(m->conn, sql);
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        return fail_result(m, res, doing, err);
    PQclear(res);
    return true;
}

static void ignore_notice(void *ctx UNUSED, const PGresult *res UNUSED)
{
}

static bool connect_to(struct migrator *m, const char *conninfo, struct error *err)
{
    m->conn = PQconnectdb(conninfo);
    CHECK(m->conn != NULL);
    if (PQstatus(m->conn) != CONNECTION_OK)
        return fail_result(m, NULL, "cannot connect to the database", err);
    PQsetNoticeReceiver(m->conn, ignore_notice, NULL);
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "SET lock_timeout = %d; SET client_encoding = 'UTF8'",
                   MIGRATE_LOCK_MS);
    return run(m, sql, "cannot prepare the session", err);
}

/* A table that is not there yet has no rows. */
static bool read_applied(struct migrator *m, struct error *err)
{
    PGresult *res = PQexec(m->conn, "SELECT to_regclass('schema_migrations') IS NOT NULL");
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        return fail_result(m, res, "cannot look for schema_migrations", err);
    bool is_there = PQgetvalue(res, 0, 0)[0] == 't';
    PQclear(res);
    if (!is_there)
        return true;
    res = PQexec(m->conn, "SELECT version FROM schema_migrations");
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        return fail_result(m, res, "cannot read schema_migrations", err);
    for (int row = 0; row < PQntuples(res); row++) {
        for (size_t i = 0; i < m->count; i++) {
            if (strcmp(m->migrations[i].version, PQgetvalue(res, row, 0)) == 0)
                m->migrations[i].is_applied = true;
        }
    }
    PQclear(res);
    return true;
}

static bool apply_sql(struct migrator *m, const struct migration *migration, const char *up,
                      bool in_transaction, struct error *err)
{
    char row[128];
    (void)snprintf(row, sizeof(row), "INSERT INTO schema_migrations (version) VALUES ('%s')",
                   migration->version);
    if (in_transaction && !run(m, "BEGIN", "cannot begin", err))
        return false;
    if (run(m, up, migration->name, err) && run(m, row, migration->name, err) &&
        (!in_transaction || run(m, "COMMIT", migration->name, err)))
        return true;
    if (in_transaction)
        PQclear(PQexec(m->conn, "ROLLBACK"));
    return false;
}

static bool apply(struct migrator *m, struct migration *migration, struct error *err)
{
    struct buf text;
    buf_init(&text, MIGRATE_FILE_BYTES_MAX);
    struct str up = STR_NONE;
    bool in_transaction = true;
    bool is_ok = read_file(m, migration->name, &text, err);
    if (is_ok && !find_up(buf_str(&text), &up, &in_transaction))
        is_ok = fail(err, ERROR_INVALID, "%s has no line \"-- migrate:up\"", migration->name);
    if (is_ok) {
        char *sql = calloc(1, up.len + 1);
        CHECK(sql != NULL);
        if (up.len > 0)
            memcpy(sql, up.at, up.len);
        is_ok = apply_sql(m, migration, sql, in_transaction, err);
        free(sql);
    }
    buf_release(&text);
    return is_ok;
}

static void say(const struct migrator *m, const char *word, const struct migration *migration)
{
    char line[NAME_SIZE + 32];
    (void)snprintf(line, sizeof(line), "%s %s", word, migration->name);
    m->say(m->ctx, line);
}

static void migrator_release(struct migrator *m)
{
    if (m->conn != NULL)
        PQfinish(m->conn);
    free(m->migrations);
}

/* ---- the public functions -------------------------------------------------------------------- */

static bool lock_and_apply(struct migrator *m, struct error *err)
{
    if (!run(m, "SELECT pg_advisory_lock(" LOCK_KEY ")",
             "another migration seems to be running; try again", err) ||
        !run(m, "CREATE TABLE IF NOT EXISTS schema_migrations (version varchar(128) PRIMARY KEY)",
             "cannot make schema_migrations", err) ||
        !read_applied(m, err))
        return false;
    for (size_t i = 0; i < m->count; i++) {
        if (m->migrations[i].is_applied)
            continue;
        if (!apply(m, &m->migrations[i], err))
            return false;
        say(m, "applied", &m->migrations[i]);
    }
    return true;
}

bool migrate_up(const char *conninfo, const char *folder, migrate_say_fn say_fn, void *ctx,
                struct error *err)
{
    struct migrator m = {.folder = folder, .say = say_fn, .ctx = ctx};
    bool is_done = read_folder(&m, err) && connect_to(&m, conninfo, err) && lock_and_apply(&m, err);
    migrator_release(&m);
    return is_done;
}

bool migrate_status(const char *conninfo, const char *folder, migrate_say_fn say_fn, void *ctx,
                    unsigned *pending, struct error *err)
{
    struct migrator m = {.folder = folder, .say = say_fn, .ctx = ctx};
    bool is_done = read_folder(&m, err) && connect_to(&m, conninfo, err) && read_applied(&m, err);
    *pending = 0;
    for (size_t i = 0; is_done && i < m.count; i++) {
        say(&m, m.migrations[i].is_applied ? "applied" : "pending", &m.migrations[i]);
        *pending += m.migrations[i].is_applied ? 0 : 1;
    }
    migrator_release(&m);
    return is_done;
}

bool migrate_newest(const char *folder, char version[MIGRATE_VERSION_SIZE], struct error *err)
{
    struct migrator m = {.folder = folder};
    bool is_done = read_folder(&m, err);
    if (is_done && m.migrations != NULL)
        memcpy(version, m.migrations[m.count - 1].version, MIGRATE_VERSION_SIZE);
    migrator_release(&m);
    return is_done;
}

struct check {
    store_count_fn done;
    void *ctx;
};

static void check_done(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct check check = *(struct check *)ctx;
    free(ctx);
    if (found == STORE_FOUND && count == 0)
        found = STORE_ABSENT;
    check.done(check.ctx, found, count, why);
}

void migrate_check_start(struct store *store, const char *version, store_count_fn done, void *ctx)
{
    struct check *check = malloc(sizeof(*check));
    CHECK(check != NULL);
    *check = (struct check){done, ctx};
    struct call *call = count_new(store, SQL_SCHEMA, check_done, check);
    params_text(&call->params, str_of(version));
    call_submit(call);
}

/*
 * migrate.h - the schema, brought up to date file by file. Blocking: for the command line, never
 * for a worker.
 *
 * The folder has dbmate's layout, and dbmate may be used instead:
 *
 *     migrations/20261121000001_roles.sql     "-- migrate:up" ... "-- migrate:down" ...
 *     schema_migrations(version)              one row per applied file: its leading digits
 *
 * A file and its row are committed in one transaction (unless its up line says transaction:false;
 * such a file must bear being repeated), so a run that was cut off anywhere is simply run again.
 * One run at a time: an advisory lock; nobody waits longer than MIGRATE_LOCK_MS for that or any
 * other lock. Only forward: a mistake is corrected by another migration.
 */
#ifndef LEDGER_MIGRATE_H
#define LEDGER_MIGRATE_H

#include "base/error.h"
#include "ledger/store.h"

enum {
    MIGRATE_LOCK_MS = 5000,
    MIGRATE_FILE_MAX = 1000,
    MIGRATE_FILE_BYTES_MAX = 4 << 20,
    MIGRATE_VERSION_SIZE = 32,
};

/* One line for a person: "applied 20261121000001_roles.sql". */
typedef void (*migrate_say_fn)(void *ctx, const char *line);

/* Apply what is missing, in the order of versions. Repeating it changes nothing. */
bool migrate_up(const char *conninfo, const char *folder, migrate_say_fn say, void *ctx,
                struct error *err) MUST_USE;
/* Say for each file whether it is applied; *pending: how many are not. Changes nothing. */
bool migrate_status(const char *conninfo, const char *folder, migrate_say_fn say, void *ctx,
                    unsigned *pending, struct error *err) MUST_USE;
/* The version of the last file: what /readyz expects. Reads the folder only. */
bool migrate_newest(const char *folder, char version[MIGRATE_VERSION_SIZE],
                    struct error *err) MUST_USE;
/* Is this version applied? FOUND or ABSENT, with a worker's store: for /readyz. */
void migrate_check_start(struct store *store, const char *version, store_count_fn done, void *ctx);

#endif

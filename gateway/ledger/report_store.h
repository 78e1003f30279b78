/*
 * report_store.h - which reports were made, of which periods: rows of report_runs. Blocking, on a
 * connection of its own: for the reporter, never for a worker.
 *
 *     (none) --begin--> making --made--> made
 *                        |  ^
 *                        v  | begin, after next_at
 *                       failed
 *
 * An export that was asked for is a run of the period `once`, which begins as `waiting`, and ends as `expired`.
 *
 * A report is begun by who holds its lock, over all hosts: a lock of the session, so that it is free
 * again as soon as who had it is dead. `making` that somebody finds who has the lock was left by the
 * dead, and is begun again. Who lost the lock without knowing it has another epoch, and changes nothing.
 */
#ifndef LEDGER_REPORT_STORE_H
#define LEDGER_REPORT_STORE_H

#include "base/error.h"
#include "base/id.h"
#include "ledger/export_what.h"

enum {
    REPORT_DONE_MAX = 512,  /* periods in one answer */
    REPORT_EXPORT_MAX = 16, /* exports in one answer */
    REPORT_ACCOUNT_SIZE = 241,
};

struct report_store;

struct report_key { /* borrowed */
    struct uuid merchant_id;
    struct str name;
    struct str period; /* hour, day, week, month; once: an export */
};

struct report_run { /* borrowed */
    int64_t from_us;
    int64_t to_us;
    struct str what;
    struct str file;
    struct str host;
    int64_t epoch; /* of report_store_begin */
    int32_t tries;
};

struct report_export { /* that was asked for (exports.h) */
    struct uuid merchant_id;
    struct uuid export_id;
    int64_t from_us;
    int64_t to_us;
    char what[EXPORT_WHAT_SIZE];
    char account[REPORT_ACCOUNT_SIZE]; /* empty: all */
};

struct report_made {
    struct uuid event_id; /* it is announced as */
    int64_t rows;
    int64_t bytes;
    uint8_t sha256[32];
    bool is_announced;
};

/* NULL with *err: the database cannot be reached. */
struct report_store *report_store_open(const char *conninfo, struct error *err) MUST_USE;
void report_store_close(struct report_store **store);

/* *is_ours false: another has it. Ours is given back by report_store_unlock, and by a lost connection. */
bool report_store_lock(struct report_store *store, const struct report_key *key, bool *is_ours,
                       struct error *err) MUST_USE;
bool report_store_unlock(struct report_store *store, const struct report_key *key,
                         struct error *err) MUST_USE;
/* The begin of the oldest period that was ever begun; 0: none was. */
bool report_store_first(struct report_store *store, const struct report_key *key, int64_t *first_us,
                        struct error *err) MUST_USE;
/*
 * Of periods from from_us on: those that nothing is to be done for, by their begin, oldest first; that is
 * made ones, and failed ones before their time. *next_us: when the first of these is due, INT64_MAX: none.
 */
bool report_store_done(struct report_store *store, const struct report_key *key, int64_t from_us,
                       int64_t now_us, int64_t done_us[REPORT_DONE_MAX], size_t *count,
                       int64_t *next_us, struct error *err) MUST_USE;
/* Ours, with run->epoch and tries; *is_begun false: nothing is to be done. */
bool report_store_begin(struct report_store *store, const struct report_key *key,
                        struct report_run *run, int64_t now_us, bool *is_begun,
                        struct error *err) MUST_USE;
/* ... and told to the merchant's webhook endpoints, in one transaction. *is_ours false: another epoch has it. */
bool report_store_made(struct report_store *store, const struct report_key *key,
                       const struct report_run *run, const struct report_made *made, int64_t now_us,
                       bool *is_ours, struct error *err) MUST_USE;
bool report_store_failed(struct report_store *store, const struct report_key *key,
                         const struct report_run *run, struct str why, int64_t next_us,
                         bool is_final, struct error *err) MUST_USE;
/* How far it has come; nothing if another epoch has it. */
bool report_store_progress(struct report_store *store, const struct report_key *key,
                           const struct report_run *run, int64_t rows, int64_t bytes,
                           int64_t reached_us, struct error *err) MUST_USE;

/* Exports that are to be made, or were left by the dead: those that another makes have a lock. */
bool report_store_exports(struct report_store *store, int64_t now_us,
                          struct report_export exports[REPORT_EXPORT_MAX], size_t *count,
                          struct error *err) MUST_USE;
/* Exports whose file was kept long enough: made before ours_us by this host, before any_us by any. */
bool report_store_kept(struct report_store *store, struct str host, int64_t ours_us, int64_t any_us,
                       struct report_export exports[REPORT_EXPORT_MAX], size_t *count,
                       struct error *err) MUST_USE;
/* Its file is gone. */
bool report_store_expired(struct report_store *store, const struct report_export *export,
                          struct error *err) MUST_USE;

#endif

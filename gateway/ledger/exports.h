/*
 * exports.h - exports that were asked for, as workers take them in and show them. Who makes them: report_store.h.
 *
 *              begun                  made                 kept long enough
 *     WAITING --------> MAKING ---------------------> MADE ----------------> EXPIRED
 *       ^                  |
 *       +--- once more ----+-----> FAILED, after EXPORTS_TRIES_MAX
 *
 * A merchant has so many places for those that are not over; the table itself keeps any more from being taken.
 */
#ifndef LEDGER_EXPORTS_H
#define LEDGER_EXPORTS_H

#include "ledger/export_what.h"
#include "ledger/store.h"

enum {
    EXPORTS_TRIES_MAX = 3,
    EXPORTS_OPEN_MAX = 100, /* of one merchant, as the table has it */
    EXPORTS_FILE_SIZE = 64,
};

struct exports_row { /* strings are the caller's, or in the arena of the read */
    struct uuid export_id;
    struct uuid asked_by; /* a key */
    int64_t asked_us;
    int64_t from_us;
    int64_t to_us;      /* not with it */
    int64_t begun_us;   /* the last time; 0: not yet */
    int64_t made_us;    /* 0: not yet */
    int64_t reached_us; /* how far in its span it has come; 0: not known */
    int64_t rows;       /* so far */
    int64_t bytes;
    uint8_t sha256[32]; /* MADE */
    struct str what;
    struct str account; /* empty: all */
    struct str state;   /* waiting, making, made, failed, expired */
    struct str error;   /* of the last try; empty: none failed */
};

/* "exp_01J....csv" */
struct str exports_file_name(const struct uuid *export_id, struct str what,
                             char out[EXPORTS_FILE_SIZE]);
/* Its place among open_max. ABSENT: all are taken, or another took the same one: ask again. */
void exports_put(struct store *store, const struct uuid *merchant_id, const struct exports_row *row,
                 unsigned open_max, store_count_fn done, void *ctx);

typedef void (*exports_fn)(void *ctx, enum store_find found, const struct exports_row *rows,
                           size_t count, const struct error *why);
/* ABSENT: there is none. */
void exports_load(struct store *store, const struct uuid *merchant_id, const struct uuid *export_id,
                  struct arena *arena, exports_fn done, void *ctx);
/* Newest first, behind `before` (uuid of 0xff: from the newest on). */
void exports_list(struct store *store, const struct uuid *merchant_id, const struct uuid *before,
                  unsigned limit, struct arena *arena, exports_fn done, void *ctx);

#endif

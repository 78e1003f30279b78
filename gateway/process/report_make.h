/*
 * report_make.h - makes one report, or one export that was asked for: a file that is whole or not there, and its row
 * (ledger/report_store.h).
 *
 *     begin (commit) -> write beside, fsync, rename, fsync -> made + webhooks (commit)
 *
 * A crash before `made` leaves at most a file that begins with a dot, which the next one removes. Blocking: for children of
 * the master that have no other work.
 */
#ifndef PROCESS_REPORT_MAKE_H
#define PROCESS_REPORT_MAKE_H

#include "process/config.h"
#include "process/export_file.h"
#include "process/reports.h"

enum {
    REPORT_HOST_SIZE = 65,
};

struct report_maker {
    const char *name;            /* in logs */
    const struct config *config; /* borrowed */
    struct report_store *store;  /* owned */
    char host[REPORT_HOST_SIZE];
};

struct report_making {           /* one period of one report; who has its lock fills it */
    const struct report *report; /* borrowed */
    struct report_key key;
    struct report_span span;
    int tries_max;               /* what fails so often is not begun again; 0: always */
    char name[REPORT_FILE_SIZE]; /* of the file, in the report's folder */
    /* report_make's own */
    const struct report_maker *maker;
    struct report_run run;
    int64_t told_us; /* monotonic: when it last said how far it is */
    char path[EXPORT_PATH_SIZE];
};

/* The process yields to those who pay, and ends at SIGTERM at any moment; then the store is open. */
bool report_maker_open(struct report_maker *maker, const struct config *config,
                       struct error *err) MUST_USE;
void report_maker_close(struct report_maker *maker);
/* False: the gateway's own database cannot be asked; what fails of the report itself is noted there. */
bool report_make(const struct report_maker *maker, struct report_making *m,
                 struct error *err) MUST_USE;

#endif

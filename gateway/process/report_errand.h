/*
 * report_errand.h - the process that makes the reports of reports_file, each period of each once, over all
 * hosts (ledger/report_store.h).
 *
 *     lock --it is ours--> for each period that is over and not made, oldest first:
 *       ^                  make it (report_make.h)
 *       '--another has it, or nothing is due: wait
 *
 * A crash before `made` leaves at most a file that begins with a dot, and the period is made again; what
 * is then renamed has the same rows. Periods that were missed are made afterwards, the newest
 * REPORT_BEHIND_MAX of them. What fails is tried again, after a minute, two, four, up to six hours.
 *
 * What it reads it reads as reports_database says, as a finance login: a report never shows more than
 * that login sees. What was made it notes as the gateway. It yields to those who pay: nice.
 */
#ifndef PROCESS_REPORT_ERRAND_H
#define PROCESS_REPORT_ERRAND_H

#include "process/config.h"

enum {
    REPORT_BEHIND_MAX = 400, /* periods of one report */
};

/* In a process of its own, without libpq, libevent or OpenSSL in use, until SIGTERM: its exit status. */
int report_errand_run(const struct config *config);

#endif

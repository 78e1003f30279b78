/*
 * export_errand.h - the process that makes the exports that were asked for over HTTP (ledger/exports.h), one after another,
 * and removes their files when they were kept long enough.
 *
 * As with regular reports (report_errand.h) each is made by who has its lock, over all hosts; what a dead one left is made
 * again from its beginning. Files lie in exports_folder, which hosts share: whoever is asked for one sends it.
 */
#ifndef PROCESS_EXPORT_ERRAND_H
#define PROCESS_EXPORT_ERRAND_H

#include "process/config.h"

/* In a process of its own, without libpq, libevent or OpenSSL in use, until SIGTERM: its exit status. */
int export_errand_run(const struct config *config);

#endif

/*
 * seal_errand.h - the process that seals transfers (ledger/seal_store.h) and anchors the heads.
 *
 *     claim --it is ours--> every seal_interval_ms: seal what is settled, merchant by merchant, commit,
 *       ^                                           then anchor: append, wait for the disk, command
 *       '--another host does it: ask again
 *
 * First the seal, then its anchor: a crash in between leaves a seal that is anchored by the next start.
 * When the anchors know a seal that the ledger has not, the ledger was set back: numbers go on above
 * the anchors', so that none is given twice, and verify sees the gap.
 *
 * It yields to those who pay: nice, and while there is much to do it rests three times as long as it works.
 */
#ifndef PROCESS_SEAL_ERRAND_H
#define PROCESS_SEAL_ERRAND_H

#include "process/config.h"

/* In a process of its own, without libpq, libevent or OpenSSL in use, until SIGTERM: its exit status. */
int seal_errand_run(const struct config *config);

#endif

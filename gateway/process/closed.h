/*
 * closed.h - what a worker answers while the ledger is compared with the journal, or written again
 * (restore.h): 503 with Retry-After, and why.
 */
#ifndef PROCESS_CLOSED_H
#define PROCESS_CLOSED_H

#include "http/server.h"
#include "process/worker.h"

/*
 * Serve so until the gateway may run (ASKING or OPEN). For a moment requests wait in the socket's queue
 * instead: hardly ever does the comparison find anything. The heartbeat goes on.
 */
void closed_serve(const struct worker_start *start, struct tls_server *api_tls,
                  struct tls_server *ops_tls);
/* Answer 503 `unavailable` with Retry-After. x is invalid afterwards. */
void closed_refuse(struct http_exchange *x, const struct shared *shared);

#endif

/*
 * servers.h - the servers that a connection string names, one at a time.
 *
 *     host=/run/a,/run/b port=5432,5432 target_session_attrs=read-write
 *
 * libpq goes on to the next host only when one refuses, or is not of the kind that is wanted. One
 * that takes the connection and closes it, or never answers (its machine has gone, or hangs), it
 * would try for ever; and the time-out of a connection that must not block is ours. So each attempt
 * is of one host, and whoever gives it up says so.
 */
#ifndef LEDGER_SERVERS_H
#define LEDGER_SERVERS_H

#include <libpq-fe.h>
#include <stdbool.h>

struct servers;

struct servers *servers_new(const char *conninfo); /* borrowed */
void servers_free(struct servers **servers);
/* Start to connect to the one whose turn it is; never NULL. */
PGconn *servers_connect(const struct servers *servers);
/* It is the next one's turn. True: all have had theirs, it is the first one's again. */
bool servers_pass(struct servers *servers);

#endif

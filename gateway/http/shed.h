/*
 * shed.h - whom to let go when there is no room (private to gateway/http).
 *
 * For one more connection, the first of: one that was refused for slowness; one that is over and
 * has lingered for SHED_LINGER_MS; the one that has been idle for longest; one that is over and has
 * taken all of its answer; the one that has been slow for longest, but none that has been so for
 * less than SHED_SLOW_MS; else the newcomer is refused. Who has not yet taken a last answer is never
 * reset before SHED_LINGER_MS: one round trip to the client must not cost it its 201.
 * For buffers: of the phase whose connections hold most of them, the one that has been in it for
 * longest: on unfinished input, or on an answer that it does not read. Honest requests come and go
 * in milliseconds, so age tells who is in the way.
 */
#ifndef HTTP_SHED_H
#define HTTP_SHED_H

#include <stdbool.h>

#include "base/error.h"

enum {
    SHED_SLOW_MS = 2000,
    SHED_LINGER_MS = 1000,
};

struct connection;
struct http_server;

/* True when a connection was closed for a newcomer. */
bool shed_connection(struct http_server *server) MUST_USE;
/* Bring buffer_bytes down to its limit, but spare `spared` (may be NULL). */
void shed_buffers(struct http_server *server, const struct connection *spared);

#endif

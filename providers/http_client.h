/*
 * http_client.h - one HTTPS request at a time goes out and its whole answer comes back (libcurl
 * multi).
 *
 *     start --> connecting --PREREQ--> left --> answered
 *                |     ^  |              |
 *                stale-+ NOT_SENT       LOST
 *
 * PREREQ is the moment after TCP and TLS and before the first byte of the request. libcurl passes
 * it again when it repeats a request on a fresh connection by itself; the second passage is
 * refused, so a request leaves once or not at all. Every end is told by that one flag and never by
 * an error code.
 *
 * A kept connection that its server ended while it was idle is found out at PREREQ, by a look at
 * its socket: nothing left yet, so the request starts again by itself, once, on a fresh connection
 * and within the same times. The caller sees one call.
 *
 * Transfers, with their libcurl handles, are kept and used again. Connections are kept by
 * libcurl per origin and trust. Nothing here knows of tokens: the value of Authorization is handed
 * in, copied and wiped.
 */
#ifndef PROVIDERS_HTTP_CLIENT_H
#define PROVIDERS_HTTP_CLIENT_H

#include "providers/engine.h"

struct http_client;
struct http_transfer;

struct http_call {
    const struct provider_account *account; /* base_url, ca_file; borrowed until done */
    const struct provider_request *request; /* borrowed until done */
    struct str authorization;               /* "Authorization: ..." line; copied */
    int64_t connect_ms;
    int64_t answer_ms;         /* whole call */
    int64_t not_after_us;      /* monotonic; past it the request does not leave, nor ... */
    int64_t not_after_wall_us; /* ... past this on the wall clock */
};

struct http_client *http_client_new(struct loop *loop, const struct engine_config *config);
void http_client_free(struct http_client **client); /* running transfers end without done */

/* done is called exactly once, never before this returns. Never NULL. */
struct http_transfer *http_client_start(struct http_client *client, const struct http_call *call,
                                        engine_done_fn done, void *ctx);
void http_client_cancel(struct http_transfer *transfer); /* done will not be called */

#endif

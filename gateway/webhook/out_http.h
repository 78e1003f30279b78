/*
 * out_http.h - POST a webhook to an address that a merchant chose, and nothing more: one answer's
 * status (libcurl multi on the loop).
 *
 *     name -> addresses -> egress_may_connect? --no--> no socket is made ("address_forbidden")
 *                                  | yes
 *                                  v
 *                  connect, TLS, POST -> status; at most OUT_ANSWER_MAX of the body, thrown away
 *
 * The one bound on time is total: name, connection, TLS, request and answer. No redirect is
 * followed, no proxy and no .netrc asked, certificates are verified. Once the head of an answer is
 * there its status counts, whatever becomes of the body. How many calls are under way at a time is the
 * caller's business; connections are kept for a while.
 */
#ifndef WEBHOOK_OUT_HTTP_H
#define WEBHOOK_OUT_HTTP_H

#include "base/loop.h"
#include "http/egress.h"
#include "webhook/out_schedule.h"

enum {
    OUT_ANSWER_MAX = 64 * 1024, /* of a body; then the connection is closed */
    OUT_HEADER_MAX = 5,
    OUT_HEADER_SIZE = 2048,
};

struct out_http;
struct out_transfer;

/* Make the socket for an address that may be connected to; -1: none. Tests have their own. */
typedef int (*out_socket_fn)(void *ctx, int family, int type, int protocol);

struct out_http_config {
    const struct egress_rules *rules; /* borrowed */
    const char *ca_file;              /* borrowed; "": the system's trust store */
    int64_t connect_ms;
    int64_t answer_ms;    /* all of it */
    size_t in_flight_max; /* connections, too */
    out_socket_fn socket; /* NULL: the system's */
    void *socket_ctx;
    const char *const
        *resolve; /* "host:port:address", ended by NULL: names for tests; NULL: none */
};

struct out_call { /* borrowed during out_http_start */
    struct str url;
    bool may_be_http; /* if the rules allow it */
    struct str body;
    struct str headers[OUT_HEADER_MAX]; /* "name: value" */
    size_t header_count;
};

struct out_result {
    struct out_answer answer;
    int64_t elapsed_us;
};
typedef void (*out_done_fn)(void *ctx, const struct out_result *result);

struct out_http *out_http_new(struct loop *loop, const struct out_http_config *config);
void out_http_free(struct out_http **http); /* calls under way end without done */
/* done is called exactly once, never before this returns. */
struct out_transfer *out_http_start(struct out_http *http, const struct out_call *call,
                                    out_done_fn done, void *ctx);
void out_http_cancel(struct out_transfer *transfer); /* done will not be called */

#endif

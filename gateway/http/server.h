/*
 * server.h - a strict HTTP/1.1 server over TLS on bufferevents and llhttp.
 *
 *     accept -> handshake -> head -> body -> handler -> answer -> (keep-alive: head again) | close
 *
 * One struct http_exchange is one request and its one answer. The handler gets it when the whole
 * body is there and answers at once or later, exactly once, with http_reply or http_stream_start.
 * The exchange stays valid until that answer is given, even when the client has gone (the answer
 * then goes nowhere). What the parser refuses never reaches a handler: it is answered with
 * problem+json 4xx and the connection is closed. Every size, count and wait has a limit in struct
 * http_limits; deadlines are total ones, not idle timers (facts/security.md 3.5).
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/str.h"
#include "http/tls.h"

struct http_limits {      /* defaults in http_limits_default */
    int64_t handshake_ms; /* 5,000: TLS handshake complete */
    int64_t head_ms;      /* 10,000: from the first byte of a request (the first request: from the
                                handshake) to the end of its head */
    int64_t body_ms;      /* 15,000: from the end of the head to the end of the body */
    int64_t idle_ms;      /* 75,000: between requests on a kept-alive connection */
    int64_t answer_write_ms;     /* 10,000: an answer must be taken by the client in this time */
    size_t body_rate_min;        /* 256 bytes a second, in each third of body_ms */
    size_t target_bytes_max;     /* 4,096 */
    size_t header_count_max;     /* 64 */
    size_t header_bytes_max;     /* 8,192: one header, name and value */
    size_t head_bytes_max;       /* 16,384: all headers and the request line */
    size_t body_bytes_max;       /* 65,536 */
    size_t large_body_bytes_max; /* 8,388,608: what http_take_body may raise it to */
    size_t connection_count_max; /* 12,288 per worker; beyond it see http/shed.h */
    size_t connection_per_address_max; /* 4,096 per worker */
    size_t
        buffer_bytes_max; /* 67,108,864 per worker: what clients have sent and not read, in all */
    size_t request_count_max;       /* 10,000 requests on one connection, then it is closed */
    size_t stream_buffer_bytes_max; /* 262,144: an event stream's client that does not read is
                                          closed */
};
extern const struct http_limits http_limits_default;

enum http_method {
    HTTP_METHOD_NONE = 0,
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_METHOD_COUNT,
};
const char *http_method_name(enum http_method method);

struct http_header {
    struct str name;  /* as received; compare with str_eq_nocase */
    struct str value; /* trimmed */
};

struct http_request { /* everything borrowed from the exchange's arena */
    enum http_method method;
    struct str target; /* as received */
    struct str path;   /* before '?', not decoded */
    struct str query;  /* after '?', not decoded; empty when none */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    struct str host;
    char peer[64];             /* client address, text */
    bool peer_is_proxy;        /* of ours: its address says nothing of the client */
    bool peer_has_certificate; /* mutual TLS verified */
    const uint8_t *peer_spki; /* SHA-256 of the public key that the client proved to own; or NULL */
    size_t body_len;          /* as announced; body is empty until it is there */
    int64_t arrived_us;       /* monotonic: first byte of the request */
};

struct http_response { /* borrowed during the call only; header values with CR, LF or NUL are a bug
                        */
    int status;
    struct str content_type; /* empty: none is sent */
    struct str body;
    const struct http_header *headers; /* additional ones */
    size_t header_count;
    bool close; /* close the connection after it */
};

struct address_list;
struct http_server;
struct http_exchange;
struct http_stream;
typedef void (*http_handler_fn)(struct http_exchange *x, void *ctx);
typedef void (*http_gone_fn)(void *ctx);
typedef bool (*http_admit_fn)(void *ctx);

struct http_server_config {
    struct http_limits limits;
    struct tls_server *tls;    /* borrowed; NULL: plain HTTP (tests, sandbox control on request) */
    const char *listener_name; /* for metrics and logs: "api", "ops", "sandbox" */
    http_handler_fn handler;
    void *handler_ctx;
    /* Asked, with handler_ctx, before a body longer than limits.body_bytes_max is read: answers (the
     * connection is then closed), or calls http_take_body. NULL: such a body is refused. */
    http_handler_fn large_body;
    bool strangers_wait; /* requests of clients that http_vouch was not called for, in turns */
    const struct address_list *trusted; /* borrowed; proxies of ours: not limited by address */
    http_admit_fn admit; /* asked once for every accepted connection, with handler_ctx; false: it is
                            reset before any byte. NULL: everybody is admitted */
};

/*
 * Serve on a listening socket made by the caller (the master, before the fork; http_listen). The
 * server does not own listen_fd's listening state: freeing the server leaves it open for others.
 * SIGPIPE must be ignored in the process: OpenSSL writes without MSG_NOSIGNAL, and any client may
 * leave while it is written to.
 */
struct http_server *http_server_new(struct loop *loop, int listen_fd,
                                    const struct http_server_config *config);
/*
 * Stop accepting; every answer from now on says Connection: close; streams end. Idle connections
 * stay: a client that sends on one at this moment is served and told to go elsewhere.
 */
void http_server_retire(struct http_server *server);
/* Accept what waits in a socket's queue now: before the socket is closed for good. */
void http_server_accept_rest(struct http_server *server, int listen_fd);
/* Accept some of what waits in the queue of another socket; nothing while paused or draining. */
void http_server_accept_some(struct http_server *server, int listen_fd);
/* http_server_retire, and close idle connections. May follow it. */
void http_server_drain(struct http_server *server);
/*
 * Close kept-alive connections between two requests; one whose next request is here is served.
 * Closing takes a moment: what the client sends meanwhile is read and thrown away, so that it sees
 * an orderly end, not a reset (RFC 9112 section 9.6).
 */
void http_server_close_idle(struct http_server *server);
/*
 * Accept no connections for so long: they wait in the kernel's queue. False when it is paused, or
 * draining, already.
 */
bool http_server_pause(struct http_server *server, int64_t pause_us);
size_t http_server_connection_count(const struct http_server *server);
void http_server_free(struct http_server **server); /* closes what is left at once */
/* New handshakes use this context from now on (certificate reload). */
void http_server_use_tls(struct http_server *server, struct tls_server *tls);

/* Bind and listen, SO_REUSEPORT and CLOEXEC, non-blocking. ERROR_CONFLICT: "port 8443 is taken". */
bool http_listen(const char *address, int port, int *fd, struct error *err) MUST_USE;
/*
 * False with ERROR_CONFLICT when anybody listens there already. SO_REUSEPORT lets a second program
 * of the same user listen on a taken port without an error: ask this once before the first
 * http_listen.
 */
bool http_port_probe(const char *address, int port, struct error *err) MUST_USE;

const struct http_request *http_request(const struct http_exchange *x);
struct arena *http_arena(struct http_exchange *x);          /* dies with the exchange */
const char *http_request_id(const struct http_exchange *x); /* "req_...", also sent as Request-Id */
struct str http_header(const struct http_exchange *x,
                       const char *name); /* first one; empty: none */
/* Decoded value of a query parameter (first one); false when absent or badly encoded. */
bool http_query(const struct http_exchange *x, const char *name, struct str *value);
/*
 * Give the memory of head and body back: whoever has copied what he needs and now waits long. The
 * request has no target, headers or body any more, http_arena is empty; method, peer and id stay.
 */
void http_forget_request(struct http_exchange *x);
void *http_exchange_data(const struct http_exchange *x);
void http_exchange_set_data(struct http_exchange *x, void *data);
/* Called (once, not from within http_reply) if the client leaves before the answer is given. */
void http_on_gone(struct http_exchange *x, http_gone_fn fn, void *ctx);
/* The client has shown who it is: its later requests do not wait with strangers'. */
void http_vouch(struct http_exchange *x);
/* Label for metrics ("/v1/payments/{id}"); a literal. */
void http_set_route(struct http_exchange *x, const char *route);

/* Answer; x is invalid afterwards. Adds Date, Content-Length, Request-Id, HSTS, nosniff. */
void http_reply(struct http_exchange *x, const struct http_response *response);
void http_reply_json(struct http_exchange *x, int status, struct str body);
/*
 * Within large_body: read the body of up to limits.large_body_bytes_max and hand the exchange to the
 * handler with it; x is the server's again. False: there is no room for it now, answer 503.
 */
bool http_take_body(struct http_exchange *x) MUST_USE;
/* Within large_body: refuse it as too large (413). x is invalid afterwards. */
void http_refuse_body(struct http_exchange *x);
/* End the connection instead of answering: by a reset, else in order. x is invalid afterwards. */
void http_abort(struct http_exchange *x, bool reset);

/*
 * Start an event stream (Content-Type: text/event-stream). x is invalid afterwards; the stream
 * lives until http_stream_close, or until `gone` was called (then it must not be touched any more).
 */
struct http_stream *http_stream_start(struct http_exchange *x, http_gone_fn gone, void *ctx);
/*
 * The same for a body of `size` bytes that is sent piece by piece: head is the answer's, but for its body, and is
 * copied. Whoever has sent that much closes the stream; the connection is not used again.
 */
struct http_stream *http_stream_start_sized(struct http_exchange *x,
                                            const struct http_response *head, uint64_t size,
                                            http_gone_fn gone, void *ctx);
/* False when the client does not read fast enough; the stream is then closed and `gone` follows. */
bool http_stream_send(struct http_stream *stream, struct str bytes);
/* Bytes that the client has not taken yet; 0 also when it is gone. */
size_t http_stream_waiting(const struct http_stream *stream);
void http_stream_close(struct http_stream *stream);

#endif

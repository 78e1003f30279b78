/*
 * connection.h - inside of the server: one client connection as a state machine.
 *
 *                   handshake.c
 *     HANDSHAKING ---------------> FRESH -----------------+   (plain: FRESH at once)
 *                                                         |
 *        IDLE ------ first bytes -----+                   | the whole head
 *          ^                          v                   v
 *          | taken by then           HEAD -- head --> (a large body?) --> ASKING
 *          |                          ^                   |                 | http_take_body
 *       RESTING --- first bytes ------+                   v                 |
 *          ^                                             BODY <-------------+
 *          | all written, keep-alive                      |
 *          +----------------------- WRITING <--------- HANDLING
 *                                    |   ^                |
 *                all written, close  |   | close          | http_stream_start
 *                                    v   |                v
 *                                 LINGERING        STREAM_WRITING <---> STREAMING
 *
 * A whole request that arrives at once goes from FRESH, RESTING or IDLE to HANDLING without a stop,
 * when its client is known; a stranger's waits in QUEUED (not in the picture) for its turn (turn.h).
 * A refusal goes to WRITING with close_after; one for slowness goes to PARTING, which writes and
 * lingers within one short time, so that a deadline is the end. LINGERING throws away what the
 * client still sends, for a bounded time and size, so that it reads the answer instead of a reset.
 *
 * Deadlines are those of a phase, counted from its beginning, whatever trickles in. The head of the
 * first request must be whole by the deadline of FRESH. RESTING ends when an answer must have been
 * taken: if the kernel still holds some of it then, the client does not read. BODY is as many turns
 * of one third of body_ms as the body's length allows, each of which must bring the minimum rate.
 *
 * Each phase has one duration for all connections, so the connections of a phase, in the order they
 * entered it, are in the order of their deadlines: one list and one timer per phase, no timer per
 * connection. Moving on costs two list operations.
 *
 * Ownership: the server owns its connections and streams; a connection owns its exchange until the
 * handler has it, then the handler owns it until it answers. Each knows when the other is gone.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "base/arena.h"
#include "base/id.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "http/address.h"
#include "http/body.h"
#include "http/handshake.h"
#include "http/parser.h"
#include "http/server.h"
#include "http/turn.h"

enum {
    HTTP_LINGER_MS = 2000,
    HTTP_PARTING_MS = 500,
    HTTP_LINGER_BYTES_MAX = 256 * 1024,
    HTTP_ARENA_BYTES_MAX = 16 * 1024 * 1024, /* beside the body; beyond is a handler's bug */
    HTTP_SPARE_EXCHANGE_MAX = 64,
    HTTP_PUSH_BYTES_MAX = 16384, /* one TLS record: a larger answer goes through the output */
    HTTP_DATE_SIZE = 32,
    HTTP_METRIC_CACHE_SIZE = 64, /* power of two */
};

enum phase {
    PHASE_HANDSHAKING = 0,
    PHASE_FRESH,
    PHASE_RESTING,
    PHASE_IDLE,
    PHASE_HEAD,
    PHASE_ASKING,
    PHASE_BODY,
    PHASE_QUEUED,
    PHASE_HANDLING,
    PHASE_WRITING,
    PHASE_STREAM_WRITING,
    PHASE_STREAMING,
    PHASE_LINGERING,
    PHASE_PARTING,
    PHASE_COUNT,
};

struct phase_queue {
    struct http_server *server; /* borrowed; the timer's way back */
    struct link connections;    /* earliest deadline first */
    struct loop_timer timer;
    int64_t limit_us;    /* 0: no deadline */
    size_t buffer_bytes; /* of its connections */
    bool armed;
};

/* A series by what it is labelled with: the hot path neither formats nor hashes label texts. */
struct metric_slot {
    const char *route;
    int method;
    int status;
    struct metrics_series *requests;
    struct metrics_series *seconds;
};

struct http_server {
    struct loop *loop;          /* borrowed */
    int listen_fd;              /* borrowed */
    struct event *accept_event; /* owned */
    struct loop_timer accept_pause;
    struct http_server_config config;
    struct phase_queue phases[PHASE_COUNT];
    struct turn_queue turns;
    size_t connection_count;
    struct address_table addresses;
    size_t buffer_bytes;     /* sum of the connections' */
    size_t large_body_bytes; /* announced by large bodies that were accepted; part of the sum */
    struct loop_timer shed;  /* running: buffer_bytes is over its limit */
    struct link exchanges;   /* in handlers' hands */
    struct link spares;      /* owned; exchanges to use again */
    size_t spare_count;
    struct link streams; /* owned */
    bool draining;       /* accepts nobody; every answer is a connection's last */
    bool ends_idle;      /* ... and does not wait for a last request */
    int64_t date_second;
    char date[HTTP_DATE_SIZE]; /* of date_second, as in the Date header */
    struct metric_slot metric_cache[HTTP_METRIC_CACHE_SIZE];
    char push[HTTP_PUSH_BYTES_MAX]; /* the answer that is being made, to be written at once */
};

struct connection {
    struct link link;           /* in its phase's queue */
    struct link turn;           /* in a lane of strangers, or in none */
    struct http_server *server; /* borrowed */
    int fd;                     /* owned; bev's from FRESH on */
    struct handshake handshake; /* HANDSHAKING */
    struct bufferevent *bev;    /* owned, with its SSL and socket; NULL while HANDSHAKING */
    enum phase phase;
    int64_t deadline_us;
    int64_t arrived_us; /* first byte of the current request */
    struct parser parser;
    struct parser_framing framing;  /* of the current request */
    struct http_exchange *exchange; /* BODY: owned; HANDLING: the handler's */
    struct http_stream *stream;     /* STREAM_WRITING, STREAMING */
    struct body body;               /* BODY */
    size_t buffer_bytes;            /* as counted in the server's */
    size_t request_count;
    size_t lingered_bytes;
    size_t linger_turns;
    bool close_after; /* the answer being made or written is the last one */
    bool is_known;    /* a handler has vouched for it: no more turns */
    bool has_certificate;
    bool has_spki;
    bool peer_closed; /* it sends nothing more */
    bool is_counted;  /* among those of its address */
    bool was_pushed;  /* the answer is written */
    bool is_late;     /* the request began to arrive when its time was over, and got more */
    uint8_t spki[32]; /* of the client's certificate */
    struct address address;
    char peer[64];
};

struct http_exchange {
    struct link link;              /* in the server's exchanges or spares */
    struct http_server *server;    /* borrowed; NULL when it was freed meanwhile */
    struct connection *connection; /* borrowed; NULL when the client has gone */
    struct loop *loop;             /* borrowed */
    struct arena arena;
    struct http_request request;
    uint8_t spki[32]; /* what request.peer_spki points at */
    char id[ID_TEXT_SIZE];
    const char *route; /* a literal */
    void *data;
    http_gone_fn gone;
    void *gone_ctx;
};

struct http_stream {
    struct link link;              /* in the server's streams */
    struct connection *connection; /* borrowed; NULL: it is over, gone follows by the timer */
    struct loop_timer gone_timer;
    http_gone_fn gone;
    void *gone_ctx;
};

/* What accept.c found out about a client. */
struct newcomer {
    int fd; /* the connection's from here on */
    struct address address;
    bool is_counted;
    char peer[64];
};

/* connection.c */
void connection_new(struct http_server *server, const struct newcomer *newcomer);
void connection_free(struct connection *c); /* closes at once; tells exchange and stream */
/* The same by a reset: the kernel forgets what the client did not take, and the client knows. */
void connection_drop(struct connection *c);
void connection_set_phase(struct connection *c, enum phase phase);
/* TLS is done, or there is none: requests may come. ssl NULL: plain; else the connection's. */
void connection_open(struct connection *c, struct ssl_st *ssl);
/* It waited in HANDSHAKING or QUEUED. `c` may be gone afterwards. */
void connection_take_turn(struct connection *c);
/* The body may be read: maybe it is there already. `c` may be gone afterwards. */
void connection_await_body(struct connection *c);
/* Refuse and close; a slow one within HTTP_PARTING_MS, whatever it does. */
void connection_refuse(struct connection *c, enum refusal refusal);
void connection_refuse_slow(struct connection *c, enum refusal refusal);
/*
 * May an answer be written at once? By way of the output it would wait until the socket was reported
 * writable, for the rest of the loop's turn, and cost two changes of the epoll set. Not where
 * anything waits before it or behind it, or where the connection ends after it.
 */
bool connection_may_push(const struct connection *c);
/* Write it; what TLS or the kernel does not take now goes through the output. */
void connection_push(struct connection *c, const char *bytes, size_t len);
/* An answer was pushed, or is in the output buffer: send it, then go on or close. */
void connection_answered(struct connection *c);
/* The output is complete and maybe already sent: close when it is. */
void connection_finish(struct connection *c);
/* A polite end for a connection that owes nothing: close_notify, then closed. */
void connection_close_idle(struct connection *c);
/*
 * The same before a request: one that has begun to arrive has the time of a first one, but that
 * only once; one on its way is not reset.
 */
void connection_end_idle(struct connection *c);
/* The kernel holds something of the client that we have not read: closing now would lose it. */
bool connection_has_unread(const struct connection *c);
/* The kernel still holds a part of what we have answered: the client has not taken it. */
bool connection_is_untaken(const struct connection *c);
/* Bytes have come or gone: count them again. */
void connection_count_buffers(struct connection *c);
/* The exchange is in a handler's hands. */
bool connection_is_handled(const struct connection *c);

/* expire.c: its phase's deadline has passed. `c` may be gone afterwards. */
void connection_expire(struct connection *c);

/* accept.c */
void accept_start(struct http_server *server);
void accept_stop(struct http_server *server); /* may be called again */
void accept_release(struct http_server *server);

/* exchange.c */
struct http_exchange *exchange_new(struct connection *c);
void exchange_free(struct http_exchange *x);
void exchange_tell_gone(struct http_exchange *x); /* the client or the server has left */

/* reply.c */
void reply_refuse(struct connection *c, enum refusal refusal);
/* Head of an endless answer into the output. */
void reply_stream_head(struct http_exchange *x, const struct http_response *head, uint64_t size);
void reply_count(const struct http_exchange *x, int status);
void reply_date(struct http_server *server); /* bring server->date up to date */

/* stream.c */
void stream_tell_gone(struct http_stream *stream); /* frees it */

#endif

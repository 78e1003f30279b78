/*
 * handshake.h - TLS handshakes, a few at a time (private to gateway/http).
 *
 *     accepted --> waits for its first bytes --> hello whole? --> queue --> step --> ... --> open
 *                  (no OpenSSL object yet)                          ^         |
 *                                                                   +-- more --+
 *
 * A handshake costs more CPU than a payment. So its steps are not done when the client's bytes come
 * but from a queue, for HANDSHAKE_BUDGET_US in each turn of the loop: a thousand clients that arrive
 * at once cannot delay those who are already in by more than that. When turns are long, because
 * there is much to do, it is a share of their time instead: a busy worker must not be closed to
 * newcomers. The queue is fair by address: one address may be slow to get in because of its own
 * number, others pass by.
 *
 * A handshake that was begun is ended before another begins. When more wait than can be served
 * soon, the newest goes first: in a queue longer than the deadline all would be served too late.
 *
 * Until the first TLS record is there as a whole, a client costs a socket and nothing more; what is
 * no ClientHello of sane size never reaches OpenSSL.
 */
#ifndef HTTP_HANDSHAKE_H
#define HTTP_HANDSHAKE_H

#include <event2/event.h>
#include <stddef.h>

#include "base/list.h"
#include "base/loop.h"

enum {
    HANDSHAKE_LANE_COUNT = 64, /* by hash of the address */
    HANDSHAKE_BUDGET_US = 1000,
    HANDSHAKE_BUDGET_MOST_US = 10000,
    HANDSHAKE_TIME_SHARE = 8,   /* of the time since the last turn */
    HANDSHAKE_QUEUE_LONG = 128, /* when more wait, the newest goes first */
    HANDSHAKE_HELLO_HEAD = 9,   /* record header, and header of the ClientHello in it */
    HANDSHAKE_HELLO_BYTES_MAX = 16384,
};

struct connection;
struct ssl_st;

struct handshake {
    struct link ready;  /* in its lane, or in none */
    struct event *wait; /* owned; for bytes, or for room */
    struct ssl_st *ssl; /* owned; NULL until the hello is whole */
    size_t hello_bytes; /* waited for */
};

struct handshake_queue {
    struct link lanes[HANDSHAKE_LANE_COUNT]; /* of connections that may make a step */
    size_t next;                             /* lane that is served next */
    size_t ready_count;
    struct loop_timer turn;
    int64_t turned_us; /* monotonic: when the last turn was over */
};

void handshake_queue_init(struct handshake_queue *queue, struct loop *loop);
void handshake_queue_release(struct handshake_queue *queue);
/* Ends in connection_open or connection_free, never before this returns. */
void handshake_start(struct connection *c);
/* Let go of all but the socket. */
void handshake_release(struct connection *c);

#endif

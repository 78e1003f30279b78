/*
 * handshake.h - TLS handshakes (private to gateway/http).
 *
 *     accepted --> waits for its first bytes --> hello whole? --> turn --> step --> ... --> open
 *                  (no OpenSSL object yet)                         ^        |
 *                                                                  +- more -+
 *
 * Each step waits its turn (turn.h). Until the first TLS record is there as a whole, a client costs
 * a socket and nothing more; what is no ClientHello of sane size never reaches OpenSSL.
 */
#ifndef HTTP_HANDSHAKE_H
#define HTTP_HANDSHAKE_H

#include <event2/event.h>
#include <stddef.h>

enum {
    HANDSHAKE_BUDGET_MOST_US = 10000,
    HANDSHAKE_TIME_SHARE = 8,   /* of the time since the last turn */
    HANDSHAKE_QUEUE_LONG = 128, /* when more wait, the newest goes first */
    HANDSHAKE_HELLO_HEAD = 9,   /* record header, and header of the ClientHello in it */
    HANDSHAKE_HELLO_BYTES_MAX = 16384,
};

struct connection;
struct ssl_st;

struct handshake {
    struct event *wait; /* owned; for bytes, or for room */
    struct ssl_st *ssl; /* owned; NULL until the hello is whole */
    size_t hello_bytes; /* waited for */
};

/* Ends in connection_open or connection_free, never before this returns. */
void handshake_start(struct connection *c);
/* Its turn has come. */
void handshake_step(struct connection *c);
/* Let go of all but the socket. */
void handshake_release(struct connection *c);

#endif

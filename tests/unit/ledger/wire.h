/*
 * wire.h - a wire between store and server that can be cut, in the loop of the test.
 *
 *     store --- client side | wire | server side --- PostgreSQL
 *
 * Armed with a cut, the wire does it to the next bytes that a writer connection sends (a batch of
 * few rows is one piece, its Sync the last five bytes):
 *
 *     CUT_ANSWER  passes all on, and closes the client side when the server has answered
 *     CUT_HALF    passes half on, and closes both sides
 *     CUT_SYNC    passes all but the Sync on and closes the client side: the transaction stays open
 *     CUT_ALL     passes nothing on and closes the client side: the batch is still on its way
 *
 * wire_release then either delivers what was held back, as a slow network does, or closes.
 */
#ifndef TESTS_UNIT_LEDGER_WIRE_H
#define TESTS_UNIT_LEDGER_WIRE_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/loop.h"

enum cut {
    CUT_NONE = 0,
    CUT_ANSWER,
    CUT_HALF,
    CUT_SYNC,
    CUT_ALL,
    CUT_COUNT,
};

enum {
    WIRE_MAX = 4096,
    WIRE_PORT = 7001,
    SYNC_SIZE = 5,
};

struct wire;

struct strand {
    struct wire *wire;
    struct bufferevent *client; /* NULL: closed */
    struct bufferevent *server;
    struct evbuffer *held;
    bool closes_on_answer;
};

struct wire {
    struct loop *loop;
    struct evconnlistener *listener;
    struct sockaddr_un server;
    struct strand strands[WIRE_MAX];
    size_t count;
    enum cut armed;
    const char *statement; /* with which the piece begins; NULL: "mark", of a batch */
    struct strand *cut;    /* the strand that was cut last */
    unsigned cut_count;
    unsigned seen_count; /* pieces with it that were passed on */
};

static inline void strand_close(struct bufferevent **side)
{
    if (*side != NULL)
        bufferevent_free(*side);
    *side = NULL;
}

static inline void strand_cut(struct strand *strand, struct evbuffer *in)
{
    struct wire *wire = strand->wire;
    enum cut cut = wire->armed;
    size_t len = evbuffer_get_length(in);
    wire->armed = CUT_NONE;
    wire->cut = strand;
    wire->cut_count++;
    if (cut == CUT_ANSWER) {
        strand->closes_on_answer = true;
        (void)bufferevent_write_buffer(strand->server, in);
        return;
    }
    size_t pass = cut == CUT_HALF ? len / 2 : cut == CUT_SYNC ? len - SYNC_SIZE : 0;
    (void)evbuffer_remove_buffer(in, bufferevent_get_output(strand->server), pass);
    strand->held = evbuffer_new();
    (void)evbuffer_add_buffer(strand->held, in);
    strand_close(&strand->client);
}

static inline bool ends_with_sync(struct evbuffer *in)
{
    static const char sync[SYNC_SIZE] = {'S', 0, 0, 0, 4};
    size_t len = evbuffer_get_length(in);
    const char *bytes = (const char *)evbuffer_pullup(in, -1);
    return len >= SYNC_SIZE && memcmp(bytes + len - SYNC_SIZE, sync, SYNC_SIZE) == 0;
}

/* The server has answered a Sync: 'Z', a length of 5, a state. */
static inline bool is_ready_for_query(struct evbuffer *in)
{
    static const char ready[5] = {'Z', 0, 0, 0, 5};
    size_t len = evbuffer_get_length(in);
    const char *bytes = (const char *)evbuffer_pullup(in, -1);
    return len >= 6 && memcmp(bytes + len - 6, ready, sizeof(ready)) == 0;
}

static inline void client_read(struct bufferevent *client, void *ctx)
{
    struct strand *strand = ctx;
    struct evbuffer *in = bufferevent_get_input(client);
    if (strand->server == NULL)
        return;
    /* A batch begins by executing the statement "mark"; it is cut when it is there whole. */
    char name[32] = "\0mark";
    if (strand->wire->statement != NULL)
        (void)snprintf(name + 1, sizeof(name) - 1, "%s", strand->wire->statement);
    if (evbuffer_search(in, name, strlen(name + 1) + 2, NULL).pos >= 0) {
        if (strand->wire->armed != CUT_NONE) {
            if (ends_with_sync(in))
                strand_cut(strand, in);
            return;
        }
        strand->wire->seen_count++;
    }
    (void)bufferevent_write_buffer(strand->server, in);
}

static inline void server_read(struct bufferevent *server, void *ctx)
{
    struct strand *strand = ctx;
    struct evbuffer *in = bufferevent_get_input(server);
    if (strand->closes_on_answer) {
        strand_close(&strand->client);
        strand_close(&strand->server);
        return;
    }
    if (strand->client != NULL)
        (void)bufferevent_write_buffer(strand->client, in);
    else if (strand->held == NULL && is_ready_for_query(in))
        strand_close(&strand->server); /* or idle backends use up all that the server allows */
    else
        (void)evbuffer_drain(in, evbuffer_get_length(in));
}

static inline void strand_event(struct bufferevent *side, short what, void *ctx)
{
    struct strand *strand = ctx;
    (void)side;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
        return;
    strand_close(&strand->client);
    strand_close(&strand->server);
}

static inline void wire_accept(struct evconnlistener *listener, evutil_socket_t fd,
                               struct sockaddr *from, int len, void *ctx)
{
    struct wire *wire = ctx;
    (void)listener;
    (void)from;
    (void)len;
    CHECK(wire->count < WIRE_MAX);
    struct strand *strand = &wire->strands[wire->count++];
    struct event_base *base = loop_base(wire->loop);
    struct sockaddr_un to = wire->server;
    strand->wire = wire;
    strand->client = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    strand->server = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(strand->client, client_read, NULL, strand_event, strand);
    bufferevent_setcb(strand->server, server_read, NULL, strand_event, strand);
    if (bufferevent_socket_connect(strand->server, (struct sockaddr *)(void *)&to, sizeof(to)) != 0)
        return;
    (void)bufferevent_enable(strand->client, EV_READ | EV_WRITE);
    (void)bufferevent_enable(strand->server, EV_READ | EV_WRITE);
}

static inline void wire_open(struct wire *wire, struct loop *loop, const char *dir)
{
    memset(wire, 0, sizeof(*wire));
    wire->loop = loop;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/.s.PGSQL.%d", dir, WIRE_PORT);
    wire->server.sun_family = AF_UNIX;
    (void)snprintf(wire->server.sun_path, sizeof(wire->server.sun_path),
                   "%s/pg/socket/.s.PGSQL.7000", dir);
    (void)unlink(at.sun_path);
    wire->listener =
        evconnlistener_new_bind(loop_base(loop), wire_accept, wire, LEV_OPT_CLOSE_ON_FREE, 16,
                                (struct sockaddr *)(void *)&at, sizeof(at));
    CHECK(wire->listener != NULL);
}

/* What became of the bytes held back: delivered, or lost for ever. */
static inline void wire_release(struct wire *wire, bool deliver)
{
    struct strand *strand = wire->cut;
    if (strand == NULL || strand->held == NULL)
        return;
    if (deliver && strand->server != NULL)
        (void)bufferevent_write_buffer(strand->server, strand->held);
    else
        strand_close(&strand->server);
    evbuffer_free(strand->held);
    strand->held = NULL;
}

static inline void wire_close(struct wire *wire)
{
    evconnlistener_free(wire->listener);
    for (size_t i = 0; i < wire->count; i++) {
        strand_close(&wire->strands[i].client);
        strand_close(&wire->strands[i].server);
        if (wire->strands[i].held != NULL)
            evbuffer_free(wire->strands[i].held);
    }
}

#endif

/*
 * turn.h - strangers wait their turn (private to gateway/http).
 *
 * A TLS handshake costs more CPU than a payment, and anybody may ask for one, or for a page that
 * takes as long. So what is done for clients that have not yet shown who they are is not done when
 * their bytes come but from a queue, for TURN_BUDGET_US in each tick: a thousand of them at once
 * delay those who are known by no more than that.
 *
 * The queue is fair by address: an address waits for its own number, others pass by.
 */
#ifndef HTTP_TURN_H
#define HTTP_TURN_H

#include <stddef.h>

#include "base/list.h"
#include "base/loop.h"

enum {
    TURN_LANE_COUNT = 64, /* by hash of the address */
    TURN_BUDGET_US = 1000,
};

struct connection;

struct turn_queue {
    struct link lanes[TURN_LANE_COUNT]; /* of connections */
    size_t next;                        /* lane that is served next */
    size_t waiting_count;
    struct loop_timer timer;
};

void turn_queue_init(struct turn_queue *queue, struct loop *loop);
void turn_queue_release(struct turn_queue *queue);
/* connection_take_turn follows, never before this returns. */
void turn_wait(struct connection *c);
/* Not any more; it need not be waiting. */
void turn_leave(struct connection *c);

#endif

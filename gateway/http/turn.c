#include "http/turn.h"

#include "base/clock.h"
#include "http/connection.h"

static struct connection *take_next(struct turn_queue *queue)
{
    while (list_is_empty(&queue->lanes[queue->next])) {
        queue->next = (queue->next + 1) % TURN_LANE_COUNT;
    }
    struct link *link = list_take_first(&queue->lanes[queue->next]);
    queue->next = (queue->next + 1) % TURN_LANE_COUNT;
    queue->waiting_count--;
    return LIST_OWNER(link, struct connection, turn);
}

static void give_turns(void *ctx)
{
    struct turn_queue *queue = ctx;
    int64_t end_us = clock_mono_us() + TURN_BUDGET_US;
    while (queue->waiting_count > 0) {
        connection_take_turn(take_next(queue));
        if (queue->waiting_count > 0 && clock_mono_us() >= end_us) {
            loop_timer_start(&queue->timer, 0);
            return;
        }
    }
}

void turn_queue_init(struct turn_queue *queue, struct loop *loop)
{
    for (size_t i = 0; i < TURN_LANE_COUNT; i++) {
        list_init(&queue->lanes[i]);
    }
    loop_timer_init(&queue->timer, loop, give_turns, queue);
}

void turn_queue_release(struct turn_queue *queue)
{
    CHECK(queue->waiting_count == 0);
    loop_timer_release(&queue->timer);
}

void turn_wait(struct connection *c)
{
    struct turn_queue *queue = &c->server->turns;
    size_t lane = address_hash(&c->server->addresses, c->address) % TURN_LANE_COUNT;
    CHECK(list_is_empty(&c->turn));
    list_add_last(&queue->lanes[lane], &c->turn);
    queue->waiting_count++;
    if (!loop_timer_is_running(&queue->timer)) {
        loop_timer_start(&queue->timer, 0);
    }
}

void turn_leave(struct connection *c)
{
    if (!list_is_empty(&c->turn)) {
        list_remove(&c->turn);
        c->server->turns.waiting_count--;
    }
}

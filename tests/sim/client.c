/*
 * Clients: each has one order to pay. They repeat their key when they are not told the end, use a
 * new key only when they were told that the old one came to nothing, and some give up. What they
 * were told is the log that the checker reads.
 */
#include "sim.h"

enum {
    REPEAT_MAX = 7,
    REVERSAL_REPEAT_MAX = 4000, /* some ten days: what it began may be pending for as long */
    REVERSAL_TRIES_MAX = 3,
};

static uint32_t send_request(struct world *w, uint32_t order_index, uint8_t fingerprint, int64_t at)
{
    uint32_t index = vec_add(&w->requests);
    struct order *order = ORDER(w, order_index);
    struct request *request = REQUEST(w, index);
    *request = (struct request){
        .order = order_index,
        .key = order->key,
        .fingerprint = fingerprint,
        .worker = (uint32_t)rng_below(&w->rng, w->worker_count),
    };
    order->key_requests[order->key]++;
    world_push(w, at, SIM_REQUEST, index, 0);
    narrate(w, "request number=%u order=%u key=%u body=%u at=%lld", index, order_index, order->key,
            fingerprint, (long long)at);
    return index;
}

static void act_later(struct world *w, uint32_t order_index, int64_t at)
{
    struct order *order = ORDER(w, order_index);
    order->generation++;
    world_push(w, at, SIM_CLIENT, order_index, order->generation);
}

void client_start(struct world *w, uint32_t index)
{
    struct order *order = ORDER(w, index);
    order->merchant = (uint8_t)rng_below(&w->rng, w->merchant_count);
    order->local = w->local_count[order->merchant]++;
    order->parent = NONE;
    order->amount = between(w, 1, 1000000);
    order->has_reference = rng_below(&w->rng, 2) == 0;
    static const enum operation operations[] = {OPERATION_SALE, OPERATION_SALE, OPERATION_AUTHORIZE,
                                                OPERATION_PAYOUT};
    order->operation = operations[rng_below(&w->rng, ARRAY_LEN(operations))];
    int64_t at = between(w, 0, w->span);
    world_push(w, at, SIM_CLIENT, index, order->generation);
    if (w->chance[FAULT_CANCEL] == 0)
        return;
    bool is_payout = order->operation == OPERATION_PAYOUT;
    if (rng_chance(&w->rng, is_payout ? 200000 : w->chance[FAULT_CANCEL]))
        world_push(w, at + between(w, 0, rng_below(&w->rng, 2) == 0 ? 200 * MS : 20 * SEC),
                   SIM_CANCEL, index, 0);
}

/* One request; sometimes several at once, sometimes with another body under the same key. */
void client_act(struct world *w, uint32_t index, uint32_t generation)
{
    struct order *order = ORDER(w, index);
    if (order->generation != generation || order->is_done)
        return;
    uint32_t request = send_request(w, index, 0, w->now + between(w, 100, 2 * MS));
    if (chance(w, FAULT_CLIENT_PARALLEL))
        for (int64_t left = between(w, 1, 4); left > 0; left--)
            send_request(w, index, 0, w->now + between(w, 0, 50 * MS));
    bool is_ours = order->reversal_of > 0; /* the gateway says the same under one key */
    if (order->repeats > 0 && !is_ours && chance(w, FAULT_CLIENT_OTHER_BODY))
        send_request(w, index, 1, w->now + between(w, 0, 2 * MS));
    if (chance(w, FAULT_CLIENT_REPEATS))
        world_push(w, w->now + between(w, 10 * MS, 5 * SEC), SIM_GIVE_UP, request, 0);
}

static void repeat(struct world *w, uint32_t index)
{
    struct order *order = ORDER(w, index);
    if (order->repeats >= (order->reversal_of > 0 ? REVERSAL_REPEAT_MAX : REPEAT_MAX)) {
        order->is_done = true; /* gives up */
        return;
    }
    int64_t pause = (200 * MS) << (order->repeats < 10 ? order->repeats : 10);
    order->repeats++;
    act_later(w, index, w->now + between(w, pause / 2, pause * 2));
}

void client_next_key(struct world *w, uint32_t index)
{
    struct order *order = ORDER(w, index);
    if (order->key + 1 >= KEY_MAX) {
        order->is_done = true;
        return;
    }
    order->key++;
    order->repeats = 0;
    act_later(w, index, w->now + between(w, 1 * MS, 2 * SEC));
}

/* The gateway itself, at a late success: as reversal.c does. */
static void react_reversal(struct world *w, uint32_t index, enum payment_status status)
{
    struct order *order = ORDER(w, index);
    enum reversal_step next = ruling_reversal(status, order->key, REVERSAL_TRIES_MAX);
    if (next == REVERSAL_AGAIN) {
        client_next_key(w, index);
        return;
    }
    if (next == REVERSAL_WAIT) {
        repeat(w, index);
        return;
    }
    order->is_done = true;
    person_reversed(w, order, next == REVERSAL_DONE);
}

/* The reply of `key` came to nothing, and no request of that key can come to something any more. */
static void react_unavailable(struct world *w, uint32_t index, uint8_t key)
{
    const struct order *order = ORDER(w, index);
    bool nothing_was_written =
        order->reversal_of == 0 && order->key_unavailable[key] == order->key_requests[key];
    if (nothing_was_written && key == order->key && rng_below(&w->rng, 2) == 0)
        client_next_key(w, index);
    else
        repeat(w, index);
}

static void react(struct world *w, const struct request *request, enum told told,
                  enum payment_status status)
{
    uint32_t index = request->order;
    struct order *order = ORDER(w, index);
    if (order->is_done || request->fingerprint != 0)
        return;
    switch (told) {
    case TOLD_FINAL:
        if (request->key != order->key)
            return;
        if (order->reversal_of > 0) {
            react_reversal(w, index, status);
            return;
        }
        if ((status == PAYMENT_DECLINED || status == PAYMENT_FAILED) &&
            rng_chance(&w->rng, 300000)) {
            client_next_key(w, index);
            return;
        }
        if (chance(w, FAULT_CLIENT_REPEATS))
            repeat(w, index);
        else if (order->repeats > 0)
            order->is_done = true;
        return;
    case TOLD_UNAVAILABLE:
        react_unavailable(w, index, request->key);
        return;
    case TOLD_PROCESSING:
    case TOLD_CONFLICT:
    case TOLD_OUTCOME_PENDING:
        if (order->has_reference && chance(w, FAULT_CLIENT_NEW_KEY))
            client_next_key(w, index); /* wrong of him: the reference is the second net */
        else
            repeat(w, index);
        return;
    case TOLD_REFERENCE:
    case TOLD_LIMIT:
        order->is_done = true;
        if (order->reversal_of > 0)
            person_reversed(w, order, false);
        return;
    case TOLD_OTHER_BODY:
    case TOLD_NOTHING:
    case TOLD_COUNT:
        break;
    }
}

void client_told(struct world *w, uint32_t index, enum told told, uint32_t payment_index)
{
    struct request *request = REQUEST(w, index);
    const struct payment_row *payment = PAYMENT(w, payment_index);
    request->is_closed = true;
    if (told == TOLD_UNAVAILABLE)
        ORDER(w, request->order)->key_unavailable[request->key]++;
    uint32_t line = vec_add(&w->log);
    *LOG(w, line) = (struct log_line){
        .request = index,
        .payment = payment_index,
        .told = told,
        .status = told == TOLD_FINAL ? payment->answer_status : payment->status,
        .bytes = told == TOLD_FINAL ? payment->answer_bytes : 0,
        .at = w->now,
    };
    narrate(w, "told request=%u payment=%u as=%d status=%s", index, payment_index, (int)told,
            payment_status_name(LOG(w, line)->status));
    world_trace(w, "order %u key %u: told %d, payment %u %s", request->order, request->key,
                (int)told, payment_index, payment_status_name(LOG(w, line)->status));
    if (told == TOLD_LIMIT && ORDER(w, request->order)->reversal_of > 0 && !payment->is_unreserved)
        world_violation(w, "I6: order %u: what was reserved for it is gone", request->order);
    struct request seen = *request;
    if (told == TOLD_FINAL && (payment->answer_status == PAYMENT_SUCCEEDED ||
                               payment->answer_status == PAYMENT_AUTHORIZED))
        operation_follow(w, payment_index);
    if (chance(w, FAULT_REPLY_LOST)) {
        if (told == TOLD_UNAVAILABLE)
            ORDER(w, request->order)->key_unavailable[request->key]--;
        if (seen.fingerprint == 0 && !ORDER(w, seen.order)->is_done)
            repeat(w, seen.order);
        return;
    }
    react(w, &seen, told, LOG(w, line)->status);
}

/* The connection broke, or the client stopped waiting: it knows nothing. */
void client_lost(struct world *w, uint32_t index)
{
    struct request *request = REQUEST(w, index);
    if (request->is_closed)
        return;
    request->is_closed = true;
    narrate(w, "lost request=%u", index);
    uint32_t order = request->order;
    if (request->fingerprint == 0 && !ORDER(w, order)->is_done)
        repeat(w, order);
}

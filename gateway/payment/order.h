/*
 * order.h - runs payouts that waited: approved ones, and rows of batches.
 *
 *     due --claim (lease)--> open the request -> load the merchant -> payment_create_start
 *                              under the order's own key: begun before? then its answer comes back
 *        +------------------------------+-----------------------------+----------------------+
 *        | it exists                    | nothing left our hands      | nobody can be asked  | refused
 *        v                              v                             v                      v
 *      begun: the payment says       queued again later, as        queued again later     failed
 *      what it comes to              the next try                  as the same try
 *
 * Every worker runs orders. Bounded: so many at a time in all, and half of them of one merchant, so
 * that neither a large batch nor a slow provider keeps others waiting; the payouts and payments that
 * clients wait for do not queue here at all. How orders ended is written some milliseconds later,
 * many at once; a worker that dies before leaves a lease that ends.
 *
 * Who is turned away by a busy provider tries again as long as it takes, and its account rests
 * meanwhile (rest.h): a large batch goes as fast as its provider lets it.
 *
 * A merchant of whom nothing could be begun in one round (every breaker open, the ledger away) is
 * left alone for a while, longer each time.
 */
#ifndef PAYMENT_ORDER_H
#define PAYMENT_ORDER_H

#include "ledger/order.h"
#include "payment/order_request.h"

struct orders;

struct orders_config {
    int64_t interval_ms;    /* 250: how often due orders are looked for */
    unsigned in_flight_max; /* 64 in this worker's hands */
    int64_t lease_ms;       /* 60,000: beyond the driver's deadline */
    unsigned try_max;       /* 5 payments under one order, without those that were turned away */
    int64_t retry_ms;       /* 5,000: before the second try; doubled each time */
    int64_t retry_max_ms;   /* 300,000 */
    int64_t wait_ms;        /* 500: before the same try again; doubled each time */
    int64_t wait_max_ms;    /* 60,000 */
};
extern const struct orders_config orders_config_default;

struct orders_parts { /* all borrowed, alive as long as the module */
    struct loop *loop;
    struct store *store;
    struct payments *payments;
    struct merchants *merchants;
    const uint8_t *seal_key; /* AEAD_KEY_SIZE */
};

struct orders *orders_new(const struct orders_config *config, const struct orders_parts *parts);
/* Something has become due here: look now. */
void orders_wake(struct orders *orders);
/* No new claims; true once nothing is in hand and every end is written. */
bool orders_drain(struct orders *orders);
size_t orders_in_flight(const struct orders *orders);
/* Before payments_free: what is in hand is left to its lease. */
void orders_free(struct orders **orders);

#endif

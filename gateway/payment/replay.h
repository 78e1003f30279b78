/*
 * replay.h - a routing decision made again from what the ledger has of it, and compared (P6).
 *
 *     payments row + decision record --+
 *     rule set, by the hash it names --+--> route_decide --> the same rule, order, reasons, fees?
 *     fee tables and rates, likewise --+
 *
 * The record says what was known of each account; of what was not asked any more (an account that
 * was dropped for its currency was not looked at for its limit) nothing is assumed that could matter,
 * for the reasons are tried in one order. What was said after the router (the adapter refuses it,
 * another caller has the probe) is taken off both lists before they are compared.
 */
#ifndef PAYMENT_REPLAY_H
#define PAYMENT_REPLAY_H

#include "ledger/history.h"
#include "router/router.h"

struct replay_sources { /* what decisions name by hash; all may be asked many times */
    const struct rule_set *(*rules)(void *ctx, const struct uuid *merchant_id,
                                    const uint8_t hash[32]);
    const struct cost_table *(*fees)(void *ctx, const struct uuid *merchant_id,
                                     const uint8_t hash[32]);
    const struct rates *(*rates)(void *ctx, const uint8_t hash[32]);
    void *ctx;
};

enum replay_verdict {
    REPLAY_SAME = 0,
    REPLAY_DIFFERENT,
    REPLAY_NO_RULES,   /* the rule set it names is not there */
    REPLAY_NO_PRICES,  /* a fee table or the rates that it names are not there */
    REPLAY_UNREADABLE, /* the record is none of ours, or the payment's own data were erased */
    REPLAY_VERDICT_COUNT,
};
const char *replay_verdict_name(enum replay_verdict verdict); /* "same", "different", ... */

/* Decide again. `why` gets one line for a person unless it is the same. */
enum replay_verdict replay_decision(const struct history_row *row,
                                    const struct replay_sources *sources, struct buf *why);

#endif

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

#include "base/json.h"
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

/*
 * The same, and what the decision is made of is shown before it is made: only when all that the
 * record names is there. Borrowed during the call.
 */
typedef void (*replay_show_fn)(void *ctx, const struct rule_set *rules,
                               const struct route_facts *facts,
                               const struct route_candidate *candidates, size_t count);
enum replay_verdict replay_show(const struct history_row *row, const struct replay_sources *sources,
                                replay_show_fn show, void *ctx, struct buf *why);

/* "health" of a candidate, as records have it; what is not told is well. */
void replay_read_health(const json_t *json, struct health_view *health);

#endif

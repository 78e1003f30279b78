/*
 * canary.h - when a canary stops itself: what attempts came to under it and under the live set.
 *
 *     looks   at `after_payments` answered attempts of the canary, and whenever they have grown by
 *             a quarter: look k may be wrong with probability 0.05 / (2 k (k + 1)) for success and
 *             as much for cost; over all looks, however many, at most 5 %
 *     success Newcombe's interval of the difference of two shares, from Wilson's of each
 *     cost    of the means of expected fee / amount, by their variances
 *
 * It stops when the whole interval lies beyond the bound: success fell by more than success_drop,
 * or fees rose by more than cost_rise, with 95 % confidence. Unknown outcomes are in neither.
 * A pure module: counts go in, a sentence comes out.
 */
#ifndef PAYMENT_CANARY_H
#define PAYMENT_CANARY_H

#include "base/str.h"
#include "ledger/rules.h"

enum {
    CANARY_SUCCESS_DROP = 50000, /* millionths, unless told: 5 % */
    CANARY_COST_RISE = 5000,     /* 0.5 % of the amount */
    CANARY_AFTER = 50,
    CANARY_AFTER_MIN = 10,
};

struct canary_bounds {
    int64_t success_drop_millionths;
    int64_t cost_rise_millionths; /* of the amount */
    int64_t after_payments;
};

/* {"success_drop":50000,"cost_rise":5000,"after_payments":50}; members left out, or out of range,
 * are as above. */
struct canary_bounds canary_bounds_read(struct str json);
void canary_bounds_print(const struct canary_bounds *bounds, struct buf *out);

/* The number of the newest look that is due at so many answered attempts; 0: none yet. */
int32_t canary_look(const struct canary_bounds *bounds, int64_t answered);

enum canary_verdict {
    CANARY_GOES_ON = 0,
    CANARY_SUCCESS_FELL,
    CANARY_COST_ROSE,
};
const char *canary_verdict_name(enum canary_verdict verdict); /* "success", "cost" */
/* `why`: in words and numbers, when it stops. */
enum canary_verdict canary_judge(const struct canary_bounds *bounds, const struct rules_tally *live,
                                 const struct rules_tally *canary, int32_t look, struct buf *why);

/* Add an attempt: its expected fee of the amount; -1: not known. */
void canary_add(struct rules_tally *tally, bool is_approved, bool is_unknown, int64_t fee_minor,
                int64_t amount_minor);

#endif

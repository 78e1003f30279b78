/*
 * decision_record.h - a decision as it is stored with the first attempt, shown with the payment, and told by
 * explain.h: what the router printed, and what the router cannot know of its own decision.
 *
 *     {"rule","rule_set","draw","order",...,"candidates":[...],          router.h
 *      "version","canary","facts":{...},"shadow_set":{...}}              this
 *
 * replay.h reads it again: what a decision was made of and the payment's row does not have must be
 * in it (P6).
 */
#ifndef PAYMENT_DECISION_RECORD_H
#define PAYMENT_DECISION_RECORD_H

#include "base/json.h"
#include "payment/facts.h"
#include "payment/rulebook.h"

enum {
    DECISION_RECORD_BYTES_MAX = 65536, /* of the router's part, and of this one */
};

struct decision_record { /* borrowed */
    const struct rulebook_pick *pick;
    const struct facts *facts;
    const struct route_decision *asked;    /* as the rules said */
    const struct route_decision *decision; /* after adapter and breaker were asked */
};

enum decision_shadow {
    DECISION_SHADOW_NONE = 0, /* there is no shadow set */
    DECISION_SHADOW_SAME,
    DECISION_SHADOW_DIFFERENT,
};

/* The reason of a further attempt that its decision left nobody for. */
#define DECISION_RULE_DECLINED "rule_declined" /* the rules decline the payment */
#define DECISION_NO_ROUTE      "no_route"      /* whoever is named was tried, or cannot take it */

/* One JSON object; what the shadow set made of the same payment. */
enum decision_shadow decision_record_print(const struct decision_record *record, struct buf *out);
/* What `other` would have done with the same payment and draw, as an object named `key`. */
enum decision_shadow decision_record_print_other(const struct decision_record *record,
                                                 const char *key, const struct rule_set *other,
                                                 int32_t version, struct json_out *json);
/*
 * Of the record of a further attempt: why it left nobody, as above; NULL: it did not, or there is no
 * record. `detail`, if not NULL, gets which rule declined, and the reason it gives.
 */
const char *decision_record_refusal(struct str record, struct buf *detail);

#endif

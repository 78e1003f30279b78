/*
 * explain.h - what would be done with a payment or payout, and why: nothing is sent, taken, counted
 * or written.
 *
 *     request --facts_lay_out--> facts --route_decide--> decision --adapters--> record
 *                                  |
 *                                  '--route_explain--> rules, conditions, what they saw
 *
 * The same facts, rules, adapters and record as the driver's (facts.h, decision_record.h): the
 * "decision" of an explanation is what the payment would be stored with. Two things are the
 * driver's alone: it takes the probe of a half-open breaker, which two callers cannot have, and what
 * a canary decides depends on the payment's id. Explained is the live set; what a running canary
 * would have done with the same draw stands in "canary_set".
 *
 *     {"object":"routing_explanation","provider","account","problem",
 *      "facts":{...},"rules":[...],"skipped","refusals":[...],"decision":{...},"canary_set":{...}}
 */
#ifndef PAYMENT_EXPLAIN_H
#define PAYMENT_EXPLAIN_H

#include "ledger/history.h"
#include "payment/facts.h"
#include "payment/replay.h"

enum {
    EXPLAIN_BYTES_MAX = 2 * 1024 * 1024, /* of an answer: what is told is bounded far below it */
};

struct explain_asked { /* borrowed, all */
    const struct merchant *merchant;
    const struct payment_request *request; /* without key and fingerprint */
    /* NULL: the merchant's live set. Not of its sets in force: version is 0 or its number. */
    const struct rule_set *rules;
    int32_t version;
    int64_t at_us; /* wall; 0: now */
    bool has_draw; /* false: it is drawn */
    uint64_t draw;
    const struct health_view *told; /* as in facts_source */
    bool is_offline;                /* no adapter is asked: the accounts have no credentials */
};

/* One JSON object. */
void explain_payment(struct payments *payments, const struct explain_asked *asked, struct buf *out);
/* The same of accounts that no gateway watches: parts say what is there; health may be NULL. */
void explain_offline(const struct payments_parts *parts, const struct explain_asked *asked,
                     struct buf *out);

/*
 * A decision that was made, from its record: rules, conditions, and the record itself, with
 * "replay" ("same", ...) and, unless it is the same, "replay_detail". Rules are told only when all
 * that the record names is still kept.
 */
void explain_record(const struct history_row *row, const struct replay_sources *sources,
                    struct buf *out);

#endif

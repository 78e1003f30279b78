/*
 * router.h - which accounts may take this operation, in which order, and why.
 *
 * A pure library: names and capabilities go in when a rule set is loaded, indices and an
 * explanation come out. The same rule set, facts, candidates and draw give the same decision,
 * always (P6). Rules are text (docs/rules.md), first match wins, with a default.
 *
 *     facts, candidates -> rule that matches -> its provider list
 *          -> filter (capability, token, health, limits, only/never)
 *          -> order (as written, or by expected fee)
 *          -> decision: every candidate, kept or dropped, with reason, expected fee and health
 *
 * Level 1: knows nothing of HTTP, ledger and providers. The payment module fills struct
 * route_candidate.
 */
#ifndef ROUTER_ROUTER_H
#define ROUTER_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/id.h"
#include "base/money.h"
#include "base/terms.h"
#include "router/cost.h"
#include "router/health.h"

enum {
    ROUTE_CANDIDATE_MAX = 16,
    ROUTE_METADATA_MAX = 50,
    ROUTE_METADATA_NAME_MAX = 64, /* different names that one rule set asks for */
    ROUTE_DEPTH_MAX = 32,         /* of parentheses and not */
    ROUTE_LIST_MAX = 10000,       /* values after in */
    ROUTE_VALUE_MAX = 262144, /* values in all lists, a set counted for each type it is used as */
    ROUTE_TEST_MAX = 131072,  /* comparisons in a rule set, named conditions counted at every use */
    ROUTE_PATTERN_BYTES_MAX = 16384, /* of all patterns, counted alike: what a decision may cost */
    ROUTE_TARGET_MAX = 16,           /* providers in one rule */
    ROUTE_ZONE_MAX = 8,              /* different time zones in one rule set */
    ROUTE_BIN_DIGITS_MIN = 6,
    ROUTE_BIN_DIGITS_MAX = 8,
    ROUTE_NAME_BYTES_MAX = 100, /* of a rule */
    ROUTE_RULE_MAX = 16384,
    ROUTE_DEFINITION_MAX = 4096, /* sets and conditions */
    ROUTE_RULES_BYTES_MAX = 4 * 1024 * 1024,
};

struct route_pair {
    struct str name;
    struct str value;
};

struct rates; /* of currencies to each other: rates.h */

struct route_facts { /* borrowed; a text that is not known is empty */
    enum operation operation;
    int64_t amount_minor;
    const struct currency *currency;
    struct str method;              /* "card", "wallet", "test" */
    struct str country;             /* payer's */
    struct str merchant;            /* "mer_..." */
    struct str card_brand;          /* "visa", "mastercard", ... */
    struct str card_country;        /* where the card was issued */
    struct str bin;                 /* the card's first 6 to 8 digits */
    struct str beneficiary_country; /* of a payout */
    struct str reference;           /* the merchant's own name of the payment */
    struct str customer;         /* the merchant's own name of the payer: what a split sticks to */
    uint32_t attempt;            /* 1 on the first; 0 counts as 1 */
    struct str previous_decline; /* how the attempt before ended: "soft", "hard", "failed" */
    struct str previous_reason;  /* ... and why: "insufficient_funds", "connect_refused", ... */
    const struct rates *rates;   /* for `amount as EUR`, and for fees; NULL: none */
    const struct route_pair *metadata;
    size_t metadata_count;
    struct str only[ROUTE_CANDIDATE_MAX]; /* provider names; count 0: no restriction */
    size_t only_count;
    struct str never[ROUTE_CANDIDATE_MAX];
    size_t never_count;
    int64_t now_us; /* wall clock */
    /* What a split was decided by, of a decision that is made again: its key is personal and may be
     * gone by then. 0: to be taken from the key, or else the draw. */
    uint64_t split_bits;
};

struct route_candidate { /* one account of the merchant; borrowed */
    struct uuid account_id;
    struct str provider;     /* "paypal" */
    struct str account_name; /* the merchant's own; rules say paypal or paypal:name */
    bool disabled;           /* by a human */
    bool drained;            /* by a human: no new payments, all else goes on */
    bool in_maintenance;     /* planned */
    bool takes_currency;
    bool takes_operation;
    bool takes_method;
    bool is_busy;   /* it holds its share of this worker: said by the payment module */
    bool has_token; /* the request carries a token for this provider (or the test method) */
    int64_t amount_max_minor;      /* 0: no limit */
    const struct cost_table *cost; /* NULL: unknown fee, sorts last */
    int64_t month_volume_minor;    /* what its tiers look at: cost_volume() */
    struct health_view health;     /* snapshot of the shared segment at decision time */
};

enum route_drop {
    ROUTE_KEPT = 0,
    ROUTE_RULE_DECLINED, /* the rule declines the payment */
    ROUTE_NOT_IN_RULE,
    ROUTE_RULE_ONLY,
    ROUTE_RULE_NEVER,
    ROUTE_DISABLED,
    ROUTE_DRAINED,
    ROUTE_MAINTENANCE,
    ROUTE_CURRENCY,
    ROUTE_OPERATION,
    ROUTE_METHOD,
    ROUTE_NO_TOKEN,
    ROUTE_LIMIT,
    ROUTE_ONLY,
    ROUTE_NEVER,
    ROUTE_BREAKER_OPEN,
    ROUTE_PROVIDER_BUSY,
    ROUTE_REFUSED, /* the adapter cannot express it: said by the payment module, after the router */
    ROUTE_TRIED,   /* an earlier attempt of this payment was with it: said likewise */
    ROUTE_DROP_COUNT,
};
const char *route_drop_name(enum route_drop drop); /* "breaker_open", ... "" for kept */

struct route_verdict {
    uint8_t candidate; /* index into the candidates given */
    enum route_drop drop;
    bool fee_known;
    int64_t expected_fee_minor;
    bool avoided;     /* the rule says so: behind the others that are well */
    bool last_resort; /* half-open and its probe is taken: after all others, without the probe */
    bool probe;       /* kept as the half-open probe of its breaker, or to try a slow account */
    bool slow;        /* a brown-out: behind those that are well */
    bool ramping;     /* just recovered, and the draw says: not this time; behind those as well */
};

struct route_shadow { /* what the rule's shadow would have done */
    bool is_given;
    unsigned order;
    struct str declined;
    uint8_t candidate[ROUTE_CANDIDATE_MAX]; /* kept ones, in order */
    size_t count;
};

struct route_decision {
    struct route_verdict verdict[ROUTE_CANDIDATE_MAX]; /* kept ones first, in the order to try */
    size_t count;
    size_t kept_count;
    struct str rule; /* name of the rule that matched, "default" else; borrowed from the rule set */
    uint8_t rule_set_hash[32];
    uint64_t draw;       /* the random draw given in */
    unsigned order;      /* enum ast_order: by what the kept ones are ordered */
    struct str declined; /* the rule's reason to decline; empty: it does not. Borrowed likewise */
    uint8_t depth_max;   /* tries in all; 0: the rule does not say */
    int64_t within_us;   /* no new try later than this after the first; 0: it does not say */
    const struct rates *rates; /* those that a fee or a rule needed; NULL: none did. Borrowed */
    uint64_t split_bits;       /* what a split was decided by; 0: there was none */
    int64_t now_us; /* the moment that weekday and time were taken of; 0: no rule asked */
    struct route_shadow shadow;
};
const char *route_order_name(unsigned order); /* "list", "cost", "success", "value", ... */

struct rule_set;

/*
 * Parse and check. known_providers: names that may appear. NULL with *err: line, column, what is
 * wrong and what would be right, in one line. The rule set is immutable afterwards.
 */
struct rule_set *rule_set_new(struct str text, const struct str *known_providers,
                              size_t known_count, struct error *err) MUST_USE;
void rule_set_free(struct rule_set **rules);
const uint8_t *rule_set_hash(const struct rule_set *rules); /* SHA-256 of the text, 32 bytes */
size_t rule_set_rule_count(const struct rule_set *rules);
struct str rule_set_rule_name(const struct rule_set *rules, size_t index);
/* True when some rule asks for the attempt or for the end of the one before: then later attempts are
 * decided anew. */
bool rule_set_asks_attempt(const struct rule_set *rules);
/* The tree and the program, for those who explain and test. */
const struct ast_tree *rule_set_tree(const struct rule_set *rules);
const struct program *rule_set_program(const struct rule_set *rules);

/* Decide. Never fails; kept_count may be 0 (then the verdicts say why of each). */
void route_decide(const struct rule_set *rules, const struct route_facts *facts,
                  const struct route_candidate *candidates, size_t candidate_count, uint64_t draw,
                  struct route_decision *decision);

/* Said after the router: the kept one at `index` is dropped after all, before those that were. */
void route_decision_drop(struct route_decision *decision, size_t index, enum route_drop drop);

/*
 * The decision as the JSON object shown to merchants and stored with the attempt:
 * {"rule","rule_set",
 * "draw","order":"list|cost|...","candidates":[{"provider","account","kept","dropped","expected_fee","health":{...}}]}
 */
void route_decision_print(const struct route_decision *decision,
                          const struct route_candidate *candidates, struct buf *out);

#endif

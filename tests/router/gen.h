/*
 * gen.h - random rule files and payments that meet: every fact, sign, name and action, with values
 * from small pools so that comparisons are true about as often as false.
 */
#ifndef TESTS_ROUTER_GEN_H
#define TESTS_ROUTER_GEN_H

#include "base/rng.h"
#include "router/facts.h"
#include "router/rates.h"

enum {
    GEN_PEERS = 4,
    GEN_METADATA = 3,
    GEN_SMALL_CURRENCIES = 2,
};

extern const struct str gen_providers[GEN_PEERS];

struct gen_payment { /* facts borrow from here */
    struct route_facts facts;
    struct route_pair metadata[GEN_METADATA];
    struct route_candidate candidate[GEN_PEERS];
};

struct gen_tables {                     /* fee tables and rates, for all payments */
    struct cost_table *cost[GEN_PEERS]; /* the last is NULL: not known */
    struct rates *rates;
};

void gen_tables_init(struct gen_tables *tables);
void gen_tables_release(struct gen_tables *tables);
/* A file of 1 to `rules_max` rules and the last. Always right. */
void gen_rules(struct rng *rng, unsigned rules_max, struct buf *out);
/* A file of 2 to `rules_max` rules that ask for these facts only, with few values of each: so that
 * all payments it can tell apart may be enumerated. Currencies are EUR and JPY, metadata.tier alone,
 * times the quarters of the day in UTC, measures paypal's. */
void gen_small(struct rng *rng, const enum fact *fact, unsigned fact_count, unsigned rules_max,
               struct buf *out);
void gen_payment(struct rng *rng, const struct gen_tables *tables, struct gen_payment *payment);
/* A large file of the kind that merchants write: by merchant, country, method and amount. */
void gen_large(struct rng *rng, unsigned rules, struct buf *out);
/* A payment such as gen_large's rules look for, with a merchant of `rules`. */
void gen_large_payment(struct rng *rng, unsigned rules, const struct gen_tables *tables,
                       char merchant[32], struct gen_payment *payment);

#endif

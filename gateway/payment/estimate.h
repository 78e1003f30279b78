/*
 * estimate.h - a success rate under choices that were not made, from outcomes of choices that were,
 * with what is not known of it. Statistics: the only floating point beside money.
 *
 *     weight of a payment = chance of its choice under the rules asked about
 *                           / chance of it under the rules that made it        (0: it tells nothing)
 *     rate = sum of weight x success / sum of weight         (self-normalized inverse propensity)
 *
 * The interval is Wilson's, for as many payments as would say as much with equal weights. Its
 * variance is taken between groups of payments that were chosen for together (all of a customer whom
 * a split keeps at one provider are in one group), so what hangs together is not counted as if it did
 * not. It treats the payments themselves as a sample: a little wider than need be, never narrower.
 */
#ifndef PAYMENT_ESTIMATE_H
#define PAYMENT_ESTIMATE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ESTIMATE_GROUPS = 512,
    ESTIMATE_PAYMENTS_MIN = 30, /* fewer say nothing */
};

struct estimate_sums { /* all zero: empty */
    double weight[ESTIMATE_GROUPS];
    double success[ESTIMATE_GROUPS]; /* weight x success */
    double weight_squares;
    int64_t payments; /* with a weight */
};

struct estimate {
    bool is_known;
    double rate, low, high; /* 0 to 1; at 95 % */
    double worth;           /* so many payments with equal weights */
    int64_t payments;
};

/* group: any number; equal ones hang together. */
void estimate_add(struct estimate_sums *sums, uint64_t group, double weight, bool success);
struct estimate estimate_read(const struct estimate_sums *sums);

#endif

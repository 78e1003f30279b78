#include "payment/estimate.h"

#include <math.h>

#include "base/error.h"

/* The normal distribution's 97.5 % point. */
#define Z 1.959963984540054

void estimate_add(struct estimate_sums *sums, uint64_t group, double weight, bool success)
{
    CHECK(weight >= 0);
    if (weight <= 0)
        return;
    /* Groups are given as ids, whose bits are uneven. */
    size_t at = (size_t)(group * UINT64_C(0x9E3779B97F4A7C15) >> 32) % ESTIMATE_GROUPS;
    sums->weight[at] += weight;
    sums->success[at] += success ? weight : 0;
    sums->weight_squares += weight * weight;
    sums->payments++;
}

/* Of the rate, linearized: what each group adds to it beyond its share. */
static double variance_of(const struct estimate_sums *sums, double total, double rate)
{
    double sum = 0;
    int used = 0;
    for (int i = 0; i < ESTIMATE_GROUPS; i++) {
        double beyond = sums->success[i] - rate * sums->weight[i];
        sum += beyond * beyond;
        used += sums->weight[i] > 0;
    }
    return used < 2 ? 0 : sum / (total * total) * used / (used - 1);
}

struct estimate estimate_read(const struct estimate_sums *sums)
{
    struct estimate estimate = {.high = 1, .payments = sums->payments};
    double total = 0;
    double success = 0;
    for (int i = 0; i < ESTIMATE_GROUPS; i++) {
        total += sums->weight[i];
        success += sums->success[i];
    }
    if (sums->payments < ESTIMATE_PAYMENTS_MIN)
        return estimate;
    double rate = success / total;
    double variance = variance_of(sums, total, rate);
    double worth = total * total / sums->weight_squares;
    if (variance > 0 && rate > 0 && rate < 1) {
        double by_variance = rate * (1 - rate) / variance;
        worth = by_variance < worth ? by_variance : worth;
    }
    double square = Z * Z / worth;
    double centre = (rate + square / 2) / (1 + square);
    double half = Z / (1 + square) * sqrt(rate * (1 - rate) / worth + square / worth / 4);
    estimate.is_known = true;
    estimate.rate = rate;
    estimate.low = centre - half < 0 ? 0 : centre - half;
    estimate.high = centre + half > 1 ? 1 : centre + half;
    estimate.worth = worth;
    return estimate;
}

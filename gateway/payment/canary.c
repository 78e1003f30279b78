#include "payment/canary.h"

#include <math.h>
#include <stdio.h>

#include "base/json.h"

enum {
    MILLION = 1000000,
    LIVE_MIN = 10,   /* answered under the live set: else there is nothing to compare with */
    FEE_MIN = 5,     /* fees known on either side */
    LOOK_MAX = 1000, /* as many as there are below 10^90 */
};

/* Share of errors in all looks; half for success, half for cost. */
static const double error_total = 0.05;
/* Fees vary at least so much (millionths of the amount): equal ones prove little. */
static const double fee_spread_least = 1000.0;

static int64_t read_within(const json_t *object, const char *name, int64_t least, int64_t most,
                           int64_t otherwise)
{
    const json_t *value = json_object_get(object, name);
    int64_t number = json_is_integer(value) ? json_integer_value(value) : otherwise;
    return number < least || number > most ? otherwise : number;
}

struct canary_bounds canary_bounds_read(struct str json)
{
    struct error ignored;
    json_t *object = json_parse(json, &json_limits_default, &ignored);
    struct canary_bounds bounds = {
        .success_drop_millionths =
            read_within(object, "success_drop", 0, MILLION, CANARY_SUCCESS_DROP),
        .cost_rise_millionths = read_within(object, "cost_rise", 0, MILLION, CANARY_COST_RISE),
        .after_payments =
            read_within(object, "after_payments", CANARY_AFTER_MIN, MILLION, CANARY_AFTER),
    };
    json_decref(object);
    return bounds;
}

void canary_bounds_print(const struct canary_bounds *bounds, struct buf *out)
{
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_int(&json, "success_drop", bounds->success_drop_millionths);
    json_put_int(&json, "cost_rise", bounds->cost_rise_millionths);
    json_put_int(&json, "after_payments", bounds->after_payments);
    json_end_object(&json);
}

const char *canary_verdict_name(enum canary_verdict verdict)
{
    static const char *const names[] = {
        [CANARY_GOES_ON] = "goes_on",
        [CANARY_SUCCESS_FELL] = "success",
        [CANARY_COST_ROSE] = "cost",
    };
    CHECK((unsigned)verdict < ARRAY_LEN(names));
    return names[verdict];
}

int32_t canary_look(const struct canary_bounds *bounds, int64_t answered)
{
    int32_t look = 0;
    for (int64_t due = bounds->after_payments; answered >= due && look < LOOK_MAX; look++)
        due += due / 4 + 1;
    return look;
}

/* How many standard deviations look k asks for: P(Z > z) <= exp(-z*z/2). */
static double deviations(int32_t look)
{
    double error = error_total / 2 / ((double)look * ((double)look + 1));
    return sqrt(2 * log(1 / error));
}

struct share {
    double mean, low, high;
};

/* Wilson's interval. */
static struct share share_of(int64_t good, int64_t all, double z)
{
    double n = (double)all;
    double p = (double)good / n;
    double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return (struct share){p, fmax(0, middle - half), fmin(1, middle + half)};
}

static bool has_success_fallen(const struct canary_bounds *bounds, const struct rules_tally *live,
                               const struct rules_tally *canary, int32_t look, struct buf *why)
{
    int64_t live_all = live->approved + live->declined;
    int64_t canary_all = canary->approved + canary->declined;
    if (live_all < LIVE_MIN || canary_all == 0)
        return false;
    double z = deviations(look);
    struct share was = share_of(live->approved, live_all, z);
    struct share is = share_of(canary->approved, canary_all, z);
    double below = was.mean - was.low;
    double above = is.high - is.mean;
    double least = was.mean - is.mean - sqrt(below * below + above * above);
    double bound = (double)bounds->success_drop_millionths / MILLION;
    if (least <= bound)
        return false;
    buf_printf(why,
               "success fell: %lld of %lld attempts answered were approved (%.1f%%), with the live "
               "set %lld of %lld (%.1f%%); with 95%% confidence it is at least %.1f points lower, "
               "and %.1f are allowed (look %d; unknown: %lld and %lld)",
               (long long)canary->approved, (long long)canary_all, is.mean * 100,
               (long long)live->approved, (long long)live_all, was.mean * 100, least * 100,
               bound * 100, (int)look, (long long)canary->unknown, (long long)live->unknown);
    return true;
}

struct mean {
    double value, variance; /* of the mean */
};

static struct mean mean_of(const struct rules_tally *tally)
{
    double n = (double)tally->fee_count;
    double mean = (double)tally->fee_sum / n;
    double variance = (double)tally->fee_squares * MILLION / n - mean * mean;
    double least = fee_spread_least * fee_spread_least;
    return (struct mean){mean, fmax(variance, least) / n};
}

static bool has_cost_risen(const struct canary_bounds *bounds, const struct rules_tally *live,
                           const struct rules_tally *canary, int32_t look, struct buf *why)
{
    if (live->fee_count < FEE_MIN || canary->fee_count < FEE_MIN)
        return false;
    struct mean was = mean_of(live);
    struct mean is = mean_of(canary);
    double least = is.value - was.value - deviations(look) * sqrt(was.variance + is.variance);
    double bound = (double)bounds->cost_rise_millionths;
    if (least <= bound)
        return false;
    buf_printf(
        why,
        "cost rose: the expected fee of %lld approved attempts was %.2f%% of the amount, with "
        "the live set %.2f%% of %lld; with 95%% confidence it is at least %.2f points "
        "higher, and %.2f are allowed (look %d)",
        (long long)canary->fee_count, is.value / 10000, was.value / 10000,
        (long long)live->fee_count, least / 10000, bound / 10000, (int)look);
    return true;
}

enum canary_verdict canary_judge(const struct canary_bounds *bounds, const struct rules_tally *live,
                                 const struct rules_tally *canary, int32_t look, struct buf *why)
{
    CHECK(look > 0);
    if (has_success_fallen(bounds, live, canary, look, why))
        return CANARY_SUCCESS_FELL;
    return has_cost_risen(bounds, live, canary, look, why) ? CANARY_COST_ROSE : CANARY_GOES_ON;
}

void canary_add(struct rules_tally *tally, bool is_approved, bool is_unknown, int64_t fee_minor,
                int64_t amount_minor)
{
    tally->approved += is_approved;
    tally->unknown += is_unknown;
    tally->declined += !is_approved && !is_unknown;
    if (!is_approved || fee_minor < 0 || amount_minor <= 0)
        return;
    int64_t part = fee_minor >= amount_minor
                       ? MILLION
                       : (int64_t)((double)fee_minor * MILLION / (double)amount_minor);
    tally->fee_count++;
    tally->fee_sum += part;
    tally->fee_squares += part * part / MILLION;
}

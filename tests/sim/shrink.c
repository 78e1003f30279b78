/*
 * Smaller worlds that break the same promise. A world with fewer orders takes another course, since
 * all draws come from one generator; so for each size several courses are tried (salts) under the
 * same faults, limits and providers, and the first that fails is kept. Then faults end as early as
 * they may, and each class of faults that is not needed is switched off.
 */
#include "run.h"

#include <stdio.h>
#include <string.h>

enum {
    ORDERS_PLAYED_MAX = 4000, /* for one size */
    SALT_MAX = 400,
    STOP_STEPS = 12,
};

/* What comes before the colon names the promise. */
static bool is_same_promise(const char *a, const char *b)
{
    size_t length = strcspn(a, ":");
    return length == strcspn(b, ":") && memcmp(a, b, length) == 0;
}

/* True when `options`, played, breaks the promise of `violation`, which then says how. */
static bool still_fails(const struct run_options *options, char violation[512])
{
    struct run_result result;
    run_cases(options, &result);
    if (!result.is_violated || !is_same_promise(result.violation, violation))
        return false;
    memcpy(violation, result.violation, sizeof(result.violation));
    return true;
}

static bool try_size(struct run_options *options, uint32_t orders, char violation[512])
{
    struct run_options tried = *options;
    uint64_t courses = ORDERS_PLAYED_MAX / orders + 1;
    tried.orders = orders;
    if (courses > SALT_MAX)
        courses = SALT_MAX;
    for (tried.salt = 0; tried.salt < courses; tried.salt++) {
        if (still_fails(&tried, violation)) {
            *options = tried;
            return true;
        }
    }
    return false;
}

static void shrink_orders(struct run_options *options, char violation[512])
{
    for (uint32_t orders = 1; orders < options->orders; orders += 1 + orders / 2)
        if (try_size(options, orders, violation))
            return;
}

static void shrink_stop(struct run_options *options, char violation[512])
{
    int64_t low = 0;
    int64_t high = 600 * SEC;
    for (int i = 0; i < STOP_STEPS; i++) {
        struct run_options tried = *options;
        tried.stop_us = low + (high - low) / 2;
        if (still_fails(&tried, violation)) {
            high = tried.stop_us;
            *options = tried;
        } else {
            low = tried.stop_us;
        }
    }
}

static void shrink_faults(struct run_options *options, char violation[512])
{
    for (int i = 0; i < FAULT_COUNT; i++) {
        struct run_options tried = *options;
        tried.off |= 1ULL << i;
        if (still_fails(&tried, violation))
            *options = tried;
    }
}

void shrink_case(struct run_options *options, char violation[512])
{
    options->worlds = 1;
    options->jobs = 1;
    options->trace = false;
    options->print_hashes = false;
    shrink_orders(options, violation);
    shrink_stop(options, violation);
    shrink_faults(options, violation);
}

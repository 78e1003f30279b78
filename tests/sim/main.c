/*
 * sim - run many worlds from one seed, check each, and say how to run a failing one again.
 *
 *     sim --seed=1 --payments=200000 [--case=N [--trace]] [--bug=NAME]
 *
 * Case N of a seed is one world of ORDERS_PER_WORLD orders. With all cases run, every coverage mark
 * must have been hit. --bug exists only in the program that is linked with the core compiled for
 * it.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "payment/orchestrate_internal.h"

enum {
    ORDERS_PER_WORLD = 1000,
    PAYMENTS_FOR_MARKS = 200000, /* with so many, each mark must be hit */
};

#ifdef ORCHESTRATE_BUGS
enum orchestrate_bug orchestrate_bug = BUG_NONE;

static const char *const bug_names[BUG_COUNT] = {
    [BUG_NONE] = "none",
    [BUG_FAILOVER_ON_TIMEOUT] = "failover-on-timeout",
    [BUG_FINAL_DECLINE_ON_REPLAY] = "final-decline-on-replay",
    [BUG_COMMIT_UNKNOWN_IS_FAILURE] = "commit-unknown-is-failure",
    [BUG_CANCEL_UNCONFIRMED] = "cancel-unconfirmed",
    [BUG_REPEAT_CANCELED] = "repeat-canceled",
};
#endif

struct options {
    uint64_t seed;
    uint64_t payments;
    int64_t only_case; /* -1: all */
    bool trace;
};

static bool set_bug(const char *name)
{
#ifdef ORCHESTRATE_BUGS
    for (int i = 0; i < BUG_COUNT; i++) {
        if (strcmp(bug_names[i], name) == 0) {
            orchestrate_bug = (enum orchestrate_bug)i;
            return true;
        }
    }
#endif
    fprintf(stderr, "sim: no bug %s is compiled into this program\n", name);
    return false;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--seed=", 7) == 0)
            options->seed = strtoull(argv[i] + 7, NULL, 10);
        else if (strncmp(argv[i], "--payments=", 11) == 0)
            options->payments = strtoull(argv[i] + 11, NULL, 10);
        else if (strncmp(argv[i], "--case=", 7) == 0)
            options->only_case = strtoll(argv[i] + 7, NULL, 10);
        else if (strcmp(argv[i], "--trace") == 0)
            options->trace = true;
        else if (strncmp(argv[i], "--bug=", 6) == 0) {
            if (!set_bug(argv[i] + 6))
                return false;
        } else {
            fprintf(stderr,
                    "sim: unknown option %s; known: --seed= --payments= --case= --trace --bug=\n",
                    argv[i]);
            return false;
        }
    }
    return true;
}

static uint64_t seed_of_case(uint64_t seed, uint64_t number)
{
    struct rng rng;
    rng_seed(&rng, seed * 0x9e3779b97f4a7c15u + number);
    return rng_next(&rng);
}

static bool marks_are_hit(const uint64_t marks[MARK_COUNT], bool print)
{
    bool all = true;
    for (int i = 0; i < MARK_COUNT; i++) {
        if (print)
            printf("  %-22s %llu\n", mark_names[i], (unsigned long long)marks[i]);
        if (marks[i] == 0) {
            fprintf(stderr, "sim: mark %s was not hit\n", mark_names[i]);
            all = false;
        }
    }
    return all;
}

struct totals {
    uint64_t payments, events, crashes, sends, looks, worlds, hash;
};

/* False on a violation, which is printed. */
static bool run_case(struct world *w, const struct options *options, uint64_t number,
                     struct totals *totals)
{
    world_run(w, seed_of_case(options->seed, number), ORDERS_PER_WORLD);
    if (w->violation[0] == '\0')
        check_world(w);
    totals->payments += w->order_count;
    totals->events += w->event_count;
    totals->crashes += w->crash_count;
    totals->sends += w->send_count;
    totals->looks += w->look_count;
    totals->worlds++;
    totals->hash = (totals->hash ^ w->hash) * 0x100000001b3u;
    if (w->violation[0] == '\0')
        return true;
    printf("sim: violation after %llu payments: %s\n"
           "sim: run it again: make sim SEED=%llu CASE=%llu\n",
           (unsigned long long)totals->payments, w->violation, (unsigned long long)options->seed,
           (unsigned long long)number);
    return false;
}

int main(int argc, char **argv)
{
    static struct world world;
    static uint64_t marks[MARK_COUNT];
    struct options options = {.seed = 1, .payments = PAYMENTS_FOR_MARKS, .only_case = -1};
    struct totals totals = {0};
    if (!read_options(argc, argv, &options))
        return 2;
    uint64_t first = 0;
    uint64_t count = (options.payments + ORDERS_PER_WORLD - 1) / ORDERS_PER_WORLD;
    if (options.only_case >= 0) {
        first = (uint64_t)options.only_case;
        count = 1;
    }
    world_init(&world, marks);
    world.trace = options.trace;
    int64_t began_us = clock_mono_us();
    bool passed = true;
    for (uint64_t i = first; passed && i < first + count; i++)
        passed = run_case(&world, &options, i, &totals);
    double seconds = (double)(clock_mono_us() - began_us) / 1e6;
    world_release(&world);
    if (!passed)
        return 1;
    bool is_full = options.only_case < 0 && options.payments >= PAYMENTS_FOR_MARKS;
    bool all_hit = !is_full || marks_are_hit(marks, false);
    printf("sim: %llu payments, 0 violations: seed %llu, %llu worlds, %llu events, %llu crashes, "
           "%llu sends, %llu looks, trace %016llx, %.0f payments/s\n",
           (unsigned long long)totals.payments, (unsigned long long)options.seed,
           (unsigned long long)totals.worlds, (unsigned long long)totals.events,
           (unsigned long long)totals.crashes, (unsigned long long)totals.sends,
           (unsigned long long)totals.looks, (unsigned long long)totals.hash,
           (double)totals.payments / seconds);
    return all_hit ? 0 : 1;
}

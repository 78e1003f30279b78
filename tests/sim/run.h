/*
 * run.h - many worlds from one seed, on several threads; and the smallest one that still fails.
 *
 * Case N of a seed is one world. Worlds share nothing, so the threads take the next case each, and
 * what comes out does not depend on how many there are: sums, a hash that is a sum, and the failing
 * case with the lowest number.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "sim.h"

enum {
    JOB_MAX = 64,
};

struct run_options {
    uint64_t seed;
    uint64_t first;  /* case */
    uint64_t worlds; /* how many cases */
    uint32_t orders; /* per world */
    unsigned jobs;
    uint64_t salt, off;
    int64_t stop_us;
    bool trace;
    bool print_hashes; /* one line a case */
    bool is_real;
};

struct run_result {
    uint64_t worlds, orders, payments, events, crashes, sends, looks, hash;
    uint64_t marks[MARK_AND_POINT_COUNT];
    bool is_violated;
    uint64_t violated_case;
    char violation[512];
};

struct world_plan run_plan(const struct run_options *options, uint64_t number);

/* Play and judge the cases; ends early after a violation, which `result` holds. */
void run_cases(const struct run_options *options, struct run_result *result);

/*
 * Make the failing case smaller while the same promise stays broken: fewer orders, an earlier end
 * of faults, classes of faults off. *options becomes the case found; `violation` what it breaks.
 */
void shrink_case(struct run_options *options, char violation[512]);

/* The command that plays `options` again, into out. */
void run_command(const struct run_options *options, char *out, size_t size);

#endif

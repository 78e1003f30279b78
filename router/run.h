/*
 * run.h - the program at work: one payment's numbers, the first rule that matches, and conditions
 * of candidates. No memory is allocated and nothing recurses.
 */
#ifndef ROUTER_RUN_H
#define ROUTER_RUN_H

#include "router/measure.h"
#include "router/program.h"

struct run { /* one decision */
    const struct program *program;
    const struct measures *measures; /* of the payment and its candidates; borrowed */
    struct fact_values values;
    int64_t slot[SLOT_COUNT]; /* those that the program asks for */
    int64_t rated_minor[PROGRAM_RATED_MAX];
    bool rated_known[PROGRAM_RATED_MAX];
};

/* Look up what the program asks of this payment. */
void run_init(struct run *run, const struct program *program, const struct measures *measures);
/* The first rule that matches; there is always one, for the last has no condition. */
const struct program_rule *run_rules(const struct run *run);
/* A condition that starts at `test`, of this candidate. */
bool run_where(const struct run *run, uint32_t test, size_t candidate);

/* One test of a number (RANGE, LIST), or of a text (PREFIX, PATTERN). */
bool run_number(const struct program *program, const struct test *test, int64_t number);
bool run_text(const struct program *program, const struct test *test, struct str text);

/* Whole `text` against `pattern` of * (any characters) and ? (one). Linear: the last * alone is
 * ever gone back to. */
bool run_pattern(struct str pattern, struct str text);

#endif

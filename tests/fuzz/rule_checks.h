/*
 * rule_checks.h - one rule file through lexer, parser, printer, checker, compiler and evaluator, and
 * what has to be true at each step. What is not ends the process.
 *
 *     refused    there are errors; each finding lies within the file, has a text and a remedy, and can be
 *                shown to people
 *     accepted   printed and read again it is the same tree, and prints the same; the checker's findings
 *                are as above; of each payment the program says what the plain interpreter says, every
 *                `where` alike; no rule decides that the checker calls unreachable; every account is in the
 *                decision once
 *     always     what was allocated is freed; a file as short as these takes no second (RULE_CHECKS_US_MAX)
 */
#ifndef TESTS_FUZZ_RULE_CHECKS_H
#define TESTS_FUZZ_RULE_CHECKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/str.h"

enum {
    RULE_CHECKS_US_MAX = 2 * 1000 * 1000, /* of the processor, for one file of at most... */
    RULE_CHECKS_SHORT = 1024,             /* ... so many bytes */
};

/* `choice` draws the payments. The text is copied: one look beyond it is seen by ASan. */
void rule_checks(struct str text, uint32_t choice);

/*
 * Files written by choices: tests/router/gen.c is compiled for fuzzing with this in place of rng_below.
 * While there are choices each octet of them answers one question, then the answer is 0; without
 * (at NULL) `rng` answers.
 */
struct rule_choices {
    const uint8_t *at; /* borrowed */
    size_t left;
};
extern struct rule_choices rule_choices;
uint64_t fuzz_choose(struct rng *rng, uint64_t bound);

#endif

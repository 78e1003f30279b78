/*
 * rounds.h - how often a test repeats what chance decides.
 *
 * UNIT_ROUNDS is the percentage of the full number of rounds: `make check` does a part of them, to
 * be quick; `make unit` and `make test` do them all.
 */
#ifndef TESTS_UNIT_ROUNDS_H
#define TESTS_UNIT_ROUNDS_H

#include <stdlib.h>

#include "base/error.h"

static inline unsigned rounds_percent(void)
{
    const char *text = getenv("UNIT_ROUNDS");
    unsigned long percent = text != NULL ? strtoul(text, NULL, 10) : 100;
    return percent < 100 ? (unsigned)percent : 100;
}

static inline unsigned rounds_of(unsigned full)
{
    unsigned count = full * rounds_percent() / 100;
    return count > 0 ? count : 1;
}

#endif

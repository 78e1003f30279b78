/*
 * cost_table.h - a fee table in memory: what cost_table.c reads and cost.c asks. Private to these
 * two.
 *
 * Rates are indexed by currency, so that asking costs the same however long the table is.
 */
#ifndef ROUTER_COST_TABLE_H
#define ROUTER_COST_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/terms.h"

enum {
    COST_METHOD_MAX = 16,
    COST_METHOD_SIZE = 33,
};

struct rate {
    bool known;
    int64_t percent; /* in millionths of the amount */
    int64_t fixed_minor;
    int64_t min_minor;
    int64_t max_minor;  /* 0: no cap */
    int64_t step_minor; /* fees are multiples of it */
};

struct scope { /* the table itself, or what it says of one method or operation */
    bool known;
    struct rate fallback; /* of currencies not listed; by percent alone */
    struct rate *rates;   /* owned; by currency_index() */
    int64_t percent;      /* of entries that give none; -1: not given */
    int64_t cross_border; /* -1: not given */
    int64_t conversion;   /* -1: not given */
};

struct cost_table {
    char country[3]; /* empty: not given, nothing is cross-border */
    bool *settles;   /* owned; by currency_index(); NULL: all */
    struct scope base;
    struct scope operations[OPERATION_COUNT];
    struct {
        char name[COST_METHOD_SIZE];
        struct scope scope;
    } methods[COST_METHOD_MAX];
    size_t method_count;
};

#endif

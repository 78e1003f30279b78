/*
 * check_set.h - sets of whole numbers as spans, for the checks on a rule file.
 *
 *     {1, 2, 3, 7}   =   [1..3] [7..7]        ascending, and no two spans touch
 *
 * Sets are values: the spans they borrow live in the pool or arena they were made in.
 */
#ifndef ROUTER_CHECK_SET_H
#define ROUTER_CHECK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct check_span { /* both ends included */
    int64_t low, high;
};

struct check_set {
    const struct check_span *at; /* borrowed */
    size_t count;
};

enum check_share { /* how much of one set is in another */
                   CHECK_NOTHING = 0,
                   CHECK_PART,
                   CHECK_WHOLE,
};

/* Sort and join `count` spans in place (those with low above high are empty); how many are left. */
size_t check_spans_join(struct check_span *span, size_t count);
bool check_set_has(struct check_set set, int64_t value);
/* How much of `inner` is in `outer`; an empty `inner` is nothing. */
enum check_share check_set_share(struct check_set inner, struct check_set outer);
/* The spans of both; `out` has room for a.count + b.count. The number of spans. */
size_t check_set_meet(struct check_set a, struct check_set b, struct check_span *out);
/* Those of `a` that are not in `b`; `out` has room for a.count + b.count. */
size_t check_set_minus(struct check_set a, struct check_set b, struct check_span *out);

#endif

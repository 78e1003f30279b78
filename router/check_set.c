#include "router/check_set.h"

#include <stdlib.h>

static int compare_spans(const void *a, const void *b)
{
    const struct check_span *x = a;
    const struct check_span *y = b;
    return (x->low > y->low) - (x->low < y->low);
}

size_t check_spans_join(struct check_span *span, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (span[i].low <= span[i].high)
            span[kept++] = span[i];
    }
    if (kept > 1)
        qsort(span, kept, sizeof(*span), compare_spans);
    size_t last = 0;
    for (size_t i = 1; i < kept; i++) {
        if (span[i].low <= span[last].high ||
            (span[last].high < INT64_MAX && span[i].low == span[last].high + 1)) {
            span[last].high = span[i].high > span[last].high ? span[i].high : span[last].high;
        } else {
            span[++last] = span[i];
        }
    }
    return kept == 0 ? 0 : last + 1;
}

/* The first span that does not end before `value`. */
static size_t find_span(struct check_set set, int64_t value)
{
    size_t low = 0;
    size_t high = set.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set.at[middle].high < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool check_set_has(struct check_set set, int64_t value)
{
    size_t at = find_span(set, value);
    return at < set.count && set.at[at].low <= value;
}

enum check_share check_set_share(struct check_set inner, struct check_set outer)
{
    bool has_some = false;
    bool has_all = inner.count > 0;
    if (inner.count > outer.count * 4 && outer.count > 0) { /* look each of the fewer up */
        for (size_t i = 0; i < outer.count && !has_some; i++) {
            size_t at = find_span(inner, outer.at[i].low);
            has_some = at < inner.count && inner.at[at].low <= outer.at[i].high;
        }
        if (!has_some)
            return CHECK_NOTHING;
    }
    for (size_t i = 0; i < inner.count && (has_all || !has_some); i++) {
        const struct check_span *span = &inner.at[i];
        size_t at = find_span(outer, span->low);
        bool meets = at < outer.count && outer.at[at].low <= span->high;
        has_some = has_some || meets;
        has_all =
            has_all && meets && outer.at[at].low <= span->low && outer.at[at].high >= span->high;
    }
    return has_all ? CHECK_WHOLE : has_some ? CHECK_PART : CHECK_NOTHING;
}

size_t check_set_meet(struct check_set a, struct check_set b, struct check_span *out)
{
    size_t count = 0;
    for (size_t i = 0, k = 0; i < a.count && k < b.count;) {
        int64_t low = a.at[i].low > b.at[k].low ? a.at[i].low : b.at[k].low;
        int64_t high = a.at[i].high < b.at[k].high ? a.at[i].high : b.at[k].high;
        if (low <= high)
            out[count++] = (struct check_span){low, high};
        if (a.at[i].high < b.at[k].high)
            i++;
        else
            k++;
    }
    return count;
}

size_t check_set_minus(struct check_set a, struct check_set b, struct check_span *out)
{
    size_t count = 0;
    size_t k = 0;
    for (size_t i = 0; i < a.count; i++) {
        int64_t low = a.at[i].low;
        int64_t high = a.at[i].high;
        bool is_done = false;
        while (k < b.count && b.at[k].high < low)
            k++;
        for (size_t m = k; m < b.count && b.at[m].low <= high && !is_done; m++) {
            if (b.at[m].low > low)
                out[count++] = (struct check_span){low, b.at[m].low - 1};
            is_done = b.at[m].high >= high;
            if (!is_done)
                low = b.at[m].high + 1;
        }
        if (!is_done)
            out[count++] = (struct check_span){low, high};
    }
    return count;
}

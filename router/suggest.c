#include "router/suggest.h"

enum {
    SUGGEST_BYTES_MAX = 40,
    SUGGEST_EDITS_MAX = 2,
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Letters to insert, remove or change to make b of a, upper and lower case alike (Levenshtein). */
static size_t edits(struct str a, struct str b)
{
    size_t row[SUGGEST_BYTES_MAX + 1];
    for (size_t k = 0; k <= b.len; k++) {
        row[k] = k;
    }
    for (size_t i = 0; i < a.len; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < b.len; k++) {
            size_t best = corner + (lower(a.at[i]) != lower(b.at[k]));
            corner = row[k + 1];
            best = row[k] + 1 < best ? row[k] + 1 : best;
            best = corner + 1 < best ? corner + 1 : best;
            row[k + 1] = best;
        }
    }
    return row[b.len];
}

void suggest(struct suggestion *best, struct str wrong, struct str right)
{
    size_t apart = wrong.len > right.len ? wrong.len - right.len : right.len - wrong.len;
    if (wrong.len > SUGGEST_BYTES_MAX || right.len > SUGGEST_BYTES_MAX ||
        apart > SUGGEST_EDITS_MAX) {
        return;
    }
    size_t distance = edits(wrong, right);
    /* Half of the letters wrong is another word, not a slip. */
    bool near = distance <= SUGGEST_EDITS_MAX && distance * 2 <= wrong.len &&
                (distance < 2 || wrong.len > 4);
    if (near && (str_is_empty(best->name) || distance < best->distance)) {
        *best = (struct suggestion){right, distance};
    }
}

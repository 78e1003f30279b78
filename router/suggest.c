#include "router/suggest.h"

enum {
    SUGGEST_BYTES_MAX = 40,
    SUGGEST_EDITS_MAX = 2,
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, remove, change or swap with the next to make b of a, upper and lower case
 * alike (optimal string alignment). */
static size_t edits(struct str a, struct str b)
{
    size_t rows[3][SUGGEST_BYTES_MAX + 1];
    for (size_t k = 0; k <= b.len; k++) {
        rows[0][k] = k;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *over = rows[(i + 1) % 3]; /* two above */
        row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            bool same = lower(a.at[i - 1]) == lower(b.at[k - 1]);
            size_t best = least(above[k - 1] + !same, least(row[k - 1], above[k]) + 1);
            bool swapped = i > 1 && k > 1 && lower(a.at[i - 1]) == lower(b.at[k - 2]) &&
                           lower(a.at[i - 2]) == lower(b.at[k - 1]);
            row[k] = swapped ? least(best, over[k - 2] + 1) : best;
        }
    }
    return rows[a.len % 3][b.len];
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

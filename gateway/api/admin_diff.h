/*
 * admin_diff.h - two texts, line by line.
 */
#ifndef API_ADMIN_DIFF_H
#define API_ADMIN_DIFF_H

#include <stddef.h>

#include "base/str.h"

struct admin_diff {
    size_t added;
    size_t removed; /* lines */
};

/* Lines with '-', '+' or a space before them: what must be done to `from` to get `to`. */
struct admin_diff admin_diff_print(struct str from, struct str to, struct buf *out);

#endif

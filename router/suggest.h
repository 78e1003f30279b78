/*
 * suggest.h - the name that somebody probably meant: the nearest of those that exist.
 */
#ifndef ROUTER_SUGGEST_H
#define ROUTER_SUGGEST_H

#include <stddef.h>

#include "base/str.h"

struct suggestion {
    struct str name; /* borrowed; empty: nothing is near */
    size_t distance;
};

/* Keep `right` when it is nearer to `wrong` than what `best` has; the first of equals stays. Upper
 * and lower case are alike. */
void suggest(struct suggestion *best, struct str wrong, struct str right);

#endif

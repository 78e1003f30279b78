/*
 * json_pool.h - where jansson's values live.
 *
 *     class of 16 bytes:  free -> free -> free      a value is taken from the front of its class,
 *     class of 32 bytes:  free -> free              and put back there
 *     ...                                           a class that is empty gets a new slab, cut up
 *     above POOL_SIZE_MAX: malloc
 *
 * A JSON text is a few hundred small values that come and go together; malloc spends more on them
 * than the reader spends on reading. Slabs are never given back: there are as many as the largest
 * number of values at a time needed, and limits on texts and on requests in flight bound those.
 * Each thread has lists of its own; a value may be freed by another thread than made it. Under the
 * address sanitizer everything is malloc's, so that it sees each use after the end.
 *
 * What json_dumps returns comes from here as well: give it back with json_pool_free, not with free.
 */
#ifndef BASE_JSON_POOL_H
#define BASE_JSON_POOL_H

#include <stddef.h>

enum {
    POOL_SIZE_MAX = 512,
};

/* Let jansson use the pool; before its first value is made. base/json.c does it before main. */
void json_pool_use(void);
void *json_pool_take(size_t size); /* never NULL */
void json_pool_free(void *at);     /* NULL: nothing happens */

#endif

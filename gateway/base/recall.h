/*
 * recall.h - has this been seen lately? A set of digests in the shared segment.
 *
 * Each place of a fixed table holds the newest digest that fell into it, so the set forgets the
 * oldest by being overwritten, and never grows. It may say "no" to what was seen; it says "yes" to
 * what was not with a chance of 2^-64. So it may open short cuts, and never decides about money.
 */
#ifndef BASE_RECALL_H
#define BASE_RECALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shm.h"
#include "base/str.h"

struct recall;

/* Bytes that recall_open carves. place_count: a power of two. */
size_t recall_size(size_t place_count);
struct recall *recall_open(struct shm *shm, size_t place_count);
/* What is kept of (a, b): never 0. */
uint64_t recall_digest(const struct recall *recall, struct str a, struct str b);
void recall_note(struct recall *recall, uint64_t digest);
bool recall_knows(const struct recall *recall, uint64_t digest);

#endif

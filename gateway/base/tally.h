/*
 * tally.h - how much is under way for each key (a merchant, an API key), over all workers.
 *
 * A fixed table in the shared segment. An entry keeps a share for each worker slot, and its count
 * is their sum: so what a worker had under way when it was killed is taken out exactly, by the
 * master, and leaks nothing. An entry whose count is 0 gives its place to the next key. When no
 * place is left for a key, tally_join says so, and the caller counts by itself: the limit then
 * holds for each worker instead of for all together.
 */
#ifndef BASE_TALLY_H
#define BASE_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/shm.h"

struct tally;
struct tally_entry;

/* Bytes that tally_open carves. entry_count: a power of two. */
size_t tally_size(size_t entry_count);
struct tally *tally_open(struct shm *shm, size_t entry_count);
/*
 * The key's entry, with one more in the share of `slot`; NULL when no place is left. It is the
 * key's until that share is 0 again.
 */
struct tally_entry *tally_join(struct tally *tally, const struct uuid *key, unsigned slot);
/* One more, or one less, of a share that is above 0. */
void tally_add(struct tally_entry *entry, unsigned slot);
void tally_remove(struct tally_entry *entry, unsigned slot);
int64_t tally_count(const struct tally_entry *entry); /* of all slots */
/* The process in this slot is gone, and with it what it had under way. */
void tally_forget_slot(struct tally *tally, unsigned slot);

#endif

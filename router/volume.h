/*
 * volume.h - how much each account has taken this month: counts in the shared segment, for the tiers
 * of fee tables (cost.h).
 *
 *     ledger --sum of the month--> entry.minor[currency] <--each payment, as it is posted-- workers
 *             (now and then, by one worker)    |
 *                                              +--> read when a fee is asked for: no query
 *
 * A count, not the truth: what other hosts take is in it after the next refresh, what this host takes
 * at once. Until an account was refreshed once, and from the end of the month on until it is again, it
 * reads as 0: the first tier.
 *
 * Lock-free. A refresh remembers what stood there when it asked, and adds the difference to the
 * answer: payments that are posted meanwhile are kept. One worker at a time refreshes an entry; when
 * it dies, another does after the lease.
 */
#ifndef ROUTER_VOLUME_H
#define ROUTER_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/shm.h"

enum {
    VOLUME_ACCOUNT_MAX = 1024,
    VOLUME_CURRENCY_MAX = 192,
    VOLUME_TOTAL = VOLUME_CURRENCY_MAX, /* all of them, in the currency of the table's tiers */
    VOLUME_COUNT,
};

struct volume_table;
struct volume_entry;

struct volume_mark { /* what stood there when the ledger was asked */
    int64_t minor[VOLUME_COUNT];
};

/* Carve in the master before the fork. */
struct volume_table *volume_open(struct shm *shm);
/* Find or make; NULL when the table is full. */
struct volume_entry *volume_find(struct volume_table *table, const struct uuid *account_id);

/* By currency_index(), or VOLUME_TOTAL. */
int64_t volume_read(const struct volume_entry *entry, size_t index, int64_t now_wall_us);
void volume_add(struct volume_entry *entry, size_t index, int64_t minor);

/* True when it is due, and nobody else is at it until lease_us from now. */
bool volume_claim(struct volume_entry *entry, int64_t now_wall_us, int64_t lease_us);
void volume_begin(const struct volume_entry *entry, struct volume_mark *mark);
/* The ledger's sums; they hold until until_us, and are asked for again at due_us. */
void volume_set(struct volume_entry *entry, const struct volume_mark *mark,
                const int64_t minor[VOLUME_COUNT], int64_t until_us, int64_t due_us);
/* Ask again then (0: at once); the counts stay. */
void volume_defer(struct volume_entry *entry, int64_t due_us);

#endif

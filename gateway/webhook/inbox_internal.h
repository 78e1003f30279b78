/*
 * inbox_internal.h - what the files of the inbox share.
 */
#ifndef WEBHOOK_INBOX_INTERNAL_H
#define WEBHOOK_INBOX_INTERNAL_H

#include "base/arena.h"
#include "base/list.h"
#include "base/metrics.h"
#include "ledger/inbound.h"
#include "providers/webhook_keys.h"
#include "webhook/inbox.h"

enum {
    INBOX_OWNER_COUNT = 1024, /* a power of two */
    INBOX_ARENA_MAX = 1 << 18,
    INBOX_CLAIM_ARENA_MAX = 1 << 20,
};

struct inbox_owner { /* whose account: known, and never changes */
    struct uuid account_id;
    struct uuid merchant_id;
    int64_t full_us; /* monotonic: when the account's bucket is full again */
};

struct inbox_applier {
    struct loop_timer timer;
    struct arena arena;           /* of the claims in hand */
    struct inbound_claim *claims; /* in it */
    size_t claim_count;
    size_t next;     /* one by one: the next to be applied */
    bool is_running; /* from a claim until the last of what it gave is done with */
    bool may_be_more;
    bool is_wanted;      /* woken meanwhile */
    int64_t look_us;     /* monotonic: when the backlog is counted again */
    int64_t complain_us; /* monotonic: when the next warning is due */
    bool is_counting;
    struct metrics_series *waiting;
    struct metrics_series *oldest;
};

struct inbox {
    struct inbox_config config;
    struct inbox_parts parts;
    struct webhook_keys *keys; /* owned */
    struct link arrivals;      /* struct arrival, not answered */
    size_t arrival_count;
    struct inbox_owner owner[INBOX_OWNER_COUNT];
    struct inbox_applier applier;
    int64_t log_us; /* monotonic: when the next forged one is logged */
    bool is_draining;
};

void inbox_applier_init(struct inbox *inbox);
void inbox_applier_release(struct inbox *inbox);
/* Something may be due. */
void inbox_applier_wake(struct inbox *inbox);

#endif

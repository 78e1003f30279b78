/* admission_internal.h - inside of admission control, for admission*.c alone. */
#ifndef PAYMENT_ADMISSION_INTERNAL_H
#define PAYMENT_ADMISSION_INTERNAL_H

#include <stdatomic.h>

#include "base/metrics.h"
#include "base/recall.h"
#include "base/rng.h"
#include "base/tally.h"
#include "payment/admission.h"
#include "payment/hash.h"

struct admission_shared {
    struct bucket_table *callers;
    struct bucket_table *addresses;
    struct tally *lanes;
    struct recall *keys;      /* API keys that were valid */
    struct recall *opened;    /* idempotency keys that were opened */
    atomic_llong told_shared; /* of METRIC_BUCKETS_SHARED */
};

struct admission_lane { /* of a key or a merchant with something under way here */
    struct uuid id;
    size_t count;              /* of this worker */
    struct tally_entry *entry; /* of all; NULL: no place was left */
    UT_hash_handle hh;
};

struct admission {
    struct admission_shared *shared; /* borrowed */
    struct admission_config config;
    unsigned slot;
    struct loop *loop; /* borrowed */
    struct loop_timer timer;
    struct governor governor;
    struct bulkhead *bulkhead;        /* owned */
    struct admission_lane *keys;      /* owned */
    struct admission_lane *merchants; /* owned */
    size_t in_hand;                   /* payments */
    size_t at_provider;               /* of them */
    size_t read_count;
    size_t repeat_count;
    struct rng rng;
    admission_lagging_fn lagging;
    void *lagging_ctx;
    bool is_pressed;
    struct metrics_series *refused[ADMISSION_REASON_COUNT];
    struct metrics_series *limit;
    struct metrics_series *reads;
    struct metrics_series *write_seconds;
};

/* Payments in hand that are not at a provider: what waits for us. */
size_t admission_own_count(const struct admission *admission);

#endif

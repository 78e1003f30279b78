/*
 * seal_verify.h - was a sealed transfer changed behind our back? Everything is computed anew from the
 * rows and compared with the seals, and these with the anchors (ledger/seal.h, ledger/anchor.h).
 *
 *     1  the chain of each merchant: head by head, signatures, anchors         one connection
 *     2  the rows of every seal: leaves, root, list                            jobs, each a process
 *
 * The first bad row is named by the list in its seal, as long as the chain holds there. Who made the
 * whole chain anew is caught by the anchors; then the seals between two anchors are all that can be named.
 *
 * Memory: a few megabytes a job, 64 bytes for each anchor, 24 for each seal.
 */
#ifndef PROCESS_SEAL_VERIFY_H
#define PROCESS_SEAL_VERIFY_H

#include "ledger/anchor.h"
#include "ledger/seal_store.h"

enum {
    SEAL_VERIFY_JOBS_MAX = 64,
    SEAL_FINDING_MAX = 512,
};

struct seal_asked { /* borrowed */
    const char *database;
    const struct anchors *anchors; /* NULL: only the chain is looked at */
    const struct anchor_keys *keys;
    struct uuid merchant_id; /* zero: all */
    unsigned jobs;
    int64_t late_max_us; /* a row that came late may say it is so much older than the seal before */
    bool was_restored;   /* seals that were anchored may be gone where the chain says so itself */
    bool shows_progress;
};

struct seal_finding {
    size_t place;                /* of the seal in the order of reading; the first counts */
    char text[SEAL_FINDING_MAX]; /* empty: none */
};

struct seal_verdict {
    uint64_t merchants;
    uint64_t seals;
    uint64_t rows;
    uint64_t late_rows;  /* of them */
    uint64_t new_rows;   /* not yet sealed */
    uint64_t waiting;    /* likewise, those that came late */
    uint64_t unanchored; /* seals behind the last anchor of their merchant */
    uint64_t gaps;       /* where the ledger was set back */
    uint64_t bad_seals;
    struct seal_finding seal; /* the first one in the chain or among the anchors */
    struct seal_finding row;  /* the first among the rows */
};

/* False: it could not be looked at. What was found is in *verdict. Forks. */
bool seal_verify(const struct seal_asked *asked, struct seal_verdict *verdict,
                 struct error *err) MUST_USE;

#endif

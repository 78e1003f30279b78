/*
 * rulebook_internal.h - private to rulebook*.c.
 *
 *     rulebook.c        sets by hash, and which one decides
 *     rulebook_load.c   what is in force, out of the ledger
 *     rulebook_trial.c  canaries: counting, looking, stopping
 */
#ifndef PAYMENT_RULEBOOK_INTERNAL_H
#define PAYMENT_RULEBOOK_INTERNAL_H

#include "base/arena.h"
#include "base/list.h"
#include "payment/canary.h"
#include "payment/hash.h"
#include "payment/rulebook.h"

struct rulebook_set {
    struct rulebook *book;
    uint8_t hash[32];
    int32_t version;
    struct uuid owner;
    struct rule_set *rules; /* owned */
    uint64_t asks;          /* as in rulebook_pick */
    unsigned references;
    struct link idle; /* nobody holds it: kept for a while */
    UT_hash_handle hh;
    uint8_t key[52]; /* owner, version, hash: the same text may be two versions */
};

struct rulebook_trial { /* a canary that this worker has seen */
    struct rulebook *book;
    struct {
        struct uuid owner;
        int32_t number;
    } key;
    int32_t version;
    struct canary_bounds bounds;
    struct rules_tally counted[RULES_ARM_SHADOW]; /* not yet in the ledger: live, canary */
    struct rules_tally sum[RULES_ARM_SHADOW];     /* what the ledger has */
    int32_t look;
    bool is_busy;
    bool is_over;
    bool is_dirty; /* there may be something to look at */
    enum canary_verdict verdict;
    struct arena arena;
    struct str why;
    UT_hash_handle hh;
};

struct rulebook {
    struct rulebook_parts parts;
    uint8_t file_hash[32];
    int32_t file_version;      /* in the ledger; 0: not yet kept */
    struct rulebook_set *sets; /* all there are */
    struct link idle;          /* of them, oldest first */
    size_t idle_count;
    struct rulebook_trial *trials; /* owned */
    struct loop_timer flush;
    struct link loads; /* under way */
};

/* ---- rulebook.c ---- */
/* Held for the caller; NULL: it is not compiled here yet. */
struct rulebook_set *rulebook_find_set(struct rulebook *book, const struct uuid *owner,
                                       int32_t version, const uint8_t hash[32]);
/* NULL with *err: it cannot be compiled. */
struct rulebook_set *rulebook_add_set(struct rulebook *book, const struct rules_version *version,
                                      struct error *err);
void rulebook_hold_set(struct rulebook_set *set);
void rulebook_drop_set(struct rulebook_set *set);

/* ---- rulebook_load.c ---- */
void rulebook_release_loads(struct rulebook *book);

/* ---- rulebook_trial.c ---- */
void rulebook_watch(struct rulebook *book, const struct rules_force *canary);
void rulebook_flush(void *ctx);
void rulebook_release_trials(struct rulebook *book);

#endif

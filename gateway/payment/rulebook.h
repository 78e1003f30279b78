/*
 * rulebook.h - which rule set decides for a merchant now: live, perhaps a canary, perhaps a shadow.
 *
 *     merchant loaded -> what is in force (ledger/rules.h) -> each set compiled, once per hash
 *          -> held by the merchant -> a payment holds its merchant, so it keeps its sets to its end
 *
 * A merchant without a set of its own has the house's; the house without one has the gateway's
 * rules_file, whose text is kept in the ledger before anything is decided by it (P6). A set that is
 * in the ledger but cannot be compiled here (the tz database changed, an older gateway) is replaced
 * by the one before it, then by the house's: logged, and counted.
 *
 * Workers see a move as they see any change of the directory: within directory_check_ms. What they
 * count while a canary runs they add up in the ledger each second; whoever sees a look due takes it
 * there (of all workers of all hosts one), judges (canary.h), and stops the canary by a move.
 */
#ifndef PAYMENT_RULEBOOK_H
#define PAYMENT_RULEBOOK_H

#include "base/loop.h"
#include "ledger/rules.h"
#include "router/router.h"

struct rulebook;
struct rulebook_set; /* compiled; reference counted */

struct rulebook_sets { /* of one merchant; zeroed: none */
    struct rulebook_set *set[RULES_ARM_COUNT];
    struct uuid canary_of; /* whose canary: the merchant's, or zero */
    int32_t canary_number; /* of its move */
    int32_t canary_millionths;
};

struct rulebook_parts { /* borrowed, alive as long as the book */
    struct loop *loop;
    struct store *store;
    struct str file_text; /* the house's default */
    const struct str *known_providers;
    size_t known_count;
};

struct rulebook *rulebook_new(const struct rulebook_parts *parts);
/* After all sets were dropped. */
void rulebook_free(struct rulebook **book);

/* FOUND: *sets, held for the receiver, with a live one; FAILED: the ledger is away, or does not
 * take the file's text. Exactly once, perhaps before rulebook_load returns. */
typedef void (*rulebook_load_fn)(void *ctx, enum store_find found,
                                 const struct rulebook_sets *sets);
void rulebook_load(struct rulebook *book, const struct uuid *merchant_id, rulebook_load_fn done,
                   void *ctx);
void rulebook_drop(struct rulebook_sets *sets);

struct rulebook_pick { /* borrowed from the sets */
    const struct rule_set *rules;
    int32_t version;
    enum rules_arm arm;            /* live or canary */
    const struct rule_set *shadow; /* NULL: none */
    int32_t shadow_version;
    uint64_t asks; /* bits 1 << enum fact: texts that either of them compares */
};
/* By a hash of the payment's id, so that it is known again; false: there are no sets. */
bool rulebook_pick(const struct rulebook_sets *sets, const struct uuid *payment_id,
                   struct rulebook_pick *pick) MUST_USE;
/* The one of this arm, whatever the payment; false: there is none. */
bool rulebook_pick_arm(const struct rulebook_sets *sets, enum rules_arm arm,
                       struct rulebook_pick *pick) MUST_USE;
/* That which is in force in some arm and is this version of `owner`; false: none is. */
bool rulebook_pick_version(const struct rulebook_sets *sets, const struct uuid *owner,
                           int32_t version, struct rulebook_pick *pick) MUST_USE;
/* rulebook_pick.asks of one set. */
uint64_t rulebook_asks(const struct rule_set *rules);

struct rulebook_count { /* an attempt was answered, or is unknown */
    struct uuid canary_of;
    int32_t canary_number; /* 0: none ran when it was decided */
    enum rules_arm arm;
    bool is_approved, is_unknown;
    int64_t fee_minor; /* -1: not known */
    int64_t amount_minor;
};
void rulebook_count(struct rulebook *book, const struct rulebook_count *count);

#endif

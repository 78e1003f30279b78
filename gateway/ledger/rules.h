/*
 * rules.h - the life of rule sets: versions that never change, and moves that say what is in force.
 *
 *     version  a text, once per merchant, with author, time and comment; by itself a draft
 *     move     published | canary | shadow | rolled_back | ... : appended, with who and why
 *     force    read off the last moves: the live set, perhaps a canary beside it, perhaps a shadow
 *
 * merchant_id zero is the house: its sets decide for merchants that have none. Version 0 is none:
 * the house's set decides, or the gateway's rules_file. Each move makes the directory's version
 * grow, so that the workers of all hosts see it within directory_check_ms.
 *
 * A move is written with the number after the last that its maker has seen. A number that is taken
 * is a conflict: somebody else was first, and one looks again.
 */
#ifndef LEDGER_RULES_H
#define LEDGER_RULES_H

#include "ledger/directory.h"

enum {
    RULES_MOVE_MAX = 500, /* that are read: the newest */
    RULES_LIST_MAX = 500,
};

struct rules_version { /* strings are the caller's, or in the arena of the read */
    struct uuid merchant_id;
    int32_t version;
    uint8_t hash[32]; /* SHA-256 of text */
    struct str text;  /* empty in lists */
    struct str author;
    struct str comment;
    int64_t created_us;
};

enum rules_kind {
    RULES_NONE = 0,
    RULES_PROPOSED, /* waits for a second key */
    RULES_APPROVED,
    RULES_PUBLISHED,
    RULES_CANARY,
    RULES_CANARY_STOPPED,
    RULES_SHADOW,
    RULES_SHADOW_STOPPED,
    RULES_ROLLED_BACK,
    RULES_KIND_COUNT,
};
const char *rules_kind_name(enum rules_kind kind);
enum rules_kind rules_kind_find(struct str name); /* RULES_NONE when unknown */

struct rules_move {
    int32_t number; /* from 1 */
    enum rules_kind kind;
    int32_t version;
    int32_t former; /* live until then */
    int32_t percent_millionths;
    int64_t created_us;
    struct str author;
    struct str approver; /* only when it is written: makes an `approved` before it */
    struct str reason;
    struct str bounds_json; /* "{}": none */
};

enum rules_arm {
    RULES_ARM_LIVE = 0,
    RULES_ARM_CANARY,
    RULES_ARM_SHADOW,
    RULES_ARM_COUNT,
};
const char *rules_arm_name(enum rules_arm arm);

struct rules_force {         /* what one arm is */
    struct uuid merchant_id; /* whose: the merchant's own, or zero */
    enum rules_arm arm;
    int32_t number; /* of the move that says so */
    int32_t version;
    int32_t former; /* live before it; 0: none */
    uint8_t hash[32];
    int32_t percent_millionths;
    int64_t since_us;
    struct str bounds_json;
};

struct rules_tally { /* of one arm while a canary runs */
    int64_t approved;
    int64_t declined; /* and failed: answered */
    int64_t unknown;
    int64_t fee_count;
    int64_t fee_sum;     /* of expected fees in millionths of the amount */
    int64_t fee_squares; /* of their squares, in millions */
    int32_t looks;       /* the canary's: how often it was judged */
};

/* ---- writing ---- */

/* The next version of this merchant; its number. ABSENT: the same text is there (rules_find), or
 * another one was quicker: ask again. */
void rules_put(struct store *store, const struct rules_version *version, store_count_fn done,
               void *ctx);
/* ABSENT with ERROR_CONFLICT: the number is taken; with ERROR_NOT_FOUND: no such version. */
void rules_move(struct store *store, const struct uuid *merchant_id, const struct rules_move *move,
                directory_done_fn done, void *ctx);
/* Four eyes for this merchant's sets, or not. */
void rules_approval(struct store *store, const struct uuid *merchant_id, bool required,
                    directory_done_fn done, void *ctx);

/* ---- reading; strings live in the arena ---- */

typedef void (*rules_versions_fn)(void *ctx, enum store_find found,
                                  const struct rules_version *versions, size_t count,
                                  const struct error *why);
/* One; ABSENT: there is none. */
void rules_load(struct store *store, const struct uuid *merchant_id, int32_t version,
                struct arena *arena, rules_versions_fn done, void *ctx);
void rules_find(struct store *store, const struct uuid *merchant_id, const uint8_t hash[32],
                struct arena *arena, rules_versions_fn done, void *ctx);
/* Newest first, without texts, at most RULES_LIST_MAX. */
void rules_list(struct store *store, const struct uuid *merchant_id, struct arena *arena,
                rules_versions_fn done, void *ctx);

typedef void (*rules_moves_fn)(void *ctx, enum store_find found, const struct rules_move *moves,
                               size_t count, const struct error *why);
/* Newest first, at most RULES_MOVE_MAX. */
void rules_moves(struct store *store, const struct uuid *merchant_id, struct arena *arena,
                 rules_moves_fn done, void *ctx);

typedef void (*rules_force_fn)(void *ctx, enum store_find found, const struct rules_force *force,
                               size_t count, const struct error *why);
/* Of the merchant and of the house: at most one of each arm of each. */
void rules_in_force(struct store *store, const struct uuid *merchant_id, struct arena *arena,
                    rules_force_fn done, void *ctx);

/* ---- canaries ---- */

/* Add to what an arm came to. */
void rules_tally(struct store *store, const struct uuid *merchant_id, int32_t number,
                 enum rules_arm arm, const struct rules_tally *tally, directory_done_fn done,
                 void *ctx);
typedef void (*rules_tallies_fn)(void *ctx, enum store_find found, const struct rules_tally *live,
                                 const struct rules_tally *canary, const struct error *why);
void rules_tallies(struct store *store, const struct uuid *merchant_id, int32_t number,
                   rules_tallies_fn done, void *ctx);
/* Count 1: this look is the caller's; 0: another had it. */
void rules_look(struct store *store, const struct uuid *merchant_id, int32_t number, int32_t look,
                store_count_fn done, void *ctx);

/* ---- what moves mean: newest first, as they were read ---- */

int32_t rules_last_number(const struct rules_move *moves, size_t count);
/* The version that is live; 0: none. */
int32_t rules_live_version(const struct rules_move *moves, size_t count);
/* The one that was live before it, in the order of publications; 0: none. */
int32_t rules_former_version(const struct rules_move *moves, size_t count);
/* The canary or shadow that runs; the proposal that waits. NULL: there is none. */
const struct rules_move *rules_running(const struct rules_move *moves, size_t count,
                                       enum rules_arm arm);
const struct rules_move *rules_proposal(const struct rules_move *moves, size_t count);

#endif

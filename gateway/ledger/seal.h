/*
 * seal.h - what a seal is: a number for some transfers of a merchant that nobody can make fit other
 * transfers. Pure: rows, hashes, heads and signatures; seal_store.h reads and writes them.
 *
 *     transfers   t1 t2 t3 | t4 t5 t6 | t7 ...              by id
 *     leaves      H(0x00 row) ...                           RFC 6962
 *     seal        root, rows, head  <--  root, rows, head   head = H(head before, root, ...)
 *     anchor                                  ^             heads, outside of the database
 *
 * A row's leaf covers every column that is not NULL, by name and by PostgreSQL's binary form, names
 * in their order: a column that comes later changes no leaf of the rows before, which have NULL
 * there. For the same reason a column of transfers is never renamed, dropped or given another type
 * (docs/decisions/0010-seals.md).
 *
 * The rows of a seal are listed in it, too, by id and the beginning of the leaf: they lead to the row
 * that was changed, or to the id of one that is gone. The head covers the list.
 */
#ifndef LEDGER_SEAL_H
#define LEDGER_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/error.h"
#include "base/id.h"
#include "base/str.h"

enum {
    SEAL_HASH_SIZE = SHA256_SIZE,
    SEAL_KEY_ID_SIZE = 8,
    SEAL_MARK_LEAF_SIZE = 8,
    SEAL_MARK_SIZE = 16 + SEAL_MARK_LEAF_SIZE, /* of a row in the list */
    SEAL_ROW_MAX = 4096,                       /* of a seal, and as many that came late */
    SEAL_LEVEL_MAX = 48,
    SEAL_COLUMN_MAX = 64,
};

/* A column of a row; value.at NULL: it is NULL. */
struct seal_column {
    struct str name;
    struct str value;
};

/* The leaves so far: one node for each 1 in the binary form of their count, the largest first. */
struct seal_tree {
    uint64_t count;
    uint8_t node[SEAL_LEVEL_MAX][SEAL_HASH_SIZE];
};

struct seal {
    struct uuid merchant_id;
    int64_t number; /* from 1; grows */
    int64_t
        previous; /* number of the seal before; 0: the first. Less than number - 1: the ledger was
                         set back, and what was anchored in between is gone */
    int64_t sealed_us;
    struct uuid from_id; /* the ids behind this one ... */
    struct uuid to_id;   /* ... up to this one; of the first seal from_id, too */
    int64_t row_count;
    int64_t late_count; /* of them, listed first: those that came below what was sealed already */
    int64_t total;      /* rows of this seal and all before */
    uint8_t root[SEAL_HASH_SIZE];
    uint8_t marks_hash[SEAL_HASH_SIZE];
    uint8_t previous_head[SEAL_HASH_SIZE];
    uint8_t head[SEAL_HASH_SIZE];
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    uint8_t key_id[SEAL_KEY_ID_SIZE];
};

/* The key that signs; seed is wiped by the owner. */
struct seal_key {
    uint8_t seed[ED25519_KEY_SIZE];
    uint8_t key_id[SEAL_KEY_ID_SIZE];
};

/* The leaf of a row; the columns stand by name, none twice. `text` is used for the encoding. */
void seal_leaf(const struct seal_column *columns, size_t count, struct buf *text,
               uint8_t out[SEAL_HASH_SIZE]);
/* RFC 6962, 2.1: the leaf of any bytes. */
void seal_leaf_of(struct str bytes, struct buf *text, uint8_t out[SEAL_HASH_SIZE]);

void seal_tree_init(struct seal_tree *tree);
void seal_tree_add(struct seal_tree *tree, const uint8_t leaf[SEAL_HASH_SIZE]);
void seal_tree_root(const struct seal_tree *tree, uint8_t out[SEAL_HASH_SIZE]);

void seal_mark(const struct uuid *transfer_id, const uint8_t leaf[SEAL_HASH_SIZE],
               uint8_t out[SEAL_MARK_SIZE]);

/* The head that follows from all else that the seal says. */
void seal_head(const struct seal *seal, uint8_t out[SEAL_HASH_SIZE]);
/* Fill head, signature and key_id. */
void seal_sign(struct seal *seal, const struct seal_key *key);
bool seal_head_is_signed(const uint8_t head[SEAL_HASH_SIZE],
                         const uint8_t signature[ED25519_SIGNATURE_SIZE],
                         const uint8_t public_key[ED25519_KEY_SIZE]);
/* What a public key is called: the beginning of its SHA-256. */
void seal_key_id(const uint8_t public_key[ED25519_KEY_SIZE], uint8_t out[SEAL_KEY_ID_SIZE]);
/* Read a private key's file, which others may not read. */
bool seal_key_read(struct seal_key *key, const char *file, struct error *err) MUST_USE;

/* Does `next` follow `before` (NULL: it is the first)? False says in *err what does not fit. Of what it
 * says itself everything is looked at but the rows. */
bool seal_follows(const struct seal *next, const struct seal *before, struct error *err) MUST_USE;

enum seal_difference {
    SEAL_SAME = 0,
    SEAL_CHANGED, /* the row is another than the one that was sealed */
    SEAL_MISSING, /* it was sealed and is gone */
    SEAL_ADDED,   /* it was not there when its place was sealed */
};
/* The first difference between two lists of rows; *transfer_id is of it. Both have late_counts of
 * their own. */
enum seal_difference seal_compare(struct str sealed, int64_t sealed_late, struct str found,
                                  int64_t found_late, struct uuid *transfer_id);

#endif

/*
 * archive.h - payments that have been over for long: their attempts move from the database to files.
 *
 *     page (what may move, as one text of JSON each) -> archive_seal, and a file of the caller's that is
 *     on the disk -> take: the same rows, still without an obstacle, are deleted, and the file is noted
 *     find -> archive_open -> restore: the same rows again
 *
 * What moves, and what keeps a payment here, is written in the migration (archive_rows and its
 * neighbours) and in docs/archive.md. A take is one transaction: who dies leaves each payment wholly
 * here or wholly in a file that the database knows. A record is sealed by a key of its own, made of a
 * salt that the payment's row keeps: without the row no copy of the file can be read.
 *
 * Blocking: for the command line, never for a worker. It needs the gateway's role.
 */
#ifndef LEDGER_ARCHIVE_H
#define LEDGER_ARCHIVE_H

#include "base/arena.h"
#include "base/crypto.h"
#include "base/error.h"
#include "base/id.h"

enum {
    ARCHIVE_PAGE_MAX = 200, /* payments of one file: their rows are locked while it is taken */
    ARCHIVE_SALT_SIZE = 16,
    ARCHIVE_RECORD_MAX = 64 << 20, /* bytes of JSON */
};

struct archive_db; /* a connection */

/* NULL with *err: the database cannot be reached. */
struct archive_db *archive_db_open(const char *conninfo, struct error *err) MUST_USE;
void archive_db_close(struct archive_db **db);

struct archive_subject { /* a payment with its operations */
    struct uuid id;
    struct str record;   /* JSON of its rows; empty: it stays */
    struct str obstacle; /* why it stays */
    uint8_t salt[ARCHIVE_SALT_SIZE];
    uint8_t hash[SHA256_SIZE]; /* of the record */
};

/*
 * The next payments of a merchant behind *after that were made before before_us and are not archived,
 * at most ARCHIVE_PAGE_MAX, in arena; each has a new salt. Fewer: there are no more.
 */
bool archive_page(struct archive_db *db, const struct uuid *merchant_id, const struct uuid *after,
                  int64_t before_us, struct arena *arena, struct archive_subject **subjects,
                  size_t *count, struct error *err) MUST_USE;

/* The next merchant by id behind *after; false with *is_over: there is none. */
bool archive_next_merchant(struct archive_db *db, struct uuid *after, bool *is_over,
                           struct error *err) MUST_USE;

struct archive_file {
    struct uuid merchant_id;
    struct uuid archive_id;
    int64_t created_us;
    const char *author;
    int64_t byte_count;
    uint8_t sha256[SHA256_SIZE];
};

/* Those of the subjects with a record that are still as they were. The file must be on the disk. */
bool archive_take(struct archive_db *db, const struct archive_file *file,
                  const struct archive_subject *subjects, size_t count, size_t *taken,
                  struct error *err) MUST_USE;

enum archive_found {
    ARCHIVE_HERE,   /* it is not archived */
    ARCHIVE_ABSENT, /* there is no such payment of this merchant */
    ARCHIVE_AWAY,   /* *archive_id, and what opens its record */
};

bool archive_find(struct archive_db *db, const struct uuid *merchant_id, struct archive_subject *it,
                  struct uuid *archive_id, enum archive_found *found, struct error *err) MUST_USE;

/* The merchant's file that comes next behind file->archive_id, which becomes it, and which ids bound
 * its payments. False with *is_over: there is none. */
bool archive_next_file(struct archive_db *db, struct archive_file *file, struct uuid *first,
                       struct uuid *last, bool *is_over, struct error *err) MUST_USE;
/* What still lies in a file, by id, in arena; without records. */
bool archive_members(struct archive_db *db, const struct archive_file *file,
                     const struct uuid *first, const struct uuid *last, struct arena *arena,
                     struct archive_subject **subjects, size_t *count, struct error *err) MUST_USE;
/* Whether the database knows the merchant's file of this id; then likewise. */
bool archive_knows(struct archive_db *db, struct archive_file *file, struct uuid *first,
                   struct uuid *last, bool *is_known, struct error *err) MUST_USE;

/* The rows of the record are put back; *was_away false: somebody else had restored it. */
bool archive_restore(struct archive_db *db, const struct uuid *merchant_id,
                     const struct archive_subject *it, bool *was_away, struct error *err) MUST_USE;

/* ---- records ----------------------------------------------------------------------------------- */

/* Packed and sealed for this payment in this file, with a key of seal_key (AEAD_KEY_SIZE) and its salt. */
void archive_seal(const uint8_t *seal_key, const struct archive_file *file,
                  const struct archive_subject *it, struct buf *out);
/* it->record, in arena. ERROR_INVALID: it is damaged, of another payment or file, or not what the
 * database says was archived. */
bool archive_open(const uint8_t *seal_key, const struct uuid *merchant_id,
                  const struct uuid *archive_id, struct str sealed, struct arena *arena,
                  struct archive_subject *it, struct error *err) MUST_USE;

#endif

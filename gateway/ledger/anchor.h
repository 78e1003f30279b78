/*
 * anchor.h - heads of seals kept where who owns the database cannot reach them: lines of a file that is
 * only ever appended to, and whatever a command of the operator's makes of the same lines.
 *
 *     {"time":"2026-11-23T01:02:03.456Z","merchant":"mer_...","seal":7,"head":"5e...","rows":1234,
 *      "signature":"...","key":"0123456789abcdef"}
 *
 * A head follows from all seals before, so the newest anchor holds for all of them. Lines that cannot
 * be read (one that a crash cut off) are counted and passed over: the next anchor holds for them, too.
 * Of each line 64 bytes are kept in memory.
 */
#ifndef LEDGER_ANCHOR_H
#define LEDGER_ANCHOR_H

#include "ledger/seal.h"

enum {
    ANCHOR_LINE_MAX = 512,
    ANCHOR_MAX = 1 << 25, /* two thousand million bytes of memory */
    ANCHOR_KEY_MAX = 16,
};

struct anchor {
    struct uuid merchant_id;
    int64_t number; /* of the seal */
    int64_t made_us;
    uint8_t head[SEAL_HASH_SIZE];
};

/* Public keys that may have signed. */
struct anchor_keys {
    uint8_t key[ANCHOR_KEY_MAX][ED25519_KEY_SIZE];
    uint8_t id[ANCHOR_KEY_MAX][SEAL_KEY_ID_SIZE];
    size_t count;
};

struct anchors {
    struct anchor *at; /* owned; by merchant, number, time once sorted */
    size_t count;
    size_t room;
    size_t unread; /* lines that are no anchors */
    size_t forged; /* lines that none of the keys has signed, when there are keys */
};

void anchors_init(struct anchors *anchors);
void anchors_release(struct anchors *anchors);
/* Add a file's lines, of one merchant or (NULL) of all; sorts. `keys` with count 0: signatures are not looked at. A file that is not
 * there is an error, unless `may_be_absent`. */
bool anchors_load(struct anchors *anchors, const char *file, const struct uuid *merchant_id,
                  const struct anchor_keys *keys, bool may_be_absent, struct error *err) MUST_USE;
/* The first of a merchant (or the next merchant's), as an index; count: none. */
size_t anchors_find(const struct anchors *anchors, const struct uuid *merchant_id);
/* Forget all but the newest of each merchant: for who makes anchors. */
void anchors_keep_newest(struct anchors *anchors);
/* The number of a merchant's only one, or newest; 0: none. */
int64_t anchors_newest(const struct anchors *anchors, const struct uuid *merchant_id);
/* One that was made just now, in the place of the merchant's newest. */
void anchors_note(struct anchors *anchors, const struct seal *seal, int64_t now_us);

/* The line of a seal's head, with its end. */
void anchor_print(const struct seal *seal, int64_t now_us, struct buf *out);
/* Append lines and wait for the disk. What a crash left of a line before is ended first. */
bool anchor_append(const char *file, struct str lines, struct error *err) MUST_USE;
/* A public key's PEM file. */
bool anchor_keys_read(struct anchor_keys *keys, const char *file, struct error *err) MUST_USE;
/* Is the head signed by one of the keys, the one that has this id? */
bool anchor_keys_verify(const struct anchor_keys *keys, const uint8_t head[SEAL_HASH_SIZE],
                        const uint8_t signature[ED25519_SIGNATURE_SIZE],
                        const uint8_t key_id[SEAL_KEY_ID_SIZE]);

#endif

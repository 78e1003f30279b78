/*
 * position.h - a position of the event stream, as its clients hold it.
 *
 *     mark (ledger/follow_mark.h) as text | 22 characters: HMAC-SHA-256(key, merchant id | that text),
 *                                           its first 128 bits
 *
 * Whoever reads on from a position makes the ledger look where the position says: at as many
 * writers, and for as many missing batches, as it names. So only what was printed here, for this
 * merchant, is read: everything else is refused before a byte of it is looked at.
 *
 * The key is derived from the master secret: every worker and host of one deployment takes what
 * another gave, also after a restart.
 */
#ifndef API_POSITION_H
#define API_POSITION_H

#include "ledger/follow_mark.h"

enum {
    POSITION_KEY_SIZE = 32,
    POSITION_TAG_LEN = 22, /* 16 bytes in base64url */
};

/* Append the position; nothing of it ends a line or needs escaping in a query. */
void position_print(const uint8_t key[POSITION_KEY_SIZE], const struct uuid *merchant_id,
                    const struct follow_mark *mark, struct buf *out);
/* ERROR_INVALID: it was not printed with this key for this merchant. */
bool position_parse(const uint8_t key[POSITION_KEY_SIZE], const struct uuid *merchant_id,
                    struct str text, struct follow_mark *mark, struct error *err) MUST_USE;

#endif

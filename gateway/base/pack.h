/*
 * pack.h - short texts of a known kind, made small before they are stored.
 *
 * The answers and requests that the ledger keeps with every payment are JSON of a few hundred bytes
 * in which little is new. Zstandard with a dictionary that knows them makes about a third of it, in
 * a few microseconds, and the database writes, logs and replicates that much less.
 *
 * A packed text begins with the byte of its dictionary. All control characters but tab and the line
 * ends are kept for dictionaries to come: what begins with one that this version does not know is
 * refused, not handed out as if it were a text. Whatever begins with another byte was never packed
 * and is what it is. So a plain text that begins with such a byte is refused by a CHECK: JSON and
 * stored requests never do.
 */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum {
    PACK_DICTIONARY_1 = 1, /* the first byte; dictionaries are never changed, only added */
    PACK_OVERHEAD = 64,    /* a packed text is at most so much longer than the plain one */
};

/* Append the packed form, or the text itself where that is shorter. */
void pack(struct str plain, struct buf *out);
/*
 * The text, in arena (borrowed from `packed` when it never was packed). ERROR_INVALID when it is
 * damaged, of a dictionary that this version does not know, or longer than max bytes.
 */
bool unpack(struct str packed, size_t max, struct arena *arena, struct str *plain,
            struct error *err) MUST_USE;

#endif

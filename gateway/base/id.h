/*
 * id.h - identifiers: UUIDv7 (RFC 9562) inside, prefix + 26 Crockford base32 characters outside.
 *
 *     pay_01JDEX7T1V5M2Q9K8Z4R6W0C3B     lower-case prefix, '_', upper-case digits
 *
 * Read without regard to case, and I and L as 1, O as 0, as Crockford has it.
 *
 * Ids sort by creation time (and by a per-process counter within a millisecond). A time is never
 * taken out of an id that a client sent.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct uuid {
    uint8_t byte[16];
};

enum id_kind {
    ID_NONE = 0,
    ID_PAYMENT,         /* pay_ */
    ID_ATTEMPT,         /* att_ */
    ID_REFUND,          /* ref_ */
    ID_PAYOUT,          /* pyt_ */
    ID_TRANSFER,        /* trf_ */
    ID_EVENT,           /* evt_ */
    ID_MERCHANT,        /* mer_ */
    ID_ACCOUNT,         /* acc_ */
    ID_KEY,             /* key_ */
    ID_REQUEST,         /* req_ */
    ID_BATCH,           /* bat_: of payouts */
    ID_REVIEW,          /* rev_ */
    ID_CAPTURE,         /* cap_ */
    ID_VOID,            /* voi_ */
    ID_REAUTHORIZATION, /* rea_ */
    ID_ENDPOINT,        /* whe_: of a merchant's webhooks */
    ID_HOLD,            /* hld_: of a provider account */
    ID_BACKTEST,        /* bkt_ */
    ID_EXPORT,          /* exp_: of the ledger */
    ID_AUDIT,           /* aud_: what a person did */
    ID_KIND_COUNT,
};

enum {
    ID_TEXT_SIZE = 32,   /* "pay_" + 26 + NUL, rounded up */
    UUID_TEXT_SIZE = 37, /* 8-4-4-4-12 + NUL */
};

/* A new UUIDv7 of now; monotone within the process even if the wall clock steps back. */
struct uuid uuid_new(void);
/* The same from given time and 80 random bits: pure, for the simulator. */
struct uuid uuid_make(int64_t wall_ms, const uint8_t random[10]);
/* The smallest id that can be made at this time, and so a bound of those made since; before 1970 is
 * 1970. */
struct uuid uuid_first(int64_t wall_us);
bool uuid_eq(const struct uuid *a, const struct uuid *b);
int uuid_compare(const struct uuid *a, const struct uuid *b);
bool uuid_is_zero(const struct uuid *id);
struct str uuid_format(const struct uuid *id, char out[UUID_TEXT_SIZE]);
bool uuid_parse(struct str text, struct uuid *id, struct error *err) MUST_USE;

struct str id_format(enum id_kind kind, const struct uuid *id, char out[ID_TEXT_SIZE]);
/* Accepts only the prefix of `kind`. ERROR_INVALID otherwise. */
bool id_parse(enum id_kind kind, struct str text, struct uuid *id, struct error *err) MUST_USE;

#endif

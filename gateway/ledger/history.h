/*
 * history.h - payments as they were routed, read out one by one: for decisions that are made again
 * and for what other rules would have done. Blocking: for the command line, never for a worker.
 *
 * One COPY in binary form, in a read-only transaction of its own: no cursor, no lock that anybody
 * waits for, and memory for one row however long the history is. Rows come in no order; those of one
 * payment by number.
 */
#ifndef LEDGER_HISTORY_H
#define LEDGER_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/id.h"
#include "base/str.h"
#include "base/terms.h"

struct history_row { /* of a payment or payout, with an attempt */
    struct uuid merchant_id;
    struct uuid payment_id;
    struct uuid account_id;
    int64_t created_us;
    int64_t amount_minor;
    int64_t number;             /* of the attempt */
    int64_t expected_fee_minor; /* of the attempt; -1: unknown */
    enum operation operation;   /* of the attempt */
    struct str currency;        /* these live until the next row */
    struct str provider;
    struct str reference; /* empty: none */
    struct str method;
    struct str country;
    struct str metadata_json;
    struct str routing_json;  /* "providers": only, never */
    struct str decision_json; /* empty: none was stored */
};

struct history_wanted {
    struct uuid merchant_id; /* zero: all */
    struct uuid payment_id;  /* zero: all; else with the merchant's id unset */
    int64_t since_us;        /* created then or later */
    int64_t until_us;        /* ... and before then; 0: no end */
    int64_t limit;           /* at most so many; 0: all */
    bool later;              /* besides the first attempts those that were decided anew */
};

struct history;

/* NULL with *err: the database cannot be reached, or refuses. */
struct history *history_open(const char *conninfo, const struct history_wanted *wanted,
                             struct error *err) MUST_USE;
void history_close(struct history **history);
/* The next row. False at the end (*err has no text then), or when something failed. */
bool history_next(struct history *history, struct history_row *row, struct error *err) MUST_USE;

/* ---- what decisions name by hash --------------------------------------------------------------- */

enum history_text {
    HISTORY_RULES = 0, /* of the merchant, or of the house */
    HISTORY_FEES,      /* a fee table of the merchant */
    HISTORY_RATES,     /* of the house */
};

struct history_shelf; /* a connection of its own */

/* NULL with *err: the database cannot be reached. */
struct history_shelf *history_shelf_open(const char *conninfo, struct error *err) MUST_USE;
void history_shelf_close(struct history_shelf **shelf);
/* The text with this hash, in arena; empty: it is not kept. False when the database refuses. */
bool history_shelf_find(struct history_shelf *shelf, enum history_text what,
                        const struct uuid *merchant_id, const uint8_t hash[32], struct arena *arena,
                        struct str *text, struct error *err) MUST_USE;

#endif

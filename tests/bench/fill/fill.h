/*
 * fill.h - many payments, written as a gateway would have left them after months.
 *
 *     plan (JSON) --> shapes: rows of one payment, as COPY text with ${places}
 *                        |
 *     payment i  --> its values (ids, key, amount, merchant, times), all drawn from the seed and i
 *                        |
 *     a chunk of payments --> one transaction: its number into bench_fill, one COPY for each table
 *
 * The shapes come from real payments of the gateway, so nothing here knows the schema. A chunk is
 * written whole or not at all: who is stopped goes on where it was. Ids are UUIDv7 in the order of
 * time; merchants differ in size as those of a real house do (the largest has a twentieth of all).
 */
#ifndef BENCH_FILL_H
#define BENCH_FILL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TABLE_MAX = 16,
    SHAPE_MAX = 4,
    ROW_MAX = 32,    /* of one payment */
    PIECE_MAX = 512, /* of one row */
    VALUE_MAX = 256,
    ID_MAX = 8, /* further ids of one payment */
    SHIFT_NONE = -1,
};

enum place { /* what a ${place} stands for */
             PLACE_TEXT = 0,
             PLACE_PAYMENT,      /* UUID */
             PLACE_PAYMENT_TEXT, /* its 26 characters */
             PLACE_ATTEMPT,
             PLACE_ATTEMPT_TEXT,
             PLACE_MERCHANT,
             PLACE_ACCOUNT,
             PLACE_ACCOUNT_TEXT,
             PLACE_KEY,
             PLACE_AMOUNT,
             PLACE_FINGERPRINT, /* hex */
             PLACE_TIME,        /* creation, plus so many milliseconds */
             PLACE_ID,          /* the n-th further id */
};

struct piece {
    enum place place;
    int64_t number;   /* PLACE_TIME: milliseconds; PLACE_ID: which */
    const char *text; /* PLACE_TEXT: owned by the plan's JSON */
    size_t len;
};

struct row {
    size_t table;
    struct piece *pieces; /* owned */
    size_t piece_count;
};

struct shape {
    double share;
    struct row row[ROW_MAX];
    size_t row_count;
    struct piece *body; /* owned; the canonical request, for the fingerprint */
    size_t body_count;
};

struct table {
    const char *name;
    const char *copy; /* the statement */
};

struct merchant {
    const char *id;
    const char *account;
    const char *account_text;
};

struct plan {
    json_t *json; /* owned; every string here is borrowed from it */
    const char *database;
    int64_t payment_count;
    int64_t chunk_size;
    int64_t from_ms;
    int64_t until_ms;
    uint64_t seed;
    struct table table[TABLE_MAX];
    size_t table_count;
    struct shape shape[SHAPE_MAX];
    size_t shape_count;
    struct merchant *merchant; /* owned */
    size_t merchant_count;
};

void plan_load(struct plan *plan, const char *file);
void plan_release(struct plan *plan);

/* Text that grows. */
struct text {
    char *at; /* owned */
    size_t len;
    size_t room;
};
void text_add(struct text *text, const char *at, size_t len);

/* Append the rows of payment `index` to the texts of their tables. */
void payment_write(const struct plan *plan, int64_t index, struct text tables[TABLE_MAX]);

_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

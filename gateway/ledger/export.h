/*
 * export.h - the journal of one merchant, or of many, as text that other programs read.
 *
 *     export_begin -> export_currency, export_account (each) -> export_row (each)
 *                  -> export_balance (each) -> export_end
 *
 * Pure: rows go in, text is appended to a buf that the caller empties whenever it likes; memory for
 * one row, however many there are.
 *
 *     csv, jsonl        every transfer, also pending and voided ones; of many merchants
 *     hledger, ledger   what is posted, a transaction each; accounts and commodities are declared, so
 *     beancount         that strict checks hold; at the end the balances are asserted, so that the
 *                       program that reads them proves our sums
 *
 * What is only reserved (pending) is left out of the journals of the second kind; their head says so.
 * The names of accounts are mapped so that two never become one (export_name.c).
 *
 * Statements for banks' software are another thing: camt.h.
 *
 * Cells of CSV that a spreadsheet would take for a formula get an apostrophe before them, and so do
 * those that begin with one: taking one apostrophe off gives back the text. Numbers are never touched.
 */
#ifndef LEDGER_EXPORT_H
#define LEDGER_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/money.h"
#include "base/str.h"

enum account_type {
    ACCOUNT_ASSET = 0,
    ACCOUNT_LIABILITY,
    ACCOUNT_EQUITY,
    ACCOUNT_INCOME,
    ACCOUNT_EXPENSE,
    ACCOUNT_TYPE_COUNT,
};

enum export_format {
    EXPORT_NONE = 0,
    EXPORT_ROWS, /* no text: rows are handed on, and only what is posted */
    EXPORT_CSV,
    EXPORT_JSONL,
    EXPORT_HLEDGER,
    EXPORT_LEDGER,
    EXPORT_BEANCOUNT,
    EXPORT_FORMAT_COUNT,
};

enum {
    EXPORT_ACCOUNT_MAX = 240, /* bytes of an account's name: ours are below 160 */
    EXPORT_NAME_SIZE = 1280,  /* of it, mapped: at most five characters for a byte */
};

struct csv_style {
    char delimiter; /* between cells: , or ; or TAB or | */
    char decimal;   /* . or , */
    bool has_mark;  /* begins with a byte order mark */
    bool is_unix;   /* lines end with LF, not with CRLF (RFC 4180) */
};

/* Comma, point, CRLF. */
extern const struct csv_style csv_style_default;

struct export_row { /* borrowed */
    struct uuid merchant_id;
    struct uuid transfer_id;
    struct uuid payment_id; /* zero: none */
    struct uuid attempt_id; /* zero: none */
    struct uuid pending_id; /* zero: none */
    bool is_payout;
    int64_t created_us;   /* recorded */
    int64_t effective_us; /* since when it counts */
    int64_t amount_minor;
    const struct currency *currency;
    struct str merchant; /* its name */
    struct str state;    /* pending, posted, voided */
    struct str kind;
    struct str debit_account;
    struct str credit_account;
    struct str reference; /* the merchant's, of the payment; empty: none, or not asked for */
};

struct export_scope { /* what a head says; borrowed */
    struct str merchant;
    struct uuid merchant_id;
    int64_t made_us;
    int64_t from_us; /* INT64_MIN: from the beginning */
    int64_t to_us;   /* before this; INT64_MAX: to the end */
    bool is_whole;   /* all accounts and times: balances can be asserted */
};

struct export
{ /* owned by the caller */
    enum export_format format;
    struct csv_style style;
    struct buf *out; /* borrowed */
    struct export_scope scope;
    int64_t newest_us; /* of the rows */
    uint64_t count;
    bool is_asserting; /* a balance was told */
};

/* EXPORT_NONE: there is no such format of texts. */
enum export_format export_format_find(struct str name);
/* It keeps books of one merchant, and needs its accounts declared. */
bool export_is_journal(enum export_format format);

void export_begin(struct export *e, enum export_format format, const struct csv_style *style,
                  const struct export_scope *scope, struct buf *out);
/* An account that rows may name, by its name in this format (export_name). Only of a journal. */
void export_account(struct export *e, struct str name, enum account_type type);
/* A currency that rows may be in. Only of a journal. */
void export_currency(struct export *e, const struct currency *currency);
/* Of a journal: the names of both accounts in this format. Others take those of the row. What is not
 * posted is no row of a journal. */
void export_row(struct export *e, const struct export_row *row, struct str debit,
                struct str credit);
/* After the last row, if scope.is_whole: what the books say that the account's balance is. Only of a
 * journal, and of one account after the other. */
void export_balance(struct export *e, struct str name, const struct currency *currency,
                    int64_t minor);
/* What ends the text. */
void export_end(struct export *e);

/* ---- parts ------------------------------------------------------------------------------------- */

/* By the chart of accounts; ACCOUNT_EQUITY of what the chart leaves to people, or does not know. */
enum account_type export_type(struct str account);
/* The account's name, of at most EXPORT_ACCOUNT_MAX bytes, in that format; injective. */
struct str export_name(enum export_format format, enum account_type type, struct str account,
                       char out[EXPORT_NAME_SIZE]);

/* Cells of CSV; the delimiter stands between them. */
void csv_out_begin(const struct csv_style *style, struct buf *out);
void csv_out_text(const struct csv_style *style, struct str text, struct buf *out); /* guarded */
void csv_out_plain(const struct csv_style *style, struct str text,
                   struct buf *out); /* ours, no formula */
/* Decimal text with a point: the point becomes the style's. */
void csv_out_number(const struct csv_style *style, struct str text, struct buf *out);
void csv_out_next(const struct csv_style *style, struct buf *out);
void csv_out_line(const struct csv_style *style, struct buf *out);

#endif

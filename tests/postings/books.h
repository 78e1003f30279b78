/*
 * books.h - the books of one merchant in memory, and what is always true of them.
 *
 * Rows come in as transfers, as the ledger would take them. What the balances should be is told apart
 * from that, by who knows what happened and has not looked at the table of posting.c (books_want). After
 * every step books_check compares the two.
 */
#ifndef TESTS_POSTINGS_BOOKS_H
#define TESTS_POSTINGS_BOOKS_H

#include "base/money.h"
#include "ledger/posting.h"

enum {
    BOOKS_ROW_MAX = 512,
    BOOKS_PAYMENT_MAX = 4,
    BOOKS_PROVIDER_MAX = 2,
    BOOKS_CURRENCY_MAX = 2,
    BOOKS_ACCOUNT_MAX = 48,
};

__extension__ typedef __int128 books_wide;

struct books_account { /* as it was first named */
    char name[CHART_ACCOUNT_SIZE];
    size_t len;
    enum chart_kind kind;
};

struct books_row {
    struct uuid id;
    int payment; /* -1: of none */
    size_t currency;
    enum transfer_state state;
    size_t debit, credit; /* accounts */
    int64_t amount_minor;
    struct str kind;
    bool is_ended;
};

struct books_sums { /* of the rows */
    int64_t debit, credit, open_debit, open_credit;
    books_wide exact; /* posted: debit - credit */
};

struct books_want { /* debit - credit */
    int64_t posted, open;
};

struct books {
    uint64_t number; /* of the sequence; for the reader of a failure */
    uint64_t seed;
    bool is_told; /* print every row */
    const struct currency *currencies[BOOKS_CURRENCY_MAX];
    struct uuid provider_ids[BOOKS_PROVIDER_MAX];
    struct uuid payment_ids[BOOKS_PAYMENT_MAX];
    struct books_account accounts[BOOKS_ACCOUNT_MAX];
    size_t account_count;
    struct books_row rows[BOOKS_ROW_MAX];
    size_t row_count;
    size_t open_count; /* pending, and not ended */
    struct books_sums sums[BOOKS_CURRENCY_MAX][CHART_COUNT];
    struct books_want wants[BOOKS_CURRENCY_MAX][CHART_COUNT];
    /* Of each payment alone, at the provider's pending account. */
    struct books_want paid[BOOKS_PAYMENT_MAX];
};

void books_fail(const struct books *books, const char *format, ...) PRINTF_LIKE(2, 3) NORETURN;
void books_post(struct books *books, const struct store_transfer *transfer);
/* What happened, said once more: money (or money set aside) went onto the debit of one kind, and the
 * credit of another. */
void books_want(struct books *books, size_t currency, enum chart_kind debit, enum chart_kind credit,
                int64_t amount_minor);
void books_want_open(struct books *books, size_t currency, enum chart_kind debit,
                     enum chart_kind credit, int64_t amount_minor);
void books_check(const struct books *books);

#endif

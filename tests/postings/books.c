#include "tests/postings/books.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void books_fail(const struct books *books, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)printf("postings: ");
    (void)vprintf(format, args); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(args);
    (void)printf("\n  run it alone: make postings SEED=%" PRIu64 " CASE=%" PRIu64 "\n", books->seed,
                 books->number);
    exit(1);
}

/* ---- rows -------------------------------------------------------------------------------------- */

static size_t currency_of(const struct books *books, const char *code)
{
    for (size_t i = 0; i < BOOKS_CURRENCY_MAX; i++) {
        if (strcmp(books->currencies[i]->code, code) == 0)
            return i;
    }
    books_fail(books, "a row in %s, which nobody moved", code);
}

static int payment_of(const struct books *books, const struct uuid *id)
{
    for (int i = 0; i < BOOKS_PAYMENT_MAX; i++) {
        if (uuid_eq(&books->payment_ids[i], id))
            return i;
    }
    return -1;
}

/* An account is what its name says: known, and of one of this merchant's provider accounts. */
static size_t find_account(struct books *books, struct str name)
{
    for (size_t i = 0; i < books->account_count; i++) {
        struct books_account *known = &books->accounts[i];
        if (known->len == name.len && memcmp(known->name, name.at, name.len) == 0)
            return i;
    }
    enum chart_kind kind = chart_find(name);
    if (kind == CHART_NONE || books->account_count == BOOKS_ACCOUNT_MAX)
        books_fail(books, "an account of no kind: " STR_FMT, STR_ARG(name));
    struct books_account *account = &books->accounts[books->account_count++];
    account->kind = kind;
    account->len = name.len;
    (void)str_copy_to(name, account->name, sizeof(account->name));
    return books->account_count - 1;
}

/* Checked: a sum that leaves int64 is a failure, never a wrong figure. */
static void add(const struct books *books, int64_t *sum, int64_t amount_minor)
{
    if (!money_add(*sum, amount_minor, sum))
        books_fail(books, "a sum leaves int64: %" PRId64 " and %" PRId64, *sum, amount_minor);
}

static void move(struct books *books, const struct books_row *row, bool is_open, int64_t minor)
{
    enum chart_kind debit = books->accounts[row->debit].kind;
    enum chart_kind credit = books->accounts[row->credit].kind;
    struct books_sums *in = &books->sums[row->currency][debit];
    struct books_sums *out = &books->sums[row->currency][credit];
    add(books, is_open ? &in->open_debit : &in->debit, minor);
    add(books, is_open ? &out->open_credit : &out->credit, minor);
    in->exact += is_open ? 0 : minor;
    out->exact -= is_open ? 0 : minor;
    if (row->payment < 0)
        return;
    struct books_want *paid = &books->paid[row->payment];
    int64_t *sum = is_open ? &paid->open : &paid->posted;
    if (debit == CHART_PROVIDER_PENDING)
        add(books, sum, minor);
    if (credit == CHART_PROVIDER_PENDING)
        add(books, sum, -minor);
}

/* A pending row is ended once, by one that says the same of the same accounts. */
static void end_pending(struct books *books, const struct books_row *by, const struct uuid *id)
{
    for (size_t i = 0; i < books->row_count; i++) {
        struct books_row *row = &books->rows[i];
        if (!uuid_eq(&row->id, id))
            continue;
        if (row->state != TRANSFER_PENDING || row->is_ended)
            books_fail(books, "row %zu is ended, and is not pending (any more)", i);
        if (row->debit != by->debit || row->credit != by->credit || row->payment != by->payment ||
            row->currency != by->currency || row->amount_minor != by->amount_minor ||
            !str_eq(row->kind, by->kind))
            books_fail(books, "row %zu is ended by one that is not like it", i);
        row->is_ended = true;
        books->open_count--;
        move(books, row, true, -row->amount_minor);
        return;
    }
    books_fail(books, "a row ends one that is not there");
}

static void tell(const struct books *books, const struct books_row *row)
{
    static const char *const states[] = {"pending", "posted", "voided"};
    (void)printf("%3zu %-8s " STR_FMT " %" PRId64 " %s: %s <- %s\n", books->row_count,
                 states[row->state], STR_ARG(row->kind), row->amount_minor,
                 books->currencies[row->currency]->code, books->accounts[row->debit].name,
                 books->accounts[row->credit].name);
}

void books_post(struct books *books, const struct store_transfer *transfer)
{
    if (books->row_count == BOOKS_ROW_MAX)
        books_fail(books, "more than %d rows", BOOKS_ROW_MAX);
    struct books_row row = {
        .id = transfer->transfer_id,
        .payment = payment_of(books, &transfer->payment_id),
        .currency = currency_of(books, transfer->currency),
        .state = transfer->state,
        .debit = find_account(books, transfer->debit_account),
        .credit = find_account(books, transfer->credit_account),
        .amount_minor = transfer->amount_minor,
        .kind = transfer->kind,
    };
    if (books->is_told)
        tell(books, &row);
    bool ends = !uuid_is_zero(&transfer->pending_id);
    if (row.amount_minor < 1 || row.amount_minor > MONEY_AMOUNT_MAX || row.debit == row.credit ||
        uuid_is_zero(&row.id) || str_is_empty(row.kind))
        books_fail(books, "row %zu is none that the ledger takes", books->row_count);
    if ((row.state == TRANSFER_PENDING && ends) || (row.state == TRANSFER_VOIDED && !ends))
        books_fail(books, "row %zu: its state and what it ends", books->row_count);
    for (size_t i = 0; i < books->row_count; i++) {
        if (uuid_eq(&books->rows[i].id, &row.id))
            books_fail(books, "row %zu has the id of row %zu", books->row_count, i);
    }
    if (ends)
        end_pending(books, &row, &transfer->pending_id);
    if (row.state != TRANSFER_VOIDED)
        move(books, &row, row.state == TRANSFER_PENDING, row.amount_minor);
    books->open_count += row.state == TRANSFER_PENDING;
    books->rows[books->row_count++] = row;
}

/* ---- what they should say ---------------------------------------------------------------------- */

void books_want(struct books *books, size_t currency, enum chart_kind debit, enum chart_kind credit,
                int64_t amount_minor)
{
    add(books, &books->wants[currency][debit].posted, amount_minor);
    add(books, &books->wants[currency][credit].posted, -amount_minor);
}

void books_want_open(struct books *books, size_t currency, enum chart_kind debit,
                     enum chart_kind credit, int64_t amount_minor)
{
    add(books, &books->wants[currency][debit].open, amount_minor);
    add(books, &books->wants[currency][credit].open, -amount_minor);
}

static void check_kind(const struct books *books, size_t currency, enum chart_kind kind)
{
    const struct books_sums *sums = &books->sums[currency][kind];
    const struct books_want *want = &books->wants[currency][kind];
    int64_t posted;
    int64_t open;
    struct str name = chart_get(kind)->kind;
    if (!money_subtract(sums->debit, sums->credit, &posted) ||
        !money_subtract(sums->open_debit, sums->open_credit, &open) || posted != sums->exact)
        books_fail(books, "the balance of " STR_FMT " leaves int64", STR_ARG(name));
    if (sums->open_debit < 0 || sums->open_credit < 0)
        books_fail(books, STR_FMT ": less than nothing is set aside", STR_ARG(name));
    if (posted != want->posted || open != want->open)
        books_fail(books,
                   STR_FMT " is %" PRId64 " (%" PRId64 " set aside) in %s, and should be %" PRId64
                           " (%" PRId64 ")",
                   STR_ARG(name), posted, open, books->currencies[currency]->code, want->posted,
                   want->open);
}

void books_check(const struct books *books)
{
    for (size_t currency = 0; currency < BOOKS_CURRENCY_MAX; currency++) {
        books_wide posted = 0;
        books_wide open = 0;
        for (int kind = CHART_NONE + 1; kind < CHART_COUNT; kind++) {
            const struct books_sums *sums = &books->sums[currency][kind];
            posted += (books_wide)sums->debit - sums->credit;
            open += (books_wide)sums->open_debit - sums->open_credit;
            check_kind(books, currency, (enum chart_kind)kind);
        }
        if (posted != 0 || open != 0)
            books_fail(books, "debits are not credits in %s", books->currencies[currency]->code);
    }
}

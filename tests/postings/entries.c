#include "tests/postings/life.h"

#include <string.h>

/*
 * What people enter. The accounts are said here once more, apart from the table: a row of it that is
 * changed is noticed.
 */
struct entry {
    enum posting_event event;
    struct str leg;
    enum chart_kind debit, credit;
    bool is_other_currency;
};

#define T(literal) STR_INIT(literal)
#define PENDING    CHART_PROVIDER_PENDING
#define AVAILABLE  CHART_PROVIDER_AVAILABLE
#define TRANSIT    CHART_PROVIDER_TRANSIT

/* clang-format off */
static const struct entry entries[] = {
    {POSTING_PAYOUT_RETURN,        T("gross"),      PENDING,                CHART_PAYOUTS,      false},
    {POSTING_PAYOUT_RETURN,        T("fee"),        PENDING,                CHART_FEES_PAYOUT,  false},
    {POSTING_FEE,                  T("payment"),    CHART_FEES_PAYMENT,     PENDING,            false},
    {POSTING_FEE,                  T("payout"),     CHART_FEES_PAYOUT,      PENDING,            false},
    {POSTING_FEE,                  T("refund"),     CHART_FEES_REFUND,      PENDING,            false},
    {POSTING_FEE,                  T("dispute"),    CHART_FEES_DISPUTE,     PENDING,            false},
    {POSTING_FEE,                  T("decline"),    CHART_FEES_DECLINE,     PENDING,            false},
    {POSTING_FEE,                  T("conversion"), CHART_FEES_CONVERSION,  PENDING,            false},
    {POSTING_FEE,                  T("other"),      CHART_FEES_OTHER,       PENDING,            false},
    {POSTING_CONVERSION,           T("sold"),       CHART_FX_LOSS,          AVAILABLE,          false},
    {POSTING_CONVERSION,           T("bought"),     AVAILABLE,              CHART_FX_GAIN,      true},
    {POSTING_CONVERSION,           T("fee"),        CHART_FEES_CONVERSION,  AVAILABLE,          false},
    {POSTING_DISPUTE_OPENED,       T("gross"),      CHART_DISPUTES,         PENDING,            false},
    {POSTING_DISPUTE_OPENED,       T("fee"),        CHART_FEES_DISPUTE,     PENDING,            false},
    {POSTING_DISPUTE_WON,          T("gross"),      PENDING,                CHART_DISPUTES,     false},
    {POSTING_DISPUTE_WON,          T("fee"),        PENDING,                CHART_FEES_DISPUTE, false},
    {POSTING_DISPUTE_LOST,         T("fee"),        CHART_FEES_DISPUTE,     PENDING,            false},
    {POSTING_SETTLEMENT_AVAILABLE, T("gross"),      AVAILABLE,              PENDING,            false},
    {POSTING_SETTLEMENT_SENT,      T("gross"),      TRANSIT,                AVAILABLE,          false},
    {POSTING_SETTLEMENT_SENT,      T("fee"),        CHART_FEES_OTHER,       AVAILABLE,          false},
    {POSTING_SETTLEMENT_ARRIVED,   T("gross"),      CHART_BANK,             TRANSIT,            false},
    {POSTING_DEPOSIT_UNMATCHED,    T("gross"),      CHART_BANK,             CHART_SUSPENSE,     false},
    {POSTING_DEPOSIT_MATCHED,      T("gross"),      CHART_SUSPENSE,         TRANSIT,            false},
    {POSTING_PAYABLE_DUE,          T("gross"),      CHART_SALES,            CHART_PAYABLE,      false},
    {POSTING_PAYABLE_PAID,         T("gross"),      CHART_PAYABLE,          CHART_BANK,         false},
};
/* clang-format on */

/* A posted transfer is booked back, as a correction does it. */
static bool correct(struct life *life)
{
    struct books *books = &life->books;
    if (books->row_count == 0)
        return false;
    const struct books_row row = books->rows[rng_below(&life->rng, books->row_count)];
    if (row.state != TRANSFER_POSTED)
        return false;
    const struct books_account *debit = &books->accounts[row.credit];
    const struct books_account *credit = &books->accounts[row.debit];
    struct store_transfer transfer = {
        .transfer_id = uuid_new(),
        .state = TRANSFER_POSTED,
        .debit_account = {debit->name, debit->len},
        .credit_account = {credit->name, credit->len},
        .amount_minor = row.amount_minor,
        .kind = STR("correction"),
    };
    memcpy(transfer.currency, books->currencies[row.currency]->code, sizeof(transfer.currency));
    books_post(books, &transfer);
    books_want(books, row.currency, debit->kind, credit->kind, row.amount_minor);
    life->event_count++;
    life->by_event[POSTING_CORRECTION]++;
    return true;
}

bool life_enter(struct life *life)
{
    if (rng_below(&life->rng, 6) == 0)
        return correct(life);
    const struct entry *entry = &entries[rng_below(&life->rng, ARRAY_LEN(entries))];
    int64_t minor = life_amount(&life->rng);
    size_t currency = entry->is_other_currency ? 1 : 0;
    int payment = (int)rng_below(&life->rng, BOOKS_PAYMENT_MAX);
    if (entry->event == POSTING_PAYOUT_RETURN || entry->event == POSTING_CONVERSION)
        payment = -1;
    if (entry->event == POSTING_PAYOUT_RETURN && str_eq(entry->leg, STR("gross"))) {
        if (minor > life->paid_out - life->came_back)
            return false;
        life->came_back += minor;
    }
    life_book(life, entry->event, entry->leg, payment, currency, minor, NULL, NULL);
    books_want(&life->books, currency, entry->debit, entry->credit, minor);
    if (payment >= 0 && entry->debit == PENDING)
        life->payments[payment].entered += minor;
    if (payment >= 0 && entry->credit == PENDING)
        life->payments[payment].entered -= minor;
    life->event_count++;
    life->by_event[entry->event]++;
    return true;
}

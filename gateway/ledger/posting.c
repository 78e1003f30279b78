#include "ledger/posting.h"

#include <stdio.h>
#include <string.h>

struct rule {
    struct str debit;  /* empty: the receivable */
    struct str credit; /* empty: the receivable */
    struct str kind;
    bool is_hold;
    bool has_phases;
    bool has_fee;
};

/* clang-format off */
#define RECEIVABLE {NULL, 0}
static const struct rule rules[OPERATION_COUNT] = {
    [OPERATION_SALE]      = {RECEIVABLE, STR_INIT("merchant:sales"), STR_INIT("payment"),
                             .has_fee = true},
    [OPERATION_AUTHORIZE] = {RECEIVABLE, STR_INIT("merchant:sales"), STR_INIT("authorization"),
                             .is_hold = true},
    [OPERATION_CAPTURE]   = {RECEIVABLE, STR_INIT("merchant:sales"), STR_INIT("payment"),
                             .has_phases = true, .has_fee = true},
    [OPERATION_REFUND]    = {STR_INIT("merchant:refunds"), RECEIVABLE, STR_INIT("refund"),
                             .has_phases = true},
    [OPERATION_PAYOUT]    = {STR_INIT("merchant:payouts"), RECEIVABLE, STR_INIT("payout"),
                             .has_fee = true},
};
static const enum transfer_state phase_states[] = {
    [POSTING_WHOLE] = TRANSFER_POSTED,
    [POSTING_OPEN]  = TRANSFER_PENDING,
    [POSTING_CLOSE] = TRANSFER_POSTED,
    [POSTING_DROP]  = TRANSFER_VOIDED,
    [POSTING_LATE]  = TRANSFER_POSTED,
};
/* clang-format on */

static struct store_transfer *add(const struct posting *posting, struct posting_rows *rows)
{
    CHECK(rows->count < ARRAY_LEN(rows->transfers));
    struct store_transfer *transfer = &rows->transfers[rows->count++];
    *transfer = (struct store_transfer){
        .merchant_id = posting->merchant_id,
        .transfer_id = uuid_new(),
        .payment_id = posting->payment_id,
        .attempt_id = posting->attempt_id,
        .state = TRANSFER_POSTED,
        .created_us = posting->created_us,
    };
    memcpy(transfer->currency, posting->currency, sizeof(transfer->currency));
    return transfer;
}

static void put_gross(const struct posting *posting, const struct rule *rule, struct str receivable,
                      struct posting_rows *rows)
{
    struct store_transfer *gross = add(posting, rows);
    gross->state = rule->is_hold ? TRANSFER_PENDING : phase_states[posting->phase];
    gross->debit_account = str_is_empty(rule->debit) ? receivable : rule->debit;
    gross->credit_account = str_is_empty(rule->credit) ? receivable : rule->credit;
    gross->amount_minor = posting->amount_minor;
    gross->kind = rule->kind;
    if (rule->is_hold || posting->phase == POSTING_OPEN)
        gross->transfer_id = posting->attempt_id;
    if (posting->phase == POSTING_CLOSE || posting->phase == POSTING_DROP)
        gross->pending_id = posting->attempt_id;
}

void posting_receivable(struct str provider, const struct uuid *account_id,
                        char out[POSTING_ACCOUNT_SIZE])
{
    char id[ID_TEXT_SIZE];
    CHECK(provider.len <= POSTING_PROVIDER_MAX);
    (void)id_format(ID_ACCOUNT, account_id, id);
    (void)snprintf(out, POSTING_ACCOUNT_SIZE, "provider:" STR_FMT ":%s:receivable",
                   STR_ARG(provider), id);
}

void posting_make(const struct posting *posting, struct posting_rows *rows)
{
    CHECK(posting->operation > OPERATION_NONE && posting->operation < OPERATION_COUNT);
    CHECK(posting->amount_minor > 0);
    CHECK(posting->provider.len <= POSTING_PROVIDER_MAX);
    const struct rule *rule = &rules[posting->operation];
    rows->count = 0;
    if (posting->operation == OPERATION_VOID || posting->operation == OPERATION_REAUTHORIZE)
        return;
    CHECK(rule->has_phases == (posting->phase != POSTING_WHOLE));
    posting_receivable(posting->provider, &posting->account_id, rows->receivable);
    struct str receivable = str_of(rows->receivable);
    put_gross(posting, rule, receivable, rows);
    bool is_done = posting->phase == POSTING_WHOLE || posting->phase == POSTING_CLOSE ||
                   posting->phase == POSTING_LATE;
    if (!is_done || !rule->has_fee || posting->fee_minor <= 0 ||
        posting->fee_minor > MONEY_AMOUNT_MAX)
        return;
    struct store_transfer *fee = add(posting, rows);
    fee->debit_account = STR("merchant:fees");
    fee->credit_account = receivable;
    fee->amount_minor = posting->fee_minor;
    fee->kind = STR("fee");
}

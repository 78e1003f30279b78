#include "payment/driver.h"

/*
 * What an approval means for the books.
 *
 *     sale        provider:...:receivable  ->  merchant:sales              gross, posted
 *     authorize   provider:...:receivable  ->  merchant:sales              gross, pending: a hold
 *     fee         merchant:fees            ->  provider:...:receivable     stated, else expected
 *
 * A fee is posted with a sale only: a hold costs nothing until it is captured.
 */

static struct store_transfer *add(const struct drive *drive, const struct store_attempt *attempt,
                                  struct store_transfer *transfers, size_t *count, int64_t now_us)
{
    CHECK(*count < STORE_TRANSFER_MAX);
    struct store_transfer *transfer = &transfers[(*count)++];
    *transfer = (struct store_transfer){
        .merchant_id = attempt->merchant_id,
        .transfer_id = uuid_new(),
        .payment_id = drive->planned.payment.row.payment_id,
        .attempt_id = attempt->attempt_id,
        .state = TRANSFER_POSTED,
        .created_us = now_us,
    };
    for (size_t i = 0; i < sizeof(transfer->currency); i++)
        transfer->currency[i] = attempt->currency[i];
    return transfer;
}

size_t drive_transfers(struct drive *drive, const struct store_attempt *attempt,
                       const struct store_outcome *outcome,
                       struct store_transfer transfers[STORE_TRANSFER_MAX], int64_t now_us)
{
    char id[ID_TEXT_SIZE];
    (void)id_format(ID_ACCOUNT, &attempt->account_id, id);
    struct str receivable = arena_printf(&drive->write_arena, "provider:" STR_FMT ":%s:receivable",
                                         STR_ARG(attempt->provider), id);
    size_t count = 0;
    bool is_hold = attempt->operation == OPERATION_AUTHORIZE;
    struct store_transfer *gross = add(drive, attempt, transfers, &count, now_us);
    gross->state = is_hold ? TRANSFER_PENDING : TRANSFER_POSTED;
    gross->debit_account = receivable;
    gross->credit_account = STR("merchant:sales");
    gross->amount_minor = attempt->amount_minor;
    gross->kind = is_hold ? STR("authorization") : STR("payment");
    int64_t fee_minor = outcome->fee_minor >= 0 ? outcome->fee_minor : attempt->expected_fee_minor;
    if (is_hold || fee_minor <= 0 || fee_minor > MONEY_AMOUNT_MAX)
        return count;
    struct store_transfer *fee = add(drive, attempt, transfers, &count, now_us);
    fee->debit_account = STR("merchant:fees");
    fee->credit_account = receivable;
    fee->amount_minor = fee_minor;
    fee->kind = STR("fee");
    return count;
}

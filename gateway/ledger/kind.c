#include "ledger/store.h"

struct str store_kind_name(enum store_kind kind)
{
    static const struct str names[STORE_KIND_COUNT] = {
        [STORE_PAYMENTS] = STR_INIT("payment"), [STORE_PAYOUTS] = STR_INIT("payout"),
        [STORE_CAPTURES] = STR_INIT("capture"), [STORE_VOIDS] = STR_INIT("void"),
        [STORE_REFUNDS] = STR_INIT("refund"),   [STORE_REAUTHORIZATIONS] = STR_INIT("reauthorize"),
    };
    CHECK(kind > STORE_ANY && kind < STORE_KIND_COUNT);
    return names[kind];
}

enum store_kind store_kind_of(const struct store_payment *row)
{
    switch ((unsigned)row->operation) {
    case OPERATION_CAPTURE:
        return STORE_CAPTURES;
    case OPERATION_VOID:
        return STORE_VOIDS;
    case OPERATION_REFUND:
        return STORE_REFUNDS;
    case OPERATION_REAUTHORIZE:
        return STORE_REAUTHORIZATIONS;
    default:
        CHECK(row->operation == OPERATION_NONE);
        return row->is_payout ? STORE_PAYOUTS : STORE_PAYMENTS;
    }
}

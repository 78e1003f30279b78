#include "ledger/balance.h"

#include "ledger/count.h"

void balances_roll(struct store *store, unsigned merchants, unsigned transfers, store_count_fn done,
                   void *ctx)
{
    CHECK(merchants > 0 && transfers > 0);
    struct call *call = count_new(store, SQL_ROLL, done, ctx);
    params_int8(&call->params, merchants);
    params_int8(&call->params, transfers);
    call_submit(call);
}

void balances_page(struct store *store, unsigned merchants, unsigned pages, unsigned transfers,
                   store_count_fn done, void *ctx)
{
    CHECK(merchants > 0 && pages > 0 && transfers > 0);
    struct call *call = count_new(store, SQL_PAGE, done, ctx);
    params_int8(&call->params, merchants);
    params_int8(&call->params, pages);
    params_int8(&call->params, transfers);
    call_submit(call);
}

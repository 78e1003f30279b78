#include "ledger/price.h"

#include <string.h>

#include "ledger/call.h"
#include "ledger/count.h"

static const char *const kind_names[PRICE_KIND_COUNT] = {
    [PRICE_FEES] = "fees",
    [PRICE_RATES] = "rates",
};

void price_keep(struct store *store, const struct price *price, store_count_fn done, void *ctx)
{
    CHECK((unsigned)price->kind < PRICE_KIND_COUNT);
    struct call *call = count_new(store, SQL_PRICE_KEEP, done, ctx);
    params_uuid(&call->params, &price->merchant_id);
    params_bytea(&call->params, (struct str){(const char *)price->hash, sizeof(price->hash)});
    params_time(&call->params, price->created_us);
    params_text(&call->params, str_of(kind_names[price->kind]));
    params_text(&call->params, price->author);
    params_text(&call->params, price->text);
    call_submit(call);
}

struct lookup {
    struct call call;
    struct arena *arena; /* borrowed */
    price_fn done;
    void *ctx;
    enum store_find found;
    struct price price;
};

static void lookup_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct lookup *lookup = LIST_OWNER(job, struct lookup, call.request.job);
    if (PQntuples(res) != 1)
        return;
    struct price *price = &lookup->price;
    price->kind = str_eq(column_text(res, 0, 0), STR("rates")) ? PRICE_RATES : PRICE_FEES;
    price->author = column_copy(res, 0, 1, lookup->arena);
    price->text = column_copy(res, 0, 2, lookup->arena);
    price->created_us = column_time(res, 0, 3);
    lookup->found = STORE_FOUND;
}

static void lookup_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct lookup *lookup = LIST_OWNER(job, struct lookup, call.request.job);
    enum store_find found = end == PG_DONE ? lookup->found : STORE_FAILED;
    lookup->done(lookup->ctx, found, &lookup->price, &why->err);
    call_free(&lookup->call);
}

void price_find(struct store *store, const struct uuid *merchant_id, const uint8_t hash[32],
                struct arena *arena, price_fn done, void *ctx)
{
    struct lookup *lookup = call_new(store, sizeof(*lookup), SQL_READER, lookup_result, lookup_end);
    lookup->arena = arena;
    lookup->done = done;
    lookup->ctx = ctx;
    lookup->found = STORE_ABSENT;
    lookup->price.merchant_id = *merchant_id;
    memcpy(lookup->price.hash, hash, sizeof(lookup->price.hash));
    params_uuid(&lookup->call.params, merchant_id);
    params_bytea(&lookup->call.params,
                 (struct str){(const char *)lookup->price.hash, sizeof(lookup->price.hash)});
    call_add(&lookup->call, SQL_PRICE_FIND);
    call_submit(&lookup->call);
}

/* Claiming deliveries, and saying how they ended. */
#include "ledger/hooks.h"

#include <string.h>

#include "base/crypto.h"
#include "ledger/backlog.h"
#include "ledger/claim.h"
#include "ledger/count.h"

enum {
    SEALED_SIZE = HOOK_SECRET_SIZE + AEAD_OVERHEAD,
    SECRET_ROW_SIZE = sizeof(struct uuid) + SEALED_SIZE, /* as the claim puts them together */
};

/* ---- claiming -------------------------------------------------------------------------------- */

static void take_secrets(struct hook_claim *claim, struct str packed)
{
    while (packed.len >= SECRET_ROW_SIZE && claim->secret_count < HOOK_SECRET_MAX) {
        struct hook_sealed *secret = &claim->secrets[claim->secret_count++];
        memcpy(secret->secret_id.byte, packed.at, sizeof(secret->secret_id));
        secret->sealed = str_sub(packed, sizeof(struct uuid), SEALED_SIZE);
        packed = str_sub(packed, SECRET_ROW_SIZE, SIZE_MAX);
    }
}

static void read_claim(const PGresult *res, int row, struct arena *arena, void *claim)
{
    struct hook_claim *row_claim = claim;
    *row_claim = (struct hook_claim){
        .merchant_id = column_uuid(res, row, 0),
        .endpoint_id = column_uuid(res, row, 1),
        .event_id = column_uuid(res, row, 2),
        .payment_id = column_uuid(res, row, 3),
        .created_us = column_time(res, row, 4),
        .epoch = column_int8(res, row, 5),
        .try_number = column_int4(res, row, 6),
        .round_try_number = column_int4(res, row, 7),
        .type = column_copy(res, row, 8, arena),
        .url = column_copy(res, row, 9, arena),
        .livemode = column_bool(res, row, 10),
        .failure_count = column_int4(res, row, 11),
    };
    take_secrets(row_claim, column_copy(res, row, 12, arena));
}

static void tell_claims(claim_fn done, void *ctx, enum store_find found, const void *claims,
                        size_t count, const struct error *why)
{
    ((hook_claim_fn)done)(ctx, found, claims, count, why);
}

static const struct claim_kind claim_kind = {SQL_HOOK_CLAIM, sizeof(struct hook_claim), read_claim,
                                             tell_claims};

void hooks_claim(struct store *store, const struct hook_wanted *wanted, struct arena *arena,
                 hook_claim_fn done, void *ctx)
{
    struct call *call =
        claim_new(store, &claim_kind, wanted->now_us, wanted->lease_ms, arena, (claim_fn)done, ctx);
    struct params *params = &call->params;
    params_int8(params, wanted->limit);
    params_int8(params, wanted->endpoint_max);
    params_int8(params, HOOK_FAILING_COUNT);
    call_submit(call);
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void put_ids(struct params *params, const struct hook_end *ends, size_t count, size_t offset)
{
    params_array_begin(params, VALUE_UUID, count);
    for (size_t i = 0; i < count; i++)
        params_put_uuid(params,
                        (const struct uuid *)(const void *)((const char *)&ends[i] + offset));
    params_array_end(params);
}

#define OF(member) offsetof(struct hook_end, member)

void hooks_end(struct store *store, const struct hook_end *ends, size_t count, int64_t now_us,
               store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_HOOK_END, done, ctx);
    struct params *params = &call->params;
    params_time(params, now_us);
    put_ids(params, ends, count, OF(merchant_id));
    put_ids(params, ends, count, OF(endpoint_id));
    put_ids(params, ends, count, OF(event_id));
    params_array_begin(params, VALUE_INT8, count);
    for (size_t i = 0; i < count; i++)
        params_put_int8(params, ends[i].epoch);
    params_array_end(params);
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++)
        params_put_bytes(params, str_of(hook_state_name(ends[i].state)));
    params_array_end(params);
    params_array_begin(params, VALUE_TIME, count);
    for (size_t i = 0; i < count; i++)
        params_put_time(params, ends[i].state == HOOK_WAITING ? ends[i].next_us : now_us);
    params_array_end(params);
    params_array_begin(params, VALUE_INT4, count);
    for (size_t i = 0; i < count; i++)
        params_put_int4(params, ends[i].status);
    params_array_end(params);
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++)
        params_put_bytes(params, ends[i].error);
    params_array_end(params);
    params_array_begin(params, VALUE_INT8, count);
    for (size_t i = 0; i < count; i++)
        params_put_int8(params, ends[i].elapsed_us);
    params_array_end(params);
    params_array_begin(params, VALUE_BOOL, count);
    for (size_t i = 0; i < count; i++)
        params_put_bool(params, ends[i].does_not_count);
    params_array_end(params);
    call_submit(call);
}

void hooks_health(struct store *store, const struct hook_health *health, int64_t now_us,
                  store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_HOOK_HEALTH, done, ctx);
    struct params *params = &call->params;
    params_uuid(params, &health->merchant_id);
    params_uuid(params, &health->endpoint_id);
    params_bool(params, health->succeeded);
    params_time(params, now_us);
    params_time(params, health->resume_us > 0 ? health->resume_us : now_us);
    params_bool(params, health->is_gone);
    params_text(params, health->url);
    call_submit(call);
}

void hooks_sweep(struct store *store, int64_t now_us, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_HOOK_SWEEP, done, ctx);
    params_time(&call->params, now_us);
    params_int8(&call->params, HOOK_SWEEP_MAX);
    call_submit(call);
}

/* ---- how much waits -------------------------------------------------------------------------- */

void hooks_backlog(struct store *store, store_backlog_fn done, void *ctx)
{
    backlog_ask(store, SQL_HOOK_BACKLOG, done, ctx);
}

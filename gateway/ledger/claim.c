#include "ledger/claim.h"

#include "base/clock.h"

struct claiming {
    struct call call;
    const struct claim_kind *kind;
    struct arena *arena;
    claim_fn done;
    void *ctx;
    char *claims; /* in the arena */
    size_t count;
};

static void claim_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct claiming *claiming = LIST_OWNER(job, struct claiming, call.request.job);
    const struct claim_kind *kind = claiming->kind;
    claiming->count = (size_t)PQntuples(res);
    claiming->claims = arena_alloc(claiming->arena, claiming->count * kind->size);
    for (size_t row = 0; row < claiming->count; row++)
        kind->read(res, (int)row, claiming->arena, claiming->claims + row * kind->size);
}

static void claim_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct claiming *claiming = LIST_OWNER(job, struct claiming, call.request.job);
    if (end == PG_DONE)
        claiming->kind->tell(claiming->done, claiming->ctx, STORE_FOUND, claiming->claims,
                             claiming->count, &why->err);
    else
        claiming->kind->tell(claiming->done, claiming->ctx, STORE_FAILED, NULL, 0, &why->err);
    call_free(&claiming->call);
}

struct call *claim_new(struct store *store, const struct claim_kind *kind, int64_t now_us,
                       int64_t lease_ms, struct arena *arena, claim_fn done, void *ctx)
{
    struct claiming *claiming =
        call_new(store, sizeof(*claiming), sql_text(kind->sql)->kind, claim_result, claim_end);
    claiming->kind = kind;
    claiming->arena = arena;
    claiming->done = done;
    claiming->ctx = ctx;
    params_time(&claiming->call.params, now_us);
    params_time(&claiming->call.params, now_us + lease_ms * CLOCK_MS_US);
    call_add(&claiming->call, kind->sql);
    return &claiming->call;
}

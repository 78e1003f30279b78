#include "ledger/sessions.h"

#include "base/clock.h"
#include "ledger/count.h"

/* Hosts need not agree on the time: one that is ahead takes out nothing that another still takes. */
#define KEPT_LONGER_US (3600 * CLOCK_SECOND_US)

void sessions_end(struct store *store, const struct uuid *session_id, int64_t now_us,
                  int64_t expires_us, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_SESSION_END, done, ctx);
    params_uuid(&call->params, session_id);
    params_time(&call->params, now_us);
    params_time(&call->params, expires_us);
    params_time(&call->params, now_us - KEPT_LONGER_US);
    params_int8(&call->params, SESSIONS_SWEPT_MAX);
    call_submit(call);
}

void sessions_ask(struct store *store, const struct uuid *session_id, store_count_fn done,
                  void *ctx)
{
    struct call *call = count_new(store, SQL_SESSION_ASK, done, ctx);
    params_uuid(&call->params, session_id);
    call_submit(call);
}

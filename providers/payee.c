#include "providers/payee.h"

#include <stdlib.h>

#include "base/clock.h"

enum {
    PAYEE_ARENA_MAX = 1 << 20,
    PAYEE_LEAVE_MS = 5000, /* a question that could not be put by then is not worth it */
    PAYEE_CALL_MAX = 2,
};

struct payee_asking {
    struct engine *engine; /* borrowed */
    struct provider_payee_ask ask;
    struct provider_request request;
    struct engine_send *send;
    unsigned call_count;
    payee_done_fn done;
    void *ctx;
    struct arena arena; /* request, and what ask points to */
};

static void free_asking(struct payee_asking *asking)
{
    arena_release(&asking->arena);
    free(asking);
}

static bool find_answer(struct payee_asking *asking, const struct engine_result *result,
                        struct provider_payee *payee, struct error *err)
{
    const struct provider *provider = asking->ask.account->provider;

    if (result->end != ENGINE_ANSWERED)
        return fail(err, result->is_ours ? ERROR_BUSY : ERROR_UNAVAILABLE, "cannot ask %s: %s",
                    provider->name, result->reason);
    return provider->judge_payee(&asking->ask, &result->answer, &asking->arena, payee, err);
}

static void send_done(void *ctx, const struct engine_result *result);

static void put_question(struct payee_asking *asking)
{
    asking->call_count++;
    asking->send =
        engine_send_start(asking->engine, asking->ask.account, &asking->request,
                          clock_mono_us() + PAYEE_LEAVE_MS * CLOCK_MS_US, send_done, asking);
}

static void send_done(void *ctx, const struct engine_result *result)
{
    struct payee_asking *asking = ctx;
    struct provider_payee payee = {.state = PROVIDER_PAYEE_UNKNOWN};
    struct error err = {.code = ERROR_NONE};

    asking->send = NULL;
    if (result->end == ENGINE_ANSWERED && result->answer.status == 401) {
        engine_forget_token(asking->engine, asking->ask.account);
        if (asking->ask.account->provider->build_token != NULL &&
            asking->call_count < PAYEE_CALL_MAX) {
            put_question(asking);
            return;
        }
    }
    const bool is_known = find_answer(asking, result, &payee, &err);
    asking->done(asking->ctx, is_known ? &payee : NULL, &err);
    free_asking(asking);
}

static void copy_ask(struct payee_asking *asking, const struct provider_payee_ask *ask)
{
    struct arena *arena = &asking->arena;

    asking->ask = *ask;
    asking->ask.payee_id = arena_str(arena, ask->payee_id);
    asking->ask.redirect_url = arena_str(arena, ask->redirect_url);
    asking->ask.session_ref = arena_str(arena, ask->session_ref);
    asking->ask.beneficiary = NULL; /* went into the request, and is not needed any more */
}

bool payee_is_offered(const struct provider *provider)
{
    return provider->build_payee != NULL;
}

struct payee_asking *payee_ask_start(struct engine *engine, const struct provider_payee_ask *ask,
                                     payee_done_fn done, void *ctx, struct error *err)
{
    const struct provider *provider = ask->account->provider;

    if (!payee_is_offered(provider)) {
        (void)fail(err, ERROR_INVALID, "cannot ask %s: its payees need not register",
                   provider->name);
        return NULL;
    }
    struct payee_asking *asking = calloc(1, sizeof(*asking));
    CHECK(asking != NULL);
    arena_init(&asking->arena, PAYEE_ARENA_MAX);
    asking->engine = engine;
    asking->done = done;
    asking->ctx = ctx;
    if (!provider->build_payee(ask, &asking->arena, &asking->request, err)) {
        free_asking(asking);
        return NULL;
    }
    CHECK(!asking->request.moves_money);
    copy_ask(asking, ask);
    put_question(asking);
    return asking;
}

void payee_ask_cancel(struct payee_asking *asking)
{
    if (asking->send != NULL)
        engine_send_cancel(asking->send);
    free_asking(asking);
}

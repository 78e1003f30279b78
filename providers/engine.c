/*
 * A send:
 *
 *     WAITING (for the token) --> MOVING (in http_client) --> done
 *         |                                                    ^
 *         +-----------> SETTLED (its end is known, nothing left) --next tick--+
 */
#include "providers/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "providers/http_client.h"
#include "providers/token.h"

const struct engine_config engine_config_default = {
    .connect_ms = 3000,
    .answer_ms = 30000,
    .token_ms = 5000,
    .answer_bytes_max = 262144,
    .in_flight_max = 4096,
    .connections_per_host_max = 1280,
};

enum send_state {
    SEND_NONE = 0,
    SEND_WAITING,
    SEND_MOVING,
    SEND_SETTLED,
};

struct engine_send {
    struct link link; /* in engine->sends or engine->settled */
    enum send_state state;
    struct engine *engine;                  /* borrowed */
    const struct provider_account *account; /* borrowed */
    const struct provider_request *request; /* borrowed */
    int64_t not_after_us;
    int64_t not_after_wall_us;
    engine_done_fn done;
    void *ctx;
    struct token_wait wait;
    int64_t generation; /* of the token in use; 0: none */
    struct http_transfer *transfer;
    const char *reason; /* SETTLED: why nothing left */
    bool is_ours;       /* SETTLED: for a reason of our own */
};

struct engine {
    struct engine_config config;
    struct http_client *client; /* owned */
    struct token_cache *tokens; /* owned */
    struct link sends;          /* WAITING and MOVING */
    struct link settled;
    struct loop_timer settle_timer;
    size_t in_flight;
};

static void free_send(struct engine_send *send)
{
    list_remove(&send->link);
    send->engine->in_flight--;
    free(send);
}

static void settle(struct engine_send *send, const char *reason, bool is_ours)
{
    struct engine *engine = send->engine;

    send->state = SEND_SETTLED;
    send->reason = reason;
    send->is_ours = is_ours;
    list_remove(&send->link);
    list_add_last(&engine->settled, &send->link);
    if (!loop_timer_is_running(&engine->settle_timer))
        loop_timer_start(&engine->settle_timer, 0);
}

/* Whoever is told may start new sends, which may settle at once: those wait for the next tick. */
static void tell_settled(void *ctx)
{
    struct engine *engine = ctx;
    struct link *last = engine->settled.prev;
    bool is_last = list_is_empty(&engine->settled);

    while (!is_last && !list_is_empty(&engine->settled)) {
        struct link *first = list_take_first(&engine->settled);
        struct engine_send *send = LIST_OWNER(first, struct engine_send, link);
        struct engine_result result = {.end = ENGINE_NOT_SENT, .is_ours = send->is_ours};
        const engine_done_fn done = send->done;
        void *done_ctx = send->ctx;

        is_last = first == last;
        CHECK(str_copy_to(str_of(send->reason), result.reason, sizeof(result.reason)));
        result.answer.retry_after_ms = -1;
        free_send(send);
        done(done_ctx, &result);
    }
    if (!list_is_empty(&engine->settled) && !loop_timer_is_running(&engine->settle_timer))
        loop_timer_start(&engine->settle_timer, 0);
}

static void transfer_done(void *ctx, const struct engine_result *result)
{
    struct engine_send *send = ctx;
    const engine_done_fn done = send->done;
    void *done_ctx = send->ctx;

    if (result->end == ENGINE_ANSWERED && result->answer.status == 401 && send->generation != 0)
        token_cache_refuse(send->engine->tokens, &send->account->account_id, send->generation);
    free_send(send);
    done(done_ctx, result);
}

static void start_transfer(struct engine_send *send, struct str authorization)
{
    const struct engine_config *config = &send->engine->config;
    const struct http_call call = {
        .account = send->account,
        .request = send->request,
        .authorization = authorization,
        .connect_ms = config->connect_ms,
        .answer_ms = config->answer_ms,
        .not_after_us = send->not_after_us,
        .not_after_wall_us = send->not_after_wall_us,
    };

    send->state = SEND_MOVING;
    send->transfer = http_client_start(send->engine->client, &call, transfer_done, send);
}

static void start_basic(struct engine_send *send)
{
    struct secret line;

    secret_init(&line);
    token_basic_line(send->account, &line);
    start_transfer(send, secret_expose(&line));
    secret_release(&line);
}

static bool is_expired(const struct engine_send *send)
{
    return clock_mono_us() > send->not_after_us || clock_wall_us() > send->not_after_wall_us;
}

/* Go on as far as possible: settle what is too late, ask for the token, let the request move. */
static void proceed(struct engine_send *send)
{
    struct str line;

    if (is_expired(send))
        settle(send, "expired", true);
    else if (send->account->provider->build_token == NULL || send->request->basic_auth)
        start_basic(send);
    else if (token_cache_get(send->engine->tokens, send->account, &send->wait, &line,
                             &send->generation))
        start_transfer(send, line);
    else
        send->state = SEND_WAITING;
}

static void token_done(void *ctx, const char *failure, struct str line, int64_t generation)
{
    struct engine_send *send = ctx;

    send->generation = generation;
    if (failure != NULL)
        settle(send, failure, false);
    else if (is_expired(send))
        settle(send, "expired", true);
    else
        start_transfer(send, line);
}

struct engine *engine_new(struct loop *loop, const struct engine_config *config)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    CHECK(engine != NULL);
    CHECK(config->connect_ms > 0 && config->answer_ms > 0 && config->token_ms > 0);
    engine->config = *config;
    engine->client = http_client_new(loop, config);
    engine->tokens = token_cache_new(engine->client, config);
    list_init(&engine->sends);
    list_init(&engine->settled);
    loop_timer_init(&engine->settle_timer, loop, tell_settled, engine);
    return engine;
}

static void drop_sends(struct link *sends)
{
    while (!list_is_empty(sends))
        engine_send_cancel(LIST_OWNER(list_take_first(sends), struct engine_send, link));
}

void engine_free(struct engine **engine)
{
    if (*engine == NULL)
        return;
    drop_sends(&(*engine)->sends);
    drop_sends(&(*engine)->settled);
    token_cache_free(&(*engine)->tokens);
    http_client_free(&(*engine)->client);
    loop_timer_release(&(*engine)->settle_timer);
    free(*engine);
    *engine = NULL;
}

struct engine_send *engine_send_start(struct engine *engine, const struct provider_account *account,
                                      const struct provider_request *request, int64_t not_after_us,
                                      engine_done_fn done, void *ctx)
{
    struct engine_send *send = calloc(1, sizeof(*send));

    CHECK(send != NULL);
    CHECK(account->provider != NULL);
    list_init(&send->link);
    send->engine = engine;
    send->account = account;
    send->request = request;
    send->not_after_us = not_after_us;
    if (__builtin_add_overflow(clock_wall_us(), not_after_us - clock_mono_us(),
                               &send->not_after_wall_us))
        send->not_after_wall_us = INT64_MAX;
    send->done = done;
    send->ctx = ctx;
    token_wait_init(&send->wait, token_done, send);
    list_add_last(&engine->sends, &send->link);
    if (engine->in_flight++ >= engine->config.in_flight_max)
        settle(send, "busy", true);
    else
        proceed(send);
    return send;
}

void engine_send_cancel(struct engine_send *send)
{
    switch (send->state) {
    case SEND_MOVING:
        http_client_cancel(send->transfer);
        break;
    case SEND_WAITING:
        token_wait_cancel(&send->wait);
        break;
    case SEND_NONE:
    case SEND_SETTLED:
        break;
    }
    free_send(send);
}

void engine_forget_token(struct engine *engine, const struct provider_account *account)
{
    token_cache_forget_refused(engine->tokens, &account->account_id);
}

void engine_forget_account(struct engine *engine, const struct uuid *account_id)
{
    token_cache_forget(engine->tokens, account_id);
}

size_t engine_in_flight(const struct engine *engine)
{
    return engine->in_flight;
}

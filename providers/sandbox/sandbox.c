#include "providers/sandbox/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "http/server.h"
#include "providers/sandbox/core.h"
#include "providers/sandbox/hook_wire.h"

/*
 * A request's way through time:
 *
 *     arrived --> (before-effect faults: reset, close, hang, status) --> effect, committed
 *                     |                                                     |
 *                     +-- hang with delay_ms: the effect comes then         v
 *     (after-effect faults: reset, close, hang, 500, garbage, other amount) --> base latency --> answer
 *
 * Ends of a connection instead of an answer wait for the fault's delay_ms only.
 *
 * struct pending holds an exchange while it waits for its timer. The client may go meanwhile: the
 * answer then goes nowhere. One that hangs for ever is let go when its client has gone. An answer
 * that its webhooks are to precede waits for their first try, after its own delay.
 *
 * Webhooks that are due, and payouts that change when nobody asks, have one timer: hook_timer.
 */

struct listener {
    struct sandbox *sandbox;        /* borrowed */
    enum sandbox_provider provider; /* SANDBOX_NONE: the common port */
    struct http_server *server;     /* owned; NULL while refused */
    int fd;                         /* owned but for the common port; -1 while refused */
    int port;
};

struct sandbox {
    struct loop *loop; /* borrowed */
    struct sandbox_config config;
    struct tls_server *tls; /* owned; NULL: plain */
    struct core core;
    struct listener listeners[SANDBOX_PORT_COUNT];
    struct loop_timer sync_timer; /* listeners are brought in line with the faults */
    struct hook_wire *wire;       /* owned */
    struct loop_timer hook_timer;
    struct link pendings;
    bool draining;
};

enum pending_step {
    PENDING_ANSWER = 0, /* the answer is made, and waits */
    PENDING_EFFECT,     /* the effect is still to come */
    PENDING_RESET,      /* the connection is to be reset */
    PENDING_CLOSE,      /* ... to be closed in order */
    PENDING_NEVER,      /* hangs until the client goes */
    PENDING_HOOKS,      /* the answer is made, and waits for its webhooks; at most so long */
};

struct pending {
    struct link link;        /* in the sandbox's pendings */
    struct sandbox *sandbox; /* borrowed */
    struct http_exchange *x; /* ours to answer */
    struct loop_timer timer;
    enum pending_step step;
    enum sandbox_provider only;     /* of the listener; PENDING_EFFECT */
    enum sandbox_provider provider; /* whose answer it is; PENDING_ANSWER */
    struct http_response response;  /* PENDING_ANSWER; in the exchange's arena */
    struct str busy_name;           /* in the exchange's arena */
    int64_t hook_first;             /* the webhooks that go before it */
    int64_t hook_last;
};

const struct sandbox_config sandbox_config_default = {
    .address = "127.0.0.1",
    .port = 9443,
    .delay_ms = 50,
};

static const enum sandbox_provider port_providers[SANDBOX_PORT_COUNT] = {
    [SANDBOX_PORT_COMMON] = SANDBOX_NONE,
    [SANDBOX_PORT_PAYPAL] = SANDBOX_PAYPAL,
    [SANDBOX_PORT_PAYONEER] = SANDBOX_PAYONEER,
    [SANDBOX_PORT_PAYONEER_PAYOUTS] = SANDBOX_PAYONEER_PAYOUTS,
};

enum {
    EARLY_HOOKS_MS = 10000, /* an answer waits no longer for its webhooks */
    HOOK_TIMER_MS_MAX = 3600000,
    BODY_BYTES_MAX = 8 << 20, /* 15,000 payouts; the exchange's arena has room for as much again */
};

static void handle(struct http_exchange *x, void *ctx);

/* ---- answers that wait ----------------------------------------------------------------------- */

static void pending_free(struct pending *pending)
{
    core_release_key(&pending->sandbox->core, pending->busy_name);
    loop_timer_release(&pending->timer);
    list_remove(&pending->link);
    free(pending);
}

static void answer_now(struct sandbox *sandbox, struct http_exchange *x, struct call *call);

/* While a provider is thinned, every request needs a connection of its own. */
static void reply(struct sandbox *sandbox, struct http_exchange *x, enum sandbox_provider provider,
                  struct http_response response)
{
    response.close = faults_is_thinned(&sandbox->core.faults, provider);
    http_reply(x, &response);
}

static void late_effect(struct sandbox *sandbox, struct http_exchange *x,
                        enum sandbox_provider only)
{
    struct call call;
    core_classify_again(&sandbox->core, http_request(x), http_arena(x), only, clock_wall_us(),
                        &call);
    core_answer(&sandbox->core, &call);
    answer_now(sandbox, x, &call);
}

/* Its webhooks are to go before it, and have not all been tried. */
static bool is_before_its_hooks(const struct pending *pending)
{
    return pending->step == PENDING_ANSWER && pending->hook_first <= pending->hook_last &&
           !hooks_are_told(&pending->sandbox->core.hooks, pending->hook_first, pending->hook_last);
}

static void pending_due(void *ctx)
{
    struct pending *pending = ctx;
    if (pending->step == PENDING_NEVER) {
        return;
    }
    if (is_before_its_hooks(pending)) {
        pending->step = PENDING_HOOKS;
        loop_timer_start(&pending->timer, EARLY_HOOKS_MS * CLOCK_MS_US);
        return;
    }
    struct pending due = *pending;
    pending_free(pending); /* its busy_name is in the arena of the exchange, which goes next */
    switch (due.step) {
    case PENDING_ANSWER:
    case PENDING_HOOKS:
        reply(due.sandbox, due.x, due.provider, due.response);
        return;
    case PENDING_EFFECT:
        late_effect(due.sandbox, due.x, due.only);
        return;
    case PENDING_RESET:
    case PENDING_CLOSE:
        http_abort(due.x, due.step == PENDING_RESET);
        return;
    case PENDING_NEVER:
        return;
    }
}

/* The client of a request that hangs for ever has gone: the answer goes nowhere. */
static void pending_gone(void *ctx)
{
    struct pending *pending = ctx;
    struct http_exchange *x = pending->x;
    pending_free(pending);
    http_reply(x, &(struct http_response){.status = 503});
}

static struct pending *pending_new(struct sandbox *sandbox, struct http_exchange *x,
                                   enum pending_step step, int64_t delay_ms)
{
    struct pending *pending = calloc(1, sizeof(*pending));
    CHECK(pending);
    pending->sandbox = sandbox;
    pending->x = x;
    pending->step = step;
    list_add_last(&sandbox->pendings, &pending->link);
    loop_timer_init(&pending->timer, sandbox->loop, pending_due, pending);
    if (step == PENDING_NEVER) {
        http_on_gone(x, pending_gone, pending);
    } else {
        loop_timer_start(&pending->timer, delay_ms * 1000);
    }
    return pending;
}

static struct http_response response_of(const struct call *call)
{
    bool empty = call->status == 204;
    return (struct http_response){
        .status = call->status,
        .content_type = empty ? STR_NONE : call->content_type,
        .body = empty ? STR_NONE : buf_str(call->body),
        .headers = call->headers,
        .header_count = call->header_count,
    };
}

static void answer_now(struct sandbox *sandbox, struct http_exchange *x, struct call *call)
{
    struct http_response response = response_of(call);
    struct str busy = call->busy_name; /* in the exchange's arena: released before it is answered */
    core_release_key(&sandbox->core, busy);
    reply(sandbox, x, call->provider, response);
}

static void answer_later(struct sandbox *sandbox, struct http_exchange *x, struct call *call,
                         int64_t delay_ms)
{
    bool early = sandbox->core.hooks.behaviour.early && call->hook_first <= call->hook_last;
    if (delay_ms <= 0 && !early) {
        answer_now(sandbox, x, call);
        return;
    }
    struct arena *arena = http_arena(x);
    struct pending *pending = pending_new(sandbox, x, PENDING_ANSWER, delay_ms);
    struct http_header *headers = ARENA_ARRAY(arena, struct http_header, CALL_HEADER_MAX);
    memcpy(headers, call->headers, call->header_count * sizeof(*headers));
    pending->response = response_of(call);
    pending->response.body = arena_str(arena, pending->response.body);
    pending->response.headers = headers;
    pending->busy_name = call->busy_name;
    pending->provider = call->provider;
    pending->hook_first = early ? call->hook_first : 1;
    pending->hook_last = early ? call->hook_last : 0;
}

/* ---- webhooks -------------------------------------------------------------------------------- */

/* Send what is due now, and come back when something is again. */
static void look_after_hooks(struct sandbox *sandbox)
{
    int64_t now_us = clock_wall_us();
    int64_t next_us = hook_wire_send(sandbox->wire, now_us);
    if (hooks_are_wanted(&sandbox->core.hooks) && core_next_due_us(&sandbox->core) < next_us) {
        next_us = core_next_due_us(&sandbox->core);
    }
    if (next_us == INT64_MAX || sandbox->draining) {
        loop_timer_stop(&sandbox->hook_timer);
        return;
    }
    int64_t most_us = HOOK_TIMER_MS_MAX * CLOCK_MS_US;
    int64_t wait_us = next_us > now_us ? next_us - now_us : 0;
    loop_timer_start(&sandbox->hook_timer, wait_us < most_us ? wait_us : most_us);
}

static void hooks_due(void *ctx)
{
    struct sandbox *sandbox = ctx;
    struct error err;
    if (hooks_are_wanted(&sandbox->core.hooks) &&
        !core_ripen(&sandbox->core, clock_wall_us(), &err)) {
        log_error("sandbox", "the books cannot be kept", LOG_CSTR("error", err.text));
        return;
    }
    look_after_hooks(sandbox);
}

/* Answers that waited for it go now. */
static void hook_told(void *ctx)
{
    struct sandbox *sandbox = ctx;
    for (struct link *at = sandbox->pendings.next; at != &sandbox->pendings; at = at->next) {
        struct pending *pending = LIST_OWNER(at, struct pending, link);
        if (pending->step == PENDING_HOOKS &&
            hooks_are_told(&sandbox->core.hooks, pending->hook_first, pending->hook_last)) {
            loop_timer_start(&pending->timer, 0);
        }
    }
    loop_timer_start(&sandbox->hook_timer, 0);
}

static void end_later(struct sandbox *sandbox, struct http_exchange *x, bool reset,
                      int64_t delay_ms)
{
    if (delay_ms == 0) {
        http_abort(x, reset);
    } else {
        (void)pending_new(sandbox, x, reset ? PENDING_RESET : PENDING_CLOSE, delay_ms);
    }
}

/* ---- listeners ------------------------------------------------------------------------------- */

/* IPv4 has its port in the same place. */
static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
              "read as IPv6");

static int port_of(int fd)
{
    struct sockaddr_in6 name = {0};
    socklen_t len = sizeof(name);
    bool is_known = getsockname(fd, (struct sockaddr *)&name, &len) == 0;
    return is_known ? ntohs(name.sin6_port) : 0;
}

/* The common port serves the control API as well: it is never thinned. */
static bool admit(void *ctx)
{
    struct listener *listener = ctx;
    return faults_admit(&listener->sandbox->core.faults, listener->provider);
}

static void serve(struct listener *listener)
{
    struct sandbox *sandbox = listener->sandbox;
    struct http_server_config config = {
        .limits = http_limits_default,
        .tls = sandbox->tls,
        .listener_name = "sandbox",
        .handler = handle,
        .handler_ctx = listener,
        .admit = admit,
    };
    /* One gateway machine is all our clients: they keep many connections, for long, from one
     * address. */
    config.limits.connection_count_max = 16384;
    config.limits.connection_per_address_max = 16384;
    config.limits.request_count_max = SIZE_MAX;
    config.limits.answer_write_ms = 60000;
    config.limits.body_bytes_max = BODY_BYTES_MAX;
    listener->server = http_server_new(sandbox->loop, listener->fd, &config);
}

static bool open_listener(struct listener *listener, struct error *err)
{
    const char *address = listener->sandbox->config.address;
    /* Sockets that share a port would split the requests between two sandboxes: ask before. */
    if (!http_port_probe(address, listener->port, err) ||
        !http_listen(address, listener->port, &listener->fd, err)) {
        return false;
    }
    listener->port = port_of(listener->fd);
    serve(listener);
    return true;
}

static void close_listener(struct listener *listener)
{
    http_server_free(&listener->server);
    if (listener->provider != SANDBOX_NONE && listener->fd >= 0) {
        (void)close(listener->fd);
    }
    listener->fd = -1;
}

/* Close the ports of refused providers and idle connections of thinned ones, open the ports of
 * others again. */
static bool sync_listeners(struct sandbox *sandbox, struct error *err)
{
    bool done = true;
    for (size_t i = SANDBOX_PORT_COMMON + 1; i < SANDBOX_PORT_COUNT && !sandbox->draining; i++) {
        struct listener *listener = &sandbox->listeners[i];
        bool refused = faults_is_refused(&sandbox->core.faults, listener->provider);
        if (refused && listener->server) {
            close_listener(listener);
        } else if (!refused && !listener->server) {
            done = open_listener(listener, err) && done;
        } else if (listener->server &&
                   faults_is_thinned(&sandbox->core.faults, listener->provider)) {
            http_server_close_idle(listener->server);
        }
    }
    return done;
}

static void sync_due(void *ctx)
{
    struct sandbox *sandbox = ctx;
    struct error err;
    if (!sync_listeners(sandbox, &err)) {
        log_error("sandbox", "cannot listen again", LOG_CSTR("error", err.text));
        loop_timer_start(&sandbox->sync_timer, CLOCK_SECOND_US);
    }
}

/* From this moment connect() is refused; what is open goes with the next tick, as it may be in use
 * now. */
static void refuse_from_now(struct sandbox *sandbox, enum sandbox_provider provider)
{
    faults_refuse(&sandbox->core.faults, provider);
    for (size_t i = SANDBOX_PORT_COMMON + 1; i < SANDBOX_PORT_COUNT; i++) {
        if (sandbox->listeners[i].provider == sandbox_port_owner(provider) &&
            sandbox->listeners[i].fd >= 0) {
            (void)shutdown(sandbox->listeners[i].fd, SHUT_RDWR);
        }
    }
    loop_timer_start(&sandbox->sync_timer, 0);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void handle_control(struct sandbox *sandbox, struct http_exchange *x, struct call *call)
{
    struct error err;
    core_answer(&sandbox->core, call);
    if (!sync_listeners(sandbox, &err)) {
        core_answer_fault(&sandbox->core, call, 503);
        buf_printf(call->body, "%s\n", err.text);
        loop_timer_start(&sandbox->sync_timer, CLOCK_SECOND_US);
    }
    answer_now(sandbox, x, call);
}

/* Faults that keep the request from having any effect; false: there is none. */
static bool act_before(struct sandbox *sandbox, struct http_exchange *x, struct call *call,
                       const struct fault_plan *plan, enum sandbox_provider only)
{
    int64_t latency_ms = sandbox->core.settings.delay_ms + plan->slow_ms;
    int status = 0;
    switch (plan->kind) {
    case FAULT_RESET_BEFORE_READ:
    case FAULT_CLOSE_BEFORE_EFFECT:
        end_later(sandbox, x, plan->kind == FAULT_RESET_BEFORE_READ, plan->delay_ms);
        return true;
    case FAULT_HANG_BEFORE_EFFECT:
        pending_new(sandbox, x, plan->delay_ms > 0 ? PENDING_EFFECT : PENDING_NEVER, plan->delay_ms)
            ->only = only;
        return true;
    case FAULT_HTTP_500:
        status = 500;
        break;
    case FAULT_HTTP_503:
        status = 503;
        break;
    case FAULT_HTTP_429:
        status = 429;
        break;
    case FAULT_DECLINE_SOFT:
        call->forced = SCENARIO_SOFT;
        return false;
    case FAULT_DECLINE_HARD:
        call->forced = SCENARIO_HARD;
        return false;
    case FAULT_NONE:
    case FAULT_REFUSE:
    case FAULT_RESET_AFTER_EFFECT:
    case FAULT_CLOSE_AFTER_EFFECT:
    case FAULT_HANG_AFTER_EFFECT:
    case FAULT_HTTP_500_AFTER_EFFECT:
    case FAULT_GARBAGE:
    case FAULT_OTHER_AMOUNT:
    case FAULT_SLOW:
    case FAULT_KIND_COUNT:
        return false;
    }
    core_answer_fault(&sandbox->core, call, status);
    answer_later(sandbox, x, call, latency_ms + plan->delay_ms);
    return true;
}

/* The effect is committed. What becomes of its answer? */
static void act_after(struct sandbox *sandbox, struct http_exchange *x, struct call *call,
                      const struct fault_plan *plan)
{
    int64_t latency_ms = sandbox->core.settings.delay_ms + plan->slow_ms + plan->delay_ms;
    if (plan->kind == FAULT_RESET_AFTER_EFFECT || plan->kind == FAULT_CLOSE_AFTER_EFFECT) {
        core_release_key(&sandbox->core, call->busy_name);
        end_later(sandbox, x, plan->kind == FAULT_RESET_AFTER_EFFECT, plan->delay_ms);
        return;
    }
    if (plan->kind == FAULT_HANG_AFTER_EFFECT) {
        /* The work is done, only its answer is lost: a repeat of the key finds it. */
        core_release_key(&sandbox->core, call->busy_name);
        call->busy_name = STR_NONE;
        if (plan->delay_ms == 0) {
            (void)pending_new(sandbox, x, PENDING_NEVER, 0);
            return;
        }
    } else if (plan->kind == FAULT_HTTP_500_AFTER_EFFECT) {
        struct str busy = call->busy_name;
        core_answer_fault(&sandbox->core, call, 500);
        call->busy_name = busy;
    } else if (plan->kind == FAULT_GARBAGE) {
        core_answer_garbage(&sandbox->core, call);
    } else if (plan->kind == FAULT_OTHER_AMOUNT) {
        core_answer_other_amount(call);
    }
    answer_later(sandbox, x, call, latency_ms);
}

static void handle_request(struct listener *listener, struct http_exchange *x)
{
    struct sandbox *sandbox = listener->sandbox;
    struct call call;
    core_classify(&sandbox->core, http_request(x), http_arena(x), listener->provider,
                  clock_wall_us(), &call);
    if (call.provider == SANDBOX_NONE) {
        handle_control(sandbox, x, &call);
        return;
    }
    if (faults_is_refused(&sandbox->core.faults, call.provider) ||
        (listener->provider == SANDBOX_NONE &&
         !faults_admit(&sandbox->core.faults, call.provider))) {
        http_abort(x, true); /* on the common port, which cannot be closed for one provider */
        return;
    }
    struct fault_plan plan = faults_pick(&sandbox->core.faults, call.provider, call.operation);
    if (plan.then_refuse) {
        refuse_from_now(sandbox, call.provider);
    }
    if (!act_before(sandbox, x, &call, &plan, listener->provider)) {
        core_answer(&sandbox->core, &call);
        act_after(sandbox, x, &call, &plan);
    }
}

static void handle(struct http_exchange *x, void *ctx)
{
    struct listener *listener = ctx;
    handle_request(listener, x);
    look_after_hooks(listener->sandbox);
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool open_signer(struct sandbox *sandbox, struct error *err)
{
    const struct sandbox_config *config = &sandbox->config;
    struct hooks *hooks = &sandbox->core.hooks;
    if (config->hook_certificate_file) {
        hooks->has_signer = hook_signer_open(&hooks->signer, config->hook_certificate_file,
                                             config->hook_key_file, err);
        return hooks->has_signer;
    }
    return true;
}

static bool start(struct sandbox *sandbox, int listen_fd, struct error *err)
{
    const struct sandbox_config *config = &sandbox->config;
    if (config->certificate_file) {
        sandbox->tls =
            tls_server_new(&(struct tls_server_config){.certificate_file = config->certificate_file,
                                                       .key_file = config->key_file},
                           err);
        if (!sandbox->tls) {
            return false;
        }
    }
    if (!open_signer(sandbox, err)) {
        return false;
    }
    for (size_t i = 0; i < SANDBOX_PORT_COUNT; i++) {
        struct listener *listener = &sandbox->listeners[i];
        if (i == SANDBOX_PORT_COMMON) {
            listener->fd = listen_fd;
            listener->port = port_of(listen_fd);
            serve(listener);
            continue;
        }
        listener->port = config->port == 0 ? 0 : config->port + (int)i;
        if (!open_listener(listener, err)) {
            return false;
        }
    }
    (void)snprintf(sandbox->core.hooks.origin, sizeof(sandbox->core.hooks.origin), "%s://%s:%d",
                   sandbox->core.scheme, config->address,
                   sandbox->listeners[SANDBOX_PORT_PAYPAL].port);
    look_after_hooks(sandbox);
    return true;
}

struct sandbox *sandbox_new(struct loop *loop, int listen_fd, const struct sandbox_config *config,
                            struct error *err)
{
    struct sandbox *sandbox = calloc(1, sizeof(*sandbox));
    CHECK(sandbox);
    if (!core_open(&sandbox->core, config->books_file, config->delay_ms,
                   config->certificate_file ? "https" : "http", err)) {
        free(sandbox);
        return NULL;
    }
    sandbox->loop = loop;
    sandbox->config = *config;
    list_init(&sandbox->pendings);
    loop_timer_init(&sandbox->sync_timer, loop, sync_due, sandbox);
    loop_timer_init(&sandbox->hook_timer, loop, hooks_due, sandbox);
    sandbox->wire =
        hook_wire_new(loop, &sandbox->core.hooks, config->hook_ca_file, hook_told, sandbox);
    for (size_t i = 0; i < SANDBOX_PORT_COUNT; i++) {
        sandbox->listeners[i] =
            (struct listener){.sandbox = sandbox, .provider = port_providers[i], .fd = -1};
    }
    if (!start(sandbox, listen_fd, err)) {
        sandbox_free(&sandbox);
    }
    return sandbox;
}

void sandbox_drain(struct sandbox *sandbox)
{
    sandbox->draining = true;
    loop_timer_stop(&sandbox->sync_timer);
    loop_timer_stop(&sandbox->hook_timer);
    for (size_t i = 0; i < SANDBOX_PORT_COUNT; i++) {
        if (sandbox->listeners[i].server) {
            http_server_drain(sandbox->listeners[i].server);
        }
    }
}

void sandbox_free(struct sandbox **sandbox_at)
{
    struct sandbox *sandbox = *sandbox_at;
    if (!sandbox) {
        return;
    }
    for (size_t i = 0; i < SANDBOX_PORT_COUNT; i++) {
        close_listener(&sandbox->listeners[i]);
    }
    while (!list_is_empty(&sandbox->pendings)) {
        pending_gone(LIST_OWNER(list_take_first(&sandbox->pendings), struct pending, link));
    }
    loop_timer_release(&sandbox->sync_timer);
    hook_wire_free(&sandbox->wire);
    loop_timer_release(&sandbox->hook_timer);
    core_close(&sandbox->core);
    tls_server_free(&sandbox->tls);
    free(sandbox);
    *sandbox_at = NULL;
}

int sandbox_port(const struct sandbox *sandbox, enum sandbox_port which)
{
    return sandbox->listeners[which].server ? sandbox->listeners[which].port : 0;
}

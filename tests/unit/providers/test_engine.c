#include "providers/engine.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "providers/paypal.h"
#include "providers/payoneer.h"

#include "tls_server.h"

#include "fixture.h"

enum {
    SEND_MAX = 64,
};

/* Time that a suspended machine does not see: the monotonic clock stands still meanwhile. */
static time_t suspended_s;
static struct loop_timer suspension;

int clock_gettime(clockid_t id, struct timespec *now)
{
    const long result = syscall(SYS_clock_gettime, id, now);

    if (id == CLOCK_REALTIME)
        now->tv_sec += suspended_s;
    return (int)result;
}

static void suspend(void *ctx)
{
    (void)ctx;
    suspended_s = 60;
}

struct told { /* what a send came to */
    struct setup *setup;
    struct engine_send *send;
    int count;
    enum engine_end end;
    bool left;
    bool is_ours;
    char reason[PROVIDER_REASON_MAX];
    int status;
    int64_t retry_after_ms;
    int64_t elapsed_us;
    char body[256];
    char debug_id[64];
};

struct setup {
    struct tls_server server;
    struct loop *loop;
    struct engine_config config;
    struct engine *engine;
    struct provider_account account;
    struct provider_request request;
    struct told told[SEND_MAX];
    int waiting;
};

static void send_done(void *ctx, const struct engine_result *result)
{
    struct told *told = ctx;

    told->count++;
    told->end = result->end;
    told->left = result->left;
    told->is_ours = result->is_ours;
    told->status = result->answer.status;
    told->retry_after_ms = result->answer.retry_after_ms;
    told->elapsed_us = result->elapsed_us;
    assert_true(str_copy_to(str_of(result->reason), told->reason, sizeof(told->reason)));
    assert_true(str_copy_to(str_sub(result->answer.body, 0, 255), told->body, sizeof(told->body)));
    assert_true(str_copy_to(result->answer.debug_id, told->debug_id, sizeof(told->debug_id)));
    assert_int_equal(result->left, result->left_us != 0);
    assert_int_equal(result->left, result->end != ENGINE_NOT_SENT);
    if (--told->setup->waiting == 0)
        loop_stop(told->setup->loop);
}

static void start(struct setup *s, const struct provider *provider)
{
    memset(s, 0, sizeof(*s));
    tls_server_start(&s->server);
    s->loop = loop_new();
    s->config = engine_config_default;
    s->engine = engine_new(s->loop, &s->config);
    s->account = fixture_account(provider);
    s->account.account_id = uuid_new();
    (void)snprintf(s->account.base_url, sizeof(s->account.base_url), "https://127.0.0.1:%d",
                   s->server.port);
    (void)snprintf(s->account.ca_file, sizeof(s->account.ca_file), "%s", s->server.ca_file);
}

static void restart_engine(struct setup *s)
{
    engine_free(&s->engine);
    s->engine = engine_new(s->loop, &s->config);
}

static void stop(struct setup *s)
{
    assert_int_equal(engine_in_flight(s->engine), 0);
    engine_free(&s->engine);
    loop_free(&s->loop);
    secret_release(&s->account.password);
    tls_server_stop(&s->server);
}

static void ask(struct setup *s, const char *method, const char *path, const char *body)
{
    s->request = (struct provider_request){
        .step = PROVIDER_STEP_CHARGE,
        .moves_money = true,
        .method = str_of(method),
        .path = str_of(path),
        .has_body = body != NULL,
        .body = str_of(body),
    };
    if (body != NULL) {
        s->request.header[0] =
            (struct provider_header){STR("Content-Type"), STR("application/json")};
        s->request.header_count = 1;
    }
}

static struct told *send_many(struct setup *s, int count, int64_t not_after_us)
{
    for (int i = 0; i < count; i++) {
        s->told[i] = (struct told){.setup = s};
        s->waiting++;
        s->told[i].send = engine_send_start(s->engine, &s->account, &s->request, not_after_us,
                                            send_done, &s->told[i]);
        assert_int_equal(s->told[i].count, 0);
    }
    loop_run(s->loop);
    for (int i = 0; i < count; i++)
        assert_int_equal(s->told[i].count, 1);
    return s->told;
}

static struct told *send_one(struct setup *s, const char *method, const char *path,
                             const char *body)
{
    ask(s, method, path, body);
    return send_many(s, 1, INT64_MAX);
}

static void assert_end(const struct told *told, enum engine_end end, const char *reason)
{
    if (told->end != end || strcmp(told->reason, reason) != 0)
        fail_msg("end %d (%s), not %d (%s)", (int)told->end, told->reason, (int)end, reason);
}

static bool last_request_has(struct setup *s, const char *text)
{
    pthread_mutex_lock(&s->server.lock);
    const bool has = strstr(s->server.last_request, text) != NULL;
    pthread_mutex_unlock(&s->server.lock);
    return has;
}

static void an_answer_comes_back_whole(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_payoneer);
    const struct told *told = send_one(&s, "POST", "/ok", "{\"a\":1}");
    assert_end(told, ENGINE_ANSWERED, "");
    assert_int_equal(told->status, 200);
    assert_string_equal(told->body, "{\"ok\":true}");
    assert_string_equal(told->debug_id, "90957fca61718");
    assert_true(told->retry_after_ms == 7000);
    assert_true(told->elapsed_us > 0);
    assert_true(last_request_has(&s, "POST /ok HTTP/1.1\r\n"));
    assert_true(last_request_has(&s, "\r\nAuthorization: Basic Y2xpZW50OnNlY3JldA==\r\n"));
    assert_true(last_request_has(&s, "\r\nContent-Type: application/json\r\n"));
    assert_true(last_request_has(&s, "\r\n\r\n{\"a\":1}"));
    assert_end(send_one(&s, "GET", "/chunked", NULL), ENGINE_ANSWERED, "");
    assert_string_equal(s.told[0].body, "{\"a\":1}");
    assert_int_equal(s.told[0].retry_after_ms, -1);
    stop(&s);
}

static void methods_and_bodies_go_out_as_they_are(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_payoneer);
    assert_end(send_one(&s, "POST", "/ok", NULL), ENGINE_ANSWERED, "");
    assert_true(last_request_has(&s, "\r\nContent-Length: 0\r\n"));
    assert_false(last_request_has(&s, "Content-Type"));
    assert_end(send_one(&s, "DELETE", "/ok", NULL), ENGINE_ANSWERED, "");
    assert_true(last_request_has(&s, "DELETE /ok HTTP/1.1\r\n"));
    assert_false(last_request_has(&s, "Content-Length"));
    assert_end(send_one(&s, "PUT", "/ok", "{}"), ENGINE_ANSWERED, "");
    assert_true(last_request_has(&s, "PUT /ok HTTP/1.1\r\n"));
    assert_end(send_one(&s, "GET", "/ok", NULL), ENGINE_ANSWERED, "");
    assert_true(last_request_has(&s, "GET /ok HTTP/1.1\r\n"));
    assert_int_equal(atomic_load(&s.server.connections), 1); /* one connection for all of them */
    stop(&s);
}

static void a_redirect_is_an_answer_and_not_followed(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_payoneer);
    assert_end(send_one(&s, "POST", "/redirect", "{}"), ENGINE_ANSWERED, "");
    assert_int_equal(s.told[0].status, 302);
    assert_int_equal(atomic_load(&s.server.arrivals), 1);
    stop(&s);
}

/* The traps: a kept connection dies after the request was read. libcurl would send it once more. */
static void a_request_is_never_sent_twice_by_libcurl(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        const char *body;
        const char *reason;
    } rows[] = {
        {"POST", "/close", "{\"a\":1}", "closed"},
        {"POST", "/close", NULL, "closed"},
        {"DELETE", "/close", NULL, "closed"},
        {"POST", "/reset", "{\"a\":1}", "reset"},
        {"POST", "/reset", NULL, "reset"},
        {"DELETE", "/reset", NULL, "reset"},
        {"POST", "/close_and_refuse", "{\"a\":1}", "closed"},
        {"POST", "/close_and_refuse", NULL, "closed"},
        {"DELETE", "/close_and_refuse", NULL, "closed"},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int warm = 0; warm < 2; warm++) {
            struct setup s;
            start(&s, &provider_payoneer);
            if (warm == 1)
                assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_ANSWERED, "");
            const struct told *told = send_one(&s, rows[i].method, rows[i].path, rows[i].body);
            assert_int_equal(told->end, ENGINE_LOST);
            assert_true(told->left);
            if (strcmp(told->reason, rows[i].reason) != 0 && strcmp(told->reason, "reset") != 0 &&
                strcmp(told->reason, "closed") != 0)
                fail_msg("%s %s: %s", rows[i].method, rows[i].path, told->reason);
            assert_int_equal(atomic_load(&s.server.arrivals), 1);
            stop(&s);
            assert_int_equal(atomic_load(&s.server.arrivals), 1);
        }
    }
}

/* Every connection that the server ends has ended for the client, too: it is there to be read. */
static void wait_for_ends(struct setup *s)
{
    while (atomic_load(&s->server.threads) > 0)
        (void)usleep(1000);
    for (int fd = 0; fd < 1024; fd++) {
        struct sockaddr_in peer;
        socklen_t len = sizeof(peer);
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sin_family == AF_INET &&
            ntohs(peer.sin_port) == s->server.port)
            assert_int_equal(poll(&ready, 1, 5000), 1);
    }
}

/* Have `count` connections, kept and then ended while idle. */
static void leave_ended(struct setup *s, const char *path, int count)
{
    pthread_mutex_lock(&s->server.idle);
    ask(s, "POST", path, "{}");
    (void)send_many(s, count, INT64_MAX);
    pthread_mutex_unlock(&s->server.idle);
    for (int i = 0; i < count; i++)
        assert_end(&s->told[i], ENGINE_ANSWERED, "");
    wait_for_ends(s);
}

static const char *const end_paths[] = {"/end_politely", "/end_silently", "/end_by_reset"};

static void a_connection_that_ended_while_idle_loses_nothing(void **state)
{
    static const struct {
        const char *method;
        const char *body;
    } rows[] = {{"POST", "{\"a\":1}"}, {"POST", NULL}, {"DELETE", NULL}, {"GET", NULL}};
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(end_paths) * ARRAY_LEN(versions); i++) {
        const size_t row = i % ARRAY_LEN(rows);
        const size_t rest = i / ARRAY_LEN(rows);
        struct setup s;
        start(&s, &provider_payoneer);
        (void)SSL_CTX_set_max_proto_version(s.server.ctx, versions[rest / ARRAY_LEN(end_paths)]);
        leave_ended(&s, end_paths[rest % ARRAY_LEN(end_paths)], 1);
        assert_end(send_one(&s, rows[row].method, "/ok", rows[row].body), ENGINE_ANSWERED, "");
        assert_int_equal(s.told[0].status, 200);
        assert_int_equal(atomic_load(&s.server.requests), 2);
        assert_int_equal(atomic_load(&s.server.connections), 2);
        assert_end(send_one(&s, rows[row].method, "/ok", rows[row].body), ENGINE_ANSWERED, "");
        assert_int_equal(atomic_load(&s.server.connections), 2); /* the fresh one is kept */
        stop(&s);
        assert_int_equal(atomic_load(&s.server.requests), 3);
    }
}

static void many_connections_that_ended_lose_nothing(void **state)
{
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(end_paths); i++) {
        struct setup s;
        start(&s, &provider_payoneer);
        s.config.connections_per_host_max = 16; /* all of them taken by the dead */
        restart_engine(&s);
        leave_ended(&s, end_paths[i], 16);
        assert_int_equal(atomic_load(&s.server.connections), 16);
        ask(&s, "POST", "/ok", "{}");
        (void)send_many(&s, 32, INT64_MAX);
        for (int j = 0; j < 32; j++)
            assert_end(&s.told[j], ENGINE_ANSWERED, "");
        stop(&s);
        assert_int_equal(atomic_load(&s.server.requests), 48);
    }
}

/* The second try is bound as the first; and what it sends is as lost as ever when no answer comes.
 */
static void the_fresh_try_keeps_every_rule(void **state)
{
    static const char *const paths[] = {"/close", "/reset", "/close_and_refuse"};
    struct setup s;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        start(&s, &provider_payoneer);
        leave_ended(&s, "/end_politely", 1);
        assert_int_equal(send_one(&s, "POST", paths[i], "{}")->end, ENGINE_LOST);
        stop(&s);
        assert_int_equal(atomic_load(&s.server.arrivals), 1);
    }
    start(&s, &provider_payoneer);
    leave_ended(&s, "/end_politely", 1);
    ask(&s, "POST", "/close", "{}");
    assert_end(send_many(&s, 1, clock_mono_us() + 50), ENGINE_NOT_SENT, "expired");
    assert_true(s.told[0].is_ours);
    assert_int_equal(atomic_load(&s.server.arrivals), 0);
    stop(&s);
    start(&s, &provider_payoneer);
    leave_ended(&s, "/end_and_refuse", 1);
    assert_end(send_one(&s, "POST", "/close", "{}"), ENGINE_NOT_SENT, "connect_refused");
    assert_int_equal(atomic_load(&s.server.arrivals), 0);
    stop(&s);
    start(&s, &provider_payoneer); /* its time is for both tries */
    s.config.answer_ms = 1500;
    restart_engine(&s);
    leave_ended(&s, "/end_politely", 1);
    assert_end(send_one(&s, "POST", "/hang", "{}"), ENGINE_LOST, "timeout");
    assert_true(s.told[0].elapsed_us < 2 * 1500 * CLOCK_MS_US);
    stop(&s);
}

static void a_token_is_fetched_past_an_ended_connection(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_paypal);
    leave_ended(&s, "/end_politely", 1);
    engine_forget_account(s.engine, &s.account.account_id);
    assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_ANSWERED, "");
    assert_int_equal(atomic_load(&s.server.tokens), 2);
    assert_int_equal(atomic_load(&s.server.connections), 2);
    stop(&s);
}

static void what_left_and_has_no_whole_answer_is_lost(void **state)
{
    static const struct {
        const char *path;
        const char *reason;
    } rows[] = {
        {"/hang", "timeout"}, {"/drip", "timeout"},    {"/garbage", "unreadable"},
        {"/short", "closed"}, {"/large", "too_large"},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct setup s;
        start(&s, &provider_payoneer);
        s.config.answer_ms = strcmp(rows[i].reason, "timeout") == 0 ? 1500 : 30000;
        restart_engine(&s);
        assert_end(send_one(&s, "POST", rows[i].path, "{}"), ENGINE_LOST, rows[i].reason);
        assert_int_equal(atomic_load(&s.server.arrivals), 1);
        stop(&s);
    }
}

static void a_refused_connection_sends_nothing(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_payoneer);
    const int fd = socket(AF_INET, SOCK_STREAM, 0); /* bound, not listening: refused for sure */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(s.account.base_url, sizeof(s.account.base_url), "https://127.0.0.1:%d",
                   ntohs(address.sin_port));
    assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_NOT_SENT, "connect_refused");
    assert_int_equal(close(fd), 0);
    stop(&s);
}

static void a_server_that_is_not_trusted_gets_nothing(void **state)
{
    char other[64];
    struct setup s;
    (void)state;

    start(&s, &provider_payoneer);
    tls_make_identity(NULL, other);
    (void)snprintf(s.account.ca_file, sizeof(s.account.ca_file), "%s", other);
    assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_NOT_SENT, "tls_failed");
    s.account.ca_file[0] = '\0'; /* the system's trust store does not know it either */
    assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_NOT_SENT, "tls_failed");
    (void)snprintf(s.account.ca_file, sizeof(s.account.ca_file), "/nonexistent/ca.pem");
    assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_NOT_SENT, "tls_failed");
    (void)snprintf(s.account.ca_file, sizeof(s.account.ca_file), "%s", s.server.ca_file);
    (void)snprintf(s.account.base_url, sizeof(s.account.base_url), "https://localhost:%d",
                   s.server.port); /* the certificate is for 127.0.0.1 only */
    assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_NOT_SENT, "tls_failed");
    assert_string_equal(s.server.last_request, "");
    assert_int_equal(unlink(other), 0);
    stop(&s);
}

/* A listener that accepts in the kernel and never speaks; the account's from now on. */
static int open_silent(struct setup *s)
{
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 2 * SEND_MAX), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(s->account.base_url, sizeof(s->account.base_url), "https://127.0.0.1:%d",
                   ntohs(address.sin_port));
    return fd;
}

static void a_handshake_that_never_ends_times_out_unsent(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_payoneer);
    s.config.connect_ms = 200;
    restart_engine(&s);
    const int fd = open_silent(&s);
    assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_NOT_SENT, "connect_timeout");
    assert_int_equal(close(fd), 0);
    stop(&s);
}

static int accept_all(int fd)
{
    int count = 0;
    struct pollfd waits = {.fd = fd, .events = POLLIN};

    while (poll(&waits, 1, 0) == 1) {
        const int peer = accept(fd, NULL, NULL);
        assert_true(peer >= 0);
        assert_int_equal(close(peer), 0);
        count++;
    }
    return count;
}

/* Those that wait for a connection to come free wait within the same time as the others. */
static void held_calls_end_as_others_do(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_payoneer);
    s.config.connect_ms = 2000;
    restart_engine(&s);
    const int fd = open_silent(&s);
    ask(&s, "POST", "/ok", "{}");
    (void)send_many(&s, SEND_MAX, INT64_MAX);
    for (int i = 0; i < SEND_MAX; i++) {
        assert_end(&s.told[i], ENGINE_NOT_SENT, "connect_timeout");
        assert_true(s.told[i].elapsed_us > 1900000 && s.told[i].elapsed_us < 20000000);
    }
    assert_int_equal(accept_all(fd), SEND_MAX);
    s.config.connect_ms = 100; /* they go before they have waited long enough to be started */
    restart_engine(&s);
    (void)send_many(&s, SEND_MAX, INT64_MAX);
    for (int i = 0; i < SEND_MAX; i++)
        assert_end(&s.told[i], ENGINE_NOT_SENT, "connect_timeout");
    /* Held ones are canceled, and dropped, like others. */
    s.told[0] = (struct told){.setup = &s};
    struct engine_send *last = NULL;
    for (int i = 0; i < SEND_MAX; i++)
        last =
            engine_send_start(s.engine, &s.account, &s.request, INT64_MAX, send_done, &s.told[0]);
    engine_send_cancel(last);
    restart_engine(&s);
    assert_int_equal(s.told[0].count, 0);
    assert_int_equal(close(fd), 0);
    stop(&s);
}

static void past_its_time_nothing_leaves(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_payoneer);
    ask(&s, "POST", "/close", "{}");
    assert_end(send_many(&s, 1, clock_mono_us() - 1), ENGINE_NOT_SENT, "expired");
    assert_int_equal(atomic_load(&s.server.connections), 0);
    /* Time passes while it connects: the moment before the first byte decides. */
    assert_end(send_many(&s, 1, clock_mono_us() + 50), ENGINE_NOT_SENT, "expired");
    assert_int_equal(atomic_load(&s.server.arrivals), 0);
    stop(&s);
}

/* The machine was suspended while the send waited for its connection: only the wall clock knows. */
static void after_a_suspension_nothing_leaves(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_payoneer);
    ask(&s, "POST", "/ok", "{}");
    loop_timer_init(&suspension, s.loop, suspend, NULL);
    loop_timer_start(&suspension, 0);
    assert_end(send_many(&s, 1, clock_mono_us() + 5 * CLOCK_SECOND_US), ENGINE_NOT_SENT, "expired");
    assert_int_equal(atomic_load(&s.server.arrivals), 0);
    assert_true(s.told[0].is_ours);
    assert_int_equal(suspended_s, 60);
    loop_timer_release(&suspension);
    suspended_s = 0;
    stop(&s);
}

static void beyond_the_limit_sends_are_refused(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_payoneer);
    s.config.in_flight_max = 3;
    restart_engine(&s);
    ask(&s, "POST", "/ok", "{}");
    (void)send_many(&s, 5, INT64_MAX);
    for (int i = 0; i < 5; i++)
        assert_end(&s.told[i], i < 3 ? ENGINE_ANSWERED : ENGINE_NOT_SENT, i < 3 ? "" : "busy");
    stop(&s);
}

static void a_token_is_fetched_once_for_fifty(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_paypal);
    ask(&s, "POST", "/ok", "{}");
    (void)send_many(&s, 50, INT64_MAX);
    for (int i = 0; i < 50; i++)
        assert_end(&s.told[i], ENGINE_ANSWERED, "");
    assert_int_equal(atomic_load(&s.server.tokens), 1);
    assert_true(last_request_has(&s, "\r\nAuthorization: Bearer T1\r\n"));
    (void)send_many(&s, 50, INT64_MAX);
    assert_int_equal(atomic_load(&s.server.tokens), 1);
    assert_true(atomic_load(&s.server.connections) <= 51);
    stop(&s);
}

static void a_refused_token_is_replaced_once_for_all_it_was_refused_to(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_paypal);
    ask(&s, "POST", "/401", "{}");
    (void)send_many(&s, 5, INT64_MAX);
    assert_int_equal(atomic_load(&s.server.tokens), 1);
    engine_forget_token(s.engine, &s.account);
    assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_ANSWERED, "");
    assert_int_equal(atomic_load(&s.server.tokens), 2);
    for (int i = 0; i < 4; i++) /* the other four judge their 401 later: the new token survives */
        engine_forget_token(s.engine, &s.account);
    assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_ANSWERED, "");
    assert_int_equal(atomic_load(&s.server.tokens), 2);
    engine_forget_account(s.engine, &s.account.account_id);
    assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_ANSWERED, "");
    assert_int_equal(atomic_load(&s.server.tokens), 3);
    stop(&s);
}

static void without_a_token_nothing_leaves(void **state)
{
    static const struct {
        int mode;
        const char *reason;
    } rows[] = {{1, "token_refused"}, {2, "token_unavailable"}, {3, "token_unavailable"}};
    struct setup s;
    (void)state;

    start(&s, &provider_paypal);
    s.config.token_ms = 2000;
    restart_engine(&s);
    ask(&s, "POST", "/close", "{}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        atomic_store(&s.server.token_mode, rows[i].mode);
        (void)send_many(&s, 4, INT64_MAX);
        for (int j = 0; j < 4; j++)
            assert_end(&s.told[j], ENGINE_NOT_SENT, rows[i].reason);
        assert_int_equal(atomic_load(&s.server.tokens), i + 1);
    }
    assert_int_equal(atomic_load(&s.server.arrivals), 0);
    atomic_store(&s.server.token_mode, 0);
    assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_ANSWERED, "");
    stop(&s);
}

static void cancel_first(void *ctx)
{
    struct setup *s = ctx;

    engine_send_cancel(s->told[0].send);
    s->waiting--;
}

static void a_canceled_send_is_not_told(void **state)
{
    struct loop_timer timer;
    struct setup s;
    (void)state;

    for (int mode = 0; mode < 2; mode++) { /* while waiting for its token; while moving */
        start(&s, mode == 0 ? &provider_paypal : &provider_payoneer);
        s.config.answer_ms = 400;
        s.config.token_ms = 200;
        restart_engine(&s);
        atomic_store(&s.server.token_mode, 2);
        loop_timer_init(&timer, s.loop, cancel_first, &s);
        loop_timer_start(&timer, 50000);
        ask(&s, "POST", "/hang", "{}");
        for (int i = 0; i < 2; i++) {
            s.told[i] = (struct told){.setup = &s};
            s.waiting++;
            s.told[i].send = engine_send_start(s.engine, &s.account, &s.request, INT64_MAX,
                                               send_done, &s.told[i]);
        }
        loop_run(s.loop);
        assert_int_equal(s.told[0].count, 0);
        assert_int_equal(s.told[1].count, 1);
        loop_timer_release(&timer);
        stop(&s);
    }
}

static void freeing_the_engine_drops_what_runs(void **state)
{
    struct setup s;
    (void)state;

    for (int mode = 0; mode < 2; mode++) {
        start(&s, mode == 0 ? &provider_paypal : &provider_payoneer);
        ask(&s, "POST", "/ok", "{}");
        s.told[0] = (struct told){.setup = &s};
        (void)engine_send_start(s.engine, &s.account, &s.request, INT64_MAX, send_done, &s.told[0]);
        (void)engine_send_start(s.engine, &s.account, &s.request, 0, send_done, &s.told[0]);
        assert_int_equal(engine_in_flight(s.engine), 2);
        restart_engine(&s);
        assert_int_equal(s.told[0].count, 0);
        stop(&s);
    }
}

static void a_forgotten_account_still_serves_who_waits(void **state)
{
    struct setup s;
    (void)state;

    start(&s, &provider_paypal);
    ask(&s, "POST", "/ok", "{}");
    s.told[0] = (struct told){.setup = &s};
    s.waiting = 1;
    (void)engine_send_start(s.engine, &s.account, &s.request, INT64_MAX, send_done, &s.told[0]);
    engine_forget_account(s.engine, &s.account.account_id);
    loop_run(s.loop);
    assert_end(&s.told[0], ENGINE_ANSWERED, "");
    assert_end(send_one(&s, "POST", "/ok", "{}"), ENGINE_ANSWERED, "");
    assert_int_equal(atomic_load(&s.server.tokens), 2);
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_back_whole),
        cmocka_unit_test(methods_and_bodies_go_out_as_they_are),
        cmocka_unit_test(a_redirect_is_an_answer_and_not_followed),
        cmocka_unit_test(a_request_is_never_sent_twice_by_libcurl),
        cmocka_unit_test(a_connection_that_ended_while_idle_loses_nothing),
        cmocka_unit_test(many_connections_that_ended_lose_nothing),
        cmocka_unit_test(the_fresh_try_keeps_every_rule),
        cmocka_unit_test(a_token_is_fetched_past_an_ended_connection),
        cmocka_unit_test(what_left_and_has_no_whole_answer_is_lost),
        cmocka_unit_test(a_refused_connection_sends_nothing),
        cmocka_unit_test(a_server_that_is_not_trusted_gets_nothing),
        cmocka_unit_test(a_handshake_that_never_ends_times_out_unsent),
        cmocka_unit_test(held_calls_end_as_others_do),
        cmocka_unit_test(past_its_time_nothing_leaves),
        cmocka_unit_test(after_a_suspension_nothing_leaves),
        cmocka_unit_test(beyond_the_limit_sends_are_refused),
        cmocka_unit_test(a_token_is_fetched_once_for_fifty),
        cmocka_unit_test(a_refused_token_is_replaced_once_for_all_it_was_refused_to),
        cmocka_unit_test(without_a_token_nothing_leaves),
        cmocka_unit_test(a_canceled_send_is_not_told),
        cmocka_unit_test(freeing_the_engine_drops_what_runs),
        cmocka_unit_test(a_forgotten_account_still_serves_who_waits),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* of the server's threads */
    log_start(STDERR_FILENO, LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

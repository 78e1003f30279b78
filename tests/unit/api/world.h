/*
 * world.h - an API behind a real HTTP server, over the ledger in memory, and a client in one loop.
 *
 * Nothing sleeps: a request is sent, and the loop is pumped until its answer is there.
 */
#ifndef TESTS_API_WORLD_H
#define TESTS_API_WORLD_H

#include "support.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "api/call.h"
#include "base/metrics.h"
#include "fake_hooks.h"
#include "fake_books.h"
#include "fake_exports.h"
#include "fake_levels.h"
#include "fake_minutes.h"
#include "fake_backtests.h"
#include "fake_rules.h"
#include "fake_orders.h"
#include "fake_reviews.h"
#include "fake_audit.h"
#include "fake_store.h"
#include "http/address.h"

enum {
    PATIENCE_MS = 10000,
};

static const uint8_t pepper[32] = {1, 2, 3};

/* Set before world_start: requests are limited by it. */
static UNUSED const struct admission_config *world_limits;
/* Likewise: where exports lie; NULL: none are made. */
static UNUSED const char *world_exports;
/* Likewise: proxies of ours. */
static UNUSED const struct address_list *world_trusted;

struct answer {
    int status;
    struct buf head;
    json_t *json; /* owned; NULL: no JSON */
};

static struct world {
    struct shm shm;
    struct loop *loop;
    struct health *health;
    struct rule_set *rules;
    struct engine *engine;
    struct merchants *merchants;
    struct admission *admission; /* NULL: nothing is limited */
    struct payments *payments;
    struct merchants_config config;
    struct boards *boards;
    struct api *api;
    struct http_server *server;
    struct event *beat;
    int listen_fd;
    int port;
    char merchant[ID_TEXT_SIZE]; /* test twin */
    char live[ID_TEXT_SIZE];
    char operator_key[64];
    char merchant_key[64];
    char finance_key[64];
    char live_key[64];
    char other_key[64];   /* of another merchant */
    struct answer answer; /* of the last request */
    struct buf in;
    bool is_done;
    size_t round_count; /* of the loop during the last request */
    int64_t longest_us; /* of them */
} world;

static void wake(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx UNUSED)
{
}

static void pump(void)
{
    int64_t from_us = clock_mono_us();
    assert_true(event_base_loop(loop_base(world.loop), EVLOOP_ONCE) >= 0);
    int64_t took_us = clock_mono_us() - from_us;
    world.round_count++;
    world.longest_us = took_us > world.longest_us ? took_us : world.longest_us;
}

/* ---- rows ---- */

static struct uuid add_merchant_row(const char *name, bool livemode)
{
    struct directory_merchant *row = &fake.merchants[fake.merchant_count++];
    *row = (struct directory_merchant){.merchant_id = uuid_new(),
                                       .name = str_of(name),
                                       .livemode = livemode,
                                       .country = STR("US"),
                                       .created_us = clock_wall_us()};
    return row->merchant_id;
}

static void add_key_row(char text[64], enum key_role role, const struct uuid *merchant_id,
                        bool livemode)
{
    struct directory_key *row = &fake.keys[fake.key_count++];
    *row = (struct directory_key){.key_id = uuid_new(),
                                  .merchant_id = *merchant_id,
                                  .role = role,
                                  .livemode = livemode,
                                  .hint = STR("tpk_..."),
                                  .created_us = clock_wall_us()};
    merchant_key_make(livemode, text, row->digest, pepper);
}

static void add_rows(void)
{
    struct uuid none = {{0}};
    struct uuid live = add_merchant_row("Demo", true);
    struct uuid test = add_merchant_row("Demo", false);
    struct uuid other = add_merchant_row("Other", false);
    fake.merchants[0].twin_id = test;
    fake.merchants[1].twin_id = live;
    fake.merchants[2].twin_id = uuid_new();
    (void)id_format(ID_MERCHANT, &test, world.merchant);
    (void)id_format(ID_MERCHANT, &live, world.live);
    add_key_row(world.operator_key, KEY_OPERATOR, &none, true);
    add_key_row(world.merchant_key, KEY_MERCHANT, &test, false);
    add_key_row(world.finance_key, KEY_FINANCE, &test, false);
    add_key_row(world.live_key, KEY_MERCHANT, &live, true);
    add_key_row(world.other_key, KEY_MERCHANT, &other, false);
}

/* ---- life ---- */

static bool read_env(void *ctx UNUSED, const char *name, struct secret *value)
{
    if (strcmp(name, "GOOD") != 0)
        return false;
    secret_set(value, STR("{\"user\":\"u\",\"password\":\"p\"}"));
    return true;
}

static void start_server(void)
{
    struct error err;
    struct sockaddr_in at;
    socklen_t len = sizeof(at);
    struct timeval beat = {.tv_usec = 20000};
    assert_true(http_listen("127.0.0.1", 0, &world.listen_fd, &err));
    assert_int_equal(getsockname(world.listen_fd, (struct sockaddr *)&at, &len), 0);
    world.port = ntohs(at.sin_port);
    struct http_server_config config = {.limits = http_limits_default,
                                        .listener_name = "test",
                                        .handler = api_handle,
                                        .large_body = api_handle_large,
                                        .trusted = world_trusted,
                                        .handler_ctx = world.api};
    world.server = http_server_new(world.loop, world.listen_fd, &config);
    world.beat = event_new(loop_base(world.loop), -1, EV_PERSIST, wake, NULL);
    event_add(world.beat, &beat);
}

static void start_core(void)
{
    static const struct str names[] = {STR_INIT("paypal"), STR_INIT("payoneer")};
    struct error err;
    struct store *store = (struct store *)&fake; /* never looked into */
    world.rules = rule_set_new(STR("default { by cost }"), names, ARRAY_LEN(names), &err);
    assert_non_null(world.rules);
    world.engine = engine_new(world.loop, &engine_config_default);
    world.config = merchants_config_default;
    world.config.secrets_folder = "/nonexistent";
    world.config.read_env = read_env;
    world.merchants = merchants_new(world.loop, store, world.health, pepper, &world.config);
    if (world_limits != NULL)
        world.admission = admission_new(world.loop, admission_open(&world.shm), world_limits, 1);
    struct payments_parts parts = {.loop = world.loop,
                                   .store = store,
                                   .engine = world.engine,
                                   .merchants = world.merchants,
                                   .health = world.health,
                                   .rules = world.rules,
                                   .admission = world.admission,
                                   .seal_key = pepper,
                                   .token_hash_key = pepper,
                                   .writer_id = uuid_new()};
    world.payments = payments_new(&payments_config_default, &parts);
    struct boards_parts boards = {
        .loop = world.loop, .store = store, .health = world.health, .config = &world.config};
    world.boards = boards_new(&boards);
    static const struct egress_rules egress;
    struct api_parts api = {.loop = world.loop,
                            .store = store,
                            .payments = world.payments,
                            .merchants = world.merchants,
                            .health = world.health,
                            .boards = world.boards,
                            .admission = world.admission,
                            .engine = world.engine,
                            .merchants_config = &world.config,
                            .pepper = pepper,
                            .seal_key = pepper,
                            .position_key = pepper,
                            .session_key = pepper,
                            .egress = &egress,
                            .exports_folder = world_exports,
                            .exports_keep_us = INT64_C(72) * 3600 * CLOCK_SECOND_US,
                            .exports_open_max = 3,
                            .event_streams_max = 64,
                            .event_streams_per_merchant_max = 16,
                            .answer_ms = 2000};
    world.api = api_new(&api);
}

static UNUSED int world_start(void **state UNUSED)
{
    struct error err;
    memset(&world, 0, sizeof(world));
    (void)signal(SIGPIPE, SIG_IGN);
    size_t size = health_size() + metrics_shm_size() + admission_shared_size() + (1 << 16);
    assert_true(shm_open_segment(&world.shm, size, &err));
    metrics_open(&world.shm);
    world.health = health_open(&world.shm, &health_config_default);
    world.loop = loop_new();
    buf_init(&world.in, 1 << 24);
    buf_init(&world.answer.head, 1 << 16);
    fake_start(world.loop);
    memset(&fake_orders, 0, sizeof(fake_orders));
    memset(&fake_reviews, 0, sizeof(fake_reviews));
    memset(&fake_hooks, 0, sizeof(fake_hooks));
    memset(&fake_audit, 0, sizeof(fake_audit));
    fake.find_key = fake_find_key;
    add_rows();
    start_core();
    start_server();
    return 0;
}

static UNUSED int world_stop(void **state UNUSED)
{
    http_server_free(&world.server);
    api_free(&world.api);
    boards_free(&world.boards);
    payments_free(&world.payments);
    admission_free(&world.admission);
    engine_free(&world.engine);
    merchants_free(&world.merchants);
    fake_stop();
    event_free(world.beat);
    close(world.listen_fd);
    rule_set_free(&world.rules);
    loop_free(&world.loop);
    json_decref(world.answer.json);
    buf_release(&world.answer.head);
    buf_release(&world.in);
    shm_close(&world.shm);
    return 0;
}

/* ---- requests ---- */

static void take(struct bufferevent *bev, void *ctx UNUSED)
{
    char bytes[16384];
    size_t len;
    while ((len = bufferevent_read(bev, bytes, sizeof(bytes))) > 0)
        buf_add(&world.in, bytes, len);
}

static void ended(struct bufferevent *bev UNUSED, short what UNUSED, void *ctx UNUSED)
{
    world.is_done = true;
}

static struct bufferevent *client_open(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)world.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
    struct bufferevent *bev =
        bufferevent_socket_new(loop_base(world.loop), fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(bev, take, NULL, ended, NULL);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    return bev;
}

static void read_answer(void)
{
    static const struct json_limits limits = {
        .depth_max = 64, .member_count_max = 1 << 20, .string_bytes_max = 1 << 16};
    struct error err;
    struct str all = buf_str(&world.in);
    size_t end = str_find(all, STR("\r\n\r\n"), 0);
    int64_t status = 0;
    assert_true(end != SIZE_MAX);
    assert_true(str_to_int64(str_sub(all, 9, 3), &status));
    world.answer.status = (int)status;
    buf_clear(&world.answer.head);
    buf_add_str(&world.answer.head, str_sub(all, 0, end + 2));
    json_decref(world.answer.json);
    world.answer.json = json_parse(str_sub(all, end + 4, SIZE_MAX), &limits, &err);
}

/* Send and wait; the answer is in world.answer. headers end with \r\n each. */
static UNUSED int ask_as(const char *type, const char *method, const char *path, const char *key,
                         const char *headers, const char *body)
{
    struct buf text;
    int64_t give_up_us = clock_mono_us() + PATIENCE_MS * CLOCK_MS_US;
    buf_init(&text, 1 << 24);
    buf_printf(&text, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s", method, path,
               headers);
    if (key != NULL)
        buf_printf(&text, "Authorization: Bearer %s\r\n", key);
    if (body != NULL)
        buf_printf(&text, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", type, strlen(body),
                   body);
    else
        buf_add_str(&text,
                    strcmp(method, "GET") == 0 ? STR("\r\n") : STR("Content-Length: 0\r\n\r\n"));
    buf_clear(&world.in);
    world.is_done = false;
    world.round_count = 0;
    world.longest_us = 0;
    struct bufferevent *bev = client_open();
    assert_int_equal(bufferevent_write(bev, text.at, text.len), 0);
    while (!world.is_done) {
        if (clock_mono_us() > give_up_us)
            fail_test("%s %s: no answer", method, path);
        pump();
    }
    bufferevent_free(bev);
    buf_release(&text);
    read_answer();
    return world.answer.status;
}

static UNUSED int ask(const char *method, const char *path, const char *key, const char *headers,
                      const char *body)
{
    return ask_as("application/json", method, path, key, headers, body);
}

static UNUSED const char *text_of(const char *path)
{
    const json_t *value = json_path(world.answer.json, path);
    return json_is_string(value) ? json_string_value(value) : "";
}

static UNUSED bool has_header(const char *line)
{
    return str_find(buf_str(&world.answer.head), str_of(line), 0) != SIZE_MAX;
}

/* A problem document that is whole: status, code, param as told, and the request's own id. */
#define assert_problem(wanted_status, wanted_code, wanted_param)                                   \
    do {                                                                                           \
        if (world.answer.status != (wanted_status) ||                                              \
            strcmp(text_of("code"), (wanted_code)) != 0 ||                                         \
            strcmp(text_of("param"), (wanted_param)) != 0)                                         \
            fail_test("got %d %s \"%s\" (%s)", world.answer.status, text_of("code"),               \
                      text_of("param"), text_of("detail"));                                        \
        assert_int_equal(json_integer_value(json_path(world.answer.json, "status")),               \
                         (wanted_status));                                                         \
        assert_true(has_header("Content-Type: application/problem+json"));                         \
        assert_true(has_header(text_of("request_id")));                                            \
        assert_true(strlen(text_of("title")) > 0 && strlen(text_of("type")) > 0);                  \
    } while (0)

#endif

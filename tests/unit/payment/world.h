/*
 * world.h - everything below the driver for real, in a folder of its own: PostgreSQL, the
 * providers' sandbox (a child process), engine, health, rules, one test merchant with two accounts.
 *
 * What is true is read from the sandbox's books. No sleeping: the loop runs until something is
 * there.
 */
#ifndef TESTS_PAYMENT_WORLD_H
#define TESTS_PAYMENT_WORLD_H

#include <curl/curl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "http/server.h"
#include "ledger/migrate.h"
#include "payment/idempotency.h"
#include "payment/driver.h"
#include "payment/payment.h"
#include "providers/sandbox/sandbox.h"
#include "tests/unit/cleaner.h"
#include "tests/unit/http/pki.h"

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

enum {
    WORLD_BOUND_S = 20, /* whatever is waited for comes long before */
};

struct world {
    struct pki pki;
    char conninfo[256];
    int port[SANDBOX_PORT_COUNT];
    pid_t sandbox;
    struct shm shm;
    struct loop *loop;
    struct store *store;
    struct engine *engine;
    struct health *health;
    struct merchants *merchants;
    struct payments *payments;
    struct payments_config config;
    struct rule_set *rules;
    struct merchant *merchant;
    struct uuid writer_id;
    uint8_t pepper[32];
    uint8_t keys[2][32];
    struct arena arena;
    struct loop_timer bound;
    struct buf text; /* of the last call to the sandbox's control */
};

static UNUSED struct world world;

/* ---- waiting ---- */

static void world_late(void *ctx)
{
    (void)ctx;
    fail_msg("nothing came within %d s", WORLD_BOUND_S);
}

static UNUSED void world_wait(void)
{
    loop_timer_start(&world.bound, WORLD_BOUND_S * CLOCK_SECOND_US);
    loop_run(world.loop);
    loop_timer_stop(&world.bound);
}

static UNUSED void world_tick(void *ctx)
{
    (void)ctx;
    loop_stop(world.loop);
}

/* Let the loop run for a little while: only to give something time that must not happen. */
static UNUSED void world_run_for(int64_t us)
{
    struct loop_timer timer;
    loop_timer_init(&timer, world.loop, world_tick, NULL);
    loop_timer_start(&timer, us);
    world_wait();
    loop_timer_release(&timer);
}

/* ---- the sandbox ---- */

static UNUSED void world_sandbox_main(int report)
{
    struct error err;
    int fd = -1;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, "sandbox");
    (void)signal(SIGPIPE, SIG_IGN);
    log_start(STDERR_FILENO, LOG_ERROR);
    struct loop *loop = loop_new();
    struct sandbox_config config = sandbox_config_default;
    config.port = 0;
    config.certificate_file = world.pki.server;
    config.key_file = world.pki.server_key;
    config.delay_ms = 1;
    CHECK(http_listen("127.0.0.1", 0, &fd, &err));
    struct sandbox *sandbox = sandbox_new(loop, fd, &config, &err);
    if (sandbox == NULL) {
        (void)fprintf(stderr, "sandbox: %s\n", err.text);
        _exit(1);
    }
    for (int i = 0; i < SANDBOX_PORT_COUNT; i++)
        world.port[i] = sandbox_port(sandbox, (enum sandbox_port)i);
    CHECK(write(report, world.port, sizeof(world.port)) == (ssize_t)sizeof(world.port));
    loop_run(loop);
    _exit(0);
}

static UNUSED void world_start_sandbox(void)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    world.sandbox = fork();
    assert_true(world.sandbox >= 0);
    if (world.sandbox == 0) {
        (void)close(pipes[0]);
        world_sandbox_main(pipes[1]);
    }
    (void)close(pipes[1]);
    assert_int_equal(read(pipes[0], world.port, sizeof(world.port)), sizeof(world.port));
    (void)close(pipes[0]);
}

static UNUSED size_t world_receive(char *data, size_t size, size_t count, void *ctx)
{
    (void)ctx;
    buf_add(&world.text, data, size * count);
    return size * count;
}

static UNUSED struct str world_control(const char *method, const char *path, const char *body)
{
    char url[128];
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%d%s", world.port[SANDBOX_PORT_COMMON],
                   path);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    buf_clear(&world.text);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CAINFO, world.pki.ca);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, world_receive);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)WORLD_BOUND_S);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status >= 300)
        fail_msg("%s %s: %s, %ld %.*s", method, path, curl_easy_strerror(code), status,
                 (int)world.text.len, world.text.at != NULL ? world.text.at : "");
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return buf_str(&world.text);
}

/* The next charge only; `refuse` closes the port until the fault is removed. */
static UNUSED void world_fault(const char *provider, const char *kind)
{
    char body[256];
    const char *once = ",\"operation\":\"charge\",\"count\":1";
    (void)snprintf(body, sizeof(body), "{\"provider\":\"%s\",\"kind\":\"%s\"%s}", provider, kind,
                   strcmp(kind, "refuse") == 0 ? "" : once);
    (void)world_control("POST", "/faults", body);
}

/* How many charges (or holds) of this payment the providers have in their books. */
static UNUSED size_t world_count_charges(const char *payment_id, const char *provider)
{
    struct error err;
    struct json_limits limits = {
        .depth_max = 32, .member_count_max = 1000000, .string_bytes_max = 65536};
    json_t *json = json_parse(world_control("GET", "/books", NULL), &limits, &err);
    if (json == NULL)
        fail_msg("%s", err.text);
    const json_t *list = json_is_array(json) ? json : NULL;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(json, key, value)
    {
        if (json_is_array(value) && list == NULL)
            list = value;
    }
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        bool is_ours = str_eq(json_text(entry, "invoice"), str_of(payment_id));
        bool is_there = provider == NULL || str_eq(json_text(entry, "provider"), str_of(provider));
        struct str state = json_text(entry, "state");
        bool is_charge = !str_eq(state, STR("declined")) && !str_eq(state, STR("failed"));
        count += is_ours && is_there && is_charge ? 1 : 0;
    }
    json_decref(json);
    return count;
}

/* ---- making it ---- */

static UNUSED void world_run(const char *format, ...) PRINTF_LIKE(1, 2);
static UNUSED void world_run(const char *format, ...)
{
    char command[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static UNUSED void world_write_secret(const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", world.pki.folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static UNUSED void world_put_done(void *ctx, enum store_find found, const struct error *why)
{
    (void)ctx;
    if (found != STORE_FOUND)
        fail_msg("not written: %s", why != NULL ? why->text : "absent");
    loop_stop(world.loop);
}

static UNUSED struct uuid world_put_account(const struct uuid *merchant_id, const char *provider,
                                            int port, const char *settings, const char *fees)
{
    char url[64];
    char secret[64];
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%d", port);
    (void)snprintf(secret, sizeof(secret), "file:%s.json", provider);
    struct directory_account account = {
        .merchant_id = *merchant_id,
        .account_id = uuid_new(),
        .provider = str_of(provider),
        .name = STR("main"),
        .base_url = str_of(url),
        .secret_ref = str_of(secret),
        .settings_json = str_of(settings),
        .fees_json = str_of(fees),
        .created_us = clock_wall_us(),
    };
    directory_put_account(world.store, &account, world_put_done, NULL);
    world_wait();
    return account.account_id;
}

static UNUSED void world_take_merchant(void *ctx, enum merchants_find found,
                                       struct merchant *merchant)
{
    (void)ctx;
    assert_int_equal(found, MERCHANTS_FOUND);
    if (world.merchant != NULL)
        merchant_drop(world.merchant);
    world.merchant = merchant;
    loop_stop(world.loop);
}

static UNUSED void world_connected(void *ctx)
{
    struct loop_timer *timer = ctx;
    if (store_is_connected(world.store))
        loop_stop(world.loop);
    else
        loop_timer_start(timer, 5000);
}

static UNUSED void world_put_merchant(void)
{
    struct directory_merchant merchant = {
        .merchant_id = uuid_new(),
        .twin_id = uuid_new(),
        .name = STR("World"),
        .country = STR("US"),
        .created_us = clock_wall_us(),
    };
    directory_put_merchant(world.store, &merchant, world_put_done, NULL);
    world_wait();
    world_put_account(&merchant.merchant_id, "paypal", world.port[SANDBOX_PORT_PAYPAL], "{}",
                      "{\"name\":\"a\",\"default\":{\"percent\":\"1.00\"}}");
    world_put_account(&merchant.merchant_id, "payoneer", world.port[SANDBOX_PORT_PAYONEER],
                      "{\"country\":\"US\"}",
                      "{\"name\":\"b\",\"default\":{\"percent\":\"2.00\"}}");
    merchants_load(world.merchants, &merchant.merchant_id, world_take_merchant, NULL);
    world_wait();
}

static UNUSED bool world_writer_is_alive(void *ctx, const struct uuid *writer_id)
{
    (void)ctx;
    return uuid_eq(writer_id, &world.writer_id);
}

static UNUSED void world_start_payments(void)
{
    struct payments_parts parts = {
        .loop = world.loop,
        .store = world.store,
        .engine = world.engine,
        .merchants = world.merchants,
        .health = world.health,
        .rules = world.rules,
        .seal_key = world.keys[0],
        .token_hash_key = world.keys[1],
        .writer_id = world.writer_id,
        .writer_is_alive = world_writer_is_alive,
    };
    world.payments = payments_new(&world.config, &parts);
}

/* An answer of the ledger or of the merchants' cache is on its way to it. */
static UNUSED bool world_is_asking(const struct drive *drive)
{
    bool is_waiting =
        drive->send != NULL || (drive->has_timer && loop_timer_is_running(&drive->timer));
    return drive->is_writing || !is_waiting;
}

static UNUSED bool world_waits_for_ledger(void)
{
    const struct payments *payments = world.payments;
    const struct resolver *resolver = &payments->resolver;
    const struct reversals *reversals = &payments->reversals;
    for (struct link *item = payments->in_hand.next; item != &payments->in_hand; item = item->next)
        if (world_is_asking(LIST_OWNER(item, struct drive, in_hand)))
            return true;
    return resolver->is_claiming || resolver->is_adopting || resolver->is_beating ||
           resolver->is_counting || reversals->is_claiming || reversals->is_counting ||
           reversals->running_count > 0 || payments->canceling_count > 0 ||
           !list_is_empty(&payments->deciding) || payments->rollup.is_rolling ||
           payments->rollup.is_rolling_levels;
}

/* End the payments module while the store goes on, which never happens in a worker: whatever was
 * asked of the store must have been answered, or its answer comes to what is freed. While that is
 * waited for, what is in hand goes on, and may ask again: all is looked at once more at the end. */
static UNUSED void world_free_payments(void)
{
    int64_t until_us = clock_mono_us() + WORLD_BOUND_S * CLOCK_SECOND_US;
    (void)payments_drain(world.payments); /* nothing new is taken on */
    while (world_waits_for_ledger()) {
        if (clock_mono_us() >= until_us)
            fail_msg("the ledger was asked for more than %d s", WORLD_BOUND_S);
        world_run_for(CLOCK_MS_US);
    }
    payments_free(&world.payments);
}

static UNUSED void world_configure(void)
{
    world.config = payments_config_default;
    struct orchestrate_limits *limits = &world.config.limits;
    limits->answer_us = 1500 * CLOCK_MS_US; /* room for a disk that others use */
    limits->send_window_us = 2 * CLOCK_SECOND_US;
    limits->call_us = 1600 * CLOCK_MS_US;
    limits->lease_us = 5 * CLOCK_SECOND_US;
    limits->resolve_first_us = 100 * CLOCK_MS_US;
    limits->resolve_max_us = 500 * CLOCK_MS_US;
    limits->payout_max_us = 500 * CLOCK_MS_US;
    world.config.resolve_interval_ms = 50;
}

/* All but payments. */
static UNUSED void world_start_gateway(void)
{
    struct error err;
    static const struct str providers[] = {STR_INIT("paypal"), STR_INIT("payoneer")};
    assert_true(shm_open_segment(&world.shm, 64 << 20, &err));
    metrics_open(&world.shm);
    world.health = health_open(&world.shm, &health_config_default);
    world.loop = loop_new();
    loop_timer_init(&world.bound, world.loop, world_late, NULL);
    world.writer_id = uuid_new();
    struct uuid instance_id = uuid_new();
    struct store_config store = store_config_default;
    store.conninfo = world.conninfo;
    world.store = store_new(world.loop, &store, &world.writer_id, &instance_id, &instance_id, 1);
    struct engine_config engine = engine_config_default;
    engine.answer_ms = 1600;
    world.engine = engine_new(world.loop, &engine);
    struct merchants_config merchants = merchants_config_default;
    merchants.secrets_folder = world.pki.folder;
    merchants.default_ca_file = world.pki.ca;
    merchants.check_interval_ms = 50;
    rng_fill(world.pepper, sizeof(world.pepper));
    rng_fill(world.keys, sizeof(world.keys));
    world.merchants =
        merchants_new(world.loop, world.store, world.health, world.pepper, &merchants);
    world.rules = rule_set_new(STR("default { by cost }\n"), providers, 2, &err);
    if (world.rules == NULL)
        fail_msg("%s", err.text);
    world_configure();
    struct loop_timer timer;
    loop_timer_init(&timer, world.loop, world_connected, &timer);
    loop_timer_start(&timer, 0);
    world_wait();
    loop_timer_release(&timer);
}

static UNUSED void world_say(void *ctx, const char *line)
{
    (void)ctx;
    (void)line;
}

static UNUSED int world_start(void **state)
{
    struct error err;
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    log_start(STDERR_FILENO, LOG_ERROR);
    pki_make(&world.pki);
    world_write_secret("paypal.json", "{\"user\":\"client\",\"password\":\"secret\"}");
    world_write_secret("payoneer.json", "{\"user\":\"MERCHANT\",\"password\":\"token\"}");
    world_start_sandbox();
    char clean[256];
    (void)snprintf(clean, sizeof(clean), "config/dev/pg.sh kill %s/pg; rm -rf %s", world.pki.folder,
                   world.pki.folder);
    cleaner_start(clean);
    world_run("chmod 711 %s && PG_FAST=1 config/dev/pg.sh start %s/pg 5432", world.pki.folder,
              world.pki.folder);
    (void)snprintf(world.conninfo, sizeof(world.conninfo),
                   "host=%s/pg/socket port=5432 user=postgres dbname=postgres", world.pki.folder);
    if (!migrate_up(world.conninfo, "migrations", world_say, NULL, &err))
        fail_msg("%s", err.text);
    arena_init(&world.arena, 64 << 20);
    buf_init(&world.text, 64 << 20);
    world_start_gateway();
    world_start_payments();
    world_put_merchant();
    return 0;
}

static UNUSED int world_stop(void **state)
{
    (void)state;
    payments_free(&world.payments);
    engine_free(&world.engine);
    if (world.merchant != NULL)
        merchant_drop(world.merchant);
    merchants_free(&world.merchants);
    store_free(&world.store);
    loop_timer_release(&world.bound);
    loop_free(&world.loop);
    rule_set_free(&world.rules);
    shm_close(&world.shm);
    arena_release(&world.arena);
    buf_release(&world.text);
    (void)kill(world.sandbox, SIGKILL);
    (void)waitpid(world.sandbox, NULL, 0);
    world_run("config/dev/pg.sh kill %s/pg", world.pki.folder); /* the cleaner removes the folder */
    return 0;
}

#endif

#include "process/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "dashboard/ops.h"
#include "dashboard/site.h"
#include "http/address.h"
#include "ledger/migrate.h"
#include "ledger/price.h"
#include "payment/peers.h"
#include "payment/trend.h"
#include "payment/rulebook.h"
#include "payment/volumes.h"
#include "process/backtest_watch.h"
#include "process/closed.h"
#include "process/descriptors.h"
#include "process/figures.h"
#include "process/restore.h"
#include "process/secrets.h"
#include "process/usage.h"
#include "webhook/inbox.h"

enum {
    RULES_BYTES_MAX = ROUTE_RULES_BYTES_MAX + 1,
    DRAIN_LOOK_US = 5000,
    LEAVE_US = 1000000, /* the ledger may take so long to hear that a writer has ended */
    WARM_LOOK_US = 2000,
    WARM_MAX_US = 2000000, /* then clients are told that the ledger is away */
    RATES_KEEP_US = 1000000,
    TELL_US = 250000, /* how often dead writers are looked for */
    ACCEPT_PAUSE_US = 100000,
    ORPHAN_LOOK_US = 50000,
    ORPHAN_ACCEPT_US = 5000,
};

#define RATES_LOOK_US (3600 * CLOCK_SECOND_US) /* how often their age is looked at */

struct worker {
    const struct worker_start *start;
    struct secrets secrets;
    struct merchants_config directory; /* with our environment */
    struct loop *loop;                 /* owned */
    struct rule_set *rules;            /* owned */
    struct buf rules_text;             /* of rules_file */
    struct str providers[ROUTE_CANDIDATE_MAX];
    size_t provider_count;
    struct rulebook *rulebook; /* owned */
    struct rates *rates;       /* owned; NULL: none */
    struct address_list trusted;
    struct egress_rules egress;
    struct out_schedule schedule;
    size_t connection_count_max;
    struct tls_server *api_tls;   /* owned */
    struct tls_server *ops_tls;   /* owned */
    struct store *store;          /* owned */
    struct engine *engine;        /* owned */
    struct merchants *merchants;  /* owned */
    struct payments *payments;    /* owned */
    struct volumes *volumes;      /* owned */
    struct orders *orders;        /* owned */
    struct peers *peers;          /* owned */
    struct trend *trend;          /* owned */
    struct boards *boards;        /* owned */
    struct out *out;              /* owned */
    struct admission *admission;  /* owned */
    struct api *api;              /* owned */
    struct inbox *inbox;          /* owned */
    struct ops *ops;              /* owned */
    struct http_server *api_http; /* owned */
    struct http_server *ops_http; /* owned */
    struct backtest_watch backtests;
    struct usage usage;
    struct loop_timer heartbeat;
    struct loop_timer tell;
    struct loop_timer age;
    struct loop_timer warm;
    struct loop_timer orphans;
    struct loop_timer drain;
    struct loop_timer idle;
    struct event *on_term;  /* owned */
    struct event *on_int;   /* owned */
    struct event *on_stop;  /* owned */
    struct event *on_probe; /* owned */
    struct metrics_series *lag;
    struct shared_dead *telling; /* borrowed: the dead writer being reported */
    bool instance_reaped;
    bool telling_instance;
    char schema_version[MIGRATE_VERSION_SIZE];
    bool rates_kept;
    bool is_leaving; /* the writer is being closed */
    int64_t started_us;
    int64_t drain_until_us; /* 0: not draining */
};

static bool read_rules(struct worker *w, const char *file, struct error *err)
{
    struct buf *text = &w->rules_text;
    buf_init(text, RULES_BYTES_MAX);
    FILE *in = fopen(file, "re");
    if (in == NULL) {
        return fail(err, ERROR_IO, "rules_file: cannot read %s: %s", file, strerror(errno));
    }
    char chunk[4096];
    size_t got;
    while ((got = fread(chunk, 1, sizeof(chunk), in)) > 0) {
        buf_add(text, chunk, got);
    }
    bool ok = ferror(in) == 0 && buf_is_ok(text);
    (void)fclose(in);
    if (!ok) {
        return fail(err, ERROR_INVALID, "rules_file: %s is unreadable or over %d bytes", file,
                    ROUTE_RULES_BYTES_MAX);
    }
    const struct provider *const *providers = provider_all(&w->provider_count);
    CHECK(w->provider_count <= ARRAY_LEN(w->providers));
    for (size_t i = 0; i < w->provider_count; i++) {
        w->providers[i] = str_of(providers[i]->name);
    }
    w->rules = rule_set_new(buf_str(text), w->providers, w->provider_count, err);
    return w->rules != NULL || fail_prefix(err, "rules_file: %s", file);
}

static bool read_rates(const char *file, struct rates **rates, struct error *err)
{
    if (file[0] == '\0') {
        return true;
    }
    *rates = figures_read_rates(file, err);
    return *rates != NULL || fail_prefix(err, "rates_file");
}

static const char *or_none(const char *file)
{
    return file[0] != '\0' ? file : NULL;
}

static bool load_tls(struct worker *w, const struct config *config, struct error *err)
{
    struct tls_server_config tls = {
        .certificate_file = config->tls_certificate,
        .key_file = config->tls_key,
        .second_certificate_file = or_none(config->tls_second_certificate),
        .second_key_file = or_none(config->tls_second_key),
        .client_key_asked = config->api_client_keys,
    };
    w->api_tls = tls_server_new(&tls, err);
    if (w->api_tls == NULL) {
        return false;
    }
    tls.client_key_asked = false;
    if (config->ops_client_ca[0] != '\0') {
        tls.client_ca_file = config->ops_client_ca;
        tls.client_certificate_required = config->ops_client_required;
    }
    w->ops_tls = tls_server_new(&tls, err);
    return w->ops_tls != NULL;
}

/* What the system and the settings say together. */
static bool take_limits(struct worker *w, const struct config *config, struct error *err)
{
    if (!address_list_parse(str_of(config->trusted_proxies), &w->trusted, err)) {
        return fail_prefix(err, "trusted_proxies");
    }
    if (!address_list_parse(str_of(config->delivery_allowed_networks), &w->egress.allowed, err)) {
        return fail_prefix(err, "delivery_allowed_networks");
    }
    if (!out_schedule_parse(str_of(config->delivery_schedule), &w->schedule, err)) {
        return fail_prefix(err, "delivery_schedule");
    }
    w->egress.http_allowed = config->delivery_http_allowed;
    return descriptors_raise(config, &w->connection_count_max, err);
}

static bool load_files(struct worker *w, const struct config *config, struct error *err)
{
    return secrets_load(&w->secrets, config->master_secret_file, err) && load_tls(w, config, err) &&
           migrate_newest(config->migrations_folder, w->schema_version, err) &&
           take_limits(w, config, err) && read_rules(w, config->rules_file, err) &&
           read_rates(config->rates_file, &w->rates, err);
}

static void release_files(struct worker *w)
{
    rule_set_free(&w->rules);
    buf_release(&w->rules_text);
    rates_free(&w->rates);
    tls_server_free(&w->api_tls);
    tls_server_free(&w->ops_tls);
    secrets_release(&w->secrets);
}

bool worker_check(const struct config *config, struct error *err)
{
    struct worker w = {0};
    bool ok = load_files(&w, config, err);
    release_files(&w);
    return ok;
}

/* ---- what repeats ---------------------------------------------------------------------------- */

static void beat(void *ctx)
{
    struct worker *w = ctx;
    const struct worker_start *start = w->start;
    atomic_store(&start->shared->slot[start->slot].heartbeat_us, clock_mono_us());
    metrics_observe_us(w->lag, loop_take_lag_us(w->loop));
    loop_timer_start(&w->heartbeat, start->config->heartbeat_ms * CLOCK_MS_US);
}

static void told(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct worker *w = ctx;
    if (found == STORE_FAILED) {
        log_warn("worker", "could not report a dead writer; will try again",
                 LOG_CSTR("error", why->text));
    }
    if (w->telling_instance) {
        w->telling_instance = false;
        w->instance_reaped = found != STORE_FAILED;
        if (w->instance_reaped && count > 0) {
            log_info("worker", "writers of earlier runs reported dead", LOG_INT("count", count));
        }
    } else if (w->telling != NULL) {
        shared_dead_done(w->telling, found != STORE_FAILED);
        w->telling = NULL;
        if (found != STORE_FAILED) {
            loop_timer_start(&w->tell, 0); /* there may be more */
        }
    }
}

/* Tell the ledger which writers are surely dead: earlier runs of this instance, and reaped workers.
 */
static void tell(void *ctx)
{
    struct worker *w = ctx;
    struct shared *shared = w->start->shared;
    loop_timer_start(&w->tell, TELL_US);
    if (!store_is_connected(w->store) || w->telling != NULL || w->telling_instance) {
        return;
    }
    if (!w->instance_reaped) {
        w->telling_instance = true;
        store_reap_instance(w->store, clock_wall_us(), told, w);
        return;
    }
    w->telling = shared_take_dead(shared, w->start->slot);
    if (w->telling != NULL) {
        store_reap_writer(w->store, &w->telling->writer_id, clock_wall_us(), told, w);
    }
}

static void rates_kept(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct worker *w = ctx;
    (void)count;
    w->rates_kept = found != STORE_FAILED;
    if (!w->rates_kept) {
        log_warn("worker", "cannot keep the rates; will try again", LOG_CSTR("error", why->text));
        loop_timer_start(&w->age, RATES_KEEP_US);
    }
}

/* Decisions name them: the ledger has them (P6). */
static void keep_rates(struct worker *w)
{
    struct price price = {
        .kind = PRICE_RATES,
        .text = rates_text(w->rates),
        .author = str_of(rates_source(w->rates)),
        .created_us = clock_wall_us(),
    };
    memcpy(price.hash, rates_hash(w->rates), sizeof(price.hash));
    price_keep(w->store, &price, rates_kept, w);
}

/* One of the workers says so. */
static void look_at_rates(void *ctx)
{
    struct worker *w = ctx;
    char text[256];
    loop_timer_start(&w->age, RATES_LOOK_US);
    if (!w->rates_kept) {
        keep_rates(w);
    }
    if (w->start->slot <= 1 && figures_are_stale(w->rates, clock_wall_us(), text)) {
        log_warn("worker", "rates are stale", LOG_CSTR("what", text),
                 LOG_CSTR("source", rates_source(w->rates)));
    }
}

/* ---- draining -------------------------------------------------------------------------------- */

static void read_workers(void *ctx, struct ops_workers *workers)
{
    const struct worker *w = ctx;
    struct shared *shared = w->start->shared;
    shared_count(shared, &workers->serving, &workers->draining);
    workers->wanted = atomic_load(&shared->worker_count);
    workers->generation = atomic_load(&shared->generation);
    workers->crash_looping = atomic_load(&shared->crash_looping);
    workers->is_restoring = restore_is_asking(shared, &workers->restore_left);
    workers->is_stopping =
        atomic_load(&shared->is_draining) != 0 || (w->start->slot == 0 && w->drain_until_us != 0);
}

static size_t connection_count(const struct worker *w)
{
    return w->api_http == NULL ? 0
                               : http_server_connection_count(w->api_http) +
                                     http_server_connection_count(w->ops_http);
}

static void writer_closed(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct worker *w = ctx;
    (void)found; /* when it could not be said, the master's report says it */
    (void)count;
    (void)why;
    loop_stop(w->loop);
}

/* Nothing is left: not in hand, not on a connection, not on its way to the ledger. */
static void leave(struct worker *w)
{
    int64_t now_us = clock_mono_us();
    if (w->is_leaving || !store_is_connected(w->store)) {
        loop_stop(w->loop);
        return;
    }
    w->is_leaving = true;
    w->drain_until_us =
        now_us + LEAVE_US < w->drain_until_us ? now_us + LEAVE_US : w->drain_until_us;
    store_close_writer(w->store, clock_wall_us(), writer_closed, w);
    loop_timer_start(&w->drain, w->drain_until_us - now_us);
}

static void look_drained(void *ctx)
{
    struct worker *w = ctx;
    bool is_over = clock_mono_us() >= w->drain_until_us;
    bool is_run = orders_drain(w->orders);
    is_run = inbox_drain(w->inbox) && is_run;
    is_run = out_drain(w->out) && is_run;
    if (w->is_leaving || (payments_drain(w->payments) && is_run && connection_count(w) == 0)) {
        leave(w);
    } else if (is_over) {
        log_warn("worker", "drain time is over; the ledger will settle what is left",
                 LOG_INT("payments", (int64_t)payments_in_flight(w->payments)),
                 LOG_INT("connections", (int64_t)connection_count(w)));
        loop_stop(w->loop);
    } else {
        loop_timer_start(&w->drain, DRAIN_LOOK_US);
    }
}

static void close_idle(void *ctx)
{
    struct worker *w = ctx;
    if (w->api_http != NULL) {
        http_server_close_idle(w->api_http);
        http_server_close_idle(w->ops_http);
    }
}

/* ---- seats ------------------------------------------------------------------------------------ */

/* False when there is no other. */
static bool for_orphans(struct worker *w, void (*take)(struct worker *w, unsigned seat))
{
    bool found = false;
    for (unsigned seat = 1; seat <= w->start->seat_count; seat++) {
        if (seat != w->start->seat && atomic_load(&w->start->shared->is_orphaned[seat]) != 0) {
            take(w, seat);
            found = true;
        }
    }
    return found;
}

static void accept_rest(struct worker *w, unsigned seat)
{
    http_server_accept_rest(w->api_http, w->start->door[seat].api_fd);
    http_server_accept_rest(w->ops_http, w->start->door[seat].ops_fd);
}

static void accept_some(struct worker *w, unsigned seat)
{
    http_server_accept_some(w->api_http, w->start->door[seat].api_fd);
    http_server_accept_some(w->ops_http, w->start->door[seat].ops_fd);
}

static void look_for_orphans(void *ctx)
{
    struct worker *w = ctx;
    bool found = for_orphans(w, accept_some);
    loop_timer_start(&w->orphans, found ? ORPHAN_ACCEPT_US : ORPHAN_LOOK_US);
}

/* Our copies of the sockets: the master keeps its own unless the whole gateway stops. Then whoever
 * waits in a queue is served, and whoever comes later is refused at once, not left waiting. */
static void close_listeners(struct worker *w, bool all_stop)
{
    if (all_stop) {
        accept_rest(w, w->start->seat);
        for_orphans(w, accept_rest);
    }
    http_server_retire(w->api_http);
    http_server_retire(w->ops_http);
    for (unsigned seat = w->start->seat == 0 ? 0 : 1; seat <= w->start->seat_count; seat++) {
        (void)close(w->start->door[seat].api_fd);
        (void)close(w->start->door[seat].ops_fd);
    }
    loop_timer_stop(&w->orphans);
    atomic_store(&w->start->shared->slot[w->start->slot].is_ready, 0);
}

static void on_probe(evutil_socket_t signal_number, short what, void *ctx)
{
    (void)what;
    (void)ctx;
    (void)kill(getppid(), (int)signal_number);
}

static void on_terminate(evutil_socket_t signal_number, short what, void *ctx)
{
    (void)what;
    struct worker *w = ctx;
    const struct config *config = w->start->config;
    if (w->drain_until_us != 0) {
        close_idle(w);
        return;
    }
    w->drain_until_us = clock_mono_us() + config->drain_ms * CLOCK_MS_US;
    log_info("worker", "draining");
    loop_timer_stop(&w->warm);
    bool all_stop = w->start->slot == 0 || signal_number == WORKER_SIGNAL_STOP ||
                    atomic_load(&w->start->shared->is_draining) != 0;
    if (w->api_http != NULL) {
        close_listeners(w, all_stop);
    }
    loop_timer_start(&w->idle, all_stop ? 0 : config->drain_idle_ms * CLOCK_MS_US);
    look_drained(w);
}

/* ---- wiring ---------------------------------------------------------------------------------- */

/*
 * The limits over all workers grow with them: one account that hangs holds its share of each worker,
 * and must leave a merchant room for its others.
 */
static struct admission_config scale_admission(const struct config *config)
{
    struct admission_config scaled = config->admission;
    unsigned workers = config_worker_count(config) > 0 ? config_worker_count(config) : 1;
    if (scaled.merchant_in_flight_max == 0) {
        scaled.merchant_in_flight_max = workers * admission_config_default.merchant_in_flight_max;
    }
    if (scaled.key_in_flight_max == 0) {
        scaled.key_in_flight_max = workers * admission_config_default.key_in_flight_max;
    }
    return scaled;
}

static void wire_core(struct worker *w)
{
    const struct config *config = w->start->config;
    struct admission_config admission = scale_admission(config);
    struct shared *shared = w->start->shared;
    struct shared_slot *slot = &shared->slot[w->start->slot];
    w->loop = loop_new();
    struct store_config store = config->store;
    store.journal_folder = config->journal_path;
    w->store = store_new(w->loop, &store, &slot->writer_id, &shared->instance_id, &shared->boot_id,
                         w->start->slot);
    w->engine = engine_new(w->loop, &config->engine);
    w->admission = admission_new(w->loop, w->start->admission, &admission, w->start->slot);
    w->directory = config->merchants;
    w->directory.read_env = secrets_read_env;
    w->merchants =
        merchants_new(w->loop, w->store, w->start->health, w->secrets.pepper, &w->directory);
    w->volumes = volumes_new(w->loop, w->store, w->start->volumes, w->rates);
    struct rulebook_parts rulebook = {
        .loop = w->loop,
        .store = w->store,
        .file_text = buf_str(&w->rules_text),
        .known_providers = w->providers,
        .known_count = w->provider_count,
    };
    w->rulebook = rulebook_new(&rulebook);
    merchants_use_rulebook(w->merchants, w->rulebook);
    struct payments_parts parts = {
        .loop = w->loop,
        .store = w->store,
        .engine = w->engine,
        .merchants = w->merchants,
        .health = w->start->health,
        .rules = w->rules,
        .rulebook = w->rulebook,
        .rates = w->rates,
        .volumes = w->volumes,
        .admission = w->admission,
        .seal_key = w->secrets.seal,
        .token_hash_key = w->secrets.token_hash,
        .writer_id = slot->writer_id,
        .writer_is_alive = shared_writer_is_alive,
        .writer_ctx = shared,
    };
    w->payments = payments_new(&config->payments, &parts);
    struct orders_parts orders = {
        .loop = w->loop,
        .store = w->store,
        .payments = w->payments,
        .merchants = w->merchants,
        .seal_key = w->secrets.seal,
    };
    w->orders = orders_new(&config->orders, &orders);
    w->peers = peers_new(w->loop, w->store, w->start->health, &shared->instance_id,
                         config->peer_interval_ms);
    w->trend = trend_new(w->loop, w->store, w->start->health, &shared->instance_id);
    struct boards_parts boards = {
        .loop = w->loop,
        .store = w->store,
        .health = w->start->health,
        .config = &w->directory,
    };
    w->boards = boards_new(&boards);
    struct out_parts out = {
        .loop = w->loop,
        .store = w->store,
        .seal_key = w->secrets.seal,
        .schedule = &w->schedule,
        .rules = &w->egress,
        .ca_file = config->delivery_ca_file,
    };
    w->out = out_new(&config->webhooks, &out);
}

static void wire_handlers(struct worker *w)
{
    const struct config *config = w->start->config;
    struct api_parts api = {
        .loop = w->loop,
        .store = w->store,
        .payments = w->payments,
        .orders = w->orders,
        .merchants = w->merchants,
        .health = w->start->health,
        .boards = w->boards,
        .admission = w->admission,
        .engine = w->engine,
        .merchants_config = &w->directory,
        .pepper = w->secrets.pepper,
        .seal_key = w->secrets.seal,
        .position_key = w->secrets.position,
        .session_key = w->secrets.session,
        .egress = &w->egress,
        .exports_folder = config->exports_folder,
        .exports_keep_us = config->exports_keep_hours * 3600 * CLOCK_SECOND_US,
        .exports_open_max = (unsigned)config->exports_open_max,
        .event_streams_max = config->event_streams_max,
        .event_streams_per_merchant_max = config->event_streams_per_merchant_max,
        .answer_ms = config->store.statement_timeout_ms,
        .backtest_queued = backtest_watch_queued,
        .backtest_ctx = w->start->shared,
    };
    w->api = api_new(&api);
    struct inbox_parts inbox = {
        .loop = w->loop,
        .store = w->store,
        .merchants = w->merchants,
        .admission = w->admission,
        .engine = &config->engine,
        .seal_key = w->secrets.seal,
    };
    w->inbox = inbox_new(&config->inbox, &inbox);
    struct ops_parts ops = {
        .loop = w->loop,
        .store = w->store,
        .boards = w->boards,
        .schema_version = w->schema_version,
        .read_workers = read_workers,
        .workers_ctx = w,
    };
    w->ops = ops_new(&ops);
}

/* Merchants and providers come by the same door. */
static void handle(struct http_exchange *x, void *ctx)
{
    struct worker *w = ctx;
    int64_t left;
    enum http_method method = http_request(x)->method;
    if (inbox_takes(x)) {
        inbox_handle(x, w->inbox);
    } else if (method != HTTP_GET && method != HTTP_HEAD &&
               restore_is_asking(w->start->shared, &left)) {
        closed_refuse(x, w->start->shared);
    } else if (site_takes(x)) {
        site_handle(x);
    } else {
        api_handle(x, w->api);
    }
}

static void handle_large(struct http_exchange *x, void *ctx)
{
    struct worker *w = ctx;
    int64_t left;
    if (inbox_takes(x)) {
        http_refuse_body(x);
    } else if (restore_is_asking(w->start->shared, &left)) {
        closed_refuse(x, w->start->shared);
    } else {
        api_handle_large(x, w->api);
    }
}

/* From here on the sockets' queues are ours to serve. */
static void open_listeners(struct worker *w)
{
    const struct config *config = w->start->config;
    struct http_server_config http = {
        .limits = config->http,
        .tls = w->api_tls,
        .listener_name = "api",
        .handler = handle,
        .handler_ctx = w,
        .large_body = handle_large,
        .strangers_wait = true,
        .trusted = &w->trusted,
    };
    http.limits.connection_count_max = w->connection_count_max;
    w->api_http = http_server_new(w->loop, w->start->door[w->start->seat].api_fd, &http);
    http.tls = w->ops_tls;
    http.limits.connection_count_max = OPS_CONNECTION_MAX;
    http.listener_name = "ops";
    http.handler = ops_handle;
    http.handler_ctx = w->ops;
    http.large_body = NULL;
    http.strangers_wait = false;
    w->ops_http = http_server_new(w->loop, w->start->door[w->start->seat].ops_fd, &http);
    atomic_store(&w->start->shared->slot[w->start->slot].is_ready, 1);
    loop_timer_start(&w->orphans, ORPHAN_LOOK_US);
    log_info("worker", "serving", LOG_INT("slot", w->start->slot),
             LOG_INT("generation", w->start->generation));
}

/* Until it can serve, requests are better off in the queue, or with the older worker. */
static void look_warm(void *ctx)
{
    struct worker *w = ctx;
    if (ops_can_serve(w->ops) || clock_mono_us() - w->started_us >= WARM_MAX_US) {
        open_listeners(w);
    } else {
        loop_timer_start(&w->warm, WARM_LOOK_US);
    }
}

static void pause_accepting(void *ctx)
{
    struct worker *w = ctx;
    if (w->api_http != NULL && http_server_pause(w->api_http, ACCEPT_PAUSE_US)) {
        metrics_count(METRIC_ACCEPT_PAUSES, 1);
    }
}

static void start_timers(struct worker *w)
{
    admission_watch_lag(w->admission, pause_accepting, w);
    w->lag = metrics_find(METRIC_LOOP_LAG_SECONDS, NULL, 0);
    loop_timer_init(&w->heartbeat, w->loop, beat, w);
    loop_timer_init(&w->tell, w->loop, tell, w);
    loop_timer_init(&w->age, w->loop, look_at_rates, w);
    loop_timer_init(&w->warm, w->loop, look_warm, w);
    loop_timer_init(&w->orphans, w->loop, look_for_orphans, w);
    loop_timer_init(&w->drain, w->loop, look_drained, w);
    loop_timer_init(&w->idle, w->loop, close_idle, w);
    w->on_term = evsignal_new(loop_base(w->loop), SIGTERM, on_terminate, w);
    w->on_int = evsignal_new(loop_base(w->loop), SIGINT, on_terminate, w);
    w->on_stop = evsignal_new(loop_base(w->loop), WORKER_SIGNAL_STOP, on_terminate, w);
    w->on_probe = evsignal_new(loop_base(w->loop), WORKER_SIGNAL_PROBE, on_probe, w);
    CHECK(w->on_term != NULL && w->on_int != NULL && w->on_stop != NULL && w->on_probe != NULL);
    CHECK(event_add(w->on_term, NULL) == 0 && event_add(w->on_stop, NULL) == 0);
    CHECK(w->start->slot == 0 || event_add(w->on_probe, NULL) == 0); /* nobody's child answers */
    CHECK(w->start->slot != 0 || event_add(w->on_int, NULL) == 0); /* else the master's business */
    backtest_watch_start(&w->backtests, w->loop, w->store, w->start->shared);
    beat(w);
    usage_start(&w->usage, w->loop);
    w->started_us = clock_mono_us();
    loop_timer_start(&w->warm, 0);
    loop_timer_start(&w->tell, 0);
    if (w->rates != NULL) {
        loop_timer_start(&w->age, 0);
    }
}

static void unwire(struct worker *w)
{
    backtest_watch_stop(&w->backtests);
    usage_stop(&w->usage);
    loop_timer_release(&w->heartbeat);
    loop_timer_release(&w->tell);
    loop_timer_release(&w->age);
    loop_timer_release(&w->warm);
    loop_timer_release(&w->orphans);
    loop_timer_release(&w->drain);
    loop_timer_release(&w->idle);
    event_free(w->on_term);
    event_free(w->on_int);
    event_free(w->on_stop);
    event_free(w->on_probe);
    http_server_free(&w->api_http);
    http_server_free(&w->ops_http);
    ops_free(&w->ops);
    api_free(&w->api);
    inbox_free(&w->inbox);
    out_free(&w->out); /* before the engine: libcurl ends with it */
    boards_free(&w->boards);
    trend_free(&w->trend);
    peers_free(&w->peers);
    orders_free(&w->orders);
    payments_free(&w->payments);
    volumes_free(&w->volumes);
    admission_free(&w->admission);
    engine_free(&w->engine);
    merchants_free(&w->merchants);
    store_free(&w->store);
    rulebook_free(&w->rulebook);
    loop_free(&w->loop);
}

static void harden(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none); /* secrets must not end in a core file */
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)signal(SIGPIPE, SIG_IGN);
}

int worker_run(const struct worker_start *start)
{
    struct worker w = {.start = start};
    struct error err;
    harden();
    log_set_worker((int)start->slot);
    health_set_slot(start->slot);
    metrics_set_slot(start->slot);
    bool loaded = load_files(&w, start->config, &err);
    if (start->files != NULL) {
        snapshot_release(start->files);
    }
    if (!loaded) {
        log_error("worker", "cannot start", LOG_CSTR("error", err.text));
        release_files(&w);
        return WORKER_CONFIG_EXIT;
    }
    closed_serve(start, w.api_tls, w.ops_tls);
    wire_core(&w);
    wire_handlers(&w);
    start_timers(&w);
    loop_run(w.loop);
    log_info("worker", "stopped");
    unwire(&w);
    release_files(&w);
    return 0;
}

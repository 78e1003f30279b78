/*
 * config.h - every setting of the gateway, in one table: name, type, bounds, default, what it
 * means.
 *
 * The file is `name = value` lines, '#' comments. An environment variable TURNPIKE_<NAME> wins over
 * the file, --set name=value over both. Unknown names, doubles, values out of bounds and settings
 * that contradict each other are refused with file, line and remedy. config/turnpike.conf is
 * printed from the table (turnpike config) and checked against it by tests/lint/tables.sh.
 */
#ifndef PROCESS_CONFIG_H
#define PROCESS_CONFIG_H

#include "base/log.h"
#include "http/server.h"
#include "ledger/store.h"
#include "payment/order.h"
#include "payment/payment.h"
#include "providers/engine.h"
#include "router/health.h"
#include "webhook/inbox.h"
#include "webhook/out.h"

enum {
    CONFIG_TEXT_MAX = 512,
    CONFIG_BACKTESTS_MAX = 4, /* of backtest_at_once_max */
};

struct config {
    /* listeners */
    char api_address[CONFIG_TEXT_MAX];
    int64_t api_port;
    char ops_address[CONFIG_TEXT_MAX];
    int64_t ops_port;
    char tls_certificate[CONFIG_TEXT_MAX];
    char tls_key[CONFIG_TEXT_MAX];
    char tls_second_certificate[CONFIG_TEXT_MAX];
    char tls_second_key[CONFIG_TEXT_MAX];
    char ops_client_ca[CONFIG_TEXT_MAX];
    bool ops_client_required;
    bool api_client_keys;
    char trusted_proxies[CONFIG_TEXT_MAX];
    /* process */
    int64_t workers; /* -1: as many as cores; 0: foreground */
    char state_folder[CONFIG_TEXT_MAX];
    char journal_folder[CONFIG_TEXT_MAX];
    char journal_path[CONFIG_TEXT_MAX + 16]; /* by config_finish; empty: there is no journal */
    int64_t heartbeat_ms;
    int64_t heartbeat_late_ms;
    int64_t drain_ms;
    int64_t drain_idle_ms;
    char log_level[CONFIG_TEXT_MAX];
    /* database */
    char database[CONFIG_TEXT_MAX];
    char migrations_folder[CONFIG_TEXT_MAX];
    /* secrets and rules */
    char master_secret_file[CONFIG_TEXT_MAX];
    char secrets_folder[CONFIG_TEXT_MAX];
    char provider_ca_file[CONFIG_TEXT_MAX];
    char rules_file[CONFIG_TEXT_MAX];
    char rates_file[CONFIG_TEXT_MAX];
    /* backtests that were asked for */
    int64_t backtest_at_once_max;
    int64_t backtest_memory_bytes_max;
    int64_t backtest_limit_ms;
    /* seals */
    int64_t seal_interval_ms;
    char seal_key_file[CONFIG_TEXT_MAX]; /* empty: nothing is sealed */
    char anchor_file[CONFIG_TEXT_MAX];
    char anchor_command[CONFIG_TEXT_MAX];
    /* reports */
    char reports_file[CONFIG_TEXT_MAX]; /* empty: none are made */
    char reports_database[CONFIG_TEXT_MAX];
    char exports_folder[CONFIG_TEXT_MAX]; /* empty: none are made */
    int64_t exports_keep_hours;
    int64_t exports_open_max;
    size_t event_streams_max;
    size_t event_streams_per_merchant_max;
    /* webhooks to merchants */
    char delivery_schedule[CONFIG_TEXT_MAX];
    char delivery_allowed_networks[CONFIG_TEXT_MAX];
    char delivery_ca_file[CONFIG_TEXT_MAX];
    bool delivery_http_allowed;
    /* modules */
    struct http_limits http;
    struct store_config store;
    struct engine_config engine;
    struct payments_config payments;
    struct orders_config orders;
    struct out_config webhooks;
    struct merchants_config merchants;
    struct health_config health;
    int64_t peer_interval_ms;
    struct admission_config admission;
    struct inbox_config inbox;
};

void config_init(struct config *config); /* every default */
/* file NULL: defaults and environment only. */
bool config_load(struct config *config, const char *file, struct error *err) MUST_USE;
/* One "name=value". */
bool config_set(struct config *config, struct str assignment, struct error *err) MUST_USE;
/* After the last set: hand the settings on to the modules' own structs (they borrow from *config).
 */
void config_finish(struct config *config);
/* Relations between settings (lease, deadlines, limits) and files that must exist. */
bool config_check(const struct config *config, struct error *err) MUST_USE;
enum config_change {
    CONFIG_RELOAD = 0, /* new workers, the same master */
    CONFIG_UPGRADE,    /* a new master on the same sockets */
};
/*
 * A running gateway cannot change every setting. Those that cannot follow this change keep in
 * `next` what they are `now`; the names of those that differed are added to `names`, with ", "
 * between them. Follow it with config_finish and config_check.
 */
void config_keep(struct config *next, const struct config *now, enum config_change change,
                 struct buf *names);
/* "name = value" lines of what config_keep keeps at an upgrade: for the next master. */
void config_print_kept(const struct config *config, struct buf *out);
/* The documented file: every key at its default, commented out; or the values in force. */
void config_print(const struct config *config, bool documented, struct buf *out);
/* One object: settings by their names, numbers and yes or no as such. */
void config_print_json(const struct config *config, struct buf *out);
unsigned config_worker_count(const struct config *config);

#endif

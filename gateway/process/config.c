#include "process/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "ledger/exports.h"
#include "process/reports.h"

enum setting_type {
    SETTING_TEXT = 0,
    SETTING_INT64,
    SETTING_SIZE,
    SETTING_UNSIGNED,
    SETTING_UINT8,
    SETTING_MS_AS_US, /* written in milliseconds, kept in microseconds */
    SETTING_BOOL,
};

struct setting {
    const char *name;
    enum setting_type type;
    size_t offset;
    int64_t least;
    int64_t most;
    const char *help;
};

#define AT(member) offsetof(struct config, member)
#define DAY_MS     86400000

/* clang-format off */
static const struct setting settings[] = {
    {"api_address",            SETTING_TEXT,     AT(api_address), 0, 0, "address of the merchants' listener"},
    {"api_port",               SETTING_INT64,    AT(api_port), 1, 65535, "its port"},
    {"ops_address",            SETTING_TEXT,     AT(ops_address), 0, 0, "address of the operations listener (metrics, health)"},
    {"ops_port",               SETTING_INT64,    AT(ops_port), 1, 65535, "its port"},
    {"tls_certificate",        SETTING_TEXT,     AT(tls_certificate), 0, 0, "PEM file, certificate chain, leaf first"},
    {"tls_key",                SETTING_TEXT,     AT(tls_key), 0, 0, "PEM file, private key; only its owner may read it"},
    {"tls_second_certificate", SETTING_TEXT,     AT(tls_second_certificate), 0, 0, "PEM file, the same for another kind of key (RSA beside EC), for clients that need it; empty: none"},
    {"tls_second_key",         SETTING_TEXT,     AT(tls_second_key), 0, 0, "PEM file, its private key"},
    {"ops_client_ca",          SETTING_TEXT,     AT(ops_client_ca), 0, 0, "PEM file: clients of the operations listener are asked for a certificate of this CA; empty: not asked"},
    {"ops_client_required",    SETTING_BOOL,     AT(ops_client_required), 0, 1, "refuse clients of the operations listener without certificate"},
    {"api_client_keys",        SETTING_BOOL,     AT(api_client_keys), 0, 1, "ask merchants' clients for a certificate; without it no merchant can be bound to one"},
    {"trusted_proxies",        SETTING_TEXT,     AT(trusted_proxies), 0, 0, "addresses and networks of our own proxies, separated by spaces: neither http_connection_per_address_max nor address_rate counts them"},
    {"workers",                SETTING_INT64,    AT(workers), -1, SHM_SLOT_MAX / 2 - 1, "worker processes; -1: as many as cores; 0: no fork, in the foreground"},
    {"state_folder",           SETTING_TEXT,     AT(state_folder), 0, 0, "folder of the lock and the instance id"},
    {"journal_folder",         SETTING_TEXT,     AT(journal_folder), 0, 0, "folder of the journal of what is written into the ledger, best on another disk than the database; empty: \"journal\" in state_folder"},
    {"journal_keep_ms",        SETTING_INT64,    AT(store.journal_keep_ms), 0, 30LL * 24 * 3600 * 1000, "a restore may go back so far (docs/operations.md); 0: no journal"},
    {"journal_bytes_max",      SETTING_INT64,    AT(store.journal_bytes_max), 1LL << 28, 1LL << 50, "... and its files may have so many bytes; beyond it the oldest are deleted"},
    {"heartbeat_ms",           SETTING_INT64,    AT(heartbeat_ms), 10, 10000, "a worker shows that it lives this often"},
    {"heartbeat_late_ms",      SETTING_INT64,    AT(heartbeat_late_ms), 500, 600000, "a worker silent for so long is killed and replaced"},
    {"drain_ms",               SETTING_INT64,    AT(drain_ms), 100, 600000, "time for payments in hand after SIGTERM, and after a reload"},
    {"drain_idle_ms",          SETTING_INT64,    AT(drain_idle_ms), 0, 600000, "after a reload an idle connection is kept so long for one more request"},
    {"log_level",              SETTING_TEXT,     AT(log_level), 0, 0, "debug, info, warn or error"},
    {"database",               SETTING_TEXT,     AT(database), 0, 0, "libpq connection string of the gateway's role"},
    {"migrations_folder",      SETTING_TEXT,     AT(migrations_folder), 0, 0, "folder of the SQL migrations"},
    {"master_secret_file",     SETTING_TEXT,     AT(master_secret_file), 0, 0, "file of at least 32 random bytes (hex or raw); only its owner may read it"},
    {"secrets_folder",         SETTING_TEXT,     AT(secrets_folder), 0, 0, "folder of the provider credentials named by accounts"},
    {"provider_ca_file",       SETTING_TEXT,     AT(provider_ca_file), 0, 0, "CA file for provider connections; empty: the system's trust store"},
    {"rules_file",             SETTING_TEXT,     AT(rules_file), 0, 0, "routing rules"},
    {"rates_file",             SETTING_TEXT,     AT(rates_file), 0, 0, "what currencies are worth in others (docs/fees.md); empty: none, and fees that need them are not known"},
    {"http_handshake_ms",      SETTING_INT64,    AT(http.handshake_ms), 100, 60000, "TLS handshake complete"},
    {"http_head_ms",           SETTING_INT64,    AT(http.head_ms), 100, 60000, "first byte of a request (of a connection's first: the handshake) to the end of its head"},
    {"http_body_ms",           SETTING_INT64,    AT(http.body_ms), 100, 300000, "end of the head to the end of the body"},
    {"http_body_rate_min",     SETTING_SIZE,     AT(http.body_rate_min), 0, 1048576, "bytes a second that a body must bring in each third of http_body_ms"},
    {"http_idle_ms",           SETTING_INT64,    AT(http.idle_ms), 100, 3600000, "between requests of one connection"},
    {"http_answer_write_ms",   SETTING_INT64,    AT(http.answer_write_ms), 100, 300000, "an answer must be taken by then"},
    {"http_target_bytes_max",  SETTING_SIZE,     AT(http.target_bytes_max), 64, 65536, "request target"},
    {"http_header_count_max",  SETTING_SIZE,     AT(http.header_count_max), 8, 1000, "headers of one request"},
    {"http_header_bytes_max",  SETTING_SIZE,     AT(http.header_bytes_max), 256, 65536, "one header"},
    {"http_head_bytes_max",    SETTING_SIZE,     AT(http.head_bytes_max), 1024, 262144, "request line and all headers"},
    {"http_body_bytes_max",    SETTING_SIZE,     AT(http.body_bytes_max), 1024, 16777216, "body"},
    {"http_large_body_bytes_max", SETTING_SIZE,  AT(http.large_body_bytes_max), 1024, 67108864, "body of a route that takes large ones; http_body_ms grows by a second for every 64 kB"},
    {"http_buffer_bytes_max",  SETTING_SIZE,     AT(http.buffer_bytes_max), 1048576, 68719476736, "what all clients of one worker have sent unfinished and left unread; beyond it the slowest are closed"},
    {"http_connection_count_max", SETTING_SIZE,  AT(http.connection_count_max), 64, 1000000, "connections of one worker; beyond it the longest idle or slow one gives way"},
    {"http_connection_per_address_max", SETTING_SIZE, AT(http.connection_per_address_max), 1, 1000000, "connections of one client address in one worker"},
    {"http_request_count_max", SETTING_SIZE,     AT(http.request_count_max), 1, 1000000000, "requests on one connection"},
    {"http_stream_buffer_bytes_max", SETTING_SIZE, AT(http.stream_buffer_bytes_max), 4096, 16777216, "unread bytes of an event stream"},
    {"store_writer_connections", SETTING_UNSIGNED, AT(store.writer_connections), 1, 16, "group commit connections of one worker"},
    {"store_reader_connections", SETTING_UNSIGNED, AT(store.reader_connections), 1, 16, "reading connections of one worker"},
    {"store_batch_max",        SETTING_SIZE,     AT(store.batch_max), 1, 1024, "bundles committed together"},
    {"store_linger_us",        SETTING_INT64,    AT(store.linger_us), 0, 100000, "wait for company under light load"},
    {"store_queue_max",        SETTING_SIZE,     AT(store.queue_max), 16, 1000000, "bundles that wait for a connection"},
    {"store_statement_timeout_ms", SETTING_INT64, AT(store.statement_timeout_ms), 100, 600000, "one statement"},
    {"store_reconnect_ms",     SETTING_INT64,    AT(store.reconnect_ms), 10, 60000, "first pause before connecting again"},
    {"provider_connect_ms",    SETTING_INT64,    AT(engine.connect_ms), 50, 60000, "TCP and TLS to a provider"},
    {"provider_answer_ms",     SETTING_INT64,    AT(engine.answer_ms), 100, 120000, "a whole provider call"},
    {"provider_token_ms",      SETTING_INT64,    AT(engine.token_ms), 100, 60000, "fetching an access token"},
    {"provider_answer_bytes_max", SETTING_SIZE,  AT(engine.answer_bytes_max), 1024, 16777216, "a provider's answer"},
    {"provider_in_flight_max", SETTING_SIZE,     AT(engine.in_flight_max), 1, 100000, "provider calls of one worker at a time"},
    {"provider_connections_per_host_max", SETTING_SIZE, AT(engine.connections_per_host_max), 1, 100000, "connections to one provider host of one worker"},
    {"send_window_ms",         SETTING_MS_AS_US, AT(payments.limits.send_window_us), 100, 600000, "a committed send may leave for so long"},
    {"answer_ms",              SETTING_MS_AS_US, AT(payments.limits.answer_us), 100, 600000, "a merchant waits so long, then gets 202"},
    {"lease_ms",               SETTING_MS_AS_US, AT(payments.limits.lease_us), 1000, DAY_MS, "an attempt belongs to who took it for so long"},
    {"write_retry_ms",         SETTING_MS_AS_US, AT(payments.limits.write_retry_us), 1, 10000, "first pause before a write is repeated"},
    {"resolve_first_ms",       SETTING_MS_AS_US, AT(payments.limits.resolve_first_us), 10, 600000, "first look at an unknown outcome"},
    {"resolve_max_ms",         SETTING_MS_AS_US, AT(payments.limits.resolve_max_us), 100, DAY_MS, "longest pause between two looks"},
    {"review_after_ms",        SETTING_MS_AS_US, AT(payments.limits.review_after_us), 1000, 30LL * DAY_MS, "an outcome unknown for so long goes to review"},
    {"action_ms",              SETTING_MS_AS_US, AT(payments.limits.action_us), 1000, 30LL * DAY_MS, "a payer who is asked to act has so long, or as long as the provider says, if that is less"},
    {"action_look_ms",         SETTING_MS_AS_US, AT(payments.limits.action_max_us), 100, DAY_MS, "longest pause between two looks at a payment whose payer may act"},
    {"pending_after_ms",       SETTING_MS_AS_US, AT(payments.limits.pending_after_us), 1000, 90LL * DAY_MS, "a payment that its provider has accepted and not decided for so long goes to review"},
    {"payout_after_ms",        SETTING_MS_AS_US, AT(payments.limits.payout_after_us), 1000, 365LL * DAY_MS, "likewise a payout, which may lie unclaimed for 30 days"},
    {"reverse_wait_ms",        SETTING_INT64,    AT(payments.reverse_wait_ms), 10, 60000, "first pause before it is asked again what became of the reversal of a late success; doubled each time"},
    {"reverse_retry_ms",       SETTING_INT64,    AT(payments.reverse_retry_ms), 10, DAY_MS, "pause before another reversal when one surely did not work; doubled each time"},
    {"reverse_try_max",        SETTING_UNSIGNED, AT(payments.reverse_try_max), 1, 100, "reversals of one late success; then a person must look"},
    {"attempt_max",            SETTING_UINT8,    AT(payments.limits.attempt_max), 1, 8, "providers tried for one payment"},
    {"again_max",              SETTING_UINT8,    AT(payments.limits.again_max), 0, 3, "further sends of one attempt after a passing failure"},
    {"in_flight_max",          SETTING_SIZE,     AT(payments.in_flight_max), 1, 100000, "payments in one worker's hands"},
    {"account_in_flight_max",  SETTING_SIZE,     AT(admission.account_in_flight_max), 1, 100000, "of them at one provider account; at most half of in_flight_max in any case"},
    {"read_in_flight_max",     SETTING_SIZE,     AT(admission.read_in_flight_max), 1, 100000, "requests that move no money, of one worker at a time"},
    {"merchant_in_flight_max", SETTING_SIZE,     AT(admission.merchant_in_flight_max), 0, 1000000, "requests of one merchant under way, over all workers; 0: 2048 for each worker; turnpike merchants limit sets others"},
    {"key_in_flight_max",      SETTING_SIZE,     AT(admission.key_in_flight_max), 0, 1000000, "requests with one API key under way, over all workers; 0: 2048 for each worker"},
    {"merchant_rate",          SETTING_INT64,    AT(admission.merchant.rate), 0, BUCKET_RATE_MAX, "requests a second of one merchant; 0: no limit; turnpike merchants limit sets others"},
    {"merchant_burst",         SETTING_INT64,    AT(admission.merchant.burst), 1, BUCKET_BURST_MAX, "of them at once after a pause"},
    {"key_rate",               SETTING_INT64,    AT(admission.key.rate), 0, BUCKET_RATE_MAX, "requests a second with one API key; 0: no limit"},
    {"key_burst",              SETTING_INT64,    AT(admission.key.burst), 1, BUCKET_BURST_MAX, "of them at once after a pause"},
    {"address_rate",           SETTING_INT64,    AT(admission.address.rate), 0, BUCKET_RATE_MAX, "requests a second without a valid API key from one address; 0: no limit"},
    {"address_burst",          SETTING_INT64,    AT(admission.address.burst), 1, BUCKET_BURST_MAX, "of them at once after a pause"},
    {"overload_write_ms",      SETTING_MS_AS_US, AT(admission.overload.write_us), 1, 60000, "writes of the ledger slower than this mean overload: fewer payments are taken in hand"},
    {"overload_lag_ms",        SETTING_MS_AS_US, AT(admission.overload.lag_us), 1, 60000, "an event loop slower than this means the same; four times slower: new connections wait a moment, too"},
    {"overload_in_flight_min", SETTING_SIZE,     AT(admission.overload.calm_count), 1, 100000, "so many are taken in hand all the same, unless writes take more than 10 x overload_write_ms for 3 s"},
    {"resolve_interval_ms",    SETTING_INT64,    AT(payments.resolve_interval_ms), 10, 600000, "unknown outcomes are looked for this often"},
    {"resolve_batch",          SETTING_UNSIGNED, AT(payments.resolve_batch), 1, 1000, "of them at a time"},
    {"order_interval_ms",      SETTING_INT64,    AT(orders.interval_ms), 10, 60000, "payouts that wait (rows of batches, approved ones) are looked for this often"},
    {"order_in_flight_max",    SETTING_UNSIGNED, AT(orders.in_flight_max), 1, 10000, "of them in one worker's hands; half of them of one merchant"},
    {"order_try_max",          SETTING_UNSIGNED, AT(orders.try_max), 1, 100, "tries of one such payout while its requests surely did not leave"},
    {"order_retry_ms",         SETTING_INT64,    AT(orders.retry_ms), 10, DAY_MS, "pause before its second try; doubled each time"},
    {"order_retry_max_ms",     SETTING_INT64,    AT(orders.retry_max_ms), 10, DAY_MS, "longest pause between two tries"},
    {"order_wait_ms",          SETTING_INT64,    AT(orders.wait_ms), 10, DAY_MS, "pause when nobody can be asked; doubled each time"},
    {"order_wait_max_ms",      SETTING_INT64,    AT(orders.wait_max_ms), 10, DAY_MS, "longest such pause"},
    {"webhook_interval_ms",    SETTING_INT64,    AT(inbox.interval_ms), 10, 60000, "webhooks of providers that wait to be applied are looked for this often"},
    {"webhook_in_hand_max",    SETTING_SIZE,     AT(inbox.in_hand_max), 1, 100000, "webhooks of providers that one worker has not answered"},
    {"webhook_rate",           SETTING_INT64,    AT(inbox.rate), 1, 100000, "webhooks a second for one account, in one worker"},
    {"webhook_burst",          SETTING_INT64,    AT(inbox.burst), 1, 1000000, "of them at once after a pause"},
    {"webhook_retry_ms",       SETTING_INT64,    AT(inbox.retry_ms), 10, DAY_MS, "a webhook that names nothing we know is looked at again after this; doubled each time"},
    {"webhook_retry_max_ms",   SETTING_INT64,    AT(inbox.retry_max_ms), 10, DAY_MS, "longest such pause"},
    {"webhook_tries_max",      SETTING_UNSIGNED, AT(inbox.tries_max), 1, 100, "then it is given up: dead, and told in the log"},
    {"webhook_alert_ms",       SETTING_INT64,    AT(inbox.alert_ms), 1000, DAY_MS, "one that waits for so long is worth a warning"},
    {"delivery_schedule",       SETTING_TEXT,     AT(delivery_schedule), 0, 0, "pauses between the tries of a webhook to a merchant, up to 20; each is up to a tenth longer"},
    {"delivery_interval_ms",    SETTING_INT64,    AT(webhooks.interval_ms), 10, 60000, "webhooks to merchants that are due are looked for this often"},
    {"delivery_in_flight_max",  SETTING_UNSIGNED, AT(webhooks.in_flight_max), 1, 10000, "of them in one worker's hands"},
    {"delivery_endpoint_in_flight_max", SETTING_UNSIGNED, AT(webhooks.endpoint_max), 1, 1000, "of them to one endpoint at a time; 1 while it fails"},
    {"delivery_connect_ms",     SETTING_INT64,    AT(webhooks.connect_ms), 50, 60000, "name, TCP and TLS of an endpoint"},
    {"delivery_answer_ms",      SETTING_INT64,    AT(webhooks.answer_ms), 100, 120000, "a whole try"},
    {"delivery_allowed_networks", SETTING_TEXT,   AT(delivery_allowed_networks), 0, 0, "private networks that webhooks may be sent to, separated by spaces; empty: public addresses alone"},
    {"delivery_http_allowed",   SETTING_BOOL,     AT(delivery_http_allowed), 0, 1, "test keys may name endpoints without TLS"},
    {"delivery_ca_file",        SETTING_TEXT,     AT(delivery_ca_file), 0, 0, "CA file for endpoints; empty: the system's trust store"},
    {"dead_after_ms",          SETTING_INT64,    AT(payments.dead_after_ms), 1000, DAY_MS, "another host silent for so long is taken for dead"},
    {"directory_check_ms",     SETTING_INT64,    AT(merchants.check_interval_ms), 50, 60000, "changes of merchants, keys and accounts are seen by then"},
    {"merchant_max",           SETTING_SIZE,     AT(merchants.merchant_max), 16, 1000000, "merchants kept in memory"},
    {"key_max",                SETTING_SIZE,     AT(merchants.key_max), 16, 1000000, "keys kept in memory"},
    {"breaker_window_ms",      SETTING_INT64,    AT(health.window_ms), 1000, 60000, "failures are counted over this"},
    {"breaker_calls_min",      SETTING_UNSIGNED, AT(health.calls_min), 1, 100000, "fewer calls never open the breaker by share"},
    {"breaker_failure_percent", SETTING_UNSIGNED, AT(health.failure_percent), 1, 100, "share of failures that opens it"},
    {"breaker_consecutive_max", SETTING_UNSIGNED, AT(health.consecutive_max), 1, 1000, "failures in a row that open it"},
    {"breaker_silence_ms",     SETTING_INT64,    AT(health.silence_ms), 100, 600000, "no answer for so long opens it"},
    {"breaker_silence_calls",  SETTING_UNSIGNED, AT(health.silence_calls), 1, 100000, "... if at least so many were sent"},
    {"breaker_open_ms",        SETTING_INT64,    AT(health.open_ms), 100, 600000, "then one probe"},
    {"breaker_probe_ms",       SETTING_INT64,    AT(health.probe_ms), 100, 600000, "a probe without answer is forgotten after this"},
    {"breaker_open_max_ms",    SETTING_INT64,    AT(health.open_max_ms), 100, 600000, "the longest pause of a breaker that flaps"},
    {"breaker_ramp_ms",        SETTING_INT64,    AT(health.ramp_ms), 0, 600000, "an account that comes back is given all of its traffic after this"},
    {"slow_percent",           SETTING_UNSIGNED, AT(health.pace.percent), 101, 10000, "p95 above so much of its usual p95: the account is slow, and goes behind the others"},
    {"slow_floor_ms",          SETTING_INT64,    AT(health.pace.floor_ms), 1, 600000, "... never below this"},
    {"slow_bound_ms",          SETTING_INT64,    AT(health.pace.bound_ms), 1, 600000, "... and always above this"},
    {"peer_interval_ms",       SETTING_INT64,    AT(peer_interval_ms), 0, 60000, "hosts tell each other this often, through PostgreSQL, which breakers are open; 0: not at all"},
    {"backtest_at_once_max",   SETTING_INT64,    AT(backtest_at_once_max), 0, CONFIG_BACKTESTS_MAX, "backtests that this host computes at a time, of those asked for over the API; 0: none, other hosts may"},
    {"backtest_memory_bytes_max", SETTING_INT64, AT(backtest_memory_bytes_max), 256 << 20, 1LL << 40, "address space of the process that computes one; 130 bytes for each payment, and as much again for its attempts"},
    {"backtest_limit_ms",      SETTING_INT64,    AT(backtest_limit_ms), 1000, DAY_MS, "one that takes longer is failed"},
    {"seal_key_file",          SETTING_TEXT,     AT(seal_key_file), 0, 0, "PEM file, Ed25519 private key: transfers are sealed with it (docs/ledger.md); only its owner may read it; empty: they are not"},
    {"seal_interval_ms",       SETTING_INT64,    AT(seal_interval_ms), 100, DAY_MS, "what can be sealed is looked for this often"},
    {"anchor_file",            SETTING_TEXT,     AT(anchor_file), 0, 0, "heads of seals are appended here, best where no administrator of the database writes; empty: not"},
    {"anchor_command",         SETTING_TEXT,     AT(anchor_command), 0, 0, "program and arguments, separated by spaces, no shell: gets the same lines as its input; empty: none"},
    {"reports_file",           SETTING_TEXT,     AT(reports_file), 0, 0, "which reports are made regularly, and where they are put (docs/ledger.md); empty: none"},
    {"reports_database",       SETTING_TEXT,     AT(reports_database), 0, 0, "libpq connection string of the finance login that they are read with: they show what it sees"},
    {"exports_folder",         SETTING_TEXT,     AT(exports_folder), 0, 0, "exports that are asked for over HTTP lie here (docs/ledger.md), read with reports_database; hosts share it; empty: none are made"},
    {"exports_keep_hours",     SETTING_INT64,    AT(exports_keep_hours), 1, 8760, "... for so long"},
    {"exports_open_max",       SETTING_INT64,    AT(exports_open_max), 1, EXPORTS_OPEN_MAX, "... so many of a merchant at once, made or waiting"},
    {"event_streams_max",      SETTING_SIZE,     AT(event_streams_max), 1, 65536, "streams of events of one worker; http_connection_count_max leaves room for payments beside them"},
    {"event_streams_per_merchant_max", SETTING_SIZE, AT(event_streams_per_merchant_max), 1, 65536, "... of one merchant in one worker"},
    {"success_minutes",        SETTING_UNSIGNED, AT(health.rate_minutes), 1, 60, "success rates are of these, per account, operation and currency"},
    {"success_calls",      SETTING_UNSIGNED, AT(health.rate_calls_min), 1, 100000, "... when there were so many payments, else of a wider window (docs/health.md)"},
};
/* clang-format on */

/* What a running gateway keeps until it is started anew; the rest follows at an upgrade. */
static const struct {
    const char *name;
    bool until_restart;
} kept[] = {
    {"api_address", true},
    {"api_port", true},
    {"ops_address", true},
    {"ops_port", true},
    {"workers", true},
    {"state_folder", true},
    {"journal_folder", true},
    {"database", false},
    {"breaker_window_ms", false}, /* the breakers' table is made by the master */
    {"breaker_calls_min", false},
    {"breaker_failure_percent", false},
    {"breaker_consecutive_max", false},
    {"breaker_silence_ms", false},
    {"breaker_silence_calls", false},
    {"breaker_open_ms", false},
    {"breaker_probe_ms", false},
    {"breaker_open_max_ms", false},
    {"breaker_ramp_ms", false},
    {"slow_percent", false},
    {"slow_floor_ms", false},
    {"slow_bound_ms", false},
    {"success_minutes", false},
    {"success_calls", false},
};

static void *member(struct config *config, const struct setting *setting)
{
    return (char *)config + setting->offset;
}

static const void *member_const(const struct config *config, const struct setting *setting)
{
    return (const char *)config + setting->offset;
}

static const struct setting *find_setting(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (str_eq(name, str_of(settings[i].name))) {
            return &settings[i];
        }
    }
    return NULL;
}

static bool set_number(struct config *config, const struct setting *setting, int64_t value)
{
    void *at = member(config, setting);
    switch (setting->type) {
    case SETTING_INT64:
        *(int64_t *)at = value;
        return true;
    case SETTING_SIZE:
        *(size_t *)at = (size_t)value;
        return true;
    case SETTING_UNSIGNED:
        *(unsigned *)at = (unsigned)value;
        return true;
    case SETTING_UINT8:
        *(uint8_t *)at = (uint8_t)value;
        return true;
    case SETTING_MS_AS_US:
        *(int64_t *)at = value * 1000;
        return true;
    case SETTING_TEXT:
    case SETTING_BOOL:
        break;
    }
    return false;
}

static int64_t get_number(const struct config *config, const struct setting *setting)
{
    const void *at = member_const(config, setting);
    switch (setting->type) {
    case SETTING_INT64:
        return *(const int64_t *)at;
    case SETTING_SIZE:
        return (int64_t) * (const size_t *)at;
    case SETTING_UNSIGNED:
        return (int64_t) * (const unsigned *)at;
    case SETTING_UINT8:
        return (int64_t) * (const uint8_t *)at;
    case SETTING_MS_AS_US:
        return *(const int64_t *)at / 1000;
    case SETTING_BOOL:
        return *(const bool *)at ? 1 : 0;
    case SETTING_TEXT:
        break;
    }
    return 0;
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool set_value(struct config *config, const struct setting *setting, struct str value,
                      struct error *err)
{
    if (!is_plain(value)) {
        return fail(err, ERROR_INVALID, "%s holds a control character; write plain text",
                    setting->name);
    }
    if (setting->type == SETTING_TEXT) {
        if (!str_copy_to(value, member(config, setting), CONFIG_TEXT_MAX)) {
            return fail(err, ERROR_INVALID, "%s is longer than %d bytes", setting->name,
                        CONFIG_TEXT_MAX - 1);
        }
        return true;
    }
    if (setting->type == SETTING_BOOL) {
        if (!str_eq(value, STR("yes")) && !str_eq(value, STR("no"))) {
            return fail(err, ERROR_INVALID, "%s must be yes or no, not \"" STR_FMT "\"",
                        setting->name, STR_ARG(value));
        }
        *(bool *)member(config, setting) = str_eq(value, STR("yes"));
        return true;
    }
    int64_t number = 0;
    if (!str_to_int64(value, &number) || number < setting->least || number > setting->most) {
        return fail(
            err, ERROR_INVALID, "%s must be a whole number from %lld to %lld, not \"" STR_FMT "\"",
            setting->name, (long long)setting->least, (long long)setting->most, STR_ARG(value));
    }
    CHECK(set_number(config, setting, number));
    return true;
}

bool config_set(struct config *config, struct str assignment, struct error *err)
{
    struct str rest = assignment;
    if (str_find_char(rest, '=', 0) == SIZE_MAX) {
        return fail(err, ERROR_INVALID, "expected name = value, found \"" STR_FMT "\"",
                    STR_ARG(assignment));
    }
    struct str name = str_trim(str_cut(&rest, '='));
    const struct setting *setting = find_setting(name);
    if (setting == NULL) {
        return fail(err, ERROR_INVALID,
                    "there is no setting \"" STR_FMT "\"; turnpike config lists them all",
                    STR_ARG(name));
    }
    return set_value(config, setting, str_trim(rest), err);
}

static bool read_file(const char *file, struct buf *text, struct error *err)
{
    FILE *in = fopen(file, "re");
    if (in == NULL) {
        return fail(err, ERROR_IO, "cannot read %s: %s", file, strerror(errno));
    }
    char chunk[4096];
    size_t got;
    while ((got = fread(chunk, 1, sizeof(chunk), in)) > 0) {
        buf_add(text, chunk, got);
    }
    bool ok = ferror(in) == 0 && buf_is_ok(text);
    (void)fclose(in);
    return ok || fail(err, ERROR_IO, "cannot read %s: too long or unreadable", file);
}

static bool load_lines(struct config *config, const char *file, struct str text, struct error *err)
{
    bool seen[ARRAY_LEN(settings)] = {false};
    for (int line_no = 1; text.len > 0; line_no++) {
        struct str line = str_trim(str_cut(&text, '\n'));
        if (line.len == 0 || line.at[0] == '#') {
            continue;
        }
        if (!config_set(config, line, err)) {
            return fail_prefix(err, "%s:%d", file, line_no);
        }
        struct str rest = line;
        const struct setting *setting = find_setting(str_trim(str_cut(&rest, '=')));
        CHECK(setting != NULL);
        size_t index = (size_t)(setting - settings);
        if (seen[index]) {
            return fail(err, ERROR_INVALID, "%s:%d: %s stands twice; remove one", file, line_no,
                        setting->name);
        }
        seen[index] = true;
    }
    return true;
}

static bool load_environment(struct config *config, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        char name[96] = "TURNPIKE_";
        size_t at = sizeof("TURNPIKE_") - 1;
        for (const char *c = settings[i].name; *c != '\0' && at + 1 < sizeof(name); c++) {
            name[at++] = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        }
        name[at] = '\0';
        const char *value = getenv(name);
        if (value != NULL && !set_value(config, &settings[i], str_of(value), err)) {
            return fail_prefix(err, "environment %s", name);
        }
    }
    return true;
}

bool config_load(struct config *config, const char *file, struct error *err)
{
    if (file != NULL) {
        struct buf text;
        buf_init(&text, 1 << 20);
        bool ok = read_file(file, &text, err) && load_lines(config, file, buf_str(&text), err);
        buf_release(&text);
        if (!ok) {
            return false;
        }
    }
    return load_environment(config, err);
}

/* The workers' own business: no other process that writes the ledger keeps a journal. */
static void find_journal(struct config *config)
{
    config->journal_path[0] = '\0';
    if (config->store.journal_keep_ms == 0)
        return;
    if (config->journal_folder[0] != '\0')
        (void)snprintf(config->journal_path, sizeof(config->journal_path), "%s",
                       config->journal_folder);
    else
        (void)snprintf(config->journal_path, sizeof(config->journal_path), "%s/journal",
                       config->state_folder);
}

void config_finish(struct config *config)
{
    config->store.conninfo = config->database;
    find_journal(config);
    config->merchants.secrets_folder = config->secrets_folder;
    config->merchants.default_ca_file = config->provider_ca_file;
    config->payments.limits.call_us = config->engine.answer_ms * 1000;
    config->orders.lease_ms = config->payments.limits.lease_us / 1000;
    config->admission.in_flight_max = config->payments.in_flight_max;
    /* The rest of the connections is for look-ups, tokens and test calls. */
    size_t seats = config->engine.connections_per_host_max * 7 / 8;
    config->admission.origin_in_flight_max = seats > 0 ? seats : 1;
}

static void print_value(const struct config *config, const struct setting *setting, struct buf *out)
{
    if (setting->type == SETTING_TEXT) {
        const char *text = (const char *)member_const(config, setting);
        buf_printf(out, text[0] == '\0' ? "%s =%s\n" : "%s = %s\n", setting->name, text);
    } else if (setting->type == SETTING_BOOL) {
        buf_printf(out, "%s = %s\n", setting->name,
                   get_number(config, setting) != 0 ? "yes" : "no");
    } else {
        buf_printf(out, "%s = %lld\n", setting->name, (long long)get_number(config, setting));
    }
}

static bool keep_one(struct config *next, const struct config *now, const struct setting *setting)
{
    if (setting->type == SETTING_TEXT) {
        char *to = member(next, setting);
        const char *from = member_const(now, setting);
        bool differs = strcmp(to, from) != 0;
        memcpy(to, from, CONFIG_TEXT_MAX);
        return differs;
    }
    int64_t value = get_number(now, setting);
    bool differs = get_number(next, setting) != value;
    CHECK(set_number(next, setting, value));
    return differs;
}

void config_keep(struct config *next, const struct config *now, enum config_change change,
                 struct buf *names)
{
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const struct setting *setting = find_setting(str_of(kept[i].name));
        CHECK(setting != NULL);
        if ((change == CONFIG_RELOAD || kept[i].until_restart) && keep_one(next, now, setting)) {
            buf_printf(names, names->len == 0 ? "%s" : ", %s", setting->name);
        }
    }
}

void config_print_kept(const struct config *config, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const struct setting *setting = find_setting(str_of(kept[i].name));
        CHECK(setting != NULL);
        if (kept[i].until_restart) {
            print_value(config, setting, out);
        }
    }
}

static void set_text(char *out, const char *value)
{
    CHECK(str_copy_to(str_of(value), out, CONFIG_TEXT_MAX));
}

void config_init(struct config *config)
{
    memset(config, 0, sizeof(*config));
    set_text(config->api_address, "127.0.0.1");
    config->api_port = 8443;
    set_text(config->ops_address, "127.0.0.1");
    config->ops_port = 8444;
    set_text(config->tls_certificate, "var/tls/gateway.pem");
    set_text(config->tls_key, "var/tls/gateway.key");
    config->api_client_keys = true;
    config->workers = -1;
    set_text(config->state_folder, "var/state");
    config->backtest_at_once_max = 1;
    config->backtest_memory_bytes_max = 4LL << 30;
    config->backtest_limit_ms = 600000;
    config->seal_interval_ms = 30000;
    config->exports_keep_hours = 72;
    config->exports_open_max = 4;
    config->event_streams_max = 6000;
    config->event_streams_per_merchant_max = 256;
    config->heartbeat_ms = 200;
    config->peer_interval_ms = 3000;
    config->heartbeat_late_ms = 5000;
    config->drain_ms = 35000;
    config->drain_idle_ms = 2000;
    set_text(config->log_level, "info");
    set_text(config->database, "dbname=turnpike user=turnpike_gateway");
    set_text(config->migrations_folder, "migrations");
    set_text(config->master_secret_file, "var/secrets/master");
    set_text(config->secrets_folder, "var/secrets");
    set_text(config->rules_file, "config/example.rules");
    set_text(config->delivery_schedule, OUT_SCHEDULE_DEFAULT);
    config->http = http_limits_default;
    config->store = store_config_default;
    config->engine = engine_config_default;
    config->payments = payments_config_default;
    config->orders = orders_config_default;
    config->inbox = inbox_config_default;
    config->webhooks = out_config_default;
    config->health = health_config_default;
    config->admission = admission_config_default;
    config->admission.merchant_in_flight_max = 0;
    config->admission.key_in_flight_max = 0;
    config->merchants.check_interval_ms = 1000;
    config->merchants.merchant_max = 10000;
    config->merchants.key_max = 20000;
}

static bool check_http(const struct config *config, struct error *err)
{
    const struct http_limits *limits = &config->http;
    if (config->ops_client_required && config->ops_client_ca[0] == '\0') {
        return fail(err, ERROR_INVALID,
                    "ops_client_required needs ops_client_ca: the CA whose certificates get in");
    }
    if (limits->large_body_bytes_max < limits->body_bytes_max) {
        return fail(err, ERROR_INVALID,
                    "http_large_body_bytes_max must be at least http_body_bytes_max (%zu)",
                    limits->body_bytes_max);
    }
    if (limits->buffer_bytes_max < 2 * limits->large_body_bytes_max) {
        return fail(err, ERROR_INVALID,
                    "http_buffer_bytes_max must be at least 2 x http_large_body_bytes_max (%zu)",
                    2 * limits->large_body_bytes_max);
    }
    return true;
}

static bool check_relations(const struct config *config, struct error *err)
{
    const struct orchestrate_limits *limits = &config->payments.limits;
    CHECK(limits->call_us == config->engine.answer_ms * 1000);
    if (limits->send_window_us + limits->call_us >= limits->lease_us) {
        return fail(err, ERROR_INVALID,
                    "lease_ms must be above send_window_ms + provider_answer_ms (%lld)",
                    (long long)((limits->send_window_us + limits->call_us) / 1000));
    }
    if (limits->answer_us >= limits->lease_us) {
        return fail(err, ERROR_INVALID, "lease_ms must be above answer_ms (%lld)",
                    (long long)(limits->answer_us / 1000));
    }
    if (config->payments.dead_after_ms * 1000 < limits->lease_us) {
        return fail(err, ERROR_INVALID, "dead_after_ms must be at least lease_ms (%lld)",
                    (long long)(limits->lease_us / 1000));
    }
    if (config->drain_ms * 1000 <= limits->answer_us) {
        return fail(err, ERROR_INVALID, "drain_ms must be above answer_ms (%lld)",
                    (long long)(limits->answer_us / 1000));
    }
    if (config->heartbeat_late_ms < 3 * config->heartbeat_ms) {
        return fail(err, ERROR_INVALID, "heartbeat_late_ms must be at least 3 x heartbeat_ms");
    }
    if (config->api_port == config->ops_port) {
        return fail(err, ERROR_INVALID, "api_port and ops_port must differ");
    }
    enum log_level level;
    if (!log_level_parse(str_of(config->log_level), &level)) {
        return fail(err, ERROR_INVALID, "log_level must be debug, info, warn or error, not \"%s\"",
                    config->log_level);
    }
    return true;
}

static bool check_file(const char *name, const char *file, struct error *err)
{
    if (file[0] == '\0' || access(file, R_OK) != 0) {
        return fail(err, ERROR_INVALID, "%s: cannot read \"%s\": %s", name, file,
                    file[0] == '\0' ? "no file is named" : strerror(errno));
    }
    return true;
}

static bool check_second_pair(const struct config *config, struct error *err)
{
    bool has_any = config->tls_second_certificate[0] != '\0' || config->tls_second_key[0] != '\0';
    return !has_any || (check_file("tls_second_certificate", config->tls_second_certificate, err) &&
                        check_file("tls_second_key", config->tls_second_key, err));
}

static bool check_reports(const struct config *config, struct error *err)
{
    static struct reports reports;
    if (config->reports_file[0] == '\0')
        return true;
    if (config->reports_database[0] == '\0')
        return fail(err, ERROR_INVALID,
                    "reports_file needs reports_database: the finance login that reports are read "
                    "with");
    return reports_load(&reports, config->reports_file, err) || fail_prefix(err, "reports_file");
}

static bool check_exports(const struct config *config, struct error *err)
{
    if (config->exports_folder[0] == '\0')
        return true;
    if (config->reports_database[0] == '\0')
        return fail(err, ERROR_INVALID,
                    "exports_folder needs reports_database: the finance login that exports are "
                    "read with");
    if (strlen(config->exports_folder) >= REPORT_FOLDER_SIZE || config->exports_folder[0] != '/')
        return fail(err, ERROR_INVALID, "exports_folder is a whole path of at most %d bytes",
                    REPORT_FOLDER_SIZE - 1);
    return access(config->exports_folder, W_OK | X_OK) == 0 ||
           fail(err, ERROR_INVALID, "exports_folder: cannot write into %s: %s",
                config->exports_folder, strerror(errno));
}

bool config_check(const struct config *config, struct error *err)
{
    return check_relations(config, err) && check_http(config, err) &&
           check_file("tls_certificate", config->tls_certificate, err) &&
           check_file("tls_key", config->tls_key, err) && check_second_pair(config, err) &&
           check_file("master_secret_file", config->master_secret_file, err) &&
           check_file("secrets_folder", config->secrets_folder, err) &&
           check_file("rules_file", config->rules_file, err) &&
           check_file("migrations_folder", config->migrations_folder, err) &&
           check_reports(config, err) && check_exports(config, err) &&
           (config->seal_key_file[0] == '\0' ||
            check_file("seal_key_file", config->seal_key_file, err)) &&
           (config->provider_ca_file[0] == '\0' ||
            check_file("provider_ca_file", config->provider_ca_file, err)) &&
           (config->delivery_ca_file[0] == '\0' ||
            check_file("delivery_ca_file", config->delivery_ca_file, err)) &&
           (config->ops_client_ca[0] == '\0' ||
            check_file("ops_client_ca", config->ops_client_ca, err));
}

void config_print(const struct config *config, bool documented, struct buf *out)
{
    if (documented) {
        buf_add_str(out, STR("# Every setting of Turnpike at its default. Remove the '#' to change "
                             "one.\n# Printed by `turnpike config`; an environment variable "
                             "TURNPIKE_<NAME> wins over this file.\n"));
    }
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct setting *setting = &settings[i];
        if (documented) {
            buf_printf(out, "\n# %s\n# ", setting->help);
        }
        print_value(config, setting, out);
    }
}

void config_print_json(const struct config *config, struct buf *out)
{
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct setting *setting = &settings[i];
        if (setting->type == SETTING_TEXT) {
            json_put_cstr(&json, setting->name, (const char *)member_const(config, setting));
        } else if (setting->type == SETTING_BOOL) {
            json_put_bool(&json, setting->name, get_number(config, setting) != 0);
        } else {
            json_put_int(&json, setting->name, get_number(config, setting));
        }
    }
    json_end_object(&json);
    buf_add_char(out, '\n');
}

unsigned config_worker_count(const struct config *config)
{
    if (config->workers >= 0) {
        return (unsigned)config->workers;
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 1 ? (unsigned)cores : 1;
}

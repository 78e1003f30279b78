#include "base/metrics.h"

/* clang-format off */
static const struct metrics_family families[METRIC_COUNT] = {
    [METRIC_NONE] = {"", "", "", {NULL}},
    [METRIC_HTTP_REQUESTS] = {
        "turnpike_http_requests_total", "counter",
        "HTTP requests answered.", {"route", "method", "code"}},
    [METRIC_HTTP_SECONDS] = {
        "turnpike_http_request_duration_seconds", "histogram",
        "Time from the first byte of a request to the last byte of its answer.", {"route"}},
    [METRIC_HTTP_CONNECTIONS] = {
        "turnpike_http_connections", "gauge",
        "Open connections of clients.", {"listener"}},
    [METRIC_HTTP_REFUSED] = {
        "turnpike_http_refused_total", "counter",
        "Requests and connections refused before a handler saw them.", {"reason"}},
    [METRIC_PAYMENTS] = {
        "turnpike_payments_total", "counter",
        "Payments that reached a status.", {"status", "currency"}},
    [METRIC_PAYOUTS] = {
        "turnpike_payouts_total", "counter",
        "Payouts that reached a status.", {"status", "currency"}},
    [METRIC_OPERATIONS] = {
        "turnpike_operations_total", "counter",
        "Captures, voids and refunds that reached a status.", {"operation", "status", "currency"}},
    [METRIC_ATTEMPTS] = {
        "turnpike_attempts_total", "counter",
        "Attempts by their outcome.", {"provider", "outcome", "reason"}},
    [METRIC_ATTEMPT_SECONDS] = {
        "turnpike_attempt_duration_seconds", "histogram",
        "Time from an attempt's first send to its outcome.", {"provider", "operation"}},
    [METRIC_FAILOVERS] = {
        "turnpike_failovers_total", "counter",
        "Attempts that followed a failed one at another provider.", {"from", "to", "reason"}},
    [METRIC_PROVIDER_HEALTHY] = {
        "turnpike_provider_healthy", "gauge",
        "1 while the router may choose the provider account, else 0.", {"provider", "account"}},
    [METRIC_CIRCUIT_STATE] = {
        "turnpike_circuit_state", "gauge",
        "Circuit breaker: 0 closed, 1 half open, 2 open.", {"provider", "account"}},
    [METRIC_PROVIDER_SLOW] = {
        "turnpike_provider_slow", "gauge",
        "1 while the provider account is far slower than it usually is.", {"provider", "account"}},
    [METRIC_PROVIDER_HELD] = {
        "turnpike_provider_held", "gauge",
        "1 while the provider account is disabled, drained or in maintenance.", {"provider", "account"}},
    [METRIC_PROVIDER_SUCCESS] = {
        "turnpike_provider_success_ratio", "gauge",
        "Share of the last hour's payments that were approved, 0 to 1.", {"provider", "account"}},
    [METRIC_SHADOW_DECISIONS] = {
        "turnpike_shadow_decisions_total", "counter",
        "Decisions that a shadow rule set made too, by whether it would have tried others.", {"result"}},
    [METRIC_CANARIES_STOPPED] = {
        "turnpike_canaries_stopped_total", "counter",
        "Canaries of rule sets that stopped themselves.", {"reason"}},
    [METRIC_RULE_SETS_BROKEN] = {
        "turnpike_rule_sets_broken_total", "counter",
        "Rule sets in force that could not be used: the one before decides.", {NULL}},
    [METRIC_ROUTING_DECISIONS] = {
        "turnpike_routing_decisions_total", "counter",
        "Routing decisions by rule and first choice.", {"rule", "provider"}},
    [METRIC_IDEMPOTENCY_REPLAYS] = {
        "turnpike_idempotency_replays_total", "counter",
        "Stored answers given again for their key.", {NULL}},
    [METRIC_IDEMPOTENCY_CONFLICTS] = {
        "turnpike_idempotency_conflicts_total", "counter",
        "Requests refused for their key.", {"reason"}},
    [METRIC_UNRESOLVED] = {
        "turnpike_unresolved", "gauge",
        "Attempts whose outcome is unknown and waits for proof.", {NULL}},
    [METRIC_UNRESOLVED_OLDEST_SECONDS] = {
        "turnpike_unresolved_oldest_seconds", "gauge",
        "Age of the oldest attempt that waits for proof.", {NULL}},
    [METRIC_REVIEWS] = {
        "turnpike_reviews", "gauge",
        "Cases of the review queue that are not resolved: open ones wait for a person.", {"state"}},
    [METRIC_REVIEWS_OLDEST_SECONDS] = {
        "turnpike_reviews_oldest_seconds", "gauge",
        "Age of the oldest of them.", {NULL}},
    [METRIC_DUPLICATES_REVERSED] = {
        "turnpike_duplicates_reversed_total", "counter",
        "Late successes, by what became of their reversal: reversed, failed.", {"result"}},
    [METRIC_RESOLVED] = {
        "turnpike_resolved_total", "counter",
        "Unknown attempts settled by proof.", {"outcome"}},
    [METRIC_ORDERS] = {
        "turnpike_payout_orders_total", "counter",
        "Payouts that waited, by what came of their turn.", {"result"}},
    [METRIC_ORDERS_WAITING] = {
        "turnpike_payout_orders_waiting", "gauge",
        "Payouts that wait for their turn or are being begun.", {NULL}},
    [METRIC_ORDERS_OLDEST_SECONDS] = {
        "turnpike_payout_orders_oldest_seconds", "gauge",
        "How long the oldest of them has been due.", {NULL}},
    [METRIC_WEBHOOKS_RECEIVED] = {
        "turnpike_webhooks_received_total", "counter",
        "Webhooks that came from providers, by what was answered.", {"provider", "result"}},
    [METRIC_INBOUND_EVENTS] = {
        "turnpike_inbound_events_total", "counter",
        "Webhooks of providers that no longer wait, by what came of them.", {"result"}},
    [METRIC_INBOUND_WAITING] = {
        "turnpike_inbound_events_waiting", "gauge",
        "Webhooks of providers that are kept and not yet applied.", {NULL}},
    [METRIC_INBOUND_OLDEST_SECONDS] = {
        "turnpike_inbound_events_oldest_seconds", "gauge",
        "Age of the oldest of them.", {NULL}},
    [METRIC_HOOK_TRIES] = {
        "turnpike_webhook_tries_total", "counter",
        "Webhooks sent to merchants, by what became of the try.", {"outcome"}},
    [METRIC_HOOK_SECONDS] = {
        "turnpike_webhook_try_duration_seconds", "histogram",
        "Time of one try to send a webhook to a merchant.", {NULL}},
    [METRIC_HOOK_REFUSED] = {
        "turnpike_webhook_addresses_refused_total", "counter",
        "Addresses of merchants' webhooks that were not connected to.", {NULL}},
    [METRIC_HOOKS_IN_FLIGHT] = {
        "turnpike_webhooks_in_flight", "gauge",
        "Webhooks to merchants that workers are sending.", {NULL}},
    [METRIC_HOOKS_WAITING] = {
        "turnpike_webhooks_waiting", "gauge",
        "Webhooks to merchants that wait or are being sent; 10,000 at most are counted of one endpoint.", {NULL}},
    [METRIC_HOOKS_OLDEST_SECONDS] = {
        "turnpike_webhooks_oldest_seconds", "gauge",
        "Age of the oldest event among them.", {NULL}},
    [METRIC_WRITES_SUSPECT] = {
        "turnpike_writes_suspect_total", "counter",
        "Writes that the ledger rolled back again and again.", {"write"}},
    [METRIC_JOURNAL_FAILURES] = {
        "turnpike_journal_failures_total", "counter",
        "Appends to the journal that failed.", {NULL}},
    [METRIC_RESTORE_LEFT] = {
        "turnpike_restore_left", "gauge",
        "Of a database that was set back: transactions that are still to be written again, then attempts that are still to be asked about.", {NULL}},
    [METRIC_DB_BATCHES] = {
        "turnpike_db_batches_total", "counter",
        "Ledger batches by result.", {"result"}},
    [METRIC_DB_BATCH_ROWS] = {
        "turnpike_db_batch_rows", "histogram",
        "Transactions in one ledger batch.", {NULL}},
    [METRIC_DB_BATCH_SECONDS] = {
        "turnpike_db_batch_duration_seconds", "histogram",
        "Time from sending a ledger batch to its commit.", {NULL}},
    [METRIC_DB_CONNECTED] = {
        "turnpike_db_connected", "gauge",
        "Workers that can write the ledger.", {NULL}},
    [METRIC_DB_RECONNECTS] = {
        "turnpike_db_reconnects_total", "counter",
        "Connections to PostgreSQL made anew.", {NULL}},
    [METRIC_LOOP_LAG_SECONDS] = {
        "turnpike_event_loop_lag_seconds", "histogram",
        "Longest time that ready work waited for the event loop, per heartbeat.", {NULL}},
    [METRIC_IN_FLIGHT] = {
        "turnpike_in_flight", "gauge",
        "Payments in the hands of workers.", {NULL}},
    [METRIC_IN_FLIGHT_LIMIT] = {
        "turnpike_in_flight_limit", "gauge",
        "Payments that workers take into their own hands before they refuse; falls under overload.", {NULL}},
    [METRIC_READS_IN_FLIGHT] = {
        "turnpike_reads_in_flight", "gauge",
        "Requests under way that move no money.", {NULL}},
    [METRIC_PROVIDER_IN_FLIGHT] = {
        "turnpike_provider_in_flight", "gauge",
        "Payments that sit at a provider's accounts.", {"provider"}},
    [METRIC_REFUSED] = {
        "turnpike_refused_total", "counter",
        "Requests refused by admission control.", {"reason"}},
    [METRIC_LEDGER_WRITE_SECONDS] = {
        "turnpike_ledger_write_duration_seconds", "histogram",
        "Time from asking for a write of the ledger to its commit, waiting included.", {NULL}},
    [METRIC_ACCEPT_PAUSES] = {
        "turnpike_accept_pauses_total", "counter",
        "Times a worker stopped accepting connections for a moment, because its event loop lagged.", {NULL}},
    [METRIC_BUCKETS_SHARED] = {
        "turnpike_buckets_shared_total", "counter",
        "Token buckets that two clients share because their table is full.", {NULL}},
    [METRIC_WORKER_RESTARTS] = {
        "turnpike_worker_restarts_total", "counter",
        "Workers replaced.", {"reason"}},
    [METRIC_WORKERS] = {
        "turnpike_workers", "gauge",
        "Worker processes: starting, serving, draining.", {"state"}},
    [METRIC_GENERATION] = {
        "turnpike_generation", "gauge",
        "The generation of workers that serves; each reload adds one.", {NULL}},
    [METRIC_RELOADS] = {
        "turnpike_reloads_total", "counter",
        "Reloads and upgrades asked for, by what became of them.", {"kind", "result"}},
    [METRIC_PROCESS_COUNT] = {
        "turnpike_process_begun", "gauge",
        "Payments, payouts and operations begun in the last 24 whole hours and this one, by what came of them.", {"kind", "result"}},
    [METRIC_PROCESS_COMPLETION] = {
        "turnpike_process_completion_ratio", "gauge",
        "Share of those that have ended that were completed, 0 to 1.", {"kind"}},
    [METRIC_PROCESS_TIME] = {
        "turnpike_process_time_seconds", "gauge",
        "How long they took: active, waiting for others, and both (cycle).", {"kind", "part", "percentile"}},
    [METRIC_PROCESS_ERRORS] = {
        "turnpike_process_step_error_ratio", "gauge",
        "Share of the same time's steps that have come to something that erred, 0 to 1.", {"step"}},
    [METRIC_PROCESS_STUCK] = {
        "turnpike_process_stuck", "gauge",
        "Payments, payouts and operations that wait for too long now.", {"place"}},
    [METRIC_EVENT_STREAMS] = {
        "turnpike_event_streams", "gauge",
        "Open streams of events (GET /v1/events/stream).", {NULL}},
    [METRIC_PROCESS_CPU] = {
        "process_cpu_seconds_total", "counter",
        "Processor time, user and system, of all workers.", {NULL}},
    [METRIC_PROCESS_RESIDENT] = {
        "process_resident_memory_bytes", "gauge",
        "Resident memory of all workers; what they share is counted for each.", {NULL}},
    [METRIC_PROCESS_VIRTUAL] = {
        "process_virtual_memory_bytes", "gauge",
        "Virtual memory of all workers.", {NULL}},
    [METRIC_PROCESS_OPEN_FDS] = {
        "process_open_fds", "gauge",
        "Open file descriptors of all workers.", {NULL}},
    [METRIC_PROCESS_MAX_FDS] = {
        "process_max_fds", "gauge",
        "File descriptors that all workers may open together.", {NULL}},
    [METRIC_PROCESS_START] = {
        "process_start_time_seconds", "gauge",
        "When the gateway started, or was upgraded: seconds since 1970.", {NULL}},
    [METRIC_LOG_DROPPED] = {
        "turnpike_log_dropped_total", "counter",
        "Log lines dropped because writing them would have blocked.", {NULL}},
    [METRIC_METRICS_DROPPED] = {
        "turnpike_metrics_dropped_total", "counter",
        "Updates lost because the table of series is full.", {NULL}},
    [METRIC_BUILD_INFO] = {
        "turnpike_build_info", "gauge",
        "Always 1; its label says what runs.", {"version"}},
};
/* clang-format on */

const struct metrics_family *metrics_family(enum metric metric)
{
    CHECK(metric > METRIC_NONE && metric < METRIC_COUNT);
    CHECK(families[metric].name != NULL);
    return &families[metric];
}

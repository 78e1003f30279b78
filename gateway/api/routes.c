#include "api/call.h"

#include <string.h>

#include "api/tables.h"

#define HOUSE  ROLE_OPERATOR
#define RULES  (ROLE_MERCHANT | ROLE_OPERATOR)
#define READS  (ROLE_MERCHANT | ROLE_FINANCE)
#define PEOPLE (ROLE_FINANCE | ROLE_OPERATOR)
#define BOARD  (ROLE_MERCHANT | ROLE_FINANCE | ROLE_OPERATOR)
#define SEEN   (BOARD | ROLE_NAMES_MERCHANT)
#define ACTS   (ROLE_MERCHANT | ROLE_OPERATOR | ROLE_NAMES_MERCHANT)

/* clang-format off */
const struct endpoint api_endpoints[] = {
    {HTTP_POST,  "/v1/payments",      "createPayment", "Create a payment", ROLE_MERCHANT, true,  &no_query,       &payment_fields, payments_create, ADMIN_NONE, 201, "Payment"},
    {HTTP_GET,   "/v1/payments",      "listPayments",  "List payments, newest first", SEEN, false, &payment_query, NULL, payments_list,   ADMIN_NONE, 200, "PaymentList"},
    {HTTP_GET,   "/v1/payments/{id}", "getPayment",    "One payment with its attempts and the routing decision", SEEN, false, &one_query, NULL, payments_show, ADMIN_NONE, 200, "Payment"},
    {HTTP_GET,   "/v1/payments/{id}/events", "listPaymentEvents", "Everything that happened to a payment, in order", SEEN, false, &one_query, NULL, payments_events, ADMIN_NONE, 200, "PaymentHistory"},
    {HTTP_GET,   "/v1/events",        "listEvents",    "List events, newest first", SEEN, false, &event_query, NULL, events_query, ADMIN_NONE, 200, "EventList"},
    {HTTP_GET,   "/v1/events/stream", "streamEvents",  "Events as they happen (text/event-stream), none lost", SEEN, false, &stream_query, NULL, event_stream_start, ADMIN_NONE, 200, "text/event-stream"},
    {HTTP_GET,   "/v1/events/{id}",   "getEvent",      "One event", SEEN, false, &one_query, NULL, events_show, ADMIN_NONE, 200, "Event"},
    {HTTP_POST,  "/v1/payments/{id}/capture",    "capturePayment", "Charge what is held, or a part of it", ACTS, true, &one_query, &capture_fields, captures_create, ADMIN_NONE, 201, "Operation"},
    {HTTP_POST,  "/v1/payments/{id}/void",       "voidPayment",    "Let go what is held and not yet captured", ACTS, true, &one_query, &void_fields, voids_create, ADMIN_NONE, 201, "Operation"},
    {HTTP_POST,  "/v1/payments/{id}/reauthorize", "reauthorizePayment", "Hold what is held for longer, by another authorization", ROLE_MERCHANT, true, &no_query, &reauthorize_fields, reauthorizations_create, ADMIN_NONE, 201, "Operation"},
    {HTTP_POST,  "/v1/payments/{id}/cancel",     "cancelPayment",  "Take a payment back, if it is not yet paid", ACTS, false, &one_query, &no_fields, payments_cancel, ADMIN_NONE, 200, "Payment"},
    {HTTP_POST,  "/v1/payments/{id}/refunds",    "refundPayment",  "Give back what was charged, or a part of it", ACTS, true, &one_query, &refund_fields, refunds_create, ADMIN_NONE, 201, "Operation"},
    {HTTP_GET,   "/v1/payments/{id}/refunds",    "listRefunds",    "Refunds of a payment, newest first", SEEN, false, &operation_query, NULL, refunds_list, ADMIN_NONE, 200, "OperationList"},
    {HTTP_GET,   "/v1/payments/{id}/captures",   "listCaptures",   "Captures of a payment, newest first", SEEN, false, &operation_query, NULL, captures_list, ADMIN_NONE, 200, "OperationList"},
    {HTTP_GET,   "/v1/payments/{id}/operations", "listOperations", "Captures, voids, refunds and reauthorizations of a payment, newest first", SEEN, false, &operation_query, NULL, operations_list, ADMIN_NONE, 200, "OperationList"},
    {HTTP_GET,   "/v1/captures/{id}", "getCapture",    "One capture with its attempts", SEEN, false, &one_query, NULL, captures_show, ADMIN_NONE, 200, "Operation"},
    {HTTP_GET,   "/v1/voids/{id}",    "getVoid",       "One void with its attempts", SEEN, false, &one_query, NULL, voids_show, ADMIN_NONE, 200, "Operation"},
    {HTTP_GET,   "/v1/refunds/{id}",  "getRefund",     "One refund with its attempts", SEEN, false, &one_query, NULL, refunds_show, ADMIN_NONE, 200, "Operation"},
    {HTTP_GET,   "/v1/reauthorizations/{id}", "getReauthorization", "One reauthorization with its attempts", SEEN, false, &one_query, NULL, reauthorizations_show, ADMIN_NONE, 200, "Operation"},
    {HTTP_GET,   "/v1/providers",     "listProviders", "How the provider accounts are doing", BOARD, false, &provider_query, NULL, providers_list, ADMIN_NONE, 200, "ProviderList"},
    {HTTP_GET,   "/v1/providers/stream", "streamProviders", "The same as it changes (text/event-stream), about once a second", BOARD, false, &merchant_query, NULL, board_stream_start, ADMIN_NONE, 200, "text/event-stream"},
    {HTTP_GET,   "/v1/providers/{id}/series", "getProviderSeries", "How a provider account did over time", BOARD, false, &series_query, NULL, providers_series, ADMIN_NONE, 200, "ProviderSeries"},
    {HTTP_GET,   "/v1/currencies",    "listCurrencies", "Currencies, and how many digits of an amount are behind the point", BOARD, false, &no_query, NULL, currencies_list, ADMIN_NONE, 200, "CurrencyList"},
    {HTTP_GET,   "/v1/reports/service-levels", "listServiceLevels", "Availability, success, latency and cost of provider accounts in a month", BOARD, false, &month_query, NULL, reports_levels, ADMIN_NONE, 200, "ServiceLevels"},
    {HTTP_GET,   "/v1/process", "getProcess", "How payments proceed: completion, cycle time, errors by step, what is stuck, what is used", BOARD, false, &process_query, NULL, reports_process, ADMIN_NONE, 200, "Process"},
    {HTTP_GET,   "/v1/reports/routing", "getRoutingEarned", "What routing earned since a time: recovered by failover, saved in fees", BOARD, false, &since_query, NULL, reports_routing, ADMIN_NONE, 200, "RoutingEarned"},
    {HTTP_GET,   "/v1/ledger/accounts",  "listLedgerAccounts", "Accounts of the books with their balances, by id; CSV on request", BOARD, false, &ledger_account_query, NULL, ledger_accounts_list, ADMIN_NONE, 200, "LedgerAccountList"},
    {HTTP_GET,   "/v1/ledger/transfers", "listTransfers", "What was booked, newest first; CSV on request", BOARD, false, &ledger_transfer_query, NULL, ledger_transfers_list, ADMIN_NONE, 200, "TransferList"},
    {HTTP_GET,   "/v1/ledger/transfers/{id}", "getTransfer", "One transfer", BOARD, false, &ledger_one_query, NULL, ledger_transfers_show, ADMIN_NONE, 200, "Transfer"},
    {HTTP_GET,   "/v1/ledger/trial-balance", "getTrialBalance", "Posted sums of every account, now or at a past moment; CSV on request", BOARD, false, &ledger_balance_query, NULL, ledger_balances_show, ADMIN_NONE, 200, "TrialBalance"},
    {HTTP_GET,   "/v1/ledger/statements", "getStatement", "The movements of an account with the balance after each, oldest first; CSV on request", BOARD, false, &ledger_statement_query, NULL, ledger_statements_list, ADMIN_NONE, 200, "Statement"},
    {HTTP_POST,  "/v1/ledger/exports",   "createLedgerExport", "Have the books, or a part of them, made into a file", BOARD, false, &ledger_one_query, &ledger_export_fields, ledger_exports_create, ADMIN_NONE, 202, "LedgerExport"},
    {HTTP_GET,   "/v1/ledger/exports",   "listLedgerExports", "Exports that were asked for, newest first", BOARD, false, &ledger_export_query, NULL, ledger_exports_list, ADMIN_NONE, 200, "LedgerExportList"},
    {HTTP_GET,   "/v1/ledger/exports/{id}", "getLedgerExport", "How an export is doing", BOARD, false, &ledger_one_query, NULL, ledger_exports_show, ADMIN_NONE, 200, "LedgerExport"},
    {HTTP_GET,   "/v1/ledger/exports/{id}/content", "getLedgerExportContent", "Its file, when it is made", BOARD, false, &ledger_one_query, NULL, ledger_exports_content, ADMIN_NONE, 200, "application/octet-stream"},
    {HTTP_GET,   "/v1/providers/{id}/state",       "getAccountState", "What holds a provider account back, and what did", HOUSE, false, &no_query, NULL, admin_handle, ADMIN_HOLD_SHOW, 200, "AccountState"},
    {HTTP_PUT,   "/v1/providers/{id}/state",       "setAccountState", "Drain or switch off a provider account, or use it again", HOUSE, false, &no_query, &hold_fields, admin_handle, ADMIN_HOLD_SET, 200, "AccountState"},
    {HTTP_POST,  "/v1/providers/{id}/maintenance", "planMaintenance", "Plan a window without new payments", HOUSE, false, &no_query, &maintenance_fields, admin_handle, ADMIN_HOLD_PLAN, 200, "AccountState"},
    {HTTP_POST,  "/v1/providers/{id}/maintenance/end", "endMaintenance", "End a window, or keep it from beginning", HOUSE, false, &no_query, &hold_end_fields, admin_handle, ADMIN_HOLD_END, 200, "AccountState"},

    {HTTP_POST,  "/v1/payouts",              "createPayout",  "Pay money out", ROLE_MERCHANT, true, &no_query, &payout_fields, payouts_create, ADMIN_NONE, 201, "Payout"},
    {HTTP_GET,   "/v1/payouts",              "listPayouts",   "List payouts, newest first", SEEN, false, &payout_query, NULL, payouts_list, ADMIN_NONE, 200, "PayoutList"},
    {HTTP_GET,   "/v1/payouts/{id}",         "getPayout",     "One payout with its attempts and the routing decision", SEEN, false, &one_query, NULL, payouts_show, ADMIN_NONE, 200, "Payout"},
    {HTTP_POST,  "/v1/payouts/{id}/cancel",  "cancelPayout",  "Take a payout back, if it is not yet paid", ROLE_MERCHANT, false, &no_query, &no_fields, payouts_cancel, ADMIN_NONE, 200, "Payout"},
    {HTTP_POST,  "/v1/payouts/{id}/approve", "approvePayout", "Approve a payout that another key asked for", READS, false, &no_query, &no_fields, payouts_approve, ADMIN_NONE, 200, "Payout"},
    {HTTP_POST,  "/v1/payouts/{id}/reject",  "rejectPayout",  "Reject a payout that waits for approval", READS, false, &no_query, &no_fields, payouts_reject, ADMIN_NONE, 200, "Payout"},

    {HTTP_POST,  "/v1/payout-batches",              "createPayoutBatch",  "Pay out up to 15,000 rows, as JSON or CSV", ROLE_MERCHANT, true, &csv_query, &payout_batch_fields, intake_start, ADMIN_NONE, 201, "PayoutBatch"},
    {HTTP_GET,   "/v1/payout-batches",              "listPayoutBatches",  "List batches, newest first", SEEN, false, &batch_query, NULL, batches_list, ADMIN_NONE, 200, "PayoutBatchList"},
    {HTTP_GET,   "/v1/payout-batches/{id}",         "getPayoutBatch",     "How a batch is doing", SEEN, false, &one_query, NULL, batches_show, ADMIN_NONE, 200, "PayoutBatch"},
    {HTTP_GET,   "/v1/payout-batches/{id}/payouts", "listPayoutBatchRows", "Rows of a batch, each with its payout or its errors", SEEN, false, &row_query, NULL, batches_rows, ADMIN_NONE, 200, "PayoutBatchRowList"},
    {HTTP_POST,  "/v1/payout-batches/{id}/approve", "approvePayoutBatch", "Approve a batch that another key asked for", READS, false, &no_query, &no_fields, batches_approve, ADMIN_NONE, 200, "PayoutBatch"},
    {HTTP_POST,  "/v1/payout-batches/{id}/reject",  "rejectPayoutBatch",  "Reject a batch that waits for approval", READS, false, &no_query, &no_fields, batches_reject, ADMIN_NONE, 200, "PayoutBatch"},
    {HTTP_POST,  "/v1/payout-batches/{id}/cancel",  "cancelPayoutBatch",  "Cancel the rows of a batch that have not begun", ROLE_MERCHANT, false, &no_query, &no_fields, batches_cancel, ADMIN_NONE, 200, "PayoutBatch"},

    {HTTP_POST,  "/v1/payees/registration-links", "createRegistrationLink", "A page at the provider where a payee registers", ROLE_MERCHANT, false, &no_query, &link_fields, payees_link, ADMIN_NONE, 201, "RegistrationLink"},
    {HTTP_GET,   "/v1/payees/{id}",               "getPayee",               "Can this payee be paid?", READS, false, &payee_query, NULL, payees_show, ADMIN_NONE, 200, "Payee"},

    {HTTP_GET,   "/v1/reviews",              "listReviews",    "Cases that a person must look at, newest first", BOARD, false, &review_query, NULL, reviews_list, ADMIN_NONE, 200, "ReviewList"},
    {HTTP_GET,   "/v1/reviews/{id}",         "getReview",      "One case with all that is needed to decide", BOARD, false, &no_query, NULL, reviews_show, ADMIN_NONE, 200, "Review"},
    {HTTP_POST,  "/v1/reviews/{id}/resolve", "resolveReview",  "Decide a case", HOUSE, false, &no_query, &resolve_fields, reviews_resolve, ADMIN_NONE, 200, "Review"},
    {HTTP_GET,   "/v1/unresolved",           "listUnresolved", "Attempts whose outcome is not known yet, oldest first", BOARD, false, &unresolved_query, NULL, reviews_unresolved, ADMIN_NONE, 200, "UnresolvedList"},
    {HTTP_POST,   "/v1/webhook-endpoints",                 "createWebhookEndpoint", "Be told of events; the secret is shown once", ROLE_MERCHANT, false, &no_query, &hook_fields, hook_endpoints_create, ADMIN_NONE, 201, "NewWebhookEndpoint"},
    {HTTP_GET,    "/v1/webhook-endpoints",                 "listWebhookEndpoints",  "List webhook endpoints", SEEN, false, &one_query, NULL, hook_endpoints_list, ADMIN_NONE, 200, "WebhookEndpointList"},
    {HTTP_GET,    "/v1/webhook-endpoints/{id}",            "getWebhookEndpoint",    "One webhook endpoint", SEEN, false, &one_query, NULL, hook_endpoints_show, ADMIN_NONE, 200, "WebhookEndpoint"},
    {HTTP_PATCH,  "/v1/webhook-endpoints/{id}",            "updateWebhookEndpoint", "Change a webhook endpoint", ROLE_MERCHANT, false, &no_query, &hook_change_fields, hook_endpoints_update, ADMIN_NONE, 200, "WebhookEndpoint"},
    {HTTP_DELETE, "/v1/webhook-endpoints/{id}",            "deleteWebhookEndpoint", "Delete a webhook endpoint; what waits for it is not sent", ROLE_MERCHANT, false, &no_query, NULL, hook_endpoints_delete, ADMIN_NONE, 200, "DeletedWebhookEndpoint"},
    {HTTP_POST,   "/v1/webhook-endpoints/{id}/rotate",     "rotateWebhookEndpoint", "New secrets; the old ones sign as well for a while", ROLE_MERCHANT, false, &no_query, &hook_rotate_fields, hook_endpoints_rotate, ADMIN_NONE, 201, "NewWebhookEndpoint"},
    {HTTP_POST,   "/v1/webhook-endpoints/{id}/test",       "testWebhookEndpoint",   "Send a webhook.ping", ROLE_MERCHANT, false, &no_query, &no_fields, hook_endpoints_test, ADMIN_NONE, 202, "WebhookDelivery"},
    {HTTP_POST,   "/v1/webhook-endpoints/{id}/replay",     "replayWebhooks",        "Send the events of a range of time again", ROLE_MERCHANT, false, &no_query, &hook_replay_fields, hook_endpoints_replay, ADMIN_NONE, 202, "WebhookReplayStarted"},
    {HTTP_GET,    "/v1/webhook-endpoints/{id}/deliveries", "listWebhookDeliveries", "Deliveries of an endpoint with their tries, newest first", SEEN, false, &delivery_query, NULL, hook_deliveries_list, ADMIN_NONE, 200, "WebhookDeliveryList"},
    {HTTP_GET,    "/v1/webhook-deliveries/{id}",           "getWebhookDelivery",    "One delivery with its tries", SEEN, false, &one_query, NULL, hook_deliveries_show, ADMIN_NONE, 200, "WebhookDelivery"},
    {HTTP_POST,   "/v1/webhook-deliveries/{id}/replay",    "replayWebhookDelivery", "Send one event again", ROLE_MERCHANT, false, &no_query, &no_fields, hook_deliveries_replay, ADMIN_NONE, 202, "WebhookDelivery"},

    {HTTP_POST,  "/v1/rules",                     "createRules",   "Keep a rule set as a version; 422 with all findings when it is refused", RULES, false, &rule_query, &rule_fields, rules_handle, ADMIN_RULES_PUT, 201, "RuleVersion"},
    {HTTP_GET,   "/v1/rules",                     "listRules",     "What is in force, versions and moves, newest first", RULES, false, &rule_query, NULL, rules_handle, ADMIN_RULES_LIST, 200, "Rules"},
    {HTTP_POST,  "/v1/rules/check",               "checkRules",    "What is wrong with a rule set; nothing is kept", RULES, false, &rule_query, &rule_check_fields, rules_handle, ADMIN_RULES_CHECK, 200, "RuleCheck"},
    {HTTP_POST,  "/v1/rules/rollback",            "rollbackRules", "Put the version before into force again, at once", RULES, false, &rule_query, &rule_reason_fields, rules_handle, ADMIN_RULES_ROLLBACK, 200, "Rules"},
    {HTTP_POST,  "/v1/rules/stop",                "stopRules",     "End a canary or a shadow", RULES, false, &rule_query, &rule_stop_fields, rules_handle, ADMIN_RULES_STOP, 200, "Rules"},
    {HTTP_GET,   "/v1/rules/{version}",           "getRules",      "One version with its text", RULES, false, &rule_query, NULL, rules_handle, ADMIN_RULES_SHOW, 200, "RuleVersion"},
    {HTTP_GET,   "/v1/rules/{version}/diff",      "diffRules",     "What another version has instead, line by line", RULES, false, &rule_diff_query, NULL, rules_handle, ADMIN_RULES_DIFF, 200, "RuleDiff"},
    {HTTP_POST,  "/v1/rules/{version}/publish",   "publishRules",  "Let a version decide: live, as a canary, or as a shadow", RULES, false, &rule_query, &rule_publish_fields, rules_handle, ADMIN_RULES_PUBLISH, 200, "Rules"},
    {HTTP_POST,  "/v1/rules/{version}/backtest",  "backtestRules", "Decide payments of the past anew by a version; computed aside, the result is at Location", RULES, false, &rule_query, &rule_backtest_fields, rules_handle, ADMIN_RULES_BACKTEST, 202, "Backtest"},
    {HTTP_GET,   "/v1/backtests/{id}",            "getBacktest",   "How a backtest is doing, and its result", RULES, false, &rule_query, NULL, rules_handle, ADMIN_BACKTEST_SHOW, 200, "Backtest"},
    {HTTP_POST,  "/v1/rules/{version}/approve",   "approveRules",  "Approve what another key proposed", RULES, false, &rule_query, &rule_reason_fields, rules_handle, ADMIN_RULES_APPROVE, 200, "Rules"},

    {HTTP_POST,  "/v1/routing/explain",           "explainRouting", "What would be done with a payment or payout, and why; nothing is done", RULES, false, &rule_query, &explain_fields, routing_explain, ADMIN_NONE, 200, "RoutingExplanation"},

    {HTTP_POST,  "/v1/admin/merchants/{id}/rules-approval", "approvalRules", "Say whether a merchant's rule sets need a second key's approval", HOUSE, false, &no_query, &rule_approval_fields, admin_handle, ADMIN_RULES_APPROVAL, 200, "RulesApproval"},
    {HTTP_POST,  "/v1/admin/merchants",              "createMerchant",  "Create a merchant and its test twin", HOUSE, false, &no_query, &merchant_fields, admin_handle, ADMIN_MERCHANT_CREATE,  201, "Merchant"},
    {HTTP_GET,   "/v1/admin/merchants",              "listMerchants",   "List merchants",           HOUSE, false, &no_query, NULL,       admin_handle, ADMIN_MERCHANT_LIST,    200, "MerchantList"},
    {HTTP_GET,   "/v1/admin/merchants/{id}",         "getMerchant",     "One merchant",             HOUSE, false, &no_query, NULL,       admin_handle, ADMIN_MERCHANT_SHOW,    200, "Merchant"},
    {HTTP_POST,  "/v1/admin/merchants/{id}/disable", "disableMerchant", "Disable a merchant and its twin; by the twin's id, the twin alone", HOUSE, false, &no_query, &no_fields, admin_handle, ADMIN_MERCHANT_DISABLE, 200, "Merchant"},
    {HTTP_POST,  "/v1/admin/merchants/{id}/enable",  "enableMerchant",  "Enable it again",          HOUSE, false, &no_query, &no_fields, admin_handle, ADMIN_MERCHANT_ENABLE,  200, "Merchant"},
    {HTTP_POST,  "/v1/admin/merchants/{id}/limit",   "limitMerchant",   "Give a merchant limits of its own", HOUSE, false, &no_query, &limit_fields, admin_handle, ADMIN_MERCHANT_LIMIT, 200, "Merchant"},

    {HTTP_POST,  "/v1/admin/merchants/{id}/bind",    "bindMerchant",    "Let its keys work only for clients with these certificates; by the twin's id, the twin's alone", HOUSE, false, &no_query, &bind_fields, admin_handle, ADMIN_MERCHANT_BIND, 200, "Merchant"},
    {HTTP_POST,  "/v1/admin/merchants/{id}/unbind",  "unbindMerchant",  "Let its keys work for any client again", HOUSE, false, &no_query, &no_fields, admin_handle, ADMIN_MERCHANT_UNBIND, 200, "Merchant"},

    {HTTP_POST,  "/v1/admin/merchants/{id}/approval", "approvalMerchant", "Say above which sums payouts need a second key's approval", HOUSE, false, &no_query, &approval_fields, admin_handle, ADMIN_MERCHANT_APPROVAL, 200, "Merchant"},

    {HTTP_POST,  "/v1/admin/accounts",               "createAccount",   "Create a provider account", HOUSE, false, &no_query, &account_fields, admin_handle, ADMIN_ACCOUNT_CREATE, 201, "Account"},
    {HTTP_GET,   "/v1/admin/accounts",               "listAccounts",    "List provider accounts",    HOUSE, false, &merchant_query, NULL,      admin_handle, ADMIN_ACCOUNT_LIST,    200, "AccountList"},
    {HTTP_GET,   "/v1/admin/accounts/{id}",          "getAccount",      "One provider account",      HOUSE, false, &no_query, NULL,            admin_handle, ADMIN_ACCOUNT_SHOW,    200, "Account"},
    {HTTP_PATCH, "/v1/admin/accounts/{id}",          "updateAccount",   "Change a provider account", HOUSE, false, &no_query, &account_change_fields, admin_handle, ADMIN_ACCOUNT_UPDATE, 200, "Account"},
    {HTTP_POST,  "/v1/admin/accounts/{id}/rotate",   "rotateAccount",   "Use other credentials from now on", HOUSE, false, &no_query, &secret_fields, admin_handle, ADMIN_ACCOUNT_ROTATE, 200, "Account"},
    {HTTP_POST,  "/v1/admin/accounts/{id}/disable",  "disableAccount",  "Send no new payments there", HOUSE, false, &no_query, &no_fields,     admin_handle, ADMIN_ACCOUNT_DISABLE, 200, "Account"},
    {HTTP_POST,  "/v1/admin/accounts/{id}/enable",   "enableAccount",   "Use it again",              HOUSE, false, &no_query, &no_fields,      admin_handle, ADMIN_ACCOUNT_ENABLE,  200, "Account"},
    {HTTP_POST,  "/v1/admin/accounts/{id}/test",     "testAccount",     "Make a harmless real call with its credentials", HOUSE, false, &no_query, &no_fields, admin_handle, ADMIN_ACCOUNT_TEST, 200, "AccountTest"},

    {HTTP_POST,  "/v1/admin/keys",                   "createKey",       "Create an API key; its text is shown once", HOUSE, false, &no_query, &key_fields, admin_handle, ADMIN_KEY_CREATE, 201, "NewKey"},
    {HTTP_GET,   "/v1/admin/keys",                   "listKeys",        "List a merchant's keys; without merchant, the operators'", HOUSE, false, &merchant_query, NULL, admin_handle, ADMIN_KEY_LIST, 200, "KeyList"},
    {HTTP_GET,   "/v1/admin/keys/{id}",              "getKey",          "One key",                   HOUSE, false, &no_query, NULL,            admin_handle, ADMIN_KEY_SHOW,        200, "Key"},
    {HTTP_POST,  "/v1/admin/keys/{id}/rotate",       "rotateKey",       "A new key; the old one stays valid for a while", HOUSE, false, &no_query, &rotate_fields, admin_handle, ADMIN_KEY_ROTATE, 201, "NewKey"},
    {HTTP_POST,  "/v1/admin/keys/{id}/disable",      "disableKey",      "Disable a key now",         HOUSE, false, &no_query, &no_fields,      admin_handle, ADMIN_KEY_DISABLE,     200, "Key"},

    {HTTP_GET,   "/v1/audit",                        "listAudit",       "What people did, newest first: who, what, and what came of it", PEOPLE, false, &audit_query_fields, NULL, audit_query, ADMIN_NONE, 200, "AuditEntryList"},

    {HTTP_POST,   "/v1/session",                     "createSession",   "Sign in: a cookie for the dashboard's pages, 8 hours", PEOPLE, false, &no_query, &session_fields, session_create, ADMIN_NONE, 201, "Session"},
    {HTTP_GET,    "/v1/session",                     "getSession",      "Who is signed in", PEOPLE, false, &no_query, NULL,                session_show,   ADMIN_NONE, 200, "Session"},
    {HTTP_DELETE, "/v1/session",                     "deleteSession",   "Sign out, everywhere", PEOPLE, false, &no_query, NULL,            session_delete, ADMIN_NONE, 204, NULL},

    {HTTP_GET,   "/openapi.json",                    "getOpenApi",      "This document",             ROLE_ANYONE, false, &no_query, NULL,      openapi_show, ADMIN_NONE,            200, NULL},
};
/* clang-format on */
const size_t api_endpoint_count = ARRAY_LEN(api_endpoints);

static const struct {
    enum http_method method;
    const char *path;
    size_t bytes;
} large_bodies[] = {
    {HTTP_POST, "/v1/payout-batches", 8 << 20},
    {HTTP_POST, "/v1/rules", 4 << 20},
    {HTTP_POST, "/v1/rules/check", 4 << 20},
};

size_t api_endpoint_body_max(const struct endpoint *endpoint)
{
    for (size_t i = 0; i < ARRAY_LEN(large_bodies); i++) {
        if (endpoint->method == large_bodies[i].method &&
            strcmp(endpoint->path, large_bodies[i].path) == 0) {
            return large_bodies[i].bytes;
        }
    }
    return 0;
}

const struct route *api_routes(void)
{
    static struct route routes[ARRAY_LEN(api_endpoints)];
    for (size_t i = 0; routes[ARRAY_LEN(routes) - 1].pattern == NULL; i++) {
        routes[i] = (struct route){
            .method = api_endpoints[i].method,
            .pattern = api_endpoints[i].path,
            .tag = (int)i,
        };
    }
    return routes;
}

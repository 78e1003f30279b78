/* The commands that speak to a gateway's API: a row each. */
#include "process/cli.h"

/* clang-format off */
static const struct cli_option common[] = {
    {"url",      "URL",  NULL, "the gateway's address, else TURNPIKE_URL, else https://127.0.0.1:8443"},
    {"key-file", "FILE", NULL, "a file with an API key, readable by its owner alone; else TURNPIKE_KEY_FILE"},
    {"ca",       "FILE", NULL, "who signed the gateway's certificate; else TURNPIKE_CA_FILE, else the system's authorities"},
    {"merchant", "ID",   NULL, "an operator's key says whose data are meant"},
    {"json",     NULL,   NULL, "JSON in the place of tables"},
    {0},
};

#define LIMIT {"limit", "N", NULL, "at most so many, newest first; 20 unless told, at most 100000"}
#define SINCE {"since", "TIME", NULL, "made then or later: 2d, 12h, 30m, a day or a time"}, {"until", "TIME", NULL, "made before then"}
#define PERSONAL {"personal", NULL, NULL, "with --json: names and addresses of people, and metadata, too"}
#define BY {"by", "NAME", "by", "who decided; the key is recorded in any case"}

static const struct cli_option none[] = {{0}};
static const struct cli_option providers_list[] = {
    {"currency", "CODE", "currency", "show the expected fee of 100.00 in this currency"}, {0}};
static const struct cli_option providers_hold[] = {
    {"reason", "TEXT", "reason", "why; needed, and kept"},
    {"for", "DURATION", NULL, "ends by itself after 30m, 2h, 1d; else when somebody enables it"},
    BY, {0}};
static const struct cli_option providers_enable[] = {
    {"reason", "TEXT", "reason", "why"}, BY, {0}};
static const struct cli_option payments_list[] = {
    LIMIT, SINCE, {"status", "STATUS", "status", "processing, requires_action, authorized, succeeded, declined, failed, canceled or review"},
    {"reference", "TEXT", "reference", "your own id, exactly"}, {"provider", "NAME", "provider", "of any attempt"}, PERSONAL, {0}};
static const struct cli_option payouts_list[] = {
    LIMIT, SINCE, {"status", "STATUS", "status", "requires_approval, scheduled, processing, unclaimed, succeeded, declined, failed, ..."},
    {"reference", "TEXT", "reference", "your own id, exactly"}, {"provider", "NAME", "provider", "of any attempt"}, PERSONAL, {0}};
static const struct cli_option show[] = {PERSONAL, {0}};
static const struct cli_option reviews[] = {
    LIMIT, {"state", "STATE", "state", "open, reversing or resolved"}, {"kind", "KIND", "kind", "unknown_too_long, amount_mismatch, ..."},
    {"provider", "NAME", "provider", "at this provider alone"}, {0}};
static const struct cli_option resolve[] = {
    {"outcome", "OUTCOME", "outcome", "charged, not_charged, accepted or reverse; needed"},
    {"reason", "TEXT", "reason", "why; needed, and kept for ever"},
    {"evidence", "TEXT", "evidence", "on what it rests"},
    {"amount", "N", NULL, "with charged: what moved in truth, in minor units"},
    {"reference", "TEXT", "reference", "with charged: the provider's own id of the money movement"}, {0}};
static const struct cli_option events_list[] = {
    LIMIT, SINCE, {"type", "TYPE", "type", "of this type alone"}, {"payment", "ID", "payment", "of this payment alone"}, {0}};
static const struct cli_option follow[] = {
    {"events", "TYPES", NULL, "these alone, between commas: payment.succeeded,payment.captured; payment.* is all of payments"},
    {"position", "FILE", NULL, "go on where FILE says, and keep there how far it came"}, {0}};
static const struct cli_option listen_options[] = {
    {"forward-to", "URL", NULL, "where events are sent: http://localhost:3000/webhooks; this machine alone"},
    {"events", "TYPES", NULL, "these alone, between commas: payment.succeeded,payment.captured; payment.* is all of payments"},
    {"position", "FILE", NULL, "go on where FILE says, and keep there how far it came"},
    {"print-secret", NULL, NULL, "print the secret, and nothing else is done"}, {0}};
static const struct cli_option audit[] = {
    LIMIT, SINCE, {"actor", "WHO", "actor", "a key (key_...), or cli:NAME"}, {"action", "NAME", "action", "an operation of the API document, or a command"},
    {"subject", "ID", "subject", "what was acted on, or what came of it"}, {"outcome", "OUTCOME", "outcome", "done, refused, failed or unknown"}, {0}};
static const struct cli_option trigger[] = {
    {"amount", "N", NULL, "in minor units; 1099 unless told"}, {"currency", "CODE", NULL, "EUR unless told"},
    {"no-wait", NULL, NULL, "do not wait for the event"}, {"list", NULL, NULL, "what can be triggered"}, {0}};

static const struct cli_action actions[] = {
    {"providers", "list",    NULL, cli_providers_list, "how the provider accounts are doing: state, success, latency, breaker", providers_list},
    {"providers", "show",    "ACCOUNT", cli_providers_show, "one account, what holds it back and what did; ACCOUNT: acc_..., paypal, or paypal:main", providers_list},
    {"providers", "disable", "ACCOUNT", cli_providers_disable, "nothing that merchants ask for goes there; an operator's key", providers_hold},
    {"providers", "drain",   "ACCOUNT", cli_providers_drain, "no new payments go there, all else goes on; an operator's key", providers_hold},
    {"providers", "enable",  "ACCOUNT", cli_providers_enable, "use it again; an operator's key", providers_enable},

    {"payments",  "list",    NULL, cli_payments_list, "payments, newest first", payments_list},
    {"payments",  "show",    "PAYMENT", cli_payments_show, "one payment (or its reference): what happened, in order; the decision with every candidate, transfers, webhooks", show},
    {"payments",  "reviews", NULL, cli_payments_reviews, "cases that a person must look at", reviews},
    {"payments",  "resolve", "CASE", cli_payments_resolve, "decide a case (rev_...) of the review queue; an operator's key", resolve},

    {"payouts",   "list",    NULL, cli_payouts_list, "payouts, newest first", payouts_list},
    {"payouts",   "show",    "PAYOUT", cli_payouts_show, "one payout: attempts and the decision with every candidate", show},

    {"events",    "list",    NULL, cli_events_list, "events, newest first", events_list},
    {"events",    "follow",  NULL, cli_events_follow, "events as they happen, none lost; with --json one a line", follow},

    {"audit",     NULL,      NULL, cli_audit, "what people did, newest first: who, what, and what came of it; a finance key sees its merchant's", audit},

    {"listen",    NULL,      NULL, cli_listen, "send events to a program on this machine, signed as webhooks are", listen_options},
    {"trigger",   NULL,      "[EVENT]", cli_trigger, "make a test payment of which the event comes; test keys alone", trigger},
    {NULL, NULL, NULL, NULL, NULL, none},
};
/* clang-format on */

const struct cli_action *cli_actions(size_t *count)
{
    *count = ARRAY_LEN(actions) - 1;
    return actions;
}

const struct cli_option *cli_common_options(void)
{
    return common;
}

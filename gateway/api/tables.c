#include "api/tables.h"

#include "base/event_type.h"
#include "ledger/follow_mark.h"
#include "payment/payment.h"

static const char *const captures[] = {"automatic", "manual", NULL};
static const char *const test_outcomes[] = {"approved", "declined_soft", "declined_hard",
                                            "requires_action", NULL};
static const char *const roles[] = {"merchant", "finance", "operator", NULL};
static const char *const statuses[] = {"processing", "requires_action", "authorized",
                                       "succeeded",  "declined",        "failed",
                                       "canceled",   "review",          NULL};

#define AMOUNT_HINT                                                                                \
    "must be a whole number of minor units, from 1 to 999999999999999: 1099 is 10.99 EUR, 1099 "   \
    "JPY or 1.099 KWD; no decimals, exponent or quotes"
#define CURRENCY_HINT "must be an active ISO 4217 currency code, three capital letters: \"EUR\""
#define PROVIDER_HINT "must hold names of providers, such as \"paypal\""
#define SET(table)    .fields = table, .count = ARRAY_LEN(table)

/* clang-format off */
static const struct field card_hint_table[] = {
    {"brand",   FIELD_STRING, .least = 2, .most = 32, .form = &form_word, .example = "\"visa\"", .help = "`visa`, `mastercard`, `amex`, ..."},
    {"country", FIELD_STRING, .least = 2, .most = 2, .form = &form_country, .example = "\"DE\"", .help = "Where the card was issued, ISO 3166-1 alpha-2."},
    {"bin",     FIELD_STRING, .least = 6, .most = 8, .form = &form_bin, .example = "\"411111\"",
     .hint = "must be the card's first 6 to 8 digits, and never more of its number", .help = "The card's first 6 to 8 digits; never more of its number."},
};
const struct field_set card_hint_fields = {"CardHints", "What routing rules may look at: `card_brand`, `card_country`, `bin`. Never the card's number.", SET(card_hint_table), .has_any = true};

static const struct field method_table[] = {
    {"type",    FIELD_STRING, .required = true, .least = 1, .most = 32, .form = &form_word, .example = "\"card\"",
     .help = "Kind of payment method: `card`, `wallet`, ...; `test` (test keys only) takes an `outcome` instead of tokens."},
    {"tokens",  FIELD_MAP, .most = PAYMENT_TOKEN_MAX, .item_most = 512, .form = &form_token, .name_form = &form_provider, .name_most = 32,
     .example = "{\"paypal\": \"tok_ok\", \"payoneer\": \"tok_ok\"}",
     .help = "The providers' own tokens for the payer's method, by provider. A provider without token is not tried; a `wallet` with `return_url` needs none where the payer approves at the provider's page."},
    {"outcome", FIELD_STRING, .words = test_outcomes, .example = "\"approved\"",
     .help = "With type `test`: what the payment shall come to."},
    {"card",    FIELD_OBJECT, .members = &card_hint_fields},
};
const struct field_set method_fields = {"Method", "How the payer pays: tokens, never card data.", SET(method_table)};

static const struct field customer_table[] = {
    {"id",      FIELD_STRING, .least = 1, .most = 100, .form = &form_token, .example = "\"c-7\"", .help = "Your id of the payer."},
    {"name",    FIELD_STRING, .least = 1, .most = 200, .help = "Personal data: kept apart, erasable."},
    {"email",   FIELD_STRING, .least = 3, .most = 254, .form = &form_email, .help = "Personal data: kept apart, erasable."},
    {"country", FIELD_STRING, .least = 2, .most = 2, .form = &form_country, .example = "\"DE\"",
     .help = "ISO 3166-1 alpha-2. Routing and the expected fee (cross-border) look at it."},
};
const struct field_set customer_fields = {"Customer", "Who pays.", SET(customer_table)};

static const struct field choice_table[] = {
    {"only",  FIELD_LIST, .most = ROUTE_CANDIDATE_MAX, .item_most = 32, .form = &form_provider, .problem = MESSAGE_UNKNOWN_PROVIDER,
     .hint = PROVIDER_HINT, .example = "[\"paypal\"]", .help = "Choose among these alone; empty: no restriction."},
    {"never", FIELD_LIST, .most = ROUTE_CANDIDATE_MAX, .item_most = 32, .form = &form_provider, .problem = MESSAGE_UNKNOWN_PROVIDER,
     .hint = PROVIDER_HINT, .example = "[]", .help = "Never choose one of these."},
};
const struct field_set choice_fields = {"ProviderChoice", "Narrows what the router may choose from.", SET(choice_table)};

static const struct field payment_table[] = {
    {"amount",      FIELD_INTEGER, .required = true, .least = 1, .most = MONEY_AMOUNT_MAX, .problem = MESSAGE_INVALID_AMOUNT,
     .hint = AMOUNT_HINT, .example = "1099", .help = "In minor units of the currency: 1099 is 10.99 EUR."},
    {"currency",    FIELD_STRING, .required = true, .least = 3, .most = 3, .form = &form_currency, .problem = MESSAGE_UNKNOWN_CURRENCY,
     .hint = CURRENCY_HINT, .example = "\"EUR\"", .help = "ISO 4217."},
    {"method",      FIELD_OBJECT, .required = true, .members = &method_fields},
    {"capture",     FIELD_STRING, .words = captures, .example = "\"automatic\"",
     .help = "`automatic` (default) charges at once; `manual` holds the amount until it is captured."},
    {"reference",   FIELD_STRING, .least = 1, .most = TABLES_REFERENCE_MAX, .example = "\"order-1001\"",
     .help = "Your own id of what is paid. Unique: a second payment is taken only when the one before was declined or failed."},
    {"description", FIELD_STRING, .least = 1, .most = 255, .form = &form_text, .help = "Shown to the payer where the provider can."},
    {"customer",    FIELD_OBJECT, .members = &customer_fields},
    {"metadata",    FIELD_MAP, .most = TABLES_METADATA_MAX, .item_most = 500, .form = &form_text, .name_most = 40, .example = "{\"cart\": \"77\"}",
     .help = "Your own names and values; routing rules may look at them."},
    {"providers",   FIELD_OBJECT, .members = &choice_fields},
    {"return_url",  FIELD_STRING, .least = 12, .most = PAYMENT_URL_MAX, .form = &form_https_url, .example = "\"https://shop.example/paid?order=1001\"",
     .help = "Where the payer is sent after acting, should the provider ask for it; replaces the account's setting."},
    {"cancel_url",  FIELD_STRING, .least = 12, .most = PAYMENT_URL_MAX, .form = &form_https_url, .example = "\"https://shop.example/cart?order=1001\"",
     .help = "Where the payer is sent who does not want to act; replaces the account's setting."},
};
const struct field_set payment_fields = {"PaymentRequest", "What is to be paid, and how.", SET(payment_table)};

static const struct field merchant_table[] = {
    {"name",    FIELD_STRING, .required = true, .least = 1, .most = 200, .example = "\"Demo\"", .help = "Unique among live merchants."},
    {"country", FIELD_STRING, .least = 2, .most = 2, .form = &form_country, .example = "\"US\"", .help = "ISO 3166-1 alpha-2."},
    {"if_absent", FIELD_BOOL, .help = "Answer with the merchant of this name if there is one, instead of a conflict."},
};
const struct field_set merchant_fields = {"MerchantRequest", "A live merchant; its test twin is made with it.", SET(merchant_table)};

static const struct field bind_table[] = {
    {"client_keys", FIELD_LIST, .required = true, .most = DIRECTORY_CLIENT_KEY_MAX, .item_most = TABLES_CLIENT_KEY_SIZE, .form = &form_sha256,
     .example = "[\"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=\"]",
     .help = "SHA-256 of the SubjectPublicKeyInfo of each client's certificate, in base64."},
};
const struct field_set bind_fields = {"ClientKeys", "The only clients that a merchant's keys work for.", SET(bind_table)};

static const struct field limit_table[] = {
    {"rate",          FIELD_INTEGER, .least = 0, .most = BUCKET_RATE_MAX, .example = "500", .help = "Requests a second, of the merchant and of each of its keys; 0: as the gateway's settings say."},
    {"burst",         FIELD_INTEGER, .least = 0, .most = BUCKET_BURST_MAX, .help = "Of them at once after a pause; 0: two seconds' worth."},
    {"in_flight_max", FIELD_INTEGER, .least = 0, .most = 1000000, .help = "Requests under way at a time; 0: as the gateway's settings say."},
};
const struct field_set limit_fields = {"MerchantLimits", "Limits of one merchant, live or test; members left out stay.", SET(limit_table), .has_any = true};

#define ACCOUNT_MEMBERS                                                                            \
    {"fees",       FIELD_FREE, .help = "The whole fee table (config/fees/*.json shows the form); {}: fees unknown."},                     \
    {"settings",   FIELD_MAP, .most = PROVIDER_SETTING_MAX, .item_most = 500, .name_form = &form_word, .name_most = 64,                   \
     .help = "Settings of the provider's adapter, by name; `ca_file`: CA of this account's connections, or `system`."},                   \
    {"currencies", FIELD_LIST, .most = TABLES_ACCOUNT_LIST_MAX, .item_most = 3, .form = &form_currency,                                   \
     .problem = MESSAGE_UNKNOWN_CURRENCY, .example = "[\"EUR\", \"USD\"]", .help = "Empty: all that the provider takes."},                \
    {"methods",    FIELD_LIST, .most = 32, .item_most = 32, .form = &form_word, .example = "[\"card\"]", .help = "Empty: all."},          \
    {"amount_max", FIELD_INTEGER, .least = 0, .most = MONEY_AMOUNT_MAX, .help = "In minor units; 0: no limit."}

static const struct field account_table[] = {
    {"merchant",   FIELD_STRING, .required = true, .least = 30, .most = 30, .form = &form_merchant_id, .help = "Live or test merchant."},
    {"provider",   FIELD_STRING, .required = true, .least = 1, .most = 32, .form = &form_provider, .problem = MESSAGE_UNKNOWN_PROVIDER, .example = "\"paypal\""},
    {"name",       FIELD_STRING, .required = true, .least = 1, .most = 100, .example = "\"main\"", .help = "Unique among the merchant's accounts at this provider."},
    {"base_url",   FIELD_STRING, .required = true, .least = 9, .most = 255, .form = &form_https, .example = "\"https://api-m.paypal.com\""},
    {"secret",     FIELD_STRING, .required = true, .least = 5, .most = 200, .form = &form_secret, .example = "\"file:paypal.json\"",
     .help = "Where the credentials are: `file:NAME` in the secrets folder or `env:NAME`; never the credentials."},
    ACCOUNT_MEMBERS,
    {"if_absent",  FIELD_BOOL, .help = "Answer with the account of this provider and name if there is one, instead of a conflict."},
};
const struct field_set account_fields = {"AccountRequest", "An account of a merchant at a provider.", SET(account_table)};

static const struct field account_change_table[] = {
    {"base_url",   FIELD_STRING, .least = 9, .most = 255, .form = &form_https},
    ACCOUNT_MEMBERS,
};
const struct field_set account_change_fields = {"AccountChange", "What is to be changed; members left out stay.", SET(account_change_table), .has_any = true};

static const char *const held_states[] = {"open", "drained", "disabled", NULL};

static const struct field hold_table[] = {
    {"state",  FIELD_STRING, .required = true, .words = held_states, .example = "\"drained\"",
     .help = "`drained`: no new payments, all else goes on; `disabled`: nothing that merchants ask for; `open`: neither."},
    {"reason", FIELD_STRING, .least = 1, .most = 500, .example = "\"provider announced an outage\"", .help = "Why; needed but for `open`."},
    {"until",  FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .example = "\"2026-12-01T06:00:00Z\"", .help = "RFC 3339; ends by itself. Left out: until it is opened."},
    {"by",     FIELD_STRING, .least = 1, .most = 100, .help = "Who decided; the key is recorded in any case."},
};
const struct field_set hold_fields = {"AccountStateChange", "Hold a provider account back, or use it again.", SET(hold_table)};

static const struct field maintenance_table[] = {
    {"from",   FIELD_STRING, .required = true, .least = 10, .most = 40, .form = &form_time, .example = "\"2026-12-01T02:00:00Z\"", .help = "RFC 3339."},
    {"to",     FIELD_STRING, .required = true, .least = 10, .most = 40, .form = &form_time, .example = "\"2026-12-01T04:00:00Z\"", .help = "RFC 3339."},
    {"weekly", FIELD_BOOL, .help = "Each week again at that time (UTC), until it is ended."},
    {"reason", FIELD_STRING, .required = true, .least = 1, .most = 500, .help = "What is planned."},
    {"by",     FIELD_STRING, .least = 1, .most = 100, .help = "Who planned it; the key is recorded in any case."},
};
const struct field_set maintenance_fields = {"MaintenanceRequest", "A window in which an account gets no new payments.", SET(maintenance_table)};

static const struct field hold_end_table[] = {
    {"hold", FIELD_STRING, .required = true, .least = 30, .most = 30, .form = &form_token, .help = "hld_..., as listed with the account's state."},
    {"by",   FIELD_STRING, .least = 1, .most = 100, .help = "Who decided."},
};
const struct field_set hold_end_fields = {"MaintenanceEnd", "End a window, or keep it from beginning.", SET(hold_end_table)};

static const struct field secret_table[] = {
    {"secret", FIELD_STRING, .required = true, .least = 5, .most = 200, .form = &form_secret, .example = "\"file:paypal-2027.json\"",
     .help = "Where the new credentials are."},
};
const struct field_set secret_fields = {"SecretRotation", "New credentials of an account, by reference.", SET(secret_table)};

static const struct field key_table[] = {
    {"role",         FIELD_STRING, .required = true, .words = roles, .example = "\"merchant\"",
     .help = "`merchant`: payments of its merchant; `finance`: reads of its merchant; `operator`: administration and provider health."},
    {"merchant",     FIELD_STRING, .least = 30, .most = 30, .form = &form_merchant_id,
     .help = "Live or test merchant that the key acts for; needed but for operators, who have none."},
    {"expires_days", FIELD_INTEGER, .least = 1, .most = TABLES_EXPIRES_DAYS_MAX, .help = "The key ends by itself; left out: never."},
};
const struct field_set key_fields = {"KeyRequest", "An API key.", SET(key_table)};

static const struct field rotate_table[] = {
    {"grace_hours",  FIELD_INTEGER, .least = 0, .most = TABLES_GRACE_HOURS_MAX, .help = "The old key stays valid for so long; 24 unless told."},
    {"expires_days", FIELD_INTEGER, .least = 1, .most = TABLES_EXPIRES_DAYS_MAX, .help = "The new key ends by itself; left out: never."},
};
const struct field_set rotate_fields = {"KeyRotation", "A new key in the place of an old one.", SET(rotate_table), .is_optional = true};

const struct field_set no_fields = {"Nothing", "No members.", NULL, 0, false, true};

static const struct field payment_query_table[] = {
    OF_MERCHANT,
    {"limit",          FIELD_INTEGER, .least = 1, .most = TABLES_LIST_LIMIT_MAX, .help = "Payments in one page; 10 unless told."},
    {"starting_after", FIELD_STRING, .least = 30, .most = 30, .form = &form_payment_id, .help = "The last id of the page before."},
    {"created_from",   FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; inclusive."},
    {"created_to",     FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; exclusive."},
    {"status",         FIELD_STRING, .words = statuses},
    {"reference",      FIELD_STRING, .least = 1, .most = TABLES_REFERENCE_MAX, .help = "Your own id, exactly."},
    {"provider",       FIELD_STRING, .least = 1, .most = 32, .form = &form_provider, .help = "Of any attempt."},
};
const struct field_set payment_query = {"PaymentQuery", "", SET(payment_query_table)};

static const struct field event_query_table[] = {
    OF_MERCHANT,
    {"limit",          FIELD_INTEGER, .least = 1, .most = TABLES_LIST_LIMIT_MAX, .help = "Events in one page; 10 unless told."},
    {"starting_after", FIELD_STRING, .least = 30, .most = 30, .form = &form_event_id, .help = "The last id of the page before."},
    {"created_from",   FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; inclusive."},
    {"created_to",     FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; exclusive."},
    {"type",           FIELD_STRING, .least = 1, .most = EVENT_TYPE_NAME_MAX, .form = &form_event_type, .help = "Of this type alone."},
    {"payment",        FIELD_STRING, .least = 30, .most = 30, .form = &form_payment_id, .help = "Of this payment alone."},
};
const struct field_set event_query = {"EventQuery", "", SET(event_query_table)};

static const struct field stream_query_table[] = {
    OF_MERCHANT,
    {"after", FIELD_STRING, .least = 1, .most = FOLLOW_TEXT_MAX, .form = &form_token,
     .help = "Go on behind the event with this `id` of the stream. Last-Event-ID, as browsers send it, counts more. Left out: from now on."},
};
const struct field_set stream_query = {"EventStreamQuery", "", SET(stream_query_table)};

static const struct field month_query_table[] = {
    {"month", FIELD_STRING, .least = 7, .most = 7, .form = &form_token, .help = "2026-11; UTC. Left out: the month of now."},
};
const struct field_set month_query = {"MonthQuery", "", SET(month_query_table)};

static const struct field process_query_table[] = {
    {"merchant", FIELD_STRING, .least = 30, .most = 30, .form = &form_merchant_id, .help = "Operators: of this merchant; left out: of all."},
    {"window", FIELD_STRING, .least = 2, .most = 4, .form = &form_token, .help = "1h, 24h, 7d or 30d: as many whole hours before this one, and this one. Left out: 24h."},
    {"from", FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "Begun then or later: a day, or a whole hour; in the place of `window`."},
    {"to", FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "Begun before: likewise; within 92 days of `from`. Left out: until now."},
};
const struct field_set process_query = {"ProcessQuery", "", SET(process_query_table)};

static const struct field since_query_table[] = {
    {"since", FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "2026-11-01, or a time; within the last 92 days. Left out: 30 days."},
};
const struct field_set since_query = {"SinceQuery", "", SET(since_query_table)};

static const struct field provider_query_table[] = {
    {"currency", FIELD_STRING, .least = 3, .most = 3, .form = &form_currency, .help = "Show the expected fee of 100.00 in this currency."},
};
const struct field_set provider_query = {"ProviderQuery", "", SET(provider_query_table)};

static const struct field session_table[] = {
    {"key", FIELD_STRING, .required = true, .least = 1, .most = 200, .form = &form_token, .example = "\"tpk_live_...\"",
     .help = "An operator's or a finance key. It is not kept: the cookie names it by a digest that is sealed."},
};
const struct field_set session_fields = {"SessionRequest", "Who signs in.", SET(session_table)};

static const char *const span_words[] = {"1h", "6h", "24h", "7d", "30d", NULL};
static const struct field series_query_table[] = {
    {"span", FIELD_STRING, .words = span_words, .help = "How far back; 1h unless told."},
};
const struct field_set series_query = {"SeriesQuery", "", SET(series_query_table)};

static const struct field merchant_query_table[] = {
    {"merchant", FIELD_STRING, .least = 30, .most = 30, .form = &form_merchant_id, .help = "Of this merchant alone."},
};
const struct field_set merchant_query = {"MerchantQuery", "", SET(merchant_query_table)};
static const struct field one_query_table[] = {OF_MERCHANT};
const struct field_set one_query = {"OneQuery", "", SET(one_query_table)};
const struct field_set no_query = {"NoQuery", "", NULL, 0, false, true};

const struct field_set *const field_sets[] = {
    &payment_fields, &method_fields, &card_hint_fields, &customer_fields,       &choice_fields, &merchant_fields, &bind_fields, &limit_fields,
    &account_fields, &account_change_fields, &secret_fields, &key_fields,    &rotate_fields, &session_fields,
    &payout_fields,  &beneficiary_fields,    &bank_account_fields, &payout_batch_fields, &link_fields,
    &hold_fields, &maintenance_fields, &hold_end_fields,
    &approval_fields, &resolve_fields, &capture_fields, &void_fields, &refund_fields,
    &reauthorize_fields,
    &hook_fields, &hook_change_fields, &hook_rotate_fields, &hook_replay_fields,
    &rule_fields, &rule_check_fields, &rule_publish_fields, &rule_bounds_fields, &rule_reason_fields, &rule_stop_fields, &rule_approval_fields, &rule_backtest_fields,
    &explain_fields, &ledger_export_fields,
};
const size_t field_set_count = ARRAY_LEN(field_sets);
/* clang-format on */

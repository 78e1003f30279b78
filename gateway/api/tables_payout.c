/* The field tables of payouts, batches of them, and payees. */
#include "api/tables.h"

#include "payment/payment.h"

static const char *const beneficiary_types[] = {"individual", "business", NULL};
static const char *const on_invalid_words[] = {"skip", "reject", NULL};
static const char *const payout_statuses[] = {
    "requires_approval", "scheduled", "processing", "unclaimed", "succeeded", "declined", "failed",
    "returned",          "canceled",  "rejected",   "review",    NULL};
static const char *const row_statuses[] = {
    "invalid", "requires_approval", "scheduled", "processing", "unclaimed", "succeeded", "declined",
    "failed",  "returned",          "canceled",  "rejected",   "review",    NULL};
static const char *const batch_statuses[] = {"requires_approval", "processing", "completed",
                                             "rejected",          "canceled",   NULL};

#define AMOUNT_HINT                                                                                \
    "must be a whole number of minor units, from 1 to 999999999999999: 1099 is 10.99 EUR, 1099 "   \
    "JPY or 1.099 KWD; no decimals, exponent or quotes"
#define CURRENCY_HINT "must be an active ISO 4217 currency code, three capital letters: \"EUR\""
#define PAYEES_HINT                                                                                \
    "must hold the payee's id at one or more providers: {\"paypal\": \"name@example.com\"}"
#define SET(table) .fields = table, .count = ARRAY_LEN(table)

/* clang-format off */
static const struct field bank_account_table[] = {
    {"iban",           FIELD_STRING, .least = 5, .most = 42, .form = &form_iban, .example = "\"DE89370400440532013000\"",
     .help = "ISO 13616, with or without spaces. Country, length and check digits are verified."},
    {"bic",            FIELD_STRING, .least = 8, .most = 11, .form = &form_bic, .example = "\"COBADEFFXXX\"",
     .help = "ISO 9362: 8 or 11 characters, of the IBAN's country."},
    {"account_number", FIELD_STRING, .least = 1, .most = 34, .form = &form_account, .help = "Where there are no IBANs; needs `country`."},
    {"routing_code",   FIELD_STRING, .least = 1, .most = 35, .form = &form_token,
     .help = "National bank code; verified for US (ABA), GB (sort code), AU (BSB), CA (transit), IN (IFSC)."},
    {"country",        FIELD_STRING, .least = 2, .most = 2, .form = &form_country, .example = "\"DE\"", .help = "ISO 3166-1 alpha-2; the IBAN's when there is one."},
    {"currency",       FIELD_STRING, .least = 3, .most = 3, .form = &form_currency, .problem = MESSAGE_UNKNOWN_CURRENCY, .hint = CURRENCY_HINT,
     .example = "\"EUR\"", .help = "Of the account; must be the payout's."},
    {"holder",         FIELD_STRING, .least = 1, .most = 140, .help = "As the bank knows them."},
};
const struct field_set bank_account_fields = {"BankAccount", "Where the beneficiary banks.", SET(bank_account_table), .has_any = true};

static const struct field beneficiary_table[] = {
    {"type",          FIELD_STRING, .required = true, .words = beneficiary_types, .example = "\"individual\""},
    {"first_name",    FIELD_STRING, .least = 1, .most = 140, .example = "\"Ada\"", .help = "Needed of an individual."},
    {"last_name",     FIELD_STRING, .least = 1, .most = 140, .example = "\"Lovelace\"", .help = "Needed of an individual."},
    {"business_name", FIELD_STRING, .least = 1, .most = 300, .help = "Needed of a business."},
    {"email",         FIELD_STRING, .least = 3, .most = 254, .form = &form_email, .example = "\"ada@example.com\""},
    {"phone",         FIELD_STRING, .least = 8, .most = 16, .form = &form_phone, .help = "E.164."},
    {"country",       FIELD_STRING, .least = 2, .most = 2, .form = &form_country, .example = "\"DE\"",
     .help = "ISO 3166-1 alpha-2. Routing and the expected fee (cross-border) look at it."},
    {"bank_account",  FIELD_OBJECT, .members = &bank_account_fields},
};
const struct field_set beneficiary_fields = {"Beneficiary", "Who gets the money. Personal data: sealed, kept apart, erasable.", SET(beneficiary_table)};

static const struct field payout_table[] = {
    {"amount",      FIELD_INTEGER, .required = true, .least = 1, .most = MONEY_AMOUNT_MAX, .problem = MESSAGE_INVALID_AMOUNT,
     .hint = AMOUNT_HINT, .example = "12500", .help = "In minor units of the currency: 12500 is 125.00 EUR."},
    {"currency",    FIELD_STRING, .required = true, .least = 3, .most = 3, .form = &form_currency, .problem = MESSAGE_UNKNOWN_CURRENCY,
     .hint = CURRENCY_HINT, .example = "\"EUR\"", .help = "ISO 4217."},
    {"reference",   FIELD_STRING, .least = 1, .most = TABLES_REFERENCE_MAX, .example = "\"salary-2026-11-ada\"",
     .help = "Your own id of what is paid out. Unique among payouts: a second one is taken only when the one before did not pay."},
    {"beneficiary", FIELD_OBJECT, .required = true, .members = &beneficiary_fields},
    {"payees",      FIELD_MAP, .required = true, .least = 1, .most = PAYMENT_TOKEN_MAX, .item_most = 127, .form = &form_token,
     .name_form = &form_payee, .name_most = 32, .hint = PAYEES_HINT, .example = "{\"paypal\": \"ada@example.com\", \"payoneer\": \"ada-1815\"}",
     .help = "The beneficiary's id at each provider that may pay. PayPal: an e-mail address, a phone number (+...) or a payer id; Payoneer: the payee id under which they registered."},
    {"description", FIELD_STRING, .least = 1, .most = 255, .form = &form_text, .help = "Shown to the payee where the provider can."},
    {"metadata",    FIELD_MAP, .most = TABLES_METADATA_MAX, .item_most = 500, .form = &form_text, .name_most = 40, .example = "{\"run\": \"2026-11\"}",
     .help = "Your own names and values; routing rules may look at them."},
    {"providers",   FIELD_OBJECT, .members = &choice_fields},
};
const struct field_set payout_fields = {"PayoutRequest", "What is to be paid out, and to whom.", SET(payout_table)};

static const struct field payout_batch_table[] = {
    {"reference",  FIELD_STRING, .least = 1, .most = TABLES_REFERENCE_MAX, .example = "\"salaries-2026-11\"", .help = "Your own id of the batch; it need not be unique."},
    {"on_invalid", FIELD_STRING, .words = on_invalid_words, .example = "\"skip\"",
     .help = "What becomes of the batch when some rows are wrong: `skip` (default) pays the others and keeps each wrong row with its errors; `reject` refuses the whole batch."},
    {"payouts",    FIELD_ROWS, .required = true, .least = 1, .most = TABLES_ROW_MAX, .members = &payout_fields,
     .help = "Rows are numbered from 1, in this order."},
};
const struct field_set payout_batch_fields = {"PayoutBatchRequest", "Many payouts at once, as JSON; or the same as text/csv, one column per member.", SET(payout_batch_table)};

static const struct field link_table[] = {
    {"provider",     FIELD_STRING, .least = 1, .most = 32, .form = &form_payee, .problem = MESSAGE_UNKNOWN_PROVIDER, .example = "\"payoneer\"",
     .help = "Whose payee this becomes; needed when more than one account offers it."},
    {"payee_id",     FIELD_STRING, .required = true, .least = 1, .most = 127, .form = &form_token, .example = "\"grace-1906\"", .help = "Your own id of the payee: what payouts name."},
    {"redirect_url", FIELD_STRING, .least = 9, .most = 2000, .form = &form_https_url, .help = "Where the payee's browser is sent afterwards."},
    {"beneficiary",  FIELD_OBJECT, .members = &beneficiary_fields},
};
const struct field_set link_fields = {"RegistrationLinkRequest", "A page at the provider where a payee registers.", SET(link_table)};

static const struct field approval_table[] = {
    {"payout_limits", FIELD_NUMBERS, .required = true, .most = TABLES_ACCOUNT_LIST_MAX, .item_most = MONEY_AMOUNT_MAX, .name_form = &form_currency, .name_most = 3,
     .example = "{\"EUR\": 500000}",
     .help = "By currency, in minor units: a payout above it, or a batch whose rows or total are above it, waits until another key of the merchant approves. 0, or no entry: none is needed. Replaces all limits."},
};
const struct field_set approval_fields = {"PayoutApproval", "Above which sums payouts need the approval of a second key.", SET(approval_table)};

static const struct field payout_query_table[] = {
    OF_MERCHANT,
    {"limit",          FIELD_INTEGER, .least = 1, .most = TABLES_LIST_LIMIT_MAX, .help = "Payouts in one page; 10 unless told."},
    {"starting_after", FIELD_STRING, .least = 30, .most = 30, .form = &form_payout_id, .help = "The last id of the page before."},
    {"created_from",   FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; inclusive."},
    {"created_to",     FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; exclusive."},
    {"status",         FIELD_STRING, .words = payout_statuses},
    {"reference",      FIELD_STRING, .least = 1, .most = TABLES_REFERENCE_MAX, .help = "Your own id, exactly."},
    {"provider",       FIELD_STRING, .least = 1, .most = 32, .form = &form_provider, .help = "Of any attempt."},
};
const struct field_set payout_query = {"PayoutQuery", "", SET(payout_query_table)};

static const struct field batch_query_table[] = {
    OF_MERCHANT,
    {"limit",          FIELD_INTEGER, .least = 1, .most = TABLES_LIST_LIMIT_MAX, .help = "Batches in one page; 10 unless told."},
    {"starting_after", FIELD_STRING, .least = 30, .most = 30, .form = &form_batch_id, .help = "The last id of the page before."},
    {"created_from",   FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; inclusive."},
    {"created_to",     FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; exclusive."},
    {"status",         FIELD_STRING, .words = batch_statuses},
    {"reference",      FIELD_STRING, .least = 1, .most = TABLES_REFERENCE_MAX, .help = "Your own id, exactly."},
};
const struct field_set batch_query = {"PayoutBatchQuery", "", SET(batch_query_table)};

static const struct field row_query_table[] = {
    OF_MERCHANT,
    {"limit",          FIELD_INTEGER, .least = 1, .most = TABLES_LIST_LIMIT_MAX, .help = "Rows in one page; 10 unless told."},
    {"starting_after", FIELD_INTEGER, .least = 0, .most = TABLES_ROW_MAX, .help = "The last row number of the page before."},
    {"status",         FIELD_STRING, .words = row_statuses, .help = "`invalid`: rows that were refused."},
};
const struct field_set row_query = {"PayoutBatchRowQuery", "", SET(row_query_table)};

static const struct field csv_query_table[] = {
    {"reference",  FIELD_STRING, .least = 1, .most = TABLES_REFERENCE_MAX, .help = "With text/csv: your own id of the batch."},
    {"on_invalid", FIELD_STRING, .words = on_invalid_words, .help = "With text/csv: `skip` (default) or `reject`."},
};
const struct field_set csv_query = {"PayoutBatchCsvQuery", "", SET(csv_query_table)};

static const struct field payee_query_table[] = {
    {"provider", FIELD_STRING, .least = 1, .most = 32, .form = &form_payee, .help = "Whose payee; needed when more than one account offers it."},
};
const struct field_set payee_query = {"PayeeQuery", "", SET(payee_query_table)};
/* clang-format on */

/* What is asked of the ledger. */
#include "api/tables.h"

#include "ledger/chart.h"
#include "ledger/export.h"
#include "ledger/export_what.h"

#define SET(table) .fields = table, .count = ARRAY_LEN(table)

static const char *const states[] = {"pending", "posted", "voided", NULL};
static const char *const bases[] = {"recorded", "effective", NULL};

static bool is_payment_or_payout(struct str text)
{
    struct uuid id;
    struct error ignored;
    return id_parse(ID_PAYMENT, text, &id, &ignored) || id_parse(ID_PAYOUT, text, &id, &ignored);
}

static bool is_transfer(struct str text)
{
    struct uuid id;
    struct error ignored;
    return id_parse(ID_TRANSFER, text, &id, &ignored);
}

static bool is_export(struct str text)
{
    struct uuid id;
    struct error ignored;
    return id_parse(ID_EXPORT, text, &id, &ignored);
}

static bool is_account(struct str text)
{
    return chart_find(text) != CHART_NONE;
}

static bool is_account_kind(struct str text)
{
    return chart_kind_of(text) != CHART_NONE;
}

/* clang-format off */
static const struct field_form form_transfer_id = {"transfer_id", is_transfer, "^trf_[0-9A-Za-z]{26}$", "must be the id of a transfer (trf_...)"};
static const struct field_form form_export_id = {"ledger_export_id", is_export, "^exp_[0-9A-Za-z]{26}$", "must be the id of an export (exp_...)"};
static const struct field_form form_moves = {"payment_or_payout_id", is_payment_or_payout, "^(pay|pyt)_[0-9A-Za-z]{26}$", "must be the id of a payment (pay_...) or payout (pyt_...)"};
static const struct field_form form_ledger_account = {"ledger_account", is_account, NULL, "must be an account of the chart, such as merchant:sales or bank:main"};
static const struct field_form form_account_kind = {"account_kind", is_account_kind, "^[a-z_]+$", "must be a kind of accounts of the chart, such as provider_pending or sales"};

#define LIMIT(what)                                                                                \
    {"limit", FIELD_INTEGER, .least = 1, .most = TABLES_LIST_LIMIT_MAX, .help = what " in one page; 10 unless told."}

static const struct field account_table[] = {
    LIMIT("Accounts"),
    {"starting_after", FIELD_STRING, .least = 1, .most = EXPORT_ACCOUNT_MAX + 4, .help = "The last id of the page before."},
    {"kind",           FIELD_STRING, .least = 1, .most = 32, .form = &form_account_kind, .help = "Of this kind of the chart alone."},
    OF_MERCHANT,
};
const struct field_set ledger_account_query = {"LedgerAccountQuery", "", SET(account_table)};

static const struct field transfer_table[] = {
    LIMIT("Transfers"),
    {"starting_after", FIELD_STRING, .least = 30, .most = 30, .form = &form_transfer_id, .help = "`next` of the page before."},
    {"created_from",   FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339, or a day; inclusive. The moment of its id counts, as for balances: a little before `created`."},
    {"created_to",     FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339, or a day; exclusive; likewise."},
    {"account",        FIELD_STRING, .least = 1, .most = EXPORT_ACCOUNT_MAX, .form = &form_ledger_account, .help = "Debited or credited."},
    {"payment",        FIELD_STRING, .least = 30, .most = 30, .form = &form_moves, .help = "Of this payment or payout, and of its operations."},
    {"kind",           FIELD_STRING, .least = 1, .most = 32, .form = &form_word, .help = "`payment`, `fee`, `authorization`, `refund`, `payout`, ..."},
    {"state",          FIELD_STRING, .words = states},
    OF_MERCHANT,
};
const struct field_set ledger_transfer_query = {"LedgerTransferQuery", "", SET(transfer_table)};

static const struct field one_table[] = {OF_MERCHANT};
const struct field_set ledger_one_query = {"LedgerOneQuery", "", SET(one_table)};

static const struct field balance_table[] = {
    {"as_of", FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339, or a day (its first moment); exclusive. Left out: now."},
    {"basis", FIELD_STRING, .words = bases, .help = "`recorded` (default): what was booked before; `effective`: what counts before."},
    OF_MERCHANT,
};
const struct field_set ledger_balance_query = {"LedgerBalanceQuery", "", SET(balance_table)};

static const struct field statement_table[] = {
    {"account",        FIELD_STRING, .required = true, .least = 1, .most = EXPORT_ACCOUNT_MAX, .form = &form_ledger_account, .help = "As /v1/ledger/accounts names it."},
    {"from",           FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339, or a day; inclusive. Left out: from the beginning."},
    {"to",             FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339, or a day; exclusive. Left out: now."},
    LIMIT("Movements"),
    {"starting_after", FIELD_STRING, .least = 30, .most = 30, .form = &form_transfer_id, .help = "`next` of the page before."},
    OF_MERCHANT,
};
const struct field_set ledger_statement_query = {"LedgerStatementQuery", "", SET(statement_table)};

static const struct field export_query_table[] = {
    LIMIT("Exports"),
    {"starting_after", FIELD_STRING, .least = 30, .most = 30, .form = &form_export_id, .help = "The last id of the page before."},
    OF_MERCHANT,
};
const struct field_set ledger_export_query = {"LedgerExportQuery", "", SET(export_query_table)};

static const struct field export_table[] = {
    {"what",    FIELD_STRING, .required = true, .words = export_what_names, .example = "\"csv\"", .help = "As `turnpike ledger export --format` and reports have it."},
    {"from",    FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339, or a day; inclusive. Left out: from the beginning."},
    {"to",      FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339, or a day; exclusive; not to come. Left out: now."},
    {"account", FIELD_STRING, .least = 1, .most = EXPORT_ACCOUNT_MAX, .form = &form_ledger_account, .help = "Only what names it; `camt053` states one, `attempts-csv` and `trial-balance` take none."},
};
const struct field_set ledger_export_fields = {"LedgerExportRequest", "What is to be made into a file.", SET(export_table)};
/* clang-format on */

/* Bodies and queries of rule sets. */
#include "api/tables.h"

#include "payment/canary.h"

enum {
    TEXT_BYTES_MAX =
        1 << 20, /* of a rule set: it is read and compiled by workers that others wait for */
};

#define SET(table) .fields = table, .count = ARRAY_LEN(table)

static const char *const modes[] = {"live", "canary", "shadow", NULL};
static const char *const stopped[] = {"canary", "shadow", NULL};

/* clang-format off */
static const struct field rule_table[] = {
    {"text",    FIELD_STRING, .required = true, .least = 1, .most = TEXT_BYTES_MAX, .form = &form_text, .example = "\"otherwise { by cost }\"",
     .help = "The rule set, as docs/rules.md says. A larger one is kept by `turnpike routes put`."},
    {"comment", FIELD_STRING, .least = 1, .most = 500, .example = "\"Payoneer takes small amounts\"", .help = "Why; kept with the version."},
};
const struct field_set rule_fields = {"RuleSetRequest", "A rule set to be kept as a version.", SET(rule_table)};

static const struct field rule_check_table[] = {
    {"text", FIELD_STRING, .required = true, .least = 1, .most = TEXT_BYTES_MAX, .form = &form_text, .example = "\"otherwise { by cost }\"",
     .help = "Nothing is kept."},
};
const struct field_set rule_check_fields = {"RuleCheckRequest", "A rule set to be looked at.", SET(rule_check_table)};

static const struct field rule_bounds_table[] = {
    {"success_drop",   FIELD_STRING, .least = 1, .most = 8, .form = &form_token, .example = "\"5\"",
     .help = "Percentage points by which fewer attempts may be approved than under the live set; 5 unless told."},
    {"cost_rise",      FIELD_STRING, .least = 1, .most = 8, .form = &form_token, .example = "\"0.5\"",
     .help = "Percent of the amount by which expected fees may be higher; 0.5 unless told."},
    {"after_payments", FIELD_INTEGER, .least = CANARY_AFTER_MIN, .most = 1000000, .example = "50",
     .help = "Answered attempts of the canary before it is judged first; 50 unless told."},
};
const struct field_set rule_bounds_fields = {"CanaryBounds", "When a canary stops itself.", SET(rule_bounds_table)};

static const struct field rule_publish_table[] = {
    {"mode",    FIELD_STRING, .required = true, .words = modes, .example = "\"canary\"",
     .help = "`live`: it decides; `canary`: it decides for a part of the payments; `shadow`: what it would decide is recorded."},
    {"percent", FIELD_STRING, .least = 1, .most = 8, .form = &form_token, .example = "\"5\"", .help = "Of the payments, for a canary."},
    {"stop",    FIELD_OBJECT, .members = &rule_bounds_fields},
    {"reason",  FIELD_STRING, .least = 1, .most = 500, .help = "Why; kept with the move."},
};
const struct field_set rule_publish_fields = {"RulePublication", "Put a version into force.", SET(rule_publish_table)};

static const struct field rule_reason_table[] = {
    {"reason", FIELD_STRING, .least = 1, .most = 500, .help = "Why; kept with the move."},
};
const struct field_set rule_reason_fields = {"RuleReason", "Why.", SET(rule_reason_table), .is_optional = true};

static const struct field rule_stop_table[] = {
    {"mode",   FIELD_STRING, .required = true, .words = stopped, .example = "\"canary\""},
    {"reason", FIELD_STRING, .least = 1, .most = 500, .help = "Why; kept with the move."},
};
const struct field_set rule_stop_fields = {"RuleStop", "End a canary or a shadow.", SET(rule_stop_table)};

static const struct field rule_approval_table[] = {
    {"required", FIELD_BOOL, .required = true, .help = "What one key publishes waits until another key approves it."},
};
const struct field_set rule_approval_fields = {"RuleApproval", "Four eyes for a merchant's rule sets.", SET(rule_approval_table)};

static const struct field explain_table[] = {
    {"payment", FIELD_OBJECT, .members = &payment_fields, .help = "As it would be sent to POST /v1/payments. Either this or `payout`."},
    {"payout",  FIELD_OBJECT, .members = &payout_fields, .help = "As it would be sent to POST /v1/payouts."},
    {"version", FIELD_INTEGER, .least = 1, .most = INT32_MAX, .example = "7", .help = "By this version of the merchant's rule sets; left out: by the live one."},
    {"at",      FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .example = "\"2026-12-24T22:30:00Z\"",
     .help = "RFC 3339: weekday, time, holds and maintenance windows of that moment; left out: now."},
};
const struct field_set explain_fields = {"ExplainRequest", "What is to be explained; nothing is sent or written.", SET(explain_table)};

static const struct field rule_backtest_table[] = {
    {"since", FIELD_STRING, .least = 2, .most = 40, .form = &form_token, .example = "\"30d\"",
     .help = "Payments made then or later: a date or time (RFC 3339), or a time back from now as 30d, 12h or 5m; 30d unless told, at most 400 days."},
    {"until", FIELD_STRING, .least = 2, .most = 40, .form = &form_token, .example = "\"2026-11-01\"", .help = "... and before then; now unless told."},
};
const struct field_set rule_backtest_fields = {"BacktestRequest", "Which payments of the past are decided anew.", SET(rule_backtest_table), .is_optional = true};

static const struct field rule_diff_table[] = {
    {"to",       FIELD_INTEGER, .required = true, .least = 1, .most = INT32_MAX, .help = "The other version."},
    {"merchant", FIELD_STRING, .least = 30, .most = 30, .form = &form_merchant_id, .help = "Operators: of this merchant; left out: of the house."},
};
const struct field_set rule_diff_query = {"RuleDiffQuery", "", SET(rule_diff_table)};

static const struct field rule_query_table[] = {
    {"merchant", FIELD_STRING, .least = 30, .most = 30, .form = &form_merchant_id, .help = "Operators: of this merchant; left out: of the house."},
};
const struct field_set rule_query = {"RuleQuery", "", SET(rule_query_table)};
/* clang-format on */

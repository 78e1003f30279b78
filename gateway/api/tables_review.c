/* What is asked of the review queue, and what a person answers. */
#include "api/tables.h"

#include "base/money.h"

#define SET(table) .fields = table, .count = ARRAY_LEN(table)

static const char *const states[] = {"open", "reversing", "resolved", NULL};
static const char *const kinds[] = {"unknown_too_long",
                                    "pending_too_long",
                                    "amount_mismatch",
                                    "late_success",
                                    "reversal_failed",
                                    "provider_refund",
                                    "hold_overdue",
                                    "other",
                                    NULL};
static const char *const rulings[] = {"charged", "not_charged", "accepted", "reverse", NULL};

/* clang-format off */
static const struct field resolve_table[] = {
    {"outcome",   FIELD_STRING, .required = true, .words = rulings, .example = "\"charged\"",
     .help = "`charged` or `not_charged`: what an unknown, pending or mismatched attempt came to at the provider. `accepted`: it stays as it is. `reverse`: try once more to reverse it."},
    {"amount",    FIELD_INTEGER, .least = 1, .most = MONEY_AMOUNT_MAX, .example = "1099",
     .help = "Only with `charged`: what moved in truth, in minor units of the payment's currency; left out: the amount that was sent."},
    {"reference", FIELD_STRING, .least = 1, .most = TABLES_REFERENCE_MAX, .form = &form_token,
     .help = "Only with `charged`: the provider's own id of the money movement; refunds and captures name it."},
    {"reason",    FIELD_STRING, .required = true, .least = 3, .most = TABLES_REASON_MAX, .form = &form_text,
     .example = "\"found in the dashboard, captured at 10:12\"", .help = "Why: kept for ever, in an event of the payment."},
    {"evidence",  FIELD_STRING, .least = 1, .most = TABLES_EVIDENCE_MAX, .form = &form_text,
     .example = "\"ticket 4711, screenshot in the case file\"", .help = "On what it rests: kept likewise."},
};
const struct field_set resolve_fields = {"ReviewResolution", "What a person found out.", SET(resolve_table)};

static const struct field review_query_table[] = {
    {"limit",          FIELD_INTEGER, .least = 1, .most = TABLES_LIST_LIMIT_MAX, .help = "Cases in one page; 10 unless told."},
    {"starting_after", FIELD_STRING, .least = 30, .most = 30, .form = &form_review_id, .help = "The last id of the page before."},
    {"state",          FIELD_STRING, .words = states, .help = "`open` ones wait for a person."},
    {"kind",           FIELD_STRING, .words = kinds},
    {"provider",       FIELD_STRING, .least = 1, .most = 32, .form = &form_provider},
    {"merchant",       FIELD_STRING, .least = 30, .most = 30, .form = &form_merchant_id, .help = "For operators: of this merchant alone."},
};
const struct field_set review_query = {"ReviewQuery", "", SET(review_query_table)};

static const struct field unresolved_query_table[] = {
    {"limit",          FIELD_INTEGER, .least = 1, .most = TABLES_LIST_LIMIT_MAX, .help = "Attempts in one page; 10 unless told."},
    {"starting_after", FIELD_STRING, .least = 30, .most = 30, .form = &form_attempt_id, .help = "The last id of the page before."},
    {"provider",       FIELD_STRING, .least = 1, .most = 32, .form = &form_provider},
    {"merchant",       FIELD_STRING, .least = 30, .most = 30, .form = &form_merchant_id, .help = "For operators: of this merchant alone."},
};
const struct field_set unresolved_query = {"UnresolvedQuery", "", SET(unresolved_query_table)};
/* clang-format on */

/*
 * tables.h - the field tables of every body and query that the API takes.
 */
#ifndef API_TABLES_H
#define API_TABLES_H

#include "api/field.h"

extern const struct field_set payment_fields;
extern const struct field_set method_fields;
extern const struct field_set card_hint_fields;
extern const struct field_set customer_fields;
extern const struct field_set choice_fields; /* "providers" */
extern const struct field_set merchant_fields;
extern const struct field_set bind_fields;
extern const struct field_set limit_fields;
extern const struct field_set approval_fields; /* of payouts by a second key */
extern const struct field_set account_fields;
extern const struct field_set account_change_fields;
extern const struct field_set secret_fields;
extern const struct field_set key_fields;
extern const struct field_set rotate_fields;
extern const struct field_set no_fields;
extern const struct field_set session_fields;
extern const struct field_set capture_fields;
extern const struct field_set void_fields;
extern const struct field_set refund_fields;
extern const struct field_set reauthorize_fields;
extern const struct field_set payout_fields;
extern const struct field_set beneficiary_fields;
extern const struct field_set bank_account_fields;
extern const struct field_set payout_batch_fields;
extern const struct field_set link_fields;    /* of a payee's registration */
extern const struct field_set resolve_fields; /* of a case in the review queue */
extern const struct field_set hook_fields;    /* webhook endpoints */
extern const struct field_set hook_change_fields;
extern const struct field_set hook_rotate_fields;
extern const struct field_set hook_replay_fields;
extern const struct field_set rule_fields; /* rule sets: tables_rules.c */
extern const struct field_set rule_check_fields;
extern const struct field_set rule_bounds_fields;
extern const struct field_set rule_publish_fields;
extern const struct field_set rule_reason_fields;
extern const struct field_set rule_stop_fields;
extern const struct field_set rule_approval_fields;
extern const struct field_set explain_fields;
extern const struct field_set rule_backtest_fields;

/* queries */
/* Of a query about what is a merchant's (ROLE_NAMES_MERCHANT). */
#define OF_MERCHANT                                                                                \
    {                                                                                              \
        "merchant", FIELD_STRING, .least = 30, .most = 30, .form = &form_merchant_id,              \
                                  .help = "Whose it is; needed with an operator's key."            \
    }
extern const struct field_set one_query;
extern const struct field_set rule_query;
extern const struct field_set rule_diff_query;
extern const struct field_set payment_query;
extern const struct field_set event_query;
extern const struct field_set stream_query;
extern const struct field_set provider_query;
extern const struct field_set series_query; /* of a provider account */
extern const struct field_set hold_fields;
extern const struct field_set maintenance_fields;
extern const struct field_set hold_end_fields;
extern const struct field_set month_query;
extern const struct field_set since_query;
extern const struct field_set process_query;
extern const struct field_set merchant_query; /* of one merchant's accounts or keys */
extern const struct field_set operation_query;
extern const struct field_set payout_query;
extern const struct field_set batch_query;
extern const struct field_set row_query; /* rows of a batch */
extern const struct field_set csv_query; /* what a CSV body cannot say */
extern const struct field_set payee_query;
extern const struct field_set review_query;
extern const struct field_set unresolved_query;
extern const struct field_set audit_query_fields;
extern const struct field_set delivery_query; /* of webhooks */
extern const struct field_set ledger_account_query;
extern const struct field_set ledger_transfer_query;
extern const struct field_set ledger_one_query; /* whose transfer */
extern const struct field_set ledger_balance_query;
extern const struct field_set ledger_statement_query;
extern const struct field_set ledger_export_query;
extern const struct field_set ledger_export_fields;
extern const struct field_set no_query;

/* Every table of a body, for the document: a table names only tables that stand in it too. */
extern const struct field_set *const field_sets[];
extern const size_t field_set_count;

enum {
    TABLES_REFERENCE_MAX = 255,
    TABLES_METADATA_MAX = 50,
    TABLES_REASON_MAX = 1000, /* of a decision, in bytes */
    TABLES_EVIDENCE_MAX = 4000,
    TABLES_EVENT_TYPE_MAX = 32,  /* patterns of one webhook endpoint */
    TABLES_ROW_MAX = 15000,      /* payouts in one batch */
    TABLES_CLIENT_KEY_SIZE = 44, /* a SHA-256 in base64 */
    TABLES_ACCOUNT_LIST_MAX = 200,
    TABLES_LIST_LIMIT = 10, /* payments in a list when nothing is asked */
    TABLES_LIST_LIMIT_MAX = 100,
    TABLES_EXPIRES_DAYS_MAX = 3650,
    TABLES_GRACE_HOURS = 24, /* that a rotated key stays valid */
    TABLES_GRACE_HOURS_MAX = 720,
};

#endif

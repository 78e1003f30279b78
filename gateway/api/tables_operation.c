/* The field tables of captures, voids and refunds. */
#include "api/tables.h"

#include "base/money.h"

static const char *const operation_statuses[] = {"processing", "succeeded", "declined", "failed",
                                                 "canceled",   "review",    NULL};

#define AMOUNT_HINT                                                                                \
    "must be a whole number of minor units, from 1 to 999999999999999; left out: all that is left"
#define SET(table) .fields = table, .count = ARRAY_LEN(table)

/* clang-format off */
#define COMMON                                                                                                                    \
    {"reference", FIELD_STRING, .least = 1, .most = TABLES_REFERENCE_MAX, .example = "\"return-77\"",                             \
     .help = "Your own id of it. Unique among its kind: a second one is taken only when the one before did not succeed."},        \
    {"reason",    FIELD_STRING, .least = 1, .most = 255, .form = &form_text, .help = "Shown to the payer where the provider can."}, \
    {"metadata",  FIELD_MAP, .most = TABLES_METADATA_MAX, .item_most = 500, .form = &form_text, .name_most = 40, .help = "Your own names and values."}

static const struct field capture_table[] = {
    {"amount",    FIELD_INTEGER, .least = 1, .most = MONEY_AMOUNT_MAX, .problem = MESSAGE_INVALID_AMOUNT, .hint = AMOUNT_HINT,
     .example = "600", .help = "In minor units of the payment's currency; left out: all that is left. Several captures may follow each other."},
    {"final",     FIELD_BOOL, .help = "The last capture: what is held beyond it is let go with it."},
    COMMON,
};
const struct field_set capture_fields = {"CaptureRequest", "How much of what is held is charged.", SET(capture_table), .is_optional = true};

static const struct field void_table[] = {
    COMMON,
};
const struct field_set void_fields = {"VoidRequest", "What is held, and not yet captured, is let go.", SET(void_table), .is_optional = true};

static const struct field reauthorize_table[] = {
    {"amount",    FIELD_INTEGER, .least = 1, .most = MONEY_AMOUNT_MAX, .problem = MESSAGE_INVALID_AMOUNT, .hint = AMOUNT_HINT,
     .example = "600", .help = "In minor units of the payment's currency, at most what is held; what is held beyond it is let go. Left out: all that is held."},
    COMMON,
};
const struct field_set reauthorize_fields = {"ReauthorizeRequest", "What is held goes on being held, by another authorization.", SET(reauthorize_table), .is_optional = true};

static const struct field refund_table[] = {
    {"amount",    FIELD_INTEGER, .least = 1, .most = MONEY_AMOUNT_MAX, .problem = MESSAGE_INVALID_AMOUNT, .hint = AMOUNT_HINT,
     .example = "250", .help = "In minor units of the payment's currency; left out: all that is left. Several refunds may follow each other."},
    {"capture",   FIELD_STRING, .least = 30, .most = 30, .form = &form_capture_id, .help = "Of this capture; left out: of the one with room for it that has least left."},
    COMMON,
};
const struct field_set refund_fields = {"RefundRequest", "How much is given back.", SET(refund_table), .is_optional = true};

static const struct field operation_query_table[] = {
    OF_MERCHANT,
    {"status", FIELD_STRING, .words = operation_statuses},
};
const struct field_set operation_query = {"OperationQuery", "", SET(operation_query_table)};
/* clang-format on */

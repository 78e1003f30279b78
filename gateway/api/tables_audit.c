/* What is asked of the audit log. */
#include "api/tables.h"

#include "base/id.h"

#define SET(table) .fields = table, .count = ARRAY_LEN(table)

static const char *const outcomes[] = {"done", "refused", "failed", "unknown", NULL};

/* clang-format off */
static bool is_audit_id(struct str text)
{
    struct uuid ignored_id;
    struct error ignored;
    return id_parse(ID_AUDIT, text, &ignored_id, &ignored);
}

static const struct field_form form_audit_id = {"audit_id", is_audit_id, "^aud_[0-9A-Za-z]{26}$", "must be the id of an entry of the audit log (aud_...)"};

static const struct field audit_query_table[] = {
    {"merchant",       FIELD_STRING, .least = 30, .most = 30, .form = &form_merchant_id, .help = "For operators: of this merchant alone."},
    {"limit",          FIELD_INTEGER, .least = 1, .most = TABLES_LIST_LIMIT_MAX, .help = "Entries in one page; 10 unless told."},
    {"starting_after", FIELD_STRING, .least = 30, .most = 30, .form = &form_audit_id, .help = "The last id of the page before."},
    {"created_from",   FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; inclusive."},
    {"created_to",     FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; exclusive."},
    {"actor",          FIELD_STRING, .least = 1, .most = 64, .form = &form_text, .help = "A key (`key_...`), or `cli:` and a name."},
    {"action",         FIELD_STRING, .least = 1, .most = 64, .form = &form_text, .help = "An operationId of this document, or a command: `merchants create`."},
    {"subject",        FIELD_STRING, .least = 1, .most = 64, .form = &form_text, .help = "The id of what was acted on, or of what came of it."},
    {"outcome",        FIELD_STRING, .words = outcomes},
};
const struct field_set audit_query_fields = {"AuditQuery", "", SET(audit_query_table)};
/* clang-format on */

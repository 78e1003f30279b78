#include "base/message.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"

/* clang-format off */
static const struct message_entry entries[] = {
    [MESSAGE_NONE]                   = {"none",                   200, "No error", false},
    [MESSAGE_MALFORMED_REQUEST]      = {"malformed_request",      400, "The request is not well-formed", false},
    [MESSAGE_MALFORMED_JSON]         = {"malformed_json",         400, "The body is not well-formed JSON", false},
    [MESSAGE_MALFORMED_CSV]          = {"malformed_csv",          400, "The body is not well-formed CSV", false},
    [MESSAGE_KEY_MISSING]            = {"idempotency_key_missing", 400, "This request needs an Idempotency-Key header", false},
    [MESSAGE_KEY_MALFORMED]          = {"idempotency_key_malformed", 400, "The Idempotency-Key is not well-formed", false},
    [MESSAGE_CURSOR_MALFORMED]       = {"cursor_malformed",       400, "The query is not well-formed", false},
    [MESSAGE_UNAUTHENTICATED]        = {"unauthenticated",        401, "No valid API key was given", false},
    [MESSAGE_FORBIDDEN]              = {"forbidden",              403, "This key may not do this", false},
    [MESSAGE_OWN_APPROVAL]           = {"approval_needs_another_key", 403, "Another API key than the one that asked must approve", false},
    [MESSAGE_NOT_FOUND]              = {"not_found",              404, "There is no such object", false},
    [MESSAGE_METHOD_NOT_ALLOWED]     = {"method_not_allowed",     405, "This address does not take this method", false},
    [MESSAGE_KEY_IN_USE]             = {"idempotency_key_in_use", 409, "The first request under this key is still running", true},
    [MESSAGE_REFERENCE_TAKEN]        = {"reference_taken",        409, "A payment or payout with this reference exists", false},
    [MESSAGE_CONFLICT]               = {"conflict",               409, "The object is in a state that forbids this", false},
    [MESSAGE_ARCHIVED]               = {"payment_archived",       409, "The payment is archived: its operator can restore it", false},
    [MESSAGE_OVER_LIMIT]             = {"amount_exceeds_remaining", 409, "The payment has not so much left", false},
    [MESSAGE_SPANS_CAPTURES]         = {"refund_spans_captures",  409, "No single capture has so much left", false},
    [MESSAGE_UNSUPPORTED_MEDIA_TYPE] = {"unsupported_media_type", 415, "The body is of a type that is not taken here", false},
    [MESSAGE_KEY_REUSED]             = {"idempotency_key_reused", 422, "This key was used with another request", false},
    [MESSAGE_RETRY_FORBIDDEN]        = {"retry_forbidden",        422, "This payment method must not be tried again now", false},
    [MESSAGE_UNKNOWN_MEMBER]         = {"unknown_member",         422, "The body has a member that is not known", false},
    [MESSAGE_MISSING_MEMBER]         = {"missing_member",         422, "The body lacks a member that is needed", false},
    [MESSAGE_INVALID_MEMBER]         = {"invalid_member",         422, "A member of the body is not valid", false},
    [MESSAGE_INVALID_AMOUNT]         = {"invalid_amount",         422, "The amount is not valid", false},
    [MESSAGE_UNKNOWN_CURRENCY]       = {"unknown_currency",       422, "The currency is not known", false},
    [MESSAGE_UNKNOWN_PROVIDER]       = {"unknown_provider",       422, "The provider is not known", false},
    [MESSAGE_INVALID_ROWS]           = {"invalid_rows",           422, "Rows of the batch are not valid; nothing was done", false},
    [MESSAGE_CARD_DATA]              = {"card_data",              422, "Card data must not be sent here; send provider tokens", false},
    [MESSAGE_INVALID_RULES]          = {"invalid_rules",          422, "The rule set has errors", false},
    [MESSAGE_RULE_DECLINED]          = {"rule_declined",          422, "A routing rule of yours declines this", false},
    [MESSAGE_NO_ROUTE]               = {"no_route",               422, "No provider account can take this", false},
    [MESSAGE_RATE_LIMITED]           = {"rate_limited",           429, "Too many requests", true},
    [MESSAGE_INTERNAL]               = {"internal",               500, "The gateway failed", true},
    [MESSAGE_OUTCOME_PENDING]        = {"outcome_pending",        503, "The outcome is not yet recorded; repeat under the same key", true},
    [MESSAGE_UNAVAILABLE]            = {"unavailable",            503, "The ledger is away; this request did nothing; repeat it under the same key", true},
    [MESSAGE_OVERLOADED]             = {"overloaded",             503, "The gateway is busy; this request did nothing; repeat it under the same key", true},
    [MESSAGE_NO_HEALTHY_PROVIDER]    = {"no_healthy_provider",    503, "Every suitable provider is out of order; nothing was done", true},
};
/* clang-format on */

const struct message_entry *message_entry(enum message message)
{
    CHECK((size_t)message < ARRAY_LEN(entries));
    return &entries[message];
}

struct str message_type(struct str code, char out[MESSAGE_TYPE_SIZE])
{
    static const char prefix[] = "https://turnpike.dev/errors/";
    size_t len = sizeof(prefix) - 1;
    memcpy(out, prefix, len);
    for (size_t i = 0; i < code.len && len + 1 < MESSAGE_TYPE_SIZE; i++) {
        out[len++] = (char)(code.at[i] == '_' ? '-' : code.at[i]);
    }
    return (struct str){out, len};
}

static void put_optional(struct json_out *out, const char *key, struct str value)
{
    if (!str_is_empty(value)) {
        json_put_str(out, key, value);
    }
}

void message_print(enum message message, struct str detail, struct str param, struct str payment_id,
                   struct str request_id, struct buf *out)
{
    const struct message_entry *entry = message_entry(message);
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    char type[MESSAGE_TYPE_SIZE];
    json_put_str(&json, "type", message_type(str_of(entry->code), type));
    json_put_cstr(&json, "title", entry->title);
    json_put_int(&json, "status", entry->status);
    put_optional(&json, "detail", detail);
    json_put_cstr(&json, "code", entry->code);
    put_optional(&json, "param", param);
    json_put_bool(&json, "retryable", entry->retryable);
    put_optional(&json, "payment_id", payment_id);
    put_optional(&json, "request_id", request_id);
    json_end_object(&json);
}

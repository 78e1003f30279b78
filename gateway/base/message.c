#include "base/message.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"

/* clang-format off */
static const struct message_entry entries[] = {
    [MESSAGE_NONE]                   = {"none",                   200, "No error", false, EFFECT_NONE, ""},
    [MESSAGE_MALFORMED_REQUEST]      = {"malformed_request",      400, "The request is not well-formed", false, EFFECT_NONE, "Mend the request as the detail says; an HTTP library builds well-formed ones."},
    [MESSAGE_MALFORMED_JSON]         = {"malformed_json",         400, "The body is not well-formed JSON", false, EFFECT_NONE, "Send one JSON object in UTF-8; the detail says where reading ended."},
    [MESSAGE_MALFORMED_CSV]          = {"malformed_csv",          400, "The body is not well-formed CSV", false, EFFECT_NONE, "Mend the line that the detail names: RFC 4180, UTF-8, the first line names the columns."},
    [MESSAGE_KEY_MISSING]            = {"idempotency_key_missing", 400, "This request needs an Idempotency-Key header", false, EFFECT_NONE, "Send an Idempotency-Key, a new one for each payment, and keep it for repeats."},
    [MESSAGE_KEY_MALFORMED]          = {"idempotency_key_malformed", 400, "The Idempotency-Key is not well-formed", false, EFFECT_NONE, "Send 1 to 255 visible ASCII characters as the key, such as a UUID."},
    [MESSAGE_CURSOR_MALFORMED]       = {"cursor_malformed",       400, "The query is not well-formed", false, EFFECT_NONE, "Take the query from the API reference, and cursors from the answer before."},
    [MESSAGE_UNAUTHENTICATED]        = {"unauthenticated",        401, "No valid API key was given", false, EFFECT_NONE, "Send Authorization: Bearer with a key that is not disabled."},
    [MESSAGE_FORBIDDEN]              = {"forbidden",              403, "This key may not do this", false, EFFECT_NONE, "Use a key whose role may do this; the API reference names the roles."},
    [MESSAGE_OWN_APPROVAL]           = {"approval_needs_another_key", 403, "Another API key than the one that asked must approve", false, EFFECT_NONE, "Let another person approve, with a key of their own."},
    [MESSAGE_NOT_FOUND]              = {"not_found",              404, "There is no such object", false, EFFECT_NONE, "Check the id, and that the key is of the same merchant and mode, test or live."},
    [MESSAGE_METHOD_NOT_ALLOWED]     = {"method_not_allowed",     405, "This address does not take this method", false, EFFECT_NONE, "Use a method that the header Allow names."},
    [MESSAGE_KEY_IN_USE]             = {"idempotency_key_in_use", 409, "The first request under this key is still running", true, EFFECT_UNKNOWN, "Wait for Retry-After and send the same request under the same key: it gets the answer of the first."},
    [MESSAGE_REFERENCE_TAKEN]        = {"reference_taken",        409, "A payment or payout with this reference exists", false, EFFECT_NONE, "Read the payment that payment_id names, or use another reference for another payment."},
    [MESSAGE_CONFLICT]               = {"conflict",               409, "The object is in a state that forbids this", false, EFFECT_NONE, "Read the object again, and act on the state that it is in."},
    [MESSAGE_ARCHIVED]               = {"payment_archived",       409, "The payment is archived: its operator can restore it", false, EFFECT_NONE, "Let its operator restore it: turnpike archive --restore."},
    [MESSAGE_OVER_LIMIT]             = {"amount_exceeds_remaining", 409, "The payment has not so much left", false, EFFECT_NONE, "Read the payment, and ask for at most what is left of it."},
    [MESSAGE_SPANS_CAPTURES]         = {"refund_spans_captures",  409, "No single capture has so much left", false, EFFECT_NONE, "Refund each capture by itself, at most what is left of it."},
    [MESSAGE_UNSUPPORTED_MEDIA_TYPE] = {"unsupported_media_type", 415, "The body is of a type that is not taken here", false, EFFECT_NONE, "Send the body with Content-Type: application/json."},
    [MESSAGE_KEY_REUSED]             = {"idempotency_key_reused", 422, "This key was used with another request", false, EFFECT_NONE, "Use a new key for another request; a repeat must have the same body."},
    [MESSAGE_RETRY_FORBIDDEN]        = {"retry_forbidden",        422, "This payment method must not be tried again now", false, EFFECT_NONE, "Ask the payer for another payment method, or wait as the detail says."},
    [MESSAGE_UNKNOWN_MEMBER]         = {"unknown_member",         422, "The body has a member that is not known", false, EFFECT_NONE, "Remove or rename the member that param names."},
    [MESSAGE_MISSING_MEMBER]         = {"missing_member",         422, "The body lacks a member that is needed", false, EFFECT_NONE, "Add the member that param names."},
    [MESSAGE_INVALID_MEMBER]         = {"invalid_member",         422, "A member of the body is not valid", false, EFFECT_NONE, "Mend the member that param names as the detail says."},
    [MESSAGE_INVALID_AMOUNT]         = {"invalid_amount",         422, "The amount is not valid", false, EFFECT_NONE, "Send a whole number of minor units: 10.99 EUR is 1099."},
    [MESSAGE_UNKNOWN_CURRENCY]       = {"unknown_currency",       422, "The currency is not known", false, EFFECT_NONE, "Send a code of ISO 4217 that GET /v1/currencies lists."},
    [MESSAGE_UNKNOWN_PROVIDER]       = {"unknown_provider",       422, "The provider is not known", false, EFFECT_NONE, "Send the name of a provider that GET /v1/providers lists."},
    [MESSAGE_INVALID_ROWS]           = {"invalid_rows",           422, "Rows of the batch are not valid; nothing was done", false, EFFECT_NONE, "Mend the rows that errors names, and send the batch again."},
    [MESSAGE_CARD_DATA]              = {"card_data",              422, "Card data must not be sent here; send provider tokens", false, EFFECT_NONE, "Send a token of the provider instead, and keep card numbers out of your systems and logs."},
    [MESSAGE_INVALID_RULES]          = {"invalid_rules",          422, "The rule set has errors", false, EFFECT_NONE, "Mend what findings names; POST /v1/rules/check tells it beforehand."},
    [MESSAGE_RULE_DECLINED]          = {"rule_declined",          422, "A routing rule of yours declines this", false, EFFECT_NONE, "Do not repeat it: a rule of the merchant declines it; POST /v1/routing/explain says which."},
    [MESSAGE_NO_ROUTE]               = {"no_route",               422, "No provider account can take this", false, EFFECT_NONE, "Ask POST /v1/routing/explain why each account is left out, then change the request or the accounts."},
    [MESSAGE_RATE_LIMITED]           = {"rate_limited",           429, "Too many requests", true, EFFECT_NONE, "Wait for Retry-After and send the same request under the same key."},
    [MESSAGE_INTERNAL]               = {"internal",               500, "The gateway failed", true, EFFECT_UNKNOWN, "Send the same request under the same key; if it fails again, tell support its request_id."},
    [MESSAGE_OUTCOME_PENDING]        = {"outcome_pending",        503, "The outcome is not yet recorded; repeat under the same key", true, EFFECT_UNKNOWN, "Send the same request under the same key until it is answered, and never under a new one."},
    [MESSAGE_UNAVAILABLE]            = {"unavailable",            503, "The ledger is away; this request did nothing; repeat it under the same key", true, EFFECT_NONE, "Wait for Retry-After and send the same request under the same key."},
    [MESSAGE_OVERLOADED]             = {"overloaded",             503, "The gateway is busy; this request did nothing; repeat it under the same key", true, EFFECT_NONE, "Wait for Retry-After and send the same request under the same key."},
    [MESSAGE_NO_HEALTHY_PROVIDER]    = {"no_healthy_provider",    503, "Every suitable provider is out of order; nothing was done", true, EFFECT_NONE, "Wait for Retry-After and send the same request under the same key; GET /v1/providers shows who is back."},
};
/* clang-format on */

const struct message_entry *message_entry(enum message message)
{
    CHECK((size_t)message < ARRAY_LEN(entries));
    return &entries[message];
}

struct str message_type(struct str code, char out[MESSAGE_TYPE_SIZE])
{
    static const char prefix[] = MESSAGE_PAGES "/";
    size_t len = sizeof(prefix) - 1;
    memcpy(out, prefix, len);
    for (size_t i = 0; i < code.len && len + 1 < MESSAGE_TYPE_SIZE; i++) {
        out[len++] = code.at[i];
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
    json_put_cstr(&json, "next_step", entry->next_step);
    put_optional(&json, "payment_id", payment_id);
    put_optional(&json, "request_id", request_id);
    json_end_object(&json);
}

/* What Payoneer Checkout's objects look like. */
#include "providers/sandbox/payoneer.h"

#include <stdio.h>

#include "base/clock.h"

enum {
    SHORT_ID_SIZE = 16,
};

/* clang-format off */
struct status_words {
    const char *code;
    const char *reason;
};

static const struct status_words charge_words[BOOK_STATE_COUNT] = {
    [BOOK_PENDING]            = {"pending",  "charge_requested"},
    [BOOK_DECLINED]           = {"declined", "debit_declined"},
    [BOOK_COMPLETED]          = {"charged",  "debited"},
    [BOOK_PARTIALLY_REFUNDED] = {"charged",  "debited"},
    [BOOK_REFUNDED]           = {"charged",  "debited"},
};

static const struct status_words hold_words[BOOK_STATE_COUNT] = {
    [BOOK_PENDING]            = {"pending",       "preauthorization_requested"},
    [BOOK_DECLINED]           = {"declined",      "preauthorization_declined"},
    [BOOK_HELD]               = {"preauthorized", "preauthorized"},
    [BOOK_PARTIALLY_CAPTURED] = {"preauthorized", "debited_partial"},
    [BOOK_CAPTURED]           = {"depleated",     "preauthorization_depleted"},
    [BOOK_VOIDED]             = {"canceled",      "preauthorization_canceled"},
};

/* By the entry's code, which is the interaction's reason. */
static const struct {
    struct str reason;
    const char *interaction;
    const char *name; /* returnCode */
    const char *source;
    const char *result_code;
    const char *info;
} reasons[] = {
    {STR_INIT("OK"),                    "PROCEED",           "OK",                    "GATEWAY",     "00000.11.000", "Approved"},
    {STR_INIT("PENDING"),               "PROCEED",           "PENDING",               "PSP",         "00000.12.000", "Accepted, the result follows"},
    {STR_INIT("STRONG_AUTHENTICATION"), "PROCEED",           "STRONG_AUTHENTICATION", "PSP",         "00000.13.000", "The payer must authenticate"},
    {STR_INIT("DECLINED"),              "TRY_OTHER_ACCOUNT", "NON_SUFFICIENT_FUNDS",  "INSTITUTION", "00000.20.000", "Declined: insufficient funds"},
    {STR_INIT("EXPIRED"),               "ABORT",             "EXPIRED",               "GATEWAY",     "00000.22.000", "The payer did not authenticate in time"},
    {STR_INIT("FRAUD"),                 "ABORT",             "FRAUD",                 "INSTITUTION", "00000.21.000", "Declined: suspected fraud"},
};

static const struct {
    const char *code;
    const char *label;
    const char *method;
} networks[] = {
    {"VISA",       "Visa",       "CREDIT_CARD"},
    {"MASTERCARD", "Mastercard", "CREDIT_CARD"},
    {"AMEX",       "American Express", "CREDIT_CARD"},
    {"PAYPAL",     "PayPal",     "WALLET"},
};
/* clang-format on */

static void put_pair(struct json_out *out, const char *member, const char *first, const char *a,
                     const char *second, const char *b)
{
    json_key(out, member);
    json_begin_object(out);
    json_put_cstr(out, first, a);
    json_put_cstr(out, second, b);
    json_end_object(out);
}

/* "2021-04-14T09:16:46.796+0000" */
static void put_timestamp(struct json_out *out, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    char stamp[CLOCK_TEXT_SIZE + 8];
    struct str iso = clock_format_ms(at_us, text);
    (void)snprintf(stamp, sizeof(stamp), STR_FMT "+0000", STR_ARG(str_sub(iso, 0, iso.len - 1)));
    json_put_cstr(out, "timestamp", stamp);
}

static void make_short_id(struct str long_id, char out[SHORT_ID_SIZE])
{
    uint32_t sum = 2166136261U;
    for (size_t i = 0; i < long_id.len; i++) {
        sum = (sum ^ (uint8_t)long_id.at[i]) * 16777619U;
    }
    (void)snprintf(out, SHORT_ID_SIZE, "%05u-%05u", (unsigned)(sum >> 16),
                   (unsigned)(sum & 0xffff));
}

static void put_identification(struct json_out *out, struct str long_id, struct str transaction_id)
{
    char short_id[SHORT_ID_SIZE];
    make_short_id(long_id, short_id);
    json_key(out, "identification");
    json_begin_object(out);
    json_put_str(out, "longId", long_id);
    json_put_cstr(out, "shortId", short_id);
    json_put_str(out, "transactionId", transaction_id);
    json_end_object(out);
}

static void put_money(struct json_out *out, const char *member, int64_t minor,
                      const struct currency *currency, struct str reference, struct str invoice)
{
    char text[MONEY_TEXT_SIZE];
    json_key(out, member);
    json_begin_object(out);
    json_put_raw(out, "amount", money_format(minor, currency->exponent, text));
    json_put_cstr(out, "currency", currency->code);
    if (reference.len > 0) {
        json_put_str(out, "reference", reference);
    }
    if (invoice.len > 0) {
        json_put_str(out, "invoiceId", invoice);
    }
    json_end_object(out);
}

static void begin(struct call *call, struct json_out *out)
{
    call->status = 200;
    call->content_type = STR(PAYONEER_MEDIA_TYPE);
    buf_clear(call->body);
    json_out_init(out, call->body);
    json_begin_object(out);
}

static void put_link(struct call *call, struct json_out *out, const char *name,
                     const char *collection, struct str id, const char *action)
{
    json_put_str(out, name,
                 arena_printf(call->arena, STR_FMT "%s" STR_FMT "%s", STR_ARG(call->origin),
                              collection, STR_ARG(id), action));
}

static void put_networks(struct call *call, struct json_out *out, const struct book_session *list)
{
    char link[256];
    json_key(out, "networks");
    json_begin_object(out);
    json_key(out, "applicable");
    json_begin_array(out);
    for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
        json_begin_object(out);
        json_put_cstr(out, "code", networks[i].code);
        json_put_cstr(out, "label", networks[i].label);
        json_put_cstr(out, "method", networks[i].method);
        json_put_cstr(out, "grouping", networks[i].method);
        json_put_cstr(out, "registration", "OPTIONAL");
        json_put_cstr(out, "recurrence", "NONE");
        json_put_bool(out, "redirect", false);
        json_put_cstr(out, "operationType", list->payout ? "PAYOUT" : "CHARGE");
        (void)snprintf(link, sizeof(link), STR_FMT "/api/lists/" STR_FMT "/%s/%s",
                       STR_ARG(call->origin), STR_ARG(list->id), networks[i].code,
                       list->payout ? "payout" : "charge");
        json_key(out, "links");
        json_begin_object(out);
        json_put_cstr(out, "operation", link);
        json_end_object(out);
        json_end_object(out);
    }
    json_end_array(out);
    json_end_object(out);
}

void payoneer_print_list(struct call *call, const struct book_session *list)
{
    const struct book_unit *unit = &list->units[0];
    const char *reason = list->state == SESSION_COMPLETED  ? "list_used"
                         : list->state == SESSION_CANCELED ? "list_canceled"
                                                           : "listed";
    struct json_out out;
    begin(call, &out);
    json_key(&out, "links");
    json_begin_object(&out);
    put_link(call, &out, "self", "/pci/v1/", list->id, "");
    if (list->used_by.len > 0) {
        put_link(call, &out, list->payout ? "payout" : "charge",
                 list->payout ? "/api/payouts/" : "/api/charges/", list->used_by, "");
    }
    json_end_object(&out);
    put_timestamp(&out, list->updated_us);
    json_put_cstr(&out, "operation", "LIST");
    json_put_cstr(&out, "resultCode", "00000.11.000");
    json_put_cstr(&out, "resultInfo", "4 applicable and 0 registered networks are found");
    put_pair(&out, "returnCode", "name", "OK", "source", "GATEWAY");
    put_pair(&out, "status", "code", "listed", "reason", reason);
    put_pair(&out, "interaction", "code", "PROCEED", "reason", "OK");
    put_identification(&out, list->id, unit->custom_id);
    put_money(&out, "payment", unit->amount_minor, unit->currency, list->reference,
              unit->invoice_id);
    if (str_eq(list->integration, STR("HOSTED"))) {
        json_key(&out, "redirect");
        json_begin_object(&out);
        put_link(call, &out, "url", "/pci/v1/", list->id, "/hosted");
        json_put_cstr(&out, "method", "GET");
        json_put_cstr(&out, "type", "PROVIDER");
        json_end_object(&out);
    }
    if (list->state == SESSION_CREATED) {
        put_networks(call, &out, list);
    }
    json_end_object(&out);
}

static struct status_words words_of(const struct book_entry *entry)
{
    if (entry->state == BOOK_DECLINED && str_eq(entry->code, STR("EXPIRED"))) {
        return (struct status_words){"expired", "expired"};
    }
    switch ((enum book_kind)entry->kind) {
    case BOOK_CHARGE:
        if (entry->state == BOOK_COMPLETED && entry->parent.len > 0) {
            return (struct status_words){"charged", "closed"};
        }
        return charge_words[entry->state];
    case BOOK_HOLD:
        return hold_words[entry->state];
    case BOOK_VOID:
        return (struct status_words){"canceled", "preauthorization_canceled"};
    case BOOK_REFUND:
        return (struct status_words){"paid_out", "refund_credited"};
    case BOOK_PAYOUT:
        return entry->state == BOOK_DECLINED  ? (struct status_words){"declined", "credit_declined"}
               : entry->state == BOOK_PENDING ? (struct status_words){"pending", "credit_requested"}
                                              : (struct status_words){"paid_out", "paid_out"};
    case BOOK_NONE:
    case BOOK_KIND_COUNT:
        break;
    }
    return (struct status_words){"failed", "debit_failed"};
}

static void put_charge_links(struct call *call, struct json_out *out,
                             const struct book_entry *entry)
{
    bool pays = entry->kind == BOOK_REFUND || entry->kind == BOOK_PAYOUT;
    bool open_hold = entry->kind == BOOK_HOLD &&
                     (entry->state == BOOK_HELD || entry->state == BOOK_PARTIALLY_CAPTURED);
    bool refundable = entry->kind == BOOK_CHARGE &&
                      (entry->state == BOOK_COMPLETED || entry->state == BOOK_PARTIALLY_REFUNDED);
    json_key(out, "links");
    json_begin_object(out);
    put_link(call, out, "self", pays ? "/api/payouts/" : "/api/charges/", entry->id, "");
    if (open_hold) {
        put_link(call, out, "closing", "/api/charges/", entry->id, "/closing");
    }
    if (open_hold || refundable) {
        put_link(call, out, "payout", "/api/charges/", entry->id, "/payout");
    }
    json_end_object(out);
}

static const char *operation_word(const struct book_entry *entry)
{
    bool pays = entry->kind == BOOK_REFUND || entry->kind == BOOK_PAYOUT;
    return pays                                                  ? "PAYOUT"
           : entry->kind == BOOK_VOID                            ? "CANCELATION"
           : entry->kind == BOOK_CHARGE && entry->parent.len > 0 ? "CLOSING"
                                                                 : "CHARGE";
}

static size_t find_reason(const struct book_entry *entry)
{
    size_t at = 0;
    for (size_t i = 1; i < ARRAY_LEN(reasons); i++) {
        at = str_eq(reasons[i].reason, entry->code) ? i : at;
    }
    return at;
}

void payoneer_print_charge(struct call *call, const struct book_entry *entry)
{
    struct status_words words = words_of(entry);
    struct json_out out;
    size_t at = find_reason(entry);
    begin(call, &out);
    put_charge_links(call, &out, entry);
    put_timestamp(&out, entry->updated_us);
    json_put_cstr(&out, "operation", operation_word(entry));
    json_put_cstr(&out, "resultCode", reasons[at].result_code);
    json_put_cstr(&out, "resultInfo", reasons[at].info);
    put_pair(&out, "returnCode", "name", reasons[at].name, "source", reasons[at].source);
    put_pair(&out, "status", "code", words.code, "reason", words.reason);
    put_pair(&out, "interaction", "code", reasons[at].interaction, "reason", reasons[at].reason.at);
    put_identification(&out, entry->id, entry->reference);
    if (entry->state != BOOK_DECLINED && entry->state != BOOK_PENDING) {
        put_money(&out, "clearing", entry->amount_minor, entry->currency, STR_NONE, STR_NONE);
    }
    put_money(&out, "payment", entry->amount_minor, entry->currency, STR_NONE, entry->invoice);
    if (str_eq(entry->code, STR("STRONG_AUTHENTICATION"))) {
        json_key(&out, "redirect");
        json_begin_object(&out);
        put_link(call, &out, "url", "/pci/v1/", entry->id, "/authenticate");
        json_put_cstr(&out, "method", "GET");
        json_put_cstr(&out, "type", "PROVIDER");
        json_end_object(&out);
    }
    json_end_object(&out);
}

/* ---- notifications --------------------------------------------------------------------------- */

struct str payoneer_notification_name(const struct book_entry *entry, struct arena *arena)
{
    struct status_words words = words_of(entry);
    return arena_printf(arena, "%s.%s", words.code, words.reason);
}

void payoneer_print_notification(const struct call *call, const struct book_entry *entry,
                                 struct str id, struct buf *out)
{
    struct status_words words = words_of(entry);
    const struct book_session *list = books_find_session(call->books, entry->session);
    char text[MONEY_TEXT_SIZE];
    char short_id[SHORT_ID_SIZE];
    struct json_out json;
    size_t at = find_reason(entry);
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_cstr(&json, "entity", "payment");
    json_put_str(&json, "notificationId", id);
    json_put_str(&json, "transactionId", entry->reference);
    json_put_str(&json, "longId", entry->id);
    make_short_id(entry->id, short_id);
    json_put_cstr(&json, "shortId", short_id);
    put_timestamp(&json, entry->updated_us);
    json_put_cstr(&json, "network", networks[0].code);
    json_put_str(&json, "amount",
                 money_format(entry->amount_minor, entry->currency->exponent, text));
    json_put_cstr(&json, "currency", entry->currency->code);
    json_put_str(&json, "reference", list ? list->reference : STR_NONE);
    json_put_cstr(&json, "statusCode", words.code);
    json_put_cstr(&json, "reasonCode", words.reason);
    json_put_cstr(&json, "resultCode", reasons[at].result_code);
    json_put_cstr(&json, "resultInfo", reasons[at].info);
    json_put_cstr(&json, "returnCode", reasons[at].name);
    json_put_cstr(&json, "interactionCode", reasons[at].interaction);
    json_put_cstr(&json, "interactionReason", reasons[at].reason.at);
    json_end_object(&json);
}

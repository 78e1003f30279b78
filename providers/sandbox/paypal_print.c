/* What PayPal's orders, authorizations, captures and refunds look like. */
#include "providers/sandbox/paypal.h"

#include <stdio.h>

#include "base/clock.h"

enum {
    HOLD_LIFE_S = 29 * 86400,
};

#define ORDERS   "/v2/checkout/orders/"
#define HOLDS    "/v2/payments/authorizations/"
#define CAPTURES "/v2/payments/captures/"
#define REFUNDS  "/v2/payments/refunds/"

/* clang-format off */
static const char *const order_status[SESSION_STATE_COUNT] = {
    [SESSION_CREATED]      = "CREATED",
    [SESSION_PAYER_ACTION] = "PAYER_ACTION_REQUIRED",
    [SESSION_APPROVED]     = "APPROVED",
    [SESSION_COMPLETED]    = "COMPLETED",
    [SESSION_CANCELED]     = "VOIDED",
};

static const char *const entry_status[BOOK_STATE_COUNT] = {
    [BOOK_PENDING]            = "PENDING",
    [BOOK_DECLINED]           = "DECLINED",
    [BOOK_COMPLETED]          = "COMPLETED",
    [BOOK_PARTIALLY_REFUNDED] = "PARTIALLY_REFUNDED",
    [BOOK_REFUNDED]           = "REFUNDED",
    [BOOK_HELD]               = "CREATED",
    [BOOK_PARTIALLY_CAPTURED] = "PARTIALLY_CAPTURED",
    [BOOK_CAPTURED]           = "CAPTURED",
    [BOOK_VOIDED]             = "VOIDED",
};

struct link_row {
    enum book_kind kind;
    const char *rel;
    const char *collection;
    const char *action;
    const char *method;
};

static const struct link_row entry_links[] = {
    {BOOK_CHARGE, "self",        CAPTURES, "",             "GET"},
    {BOOK_CHARGE, "refund",      CAPTURES, "/refund",      "POST"},
    {BOOK_HOLD,   "self",        HOLDS,    "",             "GET"},
    {BOOK_HOLD,   "capture",     HOLDS,    "/capture",     "POST"},
    {BOOK_HOLD,   "void",        HOLDS,    "/void",        "POST"},
    {BOOK_HOLD,   "reauthorize", HOLDS,    "/reauthorize", "POST"},
    {BOOK_REFUND, "self",        REFUNDS,  "",             "GET"},
};

static const struct {
    enum book_kind kind;
    const char *name;
} collections[] = {
    {BOOK_HOLD, "authorizations"}, {BOOK_CHARGE, "captures"}, {BOOK_REFUND, "refunds"},
};
/* clang-format on */

static void put_link(struct call *call, struct json_out *out, const struct link_row *row,
                     struct str id)
{
    json_begin_object(out);
    json_put_str(out, "href",
                 arena_printf(call->arena, STR_FMT "%s" STR_FMT "%s", STR_ARG(call->origin),
                              row->collection, STR_ARG(id), row->action));
    json_put_cstr(out, "rel", row->rel);
    json_put_cstr(out, "method", row->method);
    json_end_object(out);
}

/* PayPal's times have seconds. */
static void put_time(struct json_out *out, const char *name, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    char cut[24];
    (void)snprintf(cut, sizeof(cut), STR_FMT "Z",
                   STR_ARG(str_sub(clock_format_ms(at_us, text), 0, 19)));
    json_put_cstr(out, name, cut);
}

static void put_money(struct json_out *out, const char *name, int64_t minor,
                      const struct currency *currency)
{
    char text[MONEY_TEXT_SIZE];
    json_key(out, name);
    json_begin_object(out);
    json_put_cstr(out, "currency_code", currency->code);
    json_put_str(out, "value", paypal_value(minor, currency, text));
    json_end_object(out);
}

static void put_optional(struct json_out *out, const char *name, struct str value)
{
    if (value.len > 0) {
        json_put_str(out, name, value);
    }
}

/* ---- payments -------------------------------------------------------------------------------- */

static void put_processor(struct json_out *out, const struct book_entry *entry)
{
    struct str advice = entry->code;
    struct str code = str_cut(&advice, '/');
    bool cvv_failed = str_eq(code, STR("00N7"));
    json_key(out, "processor_response");
    json_begin_object(out);
    json_put_cstr(out, "avs_code", "Y");
    json_put_cstr(out, "cvv_code", cvv_failed ? "N" : "M");
    json_put_str(out, "response_code", code);
    put_optional(out, "payment_advice_code", advice);
    json_end_object(out);
}

static void put_capture(struct json_out *out, const struct book_entry *entry)
{
    bool settled = entry->state == BOOK_COMPLETED || entry->state == BOOK_REFUNDED ||
                   entry->state == BOOK_PARTIALLY_REFUNDED;
    json_put_bool(out, "final_capture", entry->final);
    if (entry->state == BOOK_PENDING) {
        json_put_raw(out, "status_details", STR("{\"reason\":\"PENDING_REVIEW\"}"));
    }
    json_put_raw(out, "seller_protection", STR("{\"status\":\"NOT_ELIGIBLE\"}"));
    if (settled) {
        json_key(out, "seller_receivable_breakdown");
        json_begin_object(out);
        put_money(out, "gross_amount", entry->amount_minor, entry->currency);
        put_money(out, "paypal_fee", entry->fee_minor, entry->currency);
        put_money(out, "net_amount", entry->amount_minor - entry->fee_minor, entry->currency);
        json_end_object(out);
    }
    if (entry->code.len > 0) {
        put_processor(out, entry);
    }
}

static void put_hold(struct json_out *out, const struct book_entry *entry)
{
    if (entry->state == BOOK_PENDING) {
        json_put_raw(out, "status_details", STR("{\"reason\":\"PENDING_REVIEW\"}"));
    }
    json_put_raw(out, "seller_protection", STR("{\"status\":\"NOT_ELIGIBLE\"}"));
    put_time(out, "expiration_time", entry->created_us + HOLD_LIFE_S * INT64_C(1000000));
    if (entry->code.len > 0) {
        put_processor(out, entry);
    }
}

static void put_refund(struct call *call, struct json_out *out, const struct book_entry *entry)
{
    const struct book_entry *capture = books_find_entry(call->books, entry->parent);
    put_optional(out, "note_to_payer", entry->note);
    json_key(out, "seller_payable_breakdown");
    json_begin_object(out);
    put_money(out, "gross_amount", entry->amount_minor, entry->currency);
    put_money(out, "paypal_fee", 0, entry->currency); /* The fee is not given back. */
    put_money(out, "net_amount", entry->amount_minor, entry->currency);
    if (capture) {
        put_money(out, "total_refunded_amount", capture->refunded_minor, entry->currency);
    }
    json_end_object(out);
}

static void put_entry_links(struct call *call, struct json_out *out, const struct book_entry *entry)
{
    json_key(out, "links");
    json_begin_array(out);
    for (size_t i = 0; i < ARRAY_LEN(entry_links); i++) {
        const struct link_row *row = &entry_links[i];
        if ((int)row->kind == entry->kind) {
            put_link(call, out, row, entry->id);
        }
    }
    const struct link_row up = {
        .rel = "up",
        .collection = entry->kind == BOOK_REFUND ? CAPTURES
                      : entry->parent.len > 0    ? HOLDS
                                                 : ORDERS,
        .action = "",
        .method = "GET",
    };
    put_link(call, out, &up, entry->parent.len > 0 ? entry->parent : entry->session);
    json_end_array(out);
}

static const char *status_of(const struct book_entry *entry)
{
    return entry->kind == BOOK_HOLD && entry->state == BOOK_DECLINED ? "DENIED"
                                                                     : entry_status[entry->state];
}

/* Of captures and authorizations. */
static void put_related(struct json_out *out, const struct book_entry *entry)
{
    if (entry->kind == BOOK_REFUND || entry->session.len == 0) {
        return;
    }
    json_key(out, "supplementary_data");
    json_begin_object(out);
    json_key(out, "related_ids");
    json_begin_object(out);
    json_put_str(out, "order_id", entry->session);
    if (entry->kind == BOOK_CHARGE && entry->parent.len > 0) {
        json_put_str(out, "authorization_id", entry->parent);
    }
    json_end_object(out);
    json_end_object(out);
}

static void put_entry(struct call *call, struct json_out *out, const struct book_entry *entry,
                      bool all)
{
    json_begin_object(out);
    json_put_str(out, "id", entry->id);
    json_put_cstr(out, "status", status_of(entry));
    if (all) {
        put_money(out, "amount", entry->amount_minor, entry->currency);
        put_optional(out, "custom_id", entry->reference);
        put_optional(out, "invoice_id", entry->invoice);
        if (entry->kind == BOOK_CHARGE) {
            put_capture(out, entry);
        } else if (entry->kind == BOOK_HOLD) {
            put_hold(out, entry);
        } else {
            put_refund(call, out, entry);
        }
        put_related(out, entry);
        put_time(out, "create_time", entry->created_us);
        put_time(out, "update_time", entry->updated_us);
    }
    put_entry_links(call, out, entry);
    json_end_object(out);
}

void paypal_print_entry(struct call *call, int status, const struct book_entry *entry, bool all)
{
    struct json_out out;
    call->status = status;
    call->content_type = STR("application/json");
    buf_clear(call->body);
    json_out_init(&out, call->body);
    put_entry(call, &out, entry, all);
}

/* ---- orders ---------------------------------------------------------------------------------- */

static bool has_payments(const struct book_session *order, int kind, size_t unit)
{
    for (const struct book_entry *entry = order->first; entry; entry = entry->next_in_session) {
        if ((kind == BOOK_NONE ? entry->kind != BOOK_VOID : entry->kind == kind) &&
            entry->unit == (int64_t)unit) {
            return true;
        }
    }
    return false;
}

static void put_payments(struct call *call, struct json_out *out, const struct book_session *order,
                         size_t unit)
{
    json_begin_object(out);
    for (size_t i = 0; i < ARRAY_LEN(collections); i++) {
        if (!has_payments(order, (int)collections[i].kind, unit)) {
            continue;
        }
        json_key(out, collections[i].name);
        json_begin_array(out);
        for (const struct book_entry *entry = order->first; entry; entry = entry->next_in_session) {
            if (entry->kind == (int)collections[i].kind && entry->unit == (int64_t)unit) {
                put_entry(call, out, entry, true);
            }
        }
        json_end_array(out);
    }
    json_end_object(out);
}

static void put_units(struct call *call, struct json_out *out, const struct book_session *order,
                      bool whole)
{
    json_key(out, "purchase_units");
    json_begin_array(out);
    for (size_t i = 0; i < order->unit_count; i++) {
        const struct book_unit *unit = &order->units[i];
        if (whole) {
            json_raw(out, unit->json); /* lacks its '}' */
        } else {
            json_begin_object(out);
            json_put_str(out, "reference_id", unit->reference_id);
        }
        if (has_payments(order, BOOK_NONE, i)) {
            buf_add_str(out->buf, STR(",\"payments\":"));
            out->need_comma = false;
            put_payments(call, out, order, i);
        }
        buf_add_char(out->buf, '}');
        out->need_comma = true;
    }
    json_end_array(out);
}

static void put_source(struct json_out *out, const struct book_session *order)
{
    if (order->source == SOURCE_NONE) {
        return;
    }
    json_key(out, "payment_source");
    json_begin_object(out);
    json_key(out, order->source == SOURCE_CARD ? "card" : "paypal");
    json_begin_object(out);
    if (order->source == SOURCE_CARD) {
        put_optional(out, "name", order->name);
        put_optional(out, "last_digits", order->digits);
        put_optional(out, "expiry", order->expiry);
        put_optional(out, "brand", order->brand);
        json_put_cstr(out, "type", "CREDIT");
    } else {
        put_optional(out, "email_address", order->email);
        json_put_cstr(out, "account_id", "QYR5Z8XDVJNXQ");
        json_put_cstr(out, "account_status", "VERIFIED");
    }
    json_end_object(out);
    json_end_object(out);
}

/* Which links an order has in a state; `intent` 'C' or 'A': only for that intent. */
static const struct {
    enum session_state state; /* SESSION_NONE: any */
    char intent;
    struct link_row row;
} order_links[] = {
    /* clang-format off */
    {SESSION_NONE,         0,   {BOOK_NONE, "self",         ORDERS,               "",           "GET"}},
    {SESSION_CREATED,      0,   {BOOK_NONE, "approve",      "/checkoutnow?token=", "",          "GET"}},
    {SESSION_PAYER_ACTION, 0,   {BOOK_NONE, "payer-action", "/checkoutnow?token=", "",          "GET"}},
    {SESSION_CREATED,      0,   {BOOK_NONE, "update",       ORDERS,               "",           "PATCH"}},
    {SESSION_APPROVED,     0,   {BOOK_NONE, "update",       ORDERS,               "",           "PATCH"}},
    {SESSION_CREATED,      'C', {BOOK_NONE, "capture",      ORDERS,               "/capture",   "POST"}},
    {SESSION_APPROVED,     'C', {BOOK_NONE, "capture",      ORDERS,               "/capture",   "POST"}},
    {SESSION_CREATED,      'A', {BOOK_NONE, "authorize",    ORDERS,               "/authorize", "POST"}},
    {SESSION_APPROVED,     'A', {BOOK_NONE, "authorize",    ORDERS,               "/authorize", "POST"}},
    /* clang-format on */
};

static void put_order_links(struct call *call, struct json_out *out,
                            const struct book_session *order)
{
    char intent = order->authorize ? 'A' : 'C';
    json_key(out, "links");
    json_begin_array(out);
    for (size_t i = 0; i < ARRAY_LEN(order_links); i++) {
        if ((order_links[i].state == SESSION_NONE || (int)order_links[i].state == order->state) &&
            (order_links[i].intent == 0 || order_links[i].intent == intent)) {
            put_link(call, out, &order_links[i].row, order->id);
        }
    }
    json_end_array(out);
}

void paypal_print_order(struct call *call, int status, const struct book_session *order,
                        enum paypal_detail detail)
{
    struct json_out out;
    call->status = status;
    call->content_type = STR("application/json");
    buf_clear(call->body);
    json_out_init(&out, call->body);
    json_begin_object(&out);
    json_put_str(&out, "id", order->id);
    if (detail == PAYPAL_ALL) {
        json_put_cstr(&out, "intent", order->authorize ? "AUTHORIZE" : "CAPTURE");
    }
    json_put_cstr(&out, "status", order_status[order->state]);
    if (detail != PAYPAL_MINIMAL) {
        put_source(&out, order);
        put_units(call, &out, order, detail == PAYPAL_ALL);
    }
    if (detail == PAYPAL_ALL) {
        put_time(&out, "create_time", order->created_us);
        put_time(&out, "update_time", order->updated_us);
    }
    put_order_links(call, &out, order);
    json_end_object(&out);
}

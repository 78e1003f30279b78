/* What the providers' webhooks are called, and what they say. */
#include "providers/sandbox/hooks.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "providers/sandbox/payoneer.h"
#include "providers/sandbox/payoneer_payouts.h"
#include "providers/sandbox/paypal.h"
#include "providers/sandbox/paypal_payouts.h"

#define ANY BOOK_STATE_NONE

/* clang-format off */
/* The first row that fits. */
static const struct {
    enum sandbox_provider provider;
    enum book_kind kind;
    enum book_state from;
    enum book_state to;
    struct hook_words words;
} rows[] = {
    {SANDBOX_PAYPAL, BOOK_CHARGE, BOOK_PENDING, BOOK_DECLINED,  {"PAYMENT.CAPTURE.DENIED",    "capture", "2.0", "Payment denied"}},
    {SANDBOX_PAYPAL, BOOK_CHARGE, ANY,          BOOK_DECLINED,  {"PAYMENT.CAPTURE.DECLINED",  "capture", "2.0", "Payment declined"}},
    {SANDBOX_PAYPAL, BOOK_CHARGE, ANY,          BOOK_PENDING,   {"PAYMENT.CAPTURE.PENDING",   "capture", "2.0", "Payment pending"}},
    {SANDBOX_PAYPAL, BOOK_CHARGE, BOOK_PARTIALLY_REFUNDED, BOOK_COMPLETED, {NULL, NULL, NULL, NULL}},
    {SANDBOX_PAYPAL, BOOK_CHARGE, ANY,          BOOK_COMPLETED, {"PAYMENT.CAPTURE.COMPLETED", "capture", "2.0", "Payment completed"}},
    {SANDBOX_PAYPAL, BOOK_REFUND, ANY,          BOOK_COMPLETED, {"PAYMENT.CAPTURE.REFUNDED",  "refund",  "2.0", "Payment refunded"}},
    {SANDBOX_PAYPAL, BOOK_HOLD,   ANY,          BOOK_HELD,      {"PAYMENT.AUTHORIZATION.CREATED", "authorization", "2.0", "A payment was authorized"}},
    {SANDBOX_PAYPAL, BOOK_HOLD,   ANY,          BOOK_VOIDED,    {"PAYMENT.AUTHORIZATION.VOIDED",  "authorization", "2.0", "An authorization was voided"}},
    {SANDBOX_PAYPAL_PAYOUTS, BOOK_PAYOUT, ANY,  BOOK_COMPLETED, {"PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "payouts_item", "1.0", "A payout item has succeeded"}},
    {SANDBOX_PAYPAL_PAYOUTS, BOOK_PAYOUT, ANY,  BOOK_UNCLAIMED, {"PAYMENT.PAYOUTS-ITEM.UNCLAIMED", "payouts_item", "1.0", "A payout item is unclaimed"}},
    {SANDBOX_PAYPAL_PAYOUTS, BOOK_PAYOUT, ANY,  BOOK_ON_HOLD,   {"PAYMENT.PAYOUTS-ITEM.HELD",      "payouts_item", "1.0", "A payout item is held"}},
    {SANDBOX_PAYPAL_PAYOUTS, BOOK_PAYOUT, ANY,  BOOK_BLOCKED,   {"PAYMENT.PAYOUTS-ITEM.BLOCKED",   "payouts_item", "1.0", "A payout item is blocked"}},
    {SANDBOX_PAYPAL_PAYOUTS, BOOK_PAYOUT, ANY,  BOOK_FAILED,    {"PAYMENT.PAYOUTS-ITEM.FAILED",    "payouts_item", "1.0", "A payout item has failed"}},
    {SANDBOX_PAYPAL_PAYOUTS, BOOK_PAYOUT, ANY,  BOOK_CANCELED,  {"PAYMENT.PAYOUTS-ITEM.DENIED",    "payouts_item", "1.0", "A payout item was denied"}},
    {SANDBOX_PAYPAL_PAYOUTS, BOOK_PAYOUT, ANY,  BOOK_RETURNED,  {"PAYMENT.PAYOUTS-ITEM.RETURNED",  "payouts_item", "1.0", "A payout item was returned"}},
    {SANDBOX_PAYPAL_PAYOUTS, BOOK_PAYOUT, ANY,  BOOK_REFUNDED,  {"PAYMENT.PAYOUTS-ITEM.REFUNDED",  "payouts_item", "1.0", "A payout item was refunded"}},
    {SANDBOX_PAYONEER_PAYOUTS, BOOK_PAYOUT, ANY, BOOK_COMPLETED, {"SentToBank",   NULL, NULL, NULL}},
    {SANDBOX_PAYONEER_PAYOUTS, BOOK_PAYOUT, ANY, BOOK_FAILED,    {"CancelPayout", NULL, NULL, NULL}},
    {SANDBOX_PAYONEER_PAYOUTS, BOOK_PAYOUT, ANY, BOOK_CANCELED,  {"CancelPayout", NULL, NULL, NULL}},
    {SANDBOX_PAYONEER_PAYOUTS, BOOK_PAYOUT, ANY, BOOK_RETURNED,  {"CancelPayout", NULL, NULL, NULL}},
    {SANDBOX_PAYONEER_PAYOUTS, BOOK_PAYOUT, BOOK_PAYEE_PENDING, BOOK_PENDING, {NULL, NULL, NULL, NULL}},
    {SANDBOX_PAYONEER_PAYOUTS, BOOK_PAYOUT, ANY, BOOK_PENDING,       {"PaymentRequestAccepted", NULL, NULL, NULL}},
    {SANDBOX_PAYONEER_PAYOUTS, BOOK_PAYOUT, ANY, BOOK_PAYEE_PENDING, {"PaymentRequestAccepted", NULL, NULL, NULL}},
};

static const struct hook_words item_canceled = {"PAYMENT.PAYOUTS-ITEM.CANCELED", "payouts_item", "1.0", "A payout item was canceled"};
static const struct hook_words order_approved = {"CHECKOUT.ORDER.APPROVED", "checkout-order", "2.0", "An order has been approved by buyer"};
static const struct hook_words order_completed = {"CHECKOUT.ORDER.COMPLETED", "checkout-order", "2.0", "Checkout Order Completed"};
static const struct hook_words payee_approved = {"PayeeApproved", NULL, NULL, NULL};
static const struct hook_words batch_success = {"PAYMENT.PAYOUTSBATCH.SUCCESS", "payouts", "1.0", "Payouts batch completed successfully."};
static const struct hook_words batch_denied = {"PAYMENT.PAYOUTSBATCH.DENIED", "payouts", "1.0", "Payouts batch got denied."};
static const struct hook_words nothing = {NULL, NULL, NULL, NULL};

/* PayPal has some that nothing here leads to: they can be registered all the same. */
static const char *const other_events[] = {
    "*",
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED",
    "CUSTOMER.DISPUTE.CREATED",
    "CUSTOMER.DISPUTE.RESOLVED",
    "CUSTOMER.DISPUTE.UPDATED",
    "PAYMENT.CAPTURE.REVERSED",
    "PAYMENT.PAYOUTSBATCH.PROCESSING",
};
/* clang-format on */

/* ---- names ----------------------------------------------------------------------------------- */

/* One notification for each operation; of a hold it acts on, only its end by a void. */
static bool is_payoneer_told(const struct book_entry *entry)
{
    switch ((enum book_state)entry->state) {
    case BOOK_PENDING:
    case BOOK_DECLINED:
    case BOOK_COMPLETED:
    case BOOK_HELD:
        return entry->kind != BOOK_VOID;
    case BOOK_VOIDED:
        return true;
    case BOOK_STATE_NONE:
    case BOOK_PARTIALLY_REFUNDED:
    case BOOK_REFUNDED:
    case BOOK_PARTIALLY_CAPTURED:
    case BOOK_CAPTURED:
    case BOOK_PAYEE_PENDING:
    case BOOK_UNCLAIMED:
    case BOOK_ON_HOLD:
    case BOOK_BLOCKED:
    case BOOK_FAILED:
    case BOOK_RETURNED:
    case BOOK_REVERSED:
    case BOOK_CANCELED:
    case BOOK_STATE_COUNT:
        break;
    }
    return false;
}

struct hook_words hook_words_of_entry(const struct book_entry *entry, int told_state,
                                      struct arena *arena)
{
    if (entry->provider == SANDBOX_PAYONEER) {
        struct hook_words words = nothing;
        if (is_payoneer_told(entry)) {
            words.name = arena_cstr(arena, payoneer_notification_name(entry, arena));
        }
        return words;
    }
    if (entry->provider == SANDBOX_PAYPAL && entry->session.len == 0) {
        return nothing; /* A wallet's decline made no payment that PayPal would know. */
    }
    if (entry->provider == SANDBOX_PAYPAL_PAYOUTS && entry->state == BOOK_RETURNED &&
        entry->plan == PAYOUT_CANCELED) {
        return item_canceled;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if ((int)rows[i].provider == entry->provider && (int)rows[i].kind == entry->kind &&
            (rows[i].from == ANY || (int)rows[i].from == told_state) &&
            (int)rows[i].to == entry->state) {
            return rows[i].words;
        }
    }
    return nothing;
}

static bool has_good_payment(const struct book_session *order)
{
    for (const struct book_entry *entry = order->first; entry; entry = entry->next_in_session) {
        if (entry->state != BOOK_DECLINED) {
            return true;
        }
    }
    return false;
}

struct hook_words hook_words_of_session(const struct book_session *session)
{
    if (session->provider == SANDBOX_PAYPAL && session->state == SESSION_APPROVED) {
        return order_approved;
    }
    if (session->provider == SANDBOX_PAYPAL && session->state == SESSION_COMPLETED &&
        has_good_payment(session)) {
        return order_completed;
    }
    if (session->provider == SANDBOX_PAYONEER_PAYOUTS && session->state == SESSION_APPROVED) {
        return payee_approved;
    }
    return nothing;
}

bool hook_words_of_batch(const struct book_session *batch, int64_t now_us, struct hook_words *words)
{
    switch (paypal_batch_status(batch, now_us)) {
    case PAYPAL_BATCH_SUCCESS:
        *words = batch_success;
        return true;
    case PAYPAL_BATCH_DENIED:
        *words = batch_denied;
        return true;
    case PAYPAL_BATCH_CANCELED: /* PayPal has no event of it */
        *words = nothing;
        return true;
    case PAYPAL_BATCH_PENDING:
    case PAYPAL_BATCH_PROCESSING:
    case PAYPAL_BATCH_STATUS_COUNT:
        break;
    }
    return false;
}

bool hook_is_paypal_event(struct str name)
{
    const struct hook_words *others[] = {&item_canceled, &order_approved, &order_completed,
                                         &batch_success, &batch_denied};
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(rows) && !found; i++) {
        found = rows[i].words.resource_type && str_eq(str_of(rows[i].words.name), name);
    }
    for (size_t i = 0; i < ARRAY_LEN(others) && !found; i++) {
        found = str_eq(str_of(others[i]->name), name);
    }
    for (size_t i = 0; i < ARRAY_LEN(other_events) && !found; i++) {
        found = str_eq(str_of(other_events[i]), name);
    }
    return found;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static void put_link(struct json_out *out, struct str origin, struct str id, const char *action,
                     const char *rel, const char *method)
{
    json_begin_object(out);
    json_key(out, "href");
    buf_printf(out->buf, "\"" STR_FMT "/v1/notifications/webhooks-events/" STR_FMT "%s\"",
               STR_ARG(origin), STR_ARG(id), action);
    out->need_comma = true;
    json_put_cstr(out, "rel", rel);
    json_put_cstr(out, "method", method);
    json_end_object(out);
}

/* What a GET of the object would show. */
static void print_resource(const struct call *call, struct buf *resource,
                           const struct book_entry *entry, const struct book_session *session)
{
    struct call shown = *call;
    shown.body = resource;
    buf_clear(resource);
    if (session && session->provider == SANDBOX_PAYPAL_PAYOUTS) {
        paypal_payout_print_over(&shown, session, paypal_batch_status(session, call->now_us));
    } else if (session) {
        paypal_print_order(&shown, 200, session, PAYPAL_ALL);
    } else if (entry->provider == SANDBOX_PAYPAL_PAYOUTS) {
        const struct book_session *batch = books_find_session(call->books, entry->session);
        paypal_payout_print_item(&shown, batch, entry, paypal_batch_status(batch, call->now_us));
    } else {
        paypal_print_entry(&shown, 200, entry, true);
    }
}

static void print_paypal(const struct call *call, struct buf *resource, struct str id,
                         const struct hook_words *words, const struct book_entry *entry,
                         const struct book_session *session, struct buf *out)
{
    char text[CLOCK_TEXT_SIZE];
    struct json_out json;
    print_resource(call, resource, entry, session);
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_str(&json, "id", id);
    json_put_cstr(&json, "event_version", "1.0");
    json_put_str(&json, "create_time", clock_format_ms(call->now_us, text));
    json_put_cstr(&json, "resource_type", words->resource_type);
    json_put_cstr(&json, "resource_version", words->resource_version);
    json_put_cstr(&json, "event_type", words->name);
    json_put_cstr(&json, "summary", words->summary);
    json_put_raw(&json, "resource", buf_str(resource));
    json_key(&json, "links");
    json_begin_array(&json);
    put_link(&json, call->origin, id, "", "self", "GET");
    put_link(&json, call->origin, id, "/resend", "resend", "POST");
    json_end_array(&json);
    json_end_object(&json);
}

/* Some values come as a form encodes them. */
static void put_encoded(struct json_out *json, const char *name, struct str value)
{
    struct buf encoded;
    buf_init(&encoded, 4096);
    hook_form_encode(value, &encoded);
    json_put_str(json, name, buf_str(&encoded));
    buf_release(&encoded);
}

static struct str seconds(int64_t at_us, char out[CLOCK_TEXT_SIZE])
{
    struct str text = clock_format_ms(at_us, out);
    out[19] = 'Z';
    text.len = 20;
    return text;
}

static void print_payoneer_payout(const struct hook_words *words, const struct book_entry *entry,
                                  struct buf *out)
{
    char amount[MONEY_TEXT_SIZE];
    char time[CLOCK_TEXT_SIZE];
    bool canceled = strcmp(words->name, "CancelPayout") == 0;
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_str(&json, "Payee Id", entry->receiver);
    json_put_str(&json, "IntPaymentId", entry->reference);
    if (canceled) {
        json_put_str(&json, "Reason Code", entry->code);
        put_encoded(&json, "Reason Description", str_of(payoneer_payout_reason(entry->code)));
        json_put_str(&json, "Payment Amount",
                     money_format(entry->amount_minor, entry->currency->exponent, amount));
        put_encoded(&json, "Canceled Payment Date", seconds(entry->updated_us, time));
    } else if (strcmp(words->name, "SentToBank") == 0) {
        json_put_str(&json, "Amount",
                     money_format(entry->amount_minor, entry->currency->exponent, amount));
        json_put_cstr(&json, "Currency", entry->currency->code);
        json_put_str(&json, "Transaction Date", seconds(entry->updated_us, time));
    }
    json_end_object(&json);
}

static void print_payee(const struct book_session *session, struct buf *out)
{
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_str(&json, "Payee Id", session->token);
    json_put_str(&json, "Payoneer Id", session->token);
    json_put_str(&json, "Session Id", STR_NONE);
    json_end_object(&json);
}

void hook_print(const struct call *call, struct buf *resource, struct str id,
                const struct hook_words *words, const struct book_entry *entry,
                const struct book_session *session, struct buf *out)
{
    int provider = entry ? entry->provider : session->provider;
    if (sandbox_family((enum sandbox_provider)provider) == SANDBOX_PAYPAL) {
        print_paypal(call, resource, id, words, entry, session, out);
    } else if (provider == SANDBOX_PAYONEER) {
        payoneer_print_notification(call, entry, id, out);
    } else if (entry) {
        print_payoneer_payout(words, entry, out);
    } else {
        print_payee(session, out);
    }
}

/* PayPal Payouts v1: errors, and the values by which PayPal's own sandbox makes them. */
#include "providers/sandbox/paypal_payouts.h"

#include "providers/sandbox/paypal.h"

#define ERRORS_PAGE "https://developer.paypal.com/docs/api/payments.payouts-batch/#errors"

/* clang-format off */
static const struct {
    const char *name;
    int status;
    const char *message;
} errors[] = {
    {"INTERNAL_ERROR",               500, "An internal service error has occurred"},
    {"VALIDATION_ERROR",             400, "Invalid request - see details"},
    {"USER_BUSINESS_ERROR",          400, "User business error."},
    {"NON_HOLDING_CURRENCY",         400, "Balance not available in the specified currency"},
    {"SYNC_MODE_NOT_APPLICABLE",     400, "Sync mode is not applicable for this request"},
    {"ITEM_ALREADY_CANCELLED",       400, "The requested item is already cancelled."},
    {"ITEM_CANCELLATION_FAILED",     400, "The item could not be cancelled."},
    {"ITEM_INCORRECT_STATUS",        400, "Only items in Unclaimed status can be cancelled."},
    {"BATCH_NOT_COMPLETED",          400, "Items can only be cancelled once their batch is complete."},
    {"PREVIOUS_REQUEST_IN_PROGRESS", 400, "A previous request on this resource is in progress. Try again later."},
    {"AUTHORIZATION_ERROR",          403, "Authorization error occurred."},
    {"REQUIRED_SCOPE_MISSING",       403, "Access token does not have required scope."},
    {"SENDER_RESTRICTED",            403, "The sender's account is restricted."},
    {"SENDER_EMAIL_UNCONFIRMED",     403, "The sender's email address is unconfirmed."},
    {"SENDER_LOCKED",                403, "The sender's account is locked or inactive."},
    {"SENDER_ACCOUNT_UNVERIFIED",    403, "The sender's account is not verified."},
    {"CIP_NOT_VERIFIED",             403, "The sender's identity is not verified."},
    {"INVALID_RESOURCE_ID",          404, "Requested resource ID was not found."},
    {"UNSUPPORTED_MEDIA_TYPE",       415, "The server does not support the request payload's media type."},
    {"INSUFFICIENT_FUNDS",           422, "Sender does not have sufficient funds. Please add funds and retry."},
    {"RATE_LIMIT_VALIDATION",        429, "Request blocked due to multiple failed attempts. Try again later."},
    {"SERVICE_UNAVAILABLE",          503, "Service Unavailable."},
    {"REQUEST_TIMEOUT_EXCEEDED",     504, "The request took too long. Try again later."},
};

/* In the first item's note: the batch is refused. */
static const struct {
    struct str note;
    const char *name;
} notes[] = {
    {STR_INIT("ERRPYO001"), "SENDER_RESTRICTED"},
    {STR_INIT("ERRPYO002"), "SENDER_EMAIL_UNCONFIRMED"},
    {STR_INIT("ERRPYO003"), "AUTHORIZATION_ERROR"},
    {STR_INIT("ERRPYO005"), "INSUFFICIENT_FUNDS"},
    {STR_INIT("ERRPYO006"), "INTERNAL_ERROR"},
    {STR_INIT("ERRPYO010"), "VALIDATION_ERROR"},
    {STR_INIT("ERRPYO011"), "REQUIRED_SCOPE_MISSING"},
    {STR_INIT("ERRPYO012"), "SENDER_LOCKED"},
    {STR_INIT("ERRPYO014"), "USER_BUSINESS_ERROR"},
    {STR_INIT("ERRPYO035"), "RATE_LIMIT_VALIDATION"},
    {STR_INIT("ERRPYO036"), "REQUEST_TIMEOUT_EXCEEDED"},
    {STR_INIT("ERRPYO037"), "SYNC_MODE_NOT_APPLICABLE"},
    {STR_INIT("ERRPYO038"), "NON_HOLDING_CURRENCY"},
    {STR_INIT("ERRPYO039"), "PREVIOUS_REQUEST_IN_PROGRESS"},
    {STR_INIT("ERRPYO040"), "CIP_NOT_VERIFIED"},
};

/* In place of a batch's or an item's id: what is there, or the error. */
static const struct {
    struct str id;
    enum paypal_payout_route route;
    enum paypal_batch_status status;
    enum book_state state; /* of the item */
    const char *name;      /* of the error, or of the item's */
} ids[] = {
    {STR_INIT("ERRPYOB001"), PAYPAL_PAYOUT_BATCH,  PAYPAL_BATCH_SUCCESS,    BOOK_COMPLETED, NULL},
    {STR_INIT("ERRPYOB002"), PAYPAL_PAYOUT_BATCH,  PAYPAL_BATCH_PENDING,    BOOK_PENDING,   NULL},
    {STR_INIT("ERRPYOB003"), PAYPAL_PAYOUT_BATCH,  PAYPAL_BATCH_PROCESSING, BOOK_PENDING,   NULL},
    {STR_INIT("ERRPYOB004"), PAYPAL_PAYOUT_BATCH,  PAYPAL_BATCH_DENIED,     BOOK_FAILED,    "NON_HOLDING_CURRENCY"},
    {STR_INIT("POSPYO002"),  PAYPAL_PAYOUT_BATCH,  PAYPAL_BATCH_SUCCESS,    BOOK_COMPLETED, NULL},
    {STR_INIT("POSPOI001"),  PAYPAL_PAYOUT_ITEM,   PAYPAL_BATCH_SUCCESS,    BOOK_COMPLETED, NULL},
    {STR_INIT("POSPOI002"),  PAYPAL_PAYOUT_CANCEL, PAYPAL_BATCH_SUCCESS,    BOOK_RETURNED,  "RECEIVER_UNREGISTERED"},
    {STR_INIT("ERRPYO004"),  PAYPAL_PAYOUT_CANCEL, PAYPAL_BATCH_PENDING,    BOOK_STATE_NONE, "BATCH_NOT_COMPLETED"},
    {STR_INIT("ERRPYO007"),  PAYPAL_PAYOUT_CANCEL, PAYPAL_BATCH_PENDING,    BOOK_STATE_NONE, "ITEM_ALREADY_CANCELLED"},
    {STR_INIT("ERRPYO008"),  PAYPAL_PAYOUT_CANCEL, PAYPAL_BATCH_PENDING,    BOOK_STATE_NONE, "ITEM_CANCELLATION_FAILED"},
    {STR_INIT("ERRPYO009"),  PAYPAL_PAYOUT_CANCEL, PAYPAL_BATCH_PENDING,    BOOK_STATE_NONE, "ITEM_INCORRECT_STATUS"},
};
/* clang-format on */

void paypal_payout_blame(struct paypal_payout_details *details, struct str field, const char *issue)
{
    if (details->count < PAYPAL_PAYOUT_DETAIL_MAX) {
        details->detail[details->count++] = (struct paypal_payout_detail){field, issue, STR_NONE};
    }
}

static void put_detail(struct call *call, struct json_out *out,
                       const struct paypal_payout_detail *detail)
{
    json_begin_object(out);
    json_put_str(out, "field", detail->field);
    json_put_cstr(out, "location", "body");
    json_put_cstr(out, "issue", detail->issue);
    if (detail->link.len > 0) {
        json_key(out, "link");
        json_begin_array(out);
        json_begin_object(out);
        json_put_str(out, "href",
                     arena_printf(call->arena, STR_FMT "/v1/payments/payouts/" STR_FMT,
                                  STR_ARG(call->origin), STR_ARG(detail->link)));
        json_put_cstr(out, "rel", "self");
        json_put_cstr(out, "method", "GET");
        json_put_cstr(out, "encType", "application/json");
        json_end_object(out);
        json_end_array(out);
    }
    json_end_object(out);
}

void paypal_payout_error(struct call *call, const char *name,
                         const struct paypal_payout_details *details)
{
    struct json_out out;
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        at = str_eq(str_of(errors[i].name), str_of(name)) ? i : at;
    }
    paypal_add_debug_id(call);
    call->status = errors[at].status;
    call->content_type = STR("application/json");
    buf_clear(call->body);
    json_out_init(&out, call->body);
    json_begin_object(&out);
    json_put_cstr(&out, "name", errors[at].name);
    json_put_cstr(&out, "message", errors[at].message);
    json_put_str(&out, "debug_id", paypal_debug_id(call));
    json_put_cstr(&out, "information_link", ERRORS_PAGE);
    if (details && details->count > 0) {
        json_key(&out, "details");
        json_begin_array(&out);
        for (size_t i = 0; i < details->count; i++) {
            put_detail(call, &out, &details->detail[i]);
        }
        json_end_array(&out);
    }
    json_key(&out, "links");
    json_begin_array(&out);
    json_end_array(&out);
    json_end_object(&out);
}

void paypal_payout_fault_body(struct call *call, int status)
{
    if (status == 429) {
        call_add_header(call, STR("Retry-After"), STR("1"));
    }
    paypal_payout_error(call,
                        status == 429   ? "RATE_LIMIT_VALIDATION"
                        : status == 503 ? "SERVICE_UNAVAILABLE"
                                        : "INTERNAL_ERROR",
                        NULL);
}

bool paypal_payout_test_note(struct call *call, struct str note)
{
    for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
        if (str_eq(note, notes[i].note)) {
            paypal_payout_error(call, notes[i].name, NULL);
            return true;
        }
    }
    return false;
}

/* A batch of one item that is in no books. */
static void print_example(struct call *call, size_t at)
{
    struct book_unit unit = {.amount_minor = 987,
                             .currency = currency_find(STR("USD")),
                             .json = STR("{\"sender_batch_id\":\"Payouts_2018_100007\"}")};
    struct book_entry item = {.id = STR("8AELMXH8UB2P8"),
                              .kind = BOOK_PAYOUT,
                              .state = (int)ids[at].state,
                              .code = str_of(ids[at].name),
                              .reference = STR("201403140001"),
                              .session = STR("FYXMPQTX4JC9N"),
                              .amount_minor = unit.amount_minor,
                              .currency = unit.currency,
                              .fee_minor = ids[at].state == BOOK_FAILED ? 0 : 25,
                              .created_us = call->now_us,
                              .updated_us = call->now_us,
                              .receiver = STR("receiver@example.com"),
                              .receiver_type = STR("EMAIL")};
    struct book_session batch = {.id = item.session,
                                 .reference = STR("Payouts_2018_100007"),
                                 .created_us = call->now_us,
                                 .due_us = call->now_us,
                                 .unit_count = 1,
                                 .units = &unit,
                                 .first = &item,
                                 .last = &item};
    if (ids[at].route == PAYPAL_PAYOUT_BATCH) {
        paypal_payout_print_batch(call, &batch, ids[at].status);
    } else {
        paypal_payout_print_item(call, &batch, &item, ids[at].status);
    }
}

bool paypal_payout_test_id(struct call *call)
{
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        if (!str_eq(call->param[0], ids[i].id) || call->route != (int)ids[i].route) {
            continue;
        }
        if (ids[i].state == BOOK_STATE_NONE) {
            paypal_payout_error(call, ids[i].name, NULL);
        } else {
            print_example(call, i);
        }
        return true;
    }
    return false;
}

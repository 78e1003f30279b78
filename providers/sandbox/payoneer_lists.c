/* Payoneer Checkout: sessions. */
#include "providers/sandbox/payoneer.h"

#include <stdio.h>

/* clang-format off */
static const char *const integrations[] = {"", "DISPLAY_NATIVE", "PURE_NATIVE", "HOSTED", "SELECTIVE_NATIVE", "MOBILE_NATIVE"};
static const char *const operation_types[] = {"", "CHARGE", "PAYOUT", "PRESET", "UPDATE"};
static const char *const deferrals[] = {"", "ANY", "DEFERRED", "NON_DEFERRED"};
static const char *const directions[] = {"", "CHARGE", "PAYOUT"};

static const char *const required[] = {
    "transactionId", "country", "customer.number", "payment.reference", "payment.currency",
};

static const struct {
    const char *path;
    const char *const *words;
    size_t count;
} choices[] = {
    {"integration",            integrations,    ARRAY_LEN(integrations)},
    {"operationType",          operation_types, ARRAY_LEN(operation_types)},
    {"preselection.deferral",  deferrals,       ARRAY_LEN(deferrals)},
    {"preselection.direction", directions,      ARRAY_LEN(directions)},
};
/* clang-format on */

static bool refuse(struct call *call, const char *path, const char *why)
{
    char info[160];
    (void)snprintf(info, sizeof(info), "%s %s", path, why);
    payoneer_error(call, 400, "ABORT", "INVALID_REQUEST", info);
    return false;
}

static bool is_country(struct str text)
{
    return text.len == 2 && text.at[0] >= 'A' && text.at[0] <= 'Z' && text.at[1] >= 'A' &&
           text.at[1] <= 'Z';
}

static bool check_list(struct call *call)
{
    for (size_t i = 0; i < ARRAY_LEN(required); i++) {
        if (json_path_text(call->json, required[i]).len == 0) {
            return refuse(call, required[i], "is required");
        }
    }
    if (!json_is_object(json_object_get(call->json, "callback"))) {
        return refuse(call, "callback", "is required");
    }
    if (!is_country(json_text(call->json, "country"))) {
        return refuse(call, "country", "must be an ISO 3166-1 alpha-2 code");
    }
    if (json_path_text(call->json, "payment.invoiceId").len > 128) {
        return refuse(call, "payment.invoiceId", "must not be longer than 128 characters");
    }
    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        if (json_path(call->json, choices[i].path) &&
            words_find(choices[i].words, choices[i].count,
                       json_path_text(call->json, choices[i].path)) == 0) {
            return refuse(call, choices[i].path, "has an unknown value");
        }
    }
    return true;
}

/* Amount and currency of `payment`; false: answered. */
static bool read_payment(struct call *call, const struct currency **currency, int64_t *minor)
{
    *currency = currency_find(json_path_text(call->json, "payment.currency"));
    if (!*currency) {
        return refuse(call, "payment.currency", "is not an ISO 4217 currency");
    }
    return payoneer_amount(call, "payment.amount", *currency, minor);
}

static void fill(struct call *call, struct book_session *list, const struct currency *currency,
                 int64_t minor)
{
    struct books *books = call->books;
    struct book_unit *unit = &list->units[0];
    list->authorize = str_eq(json_path_text(call->json, "preselection.deferral"), STR("DEFERRED"));
    list->payout = str_eq(json_path_text(call->json, "preselection.direction"), STR("PAYOUT")) ||
                   str_eq(json_text(call->json, "operationType"), STR("PAYOUT"));
    list->reference = books_keep(books, json_path_text(call->json, "payment.reference"));
    list->integration = books_keep(books, json_text(call->json, "integration"));
    list->country = books_keep(books, json_text(call->json, "country"));
    list->return_url = books_keep(books, json_path_text(call->json, "callback.returnUrl"));
    list->cancel_url = books_keep(books, json_path_text(call->json, "callback.cancelUrl"));
    list->notification_url =
        books_keep(books, json_path_text(call->json, "callback.notificationUrl"));
    list->email = books_keep(books, json_path_text(call->json, "customer.email"));
    list->updated_us = call->now_us;
    unit->custom_id = books_keep(books, json_text(call->json, "transactionId"));
    unit->invoice_id = books_keep(books, json_path_text(call->json, "payment.invoiceId"));
    unit->amount_minor = minor;
    unit->currency = currency;
}

void payoneer_list_create(struct call *call)
{
    const struct currency *currency;
    int64_t minor;
    if (!payoneer_parse(call) || !check_list(call) || !read_payment(call, &currency, &minor)) {
        return;
    }
    struct book_session *list = books_add_session(call->books, payoneer_long_id(call), 1);
    list->provider = SANDBOX_PAYONEER;
    list->account = books_keep(call->books, call->account);
    list->state = SESSION_CREATED;
    list->created_us = call->now_us;
    fill(call, list, currency, minor);
    payoneer_print_list(call, list);
}

void payoneer_list_show(struct call *call)
{
    struct book_session *list = payoneer_find_list(call);
    if (list) {
        payoneer_print_list(call, list);
    }
}

static struct book_session *find_open(struct call *call)
{
    struct book_session *list = payoneer_find_list(call);
    if (list && list->state == SESSION_COMPLETED) {
        payoneer_error(call, 422, "ABORT", "DUPLICATE_OPERATION", "The session was used already");
        return NULL;
    }
    if (list && list->state == SESSION_CANCELED) {
        payoneer_error(call, 422, "ABORT", "EXPIRED_SESSION", "The session was canceled");
        return NULL;
    }
    return list;
}

void payoneer_list_update(struct call *call)
{
    const struct currency *currency;
    int64_t minor;
    struct book_session *list = find_open(call);
    if (!list || !payoneer_parse(call) || !check_list(call) ||
        !read_payment(call, &currency, &minor)) {
        return;
    }
    fill(call, list, currency, minor);
    books_note_session(call->books, list);
    payoneer_print_list(call, list);
}

void payoneer_list_cancel(struct call *call)
{
    struct book_session *list = find_open(call);
    if (list) {
        list->state = SESSION_CANCELED;
        list->updated_us = call->now_us;
        books_note_session(call->books, list);
        payoneer_print_list(call, list);
    }
}

/* PayPal Payments v2: authorizations, captures and refunds. */
#include "providers/sandbox/paypal.h"

#define DAY_US INT64_C(86400000000)

enum {
    HOLD_LIFE_DAYS = 29,
    HONOUR_DAYS = 3,
    REFUND_DAYS = 180,
    OVER_CAPTURE_PERCENT = 15,
    OVER_CAPTURE_USD_MINOR = 7500,
};

static const char *param_name(enum book_kind kind)
{
    return kind == BOOK_HOLD     ? "authorization_id"
           : kind == BOOK_CHARGE ? "capture_id"
                                 : "refund_id";
}

static struct book_entry *find(struct call *call, enum book_kind kind)
{
    struct book_entry *entry = books_find_entry(call->books, call->param[0]);
    if (entry && entry->provider == SANDBOX_PAYPAL && entry->kind == (int)kind &&
        str_eq(entry->account, call->account)) {
        return entry;
    }
    paypal_error(call, "INVALID_RESOURCE_ID", str_of(param_name(kind)), "path", call->param[0]);
    return NULL;
}

static void show(struct call *call, enum book_kind kind)
{
    const struct book_entry *entry = find(call, kind);
    if (entry) {
        paypal_print_entry(call, 200, entry, true);
    }
}

void paypal_hold_show(struct call *call)
{
    show(call, BOOK_HOLD);
}

void paypal_capture_show(struct call *call)
{
    show(call, BOOK_CHARGE);
}

void paypal_refund_show(struct call *call)
{
    show(call, BOOK_REFUND);
}

static void refuse(struct call *call, const char *issue)
{
    paypal_error(call, issue, STR_NONE, "body", STR_NONE);
}

static void answer_void(struct call *call, const struct book_entry *hold)
{
    if (paypal_wants_all(call)) {
        paypal_print_entry(call, 200, hold, true);
    } else {
        call->status = 204;
        call->content_type = STR_NONE;
        buf_clear(call->body);
    }
}

/*
 * The beginning of every change: key, body, resource. True: go on with *entry. False: answered,
 * with a repeat's current state or an error.
 */
static bool begin(struct call *call, enum book_kind kind, struct book_entry **entry)
{
    struct str known;
    if (!paypal_begin(call, &known)) {
        return false;
    }
    if (known.len > 0) {
        struct book_entry *made = books_find_entry(call->books, known);
        CHECK(made);
        made->request_count++;
        books_note_entry(call->books, made);
        if (call->route == PAYPAL_HOLD_VOID) {
            answer_void(call, books_find_entry(call->books, made->parent));
        } else {
            paypal_print_entry(call, 200, made, paypal_wants_all(call));
        }
        return false;
    }
    *entry = paypal_parse(call) ? find(call, kind) : NULL;
    return *entry != NULL;
}

/* Optional amount in the body; `otherwise` without one. False: answered. */
static bool read_amount(struct call *call, const struct currency *currency, const char *mismatch,
                        int64_t otherwise, int64_t *minor)
{
    struct paypal_problems problems = {.count = 0};
    const struct currency *given = NULL;
    const json_t *amount = json_object_get(call->json, "amount");
    *minor = otherwise;
    if (amount &&
        paypal_read_money(call, amount, "amount", "/amount", false, minor, &given, &problems) &&
        given != currency) {
        paypal_add(&problems, STR("/amount/currency_code"), str_of(given->code), mismatch);
    }
    if (json_text(call->json, "invoice_id").len > 127) {
        paypal_add(&problems, STR("/invoice_id"), STR_NONE, "INVALID_STRING_LENGTH");
    }
    if (json_text(call->json, "note_to_payer").len > 255) {
        paypal_add(&problems, STR("/note_to_payer"), STR_NONE, "INVALID_STRING_LENGTH");
    }
    return !paypal_refuse(call, &problems);
}

static struct str or_else(struct call *call, const char *member, struct str otherwise)
{
    struct str given = json_text(call->json, member);
    return given.len > 0 ? books_keep(call->books, given) : otherwise;
}

static struct book_entry *add_child(struct call *call, struct book_entry *parent,
                                    enum book_kind kind, int64_t minor)
{
    struct book_entry *entry = books_add_entry(call->books, paypal_new_id(call),
                                               books_find_session(call->books, parent->session));
    entry->kind = (int)kind;
    entry->state = BOOK_COMPLETED;
    entry->reference = or_else(call, "custom_id", parent->reference);
    entry->invoice = or_else(call, "invoice_id", parent->invoice);
    entry->note = or_else(call, "note_to_payer", STR_NONE);
    entry->parent = parent->id;
    entry->unit = parent->unit;
    entry->amount_minor = minor;
    entry->currency = parent->currency;
    entry->created_us = call->now_us;
    entry->updated_us = call->now_us;
    entry->key = books_keep(call->books, paypal_key(call));
    parent->updated_us = call->now_us;
    books_note_entry(call->books, parent);
    paypal_keep_key(call, entry->id);
    return entry;
}

/* ---- authorizations -------------------------------------------------------------------------- */

/* 115 % of the authorization, and in USD not more than 75 above it. */
static int64_t most_capturable(const struct book_entry *hold)
{
    int64_t over = 0;
    if (!money_scale(hold->amount_minor, OVER_CAPTURE_PERCENT, 100, MONEY_DOWN, &over)) {
        over = 0;
    }
    if (str_eq(str_of(hold->currency->code), STR("USD")) && over > OVER_CAPTURE_USD_MINOR) {
        over = OVER_CAPTURE_USD_MINOR;
    }
    return hold->amount_minor + over;
}

static const char *capture_obstacle(const struct call *call, const struct book_entry *hold)
{
    return hold->state == BOOK_VOIDED     ? "AUTHORIZATION_VOIDED"
           : hold->state == BOOK_CAPTURED ? "AUTHORIZATION_ALREADY_CAPTURED"
           : hold->state == BOOK_DECLINED ? "AUTHORIZATION_DENIED"
           : hold->state == BOOK_PENDING  ? "TRANSACTION_REFUSED"
           : call->now_us - hold->created_us > HOLD_LIFE_DAYS * DAY_US ? "AUTHORIZATION_EXPIRED"
                                                                       : NULL;
}

void paypal_hold_capture(struct call *call)
{
    struct book_entry *hold;
    int64_t minor;
    if (!begin(call, BOOK_HOLD, &hold) ||
        !read_amount(call, hold->currency, "AUTH_CAPTURE_CURRENCY_MISMATCH",
                     hold->amount_minor - hold->captured_minor, &minor)) {
        return;
    }
    const char *issue = capture_obstacle(call, hold);
    if (!issue && minor > most_capturable(hold) - hold->captured_minor) {
        issue = "MAX_CAPTURE_AMOUNT_EXCEEDED";
    }
    if (issue) {
        refuse(call, issue);
        return;
    }
    struct book_entry *capture = add_child(call, hold, BOOK_CHARGE, minor);
    capture->code = hold->code;
    capture->fee_minor = paypal_fee(minor, hold->currency);
    capture->final = json_is_true(json_object_get(call->json, "final_capture"));
    hold->captured_minor += minor;
    hold->state = capture->final || hold->captured_minor >= hold->amount_minor
                      ? BOOK_CAPTURED
                      : BOOK_PARTIALLY_CAPTURED;
    paypal_print_entry(call, 201, capture, paypal_wants_all(call));
}

/*
 * From the fourth day on: a new authorization replaces the old one, of which no more can be captured.
 * PayPal's pages do not say what becomes of one that was captured in part: here its rest is held again.
 */
void paypal_hold_reauthorize(struct call *call)
{
    struct book_entry *hold;
    int64_t minor;
    if (!begin(call, BOOK_HOLD, &hold) ||
        !read_amount(call, hold->currency, "AUTH_CURRENCY_MISMATCH",
                     hold->amount_minor - hold->captured_minor, &minor)) {
        return;
    }
    int64_t age_us = call->now_us - hold->created_us;
    bool early = age_us <= HONOUR_DAYS * DAY_US;
    bool late = age_us > HOLD_LIFE_DAYS * DAY_US;
    bool open = hold->state == BOOK_HELD || hold->state == BOOK_PARTIALLY_CAPTURED;
    bool more = minor > most_capturable(hold) - hold->captured_minor;
    const char *issue = hold->state == BOOK_VOIDED       ? "AUTHORIZATION_VOIDED"
                        : hold->state == BOOK_CAPTURED   ? "AUTHORIZATION_ALREADY_CAPTURED"
                        : !open || early || late || more ? "REAUTHORIZATION_NOT_SUPPORTED"
                                                         : NULL;
    if (issue) {
        refuse(call, issue);
        return;
    }
    struct book_entry *next = add_child(call, hold, BOOK_HOLD, minor);
    next->state = BOOK_HELD;
    next->code = hold->code;
    hold->state = BOOK_VOIDED;
    paypal_print_entry(call, 201, next, paypal_wants_all(call));
}

void paypal_hold_void(struct call *call)
{
    struct book_entry *hold;
    if (!begin(call, BOOK_HOLD, &hold)) {
        return;
    }
    const char *issue = hold->state == BOOK_VOIDED               ? "PREVIOUSLY_VOIDED"
                        : hold->state == BOOK_CAPTURED           ? "PREVIOUSLY_CAPTURED"
                        : hold->state == BOOK_PARTIALLY_CAPTURED ? "PREVIOUSLY_CAPTURED"
                        : hold->state == BOOK_DECLINED           ? "CANNOT_BE_VOIDED"
                                                                 : NULL;
    if (issue) {
        refuse(call, issue);
        return;
    }
    (void)add_child(call, hold, BOOK_VOID, hold->amount_minor);
    hold->state = BOOK_VOIDED;
    answer_void(call, hold);
}

/* ---- captures -------------------------------------------------------------------------------- */

void paypal_capture_refund(struct call *call)
{
    struct book_entry *capture;
    int64_t minor;
    if (!begin(call, BOOK_CHARGE, &capture) ||
        !read_amount(call, capture->currency, "CURRENCY_MISMATCH",
                     capture->amount_minor - capture->refunded_minor, &minor)) {
        return;
    }
    const char *issue =
        capture->state == BOOK_REFUNDED                             ? "CAPTURE_FULLY_REFUNDED"
        : capture->state == BOOK_PENDING                            ? "PENDING_CAPTURE"
        : capture->state == BOOK_DECLINED                           ? "REFUND_NOT_ALLOWED"
        : call->now_us - capture->created_us > REFUND_DAYS * DAY_US ? "REFUND_TIME_LIMIT_EXCEEDED"
        : minor > capture->amount_minor - capture->refunded_minor   ? "REFUND_AMOUNT_EXCEEDED"
                                                                    : NULL;
    if (issue) {
        refuse(call, issue);
        return;
    }
    struct book_entry *refund = add_child(call, capture, BOOK_REFUND, minor);
    capture->refunded_minor += minor;
    capture->state =
        capture->refunded_minor == capture->amount_minor ? BOOK_REFUNDED : BOOK_PARTIALLY_REFUNDED;
    paypal_print_entry(call, 201, refund, paypal_wants_all(call));
}

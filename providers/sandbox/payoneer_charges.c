/* Payoneer Checkout: charges, closings, cancellations and payouts. */
#include "providers/sandbox/payer.h"
#include "providers/sandbox/payoneer.h"

static bool refuse(struct call *call, const char *reason, const char *info)
{
    payoneer_error(call, 422, "ABORT", reason, info);
    return false;
}

static int64_t fee_of(int64_t minor)
{
    int64_t fee = 0;
    bool ok = money_scale(minor, PAYONEER_FEE_PER_10000, 10000, MONEY_HALF_UP, &fee);
    return ok ? fee + PAYONEER_FEE_FIXED_MINOR : 0;
}

/* The operation's own amount, at most `most`; without one it is `most`. False: answered. */
static bool read_amount(struct call *call, const struct currency *currency, int64_t most,
                        int64_t *minor)
{
    *minor = most;
    if (!json_object_get(call->json, "payment")) {
        return true;
    }
    struct str code = json_path_text(call->json, "payment.currency");
    if (!str_eq(code, str_of(currency->code))) {
        return refuse(call, "INVALID_REQUEST", "payment.currency differs from the transaction's");
    }
    if (!payoneer_amount(call, "payment.amount", currency, minor)) {
        return false;
    }
    return *minor <= most || refuse(call, "EXCEEDS_LIMIT", "payment.amount exceeds what is open");
}

static struct str or_else(struct call *call, const char *path, struct str otherwise)
{
    struct str given = json_path_text(call->json, path);
    return given.len > 0 ? books_keep(call->books, given) : otherwise;
}

/* ---- charge of a list ------------------------------------------------------------------------ */

static bool list_is_open(struct call *call, struct book_session *list)
{
    bool payout = call->route == PAYONEER_PAYOUT_ACCOUNT || call->route == PAYONEER_PAYOUT_NETWORK;
    if (list->state == SESSION_COMPLETED) {
        struct book_entry *entry = books_find_entry(call->books, list->used_by);
        entry->request_count++;
        books_note_entry(call->books, entry);
        return refuse(call, "DUPLICATE_OPERATION", "The session was used already");
    }
    if (list->state == SESSION_CANCELED ||
        call->now_us - list->created_us > PAYONEER_LIST_LIFE_S * INT64_C(1000000)) {
        return refuse(call, "EXPIRED_SESSION", "The session is over");
    }
    return list->payout == payout ||
           refuse(call, "INVALID_REQUEST", "The operation does not fit the session's direction");
}

static bool read_scenario(struct call *call, struct scenario *scenario)
{
    if (call->route == PAYONEER_CHARGE_ACCOUNT || call->route == PAYONEER_PAYOUT_ACCOUNT) {
        *scenario = scenario_of_token(call->param[1]);
        if (scenario->kind == SCENARIO_UNKNOWN) {
            return refuse(call, "INVALID_ACCOUNT", "No such registered account");
        }
    } else {
        struct str number = json_path_text(call->json, "account.number");
        if (number.len == 0 && json_path_text(call->json, "account.iban").len == 0) {
            return refuse(call, "INVALID_ACCOUNT", "account.number or account.iban is required");
        }
        *scenario = scenario_of_card(json_path_text(call->json, "account.holderName"), number);
    }
    *scenario = call_scenario(call, *scenario);
    return true;
}

void payoneer_settle(struct book_entry *entry, enum scenario_kind kind)
{
    switch (kind) {
    case SCENARIO_SOFT:
        entry->state = BOOK_DECLINED;
        entry->code = STR("DECLINED");
        return;
    case SCENARIO_HARD:
        entry->state = BOOK_DECLINED;
        entry->code = STR("FRAUD");
        return;
    case SCENARIO_ACTION:
        entry->state = BOOK_PENDING;
        entry->code = STR("STRONG_AUTHENTICATION");
        return;
    case SCENARIO_PENDING:
        entry->state = BOOK_PENDING;
        entry->code = STR("PENDING");
        return;
    case SCENARIO_NONE:
    case SCENARIO_APPROVE:
    case SCENARIO_UNKNOWN:
        break;
    }
    entry->state = entry->kind == BOOK_HOLD ? BOOK_HELD : BOOK_COMPLETED;
    entry->code = STR("OK");
    entry->fee_minor = entry->kind == BOOK_CHARGE ? fee_of(entry->amount_minor) : 0;
}

void payoneer_charge(struct call *call)
{
    struct scenario scenario;
    int64_t minor;
    struct book_session *list = payoneer_find_list(call);
    if (!list || !list_is_open(call, list) || !payoneer_parse(call) ||
        !read_amount(call, list->units[0].currency, list->units[0].amount_minor, &minor) ||
        !read_scenario(call, &scenario)) {
        return;
    }
    const struct book_unit *unit = &list->units[0];
    struct book_entry *entry = books_add_entry(call->books, payoneer_long_id(call), list);
    entry->kind = list->payout ? BOOK_PAYOUT : list->authorize ? BOOK_HOLD : BOOK_CHARGE;
    entry->reference = or_else(call, "transactionId", unit->custom_id);
    entry->invoice = or_else(call, "payment.invoiceId", unit->invoice_id);
    entry->amount_minor = minor;
    entry->currency = unit->currency;
    entry->created_us = call->now_us;
    entry->updated_us = call->now_us;
    entry->key = list->id;
    payoneer_settle(entry, scenario.kind);
    list->state = SESSION_COMPLETED;
    list->used_by = entry->id;
    list->token = books_keep(call->books, call->param[1]);
    list->updated_us = call->now_us;
    books_note_session(call->books, list);
    payoneer_print_charge(call, entry);
}

static bool waits(const struct book_entry *entry)
{
    return str_eq(entry->code, STR("STRONG_AUTHENTICATION"));
}

/* Whoever asks after the payer's time finds it over. */
static void expire(struct call *call, struct book_entry *entry)
{
    if (waits(entry) && call->now_us - entry->created_us > call->settings->payer_ms * 1000) {
        entry->state = BOOK_DECLINED;
        entry->code = STR("EXPIRED");
        entry->updated_us = call->now_us;
        books_note_entry(call->books, entry);
    }
}

void payoneer_charge_show(struct call *call)
{
    struct book_entry *entry = payoneer_find_charge(call);
    if (entry) {
        expire(call, entry);
        payoneer_print_charge(call, entry);
    }
}

/* ---- afterwards ------------------------------------------------------------------------------ */

static int64_t open_minor(const struct book_entry *entry)
{
    return entry->amount_minor -
           (entry->kind == BOOK_HOLD ? entry->captured_minor : entry->refunded_minor);
}

static struct book_entry *find_hold(struct call *call)
{
    struct book_entry *entry = payoneer_find_charge(call);
    if (!entry) {
        return NULL;
    }
    if (entry->kind != BOOK_HOLD) {
        (void)refuse(call, "INVALID_REQUEST", "The transaction is not a deferred charge");
        return NULL;
    }
    if (entry->state == BOOK_CAPTURED || entry->state == BOOK_VOIDED) {
        (void)refuse(call, "DUPLICATE_OPERATION", "The deferred charge is over");
        return NULL;
    }
    if (entry->state == BOOK_DECLINED || entry->state == BOOK_PENDING) {
        (void)refuse(call, "INVALID_REQUEST", "The charge is not preauthorized");
        return NULL;
    }
    return entry;
}

/* A movement that acts on `parent`. */
static struct book_entry *add_child(struct call *call, struct book_entry *parent,
                                    enum book_kind kind, int64_t minor)
{
    struct book_entry *entry = books_add_entry(call->books, payoneer_long_id(call),
                                               books_find_session(call->books, parent->session));
    entry->kind = (int)kind;
    entry->state = BOOK_COMPLETED;
    entry->code = STR("OK");
    entry->reference = or_else(call, "transactionId", parent->reference);
    entry->invoice = or_else(call, "payment.invoiceId", parent->invoice);
    entry->parent = parent->id;
    entry->amount_minor = minor;
    entry->currency = parent->currency;
    entry->created_us = call->now_us;
    entry->updated_us = call->now_us;
    parent->updated_us = call->now_us;
    books_note_entry(call->books, parent);
    return entry;
}

void payoneer_charge_close(struct call *call)
{
    int64_t minor;
    struct book_entry *hold = find_hold(call);
    if (!hold || !payoneer_parse(call) ||
        !read_amount(call, hold->currency, open_minor(hold), &minor)) {
        return;
    }
    struct book_entry *entry = add_child(call, hold, BOOK_CHARGE, minor);
    entry->fee_minor = fee_of(minor);
    entry->final = json_is_true(json_object_get(call->json, "finalOperation"));
    hold->captured_minor += minor;
    hold->state = entry->final || open_minor(hold) == 0 ? BOOK_CAPTURED : BOOK_PARTIALLY_CAPTURED;
    payoneer_print_charge(call, entry);
}

static struct book_entry *release(struct call *call, struct book_entry *hold, int64_t minor)
{
    struct book_entry *entry = add_child(call, hold, BOOK_VOID, minor);
    if (minor < open_minor(hold)) {
        hold->amount_minor -= minor;
    } else if (hold->captured_minor > 0) {
        hold->amount_minor = hold->captured_minor;
        hold->state = BOOK_CAPTURED;
    } else {
        hold->state = BOOK_VOIDED;
    }
    return entry;
}

void payoneer_charge_cancel(struct call *call)
{
    struct book_entry *hold = find_hold(call);
    if (hold && payoneer_parse(call)) {
        (void)release(call, hold, open_minor(hold));
        payoneer_print_charge(call, hold);
    }
}

static bool may_refund(struct call *call, const struct book_entry *charge)
{
    if (charge->kind != BOOK_CHARGE) {
        return refuse(call, "INVALID_REQUEST", "The transaction cannot be refunded");
    }
    if (charge->state == BOOK_REFUNDED) {
        return refuse(call, "DUPLICATE_OPERATION", "The charge is refunded already");
    }
    return charge->state == BOOK_COMPLETED || charge->state == BOOK_PARTIALLY_REFUNDED ||
           refuse(call, "INVALID_REQUEST", "The charge is not settled");
}

/* On a deferred charge that is not closed the same call cancels the authorization, whole or in
 * part. */
void payoneer_charge_refund(struct call *call)
{
    int64_t minor;
    struct book_entry *charge = payoneer_find_charge(call);
    if (charge && charge->kind == BOOK_HOLD) {
        charge = find_hold(call);
        if (charge && payoneer_parse(call) &&
            read_amount(call, charge->currency, open_minor(charge), &minor)) {
            payoneer_print_charge(call, release(call, charge, minor));
        }
        return;
    }
    if (!charge || !may_refund(call, charge) || !payoneer_parse(call) ||
        !read_amount(call, charge->currency, open_minor(charge), &minor)) {
        return;
    }
    struct book_entry *refund = add_child(call, charge, BOOK_REFUND, minor);
    charge->refunded_minor += minor;
    charge->state = open_minor(charge) == 0 ? BOOK_REFUNDED : BOOK_PARTIALLY_REFUNDED;
    payoneer_print_charge(call, refund);
}

/* ---- strong authentication ------------------------------------------------------------------- */

/* NULL: answered. */
static struct book_entry *find_for_payer(struct call *call)
{
    struct book_entry *entry = books_find_entry(call->books, call->param[0]);
    if (!entry || entry->provider != SANDBOX_PAYONEER || entry->kind == BOOK_REFUND) {
        payer_message(call, 404, "There is no such payment.");
        return NULL;
    }
    expire(call, entry);
    return entry;
}

void payoneer_authenticate_page(struct call *call)
{
    char text[MONEY_TEXT_SIZE];
    const struct book_entry *entry = find_for_payer(call);
    if (!entry) {
        return;
    }
    if (!waits(entry)) {
        payer_message(call, 200, "Nothing is to be done here any more.");
        return;
    }
    const struct payer_page page = {
        .title = "3-D Secure (sandbox)",
        .amount = money_format(entry->amount_minor, entry->currency->exponent, text),
        .currency = str_of(entry->currency->code),
        .invoice = entry->invoice,
        .accept = {"Approve", STR("?decision=approve")},
        .refuse = {"Decline", STR("?decision=decline")},
    };
    payer_ask(call, &page);
}

/* Pressed twice, the first counts. The charge goes on by itself: nobody completes it. */
void payoneer_authenticate(struct call *call)
{
    struct str decision = STR_NONE;
    struct book_entry *entry = find_for_payer(call);
    (void)call_query(call, "decision", &decision);
    if (!entry) {
        return;
    }
    bool declines = str_eq(decision, STR("decline"));
    if (waits(entry)) {
        payoneer_settle(entry, declines ? SCENARIO_SOFT : SCENARIO_APPROVE);
        entry->updated_us = call->now_us;
        books_note_entry(call->books, entry);
    }
    const struct book_session *list = books_find_session(call->books, entry->session);
    bool was_declined = entry->state == BOOK_DECLINED;
    call_send_payer_on(call, was_declined && list->cancel_url.len > 0 ? list->cancel_url
                                                                      : list->return_url);
}

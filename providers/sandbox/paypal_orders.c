/* PayPal Orders v2. */
#include "providers/sandbox/paypal.h"

#include <string.h>

#include "providers/sandbox/payer.h"

struct book_session *paypal_find_order(struct call *call)
{
    struct str id = call->param[0];
    struct book_session *order = books_find_session(call->books, id);
    if (order && order->provider == SANDBOX_PAYPAL && str_eq(order->account, call->account)) {
        return order;
    }
    paypal_error(call, "INVALID_RESOURCE_ID", STR("order_id"), "path", id);
    return NULL;
}

/* A repeat under the same PayPal-Request-Id: the current state, whatever the body says now. */
static void answer_repeat(struct call *call, struct str id, enum paypal_detail least)
{
    struct book_session *order = books_find_session(call->books, id);
    CHECK(order);
    for (struct book_entry *entry = order->first; entry; entry = entry->next_in_session) {
        if (str_eq(entry->key, paypal_key(call))) {
            entry->request_count++;
            books_note_entry(call->books, entry);
        }
    }
    paypal_print_order(call, 200, order, paypal_wants_all(call) ? PAYPAL_ALL : least);
}

/* ---- paying ---------------------------------------------------------------------------------- */

void paypal_settle(struct book_entry *entry, struct scenario scenario)
{
    bool declined = scenario.kind == SCENARIO_SOFT || scenario.kind == SCENARIO_HARD;
    if (declined) {
        entry->state = BOOK_DECLINED;
    } else if (scenario.kind == SCENARIO_PENDING) {
        entry->state = BOOK_PENDING;
    } else if (entry->kind == BOOK_HOLD) {
        entry->state = BOOK_HELD;
    } else {
        entry->state = BOOK_COMPLETED;
        entry->fee_minor = paypal_fee(entry->amount_minor, entry->currency);
    }
}

static struct book_entry *add_entry(struct call *call, struct book_session *session,
                                    const struct book_unit *unit, bool authorize)
{
    struct book_entry *entry = books_add_entry(call->books, paypal_new_id(call), session);
    entry->provider = SANDBOX_PAYPAL;
    entry->kind = authorize ? BOOK_HOLD : BOOK_CHARGE;
    entry->reference = books_keep(call->books, unit->custom_id);
    entry->invoice = books_keep(call->books, unit->invoice_id);
    entry->amount_minor = unit->amount_minor;
    entry->currency = unit->currency;
    entry->created_us = call->now_us;
    entry->updated_us = call->now_us;
    entry->key = books_keep(call->books, paypal_key(call));
    entry->final = !authorize;
    return entry;
}

/* Money moves, is held or refused: one payment per unit, and the order is done in any case. */
static void pay(struct call *call, struct book_session *order, struct scenario scenario)
{
    for (size_t i = 0; i < order->unit_count; i++) {
        struct book_entry *entry = add_entry(call, order, &order->units[i], order->authorize);
        entry->unit = (int64_t)i;
        entry->code = order->source == SOURCE_CARD ? str_of(scenario.code) : STR_NONE;
        paypal_settle(entry, scenario);
    }
    order->state = SESSION_COMPLETED;
    order->updated_us = call->now_us;
    books_note_session(call->books, order);
}

/* A wallet has no processor: its decline is an error, and the order (if any) stays as it was. */
static bool decline_wallet(struct call *call, const struct book_unit *units, size_t count,
                           bool authorize, struct scenario scenario)
{
    bool hard = scenario.kind == SCENARIO_HARD;
    if (!hard && scenario.kind != SCENARIO_SOFT) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct book_entry *entry = add_entry(call, NULL, &units[i], authorize);
        entry->account = books_keep(call->books, call->account);
        entry->state = BOOK_DECLINED;
        entry->code = hard ? STR("TRANSACTION_REFUSED") : STR("INSTRUMENT_DECLINED");
    }
    paypal_error(call, hard ? "TRANSACTION_REFUSED" : "INSTRUMENT_DECLINED", STR_NONE, "body",
                 STR_NONE);
    return true;
}

static void set_source(struct call *call, struct book_session *order,
                       const struct paypal_source *source)
{
    struct books *books = call->books;
    size_t len = source->number.len;
    order->source = (int)source->kind;
    order->token = books_keep(books, source->token);
    order->name = books_keep(books, source->name);
    order->expiry = books_keep(books, source->expiry);
    order->email = books_keep(books, source->email);
    order->digits = len >= 4 ? books_keep(books, str_sub(source->number, len - 4, 4)) : STR("7704");
    order->brand = paypal_brand(source->number);
    const json_t *sources = json_object_get(call->json, "payment_source");
    for (size_t i = 0; i < 2; i++) {
        const json_t *one = json_object_get(sources, i == 0 ? "paypal" : "card");
        const json_t *context = json_object_get(one, "experience_context");
        if (context) {
            order->return_url = books_keep(books, json_text(context, "return_url"));
            order->cancel_url = books_keep(books, json_text(context, "cancel_url"));
        }
    }
}

/* ---- create ---------------------------------------------------------------------------------- */

static bool is_invoice_used(const struct call *call, struct str invoice)
{
    for (size_t i = 0; i < call->books->log_count; i++) {
        const struct book_entry *entry = call->books->log[i];
        if (entry->provider == SANDBOX_PAYPAL && entry->state != BOOK_DECLINED &&
            str_eq(entry->account, call->account) && str_eq(entry->invoice, invoice)) {
            return true;
        }
    }
    return false;
}

static bool check(struct call *call, struct book_unit units[BOOKS_UNIT_MAX], size_t *count,
                  struct paypal_source *source)
{
    struct paypal_problems problems = {.count = 0};
    paypal_check_order(call, units, count, &problems);
    paypal_check_source(call, source, &problems);
    if ((source->kind == SOURCE_CARD || source->vaulted) && paypal_key(call).len == 0) {
        paypal_add(&problems, STR_NONE, STR_NONE, "PAYPAL_REQUEST_ID_REQUIRED");
    }
    for (size_t i = 0; call->settings->unique_invoices && i < *count; i++) {
        if (units[i].invoice_id.len > 0 && is_invoice_used(call, units[i].invoice_id)) {
            paypal_add(&problems, STR("/purchase_units/invoice_id"), units[i].invoice_id,
                       "DUPLICATE_INVOICE_ID");
        }
    }
    return !paypal_refuse(call, &problems);
}

static struct book_session *make_order(struct call *call, const struct book_unit *units,
                                       size_t count)
{
    struct books *books = call->books;
    struct book_session *order = books_add_session(books, paypal_new_id(call), count);
    order->provider = SANDBOX_PAYPAL;
    order->account = books_keep(books, call->account);
    order->state = SESSION_CREATED;
    order->authorize = str_eq(json_text(call->json, "intent"), STR("AUTHORIZE"));
    order->created_us = call->now_us;
    order->updated_us = call->now_us;
    const json_t *context = json_object_get(call->json, "application_context");
    order->return_url = books_keep(books, json_text(context, "return_url"));
    order->cancel_url = books_keep(books, json_text(context, "cancel_url"));
    for (size_t i = 0; i < count; i++) {
        struct book_unit *unit = &order->units[i];
        *unit = units[i];
        unit->reference_id = books_keep(books, units[i].reference_id);
        unit->custom_id = books_keep(books, units[i].custom_id);
        unit->invoice_id = books_keep(books, units[i].invoice_id);
        unit->soft_descriptor = books_keep(books, units[i].soft_descriptor);
        unit->json = books_keep(books, units[i].json);
    }
    return order;
}

void paypal_order_create(struct call *call)
{
    struct book_unit units[BOOKS_UNIT_MAX];
    struct paypal_source source;
    struct str known;
    size_t count = 0;
    if (!paypal_begin(call, &known)) {
        return;
    }
    if (known.len > 0) {
        answer_repeat(call, known, PAYPAL_MINIMAL);
        return;
    }
    if (!paypal_parse(call) || !check(call, units, &count, &source)) {
        return;
    }
    bool authorize = str_eq(json_text(call->json, "intent"), STR("AUTHORIZE"));
    if (source.kind == SOURCE_WALLET &&
        decline_wallet(call, units, count, authorize, source.scenario)) {
        return;
    }
    struct book_session *order = make_order(call, units, count);
    if (source.kind != SOURCE_NONE) {
        set_source(call, order, &source);
    }
    if (source.kind != SOURCE_NONE && source.scenario.kind == SCENARIO_ACTION) {
        order->state = SESSION_PAYER_ACTION;
    } else if (source.kind != SOURCE_NONE) {
        pay(call, order, source.scenario);
    }
    paypal_keep_key(call, order->id);
    /* A wallet that needs its payer answers 200, everything else 201. */
    int status = order->state == SESSION_PAYER_ACTION ? 200 : 201;
    paypal_print_order(call, status, order, paypal_wants_all(call) ? PAYPAL_ALL : PAYPAL_MINIMAL);
}

void paypal_order_show(struct call *call)
{
    struct book_session *order = paypal_find_order(call);
    if (order) {
        paypal_print_order(call, 200, order, PAYPAL_ALL);
    }
}

/* ---- authorize, capture, confirm ------------------------------------------------------------- */

/* NULL, or the issue that forbids to pay the order now. */
static const char *obstacle(const struct call *call, const struct book_session *order,
                            const struct paypal_source *source)
{
    bool authorize = call->route == PAYPAL_ORDER_AUTHORIZE;
    if (order->authorize != authorize) {
        return "ACTION_DOES_NOT_MATCH_INTENT";
    }
    switch ((enum session_state)order->state) {
    case SESSION_COMPLETED:
        return authorize ? "ORDER_ALREADY_AUTHORIZED" : "ORDER_ALREADY_CAPTURED";
    case SESSION_CANCELED:
        return "ORDER_COMPLETED_OR_VOIDED";
    case SESSION_PAYER_ACTION:
        return order->source == SOURCE_CARD ? "PAYER_ACTION_REQUIRED" : "ORDER_NOT_APPROVED";
    case SESSION_CREATED:
        return source->kind == SOURCE_NONE ? "ORDER_NOT_APPROVED" : NULL;
    case SESSION_APPROVED:
    case SESSION_NONE:
    case SESSION_STATE_COUNT:
        break;
    }
    return NULL;
}

/* What an approved order's source will do; the payer of tok_3ds has acted by now. */
static struct scenario scenario_of_order(const struct call *call, const struct book_session *order)
{
    struct scenario natural = scenario_of(SCENARIO_APPROVE);
    if (order->token.len > 0) {
        natural = scenario_of_token(order->token);
    } else if (order->source == SOURCE_CARD) {
        natural = scenario_of_card(order->name, STR_NONE);
    }
    if (natural.kind == SCENARIO_ACTION) {
        natural = scenario_of(SCENARIO_APPROVE);
    }
    return call_scenario(call, natural);
}

static void pay_order(struct call *call, struct book_session *order,
                      const struct paypal_source *source)
{
    struct scenario scenario;
    if (source->kind != SOURCE_NONE) {
        set_source(call, order, source);
        scenario = source->scenario;
    } else {
        scenario = scenario_of_order(call, order);
    }
    if (scenario.kind == SCENARIO_ACTION) {
        order->state = SESSION_PAYER_ACTION;
        books_note_session(call->books, order);
        paypal_error(call, "PAYER_ACTION_REQUIRED", STR_NONE, "body", STR_NONE);
        return;
    }
    if (order->source != SOURCE_CARD &&
        decline_wallet(call, order->units, order->unit_count, order->authorize, scenario)) {
        return;
    }
    pay(call, order, scenario);
    paypal_keep_key(call, order->id);
    paypal_print_order(call, 201, order, paypal_wants_all(call) ? PAYPAL_ALL : PAYPAL_PAYMENTS);
}

void paypal_order_pay(struct call *call)
{
    struct paypal_problems problems = {.count = 0};
    struct paypal_source source;
    struct str known;
    if (!paypal_begin(call, &known)) {
        return;
    }
    if (known.len > 0) {
        answer_repeat(call, known, PAYPAL_PAYMENTS);
        return;
    }
    if (!paypal_parse(call)) {
        return;
    }
    struct book_session *order = paypal_find_order(call);
    if (!order) {
        return;
    }
    paypal_check_source(call, &source, &problems);
    if (paypal_refuse(call, &problems)) {
        return;
    }
    const char *issue = obstacle(call, order, &source);
    if (issue) {
        paypal_error(call, issue, STR_NONE, "body", STR_NONE);
        return;
    }
    pay_order(call, order, &source);
}

void paypal_order_confirm(struct call *call)
{
    struct paypal_problems problems = {.count = 0};
    struct paypal_source source;
    struct book_session *order = paypal_find_order(call);
    if (!order || !paypal_parse(call)) {
        return;
    }
    paypal_check_source(call, &source, &problems);
    if (!json_object_get(call->json, "payment_source")) {
        paypal_add(&problems, STR("/payment_source"), STR_NONE, "NO_PAYMENT_SOURCE_PROVIDED");
    }
    if (order->state != SESSION_CREATED && order->state != SESSION_PAYER_ACTION) {
        paypal_add(&problems, STR_NONE, STR_NONE, "ORDER_CANNOT_BE_CONFIRMED");
    }
    if (paypal_refuse(call, &problems)) {
        return;
    }
    set_source(call, order, &source);
    order->state =
        source.scenario.kind == SCENARIO_ACTION ? SESSION_PAYER_ACTION : SESSION_APPROVED;
    order->updated_us = call->now_us;
    books_note_session(call->books, order);
    paypal_print_order(call, 200, order, paypal_wants_all(call) ? PAYPAL_ALL : PAYPAL_MINIMAL);
}

/* ---- the payer ------------------------------------------------------------------------------- */

/* NULL: answered. */
static struct book_session *find_for_payer(struct call *call)
{
    struct str id = STR_NONE;
    (void)call_query(call, "token", &id);
    struct book_session *order = books_find_session(call->books, id);
    if (!order || order->provider != SANDBOX_PAYPAL) {
        payer_message(call, 404, "There is no such order.");
        return NULL;
    }
    return order;
}

static bool waits(const struct book_session *order)
{
    return order->state == SESSION_CREATED || order->state == SESSION_PAYER_ACTION;
}

static bool is_late(const struct call *call, const struct book_session *order)
{
    return call->now_us - order->created_us > PAYPAL_APPROVAL_S * INT64_C(1000000);
}

/* With the token, and the payer's id when there was consent. */
static struct str back_to(struct call *call, const struct book_session *order, struct str url,
                          const char *more)
{
    bool has_query = str_find_char(url, '?', 0) != SIZE_MAX;
    if (url.len == 0) {
        return STR_NONE;
    }
    return arena_printf(call->arena, STR_FMT "%stoken=" STR_FMT "%s", STR_ARG(url),
                        has_query ? "&" : "?", STR_ARG(order->id), more);
}

void paypal_approve_page(struct call *call)
{
    struct book_session *order = find_for_payer(call);
    if (!order) {
        return;
    }
    if (!waits(order)) {
        payer_message(call, 200, "Nothing is to be done here any more.");
        return;
    }
    if (is_late(call, order)) {
        payer_message(call, 410, "It is too late to approve this order.");
        return;
    }
    char text[MONEY_TEXT_SIZE];
    const struct book_unit *unit = &order->units[0];
    const struct payer_page page = {
        .title = "PayPal (sandbox)",
        .amount = paypal_value(unit->amount_minor, unit->currency, text),
        .currency = str_of(unit->currency->code),
        .invoice = unit->invoice_id,
        .accept = {"Approve", arena_printf(call->arena, "?token=" STR_FMT "&decision=approve",
                                           STR_ARG(order->id))},
        .refuse = {"Cancel", arena_printf(call->arena, "?token=" STR_FMT "&decision=cancel",
                                          STR_ARG(order->id))},
    };
    payer_ask(call, &page);
}

/* Pressed twice, it leads to the same place; who cancels may still come back and approve. */
void paypal_approve(struct call *call)
{
    struct str decision = STR_NONE;
    struct book_session *order = find_for_payer(call);
    (void)call_query(call, "decision", &decision);
    if (!order) {
        return;
    }
    if (str_eq(decision, STR("cancel"))) {
        call_send_payer_on(call, back_to(call, order, order->cancel_url, ""));
        return;
    }
    if (order->state == SESSION_CANCELED || (waits(order) && is_late(call, order))) {
        payer_message(call, 410, "It is too late to approve this order.");
        return;
    }
    if (waits(order)) {
        order->source = order->source == SOURCE_NONE ? SOURCE_WALLET : order->source;
        order->state = SESSION_APPROVED;
        order->updated_us = call->now_us;
        books_note_session(call->books, order);
    }
    call_send_payer_on(call, back_to(call, order, order->return_url, "&PayerID=QYR5Z8XDVJNXQ"));
}

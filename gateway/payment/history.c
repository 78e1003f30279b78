#include "payment/history.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "payment/idempotency.h"

enum entry_kind { /* of one moment the cause stands before its effect */
                  ENTRY_CREATED = 0,
                  ENTRY_OUTCOME,
                  ENTRY_STATUS,
                  ENTRY_ATTEMPT,
                  ENTRY_SEND,
};

struct history_entry {
    int64_t at_us;
    enum entry_kind kind;
    size_t place; /* among its kind */
    const struct store_payment_view *payment;
    const struct store_attempt_view *attempt; /* ATTEMPT, SEND, OUTCOME */
    const struct store_send *send;
    const struct store_outcome *outcome; /* STATUS: what led to it; NULL: nothing */
    const struct event_view *event;
};

/* ---- making ---- */

static int compare(const void *a, const void *b)
{
    const struct history_entry *x = a;
    const struct history_entry *y = b;
    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    if (x->kind != y->kind)
        return (int)x->kind - (int)y->kind;
    return x->place < y->place ? -1 : x->place > y->place;
}

static const struct store_outcome *find_cause(const struct store_payment_view *payment,
                                              const struct event_view *event)
{
    for (size_t i = 0; i < payment->attempt_count; i++) {
        const struct store_attempt_view *attempt = &payment->attempts[i];
        if (!uuid_eq(&attempt->row.attempt_id, &event->attempt_id))
            continue;
        for (size_t at = 0; at < attempt->outcome_count; at++) {
            if (attempt->outcomes[at].created_us == event->created_us)
                return &attempt->outcomes[at];
        }
    }
    return NULL;
}

/* The row that was written with this event. */
static const struct store_outcome *cause_of(const struct history_parts *parts,
                                            const struct event_view *event)
{
    const struct store_outcome *found = find_cause(parts->payment, event);
    for (size_t i = 0; i < parts->operation_count && found == NULL; i++)
        found = find_cause(&parts->operations[i], event);
    return found;
}

static size_t count_rows(const struct store_payment_view *payment)
{
    size_t count = 1;
    for (size_t i = 0; i < payment->attempt_count; i++) {
        const struct store_attempt_view *attempt = &payment->attempts[i];
        count += 1 + attempt->send_count + attempt->outcome_count;
    }
    return count;
}

static struct history_entry *add(struct history_entry *entries, size_t *count, enum entry_kind kind,
                                 int64_t at_us)
{
    struct history_entry *entry = &entries[*count];
    *entry = (struct history_entry){.at_us = at_us, .kind = kind, .place = (*count)++};
    return entry;
}

/* The rows of a payment, or of an operation on it. */
static void add_rows(struct history_entry *entries, size_t *count,
                     const struct store_payment_view *payment)
{
    size_t from = *count;
    (void)add(entries, count, ENTRY_CREATED, payment->row.created_us);
    for (size_t i = 0; i < payment->attempt_count; i++) {
        const struct store_attempt_view *attempt = &payment->attempts[i];
        add(entries, count, ENTRY_ATTEMPT, attempt->row.created_us)->attempt = attempt;
        for (size_t at = 0; at < attempt->send_count; at++) {
            const struct store_send *send = &attempt->sends[at];
            struct history_entry *entry = add(entries, count, ENTRY_SEND, send->created_us);
            entry->attempt = attempt;
            entry->send = send;
        }
        for (size_t at = 0; at < attempt->outcome_count; at++) {
            const struct store_outcome *outcome = &attempt->outcomes[at];
            struct history_entry *entry = add(entries, count, ENTRY_OUTCOME, outcome->created_us);
            entry->attempt = attempt;
            entry->outcome = outcome;
        }
    }
    for (; from < *count; from++)
        entries[from].payment = payment;
}

const struct history_entry *history_make(const struct history_parts *parts, struct arena *arena,
                                         size_t *count)
{
    size_t room = count_rows(parts->payment) + parts->event_count;
    for (size_t i = 0; i < parts->operation_count; i++)
        room += count_rows(&parts->operations[i]);
    struct history_entry *entries = ARENA_ARRAY(arena, struct history_entry, room);
    *count = 0;
    add_rows(entries, count, parts->payment);
    for (size_t i = parts->operation_count; i > 0; i--) /* they are listed newest first */
        add_rows(entries, count, &parts->operations[i - 1]);
    for (size_t i = 0; i < parts->event_count; i++) {
        const struct event_view *event = &parts->events[i];
        struct history_entry *entry = add(entries, count, ENTRY_STATUS, event->created_us);
        entry->payment = parts->payment;
        entry->event = event;
        entry->outcome = cause_of(parts, event);
    }
    CHECK(*count == room);
    qsort(entries, room, sizeof(*entries), compare);
    return entries;
}

/* ---- printing ---- */

static void put_text(struct json_out *json, const char *key, struct str text)
{
    if (text.len > 0)
        json_put_str(json, key, text);
    else
        json_put_null(json, key);
}

static void put_time(struct json_out *json, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    json_put_str(json, key, clock_format_us(wall_us, text));
}

static void put_id(struct json_out *json, const char *key, enum id_kind kind, const struct uuid *id)
{
    char text[ID_TEXT_SIZE];
    if (uuid_is_zero(id))
        json_put_null(json, key);
    else
        json_put_str(json, key, id_format(kind, id, text));
}

/* An announced repeat, a crash found, a refusal before anything left: nobody outside said it. */
static bool is_providers_word(const struct store_outcome *outcome)
{
    return outcome != NULL && outcome->http_status > 0;
}

static bool is_operation(const struct history_entry *entry)
{
    return !uuid_is_zero(&entry->payment->row.parent_id);
}

/* A reversal or a cancel's void that the gateway began: no client's key begins so (sql_orders.c). */
static bool is_our_own(const struct store_payment *row)
{
    return str_starts(row->key, STR("\302\247"));
}

static struct str author_of(const struct store_payment *row)
{
    struct str person = idempotency_key_author(row->key);
    if (person.len > 0)
        return person;
    return is_our_own(row) ? STR("gateway") : STR("merchant");
}

/* Who did it: the merchant, a person of the house by the key, the gateway, or the provider by its name. */
static struct str actor_of(const struct history_entry *entry)
{
    switch (entry->kind) {
    case ENTRY_CREATED:
        return author_of(&entry->payment->row);
    case ENTRY_OUTCOME:
        return is_providers_word(entry->outcome) ? entry->attempt->row.provider : STR("gateway");
    case ENTRY_STATUS:
    case ENTRY_ATTEMPT:
    case ENTRY_SEND:
        return STR("gateway");
    }
    return STR_NONE;
}

static const char *operation_kind(const struct store_payment *row)
{
    return operation_name(row->operation);
}

static enum id_kind operation_id_kind(const struct store_payment *row)
{
    if (row->operation == OPERATION_CAPTURE)
        return ID_CAPTURE;
    if (row->operation == OPERATION_REAUTHORIZE)
        return ID_REAUTHORIZATION;
    return row->operation == OPERATION_VOID ? ID_VOID : ID_REFUND;
}

static void print_created(const struct store_payment *row, struct json_out *json)
{
    if (!uuid_is_zero(&row->parent_id))
        json_put_cstr(json, "kind", operation_kind(row));
    json_put_int(json, "amount", row->amount_minor);
    json_put_str(json, "currency", str_of(row->currency));
    put_text(json, "reference", row->reference);
}

static void print_attempt(const struct store_attempt *row, struct json_out *json)
{
    char id[ID_TEXT_SIZE];
    json_put_str(json, "account", id_format(ID_ACCOUNT, &row->account_id, id));
    json_put_cstr(json, "operation", operation_name(row->operation));
    json_put_int(json, "number", row->number);
    json_put_int(json, "amount", row->amount_minor);
    json_put_str(json, "currency", str_of(row->currency));
}

static void print_send(const struct store_send *send, struct json_out *json)
{
    json_put_int(json, "send", send->number);
    json_put_str(json, "step", send->step);
    json_put_bool(json, "moves_money", send->moves_money);
    put_time(json, "not_after", send->not_after_us);
}

static void print_outcome(const struct store_outcome *outcome, struct json_out *json)
{
    if (outcome->send_number > 0)
        json_put_int(json, "send", outcome->send_number);
    else
        json_put_null(json, "send");
    json_put_cstr(json, "outcome", outcome_name(outcome->outcome));
    put_text(json, "reason", outcome->reason);
    put_text(json, "code", outcome->code);
    put_text(json, "provider_reference", outcome->reference);
    json_put_bool(json, "left", outcome->left);
    if (outcome->http_status > 0)
        json_put_int(json, "http_status", outcome->http_status);
    else
        json_put_null(json, "http_status");
    json_put_int(json, "elapsed_ms", outcome->elapsed_us / CLOCK_MS_US);
}

static void print_status(const struct history_entry *entry, struct json_out *json)
{
    const struct event_view *event = entry->event;
    put_id(json, "id", ID_EVENT, &event->event_id);
    json_put_str(json, "type", event->type);
    json_put_cstr(json, "status", payment_status_name(event->status));
    json_put_int(json, "number", event->number);
    put_id(json, "attempt", ID_ATTEMPT, &event->attempt_id);
    put_text(json, "reason", entry->outcome != NULL ? entry->outcome->reason : STR_NONE);
    json_put_raw(json, "data", event->data_json.len > 0 ? event->data_json : STR("{}"));
}

void history_print(const struct history_entry *entries, size_t index, struct buf *out)
{
    static const char *const names[] = {
        [ENTRY_CREATED] = "created", [ENTRY_ATTEMPT] = "attempt", [ENTRY_SEND] = "send",
        [ENTRY_OUTCOME] = "outcome", [ENTRY_STATUS] = "status",
    };
    const struct history_entry *entry = &entries[index];
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_cstr(&json, "entry",
                  entry->kind == ENTRY_CREATED && is_operation(entry) ? "operation"
                                                                      : names[entry->kind]);
    put_time(&json, "at", entry->at_us);
    json_put_str(&json, "actor", actor_of(entry));
    if (is_operation(entry))
        put_id(&json, "operation_id", operation_id_kind(&entry->payment->row),
               &entry->payment->row.payment_id);
    if (entry->attempt != NULL) {
        put_id(&json, "attempt", ID_ATTEMPT, &entry->attempt->row.attempt_id);
        json_put_str(&json, "provider", entry->attempt->row.provider);
    }
    CHECK(entry->attempt != NULL || entry->kind == ENTRY_CREATED || entry->kind == ENTRY_STATUS);
    switch (entry->kind) {
    case ENTRY_CREATED:
        print_created(&entry->payment->row, &json);
        break;
    case ENTRY_ATTEMPT:
        print_attempt(&entry->attempt->row, &json);
        break;
    case ENTRY_SEND:
        print_send(entry->send, &json);
        break;
    case ENTRY_OUTCOME:
        print_outcome(entry->outcome, &json);
        break;
    case ENTRY_STATUS:
        print_status(entry, &json);
        break;
    }
    json_end_object(&json);
}

static void put_subject(const struct event_view *event, struct json_out *json)
{
    if (str_eq(event->kind, STR("payout"))) {
        put_id(json, "payout", ID_PAYOUT, &event->subject_id);
    } else if (uuid_is_zero(&event->parent_id)) {
        put_id(json, "payment", ID_PAYMENT, &event->subject_id);
    } else {
        struct store_payment row = {.operation = operation_find(event->kind)};
        put_id(json, "payment", ID_PAYMENT, &event->parent_id);
        put_id(json, "operation", operation_id_kind(&row), &event->subject_id);
    }
}

void present_event(const struct event_view *event, struct buf *out)
{
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    put_id(&json, "id", ID_EVENT, &event->event_id);
    json_put_cstr(&json, "object", "event");
    json_put_str(&json, "type", event->type);
    put_time(&json, "created", event->created_us);
    put_subject(event, &json);
    json_put_cstr(&json, "status", payment_status_name(event->status));
    json_put_int(&json, "number", event->number);
    put_id(&json, "attempt", ID_ATTEMPT, &event->attempt_id);
    json_put_int(&json, "amount", event->amount_minor);
    json_put_str(&json, "currency", str_of(event->currency));
    put_text(&json, "reference", event->reference);
    json_put_raw(&json, "data", event->data_json.len > 0 ? event->data_json : STR("{}"));
    json_put_bool(&json, "livemode", event->livemode);
    json_end_object(&json);
}

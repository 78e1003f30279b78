/*
 * PayPal Payouts v1: a new batch.
 *
 *     body -> test values -> fields of header and items -> one currency, and one that is held
 *          -> sender_batch_id seen? -> enough money? -> batch and items, PENDING
 *
 * The whole batch is refused or accepted. What only shows later (an address nobody has, an account
 * that may not receive) is no reason to refuse.
 */
#include "providers/sandbox/paypal_payouts.h"

#include "providers/sandbox/paypal.h"

#include <stdlib.h>

#define BATCH_ID_LIFE_US (INT64_C(30) * 86400 * 1000000)
#define ID_ALPHABET      "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

enum {
    BATCH_ID_MAX = 256,
    SUBJECT_MAX = 255,
    MESSAGE_MAX = 1000,
    RECIPIENT_TYPE_MAX = 13,
    RECEIVER_MAX = 127,
    ITEM_NOTE_MAX = 4000,
    ITEM_ID_MAX = 63,
    PURPOSE_MAX = 40,
    VALUE_MAX = 32,
    ID_LEN = 13,
    ACCOUNT_LEN = 13,
};

#define MISSING  "Required field missing"
#define TOO_LONG "Value exceeds max length"
#define MISMATCH "Receiver is invalid or does not match with type"

static const struct json_limits body_limits = {
    .depth_max = 16, .member_count_max = 1 << 19, .string_bytes_max = 32768};

struct item { /* borrowed from the body's JSON */
    const json_t *json;
    struct str type; /* its own or the header's */
    int64_t minor;
    const struct currency *currency;
};

struct request {
    const json_t *header;
    const json_t *items;
    struct str batch_id;
    struct str type;
    size_t count;
    struct item *item; /* owned */
    int64_t total_minor;
    int64_t fee_minor;
    struct paypal_payout_details details;
};

/* ---- fields ---------------------------------------------------------------------------------- */

static void check_text(struct request *request, const json_t *object, const char *member,
                       struct str field, size_t most)
{
    const json_t *value = json_object_get(object, member);
    if (value && !json_is_null(value) && !json_is_string(value)) {
        paypal_payout_blame(&request->details, field, "Value is not a string");
    } else if (json_string_length(value) > most) {
        paypal_payout_blame(&request->details, field, TOO_LONG);
    }
}

static void check_header(struct request *request)
{
    static const struct {
        const char *member;
        const char *field;
        size_t most;
    } texts[] = {
        {"sender_batch_id", "sender_batch_header.sender_batch_id", BATCH_ID_MAX},
        {"recipient_type", "sender_batch_header.recipient_type", RECIPIENT_TYPE_MAX},
        {"email_subject", "sender_batch_header.email_subject", SUBJECT_MAX},
        {"email_message", "sender_batch_header.email_message", MESSAGE_MAX},
        {"note", "sender_batch_header.note", MESSAGE_MAX},
    };
    if (!json_is_object(request->header)) {
        paypal_payout_blame(&request->details, STR("sender_batch_header"), MISSING);
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        check_text(request, request->header, texts[i].member, str_of(texts[i].field),
                   texts[i].most);
    }
    request->batch_id = json_text(request->header, "sender_batch_id");
    request->type = json_text(request->header, "recipient_type");
}

static bool is_email(struct str text)
{
    size_t at = str_find_char(text, '@', 0);
    bool good = at != SIZE_MAX && at > 0 && str_find_char(text, '@', at + 1) == SIZE_MAX &&
                str_find_char(text, '.', at) != SIZE_MAX && text.at[text.len - 1] != '.';
    for (size_t i = 0; i < text.len; i++) {
        good = good && text.at[i] > ' ' && text.at[i] < 0x7f;
    }
    return good;
}

/* "+14155550123", "91-734-234-1234": digits, with what people put between them. */
static bool is_phone(struct str text)
{
    size_t digits = 0;
    bool good = true;
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.at[i] >= '0' && text.at[i] <= '9';
        digits += digit ? 1 : 0;
        good = good && (digit || (i == 0 && text.at[i] == '+') || text.at[i] == '-' ||
                        text.at[i] == ' ' || text.at[i] == '(' || text.at[i] == ')');
    }
    return good && digits >= 7 && digits <= 15;
}

static bool is_made_of(struct str text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(c >= '0' && c <= '9') && str_find_char(str_of(others), c, 0) == SIZE_MAX) {
            return false;
        }
    }
    return text.len > 0;
}

static bool receiver_fits(struct str type, struct str receiver, struct str wallet)
{
    if (str_eq(type, STR("EMAIL"))) {
        return is_email(receiver);
    }
    if (str_eq(type, STR("PHONE"))) {
        return is_phone(receiver);
    }
    if (str_eq(type, STR("PAYPAL_ID"))) { /* One that does not exist fails later. */
        return is_made_of(receiver, "");
    }
    return str_eq(type, STR("USER_HANDLE")) && str_eq(wallet, STR("VENMO")) &&
           is_made_of(receiver, "@-_");
}

static struct str field_of(struct call *call, size_t at, const char *member)
{
    return arena_printf(call->arena, "items[%zu].%s", at, member);
}

static void check_amount(struct call *call, struct request *request, size_t at)
{
    struct item *item = &request->item[at];
    const json_t *amount = json_object_get(item->json, "amount");
    struct str value = json_text(amount, "value");
    struct paypal_digits digits;
    item->currency = currency_find(json_text(amount, "currency"));
    if (!json_is_object(amount) || !json_object_get(amount, "value") ||
        !json_object_get(amount, "currency")) {
        paypal_payout_blame(&request->details, field_of(call, at, "amount"), MISSING);
    } else if (!item->currency || !paypal_takes(item->currency)) {
        paypal_payout_blame(&request->details, field_of(call, at, "amount.currency"),
                            "Currency code is invalid");
        item->currency = NULL;
    } else if (value.len > VALUE_MAX || !paypal_split(value, &digits) ||
               paypal_convert(digits, item->currency, true, &item->minor) != NULL) {
        paypal_payout_blame(&request->details, field_of(call, at, "amount.value"),
                            "Amount is invalid for the currency");
    }
}

static bool is_wallet(struct str wallet)
{
    return wallet.len == 0 || str_eq(wallet, STR("PAYPAL")) || str_eq(wallet, STR("VENMO")) ||
           str_eq(wallet, STR("RECIPIENT_SELECTED"));
}

static void check_item(struct call *call, struct request *request, size_t at)
{
    static const struct {
        const char *member;
        size_t most;
    } texts[] = {
        {"recipient_type", RECIPIENT_TYPE_MAX},
        {"receiver", RECEIVER_MAX},
        {"note", ITEM_NOTE_MAX},
        {"sender_item_id", ITEM_ID_MAX},
        {"recipient_wallet", 36},
        {"purpose", PURPOSE_MAX},
    };
    struct item *item = &request->item[at];
    struct paypal_payout_details *details = &request->details;
    struct str receiver = json_text(item->json, "receiver");
    struct str wallet = json_text(item->json, "recipient_wallet");
    size_t before = details->count;
    item->type = json_text(item->json, "recipient_type");
    item->type = item->type.len > 0 ? item->type : request->type;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        check_text(request, item->json, texts[i].member, field_of(call, at, texts[i].member),
                   texts[i].most);
    }
    check_amount(call, request, at);
    if (details->count > before) {
        return;
    }
    if (receiver.len == 0 || item->type.len == 0) {
        paypal_payout_blame(details,
                            field_of(call, at, receiver.len == 0 ? "receiver" : "recipient_type"),
                            MISSING);
    } else if (!is_wallet(wallet)) {
        paypal_payout_blame(details, field_of(call, at, "recipient_wallet"),
                            "Recipient wallet is invalid");
    } else if (!receiver_fits(item->type, receiver, wallet)) {
        paypal_payout_blame(details, field_of(call, at, "receiver"), MISMATCH);
    } else if (str_eq(wallet, STR("VENMO")) && json_text(item->json, "note").len == 0) {
        paypal_payout_blame(details, field_of(call, at, "note"), MISSING);
    }
}

static bool read_items(struct call *call, struct request *request)
{
    request->items = json_object_get(call->json, "items");
    request->count = json_array_size(request->items);
    if (request->count == 0) {
        paypal_payout_blame(&request->details, STR("items"), MISSING);
    } else if (request->count > PAYPAL_PAYOUT_ITEM_MAX) {
        paypal_payout_blame(&request->details, STR("items"),
                            "Number of items exceeds the maximum of 15000");
    }
    if (request->details.count > 0) {
        return false;
    }
    request->item = calloc(request->count, sizeof(*request->item));
    CHECK(request->item);
    for (size_t i = 0; i < request->count; i++) {
        request->item[i].json = json_array_get(request->items, i);
        if (request->details.count < PAYPAL_PAYOUT_DETAIL_MAX) {
            check_item(call, request, i);
        }
    }
    return request->details.count == 0;
}

/* ---- money ----------------------------------------------------------------------------------- */

/* NULL, or the error. */
static const char *check_currency(struct call *call, struct request *request)
{
    const struct currency *currency = request->item[0].currency;
    for (size_t i = 1; i < request->count; i++) {
        if (request->item[i].currency != currency) {
            paypal_payout_blame(&request->details, STR("items.amount.currency"),
                                "Multiple currencies within a batch is not allowed");
            return "VALIDATION_ERROR";
        }
    }
    if (!paypal_payout_holds(currency)) {
        return "NON_HOLDING_CURRENCY";
    }
    for (size_t i = 0; i < request->count; i++) {
        int64_t minor = request->item[i].minor;
        if (!money_add(request->total_minor, minor, &request->total_minor) ||
            request->total_minor > MONEY_AMOUNT_MAX) {
            paypal_payout_blame(&request->details, field_of(call, i, "amount.value"),
                                "The sum of the batch is too large");
            return "VALIDATION_ERROR";
        }
        request->fee_minor += paypal_payout_fee(call->settings, minor, currency);
    }
    return NULL;
}

static bool is_covered(struct call *call, const struct request *request)
{
    int64_t out = payouts_sum(call->payouts, SANDBOX_PAYPAL_PAYOUTS, call->account,
                              request->item[0].currency);
    bool refused = call->forced == SCENARIO_SOFT;
    for (size_t i = 0; i < request->count && !refused; i++) {
        refused =
            payout_plan_of(SANDBOX_PAYPAL_PAYOUTS, json_text(request->item[i].json, "receiver")) ==
            PAYOUT_INSUFFICIENT;
    }
    return !refused &&
           out + request->total_minor + request->fee_minor <= call->settings->payout_balance_minor;
}

/* ---- sender_batch_id ------------------------------------------------------------------------- */

static struct str key_name(struct call *call, struct str batch_id)
{
    return arena_printf(call->arena, "paypal_payouts\x1f" STR_FMT "\x1f" STR_FMT,
                        STR_ARG(call->account), STR_ARG(batch_id));
}

/* True: answered, as the id was seen. */
static bool is_repeat(struct call *call, const struct request *request)
{
    struct paypal_payout_details details = {.count = 0};
    struct str name = key_name(call, request->batch_id);
    if (request->batch_id.len == 0) {
        return false;
    }
    if (table_find(call->busy, name)) {
        paypal_payout_error(call, "PREVIOUS_REQUEST_IN_PROGRESS", NULL);
        return true;
    }
    const struct book_key *key = books_find_key(call->books, name);
    struct book_session *batch = key ? books_find_session(call->books, key->object) : NULL;
    if (!batch || call->now_us - key->at_us >= BATCH_ID_LIFE_US ||
        paypal_batch_status(batch, call->now_us) == PAYPAL_BATCH_DENIED) {
        return false;
    }
    batch->first->request_count++;
    books_note_entry(call->books, batch->first);
    paypal_payout_blame(&details, STR("SENDER_BATCH_ID"),
                        "Batch with given sender_batch_id already exists");
    details.detail[0].link = batch->id;
    paypal_payout_error(call, "USER_BUSINESS_ERROR", &details);
    return true;
}

/* ---- the batch ------------------------------------------------------------------------------- */

/* What of the header is told again. */
static struct str header_text(struct call *call, const json_t *header)
{
    static const char *const members[] = {"sender_batch_id", "recipient_type", "email_subject",
                                          "email_message"};
    struct buf buf;
    struct json_out out;
    buf_init(&buf, 16384);
    json_out_init(&out, &buf);
    json_begin_object(&out);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct str text = json_text(header, members[i]);
        if (text.len > 0) {
            json_put_str(&out, members[i], text);
        }
    }
    json_end_object(&out);
    struct str kept = books_keep(call->books, buf_str(&buf));
    buf_release(&buf);
    return kept;
}

static struct book_session *add_batch(struct call *call, const struct request *request)
{
    struct str id = call_random(call, STR(ID_ALPHABET), ID_LEN);
    struct book_session *batch = books_add_session(call->books, id, 1);
    struct book_unit *unit = &batch->units[0];
    batch->provider = SANDBOX_PAYPAL_PAYOUTS;
    batch->account = books_keep(call->books, call->account);
    batch->payout = true;
    batch->reference = books_keep(call->books, request->batch_id);
    batch->created_us = call->now_us;
    batch->updated_us = call->now_us;
    batch->due_us = call->now_us + call->settings->payout_ms * 1000;
    unit->amount_minor = request->total_minor;
    unit->currency = request->item[0].currency;
    unit->json = header_text(call, request->header);
    return batch;
}

static enum payout_plan plan_of(struct call *call, const struct item *item, struct table *seen)
{
    struct str receiver = json_text(item->json, "receiver");
    struct str item_id = json_text(item->json, "sender_item_id");
    bool again = item_id.len > 0 && table_find(seen, item_id) != NULL;
    if (item_id.len > 0 && !again) {
        table_put(seen, item_id, call);
    }
    bool exists = !str_eq(item->type, STR("PAYPAL_ID")) || receiver.len == ACCOUNT_LEN;
    return again              ? PAYOUT_DUPLICATE
           : item->minor == 0 ? PAYOUT_ZERO
           : !exists || call->forced == SCENARIO_HARD
               ? PAYOUT_DENIED
               : payout_plan_of(SANDBOX_PAYPAL_PAYOUTS, receiver);
}

static void add_item(struct call *call, const struct item *item, struct book_session *batch,
                     int64_t unit, struct table *seen)
{
    struct books *books = call->books;
    struct str receiver = json_text(item->json, "receiver");
    struct book_entry *entry =
        books_add_entry(books, call_random(call, STR(ID_ALPHABET), ID_LEN), batch);
    const char *reason = payout_reason_of(receiver);
    entry->kind = BOOK_PAYOUT;
    entry->reference = books_keep(books, json_text(item->json, "sender_item_id"));
    entry->unit = unit;
    entry->amount_minor = item->minor;
    entry->currency = item->currency;
    entry->fee_minor = paypal_payout_fee(call->settings, item->minor, item->currency);
    entry->created_us = call->now_us;
    entry->updated_us = call->now_us;
    entry->key = batch->reference;
    entry->note = books_keep(books, json_text(item->json, "note"));
    entry->receiver = books_keep(books, receiver);
    entry->receiver_type = books_keep(books, item->type);
    entry->wallet = books_keep(books, json_text(item->json, "recipient_wallet"));
    entry->purpose = books_keep(books, json_text(item->json, "purpose"));
    enum payout_plan plan = plan_of(call, item, seen);
    if (plan == PAYOUT_FAILED && reason) {
        entry->reason = str_of(reason);
    }
    payouts_begin(call->payouts, entry, BOOK_PENDING, plan,
                  call->now_us + (batch->due_us - call->now_us) * 3 / 4);
}

static void add_all(struct call *call, const struct request *request)
{
    struct table seen;
    table_init(&seen);
    struct book_session *batch = add_batch(call, request);
    for (size_t i = 0; i < request->count; i++) {
        add_item(call, &request->item[i], batch, (int64_t)i, &seen);
    }
    table_release(&seen);
    if (request->batch_id.len > 0) {
        call->busy_name = key_name(call, request->batch_id);
        books_add_key(call->books, call->busy_name, batch->id, call->now_us);
    }
    paypal_payout_print_created(call, batch);
}

static bool parse(struct call *call)
{
    struct error err;
    struct paypal_payout_details details = {.count = 0};
    if (!str_starts(call_header(call, "Content-Type"), STR("application/json"))) {
        paypal_payout_error(call, "UNSUPPORTED_MEDIA_TYPE", NULL);
        return false;
    }
    call->json = json_parse(call->req->body, &body_limits, &err);
    if (!json_is_object(call->json)) {
        paypal_payout_blame(&details, STR("body"), "MALFORMED_REQUEST_JSON");
        paypal_payout_error(call, "VALIDATION_ERROR", &details);
        return false;
    }
    return true;
}

void paypal_payout_create(struct call *call)
{
    struct request request = {.count = 0};
    if (!parse(call)) {
        return;
    }
    const json_t *first = json_array_get(json_object_get(call->json, "items"), 0);
    if (paypal_payout_test_note(call, json_text(first, "note"))) {
        return;
    }
    request.header = json_object_get(call->json, "sender_batch_header");
    check_header(&request);
    const char *error =
        read_items(call, &request) ? check_currency(call, &request) : "VALIDATION_ERROR";
    if (error) {
        paypal_payout_error(call, error, &request.details);
    } else if (!is_repeat(call, &request)) {
        if (is_covered(call, &request)) {
            add_all(call, &request);
        } else {
            paypal_payout_error(call, "INSUFFICIENT_FUNDS", NULL);
        }
    }
    free(request.item);
}

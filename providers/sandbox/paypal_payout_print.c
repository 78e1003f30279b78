/* PayPal Payouts v1: batches and items as JSON. */
#include "providers/sandbox/paypal_payouts.h"

#include "base/clock.h"
#include "base/rng.h"
#include "providers/sandbox/paypal.h"

#include <stdio.h>
#include <stdlib.h>

#define ERRORS_PAGE "https://developer.paypal.com/docs/api/payments.payouts-batch/#errors"

/* clang-format off */
static const char *const batch_words[PAYPAL_BATCH_STATUS_COUNT] = {
    [PAYPAL_BATCH_PENDING]    = "PENDING",
    [PAYPAL_BATCH_PROCESSING] = "PROCESSING",
    [PAYPAL_BATCH_SUCCESS]    = "SUCCESS",
    [PAYPAL_BATCH_DENIED]     = "DENIED",
    [PAYPAL_BATCH_CANCELED]   = "CANCELED",
};

static const char *const item_words[BOOK_STATE_COUNT] = {
    [BOOK_PENDING]   = "PENDING",
    [BOOK_COMPLETED] = "SUCCESS",
    [BOOK_UNCLAIMED] = "UNCLAIMED",
    [BOOK_ON_HOLD]   = "ONHOLD",
    [BOOK_BLOCKED]   = "BLOCKED",
    [BOOK_FAILED]    = "FAILED",
    [BOOK_RETURNED]  = "RETURNED",
    [BOOK_REFUNDED]  = "REFUNDED",
    [BOOK_REVERSED]  = "REVERSED",
    [BOOK_CANCELED]  = "FAILED", /* its batch was canceled: nothing is published */
};
/* clang-format on */

static const struct json_limits filter_limits = {
    .depth_max = 24, .member_count_max = 1 << 20, .string_bytes_max = 1 << 16};

struct page {
    int64_t number; /* 1, 2, ... */
    int64_t size;
    int64_t item_count;
    int64_t page_count;
    bool total_required;
};

/* ---- parts ----------------------------------------------------------------------------------- */

static void begin(struct call *call, struct json_out *out, int status)
{
    call->status = status;
    call->content_type = STR("application/json");
    buf_clear(call->body);
    json_out_init(out, call->body);
    json_begin_object(out);
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
    json_put_cstr(out, "currency", currency->code);
    json_put_str(out, "value", paypal_value(minor, currency, text));
    json_end_object(out);
}

static void put_optional(struct json_out *out, const char *name, struct str value)
{
    if (value.len > 0) {
        json_put_str(out, name, value);
    }
}

static void put_link(struct call *call, struct json_out *out, const char *collection, struct str id,
                     const char *query, const char *rel)
{
    json_begin_object(out);
    json_put_str(out, "href",
                 arena_printf(call->arena, STR_FMT "/v1/payments/%s/" STR_FMT "%s",
                              STR_ARG(call->origin), collection, STR_ARG(id), query));
    json_put_cstr(out, "rel", rel);
    json_put_cstr(out, "method", "GET");
    json_put_cstr(out, "encType", "application/json");
    json_end_object(out);
}

static void put_header(struct json_out *out, const struct book_session *batch,
                       enum paypal_batch_status status)
{
    json_put_str(out, "payout_batch_id", batch->id);
    json_put_cstr(out, "batch_status", batch_words[status]);
}

static void put_sender_header(struct json_out *out, const struct book_session *batch)
{
    json_put_raw(out, "sender_batch_header", batch->units[0].json);
}

/* An id of PayPal's that nobody asks by: always the same for one item. */
static struct str derived_id(struct call *call, struct str id, uint64_t salt)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    struct rng rng;
    uint64_t seed = salt;
    for (size_t i = 0; i < id.len; i++) {
        seed = (seed ^ (uint8_t)id.at[i]) * UINT64_C(0x100000001b3);
    }
    rng_seed(&rng, seed);
    char *text = arena_alloc(call->arena, 17);
    for (size_t i = 0; i < 17; i++) {
        text[i] = alphabet[rng_below(&rng, 36)];
    }
    return (struct str){text, 17};
}

static void put_item_detail(struct json_out *out, const struct book_entry *item)
{
    json_key(out, "payout_item");
    json_begin_object(out);
    put_optional(out, "recipient_type", item->receiver_type);
    put_money(out, "amount", item->amount_minor, item->currency);
    put_optional(out, "note", item->note);
    json_put_str(out, "receiver", item->receiver);
    put_optional(out, "sender_item_id", item->reference);
    json_put_str(out, "recipient_wallet", item->wallet.len > 0 ? item->wallet : STR("PAYPAL"));
    put_optional(out, "purpose", item->purpose);
    json_end_object(out);
}

static void put_item_error(struct call *call, struct json_out *out, const struct book_entry *item)
{
    const char *text = payout_reason_text(item->code);
    json_key(out, "errors");
    json_begin_object(out);
    json_put_str(out, "name", item->code);
    json_put_cstr(out, "message", text ? text : "The payout item could not be completed.");
    json_put_str(out, "debug_id", paypal_debug_id(call));
    json_put_cstr(out, "information_link", ERRORS_PAGE);
    json_key(out, "details");
    json_begin_array(out);
    json_end_array(out);
    json_end_object(out);
}

/* All members but the links. */
static void put_item(struct call *call, struct json_out *out, const struct book_session *batch,
                     const struct book_entry *item, enum paypal_batch_status status, bool alone)
{
    bool moved =
        item->state != BOOK_PENDING && item->state != BOOK_FAILED && item->state != BOOK_CANCELED;
    int64_t fee_minor = status == PAYPAL_BATCH_PENDING ? 0 : item->fee_minor;
    json_put_str(out, "payout_item_id", item->id);
    if (moved) {
        json_put_str(out, "transaction_id", derived_id(call, item->id, 1));
        json_put_str(out, "activity_id", derived_id(call, item->id, 2));
    }
    json_put_cstr(out, "transaction_status", item_words[item->state]);
    put_money(out, "payout_item_fee", fee_minor, item->currency);
    json_put_str(out, "payout_batch_id", batch->id);
    if (alone) {
        put_optional(out, "sender_batch_id", batch->reference);
    }
    put_item_detail(out, item);
    if (item->state != BOOK_PENDING) {
        put_time(out, "time_processed", item->updated_us);
    }
    if (item->code.len > 0) {
        put_item_error(call, out, item);
    }
}

/* ---- batch ----------------------------------------------------------------------------------- */

static bool read_number(struct call *call, const char *name, int64_t otherwise, int64_t most,
                        int64_t *out, struct paypal_payout_details *details)
{
    struct str text;
    *out = otherwise;
    if (!call_query(call, name, &text) || text.len == 0) {
        return true;
    }
    if (str_to_int64(text, out) && *out >= 0 && *out <= most) {
        *out = *out == 0 ? otherwise : *out;
        return true;
    }
    paypal_payout_blame(details, str_of(name), "Must be a number from 1 to 1000");
    return false;
}

static bool read_page(struct call *call, const struct book_session *batch, struct page *page)
{
    struct paypal_payout_details details = {.count = 0};
    struct str text;
    (void)read_number(call, "page", 1, PAYPAL_PAYOUT_PAGE_MAX, &page->number, &details);
    (void)read_number(call, "page_size", PAYPAL_PAYOUT_PAGE_MAX, PAYPAL_PAYOUT_PAGE_MAX,
                      &page->size, &details);
    if (details.count > 0) {
        paypal_payout_error(call, "VALIDATION_ERROR", &details);
        return false;
    }
    page->total_required =
        call_query(call, "total_required", &text) && str_eq_nocase(text, STR("true"));
    page->item_count = 0;
    for (const struct book_entry *item = batch->first; item; item = item->next_in_session) {
        page->item_count++;
    }
    page->page_count = (page->item_count + page->size - 1) / page->size;
    return true;
}

static void put_batch_header(struct json_out *out, const struct book_session *batch,
                             enum paypal_batch_status status)
{
    const struct book_unit *unit = &batch->units[0];
    int64_t fee_minor = 0;
    bool over = status == PAYPAL_BATCH_SUCCESS;
    for (const struct book_entry *item = batch->first; item; item = item->next_in_session) {
        fee_minor += status == PAYPAL_BATCH_PENDING ? 0 : item->fee_minor;
    }
    json_key(out, "batch_header");
    json_begin_object(out);
    put_header(out, batch, status);
    put_time(out, "time_created", batch->created_us);
    if (over) {
        put_time(out, "time_completed", batch->due_us);
        put_time(out, "time_closed", batch->due_us);
    }
    put_sender_header(out, batch);
    if (status != PAYPAL_BATCH_DENIED) {
        json_put_cstr(out, "funding_source", "BALANCE");
    }
    put_money(out, "amount", unit->amount_minor, unit->currency);
    put_money(out, "fees", fee_minor, unit->currency);
    json_end_object(out);
}

static void put_page_link(struct call *call, struct json_out *out, const struct book_session *batch,
                          const struct page *page, int64_t number, const char *rel)
{
    char query[80];
    (void)snprintf(query, sizeof(query), "?page_size=%lld&page=%lld", (long long)page->size,
                   (long long)number);
    put_link(call, out, "payouts", batch->id, query, rel);
}

static void put_items(struct call *call, struct json_out *out, const struct book_session *batch,
                      enum paypal_batch_status status, const struct page *page)
{
    int64_t first = (page->number - 1) * page->size;
    int64_t at = 0;
    json_key(out, "items");
    json_begin_array(out);
    for (const struct book_entry *item = batch->first; item && at < first + page->size;
         item = item->next_in_session, at++) {
        if (at < first) {
            continue;
        }
        json_begin_object(out);
        put_item(call, out, batch, item, status, false);
        json_key(out, "links");
        json_begin_array(out);
        put_link(call, out, "payouts-item", item->id, "", "item");
        json_end_array(out);
        json_end_object(out);
    }
    json_end_array(out);
}

/* ---- fields=batch_header,items.transaction_status -------------------------------------------- */

/* Is `path` named by the list, or does it lead to, or lie below, one that is? */
static bool is_wanted(struct str fields, struct str path)
{
    while (fields.len > 0) {
        struct str one = str_trim(str_cut(&fields, ','));
        size_t common = one.len < path.len ? one.len : path.len;
        bool ends = one.len == path.len || (one.len < path.len && path.at[one.len] == '.') ||
                    (path.len < one.len && one.at[path.len] == '.');
        if (common > 0 && ends && str_eq(str_sub(one, 0, common), str_sub(path, 0, common))) {
            return true;
        }
    }
    return false;
}

/* Two levels are told apart: members of the answer, and members of these (of each item). */
static void keep_wanted(struct call *call, json_t *object, struct str prefix, struct str fields)
{
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(object, next, name, value)
    {
        struct str path = prefix.len > 0
                              ? arena_printf(call->arena, STR_FMT ".%s", STR_ARG(prefix), name)
                              : arena_printf(call->arena, "%s", name);
        if (!is_wanted(fields, path)) {
            (void)json_object_del(object, name);
            continue;
        }
        if (prefix.len > 0) {
            continue;
        }
        if (json_is_object(value)) {
            keep_wanted(call, value, path, fields);
        }
        for (size_t i = 0; i < json_array_size(value); i++) {
            keep_wanted(call, json_array_get(value, i), path, fields);
        }
    }
}

static void filter(struct call *call)
{
    struct str fields;
    struct error err;
    if (!call_query(call, "fields", &fields) || fields.len == 0) {
        return;
    }
    fields = call_decode(call, fields);
    json_t *answer = json_parse(buf_str(call->body), &filter_limits, &err);
    CHECK(answer);
    keep_wanted(call, answer, STR_NONE, fields);
    char *text = json_dumps(answer, JSON_COMPACT);
    CHECK(text);
    buf_clear(call->body);
    buf_add_str(call->body, str_of(text));
    free(text);
    json_decref(answer);
}

/* ---- answers --------------------------------------------------------------------------------- */

void paypal_payout_print_created(struct call *call, const struct book_session *batch)
{
    struct json_out out;
    begin(call, &out, 201);
    json_key(&out, "batch_header");
    json_begin_object(&out);
    put_header(&out, batch, PAYPAL_BATCH_PENDING);
    put_sender_header(&out, batch);
    json_end_object(&out);
    json_key(&out, "links");
    json_begin_array(&out);
    put_link(call, &out, "payouts", batch->id, "", "self");
    json_end_array(&out);
    json_end_object(&out);
}

void paypal_payout_print_batch(struct call *call, const struct book_session *batch,
                               enum paypal_batch_status status)
{
    struct json_out out;
    struct page page;
    if (!read_page(call, batch, &page)) {
        return;
    }
    begin(call, &out, 200);
    if (page.total_required) {
        json_put_int(&out, "total_items", page.item_count);
        json_put_int(&out, "total_pages", page.page_count);
    }
    put_batch_header(&out, batch, status);
    put_items(call, &out, batch, status, &page);
    json_key(&out, "links");
    json_begin_array(&out);
    put_page_link(call, &out, batch, &page, page.number, "self");
    if (page.number < page.page_count) {
        put_page_link(call, &out, batch, &page, page.number + 1, "next");
    }
    if (page.number > 1) {
        put_page_link(call, &out, batch, &page, page.number - 1, "prev");
    }
    json_end_array(&out);
    json_end_object(&out);
    filter(call);
}

void paypal_payout_print_over(struct call *call, const struct book_session *batch,
                              enum paypal_batch_status status)
{
    struct json_out out;
    begin(call, &out, 200);
    put_batch_header(&out, batch, status);
    json_key(&out, "links");
    json_begin_array(&out);
    put_link(call, &out, "payouts", batch->id, "", "self");
    json_end_array(&out);
    json_end_object(&out);
}

void paypal_payout_print_item(struct call *call, const struct book_session *batch,
                              const struct book_entry *item, enum paypal_batch_status status)
{
    struct json_out out;
    begin(call, &out, 200);
    put_item(call, &out, batch, item, status, true);
    json_key(&out, "links");
    json_begin_array(&out);
    put_link(call, &out, "payouts-item", item->id, "", "self");
    put_link(call, &out, "payouts", batch->id, "", "batch");
    json_end_array(&out);
    json_end_object(&out);
}

/* PayPal Orders v2: PATCH, for the fields a gateway changes. All operations are checked before any
 * works. */
#include "providers/sandbox/paypal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_PREFIX "/purchase_units/@reference_id=='"

/* clang-format off */
static const struct {
    struct str member;
    size_t offset; /* in struct book_unit; SIZE_MAX: only echoed */
    size_t max;
} texts[] = {
    {STR_INIT("custom_id"),       offsetof(struct book_unit, custom_id),       127},
    {STR_INIT("invoice_id"),      offsetof(struct book_unit, invoice_id),      127},
    {STR_INIT("soft_descriptor"), offsetof(struct book_unit, soft_descriptor), 22},
    {STR_INIT("description"),     SIZE_MAX,                                    127},
};
/* clang-format on */

struct change {
    size_t unit;
    struct str member;
    const json_t *value; /* NULL: removed */
    size_t text;         /* index in texts; SIZE_MAX: the amount */
    int64_t amount_minor;
};

/* "/purchase_units/@reference_id=='default'/custom_id" -> unit and member. */
static bool split_path(const struct book_session *order, struct str path, struct change *change)
{
    if (!str_starts(path, STR(UNIT_PREFIX))) {
        return false;
    }
    struct str rest = str_sub(path, sizeof(UNIT_PREFIX) - 1, path.len);
    size_t end = str_find(rest, STR("'/"), 0);
    struct str reference = str_sub(rest, 0, end == SIZE_MAX ? 0 : end);
    for (size_t i = 0; end != SIZE_MAX && i < order->unit_count; i++) {
        if (str_eq(order->units[i].reference_id, reference)) {
            change->unit = i;
            change->member = str_sub(rest, end + 2, rest.len);
            return true;
        }
    }
    return false;
}

static const char *read_amount(struct call *call, const struct book_session *order, size_t index,
                               struct change *change, struct paypal_problems *problems)
{
    const struct currency *currency;
    char path[32];
    char pointer[32];
    (void)snprintf(path, sizeof(path), "%zu.value", index);
    (void)snprintf(pointer, sizeof(pointer), "/%zu/value", index);
    change->text = SIZE_MAX;
    if (change->value && paypal_read_money(call, change->value, path, pointer, false,
                                           &change->amount_minor, &currency, problems)) {
        return currency == order->units[change->unit].currency ? NULL : "MULTI_CURRENCY_ORDER";
    }
    return change->value ? NULL : "INVALID_PATCH_OPERATION";
}

static const char *read_change(struct call *call, const struct book_session *order, size_t index,
                               struct change *change, struct paypal_problems *problems)
{
    const json_t *patch = json_array_get(call->json, index);
    struct str op = json_text(patch, "op");
    struct str path = json_text(patch, "path");
    bool removes = str_eq(op, STR("remove"));
    if (!removes && !str_eq(op, STR("add")) && !str_eq(op, STR("replace"))) {
        return "INVALID_PATCH_OPERATION";
    }
    if (path.len == 0) {
        return "PATCH_PATH_REQUIRED";
    }
    change->value = removes ? NULL : json_object_get(patch, "value");
    if (!removes && !change->value) {
        return "PATCH_VALUE_REQUIRED";
    }
    if (!split_path(order, path, change)) {
        return "INVALID_JSON_POINTER_FORMAT";
    }
    if (str_eq(change->member, STR("amount"))) {
        return read_amount(call, order, index, change, problems);
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        size_t len = json_string_length(change->value);
        if (str_eq(texts[i].member, change->member)) {
            change->text = i;
            return removes || (len > 0 && len <= texts[i].max) ? NULL : "INVALID_STRING_LENGTH";
        }
    }
    return "FIELD_NOT_PATCHABLE";
}

static void apply(struct call *call, struct book_session *order, const struct change *change)
{
    struct book_unit *unit = &order->units[change->unit];
    struct str text = {json_string_value(change->value), json_string_length(change->value)};
    struct str whole = arena_printf(call->arena, STR_FMT "}", STR_ARG(unit->json));
    json_t *json = json_loadb(whole.at, whole.len, 0, NULL);
    CHECK(json);
    char *member = arena_cstr(call->arena, change->member);
    if (change->text == SIZE_MAX) {
        unit->amount_minor = change->amount_minor;
    } else if (texts[change->text].offset != SIZE_MAX) {
        struct str *field = (void *)((char *)unit + texts[change->text].offset);
        *field = books_keep(call->books, text);
    }
    if (change->value) {
        (void)json_object_set_new(json, member, json_deep_copy(change->value));
    } else {
        (void)json_object_del(json, member);
    }
    char *dump = json_dumps(json, JSON_COMPACT);
    CHECK(dump);
    unit->json = books_keep(call->books, (struct str){dump, strlen(dump) - 1});
    free(dump);
    json_decref(json);
}

void paypal_order_patch(struct call *call)
{
    struct change changes[PAYPAL_PROBLEM_MAX] = {0};
    struct paypal_problems problems = {.count = 0};
    struct book_session *order = paypal_find_order(call);
    if (!order || !paypal_parse(call)) {
        return;
    }
    if (order->state == SESSION_COMPLETED || order->state == SESSION_CANCELED) {
        paypal_error(call, "ORDER_ALREADY_COMPLETED", STR_NONE, "body", STR_NONE);
        return;
    }
    size_t count = json_array_size(call->json);
    if (count < 1 || count > ARRAY_LEN(changes)) {
        paypal_add(&problems, STR("/"), STR_NONE,
                   count ? "INVALID_ARRAY_MAX_ITEMS" : "INVALID_PARAMETER_SYNTAX");
    }
    for (size_t i = 0; problems.count == 0 && i < count; i++) {
        const char *issue = read_change(call, order, i, &changes[i], &problems);
        if (issue) {
            paypal_add(&problems, arena_printf(call->arena, "/%zu/path", i),
                       json_text(json_array_get(call->json, i), "path"), issue);
        }
    }
    if (paypal_refuse(call, &problems)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        apply(call, order, &changes[i]);
    }
    order->updated_us = call->now_us;
    books_note_session(call->books, order);
    call->status = 204;
    call->content_type = STR_NONE;
}

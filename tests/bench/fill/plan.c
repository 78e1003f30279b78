#include "tests/bench/fill/fill.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct {
    const char *name;
    enum place place;
} places[] = {
    {"payment",      PLACE_PAYMENT},
    {"payment_text", PLACE_PAYMENT_TEXT},
    {"attempt",      PLACE_ATTEMPT},
    {"attempt_text", PLACE_ATTEMPT_TEXT},
    {"merchant",     PLACE_MERCHANT},
    {"account",      PLACE_ACCOUNT},
    {"account_text", PLACE_ACCOUNT_TEXT},
    {"key",          PLACE_KEY},
    {"amount",       PLACE_AMOUNT},
    {"fingerprint",  PLACE_FINGERPRINT},
    {"time+",        PLACE_TIME},
    {"id_",          PLACE_ID},
};
/* clang-format on */

void give_up(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("bench-fill: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(2);
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    if (value == NULL)
        give_up("the plan has no \"%s\"", name);
    return value;
}

static struct piece parse_place(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        size_t known = strlen(places[i].name);
        bool has_number = places[i].place == PLACE_TIME || places[i].place == PLACE_ID;
        if (strncmp(name, places[i].name, known) != 0 || (len != known && !has_number))
            continue;
        struct piece piece = {.place = places[i].place};
        if (has_number)
            piece.number = strtoll(name + known, NULL, 10);
        if (piece.place == PLACE_ID && (piece.number < 0 || piece.number >= ID_MAX))
            give_up("more than %d further ids", ID_MAX);
        return piece;
    }
    give_up("unknown place ${%.*s}", (int)len, name);
}

static struct piece *parse_pieces(const char *at, size_t *count)
{
    struct piece *pieces = calloc(PIECE_MAX, sizeof(*pieces));
    *count = 0;
    if (pieces == NULL)
        give_up("out of memory");
    while (*at != '\0') {
        if (*count == PIECE_MAX)
            give_up("a row has more than %d pieces", PIECE_MAX);
        const char *open = strstr(at, "${");
        size_t len = open != NULL ? (size_t)(open - at) : strlen(at);
        if (len > 0) {
            pieces[(*count)++] = (struct piece){.place = PLACE_TEXT, .text = at, .len = len};
            at += len;
            continue;
        }
        const char *close = strchr(open, '}');
        if (close == NULL)
            give_up("a place without end: %s", open);
        pieces[(*count)++] = parse_place(open + 2, (size_t)(close - open - 2));
        at = close + 1;
    }
    return pieces;
}

static size_t find_table(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->table_count; i++) {
        if (strcmp(plan->table[i].name, name) == 0)
            return i;
    }
    give_up("a row of an unknown table %s", name);
}

static void load_shape(struct plan *plan, const json_t *json)
{
    struct shape *shape = &plan->shape[plan->shape_count++];
    size_t index;
    const json_t *value;
    shape->share = json_number_value(json_object_get(json, "share"));
    shape->body = parse_pieces(text(json, "body"), &shape->body_count);
    json_array_foreach(json_object_get(json, "rows"), index, value)
    {
        if (shape->row_count == ROW_MAX)
            give_up("a payment of more than %d rows", ROW_MAX);
        struct row *row = &shape->row[shape->row_count++];
        row->table = find_table(plan, text(value, "table"));
        row->pieces = parse_pieces(text(value, "text"), &row->piece_count);
    }
}

static void load_merchants(struct plan *plan, const json_t *json)
{
    size_t index;
    const json_t *value;
    plan->merchant_count = json_array_size(json);
    plan->merchant = calloc(plan->merchant_count + 1, sizeof(*plan->merchant));
    if (plan->merchant_count == 0 || plan->merchant == NULL)
        give_up("the plan has no merchants");
    json_array_foreach(json, index, value)
    {
        plan->merchant[index] = (struct merchant){
            .id = text(value, "id"),
            .account = text(value, "account"),
            .account_text = text(value, "account_text"),
        };
    }
}

void plan_load(struct plan *plan, const char *file)
{
    json_error_t err;
    json_t *json = json_load_file(file, 0, &err);
    size_t index;
    const json_t *value;
    if (json == NULL)
        give_up("%s: %s", file, err.text);
    *plan = (struct plan){
        .json = json,
        .database = text(json, "database"),
        .payment_count = json_integer_value(json_object_get(json, "payments")),
        .chunk_size = json_integer_value(json_object_get(json, "chunk")),
        .from_ms = json_integer_value(json_object_get(json, "from_ms")),
        .until_ms = json_integer_value(json_object_get(json, "until_ms")),
        .seed = (uint64_t)json_integer_value(json_object_get(json, "seed")),
    };
    json_array_foreach(json_object_get(json, "tables"), index, value)
    {
        if (plan->table_count == TABLE_MAX)
            give_up("more than %d tables", TABLE_MAX);
        plan->table[plan->table_count++] =
            (struct table){.name = text(value, "name"), .copy = text(value, "copy")};
    }
    json_array_foreach(json_object_get(json, "shapes"), index, value)
    {
        if (plan->shape_count == SHAPE_MAX)
            give_up("more than %d shapes", SHAPE_MAX);
        load_shape(plan, value);
    }
    load_merchants(plan, json_object_get(json, "merchants"));
    if (plan->payment_count <= 0 || plan->chunk_size <= 0 || plan->shape_count == 0 ||
        plan->until_ms <= plan->from_ms)
        give_up("%s is no plan", file);
}

void plan_release(struct plan *plan)
{
    for (size_t i = 0; i < plan->shape_count; i++) {
        for (size_t n = 0; n < plan->shape[i].row_count; n++)
            free(plan->shape[i].row[n].pieces);
        free(plan->shape[i].body);
    }
    free(plan->merchant);
    json_decref(plan->json);
}

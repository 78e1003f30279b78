#include "api/rows.h"

#include <string.h>

#include "api/body.h"

enum {
    SCALAR_BYTES_MAX = 8192, /* of a row that is none */
};

void rows_init(struct rows *rows, struct str text, bool is_csv, const struct field_set *set,
               const char *member)
{
    *rows = (struct rows){.text = text, .set = set, .member = member, .is_csv = is_csv};
    if (is_csv) {
        csv_init(&rows->csv, text);
    }
}

static enum rows_next malformed(struct field_problem *problem, enum message message, size_t row,
                                const char *why)
{
    (void)field_fail(problem, message, STR_NONE, "row %zu: %s", row, why);
    return ROWS_MALFORMED;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static size_t skip_space(struct str text, size_t at)
{
    while (at < text.len && (text.at[at] == ' ' || text.at[at] == '\t' || text.at[at] == '\n' ||
                             text.at[at] == '\r')) {
        at++;
    }
    return at;
}

/* `at` stands on the quote; behind the closing one, or at the end of the text. */
static size_t skip_string(struct str text, size_t at)
{
    for (at++; at < text.len && text.at[at] != '"'; at++) {
        at += text.at[at] == '\\';
    }
    return at < text.len ? at + 1 : text.len;
}

/* Behind a value, whatever it is: where a comma or a bracket of the outside stands. */
static size_t skip_value(struct str text, size_t at)
{
    size_t depth = 0;
    while (at < text.len) {
        char c = text.at[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
            break;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
        at++;
    }
    return at;
}

/*
 * Where the list of the outermost object begins; else the text is no such object, and the parser
 * will say so of the whole head.
 */
static void find_list(struct rows *rows)
{
    struct str text = rows->text;
    size_t at = skip_space(text, 0);
    rows->at = text.len;
    if (at >= text.len || text.at[at] != '{') {
        return;
    }
    for (at = skip_space(text, at + 1); at < text.len && text.at[at] == '"';) {
        size_t end = skip_string(text, at);
        struct str name = str_sub(text, at + 1, end - at - 2);
        at = skip_space(text, end);
        if (at >= text.len || text.at[at] != ':') {
            return;
        }
        at = skip_space(text, at + 1);
        if (str_eq(name, str_of(rows->member)) && at < text.len && text.at[at] == '[') {
            rows->from = at + 1;
            rows->at = skip_space(text, at + 1);
            return;
        }
        at = skip_space(text, skip_value(text, at));
        if (at >= text.len || text.at[at] != ',') {
            return;
        }
        at = skip_space(text, at + 1);
    }
}

/* No object: well-formed all the same? */
static enum rows_next judge_other(struct str value, size_t number, json_t **row,
                                  struct field_problem *problem)
{
    struct error err;
    if (value.len > SCALAR_BYTES_MAX) {
        return malformed(problem, MESSAGE_MALFORMED_JSON, number, "it is no object, and very long");
    }
    struct buf text;
    buf_init(&text, SCALAR_BYTES_MAX + 2);
    buf_add_char(&text, '[');
    buf_add_str(&text, value);
    buf_add_char(&text, ']');
    json_t *list = json_parse(buf_str(&text), &json_limits_default, &err);
    buf_release(&text);
    if (list == NULL || json_array_size(list) != 1) {
        json_decref(list);
        return malformed(problem, MESSAGE_MALFORMED_JSON, number, "it is not well-formed");
    }
    *row = json_incref(json_array_get(list, 0));
    json_decref(list);
    (void)field_fail(problem, MESSAGE_INVALID_MEMBER, STR_NONE, "the row must be an object");
    return ROWS_WRONG;
}

static enum rows_next next_json(struct rows *rows, struct arena *arena, json_t **row,
                                struct field_problem *problem)
{
    struct str text = rows->text;
    if (rows->from == 0 && rows->count == 0) {
        find_list(rows);
    }
    if (rows->from == 0 || rows->to != 0) {
        return ROWS_END;
    }
    size_t number = rows->count + 1;
    if (rows->count == 0 && rows->at < text.len && text.at[rows->at] == ']') {
        rows->to = rows->at;
        return ROWS_END;
    }
    size_t end = skip_value(text, rows->at);
    if (end >= text.len || text.at[end] == '}') {
        return malformed(problem, MESSAGE_MALFORMED_JSON, number, "the list is never closed");
    }
    struct str value = str_sub(text, rows->at, end - rows->at);
    rows->count = number;
    rows->raw = value;
    if (text.at[end] == ']') {
        rows->to = end;
    } else {
        rows->at = skip_space(text, end + 1);
    }
    if (value.len == 0 || value.at[0] != '{') {
        return judge_other(value, number, row, problem);
    }
    if (value.len > ROW_BYTES_MAX) {
        return malformed(problem, MESSAGE_MALFORMED_JSON, number, "it is longer than 262144 bytes");
    }
    struct field_problem inner = {.message = MESSAGE_NONE};
    *row = body_parse(value, false, arena, &inner);
    if (*row == NULL) {
        return malformed(problem, inner.message, number, inner.detail);
    }
    return ROWS_ROW;
}

/* ---- CSV ------------------------------------------------------------------------------------- */

bool rows_read_header(struct rows *rows, struct arena *arena, struct field_problem *problem)
{
    struct str cells[CSV_COLUMN_MAX];
    const char *why = "";
    CHECK(rows->is_csv && rows->count == 0);
    switch (csv_next(&rows->csv, arena, cells, CSV_COLUMN_MAX, &rows->column_count, &why)) {
    case CSV_END:
        return field_fail(problem, MESSAGE_MALFORMED_CSV, STR_NONE,
                          "the first line must be a header that names the columns");
    case CSV_MALFORMED:
        return field_fail(problem, MESSAGE_MALFORMED_CSV, STR_NONE, "line %zu: %s", rows->csv.line,
                          why);
    case CSV_RECORD:
        break;
    }
    return csv_columns(rows->set, cells, rows->column_count, rows->columns, problem);
}

static enum rows_next next_csv(struct rows *rows, struct arena *arena, json_t **row,
                               struct field_problem *problem)
{
    struct str cells[CSV_COLUMN_MAX];
    size_t count;
    const char *why = "";
    switch (csv_next(&rows->csv, arena, cells, CSV_COLUMN_MAX, &count, &why)) {
    case CSV_END:
        return ROWS_END;
    case CSV_MALFORMED:
        (void)field_fail(problem, MESSAGE_MALFORMED_CSV, STR_NONE, "line %zu: %s", rows->csv.line,
                         why);
        return ROWS_MALFORMED;
    case CSV_RECORD:
        break;
    }
    rows->count++;
    rows->raw = rows->csv.record;
    if (count != rows->column_count) {
        (void)field_fail(problem, MESSAGE_MALFORMED_CSV, STR_NONE,
                         "line %zu has %zu cells, the header has %zu", rows->csv.line, count,
                         rows->column_count);
        return ROWS_WRONG;
    }
    *row = csv_object(rows->columns, cells, count);
    return ROWS_ROW;
}

/* ---- both ------------------------------------------------------------------------------------ */

enum rows_next rows_next(struct rows *rows, struct arena *arena, json_t **row,
                         struct field_problem *problem)
{
    return rows->is_csv ? next_csv(rows, arena, row, problem)
                        : next_json(rows, arena, row, problem);
}

json_t *rows_head(const struct rows *rows, struct arena *arena, struct field_problem *problem)
{
    if (rows->is_csv) {
        json_t *head = json_object();
        CHECK(head != NULL);
        return head;
    }
    struct str text = rows->text;
    struct str before = str_sub(text, 0, rows->from);
    struct str after = str_sub(text, rows->to, SIZE_MAX); /* all of it where no list was found */
    if (before.len + after.len > ROW_BYTES_MAX) {
        (void)field_fail(problem, MESSAGE_MALFORMED_JSON, STR_NONE,
                         "what stands around the rows of \"%s\" is longer than %d bytes",
                         rows->member, ROW_BYTES_MAX);
        return NULL;
    }
    if (rows->from > 0) {
        char *joined = arena_alloc(arena, before.len + after.len + 1);
        memcpy(joined, before.at, before.len);
        memcpy(joined + before.len, after.at, after.len);
        text = (struct str){joined, before.len + after.len};
    }
    return body_parse(text, false, arena, problem);
}

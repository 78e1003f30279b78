#include "api/csv.h"

#include "base/crypto.h"

/* ---- records --------------------------------------------------------------------------------- */

void csv_init(struct csv *csv, struct str text)
{
    *csv = (struct csv){.text = text};
    if (str_starts(text, STR("\xef\xbb\xbf"))) {
        csv->at = 3;
    }
}

/* Behind the end of the line at `at`; 0: no line ends there. */
static size_t line_end(struct str text, size_t at)
{
    if (at < text.len && text.at[at] == '\n') {
        return at + 1;
    }
    if (at + 1 < text.len && text.at[at] == '\r' && text.at[at + 1] == '\n') {
        return at + 2;
    }
    return 0;
}

/* The record goes at least as far as this; false: too far. */
static bool extend_record(struct csv *csv, const char **why)
{
    csv->record.len = (size_t)(csv->text.at + csv->at - csv->record.at);
    if (csv->record.len > CSV_RECORD_BYTES_MAX) {
        *why = "it is longer than 262144 bytes";
        return false;
    }
    return true;
}

static bool is_cell_end(struct str text, size_t at)
{
    return at >= text.len || text.at[at] == ',' || line_end(text, at) != 0;
}

/* `at` stands on the opening quote. */
static bool take_quoted(struct csv *csv, struct arena *arena, struct str *cell, const char **why)
{
    struct str text = csv->text;
    size_t from = ++csv->at;
    size_t doubled = 0;
    for (;; csv->at++) {
        if (csv->at >= text.len) {
            *why = "a quote is never closed";
            return false;
        }
        if (text.at[csv->at] != '"') {
            csv->line += text.at[csv->at] == '\n';
        } else if (csv->at + 1 < text.len && text.at[csv->at + 1] == '"') {
            doubled++;
            csv->at++;
        } else {
            break;
        }
    }
    struct str raw = str_sub(text, from, csv->at++ - from);
    if (!is_cell_end(text, csv->at)) {
        *why = "something stands behind a closing quote";
        return false;
    }
    *cell = raw;
    if (!extend_record(csv, why)) {
        return false;
    }
    if (doubled > 0) {
        char *out = arena_alloc(arena, raw.len - doubled);
        size_t len = 0;
        for (size_t i = 0; i < raw.len; i++) {
            out[len++] = raw.at[i];
            i += raw.at[i] == '"';
        }
        *cell = (struct str){out, len};
    }
    return true;
}

static bool take_cell(struct csv *csv, struct arena *arena, struct str *cell, const char **why)
{
    struct str text = csv->text;
    if (csv->at < text.len && text.at[csv->at] == '"') {
        return take_quoted(csv, arena, cell, why);
    }
    size_t from = csv->at;
    for (; !is_cell_end(text, csv->at); csv->at++) {
        if (text.at[csv->at] == '"') {
            *why = "a quote stands inside a cell that is not quoted";
            return false;
        }
        if (text.at[csv->at] == '\r') {
            *why = "a carriage return stands alone";
            return false;
        }
    }
    *cell = str_sub(text, from, csv->at - from);
    return extend_record(csv, why);
}

static void skip_empty_lines(struct csv *csv)
{
    size_t end;
    while ((end = line_end(csv->text, csv->at)) != 0) {
        csv->at = end;
        csv->line++;
    }
}

enum csv_next csv_next(struct csv *csv, struct arena *arena, struct str cells[], size_t max,
                       size_t *count, const char **why)
{
    *count = 0;
    skip_empty_lines(csv);
    if (csv->at >= csv->text.len) {
        return CSV_END;
    }
    csv->record = str_sub(csv->text, csv->at, 0);
    csv->line++;
    for (;;) {
        struct str cell = STR_NONE;
        if (!take_cell(csv, arena, &cell, why)) {
            return CSV_MALFORMED;
        }
        if (*count < max) {
            cells[*count] = cell;
        }
        ++*count;
        if (csv->at >= csv->text.len || csv->text.at[csv->at] != ',') {
            break;
        }
        csv->at++;
    }
    size_t end = line_end(csv->text, csv->at);
    if (!str_is_utf8(csv->record)) {
        *why = "it is not well-formed UTF-8";
        return CSV_MALFORMED;
    }
    csv->at = end != 0 ? end : csv->at;
    return CSV_RECORD;
}

/* ---- columns --------------------------------------------------------------------------------- */

static bool find_column(const struct field_set *set, struct str name, struct csv_column *column)
{
    struct str rest = name;
    *column = (struct csv_column){.depth = 0};
    while (set != NULL && column->depth < CSV_PATH_MAX) {
        struct str step = str_cut(&rest, '.');
        const struct field *field = field_find(set, step);
        if (field == NULL) {
            return false;
        }
        column->field = field;
        column->path[column->depth++] = step;
        if (field->type == FIELD_OBJECT) {
            set = field->members;
            continue;
        }
        if (field->type == FIELD_MAP && column->depth < CSV_PATH_MAX) {
            column->path[column->depth++] = rest; /* a name of its own: dots and all */
            return rest.len > 0;
        }
        /* "amount." has nothing left, either. */
        return rest.len == 0 && str_ends(name, step) &&
               (field->type == FIELD_STRING || field->type == FIELD_INTEGER ||
                field->type == FIELD_LIST);
    }
    return false;
}

static bool is_repeated(const struct str *cells, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (str_eq(cells[i], cells[at])) {
            return true;
        }
    }
    return false;
}

/* A needed member that no column brings is told once, not row by row. */
static bool has_needed(const struct field_set *set, const struct csv_column *columns, size_t count,
                       struct field_problem *problem)
{
    for (size_t i = 0; i < set->count; i++) {
        bool is_there = !set->fields[i].required;
        for (size_t c = 0; c < count && !is_there; c++) {
            is_there = str_eq(columns[c].path[0], str_of(set->fields[i].name));
        }
        if (!is_there) {
            return field_fail(problem, MESSAGE_MISSING_MEMBER, str_of(set->fields[i].name),
                              "the header has no column of %s", set->fields[i].name);
        }
    }
    return true;
}

bool csv_columns(const struct field_set *set, const struct str *cells, size_t count,
                 struct csv_column columns[CSV_COLUMN_MAX], struct field_problem *problem)
{
    size_t at;
    size_t len;
    if (count > CSV_COLUMN_MAX) {
        return field_fail(problem, MESSAGE_MALFORMED_CSV, STR_NONE,
                          "the header has more than %d columns", CSV_COLUMN_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (crypto_find_card_number(cells[i], &at, &len)) {
            return field_fail(problem, MESSAGE_CARD_DATA, STR_NONE,
                              "card numbers are never taken here");
        }
        if (!find_column(set, cells[i], &columns[i])) {
            return field_fail(problem, MESSAGE_UNKNOWN_MEMBER, cells[i],
                              "the header names no member of a payout here; columns are separated "
                              "by commas and named by paths, such as beneficiary.first_name");
        }
        if (is_repeated(cells, i)) {
            return field_fail(problem, MESSAGE_INVALID_MEMBER, cells[i], "the column stands twice");
        }
    }
    return has_needed(set, columns, count, problem);
}

/* ---- objects --------------------------------------------------------------------------------- */

static json_t *list_of(struct str cell)
{
    json_t *list = json_array();
    CHECK(list != NULL);
    while (cell.len > 0) {
        struct str word = str_cut(&cell, ' ');
        if (word.len > 0) {
            CHECK(json_array_append_new(list, json_stringn(word.at, word.len)) == 0);
        }
    }
    return list;
}

/* What is no number stays a text, which no integer field takes: its member is named then. */
static json_t *value_of(const struct field *field, struct str cell)
{
    int64_t number;
    if (field->type == FIELD_INTEGER && str_to_int64(cell, &number)) {
        return json_integer(number);
    }
    return field->type == FIELD_LIST ? list_of(cell) : json_stringn(cell.at, cell.len);
}

static void put(json_t *object, const struct csv_column *column, struct str cell)
{
    for (size_t i = 0; i + 1 < column->depth; i++) {
        struct str name = column->path[i];
        json_t *inner = json_object_getn(object, name.at, name.len);
        if (inner == NULL) {
            inner = json_object();
            CHECK(json_object_setn_new(object, name.at, name.len, inner) == 0);
        }
        object = inner;
    }
    struct str name = column->path[column->depth - 1];
    CHECK(json_object_setn_new(object, name.at, name.len, value_of(column->field, cell)) == 0);
}

json_t *csv_object(const struct csv_column *columns, const struct str *cells, size_t count)
{
    json_t *object = json_object();
    CHECK(object != NULL);
    for (size_t i = 0; i < count; i++) {
        if (cells[i].len > 0) {
            put(object, &columns[i], cells[i]);
        }
    }
    return object;
}

/* Answers for people: columns are chosen per object, widths by what is in them. */
#include "process/admin.h"

#include <stdio.h>
#include <string.h>

enum {
    COLUMN_MAX = 8,
    CELL_MAX = 256,
    CELL_SHOWN = 100, /* a larger object is shown by its name */
    ROW_MAX = 100000,
};

struct columns {
    const char *object; /* of the rows */
    const char *member[COLUMN_MAX];
};

/* clang-format off */
static const struct columns tables[] = {
    {"merchant", {"id", "test_id", "name", "country", "disabled", "created"}},
    {"account",  {"id", "merchant", "provider", "name", "base_url", "secret", "disabled", "problem"}},
    {"key",      {"id", "role", "merchant", "hint", "active", "created", "expires", "disabled"}},
};
/* clang-format on */

static void cell_text(const json_t *value, char out[CELL_MAX])
{
    if (value == NULL || json_is_null(value)) {
        (void)snprintf(out, CELL_MAX, "-");
    } else if (json_is_string(value)) {
        (void)snprintf(out, CELL_MAX, "%s", json_string_value(value));
    } else if (json_is_boolean(value)) {
        (void)snprintf(out, CELL_MAX, "%s", json_is_true(value) ? "yes" : "no");
    } else if (json_is_real(value)) {
        (void)snprintf(out, CELL_MAX, "%.3f", json_real_value(value));
    } else {
        struct buf text;
        buf_init(&text, 1 << 20);
        if (!json_canonical(value, &text)) {
            buf_clear(&text);
        }
        struct str whole = buf_str(&text);
        struct str name = json_text(value, "name"); /* a fee table is shown by its name */
        if (whole.len > CELL_SHOWN && name.len > 0) {
            whole = name;
        }
        (void)str_copy_to(str_sub(whole, 0, CELL_MAX - 1), out, CELL_MAX);
        buf_release(&text);
    }
}

static const struct columns *columns_of(const json_t *row)
{
    struct str object = json_text(row, "object");
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        if (str_eq(object, str_of(tables[i].object))) {
            return &tables[i];
        }
    }
    return NULL;
}

static size_t column_count(const struct columns *columns)
{
    size_t count = 0;
    while (count < COLUMN_MAX && columns->member[count] != NULL) {
        count++;
    }
    return count;
}

static void add_cell(struct buf *out, const char *text, size_t width, bool is_last)
{
    size_t len = strlen(text);
    buf_add_str(out, str_of(text));
    for (size_t i = len; !is_last && i < width + 2; i++) {
        buf_add_char(out, ' ');
    }
    if (is_last) {
        buf_add_char(out, '\n');
    }
}

static void print_rows(const json_t *rows, struct buf *out)
{
    const struct columns *columns = columns_of(json_array_get(rows, 0));
    size_t count = columns != NULL ? column_count(columns) : 0;
    size_t width[COLUMN_MAX] = {0};
    char cell[CELL_MAX];
    if (count == 0) {
        buf_add_str(out, STR("none\n"));
        return;
    }
    for (size_t row = 0; row <= json_array_size(rows); row++) {
        for (size_t i = 0; i < count; i++) {
            (void)snprintf(cell, sizeof(cell), "%s", columns->member[i]);
            if (row > 0) {
                cell_text(json_object_get(json_array_get(rows, row - 1), columns->member[i]), cell);
            }
            width[i] = strlen(cell) > width[i] ? strlen(cell) : width[i];
        }
    }
    for (size_t row = 0; row <= json_array_size(rows); row++) {
        for (size_t i = 0; i < count; i++) {
            (void)snprintf(cell, sizeof(cell), "%s", columns->member[i]);
            if (row > 0) {
                cell_text(json_object_get(json_array_get(rows, row - 1), columns->member[i]), cell);
            }
            add_cell(out, cell, width[i], i + 1 == count);
        }
    }
}

static void print_object(json_t *object, struct buf *out)
{
    char cell[CELL_MAX];
    size_t width = 0;
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        size_t len = json_object_iter_key_len(at);
        width = len > width ? len : width;
    }
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        if (strcmp(json_object_iter_key(at), "object") == 0) {
            continue;
        }
        cell_text(json_object_iter_value(at), cell);
        add_cell(out, json_object_iter_key(at), width, false);
        add_cell(out, cell, 0, true);
    }
}

/* Texts as they are; what is in force before the versions and moves. */
static void print_move(const json_t *move, struct buf *out)
{
    char cell[CELL_MAX];
    static const struct {
        const char *member;
        size_t width;
    } cells[] = {{"number", 5}, {"created", 24}, {"kind", 14}, {"version", 7}, {"author", 30}};
    for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
        cell_text(json_object_get(move, cells[i].member), cell);
        add_cell(out, cell, cells[i].width, false);
    }
    struct str reason = json_text(move, "reason");
    buf_add_str(out, reason);
    buf_add_char(out, '\n');
}

static void print_rules(json_t *answer, struct buf *out)
{
    static const char *const arms[] = {"live", "canary", "shadow", "proposal", "trial"};
    char cell[CELL_MAX];
    size_t index = 0;
    json_t *row = NULL;
    for (size_t i = 0; i < ARRAY_LEN(arms); i++) {
        const json_t *arm = json_object_get(answer, arms[i]);
        const json_t *version = json_object_get(arm, "version");
        const json_t *percent = json_object_get(arm, "percent");
        cell_text(version != NULL ? version : arm, cell);
        add_cell(out, arms[i], 8, false);
        buf_printf(out, "%s%s%s\n", cell, json_is_string(percent) ? ", percent of payments: " : "",
                   json_is_string(percent) ? json_string_value(percent) : "");
    }
    buf_add_str(out, STR("\nversions\n"));
    json_array_foreach(json_object_get(answer, "versions"), index, row)
    {
        static const char *const members[] = {"version", "created", "author", "comment"};
        for (size_t i = 0; i < ARRAY_LEN(members); i++) {
            cell_text(json_object_get(row, members[i]), cell);
            add_cell(out, cell, i == 2 ? 30 : 7, i + 1 == ARRAY_LEN(members));
        }
    }
    buf_add_str(out, STR("\nmoves\n"));
    json_array_foreach(json_object_get(answer, "moves"), index, row)
    {
        print_move(row, out);
    }
}

static bool print_rule_set(json_t *answer, struct buf *out)
{
    struct str object = json_text(answer, "object");
    if (str_eq(object, STR("rules"))) {
        print_rules(answer, out);
    } else if (str_eq(object, STR("rule_diff"))) {
        buf_add_str(out, json_text(answer, "diff"));
    } else if (str_eq(object, STR("rule_version"))) {
        char cell[CELL_MAX];
        cell_text(json_object_get(answer, "version"), cell);
        buf_printf(out, "# version %s, " STR_FMT ", by " STR_FMT "\n", cell,
                   STR_ARG(json_text(answer, "created")), STR_ARG(json_text(answer, "author")));
        buf_add_str(out, json_text(answer, "text"));
    } else {
        return false;
    }
    return true;
}

static const char *remark_on(enum admin_operation operation)
{
    switch ((unsigned)operation) {
    case ADMIN_KEY_CREATE:
    case ADMIN_KEY_ROTATE:
        return "\nKeep the key now: it is not stored and cannot be shown again.\n";
    case ADMIN_MERCHANT_CREATE:
        return "\nNext: turnpike accounts create --merchant <id or test_id> ..., then turnpike "
               "keys create --merchant <the same> --role merchant.\n";
    default:
        return "";
    }
}

void admin_print(enum admin_operation operation, struct str body, struct buf *out)
{
    static const struct json_limits limits = {
        .depth_max = 64,
        .member_count_max = (size_t)ROW_MAX * 100,
        .string_bytes_max = 16 << 20,
    };
    struct error err;
    json_t *answer = json_parse(body, &limits, &err);
    if (answer == NULL) {
        buf_add_str(out, body); /* rather raw than not at all */
        buf_add_char(out, '\n');
        return;
    }
    const json_t *rows = json_object_get(answer, "data");
    if (json_is_array(rows)) {
        print_rows(rows, out);
    } else if (!print_rule_set(answer, out)) {
        print_object(answer, out);
        buf_add_str(out, str_of(remark_on(operation)));
    }
    json_decref(answer);
}

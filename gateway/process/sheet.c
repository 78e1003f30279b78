#include "process/sheet.h"

#include <errno.h>
#include <string.h>

#include "process/screen.h"

enum {
    LINE_BYTES_MAX = 1 << 20,
    GAP = 2, /* columns apart */
};

struct sheet_line {
    struct str cells[SHEET_COLUMN_MAX];
    struct sheet_line *next;
};

bool sheet_format_parse(const char *name, enum sheet_format *format, struct error *err)
{
    static const char *const names[] = {
        [SHEET_TABLE] = "table", [SHEET_CSV] = "csv", [SHEET_JSON] = "json"};
    *format = SHEET_TABLE;
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *format = (enum sheet_format)i;
            return true;
        }
    }
    return name == NULL ||
           fail(err, ERROR_INVALID, "ledger: --format is table, csv or json, not \"%.40s\"", name);
}

static bool put(struct sheet *sheet, struct error *err)
{
    bool ok = buf_is_ok(&sheet->line) &&
              fwrite(sheet->line.at, 1, sheet->line.len, sheet->out) == sheet->line.len;
    buf_clear(&sheet->line);
    return ok || fail(err, ERROR_IO, "cannot write: %s", strerror(errno));
}

void sheet_open(struct sheet *sheet, enum sheet_format format, const struct csv_style *style,
                const struct sheet_column *columns, size_t count, FILE *out)
{
    CHECK(count <= SHEET_COLUMN_MAX);
    *sheet = (struct sheet){.format = format,
                            .style = *style,
                            .out = out,
                            .columns = columns,
                            .count = count,
                            .has_colour = format == SHEET_TABLE && screen_has_colour(out)};
    arena_init(&sheet->arena, SHEET_TABLE_BYTES_MAX + LINE_BYTES_MAX);
    buf_init(&sheet->line, LINE_BYTES_MAX);
    json_out_init(&sheet->json, &sheet->line);
    if (format == SHEET_JSON)
        buf_add_char(&sheet->line, '[');
    if (format != SHEET_CSV)
        return;
    csv_out_begin(style, &sheet->line);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            csv_out_next(style, &sheet->line);
        buf_add_str(&sheet->line, str_of(columns[i].name));
    }
    csv_out_line(style, &sheet->line);
}

static void csv_row(struct sheet *sheet, const struct str *cells)
{
    for (size_t i = 0; i < sheet->count; i++) {
        if (i > 0)
            csv_out_next(&sheet->style, &sheet->line);
        if (sheet->columns[i].kind == SHEET_TEXT || sheet->columns[i].kind == SHEET_STATE)
            csv_out_text(&sheet->style, cells[i], &sheet->line);
        else
            csv_out_number(&sheet->style, cells[i], &sheet->line);
    }
    csv_out_line(&sheet->style, &sheet->line);
}

static void json_row(struct sheet *sheet, const struct str *cells)
{
    json_begin_object(&sheet->json);
    for (size_t i = 0; i < sheet->count; i++) {
        const char *name = sheet->columns[i].name;
        if (cells[i].len == 0)
            json_put_null(&sheet->json, name);
        else if (sheet->columns[i].kind == SHEET_COUNT || sheet->columns[i].kind == SHEET_BOOL)
            json_put_raw(&sheet->json, name, cells[i]);
        else
            json_put_str(&sheet->json, name, cells[i]);
    }
    json_end_object(&sheet->json);
}

/* ---- tables ------------------------------------------------------------------------------------- */

static struct str shown(struct arena *arena, struct str cell)
{
    char *out = arena_alloc(arena, cell.len + 1);
    return (struct str){out, screen_clean(cell, out)};
}

static bool table_row(struct sheet *sheet, const struct str *cells, struct error *err)
{
    struct sheet_line *line = ARENA_NEW(&sheet->arena, struct sheet_line);
    line->next = NULL;
    sheet->bytes += sizeof(*line);
    for (size_t i = 0; i < sheet->count; i++)
        sheet->bytes += cells[i].len + 16;
    if (sheet->bytes > SHEET_TABLE_BYTES_MAX)
        return fail(err, ERROR_BUSY,
                    "too much for a table: say --format csv or json, or a shorter period");
    for (size_t i = 0; i < sheet->count; i++)
        line->cells[i] = shown(&sheet->arena, cells[i]);
    if (sheet->last != NULL)
        sheet->last->next = line;
    else
        sheet->first = line;
    sheet->last = line;
    return true;
}

static void add_spaces(struct sheet *sheet, size_t count)
{
    while (count-- > 0)
        buf_add_char(&sheet->line, ' ');
}

static void add_line(struct sheet *sheet, const struct str *cells, const size_t *widths,
                     bool is_head)
{
    size_t owed = 0; /* spaces; none at the end of a line */
    for (size_t i = 0; i < sheet->count; i++) {
        bool is_number =
            sheet->columns[i].kind == SHEET_AMOUNT || sheet->columns[i].kind == SHEET_COUNT;
        size_t rest = widths[i] - screen_width(cells[i]);
        add_spaces(sheet, owed + (is_number ? rest : 0));
        bool is_state = sheet->columns[i].kind == SHEET_STATE;
        screen_add(&sheet->line, sheet->has_colour,
                   is_head    ? TONE_STRONG
                   : is_state ? screen_tone(cells[i])
                              : TONE_NONE,
                   cells[i]);
        owed = (is_number ? 0 : rest) + GAP;
    }
    buf_add_char(&sheet->line, '\n');
}

static bool print_table(struct sheet *sheet, struct error *err)
{
    size_t widths[SHEET_COLUMN_MAX] = {0};
    struct str head[SHEET_COLUMN_MAX];
    for (size_t i = 0; i < sheet->count; i++) {
        head[i] = str_of(sheet->columns[i].name);
        widths[i] = head[i].len;
        for (const struct sheet_line *line = sheet->first; line != NULL; line = line->next) {
            size_t width = screen_width(line->cells[i]);
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    add_line(sheet, head, widths, true);
    bool ok = put(sheet, err);
    for (const struct sheet_line *line = sheet->first; ok && line != NULL; line = line->next) {
        add_line(sheet, line->cells, widths, false);
        ok = put(sheet, err);
    }
    return ok;
}

/* ------------------------------------------------------------------------------------------------- */

bool sheet_row(struct sheet *sheet, const struct str *cells, struct error *err)
{
    sheet->row_count++;
    if (sheet->format == SHEET_TABLE)
        return table_row(sheet, cells, err);
    if (sheet->format == SHEET_CSV)
        csv_row(sheet, cells);
    else
        json_row(sheet, cells);
    return put(sheet, err);
}

bool sheet_close(struct sheet *sheet, struct error *err)
{
    bool ok = true;
    if (sheet->format == SHEET_TABLE)
        ok = print_table(sheet, err);
    else if (sheet->format == SHEET_JSON)
        buf_add_str(&sheet->line, STR("]\n"));
    ok = ok && put(sheet, err) &&
         (fflush(sheet->out) == 0 || fail(err, ERROR_IO, "cannot write: %s", strerror(errno)));
    buf_release(&sheet->line);
    arena_release(&sheet->arena);
    return ok;
}

bool sheet_fill(struct sheet *sheet, struct copy *copy, const char *select, struct error *err)
{
    struct str cells[COPY_COLUMN_MAX];
    if (!copy_start(copy, select, sheet->count, err))
        return false;
    while (copy_next(copy, cells, err)) {
        if (!sheet_row(sheet, cells, err))
            return false;
    }
    return err->text[0] == '\0';
}

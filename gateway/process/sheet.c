#include "process/sheet.h"

#include <errno.h>
#include <string.h>

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
    *sheet = (struct sheet){
        .format = format, .style = *style, .out = out, .columns = columns, .count = count};
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
        if (sheet->columns[i].kind == SHEET_TEXT)
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

/* U+0085 and its like, and those that turn the direction: U+200E, F, U+202A to E, U+2066 to 9. */
static bool is_unshown(struct str text, size_t at, size_t size)
{
    const unsigned char *c = (const unsigned char *)text.at + at;
    if (size == 1)
        return c[0] < ' ' || c[0] == 0x7f;
    if (size == 2)
        return c[0] == 0xc2 && c[1] < 0xa0;
    if (size != 3 || c[0] != 0xe2)
        return false;
    return (c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae))) ||
           (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
}

static struct str shown(struct arena *arena, struct str cell)
{
    char *out = arena_alloc(arena, cell.len + 1);
    size_t len = 0;
    for (size_t at = 0; at < cell.len;) {
        size_t size = str_utf8_size(cell, at);
        if (size == 0 || is_unshown(cell, at, size)) {
            out[len++] = '.';
            at += size > 0 ? size : 1;
            continue;
        }
        memcpy(out + len, cell.at + at, size);
        len += size;
        at += size;
    }
    return (struct str){out, len};
}

static size_t width_of(struct str cell)
{
    size_t width = 0;
    for (size_t i = 0; i < cell.len; i++)
        width += ((unsigned char)cell.at[i] & 0xc0) != 0x80;
    return width;
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

static void add_line(struct sheet *sheet, const struct str *cells, const size_t *widths)
{
    size_t owed = 0; /* spaces; none at the end of a line */
    for (size_t i = 0; i < sheet->count; i++) {
        bool is_number =
            sheet->columns[i].kind == SHEET_AMOUNT || sheet->columns[i].kind == SHEET_COUNT;
        size_t rest = widths[i] - width_of(cells[i]);
        add_spaces(sheet, owed + (is_number ? rest : 0));
        buf_add_str(&sheet->line, cells[i]);
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
            size_t width = width_of(line->cells[i]);
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    add_line(sheet, head, widths);
    bool ok = put(sheet, err);
    for (const struct sheet_line *line = sheet->first; ok && line != NULL; line = line->next) {
        add_line(sheet, line->cells, widths);
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

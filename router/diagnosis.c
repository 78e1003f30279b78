#include "router/diagnosis.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LINE_CHARACTERS_MAX = 120, /* of a source line that is shown */
    LEFT_CHARACTERS_MAX = 80,  /* of them before the first that is meant */
};

const char *severity_name(enum severity severity)
{
    CHECK(severity == SEVERITY_ERROR || severity == SEVERITY_WARNING);
    return severity == SEVERITY_ERROR ? "error" : "warning";
}

void diagnosis_init(struct diagnosis *diagnosis, struct arena *arena)
{
    *diagnosis = (struct diagnosis){.arena = arena};
}

bool diagnosis_is_full(const struct diagnosis *diagnosis)
{
    return diagnosis->count == DIAGNOSIS_FINDING_MAX;
}

/* At most DIAGNOSIS_TEXT_MAX bytes, cut between characters. */
static struct str cut(struct str text)
{
    size_t len = text.len < DIAGNOSIS_TEXT_MAX ? text.len : DIAGNOSIS_TEXT_MAX;
    while (len > 0 && len < text.len && ((unsigned char)text.at[len] & 0xC0) == 0x80) {
        len--;
    }
    return str_sub(text, 0, len);
}

/* The place in `finding` for one more of this severity, NULL when there is none: an error takes
 * that of the last warning. */
static struct finding *make_room(struct diagnosis *diagnosis, enum severity severity)
{
    if (!diagnosis_is_full(diagnosis)) {
        return &diagnosis->finding[diagnosis->count++];
    }
    for (size_t i = diagnosis->count; severity == SEVERITY_ERROR && i-- > 0;) {
        if (diagnosis->finding[i].severity == SEVERITY_WARNING) {
            return &diagnosis->finding[i];
        }
    }
    return NULL;
}

void diagnosis_add(struct diagnosis *diagnosis, enum severity severity, struct ast_span span,
                   struct str text, struct str remedy)
{
    CHECK(!str_is_empty(text) && !str_is_empty(remedy));
    diagnosis->error_count += severity == SEVERITY_ERROR;
    diagnosis->warning_count += severity == SEVERITY_WARNING;
    struct finding *finding = make_room(diagnosis, severity);
    if (finding != NULL) {
        *finding = (struct finding){
            .severity = severity,
            .span = span,
            .text = arena_str(diagnosis->arena, cut(text)),
            .remedy = arena_str(diagnosis->arena, cut(remedy)),
        };
    }
}

PRINTF_LIKE(5, 0)
static void add_formatted(struct diagnosis *diagnosis, enum severity severity, struct ast_span span,
                          const char *remedy, const char *format, va_list args)
{
    char text[DIAGNOSIS_TEXT_MAX + 1];
    (void)vsnprintf(text, sizeof(text), format, args);
    diagnosis_add(diagnosis, severity, span, str_of(text), str_of(remedy));
}

void diagnosis_error(struct diagnosis *diagnosis, struct ast_span span, const char *remedy,
                     const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_formatted(diagnosis, SEVERITY_ERROR, span, remedy, format, args);
    va_end(args);
}

void diagnosis_warn(struct diagnosis *diagnosis, struct ast_span span, const char *remedy,
                    const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_formatted(diagnosis, SEVERITY_WARNING, span, remedy, format, args);
    va_end(args);
}

static int compare_place(const struct finding *a, const struct finding *b)
{
    const struct place *x = &a->span.from;
    const struct place *y = &b->span.from;
    if (x->line != y->line) {
        return x->line < y->line ? -1 : 1;
    }
    return x->column < y->column ? -1 : x->column > y->column;
}

void diagnosis_sort(struct diagnosis *diagnosis)
{
    for (size_t i = 1; i < diagnosis->count; i++) { /* few, and almost sorted */
        struct finding moved = diagnosis->finding[i];
        size_t k = i;
        for (; k > 0 && compare_place(&diagnosis->finding[k - 1], &moved) > 0; k--) {
            diagnosis->finding[k] = diagnosis->finding[k - 1];
        }
        diagnosis->finding[k] = moved;
    }
}

bool diagnosis_first(const struct diagnosis *diagnosis, struct error *err)
{
    const struct finding *first = NULL;
    for (size_t i = 0; i < diagnosis->count; i++) {
        const struct finding *finding = &diagnosis->finding[i];
        if (finding->severity == SEVERITY_ERROR &&
            (first == NULL || compare_place(finding, first) < 0)) {
            first = finding;
        }
    }
    if (first == NULL) {
        return false;
    }
    fail(err, ERROR_INVALID, "%u:%u: " STR_FMT "; " STR_FMT, first->span.from.line,
         first->span.from.column, STR_ARG(first->text), STR_ARG(first->remedy));
    return true;
}

struct reader { /* walks over the text, line by line */
    struct str text;
    unsigned line; /* from 1 */
    size_t at;     /* where it starts */
};

static struct str read_line(struct reader *reader, unsigned line)
{
    while (reader->line < line) {
        size_t end = str_find_char(reader->text, '\n', reader->at);
        if (end == SIZE_MAX) {
            return STR_NONE;
        }
        reader->at = end + 1;
        reader->line++;
    }
    size_t end = str_find_char(reader->text, '\n', reader->at);
    size_t len = (end == SIZE_MAX ? reader->text.len : end) - reader->at;
    struct str found = str_sub(reader->text, reader->at, len);
    if (line == 1 && str_starts(found, STR("\xEF\xBB\xBF"))) {
        found = str_sub(found, 3, found.len);
    }
    return str_ends(found, STR("\r")) ? str_sub(found, 0, found.len - 1) : found;
}

/* One character as a terminal may have it; its bytes. */
static size_t print_character(struct str line, size_t at, struct buf *out)
{
    size_t size = str_utf8_size(line, at);
    unsigned char c = (unsigned char)line.at[at];
    if (size == 0 || (c < 0x20 && c != '\t') || c == 0x7F) {
        buf_add_char(out, '?');
        return 1;
    }
    buf_add(out, line.at + at, size);
    return size;
}

/* The line and under it what is meant. A long line is shown from some characters before that. */
static void print_source(const struct finding *finding, struct str line, struct buf *out)
{
    unsigned from = finding->span.from.column;
    unsigned to = finding->span.to.line == finding->span.from.line ? finding->span.to.column : 0;
    unsigned start = from > LEFT_CHARACTERS_MAX ? from - LEFT_CHARACTERS_MAX : 1;
    struct buf marks;
    buf_init(&marks, 2 * LINE_CHARACTERS_MAX + 8);
    unsigned column = 1;
    size_t at = 0;
    if (start > 1) {
        buf_add_str(out, STR("..."));
        buf_add_str(&marks, STR("   "));
    }
    while (at < line.len && column < start + LINE_CHARACTERS_MAX) {
        size_t size = str_utf8_size(line, at);
        if (column < start) {
            at += size == 0 ? 1 : size;
        } else {
            if (column < from) {
                buf_add_char(&marks, line.at[at] == '\t' ? '\t' : ' ');
            } else if (column > from && (to == 0 || column < to)) {
                buf_add_char(&marks, '~');
            } else if (column == from) {
                buf_add_char(&marks, '^');
            }
            at += print_character(line, at, out);
        }
        column++;
    }
    if (column <= from) { /* behind the last character */
        buf_add_char(&marks, '^');
    }
    buf_add_str(out, at < line.len ? STR("...\n") : STR("\n"));
    buf_add_str(out, buf_str(&marks));
    buf_add_char(out, '\n');
    buf_release(&marks);
}

void diagnosis_print(const struct diagnosis *diagnosis, struct str file, struct str text,
                     struct buf *out)
{
    struct reader reader = {.text = text, .line = 1};
    for (size_t i = 0; i < diagnosis->count; i++) {
        const struct finding *finding = &diagnosis->finding[i];
        CHECK(i == 0 || compare_place(&diagnosis->finding[i - 1], finding) <= 0); /* sorted */
        buf_printf(out, STR_FMT ":%u:%u: %s: " STR_FMT "\n", STR_ARG(file), finding->span.from.line,
                   finding->span.from.column, severity_name(finding->severity),
                   STR_ARG(finding->text));
        print_source(finding, read_line(&reader, finding->span.from.line), out);
        buf_printf(out, "remedy: " STR_FMT "\n", STR_ARG(finding->remedy));
    }
    size_t all = diagnosis->error_count + diagnosis->warning_count;
    if (all > diagnosis->count) {
        buf_printf(out, STR_FMT ": %zu more\n", STR_ARG(file), all - diagnosis->count);
    }
}

void diagnosis_json(const struct diagnosis *diagnosis, struct json_out *out)
{
    json_begin_array(out);
    for (size_t i = 0; i < diagnosis->count; i++) {
        const struct finding *finding = &diagnosis->finding[i];
        json_begin_object(out);
        json_put_cstr(out, "severity", severity_name(finding->severity));
        json_put_int(out, "line", finding->span.from.line);
        json_put_int(out, "column", finding->span.from.column);
        json_put_int(out, "end_line", finding->span.to.line);
        json_put_int(out, "end_column", finding->span.to.column);
        json_put_str(out, "text", finding->text);
        json_put_str(out, "remedy", finding->remedy);
        json_end_object(out);
    }
    json_end_array(out);
}

/* Two texts, line by line: what they have in common, in the longest way, where that is not too much. */
#include "api/admin_diff.h"
#include "api/admin_rules.h"

#include <stdlib.h>

enum {
    LINES_MAX = 200000, /* of one text */
    CELLS_MAX = 4000000,
    CONTEXT = 3,
};

struct lines {
    struct str *line; /* owned */
    size_t count;
};

static struct lines split(struct str text)
{
    struct lines lines = {.line = calloc(LINES_MAX, sizeof(struct str))};
    CHECK(lines.line != NULL);
    while (text.len > 0 && lines.count < LINES_MAX)
        lines.line[lines.count++] = str_cut(&text, '\n');
    return lines;
}

struct diff {
    struct lines a, b;
    size_t head;      /* lines that both begin with */
    size_t tail;      /* ... and end with */
    uint16_t *common; /* owned: of the middles, from (i, j) on; NULL: too many */
    size_t added, removed;
    struct buf *out;
};

static size_t middle_a(const struct diff *diff)
{
    return diff->a.count - diff->head - diff->tail;
}

static size_t middle_b(const struct diff *diff)
{
    return diff->b.count - diff->head - diff->tail;
}

static void trim(struct diff *diff)
{
    const struct lines *a = &diff->a;
    const struct lines *b = &diff->b;
    size_t least = a->count < b->count ? a->count : b->count;
    while (diff->head < least && str_eq(a->line[diff->head], b->line[diff->head]))
        diff->head++;
    while (diff->tail < least - diff->head &&
           str_eq(a->line[a->count - 1 - diff->tail], b->line[b->count - 1 - diff->tail]))
        diff->tail++;
}

static void measure(struct diff *diff)
{
    size_t rows = middle_a(diff) + 1;
    size_t columns = middle_b(diff) + 1;
    if (rows > UINT16_MAX || columns > UINT16_MAX || rows * columns > CELLS_MAX)
        return;
    diff->common = calloc(rows * columns, sizeof(uint16_t));
    CHECK(diff->common != NULL);
    for (size_t i = rows - 1; i-- > 0;) {
        for (size_t j = columns - 1; j-- > 0;) {
            bool is_same = str_eq(diff->a.line[diff->head + i], diff->b.line[diff->head + j]);
            uint16_t down = diff->common[(i + 1) * columns + j];
            uint16_t right = diff->common[i * columns + j + 1];
            uint16_t both = (uint16_t)(diff->common[(i + 1) * columns + j + 1] + 1);
            diff->common[i * columns + j] = is_same ? both : down > right ? down : right;
        }
    }
}

static void put(struct diff *diff, char sign, struct str line)
{
    diff->added += sign == '+';
    diff->removed += sign == '-';
    buf_add_char(diff->out, sign);
    buf_add_str(diff->out, line);
    buf_add_char(diff->out, '\n');
}

static void print_middle(struct diff *diff)
{
    size_t rows = middle_a(diff);
    size_t columns = middle_b(diff);
    size_t i = 0;
    size_t j = 0;
    while (i < rows || j < columns) {
        struct str one = i < rows ? diff->a.line[diff->head + i] : STR_NONE;
        struct str other = j < columns ? diff->b.line[diff->head + j] : STR_NONE;
        bool is_inside = i < rows && j < columns && diff->common != NULL;
        if (is_inside && str_eq(one, other)) {
            put(diff, ' ', one);
            i++;
            j++;
        } else if (i < rows && (!is_inside || diff->common[(i + 1) * (columns + 1) + j] >=
                                                  diff->common[i * (columns + 1) + j + 1])) {
            put(diff, '-', one);
            i++;
        } else {
            put(diff, '+', other);
            j++;
        }
    }
}

static void print_all(struct diff *diff)
{
    size_t from = diff->head > CONTEXT ? diff->head - CONTEXT : 0;
    if (middle_a(diff) + middle_b(diff) == 0)
        return;
    buf_printf(diff->out, "@@ line %zu @@\n", diff->head + 1);
    for (size_t i = from; i < diff->head; i++)
        put(diff, ' ', diff->a.line[i]);
    print_middle(diff);
    size_t end = diff->a.count - diff->tail;
    for (size_t i = end; i < diff->a.count && i < end + CONTEXT; i++)
        put(diff, ' ', diff->a.line[i]);
}

struct admin_diff admin_diff_print(struct str from, struct str to, struct buf *out)
{
    struct diff diff = {.a = split(from), .b = split(to), .out = out};
    trim(&diff);
    measure(&diff);
    print_all(&diff);
    free(diff.common);
    free(diff.a.line);
    free(diff.b.line);
    return (struct admin_diff){.added = diff.added, .removed = diff.removed};
}

void rules_end_with_diff(struct admin_call *call, const struct rules_version *from,
                         const struct rules_version *to)
{
    struct buf text;
    struct json_out json;
    buf_init(&text, ADMIN_REPLY_MAX / 4);
    struct admin_diff diff = admin_diff_print(from->text, to->text, &text);
    json_out_init(&json, &call->out);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "rule_diff");
    json_put_int(&json, "from", from->version);
    json_put_int(&json, "to", to->version);
    json_put_int(&json, "added", (int64_t)diff.added);
    json_put_int(&json, "removed", (int64_t)diff.removed);
    json_put_str(&json, "diff", buf_str(&text));
    json_end_object(&json);
    buf_release(&text);
    admin_end(call, 200);
}

/*
 * Fuzz the bodies of batches: rows of JSON and of CSV. The first octet chooses the format, and
 * whether a filler goes in that is as long as all memory which is given; the second and third which
 * one, and where; the rest is the body. Reading never takes more memory than it is given; what comes
 * out lies within the text; and the rows and the head of JSON are together what the whole body is to
 * the parser, no more and no less.
 *
 *     make fuzz FUZZ=batch_rows
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/body.h"
#include "api/payout_check.h"
#include "api/rows.h"
#include "api/tables.h"

enum {
    CHOICES = 3, /* octets */
    FILLER_BYTES = ROWS_ARENA_MAX,
};

static const struct str fillers[] = {
    STR_INIT(" "),  STR_INIT("\"\""), STR_INIT(",\"\"\"\""), STR_INIT("9"),
    STR_INIT("\n"), STR_INIT("["),    STR_INIT("x"),         STR_INIT("\x01"),
};

static_assert(ARRAY_LEN(fillers) == 8, "three bits choose one");

struct outcome {
    json_t *rows; /* what was read, wrong ones of JSON, too */
    json_t *head; /* NULL: malformed */
};

static void check_problem(const struct field_problem *problem)
{
    CHECK(problem->message != MESSAGE_NONE);
    CHECK(memchr(problem->param, '\0', sizeof(problem->param)) != NULL);
    CHECK(memchr(problem->detail, '\0', sizeof(problem->detail)) != NULL);
    CHECK(problem->detail[0] != '\0');
}

static void check_raw(const struct rows *rows)
{
    CHECK(rows->raw.at >= rows->text.at);
    CHECK(rows->raw.at + rows->raw.len <= rows->text.at + rows->text.len);
    CHECK(rows->raw.len <= ROW_BYTES_MAX);
}

/* As a batch is taken in. */
static void check_row(const json_t *row)
{
    struct field_problem problem = {.message = MESSAGE_NONE};
    json_t *copy = json_deep_copy(row);
    CHECK(copy != NULL && json_is_object(copy));
    if (!field_check(&payout_fields, copy, &problem) || !payout_check(copy, &problem))
        check_problem(&problem);
    json_decref(copy);
}

static struct outcome read_rows(struct str text, bool is_csv)
{
    struct rows rows;
    struct arena kept;
    struct arena arena;
    struct field_problem problem = {.message = MESSAGE_NONE};
    enum rows_next next = ROWS_MALFORMED;
    struct outcome outcome = {.rows = json_array()};
    arena_init(&kept, ROWS_ARENA_MAX);
    arena_init(&arena, ROWS_ARENA_MAX);
    rows_init(&rows, text, is_csv, &payout_fields, "payouts");
    if (!is_csv || rows_read_header(&rows, &kept, &problem)) {
        json_t *row = NULL;
        while ((next = rows_next(&rows, &arena, &row, &problem)) <= ROWS_WRONG) {
            check_raw(&rows);
            if (next == ROWS_ROW)
                check_row(row);
            else
                check_problem(&problem);
            if (row != NULL)
                CHECK(json_array_append_new(outcome.rows, row) == 0);
            row = NULL;
            problem.message = MESSAGE_NONE;
            arena_reset(&arena);
        }
        arena_reset(&arena);
    }
    if (next == ROWS_END)
        outcome.head = rows_head(&rows, &arena, &problem);
    if (outcome.head == NULL)
        check_problem(&problem);
    arena_release(&arena);
    arena_release(&kept);
    return outcome;
}

/* The parser knows the whole body: the head with the rows in their place. */
static void check_whole(struct str text, const struct outcome *outcome)
{
    static const struct json_limits wide = {
        .depth_max = 64, .member_count_max = 1 << 20, .string_bytes_max = 1 << 20};
    struct error err;
    json_t *whole = json_parse(text, &wide, &err);
    json_t *list = json_object_get(outcome->head, "payouts");
    if (whole == NULL) { /* only for numbers that it cannot hold */
        CHECK(str_find(str_of(err.text), STR("too big"), 0) != SIZE_MAX ||
              str_find(str_of(err.text), STR("overflow"), 0) != SIZE_MAX);
        return;
    }
    if (json_array_size(outcome->rows) > 0) {
        CHECK(json_is_array(list) && json_array_size(list) == 0);
        CHECK(json_array_extend(list, outcome->rows) == 0);
    }
    CHECK(json_equal(whole, outcome->head));
    json_decref(whole);
}

/* Within the limits of a row even as a whole: then nothing of it may be refused as malformed. */
static bool is_well_formed(struct str text)
{
    struct error err;
    json_t *whole = json_parse(text, &json_limits_default, &err);
    bool is_object = json_is_object(whole);
    json_decref(whole);
    return is_object;
}

static struct str with_filler(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data + CHOICES, size - CHOICES};
    bool is_filled = data[0] >= 0xf8;
    size_t at = ((size_t)(data[1] & 0x1f) << 8 | data[2]) % (body.len + 1);
    struct str filler = fillers[data[1] >> 5];
    size_t count = is_filled ? FILLER_BYTES / filler.len : 0;
    char *text = malloc(body.len + count * filler.len + 1); /* its own block */
    CHECK(text != NULL);
    size_t len = at;
    memcpy(text, body.at, at);
    for (size_t i = 0; i < count; i++, len += filler.len)
        memcpy(text + len, filler.at, filler.len);
    memcpy(text + len, body.at + at, body.len - at);
    len += body.len - at;
    char *exact = realloc(text, len > 0 ? len : 1); /* reading too far is seen */
    CHECK(exact != NULL);
    return (struct str){exact, len};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CHOICES)
        return 0;
    bool is_csv = (data[0] & 1) != 0;
    struct str text = with_filler(data, size);
    struct outcome outcome = read_rows(text, is_csv);
    if (!is_csv && outcome.head != NULL)
        check_whole(text, &outcome);
    if (!is_csv && outcome.head == NULL && text.len <= json_limits_default.string_bytes_max)
        CHECK(!is_well_formed(text));
    json_decref(outcome.head);
    json_decref(outcome.rows);
    free((char *)(uintptr_t)text.at);
    return 0;
}

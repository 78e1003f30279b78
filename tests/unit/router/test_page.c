/*
 * test_page.c - docs/rules.md is true: every example is read, the mistakes are told as it says,
 * and the limits are those of the code.
 */
#include "support.h"

#include "router/check.h"
#include "router/facts.h"
#include "router/parse.h"

static char page[131072];

static int read_page(void **state)
{
    (void)state;
    FILE *file = fopen("docs/rules.md", "r");
    assert_non_null(file);
    size_t len = fread(page, 1, sizeof(page) - 1, file);
    (void)fclose(file);
    assert_in_range(len, 1, sizeof(page) - 2);
    page[len] = '\0';
    return 0;
}

/* What the checker finds in `text`, printed. */
static struct buf checked_of(struct str text)
{
    struct arena arena;
    struct diagnosis diagnosis;
    struct buf out;
    buf_init(&out, 65536);
    arena_init(&arena, CHECK_ARENA_BYTES_MAX);
    diagnosis_init(&diagnosis, &arena);
    bool good = check_text(text, providers_known, ARRAY_LEN(providers_known), NULL, &diagnosis);
    assert_int_equal(good, diagnosis.error_count == 0);
    diagnosis_print(&diagnosis, STR("payments.rules"), text, &out);
    arena_release(&arena);
    return out;
}

/* Findings of `text`, printed; empty: there is none, not even a warning. */
static struct buf told_of(struct str text)
{
    struct arena arena;
    struct diagnosis diagnosis;
    struct ast_tree tree;
    struct buf out;
    buf_init(&out, 65536);
    arena_init(&arena, 2 * (size_t)PARSE_ARENA_BYTES_MAX);
    diagnosis_init(&diagnosis, &arena);
    bool good =
        parse_tree(text, providers_known, ARRAY_LEN(providers_known), &arena, &tree, &diagnosis);
    assert_int_equal(good, diagnosis.error_count == 0);
    diagnosis_sort(&diagnosis);
    diagnosis_print(&diagnosis, STR("payments.rules"), text, &out);
    arena_release(&arena);
    return out;
}

static void assert_right(const char *before, struct str text, const char *after)
{
    struct buf whole;
    buf_init(&whole, 65536);
    buf_printf(&whole, "%s" STR_FMT "%s", before, STR_ARG(text), after);
    struct buf told = told_of(buf_str(&whole));
    if (told.len > 0) {
        fail_msg("docs/rules.md:\n" STR_FMT, STR_ARG(buf_str(&told)));
    }
    struct error err = {.text = ""};
    struct rule_set *rules = rule_set_new(buf_str(&whole), providers_known, 4, &err);
    if (rules == NULL) {
        fail_msg("docs/rules.md: %s\n" STR_FMT, err.text, STR_ARG(buf_str(&whole)));
    }
    rule_set_free(&rules);
    buf_release(&told);
    buf_release(&whole);
}

/* The next fenced text of this kind, from *at on. */
static bool next_fence(struct str kind, size_t *at, struct str *text)
{
    struct str all = str_of(page);
    for (;;) {
        size_t open = str_find(all, STR("\n```"), *at);
        size_t line = open == SIZE_MAX ? SIZE_MAX : str_find_char(all, '\n', open + 1);
        size_t close = line == SIZE_MAX ? SIZE_MAX : str_find(all, STR("\n```"), line);
        if (close == SIZE_MAX) {
            return false;
        }
        *at = close + 4;
        *text = str_sub(all, line + 1, close - line);
        if (str_eq(str_sub(all, open + 4, line - open - 4), kind)) {
            return true;
        }
    }
}

/* Each line without its comment. */
static size_t check_lines(struct str text, const char *before, const char *after)
{
    size_t count = 0;
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n');
        size_t comment = str_find(line, STR(" # "), 0);
        assert_right(before, str_sub(line, 0, comment), after);
        count++;
    }
    return count;
}

static void every_example_is_read(void **state)
{
    (void)state;
    struct str text;
    size_t files = 0;
    size_t lines = 0;
    for (size_t at = 0; next_fence(STR("rules"), &at, &text);) {
        assert_right("", text, "");
        files++;
    }
    for (size_t at = 0; next_fence(STR("condition"), &at, &text);) {
        lines += check_lines(text, "rule \"a\" when ", " { by cost }\notherwise { by cost }");
    }
    for (size_t at = 0; next_fence(STR("block"), &at, &text);) {
        lines += check_lines(text, "otherwise { ", " }");
    }
    assert_true(files >= 5 && lines >= 40);
}

static void the_checker_says_what_the_page_says(void **state)
{
    (void)state;
    struct str text;
    size_t at = 0;
    assert_true(next_fence(STR("checked"), &at, &text));
    struct buf found = checked_of(text);
    assert_true(next_fence(STR("findings"), &at, &text));
    buf_add_char(&found, '\0');
    if (!str_starts(buf_str(&found), text)) {
        fail_msg("docs/rules.md:\n%s", found.at);
    }
    buf_release(&found);
    for (at = 0; next_fence(STR("rules"), &at, &text);) {
        found = checked_of(text);
        if (found.len > 0) {
            fail_msg("docs/rules.md:\n" STR_FMT, STR_ARG(buf_str(&found)));
        }
        buf_release(&found);
    }
}

/* | `fact` | ... | `example` | */
static void every_fact_is_told_with_an_example(void **state)
{
    (void)state;
    struct str all = str_of(page);
    size_t from = str_find(all, STR("\n## Facts\n"), 0);
    assert_true(from != SIZE_MAX);
    struct str section = str_sub(all, from + 10, str_find(all, STR("\n## "), from + 10) - from);
    for (int fact = FACT_NONE + 1; fact < FACT_COUNT; fact++) {
        char word[48];
        struct str name = fact_info((enum fact)fact)->name;
        (void)snprintf(word, sizeof(word), "`" STR_FMT "%s", STR_ARG(name),
                       fact == FACT_METADATA ? ".name`" : "`");
        if (str_find(section, str_of(word), 0) == SIZE_MAX) {
            fail_msg("docs/rules.md does not explain %s", word);
        }
    }
    size_t rows = 0;
    while (section.len > 0) {
        struct str line = str_cut(&section, '\n');
        if (!str_starts(line, STR("| `")) || !str_ends(line, STR("` |"))) {
            continue;
        }
        size_t start = line.len - 3;
        while (line.at[start - 1] != '`') {
            start--;
        }
        assert_right("otherwise { by cost; avoid where ",
                     str_sub(line, start, line.len - 3 - start), " }");
        rows++;
    }
    assert_true(rows >= 20);
}

static void mistakes_are_told_as_the_page_says(void **state)
{
    (void)state;
    struct str text;
    struct str wanted;
    size_t at = 0;
    size_t from = 0;
    assert_true(next_fence(STR("mistakes"), &at, &text));
    assert_true(next_fence(STR("told"), &from, &wanted));
    struct buf told = told_of(text);
    if (!str_eq(buf_str(&told), wanted)) {
        fail_msg("told\n" STR_FMT "wanted\n" STR_FMT, STR_ARG(buf_str(&told)), STR_ARG(wanted));
    }
    buf_release(&told);
}

/* 16384 -> "16,384" */
static void assert_has_number(const char *before, int number, const char *after)
{
    char digits[16];
    char text[64];
    size_t len = 0;
    (void)snprintf(digits, sizeof(digits), "%d", number);
    size_t count = strlen(digits);
    len += (size_t)snprintf(text, sizeof(text), "%s", before);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            text[len++] = ',';
        }
        text[len++] = digits[i];
    }
    (void)snprintf(text + len, sizeof(text) - len, "%s", after);
    if (strstr(page, text) == NULL) {
        fail_msg("docs/rules.md has no \"%s\"", text);
    }
}

static void limits_are_those_of_the_code(void **state)
{
    (void)state;
    assert_has_number("| size of a file | ", ROUTE_RULES_BYTES_MAX, " bytes, UTF-8 |");
    assert_has_number("| rules | ", ROUTE_RULE_MAX, " |");
    assert_has_number("| sets and conditions | ", ROUTE_DEFINITION_MAX, " |");
    assert_has_number("counted at every use | ", ROUTE_TEST_MAX, " |");
    assert_has_number("in one list | ", ROUTE_VALUE_MAX, "; ");
    assert_has_number("; ", ROUTE_LIST_MAX, " |");
    assert_has_number("names within each other | ", ROUTE_DEPTH_MAX, " |");
    assert_has_number("| providers in a rule | ", ROUTE_TARGET_MAX, " |");
    assert_has_number("zones | ", ROUTE_METADATA_NAME_MAX, "; ");
    assert_has_number("; ", ROUTE_ZONE_MAX - 1, " |");
    assert_has_number("a rule's name | ", LEX_STRING_BYTES_MAX, "; ");
    assert_has_number("; ", ROUTE_NAME_BYTES_MAX, " bytes |");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_is_read),
        cmocka_unit_test(the_checker_says_what_the_page_says),
        cmocka_unit_test(every_fact_is_told_with_an_example),
        cmocka_unit_test(mistakes_are_told_as_the_page_says),
        cmocka_unit_test(limits_are_those_of_the_code),
    };
    return cmocka_run_group_tests(tests, read_page, NULL);
}

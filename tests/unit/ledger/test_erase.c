/* Erasure: every column that could hold personal data is accounted for, and who may do it. */
#include "ledger/erase.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/ledger/fixture.h"

static char doc[1 << 17];

static const char columns_sql[] =
    "SELECT c.relname, a.attname FROM pg_attribute a"
    " JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace"
    " AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
    " AND a.atttypid::regtype::text IN ('text', 'bytea', 'json', 'jsonb')"
    " AND c.relname <> 'schema_migrations'";

/* How often the table's row of this column is there: | `table` | ..., `column`, ... | ... | */
static size_t count_listed(struct str table, struct str column)
{
    char begin[160];
    char cell[160];
    size_t found = 0;
    struct str rest = str_of(doc);
    (void)snprintf(begin, sizeof(begin), "| `" STR_FMT "` |", STR_ARG(table));
    (void)snprintf(cell, sizeof(cell), "`" STR_FMT "`", STR_ARG(column));
    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        if (!str_starts(line, str_of(begin)))
            continue;
        line = str_sub(line, strlen(begin), SIZE_MAX);
        struct str cells = str_cut(&line, '|');
        found += memmem(cells.at, cells.len, cell, strlen(cell)) != NULL;
    }
    return found;
}

static size_t count_documented(void)
{
    const char *at = strstr(doc, "## Every column");
    size_t count = 0;
    assert_non_null(at);
    struct str rest = str_of(at);
    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        if (!str_starts(line, STR("| `")))
            continue;
        (void)str_cut(&line, '|');
        (void)str_cut(&line, '|');
        struct str cells = str_cut(&line, '|');
        for (size_t i = 0; i < cells.len; i++)
            count += cells.at[i] == '`';
    }
    return count / 2;
}

static void every_column_of_text_is_personal_or_not(void **state)
{
    (void)state;
    FILE *file = fopen("docs/erasure.md", "r");
    assert_non_null(file);
    size_t len = fread(doc, 1, sizeof(doc) - 1, file);
    (void)fclose(file);
    assert_true(len > 0 && len < sizeof(doc) - 1);
    PGconn *conn = fixture_connect("postgres");
    PGresult *res = PQexec(conn, columns_sql);
    int count = PQntuples(res);
    size_t unlisted = 0;
    assert_true(count > 100);
    for (int i = 0; i < count; i++) {
        struct str table = str_of(PQgetvalue(res, i, 0));
        struct str column = str_of(PQgetvalue(res, i, 1));
        if (count_listed(table, column) == 1)
            continue;
        unlisted++;
        print_error("docs/erasure.md does not say whether " STR_FMT "." STR_FMT " is personal, and "
                    "what erases it, once\n",
                    STR_ARG(table), STR_ARG(column));
    }
    assert_int_equal(unlisted, 0);
    assert_int_equal(count_documented(), count);
    assert_int_equal(count_listed(STR("payments"), STR("no_such_column")), 0);
    PQclear(res);
    PQfinish(conn);
}

static void records_are_written_by_erasing_alone(void **state)
{
    (void)state;
    PGconn *conn = fixture_connect("turnpike_gateway");
    static const char *const refused[] = {
        "INSERT INTO erasures SELECT * FROM erasures",
        "UPDATE erasures SET reason = ''",
        "DELETE FROM erasures",
        "SELECT erase_rows(NULL, NULL, NULL, now())",
        "SELECT erase_tries(NULL, NULL, NULL)",
        "SELECT erase_words(NULL, NULL)",
        "SELECT erase_answers(NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_string_equal(fixture_ask(conn, refused[i]), "ERROR 42501");
    assert_string_equal(fixture_ask(conn, "SELECT count(*) FROM erasures"), "0");
    PQfinish(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_column_of_text_is_personal_or_not, fixture_new_database),
        cmocka_unit_test_setup(records_are_written_by_erasing_alone, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

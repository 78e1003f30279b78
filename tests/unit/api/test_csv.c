/* test_csv.c - CSV as RFC 4180 has it, and nothing that could be read in two ways. */
#include "support.h"

#include <stdio.h>

#include "api/csv.h"

enum {
    CELLS_MAX = 16,
};

/* The records as "a|b;c|d", or "!why" at the end. */
static const char *read_all(const char *text, size_t len)
{
    static char out[1024];
    struct arena arena;
    struct csv csv;
    struct str cells[CELLS_MAX];
    size_t count;
    size_t at = 0;
    const char *why = "";
    enum csv_next next;
    arena_init(&arena, 1 << 20);
    csv_init(&csv, (struct str){text, len});
    out[0] = '\0';
    while ((next = csv_next(&csv, &arena, cells, CELLS_MAX, &count, &why)) == CSV_RECORD) {
        for (size_t i = 0; i < count; i++) {
            at += (size_t)snprintf(out + at, sizeof(out) - at, "%s" STR_FMT,
                                   i > 0    ? "|"
                                   : at > 0 ? ";"
                                            : "",
                                   STR_ARG(cells[i]));
        }
    }
    if (next == CSV_MALFORMED)
        (void)snprintf(out + at, sizeof(out) - at, "!%s", why);
    arena_release(&arena);
    return out;
}

static void records_are_read_as_they_are_meant(void **state UNUSED)
{
    static const struct {
        const char *text;
        const char *records;
    } good[] = {
        {"", ""},
        {"\n\r\n\n", ""},
        {"a", "a"},
        {"a,b\nc,d", "a|b;c|d"},
        {"a,b\r\nc,d\r\n", "a|b;c|d"},
        {"a,b\n\n\r\nc,d\n\n", "a|b;c|d"},
        {"\xef\xbb\xbf"
         "a,b\n",
         "a|b"},
        {",\n,,\n", "|;||"},
        {"a,\n", "a|"},
        {"\"a\",\"b,c\"\n\"d\"\"e\",\"\"\"\"", "a|b,c;d\"e|\""},
        {"\"\",x", "|x"},
        {"\"two\nlines\",\"and\r\nmore\"\nz", "two\nlines|and\r\nmore;z"},
        {" a , b ", " a | b "},
        {"M\xc3\xbcnchen;x,1", "M\xc3\xbcnchen;x|1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        const char *got = read_all(good[i].text, strlen(good[i].text));
        if (strcmp(got, good[i].records) != 0)
            fail_test("\"%s\": got \"%s\", wanted \"%s\"", good[i].text, got, good[i].records);
    }
}

static void what_could_be_read_in_two_ways_is_malformed(void **state UNUSED)
{
    static const struct {
        const char *text;
        const char *records;
    } bad[] = {
        {"a,\"b", "!a quote is never closed"},
        {"\"", "!a quote is never closed"},
        {"\"a\"\"", "!a quote is never closed"},
        {"x\n\"a\nb,c\nd", "x!a quote is never closed"},
        {"\"a\"b", "!something stands behind a closing quote"},
        {"\"a\" ,b", "!something stands behind a closing quote"},
        {"a\"b,c", "!a quote stands inside a cell that is not quoted"},
        {" \"a\"", "!a quote stands inside a cell that is not quoted"},
        {"a\rb", "!a carriage return stands alone"},
        {"a\xff,b", "!it is not well-formed UTF-8"},
        {"\"a\xc3\",b", "!it is not well-formed UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *got = read_all(bad[i].text, strlen(bad[i].text));
        if (strcmp(got, bad[i].records) != 0)
            fail_test("\"%s\": got \"%s\", wanted \"%s\"", bad[i].text, got, bad[i].records);
    }
}

static void lines_are_counted_through_quotes(void **state UNUSED)
{
    struct arena arena;
    struct csv csv;
    struct str cells[CELLS_MAX];
    size_t count;
    const char *why;
    arena_init(&arena, 1 << 20);
    csv_init(&csv, STR("h\n\n\"a\nb\"\nc\n"));
    assert_int_equal(csv_next(&csv, &arena, cells, CELLS_MAX, &count, &why), CSV_RECORD);
    assert_int_equal(csv.line, 1);
    assert_int_equal(csv_next(&csv, &arena, cells, CELLS_MAX, &count, &why), CSV_RECORD);
    assert_int_equal(csv.line, 4); /* where it ends */
    assert_int_equal(csv_next(&csv, &arena, cells, CELLS_MAX, &count, &why), CSV_RECORD);
    assert_int_equal(csv.line, 5);
    arena_release(&arena);
}

static void more_cells_than_there_is_room_for_are_counted(void **state UNUSED)
{
    struct arena arena;
    struct csv csv;
    struct str cells[2];
    size_t count;
    const char *why;
    arena_init(&arena, 1 << 20);
    csv_init(&csv, STR("a,b,c,d\n"));
    assert_int_equal(csv_next(&csv, &arena, cells, 2, &count, &why), CSV_RECORD);
    assert_int_equal(count, 4);
    arena_release(&arena);
}

/* ---- columns ---- */

static struct field_problem columns_of(const char *header, struct csv_column columns[])
{
    struct arena arena;
    struct csv csv;
    struct str cells[CSV_COLUMN_MAX];
    struct field_problem problem = {.message = MESSAGE_NONE};
    size_t count;
    const char *why;
    arena_init(&arena, 1 << 20);
    csv_init(&csv, str_of(header));
    assert_int_equal(csv_next(&csv, &arena, cells, CSV_COLUMN_MAX, &count, &why), CSV_RECORD);
    if (csv_columns(&payout_fields, cells, count, columns, &problem))
        problem.message = MESSAGE_NONE;
    arena_release(&arena);
    return problem;
}

#define NEEDED "amount,currency,beneficiary.type,payees.paypal"

static void columns_are_members_by_their_paths(void **state UNUSED)
{
    static const struct {
        const char *header;
        enum message message;
        const char *param;
    } headers[] = {
        {NEEDED, MESSAGE_NONE, ""},
        {NEEDED ",reference,description,beneficiary.first_name,beneficiary.bank_account.iban,"
                "payees.payoneer,metadata.run,metadata.a.b,providers.only,providers.never",
         MESSAGE_NONE, ""},
        {"\"amount\",\"currency\",\"beneficiary.type\",\"payees.paypal\"", MESSAGE_NONE, ""},
        {NEEDED ",iban", MESSAGE_UNKNOWN_MEMBER, "iban"},
        {NEEDED ",Amount", MESSAGE_UNKNOWN_MEMBER, "Amount"},
        {NEEDED ", reference", MESSAGE_UNKNOWN_MEMBER, " reference"},
        {NEEDED ",reference.", MESSAGE_UNKNOWN_MEMBER, "reference."},
        {NEEDED ",.reference", MESSAGE_UNKNOWN_MEMBER, ".reference"},
        {NEEDED ",beneficiary", MESSAGE_UNKNOWN_MEMBER, "beneficiary"},
        {NEEDED ",beneficiary.", MESSAGE_UNKNOWN_MEMBER, "beneficiary."},
        {NEEDED ",beneficiary.bank_account", MESSAGE_UNKNOWN_MEMBER, "beneficiary.bank_account"},
        {NEEDED ",beneficiary.bank_account.x", MESSAGE_UNKNOWN_MEMBER,
         "beneficiary.bank_account.x"},
        {NEEDED ",metadata", MESSAGE_UNKNOWN_MEMBER, "metadata"},
        {NEEDED ",metadata.", MESSAGE_UNKNOWN_MEMBER, "metadata."},
        {NEEDED ",", MESSAGE_UNKNOWN_MEMBER, ""},
        {NEEDED ",amount", MESSAGE_INVALID_MEMBER, "amount"},
        {"amount;currency", MESSAGE_UNKNOWN_MEMBER, "amount;currency"},
        {"currency,beneficiary.type,payees.paypal", MESSAGE_MISSING_MEMBER, "amount"},
        {"amount,beneficiary.type,payees.paypal", MESSAGE_MISSING_MEMBER, "currency"},
        {"amount,currency,payees.paypal", MESSAGE_MISSING_MEMBER, "beneficiary"},
        {"amount,currency,beneficiary.type", MESSAGE_MISSING_MEMBER, "payees"},
        {NEEDED ",metadata.4111111111111111", MESSAGE_CARD_DATA, ""},
    };
    struct csv_column columns[CSV_COLUMN_MAX];
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct field_problem problem = columns_of(headers[i].header, columns);
        if (problem.message != headers[i].message || strcmp(problem.param, headers[i].param) != 0)
            fail_test("%s: got %s at \"%s\", wanted %s at \"%s\"", headers[i].header,
                      message_entry(problem.message)->code, problem.param,
                      message_entry(headers[i].message)->code, headers[i].param);
    }
}

static void a_record_becomes_the_object_it_would_be_in_json(void **state UNUSED)
{
    struct csv_column columns[CSV_COLUMN_MAX];
    struct buf text;
    assert_int_equal(
        columns_of(NEEDED ",beneficiary.bank_account.iban,metadata.a.b,providers.only", columns)
            .message,
        MESSAGE_NONE);
    const struct {
        struct str cells[7];
        const char *json;
    } records[] = {
        {{STR("1099"), STR("EUR"), STR("individual"), STR("a@b.de"), STR("DE89"), STR("x"),
          STR("paypal_payouts  payoneer_payouts")},
         "{\"amount\":1099,\"beneficiary\":{\"bank_account\":{\"iban\":\"DE89\"},\"type\":"
         "\"individual\"},\"currency\":\"EUR\",\"metadata\":{\"a.b\":\"x\"},\"payees\":{\"paypal\":"
         "\"a@b.de\"},\"providers\":{\"only\":[\"paypal_payouts\",\"payoneer_payouts\"]}}"},
        {{STR("10.99"), STR("EUR"), STR_NONE, STR_NONE, STR_NONE, STR_NONE, STR_NONE},
         "{\"amount\":\"10.99\",\"currency\":\"EUR\"}"},
        {{STR(" 1"), STR("EUR"), STR_NONE, STR_NONE, STR_NONE, STR_NONE, STR_NONE},
         "{\"amount\":\" 1\",\"currency\":\"EUR\"}"},
        {{STR("99999999999999999999"), STR_NONE, STR_NONE, STR_NONE, STR_NONE, STR_NONE, STR_NONE},
         "{\"amount\":\"99999999999999999999\"}"},
    };
    buf_init(&text, 4096);
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        json_t *object = csv_object(columns, records[i].cells, 7);
        buf_clear(&text);
        assert_true(json_canonical(object, &text));
        buf_add_char(&text, '\0');
        assert_string_equal(text.at, records[i].json);
        json_decref(object);
    }
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read_as_they_are_meant),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_malformed),
        cmocka_unit_test(lines_are_counted_through_quotes),
        cmocka_unit_test(more_cells_than_there_is_room_for_are_counted),
        cmocka_unit_test(columns_are_members_by_their_paths),
        cmocka_unit_test(a_record_becomes_the_object_it_would_be_in_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

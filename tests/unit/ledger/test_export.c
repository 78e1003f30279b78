/* What exports write: cells, names, rows of every format. Pure. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "ledger/export.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static char *cell(struct csv_style style, struct str text)
{
    static struct buf out;
    buf_release(&out);
    buf_init(&out, 1 << 16);
    csv_out_text(&style, text, &out);
    buf_add(&out, "", 1);
    return out.at;
}

/* ---- CSV ---------------------------------------------------------------------------------------- */

static void formulas_are_guarded_and_numbers_are_not(void **state)
{
    (void)state;
    struct csv_style style = csv_style_default;
    struct buf out;
    assert_string_equal(cell(style, STR("=cmd|' /C calc'!A0")), "\"'=cmd|' /C calc'!A0\"");
    assert_string_equal(cell(style, STR("+1")), "'+1");
    assert_string_equal(cell(style, STR("-1")), "'-1");
    assert_string_equal(cell(style, STR("@SUM(A1)")), "'@SUM(A1)");
    assert_string_equal(cell(style, STR("\t=1")), "\"'\t=1\"");
    assert_string_equal(cell(style, STR("\r\n=1")), "\"'\r\n=1\"");
    assert_string_equal(cell(style, STR("\xef\xbc\x9d"
                                        "1")),
                        "'\xef\xbc\x9d"
                        "1");
    assert_string_equal(cell(style, STR("'quoted")), "''quoted");
    assert_string_equal(cell(style, STR("a=1")), "a=1");
    assert_string_equal(cell(style, STR_NONE), "");
    buf_init(&out, 100);
    csv_out_number(&style, STR("-10.99"), &out);
    assert_int_equal(out.len, 6);
    assert_memory_equal(out.at, "-10.99", 6);
    buf_release(&out);
}

static void cells_are_quoted_as_rfc_4180_has_it(void **state)
{
    (void)state;
    struct csv_style style = csv_style_default;
    struct csv_style german = {.delimiter = ';', .decimal = ','};
    assert_string_equal(cell(style, STR("a,b")), "\"a,b\"");
    assert_string_equal(cell(style, STR("a\"b\"")), "\"a\"\"b\"\"\"");
    assert_string_equal(cell(style, STR("\"")), "\"\"\"\"");
    assert_string_equal(cell(style, STR("a\nb\r")), "\"a\nb\r\"");
    assert_string_equal(cell(style, STR(" a")), "\" a\"");
    assert_string_equal(cell(style, STR("\xf0\x9f\x92\xb6 \xe2\x80\xae")),
                        "\xf0\x9f\x92\xb6 \xe2\x80\xae");
    assert_string_equal(cell(german, STR("a;b")), "\"a;b\"");
    struct buf out;
    buf_init(&out, 100);
    csv_out_number(&german, STR("-1234.56"), &out);
    csv_out_next(&german, &out);
    csv_out_number(&german, STR("7"), &out);
    csv_out_line(&german, &out);
    buf_add(&out, "", 1);
    assert_string_equal(out.at, "-1234,56;7\r\n");
    buf_release(&out);
}

/* Read back by the rules of RFC 4180, and one apostrophe taken off a guarded cell: the text again. */
static struct str read_back(const char *at, char out[4096])
{
    size_t len = 0;
    bool quoted = *at == '"';
    for (at += quoted; *at != '\0'; at++) {
        if (quoted && *at == '"' && *++at != '"')
            break;
        out[len++] = *at;
    }
    size_t skip = len > 0 && out[0] == '\'' ? 1 : 0;
    return (struct str){out + skip, len - skip};
}

static void every_text_survives_and_none_begins_a_formula(void **state)
{
    (void)state;
    static const char letters[] = "=+-@'\"\t\r\n ,;|ab1\xc3\xa9";
    char text[6];
    char back[4096];
    srand(1);
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)rand() % sizeof(text);
        for (size_t i = 0; i < len; i++)
            text[i] = letters[(size_t)rand() % (sizeof(letters) - 1)];
        const char *written = cell(csv_style_default, (struct str){text, len});
        char first = written[0] == '"' ? written[1] : written[0];
        assert_false(first != '\0' && strchr("=+-@\t\r\n", first) != NULL);
        struct str got = read_back(written, back);
        assert_int_equal(got.len, len);
        assert_memory_equal(got.at, text, len);
    }
}

/* ---- names -------------------------------------------------------------------------------------- */

static void names_are_as_programs_take_them(void **state)
{
    (void)state;
    char out[EXPORT_NAME_SIZE];
    struct str account = STR("provider:paypal_payouts:acc_01JDEX:pending");
    assert_string_equal(export_name(EXPORT_HLEDGER, export_type(account), account, out).at,
                        "equity:provider:paypal_payouts:acc_01JDEX:pending");
    account = STR("provider:paypal_payouts:acc_01M831E02WEYYVFTB86D21K776:pending");
    assert_string_equal(export_name(EXPORT_LEDGER, export_type(account), account, out).at,
                        "assets:provider:paypal_payouts:acc_01M831E02WEYYVFTB86D21K776:pending");
    assert_string_equal(export_name(EXPORT_BEANCOUNT, export_type(account), account, out).at,
                        "Assets:Provider:Paypal-payouts:Acc-01M831E02WEYYVFTB86D21K776:Pending");
    assert_string_equal(export_name(EXPORT_BEANCOUNT, ACCOUNT_INCOME, STR("a: b;c"), out).at,
                        "Income:A:X--x20b--3bc");
    assert_string_equal(
        export_name(EXPORT_HLEDGER, ACCOUNT_LIABILITY, STR("a  b::\xc3\xa4"), out).at,
        "liabilities:a%20%20b:%:%C3%A4");
}

static void types_are_the_chart_s(void **state)
{
    (void)state;
    assert_int_equal(export_type(STR("bank:main")), ACCOUNT_ASSET);
    assert_int_equal(export_type(STR("suspense")), ACCOUNT_LIABILITY);
    assert_int_equal(export_type(STR("merchant:sales")), ACCOUNT_INCOME);
    assert_int_equal(export_type(STR("fees:payout")), ACCOUNT_EXPENSE);
    assert_int_equal(export_type(STR("user:x")), ACCOUNT_EQUITY);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names of up to five of the bytes that are treated differently: no two become one. */
static void no_two_names_become_one(void **state)
{
    (void)state;
    static const char letters[] = "ad2_-:A% ";
    enum { N = sizeof(letters) - 1, COUNT = N * N * N * N * N * 2 };
    static char *names[COUNT];
    static const enum export_format formats[] = {EXPORT_HLEDGER, EXPORT_BEANCOUNT};
    for (size_t f = 0; f < ARRAY_LEN(formats); f++) {
        size_t count = 0;
        for (size_t len = 1, power = N; len <= 5; len++, power *= N) {
            for (size_t i = 0; i < power; i++) {
                char out[EXPORT_NAME_SIZE];
                char text[5];
                for (size_t at = 0, rest = i; at < len; at++, rest /= N)
                    text[at] = letters[rest % N];
                (void)export_name(formats[f], ACCOUNT_ASSET, (struct str){text, len}, out);
                names[count++] = strdup(out);
            }
        }
        qsort(names, count, sizeof(names[0]), compare);
        for (size_t i = 1; i < count; i++)
            assert_string_not_equal(names[i - 1], names[i]);
        for (size_t i = 0; i < count; i++)
            free(names[i]);
    }
}

/* ---- rows --------------------------------------------------------------------------------------- */

static struct export_row sample(const char *currency, int64_t minor)
{
    struct export_row row = {
        .created_us = INT64_C(1795774530123456), /* 2026-11-27T10:15:30.123456Z */
        .effective_us = INT64_C(1795774530123456),
        .amount_minor = minor,
        .currency = currency_find(str_of(currency)),
        .merchant = STR("=Demo \"; x"),
        .state = STR("posted"),
        .kind = STR("payment"),
        .debit_account = STR("bank:main"),
        .credit_account = STR("merchant:sales"),
    };
    row.merchant_id.byte[15] = 1;
    row.transfer_id.byte[15] = 2;
    row.payment_id.byte[15] = 3;
    return row;
}

static char *written(enum export_format format, const struct export_row *row, bool is_whole)
{
    static struct buf out;
    struct export e;
    struct export_scope scope = {.merchant = row->merchant,
                                 .merchant_id = row->merchant_id,
                                 .made_us = row->created_us,
                                 .from_us = INT64_MIN,
                                 .to_us = INT64_MAX,
                                 .is_whole = is_whole};
    buf_release(&out);
    buf_init(&out, 1 << 16);
    export_begin(&e, format, &csv_style_default, &scope, &out);
    export_row(&e, row, STR("left"), STR("right"));
    if (is_whole && export_is_journal(format)) {
        export_balance(&e, STR("left"), row->currency, row->amount_minor);
        export_balance(&e, STR("right"), row->currency, -row->amount_minor);
    }
    export_end(&e);
    assert_true(buf_is_ok(&out));
    buf_add(&out, "", 1);
    return out.at;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void a_row_of_every_format(void **state)
{
    (void)state;
    struct export_row row = sample("EUR", 1099);
    assert_has(written(EXPORT_CSV, &row, true),
               "amount_minor\r\n\"'=Demo \"\"; x\",mer_00000000000000000000000001,"
               "trf_00000000000000000000000002,pay_00000000000000000000000003,,,2026-11-27T10:15:30"
               ".123456Z,2026-11-27,payment,posted,bank:main,merchant:sales,EUR,10.99,1099\r\n");
    assert_has(written(EXPORT_JSONL, &row, true), "\"attempt\":null,\"pending\":null,");
    assert_has(written(EXPORT_HLEDGER, &row, true), "; the books of =Demo __ x (mer_");
    assert_has(
        written(EXPORT_HLEDGER, &row, true),
        "\n2026-11-27 * (trf_00000000000000000000000002) payment  ; "
        "payment:pay_00000000000000000000000003\n    left  10.99 EUR\n    right  -10.99 EUR\n");
    assert_has(
        written(EXPORT_LEDGER, &row, true),
        "\n2026-11-27 * balances by the books\n    left  0.00 EUR = 10.99 EUR\n    right  0.00 "
        "EUR = -10.99 EUR\n");
    assert_has(written(EXPORT_BEANCOUNT, &row, true),
               "\n2026-11-27 * \"payment\" ^pay_00000000000000000000000003\n");
    assert_has(written(EXPORT_BEANCOUNT, &row, true), "2026-11-28 balance left  10.99 ~ 0 EUR\n");
    row.effective_us -= 86400 * CLOCK_SECOND_US;
    row.is_payout = true;
    assert_has(written(EXPORT_HLEDGER, &row, true), "\n2026-11-26=2026-11-27 * (");
    assert_has(written(EXPORT_HLEDGER, &row, false), "without opening balances\n");
    assert_has(written(EXPORT_CSV, &row, false), ",pyt_00000000000000000000000003,");
    row.state = STR("pending");
    assert_has(written(EXPORT_HLEDGER, &row, true), "; nothing was posted\n");
    assert_has(written(EXPORT_CSV, &row, true), ",payment,pending,");
}

static void every_currency_has_its_decimals(void **state)
{
    (void)state;
    size_t count = 0;
    const struct currency *all = currency_all(&count);
    static const char *const amounts[] = {" 12345 ", NULL, " 123.45 ", " 12.345 ", " 1.2345 "};
    for (size_t i = 0; i < count; i++) {
        struct export_row row = sample(all[i].code, 12345);
        char posting[32];
        (void)snprintf(posting, sizeof(posting), "left %s%s\n", amounts[all[i].exponent],
                       all[i].code);
        for (int format = EXPORT_HLEDGER; format < EXPORT_FORMAT_COUNT; format++)
            assert_has(written((enum export_format)format, &row, true), posting);
        struct buf out;
        struct export e = {.format = EXPORT_HLEDGER, .out = &out};
        buf_init(&out, 1000);
        export_currency(&e, &all[i]);
        assert_non_null(memchr(out.at, '.', out.len)); /* hledger wants to see the decimal mark */
        buf_release(&out);
    }
}

static void lines_of_json_can_be_read(void **state)
{
    (void)state;
    struct export_row row = sample("JPY", 5);
    row.kind = STR("a\n\"\xf0\x9f\x92\xb6");
    struct error err;
    char *text = written(EXPORT_JSONL, &row, true);
    json_t *json = json_parse(str_of(text), &json_limits_default, &err);
    assert_non_null(json);
    assert_string_equal(json_text(json, "kind").at, "a\n\"\xf0\x9f\x92\xb6");
    assert_string_equal(json_text(json, "amount").at, "5");
    assert_null(strchr(text, '\n')[1] != '\0' ? text : NULL);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formulas_are_guarded_and_numbers_are_not),
        cmocka_unit_test(cells_are_quoted_as_rfc_4180_has_it),
        cmocka_unit_test(every_text_survives_and_none_begins_a_formula),
        cmocka_unit_test(names_are_as_programs_take_them),
        cmocka_unit_test(types_are_the_chart_s),
        cmocka_unit_test(no_two_names_become_one),
        cmocka_unit_test(a_row_of_every_format),
        cmocka_unit_test(every_currency_has_its_decimals),
        cmocka_unit_test(lines_of_json_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

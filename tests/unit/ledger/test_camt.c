/* Statements for banks' software: texts, names, amounts, and that entries lead to the balance. Pure. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ledger/camt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MOMENT INT64_C(1792857600000000) /* 2026-10-24T16:00:00Z */

static const char *text_of(struct str text, size_t char_max, bool is_whole)
{
    static struct buf out;
    buf_release(&out);
    buf_init(&out, 1 << 16);
    assert_int_equal(camt_text(text, char_max, &out), is_whole);
    buf_add(&out, "", 1);
    return out.at;
}

static void texts_are_xml_and_keep_their_length(void **state)
{
    (void)state;
    assert_string_equal(text_of(STR("a<b>&\"'"), 35, true), "a&lt;b&gt;&amp;&quot;'");
    assert_string_equal(text_of(STR("\t\n\r"), 35, true), "&#9;&#10;&#13;");
    assert_string_equal(text_of(STR("\x01\x1f"), 35, true), "\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(text_of(STR("\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd"), 35, true),
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(text_of(STR("\xff\xc3"), 35, true), "\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(text_of(STR("&&&"), 2, false), "&amp;&amp;");
    assert_string_equal(text_of(STR("\xf0\x9f\x92\xb6\xf0\x9f\x92\xb6"), 2, true),
                        "\xf0\x9f\x92\xb6\xf0\x9f\x92\xb6");
    assert_string_equal(text_of(STR("\xf0\x9f\x92\xb6\xf0\x9f\x92\xb6"), 1, false),
                        "\xf0\x9f\x92\xb6");
    assert_string_equal(text_of(STR_NONE, 35, true), "");
}

static void each_account_has_a_name_that_fits(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"merchant:sales", "merchant:sales"},
        {"provider:paypal:acc_01M831E02WEYYVFTB86D21K776:pending",
         "acc_01M831E02WEYYVFTB86D21K776:PND"},
        {"provider:paypal:acc_01M831E02WEYYVFTB86D21K776:available",
         "acc_01M831E02WEYYVFTB86D21K776:AVL"},
        {"provider:paypal:acc_01M831E02WEYYVFTB86D21K776:transit",
         "acc_01M831E02WEYYVFTB86D21K776:TRN"},
        {"bank:a-name-of-exactly-thirty-four", "bank:a-name-of-exactly-thirty-four"},
    };
    char out[CAMT_ACCOUNT_SIZE];
    char other[CAMT_ACCOUNT_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_string_equal(camt_account_id(str_of(names[i][0]), out).at, names[i][1]);
    (void)camt_account_id(STR("bank:a-name-that-is-longer-than-thirty-four"), out);
    (void)camt_account_id(STR("bank:a-name-that-is-longer-than-thirty-five"), other);
    assert_int_equal(strlen(out), CAMT_ACCOUNT_MAX);
    assert_memory_equal(out, "bank:a-name-that--", 18);
    assert_string_not_equal(out, other);
    assert_int_equal(camt_account_id(STR("a b"), out).at[0], '-');
    assert_string_not_equal(out, camt_account_id(STR("a\tb"), other).at);
}

static struct export_row sample(const struct currency *currency, bool is_debit, int64_t minor)
{
    return (struct export_row){
        .transfer_id = uuid_first(MOMENT),
        .payment_id = uuid_first(MOMENT - CLOCK_SECOND_US),
        .created_us = MOMENT,
        .effective_us = MOMENT - 86400 * CLOCK_SECOND_US,
        .amount_minor = minor,
        .currency = currency,
        .state = STR("posted"),
        .kind = STR("payment"),
        .debit_account = is_debit ? STR("bank:main") : STR("merchant:payouts"),
        .credit_account = is_debit ? STR("merchant:sales") : STR("bank:main"),
        .reference = STR("r"),
    };
}

struct statement {
    struct buf out;
    struct camt camt;
    struct error err;
};

static void begin(struct statement *s)
{
    const struct camt_scope scope = {
        .merchant = STR("M & Sons"),
        .account = STR("bank:main"),
        .made_us = MOMENT,
        .from_us = INT64_MIN,
        .to_us = INT64_MAX,
    };
    buf_release(&s->out);
    buf_init(&s->out, 1 << 20);
    camt_begin(&s->camt, &scope, &s->out);
}

static bool has(struct statement *s, const char *part)
{
    return str_find(buf_str(&s->out), str_of(part), 0) != SIZE_MAX;
}

static void amounts_have_the_digits_of_every_currency(void **state)
{
    (void)state;
    static const char *const amounts[] = {"12345", NULL, "123.45", "12.345", "1.2345"};
    static const char *const zeros[] = {"0", NULL, "0.00", "0.000", "0.0000"};
    struct statement s = {.out = {.at = NULL}};
    size_t count = 0;
    const struct currency *all = currency_all(&count);
    buf_init(&s.out, 1);
    for (size_t i = 0; i < count; i++) {
        struct export_row row = sample(&all[i], true, 12345);
        const struct sum opening = {.debit_minor = 1, .credit_minor = 12346};
        const struct sum closing = {.debit_minor = 12346, .credit_minor = 12346};
        char part[128];
        begin(&s);
        assert_true(camt_statement(&s.camt, &all[i], &opening, &closing, &s.err));
        assert_true(camt_entry(&s.camt, &row, &s.err));
        assert_true(camt_statement_end(&s.camt, &s.err));
        (void)snprintf(part, sizeof(part),
                       "<Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"%s\">%s</Amt><CdtDbtInd>DBIT<",
                       all[i].code, amounts[all[i].exponent]);
        assert_true(has(&s, part));
        (void)snprintf(part, sizeof(part),
                       "<Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"%s\">%s</Amt><CdtDbtInd>CRDT<",
                       all[i].code, zeros[all[i].exponent]);
        assert_true(has(&s, part));
        (void)snprintf(part, sizeof(part), "</NtryRef><Amt Ccy=\"%s\">%s</Amt><CdtDbtInd>CRDT<",
                       all[i].code, amounts[all[i].exponent]);
        assert_true(has(&s, part));
    }
    assert_true(
        has(&s, "<BookgDt><Dt>2026-10-24</Dt></BookgDt><ValDt><Dt>2026-10-23</Dt></ValDt>"));
    assert_true(has(&s, "<Ownr><Nm>M &amp; Sons</Nm></Ownr>"));
    assert_true(has(
        &s, "<FrDtTm>1970-01-01T00:00:00.000000Z</FrDtTm><ToDtTm>2026-10-24T15:59:59.999999Z<"));
    buf_release(&s.out);
}

static void entries_that_do_not_come_to_the_balance_are_refused(void **state)
{
    (void)state;
    const struct currency *eur = currency_find(STR("EUR"));
    struct statement s;
    buf_init(&s.out, 1);
    const struct sum closing = {.debit_minor = 500, .credit_minor = 200};
    for (int64_t in = 499; in <= 501; in++) {
        for (int64_t out = 199; out <= 201; out++) {
            struct export_row rows[] = {sample(eur, true, in), sample(eur, false, out)};
            begin(&s);
            assert_true(
                camt_statement(&s.camt, eur, &(struct sum){.debit_minor = 0}, &closing, &s.err));
            assert_true(camt_entry(&s.camt, &rows[0], &s.err));
            assert_true(camt_entry(&s.camt, &rows[1], &s.err));
            assert_int_equal(camt_statement_end(&s.camt, &s.err), in == 500 && out == 200);
        }
    }
    buf_release(&s.out);
}

static void more_than_eighteen_digits_are_refused(void **state)
{
    (void)state;
    const struct currency *jpy = currency_find(STR("JPY"));
    const int64_t most = INT64_C(999999999999999999);
    struct statement s;
    buf_init(&s.out, 1);
    for (int side = 0; side < 2; side++) {
        for (int64_t more = 0; more < 2; more++) {
            const struct sum closing = {.debit_minor = side == 0 ? most + more : 0,
                                        .credit_minor = side == 0 ? 0 : most + more};
            begin(&s);
            assert_int_equal(
                camt_statement(&s.camt, jpy, &(struct sum){.debit_minor = 0}, &closing, &s.err),
                more == 0);
        }
    }
    begin(&s);
    assert_false(camt_statement(&s.camt, jpy, &(struct sum){.debit_minor = 0},
                                &(struct sum){.debit_minor = most, .credit_minor = most}, &s.err));
    assert_non_null(strstr(s.err.text, "18 digits"));
    buf_release(&s.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_xml_and_keep_their_length),
        cmocka_unit_test(each_account_has_a_name_that_fits),
        cmocka_unit_test(amounts_have_the_digits_of_every_currency),
        cmocka_unit_test(entries_that_do_not_come_to_the_balance_are_refused),
        cmocka_unit_test(more_than_eighteen_digits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

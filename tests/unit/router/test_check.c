/*
 * test_check.c - what is said of a rule file that is right and can hardly be meant: by place, with
 * the other rule and its line.
 */
#include "support.h"

#include "router/check.h"

struct row {
    const char *text;
    const char *told; /* "line:column severity text" of each finding, one a line */
};

static struct check_context context_of(struct check_ability *able, size_t count, bool is_accounts)
{
    return is_accounts ? (struct check_context){.account = able,
                                                .account_count = count,
                                                .has_accounts = true}
                       : (struct check_context){.provider = able, .provider_count = count};
}

static void check_row(const struct row *row, const struct check_context *context)
{
    struct arena arena;
    struct buf out;
    struct diagnosis *diagnosis = malloc(sizeof(*diagnosis));
    assert_non_null(diagnosis);
    arena_init(&arena, CHECK_ARENA_BYTES_MAX);
    buf_init(&out, 1 << 20);
    diagnosis_init(diagnosis, &arena);
    bool ok = check_text(str_of(row->text), providers_known, ARRAY_LEN(providers_known), context,
                         diagnosis);
    for (size_t i = 0; i < diagnosis->count; i++) {
        const struct finding *finding = &diagnosis->finding[i];
        assert_true(finding->remedy.len > 0);
        buf_printf(&out, "%u:%u %s " STR_FMT "\n", finding->span.from.line,
                   finding->span.from.column, severity_name(finding->severity),
                   STR_ARG(finding->text));
    }
    if (!str_eq(buf_str(&out), str_of(row->told)))
        fail_msg("\n%s\n-- told\n" STR_FMT "-- wanted\n%s", row->text, STR_ARG(buf_str(&out)),
                 row->told);
    assert_int_equal(ok, diagnosis->error_count == 0);
    free(diagnosis);
    buf_release(&out);
    arena_release(&arena);
}

#define LAST "otherwise { by cost }\n"

static void rules_that_nothing_reaches_are_told_with_their_shadows(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"rule \"a\" when currency == EUR { use paypal }\n"
         "rule \"b\" when amount > 5.00 EUR { use payoneer }\n" LAST,
         "2:6 error rule \"b\" can never match: rule \"a\" at line 1 takes every payment that it "
         "would match\n"},
        {"rule \"a\" when country == DE { use paypal }\n"
         "rule \"b\" when country in [DE] { use payoneer }\n" LAST,
         "2:6 error rule \"b\" can never match: rule \"a\" at line 1 has the same condition\n"},
        {"rule \"a\" { use paypal }\nrule \"b\" when country == DE { use payoneer }\n" LAST,
         "2:6 error rule \"b\" can never match: rule \"a\" at line 1 has no condition and takes "
         "every payment\n"},
        {"rule \"a\" when amount < 5.00 EUR { use paypal }\n"
         "rule \"x\" when method == card { use paypal }\n"
         "rule \"b\" when amount >= 5.00 EUR { use paypal }\n"
         "rule \"c\" when currency == EUR and country == DE { use payoneer }\n" LAST,
         "4:6 error rule \"c\" can never match: rules \"a\" (line 1) and \"b\" (line 3) take "
         "together every payment that it would match\n"},
        {"rule \"a\" when reference starts with \"sub\" { use paypal }\n"
         "rule \"b\" when reference starts with \"sub-\" { use payoneer }\n" LAST,
         "2:6 error rule \"b\" can never match: rule \"a\" at line 1 takes every payment that it "
         "would match\n"},
        {"rule \"a\" when bin in 411111..411199 { use paypal }\n"
         "rule \"b\" when bin == 41115599 { use payoneer }\n" LAST,
         "2:6 error rule \"b\" can never match: rule \"a\" at line 1 takes every payment that it "
         "would match\n"},
        {"rule \"a\" when amount as EUR >= 5 EUR { use paypal }\n"
         "rule \"b\" when amount > 7 EUR { use payoneer }\n" LAST,
         "2:6 error rule \"b\" can never match: rule \"a\" at line 1 takes every payment that it "
         "would match\n"},
        {"rule \"a\" when paypal.cost > 2% { use paypal }\n"
         "rule \"b\" when paypal.cost > 3.5% { use payoneer }\n" LAST,
         "2:6 error rule \"b\" can never match: rule \"a\" at line 1 takes every payment that it "
         "would match\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(&rows[i], NULL);
}

static void what_is_reached_is_not_told(void **state)
{
    (void)state;
    static const char *const texts[] = {
        /* an amount in another currency compares with nothing */
        "rule \"a\" when amount < 5 EUR { use paypal }\nrule \"b\" when amount >= 5 EUR { use "
        "paypal }\n"
        "rule \"c\" when not amount >= 5 EUR { use payoneer }\n" LAST,
        /* what is not known compares with nothing */
        "rule \"a\" when paypal.success_rate < 50% { use paypal }\n"
        "rule \"b\" when paypal.success_rate >= 50% { use paypal }\n"
        "rule \"c\" when method == card { use payoneer }\n" LAST,
        /* no fee for no amount is every part of it */
        "rule \"a\" when paypal.cost == 3% and paypal.cost == 5% { use paypal }\n" LAST,
        "rule \"a\" when time in 22:00..06:00 { use paypal }\n"
        "rule \"b\" when time in 06:00..07:00 { use payoneer }\n" LAST,
        "rule \"a\" when reference matches \"a*b\" { use paypal }\n"
        "rule \"b\" when reference matches \"a*c\" { use payoneer }\n" LAST,
        "rule \"a\" when weekday at \"Asia/Tokyo\" == mon { use paypal }\n"
        "rule \"b\" when weekday == mon { use payoneer }\n" LAST,
        "rule \"a\" when bin == 411111 { use paypal }\nrule \"b\" when bin != 411111 { use paypal "
        "}\n" LAST,
        "rule \"all\" { use paypal }\n" LAST, /* the last one is always there */
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        check_row(&(struct row){texts[i], ""}, NULL);
}

static void conditions_that_never_or_always_hold_are_told(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"rule \"a\" when amount < 1 EUR and amount > 5 EUR { use paypal }\n" LAST,
         "1:34 error rule \"a\" can never match: amount < 1.00 EUR and amount > 5.00 EUR never "
         "hold "
         "together\n"},
        {"condition here = country == DE\n"
         "rule \"a\" when method == card and here and country == AT { use paypal }\n" LAST,
         "2:43 error rule \"a\" can never match: here and country == AT never hold together\n"},
        {"rule \"a\" when country == DE or weekday == mon and weekday == tue { use paypal }\n" LAST,
         "1:51 warning weekday == mon and weekday == tue never hold together\n"},
        {"rule \"a\" when method == card or method != card { use paypal }\n" LAST,
         "1:15 warning method == card or method != card always holds\n"},
        {"rule \"a\" when method == card and attempt >= 1 { use paypal }\n" LAST,
         "1:34 warning attempt >= 1 always holds\n"},
        {"set a = [DE]\ncondition b = method == card\nrule \"a\" when country == DE { use paypal "
         "}\n" LAST,
         "1:1 warning set a is not used\n2:1 warning condition b is not used\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(&rows[i], NULL);
}

static void blocks_that_leave_nobody_are_told(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"otherwise { split 70% paypal, 20% payoneer }\n",
         "1:13 error the parts of this split are 90%, not 100%\n"},
        {"otherwise { use paypal never paypal }\n",
         "1:24 error the last rule leaves nobody: its own only and never drop everyone that it "
         "tries\n"},
        {"otherwise { use paypal, payoneer; only rebilly }\n",
         "1:35 error the last rule leaves nobody: its own only and never drop everyone that it "
         "tries\n"},
        {"otherwise { use paypal; never where provider == paypal }\n",
         "1:25 error the last rule leaves nobody: its own only and never drop everyone that it "
         "tries\n"},
        {"rule \"a\" when currency == EUR { use paypal; only where currency == USD }\n" LAST,
         "1:45 error rule \"a\" leaves nobody: its own only and never drop everyone that it "
         "tries\n"},
        {"otherwise { use paypal, payoneer; never payoneer }\n",
         "1:25 warning payoneer is never tried: never at line 1 drops it\n"},
        {"otherwise { use paypal; never rebilly }\n",
         "1:25 warning never is without effect: it never concerns anyone that the last rule "
         "tries\n"},
        {"otherwise { use paypal, payoneer; avoid paypal, payoneer }\n",
         "1:35 warning avoid is without effect: it concerns everyone that the last rule tries\n"},
        {"otherwise { by cost; never where latency > 2s and latency < 1s }\n",
         "1:22 warning never is without effect: it never concerns anyone that the last rule "
         "tries\n"},
        {"otherwise { use paypal; never paypal:main }\n", ""},
        {"otherwise { use paypal, payoneer; avoid where success_rate < 90% }\n", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(&rows[i], NULL);
}

static void take_currency(struct check_ability *able, const char *code)
{
    size_t at = currency_index(currency_find(str_of(code)));
    able->currencies[at / 64] |= UINT64_C(1) << (at % 64);
}

static void who_cannot_do_what_is_asked_is_told(void **state)
{
    (void)state;
    struct check_ability able[2] = {
        {.provider = STR("paypal"), .account = STR("main"), .operations = 1U << OPERATION_SALE},
        {.provider = STR("payoneer"), .account = STR("main"), .operations = 1U << OPERATION_SALE},
    };
    take_currency(&able[0], "EUR");
    take_currency(&able[1], "USD");
    struct check_context context = context_of(able, 2, true);
    check_row(
        &(struct row){"rule \"a\" when currency == USD { use paypal, payoneer, rebilly }\n" LAST,
                      "1:37 warning paypal cannot take any payment that this rule matches, by "
                      "currency and operation\n"
                      "1:55 warning rebilly has no account\n"},
        &context);
    check_row(&(struct row){"rule \"a\" when currency in [CHF, EUR] and operation == payout "
                            "{ decline \"no\" }\n" LAST,
                            "1:28 warning nobody takes CHF: no account that is enabled does\n"
                            "1:55 warning nobody can payout: no account that is enabled does\n"},
              &context);
    able[0].is_disabled = true;
    check_row(&(struct row){"otherwise { use paypal, payoneer }\n",
                            "1:17 warning paypal has no account that is enabled\n"},
              &context);
    context = context_of(able + 1, 1, false);
    check_row(&(struct row){"otherwise { use paypal, payoneer }\n", ""}, &context);
}

/* Ten thousand rules that mean something, and one at the end that does not. */
static void large_files_are_done(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 4 << 20);
    for (unsigned i = 0; i < 10000; i++)
        buf_printf(&text,
                   "rule \"r%u\" when merchant == \"mer_%u\" and amount >= %u EUR { by cost }\n", i,
                   i, i % 100);
    buf_printf(&text,
               "rule \"late\" when merchant == \"mer_77\" and amount > 99 EUR { by cost }\n" LAST);
    buf_add_char(&text, '\0');
    check_row(&(struct row){text.at, "10001:6 error rule \"late\" can never match: rule \"r77\" at "
                                     "line 78 takes every payment that it would match\n"},
              NULL);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_that_nothing_reaches_are_told_with_their_shadows),
        cmocka_unit_test(what_is_reached_is_not_told),
        cmocka_unit_test(conditions_that_never_or_always_hold_are_told),
        cmocka_unit_test(blocks_that_leave_nobody_are_told),
        cmocka_unit_test(who_cannot_do_what_is_asked_is_told),
        cmocka_unit_test(large_files_are_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

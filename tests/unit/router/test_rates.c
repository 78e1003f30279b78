/*
 * test_rates.c - conversions exact to the minor unit, rates refused with member and line.
 */
#include "support.h"

#include "base/clock.h"
#include "router/rates.h"

/* clang-format off */
#define HEAD "{\"source\": \"s\", \"time\": \"2026-11-20T15:00:00Z\", \"base\": \"EUR\", "
#define RATES HEAD "\"rates\": {\"USD\": \"1.0850\", \"JPY\": \"164.12\", \"KWD\": \"0.33125\", " \
              "\"CLF\": \"0.02611\", \"IRR\": \"45600\", \"GBP/CHF\": \"1.1235\", \"GBP\": \"0.8412\"}}"
/* clang-format on */

static struct rates *rates_of(const char *json)
{
    struct error err = {.text = ""};
    unsigned line = 0;
    struct rates *rates = rates_new(str_of(json), &line, &err);
    if (rates == NULL) {
        fail_msg("%s", err.text);
    }
    return rates;
}

static const struct currency *currency_of(const char *code)
{
    return currency_find(str_of(code));
}

static void conversions_are_exact_and_rounded_once(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *from, *to; int64_t amount, is; } rows[] = {
        { "EUR", "EUR", 1234, 1234 },
        { "EUR", "USD", 10000, 10850 },
        { "EUR", "USD", 1, 1 },              /* 1.085 */
        { "EUR", "USD", 100, 109 },          /* 108.5: half up */
        { "EUR", "USD", -100, -109 },
        { "USD", "EUR", 10850, 10000 },
        { "USD", "EUR", 100, 92 },           /* 92.1658 */
        { "EUR", "JPY", 100, 164 },          /* 164.12 */
        { "EUR", "JPY", 1, 2 },              /* 1.6412 */
        { "JPY", "EUR", 1000, 609 },         /* 609.31 */
        { "EUR", "KWD", 1000, 3313 },        /* 3.3125 KWD: half up */
        { "KWD", "EUR", 3313, 1000 },        /* 1000.15 */
        { "EUR", "CLF", 10000, 26110 },
        { "CLF", "JPY", 10000, 6286 },       /* 6285.71 */
        { "USD", "JPY", 12345, 18673 },      /* 18673.45 */
        { "GBP", "CHF", 10000, 11235 },      /* the pair itself */
        { "CHF", "GBP", 11235, 10000 },
        { "CHF", "GBP", 100, 89 },           /* 89.0076 */
        { "GBP", "USD", 10000, 12898 },      /* over the base: 12898.24 */
        { "EUR", "USD", MONEY_AMOUNT_MAX / 2, 542499999999999 },
        { "IRR", "JPY", MONEY_AMOUNT_MAX, 35991228070 },
    };
    /* clang-format on */
    struct rates *rates = rates_of(RATES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t got = 0;
        assert_true(rates_convert(rates, rows[i].amount, currency_of(rows[i].from),
                                  currency_of(rows[i].to), &got));
        if (got != rows[i].is) {
            fail_msg("%s %lld -> %s: %lld, not %lld", rows[i].from, (long long)rows[i].amount,
                     rows[i].to, (long long)got, (long long)rows[i].is);
        }
    }
    int64_t out = 77;
    assert_false(rates_convert(rates, 100, currency_of("EUR"), currency_of("CHF"), &out));
    assert_false(rates_convert(rates, 100, currency_of("BRL"), currency_of("EUR"), &out));
    assert_false(
        rates_convert(rates, MONEY_AMOUNT_MAX, currency_of("EUR"), currency_of("USD"), &out));
    assert_int_equal(out, 77);
    exact parts = 0;
    assert_true(rates_convert_exact(rates, 30, currency_of("USD"), currency_of("EUR"), &parts));
    assert_true(parts == 27649770); /* 27.6497695... cents */
    rates_free(&rates);
    assert_null(rates);
}

/* A product beyond 127 bits: what is above and below is taken out before, and nothing is lost. */
static void the_largest_conversions_are_exact_as_well(void **state)
{
    (void)state;
    struct rates *rates =
        rates_of(HEAD "\"rates\": {\"GBP\": \"0.8412345679\", \"CHF\": \"0.9876543211\", "
                      "\"JPY\": \"164.1234567\", \"CLF\": \"0.0261123457\"}}");
    exact parts = 0;
    /* 5 000 000 000 000.00 x 0.9876543211 / 0.8412345679 = 5 870 267 097 829.27 834913 09... */
    assert_true(rates_convert_exact(rates, INT64_C(500000000000000), currency_of("GBP"),
                                    currency_of("CHF"), &parts));
    exact wanted = (exact)587026709782927 * EXACT_MILLION + 834913;
    assert_true(parts == wanted);
    assert_true(rates_convert_exact(rates, -INT64_C(500000000000000), currency_of("GBP"),
                                    currency_of("CHF"), &parts));
    assert_true(parts == -wanted);
    /* To a currency of four decimals: 1 000 000 000 000 x 0.0261123457 / 164.1234567. */
    assert_true(rates_convert_exact(rates, INT64_C(1000000000000), currency_of("JPY"),
                                    currency_of("CLF"), &parts));
    assert_true(parts == (exact)1591018506740 * EXACT_MILLION + 968489);
    /* And back: 159101850.6740 x 164.1234567 / 0.0261123457. */
    assert_true(
        rates_convert_exact(rates, 1591018506740, currency_of("CLF"), currency_of("JPY"), &parts));
    assert_true(parts == (exact)999999999999 * EXACT_MILLION + 391277);
    rates_free(&rates);
}

static void rounding_is_the_tables(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *rounding; int64_t is; } rows[] = {
        { "half_up", 109 }, { "half_even", 108 }, { "up", 109 }, { "down", 108 },
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char json[256];
        int64_t got = 0;
        (void)snprintf(json, sizeof(json),
                       HEAD "\"rounding\": \"%s\", \"rates\": {\"USD\": \"1.085\"}}",
                       rows[i].rounding);
        struct rates *rates = rates_of(json);
        assert_true(rates_convert(rates, 100, currency_of("EUR"), currency_of("USD"), &got));
        assert_int_equal(got, rows[i].is);
        rates_free(&rates);
    }
}

static void age_is_told(void **state)
{
    (void)state;
    struct error err;
    int64_t then = 0;
    assert_true(clock_parse(STR("2026-11-20T15:00:00Z"), &then, &err));
    struct rates *rates = rates_of(RATES);
    assert_int_equal(rates_time_us(rates), then);
    assert_string_equal(rates_source(rates), "s");
    assert_false(rates_is_stale(rates, then));
    assert_false(rates_is_stale(rates, then + 96 * 3600 * CLOCK_SECOND_US));
    assert_true(rates_is_stale(rates, then + 96 * 3600 * CLOCK_SECOND_US + 1));
    rates_free(&rates);
    rates = rates_of(HEAD "\"stale_after_hours\": 1, \"rates\": {}}");
    assert_false(rates_is_stale(rates, then + 3600 * CLOCK_SECOND_US));
    assert_true(rates_is_stale(rates, then + 3601 * CLOCK_SECOND_US));
    rates_free(&rates);
}

static void the_hash_is_of_the_figures_not_of_their_layout(void **state)
{
    (void)state;
    struct rates *a = rates_of(HEAD "\"rates\": {\"USD\": \"1.0850\", \"JPY\": \"164\"}}");
    struct rates *b = rates_of(HEAD "\n \"rates\": {\"JPY\": \"164\",\n \"USD\": \"1.0850\"}}");
    struct rates *c = rates_of(HEAD "\"rates\": {\"USD\": \"1.0851\", \"JPY\": \"164\"}}");
    assert_memory_equal(rates_hash(a), rates_hash(b), SHA256_SIZE);
    assert_memory_not_equal(rates_hash(a), rates_hash(c), SHA256_SIZE);
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(rates_text(b), hash);
    assert_memory_equal(hash, rates_hash(b), SHA256_SIZE);
    rates_free(&a);
    rates_free(&b);
    rates_free(&c);
}

static void wrong_rates_are_refused_by_member_and_line(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *json, *error; unsigned line; } rows[] = {
        { "[]", "rates: not an object", 0 },
        { "{}", "rates: source does not say where these rates are from", 0 },
        { "{\"source\": \"s\",\n\"time\": \"yesterday\"}", "rates: time is not when these rates held", 2 },
        { HEAD "\n\n\"rate\": {}}", "rates: unknown member rate; known are source,", 3 },
        { HEAD "\"rates\": []}", "rates: rates is not an object", 1 },
        { HEAD "\"rates\": {\"USD\": \"1\",\n \"XYZ\": \"1\"}}", "rates: rates.XYZ is not a currency of ISO 4217", 2 },
        { HEAD "\"rates\": {\n\"EUR\": \"1\"}}", "rates: rates.EUR is the base, which is always 1; remove it", 2 },
        { HEAD "\"rates\": {\n\"USD\": 1.085}}", "rates: rates.USD is not a rate above 0 in quotes", 2 },
        { HEAD "\"rates\": {\n\"USD\": \"0\"}}", "rates: rates.USD is not a rate above 0", 2 },
        { HEAD "\"rates\": {\n\"USD\": \"-1\"}}", "rates: rates.USD is not a rate above 0", 2 },
        { HEAD "\"rates\": {\n\"USD\": \"1.00000000001\"}}", "rates: rates.USD is not a rate above 0 in quotes with at most 10 decimals", 2 },
        { HEAD "\"rates\": {\n\"USD\": \"12.345678901\"}}", "rates: rates.USD has more than 10 digits; round it", 2 },
        { HEAD "\"rates\": {\n\"GBP/GBP\": \"1\"}}", "rates: rates.GBP/GBP is not a pair of two currencies", 2 },
        { HEAD "\"rates\": {\n\"GBP/CHF\": \"1.1\",\n\"CHF/GBP\": \"0.9\"}}", "rates: rates.CHF/GBP stands there the other way round, too; remove one", 3 },
        { HEAD "\"rounding\": \"nearest\", \"rates\": {}}", "rates: rounding is not half_up, half_even, up or down", 1 },
        { HEAD "\"stale_after_hours\": 0, \"rates\": {}}", "rates: stale_after_hours is not a whole number from 1 to 8784", 1 },
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct error err = {.text = ""};
        unsigned line = 99;
        struct rates *rates = rates_new(str_of(rows[i].json), &line, &err);
        if (rates != NULL || strncmp(err.text, rows[i].error, strlen(rows[i].error)) != 0 ||
            line != rows[i].line) {
            fail_msg("told   %u: %s\nwanted %u: %s\nof     %s", line,
                     rates == NULL ? err.text : "(accepted)", rows[i].line, rows[i].error,
                     rows[i].json);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversions_are_exact_and_rounded_once),
        cmocka_unit_test(the_largest_conversions_are_exact_as_well),
        cmocka_unit_test(rounding_is_the_tables),
        cmocka_unit_test(age_is_told),
        cmocka_unit_test(the_hash_is_of_the_figures_not_of_their_layout),
        cmocka_unit_test(wrong_rates_are_refused_by_member_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_cost.c - expected fees, exact to the minor unit, and fee tables refused with the member's
 * name.
 */
#include "support.h"

#include "base/rng.h"

static struct cost_table *table_of(const char *json)
{
    struct error err = {.text = ""};
    struct cost_table *table = cost_table_new(str_of(json), &err);
    if (table == NULL) {
        fail_msg("%s", err.text);
    }
    return table;
}

static struct cost_table *table_of_file(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    return table_of(text);
}

/* -1: unknown */
static int64_t fee_of(const struct cost_table *table, enum operation operation, const char *method,
                      const char *country, const char *currency, int64_t amount_minor)
{
    struct cost_facts facts = {
        .operation = operation,
        .amount_minor = amount_minor,
        .currency = currency_find(str_of(currency)),
        .country = str_of(country),
        .method = str_of(method),
    };
    int64_t fee_minor = -2;
    return cost_expected(table, &facts, &fee_minor) ? fee_minor : -1;
}

static void check_fee(const char *json, const char *country, const char *currency,
                      int64_t amount_minor, int64_t expected)
{
    struct cost_table *table = table_of(json);
    int64_t fee = fee_of(table, OPERATION_SALE, "card", country, currency, amount_minor);
    if (fee != expected) {
        fail_msg("%lld, not %lld: %s %s %lld %s", (long long)fee, (long long)expected, json,
                 country, (long long)amount_minor, currency);
    }
    cost_table_free(&table);
}

/* clang-format off */
#define PLAIN "{\"currencies\": {\"EUR\": {\"percent\": \"3.49\", \"fixed\": \"0.39\"}, \"JPY\": {\"percent\": \"3.49\", \"fixed\": \"49\"}, \"KWD\": {\"percent\": \"3.49\", \"fixed\": \"0.100\"}}}"
#define BOUND "{\"currencies\": {\"EUR\": {\"percent\": \"1\", \"fixed\": \"0.10\", \"min\": \"0.50\", \"max\": \"5.00\"}}}"
#define ABROAD "{\"country\": \"US\", \"settles\": [\"USD\"], \"cross_border_percent\": \"1.5\", \"conversion_percent\": \"4\", \"default\": {\"percent\": \"1\"}}"
#define WHOLE "{\"currencies\": {\"HUF\": {\"percent\": \"3.49\", \"fixed\": \"149\", \"decimals\": 0}}}"

static const struct {
    const char *json, *country, *currency;
    int64_t amount, fee;
} fees[] = {
    /* percent and fixed, half up */
    { PLAIN, "", "EUR", 0, 39 },          { PLAIN, "", "EUR", 1, 39 },
    { PLAIN, "", "EUR", 14, 39 },         { PLAIN, "", "EUR", 15, 40 },    /* 0.4886, 0.5235 */
    { PLAIN, "", "EUR", 1000, 74 },       { PLAIN, "", "EUR", 10000, 388 },
    { PLAIN, "", "EUR", 5000, 214 },      /* 174.5 + 39 = 213.5: half goes up */
    { PLAIN, "", "EUR", 15000, 563 },     /* 523.5 + 39 = 562.5 */
    { PLAIN, "", "JPY", 1000, 84 },       { PLAIN, "", "JPY", 100, 52 },
    { PLAIN, "", "KWD", 10000, 449 },     { PLAIN, "", "USD", 1000, -1 },
    { PLAIN, "", "EUR", MONEY_AMOUNT_MAX, 34900000000039 },
    /* min and max bind the base fee */
    { BOUND, "", "EUR", 0, 50 },          { BOUND, "", "EUR", 4000, 50 },
    { BOUND, "", "EUR", 4049, 50 },       { BOUND, "", "EUR", 4050, 51 },
    { BOUND, "", "EUR", 49000, 500 },     { BOUND, "", "EUR", 48949, 499 },
    { BOUND, "", "EUR", 49001, 500 },     { BOUND, "", "EUR", 100000000, 500 },
    /* surcharges */
    { ABROAD, "US", "USD", 10000, 100 },  { ABROAD, "", "USD", 10000, 100 },
    { ABROAD, "DE", "USD", 10000, 250 },  { ABROAD, "US", "EUR", 10000, 500 },
    { ABROAD, "DE", "EUR", 10000, 650 },  { ABROAD, "DE", "EUR", 100, 7 },  /* 6.5, rounded once */
    { ABROAD, "", "EUR", 10, 1 },         /* 0.5 */
    /* no country, no settles, no surcharges given: none */
    { "{\"default\": {\"percent\": \"1\"}, \"cross_border_percent\": \"9\", \"conversion_percent\": \"9\"}", "DE", "EUR", 10000, 100 },
    { "{\"default\": {\"percent\": \"1\"}, \"country\": \"US\", \"settles\": []}", "DE", "EUR", 10000, 100 },
    { "{\"default\": {\"percent\": \"1\"}, \"country\": \"US\", \"settles\": [\"USD\"]}", "DE", "EUR", 10000, 100 },
    /* surcharges are not capped */
    { "{\"country\": \"US\", \"cross_border_percent\": \"1\", \"currencies\": {\"USD\": {\"percent\": \"5\", \"max\": \"1.00\"}}}", "DE", "USD", 100000, 1100 },
    /* whole units of a currency with minor ones */
    { WHOLE, "", "HUF", 100000, 18400 },  { WHOLE, "", "HUF", 100, 14900 },
    { WHOLE, "", "HUF", 1432, 14900 },    { WHOLE, "", "HUF", 1433, 15000 }, /* 149.4998, 149.5001 */
    /* where a percentage comes from */
    { "{\"percent\": \"2\", \"currencies\": {\"EUR\": {}, \"USD\": {\"percent\": \"3\"}}}", "", "EUR", 1000, 20 },
    { "{\"percent\": \"2\", \"currencies\": {\"EUR\": {}, \"USD\": {\"percent\": \"3\"}}}", "", "USD", 1000, 30 },
    { "{\"percent\": \"2\", \"currencies\": {\"EUR\": {}, \"USD\": {\"percent\": \"3\"}}}", "", "GBP", 1000, -1 },
    { "{\"percent\": \"2\", \"currencies\": {\"EUR\": {}}, \"default\": {\"percent\": \"4\"}}", "", "GBP", 1000, 40 },
    { "{\"default\": {\"percent\": \"0.0001\"}}", "", "EUR", 500000, 1 },
    { "{\"default\": {\"percent\": \"0.0001\"}}", "", "EUR", 499999, 0 },
    { "{\"rounding\": \"up\", \"default\": {\"percent\": \"0.0001\"}}", "", "EUR", 1, 1 }, /* a millionth of a cent */
    { "{\"rounding\": \"up\", \"default\": {\"percent\": \"0.0001\"}}", "", "EUR", 1000000, 1 },
    { "{\"rounding\": \"up\", \"default\": {\"percent\": \"0.0001\"}}", "", "EUR", 1000001, 2 },
    { "{\"default\": {\"percent\": \"100\"}}", "", "EUR", MONEY_AMOUNT_MAX, MONEY_AMOUNT_MAX },
    { "{}", "", "EUR", 1000, -1 },
};

static const struct {
    const char *json, *error;
} refused[] = {
    { "", "fee table: " },
    { "[]", "fee table: not an object" },
    { "{\"name\": 1}", "fee table: name is not text" },
    { "{\"fee\": \"1\"}", "fee table: unknown member fee" },
    { "{\"country\": \"UK\"}", "fee table: country is not a country of ISO 3166-1" },
    { "{\"country\": null}", "fee table: country is not a country of ISO 3166-1" },
    { "{\"settles\": \"USD\"}", "fee table: settles is not a list of currencies" },
    { "{\"settles\": [\"USD\", \"DM\"]}", "fee table: settles.1 is not a currency of ISO 4217" },
    { "{\"settles\": [1]}", "fee table: settles.0 is not a currency of ISO 4217" },
    { "{\"percent\": 3.49}", "fee table: percent is not a percentage from \"0\" to \"100\" with at most 4 decimals in quotes" },
    { "{\"percent\": \"3,49\"}", "fee table: percent is not a percentage" },
    { "{\"percent\": \"-1\"}", "fee table: percent is not a percentage" },
    { "{\"percent\": \"100.0001\"}", "fee table: percent is not a percentage" },
    { "{\"percent\": \"1.00001\"}", "fee table: percent is not a percentage" },
    { "{\"percent\": \"1 %\"}", "fee table: percent is not a percentage" },
    { "{\"percent\": \"\"}", "fee table: percent is not a percentage" },
    { "{\"cross_border_percent\": \"1e1\"}", "fee table: cross_border_percent is not a percentage" },
    { "{\"conversion_percent\": []}", "fee table: conversion_percent is not a percentage" },
    { "{\"currencies\": []}", "fee table: currencies is not an object" },
    { "{\"currencies\": {\"DEM\": {}}}", "fee table: currencies.DEM is not a currency of ISO 4217" },
    { "{\"currencies\": {\"EUR\": 1}}", "fee table: currencies.EUR is not an object" },
    { "{\"currencies\": {\"EUR\": {}}}", "fee table: currencies.EUR has no percent, nor has what it is in" },
    { "{\"currencies\": {\"EUR\": {\"percent\": \"1\", \"fix\": \"1\"}}}", "fee table: unknown member currencies.EUR.fix; known are percent, fixed, min, max, decimals and tiers" },
    { "{\"currencies\": {\"EUR\": {\"percent\": \"1\", \"fixed\": 0.39}}}", "fee table: currencies.EUR.fixed is not an amount of EUR in quotes with at most 2 decimals" },
    { "{\"currencies\": {\"JPY\": {\"percent\": \"1\", \"fixed\": \"0.5\"}}}", "fee table: currencies.JPY.fixed is not an amount of JPY in quotes with at most 0 decimals" },
    { "{\"currencies\": {\"EUR\": {\"percent\": \"1\", \"min\": \"-1\"}}}", "fee table: currencies.EUR.min is not an amount" },
    { "{\"currencies\": {\"EUR\": {\"percent\": \"1\", \"max\": \"0\"}}}", "fee table: currencies.EUR.max is 0; leave it out for no cap" },
    { "{\"currencies\": {\"EUR\": {\"percent\": \"1\", \"max\": \"99999999999999\"}}}", "fee table: currencies.EUR.max is not an amount" },
    { "{\"currencies\": {\"EUR\": {\"percent\": \"1\", \"min\": \"2\", \"max\": \"1\"}}}", "fee table: currencies.EUR has a min above its max" },
    { "{\"currencies\": {\"EUR\": {\"percent\": \"1\", \"decimals\": 3}}}", "fee table: currencies.EUR.decimals is not a number from 0 to 2" },
    { "{\"currencies\": {\"EUR\": {\"percent\": \"1\", \"decimals\": \"0\"}}}", "fee table: currencies.EUR.decimals is not a number from 0 to 2" },
    { "{\"default\": {}}", "fee table: default has no percent, nor has what it is in" },
    { "{\"default\": {\"percent\": \"1\", \"fixed\": \"1\"}}", "fee table: default.fixed is not an amount with its currency in quotes, as \"0.30 USD\"" },
    { "{\"operations\": {\"charge\": {}}}", "fee table: operations.charge is not an operation" },
    { "{\"operations\": {\"payout\": []}}", "fee table: operations.payout is not an object" },
    { "{\"operations\": {\"payout\": {\"country\": \"US\"}}}", "fee table: unknown member operations.payout.country" },
    { "{\"operations\": {\"payout\": {\"currencies\": {\"EUR\": {}}}}}", "fee table: operations.payout.currencies.EUR has no percent" },
    { "{\"methods\": {\"Card\": {}}}", "fee table: methods.Card is not a payment method" },
    { "{\"methods\": {\"card\": {\"x\": 1}}}", "fee table: unknown member methods.card.x" },
    { "{\"name\": \"a\", \"name\": \"b\"}", "fee table: " },
    { "{\"rounding\": \"floor\"}", "fee table: rounding is not half_up, half_even, up or down" },
    { "{\"rounds\": \"all\"}", "fee table: rounds is neither \"sum\" nor \"each\"" },
    { "{\"conversion_of\": 1}", "fee table: conversion_of is neither \"gross\" nor \"net\"" },
    { "{\"volume\": {\"zone\": \"../etc\"}}", "fee table: volume.zone is not a time zone of IANA" },
    { "{\"volume\": {\"of\": \"year\"}}", "fee table: volume.of is neither \"month\" nor \"previous_month\"" },
    { "{\"volume\": {\"since\": \"1\"}}", "fee table: unknown member volume.since; known are of, currency and zone" },
    { "{\"percent\": \"1\", \"currencies\": {\"EUR\": {\"tiers\": []}}}", "fee table: currencies.EUR.tiers is not a list of 1 to 16 tiers" },
    { "{\"percent\": \"1\", \"currencies\": {\"EUR\": {\"tiers\": [{\"percent\": \"1\"}]}}}", "fee table: currencies.EUR.tiers.0 begins at or below the one before it" },
    { "{\"percent\": \"1\", \"currencies\": {\"EUR\": {\"tiers\": [{\"from\": \"5\"}, {\"from\": \"5\"}]}}}", "fee table: currencies.EUR.tiers.1 begins at or below the one before it; from must grow" },
    { "{\"percent\": \"1\", \"currencies\": {\"EUR\": {\"tiers\": [{\"from\": \"5\", \"decimals\": 0}]}}}", "fee table: currencies.EUR.tiers.0.decimals belongs to the entry of a currency, not to a tier" },
    { "{\"percent\": \"1\", \"currencies\": {\"EUR\": {\"tiers\": [{\"from\": \"5\", \"tiers\": []}]}}}", "fee table: unknown member currencies.EUR.tiers.0.tiers; known are from, percent, fixed, min and max" },
    { "{\"default\": {\"percent\": \"1\", \"tiers\": [{\"from\": \"5\"}]}}", "fee table: default.tiers.0.from has no currency; say volume.currency" },
    { "{\"default\": {\"percent\": \"1\", \"fixed\": \"0.30 USD\", \"max\": \"1 EUR\"}}", "fee table: default.max is in another currency than the amounts beside it" },
    { "{\"default\": {\"percent\": \"1\", \"decimals\": 0}}", "fee table: default.decimals belongs to the entry of a currency, not to a default" },
    { "{\"events\": {\"loss\": {}}}", "fee table: events.loss is not decline, expiry, dispute or chargeback" },
    { "{\"operations\": {\"payout\": {\"returns\": {}}}}", "fee table: unknown member operations.payout.returns" },
    { "{\"operations\": {\"refund\": {\"returns\": {\"all\": \"1\"}}}}", "fee table: unknown member operations.refund.returns.all; known are percent, fixed and surcharges" },
};
/* clang-format on */

static void fees_are_exact_and_rounded_half_up_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fees); i++) {
        check_fee(fees[i].json, fees[i].country, fees[i].currency, fees[i].amount, fees[i].fee);
    }
}

static void wrong_tables_are_refused_by_the_members_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct error err = {.text = ""};
        struct cost_table *table = cost_table_new(str_of(refused[i].json), &err);
        if (table != NULL || strncmp(err.text, refused[i].error, strlen(refused[i].error)) != 0) {
            fail_msg("told   %s\nwanted %s\nof     %s", table == NULL ? err.text : "(accepted)",
                     refused[i].error, refused[i].json);
        }
    }
}

static void the_line_of_what_is_wrong_is_told(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *json; unsigned line; } rows[] = {
        { "{\"percent\": \"1\",\n\"currencies\": {\n\"EUR\": {\"fixed\": \"1\"},\n\"JPY\": {\n\"fixed\": \"0.5\"}}}", 5 },
        { "{\"name\": \"percent: \\\" { [\",\n\"settles\": [\"USD\",\n\"EUR\", \n\"EURO\"]}", 4 },
        { "{\"percent\": \"1\", \"currencies\": {\"EUR\": {\n\"tiers\": [\n{\"from\": \"1\"},\n{\"from\": \"2\", \n\"max\": \"0\"}]}}}", 5 },
        { "{\n\n\"currencies\": {\n\"EUR\": {\n}}}", 4 },
        { "{\n\n\"x\": {}}", 3 },
        { "{\n\n\"x\": {}", 0 },
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct error err = {.text = ""};
        unsigned line = 99;
        assert_null(cost_table_read(str_of(rows[i].json), &line, &err));
        if (line != rows[i].line) {
            fail_msg("line %u, not %u: %s", line, rows[i].line, err.text);
        }
    }
}

static void a_rest_of_one_is_rounded_as_it_is_asked(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        assert_true(exact_divide(7 * sign, 3, MONEY_UP) == 3 * sign);
        assert_true(exact_divide(7 * sign, 3, MONEY_DOWN) == 2 * sign);
        assert_true(exact_divide(7 * sign, 3, MONEY_HALF_UP) == 2 * sign);
        assert_true(exact_divide(7 * sign, 2, MONEY_HALF_UP) == 4 * sign);
        assert_true(exact_divide(5 * sign, 2, MONEY_HALF_EVEN) == 2 * sign);
        assert_true(exact_divide(7 * sign, 2, MONEY_HALF_EVEN) == 4 * sign);
        assert_true(exact_divide(6 * sign, 3, MONEY_UP) == 2 * sign);
    }
}

static void operations_come_before_methods_before_the_table(void **state)
{
    (void)state;
    struct cost_table *table = table_of(
        "{\"country\": \"US\", \"cross_border_percent\": \"1\", \"default\": {\"percent\": \"10\"},"
        " \"methods\": {\"card\": {\"default\": {\"percent\": \"20\"}, \"cross_border_percent\": "
        "\"2\"},"
        "   \"wallet\": {\"currencies\": {\"EUR\": {\"percent\": \"30\"}}}},"
        " \"operations\": {\"payout\": {\"currencies\": {\"EUR\": {\"percent\": \"40\"}}},"
        "   \"refund\": {\"default\": {\"percent\": \"0\"}, \"cross_border_percent\": \"0\"}}}");
    assert_int_equal(fee_of(table, OPERATION_SALE, "test", "", "EUR", 1000), 100);
    assert_int_equal(fee_of(table, OPERATION_SALE, "card", "", "EUR", 1000), 200);
    assert_int_equal(fee_of(table, OPERATION_SALE, "wallet", "", "EUR", 1000), 300);
    assert_int_equal(fee_of(table, OPERATION_SALE, "wallet", "", "USD", 1000), 100);
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "card", "", "EUR", 1000), 400);
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "card", "", "USD", 1000), 200);
    assert_int_equal(fee_of(table, OPERATION_REFUND, "card", "DE", "USD", 1000), 0);
    assert_int_equal(fee_of(table, OPERATION_SALE, "card", "DE", "EUR", 1000), 220);
    assert_int_equal(fee_of(table, OPERATION_SALE, "wallet", "DE", "EUR", 1000), 310);
    cost_table_free(&table);
    assert_null(table);
    cost_table_free(&table);
}

/* What `fees quote` and explanations show: by what, and from where. */
static void what_was_charged_is_explained(void **state)
{
    (void)state;
    struct cost_table *table =
        table_of("{\"country\": \"US\", \"settles\": [\"USD\"], \"rounding\": \"up\","
                 " \"cross_border_percent\": \"1.5\", \"conversion_percent\": \"4\","
                 " \"volume\": {\"of\": \"month\", \"zone\": \"UTC\"},"
                 " \"currencies\": {\"EUR\": {\"percent\": \"3\","
                 " \"tiers\": [{\"from\": \"100.00\", \"percent\": \"2\"}]}},"
                 " \"default\": {\"percent\": \"5\"},"
                 " \"operations\": {\"payout\": {\"default\": {\"percent\": \"1\"}}}}");
    struct cost_facts facts = {
        .operation = OPERATION_SALE,
        .amount_minor = 1000,
        .currency = currency_find(STR("EUR")),
        .country = STR("DE"),
        .month_volume_minor = 10000,
    };
    struct cost_explained explained = {.fee_minor = -1};
    assert_true(cost_explain(table, &facts, &explained));
    assert_int_equal(explained.fee_minor, 20 + 15 + 40);
    assert_string_equal(explained.entry, "");
    assert_false(explained.is_default);
    assert_int_equal(explained.percent, 20000);
    assert_int_equal(explained.cross_border, 15000);
    assert_int_equal(explained.conversion, 40000);
    assert_int_equal(explained.tier_from_minor, 10000);
    assert_int_equal(explained.step_minor, 1);
    assert_int_equal(explained.rounding, MONEY_UP);
    facts.month_volume_minor = 9999;
    assert_true(cost_explain(table, &facts, &explained));
    assert_int_equal(explained.percent, 30000);
    assert_int_equal(explained.tier_from_minor, 0);
    facts.currency = currency_find(STR("USD"));
    facts.country = STR("US");
    assert_true(cost_explain(table, &facts, &explained));
    assert_true(explained.is_default);
    assert_int_equal(explained.percent, 50000);
    assert_int_equal(explained.cross_border, 0);
    assert_int_equal(explained.conversion, 0);
    facts.operation = OPERATION_PAYOUT;
    assert_true(cost_explain(table, &facts, &explained));
    assert_string_equal(explained.entry, "operations.payout");
    assert_int_equal(explained.percent, 10000);
    cost_table_free(&table);
}

/*
 * Back comes a share of what the sale cost, not of what an authorization would have. Of 10.01 EUR from
 * abroad: 3.33 % = 33.3333 ct, 35 ct, 1.5 % = 15.015 ct, half of which is 7.5075 ct; in all 75.8408 ct.
 */
static void what_a_refund_gives_back_is_explained_part_by_part(void **state)
{
    (void)state;
    struct cost_table *table = table_of(
        "{\"country\": \"DE\", \"cross_border_percent\": \"1.5\", \"percent\": \"2.9\","
        " \"currencies\": {\"EUR\": {\"fixed\": \"0.30\"}},"
        " \"operations\": {"
        "  \"sale\": {\"percent\": \"3.33\", \"currencies\": {\"EUR\": {\"fixed\": \"0.35\"}}},"
        "  \"refund\": {\"returns\": {\"percent\": \"100\", \"fixed\": \"100\","
        "   \"surcharges\": \"50\"}}}}");
    struct cost_facts facts = {
        .operation = OPERATION_REFUND,
        .amount_minor = 1001,
        .paid_minor = 1001,
        .currency = currency_find(STR("EUR")),
        .country = STR("US"),
    };
    static const int64_t parts[COST_PART_COUNT] = {
        [COST_RETURNED_PERCENT] = -33333300,
        [COST_RETURNED_FIXED] = -35000000,
        [COST_RETURNED_SURCHARGE] = -7507500,
        [COST_ROUNDING] = -159200, /* to -76 ct */
    };
    struct cost_explained explained;
    assert_true(cost_explain(table, &facts, &explained));
    assert_int_equal(explained.fee_minor, -76);
    assert_string_equal(explained.entry, "operations.refund");
    for (int i = 0; i < COST_PART_COUNT; i++)
        assert_int_equal((int64_t)explained.part[i], parts[i]);
    /* Of a part, 3.00 EUR, nothing of the fixed fee: 9.99 and half of 4.5 = 12.24 ct, so -12. */
    facts.amount_minor = 300;
    assert_true(cost_explain(table, &facts, &explained));
    assert_int_equal((int64_t)explained.part[COST_RETURNED_PERCENT], -9990000);
    assert_int_equal((int64_t)explained.part[COST_RETURNED_FIXED], 0);
    assert_int_equal((int64_t)explained.part[COST_RETURNED_SURCHARGE], -2250000);
    assert_int_equal((int64_t)explained.part[COST_ROUNDING], 240000);
    assert_int_equal(explained.fee_minor, -12);
    cost_table_free(&table);
}

/* Percent and fixed fee of PayPal's published table, in minor units. */
static void paypals_published_fees_are_shipped(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *currency; int64_t amount, checkout, card; } rows[] = {
        { "AUD", 10000, 408, 328 },   { "BRL", 10000, 639, 459 },   { "CAD", 10000, 408, 328 },
        { "CHF", 10000, 398, 318 },   { "CZK", 10000, 1249, 789 },  { "DKK", 10000, 639, 459 },
        { "EUR", 10000, 388, 308 },   { "GBP", 10000, 388, 308 },   { "HKD", 10000, 728, 518 },
        { "HUF", 1000000, 49800, 37800 }, { "ILS", 10000, 509, 379 }, { "JPY", 10000, 398, 318 },
        { "MXN", 10000, 1249, 789 },  { "MYR", 10000, 549, 409 },   { "NOK", 10000, 739, 519 },
        { "NZD", 10000, 418, 338 },   { "PHP", 10000, 2849, 1789 }, { "PLN", 10000, 538, 398 },
        { "RUB", 10000, 4249, 2589 }, { "SEK", 10000, 758, 529 },   { "SGD", 10000, 418, 338 },
        { "THB", 10000, 1849, 1189 }, { "TWD", 10000, 1700, 1100 }, { "USD", 10000, 398, 318 },
    };
    /* clang-format on */
    struct cost_table *table = table_of_file("config/fees/paypal-us.json");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t amount = rows[i].amount;
        int64_t fee = fee_of(table, OPERATION_SALE, "wallet", "US", rows[i].currency, amount);
        int64_t card = fee_of(table, OPERATION_AUTHORIZE, "card", "US", rows[i].currency, amount);
        if (fee != rows[i].checkout || card != rows[i].card) {
            fail_msg("%s: %lld and %lld", rows[i].currency, (long long)fee, (long long)card);
        }
    }
    assert_int_equal(fee_of(table, OPERATION_SALE, "wallet", "DE", "USD", 10000), 548);
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "wallet", "DE", "USD", 10000), 200);
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "wallet", "DE", "USD", 1000000), 2000);
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "wallet", "DE", "EUR", 10000), 200);
    assert_int_equal(fee_of(table, OPERATION_REFUND, "card", "DE", "EUR", 10000), 0);
    assert_int_equal(fee_of(table, OPERATION_SALE, "card", "DE", "KWD", 10000), -1);
    cost_table_free(&table);
    table = table_of_file("config/fees/payoneer-checkout.json");
    assert_int_equal(fee_of(table, OPERATION_SALE, "card", "US", "EUR", 10000), 640);
    cost_table_free(&table);
}

static void fees_of_payouts_are_shipped(void **state)
{
    (void)state;
    struct cost_table *table = table_of_file("config/fees/payoneer-payouts.json");
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "", "DE", "EUR", 12345), 123);
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "", "US", "KWD", 10500), 105);
    cost_table_free(&table);
    table = table_of_file("config/fees/paypal-payouts-us-domestic.json");
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "", "US", "USD", 100), 25);
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "", "US", "USD", 1000000), 25);
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "", "US", "HUF", 1000000), 5300);
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "", "US", "JPY", 1000), 30);
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "", "DE", "USD", 10000), 225);
    assert_int_equal(fee_of(table, OPERATION_PAYOUT, "", "US", "MYR", 10000), -1);
    cost_table_free(&table);
}

/* Of every currency: the fee grows with the amount, stays in its bounds, and is what a slow sum
 * says. */
static void properties_hold_in_all_currencies(void **state)
{
    (void)state;
    size_t count = 0;
    const struct currency *all = currency_all(&count);
    struct rng rng;
    rng_seed(&rng, 2);
    for (size_t i = 0; i < count; i++) {
        char json[300], fixed[MONEY_TEXT_SIZE], most[MONEY_TEXT_SIZE], percent[MONEY_TEXT_SIZE];
        int64_t fixed_minor = (int64_t)rng_below(&rng, 1000);
        int64_t max_minor = fixed_minor + 1 + (int64_t)rng_below(&rng, 100000);
        int64_t per_million = (int64_t)rng_below(&rng, 1000001);
        (void)money_format(fixed_minor, all[i].exponent, fixed);
        (void)money_format(max_minor, all[i].exponent, most);
        (void)money_format(per_million, 4, percent);
        snprintf(
            json, sizeof(json),
            "{\"currencies\": {\"%s\": {\"percent\": \"%s\", \"fixed\": \"%s\", \"max\": \"%s\"}}}",
            all[i].code, percent, fixed, most);
        struct cost_table *table = table_of(json);
        int64_t before = 0;
        int64_t amount = 0;
        for (int k = 0; k < 200; k++) {
            int64_t fee = fee_of(table, OPERATION_SALE, "card", "DE", all[i].code, amount);
            int64_t share = 0;
            assert_true(money_scale(amount, per_million, 1000000, MONEY_HALF_UP, &share));
            int64_t expected = share + fixed_minor < max_minor ? share + fixed_minor : max_minor;
            assert_int_equal(fee, expected);
            assert_true(fee >= before && fee >= fixed_minor && fee <= max_minor);
            before = fee;
            amount += (int64_t)rng_below(&rng, 1 + (uint64_t)amount / 4 + 10);
            amount = amount > MONEY_AMOUNT_MAX ? MONEY_AMOUNT_MAX : amount;
        }
        cost_table_free(&table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fees_are_exact_and_rounded_half_up_once),
        cmocka_unit_test(wrong_tables_are_refused_by_the_members_name),
        cmocka_unit_test(the_line_of_what_is_wrong_is_told),
        cmocka_unit_test(a_rest_of_one_is_rounded_as_it_is_asked),
        cmocka_unit_test(operations_come_before_methods_before_the_table),
        cmocka_unit_test(what_was_charged_is_explained),
        cmocka_unit_test(what_a_refund_gives_back_is_explained_part_by_part),
        cmocka_unit_test(paypals_published_fees_are_shipped),
        cmocka_unit_test(fees_of_payouts_are_shipped),
        cmocka_unit_test(properties_hold_in_all_currencies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

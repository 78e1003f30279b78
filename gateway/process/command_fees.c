/* turnpike fees check | quote: what a fee table says, before an account has it. */
#include "process/command.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/country.h"
#include "base/json.h"
#include "base/zone.h"
#include "process/fee_print.h"
#include "process/figures.h"

enum {
    JSON_BYTES_MAX = 65536,
};

struct quote {
    struct cost_table *table; /* owned */
    struct rates *rates;      /* owned; NULL: none */
    struct cost_facts facts;
    bool as_json;
};

/* ---- fees check ------------------------------------------------------------------------------- */

static bool check_zone(const struct cost_table *table, struct error *err)
{
    struct arena arena;
    arena_init(&arena, (size_t)2 * ZONE_FILE_BYTES_MAX);
    struct cost_volume volume = cost_volume(table);
    bool ok = !volume.is_asked || zone_load(str_of(volume.zone), &arena, err) != NULL;
    arena_release(&arena);
    return ok || fail_prefix(err, "fee table: volume.zone");
}

/* What a payment, a payout and a refund of 100.00 cost: a table that says nothing is seen at once. */
static size_t count_currencies(const struct cost_table *table, enum operation operation)
{
    size_t count = 0;
    size_t covered = 0;
    const struct currency *all = currency_all(&count);
    for (size_t i = 0; i < count; i++) {
        struct cost_facts facts = {
            .operation = operation, .amount_minor = 1, .currency = &all[i], .method = STR("card")};
        int64_t fee_minor = 0;
        covered += cost_expected(table, &facts, &fee_minor) ? 1 : 0;
    }
    return covered;
}

static int print_check(const struct cost_table *table, const char *file)
{
    struct cost_volume volume = cost_volume(table);
    size_t sales = count_currencies(table, OPERATION_SALE);
    size_t payouts = count_currencies(table, OPERATION_PAYOUT);
    (void)printf("%s: valid; fees are known for payments in %zu currencies and payouts in %zu, "
                 "without rates\n",
                 file, sales, payouts);
    if (cost_table_needs_rates(table)) {
        (void)puts("some amounts are in another currency than the payment: they need rates_file");
    }
    if (volume.is_asked) {
        (void)printf("tiers look at the volume of %s, %s%s, zone %s\n",
                     volume.is_of_previous ? "the month before" : "the month so far",
                     volume.currency != NULL ? "all currencies in " : "each currency for itself",
                     volume.currency != NULL ? volume.currency->code : "", volume.zone);
    }
    (void)printf("version %s\n", cost_table_hex(table));
    return 0;
}

static int run_check(int argc, char **argv)
{
    struct error err;
    if (argc != 2) {
        (void)fail(&err, ERROR_INVALID, "fees check: name one file, as config/fees/paypal-us.json");
        return command_fail(&err);
    }
    struct cost_table *table = figures_read_fees(argv[1], &err);
    bool ok = table != NULL && check_zone(table, &err);
    int status = ok ? print_check(table, argv[1]) : command_fail(&err);
    cost_table_free(&table);
    return status;
}

/* ---- fees quote ------------------------------------------------------------------------------- */

static bool take_amount(int *argc, char **argv, const char *name, const struct currency *currency,
                        int64_t *out, struct error *err)
{
    const char *text = command_option(argc, argv, name);
    if (text == NULL) {
        return true;
    }
    struct error why;
    CHECK(currency != NULL);
    return (money_parse(str_of(text), currency->exponent, out, &why) && *out >= 0 &&
            *out <= MONEY_AMOUNT_MAX) ||
           fail(err, ERROR_INVALID,
                "fees quote: --%s \"%.40s\" is no amount of %s with at most %u decimals", name,
                text, currency->code, (unsigned)currency->exponent);
}

static bool take_currency(int *argc, char **argv, struct cost_facts *facts, struct error *err)
{
    const char *text = command_option(argc, argv, "currency");
    facts->currency = text != NULL ? currency_find(str_of(text)) : NULL;
    return facts->currency != NULL ||
           fail(err, ERROR_INVALID,
                "fees quote: --currency %.10s is missing or no currency of ISO 4217, as EUR",
                text != NULL ? text : "");
}

/* payment is a sale; an event stands in the operation's place. */
static bool take_operation(int *argc, char **argv, struct cost_facts *facts, struct error *err)
{
    const char *text = command_option(argc, argv, "operation");
    struct str name = str_of(text != NULL ? text : "payment");
    facts->operation = str_eq(name, STR("payment")) ? OPERATION_SALE : operation_find(name);
    facts->event = COST_CHARGED;
    if (facts->operation == OPERATION_NONE) {
        facts->event = cost_event_find(name);
    }
    return facts->event != COST_EVENT_COUNT ||
           fail(err, ERROR_INVALID,
                "fees quote: --operation " STR_FMT " is not payment, sale, authorize, capture, "
                "void, refund, payout, reauthorize, decline, expiry, dispute or chargeback",
                STR_ARG(str_sub(name, 0, 20)));
}

static bool take_facts(int *argc, char **argv, struct quote *quote, struct error *err)
{
    struct cost_facts *facts = &quote->facts;
    const char *country = command_option(argc, argv, "country");
    const char *method = command_option(argc, argv, "method");
    facts->country = str_of(country);
    facts->method = str_of(method != NULL ? method : "card");
    if (country != NULL && !country_is_known(facts->country)) {
        return fail(err, ERROR_INVALID,
                    "fees quote: --country %.10s is no country of ISO 3166-1, as DE", country);
    }
    const struct currency *volume_in = cost_volume(quote->table).currency;
    facts->amount_minor = -1;
    if (!take_currency(argc, argv, facts, err) || !take_operation(argc, argv, facts, err) ||
        !take_amount(argc, argv, "amount", facts->currency, &facts->amount_minor, err) ||
        !take_amount(argc, argv, "paid", facts->currency, &facts->paid_minor, err) ||
        !take_amount(argc, argv, "volume", volume_in != NULL ? volume_in : facts->currency,
                     &facts->month_volume_minor, err)) {
        return false;
    }
    return facts->amount_minor >= 0 ||
           fail(err, ERROR_INVALID, "fees quote: --amount is missing, as --amount 10.00");
}

static void print_entry(const struct quote *quote, const struct cost_explained *fee)
{
    char from[MONEY_TEXT_SIZE];
    const struct currency *currency = cost_volume(quote->table).currency;
    currency = currency != NULL ? currency : quote->facts.currency;
    CHECK(currency != NULL);
    (void)printf("entry     %s%s%s\n", fee->entry[0] != '\0' ? fee->entry : "of the table",
                 fee->is_default ? ", default" : ", currencies.",
                 fee->is_default ? "" : quote->facts.currency->code);
    if (fee->tier_from_minor > 0) {
        (void)money_format(fee->tier_from_minor, currency->exponent, from);
        (void)printf("tier      from %s %s a month\n", from, currency->code);
    }
}

static void print_quote_json(const struct quote *quote, const struct cost_explained *fee)
{
    char number[FEE_EXACT_SIZE];
    struct buf out;
    struct json_out json;
    buf_init(&out, JSON_BYTES_MAX);
    json_out_init(&json, &out);
    json_begin_object(&json);
    json_put_int(&json, "fee", fee->fee_minor);
    json_put_cstr(&json, "currency", quote->facts.currency->code);
    json_put_cstr(&json, "entry", fee->entry[0] != '\0' ? fee->entry : NULL);
    json_put_bool(&json, "is_default", fee->is_default);
    json_put_int(&json, "tier_from", fee->tier_from_minor);
    json_key(&json, "parts");
    json_begin_object(&json);
    for (enum cost_part part = COST_PERCENT; part < COST_PART_COUNT; part++) {
        if (fee->part[part] != 0) {
            json_put_cstr(
                &json, cost_part_name(part),
                fee_print_exact(fee->part[part], quote->facts.currency->exponent, number));
        }
    }
    json_end_object(&json);
    json_put_cstr(&json, "version", cost_table_hex(quote->table));
    json_put_cstr(&json, "rates", quote->rates != NULL ? rates_source(quote->rates) : NULL);
    json_end_object(&json);
    (void)printf(STR_FMT "\n", STR_ARG(buf_str(&out)));
    buf_release(&out);
}

static int print_quote(const struct quote *quote)
{
    struct cost_explained fee;
    struct error err;
    char number[64];
    char how[96];
    char sum[MONEY_TEXT_SIZE];
    const struct currency *currency = quote->facts.currency;
    CHECK(currency != NULL);
    if (!cost_explain(quote->table, &quote->facts, &fee)) {
        bool may_need = cost_table_needs_rates(quote->table) && quote->rates == NULL;
        (void)fail(&err, ERROR_NOT_FOUND,
                   "fees quote: the fee is not known: the table does not cover %s%s",
                   currency->code,
                   may_need ? ", or has an amount that needs --rates FILE" : " for this");
        return command_fail(&err);
    }
    if (quote->as_json) {
        print_quote_json(quote, &fee);
        return 0;
    }
    print_entry(quote, &fee);
    for (enum cost_part part = COST_PERCENT; part < COST_PART_COUNT; part++) {
        if (fee.part[part] != 0) {
            fee_print_how(&fee, part, how);
            (void)printf("%-18s %20s%s\n", cost_part_name(part),
                         fee_print_exact(fee.part[part], currency->exponent, number), how);
        }
    }
    (void)money_format(fee.fee_minor, currency->exponent, sum);
    (void)printf("%-18s %20s  %s\n", "fee", sum, currency->code);
    (void)printf("version   %s\n", cost_table_hex(quote->table));
    if (quote->rates != NULL) {
        char time[CLOCK_TEXT_SIZE];
        (void)printf("rates     " STR_FMT ", %s\n",
                     STR_ARG(clock_format_ms(rates_time_us(quote->rates), time)),
                     rates_source(quote->rates));
    }
    return 0;
}

static bool read_quote(int argc, char **argv, struct quote *quote, struct error *err)
{
    const char *rates = command_option(&argc, argv, "rates");
    quote->as_json = command_flag(&argc, argv, "json");
    if (argc < 2 || argv[1][0] == '-') {
        return fail(err, ERROR_INVALID,
                    "fees quote: name a file first, as fees quote config/fees/paypal-us.json "
                    "--amount 10.00 --currency EUR");
    }
    const char *file = argv[1];
    quote->table = figures_read_fees(file, err);
    if (quote->table == NULL || !take_facts(&argc, argv, quote, err)) {
        return false;
    }
    if (rates != NULL) {
        quote->rates = figures_read_rates(rates, err);
        quote->facts.rates = quote->rates;
        if (quote->rates == NULL) {
            return false;
        }
    }
    argv[1] = argv[0];
    return command_done(argc - 1, argv + 1, err);
}

static int run_quote(int argc, char **argv)
{
    struct quote quote = {.table = NULL};
    struct error err;
    bool ok = read_quote(argc, argv, &quote, &err);
    int status = ok ? print_quote(&quote) : command_fail(&err);
    cost_table_free(&quote.table);
    rates_free(&quote.rates);
    return status;
}

int command_fees(int argc, char **argv)
{
    struct error err;
    if (argc >= 2 && strcmp(argv[1], "check") == 0) {
        return run_check(argc - 1, argv + 1);
    }
    if (argc >= 2 && strcmp(argv[1], "quote") == 0) {
        return run_quote(argc - 1, argv + 1);
    }
    (void)fail(&err, ERROR_INVALID, "fees: say check FILE, or quote FILE --amount N --currency C");
    return command_fail(&err);
}

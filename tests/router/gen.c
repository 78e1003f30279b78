#include "gen.h"

#include <stdio.h>
#include <string.h>

#include <stdlib.h>

enum { DEPTH_MAX = 4, VALUES_MAX = 4, SETS_MAX = 2 };

const struct str gen_providers[GEN_PEERS] = {STR_INIT("paypal"), STR_INIT("payoneer"),
                                             STR_INIT("rebilly"), STR_INIT("spreedly")};

/* clang-format off */
static const char *const currencies[] = {"EUR", "JPY", "USD", "KWD", "CHF"};
static const char *const methods[]    = {"card", "wallet", "bank", "test"};
static const char *const countries[]  = {"DE", "AT", "US", "GB", "JP"};
static const char *const texts[]      = {"", "gold", "gold plus", "go", "a*b", "\xC3\xA4pfel", "silver"};
static const char *const patterns[]   = {"*", "go*", "*ld", "g?ld*", "?*", "*a*", "", "gold", "??pfel"};
static const char *const bins[]       = {"411111", "41111199", "4111119", "520000", "510000", "5199990"};
static const char *const brands[]     = {"visa", "mastercard", "amex"};
static const char *const declines[]   = {"soft", "hard", "failed"};
static const char *const reasons[]    = {"insufficient_funds", "do_not_honor", "busy"};
static const char *const zones[]      = {"", "Europe/Berlin", "Asia/Tokyo", "America/New_York"};
static const char *const days[]       = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
static const char *const metadata[GEN_METADATA] = {"tier", "cart", "a b"};
static const char *const merchants[]  = {"mer_1", "mer_2", "mer_3"};
/* clang-format on */

#define PICK(rng, pool) (pool)[rng_below((rng), ARRAY_LEN(pool))]

static unsigned below(struct rng *rng, unsigned bound)
{
    return (unsigned)rng_below(rng, bound);
}

/* ---- files ----------------------------------------------------------------------------------- */

struct writer {
    struct rng *rng;
    struct buf *out;
    unsigned conditions, sets; /* defined so far */
    enum fact set[SETS_MAX];   /* what each is a set of */
    const enum fact *fact;     /* of a small file: only these; values from few; NULL: any */
    unsigned fact_count;
};

static const char *some_currency(struct writer *w)
{
    return currencies[below(w->rng, w->fact != NULL ? GEN_SMALL_CURRENCIES : 5)];
}

static void put_amount(struct writer *w, const char *currency)
{
    unsigned major = below(w->rng, 5);
    bool is_yen = strcmp(currency, "JPY") == 0;
    buf_printf(w->out, is_yen ? "%u %s" : "%u.50 %s", major, currency);
}

static void put_percent(struct writer *w)
{
    if (w->fact != NULL)
        buf_printf(w->out, "%u%%", 10 + 40 * below(w->rng, 3));
    else
        buf_printf(w->out, "%u%s%%", below(w->rng, 100), below(w->rng, 2) ? ".5" : "");
}

static void put_value(struct writer *w, enum fact fact, bool is_cost_money)
{
    struct rng *rng = w->rng;
    switch ((int)fact) {
    case FACT_AMOUNT:
        put_amount(w, some_currency(w));
        return;
    case FACT_CURRENCY:
        buf_printf(w->out, "%s", some_currency(w));
        return;
    case FACT_OPERATION: {
        static const char *const names[] = {"sale", "authorize", "payment", "payout", "refund"};
        buf_printf(w->out, "%s", PICK(rng, names));
        return;
    }
    case FACT_METHOD:
        buf_printf(w->out, "%s", PICK(rng, methods));
        return;
    case FACT_CARD_BRAND:
        buf_printf(w->out, "%s", PICK(rng, brands));
        return;
    case FACT_PREVIOUS_DECLINE:
    case FACT_PREVIOUS_REASON:
        buf_printf(w->out, "%s",
                   fact == FACT_PREVIOUS_REASON ? PICK(rng, reasons) : PICK(rng, declines));
        return;
    case FACT_COUNTRY:
    case FACT_CARD_COUNTRY:
    case FACT_BENEFICIARY_COUNTRY:
        buf_printf(w->out, "%s", below(rng, 8) == 0 ? "\"\"" : PICK(rng, countries));
        return;
    case FACT_MERCHANT:
        buf_printf(w->out, "\"%s\"", PICK(rng, merchants));
        return;
    case FACT_BIN:
        buf_printf(w->out, "%s", PICK(rng, bins));
        return;
    case FACT_WEEKDAY:
        buf_printf(w->out, "%s", PICK(rng, days));
        return;
    case FACT_TIME:
        if (w->fact != NULL)
            buf_printf(w->out, "%02u:00", below(rng, 4) * 6);
        else
            buf_printf(w->out, "%02u:%02u", below(rng, 24), below(rng, 4) * 15);
        return;
    case FACT_ATTEMPT:
        buf_printf(w->out, "%u", 1 + below(rng, 4));
        return;
    case FACT_PROVIDER:
        buf_add_str(w->out, PICK(rng, gen_providers));
        return;
    case FACT_ACCOUNT:
        buf_printf(w->out, "\"%s\"", below(rng, 2) ? "main" : "other");
        return;
    case FACT_COST:
        if (is_cost_money)
            put_amount(w, some_currency(w));
        else
            buf_printf(w->out, "%u.%u%%", below(rng, 7), below(rng, 100));
        return;
    case FACT_SUCCESS_RATE:
    case FACT_SHARE:
        put_percent(w);
        return;
    case FACT_LATENCY:
        buf_printf(w->out, "%ums", below(rng, 5) * 100);
        return;
    default:
        buf_printf(w->out, "\"%s\"", PICK(rng, texts));
        return;
    }
}

static void put_target(struct writer *w)
{
    if (w->fact != NULL) {
        buf_printf(w->out, "paypal");
        return;
    }
    buf_add_str(w->out, PICK(w->rng, gen_providers));
    if (below(w->rng, 3) == 0)
        buf_printf(w->out, ":%s", below(w->rng, 2) ? "main" : "other");
}

static bool is_total_order(enum fact_type type)
{
    return type == FACT_TYPE_MONEY || type == FACT_TYPE_NUMBER || type == FACT_TYPE_PERCENT ||
           type == FACT_TYPE_DURATION || type == FACT_TYPE_TIME || type == FACT_TYPE_COST;
}

static void put_fact(struct writer *w, enum fact fact, bool in_where, const char *as)
{
    const struct fact_info *info = fact_info(fact);
    if (info->scope == FACT_MEASURE && !(in_where && below(w->rng, 2))) {
        put_target(w);
        buf_add_char(w->out, '.');
    }
    buf_add_str(w->out, info->name);
    if (fact == FACT_METADATA) {
        unsigned at = w->fact != NULL ? 0 : below(w->rng, GEN_METADATA);
        buf_printf(w->out, at == 2 ? ".\"%s\"" : ".%s", metadata[at]);
    }
    if (as != NULL)
        buf_printf(w->out, " as %s", as);
    if ((fact == FACT_TIME || fact == FACT_WEEKDAY) && w->fact == NULL && below(w->rng, 2))
        buf_printf(w->out, " at \"%s\"", zones[1 + below(w->rng, 3)]);
}

/* low..high with low <= high, as a file must say it. */
static void put_range(struct writer *w, enum fact fact, const char *as)
{
    unsigned low = below(w->rng, 4);
    unsigned high = low + below(w->rng, 3);
    if (fact == FACT_TIME) {
        put_value(w, fact, false);
        buf_printf(w->out, "..");
        put_value(w, fact, false);
    } else if (fact == FACT_BIN) {
        buf_printf(w->out, "4111%u1..4111%u9", low, high);
    } else if (fact == FACT_AMOUNT) {
        buf_printf(w->out, "%u..%u %s", low, high, as != NULL ? as : some_currency(w));
    } else {
        buf_printf(w->out, "%u..%u", low + 1, high + 1);
    }
}

/* Values of a list are different ones. */
static void put_list(struct writer *w, enum fact fact)
{
    char values[VALUES_MAX][64];
    unsigned count = 0;
    struct buf *out = w->out;
    for (unsigned tries = 1 + below(w->rng, VALUES_MAX); tries > 0; tries--) {
        struct buf value;
        buf_init(&value, sizeof(values[0]) - 1);
        w->out = &value;
        put_value(w, fact, false);
        (void)str_copy_to(buf_str(&value), values[count], sizeof(values[0]));
        buf_release(&value);
        unsigned same = 0;
        while (strcmp(values[same], values[count]) != 0)
            same++;
        count += same == count;
    }
    w->out = out;
    for (unsigned i = 0; i < count; i++)
        buf_printf(out, "%s%s", i == 0 ? "[" : ", ", values[i]);
    buf_add_char(out, ']');
}

/* A list in its place, or a set of such. */
static void put_members(struct writer *w, enum fact fact)
{
    unsigned set = 0;
    while (set < w->sets && w->set[set] != fact)
        set++;
    if (set < w->sets && below(w->rng, 2))
        buf_printf(w->out, "set_%u", set);
    else
        put_list(w, fact);
}

static void put_test(struct writer *w, bool in_where)
{
    struct rng *rng = w->rng;
    enum fact fact;
    const struct fact_info *info;
    do {
        fact = w->fact != NULL ? w->fact[below(rng, w->fact_count)]
                               : (enum fact)(1 + below(rng, FACT_COUNT - 1));
        info = fact_info(fact);
    } while (info->scope == FACT_OF_CANDIDATE && !in_where);
    const char *as = fact == FACT_AMOUNT && below(rng, 3) == 0
                         ? (w->fact != NULL ? currencies[0] : PICK(rng, currencies))
                         : NULL;
    put_fact(w, fact, in_where, as);
    if (info->type == FACT_TYPE_FLAG)
        return;
    bool is_text = info->type == FACT_TYPE_TEXT || fact == FACT_BIN;
    bool has_range =
        fact == FACT_TIME || fact == FACT_BIN || fact == FACT_AMOUNT || fact == FACT_ATTEMPT;
    bool is_listed = !is_total_order(info->type);
    const char *no = below(rng, 2) ? "not " : "";
    unsigned pick = below(rng, 6);
    if (pick == 0 && has_range) {
        buf_printf(w->out, " %sin ", no);
        put_range(w, fact, as);
    } else if (pick == 1 && is_text) {
        buf_printf(w->out, " %sstarts with \"%s\"", no,
                   fact == FACT_BIN ? PICK(rng, bins) : texts[1 + below(rng, 6)]);
    } else if (pick == 2 && is_text) {
        buf_printf(w->out, " %smatches \"%s\"", no, PICK(rng, patterns));
    } else if (pick <= 3 && is_listed) {
        buf_printf(w->out, " %sin ", no);
        put_members(w, fact);
    } else {
        static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};
        buf_printf(w->out, " %s ", signs[below(rng, is_total_order(info->type) ? 6 : 2)]);
        if (as != NULL)
            put_amount(w, as);
        else
            put_value(w, fact, below(rng, 2));
    }
}

static void put_condition(struct writer *w, bool in_where, unsigned depth)
{
    unsigned pick = depth >= DEPTH_MAX ? 0 : below(w->rng, 8);
    if (pick < 3) {
        put_test(w, in_where);
    } else if (pick == 3) {
        buf_printf(w->out, "not ");
        put_condition(w, in_where, DEPTH_MAX);
    } else if (pick == 4 && w->conditions > 0 && !in_where) {
        buf_printf(w->out, "cond_%u", below(w->rng, w->conditions));
    } else {
        buf_printf(w->out, "(");
        unsigned count = 2 + below(w->rng, 2);
        for (unsigned i = 0; i < count; i++) {
            buf_printf(w->out, "%s", i == 0 ? "" : below(w->rng, 2) ? " and " : " or ");
            put_condition(w, in_where, depth + 1);
        }
        buf_printf(w->out, ")");
    }
}

static void put_targets(struct writer *w, bool is_split)
{
    unsigned first = below(w->rng, GEN_PEERS);
    unsigned count = 1 + below(w->rng, 3);
    static const unsigned shares[3][3] = {{100, 0, 0}, {70, 30, 0}, {50, 30, 20}};
    for (unsigned i = 0; i < count; i++) {
        buf_printf(w->out, "%s", i == 0 ? "" : ", ");
        if (is_split)
            buf_printf(w->out, "%u%% ", shares[count - 1][i]);
        buf_add_str(w->out, gen_providers[(first + i) % GEN_PEERS]);
    }
}

static void put_block(struct writer *w, bool may_shadow)
{
    static const char *const by[] = {"by cost", "by success", "by latency", "by value",
                                     "by value with margin 5% and failure 0.50 EUR"};
    static const char *const failovers[] = {"none", "at most 2", "within 3s",
                                            "at most 3 within 800ms"};
    buf_printf(w->out, "{ ");
    switch (below(w->rng, 4)) {
    case 0:
        buf_printf(w->out, "use ");
        put_targets(w, false);
        break;
    case 1:
        buf_printf(w->out, "split ");
        put_targets(w, true);
        if (below(w->rng, 2))
            buf_printf(w->out, " by metadata.tier");
        break;
    case 2:
        buf_printf(w->out, "decline \"no\"");
        break;
    default:
        buf_printf(w->out, "%s", PICK(w->rng, by));
    }
    for (unsigned count = below(w->rng, 3); count > 0; count--) {
        static const char *const sieves[] = {"only", "never", "avoid"};
        buf_printf(w->out, " %s ", PICK(w->rng, sieves));
        if (below(w->rng, 4) == 0) {
            put_targets(w, false);
        } else {
            buf_printf(w->out, "where ");
            put_condition(w, true, DEPTH_MAX - 1);
        }
    }
    if (below(w->rng, 6) == 0)
        buf_printf(w->out, " failover %s", PICK(w->rng, failovers));
    if (may_shadow && below(w->rng, 8) == 0) {
        buf_printf(w->out, " shadow ");
        put_block(w, false);
    }
    buf_printf(w->out, " }\n");
}

void gen_rules(struct rng *rng, unsigned rules_max, struct buf *out)
{
    struct writer w = {.rng = rng, .out = out};
    const char *zone = PICK(rng, zones);
    if (zone[0] != '\0')
        buf_printf(out, "zone \"%s\"\n", zone);
    for (unsigned count = below(rng, SETS_MAX + 1); count > 0; count--) {
        static const enum fact facts[] = {FACT_CURRENCY,     FACT_METHOD,     FACT_COUNTRY,
                                          FACT_CARD_COUNTRY, FACT_METADATA,   FACT_MERCHANT,
                                          FACT_BIN,          FACT_CARD_BRAND, FACT_OPERATION};
        buf_printf(out, "set set_%u = ", w.sets);
        w.set[w.sets] = PICK(rng, facts);
        put_list(&w, w.set[w.sets]);
        buf_printf(out, "\n");
        w.sets++;
    }
    for (unsigned count = below(rng, 3); count > 0; count--) {
        buf_printf(out, "condition cond_%u = ", w.conditions);
        put_condition(&w, false, 2);
        buf_printf(out, "\n");
        w.conditions++;
    }
    unsigned rules = 1 + below(rng, rules_max);
    for (unsigned i = 0; i < rules; i++) {
        buf_printf(out, "rule \"r%u\" when ", i);
        put_condition(&w, false, 0);
        buf_printf(out, " ");
        put_block(&w, true);
    }
    buf_printf(out, "otherwise ");
    put_block(&w, true);
}

void gen_small(struct rng *rng, const enum fact *fact, unsigned fact_count, unsigned rules_max,
               struct buf *out)
{
    struct writer w = {.rng = rng, .out = out, .fact = fact, .fact_count = fact_count};
    for (unsigned count = below(rng, 3); count > 0; count--) {
        buf_printf(out, "condition cond_%u = ", w.conditions);
        put_condition(&w, false, DEPTH_MAX - 2);
        buf_printf(out, "\n");
        w.conditions++;
    }
    unsigned rules = 2 + below(rng, rules_max - 1);
    for (unsigned i = 0; i < rules; i++) {
        buf_printf(out, "rule \"r%u\" when ", i);
        put_condition(&w, false, DEPTH_MAX - below(rng, 3));
        buf_printf(out, " { use paypal }\n");
    }
    buf_printf(out, "otherwise { by cost }\n");
}

/* ---- payments -------------------------------------------------------------------------------- */

static const char *const fees[GEN_PEERS - 1] = {
    "{\"percent\":\"3.00\",\"default\":{}}",
    "{\"percent\":\"2\",\"currencies\":{\"EUR\":{\"fixed\":\"0.02\"},\"JPY\":{\"fixed\":\"1\"}}}",
    "{\"country\":\"US\",\"percent\":\"1.00\",\"cross_border_percent\":\"3.50\",\"default\":{}}",
};

void gen_tables_init(struct gen_tables *tables)
{
    struct error err = {.text = ""};
    unsigned line = 0;
    memset(tables, 0, sizeof(*tables));
    for (size_t i = 0; i < GEN_PEERS - 1; i++) {
        tables->cost[i] = cost_table_new(str_of(fees[i]), &err);
        if (tables->cost[i] == NULL) {
            (void)fprintf(stderr, "gen: %s\n", err.text);
            exit(2);
        }
    }
    tables->rates =
        rates_new(STR("{\"source\":\"a test\",\"time\":\"2026-11-20T15:00:00Z\",\"base\":"
                      "\"EUR\",\"rates\":{\"USD\":\"1.0850\",\"JPY\":\"164.12\"}}"),
                  &line, &err);
    if (tables->rates == NULL) {
        (void)fprintf(stderr, "gen: %s\n", err.text);
        exit(2);
    }
}

void gen_tables_release(struct gen_tables *tables)
{
    for (size_t i = 0; i < GEN_PEERS; i++)
        cost_table_free(&tables->cost[i]);
    rates_free(&tables->rates);
}

static const enum health_state states[] = {HEALTH_CLOSED, HEALTH_CLOSED, HEALTH_CLOSED, HEALTH_OPEN,
                                           HEALTH_HALF_OPEN};

static void gen_candidates(struct rng *rng, const struct gen_tables *tables,
                           struct gen_payment *payment)
{
    for (size_t i = 0; i < GEN_PEERS; i++) {
        payment->candidate[i] = (struct route_candidate){
            .provider = gen_providers[i],
            .account_name = below(rng, 2) ? STR("main") : STR("other"),
            .takes_currency = true,
            .takes_operation = true,
            .takes_method = true,
            .has_token = below(rng, 8) != 0,
            .disabled = below(rng, 8) == 0,
            .cost = tables->cost[i],
            .health = {.state = PICK(rng, states),
                       .may_try = below(rng, 2) != 0,
                       .away_per_million = below(rng, 4) == 0 ? 500000 : 0,
                       .is_slow = below(rng, 6) == 0,
                       .success_per_million = below(rng, 201) * 5000,
                       .decisions = below(rng, 5),
                       .p95_us = (int64_t)below(rng, 6) * 100000},
        };
    }
}

static struct str some(struct rng *rng, const char *const *pool, size_t count)
{
    uint64_t at = rng_below(rng, count + 1);
    return at == count ? STR_NONE : str_of(pool[at]);
}
#define SOME(rng, pool) some((rng), (pool), ARRAY_LEN(pool))

void gen_payment(struct rng *rng, const struct gen_tables *tables, struct gen_payment *payment)
{
    static const enum operation operations[] = {OPERATION_SALE, OPERATION_AUTHORIZE,
                                                OPERATION_PAYOUT, OPERATION_REFUND};
    const struct currency *currency = currency_find(str_of(PICK(rng, currencies)));
    int64_t unit = currency->exponent == 0 ? 1 : currency->exponent == 2 ? 50 : 500;
    size_t count = below(rng, GEN_METADATA + 1);
    for (size_t i = 0; i < count; i++)
        payment->metadata[i] =
            (struct route_pair){str_of(PICK(rng, metadata)), str_of(PICK(rng, texts))};
    payment->facts = (struct route_facts){
        .operation = PICK(rng, operations),
        .amount_minor = (int64_t)below(rng, 11) * unit + below(rng, 2),
        .currency = currency,
        .method = SOME(rng, methods),
        .country = SOME(rng, countries),
        .merchant = str_of(PICK(rng, merchants)),
        .card_brand = SOME(rng, brands),
        .card_country = SOME(rng, countries),
        .bin = SOME(rng, bins),
        .beneficiary_country = SOME(rng, countries),
        .reference = SOME(rng, texts),
        .customer = SOME(rng, texts),
        .attempt = below(rng, 4),
        .previous_decline = SOME(rng, declines),
        .previous_reason = SOME(rng, reasons),
        .rates = below(rng, 3) ? tables->rates : NULL,
        .metadata = payment->metadata,
        .metadata_count = count,
        .now_us = INT64_C(1790000000000000) + (int64_t)rng_below(rng, UINT64_C(40000000000000)),
    };
    gen_candidates(rng, tables, payment);
}

/* ---- large files ----------------------------------------------------------------------------- */

void gen_large(struct rng *rng, unsigned rules, struct buf *out)
{
    for (unsigned i = 0; i < rules; i++) {
        buf_printf(out, "rule \"r%u\" when ", i);
        switch (below(rng, 4)) {
        case 0:
            buf_printf(out, "merchant == \"mer_%u\" and amount >= %u EUR", i, below(rng, 1000));
            break;
        case 1:
            buf_printf(out, "country in [%s, %s] and method == %s and metadata.tier == \"t%u\"",
                       PICK(rng, countries), "FR", PICK(rng, methods), below(rng, 500));
            break;
        case 2:
            buf_printf(out,
                       "currency == %s and amount in %u..%u %s and merchant != \"mer_0\" and "
                       "metadata.cart == \"c%u\"",
                       "USD", i, i + 10, "USD", below(rng, 500));
            break;
        default:
            buf_printf(out, "(card_brand == %s or card_country == %s) and metadata.shop == \"s%u\"",
                       PICK(rng, brands), PICK(rng, countries), below(rng, 500));
        }
        buf_printf(out,
                   " { by cost of paypal, payoneer, rebilly avoid where success_rate < 90%% }\n");
    }
    buf_printf(out, "otherwise { by cost }\n");
}

void gen_large_payment(struct rng *rng, unsigned rules, const struct gen_tables *tables,
                       char merchant[32], struct gen_payment *payment)
{
    gen_payment(rng, tables, payment);
    (void)snprintf(merchant, 32, "mer_%u", below(rng, rules * 2));
    payment->facts.merchant = str_of(merchant);
    payment->facts.amount_minor = 100 * (1 + (int64_t)below(rng, 2000));
    payment->facts.operation = OPERATION_SALE;
    for (size_t i = 0; i < GEN_PEERS; i++) {
        payment->candidate[i].has_token = true;
        payment->candidate[i].disabled = false;
    }
}

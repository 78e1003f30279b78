/*
 * brute.c - what the checker calls unreachable, against brute force.
 *
 *     make router-brute [FILES=20000 SEED=1]
 *
 * Small files ask for few facts with few values: the interpreter is run over the product of all
 * payments that such a file can tell apart. A rule that is said to be unreachable and is reached is a
 * lie of the checker, and ends the run; of the rules that nothing reaches the share is printed that
 * the checker found. Full files, of every fact and sign, are tried with random payments as well.
 */
#include "gen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/check_reach.h"
#include "router/interpret.h"
#include "router/run.h"

enum {
    PRODUCT_MAX = 30000,
    POINTS_MAX = 256,
    FACTS_MAX = 4,
    RULES_MAX = 9,
    FULL_RULES_MAX = 24,
    FULL_PAYMENTS = 300,
    FILE_BYTES_MAX = 1 << 20,
};

struct tally {
    uint64_t files, payments, rules, shadowed, found, full_files, full_payments, full_found;
    uint64_t by_one; /* found, and one rule alone was named */
};

/* ---- the values of a dimension --------------------------------------------------------------- */

enum dimension {
    BY_MONEY = 0,
    BY_RATES,
    BY_OPERATION,
    BY_METHOD,
    BY_COUNTRY,
    BY_TIER,
    BY_BRAND,
    BY_BIN,
    BY_MOMENT,
    BY_ATTEMPT,
    BY_DECLINE,
    BY_SUCCESS,
    BY_LATENCY,
    BY_HEALTHY,
    BY_ACCOUNT,
    DIMENSION_COUNT,
};

struct amount {
    const char *currency;
    int64_t minor;
};

static struct amount amounts[POINTS_MAX];
static size_t amount_count;
static char bins[POINTS_MAX][12];
static size_t bin_count;

/* clang-format off */
static const char *const methods[]   = {"", "card", "wallet", "bank", "test", "other"};
static const char *const countries[] = {"", "DE", "AT", "US", "GB", "JP", "FR"};
static const char *const brands[]    = {"", "visa", "mastercard", "amex", "other"};
static const char *const declines[]  = {"", "soft", "hard", "failed", "other"};
static const char *const tiers[]     = {
    "", "gold", "gold plus", "go", "a*b", "\xC3\xA4pfel", "silver",
    "g", "good", "goad", "goald", "gold a", "gold p", "gold plus x", "gold plus a", "gold plus ld", "gold plus ald",
    "gald", "gald x", "galda", "gall", "field", "ald", "xxpfel", "aapfel", "axb", "a*bc", "a*bld", "a*bald",
    "\xC3\xA4pfelx", "\xC3\xA4pfela", "\xC3\xA4pfelld", "\xC3\xA4pfelald", "silverx", "silvera", "silverld", "silverald",
    "x", "goapfel", "gopfel", "gapfel", "gxpfel", "axx", "axld", "gld", "gold ld", "gold ald", "goxld", "gox"};
static const int64_t success[] = {0, 99999, 100000, 100001, 499999, 500000, 500001, 899999, 900000, 900001, 1000000};
static const int64_t minutes[] = {0, 1, 359, 360, 361, 719, 720, 721, 1079, 1080, 1081, 1439};
/* clang-format on */

static void add_amount(const char *currency, int64_t minor)
{
    for (size_t i = 0; i < amount_count; i++) {
        if (amounts[i].minor == minor && strcmp(amounts[i].currency, currency) == 0)
            return;
    }
    if (minor < 0)
        return;
    CHECK(amount_count < POINTS_MAX);
    amounts[amount_count++] = (struct amount){currency, minor};
}

/* Each amount that a file may name, and those beside it; of other currencies by the rate too. */
static void fill_points(void)
{
    for (int64_t half = 0; half < 13; half++) {
        for (int64_t near = -1; near <= 1; near++)
            add_amount("EUR", half * 50 + near);
    }
    for (int64_t yen = 0; yen < 8; yen++)
        add_amount("JPY", yen);
    for (int64_t half = 0; half < 13; half++) {
        int64_t yen = half * 16412 / 200;
        for (int64_t near = -1; near <= 2; near++) {
            add_amount("JPY", yen + near);
            add_amount("USD", half * 5425 / 100 + near);
        }
    }
    static const char *const some[] = {
        "",         "4",        "41111",    "411111x",  "4111119x", "4111119",  "41111191",
        "41111199", "41111198", "4111118",  "41111180", "520000",   "5200001",  "52000012",
        "510000",   "5100000",  "51000001", "519999",   "5199990",  "51999900", "5199991",
        "51999910", "999999",   "9999999",  "99999999", "x",        "5",        "52"};
    for (size_t i = 0; i < ARRAY_LEN(some); i++)
        (void)snprintf(bins[bin_count++], sizeof(bins[0]), "%s", some[i]);
    for (unsigned x = 0; x < 7; x++) {
        static const unsigned ends[] = {0, 1, 5, 9};
        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
            for (unsigned digits = 0; digits < 3; digits++)
                (void)snprintf(bins[bin_count++], sizeof(bins[0]), "4111%u%u%.*s", x, ends[i],
                               (int)digits, "55");
        }
    }
}

static size_t points_of(enum dimension dimension)
{
    switch (dimension) {
    case BY_MONEY:
        return amount_count;
    case BY_RATES:
    case BY_HEALTHY:
    case BY_ACCOUNT:
        return 2;
    case BY_OPERATION:
        return OPERATION_COUNT - 1;
    case BY_METHOD:
        return ARRAY_LEN(methods);
    case BY_COUNTRY:
        return ARRAY_LEN(countries);
    case BY_TIER:
        return ARRAY_LEN(tiers);
    case BY_BRAND:
        return ARRAY_LEN(brands);
    case BY_BIN:
        return bin_count;
    case BY_MOMENT:
        return 7 * ARRAY_LEN(minutes);
    case BY_ATTEMPT:
        return 8;
    case BY_DECLINE:
        return ARRAY_LEN(declines);
    case BY_SUCCESS:
        return ARRAY_LEN(success);
    case BY_LATENCY:
        return 15;
    case DIMENSION_COUNT:
        break;
    }
    return 1;
}

struct point {
    struct gen_payment payment;
    const struct gen_tables *tables;
    size_t candidates;
};

static void put_point(struct point *point, enum dimension dimension, size_t at)
{
    struct route_facts *facts = &point->payment.facts;
    struct route_candidate *paypal = &point->payment.candidate[0];
    const int64_t monday = INT64_C(4) * 86400;
    switch (dimension) {
    case BY_MONEY:
        facts->currency = currency_find(str_of(amounts[at].currency));
        facts->amount_minor = amounts[at].minor;
        break;
    case BY_RATES:
        facts->rates = at == 0 ? NULL : point->tables->rates;
        break;
    case BY_OPERATION:
        facts->operation = (enum operation)(at + 1);
        break;
    case BY_METHOD:
        facts->method = str_of(methods[at]);
        break;
    case BY_COUNTRY:
        facts->country = str_of(countries[at]);
        break;
    case BY_TIER:
        point->payment.metadata[0] = (struct route_pair){STR("tier"), str_of(tiers[at])};
        facts->metadata = point->payment.metadata;
        facts->metadata_count = 1;
        break;
    case BY_BRAND:
        facts->card_brand = str_of(brands[at]);
        break;
    case BY_BIN:
        facts->bin = str_of(bins[at]);
        break;
    case BY_MOMENT:
        facts->now_us = (monday + (int64_t)(at / ARRAY_LEN(minutes)) * 86400 +
                         minutes[at % ARRAY_LEN(minutes)] * 60) *
                        1000000;
        break;
    case BY_ATTEMPT:
        facts->attempt = (uint32_t)at + 1;
        break;
    case BY_DECLINE:
        facts->previous_decline = str_of(declines[at]);
        break;
    case BY_SUCCESS:
        paypal->health.success_per_million = (uint32_t)success[at];
        break;
    case BY_LATENCY:
        paypal->health.p95_us = (int64_t)(at / 3) * 100000 + (int64_t)(at % 3) - (at >= 3);
        break;
    case BY_HEALTHY:
        paypal->health.state = at == 0 ? HEALTH_CLOSED : HEALTH_OPEN;
        break;
    case BY_ACCOUNT:
        point->candidates = at == 0 ? 1 : 0;
        break;
    case DIMENSION_COUNT:
        break;
    }
}

/* ---- files ----------------------------------------------------------------------------------- */

static const struct {
    enum fact fact;
    enum dimension dimension, other; /* both are gone through; DIMENSION_COUNT: none */
} small_facts[] = {
    {FACT_AMOUNT, BY_MONEY, BY_RATES},
    {FACT_CURRENCY, BY_MONEY, DIMENSION_COUNT},
    {FACT_OPERATION, BY_OPERATION, DIMENSION_COUNT},
    {FACT_METHOD, BY_METHOD, DIMENSION_COUNT},
    {FACT_COUNTRY, BY_COUNTRY, DIMENSION_COUNT},
    {FACT_METADATA, BY_TIER, DIMENSION_COUNT},
    {FACT_CARD_BRAND, BY_BRAND, DIMENSION_COUNT},
    {FACT_BIN, BY_BIN, DIMENSION_COUNT},
    {FACT_WEEKDAY, BY_MOMENT, DIMENSION_COUNT},
    {FACT_TIME, BY_MOMENT, DIMENSION_COUNT},
    {FACT_ATTEMPT, BY_ATTEMPT, DIMENSION_COUNT},
    {FACT_PREVIOUS_DECLINE, BY_DECLINE, DIMENSION_COUNT},
    {FACT_SUCCESS_RATE, BY_SUCCESS, BY_ACCOUNT},
    {FACT_LATENCY, BY_LATENCY, BY_ACCOUNT},
    {FACT_HEALTHY, BY_HEALTHY, BY_ACCOUNT},
};

static size_t add_dimension(bool *is_used, enum dimension dimension, size_t product)
{
    if (dimension == DIMENSION_COUNT || is_used[dimension])
        return product;
    is_used[dimension] = true;
    return product * points_of(dimension);
}

/* Some facts whose product can be gone through. */
static unsigned pick_facts(struct rng *rng, enum fact *fact, bool *is_used)
{
    unsigned wanted = 1 + (unsigned)rng_below(rng, FACTS_MAX);
    unsigned count = 0;
    size_t product = 1;
    for (unsigned tries = 0; tries < 20 && count < wanted; tries++) {
        bool with[DIMENSION_COUNT];
        size_t at = rng_below(rng, ARRAY_LEN(small_facts));
        memcpy(with, is_used, sizeof(with));
        size_t more = add_dimension(with, small_facts[at].dimension, product);
        more = add_dimension(with, small_facts[at].other, more);
        if (more > PRODUCT_MAX)
            continue;
        memcpy(is_used, with, sizeof(with));
        product = more;
        fact[count++] = small_facts[at].fact;
    }
    return count;
}

static NORETURN void complain(uint64_t seed, const struct buf *text, const char *what, size_t rule)
{
    (void)fprintf(stderr,
                  STR_FMT "\nrule %zu: %s\nrun it alone: make router-brute SEED=%" PRIu64
                          " FILES=1\n",
                  STR_ARG(buf_str(text)), rule, what, seed);
    exit(1);
}

static bool is_unreachable(const struct check_verdict *verdict)
{
    return verdict->reach == CHECK_NEVER || verdict->reach == CHECK_SHADOWED;
}

/* Every payment that a shadowed rule would match is matched by one of those that shadow it. */
static bool is_explained(const struct interpreter *in, const struct check_verdict *verdict,
                         size_t rule)
{
    const struct ast_rule *rules = in->tree->rule;
    if (!is_unreachable(verdict) || rules[rule].when == NULL ||
        !interpret_node(in, rules[rule].when, INTERPRET_NO_CANDIDATE))
        return true;
    for (size_t i = 0; i < verdict->by_count; i++) {
        const struct ast_node *when = rules[verdict->by[i]].when;
        if (when == NULL || interpret_node(in, when, INTERPRET_NO_CANDIDATE))
            return true;
    }
    return false;
}

static void look(struct interpreter *in, const struct check_verdict *verdict, bool *reached,
                 uint64_t seed, const struct buf *text)
{
    size_t at = interpret_rules(in);
    reached[at] = true;
    if (at + 1 < in->tree->rule_count && is_unreachable(&verdict[at]))
        complain(seed, text, "is said to be unreachable, and is reached", at);
    for (size_t i = 0; i + 1 < in->tree->rule_count; i++) {
        if (!is_explained(in, &verdict[i], i))
            complain(seed, text, "matches what those that shadow it do not", i);
    }
}

static void count_rules(const struct ast_tree *tree, const struct check_verdict *verdict,
                        const bool *reached, struct tally *tally, uint64_t seed,
                        const struct buf *text)
{
    for (size_t i = 0; i + 1 < tree->rule_count; i++) {
        bool is_found = is_unreachable(&verdict[i]);
        tally->rules++;
        tally->shadowed += !reached[i];
        tally->found += is_found;
        tally->by_one += is_found && verdict[i].by_count == 1;
        if (!reached[i] && !is_found && getenv("BRUTE_MISSED") != NULL)
            printf("missed: seed %" PRIu64 " rule %zu of\n" STR_FMT "\n", seed, i,
                   STR_ARG(buf_str(text)));
    }
}

static struct rule_set *read_rules(const struct buf *text, uint64_t seed)
{
    struct error err = {.text = ""};
    struct rule_set *rules = rule_set_new(buf_str(text), gen_providers, GEN_PEERS, &err);
    if (rules == NULL)
        complain(seed, text, err.text, 0);
    return rules;
}

static void try_small(uint64_t seed, const struct gen_tables *tables, struct tally *tally)
{
    struct rng rng;
    struct buf text;
    enum fact fact[FACTS_MAX];
    bool is_used[DIMENSION_COUNT] = {false};
    bool reached[RULES_MAX + 2] = {false};
    struct check_verdict verdict[RULES_MAX + 2];
    rng_seed(&rng, seed);
    buf_init(&text, FILE_BYTES_MAX);
    unsigned count = pick_facts(&rng, fact, is_used);
    gen_small(&rng, fact, count, RULES_MAX, &text);
    struct rule_set *rules = read_rules(&text, seed);
    const struct ast_tree *tree = rule_set_tree(rules);
    check_tree_reach(tree, verdict);
    struct point point = {.tables = tables, .candidates = 1};
    gen_payment(&rng, tables, &point.payment);
    point.payment.candidate[0].disabled = false;
    point.payment.candidate[0].health.is_slow = false;
    point.payment.facts.metadata_count = 0;
    size_t product = 1;
    for (size_t i = 0; i < DIMENSION_COUNT; i++)
        product *= is_used[i] ? points_of((enum dimension)i) : 1;
    for (size_t at = 0; at < product; at++) {
        size_t rest = at;
        for (size_t i = 0; i < DIMENSION_COUNT; i++) {
            size_t points = is_used[i] ? points_of((enum dimension)i) : 1;
            if (is_used[i])
                put_point(&point, (enum dimension)i, rest % points);
            rest /= points;
        }
        struct measures measures;
        measures_init(&measures, &point.payment.facts, point.payment.candidate, point.candidates);
        struct interpreter in = {tree, rule_set_program(rules)->zone, &measures};
        look(&in, verdict, reached, seed, &text);
        tally->payments++;
    }
    tally->files++;
    count_rules(tree, verdict, reached, tally, seed, &text);
    rule_set_free(&rules);
    buf_release(&text);
}

static void try_full(uint64_t seed, const struct gen_tables *tables, struct tally *tally)
{
    struct rng rng;
    struct buf text;
    bool reached[FULL_RULES_MAX + 2] = {false};
    struct check_verdict verdict[FULL_RULES_MAX + 2];
    rng_seed(&rng, seed);
    buf_init(&text, FILE_BYTES_MAX);
    gen_rules(&rng, FULL_RULES_MAX, &text);
    struct rule_set *rules = read_rules(&text, seed);
    const struct ast_tree *tree = rule_set_tree(rules);
    check_tree_reach(tree, verdict);
    for (size_t i = 0; i < FULL_PAYMENTS; i++) {
        struct gen_payment payment;
        struct measures measures;
        gen_payment(&rng, tables, &payment);
        measures_init(&measures, &payment.facts, payment.candidate, GEN_PEERS);
        struct interpreter in = {tree, rule_set_program(rules)->zone, &measures};
        look(&in, verdict, reached, seed, &text);
        tally->full_payments++;
    }
    for (size_t i = 0; i + 1 < tree->rule_count; i++)
        tally->full_found += is_unreachable(&verdict[i]);
    tally->full_files++;
    rule_set_free(&rules);
    buf_release(&text);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t files = argc > 2 ? strtoull(argv[2], NULL, 10) : 20000;
    struct gen_tables tables;
    struct tally tally = {0};
    gen_tables_init(&tables);
    fill_points();
    for (uint64_t i = 0; i < files; i++) {
        try_small(seed + i, &tables, &tally);
        try_full(seed + i, &tables, &tally);
    }
    gen_tables_release(&tables);
    printf("router-brute: %" PRIu64 " small files with %" PRIu64 " rules over %" PRIu64
           " payments: %" PRIu64 " rules are unreachable, %" PRIu64
           " of them found (%.2f %%), %" PRIu64 " by one rule alone\n"
           "router-brute: %" PRIu64 " full files over %" PRIu64 " random payments: %" PRIu64
           " rules called unreachable\nno rule that was called unreachable was reached\n",
           tally.files, tally.rules, tally.payments, tally.shadowed, tally.found,
           tally.shadowed > 0 ? 100.0 * (double)tally.found / (double)tally.shadowed : 100.0,
           tally.by_one, tally.full_files, tally.full_payments, tally.full_found);
    return tally.found * 100 >= tally.shadowed * 95 ? 0 : 1;
}

/*
 * rule_checks.c - what has to be true of every rule file and of every payment under it.
 */
#include "rule_checks.h"

#include "router/ast_print.h"
#include "router/check.h"
#include "router/check_reach.h"
#include "router/diagnosis.h"
#include "router/explain.h"
#include "router/interpret.h"
#include "router/parse.h"
#include "router/router.h"
#include "router/run.h"
#include "tests/router/gen.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PAYMENTS = 4, /* of each file */
    LINES_MAX = 1 << 14,
    ZONES_MAX = 16,
    SUSPECT_US = 1000,
    SLOW_US = 10 * 1000, /* worth a look */
    REFUSED_TWICE = 8,   /* one of so many wrong files is parsed as publishing does, too */
};

#define known gen_providers

struct rule_choices rule_choices;

uint64_t fuzz_choose(struct rng *rng, uint64_t bound)
{
    if (rule_choices.at == NULL) {
        return rng_below(rng, bound);
    }
    if (rule_choices.left == 0) {
        return 0;
    }
    rule_choices.left--;
    return *rule_choices.at++ % bound;
}

/* ---- memory ---- */

/* Linked with --wrap: what router/ and base/ allocate and have not freed. */
static int64_t blocks;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void __real_free(void *at);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
void __wrap_free(void *at);

void *__wrap_malloc(size_t size)
{
    blocks++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    blocks++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    blocks += at == NULL;
    return __real_realloc(at, size);
}

void __wrap_free(void *at)
{
    blocks -= at != NULL;
    __real_free(at);
}

/* ---- zones ---- */

const struct zone *__real_zone_load(struct str name, struct arena *arena, struct error *err);
const struct zone *__wrap_zone_load(struct str name, struct arena *arena, struct error *err);

/* The system's zones are read from their files once; one that is not there is looked for each time. */
const struct zone *__wrap_zone_load(struct str name, struct arena *arena, struct error *err)
{
    static struct arena kept;
    static struct {
        struct str name;
        const struct zone *zone;
    } cache[ZONES_MAX];
    static size_t count;
    for (size_t i = 0; i < count; i++) {
        if (str_eq(cache[i].name, name)) {
            return cache[i].zone;
        }
    }
    if (count == ZONES_MAX) {
        return __real_zone_load(name, arena, err);
    }
    int64_t before = blocks;
    if (kept.limit == 0) {
        arena_init(&kept, 64 << 20);
    }
    const struct zone *zone = __real_zone_load(name, &kept, err);
    if (zone != NULL) {
        cache[count].name = arena_str(&kept, name);
        cache[count++].zone = zone;
    }
    blocks = before;
    return zone;
}

/* ---- files that are refused ---- */

struct lines { /* of the text that is looked at */
    size_t count;
    uint32_t characters[LINES_MAX]; /* of each, from 0; what is no UTF-8 counts by octets */
};

static void count_lines(struct lines *lines, struct str text)
{
    lines->count = 1;
    lines->characters[0] = 0;
    for (size_t i = 0, size; i < text.len; i += size) {
        size = str_utf8_size(text, i);
        size += size == 0;
        if (text.at[i] == '\n') {
            CHECK(lines->count < LINES_MAX);
            lines->characters[lines->count++] = 0;
        } else {
            lines->characters[lines->count - 1]++;
        }
    }
}

/* At a character, or just behind the last of a line. */
static void check_place(struct place place, const struct lines *lines, unsigned behind)
{
    CHECK(place.line >= 1 && place.line <= lines->count);
    CHECK(place.column >= 1 && place.column <= lines->characters[place.line - 1] + 1 + behind);
}

static void check_findings(struct diagnosis *diagnosis, struct str text)
{
    static struct lines lines;
    struct buf out;
    if (diagnosis->count == 0) {
        return;
    }
    count_lines(&lines, text);
    for (size_t i = 0; i < diagnosis->count; i++) {
        const struct finding *finding = &diagnosis->finding[i];
        check_place(finding->span.from, &lines, 0);
        check_place(finding->span.to, &lines, 1);
        CHECK(finding->span.to.line > finding->span.from.line ||
              finding->span.to.column > finding->span.from.column);
        CHECK(!str_is_empty(finding->text) && !str_is_empty(finding->remedy));
        CHECK(str_is_utf8(finding->text) && str_is_utf8(finding->remedy));
    }
    diagnosis_sort(diagnosis);
    buf_init(&out, 1 << 20);
    diagnosis_print(diagnosis, STR("fuzz"), text, &out);
    CHECK(buf_is_ok(&out) && str_is_utf8(buf_str(&out)));
    buf_release(&out);
}

static void check_refused(const struct error *err, struct str text)
{
    static struct lines lines;
    unsigned line = 0;
    unsigned column = 0;
    int len = 0;
    CHECK(err->code == ERROR_INVALID);
    CHECK(sscanf(err->text, "%u:%u: %n", &line, &column, &len) == 2);
    CHECK(len > 0 && err->text[len] != '\0');
    count_lines(&lines, text);
    check_place((struct place){line, column}, &lines, 0);
    CHECK(str_is_utf8(str_of(err->text)));
}

/* ---- what is printed ---- */

static bool parse(struct str text, struct arena *arena, struct ast_tree *tree,
                  struct diagnosis *diagnosis)
{
    arena_init(arena, 2 * (size_t)PARSE_ARENA_BYTES_MAX);
    diagnosis_init(diagnosis, arena);
    bool good = parse_tree(text, known, ARRAY_LEN(known), arena, tree, diagnosis);
    CHECK(good == (diagnosis->error_count == 0));
    return good;
}

static bool same_value(const struct ast_value *a, const struct ast_value *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch ((int)a->type) {
    case FACT_TYPE_MONEY:
        return a->as.money.minor == b->as.money.minor &&
               a->as.money.currency == b->as.money.currency;
    case FACT_TYPE_CURRENCY:
        return a->as.currency == b->as.currency;
    case FACT_TYPE_OPERATION:
        return a->as.operations == b->as.operations;
    case FACT_TYPE_TEXT:
    case FACT_TYPE_WORD:
    case FACT_TYPE_COUNTRY:
        return str_eq(a->as.text, b->as.text);
    case FACT_TYPE_DIGITS:
        return a->as.digits.number == b->as.digits.number &&
               a->as.digits.count == b->as.digits.count;
    case FACT_TYPE_NONE:
        return true;
    default:
        return a->as.number == b->as.number;
    }
}

static bool same_targets(const struct ast_target *a, size_t a_count, const struct ast_target *b,
                         size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; i < a_count && same; i++) {
        same = str_eq(a[i].provider, b[i].provider) && str_eq(a[i].account, b[i].account);
    }
    return same;
}

/* The two may differ in places and in the order of zones and metadata names only. */
static bool same_node(const struct ast_node *a, const struct ast_node *b)
{
    if (a == NULL || b == NULL || a->kind != b->kind || a->child_count != b->child_count) {
        return a == b;
    }
    for (size_t i = 0; i < a->child_count; i++) {
        if (!same_node(a->child[i], b->child[i])) {
            return false;
        }
    }
    bool same = str_eq(a->name, b->name) && a->sign == b->sign && a->fact.fact == b->fact.fact &&
                str_eq(a->fact.member, b->fact.member) && a->fact.as == b->fact.as &&
                (a->fact.target == NULL) == (b->fact.target == NULL) &&
                same_targets(a->fact.target, a->fact.target != NULL, b->fact.target,
                             b->fact.target != NULL) &&
                a->list.count == b->list.count && str_eq(a->list.name, b->list.name);
    for (size_t i = 0; i < a->list.count && same; i++) {
        same = same_value(&a->list.value[i], &b->list.value[i]);
    }
    return same;
}

static bool same_block(const struct ast_block *a, const struct ast_block *b)
{
    bool same = a->order == b->order && a->target_count == b->target_count &&
                a->sticky == b->sticky && a->margin == b->margin &&
                same_value(&a->failure, &b->failure) &&
                same_targets(a->target, a->target_count, b->target, b->target_count) &&
                str_eq(a->reason, b->reason) && a->sieve_count == b->sieve_count &&
                a->depth_max == b->depth_max && a->within_us == b->within_us &&
                (a->shadow == NULL) == (b->shadow == NULL);
    for (size_t i = 0; a->order == AST_ORDER_SPLIT && i < a->target_count && same; i++) {
        same = a->share[i] == b->share[i];
    }
    for (size_t i = 0; i < a->sieve_count && same; i++) {
        same = a->sieve[i].kind == b->sieve[i].kind &&
               same_targets(a->sieve[i].target, a->sieve[i].target_count, b->sieve[i].target,
                            b->sieve[i].target_count) &&
               same_node(a->sieve[i].where, b->sieve[i].where);
    }
    return same && (a->shadow == NULL || same_block(a->shadow, b->shadow));
}

static void check_same(const struct ast_tree *a, const struct ast_tree *b)
{
    CHECK(a->rule_count == b->rule_count);
    CHECK(a->set_count == b->set_count && a->condition_count == b->condition_count);
    for (size_t i = 0; i < a->condition_count; i++) {
        CHECK(same_node(a->condition[i].root, b->condition[i].root));
    }
    for (size_t i = 0; i < a->rule_count; i++) {
        CHECK(str_eq(a->rule[i].name, b->rule[i].name));
        CHECK(same_node(a->rule[i].when, b->rule[i].when));
        CHECK(same_block(&a->rule[i].block, &b->rule[i].block));
    }
}

static void check_print(const struct ast_tree *tree)
{
    static struct diagnosis diagnosis;
    struct arena arena;
    struct ast_tree again;
    struct buf once;
    struct buf twice;
    buf_init(&once, 1 << 22);
    buf_init(&twice, 1 << 22);
    ast_print(tree, &once);
    CHECK(buf_is_ok(&once));
    CHECK(parse(buf_str(&once), &arena, &again, &diagnosis));
    check_same(tree, &again);
    ast_print(&again, &twice);
    CHECK(str_eq(buf_str(&once), buf_str(&twice)));
    arena_release(&arena);
    buf_release(&once);
    buf_release(&twice);
}

/* Whether the file is right. */
static bool check_parser(struct str text)
{
    static struct diagnosis diagnosis;
    struct arena arena;
    struct ast_tree tree;
    bool good = parse(text, &arena, &tree, &diagnosis);
    check_findings(&diagnosis, text);
    if (good) {
        CHECK(tree.rule_count >= 1 && tree.rule[tree.rule_count - 1].when == NULL);
        check_print(&tree);
        CHECK(check_tree(&tree, NULL, &diagnosis) == (diagnosis.error_count == 0));
        check_findings(&diagnosis, text);
    }
    arena_release(&arena);
    return good;
}

/* ---- payments ---- */

static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 8) % below;
}

static struct str pick(uint32_t *state, const char *const *words, size_t count)
{
    return str_of(words[draw(state, (uint32_t)count)]);
}

#define PICK(state, ...)                                                                           \
    pick((state), (const char *const[]){__VA_ARGS__},                                              \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* Values that the generator's payments never have: large ones, none, and other names. */
static struct route_facts draw_facts(uint32_t *state, const struct rates *rates)
{
    static const struct route_pair metadata[] = {{STR_INIT("tier"), STR_INIT("gold")},
                                                 {STR_INIT("a"), STR_INIT("")}};
    return (struct route_facts){
        .operation = (enum operation)(1 + draw(state, OPERATION_COUNT - 1)),
        .amount_minor = draw(state, 16) == 0
                            ? MONEY_AMOUNT_MAX
                            : ((int64_t)draw(state, 1000) << draw(state, 50)) % MONEY_AMOUNT_MAX,
        .currency = currency_find(PICK(state, "EUR", "USD", "JPY", "KWD")),
        .method = PICK(state, "card", "wallet"),
        .country = PICK(state, "", "DE", "US", "GB"),
        .merchant = PICK(state, "mer_1", ""),
        .card_brand = PICK(state, "visa", "mastercard", ""),
        .card_country = PICK(state, "DE", "US", ""),
        .bin = PICK(state, "411111", "41111122", "555555", ""),
        .beneficiary_country = PICK(state, "PL", ""),
        .reference = PICK(state, "sub-1", "order-2", ""),
        .customer = PICK(state, "c1", "c2", ""),
        .attempt = draw(state, 4),
        .previous_decline = PICK(state, "", "soft", "hard"),
        .previous_reason = PICK(state, "", "busy"),
        .rates = draw(state, 2) ? rates : NULL,
        .metadata = metadata,
        .metadata_count = draw(state, 3),
        .now_us = (int64_t)draw(state, 1 << 24) * 100 * 1000 * 1000,
    };
}

/* Program and interpreter on the conditions of the rule that matched: those of its sieves. */
static void check_sieves(const struct run *run, const struct interpreter *plain, size_t rule)
{
    const struct program_block *block = &run->program->rule[rule].block;
    for (size_t i = 0; i < block->ast->sieve_count; i++) {
        const struct ast_node *where = block->ast->sieve[i].where;
        for (size_t k = 0; k < plain->measures->count && where != NULL; k++) {
            CHECK(run_where(run, block->where[i], k) == interpret_node(plain, where, k));
        }
    }
}

static void check_verdicts(const struct route_decision *decision)
{
    CHECK(decision->count == GEN_PEERS && decision->kept_count <= decision->count);
    unsigned seen = 0;
    for (size_t i = 0; i < decision->count; i++) {
        seen |= 1U << decision->verdict[i].candidate;
        CHECK((decision->verdict[i].drop == ROUTE_KEPT) == (i < decision->kept_count));
    }
    CHECK(seen == (1U << GEN_PEERS) - 1);
    CHECK(decision->shadow.count <= GEN_PEERS);
}

/* What is stored with the attempt, and shown to people. */
static void check_printed(const struct rule_set *rules, const struct gen_payment *payment,
                          const struct route_decision *decision)
{
    struct buf out;
    struct json_out json;
    buf_init(&out, 1 << 20);
    route_decision_print(decision, payment->candidate, &out);
    CHECK(buf_is_ok(&out) && str_is_utf8(buf_str(&out)));
    buf_clear(&out);
    json_out_init(&json, &out);
    json_begin_object(&json);
    route_explain(rules, &payment->facts, payment->candidate, GEN_PEERS, &json);
    json_end_object(&json);
    CHECK(buf_is_ok(&out) && str_is_utf8(buf_str(&out)));
    buf_release(&out);
}

static void check_payment(const struct rule_set *rules, const struct check_verdict *verdict,
                          const struct gen_payment *payment, uint64_t random, bool is_printed)
{
    struct measures measures;
    struct run run;
    struct route_decision decision;
    measures_init(&measures, &payment->facts, payment->candidate, GEN_PEERS);
    run_init(&run, rule_set_program(rules), &measures);
    struct interpreter plain = {rule_set_tree(rules), rule_set_program(rules)->zone, &measures};
    size_t wanted = interpret_rules(&plain);
    CHECK((size_t)(run_rules(&run) - rule_set_program(rules)->rule) == wanted);
    CHECK(wanted + 1 == rule_set_rule_count(rules) ||
          (verdict[wanted].reach != CHECK_NEVER && verdict[wanted].reach != CHECK_SHADOWED));
    check_sieves(&run, &plain, wanted);
    route_decide(rules, &payment->facts, payment->candidate, GEN_PEERS, random, &decision);
    CHECK(str_eq(decision.rule, rule_set_rule_name(rules, wanted)));
    check_verdicts(&decision);
    if (is_printed) {
        check_printed(rules, payment, &decision);
    }
}

static void check_rules(const struct rule_set *rules, uint32_t choice)
{
    static struct gen_tables tables;
    static struct check_verdict verdict[ROUTE_RULE_MAX];
    struct gen_payment payment;
    struct rng rng;
    size_t count = rule_set_rule_count(rules);
    CHECK(count >= 1 && str_eq(rule_set_rule_name(rules, count - 1), STR("default")));
    if (tables.rates == NULL) {
        int64_t before = blocks;
        gen_tables_init(&tables); /* once, and never released */
        blocks = before;
    }
    check_tree_reach(rule_set_tree(rules), verdict);
    rng_seed(&rng, choice);
    for (int i = 0; i < PAYMENTS; i++) {
        gen_payment(&rng, &tables, &payment);
        if (i % 2 == 1) {
            payment.facts = draw_facts(&choice, tables.rates);
        }
        check_payment(rules, verdict, &payment, rng_next(&rng), i == 0);
    }
}

/* ---- all of it ---- */

struct tally { /* of this process */
    uint64_t files, right, accepted;
    uint64_t bytes;
    int64_t last_us, slowest_us;
    char slowest[RULE_CHECKS_SHORT];
    size_t slowest_len;
};
static struct tally tally;

static void print_tally(void)
{
    (void)fprintf(stderr,
                  "tally: files %" PRIu64 " right %" PRIu64 " decided %" PRIu64 " bytes %" PRIu64
                  " slowest_us %" PRId64 "\n",
                  tally.files, tally.right, tally.accepted, tally.bytes, tally.slowest_us);
    if (tally.slowest_us > SLOW_US) {
        (void)fprintf(stderr, "slowest file, %" PRId64 " us:\n%.*s\n", tally.slowest_us,
                      (int)tally.slowest_len, tally.slowest);
    }
}

static int64_t processor_us(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void check_file(struct str text, uint32_t choice)
{
    struct error err = {.code = ERROR_NONE};
    bool good = check_parser(text);
    if (!good && choice % REFUSED_TWICE != 0) {
        return;
    }
    struct rule_set *rules = rule_set_new(text, known, GEN_PEERS, &err);
    CHECK(good || rules == NULL);
    if (rules == NULL) {
        check_refused(&err, text); /* also when it is right, and too large to compile */
    }
    tally.right += good;
    if (rules != NULL) {
        tally.accepted++;
        check_rules(rules, choice);
        rule_set_free(&rules);
    }
}

/* It is slow only if it is so again: what was measured first has the fuzzer's own work in it, too. */
static void measure(struct str text, uint32_t choice)
{
    int64_t from_us = processor_us();
    check_file(text, choice);
    int64_t us = processor_us() - from_us;
    if (us > tally.slowest_us) {
        tally.slowest_us = us;
        tally.slowest_len = text.len < RULE_CHECKS_SHORT ? text.len : RULE_CHECKS_SHORT;
        memcpy(tally.slowest, text.at, tally.slowest_len);
    }
    CHECK(text.len > RULE_CHECKS_SHORT || us < RULE_CHECKS_US_MAX);
}

void rule_checks(struct str text, uint32_t choice)
{
    if (tally.files++ == 0) {
        (void)atexit(print_tally);
        (void)mallopt(M_TRIM_THRESHOLD, 64 << 20); /* half the system calls were the heap's */
        (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
        tally.last_us = processor_us();
    }
    tally.bytes += text.len;
    int64_t before = blocks;
    char *exact_text = malloc(text.len + 1); /* its own block: looking too far is seen */
    CHECK(exact_text);
    if (text.len > 0) {
        memcpy(exact_text, text.at, text.len);
    }
    struct str file = {exact_text, text.len};
    uint64_t right = tally.right;
    uint64_t accepted = tally.accepted;
    check_file(file, choice);
    int64_t now_us = processor_us();
    if (now_us - tally.last_us > SUSPECT_US && now_us - tally.last_us > tally.slowest_us) {
        tally.right = right; /* counted once */
        tally.accepted = accepted;
        measure(file, choice);
        now_us = processor_us();
    }
    tally.last_us = now_us;
    free(exact_text);
    CHECK(blocks == before);
}

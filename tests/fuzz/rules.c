/*
 * Fuzz lexer, parser, printer, checker, compiler and evaluator of rule files. The first four octets choose
 * the payments, the rest is the file: refused with findings whose places are inside it, or
 * accepted. Then it says the same after it was printed and read again, and of each payment the
 * program says what the plain interpreter says, and no rule decides that the checker calls
 * unreachable.
 *
 *     make fuzz FUZZ=rules
 */
#include "router/ast_print.h"
#include "router/check.h"
#include "router/check_reach.h"
#include "router/diagnosis.h"
#include "router/interpret.h"
#include "router/parse.h"
#include "router/router.h"
#include "router/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAYMENTS = 6, /* of each file */
    CANDIDATES = 4,
};

static const struct str known[] = {STR_INIT("paypal"), STR_INIT("payoneer"), STR_INIT("rebilly")};

/* ---- files that are refused ---- */

static size_t count_lines(struct str text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++) {
        lines += text.at[i] == '\n';
    }
    return lines;
}

static void check_place(struct place place, struct str text, size_t lines)
{
    CHECK(place.line >= 1 && place.line <= lines);
    CHECK(place.column >= 1 && place.column <= text.len + 2);
}

static void check_findings(struct diagnosis *diagnosis, struct str text)
{
    size_t lines = count_lines(text);
    struct buf out;
    for (size_t i = 0; i < diagnosis->count; i++) {
        const struct finding *finding = &diagnosis->finding[i];
        check_place(finding->span.from, text, lines);
        check_place(finding->span.to, text, lines);
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
    unsigned line = 0;
    unsigned column = 0;
    int len = 0;
    CHECK(err->code == ERROR_INVALID);
    CHECK(sscanf(err->text, "%u:%u: %n", &line, &column, &len) == 2);
    CHECK(len > 0 && err->text[len] != '\0');
    check_place((struct place){line, column}, text, count_lines(text));
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

/* The two may differ in places and in the order of zones and metadata names only. */
static bool same_node(const struct ast_node *a, const struct ast_node *b)
{
    struct buf text[2];
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
                a->list.count == b->list.count && str_eq(a->list.name, b->list.name);
    for (size_t i = 0; i < a->list.count && same; i++) {
        buf_init(&text[0], 4096);
        buf_init(&text[1], 4096);
        ast_print_value(&a->list.value[i], &text[0]);
        ast_print_value(&b->list.value[i], &text[1]);
        same = a->list.value[i].type == b->list.value[i].type &&
               str_eq(buf_str(&text[0]), buf_str(&text[1]));
        buf_release(&text[0]);
        buf_release(&text[1]);
    }
    return same;
}

static bool same_block(const struct ast_block *a, const struct ast_block *b)
{
    bool same = a->order == b->order && a->target_count == b->target_count &&
                a->sticky == b->sticky && a->margin == b->margin &&
                a->failure.type == b->failure.type && str_eq(a->reason, b->reason) &&
                a->sieve_count == b->sieve_count && a->depth_max == b->depth_max &&
                a->within_us == b->within_us && (a->shadow == NULL) == (b->shadow == NULL);
    for (size_t i = 0; i < a->sieve_count && same; i++) {
        same = a->sieve[i].kind == b->sieve[i].kind &&
               a->sieve[i].target_count == b->sieve[i].target_count &&
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

static struct route_facts draw_facts(uint32_t *state)
{
    static const struct route_pair metadata[] = {{STR_INIT("tier"), STR_INIT("gold")},
                                                 {STR_INIT("a"), STR_INIT("")}};
    return (struct route_facts){
        .operation = (enum operation)(1 + draw(state, OPERATION_COUNT - 1)),
        .amount_minor = (int64_t)draw(state, 1000) << draw(state, 30),
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
        .metadata = metadata,
        .metadata_count = draw(state, 3),
        .now_us = (int64_t)draw(state, 1 << 24) * 100 * 1000 * 1000,
    };
}

static struct route_candidate draw_candidate(uint32_t *state, size_t i)
{
    return (struct route_candidate){
        .provider = known[i % ARRAY_LEN(known)],
        .account_name = i < ARRAY_LEN(known) ? STR("main") : STR("other"),
        .takes_currency = true,
        .takes_operation = true,
        .takes_method = true,
        .has_token = draw(state, 8) > 0,
        .health = {.state = (enum health_state)draw(state, HEALTH_STATE_COUNT),
                   .may_try = draw(state, 2) > 0,
                   .calls = draw(state, 100),
                   .success_per_million = draw(state, 1000001),
                   .p95_us = draw(state, 3000000)},
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

static void check_decision(const struct rule_set *rules, const struct check_verdict *verdict,
                           uint32_t *state)
{
    struct route_facts facts = draw_facts(state);
    struct route_candidate candidate[CANDIDATES];
    struct measures measures;
    struct run run;
    struct route_decision decision;
    for (size_t i = 0; i < CANDIDATES; i++) {
        candidate[i] = draw_candidate(state, i);
    }
    measures_init(&measures, &facts, candidate, CANDIDATES);
    run_init(&run, rule_set_program(rules), &measures);
    struct interpreter plain = {rule_set_tree(rules), rule_set_program(rules)->zone, &measures};
    size_t wanted = interpret_rules(&plain);
    CHECK(wanted + 1 == rule_set_rule_count(rules) ||
          (verdict[wanted].reach != CHECK_NEVER && verdict[wanted].reach != CHECK_SHADOWED));
    route_decide(rules, &facts, candidate, CANDIDATES, *state, &decision);
    CHECK(str_eq(decision.rule, rule_set_rule_name(rules, wanted)));
    check_sieves(&run, &plain, wanted);
    CHECK(decision.count == CANDIDATES && decision.kept_count <= decision.count);
    unsigned seen = 0;
    for (size_t i = 0; i < decision.count; i++) {
        seen |= 1U << decision.verdict[i].candidate;
        CHECK((decision.verdict[i].drop == ROUTE_KEPT) == (i < decision.kept_count));
    }
    CHECK(seen == (1U << CANDIDATES) - 1);
    struct buf out;
    buf_init(&out, 1 << 20);
    route_decision_print(&decision, candidate, &out);
    CHECK(buf_is_ok(&out) && str_is_utf8(buf_str(&out)));
    buf_release(&out);
}

static void check_rules(struct rule_set *rules, const uint8_t choice[4])
{
    uint32_t state;
    memcpy(&state, choice, sizeof(state));
    size_t count = rule_set_rule_count(rules);
    CHECK(count >= 1 && str_eq(rule_set_rule_name(rules, count - 1), STR("default")));
    struct check_verdict *verdict = calloc(count, sizeof(*verdict));
    CHECK(verdict);
    check_tree_reach(rule_set_tree(rules), verdict);
    for (int i = 0; i < PAYMENTS; i++) {
        check_decision(rules, verdict, &state);
    }
    free(verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    char *exact_text = malloc(size - 4 + 1); /* its own block: looking too far is seen */
    CHECK(exact_text);
    memcpy(exact_text, data + 4, size - 4);
    struct str text = {exact_text, size - 4};
    struct error err = {.code = ERROR_NONE};
    bool good = check_parser(text);
    struct rule_set *rules = good ? rule_set_new(text, known, ARRAY_LEN(known), &err) : NULL;
    if (good && rules == NULL) {
        check_refused(&err, text); /* right, and too large to compile */
    }
    free(exact_text);
    if (rules != NULL) {
        check_rules(rules, data);
        rule_set_free(&rules);
    }
    return 0;
}

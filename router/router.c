#include "router/router.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "router/compile.h"
#include "router/diagnosis.h"
#include "router/parse.h"
#include "router/run.h"
#include "router/select.h"

enum {
    ARENA_BYTES_MAX = PARSE_ARENA_BYTES_MAX + 256 * 1024 * 1024, /* the tree, and its program */
};

static_assert(sizeof(((struct route_decision *)0)->rule_set_hash) == SHA256_SIZE, "same hash");

struct rule_set {
    struct arena arena; /* owned: the text, the tree and the program */
    struct ast_tree tree;
    struct program program;
    uint8_t hash[SHA256_SIZE];
};

static bool build(struct rule_set *rules, struct str text, const struct str *known_providers,
                  size_t known_count, struct diagnosis *diagnosis, struct error *err)
{
    crypto_sha256(text, rules->hash);
    struct str copy = arena_str(&rules->arena, text);
    if (!parse_tree(copy, known_providers, known_count, &rules->arena, &rules->tree, diagnosis)) {
        CHECK(diagnosis_first(diagnosis, err));
        return false;
    }
    struct mix_seed seed;
    memcpy(&seed, rules->hash, sizeof(seed));
    return compile_tree(&rules->tree, &seed, &rules->arena, &rules->program, err);
}

struct rule_set *rule_set_new(struct str text, const struct str *known_providers,
                              size_t known_count, struct error *err)
{
    struct rule_set *rules = calloc(1, sizeof(*rules));
    struct diagnosis *diagnosis = malloc(sizeof(*diagnosis));
    CHECK(rules != NULL && diagnosis != NULL);
    arena_init(&rules->arena, ARENA_BYTES_MAX);
    diagnosis_init(diagnosis, &rules->arena);
    if (!build(rules, text, known_providers, known_count, diagnosis, err))
        rule_set_free(&rules);
    free(diagnosis);
    return rules;
}

void rule_set_free(struct rule_set **rules)
{
    if (*rules != NULL) {
        arena_release(&(*rules)->arena);
        free(*rules);
        *rules = NULL;
    }
}

const uint8_t *rule_set_hash(const struct rule_set *rules)
{
    return rules->hash;
}

const struct ast_tree *rule_set_tree(const struct rule_set *rules)
{
    return &rules->tree;
}

const struct program *rule_set_program(const struct rule_set *rules)
{
    return &rules->program;
}

size_t rule_set_rule_count(const struct rule_set *rules)
{
    return rules->program.rule_count;
}

struct str rule_set_rule_name(const struct rule_set *rules, size_t index)
{
    CHECK(index < rules->program.rule_count);
    return rules->program.rule[index].name;
}

bool rule_set_asks_attempt(const struct rule_set *rules)
{
    return rules->program.attempt_asked;
}

/* What the rule's shadow makes of the same payment. */
static void decide_shadow(const struct run *run, const struct program_rule *rule, uint64_t draw,
                          struct route_shadow *shadow)
{
    shadow->is_given = rule->block.shadow != NULL;
    if (!shadow->is_given)
        return;
    struct route_decision other;
    select_block(run, rule->block.shadow, rule->name, draw, &other);
    shadow->order = other.order;
    shadow->declined = other.declined;
    shadow->count = other.kept_count;
    for (size_t i = 0; i < other.kept_count; i++)
        shadow->candidate[i] = other.verdict[i].candidate;
}

/* Whether some number of the decision was converted, or could have been. */
static bool needs_rates(const struct rule_set *rules, const struct measures *measures)
{
    bool needs = rules->program.needs_rates;
    for (size_t i = 0; i < measures->count && !needs; i++)
        needs = measures->candidate[i].cost != NULL &&
                cost_table_needs_rates(measures->candidate[i].cost);
    return needs;
}

static bool asks_time(const struct program *program)
{
    for (size_t i = 0; i < ROUTE_ZONE_MAX; i++) {
        if (program->zone_asked[i])
            return true;
    }
    return false;
}

void route_decide(const struct rule_set *rules, const struct route_facts *facts,
                  const struct route_candidate *candidates, size_t candidate_count, uint64_t draw,
                  struct route_decision *decision)
{
    struct measures measures;
    struct run run;
    measures_init(&measures, facts, candidates, candidate_count);
    run_init(&run, &rules->program, &measures);
    const struct program_rule *rule = run_rules(&run);
    select_block(&run, &rule->block, rule->name, draw, decision);
    decide_shadow(&run, rule, draw, &decision->shadow);
    decision->rule = rule->name;
    decision->draw = draw;
    decision->now_us = asks_time(&rules->program) ? facts->now_us : 0;
    decision->rates = needs_rates(rules, &measures) ? facts->rates : NULL;
    memcpy(decision->rule_set_hash, rules->hash, sizeof(decision->rule_set_hash));
}

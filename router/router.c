#include "router/router.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "router/decision.h"
#include "router/eval.h"
#include "router/facts.h"
#include "router/v1_parse.h"
#include "router/score.h"

enum {
    ARENA_BYTES_MAX = 32 * 1024 * 1024, /* every array at its limit, grown by doubling */
    RANK_NONE = 0xFF,
};

static_assert((int)ROUTE_TARGET_MAX < (int)RANK_NONE, "a rank fits its byte");
static_assert(sizeof(((struct route_decision *)0)->rule_set_hash) == SHA256_SIZE, "same hash");

struct rule_set {
    struct arena arena; /* owned: the text, names and the program */
    struct program program;
    uint8_t hash[SHA256_SIZE];
};

struct rule_set *rule_set_new(struct str text, const struct str *known_providers,
                              size_t known_count, struct error *err)
{
    if (text.len > ROUTE_RULES_BYTES_MAX) {
        fail(err, ERROR_INVALID, "1:1: more than %d bytes of rules; use fewer",
             ROUTE_RULES_BYTES_MAX);
        return NULL;
    }
    if (!str_is_utf8(text)) {
        fail(err, ERROR_INVALID, "1:1: rules are not UTF-8 text; save the file as UTF-8");
        return NULL;
    }
    struct rule_set *rules = calloc(1, sizeof(*rules));
    CHECK(rules != NULL);
    arena_init(&rules->arena, ARENA_BYTES_MAX);
    crypto_sha256(text, rules->hash);
    struct str copy = arena_str(&rules->arena, text);
    if (!parse_rules(copy, known_providers, known_count, &rules->arena, &rules->program, err)) {
        rule_set_free(&rules);
    }
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

size_t rule_set_rule_count(const struct rule_set *rules)
{
    return rules->program.rule_count;
}

struct str rule_set_rule_name(const struct rule_set *rules, size_t index)
{
    CHECK(index < rules->program.rule_count);
    return rules->program.rules[index].name;
}

/* The place of a candidate in the rule's list, RANK_NONE when the list does not name it. */
static uint8_t find_rank(const struct program *program, const struct eval_rule *rule,
                         const struct route_candidate *candidate)
{
    if (rule->all) {
        return 0;
    }
    for (uint32_t i = 0; i < rule->target_count; i++) {
        const struct eval_target *target = &program->targets[rule->target + i];
        if (str_eq(target->provider, candidate->provider) &&
            (str_is_empty(target->account) || str_eq(target->account, candidate->account_name))) {
            return (uint8_t)i;
        }
    }
    return RANK_NONE;
}

void route_decide(const struct rule_set *rules, const struct route_facts *facts,
                  const struct route_candidate *candidates, size_t candidate_count, uint64_t draw,
                  struct route_decision *decision)
{
    CHECK(candidate_count <= ROUTE_CANDIDATE_MAX);
    const struct program *program = &rules->program;
    struct fact_values values;
    fact_values_set(&values, facts, program->metadata_names, program->metadata_name_count);
    const struct eval_rule *rule = eval_program(program, &values);

    uint8_t rank[ROUTE_CANDIDATE_MAX];
    struct route_verdict dropped[ROUTE_CANDIDATE_MAX];
    size_t dropped_count = 0;
    decision->kept_count = 0;
    decision->rates = NULL;
    for (size_t i = 0; i < candidate_count; i++) {
        struct route_verdict verdict = {.candidate = (uint8_t)i};
        rank[i] = find_rank(program, rule, &candidates[i]);
        verdict.drop = decision_filter(&candidates[i], facts, rank[i] != RANK_NONE, &verdict);
        verdict.ramping = verdict.drop == ROUTE_KEPT && decision_is_ramping(&candidates[i], draw);
        score_fee(&candidates[i], facts, &verdict);
        if (candidates[i].cost != NULL && cost_table_needs_rates(candidates[i].cost)) {
            decision->rates = facts->rates;
        }
        if (verdict.drop == ROUTE_KEPT) {
            decision->verdict[decision->kept_count++] = verdict;
        } else {
            dropped[dropped_count++] = verdict;
        }
    }
    score_sort(decision->verdict, decision->kept_count, rank, rule->by_cost);
    for (size_t i = 0; i < dropped_count; i++) {
        decision->verdict[decision->kept_count + i] = dropped[i];
    }
    decision->count = candidate_count;
    decision->rule = rule->name;
    decision->draw = draw;
    decision->by_cost = rule->by_cost;
    memcpy(decision->rule_set_hash, rules->hash, sizeof(decision->rule_set_hash));
}

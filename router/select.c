#include "router/select.h"

#include <string.h>

#include "base/mix.h"
#include "router/decision.h"

enum {
    RANK_NONE = 0xFF,
    MILLION = 1000000,
};

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;

struct standing { /* of one candidate; the smaller goes first */
    int setback;
    bool is_unknown; /* what it is ordered by is not known */
    wide score;      /* smaller is better */
    uint8_t rank;    /* in the rule's list */
};

/* ---- split ----------------------------------------------------------------------------------- */

static const struct mix_seed split_seed = {
    {UINT64_C(0xa4093822299f31d0), UINT64_C(0x082efa98ec4e6c89)}};

static struct str sticky_text(const struct run *run, const struct ast_block *block)
{
    switch (block->sticky) {
    case AST_STICKY_CUSTOMER:
        return run->measures->facts->customer;
    case AST_STICKY_REFERENCE:
        return run->measures->facts->reference;
    case AST_STICKY_METADATA:
        return run->values.text[block->sticky_text];
    case AST_STICKY_DRAW:
        break;
    }
    return STR_NONE;
}

/* 64 even bits: of the key when there is one, else of the draw. */
static uint64_t split_bits(const struct run *run, const struct ast_block *block, struct str name,
                           uint64_t draw)
{
    struct str key = sticky_text(run, block);
    if (run->measures->facts->split_bits != 0)
        return run->measures->facts->split_bits;
    if (str_is_empty(key))
        return mix_bytes(&split_seed, &draw, sizeof(draw));
    uint64_t both[2] = {mix_bytes(&split_seed, name.at, name.len),
                        mix_bytes(&split_seed, key.at, key.len)};
    return mix_bytes(&split_seed, both, sizeof(both));
}

/* rank[target]: the place at which each target is tried. */
static void rank_split(const struct ast_block *block, uint64_t bits, uint8_t *rank)
{
    uint32_t left[ROUTE_TARGET_MAX];
    uint64_t sum = 0;
    for (size_t i = 0; i < block->target_count; i++) {
        left[i] = block->share[i];
        sum += left[i];
        rank[i] = RANK_NONE;
    }
    for (uint8_t place = 0; place < block->target_count; place++) {
        uint64_t at = (uint64_t)((unsigned_wide)bits * sum >> 64);
        size_t picked = 0;
        while (picked < block->target_count &&
               (rank[picked] != RANK_NONE || (at >= left[picked] && sum > 0))) {
            at -= rank[picked] == RANK_NONE ? left[picked] : 0;
            picked++;
        }
        CHECK(picked < block->target_count);
        rank[picked] = place;
        sum -= left[picked];
        bits = mix_bytes(&split_seed, &bits, sizeof(bits));
    }
}

/* ---- sieves and lists ------------------------------------------------------------------------ */

/* Of each target, its place in the list. What a split was decided by, else 0. */
static uint64_t rank_targets(const struct run *run, const struct ast_block *block, struct str name,
                             uint64_t draw, uint8_t *rank)
{
    if (block->order == AST_ORDER_SPLIT) {
        uint64_t bits = split_bits(run, block, name, draw);
        rank_split(block, bits, rank);
        return bits;
    }
    for (size_t i = 0; i < block->target_count; i++)
        rank[i] = (uint8_t)i;
    return 0;
}

static uint8_t find_rank(const struct ast_block *block, const uint8_t *rank,
                         const struct route_candidate *candidate)
{
    bool is_ordered_by = block->order != AST_ORDER_LIST && block->order != AST_ORDER_SPLIT;
    if (block->target_count == 0 && is_ordered_by)
        return 0;
    for (size_t i = 0; i < block->target_count; i++) {
        if (measure_is_target(&block->target[i], candidate))
            return rank[i];
    }
    return RANK_NONE;
}

static bool is_hit(const struct run *run, const struct program_block *block, size_t at,
                   size_t candidate)
{
    const struct ast_sieve *sieve = &block->ast->sieve[at];
    if (sieve->where != NULL)
        return run_where(run, block->where[at], candidate);
    for (size_t i = 0; i < sieve->target_count; i++) {
        if (measure_is_target(&sieve->target[i], &run->measures->candidate[candidate]))
            return true;
    }
    return false;
}

/* What the rule says of a candidate by itself, before anyone asks how it is. */
static enum route_drop sieve(const struct run *run, const struct program_block *block,
                             size_t candidate, bool *is_avoided)
{
    for (size_t i = 0; i < block->ast->sieve_count; i++) {
        enum ast_sieve_kind kind = block->ast->sieve[i].kind;
        bool hit = is_hit(run, block, i, candidate);
        if (kind == AST_ONLY && !hit)
            return ROUTE_RULE_ONLY;
        if (kind == AST_NEVER && hit)
            return ROUTE_RULE_NEVER;
        *is_avoided = *is_avoided || (kind == AST_AVOID && hit);
    }
    return ROUTE_KEPT;
}

/* ---- order ----------------------------------------------------------------------------------- */

/* What a failure costs, in the payment's currency; 0 when no rate says. */
static int64_t failure_minor(const struct run *run, const struct ast_block *block)
{
    const struct route_facts *facts = run->measures->facts;
    int64_t minor = block->failure.as.money.minor;
    if (block->failure.type != FACT_TYPE_MONEY)
        return 0;
    if (block->failure.as.money.currency == facts->currency)
        return minor;
    struct route_facts as = *facts;
    as.amount_minor = minor;
    as.currency = block->failure.as.money.currency;
    int64_t converted = 0;
    return measure_amount_as(&as, facts->currency, &converted) ? converted : 0;
}

static struct standing standing_of(const struct run *run, const struct ast_block *block,
                                   const struct route_verdict *verdict, uint8_t rank)
{
    const struct measures *measures = run->measures;
    size_t at = verdict->candidate;
    struct standing place = {.rank = rank};
    place.setback = verdict->last_resort                ? 3
                    : verdict->slow || verdict->ramping ? 2
                    : verdict->avoided                  ? 1
                                                        : 0;
    int64_t success = 0;
    int64_t latency = 0;
    (void)measure_of(measures, FACT_SUCCESS_RATE, at, &success);
    switch (block->order) {
    case AST_ORDER_COST:
        place.is_unknown = !measures->fee_known[at];
        place.score = measures->fee_minor[at];
        break;
    case AST_ORDER_SUCCESS:
        place.score = -(wide)success;
        break;
    case AST_ORDER_LATENCY:
        (void)measure_of(measures, FACT_LATENCY, at, &latency);
        place.score = latency;
        break;
    case AST_ORDER_VALUE: {
        wide margin = (wide)run->values.amount_minor * block->margin;
        wide cost = (wide)measures->fee_minor[at] * MILLION;
        wide failure = (wide)failure_minor(run, block) * MILLION;
        place.is_unknown = !measures->fee_known[at];
        place.score = (MILLION - success) * failure - success * (margin - cost);
        break;
    }
    case AST_ORDER_NONE:
    case AST_ORDER_LIST:
    case AST_ORDER_SPLIT:
    case AST_ORDER_DECLINE:
    case AST_ORDER_COUNT:
        break;
    }
    if (place.is_unknown)
        place.score = 0;
    return place;
}

static bool is_before(const struct standing *a, const struct standing *b)
{
    if (a->setback != b->setback)
        return a->setback < b->setback;
    if (a->is_unknown != b->is_unknown)
        return b->is_unknown;
    if (a->score != b->score)
        return a->score < b->score;
    return a->rank < b->rank;
}

/* Stable: equal ones keep the order in which they were given. */
static void sort(struct route_verdict *verdicts, struct standing *places, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct route_verdict verdict = verdicts[i];
        struct standing place = places[i];
        size_t k = i;
        for (; k > 0 && is_before(&place, &places[k - 1]); k--) {
            verdicts[k] = verdicts[k - 1];
            places[k] = places[k - 1];
        }
        verdicts[k] = verdict;
        places[k] = place;
    }
}

void select_block(const struct run *run, const struct program_block *block, struct str name,
                  uint64_t draw, struct route_decision *decision)
{
    const struct measures *measures = run->measures;
    const struct ast_block *ast = block->ast;
    uint8_t rank[ROUTE_TARGET_MAX];
    struct standing place[ROUTE_CANDIDATE_MAX];
    struct route_verdict dropped[ROUTE_CANDIDATE_MAX];
    size_t dropped_count = 0;
    decision->split_bits = rank_targets(run, ast, name, draw, rank);
    decision->kept_count = 0;
    for (size_t i = 0; i < measures->count; i++) {
        const struct route_candidate *candidate = &measures->candidate[i];
        struct route_verdict verdict = {.candidate = (uint8_t)i,
                                        .fee_known = measures->fee_known[i],
                                        .expected_fee_minor = measures->fee_minor[i]};
        uint8_t at = find_rank(ast, rank, candidate);
        enum route_drop by_rule = ast->order == AST_ORDER_DECLINE ? ROUTE_RULE_DECLINED
                                  : at == RANK_NONE               ? ROUTE_NOT_IN_RULE
                                                    : sieve(run, block, i, &verdict.avoided);
        verdict.drop = decision_filter(candidate, measures->facts, by_rule, &verdict);
        if (verdict.drop != ROUTE_KEPT) {
            dropped[dropped_count++] = verdict;
            continue;
        }
        verdict.ramping = decision_is_ramping(candidate, draw);
        place[decision->kept_count] = standing_of(run, ast, &verdict, at);
        decision->verdict[decision->kept_count++] = verdict;
    }
    sort(decision->verdict, place, decision->kept_count);
    for (size_t i = 0; i < dropped_count; i++)
        decision->verdict[decision->kept_count + i] = dropped[i];
    decision->count = measures->count;
    decision->order = ast->order;
    decision->declined = ast->order == AST_ORDER_DECLINE ? ast->reason : STR_NONE;
    decision->depth_max = ast->depth_max;
    decision->within_us = ast->within_us;
}

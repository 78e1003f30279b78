#include "payment/backtest_internal.h"

#include <string.h>

#include "base/json.h"
#include "base/mix.h"
#include "payment/facts.h"
#include "router/ast.h"
#include "router/measure.h"

static const struct mix_seed seed = {{UINT64_C(0x082efa98ec4e6c89), UINT64_C(0x452821e638d01377)}};

/* ---- facts and candidates --------------------------------------------------------------------- */

static bool takes_method(struct str methods, struct str method)
{
    if (str_is_empty(str_trim(methods)))
        return true;
    while (methods.len > 0) {
        if (str_eq(str_cut(&methods, ' '), method))
            return true;
    }
    return false;
}

/* A request's tokens are not kept: each account is taken to have had one. */
static void fill_candidate(struct run *run, const struct past_payment *payment,
                           const struct house *house, size_t slot)
{
    uint32_t index = house->account[slot];
    const struct backtest_account *account = &run->input->account[index];
    struct route_candidate *candidate = &run->candidate[slot];
    *candidate = (struct route_candidate){
        .account_id = account->account_id,
        .provider = account->provider,
        .account_name = account->name,
        .disabled = account->disabled,
        .drained = account->drained,
        .takes_currency =
            (account->currency_bits[payment->currency / 64] >> (payment->currency % 64) & 1) != 0,
        .takes_operation = (account->operations >> payment->operation & 1) != 0,
        .takes_method =
            payment->operation == OPERATION_PAYOUT ||
            takes_method(account->methods, past_word(run->input->past, payment->method)),
        .has_token = true,
        .amount_max_minor = account->amount_max_minor,
        .cost = account->cost,
        .month_volume_minor =
            run_volume(run->now, run, index, payment->currency, payment->created_us),
    };
    hours_read(run->hours, house->past[slot], payment->created_us, &candidate->health);
}

static json_t *parse(const struct run *run, uint32_t word)
{
    struct error ignored;
    struct str text = past_word(run->input->past, word);
    return text.len == 0 ? NULL : json_parse(text, &json_limits_default, &ignored);
}

static void fill_facts(struct run *run, const struct past_payment *payment,
                       const struct house *house, json_t *metadata, const json_t *routing,
                       const json_t *given, struct route_facts *facts)
{
    const struct past *past = run->input->past;
    *facts = (struct route_facts){
        .operation = (enum operation)payment->operation,
        .amount_minor = payment->amount_minor,
        .currency = &run->currency[payment->currency],
        .method = past_word(past, payment->method),
        .country = past_word(past, payment->country),
        .merchant = str_of(house->text),
        .reference = past_word(past, payment->reference),
        .attempt = 1,
        .rates = run->input->rates,
        .now_us = payment->created_us,
        .split_bits = payment->split_bits,
    };
    facts_take_stored(metadata, routing, given, run->metadata, facts);
}

/* ---- chances ---------------------------------------------------------------------------------- */

static bool is_rule(const void *owner, uint32_t index, const void *key)
{
    const struct run *run = owner;
    return rule_set_rule_name(run->input->rules, index).at == *(const char *const *)key;
}

static const struct ast_block *find_block(const struct run *run, struct str rule)
{
    uint32_t at = 0;
    bool found = finder_find(&run->rules, mix_bytes(&seed, &rule.at, sizeof(rule.at)), is_rule, run,
                             &rule.at, &at);
    CHECK(found);
    return &rule_set_tree(run->input->rules)->rule[at].block;
}

static int setback(const struct route_verdict *verdict)
{
    return verdict->last_resort                ? 3
           : verdict->slow || verdict->ramping ? 2
           : verdict->avoided                  ? 1
                                               : 0;
}

/* Which target names this account: the first that does. */
static size_t find_target(const struct ast_block *block, const struct route_candidate *candidate)
{
    size_t at = 0;
    while (at < block->target_count && !measure_is_target(&block->target[at], candidate))
        at++;
    return at;
}

/*
 * A split tries its targets in an order drawn by their shares, so among those that are left each is
 * first as its share is of theirs. Of several accounts of one target, the first given.
 */
static void take_split(struct run *run, const struct ast_block *block)
{
    const struct route_decision *decision = &run->decision;
    struct chances *chances = &run->chances;
    uint8_t slot[ROUTE_TARGET_MAX];
    memset(slot, SLOT_NONE, sizeof(slot));
    int best = setback(&decision->verdict[0]);
    for (size_t i = 0; i < decision->kept_count; i++) {
        uint8_t candidate = decision->verdict[i].candidate;
        size_t target = find_target(block, &run->candidate[candidate]);
        if (setback(&decision->verdict[i]) == best && target < block->target_count &&
            candidate < slot[target])
            slot[target] = candidate;
    }
    for (size_t i = 0; i < block->target_count; i++) {
        if (slot[i] == SLOT_NONE || block->share[i] == 0)
            continue;
        chances->slot[chances->count] = slot[i];
        chances->share[chances->count++] = block->share[i];
        chances->sum += block->share[i];
    }
}

static void find_chances(struct run *run)
{
    const struct route_decision *decision = &run->decision;
    struct chances *chances = &run->chances;
    chances->count = 0;
    chances->sum = 0;
    if (decision->kept_count == 0)
        return;
    if (decision->order == AST_ORDER_SPLIT)
        take_split(run, find_block(run, decision->rule));
    if (chances->count > 0)
        return;
    chances->slot[0] = decision->verdict[0].candidate;
    chances->share[0] = 1;
    chances->count = 1;
    chances->sum = 1;
}

void run_decide(struct run *run, const struct past_payment *payment, const struct house *house)
{
    struct route_facts facts;
    bool asks_metadata = rule_set_tree(run->input->rules)->metadata_name_count > 0;
    json_t *metadata = asks_metadata ? parse(run, payment->metadata) : NULL;
    json_t *routing = parse(run, payment->routing);
    json_t *given = parse(run, payment->facts);
    for (size_t slot = 0; slot < house->count; slot++)
        fill_candidate(run, payment, house, slot);
    fill_facts(run, payment, house, metadata, routing, given, &facts);
    route_decide(run->input->rules, &facts, run->candidate, house->count, payment->draw,
                 &run->decision);
    find_chances(run);
    json_decref(metadata);
    json_decref(routing);
    json_decref(given);
}

#include "payment/replay.h"

#include <string.h>

#include "base/json.h"
#include "payment/facts.h"

enum {
    ARENA_BYTES_MAX = 4 << 20,
    TEXT_BYTES_MAX = 65536,
    HASH_BYTES = 32,
};

struct replay {
    const struct history_row *row;
    const struct replay_sources *sources;
    const json_t *record;
    struct buf *why;
    struct arena arena;
    struct route_facts facts;
    struct route_pair metadata[ROUTE_METADATA_MAX];
    struct route_candidate candidate[ROUTE_CANDIDATE_MAX];
    bool is_taken_off[ROUTE_CANDIDATE_MAX]; /* after the router had kept it */
    size_t count;
    char merchant[ID_TEXT_SIZE];
    replay_show_fn show; /* NULL: nobody looks */
    void *show_ctx;
};

/* clang-format off */
static const char *const verdict_names[REPLAY_VERDICT_COUNT] = {
    [REPLAY_SAME]       = "same",
    [REPLAY_DIFFERENT]  = "different",
    [REPLAY_NO_RULES]   = "no_rules",
    [REPLAY_NO_PRICES]  = "no_prices",
    [REPLAY_UNREADABLE] = "unreadable",
};
/* clang-format on */

const char *replay_verdict_name(enum replay_verdict verdict)
{
    CHECK((unsigned)verdict < REPLAY_VERDICT_COUNT);
    return verdict_names[verdict];
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool read_hash(struct str hex, uint8_t hash[HASH_BYTES])
{
    if (hex.len != (size_t)2 * HASH_BYTES)
        return false;
    for (size_t i = 0; i < HASH_BYTES; i++) {
        int high = str_hex_value(hex.at[2 * i]);
        int low = str_hex_value(hex.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        hash[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Decimal text: JSON numbers do not hold 64 bits everywhere. */
static uint64_t read_bits(struct str text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(text.at[i] - '0');
    return value;
}

static int64_t read_int(const json_t *object, const char *member, int64_t otherwise)
{
    const json_t *value = json_object_get(object, member);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* What the payment itself says. The texts live as long as the parsed objects. */
static bool read_facts(struct replay *r, json_t *metadata, const json_t *routing)
{
    const struct history_row *row = r->row;
    struct route_facts *facts = &r->facts;
    *facts = (struct route_facts){
        .operation = row->operation,
        .amount_minor = row->amount_minor,
        .currency = currency_find(row->currency),
        .method = row->method,
        .country = row->country,
        .merchant = id_format(ID_MERCHANT, &row->merchant_id, r->merchant),
        .reference = row->reference,
        .attempt = (uint32_t)row->number,
        .now_us = read_int(r->record, "at_us", row->created_us),
        .split_bits = read_bits(json_text(r->record, "split")),
    };
    facts_take_stored(metadata, routing, json_object_get(r->record, "facts"), r->metadata, facts);
    return facts->currency != NULL && facts->operation != OPERATION_NONE;
}

static enum route_drop find_drop(struct str name)
{
    for (int drop = ROUTE_KEPT + 1; drop < ROUTE_DROP_COUNT; drop++) {
        if (str_eq(name, str_of(route_drop_name((enum route_drop)drop))))
            return (enum route_drop)drop;
    }
    return ROUTE_KEPT;
}

void replay_read_health(const json_t *json, struct health_view *health)
{
    struct str state = json_text(json, "state");
    *health = (struct health_view){.state = HEALTH_CLOSED};
    for (int i = 0; i < HEALTH_STATE_COUNT; i++) {
        if (str_eq(state, str_of(health_state_name((enum health_state)i))))
            health->state = (enum health_state)i;
    }
    health->success_per_million = (uint32_t)read_int(json, "success_per_million", 1000000);
    health->p95_us = read_int(json, "p95_ms", 0) * 1000;
    health->decisions = (uint32_t)read_int(json, "decisions", 0);
    health->is_slow = json_is_true(json_object_get(json, "slow"));
    health->may_try = health->state != HEALTH_OPEN && !health->is_slow;
}

static void read_health(const json_t *json, const json_t *candidate, struct health_view *health)
{
    replay_read_health(json, health);
    /* A probe, or whoever would have been one: only then was it free. */
    health->may_try = json_is_true(json_object_get(candidate, "probe")) ||
                      (health->state == HEALTH_CLOSED && !health->is_slow);
    /* Which draws it still lets pass is of the account; what came of it is told. */
    health->away_per_million = json_is_true(json_object_get(candidate, "ramping")) ? 1000000 : 0;
}

/* What must have been so for the reason that was told. */
static void read_drop(struct replay *r, const json_t *json, struct route_candidate *candidate)
{
    enum route_drop drop = find_drop(json_text(json, "dropped"));
    candidate->takes_currency = drop != ROUTE_CURRENCY;
    candidate->takes_operation = drop != ROUTE_OPERATION;
    candidate->takes_method = drop != ROUTE_METHOD;
    candidate->has_token = drop != ROUTE_NO_TOKEN;
    candidate->disabled = drop == ROUTE_DISABLED || json_is_true(json_object_get(json, "disabled"));
    candidate->drained = drop == ROUTE_DRAINED;
    candidate->in_maintenance = drop == ROUTE_MAINTENANCE;
    candidate->is_busy = drop == ROUTE_PROVIDER_BUSY;
    candidate->amount_max_minor = drop == ROUTE_LIMIT ? r->facts.amount_minor - 1 : 0;
    if (drop == ROUTE_LIMIT && candidate->amount_max_minor == 0)
        candidate->takes_currency = false; /* no limit is below one unit: it must differ */
    /* Said after the router: the adapter refused it, it was tried, or another caller had the probe. */
    r->is_taken_off[r->count] =
        drop == ROUTE_REFUSED || drop == ROUTE_TRIED ||
        (drop == ROUTE_BREAKER_OPEN && candidate->health.state != HEALTH_OPEN);
    if (r->is_taken_off[r->count] && drop == ROUTE_BREAKER_OPEN)
        candidate->health.may_try = true;
}

static enum replay_verdict read_candidate(struct replay *r, const json_t *json)
{
    struct route_candidate *candidate = &r->candidate[r->count];
    *candidate = (struct route_candidate){
        .provider = json_text(json, "provider"),
        .account_name = json_text(json, "account"),
        .month_volume_minor = read_int(json, "month_volume", 0),
    };
    read_health(json_object_get(json, "health"), json, &candidate->health);
    read_drop(r, json, candidate);
    uint8_t hash[HASH_BYTES];
    struct str fees = json_text(json, "fees");
    if (fees.len > 0) {
        if (!read_hash(fees, hash))
            return REPLAY_UNREADABLE;
        candidate->cost = r->sources->fees(r->sources->ctx, &r->row->merchant_id, hash);
        if (candidate->cost == NULL) {
            buf_printf(r->why, "fee table " STR_FMT " is not kept", STR_ARG(fees));
            return REPLAY_NO_PRICES;
        }
    }
    r->count++;
    return REPLAY_SAME;
}

static enum replay_verdict read_candidates(struct replay *r)
{
    const json_t *list = json_object_get(r->record, "candidates");
    enum replay_verdict verdict = REPLAY_SAME;
    if (!json_is_array(list) || json_array_size(list) > ROUTE_CANDIDATE_MAX)
        return REPLAY_UNREADABLE;
    for (size_t i = 0; i < json_array_size(list) && verdict == REPLAY_SAME; i++)
        verdict = read_candidate(r, json_array_get(list, i));
    return verdict;
}

static enum replay_verdict read_rates(struct replay *r)
{
    uint8_t hash[HASH_BYTES];
    struct str hex = json_text(r->record, "rates");
    if (hex.len == 0)
        return REPLAY_SAME;
    if (!read_hash(hex, hash))
        return REPLAY_UNREADABLE;
    r->facts.rates = r->sources->rates(r->sources->ctx, hash);
    if (r->facts.rates != NULL)
        return REPLAY_SAME;
    buf_printf(r->why, "rates " STR_FMT " are not kept", STR_ARG(hex));
    return REPLAY_NO_PRICES;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static enum replay_verdict differ(struct replay *r, const char *what, struct str before,
                                  struct str now)
{
    buf_printf(r->why, "%s: was " STR_FMT ", is " STR_FMT, what, STR_ARG(before), STR_ARG(now));
    return REPLAY_DIFFERENT;
}

/* One account: told alike, and with the same fee. */
static enum replay_verdict compare_candidate(struct replay *r, const json_t *before,
                                             const struct route_verdict *now)
{
    struct str dropped = json_text(before, "dropped");
    const struct route_candidate *candidate = &r->candidate[now->candidate];
    struct str drop = str_of(route_drop_name(now->drop));
    if (!r->is_taken_off[now->candidate] && !str_eq(dropped, drop))
        return differ(r, arena_cstr(&r->arena, candidate->provider), dropped, drop);
    const json_t *fee = json_object_get(before, "expected_fee");
    int64_t was = json_is_integer(fee) ? json_integer_value(fee) : -1;
    int64_t is = now->fee_known ? now->expected_fee_minor : -1;
    if (was == is)
        return REPLAY_SAME;
    return differ(r, "expected fee", arena_printf(&r->arena, "%lld", (long long)was),
                  arena_printf(&r->arena, "%lld", (long long)is));
}

/*
 * The candidates were given in the order of the record, so the same decision names the kept ones in
 * this order: 0, 1, 2, ... without those that were taken off later.
 */
static enum replay_verdict compare_order(struct replay *r, const struct route_decision *decision)
{
    size_t expected = 0;
    for (size_t i = 0; i < decision->kept_count; i++) {
        size_t at = decision->verdict[i].candidate;
        if (r->is_taken_off[at])
            continue;
        while (expected < r->count && r->is_taken_off[expected])
            expected++;
        if (at != expected)
            return differ(r, "order", r->candidate[expected].provider, r->candidate[at].provider);
        expected++;
    }
    return REPLAY_SAME;
}

static enum replay_verdict compare(struct replay *r, const struct route_decision *decision)
{
    struct str rule = json_text(r->record, "rule");
    struct str order = json_text(r->record, "order");
    struct str order_now = str_of(route_order_name(decision->order));
    if (!str_eq(rule, decision->rule))
        return differ(r, "rule", rule, decision->rule);
    if (!str_eq(order, order_now))
        return differ(r, "order", order, order_now);
    const json_t *list = json_object_get(r->record, "candidates");
    enum replay_verdict verdict = compare_order(r, decision);
    for (size_t i = 0; i < decision->count && verdict == REPLAY_SAME; i++) {
        const struct route_verdict *now = &decision->verdict[i];
        verdict = compare_candidate(r, json_array_get(list, now->candidate), now);
    }
    return verdict;
}

static enum replay_verdict decide_again(struct replay *r)
{
    uint8_t hash[HASH_BYTES];
    if (!read_hash(json_text(r->record, "rule_set"), hash))
        return REPLAY_UNREADABLE;
    const struct rule_set *rules = r->sources->rules(r->sources->ctx, &r->row->merchant_id, hash);
    if (rules == NULL) {
        buf_printf(r->why, "rule set " STR_FMT " is not kept",
                   STR_ARG(json_text(r->record, "rule_set")));
        return REPLAY_NO_RULES;
    }
    enum replay_verdict verdict = read_rates(r);
    if (verdict == REPLAY_SAME)
        verdict = read_candidates(r);
    if (verdict != REPLAY_SAME)
        return verdict;
    if (r->show != NULL)
        r->show(r->show_ctx, rules, &r->facts, r->candidate, r->count);
    struct route_decision decision;
    route_decide(rules, &r->facts, r->candidate, r->count, read_bits(json_text(r->record, "draw")),
                 &decision);
    return compare(r, &decision);
}

/* Sixteen accounts have some four hundred members. */
static const struct json_limits record_limits = {32, 4096, TEXT_BYTES_MAX};

static json_t *parse(struct str text)
{
    struct error ignored;
    return text.len == 0 ? NULL : json_parse(text, &record_limits, &ignored);
}

enum replay_verdict replay_show(const struct history_row *row, const struct replay_sources *sources,
                                replay_show_fn show, void *ctx, struct buf *why)
{
    struct replay replay = {
        .row = row, .sources = sources, .why = why, .show = show, .show_ctx = ctx};
    json_t *record = parse(row->decision_json);
    json_t *metadata = parse(row->metadata_json);
    json_t *routing = parse(row->routing_json);
    replay.record = record;
    arena_init(&replay.arena, ARENA_BYTES_MAX);
    enum replay_verdict verdict = REPLAY_UNREADABLE;
    if (record != NULL && metadata != NULL && read_facts(&replay, metadata, routing))
        verdict = decide_again(&replay);
    if (verdict == REPLAY_UNREADABLE && why->len == 0)
        buf_add_str(why, metadata == NULL ? STR("the payment's own data were erased")
                                          : STR("the record of the decision cannot be read"));
    arena_release(&replay.arena);
    json_decref(record);
    json_decref(metadata);
    json_decref(routing);
    return verdict;
}

enum replay_verdict replay_decision(const struct history_row *row,
                                    const struct replay_sources *sources, struct buf *why)
{
    return replay_show(row, sources, NULL, NULL, why);
}

#include "router/decision.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "router/ast.h"

/* clang-format off */
static const char *const drop_names[ROUTE_DROP_COUNT] = {
    [ROUTE_KEPT]         = "",
    [ROUTE_RULE_DECLINED] = "rule_declined",
    [ROUTE_NOT_IN_RULE]  = "not_in_rule",
    [ROUTE_RULE_ONLY]    = "rule_only",
    [ROUTE_RULE_NEVER]   = "rule_never",
    [ROUTE_DISABLED]     = "disabled",
    [ROUTE_DRAINED]      = "drained",
    [ROUTE_MAINTENANCE]  = "maintenance",
    [ROUTE_CURRENCY]     = "currency",
    [ROUTE_OPERATION]    = "operation",
    [ROUTE_METHOD]       = "method",
    [ROUTE_NO_TOKEN]     = "no_token",
    [ROUTE_LIMIT]        = "limit",
    [ROUTE_ONLY]         = "only",
    [ROUTE_NEVER]        = "never",
    [ROUTE_BREAKER_OPEN] = "breaker_open",
    [ROUTE_PROVIDER_BUSY] = "provider_busy",
    [ROUTE_REFUSED]      = "refused",
    [ROUTE_TRIED]        = "tried",
};
/* clang-format on */

/* clang-format off */
static const char *const order_names[AST_ORDER_COUNT] = {
    [AST_ORDER_NONE]    = "",
    [AST_ORDER_LIST]    = "list",
    [AST_ORDER_COST]    = "cost",
    [AST_ORDER_SUCCESS] = "success",
    [AST_ORDER_VALUE]   = "value",
    [AST_ORDER_LATENCY] = "latency",
    [AST_ORDER_SPLIT]   = "split",
    [AST_ORDER_DECLINE] = "decline",
};
/* clang-format on */

const char *route_order_name(unsigned order)
{
    CHECK(order < AST_ORDER_COUNT);
    return order_names[order];
}

const char *route_drop_name(enum route_drop drop)
{
    CHECK((unsigned)drop < ROUTE_DROP_COUNT);
    return drop_names[drop];
}

static bool is_listed(struct str provider, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(names[i], provider)) {
            return true;
        }
    }
    return false;
}

static bool is_over_limit(const struct route_candidate *candidate, const struct route_facts *facts)
{
    return candidate->amount_max_minor > 0 && facts->amount_minor > candidate->amount_max_minor;
}

static bool is_breaker_open(const struct health_view *health)
{
    return health->state == HEALTH_OPEN;
}

enum route_drop decision_filter(const struct route_candidate *candidate,
                                const struct route_facts *facts, enum route_drop by_rule,
                                struct route_verdict *verdict)
{
    struct str name = candidate->provider;
    const struct {
        bool holds;
        enum route_drop drop;
    } reasons[] = {
        {by_rule != ROUTE_KEPT, by_rule},
        {candidate->disabled, ROUTE_DISABLED},
        {candidate->drained, ROUTE_DRAINED},
        {candidate->in_maintenance, ROUTE_MAINTENANCE},
        {!candidate->takes_currency, ROUTE_CURRENCY},
        {!candidate->takes_operation, ROUTE_OPERATION},
        {!candidate->takes_method, ROUTE_METHOD},
        {!candidate->has_token, ROUTE_NO_TOKEN},
        {is_over_limit(candidate, facts), ROUTE_LIMIT},
        {facts->only_count > 0 && !is_listed(name, facts->only, facts->only_count), ROUTE_ONLY},
        {is_listed(name, facts->never, facts->never_count), ROUTE_NEVER},
        {is_breaker_open(&candidate->health), ROUTE_BREAKER_OPEN},
        {candidate->is_busy, ROUTE_PROVIDER_BUSY},
    };
    static_assert(ARRAY_LEN(reasons) == ROUTE_REFUSED - ROUTE_RULE_NEVER,
                  "every reason is tried, and the rule's are one");
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].holds) {
            return reasons[i].drop;
        }
    }
    /* Half-open: one caller proves it; for the others it is better than nobody. */
    bool is_half_open = candidate->health.state == HEALTH_HALF_OPEN;
    verdict->probe = is_half_open && candidate->health.may_try;
    verdict->last_resort = is_half_open && !candidate->health.may_try;
    if (candidate->health.state == HEALTH_CLOSED && candidate->health.is_slow) {
        verdict->probe = candidate->health.may_try;
        verdict->slow = !candidate->health.may_try;
    }
    return ROUTE_KEPT;
}

/* Another part of the draw for each account, so that two that ramp do not step back together. */
bool decision_is_ramping(const struct route_candidate *candidate, uint64_t draw)
{
    uint64_t account = 0;
    memcpy(&account, candidate->account_id.byte + 8, sizeof(account));
    uint64_t part = (draw ^ account) * UINT64_C(0x9E3779B97F4A7C15);
    part = (part ^ part >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return (part >> 32) % 1000000 < candidate->health.away_per_million;
}

void route_decision_drop(struct route_decision *decision, size_t index, enum route_drop drop)
{
    CHECK(index < decision->kept_count && drop != ROUTE_KEPT);
    struct route_verdict dropped = decision->verdict[index];
    dropped.drop = drop;
    dropped.probe = false;
    size_t last = decision->kept_count - 1;
    memmove(&decision->verdict[index], &decision->verdict[index + 1],
            (last - index) * sizeof(decision->verdict[0]));
    decision->verdict[last] = dropped;
    decision->kept_count--;
}

static void print_health(const struct health_view *health, struct json_out *out)
{
    json_key(out, "health");
    json_begin_object(out);
    json_put_cstr(out, "state", health_state_name(health->state));
    json_put_int(out, "calls", health->calls);
    json_put_int(out, "success_per_million", health->success_per_million);
    json_put_int(out, "p50_ms", (health->p50_us + 500) / 1000);
    json_put_int(out, "p95_ms", (health->p95_us + 500) / 1000);
    json_put_int(out, "p99_ms", (health->p99_us + 500) / 1000);
    if (health->outcomes > 0) {
        json_put_int(out, "outcomes", health->outcomes);
        json_put_cstr(out, "basis", health_basis_name(health->basis));
    }
    if (health->declined_per_million > 0) {
        json_put_int(out, "declined_per_million", health->declined_per_million);
    }
    if (health->unknown_per_million > 0) {
        json_put_int(out, "unknown_per_million", health->unknown_per_million);
    }
    if (health->decisions > 0) {
        json_put_int(out, "decisions", health->decisions);
    }
    if (health->is_slow) {
        json_put_bool(out, "slow", true);
    }
    if (health->away_per_million > 0) {
        json_put_int(out, "away_per_million", health->away_per_million);
    }
    if (health->why[0] != '\0') {
        json_put_cstr(out, "why", health->why);
    }
    json_end_object(out);
}

/* What the expected fee can be computed from again. */
static void print_fees(const struct route_candidate *candidate, struct json_out *out)
{
    if (candidate->cost == NULL) {
        return;
    }
    json_put_cstr(out, "fees", cost_table_hex(candidate->cost));
    if (cost_volume(candidate->cost).is_asked) {
        json_put_int(out, "month_volume", candidate->month_volume_minor);
    }
}

static void print_verdict(const struct route_verdict *verdict,
                          const struct route_candidate *candidate, struct json_out *out)
{
    json_begin_object(out);
    json_put_str(out, "provider", candidate->provider);
    json_put_str(out, "account", candidate->account_name);
    json_put_bool(out, "kept", verdict->drop == ROUTE_KEPT);
    if (verdict->drop != ROUTE_KEPT) {
        json_put_cstr(out, "dropped", route_drop_name(verdict->drop));
    }
    if (verdict->probe) {
        json_put_bool(out, "probe", true);
    }
    if (verdict->last_resort) {
        json_put_bool(out, "last_resort", true);
    }
    if (verdict->avoided) {
        json_put_bool(out, "avoided", true);
    }
    if (verdict->slow) {
        json_put_bool(out, "slow", true);
    }
    if (verdict->ramping) {
        json_put_bool(out, "ramping", true);
    }
    if (candidate->disabled && verdict->drop != ROUTE_DISABLED) {
        json_put_bool(out, "disabled", true);
    }
    if (verdict->fee_known) {
        json_put_int(out, "expected_fee", verdict->expected_fee_minor);
    } else {
        json_put_null(out, "expected_fee");
    }
    print_fees(candidate, out);
    print_health(&candidate->health, out);
    json_end_object(out);
}

static void print_terms(const struct route_decision *decision, struct json_out *out)
{
    if (decision->declined.len > 0) {
        json_put_str(out, "declined", decision->declined);
    }
    if (decision->depth_max > 0) {
        json_put_int(out, "tries_max", decision->depth_max);
    }
    if (decision->within_us > 0) {
        json_put_int(out, "within_ms", decision->within_us / 1000);
    }
}

static void print_shadow(const struct route_shadow *shadow,
                         const struct route_candidate *candidates, struct json_out *out)
{
    if (!shadow->is_given) {
        return;
    }
    json_key(out, "shadow");
    json_begin_object(out);
    json_put_cstr(out, "order", route_order_name(shadow->order));
    if (shadow->declined.len > 0) {
        json_put_str(out, "declined", shadow->declined);
    }
    json_key(out, "candidates");
    json_begin_array(out);
    for (size_t i = 0; i < shadow->count; i++) {
        const struct route_candidate *candidate = &candidates[shadow->candidate[i]];
        json_begin_object(out);
        json_put_str(out, "provider", candidate->provider);
        json_put_str(out, "account", candidate->account_name);
        json_end_object(out);
    }
    json_end_array(out);
    json_end_object(out);
}

void route_decision_print(const struct route_decision *decision,
                          const struct route_candidate *candidates, struct buf *buf)
{
    char hex[2 * sizeof(decision->rule_set_hash) + 1];
    for (size_t i = 0; i < sizeof(decision->rule_set_hash); i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", decision->rule_set_hash[i]);
    }
    char draw[24]; /* As text: a JSON number loses bits beyond 2^53 in most readers. */
    (void)snprintf(draw, sizeof(draw), "%" PRIu64, decision->draw);
    struct json_out out;
    json_out_init(&out, buf);
    json_begin_object(&out);
    json_put_str(&out, "rule", decision->rule);
    json_put_cstr(&out, "rule_set", hex);
    json_put_cstr(&out, "draw", draw);
    json_put_cstr(&out, "order", route_order_name(decision->order));
    if (decision->split_bits != 0) {
        (void)snprintf(draw, sizeof(draw), "%" PRIu64, decision->split_bits);
        json_put_cstr(&out, "split", draw);
    }
    if (decision->now_us != 0) {
        json_put_int(&out, "at_us", decision->now_us);
    }
    if (decision->rates != NULL) {
        json_put_cstr(&out, "rates", rates_hex(decision->rates));
    }
    print_terms(decision, &out);
    print_shadow(&decision->shadow, candidates, &out);
    json_key(&out, "candidates");
    json_begin_array(&out);
    for (size_t i = 0; i < decision->count; i++) {
        const struct route_verdict *verdict = &decision->verdict[i];
        print_verdict(verdict, &candidates[verdict->candidate], &out);
    }
    json_end_array(&out);
    json_end_object(&out);
}

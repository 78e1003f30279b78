#include "process/explain_print.h"

#include <inttypes.h>

#include "base/money.h"

enum {
    CONDITION_COLUMN = 44,
    ACCOUNT_COLUMN = 24,
};

static int64_t number_of(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

static bool is_set(const json_t *object, const char *member)
{
    return json_is_true(json_object_get(object, member));
}

static void put_money(int64_t minor, const struct currency *currency, struct buf *out)
{
    char text[MONEY_TEXT_SIZE];
    if (currency == NULL) { /* no ledger of ours */
        buf_printf(out, "%" PRId64, minor);
        return;
    }
    buf_printf(out, STR_FMT " %s", STR_ARG(money_format(minor, currency->exponent, text)),
               currency->code);
}

/* ---- what was asked -------------------------------------------------------------------------- */

static void print_facts(const json_t *facts, const struct currency *currency, struct buf *out)
{
    static const char *const names[] = {"method", "country",  "card_brand", "card_country",
                                        "bin",    "customer", "reference",  "beneficiary_country"};
    if (facts == NULL) {
        return;
    }
    buf_printf(out, STR_FMT " of ", STR_ARG(json_text(facts, "operation")));
    put_money(number_of(facts, "amount"), currency, out);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str text = json_text(facts, names[i]);
        if (text.len > 0) {
            buf_printf(out, ", %s " STR_FMT, names[i], STR_ARG(text));
        }
    }
    buf_printf(out, ", at " STR_FMT "\n", STR_ARG(json_text(facts, "at")));
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void print_condition(const json_t *condition, struct buf *out)
{
    struct str text = json_text(condition, "condition");
    const json_t *saw = json_object_get(condition, "saw");
    struct str seen = json_text(condition, "saw");
    int pad = text.len < CONDITION_COLUMN ? (int)(CONDITION_COLUMN - text.len) : 0;
    buf_printf(out, "    %-4s" STR_FMT "%*s", is_set(condition, "holds") ? "yes" : "no",
               STR_ARG(text), pad, "");
    if (!json_is_string(saw)) {
        buf_add_str(out, STR("  not known\n"));
    } else if (seen.len == 0) {
        buf_add_str(out, STR("  (empty)\n"));
    } else {
        buf_printf(out, "  " STR_FMT "\n", STR_ARG(seen));
    }
}

static void print_rule(const json_t *rule, struct buf *out)
{
    const json_t *conditions = json_object_get(rule, "conditions");
    int64_t skipped = number_of(rule, "conditions_skipped");
    buf_printf(out, "line %" PRId64 ": rule \"" STR_FMT "\" %s\n", number_of(rule, "line"),
               STR_ARG(json_text(rule, "rule")),
               is_set(rule, "matched") ? "matches" : "does not match");
    for (size_t i = 0; i < json_array_size(conditions); i++) {
        print_condition(json_array_get(conditions, i), out);
    }
    if (skipped > 0) {
        buf_printf(out, "    ... and %" PRId64 " more\n", skipped);
    }
    struct str does = json_text(rule, "does");
    if (does.len > 0) {
        buf_printf(out, "    " STR_FMT "\n", STR_ARG(does));
    }
}

static void print_rules(const json_t *explanation, struct buf *out)
{
    const json_t *rules = json_object_get(explanation, "rules");
    int64_t skipped = number_of(explanation, "skipped");
    if (skipped > 0) {
        buf_printf(out, "%" PRId64 " rules above these do not match either\n", skipped);
    }
    for (size_t i = 0; i < json_array_size(rules); i++) {
        print_rule(json_array_get(rules, i), out);
    }
}

/* ---- candidates ------------------------------------------------------------------------------ */

static void print_health(const json_t *health, struct buf *out)
{
    struct str state = json_text(health, "state");
    struct str why = json_text(health, "why");
    int64_t success = number_of(health, "success_per_million");
    buf_printf(out, ", success %" PRId64 ".%" PRId64 "%%, p95 %" PRId64 " ms", success / 10000,
               success % 10000 / 1000, number_of(health, "p95_ms"));
    if (!str_eq(state, STR("closed"))) {
        buf_printf(out, ", breaker " STR_FMT, STR_ARG(state));
    }
    if (why.len > 0) {
        buf_printf(out, " (" STR_FMT ")", STR_ARG(why));
    }
}

static void print_candidate(const json_t *candidate, size_t place, const struct currency *currency,
                            struct buf *out)
{
    static const char *const flags[] = {"probe", "last_resort", "avoided", "slow", "ramping"};
    struct str provider = json_text(candidate, "provider");
    struct str account = json_text(candidate, "account");
    struct str dropped = json_text(candidate, "dropped");
    const json_t *fee = json_object_get(candidate, "expected_fee");
    size_t width = provider.len + 1 + account.len;
    if (dropped.len == 0) {
        buf_printf(out, "%3zu. ", place);
    } else {
        buf_add_str(out, STR("  -  "));
    }
    buf_printf(out, STR_FMT ":" STR_FMT "%*s", STR_ARG(provider), STR_ARG(account),
               width < ACCOUNT_COLUMN ? (int)(ACCOUNT_COLUMN - width) : 1, "");
    if (dropped.len > 0) {
        buf_printf(out, "dropped: " STR_FMT ", ", STR_ARG(dropped));
    }
    buf_add_str(out, STR("fee "));
    if (json_is_integer(fee)) {
        put_money(json_integer_value(fee), currency, out);
    } else {
        buf_add_str(out, STR("not known"));
    }
    print_health(json_object_get(candidate, "health"), out);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (is_set(candidate, flags[i])) {
            buf_printf(out, ", %s", flags[i]);
        }
    }
    buf_add_char(out, '\n');
}

static void print_terms(const json_t *decision, struct buf *out)
{
    int64_t tries = number_of(decision, "tries_max");
    int64_t within = number_of(decision, "within_ms");
    int64_t version = number_of(decision, "version");
    struct str declined = json_text(decision, "declined");
    if (version > 0) {
        buf_printf(out, "rule set: version %" PRId64 "%s\n", version,
                   is_set(decision, "canary") ? ", a canary" : "");
    }
    if (declined.len > 0) {
        buf_printf(out, "declined: " STR_FMT "\n", STR_ARG(declined));
        return;
    }
    buf_printf(out, "order: " STR_FMT, STR_ARG(json_text(decision, "order")));
    if (tries > 0) {
        buf_printf(out, ", at most %" PRId64 " tries", tries);
    }
    if (within > 0) {
        buf_printf(out, ", no new one after %" PRId64 " ms", within);
    }
    buf_add_char(out, '\n');
}

/* A canary, or a shadow. */
static void print_other(const json_t *other, const char *name, struct buf *out)
{
    const json_t *list = json_object_get(other, "candidates");
    if (other == NULL) {
        return;
    }
    buf_printf(out, "%s, version %" PRId64 ": rule \"" STR_FMT "\":", name,
               number_of(other, "version"), STR_ARG(json_text(other, "rule")));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *candidate = json_array_get(list, i);
        buf_printf(out, "%s " STR_FMT ":" STR_FMT, i > 0 ? "," : "",
                   STR_ARG(json_text(candidate, "provider")),
                   STR_ARG(json_text(candidate, "account")));
    }
    buf_printf(out, "%s (%s)\n", json_array_size(list) == 0 ? " nobody" : "",
               is_set(other, "differs") ? "differs" : "the same");
}

static void print_ends(const json_t *explanation, struct buf *out)
{
    const json_t *refusals = json_object_get(explanation, "refusals");
    const json_t *problem = json_object_get(explanation, "problem");
    struct str replay = json_text(explanation, "replay");
    struct str detail = json_text(explanation, "replay_detail");
    for (size_t i = 0; i < json_array_size(refusals); i++) {
        const json_t *refusal = json_array_get(refusals, i);
        buf_printf(out, STR_FMT ":" STR_FMT " refuses: " STR_FMT "\n",
                   STR_ARG(json_text(refusal, "provider")), STR_ARG(json_text(refusal, "account")),
                   STR_ARG(json_text(refusal, "detail")));
    }
    if (json_is_object(problem)) {
        buf_printf(out, "nobody takes it: %" PRId64 " " STR_FMT ": " STR_FMT "\n",
                   number_of(problem, "status"), STR_ARG(json_text(problem, "code")),
                   STR_ARG(json_text(problem, "detail")));
    }
    if (replay.len > 0) {
        buf_printf(out, "made again from the ledger: " STR_FMT "%s" STR_FMT "\n", STR_ARG(replay),
                   detail.len > 0 ? ": " : "", STR_ARG(detail));
    }
}

void explain_print_decision(const json_t *decision, const struct currency *currency,
                            struct buf *out)
{
    const json_t *candidates = json_object_get(decision, "candidates");
    print_terms(decision, out);
    for (size_t i = 0; i < json_array_size(candidates); i++) {
        print_candidate(json_array_get(candidates, i), i + 1, currency, out);
    }
}

void explain_print_text(const json_t *explanation, struct buf *out)
{
    const json_t *facts = json_object_get(explanation, "facts");
    const json_t *decision = json_object_get(explanation, "decision");
    const struct currency *currency = currency_find(json_text(facts, "currency"));
    print_facts(facts, currency, out);
    print_rules(explanation, out);
    explain_print_decision(decision, currency, out);
    print_other(json_object_get(decision, "shadow_set"), "shadow", out);
    print_other(json_object_get(explanation, "canary_set"), "canary", out);
    print_ends(explanation, out);
}

#include "payment/decision_record.h"

#include "base/crypto.h"
#include "router/facts.h"

/* The same accounts, in the same order: then nothing would have been different. */
static bool is_same_choice(const struct route_decision *a, const struct route_decision *b)
{
    if (a->kept_count != b->kept_count || (a->declined.len > 0) != (b->declined.len > 0))
        return false;
    for (size_t i = 0; i < a->kept_count; i++) {
        if (a->verdict[i].candidate != b->verdict[i].candidate)
            return false;
    }
    return true;
}

enum decision_shadow decision_record_print_other(const struct decision_record *record,
                                                 const char *key, const struct rule_set *other,
                                                 int32_t version, struct json_out *json)
{
    const struct facts *facts = record->facts;
    struct route_decision shadow;
    struct buf hash;
    route_decide(other, &facts->payment, facts->candidate, facts->count, record->decision->draw,
                 &shadow);
    bool is_same = is_same_choice(record->asked, &shadow);
    json_key(json, key);
    json_begin_object(json);
    json_put_int(json, "version", version);
    buf_init(&hash, 64);
    crypto_hex((struct str){(const char *)shadow.rule_set_hash, 32}, &hash);
    json_put_str(json, "rule_set", buf_str(&hash));
    buf_release(&hash);
    json_put_str(json, "rule", shadow.rule);
    if (shadow.declined.len > 0)
        json_put_str(json, "declined", shadow.declined);
    json_key(json, "candidates");
    json_begin_array(json);
    for (size_t i = 0; i < shadow.kept_count; i++) {
        const struct route_candidate *candidate = &facts->candidate[shadow.verdict[i].candidate];
        json_begin_object(json);
        json_put_str(json, "provider", candidate->provider);
        json_put_str(json, "account", candidate->account_name);
        json_end_object(json);
    }
    json_end_array(json);
    json_put_bool(json, "differs", !is_same);
    json_end_object(json);
    return is_same ? DECISION_SHADOW_SAME : DECISION_SHADOW_DIFFERENT;
}

/*
 * What the payment's row does not have: so that the same decision can be made again (P6), and other rules can
 * be tried on it (backtest.h). What an attempt before it came to is kept where the rules ask.
 */
static void print_facts(const struct decision_record *record, struct json_out *json)
{
    const struct route_facts *given = &record->facts->payment;
    const struct {
        enum fact fact;
        const char *name;
        struct str text;
    } facts[] = {
        {FACT_CARD_BRAND, "card_brand", given->card_brand},
        {FACT_CARD_COUNTRY, "card_country", given->card_country},
        {FACT_BIN, "bin", given->bin},
        {FACT_BENEFICIARY_COUNTRY, "beneficiary_country", given->beneficiary_country},
        {FACT_PREVIOUS_DECLINE, "previous_decline", given->previous_decline},
        {FACT_PREVIOUS_REASON, "previous_reason", given->previous_reason},
    };
    bool is_open = given->attempt > 1;
    if (is_open) {
        json_key(json, "facts");
        json_begin_object(json);
        json_put_int(json, "attempt", given->attempt);
    }
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        bool is_previous =
            facts[i].fact == FACT_PREVIOUS_DECLINE || facts[i].fact == FACT_PREVIOUS_REASON;
        bool is_asked = (record->pick->asks >> facts[i].fact & 1) != 0;
        if (facts[i].text.len == 0 || (is_previous && !is_asked))
            continue;
        if (!is_open) {
            json_key(json, "facts");
            json_begin_object(json);
        }
        is_open = true;
        json_put_str(json, facts[i].name, facts[i].text);
    }
    if (is_open)
        json_end_object(json);
}

/* What the router cannot know of its own decision. */
static enum decision_shadow print_more(const struct decision_record *record, struct buf *out)
{
    const struct rulebook_pick *pick = record->pick;
    enum decision_shadow shadow = DECISION_SHADOW_NONE;
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_int(&json, "version", pick->version);
    if (pick->arm == RULES_ARM_CANARY)
        json_put_bool(&json, "canary", true);
    print_facts(record, &json);
    if (pick->shadow != NULL)
        shadow = decision_record_print_other(record, "shadow_set", pick->shadow,
                                             pick->shadow_version, &json);
    json_end_object(&json);
    return shadow;
}

enum decision_shadow decision_record_print(const struct decision_record *record, struct buf *out)
{
    enum decision_shadow shadow = DECISION_SHADOW_NONE;
    route_decision_print(record->decision, record->facts->candidate, out);
    if (record->pick->version == 0)
        return shadow;
    struct buf more;
    buf_init(&more, DECISION_RECORD_BYTES_MAX);
    shadow = print_more(record, &more);
    CHECK(buf_is_ok(out) && buf_is_ok(&more));
    out->len--; /* two objects become one */
    buf_add_char(out, ',');
    buf_add_str(out, str_sub(buf_str(&more), 1, SIZE_MAX));
    buf_release(&more);
    return shadow;
}

const char *decision_record_refusal(struct str record, struct buf *detail)
{
    static const struct json_limits limits = {32, 4096, DECISION_RECORD_BYTES_MAX};
    struct error ignored;
    json_t *decision = record.len > 0 ? json_parse(record, &limits, &ignored) : NULL;
    const json_t *candidates = json_object_get(decision, "candidates");
    struct str declined = json_text(decision, "declined");
    size_t kept = 0;
    for (size_t i = 0; i < json_array_size(candidates); i++)
        kept += json_is_true(json_object_get(json_array_get(candidates, i), "kept"));
    if (declined.len > 0 && detail != NULL)
        buf_printf(detail, "rule \"" STR_FMT "\": " STR_FMT, STR_ARG(json_text(decision, "rule")),
                   STR_ARG(declined));
    bool is_left = decision == NULL || kept > 0;
    const char *refusal = declined.len > 0 ? DECISION_RULE_DECLINED : DECISION_NO_ROUTE;
    json_decref(decision);
    return is_left ? NULL : refusal;
}

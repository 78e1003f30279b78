#include "payment/explain.h"

#include <stdlib.h>

#include "base/clock.h"
#include "payment/decision_record.h"
#include "payment/driver.h"
#include "payment/explain_internal.h"
#include "payment/no_route.h"
#include "payment/testmethod.h"
#include "router/explain.h"

enum {
    ARENA_BYTES_MAX = 16 << 20, /* requests that adapters build */
};

struct explaining {
    const struct payments_parts *parts;
    const struct explain_asked *asked;
    struct rulebook_pick pick;
    struct facts facts;
    struct route_decision said; /* by the rules */
    struct route_decision decision;
    struct str
        refusal[ROUTE_CANDIDATE_MAX]; /* by candidate: what its adapter said; empty: nothing */
    struct str last_refusal;
    struct arena arena;
};

/* ---- deciding -------------------------------------------------------------------------------- */

static void pick_rules(struct explaining *e)
{
    const struct explain_asked *asked = e->asked;
    const struct rulebook_sets *sets = &asked->merchant->rules;
    if (asked->rules != NULL)
        e->pick = (struct rulebook_pick){
            .rules = asked->rules, .version = asked->version, .asks = rulebook_asks(asked->rules)};
    else if (!rulebook_pick_arm(sets, RULES_ARM_LIVE, &e->pick))
        e->pick = (struct rulebook_pick){.rules = e->parts->rules};
}

/* As the driver's first attempt would call it, under ids that nobody will see again. */
static struct provider_call call_of(struct explaining *e, size_t candidate)
{
    char id[ID_TEXT_SIZE];
    struct uuid made_up = uuid_new();
    const struct payment_request *request = e->asked->request;
    enum id_kind kind = request->is_payout ? ID_PAYOUT : ID_PAYMENT;
    return (struct provider_call){
        .operation = e->facts.payment.operation,
        .account = &e->facts.account[candidate]->account,
        .attempt_ref = arena_str(&e->arena, id_format(ID_ATTEMPT, &made_up, id)),
        .payment_ref = arena_str(&e->arena, id_format(kind, &made_up, id)),
        .merchant_ref = request->reference,
        .amount_minor = request->amount_minor,
        .currency = request->currency,
        .method_type = testmethod_provider_method(request->method_type),
        .token = e->facts.token[candidate],
        .country = e->facts.payment.country,
        .customer_ref = request->customer_id,
        .description = request->description,
        .return_url = request->return_url,
        .cancel_url = request->cancel_url,
        .beneficiary = request->beneficiary,
    };
}

/* Whoever is first must be able to express it: as in the driver, those behind are not asked. */
static void ask_adapters(struct explaining *e)
{
    struct route_decision *decision = &e->decision;
    while (decision->kept_count > 0) {
        struct error err;
        size_t candidate = decision->verdict[0].candidate;
        struct provider_call call = call_of(e, candidate);
        struct provider_facts learned = {0};
        struct provider_request built = {0};
        const struct provider *provider = call.account->provider;
        if (provider->next(&call, &learned, &e->arena, &built, &err) == PROVIDER_NEXT_SEND)
            return;
        e->refusal[candidate] = arena_str(&e->arena, str_of(err.text));
        e->last_refusal = e->refusal[candidate];
        route_decision_drop(decision, 0, ROUTE_REFUSED);
    }
}

static void decide(struct explaining *e, uint64_t draw)
{
    const struct explain_asked *asked = e->asked;
    int64_t now_us = clock_wall_us();
    const struct facts_source source = {
        .parts = e->parts,
        .merchant = asked->merchant,
        .request = asked->request,
        .told = asked->told,
        .at_us = asked->at_us > 0 ? asked->at_us : now_us,
        .wall_us = asked->at_us > 0 ? asked->at_us : now_us,
    };
    facts_lay_out(&source, &e->facts);
    pick_rules(e);
    route_decide(e->pick.rules, &e->facts.payment, e->facts.candidate, e->facts.count, draw,
                 &e->said);
    e->decision = e->said;
    if (!asked->is_offline)
        ask_adapters(e);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void put_known(struct json_out *json, const char *key, struct str text)
{
    if (text.len > 0)
        json_put_str(json, key, text);
}

void explain_print_facts(const struct route_facts *facts, struct json_out *json)
{
    char time[CLOCK_TEXT_SIZE];
    json_key(json, "facts");
    json_begin_object(json);
    json_put_cstr(json, "operation", operation_name(facts->operation));
    json_put_int(json, "amount", facts->amount_minor);
    json_put_cstr(json, "currency", facts->currency->code);
    put_known(json, "merchant", facts->merchant);
    put_known(json, "method", facts->method);
    put_known(json, "country", facts->country);
    put_known(json, "card_brand", facts->card_brand);
    put_known(json, "card_country", facts->card_country);
    put_known(json, "bin", facts->bin);
    put_known(json, "beneficiary_country", facts->beneficiary_country);
    put_known(json, "reference", facts->reference);
    put_known(json, "customer", facts->customer);
    json_put_int(json, "attempt", facts->attempt == 0 ? 1 : facts->attempt);
    put_known(json, "previous_decline", facts->previous_decline);
    put_known(json, "previous_reason", facts->previous_reason);
    json_put_str(json, "at", clock_format_ms(facts->now_us, time));
    json_end_object(json);
}

/* Who would be asked first; or what the merchant would be told instead. */
static void put_outcome(struct explaining *e, struct json_out *json)
{
    if (e->decision.kept_count > 0) {
        const struct route_candidate *first = &e->facts.candidate[e->decision.verdict[0].candidate];
        json_put_str(json, "provider", first->provider);
        json_put_str(json, "account", first->account_name);
        json_put_null(json, "problem");
        return;
    }
    struct no_route why;
    const struct no_route_asked asked = {
        .rules = e->pick.rules,
        .facts = &e->facts,
        .decision = &e->decision,
        .refusal = e->last_refusal,
    };
    no_route_find(&asked, &e->arena, &why);
    json_put_null(json, "provider");
    json_put_null(json, "account");
    json_key(json, "problem");
    json_begin_object(json);
    json_put_cstr(json, "code", message_entry(why.problem)->code);
    json_put_int(json, "status", message_entry(why.problem)->status);
    json_put_str(json, "detail", why.detail);
    json_end_object(json);
}

static void put_refusals(const struct explaining *e, struct json_out *json)
{
    json_key(json, "refusals");
    json_begin_array(json);
    for (size_t i = 0; i < e->facts.count; i++) {
        if (e->refusal[i].len == 0)
            continue;
        json_begin_object(json);
        json_put_str(json, "provider", e->facts.candidate[i].provider);
        json_put_str(json, "account", e->facts.candidate[i].account_name);
        json_put_str(json, "detail", e->refusal[i]);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_record(const struct explaining *e, struct json_out *json)
{
    const struct decision_record record = {&e->pick, &e->facts, &e->said, &e->decision};
    struct rulebook_pick canary;
    struct buf text;
    buf_init(&text, 2 * (size_t)DECISION_RECORD_BYTES_MAX);
    (void)decision_record_print(&record, &text);
    json_put_raw(json, "decision", buf_str(&text));
    buf_release(&text);
    bool is_live = e->asked->rules == NULL;
    if (is_live && rulebook_pick_arm(&e->asked->merchant->rules, RULES_ARM_CANARY, &canary))
        (void)decision_record_print_other(&record, "canary_set", canary.rules, canary.version,
                                          json);
}

static void explain(const struct payments_parts *parts, const struct explain_asked *asked,
                    uint64_t draw, struct buf *out)
{
    struct json_out json;
    struct explaining *e = calloc(1, sizeof(*e));
    CHECK(e != NULL);
    e->parts = parts;
    e->asked = asked;
    arena_init(&e->arena, ARENA_BYTES_MAX);
    decide(e, draw);
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "routing_explanation");
    put_outcome(e, &json);
    explain_print_facts(&e->facts.payment, &json);
    route_explain(e->pick.rules, &e->facts.payment, e->facts.candidate, e->facts.count, &json);
    put_refusals(e, &json);
    put_record(e, &json);
    json_put_bool(&json, "livemode", asked->merchant->livemode);
    json_end_object(&json);
    arena_release(&e->arena);
    free(e);
}

void explain_payment(struct payments *payments, const struct explain_asked *asked, struct buf *out)
{
    explain(&payments->parts, asked, asked->has_draw ? asked->draw : rng_next(&payments->rng), out);
}

void explain_offline(const struct payments_parts *parts, const struct explain_asked *asked,
                     struct buf *out)
{
    uint64_t draw = asked->draw;
    if (!asked->has_draw)
        rng_fill(&draw, sizeof(draw));
    explain(parts, asked, draw, out);
}

/*
 * How PayPal's answers are read: from the innermost fact outwards.
 *
 *     capture, authorization or refund object    its status decides, its processor code says why
 *     else the order                             its status decides
 *     else the error's issue                     table paypal_codes.c
 *     else the error's name and HTTP status      readable 400, 403, 404, 415, 422: did nothing
 *     else                                       unknown
 */
#include "providers/paypal.h"

#include <string.h>

#include "base/clock.h"
#include "providers/adapter.h"
#include "providers/decline.h"
#include "providers/paypal_codes.h"

struct state {
    const char *status;
    enum outcome outcome;
    const char *reason;
};

/* clang-format off */

static const struct state capture_states[] = {
    {"COMPLETED",          OUTCOME_APPROVED,      "approved"},
    {"PARTIALLY_REFUNDED", OUTCOME_APPROVED,      "approved"},
    {"REFUNDED",           OUTCOME_APPROVED,      "approved"},
    {"PENDING",            OUTCOME_PENDING,       "pending"},
    {"DECLINED",           OUTCOME_DECLINED_SOFT, "declined"},
    {"FAILED",             OUTCOME_FAILED,        "capture_failed"},
    {NULL, OUTCOME_NONE, NULL},
};

static const struct state authorization_states[] = {
    {"CREATED",            OUTCOME_APPROVED,      "approved"},
    {"CAPTURED",           OUTCOME_APPROVED,      "approved"},
    {"PARTIALLY_CAPTURED", OUTCOME_APPROVED,      "approved"},
    {"PENDING",            OUTCOME_PENDING,       "pending"},
    {"DENIED",             OUTCOME_DECLINED_SOFT, "declined"},
    {"VOIDED",             OUTCOME_FAILED,        "already_voided"},
    {NULL, OUTCOME_NONE, NULL},
};

/* What a reauthorization made: whatever became of it since, it took the place of the one before. */
static const struct state reauthorization_states[] = {
    {"CREATED",            OUTCOME_APPROVED,      "approved"},
    {"CAPTURED",           OUTCOME_APPROVED,      "approved"},
    {"PARTIALLY_CAPTURED", OUTCOME_APPROVED,      "approved"},
    {"VOIDED",             OUTCOME_APPROVED,      "approved"},
    {"PENDING",            OUTCOME_PENDING,       "pending"},
    {"DENIED",             OUTCOME_DECLINED_SOFT, "declined"},
    {NULL, OUTCOME_NONE, NULL},
};

static const struct state refund_states[] = {
    {"COMPLETED", OUTCOME_APPROVED, "approved"},
    {"PENDING",   OUTCOME_PENDING,  "pending"},
    {"FAILED",    OUTCOME_FAILED,   "refund_failed"},
    {"CANCELLED", OUTCOME_FAILED,   "refund_canceled"},
    {NULL, OUTCOME_NONE, NULL},
};

/* The authorization a void acts on; only VOIDED proves it, the rest may still be on its way. */
static const struct state void_states[] = {
    {"VOIDED",             OUTCOME_APPROVED, "approved"},
    {"CAPTURED",           OUTCOME_FAILED,   "already_captured"},
    {"DENIED",             OUTCOME_FAILED,   "authorization_denied"},
    {"CREATED",            OUTCOME_UNKNOWN,  "not_voided"},
    {"PENDING",            OUTCOME_UNKNOWN,  "not_voided"},
    {"PARTIALLY_CAPTURED", OUTCOME_UNKNOWN,  "not_voided"},
    {NULL, OUTCOME_NONE, NULL},
};

/* An order without capture or authorization in it. */
static const struct state order_states[] = {
    {"PAYER_ACTION_REQUIRED", OUTCOME_REQUIRES_ACTION, "payer_action_required"},
    {"CREATED",               OUTCOME_REQUIRES_ACTION, "payer_action_required"},
    {"APPROVED",              OUTCOME_PENDING,         "approved_by_payer"},
    {"SAVED",                 OUTCOME_PENDING,         "pending"},
    {"VOIDED",                OUTCOME_FAILED,          "order_voided"},
    {NULL, OUTCOME_NONE, NULL},
};

static const enum outcome meaning_outcomes[] = {
    [PAYPAL_MEANS_NONE]      = OUTCOME_UNKNOWN,
    [PAYPAL_MEANS_FAILED]    = OUTCOME_FAILED,
    [PAYPAL_MEANS_SOFT]      = OUTCOME_DECLINED_SOFT,
    [PAYPAL_MEANS_HARD]      = OUTCOME_DECLINED_HARD,
    [PAYPAL_MEANS_ACTION]    = OUTCOME_REQUIRES_ACTION,
    [PAYPAL_MEANS_UNKNOWN]   = OUTCOME_UNKNOWN,
    [PAYPAL_MEANS_DUPLICATE] = OUTCOME_UNKNOWN,
};

/* clang-format on */

/* What all the steps of reading one answer share. */
struct reading {
    const struct provider_call *call; /* NULL for a probe */
    enum provider_step step;
    struct arena *arena;
    struct provider_judgement *out;
};

static const struct state *find_state(const struct state *states, struct str status)
{
    for (; states->status != NULL; states++) {
        if (str_eq(status, str_of(states->status)))
            return states;
    }
    return NULL;
}

/* {"currency_code", "value"}; false: it is there and cannot be read. */
static bool read_amount(const json_t *amount, int64_t *minor, char code[4])
{
    const struct currency *currency = currency_find(json_text(amount, "currency_code"));

    if (currency == NULL || !adapter_read_amount(json_text(amount, "value"), currency, minor))
        return false;
    memcpy(code, currency->code, sizeof(currency->code));
    return true;
}

static bool read_money(const json_t *object, struct provider_judgement *out)
{
    const json_t *amount = json_path(object, "amount");
    const json_t *fee = json_path(object, "seller_receivable_breakdown.paypal_fee");
    char fee_currency[4] = "";

    if (amount != NULL) {
        if (!read_amount(amount, &out->amount_minor, out->currency))
            return false;
        out->has_amount = true;
    }
    if (fee != NULL && out->has_amount && read_amount(fee, &out->fee_minor, fee_currency))
        out->has_fee = strcmp(fee_currency, out->currency) == 0;
    return true;
}

static void decide_by_code(struct provider_judgement *out, const struct paypal_code *code)
{
    adapter_decide(out, meaning_outcomes[code->meaning], code->reason);
    out->duplicate = code->meaning == PAYPAL_MEANS_DUPLICATE;
    out->in_progress = code->meaning == PAYPAL_MEANS_UNKNOWN;
}

/* Why a capture or authorization was declined: the card processor's words, and the network's
 * advice. */
static void judge_decline(const json_t *object, struct provider_judgement *out)
{
    const struct str response = json_path_text(object, "processor_response.response_code");
    const struct str advice = json_path_text(object, "processor_response.payment_advice_code");
    const struct paypal_code *code = paypal_response_find(response);

    if (response.len > 0)
        adapter_set_code(out, response);
    if (code != NULL)
        decide_by_code(out, code);
    const struct decline_code *advised = decline_code_find(advice);
    if (advised == NULL ||
        (out->outcome != OUTCOME_DECLINED_SOFT && out->outcome != OUTCOME_DECLINED_HARD))
        return;
    provider_fact_set(&out->facts, STR(PROVIDER_FACT_ADVICE), str_of(advised->code));
    if (advised->is_hard)
        out->outcome = OUTCOME_DECLINED_HARD;
}

/* What a capture, void or reauthorization acts on bears the reference of who authorized it. */
static bool bears_own_reference(enum operation operation)
{
    return operation != OPERATION_VOID && operation != OPERATION_CAPTURE &&
           operation != OPERATION_REAUTHORIZE;
}

static int64_t read_hold_end(const json_t *object)
{
    struct error ignored;
    int64_t ends_us = 0;
    return clock_parse(json_text(object, "expiration_time"), &ends_us, &ignored) ? ends_us : 0;
}

static void judge_object(const struct reading *r, const json_t *object, const struct state *states,
                         struct str fact)
{
    const struct state *state = find_state(states, json_text(object, "status"));
    const struct str id = json_text(object, "id");
    const struct str custom_id = json_text(object, "custom_id");

    if (state == NULL || !adapter_is_part(id))
        return;
    if (custom_id.len > 0 && bears_own_reference(r->call->operation) &&
        !str_eq(custom_id, r->call->attempt_ref)) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "reference_mismatch");
        return;
    }
    if (!read_money(object, r->out)) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "amount_unreadable");
        return;
    }
    r->out->reference = arena_str(r->arena, id);
    if (fact.len > 0)
        provider_fact_set(&r->out->facts, fact, r->out->reference);
    adapter_decide(r->out, state->outcome, state->reason);
    r->out->hold_ends_us = read_hold_end(object);
    adapter_set_code(r->out, json_path_text(object, "status_details.reason"));
    if (state->outcome == OUTCOME_DECLINED_SOFT)
        judge_decline(object, r->out);
}

/* Of several captures in one order the one that moved money counts, then one that still may. */
static const json_t *choose_payment(const json_t *list, const struct state *states)
{
    const json_t *chosen = NULL;
    int best = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *object = json_array_get(list, i);
        const struct state *state = find_state(states, json_text(object, "status"));
        const int rank = state == NULL                        ? 4
                         : state->outcome == OUTCOME_APPROVED ? 3
                         : state->outcome == OUTCOME_PENDING  ? 2
                                                              : 1;
        if (rank >= best) {
            best = rank;
            chosen = object;
        }
    }
    return chosen;
}

static struct str find_link(const json_t *object, struct str rel)
{
    const json_t *links = json_path(object, "links");

    for (size_t i = 0; i < json_array_size(links); i++) {
        const json_t *link = json_array_get(links, i);
        if (str_eq(json_text(link, "rel"), rel))
            return json_text(link, "href");
    }
    return STR_NONE;
}

/* The payer's link; without one nobody can act, so the payment just waits. */
static void set_action(const struct reading *r, const json_t *object)
{
    struct str url = find_link(object, STR("payer-action"));

    if (url.len == 0)
        url = find_link(object, STR("approve"));
    adapter_set_action(r->out, url, r->arena);
    if (r->out->action_url.len == 0)
        r->out->outcome = OUTCOME_PENDING;
}

static void judge_order(const struct reading *r, const json_t *order)
{
    const bool is_hold = r->call->operation == OPERATION_AUTHORIZE;
    const struct state *states = is_hold ? authorization_states : capture_states;
    const json_t *unit = json_path(order, "purchase_units.0");
    const struct str id = json_text(order, "id");
    const struct str status = json_text(order, "status");
    const struct str custom_id = json_text(unit, "custom_id");
    const struct state *state = find_state(order_states, status);

    if (!adapter_is_part(id))
        return;
    provider_fact_set(&r->out->facts, STR("order_id"), arena_str(r->arena, id));
    if (custom_id.len > 0 && !str_eq(custom_id, r->call->attempt_ref)) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "reference_mismatch");
        return;
    }
    const json_t *payment = choose_payment(
        json_path(unit, is_hold ? "payments.authorizations" : "payments.captures"), states);
    if (payment != NULL) {
        judge_object(r, payment, states, STR_NONE);
        adapter_note_network(r->out, json_path_text(order, "payment_source.card.brand"));
        return;
    }
    if (state == NULL)
        return;
    adapter_decide(r->out, state->outcome, state->reason);
    r->out->may_continue = str_eq(status, STR("APPROVED"));
    r->out->is_inert = state->outcome == OUTCOME_REQUIRES_ACTION || r->out->may_continue;
    if (state->outcome == OUTCOME_REQUIRES_ACTION)
        set_action(r, order);
    else if (state->outcome == OUTCOME_PENDING)
        provider_fact_set(&r->out->facts, STR("order_state"), arena_str(r->arena, status));
}

/* The authorization in force: is it still held? It may be of less than was authorized at first. */
static void judge_successor(const struct reading *r, const json_t *authorization)
{
    if (!str_eq(json_text(authorization, "id"), r->call->held_ref))
        return;
    judge_object(r, authorization, authorization_states, STR_NONE);
    r->out->has_amount = false;
}

static void judge_success(const struct reading *r, const struct provider_answer *answer,
                          const json_t *json)
{
    if (r->call->operation == OPERATION_VOID && answer->status == 204) {
        adapter_decide(r->out, OUTCOME_APPROVED, "approved");
        return;
    }
    if (!json_is_object(json))
        return;
    switch (r->call->operation) {
    case OPERATION_SALE:
    case OPERATION_AUTHORIZE:
        if (r->step == PROVIDER_STEP_LOOKUP && r->call->is_superseded)
            judge_successor(r, json);
        else
            judge_order(r, json);
        break;
    case OPERATION_REAUTHORIZE:
        judge_object(r, json, reauthorization_states, STR("authorization_id"));
        break;
    case OPERATION_CAPTURE:
        judge_object(r, json, capture_states, STR("capture_id"));
        break;
    case OPERATION_REFUND:
        judge_object(r, json, refund_states, STR("refund_id"));
        break;
    case OPERATION_VOID:
        judge_object(r, json, void_states, STR_NONE);
        break;
    case OPERATION_NONE:
    case OPERATION_PAYOUT:
    case OPERATION_COUNT:
        break;
    }
}

/* The issue that decides: of several, one that says the money may have moved. */
static const struct paypal_code *find_issue(const json_t *json, struct str *issue)
{
    const json_t *details = json_path(json, "details");
    const struct paypal_code *found = NULL;

    *issue = STR_NONE;
    for (size_t i = 0; i < json_array_size(details); i++) {
        const struct str text = json_text(json_array_get(details, i), "issue");
        const struct paypal_code *code = paypal_issue_find(text);
        if (issue->len == 0)
            *issue = text;
        if (code != NULL && (found == NULL || code->meaning > found->meaning)) {
            found = code;
            *issue = text;
        }
    }
    return found;
}

/* An issue newer than our table: its name still tells whether something else may be at work. */
static bool sounds_done_before(struct str issue)
{
    static const struct str words[] = {STR_INIT("ALREADY"),  STR_INIT("DUPLICATE"),
                                       STR_INIT("PREVIOUS"), STR_INIT("PROGRESS"),
                                       STR_INIT("PENDING"),  STR_INIT("COMPLETED")};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_find(issue, words[i], 0) != SIZE_MAX)
            return true;
    }
    return false;
}

/*
 * Nothing is left of what it acts on. Had this capture or refund done that itself, its request id
 * would have shown it: PayPal answers an id it knows with what came of it.
 */
static bool is_used_up(enum operation operation, struct str issue)
{
    if (operation == OPERATION_REFUND)
        return str_eq(issue, STR("CAPTURE_FULLY_REFUNDED"));
    return (operation == OPERATION_CAPTURE || operation == OPERATION_REAUTHORIZE) &&
           str_eq(issue, STR("AUTHORIZATION_ALREADY_CAPTURED"));
}

static void judge_refusal(const struct reading *r, int status, const json_t *json)
{
    const struct str name = json_text(json, "name");
    struct str issue;
    const struct paypal_code *code = find_issue(json, &issue);

    adapter_set_code(r->out, issue.len > 0 ? issue : name);
    if (code != NULL) {
        decide_by_code(r->out, code);
        if (code->meaning == PAYPAL_MEANS_ACTION)
            set_action(r, json);
        if (r->call->operation == OPERATION_VOID && str_eq(issue, STR("PREVIOUSLY_VOIDED")))
            r->out->outcome = OUTCOME_APPROVED;
        if (is_used_up(r->call->operation, issue)) {
            r->out->outcome = OUTCOME_FAILED;
            r->out->duplicate = false;
        }
        return;
    }
    if (name.len == 0 || status == 409 || sounds_done_before(issue)) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, name.len == 0 ? "unreadable" : "conflict");
        r->out->in_progress = name.len > 0 && status == 409;
        return;
    }
    if (status == 400 || status == 415 || status == 422)
        adapter_decide(r->out, OUTCOME_FAILED, "invalid_request");
    else if (status == 403)
        adapter_decide(r->out, OUTCOME_FAILED, "account_setup");
    else if (status == 404)
        adapter_decide(r->out, OUTCOME_FAILED, "not_found");
    else
        adapter_decide(r->out, OUTCOME_UNKNOWN, "unexpected_status");
}

static void judge_error(const struct reading *r, int status, const json_t *json)
{
    struct str issue;
    const struct paypal_code *code = find_issue(json, &issue);
    const struct str name = json_text(json, "name");

    if (!adapter_judge_status(r->out, status)) {
        judge_refusal(r, status, json);
        return;
    }
    adapter_set_code(r->out, issue.len > 0 ? issue : name);
    if (status != 401)
        return;
    /* 401 is also how PayPal says that the account is closed: a new token does not help then. */
    if (code != NULL)
        decide_by_code(r->out, code);
    else
        r->out->may_send_again = true;
}

/* What did not answer the question says nothing about the payment. */
static void judge_lookup_error(const struct reading *r, int status)
{
    r->out->not_found = status == 404 && r->out->outcome != OUTCOME_UNKNOWN;
    if (r->out->not_found)
        adapter_decide(r->out, OUTCOME_UNKNOWN, "not_found");
    r->out->outcome = OUTCOME_UNKNOWN;
    r->out->duplicate = false;
    r->out->action_url = STR_NONE;
}

static void judge_probe(const struct reading *r, int status, const json_t *json)
{
    const struct str name = json_text(json, "name");

    if (status == 200 || (status == 404 && name.len > 0)) {
        adapter_decide(r->out, OUTCOME_APPROVED, "approved");
        return;
    }
    adapter_set_code(r->out, name);
    if (!adapter_judge_status(r->out, status))
        adapter_decide(r->out, OUTCOME_FAILED, status == 403 ? "account_setup" : "invalid_request");
}

void paypal_judge(const struct provider_call *call, enum provider_step step,
                  const struct provider_answer *answer, struct arena *arena,
                  struct provider_judgement *judgement)
{
    const struct reading r = {call, step, arena, judgement};
    json_t *json = adapter_parse(answer);

    adapter_judge_init(judgement);
    if (step == PROVIDER_STEP_PROBE) {
        judge_probe(&r, answer->status, json);
    } else if (answer->status >= 200 && answer->status < 300) {
        judge_success(&r, answer, json);
    } else {
        judge_error(&r, answer->status, json);
        if (step != PROVIDER_STEP_CHARGE)
            judge_lookup_error(&r, answer->status);
    }
    json_decref(json);
}

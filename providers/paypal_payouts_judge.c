/*
 * How the answers of PayPal Payouts are read.
 *
 *     the batch's status      DENIED and CANCELED end it, unless its item says SUCCESS; else
 *     its one item's status   decides; why it failed is in the item's errors.name
 *     no item yet             PENDING, whatever the batch says: nobody says that it is paid
 *     an error answer         sender_batch_id seen before: duplicate, and the link names the batch;
 *                             else by its name, else by its HTTP status, else unknown
 *
 * A look-up never says "not found": the batch id came from PayPal, so not knowing it proves
 * nothing.
 */
#include "providers/paypal_payouts.h"

#include <string.h>

#include "providers/adapter.h"

/* Whether errors.name of an item says more than its status. */
enum cause {
    CAUSE_NONE = 0,
    CAUSE_FINAL, /* why it failed */
    CAUSE_ANY,   /* why it is stopped, for good or for now */
};

struct state {
    const char *status;
    enum outcome outcome;
    const char *reason;
    enum cause cause;
};

/* clang-format off */

static const struct state batch_states[] = {
    {"PENDING",    OUTCOME_PENDING, "pending",       CAUSE_NONE},
    {"PROCESSING", OUTCOME_PENDING, "pending",       CAUSE_NONE},
    {"SUCCESS",    OUTCOME_PENDING, "pending",       CAUSE_NONE}, /* worked off: see the item */
    {"DENIED",     OUTCOME_FAILED,  "payout_denied", CAUSE_NONE},
    {"CANCELED",   OUTCOME_FAILED,  "canceled",      CAUSE_NONE},
    {NULL, OUTCOME_NONE, NULL, CAUSE_NONE},
};

static const struct state item_states[] = {
    {"SUCCESS",   OUTCOME_APPROVED,      "approved",      CAUSE_NONE},
    {"PENDING",   OUTCOME_PENDING,       "pending",       CAUSE_NONE},
    {"UNCLAIMED", OUTCOME_PENDING,       "unclaimed",     CAUSE_NONE},
    {"ONHOLD",    OUTCOME_PENDING,       "on_hold",       CAUSE_NONE},
    {"ON_HOLD",   OUTCOME_PENDING,       "on_hold",       CAUSE_NONE},
    {"RETURNED",  OUTCOME_FAILED,        "returned",      CAUSE_NONE},
    {"REFUNDED",  OUTCOME_FAILED,        "returned",      CAUSE_NONE},
    {"REVERSED",  OUTCOME_FAILED,        "returned",      CAUSE_NONE},
    {"FAILED",    OUTCOME_FAILED,        "payout_failed", CAUSE_FINAL},
    {"DENIED",    OUTCOME_FAILED,        "payout_denied", CAUSE_FINAL},
    {"BLOCKED",   OUTCOME_DECLINED_HARD, "blocked",       CAUSE_ANY},
    {NULL, OUTCOME_NONE, NULL, CAUSE_NONE},
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

static void keep_fact(const struct reading *r, struct str name, struct str id)
{
    if (adapter_is_part(id))
        provider_fact_set(&r->out->facts, name, arena_str(r->arena, id));
}

/* {"currency", "value"}; false: it is there and cannot be read. */
static bool read_amount(const json_t *amount, int64_t *minor, char code[4])
{
    const struct currency *currency = currency_find(json_text(amount, "currency"));

    if (currency == NULL || !adapter_read_amount(json_text(amount, "value"), currency, minor))
        return false;
    memcpy(code, currency->code, sizeof(currency->code));
    return true;
}

static bool read_money(const json_t *item, struct provider_judgement *out)
{
    const json_t *amount = json_path(item, "payout_item.amount");

    if (amount == NULL)
        return true;
    out->has_amount = read_amount(amount, &out->amount_minor, out->currency);
    return out->has_amount;
}

/* What is estimated before it is paid is no fee, and in another currency it is not ours to book. */
static void read_fee(const json_t *item, struct provider_judgement *out)
{
    const json_t *fee = json_path(item, "payout_item_fee");
    char currency[4] = "";

    if (fee != NULL && out->has_amount && read_amount(fee, &out->fee_minor, currency))
        out->has_fee = strcmp(currency, out->currency) == 0;
}

/* What only delays a payout (REGULATORY_PENDING) is believed of a blocked item; a failed one has
 * failed. */
static void judge_cause(const struct reading *r, const json_t *item, enum cause cause)
{
    const struct str name = json_path_text(item, "errors.name");
    const struct paypal_payouts_code *code = paypal_payouts_item_code(name);

    if (name.len > 0)
        adapter_set_code(r->out, name);
    if (code == NULL || cause == CAUSE_NONE ||
        (code->outcome == OUTCOME_PENDING && cause == CAUSE_FINAL))
        return;
    adapter_decide(r->out, code->outcome, code->reason);
    r->out->duplicate = code->outcome == OUTCOME_UNKNOWN;
}

/* False: it is the item of another attempt. */
static bool is_ours(const struct reading *r, const json_t *item)
{
    const struct str sender_item_id = json_path_text(item, "payout_item.sender_item_id");

    return sender_item_id.len == 0 || str_eq(sender_item_id, r->call->attempt_ref);
}

/*
 * What an item comes to in a batch that is over without being paid: the batch's word is the last,
 * unless the item's may mean that it was paid all the same.
 */
static const struct state *weigh_batch(const struct state *item, struct str status,
                                       const struct state *batch)
{
    const bool is_canceled = strcmp(batch->status, "CANCELED") == 0;

    if (item == NULL && status.len > 0)
        return NULL;
    if (is_canceled || (item != NULL && item->outcome != OUTCOME_PENDING))
        return is_canceled ? batch : item;
    return find_state(item_states, STR("DENIED"));
}

/* ended: the state of a batch that is over without being paid; NULL: it is not. */
static void judge_item(const struct reading *r, const json_t *item, const struct state *ended)
{
    const struct str status = json_text(item, "transaction_status");
    const struct str item_id = json_text(item, "payout_item_id");
    const struct str transaction_id = json_text(item, "transaction_id");
    const struct state *state = find_state(item_states, status);

    if (!is_ours(r, item)) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "reference_mismatch");
        return;
    }
    keep_fact(r, STR("payout_item_id"), item_id);
    if (adapter_is_part(transaction_id))
        r->out->reference = arena_str(r->arena, transaction_id);
    else if (adapter_is_part(item_id))
        r->out->reference = arena_str(r->arena, item_id);
    if (!read_money(item, r->out)) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "amount_unreadable");
        return;
    }
    adapter_set_code(r->out, status);
    if (ended != NULL && state != NULL && state->outcome == OUTCOME_APPROVED) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "contradiction");
        return;
    }
    if (ended != NULL)
        state = weigh_batch(state, status, ended);
    if (state == NULL) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "unknown_status");
        return;
    }
    adapter_decide(r->out, state->outcome, state->reason);
    if (r->step == PROVIDER_STEP_CANCEL && str_eq(status, STR("RETURNED")))
        adapter_decide(r->out, OUTCOME_FAILED, "canceled");
    if (state->outcome == OUTCOME_APPROVED)
        read_fee(item, r->out);
    else
        judge_cause(r, item, state->cause);
}

static void judge_batch(const struct reading *r, const json_t *json)
{
    const json_t *header = json_path(json, "batch_header");
    const json_t *item = json_path(json, "items.0");
    const struct str id = json_text(header, "payout_batch_id");
    const struct str status = json_text(header, "batch_status");
    const struct str sender = json_path_text(header, "sender_batch_header.sender_batch_id");
    const struct state *state = find_state(batch_states, status);

    if (!adapter_is_part(id))
        return;
    if (sender.len > 0 && !str_eq(sender, r->call->attempt_ref)) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "reference_mismatch");
        return;
    }
    keep_fact(r, STR("payout_batch_id"), id);
    r->out->reference = arena_str(r->arena, id);
    adapter_set_code(r->out, status);
    if (json_array_size(json_path(json, "items")) > 1) { /* ours has one */
        adapter_decide(r->out, OUTCOME_UNKNOWN, "reference_mismatch");
    } else if (state == NULL) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "unknown_status");
    } else if (item != NULL) {
        judge_item(r, item, state->outcome == OUTCOME_FAILED ? state : NULL);
    } else {
        adapter_decide(r->out, state->outcome, state->reason);
    }
}

/* "https://.../v1/payments/payouts/5UXD2E8A7EBQJ": the batch; empty when it is another link. */
static struct str cut_batch_id(struct str href)
{
    static const struct str place = STR_INIT("/v1/payments/payouts/");
    const size_t at = str_find(href, place, 0);

    if (at == SIZE_MAX)
        return STR_NONE;
    struct str id = str_sub(href, at + place.len, href.len);
    id = str_cut(&id, '?');
    return adapter_is_part(id) ? id : STR_NONE;
}

/* The batch that a refused sender_batch_id belongs to: details[].link[], or links where they are
 * elsewhere. */
static struct str find_batch_link(const json_t *json)
{
    static const char *const places[] = {"details.0.link", "details.0.links", "links"};
    struct str id = STR_NONE;

    for (size_t i = 0; i < ARRAY_LEN(places) && id.len == 0; i++) {
        const json_t *links = json_path(json, places[i]);
        for (size_t n = 0; n < json_array_size(links) && id.len == 0; n++)
            id = cut_batch_id(json_text(json_array_get(links, n), "href"));
    }
    return id;
}

/* Any detail of the error, or its message, that speaks of `word`. */
static bool says(const json_t *json, struct str word)
{
    static const char *const members[] = {"field", "issue", "description"};
    const json_t *details = json_path(json, "details");

    for (size_t i = 0; i < json_array_size(details); i++) {
        for (size_t n = 0; n < ARRAY_LEN(members); n++) {
            if (adapter_mentions(json_text(json_array_get(details, i), members[n]), word))
                return true;
        }
    }
    return adapter_mentions(json_text(json, "message"), word);
}

/*
 * USER_BUSINESS_ERROR is what PayPal answers to a sender_batch_id it has seen, and to nothing else
 * that is documented: without a word of another reason it is taken for that.
 */
static bool is_duplicate(const json_t *json, struct str name)
{
    return says(json, STR("already exist")) ||
           (str_eq(name, STR("USER_BUSINESS_ERROR")) &&
            (json_array_size(json_path(json, "details")) == 0 ||
             says(json, STR("sender_batch_id")) || find_batch_link(json).len > 0));
}

static void judge_duplicate(const struct reading *r, const json_t *json)
{
    adapter_decide(r->out, OUTCOME_UNKNOWN, "duplicate");
    r->out->duplicate = true;
    keep_fact(r, STR("payout_batch_id"), find_batch_link(json));
}

static void judge_refusal(const struct reading *r, int status, const json_t *json)
{
    const struct str name = json_text(json, "name");
    const struct paypal_payouts_code *code = paypal_payouts_error_code(name);

    if (name.len == 0) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "unreadable");
    } else if (is_duplicate(json, name)) {
        judge_duplicate(r, json);
    } else if (code != NULL) {
        const bool is_payee = str_eq(name, STR("VALIDATION_ERROR")) && says(json, STR("receiver"));
        adapter_decide(r->out, code->outcome, is_payee ? "invalid_payee" : code->reason);
        r->out->in_progress = strcmp(code->reason, "in_progress") == 0;
    } else if (status == 400 || status == 415 || status == 422) {
        adapter_decide(r->out, OUTCOME_FAILED, "invalid_request");
    } else if (status == 403) {
        adapter_decide(r->out, OUTCOME_FAILED, "account_setup");
    } else if (status == 404) {
        adapter_decide(r->out, OUTCOME_FAILED, "not_found");
    } else {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "unexpected_status");
    }
}

static void judge_error(const struct reading *r, int status, const json_t *json)
{
    const struct str name = json_text(json, "name");

    adapter_set_code(r->out, name.len > 0 ? name : json_text(json, "error"));
    if (adapter_judge_status(r->out, status))
        r->out->may_send_again = status == 401;
    else
        judge_refusal(r, status, json);
}

/* What did not answer the question says nothing about the payout. */
static void judge_lookup_error(const struct reading *r)
{
    r->out->outcome = OUTCOME_UNKNOWN;
    r->out->duplicate = false;
    r->out->facts.count = 0;
}

static void judge_cancel_error(const struct reading *r, int status, const json_t *json)
{
    judge_lookup_error(r);
    if (status != 400)
        return;
    if (str_eq(json_text(json, "name"), STR("ITEM_ALREADY_CANCELLED")))
        adapter_decide(r->out, OUTCOME_FAILED, "canceled");
    else
        adapter_decide(r->out, OUTCOME_UNKNOWN, "cancel_refused");
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

void paypal_payouts_judge(const struct provider_call *call, enum provider_step step,
                          const struct provider_answer *answer, struct arena *arena,
                          struct provider_judgement *judgement)
{
    const struct reading r = {call, step, arena, judgement};
    const bool is_success = answer->status >= 200 && answer->status < 300;
    json_t *json = adapter_parse(answer);

    adapter_judge_init(judgement);
    if (step == PROVIDER_STEP_PROBE) {
        judge_probe(&r, answer->status, json);
    } else if (is_success && step == PROVIDER_STEP_CANCEL) {
        if (json_is_object(json))
            judge_item(&r, json, NULL);
    } else if (is_success) {
        judge_batch(&r, json);
    } else {
        judge_error(&r, answer->status, json);
        if (step == PROVIDER_STEP_CANCEL)
            judge_cancel_error(&r, answer->status, json);
        else if (step != PROVIDER_STEP_CHARGE)
            judge_lookup_error(&r);
    }
    json_decref(json);
}

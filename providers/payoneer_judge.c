/*
 * How Payoneer Checkout's answers are read.
 *
 * An answer says where the transaction stands (status.code, status.reason) and what to do next
 * (interaction.code, interaction.reason). The status decides; the interaction's reason says why it
 * was declined or failed. An answer without a status is an error and is read by its interaction
 * alone.
 */
#include "providers/payoneer.h"

#include <string.h>

#include "providers/adapter.h"

/* What a status means for one kind of operation. */
struct state {
    const char *code;
    enum outcome outcome;
    const char *reason;
};

/* What an interaction reason means, when the status says declined, failed or nothing at all. */
struct cause {
    const char *name;
    enum outcome outcome;
    const char *reason;
};

/* clang-format off */

static const struct state sale_states[] = {
    {"charged",               OUTCOME_APPROVED,      "approved"},
    {"paid_out",              OUTCOME_APPROVED,      "approved"},
    {"charged_back",          OUTCOME_APPROVED,      "charged_back"},
    {"information_requested", OUTCOME_APPROVED,      "disputed"},
    {"dispute_closed",        OUTCOME_APPROVED,      "approved"},
    {"preauthorized",         OUTCOME_PENDING,       "preauthorized"},
    {"pending",               OUTCOME_PENDING,       "pending"},
    {"approval_requested",    OUTCOME_PENDING,       "pending"},
    {"declined",              OUTCOME_DECLINED_SOFT, "declined"},
    {"rejected",              OUTCOME_DECLINED_SOFT, "declined"},
    {"failed",                OUTCOME_FAILED,        "provider_failed"},
    {"aborted",               OUTCOME_FAILED,        "aborted"},
    {"expired",               OUTCOME_FAILED,        "expired"},
    {"canceled",              OUTCOME_FAILED,        "canceled"},
    {NULL, OUTCOME_NONE, NULL},
};

static const struct state authorize_states[] = {
    {"preauthorized",         OUTCOME_APPROVED,      "approved"},
    {"depleated",             OUTCOME_APPROVED,      "approved"},
    {"charged",               OUTCOME_APPROVED,      "approved"},
    {"paid_out",              OUTCOME_APPROVED,      "approved"},
    {"charged_back",          OUTCOME_APPROVED,      "charged_back"},
    {"information_requested", OUTCOME_APPROVED,      "disputed"},
    {"dispute_closed",        OUTCOME_APPROVED,      "approved"},
    {"pending",               OUTCOME_PENDING,       "pending"},
    {"approval_requested",    OUTCOME_PENDING,       "pending"},
    {"declined",              OUTCOME_DECLINED_SOFT, "declined"},
    {"rejected",              OUTCOME_DECLINED_SOFT, "declined"},
    {"failed",                OUTCOME_FAILED,        "provider_failed"},
    {"aborted",               OUTCOME_FAILED,        "aborted"},
    {"expired",               OUTCOME_FAILED,        "expired"},
    {"canceled",              OUTCOME_FAILED,        "canceled"},
    {NULL, OUTCOME_NONE, NULL},
};

static const struct state refund_states[] = {
    {"paid_out", OUTCOME_APPROVED,      "approved"},
    {"pending",  OUTCOME_PENDING,       "pending"},
    {"declined", OUTCOME_DECLINED_SOFT, "declined"},
    {"rejected", OUTCOME_DECLINED_SOFT, "declined"},
    {"failed",   OUTCOME_FAILED,        "provider_failed"},
    {"aborted",  OUTCOME_FAILED,        "aborted"},
    {"expired",  OUTCOME_FAILED,        "expired"},
    {"canceled", OUTCOME_FAILED,        "canceled"},
    {NULL, OUTCOME_NONE, NULL},
};

/* The charge a void acts on; only "canceled" proves it. */
static const struct state void_states[] = {
    {"canceled",      OUTCOME_APPROVED, "approved"},
    {"pending",       OUTCOME_PENDING,  "pending"},
    {"preauthorized", OUTCOME_UNKNOWN,  "not_voided"},
    {"charged",       OUTCOME_FAILED,   "already_captured"},
    {"depleated",     OUTCOME_FAILED,   "already_captured"},
    {"paid_out",      OUTCOME_FAILED,   "already_refunded"},
    {"expired",       OUTCOME_APPROVED, "authorization_expired"},
    {"declined",      OUTCOME_FAILED,   "declined"},
    {"failed",        OUTCOME_FAILED,   "provider_failed"},
    {NULL, OUTCOME_NONE, NULL},
};

static const struct cause causes[] = {
    {"DECLINED",              OUTCOME_DECLINED_SOFT,   "declined"},
    {"EXCEEDS_LIMIT",         OUTCOME_DECLINED_SOFT,   "limit_exceeded"},
    {"BLACKLISTED",           OUTCOME_DECLINED_HARD,   "suspected_fraud"},
    {"BLOCKED",               OUTCOME_DECLINED_HARD,   "restricted_card"},
    {"FRAUD",                 OUTCOME_DECLINED_HARD,   "suspected_fraud"},
    {"RISK_DETECTED",         OUTCOME_DECLINED_HARD,   "suspected_fraud"},
    {"INVALID_ACCOUNT",       OUTCOME_DECLINED_HARD,   "invalid_account"},
    {"EXPIRED_ACCOUNT",       OUTCOME_DECLINED_HARD,   "expired_card"},
    {"ACCOUNT_NOT_ACTIVATED", OUTCOME_DECLINED_HARD,   "invalid_account"},
    {"UNKNOWN_CUSTOMER",      OUTCOME_DECLINED_HARD,   "invalid_account"},
    {"TEMPORARY_FAILURE",     OUTCOME_FAILED,          "processor_unavailable"},
    {"INVALID_REQUEST",       OUTCOME_FAILED,          "invalid_request"},
    {"NO_NETWORKS",           OUTCOME_FAILED,          "account_setup"},
    {"EXPIRED_SESSION",       OUTCOME_FAILED,          "session_expired"},
    {"EXPIRED",               OUTCOME_FAILED,          "session_expired"},
    {"CUSTOMER_ABORT",        OUTCOME_FAILED,          "aborted"},
    {"NETWORK_FAILURE",       OUTCOME_UNKNOWN,         "provider_error"},
    {"SYSTEM_FAILURE",        OUTCOME_UNKNOWN,         "provider_error"},
    {"DUPLICATE_OPERATION",   OUTCOME_UNKNOWN,         "duplicate"},
    {"PENDING",               OUTCOME_UNKNOWN,         "in_progress"},
    {"SCHEDULED",             OUTCOME_UNKNOWN,         "in_progress"},
    {NULL, OUTCOME_NONE, NULL},
};

/* Why, in more detail, where the provider passes on what the card's bank said. */
static const struct cause return_codes[] = {
    {"NON_SUFFICIENT_FUNDS",   OUTCOME_DECLINED_SOFT, "insufficient_funds"},
    {"INVALID_ACCOUNT_NUMBER", OUTCOME_DECLINED_HARD, "invalid_account"},
    {NULL, OUTCOME_NONE, NULL},
};

/* clang-format on */

/* What all the steps of reading one answer share. */
struct reading {
    const struct provider_call *call; /* NULL for a probe */
    enum provider_step step;
    const struct provider_answer *answer;
    const json_t *json;
    struct arena *arena;
    struct provider_judgement *out;
};

static const struct state *find_state(const struct state *states, struct str code)
{
    for (; states->code != NULL; states++) {
        if (str_eq(code, str_of(states->code)))
            return states;
    }
    return NULL;
}

static const struct cause *find_cause(const struct cause *rows, struct str name)
{
    for (; rows->name != NULL; rows++) {
        if (str_eq(name, str_of(rows->name)))
            return rows;
    }
    return NULL;
}

static const struct state *states_of(enum operation operation)
{
    switch (operation) {
    case OPERATION_AUTHORIZE:
        return authorize_states;
    case OPERATION_VOID:
        return void_states;
    case OPERATION_REFUND:
        return refund_states;
    case OPERATION_NONE:
    case OPERATION_SALE:
    case OPERATION_CAPTURE:
    case OPERATION_REAUTHORIZE:
    case OPERATION_PAYOUT:
    case OPERATION_COUNT:
        break;
    }
    return sale_states;
}

static void keep_fact(const struct reading *r, struct str name, struct str id)
{
    if (adapter_is_part(id))
        provider_fact_set(&r->out->facts, name, arena_str(r->arena, id));
}

static void decide_by_cause(const struct reading *r, const struct cause *cause)
{
    adapter_decide(r->out, cause->outcome, cause->reason);
    r->out->duplicate = strcmp(cause->name, "DUPLICATE_OPERATION") == 0;
    r->out->in_progress = strcmp(cause->reason, "in_progress") == 0;
}

/* Declined or failed: the interaction says why, the return code sometimes more exactly. */
static void refine(const struct reading *r)
{
    const struct str reason = json_path_text(r->json, "interaction.reason");
    const struct cause *cause = find_cause(causes, reason);
    const struct cause *detail =
        find_cause(return_codes, json_path_text(r->json, "returnCode.name"));
    const enum outcome outcome = r->out->outcome;

    if (cause != NULL)
        decide_by_cause(r, cause);
    /* The status is the provider's final word on a later look; a direct answer may be in doubt. */
    if (r->out->outcome == OUTCOME_UNKNOWN && r->step == PROVIDER_STEP_LOOKUP &&
        !str_eq(reason, STR("SYSTEM_FAILURE"))) {
        r->out->outcome = outcome;
        r->out->duplicate = false;
    }
    if (outcome == OUTCOME_DECLINED_SOFT && r->out->outcome == OUTCOME_FAILED)
        r->out->outcome = outcome;
    if (detail != NULL && r->out->outcome != OUTCOME_UNKNOWN)
        adapter_decide(r->out, detail->outcome, detail->reason);
    adapter_note_network(r->out, json_text(r->json, "network"));
}

/* False: an amount is stated and cannot be read. */
static bool read_money(const struct reading *r)
{
    const char *const places[] = {"payment", "clearing"};
    struct str raw;

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const json_t *place = json_path(r->json, places[i]);
        char path[32];
        if (json_path(place, "amount") == NULL)
            continue;
        const struct currency *currency = currency_find(json_text(place, "currency"));
        CHECK(str_copy_to(arena_printf(r->arena, "%s.amount", places[i]), path, sizeof(path)));
        if (currency == NULL || !adapter_raw_value(r->answer->body, path, &raw) ||
            !adapter_read_amount(raw, currency, &r->out->amount_minor))
            return false;
        memcpy(r->out->currency, currency->code, sizeof(currency->code));
        r->out->has_amount = true;
        return true;
    }
    return true;
}

static bool is_contradicted(const struct reading *r)
{
    const struct str code = json_path_text(r->json, "interaction.code");

    return r->step == PROVIDER_STEP_CHARGE &&
           (str_eq(code, STR("ABORT")) || str_eq(code, STR("RETRY")) ||
            str_starts(code, STR("TRY_OTHER")));
}

static void judge_pending(const struct reading *r)
{
    const struct str type = json_path_text(r->json, "redirect.type");

    if (!str_eq(json_path_text(r->json, "interaction.reason"), STR("STRONG_AUTHENTICATION")) &&
        !str_eq(type, STR("PROVIDER")) && !str_eq(type, STR("3DS2-HANDLER")))
        return;
    adapter_set_action(r->out, json_path_text(r->json, "redirect.url"), r->arena);
    if (r->out->action_url.len > 0)
        adapter_decide(r->out, OUTCOME_REQUIRES_ACTION, "payer_action_required");
}

static void keep_reference(const struct reading *r)
{
    const struct str id = json_path_text(r->json, "identification.longId");

    if (!adapter_is_part(id))
        return;
    r->out->reference = arena_str(r->arena, id);
    if (r->call->operation == OPERATION_CAPTURE)
        keep_fact(r, STR("closing_id"), id);
    else if (r->call->operation == OPERATION_REFUND)
        keep_fact(r, STR("payout_id"), id);
    else if (r->call->operation != OPERATION_VOID)
        keep_fact(r, STR("charge_id"), id);
}

/* A charge, closing, payout or cancelation. */
static void judge_transaction(const struct reading *r)
{
    const struct str code = json_path_text(r->json, "status.code");
    const struct state *state = find_state(states_of(r->call->operation), code);
    const struct str ours = json_path_text(r->json, "identification.transactionId");

    adapter_set_code(r->out, json_path_text(r->json, "interaction.reason"));
    if (state == NULL)
        return;
    if (r->call->operation != OPERATION_VOID && ours.len > 0 &&
        !str_eq(ours, r->call->attempt_ref)) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "reference_mismatch");
        return;
    }
    keep_reference(r);
    if (!read_money(r)) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "amount_unreadable");
        return;
    }
    adapter_decide(r->out, state->outcome, state->reason);
    if (state->outcome == OUTCOME_DECLINED_SOFT || state->outcome == OUTCOME_FAILED)
        refine(r);
    else if (state->outcome == OUTCOME_PENDING)
        judge_pending(r);
    else if (is_contradicted(r) ||
             (r->out->reference.len == 0 && r->call->operation != OPERATION_VOID))
        adapter_decide(r->out, OUTCOME_UNKNOWN, "contradiction");
}

static bool is_list(const json_t *json)
{
    return str_eq(json_text(json, "operation"), STR("LIST")) ||
           str_eq(json_path_text(json, "status.code"), STR("listed"));
}

/* The list we charge in, asked what became of it. */
static void judge_list_lookup(const struct reading *r)
{
    const struct str reason = json_path_text(r->json, "status.reason");
    struct str link = json_path_text(r->json, "links.charge");

    adapter_set_code(r->out, reason);
    if (str_eq(reason, STR("list_used"))) {
        for (size_t at = 0; (at = str_find_char(link, '/', 0)) != SIZE_MAX;)
            link = str_sub(link, at + 1, link.len);
        keep_fact(r, STR("charge_id"), link);
        adapter_decide(r->out, r->out->facts.count > 0 ? OUTCOME_NONE : OUTCOME_UNKNOWN,
                       r->out->facts.count > 0 ? "list_used" : "charge_not_named");
        return;
    }
    /* Not used: nothing happened so far, but a charge may still be on its way to the list. */
    adapter_decide(r->out, OUTCOME_UNKNOWN, "not_found");
    r->out->not_found = str_eq(reason, STR("listed")) || str_starts(reason, STR("list_"));
}

static void judge_session(const struct reading *r)
{
    const struct str id = json_path_text(r->json, "identification.longId");
    const struct str ours = json_path_text(r->json, "identification.transactionId");
    const struct cause *cause = find_cause(causes, json_path_text(r->json, "interaction.reason"));

    adapter_set_code(r->out, json_path_text(r->json, "interaction.reason"));
    adapter_decide(r->out, OUTCOME_FAILED, "session_refused");
    if (r->answer->status != 200) {
        if (cause != NULL)
            decide_by_cause(r, cause);
        else
            (void)adapter_judge_status(r->out, r->answer->status);
    } else if (str_eq(json_path_text(r->json, "interaction.code"), STR("PROCEED")) &&
               str_eq(json_path_text(r->json, "status.code"), STR("listed")) &&
               (ours.len == 0 || str_eq(ours, r->call->attempt_ref))) {
        keep_fact(r, STR("list_id"), id);
        if (r->out->facts.count > 0)
            adapter_decide(r->out, OUTCOME_NONE, "listed");
    } else if (cause != NULL) {
        decide_by_cause(r, cause);
    }
    /* A session moves nothing: whatever happened to it, no money did. */
    if (r->out->outcome == OUTCOME_UNKNOWN)
        r->out->outcome = OUTCOME_FAILED;
    r->out->duplicate = false;
}

static void judge_error(const struct reading *r)
{
    const struct str reason = json_path_text(r->json, "interaction.reason");
    const struct cause *cause = find_cause(causes, reason);
    const int status = r->answer->status;

    adapter_set_code(r->out, reason);
    if (adapter_judge_status(r->out, status))
        return;
    if (cause != NULL)
        decide_by_cause(r, cause);
    else if (json_text(r->json, "resultInfo").len == 0)
        adapter_decide(r->out, OUTCOME_UNKNOWN, "unreadable");
    else if (status == 403)
        adapter_decide(r->out, OUTCOME_FAILED, "account_setup");
    else if (status == 404)
        adapter_decide(r->out, OUTCOME_FAILED, "not_found");
    else if (status == 400)
        adapter_decide(r->out, OUTCOME_FAILED, "invalid_request");
    else
        adapter_decide(r->out, OUTCOME_UNKNOWN, "unexpected_status");
}

/* What did not answer the question says nothing about the payment. */
static void judge_lookup_error(const struct reading *r)
{
    judge_error(r);
    r->out->not_found = r->answer->status == 404 && r->out->outcome == OUTCOME_FAILED;
    if (r->out->not_found)
        adapter_decide(r->out, OUTCOME_UNKNOWN, "not_found");
    r->out->outcome = OUTCOME_UNKNOWN;
    r->out->duplicate = false;
}

static void judge_probe(const struct reading *r)
{
    const int status = r->answer->status;

    if (status == 200 || ((status == 400 || status == 404 || status == 422) &&
                          json_text(r->json, "resultInfo").len > 0)) {
        adapter_decide(r->out, OUTCOME_APPROVED, "approved");
        return;
    }
    if (!adapter_judge_status(r->out, status))
        adapter_decide(r->out, OUTCOME_FAILED, status == 403 ? "account_setup" : "invalid_request");
}

static void judge_any(const struct reading *r)
{
    if (r->step == PROVIDER_STEP_PROBE)
        judge_probe(r);
    else if (r->step == PROVIDER_STEP_SESSION)
        judge_session(r);
    else if (r->answer->status != 200 && r->step == PROVIDER_STEP_CHARGE)
        judge_error(r);
    else if (r->answer->status != 200)
        judge_lookup_error(r);
    else if (r->step != PROVIDER_STEP_CHARGE && is_list(r->json))
        judge_list_lookup(r);
    else if (r->json != NULL)
        judge_transaction(r);
}

void payoneer_judge(const struct provider_call *call, enum provider_step step,
                    const struct provider_answer *answer, struct arena *arena,
                    struct provider_judgement *judgement)
{
    json_t *json = adapter_parse(answer);
    const struct reading r = {call, step, answer, json, arena, judgement};

    adapter_judge_init(judgement);
    judge_any(&r);
    json_decref(json);
}

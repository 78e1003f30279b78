/*
 * How the answers of Payoneer Mass Payouts are read.
 *
 *     create     201: accepted, and no more than that
 *     status     the word decides; why is in cancel_reason_* or reason_*. A pending one is ended by a
 *                known code alone, one that we do not know by nothing
 *     an error   speaks of something that exists already: duplicate; else the text says why, as far
 *                as we know its words; else by its HTTP status, else unknown
 *
 * Payoneer's codes are not public, so texts are read for the words that the known ones have.
 */
#include "providers/payoneer_payouts.h"

#include <string.h>

#include "providers/adapter.h"

enum {
    SUB_CODE_NOT_FOUND = 2306,
    ERROR_COUNT_MAX = 16, /* of error_details.errors that are read */
};

struct state {
    struct str status;
    enum outcome outcome;
    const char *reason;
};

/* Why: the code where it is known, else words of the description. */
struct cause {
    struct str code;
    struct str word; /* lower case */
    enum outcome outcome;
    const char *reason;
};

/* clang-format off */

static const struct state states[] = {
    {STR_INIT("Transferred"),   OUTCOME_APPROVED,      "approved"},
    {STR_INIT("Pending"),       OUTCOME_PENDING,       "pending"},
    {STR_INIT("Pending Payee"), OUTCOME_PENDING,       "payee_pending"},
    {STR_INIT("Cancelled"),     OUTCOME_FAILED,        "canceled"},
    {STR_INIT("Canceled"),      OUTCOME_FAILED,        "canceled"},
    {STR_INIT("Rejected"),      OUTCOME_DECLINED_SOFT, "rejected"},
    {STR_INIT("Declined"),      OUTCOME_DECLINED_SOFT, "rejected"},
    {STR_INIT("Failed"),        OUTCOME_FAILED,        "payout_failed"},
    {STR_INIT("Returned"),      OUTCOME_FAILED,        "returned"},
};

static const struct cause causes[] = {
    {STR_INIT("10009"), STR_INIT("inactive"),       OUTCOME_DECLINED_HARD, "payee_inactive"},
    {STR_INIT("30013"), STR_INIT("bank details"),   OUTCOME_DECLINED_HARD, "invalid_bank_details"},
    {STR_INIT(""),      STR_INIT("insufficient"),   OUTCOME_DECLINED_SOFT, "insufficient_balance"},
    {STR_INIT(""),      STR_INIT("not enough"),     OUTCOME_DECLINED_SOFT, "insufficient_balance"},
    {STR_INIT(""),      STR_INIT("payee does not"), OUTCOME_FAILED,        "invalid_payee"},
    {STR_INIT(""),      STR_INIT("payee not"),      OUTCOME_FAILED,        "invalid_payee"},
    {STR_INIT(""),      STR_INIT("payee_id"),       OUTCOME_FAILED,        "invalid_payee"},
    {STR_INIT(""),      STR_INIT("amount"),         OUTCOME_FAILED,        "invalid_amount"},
    {STR_INIT(""),      STR_INIT("currency"),       OUTCOME_FAILED,        "currency_not_supported"},
};

/* Words of a description that contradict "Transferred". */
static const struct str refusing_words[] = {
    STR_INIT("reject"),   STR_INIT("declin"),  STR_INIT("fail"), STR_INIT("cancel"),
    STR_INIT("inactive"), STR_INIT("invalid"), STR_INIT("return"),
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

static const struct state *find_state(struct str status)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (str_eq_nocase(status, states[i].status))
            return &states[i];
    }
    return NULL;
}

static const struct cause *find_cause(struct str code, struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
        if (code.len > 0 && str_eq(code, causes[i].code))
            return &causes[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
        if (adapter_mentions(text, causes[i].word))
            return &causes[i];
    }
    return NULL;
}

/* A number or a string; empty when absent, null or zero. */
static struct str read_code(const struct reading *r, const char *path)
{
    struct str raw = STR_NONE;

    if (!adapter_raw_value(r->answer->body, path, &raw) || str_eq(raw, STR("0")))
        return STR_NONE;
    return raw;
}

/* ---- the status ------------------------------------------------------------------------------ */

/* False: the amount is not there or cannot be read. */
static bool read_money(const struct reading *r)
{
    const struct currency *currency = currency_find(json_path_text(r->json, "result.currency"));
    struct str raw;

    if (currency == NULL || !adapter_raw_value(r->answer->body, "result.amount", &raw) ||
        !adapter_read_amount(raw, currency, &r->out->amount_minor))
        return false;
    memcpy(r->out->currency, currency->code, sizeof(currency->code));
    r->out->has_amount = true;
    return true;
}

static bool is_refusal(struct str code, struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(refusing_words); i++) {
        if (adapter_mentions(text, refusing_words[i]))
            return true;
    }
    return code.len > 0 && find_cause(code, STR_NONE) != NULL;
}

/*
 * While it is pending, words say why it waits ("sanctions list cannot be checked, may be canceled"):
 * only a code that we know to refuse ends it.
 */
static void judge_word(const struct reading *r, const struct state *state, struct str code,
                       struct str text)
{
    const bool is_pending = state != NULL && state->outcome == OUTCOME_PENDING;
    const struct cause *cause = find_cause(code, is_pending ? STR_NONE : text);

    if (state == NULL) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "unknown_status");
        return;
    }
    if (state->outcome == OUTCOME_APPROVED) {
        if (is_refusal(code, text))
            adapter_decide(r->out, OUTCOME_UNKNOWN, "contradiction");
        else
            adapter_decide(r->out, OUTCOME_APPROVED, state->reason);
        return;
    }
    adapter_decide(r->out, state->outcome, state->reason);
    if (cause != NULL && cause->outcome != OUTCOME_FAILED)
        adapter_decide(r->out, cause->outcome, cause->reason);
}

static void judge_status(const struct reading *r)
{
    const json_t *result = json_path(r->json, "result");
    const struct str status = json_text(result, "status");
    const struct str payee = json_text(result, "payee_id");
    const struct state *state = find_state(status);
    struct str code = read_code(r, "result.cancel_reason_code");
    struct str text = json_text(result, "cancel_reason_description");
    struct str payout_id = STR_NONE;

    if (status.len == 0)
        return;
    if (payee.len > 0 && r->call->token.len > 0 && !str_eq(payee, r->call->token)) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "reference_mismatch");
        return;
    }
    if (adapter_raw_value(r->answer->body, "result.payout_id", &payout_id) &&
        adapter_is_part(payout_id))
        r->out->reference = arena_str(r->arena, payout_id);
    if (!read_money(r)) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "amount_unreadable");
        return;
    }
    if (code.len == 0 && text.len == 0) {
        code = read_code(r, "result.reason_code");
        text = json_text(result, "reason_description");
    }
    adapter_set_code(r->out, code.len > 0 ? code : status);
    judge_word(r, state, code, text);
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* Everything that an error says, in one line: its texts and what they are about. */
static struct str gather_text(const struct reading *r)
{
    const json_t *errors = json_path(r->json, "error_details.errors");
    struct str all = arena_printf(r->arena, STR_FMT "; " STR_FMT,
                                  STR_ARG(json_text(r->json, "error_description")),
                                  STR_ARG(json_path_text(r->json, "error_details.target")));

    for (size_t i = 0; i < json_array_size(errors) && i < ERROR_COUNT_MAX; i++) {
        const json_t *one = json_array_get(errors, i);
        all = arena_printf(r->arena, STR_FMT "; " STR_FMT " " STR_FMT, STR_ARG(all),
                           STR_ARG(json_text(one, "target")), STR_ARG(json_text(one, "message")));
    }
    return all;
}

static struct str find_sub_code(const struct reading *r)
{
    static const char *const places[] = {"error_details.errors.0.sub_code",
                                         "error_details.errors.0.code", "error_details.sub_code",
                                         "error_details.code"};
    struct str code = STR_NONE;

    for (size_t i = 0; i < ARRAY_LEN(places) && code.len == 0; i++)
        code = read_code(r, places[i]);
    return code;
}

static bool is_duplicate(struct str text)
{
    return adapter_mentions(text, STR("already")) || adapter_mentions(text, STR("duplicate"));
}

static void judge_refusal(const struct reading *r, struct str sub_code)
{
    const int status = r->answer->status;
    const struct str text = gather_text(r);
    const struct cause *cause = find_cause(sub_code, text);

    if (status == 409 || is_duplicate(text)) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "duplicate");
        r->out->duplicate = true;
    } else if (status == 403) {
        adapter_decide(r->out, OUTCOME_FAILED, "account_setup");
    } else if (status == 404) {
        adapter_decide(r->out, OUTCOME_FAILED, "not_found");
    } else if (status != 400 && status != 415 && status != 422) {
        adapter_decide(r->out, OUTCOME_UNKNOWN, "unexpected_status");
    } else if (cause != NULL) {
        adapter_decide(r->out, cause->outcome, cause->reason);
    } else {
        adapter_decide(r->out, OUTCOME_FAILED, "invalid_request");
    }
}

static void judge_error(const struct reading *r)
{
    const struct str sub_code = find_sub_code(r);
    const int status = r->answer->status;

    adapter_set_code(r->out, sub_code.len > 0 ? sub_code : json_text(r->json, "error"));
    if (adapter_judge_status(r->out, status)) {
        r->out->may_send_again = status == 401;
        if (status == 429)
            r->out->outcome = OUTCOME_UNKNOWN;
    } else if (json_text(r->json, "error").len > 0 ||
               json_text(r->json, "error_description").len > 0) {
        judge_refusal(r, sub_code);
    }
}

/* 404 alone may be the program; only the sub_code says that this payout is not known. */
static bool is_not_found(const struct reading *r)
{
    int64_t code = 0;

    return r->answer->status == 404 &&
           ((json_path_int64(r->json, "error_details.sub_code", &code) &&
             code == SUB_CODE_NOT_FOUND) ||
            (json_path_int64(r->json, "error_details.code", &code) && code == SUB_CODE_NOT_FOUND));
}

/* What did not answer the question says nothing about the payout. */
static void judge_lookup_error(const struct reading *r)
{
    judge_error(r);
    r->out->not_found = r->step == PROVIDER_STEP_LOOKUP && is_not_found(r);
    if (r->out->not_found)
        adapter_decide(r->out, OUTCOME_UNKNOWN, "not_found");
    r->out->outcome = OUTCOME_UNKNOWN;
    r->out->duplicate = false;
}

/* A cancel that was taken is a wish: what becomes of it is asked afterwards. */
static void judge_cancel(const struct reading *r)
{
    const int status = r->answer->status;

    if (status == 200 && json_path(r->json, "result") != NULL) {
        adapter_decide(r->out, OUTCOME_PENDING, "cancel_requested");
        return;
    }
    if (status >= 200 && status < 300)
        return;
    judge_lookup_error(r);
    if (status >= 400 && status < 500 && status != 401 && status != 429)
        adapter_decide(r->out, OUTCOME_UNKNOWN, "cancel_refused");
}

static void judge_probe(const struct reading *r)
{
    const int status = r->answer->status;

    if (status == 200 && json_path(r->json, "result") != NULL) {
        adapter_decide(r->out, OUTCOME_APPROVED, "approved");
        return;
    }
    adapter_set_code(r->out, find_sub_code(r));
    if (!adapter_judge_status(r->out, status))
        adapter_decide(r->out, OUTCOME_FAILED,
                       status == 403 || status == 404 ? "account_setup" : "invalid_request");
}

static void judge_any(const struct reading *r)
{
    const int status = r->answer->status;
    const bool is_success = status >= 200 && status < 300;

    if (r->step == PROVIDER_STEP_PROBE) {
        judge_probe(r);
    } else if (r->step == PROVIDER_STEP_CANCEL) {
        judge_cancel(r);
    } else if (r->step == PROVIDER_STEP_LOOKUP) {
        if (is_success)
            judge_status(r);
        else
            judge_lookup_error(r);
    } else if (status == 201 && json_path(r->json, "result") != NULL) {
        adapter_decide(r->out, OUTCOME_PENDING, "pending");
    } else if (!is_success) {
        judge_error(r);
    }
}

void payoneer_payouts_judge(const struct provider_call *call, enum provider_step step,
                            const struct provider_answer *answer, struct arena *arena,
                            struct provider_judgement *judgement)
{
    json_t *json = adapter_parse(answer);
    const struct reading r = {call, step, answer, json, arena, judgement};

    adapter_judge_init(judgement);
    judge_any(&r);
    json_decref(json);
}

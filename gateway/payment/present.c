#include "payment/present.h"

#include "base/clock.h"
#include "base/json.h"
#include "payment/decision_record.h"
#include "providers/decline.h"
#include "providers/provider.h"

/* The newest outcome row that says something of the attempt; NULL when there is none yet. */
static const struct store_outcome *attempt_outcome(const struct store_attempt_view *attempt)
{
    const struct store_outcome *found = NULL;
    for (size_t i = 0; i < attempt->outcome_count; i++) {
        const struct store_outcome *outcome = &attempt->outcomes[i];
        if (outcome->outcome == OUTCOME_NONE)
            continue;
        bool is_settled = found != NULL && outcome_is_final(found->outcome);
        if (!is_settled || outcome->outcome == OUTCOME_APPROVED)
            found = outcome;
    }
    return found;
}

/* Soft and hard are the router's business; a merchant reads "declined" and why. */
static const char *attempt_status(const struct store_outcome *outcome)
{
    if (outcome == NULL)
        return "processing";
    switch (outcome->outcome) {
    case OUTCOME_DECLINED_SOFT:
    case OUTCOME_DECLINED_HARD:
        return "declined";
    case OUTCOME_NONE:
    case OUTCOME_APPROVED:
    case OUTCOME_PENDING:
    case OUTCOME_REQUIRES_ACTION:
    case OUTCOME_FAILED:
    case OUTCOME_UNKNOWN:
    case OUTCOME_COUNT:
        return outcome_name(outcome->outcome);
    }
    return "processing";
}

static bool has_failed_at_last(const struct store_payment_view *payment)
{
    return payment->status == PAYMENT_DECLINED || payment->status == PAYMENT_FAILED ||
           payment->status == PAYMENT_RETURNED;
}

/* It tells of a decision that left nobody: nothing was begun, and why is said by the one before. */
static bool is_only_recorded(const struct store_attempt_view *attempt)
{
    const struct store_outcome *outcome = attempt_outcome(attempt);
    return attempt->row.number > 1 && outcome != NULL && outcome->outcome == OUTCOME_FAILED &&
           str_eq(outcome->reason, STR(DECISION_NO_ROUTE));
}

/*
 * The attempt that decides what the payment is: the newest. Those before it had ended when it was
 * begun; what is approved of them all the same does not change what the payment came to.
 */
static const struct store_attempt_view *deciding_attempt(const struct store_payment_view *payment)
{
    size_t count = payment->attempt_count;
    CHECK(count == 0 || payment->attempts != NULL);
    while (count > 1 && is_only_recorded(&payment->attempts[count - 1]))
        count--;
    return count > 0 ? &payment->attempts[count - 1] : NULL;
}

/* Why it came to nothing, whatever was approved later. */
static const struct store_outcome *failure_outcome(const struct store_attempt_view *attempt)
{
    for (size_t i = 0; i < attempt->outcome_count; i++) {
        const struct store_outcome *outcome = &attempt->outcomes[i];
        if (outcome_is_final(outcome->outcome) && outcome->outcome != OUTCOME_APPROVED)
            return outcome;
    }
    return attempt_outcome(attempt);
}

static void put_text(struct json_out *json, const char *key, struct str text)
{
    if (text.len > 0)
        json_put_str(json, key, text);
    else
        json_put_null(json, key);
}

static void put_time(struct json_out *json, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    json_put_str(json, key, clock_format_ms(wall_us, text));
}

static void put_object(struct json_out *json, const char *key, struct str object)
{
    json_put_raw(json, key, object.len > 0 ? object : STR("{}"));
}

/* Null, and not empty: it was there, and was erased. */
static void put_personal(struct json_out *json, const struct store_payment *row, const char *key,
                         struct str object)
{
    if (row->erased_us > 0)
        json_put_null(json, key);
    else
        put_object(json, key, object);
}

static void put_money(struct json_out *json, const char *key, int64_t minor)
{
    if (minor >= 0)
        json_put_int(json, key, minor);
    else
        json_put_null(json, key);
}

/* What a decline means for the next try. */
static void print_advice(const struct store_outcome *outcome, struct json_out *json)
{
    struct error ignored;
    json_t *facts = outcome->facts_json.len > sizeof("{}") - 1
                        ? json_parse(outcome->facts_json, &json_limits_default, &ignored)
                        : NULL;
    struct str code = facts != NULL ? json_text(facts, PROVIDER_FACT_ADVICE) : STR_NONE;
    struct decline_told told = decline_tell(outcome->reason, code);
    json_put_cstr(json, "advice", decline_advice_name(told.advice));
    put_text(json, "advice_code", code);
    if (told.wait_hours > 0)
        json_put_int(json, "retry_after_hours", told.wait_hours);
    json_decref(facts);
}

static void print_attempt(const struct store_attempt_view *attempt, struct json_out *json)
{
    char id[ID_TEXT_SIZE];
    const struct store_outcome *outcome = attempt_outcome(attempt);
    json_begin_object(json);
    json_put_str(json, "id", id_format(ID_ATTEMPT, &attempt->row.attempt_id, id));
    json_put_str(json, "provider", attempt->row.provider);
    json_put_str(json, "account", id_format(ID_ACCOUNT, &attempt->row.account_id, id));
    json_put_cstr(json, "operation", operation_name(attempt->row.operation));
    json_put_cstr(json, "status", attempt_status(outcome));
    put_text(json, "reason", outcome != NULL ? outcome->reason : STR_NONE);
    put_text(json, "code", outcome != NULL ? outcome->code : STR_NONE);
    if (outcome != NULL &&
        (outcome->outcome == OUTCOME_DECLINED_SOFT || outcome->outcome == OUTCOME_DECLINED_HARD)) {
        json_put_cstr(json, "decline", outcome->outcome == OUTCOME_DECLINED_SOFT ? "soft" : "hard");
        if (attempt->row.operation == OPERATION_SALE ||
            attempt->row.operation == OPERATION_AUTHORIZE)
            print_advice(outcome, json);
    }
    put_text(json, "provider_reference", outcome != NULL ? outcome->reference : STR_NONE);
    put_money(json, "expected_fee", attempt->row.expected_fee_minor);
    put_money(json, "fee", outcome != NULL ? outcome->fee_minor : -1);
    put_time(json, "started", attempt->row.created_us);
    if (outcome != NULL && outcome_is_final(outcome->outcome))
        put_time(json, "ended", outcome->created_us);
    else
        json_put_null(json, "ended");
    if (attempt->row.number > 1 && attempt->row.decision_json.len > 0)
        json_put_raw(json, "decision", attempt->row.decision_json);
    json_end_object(json);
}

/* Which rule declined the payment after this attempt's forerunner, and the reason it gives. */
static void put_rule(struct json_out *json, const struct store_attempt_view *attempt,
                     const struct store_outcome *outcome)
{
    struct buf detail;
    if (outcome == NULL || !str_eq(outcome->reason, STR(DECISION_RULE_DECLINED)))
        return;
    buf_init(&detail, DECISION_RECORD_BYTES_MAX);
    if (decision_record_refusal(attempt->row.decision_json, &detail) != NULL)
        put_text(json, "detail", buf_str(&detail));
    buf_release(&detail);
}

static void print_failure(const struct store_payment_view *payment, struct json_out *json)
{
    const struct store_attempt_view *attempt = deciding_attempt(payment);
    bool has_failed = has_failed_at_last(payment);
    const struct store_outcome *outcome =
        has_failed && attempt != NULL ? failure_outcome(attempt) : NULL;
    if (!has_failed) {
        json_put_null(json, "failure");
        return;
    }
    json_key(json, "failure");
    json_begin_object(json);
    json_put_str(json, "reason", present_failure_reason(payment));
    put_text(json, "code", outcome != NULL ? outcome->code : STR_NONE);
    put_rule(json, attempt, outcome);
    json_end_object(json);
}

int64_t present_expires_us(const json_t *facts)
{
    int64_t expires_us = 0;
    return str_to_int64(json_text(facts, PRESENT_EXPIRES), &expires_us) ? expires_us : 0;
}

/* Where the payer must go, and until when: the newest facts of these names. */
static void print_next_action(const struct store_payment_view *payment, struct json_out *json)
{
    if (payment->status != PAYMENT_REQUIRES_ACTION)
        return;
    const struct store_attempt_view *attempt = deciding_attempt(payment);
    const struct store_outcome *outcome = attempt != NULL ? attempt_outcome(attempt) : NULL;
    struct error ignored;
    json_t *facts = NULL;
    if (outcome != NULL && outcome->facts_json.len > 0)
        facts = json_parse(outcome->facts_json, &json_limits_default, &ignored);
    struct str url = facts != NULL ? json_text(facts, "action_url") : STR_NONE;
    int64_t expires_us = facts != NULL ? present_expires_us(facts) : 0;
    json_key(json, "next_action");
    json_begin_object(json);
    json_put_cstr(json, "type", "redirect");
    put_text(json, "url", url);
    if (expires_us > 0)
        put_time(json, "expires", expires_us);
    else
        json_put_null(json, "expires");
    json_end_object(json);
    json_decref(facts);
}

static void print_decision(const struct store_payment_view *payment, struct json_out *json)
{
    for (size_t i = 0; i < payment->attempt_count; i++) {
        if (payment->attempts[i].row.decision_json.len > 0) {
            json_put_raw(json, "decision", payment->attempts[i].row.decision_json);
            return;
        }
    }
    json_put_null(json, "decision");
}

struct str present_failure_reason(const struct store_payment_view *payment)
{
    if (!has_failed_at_last(payment))
        return STR_NONE;
    const struct store_attempt_view *attempt = deciding_attempt(payment);
    const struct store_outcome *outcome = attempt != NULL ? failure_outcome(attempt) : NULL;
    return outcome != NULL ? outcome->reason : STR_NONE;
}

static void print_payout_head(const struct store_payment_view *payout,
                              const struct present_frame *frame, struct json_out *json)
{
    char id[ID_TEXT_SIZE];
    const struct store_payment *row = &payout->row;
    struct str status = str_of(payment_status_name(payout->status));
    bool is_canceled =
        false; /* the merchant wants it back, and the provider has not answered yet */
    for (size_t i = 0; i < payout->attempt_count; i++)
        is_canceled = is_canceled || payout->attempts[i].is_canceled;
    json_put_str(json, "id",
                 id_format(ID_PAYOUT, frame != NULL ? &frame->payout_id : &row->payment_id, id));
    json_put_cstr(json, "object", "payout");
    json_put_str(json, "status", frame != NULL && frame->status.len > 0 ? frame->status : status);
    json_put_int(json, "amount", row->amount_minor);
    json_put_str(json, "currency", str_of(row->currency));
    put_text(json, "reference", row->reference);
    json_put_bool(json, "cancel_requested", is_canceled);
    put_personal(json, row, "beneficiary", row->customer_json);
    put_personal(json, row, "metadata", row->metadata_json);
}

static void print_head(const struct store_payment_view *payment, struct json_out *json)
{
    char id[ID_TEXT_SIZE];
    const struct store_payment *row = &payment->row;
    json_put_str(json, "id", id_format(ID_PAYMENT, &row->payment_id, id));
    json_put_cstr(json, "object", "payment");
    json_put_cstr(json, "status", payment_status_name(payment->status));
    json_put_int(json, "amount", row->amount_minor);
    json_put_str(json, "currency", str_of(row->currency));
    json_put_int(json, "amount_authorized", payment->authorized);
    json_put_int(json, "amount_captured", payment->captured);
    json_put_int(json, "amount_refunded", payment->refunded);
    if (payment->status == PAYMENT_AUTHORIZED && payment->hold_ends_us > 0)
        put_time(json, "authorized_until", payment->hold_ends_us);
    json_put_cstr(json, "capture", row->capture_automatic ? "automatic" : "manual");
    put_text(json, "reference", row->reference);
    json_key(json, "method");
    json_begin_object(json);
    json_put_str(json, "type", row->method_type);
    json_end_object(json);
    put_personal(json, row, "customer", row->customer_json);
    put_personal(json, row, "metadata", row->metadata_json);
}

/* What it acts on at the provider stays inside; why it was asked for is the merchant's own. */
static struct str reason_of(const struct store_payment *row, json_t **held)
{
    struct error ignored;
    *held = json_parse(row->routing_json, &json_limits_default, &ignored);
    return *held != NULL ? json_text(*held, "reason") : STR_NONE;
}

static void print_operation_head(const struct store_payment_view *operation, struct json_out *json)
{
    static const enum id_kind kinds[OPERATION_COUNT] = {
        [OPERATION_CAPTURE] = ID_CAPTURE,
        [OPERATION_VOID] = ID_VOID,
        [OPERATION_REFUND] = ID_REFUND,
        [OPERATION_REAUTHORIZE] = ID_REAUTHORIZATION,
    };
    char id[ID_TEXT_SIZE];
    json_t *held = NULL;
    const struct store_payment *row = &operation->row;
    json_put_str(json, "id", id_format(kinds[row->operation], &row->payment_id, id));
    json_put_cstr(json, "object", operation_name(row->operation));
    json_put_str(json, "payment", id_format(ID_PAYMENT, &row->parent_id, id));
    json_put_cstr(json, "status", payment_status_name(operation->status));
    json_put_int(json, "amount", row->amount_minor);
    if (row->operation == OPERATION_CAPTURE)
        json_put_int(json, "amount_refunded", operation->refunded);
    else
        json_put_null(json, "amount_refunded");
    json_put_str(json, "currency", str_of(row->currency));
    put_text(json, "reference", row->reference);
    put_text(json, "reason", reason_of(row, &held));
    put_personal(json, row, "metadata", row->metadata_json);
    json_decref(held);
}

static void print_own_failure(const struct present_frame *frame, struct json_out *json)
{
    json_key(json, "failure");
    json_begin_object(json);
    json_put_str(json, "reason", frame->failure_reason);
    json_put_null(json, "code");
    put_text(json, "detail", frame->failure_detail);
    json_end_object(json);
}

static void present(const struct store_payment_view *payment, const struct present_frame *frame,
                    struct buf *out)
{
    struct json_out json;
    const struct store_attempt_view *deciding = deciding_attempt(payment);
    json_out_init(&json, out);
    json_begin_object(&json);
    if (payment->row.operation != OPERATION_NONE)
        print_operation_head(payment, &json);
    else if (payment->row.is_payout)
        print_payout_head(payment, frame, &json);
    else
        print_head(payment, &json);
    put_text(&json, "provider", deciding != NULL ? deciding->row.provider : STR_NONE);
    if (frame != NULL && frame->failure_reason.len > 0)
        print_own_failure(frame, &json);
    else
        print_failure(payment, &json);
    print_next_action(payment, &json);
    json_key(&json, "attempts");
    json_begin_array(&json);
    for (size_t i = 0; i < payment->attempt_count; i++)
        print_attempt(&payment->attempts[i], &json);
    json_end_array(&json);
    if (payment->row.operation == OPERATION_NONE)
        print_decision(payment, &json);
    put_time(&json, "created", payment->row.created_us);
    if (payment->row.erased_us > 0)
        put_time(&json, "erased", payment->row.erased_us);
    if (payment->row.archived_us > 0)
        put_time(&json, "archived", payment->row.archived_us);
    json_put_bool(&json, "livemode", payment->row.livemode);
    if (frame != NULL)
        buf_add_str(out, frame->members);
    json_end_object(&json);
}

void present_payment(const struct store_payment_view *payment, struct buf *out)
{
    present(payment, NULL, out);
}

void present_payout(const struct store_payment_view *payout, const struct present_frame *frame,
                    struct buf *out)
{
    CHECK(payout->row.is_payout);
    present(payout, frame, out);
}

#include "payment/order_verdict.h"

#include "base/json.h"

enum {
    DETAIL_MAX = 500,
};

static const struct json_limits limits = {
    /* of our own answers */
    .depth_max = 32,
    .member_count_max = 65536,
    .string_bytes_max = 65536,
};

/* Of an attempt whose request surely had no effect, for a cause that passes. */
static const char *const passing[] = {
    "connect_refused", "connect_timeout",   "connect_failed", "tls_failed",
    "dns_failed",      "token_unavailable", "expired",
};

/* Likewise, because somebody had no room for it: that says nothing against another try. */
static const char *const turned_away[] = {"rate_limited", "busy", "breaker_open"};

static bool is_one_of(struct str reason, const char *const *reasons, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(reason, str_of(reasons[i])))
            return true;
    }
    return false;
}

/* One that nobody could take, or express, was never sent: it says nothing of the others. */
static bool all_passed(const json_t *attempts, bool *is_free)
{
    size_t count = 0;
    *is_free = false;
    for (size_t i = 0; i < json_array_size(attempts); i++) {
        const json_t *attempt = json_array_get(attempts, i);
        struct str reason = json_text(attempt, "reason");
        if (!str_eq(json_text(attempt, "status"), STR("failed")))
            return false;
        if (is_one_of(reason, turned_away, ARRAY_LEN(turned_away)))
            *is_free = true;
        else if (is_one_of(reason, passing, ARRAY_LEN(passing)))
            count++;
        else if (!str_eq(reason, STR("not_expressible")) && !str_eq(reason, STR("no_route")))
            return false;
    }
    return count > 0 || *is_free;
}

/* Its newest attempt has no outcome yet: somebody has it in hand, and holds its key. */
static bool is_in_hand(const json_t *attempts)
{
    size_t count = json_array_size(attempts);
    return count > 0 &&
           str_eq(json_text(json_array_get(attempts, count - 1), "status"), STR("processing"));
}

/* The payout exists: the answer is its object. */
static struct order_verdict judge_payout(const struct payment_reply *reply, struct arena *arena)
{
    struct order_verdict verdict = {.kind = ORDER_VERDICT_BEGUN};
    struct error ignored;
    json_t *payout = json_parse(reply->body, &limits, &ignored);
    struct str status = json_text(payout, "status");
    struct str reason = json_path_text(payout, "failure.reason");
    if (payment_status_is_final(payment_status_find(status)))
        verdict.status = arena_str(arena, status);
    verdict.reason = arena_str(arena, reason);
    if (str_eq(status, STR("failed")) &&
        all_passed(json_object_get(payout, "attempts"), &verdict.is_free))
        verdict.kind = ORDER_VERDICT_RETRY;
    if (str_eq(status, STR("processing")) && is_in_hand(json_object_get(payout, "attempts"))) {
        verdict.kind = ORDER_VERDICT_WAIT;
        verdict.reason = STR("in_progress");
    }
    json_decref(payout);
    return verdict;
}

/*
 * A key that is in use, or whose payment is not to be seen yet, is ours: ask again later. Who
 * disables an account stops what would go by it; he does not end it.
 */
static enum order_verdict_kind kind_of(const struct payment_reply *reply)
{
    const struct message_entry *entry = message_entry(reply->problem);
    bool is_passing_problem = entry->status >= 500 || entry->status == 429 ||
                              reply->problem == MESSAGE_KEY_IN_USE ||
                              (reply->problem == MESSAGE_NO_ROUTE && reply->retry_after_s > 0);
    return is_passing_problem ? ORDER_VERDICT_WAIT : ORDER_VERDICT_FAILED;
}

/* At a character's edge. */
static struct str cut(struct str text, size_t len)
{
    if (text.len <= len)
        return text;
    while (len > 0 && ((unsigned char)text.at[len] & 0xc0) == 0x80)
        len--;
    return str_sub(text, 0, len);
}

struct order_verdict order_judge(const struct payment_reply *reply, struct arena *arena)
{
    if (reply->problem == MESSAGE_NONE)
        return judge_payout(reply, arena);
    struct order_verdict verdict = {
        .kind = kind_of(reply),
        .reason = str_of(message_entry(reply->problem)->code),
        .detail = arena_str(arena, cut(reply->problem_detail, DETAIL_MAX)),
    };
    if (verdict.kind == ORDER_VERDICT_FAILED)
        verdict.status = STR("failed");
    if (verdict.detail.len == 0 && reply->problem_payment.len > 0)
        verdict.detail = arena_str(arena, reply->problem_payment);
    return verdict;
}

int64_t order_pause_ms(int64_t first_ms, int64_t most_ms, int32_t count, uint32_t random)
{
    int64_t pause_ms = first_ms;
    for (int32_t i = 0; i < count && pause_ms < most_ms; i++)
        pause_ms *= 2;
    if (pause_ms > most_ms)
        pause_ms = most_ms;
    return pause_ms / 2 + (int64_t)(random % (uint64_t)(pause_ms / 2 + 1));
}

#include "payment/board.h"

#include "base/clock.h"
#include "ledger/holds.h"

enum {
    DEGRADED_BELOW_PER_MILLION = 950000,
};

/* Of the calls in the breaker's window: did the provider answer? */
static int64_t answered_per_million(const struct health_view *health)
{
    return health->calls == 0
               ? 1000000
               : (int64_t)(health->calls - health->failures) * 1000000 / health->calls;
}

const char *board_state(const struct board_entry *entry)
{
    struct hold hold;
    if (entry->account->disabled) {
        return "disabled";
    }
    if (holds_now(entry->account->holds, entry->now_wall_us, &hold)) {
        return hold_kind_name(hold.kind);
    }
    if (!str_is_empty(entry->problem)) {
        return "unusable";
    }
    if (entry->health->state == HEALTH_OPEN) {
        return "down";
    }
    bool is_degraded = entry->health->state == HEALTH_HALF_OPEN || entry->health->is_slow ||
                       answered_per_million(entry->health) < DEGRADED_BELOW_PER_MILLION;
    return is_degraded ? "degraded" : "healthy";
}

/* Thousandths as a JSON number, without a double: 998 -> 0.998. */
static void put_thousandths(struct json_out *out, const char *key, int64_t thousandths)
{
    char text[MONEY_TEXT_SIZE];
    json_put_raw(out, key, money_format(thousandths, 3, text));
}

static void put_latency(const struct board_entry *entry, struct json_out *out)
{
    const struct health_view *health = entry->health;
    json_key(out, "latency_ms");
    json_begin_object(out);
    put_thousandths(out, "p50", health->p50_us);
    put_thousandths(out, "p95", health->p95_us);
    put_thousandths(out, "p99", health->p99_us);
    put_thousandths(out, "usual_p95", entry->history->usual_p95_us);
    put_thousandths(out, "slow_above", entry->history->slow_bound_us);
    json_end_object(out);
}

static void put_time(struct json_out *out, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    if (wall_us == 0) {
        json_put_null(out, key);
    } else {
        json_put_str(out, key, clock_format_ms(wall_us, text));
    }
}

static int64_t wall_of(const struct board_entry *entry, int64_t mono_us)
{
    return entry->now_wall_us + mono_us - entry->now_us;
}

static void put_events(const struct board_entry *entry, const char *key, const char *length_key,
                       const struct trail_event *events, size_t count, struct json_out *out)
{
    json_key(out, key);
    json_begin_array(out);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(out);
        put_time(out, "at", wall_of(entry, events[i].at_us));
        json_put_cstr(out, "why", events[i].text);
        json_put_int(out, length_key, events[i].length_us / CLOCK_MS_US);
        json_end_object(out);
    }
    json_end_array(out);
}

/* What became of its payments in the last hour. */
static void put_outcomes(const struct board_entry *entry, struct json_out *out)
{
    static const char *const names[OUTCOMES_KIND_COUNT] = {
        [OUTCOMES_APPROVED] = "approved",
        [OUTCOMES_DECLINED] = "declined",
        [OUTCOMES_UNKNOWN] = "unknown",
        [OUTCOMES_FAILED] = "failed",
    };
    json_key(out, "outcomes");
    json_begin_object(out);
    for (unsigned i = 0; i < OUTCOMES_KIND_COUNT; i++) {
        json_put_int(out, names[i], entry->history->hour.count[i]);
    }
    put_thousandths(out, "success_rate", entry->health->success_per_million / 1000);
    json_put_int(out, "decisions", entry->health->decisions);
    json_end_object(out);
}

static void put_window(const char *key, const struct outcomes_counts *counts, struct json_out *out)
{
    json_key(out, key);
    json_begin_object(out);
    json_put_int(out, "payments", outcomes_sum(counts));
    json_put_int(out, "approved", counts->count[OUTCOMES_APPROVED]);
    json_end_object(out);
}

static void put_success(const struct board_entry *entry, struct json_out *out)
{
    json_key(out, "success");
    json_begin_object(out);
    put_window("minute", &entry->history->minute, out);
    put_window("quarter", &entry->history->quarter, out);
    put_window("hour", &entry->history->hour, out);
    json_end_object(out);
}

static void put_hold(const struct board_entry *entry, struct json_out *out)
{
    struct hold hold;
    json_key(out, "hold");
    if (!holds_now(entry->account->holds, entry->now_wall_us, &hold)) {
        json_null_value(out);
        return;
    }
    json_begin_object(out);
    json_put_cstr(out, "state", hold_kind_name(hold.kind));
    json_put_str(out, "reason", hold.reason);
    json_put_str(out, "author", hold.author);
    put_time(out, "until", hold.until_us);
    json_end_object(out);
}

static void put_other_hosts(const struct board_entry *entry, struct json_out *out)
{
    json_key(out, "other_hosts");
    if (entry->history->hint[0] == '\0') {
        json_null_value(out);
        return;
    }
    json_begin_object(out);
    json_put_cstr(out, "says", entry->history->hint);
    json_put_int(out, "age_ms", entry->history->hint_age_us / CLOCK_MS_US);
    json_end_object(out);
}

static void put_breaker(const struct board_entry *entry, struct json_out *out)
{
    const struct health_view *health = entry->health;
    const struct health_history *history = entry->history;
    int64_t retry_wall_us = health->retry_us == 0 ? 0 : wall_of(entry, health->retry_us);
    json_key(out, "breaker");
    json_begin_object(out);
    json_put_cstr(out, "state", health_state_name(health->state));
    json_put_cstr(out, "why", health->why);
    put_time(out, "retry_at", retry_wall_us);
    json_put_int(out, "flapping", health->level);
    put_events(entry, "openings", "pause_ms", history->opening, history->opening_count, out);
    put_events(entry, "failures", "after_ms", history->failure, history->failure_count, out);
    json_end_object(out);
}

static void put_fee(const struct board_entry *entry, struct json_out *out)
{
    int64_t amount = 100;
    int64_t fee = 0;
    json_key(out, "expected_fee");
    for (unsigned i = 0; entry->currency != NULL && i < entry->currency->exponent; i++) {
        amount *= 10;
    }
    struct cost_facts facts = {
        .operation = OPERATION_SALE,
        .amount_minor = amount,
        .currency = entry->currency,
        .method = STR("card"),
    };
    if (entry->currency == NULL || entry->cost == NULL ||
        !cost_expected(entry->cost, &facts, &fee)) {
        json_null_value(out);
        return;
    }
    json_begin_object(out);
    json_put_int(out, "of_amount", amount);
    json_put_cstr(out, "currency", entry->currency->code);
    json_put_int(out, "fee", fee);
    json_end_object(out);
}

void board_print(const struct board_entry *entry, struct json_out *out)
{
    const struct health_view *health = entry->health;
    char id[ID_TEXT_SIZE];
    json_begin_object(out);
    json_put_str(out, "account", id_format(ID_ACCOUNT, &entry->account->account_id, id));
    json_put_str(out, "merchant", id_format(ID_MERCHANT, &entry->account->merchant_id, id));
    json_put_str(out, "provider", entry->account->provider);
    json_put_str(out, "name", entry->account->name);
    json_put_cstr(out, "state", board_state(entry));
    put_thousandths(out, "success_rate", answered_per_million(health) / 1000);
    json_put_int(out, "calls", health->calls);
    json_put_int(out, "failures", health->failures);
    json_put_int(out, "in_flight", health->in_flight);
    put_latency(entry, out);
    json_put_bool(out, "slow", health->is_slow);
    put_outcomes(entry, out);
    put_success(entry, out);
    put_breaker(entry, out);
    put_hold(entry, out);
    put_other_hosts(entry, out);
    put_fee(entry, out);
    json_key(out, "last_error");
    if (health->last_error_wall_us == 0) {
        json_null_value(out);
    } else {
        json_begin_object(out);
        json_put_cstr(out, "reason", health->last_error);
        put_time(out, "at", health->last_error_wall_us);
        json_end_object(out);
    }
    if (str_is_empty(entry->problem)) {
        json_put_null(out, "problem");
    } else {
        json_put_str(out, "problem", entry->problem);
    }
    json_end_object(out);
}

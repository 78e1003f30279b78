#include "payment/board.h"

#include "base/clock.h"

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
    if (entry->account->disabled) {
        return "disabled";
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

static void put_latency(const struct health_view *health, struct json_out *out)
{
    json_key(out, "latency_ms");
    json_begin_object(out);
    put_thousandths(out, "p50", health->p50_us);
    put_thousandths(out, "p95", health->p95_us);
    put_thousandths(out, "p99", health->p99_us);
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

static void put_breaker(const struct board_entry *entry, struct json_out *out)
{
    const struct health_view *health = entry->health;
    int64_t retry_wall_us =
        health->retry_us == 0 ? 0 : entry->now_wall_us + health->retry_us - entry->now_us;
    json_key(out, "breaker");
    json_begin_object(out);
    json_put_cstr(out, "state", health_state_name(health->state));
    json_put_cstr(out, "why", health->why);
    put_time(out, "retry_at", retry_wall_us);
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
    json_put_str(out, "provider", entry->account->provider);
    json_put_str(out, "name", entry->account->name);
    json_put_cstr(out, "state", board_state(entry));
    put_thousandths(out, "success_rate", answered_per_million(health) / 1000);
    json_put_int(out, "calls", health->calls);
    json_put_int(out, "failures", health->failures);
    json_put_int(out, "in_flight", health->in_flight);
    put_latency(health, out);
    put_breaker(entry, out);
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

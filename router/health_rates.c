/* What became of payments, and what boards show besides. */
#include "base/clock.h"
#include "router/health_state.h"

#define MINUTE_US (60 * CLOCK_SECOND_US)

enum {
    QUARTER_MINUTES = 15,
};

static uint64_t outcome_key(const struct health *health, const struct health_entry *entry,
                            enum operation operation, const struct currency *currency)
{
    uint64_t account =
        atomic_load_explicit(&health->key[entry - health->entry], memory_order_relaxed);
    uint64_t pair =
        (uint64_t)operation << 16 | (currency == NULL ? 0 : currency_index(currency) + 1);
    uint64_t key = (account ^ pair * UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xD6E8FEB86659FD93);
    return key ^ key >> 32;
}

void health_outcome(struct health *health, struct health_entry *entry, enum operation operation,
                    const struct currency *currency, enum outcome outcome, int64_t now_us)
{
    static const int8_t kinds[OUTCOME_COUNT] = {
        [OUTCOME_NONE] = -1,
        [OUTCOME_APPROVED] = OUTCOMES_APPROVED,
        [OUTCOME_PENDING] = -1,
        [OUTCOME_REQUIRES_ACTION] = -1,
        [OUTCOME_DECLINED_SOFT] = OUTCOMES_DECLINED,
        [OUTCOME_DECLINED_HARD] = OUTCOMES_DECLINED,
        [OUTCOME_FAILED] = OUTCOMES_FAILED,
        [OUTCOME_UNKNOWN] = OUTCOMES_UNKNOWN,
    };
    CHECK((unsigned)outcome < OUTCOME_COUNT && operation != OPERATION_NONE && currency != NULL);
    if (kinds[outcome] < 0) {
        return;
    }
    const uint64_t key[] = {
        outcome_key(health, entry, operation, currency),
        outcome_key(health, entry, operation, NULL),
        outcome_key(health, entry, OPERATION_NONE, NULL),
    };
    for (size_t i = 0; i < ARRAY_LEN(key); i++) {
        outcomes_add(&health->outcomes, key[i], (enum outcomes_kind)kinds[outcome], now_us);
    }
}

static uint32_t per_million(uint64_t part, uint64_t whole)
{
    CHECK(whole > 0);
    return (uint32_t)(part * 1000000 / whole);
}

void health_read_rates(const struct health *health, const struct health_entry *entry,
                       enum operation operation, const struct currency *currency, int64_t now_us,
                       struct health_view *view)
{
    const struct health_config *config = &health->config;
    const struct {
        enum operation operation;
        const struct currency *currency;
        unsigned minutes;
    } bases[] = {
        [HEALTH_BASIS_RECENT] = {operation, currency, config->rate_minutes},
        [HEALTH_BASIS_HOUR] = {operation, currency, OUTCOMES_MINUTE_MAX},
        [HEALTH_BASIS_OPERATION] = {operation, NULL, OUTCOMES_MINUTE_MAX},
        [HEALTH_BASIS_ACCOUNT] = {OPERATION_NONE, NULL, OUTCOMES_MINUTE_MAX},
    };
    struct outcomes_counts counts = {{0}};
    unsigned basis = currency == NULL ? HEALTH_BASIS_ACCOUNT : HEALTH_BASIS_RECENT;
    for (;; basis++) {
        uint64_t key = outcome_key(health, entry, bases[basis].operation, bases[basis].currency);
        outcomes_read(&health->outcomes, key, bases[basis].minutes, now_us, &counts);
        view->outcomes = outcomes_sum(&counts);
        if (view->outcomes >= config->rate_calls_min || basis == HEALTH_BASIS_ACCOUNT) {
            break;
        }
    }
    view->basis = view->outcomes > 0 ? (enum health_basis)basis : HEALTH_BASIS_NONE;
    uint64_t whole =
        view->outcomes > config->rate_calls_min ? view->outcomes : config->rate_calls_min;
    uint64_t missing = whole - view->outcomes;
    view->success_per_million = per_million(counts.count[OUTCOMES_APPROVED] + missing, whole);
    view->declined_per_million = per_million(counts.count[OUTCOMES_DECLINED], whole);
    view->unknown_per_million = per_million(counts.count[OUTCOMES_UNKNOWN], whole);
}

void health_read_history(struct health *health, struct health_entry *entry, int64_t now_us,
                         struct health_history *history)
{
    const struct pace_config *pace = &health->config.pace;
    *history = (struct health_history){0};
    history->opening_count = trail_read(&entry->openings, history->opening);
    history->failure_count = trail_read(&entry->cause, history->failure);
    history->usual_p95_us = pace_usual_us(&entry->pace);
    history->recent_p95_us = pace_recent_us(&entry->pace, now_us);
    history->slow_bound_us = pace_bound_us(&entry->pace, pace);
    outcomes_read(&health->outcomes, outcome_key(health, entry, OPERATION_NONE, NULL),
                  OUTCOMES_MINUTE_MAX, now_us, &history->hour);
    outcomes_read(&health->outcomes, outcome_key(health, entry, OPERATION_NONE, NULL),
                  QUARTER_MINUTES, now_us, &history->quarter);
    outcomes_read(&health->outcomes, outcome_key(health, entry, OPERATION_NONE, NULL), 2, now_us,
                  &history->minute);
    if (now_us < atomic_load_explicit(&entry->hint_until_us, memory_order_relaxed)) {
        history->hint_age_us = now_us - atomic_load_explicit(&entry->hint_us, memory_order_relaxed);
        shared_text_read(&entry->hint, history->hint);
    }
}

bool health_take_minute(struct health *health, int64_t now_us, int64_t *start_us)
{
    int64_t minute = now_us / MINUTE_US;
    int64_t taken = atomic_load(&health->minute);
    *start_us = (minute - 1) * MINUTE_US;
    return minute > taken && atomic_compare_exchange_strong(&health->minute, &taken, minute) &&
           taken != 0; /* the first one begins here */
}

void health_read_minute(const struct health *health, const struct health_entry *entry,
                        int64_t start_us, struct outcomes_counts *counts)
{
    outcomes_read(&health->outcomes, outcome_key(health, entry, OPERATION_NONE, NULL), 1, start_us,
                  counts);
}

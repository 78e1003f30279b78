/*
 * board.h - how a provider account is doing, in the words that merchants, operators and the
 * dashboard see.
 */
#ifndef PAYMENT_BOARD_H
#define PAYMENT_BOARD_H

#include "base/json.h"
#include "ledger/directory.h"
#include "router/cost.h"
#include "router/health.h"

struct board_entry { /* borrowed */
    const struct directory_account *account;
    const struct health_view *health;
    const struct health_history *history; /* what opened the breaker, what other hosts say */
    const struct cost_table *cost;        /* NULL: no fee table */
    struct str problem;                   /* why the account cannot be used; empty: it can */
    const struct currency *currency;      /* expected fee of 100.00 in it; NULL: none is shown */
    int64_t now_us;                       /* monotonic */
    int64_t now_wall_us;
};

/* "healthy", "degraded" (failures, slow, or probing), "down" (breaker open), "disabled", "drained",
 * "maintenance", "unusable". */
const char *board_state(const struct board_entry *entry);

/*
 * One JSON object:
 * {"account","merchant","provider","name","state","success_rate","calls","failures","in_flight",
 * "latency_ms":{"p50","p95","p99","usual_p95","slow_above"},"slow",
 * "outcomes":{"approved","declined","unknown","failed","success_rate","decisions"},
 * "success":{"minute":{"payments","approved"},"quarter":{...},"hour":{...}},
 * "breaker":{"state","why","retry_at","flapping","openings":[...],"failures":[...]},
 * "hold":{"state","reason","author","until"}|null,"other_hosts":{"says","age_ms"}|null,
 * "expected_fee":{...}|null,"last_error":{"reason","at"}|null,"problem"}. success_rate is a number from 0 to 1 with three
 * decimals.
 */
void board_print(const struct board_entry *entry, struct json_out *out);

#endif

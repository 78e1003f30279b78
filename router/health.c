#include "router/health.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "router/health_state.h"

/*
 * The breaker is one word, so that a move is one compare-and-swap: the state in two bits, and a
 * time.
 *
 *     closed      0
 *     open        when it will be tried again; from then on it reads as half open with a free probe
 *     half open   when the probe was taken; after probe_ms it is free again
 *
 * Only gate_move assigns it.
 */
enum {
    GATE_TIME_BITS = 62,
    KEY_FREE = 0,
    KEY_MOVING = 1, /* its entry is being cleared for another account */
    TAKE_OVER_TRIES = 8,
    WHY_SIZE = 128,      /* what does not fit the view is cut */
    AWAY_FIRST = 900000, /* per million, when it comes back */
    LEVEL_MAX = 6,
    ALERT_CALLS_MIN = 4,
};

static_assert((int)HEALTH_WINDOW_S_MAX < (int)WINDOW_BUCKET_COUNT, "a bucket outlives the window");
static_assert((int)SHARED_TEXT_SIZE == sizeof(((struct health_view *)0)->why), "same text");
static_assert((int)SHARED_TEXT_SIZE == sizeof(((struct health_view *)0)->last_error), "same");
static_assert((int)SHARED_TEXT_SIZE == sizeof(((struct health_history *)0)->hint), "same");

const struct health_config health_config_default = {
    .window_ms = 10000,
    .calls_min = 10,
    .failure_percent = 50,
    .consecutive_max = 5,
    .silence_ms = 4000,
    .silence_calls = 5,
    .open_ms = 5000,
    .probe_ms = 10000,
    .open_max_ms = 15000,
    .flap_ms = 60000,
    .ramp_ms = 10000,
    .alert_failures = 2,
    .rate_minutes = 5,
    .rate_calls_min = 20,
    .pace = {.percent = 400,
             .floor_ms = 1000,
             .bound_ms = 10000,
             .calls_min = 20,
             .fast_calls = 5,
             .probe_ms = 2000},
};

/* clang-format off */
static const char *const state_names[HEALTH_STATE_COUNT] = {
    [HEALTH_CLOSED]    = "closed",
    [HEALTH_HALF_OPEN] = "half_open",
    [HEALTH_OPEN]      = "open",
};

static const char *const event_names[HEALTH_EVENT_COUNT] = {
    [HEALTH_SUCCESS]  = "success",
    [HEALTH_NOT_SENT] = "not_sent",
    [HEALTH_LOST]     = "lost",
    [HEALTH_ERROR]    = "error",
    [HEALTH_NEUTRAL]  = "neutral",
};
static const char *const basis_names[HEALTH_BASIS_COUNT] = {
    [HEALTH_BASIS_NONE]      = "none",
    [HEALTH_BASIS_RECENT]    = "recent",
    [HEALTH_BASIS_HOUR]      = "hour",
    [HEALTH_BASIS_OPERATION] = "operation",
    [HEALTH_BASIS_ACCOUNT]   = "account",
};
/* clang-format on */

static unsigned this_slot; /* of this process */

const char *health_state_name(enum health_state state)
{
    CHECK((unsigned)state < HEALTH_STATE_COUNT);
    return state_names[state];
}

const char *health_basis_name(enum health_basis basis)
{
    CHECK((unsigned)basis < HEALTH_BASIS_COUNT);
    return basis_names[basis];
}

void health_set_slot(unsigned slot)
{
    CHECK(slot < SHM_SLOT_MAX);
    this_slot = slot;
}

size_t health_size(void)
{
    return sizeof(struct health);
}

struct health *health_open(struct shm *shm, const struct health_config *config)
{
    CHECK(config->window_ms >= 1000 && config->window_ms <= HEALTH_WINDOW_S_MAX * INT64_C(1000));
    CHECK(config->failure_percent > 0 && config->failure_percent <= 100);
    CHECK(config->consecutive_max > 0 && config->silence_calls > 0 && config->silence_ms > 0);
    CHECK(config->open_ms > 0 && config->probe_ms > 0 && config->flap_ms > 0);
    CHECK(config->alert_failures > 0 && config->ramp_ms >= 0);
    CHECK(config->rate_minutes > 0 && config->rate_minutes <= OUTCOMES_MINUTE_MAX);
    CHECK(config->rate_calls_min > 0);
    struct health *health = shm_carve(shm, sizeof(*health));
    health->config = *config;
    return health;
}

/* ---- entries ---- */

/* 64 of an id's 128 bits' worth: 1,024 accounts collide with a chance of 2^-45. */
static uint64_t make_key(const struct uuid *account_id)
{
    uint64_t half[2];
    memcpy(half, account_id->byte, sizeof(half));
    uint64_t key = half[0] * UINT64_C(0x9E3779B97F4A7C15) ^ half[1];
    key = (key ^ (key >> 32)) * UINT64_C(0xD6E8FEB86659FD93);
    key ^= key >> 32;
    return key <= KEY_MOVING ? key + 2 : key;
}

/* Index of the entry, made if there is room; HEALTH_ENTRY_MAX when there is none. */
static size_t find_or_claim(struct health *health, uint64_t key)
{
    for (size_t i = 0; i < HEALTH_ENTRY_MAX; i++) {
        size_t at = (key + i) % HEALTH_ENTRY_MAX;
        uint64_t found = atomic_load(&health->key[at]);
        if (found == KEY_FREE && !atomic_compare_exchange_strong(&health->key[at], &found, key)) {
            CHECK(found != KEY_FREE); /* Another process was first, perhaps with this very key. */
        } else if (found == KEY_FREE) {
            return at;
        }
        if (found == key) {
            return at;
        }
    }
    return HEALTH_ENTRY_MAX;
}

static size_t find_oldest(struct health *health)
{
    size_t oldest = 0;
    int64_t oldest_us = INT64_MAX;
    for (size_t i = 0; i < HEALTH_ENTRY_MAX; i++) {
        int64_t used_us = atomic_load_explicit(&health->entry[i].used_us, memory_order_relaxed);
        bool is_busy = atomic_load(&health->entry[i].in_flight_total) > 0;
        if (used_us < oldest_us && !is_busy && atomic_load(&health->key[i]) != KEY_MOVING) {
            oldest = i;
            oldest_us = used_us;
        }
    }
    return oldest;
}

struct health_entry *health_find(struct health *health, const struct uuid *account_id)
{
    uint64_t key = make_key(account_id);
    size_t at = find_or_claim(health, key);
    for (int tries = 0; at == HEALTH_ENTRY_MAX && tries < TAKE_OVER_TRIES; tries++) {
        size_t oldest = find_oldest(health);
        uint64_t old_key = atomic_load(&health->key[oldest]);
        if (old_key != KEY_MOVING &&
            atomic_compare_exchange_strong(&health->key[oldest], &old_key, KEY_MOVING)) {
            memset(&health->entry[oldest], 0, sizeof(health->entry[oldest]));
            atomic_store(&health->key[oldest], key);
        }
        at = find_or_claim(health, key); /* of two that came at once both use the first found */
    }
    struct health_entry *entry =
        &health->entry[at == HEALTH_ENTRY_MAX ? key % HEALTH_ENTRY_MAX : at];
    if (at < HEALTH_ENTRY_MAX &&
        atomic_load_explicit(&entry->account[1], memory_order_relaxed) == 0) {
        uint64_t half[2];
        memcpy(half, account_id->byte, sizeof(half));
        atomic_store_explicit(&entry->account[0], half[0], memory_order_relaxed);
        atomic_store_explicit(&entry->account[1], half[1], memory_order_relaxed);
    }
    return entry;
}

bool health_next(struct health *health, size_t *index, int64_t idle_us, int64_t now_us,
                 struct uuid *account_id, struct health_entry **entry)
{
    while (*index < HEALTH_ENTRY_MAX) {
        struct health_entry *at = &health->entry[(*index)++];
        uint64_t half[2] = {atomic_load(&at->account[0]), atomic_load(&at->account[1])};
        int64_t used_us = atomic_load_explicit(&at->used_us, memory_order_relaxed);
        bool is_well = atomic_load(&at->gate) == 0 && !pace_is_slow(&at->pace);
        if (half[1] != 0 && (!is_well || (used_us != 0 && now_us - used_us < idle_us))) {
            memcpy(account_id->byte, half, sizeof(half));
            *entry = at;
            return true;
        }
    }
    return false;
}

bool health_take_turn(struct health *health, int64_t every_us, int64_t now_us)
{
    int64_t turn_us = atomic_load(&health->turn_us);
    return now_us - turn_us >= every_us &&
           atomic_compare_exchange_strong(&health->turn_us, &turn_us, now_us);
}

/* ---- silence: since when calls go out without any answer (ms, 48 bits), and how many (16) ---- */

enum {
    SILENCE_COUNT_MAX = 0xFFFF,
};

static void silence_add(struct health_entry *entry, int64_t now_us)
{
    uint64_t old = atomic_load_explicit(&entry->silence, memory_order_relaxed);
    uint64_t fresh = 0;
    do {
        uint64_t count = old & SILENCE_COUNT_MAX;
        if (count == SILENCE_COUNT_MAX) {
            return;
        }
        fresh = count == 0 ? (uint64_t)(now_us / CLOCK_MS_US) << 16 : old;
        fresh += 1;
    } while (!atomic_compare_exchange_weak(&entry->silence, &old, fresh));
}

/* ---- the breaker ---- */

static uint64_t gate_make(enum health_state state, int64_t time_us)
{
    CHECK(time_us >= 0);
    return (uint64_t)state << GATE_TIME_BITS | (uint64_t)time_us;
}

static enum health_state gate_state(uint64_t gate)
{
    return (enum health_state)(gate >> GATE_TIME_BITS);
}

static int64_t gate_time(uint64_t gate)
{
    return (int64_t)(gate & ((UINT64_C(1) << GATE_TIME_BITS) - 1));
}

/* The one place that moves a breaker. False when another process moved it first. */
static bool gate_move(struct health_entry *entry, uint64_t from, enum health_state state,
                      int64_t time_us)
{
    return atomic_compare_exchange_strong(&entry->gate, &from, gate_make(state, time_us));
}

/* ---- how much it flaps, and how alert we are ---- */

static bool is_ramping(const struct health_entry *entry, const struct health_config *config,
                       int64_t now_us)
{
    int64_t ramp_us = atomic_load_explicit(&entry->ramp_us, memory_order_relaxed);
    return ramp_us != 0 && now_us - ramp_us < config->ramp_ms * CLOCK_MS_US;
}

static bool is_alert(const struct health_entry *entry, const struct health_config *config,
                     int64_t now_us)
{
    return is_ramping(entry, config, now_us) ||
           now_us < atomic_load_explicit(&entry->hint_until_us, memory_order_relaxed);
}

/* What is left of the level after the time that has passed since it was raised. */
static unsigned level_now(const struct health_entry *entry, const struct health_config *config,
                          int64_t now_us)
{
    int64_t level = atomic_load_explicit(&entry->level, memory_order_relaxed);
    int64_t raised_us = atomic_load_explicit(&entry->level_us, memory_order_relaxed);
    int64_t fallen = (now_us - raised_us) / (config->flap_ms * CLOCK_MS_US);
    return level > fallen ? (unsigned)(level - fallen) : 0;
}

/* The level if it falls ill again now, having been well since ended_us (0: always). */
static unsigned level_next(const struct health_entry *entry, const struct health_config *config,
                           int64_t ended_us, int64_t now_us)
{
    unsigned level = level_now(entry, config, now_us);
    bool flaps = ended_us != 0 && now_us - ended_us < config->flap_ms * CLOCK_MS_US;
    return flaps && level < LEVEL_MAX ? level + 1 : level;
}

static int64_t pause_us(const struct health_config *config, unsigned level)
{
    int64_t pause_ms = config->open_ms << level;
    int64_t most_ms = config->open_ms > config->open_max_ms ? config->open_ms : config->open_max_ms;
    return (pause_ms < most_ms ? pause_ms : most_ms) * CLOCK_MS_US;
}

/* ---- opening and closing ---- */

/* It has just fallen ill: only the process that moved it comes here. */
static void tell_opening(struct health_entry *entry, const char *why, unsigned level,
                         int64_t length_us, int64_t now_us)
{
    atomic_store(&entry->level, level);
    atomic_store(&entry->level_us, now_us);
    atomic_store(&entry->ramp_us, 0);
    trail_add(&entry->openings, str_of(why), length_us, now_us);
    trail_copy(&entry->cause, &entry->failures);
    trail_clear(&entry->failures);
}

static void open_gate(struct health_entry *entry, const struct health_config *config, uint64_t from,
                      const char *why, int64_t now_us)
{
    bool is_new = gate_state(from) == HEALTH_CLOSED;
    unsigned level = is_new ? level_next(entry, config, atomic_load(&entry->closed_us), now_us)
                            : level_now(entry, config, now_us);
    int64_t length_us = pause_us(config, level);
    if (!gate_move(entry, from, HEALTH_OPEN, now_us + length_us)) {
        return;
    }
    if (is_new) {
        atomic_store(&entry->opened_us, now_us);
        tell_opening(entry, why, level, length_us, now_us);
    }
    atomic_store(&entry->silence, 0);
    shared_text_write(&entry->why, str_of(why));
}

static void close_gate(struct health_entry *entry, uint64_t from, int64_t now_us)
{
    if (!gate_move(entry, from, HEALTH_CLOSED, 0)) {
        return;
    }
    atomic_store(&entry->closed_us, now_us);
    atomic_store(&entry->ramp_us, now_us);
    atomic_store(&entry->failures_in_row, 0);
    atomic_store(&entry->silence, 0);
    window_clear(&entry->window);
}

/* A failure while closed: is it one too many? */
static void judge_failure(struct health_entry *entry, const struct health_config *config,
                          uint64_t gate, const char *reason, int64_t now_us)
{
    char why[WHY_SIZE];
    bool alert = is_alert(entry, config, now_us);
    uint32_t in_row_max = config->consecutive_max;
    uint32_t calls_min = config->calls_min;
    if (alert) {
        in_row_max = in_row_max < config->alert_failures ? in_row_max : config->alert_failures;
        calls_min = calls_min < ALERT_CALLS_MIN ? calls_min : ALERT_CALLS_MIN;
    }
    uint32_t in_row = atomic_fetch_add(&entry->failures_in_row, 1) + 1;
    if (in_row >= in_row_max) {
        (void)snprintf(why, sizeof(why), "%" PRIu32 " failures in a row: %s", in_row, reason);
        open_gate(entry, config, gate, why, now_us);
        return;
    }
    uint32_t calls = 0;
    uint32_t failures = 0;
    window_read(&entry->window, config->window_ms, now_us, &calls, &failures);
    if (calls >= calls_min &&
        (uint64_t)failures * 100 >= (uint64_t)calls * config->failure_percent) {
        (void)snprintf(why, sizeof(why), "%" PRIu32 " of %" PRIu32 " calls failed: %s", failures,
                       calls, reason);
        open_gate(entry, config, gate, why, now_us);
    }
}

/* Whether it answers as fast as it usually does; a lost call took at least so long. */
static void judge_pace(struct health_entry *entry, const struct health_config *config,
                       int64_t latency_us, int64_t now_us)
{
    int64_t ended_us = atomic_load(&entry->pace.cleared_us);
    unsigned level = level_next(entry, config, ended_us, now_us);
    switch (pace_add(&entry->pace, &config->pace, latency_us, level_now(entry, config, now_us),
                     now_us)) {
    case PACE_STAYS:
        break;
    case PACE_BECAME_SLOW: {
        char why[WHY_SIZE];
        (void)snprintf(why, sizeof(why), "slow: p95 %" PRId64 " ms, usually %" PRId64 " ms",
                       (int64_t)(pace_recent_us(&entry->pace, now_us) / CLOCK_MS_US),
                       (int64_t)(pace_usual_us(&entry->pace) / CLOCK_MS_US));
        tell_opening(entry, why, level, config->pace.probe_ms * CLOCK_MS_US, now_us);
        shared_text_write(&entry->why, str_of(why));
        break;
    }
    case PACE_RECOVERED:
        atomic_store(&entry->ramp_us, now_us);
        break;
    }
}

static void judge_closed(struct health_entry *entry, const struct health_config *config,
                         uint64_t gate, enum health_event event, int64_t sent_us,
                         const char *reason, int64_t now_us)
{
    int64_t closed_us = atomic_load(&entry->closed_us);
    if (closed_us != 0 && sent_us < closed_us) {
        return; /* A straggler of the outage that is over. */
    }
    bool is_failure = event != HEALTH_SUCCESS;
    window_add(&entry->window, is_failure, now_us);
    if (event != HEALTH_NOT_SENT) {
        judge_pace(entry, config, now_us - sent_us, now_us);
    }
    if (is_failure) {
        trail_add(&entry->failures, str_of(reason), now_us - sent_us, now_us);
        judge_failure(entry, config, gate, reason, now_us);
    } else {
        atomic_store(&entry->failures_in_row, 0);
    }
}

/*
 * Nothing was sent for open_ms before the probe, so what was sent since the middle of that pause is
 * the probe, however roughly its latency was measured. All else is a straggler.
 */
static bool is_of_probe(uint64_t gate, const struct health_config *config, int64_t sent_us)
{
    return sent_us >= gate_time(gate) - config->open_ms * CLOCK_MS_US / 2;
}

static void judge_half_open(struct health_entry *entry, const struct health_config *config,
                            uint64_t gate, bool is_failure, int64_t sent_us, const char *reason,
                            int64_t now_us)
{
    if (!is_of_probe(gate, config, sent_us)) {
        return;
    }
    if (!is_failure) {
        close_gate(entry, gate, now_us);
        return;
    }
    char why[WHY_SIZE];
    (void)snprintf(why, sizeof(why), "probe failed: %s", reason);
    window_add(&entry->window, true, now_us);
    open_gate(entry, config, gate, why, now_us);
}

static void judge_silence(struct health_entry *entry, const struct health_config *config,
                          uint64_t gate, int64_t now_us)
{
    uint64_t silence = atomic_load(&entry->silence);
    uint64_t count = silence & SILENCE_COUNT_MAX;
    int64_t quiet_ms = now_us / CLOCK_MS_US - (int64_t)(silence >> 16);
    if (count < config->silence_calls || quiet_ms < config->silence_ms) {
        return;
    }
    char why[WHY_SIZE];
    (void)snprintf(why, sizeof(why), "%" PRIu64 " calls in %" PRId64 " ms without any answer",
                   count, quiet_ms);
    open_gate(entry, config, gate, why, now_us);
}

/* ---- calls ---- */

void health_sent(struct health_entry *entry, int64_t now_us)
{
    atomic_fetch_add(&entry->in_flight[this_slot], 1);
    atomic_fetch_add(&entry->in_flight_total, 1);
    atomic_store_explicit(&entry->used_us, now_us, memory_order_relaxed);
    silence_add(entry, now_us);
}

static void note_error(struct health_entry *entry, const char *reason, int64_t now_wall_us)
{
    shared_text_write(&entry->last_error, str_of(reason));
    atomic_store_explicit(&entry->last_error_wall_us, now_wall_us, memory_order_relaxed);
}

/* True when it was the last one in flight. */
static bool leave_flight(struct health_entry *entry)
{
    atomic_fetch_sub(&entry->in_flight[this_slot], 1);
    return atomic_fetch_sub(&entry->in_flight_total, 1) <= 1;
}

/* Our own doing says nothing of the provider; if it was the probe, the next may have it. */
static void forget_call(struct health_entry *entry, const struct health_config *config,
                        int64_t sent_us, int64_t now_us)
{
    uint64_t gate = atomic_load(&entry->gate);
    if (leave_flight(entry)) {
        atomic_store(&entry->silence, 0);
    }
    if (gate_state(gate) == HEALTH_HALF_OPEN && is_of_probe(gate, config, sent_us)) {
        (void)gate_move(entry, gate, HEALTH_OPEN, now_us);
    }
}

void health_answered(struct health *health, struct health_entry *entry, enum health_event event,
                     int64_t latency_us, struct str given_reason, int64_t now_us,
                     int64_t now_wall_us)
{
    CHECK((unsigned)event < HEALTH_EVENT_COUNT);
    const struct health_config *config = &health->config;
    bool is_failure = event != HEALTH_SUCCESS;
    bool is_answer = event == HEALTH_SUCCESS || event == HEALTH_ERROR;
    int64_t sent_us = now_us - (latency_us > 0 ? latency_us : 0);
    char reason[48];
    struct str word = str_is_empty(given_reason) ? str_of(event_names[event]) : given_reason;
    (void)snprintf(reason, sizeof(reason), STR_FMT, STR_ARG(word));

    if (event == HEALTH_NEUTRAL) {
        forget_call(entry, config, sent_us, now_us);
        return;
    }
    bool is_last = leave_flight(entry);
    if (is_answer || is_last) {
        atomic_store(&entry->silence, 0);
    }
    if (is_answer) {
        latency_add(&entry->latency, latency_us, now_us);
    }
    if (is_failure) {
        note_error(entry, reason, now_wall_us);
    }
    uint64_t gate = atomic_load(&entry->gate);
    switch (gate_state(gate)) {
    case HEALTH_CLOSED:
        judge_closed(entry, config, gate, event, sent_us, reason, now_us);
        break;
    case HEALTH_HALF_OPEN:
        judge_half_open(entry, config, gate, is_failure, sent_us, reason, now_us);
        break;
    case HEALTH_OPEN: /* Stragglers: the probe alone decides. */
        window_add(&entry->window, is_failure, now_us);
        break;
    case HEALTH_STATE_COUNT:
        break;
    }
}

/* Whether a probe may be taken now. */
static bool is_probe_free(const struct health_config *config, uint64_t gate, int64_t now_us)
{
    if (gate_state(gate) == HEALTH_OPEN) {
        return now_us >= gate_time(gate);
    }
    return now_us - gate_time(gate) >= config->probe_ms * CLOCK_MS_US;
}

bool health_take_probe(struct health *health, struct health_entry *entry, int64_t now_us)
{
    uint64_t gate = atomic_load(&entry->gate);
    if (gate_state(gate) == HEALTH_CLOSED) {
        (void)pace_take_probe(&entry->pace, &health->config.pace, now_us);
        return true; /* two at once do no harm to a provider that is only slow */
    }
    return is_probe_free(&health->config, gate, now_us) &&
           gate_move(entry, gate, HEALTH_HALF_OPEN, now_us);
}

void health_return_probe(struct health_entry *entry, int64_t taken_us)
{
    uint64_t gate = atomic_load(&entry->gate);
    if (gate == gate_make(HEALTH_HALF_OPEN, taken_us)) {
        (void)gate_move(entry, gate, HEALTH_OPEN, taken_us); /* whose pause is over */
    }
}

static uint32_t away_now(const struct health_entry *entry, const struct health_config *config,
                         int64_t now_us)
{
    int64_t since_us = now_us - atomic_load_explicit(&entry->ramp_us, memory_order_relaxed);
    int64_t whole_us = config->ramp_ms * CLOCK_MS_US;
    if (!is_ramping(entry, config, now_us)) {
        return 0;
    }
    since_us = since_us > 0 ? since_us : 0;
    return since_us < whole_us ? (uint32_t)(AWAY_FIRST * (whole_us - since_us) / whole_us) : 0;
}

static void read_gate(struct health *health, struct health_entry *entry, int64_t now_us,
                      struct health_view *view)
{
    const struct health_config *config = &health->config;
    uint64_t gate = atomic_load(&entry->gate);
    if (gate_state(gate) == HEALTH_CLOSED) {
        judge_silence(entry, config, gate, now_us);
        gate = atomic_load(&entry->gate);
    }
    view->state = gate_state(gate);
    view->is_slow = pace_is_slow(&entry->pace);
    if (view->state == HEALTH_CLOSED) {
        view->may_try = !view->is_slow || pace_may_probe(&entry->pace, &config->pace, now_us);
        view->away_per_million = away_now(entry, config, now_us);
    } else {
        view->may_try = is_probe_free(config, gate, now_us);
        view->opened_us = atomic_load(&entry->opened_us);
        view->retry_us = gate_time(gate);
    }
    if (view->state == HEALTH_HALF_OPEN) {
        view->retry_us += config->probe_ms * CLOCK_MS_US;
    } else if (view->state == HEALTH_OPEN && view->may_try) {
        view->state = HEALTH_HALF_OPEN;
    }
    if (view->state != HEALTH_CLOSED || view->is_slow) {
        shared_text_read(&entry->why, view->why);
    }
}

void health_read_for(struct health *health, struct health_entry *entry, enum operation operation,
                     const struct currency *currency, int64_t now_us, struct health_view *view)
{
    static const unsigned per_cent[] = {50, 95, 99};
    int64_t quantile_us[ARRAY_LEN(per_cent)];
    *view = (struct health_view){.state = HEALTH_CLOSED};
    read_gate(health, entry, now_us, view);
    window_read(&entry->window, health->config.window_ms, now_us, &view->calls, &view->failures);
    health_read_rates(health, entry, operation, currency, now_us, view);
    view->decisions = share_read(&entry->share, now_us);
    latency_read(&entry->latency, now_us, per_cent, quantile_us, ARRAY_LEN(per_cent));
    view->p50_us = quantile_us[0];
    view->p95_us = quantile_us[1];
    view->p99_us = quantile_us[2];
    view->level = level_now(entry, &health->config, now_us);
    int32_t in_flight = atomic_load_explicit(&entry->in_flight_total, memory_order_relaxed);
    view->in_flight = in_flight > 0 ? (uint32_t)in_flight : 0;
    shared_text_read(&entry->last_error, view->last_error);
    view->last_error_wall_us =
        atomic_load_explicit(&entry->last_error_wall_us, memory_order_relaxed);
}

void health_read(struct health *health, struct health_entry *entry, int64_t now_us,
                 struct health_view *view)
{
    health_read_for(health, entry, OPERATION_NONE, NULL, now_us, view);
}

void health_decided(struct health_entry *entry, int64_t now_us)
{
    share_add(&entry->share, now_us);
}

void health_hint(struct health_entry *entry, struct str why, int64_t now_us, int64_t until_us)
{
    shared_text_write(&entry->hint, why);
    atomic_store_explicit(&entry->hint_us, now_us, memory_order_relaxed);
    atomic_store_explicit(&entry->hint_until_us, until_us, memory_order_relaxed);
}

void health_forget_slot(struct health *health, unsigned slot)
{
    CHECK(slot < SHM_SLOT_MAX);
    for (size_t i = 0; i < HEALTH_ENTRY_MAX; i++) {
        struct health_entry *entry = &health->entry[i];
        int32_t lost = atomic_exchange(&entry->in_flight[slot], 0);
        if (lost != 0 && atomic_fetch_sub(&entry->in_flight_total, lost) - lost <= 0) {
            atomic_store(&entry->silence, 0);
        }
    }
}

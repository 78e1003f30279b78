#include "router/health.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "router/latency.h"
#include "router/window.h"

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
    TEXT_WORDS = 8,
    KEY_FREE = 0,
    KEY_MOVING = 1, /* its entry is being cleared for another account */
    TAKE_OVER_TRIES = 8,
    WHY_SIZE = 128, /* what does not fit the view is cut */
};

static_assert((int)HEALTH_WINDOW_S_MAX < (int)WINDOW_BUCKET_COUNT, "a bucket outlives the window");
/* A text that several processes write and read: torn at worst, never unterminated. */
struct shared_text {
    _Atomic uint64_t word[TEXT_WORDS];
};

static_assert(sizeof(struct shared_text) == sizeof(((struct health_view *)0)->why), "same text");
static_assert(sizeof(struct shared_text) == sizeof(((struct health_view *)0)->last_error), "same");

struct health_entry { /* all zero: closed, without calls */
    _Atomic uint64_t gate;
    _Atomic int64_t opened_us; /* start of this outage, kept when a probe fails */
    _Atomic int64_t closed_us; /* end of the last outage */
    _Atomic uint32_t failures_in_row;
    _Atomic int32_t in_flight_total;
    _Atomic uint64_t silence; /* see silence_pack */
    _Atomic int64_t used_us;
    _Atomic int64_t last_error_wall_us;
    struct window window;
    _Atomic int32_t in_flight[SHM_SLOT_MAX];
    struct latency latency;
    struct shared_text why;
    struct shared_text last_error;
};

struct health {
    struct health_config config;
    _Atomic uint64_t key[HEALTH_ENTRY_MAX]; /* of entry[i]; KEY_FREE, KEY_MOVING or an account's */
    struct health_entry entry[HEALTH_ENTRY_MAX];
};

const struct health_config health_config_default = {
    .window_ms = 10000,
    .calls_min = 10,
    .failure_percent = 50,
    .consecutive_max = 5,
    .silence_ms = 4000,
    .silence_calls = 5,
    .open_ms = 5000,
    .probe_ms = 10000,
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
/* clang-format on */

static unsigned this_slot; /* of this process */

const char *health_state_name(enum health_state state)
{
    CHECK((unsigned)state < HEALTH_STATE_COUNT);
    return state_names[state];
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
    CHECK(config->open_ms > 0 && config->probe_ms > 0);
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
    return &health->entry[at == HEALTH_ENTRY_MAX ? key % HEALTH_ENTRY_MAX : at];
}

/* ---- texts ---- */

static void text_write(struct shared_text *text, struct str value)
{
    char bytes[TEXT_WORDS * sizeof(uint64_t)] = "";
    size_t len = value.len < sizeof(bytes) - 1 ? value.len : sizeof(bytes) - 1;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = value.at[i] >= 0x20 && value.at[i] < 0x7F ? value.at[i] : '?';
    }
    for (size_t i = 0; i < TEXT_WORDS; i++) {
        uint64_t word = 0;
        memcpy(&word, bytes + i * sizeof(word), sizeof(word));
        atomic_store_explicit(&text->word[i], word, memory_order_relaxed);
    }
}

static void text_read(struct shared_text *text, char out[TEXT_WORDS * sizeof(uint64_t)])
{
    for (size_t i = 0; i < TEXT_WORDS; i++) {
        uint64_t word = atomic_load_explicit(&text->word[i], memory_order_relaxed);
        memcpy(out + i * sizeof(word), &word, sizeof(word));
    }
    out[TEXT_WORDS * sizeof(uint64_t) - 1] = '\0';
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

static void open_gate(struct health_entry *entry, const struct health_config *config, uint64_t from,
                      const char *why, int64_t now_us)
{
    if (!gate_move(entry, from, HEALTH_OPEN, now_us + config->open_ms * CLOCK_MS_US)) {
        return;
    }
    if (gate_state(from) == HEALTH_CLOSED) {
        atomic_store(&entry->opened_us, now_us);
    }
    atomic_store(&entry->silence, 0);
    text_write(&entry->why, str_of(why));
}

static void close_gate(struct health_entry *entry, uint64_t from, int64_t now_us)
{
    if (!gate_move(entry, from, HEALTH_CLOSED, 0)) {
        return;
    }
    atomic_store(&entry->closed_us, now_us);
    atomic_store(&entry->failures_in_row, 0);
    atomic_store(&entry->silence, 0);
    window_clear(&entry->window);
}

/* A failure while closed: is it one too many? */
static void judge_failure(struct health_entry *entry, const struct health_config *config,
                          uint64_t gate, const char *reason, int64_t now_us)
{
    char why[WHY_SIZE];
    uint32_t in_row = atomic_fetch_add(&entry->failures_in_row, 1) + 1;
    if (in_row >= config->consecutive_max) {
        (void)snprintf(why, sizeof(why), "%" PRIu32 " failures in a row: %s", in_row, reason);
        open_gate(entry, config, gate, why, now_us);
        return;
    }
    uint32_t calls = 0;
    uint32_t failures = 0;
    window_read(&entry->window, config->window_ms, now_us, &calls, &failures);
    if (calls >= config->calls_min &&
        (uint64_t)failures * 100 >= (uint64_t)calls * config->failure_percent) {
        (void)snprintf(why, sizeof(why), "%" PRIu32 " of %" PRIu32 " calls failed: %s", failures,
                       calls, reason);
        open_gate(entry, config, gate, why, now_us);
    }
}

static void judge_closed(struct health_entry *entry, const struct health_config *config,
                         uint64_t gate, bool is_failure, int64_t sent_us, const char *reason,
                         int64_t now_us)
{
    int64_t closed_us = atomic_load(&entry->closed_us);
    if (closed_us != 0 && sent_us < closed_us) {
        return; /* A straggler of the outage that is over. */
    }
    window_add(&entry->window, is_failure, now_us);
    if (is_failure) {
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
    text_write(&entry->last_error, str_of(reason));
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
        judge_closed(entry, config, gate, is_failure, sent_us, reason, now_us);
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
        return true;
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

static void read_gate(struct health *health, struct health_entry *entry, int64_t now_us,
                      struct health_view *view)
{
    uint64_t gate = atomic_load(&entry->gate);
    if (gate_state(gate) == HEALTH_CLOSED) {
        judge_silence(entry, &health->config, gate, now_us);
        gate = atomic_load(&entry->gate);
    }
    view->state = gate_state(gate);
    if (view->state == HEALTH_CLOSED) {
        view->may_try = true;
        return;
    }
    view->may_try = is_probe_free(&health->config, gate, now_us);
    view->opened_us = atomic_load(&entry->opened_us);
    view->retry_us = gate_time(gate);
    if (view->state == HEALTH_HALF_OPEN) {
        view->retry_us += health->config.probe_ms * CLOCK_MS_US;
    } else if (view->may_try) {
        view->state = HEALTH_HALF_OPEN;
    }
    text_read(&entry->why, view->why);
}

void health_read(struct health *health, struct health_entry *entry, int64_t now_us,
                 struct health_view *view)
{
    static const unsigned per_cent[] = {50, 95, 99};
    int64_t quantile_us[ARRAY_LEN(per_cent)];
    *view = (struct health_view){.success_per_million = 1000000};
    read_gate(health, entry, now_us, view);
    window_read(&entry->window, health->config.window_ms, now_us, &view->calls, &view->failures);
    if (view->calls > 0) {
        uint64_t good = view->calls - view->failures;
        view->success_per_million = (uint32_t)(good * 1000000 / view->calls);
    }
    latency_read(&entry->latency, now_us, per_cent, quantile_us, ARRAY_LEN(per_cent));
    view->p50_us = quantile_us[0];
    view->p95_us = quantile_us[1];
    view->p99_us = quantile_us[2];
    int32_t in_flight = atomic_load_explicit(&entry->in_flight_total, memory_order_relaxed);
    view->in_flight = in_flight > 0 ? (uint32_t)in_flight : 0;
    text_read(&entry->last_error, view->last_error);
    view->last_error_wall_us =
        atomic_load_explicit(&entry->last_error_wall_us, memory_order_relaxed);
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

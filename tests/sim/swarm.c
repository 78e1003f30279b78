#include "sim.h"

enum {
    CRASHES_STORM = 1200,
};

/* clang-format off */
/* Highest chance, in a million, of each class; a seed draws up to it, or switches the class off. */
static const uint32_t chance_max[FAULT_COUNT] = {
    [FAULT_REFUSE]            = 60000,
    [FAULT_RESET_BEFORE]      = 15000,
    [FAULT_RESET_AFTER]       = 15000,
    [FAULT_HANG_BEFORE]       = 15000,
    [FAULT_HANG_AFTER]        = 15000,
    [FAULT_500_BEFORE]        = 15000,
    [FAULT_500_AFTER]         = 15000,
    [FAULT_500_CACHED]        = 5000,
    [FAULT_GARBAGE]           = 8000,
    [FAULT_LATE_EFFECT]       = 20000,
    [FAULT_LATE_ARRIVAL]      = 10000,
    [FAULT_DOOR]              = 20000,
    [FAULT_MISMATCH]          = 6000,
    [FAULT_DECLINE_SOFT]      = 60000,
    [FAULT_DECLINE_HARD]      = 30000,
    [FAULT_FAILED]            = 20000,
    [FAULT_PENDING]           = 15000,
    [FAULT_ACTION]            = 8000,
    [FAULT_PAYER_AWAY]        = 400000, /* of those asked */
    [FAULT_LIE]               = 700000,
    [FAULT_ADAPTER_REFUSES]   = 10000,
    [FAULT_DECIDED_ANEW]      = 800000, /* of payments */
    [FAULT_RULES_DECLINE]     = 400000, /* of later decisions */
    [FAULT_ROLLBACK]          = 30000,
    [FAULT_COMMIT_UNKNOWN]    = 20000,
    [FAULT_COMMIT_LATE]       = 500000, /* of the unknown ones */
    [FAULT_PROBE_AWAY]        = 300000,
    [FAULT_REPLY_LOST]        = 10000,
    [FAULT_CLIENT_REPEATS]    = 20000,
    [FAULT_CLIENT_PARALLEL]   = 10000,
    [FAULT_CLIENT_OTHER_BODY] = 50000, /* of repeats */
    [FAULT_CLIENT_NEW_KEY]    = 200000,
    [FAULT_CANCEL]            = 30000, /* of payouts: far more */
    [FAULT_CANCEL_ASKED]      = 200000,
    [FAULT_UNCLAIMED]         = 300000,
    [FAULT_SERIALIZATION]     = 30000,
    [FAULT_POISON]            = 300,
    [FAULT_CLAIM_LOST]        = 20000,
    [FAULT_OPERATIONS]        = 500000,
    [FAULT_LATE_SUCCESS]      = 100000, /* of what is declined */
    [FAULT_HOLD_ENDS]         = 800000, /* of those approved */
    [FAULT_HOLD_EARLY]        = 300000, /* of those that end */
    [FAULT_HOLD_LATE]         = 300000,
    [FAULT_PERSON]            = 1,
    [FAULT_PERSON_EARLY]      = 500000, /* of what may still be paid */
    [FAULT_REVERSAL_REFUSED]  = 1000000,
    [FAULT_PERSON_TWICE]      = 1,
    [FAULT_PERSON_LIES]       = 100000,
    [FAULT_HINT_LOST]         = 500000,
    [FAULT_HINT_REPEATED]     = 300000,
    [FAULT_CRASH_POINT]       = 1,
    [FAULT_PAUSE_POINT]       = 1,
    [FAULT_CRASH]             = 1,
    [FAULT_CRASH_HOST]        = 1,
    [FAULT_PAUSE]             = 1,
    [FAULT_CLOCK]             = 1,
    [FAULT_STORE_AWAY]        = 1,
    [FAULT_FAILOVER]          = 1,
    [FAULT_STORE_CRASH]       = 1,
    [FAULT_PROVIDER_AWAY]     = 1,
};
/* clang-format on */

/* Switched off by hand, after it was drawn: what else is drawn stays the same. */
static bool is_off(const struct world *w, enum fault fault)
{
    return (w->plan.off >> fault & 1) != 0;
}

bool happens(const struct world *w, enum fault fault)
{
    return w->chance[fault] > 0 && !is_off(w, fault);
}

bool chance(struct world *w, enum fault fault)
{
    return faults_are_on(w) && w->chance[fault] > 0 && rng_chance(&w->rng, w->chance[fault]) &&
           !is_off(w, fault);
}

int64_t between(struct world *w, int64_t low, int64_t high)
{
    CHECK(high >= low);
    return low + (int64_t)rng_below(&w->rng, (uint64_t)(high - low) + 1);
}

static bool one_in(struct world *w, uint64_t count)
{
    return rng_below(&w->rng, count) == 0;
}

/* As often between 1 and 10 as between 100 and 1,000. */
static int64_t between_decades(struct world *w, int64_t low, int64_t high)
{
    int64_t top = low;
    while (top < high && !one_in(w, 3))
        top *= 2;
    return between(w, low, top < high ? top : high);
}

/*
 * What is rare when each class is drawn alone: declined here, paid there, then paid here too, not given
 * back, accepted by a person, and meanwhile captured or voided.
 */
static void draw_broken_words(struct world *w)
{
    static const enum fault often[] = {FAULT_DECLINE_SOFT,     FAULT_LATE_SUCCESS,
                                       FAULT_REVERSAL_REFUSED, FAULT_HOLD_ENDS,
                                       FAULT_OPERATIONS,       FAULT_HINT_LOST};
    for (size_t i = 0; i < ARRAY_LEN(often); i++)
        w->chance[often[i]] = (uint32_t)between(w, 300000, 900000);
    w->chance[FAULT_PERSON] = 1;
}

static void draw_faults(struct world *w)
{
    for (int i = 0; i < FAULT_COUNT; i++) {
        bool is_absent = one_in(w, 3);
        uint64_t highest = one_in(w, 10) ? chance_max[i] * 8ULL : chance_max[i];
        w->chance[i] = is_absent ? 0 : (uint32_t)rng_below(&w->rng, highest) + 1;
    }
    if (one_in(w, 6))
        draw_broken_words(w);
}

static void draw_limits(struct world *w)
{
    struct orchestrate_limits *limits = &w->limits;
    limits->send_window_us = between(w, 1 * SEC, one_in(w, 3) ? 30 * SEC : 5 * SEC);
    limits->call_us = between(w, 3 * SEC, 30 * SEC);
    limits->lease_us = limits->send_window_us + limits->call_us + between(w, 1 * SEC, 30 * SEC);
    limits->answer_us = between(w, 1 * SEC, limits->lease_us - 1);
    limits->skew_us = between(w, 100 * MS, 5 * SEC);
    limits->write_retry_us = between(w, 5 * MS, 100 * MS);
    limits->resolve_first_us = between(w, 200 * MS, 4 * SEC);
    limits->review_after_us = one_in(w, 8) ? 24 * 3600 * SEC : between(w, 120 * SEC, 3600 * SEC);
    limits->resolve_max_us = limits->resolve_first_us + limits->review_after_us / 24;
    limits->payout_max_us = 4 * limits->resolve_max_us;
    limits->payout_after_us = limits->review_after_us + between(w, 0, 7200 * SEC);
    limits->action_us = between(w, 10 * SEC, one_in(w, 3) ? 3600 * SEC : 60 * SEC);
    limits->action_max_us = limits->resolve_first_us + limits->skew_us + between(w, 0, 15 * SEC);
    if (limits->action_max_us <
        limits->action_us / 400) /* who waits long is not asked all the time */
        limits->action_max_us = limits->action_us / 400;
    limits->pending_after_us = limits->review_after_us + between(w, 0, 7200 * SEC);
    limits->attempt_max = (uint8_t)between(w, 1, ATTEMPT_MAX);
    limits->again_max = (uint8_t)between(w, 0, 2);
    w->dead_after = between(w, 200 * MS, one_in(w, 2) ? 5 * SEC : 60 * SEC);
}

/* One draw a statement: C leaves the order of arguments and initializers open, a trace must not. */
static void draw_provider(struct world *w, struct provider_fake *provider)
{
    *provider = (struct provider_fake){0};
    provider->replay = (enum orchestrate_replay)rng_below(&w->rng, 4);
    provider->can_lookup = !one_in(w, 4);
    provider->can_cancel = !one_in(w, 4);
    provider->two_step = one_in(w, 3);
    provider->needs_us = provider->can_lookup && !provider->two_step && one_in(w, 2);
    if (one_in(w, 2))
        provider->key_lifetime = between_decades(w, 10 * SEC, 3600 * SEC);
    if (!one_in(w, 4))
        provider->settle = between_decades(w, 1 * SEC, 300 * SEC);
    provider->latency = between(w, 5 * MS, 400 * MS);
    provider->held_for = between_decades(w, 10 * SEC, 3600 * SEC);
    if (!one_in(w, 4))
        provider->hold = provider->held_for;
    if (!one_in(w, 3))
        return;
    provider->down_from = between(w, 0, w->span);
    provider->down_to = provider->down_from + between(w, 0, w->stop_at / 2);
    provider->down_hangs = one_in(w, 2);
    if (!happens(w, FAULT_PROVIDER_AWAY))
        provider->down_to = provider->down_from;
}

/* Drawn in any case, so that a class which is off by hand changes nothing else. */
static void draw_disaster(struct world *w, enum fault fault, enum sim_event_kind kind,
                          uint32_t first, unsigned count, int64_t until)
{
    uint32_t which = first + (uint32_t)rng_below(&w->rng, count);
    int64_t at = between(w, 0, until);
    if (happens(w, fault))
        world_push(w, at, kind, which, 0);
}

/* Mostly a few; in some worlds hundreds, while the payments come or over the whole time. */
static void draw_crashes(struct world *w)
{
    bool is_storm = one_in(w, 8);
    int64_t count = is_storm ? between(w, 0, CRASHES_STORM) : between(w, 0, 6);
    int64_t until = one_in(w, 2) ? w->stop_at : w->span;
    for (int64_t i = 0; i < count; i++)
        draw_disaster(w, FAULT_CRASH, SIM_CRASH, 0, w->worker_count, until);
}

static void draw_store(struct world *w)
{
    static const struct {
        enum fault fault;
        enum sim_event_kind kind;
        uint32_t loses;
        int64_t longest_s;
    } classes[] = {
        {FAULT_STORE_AWAY, SIM_STORE_AWAY, 0, 40},
        {FAULT_FAILOVER, SIM_FAILOVER, 0, 30},
        {FAULT_STORE_CRASH, SIM_FAILOVER, 1, 10},
    };
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        for (int64_t left = between(w, 0, 3); left > 0; left--) {
            int64_t at = between(w, 0, one_in(w, 2) ? w->stop_at : w->span);
            uint32_t ms = (uint32_t)between(w, 100, classes[i].longest_s * 1000);
            if (happens(w, classes[i].fault))
                world_push(w, at, classes[i].kind, ms, classes[i].loses);
        }
    }
}

static void draw_disasters(struct world *w)
{
    int64_t pauses = between(w, 0, 12);
    int64_t steps = between(w, 0, 2);
    draw_crashes(w);
    if (one_in(w, 2))
        draw_disaster(w, FAULT_CRASH_HOST, SIM_CRASH, WORKER_MAX, w->host_count, w->stop_at);
    for (int64_t i = 0; i < pauses; i++) {
        int64_t until = one_in(w, 2) ? w->stop_at : w->span;
        draw_disaster(w, FAULT_PAUSE, SIM_PAUSE, 0, w->worker_count, until);
    }
    for (int64_t i = 0; i < steps; i++)
        draw_disaster(w, FAULT_CLOCK, SIM_CLOCK, 0, w->host_count, w->stop_at);
    draw_store(w);
}

void swarm_step_clock(struct world *w, uint32_t host)
{
    w->skew[host] = between(w, -w->limits.skew_us / 2, w->limits.skew_us / 2);
}

void swarm_draw(struct world *w)
{
    draw_faults(w);
    w->store_down_to = 0;
    w->merchant_count = (unsigned)between(w, 1, MERCHANT_MAX);
    w->crash_every = between_decades(w, 100, 20000);
    w->crash_in = between(w, 1, 2 * w->crash_every);
    draw_limits(w);
    w->span = between(w, 1 * SEC, 30 * SEC);
    w->stop_at = w->span + between(w, 1 * SEC, 240 * SEC);
    w->worker_count = (unsigned)between(w, 1, WORKER_MAX);
    w->host_count = (unsigned)between(w, 1, HOST_MAX);
    for (uint32_t i = 0; i < w->host_count; i++)
        swarm_step_clock(w, i);
    w->provider_count = (unsigned)between(w, 1, PROVIDER_MAX);
    for (unsigned i = 0; i < w->provider_count; i++)
        draw_provider(w, &w->provider[i]);
    draw_disasters(w);
    if (w->plan.is_real)
        narrate_make_real(w);
    if (w->plan.stop_us != 0 && w->plan.stop_us < w->stop_at)
        w->stop_at = w->plan.stop_us;
}

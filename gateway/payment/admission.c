#include "payment/admission.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "payment/admission_internal.h"

enum {
    BURST_S = 2,          /* of a merchant's own rate, unless it has a burst of its own, too */
    RETRY_OVERLOAD_S = 3, /* 1 to so many seconds, so that not all come back at once */
    QUOTA_LOW_SHARE = 5,  /* told of from a fifth on */
};

/* clang-format off */
static const struct {
    const char *name;
    enum message problem;
    struct str detail;
} reasons[ADMISSION_REASON_COUNT] = {
    [ADMISSION_ADMITTED]           = {"admitted",           MESSAGE_NONE,         STR_INIT("")},
    [ADMISSION_ADDRESS_RATE]       = {"address_rate",       MESSAGE_RATE_LIMITED, STR_INIT("too many requests without a valid API key from this address")},
    [ADMISSION_KEY_RATE]           = {"key_rate",           MESSAGE_RATE_LIMITED, STR_INIT("too many requests a second with this API key")},
    [ADMISSION_MERCHANT_RATE]      = {"merchant_rate",      MESSAGE_RATE_LIMITED, STR_INIT("too many requests a second of this merchant")},
    [ADMISSION_KEY_IN_FLIGHT]      = {"key_in_flight",      MESSAGE_RATE_LIMITED, STR_INIT("too many requests with this API key are under way; wait for answers")},
    [ADMISSION_MERCHANT_IN_FLIGHT] = {"merchant_in_flight", MESSAGE_RATE_LIMITED, STR_INIT("too many requests of this merchant are under way; wait for answers")},
    [ADMISSION_READ_IN_FLIGHT]     = {"read_in_flight",     MESSAGE_OVERLOADED,   STR_INIT("too many reads are under way")},
    [ADMISSION_WORKER_FULL]        = {"worker_full",        MESSAGE_OVERLOADED,   STR_INIT("too many payments are under way")},
    [ADMISSION_OVERLOAD]           = {"overload",           MESSAGE_OVERLOADED,   STR_INIT("more payments come in than can be done in time")},
    [ADMISSION_PROVIDER_BUSY]      = {"provider_busy",      MESSAGE_OVERLOADED,   STR_INIT("every suitable provider account has its share of payments under way")},
};
/* clang-format on */

const char *admission_reason_name(enum admission_reason reason)
{
    CHECK((unsigned)reason < ADMISSION_REASON_COUNT);
    return reasons[reason].name;
}

/* ---- verdicts ---- */

static bool refuse(struct admission *admission, enum admission_reason reason,
                   struct admission_verdict *verdict)
{
    bool is_ours = reasons[reason].problem == MESSAGE_OVERLOADED;
    verdict->reason = reason;
    verdict->problem = reasons[reason].problem;
    verdict->detail = reasons[reason].detail;
    verdict->retry_after_s = is_ours ? 1 + (int)rng_below(&admission->rng, RETRY_OVERLOAD_S) : 1;
    metrics_add(admission->refused[reason], 1);
    if (reason == ADMISSION_OVERLOAD)
        governor_refused(&admission->governor);
    return false;
}

static int64_t to_s(int64_t us)
{
    return (us + CLOCK_SECOND_US - 1) / CLOCK_SECOND_US;
}

static void tell_quota(struct admission_verdict *verdict, const char *policy,
                       const struct bucket_limit *limit, const struct bucket_state *state)
{
    if (limit->rate <= 0 || state->remaining > limit->burst / QUOTA_LOW_SHARE)
        return;
    int64_t window_s = (limit->burst + limit->rate - 1) / limit->rate;
    verdict->quota = (struct admission_quota){
        .policy = policy,
        .quota = limit->burst,
        .window_s = window_s > 0 ? window_s : 1,
        .remaining = state->remaining,
        .reset_s = to_s(state->reset_us),
    };
}

static bool pass_bucket(struct admission *admission, struct bucket_table *table,
                        const struct uuid *id, const struct bucket_limit *limit, bool takes,
                        enum admission_reason reason, struct admission_verdict *verdict)
{
    struct bucket_state state;
    const char *policy = reason == ADMISSION_KEY_RATE        ? "key"
                         : reason == ADMISSION_MERCHANT_RATE ? "merchant"
                                                             : "address";
    int64_t now_us = loop_now_us(admission->loop);
    bool has_token = takes ? bucket_take(table, id, limit, now_us, &state)
                           : bucket_look(table, id, limit, now_us, &state);
    tell_quota(verdict, policy, limit, &state);
    if (has_token)
        return true;
    (void)refuse(admission, reason, verdict);
    verdict->retry_after_s = (int)to_s(state.wait_us);
    return false;
}

/* ---- strangers ---- */

struct uuid admission_address(const char *peer)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct uuid key = {{0}};
    uint8_t *byte = key.byte;
    if (inet_pton(AF_INET, peer, byte + 12) == 1) {
        memcpy(byte, mapped, sizeof(mapped));
    } else if (inet_pton(AF_INET6, peer, byte) == 1 && memcmp(byte, mapped, sizeof(mapped)) != 0) {
        memset(byte + 8, 0, 8); /* the low half is the client's own to choose */
    }
    return key;
}

bool admission_may_look_up(struct admission *admission, const char *peer, struct str api_key,
                           bool *has_paid, struct admission_verdict *verdict)
{
    *verdict = (struct admission_verdict){.reason = ADMISSION_ADMITTED};
    *has_paid = false;
    if (admission == NULL)
        return true;
    struct recall *keys = admission->shared->keys;
    if (recall_knows(keys, recall_digest(keys, api_key, STR_NONE)))
        return true;
    *has_paid = admission_take_stranger(admission, peer, verdict);
    return *has_paid;
}

void admission_give_back(struct admission *admission, const char *peer)
{
    if (admission == NULL)
        return;
    struct uuid address = admission_address(peer);
    bucket_give_back(admission->shared->addresses, &address, &admission->config.address,
                     loop_now_us(admission->loop));
}

bool admission_take_stranger(struct admission *admission, const char *peer,
                             struct admission_verdict *verdict)
{
    *verdict = (struct admission_verdict){.reason = ADMISSION_ADMITTED};
    if (admission == NULL)
        return true;
    struct uuid address = admission_address(peer);
    return pass_bucket(admission, admission->shared->addresses, &address,
                       &admission->config.address, true, ADMISSION_ADDRESS_RATE, verdict);
}

void admission_note_key(struct admission *admission, struct str api_key)
{
    if (admission == NULL)
        return;
    struct recall *keys = admission->shared->keys;
    recall_note(keys, recall_digest(keys, api_key, STR_NONE));
}

/* ---- what is under way ---- */

static struct admission_lane *find_lane(struct admission_lane *lanes, const struct uuid *id)
{
    struct admission_lane *lane = NULL;
    HASH_FIND(hh, lanes, id, sizeof(*id), lane);
    return lane;
}

static struct admission_lane *enter_lane(struct admission *admission, struct admission_lane **lanes,
                                         const struct uuid *id)
{
    struct admission_lane *lane = find_lane(*lanes, id);
    if (lane == NULL) {
        lane = calloc(1, sizeof(*lane));
        CHECK(lane != NULL);
        lane->id = *id;
        lane->entry = tally_join(admission->shared->lanes, id, admission->slot);
        HASH_ADD(hh, *lanes, id, sizeof(lane->id), lane);
    } else if (lane->entry != NULL) {
        tally_add(lane->entry, admission->slot);
    }
    lane->count++;
    return lane;
}

static void leave_lane(struct admission *admission, struct admission_lane **lanes,
                       struct admission_lane *lane)
{
    if (lane == NULL)
        return;
    CHECK(lane->count > 0);
    if (lane->entry != NULL)
        tally_remove(lane->entry, admission->slot);
    if (--lane->count > 0)
        return;
    HASH_DEL(*lanes, lane);
    free(lane);
}

static bool is_beyond(const struct admission_lane *lane, size_t most)
{
    int64_t count = lane->entry != NULL ? tally_count(lane->entry) : (int64_t)lane->count;
    return count > (int64_t)most;
}

/* ---- the worker's own load ---- */

/* Less in hand than its part of the limit: a flood of others must not shut it out. */
static bool has_fair_share(const struct admission *admission, const struct caller *caller)
{
    const struct admission_lane *lane =
        caller->merchant != NULL ? find_lane(admission->merchants, &caller->merchant->merchant_id)
                                 : NULL;
    size_t merchant_count = HASH_COUNT(admission->merchants) + (lane == NULL ? 1 : 0);
    return (lane != NULL ? lane->count : 0) < admission->governor.limit / merchant_count;
}

static enum admission_reason look_at_load(const struct admission *admission,
                                          const struct caller *caller, enum admission_work work)
{
    if (work == ADMISSION_READ)
        return admission->read_count < admission->config.read_in_flight_max
                   ? ADMISSION_ADMITTED
                   : ADMISSION_READ_IN_FLIGHT;
    if (admission->in_hand >= admission->config.in_flight_max)
        return ADMISSION_WORKER_FULL;
    if (admission_own_count(admission) >= admission->governor.limit &&
        (HASH_COUNT(admission->merchants) == 0 || !has_fair_share(admission, caller)))
        return ADMISSION_OVERLOAD;
    return ADMISSION_ADMITTED;
}

/* ---- requests ---- */

/* A merchant's own limit goes before the defaults, for it and for each of its keys. */
static struct bucket_limit limit_of(const struct bucket_limit *otherwise,
                                    const struct caller *caller)
{
    const struct merchant *merchant = caller->merchant;
    struct bucket_limit limit = *otherwise;
    if (merchant != NULL && merchant->limits.rate > 0)
        limit = (struct bucket_limit){merchant->limits.rate, merchant->limits.rate * BURST_S};
    if (merchant != NULL && merchant->limits.burst > 0)
        limit.burst = merchant->limits.burst;
    return limit;
}

static bool pass_rates(struct admission *admission, const struct caller *caller, bool takes,
                       struct admission_verdict *verdict)
{
    struct bucket_table *table = admission->shared->callers;
    struct bucket_limit key = limit_of(&admission->config.key, caller);
    struct bucket_limit merchant = limit_of(&admission->config.merchant, caller);
    return pass_bucket(admission, table, &caller->key_id, &key, takes, ADMISSION_KEY_RATE,
                       verdict) &&
           (caller->merchant == NULL ||
            pass_bucket(admission, table, &caller->merchant->merchant_id, &merchant, takes,
                        ADMISSION_MERCHANT_RATE, verdict));
}

static uint64_t opened_digest(const struct admission *admission, const struct uuid *merchant_id,
                              struct str idempotency_key)
{
    struct str merchant = {(const char *)merchant_id->byte, sizeof(merchant_id->byte)};
    return recall_digest(admission->shared->opened, merchant, idempotency_key);
}

bool admission_was_opened(const struct admission *admission, const struct uuid *merchant_id,
                          struct str idempotency_key)
{
    return admission == NULL ||
           recall_knows(admission->shared->opened,
                        opened_digest(admission, merchant_id, idempotency_key));
}

static bool may_repeat(const struct admission *admission, const struct caller *caller,
                       struct str idempotency_key)
{
    return idempotency_key.len > 0 && caller->merchant != NULL &&
           admission->repeat_count < ADMISSION_REPEAT_MAX &&
           admission_was_opened(admission, &caller->merchant->merchant_id, idempotency_key);
}

static enum admission_reason take_lanes(struct admission *admission, const struct caller *caller,
                                        struct admission_ticket *ticket)
{
    const struct admission_config *config = &admission->config;
    const struct merchant *merchant = caller->merchant;
    size_t own_max = merchant != NULL ? (size_t)merchant->limits.in_flight_max : 0;
    ticket->key = enter_lane(admission, &admission->keys, &caller->key_id);
    if (is_beyond(ticket->key, own_max > 0 ? own_max : config->key_in_flight_max))
        return ADMISSION_KEY_IN_FLIGHT;
    if (merchant == NULL)
        return ADMISSION_ADMITTED;
    ticket->merchant = enter_lane(admission, &admission->merchants, &merchant->merchant_id);
    return is_beyond(ticket->merchant, own_max > 0 ? own_max : config->merchant_in_flight_max)
               ? ADMISSION_MERCHANT_IN_FLIGHT
               : ADMISSION_ADMITTED;
}

static void leave_lanes(struct admission *admission, struct admission_ticket *ticket)
{
    leave_lane(admission, &admission->keys, ticket->key);
    leave_lane(admission, &admission->merchants, ticket->merchant);
    *ticket = (struct admission_ticket){.is_held = false};
}

/* Room for its work; else for a repeat. False: *verdict says 503. */
static bool pass_load(struct admission *admission, const struct caller *caller,
                      enum admission_work work, struct str idempotency_key,
                      struct admission_verdict *verdict)
{
    enum admission_reason reason = look_at_load(admission, caller, work);
    verdict->is_repeat = reason != ADMISSION_ADMITTED && work == ADMISSION_PAYMENT &&
                         may_repeat(admission, caller, idempotency_key);
    return reason == ADMISSION_ADMITTED || verdict->is_repeat || refuse(admission, reason, verdict);
}

bool admission_look(struct admission *admission, const struct caller *caller,
                    enum admission_work work, struct str idempotency_key,
                    struct admission_verdict *verdict)
{
    *verdict = (struct admission_verdict){.reason = ADMISSION_ADMITTED};
    return admission == NULL || (pass_rates(admission, caller, false, verdict) &&
                                 pass_load(admission, caller, work, idempotency_key, verdict));
}

bool admission_begin(struct admission *admission, const struct caller *caller,
                     enum admission_work work, struct str idempotency_key,
                     struct admission_ticket *ticket, struct admission_verdict *verdict)
{
    CHECK(!ticket->is_held);
    *verdict = (struct admission_verdict){.reason = ADMISSION_ADMITTED};
    if (admission == NULL)
        return true;
    if (!pass_rates(admission, caller, true, verdict) ||
        !pass_load(admission, caller, work, idempotency_key, verdict))
        return false;
    enum admission_reason reason = take_lanes(admission, caller, ticket);
    if (reason != ADMISSION_ADMITTED) {
        leave_lanes(admission, ticket);
        return refuse(admission, reason, verdict);
    }
    ticket->is_held = true;
    ticket->work = work;
    ticket->is_repeat = verdict->is_repeat;
    admission->repeat_count += ticket->is_repeat;
    if (work == ADMISSION_READ) {
        admission->read_count++;
        metrics_add(admission->reads, 1);
    }
    return true;
}

void admission_end(struct admission *admission, struct admission_ticket *ticket)
{
    if (!ticket->is_held)
        return;
    if (ticket->work == ADMISSION_READ) {
        CHECK(admission->read_count > 0);
        admission->read_count--;
        metrics_add(admission->reads, -1);
    }
    CHECK(admission->repeat_count >= ticket->is_repeat);
    admission->repeat_count -= ticket->is_repeat;
    leave_lanes(admission, ticket);
}

void admission_note_opened(struct admission *admission, const struct uuid *merchant_id,
                           struct str idempotency_key)
{
    if (admission != NULL)
        recall_note(admission->shared->opened,
                    opened_digest(admission, merchant_id, idempotency_key));
}

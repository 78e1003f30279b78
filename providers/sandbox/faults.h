/* clang-format off */
/*
 * faults.h - bad behaviour on request: what is to go wrong, for whom, how often.
 *
 *     {"provider": "paypal", "operation": "charge", "kind": "http_500",
 *      "share": 0.5, "count": 10, "delay_ms": 50, "then": "refuse"}
 *
 *     kind                   effect  answer
 *     refuse                 no      the provider's own port is closed, its connections too; with
 *                                    count or a share below 1: see below
 *     reset_before_read      no      connection reset as if nothing had been read
 *     reset_after_effect     yes     connection reset
 *     close_before_effect    no      connection closed orderly
 *     close_after_effect     yes     connection closed orderly
 *     hang_before_effect     no      never; with delay_ms: the effect comes that late, then the answer
 *     hang_after_effect      yes     never; with delay_ms: that late
 *     http_500 http_503      no      that status
 *     http_429               no      that status with Retry-After
 *     http_500_after_effect  yes     that status
 *     decline_soft           -       the charge is declined, as with tok_soft; a payout is refused
 *                                    for want of funds
 *     decline_hard           -       the charge is declined, as with tok_hard; a payout is accepted
 *                                    and then fails for its recipient
 *     garbage                yes     200 and no JSON
 *     other_amount           yes     it names an amount that is one minor unit away
 *     slow                   yes     delay_ms later; other faults are applied besides
 *
 * provider is "paypal", "payoneer" (each with its payouts: the family), "paypal_payouts",
 * "payoneer_payouts" or "any". PayPal's payouts share port and token endpoint with its checkout:
 * what refuses one of them, or breaks its token, does so for both.
 *
 * Every kind takes share (of the requests that fit; absent: all), count (how often; absent: until
 * removed) and delay_ms: an answer comes that much later than the base latency, a reset or close
 * that much later than at once; for slow, which needs it, it is all there is. The first fault that
 * fits and whose share is drawn is applied, and its count goes down; at 0 the fault is gone. `then:
 * refuse` adds `refuse` for the provider just before the fault is acted out: take the effect,
 * close, refuse.
 *
 * `refuse` is decided before there is a request: operation and then are accepted and ignored, and
 * so is delay_ms, as there is no answer to delay. Alone, it closes the port. With count or a share
 * below 1 it thins: the port stays open, each new connection is drawn for, and a refused one is
 * reset before any TLS byte, so that the client's request never leaves; each uses up one of count.
 * So that share is one of requests, idle connections are closed when such a fault is set, and while
 * it lasts every answer of the provider closes its connection. The common port serves all providers
 * and learns from the request which one is meant: there the request is reset instead.
 */
/* clang-format on */
#ifndef SANDBOX_FAULTS_H
#define SANDBOX_FAULTS_H

#include "base/json.h"
#include "base/money.h"
#include "base/rng.h"
#include "providers/sandbox/words.h"

enum {
    FAULTS_MAX = 64,
    FAULT_FOR_EVER = -1,
};

enum fault_kind {
    FAULT_NONE = 0,
    FAULT_REFUSE,
    FAULT_RESET_BEFORE_READ,
    FAULT_RESET_AFTER_EFFECT,
    FAULT_CLOSE_BEFORE_EFFECT,
    FAULT_CLOSE_AFTER_EFFECT,
    FAULT_HANG_BEFORE_EFFECT,
    FAULT_HANG_AFTER_EFFECT,
    FAULT_HTTP_500,
    FAULT_HTTP_503,
    FAULT_HTTP_429,
    FAULT_HTTP_500_AFTER_EFFECT,
    FAULT_DECLINE_SOFT,
    FAULT_DECLINE_HARD,
    FAULT_GARBAGE,
    FAULT_OTHER_AMOUNT,
    FAULT_SLOW,
    FAULT_KIND_COUNT,
};

struct fault {
    int64_t id;
    enum sandbox_provider provider;   /* SANDBOX_NONE: every one */
    enum sandbox_operation operation; /* SANDBOX_OP_NONE: any */
    enum fault_kind kind;
    uint32_t share_per_million;
    int64_t count;    /* times left; FAULT_FOR_EVER */
    int64_t delay_ms; /* 0: none given */
    bool then_refuse;
    int64_t hit_count;
};

struct faults {
    struct fault fault[FAULTS_MAX];
    size_t count;
    int64_t last_id;
    struct rng rng; /* shares are drawn from it */
};

struct fault_plan {       /* what to do with one request */
    enum fault_kind kind; /* never FAULT_SLOW or FAULT_REFUSE */
    int64_t delay_ms;     /* of `kind` */
    int64_t slow_ms;      /* of slow faults */
    bool then_refuse;
};

void faults_init(struct faults *faults);
/* One fault out of {"provider","operation","kind","share","count","delay_ms","then"}. */
bool faults_add(struct faults *faults, const json_t *object, int64_t *id,
                struct error *err) MUST_USE;
void faults_refuse(struct faults *faults, enum sandbox_provider provider);
bool faults_remove(struct faults *faults, int64_t id); /* false: no such fault */
void faults_clear(struct faults *faults);
/* Is its port to be closed? */
bool faults_is_refused(const struct faults *faults, enum sandbox_provider provider);
/* Is a part of its connections refused? Never so for SANDBOX_NONE. */
bool faults_is_thinned(const struct faults *faults, enum sandbox_provider provider);
/* Draw for a new connection of a provider that may be thinned; counts go down. */
bool faults_admit(struct faults *faults, enum sandbox_provider provider);
/* Draw; counts go down. */
struct fault_plan faults_pick(struct faults *faults, enum sandbox_provider provider,
                              enum sandbox_operation operation);
void faults_print(const struct faults *faults, struct json_out *out);

#endif

/*
 * faults.h - bad behaviour on request: what is to go wrong, for whom, how often.
 *
 *     kind                  effect  answer
 *     refuse                no      the provider's own port is closed, its connections too
 *     reset_before_read     no      connection reset as if nothing had been read
 *     reset_after_effect    yes     connection reset
 *     close_before_effect   no      connection closed orderly
 *     close_after_effect    yes     connection closed orderly
 *     hang_before_effect    no      never; with delay_ms: the effect comes that late, then the
 * answer hang_after_effect     yes     never; with delay_ms: that late http_500 http_503     no
 * that status http_429              no      that status with Retry-After http_500_after_effect yes
 * that status decline_soft          -       the charge is declined, as with tok_soft decline_hard
 * -       the charge is declined, as with tok_hard garbage               yes     200 and no JSON
 *     slow                  yes     delay_ms later; other faults are applied besides
 *
 * The first fault that fits and whose share is drawn is applied, and its count goes down. `then:
 * refuse` adds `refuse` for the provider just before the fault is acted out: take the effect,
 * close, refuse.
 */
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
bool faults_is_refused(const struct faults *faults, enum sandbox_provider provider);
/* Draw; counts go down. */
struct fault_plan faults_pick(struct faults *faults, enum sandbox_provider provider,
                              enum sandbox_operation operation);
void faults_print(const struct faults *faults, struct json_out *out);

#endif

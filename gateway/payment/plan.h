/*
 * plan.h - what a payment does, as a table of typed steps. The default plan is compiled in: route,
 * authorize (with capture in one where the merchant wants it at once), capture. A payout's is
 * shorter: route, pay out; and an operation on a payment is one step: where it goes is where the
 * payment was. Merchants' own
 * workflows become other plans for the same core (attempts and events carry nullable run_id and
 * step_id).
 */
#ifndef PAYMENT_PLAN_H
#define PAYMENT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/terms.h"

enum plan_verb {
    PLAN_NONE = 0,
    PLAN_ROUTE,
    PLAN_AUTHORIZE, /* owns failover: walks the candidates */
    PLAN_CAPTURE,
    PLAN_PAY_OUT, /* like PLAN_AUTHORIZE, for money that goes out */
    PLAN_VOID,
    PLAN_REFUND,
    PLAN_REAUTHORIZE,
    PLAN_END,
};

enum plan_guard {
    PLAN_ALWAYS = 0,
    PLAN_IF_CAPTURE_AUTOMATIC,
    PLAN_IF_CAPTURE_MANUAL,
};

struct plan_step {
    const char *id;
    enum plan_verb verb;
    enum plan_guard guard;
};

struct plan {
    const char *name;
    const struct plan_step *steps;
    size_t count;
};
extern const struct plan plan_default;
extern const struct plan plan_payout;
/* The plan of what is to be done; SALE and AUTHORIZE share the default. */
const struct plan *plan_of(enum operation operation);

struct plan_position {
    const struct plan *plan;
    uint8_t step;
};

/* The first step of a plan has no guard. */
void plan_start(struct plan_position *position, const struct plan *plan);
/* The verb to perform now. PLAN_END when done. */
enum plan_verb plan_verb(const struct plan_position *position);
/* To the next step whose guard holds. */
void plan_advance(struct plan_position *position, bool capture_automatic);
/* SALE when authorize and a guarded-true capture follow each other, else AUTHORIZE; else as the
 * verb says. */
enum operation plan_operation(const struct plan_position *position, bool capture_automatic);
/* The id of the step to perform now; "" at the end. */
const char *plan_step_id(const struct plan_position *position);

#endif

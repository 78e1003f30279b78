/*
 * order_internal.h - inside the runner of orders.
 *
 *     order.c       claims, and when; merchants that are left alone; writing ends
 *     order_run.c   one order from its claim to its end
 */
#ifndef PAYMENT_ORDER_INTERNAL_H
#define PAYMENT_ORDER_INTERNAL_H

#include "base/list.h"
#include "base/metrics.h"
#include "payment/hash.h"
#include "payment/order.h"
#include "payment/order_verdict.h"

enum {
    ORDER_RUN_ARENA_MAX = 4 * 1024 * 1024,
    ORDER_DUE_LOOK_MS = 5, /* ends are gathered for so long */
};

struct order_tenant { /* a merchant with orders in hand, or left alone */
    struct uuid merchant_id;
    unsigned in_flight;
    unsigned begun;  /* of the orders that ended since the last claim */
    unsigned waited; /* likewise */
    int64_t pause_ms;
    int64_t pause_until_us; /* monotonic */
    UT_hash_handle hh;
};

struct order_run {    /* one claimed order */
    struct link link; /* in orders.runs, then in orders.ended */
    struct orders *orders;
    struct order_tenant *tenant;
    struct order_claim claim;  /* strings in arena */
    struct merchant *merchant; /* held; NULL: not loaded yet */
    json_t *body;              /* owned; what the request's strings point into */
    struct order_request *request;
    struct order_end end;
    struct arena arena;
};

struct orders {
    struct orders_config config;
    struct orders_parts parts;
    struct link runs;
    struct link ended;            /* to be written */
    struct link writing;          /* being written */
    size_t in_flight;             /* all three */
    struct order_tenant *tenants; /* hash */
    struct loop_timer claim_timer;
    struct loop_timer flush_timer;
    struct loop_timer settle_timer;
    int64_t interval_ms; /* at present: longer while nothing is found */
    int64_t backlog_us;  /* monotonic: when to count next */
    bool is_claiming;
    bool is_settling;
    bool is_counting;
    bool is_draining;
    struct arena claim_arena;
    struct metrics_series *waiting;
    struct metrics_series *oldest;
};

/* Run a claimed order; its tenant counts it already. */
void order_run_start(struct orders *orders, struct order_tenant *tenant,
                     const struct order_claim *claim);
void order_run_free(struct order_run *run);
/* The order's end is in run->end: write it soon. */
void orders_end(struct order_run *run);

#endif

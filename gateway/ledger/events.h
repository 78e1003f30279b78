/*
 * events.h - what happened, read for people and programs: newest first, one by one, or all of one
 * payment. Whoever wants to miss none reads follow.h.
 */
#ifndef LEDGER_EVENTS_H
#define LEDGER_EVENTS_H

#include <libpq-fe.h>

#include "ledger/store.h"

struct event_view {
    struct uuid merchant_id;
    struct uuid event_id;
    struct uuid subject_id; /* the payment's or payout's id, as its merchant knows it */
    struct uuid attempt_id; /* zero: about the payment as a whole */
    int64_t created_us;
    int32_t number;             /* within the payment */
    struct str type;            /* "payment.succeeded" */
    enum payment_status status; /* from then on */
    struct str data_json;
    struct str kind; /* of the subject: "payment", "payout", "refund", ... */
    bool livemode;
    int64_t amount_minor; /* the subject's */
    char currency[4];
    struct str reference;  /* empty: none */
    struct uuid parent_id; /* of an operation: its payment; zero else */
};

struct event_filter { /* newest first */
    struct uuid merchant_id;
    struct uuid payment_id; /* zero: any */
    struct str type;        /* empty: any */
    int64_t from_us, to_us; /* created, from included, to excluded; 0: open */
    struct uuid after;      /* cursor: older than this event; zero: from the newest */
    unsigned limit;         /* 1..100 */
};

typedef void (*events_fn)(void *ctx, enum store_find found, const struct event_view *events,
                          size_t count, bool has_more, const struct error *why);
/* By ids, so by time: what is committed late may appear below a page that was read. */
void events_list(struct store *store, const struct event_filter *filter, struct arena *arena,
                 events_fn done, void *ctx);
/* One event of this merchant, or ABSENT. */
void events_load(struct store *store, const struct uuid *merchant_id, const struct uuid *event_id,
                 struct arena *arena, events_fn done, void *ctx);
/* All of one payment, in their order; none when there is no such payment. */
void events_of_payment(struct store *store, const struct uuid *merchant_id,
                       const struct uuid *payment_id, struct arena *arena, events_fn done,
                       void *ctx);

enum {
    EVENT_COLUMN_COUNT = 14, /* of the statements in sql_events.c; follow.c has more behind them */
};
void events_take(const PGresult *res, int row, const struct uuid *merchant_id, struct arena *arena,
                 struct event_view *event);

#endif

/*
 * paypal_payouts.h - PayPal's Payouts v1: batches of payouts and their items.
 *
 *     batch: PENDING --> PROCESSING --> SUCCESS | DENIED (every item failed) | CANCELED
 *     item:  PENDING --> SUCCESS | UNCLAIMED | FAILED | ONHOLD | BLOCKED | RETURNED | REFUNDED
 *                        | REVERSED
 *
 * A batch is PENDING for half of settings.payout_ms, its items are settled after three quarters,
 * and it is complete after the whole. SUCCESS says that it was worked off, not that anybody was
 * paid: that is what the items tell.
 *
 * sender_batch_id is what makes a batch unique, for 30 days; a DENIED batch gives its id free. The
 * repeat is answered with 400 and a link to the first. PayPal-Request-Id is taken and does nothing,
 * as observed. Errors are those of PayPal's first API: a name for each, details in free text.
 *
 * A batch is a book_session (its unit: sum and header), an item a book_entry of it. Where PayPal
 * publishes nothing the answer is ours: what is said of an item of a CANCELED batch.
 */
#ifndef SANDBOX_PAYPAL_PAYOUTS_H
#define SANDBOX_PAYPAL_PAYOUTS_H

#include "http/route.h"
#include "providers/sandbox/call.h"

enum {
    PAYPAL_PAYOUT_ITEM_MAX = 15000,
    PAYPAL_PAYOUT_PAGE_MAX = 1000,
    PAYPAL_PAYOUT_DETAIL_MAX = 16,
};

enum paypal_payout_route {
    PAYPAL_PAYOUT_NO_ROUTE = 0,
    PAYPAL_PAYOUT_CREATE,
    PAYPAL_PAYOUT_BATCH,
    PAYPAL_PAYOUT_ITEM,
    PAYPAL_PAYOUT_CANCEL,
    PAYPAL_PAYOUT_ROUTE_COUNT,
};
extern const struct route paypal_payout_routes[];
extern const size_t paypal_payout_route_count;

enum sandbox_operation paypal_payout_operation(int route, struct str body);
void paypal_payout_answer(struct call *call);
void paypal_payout_fault_body(struct call *call, int status); /* 429, 500, 503 */

/* paypal_payouts.c */
enum paypal_batch_status {
    PAYPAL_BATCH_PENDING = 0,
    PAYPAL_BATCH_PROCESSING,
    PAYPAL_BATCH_SUCCESS,
    PAYPAL_BATCH_DENIED,
    PAYPAL_BATCH_CANCELED,
    PAYPAL_BATCH_STATUS_COUNT,
};
enum paypal_batch_status paypal_batch_status(const struct book_session *batch, int64_t now_us);
/* 2 % up to the currency's cap, or the flat fee of US domestic payouts. */
int64_t paypal_payout_fee(const struct sandbox_settings *settings, int64_t minor,
                          const struct currency *currency);
/* False: the currency is none that payouts are made in. */
bool paypal_payout_holds(const struct currency *currency);

/* paypal_payout_create.c */
void paypal_payout_create(struct call *call);

/* paypal_payout_error.c: status and message belong to the name. */
struct paypal_payout_detail {
    struct str field;  /* "items[0].receiver" */
    const char *issue; /* free text */
    struct str link;   /* batch id; empty: none */
};
struct paypal_payout_details {
    struct paypal_payout_detail detail[PAYPAL_PAYOUT_DETAIL_MAX];
    size_t count;
};
/* What is beyond PAYPAL_PAYOUT_DETAIL_MAX is left out. */
void paypal_payout_blame(struct paypal_payout_details *details, struct str field,
                         const char *issue);
void paypal_payout_error(struct call *call, const char *name,
                         const struct paypal_payout_details *details); /* NULL: none */
/* PayPal's own test values: an error in the first item's note, or in place of an id. True:
 * answered. */
bool paypal_payout_test_note(struct call *call, struct str note);
bool paypal_payout_test_id(struct call *call);

/* paypal_payout_print.c */
void paypal_payout_print_created(struct call *call, const struct book_session *batch);
void paypal_payout_print_batch(struct call *call, const struct book_session *batch,
                               enum paypal_batch_status status);
/* The batch without its items, as webhooks tell it. */
void paypal_payout_print_over(struct call *call, const struct book_session *batch,
                              enum paypal_batch_status status);
void paypal_payout_print_item(struct call *call, const struct book_session *batch,
                              const struct book_entry *item, enum paypal_batch_status status);

#endif

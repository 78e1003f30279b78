/*
 * payoneer.h - Payoneer Checkout (Open Payment Gateway) as far as a gateway uses it.
 *
 *     POST /api/lists ---> listed ---charge---> listed, list_used --> charge: charged | pending
 *                            |                                          | preauthorized | declined
 *                          DELETE --> listed, list_canceled
 *
 * A list can be used once: whatever the charge came to, a second one is refused
 * (DUPLICATE_OPERATION). There is no idempotency key; transactionId is not checked for uniqueness.
 * A used list tells its charge in links.charge. Amounts are JSON numbers, read and printed as
 * decimal text. Test numbers, the fee and the expiry of lists are ours: Payoneer publishes none.
 */
#ifndef SANDBOX_PAYONEER_H
#define SANDBOX_PAYONEER_H

#include "http/route.h"
#include "providers/sandbox/call.h"

#define PAYONEER_MEDIA_TYPE "application/vnd.optile.payment.enterprise-v1-extensible+json"

enum {
    /* 5.90 % and 50 minor units, as config/fees/payoneer-checkout.json says */
    PAYONEER_FEE_PER_10000 = 590,
    PAYONEER_FEE_FIXED_MINOR = 50,
    PAYONEER_LIST_LIFE_S = 86400,
};

enum payoneer_route {
    PAYONEER_NO_ROUTE = 0,
    PAYONEER_LIST_CREATE,
    PAYONEER_LIST_SHOW,
    PAYONEER_LIST_UPDATE,
    PAYONEER_LIST_CANCEL,
    PAYONEER_CHARGE_NETWORK,
    PAYONEER_CHARGE_ACCOUNT,
    PAYONEER_PAYOUT_NETWORK,
    PAYONEER_PAYOUT_ACCOUNT,
    PAYONEER_CHARGE_SHOW,
    PAYONEER_CHARGE_CANCEL,
    PAYONEER_CHARGE_CLOSE,
    PAYONEER_CHARGE_REFUND,
    PAYONEER_PAYOUT_SHOW,
    PAYONEER_AUTHENTICATE_PAGE, /* the payer's page */
    PAYONEER_AUTHENTICATE,      /* what is pressed there */
    PAYONEER_ROUTE_COUNT,
};
extern const struct route payoneer_routes[];
extern const size_t payoneer_route_count;

enum sandbox_operation payoneer_operation(int route, struct str body);
void payoneer_answer(struct call *call); /* call->route is set; PAYONEER_NO_ROUTE answers 404 */
void payoneer_fault_body(struct call *call, int status); /* 429, 500, 503 */

/* between the dialect's files */
void payoneer_error(struct call *call, int status, const char *code, const char *reason,
                    const char *info);
bool payoneer_parse(struct call *call); /* the body, "" as {}; false: answered */
/* JSON number at path -> minor units of currency, above 0; false: answered with 400. */
bool payoneer_amount(struct call *call, const char *path, const struct currency *currency,
                     int64_t *minor);
struct str payoneer_long_id(struct call *call);
struct book_session *payoneer_find_list(struct call *call); /* param 0; NULL: answered 404 */
struct book_entry *payoneer_find_charge(struct call *call); /* param 0; NULL: answered 404 */

void payoneer_list_create(struct call *call);
void payoneer_list_show(struct call *call);
void payoneer_list_update(struct call *call);
void payoneer_list_cancel(struct call *call);
void payoneer_settle(struct book_entry *entry, enum scenario_kind kind); /* state, code, fee */
void payoneer_charge(struct call *call);
void payoneer_charge_show(struct call *call);
void payoneer_charge_cancel(struct call *call);
void payoneer_charge_close(struct call *call);
void payoneer_charge_refund(struct call *call);
void payoneer_authenticate_page(struct call *call);
void payoneer_authenticate(struct call *call);

void payoneer_print_list(struct call *call, const struct book_session *list);
void payoneer_print_charge(struct call *call, const struct book_entry *entry);
/* "charged.debited": what a notification of its state is called here; Payoneer has no name for it.
 */
struct str payoneer_notification_name(const struct book_entry *entry, struct arena *arena);
/* The notification's body, appended. */
void payoneer_print_notification(const struct call *call, const struct book_entry *entry,
                                 struct str id, struct buf *out);

#endif

/* clang-format off */
/*
 * payoneer_payouts.h - Payoneer's Mass Payouts & Services v4, with their token endpoint.
 *
 *     Pending Payee --registered--> Pending --> Transferred --bank returns it--> Cancelled
 *           |                          |
 *           +-------- cancel ----------+--> Cancelled | Rejected
 *
 * client_reference_id is what makes a payout unique within its program, for ever; it is also what
 * everything is looked up by. A repeat is refused with 400, whatever its body says: Payoneer does
 * not publish its answer, this one says what the older API's code 004 says. Creating is all or
 * nothing. A cancel is only received: what became of it shows in the status.
 *
 * Of the error sub codes only 1000 (bad parameter) and 2306 (no such payout) are public; every 400
 * has 1000 and a text. Payees need not be registered here unless their id says so
 * (payout_plan.h); one that got a registration link is pending until the link was opened.
 *
 * Ours, as nothing is published: the fee (1 %, in the books only), the balance, descriptions of
 * payees, and reason code 10005 of rejected payouts.
 */
/* clang-format on */
#ifndef SANDBOX_PAYONEER_PAYOUTS_H
#define SANDBOX_PAYONEER_PAYOUTS_H

#include "http/route.h"
#include "providers/sandbox/call.h"

#define PAYONEER_PAYOUT_TOKEN_PREFIX "PYNR1"

enum {
    PAYONEER_PAYOUT_BATCH_MAX = 500,
    PAYONEER_PAYOUT_FEE_PER_10000 = 100,
    PAYONEER_PAYOUT_TOKEN_LIFE_S = 2592000,
    PAYONEER_PAYOUT_PROBLEM_MAX = 16,
    PAYONEER_BAD_PARAMETER = 1000,
    PAYONEER_NO_SUCH_PAYOUT = 2306,
};

enum payoneer_payout_route {
    PAYONEER_PAYOUT_NO_ROUTE = 0,
    PAYONEER_PAYOUT_TOKEN,
    PAYONEER_PAYOUT_CREATE,
    PAYONEER_PAYOUT_STATUS,
    PAYONEER_PAYOUT_CANCEL,
    PAYONEER_BALANCE,
    PAYONEER_PAYEE_LINK,
    PAYONEER_PAYEE_STATUS,
    PAYONEER_PAYEE_DETAILS,
    PAYONEER_PAYEE_DELETE,
    PAYONEER_PAYEE_REGISTER, /* the payee's page */
    PAYONEER_PAYOUT_ROUTE_COUNT,
};
extern const struct route payoneer_payout_routes[];
extern const size_t payoneer_payout_route_count;

enum sandbox_operation payoneer_payout_operation(int route, struct str body);
void payoneer_payout_answer(struct call *call);
void payoneer_payout_fault_body(struct call *call, int status); /* 429, 500, 503 */

/* payoneer_payouts.c: param 0 is the program, param 1 the payout or payee. call->account is
 * "client/program". */
struct payoneer_problem { /* of one row */
    struct str target;    /* "Payments[0].amount" */
    struct str value;     /* offending text; empty: null */
    const char *message;
};
struct payoneer_problems {
    struct payoneer_problem problem[PAYONEER_PAYOUT_PROBLEM_MAX];
    size_t count;
};
/* sub_code 0: null. */
void payoneer_payout_error(struct call *call, int status, int sub_code, const char *description,
                           const struct payoneer_problems *problems); /* NULL: none */
bool payoneer_payout_parse(struct call *call);                        /* false: answered */
/* An answer of 200 (or status) with {"result": ...: the value comes next, then end. */
void payoneer_payout_begin(struct call *call, int status, struct json_out *out);
const char *payoneer_payout_reason(struct str code); /* why it was cancelled, in words */
/* "2026-01-15T10:00:00Z", or null when at_us is 0. */
void payoneer_payout_put_time(struct json_out *out, const char *name, int64_t at_us);

/* payoneer_payout_create.c */
void payoneer_payout_create(struct call *call);
struct book_entry *payoneer_payout_find(struct call *call, struct str reference); /* may be NULL */

/* payoneer_payees.c */
enum payoneer_payee {
    PAYONEER_PAYEE_UNKNOWN = 0,
    PAYONEER_PAYEE_PENDING,
    PAYONEER_PAYEE_ACTIVE,
    PAYONEER_PAYEE_INACTIVE,
};
enum payoneer_payee payoneer_payee(struct call *call, struct str payee_id);
/* Where payouts wait for a pending payee; made when there is none yet. */
struct book_session *payoneer_payee_session(struct call *call, struct str payee_id);
void payoneer_payee_link(struct call *call);
void payoneer_payee_register(struct call *call);
void payoneer_payee_status(struct call *call);
void payoneer_payee_details(struct call *call);
void payoneer_payee_delete(struct call *call);

#endif

/*
 * facts.h - what is known of a payment before anybody is asked for it, laid out for the router: of
 * the payment itself, and of each account that might take it.
 *
 *     request, merchant, health, volumes, holds, room --facts_lay_out--> facts --> route_decide
 *
 * The driver decides by it, and explain.h tells by it what the driver would decide: one code, so
 * that an explanation cannot drift away from what is done. Nothing is taken, counted or written.
 */
#ifndef PAYMENT_FACTS_H
#define PAYMENT_FACTS_H

#include "base/json.h"
#include "payment/payment.h"
#include "payment/rest.h"

struct facts_before {   /* a further attempt: what came before it */
    uint32_t attempt;   /* its number, from 2 */
    struct str decline; /* how the one before ended: "soft", "hard"; "failed": it did nothing */
    struct str reason;  /* ... and why: "insufficient_funds", "connect_refused" */
};

struct facts_source {                   /* borrowed, all */
    const struct payments_parts *parts; /* admission, health, volumes, rates: each may be NULL */
    const struct rests *rests;          /* NULL: accounts that rest are taken all the same */
    const struct merchant *merchant;
    const struct payment_request *request;
    const struct facts_before *before; /* NULL: the first attempt */
    const struct health_view *told;    /* by the merchant's accounts; NULL: as they are watched */
    int64_t at_us;   /* wall: when the payment began; weekday and time are of it */
    int64_t wall_us; /* of which holds and maintenance windows are in force */
};

struct facts { /* its strings are the source's, or in it: it is not copied */
    struct route_facts payment;
    struct route_candidate candidate[ROUTE_CANDIDATE_MAX];
    const struct merchant_account *account[ROUTE_CANDIDATE_MAX]; /* of each candidate */
    struct str token[ROUTE_CANDIDATE_MAX]; /* ... and its token; may be empty */
    size_t count;
    char merchant[ID_TEXT_SIZE];
};

void facts_lay_out(const struct facts_source *source, struct facts *facts);

/*
 * What the ledger keeps of a payment that is no number: the request's metadata, what it says of routing, and
 * the facts of a decision's record (decision_record.h); each may be NULL. The texts are theirs.
 */
void facts_take_stored(json_t *metadata, const json_t *routing, const json_t *given,
                       struct route_pair pairs[ROUTE_METADATA_MAX], struct route_facts *facts);

/* What a request asks an account to do. */
enum operation facts_operation(const struct payment_request *request);
/* Where it comes from or goes to: the payer's country, or else the beneficiary's. */
struct str facts_country(const struct payment_request *request);
/* How long this account rests; 0: it does not, or nobody heeds it (rests NULL). */
int64_t facts_rest_left_us(const struct rests *rests, const struct provider_account *account);
/* It holds its share of this worker, or rests. admission may be NULL. */
bool facts_is_busy(struct admission *admission, const struct rests *rests,
                   const struct provider_account *account);

#endif

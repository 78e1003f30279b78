/*
 * payoneer.h - Payoneer Checkout (Open Payment Gateway): a session ("list"), then a charge in it.
 *
 *     sale, authorize   POST /api/lists                               session; moves nothing
 *                       POST /api/lists/{list}/accounts/{token}/charge   once per list
 *     capture           POST /api/charges/{parent_ref}/closing
 *     void              DELETE /api/charges/{parent_ref}
 *     refund            POST /api/charges/{parent_ref}/payout
 *
 * There is no idempotency key, and transactionId is not checked for uniqueness. What protects a
 * charge is the list: it can be used once, a second charge in it is refused (DUPLICATE_OPERATION).
 * So the list's id is a fact that is committed before the charge, and stands as the key of that
 * send. A closing and a payout have nothing of the kind: their key is empty, and they must never be
 * repeated.
 *
 * A lost answer is looked up by the charge's id when it is known, else by the list: a used list
 * names its charge in links.charge (that name is our assumption; the provider's documents do not
 * say). A list that was not used yet answers "listed", which means "nothing happened so far".
 */
#ifndef PROVIDERS_PAYONEER_H
#define PROVIDERS_PAYONEER_H

#include "providers/provider.h"

extern const struct provider provider_payoneer;

/* payoneer_judge.c */
void payoneer_judge(const struct provider_call *call, enum provider_step step,
                    const struct provider_answer *answer, struct arena *arena,
                    struct provider_judgement *judgement);

#endif

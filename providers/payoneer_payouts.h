/*
 * payoneer_payouts.h - Payoneer Mass Payouts & Services v4: money goes out to a registered payee.
 *
 *     pay out   POST /v4/programs/{program}/masspayouts                     a batch of one
 *     look up   GET  /v4/programs/{program}/payouts/{attempt}/status
 *     cancel    PUT  /v4/programs/{program}/payouts/{attempt}/cancel        asked for, not done
 *     payees    POST /v4/programs/{program}/payees/registration-link
 *               GET  /v4/programs/{program}/payees/{payee}/status
 *
 *     create --201--> Pending Payee --registers--> Pending --> Transferred       paid
 *                         |                           |
 *                         +------- Cancelled <--------+
 *
 * The key is client_reference_id, the attempt's reference. Looking up needs nothing else, so a lost
 * answer is asked for and never sent again: 404 with sub_code 2306 means that it never arrived. A
 * repeated reference is refused; how that is said is not documented, so every 400 that speaks of
 * something that exists already is taken for it.
 *
 * Payoneer's list of status words is not public. Only "Transferred" is success; a word we do not
 * know decides nothing. A reason_code refuses a payout only when we know it or its description says
 * so: 5001 "Processing" stands beside "Pending". A 429 is not taken for a refusal either: it is
 * looked up first.
 *
 * Tokens come from another host (setting login_url), and everything happens within a program
 * (setting program_id).
 */
#ifndef PROVIDERS_PAYONEER_PAYOUTS_H
#define PROVIDERS_PAYONEER_PAYOUTS_H

#include "providers/provider.h"

extern const struct provider provider_payoneer_payouts;

/* "/v4/programs/{program}" and what follows; ERROR_INVALID when program_id cannot stand there. */
bool payoneer_payouts_path(const struct provider_account *account, const char *place, struct str id,
                           const char *verb, struct arena *arena, struct str *path,
                           struct error *err) MUST_USE;
/* False with *err when this id of a payee cannot be one. */
bool payoneer_payouts_check_payee(struct str payee_id, struct error *err) MUST_USE;

/* payoneer_payouts_judge.c */
void payoneer_payouts_judge(const struct provider_call *call, enum provider_step step,
                            const struct provider_answer *answer, struct arena *arena,
                            struct provider_judgement *judgement);

/* payoneer_payees.c */
bool payoneer_build_payee(const struct provider_payee_ask *ask, struct arena *arena,
                          struct provider_request *request, struct error *err);
bool payoneer_judge_payee(const struct provider_payee_ask *ask,
                          const struct provider_answer *answer, struct arena *arena,
                          struct provider_payee *payee, struct error *err);

#endif

/*
 * payee.h - asks a provider about a payee: where he registers, or whether he can be paid.
 *
 * One question is one call of the provider (two when the bearer token was refused the first time).
 * It moves no money, so nothing of it is written anywhere, and an answer that does not come is an
 * error like any other.
 */
#ifndef PROVIDERS_PAYEE_H
#define PROVIDERS_PAYEE_H

#include "providers/engine.h"

struct payee_asking;

/* payee is borrowed during the call, and NULL when there is no answer: then *why says why. */
typedef void (*payee_done_fn)(void *ctx, const struct provider_payee *payee,
                              const struct error *why);

/* True when this provider knows payees at all. */
bool payee_is_offered(const struct provider *provider);

/*
 * Ask. done is called exactly once, never before this returns, within the engine's times. The
 * account is borrowed until then, all else in `ask` is copied. NULL: it cannot be asked like this
 * (ERROR_INVALID), and done will not be called.
 */
struct payee_asking *payee_ask_start(struct engine *engine, const struct provider_payee_ask *ask,
                                     payee_done_fn done, void *ctx, struct error *err);
void payee_ask_cancel(struct payee_asking *asking); /* done will not be called */

#endif

/*
 * erasure.h - whose data it is, and what is left of an answer once they were erased.
 *
 * A customer is named by what the merchant calls them: the id or e-mail of a payment's `customer`,
 * the payee, e-mail, phone, IBAN or account number of a payout's recipient. What is sealed is opened
 * to be compared, and wiped.
 */
#ifndef PAYMENT_ERASURE_H
#define PAYMENT_ERASURE_H

#include "ledger/erase.h"
#include "payment/vault.h"

/* Whether this payment, payout or order is the customer's. False: it cannot be opened. */
bool erasure_is_of(const struct vault *vault, const struct uuid *merchant_id,
                   const struct erase_subject *subject, struct str customer, bool *is_theirs,
                   struct error *err) MUST_USE;

/* What is kept of the name of a customer: an HMAC that nobody can make without the master secret. */
void erasure_hash(const struct vault *vault, const struct uuid *merchant_id, struct str customer,
                  uint8_t out[SHA256_SIZE]);

/*
 * erase_redact_fn: status, money, ids and decisions stay; customer, beneficiary, metadata and the
 * words of an operation are null, and `erased` says since when. What was redacted before is left as
 * it is.
 */
bool erasure_redact(struct str stored, int64_t erased_us, struct arena *arena, struct str *left,
                    struct error *err) MUST_USE;

#endif

/*
 * vault.h - what is encrypted before it goes to the ledger: the exact bodies of sends, and the
 * tokens of payment methods (payouts: payee ids and beneficiary).
 *
 * Each sealed text is bound to the row it belongs to (AES-256-GCM with the row's identity as
 * associated data): a body copied to another attempt, or tokens copied to another merchant's
 * payment, do not open.
 */
#ifndef PAYMENT_VAULT_H
#define PAYMENT_VAULT_H

#include "base/arena.h"
#include "base/crypto.h"
#include "base/error.h"
#include "base/id.h"
#include "providers/provider.h"

enum {
    VAULT_TEXT_MAX = 65536,
};

struct vault {
    const uint8_t *seal_key; /* AEAD_KEY_SIZE; borrowed */
    const uint8_t *hash_key; /* 32 bytes; borrowed */
};

/* The request as it will be sent, sealed for (merchant, attempt, send number); lives in arena. */
struct str vault_seal_request(const struct vault *vault, const struct uuid *merchant_id,
                              const struct uuid *attempt_id, int32_t send_number,
                              const struct provider_request *request, struct arena *arena);
/* ERROR_INVALID when it is not the text sealed for this send (or was erased). */
bool vault_open_request(const struct vault *vault, const struct uuid *merchant_id,
                        const struct uuid *attempt_id, int32_t send_number, struct str sealed,
                        struct arena *arena, struct provider_request *request,
                        struct error *err) MUST_USE;

struct vault_token {
    struct str provider;
    struct str token;
};
/* beneficiary: of a payout; NULL else. */
struct str vault_seal_tokens(const struct vault *vault, const struct uuid *merchant_id,
                             const struct uuid *payment_id, const struct vault_token *tokens,
                             size_t count, const struct provider_beneficiary *beneficiary,
                             struct arena *arena);
/* The token for one provider; *token is empty when none was kept for it. Lives in arena. */
bool vault_open_token(const struct vault *vault, const struct uuid *merchant_id,
                      const struct uuid *payment_id, struct str sealed, struct str provider,
                      struct arena *arena, struct str *token, struct error *err) MUST_USE;

/* The beneficiary that was sealed with the tokens: strings live in arena; all empty when none was. */
bool vault_open_beneficiary(const struct vault *vault, const struct uuid *merchant_id,
                            const struct uuid *payment_id, struct str sealed, struct arena *arena,
                            struct provider_beneficiary *beneficiary, struct error *err) MUST_USE;

/*
 * Whether the sealed tokens, or the e-mail, phone, IBAN or account number of the beneficiary sealed
 * with them, are exactly this text; e-mails whatever their case.
 */
bool vault_find_payee(const struct vault *vault, const struct uuid *merchant_id,
                      const struct uuid *payment_id, struct str sealed, struct str text,
                      bool *is_found, struct error *err) MUST_USE;

/* HMAC under a key of its own: counts retries of one token of one merchant without keeping it. */
void vault_hash_token(const struct vault *vault, const struct uuid *merchant_id, struct str token,
                      uint8_t out[SHA256_SIZE]);

#endif

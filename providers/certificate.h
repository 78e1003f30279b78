/*
 * certificate.h - the certificate behind a webhook's signature, checked before its key is believed.
 *
 * Its address came with the webhook itself, so it may be anybody's: it must lead to an authority
 * that the account trusts, be of the provider's name, be valid now, and hold an RSA key of usual
 * length. Nothing here does I/O but certificate_trust_new, which reads the authorities' file.
 */
#ifndef PROVIDERS_CERTIFICATE_H
#define PROVIDERS_CERTIFICATE_H

#include "providers/provider.h"

enum {
    CERTIFICATE_BYTES_MAX = 65536,
    CERTIFICATE_CHAIN_MAX = 6,
    CERTIFICATE_RSA_BITS_MIN = 2048,
    CERTIFICATE_RSA_BITS_MAX = 8192,
};

struct certificate_trust;

/* ca_file "": the system's authorities. NULL with *err when they cannot be read. */
struct certificate_trust *certificate_trust_new(const char *ca_file, struct error *err);
void certificate_trust_free(struct certificate_trust **trust);

/*
 * The key of the first certificate of `pem`; those that follow may lead to an authority. name: a
 * host name or an address; ".paypal.com": a name below it. NULL with ERROR_DENIED: not to be
 * believed, *err says why.
 */
struct webhook_key *certificate_check(struct str pem, const struct certificate_trust *trust,
                                      const char *name, int64_t now_us, struct error *err);
void webhook_key_free(struct webhook_key **key);
/* Until when its certificate is valid, on the wall clock. */
int64_t webhook_key_valid_until_us(const struct webhook_key *key);
/* RSASSA-PKCS1-v1_5 with SHA-256. */
bool webhook_key_verify(const struct webhook_key *key, struct str message, struct str signature);

#endif

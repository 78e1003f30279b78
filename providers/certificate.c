#include "providers/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/clock.h"

enum {
    AUTH_LEVEL = 2, /* 112 bits: no SHA-1, no RSA below 2048 anywhere in the chain */
};

struct certificate_trust {
    X509_STORE *store; /* owned */
};

struct webhook_key {
    EVP_PKEY *pkey; /* owned */
    int64_t valid_until_us;
};

struct chain {
    X509 *leaf;            /* owned */
    STACK_OF(X509) * rest; /* owned: what may lead to an authority; trusted in nothing */
};

struct certificate_trust *certificate_trust_new(const char *ca_file, struct error *err)
{
    struct certificate_trust *trust = calloc(1, sizeof(*trust));

    CHECK(trust != NULL);
    trust->store = X509_STORE_new();
    CHECK(trust->store != NULL);
    const int done = ca_file[0] != '\0' ? X509_STORE_load_file(trust->store, ca_file)
                                        : X509_STORE_set_default_paths(trust->store);
    ERR_clear_error();
    if (done != 1) {
        certificate_trust_free(&trust);
        (void)fail(err, ERROR_IO, "cannot read the authorities of %s",
                   ca_file[0] != '\0' ? ca_file : "the system");
    }
    return trust;
}

void certificate_trust_free(struct certificate_trust **trust_at)
{
    struct certificate_trust *trust = *trust_at;

    if (trust == NULL)
        return;
    X509_STORE_free(trust->store);
    free(trust);
    *trust_at = NULL;
}

static void chain_release(struct chain *chain)
{
    X509_free(chain->leaf);
    sk_X509_pop_free(chain->rest, X509_free);
    ERR_clear_error();
}

static bool read_chain(struct str pem, struct chain *chain, struct error *err)
{
    if (pem.len == 0 || pem.len > CERTIFICATE_BYTES_MAX)
        return fail(err, ERROR_DENIED, "cannot believe the certificate: empty or above %d bytes",
                    CERTIFICATE_BYTES_MAX);
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
    CHECK(bio != NULL && chain->rest != NULL);
    chain->leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    X509 *next = NULL;
    int count = 1;
    while (chain->leaf != NULL && count <= CERTIFICATE_CHAIN_MAX &&
           (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        CHECK(sk_X509_push(chain->rest, next) > 0);
        count++;
    }
    BIO_free(bio);
    if (chain->leaf == NULL)
        return fail(err, ERROR_DENIED, "cannot believe the certificate: it cannot be read");
    if (count > CERTIFICATE_CHAIN_MAX)
        return fail(err, ERROR_DENIED, "cannot believe the certificate: more than %d in a row",
                    CERTIFICATE_CHAIN_MAX);
    return true;
}

static bool check_name(X509 *leaf, const char *name, struct error *err)
{
    if (X509_check_ip_asc(leaf, name, 0) == 1 || X509_check_host(leaf, name, 0, 0, NULL) == 1)
        return true;
    return fail(err, ERROR_DENIED, "cannot believe the certificate: it is not one of %s", name);
}

static bool check_key(X509 *leaf, struct error *err)
{
    const EVP_PKEY *pkey = X509_get0_pubkey(leaf);
    const int bits = pkey != NULL ? EVP_PKEY_get_bits(pkey) : 0;

    if (pkey == NULL || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA ||
        bits < CERTIFICATE_RSA_BITS_MIN || bits > CERTIFICATE_RSA_BITS_MAX)
        return fail(err, ERROR_DENIED,
                    "cannot believe the certificate: its key is no RSA key of "
                    "%d to %d bits",
                    CERTIFICATE_RSA_BITS_MIN, CERTIFICATE_RSA_BITS_MAX);
    if (X509_check_ca(leaf) != 0)
        return fail(err, ERROR_DENIED, "cannot believe the certificate: it is an authority's");
    return true;
}

static bool check_chain(const struct chain *chain, const struct certificate_trust *trust,
                        int64_t now_us, struct error *err)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();

    CHECK(ctx != NULL);
    CHECK(X509_STORE_CTX_init(ctx, trust->store, chain->leaf, chain->rest) == 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)(now_us / CLOCK_SECOND_US));
    X509_VERIFY_PARAM_set_depth(param, CERTIFICATE_CHAIN_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    const bool is_sound = X509_verify_cert(ctx) == 1;
    if (!is_sound)
        (void)fail(err, ERROR_DENIED, "cannot believe the certificate: %s",
                   X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    X509_STORE_CTX_free(ctx);
    return is_sound;
}

/* notAfter; 0 when it cannot be read. */
static int64_t ends_us(const X509 *leaf)
{
    int days = 0;
    int seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);

    CHECK(epoch != NULL);
    const int done = ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(leaf));
    ASN1_TIME_free(epoch);
    return done == 1 ? (days * 86400LL + seconds) * CLOCK_SECOND_US : 0;
}

struct webhook_key *certificate_check(struct str pem, const struct certificate_trust *trust,
                                      const char *name, int64_t now_us, struct error *err)
{
    struct chain chain = {.rest = sk_X509_new_null()};
    struct webhook_key *key = NULL;

    CHECK(name[0] != '\0');
    if (read_chain(pem, &chain, err) && check_name(chain.leaf, name, err) &&
        check_key(chain.leaf, err) && check_chain(&chain, trust, now_us, err)) {
        key = calloc(1, sizeof(*key));
        CHECK(key != NULL);
        key->pkey = X509_get_pubkey(chain.leaf);
        key->valid_until_us = ends_us(chain.leaf);
        CHECK(key->pkey != NULL);
    }
    chain_release(&chain);
    return key;
}

void webhook_key_free(struct webhook_key **key_at)
{
    struct webhook_key *key = *key_at;

    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
    *key_at = NULL;
}

int64_t webhook_key_valid_until_us(const struct webhook_key *key)
{
    return key->valid_until_us;
}

bool webhook_key_verify(const struct webhook_key *key, struct str message, struct str signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    CHECK(ctx != NULL);
    const bool is_genuine =
        EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
        EVP_DigestVerify(ctx, (const unsigned char *)signature.at, signature.len,
                         (const unsigned char *)message.at, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return is_genuine;
}

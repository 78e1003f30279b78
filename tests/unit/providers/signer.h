/*
 * signer.h - somebody who signs webhooks as PayPal does: authorities, certificates, keys.
 */
#ifndef TESTS_UNIT_PROVIDERS_SIGNER_H
#define TESTS_UNIT_PROVIDERS_SIGNER_H

#include <stdint.h>
#include <stdio.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/crypto.h"
#include "base/error.h"

struct signer { /* a certificate with its key */
    EVP_PKEY *key;
    X509 *certificate;
};

struct signer_options {
    const struct signer *issuer; /* NULL: signed by itself */
    const char *names;           /* "DNS:localhost,IP:127.0.0.1"; NULL: none */
    bool is_authority;
    bool is_elliptic;
    int rsa_bits;         /* 0: 2048 */
    long from_s;          /* of now; 0: an hour ago */
    long until_s;         /* of now; 0: in an hour */
    const EVP_MD *digest; /* NULL: SHA-256 */
};

static inline void signer_extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    CHECK(extension != NULL);
    CHECK(X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static inline struct signer signer_make(const char *name, const struct signer_options *options)
{
    static long serial;
    struct signer made = {
        .key = options->is_elliptic
                   ? EVP_EC_gen("P-256")
                   : EVP_RSA_gen((size_t)(options->rsa_bits != 0 ? options->rsa_bits : 2048)),
        .certificate = X509_new(),
    };
    X509 *certificate = made.certificate;
    CHECK(made.key != NULL && certificate != NULL);
    X509_NAME *subject = X509_get_subject_name(certificate);
    CHECK(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                     -1, 0) == 1);
    CHECK(X509_set_version(certificate, 2) == 1);
    CHECK(ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial) == 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate),
                    options->from_s != 0 ? options->from_s : -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate),
                    options->until_s != 0 ? options->until_s : 3600);
    X509 *issuer = options->issuer != NULL ? options->issuer->certificate : certificate;
    CHECK(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1);
    CHECK(X509_set_pubkey(certificate, made.key) == 1);
    if (options->is_authority)
        signer_extend(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
    if (options->names != NULL)
        signer_extend(certificate, issuer, NID_subject_alt_name, options->names);
    CHECK(X509_sign(certificate, options->issuer != NULL ? options->issuer->key : made.key,
                    options->digest != NULL ? options->digest : EVP_sha256()) > 0);
    return made;
}

static inline void signer_free(struct signer *signer)
{
    EVP_PKEY_free(signer->key);
    X509_free(signer->certificate);
    *signer = (struct signer){NULL, NULL};
}

/* Added behind what is there. */
static inline void signer_print(const struct signer *signer, struct buf *pem)
{
    char *at = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    CHECK(bio != NULL && PEM_write_bio_X509(bio, signer->certificate) == 1);
    long len = BIO_get_mem_data(bio, &at);
    buf_add(pem, at, (size_t)len);
    BIO_free(bio);
}

static inline void signer_write(const struct signer *signer, const char *path)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && PEM_write_X509(file, signer->certificate) == 1);
    CHECK(fclose(file) == 0);
}

/* In base64, as it stands in a header. */
static inline void signer_sign(const struct signer *signer, const EVP_MD *digest,
                               struct str message, struct buf *out)
{
    unsigned char signature[2048];
    size_t size = sizeof(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    CHECK(ctx != NULL && EVP_DigestSignInit(ctx, NULL, digest, NULL, signer->key) == 1);
    CHECK(EVP_DigestSign(ctx, signature, &size, (const unsigned char *)message.at, message.len) ==
          1);
    crypto_base64((struct str){(const char *)signature, size}, out);
    EVP_MD_CTX_free(ctx);
}

#endif

/* pki.h - a throw-away CA with a server and a client certificate, as files in a folder of its own.
 */
#ifndef TESTS_HTTP_PKI_H
#define TESTS_HTTP_PKI_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

struct pki {
    char folder[64];
    char ca[96];
    char server[96];
    char server_key[96];
    char rsa[96]; /* the server's other certificate */
    char rsa_key[96];
    char client[96];
    char client_key[96];
    char stranger_key[96]; /* of no certificate */
};

static UNUSED void write_key(const char *path, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");
    CHECK(file);
    CHECK(chmod(path, 0600) == 0);
    CHECK(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    CHECK(fclose(file) == 0);
}

static UNUSED void write_certificate(const char *path, X509 *certificate)
{
    FILE *file = fopen(path, "w");
    CHECK(file);
    CHECK(PEM_write_X509(file, certificate) == 1);
    CHECK(fclose(file) == 0);
}

static UNUSED void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    CHECK(extension);
    CHECK(X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: self-signed, a CA. */
static UNUSED X509 *issue(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial;
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_NAME_new();
    CHECK(certificate && subject);
    CHECK(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                     -1, 0) == 1);
    CHECK(X509_set_version(certificate, 2) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_subject_name(certificate, subject);
    X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject);
    X509_set_pubkey(certificate, key);
    if (issuer) {
        add_extension(certificate, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    } else {
        add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    }
    CHECK(X509_sign(certificate, issuer ? issuer_key : key, EVP_sha256()) > 0);
    X509_NAME_free(subject);
    return certificate;
}

static UNUSED void pki_make(struct pki *pki)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    EVP_PKEY *server_key = EVP_EC_gen("P-256");
    EVP_PKEY *rsa_key = EVP_RSA_gen(2048);
    EVP_PKEY *client_key = EVP_EC_gen("P-256");
    EVP_PKEY *stranger_key = EVP_EC_gen("P-256");
    X509 *ca = issue("Test CA", ca_key, NULL, NULL);
    X509 *server = issue("localhost", server_key, ca, ca_key);
    X509 *rsa = issue("localhost", rsa_key, ca, ca_key);
    X509 *client = issue("operator", client_key, ca, ca_key);
    (void)snprintf(pki->folder, sizeof pki->folder, "/tmp/turnpike-test-XXXXXX");
    CHECK(mkdtemp(pki->folder));
    (void)snprintf(pki->ca, sizeof pki->ca, "%s/ca.pem", pki->folder);
    (void)snprintf(pki->server, sizeof pki->server, "%s/server.pem", pki->folder);
    (void)snprintf(pki->server_key, sizeof pki->server_key, "%s/server.key", pki->folder);
    (void)snprintf(pki->rsa, sizeof pki->rsa, "%s/rsa.pem", pki->folder);
    (void)snprintf(pki->rsa_key, sizeof pki->rsa_key, "%s/rsa.key", pki->folder);
    (void)snprintf(pki->client, sizeof pki->client, "%s/client.pem", pki->folder);
    (void)snprintf(pki->client_key, sizeof pki->client_key, "%s/client.key", pki->folder);
    (void)snprintf(pki->stranger_key, sizeof pki->stranger_key, "%s/stranger.key", pki->folder);
    write_certificate(pki->ca, ca);
    write_certificate(pki->server, server);
    write_certificate(pki->rsa, rsa);
    write_certificate(pki->client, client);
    write_key(pki->server_key, server_key);
    write_key(pki->rsa_key, rsa_key);
    write_key(pki->client_key, client_key);
    write_key(pki->stranger_key, stranger_key);
    X509_free(ca);
    X509_free(server);
    X509_free(rsa);
    X509_free(client);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(server_key);
    EVP_PKEY_free(rsa_key);
    EVP_PKEY_free(client_key);
    EVP_PKEY_free(stranger_key);
}

static UNUSED void pki_remove(struct pki *pki)
{
    (void)unlink(pki->ca);
    (void)unlink(pki->server);
    (void)unlink(pki->server_key);
    (void)unlink(pki->rsa);
    (void)unlink(pki->rsa_key);
    (void)unlink(pki->client);
    (void)unlink(pki->client_key);
    (void)unlink(pki->stranger_key);
    (void)rmdir(pki->folder);
}

#endif

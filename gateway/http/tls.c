#include "http/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

enum {
    CLIENT_CHAIN_BYTES_MAX = 16384, /* OpenSSL takes that much memory on the client's word */
};

struct tls_server {
    SSL_CTX *context; /* owned; each connection's SSL holds a reference too */
};

/* The reason of OpenSSL's oldest queued error; the queue is empty afterwards. */
static const char *take_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return reason ? reason : "not readable as PEM";
}

/* Like PostgreSQL: nobody but the owner, or the group of a file that belongs to root. */
static bool key_is_private(const struct stat *st, const char *path, struct error *err)
{
    mode_t forbidden =
        st->st_uid == 0 ? (mode_t)(S_IRWXO | S_IWGRP | S_IXGRP) : (mode_t)(S_IRWXO | S_IRWXG);
    if ((st->st_mode & forbidden) == 0) {
        return true;
    }
    return fail(err, ERROR_DENIED,
                "cannot use TLS key %s: others may read or write it (mode %04o); run chmod 600 %s",
                path, (unsigned)(st->st_mode & 07777), path);
}

static bool load_key(SSL_CTX *context, const char *path, struct error *err)
{
    bool done = false;
    FILE *file = NULL;
    EVP_PKEY *key = NULL;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        fail(err, ERROR_IO, "cannot read TLS key %s: %s", path, strerror(errno));
        goto out;
    }
    if (!key_is_private(&st, path, err)) {
        goto out;
    }
    file = fdopen(fd, "r");
    if (!file) {
        fail(err, ERROR_IO, "cannot read TLS key %s: %s", path, strerror(errno));
        goto out;
    }
    fd = -1; /* now the stream's */
    /* "" as pass phrase: an encrypted key is an error here, not a prompt on the terminal. */
    key = PEM_read_PrivateKey(file, NULL, NULL, (void *)(uintptr_t) "");
    if (!key) {
        fail(err, ERROR_INVALID, "cannot use TLS key %s: %s", path, take_reason());
        goto out;
    }
    if (SSL_CTX_use_PrivateKey(context, key) != 1 || SSL_CTX_check_private_key(context) != 1) {
        ERR_clear_error();
        fail(err, ERROR_INVALID, "cannot use TLS key %s: it does not belong to the certificate",
             path);
        goto out;
    }
    done = true;
out:
    EVP_PKEY_free(key);
    if (file) {
        (void)fclose(file);
    }
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

static bool check_readable(const char *what, const char *path, struct error *err)
{
    if (access(path, R_OK) == 0) {
        return true;
    }
    return fail(err, ERROR_IO, "cannot read %s %s: %s", what, path, strerror(errno));
}

static bool load_certificate(SSL_CTX *context, const char *path, struct error *err)
{
    if (!check_readable("TLS certificate", path, err)) {
        return false;
    }
    if (SSL_CTX_use_certificate_chain_file(context, path) != 1) {
        return fail(err, ERROR_INVALID, "cannot use TLS certificate %s: %s", path, take_reason());
    }
    return true;
}

static bool load_pair(SSL_CTX *context, const char *certificate, const char *key, struct error *err)
{
    return load_certificate(context, certificate, err) && load_key(context, key, err);
}

/* OpenSSL keeps one pair of each kind and takes the one that the client can check. */
static bool load_second_pair(SSL_CTX *context, const struct tls_server_config *config,
                             struct error *err)
{
    if (!config->second_certificate_file) {
        return true;
    }
    int kind = EVP_PKEY_get_base_id(SSL_CTX_get0_privatekey(context));
    if (!load_pair(context, config->second_certificate_file, config->second_key_file, err)) {
        return false;
    }
    return EVP_PKEY_get_base_id(SSL_CTX_get0_privatekey(context)) != kind ||
           fail(err, ERROR_INVALID,
                "cannot use a second TLS certificate %s: its key is of the kind of the first",
                config->second_certificate_file);
}

static bool load_client_ca(SSL_CTX *context, const struct tls_server_config *config,
                           struct error *err)
{
    const char *path = config->client_ca_file;
    if (!path) {
        return true;
    }
    if (!check_readable("client CA", path, err)) {
        return false;
    }
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (!names || SSL_CTX_load_verify_locations(context, path, NULL) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return fail(err, ERROR_INVALID, "cannot use client CA %s: %s", path, take_reason());
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(
        context,
        SSL_VERIFY_PEER |
            (config->client_certificate_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        NULL);
    return true;
}

/* What we make of a client's key is decided by whoever knows it: see tls_peer_spki. */
static int believe_nothing(X509_STORE_CTX *store, void *ctx)
{
    (void)ctx;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    return 1;
}

static void ask_for_client_key(SSL_CTX *context)
{
    SSL_CTX_set_cert_verify_callback(context, believe_nothing, NULL);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
}

/* We speak HTTP/1.1 only; a client that offers protocols without it is told so in the handshake. */
static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned offered_len, void *ctx)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *selected = NULL;
    (void)ssl;
    (void)ctx;
    if (SSL_select_next_proto(&selected, out_len, ours, sizeof ours - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_policy(SSL_CTX *context)
{
    char groups[] = "X25519:P-256:P-384"; /* not const: the macro casts */
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    CHECK(SSL_CTX_set_session_id_context(context, (const unsigned char *)"turnpike", 8) == 1);
    SSL_CTX_set_max_cert_list(context, CLIENT_CHAIN_BYTES_MAX);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_num_tickets(context, 0) == 1 &&
           SSL_CTX_set_max_early_data(context, 0) == 1 &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
           SSL_CTX_set1_groups_list(context, groups) == 1;
}

struct tls_server *tls_server_new(const struct tls_server_config *config, struct error *err)
{
    CHECK(config->certificate_file && config->key_file);
    CHECK(!config->second_certificate_file == !config->second_key_file);
    CHECK(config->client_ca_file || !config->client_certificate_required);
    CHECK(!config->client_ca_file || !config->client_key_asked);
    struct tls_server *tls = calloc(1, sizeof *tls);
    CHECK(tls);
    tls->context = SSL_CTX_new(TLS_server_method());
    CHECK(tls->context);
    CHECK(set_policy(tls->context));
    if (!load_pair(tls->context, config->certificate_file, config->key_file, err) ||
        !load_second_pair(tls->context, config, err) ||
        !load_client_ca(tls->context, config, err)) {
        tls_server_free(&tls);
        return NULL;
    }
    if (config->client_key_asked) {
        ask_for_client_key(tls->context);
    }
    return tls;
}

void tls_server_free(struct tls_server **tls)
{
    if (*tls) {
        SSL_CTX_free((*tls)->context);
        free(*tls);
        *tls = NULL;
    }
}

struct ssl_ctx_st *tls_server_context(const struct tls_server *tls)
{
    return tls->context;
}

/* ---- clients --------------------------------------------------------------------------------- */

bool tls_peer_is_verified(const SSL *ssl)
{
    return SSL_get0_peer_certificate(ssl) && SSL_get_verify_result(ssl) == X509_V_OK;
}

static bool spki_of(const X509 *certificate, unsigned char digest[TLS_SPKI_SIZE])
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    bool done = len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return done;
}

bool tls_peer_spki(const SSL *ssl, unsigned char digest[TLS_SPKI_SIZE])
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    return certificate && spki_of(certificate, digest);
}

bool tls_file_spki(const char *path, unsigned char digest[TLS_SPKI_SIZE], struct error *err)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        return fail(err, ERROR_IO, "cannot read certificate %s: %s", path, strerror(errno));
    }
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    bool done = certificate && spki_of(certificate, digest);
    X509_free(certificate);
    return done || fail(err, ERROR_INVALID, "cannot use certificate %s: %s", path, take_reason());
}

/*
 * tls.h - server side TLS contexts: TLS 1.2 and 1.3, ECDHE with AEAD only, no renegotiation, no
 * compression, no 0-RTT, session tickets off (a shared ticket key needs rotation; a full ECDSA
 * handshake costs only 17 % more). SSL_CTX_set_read_ahead is never used: with bufferevents small
 * requests stall.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <stdbool.h>

#include "base/error.h"

struct tls_server;
struct ssl_ctx_st;
struct ssl_st;

enum {
    TLS_SPKI_SIZE = 32,
};

struct tls_server_config {
    const char *certificate_file;        /* PEM chain, leaf first */
    const char *key_file;                /* PEM; refused when others may read it */
    const char *second_certificate_file; /* of another kind of key (RSA beside EC); NULL: none */
    const char *second_key_file;
    const char *client_ca_file; /* clients are asked for a certificate of this CA; NULL: no CA */
    bool client_certificate_required; /* with a CA: none, no connection */
    /* Without a CA: ask for any certificate and believe nothing of it but that the client owns its
     * key (tls_peer_spki). No chain is built, no name, no date is read. */
    bool client_key_asked;
};

/* NULL with *err naming the file and the remedy. */
struct tls_server *tls_server_new(const struct tls_server_config *config,
                                  struct error *err) MUST_USE;
void tls_server_free(
    struct tls_server **tls); /* connections that use it keep their own reference */
struct ssl_ctx_st *tls_server_context(const struct tls_server *tls);

/* The client's certificate was issued by the client CA. */
bool tls_peer_is_verified(const struct ssl_st *ssl);
/* SHA-256 of the SubjectPublicKeyInfo of the client's certificate; false when it sent none. */
bool tls_peer_spki(const struct ssl_st *ssl, unsigned char digest[TLS_SPKI_SIZE]);
/* The same of the first certificate in a PEM file. */
bool tls_file_spki(const char *file, unsigned char digest[TLS_SPKI_SIZE],
                   struct error *err) MUST_USE;

#endif

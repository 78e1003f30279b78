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

struct tls_server_config {
    const char *certificate_file; /* PEM chain, leaf first */
    const char *key_file;         /* PEM; refused when others may read it */
    const char *client_ca_file;   /* NULL: no client certificates are asked for */
    bool client_certificate_required;
};

/* NULL with *err naming the file and the remedy. */
struct tls_server *tls_server_new(const struct tls_server_config *config,
                                  struct error *err) MUST_USE;
void tls_server_free(
    struct tls_server **tls); /* connections that use it keep their own reference */
struct ssl_ctx_st *tls_server_context(const struct tls_server *tls);

#endif

/*
 * tls_server.h - a small, blocking, badly behaved HTTPS server in threads, which counts what
 * arrives.
 *
 * What it does is said by the path of the request: "/ok" answers, "/close" reads the whole request
 * and closes the connection, "/hang" never answers, and so on (see act_on). Tests read the counters
 * after the client has told its end.
 */
#ifndef TESTS_UNIT_PROVIDERS_TLS_SERVER_H
#define TESTS_UNIT_PROVIDERS_TLS_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls_server {
    SSL_CTX *ctx;
    char ca_file[64]; /* the server's own certificate, to be trusted */
    int listen_fd;
    int port;
    pthread_t thread;
    atomic_int connections;
    atomic_int threads;          /* connection threads alive */
    atomic_int tokens;           /* requests to a provider's token endpoint */
    atomic_int requests;         /* whole requests to anything but the token */
    atomic_int arrivals;         /* whole requests to anything else but /ok */
    atomic_int token_mode;       /* 0: a new token each time, 1: 401, 2: hang, 3: close, 4: slow */
    atomic_int refusals;         /* so many questions about payees are answered by 401 */
    atomic_int certificate_mode; /* 0: the text below, 1: 404, 2: close, 3: 500 */
    char certificate[3072];      /* what /v1/notifications/certs/... answers */
    atomic_bool is_stopping;
    char last_request[4096];
    pthread_mutex_t lock; /* of last_request */
    pthread_mutex_t idle; /* held by a test: connections that are to end stay open */
};

struct tls_peer {
    struct tls_server *server;
    int fd;
};

static inline EVP_PKEY *tls_new_key(void)
{
    return EVP_EC_gen("P-256");
}

static inline X509 *tls_new_certificate(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    X509_EXTENSION *san = NULL;

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(cert, san, -1);
    X509_EXTENSION_free(san);
    X509_sign(cert, key, EVP_sha256());
    return cert;
}

/* Write a fresh self-signed certificate; use it when ctx is given. */
static inline void tls_make_identity(SSL_CTX *ctx, char path[64])
{
    EVP_PKEY *key = tls_new_key();
    X509 *cert = tls_new_certificate(key);

    (void)snprintf(path, 64, "/tmp/turnpike-test-ca-XXXXXX");
    FILE *file = fdopen(mkstemp(path), "w");
    PEM_write_X509(file, cert);
    (void)fclose(file);
    if (ctx != NULL) {
        SSL_CTX_use_certificate(ctx, cert);
        SSL_CTX_use_PrivateKey(ctx, key);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
}

static inline void tls_write(SSL *ssl, const char *text)
{
    (void)SSL_write(ssl, text, (int)strlen(text));
}

static inline void tls_answer(SSL *ssl, int status, const char *headers, const char *body)
{
    char text[4096];

    (void)snprintf(
        text, sizeof(text),
        "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
        status, headers, strlen(body), body);
    tls_write(ssl, text);
}

static inline void tls_wait_for_close(SSL *ssl)
{
    char byte = 0;

    while (SSL_read(ssl, &byte, 1) > 0)
        continue;
}

static inline void tls_answer_token(struct tls_server *server, SSL *ssl)
{
    const int mode = atomic_load(&server->token_mode);
    const int number = atomic_fetch_add(&server->tokens, 1) + 1;
    char body[256];

    if (mode == 1) {
        tls_answer(ssl, 401, "", "{\"error\":\"invalid_client\"}");
    } else if (mode == 2) {
        tls_wait_for_close(ssl);
    } else if (mode != 3) {
        (void)snprintf(body, sizeof(body),
                       "{\"access_token\":\"T%d\",\"token_type\":\"Bearer\",\"expires_in\":%d}",
                       number, 3600);
        tls_answer(ssl, 200, "", body);
    }
}

static inline bool tls_is_path(const char *request, const char *path)
{
    const char *at = strchr(request, ' ');

    return at != NULL && strncmp(at + 1, path, strlen(path)) == 0 && at[1 + strlen(path)] == ' ';
}

static inline void tls_close_listener(struct tls_server *server)
{
    (void)shutdown(server->listen_fd, SHUT_RDWR); /* accept returns, connects are refused */
}

static inline void tls_send_large(SSL *ssl)
{
    char block[8192];

    memset(block, 'x', sizeof(block));
    tls_write(ssl, "HTTP/1.1 200 X\r\nContent-Length: 10000000\r\n\r\n");
    while (SSL_write(ssl, block, sizeof(block)) > 0)
        continue;
}

static inline void tls_reset_on_close(int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* Answer as if the connection were kept; then end it. False when the path asks for something else.
 */
static inline bool tls_answer_and_end(struct tls_server *server, SSL *ssl, int fd,
                                      const char *request)
{
    const bool is_polite = tls_is_path(request, "/end_politely");
    const bool is_refusing = tls_is_path(request, "/end_and_refuse");
    const bool is_reset = tls_is_path(request, "/end_by_reset");

    if (!is_polite && !is_refusing && !is_reset && !tls_is_path(request, "/end_silently"))
        return false;
    if (is_refusing)
        tls_close_listener(server);
    tls_answer(ssl, 200, "Connection: keep-alive\r\n", "{\"ok\":true}");
    pthread_mutex_lock(&server->idle); /* until the client has its answer */
    pthread_mutex_unlock(&server->idle);
    if (is_polite || is_refusing)
        (void)SSL_shutdown(ssl);
    if (is_reset)
        tls_reset_on_close(fd);
    return true;
}

/* What Payoneer says of the payees of program 1; those of program 2 hang. False: another path. */
static inline bool tls_answer_payee(struct tls_server *server, SSL *ssl, const char *request)
{
    if (strstr(request, " /v4/programs/") == NULL)
        return false;
    if (strstr(request, " /v4/programs/2/") != NULL)
        tls_wait_for_close(ssl);
    else if (atomic_fetch_sub(&server->refusals, 1) > 0)
        tls_answer(ssl, 401, "", "{\"error\":\"invalid_token\"}");
    else if (strstr(request, "/payees/p-1/status ") != NULL)
        tls_answer(ssl, 200, "", "{\"result\":{\"account_id\":\"55\",\"status\":{\"type\":1}}}");
    else if (strstr(request, "/registration-link ") != NULL)
        tls_answer(ssl, 200, "", "{\"result\":{\"registration_link\":\"https://x.example/1\"}}");
    else
        tls_answer(ssl, 404, "", "{\"error\":\"Not Found\"}");
    return true;
}

/* A provider's certificates. False: close the connection. */
static inline bool tls_answer_certificate(struct tls_server *server, SSL *ssl)
{
    const int mode = atomic_load(&server->certificate_mode);

    if (mode == 0)
        tls_answer(ssl, 200, "", server->certificate);
    else if (mode != 2)
        tls_answer(ssl, mode == 1 ? 404 : 500, "", "");
    return mode != 2;
}

/* False: close the connection. */
static inline bool tls_act_on(struct tls_server *server, SSL *ssl, int fd, const char *request)
{
    if (tls_is_path(request, "/v1/oauth2/token") || tls_is_path(request, "/api/v2/oauth2/token")) {
        tls_answer_token(server, ssl);
        return atomic_load(&server->token_mode) != 3;
    }
    atomic_fetch_add(&server->requests, 1);
    if (tls_is_path(request, "/ok")) {
        tls_answer(ssl, 200, "Paypal-Debug-Id: 90957fca61718\r\nRetry-After: 7\r\n",
                   "{\"ok\":true}");
        return true;
    }
    if (strstr(request, " /v1/notifications/certs/") != NULL)
        return tls_answer_certificate(server, ssl);
    if (tls_answer_payee(server, ssl, request))
        return true;
    if (tls_answer_and_end(server, ssl, fd, request))
        return false;
    atomic_fetch_add(&server->arrivals, 1);
    if (tls_is_path(request, "/close_and_refuse")) {
        tls_close_listener(server);
        return false;
    }
    if (tls_is_path(request, "/reset")) {
        tls_reset_on_close(fd);
        return false;
    }
    if (tls_is_path(request, "/hang"))
        tls_wait_for_close(ssl);
    else if (tls_is_path(request, "/drip"))
        for (tls_write(ssl, "HTTP/1.1 200 X\r\nX: "); SSL_write(ssl, "x", 1) > 0;)
            (void)usleep(10000);
    else if (tls_is_path(request, "/garbage"))
        tls_write(ssl, "GARBAGE\r\nmore of it\r\n\r\n");
    else if (tls_is_path(request, "/large"))
        tls_send_large(ssl);
    else if (tls_is_path(request, "/short"))
        tls_write(ssl, "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{\"half\":");
    else if (tls_is_path(request, "/redirect"))
        tls_answer(ssl, 302, "Location: https://127.0.0.1:1/elsewhere\r\n", "");
    else if (tls_is_path(request, "/401"))
        tls_answer(ssl, 401, "", "{}");
    else if (tls_is_path(request, "/chunked"))
        tls_write(ssl, "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n"
                       "3\r\n:1}\r\n0\r\n\r\n");
    return false;
}

/* One whole request, terminated; false when the peer went away. */
static inline bool tls_read_request(SSL *ssl, char *out, size_t size)
{
    size_t len = 0;

    for (;;) {
        const int got = SSL_read(ssl, out + len, (int)(size - 1 - len));
        if (got <= 0)
            return false;
        len += (size_t)got;
        out[len] = '\0';
        const char *end = strstr(out, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *at = strcasestr(out, "\r\nContent-Length: ");
        const size_t body = at != NULL ? (size_t)strtoul(at + 18, NULL, 10) : 0;
        if (len >= (size_t)(end - out) + 4 + body)
            return true;
    }
}

static inline void *tls_serve_peer(void *arg)
{
    struct tls_peer *peer = arg;
    struct tls_server *server = peer->server;
    char request[4096];
    SSL *ssl = SSL_new(server->ctx);

    SSL_set_fd(ssl, peer->fd);
    if (SSL_accept(ssl) == 1) {
        while (tls_read_request(ssl, request, sizeof(request))) {
            pthread_mutex_lock(&server->lock);
            memcpy(server->last_request, request, sizeof(request));
            pthread_mutex_unlock(&server->lock);
            if (!tls_act_on(server, ssl, peer->fd, request))
                break;
        }
    }
    SSL_free(ssl);
    (void)close(peer->fd);
    free(peer);
    atomic_fetch_sub(&server->threads, 1);
    return NULL;
}

static inline void *tls_accept_all(void *arg)
{
    struct tls_server *server = arg;

    for (;;) {
        const int fd = accept(server->listen_fd, NULL, NULL);
        pthread_t thread;
        if (fd < 0)
            return NULL;
        struct tls_peer *peer = malloc(sizeof(*peer));
        *peer = (struct tls_peer){server, fd};
        atomic_fetch_add(&server->connections, 1);
        atomic_fetch_add(&server->threads, 1);
        pthread_create(&thread, NULL, tls_serve_peer, peer);
        pthread_detach(thread);
    }
}

static inline void tls_server_start(struct tls_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    memset(server, 0, sizeof(*server));
    pthread_mutex_init(&server->lock, NULL);
    pthread_mutex_init(&server->idle, NULL);
    server->ctx = SSL_CTX_new(TLS_server_method());
    tls_make_identity(server->ctx, server->ca_file);
    server->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)bind(server->listen_fd, (const struct sockaddr *)&address, sizeof(address));
    (void)listen(server->listen_fd, 256);
    (void)getsockname(server->listen_fd, (struct sockaddr *)&address, &len);
    server->port = ntohs(address.sin_port);
    pthread_create(&server->thread, NULL, tls_accept_all, server);
}

/* After the client's connections are closed: waits until every thread has seen that. */
static inline void tls_server_stop(struct tls_server *server)
{
    tls_close_listener(server);
    pthread_join(server->thread, NULL);
    while (atomic_load(&server->threads) > 0)
        (void)usleep(1000);
    (void)close(server->listen_fd);
    SSL_CTX_free(server->ctx);
    (void)unlink(server->ca_file);
    pthread_mutex_destroy(&server->lock);
    pthread_mutex_destroy(&server->idle);
}

#endif

/* TLS: what is negotiated, what is refused, and what loading certificates says when it fails. */
#include "harness.h"

#include "pki.h"

static struct pki pki;

static struct tls_server *make_tls(bool with_client_ca, bool required)
{
    struct error err = {.code = ERROR_NONE};
    struct tls_server_config config = {.certificate_file = pki.server,
                                       .key_file = pki.server_key,
                                       .client_ca_file = with_client_ca ? pki.ca : NULL,
                                       .client_certificate_required = required};
    struct tls_server *tls = tls_server_new(&config, &err);
    if (!tls) {
        fail_msg("%s", err.text);
    }
    return tls;
}

static SSL_CTX *make_client_tls(bool with_certificate)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    assert_non_null(tls);
    assert_int_equal(SSL_CTX_load_verify_locations(tls, pki.ca, NULL), 1);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    if (with_certificate) {
        assert_int_equal(SSL_CTX_use_certificate_chain_file(tls, pki.client), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(tls, pki.client_key, SSL_FILETYPE_PEM), 1);
    }
    return tls;
}

/* Connect and ask once; true when an answer came. */
static bool is_served(struct harness *h, SSL_CTX *tls)
{
    struct client client;
    client_start(h, &client, tls);
    client_send(&client, "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    PUMP_UNTIL(h, client.closed || client_has(&client, "GET /echo[]"));
    bool served = client_has(&client, "GET /echo[]");
    client_stop(&client);
    SSL_CTX_free(tls);
    return served;
}

static void both_tls_versions_are_served_with_keep_alive(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct harness h;
        struct client client;
        SSL_CTX *tls = make_client_tls(false);
        SSL_CTX_set_min_proto_version(tls, versions[i]);
        SSL_CTX_set_max_proto_version(tls, versions[i]);
        harness_start(&h, NULL, make_tls(false, false));
        client_start(&h, &client, tls);
        for (size_t n = 1; n <= 3; n++) {
            client_send(&client, "POST /echo HTTP/1.1\r\nHost: localhost\r\n");
            client_send(&client, "Content-Length: 2\r\n\r\n");
            client_send(&client, "ok");
            PUMP_UNTIL(&h, client_count(&client, "POST /echo[ok]") == n);
        }
        assert_true(client_has(&client, "Strict-Transport-Security: max-age=31536000\r\n"));
        assert_false(h.last_had_certificate);
        SSL *ssl = bufferevent_openssl_get_ssl(client.bev);
        assert_int_equal(SSL_version(ssl), versions[i]);
        assert_false(SSL_session_reused(ssl));
        assert_false(SSL_SESSION_has_ticket(SSL_get0_session(ssl)));
        client_stop(&client);
        SSL_CTX_free(tls);
        PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
        harness_stop(&h);
    }
}

static void old_versions_and_weak_ciphers_are_refused(void **state)
{
    struct harness h;
    (void)state;
    harness_start(&h, NULL, make_tls(false, false));
    SSL_CTX *old = make_client_tls(false);
    SSL_CTX_set_cipher_list(old, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(old, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(old, TLS1_1_VERSION);
    assert_false(is_served(&h, old));
    SSL_CTX *weak = make_client_tls(false);
    SSL_CTX_set_max_proto_version(weak, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_cipher_list(weak, "ECDHE-ECDSA-AES128-SHA256"), 1);
    assert_false(is_served(&h, weak));
    SSL_CTX *strong = make_client_tls(false);
    SSL_CTX_set_max_proto_version(strong, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_cipher_list(strong, "ECDHE-ECDSA-AES128-GCM-SHA256"), 1);
    assert_true(is_served(&h, strong));
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    harness_stop(&h);
}

static void a_second_certificate_serves_who_needs_another_kind_of_key(void **state)
{
    static const char *const algorithms[] = {"ECDSA+SHA256", "RSA-PSS+SHA256:RSA+SHA256"};
    struct error err = {.code = ERROR_NONE};
    struct tls_server_config config = {.certificate_file = pki.server,
                                       .key_file = pki.server_key,
                                       .second_certificate_file = pki.rsa,
                                       .second_key_file = pki.rsa_key};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(algorithms) * 2; i++) {
        struct harness h;
        struct client client;
        SSL_CTX *tls = make_client_tls(false);
        assert_int_equal(SSL_CTX_set1_sigalgs_list(tls, algorithms[i / 2]), 1);
        SSL_CTX_set_max_proto_version(tls, i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
        harness_start(&h, NULL, tls_server_new(&config, &err));
        client_start(&h, &client, tls);
        client_send(&client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
        PUMP_UNTIL(&h, client_has(&client, "GET /a[]"));
        X509 *shown = SSL_get0_peer_certificate(bufferevent_openssl_get_ssl(client.bev));
        assert_int_equal(EVP_PKEY_get_base_id(X509_get0_pubkey(shown)),
                         i / 2 == 0 ? EVP_PKEY_EC : EVP_PKEY_RSA);
        client_stop(&client);
        SSL_CTX_free(tls);
        harness_stop(&h);
    }
}

static void only_http_1_1_is_negotiated(void **state)
{
    struct harness h;
    (void)state;
    harness_start(&h, NULL, make_tls(false, false));
    SSL_CTX *both = make_client_tls(false);
    assert_int_equal(SSL_CTX_set_alpn_protos(both, (const unsigned char *)"\x02h2\x08http/1.1", 12),
                     0);
    assert_true(is_served(&h, both));
    SSL_CTX *h2 = make_client_tls(false);
    assert_int_equal(SSL_CTX_set_alpn_protos(h2, (const unsigned char *)"\x02h2", 3), 0);
    assert_false(is_served(&h, h2));
    harness_stop(&h);
}

static void a_required_client_certificate_is_required(void **state)
{
    struct harness h;
    (void)state;
    harness_start(&h, NULL, make_tls(true, true));
    assert_false(is_served(&h, make_client_tls(false)));
    assert_int_equal(h.handled_count, 0);
    assert_true(is_served(&h, make_client_tls(true)));
    assert_true(h.last_had_certificate);
    harness_stop(&h);
}

static void an_optional_client_certificate_is_told_to_the_handler(void **state)
{
    struct harness h;
    (void)state;
    harness_start(&h, NULL, make_tls(true, false));
    assert_true(is_served(&h, make_client_tls(false)));
    assert_false(h.last_had_certificate);
    assert_true(is_served(&h, make_client_tls(true)));
    assert_true(h.last_had_certificate);
    harness_stop(&h);
}

static void a_silent_handshake_ends_at_its_deadline(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    (void)state;
    limits.handshake_ms = 100;
    harness_start(&h, &limits, make_tls(false, false));
    client_start(&h, &client, NULL);
    PUMP_UNTIL(&h, client.closed);
    assert_int_equal(http_server_connection_count(h.server), 0);
    client_stop(&client);
    client_start(&h, &client, NULL);
    client_send(&client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client.closed);
    assert_int_equal(h.handled_count, 0);
    client_stop(&client);
    harness_stop(&h);
}

static void a_refusal_over_tls_is_read_to_its_end(void **state)
{
    struct harness h;
    struct client client;
    SSL_CTX *tls = make_client_tls(false);
    char *body = calloc(1, 200001);
    (void)state;
    memset(body, 'b', 200000);
    harness_start(&h, NULL, make_tls(false, false));
    client_start(&h, &client, tls);
    client_send(&client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
    client_send(&client, body);
    PUMP_UNTIL(&h, client.closed);
    assert_true(client_has(&client, "HTTP/1.1 413 Content Too Large\r\n"));
    assert_true(client_has(&client, "\"code\":\"body_too_large\""));
    client_stop(&client);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    SSL_CTX_free(tls);
    free(body);
    harness_stop(&h);
}

static void a_client_that_drops_its_connection_without_goodbye_is_gone(void **state)
{
    struct harness h;
    struct client client;
    SSL_CTX *tls = make_client_tls(false);
    (void)state;
    harness_start(&h, NULL, make_tls(false, false));
    client_start(&h, &client, tls);
    client_send(&client, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, h.held_count == 1);
    client_stop(&client); /* closes the socket; no close_notify */
    PUMP_UNTIL(&h, h.gone_count == 1);
    assert_int_equal(http_server_connection_count(h.server), 0);
    http_reply_json(h.held[0], 200, STR("{}"));
    assert_int_equal(ERR_peek_error(), 0);
    SSL_CTX_free(tls);
    harness_stop(&h);
}

static void a_large_answer_arrives_whole(void **state)
{
    struct harness h;
    struct client client;
    SSL_CTX *tls = make_client_tls(false);
    (void)state;
    harness_start(&h, NULL, make_tls(false, false));
    h.large_bytes = 3 * 1024 * 1024;
    client_start(&h, &client, tls);
    client_send(&client, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client.in.len > h.large_bytes);
    client_send(&client, "GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&client, "GET /after[]"));
    assert_true(client_count(&client, "L") >= h.large_bytes);
    client_stop(&client);
    SSL_CTX_free(tls);
    harness_stop(&h);
}

static void new_connections_use_the_new_certificate(void **state)
{
    struct harness h;
    struct client before;
    SSL_CTX *tls = make_client_tls(false);
    struct tls_server *first = make_tls(false, false);
    struct tls_server *second = make_tls(true, true);
    (void)state;
    harness_start(&h, NULL, first);
    client_start(&h, &before, tls);
    client_send(&before, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&before, "GET /a[]"));
    http_server_use_tls(h.server, second);
    h.tls = second;
    tls_server_free(&first);
    assert_null(first);
    client_send(&before, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&before, "GET /b[]"));
    assert_false(is_served(&h, make_client_tls(false)));
    assert_true(is_served(&h, make_client_tls(true)));
    client_stop(&before);
    SSL_CTX_free(tls);
    harness_stop(&h);
}

static void expect_error(const struct tls_server_config *config, enum error_code code,
                         const char *text, const char *path)
{
    struct error err = {.code = ERROR_NONE};
    assert_null(tls_server_new(config, &err));
    assert_int_equal(err.code, code);
    if (!strstr(err.text, text) || !strstr(err.text, path)) {
        fail_msg("expected '%s' and '%s' in: %s", text, path, err.text);
    }
    assert_null(strchr(err.text, '\n'));
    assert_int_equal(ERR_peek_error(), 0);
}

static void a_file_that_does_not_fit_is_named_with_the_reason(void **state)
{
    struct tls_server_config config = {.certificate_file = pki.server, .key_file = pki.server_key};
    (void)state;
    config.certificate_file = "/nonexistent/server.pem";
    expect_error(&config, ERROR_IO, "cannot read TLS certificate", "/nonexistent/server.pem");
    config.certificate_file = pki.server_key;
    expect_error(&config, ERROR_INVALID, "cannot use TLS certificate", pki.server_key);
    config.certificate_file = pki.server;
    config.key_file = "/nonexistent/server.key";
    expect_error(&config, ERROR_IO, "No such file", "/nonexistent/server.key");
    config.key_file = pki.stranger_key;
    expect_error(&config, ERROR_INVALID, "does not belong to the certificate", pki.stranger_key);
    config.key_file = pki.server; /* a certificate, and readable by all */
    expect_error(&config, ERROR_DENIED, "others may read", pki.server);
    assert_int_equal(chmod(pki.server, 0600), 0);
    expect_error(&config, ERROR_INVALID, "cannot use TLS key", pki.server);
    config.key_file = pki.server_key;
    config.second_certificate_file = pki.client; /* another EC one */
    config.second_key_file = pki.client_key;
    expect_error(&config, ERROR_INVALID, "of the kind of the first", pki.client);
    config.second_certificate_file = pki.rsa;
    expect_error(&config, ERROR_INVALID, "does not belong to the certificate", pki.client_key);
    config.second_certificate_file = NULL;
    config.second_key_file = NULL;
    config.client_ca_file = "/nonexistent/ca.pem";
    expect_error(&config, ERROR_IO, "cannot read client CA", "/nonexistent/ca.pem");
    config.client_ca_file = pki.server_key;
    expect_error(&config, ERROR_INVALID, "cannot use client CA", pki.server_key);
}

static void a_key_that_others_may_read_is_refused_with_the_remedy(void **state)
{
    static const mode_t modes[] = {0604, 0644, 0620, 0602, 0666};
    struct tls_server_config config = {.certificate_file = pki.server, .key_file = pki.server_key};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        assert_int_equal(chmod(pki.server_key, modes[i]), 0);
        expect_error(&config, ERROR_DENIED, "run chmod 600", pki.server_key);
    }
    assert_int_equal(chmod(pki.server_key, 0600), 0);
}

static int setup(void **state)
{
    (void)state;
    pki_make(&pki);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pki_remove(&pki);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_tls_versions_are_served_with_keep_alive),
        cmocka_unit_test(old_versions_and_weak_ciphers_are_refused),
        cmocka_unit_test(a_second_certificate_serves_who_needs_another_kind_of_key),
        cmocka_unit_test(only_http_1_1_is_negotiated),
        cmocka_unit_test(a_required_client_certificate_is_required),
        cmocka_unit_test(an_optional_client_certificate_is_told_to_the_handler),
        cmocka_unit_test(a_silent_handshake_ends_at_its_deadline),
        cmocka_unit_test(a_refusal_over_tls_is_read_to_its_end),
        cmocka_unit_test(a_client_that_drops_its_connection_without_goodbye_is_gone),
        cmocka_unit_test(a_large_answer_arrives_whole),
        cmocka_unit_test(new_connections_use_the_new_certificate),
        cmocka_unit_test(a_file_that_does_not_fit_is_named_with_the_reason),
        cmocka_unit_test(a_key_that_others_may_read_is_refused_with_the_remedy),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

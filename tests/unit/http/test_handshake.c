/* TLS handshakes: what is waited for, what is refused unread, and that many do not stop the rest. */
#include "harness.h"

#include <sys/ioctl.h>

#include "http/handshake.h"
#include "pki.h"

static struct pki pki;
static unsigned char hello[4096];
static size_t hello_len;

static struct tls_server *make_tls(bool asks_for_key)
{
    struct error err = {.code = ERROR_NONE};
    struct tls_server_config config = {.certificate_file = pki.server,
                                       .key_file = pki.server_key,
                                       .client_key_asked = asks_for_key};
    struct tls_server *tls = tls_server_new(&config, &err);
    if (!tls) {
        fail_msg("%s", err.text);
    }
    return tls;
}

static SSL_CTX *make_client_tls(void)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    assert_non_null(tls);
    assert_int_equal(SSL_CTX_load_verify_locations(tls, pki.ca, NULL), 1);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    return tls;
}

/* The bytes of a ClientHello, to be sent by sockets that then do nothing more. */
static void make_hello(void)
{
    SSL_CTX *tls = make_client_tls();
    SSL *ssl = SSL_new(tls);
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    SSL_set_connect_state(ssl);
    (void)SSL_do_handshake(ssl);
    int len = BIO_read(out, hello, sizeof hello);
    assert_true(len > HANDSHAKE_HELLO_HEAD);
    hello_len = (size_t)len;
    SSL_free(ssl);
    SSL_CTX_free(tls);
}

/* A plain socket from 127.0.0.`host`. */
static int dial(const struct harness *h, unsigned host)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000 + host)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)h->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void send_raw(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static bool is_answered(int fd)
{
    int there = 0;
    return ioctl(fd, FIONREAD, &there) == 0 && there > 0;
}

static bool is_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

static size_t count_answered(const int *fds, size_t count)
{
    size_t answered = 0;
    for (size_t i = 0; i < count; i++) {
        answered += is_answered(fds[i]);
    }
    return answered;
}

static void a_hello_may_come_in_pieces(void **state)
{
    struct harness h;
    (void)state;
    harness_start(&h, NULL, make_tls(false));
    for (size_t cut = 1; cut < hello_len; cut += cut < 12 ? 1 : 97) {
        int fd = dial(&h, 1);
        send_raw(fd, hello, cut);
        PUMP_UNTIL(&h, http_server_connection_count(h.server) == 1);
        for (int i = 0; i < 3; i++) {
            pump(&h);
        }
        assert_false(is_answered(fd));
        send_raw(fd, hello + cut, hello_len - cut);
        PUMP_UNTIL(&h, is_answered(fd));
        close(fd);
        PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    }
    harness_stop(&h);
}

static void what_is_no_hello_is_closed_at_once(void **state)
{
    static const struct str samples[] = {
        STR_INIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        STR_INIT("\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00"),     /* ServerHello */
        STR_INIT("\x16\x03\x01\x40\x01\x01\x00\x01\x00\x03\x03"), /* a record too long */
        STR_INIT("\x16\x03\x01\x40\x00\x01\x00\x40\x01\x03\x03"), /* a hello too long */
        STR_INIT("\x16\x03\x01\x40\x00\x01\xff\xff\xff\x03\x03"),
        STR_INIT("\x16\x03\x01\x00\x03\x01\x00\x01\x00\x03\x03"), /* cut into crumbs */
        STR_INIT("\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10"), /* SSL 2 */
        STR_INIT("\x15\x03\x01\x00\x02\x01\x00\x00\x00\x00\x00"), /* an alert */
        STR_INIT("\0\0\0\0\0\0\0\0\0\0"),
    };
    struct harness h;
    (void)state;
    harness_start(&h, NULL, make_tls(false));
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        int fd = dial(&h, 1);
        send_raw(fd, samples[i].at, samples[i].len);
        PUMP_UNTIL(&h, is_closed(fd));
        close(fd);
    }
    assert_int_equal(http_server_connection_count(h.server), 0);
    harness_stop(&h);
}

static void a_client_that_leaves_half_way_is_forgotten(void **state)
{
    static const size_t cuts[] = {0, 1, 8, 9, 100};
    struct harness h;
    (void)state;
    harness_start(&h, NULL, make_tls(false));
    for (size_t i = 0; i < ARRAY_LEN(cuts) * 2; i++) {
        struct linger at_once = {.l_onoff = i % 2 == 1, .l_linger = 0};
        int fd = dial(&h, 1);
        PUMP_UNTIL(&h, http_server_connection_count(h.server) == 1);
        send_raw(fd, hello, cuts[i / 2]);
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(fd);
        PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    }
    int fd = dial(&h, 1);
    send_raw(fd, hello, hello_len);
    PUMP_UNTIL(&h, is_answered(fd));
    close(fd);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    harness_stop(&h);
}

static void a_hello_that_stays_unfinished_ends_at_the_deadline(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    (void)state;
    limits.handshake_ms = 100;
    harness_start(&h, &limits, make_tls(false));
    for (size_t cut = 0; cut <= hello_len; cut += hello_len / 2) {
        int fd = dial(&h, 1);
        PUMP_UNTIL(&h, http_server_connection_count(h.server) == 1);
        send_raw(fd, hello, cut);
        PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
        close(fd);
    }
    harness_stop(&h);
}

static void the_server_may_end_in_the_middle_of_handshakes(void **state)
{
    enum { COUNT = 40 };
    struct harness h;
    int fds[COUNT];
    (void)state;
    harness_start(&h, NULL, make_tls(false));
    for (size_t i = 0; i < COUNT; i++) {
        fds[i] = dial(&h, 1);
        send_raw(fds[i], hello, i % 3 == 0 ? hello_len / 2 : hello_len);
    }
    PUMP_UNTIL(&h, count_answered(fds, COUNT) > 0);
    harness_stop(&h);
    for (size_t i = 0; i < COUNT; i++) {
        close(fds[i]);
    }
}

/* Those who are in do not wait until those who are not have shaken hands. */
static void a_flood_of_hellos_does_not_hold_up_a_request(void **state)
{
    enum { COUNT = 400 };
    static int fds[COUNT];
    struct harness h;
    struct client client;
    SSL_CTX *tls = make_client_tls();
    (void)state;
    harness_start(&h, NULL, make_tls(false));
    client_start(&h, &client, tls);
    client_send(&client, "GET /first HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&client, "GET /first[]"));
    for (size_t i = 0; i < COUNT; i++) {
        fds[i] = dial(&h, 1);
        send_raw(fds[i], hello, hello_len);
    }
    PUMP_UNTIL(&h, count_answered(fds, COUNT) > 0);
    client_send(&client, "GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&client, "GET /second[]"));
    assert_true(count_answered(fds, COUNT) < COUNT / 2);
    PUMP_UNTIL(&h, count_answered(fds, COUNT) == COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        close(fds[i]);
    }
    client_stop(&client);
    SSL_CTX_free(tls);
    harness_stop(&h);
}

/* Each address waits for its own: of eight others, few share the lane of the one that floods. */
static void an_address_waits_for_its_own_handshakes_only(void **state)
{
    enum { COUNT = 400, OTHERS = 8 };
    static int fds[COUNT];
    int others[OTHERS];
    struct harness h;
    (void)state;
    harness_start(&h, NULL, make_tls(false));
    for (size_t i = 0; i < COUNT; i++) {
        fds[i] = dial(&h, 1);
        send_raw(fds[i], hello, hello_len);
    }
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == COUNT);
    for (unsigned i = 0; i < OTHERS; i++) {
        others[i] = dial(&h, 2 + i);
        send_raw(others[i], hello, hello_len);
    }
    PUMP_UNTIL(&h, count_answered(others, OTHERS) >= OTHERS / 2);
    assert_true(count_answered(fds, COUNT) < COUNT / 2);
    for (size_t i = 0; i < COUNT; i++) {
        close(fds[i]);
    }
    for (size_t i = 0; i < OTHERS; i++) {
        close(others[i]);
    }
    harness_stop(&h);
}

static void any_key_of_a_client_is_told_and_nothing_else_is_believed(void **state)
{
    unsigned char expected[TLS_SPKI_SIZE];
    struct error err = {.code = ERROR_NONE};
    (void)state;
    assert_true(tls_file_spki(pki.client, expected, &err));
    for (int with_key = 0; with_key < 2; with_key++) {
        struct harness h;
        struct client client;
        SSL_CTX *tls = make_client_tls();
        if (with_key) {
            assert_int_equal(SSL_CTX_use_certificate_chain_file(tls, pki.client), 1);
            assert_int_equal(SSL_CTX_use_PrivateKey_file(tls, pki.client_key, SSL_FILETYPE_PEM), 1);
        }
        harness_start(&h, NULL, make_tls(true));
        client_start(&h, &client, tls);
        client_send(&client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
        PUMP_UNTIL(&h, client_has(&client, "GET /a[]"));
        assert_int_equal(h.last_had_spki, with_key);
        if (with_key) {
            assert_memory_equal(h.last_spki, expected, sizeof expected);
        }
        assert_false(h.last_had_certificate);
        client_stop(&client);
        SSL_CTX_free(tls);
        harness_stop(&h);
    }
}

static void a_file_without_a_certificate_has_no_key(void **state)
{
    unsigned char digest[TLS_SPKI_SIZE];
    struct error err = {.code = ERROR_NONE};
    (void)state;
    assert_false(tls_file_spki("/nonexistent.pem", digest, &err));
    assert_int_equal(err.code, ERROR_IO);
    assert_false(tls_file_spki(pki.client_key, digest, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_int_equal(ERR_peek_error(), 0);
}

static int setup(void **state)
{
    (void)state;
    pki_make(&pki);
    make_hello();
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
        cmocka_unit_test(a_hello_may_come_in_pieces),
        cmocka_unit_test(what_is_no_hello_is_closed_at_once),
        cmocka_unit_test(a_client_that_leaves_half_way_is_forgotten),
        cmocka_unit_test(a_hello_that_stays_unfinished_ends_at_the_deadline),
        cmocka_unit_test(the_server_may_end_in_the_middle_of_handshakes),
        cmocka_unit_test(a_flood_of_hellos_does_not_hold_up_a_request),
        cmocka_unit_test(an_address_waits_for_its_own_handshakes_only),
        cmocka_unit_test(any_key_of_a_client_is_told_and_nothing_else_is_believed),
        cmocka_unit_test(a_file_without_a_certificate_has_no_key),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

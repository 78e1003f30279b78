/* Webhooks over sockets: the sandbox is a process, the receiver is the test. */
#include "serve.h"

static struct {
    int fd;
    int port;
    char request[65536];
} receiver;

static void listen_for_hooks(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    socklen_t len = sizeof(name);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    receiver.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(receiver.fd >= 0);
    assert_int_equal(setsockopt(receiver.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
                     0);
    assert_int_equal(bind(receiver.fd, (const struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(receiver.fd, 64), 0);
    assert_int_equal(getsockname(receiver.fd, (struct sockaddr *)&name, &len), 0);
    receiver.port = ntohs(name.sin_port);
}

/* The next webhook, whole, into receiver.request; its connection. */
static int take_hook(void)
{
    size_t len = 0;
    size_t whole = 0;
    int fd = accept(receiver.fd, NULL, NULL);
    if (fd < 0) {
        fail_msg("no webhook came: %s", strerror(errno));
    }
    while (whole == 0 || len < whole) {
        ssize_t got = recv(fd, receiver.request + len, sizeof(receiver.request) - 1 - len, 0);
        assert_true(got > 0);
        len += (size_t)got;
        receiver.request[len] = '\0';
        const char *body = strstr(receiver.request, "\r\n\r\n");
        const char *length = strstr(receiver.request, "Content-Length: ");
        if (body) {
            assert_non_null(length);
            whole = (size_t)(body + 4 - receiver.request) + strtoul(length + 16, NULL, 10);
        }
    }
    return fd;
}

static void answer_hook(int fd, int status)
{
    char text[128];
    int len =
        snprintf(text, sizeof(text),
                 "HTTP/1.1 %d X\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n", status);
    assert_int_equal(send(fd, text, (size_t)len, MSG_NOSIGNAL), len);
    (void)close(fd);
}

static bool request_has(const char *text)
{
    return strstr(receiver.request, text) != NULL;
}

static int setup_hooks(void **state)
{
    (void)setup(state);
    listen_for_hooks();
    return 0;
}

static int teardown_hooks(void **state)
{
    (void)close(receiver.fd);
    return teardown(state);
}

static void reg(const char *provider)
{
    char body[256];
    (void)snprintf(body, sizeof(body),
                   "{\"provider\":\"%s\",\"id\":\"HOOK1\",\"url\":\"http://127.0.0.1:%d/in/%s\"}",
                   provider, receiver.port, provider);
    assert_int_equal(control("POST", "/hooks", body), 201);
}

static void behave(const char *body)
{
    assert_int_equal(control("POST", "/hooks/behaviour", body), 200);
}

static void only_captures(void)
{
    char body[256];
    (void)snprintf(body, sizeof(body),
                   "{\"provider\":\"paypal\",\"id\":\"HOOK1\",\"url\":\"http://127.0.0.1:%d/in\","
                   "\"events\":[\"PAYMENT.CAPTURE.COMPLETED\"]}",
                   receiver.port);
    assert_int_equal(control("POST", "/hooks", body), 201);
}

static void what_is_not_accepted_comes_again(void **state)
{
    (void)state;
    static const int answers[] = {503, 301, 0, 200};
    char first[64] = "";
    only_captures();
    behave("{\"delay_ms\":0,\"retry_ms\":20,\"retry_ms_most\":20}");
    assert_int_equal(sale("a"), 201);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        int fd = take_hook();
        assert_true(request_has("POST /in HTTP/1.1\r\n"));
        assert_true(request_has("\r\nPAYPAL-TRANSMISSION-SIG: "));
        assert_true(request_has("\r\nContent-Type: application/json\r\n"));
        assert_false(request_has("Transfer-Encoding"));
        assert_true(request_has("\"custom_id\":\"a\""));
        const char *id = strstr(receiver.request, "\"id\":\"WH-");
        assert_non_null(id);
        char now[64];
        (void)snprintf(now, sizeof(now), "%.44s", id);
        assert_true(i == 0 || strcmp(now, first) == 0); /* the same event each time */
        memcpy(first, now, sizeof(first));
        if (answers[i] == 0) {
            (void)close(fd);
        } else {
            answer_hook(fd, answers[i]);
        }
    }
    assert_int_equal(sale("b"), 201); /* nothing more of the first comes before it */
    int fd = take_hook();
    assert_true(request_has("\"custom_id\":\"b\""));
    answer_hook(fd, 200);
}

static bool is_quiet(int fd, int ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, ms) == 0;
}

static void an_early_webhook_precedes_the_answer(void **state)
{
    (void)state;
    only_captures();
    behave("{\"early\":true}");
    int fd = dial(SANDBOX_PORT_PAYPAL);
    send_sale(fd, "a");
    int hook = take_hook();
    assert_true(is_quiet(fd, 200));
    answer_hook(hook, 200);
    assert_int_equal(receive(fd), 201);
    send_sale(fd, "b"); /* one that is refused counts as told, too: it comes again later */
    hook = take_hook();
    answer_hook(hook, 500);
    assert_int_equal(receive(fd), 201);
    send_sale(fd, "b"); /* a repeat causes nothing to be told */
    assert_int_equal(receive(fd), 200);
    (void)close(fd);
}

static void a_payout_is_told_when_nobody_asks(void **state)
{
    (void)state;
    char headers[1024];
    reg("paypal_payouts");
    behave("{\"delay_ms\":0}");
    (void)snprintf(headers, sizeof(headers),
                   "Authorization: Bearer %s\r\nContent-Type: application/json\r\n", world.token);
    int fd = dial(SANDBOX_PORT_PAYPAL);
    send_request(fd, "POST", "/v1/payments/payouts", headers,
                 "{\"sender_batch_header\":{\"sender_batch_id\":\"b\"},\"items\":[{"
                 "\"recipient_type\":\"EMAIL\",\"receiver\":\"claimed@example.com\",\"amount\":"
                 "{\"currency\":\"EUR\",\"value\":\"10.00\"}}]}");
    assert_int_equal(receive(fd), 201);
    (void)close(fd);
    static const char *const told[] = {"PAYMENT.PAYOUTS-ITEM.UNCLAIMED",
                                       "PAYMENT.PAYOUTSBATCH.SUCCESS",
                                       "PAYMENT.PAYOUTS-ITEM.SUCCEEDED"};
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        int hook = take_hook();
        assert_true(request_has(told[i]));
        answer_hook(hook, 200);
    }
}

static void a_lost_webhook_never_comes(void **state)
{
    (void)state;
    only_captures();
    behave("{\"delay_ms\":0,\"loss\":1.0}");
    assert_int_equal(sale("a"), 201);
    behave("{\"loss\":0}");
    assert_int_equal(sale("b"), 201);
    int hook = take_hook();
    assert_true(request_has("\"custom_id\":\"b\""));
    answer_hook(hook, 200);
}

static void many_go_at_once_and_all_arrive(void **state)
{
    (void)state;
    enum { MANY = 300 };
    static bool seen[MANY];
    memset(seen, 0, sizeof(seen));
    only_captures();
    behave("{\"delay_ms\":0,\"disorder_ms\":200,\"retry_ms\":50,\"retry_ms_most\":50}");
    for (int i = 0; i < MANY; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "k%d.", i);
        assert_int_equal(sale(key), 201);
    }
    for (int left = MANY; left > 0;) {
        int hook = take_hook();
        const char *at = strstr(receiver.request, "\"custom_id\":\"k");
        assert_non_null(at);
        long i = strtol(at + 14, NULL, 10);
        assert_in_range(i, 0, MANY - 1);
        left -= seen[i] ? 0 : 1;
        seen[i] = true;
        answer_hook(hook, 200);
    }
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_accepted_comes_again, setup_hooks,
                                        teardown_hooks),
        cmocka_unit_test_setup_teardown(an_early_webhook_precedes_the_answer, setup_hooks,
                                        teardown_hooks),
        cmocka_unit_test_setup_teardown(a_payout_is_told_when_nobody_asks, setup_hooks,
                                        teardown_hooks),
        cmocka_unit_test_setup_teardown(a_lost_webhook_never_comes, setup_hooks, teardown_hooks),
        cmocka_unit_test_setup_teardown(many_go_at_once_and_all_arrive, setup_hooks,
                                        teardown_hooks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

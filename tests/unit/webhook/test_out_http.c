/*
 * The client that sends webhooks, against the addresses that nobody may have it connect to. The
 * function that makes its sockets is ours and makes none: what is counted would have been connected.
 */
#include "webhook/out_http.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/http/addresses.h"

struct lab {
    struct loop *loop;
    struct out_http *http;
    struct egress_rules rules;
    unsigned sockets; /* that would have been connected */
    struct out_result result;
    unsigned answers;
};

static struct lab lab;

static int no_socket(void *ctx, int family, int type, int protocol)
{
    (void)ctx;
    (void)family;
    (void)type;
    (void)protocol;
    lab.sockets++;
    return -1;
}

static void open_lab(const char *const *resolve, const char *allowed)
{
    struct error err;
    memset(&lab, 0, sizeof(lab));
    lab.loop = loop_new();
    assert_true(address_list_parse(str_of(allowed), &lab.rules.allowed, &err));
    struct out_http_config config = {
        .rules = &lab.rules,
        .ca_file = "",
        .connect_ms = 5000,
        .answer_ms = 20000,
        .in_flight_max = 64,
        .socket = no_socket,
        .resolve = resolve,
    };
    lab.http = out_http_new(lab.loop, &config);
}

static void close_lab(void)
{
    out_http_free(&lab.http);
    loop_free(&lab.loop);
}

static void done(void *ctx, const struct out_result *result)
{
    (void)ctx;
    lab.result = *result;
    lab.answers++;
    loop_stop(lab.loop);
}

static void send_to(const char *url)
{
    struct out_call call = {
        .url = str_of(url),
        .body = STR("{}"),
        .headers = {STR("webhook-id: evt_1")},
        .header_count = 1,
    };
    unsigned before = lab.answers;
    (void)out_http_start(lab.http, &call, done, NULL);
    assert_int_equal(lab.answers, before);
    loop_run(lab.loop);
    assert_int_equal(lab.answers, before + 1);
}

static const char *url_of(const char *address)
{
    static char url[128];
    bool is_ipv6 = strchr(address, ':') != NULL;
    (void)snprintf(url, sizeof(url), is_ipv6 ? "https://[%s]/hooks" : "https://%s/hooks", address);
    return url;
}

static void no_socket_is_made_for_a_forbidden_address(void **state)
{
    (void)state;
    open_lab(NULL, "");
    assert_true(ARRAY_LEN(forbidden_addresses) >= 60);
    for (size_t i = 0; i < ARRAY_LEN(forbidden_addresses); i++) {
        send_to(url_of(forbidden_addresses[i]));
        if (lab.sockets != 0)
            fail_msg("%s would have been connected to", forbidden_addresses[i]);
        assert_int_equal(lab.result.answer.status, 0);
        assert_string_equal(lab.result.answer.error, "address_forbidden");
    }
    close_lab();
}

/* That the count can be anything but 0. */
static void a_socket_is_made_for_a_public_one(void **state)
{
    (void)state;
    open_lab(NULL, "");
    for (size_t i = 0; i < ARRAY_LEN(public_addresses); i++) {
        send_to(url_of(public_addresses[i]));
        assert_int_equal(lab.sockets, i + 1);
        assert_string_equal(lab.result.answer.error, "connect_failed");
    }
    close_lab();
}

/* A name that was public when it was looked at, and is not when it is connected to. */
static void a_name_that_leads_inside_is_not_connected_to(void **state)
{
    (void)state;
    static char entries[ARRAY_LEN(forbidden_addresses)][128];
    static const char *resolve[ARRAY_LEN(forbidden_addresses) + 1];
    for (size_t i = 0; i < ARRAY_LEN(forbidden_addresses); i++) {
        bool is_ipv6 = strchr(forbidden_addresses[i], ':') != NULL;
        (void)snprintf(entries[i], sizeof(entries[i]),
                       is_ipv6 ? "h%zu.example.com:443:[%s]" : "h%zu.example.com:443:%s", i,
                       forbidden_addresses[i]);
        resolve[i] = entries[i];
    }
    open_lab(resolve, "");
    for (size_t i = 0; i < ARRAY_LEN(forbidden_addresses); i++) {
        char url[128];
        (void)snprintf(url, sizeof(url), "https://h%zu.example.com/hooks", i);
        send_to(url);
        if (lab.sockets != 0)
            fail_msg("%s would have been connected to", entries[i]);
        assert_string_equal(lab.result.answer.error, "address_forbidden");
    }
    close_lab();
}

static void of_several_addresses_only_the_public_is_tried(void **state)
{
    (void)state;
    static const char *const resolve[] = {
        "mixed.example.com:443:127.0.0.1,10.0.0.1,8.8.8.8,169.254.169.254", NULL};
    open_lab(resolve, "");
    send_to("https://mixed.example.com/");
    assert_int_equal(lab.sockets, 1);
    assert_string_equal(lab.result.answer.error, "connect_failed");
    close_lab();
}

/* Whatever got past the check of the address as text: none of these makes a socket. */
static void tricks_with_urls_make_no_socket(void **state)
{
    (void)state;
    open_lab(NULL, "");
    static const char *const urls[] = {
        "http://8.8.8.8/",          "ftp://8.8.8.8/",          "file:///etc/passwd",
        "https://user@8.8.8.8/",    "https://2130706433/",     "https://0x7f000001/",
        "https://0177.0.0.1/",      "https://127.1/",          "https://0/",
        "https://[::ffff:7f00:1]/", "https://127.0.0.1./",     "https://%31%32%37.0.0.1/",
        "https://localhost/",       "https://LOCALHOST./",     "gopher://8.8.8.8:25/_x",
        "dict://127.0.0.1:11211/",  "https://[fe80::1%25lo]/",
    };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        send_to(urls[i]);
        if (lab.sockets != 0)
            fail_msg("%s makes a socket", urls[i]);
        assert_int_equal(lab.result.answer.status, 0);
    }
    close_lab();
}

static void what_the_operator_allows_is_connected_to(void **state)
{
    (void)state;
    open_lab(NULL, "10.0.0.0/8");
    send_to("https://10.1.2.3/");
    assert_int_equal(lab.sockets, 1);
    send_to("https://192.168.0.1/");
    assert_int_equal(lab.sockets, 1);
    assert_string_equal(lab.result.answer.error, "address_forbidden");
    close_lab();
}

static void a_canceled_call_ends_unheard(void **state)
{
    (void)state;
    open_lab(NULL, "");
    struct out_call call = {.url = STR("https://8.8.8.8/"), .body = STR("{}")};
    struct out_transfer *transfer = out_http_start(lab.http, &call, done, NULL);
    out_http_cancel(transfer);
    (void)out_http_start(lab.http, &call, done, NULL);
    close_lab(); /* and so does one under way */
    assert_int_equal(lab.answers, 0);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_socket_is_made_for_a_forbidden_address),
        cmocka_unit_test(a_socket_is_made_for_a_public_one),
        cmocka_unit_test(a_name_that_leads_inside_is_not_connected_to),
        cmocka_unit_test(of_several_addresses_only_the_public_is_tried),
        cmocka_unit_test(tricks_with_urls_make_no_socket),
        cmocka_unit_test(what_the_operator_allows_is_connected_to),
        cmocka_unit_test(a_canceled_call_ends_unheard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Where the gateway may be sent by somebody else's address. */
#include "http/egress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/http/addresses.h"

static struct sockaddr_storage address_from(const char *text)
{
    struct sockaddr_storage to = {.ss_family = AF_INET};
    if (inet_pton(AF_INET, text, &((struct sockaddr_in *)(void *)&to)->sin_addr) == 1)
        return to;
    to.ss_family = AF_INET6;
    if (inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)(void *)&to)->sin6_addr) != 1)
        fail_msg("%s is no address", text);
    return to;
}

static void forbidden_addresses_are_never_connected_to(void **state)
{
    (void)state;
    static const struct address_list none;
    assert_true(ARRAY_LEN(forbidden_addresses) >= 60);
    for (size_t i = 0; i < ARRAY_LEN(forbidden_addresses); i++) {
        struct sockaddr_storage to = address_from(forbidden_addresses[i]);
        if (egress_may_connect(&to, NULL) || egress_may_connect(&to, &none))
            fail_msg("%s may be connected to", forbidden_addresses[i]);
    }
}

static void public_addresses_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(public_addresses); i++) {
        struct sockaddr_storage to = address_from(public_addresses[i]);
        if (!egress_may_connect(&to, NULL))
            fail_msg("%s may not be connected to", public_addresses[i]);
    }
}

/* Each block of 2^24 addresses that has a forbidden part, at its edges; and the rest of the world. */
static void the_edges_of_each_network_are_where_they_should_be(void **state)
{
    (void)state;
    static const struct {
        const char *last_public;
        const char *first;
        const char *last;
        const char *next_public;
    } edges[] = {
        {NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0"},
        {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
        {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
        {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
        {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
        {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
        {"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
        {"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
        {"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
        {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
        {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
        {"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
        {"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
        {"223.255.255.255", "224.0.0.0", "255.255.255.255", NULL},
        {NULL, "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:1ff:ffff::", "2001:200::"},
        {"2001:db7:ffff::", "2001:db8::", "2001:db8:ffff:ffff::1", "2001:db9::"},
        {"2001:ffff::", "2002::", "2002:ffff::1", "2003::"},
        {"3ffe:ffff::", "3fff::", "3fff:0fff:ffff::", "3fff:1000::"},
        {"3fff:ffff::1", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
        const char *const outside[] = {edges[i].last_public, edges[i].next_public};
        const char *const inside[] = {edges[i].first, edges[i].last};
        for (size_t n = 0; n < 2; n++) {
            struct sockaddr_storage to = address_from(inside[n]);
            if (egress_may_connect(&to, NULL))
                fail_msg("%s may be connected to", inside[n]);
            if (outside[n] == NULL)
                continue;
            to = address_from(outside[n]);
            if (!egress_may_connect(&to, NULL))
                fail_msg("%s may not be connected to", outside[n]);
        }
    }
}

static void what_the_operator_allows_is_exempt_and_nothing_beside_it(void **state)
{
    (void)state;
    struct address_list allowed;
    struct error err;
    assert_true(address_list_parse(STR("127.0.0.1, 10.1.0.0/16 fd00:1::/32"), &allowed, &err));
    static const char *const exempt[] = {"127.0.0.1", "::ffff:127.0.0.1", "10.1.2.3", "fd00:1::9"};
    static const char *const others[] = {"127.0.0.2", "10.2.0.0", "fd00:2::9", "169.254.169.254",
                                         "::1"};
    for (size_t i = 0; i < ARRAY_LEN(exempt); i++) {
        struct sockaddr_storage to = address_from(exempt[i]);
        if (!egress_may_connect(&to, &allowed))
            fail_msg("%s is not exempt", exempt[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct sockaddr_storage to = address_from(others[i]);
        if (egress_may_connect(&to, &allowed))
            fail_msg("%s is exempt", others[i]);
    }
}

static void other_families_are_never_connected_to(void **state)
{
    (void)state;
    struct address_list all;
    struct error err;
    assert_true(address_list_parse(STR("0.0.0.0/0 ::/0"), &all, &err));
    struct sockaddr_storage to = {.ss_family = AF_UNIX};
    assert_false(egress_may_connect(&to, &all));
    to.ss_family = AF_UNSPEC;
    assert_false(egress_may_connect(&to, &all));
}

static void good_urls_are_taken(void **state)
{
    (void)state;
    static const struct egress_rules rules;
    static const char *const good[] = {
        "https://example.com",
        "https://example.com/",
        "https://example.com/hooks?x=1&y=%20a@b",
        "https://EXAMPLE.com:443/a",
        "https://hooks.example.co.uk:8443/turnpike",
        "https://xn--bcher-kva.example/hooks",
        "https://8.8.8.8/hooks",
        "https://[2606:4700::6810:84e5]/hooks",
        "https://local.example.com/hooks",
        "https://1a.example.com",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct error err;
        if (!egress_check_url(str_of(good[i]), &rules, &err))
            fail_msg("%s: %s", good[i], err.text);
    }
}

static void bad_urls_are_refused(void **state)
{
    (void)state;
    static const struct egress_rules rules;
    for (size_t i = 0; i < ARRAY_LEN(forbidden_urls); i++) {
        struct error err;
        if (egress_check_url(str_of(forbidden_urls[i]), &rules, &err))
            fail_msg("%s is taken", forbidden_urls[i]);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_int_equal(strncmp(err.text, "must", 4), 0);
    }
    char longest[EGRESS_URL_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "https://example.com/", 20);
    struct error err;
    longest[EGRESS_URL_MAX] = '\0';
    assert_true(egress_check_url(str_of(longest), &rules, &err));
    longest[EGRESS_URL_MAX] = 'a';
    longest[EGRESS_URL_MAX + 1] = '\0';
    assert_false(egress_check_url(str_of(longest), &rules, &err));
    assert_false(egress_check_url(STR_NONE, &rules, &err));
}

static void on_premise_names_and_networks_can_be_allowed(void **state)
{
    (void)state;
    struct egress_rules rules = {.http_allowed = true};
    struct error err;
    assert_true(address_list_parse(STR("127.0.0.0/8 10.0.0.0/8"), &rules.allowed, &err));
    assert_true(egress_check_url(STR("http://127.0.0.1:9000/hooks"), &rules, &err));
    assert_true(egress_check_url(STR("https://localhost:9000/hooks"), &rules, &err));
    assert_true(egress_check_url(STR("https://shop.internal/hooks"), &rules, &err));
    assert_false(egress_check_url(STR("https://192.168.0.1/hooks"), &rules, &err));
    assert_false(egress_check_url(STR("ftp://10.0.0.1/hooks"), &rules, &err));
    assert_false(egress_check_url(STR("http://user@10.0.0.1/hooks"), &rules, &err));
    assert_false(egress_check_url(STR("http://10.0.0.1:22/hooks"), &rules, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forbidden_addresses_are_never_connected_to),
        cmocka_unit_test(public_addresses_are),
        cmocka_unit_test(the_edges_of_each_network_are_where_they_should_be),
        cmocka_unit_test(what_the_operator_allows_is_exempt_and_nothing_beside_it),
        cmocka_unit_test(other_families_are_never_connected_to),
        cmocka_unit_test(good_urls_are_taken),
        cmocka_unit_test(bad_urls_are_refused),
        cmocka_unit_test(on_premise_names_and_networks_can_be_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

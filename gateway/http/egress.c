#include "http/egress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* clang-format off */
static const char forbidden_ipv4[] = /* IANA's special-purpose registry, and multicast */
    "0.0.0.0/8 "          /* this network */
    "10.0.0.0/8 "         /* private */
    "100.64.0.0/10 "      /* shared: behind carriers' NAT */
    "127.0.0.0/8 "        /* loopback */
    "169.254.0.0/16 "     /* link-local: clouds' metadata */
    "172.16.0.0/12 "      /* private */
    "192.0.0.0/24 "       /* protocol assignments */
    "192.0.2.0/24 "       /* documentation */
    "192.88.99.0/24 "     /* 6to4 relays */
    "192.168.0.0/16 "     /* private */
    "198.18.0.0/15 "      /* benchmarks */
    "198.51.100.0/24 "    /* documentation */
    "203.0.113.0/24 "     /* documentation */
    "224.0.0.0/4 "        /* multicast */
    "240.0.0.0/4";        /* reserved, broadcast */

static const char forbidden_ipv6[] = /* within 2000::/3 */
    "2001::/23 "          /* Teredo, ORCHID, benchmarks, protocol assignments */
    "2001:db8::/32 "      /* documentation */
    "2002::/16 "          /* 6to4 */
    "3fff::/20";          /* documentation */
/* clang-format on */

/* Parsed at first use; one thread per process. */
static const struct address_list *list_of(struct address_list *list, const char *text)
{
    struct error err;
    if (list->count == 0)
        CHECK(address_list_parse(str_of(text), list, &err));
    return list;
}

static bool may_connect_ipv4(const uint8_t ip[4])
{
    static struct address_list list;
    struct sockaddr_storage storage = {.ss_family = AF_INET};
    memcpy(&((struct sockaddr_in *)(void *)&storage)->sin_addr, ip, 4);
    return !address_list_has(list_of(&list, forbidden_ipv4), &storage);
}

/* The kernel, or a translator on the way, makes an IPv4 connection of it. */
static bool is_wrapped_ipv4(const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    return memcmp(ip, mapped, sizeof(mapped)) == 0 || memcmp(ip, nat64, sizeof(nat64)) == 0;
}

/* An interface that is named by the IPv4 address to which its packets are tunnelled. */
static bool is_isatap(const uint8_t ip[16])
{
    static const uint8_t mark[2] = {0x5e, 0xfe};
    return (ip[8] & ~0x02) == 0 && ip[9] == 0 && memcmp(ip + 10, mark, sizeof(mark)) == 0;
}

static bool may_connect_ipv6(const struct sockaddr_storage *to)
{
    static struct address_list list;
    const uint8_t *ip = ((const struct sockaddr_in6 *)(const void *)to)->sin6_addr.s6_addr;
    if (is_wrapped_ipv4(ip))
        return may_connect_ipv4(ip + 12);
    if (is_isatap(ip) && !may_connect_ipv4(ip + 12))
        return false;
    return (ip[0] & 0xe0) == 0x20 && !address_list_has(list_of(&list, forbidden_ipv6), to);
}

bool egress_may_connect(const struct sockaddr_storage *to, const struct address_list *allowed)
{
    if (to->ss_family != AF_INET && to->ss_family != AF_INET6)
        return false;
    if (allowed != NULL && address_list_has(allowed, to))
        return true;
    if (to->ss_family == AF_INET6)
        return may_connect_ipv6(to);
    const struct sockaddr_in *in = (const void *)to;
    return may_connect_ipv4((const uint8_t *)&in->sin_addr);
}

#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum {
    IPV4_MARK = 1, /* beside an IPv4 address, so that 0.0.0.0 is not all zero */
};

void address_table_init(struct address_table *table, size_t address_count_max)
{
    size_t size = 16;
    while (size < address_count_max * 2) {
        size *= 2;
    }
    table->slots = calloc(size, sizeof table->slots[0]);
    CHECK(table->slots);
    table->mask = size - 1;
    table->used = 0;
    table->used_max = address_count_max;
    rng_fill(&table->seed, sizeof table->seed);
}

void address_table_release(struct address_table *table)
{
    free(table->slots);
    table->slots = NULL;
}

static uint64_t high_half(const struct in6_addr *ip)
{
    uint64_t value;
    memcpy(&value, ip->s6_addr, sizeof value);
    return value;
}

static uint64_t mark_ipv4(const void *ip)
{
    uint32_t value;
    memcpy(&value, ip, sizeof value);
    return ((uint64_t)value << 8) | IPV4_MARK;
}

struct address address_of(const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)from;
        return (struct address){.low = mark_ipv4(&in->sin_addr)};
    }
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)from;
        if (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr)) {
            return (struct address){.low = mark_ipv4(in->sin6_addr.s6_addr + 12)};
        }
        return (struct address){.high = high_half(&in->sin6_addr)};
    }
    return (struct address){.high = 0};
}

size_t address_hash(const struct address_table *table, struct address address)
{
    uint64_t x = (address.high ^ table->seed) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    x = (x ^ address.low) * UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 32;
    return (size_t)x;
}

static size_t home_of(const struct address_table *table, struct address address)
{
    return address_hash(table, address) & table->mask;
}

/* The slot of `address`, or the free one where it belongs. */
static size_t find_slot(const struct address_table *table, struct address address)
{
    size_t i = home_of(table, address);
    while (table->slots[i].count > 0 && (table->slots[i].address.high != address.high ||
                                         table->slots[i].address.low != address.low)) {
        i = (i + 1) & table->mask;
    }
    return i;
}

bool address_add(struct address_table *table, struct address address, size_t count_max)
{
    struct address_slot *slot = &table->slots[find_slot(table, address)];
    if (slot->count >= count_max) {
        return false;
    }
    if (slot->count == 0) {
        CHECK(table->used < table->used_max);
        table->used++;
        slot->address = address;
    }
    slot->count++;
    return true;
}

void address_remove(struct address_table *table, struct address address)
{
    size_t hole = find_slot(table, address);
    CHECK(table->slots[hole].count > 0);
    if (--table->slots[hole].count > 0) {
        return;
    }
    table->used--;
    /* Move back what a probe would no longer find behind the hole (no tombstones). */
    for (size_t i = (hole + 1) & table->mask; table->slots[i].count > 0;
         i = (i + 1) & table->mask) {
        size_t home = home_of(table, table->slots[i].address);
        if (((i - home) & table->mask) >= ((i - hole) & table->mask)) {
            table->slots[hole] = table->slots[i];
            table->slots[i].count = 0;
            hole = i;
        }
    }
}

size_t address_count(const struct address_table *table, struct address address)
{
    return table->slots[find_slot(table, address)].count;
}

/* ---- networks -------------------------------------------------------------------------------- */

enum {
    IPV4_BITS = 32,
    IPV6_BITS = 128,
};

static void map_ipv4(const void *ip, uint8_t bytes[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    memcpy(bytes, prefix, sizeof prefix);
    memcpy(bytes + sizeof prefix, ip, 4);
}

static bool is_within(const struct address_network *network, const uint8_t bytes[16])
{
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    uint8_t mask = (uint8_t)(0xff << (8 - rest));
    return memcmp(network->bytes, bytes, whole) == 0 &&
           (rest == 0 || ((network->bytes[whole] ^ bytes[whole]) & mask) == 0);
}

static bool parse_network(struct str text, struct address_network *network)
{
    char name[INET6_ADDRSTRLEN];
    struct in_addr ipv4;
    struct str rest = text;
    bool has_length = str_find_char(text, '/', 0) != SIZE_MAX;
    unsigned most = IPV6_BITS;
    int64_t length = 0;
    if (!str_copy_to(str_cut(&rest, '/'), name, sizeof name)) {
        return false;
    }
    if (inet_pton(AF_INET, name, &ipv4) == 1) {
        map_ipv4(&ipv4, network->bytes);
        most = IPV4_BITS;
    } else if (inet_pton(AF_INET6, name, network->bytes) != 1) {
        return false;
    }
    if (!has_length) {
        length = most;
    } else if (!str_to_int64(rest, &length) || length < 0 || length > most) {
        return false;
    }
    network->bits = IPV6_BITS - most + (unsigned)length;
    return true;
}

bool address_list_parse(struct str text, struct address_list *list, struct error *err)
{
    list->count = 0;
    while (text.len > 0) {
        size_t space = str_find_char(text, ' ', 0);
        size_t comma = str_find_char(text, ',', 0);
        struct str part = str_trim(str_cut(&text, space < comma ? ' ' : ','));
        if (part.len == 0) {
            continue;
        }
        if (list->count == ADDRESS_LIST_MAX) {
            return fail(err, ERROR_INVALID, "more than %d networks", ADDRESS_LIST_MAX);
        }
        if (!parse_network(part, &list->networks[list->count])) {
            return fail(err, ERROR_INVALID,
                        "\"" STR_FMT "\" is no address and no network like 10.0.0.0/8 or "
                        "2001:db8::/32",
                        STR_ARG(part));
        }
        list->count++;
    }
    return true;
}

bool address_list_has(const struct address_list *list, const struct sockaddr_storage *from)
{
    uint8_t bytes[16];
    if (from->ss_family == AF_INET) {
        map_ipv4(&((const struct sockaddr_in *)(const void *)from)->sin_addr, bytes);
    } else if (from->ss_family == AF_INET6) {
        memcpy(bytes, ((const struct sockaddr_in6 *)(const void *)from)->sin6_addr.s6_addr, 16);
    } else {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (is_within(&list->networks[i], bytes)) {
            return true;
        }
    }
    return false;
}

#include "http/address.h"

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

static size_t home_of(const struct address_table *table, struct address address)
{
    uint64_t x = (address.high ^ table->seed) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    x = (x ^ address.low) * UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 32;
    return (size_t)x & table->mask;
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

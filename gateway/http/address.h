/*
 * address.h - how many connections each client address has open.
 *
 * A fixed open-addressing table, made once for the largest number of connections a server may have.
 * An IPv6 client counts by its /64: the low half is the client's own to choose.
 */
#ifndef HTTP_ADDRESS_H
#define HTTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

struct address {
    uint64_t high; /* IPv6: the /64 prefix; IPv4: 0 */
    uint64_t low;  /* IPv4: the address and a mark; IPv6: 0 */
};

struct address_slot {
    struct address address;
    uint32_t count; /* 0: free */
};

struct address_table {
    struct address_slot *slots; /* owned */
    size_t mask;                /* slot count - 1 */
    size_t used;
    size_t used_max;
    uint64_t seed;
};

void address_table_init(struct address_table *table, size_t address_count_max);
void address_table_release(struct address_table *table);
struct address address_of(const struct sockaddr_storage *from);
/* Count one more of `address`; false when it has `count_max` already. */
bool address_add(struct address_table *table, struct address address, size_t count_max) MUST_USE;
void address_remove(struct address_table *table, struct address address);
size_t address_count(const struct address_table *table, struct address address);

#endif

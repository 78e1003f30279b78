/*
 * address.h - how many connections each client address has open, and lists of networks.
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
#include "base/str.h"

enum {
    ADDRESS_LIST_MAX = 64,
};

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
/* Nobody outside can choose addresses that collide. */
size_t address_hash(const struct address_table *table, struct address address);

/* Networks: "10.0.0.0/8 192.0.2.7 2001:db8::/32". */
struct address_network {
    uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;     /* of 128 */
};

struct address_list {
    struct address_network networks[ADDRESS_LIST_MAX];
    size_t count;
};

/* Separated by spaces or commas; an address stands for itself alone. ERROR_INVALID names the part. */
bool address_list_parse(struct str text, struct address_list *list, struct error *err) MUST_USE;
bool address_list_has(const struct address_list *list, const struct sockaddr_storage *from);

#endif

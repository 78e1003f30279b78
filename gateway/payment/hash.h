/*
 * hash.h - uthash with a hash function that every compiler takes without a warning: FNV-1a.
 *
 * What is hashed is bounded in number (keys in hand, cached digests), so that colliding keys which
 * a client may choose cost little.
 */
#ifndef PAYMENT_HASH_H
#define PAYMENT_HASH_H

#include <stddef.h>
#include <stdint.h>

static inline unsigned hash_bytes(const void *data, size_t len)
{
    const uint8_t *byte = (const uint8_t *)data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return (unsigned)(hash ^ (hash >> 32));
}

#define HASH_FUNCTION(key, len, value) ((value) = hash_bytes((key), (len)))

#include <uthash.h>

#endif

/*
 * mix.h - a quick hash under a secret seed, for tables whose keys a stranger may choose.
 *
 * Bytes go in by sixteen, each block through one 64 x 64 -> 128 bit multiplication that the seed
 * takes part in (the construction of wyhash): without the seed nobody can choose keys that meet in
 * one place of a table. It is no signature.
 */
#ifndef BASE_MIX_H
#define BASE_MIX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mix_seed {
    uint64_t word[2];
};

static inline uint64_t mix_fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Never 0. */
static inline uint64_t mix_bytes(const struct mix_seed *seed, const void *data, size_t len)
{
    const uint8_t *at = data;
    uint64_t hash = seed->word[0] ^ (uint64_t)len * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t done = 0; done < len; done += 16) {
        uint64_t block[2] = {0, 0};
        memcpy(block, at + done, len - done < 16 ? len - done : 16);
        hash = mix_fold(block[0] ^ seed->word[1], block[1] ^ hash);
    }
    hash = mix_fold(hash ^ UINT64_C(0x2d358dccaa6c78a5), seed->word[1] | 1);
    return hash == 0 ? 1 : hash;
}

#endif

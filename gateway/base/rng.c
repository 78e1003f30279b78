#include "base/rng.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/error.h"

/*
 * The pool lies in a page of its own that the kernel hands to a forked child as zeros: there `left`
 * is 0, and parent and child never draw the same bytes. Bytes handed out are wiped. One thread per
 * process.
 */
struct pool {
    size_t left;
    uint8_t byte[4096 - sizeof(size_t)];
};

static struct pool *pool;
static bool pool_is_refused;

static void fill_from_kernel(uint8_t *out, size_t size)
{
    while (size > 0) {
        ssize_t got = getrandom(out, size, 0);
        if (got < 0) {
            CHECK(errno == EINTR);
            continue;
        }
        out += got;
        size -= (size_t)got;
    }
}

static void open_pool(void)
{
    void *page =
        mmap(NULL, sizeof(*pool), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        pool_is_refused = true;
        return;
    }
    /* Without the wipe a pool would repeat itself after a fork: then there is none. */
    if (madvise(page, sizeof(*pool), MADV_WIPEONFORK) != 0) {
        CHECK(munmap(page, sizeof(*pool)) == 0);
        pool_is_refused = true;
        return;
    }
    pool = page;
}

void rng_fill(void *out, size_t size)
{
    if (pool == NULL && !pool_is_refused)
        open_pool();
    if (pool == NULL || size > sizeof(pool->byte) / 4) {
        fill_from_kernel(out, size);
        return;
    }
    if (pool->left < size) {
        fill_from_kernel(pool->byte, sizeof(pool->byte));
        pool->left = sizeof(pool->byte);
    }
    pool->left -= size;
    memcpy(out, pool->byte + pool->left, size);
    memset(pool->byte + pool->left, 0, size);
}

void rng_seed(struct rng *rng, uint64_t seed)
{
    for (size_t i = 0; i < ARRAY_LEN(rng->state); i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        rng->state[i] = z ^ (z >> 31);
    }
}

static uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

uint64_t rng_next(struct rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    CHECK(bound > 0);
    /* Draws below 2^64 mod bound are thrown away: the rest divides evenly. */
    uint64_t unfair = (0 - bound) % bound;
    uint64_t draw = rng_next(rng);
    while (draw < unfair)
        draw = rng_next(rng);
    return draw % bound;
}

int rng_chance(struct rng *rng, uint32_t per_million)
{
    return rng_below(rng, 1000000) < per_million;
}

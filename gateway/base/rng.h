/*
 * rng.h - the only source of randomness: getrandom for the outside world, a seeded generator for
 * the simulator and for draws that must be replayable.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Cryptographically strong bytes (batched getrandom; the pool is dropped after fork). Never fails.
 */
void rng_fill(void *out, size_t size);

struct rng {
    uint64_t state[4];
};

void rng_seed(struct rng *rng, uint64_t seed); /* splitmix64 into xoshiro256** */
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound); /* uniform in [0, bound); bound > 0 */
/* True with probability per_million / 1e6. */
int rng_chance(struct rng *rng, uint32_t per_million);

#endif

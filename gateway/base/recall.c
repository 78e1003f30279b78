#include "base/recall.h"

#include <stdatomic.h>

#include "base/mix.h"
#include "base/rng.h"

struct recall {
    struct mix_seed seed;
    size_t mask;
    atomic_ullong place[];
};

size_t recall_size(size_t place_count)
{
    return sizeof(struct recall) + place_count * sizeof(atomic_ullong) + 64;
}

struct recall *recall_open(struct shm *shm, size_t place_count)
{
    CHECK(place_count > 0 && (place_count & (place_count - 1)) == 0);
    struct recall *recall = shm_carve(shm, recall_size(place_count) - 64);
    rng_fill(&recall->seed, sizeof(recall->seed));
    recall->mask = place_count - 1;
    return recall;
}

uint64_t recall_digest(const struct recall *recall, struct str a, struct str b)
{
    uint64_t parts[2] = {
        mix_bytes(&recall->seed, a.at, a.len),
        mix_bytes(&recall->seed, b.at, b.len),
    };
    return mix_bytes(&recall->seed, parts, sizeof(parts));
}

void recall_note(struct recall *recall, uint64_t digest)
{
    atomic_store_explicit(&recall->place[digest & recall->mask], digest, memory_order_relaxed);
}

bool recall_knows(const struct recall *recall, uint64_t digest)
{
    return atomic_load_explicit(&recall->place[digest & recall->mask], memory_order_relaxed) ==
           digest;
}

#include "router/volume.h"

#include <stdatomic.h>
#include <string.h>

struct volume_entry {
    _Atomic uint64_t key[2]; /* the account's id; [0] is taken first */
    _Atomic int64_t until_us;
    _Atomic int64_t due_us;
    _Atomic int64_t minor[VOLUME_COUNT];
};

struct volume_table {
    struct volume_entry entry[VOLUME_ACCOUNT_MAX];
};

struct volume_table *volume_open(struct shm *shm)
{
    return shm_carve(shm, sizeof(struct volume_table));
}

/* The random half of the id comes first: it is the one that tells accounts apart. */
static void make_key(const struct uuid *account_id, uint64_t key[2])
{
    memcpy(&key[1], account_id->byte, sizeof(key[1]));
    memcpy(&key[0], account_id->byte + sizeof(key[1]), sizeof(key[0]));
    key[0] |= 1; /* 0 is free */
}

struct volume_entry *volume_find(struct volume_table *table, const struct uuid *account_id)
{
    uint64_t key[2];
    make_key(account_id, key);
    for (size_t i = 0; i < VOLUME_ACCOUNT_MAX; i++) {
        struct volume_entry *entry = &table->entry[((key[0] >> 20) + i) % VOLUME_ACCOUNT_MAX];
        uint64_t found = 0;
        if (atomic_compare_exchange_strong(&entry->key[0], &found, key[0])) {
            atomic_store(&entry->key[1], key[1]);
            return entry;
        }
        /* 63 random bits are enough: the other half may still be on its way. */
        uint64_t rest = atomic_load(&entry->key[1]);
        if (found == key[0] && (rest == key[1] || rest == 0)) {
            return entry;
        }
    }
    return NULL;
}

int64_t volume_read(const struct volume_entry *entry, size_t index, int64_t now_wall_us)
{
    CHECK(index < VOLUME_COUNT);
    if (now_wall_us >= atomic_load(&entry->until_us)) {
        return 0;
    }
    int64_t minor = atomic_load(&entry->minor[index]);
    return minor > 0 ? minor : 0;
}

void volume_add(struct volume_entry *entry, size_t index, int64_t minor)
{
    CHECK(index < VOLUME_COUNT);
    atomic_fetch_add(&entry->minor[index], minor);
}

bool volume_claim(struct volume_entry *entry, int64_t now_wall_us, int64_t lease_us)
{
    int64_t due_us = atomic_load(&entry->due_us);
    return now_wall_us >= due_us &&
           atomic_compare_exchange_strong(&entry->due_us, &due_us, now_wall_us + lease_us);
}

void volume_begin(const struct volume_entry *entry, struct volume_mark *mark)
{
    for (size_t i = 0; i < VOLUME_COUNT; i++) {
        mark->minor[i] = atomic_load(&entry->minor[i]);
    }
}

void volume_set(struct volume_entry *entry, const struct volume_mark *mark,
                const int64_t minor[VOLUME_COUNT], int64_t until_us, int64_t due_us)
{
    for (size_t i = 0; i < VOLUME_COUNT; i++) {
        if (minor[i] != mark->minor[i]) {
            atomic_fetch_add(&entry->minor[i], minor[i] - mark->minor[i]);
        }
    }
    atomic_store(&entry->until_us, until_us);
    atomic_store(&entry->due_us, due_us);
}

void volume_defer(struct volume_entry *entry, int64_t due_us)
{
    atomic_store(&entry->due_us, due_us);
}

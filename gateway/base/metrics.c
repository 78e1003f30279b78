#include "base/metrics.h"

#include <assert.h>
#include <string.h>

#include "base/metrics_series.h"

/* Lock-free in every process, or not usable in shared memory at all. */
static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "needs lock-free atomics");
static_assert((METRICS_SERIES_MAX & (METRICS_SERIES_MAX - 1)) == 0,
              "slots are masked, not divided");

enum {
    /* A look-up gives up here: by then the table is all but full. */
    PROBE_MAX = 64,
};

const int64_t metrics_bounds_us[METRICS_BUCKET_COUNT] = {
    500,    1000,   2500,   5000,    7500,    10000,   25000,    50000,    75000,
    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000,
};
const int64_t metrics_bounds[METRICS_BUCKET_COUNT] = {
    1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024,
};

struct table {
    struct metrics_series slot[METRICS_SERIES_MAX];
    struct metrics_series hidden; /* takes the updates of series that found no slot */
};

static struct table *table;              /* shared; NULL until metrics_open */
static struct metrics_series *dropped;   /* of METRIC_METRICS_DROPPED, in the table */
static struct metrics_series unattached; /* takes the updates made without a table */
static unsigned this_slot;               /* of this process */

size_t metrics_shm_size(void)
{
    return sizeof(struct table) + 64;
}

void metrics_open(struct shm *shm)
{
    table = shm_carve(shm, sizeof(*table));
    dropped = metrics_find(METRIC_METRICS_DROPPED, NULL, 0);
    CHECK(dropped != &table->hidden);
}

bool metrics_is_open(void)
{
    return table != NULL;
}

bool metrics_is_seconds(enum metric metric)
{
    return str_ends(str_of(metrics_family(metric)->name), STR("_seconds"));
}

const struct metrics_series *metrics_slot(size_t index)
{
    CHECK(table != NULL && index < METRICS_SERIES_MAX);
    const struct metrics_series *slot = &table->slot[index];
    return atomic_load_explicit(&slot->is_published, memory_order_acquire) != 0 ? slot : NULL;
}

static size_t label_count(enum metric metric)
{
    const struct metrics_family *family = metrics_family(metric);
    size_t count = 0;
    while (count < METRICS_LABEL_MAX && family->labels[count] != NULL)
        count++;
    return count;
}

/* A label value as it is kept: cut at a character's edge, malformed and control bytes but newlines
 * replaced. */
static void put_value(char out[METRICS_VALUE_MAX], struct str value)
{
    size_t len = 0;
    for (size_t i = 0; i < value.len;) {
        size_t size = str_utf8_size(value, i);
        char c = value.at[i];
        bool is_control = size == 1 && ((unsigned char)c < 0x20 || c == 0x7f) && c != '\n';
        size_t step = size == 0 ? 1 : size;
        if (len + step >= METRICS_VALUE_MAX)
            break;
        if (size > 0 && !is_control)
            memcpy(out + len, value.at + i, step);
        else
            out[len] = '?';
        len += step;
        i += step;
    }
    memset(out + len, 0, METRICS_VALUE_MAX - len);
}

/* FNV-1a, then mixed, because FNV's low bits alone are poor slots. */
static uint64_t hash_of(enum metric metric, const struct str *values, size_t count)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)metric;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < values[i].len; k++)
            hash = (hash ^ (unsigned char)values[i].at[k]) * UINT64_C(0x100000001b3);
        hash = (hash ^ 0x100) * UINT64_C(0x100000001b3);
    }
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
    return hash == 0 ? 1 : hash;
}

/* True when the slot is this series now, be it found or claimed. */
static bool claim(struct metrics_series *slot, uint64_t hash)
{
    unsigned long long seen = atomic_load_explicit(&slot->hash, memory_order_relaxed);
    if (seen == 0 && atomic_compare_exchange_strong_explicit(
                         &slot->hash, &seen, hash, memory_order_relaxed, memory_order_relaxed))
        return true;
    return seen == hash;
}

static void publish(struct metrics_series *slot, enum metric metric, const struct str *values,
                    size_t count)
{
    slot->metric = (uint32_t)metric;
    slot->is_gauge = strcmp(metrics_family(metric)->type, "gauge") == 0;
    for (size_t i = 0; i < count; i++)
        put_value(slot->value[i], values[i]);
    atomic_store_explicit(&slot->is_published, 1, memory_order_release);
}

struct metrics_series *metrics_find(enum metric metric, const struct str *values, size_t count)
{
    CHECK(count <= label_count(metric));
    if (table == NULL)
        return &unattached;
    while (count > 0 && values[count - 1].len == 0)
        count--; /* An absent value is an empty one: the same series either way. */
    uint64_t hash = hash_of(metric, values, count);
    for (size_t probe = 0; probe < PROBE_MAX; probe++) {
        struct metrics_series *slot = &table->slot[(hash + probe) & (METRICS_SERIES_MAX - 1)];
        if (!claim(slot, hash))
            continue;
        if (atomic_load_explicit(&slot->is_published, memory_order_acquire) == 0)
            publish(slot, metric, values, count);
        return slot;
    }
    return &table->hidden;
}

static void count_dropped(const struct metrics_series *series)
{
    if (table != NULL && series == &table->hidden)
        atomic_fetch_add_explicit(&dropped->sum, 1, memory_order_relaxed);
}

void metrics_add(struct metrics_series *series, int64_t delta)
{
    atomic_llong *to = series->is_gauge ? &series->share[this_slot] : &series->sum;
    atomic_fetch_add_explicit(to, delta, memory_order_relaxed);
    count_dropped(series);
}

void metrics_set(struct metrics_series *series, int64_t value)
{
    atomic_store_explicit(&series->sum, value, memory_order_relaxed);
    count_dropped(series);
}

void metrics_hold(struct metrics_series *series, int64_t value)
{
    if (series->is_gauge)
        atomic_store_explicit(&series->share[this_slot], value, memory_order_relaxed);
    count_dropped(series);
}

void metrics_set_slot(unsigned slot)
{
    CHECK(slot < SHM_SLOT_MAX);
    this_slot = slot;
}

void metrics_forget_slot(unsigned slot)
{
    CHECK(table != NULL && slot < SHM_SLOT_MAX);
    for (size_t i = 0; i < METRICS_SERIES_MAX; i++) {
        struct metrics_series *series = &table->slot[i];
        if (metrics_slot(i) != NULL && series->is_gauge)
            atomic_store_explicit(&series->share[slot], 0, memory_order_relaxed);
    }
}

static void observe(struct metrics_series *series, const int64_t *bounds, int64_t value)
{
    if (value < 0)
        value = 0;
    size_t bucket = 0;
    while (bucket < METRICS_BUCKET_COUNT && value > bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&series->bucket[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&series->sum, value, memory_order_relaxed);
    count_dropped(series);
}

void metrics_observe_us(struct metrics_series *series, int64_t us)
{
    observe(series, metrics_bounds_us, us);
}

void metrics_observe(struct metrics_series *series, int64_t value)
{
    observe(series, metrics_bounds, value);
}

int64_t metrics_value(const struct metrics_series *series)
{
    int64_t value = atomic_load_explicit(&series->sum, memory_order_relaxed);
    for (size_t i = 0; series->is_gauge && i < SHM_SLOT_MAX; i++)
        value += atomic_load_explicit(&series->share[i], memory_order_relaxed);
    return value;
}

void metrics_count_values(enum metric metric, int64_t delta, const struct str *values, size_t count)
{
    if (table != NULL)
        metrics_add(metrics_find(metric, values, count), delta);
}

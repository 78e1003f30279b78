#include "base/metrics.h"

#include "base/error.h"
#include "base/metrics_series.h"

void metrics_each(enum metric metric, metrics_each_fn fn, void *ctx)
{
    if (!metrics_is_open())
        return;
    for (size_t i = 0; i < METRICS_SERIES_MAX; i++) {
        const struct metrics_series *slot = metrics_slot(i);
        if (slot != NULL && slot->metric == (uint32_t)metric)
            fn(ctx, str_of(slot->value[0]), slot);
    }
}

int64_t metrics_quantile_us(const struct metrics_series *series, int percent)
{
    int64_t whole = 0;
    int64_t upto = 0;
    CHECK(percent > 0 && percent <= 100 && metrics_is_seconds((enum metric)series->metric));
    for (size_t i = 0; i <= METRICS_BUCKET_COUNT; i++)
        whole += atomic_load_explicit(&series->bucket[i], memory_order_relaxed);
    for (size_t i = 0; whole > 0 && i < METRICS_BUCKET_COUNT; i++) {
        upto += atomic_load_explicit(&series->bucket[i], memory_order_relaxed);
        if (upto * 100 >= whole * percent)
            return metrics_bounds_us[i];
    }
    return whole > 0 ? metrics_bounds_us[METRICS_BUCKET_COUNT - 1] : -1;
}

#include "tests/bench/load/load.h"

#include <stdlib.h>
#include <string.h>

void record_add(struct record *record, const struct sample *sample)
{
    if (record->sample_count == record->sample_room) {
        record->sample_room = record->sample_room == 0 ? 65536 : record->sample_room * 2;
        record->samples =
            reallocarray(record->samples, record->sample_room, sizeof(*record->samples));
        if (record->samples == NULL)
            give_up("out of memory");
    }
    record->samples[record->sample_count++] = *sample;
}

static int compare(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a;
    const uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

/* The smallest latency that `share` of all do not exceed. */
static json_t *rank(const uint32_t *sorted, size_t count, double share)
{
    size_t at = (size_t)((double)count * share);
    return json_real((double)sorted[at < count ? at : count - 1] / 1000);
}

static json_t *print_latencies(uint32_t *latencies, size_t count)
{
    if (count == 0)
        return json_null();
    double sum = 0;
    qsort(latencies, count, sizeof(*latencies), compare);
    for (size_t i = 0; i < count; i++)
        sum += latencies[i];
    json_t *out = json_object();
    (void)json_object_set_new(out, "count", json_integer((json_int_t)count));
    (void)json_object_set_new(out, "mean_ms", json_real(sum / (double)count / 1000));
    (void)json_object_set_new(out, "p50_ms", rank(latencies, count, 0.5));
    (void)json_object_set_new(out, "p90_ms", rank(latencies, count, 0.9));
    (void)json_object_set_new(out, "p99_ms", rank(latencies, count, 0.99));
    (void)json_object_set_new(out, "p999_ms", rank(latencies, count, 0.999));
    (void)json_object_set_new(out, "max_ms", rank(latencies, count, 1));
    return out;
}

enum group {
    GROUP_GOOD = 0, /* 2xx */
    GROUP_REFUSED,  /* 429, 503 */
    GROUP_OTHER,
};

static enum group group_of(unsigned status)
{
    if (status >= 200 && status < 300)
        return GROUP_GOOD;
    return status == 429 || status == 503 ? GROUP_REFUSED : GROUP_OTHER;
}

/* Latencies of one class and group that were scheduled in [from_ms, to_ms). */
static json_t *print_group(const struct record *record, unsigned class, enum group group,
                           int64_t from_ms, int64_t to_ms)
{
    uint32_t *latencies = calloc(record->sample_count + 1, sizeof(*latencies));
    size_t count = 0;
    if (latencies == NULL)
        give_up("out of memory");
    for (size_t i = 0; i < record->sample_count; i++) {
        const struct sample *sample = &record->samples[i];
        if (sample->class == class && group_of(sample->status) == group &&
            sample->at_ms >= from_ms && sample->at_ms < to_ms)
            latencies[count++] = sample->latency_us;
    }
    json_t *out = print_latencies(latencies, count);
    free(latencies);
    return out;
}

static json_t *print_statuses(const uint64_t counts[STATUS_MAX])
{
    json_t *out = json_object();
    for (unsigned status = 0; status < STATUS_MAX; status++) {
        char name[16];
        if (counts[status] == 0)
            continue;
        (void)snprintf(name, sizeof(name), status == STATUS_LOST ? "lost" : "%u", status);
        (void)json_object_set_new(out, name, json_integer((json_int_t)counts[status]));
    }
    return out;
}

static json_t *print_seconds(const uint32_t *values, int64_t count)
{
    json_t *out = json_array();
    for (int64_t i = 0; i < count; i++)
        (void)json_array_append_new(out, json_integer(values[i]));
    return out;
}

json_t *record_print(const struct record *record, const struct load_spec *spec)
{
    const int64_t window_ms = spec->window_us / 1000;
    json_t *out = json_object();
    json_t *classes = json_object();
    for (unsigned i = 0; i < spec->class_count; i++) {
        json_t *class = json_object();
        (void)json_object_set_new(class, "total", print_statuses(record->total[i]));
        (void)json_object_set_new(class, "window", print_statuses(record->window[i]));
        (void)json_object_set_new(class, "latency",
                                  print_group(record, i, GROUP_GOOD, 0, window_ms));
        (void)json_object_set_new(class, "latency_first_third",
                                  print_group(record, i, GROUP_GOOD, 0, window_ms / 3));
        (void)json_object_set_new(
            class, "latency_last_third",
            print_group(record, i, GROUP_GOOD, window_ms - window_ms / 3, window_ms));
        (void)json_object_set_new(class, "refusal_latency",
                                  print_group(record, i, GROUP_REFUSED, 0, window_ms));
        (void)json_object_set_new(classes, spec->class[i].name, class);
    }
    (void)json_object_set_new(out, "classes", classes);
    (void)json_object_set_new(out, "done_in_second",
                              print_seconds(record->done_in_second, spec->window_us / 1000000));
    (void)json_object_set_new(out, "waiting_at_second",
                              print_seconds(record->waiting_at_second, spec->window_us / 1000000));
    return out;
}

void record_release(struct record *record)
{
    free(record->samples);
    if (record->log != NULL)
        (void)fclose(record->log);
    memset(record, 0, sizeof(*record));
}

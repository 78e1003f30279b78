#include "base/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/metrics_series.h"
#include "base/money.h"

static int compare_series(const void *a, const void *b)
{
    const struct metrics_series *left = *(const struct metrics_series *const *)a;
    const struct metrics_series *right = *(const struct metrics_series *const *)b;
    if (left->metric != right->metric)
        return left->metric < right->metric ? -1 : 1;
    for (size_t i = 0; i < METRICS_LABEL_MAX; i++) {
        int order = strcmp(left->value[i], right->value[i]);
        if (order != 0)
            return order;
    }
    return 0;
}

/* Every published series, by family and label values. */
static size_t collect(const struct metrics_series *series[METRICS_SERIES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < METRICS_SERIES_MAX; i++) {
        const struct metrics_series *slot = metrics_slot(i);
        if (slot != NULL)
            series[count++] = slot;
    }
    qsort(series, count, sizeof(const struct metrics_series *), compare_series);
    return count;
}

static void put_escaped(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (c == '\\' || c == '"' || c == '\n')
            buf_add_char(out, '\\');
        if (c == '\n')
            c = 'n';
        buf_add_char(out, c);
    }
}

/* name_suffix{label="value",...,le="bound"} and the space behind; le may be empty. */
static void put_name(struct buf *out, const struct metrics_series *series, struct str suffix,
                     struct str le)
{
    const struct metrics_family *family = metrics_family((enum metric)series->metric);
    char separator = '{';
    buf_add_str(out, str_of(family->name));
    buf_add_str(out, suffix);
    for (size_t i = 0; i < METRICS_LABEL_MAX && family->labels[i] != NULL; i++) {
        buf_add_char(out, separator);
        buf_add_str(out, str_of(family->labels[i]));
        buf_add_str(out, STR("=\""));
        put_escaped(out, str_of(series->value[i]));
        buf_add_char(out, '"');
        separator = ',';
    }
    if (le.len > 0) {
        buf_add_char(out, separator);
        buf_printf(out, "le=\"" STR_FMT "\"", STR_ARG(le));
        separator = ',';
    }
    buf_add_str(out, separator == '{' ? STR(" ") : STR("} "));
}

/* Microseconds as seconds, or millionths as a share, without the zeros at the end: 2500 is 0.0025. */
static struct str millionths_text(int64_t us, char out[MONEY_TEXT_SIZE])
{
    struct str text = money_format(us, 6, out);
    while (str_ends(text, STR("0")))
        text.len--;
    if (str_ends(text, STR(".")))
        text.len--;
    return text;
}

/* An upper bound as a float, as OpenMetrics wants it: 1 is "1.0", so that both formats agree. */
static struct str bound_text(int64_t value, unsigned decimals, char out[MONEY_TEXT_SIZE])
{
    if (decimals == 0)
        return money_format(value * 10, 1, out);
    struct str text = money_format(value, decimals, out);
    while (str_ends(text, STR("0")) && text.at[text.len - 2] != '.')
        text.len--;
    return text;
}

static void put_value_line(struct buf *out, int64_t value, bool is_millionths)
{
    char text[MONEY_TEXT_SIZE];
    if (is_millionths)
        buf_add_str(out, millionths_text(value, text));
    else
        buf_add_int64(out, value);
    buf_add_char(out, '\n');
}

static void put_histogram(struct buf *out, const struct metrics_series *series)
{
    bool is_seconds = metrics_is_seconds((enum metric)series->metric);
    int64_t total = 0;
    for (size_t i = 0; i <= METRICS_BUCKET_COUNT; i++) {
        char text[MONEY_TEXT_SIZE];
        struct str le = STR("+Inf");
        if (i < METRICS_BUCKET_COUNT)
            le = is_seconds ? bound_text(metrics_bounds_us[i], 6, text)
                            : bound_text(metrics_bounds[i], 0, text);
        total += atomic_load_explicit(&series->bucket[i], memory_order_relaxed);
        put_name(out, series, STR("_bucket"), le);
        put_value_line(out, total, false);
    }
    put_name(out, series, STR("_sum"), STR_NONE);
    put_value_line(out, metrics_value(series), is_seconds);
    put_name(out, series, STR("_count"), STR_NONE);
    put_value_line(out, total, false);
}

static bool is_type(const struct metrics_family *family, const char *type)
{
    return strcmp(family->type, type) == 0;
}

static bool is_in_millionths(const struct metrics_family *family)
{
    struct str name = str_of(family->name);
    return str_ends(name, STR("_seconds")) || str_ends(name, STR("_seconds_total")) ||
           str_ends(name, STR("_ratio"));
}

static void put_family_head(struct buf *out, const struct metrics_family *family,
                            enum metrics_format format)
{
    struct str name = str_of(family->name);
    if (format == METRICS_OPENMETRICS && is_type(family, "counter"))
        name.len -= STR("_total").len;
    buf_printf(out, "# HELP " STR_FMT " %s\n# TYPE " STR_FMT " %s\n", STR_ARG(name), family->help,
               STR_ARG(name), family->type);
}

static void put_series(struct buf *out, const struct metrics_family *family,
                       const struct metrics_series *series)
{
    if (is_type(family, "histogram")) {
        put_histogram(out, series);
    } else {
        put_name(out, series, STR_NONE, STR_NONE);
        put_value_line(out, metrics_value(series), is_in_millionths(family));
    }
}

void metrics_print(enum metrics_format format, struct buf *out)
{
    if (!metrics_is_open())
        return;
    const struct metrics_series *series[METRICS_SERIES_MAX] = {NULL};
    size_t count = collect(series);
    size_t next = 0;
    for (int metric = METRIC_NONE + 1; metric < METRIC_COUNT; metric++) {
        const struct metrics_family *family = metrics_family((enum metric)metric);
        size_t first = next;
        put_family_head(out, family, format);
        for (; next < count && series[next]->metric == (uint32_t)metric; next++)
            put_series(out, family, series[next]);
        /* A counter that exists but never counted is 0: rate() needs the start. */
        if (next == first && is_type(family, "counter") && family->labels[0] == NULL)
            buf_printf(out, "%s 0\n", family->name);
    }
    if (format == METRICS_OPENMETRICS)
        buf_add_str(out, STR("# EOF\n"));
}

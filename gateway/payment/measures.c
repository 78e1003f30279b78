#include "payment/measures.h"

#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/money.h"

#define HOUR_US (INT64_C(3600) * CLOCK_SECOND_US)

enum {
    SPAN_HOURS_MAX = 92 * 24,
    WINDOW_HOURS = 24, /* also of the metrics */
};

/* ---- of which time ---------------------------------------------------------------------------- */

static bool whole_hour(struct str text, int64_t *wall_us, struct error *err)
{
    if (!clock_parse(text, wall_us, err))
        return false;
    return *wall_us % HOUR_US == 0 || fail(err, ERROR_INVALID, "must be a day or a whole hour");
}

static bool window_hours(struct str window, int64_t *hours, struct error *err)
{
    static const struct {
        const char *name;
        int64_t hours;
    } windows[] = {{"", WINDOW_HOURS}, {"1h", 1}, {"24h", 24}, {"7d", 168}, {"30d", 720}};
    for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
        if (str_eq(window, str_of(windows[i].name))) {
            *hours = windows[i].hours;
            return true;
        }
    }
    return fail(err, ERROR_INVALID, "must be 1h, 24h, 7d or 30d");
}

bool measures_span(struct str window, struct str from, struct str to, int64_t now_us,
                   struct measures_span *span, const char **member, struct error *err)
{
    int64_t hours = 0;
    int64_t hour_us = now_us - now_us % HOUR_US;
    span->to_us = hour_us + HOUR_US;
    *member = "window";
    if (!window_hours(window, &hours, err))
        return false;
    span->from_us = hour_us - hours * HOUR_US;
    if (from.len > 0 && window.len > 0)
        return fail(err, ERROR_INVALID, "either window or from");
    *member = "from";
    if (from.len > 0 && !whole_hour(from, &span->from_us, err))
        return false;
    *member = "to";
    if (to.len > 0 && from.len == 0)
        return fail(err, ERROR_INVALID, "needs from");
    if (to.len > 0 && !whole_hour(to, &span->to_us, err))
        return false;
    if (span->to_us <= span->from_us)
        return fail(err, ERROR_INVALID, "must be behind from");
    return (span->to_us - span->from_us) / HOUR_US <= SPAN_HOURS_MAX ||
           fail(err, ERROR_INVALID, "must be within 92 days of from");
}

/* ---- as JSON ---------------------------------------------------------------------------------- */

static void put_rate(struct json_out *out, const char *key, int64_t per_million)
{
    char text[MONEY_TEXT_SIZE];
    if (per_million < 0)
        json_put_null(out, key);
    else
        json_put_raw(out, key, money_format(per_million, 6, text));
}

static void put_ms(struct json_out *out, const char *key, int64_t us)
{
    char text[MONEY_TEXT_SIZE];
    json_put_raw(out, key, money_format(us, 3, text));
}

static void put_times(struct json_out *out, const char *key, int64_t p50_us, int64_t p95_us,
                      int64_t p99_us)
{
    json_key(out, key);
    if (p50_us < 0) {
        json_null_value(out);
        return;
    }
    json_begin_object(out);
    put_ms(out, "p50", p50_us);
    put_ms(out, "p95", p95_us);
    put_ms(out, "p99", p99_us);
    json_end_object(out);
}

static void print_process(const struct measure_row *row, struct json_out *out)
{
    static const char *const keys[MEASURE_TIME_COUNT] = {"active_ms", "waiting_ms", "cycle_ms"};
    json_begin_object(out);
    json_put_str(out, "kind", row->name);
    json_put_int(out, "begun", row->begun);
    json_put_int(out, "ended", row->ended);
    json_put_int(out, "completed", row->completed);
    json_put_int(out, "declined", row->declined);
    json_put_int(out, "failed", row->failed);
    json_put_int(out, "canceled", row->canceled);
    json_put_int(out, "open", row->begun - row->ended);
    put_rate(out, "completion_rate", row->rate_per_million);
    for (int time = 0; time < MEASURE_TIME_COUNT; time++)
        put_times(out, keys[time], row->times[time].p50_us, row->times[time].p95_us,
                  row->times[time].p99_us);
    json_end_object(out);
}

static void print_step(const struct measure_row *row, struct json_out *out)
{
    json_begin_object(out);
    json_put_str(out, "step", row->name);
    json_put_int(out, "begun", row->begun);
    json_put_int(out, "ended", row->ended);
    json_put_int(out, "errors", row->errors);
    put_rate(out, "error_rate", row->rate_per_million);
    json_end_object(out);
}

static enum id_kind id_of(struct str kind)
{
    static const struct {
        const char *kind;
        enum id_kind id;
    } kinds[] = {{"payout", ID_PAYOUT},
                 {"capture", ID_CAPTURE},
                 {"void", ID_VOID},
                 {"refund", ID_REFUND},
                 {"reauthorize", ID_REAUTHORIZATION}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_eq(kind, str_of(kinds[i].kind)))
            return kinds[i].id;
    }
    return ID_PAYMENT;
}

static void print_stuck(const struct measure_stuck *stuck, struct json_out *out)
{
    char id[ID_TEXT_SIZE];
    char time[CLOCK_TEXT_SIZE];
    json_begin_object(out);
    json_put_str(out, "merchant", id_format(ID_MERCHANT, &stuck->merchant_id, id));
    json_put_str(out, "payment", id_format(id_of(stuck->kind), &stuck->payment_id, id));
    json_put_str(out, "attempt", id_format(ID_ATTEMPT, &stuck->attempt_id, id));
    json_put_str(out, "kind", stuck->kind);
    json_put_str(out, "place", stuck->place);
    json_put_str(out, "provider", stuck->provider);
    json_put_str(out, "reason", stuck->reason);
    json_put_str(out, "since", clock_format_ms(stuck->since_us, time));
    json_end_object(out);
}

static void add_value(void *ctx, struct str label UNUSED, const struct metrics_series *series)
{
    int64_t *sum = ctx;
    *sum += metrics_value(series);
}

static int64_t sum_of(enum metric metric)
{
    int64_t sum = 0;
    metrics_each(metric, add_value, &sum);
    return sum;
}

static void put_value(void *ctx, struct str label, const struct metrics_series *series)
{
    struct json_out *out = ctx;
    json_begin_object(out);
    json_put_str(out, "provider", label);
    json_put_int(out, "in_flight", metrics_value(series));
    json_end_object(out);
}

static void put_lag(void *ctx, struct str label UNUSED, const struct metrics_series *series)
{
    put_times(ctx, "loop_lag_ms", metrics_quantile_us(series, 50), metrics_quantile_us(series, 95),
              metrics_quantile_us(series, 99));
}

static void print_resources(struct json_out *out)
{
    json_begin_object(out);
    json_put_int(out, "workers", sum_of(METRIC_WORKERS));
    json_put_int(out, "payments_in_flight", sum_of(METRIC_IN_FLIGHT));
    json_put_int(out, "payments_in_flight_max", sum_of(METRIC_IN_FLIGHT_LIMIT));
    json_put_int(out, "database_connected", sum_of(METRIC_DB_CONNECTED));
    metrics_each(METRIC_LOOP_LAG_SECONDS, put_lag, out);
    json_key(out, "providers");
    json_begin_array(out);
    metrics_each(METRIC_PROVIDER_IN_FLIGHT, put_value, out);
    json_end_array(out);
    json_end_object(out);
}

static void print_rows(const struct measures *measures, bool is_step, struct json_out *out)
{
    json_begin_array(out);
    for (size_t i = 0; i < measures->row_count; i++) {
        const struct measure_row *row = &measures->rows[i];
        if (row->is_step == is_step)
            (is_step ? print_step : print_process)(row, out);
    }
    json_end_array(out);
}

void measures_print(const struct measures *measures, const struct measures_span *span,
                    bool has_resources, struct json_out *out)
{
    char time[CLOCK_TEXT_SIZE];
    json_begin_object(out);
    json_put_cstr(out, "object", "process");
    json_put_str(out, "from", clock_format_ms(span->from_us, time));
    json_put_str(out, "to", clock_format_ms(span->to_us, time));
    json_key(out, "processes");
    print_rows(measures, false, out);
    json_key(out, "steps");
    print_rows(measures, true, out);
    json_key(out, "stuck");
    json_begin_array(out);
    for (size_t i = 0; i < measures->stuck_count; i++)
        print_stuck(&measures->stuck[i], out);
    json_end_array(out);
    json_key(out, "resources");
    if (has_resources)
        print_resources(out);
    else
        json_null_value(out);
    json_end_object(out);
}

/* ---- as metrics ------------------------------------------------------------------------------- */

static void set(enum metric metric, int64_t value, struct str a, struct str b, struct str c)
{
    const struct str values[] = {a, b, c};
    size_t count = a.len == 0 ? 0 : b.len == 0 ? 1 : c.len == 0 ? 2 : 3;
    metrics_set(metrics_find(metric, values, count), value);
}

static void publish_process(const struct measure_row *row)
{
    static const char *const names[MEASURE_TIME_COUNT] = {"active", "waiting", "cycle"};
    const struct str none = STR_NONE;
    const struct {
        const char *result;
        int64_t count;
    } results[] = {{"completed", row->completed},
                   {"declined", row->declined},
                   {"failed", row->failed},
                   {"canceled", row->canceled},
                   {"open", row->begun - row->ended}};
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        set(METRIC_PROCESS_COUNT, results[i].count, row->name, str_of(results[i].result), none);
    if (row->rate_per_million >= 0)
        set(METRIC_PROCESS_COMPLETION, row->rate_per_million, row->name, none, none);
    for (int time = 0; time < MEASURE_TIME_COUNT && row->times[time].p50_us >= 0; time++) {
        struct str name = str_of(names[time]);
        set(METRIC_PROCESS_TIME, row->times[time].p50_us, row->name, name, STR("p50"));
        set(METRIC_PROCESS_TIME, row->times[time].p95_us, row->name, name, STR("p95"));
        set(METRIC_PROCESS_TIME, row->times[time].p99_us, row->name, name, STR("p99"));
    }
}

static void publish_stuck(const struct measures *measures)
{
    static const char *const places[] = {"provider", "recovery", "review"};
    for (size_t p = 0; p < ARRAY_LEN(places); p++) {
        int64_t count = 0;
        for (size_t i = 0; i < measures->stuck_count; i++)
            count += str_eq(measures->stuck[i].place, str_of(places[p])) ? 1 : 0;
        set(METRIC_PROCESS_STUCK, count, str_of(places[p]), STR_NONE, STR_NONE);
    }
}

/* Kinds of which nothing began any more count 0; rates and times stay what they were last. */
static void publish_none(const struct measures *measures)
{
    static const char *const kinds[] = {"payment", "payout", "capture",
                                        "void",    "refund", "reauthorize"};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct measure_row none = {.name = str_of(kinds[k]), .rate_per_million = -1};
        bool is_there = false;
        for (size_t i = 0; i < measures->row_count; i++)
            is_there = is_there ||
                       (!measures->rows[i].is_step && str_eq(measures->rows[i].name, none.name));
        for (int time = 0; time < MEASURE_TIME_COUNT; time++)
            none.times[time].p50_us = -1;
        if (!is_there)
            publish_process(&none);
    }
}

void measures_publish(const struct measures *measures)
{
    if (!metrics_is_open())
        return;
    for (size_t i = 0; i < measures->row_count; i++) {
        const struct measure_row *row = &measures->rows[i];
        if (!row->is_step)
            publish_process(row);
        else if (row->rate_per_million >= 0)
            set(METRIC_PROCESS_ERRORS, row->rate_per_million, row->name, STR_NONE, STR_NONE);
    }
    publish_none(measures);
    publish_stuck(measures);
}

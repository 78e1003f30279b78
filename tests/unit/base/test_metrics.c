#include "base/metrics.h"
#include "helpers.h"

#include <stdio.h>

static struct shm shm;
static struct buf page;

static int open_metrics(void **state)
{
    (void)state;
    struct error err;
    if (!shm_open_segment(&shm, metrics_shm_size(), &err))
        return -1;
    metrics_open(&shm);
    buf_init(&page, 16 << 20);
    return 0;
}

static int close_metrics(void **state)
{
    (void)state;
    /* The table stays mapped: metrics has no close, as the gateway never takes it away. */
    buf_release(&page);
    return 0;
}

static void print_page(void)
{
    buf_clear(&page);
    metrics_print(METRICS_TEXT, &page);
    assert_true(buf_is_ok(&page));
}

static bool page_has(const char *text)
{
    print_page();
    return str_find(buf_str(&page), str_of(text), 0) != SIZE_MAX;
}

static void without_a_table_everything_is_harmless(void **state)
{
    (void)state;
    assert_false(metrics_is_open());
    struct metrics_series *series = metrics_find(METRIC_IN_FLIGHT, NULL, 0);
    assert_non_null(series);
    metrics_add(series, 1);
    metrics_set(series, 5);
    metrics_observe_us(series, 5);
    metrics_count(METRIC_IDEMPOTENCY_REPLAYS, 1);
    buf_init(&page, 100);
    print_page();
    assert_int_equal(page.len, 0);
}

static void every_family_has_name_type_and_help(void **state)
{
    (void)state;
    for (int metric = METRIC_NONE + 1; metric < METRIC_COUNT; metric++) {
        const struct metrics_family *family = metrics_family((enum metric)metric);
        struct str name = str_of(family->name);
        bool is_counter = strcmp(family->type, "counter") == 0;
        assert_true(str_starts(name, STR("turnpike_")) || str_starts(name, STR("process_")));
        assert_true(is_counter || strcmp(family->type, "gauge") == 0 ||
                    strcmp(family->type, "histogram") == 0);
        assert_int_equal(str_ends(name, STR("_total")), is_counter);
        assert_true(strlen(family->help) > 10);
        assert_null(strpbrk(family->help, "\\\n"));
        for (int other = METRIC_NONE + 1; other < metric; other++)
            assert_string_not_equal(family->name, metrics_family((enum metric)other)->name);
    }
}

static void an_empty_table_prints_heads_and_zeros(void **state)
{
    (void)state;
    assert_true(page_has("# HELP turnpike_idempotency_replays_total Stored answers"));
    assert_true(page_has("# TYPE turnpike_idempotency_replays_total counter\n"
                         "turnpike_idempotency_replays_total 0\n"));
    assert_true(page_has("# TYPE turnpike_db_batch_rows histogram\n# HELP"));
    assert_true(page_has("# TYPE turnpike_unresolved gauge\n# HELP"));
    assert_true(page_has("turnpike_metrics_dropped_total 0\n"));
    assert_false(page_has("turnpike_attempts_total{"));
}

static void a_series_is_found_again_by_its_values(void **state)
{
    (void)state;
    const struct str a[] = {STR("paypal"), STR("approved"), STR("ok")};
    const struct str b[] = {STR("paypal"), STR("approvedo"), STR("k")};
    struct metrics_series *series = metrics_find(METRIC_ATTEMPTS, a, 3);
    assert_ptr_equal(series, metrics_find(METRIC_ATTEMPTS, a, 3));
    assert_ptr_not_equal(series, metrics_find(METRIC_ATTEMPTS, b, 3));
    assert_ptr_not_equal(series, metrics_find(METRIC_ATTEMPTS, a, 2));
    assert_ptr_not_equal(series, metrics_find(METRIC_FAILOVERS, a, 3));
    metrics_add(series, 2);
    metrics_count(METRIC_ATTEMPTS, 3, STR("paypal"), STR("approved"), STR("ok"));
    assert_int_equal(metrics_value(series), 5);
    assert_true(page_has("\nturnpike_attempts_total{provider=\"paypal\",outcome=\"approved\","
                         "reason=\"ok\"} 5\n"));
    /* An absent value is an empty one. */
    const struct str c[] = {STR("x"), STR_NONE, STR("")};
    assert_ptr_equal(metrics_find(METRIC_ATTEMPTS, c, 3), metrics_find(METRIC_ATTEMPTS, c, 1));
}

static void counters_without_labels_and_gauges_are_updated(void **state)
{
    (void)state;
    metrics_count(METRIC_IDEMPOTENCY_REPLAYS, 1);
    metrics_count(METRIC_IDEMPOTENCY_REPLAYS, 41);
    assert_true(page_has("\nturnpike_idempotency_replays_total 42\n"));
    struct metrics_series *gauge = metrics_find(METRIC_UNRESOLVED, NULL, 0);
    metrics_set(gauge, 7);
    metrics_add(gauge, -9);
    assert_true(page_has("\nturnpike_unresolved -2\n"));
}

static void label_values_are_escaped_and_cleaned(void **state)
{
    (void)state;
    metrics_count(METRIC_RESOLVED, 1, STR("a\"b\\c\nd\r\x1b\x7f\xff\xc3\xa9"));
    assert_true(page_has("turnpike_resolved_total{outcome=\"a\\\"b\\\\c\\nd????\xc3\xa9\"} 1\n"));
    assert_true(str_is_utf8(buf_str(&page)));
}

static void long_label_values_are_cut_at_a_characters_edge(void **state)
{
    (void)state;
    const struct str smile = STR("\xf0\x9f\x98\x80");
    char text[400];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 4 <= sizeof(text); i += 4)
            memcpy(text + i, smile.at, smile.len);
        metrics_count(METRIC_RESOLVED, 1, ((struct str){text, sizeof(text) - 4}));
        print_page();
        assert_true(str_is_utf8(buf_str(&page)));
    }
}

static void histograms_are_cumulative_and_sum_up(void **state)
{
    (void)state;
    struct metrics_series *seconds = metrics_find(METRIC_DB_BATCH_SECONDS, NULL, 0);
    metrics_observe_us(seconds, -5);  /* a clock that stepped: counts as 0 */
    metrics_observe_us(seconds, 500); /* on the bound is below it */
    metrics_observe_us(seconds, 501);
    metrics_observe_us(seconds, 60000000);
    metrics_observe_us(seconds, 60000001);
    print_page();
    assert_true(page_has("turnpike_db_batch_duration_seconds_bucket{le=\"0.0005\"} 2\n"
                         "turnpike_db_batch_duration_seconds_bucket{le=\"0.001\"} 3\n"));
    assert_true(page_has("turnpike_db_batch_duration_seconds_bucket{le=\"60.0\"} 4\n"
                         "turnpike_db_batch_duration_seconds_bucket{le=\"+Inf\"} 5\n"
                         "turnpike_db_batch_duration_seconds_sum 120.001002\n"
                         "turnpike_db_batch_duration_seconds_count 5\n"));
    struct metrics_series *rows = metrics_find(METRIC_DB_BATCH_ROWS, NULL, 0);
    metrics_observe(rows, 0);
    metrics_observe(rows, 1);
    metrics_observe(rows, 1024);
    metrics_observe(rows, 5000);
    assert_true(page_has("turnpike_db_batch_rows_bucket{le=\"1.0\"} 2\n"
                         "turnpike_db_batch_rows_bucket{le=\"2.0\"} 2\n"));
    assert_true(page_has("turnpike_db_batch_rows_bucket{le=\"1024.0\"} 3\n"
                         "turnpike_db_batch_rows_bucket{le=\"+Inf\"} 4\n"
                         "turnpike_db_batch_rows_sum 6025\n"
                         "turnpike_db_batch_rows_count 4\n"));
    const struct str route[] = {STR("/v1/payments")};
    metrics_observe_us(metrics_find(METRIC_HTTP_SECONDS, route, 1), 1);
    assert_true(page_has("_bucket{route=\"/v1/payments\",le=\"0.0005\"} 1\n"));
}

static void gauges_are_printed_in_the_unit_of_their_name(void **state)
{
    (void)state;
    const struct str kind[] = {STR("payment"), STR("cycle"), STR("p50")};
    metrics_set(metrics_find(METRIC_PROCESS_COMPLETION, kind, 1), 1000000);
    assert_true(page_has("turnpike_process_completion_ratio{kind=\"payment\"} 1\n"));
    metrics_set(metrics_find(METRIC_PROCESS_COMPLETION, kind, 1), 333333);
    assert_true(page_has("turnpike_process_completion_ratio{kind=\"payment\"} 0.333333\n"));
    metrics_set(metrics_find(METRIC_PROCESS_TIME, kind, 3), 2500);
    assert_true(page_has("turnpike_process_time_seconds{kind=\"payment\",part=\"cycle\","
                         "percentile=\"p50\"} 0.0025\n"));
    metrics_count(METRIC_PROCESS_CPU, 1250000);
    assert_true(page_has("\nprocess_cpu_seconds_total 1.25\n"));
    metrics_set(metrics_find(METRIC_UNRESOLVED_OLDEST_SECONDS, NULL, 0), 90000000);
    assert_true(page_has("\nturnpike_unresolved_oldest_seconds 90\n"));
    metrics_set(metrics_find(METRIC_UNRESOLVED_OLDEST_SECONDS, NULL, 0), 0);
    assert_true(page_has("\nturnpike_unresolved_oldest_seconds 0\n"));
}

/* Samples are the same in both; families of counters lose _total, and there is an end. */
static void openmetrics_differs_in_heads_and_end_alone(void **state)
{
    (void)state;
    struct buf open;
    metrics_count(METRIC_RESOLVED, 3, STR("approved"));
    metrics_observe_us(metrics_find(METRIC_DB_BATCH_SECONDS, NULL, 0), 1000000);
    buf_init(&open, 1 << 20);
    metrics_print(METRICS_OPENMETRICS, &open);
    print_page();
    assert_true(str_ends(buf_str(&open), STR("\n# EOF\n")));
    assert_true(page_has("# TYPE turnpike_resolved_total counter\n"));
    assert_true(str_find(buf_str(&open),
                         STR("# TYPE turnpike_resolved counter\n"
                             "turnpike_resolved_total{outcome=\"approved\"} 3\n"),
                         0) != SIZE_MAX);
    assert_true(str_find(buf_str(&open), STR("_bucket{le=\"1.0\"} 1\n"), 0) != SIZE_MAX);
    struct str one = buf_str(&page);
    struct str other = buf_str(&open);
    while (one.len > 0) {
        struct str line = str_cut(&one, '\n');
        struct str twin = str_cut(&other, '\n');
        assert_true(str_eq(line, twin) || (line.at[0] == '#' && twin.at[0] == '#'));
    }
    assert_true(str_eq(other, STR("# EOF\n")));
    buf_release(&open);
}

/* No family's name without _total is another's: OpenMetrics has one name space of families. */
static void families_have_names_of_their_own_without_total(void **state)
{
    (void)state;
    for (int metric = METRIC_NONE + 1; metric < METRIC_COUNT; metric++) {
        struct str name = str_of(metrics_family((enum metric)metric)->name);
        if (!str_ends(name, STR("_total")))
            continue;
        name.len -= STR("_total").len;
        for (int other = METRIC_NONE + 1; other < METRIC_COUNT; other++)
            assert_false(str_eq(name, str_of(metrics_family((enum metric)other)->name)));
    }
}

/* By the guide: base units, no unit but in the end, and no label that histograms or summaries own. */
static void names_keep_to_the_guide(void **state)
{
    (void)state;
    static const char *const foreign[] = {"_milli", "_micro", "_minutes", "_percent",
                                          "_per_",  "_ms",    "_us"};
    static const char *const banned[] = {"le",          "quantile", "merchant",
                                         "merchant_id", "amount",   "payment"};
    for (int metric = METRIC_NONE + 1; metric < METRIC_COUNT; metric++) {
        const struct metrics_family *family = metrics_family((enum metric)metric);
        for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
            assert_null(strstr(family->name, foreign[i]));
        for (size_t i = 0; i < METRICS_LABEL_MAX && family->labels[i] != NULL; i++)
            for (size_t k = 0; k < sizeof(banned) / sizeof(banned[0]); k++)
                assert_string_not_equal(family->labels[i], banned[k]);
        assert_null(strchr(family->help, '"')); /* OpenMetrics would have it escaped */
    }
}

static void count_as_a_child(int number)
{
    for (int i = 0; i < 2000; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "rule %d", (i + number * 13) % 50);
        metrics_count(METRIC_ROUTING_DECISIONS, 1, str_of(text), STR("paypal"));
        metrics_count(METRIC_DB_RECONNECTS, 1);
    }
}

static void processes_that_race_for_the_same_series_lose_no_count(void **state)
{
    (void)state;
    enum { CHILDREN = 6 };
    for (int i = 0; i < CHILDREN; i++) {
        if (fork() == 0) {
            count_as_a_child(i);
            _exit(0);
        }
    }
    int status = 0;
    while (wait(&status) > 0)
        assert_int_equal(status, 0);
    assert_int_equal(metrics_value(metrics_find(METRIC_DB_RECONNECTS, NULL, 0)), CHILDREN * 2000);
    print_page();
    for (int i = 0; i < 50; i++) {
        char text[32];
        char sample[100];
        (void)snprintf(text, sizeof(text), "rule %d", i);
        const struct str values[] = {str_of(text), STR("paypal")};
        int64_t value = metrics_value(metrics_find(METRIC_ROUTING_DECISIONS, values, 2));
        assert_int_equal(value, CHILDREN * 40);
        /* Once on the page: no process made a twin. */
        (void)snprintf(sample, sizeof(sample), "turnpike_routing_decisions_total{rule=\"%s\",",
                       text);
        size_t at = str_find(buf_str(&page), str_of(sample), 0);
        assert_true(at != SIZE_MAX);
        assert_true(str_find(buf_str(&page), str_of(sample), at + 1) == SIZE_MAX);
    }
}

/* As a worker does: the parent has reaped the child before it takes it out. */
static void what_a_killed_worker_added_to_gauges_is_taken_out(void **state)
{
    (void)state;
    const struct str listener[] = {STR("api")};
    struct metrics_series *flight = metrics_find(METRIC_IN_FLIGHT, NULL, 0);
    struct metrics_series *open = metrics_find(METRIC_HTTP_CONNECTIONS, listener, 1);
    struct metrics_series *connected = metrics_find(METRIC_DB_CONNECTED, NULL, 0);
    metrics_add(flight, 2);
    metrics_hold(connected, 1);
    for (unsigned slot = 1; slot <= 2; slot++) {
        pid_t pid = fork();
        if (pid == 0) {
            metrics_set_slot(slot);
            metrics_hold(connected, 7);
            metrics_hold(connected, 1);
            metrics_add(flight, 12);
            metrics_add(flight, -2);
            metrics_count(METRIC_HTTP_CONNECTIONS, 5, STR("api"));
            metrics_count(METRIC_DB_RECONNECTS, 1);
            (void)kill(getpid(), SIGKILL);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
    }
    assert_int_equal(metrics_value(flight), 22);
    metrics_forget_slot(1);
    assert_int_equal(metrics_value(flight), 12);
    assert_int_equal(metrics_value(open), 5);
    assert_int_equal(metrics_value(connected), 2);
    metrics_forget_slot(2);
    metrics_forget_slot(2);
    assert_int_equal(metrics_value(flight), 2);
    assert_int_equal(metrics_value(connected), 1);
    assert_true(page_has("\nturnpike_in_flight 2\n"));
    assert_true(page_has("\nturnpike_http_connections{listener=\"api\"} 0\n"));
    /* What was counted stays counted. */
    assert_int_equal(metrics_value(metrics_find(METRIC_DB_RECONNECTS, NULL, 0)), 2);
}

static void a_full_table_hides_updates_and_counts_them(void **state)
{
    (void)state;
    enum { COUNT = METRICS_SERIES_MAX + 1000 };
    for (int i = 0; i < COUNT; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%d", i);
        metrics_count(METRIC_RESOLVED, 1, str_of(text));
    }
    int64_t dropped = metrics_value(metrics_find(METRIC_METRICS_DROPPED, NULL, 0));
    assert_in_range(dropped, 1000, 1500);
    print_page();
    size_t count = 0;
    for (size_t at = 0;
         (at = str_find(buf_str(&page), STR("\nturnpike_resolved_total{"), at)) != SIZE_MAX; at++)
        count++;
    assert_int_equal(count + (size_t)dropped, COUNT);
    metrics_set(metrics_find(METRIC_METRICS_DROPPED, NULL, 0), 0);
}

static void page_is_sorted_and_the_same_twice(void **state)
{
    (void)state;
    struct buf first;
    metrics_count(METRIC_RESOLVED, 1, STR("b"));
    metrics_count(METRIC_RESOLVED, 1, STR("a"));
    metrics_count(METRIC_RESOLVED, 1, STR("c"));
    buf_init(&first, 1 << 20);
    metrics_print(METRICS_TEXT, &first);
    print_page();
    assert_true(str_eq(buf_str(&first), buf_str(&page)));
    assert_true(page_has("turnpike_resolved_total{outcome=\"a\"} 1\n"
                         "turnpike_resolved_total{outcome=\"b\"} 1\n"
                         "turnpike_resolved_total{outcome=\"c\"} 1\n"));
    buf_release(&first);
}

static void pass_a_value_too_many(void *ctx)
{
    const struct str values[] = {STR("a"), STR("b")};
    (void)metrics_find(*(enum metric *)ctx, values, 2);
}

static void a_value_too_many_is_a_bug(void **state)
{
    (void)state;
    enum metric metric = METRIC_RESOLVED;
    assert_true(aborts(pass_a_value_too_many, &metric));
    metric = METRIC_PAYMENTS;
    assert_false(aborts(pass_a_value_too_many, &metric));
    metric = METRIC_COUNT;
    assert_true(aborts(pass_a_value_too_many, &metric));
}

#define with_table(test) cmocka_unit_test_setup_teardown(test, open_metrics, close_metrics)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_table_everything_is_harmless),
        cmocka_unit_test(every_family_has_name_type_and_help),
        cmocka_unit_test(families_have_names_of_their_own_without_total),
        cmocka_unit_test(names_keep_to_the_guide),
        with_table(an_empty_table_prints_heads_and_zeros),
        with_table(a_series_is_found_again_by_its_values),
        with_table(counters_without_labels_and_gauges_are_updated),
        with_table(label_values_are_escaped_and_cleaned),
        with_table(long_label_values_are_cut_at_a_characters_edge),
        with_table(histograms_are_cumulative_and_sum_up),
        with_table(gauges_are_printed_in_the_unit_of_their_name),
        with_table(openmetrics_differs_in_heads_and_end_alone),
        with_table(processes_that_race_for_the_same_series_lose_no_count),
        with_table(what_a_killed_worker_added_to_gauges_is_taken_out),
        with_table(a_full_table_hides_updates_and_counts_them),
        with_table(page_is_sorted_and_the_same_twice),
        with_table(a_value_too_many_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

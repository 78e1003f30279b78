/*
 * bench-load SPEC.json      run it; the result is one JSON document on stdout
 * bench-load --mark SPEC    only take a mark of the processes and the database that it names
 * bench-load --fsync DIR    how long a synced write of 8 kB takes
 */
#include "tests/bench/load/load.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    CONNECT_US = 60000000,
    LOOK_US = 100000,
};

struct watcher { /* the second thread: marks at the edges of the window, memory in between */
    struct load *load;
    struct probe *probe;
    struct mark first;
    struct mark last;
    int64_t resident_before[GROUP_MAX]; /* before the first connection */
    int64_t resident_max[GROUP_MAX];
    uint64_t waiting_sum;
    uint64_t waiting_count;
};

static void take_mark(struct watcher *watcher, struct mark *mark)
{
    probe_mark(watcher->probe, mark);
    mark->done = __atomic_load_n(&watcher->load->done, __ATOMIC_RELAXED);
}

static void sleep_until(int64_t until_us)
{
    int64_t pause_us = until_us - now_us();
    if (pause_us > 0)
        (void)usleep((useconds_t)pause_us);
}

static void *watch_window(void *ctx)
{
    struct watcher *watcher = ctx;
    const struct load_spec *spec = watcher->load->spec;
    const int64_t from_us = watcher->load->window_at_us;
    const int64_t until_us = from_us + spec->window_us;
    sleep_until(from_us);
    take_mark(watcher, &watcher->first);
    while (now_us() + LOOK_US < until_us) {
        sleep_until(now_us() + LOOK_US);
        for (size_t i = 0; i < spec->group_count; i++) {
            int64_t bytes = probe_resident_bytes(spec->group[i].pid);
            if (bytes > watcher->resident_max[i])
                watcher->resident_max[i] = bytes;
        }
        watcher->waiting_sum += __atomic_load_n(&watcher->load->in_flight, __ATOMIC_RELAXED);
        watcher->waiting_count++;
    }
    sleep_until(until_us);
    take_mark(watcher, &watcher->last);
    return NULL;
}

static json_t *print_memory(const struct watcher *watcher)
{
    const struct load_spec *spec = watcher->load->spec;
    json_t *out = json_object();
    for (size_t i = 0; i < spec->group_count; i++) {
        json_t *group = json_object();
        (void)json_object_set_new(group, "before", json_integer(watcher->resident_before[i]));
        (void)json_object_set_new(group, "most", json_integer(watcher->resident_max[i]));
        (void)json_object_set_new(out, spec->group[i].name, group);
    }
    return out;
}

static void print_result(const struct watcher *watcher, int64_t drained_us)
{
    const struct load *load = watcher->load;
    json_t *out = record_print(&load->record, load->spec);
    (void)json_object_set_new(out, "first", mark_print(&watcher->first, load->spec));
    (void)json_object_set_new(out, "last", mark_print(&watcher->last, load->spec));
    (void)json_object_set_new(out, "resident", print_memory(watcher));
    double in_flight = watcher->waiting_count > 0
                           ? (double)watcher->waiting_sum / (double)watcher->waiting_count
                           : 0;
    (void)json_object_set_new(out, "in_flight_mean", json_real(in_flight));
    (void)json_object_set_new(out, "left_waiting", json_integer((json_int_t)load_waiting(load)));
    (void)json_object_set_new(out, "drained_ms", json_integer(drained_us / 1000));
    (void)json_object_set_new(out, "closed", json_integer((json_int_t)load->closed));
    (void)json_object_set_new(out, "connect_failures",
                              json_integer((json_int_t)load->connect_failures));
    json_t *lost = json_array();
    for (size_t i = 0; i < load->lost_count; i++)
        (void)json_array_append_new(lost, json_string(load->lost[i]));
    (void)json_object_set_new(out, "lost", lost);
    (void)json_dumpf(out, stdout, JSON_INDENT(1));
    (void)puts("");
    json_decref(out);
}

static void start_all(struct load *load)
{
    load->phase = PHASE_WARMUP;
    load->window_at_us = now_us() + load->spec->warmup_us;
    load->next_us = now_us();
}

static void run(struct load_spec *spec)
{
    struct load load;
    struct watcher watcher = {.load = &load, .probe = probe_new(spec)};
    pthread_t thread;
    load_init(&load, spec);
    for (size_t i = 0; i < spec->group_count; i++)
        watcher.resident_before[i] = probe_resident_bytes(spec->group[i].pid);
    if (!load_connect(&load, CONNECT_US))
        give_up("could not open all connections to port %d within %d s (%llu failed)", spec->port,
                CONNECT_US / 1000000, (unsigned long long)load.connect_failures);
    start_all(&load);
    if (pthread_create(&thread, NULL, watch_window, &watcher) != 0)
        give_up("no thread");
    load_run(&load, load.window_at_us);
    load.phase = PHASE_WINDOW;
    load_run(&load, load.window_at_us + spec->window_us);
    load.phase = PHASE_DRAIN;
    int64_t from_us = now_us();
    load_run(&load, from_us + spec->drain_us);
    int64_t drained_us = now_us() - from_us;
    (void)pthread_join(thread, NULL);
    print_result(&watcher, drained_us);
    probe_free(watcher.probe);
    load_release(&load);
}

static void mark(struct load_spec *spec)
{
    struct mark mark = {0};
    struct probe *probe = probe_new(spec);
    probe_mark(probe, &mark);
    json_t *out = mark_print(&mark, spec);
    (void)json_dumpf(out, stdout, 0);
    (void)puts("");
    json_decref(out);
    probe_free(probe);
}

int main(int argc, char **argv)
{
    struct load_spec spec;
    struct rlimit files;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 3 && strcmp(argv[1], "--fsync") == 0) {
        json_t *out = probe_fsync(argv[2]);
        (void)json_dumpf(out, stdout, 0);
        (void)puts("");
        json_decref(out);
        return 0;
    }
    bool is_mark = argc == 3 && strcmp(argv[1], "--mark") == 0;
    if (argc != 2 && !is_mark)
        give_up("usage: bench-load SPEC.json | --mark SPEC.json | --fsync FOLDER");
    spec_load(&spec, argv[argc - 1]);
    if (is_mark)
        mark(&spec);
    else
        run(&spec);
    spec_release(&spec);
    return 0;
}

/*
 * CPU of a group of processes: user and system time of the first one and of all its descendants,
 * those already ended and waited for included, so that a process that ends takes nothing with it.
 */
#include "tests/bench/load/load.h"

#include <dirent.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    STAT_BYTES = 2048,
    CHILDREN_BYTES = 65536,
    FSYNC_COUNT = 200,
    FSYNC_BYTES = 8192,
    TICK_US = 10000,
};

struct probe {
    const struct load_spec *spec; /* borrowed */
    PGconn *database;             /* owned; NULL: none */
};

int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool read_text(const char *file, char *text, size_t room)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t len = read(fd, text, room - 1);
    (void)close(fd);
    text[len > 0 ? len : 0] = '\0';
    return len > 0;
}

typedef int64_t (*value_fn)(int pid);

/* Sum over the process and its descendants. */
static int64_t sum_tree(int pid, value_fn value)
{
    char file[64];
    char *children = malloc(CHILDREN_BYTES);
    char *rest = NULL;
    int64_t sum = value(pid);
    if (children == NULL)
        give_up("out of memory");
    (void)snprintf(file, sizeof(file), "/proc/%d/task/%d/children", pid, pid);
    if (read_text(file, children, CHILDREN_BYTES)) {
        for (char *child = strtok_r(children, " ", &rest); child != NULL;
             child = strtok_r(NULL, " ", &rest))
            sum += sum_tree((int)strtol(child, NULL, 10), value);
    }
    free(children);
    return sum;
}

static int64_t cpu_of(int pid)
{
    char file[64];
    char text[STAT_BYTES];
    char *rest = NULL;
    int64_t ticks = 0;
    (void)snprintf(file, sizeof(file), "/proc/%d/stat", pid);
    if (!read_text(file, text, sizeof(text)))
        return 0;
    char *at = strrchr(text, ')'); /* field 2, the name, may hold anything */
    if (at == NULL)
        return 0;
    int field = 2;
    for (char *word = strtok_r(at + 1, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        field++;
        if (field >= 14 && field <= 17) /* utime stime cutime cstime */
            ticks += strtoll(word, NULL, 10);
    }
    return ticks * TICK_US;
}

static int64_t resident_of(int pid)
{
    char file[64];
    char text[STAT_BYTES];
    char *rest = NULL;
    (void)snprintf(file, sizeof(file), "/proc/%d/statm", pid);
    if (!read_text(file, text, sizeof(text)))
        return 0;
    (void)strtoll(text, &rest, 10);
    return strtoll(rest, NULL, 10) * sysconf(_SC_PAGESIZE);
}

int64_t probe_resident_bytes(int pid)
{
    return sum_tree(pid, resident_of);
}

/* Of the whole machine; user nice system idle iowait irq softirq steal. */
static int64_t machine_busy_us(void)
{
    char text[STAT_BYTES];
    int64_t ticks = 0;
    if (!read_text("/proc/stat", text, sizeof(text)))
        return 0;
    char *at = text + strcspn(text, " ");
    for (int field = 0; field < 7; field++) {
        int64_t value = strtoll(at, &at, 10);
        if (field != 3 && field != 4)
            ticks += value;
    }
    return ticks * TICK_US;
}

static int64_t wal_position(PGconn *database)
{
    PGresult *result =
        PQexec(database, "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint");
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        give_up("cannot ask for the WAL position: %s", PQerrorMessage(database));
    int64_t bytes = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return bytes;
}

struct probe *probe_new(const struct load_spec *spec)
{
    struct probe *probe = calloc(1, sizeof(*probe));
    if (probe == NULL)
        give_up("out of memory");
    probe->spec = spec;
    if (spec->database != NULL) {
        probe->database = PQconnectdb(spec->database);
        if (PQstatus(probe->database) != CONNECTION_OK)
            give_up("cannot connect: %s", PQerrorMessage(probe->database));
        (void)wal_position(probe->database); /* caches are filled */
    }
    return probe;
}

void probe_mark(struct probe *probe, struct mark *mark)
{
    const struct load_spec *spec = probe->spec;
    struct rusage own;
    mark->at_us = now_us();
    mark->busy_us = machine_busy_us();
    for (size_t i = 0; i < spec->group_count; i++)
        mark->cpu_us[i] = sum_tree(spec->group[i].pid, cpu_of);
    (void)getrusage(RUSAGE_SELF, &own);
    mark->own_cpu_us = (int64_t)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) * 1000000 +
                       own.ru_utime.tv_usec + own.ru_stime.tv_usec;
    mark->wal_bytes = probe->database != NULL ? wal_position(probe->database) : 0;
}

void probe_free(struct probe *probe)
{
    PQfinish(probe->database);
    free(probe);
}

json_t *mark_print(const struct mark *mark, const struct load_spec *spec)
{
    json_t *out = json_object();
    json_t *cpu = json_object();
    for (size_t i = 0; i < spec->group_count; i++)
        (void)json_object_set_new(cpu, spec->group[i].name, json_integer(mark->cpu_us[i]));
    (void)json_object_set_new(cpu, "load", json_integer(mark->own_cpu_us));
    (void)json_object_set_new(cpu, "machine", json_integer(mark->busy_us));
    (void)json_object_set_new(out, "at_us", json_integer(mark->at_us));
    (void)json_object_set_new(out, "done", json_integer((json_int_t)mark->done));
    (void)json_object_set_new(out, "cpu_us", cpu);
    (void)json_object_set_new(out, "wal_bytes", json_integer(mark->wal_bytes));
    return out;
}

static int compare(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a;
    const int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

json_t *probe_fsync(const char *folder)
{
    char file[4096];
    char block[FSYNC_BYTES];
    int64_t took_us[FSYNC_COUNT];
    (void)snprintf(file, sizeof(file), "%s/fsync-XXXXXX", folder);
    int fd = mkstemp(file);
    if (fd < 0)
        give_up("cannot write to %s", folder);
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < FSYNC_COUNT; i++) {
        int64_t from_us = now_us();
        if (pwrite(fd, block, sizeof(block), 0) != FSYNC_BYTES || fdatasync(fd) != 0)
            give_up("cannot write %s", file);
        took_us[i] = now_us() - from_us;
    }
    (void)close(fd);
    (void)unlink(file);
    qsort(took_us, FSYNC_COUNT, sizeof(*took_us), compare);
    json_t *out = json_object();
    (void)json_object_set_new(out, "p50_us", json_integer(took_us[FSYNC_COUNT / 2]));
    (void)json_object_set_new(out, "p99_us", json_integer(took_us[FSYNC_COUNT * 99 / 100]));
    return out;
}

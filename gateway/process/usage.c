#include "process/usage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

/* ---- measuring --------------------------------------------------------------------------------- */

static int64_t time_us(const struct timeval *time)
{
    return (int64_t)time->tv_sec * CLOCK_SECOND_US + (int64_t)time->tv_usec;
}

static void measure_memory(struct usage_now *now)
{
    char line[128];
    char *rest = NULL;
    int64_t page = (int64_t)sysconf(_SC_PAGESIZE);
    FILE *in = fopen("/proc/self/statm", "re");
    now->virtual_bytes = now->resident_bytes = -1;
    if (in == NULL)
        return;
    if (fgets(line, sizeof(line), in) != NULL) { /* both in pages */
        now->virtual_bytes = strtoll(line, &rest, 10) * page;
        now->resident_bytes = strtoll(rest, NULL, 10) * page;
    }
    (void)fclose(in);
}

static void measure_descriptors(struct usage_now *now)
{
    struct rlimit limit = {0, 0};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    now->max_fds = limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
    now->open_fds = -1;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return;
    now->open_fds = -1; /* the folder's own is not counted */
    for (const struct dirent *at = readdir(folder); at != NULL; at = readdir(folder))
        now->open_fds += at->d_name[0] != '.';
    (void)closedir(folder);
}

void usage_measure(struct usage_now *now)
{
    struct rusage spent;
    now->cpu_us = 0;
    if (getrusage(RUSAGE_SELF, &spent) == 0)
        now->cpu_us = time_us(&spent.ru_utime) + time_us(&spent.ru_stime);
    measure_memory(now);
    measure_descriptors(now);
}

/* ---- telling ----------------------------------------------------------------------------------- */

static void hold(enum metric metric, int64_t value)
{
    if (value >= 0)
        metrics_hold(metrics_find(metric, NULL, 0), value);
}

static void look(void *ctx)
{
    struct usage *usage = ctx;
    struct usage_now now;
    usage_measure(&now);
    if (now.cpu_us > usage->counted_us) {
        metrics_count(METRIC_PROCESS_CPU, now.cpu_us - usage->counted_us);
        usage->counted_us = now.cpu_us;
    }
    hold(METRIC_PROCESS_RESIDENT, now.resident_bytes);
    hold(METRIC_PROCESS_VIRTUAL, now.virtual_bytes);
    hold(METRIC_PROCESS_OPEN_FDS, now.open_fds);
    hold(METRIC_PROCESS_MAX_FDS, now.max_fds);
    loop_timer_start(&usage->timer, USAGE_LOOK_MS * CLOCK_MS_US);
}

void usage_start(struct usage *usage, struct loop *loop)
{
    usage->counted_us = 0;
    loop_timer_init(&usage->timer, loop, look, usage);
    loop_timer_start(&usage->timer, 0);
}

void usage_stop(struct usage *usage)
{
    loop_timer_release(&usage->timer);
}

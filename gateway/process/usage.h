/*
 * usage.h - what this process takes of the machine: processor, memory, descriptors, as the metrics
 * process_*. Each worker adds its share, so that the page is of all of them, whoever is asked.
 */
#ifndef PROCESS_USAGE_H
#define PROCESS_USAGE_H

#include "base/loop.h"
#include "base/metrics.h"

enum {
    USAGE_LOOK_MS = 10000, /* descriptors are counted one by one: some 3 ms with 10,000 */
};

struct usage_now {
    int64_t cpu_us;         /* user and system, since the process began */
    int64_t resident_bytes; /* -1: not known */
    int64_t virtual_bytes;  /* -1: not known */
    int64_t open_fds;       /* -1: not known */
    int64_t max_fds;        /* the soft limit */
};

struct usage {
    struct loop_timer timer;
    int64_t counted_us; /* of the processor time */
};

/* Of this process, now. What the system does not tell (no /proc) is -1. */
void usage_measure(struct usage_now *now);
/* Look now and every USAGE_LOOK_MS, until usage_stop. */
void usage_start(struct usage *usage, struct loop *loop);
void usage_stop(struct usage *usage);

#endif

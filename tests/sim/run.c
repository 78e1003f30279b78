#include "run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    const struct run_options *options; /* borrowed */
    atomic_uint_fast64_t *next;        /* borrowed: case */
    atomic_uint_fast64_t *failed;      /* borrowed: lowest case that failed */
    struct world world;
    struct run_result result;
};

struct world_plan run_plan(const struct run_options *options, uint64_t number)
{
    struct rng rng;
    rng_seed(&rng, options->seed * 0x9e3779b97f4a7c15u + number);
    return (struct world_plan){
        .seed = rng_next(&rng),
        .order_count = options->orders,
        .salt = options->salt,
        .off = options->off,
        .stop_us = options->stop_us,
        .is_real = options->is_real,
    };
}

static void add_world(struct run_result *result, const struct world *w)
{
    result->worlds++;
    result->orders += w->order_count;
    result->payments += w->payments.count;
    result->events += w->event_count;
    result->crashes += w->crash_count;
    result->sends += w->send_count;
    result->looks += w->look_count;
    result->hash += w->hash * 0x9e3779b97f4a7c15u ^ w->hash >> 29;
}

static void lower(atomic_uint_fast64_t *failed, uint64_t number)
{
    uint64_t seen = atomic_load(failed);
    while (number < seen && !atomic_compare_exchange_weak(failed, &seen, number))
        ;
}

static void run_case(struct job *job, uint64_t number)
{
    struct world *w = &job->world;
    struct world_plan plan = run_plan(job->options, number);
    if (plan.is_real)
        printf("@ case number=%llu\n", (unsigned long long)number);
    world_run(w, &plan);
    if (w->violation[0] == '\0')
        check_world(w);
    if (plan.is_real)
        narrate_end(w);
    add_world(&job->result, w);
    if (job->options->print_hashes)
        printf("%llu %016llx\n", (unsigned long long)number, (unsigned long long)w->hash);
    if (w->violation[0] == '\0')
        return;
    lower(job->failed, number);
    if (job->result.is_violated && job->result.violated_case < number)
        return;
    job->result.is_violated = true;
    job->result.violated_case = number;
    snprintf(job->result.violation, sizeof(job->result.violation), "%s", w->violation);
}

static void *work(void *ctx)
{
    struct job *job = ctx;
    uint64_t end = job->options->first + job->options->worlds;
    for (;;) {
        uint64_t number = atomic_fetch_add(job->next, 1);
        if (number >= end || number > atomic_load(job->failed))
            return NULL;
        run_case(job, number);
    }
}

static void add_result(struct run_result *sum, const struct run_result *part)
{
    sum->worlds += part->worlds;
    sum->orders += part->orders;
    sum->payments += part->payments;
    sum->events += part->events;
    sum->crashes += part->crashes;
    sum->sends += part->sends;
    sum->looks += part->looks;
    sum->hash += part->hash;
    for (int i = 0; i < MARK_AND_POINT_COUNT; i++)
        sum->marks[i] += part->marks[i];
    if (!part->is_violated || (sum->is_violated && sum->violated_case < part->violated_case))
        return;
    sum->is_violated = true;
    sum->violated_case = part->violated_case;
    memcpy(sum->violation, part->violation, sizeof(sum->violation));
}

void run_cases(const struct run_options *options, struct run_result *result)
{
    atomic_uint_fast64_t next = options->first;
    atomic_uint_fast64_t failed = UINT64_MAX;
    pthread_t thread[JOB_MAX];
    struct job *jobs = calloc(options->jobs, sizeof(*jobs));
    CHECK(jobs != NULL);
    CHECK(options->jobs >= 1);
    CHECK(options->jobs <= JOB_MAX);
    for (unsigned i = 0; i < options->jobs; i++) {
        struct job *job = &jobs[i];
        job->options = options;
        job->next = &next;
        job->failed = &failed;
        world_init(&job->world, job->result.marks);
        job->world.trace = options->trace;
    }
    for (unsigned i = 1; i < options->jobs; i++)
        CHECK(pthread_create(&thread[i], NULL, work, &jobs[i]) == 0);
    work(&jobs[0]);
    *result = (struct run_result){0};
    for (unsigned i = 0; i < options->jobs; i++) {
        CHECK(i == 0 || pthread_join(thread[i], NULL) == 0);
        add_result(result, &jobs[i].result);
        world_release(&jobs[i].world);
    }
    free(jobs);
}

void run_command(const struct run_options *options, char *out, size_t size)
{
    int at = snprintf(out, size, "make sim SEED=%llu CASE=%llu ORDERS=%u",
                      (unsigned long long)options->seed, (unsigned long long)options->first,
                      options->orders);
    if (options->salt != 0)
        at +=
            snprintf(out + at, size - (size_t)at, " SALT=%llu", (unsigned long long)options->salt);
    if (options->stop_us != 0)
        at += snprintf(out + at, size - (size_t)at, " STOP=%lld", (long long)options->stop_us);
    bool is_mostly_off = __builtin_popcountll(options->off) > FAULT_COUNT / 2;
    const char *before = is_mostly_off ? " ON=" : " OFF=";
    for (int i = 0; i < FAULT_COUNT && options->off != 0; i++) {
        if ((options->off >> i & 1) == is_mostly_off)
            continue;
        at += snprintf(out + at, size - (size_t)at, "%s%s", before, fault_names[i]);
        before = ",";
    }
    if (is_mostly_off && before[0] != ',')
        at += snprintf(out + at, size - (size_t)at, " ON=none");
    CHECK((size_t)at < size);
}

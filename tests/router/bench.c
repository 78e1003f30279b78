/*
 * bench.c - what a decision takes, by the number of rules, on one core.
 *
 *     make bench-router [ROUNDS=5]
 *
 * Each round decides every payment of a set with every file, in turns, so that noise hits all of
 * them; the median decision of all is told, and the rate of whole decisions with cost and health
 * reads: four accounts in a table of 64, fees from tables, health from shared memory, as the gateway
 * does it. The reference is a scan that runs each rule's conditions in order over the same tests.
 */
#include "gen.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/shm.h"
#include "router/health.h"
#include "router/run.h"

enum {
    PAYMENTS = 2000,
    FILES = 3,
    FILE_BYTES_MAX = 4 << 20,
};

static const unsigned sizes[FILES] = {20, 100, 10000};

static int64_t cpu_ns(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

struct set {
    struct rule_set *rules;
    struct gen_payment *payment;
    char (*merchant)[32];
    uint32_t *took_ns;
    size_t took;
    double build_ms;
};

static void make_set(struct set *set, unsigned rules, const struct gen_tables *tables)
{
    struct rng rng;
    struct buf text;
    struct error err = {.text = ""};
    rng_seed(&rng, rules);
    buf_init(&text, FILE_BYTES_MAX);
    gen_large(&rng, rules, &text);
    int64_t from = cpu_ns();
    set->rules = rule_set_new(buf_str(&text), gen_providers, GEN_PEERS, &err);
    set->build_ms = (double)(cpu_ns() - from) / 1e6;
    if (set->rules == NULL) {
        (void)fprintf(stderr, "bench-router: %s\n", err.text);
        exit(2);
    }
    buf_release(&text);
    set->payment = calloc(PAYMENTS, sizeof(*set->payment));
    set->merchant = calloc(PAYMENTS, sizeof(*set->merchant));
    for (size_t i = 0; i < PAYMENTS; i++)
        gen_large_payment(&rng, rules, tables, set->merchant[i], &set->payment[i]);
}

static void decide_all(struct set *set)
{
    for (size_t i = 0; i < PAYMENTS; i++) {
        struct route_decision decision;
        const struct gen_payment *payment = &set->payment[i];
        int64_t from = cpu_ns();
        route_decide(set->rules, &payment->facts, payment->candidate, GEN_PEERS, i, &decision);
        set->took_ns[set->took++] = (uint32_t)(cpu_ns() - from);
    }
}

/* Whole decisions a second, health read anew for each. */
static double rate_with_health(struct set *set, struct health *health)
{
    int64_t from = cpu_ns();
    struct route_decision decision;
    for (size_t i = 0; i < PAYMENTS; i++) {
        struct gen_payment payment = set->payment[i];
        for (size_t k = 0; k < GEN_PEERS; k++) {
            struct uuid id = {.byte = {1, (uint8_t)k}};
            health_read_for(health, health_find(health, &id), payment.facts.operation,
                            payment.facts.currency, (int64_t)i * 100, &payment.candidate[k].health);
        }
        route_decide(set->rules, &payment.facts, payment.candidate, GEN_PEERS, i, &decision);
    }
    return PAYMENTS * 1e9 / (double)(cpu_ns() - from);
}

/* Each rule's conditions in order, without the index. */
static double scan_ns(struct set *set)
{
    const struct program *program = rule_set_program(set->rules);
    size_t found = 0;
    int64_t from = cpu_ns();
    for (size_t i = 0; i < PAYMENTS / 10; i++) {
        struct measures measures;
        struct run run;
        measures_init(&measures, &set->payment[i].facts, set->payment[i].candidate, GEN_PEERS);
        run_init(&run, program, &measures);
        size_t at = 0;
        while (program->rule[at].test != TEST_MATCH &&
               !run_where(&run, program->rule[at].test, SIZE_MAX))
            at++;
        found += at;
    }
    double ns = (double)(cpu_ns() - from) / (PAYMENTS / 10);
    return found == SIZE_MAX ? 0 : ns;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5;
    struct gen_tables tables;
    struct set set[FILES];
    struct shm shm;
    struct error err = {.text = ""};
    gen_tables_init(&tables);
    if (!shm_open_segment(&shm, health_size() + 4096, &err))
        return 2;
    struct health *health = health_open(&shm, &health_config_default);
    for (size_t f = 0; f < FILES; f++) {
        set[f] = (struct set){.took_ns = calloc((size_t)rounds * PAYMENTS, sizeof(uint32_t))};
        make_set(&set[f], sizes[f], &tables);
    }
    double best[FILES] = {0};
    struct mallinfo2 before = mallinfo2();
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t f = 0; f < FILES; f++) {
            decide_all(&set[f]);
            double rate = rate_with_health(&set[f], health);
            best[f] = rate > best[f] ? rate : best[f];
        }
    }
    struct mallinfo2 after = mallinfo2();
    int missed = after.uordblks != before.uordblks;
    printf("%s no memory is allocated while deciding\n", missed ? "MISS" : "ok  ");
    static const double limit_us[FILES] = {2, 2, 20};
    for (size_t f = 0; f < FILES; f++) {
        qsort(set[f].took_ns, set[f].took, sizeof(uint32_t), compare);
        double median = set[f].took_ns[set[f].took / 2] / 1e3;
        double p99 = set[f].took_ns[set[f].took * 99 / 100] / 1e3;
        double scan = scan_ns(&set[f]) / 1e3;
        bool is_ok = median <= limit_us[f];
        missed |= !is_ok || (f == 1 && best[f] < 300000);
        printf(
            "%s %5u rules: median %.2f <= %.0f us, p99 %.2f us, %.1f times a scan's %.2f us; with "
            "cost and health reads %.0f/s a core; read in %.1f ms\n",
            is_ok ? "ok  " : "MISS", sizes[f], median, limit_us[f], p99, scan / median, scan,
            best[f], set[f].build_ms);
    }
    printf("%s %.0f >= 300000 decisions a second and core, 100 rules, cost and health reads\n",
           best[1] >= 300000 ? "ok  " : "MISS", best[1]);
    return missed;
}

/*
 * sim - run many worlds from one seed, check each, and say how to run a failing one again.
 *
 *     sim --seed=1 --payments=2000000 [--jobs=2] [--first=case] [--orders=1000] [--hashes] [--marks]
 *     sim --seed=1 --case=N [--orders= --salt= --stop= --off=class,class | --on=] [--trace] [--shrink=0]
 *     sim ... --orders=1 --real           what tests/crash/trace.mjs plays on real processes
 *     sim ... --bug=NAME | --bugs
 *
 * A failing case is shrunk, and the command that plays the small one is printed too. With enough
 * payments every coverage mark must have been hit. --bug exists only in the program that is linked
 * with the core compiled for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "bugs.h"
#include "payment/orchestrate_bugs.h"
#include "run.h"

enum {
    ORDERS_PER_WORLD = 1000,
    WORLDS_FOR_MARKS = 500, /* with so many, each mark must be hit */
    COMMAND_MAX = 2000,
};

#ifdef ORCHESTRATE_BUGS
enum orchestrate_bug orchestrate_bug = BUG_NONE;

#endif

static const struct {
    const char *name, *what;
    enum orchestrate_bug core;
    enum sim_bug other;
} bugs[] = {
#ifdef ORCHESTRATE_BUGS
#define X(id, name, what) {name, what, BUG_##id, SIM_BUG_NONE},
    ORCHESTRATE_BUG_LIST(X)
#undef X
#endif
#define X(id, name, what) {name, what, BUG_NONE, SIM_BUG_##id},
        SIM_BUG_LIST(X)
#undef X
};

struct settings {
    struct run_options run;
    uint64_t payments;
    int64_t only_case; /* -1: all */
    bool shrinks;
    bool prints_marks;
    bool prints_bugs;
};

static bool set_bug(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(bugs); i++) {
        if (strcmp(bugs[i].name, name) != 0)
            continue;
#ifdef ORCHESTRATE_BUGS
        orchestrate_bug = bugs[i].core;
#endif
        sim_bug = bugs[i].other;
        return true;
    }
    fprintf(stderr, "sim: no bug %s is compiled into this program\n", name);
    return false;
}

static void print_bugs(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bugs); i++)
        printf("%s\t%s\t%s\n", bugs[i].name, bugs[i].core != BUG_NONE ? "core" : "around it",
               bugs[i].what);
}

/* Bits of the classes in a list like "door,pending"; "none" is none. */
static bool read_faults(const char *list, uint64_t *bits)
{
    *bits = 0;
    while (*list != '\0' && strcmp(list, "none") != 0) {
        size_t length = strcspn(list, ",");
        int i = 0;
        while (i < FAULT_COUNT &&
               (strlen(fault_names[i]) != length || strncmp(fault_names[i], list, length) != 0))
            i++;
        if (i == FAULT_COUNT) {
            fprintf(stderr, "sim: no class of faults begins %s\n", list);
            return false;
        }
        *bits |= 1ULL << i;
        list += length + (list[length] == ',');
    }
    return true;
}

static bool set_on(struct run_options *run, const char *list)
{
    if (!read_faults(list, &run->off))
        return false;
    run->off = ~run->off & ((1ULL << FAULT_COUNT) - 1);
    return true;
}

/* Value of option `name` when arg is it. */
static const char *value_of(const char *arg, const char *name)
{
    size_t length = strlen(name);
    return strncmp(arg, name, length) == 0 && arg[length] == '=' ? arg + length + 1 : NULL;
}

static bool read_number(const char *arg, struct settings *to)
{
    const struct {
        const char *name;
        uint64_t *to;
    } numbers[] = {
        {"--seed", &to->run.seed},
        {"--payments", &to->payments},
        {"--first", &to->run.first},
        {"--salt", &to->run.salt},
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        const char *value = value_of(arg, numbers[i].name);
        if (value != NULL) {
            *numbers[i].to = strtoull(value, NULL, 10);
            return true;
        }
    }
    return false;
}

static bool read_option(const char *arg, struct settings *to)
{
    const char *value;
    if (read_number(arg, to))
        return true;
    if ((value = value_of(arg, "--case")) != NULL)
        to->only_case = strtoll(value, NULL, 10);
    else if ((value = value_of(arg, "--orders")) != NULL)
        to->run.orders = (uint32_t)strtoul(value, NULL, 10);
    else if ((value = value_of(arg, "--jobs")) != NULL)
        to->run.jobs = (unsigned)strtoul(value, NULL, 10);
    else if ((value = value_of(arg, "--stop")) != NULL)
        to->run.stop_us = strtoll(value, NULL, 10);
    else if ((value = value_of(arg, "--shrink")) != NULL)
        to->shrinks = strcmp(value, "0") != 0;
    else if ((value = value_of(arg, "--off")) != NULL)
        return read_faults(value, &to->run.off);
    else if ((value = value_of(arg, "--on")) != NULL)
        return set_on(&to->run, value);
    else if ((value = value_of(arg, "--bug")) != NULL)
        return set_bug(value);
    else if (strcmp(arg, "--trace") == 0)
        to->run.trace = true;
    else if (strcmp(arg, "--real") == 0)
        to->run.is_real = true;
    else if (strcmp(arg, "--hashes") == 0)
        to->run.print_hashes = true;
    else if (strcmp(arg, "--marks") == 0)
        to->prints_marks = true;
    else if (strcmp(arg, "--bugs") == 0)
        to->prints_bugs = true;
    else {
        fprintf(stderr, "sim: unknown option %s; known ones are in tests/sim/main.c\n", arg);
        return false;
    }
    return true;
}

static bool read_options(int argc, char **argv, struct settings *to)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *to = (struct settings){
        .run = {.seed = 1,
                .orders = ORDERS_PER_WORLD,
                .jobs = cores < 1         ? 1
                        : cores > JOB_MAX ? JOB_MAX
                                          : (unsigned)cores},
        .payments = 1000ULL * ORDERS_PER_WORLD,
        .only_case = -1,
        .shrinks = true,
    };
    for (int i = 1; i < argc; i++)
        if (!read_option(argv[i], to))
            return false;
    if (to->run.orders == 0 || to->run.jobs == 0 || to->run.jobs > JOB_MAX) {
        fprintf(stderr, "sim: --orders and --jobs are at least 1\n");
        return false;
    }
    to->run.worlds = (to->payments + to->run.orders - 1) / to->run.orders;
    if (to->only_case >= 0) {
        to->run.first = (uint64_t)to->only_case;
        to->run.worlds = 1;
    }
    if (to->run.print_hashes || to->run.trace || to->run.is_real)
        to->run.jobs = 1; /* in their order */
    return true;
}

static bool marks_are_hit(const uint64_t marks[MARK_AND_POINT_COUNT])
{
    char name[MARK_NAME_MAX];
    bool all = true;
    for (int i = 0; i < MARK_AND_POINT_COUNT; i++) {
        if (marks[i] == 0) {
            fprintf(stderr, "sim: mark %s was not hit\n", mark_name(i, name));
            all = false;
        }
    }
    return all;
}

static void print_marks(const uint64_t marks[MARK_AND_POINT_COUNT])
{
    char name[MARK_NAME_MAX];
    for (int i = 0; i < MARK_AND_POINT_COUNT; i++)
        printf("  %-28s %llu\n", mark_name(i, name), (unsigned long long)marks[i]);
}

static void report_violation(const struct settings *settings, const struct run_result *result)
{
    char command[COMMAND_MAX];
    char violation[512];
    struct run_options small = settings->run;
    uint64_t worlds = result->violated_case - small.first + 1;
    small.first = result->violated_case;
    run_command(&small, command, sizeof(command));
    printf("sim: violation after %llu payments: %s\n"
           "sim: run it again: %s\n",
           (unsigned long long)(worlds * small.orders), result->violation, command);
    if (!settings->shrinks)
        return;
    fflush(stdout);
    memcpy(violation, result->violation, sizeof(violation));
    shrink_case(&small, violation);
    run_command(&small, command, sizeof(command));
    printf("sim: shrunk to %u orders: %s\n"
           "sim: run that: %s TRACE=1\n",
           small.orders, violation, command);
}

int main(int argc, char **argv)
{
    static struct run_result result;
    struct settings settings;
    if (!read_options(argc, argv, &settings))
        return 2;
    if (settings.prints_bugs) {
        print_bugs();
        return 0;
    }
    int64_t began_us = clock_mono_us();
    run_cases(&settings.run, &result);
    double seconds = (double)(clock_mono_us() - began_us) / 1e6;
    if (settings.prints_marks)
        print_marks(result.marks);
    if (result.is_violated) {
        report_violation(&settings, &result);
        return 1;
    }
    bool is_full = settings.only_case < 0 && settings.run.worlds >= WORLDS_FOR_MARKS &&
                   settings.run.orders >= ORDERS_PER_WORLD;
    bool all_hit = !is_full || marks_are_hit(result.marks);
    printf("sim: %llu payments, 0 violations: seed %llu, %llu worlds, %llu events, %llu crashes, "
           "%llu sends, %llu looks, trace %016llx, %.1f s, %.0f payments/s\n",
           (unsigned long long)result.orders, (unsigned long long)settings.run.seed,
           (unsigned long long)result.worlds, (unsigned long long)result.events,
           (unsigned long long)result.crashes, (unsigned long long)result.sends,
           (unsigned long long)result.looks, (unsigned long long)result.hash, seconds,
           (double)result.orders / seconds);
    return all_hit ? 0 : 1;
}

/*
 * scripts - play scripts against the simulator's store and PostgreSQL, and say where they differ.
 *
 *     scripts --seed=1 --scripts=120 [--steps=80] [--seconds=30] [--shrink=0]
 *     scripts --seed=N --scripts=1 --steps=M [--only=3,17,20] [--tell]
 *
 * A script that differs is made smaller by leaving steps out; the command that plays what is left is
 * printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "script.h"

enum {
    STEPS = 80,
    WHAT_MAX = 1000,
};

/* Each goes red when what it found is taken back; played first. */
static const struct {
    uint64_t seed;
    size_t steps;
    const char *what;
} regressions[] = {
    {1, 80, "an operation's event is an event of its payment, too"},
    {2, 80, "no attempt is opened while any of the payment waits for proof"},
    {7, 80, "a batch with a refused bundle, its answer lost, is rolled back whole"},
    {8, 80, "fences come before limits"},
    {14, 80, "a cancel makes a parked attempt due, and who had not heard of it, due since then"},
    {2012, 300, "what another approved attempt holds is not held a second time"},
};

struct settings {
    uint64_t seed, scripts;
    size_t steps;
    double seconds; /* 0: no limit */
    const char *only;
    bool tells;
    bool is_quick; /* a script that differs is not made smaller */
};

static bool value_of(const char *arg, const char *name, const char **value)
{
    size_t length = strlen(name);
    if (strncmp(arg, name, length) != 0 || arg[length] != '=')
        return false;
    *value = arg + length + 1;
    return true;
}

static bool read_options(int argc, char **argv, struct settings *to)
{
    *to = (struct settings){.seed = 1, .scripts = 120, .steps = STEPS};
    for (int i = 1; i < argc; i++) {
        const char *value;
        if (value_of(argv[i], "--seed", &value))
            to->seed = strtoull(value, NULL, 10);
        else if (value_of(argv[i], "--scripts", &value))
            to->scripts = strtoull(value, NULL, 10);
        else if (value_of(argv[i], "--steps", &value))
            to->steps = strtoul(value, NULL, 10);
        else if (value_of(argv[i], "--seconds", &value))
            to->seconds = strtod(value, NULL);
        else if (value_of(argv[i], "--only", &value))
            to->only = value;
        else if (strcmp(argv[i], "--shrink=0") == 0)
            to->is_quick = true;
        else if (strcmp(argv[i], "--tell") == 0)
            to->tells = true;
        else {
            fprintf(stderr,
                    "scripts: unknown option %s; known ones are in tests/sim/scripts/main.c\n",
                    argv[i]);
            return false;
        }
    }
    if (to->steps < 1 || to->steps > SCRIPT_STEP_MAX) {
        fprintf(stderr, "scripts: --steps is 1 to %d\n", SCRIPT_STEP_MAX);
        return false;
    }
    return true;
}

static void keep_only(struct script *script, const char *list)
{
    memset(script->left_out, 1, sizeof(script->left_out));
    while (*list != '\0') {
        char *end;
        unsigned long step = strtoul(list, &end, 10);
        if (end == list || step >= SCRIPT_STEP_MAX)
            return;
        script->left_out[step] = false;
        list = end + (*end == ',');
    }
}

/* ---- making a failing script smaller ---- */

static bool still_differs(struct model *model, const struct script *script, char *what)
{
    static struct script_tally ignored;
    return !script_play(model, script, &ignored, what, WHAT_MAX);
}

/* Without steps [from, from + count): kept out when it differs all the same. */
static bool leave_out(struct model *model, struct script *script, size_t from, size_t count,
                      char *what)
{
    char other[WHAT_MAX];
    struct script smaller = *script;
    bool is_smaller = false;
    for (size_t i = from; i < from + count && i < script->step_count; i++) {
        is_smaller = is_smaller || !smaller.left_out[i];
        smaller.left_out[i] = true;
    }
    if (!is_smaller || !still_differs(model, &smaller, other))
        return false;
    *script = smaller;
    memcpy(what, other, WHAT_MAX);
    return true;
}

static void shrink(struct model *model, struct script *script, char *what)
{
    for (size_t chunk = script->step_count / 3; chunk > 0; chunk /= 2)
        for (size_t from = 0; from < script->step_count; from += chunk)
            (void)leave_out(model, script, from, chunk, what);
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < script->step_count; i++)
            again = leave_out(model, script, i, 1, what) || again;
    }
}

static void report(struct model *model, struct script *script, char *what, bool is_quick)
{
    printf(
        "scripts: differ: %s\nscripts: run it again: make scripts SEED=%llu SCRIPTS=1 STEPS=%zu\n",
        what, (unsigned long long)script->seed, script->step_count);
    fflush(stdout);
    if (is_quick)
        return;
    script->tells = false;
    shrink(model, script, what);
    printf(
        "scripts: shrunk: %s\nscripts: run that: make scripts SEED=%llu SCRIPTS=1 STEPS=%zu ONLY=",
        what, (unsigned long long)script->seed, script->step_count);
    const char *comma = "";
    for (size_t i = 0; i < script->step_count; i++) {
        if (script->left_out[i])
            continue;
        printf("%s%zu", comma, i);
        comma = ",";
    }
    printf("\n");
    script->tells = true;
    (void)still_differs(model, script, what);
}

/* ---- all of them ---- */

static bool play_one(struct model *model, const struct settings *settings, uint64_t seed,
                     struct script_tally *tally)
{
    static char what[WHAT_MAX];
    struct script script = {.seed = seed, .step_count = settings->steps, .tells = settings->tells};
    if (settings->only != NULL)
        keep_only(&script, settings->only);
    if (script_play(model, &script, tally, what, sizeof(what)))
        return true;
    report(model, &script, what, settings->is_quick);
    return false;
}

static bool play_all(struct model *model, const struct settings *settings,
                     struct script_tally *tally, uint64_t *played)
{
    int64_t began_us = clock_mono_us();
    bool is_one = settings->scripts == 1;
    for (size_t i = 0; !is_one && i < ARRAY_LEN(regressions); i++, (*played)++) {
        struct settings once = *settings;
        once.steps = regressions[i].steps;
        if (play_one(model, &once, regressions[i].seed, tally))
            continue;
        printf("scripts: once before: %s\n", regressions[i].what);
        return false;
    }
    for (uint64_t i = 0; i < settings->scripts; i++, (*played)++) {
        double spent = (double)(clock_mono_us() - began_us) / 1e6;
        if (settings->seconds > 0 && spent > settings->seconds)
            return true;
        if (!play_one(model, settings, settings->seed + i, tally))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct settings settings;
    struct script_tally tally = {0};
    uint64_t played = 0;
    if (!read_options(argc, argv, &settings) || !ledger_start())
        return 2;
    struct model *model = model_new();
    int64_t began_us = clock_mono_us();
    bool is_same = play_all(model, &settings, &tally, &played);
    double seconds = (double)(clock_mono_us() - began_us) / 1e6;
    model_free(&model);
    ledger_stop();
    if (!is_same)
        return 1;
    printf("scripts: %llu scripts agree from seed %llu: %llu writes (%llu committed, %llu keys and "
           "%llu references taken, %llu over limits, %llu fenced), %llu answers lost, %llu claims, "
           "%llu cancels, %llu attempts taken over, %llu reads, %.1f s\n",
           (unsigned long long)played, (unsigned long long)settings.seed,
           (unsigned long long)tally.writes, (unsigned long long)tally.results[WRITE_COMMITTED],
           (unsigned long long)tally.results[WRITE_KEY_TAKEN],
           (unsigned long long)tally.results[WRITE_REFERENCE_TAKEN],
           (unsigned long long)tally.results[WRITE_LIMIT_EXCEEDED],
           (unsigned long long)tally.results[WRITE_FENCED], (unsigned long long)tally.lost,
           (unsigned long long)tally.claims, (unsigned long long)tally.cancels,
           (unsigned long long)tally.takeovers, (unsigned long long)tally.reads, seconds);
    return 0;
}

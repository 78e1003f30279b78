#include "process/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/command.h"
#include "process/lock.h"
#include "process/worker.h"

enum {
    CHECK_LIMIT_MS = 20000,
    NAMES_BYTES_MAX = 4096,
    ARGUMENT_MAX = 256,
};

bool program_read_config(const struct program *program, struct config *config, struct error *err)
{
    char *argv[ARGUMENT_MAX + 1]; /* command_config takes out what it understands */
    int argc = program->argc;
    if (argc > ARGUMENT_MAX) {
        return fail(err, ERROR_INVALID, "more than %d arguments", ARGUMENT_MAX);
    }
    for (int i = 0; i <= argc; i++) {
        argv[i] = program->argv[i];
    }
    return command_config(&argc, argv, config, err) && command_done(argc, argv, err) &&
           config_check(config, err);
}

void reload_tell(const char *kind, const struct config *config, int64_t began_us,
                 const struct error *why, const char *done)
{
    struct lock_outcome outcome = {.asked_us = began_us, .done = why == NULL};
    (void)str_copy_to(str_of(why != NULL ? why->text : done), outcome.text, sizeof(outcome.text));
    metrics_count(METRIC_RELOADS, 1, str_of(kind), why == NULL ? STR("done") : STR("refused"));
    if (why != NULL) {
        log_error("master", "reload refused; the old generation goes on untouched",
                  LOG_CSTR("kind", kind), LOG_CSTR("error", why->text));
    } else {
        log_info("master", "reloaded", LOG_CSTR("kind", kind), LOG_CSTR("now", done));
    }
    lock_write_outcome(config->state_folder, &outcome);
}

static void refuse(struct reload *reload, const struct error *why)
{
    struct generation *serving = fleet_serving(reload->fleet);
    struct error said = *why;
    CHECK(serving != NULL);
    if (strcmp(reload->kind, "upgrade") == 0) {
        (void)fail_prefix(&said, "the new program goes on with workers and settings of before");
    }
    reload_tell(reload->kind, &serving->config, reload->began_us, &said, NULL);
    trial_end(&reload->trial);
    reload->kind = "reload";
    reload->next = NULL;
    reload->state = RELOAD_IDLE;
}

/* What cannot follow now stays, and is said by name. */
static void keep_settings(struct config *next, const struct config *now)
{
    struct buf names;
    buf_init(&names, NAMES_BYTES_MAX);
    config_keep(next, now, CONFIG_RELOAD, &names);
    config_finish(next);
    if (names.len > 0) {
        log_warn("master", "these settings changed, but follow only at a restart",
                 LOG_STR("settings", buf_str(&names)));
    }
    buf_release(&names);
}

static int check_files(void *ctx)
{
    const struct reload *reload = ctx;
    struct error err;
    /* The files themselves first: their names belong into the message. */
    if (worker_check(&reload->named, &err) && worker_check(&reload->next->config, &err)) {
        return 0;
    }
    return command_fail(&err);
}

static bool read_next(struct reload *reload, struct error *err)
{
    struct config *named = &reload->named;
    if (!program_read_config(reload->program, named, err)) {
        return false;
    }
    keep_settings(named, &fleet_serving(reload->fleet)->config);
    if (!config_check(named, err)) {
        return false;
    }
    reload->next->config = *named;
    config_finish(&reload->next->config);
    return snapshot_take(&reload->next->files, &reload->next->config, err);
}

static void begin(struct reload *reload)
{
    struct error err;
    reload->next = fleet_next(reload->fleet);
    if (reload->next == NULL) {
        return; /* asked again at the next tick */
    }
    reload->is_asked = false;
    reload->began_us = clock_wall_us();
    reload->number = reload->next->number;
    if (!read_next(reload, &err)) {
        fleet_abandon(reload->next);
        refuse(reload, &err);
        return;
    }
    reload->state = RELOAD_CHECKING;
    trial_start(&reload->trial, check_files, reload, CHECK_LIMIT_MS);
}

static void look_at_check(struct reload *reload)
{
    if (reload->trial.state == TRIAL_FAILED) {
        fleet_abandon(reload->next);
        refuse(reload, &reload->trial.why);
    } else if (reload->trial.state == TRIAL_PASSED) {
        trial_end(&reload->trial);
        reload->state = RELOAD_STARTING;
        fleet_start(reload->fleet, reload->next);
    }
}

static void look_at_start(struct reload *reload)
{
    char done[64];
    enum log_level level = LOG_INFO;
    struct error why;
    const struct generation *next = reload->next;
    bool is_over = next->number != reload->number || next->state != GENERATION_STARTING;
    if (!is_over || fleet_is_handing_over(reload->fleet)) {
        return; /* done means: whoever connects from now on meets the new workers alone */
    }
    if (next->number != reload->number || next->state != GENERATION_SERVING) {
        (void)fail(&why, ERROR_UNAVAILABLE,
                   "new workers died or were not ready in time; see the log lines before this one");
        refuse(reload, &why);
        return;
    }
    if (log_level_parse(str_of(next->config.log_level), &level)) {
        log_start(2, level);
    }
    (void)snprintf(done, sizeof(done), "generation %u", next->number);
    reload_tell(reload->kind, &next->config, reload->began_us, NULL, done);
    reload->kind = "reload";
    reload->next = NULL;
    reload->state = RELOAD_IDLE;
}

void reload_ask(struct reload *reload)
{
    reload->is_asked = true;
    reload->asked_us = clock_wall_us();
}

bool reload_is_busy(const struct reload *reload)
{
    return reload->is_asked || reload->state != RELOAD_IDLE;
}

void reload_tick(struct reload *reload)
{
    switch (reload->state) {
    case RELOAD_IDLE:
        if (reload->is_asked) {
            begin(reload);
        }
        return;
    case RELOAD_CHECKING:
        trial_tick(&reload->trial, clock_mono_us());
        look_at_check(reload);
        return;
    case RELOAD_STARTING:
        look_at_start(reload);
        return;
    }
}

bool reload_reap(struct reload *reload, pid_t pid, int status)
{
    return trial_reap(&reload->trial, pid, status);
}

void reload_cancel(struct reload *reload)
{
    reload->is_asked = false;
    trial_end(&reload->trial);
    if (reload->state == RELOAD_CHECKING) {
        fleet_abandon(reload->next);
    }
    reload->state = RELOAD_IDLE;
}

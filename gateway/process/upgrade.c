#include "process/upgrade.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    CHECK_LIMIT_MS = 20000,
    ARGUMENT_MAX = 256,
};

static void describe(const struct upgrade *upgrade, struct handover *handover)
{
    memset(handover, 0, sizeof(*handover));
    const struct generation *serving = fleet_serving(upgrade->fleet);
    handover->lock_fd = upgrade->lock_fd;
    handover->kept = serving->config;
    CHECK(serving->files.is_taken);
    memcpy(handover->file, serving->files.fd, sizeof(handover->file));
    fleet_describe(upgrade->fleet, handover);
}

/* Become the new program, with our arguments behind `command`. Returns only on failure. */
static void execute(const struct upgrade *upgrade, const char *command, int handover_fd,
                    struct error *err)
{
    const struct program *program = upgrade->program;
    char *argv[ARGUMENT_MAX + 3];
    char number[16];
    int argc = 0;
    CHECK(program->argc <= ARGUMENT_MAX);
    argv[argc++] = (char *)(uintptr_t)program->path;
    argv[argc++] = (char *)(uintptr_t)command;
    for (int i = 1; i < program->argc; i++) {
        argv[argc++] = program->argv[i];
    }
    argv[argc] = NULL;
    (void)snprintf(number, sizeof(number), "%d", handover_fd);
    CHECK(setenv(HANDOVER_VARIABLE, number, 1) == 0);
    image_execute(&upgrade->image, argv, err);
}

static void end(struct upgrade *upgrade)
{
    trial_end(&upgrade->trial);
    image_close(&upgrade->image);
}

static void refuse(struct upgrade *upgrade, const struct error *why)
{
    reload_tell("upgrade", &fleet_serving(upgrade->fleet)->config, upgrade->began_us, why, NULL);
    end(upgrade);
}

static int check_program(void *ctx)
{
    const struct upgrade *upgrade = ctx;
    static struct handover handover;
    struct error err;
    int fd = -1;
    describe(upgrade, &handover);
    if (handover_write(&handover, &fd, &err)) {
        execute(upgrade, "check", fd, &err);
    }
    (void)fprintf(stderr, "%s\n", err.text);
    return 1;
}

static void begin(struct upgrade *upgrade)
{
    struct error err;
    upgrade->is_asked = false;
    upgrade->began_us = clock_wall_us();
    if (image_open(&upgrade->image, upgrade->program->path, &err)) {
        trial_start(&upgrade->trial, check_program, upgrade, CHECK_LIMIT_MS);
    } else {
        refuse(upgrade, &err);
    }
}

static void let_go(const struct upgrade *upgrade, bool inherit)
{
    fleet_let_go(upgrade->fleet, inherit);
    snapshot_let_go(&fleet_serving(upgrade->fleet)->files, inherit);
    CHECK(fcntl(upgrade->lock_fd, F_SETFD, inherit ? 0 : FD_CLOEXEC) == 0);
}

static void become(struct upgrade *upgrade)
{
    static struct handover handover;
    struct error err;
    int fd = -1;
    describe(upgrade, &handover);
    if (!handover_write(&handover, &fd, &err)) {
        refuse(upgrade, &err);
        return;
    }
    trial_end(&upgrade->trial);
    log_info("master", "upgrading", LOG_CSTR("program", upgrade->program->path));
    let_go(upgrade, true);
    execute(upgrade, upgrade->program->argv[0], fd, &err);
    (void)unsetenv(HANDOVER_VARIABLE);
    (void)close(fd);
    let_go(upgrade, false);
    refuse(upgrade, &err);
}

void upgrade_ask(struct upgrade *upgrade)
{
    upgrade->is_asked = true;
}

bool upgrade_is_busy(const struct upgrade *upgrade)
{
    return upgrade->is_asked || upgrade->trial.state != TRIAL_IDLE;
}

void upgrade_tick(struct upgrade *upgrade, bool may_begin)
{
    switch (upgrade->trial.state) {
    case TRIAL_IDLE:
        if (upgrade->is_asked && may_begin) {
            begin(upgrade);
        }
        return;
    case TRIAL_RUNNING:
        trial_tick(&upgrade->trial, clock_mono_us());
        return;
    case TRIAL_FAILED:
        refuse(upgrade, &upgrade->trial.why);
        return;
    case TRIAL_PASSED:
        become(upgrade);
        return;
    }
}

bool upgrade_reap(struct upgrade *upgrade, pid_t pid, int status)
{
    return trial_reap(&upgrade->trial, pid, status);
}

void upgrade_cancel(struct upgrade *upgrade)
{
    upgrade->is_asked = false;
    end(upgrade);
}

bool upgrade_find_handover(struct handover *handover, bool *failed, struct error *err)
{
    const char *text = getenv(HANDOVER_VARIABLE);
    *failed = false;
    if (text == NULL) {
        return false;
    }
    *failed = !handover_read(text, handover, err);
    (void)unsetenv(HANDOVER_VARIABLE);
    return !*failed;
}

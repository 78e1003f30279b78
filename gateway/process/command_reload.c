#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "process/command.h"
#include "process/lock.h"

enum {
    PATIENCE_US = 120000000, /* older generations may have to finish first */
    LOOK_NS = 20000000,
    JSON_BYTES_MAX = 4096,
};

static void print_json(const char *what, const char *who)
{
    struct buf out;
    struct json_out json;
    buf_init(&out, JSON_BYTES_MAX);
    json_out_init(&json, &out);
    json_begin_object(&json);
    json_put_cstr(&json, "done", what);
    json_put_cstr(&json, "serves", who);
    json_end_object(&json);
    (void)printf(STR_FMT "\n", STR_ARG(buf_str(&out)));
    buf_release(&out);
}

/* Ask the master, and wait for what becomes of it. */
static int ask(const struct config *config, int signal_number, const char *what, bool as_json)
{
    struct error err;
    struct lock_outcome outcome = {0};
    pid_t pid = 0;
    if (!lock_holder(config->state_folder, &pid, &err)) {
        return command_fail(&err);
    }
    int64_t asked_us = clock_wall_us();
    int64_t until_us = clock_mono_us() + PATIENCE_US;
    if (kill(pid, signal_number) != 0) {
        (void)fail(&err, ERROR_DENIED, "cannot signal the gateway (process %ld): %s", (long)pid,
                   strerror(errno));
        return command_fail(&err);
    }
    while (!lock_read_outcome(config->state_folder, &outcome) || outcome.asked_us < asked_us) {
        pid_t holder = 0;
        if (!lock_holder(config->state_folder, &holder, &err)) {
            return command_fail(&err);
        }
        if (clock_mono_us() > until_us) {
            (void)fail(&err, ERROR_TIMEOUT, "no %s within %d s; see the gateway's log", what,
                       (int)(PATIENCE_US / CLOCK_SECOND_US));
            return command_fail(&err);
        }
        (void)nanosleep(&(struct timespec){0, LOOK_NS}, NULL);
    }
    if (!outcome.done) {
        (void)fail(&err, ERROR_INVALID, "%s refused, the gateway goes on as it was: %s", what,
                   outcome.text);
        return command_fail(&err);
    }
    if (as_json) {
        print_json(what, outcome.text);
    } else {
        (void)printf("%s done: %s serves\n", what, outcome.text);
    }
    return 0;
}

static int run(int argc, char **argv, int signal_number)
{
    static struct config config;
    struct error err;
    bool as_json = command_flag(&argc, argv, "json");
    if (!command_config(&argc, argv, &config, &err) || !command_done(argc, argv, &err)) {
        return command_fail(&err);
    }
    if (config_worker_count(&config) == 0) {
        (void)fail(&err, ERROR_INVALID,
                   "with workers = 0 there is no master: restart the gateway instead");
        return command_fail(&err);
    }
    return ask(&config, signal_number, argv[0], as_json);
}

int command_reload(int argc, char **argv)
{
    return run(argc, argv, SIGHUP);
}

int command_upgrade(int argc, char **argv)
{
    return run(argc, argv, SIGUSR2);
}

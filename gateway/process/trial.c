#include "process/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum {
    SAID_MAX = 4096,
};

static void run_child(int out, pid_t master_pid, trial_fn fn, void *ctx)
{
    sigset_t none;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != master_pid) {
        _exit(1);
    }
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(out, STDERR_FILENO);
    int status = fn(ctx);
    (void)fflush(NULL);
    _exit(status);
}

static void fail_trial(struct trial *trial, const char *what)
{
    (void)fail(&trial->why, ERROR_IO, "%s: %s", what, strerror(errno));
    trial->state = TRIAL_FAILED;
}

void trial_start(struct trial *trial, trial_fn fn, void *ctx, int64_t limit_ms)
{
    CHECK(trial->state == TRIAL_IDLE);
    int ends[2];
    *trial = (struct trial){.fd = -1, .limit_ms = limit_ms};
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        fail_trial(trial, "cannot make a pipe");
        return;
    }
    (void)fflush(NULL);
    pid_t master_pid = getpid();
    trial->pid = fork();
    if (trial->pid == 0) {
        run_child(ends[1], master_pid, fn, ctx);
    }
    (void)close(ends[1]);
    trial->fd = ends[0];
    if (trial->pid < 0) {
        fail_trial(trial, "cannot fork");
        return;
    }
    trial->until_us = clock_mono_us() + limit_ms * CLOCK_MS_US;
    trial->state = TRIAL_RUNNING;
}

/* The last line that is not empty, without our own name in front. */
static struct str last_line(struct str said)
{
    struct str last = STR_NONE;
    while (said.len > 0) {
        struct str line = str_trim(str_cut(&said, '\n'));
        last = line.len > 0 ? line : last;
    }
    struct str name = STR("turnpike: ");
    return str_starts(last, name) ? str_sub(last, name.len, last.len) : last;
}

bool trial_reap(struct trial *trial, pid_t pid, int status)
{
    char said[SAID_MAX];
    if (trial->state != TRIAL_RUNNING || trial->pid != pid) {
        return false;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        trial->state = TRIAL_PASSED;
        return true;
    }
    ssize_t got = read(trial->fd, said, sizeof(said));
    struct str why = last_line((struct str){said, got > 0 ? (size_t)got : 0});
    trial->state = TRIAL_FAILED;
    if (clock_mono_us() > trial->until_us) {
        (void)fail(&trial->why, ERROR_TIMEOUT, "checking took longer than %lld s",
                   (long long)trial->limit_ms / 1000);
    } else if (why.len > 0) {
        (void)fail(&trial->why, ERROR_INVALID, STR_FMT, STR_ARG(why));
    } else if (WIFSIGNALED(status)) {
        (void)fail(&trial->why, ERROR_INTERNAL, "the check died of signal %d", WTERMSIG(status));
    } else {
        (void)fail(&trial->why, ERROR_INTERNAL, "the check ended with status %d",
                   WEXITSTATUS(status));
    }
    return true;
}

void trial_tick(struct trial *trial, int64_t now_us)
{
    if (trial->state == TRIAL_RUNNING && now_us > trial->until_us) {
        (void)kill(trial->pid, SIGKILL);
    }
}

void trial_wait(struct trial *trial)
{
    while (trial->state == TRIAL_RUNNING) {
        int status = 0;
        pid_t pid = waitpid(trial->pid, &status, 0);
        if (pid > 0) {
            (void)trial_reap(trial, pid, status);
        } else if (errno != EINTR) {
            fail_trial(trial, "cannot wait for the check");
        }
    }
}

void trial_end(struct trial *trial)
{
    if (trial->state == TRIAL_RUNNING) {
        (void)kill(trial->pid, SIGKILL); /* the master reaps it as a stranger */
    }
    if (trial->state != TRIAL_IDLE && trial->fd >= 0) {
        (void)close(trial->fd);
    }
    *trial = (struct trial){.fd = -1};
}

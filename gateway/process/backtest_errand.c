#include "process/backtest_errand.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "ledger/backtest_queue.h"
#include "process/backtest_run.h"

enum {
    LEASE_MS = 30000,
    RENEW_MS = 5000,
    NICE = 10,
    ARENA_BYTES_MAX = 16 << 20, /* the text of a rule set */
    SAID_BYTES_MAX = BACKTESTS_RESULT_MAX + 1,
    REASON_MAX = 300,
    SAYS_RESULT = 'r', /* the first byte that the one who computes says */
    SAYS_REASON = 'e',
};

struct errand {
    const struct backtest_errand *start;
    struct backtest_queue *queue; /* owned */
    struct arena arena;           /* of the one at hand */
    struct backtests_row row;
    struct str rules;
    struct buf said;  /* owned; by the one who computes */
    pid_t pid;        /* of it */
    int fd;           /* owned; -1: none */
    int64_t until_us; /* monotonic: it is killed then */
    int64_t renew_us; /* monotonic: the lease */
    bool is_late;
};

/* Of this process: it has no loop, and does one thing. */
static volatile sig_atomic_t is_told_to_stop;

static void note_stop(int signal_number)
{
    (void)signal_number;
    is_told_to_stop = 1;
}

/* ---- the one who computes --------------------------------------------------------------------- */

static void limit_oneself(const struct config *config)
{
    struct rlimit memory = {(rlim_t)config->backtest_memory_bytes_max,
                            (rlim_t)config->backtest_memory_bytes_max};
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* which takes terabytes of addresses */
    (void)setrlimit(RLIMIT_AS, &memory);
#else
    (void)memory;
#endif
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "800", 3);
        (void)close(fd);
    }
}

static bool say(int fd, char what, struct str text)
{
    bool ok = write(fd, &what, 1) == 1;
    while (ok && text.len > 0) {
        ssize_t put = write(fd, text.at, text.len);
        ok = put > 0 || errno == EINTR;
        if (put > 0)
            text = str_sub(text, (size_t)put, text.len);
    }
    return ok;
}

static int compute(const struct errand *errand, int fd)
{
    struct error err = {.text = ""};
    struct buf out;
    char name[32];
    (void)snprintf(name, sizeof(name), "version %d", errand->row.version);
    const struct backtest_asked asked = {
        .config = errand->start->config,
        .rules = errand->rules,
        .name = name,
        .merchant_id = errand->row.merchant_id,
        .since_us = errand->row.since_us,
        .until_us = errand->row.until_us,
    };
    struct backtest *answer = calloc(1, sizeof(*answer));
    CHECK(answer != NULL);
    buf_init(&out, BACKTESTS_RESULT_MAX);
    bool ok = backtest_answer(&asked, answer, &err);
    if (ok) {
        backtest_print_json(answer, &out);
        ok = buf_is_ok(&out) ||
             fail(&err, ERROR_BUSY, "the result is larger than %d bytes", BACKTESTS_RESULT_MAX);
    }
    return say(fd, ok ? SAYS_RESULT : SAYS_REASON, ok ? buf_str(&out) : str_of(err.text)) ? 0 : 1;
}

static void become_computer(const struct errand *errand, const int ends[2], pid_t parent_pid)
{
    sigset_t none;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent_pid)
        _exit(1);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)close(ends[0]);
    limit_oneself(errand->start->config);
    _exit(compute(errand, ends[1])); /* without a word to the queue's connection */
}

static bool start_computer(struct errand *errand, struct error *err)
{
    int ends[2];
    pid_t parent_pid = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(err, ERROR_IO, "cannot make a pipe: %s", strerror(errno));
    errand->pid = fork();
    if (errand->pid == 0)
        become_computer(errand, ends, parent_pid);
    (void)close(ends[1]);
    errand->fd = ends[0];
    errand->is_late = false;
    errand->until_us = clock_mono_us() + errand->start->config->backtest_limit_ms * CLOCK_MS_US;
    errand->renew_us = clock_mono_us() + RENEW_MS * CLOCK_MS_US;
    return errand->pid > 0 || fail(err, ERROR_IO, "cannot fork: %s", strerror(errno));
}

/* ---- watching it ------------------------------------------------------------------------------ */

/* False: the lease is lost, or the database is away for longer than it lasts. */
static bool keep_lease(struct errand *errand)
{
    struct error err;
    int64_t now_us = clock_mono_us();
    if (now_us < errand->renew_us)
        return true;
    errand->renew_us = now_us + RENEW_MS * CLOCK_MS_US;
    if (backtest_queue_renew(errand->queue, &errand->row, clock_wall_us() + LEASE_MS * CLOCK_MS_US,
                             &err))
        return true;
    log_warn("backtests", "lost the lease", LOG_CSTR("error", err.text));
    return false;
}

/* True at its end: what it said is there. */
static bool read_said(struct errand *errand)
{
    char chunk[65536];
    ssize_t got = read(errand->fd, chunk, sizeof(chunk));
    if (got > 0)
        buf_add(&errand->said, chunk, (size_t)got);
    return got == 0 || (got < 0 && errno != EINTR);
}

/* Until it ends; false: it was ended because the lease is gone, or we are told to stop. */
static bool watch(struct errand *errand)
{
    sigset_t open_mask;
    sigemptyset(&open_mask);
    for (;;) {
        struct pollfd pipe = {.fd = errand->fd, .events = POLLIN};
        struct timespec wait = {1, 0};
        int ready = ppoll(&pipe, 1, &wait, &open_mask);
        if (is_told_to_stop != 0 || !keep_lease(errand))
            return false;
        if (ready > 0 && read_said(errand))
            return true;
        if (!errand->is_late && clock_mono_us() > errand->until_us) {
            errand->is_late = true;
            (void)kill(errand->pid, SIGKILL);
        }
    }
}

static int end_computer(struct errand *errand, bool has_ended)
{
    int status = 0;
    if (!has_ended)
        (void)kill(errand->pid, SIGKILL); /* nobody wants to hear it */
    while (waitpid(errand->pid, &status, 0) < 0 && errno == EINTR)
        ;
    (void)close(errand->fd);
    errand->fd = -1;
    return status;
}

/* ---- what came of it -------------------------------------------------------------------------- */

static bool end_with_reason(struct errand *errand, struct error *err, const char *format, ...)
    PRINTF_LIKE(3, 4);

static bool end_with_reason(struct errand *errand, struct error *err, const char *format, ...)
{
    char reason[REASON_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    log_warn("backtests", "a backtest failed", LOG_CSTR("reason", reason));
    return backtest_queue_end(errand->queue, &errand->row, STR_NONE, str_of(reason),
                              clock_wall_us(), err);
}

static bool end_dead(struct errand *errand, int status, struct error *err)
{
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (errand->is_late)
        return end_with_reason(errand, err, "it took longer than %lld ms (backtest_limit_ms)",
                               (long long)errand->start->config->backtest_limit_ms);
    if (errand->row.tries >= BACKTESTS_TRIES_MAX)
        return end_with_reason(errand, err,
                               "the process that computed it died each time, at last of signal %d;"
                               " it may have needed more than backtest_memory_bytes_max (%lld)",
                               number, (long long)errand->start->config->backtest_memory_bytes_max);
    log_warn("backtests", "the process that computes died; once more", LOG_INT("signal", number));
    return backtest_queue_put_back(errand->queue, &errand->row, false, clock_wall_us(), err);
}

static bool write_down(struct errand *errand, int status, struct error *err)
{
    struct str said = buf_str(&errand->said);
    char what = said.len > 1 && buf_is_ok(&errand->said) ? said.at[0] : '\0';
    bool is_whole = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    struct str text = str_sub(said, 1, said.len);
    if (!is_whole || (what != SAYS_RESULT && what != SAYS_REASON))
        return end_dead(errand, status, err);
    if (what == SAYS_REASON)
        return end_with_reason(errand, err, STR_FMT, STR_ARG(text));
    return backtest_queue_end(errand->queue, &errand->row, text, STR_NONE, clock_wall_us(), err);
}

static bool compute_one(struct errand *errand, struct error *err)
{
    if (errand->row.tries > BACKTESTS_TRIES_MAX)
        return end_with_reason(errand, err, "whoever computed it died each time");
    buf_init(&errand->said, SAID_BYTES_MAX);
    bool ok = start_computer(errand, err);
    if (ok) {
        bool has_ended = watch(errand);
        int status = end_computer(errand, has_ended);
        ok = has_ended
                 ? write_down(errand, status, err)
                 : backtest_queue_put_back(errand->queue, &errand->row, true, clock_wall_us(), err);
    }
    buf_release(&errand->said);
    return ok;
}

/* True: there was one, and there may be more. */
static bool do_next(struct errand *errand, struct error *err)
{
    int64_t now_us = clock_wall_us();
    if (!backtest_queue_claim(errand->queue, &errand->start->runner_id, now_us,
                              now_us + LEASE_MS * CLOCK_MS_US, &errand->arena, &errand->row,
                              &errand->rules, err))
        return false;
    char id[ID_TEXT_SIZE];
    (void)id_format(ID_BACKTEST, &errand->row.backtest_id, id);
    log_info("backtests", "begins", LOG_CSTR("backtest", id), LOG_INT("try", errand->row.tries));
    if (!compute_one(errand, err))
        return false;
    log_info("backtests", "ended", LOG_CSTR("backtest", id),
             LOG_INT("ms", (clock_wall_us() - now_us) / CLOCK_MS_US));
    arena_reset(&errand->arena);
    return backtest_queue_sweep(errand->queue, &errand->row.merchant_id, clock_wall_us(), err);
}

static bool take_over(struct errand *errand, struct error *err)
{
    const struct uuid *dead_id = &errand->start->dead_id;
    return uuid_is_zero(dead_id) ||
           backtest_queue_release(errand->queue, dead_id, clock_wall_us(), err);
}

static void take_signals(void)
{
    sigset_t blocked; /* but while we wait: ppoll */
    struct sigaction action = {.sa_handler = note_stop};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    (void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

int backtest_errand_run(const struct backtest_errand *start)
{
    struct error err = {.text = ""};
    struct errand errand = {.start = start, .fd = -1};
    take_signals();
    arena_init(&errand.arena, ARENA_BYTES_MAX);
    errand.queue = backtest_queue_open(start->config->database, &err);
    if (errand.queue != NULL && take_over(&errand, &err) &&
        backtest_queue_sweep(errand.queue, NULL, clock_wall_us(), &err)) {
        while (is_told_to_stop == 0 && do_next(&errand, &err))
            ;
    }
    backtest_queue_close(&errand.queue);
    arena_release(&errand.arena);
    if (err.text[0] != '\0')
        log_warn("backtests", "cannot go on", LOG_CSTR("error", err.text));
    return err.text[0] == '\0' ? 0 : 1;
}

#include "process/seal_errand.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ledger/anchor.h"
#include "ledger/seal_store.h"

enum {
    NICE = 10,
    REST_FACTOR = 3,    /* a pause is so many times the work before it */
    SEALS_AT_ONCE = 16, /* of one merchant; then it is the others' turn */
    COMMAND_MS = 10000,
    ARGUMENT_MAX = 64,
    LINES_BYTES_MAX = 4 << 20,
};

struct errand {
    const struct config *config; /* borrowed */
    struct seal_store *store;    /* owned */
    struct seal_key key;
    struct anchors anchors; /* the newest of each merchant in the file */
    struct buf lines;       /* for the file */
    struct buf told;        /* for the command: what it has not yet taken */
    bool is_behind;         /* heads may not be anchored: look at all of them */
};

/* Of this process: it has no loop, and does one thing. */
static volatile sig_atomic_t is_told_to_stop;

static void note_stop(int signal_number)
{
    (void)signal_number;
    is_told_to_stop = 1;
}

static void rest(int64_t us)
{
    sigset_t open_mask;
    struct timespec wait = {us / CLOCK_SECOND_US, us % CLOCK_SECOND_US * 1000};
    sigemptyset(&open_mask);
    if (is_told_to_stop == 0)
        (void)ppoll(NULL, 0, &wait, &open_mask);
}

/* ---- the operator's command ------------------------------------------------------------------- */

/* Split at spaces: nothing in it is a shell's business. */
static void split(char *text, char *argument[ARGUMENT_MAX + 1])
{
    size_t count = 0;
    char *next = NULL;
    for (char *at = strtok_r(text, " ", &next); at != NULL && count < ARGUMENT_MAX;
         at = strtok_r(NULL, " ", &next))
        argument[count++] = at;
    argument[count] = NULL;
}

static void become_command(const char *command, int input)
{
    char text[CONFIG_TEXT_MAX];
    char *argument[ARGUMENT_MAX + 1];
    sigset_t none;
    if (!str_copy_to(str_of(command), text, sizeof(text)))
        _exit(127);
    split(text, argument);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setpgid(0, 0); /* with its children it can be killed */
    if (argument[0] == NULL || dup2(input, STDIN_FILENO) < 0)
        _exit(127);
    execvp(argument[0], argument);
    _exit(127);
}

/* All of it, before the time is up. It may take its input as slowly as it likes until then. */
static void feed(int fd, struct str text, int64_t until_us)
{
    while (text.len > 0) {
        struct pollfd out = {.fd = fd, .events = POLLOUT};
        int64_t left_us = until_us - clock_mono_us();
        if (left_us <= 0 || poll(&out, 1, (int)(left_us / CLOCK_MS_US) + 1) <= 0)
            return;
        ssize_t put = write(fd, text.at, text.len);
        if (put < 0 && errno != EINTR && errno != EAGAIN)
            return;
        text = str_sub(text, put > 0 ? (size_t)put : 0, text.len);
    }
}

static bool wait_for(pid_t pid, int64_t until_us)
{
    int status = 0;
    pid_t got = 0;
    while ((got = waitpid(pid, &status, WNOHANG)) == 0 && clock_mono_us() < until_us)
        (void)poll(NULL, 0, 5); /* the command's end is its own business */
    if (got == 0) {
        (void)kill(-pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
    }
    return got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool tell_command(const char *command, struct str lines)
{
    int ends[2];
    int64_t until_us = clock_mono_us() + COMMAND_MS * CLOCK_MS_US;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        become_command(command, ends[0]);
    (void)close(ends[0]);
    (void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
    if (pid > 0)
        feed(ends[1], lines, until_us);
    (void)close(ends[1]);
    return pid > 0 && wait_for(pid, until_us);
}

/* ---- anchors ---------------------------------------------------------------------------------- */

static void add_anchor(struct errand *errand, const struct seal *seal)
{
    int64_t now_us = clock_wall_us();
    anchor_print(seal, now_us, &errand->lines);
    anchors_note(&errand->anchors, seal, now_us);
}

/* What the file did not take is found again by looking at all heads; the command is told later. */
static void write_anchors(struct errand *errand)
{
    struct error err;
    const struct config *config = errand->config;
    if (config->anchor_command[0] != '\0')
        buf_add_str(&errand->told, buf_str(&errand->lines));
    if (errand->lines.len > 0 && config->anchor_file[0] != '\0' &&
        !anchor_append(config->anchor_file, buf_str(&errand->lines), &err)) {
        log_error("sealer", "heads are not anchored", LOG_CSTR("error", err.text));
        errand->is_behind = true;
    }
    buf_clear(&errand->lines);
    if (!buf_is_ok(&errand->told)) {
        log_error("sealer", "the anchor command has failed for so long that it will miss heads");
        buf_clear(&errand->told);
    }
    if (errand->told.len == 0)
        return;
    if (tell_command(config->anchor_command, buf_str(&errand->told)))
        buf_clear(&errand->told);
    else
        log_error("sealer", "the anchor command failed, or took longer than 10 s; once more later",
                  LOG_CSTR("command", config->anchor_command));
}

static bool load_anchors(struct errand *errand, struct error *err)
{
    static const struct anchor_keys no_keys;
    anchors_release(&errand->anchors);
    if (errand->config->anchor_file[0] != '\0' &&
        !anchors_load(&errand->anchors, errand->config->anchor_file, NULL, &no_keys, true, err))
        return false;
    anchors_keep_newest(&errand->anchors);
    return true;
}

/* What a crash, or a full disk, kept from being anchored. */
static bool anchor_all(struct errand *errand, struct error *err)
{
    struct uuid merchants[SEAL_DUE_MAX];
    struct uuid after = {{0}};
    size_t count = 0;
    errand->is_behind = false;
    if (!load_anchors(errand, err))
        return false;
    do {
        if (!seal_store_merchants(errand->store, &after, merchants, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            struct seal last;
            if (!seal_store_last(errand->store, &merchants[i], &last, err))
                return false;
            if (last.number > anchors_newest(&errand->anchors, &merchants[i]))
                add_anchor(errand, &last);
            after = merchants[i];
        }
        write_anchors(errand);
    } while (count == SEAL_DUE_MAX && !errand->is_behind);
    return true;
}

/* ---- sealing ---------------------------------------------------------------------------------- */

static bool seal_merchant(struct errand *errand, const struct uuid *merchant_id,
                          const struct uuid *boundary, bool *is_full, struct error *err)
{
    struct seal last;
    int64_t anchored = anchors_newest(&errand->anchors, merchant_id);
    if (!seal_store_last(errand->store, merchant_id, &last, err))
        return false;
    if (last.number < anchored)
        log_warn("sealer", "the ledger was set back: seals that were anchored are gone",
                 LOG_INT("last", last.number), LOG_INT("anchored", anchored));
    int64_t before = last.number;
    bool has_made = true;
    for (int i = 0; i < SEALS_AT_ONCE && has_made && is_told_to_stop == 0; i++) {
        int64_t number = last.number;
        int64_t from_us = clock_mono_us();
        if (!seal_store_seal(errand->store, boundary, anchored, &errand->key, &last, err))
            return false;
        has_made = last.number != number && last.row_count >= SEAL_ROW_MAX;
        if (has_made)
            rest((clock_mono_us() - from_us) * REST_FACTOR);
    }
    *is_full = *is_full || has_made;
    if (last.number != before)
        add_anchor(errand, &last);
    return true;
}

/* Once round all merchants; *is_full: some have more. */
static bool seal_all(struct errand *errand, bool *is_full, struct error *err)
{
    struct uuid merchants[SEAL_DUE_MAX];
    struct uuid after = {{0}};
    struct uuid boundary;
    size_t count = 0;
    *is_full = false;
    if (!seal_store_settle(errand->store, &boundary, err))
        return false;
    if (uuid_is_zero(&boundary))
        return true;
    do {
        if (!seal_store_due(errand->store, &boundary, &after, merchants, &count, err))
            return false;
        for (size_t i = 0; i < count && is_told_to_stop == 0; i++) {
            if (!seal_merchant(errand, &merchants[i], &boundary, is_full, err))
                return false;
            after = merchants[i];
        }
        write_anchors(errand);
    } while (count == SEAL_DUE_MAX && is_told_to_stop == 0);
    return true;
}

static bool run(struct errand *errand, struct error *err)
{
    bool is_ours = false;
    bool is_full = false;
    errand->is_behind = true;
    while (is_told_to_stop == 0) {
        if (!is_ours && !seal_store_claim(errand->store, &is_ours, err))
            return false;
        if (is_ours && errand->is_behind && !anchor_all(errand, err))
            return false;
        if (is_ours && !seal_all(errand, &is_full, err))
            return false;
        if (!is_full)
            rest(errand->config->seal_interval_ms * CLOCK_MS_US);
    }
    return true;
}

/* ---- the process ------------------------------------------------------------------------------ */

static void take_signals(void)
{
    sigset_t blocked; /* but while we wait: ppoll */
    struct sigaction action = {.sa_handler = note_stop};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    (void)sigprocmask(SIG_SETMASK, &blocked, NULL);
    (void)setpriority(PRIO_PROCESS, 0, NICE);
}

int seal_errand_run(const struct config *config)
{
    struct error err = {.text = ""};
    struct errand errand = {.config = config};
    take_signals();
    anchors_init(&errand.anchors);
    buf_init(&errand.lines, LINES_BYTES_MAX);
    buf_init(&errand.told, LINES_BYTES_MAX);
    bool ok = seal_key_read(&errand.key, config->seal_key_file, &err);
    if (ok && config->anchor_file[0] == '\0' && config->anchor_command[0] == '\0')
        log_warn("sealer", "seals are not anchored: set anchor_file or anchor_command, or who owns "
                           "the database can make others");
    errand.store = ok ? seal_store_open(config->database, "turnpike sealer", &err) : NULL;
    ok = errand.store != NULL && run(&errand, &err);
    if (!ok)
        log_warn("sealer", "cannot go on", LOG_CSTR("error", err.text));
    seal_store_close(&errand.store);
    anchors_release(&errand.anchors);
    buf_release(&errand.lines);
    buf_release(&errand.told);
    explicit_bzero(&errand.key, sizeof(errand.key));
    return ok ? 0 : 1;
}

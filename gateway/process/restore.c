#include "process/restore.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ledger/redo.h"
#include "process/command.h"
#include "process/worker.h"

enum {
    AGAIN_MS = 250,
    ASK_LOOK_MS = 500,
    ASK_MAX_MS = 600000,
    ASK_BEFORE_MS = 3600000, /* attempts of so long before the first that was lost, too */
    RESTART_MS = 500,
    WAIT_MS = 5,
};

bool restore_wish_parse(const char *word, enum restore_wish *wish, struct error *err)
{
    static const char *const words[] = {
        [RESTORE_WISH_REDO] = "redo",
        [RESTORE_WISH_ALONE] = "alone",
        [RESTORE_WISH_BY_HAND] = "by-hand",
    };
    *wish = RESTORE_WISH_NONE;
    for (size_t i = RESTORE_WISH_REDO; word != NULL && i < ARRAY_LEN(words); i++) {
        if (strcmp(word, words[i]) == 0)
            *wish = (enum restore_wish)i;
    }
    return word == NULL || *wish != RESTORE_WISH_NONE ||
           fail(err, ERROR_INVALID,
                "--restored is \"redo\", \"alone\" or \"by-hand\" (docs/operations.md, \"After a "
                "restore\"), not \"%.40s\"",
                word);
}

/* ---- the child ------------------------------------------------------------------------------- */

struct errand {
    const struct config *config;
    struct shared *shared;
    enum restore_wish wish;
};

static void pause_ms(int64_t ms)
{
    (void)nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void enter(struct shared *shared, enum restore_state state)
{
    atomic_store(&shared->restore_state, (int)state);
}

static void show_left(struct shared *shared, int64_t left)
{
    atomic_store(&shared->restore_left, left);
    metrics_set(metrics_find(METRIC_RESTORE_LEFT, NULL, 0), left);
}

static void show_progress(void *ctx, size_t done, size_t count)
{
    show_left(ctx, (int64_t)(count - done));
}

/* True: it may be tried again; told once. */
static bool is_passing(const struct error *err, bool *was_told)
{
    if (err->code != ERROR_UNAVAILABLE)
        return false;
    if (!*was_told)
        log_warn("restore", "cannot compare the ledger with the journal yet; will try again",
                 LOG_CSTR("error", err->text));
    *was_told = true;
    pause_ms(AGAIN_MS);
    return true;
}

static bool look(const struct errand *errand, struct redo_look *seen, struct error *err)
{
    bool was_told = false;
    while (!redo_look(errand->config->database, errand->config->journal_path, seen, err)) {
        if (!is_passing(err, &was_told))
            return false;
    }
    return true;
}

static bool redo(const struct errand *errand, struct redo_result *result, struct error *err)
{
    bool was_told = false;
    const struct redo_asked asked = {
        .conninfo = errand->config->database,
        .folder = errand->config->journal_path,
        .alone = errand->wish == RESTORE_WISH_ALONE,
        .progress = show_progress,
        .ctx = errand->shared,
    };
    while (!redo_run(&asked, result, err)) {
        if (!is_passing(err, &was_told))
            return false;
    }
    return true;
}

/* Until every attempt that is open was asked about; a provider that is away is not waited for. */
static void wait_for_asked(const struct errand *errand, int64_t since_us)
{
    int64_t until_us = clock_mono_us() + ASK_MAX_MS * CLOCK_MS_US;
    int64_t left = 1;
    struct error err;
    while (left > 0 && clock_mono_us() < until_us) {
        if (redo_left(errand->config->database, since_us - ASK_BEFORE_MS * CLOCK_MS_US, &left,
                      &err))
            show_left(errand->shared, left);
        if (left > 0)
            pause_ms(ASK_LOOK_MS);
    }
    if (left > 0)
        log_warn("restore",
                 "some attempts could not be asked about yet; they stay unknown, and "
                 "recovery goes on asking",
                 LOG_INT("attempts", left));
}

static bool mend(const struct errand *errand, int64_t since_us, struct error *err)
{
    const char *folder = errand->config->journal_path;
    struct redo_result result;
    enter(errand->shared, RESTORE_REDOING);
    log_warn("restore", "the database is older than this gateway: reconcile first",
             LOG_INT("lost_since_us", since_us));
    if (!redo_note_begun(folder, since_us, err) || !redo(errand, &result, err))
        return false;
    log_info("restore", "the ledger has everything again; asking the providers about what is open",
             LOG_INT("batches", (int64_t)result.batches), LOG_INT("calls", (int64_t)result.calls),
             LOG_INT("dropped", (int64_t)result.dropped));
    show_left(errand->shared, 1);
    enter(errand->shared, RESTORE_ASKING);
    wait_for_asked(errand, since_us);
    return redo_note_over(folder, err);
}

/* Nothing to compare with: nobody has to wait for this. */
static void name_database(const struct errand *errand)
{
    struct error err;
    bool was_told = true;
    enter(errand->shared, RESTORE_OPEN);
    while (!redo_name_now(errand->config->database, errand->config->journal_path, &err)) {
        if (is_passing(&err, &was_told))
            continue;
        log_error("restore", "the journals cannot be named", LOG_CSTR("error", err.text));
        return;
    }
}

static bool reconcile(const struct errand *errand, struct error *err)
{
    const char *folder = errand->config->journal_path;
    struct redo_look seen;
    int64_t since_us = 0;
    if (errand->wish == RESTORE_WISH_BY_HAND) {
        log_warn("restore", "journals are set aside: what was lost was put right by hand");
        return redo_set_aside(folder, err);
    }
    if (!look(errand, &seen, err))
        return false;
    if (seen.found == REDO_NO_JOURNAL) {
        name_database(errand);
        return true;
    }
    if (seen.found == REDO_NO_LEDGER) {
        log_warn("restore", "this database is a new one; the journals of another are set aside");
        return redo_set_aside(folder, err) && redo_name(folder, seen.identity, err);
    }
    bool is_lost = seen.found == REDO_LOST;
    if (is_lost && seen.is_other_database && errand->wish == RESTORE_WISH_NONE)
        return fail(err, ERROR_CONFLICT,
                    "this is another database than this gateway used before, and it lacks what was "
                    "committed there: if it is a restored copy, start with --restored redo; if it "
                    "is not, set journal_folder or state_folder to another folder");
    if (redo_is_begun(folder, &since_us) || is_lost) {
        since_us = since_us != 0 ? since_us : seen.first_us;
        if (!mend(errand, since_us, err))
            return false;
    }
    return redo_name(folder, seen.identity, err);
}

static int run_errand(const struct errand *errand)
{
    struct error err;
    if (!reconcile(errand, &err)) {
        log_error("restore", "refused to serve", LOG_CSTR("error", err.text));
        (void)command_fail(&err);
        return WORKER_CONFIG_EXIT;
    }
    show_left(errand->shared, 0);
    enter(errand->shared, RESTORE_OPEN);
    return 0;
}

static void become_errand(struct restore *restore, pid_t master_pid)
{
    fleet_become_errand(restore->fleet, restore->config, "restore", master_pid);
    const struct errand errand = {
        .config = restore->config,
        .shared = restore->fleet->shared,
        .wish = restore->wish,
    };
    exit(run_errand(&errand));
}

/* ---- the master ------------------------------------------------------------------------------ */

static void start_child(struct restore *restore)
{
    pid_t master_pid = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become_errand(restore, master_pid);
    if (pid < 0) {
        log_error("master", "cannot fork", LOG_CSTR("error", strerror(errno)));
        restore->restart_at_us = clock_mono_us() + RESTART_MS * CLOCK_MS_US;
        return;
    }
    restore->pid = pid;
}

void restore_start(struct restore *restore)
{
    if (restore->config->journal_path[0] == '\0')
        return;
    enter(restore->fleet->shared, RESTORE_CHECKING);
    start_child(restore);
}

void restore_tick(struct restore *restore)
{
    bool is_open = atomic_load(&restore->fleet->shared->restore_state) == RESTORE_OPEN;
    if (restore->pid == 0 && !is_open && clock_mono_us() >= restore->restart_at_us)
        start_child(restore);
}

bool restore_reap(struct restore *restore, pid_t pid, int status, bool *refused)
{
    *refused = false;
    if (restore->pid == 0 || restore->pid != pid)
        return false;
    restore->pid = 0;
    restore->restart_at_us = clock_mono_us() + RESTART_MS * CLOCK_MS_US;
    *refused = WIFEXITED(status) && WEXITSTATUS(status) == WORKER_CONFIG_EXIT;
    if (!WIFEXITED(status))
        log_warn("master", "the process that compares ledger and journal died; starting another",
                 LOG_INT("signal", WTERMSIG(status)));
    return true;
}

bool restore_wait(struct restore *restore)
{
    struct shared *shared = restore->fleet->shared;
    for (;;) {
        int state = atomic_load(&shared->restore_state);
        int status;
        bool refused = false;
        if (state == RESTORE_OPEN || state == RESTORE_ASKING)
            return true;
        if (restore->pid != 0 && waitpid(restore->pid, &status, WNOHANG) == restore->pid &&
            restore_reap(restore, restore->pid, status, &refused) && refused)
            return false;
        restore_tick(restore);
        pause_ms(WAIT_MS);
    }
}

/* ---- workers --------------------------------------------------------------------------------- */

bool restore_is_asking(const struct shared *shared, int64_t *left)
{
    *left = atomic_load(&shared->restore_left);
    return atomic_load(&shared->restore_state) == RESTORE_ASKING;
}

struct str restore_describe(const struct shared *shared, char *out, size_t size)
{
    long long left = (long long)atomic_load(&shared->restore_left);
    int len = 0;
    switch ((enum restore_state)atomic_load(&shared->restore_state)) {
    case RESTORE_OPEN:
        len = snprintf(out, size, "the ledger is complete");
        break;
    case RESTORE_CHECKING:
        len = snprintf(out, size, "the ledger is being compared with the journal");
        break;
    case RESTORE_REDOING:
        len = snprintf(out, size,
                       "the database was set back: %lld transactions are still to be written again",
                       left);
        break;
    case RESTORE_ASKING:
        len = snprintf(out, size,
                       "the database was set back: providers are still to be asked about %lld "
                       "attempts",
                       left);
        break;
    }
    return (struct str){out, len < 0 ? 0 : (size_t)len < size ? (size_t)len : size - 1};
}

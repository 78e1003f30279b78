#include "process/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "process/config.h"

enum {
    PATH_SIZE = CONFIG_TEXT_MAX + 32,
    PAUSE_NS = 50000000,
    TRIES_MAX = 40, /* two seconds: workers of a master that was just killed need a moment to die */
    OUTCOME_BYTES_MAX = 600,
};

static void path_of(char path[PATH_SIZE], const char *folder, const char *name)
{
    (void)snprintf(path, PATH_SIZE, "%s/%s", folder, name);
}

/* All of it or nothing, whatever happens meanwhile. */
static bool write_whole(const char *folder, const char *name, struct str text)
{
    char path[PATH_SIZE];
    char temporary[PATH_SIZE];
    char new_name[32];
    (void)snprintf(new_name, sizeof(new_name), "%s.new", name);
    path_of(path, folder, name);
    path_of(temporary, folder, new_name);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, text.at, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok && rename(temporary, path) == 0;
}

static bool read_or_make_instance(const char *folder, struct uuid *id, struct error *err)
{
    char path[PATH_SIZE];
    char text[UUID_TEXT_SIZE + 1] = "";
    path_of(path, folder, "instance");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t got = read(fd, text, UUID_TEXT_SIZE - 1);
        (void)close(fd);
        if (got == UUID_TEXT_SIZE - 1 && uuid_parse((struct str){text, (size_t)got}, id, err)) {
            return true;
        }
    }
    /* Absent, or torn by a full disk: nothing of an earlier run runs (we hold the lock), so a new
     * id only delays the takeover of its attempts until its heartbeat is old. */
    *id = uuid_new();
    return write_whole(folder, "instance", uuid_format(id, text)) ||
           fail(err, ERROR_IO, "cannot write %s: %s; free some space or fix the folder's rights",
                path, strerror(errno));
}

static void write_pid(int fd)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    /* Never empty in between: somebody may be reading. Only `turnpike reload` misses it when it
     * cannot be written. */
    if (pwrite(fd, text, (size_t)len, 0) == len) {
        (void)!ftruncate(fd, len);
    }
}

bool lock_take(const char *state_folder, int *lock_fd, struct uuid *instance_id, struct error *err)
{
    char path[PATH_SIZE];
    if (mkdir(state_folder, 0700) != 0 && errno != EEXIST) {
        return fail(err, ERROR_IO, "state_folder: cannot make %s: %s", state_folder,
                    strerror(errno));
    }
    path_of(path, state_folder, "lock");
    *lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock_fd < 0) {
        return fail(err, ERROR_IO, "state_folder: cannot open %s: %s", path, strerror(errno));
    }
    for (int tries = 0; flock(*lock_fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK || tries == TRIES_MAX) {
            (void)close(*lock_fd);
            *lock_fd = -1;
            return fail(err, ERROR_CONFLICT,
                        "another gateway runs on state_folder %s; stop it first, or give this one "
                        "its own",
                        state_folder);
        }
        (void)nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
    }
    write_pid(*lock_fd);
    return read_or_make_instance(state_folder, instance_id, err);
}

bool lock_holder(const char *state_folder, pid_t *pid, struct error *err)
{
    char path[PATH_SIZE];
    char text[16];
    int64_t number = 0;
    path_of(path, state_folder, "lock");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ssize_t got = is_held ? read(fd, text, sizeof(text)) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    struct str rest = {text, got > 0 ? (size_t)got : 0};
    if (!str_to_int64(str_cut(&rest, '\n'), &number) || number <= 1 || number > INT32_MAX) {
        return fail(err, ERROR_NOT_FOUND, "no gateway runs on state_folder %s", state_folder);
    }
    *pid = (pid_t)number;
    return true;
}

void lock_write_outcome(const char *state_folder, const struct lock_outcome *outcome)
{
    char text[OUTCOME_BYTES_MAX];
    int len = snprintf(text, sizeof(text), "%lld %s %s\n", (long long)outcome->asked_us,
                       outcome->done ? "done" : "refused", outcome->text);
    CHECK(len > 0 && len < OUTCOME_BYTES_MAX);
    (void)write_whole(state_folder, "reload", (struct str){text, (size_t)len});
}

bool lock_read_outcome(const char *state_folder, struct lock_outcome *outcome)
{
    char path[PATH_SIZE];
    char text[OUTCOME_BYTES_MAX];
    path_of(path, state_folder, "reload");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    struct str rest = {text, got > 0 ? (size_t)got : 0};
    if (!str_to_int64(str_cut(&rest, ' '), &outcome->asked_us)) {
        return false;
    }
    outcome->done = str_eq(str_cut(&rest, ' '), STR("done"));
    return str_copy_to(str_cut(&rest, '\n'), outcome->text, sizeof(outcome->text));
}

#include "process/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_BYTES_MAX = 4 << 20,
};

static const struct {
    const char *name;
    size_t offset;
} files[SNAPSHOT_FILE_COUNT] = {
    {"tls_certificate", offsetof(struct config, tls_certificate)},
    {"tls_key", offsetof(struct config, tls_key)},
    {"tls_second_certificate", offsetof(struct config, tls_second_certificate)},
    {"tls_second_key", offsetof(struct config, tls_second_key)},
    {"ops_client_ca", offsetof(struct config, ops_client_ca)},
    {"master_secret_file", offsetof(struct config, master_secret_file)},
    {"rules_file", offsetof(struct config, rules_file)},
    {"rates_file", offsetof(struct config, rates_file)},
};

static bool copy_bytes(int from, int to, size_t *total)
{
    char chunk[16384];
    ssize_t got;
    bool ok = true;
    while (ok && (got = read(from, chunk, sizeof(chunk))) != 0) {
        *total += got > 0 ? (size_t)got : 0;
        ok = got > 0 && *total <= FILE_BYTES_MAX && write(to, chunk, (size_t)got) == got;
    }
    explicit_bzero(chunk, sizeof(chunk));
    return ok;
}

static bool copy_file(const char *name, const char *path, int *out, struct error *err)
{
    size_t total = 0;
    /* Not blocking, so that a named pipe in the file's place is not waited for. */
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int to = from >= 0 ? memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING) : -1;
    errno = from >= 0 && to >= 0 ? 0 : errno;
    bool ok = from >= 0 && to >= 0 && fchmod(to, 0600) == 0 && copy_bytes(from, to, &total) &&
              fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0;
    if (!ok) {
        (void)fail(err, ERROR_IO, "%s: cannot read %s: %s", name, path,
                   total > FILE_BYTES_MAX ? "it is longer than 4 MB" : strerror(errno));
    }
    if (from >= 0) {
        (void)close(from);
    }
    if (!ok && to >= 0) {
        (void)close(to);
        to = -1;
    }
    *out = to;
    return ok;
}

static void name_copy(struct config *config, size_t file, int fd)
{
    char *path = (char *)config + files[file].offset;
    (void)snprintf(path, CONFIG_TEXT_MAX, "/proc/self/fd/%d", fd);
}

bool snapshot_take(struct snapshot *snapshot, struct config *config, struct error *err)
{
    CHECK(!snapshot->is_taken);
    for (size_t i = 0; i < SNAPSHOT_FILE_COUNT; i++) {
        snapshot->fd[i] = -1;
    }
    snapshot->is_taken = true;
    for (size_t i = 0; i < SNAPSHOT_FILE_COUNT; i++) {
        const char *path = (const char *)config + files[i].offset;
        if (path[0] == '\0') {
            continue;
        }
        if (!copy_file(files[i].name, path, &snapshot->fd[i], err)) {
            snapshot_release(snapshot);
            return false;
        }
        name_copy(config, i, snapshot->fd[i]);
    }
    return true;
}

void snapshot_adopt(struct snapshot *snapshot, const int fd[SNAPSHOT_FILE_COUNT],
                    struct config *config)
{
    CHECK(!snapshot->is_taken);
    for (size_t i = 0; i < SNAPSHOT_FILE_COUNT; i++) {
        snapshot->fd[i] = fd[i];
        if (fd[i] >= 0) {
            name_copy(config, i, fd[i]);
        }
    }
    snapshot->is_taken = true;
}

void snapshot_let_go(const struct snapshot *snapshot, bool inherit)
{
    for (size_t i = 0; snapshot->is_taken && i < SNAPSHOT_FILE_COUNT; i++) {
        if (snapshot->fd[i] >= 0) {
            CHECK(fcntl(snapshot->fd[i], F_SETFD, inherit ? 0 : FD_CLOEXEC) == 0);
        }
    }
}

const char *snapshot_file_name(size_t file)
{
    CHECK(file < SNAPSHOT_FILE_COUNT);
    return files[file].name;
}

void snapshot_release(struct snapshot *snapshot)
{
    for (size_t i = 0; snapshot->is_taken && i < SNAPSHOT_FILE_COUNT; i++) {
        if (snapshot->fd[i] >= 0) {
            (void)close(snapshot->fd[i]);
        }
    }
    snapshot->is_taken = false;
}

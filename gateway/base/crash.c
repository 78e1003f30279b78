#include "base/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

#ifdef CRASH_POINTS
/* clang-format off */
#define WRITE(kind) kind "_asked", kind "_sent", kind "_committed", kind "_answered"
#define SEND(kind) kind "_begun", kind "_left", kind "_arrived", kind "_answered"

static const char *const names[] = {
    /* as in the simulator */
    "reply_before", "reply_after",
    "claimed", "loaded",
    "probe_asked", "probe_answered",
    "case_read",
    WRITE("open"), WRITE("record"), WRITE("switch"), WRITE("close"), WRITE("announce"),
    WRITE("resolve"), WRITE("hold"), WRITE("tell"), WRITE("note"),
    SEND("session"), SEND("charge"), SEND("repeat"), SEND("lookup"), SEND("cancel"),
    /* here alone */
    WRITE("reverse"),
    "reversal_claimed", "reversal_asked", "adopt_asked", "adopted",
    "hook_read", "hook_stored", "outbox_claimed", "outbox_answered", "outbox_noted",
    "worker_reaped", "worker_forked",
};
/* clang-format on */

enum {
    NAME_COUNT = ARRAY_LEN(names),
    NAME_MAX_BYTES = 64,
    FILE_BYTES = 4096,
};

struct board {
    _Atomic int armed;
    _Atomic int left;
    _Atomic int act;
    _Atomic int struck;
    _Atomic int master;
    _Atomic int passes[NAME_COUNT];
};
_Static_assert(sizeof(struct board) <= FILE_BYTES, "it is one page");

const char *crash_name(int number)
{
    return number >= 1 && number <= NAME_COUNT ? names[number - 1] : NULL;
}

static void end(const char *what, const char *name)
{
    fprintf(stderr, "crash points: %s: %s\n", what, name);
    abort();
}

static int find(const char *name)
{
    for (int i = 0; i < NAME_COUNT; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    end("no such point", name);
    return -1;
}

static struct board *board; /* the page that all processes share; NULL: nobody asked for one */

void crash_open(const char *path)
{
    if (path == NULL)
        return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        end("cannot open", path);
    void *page = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page == MAP_FAILED)
        end("cannot map", path);
    board = page;
}

static void strike(void)
{
    int act = atomic_load(&board->act);
    atomic_store(&board->armed, 0);
    atomic_store(&board->struck, (int)getpid());
    if (act == CRASH_STOP) {
        (void)raise(SIGSTOP);
        return;
    }
    if (act == CRASH_KILL_ALL && atomic_load(&board->master) > 1)
        (void)kill(atomic_load(&board->master), SIGKILL);
    (void)raise(SIGKILL);
}

void crash_at(const char *name)
{
    int at = find(name);
    if (board == NULL)
        return;
    atomic_fetch_add(&board->passes[at], 1);
    if (atomic_load(&board->armed) == at + 1 && atomic_fetch_sub(&board->left, 1) == 1)
        strike();
}

void crash_part(const char *kind, const char *part)
{
    char name[NAME_MAX_BYTES];
    if (kind == NULL)
        return;
    CHECK(snprintf(name, sizeof(name), "%s_%s", kind, part) < (int)sizeof(name));
    crash_at(name);
}
#endif

/*
 * reload.h - from one configuration to the next without losing a request (SIGHUP).
 *
 *     IDLE --asked--> read file, environment, --set
 *      ^                  | good                        | bad
 *      |              CHECKING (a child loads the files)|
 *      |                  | good                | bad   |
 *      |              STARTING (new workers)    |       |
 *      |                  | all ready   | died  |       |
 *      |                  v             v       v       v
 *      +------------- the old ones drain;   refused: the old generation goes on untouched
 *
 * Requests that come while one is under way, or while too many generations drain, are answered
 * together by one more reload.
 */
#ifndef PROCESS_RELOAD_H
#define PROCESS_RELOAD_H

#include "process/fleet.h"
#include "process/trial.h"

struct program {      /* how this gateway was started: read again at each reload */
    const char *path; /* to execute at an upgrade */
    int argc;         /* of the command: argv[0] is its name */
    char **argv;
};

/* What the command line says, checked. */
bool program_read_config(const struct program *program, struct config *config,
                         struct error *err) MUST_USE;

enum reload_state {
    RELOAD_IDLE = 0,
    RELOAD_CHECKING,
    RELOAD_STARTING,
};

struct reload {
    const struct program *program; /* borrowed */
    struct fleet *fleet;           /* borrowed */
    const char *kind;              /* "reload"; "upgrade" until the first is done after one */
    enum reload_state state;
    bool is_asked;
    int64_t asked_us;        /* wall clock: newest request */
    int64_t began_us;        /* wall clock: requests before it are answered by this one */
    struct config named;     /* as read: names the files themselves */
    struct generation *next; /* CHECKING, STARTING */
    unsigned number;         /* of next */
    struct trial trial;
};

void reload_ask(struct reload *reload);
bool reload_is_busy(const struct reload *reload); /* asked, or under way */
void reload_tick(struct reload *reload);
/* True when the child was this reload's. */
bool reload_reap(struct reload *reload, pid_t pid, int status);
void reload_cancel(struct reload *reload); /* the gateway stops */
/* Tell log, metric and `turnpike reload` what became of a request. why NULL: it is done. */
void reload_tell(const char *kind, const struct config *config, int64_t began_us,
                 const struct error *why, const char *done);

#endif

/*
 * fleet.h - the worker processes: who serves which sockets, in which generation.
 *
 *     seat         a pair of listening sockets (api, ops), 1 to worker_count. The master holds them
 *                  and never closes them: what waits in their queues outlives any worker. While a
 *                  seat is orphaned (its worker died, none is ready there), the other seats' workers
 *                  accept from it, too: nobody waits for a new process, or for a crash loop's pause.
 *     slot         a process in the shared segment, 1 to SHM_SLOT_MAX - 1
 *     generation   the processes of one configuration, one on each seat
 *
 *                    all ready                  the next one serves
 *       STARTING ----------------> SERVING ----------------------------> DRAINING --> NONE
 *          |  ^                      ^ |                                   ^  (all gone)
 *          |  +-- fleet_start        | +-- a worker died: another on       |
 *          |      (checked files)    +---- its seat, slower each time      |
 *          +-- a worker died, or not ready in time ------------------------+
 *
 * Workers of two generations accept from the same sockets for a moment; the older ones then stop,
 * finish what they hold and leave. At most FLEET_DRAINING_MAX generations do so at a time, each for
 * a bounded time. A silent worker (late heartbeat; adopted from the program before an upgrade: no
 * answer to signals) is killed in any state.
 */
#ifndef PROCESS_FLEET_H
#define PROCESS_FLEET_H

#include "base/metrics.h"
#include "process/handover.h"
#include "process/snapshot.h"

enum {
    FLEET_DRAINING_MAX = 2,
    FLEET_GENERATION_MAX = FLEET_DRAINING_MAX + 2,
};

enum generation_state {
    GENERATION_NONE = 0,
    GENERATION_STARTING,
    GENERATION_SERVING,
    GENERATION_DRAINING,
};

struct generation {
    enum generation_state state;
    unsigned number;
    int64_t until_us;      /* STARTING: ready by then; DRAINING: killed then */
    struct config config;  /* in force: names the snapshot's files */
    struct snapshot files; /* owned */
};

struct seat {
    int api_fd;
    int ops_fd;
    int64_t restart_at_us;       /* 0: now */
    int64_t restart_alone_at_us; /* ... when its generation has no worker left at all */
    int64_t pause_ms;            /* grows in a crash loop */
    unsigned quick_deaths;       /* in a row */
};

struct member {                    /* by slot */
    struct generation *generation; /* NULL: nobody */
    unsigned seat;
    bool is_adopted; /* of the program before an upgrade: its heartbeat is not ours to see */
    int64_t started_us;
    int64_t asked_us;     /* adopted: when it was asked whether it lives */
    unsigned asked_count; /* ... since it answered */
};

struct fleet {
    struct shm shm;
    struct shared *shared;
    struct health *health;
    struct volume_table *volumes;
    struct admission_shared *admission;
    unsigned seat_count;
    unsigned last_number;
    struct seat seat[SHM_SLOT_MAX]; /* from 1 */
    struct member member[SHM_SLOT_MAX];
    struct generation generation[FLEET_GENERATION_MAX];
    struct metrics_series *count[GENERATION_DRAINING + 1]; /* workers by state */
    struct metrics_series *number;
    int64_t stop_us; /* 0: not stopping; then whatever runs is killed */
    bool has_served; /* some worker was ready once */
    bool failed;     /* the first workers cannot use their files: give up */
};

/* The shared segment. Before the first fork. */
bool fleet_open(struct fleet *fleet, const struct config *config, const struct uuid *boot_id,
                const struct uuid *instance_id, struct error *err) MUST_USE;
/* Bind all seats. */
bool fleet_bind(struct fleet *fleet, const struct config *config, struct error *err) MUST_USE;
/* Take over seats and workers from the program before: they serve as `generation`. */
void fleet_adopt(struct fleet *fleet, const struct handover *handover,
                 struct generation *generation);
/* What the next program needs to know; descriptors are valid after fleet_let_go. */
void fleet_describe(const struct fleet *fleet, struct handover *handover);
/* Let the next program inherit the seats, or not. */
void fleet_let_go(const struct fleet *fleet, bool inherit);
/*
 * In a child of master_pid that is no worker, at once after its fork: it dies with the master, gains no
 * privileges, hears SIGTERM alone, holds no seat, writes its own log, and is shown as `name`. Does not
 * return when the master has died meanwhile.
 */
void fleet_become_errand(const struct fleet *fleet, const struct config *config, const char *name,
                         pid_t master_pid);

/*
 * A free generation, numbered; fill its config and files, then fleet_start or fleet_abandon it.
 * NULL while too many drain: ask again. (Telling them to hurry would close idle connections on
 * clients that are about to use them.)
 */
struct generation *fleet_next(struct fleet *fleet);
/* The first serves from its first worker on, the others when all are ready. */
void fleet_start(struct fleet *fleet, struct generation *generation);
void fleet_abandon(struct generation *generation);
struct generation *fleet_serving(struct fleet *fleet); /* NULL before the first fleet_start */
/* An older worker has not yet heard that it shall accept no more. (Of adopted ones nothing is known.)
 */
bool fleet_is_handing_over(const struct fleet *fleet);

/* Start, watch, kill. At least every 50 ms, and after each reaped child. */
void fleet_tick(struct fleet *fleet);
/* An adopted worker has answered WORKER_SIGNAL_PROBE. Hear all who did before the next tick. */
void fleet_hear(struct fleet *fleet, pid_t pid);
/* True when it was a worker. */
bool fleet_reap(struct fleet *fleet, pid_t pid, int status);
/* Drain all; asked again: kill all. */
void fleet_stop(struct fleet *fleet);
bool fleet_is_empty(const struct fleet *fleet);

/* workers = 0: this process serves, as slot 0, on seat 0. */
int fleet_run_foreground(struct fleet *fleet, const struct config *config);

#endif

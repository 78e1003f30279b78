/*
 * shared.h - what master and workers tell each other in the shared segment: who runs, who lives,
 * who died.
 *
 * A worker slot belongs to one process at a time. When the master has reaped a worker, it puts the
 * writer id that the worker used into `dead`; a living worker takes it from there and tells the
 * ledger (only then may the dead worker's attempts be taken over, design section 4).
 */
#ifndef PROCESS_SHARED_H
#define PROCESS_SHARED_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/id.h"
#include "base/shm.h"

enum {
    SHARED_DEAD_MAX = 1024,
};

struct shared_slot {
    _Atomic pid_t pid;            /* 0: nobody */
    _Atomic int64_t heartbeat_us; /* monotonic */
    _Atomic int is_ready;         /* accepts */
    _Atomic int is_retired;       /* told to finish what it holds and to leave */
    struct uuid writer_id;        /* written by the master before the fork */
};

enum shared_dead_state {
    DEAD_FREE = 0,
    DEAD_WAITING,
    DEAD_TAKEN, /* by slot 0; the next by slot 1, and so on: who dies with it is known at once */
};

struct shared_dead {
    _Atomic int state;
    struct uuid writer_id;
};

struct shared {
    struct uuid boot_id;            /* of the master's start */
    struct uuid instance_id;        /* of the state folder */
    _Atomic int is_draining;        /* all are: the gateway stops */
    _Atomic unsigned generation;    /* the one that serves; 1 at the start, each reload adds 1 */
    _Atomic unsigned worker_count;  /* of a generation */
    _Atomic unsigned crash_looping; /* seats whose workers die again and again */
    _Atomic int
        is_orphaned[SHM_SLOT_MAX]; /* by seat: its worker died, and no other accepts there */
    _Atomic int backtests_due;     /* a worker has seen one that nobody computes */
    _Atomic int restore_state;     /* enum restore_state */
    _Atomic int64_t restore_left;  /* REDOING: transactions; ASKING: attempts */
    struct shared_slot slot[SHM_SLOT_MAX];
    struct shared_dead dead[SHARED_DEAD_MAX];
};

/* Workers that serve, and workers that finish what they hold. */
void shared_count(struct shared *shared, unsigned *serving, unsigned *draining);
/* False when the table is full (1,024 dead workers that no living one could report). */
bool shared_add_dead(struct shared *shared, const struct uuid *writer_id);
/*
 * The worker in `slot` takes one dead writer to report; NULL when there is none. Give back (again)
 * or finish (forget) it.
 */
struct shared_dead *shared_take_dead(struct shared *shared, unsigned slot);
/* The worker in `slot` is dead: what it had taken waits again. */
void shared_return_dead(struct shared *shared, unsigned slot);
void shared_dead_done(struct shared_dead *dead, bool reported);
/* ctx is struct shared: is this writer a process of ours that runs? */
bool shared_writer_is_alive(void *ctx, const struct uuid *writer_id);

#endif

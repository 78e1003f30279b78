/*
 * restore.h - a gateway whose database was set back begins reconcile-first (ledger/redo.h).
 *
 *     CHECKING --the ledger has all that the journal has------------------------------> OPEN
 *        |                                                                               ^
 *        +--it has not--> REDOING --written again--> ASKING --every open attempt was ----+
 *        |                   |                                asked about, or ASK_MAX_MS
 *        +---- refused <-----+ the journals do not fit, or do not suffice
 *
 * CHECKING, REDOING: workers hold no store. They answer /livez and /metrics, and 503 with Retry-After to
 * everything else (closed.h). ASKING: they run, and recovery asks the providers about every attempt that
 * is open; what would begin something is still answered with 503. A child of the master does the work;
 * when it dies another goes on where it was: what is redone says so itself, and a file in the journals'
 * folder says that a redo is not over. Refused: the gateway ends with one line that says why, and what to
 * do.
 */
#ifndef PROCESS_RESTORE_H
#define PROCESS_RESTORE_H

#include "process/fleet.h"

enum restore_state {
    RESTORE_OPEN = 0,
    RESTORE_CHECKING,
    RESTORE_REDOING,
    RESTORE_ASKING,
};

enum restore_wish { /* serve --restored WORD */
                    RESTORE_WISH_NONE = 0,
                    RESTORE_WISH_REDO, /* redo: although this is another database than the journals were beside */
                    RESTORE_WISH_ALONE, /* alone: redo, although journals of other gateways are missing */
                    RESTORE_WISH_BY_HAND, /* by-hand: what was lost has been put right; journals are set aside */
};
/* NULL: NONE. */
bool restore_wish_parse(const char *word, enum restore_wish *wish, struct error *err) MUST_USE;

struct restore {
    struct fleet *fleet;         /* borrowed */
    const struct config *config; /* borrowed: of the start */
    enum restore_wish wish;
    pid_t pid;             /* 0: none */
    int64_t restart_at_us; /* monotonic */
};

/* Before the first worker: CHECKING, and a child that does it; OPEN when there is no journal. */
void restore_start(struct restore *restore);
/* Start another when it died. */
void restore_tick(struct restore *restore);
/* True when the child was it. *refused: it said why; the gateway must end. */
bool restore_reap(struct restore *restore, pid_t pid, int status, bool *refused);
/* Without workers: wait until they may run. False: refused. */
bool restore_wait(struct restore *restore) MUST_USE;

/* For workers: nothing new may begin (ASKING); *left: about how many attempts must still be asked. */
bool restore_is_asking(const struct shared *shared, int64_t *left);
/* "checking the ledger against the journal", "writing the journal again: 10 of 200", ... */
struct str restore_describe(const struct shared *shared, char *out, size_t size);

#endif

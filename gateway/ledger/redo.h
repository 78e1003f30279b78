/*
 * redo.h - a ledger that was set back gets again what the journals have and it has not (journal.h).
 *
 *     look    of each writer the newest batches and calls: is their mark in `batches`? A mark that was
 *             committed and is not there is proof that the database is older than its gateway.
 *     run     every transaction whose mark is missing, in the order in which they were sent, each as
 *             one transaction with its own mark: whoever repeats it finds the mark, and it is done once
 *     asked   how many attempts that were open then nobody has asked the provider about yet
 *
 * The same statements with the same parameters: ids, times, answers and fences are those of then, so a
 * client that repeats a key gets the stored answer, byte for byte. What leases and epochs guarded (who
 * holds an open attempt) is gone with the holders: there the redo does what the winner did. Whether a
 * key or reference is won must come out as it did; where it does not, nothing of that transaction is
 * kept, and it is told.
 *
 * A transaction of which nobody knows whether it was committed (its process died in between) is redone,
 * unless a committed one won its key: then it cannot have been. What it opened was never acknowledged,
 * and goes the way of all that a dead process left behind.
 *
 * Blocking: for a process of its own, never for a worker.
 */
#ifndef LEDGER_REDO_H
#define LEDGER_REDO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/id.h"

enum redo_found {
    REDO_NO_JOURNAL = 0, /* nothing to compare with */
    REDO_NO_LEDGER,      /* the database has no schema, or is another one and has no payment yet */
    REDO_COMPLETE,       /* the ledger has the newest of all */
    REDO_LOST,           /* it has not */
};

struct redo_look {
    enum redo_found found;
    int64_t first_us;  /* LOST: when the first of them was sent */
    size_t lost_count; /* ... of the newest that were looked at */
    bool
        is_other_database; /* than the one that the journals were written beside, by its identity */
    char identity[64];     /* of the database: system identifier and database id */
};

/* ERROR_UNAVAILABLE: the database does not answer; ask again. */
bool redo_look(const char *conninfo, const char *folder, struct redo_look *look,
               struct error *err) MUST_USE;
/* From now on the journals of this folder are those of this database. */
bool redo_name(const char *folder, const char *identity, struct error *err) MUST_USE;
/* The same, asking the database who it is. ERROR_UNAVAILABLE: ask again. */
bool redo_name_now(const char *conninfo, const char *folder, struct error *err) MUST_USE;
/* Journals that are of no more use: "<name>.aside". */
bool redo_set_aside(const char *folder, struct error *err) MUST_USE;

/* A redo is under way since this moment: resumed after a crash. False: none is. */
bool redo_is_begun(const char *folder, int64_t *since_us);
bool redo_note_begun(const char *folder, int64_t since_us, struct error *err) MUST_USE;
bool redo_note_over(const char *folder, struct error *err) MUST_USE;

struct redo_result {
    int64_t since_us; /* the first that was missing; 0: nothing was */
    size_t batches;   /* written again */
    size_t calls;     /* ... of other transactions */
    size_t dropped; /* nobody knew of them, and they were not committed; or they changed nothing */
};

struct redo_asked {
    const char *conninfo;
    const char *folder;
    bool alone; /* although journals of other gateways are missing */
    void (*progress)(void *ctx, size_t done, size_t count); /* may be NULL */
    void *ctx;
};

/*
 * May be repeated after any end. ERROR_UNAVAILABLE: ask again. ERROR_CONFLICT: the journals do not
 * fit, or do not suffice; *err says how. What was redone before stays.
 */
bool redo_run(const struct redo_asked *asked, struct redo_result *result,
              struct error *err) MUST_USE;

/* Attempts since then that are open and were not looked at since the redo. */
bool redo_left(const char *conninfo, int64_t since_us, int64_t *left, struct error *err) MUST_USE;

#endif

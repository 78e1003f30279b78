/*
 * journal_read.h - the journals of a folder (journal.h), as one list of jobs in the order in which they
 * were sent. Blocking: for a process of its own (redo.h), never for a worker.
 *
 * A file whose end is torn is read up to there. Files of several gateways may lie together: their jobs
 * stand by the clocks of their hosts.
 */
#ifndef LEDGER_JOURNAL_READ_H
#define LEDGER_JOURNAL_READ_H

#include "ledger/journal.h"

enum redo_fate {
    REDO_UNTOLD = 0, /* nobody knows whether it was committed */
    REDO_COMMITTED,
    REDO_NEVER,
};

struct redo_job {
    uint32_t writer; /* index in journals.writer */
    enum redo_fate fate;
    int64_t id;
    int64_t sent_us;
    int64_t batch_no; /* of its mark; below 0: a call; 0: it has none */
    struct str statements;
    struct uuid *won; /* owned; in no order */
    size_t won_count;
    bool knows_won; /* it was told with its end */
    bool is_there;  /* redo.c: the ledger has it */
};

struct journal_writer {
    struct journal_head head; /* of its first file here */
    uint32_t first_number;    /* 1: it is there from its beginning */
    int64_t gap_us; /* the first job after the last gap; INT64_MAX: none came; 0: there is no gap */
    bool is_foreign; /* some file was written with other statements than ours */
    bool is_torn;    /* the last file that was read ends within a record */
};

struct journal_map;
struct journals {
    struct journal_writer *writer; /* owned */
    size_t writer_count;
    struct redo_job *job; /* owned; oldest first */
    size_t job_count;
    struct journal_map *map; /* owned; statements point into it */
    size_t map_count;
};

/*
 * tails: of each writer the last two files only, to see quickly whether its end is there. A folder that
 * is not there has none.
 */
bool journals_read(struct journals *journals, const char *folder, bool tails,
                   struct error *err) MUST_USE;
void journals_release(struct journals *journals);
const char *journals_file(const struct journals *journals, size_t index); /* of map_count */

struct journal_statement {
    enum sql sql;
    unsigned count;
    const char *value[PARAMS_MAX]; /* NULL: NULL */
    int length[PARAMS_MAX];
};
/* Cut the first statement off *rest; false: there is none, or it cannot be read. */
bool journal_statement_next(struct str *rest, struct journal_statement *statement);

#endif

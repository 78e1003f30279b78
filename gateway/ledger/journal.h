/*
 * journal.h - what this process has written into the ledger, once more, in a file of its own host.
 *
 * A database that is restored to a moment before its end has lost what was committed since: payments
 * that the providers have charged, and the idempotency keys under which clients will repeat them. The
 * journal has them. Each transaction that must not be lost is appended, statements and parameters as
 * they are, before its Sync leaves, and its end is appended when it is known:
 *
 *     job  n: mark, open, payments, attempts, sends ...     before the Sync
 *     job  n: call_mark, order_key, order_rows ...          ... a call: its mark is -n in `batches`
 *     end  n: done (and which keys were won) | failed       its answer; none: nobody knows
 *     probe batch b: committed | never                      a lost answer was asked for (store.h)
 *
 * So no byte of a payment can have left whose intent is not in the journal (P3, once more): what the
 * journal has and the ledger has not was lost, and redo.h writes it again.
 *
 * One file per process and 64 MB: "<writer id>.<number>.journal". Nothing is forced to the disk: the
 * journal outlives every process and every PostgreSQL, not a power cut of the gateway's own host
 * within some 30 s. It holds what the ledger holds (customers' data too, sealed tokens and bodies), so
 * its folder is closed to everybody else, and files are deleted when they are old.
 *
 * A journal that cannot be written must not stop payments: it is told in the log and in
 * METRIC_JOURNAL_FAILURES, and the file says that it has a gap.
 */
#ifndef LEDGER_JOURNAL_H
#define LEDGER_JOURNAL_H

#include "ledger/pg.h"

enum {
    JOURNAL_MAGIC = 0x314a5054, /* "TPJ1" */
    JOURNAL_SEGMENT_BYTES = 64 << 20,
    JOURNAL_PATH_MAX = 4096,
};

enum journal_kind {
    JOURNAL_HEAD = 1, /* of a file: who writes it, and with which statements */
    JOURNAL_JOB,
    JOURNAL_END,
    JOURNAL_PROBE,
    JOURNAL_GAP, /* something before this could not be written */
};

/* magic, size of the payload, kind | payload | size again. All of one machine: no byte order. */
struct journal_frame {
    uint32_t magic;
    uint32_t size;
    uint32_t kind;
};

struct journal_head {
    struct uuid writer_id;
    struct uuid instance_id;
    struct uuid boot_id;
    uint32_t slot;
    uint32_t number; /* of the file, from 1 */
    int64_t started_us;
    uint8_t texts[32]; /* journal_texts of the program that wrote it */
};

/* A job's payload: this, then per statement its name's length (1 byte), name, count of parameters (4
 * bytes), their lengths (4 bytes each; -1: NULL), and their bytes. */
struct journal_job {
    int64_t id; /* unique within the writer */
    int64_t sent_us;
};

/* Then `won` uuids: the payments that won their keys; these come before the end itself. */
struct journal_end {
    int64_t id;
    uint32_t is_done; /* 1 committed, 2 rolled back, 0: more of the same job follows */
    uint32_t won;
};

struct journal_probe {
    int64_t batch_no;
    int64_t is_committed;
};

struct journal_config {
    const char *folder; /* borrowed; made if need be */
    struct uuid writer_id;
    struct uuid instance_id;
    struct uuid boot_id;
    unsigned slot;
    int64_t started_us;
    int64_t keep_us;   /* older files are deleted */
    int64_t bytes_max; /* of all files: beyond it the oldest are deleted */
};

struct journal;

/* The first file is made at the first job. */
struct journal *journal_new(const struct journal_config *config);
void journal_free(struct journal **journal);

/* Whether a transaction with this statement is journaled, and this statement in it. */
bool journal_keeps(enum sql sql);
/* A digest of all statements that are journaled: another program may mean other columns. */
void journal_texts(uint8_t digest[32]);

/* One job at a time: put its statements, then append it. The number of a job that is begun. */
int64_t journal_begin(struct journal *journal);
void journal_put(struct journal *journal, enum sql sql, const struct params *params);
void journal_append(struct journal *journal);
/* What a statement of job `id` returned: which payments won their keys. */
void journal_result(struct journal *journal, int64_t id, enum sql sql, const PGresult *res);
void journal_end(struct journal *journal, int64_t id, bool is_done);
/* What became of a batch whose answer was lost. */
void journal_probed(struct journal *journal, int64_t batch_no, bool is_committed);

/* A statement whose result must come out the same when it is run again: who won a key, how many rows
 * were changed. */
bool journal_decides(enum sql sql);
/* What a row of such a result says: a payment, or a count in the guise of an id; false: it lost. */
bool journal_row_won(enum sql sql, const PGresult *res, int row, struct uuid *won);

#endif

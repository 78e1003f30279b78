/*
 * audit.h - what people did (docs/audit.md): who, when, what, of whom, and what came of it.
 *
 *     audit_begin   committed before anything is done: an act that cannot be recorded is not done
 *     audit_end     what was answered. An act without one is under way, or nobody knows what came of it
 *
 * Both are appended, never changed; the gateway's role may not. Repeating either changes nothing.
 */
#ifndef LEDGER_AUDIT_H
#define LEDGER_AUDIT_H

#include "base/id.h"
#include "ledger/blocking.h"
#include "ledger/store.h"

enum {
    AUDIT_DATA_MAX = 8192, /* bytes of data_json */
};

struct audit_act { /* strings are copied */
    struct uuid audit_id;
    struct uuid merchant_id; /* zero: the house's */
    struct uuid key_id;      /* zero: none */
    struct uuid session_id;  /* zero: none */
    int64_t begun_us;
    int64_t unrecorded; /* refused ones before this that have no row */
    struct str role;    /* "operator", "finance", "merchant", "system" or "nobody" */
    struct str actor;
    struct str action;
    struct str object;
    struct str address;
    struct str request;
    struct str data_json; /* an object */
};

struct audit_answer {
    int64_t ended_us; /* 0: there is none */
    int32_t status;
    struct str outcome; /* "done", "refused", "failed" or "unknown" */
    struct str code;
    struct str result; /* id of what came of it; empty: none */
    struct str state;  /* its status; empty: it has none */
};

/* done: FOUND once it is committed, or FAILED: perhaps it is. */
void audit_begin(struct store *store, const struct audit_act *act, store_count_fn done, void *ctx);
void audit_end(struct store *store, const struct uuid *audit_id, const struct audit_answer *answer,
               store_count_fn done, void *ctx);
/* Both at once: nothing was done. */
void audit_refused(struct store *store, const struct audit_act *act,
                   const struct audit_answer *answer, store_count_fn done, void *ctx);
/* The same for the command line. */
bool audit_begin_now(PGconn *conn, const struct audit_act *act, struct error *err) MUST_USE;
bool audit_end_now(PGconn *conn, const struct uuid *audit_id, const struct audit_answer *answer,
                   struct error *err) MUST_USE;

/* May a member or option of this name be kept? What may hold keys or personal data may not. */
bool audit_keeps(struct str name);

struct audit_filter {        /* newest first */
    struct uuid merchant_id; /* zero: all, and the house's */
    struct str actor;        /* empty: any; likewise the others */
    struct str action;
    struct str object;
    struct str outcome;
    int64_t from_us, to_us; /* begun, from included, to excluded; 0: open */
    struct uuid after;      /* cursor: older than this; zero: from the newest */
    unsigned limit;         /* 1..100 */
};

struct audit_row {
    struct audit_act act;
    struct audit_answer answer;
};
/* rows in the arena. */
typedef void (*audit_fn)(void *ctx, enum store_find found, const struct audit_row *rows,
                         size_t count, bool has_more, const struct error *why);
void audit_list(struct store *store, const struct audit_filter *filter, struct arena *arena,
                audit_fn done, void *ctx);

#endif

/*
 * admin_call.h - one administration call on its way (private to admin*.c).
 *
 * Each operation is a chain of continuations over the directory: `<operation>` starts it,
 * `..._done` goes on, admin_end or admin_fail ends it. What is found and made lives in the call.
 */
#ifndef API_ADMIN_CALL_H
#define API_ADMIN_CALL_H

#include "api/admin.h"
#include "base/arena.h"
#include "ledger/backtests.h"
#include "ledger/rules.h"
#include "payment/canary.h"

enum {
    ADMIN_ARENA_MAX = 256 * 1024 * 1024, /* every merchant or account there is */
    ADMIN_REPLY_MAX = 64 * 1024 * 1024,
    ADMIN_KEY_TEXT_SIZE = 64,
};

struct admin_rules { /* of a call about rule sets; what is read lies in its arena */
    struct rules_version version;
    struct rules_move move; /* to be written */
    const struct rules_move *moves;
    size_t move_count;
    const struct rules_version *versions;
    size_t version_count;
    struct str findings_json;
    struct backtests_row backtest; /* to be queued */
    bool needs_approval;
    unsigned rounds;
};

struct admin_call {
    struct admin_parts parts;
    enum admin_operation operation;
    json_t *body;    /* owned */
    struct str name; /* what the object was asked by */
    struct str author;
    struct uuid id;          /* zero: it was no id */
    struct uuid merchant_id; /* of a list; zero: all */
    admin_done_fn done;
    void *ctx;
    struct arena arena;
    struct loop_timer soon;
    struct buf out;
    struct admin_reply reply;

    struct admin_rules rules;
    struct directory_merchant live; /* the pair */
    struct directory_merchant test;
    bool is_live;           /* the id named the live one */
    struct str client_keys; /* to be bound */
    struct directory_account account;
    directory_done_fn put_done; /* after its fee table was kept */
    struct directory_key key;
    struct directory_key old_key; /* being replaced */
    char key_text[ADMIN_KEY_TEXT_SIZE];
    struct merchant_account built; /* under test */
    struct provider_request probe;
    bool is_probing; /* the engine knows `built` */
};

typedef void (*admin_fn)(struct admin_call *call);

/* Ends: the reply is given in the next tick. */
void admin_end(struct admin_call *call, int status); /* with what is in out */
void admin_fail(struct admin_call *call, enum message problem, const char *param,
                const char *format, ...) PRINTF_LIKE(4, 5);
/* True when found; else the call was ended: the database is away, or there is no such `what`. */
bool admin_found(struct admin_call *call, enum store_find found, const struct error *why,
                 const char *what) MUST_USE;
/* The same for a write: a change that other caches must see. */
bool admin_written(struct admin_call *call, enum store_find found,
                   const struct error *why) MUST_USE;

/* Members of the body. */
struct str admin_text(const struct admin_call *call, const char *name); /* kept; empty: none */
bool admin_flag(const struct admin_call *call, const char *name);
int64_t admin_number(const struct admin_call *call, const char *name, int64_t otherwise);
/* An id that a form has checked. */
struct uuid admin_id(enum id_kind kind, struct str text);

/* ,"created":"..." ; null when 0 */
void admin_put_time(struct json_out *json, const char *key, int64_t wall_us);
void admin_put_id(struct json_out *json, const char *key, enum id_kind kind, const struct uuid *id);
/* A list of what was loaded into `out`; false when the call has ended because nothing was found. */
bool admin_begin_list(struct admin_call *call, enum store_find found, const struct error *why,
                      struct json_out *json) MUST_USE;
void admin_end_list(struct admin_call *call, struct json_out *json); /* ends the call, too */

/* What starts each operation. */
void admin_merchant_create(struct admin_call *call);
void admin_merchant_list(struct admin_call *call);
void admin_merchant_show(struct admin_call *call);
void admin_merchant_disable(struct admin_call *call); /* and enable */
void admin_merchant_bind(struct admin_call *call);    /* and unbind */
void admin_merchant_limit(struct admin_call *call);
void admin_merchant_approval(struct admin_call *call);
void admin_account_create(struct admin_call *call);
void admin_account_list(struct admin_call *call);
void admin_account_show(struct admin_call *call);  /* and update, rotate, disable, enable, test */
void admin_account_probe(struct admin_call *call); /* the account was found */
void admin_hold_show(struct admin_call *call);     /* and set, plan, end */
void admin_rules_put(struct admin_call *call);
void admin_rules_list(struct admin_call *call);
void admin_rules_show(struct admin_call *call);
void admin_rules_diff(struct admin_call *call);
void admin_rules_check(struct admin_call *call);
void admin_rules_move(struct admin_call *call); /* publish, approve, roll back, stop */
void admin_rules_approval(struct admin_call *call);
void admin_rules_backtest(struct admin_call *call);
void admin_backtest_show(struct admin_call *call);
void admin_key_create(struct admin_call *call);
void admin_key_list(struct admin_call *call);
void admin_key_show(struct admin_call *call); /* and rotate, disable */

#endif

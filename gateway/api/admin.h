/*
 * admin.h - administration of merchants, accounts and keys: one implementation for /v1/admin and
 * for the command line.
 *
 *     admin_start(operation, id, body) -> field table -> rows read -> checked -> rows written
 *          -> reply
 *
 * The body is what the API takes (tables.h), the reply is the JSON object that it gives.
 * Credentials are only ever references ("file:NAME", "env:NAME"). The text of a new key is in one
 * reply, once.
 *
 * Names are the natural keys: creating what exists is a conflict that names it, or, with if_absent,
 * answers with what exists. So a repeat after a lost answer makes nothing twice.
 */
#ifndef API_ADMIN_H
#define API_ADMIN_H

#include "api/field.h"
#include "ledger/directory.h"
#include "payment/merchant.h"
#include "providers/engine.h"

enum admin_operation {
    ADMIN_NONE = 0,
    ADMIN_MERCHANT_CREATE,
    ADMIN_MERCHANT_LIST,
    ADMIN_MERCHANT_SHOW,
    ADMIN_MERCHANT_DISABLE,
    ADMIN_MERCHANT_ENABLE,
    ADMIN_MERCHANT_BIND,
    ADMIN_MERCHANT_UNBIND,
    ADMIN_MERCHANT_LIMIT,
    ADMIN_MERCHANT_APPROVAL,
    ADMIN_ACCOUNT_CREATE,
    ADMIN_ACCOUNT_LIST,
    ADMIN_ACCOUNT_SHOW,
    ADMIN_ACCOUNT_UPDATE,
    ADMIN_ACCOUNT_ROTATE,
    ADMIN_ACCOUNT_DISABLE,
    ADMIN_ACCOUNT_ENABLE,
    ADMIN_ACCOUNT_TEST,
    ADMIN_HOLD_SHOW,
    ADMIN_HOLD_SET,
    ADMIN_HOLD_PLAN,
    ADMIN_HOLD_END,
    ADMIN_KEY_CREATE,
    ADMIN_KEY_LIST,
    ADMIN_KEY_SHOW,
    ADMIN_KEY_ROTATE,
    ADMIN_KEY_DISABLE,
    ADMIN_RULES_PUT,
    ADMIN_RULES_LIST,
    ADMIN_RULES_SHOW,
    ADMIN_RULES_DIFF,
    ADMIN_RULES_CHECK,
    ADMIN_RULES_PUBLISH,
    ADMIN_RULES_APPROVE,
    ADMIN_RULES_ROLLBACK,
    ADMIN_RULES_STOP,
    ADMIN_RULES_APPROVAL,
    ADMIN_RULES_BACKTEST,
    ADMIN_BACKTEST_SHOW,
    ADMIN_OPERATION_COUNT,
};

struct admin_parts { /* borrowed, alive until the last reply */
    struct loop *loop;
    struct store *store;
    struct merchants *merchants; /* told of changes; NULL: none */
    struct engine *engine;       /* NULL: accounts cannot be tested */
    const struct merchants_config *config;
    const uint8_t *pepper;
    int64_t probe_ms;                   /* bound on a test call */
    void (*backtest_queued)(void *ctx); /* somebody may begin it now; NULL: nobody is told */
    void *backtest_ctx;
};

struct admin_request {
    enum admin_operation operation;
    struct str id;       /* of the object; empty: none; merchants also by name */
    struct str merchant; /* lists: of this merchant alone; empty: all there are. Rule sets: whose;
                            empty: the house's */
    struct str author;   /* who asks, for the record */
    const json_t *body;  /* an object; NULL: {} ; borrowed during the call */
};

struct admin_reply { /* borrowed during done */
    int status;
    struct str body;      /* JSON; empty when there is a problem */
    enum message problem; /* MESSAGE_NONE: done */
    struct field_problem wrong;
    struct str findings; /* INVALID_RULES: a JSON array; else empty */
    struct str location; /* of what was made, when it is elsewhere; else empty */
    int retry_after_s;   /* 0: the problem's own habit */
};
typedef void (*admin_done_fn)(void *ctx, const struct admin_reply *reply);

/* done exactly once, never before this returns, unless store or engine are freed first. parts is
 * copied. */
void admin_start(const struct admin_parts *parts, const struct admin_request *request,
                 admin_done_fn done, void *ctx);
/* The table that the body must satisfy; no_fields: none is taken. */
const struct field_set *admin_fields(enum admin_operation operation);

#endif

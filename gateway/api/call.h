/*
 * call.h - one request to the API on its way (private to gateway/api).
 *
 *     api_handle -> route -> key or session -> role -> query, body by their tables -> handler
 *        -> api_call_reply | api_call_problem, exactly once; the call is gone afterwards
 */
#ifndef API_CALL_H
#define API_CALL_H

#include "api/admin.h"
#include "api/api.h"
#include "api/cookie.h"
#include "api/field.h"
#include "base/list.h"
#include "http/route.h"

enum {
    CALL_BODY_MAX = 64 * 1024 * 1024, /* of an answer: a list of large payments */
    CALL_ARENA_MAX = 512 * 1024 * 1024,
    CALL_HEADER_MAX = 6,
};

enum { /* who may call: a set of roles */
       ROLE_ANYONE = 0,
       ROLE_MERCHANT = 1 << KEY_MERCHANT,
       ROLE_FINANCE = 1 << KEY_FINANCE,
       ROLE_OPERATOR = 1 << KEY_OPERATOR,
       ROLE_NAMES_MERCHANT = 1 << 16, /* no role: an operator says whose it is (whose.c), and fn has
                                         a merchant whoever calls */
};

struct intake;
struct payee_asking;
struct audit_pending;

struct api_call;
typedef void (*api_call_fn)(struct api_call *call);

struct endpoint { /* one line of the API: who, what goes in, what it does; routes.c holds the table
                   */
    enum http_method method;
    const char *path;
    const char *name; /* operationId */
    const char *summary;
    unsigned roles;
    bool has_key;                  /* needs an Idempotency-Key */
    const struct field_set *query; /* never NULL */
    const struct field_set *body;  /* NULL: none is taken */
    api_call_fn fn;
    enum admin_operation admin;
    int status;           /* of success */
    const char *response; /* schema of its body */
};

extern const struct endpoint api_endpoints[];
extern const size_t api_endpoint_count;
/* Beyond the listener's usual limit a body is read only where this allows it. */
extern size_t api_endpoint_body_max(const struct endpoint *endpoint);
/* The same as routes; tag is the index of the endpoint. */
extern const struct route *api_routes(void);

struct api {
    struct api_parts parts;
    struct streams *streams;   /* owned; of events: event_stream.c */
    struct link board_streams; /* of provider boards: board_stream.c */
    size_t board_stream_count;
    struct link downloads; /* of files: download.c */
    size_t download_count;
    struct admin_parts admin;
    struct link calls;
    unsigned intake_count; /* batches being taken in */
    struct buf openapi;    /* printed once */
    struct endeds *endeds; /* owned: sessions that were ended */
    int64_t audit_full_us; /* audit.c: when there is room for all refused acts again */
    int64_t audit_unrecorded;
};

struct api_call {
    struct link link;
    struct api *api;         /* borrowed */
    struct http_exchange *x; /* until the answer */
    const struct endpoint *endpoint;
    struct route_params params;
    struct caller caller; /* its merchant is held */
    bool has_caller;
    bool is_asking;              /* a large body waits: it is read only for who may call */
    uint8_t digest[SHA256_SIZE]; /* of its key */
    struct session session;
    bool has_session; /* it came with the session's cookie, not with a key */
    bool has_paid;    /* with a token of its address, for the look-up of its key */
    struct admission_ticket ticket;
    json_t *body;                /* owned; NULL: none */
    struct intake *intake;       /* owned; NULL: none */
    struct audit_pending *audit; /* owned; NULL: not an act of a person, or not yet recorded */
    enum message problem;        /* that is being told; MESSAGE_NONE: none */
    struct payee_asking *payee;  /* asked at this moment; NULL: none */
    struct arena arena;          /* what reads bring */
    struct http_header header[CALL_HEADER_MAX];
    size_t header_count;
};

/* api.c: the key of this digest calls. Ends the call, or hands it to its endpoint. */
void api_call_look_up(struct api_call *call, const uint8_t digest[SHA256_SIZE]);
/* It has no valid key: 401, or 429 for too many such. */
void api_call_refuse_caller(struct api_call *call, struct str detail);
/* Read and check the body as the endpoint's table says. False: *problem says what is wrong. */
bool api_call_read_body(struct api_call *call, struct field_problem *problem) MUST_USE;

/* session.c. A request with our cookie; sign-in: the key stands in the body. Both as api_call_look_up. */
void session_authenticate(struct api_call *call, struct str cookie);
void session_sign_in(struct api_call *call);
/* For those who go on for long: has it expired, or was it ended? Known a second late. */
bool session_is_over(struct api *api, const struct session *session);

/* admit.c: what a request must pass before anything is done for it. False: it was answered. */
bool admit_caller(struct api_call *call);                   /* its key is valid */
bool admit_large_body(struct api_call *call);               /* the same, before its body is read */
bool admit_look_up(struct api_call *call, struct str name); /* its key is not known here */
void admit_looked_up(struct api_call *call);                /* ... and could be a valid one */
bool admit_stranger(struct api_call *call);                 /* it has no valid key */
/* Admitted as a repeat, and there is nothing under its key: ends the call. */
void api_call_no_repeat(struct api_call *call);

/* Whoever has copied what the request says gives its memory back: most calls then wait long. */
void api_call_forget_request(struct api_call *call);
void api_call_reply(struct api_call *call, int status, struct str content_type, struct str body);
void api_call_reply_json(struct api_call *call, int status, const struct buf *body);
void api_call_add_header(struct api_call *call, const char *name,
                         struct str value); /* kept until the end */
/* retry_after_s 0: the entry's own habit. */
void api_call_problem(struct api_call *call, enum message problem, struct str detail,
                      struct str param);
void api_call_problem_full(struct api_call *call, enum message problem, struct str detail,
                           struct str param, struct str payment_id, int retry_after_s);
/* INVALID_RULES, with all that was found. */
void api_call_findings(struct api_call *call, struct str detail, struct str findings_json);
/* The answer is an event stream from now on (http_stream_start); the call is gone. */
struct http_stream *api_call_stream(struct api_call *call, http_gone_fn gone, void *ctx);
/* The same for a body of known size, sent piece by piece, with the headers that were added. */
struct http_stream *api_call_stream_sized(struct api_call *call, struct str content_type,
                                          uint64_t size, http_gone_fn gone, void *ctx);
void api_call_unavailable(struct api_call *call);
/* A query parameter that the table has checked; false when it is absent. */
bool api_call_query(struct api_call *call, const char *name, struct str *value);

/* whose.c. Goes on with the merchant whose data is meant as the caller's: its own, or the one that an operator's query
 * names (?merchant=mer_...); perhaps later. Else the call was answered. */
void api_call_whose(struct api_call *call, api_call_fn then);

/* call_key.c. The Idempotency-Key, in the call's arena; false: the call was answered. */
bool api_call_key(struct api_call *call, struct str *key);
/* What the driver says of a payment or payout. */
void api_call_reply_created(struct api_call *call, const struct payment_reply *reply);
/* The stored answer of a key, byte for byte. */
void api_call_replay(struct api_call *call, const struct store_answer *answer);

/* Handlers. */
void payments_create(struct api_call *call);
void payments_show(struct api_call *call);
void payments_list(struct api_call *call);
void payments_events(struct api_call *call);
void events_show(struct api_call *call);
void events_query(struct api_call *call);
void event_stream_start(struct api_call *call);
void event_streams_init(struct api *api);
void event_streams_free(struct api *api); /* with those whose client is not yet known to be gone */
void payments_cancel(struct api_call *call);
void captures_create(struct api_call *call);
void captures_show(struct api_call *call);
void captures_list(struct api_call *call);
void voids_create(struct api_call *call);
void voids_show(struct api_call *call);
void refunds_create(struct api_call *call);
void reauthorizations_create(struct api_call *call);
void reauthorizations_show(struct api_call *call);
void refunds_show(struct api_call *call);
void refunds_list(struct api_call *call);
void operations_list(struct api_call *call);
void providers_list(struct api_call *call);
void providers_series(struct api_call *call);
void currencies_list(struct api_call *call);
void board_stream_start(struct api_call *call);
void board_streams_free(struct api *api); /* like event_streams_free */
void reports_levels(struct api_call *call);
void reports_process(struct api_call *call);
void reports_routing(struct api_call *call);
void ledger_accounts_list(struct api_call *call);
void ledger_transfers_list(struct api_call *call);
void ledger_transfers_show(struct api_call *call);
void ledger_balances_show(struct api_call *call);
void ledger_statements_list(struct api_call *call);
void ledger_exports_create(struct api_call *call);
void ledger_exports_list(struct api_call *call);
void ledger_exports_show(struct api_call *call);
void ledger_exports_content(struct api_call *call);
void admin_handle(struct api_call *call);
void rules_handle(struct api_call *call);
void routing_explain(struct api_call *call);
void openapi_show(struct api_call *call);
void audit_query(struct api_call *call); /* audit.c */
void session_create(struct api_call *call);
void session_show(struct api_call *call);
void session_delete(struct api_call *call);
void payouts_create(struct api_call *call);
void payouts_show(struct api_call *call);
void payouts_list(struct api_call *call);
void payouts_approve(struct api_call *call);
void payouts_reject(struct api_call *call);
void payouts_cancel(struct api_call *call);
void intake_start(struct api_call *call);
void batches_show(struct api_call *call);
void batches_list(struct api_call *call);
void batches_rows(struct api_call *call);
void batches_approve(struct api_call *call);
void batches_reject(struct api_call *call);
void batches_cancel(struct api_call *call);
void payees_link(struct api_call *call);
void payees_show(struct api_call *call);
void reviews_list(struct api_call *call);
void reviews_show(struct api_call *call);
void reviews_resolve(struct api_call *call);
void reviews_unresolved(struct api_call *call);
void hook_endpoints_create(struct api_call *call);
void hook_endpoints_list(struct api_call *call);
void hook_endpoints_show(struct api_call *call);
void hook_endpoints_update(struct api_call *call);
void hook_endpoints_delete(struct api_call *call);
void hook_endpoints_rotate(struct api_call *call);
void hook_endpoints_test(struct api_call *call);
void hook_endpoints_replay(struct api_call *call);
void hook_deliveries_list(struct api_call *call);
void hook_deliveries_show(struct api_call *call);
void hook_deliveries_replay(struct api_call *call);

#endif

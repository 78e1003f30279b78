/*
 * engine.h - does what adapters only describe: connections, tokens, time-outs (libcurl multi in the
 * loop).
 *
 * The PREREQ rule (design section 3): libcurl sends a request again by itself when a reused
 * connection dies early, and may then report "couldn't connect". So CURLOPT_PREREQFUNCTION marks
 * the send as LEFT at its first call, aborts at a second call, and aborts when `not_after` has
 * passed. `left` in the result is true if that callback ever let the request go; error codes never
 * decide. A kept connection that ended while idle is refused before that mark, and the request goes
 * out on a fresh one: not a failure of the provider, and nobody is told.
 *
 * One engine per worker. Connections are kept per account origin; answers are capped; TLS is always
 * verified (account ca_file or system store); no redirects, no proxies, https only.
 */
#ifndef PROVIDERS_ENGINE_H
#define PROVIDERS_ENGINE_H

#include "base/loop.h"
#include "providers/provider.h"

struct engine;
struct engine_send;

struct engine_config {
    int64_t connect_ms; /* 3,000: TCP and TLS */
    int64_t answer_ms;  /* 30,000: whole call, from start to last byte; must be below the lease */
    int64_t token_ms;   /* 5,000: fetching a token */
    size_t answer_bytes_max; /* 262,144 */
    size_t in_flight_max;    /* 4,096 sends in one worker; beyond it ERROR_BUSY, nothing left */
    size_t connections_per_host_max; /* 1,280; beyond it sends wait for one another in libcurl */
};
extern const struct engine_config engine_config_default;

enum engine_end {
    ENGINE_ANSWERED = 0, /* a whole answer is there */
    ENGINE_NOT_SENT,     /* no byte left: connect refused, TLS, DNS, token, expired, busy */
    ENGINE_LOST,         /* it left, and no whole answer came: unknown */
};

struct engine_result { /* valid during done only */
    enum engine_end end;
    bool left;    /* end == ENGINE_NOT_SENT exactly when false */
    bool is_ours; /* NOT_SENT: busy or expired; says nothing of the provider */
    /*
     * Why there is no answer. NOT_SENT: connect_refused, connect_timeout, connect_failed,
     * tls_failed, dns_failed, token_refused, token_unavailable, expired, busy. LOST: timeout,
     * reset, closed, too_large, unreadable, lost. For people and statistics: the words decide
     * nothing.
     */
    char reason[PROVIDER_REASON_MAX];
    struct provider_answer answer;
    int64_t elapsed_us; /* from engine_send_start; token time excluded */
    int64_t left_us;    /* monotonic time when it left; 0 when it did not */
};
typedef void (*engine_done_fn)(void *ctx, const struct engine_result *result);

struct engine *engine_new(struct loop *loop, const struct engine_config *config);
void engine_free(struct engine **engine); /* running sends are dropped without done */

/*
 * Start one send. `request` and `account` are borrowed until done. not_after_us: monotonic; past it
 * the request does not leave, nor when so much has passed on the wall clock (the monotonic one
 * stands still while a machine is suspended). done is called exactly once, never before this
 * returns. Never NULL.
 */
struct engine_send *engine_send_start(struct engine *engine, const struct provider_account *account,
                                      const struct provider_request *request, int64_t not_after_us,
                                      engine_done_fn done, void *ctx);
/* done will not be called. What left has left: only for shutting down. */
void engine_send_cancel(struct engine_send *send);
/*
 * A 401 was judged: the next send of this account fetches a new token. Of many sends that got a 401
 * with one token only the first call drops it: a token fetched since then survives.
 */
void engine_forget_token(struct engine *engine, const struct provider_account *account);
/* The account's settings changed or it is freed: tokens and handles that borrow it are dropped. */
void engine_forget_account(struct engine *engine, const struct uuid *account_id);
size_t engine_in_flight(const struct engine *engine);

#endif

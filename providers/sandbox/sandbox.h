/*
 * sandbox.h - the providers' APIs as a local program, badly behaved on request, with books of its
 * own.
 *
 *                    +-- common port (the one of listen_fd): every provider and the control API
 *     http servers --+-- port + 1: paypal, paypal_payouts  (the fault `refuse` closes its listening
 *          |         +-- port + 2: payoneer                 socket, or resets a part of its
 *          |         +-- port + 3: payoneer_payouts         connections)
 *          |
 *     request -> classify -> fault plan -> dialect, or control API -> journal -> answer
 *
 * The effect of a request is written to the journal (books_file, one line a change) before its
 * answer leaves, so that books, idempotency keys, orders and lists survive any death of the
 * process. The base latency delays the answer, not the effect. Anybody may use the provider APIs;
 * the control API (/books, /requests, /faults, /settings, /settle, /hooks, /reset) answers to
 * loopback addresses only. What happened is told by webhook, signed, to who is registered (hooks.h).
 *
 * What each fault does, the sandbox tokens, and the words in a payout's recipient are listed in
 * faults.h, scenario.h and payout_plan.h.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"

enum sandbox_port {
    SANDBOX_PORT_COMMON = 0,
    SANDBOX_PORT_PAYPAL,           /* config.port + 1 */
    SANDBOX_PORT_PAYONEER,         /* config.port + 2 */
    SANDBOX_PORT_PAYONEER_PAYOUTS, /* config.port + 3 */
    SANDBOX_PORT_COUNT,
};

struct sandbox_config {           /* strings are borrowed until sandbox_free */
    const char *address;          /* "127.0.0.1"; the providers' own ports listen here too */
    int port;                     /* of listen_fd; 0 (tests): the kernel picks the others as well */
    const char *certificate_file; /* PEM chain; NULL: plain HTTP (tests) */
    const char *key_file;
    const char *books_file;   /* the journal, made when absent; NULL: nothing survives (tests) */
    int64_t delay_ms;         /* base latency of provider answers */
    const char *hook_ca_file; /* whom webhooks are sent to is trusted by it; NULL: by the system */
    const char *hook_certificate_file; /* PEM chain and RSA key that PayPal's webhooks are signed */
    const char *hook_key_file; /* with; NULL: one of its own, with an authority of its own */
};
extern const struct sandbox_config sandbox_config_default; /* 127.0.0.1, 9443, 50 ms */

struct sandbox;

/*
 * Replay the journal and serve on listen_fd (common port, made by the caller with http_listen,
 * stays the caller's) and on the providers' own ports. NULL with *err: which file or port, and why.
 */
struct sandbox *sandbox_new(struct loop *loop, int listen_fd, const struct sandbox_config *config,
                            struct error *err) MUST_USE;
/* Stop accepting; answers in the making are still sent. */
void sandbox_drain(struct sandbox *sandbox);
void sandbox_free(struct sandbox **sandbox);
/* The port actually used; 0 while `refuse` keeps it closed. */
int sandbox_port(const struct sandbox *sandbox, enum sandbox_port which);

#endif

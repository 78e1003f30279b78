/*
 * hook_wire.h - the webhooks of hooks.h on their way: libcurl in the sandbox's loop, at most
 * HOOK_WIRE_MAX at once, each answered within HOOK_WIRE_ANSWER_MS or not at all.
 */
#ifndef SANDBOX_HOOK_WIRE_H
#define SANDBOX_HOOK_WIRE_H

#include "base/loop.h"
#include "providers/sandbox/hooks.h"

enum {
    HOOK_WIRE_MAX = 32,
    HOOK_WIRE_CONNECT_MS = 5000,
    HOOK_WIRE_ANSWER_MS = 30000,
};

struct hook_wire;
typedef void (*hook_wire_fn)(void *ctx);

/* ca_file: what receivers' certificates must chain to; NULL: the system's. `told` is called after
 * each try. hooks is borrowed. */
struct hook_wire *hook_wire_new(struct loop *loop, struct hooks *hooks, const char *ca_file,
                                hook_wire_fn told, void *ctx);
/* What is being sent ends untold. */
void hook_wire_free(struct hook_wire **wire);
/* Send what is due; returns when there is something again: INT64_MAX, never. */
int64_t hook_wire_send(struct hook_wire *wire, int64_t now_us);

#endif

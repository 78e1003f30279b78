/*
 * ops.h - the operations listener: /livez, /readyz, /metrics, /dashboard and its event stream.
 *
 * Without login, so it belongs on loopback or behind client certificates (docs/operations.md). It
 * shows provider health and the newest payments (id, amount, status), never whose they are.
 */
#ifndef DASHBOARD_OPS_H
#define DASHBOARD_OPS_H

#include "http/server.h"
#include "ledger/store.h"
#include "router/health.h"

struct ops;

struct ops_parts { /* borrowed */
    struct loop *loop;
    struct store *store;
    struct health *health;
    const char *schema_version; /* the newest migration: readyz wants it applied; "": not asked */
    bool (*is_draining)(void *ctx); /* readyz answers 503 while true */
    void *draining_ctx;
};

struct ops *ops_new(const struct ops_parts *parts);
void ops_free(struct ops **ops);
/* An http_handler_fn; ctx is the struct ops. */
void ops_handle(struct http_exchange *x, void *ops);

#endif

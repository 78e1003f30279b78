/*
 * ops.h - the operations listener: /livez, /readyz, /metrics, and the JSON of a status page.
 *
 * Without login, so it belongs on loopback or behind client certificates (docs/operations.md). It
 * shows how accounts of providers do, by their ids, never whose they are.
 */
#ifndef DASHBOARD_OPS_H
#define DASHBOARD_OPS_H

#include "http/server.h"
#include "ledger/store.h"
#include "payment/boards.h"

struct ops;

struct ops_workers {        /* the processes of this gateway */
    unsigned generation;    /* each reload adds one */
    unsigned wanted;        /* workers of a generation */
    unsigned serving;       /* of the new generation and of the old one while it still accepts */
    unsigned draining;      /* of older generations */
    unsigned crash_looping; /* die again and again: readyz answers 503 */
    bool is_stopping;       /* readyz answers 503 */
    bool is_restoring;      /* likewise: providers are asked about so many attempts first */
    int64_t restore_left;
};

struct ops_parts { /* borrowed */
    struct loop *loop;
    struct store *store;
    const struct boards *boards;
    const char *schema_version; /* the newest migration: readyz wants it applied; "": not asked */
    void (*read_workers)(void *ctx, struct ops_workers *workers);
    void *workers_ctx;
};

struct ops *ops_new(const struct ops_parts *parts);
void ops_free(struct ops **ops);
/*
 * Answer with all metrics: OpenMetrics where the Accept header prefers it, else Prometheus text, also
 * to who asks for neither (a person with a browser).
 */
void ops_reply_metrics(struct http_exchange *x);
/* The ledger is connected and its schema known to be current: this worker can serve. */
bool ops_can_serve(const struct ops *ops);
/* An http_handler_fn; ctx is the struct ops. */
void ops_handle(struct http_exchange *x, void *ops);

#endif

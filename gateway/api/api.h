/*
 * api.h - the merchants' HTTPS interface: /v1/... and /openapi.json.
 *
 *     exchange -> route table -> key, role -> body by field table
 *          -> payment module, or reads of the ledger
 *
 * One struct api per worker. The same table of routes says which roles may call what and emits the
 * OpenAPI document.
 */
#ifndef API_API_H
#define API_API_H

#include "http/egress.h"
#include "http/server.h"
#include "payment/boards.h"
#include "payment/order.h"
#include "payment/payment.h"

struct api;

struct api_parts { /* borrowed, alive as long as the api */
    struct loop *loop;
    struct store *store;
    struct payments *payments;
    struct orders *orders;
    struct merchants *merchants;
    struct health *health;
    struct boards *boards;
    struct admission *admission; /* NULL: nothing is limited */
    struct engine *engine;
    const struct merchants_config *merchants_config;
    const uint8_t *pepper;                 /* 32 bytes: new keys */
    const uint8_t *seal_key;               /* AEAD_KEY_SIZE: payouts that wait */
    const uint8_t *position_key;           /* POSITION_KEY_SIZE: where event streams stand */
    const uint8_t *session_key;            /* AEAD_KEY_SIZE: cookies of people who signed in */
    const struct egress_rules *egress;     /* where merchants' webhooks may go */
    const char *exports_folder;            /* files of exports; NULL or empty: none are made */
    int64_t exports_keep_us;               /* ... are removed after this */
    unsigned exports_open_max;             /* of a merchant, made or waiting */
    size_t event_streams_max;              /* of this worker */
    size_t event_streams_per_merchant_max; /* ... of one merchant */
    int64_t answer_ms;                     /* bound on reads and administration calls */
    void (*backtest_queued)(void *ctx);    /* NULL: nobody is told */
    void *backtest_ctx;
};

struct api *api_new(const struct api_parts *parts);
void api_free(struct api **api);
/* An http_handler_fn; ctx is the struct api. */
void api_handle(struct http_exchange *x, void *api);
/* The same for large_body of the listener: a route that takes it, and a key that may call. */
void api_handle_large(struct http_exchange *x, void *api);
/* The OpenAPI 3.1 document of everything the api takes, from its own tables. */
void api_print_openapi(struct buf *out);

#endif

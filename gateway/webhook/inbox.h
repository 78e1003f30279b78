/*
 * inbox.h - webhooks of providers: POST /webhooks/{provider}/{account}.
 *
 *     request -> whose account? -> merchant -> verify_webhook (certificate: webhook_keys.h)
 *          404 <----'---------------'              | genuine            '---> 400, 401: nothing is kept
 *                                                  v
 *                          parse_webhook -> one INSERT, sealed -> 200 after its commit
 *                                                  |
 *                          claim (lease) -> apply: the attempt is due for a look at the provider
 *
 * What a webhook says is a hint. It books nothing: it makes the attempt it is about due at once, and
 * whoever claims that asks the provider. A repeat is kept once and answered 200 again; what is not
 * to be believed is told without a reason, and logged with one. Nothing here logs a body.
 *
 * Bounded: webhooks in hand, those of one account a second, what strangers of one address may guess
 * (admission.h), what waits for a certificate. One that cannot be applied waits by itself, longer
 * each time, and is given up in the end: dead, with its reason, and counted.
 */
#ifndef WEBHOOK_INBOX_H
#define WEBHOOK_INBOX_H

#include "http/server.h"
#include "payment/admission.h"
#include "payment/merchant.h"
#include "providers/engine.h"

struct inbox;

struct inbox_config {
    int64_t interval_ms;  /* 1,000: how often due webhooks are looked for */
    size_t in_hand_max;   /* 512: webhooks of one worker that are not answered */
    int64_t rate;         /* 200 a second of one account, of one worker */
    int64_t burst;        /* 1,000 of them at once */
    int64_t lease_ms;     /* 30,000 */
    int64_t retry_ms;     /* 2,000: nothing is known by its reference; doubled each time */
    int64_t retry_max_ms; /* 3,600,000 */
    unsigned tries_max;   /* 24 */
    int64_t alert_ms;     /* 600,000: waiting for so long is worth a warning */
};
extern const struct inbox_config inbox_config_default;

struct inbox_parts { /* borrowed, alive as long as the inbox */
    struct loop *loop;
    struct store *store;
    struct merchants *merchants;
    struct admission *admission; /* NULL: strangers are not limited */
    const struct engine_config
        *engine;             /* of the provider connections: certificates are fetched likewise */
    const uint8_t *seal_key; /* AEAD_KEY_SIZE */
};

struct inbox *inbox_new(const struct inbox_config *config, const struct inbox_parts *parts);
void inbox_free(struct inbox **inbox); /* who waits gets no answer */
/* Is this request one for inbox_handle? */
bool inbox_takes(const struct http_exchange *x);
/* An http_handler_fn; ctx is the struct inbox. */
void inbox_handle(struct http_exchange *x, void *inbox);
/* No new claims; true once nothing is in hand. */
bool inbox_drain(struct inbox *inbox);

#endif

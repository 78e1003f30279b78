/*
 * out.h - tells merchants' endpoints what happened: claims deliveries (ledger/hooks.h), signs and
 * sends them, and says how they ended.
 *
 *     hooks_claim -> the payment as GET shows it -> body, signature -> POST -> verdict -> hooks_end
 *        ^                                                                                   |
 *        '------------------------- at once, when there was more ----------------------------'
 *
 * Every worker of every gateway does it; the lease says who has which. A worker that dies takes
 * nothing with it: what it had in hand is due again when its lease ends, and may be told twice. No
 * payment waits for any of this: it happens beside them, within limits of its own.
 *
 * The body is Standard Webhooks': {"id","type","timestamp","livemode","data"}. data is the payment or
 * payout as it is when it is sent, not as it was at the time of the event.
 */
#ifndef WEBHOOK_OUT_H
#define WEBHOOK_OUT_H

#include "ledger/store.h"
#include "webhook/out_http.h"

enum {
    OUT_BODY_MAX = 256 * 1024, /* beyond it data is but id and object, and "truncated" is true */
};
#define OUT_PING   "webhook.ping" /* the type of a test */
#define OUT_REPORT "report.ready" /* of a report that was made */

struct out_config {
    int64_t interval_ms;    /* 250: due deliveries are looked for */
    unsigned in_flight_max; /* 64: being sent by one worker */
    unsigned endpoint_max;  /* 8: of one endpoint in all workers' hands, about */
    int64_t connect_ms;     /* 5,000: name, TCP and TLS */
    int64_t answer_ms;      /* 20,000: a whole try */
};
extern const struct out_config out_config_default;

struct out_parts { /* borrowed for the life of it */
    struct loop *loop;
    struct store *store;
    const uint8_t *seal_key; /* AEAD_KEY_SIZE */
    const struct out_schedule *schedule;
    const struct egress_rules *rules;
    const char *ca_file; /* "": the system's trust store */
};

struct out;

struct out *out_new(const struct out_config *config, const struct out_parts *parts);
void out_free(struct out **out); /* what is under way ends unheard */
/*
 * Claim nothing any more; after a few seconds put back what is still under way. True: nothing is
 * left. Ask again until it is.
 */
bool out_drain(struct out *out);

#endif

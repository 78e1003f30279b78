/*
 * webhook_keys.h - the keys of providers' certificates, fetched once and kept for a while.
 *
 *     ABSENT --fetch--> FETCHING --checked--> KNOWN --an hour later--> FETCHING --no answer--> KNOWN
 *                          |                    |
 *                          +--- refused --------+--> REFUSED (remembered for a minute)
 *
 * Many webhooks that wait for one certificate cause one fetch. Addresses come from whoever sends a
 * webhook, so everything is bounded: fetches under way, who waits for them, how often an address
 * that is not known to be good is asked for, and how many are kept. A certificate that was good is
 * never given up for one that is not, and works on while its address does not answer.
 */
#ifndef PROVIDERS_WEBHOOK_KEYS_H
#define PROVIDERS_WEBHOOK_KEYS_H

#include "providers/engine.h"

enum {
    WEBHOOK_KEY_MAX = 64,           /* kept, good and bad */
    WEBHOOK_KEY_FETCH_MAX = 4,      /* under way */
    WEBHOOK_KEY_WAIT_MAX = 256,     /* webhooks that wait, in all */
    WEBHOOK_KEY_STRANGER_BURST = 8, /* fetches of addresses not known to be good, at once */
    WEBHOOK_KEY_STRANGER_S = 2,     /* and one more each so many seconds */
    WEBHOOK_KEY_FRESH_S = 3600,
    WEBHOOK_KEY_REFUSED_S = 60,
};

struct webhook_keys;
struct webhook_wait;

enum webhook_key_find {
    WEBHOOK_KEY_FOUND = 0,
    WEBHOOK_KEY_REFUSED,     /* there is none that can be believed */
    WEBHOOK_KEY_UNAVAILABLE, /* not now: its address does not answer, or too many are asked for */
};

struct webhook_keys *webhook_keys_new(struct loop *loop, const struct engine_config *config);
void webhook_keys_free(struct webhook_keys **keys); /* who waits is not told */

/* At once, when it is known and fresh; else NULL. Valid until the loop ticks. */
const struct webhook_key *webhook_keys_find(struct webhook_keys *keys,
                                            const struct provider_account *account,
                                            const struct provider_check *check);
/* key: when FOUND, valid during the call only. why: a literal, or the fetch's own reason. */
typedef void (*webhook_key_fn)(void *ctx, enum webhook_key_find found,
                               const struct webhook_key *key, const char *why);
/*
 * done is called exactly once, never before this returns; NULL: too many wait, done is not called.
 * account and check are not needed afterwards.
 */
struct webhook_wait *webhook_keys_fetch(struct webhook_keys *keys,
                                        const struct provider_account *account,
                                        const struct provider_check *check, webhook_key_fn done,
                                        void *ctx);
void webhook_wait_cancel(struct webhook_wait *wait); /* done will not be called */

#endif

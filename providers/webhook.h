/*
 * webhook.h - what the adapters' webhooks share: reading headers, queries and bodies with suspicion.
 *
 * Everything here is pure. A header or parameter that stands twice is none: what one program takes
 * from the first another takes from the last.
 */
#ifndef PROVIDERS_WEBHOOK_H
#define PROVIDERS_WEBHOOK_H

#include "providers/provider.h"

enum {
    WEBHOOK_AHEAD_S = 300, /* so far a signature's time may be ahead of our clock */
};

/* *check gets the verdict and its reason, a literal. */
void webhook_judge(struct provider_check *check, enum provider_verdict verdict, const char *reason);
/* The header's value; false when it is absent, empty, or there twice. */
bool webhook_header(const struct provider_webhook *webhook, const char *name, struct str *value);
/* The parameter's value, not decoded; false when it is absent, empty, or there twice. */
bool webhook_query(const struct provider_webhook *webhook, const char *name, struct str *value);
/* The body as a JSON object; NULL when it is none that we accept. The caller owns the reference. */
json_t *webhook_parse_body(const struct provider_webhook *webhook);
/* "webhook_window_s" of the account, else fallback_s. */
int64_t webhook_window_s(const struct provider_account *account, int64_t fallback_s);
/* That webhook_window_s, if it is set, is a number of 1 to 864000. */
bool webhook_check_window(const struct provider_account *account, struct error *err) MUST_USE;
/* GENUINE when `signed_us` is at most window_s back and WEBHOOK_AHEAD_S ahead of now, else STALE. */
void webhook_judge_time(struct provider_check *check, const struct provider_webhook *webhook,
                        int64_t signed_us, int64_t window_s);
/* Where there is no id: 64 hexadecimal digits that are the same for the same text and body. */
struct str webhook_digest(struct str text, struct str body, struct arena *arena);
/* The value when it may be kept as an id (printable ASCII, at most `size` bytes), else empty. */
struct str webhook_id(struct str value, size_t size, struct arena *arena);
/* Add an id of the provider's to the hint; one that is empty, unfit or there already is left out. */
void webhook_add_reference(struct provider_hint *hint, struct str id, struct arena *arena);
/* "2026-11-22T08:20:00Z", with up to six decimals, and "+0000" or "+00:00" for "Z"; else 0. */
int64_t webhook_time_us(struct str text);

#endif

/*
 * measures.h - how payments proceed, as people see it (docs/process.md): printed for the API and the
 * page, and set as metrics, from the same rows.
 */
#ifndef PAYMENT_MEASURES_H
#define PAYMENT_MEASURES_H

#include "base/json.h"
#include "ledger/measures.h"

struct measures_span { /* whole hours, wall clock */
    int64_t from_us;
    int64_t to_us;
};

/*
 * "1h", "24h", "7d", "30d" (empty: 24h): so many whole hours before now's, and this one. With `from`
 * (a day or whole hour) from then to `to`, or to the end of now's hour, at most 92 days. ERROR_INVALID
 * says what is wrong, and *member which of the three.
 */
bool measures_span(struct str window, struct str from, struct str to, int64_t now_us,
                   struct measures_span *span, const char **member, struct error *err) MUST_USE;
/*
 * {"object":"process","from","to","processes":[...],"steps":[...],"stuck":[...],"resources":...}.
 * Resources are of this gateway, now: null unless has_resources.
 */
void measures_print(const struct measures *measures, const struct measures_span *span,
                    bool has_resources, struct json_out *out);
/* The gauges turnpike_process_...: of the last 24 hours, all merchants. */
void measures_publish(const struct measures *measures);

#endif

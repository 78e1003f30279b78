/*
 * levels.h - service levels of provider accounts by month, as merchants, operators and the
 * dashboard see them.
 */
#ifndef PAYMENT_LEVELS_H
#define PAYMENT_LEVELS_H

#include "base/json.h"
#include "ledger/levels.h"

/* "2026-11": its first moment and that of the next month, UTC. */
bool levels_month(struct str text, int64_t *from_us, int64_t *to_us, struct error *err) MUST_USE;
/* The month of this moment, "2026-11". */
struct str levels_month_of(int64_t wall_us, char out[8]);
/*
 * One JSON object: {"object":"service_levels","month","data":[{"merchant","account","provider",
 * "name","attempts","approved","declined","failed","unknown","still_unknown","success_rate",
 * "unknown_rate","availability","minutes_asked","minutes_answered","latency_ms":{...}|null,
 * "cost":[{"currency","expected","booked"}]}]}. Rates have six decimals.
 */
void levels_print(const struct levels *levels, struct str month, struct json_out *out);

#endif

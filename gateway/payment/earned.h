/*
 * earned.h - what routing earned, as merchants, operators and the command line see it.
 */
#ifndef PAYMENT_EARNED_H
#define PAYMENT_EARNED_H

#include "base/json.h"
#include "ledger/earned.h"

enum {
    EARNED_DAYS_MAX = 92,
};

/* "2026-11-01" or a time; empty: 30 days before now. False: neither, or longer ago than
 * EARNED_DAYS_MAX, or in the future. */
bool earned_since(struct str text, int64_t now_us, int64_t *since_us, struct error *err) MUST_USE;
/*
 * One JSON object: {"object":"routing_earned","since","until","data":[{"merchant","currency","payments",
 * "approved_at_once","recovered":{"payments","amount","expected_fees"},"fees":{"payments",
 * "below_dearest","below_average","above_cheapest"}}]}. Money is in minor units.
 */
void earned_print(const struct earned *earned, int64_t since_us, int64_t until_us,
                  struct json_out *out);
void earned_print_text(const struct earned *earned, struct buf *out);

#endif

/*
 * explain_read.h - the body of an explanation: a payment or a payout as it would be sent, and by
 * which rules and when. The command line reads the same.
 *
 *     {"payment": {...}, "version": 7, "at": "2026-12-24T22:30:00Z"}
 */
#ifndef API_EXPLAIN_READ_H
#define API_EXPLAIN_READ_H

#include "api/field.h"
#include "payment/order_request.h"

struct explain_read {
    struct order_request payout; /* its request: of a payment, too */
    int32_t version;             /* 0: the live one */
    int64_t at_us;               /* 0: now */
};

/*
 * Of a body that explain_fields took. Strings are borrowed from the body, or live in arena; *out is
 * not moved afterwards. False: *problem says what is wrong, and with which member of the body.
 */
bool explain_read(json_t *body, bool livemode, struct arena *arena, struct explain_read *out,
                  struct field_problem *problem) MUST_USE;

#endif

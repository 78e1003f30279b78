/*
 * status.h - which status may follow which, and by what: the tables. Whoever writes an event with a
 * new status asks here first (driver_write.c); docs/payments.md draws them, and lint compares.
 *
 * A status may always be told again. What is not in a table is not written: the facts are (money
 * that moved is booked, whatever the status), the status stays, and a person is told.
 */
#ifndef PAYMENT_STATUS_H
#define PAYMENT_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/terms.h"

enum status_kind {
    STATUS_OF_PAYMENT = 0,
    STATUS_OF_PAYOUT,
    STATUS_OF_OPERATION, /* on a payment: capture, void, refund */
    STATUS_KIND_COUNT,
};

struct status_change {
    enum payment_status from; /* PAYMENT_NONE: how it begins */
    enum payment_status to;
    const char *by;
};

const struct status_change *status_changes(enum status_kind kind, size_t *count);
bool status_may_follow(enum status_kind kind, enum payment_status from, enum payment_status to);

#endif

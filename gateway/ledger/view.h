/*
 * view.h - results of reads put together: payments, their attempts, those's sends and outcomes.
 *
 * Every statement answers in the same order (payment newest first, attempt, number), so that the
 * parts are joined by walking both once.
 */
#ifndef LEDGER_VIEW_H
#define LEDGER_VIEW_H

#include <libpq-fe.h>

#include "ledger/store.h"

struct view {
    struct arena *arena; /* borrowed; everything lives there */
    struct uuid merchant_id;
    struct store_payment_view *payments;
    size_t count;
    struct store_attempt_view *attempts; /* of all payments, one array */
    size_t attempt_count;
};

/* The statements of sql.c, in this order; rows beyond `limit` are left out. */
void view_take_payments(struct view *view, const PGresult *res, size_t limit);
void view_take_attempts(struct view *view, const PGresult *res);
void view_take_sends(struct view *view, const PGresult *res);
void view_take_outcomes(struct view *view, const PGresult *res);

#endif

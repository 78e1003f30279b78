/*
 * order_rows.h - what reads of payouts and of batches share (private to order_*.c).
 */
#ifndef LEDGER_ORDER_ROWS_H
#define LEDGER_ORDER_ROWS_H

#include "ledger/call.h"
#include "ledger/order_read.h"

/* The columns of SQL_ORDER_NOTES. */
struct order_note order_take_note(const PGresult *res, int row, struct arena *arena);
/* $2 to $6 of every list: the page's bounds, and the status. */
void order_put_page(struct params *params, const struct payout_filter *filter);
void order_put_nullable(struct params *params, struct str text); /* empty: NULL */
void order_currency(const PGresult *res, int row, int column, char out[4]);

#endif

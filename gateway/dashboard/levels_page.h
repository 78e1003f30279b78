/*
 * levels_page.h - /dashboard/levels.json: service levels of all accounts in a month, for the page
 * of that name.
 */
#ifndef DASHBOARD_LEVELS_PAGE_H
#define DASHBOARD_LEVELS_PAGE_H

#include "http/server.h"
#include "ledger/store.h"

/* Answers the exchange later; ?month=2026-11, else the month of now. */
void levels_page_start(struct http_exchange *x, struct store *store);

#endif

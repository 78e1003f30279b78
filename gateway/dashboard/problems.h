/*
 * problems.h - the error catalogue on the merchants' listener: a page for each code that a problem document may carry,
 * at its `type` (base/message.h), and a list of them all.
 *
 * HTML for who reads, JSON for `Accept: application/json`. Nothing here needs a key: it is the same for everybody.
 */
#ifndef DASHBOARD_PROBLEMS_H
#define DASHBOARD_PROBLEMS_H

#include "http/server.h"

/* MESSAGE_PAGES and what is below it. */
bool problems_takes(struct str path);
/* Answers a GET or HEAD. */
void problems_show(struct http_exchange *x);

#endif

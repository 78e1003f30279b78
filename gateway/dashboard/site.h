/*
 * site.h - the dashboard on the merchants' listener: its files, below /dashboard.
 *
 * Files only: what the pages show they ask of the API, with the session's cookie (api/cookie.h). So
 * nothing here needs to know who looks.
 */
#ifndef DASHBOARD_SITE_H
#define DASHBOARD_SITE_H

#include "http/server.h"

/* /, /dashboard and what is below it. */
bool site_takes(const struct http_exchange *x);
/*
 * Answers. A path without a dot is a page: each is the same file, which looks at its address. Files
 * are kept by browsers and asked for anew each time by their ETag (304).
 */
void site_handle(struct http_exchange *x);

#endif

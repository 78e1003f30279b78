/*
 * site.h - pages on the merchants' listener: the dashboard's files, below /dashboard, and the error catalogue
 * (problems.h).
 *
 * Files only: what the pages show they ask of the API, with the session's cookie (api/cookie.h). So
 * nothing here needs to know who looks.
 */
#ifndef DASHBOARD_SITE_H
#define DASHBOARD_SITE_H

#include "base/message.h"
#include "http/server.h"

/* /, /docs (the API reference), /dashboard, /problems and what is below them. */
bool site_takes(const struct http_exchange *x);
/*
 * Answers. A path without a dot is a page: each is the same file, which looks at its address. Files
 * are kept by browsers and asked for anew each time by their ETag (304).
 */
void site_handle(struct http_exchange *x);

/* For pages that are printed: with the policy that all pages have. */
void site_reply(struct http_exchange *x, struct str content_type, struct str body);
void site_refuse(struct http_exchange *x, enum message message, struct str detail);

#endif

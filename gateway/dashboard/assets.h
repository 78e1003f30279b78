/*
 * assets.h - the dashboard's files, linked into the binary (gateway/dashboard/web/table.sh makes the table).
 */
#ifndef DASHBOARD_ASSETS_H
#define DASHBOARD_ASSETS_H

#include "base/str.h"

struct asset {
    const char *path; /* "/dashboard/app.js" */
    const char *content_type;
    const char *etag; /* of its bytes, with the quotes (RFC 9110 section 8.8.3) */
    struct str body;
    struct str gzip; /* the same, compressed */
};

/* False when there is no such file. What it points to lives as long as the program. */
bool asset_find(struct str path, struct asset *asset);

#endif

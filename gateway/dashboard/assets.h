/*
 * assets.h - the dashboard's files, compiled into the binary (assets.c pulls them in with .incbin).
 */
#ifndef DASHBOARD_ASSETS_H
#define DASHBOARD_ASSETS_H

#include "base/str.h"

struct asset {
    const char *path; /* "/dashboard" */
    const char *content_type;
    struct str body;
};

/* NULL when there is no such file. */
const struct asset *asset_find(struct str path);

#endif

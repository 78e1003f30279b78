/*
 * route.h - from method and path to a handler, by one table.
 *
 *     static const struct route routes[] = {
 *         {HTTP_POST, "/v1/payments",      create, ...},
 *         {HTTP_GET,  "/v1/payments/{id}", show,   ...},
 *     };
 *
 * A pattern's {name} matches one non-empty path segment. HEAD falls back to GET (the body is
 * dropped by the server). The path knows no other encoding: a '%' in a path is never a match.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "http/server.h"

enum {
    ROUTE_PARAM_MAX = 4,
};

struct route_params {
    struct str value[ROUTE_PARAM_MAX]; /* in order of appearance; borrowed from the path */
    size_t count;
};

typedef void (*route_fn)(struct http_exchange *x, const struct route_params *params, void *ctx);

struct route {
    enum http_method method;
    const char *pattern;
    route_fn fn;
    int tag; /* the table owner's own: role, operation */
};

enum route_result {
    ROUTE_FOUND = 0,
    ROUTE_NO_PATH,   /* 404 */
    ROUTE_NO_METHOD, /* 405, *allow filled */
};

/* On ROUTE_NO_METHOD, allow (a buf) gets "GET, POST" for the Allow header. */
enum route_result route_find(const struct route *table, size_t count, enum http_method method,
                             struct str path, const struct route **found,
                             struct route_params *params, struct buf *allow);

#endif

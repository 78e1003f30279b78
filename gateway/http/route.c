#include "http/route.h"

/* Take the segment before the next slash; false when it was the last one. */
static bool take_segment(struct str *rest, struct str *segment)
{
    size_t slash = str_find_char(*rest, '/', 0);
    *segment = str_sub(*rest, 0, slash);
    *rest = slash == SIZE_MAX ? STR_NONE : str_sub(*rest, slash + 1, SIZE_MAX);
    return slash != SIZE_MAX;
}

/* Match one pattern; params is only meaningful on true. */
static bool path_matches(struct str pattern, struct str path, struct route_params *params)
{
    params->count = 0;
    for (;;) {
        struct str expected;
        struct str given;
        bool more_expected = take_segment(&pattern, &expected);
        bool more_given = take_segment(&path, &given);
        if (expected.len > 1 && expected.at[0] == '{') {
            if (given.len == 0) {
                return false;
            }
            CHECK(params->count < ROUTE_PARAM_MAX);
            params->value[params->count++] = given;
        } else if (!str_eq(expected, given)) {
            return false;
        }
        if (more_expected != more_given) {
            return false;
        }
        if (!more_given) {
            return true;
        }
    }
}

static void allow_add(struct buf *allow, unsigned *seen, enum http_method method)
{
    if (*seen & (1U << method)) {
        return;
    }
    if (*seen != 0) {
        buf_add_str(allow, STR(", "));
    }
    buf_add_str(allow, str_of(http_method_name(method)));
    *seen |= 1U << method;
}

enum route_result route_find(const struct route *table, size_t count, enum http_method method,
                             struct str path, const struct route **found,
                             struct route_params *params, struct buf *allow)
{
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
    unsigned seen = 0;
    if (str_find_char(path, '%', 0) != SIZE_MAX) {
        return ROUTE_NO_PATH;
    }
    for (size_t i = 0; i < count; i++) {
        if (!path_matches(str_of(table[i].pattern), path, params)) {
            continue;
        }
        if (table[i].method == method || table[i].method == wanted) {
            *found = &table[i];
            return ROUTE_FOUND;
        }
        allow_add(allow, &seen, table[i].method);
        if (table[i].method == HTTP_GET) {
            allow_add(allow, &seen, HTTP_HEAD);
        }
    }
    params->count = 0;
    return seen == 0 ? ROUTE_NO_PATH : ROUTE_NO_METHOD;
}

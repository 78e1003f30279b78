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

struct methods {
    enum http_method list[HTTP_METHOD_COUNT];
    size_t count;
};

static void methods_add(struct methods *methods, enum http_method method)
{
    for (size_t i = 0; i < methods->count; i++) {
        if (methods->list[i] == method) {
            return;
        }
    }
    methods->list[methods->count++] = method;
}

static void methods_print(const struct methods *methods, struct buf *out)
{
    for (size_t i = 0; i < methods->count; i++) {
        buf_add_str(out, i > 0 ? STR(", ") : STR_NONE);
        buf_add_str(out, str_of(http_method_name(methods->list[i])));
    }
}

enum route_result route_find(const struct route *table, size_t count, enum http_method method,
                             struct str path, const struct route **found,
                             struct route_params *params, struct buf *allow)
{
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
    struct methods others = {.count = 0};
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
        methods_add(&others, table[i].method);
        if (table[i].method == HTTP_GET) {
            methods_add(&others, HTTP_HEAD);
        }
    }
    params->count = 0;
    methods_print(&others, allow);
    return others.count == 0 ? ROUTE_NO_PATH : ROUTE_NO_METHOD;
}

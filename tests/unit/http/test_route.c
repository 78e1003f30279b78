#include "http/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void nothing(struct http_exchange *x, const struct route_params *params, void *ctx)
{
    (void)x;
    (void)params;
    (void)ctx;
}

/* clang-format off */
static const struct route routes[] = {
    {HTTP_GET,    "/",                              nothing, 0},
    {HTTP_POST,   "/v1/payments",                   nothing, 1},
    {HTTP_GET,    "/v1/payments",                   nothing, 2},
    {HTTP_GET,    "/v1/payments/{id}",              nothing, 3},
    {HTTP_POST,   "/v1/payments/{id}/cancel",       nothing, 4},
    {HTTP_GET,    "/v1/{a}/{b}/{c}/{d}",            nothing, 5},
    {HTTP_DELETE, "/faults",                        nothing, 6},
    {HTTP_POST,   "/faults",                        nothing, 7},
    {HTTP_GET,    "/slash/",                        nothing, 8},
};

static const struct {
    enum http_method method;
    const char *path;
    enum route_result expected;
    int tag;              /* ROUTE_FOUND */
    const char *texts;    /* parameters, or the Allow header */
} samples[] = {
    {HTTP_GET,    "/",                               ROUTE_FOUND,     0, ""},
    {HTTP_POST,   "/v1/payments",                    ROUTE_FOUND,     1, ""},
    {HTTP_GET,    "/v1/payments",                    ROUTE_FOUND,     2, ""},
    {HTTP_HEAD,   "/v1/payments",                    ROUTE_FOUND,     2, ""},
    {HTTP_GET,    "/v1/payments/pay_1",              ROUTE_FOUND,     3, "pay_1"},
    {HTTP_GET,    "/v1/payments/{id}",               ROUTE_FOUND,     3, "{id}"},
    {HTTP_POST,   "/v1/payments/pay_1/cancel",       ROUTE_FOUND,     4, "pay_1"},
    {HTTP_GET,    "/v1/1/2/3/4",                     ROUTE_FOUND,     5, "1,2,3,4"},
    {HTTP_GET,    "/slash/",                         ROUTE_FOUND,     8, ""},
    {HTTP_GET,    "/slash",                          ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "/slash//",                        ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "",                                ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "//",                              ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "/v1/payments/",                   ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "/v1/payments//",                  ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "/v1//payments",                   ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "//v1/payments",                   ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "/V1/payments",                    ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "/v1/payments/pay_1/",             ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "/v1/payments/../admin",           ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "/v1/payments/pay%5f1",            ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "/v1/payment",                     ROUTE_NO_PATH,   0, ""},
    {HTTP_GET,    "/v1/1/2/3/4/5",                   ROUTE_NO_PATH,   0, ""},
    {HTTP_DELETE, "/v1/payments",                    ROUTE_NO_METHOD, 0, "POST, GET, HEAD"},
    {HTTP_POST,   "/v1/payments/pay_1",              ROUTE_NO_METHOD, 0, "GET, HEAD"},
    {HTTP_GET,    "/faults",                         ROUTE_NO_METHOD, 0, "DELETE, POST"},
    {HTTP_HEAD,   "/faults",                         ROUTE_NO_METHOD, 0, "DELETE, POST"},
    {HTTP_PUT,    "/",                               ROUTE_NO_METHOD, 0, "GET, HEAD"},
};
/* clang-format on */

static void each_path_finds_its_route(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        const struct route *found = NULL;
        struct route_params params;
        struct buf texts;
        buf_init(&texts, 1024);
        enum route_result result = route_find(routes, ARRAY_LEN(routes), samples[i].method,
                                              str_of(samples[i].path), &found, &params, &texts);
        print_message("%s\n", samples[i].path);
        assert_int_equal(result, samples[i].expected);
        if (result == ROUTE_FOUND) {
            assert_int_equal(found->tag, samples[i].tag);
            assert_int_equal(texts.len, 0);
            for (size_t p = 0; p < params.count; p++) {
                buf_add_str(&texts, p ? STR(",") : STR(""));
                buf_add_str(&texts, params.value[p]);
            }
        }
        assert_true(str_eq(buf_str(&texts), str_of(samples[i].texts)));
        buf_release(&texts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path_finds_its_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "providers/sandbox/raw.h"

#include "drive.h"

/* clang-format off */
static const struct {
    const char *json;
    const char *path;
    const char *expected; /* "" : absent */
} cases[] = {
    {"{\"a\":1}",                                   "a",             "1"},
    {"{\"a\":1.10}",                                "a",             "1.10"},
    {"{\"a\" : 13.00 }",                            "a",             "13.00"},
    {"{\"a\":1e2,\"b\":2}",                         "a",             "1e2"},
    {"{\"a\":1e2,\"b\":2}",                         "b",             "2"},
    {"{\"a\":{\"b\":{\"c\":-0.5}}}",                "a.b.c",         "-0.5"},
    {"{\"x\":\"}\\\"{\",\"a\":7}",                  "a",             "7"},
    {"{\"x\":[1,{\"a\":2},\"]\"],\"a\":7}",         "a",             "7"},
    {"{\"x\":{\"a\":2},\"a\":7}",                   "a",             "7"},
    {"{\"u\":[{\"v\":1},{\"v\":2.50}]}",            "u.1.v",         "2.50"},
    {"[{\"value\":{\"value\":3}}]",                 "0.value.value", "3"},
    {"{\"u\":[]}",                                  "u.0",           ""},
    {"{\"u\":[1]}",                                 "u.-1",          ""},
    {"{\"u\":[1]}",                                 "u.x",           ""},
    {"{}",                                          "a",             ""},
    {"{\"a\":1}",                                   "a.b",           ""},
    {"{\"a\":\"1.0\"}",                             "a",             "\"1.0\""},
    {"{\"a\":\n\t100000000000000000000000.01\r\n}", "a",             "100000000000000000000000.01"},
    {" \n{\"a\":true}",                             "a",             "true"},
    {"{\"\\u0061\":1}",                             "a",             ""},
    {"",                                            "a",             ""},
};
/* clang-format on */

static void raw_text_is_what_the_client_wrote(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str found = raw_json_find(str_of(cases[i].json), cases[i].path);
        if (!str_eq(found, str_of(cases[i].expected))) {
            fail_msg("%s at %s: found '" STR_FMT "', expected '%s'", cases[i].json, cases[i].path,
                     STR_ARG(found), cases[i].expected);
        }
    }
}

/* The caller has parsed before; all the same, no cut may read past the end. */
static void every_cut_of_a_text_is_survived(void **state)
{
    (void)state;
    struct str text = STR("{\"x\":\"a\\\"b\",\"u\":[{\"v\":{\"w\":-1.25}},[]],\"a\":7}");
    for (size_t len = 0; len <= text.len; len++) {
        char *copy = malloc(len + 1);
        memcpy(copy, text.at, len);
        struct str cut = {copy, len};
        (void)raw_json_find(cut, "u.0.v.w");
        (void)raw_json_find(cut, "a");
        (void)raw_json_find(cut, "x.y");
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_text_is_what_the_client_wrote),
        cmocka_unit_test(every_cut_of_a_text_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a client wants of JSON and CSV, as RFC 9110 sections 12.4.2 and 12.5.1 have it. */
#include "http/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/terms.h"

static const struct str types[] = {STR_INIT("application/json"),
                                   STR_INIT("text/csv; charset=utf-8; header=present")};

enum {
    JSON = 0,
    CSV,
    NEITHER,
};

static void the_type_that_is_wanted_most_is_chosen(void **state)
{
    static const struct {
        const char *header;
        size_t chosen;
    } cases[] = {
        {"", JSON},
        {"  ", JSON},
        {"*/*", JSON},
        {"application/json", JSON},
        {"text/csv", CSV},
        {"Text/CSV", CSV},
        {"text/*", CSV},
        {"TEXT/*;Q=0.3", CSV},
        {"application/*", JSON},
        {"text/csv;q=0", NEITHER},
        {"text/csv;q=0.000", NEITHER},
        {"text/csv;q=0, */*", JSON},
        {"text/csv;q=0.001", CSV},
        {"text/csv;q=1.000", CSV},
        {"application/json, text/csv;q=0.5", JSON},
        {"application/json;q=0.4, text/csv;q=0.5", CSV},
        {"application/json;q=0.5 , text/csv ; q=0.4", JSON},
        {"text/csv, application/json", CSV},
        {"application/json, text/csv", JSON},
        {"text/csv, */*", CSV},
        {"*/*, text/csv", CSV},
        {"application/json, text/plain, */*", JSON},
        {"*/*;q=0.1, text/csv;q=0.9", CSV},
        {"application/json;q=0, */*", CSV},
        {"application/json;q=0, */*;q=0", NEITHER},
        {"text/csv;q=0.2, text/*;q=0.9, application/json;q=0.5", JSON},
        {"text/csv;header=present, text/csv;q=0.1, application/json;q=0.5", CSV},
        {"text/csv;header=\"present\"", CSV},
        {"text/csv;charset=UTF-8", CSV},
        {"text/csv;charset=utf-16, application/json;q=0.1", JSON},
        {"text/csv;header=absent", NEITHER},
        {"text/html", NEITHER},
        {"text/csvx, xtext/csv", NEITHER},
        {"text", NEITHER},
        {"*", NEITHER},
        {"text/", NEITHER},
        {"*/csv", NEITHER},
        {"application/json+text/csv", NEITHER},
        {"x/y;z=\"text/csv, text/csv\"", NEITHER},
        {"x/y;z=\"\\\", text/csv\", application/json", JSON},
        {"x/y;z=\"never closed, text/csv", NEITHER},
        {"x/y;z=\"\\", NEITHER},
        {",,, ,text/csv,", CSV},
        {";;,text/csv;;q=1;", CSV},
        {"text/csv;q=2, application/json;q=0.1", JSON},
        {"text/csv;q=1.1, application/json;q=0.1", JSON},
        {"text/csv;q=0.5555, application/json;q=0.1", JSON},
        {"text/csv;q=, application/json;q=0.1", JSON},
        {"text/csv;q=-1, application/json;q=0.1", JSON},
        {"text/csv;q=.5, application/json;q=0.1", JSON},
        {"text/csv;q=0.5;more=1, application/json;q=0.1", CSV},
        {"application/json, text/csv;q=1.", JSON},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t chosen = negotiate_type(str_of(cases[i].header), types, ARRAY_LEN(types));
        if (chosen != cases[i].chosen)
            fail_msg("Accept: %s: type %zu", cases[i].header, chosen);
    }
}

static void no_bytes_break_it(void **state)
{
    static const char alphabet[] = "tex/csv*;q=0.1,\"\\ jonapliz";
    char text[64];
    uint32_t seed = 20261123;
    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        size_t len = round % sizeof(text);
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        assert_true(negotiate_type((struct str){text, len}, types, 2) <= 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_type_that_is_wanted_most_is_chosen),
        cmocka_unit_test(no_bytes_break_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* support.h - what the tests of the API share: cmocka, and bodies checked against a table. */
#ifndef TESTS_API_SUPPORT_H
#define TESTS_API_SUPPORT_H

#include "../base/helpers.h"

#include "api/body.h"
#include "api/tables.h"

/* Parse and check; the problem's message is MESSAGE_NONE when the body is taken. */
static UNUSED struct field_problem check_body(const struct field_set *set, const char *text)
{
    struct arena arena;
    struct field_problem problem = {.message = MESSAGE_NONE};
    arena_init(&arena, 1 << 20);
    json_t *body = body_parse(str_of(text), false, &arena, &problem);
    if (body != NULL && field_check(set, body, &problem)) {
        problem.message = MESSAGE_NONE;
    }
    json_decref(body);
    arena_release(&arena);
    return problem;
}

#define assert_taken(set, text)                                                                    \
    do {                                                                                           \
        struct field_problem taken_ = check_body((set), (text));                                   \
        if (taken_.message != MESSAGE_NONE)                                                        \
            fail_test("%s: refused: %s %s", (text), taken_.param, taken_.detail);                  \
    } while (0)

#define assert_refused(set, text, wanted, path)                                                    \
    do {                                                                                           \
        struct field_problem refused_ = check_body((set), (text));                                 \
        if (refused_.message != (wanted) || strcmp(refused_.param, (path)) != 0)                   \
            fail_test("%s: got %s at \"%s\" (%s), wanted %s at \"%s\"", (text),                    \
                      message_entry(refused_.message)->code, refused_.param, refused_.detail,      \
                      message_entry(wanted)->code, (path));                                        \
        assert_true(refused_.detail[0] != '\0');                                                   \
    } while (0)

#endif

/* helpers.h - what the tests of base share: cmocka with what it needs, and proof that a CHECK
 * bites. */
#ifndef TESTS_BASE_HELPERS_H
#define TESTS_BASE_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* The name is base/error.h's; fail_msg is made of it and goes too. */
#undef fail
#define fail_test(...)                                                                             \
    do {                                                                                           \
        print_error(__VA_ARGS__);                                                                  \
        print_error("\n");                                                                         \
        _fail(__FILE__, __LINE__);                                                                 \
    } while (0)

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#define assert_str(actual, expected) assert_str_at((actual), (expected), __FILE__, __LINE__)

static inline void assert_str_at(struct str actual, const char *expected, const char *file,
                                 int line)
{
    if (str_eq(actual, str_of(expected)))
        return;
    print_error("got \"" STR_FMT "\", expected \"%s\"\n", STR_ARG(actual), expected);
    _fail(file, line);
}

/* Run fn(ctx) in a child; true when it died of abort(). */
static inline bool aborts(void (*fn)(void *ctx), void *ctx)
{
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        fn(ctx);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif

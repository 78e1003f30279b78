/* File descriptors: raised when the system grants them, an error or fewer clients when not. */
#include "process/descriptors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

enum {
    NOBODY = 65534,
};

static struct config config;

/* In a process of its own, which may not go beyond the hard limit. */
static void in_child(rlim_t soft, rlim_t hard, void (*check)(void))
{
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
        bool ok = setrlimit(RLIMIT_NOFILE, &limit) == 0 && (geteuid() != 0 || seteuid(NOBODY) == 0);
        if (ok)
            check();
        (void)fflush(NULL);
        _exit(ok ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Like assert_true, but within the child. */
static void must(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "not so: %s\n", what);
        (void)fflush(NULL);
        _exit(2);
    }
}
#define MUST(condition) must((condition), #condition)

static void is_raised(void)
{
    struct error err;
    size_t count = 0;
    struct rlimit now;
    config.http.connection_count_max = 500;
    MUST(descriptors_raise(&config, &count, &err));
    MUST(count == 500);
    MUST(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur >= 500 + config.engine.in_flight_max);
}

static void is_refused(void)
{
    struct error err;
    size_t count = 0;
    config.http.connection_count_max = 100000;
    MUST(!descriptors_raise(&config, &count, &err));
    MUST(strstr(err.text, "http_connection_count_max = 100000") != NULL);
    MUST(strstr(err.text, "LimitNOFILE=") != NULL);
    MUST(strstr(err.text, "at most") != NULL);
}

static void default_gives_way(void)
{
    struct error err;
    size_t count = 0;
    MUST(descriptors_raise(&config, &count, &err));
    MUST(count >= 64 && count < http_limits_default.connection_count_max);
}

static void nothing_is_left(void)
{
    struct error err;
    size_t count = 0;
    MUST(!descriptors_raise(&config, &count, &err));
    MUST(strstr(err.text, "provider_in_flight_max") != NULL);
}

static void the_soft_limit_is_raised_to_what_is_needed(void **state)
{
    (void)state;
    config_init(&config);
    config.engine.in_flight_max = 1000; /* what the defaults want grows with them */
    config.engine.connections_per_host_max = 100;
    in_child(256, 6000, is_raised);
}

static void what_the_system_does_not_grant_is_an_error_with_a_remedy(void **state)
{
    (void)state;
    config_init(&config);
    in_child(256, 6000, is_refused);
}

static void the_default_gives_way_to_the_system(void **state)
{
    (void)state;
    config_init(&config);
    in_child(256, 6000, default_gives_way);
    in_child(256, 1024, default_gives_way);
    in_child(100, 100, nothing_is_left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_soft_limit_is_raised_to_what_is_needed),
        cmocka_unit_test(what_the_system_does_not_grant_is_an_error_with_a_remedy),
        cmocka_unit_test(the_default_gives_way_to_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "process/lock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

#include "process/config.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/turnpike-lock-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"lock", "instance", "reload"};
    char path[CONFIG_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static void one_at_a_time_and_it_says_who(void **state)
{
    (void)state;
    struct error err;
    struct uuid first;
    struct uuid second;
    pid_t pid = 0;
    int fd = -1;
    int other = -1;
    assert_false(lock_holder(folder, &pid, &err));
    assert_true(lock_take(folder, &fd, &first, &err));
    assert_true(lock_holder(folder, &pid, &err));
    assert_int_equal(pid, getpid());
    assert_false(lock_take(folder, &other, &second, &err));
    assert_int_equal(err.code, ERROR_CONFLICT);
    (void)close(fd);
    /* Its process id is still written there; nobody holds it. */
    assert_false(lock_holder(folder, &pid, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_true(lock_take(folder, &fd, &second, &err));
    assert_true(uuid_eq(&first, &second));
    (void)close(fd);
}

static void an_outcome_is_read_as_it_was_told(void **state)
{
    (void)state;
    struct lock_outcome told = {.asked_us = INT64_C(1795312800123456), .done = true};
    struct lock_outcome read = {0};
    assert_false(lock_read_outcome(folder, &read));
    (void)snprintf(told.text, sizeof(told.text), "generation 5");
    lock_write_outcome(folder, &told);
    assert_true(lock_read_outcome(folder, &read));
    assert_true(read.asked_us == told.asked_us && read.done);
    assert_string_equal(read.text, "generation 5");
    told.done = false;
    memset(told.text, 'x', sizeof(told.text) - 1);
    lock_write_outcome(folder, &told);
    assert_true(lock_read_outcome(folder, &read));
    assert_false(read.done);
    assert_string_equal(read.text, told.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time_and_it_says_who),
        cmocka_unit_test(an_outcome_is_read_as_it_was_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

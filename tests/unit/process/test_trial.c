#include "process/trial.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

static int pass(void *ctx)
{
    (void)printf("all is well with %s\n", (const char *)ctx);
    return 0;
}

static int complain(void *ctx)
{
    (void)fprintf(stderr, "a warning\nturnpike: %s\n\n", (const char *)ctx);
    return 1;
}

static int say_nothing(void *ctx)
{
    (void)ctx;
    return 9;
}

static int die(void *ctx)
{
    (void)ctx;
    (void)raise(SIGKILL);
    return 0;
}

static int hang(void *ctx)
{
    (void)ctx;
    (void)pause();
    return 0;
}

static struct trial try_out(trial_fn fn, const char *text)
{
    struct trial trial = {.fd = -1};
    trial_start(&trial, fn, (void *)(uintptr_t)text, 60000);
    assert_int_equal(trial.state, TRIAL_RUNNING);
    trial_wait(&trial);
    return trial;
}

static void the_last_line_says_why(void **state)
{
    (void)state;
    struct trial trial = try_out(pass, "it");
    assert_int_equal(trial.state, TRIAL_PASSED);
    trial_end(&trial);
    assert_int_equal(trial.state, TRIAL_IDLE);
    trial = try_out(complain, "rules:1: no default");
    assert_int_equal(trial.state, TRIAL_FAILED);
    assert_string_equal(trial.why.text, "rules:1: no default");
    trial_end(&trial);
    trial = try_out(say_nothing, "");
    assert_int_equal(trial.state, TRIAL_FAILED);
    assert_string_equal(trial.why.text, "the check ended with status 9");
    trial_end(&trial);
    trial = try_out(die, "");
    assert_int_equal(trial.state, TRIAL_FAILED);
    assert_string_equal(trial.why.text, "the check died of signal 9");
    trial_end(&trial);
}

static void what_takes_too_long_is_killed(void **state)
{
    (void)state;
    struct trial trial = {.fd = -1};
    trial_start(&trial, hang, NULL, 2000);
    trial_tick(&trial, trial.until_us); /* not yet */
    assert_int_equal(waitpid(trial.pid, NULL, WNOHANG), 0);
    trial.until_us = 0;
    trial_tick(&trial, 1);
    trial_wait(&trial);
    assert_int_equal(trial.state, TRIAL_FAILED);
    assert_string_equal(trial.why.text, "checking took longer than 2 s");
    trial_end(&trial);
}

static void another_child_is_not_its_own(void **state)
{
    (void)state;
    struct trial trial = {.fd = -1};
    assert_false(trial_reap(&trial, 0, 0)); /* none runs */
    trial_start(&trial, hang, NULL, 60000);
    pid_t pid = trial.pid;
    assert_false(trial_reap(&trial, pid + 1, 0));
    assert_int_equal(trial.state, TRIAL_RUNNING);
    trial_end(&trial);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_false(trial_reap(&trial, pid, status)); /* given up: nobody's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_line_says_why),
        cmocka_unit_test(what_takes_too_long_is_killed),
        cmocka_unit_test(another_child_is_not_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

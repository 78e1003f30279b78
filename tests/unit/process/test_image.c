#include "process/image.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

static char folder[64];
static char program[128];
static char other[128];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/turnpike-image-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(program, sizeof(program), "%s/program", folder);
    (void)snprintf(other, sizeof(other), "%s/other", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(program);
    (void)unlink(other);
    return rmdir(folder);
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    (void)close(fd);
}

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

/* A program that is no script: the machine's own. */
static size_t copy_program(const char *from, const char *path)
{
    static char bytes[4 << 20];
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = read(fd, bytes, sizeof(bytes));
    (void)close(fd);
    assert_true(got > 0 && (size_t)got < sizeof(bytes));
    write_file(path, bytes, (size_t)got);
    return (size_t)got;
}

/* Its exit status, or 100 with the reason in `why`. */
static int execute(const struct image *image, char why[256])
{
    int ends[2];
    int status = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char command[] = "-c";
        char exit_7[] = "exit 7";
        char *argv[] = {program, command, exit_7, NULL};
        struct error err = {0};
        image_execute(image, argv, &err);
        (void)!write(ends[1], err.text, strlen(err.text));
        _exit(100);
    }
    (void)close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    ssize_t got = read(ends[0], why, 255);
    why[got > 0 ? got : 0] = '\0';
    (void)close(ends[0]);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void what_was_opened_runs_whatever_lies_there_now(void **state)
{
    (void)state;
    struct image image;
    struct error err;
    char why[256];
    size_t len = copy_program("/bin/sh", program);
    assert_true(image_open(&image, program, &err));
    assert_int_equal(execute(&image, why), 7);
    copy_program("/bin/true", other);
    assert_int_equal(rename(other, program), 0);
    assert_int_equal(execute(&image, why), 7);
    assert_int_equal(unlink(program), 0);
    assert_int_equal(execute(&image, why), 7);
    image_close(&image);
    /* The same file, cut short. */
    copy_program("/bin/sh", program);
    assert_true(image_open(&image, program, &err));
    assert_int_equal(truncate(program, (off_t)len / 2), 0);
    assert_int_equal(execute(&image, why), 100);
    assert_non_null(strstr(why, "has changed since it was checked"));
    image_close(&image);
    image_close(&image); /* harmless */
}

static void a_script_runs_as_long_as_it_is_the_same(void **state)
{
    (void)state;
    struct image image;
    struct error err;
    char why[256];
    write_text(program, "#!/bin/sh\n[ \"${0##*/}\" = program ] && exit 5\n");
    assert_true(image_open(&image, program, &err));
    assert_int_equal(execute(&image, why), 5);
    write_text(other, "#!/bin/sh\n[ \"${0##*/}\" = program ] && exit 6\n");
    assert_int_equal(rename(other, program), 0);
    assert_int_equal(execute(&image, why), 100);
    assert_non_null(strstr(why, "has changed since it was checked"));
    image_close(&image);
    assert_true(image_open(&image, program, &err));
    write_text(program, "#!/bin/sh\nexit 61\n");
    assert_int_equal(execute(&image, why), 100);
    assert_non_null(strstr(why, "has changed since it was checked"));
    image_close(&image);
}

static void what_cannot_run_is_named(void **state)
{
    (void)state;
    struct image image;
    struct error err;
    char why[256];
    (void)unlink(program);
    assert_false(image_open(&image, program, &err));
    assert_non_null(strstr(err.text, "cannot execute"));
    assert_non_null(strstr(err.text, "No such file"));
    write_text(program, "x");
    assert_int_equal(chmod(program, 0644), 0);
    assert_true(image_open(&image, program, &err));
    assert_int_equal(execute(&image, why), 100);
    assert_non_null(strstr(why, "Permission denied"));
    image_close(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_opened_runs_whatever_lies_there_now),
        cmocka_unit_test(a_script_runs_as_long_as_it_is_the_same),
        cmocka_unit_test(what_cannot_run_is_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

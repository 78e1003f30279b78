/* drive_file.h - the sandbox without sockets, its books in a file of the test's own. */
#ifndef TESTS_SANDBOX_DRIVE_FILE_H
#define TESTS_SANDBOX_DRIVE_FILE_H

#include "drive.h"

static char file[64];

static inline int setup(void **state)
{
    (void)state;
    (void)snprintf(file, sizeof(file), "/tmp/turnpike-books-XXXXXX");
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    (void)close(fd);
    drive_open(file);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    drive_close();
    (void)unlink(file);
    return 0;
}

/* What GET /books{query} says; in the drive's arena. */
static inline char *books_text(const char *query)
{
    assert_int_equal(drive_send(HTTP_GET, join("/books{}", query), "", NULL), 200);
    return arena_cstr(&drive.arena, buf_str(&drive.core.body));
}

#endif

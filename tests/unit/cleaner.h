/*
 * cleaner.h - what a test program leaves behind goes away, however the program ends.
 *
 * A child waits for the end of a pipe that only the program holds open, then runs a command. Killed
 * or timed out programs would else leave PostgreSQL servers running.
 */
#ifndef TESTS_UNIT_CLEANER_H
#define TESTS_UNIT_CLEANER_H

#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"

static inline void cleaner_start(const char *command)
{
    int pipes[2];
    CHECK(pipe2(pipes, O_CLOEXEC) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid > 0) {
        (void)close(pipes[0]);
        return; /* the other end stays open until this process ends */
    }
    (void)close(pipes[1]);
    (void)setsid(); /* what ends the program must not end its cleaner */
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(nowhere, fd);
    char byte;
    while (read(pipes[0], &byte, 1) > 0) {
    }
    _exit(system(command) == 0 ? 0 : 1);
}

#endif

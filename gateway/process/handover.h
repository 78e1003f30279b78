/*
 * handover.h - what a master tells the program that takes its place (same process, new binary).
 *
 * The master executes the new program in its own process: it keeps its process id, its children,
 * its lock and its listening sockets. What the new program cannot see by itself is written as lines
 * of text into an anonymous file, whose descriptor the environment names:
 *
 *     turnpike-handover 2
 *     boot 0193...                      the writers of this boot live on
 *     instance 0193...                  of the state folder
 *     lock 3
 *     generation 7
 *     set api_port = 8443               settings that stay until a restart
 *     was answer_ms = 30000             all others in force; what the new program does not know is
 *                                       left out
 *     file rules_file 5                 a file in force: its sealed copy
 *     seat 1 6 7                        number, listening sockets of api and ops
 *     member 4711 1 0193... -1          pid, seat, writer, ms left to drain (-1: it serves)
 *     dead 0193...                      a writer that died and is not reported yet
 *
 * With settings and files in force, the new program can go on as the old one did, whatever stands
 * on the disk by now. Of the workers it expects what worker.h says of their signals.
 */
#ifndef PROCESS_HANDOVER_H
#define PROCESS_HANDOVER_H

#include <sys/types.h>

#include "base/id.h"
#include "process/shared.h"
#include "process/snapshot.h"

#define HANDOVER_VARIABLE "TURNPIKE_HANDOVER"

struct handover_seat {
    int api_fd;
    int ops_fd;
};

struct handover_member {
    pid_t pid;
    unsigned seat;
    struct uuid writer_id;
    int64_t drain_left_ms; /* -1: it serves */
};

struct handover {
    struct uuid boot_id;
    struct uuid instance_id;
    int lock_fd;
    unsigned generation;
    struct config kept;            /* in force */
    int file[SNAPSHOT_FILE_COUNT]; /* its files; -1: not configured */
    unsigned seat_count;
    struct handover_seat seat[SHM_SLOT_MAX]; /* from 1 */
    size_t member_count;
    struct handover_member member[SHM_SLOT_MAX];
    size_t dead_count;
    struct uuid dead[SHARED_DEAD_MAX];
};

void handover_print(const struct handover *handover, struct buf *out);
bool handover_parse(struct str text, struct handover *handover, struct error *err) MUST_USE;

/* Into an anonymous file that the next program inherits. */
bool handover_write(const struct handover *handover, int *fd, struct error *err) MUST_USE;
/* From the file of which `text` (the variable's value) is the number; closes it. */
bool handover_read(const char *text, struct handover *handover, struct error *err) MUST_USE;

#endif

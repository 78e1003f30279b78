/*
 * snapshot.h - the files of a configuration, as they were when it was checked.
 *
 * A worker that is replaced hours after the start must come up with what its generation was checked
 * with, not with a half-edited file of today. So the master copies certificate, key, CA, master
 * secret, rules and rates into sealed anonymous files that only it and its workers can open, and the
 * configuration in force names those (/proc/self/fd/N). Bytes only: no key is parsed here.
 */
#ifndef PROCESS_SNAPSHOT_H
#define PROCESS_SNAPSHOT_H

#include "process/config.h"

enum {
    SNAPSHOT_FILE_COUNT = 8,
};

struct snapshot {
    bool is_taken;
    int fd[SNAPSHOT_FILE_COUNT]; /* owned; -1: this file is not configured */
};

/* Copy the files that *config names, and name the copies in it instead. */
bool snapshot_take(struct snapshot *snapshot, struct config *config, struct error *err) MUST_USE;
/* From the program before us: its descriptors are ours now, and *config names them. */
void snapshot_adopt(struct snapshot *snapshot, const int fd[SNAPSHOT_FILE_COUNT],
                    struct config *config);
/* Let the next program inherit them, or not. */
void snapshot_let_go(const struct snapshot *snapshot, bool inherit);
void snapshot_release(struct snapshot *snapshot);
const char *snapshot_file_name(size_t file); /* the setting; file < SNAPSHOT_FILE_COUNT */

#endif

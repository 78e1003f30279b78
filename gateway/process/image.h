/*
 * image.h - the program that was checked is the program that is executed.
 *
 * A path may name another file a moment later, so the file is opened once, and check and upgrade
 * execute what was opened. A script runs what it names itself, by its path: then the path must
 * still lead to the same file. Either is refused when it was written to in between.
 */
#ifndef PROCESS_IMAGE_H
#define PROCESS_IMAGE_H

#include <sys/stat.h>

#include "base/error.h"

struct image {
    int fd; /* owned; -1: none */
    bool is_script;
    struct stat opened; /* as it was then */
};

bool image_open(struct image *image, const char *path, struct error *err) MUST_USE;
/* Become it, with argv (argv[0] is its path) and our environment. Returns only when that failed. */
void image_execute(const struct image *image, char *argv[], struct error *err);
void image_close(struct image *image);

#endif

#include "process/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* O_PATH, because a program may be executable without being readable; a script may not. */
static bool is_script(int fd)
{
    char path[32];
    char start[2] = "";
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int in = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t got = in >= 0 ? read(in, start, sizeof(start)) : 0;
    if (in >= 0) {
        (void)close(in);
    }
    return got == 2 && start[0] == '#' && start[1] == '!';
}

bool image_open(struct image *image, const char *path, struct error *err)
{
    *image = (struct image){.fd = open(path, O_PATH | O_CLOEXEC)};
    if (image->fd < 0 || fstat(image->fd, &image->opened) != 0) {
        (void)fail(err, ERROR_IO, "cannot execute %s: %s", path, strerror(errno));
        image_close(image);
        return false;
    }
    image->is_script = is_script(image->fd);
    return true;
}

/* Its names and rights may change: they are of no matter to us, or the kernel's to judge. */
static bool is_as_opened(const struct image *image, const struct stat *now)
{
    const struct stat *then = &image->opened;
    return now->st_dev == then->st_dev && now->st_ino == then->st_ino &&
           now->st_size == then->st_size && now->st_mtim.tv_sec == then->st_mtim.tv_sec &&
           now->st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}

void image_execute(const struct image *image, char *argv[], struct error *err)
{
    struct stat now;
    int found = image->is_script ? stat(argv[0], &now) : fstat(image->fd, &now);
    if (found == 0 && !is_as_opened(image, &now)) {
        (void)fail(err, ERROR_CONFLICT, "%s has changed since it was checked; ask again", argv[0]);
        return;
    }
    if (found == 0 && image->is_script) {
        (void)execv(argv[0], argv);
    } else if (found == 0) {
        (void)fexecve(image->fd, argv, environ);
    }
    (void)fail(err, ERROR_IO, "cannot execute %s: %s", argv[0], strerror(errno));
}

void image_close(struct image *image)
{
    if (image->fd >= 0) {
        (void)close(image->fd);
    }
    image->fd = -1;
}

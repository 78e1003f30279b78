/*
 * Fuzz the configuration file. A file that is taken prints itself as one that is taken again, with
 * the same values; a file that is refused says where and why.
 *
 *     make fuzz FUZZ=config_file
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process/config.h"

/* A file in memory, under a name that can be opened. */
static int write_file(struct str text, char name[64])
{
    const int fd = memfd_create("config", MFD_CLOEXEC);

    CHECK(fd >= 0);
    CHECK(write(fd, text.at, text.len) == (ssize_t)text.len);
    (void)snprintf(name, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static bool load(struct config *config, struct str text, struct error *err)
{
    char name[64];
    const int fd = write_file(text, name);

    config_init(config);
    const bool taken = config_load(config, name, err);
    CHECK(close(fd) == 0);
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config config;
    static struct config again;
    struct error err = {.code = ERROR_NONE};
    struct buf first;
    struct buf second;

    if (!load(&config, (struct str){(const char *)data, size}, &err)) {
        CHECK(err.code != ERROR_NONE && err.text[0] != '\0');
        CHECK(memchr(err.text, '\n', sizeof(err.text)) == NULL);
        return 0;
    }
    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    config_finish(&config);
    (void)config_check(&config, &err);
    config_print(&config, false, &first);
    CHECK(load(&again, buf_str(&first), &err));
    config_finish(&again);
    config_print(&again, false, &second);
    CHECK(str_eq(buf_str(&first), buf_str(&second)));
    buf_release(&second);
    buf_release(&first);
    return 0;
}

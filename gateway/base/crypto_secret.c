#include "base/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

void secret_init(struct secret *secret)
{
    *secret = (struct secret){0};
}

void secret_set(struct secret *secret, struct str value)
{
    CHECK(value.len <= SECRET_MAX);
    char *at = malloc(value.len + 1);
    CHECK(at != NULL);
    if (value.len > 0)
        memcpy(at, value.at, value.len);
    at[value.len] = '\0';
    /* Released after the copy: value may be the secret itself. */
    secret_release(secret);
    *secret = (struct secret){.at = at, .len = value.len};
}

void secret_release(struct secret *secret)
{
    if (secret->at != NULL)
        OPENSSL_cleanse(secret->at, secret->len);
    free(secret->at);
    secret_init(secret);
}

/* At most `size` bytes; -1 with errno. */
static ssize_t read_all(int fd, char *out, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t got = read(fd, out + len, size - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

static bool check_file(int fd, const char *path, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return fail(err, ERROR_IO, "cannot read secret file %s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return fail(err, ERROR_DENIED, "cannot read secret file %s: not a regular file", path);
    if ((status.st_mode & 077) != 0)
        return fail(
            err, ERROR_DENIED,
            "cannot read secret file %s: others may use it (mode %03o); run chmod 600 on it", path,
            (unsigned)(status.st_mode & 0777));
    return true;
}

bool secret_read_file(struct secret *secret, const char *path, struct error *err)
{
    bool done = false;
    char text[SECRET_MAX + 2]; /* with a newline, and one byte to notice that there is more */
    /* Not blocking, so that a named pipe in the file's place is refused, not waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO,
                    "cannot read secret file %s: %s", path, strerror(errno));
    if (!check_file(fd, path, err))
        goto out;
    ssize_t got = read_all(fd, text, sizeof(text));
    if (got < 0) {
        (void)fail(err, ERROR_IO, "cannot read secret file %s: %s", path, strerror(errno));
        goto out;
    }
    struct str value = {text, (size_t)got};
    if (str_ends(value, STR("\n")))
        value.len--;
    if (value.len == 0) {
        (void)fail(err, ERROR_INVALID, "cannot read secret file %s: it is empty", path);
        goto out;
    }
    if (value.len > SECRET_MAX) {
        (void)fail(err, ERROR_INVALID, "cannot read secret file %s: more than %d bytes", path,
                   SECRET_MAX);
        goto out;
    }
    secret_set(secret, value);
    done = true;
out:
    OPENSSL_cleanse(text, sizeof(text));
    close(fd);
    return done;
}

struct str secret_expose(const struct secret *secret)
{
    return (struct str){secret->at, secret->len};
}

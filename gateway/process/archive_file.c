#include "process/archive_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/command.h"
#include "process/export_file.h"

#define HEADER         "turnpike archive 1\n"
#define ARCHIVE_SUFFIX ".tpa"

enum { LENGTH_SIZE = 4 };

void archive_file_begin(struct buf *content)
{
    buf_add_str(content, STR(HEADER));
}

void archive_file_add(struct buf *content, const struct uuid *payment_id, struct str sealed)
{
    buf_add_str(content, (struct str){(const char *)payment_id->byte, sizeof(payment_id->byte)});
    for (unsigned i = 0; i < LENGTH_SIZE; i++)
        buf_add_char(content, (char)(unsigned char)(sealed.len >> (24 - 8 * i) & 0xff));
    buf_add_str(content, sealed);
}

struct str archive_file_records(const struct buf *content)
{
    size_t head = sizeof(HEADER) - 1;
    CHECK(content->len >= head);
    return (struct str){content->at + head, content->len - head};
}

bool archive_file_next(struct str *rest, struct uuid *payment_id, struct str *sealed,
                       struct error *err)
{
    size_t head = sizeof(payment_id->byte) + LENGTH_SIZE;
    size_t len = 0;
    err->text[0] = '\0';
    if (rest->len == 0)
        return false;
    if (rest->len >= head) {
        memcpy(payment_id->byte, rest->at, sizeof(payment_id->byte));
        for (unsigned i = 0; i < LENGTH_SIZE; i++)
            len = len << 8 | (unsigned char)rest->at[sizeof(payment_id->byte) + i];
    }
    if (rest->len < head || rest->len - head < len)
        return fail(err, ERROR_INVALID, "it ends within a record");
    *sealed = (struct str){rest->at + head, len};
    *rest = (struct str){rest->at + head + len, rest->len - head - len};
    return true;
}

bool archive_file_path(const char *folder, const struct uuid *merchant_id,
                       const struct uuid *archive_id, char path[ARCHIVE_PATH_SIZE],
                       struct error *err)
{
    char merchant[ID_TEXT_SIZE];
    char name[UUID_TEXT_SIZE] = "";
    if (archive_id != NULL)
        (void)uuid_format(archive_id, name);
    int len = snprintf(path, ARCHIVE_PATH_SIZE, "%s/%s/%s%s", folder,
                       id_format(ID_MERCHANT, merchant_id, merchant).at, name,
                       archive_id != NULL ? ARCHIVE_SUFFIX : "");
    return len < ARCHIVE_PATH_SIZE ||
           fail(err, ERROR_INVALID, "the folder's name is too long: %.200s", folder);
}

/* ---- writing ------------------------------------------------------------------------------------- */

static bool make_folder(const char *folder, const struct uuid *merchant_id, struct error *err)
{
    char path[ARCHIVE_PATH_SIZE];
    struct stat stat_of;
    if (stat(folder, &stat_of) != 0 || !S_ISDIR(stat_of.st_mode))
        return fail(err, ERROR_IO, "%s is no folder: make it, readable by the gateway's user alone",
                    folder);
    if (!archive_file_path(folder, merchant_id, NULL, path, err))
        return false;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail(err, ERROR_IO, "cannot make %s: %s", path, strerror(errno));
    path[strlen(path) - 1] = '\0'; /* its own name is in the folder above */
    return export_sync_folder(path) ||
           fail(err, ERROR_IO, "cannot write %s: %s", folder, strerror(errno));
}

static bool write_whole(int fd, struct str content)
{
    while (content.len > 0) {
        ssize_t done = write(fd, content.at, content.len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        content = (struct str){content.at + done, content.len - (size_t)done};
    }
    return true;
}

static bool write_file(const char *path, struct str content, struct error *err)
{
    char partial[ARCHIVE_PATH_SIZE + sizeof(".partial")];
    (void)snprintf(partial, sizeof(partial), "%s.partial", path);
    int fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_whole(fd, content) && fsync(fd) == 0;
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    ok = ok && rename(partial, path) == 0 && export_sync_folder(path);
    if (!ok) {
        (void)fail(err, ERROR_IO, "cannot write %s: %s", path, strerror(errno));
        if (fd >= 0)
            (void)unlink(partial);
    }
    return ok;
}

bool archive_file_write(const char *folder, struct archive_file *file, struct str content,
                        struct error *err)
{
    char path[ARCHIVE_PATH_SIZE];
    file->byte_count = (int64_t)content.len;
    crypto_sha256(content, file->sha256);
    return make_folder(folder, &file->merchant_id, err) &&
           archive_file_path(folder, &file->merchant_id, &file->archive_id, path, err) &&
           write_file(path, content, err);
}

/* ---- reading ------------------------------------------------------------------------------------- */

bool archive_file_read(const char *folder, const struct archive_file *file, struct buf *content,
                       struct error *err)
{
    char path[ARCHIVE_PATH_SIZE];
    uint8_t hash[SHA256_SIZE];
    if (!archive_file_path(folder, &file->merchant_id, &file->archive_id, path, err))
        return false;
    if (!command_read(path, content, err))
        return false;
    crypto_sha256(buf_str(content), hash);
    return ((int64_t)content->len == file->byte_count &&
            crypto_equal(hash, file->sha256, sizeof(hash)) && content->len >= sizeof(HEADER) - 1 &&
            memcmp(content->at, HEADER, sizeof(HEADER) - 1) == 0) ||
           fail(err, ERROR_INVALID,
                "%s is not the file that was written: take it from a copy of the folder", path);
}

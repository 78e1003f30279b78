/*
 * archive_file.h - files of archived payments: FOLDER/mer_.../ARCHIVE.tpa, written once.
 *
 *     "turnpike archive 1\n", then of each payment: its id (16 bytes), a length (4 bytes, big endian),
 *     and so many bytes: the record as archive_seal made it
 *
 * Some of them may not have been taken by the database: nobody has a key of those any more.
 */
#ifndef PROCESS_ARCHIVE_FILE_H
#define PROCESS_ARCHIVE_FILE_H

#include "ledger/archive.h"

enum {
    ARCHIVE_PATH_SIZE = 4096,
    ARCHIVE_FILE_MAX = 1 << 30,
};

void archive_file_begin(struct buf *content);
void archive_file_add(struct buf *content, const struct uuid *payment_id, struct str sealed);

/* When it returns true the file is on the disk with its name; its size and hash are in *file. The merchant's folder is made; the folder itself must be there. */
bool archive_file_write(const char *folder, struct archive_file *file, struct str content,
                        struct error *err) MUST_USE;
/* ERROR_INVALID: it is not the file of this size and hash. */
bool archive_file_read(const char *folder, const struct archive_file *file, struct buf *content,
                       struct error *err) MUST_USE;
/* Behind the header of a file that was read: its records. */
struct str archive_file_records(const struct buf *content);
/* The next record; False at its end, or with *err. */
bool archive_file_next(struct str *rest, struct uuid *payment_id, struct str *sealed,
                       struct error *err) MUST_USE;
/* The path without a name: of the merchant's folder. */
bool archive_file_path(const char *folder, const struct uuid *merchant_id,
                       const struct uuid *archive_id, char path[ARCHIVE_PATH_SIZE],
                       struct error *err) MUST_USE;

#endif

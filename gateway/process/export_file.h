/*
 * export_file.h - one export, of whatever kind, into a file that is whole or not there: for the command
 * line and for reports. Blocking, on a connection of its own (ledger/export_run.h).
 */
#ifndef PROCESS_EXPORT_FILE_H
#define PROCESS_EXPORT_FILE_H

#include "ledger/export_run.h"
#include "ledger/export_what.h"

enum {
    EXPORT_PATH_SIZE = 4096,
};

struct export_file { /* borrowed */
    const char *database;
    const char *merchant; /* id or name; NULL: all that the login sees */
    const char *file;     /* NULL: standard output */
    const char *partial;  /* written, and then renamed: replaced if it is there; NULL: FILE.partial,
                             which must not be there */
    enum export_what what;
    struct export_wanted wanted; /* but for out, which is set here */
};

/* When it returns true the file is on the disk with its name; else nothing of it is left, and what had
 * the name before is as it was. */
bool export_file_write(struct export_file *x, uint64_t *rows, struct error *err) MUST_USE;
/* That the file has its name on the disk, too. */
bool export_sync_folder(const char *file) MUST_USE;

#endif

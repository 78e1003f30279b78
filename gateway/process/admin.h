/*
 * admin.h - the administration of api/admin.h, from the command line (private to admin*.c).
 *
 *     options -> JSON body -> admin_start on a loop of its own -> JSON or a table on stdout
 *
 * The database is asked directly, with the gateway's configuration; no gateway need run. Caches of
 * running gateways see the change within directory_check_ms.
 */
#ifndef PROCESS_ADMIN_H
#define PROCESS_ADMIN_H

#include "api/admin.h"
#include "process/config.h"

struct admin_outcome {
    enum message problem; /* MESSAGE_NONE: body holds the answer */
    struct field_problem wrong;
    struct buf body;
};

/* Run one operation to completion; false: it could not even be asked. body is released by the
 * caller. */
bool admin_run(const struct config *config, const struct admin_request *request,
               struct admin_outcome *outcome, struct error *err) MUST_USE;

enum {
    ADMIN_AUTHOR_SIZE = 64,
};
/* "cli:" and who runs the command. */
struct str admin_user(char author[ADMIN_AUTHOR_SIZE]);

/* The answer for people: a table of a list, lines of one object. */
void admin_print(enum admin_operation operation, struct str body, struct buf *out);

#endif

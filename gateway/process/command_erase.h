/*
 * command_erase.h - what `turnpike erase` was asked for, and the list of what was erased.
 */
#ifndef PROCESS_COMMAND_ERASE_H
#define PROCESS_COMMAND_ERASE_H

#include "process/command.h"
#include "process/secrets.h"

enum erase_what {
    ERASE_NAMED = 0,
    ERASE_LIST,
    ERASE_AGAIN, /* what a list says: after a restore */
};

struct erase_ask {
    enum erase_what what;
    struct uuid merchant_id; /* zero: --list of all */
    const char *named;       /* "payment", "payout", "reference", "customer" */
    const char *value;
    struct uuid id; /* of a payment or payout */
    const char *reason;
    const char *author;
    const char *file; /* of --again */
    const char *database;
    bool is_dry;
    bool is_json;
};

/* Takes its options out of argv; err->text must be empty. False names what is missing or wrong. */
bool erase_take(int *argc, char **argv, struct erase_ask *ask, struct error *err) MUST_USE;

/* On standard output, oldest first: a line each for people, or a JSON object each, as --again reads it. */
bool erase_list(const struct erase_ask *ask, const char *database, struct error *err) MUST_USE;

#endif

/*
 * explain_ask.h - POST /v1/routing/explain of a running gateway, from the command line.
 */
#ifndef PROCESS_EXPLAIN_ASK_H
#define PROCESS_EXPLAIN_ASK_H

#include "base/error.h"
#include "base/str.h"

struct explain_ask {      /* borrowed */
    const char *gateway;  /* "https://127.0.0.1:8443" */
    const char *key_file; /* holds an API key */
    const char *ca_file;  /* NULL: the system's */
    const char *merchant; /* an operator's key names it; NULL: the key's own */
    struct str body;
};

/* The answer of a 200; false: it was not reached, or refused with the reason in *err. */
bool explain_ask(const struct explain_ask *ask, struct buf *answer, struct error *err) MUST_USE;

#endif

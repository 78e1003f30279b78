/*
 * cli_follow.h - the stream of events, read for as long as it is wanted (private to cli_*.c).
 *
 *     CONNECTING --answer--> READING --event--> on_event, then the position is kept --> READING
 *         ^                     |
 *         +---- pause ----------+  it ended (it does so every five minutes), or broke
 *
 * Every message of the stream carries a position; the next connection begins behind the last one, so
 * nothing is lost and nothing comes twice. With a file of positions that holds for the next run, too:
 * it is written anew after each event that on_event took. A program that is killed between the two is
 * told that one event again, under the same id.
 */
#ifndef PROCESS_CLI_FOLLOW_H
#define PROCESS_CLI_FOLLOW_H

#include "process/cli.h"

struct follow_event { /* borrowed for the call */
    struct str type;
    struct str data; /* JSON in one line */
    const json_t *json;
};

typedef bool (*follow_event_fn)(void *ctx, const struct follow_event *event, struct error *err);

struct follow_options {
    const char *events;          /* types between commas, "payment.*"; NULL: all */
    const char *position;        /* file; NULL: none */
    follow_event_fn on_event;    /* false ends it with *err */
    void (*on_ready)(void *ctx); /* once, when nothing is missed any more; may be NULL */
    void *ctx;
};

/* Is there such a type, and what it is compared with; ERROR_INVALID names what is none. */
bool follow_check_types(const char *events, struct error *err) MUST_USE;
bool follow_wants(const char *events, struct str type);
/* Until SIGINT or SIGTERM: true. False with *err: it cannot go on (the key is refused, the position too old). */
bool follow_run(struct cli *cli, const struct follow_options *options, struct error *err) MUST_USE;

#endif

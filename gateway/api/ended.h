/*
 * ended.h - which sessions were ended, as one worker knows it (private to gateway/api).
 *
 *     look(id) -> asked within FRESH? --yes--> as it was answered
 *                  | no
 *                 ask: one question to the ledger for all who wait ---> open | ended | unavailable
 *
 * An ended session never opens again, so that is remembered for good; that one is open, for a second: so long a session
 * that was ended in another worker goes on here. Nobody is let in while the ledger does not answer.
 */
#ifndef API_ENDED_H
#define API_ENDED_H

#include "base/loop.h"
#include "ledger/sessions.h"

enum ended {
    ENDED_UNKNOWN = 0, /* not yet asked, or too long ago */
    ENDED_NOT,
    ENDED_YES,
    ENDED_UNAVAILABLE, /* the ledger does not say */
};

enum {
    ENDED_ENTRY_MAX = 4096, /* sessions in use in one worker; the longest known is forgotten */
    ENDED_FRESH_MS = 1000,
};

struct endeds;

struct endeds *endeds_new(struct store *store);
void endeds_free(struct endeds **endeds);

/* At once; UNKNOWN: use endeds_ask. */
enum ended endeds_look(struct endeds *endeds, const struct uuid *session_id);
/* done is called exactly once with NOT, YES or UNAVAILABLE, and never before this returns. */
typedef void (*ended_fn)(void *ctx, enum ended ended);
void endeds_ask(struct endeds *endeds, const struct uuid *session_id, ended_fn done, void *ctx);
/* For those who go on for long: is it known to be ended? Asks anew in the background. */
bool endeds_watch(struct endeds *endeds, const struct uuid *session_id);
/* End it, here at once and elsewhere within FRESH. done: YES, or UNAVAILABLE: it goes on. */
void endeds_end(struct endeds *endeds, const struct uuid *session_id, int64_t expires_us,
                ended_fn done, void *ctx);

#endif

/*
 * rest.h - accounts whose provider turns requests away (HTTP 429), and how long payouts that wait
 * leave them alone.
 *
 *     turned away --> rests: as long as Retry-After says, 1 s at least, twice as long each time, up
 *        ^            to a minute
 *        |              | over
 *        |              v
 *        +--- no --- one may try --- it was taken --> forgotten: all may
 *
 * Clients' own requests do not heed it: for them the next provider is tried. Of this worker alone:
 * each learns it by a request or two.
 */
#ifndef PAYMENT_REST_H
#define PAYMENT_REST_H

#include "base/id.h"

struct rests;

struct rests *rests_new(void);
void rests_free(struct rests **rests);

/* now_us everywhere: monotonic. retry_after_ms: -1 when the provider does not say. */
void rests_turned_away(struct rests *rests, const struct uuid *account_id, int64_t retry_after_ms,
                       int64_t now_us);
void rests_was_taken(struct rests *rests, const struct uuid *account_id, int64_t now_us);
/* How long nobody should be sent there; 0: it does not rest, or it is the one's turn. */
int64_t rests_left_us(const struct rests *rests, const struct uuid *account_id, int64_t now_us);
/* This one goes: after a rest the others wait for what becomes of it. */
void rests_try(struct rests *rests, const struct uuid *account_id, int64_t now_us);
size_t rests_count(const struct rests *rests);

#endif

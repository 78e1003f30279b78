/*
 * bulkhead.h - how much of a worker each provider account may hold, and each provider's address.
 *
 * A payment holds a seat at the account it was routed to, from the decision to its end or its
 * failover. Seats are counted by account and by origin (https://host:port), because accounts of
 * many merchants share one provider: when it is slow, all of them are. At most account_max payments
 * of this worker sit at one account, and origin_max at one origin; whoever comes then is routed as
 * if the account were full, so that a slow provider costs the others nothing but its own seats.
 * origin_max is also the number of connections the engine keeps to one host, so that nobody waits
 * in libcurl's own queue.
 */
#ifndef PAYMENT_BULKHEAD_H
#define PAYMENT_BULKHEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "providers/provider.h"

struct bulkhead;
struct bulkhead_place;

struct bulkhead_seat { /* zero: none is held */
    struct bulkhead_place *account;
    struct bulkhead_place *origin;
};

struct bulkhead *bulkhead_new(size_t account_max, size_t origin_max);
void bulkhead_free(struct bulkhead **bulkhead); /* every seat was given back */
bool bulkhead_is_full(const struct bulkhead *bulkhead, const struct provider_account *account);
/* Take one more seat, even where it is full: the caller has looked. `seat` must hold none. */
void bulkhead_take(struct bulkhead *bulkhead, const struct provider_account *account,
                   struct bulkhead_seat *seat);
void bulkhead_give_back(struct bulkhead *bulkhead, struct bulkhead_seat *seat); /* none: nothing */
size_t bulkhead_count(const struct bulkhead *bulkhead, const struct provider_account *account);

#endif

/*
 * driver_route.h - what a decision of the driver is made in: shared by driver_route.c (the first
 * decision) and driver_again.c (those before further attempts), and by nobody else.
 */
#ifndef PAYMENT_DRIVER_ROUTE_H
#define PAYMENT_DRIVER_ROUTE_H

#include "payment/driver.h"
#include "payment/facts.h"

struct routing { /* while a decision is made */
    struct facts facts;
    struct route_decision decision;
    struct route_decision asked; /* as the rules said, before adapter and breaker were asked */
};

#define DRIVE_TIME_OVER "failover_time_over"
/* The rule gave failover so much time; what is under way is not touched by it. */
bool drive_is_time_over(const struct drive *drive);
/* By drive->rules. before: NULL: the first attempt. */
void drive_decide(struct drive *drive, const struct payment_request *request,
                  const struct facts_before *before, struct routing *routing);
struct drive_candidate drive_make_candidate(struct drive *drive, const struct routing *routing,
                                            const struct route_verdict *verdict);
/* The record of attempt `number`, as it is stored. chosen: NULL: nobody was. */
void drive_keep_decision(struct drive *drive, const struct routing *routing, uint8_t number,
                         const struct drive_candidate *chosen);

#endif

/* fleet_internal.h - what fleet.c (generations), fleet_worker.c (processes) and fleet_adopt.c (from
 * program to program) share. */
#ifndef PROCESS_FLEET_INTERNAL_H
#define PROCESS_FLEET_INTERNAL_H

#include "process/fleet.h"

/* fleet.c */
/* The one function that moves a generation. */
void fleet_enter(struct fleet *fleet, struct generation *generation, enum generation_state state,
                 int64_t until_us);
/* Let its workers finish what they hold; those that never served have nothing to finish. */
void fleet_retire(struct fleet *fleet, struct generation *generation);

/* fleet_worker.c */
struct shared_slot *fleet_slot(const struct fleet *fleet, unsigned slot);
unsigned fleet_find_free_slot(const struct fleet *fleet); /* 0: none */
/* For a new process: nobody's yet. */
void fleet_claim_slot(struct fleet *fleet, unsigned slot);
/* False while no process or slot is to be had; the seat then waits for a moment. */
bool fleet_start_worker(struct fleet *fleet, struct generation *generation, unsigned seat);
/* Whoever has lived for a while ends a crash loop. */
void fleet_note_long_life(struct fleet *fleet, const struct member *member, int64_t now_us);
/* A new generation has a chance of its own. */
void fleet_forget_crashes(struct fleet *fleet);

#endif

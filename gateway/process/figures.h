/*
 * figures.h - files of figures: fee tables and rates, read whole, refused with file and line.
 */
#ifndef PROCESS_FIGURES_H
#define PROCESS_FIGURES_H

#include "router/cost.h"
#include "router/rates.h"

/* NULL with *err: "FILE:LINE: what is wrong". */
struct cost_table *figures_read_fees(const char *file, struct error *err) MUST_USE;
struct rates *figures_read_rates(const char *file, struct error *err) MUST_USE;
/* Rates older than they say they may be: one line that says so; false: they are not. */
bool figures_are_stale(const struct rates *rates, int64_t now_wall_us, char text[256]) MUST_USE;

#endif

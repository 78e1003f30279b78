/*
 * index.h - which rules may match, without running them: a bit per rule, for each value of a fact.
 *
 *                       rule 0 1 2 3 4 ...
 *     currency  EUR          1 1 0 1 1        a rule that does not ask for the currency has a 1
 *               any other    1 0 0 1 1        at every value
 *     amount    EUR < 500    0 1 1 1 1
 *               EUR >= 500   1 1 1 1 1        intervals between the amounts that rules name
 *     country   DE           1 1 1 0 1
 *
 * A payment picks one line of each fact; the rules whose bits are 1 in all of them are run, the first
 * one first. So ten thousand rules cost what the few that may match cost, and 157 words of each line.
 *
 * The lines only ever say more than is true: a rule whose bit is 0 cannot match (index_build runs
 * its tests on the value, with every other test open), a rule whose bit is 1 is asked.
 * Work and memory are bounded whatever the rules say: a fact whose lines would be too dear has none.
 */
#ifndef ROUTER_INDEX_H
#define ROUTER_INDEX_H

#include "router/program.h"

/* Over all that `program` has compiled; into program->index, in `arena`. */
void index_build(struct program *program, struct arena *arena);

#endif

/*
 * intake.h - takes a batch of payouts in: thousands of rows of one body, without stopping the loop.
 *
 *     body -> rows, one by one, a few milliseconds at a time: parse -> check -> seal
 *          -> head, totals, approval -> ONE transaction -> answer
 *
 * A slice ends after INTAKE_SLICE_US; between two slices the loop does everything else. In memory
 * are the body, one row's tree, and what goes into the ledger. What a batch was asked for is the
 * chain of the rows' digests and the head, so that JSON written in another way is the same request.
 */
#ifndef API_INTAKE_H
#define API_INTAKE_H

#include "api/call.h"

enum {
    INTAKE_SLICE_US = 3000,
    INTAKE_COUNT_MAX = 4,  /* batches at a time in one worker; beyond it 503 */
    INTAKE_TOLD_MAX = 100, /* wrong rows in a refusal */
};

struct intake;

/* intake_start, in call.h: the whole batch; ends the call. */
void intake_free(struct intake **intake); /* with its call */

#endif

/*
 * explain_print.h - an explanation, as POST /v1/routing/explain answers it, for people.
 */
#ifndef PROCESS_EXPLAIN_PRINT_H
#define PROCESS_EXPLAIN_PRINT_H

#include "base/json.h"
#include "base/money.h"

void explain_print_text(const json_t *explanation, struct buf *out);

/* A decision alone: its order, and every candidate, kept or dropped and why. currency may be NULL. */
void explain_print_decision(const json_t *decision, const struct currency *currency,
                            struct buf *out);

#endif

/*
 * admin_rules.h - private to admin_rules*.c: what they check, compare and print.
 */
#ifndef API_ADMIN_RULES_H
#define API_ADMIN_RULES_H

#include "api/admin_call.h"

/* Ends the call with the findings: with 422 when there is an error, and, unless `is_draft`, with
 * 200. True: it is a draft without an error, and its findings are kept for the answer. */
bool rules_check_text(struct admin_call *call, struct str text, bool is_draft);
/* The number in the address; false: the call was ended. */
bool rules_take_version(struct admin_call *call, int32_t *version) MUST_USE;
/* It compiles. */
bool rules_can_be_used(struct str text, struct error *err) MUST_USE;

/* Each ends the call. */
void rules_end_with_version(struct admin_call *call, const struct rules_version *version,
                            int status);
void rules_end_with_diff(struct admin_call *call, const struct rules_version *from,
                         const struct rules_version *to);
/* Of call->rules.moves and versions; tallies NULL: no canary runs. */
void rules_end_with_state(struct admin_call *call, const struct rules_tally *live,
                          const struct rules_tally *canary);

#endif

/*
 * raw.h - the text of a number inside JSON: money is read from what the client wrote, not from the
 * double a parser makes of it.
 */
#ifndef SANDBOX_RAW_H
#define SANDBOX_RAW_H

#include "base/str.h"

/*
 * The raw text of the value at path ("payment.amount", "purchase_units.0.amount.value") in
 * well-formed JSON; a string comes with its quotes. Empty when absent. Member names with escapes
 * are not found.
 */
struct str raw_json_find(struct str json, const char *path);

/* Minor units of a number's text, not below 0; trailing zeros beyond `digits` decimals are fine. */
bool raw_money(struct str text, unsigned digits, int64_t *minor) MUST_USE;

#endif

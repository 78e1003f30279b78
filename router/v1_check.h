/*
 * check.h - what is wrong with a rule set although its syntax is right, found when it is loaded.
 *
 * Names that mean nothing (with the nearest that does), values of the wrong type, lists that say a
 * thing twice, and rules that can never match. Every message is "line:column: what is wrong; what
 * to do". Sound: a rule called unreachable is unreachable.
 */
#ifndef ROUTER_V1_CHECK_H
#define ROUTER_V1_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "router/eval.h"
#include "router/facts.h"
#include "router/lex.h"

/* The fact that a word names. */
bool check_fact(const struct token *name, enum fact *fact, struct error *err) MUST_USE;
/* That `fact` may be compared by `sign` (the word "in" stands for in and not in). */
bool check_sign(enum fact fact, const struct token *sign, struct error *err) MUST_USE;
/* One value of any fact but amount. */
bool check_value(enum fact fact, const struct token *value, union eval_operand *operand,
                 struct error *err) MUST_USE;
/* An amount of money: a number and a currency. */
bool check_money(const struct token *number, const struct token *currency,
                 union eval_operand *operand, struct error *err) MUST_USE;
/* That the gateway has a provider of this name. */
bool check_provider(const struct token *name, const struct str *known, size_t known_count,
                    struct error *err) MUST_USE;
/* The last target of `rule` against those before it. */
bool check_target(const struct program *program, const struct eval_rule *rule, struct place place,
                  struct error *err) MUST_USE;
/* The last rule of `program` against those before it: its name, and whether it can match at all. */
bool check_rule(const struct program *program, struct error *err) MUST_USE;

#endif

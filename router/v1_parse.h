/*
 * parse.h - the grammar of rule files, and the compiler into a flat program.
 *
 *     file      = { rule } default
 *     rule      = "rule" string [ "when" condition ] "{" action "}"
 *     default   = "default" "{" action "}"
 *     condition = all { "or" all }
 *     all       = one { "and" one }
 *     one       = "not" one | "(" condition ")" | fact sign value | fact [ "not" ] "in" list
 *     fact      = "amount" | "currency" | ... | "metadata" "." ( word | string )
 *     sign      = "==" | "!=" | "<" | "<=" | ">" | ">="
 *     value     = number word | word | string
 *     list      = "[" value { "," value } "]"
 *     action    = "use" targets | "by" "cost" [ "of" targets ]
 *     targets   = target { "," target }
 *     target    = word [ ":" ( word | string ) ]
 *
 * Words mean something only where the grammar expects them, so that new words never break old
 * files.
 */
#ifndef ROUTER_V1_PARSE_H
#define ROUTER_V1_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "router/eval.h"

/* Compile `text`, which must outlive `program`, as must `arena`. */
bool parse_rules(struct str text, const struct str *known_providers, size_t known_count,
                 struct arena *arena, struct program *program, struct error *err) MUST_USE;

#endif

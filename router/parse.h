/*
 * parse.h - a rule file to a tree, and all that is wrong with it in one place at a time.
 *
 *     file       = { setting | definition | rule } last
 *     setting    = "zone" string                              IANA zone of weekday and time; else UTC
 *     definition = "set" word "=" list | "condition" word "=" condition
 *     rule       = "rule" string [ "when" condition ] block
 *     last       = ( "otherwise" | "default" ) block          its name is "default" in decisions
 *
 *     condition  = all { "or" all }          all = one { "and" one }
 *     one        = "not" one | "(" condition ")" | word | flag | comparison
 *     comparison = fact sign value
 *                | fact [ "not" ] "in" ( list | range | word )
 *                | fact [ "not" ] "starts" "with" string | fact [ "not" ] "matches" string
 *     list       = "[" value { "," value } "]"
 *     range      = value ".." value                           both ends included
 *     fact       = word | "metadata" "." ( word | string ) | "amount" "as" currency
 *                | ( "weekday" | "time" ) "at" string | target "." measure
 *     target     = word [ ":" ( word | string ) ]
 *
 *     block      = "{" action { [ ";" ] action } "}"
 *     action     = "use" targets | "by" order [ "of" targets ] | split | "decline" string
 *                                                             exactly one of these four in a block
 *                | ( "only" | "never" | "avoid" ) ( targets | "where" condition )
 *                | "failover" ( "none" | [ "at" "most" number ] [ "within" duration ] )
 *                | "shadow" block
 *     order      = "cost" | "success" | "latency"
 *                | "value" [ "with" "margin" percent [ "and" "failure" money ] ]
 *     split      = "split" percent target { "," percent target } [ "by" key ]
 *     key        = "customer" | "reference" | "metadata" "." ( word | string )
 *
 * Words mean something only where the grammar expects them, so that new words never break old
 * files. A definition stands above its use: so none can be in a circle.
 *
 * A mistake of meaning (an unknown name, a wrong type) is told and reading goes on behind it; after
 * a mistake of form it goes on at the next rule or definition. Time is linear in the text.
 */
#ifndef ROUTER_PARSE_H
#define ROUTER_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "router/ast.h"
#include "router/diagnosis.h"

enum {
    PARSE_ARENA_BYTES_MAX = 384 * 1024 * 1024, /* for a text at every limit at once */
};

/*
 * Read `text`, which must outlive the tree, as must `arena` (of at least PARSE_ARENA_BYTES_MAX).
 * False: there are errors in `diagnosis`, and the tree is not to be used. True: warnings at most.
 */
bool parse_tree(struct str text, const struct str *known_providers, size_t known_count,
                struct arena *arena, struct ast_tree *tree, struct diagnosis *diagnosis) MUST_USE;

#endif

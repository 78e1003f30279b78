/*
 * compile.h - from the tree to the program: the same meaning, in numbers.
 *
 * The compiler says nothing about mistakes: a tree that the parser let through compiles, but for
 * its size and for time zones that this system does not have.
 */
#ifndef ROUTER_COMPILE_H
#define ROUTER_COMPILE_H

#include "router/program.h"

/*
 * Compile `tree` into `program`, both of which live in `arena`. seed: of its hash tables; nothing that
 * is decided depends on it. ERROR_INVALID: "line:column: ..."
 * of a zone that is not in the system's database, or too many comparisons.
 */
bool compile_tree(const struct ast_tree *tree, const struct mix_seed *seed, struct arena *arena,
                  struct program *program, struct error *err) MUST_USE;

#endif

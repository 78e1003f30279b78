/*
 * check.h - what a rule file says that can hardly be meant: after parse.h has found that it is right.
 *
 *     errors     a rule that no payment can reach, with the rules that take all of its payments; a
 *                condition that never holds; a block that leaves nobody; a split that is not 100 %
 *     warnings   what always holds or never does within a condition; unused sets and conditions;
 *                only, never and avoid without effect; providers that cannot take what a rule matches
 *
 * Sound: what is called unreachable is unreachable by every payment there can be, and so for all
 * that is told (make router-brute). Where it takes too much work to be sure, nothing is said:
 * a file of 10,000 rules is done within seconds.
 *
 * A file with these errors still decides as it always did: it is a reason not to publish it, none to
 * stop a gateway that runs on it, nor to forget what was decided by it. So rule_set_new does not ask.
 */
#ifndef ROUTER_CHECK_H
#define ROUTER_CHECK_H

#include "router/ast.h"
#include "router/diagnosis.h"

enum {
    CHECK_CURRENCY_WORDS = 4, /* bits by currency_index() */
};

struct check_ability { /* what a provider, or an account of one, can do at all */
    struct str provider;
    struct str account;  /* of an account: its name; empty for a provider */
    uint32_t operations; /* bits 1 << enum operation */
    uint64_t currencies[CHECK_CURRENCY_WORDS];
    bool is_disabled; /* by a human */
};

struct check_context {
    const struct check_ability *provider; /* borrowed; all that the gateway has; 0: not known */
    size_t provider_count;
    const struct check_ability *account; /* borrowed; all there are, when has_accounts */
    size_t account_count;
    bool has_accounts;
};

/* Add what is found to `diagnosis`. `context` may be NULL: then nothing is said of who can do what.
 * True: no error was added. The tree is one that parse_tree returned true for. */
bool check_tree(const struct ast_tree *tree, const struct check_context *context,
                struct diagnosis *diagnosis) MUST_USE;
/*
 * All of it from the text: parse, check, and compile, as publishing does. diagnosis->arena holds
 * CHECK_ARENA_BYTES_MAX at least. True: there is no error; the findings are sorted.
 */
bool check_text(struct str text, const struct str *known_providers, size_t known_count,
                const struct check_context *context, struct diagnosis *diagnosis) MUST_USE;

enum {
    CHECK_ARENA_BYTES_MAX = 704 * 1024 * 1024,
};

#endif

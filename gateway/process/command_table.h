/*
 * command_table.h - all commands, and what is printed from their tables: help, completion, the manual page.
 */
#ifndef PROCESS_COMMAND_TABLE_H
#define PROCESS_COMMAND_TABLE_H

#include <stdbool.h>
#include <stdio.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is its name */
    const char *usage;
    const char *help;
};

const struct command *command_find(const char *name); /* NULL: there is none */
const struct command *command_all(size_t *count);

/* A command, or one of its verbs (else NULL); usage has every option as --name. */
typedef void (*command_row_fn)(void *ctx, const char *noun, const char *verb, const char *usage,
                               const char *help);
void command_rows(command_row_fn row, void *ctx);
/* Those of families whose verbs have tables of their own. */
void command_admin_rows(command_row_fn row, void *ctx);  /* admin.c */
void command_routes_rows(command_row_fn row, void *ctx); /* command_routes.c */
void command_ledger_rows(command_row_fn row, void *ctx); /* command_ledger.c */

/* All commands, a line or two each. */
void command_usage(FILE *out);
/* One command, or one verb of it (NULL: all). False: there is no such command; nothing was printed. */
bool command_help(const char *noun, const char *verb, FILE *out);
/* The manual page turnpike(1), for scdoc. */
void command_manual(FILE *out);

#endif

/*
 * command.h - the subcommands of `turnpike`. Each gets its own arguments (argv[0] is its name) and
 * returns the exit status; errors are one line on stderr: what was not done, and what to do.
 */
#ifndef PROCESS_COMMAND_H
#define PROCESS_COMMAND_H

#include <stdio.h>

#include "process/config.h"

/* Options every command takes: --config FILE, --set name=value. Parses, loads and finishes the
 * config; what is left stays in argv (argc is adapted). */
bool command_config(int *argc, char **argv, struct config *config, struct error *err) MUST_USE;
/* Take "--name value" or "--name=value" out of argv; NULL when absent. */
const char *command_option(int *argc, char **argv, const char *name);
bool command_flag(int *argc, char **argv, const char *name);
/* What nobody took: false names it. */
bool command_done(int argc, char **argv, struct error *err) MUST_USE;
/* "30d", "12h", "5m": so long before now; or a date or time (RFC 3339). */
bool command_since(const char *text, int64_t *since_us, struct error *err) MUST_USE;
int command_fail(const struct error *err); /* prints, returns 1 */

/* Where this program lies, for `serve` to start it anew: before any command. */
void command_set_program(const char *argv0);

/* One line on stderr when the checker finds something in a rule file that is right. */
void command_routes_warn(const char *file);

int command_serve(int argc, char **argv);
int command_check(int argc, char **argv);
int command_config_print(int argc, char **argv);
int command_reload(int argc, char **argv);
int command_upgrade(int argc, char **argv);
int command_migrate(int argc, char **argv);
int command_sandbox(int argc, char **argv);
int command_openapi(int argc, char **argv);
int command_plan(int argc, char **argv);          /* config plan, config apply: command_plan.c */
int command_fees(int argc, char **argv);          /* command_fees.c */
int command_replay(int argc, char **argv);        /* command_replay.c */
int command_routes(int argc, char **argv);        /* command_routes.c */
int command_explain(int argc, char **argv);       /* command_explain.c */
int command_backtest(int argc, char **argv);      /* command_backtest.c */
int command_earned(int argc, char **argv);        /* command_earned.c */
int command_verify(int argc, char **argv);        /* command_verify.c */
int command_erase(int argc, char **argv);         /* command_erase.c */
int command_archive(int argc, char **argv);       /* command_archive.c */
int command_ledger(int argc, char **argv);        /* command_ledger.c: its verbs, a row each */
int command_ledger_verify(int argc, char **argv); /* command_seal.c */
int command_completion(int argc, char **argv);    /* command_completion.c */
int cli_run(int argc, char **argv);               /* cli.c: what speaks to the API */
int command_merchants(int argc, char **argv);     /* admin.c */
int command_accounts(int argc, char **argv);
int command_keys(int argc, char **argv);
/* The stored decision of a payment or payout, explained and replayed: command_replay.c. */
bool command_explain_payment(const char *database, const struct uuid *payment_id, struct buf *out,
                             struct error *err) MUST_USE;
/* A whole file, or "-": the standard input; over the buffer's limit it is refused. */
bool command_read(const char *file, struct buf *text, struct error *err) MUST_USE;
/* The life of rule sets: verbs of `routes`; argv[0] is "routes". */
bool command_rules_takes(const char *verb);
void command_rules_usage(FILE *out);
int command_rules(int argc, char **argv);

#endif

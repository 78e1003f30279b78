/*
 * cli.h - commands that speak to a gateway's API with a key, from anywhere.
 *
 *     payments list --status declined      noun, verb, argument, options: a row of the table in cli_table.c
 *     -> struct cli (parsed, connected) -> run -> tables for people, or JSON
 *
 * The table is all there is: an option that it does not have is refused; help, completion and the manual
 * page are printed from it.
 */
#ifndef PROCESS_CLI_H
#define PROCESS_CLI_H

#include <stdio.h>

#include "process/ask.h"
#include "process/sheet.h"

enum {
    CLI_OPTION_MAX = 24,
};

enum cli_exit { /* docs/cli.md */
                CLI_DONE = 0,
                CLI_FAILED = 1, /* refused, or not found: the same again will not help */
                CLI_USAGE = 2,  /* the command line is wrong; nothing was asked */
                CLI_DIFFERS = 3,
                CLI_LATER = 4, /* no answer, or the gateway is busy (429, 503): try again */
};

struct cli_option {
    const char *name;  /* without -- */
    const char *value; /* what stands behind it: "TIME"; NULL: a flag */
    const char *
        member; /* query parameter or member of the body that it becomes; NULL: the command's own */
    const char *help;
};

struct cli;
struct cli_action {
    const char *noun;
    const char *verb;     /* NULL: the noun is the command */
    const char *argument; /* "PAYMENT"; in [] if it may be absent; NULL: none */
    int (*run)(struct cli *cli);
    const char *help;
    const struct cli_option *options; /* ends with a name of NULL; besides those of all */
};

struct cli {
    const struct cli_action *action;
    const char *argument;               /* NULL: absent */
    const char *values[CLI_OPTION_MAX]; /* of action->options; "" of a flag that stands */
    struct ask_address address;
    const char *merchant; /* --merchant: an operator says whose */
    bool as_json;
    bool is_usage; /* what failed is the command line */
    struct ask ask;
    struct error err;
};

const struct cli_action *cli_actions(size_t *count); /* cli_table.c */
const struct cli_option *cli_common_options(void);
/* Is there such a noun? */
bool cli_takes(const char *noun);
/* Parse alone: ERROR_INVALID says what is wrong. argv[0] is the noun. */
bool cli_parse(int argc, char **argv, struct cli *cli, struct error *err) MUST_USE;

const char *cli_value(const struct cli *cli, const char *option); /* NULL: absent */
bool cli_flag(const struct cli *cli, const char *option);
/* Of a whole number from `least` to `most`; `usual` when absent. */
bool cli_number(const struct cli *cli, const char *option, int64_t least, int64_t most,
                int64_t usual, int64_t *value, struct error *err) MUST_USE;
/* Is the argument an id that begins so, as "rev_"? It becomes a part of a path. */
bool cli_check_id(const struct cli *cli, const char *prefix, struct error *err) MUST_USE;
/* Say *err in one line, and what status follows from its code. */
int cli_fail(const struct cli *cli, const struct error *err);

/* ---- asking ---------------------------------------------------------------------------------- */

/* `path` with the options that have a member, and --merchant, as its query. */
void cli_path(const struct cli *cli, const char *path, struct buf *out);
/* As cli_path, --merchant alone; then GET. */
json_t *cli_get(struct cli *cli, const char *path, struct error *err) MUST_USE;
/* The options that have a member, into a body. */
bool cli_add_texts(const struct cli *cli, json_t *body, struct error *err) MUST_USE;
/* The answer of a 2xx, owned by the caller; NULL with *err. */
json_t *cli_send(struct cli *cli, const char *method, const char *path, const json_t *body,
                 const char *idempotency_key, struct error *err) MUST_USE;
/* Pages of a list, up to --limit rows: an array, and whether there are more. NULL with *err. */
json_t *cli_list(struct cli *cli, const char *path, const char *what, bool *has_more,
                 struct error *err) MUST_USE;

/* ---- printing -------------------------------------------------------------------------------- */

enum cli_cell {
    CLI_TEXT = 0,
    CLI_STATE,   /* coloured */
    CLI_MONEY,   /* minor units, with the row's `currency` */
    CLI_TIME,    /* to the second, UTC */
    CLI_PERCENT, /* of a share from 0 to 1 */
    CLI_COUNT,
};

struct cli_column {
    const char *title;
    const char *path; /* in the row: json_path */
    enum cli_cell kind;
};

/* The list as a table, or as one JSON document with --json. Exit status. */
int cli_show_list(struct cli *cli, json_t *rows, bool has_more, const struct cli_column *columns,
                  size_t count);
/* One value as a document in one line. Exit status. */
int cli_show_json(const struct cli *cli, const json_t *value);
/* What is in the buffer goes to standard output. Exit status. */
int cli_put(const struct cli *cli, const struct buf *out);
/* A cell's text into out. */
void cli_cell(const json_t *row, const struct cli_column *column, struct buf *out);
void cli_table(const json_t *rows, const struct cli_column *columns, size_t count, FILE *out);
/* The same of one object: a line each, of what is there. */
void cli_facts(const json_t *object, const struct cli_column *columns, size_t count, FILE *out);
/* A history of GET /v1/payments/{id}/events, a line each. */
void cli_print_history(const json_t *history, bool has_colour, struct buf *out);
/* Members that name or describe people, unless --personal stands. */
void cli_hide_people(const struct cli *cli, json_t *value);

/* ---- the commands ---------------------------------------------------------------------------- */

int cli_providers_list(struct cli *cli); /* cli_providers.c */
int cli_providers_show(struct cli *cli);
int cli_providers_disable(struct cli *cli);
int cli_providers_drain(struct cli *cli);
int cli_providers_enable(struct cli *cli);
int cli_payments_list(struct cli *cli); /* cli_payments.c */
int cli_payments_reviews(struct cli *cli);
int cli_payments_resolve(struct cli *cli);
int cli_payments_show(struct cli *cli); /* cli_payment_show.c */
int cli_payouts_show(struct cli *cli);
int cli_payouts_list(struct cli *cli); /* cli_payments.c */
int cli_events_list(struct cli *cli);
int cli_audit(struct cli *cli);
int cli_events_follow(struct cli *cli); /* cli_follow.c */
int cli_listen(struct cli *cli);        /* cli_listen.c */
int cli_trigger(struct cli *cli);       /* cli_trigger.c */

#endif

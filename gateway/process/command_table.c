/*
 * The commands: one table, from which usage, help and completion are printed.
 *
 * Families (merchants, routes, ledger, payments, ...) have tables of their own, walked by command_rows.
 */
#include "process/command_table.h"

#include <stdlib.h>
#include <string.h>

#include "process/cli.h"
#include "process/command.h"
#include "process/command_ledger.h"
#include "process/screen.h"

/* clang-format off */
static const struct command commands[] = {
    {"serve",     command_serve,        "[--config FILE] [--set NAME=VALUE]... [--restored redo | alone | by-hand]", "run the gateway; after a restore of the database it reconciles first"},
    {"reload",    command_reload,       "[--config FILE] [--json]", "load the configuration anew into the gateway that runs, without losing a request"},
    {"upgrade",   command_upgrade,      "[--config FILE] [--json]", "the same, and go on as the program that lies there now"},
    {"check",     command_check,        "[--config FILE] [--set NAME=VALUE]... [--json]", "validate a configuration without touching anything"},
    {"config",    command_config_print, "[--config FILE] [--in-force] [--json] | plan DIR | apply DIR", "print every setting, documented, or the values in force; show and make the difference between files and what is live"},
    {"migrate",   command_migrate,      "[up | status] [--database CONNINFO] [--config FILE] [--json]", "bring the database schema up to date"},
    {"merchants", command_merchants,    "create | list | show | disable | enable | bind | unbind ...", "merchants and their test twins"},
    {"accounts",  command_accounts,     "create | list | show | rotate | disable | enable | test ...", "provider accounts"},
    {"keys",      command_keys,         "create | list | show | rotate | disable ...", "API keys"},
    {"fees",      command_fees,         "check FILE | quote FILE --amount N --currency C [--operation payment] [--country C] [--method card] [--volume N] [--paid N] [--rates FILE] [--json]", "what a fee table says, and what a payment costs by it"},
    {"routes",    command_routes,       "check FILE | explain ... | backtest FILE | earned | replay PAYMENT | put | list | show | diff | publish | approve | rollback | stop ...", "what a rule file says, what it would have done, and past decisions made again"},
    {"ledger",    command_ledger,       "VERB ...", "read, export and prove the books; turnpike ledger --help lists the verbs"},
    {"erase",     command_erase,        "--merchant ID (--payment ID | --payout ID | --reference TEXT | --customer TEXT) --reason TEXT --by NAME [--dry-run] [--database CONNINFO] [--config FILE] | --list [--merchant ID] [--json] | --again FILE", "erase a customer's personal data; the books stay, and who erased what, when and why"},
    {"archive",   command_archive,      "--older-than DAYS --folder DIR --by NAME [--merchant ID] [--limit N] [--dry-run] [--database CONNINFO] [--config FILE] | (--restore | --show) ID --merchant ID --folder DIR | --check --folder DIR [--merchant ID] | --list [--merchant ID]", "move attempts of payments that have been over for long to files, and back; keys and books stay"},
    {"sandbox",   command_sandbox,      "[--port N] [--address IP] [--books FILE] [--delay-ms N] [--certificate FILE] [--key FILE] [--hook-ca FILE] [--hook-certificate FILE] [--hook-key FILE]", "the providers' APIs as a local program"},
    {"verify",    command_verify,       "--secret FILE --id ID --timestamp SECONDS --signature TEXT [--tolerance SECONDS] [--json] < BODY", "check the signature of a webhook, as its receiver should"},
    {"openapi",   command_openapi,      "", "print the OpenAPI document"},
    {"providers", cli_run,              "list | show | disable | drain | enable ...", "how the provider accounts are doing, and holding them back"},
    {"payments",  cli_run,              "list | show | reviews | resolve ...", "payments: what happened to one, and why; the review queue"},
    {"payouts",   cli_run,              "list | show ...", "payouts"},
    {"events",    cli_run,              "list | follow ...", "events, and as they happen"},
    {"audit",     cli_run,              "...", "what people did, and what came of it"},
    {"listen",    cli_run,              "--forward-to URL ...", "send events to a program on this machine, signed as webhooks are"},
    {"trigger",   cli_run,              "EVENT ...", "make a test payment of which an event comes"},
    {"completion", command_completion,  "bash", "print what completes this command line: eval \"$(turnpike completion bash)\""},
};
/* clang-format on */

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

const struct command *command_all(size_t *count)
{
    *count = ARRAY_LEN(commands);
    return commands;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void cli_usage(const struct cli_action *action, struct buf *out)
{
    const struct cli_option *sets[] = {action->options, cli_common_options()};
    buf_clear(out);
    if (action->argument != NULL) {
        buf_printf(out, "%s ", action->argument);
    }
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        for (const struct cli_option *option = sets[i]; option->name != NULL; option++) {
            buf_printf(out, "[--%s%s%s] ", option->name, option->value != NULL ? " " : "",
                       option->value != NULL ? option->value : "");
        }
    }
    out->len--; /* the last space */
    buf_add_char(out, '\0');
}

static void cli_rows(command_row_fn row, void *ctx)
{
    struct buf usage;
    size_t count = 0;
    const struct cli_action *actions = cli_actions(&count);
    buf_init(&usage, 1 << 16);
    for (size_t i = 0; i < count; i++) {
        cli_usage(&actions[i], &usage);
        row(ctx, actions[i].noun, actions[i].verb, usage.at, actions[i].help);
    }
    buf_release(&usage);
}

void command_rows(command_row_fn row, void *ctx)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const struct command *command = &commands[i];
        if (!cli_takes(command->name)) {
            row(ctx, command->name, NULL, command->usage, command->help);
        }
    }
    command_admin_rows(row, ctx);
    command_routes_rows(row, ctx);
    command_ledger_rows(row, ctx);
    cli_rows(row, ctx);
}

/* ---- help ------------------------------------------------------------------------------------ */

struct wanted {
    const char *noun;
    const char *verb; /* NULL: all */
    FILE *out;
    size_t verb_count; /* that were told */
    bool tells_verbs;
};

static void tell(void *ctx, const char *noun, const char *verb, const char *usage, const char *help)
{
    struct wanted *wanted = ctx;
    bool is_meant = strcmp(noun, wanted->noun) == 0 &&
                    (wanted->verb == NULL || (verb != NULL && strcmp(verb, wanted->verb) == 0));
    if (!is_meant || (verb != NULL) != wanted->tells_verbs) {
        return;
    }
    wanted->verb_count++;
    (void)fprintf(wanted->out, "usage: turnpike %s%s%s%s%s\n", noun, verb != NULL ? " " : "",
                  verb != NULL ? verb : "", usage[0] != '\0' ? " " : "", usage);
    if (help[0] != '\0') {
        (void)fprintf(wanted->out, "       %s\n", help);
    }
}

/* The options of a command that speaks to the API, a line each. */
static void tell_options(const char *noun, const char *verb, FILE *out)
{
    size_t count = 0;
    const struct cli_action *actions = cli_actions(&count);
    for (size_t i = 0; i < count; i++) {
        const char *own = actions[i].verb;
        bool is_meant = strcmp(actions[i].noun, noun) == 0 &&
                        (own == NULL || (verb != NULL && strcmp(own, verb) == 0));
        const struct cli_option *sets[] = {actions[i].options, cli_common_options()};
        for (size_t k = 0; is_meant && k < ARRAY_LEN(sets); k++) {
            for (const struct cli_option *option = sets[k]; option->name != NULL; option++) {
                (void)fprintf(out, "  --%s %-*s %s\n", option->name,
                              (int)(20 - strlen(option->name)),
                              option->value != NULL ? option->value : "", option->help);
            }
        }
    }
}

bool command_help(const char *noun, const char *verb, FILE *out)
{
    struct wanted wanted = {.noun = noun, .verb = verb, .out = out, .tells_verbs = true};
    command_rows(tell, &wanted);
    if (wanted.verb_count == 0) {
        wanted.verb = NULL;
        wanted.tells_verbs = verb != NULL; /* no such verb: all of them */
        command_rows(tell, &wanted);
    }
    if (wanted.verb_count == 0) {
        wanted.tells_verbs = false;
        command_rows(tell, &wanted);
    }
    if (wanted.verb_count > 0) {
        (void)fputc('\n', out);
        tell_options(noun, verb, out);
    }
    return wanted.verb_count > 0;
}

void command_usage(FILE *out)
{
    (void)fprintf(out, "turnpike " TURNPIKE_VERSION
                       " - payment orchestration gateway\n\nusage: turnpike COMMAND ...\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        (void)fprintf(out, "  %-10s %s\n             %s\n", commands[i].name, commands[i].help,
                      commands[i].usage);
    }
    (void)fprintf(out, "\nturnpike help COMMAND [VERB] says more.\n");
}

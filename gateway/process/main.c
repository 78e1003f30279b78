/* turnpike: the command line. Everything else is in the modules below. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "process/command.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage;
    const char *help;
};

/* clang-format off */
static const struct command commands[] = {
    {"serve",     command_serve,        "[--config FILE] [--set NAME=VALUE]... [--restored redo | alone | by-hand]", "run the gateway; after a restore of the database it reconciles first"},
    {"reload",    command_reload,       "[--config FILE]", "load the configuration anew into the gateway that runs, without losing a request"},
    {"upgrade",   command_upgrade,      "[--config FILE]", "the same, and go on as the program that lies there now"},
    {"check",     command_check,        "[--config FILE] [--set NAME=VALUE]...", "validate a configuration without touching anything"},
    {"config",    command_config_print, "[--config FILE] [--in-force] | plan DIR | apply DIR", "print every setting, documented, or the values in force; show and make the difference between files and what is live"},
    {"migrate",   command_migrate,      "[up | status] [--database CONNINFO] [--config FILE]", "bring the database schema up to date"},
    {"merchants", command_merchants,    "create | list | show | disable | enable | bind | unbind ...", "merchants and their test twins"},
    {"accounts",  command_accounts,     "create | list | show | rotate | disable | enable | test ...", "provider accounts"},
    {"keys",      command_keys,         "create | list | show | rotate | disable ...", "API keys"},
    {"fees",      command_fees,         "check FILE | quote FILE --amount N --currency C [--operation payment] [--country C] [--method card] [--volume N] [--paid N] [--rates FILE]", "what a fee table says, and what a payment costs by it"},
    {"routes",    command_routes,       "check FILE | explain ... | backtest FILE | earned | replay PAYMENT | put | list | show | diff | publish | approve | rollback | stop ...", "what a rule file says, what it would have done, and past decisions made again"},
    {"ledger",    command_ledger,       "VERB ...", "read, export and prove the books; turnpike ledger --help lists the verbs"},
    {"erase",     command_erase,        "--merchant ID (--payment ID | --payout ID | --reference TEXT | --customer TEXT) --reason TEXT --by NAME [--dry-run] [--database CONNINFO] [--config FILE] | --list [--merchant ID] [--json] | --again FILE", "erase a customer's personal data; the books stay, and who erased what, when and why"},
    {"archive",   command_archive,      "--older-than DAYS --folder DIR --by NAME [--merchant ID] [--limit N] [--dry-run] [--database CONNINFO] [--config FILE] | (--restore | --show) ID --merchant ID --folder DIR | --check --folder DIR [--merchant ID] | --list [--merchant ID]", "move attempts of payments that have been over for long to files, and back; keys and books stay"},
    {"sandbox",   command_sandbox,      "[--port N] [--books FILE] [--delay-ms N] ...", "the providers' APIs as a local program"},
    {"verify",    command_verify,       "--secret FILE --id ID --timestamp SECONDS --signature TEXT [--tolerance SECONDS] < BODY", "check the signature of a webhook, as its receiver should"},
    {"openapi",   command_openapi,      "", "print the OpenAPI document"},
};
/* clang-format on */

static int usage(FILE *out)
{
    (void)fprintf(out, "turnpike " TURNPIKE_VERSION
                       " - payment orchestration gateway\n\nusage: turnpike COMMAND ...\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        (void)fprintf(out, "  %-10s %s\n             %s\n", commands[i].name, commands[i].help,
                      commands[i].usage);
    }
    return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    CRASH_OPEN(getenv("TURNPIKE_CRASH"));
    command_set_program(argv[0]);
    if (argc < 2) {
        return usage(stderr);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        return usage(stdout);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        (void)puts("turnpike " TURNPIKE_VERSION);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    (void)fprintf(stderr, "turnpike: there is no command \"%.40s\"; turnpike --help lists them\n",
                  argv[1]);
    return 2;
}

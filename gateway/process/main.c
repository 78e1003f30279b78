/* turnpike: the command line. Everything else is in the modules below. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "process/command.h"
#include "process/command_audit.h"
#include "process/command_table.h"

static int usage(FILE *out)
{
    command_usage(out);
    return out == stdout ? 0 : 2;
}

static int no_command(const char *name)
{
    (void)fprintf(stderr, "turnpike: there is no command \"%.40s\"; turnpike --help lists them\n",
                  name);
    return 2;
}

/* turnpike help [COMMAND [VERB]] */
static int help(int argc, char **argv)
{
    if (argc < 2) {
        return usage(stdout);
    }
    if (strcmp(argv[1], "--manual") == 0) {
        command_manual(stdout);
        return 0;
    }
    return command_help(argv[1], argc > 2 ? argv[2] : NULL, stdout) ? 0 : no_command(argv[1]);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    CRASH_OPEN(getenv("TURNPIKE_CRASH"));
    command_set_program(argv[0]);
    if (argc < 2) {
        return usage(stderr);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        return help(argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        (void)puts("turnpike " TURNPIKE_VERSION);
        return 0;
    }
    const struct command *command = command_find(argv[1]);
    if (command == NULL) {
        return no_command(argv[1]);
    }
    if (asks_for_help(argc, argv)) {
        bool is_verb = strncmp(argv[2], "--", 2) != 0;
        (void)command_help(argv[1], is_verb ? argv[2] : NULL, stdout);
        return 0;
    }
    return command_run_audited(command, argc - 1, argv + 1);
}

/* turnpike ledger: the books on the command line. One verb is one row; what it does is its own file. */
#include <stdio.h>
#include <string.h>

#include "process/command.h"

struct verb {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the verb */
    const char *usage;
    const char *help;
};

/* clang-format off */
static const struct verb verbs[] = {
    {NULL, NULL, NULL, NULL},
};
/* clang-format on */

static int usage(FILE *out)
{
    (void)fprintf(out, "turnpike ledger - read, export and prove the books\n\n"
                       "usage: turnpike ledger VERB ...\n\n");
    for (const struct verb *verb = verbs; verb->name != NULL; verb++)
        (void)fprintf(out, "  %-14s %s\n                 %s\n", verb->name, verb->help,
                      verb->usage);
    return out == stdout ? 0 : 2;
}

int command_ledger(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return usage(stdout);
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        if (strcmp(argv[1], verb->name) == 0)
            return verb->run(argc - 1, argv + 1);
    }
    (void)fprintf(stderr,
                  "turnpike: ledger has no verb \"%.40s\"; turnpike ledger --help lists them\n",
                  argv[1]);
    return 2;
}

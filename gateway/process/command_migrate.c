#include <stdio.h>
#include <string.h>

#include "ledger/migrate.h"
#include "process/command.h"

static void say(void *ctx, const char *line)
{
    (void)ctx;
    (void)puts(line);
}

static int migrate_up_now(const char *database, const char *folder)
{
    struct error err;
    return migrate_up(database, folder, say, NULL, &err) ? 0 : command_fail(&err);
}

/* Exit status 3: nothing is wrong, but something is pending (for scripts). */
static int migrate_show_status(const char *database, const char *folder)
{
    struct error err;
    unsigned pending = 0;
    if (!migrate_status(database, folder, say, NULL, &pending, &err)) {
        return command_fail(&err);
    }
    return pending == 0 ? 0 : 3;
}

int command_migrate(int argc, char **argv)
{
    static struct config config;
    struct error err;
    const char *database = command_option(&argc, argv, "database");
    if (!command_config(&argc, argv, &config, &err)) {
        return command_fail(&err);
    }
    const char *verb = "up";
    if (argc > 1 && (strcmp(argv[1], "up") == 0 || strcmp(argv[1], "status") == 0)) {
        verb = argv[1];
        argc--;
        argv[1] = argv[0];
        argv++;
    }
    if (!command_done(argc, argv, &err)) {
        return command_fail(&err);
    }
    database = database != NULL ? database : config.database;
    return strcmp(verb, "status") == 0 ? migrate_show_status(database, config.migrations_folder)
                                       : migrate_up_now(database, config.migrations_folder);
}

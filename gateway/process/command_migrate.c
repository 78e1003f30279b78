#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "ledger/migrate.h"
#include "process/command.h"

enum {
    TEXT_BYTES_MAX = 1 << 20,
};

struct told {
    bool as_json;
    struct buf text;
    struct json_out json;
};

/* "applied 20261123000001_first", "pending ..." */
static void say(void *ctx, const char *line)
{
    struct told *told = ctx;
    if (!told->as_json) {
        (void)puts(line);
        return;
    }
    struct str name = str_of(line);
    struct str state = str_cut(&name, ' ');
    json_begin_object(&told->json);
    json_put_str(&told->json, "migration", name);
    json_put_str(&told->json, "state", state);
    json_end_object(&told->json);
}

static void begin(struct told *told)
{
    buf_init(&told->text, TEXT_BYTES_MAX);
    json_out_init(&told->json, &told->text);
    json_begin_array(&told->json);
}

/* Also after a failure: what was done is done. */
static void end(struct told *told)
{
    json_end_array(&told->json);
    if (told->as_json) {
        (void)printf(STR_FMT "\n", STR_ARG(buf_str(&told->text)));
    }
    buf_release(&told->text);
}

static int migrate_up_now(const char *database, const char *folder, struct told *told)
{
    struct error err;
    bool ok = migrate_up(database, folder, say, told, &err);
    end(told);
    return ok ? 0 : command_fail(&err);
}

/* Exit status 3: nothing is wrong, but something is pending (for scripts). */
static int migrate_show_status(const char *database, const char *folder, struct told *told)
{
    struct error err;
    unsigned pending = 0;
    bool ok = migrate_status(database, folder, say, told, &pending, &err);
    end(told);
    if (!ok) {
        return command_fail(&err);
    }
    return pending == 0 ? 0 : 3;
}

int command_migrate(int argc, char **argv)
{
    static struct config config;
    struct error err;
    const char *database = command_option(&argc, argv, "database");
    struct told told = {.as_json = command_flag(&argc, argv, "json")};
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
    begin(&told);
    return strcmp(verb, "status") == 0
               ? migrate_show_status(database, config.migrations_folder, &told)
               : migrate_up_now(database, config.migrations_folder, &told);
}

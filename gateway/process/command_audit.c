#include "process/command_audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "ledger/audit.h"
#include "process/admin.h"
#include "process/command.h"

enum {
    ARGUMENT_MAX = 256,
    OBJECT_LEN_MAX = 64,
    NAME_SIZE = 64,
};

/* How long it may take to reach the database, in seconds, unless its conninfo or the environment says. */
#define PATIENCE "8"

struct act {
    const char *noun;
    const char *verb;      /* NULL: the noun alone is the act */
    const char *unless[5]; /* with one of these options it only reads */
    bool
        may_be_unrecorded; /* it must be possible without the database: it may be what mends that */
};

/* clang-format off */
static const struct act acts[] = {
    {"merchants", "create",   {NULL}, false},
    {"merchants", "disable",  {NULL}, false},
    {"merchants", "enable",   {NULL}, false},
    {"merchants", "limit",    {NULL}, false},
    {"merchants", "approval", {NULL}, false},
    {"merchants", "bind",     {NULL}, false},
    {"merchants", "unbind",   {NULL}, false},
    {"accounts",  "create",   {NULL}, false},
    {"accounts",  "update",   {NULL}, false},
    {"accounts",  "rotate",   {NULL}, false},
    {"accounts",  "disable",  {NULL}, false},
    {"accounts",  "enable",   {NULL}, false},
    {"accounts",  "test",     {NULL}, false},
    {"accounts",  "hold",     {NULL}, false},
    {"accounts",  "plan",     {NULL}, false},
    {"accounts",  "unplan",   {NULL}, false},
    {"keys",      "create",   {NULL}, false},
    {"keys",      "rotate",   {NULL}, false},
    {"keys",      "disable",  {NULL}, false},
    {"routes",    "put",      {NULL}, false},
    {"routes",    "publish",  {NULL}, false},
    {"routes",    "approve",  {NULL}, false},
    {"routes",    "rollback", {NULL}, false},
    {"routes",    "stop",     {NULL}, false},
    {"config",    "apply",    {NULL}, false},
    {"erase",     NULL,       {"--list", "--dry-run", NULL}, false},
    {"archive",   NULL,       {"--list", "--show", "--check", "--dry-run", NULL}, false},
    {"reload",    NULL,       {NULL}, true},
    {"upgrade",   NULL,       {NULL}, true},
};
/* clang-format on */

static bool stands(const char *argument, const char *option)
{
    size_t len = strlen(option);
    return strncmp(argument, option, len) == 0 && (argument[len] == '\0' || argument[len] == '=');
}

static bool only_reads(const struct act *act, int argc, char *const *argv)
{
    for (const char *const *option = act->unless; *option != NULL; option++) {
        for (int i = 1; i < argc; i++) {
            if (stands(argv[i], *option)) {
                return true;
            }
        }
    }
    return false;
}

static const struct act *find_act(int argc, char *const *argv)
{
    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        const struct act *act = &acts[i];
        bool is_it = strcmp(act->noun, argv[0]) == 0 &&
                     (act->verb == NULL || (argc > 1 && strcmp(act->verb, argv[1]) == 0));
        if (is_it) {
            return only_reads(act, argc, argv) ? NULL : act;
        }
    }
    return NULL;
}

/* ---- what is kept of it ------------------------------------------------------------------------- */

/* The command would not take these; and a text that is none is nobody's. */
static bool is_fit(struct str text, size_t len_max)
{
    size_t at;
    size_t len;
    return text.len <= len_max && str_is_utf8(text) && !crypto_find_card_number(text, &at, &len);
}

/* "--name value" or "--name=value": the options that may be kept. */
static void print_data(int argc, char *const *argv, struct buf *out)
{
    struct json_out json;
    char name[NAME_SIZE];
    json_out_init(&json, out);
    json_begin_object(&json);
    for (int i = 1; i < argc; i++) {
        struct str value = str_of(argv[i]);
        if (!str_starts(value, STR("--"))) {
            continue;
        }
        bool has_value = str_find_char(value, '=', 0) != SIZE_MAX;
        struct str option = str_cut(&value, '=');
        option = str_sub(option, 2, SIZE_MAX);
        if (!has_value && i + 1 < argc) {
            value = str_of(argv[i + 1]);
        }
        if (audit_keeps(option) && is_fit(value, ARGUMENT_MAX) &&
            str_copy_to(option, name, sizeof(name))) {
            json_put_str(&json, name, value);
        }
    }
    json_end_object(&json);
}

static struct str option_of(int argc, char *const *argv, const char *option)
{
    for (int i = 1; i < argc; i++) {
        if (stands(argv[i], option)) {
            struct str value = str_of(argv[i]);
            bool has_value = str_find_char(value, '=', 0) != SIZE_MAX;
            (void)str_cut(&value, '=');
            return has_value || i + 1 == argc ? value : str_of(argv[i + 1]);
        }
    }
    return STR_NONE;
}

static struct str object_of(const struct act *act, int argc, char *const *argv)
{
    static const char *const named[] = {"--payment", "--payout", "--restore"};
    int at = act->verb != NULL ? 2 : 1;
    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        struct str id = option_of(argc, argv, named[i]);
        if (id.len > 0 && is_fit(id, OBJECT_LEN_MAX)) {
            return id;
        }
    }
    bool is_there = act->verb != NULL && argc > at && strncmp(argv[at], "--", 2) != 0;
    return is_there && is_fit(str_of(argv[at]), OBJECT_LEN_MAX) ? str_of(argv[at]) : STR_NONE;
}

static struct uuid merchant_of(struct str object, int argc, char *const *argv)
{
    struct uuid id = {{0}};
    struct error ignored;
    bool is_told = id_parse(ID_MERCHANT, option_of(argc, argv, "--merchant"), &id, &ignored) ||
                   id_parse(ID_MERCHANT, object, &id, &ignored);
    return is_told ? id : (struct uuid){{0}};
}

/* ---- recording ---------------------------------------------------------------------------------- */

/* As the command itself will find it; argv is not touched. */
static PGconn *open_database(int argc, char *const *argv, struct error *err)
{
    static struct config config;
    char *copy[ARGUMENT_MAX + 1] = {NULL};
    if (argc > ARGUMENT_MAX) {
        (void)fail(err, ERROR_INVALID, "more than %d arguments", ARGUMENT_MAX);
        return NULL;
    }
    memcpy(copy, argv, (size_t)argc * sizeof(*argv));
    const char *database = command_option(&argc, copy, "database");
    if (database == NULL) {
        if (!command_config(&argc, copy, &config, err)) {
            return NULL;
        }
        database = config.database;
    }
    (void)setenv("PGCONNECT_TIMEOUT", PATIENCE, 0);
    PGconn *conn = blocking_open(database, "turnpike audit", err);
    if (conn != NULL) {
        PQclear(PQexec(conn, "SET statement_timeout = '" PATIENCE "s'"));
    }
    return conn;
}

static bool begin(PGconn *conn, const struct act *act, int argc, char *const *argv,
                  struct uuid *audit_id, struct error *err)
{
    char author[ADMIN_AUTHOR_SIZE];
    char action[NAME_SIZE];
    struct buf data;
    (void)snprintf(action, sizeof(action), "%s%s%s", act->noun, act->verb != NULL ? " " : "",
                   act->verb != NULL ? act->verb : "");
    *audit_id = uuid_new();
    buf_init(&data, AUDIT_DATA_MAX);
    print_data(argc, argv, &data);
    struct str object = object_of(act, argc, argv);
    struct audit_act row = {
        .audit_id = *audit_id,
        .merchant_id = merchant_of(object, argc, argv),
        .begun_us = clock_wall_us(),
        .role = STR("system"),
        .actor = admin_user(author),
        .action = str_of(action),
        .object = object,
        .data_json = buf_is_ok(&data) ? buf_str(&data) : STR("{}"),
    };
    bool ok = audit_begin_now(conn, &row, err);
    buf_release(&data);
    return ok;
}

static void end(PGconn *conn, const struct uuid *audit_id, int status)
{
    struct error err;
    const struct audit_answer answer = {
        .ended_us = clock_wall_us(),
        .status = status,
        .outcome = status == 0 ? STR("done") : STR("failed"),
    };
    bool ok = audit_end_now(conn, audit_id, &answer, &err);
    if (!ok) { /* the command may have taken longer than the connection lived */
        PQreset(conn);
        ok = audit_end_now(conn, audit_id, &answer, &err);
    }
    if (!ok) {
        (void)fprintf(stderr, "turnpike: warning: what came of it is not in the audit log: %s\n",
                      err.text);
    }
}

int command_run_audited(const struct command *command, int argc, char **argv)
{
    struct error err;
    struct uuid audit_id;
    const struct act *act = find_act(argc, argv);
    if (act == NULL) {
        return command->run(argc, argv);
    }
    PGconn *conn = open_database(argc, argv, &err);
    bool is_recorded = conn != NULL && begin(conn, act, argc, argv, &audit_id, &err);
    int status = 1;
    if (is_recorded) {
        status = command->run(argc, argv);
        end(conn, &audit_id, status);
    } else if (act->may_be_unrecorded) {
        (void)fprintf(stderr, "turnpike: warning: this is not in the audit log: %s\n", err.text);
        status = command->run(argc, argv);
    } else {
        (void)fprintf(
            stderr,
            "turnpike: %s: not done, since it cannot be recorded: %s; is PostgreSQL "
            "running, is the setting \"database\" right (--config FILE), and was turnpike "
            "migrate run?\n",
            act->noun, err.text);
    }
    PQfinish(conn);
    return status;
}

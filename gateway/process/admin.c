/* turnpike merchants | accounts | keys: options become the body that the API takes, too. */
#include "process/admin.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "http/tls.h"
#include "process/command.h"
#include "process/command_table.h"

enum {
    FILE_BYTES_MAX = 65536,
    RULES_BYTES_MAX = 4 << 20,
    OPTION_MAX = 16,
};

enum option_type {
    OPTION_NONE = 0,
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_WORDS,       /* "EUR USD" */
    OPTION_FILE,        /* a JSON object in a file */
    OPTION_TEXT_FILE,   /* a text in a file */
    OPTION_PAIR,        /* name=value, may stand several times */
    OPTION_AMOUNT,      /* CUR=minor units, may stand several times */
    OPTION_ITEM,        /* of a list, may stand several times */
    OPTION_CERTIFICATE, /* the same: a PEM file, whose public key's digest is meant */
    OPTION_FLAG,
};

struct option {
    const char *name;   /* on the command line */
    const char *member; /* of the body */
    enum option_type type;
};

struct action {
    const char *noun;
    const char *verb;
    enum admin_operation operation;
    const char *usage;
    bool needs_id;
    struct option options[OPTION_MAX];
};

/* clang-format off */
#define ACCOUNT_OPTIONS                                                                            \
    {"base-url", "base_url", OPTION_TEXT}, {"fees", "fees", OPTION_FILE},                          \
    {"currencies", "currencies", OPTION_WORDS}, {"methods", "methods", OPTION_WORDS},              \
    {"amount-max", "amount_max", OPTION_NUMBER}, {"setting", "settings", OPTION_PAIR}

static const struct action actions[] = {
    {"merchants", "create",  ADMIN_MERCHANT_CREATE,  "--name NAME [--country CC] [--if-absent]", false,
     {{"name", "name", OPTION_TEXT}, {"country", "country", OPTION_TEXT}, {"if-absent", "if_absent", OPTION_FLAG}}},
    {"merchants", "list",    ADMIN_MERCHANT_LIST,    "", false, {{0}}},
    {"merchants", "show",    ADMIN_MERCHANT_SHOW,    "ID|NAME", true, {{0}}},
    {"merchants", "disable", ADMIN_MERCHANT_DISABLE, "ID|NAME", true, {{0}}},
    {"merchants", "enable",  ADMIN_MERCHANT_ENABLE,  "ID|NAME", true, {{0}}},
    {"merchants", "limit",   ADMIN_MERCHANT_LIMIT,   "ID|NAME [--rate N] [--burst N] [--in-flight-max N]   (0: the gateway's setting)", true,
     {{"rate", "rate", OPTION_NUMBER}, {"burst", "burst", OPTION_NUMBER}, {"in-flight-max", "in_flight_max", OPTION_NUMBER}}},

    {"merchants", "approval", ADMIN_MERCHANT_APPROVAL, "ID|NAME --payout-limit CUR=MINOR_UNITS...   (0: none; limits not named are removed)", true,
     {{"payout-limit", "payout_limits", OPTION_AMOUNT}}},
    {"merchants", "bind",    ADMIN_MERCHANT_BIND,
     "ID|NAME [--certificate FILE.pem]... [--client-key BASE64]...   (its keys work for these clients alone)", true,
     {{"certificate", "client_keys", OPTION_CERTIFICATE}, {"client-key", "client_keys", OPTION_ITEM}}},
    {"merchants", "unbind",  ADMIN_MERCHANT_UNBIND,  "ID|NAME", true, {{0}}},

    {"accounts",  "create",  ADMIN_ACCOUNT_CREATE,
     "--merchant ID --provider NAME --name NAME --base-url URL --secret file:NAME|env:NAME [--fees FILE.json] [--currencies \"EUR USD\"]"
     " [--methods \"card\"] [--amount-max N] [--setting NAME=VALUE]... [--if-absent]", false,
     {{"merchant", "merchant", OPTION_TEXT}, {"provider", "provider", OPTION_TEXT}, {"name", "name", OPTION_TEXT},
      {"secret", "secret", OPTION_TEXT}, ACCOUNT_OPTIONS, {"if-absent", "if_absent", OPTION_FLAG}}},
    {"accounts",  "list",    ADMIN_ACCOUNT_LIST,     "[--merchant ID]", false, {{0}}},
    {"accounts",  "show",    ADMIN_ACCOUNT_SHOW,     "ID", true, {{0}}},
    {"accounts",  "update",  ADMIN_ACCOUNT_UPDATE,
     "ID [--base-url URL] [--fees FILE.json] [--currencies \"EUR USD\"] [--methods \"card\"] [--amount-max N] [--setting NAME=VALUE]...", true,
     {ACCOUNT_OPTIONS}},
    {"accounts",  "rotate",  ADMIN_ACCOUNT_ROTATE,   "ID --secret file:NAME|env:NAME", true, {{"secret", "secret", OPTION_TEXT}}},
    {"accounts",  "disable", ADMIN_ACCOUNT_DISABLE,  "ID", true, {{0}}},
    {"accounts",  "enable",  ADMIN_ACCOUNT_ENABLE,   "ID", true, {{0}}},
    {"accounts",  "test",    ADMIN_ACCOUNT_TEST,     "ID", true, {{0}}},
    {"accounts",  "state",   ADMIN_HOLD_SHOW,        "ID   (what holds it back, and what did)", true, {{0}}},
    {"accounts",  "hold",    ADMIN_HOLD_SET,         "ID --state drained|disabled|open --reason TEXT [--until TIME] [--by NAME]", true,
     {{"state", "state", OPTION_TEXT}, {"reason", "reason", OPTION_TEXT}, {"until", "until", OPTION_TEXT}, {"by", "by", OPTION_TEXT}}},
    {"accounts",  "plan",    ADMIN_HOLD_PLAN,        "ID --from TIME --to TIME [--weekly] --reason TEXT [--by NAME]   (maintenance)", true,
     {{"from", "from", OPTION_TEXT}, {"to", "to", OPTION_TEXT}, {"weekly", "weekly", OPTION_FLAG}, {"reason", "reason", OPTION_TEXT}, {"by", "by", OPTION_TEXT}}},
    {"accounts",  "unplan",  ADMIN_HOLD_END,         "ID --hold HOLD [--by NAME]", true, {{"hold", "hold", OPTION_TEXT}, {"by", "by", OPTION_TEXT}}},

    {"routes",    "put",      ADMIN_RULES_PUT,        "--file FILE [--comment TEXT] [--merchant ID]   (a version; routes check FILE shows all findings)", false,
     {{"file", "text", OPTION_TEXT_FILE}, {"comment", "comment", OPTION_TEXT}}},
    {"routes",    "list",     ADMIN_RULES_LIST,       "[--merchant ID]   (what is in force, and what became of all; without --merchant: the house's, as of all below)", false, {{0}}},
    {"routes",    "show",     ADMIN_RULES_SHOW,       "VERSION [--merchant ID]", true, {{0}}},
    {"routes",    "diff",     ADMIN_RULES_DIFF,       "VERSION --to VERSION [--merchant ID]", true, {{"to", "to", OPTION_NUMBER}}},
    {"routes",    "publish",  ADMIN_RULES_PUBLISH,    "VERSION --mode live|canary|shadow [--percent 5] [--stop success_drop=5]... [--reason TEXT] [--merchant ID]", true,
     {{"mode", "mode", OPTION_TEXT}, {"percent", "percent", OPTION_TEXT}, {"stop", "stop", OPTION_PAIR}, {"reason", "reason", OPTION_TEXT}}},
    {"routes",    "approve",  ADMIN_RULES_APPROVE,    "VERSION [--reason TEXT] [--merchant ID]", true, {{"reason", "reason", OPTION_TEXT}}},
    {"routes",    "rollback", ADMIN_RULES_ROLLBACK,   "[--reason TEXT] [--merchant ID]", false, {{"reason", "reason", OPTION_TEXT}}},
    {"routes",    "stop",     ADMIN_RULES_STOP,       "--mode canary|shadow [--reason TEXT] [--merchant ID]", false,
     {{"mode", "mode", OPTION_TEXT}, {"reason", "reason", OPTION_TEXT}}},

    {"keys",      "create",  ADMIN_KEY_CREATE,       "--role merchant|finance|operator [--merchant ID] [--expires-days N]", false,
     {{"role", "role", OPTION_TEXT}, {"merchant", "merchant", OPTION_TEXT}, {"expires-days", "expires_days", OPTION_NUMBER}}},
    {"keys",      "list",    ADMIN_KEY_LIST,         "[--merchant ID]   (without it: the operators' keys)", false, {{0}}},
    {"keys",      "show",    ADMIN_KEY_SHOW,         "ID", true, {{0}}},
    {"keys",      "rotate",  ADMIN_KEY_ROTATE,       "ID [--grace-hours N] [--expires-days N]", true,
     {{"grace-hours", "grace_hours", OPTION_NUMBER}, {"expires-days", "expires_days", OPTION_NUMBER}}},
    {"keys",      "disable", ADMIN_KEY_DISABLE,      "ID", true, {{0}}},
};
/* clang-format on */

/* ---- options --------------------------------------------------------------------------------- */

static bool add_number(json_t *body, const struct option *option, const char *text,
                       struct error *err)
{
    int64_t number = 0;
    if (!str_to_int64(str_of(text), &number)) {
        return fail(err, ERROR_INVALID, "--%s must be a whole number", option->name);
    }
    return json_object_set_new(body, option->member, json_integer(number)) == 0;
}

static bool add_words(json_t *body, const struct option *option, const char *text)
{
    json_t *list = json_array();
    struct str rest = str_of(text);
    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');
        if (word.len > 0 && json_array_append_new(list, json_stringn(word.at, word.len)) != 0) {
            json_decref(list);
            return false;
        }
    }
    return json_object_set_new(body, option->member, list) == 0;
}

static bool add_item(json_t *body, const struct option *option, struct str text)
{
    json_t *list = json_object_get(body, option->member);
    if (list == NULL) {
        list = json_array();
        if (json_object_set_new(body, option->member, list) != 0) {
            return false;
        }
    }
    return json_array_append_new(list, json_stringn(text.at, text.len)) == 0;
}

static bool add_certificate(json_t *body, const struct option *option, const char *file,
                            struct error *err)
{
    unsigned char digest[TLS_SPKI_SIZE];
    struct buf text;
    if (!tls_file_spki(file, digest, err)) {
        return false;
    }
    buf_init(&text, 2 * (size_t)TLS_SPKI_SIZE);
    crypto_base64((struct str){(const char *)digest, sizeof(digest)}, &text);
    bool ok = add_item(body, option, buf_str(&text));
    buf_release(&text);
    return ok;
}

static bool read_file(const char *file, struct buf *text, struct error *err)
{
    char chunk[4096];
    size_t got;
    FILE *in = fopen(file, "re");
    if (in == NULL) {
        return fail(err, ERROR_IO, "cannot read %s: %s", file, strerror(errno));
    }
    while ((got = fread(chunk, 1, sizeof(chunk), in)) > 0) {
        buf_add(text, chunk, got);
    }
    bool ok = ferror(in) == 0 && buf_is_ok(text);
    (void)fclose(in);
    return ok || fail(err, ERROR_IO, "cannot read %s: unreadable, or too large", file);
}

static bool add_file(json_t *body, const struct option *option, const char *file, struct error *err)
{
    static const struct json_limits limits = {
        .depth_max = 32, .member_count_max = 2048, .string_bytes_max = 4096};
    struct buf text;
    json_t *object = NULL;
    buf_init(&text, FILE_BYTES_MAX);
    bool ok = read_file(file, &text, err);
    if (ok) {
        object = json_parse(buf_str(&text), &limits, err);
        ok = object != NULL || fail_prefix(err, "%s", file);
    }
    buf_release(&text);
    return ok && json_object_set_new(body, option->member, object) == 0;
}

static bool add_text_file(json_t *body, const struct option *option, const char *file,
                          struct error *err)
{
    struct buf text;
    buf_init(&text, RULES_BYTES_MAX);
    bool ok = read_file(file, &text, err);
    ok = ok && (json_object_set_new(body, option->member, json_stringn(text.at, text.len)) == 0 ||
                fail(err, ERROR_INVALID, "%s is not UTF-8", file));
    buf_release(&text);
    return ok;
}

static bool add_pair(json_t *body, const struct option *option, const char *text, struct error *err)
{
    struct str rest = str_of(text);
    json_t *pairs = json_object_get(body, option->member);
    if (str_find_char(rest, '=', 0) == SIZE_MAX) {
        return fail(err, ERROR_INVALID, "--%s must be NAME=VALUE", option->name);
    }
    struct str name = str_cut(&rest, '=');
    if (pairs == NULL) {
        pairs = json_object();
        if (json_object_set_new(body, option->member, pairs) != 0) {
            return fail(err, ERROR_INTERNAL, "--%s could not be kept", option->name);
        }
    }
    return json_object_setn_new(pairs, name.at, name.len,
                                json_stringn(rest.at != NULL ? rest.at : "", rest.len)) == 0 ||
           fail(err, ERROR_INVALID, "--%s is not UTF-8", option->name);
}

static bool add_amount(json_t *body, const struct option *option, const char *text,
                       struct error *err)
{
    struct str rest = str_of(text);
    struct str name = str_cut(&rest, '=');
    int64_t amount = 0;
    json_t *amounts = json_object_get(body, option->member);
    if (!str_to_int64(rest, &amount)) {
        return fail(err, ERROR_INVALID, "--%s must be CUR=AMOUNT in minor units: EUR=500000",
                    option->name);
    }
    if (amounts == NULL) {
        amounts = json_object();
        if (json_object_set_new(body, option->member, amounts) != 0) {
            return fail(err, ERROR_INTERNAL, "--%s could not be kept", option->name);
        }
    }
    return json_object_setn_new(amounts, name.at, name.len, json_integer(amount)) == 0;
}

static bool add_option(json_t *body, const struct option *option, const char *text,
                       struct error *err)
{
    err->text[0] = '\0';
    bool ok = false;
    switch (option->type) {
    case OPTION_TEXT:
        ok = json_object_set_new(body, option->member, json_string(text)) == 0;
        break;
    case OPTION_NUMBER:
        ok = add_number(body, option, text, err);
        break;
    case OPTION_WORDS:
        ok = add_words(body, option, text);
        break;
    case OPTION_FILE:
        ok = add_file(body, option, text, err);
        break;
    case OPTION_TEXT_FILE:
        ok = add_text_file(body, option, text, err);
        break;
    case OPTION_PAIR:
        ok = add_pair(body, option, text, err);
        break;
    case OPTION_AMOUNT:
        ok = add_amount(body, option, text, err);
        break;
    case OPTION_ITEM:
        ok = add_item(body, option, str_of(text));
        break;
    case OPTION_CERTIFICATE:
        ok = add_certificate(body, option, text, err);
        break;
    case OPTION_NONE:
    case OPTION_FLAG:
        break;
    }
    if (!ok && err->text[0] == '\0') {
        return fail(err, ERROR_INVALID, "--%s is not UTF-8", option->name);
    }
    return ok;
}

static bool may_repeat(enum option_type type)
{
    return type == OPTION_PAIR || type == OPTION_AMOUNT || type == OPTION_ITEM ||
           type == OPTION_CERTIFICATE;
}

static bool take_options(int *argc, char **argv, const struct action *action, json_t *body,
                         struct error *err)
{
    for (const struct option *option = action->options; option->name != NULL; option++) {
        if (option->type == OPTION_FLAG) {
            bool is_set = command_flag(argc, argv, option->name);
            if (is_set && json_object_set_new(body, option->member, json_true()) != 0) {
                return fail(err, ERROR_INTERNAL, "--%s could not be kept", option->name);
            }
            continue;
        }
        const char *text;
        while ((text = command_option(argc, argv, option->name)) != NULL) {
            bool stands_twice =
                !may_repeat(option->type) && json_object_get(body, option->member) != NULL;
            if (stands_twice) {
                return fail(err, ERROR_INVALID, "--%s stands twice", option->name);
            }
            if (!add_option(body, option, text, err)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int usage(const char *noun, FILE *out)
{
    (void)fprintf(out, "usage: turnpike %s VERB [--config FILE] [--set NAME=VALUE]... [--json]\n\n",
                  noun);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].noun, noun) == 0) {
            (void)fprintf(out, "  %-8s %s\n", actions[i].verb, actions[i].usage);
        }
    }
    return out == stdout ? 0 : 2;
}

static const struct action *find_action(const char *noun, const char *verb)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].noun, noun) == 0 && strcmp(actions[i].verb, verb) == 0) {
            return &actions[i];
        }
    }
    return NULL;
}

/* What a member of the body is called on the command line. */
static const char *option_of(const struct action *action, const char *param)
{
    struct str rest = str_of(param);
    struct str member = str_cut(&rest, '.');
    for (const struct option *option = action->options; option->name != NULL; option++) {
        if (str_eq(member, str_of(option->member))) {
            return option->name;
        }
    }
    return NULL;
}

static int fail_with(const struct action *action, const struct field_problem *wrong)
{
    const char *option = option_of(action, wrong->param);
    const char *remedy = "";
    if (wrong->message == MESSAGE_UNAVAILABLE) {
        remedy = "; is PostgreSQL running, is the setting \"database\" right, and was turnpike "
                 "migrate run?";
    }
    if (option != NULL) {
        (void)fprintf(stderr, "turnpike: %s %s: --%s: %s%s\n", action->noun, action->verb, option,
                      wrong->detail, remedy);
    } else {
        (void)fprintf(stderr, "turnpike: %s %s: %s%s\n", action->noun, action->verb, wrong->detail,
                      remedy);
    }
    return 1;
}

/* The account may be right and still not be usable here: say so, but do what was asked. */
static void warn_of_problem(struct str body)
{
    struct error ignored;
    json_t *answer = json_parse(body, &json_limits_default, &ignored);
    struct str problem = json_text(answer, "problem");
    if (problem.len > 0) {
        (void)fprintf(stderr, "turnpike: warning: the account cannot be used yet: " STR_FMT "\n",
                      STR_ARG(problem));
    }
    json_decref(answer);
}

static int show(const struct action *action, bool as_json, struct str body)
{
    struct buf out;
    buf_init(&out, 64 << 20);
    if (as_json) {
        buf_add_str(&out, body);
        buf_add_char(&out, '\n');
    } else {
        admin_print(action->operation, body, &out);
    }
    bool ok = fwrite(out.at, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    if (out.at != NULL) {
        explicit_bzero(out.at, out.capacity);
    }
    buf_release(&out);
    bool is_account = strcmp(action->noun, "accounts") == 0;
    if (is_account) {
        warn_of_problem(body);
    }
    bool has_failed = action->operation == ADMIN_ACCOUNT_TEST &&
                      str_find(body, STR("\"ok\":true"), 0) == SIZE_MAX;
    return ok && !has_failed ? 0 : 1;
}

static bool take_id(int *argc, char **argv, const struct action *action, char **id,
                    struct error *err)
{
    *id = NULL;
    if (!action->needs_id) {
        return true;
    }
    if (*argc < 2 || strncmp(argv[1], "--", 2) == 0) {
        return fail(err, ERROR_INVALID, "%s %s needs an id; usage: turnpike %s %s %s", action->noun,
                    action->verb, action->noun, action->verb, action->usage);
    }
    *id = argv[1];
    for (int i = 1; i < *argc; i++) {
        argv[i] = argv[i + 1]; /* the terminating NULL moves too */
    }
    (*argc)--;
    return true;
}

/* Rule sets are told apart by who wrote and who approved them. */
struct str admin_user(char author[ADMIN_AUTHOR_SIZE])
{
    const struct passwd *user = getpwuid(getuid());
    (void)snprintf(author, ADMIN_AUTHOR_SIZE, "cli:%s", user != NULL ? user->pw_name : "unknown");
    return str_of(author);
}

static int run(const struct action *action, int argc, char **argv, json_t *body)
{
    static struct config config;
    struct error err;
    char *id = NULL;
    bool as_json = command_flag(&argc, argv, "json");
    bool is_of_rules = strcmp(action->noun, "routes") == 0;
    bool is_list = action->operation == ADMIN_ACCOUNT_LIST || action->operation == ADMIN_KEY_LIST ||
                   is_of_rules;
    char author[ADMIN_AUTHOR_SIZE];
    const char *merchant = is_list ? command_option(&argc, argv, "merchant") : NULL;
    struct admin_outcome outcome = {.problem = MESSAGE_NONE};
    if (!command_config(&argc, argv, &config, &err) ||
        !take_options(&argc, argv, action, body, &err) ||
        !take_id(&argc, argv, action, &id, &err) || !command_done(argc, argv, &err)) {
        return command_fail(&err);
    }
    struct admin_request request = {
        .operation = action->operation,
        .id = str_of(id),
        .merchant = str_of(merchant),
        .author = is_of_rules ? admin_user(author) : STR("command line"),
        .body = body,
    };
    log_start(2, LOG_ERROR);
    if (!admin_run(&config, &request, &outcome, &err)) {
        buf_release(&outcome.body);
        return command_fail(&err);
    }
    int status = outcome.problem != MESSAGE_NONE ? fail_with(action, &outcome.wrong)
                                                 : show(action, as_json, buf_str(&outcome.body));
    if (outcome.body.at != NULL) {
        explicit_bzero(outcome.body.at, outcome.body.capacity);
    }
    buf_release(&outcome.body);
    return status;
}

static int command(int argc, char **argv)
{
    const char *noun = argv[0];
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        return usage(noun, argc < 2 ? stderr : stdout);
    }
    const struct action *action = find_action(noun, argv[1]);
    if (action == NULL) {
        (void)fprintf(stderr, "turnpike: %s: there is no \"%.40s\"\n", noun, argv[1]);
        return usage(noun, stderr);
    }
    json_t *body = json_object();
    argv[1] = argv[0]; /* what is not understood is told under the noun */
    int status = run(action, argc - 1, argv + 1, body);
    json_decref(body);
    return status;
}

int command_merchants(int argc, char **argv)
{
    return command(argc, argv);
}

int command_accounts(int argc, char **argv)
{
    return command(argc, argv);
}

void command_admin_rows(command_row_fn row, void *ctx)
{
    struct buf usage;
    buf_init(&usage, 65536);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        buf_clear(&usage);
        buf_printf(&usage, "%s%s[--config FILE] [--set NAME=VALUE]... [--json]", actions[i].usage,
                   actions[i].usage[0] != '\0' ? " " : "");
        buf_add_char(&usage, '\0');
        row(ctx, actions[i].noun, actions[i].verb, usage.at, "");
    }
    buf_release(&usage);
}

bool command_rules_takes(const char *verb)
{
    return find_action("routes", verb) != NULL;
}

void command_rules_usage(FILE *out)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].noun, "routes") == 0) {
            (void)fprintf(out, "usage: turnpike routes %s %s\n", actions[i].verb, actions[i].usage);
        }
    }
}

int command_rules(int argc, char **argv)
{
    return command(argc, argv);
}

int command_keys(int argc, char **argv)
{
    return command(argc, argv);
}

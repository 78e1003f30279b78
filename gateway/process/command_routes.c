/* turnpike routes: the family, and `check`: what a rule file says before a payment is routed by it. */
#include "process/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "process/admin.h"
#include "process/command_table.h"
#include "providers/provider.h"
#include "router/check.h"

enum {
    TEXT_BYTES_MAX = ROUTE_RULES_BYTES_MAX + 1, /* one more is told to be too many */
    OUTPUT_BYTES_MAX = 64 << 20,
    ABILITY_BYTES_MAX = 16 << 20,
    REFUSED = 1,
    NOT_CHECKED = 2,
};

struct routes_action {
    const char *verb;
    int (*run)(int argc, char **argv); /* argv[0] is the verb */
    const char *usage;
};

static int fail_unchecked(const struct error *err)
{
    (void)command_fail(err);
    return NOT_CHECKED;
}

/* ---- what is checked ------------------------------------------------------------------------- */

bool command_read(const char *file, struct buf *text, struct error *err)
{
    bool is_stdin = strcmp(file, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(file, "re");
    if (in == NULL) {
        return fail(err, ERROR_IO, "cannot read %s: %s", file, strerror(errno));
    }
    char chunk[65536];
    size_t got;
    while (buf_is_ok(text) && (got = fread(chunk, 1, sizeof(chunk), in)) > 0) {
        buf_add(text, chunk, got);
    }
    bool ok = ferror(in) == 0;
    if (!is_stdin) {
        (void)fclose(in);
    }
    if (!ok) {
        return fail(err, ERROR_IO, "cannot read %s", file);
    }
    return buf_is_ok(text) ||
           fail(err, ERROR_INVALID, "%s is over %zu bytes", file, text->limit - 1);
}

/* ---- who there is ---------------------------------------------------------------------------- */

static void add_currency(struct check_ability *able, const struct currency *currency)
{
    size_t at = currency_index(currency);
    CHECK(at / 64 < CHECK_CURRENCY_WORDS);
    able->currencies[at / 64] |= UINT64_C(1) << (at % 64);
}

static struct check_ability ability_of(const struct provider *provider)
{
    struct check_ability able = {
        .provider = str_of(provider->name),
        .operations = provider->capability.operations,
    };
    size_t count = 0;
    const struct currency *all = currency_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (provider_takes_currency(provider, &all[i])) {
            add_currency(&able, &all[i]);
        }
    }
    return able;
}

static size_t list_providers(struct str *names, struct check_ability *able)
{
    size_t count = 0;
    const struct provider *const *all = provider_all(&count);
    CHECK(count <= ROUTE_CANDIDATE_MAX);
    for (size_t i = 0; i < count; i++) {
        names[i] = str_of(all[i]->name);
        able[i] = ability_of(all[i]);
    }
    return count;
}

/* An account as the administration shows it: its provider's abilities, within its own currencies. */
static struct check_ability account_of(const json_t *row)
{
    const struct provider *provider = provider_find(json_text(row, "provider"));
    struct check_ability able = {.provider = json_text(row, "provider")};
    if (provider != NULL) {
        able = ability_of(provider);
    }
    able.account = json_text(row, "name");
    able.is_disabled = provider == NULL || json_is_true(json_object_get(row, "disabled"));
    const json_t *currencies = json_object_get(row, "currencies");
    uint64_t own[CHECK_CURRENCY_WORDS] = {0};
    for (size_t i = 0; i < json_array_size(currencies); i++) {
        const char *code = json_string_value(json_array_get(currencies, i));
        const struct currency *currency = currency_find(str_of(code));
        if (currency != NULL) {
            own[currency_index(currency) / 64] |= UINT64_C(1) << (currency_index(currency) % 64);
        }
    }
    for (size_t i = 0; i < CHECK_CURRENCY_WORDS && json_array_size(currencies) > 0; i++) {
        able.currencies[i] &= own[i];
    }
    return able;
}

/* The accounts in the ledger, of one merchant or of all. `*list` owns their names. */
static bool read_accounts(const struct config *config, const char *merchant, struct arena *arena,
                          json_t **list, struct check_context *context, struct error *err)
{
    struct admin_outcome outcome = {.problem = MESSAGE_NONE};
    struct admin_request request = {.operation = ADMIN_ACCOUNT_LIST,
                                    .merchant = str_of(merchant),
                                    .author = STR("command line")};
    log_start(2, LOG_ERROR);
    bool ok = admin_run(config, &request, &outcome, err);
    if (ok && outcome.problem != MESSAGE_NONE) {
        ok = fail(err, ERROR_NOT_FOUND, "the accounts are not to be had");
    }
    const struct json_limits limits = {32, 1 << 20, 1 << 20};
    *list = ok ? json_parse(buf_str(&outcome.body), &limits, err) : NULL;
    buf_release(&outcome.body);
    if (*list == NULL) {
        return false;
    }
    const json_t *rows = json_object_get(*list, "data");
    size_t count = json_array_size(rows);
    struct check_ability *able = ARENA_ARRAY(arena, struct check_ability, count);
    for (size_t i = 0; i < count; i++) {
        able[i] = account_of(json_array_get(rows, i));
    }
    context->account = able;
    context->account_count = count;
    context->has_accounts = true;
    return true;
}

/* ---- routes check ---------------------------------------------------------------------------- */

static void print_json(const struct diagnosis *diagnosis, struct buf *out)
{
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_bool(&json, "valid", diagnosis->error_count == 0);
    json_put_int(&json, "errors", (int64_t)diagnosis->error_count);
    json_put_int(&json, "warnings", (int64_t)diagnosis->warning_count);
    json_key(&json, "findings");
    diagnosis_json(diagnosis, &json);
    json_end_object(&json);
    buf_add_char(out, '\n');
}

static void print_text(const struct diagnosis *diagnosis, const char *file, struct str text,
                       struct buf *out)
{
    diagnosis_print(diagnosis, str_of(file), text, out);
    if (diagnosis->error_count + diagnosis->warning_count == 0) {
        buf_printf(out, "%s: nothing is wrong\n", file);
    } else {
        buf_printf(out, "%s: %zu error%s, %zu warning%s\n", file, diagnosis->error_count,
                   diagnosis->error_count == 1 ? "" : "s", diagnosis->warning_count,
                   diagnosis->warning_count == 1 ? "" : "s");
    }
}

static int check_and_print(const char *file, struct str text, const struct check_context *context,
                           const struct str *names, bool as_json)
{
    struct arena arena;
    struct buf out;
    struct diagnosis *diagnosis = malloc(sizeof(*diagnosis));
    CHECK(diagnosis != NULL);
    arena_init(&arena, CHECK_ARENA_BYTES_MAX);
    buf_init(&out, OUTPUT_BYTES_MAX);
    diagnosis_init(diagnosis, &arena);
    bool is_right = check_text(text, names, context->provider_count, context, diagnosis);
    if (as_json) {
        print_json(diagnosis, &out);
    } else {
        print_text(diagnosis, file, text, &out);
    }
    bool ok = fwrite(out.at, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    buf_release(&out);
    free(diagnosis);
    arena_release(&arena);
    return !ok ? NOT_CHECKED : is_right ? 0 : REFUSED;
}

struct wanted {
    struct config config;
    const char *file, *merchant;
    bool as_json, with_accounts;
};

static bool take_wanted(int argc, char **argv, struct wanted *wanted, struct error *err)
{
    wanted->as_json = command_flag(&argc, argv, "json");
    wanted->with_accounts = command_flag(&argc, argv, "accounts");
    wanted->merchant = command_option(&argc, argv, "merchant");
    wanted->with_accounts = wanted->with_accounts || wanted->merchant != NULL;
    if (!command_config(&argc, argv, &wanted->config, err)) {
        return false;
    }
    if (argc < 2 || (argv[1][0] == '-' && argv[1][1] != '\0')) {
        return fail(err, ERROR_INVALID, "routes check: name one file, as config/turnpike.rules");
    }
    wanted->file = argv[1];
    argv[1] = argv[0];
    return command_done(argc - 1, argv + 1, err);
}

static int run_check(int argc, char **argv)
{
    static struct wanted wanted;
    struct error err;
    struct buf text;
    struct arena arena;
    struct str names[ROUTE_CANDIDATE_MAX];
    struct check_ability able[ROUTE_CANDIDATE_MAX];
    struct check_context context = {.provider = able};
    json_t *accounts = NULL;
    if (!take_wanted(argc, argv, &wanted, &err)) {
        return fail_unchecked(&err);
    }
    context.provider_count = list_providers(names, able);
    buf_init(&text, TEXT_BYTES_MAX);
    arena_init(&arena, ABILITY_BYTES_MAX);
    int status = NOT_CHECKED;
    if (!command_read(wanted.file, &text, &err)) {
        (void)command_fail(&err);
    } else {
        if (wanted.with_accounts &&
            !read_accounts(&wanted.config, wanted.merchant, &arena, &accounts, &context, &err)) {
            (void)fprintf(stderr, "turnpike: warning: checked without accounts: %s\n", err.text);
        }
        status = check_and_print(wanted.file, buf_str(&text), &context, names, wanted.as_json);
    }
    json_decref(accounts);
    arena_release(&arena);
    buf_release(&text);
    return status;
}

void command_routes_warn(const char *file)
{
    static struct diagnosis diagnosis;
    struct error err;
    struct buf text;
    struct arena arena;
    struct str names[ROUTE_CANDIDATE_MAX];
    struct check_ability able[ROUTE_CANDIDATE_MAX];
    struct check_context context = {.provider = able};
    context.provider_count = list_providers(names, able);
    buf_init(&text, TEXT_BYTES_MAX);
    arena_init(&arena, CHECK_ARENA_BYTES_MAX);
    diagnosis_init(&diagnosis, &arena);
    bool is_right = command_read(file, &text, &err) &&
                    check_text(buf_str(&text), names, context.provider_count, &context, &diagnosis);
    if (!is_right || diagnosis.warning_count > 0) {
        (void)fprintf(
            stderr,
            "turnpike: warning: rules_file: the checker finds %zu errors and %zu warnings; "
            "turnpike routes check %s shows them\n",
            diagnosis.error_count, diagnosis.warning_count, file);
    }
    arena_release(&arena);
    buf_release(&text);
}

/* ---- the family ------------------------------------------------------------------------------ */

/* clang-format off */
static const struct routes_action actions[] = {
    {"check",  run_check,      "FILE [--json] [--accounts [--merchant ID] [--config FILE]]   (- is stdin; exit 1: errors, 2: not checked)"},
    {"explain", command_explain, "RULES REQUEST [--accounts [--merchant ID] | --candidates FILE] [--rates FILE] [--at TIME] [--draw N] [--json] [--config FILE]   (REQUEST: JSON as for POST /v1/payments or /v1/payouts; - is stdin)"},
    {"explain", command_explain, "--live REQUEST --key-file FILE [--gateway URL] [--ca FILE] [--version N] [--merchant ID] [--at TIME] [--json]   (a running gateway is asked)"},
    {"explain", command_explain, "--payment PAYMENT [--json] [--config FILE]   (its stored decision; exit 3: made again it differs)"},
    {"replay", command_replay, "PAYMENT | --since 30d [--merchant ID] [--limit N] [--config FILE]   (exit 3: some decision differs)"},
    {"backtest", command_backtest, "FILE --since 30d [--until 1d] [--merchant ID] [--json] [--html OUT] [--config FILE]   (- is stdin)"},
    {"earned", command_earned, "[--since 30d] [--merchant ID] [--json] [--config FILE]"},
};
/* clang-format on */

void command_routes_rows(command_row_fn row, void *ctx)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        row(ctx, "routes", actions[i].verb, actions[i].usage, "");
    }
}

static int usage(FILE *out)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        (void)fprintf(out, "usage: turnpike routes %s %s\n", actions[i].verb, actions[i].usage);
    }
    command_rules_usage(out);
    return out == stdout ? 0 : NOT_CHECKED;
}

int command_routes(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
        return usage(stdout);
    }
    for (size_t i = 0; i < ARRAY_LEN(actions) && argc >= 2; i++) {
        if (strcmp(argv[1], actions[i].verb) == 0) {
            return actions[i].run(argc - 1, argv + 1);
        }
    }
    if (argc >= 2 && command_rules_takes(argv[1])) {
        return command_rules(argc, argv);
    }
    return usage(stderr);
}

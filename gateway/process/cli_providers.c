/* turnpike providers: the board, and holding an account back. */
#include "process/cli.h"

#include <string.h>

#include "base/clock.h"

/* clang-format off */
static const struct cli_column board[] = {
    {"account",  "account",  CLI_TEXT},      {"provider", "provider", CLI_TEXT},   {"name", "name", CLI_TEXT},
    {"state",    "state",    CLI_STATE},     {"success", "success_rate", CLI_PERCENT}, {"calls", "calls", CLI_COUNT},
    {"p50 ms",   "latency_ms.p50", CLI_COUNT}, {"p95 ms", "latency_ms.p95", CLI_COUNT}, {"p99 ms", "latency_ms.p99", CLI_COUNT},
    {"breaker",  "breaker.state", CLI_STATE}, {"why", "breaker.why", CLI_TEXT},    {"in flight", "in_flight", CLI_COUNT},
    {"approved", "outcomes.approved", CLI_COUNT}, {"declined", "outcomes.declined", CLI_COUNT}, {"unknown", "outcomes.unknown", CLI_COUNT},
    {"last error", "last_error.reason", CLI_TEXT},
};
static const struct cli_column facts[] = {
    {"account", "account", CLI_TEXT}, {"provider", "provider", CLI_TEXT}, {"name", "name", CLI_TEXT}, {"state", "state", CLI_STATE},
    {"success", "success_rate", CLI_PERCENT}, {"calls", "calls", CLI_COUNT}, {"failures", "failures", CLI_COUNT},
    {"in flight", "in_flight", CLI_COUNT}, {"p50 ms", "latency_ms.p50", CLI_COUNT}, {"p95 ms", "latency_ms.p95", CLI_COUNT},
    {"p99 ms", "latency_ms.p99", CLI_COUNT}, {"usual p95 ms", "latency_ms.usual_p95", CLI_COUNT}, {"slow", "slow", CLI_TEXT},
    {"breaker", "breaker.state", CLI_STATE}, {"why", "breaker.why", CLI_TEXT}, {"probed again", "breaker.retry_at", CLI_TIME},
    {"held", "hold.state", CLI_STATE}, {"reason", "hold.reason", CLI_TEXT}, {"by", "hold.author", CLI_TEXT}, {"until", "hold.until", CLI_TIME},
    {"last error", "last_error.reason", CLI_TEXT}, {"at", "last_error.at", CLI_TIME}, {"problem", "problem", CLI_TEXT},
};
static const struct cli_column holds[] = {
    {"hold", "id", CLI_TEXT}, {"state", "state", CLI_STATE}, {"reason", "reason", CLI_TEXT}, {"by", "author", CLI_TEXT},
    {"from", "from", CLI_TIME}, {"until", "until", CLI_TIME}, {"active", "active", CLI_TEXT}, {"ended by", "ended_by", CLI_TEXT},
};
/* clang-format on */

static json_t *read_board(struct cli *cli, struct error *err)
{
    struct buf path;
    buf_init(&path, ASK_PATH_MAX);
    buf_add_str(&path, STR("/v1/providers"));
    if (cli_value(cli, "currency") != NULL) {
        ask_add_query(&path, "currency", str_of(cli_value(cli, "currency")));
    }
    buf_add_char(&path, '\0');
    json_t *answer = buf_is_ok(&path) ? ask_get(&cli->ask, path.at, err) : NULL;
    if (!buf_is_ok(&path)) {
        (void)fail(err, ERROR_INVALID, "--currency is too long");
    }
    buf_release(&path);
    return answer;
}

int cli_providers_list(struct cli *cli)
{
    json_t *answer = read_board(cli, &cli->err);
    if (answer == NULL) {
        return cli_fail(cli, &cli->err);
    }
    json_t *rows = json_object_get(answer, "data");
    int status = cli_show_list(cli, rows, false, board, ARRAY_LEN(board));
    json_decref(answer);
    return status;
}

/* acc_..., a provider's name, an account's, or both as paypal:main. */
static bool is_meant(const json_t *row, struct str name)
{
    struct str rest = name;
    struct str provider = json_text(row, "provider");
    struct str account = json_text(row, "name");
    if (str_find_char(name, ':', 0) != SIZE_MAX) {
        struct str before = str_cut(&rest, ':');
        return str_eq(before, provider) && str_eq(rest, account);
    }
    return str_eq(name, json_text(row, "account")) || str_eq(name, provider) ||
           str_eq(name, account);
}

/* The row of the one account that is meant; borrowed from the answer. */
static const json_t *find_account(const struct cli *cli, const json_t *answer, struct error *err)
{
    const json_t *rows = json_object_get(answer, "data");
    const json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (!is_meant(row, str_of(cli->argument))) {
            continue;
        }
        if (found != NULL) {
            (void)fail(err, ERROR_CONFLICT,
                       "\"%.40s\" are several accounts, as " STR_FMT " and " STR_FMT
                       "; name one by its id",
                       cli->argument, STR_ARG(json_text(found, "account")),
                       STR_ARG(json_text(row, "account")));
            return NULL;
        }
        found = row;
    }
    if (found == NULL) {
        (void)fail(err, ERROR_NOT_FOUND,
                   "there is no account \"%.40s\"; turnpike providers list shows all",
                   cli->argument);
    }
    return found;
}

static void state_path(const json_t *account, char path[ASK_PATH_MAX])
{
    (void)snprintf(path, ASK_PATH_MAX, "/v1/providers/" STR_FMT "/state",
                   STR_ARG(json_text(account, "account")));
}

/* ---- show ------------------------------------------------------------------------------------ */

static int show(struct cli *cli, json_t *account, json_t *state)
{
    if (cli->as_json) {
        if (state != NULL) {
            (void)json_object_set(account, "held", state);
        }
        return cli_show_json(cli, account);
    }
    cli_facts(account, facts, ARRAY_LEN(facts), stdout);
    const json_t *all = json_object_get(state, "holds");
    if (json_array_size(all) > 0) {
        (void)puts("");
        cli_table(all, holds, ARRAY_LEN(holds), stdout);
    }
    return fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
}

int cli_providers_show(struct cli *cli)
{
    char path[ASK_PATH_MAX];
    json_t *answer = read_board(cli, &cli->err);
    const json_t *found = answer != NULL ? find_account(cli, answer, &cli->err) : NULL;
    if (found == NULL) {
        json_decref(answer);
        return cli_fail(cli, &cli->err);
    }
    json_t *account = json_copy((json_t *)(uintptr_t)found);
    state_path(account, path);
    json_t *state = ask_get(&cli->ask, path, &cli->err);
    /* Who is no operator may not see who held it: the rest is shown. */
    int status = state == NULL && cli->err.code != ERROR_DENIED ? cli_fail(cli, &cli->err)
                                                                : show(cli, account, state);
    json_decref(state);
    json_decref(account);
    json_decref(answer);
    return status;
}

/* ---- hold ------------------------------------------------------------------------------------ */

/* "30m", "2h", "1d": from now on. */
static bool add_until(const char *text, json_t *body, struct error *err)
{
    char until[CLOCK_TEXT_SIZE];
    struct error ignored;
    int64_t now_us = clock_wall_us();
    int64_t before_us = 0;
    struct str told = str_of(text);
    bool is_span = told.len > 1 && strchr("dhm", told.at[told.len - 1]) != NULL &&
                   clock_parse_back(told, now_us, &before_us, &ignored) && before_us < now_us;
    if (!is_span) {
        return fail(err, ERROR_INVALID, "--for is a time as 30m, 2h or 1d, not \"%.40s\"", text);
    }
    struct str end = clock_format_ms(now_us + (now_us - before_us), until);
    return json_object_set_new(body, "until", json_stringn(end.at, end.len)) == 0;
}

static json_t *hold_body(const struct cli *cli, const char *state, struct error *err)
{
    const char *span = cli_value(cli, "for");
    json_t *body = json_object();
    bool ok = json_object_set_new(body, "state", json_string(state)) == 0;
    ok = ok && cli_add_texts(cli, body, err) && (span == NULL || add_until(span, body, err));
    if (ok && strcmp(state, "open") != 0 && cli_value(cli, "reason") == NULL) {
        ok = fail(err, ERROR_INVALID, "say why by --reason");
    }
    if (!ok) {
        json_decref(body);
        return NULL;
    }
    return body;
}

static json_t *put_state(struct cli *cli, const json_t *account, const json_t *body,
                         struct error *err)
{
    char path[ASK_PATH_MAX];
    state_path(account, path);
    return cli_send(cli, "PUT", path, body, NULL, err);
}

static int hold(struct cli *cli, const char *state)
{
    json_t *body = hold_body(cli, state, &cli->err);
    if (body == NULL) {
        (void)cli_fail(cli, &cli->err);
        return CLI_USAGE;
    }
    json_t *answer = read_board(cli, &cli->err);
    const json_t *account = answer != NULL ? find_account(cli, answer, &cli->err) : NULL;
    json_t *held = account != NULL ? put_state(cli, account, body, &cli->err) : NULL;
    int status = held == NULL   ? cli_fail(cli, &cli->err)
                 : cli->as_json ? cli_show_json(cli, held)
                                : CLI_DONE;
    if (held != NULL && !cli->as_json) {
        struct str until = json_text(held, "until");
        (void)printf(STR_FMT ":" STR_FMT " is " STR_FMT "%s" STR_FMT "\n",
                     STR_ARG(json_text(held, "provider")), STR_ARG(json_text(held, "name")),
                     STR_ARG(json_text(held, "state")), until.len > 0 ? " until " : "",
                     STR_ARG(until));
    }
    json_decref(held);
    json_decref(answer);
    json_decref(body);
    return status;
}

int cli_providers_disable(struct cli *cli)
{
    return hold(cli, "disabled");
}

int cli_providers_drain(struct cli *cli)
{
    return hold(cli, "drained");
}

int cli_providers_enable(struct cli *cli)
{
    return hold(cli, "open");
}

#include "process/cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "process/command.h"
#include "process/command_table.h"
#include "process/screen.h"

enum {
    PAGE_ROWS = 100,
    LIST_ROWS = 20, /* unless told */
    LIST_ROWS_MAX = 100000,
    CELL_BYTES_MAX = 4096,
    BODY_BYTES_MAX = 1 << 20,
    ID_LEN = 30, /* "pay_" and 26 */
};

/* ---- the command line ------------------------------------------------------------------------ */

bool cli_takes(const char *noun)
{
    size_t count = 0;
    const struct cli_action *actions = cli_actions(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(actions[i].noun, noun) == 0) {
            return true;
        }
    }
    return false;
}

static const struct cli_action *find_action(const char *noun, const char *verb)
{
    size_t count = 0;
    const struct cli_action *actions = cli_actions(&count);
    for (size_t i = 0; i < count; i++) {
        bool is_verb =
            actions[i].verb == NULL || (verb != NULL && strcmp(actions[i].verb, verb) == 0);
        if (strcmp(actions[i].noun, noun) == 0 && is_verb) {
            return &actions[i];
        }
    }
    return NULL;
}

static bool take_option(int *argc, char **argv, const struct cli_option *option, const char **value,
                        struct error *err)
{
    *value = NULL;
    if (option->value == NULL) {
        *value = command_flag(argc, argv, option->name) ? "" : NULL;
        return true;
    }
    *value = command_option(argc, argv, option->name);
    return *value == NULL || command_option(argc, argv, option->name) == NULL ||
           fail(err, ERROR_INVALID, "--%s stands twice", option->name);
}

static bool take_common(int *argc, char **argv, struct cli *cli, struct error *err)
{
    const char *json = NULL;
    const char **into[] = {&cli->address.url, &cli->address.key_file, &cli->address.ca_file,
                           &cli->merchant, &json};
    const struct cli_option *option = cli_common_options();
    for (size_t i = 0; i < ARRAY_LEN(into); i++) {
        if (!take_option(argc, argv, &option[i], into[i], err)) {
            return false;
        }
    }
    CHECK(option[ARRAY_LEN(into)].name == NULL);
    cli->as_json = json != NULL;
    return true;
}

static bool take_argument(int *argc, char **argv, struct cli *cli, struct error *err)
{
    const struct cli_action *action = cli->action;
    bool is_there = *argc > 1 && strncmp(argv[1], "--", 2) != 0;
    if (action->argument != NULL && is_there) {
        cli->argument = argv[1];
        argv[1] = argv[0];
        (*argc)--;
    } else if (action->argument != NULL && action->argument[0] != '[') {
        return fail(err, ERROR_INVALID, "say which %s", action->argument);
    }
    return true;
}

bool cli_parse(int argc, char **argv, struct cli *cli, struct error *err)
{
    *cli = (struct cli){.action = find_action(argv[0], argc > 1 ? argv[1] : NULL)};
    if (cli->action == NULL) {
        return fail(err, ERROR_INVALID, "%s: there is no \"%.40s\"; turnpike help %s lists what is",
                    argv[0], argc > 1 ? argv[1] : "", argv[0]);
    }
    if (cli->action->verb != NULL) {
        argv++;
        argc--;
    }
    const struct cli_option *options = cli->action->options;
    for (size_t i = 0; options[i].name != NULL; i++) {
        CHECK(i < CLI_OPTION_MAX);
        if (!take_option(&argc, argv, &options[i], &cli->values[i], err)) {
            return false;
        }
    }
    if (!take_common(&argc, argv, cli, err)) {
        return false;
    }
    if (!take_argument(&argc, argv, cli, err)) {
        return false;
    }
    char **rest = cli->argument != NULL ? argv + 1 : argv;
    return argc <= 1 ||
           fail(err, ERROR_INVALID, "\"%.80s\" is not understood, or lacks its value", rest[1]);
}

const char *cli_value(const struct cli *cli, const char *option)
{
    const struct cli_option *options = cli->action->options;
    for (size_t i = 0; options[i].name != NULL; i++) {
        if (strcmp(options[i].name, option) == 0) {
            return cli->values[i];
        }
    }
    return NULL;
}

bool cli_flag(const struct cli *cli, const char *option)
{
    return cli_value(cli, option) != NULL;
}

bool cli_number(const struct cli *cli, const char *option, int64_t least, int64_t most,
                int64_t usual, int64_t *value, struct error *err)
{
    const char *text = cli_value(cli, option);
    *value = usual;
    if (text == NULL) {
        return true;
    }
    return (str_to_int64(str_of(text), value) && *value >= least && *value <= most) ||
           fail(err, ERROR_INVALID, "--%s is a whole number from %" PRId64 " to %" PRId64, option,
                least, most);
}

bool cli_check_id(const struct cli *cli, const char *prefix, struct error *err)
{
    struct str text = str_of(cli->argument);
    bool ok = str_starts(text, str_of(prefix)) && text.len == ID_LEN;
    for (size_t i = strlen(prefix); ok && i < text.len; i++) {
        ok = (text.at[i] >= '0' && text.at[i] <= '9') || (text.at[i] >= 'A' && text.at[i] <= 'Z');
    }
    return ok || fail(err, ERROR_INVALID, "\"%.40s\" is no id as %s...", cli->argument, prefix);
}

static int status_of(enum error_code code)
{
    switch ((unsigned)code) {
    case ERROR_BUSY:
    case ERROR_UNAVAILABLE:
    case ERROR_TIMEOUT:
        return CLI_LATER;
    default:
        return CLI_FAILED;
    }
}

int cli_fail(const struct cli *cli, const struct error *err)
{
    const struct cli_action *action = cli->action;
    CHECK(action != NULL);
    screen_progress_end();
    (void)fprintf(stderr, "turnpike: %s%s%s: %s\n", action->noun, action->verb != NULL ? " " : "",
                  action->verb != NULL ? action->verb : "", err->text);
    return cli->is_usage ? CLI_USAGE : status_of(err->code);
}

int cli_run(int argc, char **argv)
{
    static struct cli cli;
    struct error err = {.text = ""};
    if (argc < 2 && find_action(argv[0], NULL) == NULL) {
        (void)command_help(argv[0], NULL, stderr);
        return CLI_USAGE;
    }
    if (!cli_parse(argc, argv, &cli, &err)) {
        if (cli.action == NULL) {
            (void)fprintf(stderr, "turnpike: %s\n", err.text);
        } else {
            (void)cli_fail(&cli, &err);
        }
        return CLI_USAGE;
    }
    CHECK(cli.action != NULL);
    bool is_offline = cli_flag(&cli, "list"); /* of trigger: a table of this program */
    if (!is_offline && !ask_open(&cli.ask, &cli.address, &err)) {
        (void)cli_fail(&cli, &err);
        ask_close(&cli.ask);
        return CLI_USAGE;
    }
    int status = cli.action->run(&cli);
    ask_close(&cli.ask);
    return status;
}

/* ---- asking ---------------------------------------------------------------------------------- */

void cli_path(const struct cli *cli, const char *path, struct buf *out)
{
    const struct cli_option *options = cli->action->options;
    buf_add_str(out, str_of(path));
    for (size_t i = 0; options[i].name != NULL; i++) {
        if (options[i].member != NULL && cli->values[i] != NULL) {
            ask_add_query(out, options[i].member, str_of(cli->values[i]));
        }
    }
    if (cli->merchant != NULL) {
        ask_add_query(out, "merchant", str_of(cli->merchant));
    }
}

json_t *cli_get(struct cli *cli, const char *path, struct error *err)
{
    struct buf whole;
    json_t *answer = NULL;
    buf_init(&whole, ASK_PATH_MAX);
    buf_add_str(&whole, str_of(path));
    if (cli->merchant != NULL) {
        ask_add_query(&whole, "merchant", str_of(cli->merchant));
    }
    buf_add_char(&whole, '\0');
    if (!buf_is_ok(&whole)) {
        (void)fail(err, ERROR_INVALID, "what is asked for is too long");
    } else {
        answer = ask_get(&cli->ask, whole.at, err);
    }
    buf_release(&whole);
    return answer;
}

json_t *cli_send(struct cli *cli, const char *method, const char *path, const json_t *body,
                 const char *idempotency_key, struct error *err)
{
    struct buf text;
    json_t *answer = NULL;
    buf_init(&text, BODY_BYTES_MAX);
    if (json_canonical(body, &text)) {
        answer = ask_json(&cli->ask, method, path, buf_str(&text), idempotency_key, err);
    } else {
        (void)fail(err, ERROR_INVALID, "what was said is too long");
    }
    buf_release(&text);
    return answer;
}

bool cli_add_texts(const struct cli *cli, json_t *body, struct error *err)
{
    const struct cli_option *options = cli->action->options;
    for (size_t i = 0; options[i].name != NULL; i++) {
        bool is_text = options[i].member != NULL && cli->values[i] != NULL;
        if (is_text &&
            json_object_set_new(body, options[i].member, json_string(cli->values[i])) != 0) {
            return fail(err, ERROR_INVALID, "--%s is not UTF-8", options[i].name);
        }
    }
    return true;
}

static bool add_time(const struct cli *cli, const char *option, const char *param, struct buf *path,
                     struct error *err)
{
    char text[CLOCK_TEXT_SIZE];
    const char *value = cli_value(cli, option);
    int64_t wall_us = 0;
    struct error ignored;
    if (value == NULL) {
        return true;
    }
    if (!clock_parse_back(str_of(value), clock_wall_us(), &wall_us, &ignored)) {
        return fail(err, ERROR_INVALID,
                    "--%s is a time back from now, as 2d, 12h or 30m, a day or a time (RFC 3339), "
                    "not \"%.40s\"",
                    option, value);
    }
    ask_add_query(path, param, clock_format_us(wall_us, text));
    return true;
}

/* One page, onto the rows. False: *err, or the end (err->text is empty then). */
static bool add_page(struct cli *cli, struct str path, size_t limit, json_t *rows, bool *has_more,
                     struct error *err)
{
    char number[24];
    struct buf page;
    size_t have = json_array_size(rows);
    size_t wanted = limit - have < PAGE_ROWS ? limit - have : PAGE_ROWS;
    buf_init(&page, ASK_PATH_MAX);
    buf_add_str(&page, path);
    (void)snprintf(number, sizeof(number), "%zu", wanted);
    ask_add_query(&page, "limit", str_of(number));
    if (have > 0) {
        ask_add_query(&page, "starting_after", json_text(json_array_get(rows, have - 1), "id"));
    }
    buf_add_char(&page, '\0');
    json_t *answer = NULL;
    if (!buf_is_ok(&page)) {
        (void)fail(err, ERROR_INVALID, "what is asked for is too long");
    } else {
        answer = ask_get(&cli->ask, page.at, err);
    }
    buf_release(&page);
    bool ok = answer != NULL;
    if (ok) {
        (void)json_array_extend(rows, json_object_get(answer, "data"));
        *has_more = json_is_true(json_object_get(answer, "has_more"));
    }
    json_decref(answer);
    return ok && *has_more && json_array_size(rows) > have && json_array_size(rows) < limit;
}

json_t *cli_list(struct cli *cli, const char *path, const char *what, bool *has_more,
                 struct error *err)
{
    struct buf query;
    int64_t limit = 0;
    err->text[0] = '\0';
    *has_more = false;
    buf_init(&query, ASK_PATH_MAX);
    cli_path(cli, path, &query);
    bool ok = cli_number(cli, "limit", 1, LIST_ROWS_MAX, LIST_ROWS, &limit, err) &&
              add_time(cli, "since", "created_from", &query, err) &&
              add_time(cli, "until", "created_to", &query, err);
    cli->is_usage = !ok;
    json_t *rows = json_array();
    while (ok && add_page(cli, buf_str(&query), (size_t)limit, rows, has_more, err)) {
        screen_progress(json_array_size(rows), what);
    }
    screen_progress_end();
    buf_release(&query);
    if (err->text[0] != '\0') {
        json_decref(rows);
        return NULL;
    }
    return rows;
}

/* ---- printing -------------------------------------------------------------------------------- */

int cli_put(const struct cli *cli, const struct buf *out)
{
    struct error err;
    if (buf_is_ok(out) && fwrite(out->at, 1, out->len, stdout) == out->len && fflush(stdout) == 0) {
        return CLI_DONE;
    }
    (void)fail(&err, ERROR_IO, "cannot write");
    return cli_fail(cli, &err);
}

int cli_show_json(const struct cli *cli, const json_t *value)
{
    struct buf out;
    char *text = json_dumps(value, JSON_COMPACT);
    CHECK(text != NULL);
    buf_init(&out, ASK_ANSWER_BYTES_MAX * 4UL);
    buf_add_str(&out, str_of(text));
    buf_add_char(&out, '\n');
    free(text);
    int status = cli_put(cli, &out);
    buf_release(&out);
    return status;
}

static void add_money(const json_t *row, int64_t minor, struct buf *out)
{
    char text[MONEY_TEXT_SIZE];
    const struct currency *currency = currency_find(json_text(row, "currency"));
    if (currency == NULL) {
        buf_printf(out, "%" PRId64, minor);
        return;
    }
    buf_printf(out, STR_FMT " %s", STR_ARG(money_format(minor, currency->exponent, text)),
               currency->code);
}

/* "2026-11-21 10:15:30" of "2026-11-21T10:15:30.123Z" */
static void add_time_text(struct str text, struct buf *out)
{
    struct str day = str_cut(&text, 'T');
    buf_add_str(out, day);
    if (text.len >= 8) {
        buf_add_char(out, ' ');
        buf_add_str(out, str_sub(text, 0, 8));
    }
}

void cli_cell(const json_t *row, const struct cli_column *column, struct buf *out)
{
    const json_t *value = json_path(row, column->path);
    if (value == NULL || json_is_null(value)) {
        return;
    }
    if (column->kind == CLI_PERCENT && json_is_number(value)) {
        buf_printf(out, "%.1f %%", json_number_value(value) * 100);
    } else if (column->kind == CLI_MONEY && json_is_integer(value)) {
        add_money(row, json_integer_value(value), out);
    } else if (column->kind == CLI_TIME && json_is_string(value)) {
        add_time_text(str_of(json_string_value(value)), out);
    } else if (json_is_string(value)) {
        buf_add_str(out, str_of(json_string_value(value)));
    } else if (json_is_integer(value)) {
        buf_printf(out, "%" PRId64, (int64_t)json_integer_value(value));
    } else if (json_is_real(value)) {
        buf_printf(out, "%.0f", json_real_value(value));
    } else if (json_is_boolean(value)) {
        buf_add_str(out, json_is_true(value) ? STR("yes") : STR("no"));
    }
}

static enum sheet_kind sheet_kind_of(enum cli_cell kind)
{
    static const enum sheet_kind kinds[] = {
        [CLI_TEXT] = SHEET_TEXT, [CLI_STATE] = SHEET_STATE,    [CLI_MONEY] = SHEET_AMOUNT,
        [CLI_TIME] = SHEET_TEXT, [CLI_PERCENT] = SHEET_AMOUNT, [CLI_COUNT] = SHEET_COUNT,
    };
    return kinds[kind];
}

void cli_table(const json_t *rows, const struct cli_column *columns, size_t count, FILE *out)
{
    struct sheet_column heads[SHEET_COLUMN_MAX];
    struct buf texts[SHEET_COLUMN_MAX];
    struct str cells[SHEET_COLUMN_MAX];
    const struct csv_style style = {0};
    struct sheet sheet;
    struct error ignored;
    CHECK(count <= SHEET_COLUMN_MAX);
    for (size_t i = 0; i < count; i++) {
        heads[i] = (struct sheet_column){columns[i].title, sheet_kind_of(columns[i].kind)};
        buf_init(&texts[i], CELL_BYTES_MAX);
    }
    sheet_open(&sheet, SHEET_TABLE, &style, heads, count, out);
    bool ok = true;
    for (size_t row = 0; ok && row < json_array_size(rows); row++) {
        for (size_t i = 0; i < count; i++) {
            buf_clear(&texts[i]);
            cli_cell(json_array_get(rows, row), &columns[i], &texts[i]);
            cells[i] = buf_str(&texts[i]);
        }
        ok = sheet_row(&sheet, cells, &ignored);
    }
    ok = sheet_close(&sheet, &ignored) && ok;
    if (!ok) { /* standard output is gone: who closes it sees that, too */
        (void)fprintf(stderr, "turnpike: %s\n", ignored.text);
    }
    for (size_t i = 0; i < count; i++) {
        buf_release(&texts[i]);
    }
}

void cli_facts(const json_t *object, const struct cli_column *columns, size_t count, FILE *out)
{
    bool has_colour = screen_has_colour(out);
    size_t width = 0;
    struct buf cell;
    struct buf line;
    buf_init(&cell, CELL_BYTES_MAX);
    buf_init(&line, 4UL * CELL_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(columns[i].title);
        width = len > width ? len : width;
    }
    for (size_t i = 0; i < count; i++) {
        buf_clear(&cell);
        buf_clear(&line);
        cli_cell(object, &columns[i], &cell);
        if (cell.len == 0) {
            continue;
        }
        screen_add(&line, has_colour, TONE_FAINT, str_of(columns[i].title));
        for (size_t pad = strlen(columns[i].title); pad < width + 2; pad++) {
            buf_add_char(&line, ' ');
        }
        screen_add(&line, has_colour,
                   columns[i].kind == CLI_STATE ? screen_tone(buf_str(&cell)) : TONE_NONE,
                   buf_str(&cell));
        (void)fprintf(out, STR_FMT "\n", STR_ARG(buf_str(&line)));
    }
    buf_release(&cell);
    buf_release(&line);
}

int cli_show_list(struct cli *cli, json_t *rows, bool has_more, const struct cli_column *columns,
                  size_t count)
{
    if (cli->as_json) {
        json_t *list = json_object();
        (void)json_object_set_new(list, "object", json_string("list"));
        (void)json_object_set_new(list, "has_more", json_boolean(has_more));
        (void)json_object_set(list, "data", rows);
        int status = cli_show_json(cli, list);
        json_decref(list);
        return status;
    }
    if (json_array_size(rows) == 0) {
        (void)puts("none");
    } else {
        cli_table(rows, columns, count, stdout);
    }
    if (has_more) {
        (void)fprintf(stderr, "there are more: --limit says how many are shown\n");
    }
    return fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
}

void cli_hide_people(const struct cli *cli, json_t *value)
{
    static const char *const members[] = {"customer", "beneficiary", "metadata"};
    for (size_t i = 0; i < ARRAY_LEN(members) && !cli_flag(cli, "personal"); i++) {
        (void)json_object_del(value, members[i]);
    }
}

/* turnpike routes backtest: what a rule file would have done with the payments of the past. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "process/backtest_run.h"
#include "process/command.h"

enum {
    TEXT_BYTES_MAX = ROUTE_RULES_BYTES_MAX + 1,
    OUTPUT_BYTES_MAX = 64 << 20,
    ABOUT_SIZE = 256,
};

struct backtesting {
    struct config config;
    const char *file;
    const char *html; /* NULL: no page */
    bool as_json;
    struct buf text; /* owned; of the file */
    struct backtest_asked asked;
};

/* ---- the file --------------------------------------------------------------------------------- */

static bool read_text(struct backtesting *b, struct error *err)
{
    char chunk[65536];
    size_t got = 0;
    bool is_stdin = strcmp(b->file, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(b->file, "re");
    if (in == NULL)
        return fail(err, ERROR_IO, "routes: cannot read %s: %s", b->file, strerror(errno));
    while (buf_is_ok(&b->text) && (got = fread(chunk, 1, sizeof(chunk), in)) > 0)
        buf_add(&b->text, chunk, got);
    bool ok = ferror(in) == 0 && buf_is_ok(&b->text);
    if (!is_stdin)
        (void)fclose(in);
    return ok || fail(err, ERROR_IO, "routes: %s is unreadable or over %d bytes", b->file,
                      ROUTE_RULES_BYTES_MAX);
}

/* ---- output ----------------------------------------------------------------------------------- */

static bool write_all(FILE *file, const struct buf *text)
{
    return buf_is_ok(text) && fwrite(text->at, 1, text->len, file) == text->len &&
           fflush(file) == 0;
}

static bool write_page(const struct backtesting *b, const struct backtest *backtest,
                       struct str about, struct error *err)
{
    struct buf page;
    FILE *file = fopen(b->html, "we");
    if (file == NULL)
        return fail(err, ERROR_IO, "routes: cannot write %s: %s", b->html, strerror(errno));
    buf_init(&page, OUTPUT_BYTES_MAX);
    backtest_print_page(backtest, about, &page);
    bool ok = write_all(file, &page);
    buf_release(&page);
    return (fclose(file) == 0 && ok) ||
           fail(err, ERROR_IO, "routes: cannot write all of %s", b->html);
}

static bool print(const struct backtesting *b, const struct backtest *backtest, struct error *err)
{
    char about_text[ABOUT_SIZE];
    char since[CLOCK_TEXT_SIZE];
    char merchant[ID_TEXT_SIZE] = "all merchants";
    struct buf out;
    if (!uuid_is_zero(&b->asked.merchant_id))
        (void)id_format(ID_MERCHANT, &b->asked.merchant_id, merchant);
    (void)clock_format_ms(b->asked.since_us, since);
    (void)snprintf(about_text, sizeof(about_text), "%.120s: payments since %s, %s", b->file, since,
                   merchant);
    buf_init(&out, OUTPUT_BYTES_MAX);
    if (b->as_json) {
        backtest_print_json(backtest, &out);
        buf_add_char(&out, '\n');
    } else {
        backtest_print_text(backtest, str_of(about_text), &out);
    }
    bool ok = write_all(stdout, &out) || fail(err, ERROR_IO, "routes: cannot write the answer");
    buf_release(&out);
    return ok && (b->html == NULL || write_page(b, backtest, str_of(about_text), err));
}

/* ---- all -------------------------------------------------------------------------------------- */

static bool take_span(int *argc, char **argv, struct backtest_asked *asked, struct error *err)
{
    const char *since = command_option(argc, argv, "since");
    const char *until = command_option(argc, argv, "until");
    if (!command_since(since != NULL ? since : "30d", &asked->since_us, err))
        return false;
    if (until != NULL && !command_since(until, &asked->until_us, err))
        return fail(err, ERROR_INVALID,
                    "routes: --until is a time as --since: 1d (back from now) or 2026-11-01");
    return until == NULL || asked->until_us > asked->since_us ||
           fail(err, ERROR_INVALID, "routes: --until must be after --since");
}

static bool take_options(int argc, char **argv, struct backtesting *b, struct error *err)
{
    struct error ignored;
    const char *merchant = command_option(&argc, argv, "merchant");
    b->html = command_option(&argc, argv, "html");
    b->as_json = command_flag(&argc, argv, "json");
    if (!take_span(&argc, argv, &b->asked, err))
        return false;
    if (merchant != NULL &&
        !id_parse(ID_MERCHANT, str_of(merchant), &b->asked.merchant_id, &ignored))
        return fail(err, ERROR_INVALID, "routes: %s is no merchant's id; they begin with mer_",
                    merchant);
    if (!command_config(&argc, argv, &b->config, err))
        return false;
    if (argc < 2 || (argv[1][0] == '-' && argv[1][1] != '\0'))
        return fail(err, ERROR_INVALID, "routes backtest: name one file, as config/turnpike.rules");
    b->file = argv[1];
    argv[1] = argv[0];
    return command_done(argc - 1, argv + 1, err);
}

static bool run(struct backtesting *b, struct error *err)
{
    if (!read_text(b, err))
        return false;
    struct backtest *backtest = calloc(1, sizeof(*backtest));
    CHECK(backtest != NULL);
    b->asked.config = &b->config;
    b->asked.rules = buf_str(&b->text);
    b->asked.name = b->file;
    bool ok = backtest_answer(&b->asked, backtest, err) && print(b, backtest, err);
    free(backtest);
    return ok;
}

int command_backtest(int argc, char **argv)
{
    static struct backtesting b;
    struct error err = {.text = ""};
    if (!take_options(argc, argv, &b, &err))
        return command_fail(&err);
    buf_init(&b.text, TEXT_BYTES_MAX);
    log_start(2, LOG_ERROR);
    bool ok = run(&b, &err);
    buf_release(&b.text);
    return ok ? 0 : command_fail(&err);
}

/* turnpike routes backtest: what a rule file would have done with the payments of the past. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ledger/holds.h"
#include "payment/backtest.h"
#include "payment/merchant.h"
#include "process/command.h"
#include "process/figures.h"
#include "router/ast.h"

enum {
    PATIENCE_MS = 8000, /* for the accounts */
    ARENA_BYTES_MAX = 1 << 30,
    OUTPUT_BYTES_MAX = 64 << 20,
    ABOUT_SIZE = 256,
    DAY_HOURS = 24,
};

struct backtesting {
    struct config config;
    const char *file;
    const char *html; /* NULL: no page */
    bool as_json;
    int64_t since_us;
    struct uuid merchant_id; /* zero: all */
    struct arena arena;      /* the text and the accounts */
    struct str text;
    struct rule_set *rules;             /* owned */
    struct rates *rates;                /* owned; NULL: none */
    struct merchant_account *account;   /* in the arena; to be released */
    struct backtest_account *candidate; /* in the arena */
    size_t account_count;
    struct past *past; /* owned */
    struct loop *loop; /* while the accounts are read */
    struct error *err;
    bool has_accounts;
};

/* ---- the file --------------------------------------------------------------------------------- */

static bool read_text(struct backtesting *b, struct error *err)
{
    struct buf text;
    char chunk[65536];
    size_t got = 0;
    bool is_stdin = strcmp(b->file, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(b->file, "re");
    if (in == NULL)
        return fail(err, ERROR_IO, "routes: cannot read %s: %s", b->file, strerror(errno));
    buf_init(&text, ROUTE_RULES_BYTES_MAX);
    while (buf_is_ok(&text) && (got = fread(chunk, 1, sizeof(chunk), in)) > 0)
        buf_add(&text, chunk, got);
    bool ok = ferror(in) == 0 && buf_is_ok(&text);
    b->text = arena_str(&b->arena, buf_str(&text));
    if (!is_stdin)
        (void)fclose(in);
    buf_release(&text);
    return ok || fail(err, ERROR_IO, "routes: %s is unreadable or over %d bytes", b->file,
                      ROUTE_RULES_BYTES_MAX);
}

static bool read_rules(struct backtesting *b, struct error *err)
{
    struct str names[ROUTE_CANDIDATE_MAX];
    size_t count = 0;
    const struct provider *const *all = provider_all(&count);
    CHECK(count <= ROUTE_CANDIDATE_MAX);
    for (size_t i = 0; i < count; i++)
        names[i] = str_of(all[i]->name);
    if (!read_text(b, err))
        return false;
    b->rules = rule_set_new(b->text, names, count, err);
    return b->rules != NULL || fail_prefix(err, "%s", b->file);
}

/* ---- accounts --------------------------------------------------------------------------------- */

/* As payment/driver_route.c lays out candidates; whether its secret can be read here says nothing. */
static struct backtest_account candidate_of(const struct merchant_account *account)
{
    const struct provider *provider = account->account.provider;
    struct backtest_account candidate = {
        .merchant_id = account->row.merchant_id,
        .account_id = account->row.account_id,
        .provider = account->row.provider,
        .name = account->row.name,
        .methods = account->row.methods,
        .amount_max_minor = account->row.amount_max_minor,
        .disabled = account->row.disabled || provider == NULL,
        .cost = account->cost,
    };
    struct hold hold;
    bool is_held =
        account->row.holds.len > 0 && holds_now(account->row.holds, clock_wall_us(), &hold);
    candidate.disabled = candidate.disabled || (is_held && hold.kind == HOLD_DISABLED);
    candidate.drained = is_held && hold.kind == HOLD_DRAINED;
    memcpy(candidate.currency_bits, account->currency_bits, sizeof(candidate.currency_bits));
    if (provider == NULL)
        return candidate;
    int64_t limit = provider->capability.amount_max_minor;
    candidate.operations = provider->capability.operations;
    if (limit > 0 && (candidate.amount_max_minor == 0 || limit < candidate.amount_max_minor))
        candidate.amount_max_minor = limit;
    return candidate;
}

static void take_accounts(struct backtesting *b, const struct directory_rows *rows)
{
    struct merchants_config config = merchants_config_default;
    config.secrets_folder = "";
    b->account = ARENA_ARRAY(&b->arena, struct merchant_account, rows->account_count);
    b->candidate = ARENA_ARRAY(&b->arena, struct backtest_account, rows->account_count);
    for (size_t i = 0; i < rows->account_count; i++) {
        const struct directory_account *row = &rows->accounts[i];
        if (!uuid_is_zero(&b->merchant_id) && !uuid_eq(&b->merchant_id, &row->merchant_id))
            continue;
        struct merchant_account *account = &b->account[b->account_count];
        merchant_account_build(account, row, &config, NULL, &b->arena);
        b->candidate[b->account_count++] = candidate_of(account);
    }
    b->has_accounts = true;
}

static void accounts_came(void *ctx, enum store_find found, const struct directory_rows *rows,
                          const struct error *why)
{
    struct backtesting *b = ctx;
    if (found == STORE_FAILED)
        *b->err = *why;
    else
        take_accounts(b, rows);
    loop_stop(b->loop);
}

static void give_up(void *ctx)
{
    struct backtesting *b = ctx;
    (void)fail(b->err, ERROR_TIMEOUT, "the database did not answer within %d s",
               PATIENCE_MS / 1000);
    loop_stop(b->loop);
}

static bool read_accounts(struct backtesting *b, struct error *err)
{
    struct loop_timer patience;
    struct uuid writer_id = uuid_new();
    struct uuid instance_id = uuid_new(); /* no gateway's: it writes nothing */
    (void)signal(SIGPIPE, SIG_IGN);
    log_start(2, LOG_ERROR);
    b->err = err;
    b->loop = loop_new();
    struct store *store =
        store_new(b->loop, &b->config.store, &writer_id, &instance_id, &instance_id, 0);
    loop_timer_init(&patience, b->loop, give_up, b);
    loop_timer_start(&patience, PATIENCE_MS * CLOCK_MS_US);
    directory_list_accounts(store, &b->arena, accounts_came, b);
    loop_run(b->loop);
    loop_timer_release(&patience);
    store_free(&store);
    loop_free(&b->loop);
    return b->has_accounts;
}

/* ---- the past --------------------------------------------------------------------------------- */

/* Tiers look at a month, or the one before it: so far back what was taken counts. */
static int64_t volume_since(const struct backtesting *b)
{
    int64_t day_us = DAY_HOURS * INT64_C(3600) * CLOCK_SECOND_US;
    int64_t back_us = 0;
    for (size_t i = 0; i < b->account_count; i++) {
        struct cost_volume asked = {.is_asked = false};
        if (b->candidate[i].cost != NULL)
            asked = cost_volume(b->candidate[i].cost);
        int64_t wanted_us = !asked.is_asked ? 0 : asked.is_of_previous ? 62 * day_us : 31 * day_us;
        back_us = wanted_us > back_us ? wanted_us : back_us;
    }
    return b->since_us - back_us;
}

static bool read_past(struct backtesting *b, struct error *err)
{
    const struct past_wanted wanted = {
        .merchant_id = b->merchant_id,
        .since_us = volume_since(b),
        .reference = str_find(b->text, STR("reference"), 0) != SIZE_MAX,
        .metadata = rule_set_tree(b->rules)->metadata_name_count > 0,
    };
    b->past = past_new();
    return past_load(b->past, b->config.database, &wanted, err);
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
    if (!uuid_is_zero(&b->merchant_id))
        (void)id_format(ID_MERCHANT, &b->merchant_id, merchant);
    (void)clock_format_ms(b->since_us, since);
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

static bool take_options(int argc, char **argv, struct backtesting *b, struct error *err)
{
    struct error ignored;
    const char *since = command_option(&argc, argv, "since");
    const char *merchant = command_option(&argc, argv, "merchant");
    b->html = command_option(&argc, argv, "html");
    b->as_json = command_flag(&argc, argv, "json");
    if (!command_since(since != NULL ? since : "30d", &b->since_us, err))
        return false;
    if (merchant != NULL && !id_parse(ID_MERCHANT, str_of(merchant), &b->merchant_id, &ignored))
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
    if (!read_rules(b, err))
        return false;
    if (b->config.rates_file[0] != '\0') {
        b->rates = figures_read_rates(b->config.rates_file, err);
        if (b->rates == NULL)
            return false;
    }
    if (!read_accounts(b, err) || !read_past(b, err))
        return false;
    struct backtest *backtest = calloc(1, sizeof(*backtest));
    CHECK(backtest != NULL);
    struct backtest_input input = {
        .past = b->past,
        .account = b->candidate,
        .account_count = b->account_count,
        .rules = b->rules,
        .rates = b->rates,
        .since_us = b->since_us,
        .by_account = !uuid_is_zero(&b->merchant_id),
    };
    bool ok = backtest_run(&input, backtest, err) && print(b, backtest, err);
    free(backtest);
    return ok;
}

int command_backtest(int argc, char **argv)
{
    static struct backtesting b;
    struct error err = {.text = ""};
    if (!take_options(argc, argv, &b, &err))
        return command_fail(&err);
    arena_init(&b.arena, ARENA_BYTES_MAX);
    bool ok = run(&b, &err);
    past_free(&b.past);
    for (size_t i = 0; i < b.account_count; i++)
        merchant_account_release(&b.account[i]);
    rates_free(&b.rates);
    rule_set_free(&b.rules);
    arena_release(&b.arena);
    return ok ? 0 : command_fail(&err);
}

#include "process/backtest_run.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ledger/holds.h"
#include "payment/merchant.h"
#include "payment/rulebook.h"
#include "process/figures.h"
#include "router/ast.h"

enum {
    PATIENCE_MS = 8000, /* for the accounts */
    ARENA_BYTES_MAX = 1 << 30,
    DAY_HOURS = 24,
};

struct answering {
    const struct backtest_asked *asked;
    struct arena arena;                 /* the accounts */
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

static bool read_rules(struct answering *b, struct error *err)
{
    struct str names[ROUTE_CANDIDATE_MAX];
    size_t count = 0;
    const struct provider *const *all = provider_all(&count);
    CHECK(count <= ROUTE_CANDIDATE_MAX);
    for (size_t i = 0; i < count; i++)
        names[i] = str_of(all[i]->name);
    b->rules = rule_set_new(b->asked->rules, names, count, err);
    return b->rules != NULL || fail_prefix(err, "%s", b->asked->name);
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

static void take_accounts(struct answering *b, const struct directory_rows *rows)
{
    struct merchants_config config = merchants_config_default;
    config.secrets_folder = "";
    b->account = ARENA_ARRAY(&b->arena, struct merchant_account, rows->account_count);
    b->candidate = ARENA_ARRAY(&b->arena, struct backtest_account, rows->account_count);
    for (size_t i = 0; i < rows->account_count; i++) {
        const struct directory_account *row = &rows->accounts[i];
        if (!uuid_is_zero(&b->asked->merchant_id) &&
            !uuid_eq(&b->asked->merchant_id, &row->merchant_id))
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
    struct answering *b = ctx;
    if (found == STORE_FAILED)
        *b->err = *why;
    else
        take_accounts(b, rows);
    loop_stop(b->loop);
}

static void give_up(void *ctx)
{
    struct answering *b = ctx;
    (void)fail(b->err, ERROR_TIMEOUT, "the database did not answer within %d s",
               PATIENCE_MS / 1000);
    loop_stop(b->loop);
}

static bool read_accounts(struct answering *b, struct error *err)
{
    struct loop_timer patience;
    struct uuid writer_id = uuid_new();
    struct uuid instance_id = uuid_new(); /* no gateway's: it writes nothing */
    (void)signal(SIGPIPE, SIG_IGN);
    b->err = err;
    b->loop = loop_new();
    struct store *store =
        store_new(b->loop, &b->asked->config->store, &writer_id, &instance_id, &instance_id, 0);
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
static int64_t volume_since(const struct answering *b)
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
    return b->asked->since_us - back_us;
}

/* What the payments' rows do not have. */
#define FACTS_OF_RECORD                                                                            \
    (UINT64_C(1) << FACT_CARD_BRAND | UINT64_C(1) << FACT_CARD_COUNTRY | UINT64_C(1) << FACT_BIN | \
     UINT64_C(1) << FACT_BENEFICIARY_COUNTRY)

static bool read_past(struct answering *b, struct error *err)
{
    const struct past_wanted wanted = {
        .merchant_id = b->asked->merchant_id,
        .since_us = volume_since(b),
        .until_us = b->asked->until_us,
        .reference = str_find(b->asked->rules, STR("reference"), 0) != SIZE_MAX,
        .metadata = rule_set_tree(b->rules)->metadata_name_count > 0,
        .facts = (rulebook_asks(b->rules) & FACTS_OF_RECORD) != 0,
    };
    b->past = past_new();
    return past_load(b->past, b->asked->config->database, &wanted, err);
}

/* ---- all -------------------------------------------------------------------------------------- */

static bool answer_all(struct answering *b, struct backtest *answer, struct error *err)
{
    const struct config *config = b->asked->config;
    if (!read_rules(b, err))
        return false;
    if (config->rates_file[0] != '\0') {
        b->rates = figures_read_rates(config->rates_file, err);
        if (b->rates == NULL)
            return false;
    }
    if (!read_accounts(b, err) || !read_past(b, err))
        return false;
    struct backtest_input input = {
        .past = b->past,
        .account = b->candidate,
        .account_count = b->account_count,
        .rules = b->rules,
        .rates = b->rates,
        .since_us = b->asked->since_us,
        .by_account = !uuid_is_zero(&b->asked->merchant_id),
    };
    return backtest_run(&input, answer, err);
}

bool backtest_answer(const struct backtest_asked *asked, struct backtest *answer, struct error *err)
{
    struct answering b = {.asked = asked};
    arena_init(&b.arena, ARENA_BYTES_MAX);
    bool ok = answer_all(&b, answer, err);
    past_free(&b.past);
    for (size_t i = 0; i < b.account_count; i++)
        merchant_account_release(&b.account[i]);
    rates_free(&b.rates);
    rule_set_free(&b.rules);
    arena_release(&b.arena);
    return ok;
}

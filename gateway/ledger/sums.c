#include "ledger/sums.h"

#include "base/clock.h"

enum {
    SQL_BYTES_MAX = 4000,
};

static void add_select(const struct uuid *merchant_id, int64_t before_us, bool by_effect,
                       struct buf *sql)
{
    char time[CLOCK_TEXT_SIZE];
    char id[UUID_TEXT_SIZE];
    buf_add_str(sql, STR("SELECT currency, debit_minor::bigint, credit_minor::bigint FROM "
                         "finance.trial_balance"));
    if (before_us != INT64_MAX)
        buf_printf(sql, "('" STR_FMT "'::timestamptz, '%s')",
                   STR_ARG(clock_format_us(before_us, time)), by_effect ? "effective" : "recorded");
    buf_printf(sql, " WHERE merchant_id = '" STR_FMT "' AND account = ",
               STR_ARG(uuid_format(merchant_id, id)));
}

bool sums_read(struct copy *copy, const struct uuid *merchant_id, struct str account,
               int64_t before_us, bool by_effect, struct sums *sums, struct error *err)
{
    struct str field[3];
    struct buf sql;
    *sums = (struct sums){.of = {{.is_used = false}}};
    if (before_us == INT64_MIN)
        return true;
    buf_init(&sql, SQL_BYTES_MAX);
    add_select(merchant_id, before_us, by_effect, &sql);
    bool ok = copy_quote(copy, account, &sql, err);
    buf_add(&sql, "", 1);
    ok = ok && (buf_is_ok(&sql) || fail(err, ERROR_INVALID, "the account's name is too long")) &&
         copy_start(copy, sql.at, ARRAY_LEN(field), err);
    buf_release(&sql);
    while (ok && copy_next(copy, field, err)) {
        const struct currency *currency = currency_find(field[0]);
        size_t index = currency != NULL ? currency_index(currency) : SUMS_CURRENCY_MAX;
        if (index >= SUMS_CURRENCY_MAX || !copy_int(field[1], &sums->of[index].debit_minor) ||
            !copy_int(field[2], &sums->of[index].credit_minor))
            return fail(err, ERROR_IO, "cannot read the balances of an account");
        sums->of[index].is_used = true;
    }
    return ok && err->text[0] == '\0';
}

bool sum_balance(const struct sum *sum, int64_t *balance_minor)
{
    return money_subtract(sum->debit_minor, sum->credit_minor, balance_minor);
}

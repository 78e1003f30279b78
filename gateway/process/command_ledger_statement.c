/*
 * turnpike ledger statement ACCOUNT: its movements, oldest first, and what it came to after each.
 *
 * Opening balances are the trial balance at the first moment; movements stream by (export_run.h).
 */
#include <string.h>

#include "base/clock.h"
#include "ledger/sums.h"
#include "process/command_ledger.h"

enum {
    CURRENCY_MAX = SUMS_CURRENCY_MAX,
};

static const struct sheet_column columns[] = {
    {"line", SHEET_TEXT},
    {"booked_at", SHEET_TEXT},
    {"effective_at", SHEET_TEXT},
    {"transfer", SHEET_TEXT},
    {"payment", SHEET_TEXT},
    {"kind", SHEET_TEXT},
    {"counter_account", SHEET_TEXT},
    {"currency", SHEET_TEXT},
    {"debit", SHEET_AMOUNT},
    {"credit", SHEET_AMOUNT},
    {"balance", SHEET_AMOUNT},
    {"balance_minor", SHEET_COUNT},
};

struct stating {
    struct ledger_reading reading;
    struct ledger_period period;
    struct str account;
    struct sheet sheet;
    int64_t balance[CURRENCY_MAX]; /* by currency_index */
    bool is_used[CURRENCY_MAX];
};

static bool put_balance(struct stating *s, const char *line, int64_t us, size_t index,
                        struct error *err)
{
    char time[CLOCK_TEXT_SIZE];
    char amount[MONEY_TEXT_SIZE];
    char minor[MONEY_TEXT_SIZE];
    size_t count = 0;
    const struct currency *currency = &currency_all(&count)[index];
    struct str cells[ARRAY_LEN(columns)] = {
        [0] = str_of(line),
        [7] = str_of(currency->code),
        [10] = money_format(s->balance[index], currency->exponent, amount),
        [11] = money_format(s->balance[index], 0, minor),
    };
    if (us != INT64_MIN && us != INT64_MAX)
        cells[1] = clock_format_us(us, time);
    return sheet_row(&s->sheet, cells, err);
}

static bool put_balances(struct stating *s, const char *line, int64_t us, struct error *err)
{
    for (size_t i = 0; i < CURRENCY_MAX; i++) {
        if (s->is_used[i] && !put_balance(s, line, us, i, err))
            return false;
    }
    return true;
}

static bool read_opening(struct stating *s, struct error *err)
{
    struct sums sums;
    if (!sums_read(s->reading.copy, &s->reading.merchants.at[0].id, s->account, s->period.from_us,
                   s->period.by_effect, &sums, err))
        return false;
    for (size_t i = 0; i < CURRENCY_MAX; i++) {
        s->is_used[i] = sums.of[i].is_used;
        if (!sum_balance(&sums.of[i], &s->balance[i]))
            return fail(err, ERROR_INVALID, "the balance is beyond what can be counted");
    }
    return true;
}

static bool put_movement(void *ctx, const struct export_row *row, struct error *err)
{
    struct stating *s = ctx;
    char ids[2][ID_TEXT_SIZE];
    char times[2][CLOCK_TEXT_SIZE];
    char amounts[3][MONEY_TEXT_SIZE];
    size_t index = currency_index(row->currency);
    bool is_debit = str_eq(row->debit_account, s->account);
    unsigned digits = row->currency->exponent;
    CHECK(index < CURRENCY_MAX);
    s->is_used[index] = true;
    if (is_debit ? !money_add(s->balance[index], row->amount_minor, &s->balance[index])
                 : !money_subtract(s->balance[index], row->amount_minor, &s->balance[index]))
        return fail(err, ERROR_INVALID, "the balance is beyond what can be counted");
    struct str amount = money_format(row->amount_minor, digits, amounts[0]);
    const struct str cells[ARRAY_LEN(columns)] = {
        STR("movement"),
        clock_format_us(row->created_us, times[0]),
        clock_format_us(row->effective_us, times[1]),
        id_format(ID_TRANSFER, &row->transfer_id, ids[0]),
        uuid_is_zero(&row->payment_id)
            ? STR_NONE
            : id_format(row->is_payout ? ID_PAYOUT : ID_PAYMENT, &row->payment_id, ids[1]),
        row->kind,
        is_debit ? row->credit_account : row->debit_account,
        str_of(row->currency->code),
        is_debit ? amount : STR_NONE,
        is_debit ? STR_NONE : amount,
        money_format(s->balance[index], digits, amounts[1]),
        money_format(s->balance[index], 0, amounts[2]),
    };
    return sheet_row(&s->sheet, cells, err);
}

static bool state(struct stating *s, struct error *err)
{
    const struct export_wanted wanted = {
        .format = EXPORT_ROWS,
        .account = s->account,
        .from_us = s->period.from_us,
        .to_us = s->period.to_us,
        .by_effect = s->period.by_effect,
        .row = put_movement,
        .ctx = s,
    };
    uint64_t rows = 0;
    return read_opening(s, err) && put_balances(s, "opening", s->period.from_us, err) &&
           export_run(s->reading.copy, &wanted, &s->reading.merchants, &rows, err) &&
           put_balances(s, "closing", s->period.to_us, err);
}

static bool take_options(int argc, char **argv, struct stating *s, struct error *err)
{
    if (!ledger_take_reading(&argc, argv, &s->reading, err) ||
        !ledger_take_period(&argc, argv, &s->period, err))
        return false;
    if (argc < 2 || argv[1][0] == '-')
        return fail(err, ERROR_INVALID,
                    "ledger: name an account, as statement merchant:sales; turnpike ledger "
                    "accounts lists them");
    s->account = str_of(argv[1]);
    argv[1] = argv[0];
    return command_done(argc - 1, argv + 1, err);
}

int ledger_statement(int argc, char **argv)
{
    static struct stating s;
    struct error err = {.text = ""};
    struct error ignored;
    bool ok = take_options(argc, argv, &s, &err) && ledger_open(&s.reading, &err) &&
              ledger_check_single(&s.reading.merchants, &err);
    if (ok) {
        sheet_open(&s.sheet, s.reading.format, &s.reading.style, columns, ARRAY_LEN(columns),
                   stdout);
        ok = state(&s, &err);
        ok = sheet_close(&s.sheet, ok ? &err : &ignored) && ok;
    }
    ledger_close(&s.reading);
    return ok ? 0 : command_fail(&err);
}

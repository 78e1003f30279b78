#include "ledger/export_internal.h"

#define DAY_US (86400 * CLOCK_SECOND_US)

static bool is_bean(const struct export *e)
{
    return e->format == EXPORT_BEANCOUNT;
}

/* In a comment or a description: one line, and nothing that begins something else. */
static void add_line(struct export *e, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_odd =
            (unsigned char)c < ' ' || c == 0x7f || c == ';' || c == '|' || c == '"' || c == '\\';
        buf_add_char(e->out, is_odd ? '_' : c);
    }
}

static void add_period(struct export *e)
{
    char time[CLOCK_TEXT_SIZE];
    if (e->scope.from_us != INT64_MIN) {
        buf_add_str(e->out, STR(" from "));
        buf_add_str(e->out, clock_format_ms(e->scope.from_us, time));
    }
    if (e->scope.to_us != INT64_MAX) {
        buf_add_str(e->out, STR(" before "));
        buf_add_str(e->out, clock_format_ms(e->scope.to_us, time));
    }
}

void export_journal_begin(struct export *e)
{
    char time[CLOCK_TEXT_SIZE];
    char id[ID_TEXT_SIZE];
    buf_add_str(e->out, STR("; the books of "));
    add_line(e, e->scope.merchant);
    buf_printf(e->out, " (" STR_FMT ")",
               STR_ARG(id_format(ID_MERCHANT, &e->scope.merchant_id, id)));
    add_period(e);
    buf_printf(e->out, ", written by turnpike at " STR_FMT "\n",
               STR_ARG(clock_format_ms(e->scope.made_us, time)));
    buf_add_str(e->out, STR("; what is posted; what is only reserved (pending) is left out\n"));
    if (e->format == EXPORT_LEDGER)
        buf_add_str(e->out, STR("tag payment\ntag attempt\n"));
    if (!e->scope.is_whole)
        buf_add_str(e->out, STR("; a part of the books: movements, without opening balances\n"));
}

void export_currency(struct export *e, const struct currency *currency)
{
    char zero[MONEY_TEXT_SIZE];
    struct str sample = money_format(0, currency->exponent, zero);
    if (is_bean(e))
        buf_printf(e->out, "1970-01-01 commodity %s\n", currency->code);
    else if (e->format == EXPORT_HLEDGER)
        buf_printf(e->out, "commodity " STR_FMT "%s %s\n", STR_ARG(sample),
                   currency->exponent == 0 ? "." : "", currency->code);
    else
        buf_printf(e->out, "commodity %s\n    format " STR_FMT " %s\n", currency->code,
                   STR_ARG(sample), currency->code);
}

void export_account(struct export *e, struct str name, enum account_type type)
{
    static const char letters[ACCOUNT_TYPE_COUNT] = {'A', 'L', 'E', 'R', 'X'};
    if (is_bean(e))
        buf_printf(e->out, "1970-01-01 open " STR_FMT "\n", STR_ARG(name));
    else if (e->format == EXPORT_HLEDGER)
        buf_printf(e->out, "account " STR_FMT "  ; type:%c\n", STR_ARG(name), letters[type]);
    else
        buf_printf(e->out, "account " STR_FMT "\n", STR_ARG(name));
}

static void add_posting(struct export *e, struct str name, struct str sign,
                        const struct export_row *row)
{
    char amount[MONEY_TEXT_SIZE];
    buf_add_str(e->out, STR("    "));
    buf_add_str(e->out, name);
    buf_add_str(e->out, STR("  "));
    buf_add_str(e->out, sign);
    buf_add_str(e->out, money_format(row->amount_minor, row->currency->exponent, amount));
    buf_add_char(e->out, ' ');
    buf_add(e->out, row->currency->code, 3);
    buf_add_char(e->out, '\n');
}

static void add_id(struct export *e, struct str before, enum id_kind kind, const struct uuid *id,
                   struct str after)
{
    char text[ID_TEXT_SIZE];
    if (uuid_is_zero(id))
        return;
    buf_add_str(e->out, before);
    buf_add_str(e->out, id_format(kind, id, text));
    buf_add_str(e->out, after);
}

static void add_bean_head(struct export *e, const struct export_row *row)
{
    enum id_kind kind = row->is_payout ? ID_PAYOUT : ID_PAYMENT;
    buf_add_str(e->out, STR(" * \""));
    add_line(e, row->kind);
    buf_add_char(e->out, '"');
    add_id(e, STR(" ^"), kind, &row->payment_id, STR_NONE);
    add_id(e, STR("\n    transfer: \""), ID_TRANSFER, &row->transfer_id, STR("\"\n"));
    add_id(e, STR("    attempt: \""), ID_ATTEMPT, &row->attempt_id, STR("\"\n"));
}

/* The day it counts from, and after it, if another, the day it was recorded. */
static void add_text_head(struct export *e, const struct export_row *row, struct str day)
{
    char time[CLOCK_TEXT_SIZE];
    enum id_kind kind = row->is_payout ? ID_PAYOUT : ID_PAYMENT;
    bool is_hledger = e->format == EXPORT_HLEDGER;
    struct str recorded = export_day(row->created_us, time);
    if (!str_eq(day, recorded)) {
        buf_add_char(e->out, '=');
        buf_add_str(e->out, recorded);
    }
    add_id(e, STR(" * ("), ID_TRANSFER, &row->transfer_id, STR(") "));
    add_line(e, row->kind);
    if (is_hledger) {
        add_id(e, STR("  ; payment:"), kind, &row->payment_id, STR_NONE);
        add_id(e, STR(", attempt:"), ID_ATTEMPT, &row->attempt_id, STR_NONE);
    } else {
        add_id(e, STR("\n    ; payment: "), kind, &row->payment_id, STR_NONE);
        add_id(e, STR("\n    ; attempt: "), ID_ATTEMPT, &row->attempt_id, STR_NONE);
    }
    buf_add_char(e->out, '\n');
}

void export_journal_row(struct export *e, const struct export_row *row, struct str debit,
                        struct str credit)
{
    char time[CLOCK_TEXT_SIZE];
    struct str day = export_day(row->effective_us, time);
    buf_add_char(e->out, '\n');
    buf_add_str(e->out, day);
    if (is_bean(e))
        add_bean_head(e, row);
    else
        add_text_head(e, row, day);
    add_posting(e, debit, STR_NONE, row);
    add_posting(e, credit, STR("-"), row);
}

/*
 * Beancount asserts a balance at the beginning of a day, the others with the last transaction: then
 * all rows are behind it.
 */
static void add_assertion_head(struct export *e)
{
    char time[CLOCK_TEXT_SIZE];
    int64_t at = e->newest_us != INT64_MIN ? e->newest_us : e->scope.made_us;
    if (e->is_asserting || is_bean(e))
        return;
    e->is_asserting = true;
    buf_printf(e->out, "\n" STR_FMT " * balances by the books\n", STR_ARG(export_day(at, time)));
}

void export_balance(struct export *e, struct str name, const struct currency *currency,
                    int64_t minor)
{
    char amount[MONEY_TEXT_SIZE];
    char zero[MONEY_TEXT_SIZE];
    char time[CLOCK_TEXT_SIZE];
    int64_t at = e->newest_us != INT64_MIN ? e->newest_us : e->scope.made_us;
    struct str sum = money_format(minor, currency->exponent, amount);
    add_assertion_head(e);
    if (is_bean(e))
        buf_printf(e->out, "%s" STR_FMT " balance " STR_FMT "  " STR_FMT " ~ 0 %s\n",
                   e->is_asserting ? "" : "\n", STR_ARG(export_day(at + DAY_US, time)),
                   STR_ARG(name), STR_ARG(sum), currency->code);
    else
        buf_printf(e->out, "    " STR_FMT "  " STR_FMT " %s = " STR_FMT " %s\n", STR_ARG(name),
                   STR_ARG(money_format(0, currency->exponent, zero)), currency->code, STR_ARG(sum),
                   currency->code);
    e->is_asserting = true;
}

void export_journal_end(struct export *e)
{
    if (e->count == 0)
        buf_add_str(e->out, STR("\n; nothing was posted\n"));
}

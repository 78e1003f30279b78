/*
 * turnpike ledger payment: why did we pay these fees? One line for each step from the amount to what was
 * booked, attempt by attempt:
 *
 *     amount      what went to the provider
 *     percent, fixed, ...    the parts of the expected fee, by the fee table of that time
 *     expected    their sum, as it was computed then
 *     stated      what the provider says that it took
 *     transfer    what was booked: accounts and state
 *
 * The parts are computed again from the table that the decision names; they are shown only when they
 * come to the fee that was expected then.
 */

#include "base/clock.h"
#include "process/command_ledger.h"
#include "process/fee_print.h"

enum {
    ARENA_BYTES_MAX = 256 << 20,
    SQL_BYTES_MAX = 4000,
    FOUND_MAX = 32, /* payments of one reference: its tries */
    ATTEMPT_MAX = 1024,
    TRANSFER_MAX = 8192,
    SAME_COLUMNS = 5, /* that say which attempt it is */
};

static const struct sheet_column columns[] = {
    {"payment", SHEET_TEXT},  {"attempt", SHEET_TEXT},  {"operation", SHEET_TEXT},
    {"account", SHEET_TEXT},  {"outcome", SHEET_TEXT},  {"line", SHEET_TEXT},
    {"amount", SHEET_AMOUNT}, {"currency", SHEET_TEXT}, {"how", SHEET_TEXT},
};

enum column { /* of finance.attempts and finance.fee_basis, all as text */
              A_ID,
              A_SHOWN,
              A_OPERATION,
              A_PROVIDER,
              A_ACCOUNT,
              A_OUTCOME,
              A_REASON,
              A_CURRENCY,
              A_AMOUNT,
              A_EXPECTED,
              A_STATED,
              A_METHOD,
              A_COUNTRY,
              A_PAYMENT_AMOUNT,
              A_VOLUME,
              A_TABLE,
              A_TABLE_CONTENT,
              A_RATES_CONTENT,
              A_COUNT,
};

#define ATTEMPT_COLUMNS                                                                            \
    "a.attempt_id::text, a.attempt, a.operation, a.provider, a.account, a.outcome, a.reason, "     \
    "a.currency, a.amount_minor::text, a.fee_expected_minor::text, a.fee_stated_minor::text, "     \
    "b.method, b.country, b.payment_minor::text, b.month_volume_minor::text, b.fee_table, "        \
    "b.fee_table_content, b.rate_table_content"

struct booked { /* a transfer; texts in the arena */
    struct str attempt_id;
    struct str text;
    struct str line;
    struct str amount;
};

struct found {
    struct uuid merchant_id;
    struct uuid payment_id;
    int64_t created_us;
    bool is_payout;
    bool is_archived; /* its attempts lie in a file */
};

struct explaining {
    struct ledger_reading reading;
    struct sheet sheet;
    struct arena arena;
    struct found found[FOUND_MAX];
    size_t found_count;
    struct booked booked[TRANSFER_MAX];
    size_t booked_count;
    struct str attempt[ATTEMPT_MAX][A_COUNT];
    size_t attempt_count;
    struct str before; /* the attempt of the line before */
};

/* ---- finding ------------------------------------------------------------------------------------ */

static bool take_found(struct explaining *x, const struct uuid *merchant_id, bool is_payout,
                       const char *sql, struct error *err)
{
    struct str field[3];
    bool ok = copy_start(x->reading.copy, sql, ARRAY_LEN(field), err);
    while (ok && copy_next(x->reading.copy, field, err)) {
        if (x->found_count == FOUND_MAX)
            return fail(err, ERROR_BUSY, "more than %d payments have this reference", FOUND_MAX);
        struct found *found = &x->found[x->found_count++];
        *found = (struct found){.merchant_id = *merchant_id,
                                .is_payout = is_payout,
                                .is_archived = !str_is_empty(field[2])};
        ok = (copy_uuid(field[0], &found->payment_id) && copy_time(field[1], &found->created_us)) ||
             fail(err, ERROR_IO, "cannot read the ledger");
    }
    return ok && err->text[0] == '\0';
}

/* In one merchant's books, by id or by reference; each has an index that begins with the merchant. */
static bool find_in(struct explaining *x, const struct uuid *merchant_id, struct str asked,
                    struct error *err)
{
    char merchant[UUID_TEXT_SIZE];
    char id[UUID_TEXT_SIZE];
    struct uuid payment_id;
    struct error ignored;
    bool is_payment = id_parse(ID_PAYMENT, asked, &payment_id, &ignored);
    bool is_payout = !is_payment && id_parse(ID_PAYOUT, asked, &payment_id, &ignored);
    (void)uuid_format(merchant_id, merchant);
    for (int payout = 0; payout <= 1; payout++) {
        struct buf sql;
        bool ok = true;
        if ((is_payment && payout == 1) || (is_payout && payout == 0))
            continue;
        buf_init(&sql, SQL_BYTES_MAX);
        buf_printf(&sql, "SELECT %s, created_at, %s FROM finance.%s WHERE merchant_id = '%s' AND ",
                   payout ? "payout_id" : "payment_id",
                   payout ? "''::text" : "CASE WHEN archived_at IS NULL THEN '' ELSE 'yes' END",
                   payout ? "payouts" : "payments", merchant);
        if (is_payment || is_payout)
            buf_printf(&sql, "%s = '" STR_FMT "'", payout ? "payout_id" : "payment_id",
                       STR_ARG(uuid_format(&payment_id, id)));
        else
            buf_add_str(&sql, STR("reference = "));
        if (!is_payment && !is_payout)
            ok = copy_quote(x->reading.copy, asked, &sql, err);
        buf_add(&sql, "", 1);
        ok = ok && (buf_is_ok(&sql) || fail(err, ERROR_INVALID, "the reference is too long")) &&
             take_found(x, merchant_id, payout == 1, sql.at, err);
        buf_release(&sql);
        if (!ok)
            return false;
    }
    return true;
}

static bool find(struct explaining *x, struct str asked, struct error *err)
{
    for (size_t i = 0; i < x->reading.merchants.count; i++) {
        if (!find_in(x, &x->reading.merchants.at[i].id, asked, err))
            return false;
    }
    return x->found_count > 0 ||
           fail(err, ERROR_NOT_FOUND,
                "this login sees no payment or payout with the id or reference \"" STR_FMT "\"",
                STR_ARG(str_sub(asked, 0, 80)));
}

/* ---- reading ------------------------------------------------------------------------------------ */

static bool read_attempts(struct explaining *x, const struct found *found, struct error *err)
{
    struct buf sql;
    struct str field[A_COUNT];
    char merchant[UUID_TEXT_SIZE];
    char id[UUID_TEXT_SIZE];
    (void)uuid_format(&found->merchant_id, merchant);
    (void)uuid_format(&found->payment_id, id);
    buf_init(&sql, SQL_BYTES_MAX);
    /* The operations on a payment have attempts of their own. */
    buf_printf(
        &sql,
        "SELECT " ATTEMPT_COLUMNS " FROM (SELECT '%s'::uuid AS id UNION ALL SELECT "
        "operation_id FROM finance.operations WHERE merchant_id = '%s' AND payment_id = '%s') o "
        "JOIN finance.attempts a ON a.merchant_id = '%s' AND a.payment_id = o.id "
        "LEFT JOIN finance.fee_basis b ON b.merchant_id = '%s' AND b.payment_id = o.id AND "
        "b.attempt_id = a.attempt_id ORDER BY a.created_at, a.number",
        id, merchant, id, merchant, merchant);
    buf_add(&sql, "", 1);
    bool ok = copy_start(x->reading.copy, sql.at, A_COUNT, err);
    buf_release(&sql);
    x->attempt_count = 0;
    while (ok && copy_next(x->reading.copy, field, err)) {
        if (x->attempt_count == ATTEMPT_MAX)
            return fail(err, ERROR_BUSY, "more than %d attempts", ATTEMPT_MAX);
        for (size_t i = 0; i < A_COUNT; i++)
            x->attempt[x->attempt_count][i] = arena_str(&x->arena, field[i]);
        x->attempt_count++;
    }
    return ok && err->text[0] == '\0';
}

/* No index leads from a payment to its transfers: those of its merchant since then are looked through. */
static bool read_transfers(struct explaining *x, const struct found *found, struct error *err)
{
    struct buf sql;
    struct str field[7];
    char merchant[UUID_TEXT_SIZE];
    char id[UUID_TEXT_SIZE];
    char since[UUID_TEXT_SIZE];
    struct uuid floor = uuid_first(found->created_us - 86400 * CLOCK_SECOND_US);
    (void)uuid_format(&found->merchant_id, merchant);
    (void)uuid_format(&found->payment_id, id);
    (void)uuid_format(&floor, since);
    buf_init(&sql, SQL_BYTES_MAX);
    buf_printf(&sql,
               "SELECT attempt_id::text, kind, state, debit_account, credit_account, currency, "
               "amount_minor FROM finance.journal WHERE merchant_id = '%s' AND transfer_id >= '%s' "
               "AND payment_id = '%s' ORDER BY merchant_id, transfer_id",
               merchant, since, id);
    buf_add(&sql, "", 1);
    bool ok = copy_start(x->reading.copy, sql.at, ARRAY_LEN(field), err);
    buf_release(&sql);
    x->booked_count = 0;
    while (ok && copy_next(x->reading.copy, field, err)) {
        char amount[MONEY_TEXT_SIZE];
        int64_t minor = 0;
        const struct currency *currency = currency_find(field[5]);
        if (x->booked_count == TRANSFER_MAX || currency == NULL || !copy_int(field[6], &minor))
            return fail(err, ERROR_IO, "cannot read the ledger: too many transfers, or odd ones");
        x->booked[x->booked_count++] = (struct booked){
            .attempt_id = arena_str(&x->arena, field[0]),
            .line =
                arena_printf(&x->arena, STR_FMT " " STR_FMT, STR_ARG(field[1]), STR_ARG(field[2])),
            .text = arena_printf(&x->arena, "debit " STR_FMT ", credit " STR_FMT, STR_ARG(field[3]),
                                 STR_ARG(field[4])),
            .amount = arena_str(&x->arena, money_format(minor, currency->exponent, amount)),
        };
    }
    return ok && err->text[0] == '\0';
}

/* ---- telling ------------------------------------------------------------------------------------ */

struct telling { /* of one attempt */
    struct explaining *x;
    const struct str *a;
    struct str payment;
    const struct currency *currency;
};

/* In a table an attempt is named once. */
static bool tell(const struct telling *t, struct str line, struct str amount, struct str how,
                 struct error *err)
{
    struct explaining *x = t->x;
    struct str account = arena_printf(&x->arena, STR_FMT "/" STR_FMT, STR_ARG(t->a[A_PROVIDER]),
                                      STR_ARG(t->a[A_ACCOUNT]));
    struct str cells[ARRAY_LEN(columns)] = {
        t->payment, t->a[A_SHOWN], t->a[A_OPERATION], account, t->a[A_OUTCOME],
        line,       amount,        t->a[A_CURRENCY],  how,
    };
    bool is_same = x->reading.format == SHEET_TABLE && str_eq(x->before, t->a[A_SHOWN]);
    for (size_t i = 0; i < SAME_COLUMNS && is_same; i++)
        cells[i] = STR_NONE;
    x->before = t->a[A_SHOWN];
    return sheet_row(&x->sheet, cells, err);
}

static bool tell_minor(const struct telling *t, const char *line, struct str minor_text,
                       struct str how, struct error *err)
{
    char text[MONEY_TEXT_SIZE];
    int64_t minor = 0;
    struct str amount = STR_NONE;
    if (str_to_int64(minor_text, &minor))
        amount = money_format(minor, t->currency->exponent, text);
    return tell(t, str_of(line), amount, how, err);
}

static bool compute(const struct telling *t, const struct cost_table *table,
                    const struct rates *rates, struct cost_explained *fee)
{
    const struct str *a = t->a;
    int64_t expected = 0;
    struct cost_facts facts = {
        .operation = operation_find(a[A_OPERATION]),
        .currency = t->currency,
        .country = a[A_COUNTRY],
        .method = a[A_METHOD],
        .rates = rates,
    };
    /* A refund gives back a part of what the payment cost. */
    if (facts.operation == OPERATION_REFUND &&
        !str_to_int64(a[A_PAYMENT_AMOUNT], &facts.paid_minor))
        return false;
    return str_to_int64(a[A_AMOUNT], &facts.amount_minor) &&
           str_to_int64(a[A_VOLUME], &facts.month_volume_minor) &&
           str_to_int64(a[A_EXPECTED], &expected) && cost_explain(table, &facts, fee) &&
           fee->fee_minor == expected;
}

static bool tell_parts(const struct telling *t, const struct cost_explained *fee, struct error *err)
{
    char number[FEE_EXACT_SIZE];
    char how[FEE_HOW_SIZE];
    for (enum cost_part part = COST_PERCENT; part < COST_PART_COUNT; part++) {
        if (fee->part[part] == 0)
            continue;
        fee_print_how(fee, part, how);
        (void)fee_print_exact(fee->part[part], t->currency->exponent, number);
        if (!tell(t, str_of(cost_part_name(part)), str_of(number), str_trim(str_of(how)), err))
            return false;
    }
    return true;
}

/* Where in the table: the entry, the currency or the default, the tier. */
static struct str where(const struct telling *t, const struct cost_explained *fee)
{
    char from[MONEY_TEXT_SIZE];
    struct str tier = STR_NONE;
    if (fee->tier_from_minor > 0)
        tier =
            arena_printf(&t->x->arena, ", tier from " STR_FMT,
                         STR_ARG(money_format(fee->tier_from_minor, t->currency->exponent, from)));
    return arena_printf(&t->x->arena, "%s%s%s%s" STR_FMT " of fee table " STR_FMT, fee->entry,
                        fee->entry[0] != '\0' ? "." : "",
                        fee->is_default ? "default" : "currencies.",
                        fee->is_default ? "" : t->currency->code, STR_ARG(tier),
                        STR_ARG(str_sub(t->a[A_TABLE], 0, 12)));
}

static bool tell_expected(const struct telling *t, struct error *err)
{
    struct error ignored;
    unsigned line = 0;
    struct cost_explained fee;
    struct str how = STR("not known then: no fee table covered it");
    struct cost_table *table = str_is_empty(t->a[A_TABLE_CONTENT])
                                   ? NULL
                                   : cost_table_new(t->a[A_TABLE_CONTENT], &ignored);
    struct rates *rates = str_is_empty(t->a[A_RATES_CONTENT])
                              ? NULL
                              : rates_new(t->a[A_RATES_CONTENT], &line, &ignored);
    bool ok = true;
    if (!str_is_empty(t->a[A_EXPECTED]))
        how = STR("by a fee table that is not the decision's: it was changed in between");
    if (table != NULL && compute(t, table, rates, &fee)) {
        how = where(t, &fee);
        ok = tell_parts(t, &fee, err);
    }
    cost_table_free(&table);
    rates_free(&rates);
    return ok && tell_minor(t, "expected", t->a[A_EXPECTED], how, err);
}

static bool tell_attempt(struct explaining *x, const struct found *found, const struct str *a,
                         struct error *err)
{
    char id[ID_TEXT_SIZE];
    struct telling t = {
        .x = x,
        .a = a,
        .payment = arena_str(&x->arena, id_format(found->is_payout ? ID_PAYOUT : ID_PAYMENT,
                                                  &found->payment_id, id)),
        .currency = currency_find(a[A_CURRENCY]),
    };
    if (t.currency == NULL)
        return fail(err, ERROR_IO, "cannot read the ledger: an attempt is in no currency");
    if (!tell_minor(&t, "amount", a[A_AMOUNT], a[A_REASON], err) || !tell_expected(&t, err) ||
        !tell_minor(&t, "stated", a[A_STATED],
                    str_is_empty(a[A_STATED]) ? STR("the provider did not say")
                                              : STR("by the provider: this is what is booked"),
                    err))
        return false;
    for (size_t i = 0; i < x->booked_count; i++) {
        if (str_eq(x->booked[i].attempt_id, a[A_ID]) &&
            !tell(&t, x->booked[i].line, x->booked[i].amount, x->booked[i].text, err))
            return false;
    }
    return true;
}

static bool tell_archived(struct explaining *x, const struct found *found, struct error *err)
{
    char id[ID_TEXT_SIZE];
    struct str cells[ARRAY_LEN(columns)] = {
        [0] = id_format(ID_PAYMENT, &found->payment_id, id),
        [5] = STR("archived"),
        [8] = STR("its attempts lie in a file: turnpike archive --restore brings them back"),
    };
    return sheet_row(&x->sheet, cells, err);
}

static bool explain(struct explaining *x, struct error *err)
{
    for (size_t i = 0; i < x->found_count; i++) {
        const struct found *found = &x->found[i];
        if (found->is_archived && !tell_archived(x, found, err))
            return false;
        if (!read_attempts(x, found, err) || !read_transfers(x, found, err))
            return false;
        for (size_t at = 0; at < x->attempt_count; at++) {
            if (!tell_attempt(x, found, x->attempt[at], err))
                return false;
        }
    }
    return true;
}

int ledger_payment(int argc, char **argv)
{
    static struct explaining x;
    struct error err = {.text = ""};
    struct error ignored;
    arena_init(&x.arena, ARENA_BYTES_MAX);
    bool ok = ledger_take_reading(&argc, argv, &x.reading, &err);
    if (ok && (argc < 2 || argv[1][0] == '-'))
        ok = fail(&err, ERROR_INVALID, "ledger: name a payment or payout, by its id or reference");
    struct str asked = ok ? str_of(argv[1]) : STR_NONE;
    if (ok)
        argv[1] = argv[0];
    ok = ok && command_done(argc - 1, argv + 1, &err) && ledger_open(&x.reading, &err) &&
         find(&x, asked, &err);
    if (ok) {
        sheet_open(&x.sheet, x.reading.format, &x.reading.style, columns, ARRAY_LEN(columns),
                   stdout);
        ok = explain(&x, &err);
        ok = sheet_close(&x.sheet, ok ? &err : &ignored) && ok;
    }
    ledger_close(&x.reading);
    arena_release(&x.arena);
    return ok ? 0 : command_fail(&err);
}

#include "ledger/export_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum {
    ARENA_BYTES_MAX = 64 << 20,
    SQL_BYTES_MAX = 4000,
    FLUSH_BYTES = 1 << 18,
    OUT_BYTES_MAX = 1 << 20,
    ACCOUNT_MAX = 100000, /* of one merchant, times currencies */
    PROGRESS_ROWS = 8192,
};

struct account { /* and its balance in one currency */
    struct str account;
    struct str name; /* in the format */
    enum account_type type;
    const struct currency *currency;
    int64_t balance_minor;
};

struct running {
    const struct export_wanted *wanted;
    struct copy *copy; /* borrowed */
    struct arena arena;
    struct account *accounts; /* in arena, by account and currency */
    size_t account_count;
    struct export export;
    struct buf out;
    uint64_t bytes;
};

struct copy *export_open(const char *conninfo, struct error *err)
{
    struct copy *copy = copy_open(conninfo, err);
    if (copy != NULL &&
        !copy_set(copy,
                  "SET LOCAL client_encoding = 'UTF8'; SET LOCAL enable_sort = off; "
                  "SET LOCAL max_parallel_workers_per_gather = 0; "
                  "SET LOCAL enable_incremental_sort = off",
                  err))
        copy_close(&copy);
    return copy;
}

static bool is_odd(struct error *err)
{
    return fail(err, ERROR_IO, "cannot read the ledger: a value is unlike what was asked for");
}

/* ---- merchants ---------------------------------------------------------------------------------- */

static bool is_wanted(const struct export_merchant *merchant, struct str wanted)
{
    struct uuid id;
    struct error ignored;
    if (str_is_empty(wanted) || str_eq(wanted, merchant->name))
        return true;
    return id_parse(ID_MERCHANT, wanted, &id, &ignored) && uuid_eq(&id, &merchant->id);
}

bool export_find_merchants(struct copy *copy, struct str wanted, struct export_merchants *found,
                           struct error *err)
{
    struct str field[3];
    size_t room = 0;
    *found = (struct export_merchants){.count = 0};
    arena_init(&found->arena, ARENA_BYTES_MAX);
    if (!copy_start(copy, "SELECT merchant_id, merchant, livemode FROM finance.merchants", 3, err))
        return false;
    while (copy_next(copy, field, err)) {
        struct export_merchant merchant = {.name = field[1]};
        if (!copy_uuid(field[0], &merchant.id) || field[2].len != 1)
            return is_odd(err);
        merchant.livemode = field[2].at[0] != 0;
        if (!is_wanted(&merchant, wanted))
            continue;
        if (found->count == EXPORT_MERCHANT_MAX)
            return fail(err, ERROR_BUSY, "cannot export more than %d merchants",
                        EXPORT_MERCHANT_MAX);
        if (found->count == room) {
            struct export_merchant *before = found->at;
            room = room == 0 ? 16 : 2 * room;
            found->at = ARENA_ARRAY(&found->arena, struct export_merchant, room);
            if (before != NULL)
                memcpy(found->at, before, found->count * sizeof(*before));
        }
        merchant.name = arena_str(&found->arena, merchant.name);
        found->at[found->count++] = merchant;
    }
    if (err->text[0] != '\0')
        return false;
    if (found->count == 0 && str_is_empty(wanted))
        return fail(err, ERROR_DENIED,
                    "this login sees no merchant; the owner of the database gives it one in "
                    "finance_access");
    return found->count > 0 ||
           fail(err, ERROR_NOT_FOUND, "this login sees no merchant \"%.80s\"", wanted.at);
}

void export_merchants_release(struct export_merchants *found)
{
    arena_release(&found->arena);
    found->at = NULL;
    found->count = 0;
}

/* ---- accounts ----------------------------------------------------------------------------------- */

static bool read_account(struct running *r, const struct str field[3], struct account *account,
                         struct error *err)
{
    char name[EXPORT_NAME_SIZE];
    *account = (struct account){.currency = currency_find(field[1])};
    if (account->currency == NULL || !str_to_int64(field[2], &account->balance_minor))
        return is_odd(err);
    if (field[0].len > EXPORT_ACCOUNT_MAX)
        return fail(err, ERROR_INVALID, "the name of an account is longer than %d bytes",
                    EXPORT_ACCOUNT_MAX);
    account->type = export_type(field[0]);
    account->account = arena_str(&r->arena, field[0]);
    account->name =
        arena_str(&r->arena, export_name(r->wanted->format, account->type, account->account, name));
    return true;
}

static int compare_accounts(const void *a, const void *b)
{
    const struct account *left = a;
    const struct account *right = b;
    int order = str_compare(left->account, right->account);
    return order != 0 ? order : strcmp(left->currency->code, right->currency->code);
}

static void add_merchant(const struct uuid *merchant_id, struct buf *sql)
{
    char id[UUID_TEXT_SIZE];
    buf_printf(sql, "merchant_id = '" STR_FMT "'", STR_ARG(uuid_format(merchant_id, id)));
}

static bool load_accounts(struct running *r, const struct uuid *merchant_id, struct error *err)
{
    struct buf sql;
    struct str field[3];
    size_t room = 0;
    buf_init(&sql, SQL_BYTES_MAX);
    buf_add_str(&sql, STR("SELECT account, currency, balance_minor::text FROM "
                          "finance.trial_balance WHERE "));
    add_merchant(merchant_id, &sql);
    buf_add(&sql, "", 1);
    bool ok = copy_start(r->copy, sql.at, 3, err);
    buf_release(&sql);
    while (ok && copy_next(r->copy, field, err)) {
        if (r->account_count == ACCOUNT_MAX)
            return fail(err, ERROR_BUSY, "more than %d accounts", ACCOUNT_MAX);
        if (r->account_count == room) {
            struct account *before = r->accounts;
            room = room == 0 ? 64 : 2 * room;
            r->accounts = ARENA_ARRAY(&r->arena, struct account, room);
            if (before != NULL)
                memcpy(r->accounts, before, r->account_count * sizeof(*before));
        }
        if (!read_account(r, field, &r->accounts[r->account_count++], err))
            return false;
    }
    if (!ok || err->text[0] != '\0')
        return false;
    if (r->account_count > 0)
        qsort(r->accounts, r->account_count, sizeof(r->accounts[0]), compare_accounts);
    return true;
}

static int compare_name(const void *key, const void *element)
{
    return str_compare(*(const struct str *)key, ((const struct account *)element)->account);
}

static const struct account *find_account(const struct running *r, struct str account)
{
    return r->account_count == 0 ? NULL
                                 : bsearch(&account, r->accounts, r->account_count,
                                           sizeof(r->accounts[0]), compare_name);
}

static bool is_first(const struct running *r, size_t i)
{
    return i == 0 || !str_eq(r->accounts[i].account, r->accounts[i - 1].account);
}

static void declare(struct running *r)
{
    bool seen[512] = {false};
    for (size_t i = 0; i < r->account_count; i++) {
        size_t index = currency_index(r->accounts[i].currency);
        CHECK(index < ARRAY_LEN(seen));
        if (!seen[index])
            export_currency(&r->export, r->accounts[i].currency);
        seen[index] = true;
    }
    for (size_t i = 0; i < r->account_count; i++) {
        if (is_first(r, i))
            export_account(&r->export, r->accounts[i].name, r->accounts[i].type);
    }
}

/* ---- rows --------------------------------------------------------------------------------------- */

enum column {
    C_TRANSFER,
    C_PAYMENT,
    C_ATTEMPT,
    C_PENDING,
    C_CREATED,
    C_EFFECTIVE,
    C_AMOUNT,
    C_STATE,
    C_KIND,
    C_DEBIT,
    C_CREDIT,
    C_CURRENCY,
    C_PAYOUT,
    C_REFERENCE,
    C_COUNT,
};

#define COLUMNS                                                                                    \
    "transfer_id, payment_id, attempt_id, pending_id, created_at, effective_at, amount_minor, "    \
    "state, kind, debit_account, credit_account, currency, is_payout, "

static void add_bound(struct running *r, const char *compare, int64_t us, struct buf *sql)
{
    char text[CLOCK_TEXT_SIZE];
    char id[UUID_TEXT_SIZE];
    struct uuid bound = uuid_first(us);
    if (r->wanted->by_effect)
        buf_printf(sql, " AND effective_at %s '" STR_FMT "'", compare,
                   STR_ARG(clock_format_us(us, text)));
    else
        buf_printf(sql, " AND transfer_id %s '" STR_FMT "'", compare,
                   STR_ARG(uuid_format(&bound, id)));
}

static bool start_rows(struct running *r, const struct uuid *merchant_id, struct error *err)
{
    struct buf sql;
    bool ok = true;
    buf_init(&sql, SQL_BYTES_MAX);
    buf_add_str(&sql, STR("SELECT " COLUMNS));
    buf_add_str(&sql, r->wanted->has_references ? STR("reference") : STR("NULL"));
    buf_add_str(&sql, STR(" FROM finance.journal WHERE "));
    add_merchant(merchant_id, &sql);
    if (r->wanted->from_us != INT64_MIN)
        add_bound(r, ">=", r->wanted->from_us, &sql);
    if (r->wanted->to_us != INT64_MAX)
        add_bound(r, "<", r->wanted->to_us, &sql);
    if (export_is_journal(r->wanted->format) || r->wanted->format == EXPORT_ROWS)
        buf_add_str(&sql, STR(" AND state = 'posted'"));
    if (r->wanted->currency != NULL)
        buf_printf(&sql, " AND currency = '%s'", r->wanted->currency->code);
    if (!str_is_empty(r->wanted->account)) {
        buf_add_str(&sql, STR(" AND "));
        ok = copy_quote(r->copy, r->wanted->account, &sql, err);
        buf_add_str(&sql, STR(" IN (debit_account, credit_account)"));
    }
    buf_add_str(&sql, STR(" ORDER BY merchant_id, transfer_id"));
    buf_add(&sql, "", 1);
    ok = ok && (buf_is_ok(&sql) || fail(err, ERROR_INVALID, "the account's name is too long"));
    ok = ok && copy_start(r->copy, sql.at, C_COUNT, err);
    buf_release(&sql);
    return ok;
}

static bool read_uuid(struct str field, struct uuid *id)
{
    return field.len == 0 || copy_uuid(field, id);
}

static bool read_row(const struct str field[C_COUNT], const struct export_merchant *merchant,
                     struct export_row *row)
{
    *row = (struct export_row){
        .merchant_id = merchant->id,
        .merchant = merchant->name,
        .is_payout = field[C_PAYOUT].len == 1 && field[C_PAYOUT].at[0] != 0,
        .currency = currency_find(field[C_CURRENCY]),
        .state = field[C_STATE],
        .kind = field[C_KIND],
        .debit_account = field[C_DEBIT],
        .credit_account = field[C_CREDIT],
        .reference = field[C_REFERENCE],
    };
    return row->currency != NULL && copy_uuid(field[C_TRANSFER], &row->transfer_id) &&
           read_uuid(field[C_PAYMENT], &row->payment_id) &&
           read_uuid(field[C_ATTEMPT], &row->attempt_id) &&
           read_uuid(field[C_PENDING], &row->pending_id) &&
           copy_time(field[C_CREATED], &row->created_us) &&
           copy_time(field[C_EFFECTIVE], &row->effective_us) &&
           copy_int(field[C_AMOUNT], &row->amount_minor);
}

static bool flush(struct running *r, struct error *err)
{
    if (!buf_is_ok(&r->out))
        return fail(err, ERROR_INTERNAL, "a row is longer than it may be");
    r->bytes += r->out.len;
    bool ok = r->out.len == 0 || fwrite(r->out.at, 1, r->out.len, r->wanted->out) == r->out.len;
    buf_clear(&r->out);
    return ok || fail(err, ERROR_IO, "cannot write: %s", strerror(errno));
}

static bool write_row(struct running *r, const struct export_row *row, struct error *err)
{
    struct str debit = STR_NONE;
    struct str credit = STR_NONE;
    if (r->wanted->format == EXPORT_ROWS)
        return r->wanted->row(r->wanted->ctx, row, err);
    if (export_is_journal(r->wanted->format)) {
        const struct account *left = find_account(r, row->debit_account);
        const struct account *right = find_account(r, row->credit_account);
        if (left == NULL || right == NULL)
            return fail(err, ERROR_INTERNAL, "a transfer names an account that has no balance");
        debit = left->name;
        credit = right->name;
    }
    export_row(&r->export, row, debit, credit);
    if (r->export.count % PROGRESS_ROWS == 0 && r->wanted->progress != NULL)
        r->wanted->progress(r->wanted->ctx, r->export.count, r->bytes, row->created_us);
    return r->out.len < FLUSH_BYTES || flush(r, err);
}

static bool write_rows(struct running *r, const struct export_merchant *merchant, struct error *err)
{
    struct str field[C_COUNT];
    struct export_row row;
    if (!start_rows(r, &merchant->id, err))
        return false;
    while (copy_next(r->copy, field, err)) {
        if (!read_row(field, merchant, &row))
            return is_odd(err);
        if (!write_row(r, &row, err))
            return false;
    }
    return err->text[0] == '\0';
}

/* One after the other, so that the account's own row is found first. */
static void assert_balances(struct running *r)
{
    for (size_t i = 0; i < r->account_count; i++)
        export_balance(&r->export, r->accounts[i].name, r->accounts[i].currency,
                       r->accounts[i].balance_minor);
}

static bool write_all(struct running *r, const struct export_merchants *merchants,
                      struct error *err)
{
    for (size_t i = 0; i < merchants->count; i++) {
        if (!write_rows(r, &merchants->at[i], err))
            return false;
    }
    return true;
}

static bool run(struct running *r, const struct export_merchants *merchants, struct error *err)
{
    const struct export_wanted *wanted = r->wanted;
    bool is_journal = export_is_journal(wanted->format);
    struct export_scope scope = {
        .merchant = merchants->at[0].name,
        .merchant_id = merchants->at[0].id,
        .made_us = wanted->now_us,
        .from_us = wanted->from_us,
        .to_us = wanted->to_us,
        .is_whole = wanted->from_us == INT64_MIN && wanted->to_us == INT64_MAX &&
                    str_is_empty(wanted->account),
    };
    CHECK(!is_journal || merchants->count == 1);
    if (is_journal && !load_accounts(r, &scope.merchant_id, err))
        return false;
    export_begin(&r->export, wanted->format, &wanted->style, &scope, &r->out);
    if (is_journal)
        declare(r);
    if (!write_all(r, merchants, err))
        return false;
    if (is_journal && scope.is_whole)
        assert_balances(r);
    export_end(&r->export);
    return flush(r, err) &&
           (fflush(wanted->out) == 0 || fail(err, ERROR_IO, "cannot write: %s", strerror(errno)));
}

bool export_run(struct copy *copy, const struct export_wanted *wanted,
                const struct export_merchants *merchants, uint64_t *rows, struct error *err)
{
    struct running r = {.wanted = wanted, .copy = copy};
    arena_init(&r.arena, ARENA_BYTES_MAX);
    buf_init(&r.out, OUT_BYTES_MAX);
    bool ok =
        wanted->format == EXPORT_ROWS ? write_all(&r, merchants, err) : run(&r, merchants, err);
    *rows = r.export.count;
    buf_release(&r.out);
    arena_release(&r.arena);
    return ok;
}

#include "api/books_print.h"

#include <assert.h>

#include "base/clock.h"
#include "ledger/export.h"

enum cell_type {
    CELL_NULL = 0,
    CELL_TEXT,  /* somebody's: guarded in CSV */
    CELL_PLAIN, /* ours: ids, times, words */
    CELL_INT,
};

struct cell {
    const char *name;
    enum cell_type type;
    struct str text; /* borrowed, or in own */
    int64_t number;
    char own[CLOCK_TEXT_SIZE];
};

static_assert((int)ID_TEXT_SIZE <= (int)CLOCK_TEXT_SIZE, "an id fits where a time does");

struct cells {
    struct cell at[BOOKS_CELL_MAX];
    size_t count;
};

static struct cell *add(struct cells *cells, const char *name, enum cell_type type)
{
    CHECK(cells->count < BOOKS_CELL_MAX);
    struct cell *cell = &cells->at[cells->count++];
    cell->name = name;
    cell->type = type;
    return cell;
}

static void add_text(struct cells *cells, const char *name, struct str text)
{
    add(cells, name, str_is_empty(text) ? CELL_NULL : CELL_TEXT)->text = text;
}

static void add_plain(struct cells *cells, const char *name, struct str text)
{
    add(cells, name, str_is_empty(text) ? CELL_NULL : CELL_PLAIN)->text = text;
}

static void add_int(struct cells *cells, const char *name, int64_t number)
{
    add(cells, name, CELL_INT)->number = number;
}

static void add_id(struct cells *cells, const char *name, enum id_kind kind, const struct uuid *id)
{
    struct cell *cell = add(cells, name, uuid_is_zero(id) ? CELL_NULL : CELL_PLAIN);
    if (cell->type != CELL_NULL)
        cell->text = id_format(kind, id, cell->own);
}

static void add_time(struct cells *cells, const char *name, int64_t wall_us)
{
    struct cell *cell = add(cells, name, wall_us == 0 ? CELL_NULL : CELL_PLAIN);
    if (cell->type != CELL_NULL)
        cell->text = clock_format_ms(wall_us, cell->own);
}

/* ---- rows --------------------------------------------------------------------------------------- */

static enum id_kind kind_of(struct str payment_kind)
{
    static const struct {
        struct str name;
        enum id_kind kind;
    } kinds[] = {
        {STR_INIT("payout"), ID_PAYOUT},
        {STR_INIT("capture"), ID_CAPTURE},
        {STR_INIT("void"), ID_VOID},
        {STR_INIT("refund"), ID_REFUND},
        {STR_INIT("reauthorize"), ID_REAUTHORIZATION},
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_eq(payment_kind, kinds[i].name))
            return kinds[i].kind;
    }
    return ID_PAYMENT;
}

/* The payment or payout, and which operation on it. */
static void add_cause(struct cells *cells, const struct book_cause *of)
{
    add_id(cells, "payment", kind_of(of->payment_kind), &of->payment_id);
    add_id(cells, "operation", kind_of(of->operation_kind), &of->operation_id);
}

static void fill_account(const struct books *books, size_t index, struct cells *cells)
{
    const struct book_account *row = &books->accounts[index];
    add_text(cells, "id", row->id);
    add_plain(cells, "object", STR("ledger_account"));
    add_text(cells, "account", row->account);
    add(cells, "number", row->number == 0 ? CELL_NULL : CELL_INT)->number = row->number;
    add_plain(cells, "kind", row->kind);
    add_plain(cells, "type", row->type);
    add_plain(cells, "normal_side", row->normal);
    add_text(cells, "title", row->title);
    add_plain(cells, "currency", row->currency);
    add_int(cells, "debit", row->debit_minor);
    add_int(cells, "credit", row->credit_minor);
    add_int(cells, "balance", row->debit_minor - row->credit_minor);
    add_int(cells, "pending_debit", row->pending_debit_minor);
    add_int(cells, "pending_credit", row->pending_credit_minor);
}

static void fill_transfer(const struct books *books, size_t index, struct cells *cells)
{
    const struct book_transfer *row = &books->transfers[index];
    add_id(cells, "id", ID_TRANSFER, &row->transfer_id);
    add_plain(cells, "object", STR("transfer"));
    add_plain(cells, "state", row->state);
    add_text(cells, "kind", row->kind);
    add_int(cells, "amount", row->amount_minor);
    add_plain(cells, "currency", row->currency);
    add_text(cells, "debit_account", row->debit_account);
    add_text(cells, "credit_account", row->credit_account);
    add_cause(cells, &row->of);
    add_id(cells, "attempt", ID_ATTEMPT, &row->attempt_id);
    add_id(cells, "pending", ID_TRANSFER, &row->pending_id);
    add_time(cells, "created", row->created_us);
    add_time(cells, "effective", row->effective_us);
}

static void fill_balance(const struct books *books, size_t index, struct cells *cells)
{
    const struct book_balance *row = &books->balances[index];
    add_text(cells, "account", row->account);
    add_plain(cells, "currency", row->currency);
    add_int(cells, "debit", row->debit_minor);
    add_int(cells, "credit", row->credit_minor);
    add_int(cells, "balance", row->debit_minor - row->credit_minor);
    enum cell_type pending = row->has_pending ? CELL_INT : CELL_NULL;
    add(cells, "pending_debit", pending)->number = row->pending_debit_minor;
    add(cells, "pending_credit", pending)->number = row->pending_credit_minor;
}

static void fill_line(const struct books *books, size_t index, struct cells *cells)
{
    const struct book_line *row = &books->lines[index];
    bool is_movement = !uuid_is_zero(&row->transfer_id);
    add_plain(cells, "object", STR("statement_line"));
    add_plain(cells, "line", row->line);
    add_id(cells, "transfer", ID_TRANSFER, &row->transfer_id);
    add_cause(cells, &row->of);
    add_text(cells, "kind", row->kind);
    add_text(cells, "counter_account", row->counter_account);
    add_plain(cells, "currency", row->currency);
    add(cells, "debit", is_movement ? CELL_INT : CELL_NULL)->number = row->debit_minor;
    add(cells, "credit", is_movement ? CELL_INT : CELL_NULL)->number = row->credit_minor;
    add_int(cells, "balance", row->balance_minor);
    add_time(cells, "created", row->created_us);
    add_time(cells, "effective", row->effective_us);
}

static void (*const fills[BOOKS_KIND_COUNT])(const struct books *books, size_t index,
                                             struct cells *cells) = {
    [BOOKS_ACCOUNTS] = fill_account,
    [BOOKS_TRANSFERS] = fill_transfer,
    [BOOKS_BALANCES] = fill_balance,
    [BOOKS_LINES] = fill_line,
};

void books_print_json(enum books_kind kind, const struct books *books, size_t index,
                      struct json_out *out)
{
    struct cells cells = {.count = 0};
    fills[kind](books, index, &cells);
    json_begin_object(out);
    for (size_t i = 0; i < cells.count; i++) {
        const struct cell *cell = &cells.at[i];
        if (cell->type == CELL_NULL)
            json_put_null(out, cell->name);
        else if (cell->type == CELL_INT)
            json_put_int(out, cell->name, cell->number);
        else
            json_put_str(out, cell->name, cell->text);
    }
    json_end_object(out);
}

static void put_cell(const struct cell *cell, struct buf *out)
{
    if (cell->type == CELL_INT)
        buf_add_int64(out, cell->number);
    else if (cell->type == CELL_TEXT)
        csv_out_text(&csv_style_default, cell->text, out);
    else if (cell->type == CELL_PLAIN)
        csv_out_plain(&csv_style_default, cell->text, out);
}

/* The names of the columns are those of any row, also where there is none. */
static void put_head(enum books_kind kind, struct buf *out)
{
    static struct book_account account;
    static struct book_transfer transfer;
    static struct book_balance balance;
    static struct book_line line;
    struct books empty = {
        .accounts = &account, .transfers = &transfer, .balances = &balance, .lines = &line};
    struct cells cells = {.count = 0};
    fills[kind](&empty, 0, &cells);
    for (size_t i = 0; i < cells.count; i++) {
        if (i > 0)
            csv_out_next(&csv_style_default, out);
        buf_add_str(out, str_of(cells.at[i].name));
    }
    csv_out_line(&csv_style_default, out);
}

void books_print_csv(enum books_kind kind, const struct books *books, struct buf *out)
{
    put_head(kind, out);
    for (size_t row = 0; row < books->count; row++) {
        struct cells cells = {.count = 0};
        fills[kind](books, row, &cells);
        for (size_t i = 0; i < cells.count; i++) {
            if (i > 0)
                csv_out_next(&csv_style_default, out);
            put_cell(&cells.at[i], out);
        }
        csv_out_line(&csv_style_default, out);
    }
}

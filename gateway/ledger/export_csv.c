#include "ledger/export_internal.h"

const struct csv_style csv_style_default = {.delimiter = ',', .decimal = '.'};

/* What makes a spreadsheet compute, also in the wide forms that some take for the same. */
static const struct str starters[] = {
    STR_INIT("="),
    STR_INIT("+"),
    STR_INIT("-"),
    STR_INIT("@"),
    STR_INIT("\t"),
    STR_INIT("\r"),
    STR_INIT("\n"),
    STR_INIT("'"),            /* so that one apostrophe can always be taken off */
    STR_INIT("\xef\xbc\x9d"), /* U+FF1D = */
    STR_INIT("\xef\xbc\x8b"), /* U+FF0B + */
    STR_INIT("\xef\xbc\x8d"), /* U+FF0D - */
    STR_INIT("\xef\xbc\xa0"), /* U+FF20 @ */
};

static bool is_formula(struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(starters); i++) {
        if (str_starts(text, starters[i]))
            return true;
    }
    return false;
}

/* All that some program takes for the end of a cell, whatever ours is. */
static bool needs_quotes(const struct csv_style *style, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == style->delimiter || c == '"' || c == ',' || c == ';' || c == '\t' || c == '|' ||
            c == '\r' || c == '\n')
            return true;
    }
    return text.len > 0 && (text.at[0] == ' ' || text.at[text.len - 1] == ' ');
}

void csv_out_begin(const struct csv_style *style, struct buf *out)
{
    if (style->has_mark)
        buf_add_str(out, STR("\xef\xbb\xbf"));
}

static void add_quoted(struct str text, bool is_guarded, struct buf *out)
{
    buf_add_char(out, '"');
    if (is_guarded)
        buf_add_char(out, '\'');
    while (text.len > 0) {
        size_t quote = str_find_char(text, '"', 0);
        size_t len = quote < text.len ? quote + 1 : text.len;
        buf_add_str(out, str_sub(text, 0, len));
        if (quote < text.len)
            buf_add_char(out, '"');
        text = str_sub(text, len, text.len);
    }
    buf_add_char(out, '"');
}

void csv_out_text(const struct csv_style *style, struct str text, struct buf *out)
{
    bool is_guarded = is_formula(text);
    if (needs_quotes(style, text)) {
        add_quoted(text, is_guarded, out);
        return;
    }
    if (is_guarded)
        buf_add_char(out, '\'');
    buf_add_str(out, text);
}

void csv_out_plain(const struct csv_style *style, struct str text, struct buf *out)
{
    if (needs_quotes(style, text))
        add_quoted(text, false, out);
    else
        buf_add_str(out, text);
}

void csv_out_number(const struct csv_style *style, struct str text, struct buf *out)
{
    size_t point = style->decimal == '.' ? SIZE_MAX : str_find_char(text, '.', 0);
    if (point >= text.len) {
        buf_add_str(out, text);
        return;
    }
    bool is_quoted = style->decimal == style->delimiter;
    if (is_quoted)
        buf_add_char(out, '"');
    buf_add_str(out, str_sub(text, 0, point));
    buf_add_char(out, style->decimal);
    buf_add_str(out, str_sub(text, point + 1, text.len));
    if (is_quoted)
        buf_add_char(out, '"');
}

void csv_out_next(const struct csv_style *style, struct buf *out)
{
    buf_add_char(out, style->delimiter);
}

void csv_out_line(const struct csv_style *style, struct buf *out)
{
    buf_add_str(out, style->is_unix ? STR("\n") : STR("\r\n"));
}

/* ---- the journal ------------------------------------------------------------------------------- */

static const struct str head[] = {
    STR_INIT("merchant"),   STR_INIT("merchant_id"),   STR_INIT("transfer"),
    STR_INIT("payment"),    STR_INIT("attempt"),       STR_INIT("pending"),
    STR_INIT("created_at"), STR_INIT("booking_date"),  STR_INIT("kind"),
    STR_INIT("state"),      STR_INIT("debit_account"), STR_INIT("credit_account"),
    STR_INIT("currency"),   STR_INIT("amount"),        STR_INIT("amount_minor"),
};

void export_csv_begin(struct export *e)
{
    csv_out_begin(&e->style, e->out);
    for (size_t i = 0; i < ARRAY_LEN(head); i++) {
        if (i > 0)
            csv_out_next(&e->style, e->out);
        buf_add_str(e->out, head[i]);
    }
    csv_out_line(&e->style, e->out);
}

static void add_cell(struct export *e, struct str text)
{
    csv_out_text(&e->style, text, e->out);
    csv_out_next(&e->style, e->out);
}

static void add_id(struct export *e, enum id_kind kind, const struct uuid *id)
{
    char text[ID_TEXT_SIZE];
    if (!uuid_is_zero(id))
        buf_add_str(e->out, id_format(kind, id, text));
    csv_out_next(&e->style, e->out);
}

void export_csv_row(struct export *e, const struct export_row *row)
{
    char text[MONEY_TEXT_SIZE];
    char time[CLOCK_TEXT_SIZE];
    add_cell(e, row->merchant);
    add_id(e, ID_MERCHANT, &row->merchant_id);
    add_id(e, ID_TRANSFER, &row->transfer_id);
    add_id(e, row->is_payout ? ID_PAYOUT : ID_PAYMENT, &row->payment_id);
    add_id(e, ID_ATTEMPT, &row->attempt_id);
    add_id(e, ID_TRANSFER, &row->pending_id);
    buf_add_str(e->out, clock_format_us(row->created_us, time));
    csv_out_next(&e->style, e->out);
    buf_add_str(e->out, export_day(row->effective_us, time));
    csv_out_next(&e->style, e->out);
    add_cell(e, row->kind);
    add_cell(e, row->state);
    add_cell(e, row->debit_account);
    add_cell(e, row->credit_account);
    buf_add(e->out, row->currency->code, 3);
    csv_out_next(&e->style, e->out);
    csv_out_number(&e->style, money_format(row->amount_minor, row->currency->exponent, text),
                   e->out);
    csv_out_next(&e->style, e->out);
    buf_add_int64(e->out, row->amount_minor);
    csv_out_line(&e->style, e->out);
}

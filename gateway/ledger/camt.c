#include "ledger/camt.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "ledger/chart.h"

#define AMOUNT_END INT64_C(1000000000000000000) /* 18 digits */

enum {
    NAME_MAX_CHARS = 70,
    OWNER_MAX_CHARS = 140,
    REMITTANCE_MAX_CHARS = 140,
    INFO_MAX_CHARS = 500,
    HASH_BYTES = 14,  /* of a statement's id: 28 digits beside the currency */
    SHORT_CHARS = 17, /* of an account's name that is too long, beside digits of its hash */
    SHORT_HASH_BYTES = 8,
};

static_assert(SHORT_CHARS + 1 + 2 * SHORT_HASH_BYTES <= CAMT_ACCOUNT_MAX, "begin, - and digits");

/* ---- text -------------------------------------------------------------------------------------- */

/* Bytes of the character at `from`, and what stands for it in XML; none: itself. */
static size_t take_char(struct str text, size_t from, struct str *instead)
{
    size_t size = str_utf8_size(text, from);
    unsigned char c = (unsigned char)text.at[from];
    bool is_nonchar =
        size == 3 && c == 0xef && (unsigned char)text.at[from + 1] == 0xbf &&
        ((unsigned char)text.at[from + 2] == 0xbe || (unsigned char)text.at[from + 2] == 0xbf);
    *instead = STR_NONE;
    if (c == '&')
        *instead = STR("&amp;");
    else if (c == '<')
        *instead = STR("&lt;");
    else if (c == '>')
        *instead = STR("&gt;");
    else if (c == '"')
        *instead = STR("&quot;");
    else if (c == '\t')
        *instead = STR("&#9;");
    else if (c == '\n')
        *instead = STR("&#10;");
    else if (c == '\r')
        *instead = STR("&#13;");
    else if (size == 0 || c < ' ' || is_nonchar)
        *instead = STR("\xef\xbf\xbd");
    return size == 0 ? 1 : size;
}

/* Of at most char_max characters; what is left over. */
static struct str add_part(struct str text, size_t char_max, struct buf *out)
{
    size_t at = 0;
    for (size_t count = 0; at < text.len && count < char_max; count++) {
        struct str instead;
        size_t size = take_char(text, at, &instead);
        buf_add_str(out, str_is_empty(instead) ? str_sub(text, at, size) : instead);
        at += size;
    }
    return str_sub(text, at, text.len);
}

bool camt_text(struct str text, size_t char_max, struct buf *out)
{
    return str_is_empty(add_part(text, char_max, out));
}

static void add_element(struct camt *c, const char *name, struct str text, size_t char_max)
{
    buf_printf(c->out, "<%s>", name);
    (void)camt_text(text, char_max, c->out);
    buf_printf(c->out, "</%s>", name);
}

static void add_time(struct camt *c, const char *name, int64_t us)
{
    char time[CLOCK_TEXT_SIZE];
    add_element(c, name, clock_format_us(us, time), SIZE_MAX);
}

static void add_day(struct camt *c, const char *name, int64_t us)
{
    char time[CLOCK_TEXT_SIZE];
    buf_printf(c->out, "<%s><Dt>" STR_FMT "</Dt></%s>", name,
               STR_ARG(str_sub(clock_format_ms(us, time), 0, sizeof("2026-11-21") - 1)), name);
}

/* ---- names ------------------------------------------------------------------------------------- */

/* So many digits, two for a byte, of the SHA-256 of the text. */
static void add_hash(struct str text, size_t byte_count, struct buf *out)
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(text, hash);
    crypto_hex((struct str){(const char *)hash, byte_count}, out);
}

/* "acc_..." of provider:<provider>:acc_...:pending, and what it is. */
static bool add_provider_account(struct str account, struct buf *out)
{
    const char *what = NULL;
    enum chart_kind kind = chart_find(account);
    if (kind == CHART_PROVIDER_PENDING)
        what = ":PND";
    else if (kind == CHART_PROVIDER_AVAILABLE)
        what = ":AVL";
    else if (kind == CHART_PROVIDER_TRANSIT)
        what = ":TRN";
    if (what == NULL)
        return false;
    (void)str_cut(&account, ':');
    (void)str_cut(&account, ':');
    buf_add_str(out, str_cut(&account, ':'));
    buf_add_str(out, str_of(what));
    return true;
}

/* What needs no escaping, and is one byte a character. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c <= ' ' || c > '~' || c == '&' || c == '<' || c == '>' || c == '"')
            return false;
    }
    return true;
}

struct str camt_account_id(struct str account, char out[CAMT_ACCOUNT_SIZE])
{
    struct buf name;
    buf_init(&name, 256);
    if (!add_provider_account(account, &name)) {
        if (account.len <= CAMT_ACCOUNT_MAX && is_plain(account)) {
            buf_add_str(&name, account);
        } else {
            if (is_plain(account))
                buf_add_str(&name, str_sub(account, 0, SHORT_CHARS));
            buf_add_char(&name, '-');
            add_hash(account, SHORT_HASH_BYTES, &name);
        }
    }
    CHECK(buf_is_ok(&name) && str_copy_to(buf_str(&name), out, CAMT_ACCOUNT_SIZE));
    buf_release(&name);
    return str_of(out);
}

/* ---- amounts ----------------------------------------------------------------------------------- */

static struct str indicator(bool is_credit)
{
    return is_credit ? STR("<CdtDbtInd>CRDT</CdtDbtInd>") : STR("<CdtDbtInd>DBIT</CdtDbtInd>");
}

static bool fits(int64_t minor, struct error *err)
{
    return (minor > -AMOUNT_END && minor < AMOUNT_END) ||
           fail(err, ERROR_INVALID,
                "cannot state an amount of %lld minor units: camt.053 holds 18 digits",
                (long long)minor);
}

/* Without its sign. */
static struct str digits_of(const struct camt *c, int64_t minor, char out[MONEY_TEXT_SIZE])
{
    CHECK(minor > -AMOUNT_END && minor < AMOUNT_END);
    return money_format(minor < 0 ? -minor : minor, c->currency->exponent, out);
}

static void add_amount(struct camt *c, int64_t minor)
{
    char text[MONEY_TEXT_SIZE];
    buf_printf(c->out, "<Amt Ccy=\"%s\">" STR_FMT "</Amt>", c->currency->code,
               STR_ARG(digits_of(c, minor, text)));
}

static void add_balance(struct camt *c, const char *code, int64_t minor, int64_t at_us)
{
    buf_printf(c->out, "   <Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp>", code);
    add_amount(c, minor);
    buf_add_str(c->out, indicator(minor >= 0));
    add_day(c, "Dt", at_us);
    buf_add_str(c->out, STR("</Bal>\n"));
}

/* What was moved between both balances: nobody has to count the entries for it. */
static bool add_summary(struct camt *c, const struct sum *opening, const struct sum *closing,
                        struct error *err)
{
    char text[4][MONEY_TEXT_SIZE];
    int64_t in = 0;
    int64_t out = 0;
    int64_t both = 0;
    if (!money_subtract(closing->debit_minor, opening->debit_minor, &in) ||
        !money_subtract(closing->credit_minor, opening->credit_minor, &out) ||
        !money_add(in, out, &both))
        return fail(err, ERROR_INVALID, "the sums are beyond what can be counted");
    if (!fits(in, err) || !fits(out, err) || !fits(both, err))
        return false;
    buf_printf(c->out,
               "   <TxsSummry><TtlNtries><Sum>" STR_FMT "</Sum><TtlNetNtry><Amt>" STR_FMT
               "</Amt>" STR_FMT "</TtlNetNtry></TtlNtries><TtlCdtNtries><Sum>" STR_FMT
               "</Sum></TtlCdtNtries><TtlDbtNtries><Sum>" STR_FMT
               "</Sum></TtlDbtNtries></TxsSummry>\n",
               STR_ARG(digits_of(c, both, text[0])), STR_ARG(digits_of(c, in - out, text[1])),
               STR_ARG(indicator(in >= out)), STR_ARG(digits_of(c, in, text[2])),
               STR_ARG(digits_of(c, out, text[3])));
    return true;
}

/* ---- the document ------------------------------------------------------------------------------ */

/* The same period of the same account has the same id, whenever it is stated. */
static void add_id(struct camt *c, const char *what, bool is_message)
{
    struct buf text;
    char id[UUID_TEXT_SIZE];
    buf_init(&text, 4096);
    buf_printf(&text, STR_FMT " %lld %lld %lld ", STR_ARG(uuid_format(&c->scope.merchant_id, id)),
               (long long)c->scope.from_us, (long long)c->scope.to_us,
               (long long)(is_message ? c->scope.made_us : 0));
    buf_add_str(&text, c->scope.account);
    CHECK(buf_is_ok(&text));
    buf_printf(c->out, "%s-", what);
    add_hash(buf_str(&text), HASH_BYTES, c->out);
    buf_release(&text);
}

void camt_begin(struct camt *c, const struct camt_scope *scope, struct buf *out)
{
    *c = (struct camt){.out = out, .scope = *scope};
    CHECK(scope->account.len <= EXPORT_ACCOUNT_MAX);
    if (scope->from_us < 0)
        c->scope.from_us = 0;
    if (scope->to_us > scope->made_us)
        c->scope.to_us = scope->made_us;
    if (c->scope.to_us <= c->scope.from_us)
        c->scope.to_us = c->scope.from_us + 1;
    buf_add_str(out, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document "
                         "xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">\n"
                         " <BkToCstmrStmt>\n  <GrpHdr><MsgId>"));
    add_id(c, "MSG", true);
    buf_add_str(out, STR("</MsgId>"));
    add_time(c, "CreDtTm", scope->made_us);
    buf_add_str(out, STR("</GrpHdr>\n"));
}

static void add_account(struct camt *c)
{
    char name[CAMT_ACCOUNT_SIZE];
    char owner[ID_TEXT_SIZE];
    enum chart_kind kind = chart_find(c->scope.account);
    buf_add_str(c->out, STR("   <Acct><Id><Othr>"));
    add_element(c, "Id", camt_account_id(c->scope.account, name), CAMT_ACCOUNT_MAX);
    buf_add_str(c->out, STR("<SchmeNm><Prtry>turnpike</Prtry></SchmeNm></Othr></Id>"));
    if (kind != CHART_NONE) {
        buf_add_str(c->out, STR("<Tp>"));
        add_element(c, "Prtry", chart_get(kind)->kind, CAMT_TEXT_MAX);
        buf_add_str(c->out, STR("</Tp>"));
    }
    buf_printf(c->out, "<Ccy>%s</Ccy>", c->currency->code);
    add_element(c, "Nm", c->scope.account, NAME_MAX_CHARS);
    buf_add_str(c->out, STR("<Ownr>"));
    add_element(c, "Nm",
                str_is_empty(c->scope.merchant)
                    ? id_format(ID_MERCHANT, &c->scope.merchant_id, owner)
                    : c->scope.merchant,
                OWNER_MAX_CHARS);
    buf_add_str(c->out, STR("</Ownr></Acct>\n"));
}

bool camt_statement(struct camt *c, const struct currency *currency, const struct sum *opening,
                    const struct sum *closing, struct error *err)
{
    int64_t begin = 0;
    int64_t end = 0;
    c->currency = currency;
    c->written = *opening;
    c->closing = *closing;
    if (!sum_balance(opening, &begin) || !sum_balance(closing, &end))
        return fail(err, ERROR_INVALID, "the balance is beyond what can be counted");
    if (!fits(begin, err) || !fits(end, err))
        return false;
    buf_add_str(c->out, STR("  <Stmt>\n   <Id>"));
    add_id(c, currency->code, false);
    buf_add_str(c->out, STR("</Id>"));
    add_time(c, "CreDtTm", c->scope.made_us);
    buf_add_str(c->out, STR("<FrToDt>"));
    add_time(c, "FrDtTm", c->scope.from_us);
    add_time(c, "ToDtTm", c->scope.to_us - 1);
    buf_add_str(c->out, STR("</FrToDt>\n"));
    add_account(c);
    add_balance(c, "OPBD", begin, c->scope.from_us);
    add_balance(c, "CLBD", end, c->scope.to_us - 1);
    return add_summary(c, opening, closing, err);
}

/* ---- entries ----------------------------------------------------------------------------------- */

static void add_reference(struct camt *c, const char *type, enum id_kind kind,
                          const struct uuid *id)
{
    char text[ID_TEXT_SIZE];
    buf_printf(c->out, "<Prtry><Tp>%s</Tp><Ref>" STR_FMT "</Ref></Prtry>", type,
               STR_ARG(id_format(kind, id, text)));
}

/* What a person entered stands under the entry's own id: that is no payment. */
static bool is_of_payment(const struct export_row *row)
{
    return !uuid_is_zero(&row->payment_id) && !uuid_eq(&row->payment_id, &row->attempt_id);
}

static void add_details(struct camt *c, const struct export_row *row, bool is_credit)
{
    buf_add_str(c->out, STR("    <NtryDtls><TxDtls><Refs><EndToEndId>"));
    bool is_whole = camt_text(str_is_empty(row->reference) ? STR("NOTPROVIDED") : row->reference,
                              CAMT_TEXT_MAX, c->out);
    buf_add_str(c->out, STR("</EndToEndId>"));
    add_reference(c, "transfer", ID_TRANSFER, &row->transfer_id);
    if (is_of_payment(row))
        add_reference(c, row->is_payout ? "payout" : "payment",
                      row->is_payout ? ID_PAYOUT : ID_PAYMENT, &row->payment_id);
    buf_add_str(c->out, STR("</Refs>"));
    add_amount(c, row->amount_minor);
    buf_add_str(c->out, indicator(is_credit));
    if (!is_whole) {
        buf_add_str(c->out, STR("<RmtInf>"));
        for (struct str rest = row->reference; !str_is_empty(rest);) {
            buf_add_str(c->out, STR("<Ustrd>"));
            rest = add_part(rest, REMITTANCE_MAX_CHARS, c->out);
            buf_add_str(c->out, STR("</Ustrd>"));
        }
        buf_add_str(c->out, STR("</RmtInf>"));
    }
    buf_add_str(c->out, STR("<RltdDts>"));
    add_time(c, "TxDtTm", row->created_us);
    buf_add_str(c->out, STR("</RltdDts></TxDtls></NtryDtls>\n    <AddtlNtryInf>"));
    (void)camt_text(row->kind, INFO_MAX_CHARS / 4, c->out);
    buf_add_str(c->out, is_credit ? STR(" from ") : STR(" to "));
    (void)camt_text(is_credit ? row->credit_account : row->debit_account, INFO_MAX_CHARS / 2,
                    c->out);
    buf_add_str(c->out, STR("</AddtlNtryInf>\n"));
}

bool camt_entry(struct camt *c, const struct export_row *row, struct error *err)
{
    char id[ID_TEXT_SIZE];
    bool is_credit = str_eq(row->debit_account, c->scope.account);
    int64_t *side = is_credit ? &c->written.debit_minor : &c->written.credit_minor;
    CHECK(row->currency == c->currency && row->amount_minor > 0);
    if (!money_add(*side, row->amount_minor, side))
        return fail(err, ERROR_INVALID, "the sums are beyond what can be counted");
    struct str transfer = id_format(ID_TRANSFER, &row->transfer_id, id);
    buf_add_str(c->out, STR("   <Ntry>"));
    add_element(c, "NtryRef", transfer, CAMT_TEXT_MAX);
    add_amount(c, row->amount_minor);
    buf_add_str(c->out, indicator(is_credit));
    buf_add_str(c->out, STR("<Sts><Cd>BOOK</Cd></Sts>"));
    add_day(c, "BookgDt", row->created_us);
    add_day(c, "ValDt", row->effective_us);
    add_element(c, "AcctSvcrRef", transfer, CAMT_TEXT_MAX);
    buf_add_str(c->out, STR("<BkTxCd><Prtry>"));
    add_element(c, "Cd", row->kind, CAMT_TEXT_MAX);
    buf_add_str(c->out, STR("<Issr>turnpike</Issr></Prtry></BkTxCd>\n"));
    add_details(c, row, is_credit);
    buf_add_str(c->out, STR("   </Ntry>\n"));
    return true;
}

bool camt_statement_end(struct camt *c, struct error *err)
{
    if (c->written.debit_minor != c->closing.debit_minor ||
        c->written.credit_minor != c->closing.credit_minor)
        return fail(err, ERROR_INTERNAL,
                    "cannot state " STR_FMT " in %s: its movements come to %lld and %lld, its "
                    "balance to %lld and %lld",
                    STR_ARG(c->scope.account), c->currency->code, (long long)c->written.debit_minor,
                    (long long)c->written.credit_minor, (long long)c->closing.debit_minor,
                    (long long)c->closing.credit_minor);
    buf_add_str(c->out, STR("   <AddtlStmtInf>account "));
    (void)camt_text(c->scope.account, INFO_MAX_CHARS / 2, c->out);
    buf_add_str(c->out, STR("; CRDT: debited in our books</AddtlStmtInf>\n  </Stmt>\n"));
    return true;
}

void camt_end(struct camt *c)
{
    buf_add_str(c->out, STR(" </BkToCstmrStmt>\n</Document>\n"));
}

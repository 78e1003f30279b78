#include "ledger/chart.h"

#include <stdio.h>

#define T(literal) STR_INIT(literal)

/* clang-format off */
static const struct chart_row rows[CHART_COUNT] = {
    [CHART_PROVIDER_PENDING]   = {T("provider_pending"),   1100, T("provider:<provider>:<account>:pending"),   T("asset"),     T("debit"),
        T("What the provider owes and does not pay out yet: debited with sales and captures, credited with its fees, refunds and payouts.")},
    [CHART_PROVIDER_AVAILABLE] = {T("provider_available"), 1200, T("provider:<provider>:<account>:available"), T("asset"),     T("debit"),
        T("What the provider owes and would pay out.")},
    [CHART_PROVIDER_TRANSIT]   = {T("provider_transit"),   1300, T("provider:<provider>:<account>:transit"),   T("asset"),     T("debit"),
        T("What the provider has sent to the bank, and the bank does not have yet.")},
    [CHART_BANK]               = {T("bank"),               1400, T("bank:<name>"),                             T("asset"),     T("debit"),
        T("A bank account of the merchant.")},
    [CHART_PAYABLE]            = {T("payable"),            2100, T("merchant:payable"),                        T("liability"), T("credit"),
        T("What is owed to the merchant, or to others out of what it took.")},
    [CHART_SUSPENSE]           = {T("suspense"),           2900, T("suspense"),                                T("liability"), T("credit"),
        T("Money of which nobody knows yet whose it is.")},
    [CHART_SALES]              = {T("sales"),              4100, T("merchant:sales"),                          T("income"),    T("credit"),
        T("Sales, gross.")},
    [CHART_REFUNDS]            = {T("refunds"),            4200, T("merchant:refunds"),                        T("income"),    T("debit"),
        T("Money given back to customers; taken off the sales.")},
    [CHART_FX_GAIN]            = {T("fx_gain"),            4300, T("fx:gain"),                                 T("income"),    T("credit"),
        T("What conversions brought, in the currency that was bought.")},
    [CHART_PAYOUTS]            = {T("payouts"),            5100, T("merchant:payouts"),                        T("expense"),   T("debit"),
        T("Money paid out to others.")},
    [CHART_FEES_PAYMENT]       = {T("fees_payment"),       5210, T("fees:payment"),                            T("expense"),   T("debit"),
        T("Fees of sales and captures: as the provider stated them, else as its fee table says.")},
    [CHART_FEES_PAYOUT]        = {T("fees_payout"),        5220, T("fees:payout"),                             T("expense"),   T("debit"),
        T("Fees of payouts, likewise.")},
    [CHART_FEES_REFUND]        = {T("fees_refund"),        5230, T("fees:refund"),                             T("expense"),   T("debit"),
        T("Fees of refunds.")},
    [CHART_FEES_DISPUTE]       = {T("fees_dispute"),       5240, T("fees:dispute"),                            T("expense"),   T("debit"),
        T("Fees of disputes.")},
    [CHART_FEES_DECLINE]       = {T("fees_decline"),       5250, T("fees:decline"),                            T("expense"),   T("debit"),
        T("Fees of attempts that were declined.")},
    [CHART_FEES_CONVERSION]    = {T("fees_conversion"),    5260, T("fees:conversion"),                         T("expense"),   T("debit"),
        T("Fees of conversions between currencies.")},
    [CHART_FEES_OTHER]         = {T("fees_other"),         5290, T("fees:other"),                              T("expense"),   T("debit"),
        T("Other fees: monthly, of terminals, of files.")},
    [CHART_DISPUTES]           = {T("disputes"),           5300, T("disputes"),                                T("expense"),   T("debit"),
        T("What providers took back for customers who disputed a payment.")},
    [CHART_FX_LOSS]            = {T("fx_loss"),            5400, T("fx:loss"),                                 T("expense"),   T("debit"),
        T("What conversions took, in the currency that was sold.")},
    [CHART_USER]               = {T("user"),               9000, T("user:<name>"),                             T(""),          T(""),
        T("An account that a person has opened, of the type that the person says.")},
};
/* clang-format on */

static bool is_word(struct str text, size_t most, char other)
{
    if (text.len == 0 || text.len > most)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != other)
            return false;
    }
    return true;
}

static bool is_name(struct str text)
{
    return is_word(text, CHART_NAME_MAX, '-') && text.at[0] != '-';
}

/* As id_format writes it alone: two names must not be one account. */
static bool is_account_id(struct str text)
{
    struct uuid id;
    struct error err;
    char canonical[ID_TEXT_SIZE];
    return id_parse(ID_ACCOUNT, text, &id, &err) &&
           str_eq(id_format(ID_ACCOUNT, &id, canonical), text);
}

/* One part between colons against that of the pattern. */
static bool fits(struct str part, struct str pattern)
{
    if (str_eq(pattern, STR("<provider>")))
        return is_word(part, CHART_PROVIDER_MAX, '_');
    if (str_eq(pattern, STR("<account>")))
        return is_account_id(part);
    if (str_eq(pattern, STR("<name>")))
        return is_name(part);
    return str_eq(part, pattern);
}

/* str_cut cannot tell a colon at the end from none. */
static size_t count_colons(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == ':';
    return count;
}

static bool is_of(struct str account, struct str pattern)
{
    if (count_colons(account) != count_colons(pattern))
        return false;
    while (pattern.len > 0) {
        struct str part = str_cut(&account, ':');
        if (!fits(part, str_cut(&pattern, ':')))
            return false;
    }
    return true;
}

const struct chart_row *chart_get(enum chart_kind kind)
{
    CHECK(kind > CHART_NONE && kind < CHART_COUNT);
    return &rows[kind];
}

enum chart_kind chart_kind_of(struct str kind)
{
    for (int i = CHART_NONE + 1; i < CHART_COUNT; i++) {
        if (str_eq(rows[i].kind, kind))
            return (enum chart_kind)i;
    }
    return CHART_NONE;
}

enum chart_kind chart_find(struct str account)
{
    for (int i = CHART_NONE + 1; i < CHART_COUNT; i++) {
        if (is_of(account, rows[i].pattern))
            return (enum chart_kind)i;
    }
    return CHART_NONE;
}

struct str chart_single(enum chart_kind kind)
{
    struct str pattern = chart_get(kind)->pattern;
    CHECK(str_find_char(pattern, '<', 0) == SIZE_MAX);
    return pattern;
}

struct str chart_of_provider(enum chart_kind kind, struct str provider,
                             const struct uuid *account_id, char out[CHART_ACCOUNT_SIZE])
{
    char id[ID_TEXT_SIZE];
    CHECK(kind >= CHART_PROVIDER_PENDING && kind <= CHART_PROVIDER_TRANSIT);
    CHECK(provider.len > 0 && provider.len <= CHART_PROVIDER_MAX);
    struct str pattern = rows[kind].pattern;
    struct str last = str_sub(pattern, str_find(pattern, STR("<account>:"), 0), pattern.len);
    (void)str_cut(&last, ':');
    int len =
        snprintf(out, CHART_ACCOUNT_SIZE, "provider:" STR_FMT ":" STR_FMT ":" STR_FMT,
                 STR_ARG(provider), STR_ARG(id_format(ID_ACCOUNT, account_id, id)), STR_ARG(last));
    return (struct str){out, (size_t)len};
}

bool chart_of_name(enum chart_kind kind, struct str name, char out[CHART_ACCOUNT_SIZE],
                   struct error *err)
{
    CHECK(kind == CHART_BANK || kind == CHART_USER);
    out[0] = '\0';
    if (!is_name(name))
        return fail(err, ERROR_INVALID,
                    "cannot name an account: not 1 to %d of a-z, 0-9 and -, with no - in front",
                    CHART_NAME_MAX);
    struct str head = rows[kind].pattern;
    head = str_cut(&head, ':');
    (void)snprintf(out, CHART_ACCOUNT_SIZE, STR_FMT ":" STR_FMT, STR_ARG(head), STR_ARG(name));
    return true;
}

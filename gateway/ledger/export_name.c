/*
 * Names of accounts in other programs. A name of ours is words between colons; each becomes a word
 * there, and what may not stand there becomes an escape that nothing else gives:
 *
 *     hledger, ledger   %XX for every byte but letters, digits, _ - . (so % is %25); % alone is an empty word
 *     Beancount         a word begins with a capital or a digit: a small letter becomes its capital, any other
 *                       first byte (a capital, too) X--xHH; later a _ becomes -, but --5f after a dash;
 *                       every other byte but letters and digits --HH
 *
 *     provider:paypal_payouts:acc_01JDEX...:pending    Assets:Provider:Paypal-payouts:Acc-01JDEX...:Pending
 */
#include "ledger/export.h"

#include "ledger/chart.h"

/* clang-format off */
static const struct str roots[ACCOUNT_TYPE_COUNT][2] = { /* hledger and ledger; Beancount */
    [ACCOUNT_ASSET]     = {STR_INIT("assets"),      STR_INIT("Assets")},
    [ACCOUNT_LIABILITY] = {STR_INIT("liabilities"), STR_INIT("Liabilities")},
    [ACCOUNT_EQUITY]    = {STR_INIT("equity"),      STR_INIT("Equity")},
    [ACCOUNT_INCOME]    = {STR_INIT("revenues"),    STR_INIT("Income")},
    [ACCOUNT_EXPENSE]   = {STR_INIT("expenses"),    STR_INIT("Expenses")},
};
static const struct str types[ACCOUNT_TYPE_COUNT] = {
    [ACCOUNT_ASSET]     = STR_INIT("asset"),
    [ACCOUNT_LIABILITY] = STR_INIT("liability"),
    [ACCOUNT_EQUITY]    = STR_INIT("equity"),
    [ACCOUNT_INCOME]    = STR_INIT("income"),
    [ACCOUNT_EXPENSE]   = STR_INIT("expense"),
};
/* clang-format on */

struct name {
    char *at;
    size_t len;
};

static void add(struct name *name, char c)
{
    CHECK(name->len + 1 < EXPORT_NAME_SIZE);
    name->at[name->len++] = c;
}

static void add_text(struct name *name, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        add(name, text.at[i]);
}

static void add_hex(struct name *name, char c, const char *digits)
{
    add(name, digits[(unsigned char)c >> 4]);
    add(name, digits[(unsigned char)c & 15]);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_plain(char c)
{
    return is_small(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

static void add_word(struct name *name, struct str word)
{
    if (word.len == 0)
        add(name, '%');
    for (size_t i = 0; i < word.len; i++) {
        char c = word.at[i];
        if (is_plain(c) || c == '_' || c == '-' || c == '.') {
            add(name, c);
        } else {
            add(name, '%');
            add_hex(name, c, "0123456789ABCDEF");
        }
    }
}

static void add_bean_first(struct name *name, struct str word)
{
    if (word.len > 0 && (is_small(word.at[0]) || is_digit(word.at[0]))) {
        add(name, is_small(word.at[0]) ? (char)(word.at[0] - 'a' + 'A') : word.at[0]);
        return;
    }
    add_text(name, STR("X--x"));
    if (word.len > 0)
        add_hex(name, word.at[0], str_hex_digits);
}

static void add_bean_word(struct name *name, struct str word)
{
    add_bean_first(name, word);
    for (size_t i = 1; i < word.len; i++) {
        char c = word.at[i];
        if (is_plain(c)) {
            add(name, c);
        } else if (c == '_' && name->at[name->len - 1] != '-') {
            add(name, '-');
        } else {
            add_text(name, STR("--"));
            add_hex(name, c, str_hex_digits);
        }
    }
}

struct str export_name(enum export_format format, enum account_type type, struct str account,
                       char out[EXPORT_NAME_SIZE])
{
    bool is_bean = format == EXPORT_BEANCOUNT;
    struct name name = {.at = out};
    struct str rest = account;
    CHECK(account.len <= EXPORT_ACCOUNT_MAX);
    add_text(&name, roots[type][is_bean]);
    for (bool is_more = true; is_more;) {
        is_more = str_find_char(rest, ':', 0) < rest.len;
        struct str word = str_cut(&rest, ':');
        add(&name, ':');
        if (is_bean)
            add_bean_word(&name, word);
        else
            add_word(&name, word);
    }
    out[name.len] = '\0';
    return (struct str){out, name.len};
}

enum account_type export_type(struct str account)
{
    enum chart_kind kind = chart_find(account);
    struct str type = kind != CHART_NONE ? chart_get(kind)->type : STR_NONE;
    for (int i = 0; i < ACCOUNT_TYPE_COUNT; i++) {
        if (str_eq(type, types[i]))
            return (enum account_type)i;
    }
    return ACCOUNT_EQUITY;
}

/*
 * The card number finder. It must not miss a number that a merchant pasted into a field, and must
 * leave the many digits of a payment's life alone: ids, hashes, phone numbers, timestamps.
 *
 *   "card 4111 1111 1111 1111 exp 12 27"
 *         ^groups: 4111 1111 1111 1111, one run; tried from each group on, whole groups only
 *
 * A run is digits with single spaces or dashes between. Numbers begin and end at a group's edge:
 * digits inside a longer row of digits are an id. Not judged are runs inside a UUID or a long
 * hexadecimal hash, a fraction behind a decimal point, and what follows a '+' (a phone number).
 */
#include "base/crypto.h"

#include <string.h>

enum {
    CARD_DIGITS_MIN = 13,
    CARD_DIGITS_MAX = 19,
    UUID_LEN = 36,
    HASH_LEN_MIN = 32,
};

/* clang-format off */
#define LENGTH(n)       (1U << (n))
#define LENGTHS(a, b)   ((LENGTH((b) + 1) - 1) & ~(LENGTH(a) - 1))

/* The first six digits, inclusive, and the lengths that the issuer uses (bit n: n digits). */
static const struct issuer {
    int from;
    int to;
    unsigned lengths;
} issuers[] = {
    /* Visa */              {400000, 499999, LENGTH(13) | LENGTH(16) | LENGTH(19)},
    /* Mastercard */        {510000, 559999, LENGTH(16)},
    /* Mastercard */        {222100, 272099, LENGTH(16)},
    /* American Express */  {340000, 349999, LENGTH(15)},
    /* American Express */  {370000, 379999, LENGTH(15)},
    /* Diners Club */       {300000, 305999, LENGTH(14)},
    /* Diners Club */       {360000, 369999, LENGTH(14)},
    /* Diners Club */       {380000, 399999, LENGTH(14)},
    /* JCB */               {352800, 358999, LENGTHS(16, 19)},
    /* Maestro */           {500000, 509999, LENGTHS(16, 19)},
    /* Maestro */           {560000, 589999, LENGTHS(16, 19)},
    /* Maestro, UnionPay, Discover: every 6 is somebody's */
                            {600000, 699999, LENGTHS(16, 19)},
    /* Maestro's short numbers, where they were really issued */
                            {501800, 501899, LENGTHS(13, 15)},
                            {502000, 502099, LENGTHS(13, 15)},
                            {503800, 503899, LENGTHS(13, 15)},
                            {589300, 589399, LENGTHS(13, 15)},
                            {630400, 630499, LENGTHS(13, 15)},
                            {675900, 675999, LENGTHS(13, 15)},
                            {676100, 676399, LENGTHS(13, 15)},
};
/* clang-format on */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool has_issuer(const char *digits, size_t count)
{
    int prefix = 0;
    for (size_t i = 0; i < 6; i++)
        prefix = prefix * 10 + (digits[i] - '0');
    for (size_t i = 0; i < ARRAY_LEN(issuers); i++) {
        if (prefix >= issuers[i].from && prefix <= issuers[i].to &&
            (issuers[i].lengths & LENGTH(count)) != 0)
            return true;
    }
    return false;
}

static bool has_luhn(const char *digits, size_t count)
{
    int sum = 0;
    for (size_t i = 0; i < count; i++) {
        int digit = digits[count - 1 - i] - '0';
        if (i % 2 == 1)
            digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum % 10 == 0;
}

static bool is_uuid(struct str text)
{
    if (text.len < UUID_LEN)
        return false;
    for (size_t i = 0; i < UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.at[i] != '-' : !is_hex(text.at[i]))
            return false;
    }
    return true;
}

static bool is_in_uuid(struct str text, size_t at, size_t end)
{
    size_t from = end > UUID_LEN ? end - UUID_LEN : 0;
    for (; from <= at; from++) {
        if (is_uuid(str_sub(text, from, UUID_LEN)))
            return true;
    }
    return false;
}

/* A row of hexadecimal digits, letters among them, long enough for a hash. */
static bool is_in_hash(struct str text, size_t at, size_t end)
{
    size_t from = at;
    while (from > 0 && is_hex(text.at[from - 1]))
        from--;
    while (end < text.len && is_hex(text.at[end]))
        end++;
    if (end - from < HASH_LEN_MIN)
        return false;
    for (size_t i = from; i < end; i++) {
        if (!is_digit(text.at[i]))
            return true;
    }
    return false;
}

static bool is_something_else(struct str text, size_t at, size_t end)
{
    if (at > 0 && text.at[at - 1] == '+')
        return true;
    if (at > 1 && text.at[at - 1] == '.' && is_digit(text.at[at - 2]))
        return true;
    return is_in_uuid(text, at, end) || is_in_hash(text, at, end);
}

/* Whether a card number begins with the group at `at`; *end is where it ends, the longest wins. */
static bool is_card_at(struct str text, size_t at, size_t *end)
{
    char digits[CARD_DIGITS_MAX];
    size_t count = 0;
    bool found = false;
    for (size_t i = at; i < text.len; i++) {
        if (!is_digit(text.at[i])) {
            bool joins = (text.at[i] == ' ' || text.at[i] == '-') && i + 1 < text.len &&
                         is_digit(text.at[i + 1]);
            if (!joins)
                break;
            continue;
        }
        if (count == CARD_DIGITS_MAX)
            break;
        digits[count++] = text.at[i];
        bool group_ends = i + 1 == text.len || !is_digit(text.at[i + 1]);
        if (group_ends && count >= CARD_DIGITS_MIN && has_issuer(digits, count) &&
            has_luhn(digits, count) && !is_something_else(text, at, i + 1)) {
            found = true;
            *end = i + 1;
        }
    }
    return found;
}

bool crypto_find_card_number(struct str text, size_t *at, size_t *len)
{
    for (size_t i = 0; i < text.len; i++) {
        bool group_begins = is_digit(text.at[i]) && (i == 0 || !is_digit(text.at[i - 1]));
        size_t end;
        if (group_begins && is_card_at(text, i, &end)) {
            *at = i;
            *len = end - i;
            return true;
        }
    }
    return false;
}

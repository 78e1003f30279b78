/*
 * Fuzz amounts: decimal text in and out, scaling by fees and rates, amounts of providers' answers,
 * and the integer of a request's body. Whatever the way, an amount that is taken is the amount that
 * was written, to the last digit; what was not written as one is refused.
 *
 *     make fuzz FUZZ=amount
 */
#include <stdlib.h>
#include <string.h>

#include "api/body.h"
#include "api/tables.h"
#include "base/money.h"
#include "providers/adapter.h"

static int64_t word(const uint8_t *data)
{
    int64_t value;

    memcpy(&value, data, sizeof(value));
    return value;
}

/* Plain decimal text: what money_parse may take, judged apart from it. */
static bool is_decimal(struct str text, unsigned digits)
{
    size_t at = text.len > 0 && text.at[0] == '-' ? 1 : 0;
    const size_t whole = at;
    size_t fraction = 0;

    while (at < text.len && text.at[at] >= '0' && text.at[at] <= '9')
        at++;
    if (at == whole)
        return false;
    if (at == text.len)
        return true;
    if (text.at[at++] != '.')
        return false;
    for (; at < text.len && text.at[at] >= '0' && text.at[at] <= '9'; at++)
        fraction++;
    return at == text.len && fraction >= 1 && fraction <= digits;
}

static void check_text(struct str text, unsigned digits)
{
    char out[MONEY_TEXT_SIZE];
    struct error err = {.code = ERROR_NONE};
    int64_t minor;
    int64_t again;

    if (!money_parse(text, digits, &minor, &err)) {
        CHECK(err.code == ERROR_INVALID && err.text[0] != '\0');
        return;
    }
    CHECK(is_decimal(text, digits));
    CHECK(money_parse(money_format(minor, digits, out), digits, &again, &err));
    CHECK(minor == again);
}

static void check_format(int64_t minor, unsigned digits)
{
    char out[MONEY_TEXT_SIZE];
    struct error err;
    int64_t again;
    const struct str text = money_format(minor, digits, out);

    CHECK(is_decimal(text, digits));
    if (money_parse(text, digits, &again, &err))
        CHECK(again == minor);
    else
        CHECK(minor > MONEY_AMOUNT_MAX || minor < -MONEY_AMOUNT_MAX);
}

static void check_scale(int64_t amount, int64_t numerator, int64_t denominator, unsigned mode)
{
    int64_t out;

    if (denominator <= 0)
        denominator = 1 + (denominator & INT32_MAX);
    const __int128 exact = (__int128)amount * numerator;
    if (money_scale(amount, numerator, denominator, (enum money_rounding)(mode % 4), &out)) {
        __int128 rest = exact - (__int128)out * denominator;
        rest = rest < 0 ? -rest : rest;
        CHECK(rest < denominator);
        if (mode % 4 <= MONEY_HALF_UP)
            CHECK(2 * rest <= denominator);
    } else {
        CHECK(exact / denominator >= INT64_MAX || exact / denominator <= INT64_MIN);
    }
}

/* As a provider's amount, and as the amount of a body: an integer and nothing else. */
static void check_foreign(struct str text, const struct currency *currency)
{
    struct field_problem problem = {.message = MESSAGE_NONE};
    struct arena arena;
    struct buf body;
    int64_t minor = -1;

    if (adapter_read_amount(text, currency, &minor))
        CHECK(minor >= 0 && minor <= MONEY_AMOUNT_MAX);
    buf_init(&body, 1 << 16);
    arena_init(&arena, 1 << 20);
    buf_add_str(&body, STR("{\"currency\":\"EUR\",\"method\":{\"type\":\"test\"},\"amount\":"));
    buf_add_str(&body, text);
    buf_add_str(&body, STR("}"));
    json_t *object = body_parse(buf_str(&body), false, &arena, &problem);
    const json_t *amount = json_object_get(object, "amount");
    if (object != NULL && field_check(&payment_fields, object, &problem)) {
        CHECK(json_is_integer(amount));
        char digits[MONEY_TEXT_SIZE];
        /* Only the spaces around it may have been something else. */
        if (memchr(text.at, ',', text.len) == NULL)
            CHECK(str_find(text, money_format(json_integer_value(amount), 0, digits), 0) !=
                  SIZE_MAX);
    }
    json_decref(object);
    arena_release(&arena);
    buf_release(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count;
    const struct currency *all = currency_all(&count);

    if (size < 27 || size > 4096)
        return 0;
    const unsigned digits = data[0] % 5;
    const size_t len = size - 26;
    char *exact = malloc(len); /* its own block: reading too far is seen */
    CHECK(exact != NULL);
    memcpy(exact, data + 26, len);
    const struct str text = {exact, len};
    check_text(text, digits);
    check_format(word(data + 2), digits);
    check_scale(word(data + 2), word(data + 10), word(data + 18), data[1]);
    check_foreign(text, &all[data[1] % count]);
    free(exact);
    return 0;
}

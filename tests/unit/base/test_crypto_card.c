#include "base/clock.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/rng.h"
#include "helpers.h"

/* The numbers are those that card schemes and acquirers publish for testing. */
static void test_numbers_of_every_scheme_are_found(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "4111111111111111",    /* Visa */
        "4242424242424242",    /* Visa */
        "4222222222222",       /* Visa, 13 digits */
        "5555555555554444",    /* Mastercard */
        "5105105105105100",    /* Mastercard */
        "2223003122003222",    /* Mastercard, series 2 */
        "378282246310005",     /* American Express */
        "341111111111111",     /* American Express */
        "30569309025904",      /* Diners Club */
        "38520000023237",      /* Diners Club */
        "36227206271667",      /* Diners Club */
        "6011111111111117",    /* Discover */
        "6011000990139424",    /* Discover */
        "3530111333300000",    /* JCB */
        "6200000000000005",    /* UnionPay */
        "6205500000000000004", /* UnionPay, 19 digits */
        "6759649826438453",    /* Maestro */
        "5018000000000009",    /* Maestro */
        "4111 1111 1111 1111", "4111-1111-1111-1111",
        "3782 822463 10005",   "4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1",
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        size_t at = 0, len = 0;
        if (!crypto_find_card_number(str_of(numbers[i]), &at, &len))
            fail_test("missed %s", numbers[i]);
        assert_int_equal(at, 0);
        assert_int_equal(len, strlen(numbers[i]));
    }
}

static void a_number_is_found_wherever_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *found;
    } cases[] = {
        {"card 4111111111111111.", "4111111111111111"},
        {"{\"pan\":\"4111111111111111\",\"exp\":\"12/27\"}", "4111111111111111"},
        {"tok_4111111111111111", "4111111111111111"},
        {"card4111111111111111exp", "4111111111111111"},
        {";4111111111111111=27121010000012300000?", "4111111111111111"},
        {"4111 1111 1111 1111 12 27", "4111 1111 1111 1111"},
        {"27 12 4111 1111 1111 1111", "4111 1111 1111 1111"},
        {"order 1001 4111111111111111 2", "4111111111111111"},
        {"1234567890123456 4111111111111111", "4111111111111111"},
        {"4111111111111112 5555555555554444", "5555555555554444"},
        {"4111  1111 1111 1111 4111-1111-1111-1111", "4111-1111-1111-1111"},
        {"\xc3\xa9"
         "4111111111111111\xff",
         "4111111111111111"},
        {"amount=.4111111111111111", "4111111111111111"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t at = 0, len = 0;
        struct str text = str_of(cases[i].text);
        if (!crypto_find_card_number(text, &at, &len))
            fail_test("missed: %s", cases[i].text);
        assert_str(str_sub(text, at, len), cases[i].found);
    }
}

static void what_is_no_card_is_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "4111111111111112",     /* check digit */
        "411111111111111",      /* no Visa has 15 digits */
        "0000000000000000",     /* no issuer */
        "1234567812345670",     /* no issuer, right check digit */
        "9999999999999995",     /* no issuer, right check digit */
        "41111111111111111225", /* 20 digits in a row are an id */
        "14111111111111111",    /* begins inside a row */
        "4111  1111 1111 1111", /* two spaces */
        "4111.1111.1111.1111",  /* other separators */
        "4111/1111/1111/1111",
        "+4222222222222",                       /* a telephone number */
        "0.4111111111111111",                   /* a fraction */
        "41111111-1111-1111-1111-111111111111", /* a UUID */
        "x 41111111-1111-4111-8111-1111aaaaaaaa",
        "a4111111111111111b4111111111111111ff", /* a hash */
        "2026-11-21 10:15:30.123456",
        "1795256130123",       /* milliseconds */
        "1795256130123456",    /* microseconds */
        "1795256130123456789", /* nanoseconds */
        "pay_01JDEX7T1V5M2Q9K8Z4R6W0C3B",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        size_t at, len;
        if (crypto_find_card_number(str_of(texts[i]), &at, &len))
            fail_test("flagged: %s", texts[i]);
    }
    size_t at, len;
    assert_false(crypto_find_card_number(STR_NONE, &at, &len));
}

static char check_digit(const char *digits, size_t count)
{
    int sum = 0;
    for (size_t i = 0; i < count; i++) {
        int digit = digits[count - 1 - i] - '0';
        if (i % 2 == 0)
            digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return (char)('0' + (10 - sum % 10) % 10);
}

static void exactly_one_check_digit_of_ten_fits(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 4);
    for (int i = 0; i < 2000; i++) {
        char text[17] = "4";
        for (int k = 1; k < 15; k++)
            text[k] = (char)('0' + rng_below(&rng, 10));
        char right = check_digit(text, 15);
        for (int digit = 0; digit < 10; digit++) {
            size_t at, len;
            char c = (char)('0' + digit);
            text[15] = c;
            assert_int_equal(crypto_find_card_number(str_of(text), &at, &len), c == right);
        }
    }
}

static void our_own_ids_and_times_are_never_flagged(void **state)
{
    (void)state;
    for (int i = 0; i < 50000; i++) {
        struct uuid id;
        char uuid_text[UUID_TEXT_SIZE];
        char time_text[CLOCK_TEXT_SIZE];
        size_t at, len;
        rng_fill(&id, sizeof(id));
        assert_false(crypto_find_card_number(uuid_format(&id, uuid_text), &at, &len));
        int64_t wall_us = ((int64_t)id.byte[0] << 42) + i;
        assert_false(crypto_find_card_number(clock_format_us(wall_us, time_text), &at, &len));
    }
}

static void hashes_in_hexadecimal_are_never_flagged(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 100);
    for (int i = 0; i < 50000; i++) {
        char digest[SHA256_SIZE];
        size_t at, len;
        rng_fill(digest, sizeof(digest));
        buf_clear(&text);
        crypto_hex((struct str){digest, sizeof(digest)}, &text);
        assert_false(crypto_find_card_number(buf_str(&text), &at, &len));
    }
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_of_every_scheme_are_found),
        cmocka_unit_test(a_number_is_found_wherever_it_stands),
        cmocka_unit_test(what_is_no_card_is_left_alone),
        cmocka_unit_test(exactly_one_check_digit_of_ten_fits),
        cmocka_unit_test(our_own_ids_and_times_are_never_flagged),
        cmocka_unit_test(hashes_in_hexadecimal_are_never_flagged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

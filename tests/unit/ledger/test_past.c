/* past.h and finder.h: payments of the past in memory. What the ledger has is read in tests/e2e/backtest.mjs. */
#include "ledger/past.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void words_are_kept_once(void **state)
{
    (void)state;
    struct past *past = past_new();
    char text[32];
    uint32_t word[5000];
    assert_int_equal(past_keep(past, STR_NONE), PAST_NONE);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5000; i++) {
            int len = snprintf(text, sizeof(text), "word %d", i);
            uint32_t at = past_keep(past, (struct str){text, (size_t)len});
            if (round == 0)
                word[i] = at;
            assert_int_equal(at, word[i]);
            assert_true(str_eq(past_word(past, at), (struct str){text, (size_t)len}));
        }
    }
    assert_int_equal(past_word_count(past), 5001);
    past_free(&past);
}

static void accounts_of_two_merchants_are_two(void **state)
{
    (void)state;
    struct past *past = past_new();
    const struct uuid one = {{1}};
    const struct uuid two = {{2}};
    uint32_t first = past_keep_account(past, &one, &two);
    assert_int_not_equal(past_keep_account(past, &two, &two), first);
    assert_int_equal(past_keep_account(past, &one, &two), first);
    assert_int_equal(past_account_count(past), 2);
    past_free(&past);
}

static void a_record_tells_rule_draw_and_split(void **state)
{
    (void)state;
    static const struct {
        const char *record;
        const char *rule;
        uint64_t draw, split_bits;
        bool is_split;
    } cases[] = {
        {"{\"rule\":\"a\",\"rule_set\":\"ff\",\"draw\":\"18446744073709551615\",\"order\":"
         "\"split\","
         "\"split\":\"7\",\"candidates\":[",
         "{\"rule\":\"a\",\"rule_set\":\"ff", UINT64_MAX, 7, true},
        {"{\"rule\":\"a\",\"rule_set\":\"ff\",\"draw\":\"1\",\"order\":\"list\",\"candidates\":[",
         "{\"rule\":\"a\",\"rule_set\":\"ff", 1, 0, false},
        /* A name may look like what follows it. */
        {"{\"rule\":\"\\\",\\\"draw\\\":\\\"9\",\"rule_set\":\"ff\",\"draw\":\"2\",\"order\":"
         "\"cost\"",
         "{\"rule\":\"\\\",\\\"draw\\\":\\\"9\",\"rule_set\":\"ff", 2, 0, false},
        {"{\"rule\":\"cut o", "", 0, 0, false},
        {"", "", 0, 0, false},
        {"{\"rule\":\"a\",\"rule_set\":\"ff\",\"draw\":\"", "{\"rule\":\"a\",\"rule_set\":\"ff", 0,
         0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct past *past = past_new();
        struct past_payment *payment = past_add(past);
        past_take_decision(past, payment, str_of(cases[i].record));
        assert_true(str_eq(past_word(past, payment->rule), str_of(cases[i].rule)));
        assert_true(payment->draw == cases[i].draw);
        assert_true(payment->split_bits == cases[i].split_bits);
        assert_int_equal(payment->is_split, cases[i].is_split);
        past_free(&past);
    }
}

static void facts_are_read_to_their_end(void **state)
{
    (void)state;
    static const struct {
        const char *record, *facts;
    } cases[] = {
        {"{\"card_brand\":\"visa\",\"bin\":\"411111\"},\"shadow_set\":{}}",
         "{\"card_brand\":\"visa\",\"bin\":\"411111\"}"},
        {"{\"card_brand\":\"}\\\"}\"}}", "{\"card_brand\":\"}\\\"}\"}"},
        {"{}", "{}"},
        {"{\"card_brand\":\"vis", ""}, /* cut off */
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct past *past = past_new();
        struct past_payment *payment = past_add(past);
        past_take_facts(past, payment, str_of(cases[i].record));
        assert_true(str_eq(past_word(past, payment->facts), str_of(cases[i].facts)));
        past_free(&past);
    }
}

static void payments_come_in_the_order_of_time(void **state)
{
    (void)state;
    struct past *past = past_new();
    past_sort(past); /* of nothing */
    for (int64_t i = 0; i < 3000; i++)
        past_add(past)->created_us = i * 7919 % 3000;
    past_sort(past);
    for (size_t i = 0; i < past_count(past); i++)
        assert_int_equal(past_payment(past, i)->created_us, i);
    past_free(&past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_kept_once),
        cmocka_unit_test(accounts_of_two_merchants_are_two),
        cmocka_unit_test(a_record_tells_rule_draw_and_split),
        cmocka_unit_test(facts_are_read_to_their_end),
        cmocka_unit_test(payments_come_in_the_order_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

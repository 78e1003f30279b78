/*
 * test_facts.c - what is laid out of a payment and of each account, member by member.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "payment/facts.h"

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

enum {
    PAYPAL = 0,
    PAYONEER,
    PAYPAL_PAYOUTS,
};

static struct merchant merchant;
static struct arena arena;
static struct facts facts;

static bool read_env(void *ctx UNUSED, const char *name UNUSED, struct secret *value)
{
    secret_set(value, STR("{\"user\":\"u\",\"password\":\"p\"}"));
    return true;
}

static void add_account(const char *provider, const char *settings)
{
    static const struct merchants_config config = {
        .secrets_folder = "", .default_ca_file = "", .read_env = read_env};
    const struct directory_account row = {
        .account_id = uuid_new(),
        .provider = str_of(provider),
        .name = STR("main"),
        .base_url = STR("https://127.0.0.1:1"),
        .secret_ref = STR("env:X"),
        .settings_json = str_of(settings),
    };
    struct merchant_account *account = &merchant.account[merchant.account_count++];
    merchant_account_build(account, &row, &config, NULL, &arena);
    if (!account->usable)
        fail_msg("%s", account->problem);
}

static int make_merchant(void **state UNUSED)
{
    memset(&merchant, 0, sizeof(merchant));
    arena_init(&arena, 1 << 20);
    merchant.merchant_id = uuid_new();
    add_account("paypal", "{}");
    add_account("payoneer", "{\"country\":\"US\"}");
    add_account("paypal_payouts", "{}");
    return 0;
}

static int drop_merchant(void **state UNUSED)
{
    for (size_t i = 0; i < merchant.account_count; i++)
        merchant_account_release(&merchant.account[i]);
    arena_release(&arena);
    return 0;
}

static struct payment_request payment_of(void)
{
    return (struct payment_request){
        .amount_minor = 1099,
        .currency = currency_find(STR("EUR")),
        .capture_automatic = true,
        .method_type = STR("card"),
        .token = {{STR("paypal"), STR("tok_a")}},
        .token_count = 1,
        .country = STR("DE"),
        .customer_id = STR("c-7"),
        .reference = STR("order-1"),
        .card_brand = STR("visa"),
        .card_country = STR("FR"),
        .card_bin = STR("411111"),
        .metadata = {{STR("tier"), STR("gold")}},
        .metadata_count = 1,
        .only = {STR("paypal")},
        .only_count = 1,
        .never = {STR("payoneer")},
        .never_count = 1,
    };
}

static void lay_out(const struct payment_request *request, const struct facts_source *more)
{
    static const struct payments_parts parts;
    struct facts_source source = {.parts = &parts, .at_us = 77};
    if (more != NULL)
        source = *more;
    source.parts = source.parts != NULL ? source.parts : &parts;
    source.merchant = &merchant;
    source.request = request;
    memset(&facts, 0xA5, sizeof(facts)); /* nothing is left as it was */
    facts_lay_out(&source, &facts);
}

#define assert_text(text, wanted) assert_true(str_eq((text), STR(wanted)))

static void a_payment_is_laid_out_whole(void **state UNUSED)
{
    struct payment_request request = payment_of();
    lay_out(&request, NULL);
    const struct route_facts *payment = &facts.payment;
    assert_int_equal(payment->operation, OPERATION_SALE);
    assert_int_equal(payment->amount_minor, 1099);
    assert_true(payment->currency == request.currency);
    assert_text(payment->method, "card");
    assert_text(payment->country, "DE");
    assert_text(payment->reference, "order-1");
    assert_text(payment->customer, "c-7");
    assert_text(payment->card_brand, "visa");
    assert_text(payment->card_country, "FR");
    assert_text(payment->bin, "411111");
    assert_text(payment->beneficiary_country, "");
    assert_text(payment->previous_decline, "");
    assert_text(str_sub(payment->merchant, 0, 4), "mer_");
    assert_int_equal(payment->attempt, 1);
    assert_int_equal(payment->now_us, 77);
    assert_int_equal(payment->split_bits, 0);
    assert_int_equal(payment->metadata_count, 1);
    assert_text(payment->metadata[0].value, "gold");
    assert_true(payment->only_count == 1 && payment->never_count == 1);
    assert_text(payment->only[0], "paypal");
    assert_text(payment->never[0], "payoneer");
    request.capture_automatic = false;
    lay_out(&request, NULL);
    assert_int_equal(facts.payment.operation, OPERATION_AUTHORIZE);
}

static void accounts_that_pay_out_are_for_payouts_alone(void **state UNUSED)
{
    const struct provider_beneficiary beneficiary = {.country = STR("PL")};
    struct payment_request request = payment_of();
    lay_out(&request, NULL);
    assert_int_equal(facts.count, 2);
    assert_true(facts.account[0] == &merchant.account[PAYPAL]);
    assert_true(facts.account[1] == &merchant.account[PAYONEER]);
    assert_true(facts.candidate[0].has_token && facts.candidate[0].takes_operation);
    assert_text(facts.token[0], "tok_a");
    assert_false(facts.candidate[1].has_token);
    request.is_payout = true;
    request.beneficiary = &beneficiary;
    request.country = STR_NONE;
    lay_out(&request, NULL);
    assert_int_equal(facts.count, 1);
    assert_true(facts.account[0] == &merchant.account[PAYPAL_PAYOUTS]);
    assert_int_equal(facts.payment.operation, OPERATION_PAYOUT);
    assert_text(facts.payment.beneficiary_country, "PL");
    assert_text(facts.payment.country, "PL");
    assert_text(facts.token[0], "tok_a"); /* by its family's name */
    assert_true(facts.candidate[0].takes_method && facts.candidate[0].takes_operation);
}

static void what_an_account_takes_is_heeded(void **state UNUSED)
{
    struct payment_request request = payment_of();
    struct merchant_account *paypal = &merchant.account[PAYPAL];
    paypal->row.methods = STR("wallet klarna");
    paypal->row.amount_max_minor = 5000;
    lay_out(&request, NULL);
    assert_false(facts.candidate[PAYPAL].takes_method);
    assert_true(facts.candidate[PAYONEER].takes_method);
    assert_true(facts.candidate[PAYPAL].amount_max_minor > 0 &&
                facts.candidate[PAYPAL].amount_max_minor <= 5000);
    request.method_type = STR("test");
    request.test_outcome = STR("approved");
    lay_out(&request, NULL);
    assert_true(facts.candidate[PAYPAL].takes_method && facts.candidate[PAYONEER].has_token);
    assert_text(facts.token[PAYONEER], "tok_ok");
    request.method_type = STR("klarna");
    request.currency = currency_find(STR("XOF"));
    lay_out(&request, NULL);
    assert_true(facts.candidate[PAYPAL].takes_method);
    assert_int_equal(facts.candidate[PAYPAL].takes_currency,
                     merchant_account_takes(paypal, request.currency));
    paypal->row.disabled = true;
    merchant.account[PAYONEER].usable = false;
    lay_out(&request, NULL);
    assert_true(facts.candidate[PAYPAL].disabled && facts.candidate[PAYONEER].disabled);
}

/* Without a token only where the payer approves at the provider's page. */
static void a_payer_may_be_asked(void **state UNUSED)
{
    struct payment_request request = payment_of();
    request.token_count = 0;
    request.asks_payer = true;
    lay_out(&request, NULL);
    for (size_t i = 0; i < facts.count; i++)
        assert_int_equal(facts.candidate[i].has_token,
                         facts.account[i]->account.provider->capability.asks_payer);
    assert_true(facts.candidate[PAYPAL].has_token);
}

static void accounts_that_rest_are_busy_for_those_who_heed_it(void **state UNUSED)
{
    struct payment_request request = payment_of();
    struct rests *rests = rests_new();
    rests_turned_away(rests, &merchant.account[PAYPAL].account.account_id, 60000, clock_mono_us());
    const struct facts_source heeding = {.rests = rests};
    lay_out(&request, &heeding);
    assert_true(facts.candidate[PAYPAL].is_busy);
    assert_false(facts.candidate[PAYONEER].is_busy);
    assert_true(facts_rest_left_us(rests, &merchant.account[PAYPAL].account) > 0);
    lay_out(&request, NULL);
    assert_false(facts.candidate[PAYPAL].is_busy);
    assert_int_equal(facts_rest_left_us(NULL, &merchant.account[PAYPAL].account), 0);
    rests_free(&rests);
}

static void holds_are_of_the_moment_that_is_asked_about(void **state UNUSED)
{
    struct payment_request request = payment_of();
    merchant.account[PAYPAL].row.holds = /* from 2 to 4 ms, as the directory tells it */
        STR("0190a0a0-0000-7000-8000-000000000001\x1fmaintenance\x1f"
            "2000\x1f"
            "4000\x1f"
            "f"
            "\x1fops\x1fmoving\x1e");
    const struct facts_source before = {.wall_us = 1000};
    const struct facts_source within = {.wall_us = 3000};
    lay_out(&request, &before);
    assert_false(facts.candidate[PAYPAL].in_maintenance);
    lay_out(&request, &within);
    assert_true(facts.candidate[PAYPAL].in_maintenance);
    assert_false(facts.candidate[PAYONEER].in_maintenance);
    assert_false(facts.candidate[PAYPAL].disabled || facts.candidate[PAYPAL].drained);
}

static void health_may_be_told_and_is_good_when_nobody_watches(void **state UNUSED)
{
    struct payment_request request = payment_of();
    struct health_view told[MERCHANT_ACCOUNT_MAX] = {
        [PAYPAL] = {.state = HEALTH_OPEN},
        [PAYONEER] = {.state = HEALTH_CLOSED, .success_per_million = 5, .p95_us = 9},
    };
    lay_out(&request, NULL);
    assert_int_equal(facts.candidate[PAYPAL].health.state, HEALTH_CLOSED);
    assert_true(facts.candidate[PAYPAL].health.may_try);
    assert_int_equal(facts.candidate[PAYPAL].health.success_per_million, 1000000);
    const struct facts_source source = {.told = told};
    lay_out(&request, &source);
    assert_int_equal(facts.candidate[PAYPAL].health.state, HEALTH_OPEN);
    assert_int_equal(facts.candidate[PAYONEER].health.p95_us, 9);
}

#define FACTS(name) cmocka_unit_test_setup_teardown(name, make_merchant, drop_merchant)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACTS(a_payment_is_laid_out_whole),
        FACTS(accounts_that_pay_out_are_for_payouts_alone),
        FACTS(what_an_account_takes_is_heeded),
        FACTS(a_payer_may_be_asked),
        FACTS(accounts_that_rest_are_busy_for_those_who_heed_it),
        FACTS(holds_are_of_the_moment_that_is_asked_about),
        FACTS(health_may_be_told_and_is_good_when_nobody_watches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <assert.h>

#include "drive.h"

static struct faults faults;

static bool add(const char *text, char *why)
{
    struct error err;
    int64_t id;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    bool done = faults_add(&faults, object, &id, &err);
    json_decref(object);
    if (!done) {
        (void)snprintf(why, ERROR_TEXT_MAX, "%s", err.text);
    }
    return done;
}

static int setup(void **state)
{
    (void)state;
    faults_init(&faults);
    rng_seed(&faults.rng, 1);
    return 0;
}

static void a_fault_fits_its_provider_and_operation_only(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX];
    assert_true(
        add("{\"provider\":\"paypal\",\"operation\":\"charge\",\"kind\":\"http_500\"}", why));
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_CHARGE).kind, FAULT_HTTP_500);
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_LOOKUP).kind, FAULT_NONE);
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYONEER, SANDBOX_OP_CHARGE).kind, FAULT_NONE);
}

static void any_fits_all(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX];
    assert_true(add("{\"provider\":\"any\",\"operation\":\"any\",\"kind\":\"garbage\"}", why));
    for (int op = SANDBOX_OP_TOKEN; op < SANDBOX_OP_COUNT; op++) {
        assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL, (enum sandbox_operation)op).kind,
                         FAULT_GARBAGE);
        assert_int_equal(faults_pick(&faults, SANDBOX_PAYONEER, (enum sandbox_operation)op).kind,
                         FAULT_GARBAGE);
    }
}

static void a_count_is_used_up(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX];
    assert_true(add("{\"provider\":\"paypal\",\"kind\":\"http_503\",\"count\":2}", why));
    assert_true(add("{\"provider\":\"paypal\",\"kind\":\"http_429\",\"count\":1}", why));
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_CHARGE).kind, FAULT_HTTP_503);
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_CHARGE).kind, FAULT_HTTP_503);
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_CHARGE).kind, FAULT_HTTP_429);
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_CHARGE).kind, FAULT_NONE);
    assert_int_equal(faults.count, 0);
}

static void a_share_hits_about_that_many(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX];
    int hits = 0;
    assert_true(add("{\"provider\":\"paypal\",\"kind\":\"http_500\",\"share\":0.25}", why));
    for (int i = 0; i < 20000; i++) {
        hits += faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_CHARGE).kind == FAULT_HTTP_500;
    }
    assert_in_range(hits, 4700, 5300);
    assert_int_equal(faults.fault[0].hit_count, hits);
}

static void slow_adds_to_what_else_happens(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX];
    assert_true(add("{\"provider\":\"paypal\",\"kind\":\"slow\",\"delay_ms\":300}", why));
    assert_true(
        add("{\"provider\":\"paypal\",\"kind\":\"slow\",\"delay_ms\":200,\"count\":1}", why));
    assert_true(
        add("{\"provider\":\"paypal\",\"kind\":\"hang_after_effect\",\"delay_ms\":9}", why));
    struct fault_plan plan = faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_CHARGE);
    assert_int_equal(plan.kind, FAULT_HANG_AFTER_EFFECT);
    assert_int_equal(plan.slow_ms, 500);
    assert_int_equal(plan.delay_ms, 9);
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_CHARGE).slow_ms, 300);
}

static void declines_touch_charges_and_payouts_only(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX];
    assert_true(add("{\"provider\":\"any\",\"kind\":\"decline_hard\"}", why));
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_REFUND).kind, FAULT_NONE);
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL_PAYOUTS, SANDBOX_OP_LOOKUP).kind,
                     FAULT_NONE);
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL_PAYOUTS, SANDBOX_OP_PAYOUT).kind,
                     FAULT_DECLINE_HARD);
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_CHARGE).kind,
                     FAULT_DECLINE_HARD);
}

/* Every pair of a fault's provider and a request's, for an operation and for the token. */
static void a_family_means_both_of_its_apis(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        bool hits[SANDBOX_PROVIDER_COUNT]; /* none, paypal, payoneer, and their payouts */
        bool hits_token[SANDBOX_PROVIDER_COUNT];
    } cases[] = {
        {"paypal", {false, true, false, true, false}, {false, true, false, true, false}},
        {"payoneer", {false, false, true, false, true}, {false, false, true, false, true}},
        {"paypal_payouts", {false, false, false, true, false}, {false, true, false, true, false}},
        {"payoneer_payouts",
         {false, false, false, false, true},
         {false, false, false, false, true}},
        {"any", {false, true, true, true, true}, {false, true, true, true, true}},
    };
    char why[ERROR_TEXT_MAX];
    char text[100];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        faults_clear(&faults);
        (void)snprintf(text, sizeof(text), "{\"provider\":\"%s\",\"kind\":\"http_500\"}",
                       cases[i].fault);
        assert_true(add(text, why));
        for (int p = SANDBOX_PAYPAL; p < SANDBOX_PROVIDER_COUNT; p++) {
            enum sandbox_provider provider = (enum sandbox_provider)p;
            assert_int_equal(faults_pick(&faults, provider, SANDBOX_OP_LOOKUP).kind ==
                                 FAULT_HTTP_500,
                             cases[i].hits[p]);
            assert_int_equal(faults_pick(&faults, provider, SANDBOX_OP_TOKEN).kind ==
                                 FAULT_HTTP_500,
                             cases[i].hits_token[p]);
        }
    }
}

/* PayPal's two APIs are on one port, Payoneer's on two. */
static void a_port_is_refused_for_all_it_serves(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX];
    assert_true(add("{\"provider\":\"paypal_payouts\",\"kind\":\"refuse\"}", why));
    assert_true(faults_is_refused(&faults, SANDBOX_PAYPAL));
    assert_true(faults_is_refused(&faults, SANDBOX_PAYPAL_PAYOUTS));
    assert_false(faults_is_refused(&faults, SANDBOX_PAYONEER));
    faults_clear(&faults);
    assert_true(add("{\"provider\":\"payoneer_payouts\",\"kind\":\"refuse\"}", why));
    assert_false(faults_is_refused(&faults, SANDBOX_PAYONEER));
    assert_true(faults_is_refused(&faults, SANDBOX_PAYONEER_PAYOUTS));
    faults_clear(&faults);
    assert_true(add("{\"provider\":\"payoneer\",\"kind\":\"refuse\"}", why));
    assert_true(faults_is_refused(&faults, SANDBOX_PAYONEER));
    assert_true(faults_is_refused(&faults, SANDBOX_PAYONEER_PAYOUTS));
    assert_false(faults_is_refused(&faults, SANDBOX_PAYPAL));
}

static void refuse_is_a_state_of_the_provider(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX];
    assert_true(add("{\"provider\":\"paypal\",\"operation\":\"charge\",\"kind\":\"refuse\"}", why));
    assert_true(faults_is_refused(&faults, SANDBOX_PAYPAL));
    assert_false(faults_is_refused(&faults, SANDBOX_PAYONEER));
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_CHARGE).kind, FAULT_NONE);
    assert_true(faults_remove(&faults, faults.fault[0].id));
    assert_false(faults_is_refused(&faults, SANDBOX_PAYPAL));
    assert_false(faults_remove(&faults, 1));
}

static void refuse_with_a_count_thins_until_it_is_used_up(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX];
    assert_true(add("{\"provider\":\"paypal\",\"kind\":\"refuse\",\"count\":2}", why));
    assert_false(faults_is_refused(&faults, SANDBOX_PAYPAL));
    assert_true(faults_is_thinned(&faults, SANDBOX_PAYPAL));
    assert_false(faults_is_thinned(&faults, SANDBOX_PAYONEER));
    assert_true(faults_admit(&faults, SANDBOX_PAYONEER));
    assert_int_equal(faults_pick(&faults, SANDBOX_PAYPAL, SANDBOX_OP_CHARGE).kind, FAULT_NONE);
    assert_false(faults_admit(&faults, SANDBOX_PAYPAL));
    assert_int_equal(faults.fault[0].hit_count, 1);
    assert_false(faults_admit(&faults, SANDBOX_PAYPAL));
    assert_int_equal(faults.count, 0);
    assert_true(faults_admit(&faults, SANDBOX_PAYPAL));
    assert_false(faults_is_thinned(&faults, SANDBOX_PAYPAL));
}

static void refuse_with_a_share_is_drawn_for_every_connection(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX];
    int refused = 0;
    assert_true(add("{\"provider\":\"any\",\"kind\":\"refuse\",\"share\":0.25}", why));
    assert_true(faults_is_thinned(&faults, SANDBOX_PAYPAL));
    assert_true(faults_is_thinned(&faults, SANDBOX_PAYONEER));
    assert_false(faults_is_thinned(&faults, SANDBOX_NONE)); /* the control API */
    for (int i = 0; i < 20000; i++) {
        assert_true(faults_admit(&faults, SANDBOX_NONE));
        refused += !faults_admit(&faults, SANDBOX_PAYPAL);
    }
    assert_in_range(refused, 4700, 5300);
    assert_int_equal(faults.fault[0].hit_count, refused);
}

/* Both at once: the port is closed, and opens to the thinning one when the other is removed. */
static void refuse_and_a_thinning_refuse_keep_apart(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX];
    assert_true(add("{\"provider\":\"paypal\",\"kind\":\"refuse\",\"count\":1}", why));
    faults_refuse(&faults, SANDBOX_PAYPAL);
    assert_int_equal(faults.count, 2);
    assert_true(faults_is_refused(&faults, SANDBOX_PAYPAL));
    assert_true(faults_remove(&faults, faults.fault[1].id));
    assert_false(faults_is_refused(&faults, SANDBOX_PAYPAL));
    assert_false(faults_admit(&faults, SANDBOX_PAYPAL));
}

static void every_kind_takes_share_count_and_delay(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "refuse",
        "reset_before_read",
        "reset_after_effect",
        "close_before_effect",
        "close_after_effect",
        "hang_before_effect",
        "hang_after_effect",
        "http_500",
        "http_503",
        "http_429",
        "http_500_after_effect",
        "decline_soft",
        "decline_hard",
        "garbage",
        "other_amount",
        "slow",
    };
    char why[ERROR_TEXT_MAX];
    char text[200];
    static_assert(ARRAY_LEN(kinds) == FAULT_KIND_COUNT - 1, "every kind");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        (void)snprintf(text, sizeof(text),
                       "{\"provider\":\"paypal\",\"operation\":\"charge\",\"kind\":\"%s\","
                       "\"share\":0.5,\"count\":10,\"delay_ms\":50}",
                       kinds[i]);
        assert_true(add(text, why));
        assert_int_equal(faults.fault[i].kind, i + 1);
        assert_int_equal(faults.fault[i].share_per_million, 500000);
        assert_int_equal(faults.fault[i].count, 10);
        assert_int_equal(faults.fault[i].delay_ms, 50);
    }
}

/* clang-format off */
static const struct {
    const char *fault;
    const char *why;
} wrong[] = {
    {"{}",                                                              "provider"},
    {"{\"provider\":\"stripe\",\"kind\":\"slow\"}",                     "known are paypal, payoneer, paypal_payouts, payoneer_payouts and any"},
    {"{\"provider\":\"paypal\"}",                                       "unknown kind"},
    {"{\"provider\":\"paypal\",\"kind\":\"explode\"}",                  "reset_after_effect"},
    {"{\"provider\":\"paypal\",\"kind\":\"slow\"}",                     "delay_ms"},
    {"{\"provider\":\"paypal\",\"kind\":\"http_500\",\"share\":0}",     "share"},
    {"{\"provider\":\"paypal\",\"kind\":\"http_500\",\"share\":1.5}",   "share"},
    {"{\"provider\":\"paypal\",\"kind\":\"http_500\",\"share\":\"1\"}", "share"},
    {"{\"provider\":\"paypal\",\"kind\":\"http_500\",\"count\":0}",     "count"},
    {"{\"provider\":\"paypal\",\"kind\":\"http_500\",\"count\":1.5}",   "count"},
    {"{\"provider\":\"paypal\",\"kind\":\"http_500\",\"delay_ms\":-1}", "delay_ms"},
    {"{\"provider\":\"paypal\",\"kind\":\"http_500\",\"operation\":\"buy\"}", "operation"},
    {"{\"provider\":\"paypal\",\"kind\":\"http_500\",\"shar\":1}",      "unknown member shar"},
    {"{\"provider\":\"paypal\",\"kind\":\"refuse\",\"count\":0}",       "count"},
    {"{\"provider\":\"paypal\",\"kind\":\"refuse\",\"share\":2}",       "share"},
    {"{\"provider\":\"paypal\",\"kind\":\"http_500\",\"then\":\"dance\"}", "then"},
    {"[]",                                                              "object"},
};
/* clang-format on */

static void wrong_faults_are_refused_with_the_reason(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX] = "";
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_false(add(wrong[i].fault, why));
        if (!strstr(why, wrong[i].why)) {
            fail_msg("%s: '%s' does not say '%s'", wrong[i].fault, why, wrong[i].why);
        }
    }
    assert_int_equal(faults.count, 0);
}

static void there_is_a_limit(void **state)
{
    (void)state;
    char why[ERROR_TEXT_MAX] = "";
    for (int i = 0; i < FAULTS_MAX; i++) {
        assert_true(add("{\"provider\":\"paypal\",\"kind\":\"http_500\"}", why));
    }
    assert_false(add("{\"provider\":\"paypal\",\"kind\":\"http_500\"}", why));
    assert_non_null(strstr(why, "already"));
    faults_clear(&faults);
    assert_true(add("{\"provider\":\"paypal\",\"kind\":\"http_500\"}", why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_fault_fits_its_provider_and_operation_only, setup),
        cmocka_unit_test_setup(any_fits_all, setup),
        cmocka_unit_test_setup(a_count_is_used_up, setup),
        cmocka_unit_test_setup(a_share_hits_about_that_many, setup),
        cmocka_unit_test_setup(slow_adds_to_what_else_happens, setup),
        cmocka_unit_test_setup(declines_touch_charges_and_payouts_only, setup),
        cmocka_unit_test_setup(a_family_means_both_of_its_apis, setup),
        cmocka_unit_test_setup(a_port_is_refused_for_all_it_serves, setup),
        cmocka_unit_test_setup(refuse_is_a_state_of_the_provider, setup),
        cmocka_unit_test_setup(refuse_with_a_count_thins_until_it_is_used_up, setup),
        cmocka_unit_test_setup(refuse_with_a_share_is_drawn_for_every_connection, setup),
        cmocka_unit_test_setup(refuse_and_a_thinning_refuse_keep_apart, setup),
        cmocka_unit_test_setup(every_kind_takes_share_count_and_delay, setup),
        cmocka_unit_test_setup(wrong_faults_are_refused_with_the_reason, setup),
        cmocka_unit_test_setup(there_is_a_limit, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

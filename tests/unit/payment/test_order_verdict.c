/* What the driver's answer means for an order: nothing that may still arrive is tried again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "payment/order_verdict.h"

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

#define BODY(status, reason, attempts)                                                             \
    "{\"status\":\"" status "\",\"failure\":{\"reason\":\"" reason "\"},\"attempts\":[" attempts   \
    "]}"
#define AT(status, reason) "{\"status\":\"" status "\",\"reason\":\"" reason "\"}"

static struct order_verdict judge(const char *body, struct arena *arena)
{
    struct payment_reply reply = {.status = 201, .body = str_of(body)};
    return order_judge(&reply, arena);
}

static void what_exists_has_begun_unless_nothing_left_our_hands(void **state)
{
    static const struct {
        const char *body;
        enum order_verdict_kind kind;
        const char *status;
    } rows[] = {
        {BODY("processing", "", AT("pending", "")), ORDER_VERDICT_BEGUN, ""},
        {BODY("unclaimed", "", AT("pending", "unclaimed")), ORDER_VERDICT_BEGUN, ""},
        /* it may yet come to what is tried again */
        {BODY("processing", "", AT("processing", "")), ORDER_VERDICT_WAIT, ""},
        {BODY("processing", "", AT("failed", "connect_refused") "," AT("processing", "")),
         ORDER_VERDICT_WAIT, ""},
        {BODY("processing", "", AT("unknown", "timeout")), ORDER_VERDICT_BEGUN, ""},
        {BODY("review", "", AT("unknown", "timeout")), ORDER_VERDICT_BEGUN, ""},
        {BODY("succeeded", "", AT("approved", "")), ORDER_VERDICT_BEGUN, "succeeded"},
        {BODY("returned", "returned", AT("failed", "returned")), ORDER_VERDICT_BEGUN, "returned"},
        {BODY("canceled", "canceled", AT("failed", "canceled")), ORDER_VERDICT_BEGUN, "canceled"},
        {BODY("declined", "invalid_payee", AT("declined", "invalid_payee")), ORDER_VERDICT_BEGUN,
         "declined"},
        {BODY("failed", "connect_refused", AT("failed", "connect_refused")), ORDER_VERDICT_RETRY,
         "failed"},
        {BODY("failed", "token_unavailable",
              AT("failed", "expired") "," AT("failed", "token_unavailable")),
         ORDER_VERDICT_RETRY, "failed"},
        {BODY("failed", "rate_limited",
              AT("failed", "connect_timeout") "," AT("failed", "rate_limited")),
         ORDER_VERDICT_RETRY, "failed"},
        {BODY("failed", "not_expressible",
              AT("failed", "connect_refused") "," AT("failed", "not_expressible")),
         ORDER_VERDICT_RETRY, "failed"},
        {BODY("failed", "connect_refused",
              AT("failed", "connect_refused") "," AT("failed", "no_route")),
         ORDER_VERDICT_RETRY, "failed"},
        {BODY("declined", "rule_declined",
              AT("failed", "connect_refused") "," AT("failed", "rule_declined")),
         ORDER_VERDICT_BEGUN, "declined"},
        {BODY("failed", "breaker_open",
              AT("failed", "not_expressible") "," AT("failed", "rate_limited") "," AT(
                  "failed", "breaker_open")),
         ORDER_VERDICT_RETRY, "failed"},
        {BODY("failed", "not_expressible", AT("failed", "not_expressible")), ORDER_VERDICT_BEGUN,
         "failed"},
        {BODY("failed", "busy", AT("failed", "payout_failed") "," AT("failed", "busy")),
         ORDER_VERDICT_BEGUN, "failed"},
        /* it may still arrive, or will never do */
        {BODY("failed", "not_found", AT("failed", "not_found")), ORDER_VERDICT_BEGUN, "failed"},
        {BODY("failed", "not_sent", AT("failed", "not_sent")), ORDER_VERDICT_BEGUN, "failed"},
        {BODY("failed", "invalid_request", AT("failed", "invalid_request")), ORDER_VERDICT_BEGUN,
         "failed"},
        {BODY("failed", "connect_refused",
              AT("failed", "not_found") "," AT("failed", "connect_refused")),
         ORDER_VERDICT_BEGUN, "failed"},
        {BODY("failed", "connect_refused",
              AT("declined", "insufficient_balance") "," AT("failed", "connect_refused")),
         ORDER_VERDICT_BEGUN, "failed"},
        {BODY("failed", "x", AT("unknown", "connect_refused")), ORDER_VERDICT_BEGUN, "failed"},
        {BODY("failed", "x", ""), ORDER_VERDICT_BEGUN, "failed"},
        {"not JSON", ORDER_VERDICT_BEGUN, ""},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct order_verdict verdict = judge(rows[i].body, &arena);
        if (verdict.kind != rows[i].kind || !str_eq(verdict.status, str_of(rows[i].status)))
            fail_msg("%s: %d " STR_FMT, rows[i].body, (int)verdict.kind, STR_ARG(verdict.status));
    }
    arena_release(&arena);
}

static void every_problem_is_for_now_or_for_ever(void **state)
{
    static const enum message for_now[] = {MESSAGE_KEY_IN_USE,         MESSAGE_RATE_LIMITED,
                                           MESSAGE_INTERNAL,           MESSAGE_OUTCOME_PENDING,
                                           MESSAGE_UNAVAILABLE,        MESSAGE_OVERLOADED,
                                           MESSAGE_NO_HEALTHY_PROVIDER};
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    for (int i = MESSAGE_NONE + 1; i < MESSAGE_COUNT; i++) {
        bool is_for_now = false;
        for (size_t n = 0; n < ARRAY_LEN(for_now); n++)
            is_for_now = is_for_now || (int)for_now[n] == i;
        struct payment_reply reply = {.status = message_entry((enum message)i)->status,
                                      .problem = (enum message)i,
                                      .problem_detail = STR("why")};
        struct order_verdict verdict = order_judge(&reply, &arena);
        if ((verdict.kind == ORDER_VERDICT_WAIT) != is_for_now)
            fail_msg("%s: %d", message_entry((enum message)i)->code, (int)verdict.kind);
        assert_true(str_eq(verdict.reason, str_of(message_entry((enum message)i)->code)));
        assert_true(str_eq(verdict.status, is_for_now ? STR_NONE : STR("failed")));
        assert_true(str_eq(verdict.detail, STR("why")));
    }
    arena_release(&arena);
}

static void what_was_turned_away_costs_no_try(void **state)
{
    static const struct {
        const char *attempts;
        bool is_free;
    } rows[] = {
        {AT("failed", "connect_refused"), false},
        {AT("failed", "connect_refused") "," AT("failed", "not_expressible"), false},
        {AT("failed", "rate_limited"), true},
        {AT("failed", "not_expressible") "," AT("failed", "busy"), true},
        {AT("failed", "breaker_open") "," AT("failed", "connect_timeout"), true},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[512];
        (void)snprintf(body, sizeof(body), BODY("failed", "x", "%s"), rows[i].attempts);
        struct order_verdict verdict = judge(body, &arena);
        assert_int_equal(verdict.kind, ORDER_VERDICT_RETRY);
        if (verdict.is_free != rows[i].is_free)
            fail_msg("%s", rows[i].attempts);
    }
    arena_release(&arena);
}

static void a_disabled_account_is_waited_for(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    struct payment_reply reply = {
        .status = 422, .problem = MESSAGE_NO_ROUTE, .problem_detail = STR("x:main disabled")};
    assert_int_equal(order_judge(&reply, &arena).kind, ORDER_VERDICT_FAILED);
    reply.retry_after_s = 5;
    assert_int_equal(order_judge(&reply, &arena).kind, ORDER_VERDICT_WAIT);
    arena_release(&arena);
}

static void a_detail_is_cut_at_a_characters_edge(void **state)
{
    struct arena arena;
    char text[1024];
    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "\303\244", 2);
    for (size_t from = 0; from < 2; from++) {
        text[0] = from == 0 ? '\303' : 'x';
        struct payment_reply reply = {.problem = MESSAGE_NO_ROUTE,
                                      .problem_detail = {text + from, sizeof(text) - 2}};
        text[1] = from == 0 ? '\244' : 'y';
        struct order_verdict verdict = order_judge(&reply, &arena);
        assert_true(verdict.detail.len >= 499 && verdict.detail.len <= 500);
        assert_true(str_is_utf8(verdict.detail));
    }
    arena_release(&arena);
}

static void pauses_grow_and_are_spread(void **state)
{
    (void)state;
    assert_int_equal(order_pause_ms(500, 60000, 0, 0), 250);
    assert_int_equal(order_pause_ms(500, 60000, 0, 250), 500);
    assert_int_equal(order_pause_ms(500, 60000, 3, 0), 2000);
    assert_int_equal(order_pause_ms(500, 60000, 100, 0), 30000);
    assert_int_equal(order_pause_ms(500, 60000, INT32_MAX, 30000), 60000);
    for (uint32_t i = 0; i < 1000; i++) {
        int64_t pause_ms = order_pause_ms(500, 60000, 2, i * 7919);
        assert_true(pause_ms >= 1000 && pause_ms <= 2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_exists_has_begun_unless_nothing_left_our_hands),
        cmocka_unit_test(every_problem_is_for_now_or_for_ever),
        cmocka_unit_test(what_was_turned_away_costs_no_try),
        cmocka_unit_test(a_disabled_account_is_waited_for),
        cmocka_unit_test(a_detail_is_cut_at_a_characters_edge),
        cmocka_unit_test(pauses_grow_and_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

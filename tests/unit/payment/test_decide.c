/* What a person says of a case: in the books at once, once, and with who, why and on what evidence. */
#include "tests/unit/payment/ask.h"

#include <libpq-fe.h>

struct decided {
    bool is_done;
    enum message problem;
    char detail[256];
    size_t *open; /* not yet answered */
};

static void decision_done(void *ctx, enum message problem, struct str detail)
{
    struct decided *decided = ctx;
    assert_false(decided->is_done);
    decided->is_done = true;
    decided->problem = problem;
    (void)str_copy_to(detail, decided->detail, sizeof(decided->detail));
    if (decided->open == NULL || --*decided->open == 0)
        loop_stop(world.loop);
}

static const char *ask_database(const char *format, ...) PRINTF_LIKE(1, 2);
static const char *ask_database(const char *format, ...)
{
    static char out[2048];
    char sql[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sql, sizeof(sql), format, args);
    va_end(args);
    PGconn *conn = PQconnectdb(world.conninfo);
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    (void)snprintf(out, sizeof(out), "%s", PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
    PQclear(res);
    PQfinish(conn);
    return out;
}

static struct uuid id_of(const char *text)
{
    struct uuid id;
    struct error err;
    if (!uuid_parse(str_of(text), &id, &err))
        fail_msg("%s: %s", text, err.text);
    return id;
}

/* The case of the payment of this key; there must be one. */
static struct payment_decide answer_to(const char *key, enum payment_ruling ruling)
{
    return (struct payment_decide){
        .review_id = id_of(ask_database("SELECT r.review_id FROM reviews r JOIN payments p"
                                        " USING (merchant_id, payment_id) WHERE p.key = '%s'",
                                        key)),
        .ruling = ruling,
        .reason = STR("seen in the dashboard"),
        .evidence = STR("ticket 4711"),
        .key_id = uuid_new(),
        .role = STR("operator"),
    };
}

static void decide(struct decided *decided, const struct payment_decide *asked)
{
    *decided = (struct decided){0};
    payment_decide_start(world.payments, asked, decision_done, decided);
    assert_false(decided->is_done);
    world_wait();
    assert_true(decided->is_done);
}

/* A payment whose answer spoke of other money: in review. */
static void pay_mismatched(struct asked *asked, const char *key)
{
    struct payment_request request = sample(key);
    request.token_count = 1; /* PayPal */
    world_fault("paypal", "other_amount");
    ask(asked, &request);
    expect_status(asked, 202, "review");
    asked_release(asked);
}

static void ask_again(struct asked *asked, const char *key)
{
    struct payment_request request = sample(key);
    request.token_count = 1;
    ask(asked, &request);
}

static void charged_ends_the_payment_with_what_moved(void **state)
{
    struct asked asked;
    struct decided decided;
    (void)state;
    pay_mismatched(&asked, "mis-1");
    struct payment_decide answer = answer_to("mis-1", RULING_CHARGED);
    answer.amount_minor = 1098;
    answer.reference = STR("CAP-77");
    decide(&decided, &answer);
    assert_int_equal(decided.problem, MESSAGE_NONE);
    ask_again(&asked, "mis-1");
    expect_status(&asked, 201, "succeeded");
    assert_true(asked.replayed);
    assert_int_equal(json_integer_value(json_path(asked.json, "amount_captured")), 1098);
    assert_string_equal(text_of(&asked, "attempts.0.provider_reference"), "CAP-77");
    asked_release(&asked);
    assert_string_equal(ask_database("SELECT sum(t.amount_minor) FROM transfers t JOIN payments p"
                                     " USING (merchant_id, payment_id) WHERE p.key = 'mis-1'"
                                     " AND t.kind = 'payment'"),
                        "1098");
    const char *event = ask_database("SELECT e.data FROM events e JOIN payments p"
                                     " USING (merchant_id, payment_id) WHERE p.key = 'mis-1'"
                                     " AND e.type = 'payment.succeeded'");
    assert_non_null(strstr(event, "\"reason\":\"seen in the dashboard\""));
    assert_non_null(strstr(event, "\"evidence\":\"ticket 4711\""));
    assert_non_null(strstr(event, "\"by\":{\"key\":\"key_"));
}

static void not_charged_ends_it_as_failed(void **state)
{
    struct asked asked;
    struct decided decided;
    (void)state;
    pay_mismatched(&asked, "mis-2");
    struct payment_decide answer = answer_to("mis-2", RULING_NOT_CHARGED);
    decide(&decided, &answer);
    assert_int_equal(decided.problem, MESSAGE_NONE);
    ask_again(&asked, "mis-2");
    expect_status(&asked, 201, "failed");
    assert_string_equal(text_of(&asked, "failure.reason"), "told_by_operator");
    asked_release(&asked);
    assert_string_equal(ask_database("SELECT count(*) FROM transfers t JOIN payments p"
                                     " USING (merchant_id, payment_id) WHERE p.key = 'mis-2'"),
                        "0");
}

static void of_two_who_decide_at_once_one_wins(void **state)
{
    struct asked asked;
    struct decided decided[2] = {0};
    size_t open = 2;
    (void)state;
    pay_mismatched(&asked, "mis-3");
    struct payment_decide answer[2] = {answer_to("mis-3", RULING_CHARGED),
                                       answer_to("mis-3", RULING_NOT_CHARGED)};
    for (int i = 0; i < 2; i++) {
        decided[i].open = &open;
        payment_decide_start(world.payments, &answer[i], decision_done, &decided[i]);
    }
    world_wait();
    int winner = decided[0].problem == MESSAGE_NONE ? 0 : 1;
    assert_int_equal(decided[winner].problem, MESSAGE_NONE);
    assert_int_equal(decided[1 - winner].problem, MESSAGE_CONFLICT);
    ask_again(&asked, "mis-3");
    expect_status(&asked, 201, winner == 0 ? "succeeded" : "failed");
    asked_release(&asked);
}

static void deciding_again_changes_nothing(void **state)
{
    struct asked asked;
    struct decided decided;
    (void)state;
    pay_mismatched(&asked, "mis-4");
    struct payment_decide answer = answer_to("mis-4", RULING_CHARGED);
    decide(&decided, &answer);
    assert_int_equal(decided.problem, MESSAGE_NONE);
    char before[64];
    const char *count = "SELECT (SELECT count(*) FROM events) || ' ' || (SELECT count(*) FROM"
                        " transfers) || ' ' || (SELECT count(*) FROM outcomes)";
    (void)snprintf(before, sizeof(before), "%s", ask_database("%s", count));
    for (int i = RULING_NONE + 1; i < RULING_COUNT; i++) {
        answer.ruling = (enum payment_ruling)i;
        decide(&decided, &answer);
        assert_int_equal(decided.problem, MESSAGE_CONFLICT);
    }
    assert_string_equal(ask_database("%s", count), before);
}

static void what_does_not_fit_is_refused(void **state)
{
    struct asked asked;
    struct decided decided;
    (void)state;
    pay_mismatched(&asked, "mis-5");
    struct payment_decide answer = answer_to("mis-5", RULING_ACCEPTED);
    decide(&decided, &answer);
    assert_int_equal(decided.problem, MESSAGE_INVALID_MEMBER);
    answer.ruling = RULING_CHARGED;
    answer.merchant_id = uuid_new(); /* another merchant's operator, if there were one */
    decide(&decided, &answer);
    assert_int_equal(decided.problem, MESSAGE_NOT_FOUND);
    answer.merchant_id = world.merchant->merchant_id;
    answer.review_id = uuid_new();
    decide(&decided, &answer);
    assert_int_equal(decided.problem, MESSAGE_NOT_FOUND);
}

static void of_an_attempt_that_is_over_only_news_is_posted(void **state)
{
    struct asked asked;
    struct decided decided;
    (void)state;
    struct payment_request request = sample("over-1");
    ask(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    asked_release(&asked);
    (void)ask_database("INSERT INTO reviews SELECT a.merchant_id, gen_random_uuid(), a.payment_id,"
                       " a.attempt_id, a.account_id, NULL, NULL, now(), NULL, now(), '-infinity',"
                       " a.amount_minor, 1098, 0, 0, 0, 'amount_mismatch', 'open', 'sale',"
                       " a.provider, 'EUR', 'EUR', '', '', '', '', '' FROM attempts a JOIN payments"
                       " USING (merchant_id, payment_id) WHERE key = 'over-1' RETURNING 1");
    struct payment_decide answer = answer_to("over-1", RULING_NOT_CHARGED);
    decide(&decided, &answer); /* it is in the books */
    assert_int_equal(decided.problem, MESSAGE_CONFLICT);
    const char *count = "SELECT count(*) || ' ' || (SELECT count(*) FROM transfers) FROM outcomes";
    char before[64];
    (void)snprintf(before, sizeof(before), "%s", ask_database("%s", count));
    answer.ruling = RULING_CHARGED;
    decide(&decided, &answer);
    assert_int_equal(decided.problem, MESSAGE_NONE);
    assert_string_equal(ask_database("%s", count), before);
    assert_string_equal(ask_database("SELECT count(*) FROM events e JOIN payments p"
                                     " USING (merchant_id, payment_id) WHERE p.key = 'over-1'"
                                     " AND e.type = 'payment.review_decided'"),
                        "1");
}

static void rulings_are_found_by_their_names(void **state)
{
    (void)state;
    for (int i = RULING_NONE + 1; i < RULING_COUNT; i++)
        assert_int_equal(payment_ruling_find(str_of(payment_ruling_name((enum payment_ruling)i))),
                         i);
    assert_int_equal(payment_ruling_find(STR("none")), RULING_NONE);
    for (int kind = REVIEW_NONE + 1; kind < REVIEW_KIND_COUNT; kind++) { /* each has an answer */
        bool fits = false;
        for (int i = RULING_NONE + 1; i < RULING_COUNT; i++)
            fits = fits || payment_ruling_fits((enum payment_ruling)i, (enum review_kind)kind,
                                               OPERATION_PAYOUT);
        assert_true(fits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charged_ends_the_payment_with_what_moved),
        cmocka_unit_test(not_charged_ends_it_as_failed),
        cmocka_unit_test(of_two_who_decide_at_once_one_wins),
        cmocka_unit_test(deciding_again_changes_nothing),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(of_an_attempt_that_is_over_only_news_is_posted),
        cmocka_unit_test(rulings_are_found_by_their_names),
    };
    return cmocka_run_group_tests(tests, world_start, world_stop);
}

/* What a refund acts on, and that what is read before has room, however much it is. */
#include "tests/unit/payment/ask.h"

#include <libpq-fe.h>

static const char *ask_database(const char *format, ...) PRINTF_LIKE(1, 2);
static const char *ask_database(const char *format, ...)
{
    static char out[2048];
    char sql[2048];
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

static void operate(struct asked *asked, enum operation operation, const char *payment,
                    const char *key, int64_t amount_minor)
{
    struct error err;
    struct payment_operate_request request = {
        .key = str_of(key),
        .operation = operation,
        .amount_minor = amount_minor,
        .request_id = "req_test",
    };
    *asked = (struct asked){0};
    crypto_sha256(request.key, request.fingerprint);
    assert_true(id_parse(ID_PAYMENT, str_of(payment), &request.payment_id, &err));
    payment_operate_start(world.payments, world.merchant, &request, asked_done, asked);
    world_wait();
    assert_true(asked->is_done);
}

static void refund(struct asked *asked, const char *payment, const char *key, int64_t amount_minor)
{
    operate(asked, OPERATION_REFUND, payment, key, amount_minor);
}

/*
 * Attempt 1 was declined, attempt 2 was on its way; then attempt 1 turned out to be charged, and only
 * then attempt 2 was approved: the payment came to attempt 2, and attempt 1 is taken back.
 */
static void a_refund_is_of_what_the_payment_came_to(void **state)
{
    struct asked paid;
    struct asked refunded;
    struct payment_request request = sample("late-first");
    (void)state;
    request.token[0].token = STR("tok_soft");
    ask(&paid, &request);
    expect_status(&paid, 201, "succeeded");
    assert_string_equal(text_of(&paid, "attempts.1.status"), "approved");
    (void)ask_database(
        "INSERT INTO outcomes SELECT (jsonb_populate_record(o, jsonb_build_object('attempt_id',"
        " f.attempt_id, 'number', 9, 'reference', 'LATE-1', 'created_at', o.created_at"
        " - interval '1 ms'))).* FROM payments p JOIN attempts a USING (merchant_id, payment_id)"
        " JOIN outcomes o USING (merchant_id, attempt_id) JOIN attempts f ON f.merchant_id ="
        " p.merchant_id AND f.payment_id = p.payment_id AND f.number = 1 WHERE p.key = 'late-first'"
        " AND a.number = 2 AND o.outcome = 'approved' RETURNING 1");
    refund(&refunded, text_of(&paid, "id"), "late-first-refund", 100);
    expect_status(&refunded, 201, "succeeded");
    assert_string_equal(ask_database("SELECT routing::jsonb->>'on' FROM payments"
                                     " WHERE key = 'late-first-refund'"),
                        text_of(&paid, "attempts.1.provider_reference"));
    asked_release(&paid);
    asked_release(&refunded);
}

/*
 * Attempt 1 turned out to hold money, too, after attempt 2 had, and an earlier version counted that among
 * what the payment holds: until it is taken back, both holds are in the books, and the capture of attempt
 * 2's ends that one alone.
 */
static void a_capture_ends_its_own_hold_beside_a_late_one(void **state)
{
    struct asked held;
    struct asked captured;
    struct payment_request request = sample("two-holds");
    (void)state;
    request.token[0].token = STR("tok_soft");
    request.capture_automatic = false;
    ask(&held, &request);
    expect_status(&held, 201, "authorized");
    (void)ask_database(
        "WITH late AS (SELECT p.merchant_id, p.payment_id, f.attempt_id FROM payments p"
        " JOIN attempts f USING (merchant_id, payment_id) WHERE p.key = 'two-holds'"
        " AND f.number = 1), moved AS (INSERT INTO transfers SELECT (jsonb_populate_record(t,"
        " jsonb_build_object('transfer_id', l.attempt_id, 'attempt_id', l.attempt_id))).*"
        " FROM late l JOIN transfers t USING (merchant_id, payment_id) WHERE t.state = 'pending'"
        " RETURNING 1) UPDATE payment_limits m SET authorized = 2 * m.authorized,"
        " capture_open = m.authorized FROM late l WHERE m.merchant_id = l.merchant_id"
        " AND m.payment_id = l.payment_id RETURNING (SELECT count(*) FROM moved)");
    operate(&captured, OPERATION_CAPTURE, text_of(&held, "id"), "two-holds-capture", 0);
    expect_status(&captured, 201, "succeeded");
    assert_string_equal(
        ask_database("SELECT sum(CASE t.state WHEN 'pending' THEN 1 ELSE -1 END * t.amount_minor)"
                     " FROM transfers t JOIN payments p USING (merchant_id, payment_id)"
                     " WHERE p.key = 'two-holds' AND t.kind = (SELECT h.kind FROM transfers h"
                     " JOIN payments q USING (merchant_id, payment_id) WHERE q.key = 'two-holds'"
                     " ORDER BY h.created_at LIMIT 1) AND t.state IN ('pending', 'voided')"),
        "1099");
    assert_string_equal(/* nothing is left of its own hold, whatever becomes of the late one */
                        ask_database("SELECT e.status FROM events e JOIN payments p USING "
                                     "(merchant_id, payment_id)"
                                     " WHERE p.key = 'two-holds' ORDER BY e.number DESC LIMIT 1"),
                        "succeeded");
    asked_release(&held);
    asked_release(&captured);
}

/* As much as a merchant may put there; none of it is read for the next one. */
static void many_operations_with_much_metadata_leave_room_for_another(void **state)
{
    struct asked paid;
    struct asked refunded;
    struct payment_request request = sample("much");
    (void)state;
    ask(&paid, &request);
    expect_status(&paid, 201, "succeeded");
    assert_string_equal(
        ask_database("WITH made AS (INSERT INTO payments SELECT (jsonb_populate_record(p,"
                     " jsonb_build_object('payment_id', gen_random_uuid(), 'kind', 'refund',"
                     " 'parent_id', p.payment_id, 'key', 'much-' || i, 'reference', NULL,"
                     " 'metadata', '{\"a\":\"' || repeat('x', 100000) || '\"}'))).*"
                     " FROM payments p, generate_series(1, 900) i WHERE p.key = 'much'"
                     " RETURNING 1) SELECT count(*) FROM made"),
        "900");
    refund(&refunded, text_of(&paid, "id"), "much-refund", 100);
    expect_status(&refunded, 201, "succeeded");
    asked_release(&paid);
    asked_release(&refunded);
}

#define UNKNOWN                                                                                    \
    "SELECT count(*) FROM payments p JOIN attempts a USING (merchant_id, payment_id) JOIN "        \
    "outcomes o"                                                                                   \
    " USING (merchant_id, attempt_id) WHERE p.key = 'often' AND o.outcome = 'unknown'"

/* A day of looks every few seconds, or a week of them every half minute: each repeat is a row. */
static void an_attempt_that_was_repeated_often_is_still_read(void **state)
{
    struct asked asked;
    struct asked later;
    struct payment_request request = sample("often");
    (void)state;
    (void)world_control("POST", "/faults",
                        "{\"provider\":\"paypal\",\"kind\":\"hang_after_effect\","
                        "\"operation\":\"charge\",\"count\":100}");
    ask(&asked, &request);
    expect_status(&asked, 202, "processing");
    for (int i = 0; i < 200 && strcmp(ask_database(UNKNOWN), "0") == 0; i++)
        world_run_for(20 * CLOCK_MS_US);
    const char *made = ask_database(
        "WITH made AS (INSERT INTO outcomes SELECT (jsonb_populate_record(o,"
        " jsonb_build_object('number', o.number + i, 'reason', 'repeat'))).* FROM payments p"
        " JOIN attempts a USING (merchant_id, payment_id) JOIN outcomes o"
        " USING (merchant_id, attempt_id), generate_series(1, 30000) i WHERE p.key = 'often'"
        " AND o.outcome = 'unknown' AND o.number = (SELECT max(x.number) FROM outcomes x"
        " WHERE x.attempt_id = o.attempt_id) RETURNING 1) SELECT count(*) FROM made");
    assert_string_equal(made, "30000");
    (void)world_control("DELETE", "/faults", NULL);
    ask_until_final(&later, &request);
    expect_status(&later, 201, "succeeded");
    asked_release(&asked);
    asked_release(&later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refund_is_of_what_the_payment_came_to),
        cmocka_unit_test(a_capture_ends_its_own_hold_beside_a_late_one),
        cmocka_unit_test(many_operations_with_much_metadata_leave_room_for_another),
        cmocka_unit_test(an_attempt_that_was_repeated_often_is_still_read),
    };
    return cmocka_run_group_tests(tests, world_start, world_stop);
}

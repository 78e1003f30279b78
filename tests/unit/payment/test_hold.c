/* What is held by another authorization than was read: nothing is sent to the one before. */
#include "tests/unit/payment/ask.h"

#include <libpq-fe.h>

struct
    replacing { /* another authorization takes the place, as soon as somebody waits for the limits */
    PGconn *holder, *watcher;
    struct loop_timer timer;
};

static const char *ask_database(PGconn *conn, const char *sql)
{
    static char out[1024];
    PGresult *res = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    (void)snprintf(out, sizeof(out), "%s", PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
    PQclear(res);
    return out;
}

static void replace_if_waited_for(void *ctx)
{
    struct replacing *replacing = ctx;
    const char *waits =
        ask_database(replacing->watcher, "SELECT count(*) FROM pg_locks WHERE NOT granted");
    if (strcmp(waits, "0") != 0)
        (void)ask_database(replacing->holder, "COMMIT");
    else
        loop_timer_start(&replacing->timer, 5 * CLOCK_MS_US);
}

static void operate(struct asked *asked, const char *payment, const char *key,
                    enum operation operation)
{
    struct error err;
    struct payment_operate_request request = {
        .key = str_of(key),
        .operation = operation,
        .request_id = "req_test",
    };
    *asked = (struct asked){0};
    crypto_sha256(request.key, request.fingerprint);
    assert_true(id_parse(ID_PAYMENT, str_of(payment), &request.payment_id, &err));
    payment_operate_start(world.payments, world.merchant, &request, asked_done, asked);
    world_wait();
    assert_true(asked->is_done);
}

static void what_was_read_before_another_took_its_place_is_not_sent(void **state)
{
    (void)state;
    const struct {
        enum operation operation;
        const char *key;
    } rows[] = {{OPERATION_CAPTURE, "race-capture"},
                {OPERATION_VOID, "race-void"},
                {OPERATION_REAUTHORIZE, "race-reauthorize"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char sql[512];
        struct asked held;
        struct asked asked;
        struct payment_request request = sample(rows[i].key);
        request.capture_automatic = false;
        request.token_count = 1; /* PayPal's */
        ask(&held, &request);
        expect_status(&held, 201, "authorized");
        assert_true(strlen(text_of(&held, "authorized_until")) > 0);
        struct replacing replacing = {.holder = PQconnectdb(world.conninfo),
                                      .watcher = PQconnectdb(world.conninfo)};
        (void)ask_database(replacing.holder, "BEGIN");
        (void)snprintf(
            sql, sizeof(sql),
            "UPDATE payment_limits l SET hold_reference = 'ANOTHER' FROM payments p WHERE"
            " p.key = '%s' AND p.payment_id = l.payment_id RETURNING 1",
            rows[i].key);
        assert_string_equal(ask_database(replacing.holder, sql), "1");
        loop_timer_init(&replacing.timer, world.loop, replace_if_waited_for, &replacing);
        loop_timer_start(&replacing.timer, 0);
        char key[64];
        (void)snprintf(key, sizeof(key), "%s-op", rows[i].key);
        operate(&asked, text_of(&held, "id"), key, rows[i].operation);
        loop_timer_release(&replacing.timer);
        assert_int_equal(asked.status, 409);
        assert_int_equal(asked.problem, MESSAGE_OVER_LIMIT);
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM payments WHERE key = '%s'", key);
        assert_string_equal(ask_database(replacing.watcher, sql), "0"); /* nothing was begun */
        PQfinish(replacing.holder);
        PQfinish(replacing.watcher);
        asked_release(&asked);
        asked_release(&held);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_read_before_another_took_its_place_is_not_sent),
    };
    return cmocka_run_group_tests(tests, world_start, world_stop);
}

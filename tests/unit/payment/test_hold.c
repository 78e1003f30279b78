/*
 * What is held by another authorization than was read: nothing is sent to the one before. What is held by
 * one that came late is none of what the payment holds, whatever ends first.
 */
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
                    enum operation operation, int64_t amount_minor)
{
    struct error err;
    struct payment_operate_request request = {
        .key = str_of(key),
        .operation = operation,
        .amount_minor = amount_minor,
        .is_last = amount_minor > 0,
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
        operate(&asked, text_of(&held, "id"), key, rows[i].operation, 0);
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

/* ---- an authorization that came late --------------------------------------------------------- */

static const char *ask_ledger(const char *format, ...) PRINTF_LIKE(1, 2);
static const char *ask_ledger(const char *format, ...)
{
    char sql[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sql, sizeof(sql), format, args);
    va_end(args);
    PGconn *conn = PQconnectdb(world.conninfo);
    const char *answer = ask_database(conn, sql);
    PQfinish(conn);
    return answer;
}

static void wait_for(const char *sql, const char *wanted)
{
    const char *got = "";
    for (int i = 0; i < 400; i++) {
        got = ask_ledger("%s", sql);
        if (strcmp(got, wanted) == 0)
            return;
        world_run_for(50 * CLOCK_MS_US);
    }
    fail_msg("%s: %s instead of %s", sql, got, wanted);
}

/* "own limits / own transfers, late limits / late transfers, status": what is held, and what it is. */
static const char *held(const char *key)
{
    return ask_ledger(
        "WITH p AS (SELECT * FROM payments WHERE key = '%s'), f AS (SELECT a.attempt_id FROM "
        "attempts"
        " a JOIN p USING (merchant_id, payment_id) WHERE a.number = 1), h AS (SELECT t.* FROM"
        " transfers t JOIN p USING (merchant_id, payment_id) WHERE t.kind = 'authorization'"
        " AND t.state = 'pending' AND NOT EXISTS (SELECT FROM transfers v WHERE v.pending_id ="
        " t.transfer_id)) SELECT l.authorized - l.captured || ' / ' || (SELECT"
        " coalesce(sum(amount_minor), 0) FROM h WHERE transfer_id <> (SELECT attempt_id FROM f))"
        " || ', ' || (SELECT coalesce(sum(o.authorized), 0) FROM payment_limits o JOIN f ON"
        " o.payment_id = f.attempt_id) || ' / ' || (SELECT coalesce(sum(amount_minor), 0) FROM h"
        " WHERE transfer_id = (SELECT attempt_id FROM f)) || ', ' || (SELECT e.status FROM events e"
        " JOIN p USING (merchant_id, payment_id) ORDER BY e.number DESC LIMIT 1)"
        " FROM payment_limits l JOIN p USING (merchant_id, payment_id)",
        key);
}

/* Of the one entry in the books of attempt 1. */
static void find_entry(const char *attempt, char id[64])
{
    char path[128];
    struct error err;
    (void)snprintf(path, sizeof(path), "/books?reference=%s", attempt);
    json_t *json = json_parse(world_control("GET", path, NULL), &json_limits_default, &err);
    const json_t *list = json_is_array(json) ? json : json_object_get(json, "entries");
    const json_t *entry = json_array_get(list, 0);
    if (entry == NULL)
        fail_msg("no entry of %s", attempt);
    (void)snprintf(id, 64, "%s", json_string_value(json_object_get(entry, "id")));
    json_decref(json);
}

static void look_again(const char *key)
{
    assert_string_equal(
        ask_ledger(
            "INSERT INTO unresolved (merchant_id, attempt_id, payment_id, account_id, provider,"
            " next_at, lease_until, epoch, tries, reason, parked_at) SELECT a.merchant_id,"
            " a.attempt_id, a.payment_id, a.account_id, a.provider, now(), '-infinity', 0, 0,"
            " 'recheck', now() FROM attempts a JOIN payments p USING (merchant_id, payment_id)"
            " WHERE p.key = '%s' AND a.number = 1 RETURNING 1",
            key),
        "1");
}

static void decided(void *ctx, enum message problem, struct str detail)
{
    if (problem != MESSAGE_NONE)
        fail_msg("not decided: " STR_FMT, STR_ARG(detail));
    *(bool *)ctx = true;
    loop_stop(world.loop);
}

static void accept_it(const char *key)
{
    bool is_done = false;
    struct error err;
    struct payment_decide answer = {
        .ruling = RULING_ACCEPTED,
        .reason = STR("it runs out by itself"),
        .evidence = STR("ticket 4712"),
        .key_id = uuid_new(),
        .role = STR("operator"),
    };
    const char *id = ask_ledger("SELECT r.review_id FROM reviews r JOIN payments p"
                                " USING (merchant_id, payment_id) WHERE p.key = '%s'",
                                key);
    assert_true(uuid_parse(str_of(id), &answer.review_id, &err));
    payment_decide_start(world.payments, &answer, decided, &is_done);
    world_wait();
    assert_true(is_done);
}

/* Declined at PayPal, held at Payoneer; then PayPal holds it all the same: `entry` of its books. */
static void hold_first(struct asked *asked, const char *key, char entry[64])
{
    char body[256];
    struct payment_request request = sample(key);
    request.token[0].token = STR("tok_soft");
    request.capture_automatic = false;
    ask(asked, &request);
    expect_status(asked, 201, "authorized");
    assert_string_equal(text_of(asked, "attempts.0.status"), "declined");
    assert_string_equal(held(key), "1099 / 1099, 0 / 0, authorized");
    find_entry(text_of(asked, "attempts.0.id"), entry);
    (void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"state\":\"completed\"}", entry);
    (void)world_control("POST", "/settle", body);
}

/* ... and PayPal does not let go of it. */
static void hold_twice(struct asked *asked, const char *key, char entry[64])
{
    char sql[256];
    hold_first(asked, key, entry);
    (void)world_control("POST", "/faults",
                        "{\"provider\":\"paypal\",\"operation\":\"void\",\"kind\":\"http_429\"}");
    look_again(key);
    (void)snprintf(sql, sizeof(sql),
                   "SELECT r.kind || ' ' || r.state FROM reviews r JOIN payments p"
                   " USING (merchant_id, payment_id) WHERE p.key = '%s'",
                   key);
    wait_for(sql, "reversal_failed open");
    assert_string_equal(held(key), "1099 / 1099, 1099 / 1099, authorized");
    (void)world_control("DELETE", "/faults", NULL);
}

/* What PayPal answers; the token is one for its own API, or NULL: the client's name and password. */
static struct str call_paypal(const char *path, const char *body, const char *token)
{
    char url[256];
    CURL *curl = curl_easy_init();
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%d%s", world.port[SANDBOX_PORT_PAYPAL],
                   path);
    struct curl_slist *headers =
        token != NULL ? curl_slist_append(NULL, "Content-Type: application/json") : NULL;
    buf_clear(&world.text);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CAINFO, world.pki.ca);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, world_receive);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)WORLD_BOUND_S);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    if (token == NULL) {
        curl_easy_setopt(curl, CURLOPT_USERPWD, "client:secret");
    } else {
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, token);
    }
    CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status >= 300)
        fail_msg("%s: %s, %ld %.*s", path, curl_easy_strerror(code), status, (int)world.text.len,
                 world.text.at != NULL ? world.text.at : "");
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return buf_str(&world.text);
}

/* Voided behind our back, in PayPal's own pages. */
static void void_there(const char *entry)
{
    struct error err;
    char path[128];
    json_t *json =
        json_parse(call_paypal("/v1/oauth2/token", "grant_type=client_credentials", NULL),
                   &json_limits_default, &err);
    const char *token = json_string_value(json_object_get(json, "access_token"));
    assert_non_null(token);
    (void)snprintf(path, sizeof(path), "/v2/payments/authorizations/%s/void", entry);
    (void)call_paypal(path, "", token);
    json_decref(json);
}

/* Its provider lets go of it, and is asked: from its acceptance on it is watched till its time is over. */
static void run_out(const char *key, const char *entry, const char *wanted)
{
    char sql[512];
    (void)snprintf(
        sql, sizeof(sql),
        "SELECT count(*) FROM unresolved u JOIN attempts a USING (merchant_id, attempt_id)"
        " JOIN payments p ON p.merchant_id = a.merchant_id AND p.payment_id = a.payment_id"
        " WHERE p.key = '%s' AND a.number = 1 AND u.reason = 'recheck'"
        " AND u.next_at > now() + interval '20 days' AND u.lease_until < now()",
        key);
    wait_for(sql, "1");
    void_there(entry);
    assert_string_equal(ask_ledger("WITH due AS (UPDATE unresolved u SET next_at = now() FROM"
                                   " attempts a JOIN payments p USING (merchant_id, payment_id)"
                                   " WHERE u.attempt_id = a.attempt_id AND a.number = 1"
                                   " AND p.key = '%s' RETURNING 1) SELECT count(*) FROM due",
                                   key),
                        "1");
    for (int i = 0; i < 400 && strcmp(held(key), wanted) != 0; i++)
        world_run_for(50 * CLOCK_MS_US);
    assert_string_equal(held(key), wanted);
}

static void what_came_late_is_taken_back_alone(void **state)
{
    (void)state;
    char entry[64];
    struct asked paid;
    hold_first(&paid, "late-back", entry);
    look_again("late-back");
    wait_for("SELECT r.kind || ' ' || r.outcome FROM reviews r JOIN payments p"
             " USING (merchant_id, payment_id) WHERE p.key = 'late-back'",
             "late_success reversed");
    assert_string_equal(held("late-back"), "1099 / 1099, 0 / 0, authorized");
    asked_release(&paid);
}

static void what_came_late_stays_when_the_payments_own_hold_ends(void **state)
{
    (void)state;
    const struct {
        const char *key;
        enum operation operation;
        int64_t amount_minor;
        const char *ended, *run_out;
    } rows[] = {
        {"late-void", OPERATION_VOID, 0, "0 / 0, 1099 / 1099, canceled", "0 / 0, 0 / 0, canceled"},
        {"late-capture", OPERATION_CAPTURE, 0, "0 / 0, 1099 / 1099, succeeded",
         "0 / 0, 0 / 0, succeeded"},
        {"late-last", OPERATION_CAPTURE, 100, "0 / 0, 1099 / 1099, succeeded",
         "0 / 0, 0 / 0, succeeded"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char entry[64];
        char key[64];
        struct asked paid;
        struct asked ended;
        hold_twice(&paid, rows[i].key, entry);
        accept_it(rows[i].key);
        assert_string_equal(held(rows[i].key), "1099 / 1099, 1099 / 1099, authorized");
        (void)snprintf(key, sizeof(key), "%s-much", rows[i].key);
        operate(&ended, text_of(&paid, "id"), key, OPERATION_CAPTURE, 1100);
        assert_int_equal(ended.problem, MESSAGE_OVER_LIMIT); /* its own hold is all that it has */
        asked_release(&ended);
        (void)snprintf(key, sizeof(key), "%s-end", rows[i].key);
        operate(&ended, text_of(&paid, "id"), key, rows[i].operation, rows[i].amount_minor);
        expect_status(&ended, 201, "succeeded");
        assert_string_equal(held(rows[i].key), rows[i].ended);
        run_out(rows[i].key, entry, rows[i].run_out);
        asked_release(&paid);
        asked_release(&ended);
    }
}

/* ... and before a person has decided, while its sum is kept for the reversal. */
static void the_payments_own_hold_ends_while_the_late_one_is_taken_back(void **state)
{
    (void)state;
    char entry[64];
    struct asked paid;
    struct asked ended;
    hold_twice(&paid, "late-open", entry);
    operate(&ended, text_of(&paid, "id"), "late-open-void", OPERATION_VOID, 0);
    expect_status(&ended, 201, "succeeded");
    assert_string_equal(held("late-open"), "0 / 0, 1099 / 1099, canceled");
    accept_it("late-open");
    run_out("late-open", entry, "0 / 0, 0 / 0, canceled");
    asked_release(&ended);
    asked_release(&paid);
}

/*
 * ... and so is the payment's own, which came after it had been canceled: the payment is canceled, though
 * another hold is still there.
 */
static void the_payments_own_hold_is_taken_back_beside_a_late_one(void **state)
{
    (void)state;
    char entry[64];
    struct asked paid;
    hold_twice(&paid, "late-own", entry);
    assert_string_equal(ask_ledger("UPDATE payment_limits l SET capture_open = 1099 FROM payments p"
                                   " WHERE p.payment_id = l.payment_id AND p.key = 'late-own'"
                                   " RETURNING 1"),
                        "1");
    assert_string_equal(
        ask_ledger("INSERT INTO reviews SELECT (jsonb_populate_record(r, jsonb_build_object("
                   "'review_id', gen_random_uuid(), 'attempt_id', a.attempt_id, 'account_id',"
                   " a.account_id, 'provider', a.provider, 'state', 'reversing', 'kind',"
                   " 'late_success', 'next_at', now(), 'lease_until', '-infinity', 'epoch', 0,"
                   " 'tries', 0, 'waits', 0, 'reversal_id', NULL))).* FROM reviews r"
                   " JOIN payments p USING (merchant_id, payment_id) JOIN attempts a"
                   " USING (merchant_id, payment_id) WHERE p.key = 'late-own' AND a.number = 2"
                   " RETURNING 1"),
        "1");
    for (int i = 0; i < 400 && strcmp(held("late-own"), "0 / 0, 1099 / 1099, canceled") != 0; i++)
        world_run_for(50 * CLOCK_MS_US);
    assert_string_equal(held("late-own"), "0 / 0, 1099 / 1099, canceled");
    asked_release(&paid);
}

/* Nobody could ask while its reversal was open: it is asked for at once. */
static void what_is_accepted_is_looked_at_again(void **state)
{
    (void)state;
    char entry[64];
    struct asked paid;
    hold_twice(&paid, "late-gone", entry);
    void_there(entry);
    accept_it("late-gone");
    for (int i = 0; i < 400 && strstr(held("late-gone"), ", 0 / 0,") == NULL; i++)
        world_run_for(50 * CLOCK_MS_US);
    assert_string_equal(held("late-gone"), "1099 / 1099, 0 / 0, authorized");
    asked_release(&paid);
}

static void what_came_late_ends_alone(void **state)
{
    (void)state;
    char entry[64];
    struct asked paid;
    struct asked ended;
    hold_twice(&paid, "late-alone", entry);
    accept_it("late-alone");
    run_out("late-alone", entry, "1099 / 1099, 0 / 0, authorized");
    operate(&ended, text_of(&paid, "id"), "late-alone-void", OPERATION_VOID, 0);
    expect_status(&ended, 201, "succeeded");
    assert_string_equal(held("late-alone"), "0 / 0, 0 / 0, canceled");
    asked_release(&ended);
    asked_release(&paid);
}

/* Charged twice: the other charge is nobody's to refund, and the payment's own one is, all of it. */
static void a_late_charge_that_stays_is_not_refunded(void **state)
{
    (void)state;
    char entry[64];
    char body[256];
    struct asked paid;
    struct asked refunded;
    struct payment_request request = sample("late-sale");
    request.token[0].token = STR("tok_soft");
    ask(&paid, &request);
    expect_status(&paid, 201, "succeeded");
    find_entry(text_of(&paid, "attempts.0.id"), entry);
    (void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"state\":\"completed\"}", entry);
    (void)world_control("POST", "/settle", body);
    (void)world_control("POST", "/faults",
                        "{\"provider\":\"paypal\",\"operation\":\"refund\",\"kind\":\"http_429\"}");
    look_again("late-sale");
    wait_for("SELECT r.kind || ' ' || r.state FROM reviews r JOIN payments p"
             " USING (merchant_id, payment_id) WHERE p.key = 'late-sale'",
             "reversal_failed open");
    (void)world_control("DELETE", "/faults", NULL);
    accept_it("late-sale");
    operate(&refunded, text_of(&paid, "id"), "late-sale-much", OPERATION_REFUND, 1100);
    assert_int_equal(refunded.problem, MESSAGE_OVER_LIMIT);
    asked_release(&refunded);
    operate(&refunded, text_of(&paid, "id"), "late-sale-all", OPERATION_REFUND, 0);
    expect_status(&refunded, 201, "succeeded");
    assert_int_equal(json_integer_value(json_path(refunded.json, "amount")), 1099);
    asked_release(&refunded);
    operate(&refunded, text_of(&paid, "id"), "late-sale-more", OPERATION_REFUND, 1);
    assert_int_equal(refunded.problem, MESSAGE_OVER_LIMIT);
    asked_release(&refunded);
    asked_release(&paid);
}

static int start(void **state)
{
    int failed = world_start(state);
    world.payments->config.reverse_try_max = 2;
    world.payments->config.reverse_retry_ms = 100;
    world.payments->config.reverse_wait_ms = 100;
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_read_before_another_took_its_place_is_not_sent),
        cmocka_unit_test(what_came_late_is_taken_back_alone),
        cmocka_unit_test(what_came_late_stays_when_the_payments_own_hold_ends),
        cmocka_unit_test(the_payments_own_hold_ends_while_the_late_one_is_taken_back),
        cmocka_unit_test(the_payments_own_hold_is_taken_back_beside_a_late_one),
        cmocka_unit_test(what_is_accepted_is_looked_at_again),
        cmocka_unit_test(what_came_late_ends_alone),
        cmocka_unit_test(a_late_charge_that_stays_is_not_refunded),
    };
    return cmocka_run_group_tests(tests, start, world_stop);
}

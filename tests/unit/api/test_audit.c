/* test_audit.c - what is recorded of people, before it is done and before it is told, over real HTTP. */
#include "world.h"

#include "api/audit.h"

#define MARK   "Turnpike-Session: 1\r\n"
#define FORGED "tpk_live_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct audit_row *last(void)
{
    assert_true(fake_audit.count > 0);
    return &fake_audit.rows[fake_audit.count - 1];
}

static int post(const char *path, const char *key, const char *body)
{
    return ask("POST", path, key, "", body);
}

static void an_act_is_recorded_with_what_came_of_it(void **state UNUSED)
{
    char key_id[ID_TEXT_SIZE];
    assert_int_equal(
        post("/v1/admin/merchants", world.operator_key, "{\"name\":\"New\",\"country\":\"DE\"}"),
        201);
    assert_int_equal(fake_audit.count, 1);
    const struct audit_row *row = last();
    assert_str(row->act.role, "operator");
    assert_str(row->act.actor, id_format(ID_KEY, &row->act.key_id, key_id).at);
    assert_str(row->act.action, "createMerchant");
    assert_true(uuid_is_zero(&row->act.merchant_id) && uuid_is_zero(&row->act.session_id));
    assert_true(row->act.request.len > 4 && row->act.address.len > 0);
    assert_str(row->act.data_json, "{}"); /* this test's list has neither name nor country */
    assert_int_equal(row->answer.status, 201);
    assert_str(row->answer.outcome, "done");
    assert_str(row->answer.code, "");
    assert_str(row->answer.result, text_of("id"));
    assert_true(row->answer.ended_us >= row->act.begun_us);
}

static void what_is_refused_says_why(void **state UNUSED)
{
    assert_int_equal(post("/v1/admin/merchants/mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B/disable",
                          world.operator_key, NULL),
                     404);
    assert_str(last()->act.action, "disableMerchant");
    assert_str(last()->act.object, "mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B");
    assert_false(uuid_is_zero(&last()->act.merchant_id));
    assert_int_equal(last()->answer.status, 404);
    assert_str(last()->answer.outcome, "refused");
    assert_str(last()->answer.code, "not_found");
    assert_str(last()->answer.result, "");
    assert_int_equal(post("/v1/admin/merchants", world.finance_key, "{\"name\":\"New\"}"), 403);
    assert_int_equal(fake_audit.count, 2);
    assert_str(last()->act.role, "finance");
    assert_str(last()->answer.code, "forbidden");
    assert_false(uuid_is_zero(&last()->act.merchant_id)); /* its own */
}

/* What is malformed is nothing that anybody did, nor is what is only read; backends are no people. */
static void what_is_no_act_of_a_person_leaves_nothing(void **state UNUSED)
{
    assert_int_equal(ask("GET", "/v1/admin/merchants", world.operator_key, "", NULL), 200);
    assert_int_equal(ask("GET", "/v1/payments", world.finance_key, "", NULL), 200);
    assert_int_equal(post("/v1/admin/merchants", world.operator_key, "{\"nam\":\"New\"}"), 422);
    assert_int_equal(post("/v1/admin/merchants", world.operator_key, "{"), 400);
    assert_int_equal(post("/v1/admin/merchants", FORGED, "{\"name\":\"New\"}"), 401);
    assert_int_equal(post("/v1/admin/merchants", world.merchant_key, "{\"name\":\"New\"}"), 403);
    assert_int_equal(post("/v1/nowhere", world.operator_key, NULL), 404);
    (void)ask("POST", "/v1/payments", world.merchant_key, "Idempotency-Key: a\r\n",
              "{\"amount\":1099,\"currency\":\"EUR\",\"method\":{\"type\":\"test\",\"outcome\":"
              "\"approved\"}}");
    assert_int_equal(fake_audit.count, 0);
}

static void what_cannot_be_recorded_is_not_done(void **state UNUSED)
{
    size_t count = fake.merchant_count;
    fake_audit.is_full = true;
    assert_int_equal(post("/v1/admin/merchants", world.operator_key, "{\"name\":\"New\"}"), 503);
    assert_problem(503, "unavailable", "");
    assert_int_equal(fake.merchant_count, count);
    assert_int_equal(ask("GET", "/v1/admin/merchants", world.operator_key, "", NULL), 200);
    fake_audit.is_full = false;
    fake_audit.loses_end = true; /* what was done is told all the same */
    assert_int_equal(post("/v1/admin/merchants", world.operator_key, "{\"name\":\"New\"}"), 201);
    assert_int_equal(last()->answer.ended_us, 0);
}

static void sign_ins_and_refused_ones_are_recorded(void **state UNUSED)
{
    char body[200];
    char head[300];
    (void)snprintf(body, sizeof(body), "{\"key\":\"%s\"}", world.finance_key);
    assert_int_equal(post("/v1/session", NULL, body), 201);
    assert_str(last()->act.action, "createSession");
    assert_str(last()->act.role, "finance");
    assert_str(last()->act.data_json, "{}");
    struct str rest = buf_str(&world.answer.head);
    rest = str_sub(rest, str_find(rest, STR("Set-Cookie: "), 0) + 12, SIZE_MAX);
    struct str pair = str_cut(&rest, ';');
    (void)snprintf(head, sizeof(head), "Cookie: " STR_FMT "\r\n" MARK, STR_ARG(pair));
    assert_int_equal(ask("DELETE", "/v1/session", NULL, head, NULL), 204);
    assert_str(last()->act.action, "deleteSession");
    assert_false(uuid_is_zero(&last()->act.session_id));
    assert_int_equal(last()->answer.status, 204);
    assert_str(last()->answer.outcome, "done");

    (void)snprintf(body, sizeof(body), "{\"key\":\"%s\"}", world.merchant_key);
    assert_int_equal(post("/v1/session", NULL, body), 403);
    assert_str(last()->act.role, "merchant");
    assert_int_equal(post("/v1/session?merchant=mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B", NULL,
                          "{\"key\":\"" FORGED "\"}"),
                     401);
    assert_int_equal(fake_audit.count, 4);
    assert_str(last()->act.role, "nobody");
    assert_str(last()->act.actor, "");
    assert_str(last()->answer.code, "unauthenticated");
    assert_true(uuid_is_zero(&last()->act.merchant_id)); /* whatever a stranger says */
    for (size_t i = 0; i < fake_audit.count; i++) {
        assert_int_equal(str_find(fake_audit.rows[i].act.data_json, STR("tpk_"), 0), SIZE_MAX);
    }
}

static void refused_sign_ins_do_not_fill_the_log(void **state UNUSED)
{
    for (int i = 0; i < AUDIT_REFUSED_BURST + 25; i++)
        assert_int_equal(post("/v1/session", NULL, "{\"key\":\"" FORGED "\"}"), 401);
    assert_int_equal(fake_audit.count, AUDIT_REFUSED_BURST);
    assert_int_equal(post("/v1/admin/merchants", world.operator_key, "{\"name\":\"New\"}"), 201);
    assert_int_equal(last()->act.unrecorded, 25);
    assert_int_equal(post("/v1/admin/merchants", world.operator_key, "{\"name\":\"Newer\"}"), 201);
    assert_int_equal(last()->act.unrecorded, 0);
}

static void what_was_asked_for_is_kept_but_no_more(void **state UNUSED)
{
    assert_int_equal(ask("PUT", "/v1/providers/acc_01JDEX7T1V5M2Q9K8Z4R6W0C3B/state",
                         world.operator_key, "",
                         "{\"state\":\"drained\",\"reason\":\"a \\\"quote\\\"\"}"),
                     404);
    assert_str(last()->act.data_json, "{\"reason\":\"a \\\"quote\\\"\"}");
    assert_str(last()->act.object, "acc_01JDEX7T1V5M2Q9K8Z4R6W0C3B");
    /* nor is what stands in an address and is no name of ours */
    assert_int_equal(post("/v1/admin/merchants/4111111111111111/disable", world.operator_key, NULL),
                     404);
    assert_str(last()->act.object, "");
    (void)post("/v1/admin/merchants/%FF/disable", world.operator_key, NULL);
    assert_str(last()->act.object, "");
}

static void finance_sees_its_own_and_operators_all(void **state UNUSED)
{
    char path[128];
    char id[ID_TEXT_SIZE];
    assert_int_equal(post("/v1/admin/merchants", world.operator_key, "{\"name\":\"New\"}"), 201);
    assert_int_equal(
        ask("GET", "/v1/audit?limit=5&actor=cli:root&outcome=done", world.operator_key, "", NULL),
        200);
    assert_string_equal(text_of("object"), "list");
    assert_string_equal(text_of("data.0.object"), "audit_entry");
    assert_string_equal(text_of("data.0.action"), "createMerchant");
    assert_string_equal(text_of("data.0.outcome"), "done");
    assert_true(uuid_is_zero(&fake_audit.filter.merchant_id));
    assert_int_equal(fake_audit.filter.limit, 5);
    assert_str(fake_audit.filter.actor, "cli:root");
    assert_str(fake_audit.filter.outcome, "done");
    assert_int_equal(ask("GET", "/v1/audit", world.finance_key, "", NULL), 200);
    struct uuid own = fake_audit.filter.merchant_id;
    assert_false(uuid_is_zero(&own));
    (void)snprintf(path, sizeof(path), "/v1/audit?merchant=%s",
                   id_format(ID_MERCHANT, &own, id).at);
    assert_int_equal(ask("GET", path, world.finance_key, "", NULL), 200);
    assert_int_equal(ask("GET", path, world.operator_key, "", NULL), 200);
    assert_true(uuid_eq(&own, &fake_audit.filter.merchant_id));
    assert_int_equal(ask("GET", "/v1/audit?merchant=mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B",
                         world.finance_key, "", NULL),
                     404);
    assert_int_equal(ask("GET", "/v1/audit", world.merchant_key, "", NULL), 403);
    assert_int_equal(ask("GET", "/v1/audit?starting_after=aud_1", world.operator_key, "", NULL),
                     400);
    fake.is_away = true;
    assert_int_equal(ask("GET", "/v1/audit", world.operator_key, "", NULL), 503);
}

/* The gateway went away in the middle: nobody knows. */
static void an_act_without_an_end_is_told_as_unknown(void **state UNUSED)
{
    fake_audit.loses_end = true;
    assert_int_equal(post("/v1/admin/merchants", world.operator_key, "{\"name\":\"New\"}"), 201);
    assert_int_equal(ask("GET", "/v1/audit", world.operator_key, "", NULL), 200);
    assert_string_equal(text_of("data.0.outcome"), "unknown");
    assert_true(json_is_null(json_path(world.answer.json, "data.0.status")));
    assert_true(json_is_null(json_path(world.answer.json, "data.0.ended")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(an_act_is_recorded_with_what_came_of_it),
        TEST(what_is_refused_says_why),
        TEST(what_is_no_act_of_a_person_leaves_nothing),
        TEST(what_cannot_be_recorded_is_not_done),
        TEST(sign_ins_and_refused_ones_are_recorded),
        TEST(refused_sign_ins_do_not_fill_the_log),
        TEST(what_was_asked_for_is_kept_but_no_more),
        TEST(finance_sees_its_own_and_operators_all),
        TEST(an_act_without_an_end_is_told_as_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

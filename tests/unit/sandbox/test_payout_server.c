/* Payouts through the server: ports and faults. */
#include "serve.h"

static void send_payout(int fd, const char *id)
{
    char headers[1024];
    char body[400];
    (void)snprintf(headers, sizeof(headers),
                   "Authorization: Bearer %s\r\nContent-Type: application/json\r\n", world.token);
    (void)snprintf(body, sizeof(body),
                   "{\"sender_batch_header\":{\"sender_batch_id\":\"%s\"},\"items\":[{"
                   "\"recipient_type\":\"EMAIL\",\"receiver\":\"a@example.com\","
                   "\"sender_item_id\":\"%s\",\"amount\":{\"currency\":\"USD\",\"value\":"
                   "\"1.00\"}}]}",
                   id, id);
    send_request(fd, "POST", "/v1/payments/payouts", headers, body);
}

static int payout(const char *id)
{
    int fd = dial(SANDBOX_PORT_PAYPAL);
    send_payout(fd, id);
    int status = receive(fd);
    (void)close(fd);
    return status;
}

/* Every kind of fault on the operation, and what of it is in the books; the repeat tells. */
static void faults_hit_payouts_as_they_hit_charges(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        int status; /* -1: reset, 0: closed */
        int booked;
    } cases[] = {
        {"reset_before_read", -1, 0},  {"reset_after_effect", -1, 1},
        {"close_before_effect", 0, 0}, {"close_after_effect", 0, 1},
        {"http_500", 500, 0},          {"http_503", 503, 0},
        {"http_429", 429, 0},          {"http_500_after_effect", 500, 1},
        {"decline_soft", 422, 0},      {"decline_hard", 201, 1},
        {"garbage", 200, 1},           {"slow", 201, 1},
    };
    char members[160];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "p%zu", i);
        (void)snprintf(members, sizeof(members),
                       "{\"provider\":\"%s\",\"operation\":\"payout\",\"kind\":\"%s\","
                       "\"count\":1,\"delay_ms\":1}",
                       i % 2 == 0 ? "paypal_payouts" : "paypal", cases[i].kind);
        assert_int_equal(control("POST", "/faults", members), 201);
        assert_int_equal(sale(id), 201); /* no payout */
        assert_int_equal(payout(id), cases[i].status);
        assert_int_equal(booked(id), 1 + cases[i].booked);
        assert_int_equal(control("DELETE", "/faults", ""), 204);
        assert_int_equal(payout(id), cases[i].booked ? 400 : 201);
        assert_int_equal(booked(id), 2);
    }
}

static void a_payout_that_hangs_after_its_effect_is_found(void **state)
{
    (void)state;
    fault("\"operation\":\"payout\",\"kind\":\"hang_after_effect\",\"count\":1");
    int fd = dial(SANDBOX_PORT_PAYPAL);
    send_payout(fd, "a");
    while (booked("a") == 0) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(payout("a"), 400);
    assert_non_null(strstr(world.answer, "already exists"));
    assert_int_equal(booked("a"), 1);
    (void)close(fd);
}

static void each_payout_port_is_refused_with_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *provider;
        bool open[SANDBOX_PORT_COUNT];
    } cases[] = {
        {"paypal_payouts", {true, false, true, true}},
        {"payoneer_payouts", {true, true, true, false}},
        {"payoneer", {true, true, false, false}},
        {"any", {true, false, false, false}},
    };
    char body[80];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(body, sizeof(body), "{\"provider\":\"%s\",\"kind\":\"refuse\"}",
                       cases[i].provider);
        assert_int_equal(control("POST", "/faults", body), 201);
        for (int port = 0; port < SANDBOX_PORT_COUNT; port++) {
            int fd = try_dial(world.ports[port]);
            assert_int_equal(fd >= 0, cases[i].open[port]);
            (void)close(fd);
        }
        assert_int_equal(control("DELETE", "/faults", ""), 204);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(faults_hit_payouts_as_they_hit_charges),
        TEST(a_payout_that_hangs_after_its_effect_is_found),
        TEST(each_payout_port_is_refused_with_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The sender of webhooks with a real ledger and a real receiver, in one loop: what is sent, what an
 * answer comes to, and what becomes of all that when a worker ends.
 */
#include "tests/unit/ledger/hooks.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <netinet/in.h>

#include "base/json.h"
#include "payment/hook_secret.h"
#include "webhook/out.h"

enum {
    HEARD_MAX = 64,
    PATIENCE_MS = 60000,
    PUMP_MS = 5,
};

static const uint8_t seal_key[AEAD_KEY_SIZE] = {7};

struct heard {
    char id[64];
    char timestamp[32];
    char signature[512];
    char body[16384];
};

static struct receiver {
    struct evhttp *http;
    uint16_t port;
    int status;       /* of every answer; 0: none is given */
    size_t big_bytes; /* of its body */
    struct heard heard[HEARD_MAX];
    size_t count;
    struct evhttp_request *held;
} receiver;

static struct sender {
    struct out *out;
    struct loop_timer pause; /* between two looks */
    struct egress_rules rules;
    struct out_schedule schedule;
} sender;

static void copy_header(struct evhttp_request *request, const char *name, char *out, size_t size)
{
    const char *value = evhttp_find_header(evhttp_request_get_input_headers(request), name);
    assert_true(str_copy_to(str_of(value), out, size));
}

static void take(struct evhttp_request *request, void *ctx)
{
    (void)ctx;
    assert_true(receiver.count < HEARD_MAX);
    struct heard *heard = &receiver.heard[receiver.count++];
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    int len = evbuffer_remove(body, heard->body, sizeof(heard->body) - 1);
    heard->body[len > 0 ? len : 0] = '\0';
    copy_header(request, "webhook-id", heard->id, sizeof(heard->id));
    copy_header(request, "webhook-timestamp", heard->timestamp, sizeof(heard->timestamp));
    copy_header(request, "webhook-signature", heard->signature, sizeof(heard->signature));
    if (receiver.status == 0) {
        receiver.held = request;
        return;
    }
    struct evbuffer *answer = evbuffer_new();
    char block[4096] = {'x'};
    for (size_t sent = 0; sent < receiver.big_bytes; sent += sizeof(block))
        evbuffer_add(answer, block, sizeof(block));
    evhttp_send_reply(request, receiver.status, "x", answer);
    evbuffer_free(answer);
}

static void pump_over(void *ctx)
{
    loop_stop(ctx);
}

static int open_all(void **state)
{
    struct error err;
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    (void)hooks_lab_open(state);
    memset(&receiver, 0, sizeof(receiver));
    memset(&sender, 0, sizeof(sender));
    loop_timer_init(&sender.pause, lab.f.loop, pump_over, lab.f.loop);
    receiver.status = 204;
    receiver.http = evhttp_new(loop_base(lab.f.loop));
    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(receiver.http, "127.0.0.1", 0);
    assert_non_null(bound);
    assert_int_equal(getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &len),
                     0);
    receiver.port = ntohs(((struct sockaddr_in *)(void *)&at)->sin_port);
    evhttp_set_gencb(receiver.http, take, NULL);
    assert_true(address_list_parse(STR("127.0.0.1"), &sender.rules.allowed, &err));
    sender.rules.http_allowed = true;
    assert_true(out_schedule_parse(STR("1h 1h"), &sender.schedule, &err));
    return 0;
}

static void start_sender(int64_t answer_ms)
{
    struct out_config config = out_config_default;
    struct out_parts parts = {
        .loop = lab.f.loop,
        .store = lab.f.store,
        .seal_key = seal_key,
        .schedule = &sender.schedule,
        .rules = &sender.rules,
        .ca_file = "",
    };
    config.interval_ms = 10;
    config.answer_ms = answer_ms;
    sender.out = out_new(&config, &parts);
}

static int close_all(void **state)
{
    out_free(&sender.out);
    loop_timer_release(&sender.pause);
    evhttp_free(receiver.http);
    return hooks_lab_close(state);
}

static void pump_until(bool (*is_so)(void), const char *what)
{
    int64_t give_up_us = clock_mono_us() + PATIENCE_MS * CLOCK_MS_US;
    while (!is_so()) {
        if (clock_mono_us() > give_up_us)
            fail_msg(
                "not within %d s: %s (%ld tries, %ld waiting, %ld sending, %ld delivered, %ld due)",
                PATIENCE_MS / 1000, what,
                fixture_count(lab.conn, "SELECT count(*) FROM hook_tries"),
                hooks_rows("state = 'waiting'"), hooks_rows("state = 'sending'"),
                hooks_rows("state = 'delivered'"), hooks_rows("next_at <= now()"));
        /* By ticks of the loop: what waits for room in the ledger is sent after one. */
        loop_timer_start(&sender.pause, PUMP_MS * CLOCK_MS_US);
        loop_run(lab.f.loop);
    }
}

static struct uuid add_receiver(bool livemode, char secret_text[HOOK_SECRET_TEXT_SIZE])
{
    struct hook_secret secret;
    char url[64];
    struct hook_endpoint endpoint = {
        .merchant_id = lab.merchant_id,
        .endpoint_id = uuid_new(),
        .created_us = clock_wall_us(),
        .event_types = STR("*"),
        .livemode = livemode,
    };
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/hooks", receiver.port);
    endpoint.url = str_of(url);
    hook_secret_new(seal_key, &endpoint.merchant_id, &endpoint.endpoint_id, endpoint.created_us,
                    &lab.arena, &secret, secret_text);
    lab.f.waiting_for++;
    hooks_create(lab.f.store, &endpoint, &secret, lab_counted, NULL);
    assert_int_equal(lab_count(), 1);
    return endpoint.endpoint_id;
}

static bool has_delivered(void)
{
    return hooks_rows("state = 'delivered'") == 1;
}
static bool has_ended_a_try(void)
{
    return fixture_count(lab.conn, "SELECT count(*) FROM hook_tries") == 1;
}
static bool is_disabled(void)
{
    return hooks_rows("state IN ('waiting', 'sending')") == 0 &&
           fixture_count(lab.conn,
                         "SELECT count(*) FROM hook_endpoints WHERE disabled_at IS NOT NULL") == 1;
}
static bool is_in_hand(void)
{
    return receiver.held != NULL;
}
static bool is_drained(void)
{
    return out_drain(sender.out);
}

static void a_payment_is_told_signed_as_it_is(void **state)
{
    (void)state;
    char secret[HOOK_SECRET_TEXT_SIZE];
    struct error err;
    struct rows r;
    (void)add_receiver(false, secret);
    rows_open(&r, &lab.merchant_id);
    assert_int_equal(write_now(&lab.f, &r.txn), STORE_COMMITTED);
    rows_to_close(&r);
    assert_int_equal(write_now(&lab.f, &r.txn), STORE_COMMITTED);
    start_sender(20000);
    pump_until(has_delivered, "the event is delivered");
    assert_int_equal(receiver.count, 1);
    const struct heard *heard = &receiver.heard[0];
    struct hook_message message = {str_of(heard->id), str_of(heard->timestamp),
                                   str_of(heard->signature), str_of(heard->body)};
    assert_true(
        hook_verify(str_of(secret), &message, clock_wall_us() / CLOCK_SECOND_US, 300, &err));
    json_t *body = json_parse(str_of(heard->body), &json_limits_default, &err);
    char id[ID_TEXT_SIZE];
    char time[CLOCK_TEXT_SIZE];
    assert_non_null(body);
    assert_true(str_eq(json_text(body, "id"), str_of(heard->id)));
    assert_true(str_eq(json_text(body, "id"), id_format(ID_EVENT, &r.events[0].event_id, id)));
    assert_true(str_eq(json_text(body, "type"), STR("payment.succeeded")));
    assert_true(
        str_eq(json_text(body, "timestamp"), clock_format_ms(r.events[0].created_us, time)));
    assert_true(
        str_eq(json_path_text(body, "data.id"), id_format(ID_PAYMENT, &r.payment.payment_id, id)));
    assert_true(str_eq(json_path_text(body, "data.status"), STR("succeeded")));
    json_decref(body);
}

static void a_huge_answer_is_cut_and_counts(void **state)
{
    (void)state;
    char secret[HOOK_SECRET_TEXT_SIZE];
    receiver.big_bytes = 8 << 20;
    receiver.status = 200;
    (void)add_receiver(false, secret);
    (void)happen(1, "payment.succeeded", clock_wall_us());
    start_sender(20000);
    pump_until(has_delivered, "the event is delivered");
    assert_int_equal(hooks_rows("last_status = 200 AND tries = 1"), 1);
}

static void a_live_endpoint_is_never_told_without_tls(void **state)
{
    (void)state;
    char secret[HOOK_SECRET_TEXT_SIZE];
    (void)add_receiver(true, secret);
    (void)happen(1, "payment.succeeded", clock_wall_us());
    start_sender(20000);
    pump_until(has_ended_a_try, "a try has ended");
    assert_int_equal(receiver.count, 0);
    assert_int_equal(hooks_rows("state = 'waiting' AND last_error = 'unreadable'"), 1);
}

static void gone_disables_the_endpoint(void **state)
{
    (void)state;
    char secret[HOOK_SECRET_TEXT_SIZE];
    receiver.status = 410;
    (void)add_receiver(false, secret);
    for (int i = 0; i < 20; i++)
        (void)happen(1, "payment.succeeded", clock_wall_us());
    start_sender(20000);
    pump_until(is_disabled, "the endpoint is disabled and nothing waits");
    assert_true(receiver.count <= 16); /* what was under way */
    assert_int_equal(hooks_rows("state = 'failed'") + hooks_rows("state = 'skipped'"), 20);
}

static void a_worker_that_ends_puts_back_what_is_under_way(void **state)
{
    (void)state;
    char secret[HOOK_SECRET_TEXT_SIZE];
    receiver.status = 0;
    (void)add_receiver(false, secret);
    (void)happen(1, "payment.succeeded", clock_wall_us());
    start_sender(60000);
    pump_until(is_in_hand, "it is being sent");
    assert_false(out_drain(sender.out));
    pump_until(is_drained, "nothing is left");
    assert_int_equal(hooks_rows("state = 'waiting' AND last_error = 'interrupted' AND"
                                " round_tries = 0 AND next_at <= now()"),
                     1);
    (void)happen(1, "payment.succeeded", clock_wall_us());
    assert_int_equal(hooks_rows("state = 'waiting'"), 2); /* and claims nothing any more */
}

static void a_secret_of_another_master_signs_nothing(void **state)
{
    (void)state;
    struct uuid endpoint_id = add_endpoint("*"); /* its secret is not sealed at all */
    (void)endpoint_id;
    (void)happen(1, "payment.succeeded", clock_wall_us());
    start_sender(20000);
    pump_until(has_ended_a_try, "a try has ended");
    assert_int_equal(hooks_rows("state = 'waiting' AND last_error = 'no_secret' AND"
                                " round_tries = 0 AND next_at > now()"),
                     1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_payment_is_told_signed_as_it_is),
        TEST(a_huge_answer_is_cut_and_counts),
        TEST(a_live_endpoint_is_never_told_without_tls),
        TEST(gone_disables_the_endpoint),
        TEST(a_worker_that_ends_puts_back_what_is_under_way),
        TEST(a_secret_of_another_master_signs_nothing),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

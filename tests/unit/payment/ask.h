/*
 * ask.h - one payment request to the driver, as the API would make it, and what came back.
 */
#ifndef TESTS_PAYMENT_ASK_H
#define TESTS_PAYMENT_ASK_H

#include "tests/unit/payment/world.h"

enum {
    TEXT_MAX = 16384,
};

struct asked { /* one request and what came back */
    int status;
    bool is_done;
    bool replayed;
    enum message problem;
    int retry_after_s;
    char detail[1024];
    char problem_payment[64];
    char body[TEXT_MAX];
    char location[128];
    json_t *json;
    size_t *open; /* requests not yet answered */
};

static UNUSED void asked_done(void *ctx, const struct payment_reply *reply)
{
    struct asked *asked = ctx;
    struct error err;
    assert_false(asked->is_done);
    asked->is_done = true;
    asked->status = reply->status;
    asked->replayed = reply->replayed;
    asked->problem = reply->problem;
    asked->retry_after_s = reply->retry_after_s;
    (void)str_copy_to(reply->problem_detail, asked->detail, sizeof(asked->detail));
    (void)str_copy_to(reply->problem_payment, asked->problem_payment,
                      sizeof(asked->problem_payment));
    (void)str_copy_to(reply->location, asked->location, sizeof(asked->location));
    assert_true(str_copy_to(reply->body, asked->body, sizeof(asked->body)));
    if (reply->status < 300) {
        asked->json = json_parse(reply->body, &json_limits_default, &err);
        if (asked->json == NULL)
            fail_msg("%s: %s", err.text, asked->body);
    }
    if (asked->open == NULL || --*asked->open == 0)
        loop_stop(world.loop);
}

static UNUSED void asked_release(struct asked *asked)
{
    json_decref(asked->json);
    *asked = (struct asked){0};
}

static UNUSED struct payment_request sample(const char *key)
{
    struct payment_request request = {
        .key = str_of(key),
        .amount_minor = 1099,
        .currency = currency_find(STR("EUR")),
        .capture_automatic = true,
        .method_type = STR("card"),
        .token = {{STR("paypal"), STR("tok_ok")}, {STR("payoneer"), STR("tok_ok")}},
        .token_count = 2,
        .country = STR("DE"),
        .customer_id = STR("c-7"),
        .customer_json = STR("{\"id\":\"c-7\",\"country\":\"DE\"}"),
        .metadata_json = STR("{\"cart\":\"77\"}"),
        .request_id = "req_test",
    };
    crypto_sha256(STR("sample"), request.fingerprint);
    return request;
}

static UNUSED void ask_start(struct asked *asked, const struct payment_request *request)
{
    payment_create_start(world.payments, world.merchant, request, asked_done, asked);
    assert_false(asked->is_done);
}

static UNUSED void ask(struct asked *asked, const struct payment_request *request)
{
    *asked = (struct asked){0};
    ask_start(asked, request);
    world_wait();
    assert_true(asked->is_done);
}

static UNUSED const char *text_of(const struct asked *asked, const char *path)
{
    const json_t *value = json_path(asked->json, path);
    if (!json_is_string(value))
        fail_msg("no text %s: status %d, problem %d (%s), %s", path, asked->status, asked->problem,
                 asked->detail, asked->body);
    return json_string_value(value);
}

static UNUSED void expect_status(const struct asked *asked, int status, const char *payment_status)
{
    if (asked->status != status)
        fail_msg("status %d instead of %d, problem %d: %s%s", asked->status, status, asked->problem,
                 asked->detail, asked->body);
    if (payment_status != NULL)
        assert_string_equal(text_of(asked, "status"), payment_status);
}

/* Repeat the request under its key until its final answer is there. */
static UNUSED void ask_until_final(struct asked *asked, const struct payment_request *request)
{
    for (int i = 0;; i++) {
        ask(asked, request);
        if (asked->status == 201)
            return;
        assert_true(asked->status == 409 || asked->status == 202 || asked->status == 503);
        asked_release(asked);
        assert_true(i < 200);
        world_run_for(50 * CLOCK_MS_US);
    }
}

#endif

/*
 * payout.h - a world with two accounts that pay out, and what the tests of payouts share: requests,
 * the providers' books, faults, a worker that dies.
 */
#ifndef TESTS_PAYMENT_PAYOUT_H
#define TESTS_PAYMENT_PAYOUT_H

#include "tests/unit/payment/ask.h"

#include <libpq-fe.h>

static UNUSED PGconn *ledger;

static UNUSED void ledger_run(const char *text)
{
    PGresult *res = PQexec(ledger, text);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(ledger));
    PQclear(res);
}

static UNUSED long ledger_count(const char *text, const char *of)
{
    const char *values[] = {of};
    PGresult *res = PQexecParams(ledger, text, 1, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(ledger));
    long count = strtol(PQgetvalue(res, 0, 0), NULL, 10);
    PQclear(res);
    return count;
}

static UNUSED void wait_until(const char *text, const char *of, long count)
{
    for (int i = 0; ledger_count(text, of) != count; i++) {
        if (i == 3000) /* a minute, and more on a busy machine */
            fail_msg("never %ld: %s", count, text);
        world_run_for(20 * CLOCK_MS_US);
    }
}

static UNUSED int start(void **state)
{
    int result = world_start(state);
    world_write_secret("paypal_payouts.json", "{\"user\":\"client\",\"password\":\"secret\"}");
    world_write_secret("payoneer_payouts.json", "{\"user\":\"PARTNER\",\"password\":\"secret\"}");
    const struct uuid *merchant_id = &world.merchant->merchant_id;
    world_put_account(merchant_id, "paypal_payouts", world.port[SANDBOX_PORT_PAYPAL],
                      "{\"settle_ms\":\"1000\"}",
                      "{\"name\":\"c\",\"default\":{\"percent\":\"1.00\"}}");
    world_put_account(merchant_id, "payoneer_payouts", world.port[SANDBOX_PORT_PAYONEER_PAYOUTS],
                      "{\"program_id\":\"100012345\",\"settle_ms\":\"1000\"}",
                      "{\"name\":\"d\",\"default\":{\"percent\":\"2.00\"}}");
    merchants_forget(world.merchants);
    struct uuid id = *merchant_id;
    merchants_load(world.merchants, &id, world_take_merchant, NULL);
    world_wait();
    assert_int_equal(world.merchant->account_count, 4);
    for (size_t i = 0; i < 4; i++)
        if (!world.merchant->account[i].usable)
            fail_msg("%s", world.merchant->account[i].problem);
    (void)world_control("POST", "/settings", "{\"payout_ms\":40}");
    ledger = PQconnectdb(world.conninfo);
    assert_int_equal(PQstatus(ledger), CONNECTION_OK);
    return result;
}

static UNUSED int stop(void **state)
{
    PQfinish(ledger);
    return world_stop(state);
}

/* What a test before did to a provider does not count. */
static UNUSED int feel_well(void **state)
{
    (void)state;
    (void)world_control("DELETE", "/faults", NULL);
    for (size_t n = 0; n < world.merchant->account_count; n++) {
        struct health_entry *entry = world.merchant->account[n].health;
        for (int i = 0; i < 50; i++) {
            health_sent(entry, clock_mono_us());
            health_answered(world.health, entry, HEALTH_SUCCESS, 1000, STR("http_201"),
                            clock_mono_us(), clock_wall_us());
        }
    }
    return 0;
}

static UNUSED void reap_done(void *ctx, enum store_find found, int64_t count,
                             const struct error *why)
{
    (void)ctx;
    (void)why;
    assert_int_equal(found, STORE_FOUND);
    assert_int_equal(count, 1);
    loop_stop(world.loop);
}

enum {
    ANSWER_US = 1500 * CLOCK_MS_US,
};

/* The worker dies with everything in its hands, and another takes its place. */
static UNUSED void die_and_come_back(unsigned resolve_batch, int64_t answer_us)
{
    struct uuid merchant_id = world.merchant->merchant_id;
    struct uuid dead_id = world.writer_id;
    uint8_t keys[2][32];
    memcpy(keys, world.keys, sizeof(keys));
    payments_free(&world.payments);
    engine_free(&world.engine);
    merchant_drop(world.merchant);
    world.merchant = NULL;
    merchants_free(&world.merchants);
    store_free(&world.store);
    loop_timer_release(&world.bound);
    loop_free(&world.loop);
    rule_set_free(&world.rules);
    shm_close(&world.shm);
    world_start_gateway();
    memcpy(world.keys, keys, sizeof(keys)); /* what was sealed is opened */
    world.config.resolve_batch = resolve_batch;
    world.config.limits.answer_us = answer_us;
    if (world.config.limits.lease_us <= answer_us)
        world.config.limits.lease_us = answer_us + CLOCK_SECOND_US;
    world_start_payments();
    store_reap_writer(world.store, &dead_id, clock_wall_us(), reap_done, NULL);
    world_wait();
    merchants_load(world.merchants, &merchant_id, world_take_merchant, NULL);
    world_wait();
}

static UNUSED const struct provider_beneficiary ada = {
    .type = STR_INIT("individual"),
    .first_name = STR_INIT("Ada"),
    .last_name = STR_INIT("Lovelace"),
    .email = STR_INIT("ada@secret.example"),
    .phone = STR_INIT("+4915112345678"),
    .country = STR_INIT("DE"),
    .account_holder = STR_INIT("A. Lovelace"),
    .bank_country = STR_INIT("DE"),
    .iban = STR_INIT("DE89370400440532013000"),
    .bic = STR_INIT("COBADEFFXXX"),
};

/* To PayPal's payee by the name of the family, and to nobody else. */
static UNUSED struct payment_request payout(const char *key, const char *payee)
{
    struct payment_request request = {
        .key = str_of(key),
        .amount_minor = 2500,
        .currency = currency_find(STR("EUR")),
        .is_payout = true,
        .beneficiary = &ada,
        .token = {{STR("paypal"), str_of(payee)}},
        .token_count = 1,
        .metadata_json = STR("{\"run\":\"7\"}"),
        .request_id = "req_test",
    };
    crypto_sha256(STR("payout"), request.fingerprint);
    return request;
}

static UNUSED struct uuid id_of(const struct asked *asked)
{
    struct uuid id;
    struct error err;
    if (!id_parse(ID_PAYOUT, str_of(text_of(asked, "id")), &id, &err))
        fail_msg("%s: %s", text_of(asked, "id"), err.text);
    return id;
}

/* What the provider's books have of this attempt. */
static UNUSED json_t *read_books(const struct asked *asked, int attempt)
{
    char path[128];
    char at[32];
    struct error err;
    struct json_limits limits = {
        .depth_max = 32, .member_count_max = 1000000, .string_bytes_max = 65536};
    (void)snprintf(at, sizeof(at), "attempts.%d.id", attempt);
    (void)snprintf(path, sizeof(path), "/books?reference=%s", text_of(asked, at));
    json_t *json = json_parse(world_control("GET", path, NULL), &limits, &err);
    if (json == NULL)
        fail_msg("%s", err.text);
    return json;
}

static UNUSED const json_t *entries_of(json_t *json)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(json, name, value)
    {
        if (json_is_array(value))
            return value;
    }
    return json;
}

/* How many payouts of this attempt the provider's books have, in this state; NULL: any. */
static UNUSED size_t booked(const struct asked *asked, int attempt, const char *state)
{
    json_t *json = read_books(asked, attempt);
    const json_t *list = entries_of(json);
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        assert_string_equal(json_string_value(json_object_get(entry, "kind")), "payout");
        count += state == NULL || str_eq(json_text(entry, "state"), str_of(state));
    }
    json_decref(json);
    return count;
}

static UNUSED void settle(const struct asked *asked, const char *state)
{
    char body[160];
    json_t *json = read_books(asked, 0);
    assert_int_equal(json_array_size(entries_of(json)), 1);
    struct str id = json_text(json_array_get(entries_of(json), 0), "id");
    (void)snprintf(body, sizeof(body), "{\"id\":\"" STR_FMT "\",\"state\":\"%s\"}", STR_ARG(id),
                   state);
    (void)world_control("POST", "/settle", body);
    json_decref(json);
}

static UNUSED void fault(const char *provider, const char *operation, const char *kind)
{
    char body[256];
    (void)snprintf(body, sizeof(body),
                   "{\"provider\":\"%s\",\"operation\":\"%s\",\"kind\":\"%s\",\"count\":1}",
                   provider, operation, kind);
    (void)world_control("POST", "/faults", body);
}

#define TRANSFERS                                                                                  \
    "SELECT coalesce(sum(transfers.amount_minor), 0) FROM transfers JOIN payments USING "          \
    "(merchant_id,"                                                                                \
    " payment_id) WHERE payments.key = $1 AND transfers.kind = "

#define OPEN_ATTEMPTS                                                                              \
    "SELECT count(*) FROM attempts a JOIN payments p USING (merchant_id, payment_id)"              \
    " WHERE p.key = $1 AND NOT EXISTS (SELECT FROM outcomes o WHERE o.attempt_id = a.attempt_id)"

#endif

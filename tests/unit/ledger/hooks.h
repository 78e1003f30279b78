/*
 * hooks.h - what the tests of webhooks to merchants share: a store, events made up, claims and ends at
 * times of their own.
 */
#ifndef TESTS_UNIT_LEDGER_HOOKS_H
#define TESTS_UNIT_LEDGER_HOOKS_H

#include "tests/unit/ledger/fixture.h"

#include "base/crypto.h"
#include "ledger/hooks.h"

enum {
    HOOKS_LEASE_MS = 60000,
    HOOKS_CLAIM_MAX = 64,
};

#define NOW     (INT64_C(1795000000) * 1000000)
#define SECONDS *INT64_C(1000000)
#define HOURS   *INT64_C(3600000000)

struct hooks_lab {
    struct fixture f;
    PGconn *conn;
    struct arena arena;
    struct uuid merchant_id;
    enum store_find found;
    int64_t count;
    const struct hook_claim *claims;
    size_t claim_count;
    const struct hook_endpoint *endpoints;
    const struct hook_delivery *deliveries;
    size_t row_count;
    bool has_more;
};

static struct hooks_lab lab;

static UNUSED int hooks_lab_open(void **state)
{
    (void)fixture_new_database(state);
    memset(&lab, 0, sizeof(lab));
    fixture_open(&lab.f);
    lab.conn = fixture_connect("postgres");
    arena_init(&lab.arena, 256 << 20);
    lab.merchant_id = uuid_new();
    return 0;
}

static UNUSED int hooks_lab_close(void **state)
{
    (void)state;
    PQfinish(lab.conn);
    arena_release(&lab.arena);
    fixture_close(&lab.f);
    return 0;
}

static UNUSED long hooks_rows(const char *condition)
{
    char sql[512];
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM hook_deliveries WHERE %s", condition);
    return fixture_count(lab.conn, sql);
}

/* ---- answers ---- */

static UNUSED void lab_counted(void *ctx, enum store_find found, int64_t count,
                               const struct error *why)
{
    (void)ctx;
    (void)why;
    lab.found = found;
    lab.count = count;
    fixture_answered(&lab.f);
}

static UNUSED int64_t lab_count(void)
{
    fixture_wait(&lab.f);
    assert_int_equal(lab.found, STORE_FOUND);
    return lab.count;
}

static UNUSED void lab_claimed(void *ctx, enum store_find found, const struct hook_claim *claims,
                               size_t count, const struct error *why)
{
    (void)ctx;
    if (found != STORE_FOUND)
        fail_msg("%s", why->text);
    lab.claims = claims;
    lab.claim_count = count;
    fixture_answered(&lab.f);
}

static UNUSED void lab_endpoints(void *ctx, enum store_find found,
                                 const struct hook_endpoint *endpoints, size_t count,
                                 const struct error *why)
{
    (void)ctx;
    (void)why;
    assert_int_not_equal(found, STORE_FAILED);
    lab.endpoints = endpoints;
    lab.row_count = count;
    fixture_answered(&lab.f);
}

static UNUSED void lab_deliveries(void *ctx, enum store_find found,
                                  const struct hook_delivery *deliveries, size_t count,
                                  bool has_more, const struct error *why)
{
    (void)ctx;
    (void)why;
    assert_int_not_equal(found, STORE_FAILED);
    lab.deliveries = deliveries;
    lab.row_count = count;
    lab.has_more = has_more;
    fixture_answered(&lab.f);
}

/* ---- endpoints ---- */

static UNUSED void fill_secret(struct hook_secret *secret, char mark, int64_t now_us)
{
    static char sealed[HOOK_SECRET_SIZE + AEAD_OVERHEAD];
    memset(sealed, mark, sizeof(sealed));
    *secret = (struct hook_secret){
        .secret_id = uuid_new(),
        .created_us = now_us,
        .sealed = {sealed, sizeof(sealed)},
    };
}

static UNUSED struct uuid add_endpoint_of(const struct uuid *merchant_id, const char *types,
                                          bool enabled)
{
    struct hook_secret secret;
    fill_secret(&secret, 'a', NOW);
    struct hook_endpoint endpoint = {
        .merchant_id = *merchant_id,
        .endpoint_id = uuid_new(),
        .created_us = NOW,
        .url = STR("https://example.com/hooks"),
        .event_types = str_of(types),
        .livemode = true,
        .disabled_us = enabled ? 0 : NOW,
    };
    lab.f.waiting_for++;
    hooks_create(lab.f.store, &endpoint, &secret, lab_counted, NULL);
    assert_int_equal(lab_count(), 1);
    return endpoint.endpoint_id;
}

static UNUSED struct uuid add_endpoint(const char *types)
{
    return add_endpoint_of(&lab.merchant_id, types, true);
}

/* ---- events ---- */

static UNUSED struct store_event event_of(const struct uuid *merchant_id,
                                          const struct uuid *payment_id, int32_t number,
                                          const char *type, int64_t at_us)
{
    uint8_t random[10];
    rng_fill(random, sizeof(random));
    return (struct store_event){
        .merchant_id = *merchant_id,
        .event_id = uuid_make(at_us / 1000, random),
        .payment_id = *payment_id,
        .number = number,
        .type = str_of(type),
        .status = PAYMENT_SUCCEEDED,
        .data_json = STR("{}"),
        .created_us = at_us,
    };
}

static UNUSED enum store_result write_event(const struct uuid *merchant_id,
                                            const struct uuid *payment_id, int32_t number,
                                            const char *type, int64_t at_us)
{
    struct store_event event = event_of(merchant_id, payment_id, number, type, at_us);
    struct store_txn txn = {.name = "event", .events = &event, .event_count = 1};
    return write_now(&lab.f, &txn);
}

static UNUSED struct uuid happen(int32_t number, const char *type, int64_t at_us)
{
    struct uuid payment_id = uuid_new();
    assert_int_equal(write_event(&lab.merchant_id, &payment_id, number, type, at_us),
                     STORE_COMMITTED);
    return payment_id;
}

/* ---- sending ---- */

static UNUSED size_t claim_some(int64_t now_us, unsigned limit, unsigned endpoint_max)
{
    struct hook_wanted wanted = {
        .now_us = now_us,
        .lease_ms = HOOKS_LEASE_MS,
        .limit = limit,
        .endpoint_max = endpoint_max,
    };
    lab.f.waiting_for++;
    hooks_claim(lab.f.store, &wanted, &lab.arena, lab_claimed, NULL);
    fixture_wait(&lab.f);
    return lab.claim_count;
}

static UNUSED size_t claim_now(int64_t now_us)
{
    return claim_some(now_us, HOOKS_CLAIM_MAX, 8);
}

static UNUSED struct hook_end end_of(const struct hook_claim *claim, enum hook_state state,
                                     int64_t next_us)
{
    return (struct hook_end){
        .merchant_id = claim->merchant_id,
        .endpoint_id = claim->endpoint_id,
        .event_id = claim->event_id,
        .epoch = claim->epoch,
        .state = state,
        .next_us = next_us,
        .status = state == HOOK_DELIVERED ? 204 : 0,
        .error = state == HOOK_DELIVERED ? STR_NONE : STR("connect_failed"),
        .elapsed_us = 1234,
    };
}

static UNUSED int64_t end_now(const struct hook_end *ends, size_t count, int64_t now_us)
{
    lab.f.waiting_for++;
    hooks_end(lab.f.store, ends, count, now_us, lab_counted, NULL);
    return lab_count();
}

static UNUSED int64_t end_one(const struct hook_claim *claim, enum hook_state state,
                              int64_t next_us, int64_t now_us)
{
    struct hook_end end = end_of(claim, state, next_us);
    return end_now(&end, 1, now_us);
}

static UNUSED void health_now(const struct uuid *endpoint_id, bool succeeded, bool is_gone,
                              int64_t resume_us, int64_t now_us)
{
    struct hook_health health = {
        .merchant_id = lab.merchant_id,
        .endpoint_id = *endpoint_id,
        .url = STR("https://example.com/hooks"),
        .succeeded = succeeded,
        .is_gone = is_gone,
        .resume_us = resume_us,
    };
    lab.f.waiting_for++;
    hooks_health(lab.f.store, &health, now_us, lab_counted, NULL);
    assert_int_equal(lab_count(), 1);
}

#endif

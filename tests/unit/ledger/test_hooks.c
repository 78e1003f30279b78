/*
 * Webhooks to merchants in the ledger: queued by the transaction that writes the event, claimed by
 * one, in order within a payment; endpoints that are down leave room to the others.
 */
#include "tests/unit/ledger/hooks.h"

static void an_event_is_queued_for_each_endpoint_that_wants_its_type(void **state UNUSED)
{
    static const struct {
        const char *types;
        bool takes[4];
    } endpoints[] = {
        {"*", {true, true, true, true}},
        {"payment.*", {true, true, false, false}},
        {"payment.requires_action", {false, true, false, false}},
        {"payout.* payment.succeeded", {true, false, true, false}},
        {"payment", {false, false, false, false}},
    };
    static const char *const types[] = {"payment.succeeded", "payment.requires_action",
                                        "payout.returned", "paymentsucceeded"};
    char condition[256];
    char text[UUID_TEXT_SIZE];
    struct uuid ids[ARRAY_LEN(endpoints)];
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
        ids[i] = add_endpoint(endpoints[i].types);
    for (size_t n = 0; n < ARRAY_LEN(types); n++)
        (void)happen(1, types[n], NOW);
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        for (size_t n = 0; n < ARRAY_LEN(types); n++) {
            (void)snprintf(condition, sizeof(condition), "endpoint_id = '%s' AND type = '%s'",
                           uuid_format(&ids[i], text).at, types[n]);
            assert_int_equal(hooks_rows(condition), endpoints[i].takes[n]);
        }
    }
    /* '_' is a sign, not any sign. */
    (void)happen(1, "payment.requiresXaction", NOW);
    assert_int_equal(hooks_rows("type = 'payment.requiresXaction'"), 2);
}

static void other_merchants_and_deleted_endpoints_are_told_nothing(void **state UNUSED)
{
    struct uuid other = uuid_new();
    (void)add_endpoint_of(&other, "*", true);
    struct uuid gone = add_endpoint("*");
    lab.f.waiting_for++;
    hooks_delete(lab.f.store, &lab.merchant_id, &gone, NOW, lab_counted, NULL);
    assert_int_equal(lab_count(), 1);
    (void)happen(1, "payment.succeeded", NOW);
    assert_int_equal(hooks_rows("true"), 0);
    assert_int_equal(fixture_count(lab.conn, "SELECT count(*) FROM events"), 1);
    assert_int_equal(fixture_count(lab.conn, "SELECT count(*) FROM hook_secrets WHERE sealed = ''"),
                     1);
}

/* What is not committed is not told; what is committed is, in the same commit. */
static void a_refused_event_is_not_told(void **state UNUSED)
{
    (void)add_endpoint("*");
    struct uuid payment_id = happen(1, "payment.processing", NOW);
    assert_int_equal(write_event(&lab.merchant_id, &payment_id, 1, "payment.failed", NOW),
                     STORE_FENCED);
    assert_int_equal(hooks_rows("true"), 1);
    struct rows r;
    struct store_event event;
    rows_open(&r, &lab.merchant_id);
    r.txn.events = &event;
    r.txn.event_count = 1;
    event = event_of(&lab.merchant_id, &r.payment.payment_id, 1, "payment.processing", NOW);
    assert_int_equal(write_now(&lab.f, &r.txn), STORE_COMMITTED);
    assert_int_equal(hooks_rows("true"), 2);
    /* The same key again, with another payment: it lost, and so did its event. */
    struct uuid second = uuid_new();
    r.payment.payment_id = r.attempt.payment_id = second;
    r.attempt.attempt_id = r.send.attempt_id = uuid_new();
    r.payment.reference = STR_NONE;
    event = event_of(&lab.merchant_id, &second, 1, "payment.processing", NOW);
    assert_int_equal(write_now(&lab.f, &r.txn), STORE_KEY_TAKEN);
    assert_int_equal(hooks_rows("true"), 2);
}

static void what_a_disabled_endpoint_missed_can_be_replayed(void **state UNUSED)
{
    struct uuid endpoint_id = add_endpoint_of(&lab.merchant_id, "*", false);
    for (int i = 0; i < 5; i++)
        (void)happen(1, "payment.succeeded", NOW + i SECONDS);
    assert_int_equal(hooks_rows("state = 'skipped' AND done_at IS NOT NULL"), 5);
    assert_int_equal(claim_now(NOW + 10 SECONDS), 0);
    lab.f.waiting_for++;
    hooks_replay_range(lab.f.store, &lab.merchant_id, &endpoint_id, 0, 0, HOOK_NONE, NOW,
                       lab_counted, NULL);
    assert_int_equal(lab_count(), 0); /* it is still disabled */
    struct hook_change change = {.merchant_id = lab.merchant_id,
                                 .endpoint_id = endpoint_id,
                                 .has_enabled = true,
                                 .enabled = true};
    lab.f.waiting_for++;
    hooks_update(lab.f.store, &change, NOW + 10 SECONDS, lab_counted, NULL);
    assert_int_equal(lab_count(), 1);
    lab.f.waiting_for++;
    hooks_replay_range(lab.f.store, &lab.merchant_id, &endpoint_id, NOW + 1 SECONDS,
                       NOW + 4 SECONDS, HOOK_NONE, NOW + 10 SECONDS, lab_counted, NULL);
    assert_int_equal(lab_count(), 3); /* from included, to excluded */
    assert_int_equal(claim_now(NOW + 10 SECONDS), 3);
}

static void a_delivery_is_claimed_once_until_its_lease_ends(void **state UNUSED)
{
    struct uuid endpoint_id = add_endpoint("*");
    struct uuid payment_id = happen(1, "payment.succeeded", NOW);
    assert_int_equal(claim_now(NOW - 1), 0);
    assert_int_equal(claim_now(NOW), 1);
    const struct hook_claim first = lab.claims[0];
    assert_true(uuid_eq(&first.endpoint_id, &endpoint_id));
    assert_true(uuid_eq(&first.payment_id, &payment_id));
    assert_true(str_eq(first.url, STR("https://example.com/hooks")));
    assert_true(str_eq(first.type, STR("payment.succeeded")));
    assert_int_equal(first.epoch, 1);
    assert_int_equal(first.try_number, 1);
    assert_int_equal(first.round_try_number, 1);
    assert_int_equal(first.secret_count, 1);
    assert_int_equal(first.secrets[0].sealed.len, HOOK_SECRET_SIZE + AEAD_OVERHEAD);
    assert_int_equal(first.secrets[0].sealed.at[0], 'a');
    assert_int_equal(claim_now(NOW + 59 SECONDS), 0);
    assert_int_equal(claim_now(NOW + 60 SECONDS), 1);
    assert_int_equal(lab.claims[0].epoch, 2);
    const struct hook_claim second = lab.claims[0];
    /* Whoever comes late changes nothing. */
    assert_int_equal(end_one(&first, HOOK_FAILED, 0, NOW + 61 SECONDS), 0);
    assert_int_equal(hooks_rows("state = 'sending'"), 1);
    assert_int_equal(end_one(&second, HOOK_DELIVERED, 0, NOW + 62 SECONDS), 1);
    assert_int_equal(end_one(&second, HOOK_FAILED, 0, NOW + 63 SECONDS), 0);
    assert_int_equal(hooks_rows("state = 'delivered' AND last_status = 204"), 1);
    assert_int_equal(fixture_count(lab.conn, "SELECT count(*) FROM hook_tries"), 1);
    assert_int_equal(claim_now(NOW + 9000 SECONDS), 0);
}

static void events_of_a_payment_are_told_one_after_the_other(void **state UNUSED)
{
    (void)add_endpoint("*");
    struct uuid payment_id = happen(1, "payment.processing", NOW);
    assert_int_equal(write_event(&lab.merchant_id, &payment_id, 3, "payment.refunded", NOW - 5),
                     STORE_COMMITTED);
    assert_int_equal(write_event(&lab.merchant_id, &payment_id, 2, "payment.succeeded", NOW),
                     STORE_COMMITTED);
    struct uuid other_id = happen(1, "payment.processing", NOW + 1);
    assert_int_equal(claim_now(NOW + 2), 2);
    bool is_first = uuid_eq(&lab.claims[0].payment_id, &payment_id);
    const struct hook_claim head = lab.claims[is_first ? 0 : 1];
    assert_true(str_eq(head.type, STR("payment.processing")));
    assert_true(uuid_eq(&lab.claims[is_first ? 1 : 0].payment_id, &other_id));
    assert_int_equal(end_one(&lab.claims[is_first ? 1 : 0], HOOK_DELIVERED, 0, NOW + 3), 1);
    /* It failed, and waits: nobody goes past it. */
    assert_int_equal(end_one(&head, HOOK_WAITING, NOW + 300 SECONDS, NOW + 3), 1);
    for (int i = 0; i < 299; i += 13)
        assert_int_equal(claim_now(NOW + i SECONDS), 0);
    assert_int_equal(claim_now(NOW + 300 SECONDS), 1);
    assert_int_equal(end_one(&lab.claims[0], HOOK_DELIVERED, 0, NOW + 301 SECONDS), 1);
    /* The next is due at once, and it alone. */
    assert_int_equal(claim_now(NOW + 301 SECONDS), 1);
    assert_true(str_eq(lab.claims[0].type, STR("payment.succeeded")));
    /* One that has failed for good stands in nobody's way. */
    assert_int_equal(end_one(&lab.claims[0], HOOK_FAILED, 0, NOW + 302 SECONDS), 1);
    assert_int_equal(claim_now(NOW + 302 SECONDS), 1);
    assert_true(str_eq(lab.claims[0].type, STR("payment.refunded")));
}

static void endpoints_take_turns_and_none_has_more_than_its_share(void **state UNUSED)
{
    struct uuid merchants[3] = {uuid_new(), uuid_new(), uuid_new()};
    for (int m = 0; m < 3; m++) {
        (void)add_endpoint_of(&merchants[m], "*", true);
        for (int i = 0; i < (m == 0 ? 40 : 3); i++) {
            struct uuid payment_id = uuid_new();
            assert_int_equal(
                write_event(&merchants[m], &payment_id, 1, "payment.succeeded", NOW + i),
                STORE_COMMITTED);
        }
    }
    assert_int_equal(claim_some(NOW + 1 SECONDS, 6, 4), 6); /* two of each */
    for (int m = 0; m < 3; m++) {
        size_t count = 0;
        for (size_t i = 0; i < lab.claim_count; i++)
            count += uuid_eq(&lab.claims[i].merchant_id, &merchants[m]);
        assert_int_equal(count, 2);
    }
    assert_int_equal(claim_some(NOW + 1 SECONDS, 64, 4), 4); /* two more of the first, one each */
    assert_int_equal(claim_some(NOW + 1 SECONDS, 64, 4), 0); /* the first has its four */
    assert_int_equal(claim_some(NOW + 61 SECONDS, 64, 4), 10);
}

/* What is sent already counts: who has much that is slow does not take each place that is free. */
static void a_backlog_does_not_take_every_free_place(void **state UNUSED)
{
    struct uuid slow = uuid_new();
    struct uuid other = uuid_new();
    (void)add_endpoint_of(&slow, "*", true);
    (void)add_endpoint_of(&other, "*", true);
    for (int i = 0; i < 12; i++) {
        struct uuid payment_id = uuid_new();
        assert_int_equal(write_event(&slow, &payment_id, 1, "payment.succeeded", NOW + i),
                         STORE_COMMITTED);
    }
    assert_int_equal(claim_some(NOW + 1 SECONDS, 4, 8), 4);
    struct uuid payment_id = uuid_new();
    assert_int_equal(write_event(&other, &payment_id, 1, "payment.succeeded", NOW + 1 SECONDS),
                     STORE_COMMITTED);
    assert_int_equal(claim_some(NOW + 2 SECONDS, 1, 8), 1); /* one place is free */
    assert_true(uuid_eq(&lab.claims[0].merchant_id, &other));
}

static void one_that_fails_is_tried_by_one_and_drains_when_it_is_back(void **state UNUSED)
{
    struct uuid endpoint_id = add_endpoint("*");
    for (int i = 0; i < 20; i++)
        (void)happen(1, "payment.succeeded", NOW + i);
    assert_int_equal(claim_some(NOW + 1 SECONDS, 64, 8), 8);
    struct hook_end ends[8];
    for (size_t i = 0; i < 8; i++) {
        ends[i] = end_of(&lab.claims[i], HOOK_WAITING, NOW + 5 HOURS);
        health_now(&endpoint_id, false, false, 0, NOW + 2 SECONDS);
    }
    assert_int_equal(end_now(ends, 8, NOW + 2 SECONDS), 8);
    assert_int_equal(claim_some(NOW + 3 SECONDS, 64, 8), 1);
    assert_int_equal(lab.claims[0].failure_count, 8);
    const struct hook_claim probe = lab.claims[0];
    assert_int_equal(claim_some(NOW + 3 SECONDS, 64, 8), 0);
    /* It succeeds: those that were to wait five hours are due, too. */
    assert_int_equal(end_one(&probe, HOOK_DELIVERED, 0, NOW + 4 SECONDS), 1);
    health_now(&endpoint_id, true, false, 0, NOW + 4 SECONDS);
    size_t told = 1;
    for (int round = 0; round < 10 && told < 20; round++) {
        size_t count = claim_some(NOW + 4 SECONDS, 64, 8);
        for (size_t i = 0; i < count; i++)
            ends[i] = end_of(&lab.claims[i], HOOK_DELIVERED, 0);
        assert_int_equal(end_now(ends, count, NOW + 4 SECONDS), count);
        told += count;
    }
    assert_int_equal(told, 20);
    assert_int_equal(hooks_rows("state = 'delivered'"), 20);
}

static void an_endpoint_that_asks_for_a_pause_has_it(void **state UNUSED)
{
    struct uuid endpoint_id = add_endpoint("*");
    (void)happen(1, "payment.succeeded", NOW);
    health_now(&endpoint_id, false, false, NOW + 100 SECONDS, NOW);
    assert_int_equal(claim_now(NOW + 99 SECONDS), 0);
    assert_int_equal(claim_now(NOW + 100 SECONDS), 1);
}

static void one_that_is_gone_is_disabled_and_what_waits_for_it_is_skipped(void **state UNUSED)
{
    struct uuid endpoint_id = add_endpoint("*");
    for (int i = 0; i < 3; i++)
        (void)happen(1, "payment.succeeded", NOW + i);
    assert_int_equal(claim_some(NOW + 10, 1, 8), 1);
    const struct hook_claim claim = lab.claims[0];
    health_now(&endpoint_id, false, true, 0, NOW + 20);
    assert_int_equal(end_one(&claim, HOOK_FAILED, 0, NOW + 20), 1);
    assert_int_equal(claim_now(NOW + 30), 0);
    lab.f.waiting_for++;
    hooks_sweep(lab.f.store, NOW + 40, lab_counted, NULL);
    assert_int_equal(lab_count(), 2);
    assert_int_equal(hooks_rows("state = 'skipped'"), 2);
    assert_int_equal(hooks_rows("state = 'failed'"), 1);
    lab.f.waiting_for++;
    hooks_load(lab.f.store, &lab.merchant_id, &endpoint_id, NOW + 50, &lab.arena, lab_endpoints,
               NULL);
    fixture_wait(&lab.f);
    assert_int_equal(lab.endpoints->disabled_us, NOW + 20);
    assert_true(str_eq(lab.endpoints->disabled_reason, STR("gone")));
    /* What happens meanwhile is kept, and replayed one by one when it is enabled again. */
    (void)happen(1, "payment.failed", NOW + 60);
    assert_int_equal(hooks_rows("state = 'skipped'"), 3);
    lab.f.waiting_for++;
    hooks_replay(lab.f.store, &lab.merchant_id, &endpoint_id, &claim.event_id, NOW + 70,
                 lab_counted, NULL);
    assert_int_equal(lab_count(), 0);
}

/* A try that was under way when the endpoint moved: its old address is gone, and not the new one. */
static void what_an_old_address_says_is_not_the_new_ones_fault(void **state UNUSED)
{
    struct uuid endpoint_id = add_endpoint("*");
    struct hook_change change = {.merchant_id = lab.merchant_id,
                                 .endpoint_id = endpoint_id,
                                 .has_url = true,
                                 .url = STR("https://example.com/new")};
    struct hook_health health = {.merchant_id = lab.merchant_id,
                                 .endpoint_id = endpoint_id,
                                 .url = STR("https://example.com/hooks"),
                                 .is_gone = true,
                                 .resume_us = NOW + 1 HOURS};
    lab.f.waiting_for++;
    hooks_update(lab.f.store, &change, NOW, lab_counted, NULL);
    assert_int_equal(lab_count(), 1);
    lab.f.waiting_for++;
    hooks_health(lab.f.store, &health, NOW + 1, lab_counted, NULL);
    assert_int_equal(lab_count(), 0);
    (void)happen(1, "payment.succeeded", NOW + 2);
    assert_int_equal(claim_now(NOW + 3), 1);
    assert_true(str_eq(lab.claims[0].url, STR("https://example.com/new")));
}

static void a_replay_begins_a_new_round_and_keeps_the_old_tries(void **state UNUSED)
{
    struct uuid endpoint_id = add_endpoint("*");
    (void)happen(1, "payment.succeeded", NOW);
    assert_int_equal(claim_now(NOW), 1);
    const struct uuid event_id = lab.claims[0].event_id;
    lab.f.waiting_for++;
    hooks_replay(lab.f.store, &lab.merchant_id, &endpoint_id, &event_id, NOW + 1, lab_counted,
                 NULL);
    assert_int_equal(lab_count(), 0); /* it is being sent */
    assert_int_equal(end_one(&lab.claims[0], HOOK_FAILED, 0, NOW + 2), 1);
    lab.f.waiting_for++;
    hooks_replay(lab.f.store, &lab.merchant_id, &endpoint_id, &event_id, NOW + 3, lab_counted,
                 NULL);
    assert_int_equal(lab_count(), 1);
    assert_int_equal(claim_now(NOW + 3), 1);
    assert_int_equal(lab.claims[0].try_number, 2);
    assert_int_equal(lab.claims[0].round_try_number, 1);
    assert_int_equal(end_one(&lab.claims[0], HOOK_DELIVERED, 0, NOW + 4), 1);
    lab.f.waiting_for++;
    hooks_delivery(lab.f.store, &lab.merchant_id, &endpoint_id, &event_id, &lab.arena,
                   lab_deliveries, NULL);
    fixture_wait(&lab.f);
    assert_int_equal(lab.row_count, 1);
    assert_int_equal(lab.deliveries->state, HOOK_DELIVERED);
    assert_int_equal(lab.deliveries->try_row_count, 2);
    assert_true(str_eq(lab.deliveries->tries[0].error, STR("connect_failed")));
    assert_int_equal(lab.deliveries->tries[1].status, 204);
    /* Another merchant's replay, or look, finds nothing. */
    struct uuid other = uuid_new();
    lab.f.waiting_for++;
    hooks_replay(lab.f.store, &other, &endpoint_id, &event_id, NOW + 5, lab_counted, NULL);
    assert_int_equal(lab_count(), 0);
    lab.f.waiting_for++;
    hooks_delivery(lab.f.store, &other, &endpoint_id, &event_id, &lab.arena, lab_deliveries, NULL);
    fixture_wait(&lab.f);
    assert_int_equal(lab.row_count, 0);
}

static void what_was_put_back_does_not_count_as_a_try(void **state UNUSED)
{
    (void)add_endpoint("*");
    (void)happen(1, "payment.succeeded", NOW);
    assert_int_equal(claim_now(NOW), 1);
    struct hook_end end = end_of(&lab.claims[0], HOOK_WAITING, NOW + 1);
    end.does_not_count = true;
    assert_int_equal(end_now(&end, 1, NOW), 1);
    assert_int_equal(claim_now(NOW + 1), 1);
    assert_int_equal(lab.claims[0].round_try_number, 1);
    assert_int_equal(lab.claims[0].try_number, 2);
}

static int64_t rotate(const struct uuid *endpoint_id, char mark, int64_t until_us, int64_t now_us)
{
    struct hook_secret secret;
    fill_secret(&secret, mark, now_us);
    lab.f.waiting_for++;
    hooks_rotate(lab.f.store, &lab.merchant_id, endpoint_id, &secret, until_us, lab_counted, NULL);
    return lab_count();
}

static void secrets_overlap_and_then_end(void **state UNUSED)
{
    struct uuid endpoint_id = add_endpoint("*");
    (void)happen(1, "payment.succeeded", NOW);
    assert_int_equal(rotate(&endpoint_id, 'b', NOW + 100 SECONDS, NOW + 1), 1);
    assert_int_equal(rotate(&endpoint_id, 'c', NOW + 50 SECONDS, NOW + 2), 1);
    assert_int_equal(rotate(&endpoint_id, 'd', NOW + 50 SECONDS, NOW + 3), 1);
    assert_int_equal(rotate(&endpoint_id, 'e', NOW + 50 SECONDS, NOW + 4), 0); /* four are valid */
    assert_int_equal(claim_now(NOW + 10), 1);
    assert_int_equal(lab.claims[0].secret_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(lab.claims[0].secrets[i].sealed.at[0], "dcba"[i]);
    /* The later rotations drew the ends of all former ones nearer. */
    assert_int_equal(claim_now(NOW + 60 SECONDS + 10), 1);
    assert_int_equal(lab.claims[0].secret_count, 1);
    assert_int_equal(lab.claims[0].secrets[0].sealed.at[0], 'd');
    /* At once: none of the former is left. */
    assert_int_equal(rotate(&endpoint_id, 'f', NOW + 90 SECONDS, NOW + 90 SECONDS), 1);
    lab.f.waiting_for++;
    hooks_list(lab.f.store, &lab.merchant_id, NOW + 91 SECONDS, &lab.arena, lab_endpoints, NULL);
    fixture_wait(&lab.f);
    assert_int_equal(lab.row_count, 1);
    assert_int_equal(lab.endpoints[0].secret_count, 1);
}

static void a_merchant_has_so_many_endpoints_and_no_more(void **state UNUSED)
{
    for (int i = 0; i < HOOK_ENDPOINT_MAX; i++)
        (void)add_endpoint("*");
    struct hook_secret secret;
    fill_secret(&secret, 'a', NOW);
    struct hook_endpoint endpoint = {
        .merchant_id = lab.merchant_id,
        .endpoint_id = uuid_new(),
        .created_us = NOW,
        .url = STR("https://example.com"),
        .event_types = STR("*"),
    };
    lab.f.waiting_for++;
    hooks_create(lab.f.store, &endpoint, &secret, lab_counted, NULL);
    assert_int_equal(lab_count(), 0);
}

static void deliveries_are_listed_page_by_page(void **state UNUSED)
{
    struct uuid endpoint_id = add_endpoint("*");
    for (int i = 0; i < 25; i++)
        (void)happen(1, i % 5 == 0 ? "payment.failed" : "payment.succeeded", NOW + i SECONDS);
    struct hook_filter filter = {
        .merchant_id = lab.merchant_id, .endpoint_id = endpoint_id, .limit = 10};
    size_t seen = 0;
    int64_t last_us = INT64_MAX;
    do {
        lab.f.waiting_for++;
        hooks_deliveries(lab.f.store, &filter, &lab.arena, lab_deliveries, NULL);
        fixture_wait(&lab.f);
        for (size_t i = 0; i < lab.row_count; i++) {
            assert_true(lab.deliveries[i].created_us < last_us);
            last_us = lab.deliveries[i].created_us;
        }
        seen += lab.row_count;
        filter.after = lab.deliveries[lab.row_count - 1].event_id;
    } while (lab.has_more);
    assert_int_equal(seen, 25);
    filter = (struct hook_filter){.merchant_id = lab.merchant_id,
                                  .endpoint_id = endpoint_id,
                                  .from_us = NOW + 5 SECONDS,
                                  .to_us = NOW + 15 SECONDS,
                                  .type = STR("payment.failed"),
                                  .state = HOOK_WAITING,
                                  .limit = 100};
    lab.f.waiting_for++;
    hooks_deliveries(lab.f.store, &filter, &lab.arena, lab_deliveries, NULL);
    fixture_wait(&lab.f);
    assert_int_equal(lab.row_count, 2);
}

static void delivery_ids_are_read_back(void **state UNUSED)
{
    for (int i = 0; i < 100; i++) {
        struct uuid endpoint_id = uuid_new();
        struct uuid event_id = uuid_new();
        struct uuid a;
        struct uuid b;
        char text[HOOK_DELIVERY_ID_SIZE];
        struct str id = hook_delivery_id(&endpoint_id, &event_id, text);
        assert_int_equal(id.len, 56);
        assert_true(hook_delivery_parse(id, &a, &b));
        assert_true(uuid_eq(&a, &endpoint_id) && uuid_eq(&b, &event_id));
        assert_false(hook_delivery_parse(str_sub(id, 0, 55), &a, &b));
        text[5 + i % 50] = '!';
        assert_false(hook_delivery_parse(id, &a, &b));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hooks_lab_open, hooks_lab_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_queued_for_each_endpoint_that_wants_its_type),
        TEST(other_merchants_and_deleted_endpoints_are_told_nothing),
        TEST(a_refused_event_is_not_told),
        TEST(what_a_disabled_endpoint_missed_can_be_replayed),
        TEST(a_delivery_is_claimed_once_until_its_lease_ends),
        TEST(events_of_a_payment_are_told_one_after_the_other),
        TEST(endpoints_take_turns_and_none_has_more_than_its_share),
        TEST(a_backlog_does_not_take_every_free_place),
        TEST(one_that_fails_is_tried_by_one_and_drains_when_it_is_back),
        TEST(an_endpoint_that_asks_for_a_pause_has_it),
        TEST(one_that_is_gone_is_disabled_and_what_waits_for_it_is_skipped),
        TEST(what_an_old_address_says_is_not_the_new_ones_fault),
        TEST(a_replay_begins_a_new_round_and_keeps_the_old_tries),
        TEST(what_was_put_back_does_not_count_as_a_try),
        TEST(secrets_overlap_and_then_end),
        TEST(a_merchant_has_so_many_endpoints_and_no_more),
        TEST(deliveries_are_listed_page_by_page),
        cmocka_unit_test(delivery_ids_are_read_back),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

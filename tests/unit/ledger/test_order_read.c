/* Payouts as merchants see them: found once, listed once, counted; tries inside orders are not. */
#include "tests/unit/ledger/orders.h"

/* ---- reading ---- */

struct page {
    enum store_find found;
    const struct payout_view *views;
    size_t count;
    bool has_more;
};

static void page_done(void *ctx, enum store_find found, const struct payout_view *views, size_t n,
                      bool has_more, const struct error *why)
{
    struct page *page = ctx;
    if (found == STORE_FAILED)
        fail_msg("%s", why->text);
    *page = (struct page){found, views, n, has_more};
    fixture_answered(&lab.f);
}

static struct page load(const struct uuid *payout_id)
{
    struct page page = {.count = 0};
    lab.f.waiting_for++;
    payout_load(lab.f.store, &lab.merchant_id, payout_id, &lab.arena, page_done, &page);
    fixture_wait(&lab.f);
    return page;
}

static struct page list(struct payout_filter filter)
{
    struct page page = {.count = 0};
    filter.merchant_id = lab.merchant_id;
    lab.f.waiting_for++;
    payout_list(lab.f.store, &filter, &lab.arena, page_done, &page);
    fixture_wait(&lab.f);
    return page;
}

static struct page rows_of(const struct uuid *batch_id, int32_t after, const char *status,
                           unsigned limit)
{
    struct page page = {.count = 0};
    lab.f.waiting_for++;
    payout_rows(lab.f.store, &lab.merchant_id, batch_id, after, str_of(status), limit, &lab.arena,
                page_done, &page);
    fixture_wait(&lab.f);
    return page;
}

/* A payout of the ledger, of that id and key, closed with the status. */
static void put_payout(const struct uuid *payment_id, const char *key, enum payment_status status,
                       const char *reason)
{
    struct rows r;
    rows_open(&r, &lab.merchant_id);
    r.payment.payment_id = *payment_id;
    r.payment.is_payout = true;
    r.payment.created_us = NOW;
    r.payment.key = str_of(key);
    r.payment.reference = STR_NONE;
    r.attempt.payment_id = *payment_id;
    r.attempt.operation = OPERATION_PAYOUT;
    assert_int_equal(write_now(&lab.f, &r.txn), STORE_COMMITTED);
    if (status == PAYMENT_NONE)
        return;
    rows_to_close(&r);
    r.txn.transfer_count = 0;
    r.txn.limits = NULL;
    r.txn.answer = NULL;
    r.outcome.outcome = status == PAYMENT_SUCCEEDED ? OUTCOME_APPROVED : OUTCOME_FAILED;
    r.outcome.reason = str_of(reason);
    r.events[0].payment_id = *payment_id;
    r.events[0].status = status;
    assert_int_equal(write_now(&lab.f, &r.txn), STORE_COMMITTED);
}

static void a_payout_is_found_by_its_own_id_alone(void **state UNUSED)
{
    char key[ORDER_KEY_SIZE];
    struct uuid direct = uuid_new();
    put_payout(&direct, "k-direct", PAYMENT_SUCCEEDED, "");
    struct page page = load(&direct);
    assert_int_equal(page.found, STORE_FOUND);
    assert_false(page.views[0].has_order);
    assert_int_equal(page.views[0].payment->status, PAYMENT_SUCCEEDED);
    /* An order without payment; then with that of its second try. */
    make_single(&lab.merchant_id, "k-1", ORDER_QUEUED);
    struct uuid id = made.orders[0].order_id;
    struct uuid second = uuid_new();
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    page = load(&id);
    assert_int_equal(page.found, STORE_FOUND);
    assert_true(page.views[0].has_order);
    assert_null(page.views[0].payment);
    assert_int_equal(page.views[0].order.state, ORDER_QUEUED);
    struct claims got = claim_now(1, NOW);
    put_payout(&id, order_key(&id, 1, key).at, PAYMENT_FAILED, "connect_refused");
    struct order_end next = end_of(&got.claim[0], ORDER_QUEUED);
    next.try_number = 2;
    next.payment_id = second;
    next.has_payment = true;
    assert_int_equal(end_now(&next, 1), 1);
    page = load(&id);
    assert_null(page.views[0].payment);
    put_payout(&second, order_key(&id, 2, key).at, PAYMENT_NONE, "");
    page = load(&id);
    assert_true(uuid_eq(&page.views[0].payment->row.payment_id, &second));
    assert_int_equal(load(&second).found, STORE_ABSENT); /* a try is no payout of its own */
    struct uuid stranger = uuid_new();
    assert_int_equal(load(&stranger).found, STORE_ABSENT);
    struct rows r;
    rows_open(&r, &lab.merchant_id);
    assert_int_equal(write_now(&lab.f, &r.txn), STORE_COMMITTED);
    assert_int_equal(load(&r.payment.payment_id).found, STORE_ABSENT); /* a payment */
}

static void lists_hold_every_payout_once(void **state UNUSED)
{
    char key[ORDER_KEY_SIZE];
    struct uuid ids[5];
    /* old to new: direct; queued; first try begun; second try; running and already begun */
    ids[0] = uuid_new();
    put_payout(&ids[0], "k-direct", PAYMENT_SUCCEEDED, "");
    for (int i = 1; i < 5; i++) {
        char client_key[16];
        (void)snprintf(client_key, sizeof(client_key), "k-%d", i);
        make_single(&lab.merchant_id, client_key, ORDER_QUEUED);
        made.orders[0].reference = i == 1 ? STR("mine") : STR_NONE;
        ids[i] = made.orders[0].order_id;
        assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    }
    struct claims got = claim_now(9, NOW);
    assert_int_equal(got.count, 4);
    for (size_t i = 0; i < got.count; i++) {
        const struct order_claim *claim = &got.claim[i];
        struct order_end end = end_of(claim, ORDER_BEGUN);
        end.has_payment = true;
        if (uuid_eq(&claim->order_id, &ids[1])) {
            end = end_of(claim, ORDER_QUEUED);
        } else if (uuid_eq(&claim->order_id, &ids[3])) {
            put_payout(&ids[3], order_key(&ids[3], 1, key).at, PAYMENT_FAILED, "x");
            end.payment_id = uuid_new();
            end.try_number = 2;
            put_payout(&end.payment_id, order_key(&ids[3], 2, key).at, PAYMENT_UNCLAIMED, "y");
        } else {
            put_payout(&claim->order_id, order_key(&claim->order_id, 1, key).at, PAYMENT_SUCCEEDED,
                       "");
        }
        if (!uuid_eq(&claim->order_id, &ids[4]))
            assert_int_equal(end_now(&end, 1), 1);
    }
    struct page page = list((struct payout_filter){.limit = 100});
    assert_int_equal(page.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(uuid_eq(&page.views[i].payout_id, &ids[4 - i]));
    /* by pages */
    struct payout_filter filter = {.limit = 2};
    size_t seen = 0;
    do {
        page = list(filter);
        for (size_t i = 0; i < page.count; i++)
            assert_true(uuid_eq(&page.views[i].payout_id, &ids[4 - seen++]));
        filter.after = page.views[page.count - 1].payout_id;
    } while (page.has_more);
    assert_int_equal(seen, 5);
    /* by status, as it is shown */
    static const struct {
        const char *status;
        size_t count;
    } statuses[] = {
        {"succeeded", 3}, {"scheduled", 1}, {"unclaimed", 1}, {"processing", 0}, {"failed", 0}};
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        page = list((struct payout_filter){.limit = 100, .status = str_of(statuses[i].status)});
        if (page.count != statuses[i].count)
            fail_msg("%s: %zu", statuses[i].status, page.count);
    }
    page = list((struct payout_filter){.limit = 100, .reference = STR("mine")});
    assert_int_equal(page.count, 1);
    assert_true(uuid_eq(&page.views[0].payout_id, &ids[1]));
    assert_int_equal(list((struct payout_filter){.limit = 9, .provider = STR("paypal")}).count, 4);
    assert_int_equal(list((struct payout_filter){.limit = 9, .from_us = NOW + 1 SECONDS}).count, 0);
    assert_int_equal(list((struct payout_filter){.limit = 9, .to_us = NOW}).count, 0);
}

/* Put back as the same try, and its payment exists: what a list finds it by is what it shows. */
static void what_is_asked_after_is_found_as_processing(void **state UNUSED)
{
    char key[ORDER_KEY_SIZE];
    make_batch(&lab.merchant_id, "k-1", 3, ORDER_QUEUED);
    struct uuid batch_id = made.batch.batch_id;
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    struct claims got = claim_now(3, NOW);
    assert_int_equal(got.count, 3);
    put_payout(&got.claim[0].order_id, order_key(&got.claim[0].order_id, 1, key).at, PAYMENT_NONE,
               "");
    put_payout(&got.claim[1].order_id, order_key(&got.claim[1].order_id, 1, key).at, PAYMENT_FAILED,
               "connect_refused");
    for (size_t i = 0; i < 3; i++) {
        struct order_end back = end_of(&got.claim[i], ORDER_QUEUED);
        assert_int_equal(end_now(&back, 1), 1);
    }
    struct page page = rows_of(&batch_id, 0, "scheduled", 100);
    assert_int_equal(page.count, 1);
    assert_true(uuid_eq(&page.views[0].payout_id, &got.claim[2].order_id));
    assert_int_equal(rows_of(&batch_id, 0, "processing", 100).count, 2);
    page = list((struct payout_filter){.limit = 9, .status = STR("processing")});
    assert_int_equal(page.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_non_null(page.views[i].payment); /* and so order_status says the same */
    assert_int_equal(list((struct payout_filter){.limit = 9, .status = STR("scheduled")}).count, 1);
    assert_int_equal(list((struct payout_filter){.limit = 9, .status = STR("failed")}).count, 0);
}

static void rows_of_a_batch_are_paged_with_the_refused_ones(void **state UNUSED)
{
    make_batch(&lab.merchant_id, "k-1", 95, ORDER_QUEUED);
    struct uuid id = made.batch.batch_id;
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    int32_t at = 0;
    struct page page;
    do {
        page = rows_of(&id, at, NULL, 10);
        for (size_t i = 0; i < page.count; i++) {
            const struct payout_view *view = &page.views[i];
            int32_t row = view->error != NULL ? view->error->row_number : view->order.row_number;
            assert_int_equal(row, ++at);
            assert_int_equal(view->error != NULL, at % 10 == 0);
        }
    } while (page.has_more);
    assert_int_equal(at, 95);
    page = rows_of(&id, 0, "invalid", 100);
    assert_int_equal(page.count, 9);
    assert_true(str_eq(page.views[8].error->code, STR("invalid_member")));
    page = rows_of(&id, 0, "scheduled", 100);
    assert_int_equal(page.count, 86);
    struct uuid stranger = uuid_new();
    assert_int_equal(rows_of(&stranger, 0, NULL, 100).count, 0);
}

struct batch_page {
    const struct batch_view *views;
    size_t count;
    bool has_more;
};

static void batch_done(void *ctx, enum store_find found, const struct batch_view *views, size_t n,
                       bool has_more, const struct error *why)
{
    struct batch_page *page = ctx;
    if (found != STORE_FOUND)
        fail_msg("%s", why->text);
    *page = (struct batch_page){views, n, has_more};
    fixture_answered(&lab.f);
}

static struct batch_page load_batch(const struct uuid *batch_id)
{
    struct batch_page page = {.count = 0};
    lab.f.waiting_for++;
    batch_load(lab.f.store, &lab.merchant_id, batch_id, &lab.arena, batch_done, &page);
    fixture_wait(&lab.f);
    return page;
}

static int64_t counted(const struct batch_view *view, const char *status, const char *reason)
{
    int64_t n = 0;
    for (size_t i = 0; i < view->count_count; i++) {
        if (str_eq(view->counts[i].status, str_of(status)) &&
            str_eq(view->counts[i].reason, str_of(reason)))
            n += view->counts[i].count;
    }
    return n;
}

static int64_t settle_now(int64_t now_us)
{
    struct number number = {.f = &lab.f};
    lab.f.waiting_for++;
    order_settle_start(lab.f.store, 1000, now_us, number_done, &number);
    return number_wait(&number);
}

static void progress_is_counted_by_status_and_reason(void **state UNUSED)
{
    char key[ORDER_KEY_SIZE];
    make_batch(&lab.merchant_id, "k-1", 40, ORDER_QUEUED);
    struct uuid id = made.batch.batch_id;
    assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    struct claims got = claim_now(20, NOW);
    assert_int_equal(got.count, 20);
    for (size_t i = 0; i < 12; i++) {
        const struct order_claim *claim = &got.claim[i];
        struct order_end end = end_of(claim, ORDER_BEGUN);
        end.has_payment = true;
        put_payout(&claim->order_id, order_key(&claim->order_id, 1, key).at,
                   i < 6   ? PAYMENT_SUCCEEDED
                   : i < 9 ? PAYMENT_RETURNED
                           : PAYMENT_NONE,
                   i < 6 ? "" : "returned");
        assert_int_equal(end_now(&end, 1), 1);
    }
    struct order_end failed = end_of(&got.claim[12], ORDER_FAILED);
    failed.status = STR("failed");
    failed.reason = STR("no_route");
    assert_int_equal(end_now(&failed, 1), 1);
    for (int round = 0; round < 2; round++) { /* before and after they are known to be done */
        struct batch_page page = load_batch(&id);
        assert_int_equal(page.count, 1);
        assert_int_equal(counted(&page.views[0], "succeeded", ""), 6);
        assert_int_equal(counted(&page.views[0], "returned", "returned"), 3);
        assert_int_equal(counted(&page.views[0], "processing", ""), 3 + 7);
        assert_int_equal(counted(&page.views[0], "scheduled", ""), 16);
        assert_int_equal(counted(&page.views[0], "failed", "no_route"), 1);
        assert_int_equal(page.views[0].invalid_count, 1);
        assert_int_equal(page.views[0].invalid[0].count, 4);
        assert_false(page.views[0].batch.is_done);
        assert_int_equal(settle_now(NOW + 5 SECONDS), round == 0 ? 12 : 0);
        assert_int_equal(count("SELECT count(*) FROM payout_orders WHERE done_at IS NOT NULL"), 10);
    }
    assert_int_equal(settle_now(NOW + 11 SECONDS), 3); /* still open: looked at again, later */
    assert_int_equal(settle_now(NOW + 12 SECONDS), 0);
}

static struct batch_page list_batches(struct payout_filter filter)
{
    struct batch_page page = {.count = 0};
    filter.merchant_id = lab.merchant_id;
    filter.limit = filter.limit == 0 ? 100 : filter.limit;
    lab.f.waiting_for++;
    batch_list(lab.f.store, &filter, &lab.arena, batch_done, &page);
    fixture_wait(&lab.f);
    return page;
}

static void batches_are_listed_by_their_state(void **state UNUSED)
{
    struct uuid ids[3];
    for (int i = 0; i < 3; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k-%d", i);
        make_batch(&lab.merchant_id, key, 3, i == 0 ? ORDER_REQUIRES_APPROVAL : ORDER_QUEUED);
        made.batch.reference = i == 2 ? STR("last") : STR_NONE;
        ids[i] = made.batch.batch_id;
        assert_int_equal(store_now(&made.bundle), STORE_COMMITTED);
    }
    (void)fixture_ask(lab.conn, "UPDATE payout_orders SET done_at = now() WHERE batch_id ="
                                " (SELECT batch_id FROM payout_batches WHERE reference = 'last')");
    struct batch_page page = list_batches((struct payout_filter){.limit = 2});
    assert_int_equal(page.count, 2);
    assert_true(page.has_more);
    assert_true(uuid_eq(&page.views[0].batch.batch_id, &ids[2]));
    assert_true(page.views[0].batch.is_done);
    static const char *const statuses[] = {"requires_approval", "processing", "completed"};
    for (size_t i = 0; i < 3; i++) {
        page = list_batches((struct payout_filter){.status = str_of(statuses[i])});
        assert_int_equal(page.count, 1);
        assert_true(uuid_eq(&page.views[0].batch.batch_id, &ids[i]));
    }
    assert_int_equal(list_batches((struct payout_filter){.reference = STR("last")}).count, 1);
    assert_int_equal(list_batches((struct payout_filter){.after = ids[1]}).count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_open, lab_close)
        TEST(a_payout_is_found_by_its_own_id_alone),
        TEST(lists_hold_every_payout_once),
        TEST(what_is_asked_after_is_found_as_processing),
        TEST(rows_of_a_batch_are_paged_with_the_refused_ones),
        TEST(progress_is_counted_by_status_and_reason),
        TEST(batches_are_listed_by_their_state),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

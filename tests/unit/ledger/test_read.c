/* Reads, the queue of unresolved attempts, writers dead and alive. */
#include "tests/unit/ledger/fixture.h"

struct reading {
    struct fixture *f;
    struct arena arena;
    enum store_find found;
    const struct store_payment_view *payments;
    size_t count;
    bool has_more;
    const struct store_key_view *key;
    struct store_key_view key_copy;
    const struct store_claimed *claimed;
    struct error why;
};

static void payment_done(void *ctx, enum store_find found, const struct store_payment_view *payment,
                         const struct error *why)
{
    struct reading *reading = ctx;
    reading->found = found;
    reading->payments = payment;
    reading->count = payment != NULL;
    reading->why = *why;
    fixture_answered(reading->f);
}

static void list_done(void *ctx, enum store_find found, const struct store_payment_view *payments,
                      size_t count, bool has_more, const struct error *why)
{
    struct reading *reading = ctx;
    reading->found = found;
    reading->payments = payments;
    reading->count = count;
    reading->has_more = has_more;
    reading->why = *why;
    fixture_answered(reading->f);
}

static void key_done(void *ctx, enum store_find found, const struct store_key_view *key,
                     const struct error *why)
{
    struct reading *reading = ctx;
    reading->found = found;
    if (key != NULL)
        reading->key_copy = *key;
    reading->why = *why;
    fixture_answered(reading->f);
}

static void claim_done(void *ctx, enum store_find found, const struct store_claimed *claimed,
                       size_t count, const struct error *why)
{
    struct reading *reading = ctx;
    reading->found = found;
    reading->claimed = claimed;
    reading->count = count;
    reading->why = *why;
    fixture_answered(reading->f);
}

static void reading_begin(struct reading *reading, struct fixture *f)
{
    memset(reading, 0, sizeof(*reading));
    reading->f = f;
    arena_init(&reading->arena, 16 << 20);
    f->waiting_for++;
}

static void reading_end(struct reading *reading)
{
    arena_release(&reading->arena);
}

static void load(struct reading *reading, struct fixture *f, const struct uuid *merchant_id,
                 const struct uuid *payment_id)
{
    reading_begin(reading, f);
    store_load_payment(f->store, merchant_id, payment_id, STORE_ANY, &reading->arena, payment_done,
                       reading);
    fixture_wait(f);
}

static void assert_str(struct str got, struct str want)
{
    if (!str_eq(got, want))
        fail_msg("got \"" STR_FMT "\", want \"" STR_FMT "\"", STR_ARG(got), STR_ARG(want));
}

static void a_payment_reads_back_as_it_was_written(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct uuid stranger_id = uuid_new();
    struct rows r;
    struct reading reading;
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    load(&reading, &f, &merchant_id, &r.payment.payment_id);
    assert_int_equal(reading.found, STORE_FOUND);
    assert_int_equal(reading.payments->status, PAYMENT_PROCESSING);
    assert_int_equal(reading.payments->event_count, 0);
    assert_int_equal(reading.payments->attempt_count, 1);
    assert_int_equal(reading.payments->attempts[0].outcome_count, 0);
    reading_end(&reading);
    rows_to_close(&r);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    load(&reading, &f, &merchant_id, &r.payment.payment_id);
    const struct store_payment_view *view = reading.payments;
    assert_int_equal(view->status, PAYMENT_SUCCEEDED);
    assert_int_equal(view->event_count, 1);
    assert_int_equal(view->updated_us, r.events[0].created_us);
    assert_int_equal(view->captured, 1099);
    assert_true(uuid_eq(&view->row.merchant_id, &merchant_id));
    assert_true(uuid_eq(&view->row.payment_id, &r.payment.payment_id));
    assert_true(uuid_eq(&view->row.writer_id, &f.writer_id));
    assert_int_equal(view->row.created_us, r.payment.created_us);
    assert_int_equal(view->row.amount_minor, 1099);
    assert_string_equal(view->row.currency, "EUR");
    assert_true(view->row.capture_automatic);
    assert_false(view->row.livemode);
    assert_str(view->row.reference, r.payment.reference);
    assert_str(view->row.key, r.payment.key);
    assert_str(view->row.customer_json, r.payment.customer_json);
    assert_str(view->row.tokens_sealed, r.payment.tokens_sealed);
    assert_memory_equal(view->row.fingerprint, r.payment.fingerprint, 32);
    const struct store_attempt_view *attempt = &view->attempts[0];
    assert_true(uuid_eq(&attempt->row.attempt_id, &r.attempt.attempt_id));
    assert_int_equal(attempt->row.operation, OPERATION_SALE);
    assert_str(attempt->row.decision_json, r.attempt.decision_json);
    assert_int_equal(attempt->row.expected_fee_minor, 88);
    assert_false(attempt->parked);
    assert_int_equal(attempt->send_count, 1);
    assert_str(attempt->sends[0].body_sealed, r.send.body_sealed);
    assert_true(attempt->sends[0].moves_money);
    assert_int_equal(attempt->sends[0].not_after_us, r.send.not_after_us);
    assert_int_equal(attempt->outcome_count, 1);
    assert_int_equal(attempt->outcomes[0].outcome, OUTCOME_APPROVED);
    assert_true(attempt->outcomes[0].left);
    assert_int_equal(attempt->outcomes[0].fee_minor, -1);
    assert_str(attempt->outcomes[0].reference, r.outcome.reference);
    reading_end(&reading);
    /* Nobody else's eyes. */
    load(&reading, &f, &stranger_id, &r.payment.payment_id);
    assert_int_equal(reading.found, STORE_ABSENT);
    reading_end(&reading);
    fixture_close(&f);
}

static void several_attempts_and_sends_stay_in_order(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    struct uuid ids[3] = {r.attempt.attempt_id};
    for (int i = 1; i < 3; i++) {
        rows_attempt(&r, i + 1);
        ids[i] = r.attempt.attempt_id;
        r.txn = (struct store_txn){.name = "switch", .attempt = &r.attempt, .send = &r.send};
        assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
        for (int n = 2; n <= 3; n++) {
            r.send.number = n;
            r.send.step = n == 2 ? STR("session") : STR("charge");
            r.txn.attempt = NULL;
            assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
        }
    }
    struct reading reading;
    load(&reading, &f, &merchant_id, &r.payment.payment_id);
    assert_int_equal(reading.payments->attempt_count, 3);
    for (int i = 0; i < 3; i++) {
        const struct store_attempt_view *attempt = &reading.payments->attempts[i];
        assert_int_equal(attempt->row.number, i + 1);
        assert_true(uuid_eq(&attempt->row.attempt_id, &ids[i]));
        assert_int_equal(attempt->send_count, i == 0 ? 1 : 3);
        for (size_t n = 0; n < attempt->send_count; n++)
            assert_int_equal(attempt->sends[n].number, n + 1);
    }
    reading_end(&reading);
    fixture_close(&f);
}

static void keys_tell_their_payment_and_answer(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct uuid stranger_id = uuid_new();
    struct rows r;
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    for (int step = 0; step < 3; step++) {
        struct reading reading;
        reading_begin(&reading, &f);
        store_load_key(f.store, step == 2 ? &stranger_id : &merchant_id, r.payment.key,
                       &reading.arena, key_done, &reading);
        fixture_wait(&f);
        assert_int_equal(reading.found, step == 2 ? STORE_ABSENT : STORE_FOUND);
        const struct store_key_view *key = &reading.key_copy;
        if (step < 2) {
            assert_true(uuid_eq(&key->payment_id, &r.payment.payment_id));
            assert_true(uuid_eq(&key->writer_id, &f.writer_id));
            assert_memory_equal(key->fingerprint, r.payment.fingerprint, 32);
            assert_int_equal(key->has_answer, step == 1);
        }
        if (step == 1) {
            assert_int_equal(key->answer.status, 201);
            assert_str(key->answer.body, r.answer.body);
            assert_int_equal(key->answer.location.len + key->answer.content_type.len, 0);
        }
        reading_end(&reading);
        if (step == 0) {
            rows_to_close(&r);
            assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
        }
    }
    fixture_close(&f);
}

static void a_reference_loads_its_newest_try(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows rows[3];
    for (int i = 0; i < 3; i++) {
        rows_open(&rows[i], &merchant_id);
        rows[i].payment.reference = STR("order-7");
        rows[i].payment.try_number = i + 1;
        assert_int_equal(write_now(&f, &rows[i].txn), STORE_COMMITTED);
    }
    struct reading reading;
    reading_begin(&reading, &f);
    store_load_reference(f.store, &merchant_id, STORE_PAYMENTS, STR("order-7"), &reading.arena,
                         payment_done, &reading);
    fixture_wait(&f);
    assert_int_equal(reading.found, STORE_FOUND);
    assert_int_equal(reading.payments->row.try_number, 3);
    assert_int_equal(reading.payments->attempt_count, 1);
    reading_end(&reading);
    reading_begin(&reading, &f);
    store_load_reference(f.store, &merchant_id, STORE_PAYMENTS, STR("order-8"), &reading.arena,
                         payment_done, &reading);
    fixture_wait(&f);
    assert_int_equal(reading.found, STORE_ABSENT);
    reading_end(&reading);
    fixture_close(&f);
}

static struct store_filter filter_of(const struct uuid *merchant_id, unsigned limit)
{
    return (struct store_filter){
        .merchant_id = *merchant_id, .kind = STORE_PAYMENTS, .limit = limit};
}

static size_t list(struct reading *reading, struct fixture *f, const struct store_filter *filter)
{
    reading_begin(reading, f);
    store_list_payments(f->store, filter, &reading->arena, list_done, reading);
    fixture_wait(f);
    assert_int_equal(reading->found, STORE_FOUND);
    return reading->count;
}

static void expect_load(struct fixture *f, const struct store_payment *payment,
                        enum store_kind kind, enum store_find found)
{
    struct reading reading;
    reading_begin(&reading, f);
    store_load_payment(f->store, &payment->merchant_id, &payment->payment_id, kind, &reading.arena,
                       payment_done, &reading);
    fixture_wait(f);
    assert_int_equal(reading.found, found);
    if (found == STORE_FOUND)
        assert_int_equal(reading.payments->row.is_payout, payment->is_payout);
    reading_end(&reading);
}

static void expect_only(struct fixture *f, const struct store_payment *payment)
{
    struct reading reading;
    enum store_kind kind = payment->is_payout ? STORE_PAYOUTS : STORE_PAYMENTS;
    reading_begin(&reading, f);
    store_load_reference(f->store, &payment->merchant_id, kind, payment->reference, &reading.arena,
                         payment_done, &reading);
    fixture_wait(f);
    assert_int_equal(reading.found, STORE_FOUND);
    assert_true(uuid_eq(&reading.payments->row.payment_id, &payment->payment_id));
    reading_end(&reading);
    for (int by_reference = 0; by_reference < 2; by_reference++) {
        struct store_filter filter = filter_of(&payment->merchant_id, 10);
        filter.kind = kind;
        filter.reference = by_reference == 1 ? payment->reference : STR_NONE;
        assert_int_equal(list(&reading, f, &filter), 1);
        assert_true(uuid_eq(&reading.payments->row.payment_id, &payment->payment_id));
        reading_end(&reading);
    }
}

/* Same merchant, same reference, same try: one of each kind, and neither is seen as the other. */
static void payments_and_payouts_are_never_taken_for_each_other(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows rows[3];
    for (int i = 0; i < 3; i++) {
        rows_open(&rows[i], &merchant_id);
        rows[i].payment.is_payout = i > 0;
        rows[i].payment.reference = STR("order-9");
        assert_int_equal(write_now(&f, &rows[i].txn),
                         i < 2 ? STORE_COMMITTED : STORE_REFERENCE_TAKEN);
    }
    for (int i = 0; i < 2; i++) {
        expect_load(&f, &rows[i].payment, STORE_ANY, STORE_FOUND);
        expect_load(&f, &rows[i].payment, STORE_PAYMENTS, i == 0 ? STORE_FOUND : STORE_ABSENT);
        expect_load(&f, &rows[i].payment, STORE_PAYOUTS, i == 1 ? STORE_FOUND : STORE_ABSENT);
        expect_only(&f, &rows[i].payment);
    }
    fixture_close(&f);
}

/*
 * Who chose the payment's id may ask twice, under the same key: with another attempt, of which
 * nothing is ever written, and whose fate nobody takes for the first one's.
 */
static void a_payment_that_is_opened_again_stays_as_it_was(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    struct write first, second;
    rows_open(&r, &merchant_id);
    write_start(&f, &r.txn, &first);
    fixture_wait(&f);
    assert_int_equal(first.result, STORE_COMMITTED);
    struct uuid attempt_id = r.attempt.attempt_id;
    rows_attempt(&r, 1);
    write_start(&f, &r.txn, &second);
    fixture_wait(&f);
    assert_int_equal(second.result, STORE_KEY_TAKEN);
    assert_int_equal(probe_now(&f, &second.ticket), STORE_KEY_TAKEN);
    assert_int_equal(probe_now(&f, &first.ticket), STORE_COMMITTED);
    struct reading reading;
    load(&reading, &f, &merchant_id, &r.payment.payment_id);
    assert_int_equal(reading.payments->attempt_count, 1);
    assert_true(uuid_eq(&reading.payments->attempts[0].row.attempt_id, &attempt_id));
    assert_int_equal(reading.payments->attempts[0].send_count, 1);
    reading_end(&reading);
    /* The same id under another key is nobody's. */
    r.payment.key = STR("another");
    r.payment.reference = STR_NONE;
    assert_int_equal(write_now(&f, &r.txn), STORE_KEY_TAKEN);
    /* Two at once. */
    struct write both[2];
    struct rows twin;
    rows_open(&r, &merchant_id);
    twin = r;
    rows_attempt(&twin, 1);
    twin.txn.payment = &twin.payment;
    twin.txn.attempt = &twin.attempt;
    twin.txn.send = &twin.send;
    write_start(&f, &r.txn, &both[0]);
    write_start(&f, &twin.txn, &both[1]);
    fixture_wait(&f);
    assert_int_equal((both[0].result == STORE_COMMITTED) + (both[1].result == STORE_COMMITTED), 1);
    assert_int_equal((both[0].result == STORE_KEY_TAKEN) + (both[1].result == STORE_KEY_TAKEN), 1);
    fixture_close(&f);
}

static size_t list_count(struct fixture *f, const struct store_filter *filter)
{
    struct reading reading;
    size_t count = list(&reading, f, filter);
    reading_end(&reading);
    return count;
}

static void pages_go_from_new_to_old_without_gap(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    static struct rows rows[25];
    static struct write writes[25];
    for (int i = 0; i < 25; i++) {
        rows_open(&rows[i], &merchant_id);
        rows[i].payment.created_us = rows[0].payment.created_us + i; /* no two at the same time */
        if (i % 5 == 0)
            rows[i].attempt.provider = STR("payoneer");
        write_start(&f, &rows[i].txn, &writes[i]);
    }
    fixture_wait(&f);
    for (int i = 0; i < 25; i += 3) {
        rows_to_close(&rows[i]);
        assert_int_equal(write_now(&f, &rows[i].txn), STORE_COMMITTED);
    }
    struct store_filter filter = filter_of(&merchant_id, 10);
    int at = 24;
    for (int page = 0; page < 3; page++) {
        struct reading reading;
        size_t count = list(&reading, &f, &filter);
        assert_int_equal(count, page < 2 ? 10 : 5);
        assert_int_equal(reading.has_more, page < 2);
        for (size_t i = 0; i < count; i++, at--) {
            const struct store_payment_view *view = &reading.payments[i];
            assert_true(uuid_eq(&view->row.payment_id, &rows[at].payment.payment_id));
            assert_int_equal(view->attempt_count, 1);
            assert_int_equal(view->attempts[0].outcome_count, at % 3 == 0);
            assert_true(uuid_eq(&view->attempts[0].row.attempt_id, &rows[at].attempt.attempt_id));
        }
        filter.after = reading.payments[count - 1].row.payment_id;
        reading_end(&reading);
    }
    assert_int_equal(list_count(&f, &filter), 0);
    filter = filter_of(&merchant_id, 100);
    filter.status = PAYMENT_SUCCEEDED;
    assert_int_equal(list_count(&f, &filter), 9);
    filter.status = PAYMENT_PROCESSING;
    filter.provider = STR("payoneer");
    assert_int_equal(list_count(&f, &filter), 3);
    filter = filter_of(&merchant_id, 100);
    filter.reference = rows[7].payment.reference;
    assert_int_equal(list_count(&f, &filter), 1);
    filter.status = PAYMENT_DECLINED;
    assert_int_equal(list_count(&f, &filter), 0);
    filter = filter_of(&merchant_id, 100);
    filter.from_us = rows[5].payment.created_us;
    filter.to_us = rows[20].payment.created_us;
    assert_int_equal(list_count(&f, &filter), 15);
    filter = filter_of(&f.writer_id, 100); /* a stranger */
    assert_int_equal(list_count(&f, &filter), 0);
    fixture_close(&f);
}

static size_t claim(struct reading *reading, struct fixture *f, int64_t now_us, unsigned limit)
{
    reading_begin(reading, f);
    struct store_claim_ask ask = {
        .now_us = now_us,
        .lease_ms = 10000,
        .limit = limit,
        .account_max = 1000,
        .provider_max = 1000,
    };
    store_claim(f->store, &ask, &reading->arena, claim_done, reading);
    fixture_wait(f);
    assert_int_equal(reading->found, STORE_FOUND);
    return reading->count;
}

static void a_claim_is_a_lease_with_an_epoch(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    int64_t now_us = clock_wall_us();
    struct rows r;
    struct reading reading;
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    rows_to_park(&r, 0, now_us + 1000);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    assert_int_equal(write_now(&f, &r.txn), STORE_FENCED); /* parked already */
    assert_int_equal(claim(&reading, &f, now_us, 10), 0);  /* not due */
    reading_end(&reading);
    assert_int_equal(claim(&reading, &f, now_us + 1000, 10), 1);
    assert_int_equal(reading.claimed[0].epoch, 1);
    assert_true(uuid_eq(&reading.claimed[0].attempt_id, &r.attempt.attempt_id));
    reading_end(&reading);
    assert_int_equal(claim(&reading, &f, now_us + 2000, 10), 0); /* leased */
    reading_end(&reading);
    load(&reading, &f, &merchant_id, &r.payment.payment_id);
    assert_true(reading.payments->attempts[0].parked);
    reading_end(&reading);
    /* The lease ends, somebody else claims: the first one is fenced. */
    assert_int_equal(claim(&reading, &f, now_us + 20000000, 10), 1);
    assert_int_equal(reading.claimed[0].epoch, 2);
    reading_end(&reading);
    r.unpark = (struct store_unpark){
        .merchant_id = merchant_id, .attempt_id = r.attempt.attempt_id, .epoch = 1};
    struct store_txn unpark = {.name = "t", .unpark = &r.unpark};
    assert_int_equal(write_now(&f, &unpark), STORE_FENCED);
    r.park.epoch = 1;
    assert_int_equal(write_now(&f, &r.txn), STORE_FENCED);
    r.park.epoch = 2;
    r.park.tries = 7;
    r.park.next_us = now_us;
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    assert_int_equal(claim(&reading, &f, now_us, 10), 1); /* put back: the lease is over */
    assert_int_equal(reading.claimed[0].tries, 7);
    assert_true(reading.claimed[0].parked_us >= now_us);
    reading_end(&reading);
    r.unpark.epoch = 3;
    assert_int_equal(write_now(&f, &unpark), STORE_COMMITTED);
    assert_int_equal(write_now(&f, &unpark), STORE_FENCED);
    fixture_close(&f);
}

static void two_claimers_share_without_overlap(void **state)
{
    (void)state;
    struct fixture a;
    struct fixture b;
    fixture_open(&a);
    fixture_open(&b);
    struct uuid merchant_id = uuid_new();
    int64_t now_us = clock_wall_us();
    static struct rows rows[40];
    static struct write writes[40];
    for (int i = 0; i < 40; i++) {
        rows_open(&rows[i], &merchant_id);
        rows_to_park(&rows[i], 0, now_us);
        write_start(&a, &rows[i].txn, &writes[i]);
    }
    fixture_wait(&a);
    size_t total = 0;
    for (int i = 0; i < 8; i++) {
        struct reading reading;
        total += claim(&reading, i % 2 == 0 ? &a : &b, now_us, 7);
        reading_end(&reading);
    }
    assert_int_equal(total, 40);
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM unresolved WHERE epoch = 1"), 40);
    PQfinish(conn);
    fixture_close(&a);
    fixture_close(&b);
}

static int64_t heartbeat(struct fixture *f, int64_t now_us, int64_t watermark_us)
{
    struct number number = {.f = f};
    f->waiting_for++;
    store_heartbeat(f->store, now_us, watermark_us, number_done, &number);
    return number_wait(&number);
}

static int64_t adopt(struct fixture *f, int64_t now_us, int64_t dead_after_ms)
{
    struct number number = {.f = f};
    f->waiting_for++;
    store_adopt(f->store, now_us, dead_after_ms, number_done, &number);
    return number_wait(&number);
}

static int64_t reap_writer(struct fixture *f, const struct uuid *writer_id, int64_t now_us)
{
    struct number number = {.f = f};
    f->waiting_for++;
    store_reap_writer(f->store, writer_id, now_us, number_done, &number);
    return number_wait(&number);
}

static int64_t reap_instance(struct fixture *f, int64_t now_us)
{
    struct number number = {.f = f};
    f->waiting_for++;
    store_reap_instance(f->store, now_us, number_done, &number);
    return number_wait(&number);
}

static int64_t close_writer(struct fixture *f, int64_t now_us)
{
    struct number number = {.f = f};
    f->waiting_for++;
    store_close_writer(f->store, now_us, number_done, &number);
    return number_wait(&number);
}

/* A reload ends many writers; none of them is looked at again. */
static void a_writer_that_closed_leaves_nothing_to_adopt(void **state)
{
    (void)state;
    struct fixture closed;
    struct fixture alive;
    fixture_open(&closed);
    fixture_open(&alive);
    struct uuid merchant_id = uuid_new();
    int64_t now_us = clock_wall_us();
    struct rows done;
    rows_open(&done, &merchant_id);
    assert_int_equal(write_now(&closed, &done.txn), STORE_COMMITTED);
    rows_to_close(&done);
    assert_int_equal(write_now(&closed, &done.txn), STORE_COMMITTED);
    assert_int_equal(close_writer(&closed, now_us), 1);
    assert_int_equal(close_writer(&closed, now_us), 0);
    assert_int_equal(heartbeat(&closed, now_us, 0), 0); /* no way back */
    assert_int_equal(reap_writer(&alive, &closed.writer_id, now_us + 1), 0);
    assert_int_equal(adopt(&alive, now_us + 3600000000, 60000), 0);
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM writers WHERE reaped_at IS NOT NULL"
                                         " AND adopted_at = reaped_at"),
                     1);
    PQfinish(conn);
    fixture_close(&closed);
    fixture_close(&alive);
}

static void attempts_of_the_dead_are_adopted(void **state)
{
    (void)state;
    struct fixture dead;
    struct fixture alive;
    fixture_open(&dead);
    fixture_open(&alive);
    struct uuid merchant_id = uuid_new();
    int64_t now_us = clock_wall_us();
    struct rows lost;
    struct rows final;
    struct rows parked;
    rows_open(&lost, &merchant_id);
    rows_open(&final, &merchant_id);
    rows_open(&parked, &merchant_id);
    assert_int_equal(write_now(&dead, &lost.txn), STORE_COMMITTED);
    assert_int_equal(write_now(&dead, &final.txn), STORE_COMMITTED);
    assert_int_equal(write_now(&dead, &parked.txn), STORE_COMMITTED);
    rows_to_close(&final);
    assert_int_equal(write_now(&dead, &final.txn), STORE_COMMITTED);
    rows_to_park(&parked, 0, now_us);
    assert_int_equal(write_now(&dead, &parked.txn), STORE_COMMITTED);
    assert_int_equal(heartbeat(&dead, now_us, 0), 1);
    /* Another host, silent for less than the bound: not ours to take. */
    assert_int_equal(adopt(&alive, now_us + 50000000, 60000), 0);
    assert_int_equal(adopt(&alive, now_us + 70000000, 60000), 1);
    assert_int_equal(adopt(&alive, now_us + 70000000, 60000), 0);
    /* The late answer of the one who was taken for dead is fenced where it would park. */
    rows_to_park(&lost, 0, now_us);
    assert_int_equal(write_now(&dead, &lost.txn), STORE_FENCED);
    /* Reaped: at once, without any silence; and then it is told. */
    struct rows late;
    rows_open(&late, &merchant_id);
    assert_int_equal(write_now(&dead, &late.txn), STORE_COMMITTED);
    assert_int_equal(reap_writer(&alive, &dead.writer_id, now_us), 1);
    assert_int_equal(reap_writer(&alive, &dead.writer_id, now_us), 0);
    assert_int_equal(adopt(&alive, now_us, 60000), 1);
    assert_int_equal(heartbeat(&dead, now_us, 0), 0);
    /* A batch that was on its way when its writer was reaped is found by a later look. */
    struct rows last;
    rows_open(&last, &merchant_id);
    assert_int_equal(write_now(&dead, &last.txn), STORE_COMMITTED);
    assert_int_equal(adopt(&alive, now_us + 3600000000, 60000), 1);
    assert_int_equal(adopt(&alive, now_us + 3600000000, 60000), 0);
    PGconn *conn = fixture_connect("turnpike_gateway");
    assert_int_equal(
        fixture_count(conn, "SELECT count(*) FROM writers WHERE adopted_at IS NOT NULL"), 1);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM unresolved"), 4);
    PQfinish(conn);
    fixture_close(&dead);
    fixture_close(&alive);
}

static void a_watermark_spares_what_is_behind_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    int64_t now_us = clock_wall_us();
    struct rows r;
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    assert_int_equal(heartbeat(&f, now_us, r.attempt.created_us + 1), 1);
    assert_int_equal(heartbeat(&f, now_us, 0), 1); /* never back */
    assert_int_equal(reap_writer(&f, &f.writer_id, now_us), 1);
    assert_int_equal(adopt(&f, now_us, 60000), 0);
    fixture_close(&f);
}

/* Whose clock says what does not matter: the writers of another boot are dead, ours are not. */
static void an_instance_reaps_its_former_life(void **state)
{
    (void)state;
    struct fixture before;
    struct fixture now;
    fixture_open(&before);
    fixture_open(&now);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&before, &r.txn), STORE_COMMITTED);
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&now, &r.txn), STORE_COMMITTED);
    int64_t now_us = clock_wall_us();
    assert_int_equal(reap_instance(&now, now_us), 0); /* another host's */
    PGconn *conn = fixture_connect("turnpike_gateway");
    PQclear(PQexec(conn, "UPDATE writers SET instance_id = (SELECT instance_id FROM writers"
                         " ORDER BY started_at DESC LIMIT 1)"));
    PQfinish(conn);
    assert_int_equal(reap_instance(&now, now_us), 1);
    assert_int_equal(reap_instance(&now, now_us), 0);
    assert_int_equal(adopt(&now, now_us, 60000), 1);
    fixture_close(&before);
    fixture_close(&now);
}

static void backlog_done(void *ctx, enum store_find found, int64_t parked, int64_t oldest_parked_us,
                         const struct error *why)
{
    (void)why;
    struct number *number = ctx;
    number->found = found;
    number->count = parked;
    assert_int_equal(parked > 0, oldest_parked_us > 0);
    fixture_answered(number->f);
}

static void the_backlog_is_counted(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    for (int i = 0; i < 3; i++) {
        struct number number = {.f = &f};
        f.waiting_for++;
        store_backlog(f.store, backlog_done, &number);
        fixture_wait(&f);
        assert_int_equal(number.found, STORE_FOUND);
        assert_int_equal(number.count, i);
        struct rows r;
        rows_open(&r, &merchant_id);
        rows_to_park(&r, 0, clock_wall_us());
        assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_payment_reads_back_as_it_was_written, fixture_new_database),
        cmocka_unit_test_setup(several_attempts_and_sends_stay_in_order, fixture_new_database),
        cmocka_unit_test_setup(keys_tell_their_payment_and_answer, fixture_new_database),
        cmocka_unit_test_setup(a_reference_loads_its_newest_try, fixture_new_database),
        cmocka_unit_test_setup(payments_and_payouts_are_never_taken_for_each_other,
                               fixture_new_database),
        cmocka_unit_test_setup(a_payment_that_is_opened_again_stays_as_it_was,
                               fixture_new_database),
        cmocka_unit_test_setup(pages_go_from_new_to_old_without_gap, fixture_new_database),
        cmocka_unit_test_setup(a_claim_is_a_lease_with_an_epoch, fixture_new_database),
        cmocka_unit_test_setup(two_claimers_share_without_overlap, fixture_new_database),
        cmocka_unit_test_setup(a_writer_that_closed_leaves_nothing_to_adopt, fixture_new_database),
        cmocka_unit_test_setup(attempts_of_the_dead_are_adopted, fixture_new_database),
        cmocka_unit_test_setup(a_watermark_spares_what_is_behind_it, fixture_new_database),
        cmocka_unit_test_setup(an_instance_reaps_its_former_life, fixture_new_database),
        cmocka_unit_test_setup(the_backlog_is_counted, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

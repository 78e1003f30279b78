/* Cases: opened with a close, decided once, claimed to be reversed. */
#include "tests/unit/ledger/fixture.h"

#include "ledger/review.h"

static struct store_review review_of(const struct rows *r, enum review_kind kind,
                                     enum review_state state)
{
    return (struct store_review){
        .merchant_id = r->attempt.merchant_id,
        .review_id = uuid_new(),
        .payment_id = r->attempt.payment_id,
        .attempt_id = r->attempt.attempt_id,
        .account_id = r->attempt.account_id,
        .kind = kind,
        .state = state,
        .operation = OPERATION_SALE,
        .provider = r->attempt.provider,
        .amount_minor = r->attempt.amount_minor,
        .currency = "EUR",
        .answered_minor = kind == REVIEW_AMOUNT_MISMATCH ? 999 : -1,
        .reference = STR("CAP-1"),
        .detail = STR("amount_mismatch"),
        .created_us = clock_wall_us(),
    };
}

/* A payment with a case. */
static struct store_review open_case(struct fixture *f, struct rows *r,
                                     const struct uuid *merchant_id, enum review_kind kind,
                                     enum review_state state)
{
    rows_open(r, merchant_id);
    assert_int_equal(write_now(f, &r->txn), STORE_COMMITTED);
    struct store_review review = review_of(r, kind, state);
    struct store_txn txn = {.name = "close", .review = &review};
    assert_int_equal(write_now(f, &txn), STORE_COMMITTED);
    return review;
}

static struct store_verdict verdict_on(const struct store_review *review, int64_t epoch)
{
    return (struct store_verdict){
        .merchant_id = review->merchant_id,
        .review_id = review->review_id,
        .from = REVIEW_OPEN,
        .to = REVIEW_RESOLVED,
        .epoch = epoch,
        .key_id = uuid_new(),
        .outcome = STR("charged"),
        .reason = STR("seen in the dashboard"),
        .evidence = STR("ticket 4711"),
        .created_us = clock_wall_us(),
    };
}

struct listing {
    struct fixture *f;
    struct arena arena;
    enum store_find found;
    const struct review_view *reviews;
    size_t count;
    bool has_more;
};

static void listed(void *ctx, enum store_find found, const struct review_view *reviews,
                   size_t count, bool has_more, const struct error *why)
{
    struct listing *listing = ctx;
    if (found == STORE_FAILED)
        fail_msg("%s", why->text);
    listing->found = found;
    listing->reviews = reviews;
    listing->count = count;
    listing->has_more = has_more;
    fixture_answered(listing->f);
}

static void list(struct listing *listing, struct fixture *f, const struct review_filter *filter)
{
    *listing = (struct listing){.f = f};
    arena_init(&listing->arena, 16 << 20);
    f->waiting_for++;
    review_list(f->store, filter, &listing->arena, listed, listing);
    fixture_wait(f);
}

static void load(struct listing *listing, struct fixture *f, const struct uuid *merchant_id,
                 const struct uuid *review_id)
{
    *listing = (struct listing){.f = f};
    arena_init(&listing->arena, 16 << 20);
    f->waiting_for++;
    review_load(f->store, merchant_id, review_id, &listing->arena, listed, listing);
    fixture_wait(f);
}

static void whose_merchant_is_not_known_has_no_case(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    struct listing got;
    struct uuid merchant_id = uuid_new();
    struct uuid nobody = {{0}};
    fixture_open(&f);
    struct store_review review =
        open_case(&f, &r, &merchant_id, REVIEW_AMOUNT_MISMATCH, REVIEW_OPEN);
    load(&got, &f, &nobody, &review.review_id); /* whosever it is */
    assert_int_equal(got.found, STORE_ABSENT);
    arena_release(&got.arena);
    load(&got, &f, &merchant_id, &review.review_id);
    assert_int_equal(got.found, STORE_ABSENT);
    arena_release(&got.arena);
    fixture_close(&f);
}

static void put_merchant(PGconn *conn, const struct uuid *merchant_id)
{
    char sql[512];
    char id[UUID_TEXT_SIZE];
    struct uuid twin = uuid_new();
    char other[UUID_TEXT_SIZE];
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO merchants (merchant_id, twin_id, name, livemode, disabled, country,"
                   " created_at) VALUES ('%s', '%s', 'M', false, false, 'US', now())",
                   uuid_format(merchant_id, id).at, uuid_format(&twin, other).at);
    assert_string_equal(fixture_ask(conn, sql), "");
}

static void cases_are_listed_newest_first_and_by_what_is_asked(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    struct listing got;
    struct uuid merchants[2] = {uuid_new(), uuid_new()};
    PGconn *conn = fixture_connect("postgres");
    put_merchant(conn, &merchants[0]);
    put_merchant(conn, &merchants[1]);
    PQfinish(conn);
    fixture_open(&f);
    struct store_review cases[4];
    cases[0] = open_case(&f, &r, &merchants[0], REVIEW_AMOUNT_MISMATCH, REVIEW_OPEN);
    cases[1] = open_case(&f, &r, &merchants[1], REVIEW_UNKNOWN_TOO_LONG, REVIEW_OPEN);
    cases[2] = open_case(&f, &r, &merchants[0], REVIEW_LATE_SUCCESS, REVIEW_REVERSING);
    cases[3] = open_case(&f, &r, &merchants[0], REVIEW_PENDING_TOO_LONG, REVIEW_OPEN);
    struct review_filter filter = {.limit = 3};
    list(&got, &f, &filter); /* every merchant's */
    assert_int_equal(got.count, 3);
    assert_true(got.has_more);
    for (int i = 0; i < 3; i++)
        assert_true(uuid_eq(&got.reviews[i].review_id, &cases[3 - i].review_id));
    filter.after = got.reviews[2].review_id;
    arena_release(&got.arena);
    list(&got, &f, &filter);
    assert_int_equal(got.count, 1);
    const struct review_view *view = &got.reviews[0];
    assert_true(uuid_eq(&view->review_id, &cases[0].review_id));
    assert_true(uuid_eq(&view->attempt_id, &cases[0].attempt_id));
    assert_int_equal(view->kind, REVIEW_AMOUNT_MISMATCH);
    assert_int_equal(view->amount_minor, 1099);
    assert_int_equal(view->answered_minor, 999);
    assert_true(str_eq(view->payment_kind, STR("payment")));
    assert_true(str_eq(view->reference, STR("CAP-1")));
    arena_release(&got.arena);
    filter = (struct review_filter){
        .merchant_id = merchants[0], .state = REVIEW_OPEN, .provider = STR("paypal"), .limit = 10};
    list(&got, &f, &filter);
    assert_int_equal(got.count, 2);
    arena_release(&got.arena);
    filter.kind = REVIEW_PENDING_TOO_LONG;
    list(&got, &f, &filter);
    assert_int_equal(got.count, 1);
    arena_release(&got.arena);
    load(&got, &f, &merchants[0], &cases[1].review_id); /* another merchant's is absent */
    assert_int_equal(got.found, STORE_ABSENT);
    arena_release(&got.arena);
    load(&got, &f, &merchants[1], &cases[1].review_id);
    assert_int_equal(got.found, STORE_FOUND);
    arena_release(&got.arena);
    fixture_close(&f);
}

static void a_case_is_decided_once(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    struct write writes[2];
    struct uuid merchant_id = uuid_new();
    fixture_open(&f);
    struct store_review review =
        open_case(&f, &r, &merchant_id, REVIEW_AMOUNT_MISMATCH, REVIEW_OPEN);
    struct store_verdict verdicts[2] = {verdict_on(&review, 0), verdict_on(&review, 0)};
    for (int i = 0; i < 2; i++) { /* at once */
        struct store_txn txn = {.name = "decide", .verdict = &verdicts[i]};
        write_start(&f, &txn, &writes[i]);
    }
    fixture_wait(&f);
    assert_int_equal((writes[0].result == STORE_COMMITTED) + (writes[1].result == STORE_COMMITTED),
                     1);
    assert_int_equal((writes[0].result == STORE_FENCED) + (writes[1].result == STORE_FENCED), 1);
    struct store_txn again = {.name = "decide", .verdict = &verdicts[0]};
    assert_int_equal(write_now(&f, &again), STORE_FENCED);
    PGconn *conn = fixture_connect("postgres");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM reviews WHERE state = 'resolved'"
                                         " AND outcome = 'charged' AND resolved_by IS NOT NULL"),
                     1);
    PQfinish(conn);
    fixture_close(&f);
}

static void proof_ends_what_was_not_known_and_nothing_else(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    struct rows other;
    struct uuid merchant_id = uuid_new();
    fixture_open(&f);
    struct store_review review =
        open_case(&f, &r, &merchant_id, REVIEW_UNKNOWN_TOO_LONG, REVIEW_OPEN);
    (void)open_case(&f, &other, &merchant_id, REVIEW_UNKNOWN_TOO_LONG, REVIEW_OPEN);
    struct store_review late = review_of(&r, REVIEW_LATE_SUCCESS, REVIEW_REVERSING);
    struct store_proof proof = {
        .merchant_id = merchant_id,
        .payment_id = r.attempt.payment_id,
        .attempt_id = r.attempt.attempt_id,
        .outcome = OUTCOME_APPROVED,
        .created_us = clock_wall_us(),
    };
    struct store_txn txn = {.name = "close", .review = &late, .proof = &proof};
    assert_int_equal(write_now(&f, &txn), STORE_COMMITTED);
    PGconn *conn = fixture_connect("postgres");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM reviews WHERE state = 'resolved'"
                                         " AND outcome = 'approved' AND reason = 'proof'"),
                     1);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM reviews WHERE state = 'open'"), 1);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM reviews WHERE state = 'reversing'"),
                     1);
    struct store_verdict verdict = verdict_on(&review, 0); /* a person comes too late */
    struct store_txn decide = {.name = "decide", .verdict = &verdict};
    assert_int_equal(write_now(&f, &decide), STORE_FENCED);
    PQfinish(conn);
    fixture_close(&f);
}

static void the_same_again_opens_a_resolved_case_anew_but_no_late_success(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    struct uuid merchant_id = uuid_new();
    fixture_open(&f);
    struct store_review review =
        open_case(&f, &r, &merchant_id, REVIEW_AMOUNT_MISMATCH, REVIEW_OPEN);
    struct store_verdict verdict = verdict_on(&review, 0);
    struct store_txn decide = {.name = "decide", .verdict = &verdict};
    assert_int_equal(write_now(&f, &decide), STORE_COMMITTED);
    struct store_review again = review_of(&r, REVIEW_AMOUNT_MISMATCH, REVIEW_OPEN);
    struct store_txn txn = {.name = "close", .review = &again};
    assert_int_equal(write_now(&f, &txn), STORE_COMMITTED);
    assert_int_equal(write_now(&f, &decide), STORE_FENCED); /* of another epoch */
    PGconn *conn = fixture_connect("postgres");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM reviews WHERE state = 'open'"), 1);
    again = review_of(&r, REVIEW_LATE_SUCCESS, REVIEW_REVERSING);
    assert_int_equal(write_now(&f, &txn), STORE_COMMITTED);
    verdict = verdict_on(&again, 0);
    verdict.from = REVIEW_REVERSING;
    assert_int_equal(write_now(&f, &decide), STORE_COMMITTED);
    again.review_id = uuid_new();
    assert_int_equal(write_now(&f, &txn), STORE_COMMITTED); /* and changes nothing */
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM reviews"
                                         " WHERE kind = 'late_success' AND state = 'resolved'"),
                     1);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM reviews"), 2);
    PQfinish(conn);
    fixture_close(&f);
}

/* ---- reversals ---- */

struct claiming {
    struct fixture *f;
    struct arena arena;
    const struct review_claim *claims;
    size_t count;
};

static void claim_done(void *ctx, enum store_find found, const struct review_claim *claims,
                       size_t count, const struct error *why)
{
    struct claiming *claiming = ctx;
    if (found != STORE_FOUND)
        fail_msg("%s", why->text);
    claiming->claims = claims;
    claiming->count = count;
    fixture_answered(claiming->f);
}

static void claim(struct claiming *claiming, struct fixture *f, int64_t now_us)
{
    *claiming = (struct claiming){.f = f};
    arena_init(&claiming->arena, 16 << 20);
    f->waiting_for++;
    review_claim_start(f->store, 10, now_us, 10000, &claiming->arena, claim_done, claiming);
    fixture_wait(f);
}

static int64_t put_back(struct fixture *f, const struct review_end *end)
{
    struct number number = {.f = f};
    f->waiting_for++;
    review_put_back(f->store, end, number_done, &number);
    return number_wait(&number);
}

static void a_reversal_is_claimed_put_back_and_given_up(void **state)
{
    (void)state;
    struct fixture f;
    struct rows r;
    struct claiming got;
    struct uuid merchant_id = uuid_new();
    fixture_open(&f);
    struct store_review review =
        open_case(&f, &r, &merchant_id, REVIEW_LATE_SUCCESS, REVIEW_REVERSING);
    int64_t now_us = clock_wall_us() + CLOCK_SECOND_US;
    claim(&got, &f, now_us);
    assert_int_equal(got.count, 1);
    struct review_claim first = got.claims[0];
    arena_release(&got.arena);
    assert_true(uuid_eq(&first.attempt_id, &review.attempt_id));
    assert_int_equal(first.epoch, 1);
    claim(&got, &f, now_us); /* it is leased */
    assert_int_equal(got.count, 0);
    arena_release(&got.arena);
    claim(&got, &f, now_us + 11 * CLOCK_SECOND_US); /* its holder died */
    assert_int_equal(got.count, 1);
    arena_release(&got.arena);
    struct review_end end = {
        .merchant_id = merchant_id,
        .review_id = review.review_id,
        .epoch = first.epoch,
        .next_us = now_us + 60 * CLOCK_SECOND_US,
        .tries = 1,
        .detail = STR("insufficient_funds"),
    };
    assert_int_equal(put_back(&f, &end), 0); /* who was believed dead changes nothing */
    end.epoch = 2;
    assert_int_equal(put_back(&f, &end), 1);
    claim(&got, &f, now_us + 59 * CLOCK_SECOND_US);
    assert_int_equal(got.count, 0);
    arena_release(&got.arena);
    claim(&got, &f, now_us + 61 * CLOCK_SECOND_US);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.claims[0].tries, 1);
    arena_release(&got.arena);
    end.epoch = 3;
    end.gives_up = true;
    assert_int_equal(put_back(&f, &end), 1);
    PGconn *conn = fixture_connect("postgres");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM reviews WHERE state = 'open'"
                                         " AND kind = 'reversal_failed'"),
                     1);
    struct store_verdict verdict = verdict_on(&review, 3); /* once more, a person says */
    verdict.to = REVIEW_REVERSING;
    struct store_txn txn = {.name = "decide", .verdict = &verdict};
    assert_int_equal(write_now(&f, &txn), STORE_COMMITTED);
    claim(&got, &f, clock_wall_us() + CLOCK_SECOND_US);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.claims[0].tries, 1);
    arena_release(&got.arena);
    PQfinish(conn);
    fixture_close(&f);
}

static void the_key_of_a_reversal_can_be_no_clients(void **state)
{
    (void)state;
    char text[REVIEW_KEY_SIZE];
    char other[REVIEW_KEY_SIZE];
    struct uuid id = uuid_new();
    struct str key = review_key(&id, 1, text);
    assert_true((unsigned char)key.at[0] >= 0x80);
    assert_false(str_eq(key, review_key(&id, 2, other)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(whose_merchant_is_not_known_has_no_case, fixture_new_database),
        cmocka_unit_test_setup(cases_are_listed_newest_first_and_by_what_is_asked,
                               fixture_new_database),
        cmocka_unit_test_setup(a_case_is_decided_once, fixture_new_database),
        cmocka_unit_test_setup(proof_ends_what_was_not_known_and_nothing_else,
                               fixture_new_database),
        cmocka_unit_test_setup(the_same_again_opens_a_resolved_case_anew_but_no_late_success,
                               fixture_new_database),
        cmocka_unit_test_setup(a_reversal_is_claimed_put_back_and_given_up, fixture_new_database),
        cmocka_unit_test(the_key_of_a_reversal_can_be_no_clients),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

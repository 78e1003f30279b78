/* The queue of open attempts: lanes that take turns, cancels, and the fence against who lost it. */
#include "tests/unit/ledger/fixture.h"

enum {
    ROW_MAX = 60,
};

struct claiming {
    struct fixture *f;
    struct arena arena;
    const struct store_claimed *claimed;
    size_t count;
};

static void claim_done(void *ctx, enum store_find found, const struct store_claimed *claimed,
                       size_t count, const struct error *why)
{
    struct claiming *claiming = ctx;
    if (found != STORE_FOUND)
        fail_msg("%s", why->text);
    claiming->claimed = claimed;
    claiming->count = count;
    fixture_answered(claiming->f);
}

static void claim(struct claiming *claiming, struct fixture *f, const struct store_claim_ask *ask)
{
    *claiming = (struct claiming){.f = f};
    arena_init(&claiming->arena, 16 << 20);
    f->waiting_for++;
    store_claim(f->store, ask, &claiming->arena, claim_done, claiming);
    fixture_wait(f);
}

static int64_t cancel(struct fixture *f, const struct rows *r, int64_t now_us)
{
    struct number number = {.f = f};
    f->waiting_for++;
    store_cancel(f->store, &r->attempt.merchant_id, &r->attempt.attempt_id, now_us, number_done,
                 &number);
    return number_wait(&number);
}

static struct store_claim_ask ask_for(unsigned limit, int64_t now_us)
{
    return (struct store_claim_ask){
        .now_us = now_us,
        .lease_ms = 10000,
        .limit = limit,
        .account_max = 1000,
        .provider_max = 1000,
    };
}

/* `count` attempts of one account, parked as due one after the other from `due_us` on. */
static void park_lane(struct fixture *f, struct rows *rows, int count, const char *provider,
                      const struct uuid *account_id, int64_t due_us)
{
    static struct write writes[ROW_MAX];
    struct uuid merchant_id = uuid_new();
    for (int i = 0; i < count; i++) {
        rows_open(&rows[i], &merchant_id);
        rows[i].attempt.provider = str_of(provider);
        rows[i].attempt.account_id = *account_id;
        rows_to_park(&rows[i], 0, due_us + i);
        write_start(f, &rows[i].txn, &writes[i]);
    }
    fixture_wait(f);
    for (int i = 0; i < count; i++)
        assert_int_equal(writes[i].result, STORE_COMMITTED);
}

static size_t count_of(const struct claiming *claiming, const struct uuid *account_id)
{
    size_t count = 0;
    for (size_t i = 0; i < claiming->count; i++)
        count += uuid_eq(&claiming->claimed[i].account_id, account_id);
    return count;
}

/* The longest queue is older than all the others, and gets no more than its turn. */
static void lanes_take_turns(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    static struct rows rows[3][ROW_MAX];
    int64_t now_us = clock_wall_us();
    struct uuid account[3] = {uuid_new(), uuid_new(), uuid_new()};
    struct claiming claiming;
    park_lane(&f, rows[0], 50, "paypal_payouts", &account[0], now_us - 5000000);
    park_lane(&f, rows[1], 5, "paypal_payouts", &account[1], now_us - 1000);
    park_lane(&f, rows[2], 5, "paypal", &account[2], now_us - 1000);
    struct store_claim_ask ask = ask_for(12, now_us);
    claim(&claiming, &f, &ask);
    assert_int_equal(claiming.count, 12);
    for (int i = 0; i < 3; i++)
        assert_int_equal(count_of(&claiming, &account[i]), 4);
    assert_true(str_eq(claiming.claimed[0].provider, STR("paypal_payouts")) ||
                str_eq(claiming.claimed[0].provider, STR("paypal")));
    arena_release(&claiming.arena);
    claim(&claiming, &f, &ask); /* the short ones run out: twice its share is the long one's */
    assert_int_equal(count_of(&claiming, &account[0]), 9);
    assert_int_equal(claiming.count, 11);
    arena_release(&claiming.arena);
    for (size_t left = 37; left > 0; left -= left < 12 ? left : 12) { /* then all of it */
        claim(&claiming, &f, &ask);
        assert_int_equal(claiming.count, left < 12 ? left : 12);
        arena_release(&claiming.arena);
    }
    fixture_close(&f);
}

/* A lane that is full, because its provider hangs, is passed over. */
static void what_is_in_hand_takes_room_of_its_lane(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    static struct rows rows[3][ROW_MAX];
    int64_t now_us = clock_wall_us();
    struct uuid account[3] = {uuid_new(), uuid_new(), uuid_new()};
    struct claiming claiming;
    park_lane(&f, rows[0], 20, "slow", &account[0], now_us - 5000000);
    park_lane(&f, rows[1], 20, "slow", &account[1], now_us - 4000000);
    park_lane(&f, rows[2], 20, "quick", &account[2], now_us - 1000);
    const struct store_lane lanes[] = {
        {STR("slow"), account[0], 6},
        {STR("slow"), uuid_new(), 1}, /* nothing of it is parked any more */
        {STR("quick"), account[2], 3},
    };
    struct store_claim_ask ask = ask_for(40, now_us);
    ask.account_max = 6;
    ask.provider_max = 9;
    ask.lanes = lanes;
    ask.lane_count = ARRAY_LEN(lanes);
    claim(&claiming, &f, &ask);
    assert_int_equal(count_of(&claiming, &account[0]), 0); /* 6 in hand */
    assert_int_equal(count_of(&claiming, &account[1]), 2); /* 7 of its provider in hand */
    assert_int_equal(count_of(&claiming, &account[2]), 3); /* 3 in hand */
    assert_int_equal(claiming.count, 5);
    arena_release(&claiming.arena);
    fixture_close(&f);
}

/* Two claimers at once, again and again: each row once. */
static void many_claims_take_every_row_once(void **state)
{
    (void)state;
    struct fixture a;
    struct fixture b;
    fixture_open(&a);
    fixture_open(&b);
    static struct rows rows[4][ROW_MAX];
    int64_t now_us = clock_wall_us();
    for (int i = 0; i < 4; i++) {
        struct uuid account = uuid_new();
        park_lane(&a, rows[i], 40, i % 2 == 0 ? "one" : "two", &account, now_us - 1000);
    }
    size_t total = 0;
    for (int round = 0; round < 40 && total < 160; round++) {
        struct claiming mine = {.f = &a};
        struct claiming yours = {.f = &b};
        struct store_claim_ask ask = ask_for(9, now_us);
        arena_init(&mine.arena, 16 << 20);
        arena_init(&yours.arena, 16 << 20);
        a.waiting_for++;
        b.waiting_for++;
        store_claim(a.store, &ask, &mine.arena, claim_done, &mine);
        store_claim(b.store, &ask, &yours.arena, claim_done, &yours);
        fixture_wait(&a);
        fixture_wait(&b);
        for (size_t i = 0; i < mine.count; i++)
            for (size_t j = 0; j < yours.count; j++)
                assert_false(uuid_eq(&mine.claimed[i].attempt_id, &yours.claimed[j].attempt_id));
        for (size_t i = 0; i < mine.count; i++)
            assert_int_equal(mine.claimed[i].epoch, 1);
        total += mine.count + yours.count;
        arena_release(&mine.arena);
        arena_release(&yours.arena);
    }
    assert_int_equal(total, 160);
    fixture_close(&a);
    fixture_close(&b);
}

static void put_back(struct fixture *f, struct rows *r, const struct store_claimed *claimed,
                     int64_t next_us, int32_t tries)
{
    rows_to_park(r, claimed->epoch, next_us);
    r->park.tries = tries;
    r->park.is_canceled = claimed->is_canceled;
    assert_int_equal(write_now(f, &r->txn), STORE_COMMITTED);
}

static void a_cancel_is_due_at_once_and_told_to_who_claims(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    int64_t now_us = clock_wall_us();
    struct rows r;
    struct claiming claiming;
    struct store_claim_ask ask = ask_for(10, now_us);
    rows_open(&r, &merchant_id);
    assert_int_equal(cancel(&f, &r, now_us), 0); /* not parked: nothing to mark */
    rows_to_park(&r, 0, now_us + 3600000000);
    r.park.tries = 7;
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    claim(&claiming, &f, &ask);
    assert_int_equal(claiming.count, 0);
    arena_release(&claiming.arena);

    assert_int_equal(cancel(&f, &r, now_us), 1);
    claim(&claiming, &f, &ask);
    assert_int_equal(claiming.count, 1);
    assert_true(claiming.claimed[0].is_canceled);
    assert_int_equal(claiming.claimed[0].tries, 0);
    /* Who knows of it may put it off; asking again does not bring it forward. */
    put_back(&f, &r, &claiming.claimed[0], now_us + 3600000000, 3);
    arena_release(&claiming.arena);
    assert_int_equal(cancel(&f, &r, now_us), 1);
    claim(&claiming, &f, &ask);
    assert_int_equal(claiming.count, 0);
    arena_release(&claiming.arena);
    ask.now_us = now_us + 3600000000;
    claim(&claiming, &f, &ask);
    assert_int_equal(claiming.claimed[0].tries, 3);
    arena_release(&claiming.arena);
    fixture_close(&f);
}

/* It comes while somebody has the claim, and he puts the attempt back for later. */
static void a_cancel_during_a_claim_is_not_put_off(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    int64_t now_us = clock_wall_us();
    struct rows r;
    struct claiming first, second;
    struct store_claim_ask ask = ask_for(10, now_us);
    rows_open(&r, &merchant_id);
    rows_to_park(&r, 0, now_us - 1000);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    claim(&first, &f, &ask);
    assert_int_equal(first.count, 1);
    assert_false(first.claimed[0].is_canceled);
    assert_int_equal(cancel(&f, &r, now_us), 1);
    claim(&second, &f, &ask);
    assert_int_equal(second.count, 0); /* the lease holds */
    arena_release(&second.arena);
    put_back(&f, &r, &first.claimed[0], now_us + 3600000000, 5);
    arena_release(&first.arena);
    claim(&second, &f, &ask);
    assert_int_equal(second.count, 1);
    assert_true(second.claimed[0].is_canceled);
    assert_int_equal(second.claimed[0].tries, 0);
    /* Whoever ends it ends it, canceled or not. */
    r.unpark = (struct store_unpark){
        .merchant_id = merchant_id,
        .attempt_id = r.attempt.attempt_id,
        .epoch = second.claimed[0].epoch,
    };
    arena_release(&second.arena);
    struct store_txn unpark = {.name = "t", .unpark = &r.unpark};
    assert_int_equal(write_now(&f, &unpark), STORE_COMMITTED);
    assert_int_equal(cancel(&f, &r, now_us), 0);
    fixture_close(&f);
}

/* Its attempt was taken over and waits for proof: who held it goes on to no other provider. */
static void no_second_attempt_while_the_first_is_parked(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    int64_t now_us = clock_wall_us();
    struct rows r, neighbour;
    struct write writes[2];
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    struct uuid first_id = r.attempt.attempt_id;
    rows_to_park(&r, 0, now_us);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);

    rows_attempt(&r, 2);
    struct store_txn next = {.name = "switch", .attempt = &r.attempt, .send = &r.send};
    rows_open(&neighbour, &merchant_id);
    write_start(&f, &next, &writes[0]);
    write_start(&f, &neighbour.txn, &writes[1]);
    fixture_wait(&f);
    assert_int_equal(writes[0].result, STORE_FENCED);
    assert_int_equal(writes[1].result, STORE_COMMITTED);

    struct claiming claiming;
    struct store_claim_ask ask = ask_for(10, now_us + 1000000);
    claim(&claiming, &f, &ask);
    assert_int_equal(claiming.count, 1);
    r.unpark = (struct store_unpark){
        .merchant_id = merchant_id, .attempt_id = first_id, .epoch = claiming.claimed[0].epoch};
    arena_release(&claiming.arena);
    struct store_txn unpark = {.name = "t", .unpark = &r.unpark};
    assert_int_equal(write_now(&f, &unpark), STORE_COMMITTED);
    assert_int_equal(write_now(&f, &next), STORE_COMMITTED);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lanes_take_turns, fixture_new_database),
        cmocka_unit_test_setup(what_is_in_hand_takes_room_of_its_lane, fixture_new_database),
        cmocka_unit_test_setup(many_claims_take_every_row_once, fixture_new_database),
        cmocka_unit_test_setup(a_cancel_is_due_at_once_and_told_to_who_claims,
                               fixture_new_database),
        cmocka_unit_test_setup(a_cancel_during_a_claim_is_not_put_off, fixture_new_database),
        cmocka_unit_test_setup(no_second_attempt_while_the_first_is_parked, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

/* What fees were computed from: kept once, as its hash says, and never changed. */
#include "ledger/price.h"
#include "base/crypto.h"
#include "tests/unit/ledger/fixture.h"

struct found {
    struct fixture *f;
    enum store_find found;
    struct price price;
};

static void price_found(void *ctx, enum store_find result, const struct price *price,
                        const struct error *why)
{
    struct found *found = ctx;
    (void)why;
    found->found = result;
    found->price = *price;
    fixture_answered(found->f);
}

static struct price make_price(const struct uuid *merchant_id, const char *text)
{
    struct price price = {
        .merchant_id = *merchant_id,
        .kind = PRICE_FEES,
        .text = str_of(text),
        .author = STR("ada"),
        .created_us = 1800000000 * CLOCK_SECOND_US,
    };
    crypto_sha256(price.text, price.hash);
    return price;
}

static struct number keep(struct fixture *f, const struct price *price)
{
    struct number number = {.f = f};
    f->waiting_for++;
    price_keep(f->store, price, number_done, &number);
    fixture_wait(f);
    return number;
}

static struct found find(struct fixture *f, const struct uuid *merchant_id, const uint8_t hash[32],
                         struct arena *arena)
{
    struct found found = {.f = f};
    f->waiting_for++;
    price_find(f->store, merchant_id, hash, arena, price_found, &found);
    fixture_wait(f);
    return found;
}

static void what_was_used_is_found_as_it_was(void **state)
{
    (void)state;
    struct fixture f;
    struct arena arena;
    struct uuid merchant_id = uuid_new();
    struct uuid other_id = uuid_new();
    struct uuid house = {{0}};
    fixture_open(&f);
    arena_init(&arena, 1 << 20);
    struct price price = make_price(&merchant_id, "{\"percent\":\"1\"}");
    assert_int_equal(keep(&f, &price).count, 1);
    struct price again = price;
    again.author = STR("grace");
    again.created_us += CLOCK_SECOND_US;
    assert_int_equal(keep(&f, &again).count, 0);
    struct found found = find(&f, &merchant_id, price.hash, &arena);
    assert_int_equal(found.found, STORE_FOUND);
    assert_true(str_eq(found.price.text, price.text));
    assert_true(str_eq(found.price.author, STR("ada")));
    assert_int_equal(found.price.kind, PRICE_FEES);
    assert_int_equal(found.price.created_us, price.created_us);
    assert_int_equal(find(&f, &other_id, price.hash, &arena).found, STORE_ABSENT);
    struct price rates = make_price(&house, "{\"base\":\"EUR\"}");
    rates.kind = PRICE_RATES;
    assert_int_equal(keep(&f, &rates).found, STORE_FOUND);
    found = find(&f, &house, rates.hash, &arena);
    assert_int_equal(found.found, STORE_FOUND);
    assert_int_equal(found.price.kind, PRICE_RATES);
    arena_release(&arena);
    fixture_close(&f);
}

static void what_is_not_what_its_hash_says_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct uuid merchant_id = uuid_new();
    fixture_open(&f);
    struct price price = make_price(&merchant_id, "{\"percent\":\"1\"}");
    price.text = STR("{\"percent\":\"2\"}");
    assert_int_equal(keep(&f, &price).found, STORE_FAILED);
    price.text = STR("{\"percent\":\"1\"}");
    assert_int_equal(keep(&f, &price).found, STORE_FOUND);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_used_is_found_as_it_was, fixture_new_database),
        cmocka_unit_test_setup(what_is_not_what_its_hash_says_is_refused, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

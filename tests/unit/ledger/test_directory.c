/* Merchants, keys and accounts against a real PostgreSQL. */
#include "tests/unit/ledger/fixture.h"

#include "ledger/directory.h"

struct answer {
    struct fixture *f;
    struct arena arena;
    enum store_find found;
    struct directory_rows rows;
    struct error why;
};

static void changed(void *ctx, enum store_find found, const struct error *why)
{
    struct answer *answer = ctx;
    answer->found = found;
    answer->why = *why;
    fixture_answered(answer->f);
}

static void rows_came(void *ctx, enum store_find found, const struct directory_rows *rows,
                      const struct error *why)
{
    struct answer *answer = ctx;
    answer->found = found;
    answer->rows = *rows;
    answer->why = *why;
    fixture_answered(answer->f);
}

static struct fixture f;
static struct answer a;

static int begin(void **state)
{
    (void)fixture_new_database(state);
    fixture_open(&f);
    memset(&a, 0, sizeof(a));
    a.f = &f;
    arena_init(&a.arena, 1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_release(&a.arena);
    fixture_close(&f);
    return 0;
}

/* Wait for the one call that was just made. */
static enum store_find answered(void)
{
    f.waiting_for++;
    fixture_wait(&f);
    return a.found;
}

static int64_t version(void)
{
    struct number number = {.f = &f};
    f.waiting_for++;
    directory_version(f.store, number_done, &number);
    return number_wait(&number);
}

static struct directory_merchant merchant_of(const char *name)
{
    return (struct directory_merchant){
        .merchant_id = uuid_new(),
        .twin_id = uuid_new(),
        .name = str_of(name),
        .livemode = true,
        .country = STR("DE"),
        .created_us = clock_wall_us(),
    };
}

static struct directory_key key_of(const struct uuid *merchant_id, enum key_role role)
{
    struct directory_key key = {
        .key_id = uuid_new(),
        .merchant_id = *merchant_id,
        .role = role,
        .livemode = true,
        .hint = STR("tpk_live_ab...yz"),
        .created_us = clock_wall_us(),
        .expires_us = clock_wall_us() + 3600000000,
    };
    rng_fill(key.digest, sizeof(key.digest));
    return key;
}

static struct directory_account account_of(const struct uuid *merchant_id, const char *name)
{
    return (struct directory_account){
        .merchant_id = *merchant_id,
        .account_id = uuid_new(),
        .provider = STR("paypal"),
        .name = str_of(name),
        .base_url = STR("https://127.0.0.1:9443"),
        .secret_ref = STR("file:paypal.json"),
        .settings_json = STR("{}"),
        .fees_json = STR("{\"percent\":34900}"),
        .currencies = STR("EUR USD"),
        .amount_max_minor = 100000,
        .created_us = clock_wall_us(),
    };
}

static void a_merchant_is_loaded_with_keys_and_accounts(void **state)
{
    (void)state;
    struct directory_merchant merchant = merchant_of("Bakery");
    int64_t before = version();
    directory_put_merchant(f.store, &merchant, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    struct directory_key key = key_of(&merchant.merchant_id, KEY_MERCHANT);
    directory_put_key(f.store, &key, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    struct directory_account account = account_of(&merchant.merchant_id, "main");
    directory_put_account(f.store, &account, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    assert_int_equal(version(), before + 3);
    directory_load_merchant(f.store, &merchant.merchant_id, &a.arena, rows_came, &a);
    assert_int_equal(answered(), STORE_FOUND);
    assert_int_equal(a.rows.merchant_count, 1);
    assert_int_equal(a.rows.key_count, 1);
    assert_int_equal(a.rows.account_count, 1);
    assert_true(str_eq(a.rows.merchants[0].name, STR("Bakery")));
    assert_true(uuid_eq(&a.rows.merchants[0].twin_id, &merchant.twin_id));
    assert_int_equal(a.rows.keys[0].role, KEY_MERCHANT);
    assert_int_equal(a.rows.keys[0].expires_us, key.expires_us);
    assert_int_equal(a.rows.keys[0].disabled_us, 0);
    assert_memory_equal(a.rows.keys[0].digest, key.digest, 32);
    assert_true(str_eq(a.rows.accounts[0].fees_json, account.fees_json));
    assert_true(str_eq(a.rows.accounts[0].currencies, account.currencies));
    assert_int_equal(a.rows.accounts[0].amount_max_minor, 100000);
    struct uuid nobody = uuid_new();
    directory_load_merchant(f.store, &nobody, &a.arena, rows_came, &a);
    assert_int_equal(answered(), STORE_ABSENT);
}

static void a_key_is_found_by_its_digest(void **state)
{
    (void)state;
    struct directory_merchant merchant = merchant_of("Bakery");
    directory_put_merchant(f.store, &merchant, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    struct directory_key key = key_of(&merchant.merchant_id, KEY_FINANCE);
    struct uuid zero = {{0}};
    struct directory_key house = key_of(&zero, KEY_OPERATOR);
    directory_put_key(f.store, &key, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    directory_put_key(f.store, &house, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    directory_find_key(f.store, key.digest, &a.arena, rows_came, &a);
    assert_int_equal(answered(), STORE_FOUND);
    assert_int_equal(a.rows.key_count, 1);
    assert_int_equal(a.rows.merchant_count, 1);
    assert_true(uuid_eq(&a.rows.merchants[0].merchant_id, &merchant.merchant_id));
    directory_find_key(f.store, house.digest, &a.arena, rows_came, &a);
    assert_int_equal(answered(), STORE_FOUND);
    assert_int_equal(a.rows.merchant_count, 0);
    assert_true(uuid_is_zero(&a.rows.keys[0].merchant_id));
    key.digest[31] ^= 1;
    directory_find_key(f.store, key.digest, &a.arena, rows_came, &a);
    assert_int_equal(answered(), STORE_ABSENT);
    directory_disable_key(f.store, &house.key_id, 1234567, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    directory_list_accounts(f.store, &a.arena, rows_came, &a);
    assert_int_equal(answered(), STORE_FOUND);
    assert_int_equal(a.rows.key_count, 1);
    assert_int_equal(a.rows.keys[0].disabled_us, 1234567);
}

static void a_merchant_is_bound_to_clients_and_let_go(void **state)
{
    (void)state;
    struct directory_merchant merchant = merchant_of("Bakery");
    char digests[160] = {0};
    struct uuid nobody = uuid_new();
    directory_put_merchant(f.store, &merchant, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    memset(digests, 7, 64);
    int64_t before = version();
    directory_bind_merchant(f.store, &merchant.merchant_id, (struct str){digests, 64}, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    assert_int_equal(version(), before + 1);
    directory_put_merchant(f.store, &merchant, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    directory_load_merchant(f.store, &merchant.merchant_id, &a.arena, rows_came, &a);
    assert_int_equal(answered(), STORE_FOUND);
    assert_int_equal(a.rows.merchants[0].client_keys.len, 64);
    assert_memory_equal(a.rows.merchants[0].client_keys.at, digests, 64);
    directory_bind_merchant(f.store, &merchant.merchant_id, STR_NONE, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    directory_load_merchant(f.store, &merchant.merchant_id, &a.arena, rows_came, &a);
    assert_int_equal(answered(), STORE_FOUND);
    assert_int_equal(a.rows.merchants[0].client_keys.len, 0);
    directory_bind_merchant(f.store, &nobody, STR_NONE, changed, &a);
    assert_int_equal(answered(), STORE_ABSENT);
    for (size_t wrong = 31; wrong <= 160; wrong += 129) { /* no whole digest; too many */
        directory_bind_merchant(f.store, &merchant.merchant_id, (struct str){digests, wrong},
                                changed, &a);
        assert_int_equal(answered(), STORE_ABSENT);
        assert_int_equal(a.why.code, ERROR_INVALID);
    }
}

static void what_is_taken_or_missing_is_not_written(void **state)
{
    (void)state;
    struct directory_merchant merchant = merchant_of("Bakery");
    directory_put_merchant(f.store, &merchant, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    struct directory_account account = account_of(&merchant.merchant_id, "main");
    directory_put_account(f.store, &account, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    int64_t before = version();
    struct directory_account second = account_of(&merchant.merchant_id, "main");
    directory_put_account(f.store, &second, changed, &a);
    assert_int_equal(answered(), STORE_ABSENT);
    assert_int_equal(a.why.code, ERROR_CONFLICT);
    struct uuid nobody = uuid_new();
    second = account_of(&nobody, "main");
    directory_put_account(f.store, &second, changed, &a);
    assert_int_equal(answered(), STORE_ABSENT);
    assert_int_equal(a.why.code, ERROR_NOT_FOUND);
    struct directory_key key = key_of(&nobody, KEY_MERCHANT);
    directory_put_key(f.store, &key, changed, &a);
    assert_int_equal(answered(), STORE_ABSENT);
    struct uuid zero = {{0}};
    key = key_of(&zero, KEY_MERCHANT); /* a merchant's key without a merchant */
    directory_put_key(f.store, &key, changed, &a);
    assert_int_equal(answered(), STORE_ABSENT);
    struct directory_merchant nameless = merchant_of("");
    directory_put_merchant(f.store, &nameless, changed, &a);
    assert_int_equal(answered(), STORE_ABSENT);
    assert_int_equal(a.why.code, ERROR_INVALID);
    directory_disable_key(f.store, &nobody, 1, changed, &a);
    assert_int_equal(answered(), STORE_ABSENT);
    directory_disable_merchant(f.store, &nobody, true, changed, &a);
    assert_int_equal(answered(), STORE_ABSENT);
    directory_disable_account(f.store, &merchant.merchant_id, &nobody, true, changed, &a);
    assert_int_equal(answered(), STORE_ABSENT);
    assert_int_equal(version(), before);
}

static void accounts_are_changed_and_disabled(void **state)
{
    (void)state;
    struct directory_merchant merchant = merchant_of("Bakery");
    directory_put_merchant(f.store, &merchant, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    struct directory_account account = account_of(&merchant.merchant_id, "main");
    directory_put_account(f.store, &account, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    account.secret_ref = STR("env:PAYPAL");
    directory_put_account(f.store, &account, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    account.provider = STR("payoneer"); /* another provider is another account */
    directory_put_account(f.store, &account, changed, &a);
    assert_int_equal(answered(), STORE_ABSENT);
    directory_disable_account(f.store, &merchant.merchant_id, &account.account_id, true, changed,
                              &a);
    assert_int_equal(answered(), STORE_FOUND);
    directory_disable_merchant(f.store, &merchant.merchant_id, true, changed, &a);
    assert_int_equal(answered(), STORE_FOUND);
    directory_list_accounts(f.store, &a.arena, rows_came, &a);
    assert_int_equal(answered(), STORE_FOUND);
    assert_int_equal(a.rows.account_count, 1);
    assert_true(a.rows.accounts[0].disabled);
    assert_true(str_eq(a.rows.accounts[0].provider, STR("paypal")));
    assert_true(str_eq(a.rows.accounts[0].secret_ref, STR("env:PAYPAL")));
    directory_list_merchants(f.store, &a.arena, rows_came, &a);
    assert_int_equal(answered(), STORE_FOUND);
    assert_int_equal(a.rows.merchant_count, 1);
    assert_true(a.rows.merchants[0].disabled);
}

static void an_empty_directory_lists_nothing(void **state)
{
    (void)state;
    directory_list_merchants(f.store, &a.arena, rows_came, &a);
    assert_int_equal(answered(), STORE_FOUND);
    assert_int_equal(a.rows.merchant_count, 0);
    directory_list_accounts(f.store, &a.arena, rows_came, &a);
    assert_int_equal(answered(), STORE_FOUND);
    assert_int_equal(a.rows.account_count, 0);
}

static void role_names_are_found_again(void **state)
{
    (void)state;
    for (int role = KEY_ROLE_NONE + 1; role < KEY_ROLE_COUNT; role++)
        assert_int_equal(key_role_find(str_of(key_role_name((enum key_role)role))), role);
    assert_int_equal(key_role_find(STR("none")), KEY_ROLE_NONE);
    assert_int_equal(key_role_find(STR("")), KEY_ROLE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_merchant_is_loaded_with_keys_and_accounts, begin, end),
        cmocka_unit_test_setup_teardown(a_key_is_found_by_its_digest, begin, end),
        cmocka_unit_test_setup_teardown(a_merchant_is_bound_to_clients_and_let_go, begin, end),
        cmocka_unit_test_setup_teardown(what_is_taken_or_missing_is_not_written, begin, end),
        cmocka_unit_test_setup_teardown(accounts_are_changed_and_disabled, begin, end),
        cmocka_unit_test_setup_teardown(an_empty_directory_lists_nothing, begin, end),
        cmocka_unit_test(role_names_are_found_again),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

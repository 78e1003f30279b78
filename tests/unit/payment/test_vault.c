#include "payment/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t seal_key[32] = {1, 2, 3};
static const uint8_t other_key[32] = {9, 9, 9};
static const uint8_t hash_key[32] = {4, 5, 6};
static const struct vault vault = {.seal_key = seal_key, .hash_key = hash_key};

static struct provider_request sample_request(void)
{
    struct provider_request request = {
        .step = PROVIDER_STEP_CHARGE,
        .moves_money = true,
        .method = STR("POST"),
        .path = STR("/v2/checkout/orders"),
        .header = {{STR("Content-Type"), STR("application/json")},
                   {STR("PayPal-Request-Id"), STR("att_1")}},
        .header_count = 2,
        .has_body = true,
        .body = STR("{\"intent\":\"CAPTURE\"}"),
        .key = STR("att_1"),
    };
    return request;
}

static void a_sealed_request_opens_to_the_same_bytes(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct uuid merchant = uuid_new(), attempt = uuid_new();
    struct provider_request request = sample_request(), opened = {0};
    struct error err;
    struct str sealed = vault_seal_request(&vault, &merchant, &attempt, 1, &request, &arena);
    assert_int_equal(str_find(sealed, STR("CAPTURE"), 0), SIZE_MAX);
    assert_true(vault_open_request(&vault, &merchant, &attempt, 1, sealed, &arena, &opened, &err));
    struct buf a, b;
    buf_init(&a, 65536);
    buf_init(&b, 65536);
    provider_request_pack(&request, &a);
    provider_request_pack(&opened, &b);
    assert_true(str_eq(buf_str(&a), buf_str(&b)));
    assert_true(opened.moves_money);
    assert_true(str_eq(opened.body, request.body));
    assert_true(str_eq(opened.key, request.key));
    buf_release(&a);
    buf_release(&b);
    arena_release(&arena);
}

static void a_sealed_request_opens_for_its_own_send_only(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct uuid merchant = uuid_new(), attempt = uuid_new(), other = uuid_new();
    struct provider_request request = sample_request(), opened = {0};
    struct error err;
    struct vault wrong = {.seal_key = other_key, .hash_key = hash_key};
    struct str sealed = vault_seal_request(&vault, &merchant, &attempt, 1, &request, &arena);
    assert_false(vault_open_request(&vault, &other, &attempt, 1, sealed, &arena, &opened, &err));
    assert_false(vault_open_request(&vault, &merchant, &other, 1, sealed, &arena, &opened, &err));
    assert_false(vault_open_request(&vault, &merchant, &attempt, 2, sealed, &arena, &opened, &err));
    assert_false(vault_open_request(&wrong, &merchant, &attempt, 1, sealed, &arena, &opened, &err));
    assert_false(
        vault_open_request(&vault, &merchant, &attempt, 1, STR_NONE, &arena, &opened, &err));
    struct str cut = str_sub(sealed, 0, sealed.len - 1);
    assert_false(vault_open_request(&vault, &merchant, &attempt, 1, cut, &arena, &opened, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    arena_release(&arena);
}

static void each_bit_of_a_sealed_request_is_protected(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 8 << 20);
    struct uuid merchant = uuid_new(), attempt = uuid_new();
    struct provider_request request = sample_request(), opened = {0};
    struct error err;
    struct str sealed = vault_seal_request(&vault, &merchant, &attempt, 1, &request, &arena);
    char *bytes = arena_alloc(&arena, sealed.len);
    for (size_t i = 0; i < sealed.len; i++) {
        memcpy(bytes, sealed.at, sealed.len);
        bytes[i] = (char)(bytes[i] ^ 0x10);
        assert_false(vault_open_request(&vault, &merchant, &attempt, 1,
                                        (struct str){bytes, sealed.len}, &arena, &opened, &err));
    }
    arena_release(&arena);
}

static void tokens_are_found_by_provider(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct uuid merchant = uuid_new(), payment = uuid_new(), other = uuid_new();
    const struct vault_token tokens[] = {{STR("paypal"), STR("tok_\"ok\"")},
                                         {STR("payoneer"), STR("reg-77")}};
    struct error err;
    struct str token = STR_NONE;
    struct str sealed = vault_seal_tokens(&vault, &merchant, &payment, tokens, 2, NULL, &arena);
    assert_int_equal(str_find(sealed, STR("reg-77"), 0), SIZE_MAX);
    assert_true(vault_open_token(&vault, &merchant, &payment, sealed, STR("payoneer"), &arena,
                                 &token, &err));
    assert_true(str_eq(token, STR("reg-77")));
    assert_true(
        vault_open_token(&vault, &merchant, &payment, sealed, STR("paypal"), &arena, &token, &err));
    assert_true(str_eq(token, STR("tok_\"ok\"")));
    assert_true(vault_open_token(&vault, &merchant, &payment, sealed, STR("rebilly"), &arena,
                                 &token, &err));
    assert_int_equal(token.len, 0);
    assert_false(
        vault_open_token(&vault, &other, &payment, sealed, STR("paypal"), &arena, &token, &err));
    assert_false(
        vault_open_token(&vault, &merchant, &other, sealed, STR("paypal"), &arena, &token, &err));
    arena_release(&arena);
}

/* Every part of it, each its own text; none can be read without the key or for another payout. */
static void a_beneficiary_is_sealed_with_the_tokens(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct uuid merchant = uuid_new(), payout = uuid_new(), other = uuid_new();
    const struct vault_token tokens[] = {{STR("paypal_payouts"), STR("ada@example.com")}};
    enum {
        PARTS = sizeof(struct provider_beneficiary) / sizeof(struct str),
    };
    struct provider_beneficiary ada, opened;
    struct str *part = (struct str *)(void *)&ada;
    for (size_t i = 0; i < PARTS; i++)
        part[i] = arena_printf(&arena, "part \"%zu\" \xc3\xa9", i);
    struct error err;
    struct str token = STR_NONE;
    struct str sealed = vault_seal_tokens(&vault, &merchant, &payout, tokens, 1, &ada, &arena);
    assert_int_equal(str_find(sealed, STR("part"), 0), SIZE_MAX);
    assert_true(vault_open_beneficiary(&vault, &merchant, &payout, sealed, &arena, &opened, &err));
    for (size_t i = 0; i < PARTS; i++)
        assert_true(str_eq(((struct str *)(void *)&opened)[i], part[i]));
    assert_true(vault_open_token(&vault, &merchant, &payout, sealed, STR("paypal_payouts"), &arena,
                                 &token, &err));
    assert_true(str_eq(token, STR("ada@example.com")));
    assert_true(vault_open_token(&vault, &merchant, &payout, sealed, STR("beneficiary"), &arena,
                                 &token, &err));
    assert_int_equal(token.len, 0);
    assert_false(vault_open_beneficiary(&vault, &merchant, &other, sealed, &arena, &opened, &err));
    assert_int_equal(opened.iban.len, 0);
    /* Erased: the columns are NULL. */
    assert_false(
        vault_open_beneficiary(&vault, &merchant, &payout, STR_NONE, &arena, &opened, &err));
    sealed = vault_seal_tokens(&vault, &merchant, &payout, tokens, 1, NULL, &arena);
    assert_true(vault_open_beneficiary(&vault, &merchant, &payout, sealed, &arena, &opened, &err));
    assert_int_equal(opened.type.len + opened.iban.len, 0);
    arena_release(&arena);
}

static void the_same_text_never_seals_to_the_same_bytes(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct uuid merchant = uuid_new(), payment = uuid_new();
    const struct vault_token tokens[] = {{STR("paypal"), STR("tok_ok")}};
    struct str a = vault_seal_tokens(&vault, &merchant, &payment, tokens, 1, NULL, &arena);
    struct str b = vault_seal_tokens(&vault, &merchant, &payment, tokens, 1, NULL, &arena);
    assert_false(str_eq(a, b));
    arena_release(&arena);
}

static void token_hashes_differ_by_merchant_token_and_key(void **state)
{
    (void)state;
    struct uuid merchant = uuid_new(), other = uuid_new();
    struct vault wrong = {.seal_key = seal_key, .hash_key = other_key};
    uint8_t a[32], b[32];
    vault_hash_token(&vault, &merchant, STR("tok_ok"), a);
    vault_hash_token(&vault, &merchant, STR("tok_ok"), b);
    assert_memory_equal(a, b, 32);
    vault_hash_token(&vault, &other, STR("tok_ok"), b);
    assert_memory_not_equal(a, b, 32);
    vault_hash_token(&vault, &merchant, STR("tok_OK"), b);
    assert_memory_not_equal(a, b, 32);
    vault_hash_token(&wrong, &merchant, STR("tok_ok"), b);
    assert_memory_not_equal(a, b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_request_opens_to_the_same_bytes),
        cmocka_unit_test(a_sealed_request_opens_for_its_own_send_only),
        cmocka_unit_test(each_bit_of_a_sealed_request_is_protected),
        cmocka_unit_test(tokens_are_found_by_provider),
        cmocka_unit_test(a_beneficiary_is_sealed_with_the_tokens),
        cmocka_unit_test(the_same_text_never_seals_to_the_same_bytes),
        cmocka_unit_test(token_hashes_differ_by_merchant_token_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

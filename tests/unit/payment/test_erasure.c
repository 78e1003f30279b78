/* Whose a payment is, and what is left of a stored answer. */
#include "payment/erasure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/pack.h"

#define ANSWER                                                                                     \
    "{\"id\":\"pay_1\",\"object\":\"payment\",\"status\":\"succeeded\",\"amount\":1099,"           \
    "\"currency\":\"EUR\",\"customer\":{\"email\":\"zz@x.org\"},\"metadata\":{\"a\":\"zz\"},"      \
    "\"attempts\":[{\"reason\":null,\"code\":\"7\"}],\"decision\":{\"draw\":0.5}}"

static struct str redact(struct str stored, int64_t at_us, struct arena *arena)
{
    struct error err;
    struct str left = STR_NONE;
    struct str plain = STR_NONE;
    assert_true(erasure_redact(stored, at_us, arena, &left, &err));
    assert_true(unpack(left, 1 << 20, arena, &plain, &err));
    return plain;
}

static void an_answer_keeps_status_and_money_and_nobody(void **state)
{
    (void)state;
    struct arena arena;
    struct buf packed;
    arena_init(&arena, 16 << 20);
    buf_init(&packed, 1 << 20);
    pack(STR(ANSWER), &packed);
    struct str left = redact(buf_str(&packed), 1, &arena);
    assert_true(str_eq(left, redact(STR(ANSWER), 1, &arena))); /* packed or not */
    assert_null(memmem(left.at, left.len, "zz", 2));
    assert_non_null(memmem(left.at, left.len, "\"customer\":null", 15));
    assert_non_null(memmem(left.at, left.len, "\"amount\":1099", 13));
    assert_non_null(memmem(left.at, left.len, "\"draw\":0.5", 10));
    assert_non_null(memmem(left.at, left.len, "1970-01-01T00:00:00.000Z", 24));
    assert_true(str_eq(redact(left, 5000000, &arena), left)); /* again: the first time counts */
    struct error err;
    struct str none = STR_NONE;
    assert_false(erasure_redact(STR("\002x"), 1, &arena, &none, &err));
    assert_false(erasure_redact(STR("{"), 1, &arena, &none, &err));
    buf_release(&packed);
    arena_release(&arena);
}

static bool is_of(const struct vault *vault, const struct erase_subject *subject, const char *who)
{
    static const struct uuid merchant_id = {{1}};
    struct error err;
    bool is_theirs = false;
    assert_true(erasure_is_of(vault, &merchant_id, subject, str_of(who), &is_theirs, &err));
    return is_theirs;
}

static void a_customer_is_named_exactly(void **state)
{
    (void)state;
    static const uint8_t key[AEAD_KEY_SIZE] = {7};
    const struct vault vault = {.seal_key = key, .hash_key = key};
    const struct uuid merchant_id = {{1}};
    struct arena arena;
    struct error err;
    arena_init(&arena, 16 << 20);
    struct erase_subject payer = {
        .customer = STR("{\"email\":\"Ada@x.org\",\"id\":\"c-7\",\"name\":\"Ada\"}")};
    assert_true(is_of(&vault, &payer, "ada@X.org") && is_of(&vault, &payer, "c-7"));
    assert_false(is_of(&vault, &payer, "C-7") || is_of(&vault, &payer, "Ada") ||
                 is_of(&vault, &payer, "da@x.org"));
    const struct vault_token token = {STR("paypal_payouts"), STR("Payee-1")};
    const struct provider_beneficiary who = {
        .first_name = STR("Ada"), .email = STR("ada@x.org"), .iban = STR("DE89370400440532013000")};
    struct erase_subject payee = {.is_payout = true, .row_id = {{2}}};
    payee.sealed = vault_seal_tokens(&vault, &merchant_id, &payee.row_id, &token, 1, &who, &arena);
    assert_true(is_of(&vault, &payee, "Payee-1") && is_of(&vault, &payee, "ADA@x.org") &&
                is_of(&vault, &payee, "DE89370400440532013000"));
    assert_false(is_of(&vault, &payee, "Ada") || is_of(&vault, &payee, "payee-1") ||
                 is_of(&vault, &payee, "DE8937040044053201300"));
    payee.row_id.byte[0] =
        3; /* sealed for another: it does not open, and nobody is erased unseen */
    bool is_theirs = false;
    assert_false(erasure_is_of(&vault, &merchant_id, &payee, STR("x"), &is_theirs, &err));
    uint8_t a[SHA256_SIZE];
    uint8_t b[SHA256_SIZE];
    erasure_hash(&vault, &merchant_id, STR("ada@x.org"), a);
    vault_hash_token(&vault, &merchant_id, STR("ada@x.org"), b);
    assert_memory_not_equal(a, b, SHA256_SIZE);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_keeps_status_and_money_and_nobody),
        cmocka_unit_test(a_customer_is_named_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

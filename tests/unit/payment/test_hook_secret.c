/* What signs webhooks to merchants. */
#include "payment/hook_secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t seal_key[AEAD_KEY_SIZE] = {1, 2, 3};

/* The vector of Standard Webhooks' own libraries; HMAC fills a short key up with zeros. */
static void the_vector_of_standard_webhooks_passes(void **state)
{
    (void)state;
    struct hook_keys keys = {{0}, {9}};
    struct buf key;
    struct buf out;
    buf_init(&key, 64);
    buf_init(&out, 1024);
    assert_true(crypto_unbase64(STR("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), &key));
    assert_int_equal(key.len, 24);
    memcpy(keys.shared, key.at, key.len);
    hook_sign(&keys, 1, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
              STR("{\"test\": 2432232314}"), &out);
    assert_true(
        str_starts(buf_str(&out), STR("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,")));
    buf_release(&key);
    buf_release(&out);
}

static void each_key_signs_in_both_ways(void **state)
{
    (void)state;
    struct arena arena;
    struct uuid merchant_id = uuid_new();
    struct uuid endpoint_id = uuid_new();
    struct hook_keys keys[2];
    struct hook_secret secrets[2];
    struct buf out;
    struct error err;
    char text[HOOK_SECRET_TEXT_SIZE];
    arena_init(&arena, 1 << 20);
    buf_init(&out, 1024);
    for (int i = 0; i < 2; i++) {
        hook_secret_new(seal_key, &merchant_id, &endpoint_id, 5, &arena, &secrets[i], text);
        assert_int_equal(strlen(text), 6 + 44);
        assert_memory_equal(text, "whsec_", 6);
        struct hook_sealed sealed = {secrets[i].secret_id, secrets[i].sealed};
        assert_true(
            hook_secret_open(seal_key, &merchant_id, &endpoint_id, &sealed, &keys[i], &err));
        struct buf shown;
        buf_init(&shown, 64);
        assert_true(crypto_unbase64(str_of(text + 6), &shown));
        assert_int_equal(shown.len, sizeof(keys[i].shared));
        assert_memory_equal(shown.at, keys[i].shared, shown.len);
        buf_release(&shown);
    }
    hook_sign(keys, 2, STR("evt_1"), 1700000000, STR("{}"), &out);
    struct str rest = buf_str(&out);
    for (int i = 0; i < 2; i++) {
        uint8_t mac[SHA256_SIZE];
        struct buf bytes;
        buf_init(&bytes, 128);
        assert_true(str_eq(str_cut(&rest, ','), STR("v1")));
        assert_true(crypto_unbase64(str_cut(&rest, ' '), &bytes));
        crypto_hmac_sha256((struct str){(const char *)keys[i].shared, 32},
                           STR("evt_1.1700000000.{}"), mac);
        assert_memory_equal(bytes.at, mac, sizeof(mac));
        buf_clear(&bytes);
        assert_true(str_eq(str_cut(&rest, ','), STR("v1a")));
        assert_true(crypto_unbase64(str_cut(&rest, ' '), &bytes));
        assert_int_equal(bytes.len, ED25519_SIGNATURE_SIZE);
        assert_true(crypto_ed25519_verify(secrets[i].public_key, STR("evt_1.1700000000.{}"),
                                          (const uint8_t *)bytes.at));
        buf_release(&bytes);
    }
    assert_int_equal(rest.len, 0);
    buf_release(&out);
    arena_release(&arena);
}

static void a_secret_opens_for_its_own_row_alone(void **state)
{
    (void)state;
    struct arena arena;
    struct uuid ids[2] = {uuid_new(), uuid_new()};
    struct uuid other = uuid_new();
    struct hook_secret secret;
    struct hook_keys keys;
    struct error err;
    uint8_t other_key[AEAD_KEY_SIZE] = {4};
    char text[HOOK_SECRET_TEXT_SIZE];
    arena_init(&arena, 1 << 20);
    hook_secret_new(seal_key, &ids[0], &ids[1], 5, &arena, &secret, text);
    struct hook_sealed sealed = {secret.secret_id, secret.sealed};
    assert_true(hook_secret_open(seal_key, &ids[0], &ids[1], &sealed, &keys, &err));
    assert_false(hook_secret_open(seal_key, &other, &ids[1], &sealed, &keys, &err));
    assert_false(hook_secret_open(seal_key, &ids[0], &other, &sealed, &keys, &err));
    assert_false(hook_secret_open(other_key, &ids[0], &ids[1], &sealed, &keys, &err));
    sealed.secret_id = other;
    assert_false(hook_secret_open(seal_key, &ids[0], &ids[1], &sealed, &keys, &err));
    sealed = (struct hook_sealed){secret.secret_id, STR_NONE};
    assert_false(hook_secret_open(seal_key, &ids[0], &ids[1], &sealed, &keys, &err));
    arena_release(&arena);
}

/* Whatever is changed, it is refused; the vector of Standard Webhooks is not. */
static void what_was_altered_is_refused(void **state)
{
    (void)state;
    struct error err;
    const struct str secret = STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    const struct hook_message good = {
        .id = STR("msg_p5jXN8AQM9LWM0D4loKWxJek"),
        .timestamp = STR("1614265330"),
        .signature = STR("v1,AAAA v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
                         "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        .body = STR("{\"test\": 2432232314}"),
    };
    assert_true(hook_verify(secret, &good, 1614265330, 300, &err));
    assert_true(hook_verify(secret, &good, 1614265330 + 300, 300, &err));
    assert_true(hook_verify(secret, &good, 1614265330 - 300, 300, &err));
    assert_false(hook_verify(secret, &good, 1614265330 + 301, 300, &err));
    assert_false(hook_verify(secret, &good, 1614265330 - 301, 300, &err));
    assert_false(
        hook_verify(STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"), &good, 1614265330, 300, &err));
    assert_false(hook_verify(STR("whsec_"), &good, 1614265330, 300, &err));
    assert_false(
        hook_verify(STR("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), &good, 1614265330, 300, &err));
    struct hook_message bad = good;
    bad.body = STR("{\"test\": 2432232315}");
    assert_false(hook_verify(secret, &bad, 1614265330, 300, &err));
    bad = good;
    bad.id = STR("msg_p5jXN8AQM9LWM0D4loKWxJel");
    assert_false(hook_verify(secret, &bad, 1614265330, 300, &err));
    bad = good;
    bad.timestamp = STR("1614265331");
    assert_false(hook_verify(secret, &bad, 1614265330, 300, &err));
    bad.timestamp = STR("soon");
    assert_false(hook_verify(secret, &bad, 1614265330, 300, &err));
    bad = good;
    bad.signature = STR("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=");
    assert_false(hook_verify(secret, &bad, 1614265330, 300, &err));
    bad.signature = STR("v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_false(hook_verify(secret, &bad, 1614265330, 300, &err));
    bad.signature = STR_NONE;
    assert_false(hook_verify(secret, &bad, 1614265330, 300, &err));
}

static void a_public_key_verifies_v1a_alone(void **state)
{
    (void)state;
    struct hook_keys keys[2] = {{{1}, {2}}, {{3}, {4}}};
    uint8_t public_key[2][ED25519_KEY_SIZE];
    char text[2][HOOK_SECRET_TEXT_SIZE];
    struct buf header;
    struct error err;
    buf_init(&header, 1024);
    hook_sign(keys, 1, STR("evt_1"), 1000, STR("{}"), &header);
    struct hook_message message = {STR("evt_1"), STR("1000"), buf_str(&header), STR("{}")};
    for (int i = 0; i < 2; i++) {
        crypto_ed25519_public(keys[i].seed, public_key[i]);
        struct str key = hook_public_key(public_key[i], text[i]);
        assert_int_equal(hook_verify(key, &message, 1000, 300, &err), i == 0);
    }
    message.body = STR("{ }");
    assert_false(hook_verify(str_of(text[0]), &message, 1000, 300, &err));
    buf_release(&header);
}

static void public_keys_have_their_prefix(void **state)
{
    (void)state;
    uint8_t key[HOOK_PUBLIC_KEY_SIZE] = {0};
    char text[HOOK_SECRET_TEXT_SIZE];
    assert_true(str_eq(hook_public_key(key, text),
                       STR("whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_of_standard_webhooks_passes),
        cmocka_unit_test(each_key_signs_in_both_ways),
        cmocka_unit_test(a_secret_opens_for_its_own_row_alone),
        cmocka_unit_test(what_was_altered_is_refused),
        cmocka_unit_test(a_public_key_verifies_v1a_alone),
        cmocka_unit_test(public_keys_have_their_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

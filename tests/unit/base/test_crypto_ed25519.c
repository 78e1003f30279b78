#include "base/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void unhex(const char *text, uint8_t *out, size_t len)
{
    struct buf bytes;
    buf_init(&bytes, 128);
    assert_true(crypto_unhex(str_of(text), &bytes));
    assert_int_equal(bytes.len, len);
    if (len > 0)
        memcpy(out, bytes.at, len);
    buf_release(&bytes);
}

/* RFC 8032 section 7.1, TEST 1 to 3. */
static void the_vectors_of_the_rfc_pass(void **state)
{
    (void)state;
    static const struct {
        const char *seed, *key, *text, *signature;
    } vectors[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
         "1cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
         "d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
         "984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    };
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        uint8_t seed[ED25519_KEY_SIZE];
        uint8_t key[ED25519_KEY_SIZE];
        uint8_t made_key[ED25519_KEY_SIZE];
        uint8_t text[2] = {0, 0};
        uint8_t signature[ED25519_SIGNATURE_SIZE];
        uint8_t made[ED25519_SIGNATURE_SIZE];
        size_t len = strlen(vectors[i].text) / 2;
        unhex(vectors[i].seed, seed, sizeof(seed));
        unhex(vectors[i].key, key, sizeof(key));
        unhex(vectors[i].text, text, len);
        unhex(vectors[i].signature, signature, sizeof(signature));
        struct str data = {(const char *)text, len};
        crypto_ed25519_public(seed, made_key);
        assert_memory_equal(made_key, key, sizeof(key));
        crypto_ed25519_sign(seed, data, made);
        assert_memory_equal(made, signature, sizeof(signature));
        assert_true(crypto_ed25519_verify(key, data, signature));
        made[i * 7] ^= 1;
        assert_false(crypto_ed25519_verify(key, data, made));
        assert_false(crypto_ed25519_verify(key, STR("another text"), signature));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/crypto.h"
#include "base/rng.h"
#include "helpers.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define assert_bytes(bytes, size, hex) assert_hex((bytes), (size), (hex), __FILE__, __LINE__)

static void assert_hex(const uint8_t *bytes, size_t size, const char *hex, const char *file,
                       int line)
{
    struct buf buf;
    buf_init(&buf, 1 << 16);
    crypto_hex((struct str){(const char *)bytes, size}, &buf);
    assert_str_at(buf_str(&buf), hex, file, line);
    buf_release(&buf);
}

/* The bytes that `hex` says, in a buffer that the caller releases. */
static struct buf bytes_of(const char *hex)
{
    struct buf buf;
    buf_init(&buf, 1 << 16);
    assert_true(crypto_unhex(str_of(hex), &buf));
    return buf;
}

static void sha256_of_known_texts(void **state)
{
    (void)state;
    uint8_t out[SHA256_SIZE];
    for (int i = 0; i < 2; i++) {
        crypto_sha256(STR("abc"), out);
        assert_bytes(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        crypto_sha256(STR_NONE, out);
        assert_bytes(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}

static void hmac_of_rfc_4231(void **state)
{
    (void)state;
    uint8_t out[SHA256_SIZE];
    char key[131];
    memset(key, 0x0b, 20);
    crypto_hmac_sha256((struct str){key, 20}, STR("Hi There"), out);
    assert_bytes(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    crypto_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), out);
    assert_bytes(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    crypto_hmac_sha256((struct str){key, 131},
                       STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    assert_bytes(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    /* An empty key is a key, not the one before. */
    crypto_hmac_sha256(STR_NONE, STR_NONE, out);
    assert_bytes(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void derived_keys_differ_by_label(void **state)
{
    (void)state;
    struct secret master;
    char bytes[32];
    uint8_t a[AEAD_KEY_SIZE], b[AEAD_KEY_SIZE];
    for (int i = 0; i < 32; i++)
        bytes[i] = (char)i;
    secret_init(&master);
    secret_set(&master, (struct str){bytes, sizeof(bytes)});
    crypto_derive(&master, "api keys", a);
    /* HMAC(HMAC(zeros, master), "api keys" 01), computed apart. */
    assert_bytes(a, 32, "6edc80317e52a0f098b573c6fd40c7b11b75bc10e2d9ad7fd49bea4efb389dd8");
    crypto_derive(&master, "api key", b);
    assert_memory_not_equal(a, b, sizeof(a));
    secret_release(&master);
}

static void known_sealed_texts_open(void **state)
{
    (void)state;
    /* Test cases 13 and 14 of the GCM paper: key and nonce of zeros. */
    const uint8_t key[AEAD_KEY_SIZE] = {0};
    struct error err;
    struct buf sealed = bytes_of("000000000000000000000000530f8afbc74536b9a963b4f1c4cb738b");
    struct buf plain;
    buf_init(&plain, 100);
    assert_true(crypto_open(key, STR_NONE, buf_str(&sealed), &plain, &err));
    assert_int_equal(plain.len, 0);
    buf_release(&sealed);
    sealed = bytes_of("000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18"
                      "d0d1c8a799996bf0265b98b5d48ab919");
    assert_true(crypto_open(key, STR_NONE, buf_str(&sealed), &plain, &err));
    assert_bytes((const uint8_t *)plain.at, plain.len, "00000000000000000000000000000000");
    buf_release(&sealed);
    buf_release(&plain);
}

static void sealed_text_opens_only_unchanged_and_in_its_row(void **state)
{
    (void)state;
    uint8_t key[AEAD_KEY_SIZE], other[AEAD_KEY_SIZE];
    struct buf sealed, plain;
    struct error err;
    rng_fill(key, sizeof(key));
    memcpy(other, key, sizeof(key));
    other[31] ^= 1;
    buf_init(&sealed, 1000);
    buf_init(&plain, 1000);
    buf_add_str(&plain, STR("before "));
    crypto_seal(key, STR("row 1"), STR("the body"), &sealed);
    assert_int_equal(sealed.len, 8 + AEAD_OVERHEAD);
    assert_true(crypto_open(key, STR("row 1"), buf_str(&sealed), &plain, &err));
    assert_str(buf_str(&plain), "before the body");
    assert_false(crypto_open(key, STR("row 2"), buf_str(&sealed), &plain, &err));
    assert_false(crypto_open(key, STR_NONE, buf_str(&sealed), &plain, &err));
    assert_false(crypto_open(other, STR("row 1"), buf_str(&sealed), &plain, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.at[bit / 8] = (char)(sealed.at[bit / 8] ^ (1 << bit % 8));
        assert_false(crypto_open(key, STR("row 1"), buf_str(&sealed), &plain, &err));
        sealed.at[bit / 8] = (char)(sealed.at[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_false(
            crypto_open(key, STR("row 1"), str_sub(buf_str(&sealed), 0, len), &plain, &err));
    assert_str(buf_str(&plain), "before the body");
    buf_release(&sealed);
    buf_release(&plain);
}

static void nothing_is_sealed_twice_alike(void **state)
{
    (void)state;
    const uint8_t key[AEAD_KEY_SIZE] = {1};
    struct buf a, b;
    buf_init(&a, 100);
    buf_init(&b, 100);
    crypto_seal(key, STR_NONE, STR_NONE, &a);
    crypto_seal(key, STR_NONE, STR_NONE, &b);
    assert_false(str_eq(buf_str(&a), buf_str(&b)));
    buf_release(&a);
    buf_init(&a, AEAD_OVERHEAD - 1);
    crypto_seal(key, STR_NONE, STR_NONE, &a);
    assert_false(buf_is_ok(&a));
    struct error err;
    assert_false(crypto_open(key, STR_NONE, buf_str(&b), &a, &err));
    buf_release(&a);
    buf_release(&b);
}

static void base64_of_rfc_4648_both_ways(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+"},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct buf buf;
        buf_init(&buf, 100);
        crypto_base64(str_of(pairs[i][0]), &buf);
        assert_str(buf_str(&buf), pairs[i][1]);
        buf_clear(&buf);
        assert_true(crypto_unbase64(str_of(pairs[i][1]), &buf));
        assert_str(buf_str(&buf), pairs[i][0]);
        buf_release(&buf);
    }
}

static void malformed_base64_and_hex_leave_the_buffer_alone(void **state)
{
    (void)state;
    static const struct str base64[] = {
        STR_INIT("Z"),    STR_INIT("Zg"),       STR_INIT("Zg="),   STR_INIT("Zg==="),
        STR_INIT("===="), STR_INIT("Z==="),     STR_INIT("=Zg="),  STR_INIT("Zh=="),
        STR_INIT("Zm9="), STR_INIT("Zm9v\n"),   STR_INIT("Zm 9"),  STR_INIT("Zm9-"),
        STR_INIT("Zm9_"), STR_INIT("Zg==Zg=="), STR_INIT("Zm9\0"), STR_INIT("\xff\xff\xff\xff"),
        STR_INIT("Z=g="),
    };
    static const struct str hex[] = {
        STR_INIT("0"), STR_INIT("0g"), STR_INIT("0x00"), STR_INIT("00 1"), STR_INIT("-1"),
    };
    struct buf buf;
    buf_init(&buf, 100);
    buf_add_str(&buf, STR("kept"));
    for (size_t i = 0; i < ARRAY_LEN(base64); i++)
        assert_false(crypto_unbase64(base64[i], &buf));
    for (size_t i = 0; i < ARRAY_LEN(hex); i++)
        assert_false(crypto_unhex(hex[i], &buf));
    assert_str(buf_str(&buf), "kept");
    assert_true(crypto_unhex(STR("00fFA9"), &buf));
    assert_true(str_eq(buf_str(&buf), STR("kept\x00\xff\xa9")));
    buf_release(&buf);
}

static void random_bytes_survive_base64_and_hex(void **state)
{
    (void)state;
    char bytes[200];
    struct buf text, back;
    buf_init(&text, 1000);
    buf_init(&back, 1000);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct str data = {bytes, len};
        rng_fill(bytes, len);
        buf_clear(&text);
        buf_clear(&back);
        crypto_base64(data, &text);
        assert_true(crypto_unbase64(buf_str(&text), &back));
        assert_true(str_eq(buf_str(&back), data));
        buf_clear(&text);
        buf_clear(&back);
        crypto_hex(data, &text);
        assert_true(crypto_unhex(buf_str(&text), &back));
        assert_true(str_eq(buf_str(&back), data));
    }
    buf_release(&text);
    buf_release(&back);
}

static void comparison_sees_every_byte(void **state)
{
    (void)state;
    assert_true(crypto_equal("", "", 0));
    assert_true(crypto_equal("abc", "abc", 3));
    assert_false(crypto_equal("abc", "abd", 3));
    assert_false(crypto_equal("abc", "bbc", 3));
}

static void write_file(const char *file, struct str text, mode_t mode)
{
    (void)unlink(file);
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.at, text.len), text.len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

/* A folder of the test's own, and a path in it. */
static char folder[32];
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/test_crypto_XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/secret", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void a_private_file_loses_one_newline(void **state)
{
    (void)state;
    struct secret secret;
    struct error err;
    secret_init(&secret);
    write_file(path, STR("s3cret\n\n"), 0400);
    assert_true(secret_read_file(&secret, path, &err));
    assert_str(secret_expose(&secret), "s3cret\n");
    assert_string_equal(secret.at, "s3cret\n");
    secret_release(&secret);
    assert_null(secret.at);
    secret_release(&secret);
}

static void a_file_that_others_may_use_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0440, 0404, 0420, 0402, 0644, 0610, 0601};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct secret secret;
        struct error err;
        secret_init(&secret);
        write_file(path, STR("hunter2"), modes[i]);
        assert_false(secret_read_file(&secret, path, &err));
        assert_int_equal(err.code, ERROR_DENIED);
        assert_null(strstr(err.text, "hunter2"));
        assert_null(secret.at);
    }
}

static void what_is_no_secret_file_is_refused(void **state)
{
    (void)state;
    struct secret secret;
    struct error err;
    secret_init(&secret);
    assert_false(secret_read_file(&secret, path, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_false(secret_read_file(&secret, folder, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    /* Nobody writes into this pipe: opening it must not wait for one who does. */
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(secret_read_file(&secret, path, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    write_file(path, STR("\n"), 0600);
    assert_false(secret_read_file(&secret, path, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    write_file(path, STR(""), 0600);
    assert_false(secret_read_file(&secret, path, &err));
    assert_int_equal(err.code, ERROR_INVALID);
}

static void a_secret_has_a_longest_length(void **state)
{
    (void)state;
    static char large[SECRET_MAX + 2];
    struct secret secret;
    struct error err;
    secret_init(&secret);
    memset(large, 'x', sizeof(large));
    write_file(path, (struct str){large, SECRET_MAX + 1}, 0600);
    assert_false(secret_read_file(&secret, path, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    large[SECRET_MAX] = '\n';
    write_file(path, (struct str){large, SECRET_MAX + 2}, 0600);
    assert_false(secret_read_file(&secret, path, &err));
    write_file(path, (struct str){large, SECRET_MAX + 1}, 0600);
    assert_true(secret_read_file(&secret, path, &err));
    assert_int_equal(secret.len, SECRET_MAX);
    secret_release(&secret);
}

static void secret_may_be_set_from_itself(void **state)
{
    (void)state;
    struct secret secret;
    secret_init(&secret);
    secret_set(&secret, STR("abcdef"));
    secret_set(&secret, str_sub(secret_expose(&secret), 2, 3));
    assert_str(secret_expose(&secret), "cde");
    secret_release(&secret);
}

static void set_too_long(void *ctx)
{
    static char large[SECRET_MAX + 1];
    secret_set(ctx, (struct str){large, sizeof(large)});
}

static void too_long_a_secret_is_a_bug(void **state)
{
    (void)state;
    struct secret secret;
    secret_init(&secret);
    assert_true(aborts(set_too_long, &secret));
}

#define with_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_known_texts),
        cmocka_unit_test(hmac_of_rfc_4231),
        cmocka_unit_test(derived_keys_differ_by_label),
        cmocka_unit_test(known_sealed_texts_open),
        cmocka_unit_test(sealed_text_opens_only_unchanged_and_in_its_row),
        cmocka_unit_test(nothing_is_sealed_twice_alike),
        cmocka_unit_test(base64_of_rfc_4648_both_ways),
        cmocka_unit_test(malformed_base64_and_hex_leave_the_buffer_alone),
        cmocka_unit_test(random_bytes_survive_base64_and_hex),
        cmocka_unit_test(comparison_sees_every_byte),
        with_folder(a_private_file_loses_one_newline),
        with_folder(a_file_that_others_may_use_is_refused),
        with_folder(what_is_no_secret_file_is_refused),
        with_folder(a_secret_has_a_longest_length),
        cmocka_unit_test(secret_may_be_set_from_itself),
        cmocka_unit_test(too_long_a_secret_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which certificates are believed to be a provider's, and whose key verifies what. */
#include "providers/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "signer.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

#define HOSTS "DNS:localhost,IP:127.0.0.1"

static struct signer root;    /* trusted */
static struct signer middle;  /* below it */
static struct signer foreign; /* an authority of nobody's */
static struct certificate_trust *trust;
static char ca_file[] = "/tmp/turnpike-ca-XXXXXX";

static int start(void **state)
{
    struct error err;
    (void)state;
    int fd = mkstemp(ca_file);
    assert_true(fd >= 0);
    (void)close(fd);
    root = signer_make("Root", &(struct signer_options){.is_authority = true});
    middle = signer_make("Middle", &(struct signer_options){.issuer = &root, .is_authority = true});
    foreign = signer_make("Foreign", &(struct signer_options){.is_authority = true});
    signer_write(&root, ca_file);
    trust = certificate_trust_new(ca_file, &err);
    assert_non_null(trust);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    certificate_trust_free(&trust);
    assert_null(trust);
    signer_free(&root);
    signer_free(&middle);
    signer_free(&foreign);
    (void)unlink(ca_file);
    return 0;
}

/* NULL: believed; else why not. */
static const char *check_at(const struct signer *const *chain, size_t count, const char *name,
                            int64_t now_us)
{
    static struct error err;
    struct buf pem;
    buf_init(&pem, CERTIFICATE_BYTES_MAX);
    for (size_t i = 0; i < count; i++)
        signer_print(chain[i], &pem);
    struct webhook_key *key = certificate_check(buf_str(&pem), trust, name, now_us, &err);
    buf_release(&pem);
    if (key == NULL) {
        assert_int_equal(err.code, ERROR_DENIED);
        return err.text;
    }
    webhook_key_free(&key);
    assert_null(key);
    return NULL;
}

static const char *check_one(const struct signer_options *options, const char *name)
{
    struct signer made = signer_make("localhost", options);
    const struct signer *chain[] = {&made, &middle};
    const char *why = check_at(chain, 2, name, clock_wall_us());
    signer_free(&made);
    return why;
}

static void assert_refused(const char *why, const char *word)
{
    assert_non_null(why);
    if (strstr(why, word) == NULL)
        fail_msg("%s: does not say %s", why, word);
}

static void a_chain_to_a_trusted_authority_is_believed(void **state)
{
    (void)state;
    const struct signer_options of_root = {.issuer = &root, .names = HOSTS};
    const struct signer_options of_middle = {.issuer = &middle, .names = HOSTS};
    assert_null(check_one(&of_root, "localhost"));
    assert_null(check_one(&of_root, "127.0.0.1"));
    assert_null(check_one(&of_middle, "localhost"));
}

static void a_name_below_a_domain_is_one_of_it(void **state)
{
    (void)state;
    const struct signer_options messages = {.issuer = &root,
                                            .names = "DNS:messageverificationcerts.paypal.com"};
    const struct signer_options evil = {.issuer = &root, .names = "DNS:paypal.com.evil.example"};
    const struct signer_options near = {.issuer = &root, .names = "DNS:notpaypal.com"};
    assert_null(check_one(&messages, ".paypal.com"));
    assert_refused(check_one(&evil, ".paypal.com"), "not one of .paypal.com");
    assert_refused(check_one(&near, ".paypal.com"), "not one of .paypal.com");
}

static void another_name_is_refused(void **state)
{
    (void)state;
    const struct signer_options other = {.issuer = &root, .names = "DNS:other.example"};
    const struct signer_options no_ip = {.issuer = &root, .names = "DNS:localhost"};
    assert_refused(check_one(&other, "localhost"), "not one of localhost");
    assert_refused(check_one(&no_ip, "127.0.0.1"), "not one of 127.0.0.1");
}

static void a_broken_chain_is_refused(void **state)
{
    (void)state;
    struct signer leaf =
        signer_make("localhost", &(struct signer_options){.issuer = &middle, .names = HOSTS});
    const struct signer *alone[] = {&leaf};
    const struct signer *wrong[] = {&leaf, &foreign};
    const struct signer *whole[] = {&leaf, &foreign, &middle};
    assert_refused(check_at(alone, 1, "localhost", clock_wall_us()), "unable to get");
    assert_refused(check_at(wrong, 2, "localhost", clock_wall_us()), "unable to get");
    assert_null(check_at(whole, 3, "localhost", clock_wall_us()));
    signer_free(&leaf);
    /* By somebody who may not sign: a leaf's certificate. */
    struct signer honest =
        signer_make("localhost", &(struct signer_options){.issuer = &root, .names = HOSTS});
    struct signer forged =
        signer_make("forged", &(struct signer_options){.issuer = &honest, .names = HOSTS});
    const struct signer *below[] = {&forged, &honest};
    assert_refused(check_at(below, 2, "localhost", clock_wall_us()), "invalid CA certificate");
    signer_free(&honest);
    signer_free(&forged);
}

static void another_authority_and_oneself_are_refused(void **state)
{
    (void)state;
    struct signer leaf =
        signer_make("localhost", &(struct signer_options){.issuer = &foreign, .names = HOSTS});
    const struct signer *chain[] = {&leaf, &foreign};
    assert_refused(check_at(chain, 2, "localhost", clock_wall_us()), "self-signed");
    signer_free(&leaf);
    assert_refused(check_one(&(struct signer_options){.names = HOSTS}, "localhost"), "self-signed");
}

static void only_the_time_it_is_valid_for_counts(void **state)
{
    (void)state;
    const int64_t now_us = clock_wall_us();
    struct signer leaf =
        signer_make("localhost", &(struct signer_options){.issuer = &root, .names = HOSTS});
    const struct signer *chain[] = {&leaf};
    assert_null(check_at(chain, 1, "localhost", now_us));
    assert_refused(check_at(chain, 1, "localhost", now_us + 7200 * CLOCK_SECOND_US), "expired");
    assert_refused(check_at(chain, 1, "localhost", now_us - 7200 * CLOCK_SECOND_US),
                   "not yet valid");
    signer_free(&leaf);
}

static void only_sound_keys_are_believed(void **state)
{
    (void)state;
    const struct signer_options elliptic = {.issuer = &root, .names = HOSTS, .is_elliptic = true};
    const struct signer_options small = {.issuer = &root, .names = HOSTS, .rsa_bits = 1024};
    const struct signer_options authority = {.issuer = &root, .names = HOSTS, .is_authority = true};
    const struct signer_options sha1 = {.issuer = &root, .names = HOSTS, .digest = EVP_sha1()};
    assert_refused(check_one(&elliptic, "localhost"), "no RSA key");
    assert_refused(check_one(&small, "localhost"), "no RSA key");
    assert_refused(check_one(&authority, "localhost"), "authority");
    assert_refused(check_one(&sha1, "localhost"), "too weak");
}

static void what_is_no_certificate_is_refused(void **state)
{
    (void)state;
    struct error err;
    struct buf many;
    assert_null(certificate_check(STR_NONE, trust, "localhost", clock_wall_us(), &err));
    assert_null(certificate_check(STR("<html>hello</html>"), trust, "localhost", 1, &err));
    assert_null(
        certificate_check(STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                          trust, "localhost", 1, &err));
    buf_init(&many, CERTIFICATE_BYTES_MAX);
    for (int i = 0; i <= CERTIFICATE_CHAIN_MAX; i++)
        signer_print(&root, &many);
    assert_null(certificate_check(buf_str(&many), trust, "localhost", clock_wall_us(), &err));
    assert_refused(err.text, "in a row");
    buf_release(&many);
    assert_null(certificate_trust_new("/nonexistent/ca.pem", &err));
    assert_int_equal(err.code, ERROR_IO);
}

static void a_key_verifies_what_it_signed_and_nothing_else(void **state)
{
    (void)state;
    struct error err;
    struct buf pem;
    struct buf text;
    struct buf signature;
    struct signer leaf =
        signer_make("localhost", &(struct signer_options){.issuer = &root, .names = HOSTS});
    buf_init(&pem, 8192);
    buf_init(&text, 8192);
    buf_init(&signature, 8192);
    signer_print(&leaf, &pem);
    struct webhook_key *key =
        certificate_check(buf_str(&pem), trust, "localhost", clock_wall_us(), &err);
    assert_non_null(key);
    assert_true(webhook_key_valid_until_us(key) > clock_wall_us() + 3000 * CLOCK_SECOND_US);
    assert_true(webhook_key_valid_until_us(key) < clock_wall_us() + 4000 * CLOCK_SECOND_US);
    signer_sign(&leaf, EVP_sha256(), STR("message"), &text);
    assert_true(crypto_unbase64(buf_str(&text), &signature));
    assert_true(webhook_key_verify(key, STR("message"), buf_str(&signature)));
    assert_false(webhook_key_verify(key, STR("messagf"), buf_str(&signature)));
    signature.at[7] ^= 1;
    assert_false(webhook_key_verify(key, STR("message"), buf_str(&signature)));
    assert_false(webhook_key_verify(key, STR("message"), STR_NONE));
    buf_clear(&text);
    buf_clear(&signature);
    signer_sign(&leaf, EVP_sha512(), STR("message"), &text);
    assert_true(crypto_unbase64(buf_str(&text), &signature));
    assert_false(webhook_key_verify(key, STR("message"), buf_str(&signature)));
    webhook_key_free(&key);
    signer_free(&leaf);
    buf_release(&pem);
    buf_release(&text);
    buf_release(&signature);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_to_a_trusted_authority_is_believed),
        cmocka_unit_test(a_name_below_a_domain_is_one_of_it),
        cmocka_unit_test(another_name_is_refused),
        cmocka_unit_test(a_broken_chain_is_refused),
        cmocka_unit_test(another_authority_and_oneself_are_refused),
        cmocka_unit_test(only_the_time_it_is_valid_for_counts),
        cmocka_unit_test(only_sound_keys_are_believed),
        cmocka_unit_test(what_is_no_certificate_is_refused),
        cmocka_unit_test(a_key_verifies_what_it_signed_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

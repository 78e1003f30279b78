/* Keys of certificates: fetched once for all who wait, kept, and given up for nothing worse. */
#include "providers/webhook_keys.h"

#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "providers/certificate.h"
#include "signer.h"
#include "tls_server.h"

#include "fixture.h"

enum {
    WAIT_MAX = 300,
};

static struct signer root;
static struct signer leaf;

struct setup {
    struct tls_server server;
    char ca_file[80]; /* the server's, and the one that signs */
    struct loop *loop;
    struct webhook_keys *keys;
    struct provider_account account;
    struct provider_check check;
    int waiting;
    int told;
    enum webhook_key_find found[WAIT_MAX];
    struct loop_timer limit;
    bool is_late;
};

static void late(void *ctx)
{
    struct setup *s = ctx;
    s->is_late = true;
    loop_stop(s->loop);
}

static void name_certificate(struct setup *s, const char *name)
{
    (void)snprintf(s->check.certificate_url, sizeof(s->check.certificate_url),
                   "https://127.0.0.1:%d/v1/notifications/certs/%s", s->server.port, name);
}

static void start(struct setup *s)
{
    struct buf pem;
    memset(s, 0, sizeof(*s));
    tls_server_start(&s->server);
    (void)snprintf(s->ca_file, sizeof(s->ca_file), "%s.all", s->server.ca_file);
    FILE *in = fopen(s->server.ca_file, "r");
    FILE *out = fopen(s->ca_file, "w");
    assert_true(in != NULL && out != NULL);
    X509 *own = PEM_read_X509(in, NULL, NULL, NULL);
    assert_int_equal(PEM_write_X509(out, own), 1);
    assert_int_equal(PEM_write_X509(out, root.certificate), 1);
    X509_free(own);
    (void)fclose(in);
    (void)fclose(out);
    buf_init(&pem, sizeof(s->server.certificate) - 1);
    signer_print(&leaf, &pem);
    assert_true(str_copy_to(buf_str(&pem), s->server.certificate, sizeof(s->server.certificate)));
    buf_release(&pem);
    s->loop = loop_new();
    s->keys = webhook_keys_new(s->loop, &engine_config_default);
    assert_true(str_copy_to(str_of(s->ca_file), s->account.ca_file, sizeof(s->account.ca_file)));
    assert_true(str_copy_to(STR("127.0.0.1"), s->check.certificate_name,
                            sizeof(s->check.certificate_name)));
    name_certificate(s, "CERT-1");
    loop_timer_init(&s->limit, s->loop, late, s);
}

static void stop(struct setup *s)
{
    webhook_keys_free(&s->keys);
    assert_null(s->keys);
    loop_timer_release(&s->limit);
    loop_free(&s->loop);
    tls_server_stop(&s->server);
    (void)unlink(s->ca_file);
}

static void told(void *ctx, enum webhook_key_find found, const struct webhook_key *key,
                 const char *why)
{
    struct setup *s = ctx;
    assert_true((found == WEBHOOK_KEY_FOUND) == (key != NULL));
    assert_non_null(why);
    s->found[s->told++] = found;
    if (s->told == s->waiting)
        loop_stop(s->loop);
}

static struct webhook_wait *ask(struct setup *s)
{
    struct webhook_wait *wait = webhook_keys_fetch(s->keys, &s->account, &s->check, told, s);
    if (wait != NULL)
        s->waiting++;
    return wait;
}

static void run(struct setup *s)
{
    loop_timer_start(&s->limit, 30000000);
    if (s->told < s->waiting)
        loop_run(s->loop);
    loop_timer_stop(&s->limit);
    assert_false(s->is_late);
    assert_int_equal(s->told, s->waiting);
}

static enum webhook_key_find ask_now(struct setup *s)
{
    assert_non_null(ask(s));
    run(s);
    return s->found[s->told - 1];
}

static void many_that_wait_cause_one_fetch(void **state)
{
    (void)state;
    struct setup s;
    start(&s);
    assert_null(webhook_keys_find(s.keys, &s.account, &s.check));
    for (int i = 0; i < 50; i++)
        assert_non_null(ask(&s));
    assert_int_equal(s.told, 0);
    run(&s);
    for (int i = 0; i < 50; i++)
        assert_int_equal(s.found[i], WEBHOOK_KEY_FOUND);
    assert_int_equal(atomic_load(&s.server.requests), 1);
    assert_non_null(webhook_keys_find(s.keys, &s.account, &s.check));
    assert_int_equal(ask_now(&s), WEBHOOK_KEY_FOUND); /* it is there already */
    assert_int_equal(atomic_load(&s.server.requests), 1);
    stop(&s);
}

static void nothing_of_ours_is_sent_with_it(void **state)
{
    (void)state;
    struct setup s;
    start(&s);
    s.account.user = STR("client");
    secret_set(&s.account.password, STR("secret"));
    assert_int_equal(ask_now(&s), WEBHOOK_KEY_FOUND);
    assert_non_null(strstr(s.server.last_request, "GET /v1/notifications/certs/CERT-1 HTTP/1.1"));
    assert_null(strcasestr(s.server.last_request, "authorization"));
    secret_release(&s.account.password);
    stop(&s);
}

static void what_is_kept_is_kept_for_its_name_and_authorities(void **state)
{
    (void)state;
    struct setup s;
    start(&s);
    assert_int_equal(ask_now(&s), WEBHOOK_KEY_FOUND);
    assert_true(
        str_copy_to(STR("localhost"), s.check.certificate_name, sizeof(s.check.certificate_name)));
    assert_null(webhook_keys_find(s.keys, &s.account, &s.check));
    assert_int_equal(ask_now(&s), WEBHOOK_KEY_REFUSED); /* it is another's */
    assert_true(
        str_copy_to(STR("127.0.0.1"), s.check.certificate_name, sizeof(s.check.certificate_name)));
    assert_true(
        str_copy_to(str_of(s.server.ca_file), s.account.ca_file, sizeof(s.account.ca_file)));
    assert_null(webhook_keys_find(s.keys, &s.account, &s.check));
    assert_int_equal(ask_now(&s), WEBHOOK_KEY_REFUSED); /* signed by nobody that is trusted there */
    stop(&s);
}

static void a_refused_one_is_not_asked_for_again_soon(void **state)
{
    (void)state;
    struct setup s;
    start(&s);
    atomic_store(&s.server.certificate_mode, 1);
    assert_int_equal(ask_now(&s), WEBHOOK_KEY_REFUSED);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask_now(&s), WEBHOOK_KEY_REFUSED);
    assert_int_equal(atomic_load(&s.server.requests), 1);
    stop(&s);
}

static void an_address_without_answer_is_asked_again(void **state)
{
    (void)state;
    struct setup s;
    start(&s);
    for (int mode = 2; mode <= 3; mode++) {
        atomic_store(&s.server.certificate_mode, mode);
        assert_int_equal(ask_now(&s), WEBHOOK_KEY_UNAVAILABLE);
    }
    atomic_store(&s.server.certificate_mode, 0);
    assert_int_equal(ask_now(&s), WEBHOOK_KEY_FOUND);
    stop(&s);
}

static void strangers_addresses_are_asked_seldom(void **state)
{
    (void)state;
    struct setup s;
    char name[32];
    int asked = 0;
    start(&s);
    assert_int_equal(ask_now(&s), WEBHOOK_KEY_FOUND);
    atomic_store(&s.server.certificate_mode, 1);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "CERT-x%d", i);
        name_certificate(&s, name);
        if (ask(&s) != NULL)
            run(&s);
        asked = atomic_load(&s.server.requests);
    }
    assert_in_range(asked, 2, WEBHOOK_KEY_STRANGER_BURST + 30 / WEBHOOK_KEY_STRANGER_S);
    name_certificate(&s, "CERT-1"); /* the good one is there as before */
    assert_non_null(webhook_keys_find(s.keys, &s.account, &s.check));
    stop(&s);
}

static void who_waits_is_bounded_and_may_go(void **state)
{
    (void)state;
    struct setup s;
    struct webhook_wait *waits[WEBHOOK_KEY_WAIT_MAX];
    start(&s);
    for (int i = 0; i < WEBHOOK_KEY_WAIT_MAX; i++) {
        waits[i] = ask(&s);
        assert_non_null(waits[i]);
    }
    assert_null(ask(&s));
    for (int i = 0; i < WEBHOOK_KEY_WAIT_MAX; i += 2) {
        webhook_wait_cancel(waits[i]);
        s.waiting--;
    }
    assert_non_null(ask(&s));
    run(&s);
    assert_int_equal(s.told, WEBHOOK_KEY_WAIT_MAX / 2 + 1);
    stop(&s);
    start(&s); /* and who waits when it ends is not told */
    assert_non_null(ask(&s));
    stop(&s);
    assert_int_equal(s.told, 0);
}

static int make_signers(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    log_start(STDERR_FILENO, LOG_ERROR);
    root = signer_make("Root", &(struct signer_options){.is_authority = true});
    leaf =
        signer_make("paypal", &(struct signer_options){.issuer = &root, .names = "IP:127.0.0.1"});
    return 0;
}

static int free_signers(void **state)
{
    (void)state;
    signer_free(&root);
    signer_free(&leaf);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_that_wait_cause_one_fetch),
        cmocka_unit_test(nothing_of_ours_is_sent_with_it),
        cmocka_unit_test(what_is_kept_is_kept_for_its_name_and_authorities),
        cmocka_unit_test(a_refused_one_is_not_asked_for_again_soon),
        cmocka_unit_test(an_address_without_answer_is_asked_again),
        cmocka_unit_test(strangers_addresses_are_asked_seldom),
        cmocka_unit_test(who_waits_is_bounded_and_may_go),
    };
    return cmocka_run_group_tests(tests, make_signers, free_signers);
}

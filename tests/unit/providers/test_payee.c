#include "providers/payee.h"

#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "providers/payoneer_payouts.h"
#include "providers/paypal_payouts.h"

#include "tls_server.h"

#include "fixture.h"

struct setup {
    struct tls_server api;
    struct tls_server login; /* gives the tokens */
    struct loop *loop;
    struct engine_config config;
    struct engine *engine;
    struct provider_account account;
    struct payee_asking *asking;
    int told;
    bool is_known;
    enum provider_payee_state state;
    char text[256]; /* link, or provider_ref */
    struct error err;
};

static void told(void *ctx, const struct provider_payee *payee, const struct error *why)
{
    struct setup *s = ctx;

    s->told++;
    s->is_known = payee != NULL;
    if (payee != NULL) {
        s->state = payee->state;
        assert_true(str_copy_to(payee->link.len > 0 ? payee->link : payee->provider_ref, s->text,
                                sizeof(s->text)));
    } else {
        s->err = *why;
    }
    loop_stop(s->loop);
}

static void set(struct setup *s, const char *name, const char *value)
{
    assert_int_equal(
        json_object_set_new((json_t *)(uintptr_t)s->account.settings, name, json_string(value)), 0);
}

static void start(struct setup *s)
{
    char url[64];

    memset(s, 0, sizeof(*s));
    tls_server_start(&s->api);
    tls_server_start(&s->login);
    s->loop = loop_new();
    s->config = engine_config_default;
    s->engine = engine_new(s->loop, &s->config);
    s->account = fixture_account(&provider_payoneer_payouts);
    s->account.account_id = uuid_new();
    s->account.settings = json_object();
    set(s, "program_id", "1");
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%d", s->login.port);
    set(s, "login_url", url);
    (void)snprintf(s->account.base_url, sizeof(s->account.base_url), "https://127.0.0.1:%d",
                   s->api.port);
    /* Two servers, one file of trust. */
    char both[64] = "/tmp/turnpike-test-ca-XXXXXX";
    const int fd = mkstemp(both);
    char pem[8192];
    for (int i = 0; i < 2; i++) {
        FILE *file = fopen(i == 0 ? s->api.ca_file : s->login.ca_file, "r");
        const size_t len = fread(pem, 1, sizeof(pem), file);
        assert_int_equal(write(fd, pem, len), (ssize_t)len);
        assert_int_equal(fclose(file), 0);
    }
    assert_int_equal(close(fd), 0);
    (void)snprintf(s->account.ca_file, sizeof(s->account.ca_file), "%s", both);
}

static void stop(struct setup *s)
{
    assert_int_equal(engine_in_flight(s->engine), 0);
    engine_free(&s->engine);
    loop_free(&s->loop);
    assert_int_equal(unlink(s->account.ca_file), 0);
    secret_release(&s->account.password);
    json_decref((json_t *)(uintptr_t)s->account.settings);
    tls_server_stop(&s->api);
    tls_server_stop(&s->login);
}

static bool begin(struct setup *s, enum provider_payee_question question, const char *payee_id)
{
    char id[64];
    assert_true(str_copy_to(str_of(payee_id), id, sizeof(id)));
    const struct provider_payee_ask ask = {
        .question = question, .account = &s->account, .payee_id = str_of(id)};

    s->told = 0;
    s->asking = payee_ask_start(s->engine, &ask, told, s, &s->err);
    memset(id, 'x', sizeof(id)); /* what was asked lives no longer */
    assert_int_equal(s->told, 0);
    return s->asking != NULL;
}

static void ask(struct setup *s, enum provider_payee_question question, const char *payee_id)
{
    assert_true(begin(s, question, payee_id));
    loop_run(s->loop);
    assert_int_equal(s->told, 1);
}

static void a_payee_is_asked_about_and_tokens_come_from_elsewhere(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    assert_true(payee_is_offered(&provider_payoneer_payouts));
    ask(&s, PROVIDER_PAYEE_STATUS, "p-1");
    assert_true(s.is_known);
    assert_int_equal(s.state, PROVIDER_PAYEE_ACTIVE);
    assert_string_equal(s.text, "55");
    ask(&s, PROVIDER_PAYEE_LINK, "p-1");
    assert_true(s.is_known);
    assert_string_equal(s.text, "https://x.example/1");
    ask(&s, PROVIDER_PAYEE_STATUS, "p-2");
    assert_false(s.is_known);
    assert_int_equal(s.err.code, ERROR_NOT_FOUND);
    assert_int_equal(atomic_load(&s.login.tokens), 1);
    assert_int_equal(atomic_load(&s.login.requests), 0);
    assert_int_equal(atomic_load(&s.api.tokens), 0);
    assert_int_equal(atomic_load(&s.api.requests), 3);
    stop(&s);
}

static void a_refused_token_is_replaced_once(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    atomic_store(&s.api.refusals, 1);
    ask(&s, PROVIDER_PAYEE_STATUS, "p-1");
    assert_true(s.is_known);
    assert_int_equal(atomic_load(&s.login.tokens), 2);
    assert_int_equal(atomic_load(&s.api.requests), 2);
    atomic_store(&s.api.refusals, 100);
    ask(&s, PROVIDER_PAYEE_STATUS, "p-1");
    assert_false(s.is_known);
    assert_int_equal(s.err.code, ERROR_DENIED);
    assert_int_equal(atomic_load(&s.api.requests), 4);
    stop(&s);
}

static void without_an_answer_there_is_an_error(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    engine_free(&s.engine);
    s.config.answer_ms = 300;
    s.engine = engine_new(s.loop, &s.config);
    set(&s, "program_id", "2");
    ask(&s, PROVIDER_PAYEE_STATUS, "p-1");
    assert_false(s.is_known);
    assert_int_equal(s.err.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(s.err.text, "timeout"));
    engine_forget_account(s.engine, &s.account.account_id);
    atomic_store(&s.login.token_mode, 1);
    ask(&s, PROVIDER_PAYEE_STATUS, "p-1");
    assert_int_equal(s.err.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(s.err.text, "token_refused"));
    stop(&s);
}

static void what_cannot_be_asked_is_not_begun(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    assert_false(begin(&s, PROVIDER_PAYEE_STATUS, "a/b"));
    assert_int_equal(s.err.code, ERROR_INVALID);
    assert_false(payee_is_offered(&provider_paypal_payouts));
    s.account.provider = &provider_paypal_payouts;
    assert_false(begin(&s, PROVIDER_PAYEE_STATUS, "p-1"));
    assert_int_equal(s.err.code, ERROR_INVALID);
    stop(&s);
}

static void a_canceled_question_is_not_told(void **state)
{
    struct setup s;
    (void)state;

    start(&s);
    assert_true(begin(&s, PROVIDER_PAYEE_STATUS, "p-1"));
    payee_ask_cancel(s.asking);
    assert_int_equal(engine_in_flight(s.engine), 0);
    ask(&s, PROVIDER_PAYEE_LINK, "p-1"); /* the loop ran, and only this one was told */
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payee_is_asked_about_and_tokens_come_from_elsewhere),
        cmocka_unit_test(a_refused_token_is_replaced_once),
        cmocka_unit_test(without_an_answer_there_is_an_error),
        cmocka_unit_test(what_cannot_be_asked_is_not_begun),
        cmocka_unit_test(a_canceled_question_is_not_told),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* of the servers' threads */
    log_start(STDERR_FILENO, LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

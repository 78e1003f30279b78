/*
 * fixture.h - one answer of a provider and what it must mean, in one file:
 *
 *     step: charge            name: value lines of what is expected; empty line
 *     outcome: approved
 *
 *     HTTP/1.1 201            then the answer: status, headers, empty line, body (less one newline)
 *     Content-Type: ...
 *
 *     {...}
 *
 * What a fixture does not name must be absent in the judgement.
 */
#ifndef TESTS_UNIT_PROVIDERS_FIXTURE_H
#define TESTS_UNIT_PROVIDERS_FIXTURE_H

#include <glob.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "providers/provider.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

#define FIXTURE_ATTEMPT "att_01JDEX7T1V5M2Q9K8Z4R6W0C3B"
#define FIXTURE_PAYEE   "payee-123"
#define FIXTURE_PAYMENT "pay_01JDEX7T1V5M2Q9K8Z4R6W0C3B"

static inline struct provider_account fixture_account(const struct provider *provider)
{
    struct provider_account account = {.provider = provider, .user = STR("client")};

    assert_true(
        str_copy_to(STR("https://api.example:9443"), account.base_url, sizeof(account.base_url)));
    secret_init(&account.password);
    secret_set(&account.password, STR("secret"));
    return account;
}

static inline struct provider_call fixture_call(const struct provider_account *account)
{
    return (struct provider_call){
        .operation = OPERATION_SALE,
        .account = account,
        .attempt_ref = STR(FIXTURE_ATTEMPT),
        .payment_ref = STR(FIXTURE_PAYMENT),
        .amount_minor = 1099,
        .currency = currency_find(STR("EUR")),
        .method_type = STR("card"),
        .token = STR("tok_ok"),
        .country = STR("DE"),
    };
}

struct fixture {
    char *text; /* owned */
    struct str expected;
    struct provider_answer answer;
};

static inline void fixture_read(struct fixture *fixture, const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fixture->text = calloc(1, 65536);
    assert_non_null(fixture->text);
    const size_t len = fread(fixture->text, 1, 65535, file);
    assert_int_equal(fclose(file), 0);

    const struct str all = {fixture->text, len};
    const size_t head_at = str_find(all, STR("\n\n"), 0);
    assert_true(head_at != SIZE_MAX);
    const size_t body_at = str_find(all, STR("\n\n"), head_at + 2);
    assert_true(body_at != SIZE_MAX);
    struct str head = str_sub(all, head_at + 2, body_at - head_at - 2);
    int64_t status = 0;
    assert_true(str_starts(head, STR("HTTP/1.1 ")));
    struct str line = str_cut(&head, '\n');
    assert_true(str_to_int64(str_sub(line, 9, 3), &status));
    fixture->expected = str_sub(all, 0, head_at);
    fixture->answer = (struct provider_answer){
        .status = (int)status,
        .body = str_sub(all, body_at + 2, len - body_at - 3),
        .retry_after_ms = -1,
    };
}

/* The n-th value of a name in the expectations; empty when there is none. */
static inline struct str fixture_get(const struct fixture *fixture, struct str name, size_t n)
{
    struct str rest = fixture->expected;

    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        const struct str key = str_cut(&line, ':');
        if (str_eq(key, name) && n-- == 0)
            return str_trim(line);
    }
    return STR_NONE;
}

static inline void fixture_same(const char *path, const char *what, struct str is, struct str want)
{
    if (str_eq(is, want))
        return;
    fail_msg("%s: %s is \"" STR_FMT "\", not \"" STR_FMT "\"", path, what, STR_ARG(is),
             STR_ARG(want));
}

static inline void fixture_check(const char *path, const struct fixture *fixture,
                                 const struct provider_judgement *judgement)
{
    char text[64] = "";
    const struct str flag = fixture_get(fixture, STR("flag"), 0);

    fixture_same(path, "outcome", str_of(outcome_name(judgement->outcome)),
                 fixture_get(fixture, STR("outcome"), 0));
    fixture_same(path, "reason", str_of(judgement->reason), fixture_get(fixture, STR("reason"), 0));
    fixture_same(path, "code", str_of(judgement->code), fixture_get(fixture, STR("code"), 0));
    fixture_same(path, "reference", judgement->reference,
                 fixture_get(fixture, STR("reference"), 0));
    fixture_same(path, "action", judgement->action_url, fixture_get(fixture, STR("action"), 0));
    if (judgement->has_amount)
        (void)snprintf(text, sizeof(text), "%lld %s", (long long)judgement->amount_minor,
                       judgement->currency);
    fixture_same(path, "amount", str_of(text), fixture_get(fixture, STR("amount"), 0));
    text[0] = '\0';
    if (judgement->has_fee)
        (void)snprintf(text, sizeof(text), "%lld", (long long)judgement->fee_minor);
    fixture_same(path, "fee", str_of(text), fixture_get(fixture, STR("fee"), 0));
    for (size_t i = 0; i <= judgement->facts.count; i++) {
        text[0] = '\0';
        char fact[512] = "";
        if (i < judgement->facts.count)
            (void)snprintf(fact, sizeof(fact), STR_FMT " " STR_FMT,
                           STR_ARG(judgement->facts.fact[i].name),
                           STR_ARG(judgement->facts.fact[i].value));
        fixture_same(path, "fact", str_of(fact), fixture_get(fixture, STR("fact"), i));
    }
    assert_int_equal(judgement->duplicate, str_eq(flag, STR("duplicate")));
    assert_int_equal(judgement->not_found, str_eq(flag, STR("not_found")));
    assert_int_equal(judgement->in_progress, str_eq(flag, STR("in_progress")));
    assert_int_equal(judgement->may_send_again, str_eq(flag, STR("may_send_again")));
}

/* Judge every fixture that matches; at least `least` of them must exist. */
static inline void fixture_run_all(const char *pattern, const struct provider *provider,
                                   size_t least)
{
    struct provider_account account = fixture_account(provider);
    glob_t found;

    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= least);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct provider_call call = fixture_call(&account);
        struct provider_judgement judgement;
        struct fixture fixture;
        struct arena arena;

        fixture_read(&fixture, found.gl_pathv[i]);
        arena_init(&arena, 1 << 20);
        call.operation = operation_find(fixture_get(&fixture, STR("operation"), 0));
        if (call.operation == OPERATION_PAYOUT)
            call.token = STR(FIXTURE_PAYEE);
        const enum provider_step step = provider_step_find(fixture_get(&fixture, STR("step"), 0));
        provider->judge(step == PROVIDER_STEP_PROBE ? NULL : &call, step, &fixture.answer, &arena,
                        &judgement);
        fixture_check(found.gl_pathv[i], &fixture, &judgement);
        arena_release(&arena);
        free(fixture.text);
    }
    globfree(&found);
    secret_release(&account.password);
}

#endif

/*
 * Fuzz what a provider answers. The first three octets choose adapter, step, operation and status,
 * the rest is the body. Whatever it is, the judgement must hold together: no success without a
 * definite statement, nothing final from a failed lookup, no fact that could not stand in a path.
 *
 *     make fuzz FUZZ=provider_answer
 */
#include "providers/provider.h"

#include <stdlib.h>
#include <string.h>

#include "providers/adapter.h"

static const int statuses[] = {200, 201, 204, 302, 400, 401, 403,
                               404, 409, 415, 422, 429, 500, 503};

static void check_lookup(const struct provider_judgement *judgement, int status)
{
    const bool is_answer = status >= 200 && status < 300;

    if (!is_answer)
        CHECK(judgement->outcome == OUTCOME_UNKNOWN);
    CHECK(!judgement->not_found || judgement->outcome == OUTCOME_UNKNOWN);
}

static void check(const struct provider_judgement *judgement, enum provider_step step, int status)
{
    CHECK(judgement->outcome >= OUTCOME_NONE && judgement->outcome < OUTCOME_COUNT);
    CHECK(judgement->reason[0] != '\0');
    CHECK(memchr(judgement->reason, '\0', sizeof(judgement->reason)) != NULL);
    CHECK(memchr(judgement->code, '\0', sizeof(judgement->code)) != NULL);
    if (step == PROVIDER_STEP_CHARGE)
        CHECK(judgement->outcome != OUTCOME_NONE);
    if (judgement->outcome == OUTCOME_NONE)
        CHECK(judgement->facts.count > 0);
    if (step == PROVIDER_STEP_SESSION)
        CHECK(judgement->outcome != OUTCOME_APPROVED && judgement->outcome != OUTCOME_UNKNOWN);
    if (step == PROVIDER_STEP_LOOKUP)
        check_lookup(judgement, status);
    if (step == PROVIDER_STEP_CANCEL) {
        CHECK(judgement->outcome != OUTCOME_NONE && !judgement->not_found);
        CHECK(status < 300 || judgement->outcome == OUTCOME_UNKNOWN ||
              (status == 400 && judgement->outcome == OUTCOME_FAILED));
    }
    if (status >= 500 && step == PROVIDER_STEP_CHARGE)
        CHECK(judgement->outcome == OUTCOME_UNKNOWN);
    if (judgement->has_amount)
        CHECK(judgement->amount_minor >= 0 && judgement->amount_minor <= MONEY_AMOUNT_MAX &&
              currency_find(str_of(judgement->currency)) != NULL);
    CHECK(!judgement->has_fee || judgement->has_amount);
    CHECK((judgement->outcome == OUTCOME_REQUIRES_ACTION) == (judgement->action_url.len > 0));
    for (size_t i = 0; i < judgement->facts.count; i++)
        CHECK(judgement->facts.fact[i].value.len > 0);
}

static void judge(const struct provider *provider, enum operation operation,
                  enum provider_step step, int status, struct str body)
{
    const struct provider_account account = {.provider = provider};
    const struct provider_call call = {
        .operation = operation,
        .account = &account,
        .attempt_ref = STR("a"),
        .payment_ref = STR("p"),
        .amount_minor = 1099,
        .currency = currency_find(STR("EUR")),
    };
    const struct provider_answer answer = {.status = status, .body = body, .retry_after_ms = -1};
    struct provider_judgement judgement;
    struct provider_request lookup;
    struct arena arena;

    arena_init(&arena, 1 << 22);
    provider->judge(&call, step, &answer, &arena, &judgement);
    check(&judgement, step, status);
    (void)provider->build_lookup(&call, &judgement.facts, &arena, &lookup);
    arena_release(&arena);
}

static void judge_token(const struct provider *provider, int status, struct str body)
{
    const struct provider_answer answer = {.status = status, .body = body, .retry_after_ms = -1};
    struct secret token;
    struct error err;
    int64_t lifetime_ms = 0;

    if (provider->judge_token == NULL)
        return;
    secret_init(&token);
    if (provider->judge_token(&answer, &token, &lifetime_ms, &err))
        CHECK(status == 200 && token.len > 0 && lifetime_ms > 0);
    secret_release(&token);
}

static void judge_payee(const struct provider *provider, unsigned question, int status,
                        struct str body)
{
    const struct provider_account account = {.provider = provider};
    const struct provider_payee_ask ask = {
        .question = question % 2 == 0 ? PROVIDER_PAYEE_LINK : PROVIDER_PAYEE_STATUS,
        .account = &account,
        .payee_id = STR("p"),
    };
    const struct provider_answer answer = {.status = status, .body = body, .retry_after_ms = -1};
    struct provider_payee payee;
    struct arena arena;
    struct error err;

    if (provider->judge_payee == NULL)
        return;
    arena_init(&arena, 1 << 22);
    if (provider->judge_payee(&ask, &answer, &arena, &payee, &err)) {
        CHECK(status >= 200 && status < 300);
        CHECK((ask.question == PROVIDER_PAYEE_LINK) == (payee.link.len > 0));
        (void)provider_payee_state_name(payee.state);
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum provider_step steps[] = {PROVIDER_STEP_CHARGE, PROVIDER_STEP_SESSION,
                                               PROVIDER_STEP_LOOKUP, PROVIDER_STEP_PROBE,
                                               PROVIDER_STEP_CANCEL};
    size_t count = 0;
    const struct provider *const *all = provider_all(&count);
    struct str raw;

    if (size < 3)
        return 0;
    const struct provider *provider = all[data[0] % count];
    enum provider_step step = steps[(data[0] / count) % ARRAY_LEN(steps)];
    const enum operation operation =
        (enum operation)(OPERATION_SALE + data[1] % (OPERATION_COUNT - OPERATION_SALE));
    const int status = statuses[data[2] % ARRAY_LEN(statuses)];
    char *exact = malloc(size - 3 + 1); /* its own block: reading too far is seen */
    CHECK(exact != NULL);
    memcpy(exact, data + 3, size - 3);
    const struct str body = {exact, size - 3};
    if (provider->build_token != NULL && step == PROVIDER_STEP_SESSION)
        step = PROVIDER_STEP_CHARGE; /* its tokens are judged apart */
    if (provider->build_cancel == NULL && step == PROVIDER_STEP_CANCEL)
        step = PROVIDER_STEP_LOOKUP;
    judge(provider, operation, step, status, body);
    judge_token(provider, status, body);
    judge_payee(provider, data[1], status, body);
    (void)adapter_raw_value(body, "payment.amount", &raw);
    (void)adapter_raw_value(body, "a.0.b", &raw);
    free(exact);
    return 0;
}

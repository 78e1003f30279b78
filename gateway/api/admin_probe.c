/* accounts test: a harmless real call with the account's own credentials, addresses and trust. */
#include "api/admin_call.h"

#include "base/clock.h"

struct probe_result {
    bool ok;
    int64_t elapsed_us; /* -1: nothing was sent */
    int http_status;    /* 0: no answer */
    const char *reason;
    struct str detail;
};

static void end_with_result(struct admin_call *call, const struct probe_result *result)
{
    struct json_out json;
    char text[MONEY_TEXT_SIZE];
    json_out_init(&json, &call->out);
    json_begin_object(&json);
    admin_put_id(&json, "account", ID_ACCOUNT, &call->account.account_id);
    json_put_cstr(&json, "object", "account_test");
    json_put_str(&json, "provider", call->account.provider);
    json_put_str(&json, "base_url", call->account.base_url);
    json_put_bool(&json, "ok", result->ok);
    json_put_cstr(&json, "reason", result->reason);
    if (result->detail.len > 0) {
        json_put_str(&json, "detail", result->detail);
    } else {
        json_put_null(&json, "detail");
    }
    if (result->http_status != 0) {
        json_put_int(&json, "http_status", result->http_status);
    } else {
        json_put_null(&json, "http_status");
    }
    if (result->elapsed_us >= 0) {
        json_put_raw(&json, "latency_ms", money_format(result->elapsed_us, 3, text));
    } else {
        json_put_null(&json, "latency_ms");
    }
    json_end_object(&json);
    admin_end(call, 200);
}

static void probe_done(void *ctx, const struct engine_result *result)
{
    struct admin_call *call = ctx;
    struct provider_judgement judgement = {.outcome = OUTCOME_UNKNOWN};
    struct probe_result told = {.elapsed_us = result->elapsed_us, .reason = result->reason};
    if (result->end == ENGINE_ANSWERED) {
        call->built.account.provider->judge(NULL, PROVIDER_STEP_PROBE, &result->answer,
                                            &call->arena, &judgement);
        told.ok = judgement.outcome == OUTCOME_APPROVED;
        told.http_status = result->answer.status;
        told.reason = told.ok ? "ok" : judgement.reason;
        told.detail = told.ok ? STR_NONE : str_of(judgement.code);
    }
    end_with_result(call, &told);
}

void admin_account_probe(struct admin_call *call)
{
    struct merchant_account *built = &call->built;
    struct probe_result none = {.elapsed_us = -1, .reason = "unusable"};
    merchant_account_build(built, &call->account, call->parts.config, NULL, &call->arena);
    if (!built->usable) {
        none.detail = str_of(built->problem);
        end_with_result(call, &none);
        return;
    }
    const struct provider *provider = built->account.provider;
    if (call->parts.engine == NULL || provider->build_probe == NULL ||
        !provider->build_probe(&built->account, &call->arena, &call->probe)) {
        none.reason = "no_probe";
        none.detail = STR("this provider has no harmless call");
        end_with_result(call, &none);
        return;
    }
    /* Under an id of its own: the engine fetches a new token, and live traffic keeps its own. */
    built->account.account_id = uuid_new();
    call->is_probing = true;
    (void)engine_send_start(call->parts.engine, &built->account, &call->probe,
                            clock_mono_us() + call->parts.probe_ms * CLOCK_MS_US, probe_done, call);
}

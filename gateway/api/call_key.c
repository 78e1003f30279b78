/* Idempotency keys, and the answers that are given under them. */
#include "api/call.h"

#include "base/crypto.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/pack.h"
#include "payment/idempotency.h"
#include "payment/present.h"

static bool refuse(struct api_call *call, enum message problem, const char *detail)
{
    api_call_problem(call, problem, str_of(detail), STR("Idempotency-Key"));
    return false;
}

/* Two keys are two meanings: whoever joins or splits headers on the way would choose another one.
 */
static bool is_repeated(const struct http_request *request, struct str name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        count += str_eq_nocase(request->headers[i].name, name) ? 1 : 0;
    }
    return count > 1;
}

bool api_call_key(struct api_call *call, struct str *key)
{
    struct error err;
    struct str header = http_header(call->x, "Idempotency-Key");
    size_t at;
    size_t len;
    char *out = arena_alloc(&call->arena, IDEMPOTENCY_KEY_MAX + 1);
    if (header.at == NULL) {
        return refuse(call, MESSAGE_KEY_MISSING,
                      "send an Idempotency-Key of your own, new for each payment: repeating a "
                      "request under its key never moves money twice");
    }
    if (is_repeated(http_request(call->x), STR("Idempotency-Key"))) {
        return refuse(call, MESSAGE_KEY_MALFORMED, "send one Idempotency-Key, not several");
    }
    if (!idempotency_key_parse(header, out, key, &err)) {
        return refuse(call, MESSAGE_KEY_MALFORMED, err.text);
    }
    if (crypto_find_card_number(*key, &at, &len)) {
        return refuse(call, MESSAGE_CARD_DATA, "card numbers are never taken here");
    }
    bool is_of_house = call->caller.role == KEY_OPERATOR;
    if (is_of_house && !idempotency_key_by(&call->caller.key_id, *key, &call->arena, key, &err)) {
        return refuse(call, MESSAGE_KEY_MALFORMED, err.text);
    }
    return true;
}

void api_call_reply_created(struct api_call *call, const struct payment_reply *reply)
{
    if (reply->problem != MESSAGE_NONE) {
        api_call_problem_full(call, reply->problem, reply->problem_detail, STR_NONE,
                              reply->problem_payment, reply->retry_after_s);
        return;
    }
    if (reply->location.len > 0) {
        api_call_add_header(call, "Location", reply->location);
    }
    if (reply->replayed) {
        api_call_add_header(call, "Idempotent-Replayed", STR("true"));
    }
    if (reply->retry_after_s > 0) {
        api_call_add_header(call, "Retry-After",
                            arena_printf(&call->arena, "%d", reply->retry_after_s));
    }
    api_call_reply(call, reply->status, reply->content_type, reply->body);
}

void api_call_replay(struct api_call *call, const struct store_answer *answer)
{
    struct error err;
    struct str body;
    if (!unpack(answer->body, PRESENT_BYTES_MAX, &call->arena, &body, &err)) {
        log_error("api", "cannot read a stored answer", LOG_CSTR("error", err.text));
        api_call_problem(call, MESSAGE_OUTCOME_PENDING, STR_NONE, STR_NONE);
        return;
    }
    metrics_count(METRIC_IDEMPOTENCY_REPLAYS, 1);
    struct payment_reply reply = {
        .status = answer->status,
        .content_type = answer->content_type,
        .body = body,
        .location = answer->location,
        .replayed = true,
    };
    api_call_reply_created(call, &reply);
}

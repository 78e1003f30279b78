/* What a request must pass before anything is done for it, and how it is told that it did not. */
#include "api/call.h"
#include "payment/idempotency.h"

/*
 * RateLimit and RateLimit-Policy as in draft-ietf-httpapi-ratelimit-headers-10: told with a 429, and
 * beforehand once little is left.
 */
static void add_quota(struct api_call *call, const struct admission_quota *quota)
{
    struct arena *arena = &call->arena;
    if (quota->policy == NULL) {
        return;
    }
    api_call_add_header(call, "RateLimit-Policy",
                        arena_printf(arena, "\"%s\";q=%lld;w=%lld", quota->policy,
                                     (long long)quota->quota, (long long)quota->window_s));
    api_call_add_header(call, "RateLimit",
                        arena_printf(arena, "\"%s\";r=%lld;t=%lld", quota->policy,
                                     (long long)quota->remaining, (long long)quota->reset_s));
}

/* False: the call was answered. */
static bool obey(struct api_call *call, const struct admission_verdict *verdict)
{
    add_quota(call, &verdict->quota);
    if (verdict->reason == ADMISSION_ADMITTED) {
        return true;
    }
    api_call_problem_full(call, verdict->problem, verdict->detail, STR_NONE, STR_NONE,
                          verdict->retry_after_s);
    return false;
}

static enum admission_work work_of(const struct api_call *call)
{
    return call->endpoint->has_key ? ADMISSION_PAYMENT : ADMISSION_READ;
}

/* The very key that the handler will look for; one that is malformed was never opened. */
static struct str idempotency_key_of(const struct api_call *call, char out[IDEMPOTENCY_KEY_MAX + 1])
{
    struct str key = STR_NONE;
    struct error ignored;
    bool is_taken =
        call->endpoint->has_key &&
        idempotency_key_parse(http_header(call->x, "Idempotency-Key"), out, &key, &ignored);
    return is_taken ? key : STR_NONE;
}

bool admit_caller(struct api_call *call)
{
    char key[IDEMPOTENCY_KEY_MAX + 1];
    struct admission_verdict verdict;
    (void)admission_begin(call->api->parts.admission, &call->caller, work_of(call),
                          idempotency_key_of(call, key), &call->ticket, &verdict);
    return obey(call, &verdict);
}

void api_call_no_repeat(struct api_call *call)
{
    CHECK(call->ticket.is_repeat);
    api_call_problem(call, MESSAGE_OVERLOADED, STR("there is nothing under this key yet"),
                     STR_NONE);
}

bool admit_large_body(struct api_call *call)
{
    char key[IDEMPOTENCY_KEY_MAX + 1];
    struct admission_verdict verdict;
    (void)admission_look(call->api->parts.admission, &call->caller, work_of(call),
                         idempotency_key_of(call, key), &verdict);
    return obey(call, &verdict);
}

/* What comes through a proxy of ours has the proxy's address: its own limits count there. */
static bool has_own_address(const struct api_call *call)
{
    return !http_request(call->x)->peer_is_proxy;
}

bool admit_look_up(struct api_call *call, struct str name)
{
    struct admission_verdict verdict;
    if (!has_own_address(call)) {
        return true;
    }
    (void)admission_may_look_up(call->api->parts.admission, http_request(call->x)->peer, name,
                                &call->has_paid, &verdict);
    return obey(call, &verdict);
}

/* What it paid was for a guess; what was told of it is of no interest any more. */
void admit_looked_up(struct api_call *call)
{
    if (call->has_paid) {
        admission_give_back(call->api->parts.admission, http_request(call->x)->peer);
        call->has_paid = false;
        call->header_count = 0;
    }
}

bool admit_stranger(struct api_call *call)
{
    struct admission_verdict verdict;
    if (!has_own_address(call) || call->has_paid) {
        return true;
    }
    (void)admission_take_stranger(call->api->parts.admission, http_request(call->x)->peer,
                                  &verdict);
    return obey(call, &verdict);
}

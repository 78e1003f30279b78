/* Whose data is asked for: one's own, or that of the merchant that an operator names. */
#include "api/call.h"

struct naming { /* in the call's arena */
    struct api_call *call;
    api_call_fn then;
};

static void merchant_loaded(void *ctx, enum merchants_find found, struct merchant *merchant)
{
    struct naming *naming = ctx;
    struct api_call *call = naming->call;
    if (found == MERCHANTS_FOUND) {
        call->caller.merchant = merchant; /* held by the call from now on */
        naming->then(call);
    } else if (found == MERCHANTS_UNKNOWN) {
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such merchant"),
                         STR("merchant"));
    } else {
        api_call_unavailable(call);
    }
}

void api_call_whose(struct api_call *call, api_call_fn then)
{
    const struct merchant *own = call->caller.merchant;
    struct uuid merchant_id = {{0}};
    struct str text;
    struct error ignored;
    bool is_named = api_call_query(call, "merchant", &text) &&
                    id_parse(ID_MERCHANT, text, &merchant_id, &ignored);
    if (own == NULL && !is_named) {
        api_call_problem(call, MESSAGE_CURSOR_MALFORMED,
                         STR("an operator's key says for which merchant: ?merchant=mer_..."),
                         STR("merchant"));
    } else if (own == NULL) {
        struct naming *naming = ARENA_NEW(&call->arena, struct naming);
        *naming = (struct naming){.call = call, .then = then};
        merchants_load(call->api->parts.merchants, &merchant_id, merchant_loaded, naming);
    } else if (is_named && !uuid_eq(&merchant_id, &own->merchant_id)) {
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such merchant"),
                         STR("merchant"));
    } else {
        then(call);
    }
}

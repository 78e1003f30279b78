/* /v1/admin: the operations of admin.h over HTTP. */
#include "api/call.h"

static void replied(void *ctx, const struct admin_reply *reply)
{
    struct api_call *call = ctx;
    if (reply->problem == MESSAGE_INVALID_RULES) {
        api_call_findings(call, str_of(reply->wrong.detail), reply->findings);
        return;
    }
    if (reply->problem != MESSAGE_NONE) {
        api_call_problem_full(call, reply->problem, str_of(reply->wrong.detail),
                              str_of(reply->wrong.param), STR_NONE, reply->retry_after_s);
        return;
    }
    if (reply->location.len > 0)
        api_call_add_header(call, "Location", reply->location);
    api_call_reply(call, reply->status, STR("application/json"), reply->body);
}

void admin_handle(struct api_call *call)
{
    struct admin_request request = {
        .operation = call->endpoint->admin,
        .id = call->params.count > 0 ? call->params.value[0] : STR_NONE,
        .body = call->body,
    };
    char author[ID_TEXT_SIZE];
    request.author = id_format(ID_KEY, &call->caller.key_id, author);
    (void)api_call_query(call, "merchant", &request.merchant);
    admin_start(&call->api->admin, &request, replied, call);
}

/* A merchant's key acts on its own rule sets only; an operator's on those of the house, or of the
 * merchant that the query names. */
void rules_handle(struct api_call *call)
{
    const struct merchant *own = call->caller.merchant;
    char author[ID_TEXT_SIZE];
    char merchant[ID_TEXT_SIZE];
    struct str to;
    int64_t number = 0;
    struct admin_request request = {
        .operation = call->endpoint->admin,
        .id = call->params.count > 0 ? call->params.value[0] : STR_NONE,
        .body = call->body,
        .author = id_format(ID_KEY, &call->caller.key_id, author),
    };
    bool is_told = api_call_query(call, "merchant", &request.merchant);
    if (own != NULL) {
        struct str id = id_format(ID_MERCHANT, &own->merchant_id, merchant);
        if (is_told && !str_eq(request.merchant, id)) {
            api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such merchant"), STR_NONE);
            return;
        }
        request.merchant = id;
    }
    json_t *query = NULL;
    if (api_call_query(call, "to", &to) && str_to_int64(to, &number)) {
        query = json_pack("{s:I}", "to", (json_int_t)number);
        CHECK(query != NULL);
        request.body = query;
    }
    admin_start(&call->api->admin, &request, replied, call);
    json_decref(query);
}

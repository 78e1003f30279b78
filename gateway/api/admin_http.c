/* /v1/admin: the operations of admin.h over HTTP. */
#include "api/call.h"

static void replied(void *ctx, const struct admin_reply *reply)
{
    struct api_call *call = ctx;
    if (reply->problem != MESSAGE_NONE) {
        api_call_problem(call, reply->problem, str_of(reply->wrong.detail),
                         str_of(reply->wrong.param));
        return;
    }
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

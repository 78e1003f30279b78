#include "api/list.h"

#include "base/clock.h"
#include "base/json.h"
#include "payment/present.h"

void api_reply_list(struct api_call *call, struct str url, bool has_more, size_t count,
                    void (*print)(struct api_call *call, size_t index, const void *ctx,
                                  struct buf *out),
                    const void *ctx)
{
    struct buf body;
    struct buf one;
    struct json_out json;
    buf_init(&body, CALL_BODY_MAX);
    buf_init(&one, 2 * (size_t)PRESENT_BYTES_MAX);
    json_out_init(&json, &body);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "list");
    json_put_str(&json, "url", url);
    json_put_bool(&json, "has_more", has_more);
    json_key(&json, "data");
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        buf_clear(&one);
        print(call, i, ctx, &one);
        json_raw(&json, buf_str(&one));
    }
    json_end_array(&json);
    json_end_object(&json);
    api_call_reply_json(call, 200, &body);
    buf_release(&one);
    buf_release(&body);
}

bool api_query_moment(struct api_call *call, const char *name, int64_t *wall_us)
{
    struct str text;
    struct error ignored;
    return api_call_query(call, name, &text) && clock_parse(text, wall_us, &ignored);
}

int64_t api_query_time(struct api_call *call, const char *name)
{
    int64_t wall_us = 0;
    return api_query_moment(call, name, &wall_us) ? wall_us : 0;
}

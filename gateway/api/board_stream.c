/*
 * GET /v1/providers/stream: the board as it changes, about once a second (payment/boards.h).
 *
 *     call -> stream; each tick: print -> the same as before? nothing : "event: board"
 *
 * A client that does not take what is sent is closed by the server; one that comes back gets the
 * whole board first.
 */
#include "api/call.h"

#include <stdlib.h>

#include "base/clock.h"
#include "payment/boards.h"

enum {
    STREAM_MAX = 128, /* of one worker */
    STREAM_RETRY_S = 5,
    BOARD_BYTES_MAX = 480 * 1024, /* twice what one piece of a stream may have */
};
#define HEARTBEAT_US (15 * CLOCK_SECOND_US)
#define LIFE_US      (300 * CLOCK_SECOND_US) /* keys are then looked at anew */

struct board_stream {
    struct link link;
    struct api *api;          /* borrowed */
    struct http_stream *http; /* borrowed; ours until gone */
    struct uuid merchant_id;
    bool is_of_all;         /* merchants */
    bool for_house;         /* what only the house may read stands in it */
    struct session session; /* whose page listens */
    bool has_session;
    uint64_t sent_hash;
    int64_t sent_us;
    int64_t began_us;
};

static void send_board(void *ctx);

static void stream_free(struct board_stream *stream)
{
    boards_unwatch(stream->api->parts.boards, send_board, stream);
    list_remove(&stream->link);
    stream->api->board_stream_count--;
    free(stream);
}

static void client_gone(void *ctx)
{
    stream_free(ctx);
}

void board_streams_free(struct api *api)
{
    struct link *next;
    for (struct link *link = api->board_streams.next; link != &api->board_streams; link = next) {
        next = link->next;
        stream_free(LIST_OWNER(link, struct board_stream, link));
    }
}

static void print_board(const struct board_stream *stream, struct buf *out)
{
    struct json_out json;
    buf_add_str(out, STR("event: board\ndata: ")); /* one line: the writer emits no line ends */
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "list");
    json_put_cstr(&json, "url", "/v1/providers");
    json_put_bool(&json, "has_more", false);
    json_put_bool(&json, "ledger", store_is_connected(stream->api->parts.store));
    json_key(&json, "data");
    json_begin_array(&json);
    boards_print(stream->api->parts.boards, stream->is_of_all ? NULL : &stream->merchant_id,
                 stream->for_house, &json);
    json_end_array(&json);
    json_end_object(&json);
    buf_add_str(out, STR("\n\n"));
}

/* FNV-1a: is it what was sent last? */
static uint64_t hash_of(struct str text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (uint8_t)text.at[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

static void send_board(void *ctx)
{
    struct board_stream *stream = ctx;
    int64_t now_us = clock_mono_us();
    struct buf text;
    bool is_over = stream->has_session && session_is_over(stream->api, &stream->session);
    if (is_over || now_us - stream->began_us >= LIFE_US) {
        struct http_stream *http = stream->http;
        stream_free(stream);
        http_stream_close(http);
        return;
    }
    buf_init(&text, BOARD_BYTES_MAX);
    print_board(stream, &text);
    uint64_t hash = hash_of(buf_str(&text));
    if (!buf_is_ok(&text) || text.len > BOARD_BYTES_MAX / 2) {
        buf_clear(&text);
        buf_add_str(&text, STR("event: too_large\ndata: {\"detail\":\"too many accounts for one "
                               "board: name a merchant\"}\n\n"));
    }
    if (hash != stream->sent_hash) {
        stream->sent_hash = hash;
        stream->sent_us = now_us;
        (void)http_stream_send(stream->http,
                               buf_str(&text)); /* a slow one is closed: `gone` follows */
    } else if (now_us - stream->sent_us >= HEARTBEAT_US) {
        stream->sent_us = now_us;
        (void)http_stream_send(stream->http, STR(":\n\n"));
    }
    buf_release(&text);
}

static void start(struct api_call *call)
{
    struct api *api = call->api;
    const struct merchant *merchant = call->caller.merchant;
    if (api->board_stream_count >= STREAM_MAX) {
        api_call_problem_full(call, MESSAGE_OVERLOADED, STR("too many boards are open here"),
                              STR_NONE, STR_NONE, STREAM_RETRY_S);
        return;
    }
    struct board_stream *stream = calloc(1, sizeof(*stream));
    CHECK(stream != NULL);
    stream->api = api;
    stream->for_house = call->caller.role == KEY_OPERATOR;
    stream->is_of_all = merchant == NULL;
    if (merchant != NULL) {
        stream->merchant_id = merchant->merchant_id;
    }
    stream->session = call->session;
    stream->has_session = call->has_session;
    stream->began_us = clock_mono_us();
    list_add_last(&api->board_streams, &stream->link);
    api->board_stream_count++;
    stream->http = api_call_stream(call, client_gone, stream);
    (void)http_stream_send(stream->http, STR("retry: 2000\n\n"));
    boards_watch(api->parts.boards, send_board, stream);
}

void board_stream_start(struct api_call *call)
{
    struct str named;
    if (call->caller.merchant == NULL && !api_call_query(call, "merchant", &named)) {
        start(call);
    } else {
        api_call_whose(call, start);
    }
}

/*
 * GET /v1/events/stream: a merchant's events as they are committed.
 *
 *     begin (Last-Event-ID, or now) -> STARTING --read--> [ read -> send -> pause ]* -> gone
 *
 * Each stream reads for itself, from its own position, one read at a time; nothing that is written
 * waits for it. What was read is sent in chunks, each when the client has taken the one before: a
 * client that does not take one in time is closed by the server (answer_write_ms), and goes on
 * later where it stopped. A stream ends by itself after LIFE_US: keys are then looked at anew. One that a page of a signed-in
 * person listens to ends with the session.
 */
#include "api/call.h"

#include <stdlib.h>

#include "api/position.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "ledger/follow.h"
#include "payment/history.h"
#include "payment/present.h"

enum {
    STREAM_MAX = 64,          /* of one worker */
    STREAM_MERCHANT_MAX = 16, /* ... of one merchant */
    ARENA_BYTES_MAX = 64 << 20,
    CHUNK_BYTES = 64 * 1024,   /* sent at once; http_limits.stream_buffer_bytes_max is above it */
    CHUNK_BYTES_MAX = 2 << 20, /* ... with the event that goes over it */
    CHUNK_EVENT_MAX = 500,     /* prepared in one tick: other clients wait meanwhile */
    PAUSE_LEAST_US = 200000,   /* between two reads */
    PAUSE_MOST_US = 1000000,   /* ... when nothing happens */
    TAKEN_LOOK_US = 5000,      /* has the client taken the chunk? */
    HEARTBEAT_US = 15000000,   /* without an event; it carries the position on */
    LIFE_US = 300000000,
    RESUME_MAX_DAYS = 3, /* docs/ledger.md says how long `batches` is kept */
    STREAM_RETRY_S = 10,
};

struct event_stream {
    struct link link;
    struct api *api;          /* borrowed */
    struct api_call *call;    /* until the stream has begun */
    struct http_stream *http; /* borrowed; NULL: not yet, or gone */
    struct uuid merchant_id;
    struct session session; /* whose page listens */
    bool has_session;
    struct follow_mark mark;
    struct arena arena; /* what was read */
    struct follow_news news;
    bool has_news;
    bool is_reading;
    bool is_dropped;
    bool is_over; /* freed when the read is back */
    int64_t began_us;
    int64_t sent_us;
    int64_t pause_us;
    struct loop_timer timer;
};

/* ---- begin and end ----------------------------------------------------------------------------- */

static void count_streams(const struct api *api)
{
    if (metrics_is_open()) {
        metrics_hold(metrics_find(METRIC_EVENT_STREAMS, NULL, 0), (int64_t)api->stream_count);
    }
}

static void stream_free(struct event_stream *stream)
{
    struct api *api = stream->api;
    list_remove(&stream->link);
    loop_timer_release(&stream->timer);
    arena_release(&stream->arena);
    free(stream);
    api->stream_count--;
    count_streams(api);
}

/* A read in the air keeps the struct until it is back. */
static void end(struct event_stream *stream)
{
    stream->is_over = true;
    stream->http = NULL;
    loop_timer_stop(&stream->timer);
    if (!stream->is_reading) {
        stream_free(stream);
    }
}

static void client_gone(void *ctx)
{
    end(ctx);
}

void event_streams_free(struct api *api)
{
    struct link *next;
    for (struct link *at = api->streams.next; at != &api->streams; at = next) {
        next = at->next;
        stream_free(LIST_OWNER(at, struct event_stream, link));
    }
}

static size_t count_of_merchant(const struct api *api, const struct uuid *merchant_id)
{
    size_t count = 0;
    for (struct link *at = api->streams.next; at != &api->streams; at = at->next) {
        const struct event_stream *stream = LIST_OWNER(at, struct event_stream, link);
        count += uuid_eq(&stream->merchant_id, merchant_id);
    }
    return count;
}

/* ---- sending ----------------------------------------------------------------------------------- */

static void put_id(const struct event_stream *stream, struct buf *out)
{
    buf_add_str(out, STR("id: "));
    position_print(stream->api->parts.position_key, &stream->merchant_id, &stream->mark, out);
    buf_add_char(out, '\n');
}

static void put_event(const struct event_stream *stream, const struct event_view *event,
                      struct buf *out)
{
    put_id(stream, out);
    buf_add_str(out, STR("event: "));
    buf_add_str(out, event->type);
    buf_add_str(out, STR("\ndata: "));
    present_event(event, out); /* one line: the writer emits no line ends */
    buf_add_str(out, STR("\n\n"));
}

static void send_bytes(struct event_stream *stream, struct str bytes)
{
    stream->sent_us = clock_mono_us();
    stream->is_dropped = !http_stream_send(stream->http, bytes); /* `gone` follows */
}

/* The next chunk of what was read. False: there is nothing left of it. */
static bool send_chunk(struct event_stream *stream)
{
    const struct event_view *event;
    struct buf chunk;
    size_t count = 0;
    bool has_more = true;
    buf_init(&chunk, CHUNK_BYTES_MAX);
    while (has_more && chunk.len < CHUNK_BYTES && count < CHUNK_EVENT_MAX) {
        has_more = follow_next(&stream->news, &event);
        if (has_more) {
            put_event(stream, event, &chunk);
            count++;
        }
    }
    CHECK(buf_is_ok(&chunk));
    if (count > 0) {
        send_bytes(stream, buf_str(&chunk));
    }
    buf_release(&chunk);
    return has_more;
}

static void send_heartbeat(struct event_stream *stream)
{
    struct buf text;
    buf_init(&text, CHUNK_BYTES);
    put_id(stream, &text); /* without data it is no event: only the position moves */
    buf_add_char(&text, '\n');
    send_bytes(stream, buf_str(&text));
    buf_release(&text);
}

/* ---- reading ----------------------------------------------------------------------------------- */

static void wait_for(struct event_stream *stream, int64_t pause_us)
{
    loop_timer_start(&stream->timer, pause_us);
}

static void rest(struct event_stream *stream)
{
    wait_for(stream, stream->pause_us);
    stream->pause_us = stream->pause_us * 2 < PAUSE_MOST_US ? stream->pause_us * 2 : PAUSE_MOST_US;
}

/* Only the first read can still refuse. */
static void begin_stream(struct event_stream *stream)
{
    struct api_call *call = stream->call;
    stream->call = NULL;
    stream->began_us = clock_mono_us();
    stream->http = api_call_stream(call, client_gone, stream);
    send_bytes(stream, STR("retry: 1000\n"));
    send_heartbeat(stream);
}

static void refuse(struct event_stream *stream, enum store_find found)
{
    struct api_call *call = stream->call;
    end(stream);
    if (found == STORE_ABSENT) {
        api_call_problem(call, MESSAGE_CURSOR_MALFORMED,
                         STR("the position is not of this ledger, or the ledger was put back: read "
                             "what is missing by GET /v1/events, and begin anew"),
                         STR("after"));
    } else {
        api_call_unavailable(call);
    }
}

static void read_done(void *ctx, enum store_find found, struct follow_news *news,
                      const struct error *why)
{
    struct event_stream *stream = ctx;
    (void)why;
    stream->is_reading = false;
    if (stream->is_over) {
        stream_free(stream);
        return;
    }
    if (stream->call != NULL && found != STORE_FOUND) {
        refuse(stream, found);
        return;
    }
    if (stream->call != NULL) {
        begin_stream(stream);
    }
    stream->has_news = found == STORE_FOUND;
    if (stream->has_news) {
        stream->news = *news;
        if (news->count > 0 || news->has_more) {
            stream->pause_us = PAUSE_LEAST_US;
        }
        wait_for(stream, 0);
    } else {
        rest(stream); /* the ledger is away: what happens meanwhile is read then */
    }
}

static void read_on(struct event_stream *stream)
{
    stream->is_reading = true;
    stream->has_news = false;
    arena_reset(&stream->arena);
    follow_read(stream->api->parts.store, &stream->merchant_id, 1, &stream->mark, &stream->arena,
                read_done, stream);
}

static void look(void *ctx)
{
    struct event_stream *stream = ctx;
    int64_t now_us = clock_mono_us();
    if (stream->is_dropped) {
        return;
    }
    if (stream->has_session && session_is_over(stream->api, &stream->session)) {
        http_stream_close(stream->http);
        end(stream);
    } else if (http_stream_waiting(stream->http) > 0) {
        wait_for(stream, TAKEN_LOOK_US);
    } else if (stream->has_news && send_chunk(stream)) {
        wait_for(stream, 0);
    } else if (now_us - stream->began_us >= LIFE_US) {
        struct http_stream *http = stream->http;
        send_heartbeat(stream);
        http_stream_close(http);
        end(stream);
    } else if (stream->has_news) {
        bool again = stream->news.has_more;
        stream->has_news = false;
        if (!again && now_us - stream->sent_us >= HEARTBEAT_US) {
            send_heartbeat(stream);
        }
        if (again) {
            read_on(stream);
        } else {
            rest(stream);
        }
    } else {
        read_on(stream);
    }
}

/* ---- a request --------------------------------------------------------------------------------- */

static void begun(void *ctx, enum store_find found, struct follow_news *news,
                  const struct error *why)
{
    read_done(ctx, found, news, why);
}

static bool has_room(struct api_call *call)
{
    const struct api *api = call->api;
    if (count_of_merchant(api, &call->caller.merchant->merchant_id) >= STREAM_MERCHANT_MAX) {
        api_call_problem_full(call, MESSAGE_RATE_LIMITED,
                              STR("too many streams of this merchant are open here"), STR_NONE,
                              STR_NONE, STREAM_RETRY_S);
        return false;
    }
    if (api->stream_count >= STREAM_MAX) {
        api_call_problem_full(call, MESSAGE_OVERLOADED, STR("too many streams are open here"),
                              STR_NONE, STR_NONE, STREAM_RETRY_S);
        return false;
    }
    return true;
}

/* False: the call was answered. *has_mark: it goes on somewhere. */
static bool take_mark(struct api_call *call, struct follow_mark *mark, bool *has_mark)
{
    struct str text = http_header(call->x, "Last-Event-ID");
    struct error err;
    bool is_header = text.len > 0;
    const char *param = is_header ? "Last-Event-ID" : "after";
    *has_mark = is_header || api_call_query(call, "after", &text);
    if (!*has_mark) {
        return true;
    }
    if (!position_parse(call->api->parts.position_key, &call->caller.merchant->merchant_id, text,
                        mark, &err)) {
        api_call_problem(call, MESSAGE_CURSOR_MALFORMED,
                         STR("the position was not made here for this merchant: send the id of an "
                             "event of the stream, as it was sent"),
                         str_of(param));
        return false;
    }
    if (clock_wall_us() - mark->made_us > RESUME_MAX_DAYS * 24LL * 3600 * CLOCK_SECOND_US) {
        api_call_problem(call, MESSAGE_CURSOR_MALFORMED,
                         STR("the position is older than three days: read what is missing by GET "
                             "/v1/events, and begin anew"),
                         str_of(param));
        return false;
    }
    return true;
}

void event_stream_start(struct api_call *call)
{
    struct api *api = call->api;
    bool has_mark = false;
    if (!has_room(call)) {
        return;
    }
    struct event_stream *stream = calloc(1, sizeof(*stream));
    CHECK(stream != NULL);
    if (!take_mark(call, &stream->mark, &has_mark)) {
        free(stream);
        return;
    }
    stream->api = api;
    stream->call = call;
    stream->merchant_id = call->caller.merchant->merchant_id;
    stream->session = call->session;
    stream->has_session = call->has_session;
    stream->pause_us = PAUSE_LEAST_US;
    arena_init(&stream->arena, ARENA_BYTES_MAX);
    loop_timer_init(&stream->timer, api->parts.loop, look, stream);
    list_init(&stream->link);
    list_add_last(&api->streams, &stream->link);
    api->stream_count++;
    count_streams(api);
    if (has_mark) {
        read_on(stream);
        return;
    }
    stream->is_reading = true;
    follow_begin(api->parts.store, &stream->mark, &stream->arena, begun, stream);
}

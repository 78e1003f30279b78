/*
 * GET /v1/events/stream: a merchant's events as they are committed. How the streams of a worker
 * share their reads stands in streams.h.
 *
 * Nothing that is written waits for a stream. A client that does not take what it is sent in time
 * is closed by the server (answer_write_ms), and goes on later where it stopped. A stream ends by
 * itself after some minutes: keys are then looked at anew. One that a page of a signed-in person
 * listens to ends with the session. When many end at once, with their worker, each was told a pause
 * of its own before it comes back.
 */
#include "api/streams.h"

#include <stdlib.h>

#include "api/position.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "payment/history.h"
#include "payment/present.h"

enum {
    CATCHING_READS_MAX = 4,        /* in the air at a time: payments come first */
    TURN_LOOK_US = 20000,          /* is it our turn? */
    TAKEN_LOOK_US = 5000,          /* has the client taken the chunk? */
    HEARTBEAT_LEAST_US = 10000000, /* without an event; it carries the position on */
    HEARTBEAT_MOST_US = 15000000,
    LIFE_LEAST_US = 240000000,
    LIFE_MOST_US = 300000000,
    SESSION_LOOK_US = 1000000,
    RESUME_MAX_DAYS = 3, /* docs/ledger.md says how long `batches` is kept */
    REFUSED_RETRY_S = 10,
    RETRY_LEAST_MS = 1000, /* before a client comes back */
    RETRY_STREAM_MS = 2,   /* ... and a part of so much for each stream of this worker */
    RETRY_MORE_MAX_MS = 14000,
};

/* ---- begin and end ----------------------------------------------------------------------------- */

static void count_streams(const struct streams *streams)
{
    if (metrics_is_open()) {
        metrics_hold(metrics_find(METRIC_EVENT_STREAMS, NULL, 0), (int64_t)streams->count);
    }
}

static int64_t between(struct streams *streams, int64_t least, int64_t most)
{
    return least + (int64_t)rng_below(&streams->rng, (uint64_t)(most - least + 1));
}

static void catching_free(struct event_stream *stream)
{
    if (stream->catching != NULL) {
        arena_release(&stream->catching->arena);
        free(stream->catching);
        stream->catching = NULL;
    }
}

static void stream_free(struct event_stream *stream)
{
    struct streams *streams = stream->streams;
    list_remove(&stream->link);
    group_leave(stream);
    loop_timer_release(&stream->timer);
    catching_free(stream);
    free(stream->session);
    free(stream);
    streams->count--;
    count_streams(streams);
}

/* A read in the air keeps the struct until it is back. */
static void end(struct event_stream *stream)
{
    stream->is_over = true;
    stream->http = NULL;
    loop_timer_stop(&stream->timer);
    if (stream->catching == NULL || !stream->catching->is_reading) {
        stream_free(stream);
    }
}

static void client_gone(void *ctx)
{
    end(ctx);
}

static void close_stream(struct event_stream *stream)
{
    http_stream_close(stream->http);
    end(stream);
}

void event_streams_free(struct api *api)
{
    struct streams *streams = api->streams;
    struct link *next;
    for (struct link *at = streams->all.next; at != &streams->all; at = next) {
        next = at->next;
        stream_free(LIST_OWNER(at, struct event_stream, link));
    }
    head_release(streams);
    free(streams);
    api->streams = NULL;
}

void event_streams_init(struct api *api)
{
    struct streams *streams = calloc(1, sizeof(*streams));
    uint64_t seed;
    CHECK(streams != NULL);
    streams->api = api;
    api->streams = streams;
    list_init(&streams->all);
    rng_fill(&seed, sizeof(seed));
    rng_seed(&streams->rng, seed);
    head_init(streams);
}

/* ---- sending ----------------------------------------------------------------------------------- */

static const struct follow_mark *mark_of(const struct event_stream *stream)
{
    return stream->catching != NULL ? &stream->catching->mark : &stream->streams->head.mark;
}

static void put_id(const struct streams *streams, const struct uuid *merchant_id,
                   const struct follow_mark *mark, struct buf *out)
{
    buf_add_str(out, STR("id: "));
    position_print(streams->api->parts.position_key, merchant_id, mark, out);
    buf_add_char(out, '\n');
}

void stream_put_event(const struct streams *streams, const struct event_view *event,
                      const struct follow_mark *mark, struct buf *out)
{
    put_id(streams, &event->merchant_id, mark, out);
    buf_add_str(out, STR("event: "));
    buf_add_str(out, event->type);
    buf_add_str(out, STR("\ndata: "));
    present_event(event, out); /* one line: the writer emits no line ends */
    buf_add_str(out, STR("\n\n"));
}

void stream_send(struct event_stream *stream, struct str bytes)
{
    stream->heartbeat_us =
        clock_mono_us() + between(stream->streams, HEARTBEAT_LEAST_US, HEARTBEAT_MOST_US);
    stream->is_dropped = !http_stream_send(stream->http, bytes); /* `gone` follows */
}

/* The next chunk of what was read. False: there is nothing left of it. */
static bool send_chunk(struct event_stream *stream)
{
    struct catching *catching = stream->catching;
    const struct event_view *event;
    struct buf chunk;
    size_t count = 0;
    bool has_more = true;
    buf_init(&chunk, STREAM_CHUNK_BYTES_MAX);
    while (has_more && chunk.len < STREAM_CHUNK_BYTES && count < STREAM_CHUNK_EVENT_MAX) {
        has_more = follow_next(&catching->news, &event);
        if (has_more) {
            CHECK(uuid_eq(&event->merchant_id, &stream->group->merchant_id));
            stream_put_event(stream->streams, event, &catching->mark, &chunk);
            count++;
        }
    }
    CHECK(buf_is_ok(&chunk));
    if (count > 0) {
        stream_send(stream, buf_str(&chunk));
    }
    buf_release(&chunk);
    return has_more;
}

static void send_heartbeat(struct event_stream *stream, int64_t retry_ms)
{
    struct buf text;
    buf_init(&text, STREAM_CHUNK_BYTES);
    buf_add_str(&text, STR("retry: "));
    buf_add_int64(&text, retry_ms);
    buf_add_char(&text, '\n');
    /* Without data it is no event: only the position moves. */
    put_id(stream->streams, &stream->group->merchant_id, mark_of(stream), &text);
    buf_add_char(&text, '\n');
    stream_send(stream, buf_str(&text));
    buf_release(&text);
}

static int64_t retry_ms(struct streams *streams)
{
    int64_t more_ms = (int64_t)streams->count * RETRY_STREAM_MS;
    more_ms = more_ms < RETRY_MORE_MAX_MS ? more_ms : RETRY_MORE_MAX_MS;
    return between(streams, RETRY_LEAST_MS, RETRY_LEAST_MS + more_ms);
}

/* Nobody can refuse it any more. */
static void begin_stream(struct event_stream *stream)
{
    struct api_call *call = stream->call;
    if (call == NULL) {
        return;
    }
    stream->call = NULL;
    stream->end_us = clock_mono_us() + between(stream->streams, LIFE_LEAST_US, LIFE_MOST_US);
    stream->http = api_call_stream(call, client_gone, stream);
    send_heartbeat(stream, retry_ms(stream->streams));
}

/* ---- at the head ------------------------------------------------------------------------------- */

/* True: it was closed. */
static bool is_at_end(struct event_stream *stream)
{
    if (stream->session != NULL && session_is_over(stream->streams->api, stream->session)) {
        close_stream(stream);
        return true;
    }
    if (clock_mono_us() < stream->end_us) {
        return false;
    }
    send_heartbeat(stream, RETRY_LEAST_MS); /* they end one by one */
    close_stream(stream);
    return true;
}

static void wait_for_need(struct event_stream *stream)
{
    int64_t due_us = stream->heartbeat_us < stream->end_us ? stream->heartbeat_us : stream->end_us;
    int64_t wait_us = due_us - clock_mono_us();
    wait_us = wait_us > 0 ? wait_us : 0;
    if (stream->session != NULL && wait_us > SESSION_LOOK_US) {
        wait_us = SESSION_LOOK_US;
    }
    loop_timer_start(&stream->timer, wait_us);
}

/* The head tells it what happens; here is what it needs beside that. */
static void tend(struct event_stream *stream)
{
    if (!head_has_told(stream->group)) { /* the head's mark is not yet its own */
        loop_timer_start(&stream->timer, TURN_LOOK_US);
    } else if (!is_at_end(stream)) {
        if (clock_mono_us() >= stream->heartbeat_us) {
            send_heartbeat(stream, retry_ms(stream->streams));
        }
        wait_for_need(stream);
    }
}

void stream_join(struct event_stream *stream)
{
    CHECK(head_is_settled(stream->streams));
    catching_free(stream);
    stream->state = STREAM_JOINED;
    list_remove(&stream->turn);
    list_add_last(&stream->group->joined, &stream->turn);
    stream->streams->joined_count++;
    begin_stream(stream);
    wait_for_need(stream);
}

void stream_refuse(struct event_stream *stream, enum store_find found)
{
    struct api_call *call = stream->call;
    if (call == NULL) {
        close_stream(stream);
        return;
    }
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

/* ---- by itself --------------------------------------------------------------------------------- */

static void catching_new(struct event_stream *stream, const struct follow_mark *mark)
{
    struct catching *catching = calloc(1, sizeof(*catching));
    CHECK(catching != NULL);
    catching->mark = *mark;
    catching->pause_us = STREAM_PAUSE_LEAST_US;
    arena_init(&catching->arena, STREAM_ARENA_BYTES_MAX);
    stream->catching = catching;
    stream->state = STREAM_CATCHING;
}

void stream_part(struct event_stream *stream, const struct follow_mark *mark)
{
    stream->streams->joined_count--;
    list_remove(&stream->turn);
    catching_new(stream, mark);
    loop_timer_start(&stream->timer, TAKEN_LOOK_US);
}

static void rest(struct event_stream *stream)
{
    struct catching *catching = stream->catching;
    int64_t pause_us = catching->pause_us;
    if (catching->has_until) { /* the head has moved on meanwhile, mostly only once */
        pause_us = TURN_LOOK_US;
        catching->has_until = false;
    } else {
        catching->pause_us =
            pause_us * 2 < STREAM_PAUSE_MOST_US ? pause_us * 2 : STREAM_PAUSE_MOST_US;
    }
    loop_timer_start(&stream->timer, between(stream->streams, pause_us / 2, pause_us));
}

static void read_done(void *ctx, enum store_find found, struct follow_news *news,
                      const struct error *why)
{
    struct event_stream *stream = ctx;
    struct catching *catching = stream->catching;
    (void)why;
    catching->is_reading = false;
    stream->streams->catching_reads--;
    if (stream->is_over) {
        stream_free(stream);
        return;
    }
    if (found == STORE_ABSENT || (stream->call != NULL && found != STORE_FOUND)) {
        stream_refuse(stream, found);
        return;
    }
    begin_stream(stream);
    catching->has_news = found == STORE_FOUND;
    if (!catching->has_news) {
        rest(stream); /* the ledger is away: what happens meanwhile is read then */
        return;
    }
    catching->news = *news;
    if (catching->has_until) {
        follow_keep(&catching->news, &catching->until, &catching->arena);
    }
    if (catching->news.count > 0 || news->has_more) {
        catching->pause_us = STREAM_PAUSE_LEAST_US;
    }
    loop_timer_start(&stream->timer, 0);
}

static void read_on(struct event_stream *stream)
{
    struct streams *streams = stream->streams;
    struct catching *catching = stream->catching;
    if (streams->catching_reads >= CATCHING_READS_MAX) {
        loop_timer_start(&stream->timer, between(streams, TAKEN_LOOK_US, TURN_LOOK_US));
        return;
    }
    streams->catching_reads++;
    catching->is_reading = true;
    catching->has_until =
        head_is_settled(streams) && follow_mark_covers(&streams->head.mark, &catching->mark);
    if (catching->has_until) {
        catching->until = streams->head.mark;
    }
    arena_reset(&catching->arena);
    follow_read(streams->api->parts.store, &stream->group->merchant_id, 1, &catching->mark,
                &catching->arena, read_done, stream);
}

/* Its position and the head's are the same one. */
static bool may_join(const struct event_stream *stream)
{
    const struct streams *streams = stream->streams;
    const struct follow_mark *own = &stream->catching->mark;
    return head_is_settled(streams) && follow_mark_covers(&streams->head.mark, own) &&
           follow_mark_covers(own, &streams->head.mark);
}

static void catch_up(struct event_stream *stream)
{
    struct catching *catching = stream->catching;
    if (stream->http != NULL && http_stream_waiting(stream->http) > 0) {
        loop_timer_start(&stream->timer, TAKEN_LOOK_US);
        return;
    }
    if (catching->has_news && send_chunk(stream)) {
        loop_timer_start(&stream->timer, 0);
        return;
    }
    bool has_read = catching->has_news && !catching->news.has_more;
    catching->has_news = false;
    if (stream->call == NULL && is_at_end(stream)) {
        return;
    }
    if (may_join(stream)) {
        stream_join(stream);
    } else if (has_read) {
        if (clock_mono_us() >= stream->heartbeat_us) {
            send_heartbeat(stream, retry_ms(stream->streams));
        }
        rest(stream);
    } else {
        read_on(stream);
    }
}

static void look(void *ctx)
{
    struct event_stream *stream = ctx;
    if (stream->is_dropped) {
        return;
    }
    if (stream->state == STREAM_CATCHING) {
        catch_up(stream);
    } else {
        tend(stream);
    }
}

/* ---- a request --------------------------------------------------------------------------------- */

static bool has_room(struct api_call *call)
{
    const struct streams *streams = call->api->streams;
    const struct api_parts *parts = &call->api->parts;
    const struct stream_group *group = group_find(streams, &call->caller.merchant->merchant_id);
    if (group != NULL && group->count >= parts->event_streams_per_merchant_max) {
        api_call_problem_full(call, MESSAGE_RATE_LIMITED,
                              STR("too many streams of this merchant are open here"), STR_NONE,
                              STR_NONE, REFUSED_RETRY_S);
        return false;
    }
    if (streams->count >= parts->event_streams_max) {
        api_call_problem_full(call, MESSAGE_OVERLOADED, STR("too many streams are open here"),
                              STR_NONE, STR_NONE, REFUSED_RETRY_S);
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

static struct event_stream *stream_new(struct api_call *call)
{
    struct streams *streams = call->api->streams;
    struct event_stream *stream = calloc(1, sizeof(*stream));
    CHECK(stream != NULL);
    stream->streams = streams;
    stream->call = call;
    stream->group = group_get(streams, &call->caller.merchant->merchant_id);
    stream->group->count++;
    if (call->has_session) {
        stream->session = malloc(sizeof(*stream->session));
        CHECK(stream->session != NULL);
        *stream->session = call->session;
    }
    loop_timer_init(&stream->timer, streams->api->parts.loop, look, stream);
    list_init(&stream->turn);
    list_init(&stream->link);
    list_add_last(&streams->all, &stream->link);
    streams->count++;
    count_streams(streams);
    return stream;
}

void event_stream_start(struct api_call *call)
{
    struct follow_mark mark = {0};
    bool has_mark = false;
    if (!has_room(call) || !take_mark(call, &mark, &has_mark)) {
        return;
    }
    struct event_stream *stream = stream_new(call);
    api_call_forget_request(call); /* it may last minutes */
    if (has_mark) {
        catching_new(stream, &mark);
        head_wake(call->api->streams);
        loop_timer_start(&stream->timer, 0);
    } else {
        head_await(stream);
    }
}

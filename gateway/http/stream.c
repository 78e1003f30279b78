/* Event streams: an answer without end, bounded by what the client has not read yet. */
#include "http/connection.h"

#include <event2/buffer.h>
#include <stdlib.h>

void stream_tell_gone(struct http_stream *stream)
{
    http_gone_fn gone = stream->gone;
    void *ctx = stream->gone_ctx;
    list_remove(&stream->link);
    loop_timer_release(&stream->gone_timer);
    free(stream);
    if (gone) {
        gone(ctx);
    }
}

static void gone_due(void *ctx)
{
    stream_tell_gone(ctx);
}

/* No client any more; its owner hears of it in the next tick, never from within its own call. */
static void detach(struct http_stream *stream)
{
    stream->connection = NULL;
    loop_timer_start(&stream->gone_timer, 0);
}

/* head NULL: events. */
static struct http_stream *start(struct http_exchange *x, const struct http_response *head,
                                 uint64_t size, http_gone_fn gone, void *ctx)
{
    struct connection *c = x->connection;
    struct http_stream *stream = calloc(1, sizeof *stream);
    CHECK(stream);
    list_init(&stream->link);
    if (x->server) {
        list_add_last(&x->server->streams, &stream->link);
    }
    loop_timer_init(&stream->gone_timer, x->loop, gone_due, stream);
    stream->gone = gone;
    stream->gone_ctx = ctx;
    reply_count(x, 200);
    if (!c) {
        detach(stream);
    } else if (x->request.method == HTTP_HEAD) {
        reply_stream_head(x, head, size);
        c->close_after = true;
        connection_answered(c);
        detach(stream);
    } else {
        CHECK(c->phase == PHASE_HANDLING && c->exchange == x);
        reply_stream_head(x, head, size);
        c->exchange = NULL;
        body_end(c);
        c->stream = stream;
        stream->connection = c;
        c->close_after = true;
        connection_set_phase(c, PHASE_STREAM_WRITING);
    }
    exchange_free(x);
    return stream;
}

struct http_stream *http_stream_start(struct http_exchange *x, http_gone_fn gone, void *ctx)
{
    return start(x, NULL, 0, gone, ctx);
}

struct http_stream *http_stream_start_sized(struct http_exchange *x,
                                            const struct http_response *head, uint64_t size,
                                            http_gone_fn gone, void *ctx)
{
    return start(x, head, size, gone, ctx);
}

bool http_stream_send(struct http_stream *stream, struct str bytes)
{
    struct connection *c = stream->connection;
    if (!c) {
        return false;
    }
    struct evbuffer *output = bufferevent_get_output(c->bev);
    if (evbuffer_get_length(output) + bytes.len >
            c->server->config.limits.stream_buffer_bytes_max ||
        evbuffer_add(output, bytes.at, bytes.len) != 0) {
        c->stream = NULL;
        detach(stream);
        connection_free(c);
        return false;
    }
    if (c->phase == PHASE_STREAMING) {
        connection_set_phase(c, PHASE_STREAM_WRITING);
    }
    connection_count_buffers(c);
    return true;
}

size_t http_stream_waiting(const struct http_stream *stream)
{
    const struct connection *c = stream->connection;
    return c ? evbuffer_get_length(bufferevent_get_output(c->bev)) : 0;
}

void http_stream_close(struct http_stream *stream)
{
    struct connection *c = stream->connection;
    stream->gone = NULL;
    stream_tell_gone(stream);
    if (c) {
        c->stream = NULL;
        connection_finish(c);
    }
}

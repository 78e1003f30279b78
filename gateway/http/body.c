#include "http/body.h"

#include <event2/buffer.h>

#include "http/connection.h"

/* Bytes of the body that have come. */
static size_t arrived(const struct connection *c)
{
    return c->body.taken + evbuffer_get_length(bufferevent_get_input(c->bev));
}

static int64_t turn_ms(const struct http_limits *limits)
{
    return limits->body_ms / HTTP_BODY_TURNS;
}

/* Turns beyond the usual ones: what a large body is allowed for its length. */
static size_t turns_for_length(const struct http_limits *limits, size_t len)
{
    if (len <= limits->body_bytes_max) {
        return 0;
    }
    int64_t more_ms = (int64_t)(len - limits->body_bytes_max) * 1000 / HTTP_LARGE_BODY_RATE;
    return (size_t)(more_ms / turn_ms(limits)) + 1;
}

void body_begin(struct connection *c)
{
    const struct http_limits *limits = &c->server->config.limits;
    c->body.turn_start = 0; /* what came along with the head counts */
    c->body.turns_left = HTTP_BODY_TURNS - 1 + turns_for_length(limits, c->framing.body_len);
}

bool body_may_go_on(struct connection *c)
{
    const struct http_limits *limits = &c->server->config.limits;
    size_t now = arrived(c);
    size_t brought = now - c->body.turn_start;
    size_t wanted = limits->body_rate_min * (size_t)turn_ms(limits) / 1000;
    if (c->body.turns_left == 0 || brought < wanted) {
        return false;
    }
    c->body.turns_left--;
    c->body.turn_start = now;
    return true;
}

static void hold(struct connection *c, size_t bytes)
{
    c->body.held_bytes = bytes;
    connection_count_buffers(c);
}

static bool take_large(struct connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);
    size_t left = c->framing.body_len - c->body.taken;
    size_t there = evbuffer_get_length(input);
    size_t part = there < left ? there : left;
    if (part > 0) {
        CHECK(evbuffer_remove(input, c->body.large + c->body.taken, part) == (int)part);
        c->body.taken += part;
    }
    if (part < left) {
        return false;
    }
    c->exchange->request.body = (struct str){c->body.large, c->body.taken};
    return true;
}

bool body_take(struct connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);
    size_t len = c->framing.body_len;
    if (c->body.large) {
        return take_large(c);
    }
    if (evbuffer_get_length(input) < len) {
        return false;
    }
    if (len > 0) {
        char *body = arena_alloc(&c->exchange->arena, len);
        CHECK(evbuffer_remove(input, body, len) == (int)len);
        c->exchange->request.body = (struct str){body, len};
        hold(c, len);
    }
    return true;
}

bool body_accept_large(struct connection *c)
{
    struct http_server *server = c->server;
    size_t len = c->framing.body_len;
    CHECK(len <= server->config.limits.large_body_bytes_max);
    if (server->large_body_bytes + len > server->config.limits.buffer_bytes_max / 2) {
        return false;
    }
    server->large_body_bytes += len;
    c->body.large = arena_alloc(&c->exchange->arena, len);
    hold(c, len);
    return true;
}

void body_end(struct connection *c)
{
    if (c->body.large) {
        c->server->large_body_bytes -= c->body.held_bytes;
    }
    c->body = (struct body){.large = NULL};
}

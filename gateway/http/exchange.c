/* One request and its one answer, as the handler sees it. */
#include "http/connection.h"

#include <stdlib.h>
#include <string.h>

/* A body as large as it may be, and beside it the head and what a handler makes. */
static size_t arena_limit(const struct http_limits *limits)
{
    bool has_larger = limits->large_body_bytes_max > limits->body_bytes_max;
    return (has_larger ? limits->large_body_bytes_max : limits->body_bytes_max) +
           HTTP_ARENA_BYTES_MAX;
}

struct http_exchange *exchange_new(struct connection *c)
{
    struct http_server *server = c->server;
    struct http_exchange *x;
    if (list_is_empty(&server->spares)) {
        x = calloc(1, sizeof *x);
        CHECK(x);
        arena_init(&x->arena, arena_limit(&server->config.limits));
    } else {
        x = LIST_OWNER(server->spares.next, struct http_exchange, link);
        list_remove(&x->link);
        server->spare_count--;
    }
    list_add_last(&server->exchanges, &x->link);
    x->server = server;
    x->connection = c;
    x->loop = server->loop;
    x->route = "other";
    x->data = NULL;
    x->gone = NULL;
    memset(&x->request, 0, sizeof x->request);
    memcpy(x->request.peer, c->peer, sizeof x->request.peer);
    x->request.peer_is_proxy = !c->is_counted;
    x->request.peer_has_certificate = c->has_certificate;
    if (c->has_spki) {
        memcpy(x->spki, c->spki, sizeof x->spki);
        x->request.peer_spki = x->spki;
    }
    x->request.arrived_us = c->arrived_us;
    struct uuid id = uuid_new();
    id_format(ID_REQUEST, &id, x->id);
    return x;
}

void exchange_free(struct http_exchange *x)
{
    struct http_server *server = x->server;
    list_remove(&x->link);
    if (server && server->spare_count < HTTP_SPARE_EXCHANGE_MAX) {
        arena_reset(&x->arena);
        list_add_first(&server->spares, &x->link);
        server->spare_count++;
        return;
    }
    arena_release(&x->arena);
    free(x);
}

void exchange_tell_gone(struct http_exchange *x)
{
    http_gone_fn gone = x->gone;
    x->connection = NULL;
    x->gone = NULL;
    if (gone) {
        gone(x->gone_ctx);
    }
}

const struct http_request *http_request(const struct http_exchange *x)
{
    return &x->request;
}

struct arena *http_arena(struct http_exchange *x)
{
    return &x->arena;
}

void http_forget_request(struct http_exchange *x)
{
    struct http_request *request = &x->request;
    request->target = STR_NONE;
    request->path = STR_NONE;
    request->query = STR_NONE;
    request->host = STR_NONE;
    request->body = STR_NONE;
    request->headers = NULL;
    request->header_count = 0;
    arena_release(&x->arena);
}

const char *http_request_id(const struct http_exchange *x)
{
    return x->id;
}

struct str http_header(const struct http_exchange *x, const char *name)
{
    struct str wanted = str_of(name);
    for (size_t i = 0; i < x->request.header_count; i++) {
        if (str_eq_nocase(x->request.headers[i].name, wanted)) {
            return x->request.headers[i].value;
        }
    }
    return STR_NONE;
}

/* Percent-decode into the arena. The parser has checked that two hex digits follow each '%'. */
static bool decode(struct arena *arena, struct str text, struct str *out)
{
    char *at = arena_alloc(arena, text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            CHECK(i + 2 < text.len);
            c = (char)(str_hex_value(text.at[i + 1]) * 16 + str_hex_value(text.at[i + 2]));
            i += 2;
        }
        if (c == '\0') {
            return false;
        }
        at[len++] = c;
    }
    *out = (struct str){at, len};
    return str_is_utf8(*out);
}

bool http_query(const struct http_exchange *x, const char *name, struct str *value)
{
    /* The arena grows by a lookup, the request does not change: const for the caller. */
    struct arena *arena = &((struct http_exchange *)(uintptr_t)x)->arena;
    struct str wanted = str_of(name);
    struct str rest = x->request.query;
    while (rest.len > 0) {
        struct str pair = str_cut(&rest, '&');
        struct str key = str_cut(&pair, '=');
        struct str decoded;
        if (str_eq(key, wanted) || (str_find_char(key, '%', 0) != SIZE_MAX &&
                                    decode(arena, key, &decoded) && str_eq(decoded, wanted))) {
            return decode(arena, pair, value);
        }
    }
    return false;
}

void *http_exchange_data(const struct http_exchange *x)
{
    return x->data;
}

void http_exchange_set_data(struct http_exchange *x, void *data)
{
    x->data = data;
}

void http_on_gone(struct http_exchange *x, http_gone_fn fn, void *ctx)
{
    x->gone = fn;
    x->gone_ctx = ctx;
    if (!x->connection) {
        exchange_tell_gone(x);
    }
}

void http_vouch(struct http_exchange *x)
{
    if (x->connection) {
        x->connection->is_known = true;
    }
}

void http_set_route(struct http_exchange *x, const char *route)
{
    x->route = route;
}

bool http_take_body(struct http_exchange *x)
{
    struct connection *c = x->connection;
    if (!c) { /* nobody to read from: it ends here */
        exchange_free(x);
        return true;
    }
    CHECK(c->phase == PHASE_ASKING && c->exchange == x);
    if (!body_accept_large(c)) {
        return false;
    }
    x->gone = NULL;
    connection_await_body(c);
    return true;
}

void http_refuse_body(struct http_exchange *x)
{
    struct connection *c = x->connection;
    if (c) {
        CHECK(c->phase == PHASE_ASKING && c->exchange == x);
        connection_refuse(c, REFUSAL_BODY_LONG); /* frees x, which is still the connection's */
    } else {
        exchange_free(x);
    }
}

void http_abort(struct http_exchange *x, bool reset)
{
    struct connection *c = x->connection;
    if (c) {
        CHECK(connection_is_handled(c) && c->exchange == x);
        c->exchange = NULL;
        if (reset) {
            connection_drop(c);
        } else {
            connection_close_idle(c);
        }
    }
    exchange_free(x);
}

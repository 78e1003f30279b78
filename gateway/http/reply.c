/* Answers: composed head and body in one piece, so that one write and one TLS record carry them. */
#include "http/connection.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    HEAD_FIXED_MAX = 640, /* what we add ourselves to any answer */
};

struct piece { /* room that is being filled: reserved in the output, or the server's */
    struct connection *pushed; /* NULL: in the output */
    struct evbuffer *output;
    struct evbuffer_iovec room;
    size_t len;
};

static void piece_start(struct piece *piece, struct connection *c, size_t size_max)
{
    piece->output = bufferevent_get_output(c->bev);
    piece->len = 0;
    piece->pushed = NULL;
    int count = evbuffer_reserve_space(piece->output, (ev_ssize_t)size_max, &piece->room, 1);
    CHECK(count == 1 && piece->room.iov_len >= size_max);
}

static void piece_add(struct piece *piece, struct str s)
{
    CHECK(piece->len + s.len <= piece->room.iov_len);
    if (s.len > 0) {
        memcpy((char *)piece->room.iov_base + piece->len, s.at, s.len);
        piece->len += s.len;
    }
}

static void piece_add_number(struct piece *piece, size_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    piece_add(piece, (struct str){digits + at, sizeof digits - at});
}

/* The same for an answer, which may be written as soon as it is whole. */
static void piece_start_answer(struct piece *piece, struct connection *c, size_t size_max)
{
    if (size_max > HTTP_PUSH_BYTES_MAX || !connection_may_push(c)) {
        piece_start(piece, c, size_max);
        return;
    }
    *piece = (struct piece){.pushed = c, .room = {c->server->push, HTTP_PUSH_BYTES_MAX}};
}

static void piece_commit(struct piece *piece)
{
    if (piece->pushed) {
        connection_push(piece->pushed, piece->room.iov_base, piece->len);
        return;
    }
    piece->room.iov_len = piece->len;
    CHECK(evbuffer_commit_space(piece->output, &piece->room, 1) == 0);
}

void reply_date(struct http_server *server)
{
    int64_t second = clock_wall_us() / CLOCK_SECOND_US;
    if (second == server->date_second) {
        return;
    }
    time_t when = (time_t)second;
    struct tm utc;
    CHECK(gmtime_r(&when, &utc));
    CHECK(strftime(server->date, sizeof server->date, "%a, %d %b %Y %H:%M:%S GMT", &utc) > 0);
    server->date_second = second;
}

/* Status line and the headers that every answer has; the empty line is the caller's. */
static void add_head(struct piece *piece, struct http_server *server, int status, bool close,
                     struct str request_id)
{
    reply_date(server);
    piece_add(piece, STR("HTTP/1.1 "));
    CHECK(status >= 100 && status <= 599);
    piece_add_number(piece, (size_t)status);
    piece_add(piece, STR(" "));
    piece_add(piece, http_status_phrase(status));
    piece_add(piece, STR("\r\nDate: "));
    piece_add(piece, str_of(server->date));
    piece_add(piece, STR("\r\nRequest-Id: "));
    piece_add(piece, request_id);
    piece_add(piece, STR("\r\nX-Content-Type-Options: nosniff\r\n"));
    if (server->config.tls) {
        piece_add(piece, STR("Strict-Transport-Security: max-age=31536000\r\n"));
    }
    if (close) {
        piece_add(piece, STR("Connection: close\r\n"));
    }
}

static void add_header(struct piece *piece, struct str name, struct str value)
{
    piece_add(piece, name);
    piece_add(piece, STR(": "));
    piece_add(piece, value);
    piece_add(piece, STR("\r\n"));
}

static bool is_header_text(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '\r' || s.at[i] == '\n' || s.at[i] == '\0') {
            return false;
        }
    }
    return true;
}

/* Bytes that the handler's own headers take. A line break in one of them is a bug, not input. */
static size_t measure_headers(const struct http_response *response, bool *has_cache_control)
{
    size_t size = response->content_type.len;
    CHECK(is_header_text(response->content_type));
    for (size_t i = 0; i < response->header_count; i++) {
        const struct http_header *header = &response->headers[i];
        CHECK(header->name.len > 0 && is_header_text(header->name));
        CHECK(is_header_text(header->value));
        size += header->name.len + header->value.len + 4;
        if (str_eq_nocase(header->name, STR("cache-control"))) {
            *has_cache_control = true;
        }
    }
    return size;
}

static void write_answer(const struct http_exchange *x, const struct http_response *response,
                         bool close)
{
    struct piece piece;
    bool has_cache_control = false;
    bool may_have_body = response->status != 204 && response->status != 304;
    bool sends_body = may_have_body && x->request.method != HTTP_HEAD;
    size_t size = HEAD_FIXED_MAX + measure_headers(response, &has_cache_control) +
                  (sends_body ? response->body.len : 0);
    CHECK(may_have_body || response->body.len == 0);
    piece_start_answer(&piece, x->connection, size);
    add_head(&piece, x->server, response->status, close, str_of(x->id));
    if (!has_cache_control) {
        add_header(&piece, STR("Cache-Control"), STR("no-store"));
    }
    if (response->content_type.len > 0) {
        add_header(&piece, STR("Content-Type"), response->content_type);
    }
    for (size_t i = 0; i < response->header_count; i++) {
        add_header(&piece, response->headers[i].name, response->headers[i].value);
    }
    if (may_have_body) {
        piece_add(&piece, STR("Content-Length: "));
        piece_add_number(&piece, response->body.len);
        piece_add(&piece, STR("\r\n"));
    }
    piece_add(&piece, STR("\r\n"));
    if (sends_body) {
        piece_add(&piece, response->body);
    }
    piece_commit(&piece);
}

static void fill_slot(struct metric_slot *slot, const char *route, enum http_method method,
                      int status)
{
    char code[8];
    (void)snprintf(code, sizeof code, "%d", status);
    const struct str labels[] = {str_of(route), str_of(http_method_name(method)), str_of(code)};
    slot->route = route;
    slot->method = (int)method;
    slot->status = status;
    slot->requests = metrics_find(METRIC_HTTP_REQUESTS, labels, ARRAY_LEN(labels));
    slot->seconds = metrics_find(METRIC_HTTP_SECONDS, labels, 1);
}

void reply_count(const struct http_exchange *x, int status)
{
    if (!metrics_is_open() || !x->server) {
        return;
    }
    enum http_method method = x->request.method;
    size_t hash = (((uintptr_t)x->route >> 3) * 31 + (size_t)method) * 31 + (size_t)status;
    struct metric_slot *slot = &x->server->metric_cache[hash & (HTTP_METRIC_CACHE_SIZE - 1)];
    if (slot->route != x->route || slot->method != (int)method || slot->status != status) {
        fill_slot(slot, x->route, method, status);
    }
    metrics_add(slot->requests, 1);
    metrics_observe_us(slot->seconds, clock_mono_us() - x->request.arrived_us);
}

/*
 * The request was wrong, and more lies behind it: another request, or the rest of a body whose
 * length was wrong, too? Nobody is to find out.
 */
static bool leftovers_are_doubtful(const struct connection *c, int status)
{
    return c->phase == PHASE_ASKING || /* its body is unread */
           (status >= 400 && evbuffer_get_length(bufferevent_get_input(c->bev)) > 0);
}

void http_reply(struct http_exchange *x, const struct http_response *response)
{
    struct connection *c = x->connection;
    reply_count(x, response->status);
    if (c) {
        CHECK(connection_is_handled(c) && c->exchange == x);
        c->close_after = c->close_after || response->close || c->server->draining ||
                         leftovers_are_doubtful(c, response->status);
        write_answer(x, response, c->close_after);
        connection_answered(c);
    }
    exchange_free(x);
}

void http_reply_json(struct http_exchange *x, int status, struct str body)
{
    http_reply(x, &(struct http_response){
                      .status = status, .content_type = STR("application/json"), .body = body});
}

/* head NULL: events, without end. */
void reply_stream_head(struct http_exchange *x, const struct http_response *head, uint64_t size)
{
    static const struct http_header unbuffered = {STR_INIT("X-Accel-Buffering"), STR_INIT("no")};
    static const struct http_response events = {
        .content_type = STR_INIT("text/event-stream"), .headers = &unbuffered, .header_count = 1};
    struct piece piece;
    bool has_cache_control = false;
    const struct http_response *response = head != NULL ? head : &events;
    piece_start(&piece, x->connection,
                HEAD_FIXED_MAX + measure_headers(response, &has_cache_control));
    add_head(&piece, x->server, 200, true, str_of(x->id));
    add_header(&piece, STR("Content-Type"), response->content_type);
    if (!has_cache_control) {
        add_header(&piece, STR("Cache-Control"), STR("no-store"));
    }
    for (size_t i = 0; i < response->header_count; i++) {
        add_header(&piece, response->headers[i].name, response->headers[i].value);
    }
    if (head != NULL) {
        piece_add(&piece, STR("Content-Length: "));
        piece_add_number(&piece, size);
        piece_add(&piece, STR("\r\n"));
    }
    piece_add(&piece, STR("\r\n"));
    piece_commit(&piece);
}

void reply_refuse(struct connection *c, enum refusal refusal)
{
    const struct refusal_reason *reason = refusal_reason(refusal);
    char id[ID_TEXT_SIZE];
    char body[REFUSAL_BODY_MAX];
    struct piece piece;
    struct uuid uuid = uuid_new();
    id_format(ID_REQUEST, &uuid, id);
    size_t len = refusal_print(refusal, id, body);
    metrics_count(METRIC_HTTP_REFUSED, 1, reason->code);
    log_debug("http", "request refused", LOG_CSTR("listener", c->server->config.listener_name),
              LOG_CSTR("request_id", id), LOG_CSTR("peer", c->peer),
              LOG_STR("reason", reason->code));
    piece_start(&piece, c, HEAD_FIXED_MAX + len);
    add_head(&piece, c->server, reason->status, true, str_of(id));
    add_header(&piece, STR("Cache-Control"), STR("no-store"));
    add_header(&piece, STR("Content-Type"), STR("application/problem+json"));
    if (reason->status == 503) {
        add_header(&piece, STR("Retry-After"), STR("1"));
    }
    piece_add(&piece, STR("Content-Length: "));
    piece_add_number(&piece, len);
    piece_add(&piece, STR("\r\n\r\n"));
    if (!c->exchange || c->exchange->request.method != HTTP_HEAD) {
        piece_add(&piece, (struct str){body, len});
    }
    piece_commit(&piece);
}

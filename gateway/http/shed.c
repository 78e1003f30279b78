#include "http/shed.h"

#include "base/log.h"
#include "http/connection.h"

static const enum phase idle_phases[] = {PHASE_PARTING, PHASE_LINGERING, PHASE_IDLE, PHASE_RESTING};
static const enum phase slow_phases[] = {PHASE_HANDSHAKING, PHASE_FRESH,   PHASE_HEAD,
                                         PHASE_BODY,        PHASE_WRITING, PHASE_STREAM_WRITING};

static struct connection *oldest_of(struct http_server *server, enum phase phase)
{
    struct link *connections = &server->phases[phase].connections;
    return list_is_empty(connections) ? NULL
                                      : LIST_OWNER(connections->next, struct connection, link);
}

static struct connection *find_idle(struct http_server *server)
{
    for (size_t i = 0; i < ARRAY_LEN(idle_phases); i++) {
        struct connection *c = oldest_of(server, idle_phases[i]);
        bool is_between_requests = c && (c->phase == PHASE_IDLE || c->phase == PHASE_RESTING);
        if (c && !(is_between_requests && connection_has_unread(c))) {
            return c;
        }
    }
    return NULL;
}

/* The one that entered its phase first. A body's turns count as its age: each was earned. */
static struct connection *find_slow(struct http_server *server, bool with_buffers, int64_t *age_us)
{
    int64_t now = loop_now_us(server->loop);
    struct connection *slowest = NULL;
    *age_us = -1;
    for (size_t i = 0; i < ARRAY_LEN(slow_phases); i++) {
        struct connection *c = oldest_of(server, slow_phases[i]);
        if (!c || (with_buffers && c->phase == PHASE_HANDSHAKING)) {
            continue;
        }
        int64_t age = now - (c->deadline_us - server->phases[c->phase].limit_us);
        if (age > *age_us) {
            *age_us = age;
            slowest = c;
        }
    }
    return slowest;
}

static void let_go(struct connection *c, struct str reason)
{
    metrics_count(METRIC_HTTP_REFUSED, 1, reason);
    log_debug("http", "connection let go", LOG_CSTR("listener", c->server->config.listener_name),
              LOG_CSTR("peer", c->peer), LOG_STR("reason", reason));
    if (c->phase == PHASE_IDLE || c->phase == PHASE_RESTING) {
        connection_close_idle(c);
    } else {
        connection_free(c);
    }
}

bool shed_connection(struct http_server *server)
{
    int64_t age_us;
    struct connection *c = find_idle(server);
    if (c) {
        let_go(c, STR("shed_idle"));
        return true;
    }
    c = find_slow(server, false, &age_us);
    if (c && age_us >= SHED_SLOW_MS * 1000LL) {
        let_go(c, STR("shed_slow"));
        return true;
    }
    return false;
}

void shed_buffers(void *ctx)
{
    struct http_server *server = ctx;
    int64_t age_us;
    while (server->buffer_bytes > server->config.limits.buffer_bytes_max) {
        struct connection *c = find_slow(server, true, &age_us);
        if (!c) {
            return; /* all of it is in handlers' hands */
        }
        let_go(c, STR("shed_buffers"));
    }
}

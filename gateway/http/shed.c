#include "http/shed.h"

#include "base/log.h"
#include "http/connection.h"

static const enum phase slow_phases[] = {PHASE_HANDSHAKING, PHASE_FRESH,   PHASE_HEAD,
                                         PHASE_BODY,        PHASE_WRITING, PHASE_STREAM_WRITING,
                                         PHASE_QUEUED};

static struct connection *oldest_of(struct http_server *server, enum phase phase)
{
    struct link *connections = &server->phases[phase].connections;
    return list_is_empty(connections) ? NULL
                                      : LIST_OWNER(connections->next, struct connection, link);
}

static int64_t age_of(const struct connection *c)
{
    const struct http_server *server = c->server;
    return loop_now_us(server->loop) - (c->deadline_us - server->phases[c->phase].limit_us);
}

static bool has_lingered(const struct connection *c)
{
    return c->linger_turns > 0 || age_of(c) >= SHED_LINGER_MS * 1000LL;
}

/* Who wants nothing, or nothing any more. */
static struct connection *find_idle(struct http_server *server)
{
    struct connection *parting = oldest_of(server, PHASE_PARTING);
    struct connection *over = oldest_of(server, PHASE_LINGERING);
    struct connection *idle = oldest_of(server, PHASE_IDLE);
    struct connection *resting = oldest_of(server, PHASE_RESTING);
    if (parting) {
        return parting;
    }
    if (over && has_lingered(over)) {
        return over;
    }
    if (idle && !connection_has_unread(idle)) {
        return idle;
    }
    if (resting && !connection_has_unread(resting)) {
        return resting;
    }
    return over && !connection_is_untaken(over) ? over : NULL;
}

/* The one that entered its phase first. A body's turns count as its age: each was earned. */
static struct connection *find_slow(struct http_server *server)
{
    struct connection *slowest = NULL;
    for (size_t i = 0; i < ARRAY_LEN(slow_phases); i++) {
        struct connection *c = oldest_of(server, slow_phases[i]);
        if (c && (!slowest || age_of(c) > age_of(slowest))) {
            slowest = c;
        }
    }
    return slowest;
}

/* The first but `spared` that holds something, in the phase that holds most. */
static struct connection *find_hoarder(struct http_server *server, const struct connection *spared)
{
    const struct phase_queue *most = NULL;
    for (size_t i = 0; i < ARRAY_LEN(slow_phases); i++) {
        const struct phase_queue *queue = &server->phases[slow_phases[i]];
        if (queue->buffer_bytes > 0 && (!most || queue->buffer_bytes > most->buffer_bytes)) {
            most = queue;
        }
    }
    if (!most) {
        return NULL;
    }
    for (struct link *link = most->connections.next; link != &most->connections;
         link = link->next) {
        struct connection *c = LIST_OWNER(link, struct connection, link);
        if (c != spared && c->buffer_bytes > 0) {
            return c;
        }
    }
    return NULL;
}

static void let_go(struct connection *c, struct str reason)
{
    metrics_count(METRIC_HTTP_REFUSED, 1, reason);
    log_debug("http", "connection let go", LOG_CSTR("listener", c->server->config.listener_name),
              LOG_CSTR("peer", c->peer), LOG_STR("reason", reason));
    if (c->phase == PHASE_IDLE || c->phase == PHASE_RESTING) {
        connection_close_idle(c);
    } else if (c->phase == PHASE_LINGERING && !connection_is_untaken(c)) {
        connection_free(c); /* in order: it has all that it was sent */
    } else {
        connection_drop(c);
    }
}

bool shed_connection(struct http_server *server)
{
    struct connection *c = find_idle(server);
    if (c) {
        let_go(c, STR("shed_idle"));
        return true;
    }
    c = find_slow(server);
    if (c && age_of(c) >= SHED_SLOW_MS * 1000LL) {
        let_go(c, STR("shed_slow"));
        return true;
    }
    return false;
}

void shed_buffers(struct http_server *server, const struct connection *spared)
{
    while (server->buffer_bytes > server->config.limits.buffer_bytes_max) {
        struct connection *c = find_hoarder(server, spared);
        if (!c) {
            return; /* all of it is in handlers' hands */
        }
        let_go(c, STR("shed_buffers"));
    }
}

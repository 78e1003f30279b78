/* What the end of each phase's time means. */
#include "http/connection.h"

static void count_refused(struct str reason)
{
    metrics_count(METRIC_HTTP_REFUSED, 1, reason);
}

static void expire_resting(struct connection *c)
{
    const struct http_limits *limits = &c->server->config.limits;
    if (connection_is_untaken(c)) {
        count_refused(STR("slow_read"));
        connection_drop(c);
    } else if (limits->idle_ms <= limits->answer_write_ms) {
        connection_end_idle(c);
    } else {
        connection_set_phase(c, PHASE_IDLE);
    }
}

/* Closing would leave the kernel with what the client has not taken, for minutes. */
static void expire_lingering(struct connection *c)
{
    int64_t so_far_ms = (int64_t)++c->linger_turns * HTTP_LINGER_MS;
    if (!connection_is_untaken(c)) {
        connection_free(c);
    } else if (so_far_ms < c->server->config.limits.answer_write_ms) {
        connection_set_phase(c, PHASE_LINGERING);
    } else {
        count_refused(STR("slow_read"));
        connection_drop(c);
    }
}

void connection_expire(struct connection *c)
{
    CHECK(c->server->phases[c->phase].limit_us > 0);
    switch (c->phase) {
    case PHASE_FRESH:
        if (c->parser.scanned > 0) {
            connection_refuse_slow(c, REFUSAL_HEAD_SLOW);
        } else {
            connection_end_idle(c);
        }
        return;
    case PHASE_HEAD:
        connection_refuse_slow(c, REFUSAL_HEAD_SLOW);
        return;
    case PHASE_BODY:
        if (body_may_go_on(c)) {
            connection_set_phase(c, PHASE_BODY);
        } else {
            connection_refuse_slow(c, REFUSAL_BODY_SLOW);
        }
        return;
    case PHASE_RESTING:
        expire_resting(c);
        return;
    case PHASE_IDLE:
        connection_end_idle(c);
        return;
    case PHASE_HANDSHAKING:
        count_refused(STR("handshake_timeout"));
        connection_drop(c);
        return;
    case PHASE_WRITING:
    case PHASE_STREAM_WRITING:
        count_refused(STR("slow_read"));
        connection_drop(c);
        return;
    case PHASE_QUEUED:
        turn_leave(c);
        connection_refuse(c, REFUSAL_BUSY);
        return;
    case PHASE_LINGERING:
        expire_lingering(c);
        return;
    case PHASE_PARTING:
        connection_drop(c);
        return;
    case PHASE_ASKING:
    case PHASE_HANDLING:
    case PHASE_STREAMING:
    case PHASE_COUNT: /* these have no deadline */
        return;
    }
}

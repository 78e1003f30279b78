#include "providers/curl_loop.h"

#include <stdlib.h>

#include "base/clock.h"

struct watch {
    struct link link;    /* in curl_loop.watches or .idle */
    struct event *event; /* owned */
};

static void tell_ended(struct curl_loop *curl)
{
    int left = 0;
    for (;;) {
        const CURLMsg *msg = curl_multi_info_read(curl->multi, &left);
        char *transfer = NULL;
        if (msg == NULL)
            return;
        if (msg->msg != CURLMSG_DONE)
            continue;
        CHECK(curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &transfer) == CURLE_OK);
        curl->events.ended(curl->events.ctx, transfer, msg->data.result);
    }
}

static void act(struct curl_loop *curl, curl_socket_t fd, int what)
{
    int running = 0;
    CHECK(curl_multi_socket_action(curl->multi, fd, what, &running) == CURLM_OK);
    tell_ended(curl);
    if (curl->events.acted != NULL)
        curl->events.acted(curl->events.ctx);
}

static void socket_ready(evutil_socket_t fd, short what, void *ctx)
{
    act(ctx, fd,
        ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
            ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void timer_fired(void *ctx)
{
    act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static int want_timer(CURLM *multi UNUSED, long timeout_ms, void *ctx)
{
    struct curl_loop *curl = ctx;
    if (timeout_ms < 0)
        loop_timer_stop(&curl->timer);
    else
        loop_timer_start(&curl->timer, timeout_ms * CLOCK_MS_US);
    return 0;
}

static struct watch *take_watch(struct curl_loop *curl)
{
    struct watch *watch = NULL;
    if (!list_is_empty(&curl->idle)) {
        watch = LIST_OWNER(list_take_first(&curl->idle), struct watch, link);
    } else {
        watch = calloc(1, sizeof(*watch));
        CHECK(watch != NULL);
        watch->event = event_new(loop_base(curl->loop), -1, 0, socket_ready, curl);
        CHECK(watch->event != NULL);
    }
    list_add_first(&curl->watches, &watch->link);
    return watch;
}

static int want_socket(CURL *easy UNUSED, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct curl_loop *curl = ctx;
    struct watch *watch = socket_ctx;
    const short events = (short)(EV_PERSIST | ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                                 ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
    if (watch != NULL)
        CHECK(event_del(watch->event) == 0);
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            list_remove(&watch->link);
            list_add_first(&curl->idle, &watch->link);
        }
        (void)curl_multi_assign(curl->multi, fd, NULL); /* it may have forgotten it already */
        return 0;
    }
    if (watch == NULL) {
        watch = take_watch(curl);
        CHECK(curl_multi_assign(curl->multi, fd, watch) == CURLM_OK);
    }
    CHECK(event_assign(watch->event, loop_base(curl->loop), fd, events, socket_ready, curl) == 0);
    CHECK(event_add(watch->event, NULL) == 0);
    return 0;
}

void curl_loop_init(struct curl_loop *curl, struct loop *loop, long connections_max,
                    const struct curl_loop_events *events)
{
    *curl = (struct curl_loop){.loop = loop, .events = *events};
    list_init(&curl->watches);
    list_init(&curl->idle);
    loop_timer_init(&curl->timer, loop, timer_fired, curl);
    curl->multi = curl_multi_init();
    CHECK(curl->multi != NULL);
    CURL_LOOP_SET(curl, CURLMOPT_SOCKETFUNCTION, want_socket);
    CURL_LOOP_SET(curl, CURLMOPT_SOCKETDATA, curl);
    CURL_LOOP_SET(curl, CURLMOPT_TIMERFUNCTION, want_timer);
    CURL_LOOP_SET(curl, CURLMOPT_TIMERDATA, curl);
    CURL_LOOP_SET(curl, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    CURL_LOOP_SET(curl, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections_max);
    CURL_LOOP_SET(curl, CURLMOPT_MAXCONNECTS, connections_max);
}

static void free_watches(struct link *watches)
{
    while (!list_is_empty(watches)) {
        struct watch *watch = LIST_OWNER(list_take_first(watches), struct watch, link);
        event_free(watch->event);
        free(watch);
    }
}

void curl_loop_release(struct curl_loop *curl)
{
    CHECK(curl_multi_cleanup(curl->multi) == CURLM_OK);
    free_watches(&curl->watches);
    free_watches(&curl->idle);
    loop_timer_release(&curl->timer);
}

#include "providers/sandbox/hook_wire.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum {
    LINE_MAX_COUNT = HOOK_HEADER_MAX + 4,
    ARENA_BYTES_MAX = 2 * HOOKS_BODY_MAX,
    CA_CACHE_S = 300,
};

struct transfer {
    struct hook_wire *wire;         /* borrowed */
    struct hook_delivery *delivery; /* ours until hooks_done; NULL: free */
    CURL *easy;                     /* owned */
    struct arena arena;
    struct curl_slist lines[LINE_MAX_COUNT];
};

struct watch { /* one socket that libcurl wants watched */
    struct event *event;
    struct hook_wire *wire;
};

struct hook_wire {
    struct loop *loop;   /* borrowed */
    struct hooks *hooks; /* borrowed */
    const char *ca_file; /* borrowed */
    CURLM *multi;        /* owned */
    struct loop_timer timer;
    struct transfer transfers[HOOK_WIRE_MAX];
    hook_wire_fn told;
    void *ctx;
};

#define SET(easy, option, value) CHECK(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)
#define SET_MULTI(multi, option, value)                                                            \
    CHECK(curl_multi_setopt((multi), (option), (value)) == CURLM_OK)

/* ---- one transfer ---------------------------------------------------------------------------- */

static size_t ignore(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * count;
}

static void add_line(struct transfer *transfer, size_t *count, char *text)
{
    CHECK(*count < LINE_MAX_COUNT);
    struct curl_slist *line = &transfer->lines[(*count)++];
    *line = (struct curl_slist){.data = text};
    if (*count > 1) {
        transfer->lines[*count - 2].next = line;
    }
}

static void set_lines(struct transfer *transfer, const struct hook_request *request)
{
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        struct str line = arena_printf(&transfer->arena, "%s: " STR_FMT, request->header[i].name,
                                       STR_ARG(request->header[i].value));
        add_line(transfer, &count, arena_cstr(&transfer->arena, line));
    }
    struct str type =
        arena_printf(&transfer->arena, "Content-Type: " STR_FMT, STR_ARG(request->content_type));
    add_line(transfer, &count, arena_cstr(&transfer->arena, type));
    add_line(transfer, &count, arena_cstr(&transfer->arena, STR("Accept: */*")));
    add_line(transfer, &count, arena_cstr(&transfer->arena, STR("Expect:")));
    SET(transfer->easy, CURLOPT_HTTPHEADER, &transfer->lines[0]);
}

static void set_trust(struct transfer *transfer, const struct hook_request *request)
{
    struct curl_blob ca = {.data = (void *)(uintptr_t)request->ca.at,
                           .len = request->ca.len,
                           .flags = CURL_BLOB_NOCOPY};
    if (request->ca.len > 0) {
        SET(transfer->easy, CURLOPT_CAINFO_BLOB, &ca);
    } else if (transfer->wire->ca_file) {
        SET(transfer->easy, CURLOPT_CAINFO, transfer->wire->ca_file);
        SET(transfer->easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
    }
}

static void start(struct transfer *transfer, struct hook_delivery *delivery, int64_t now_us)
{
    struct hook_request request;
    CURL *easy = transfer->easy;
    arena_reset(&transfer->arena);
    hooks_prepare(transfer->wire->hooks, delivery, now_us, &transfer->arena, &request);
    transfer->delivery = delivery;
    curl_easy_reset(easy);
    SET(easy, CURLOPT_PRIVATE, transfer);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PROXY, "");
    SET(easy, CURLOPT_NOPROXY, "*");
    SET(easy, CURLOPT_PATH_AS_IS, 1L);
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_USERAGENT, "turnpike-sandbox");
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)HOOK_WIRE_CONNECT_MS);
    SET(easy, CURLOPT_TIMEOUT_MS, (long)HOOK_WIRE_ANSWER_MS);
    SET(easy, CURLOPT_WRITEFUNCTION, ignore);
    SET(easy, CURLOPT_POST, 1L);
    SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request.body.len);
    SET(easy, CURLOPT_POSTFIELDS, request.body.at);
    set_lines(transfer, &request);
    set_trust(transfer, &request);
    /* An address that libcurl cannot read ends like one that nobody answers at. */
    (void)curl_easy_setopt(easy, CURLOPT_URL, arena_cstr(&transfer->arena, request.url));
    CHECK(curl_multi_add_handle(transfer->wire->multi, easy) == CURLM_OK);
}

static void finish(struct transfer *transfer, CURLcode code)
{
    struct hook_wire *wire = transfer->wire;
    struct hook_delivery *delivery = transfer->delivery;
    long status = 0;
    if (code == CURLE_OK) {
        CHECK(curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    }
    CHECK(curl_multi_remove_handle(wire->multi, transfer->easy) == CURLM_OK);
    transfer->delivery = NULL;
    hooks_done(wire->hooks, delivery, (int)status, clock_wall_us());
}

static void finish_ended(struct hook_wire *wire)
{
    int left = 0;
    bool any = false;
    for (const CURLMsg *msg = curl_multi_info_read(wire->multi, &left); msg;
         msg = curl_multi_info_read(wire->multi, &left)) {
        struct transfer *transfer = NULL;
        if (msg->msg == CURLMSG_DONE) {
            CURLcode code = msg->data.result;
            CHECK(curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &transfer) == CURLE_OK);
            finish(transfer, code);
            any = true;
        }
    }
    if (any) {
        wire->told(wire->ctx);
    }
}

/* ---- libcurl in the loop --------------------------------------------------------------------- */

static void act(struct hook_wire *wire, curl_socket_t fd, int what)
{
    int running = 0;
    CHECK(curl_multi_socket_action(wire->multi, fd, what, &running) == CURLM_OK);
    finish_ended(wire);
}

static void socket_ready(evutil_socket_t fd, short what, void *ctx)
{
    const struct watch *watch = ctx;
    act(watch->wire, fd,
        ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
            ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void timer_due(void *ctx)
{
    act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static int want_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct hook_wire *wire = ctx;
    (void)multi;
    if (timeout_ms < 0) {
        loop_timer_stop(&wire->timer);
    } else {
        loop_timer_start(&wire->timer, timeout_ms * CLOCK_MS_US);
    }
    return 0;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct hook_wire *wire = ctx;
    struct watch *watch = socket_ctx;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            event_free(watch->event);
            free(watch);
        }
        (void)curl_multi_assign(wire->multi, fd, NULL);
        return 0;
    }
    short events = (short)(EV_PERSIST | ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                           ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
    if (watch) {
        event_free(watch->event);
    } else {
        watch = calloc(1, sizeof(*watch));
        CHECK(watch);
        watch->wire = wire;
        CHECK(curl_multi_assign(wire->multi, fd, watch) == CURLM_OK);
    }
    watch->event = event_new(loop_base(wire->loop), fd, events, socket_ready, watch);
    CHECK(watch->event && event_add(watch->event, NULL) == 0);
    return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

struct hook_wire *hook_wire_new(struct loop *loop, struct hooks *hooks, const char *ca_file,
                                hook_wire_fn told, void *ctx)
{
    struct hook_wire *wire = calloc(1, sizeof(*wire));
    CHECK(wire);
    *wire = (struct hook_wire){
        .loop = loop, .hooks = hooks, .ca_file = ca_file, .told = told, .ctx = ctx};
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    wire->multi = curl_multi_init();
    CHECK(wire->multi);
    loop_timer_init(&wire->timer, loop, timer_due, wire);
    SET_MULTI(wire->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    SET_MULTI(wire->multi, CURLMOPT_SOCKETDATA, wire);
    SET_MULTI(wire->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    SET_MULTI(wire->multi, CURLMOPT_TIMERDATA, wire);
    SET_MULTI(wire->multi, CURLMOPT_MAXCONNECTS, (long)HOOK_WIRE_MAX);
    for (size_t i = 0; i < HOOK_WIRE_MAX; i++) {
        wire->transfers[i].wire = wire;
        wire->transfers[i].easy = curl_easy_init();
        CHECK(wire->transfers[i].easy);
        arena_init(&wire->transfers[i].arena, ARENA_BYTES_MAX);
    }
    return wire;
}

void hook_wire_free(struct hook_wire **wire_at)
{
    struct hook_wire *wire = *wire_at;
    if (!wire) {
        return;
    }
    for (size_t i = 0; i < HOOK_WIRE_MAX; i++) {
        struct transfer *transfer = &wire->transfers[i];
        if (transfer->delivery) {
            finish(transfer, CURLE_ABORTED_BY_CALLBACK);
        }
        curl_easy_cleanup(transfer->easy);
        arena_release(&transfer->arena);
    }
    CHECK(curl_multi_cleanup(wire->multi) == CURLM_OK);
    loop_timer_release(&wire->timer);
    free(wire);
    curl_global_cleanup();
    *wire_at = NULL;
}

int64_t hook_wire_send(struct hook_wire *wire, int64_t now_us)
{
    for (size_t i = 0; i < HOOK_WIRE_MAX; i++) {
        struct transfer *transfer = &wire->transfers[i];
        if (transfer->delivery) {
            continue;
        }
        struct hook_delivery *delivery = hooks_take(wire->hooks, now_us);
        if (!delivery) {
            return hooks_next_due_us(wire->hooks);
        }
        start(transfer, delivery, now_us);
    }
    return INT64_MAX; /* All are busy: the end of one asks again. */
}

/*
 * A file as an answer, in constant memory: a chunk is read when the client has taken the one before. A client that does not
 * take one in time is closed by the server (answer_write_ms).
 */
#include "api/download.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    DOWNLOAD_MAX = 64,         /* of one worker */
    DOWNLOAD_MERCHANT_MAX = 4, /* ... of one merchant */
    CHUNK_LEAST = 16 * 1024,   /* for those who read slowly: taken in time at 2 kB/s */
    CHUNK_MOST = 128 * 1024,   /* below http_limits.stream_buffer_bytes_max */
    SLOW_US = 500000,          /* a chunk that takes longer is followed by a smaller one */
    TAKEN_LOOK_US = 2000,      /* has the client taken the chunk? */
    RETRY_S = 10,
};

struct download {
    struct link link;         /* in api.downloads */
    struct api *api;          /* borrowed */
    struct http_stream *http; /* borrowed */
    struct uuid merchant_id;
    int fd; /* owned */
    uint64_t left;
    size_t chunk_bytes;
    int64_t sent_us;
    bool is_dropped; /* `gone` follows */
    struct loop_timer timer;
};

static void download_free(struct download *download)
{
    list_remove(&download->link);
    download->api->download_count--;
    loop_timer_release(&download->timer);
    (void)close(download->fd);
    free(download);
}

static void client_gone(void *ctx)
{
    download_free(ctx);
}

void downloads_free(struct api *api)
{
    struct link *next;
    for (struct link *at = api->downloads.next; at != &api->downloads; at = next) {
        next = at->next;
        download_free(LIST_OWNER(at, struct download, link));
    }
}

/* What is missing then shows by Content-Length. */
static void end(struct download *download)
{
    http_stream_close(download->http);
    download_free(download);
}

static void send_chunk(struct download *download)
{
    static char bytes[CHUNK_MOST];
    int64_t now_us = clock_mono_us();
    bool was_slow = now_us - download->sent_us > SLOW_US;
    size_t size = was_slow ? download->chunk_bytes / 2 : download->chunk_bytes * 2;
    size = size < CHUNK_LEAST ? CHUNK_LEAST : size > CHUNK_MOST ? CHUNK_MOST : size;
    download->chunk_bytes = size;
    ssize_t got = read(download->fd, bytes, size < download->left ? size : (size_t)download->left);
    if (got <= 0) {
        end(download);
        return;
    }
    download->left -= (uint64_t)got;
    download->sent_us = now_us;
    download->is_dropped = !http_stream_send(download->http, (struct str){bytes, (size_t)got});
    loop_timer_start(&download->timer, TAKEN_LOOK_US);
}

static void look(void *ctx)
{
    struct download *download = ctx;
    if (download->is_dropped) {
        return;
    }
    if (http_stream_waiting(download->http) > 0) {
        loop_timer_start(&download->timer, TAKEN_LOOK_US);
    } else if (download->left == 0) {
        end(download);
    } else {
        send_chunk(download);
    }
}

bool download_has_room(struct api_call *call)
{
    const struct api *api = call->api;
    size_t count = 0;
    for (struct link *at = api->downloads.next; at != &api->downloads; at = at->next) {
        const struct download *download = LIST_OWNER(at, struct download, link);
        count += uuid_eq(&download->merchant_id, &call->caller.merchant->merchant_id);
    }
    if (count < DOWNLOAD_MERCHANT_MAX && api->download_count < DOWNLOAD_MAX) {
        return true;
    }
    api_call_problem_full(
        call, count < DOWNLOAD_MERCHANT_MAX ? MESSAGE_OVERLOADED : MESSAGE_RATE_LIMITED,
        STR("too many files are being sent here; ask again later"), STR_NONE, STR_NONE, RETRY_S);
    return false;
}

void download_start(struct api_call *call, int fd, uint64_t size, struct str type)
{
    struct api *api = call->api;
    struct download *download = calloc(1, sizeof(*download));
    CHECK(download != NULL);
    *download = (struct download){.api = api, .fd = fd, .left = size, .chunk_bytes = CHUNK_LEAST};
    download->merchant_id = call->caller.merchant->merchant_id;
    download->sent_us = clock_mono_us();
    loop_timer_init(&download->timer, api->parts.loop, look, download);
    list_init(&download->link);
    list_add_last(&api->downloads, &download->link);
    api->download_count++;
    download->http = api_call_stream_sized(call, type, size, client_gone, download);
    loop_timer_start(&download->timer, 0);
}

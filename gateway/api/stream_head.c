/* What all streams of a worker share that have read everything: one position, one read, one text. */
#include "api/streams.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum {
    LOOK_LEAST_US = 50000, /* between two reads, however many come */
    MERCHANT_US = 100,     /* added to the pause for each: they are looked up one by one */
    LAG_BYTES = 64 * 1024, /* not taken by a listener that stays at the head */
};

/* ---- merchants --------------------------------------------------------------------------------- */

static struct link *bucket_of(const struct streams *streams, const struct uuid *merchant_id)
{
    const uint8_t *byte = merchant_id->byte; /* random at its end */
    size_t at = ((size_t)byte[14] << 8 | byte[15]) % STREAM_BUCKETS;
    return (struct link *)(uintptr_t)&streams->bucket[at];
}

struct stream_group *group_find(const struct streams *streams, const struct uuid *merchant_id)
{
    struct link *bucket = bucket_of(streams, merchant_id);
    for (struct link *at = bucket->next; at != bucket; at = at->next) {
        struct stream_group *group = LIST_OWNER(at, struct stream_group, link);
        if (uuid_eq(&group->merchant_id, merchant_id)) {
            return group;
        }
    }
    return NULL;
}

struct stream_group *group_get(struct streams *streams, const struct uuid *merchant_id)
{
    struct stream_group *group = group_find(streams, merchant_id);
    if (group != NULL) {
        return group;
    }
    group = calloc(1, sizeof(*group));
    CHECK(group != NULL);
    group->merchant_id = *merchant_id;
    list_init(&group->link);
    list_init(&group->dirty);
    list_init(&group->joined);
    list_init(&group->told);
    buf_init(&group->text, STREAM_CHUNK_BYTES_MAX);
    list_add_last(bucket_of(streams, merchant_id), &group->link);
    streams->group_count++;
    return group;
}

void group_leave(struct event_stream *stream)
{
    struct stream_group *group = stream->group;
    list_remove(&stream->turn);
    if (stream->state == STREAM_JOINED) {
        stream->streams->joined_count--;
    }
    if (--group->count > 0) {
        return;
    }
    list_remove(&group->link);
    list_remove(&group->dirty);
    buf_release(&group->text);
    free(group);
    stream->streams->group_count--;
}

bool head_has_told(const struct stream_group *group)
{
    return group->text.len == 0;
}

/* ---- telling ----------------------------------------------------------------------------------- */

static void tell(struct streams *streams, struct event_stream *stream)
{
    struct str text = buf_str(&stream->group->text);
    size_t waiting = http_stream_waiting(stream->http);
    if (waiting > 0 && waiting + text.len > LAG_BYTES) {
        stream_part(stream, &streams->head.before);
    } else {
        list_add_last(&stream->group->told, &stream->turn);
        stream_send(stream, text);
    }
}

static void end_telling(struct stream_group *group)
{
    while (!list_is_empty(&group->told)) {
        list_add_last(&group->joined, list_take_first(&group->told));
    }
    list_remove(&group->dirty);
    buf_release(&group->text); /* thousands of them would keep what they once needed */
    buf_init(&group->text, STREAM_CHUNK_BYTES_MAX);
}

/* False: there is more to do, in the next tick. */
static bool tell_some(struct streams *streams)
{
    size_t count = 0;
    while (!list_is_empty(&streams->head.dirty)) {
        struct stream_group *group =
            LIST_OWNER(streams->head.dirty.next, struct stream_group, dirty);
        while (!list_is_empty(&group->joined)) {
            if (count++ == STREAM_TELL_MAX) {
                return false;
            }
            struct link *turn = list_take_first(&group->joined);
            tell(streams, LIST_OWNER(turn, struct event_stream, turn));
        }
        end_telling(group);
    }
    return true;
}

/* The next events become texts. False: there are none left. */
static bool prepare_some(struct streams *streams)
{
    struct stream_head *head = &streams->head;
    const struct event_view *event;
    size_t bytes = 0;
    bool has_more = true;
    head->before = head->mark;
    for (size_t i = 0; has_more && i < STREAM_CHUNK_EVENT_MAX && bytes < STREAM_CHUNK_BYTES; i++) {
        has_more = follow_next(&head->news, &event);
        struct stream_group *group = has_more ? group_find(streams, &event->merchant_id) : NULL;
        if (group == NULL || list_is_empty(&group->joined)) {
            continue; /* they have left meanwhile */
        }
        size_t from = group->text.len;
        stream_put_event(streams, event, &head->mark, &group->text);
        CHECK(buf_is_ok(&group->text));
        bytes += group->text.len - from;
        list_remove(&group->dirty);
        list_add_last(&head->dirty, &group->dirty);
    }
    return has_more;
}

/* ---- reading ----------------------------------------------------------------------------------- */

bool head_is_settled(const struct streams *streams)
{
    return streams->head.is_begun && streams->head.phase == HEAD_RESTING;
}

/* Thousands of merchants make each read dear: they are read less often then. */
static int64_t pause_of(const struct streams *streams)
{
    int64_t pause_us = streams->head.pause_us + (int64_t)streams->group_count * MERCHANT_US;
    return pause_us < STREAM_PAUSE_MOST_US ? pause_us : STREAM_PAUSE_MOST_US;
}

static void rest(struct streams *streams)
{
    struct stream_head *head = &streams->head;
    loop_timer_start(&head->timer, pause_of(streams));
    head->pause_us =
        head->pause_us * 2 < STREAM_PAUSE_MOST_US ? head->pause_us * 2 : STREAM_PAUSE_MOST_US;
}

static void board(struct streams *streams)
{
    while (!list_is_empty(&streams->head.boarding)) {
        struct link *turn = list_take_first(&streams->head.boarding);
        stream_join(LIST_OWNER(turn, struct event_stream, turn));
    }
}

/* All that have not begun are told so; those that listen only when their position is no more. */
static void fail_read(struct streams *streams, enum store_find found)
{
    struct stream_head *head = &streams->head;
    while (!list_is_empty(&head->boarding)) {
        struct link *turn = list_take_first(&head->boarding);
        stream_refuse(LIST_OWNER(turn, struct event_stream, turn), STORE_FAILED);
    }
    if (found != STORE_ABSENT) {
        return;
    }
    head->is_begun = false; /* the ledger was put back */
    struct link *next;
    for (struct link *at = streams->all.next; at != &streams->all; at = next) {
        struct event_stream *stream = LIST_OWNER(at, struct event_stream, link);
        next = at->next;
        if (stream->state == STREAM_JOINED) {
            stream_refuse(stream, STORE_ABSENT);
        }
    }
}

static void look(void *ctx);

static void read_done(void *ctx, enum store_find found, struct follow_news *news,
                      const struct error *why)
{
    struct streams *streams = ctx;
    struct stream_head *head = &streams->head;
    (void)why;
    head->phase = HEAD_RESTING;
    if (found != STORE_FOUND) {
        fail_read(streams, found);
        rest(streams);
        return;
    }
    head->phase = HEAD_TELLING;
    head->is_begun = true;
    head->has_news = true;
    head->news = *news;
    if (news->count > 0 || news->has_more) {
        head->pause_us = STREAM_PAUSE_LEAST_US;
    }
    look(streams);
}

static size_t list_merchants(const struct streams *streams, struct uuid *out)
{
    size_t count = 0;
    for (size_t i = 0; i < STREAM_BUCKETS; i++) {
        const struct link *bucket = &streams->bucket[i];
        for (struct link *at = bucket->next; at != bucket; at = at->next) {
            const struct stream_group *group = LIST_OWNER(at, struct stream_group, link);
            if (!list_is_empty(&group->joined)) {
                out[count++] = group->merchant_id;
            }
        }
    }
    return count;
}

static void read_on(struct streams *streams)
{
    struct stream_head *head = &streams->head;
    struct store *store = streams->api->parts.store;
    head->phase = HEAD_READING;
    head->read_us = clock_mono_us();
    while (!list_is_empty(&head->arriving)) {
        list_add_last(&head->boarding, list_take_first(&head->arriving));
    }
    arena_reset(&head->arena);
    if (!head->is_begun) {
        follow_begin(store, &head->mark, &head->arena, read_done, streams);
        return;
    }
    struct uuid *merchants = ARENA_ARRAY(&head->arena, struct uuid, streams->group_count);
    size_t count = list_merchants(streams, merchants);
    follow_read(store, merchants, count, &head->mark, &head->arena, read_done, streams);
}

/* Everybody has all that was read. */
static void settle(struct streams *streams)
{
    if (streams->head.news.has_more) {
        read_on(streams);
        return;
    }
    streams->head.phase = HEAD_RESTING;
    rest(streams);
    board(streams);
    if (!list_is_empty(&streams->head.arriving)) {
        head_wake(streams);
    }
}

static void look(void *ctx)
{
    struct streams *streams = ctx;
    struct stream_head *head = &streams->head;
    if (head->phase == HEAD_RESTING) {
        if (streams->count > 0) {
            read_on(streams);
        } else {
            head->is_begun = false; /* nobody listens: the next one begins anew */
        }
        return;
    }
    if (tell_some(streams) && head->has_news) {
        head->has_news = prepare_some(streams);
    }
    if (head->has_news || !list_is_empty(&head->dirty)) {
        loop_timer_start(&head->timer, 0);
    } else {
        settle(streams);
    }
}

void head_wake(struct streams *streams)
{
    struct stream_head *head = &streams->head;
    bool is_due = loop_timer_is_running(&head->timer);
    if (head->phase != HEAD_RESTING || (is_due && list_is_empty(&head->arriving))) {
        return;
    }
    int64_t since_us = clock_mono_us() - head->read_us;
    loop_timer_start(&head->timer, since_us < LOOK_LEAST_US ? LOOK_LEAST_US - since_us : 0);
}

void head_await(struct event_stream *stream)
{
    list_add_last(&stream->streams->head.arriving, &stream->turn);
    head_wake(stream->streams);
}

/* ---- life -------------------------------------------------------------------------------------- */

void head_init(struct streams *streams)
{
    struct stream_head *head = &streams->head;
    for (size_t i = 0; i < STREAM_BUCKETS; i++) {
        list_init(&streams->bucket[i]);
    }
    list_init(&head->arriving);
    list_init(&head->boarding);
    list_init(&head->dirty);
    head->pause_us = STREAM_PAUSE_LEAST_US;
    arena_init(&head->arena, STREAM_ARENA_BYTES_MAX);
    loop_timer_init(&head->timer, streams->api->parts.loop, look, streams);
}

void head_release(struct streams *streams)
{
    loop_timer_release(&streams->head.timer);
    arena_release(&streams->head.arena);
}

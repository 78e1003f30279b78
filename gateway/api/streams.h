/*
 * streams.h - the event streams of one worker (private to gateway/api).
 *
 *     request --no position--> WAITING --the head has read--> JOINED --(falls behind)--+
 *        |                                                      ^                      |
 *        '----a position----> CATCHING --stands where the head--'<---------------------'
 *
 * The head is the one position that everybody shares who has read everything: one read for all of
 * them, of all their merchants, and one text per event for all listeners of its merchant. Whoever
 * resumes from a position reads for itself, no further than the head stands, and joins when both
 * positions are the same one: so nothing is lost between the two, and nothing told twice. Few read
 * for themselves at a time (CATCHING_READS_MAX), whatever number of clients comes back.
 *
 * A listener that does not take what it is sent leaves the head at the position of what it got, and
 * catches up when it has taken it. Nobody waits for it.
 *
 * Merchants are apart: what is sent to a stream comes from its group's text, and events go into the
 * group of their own merchant only.
 */
#ifndef API_STREAMS_H
#define API_STREAMS_H

#include "api/call.h"
#include "base/rng.h"
#include "ledger/follow.h"

enum {
    STREAM_BUCKETS = 1024,
    STREAM_ARENA_BYTES_MAX = 64 << 20, /* of one read */
    STREAM_CHUNK_BYTES = 64 * 1024,    /* prepared at once; http_limits.stream_buffer_bytes_max is
                                          above it */
    STREAM_CHUNK_BYTES_MAX = 2 << 20,  /* ... with the event that goes over it */
    STREAM_CHUNK_EVENT_MAX = 500,      /* ... in one tick: other clients wait meanwhile */
    STREAM_TELL_MAX = 200,             /* listeners told in one tick */
    STREAM_PAUSE_LEAST_US = 200000,    /* between two reads */
    STREAM_PAUSE_MOST_US = 1000000,    /* ... when nothing happens */
};

enum stream_state {
    STREAM_WAITING,
    STREAM_CATCHING,
    STREAM_JOINED,
};

struct stream_group {  /* a merchant that somebody listens to */
    struct link link;  /* in its bucket */
    struct link dirty; /* it has something to tell */
    struct uuid merchant_id;
    size_t count;       /* streams of it, whatever their state */
    struct link joined; /* streams */
    struct link told;   /* ... that were sent the text already */
    struct buf text;    /* to be sent to those in `joined` */
};

/* A stream that reads for itself. */
struct catching {
    struct follow_mark mark;
    struct follow_mark until; /* where the head stood when the read began */
    bool has_until;
    struct arena arena;
    struct follow_news news;
    bool has_news;
    bool is_reading;
    int64_t pause_us;
};

struct event_stream {
    struct link link;           /* of all */
    struct link turn;           /* waiting; or in its group's joined or told */
    struct streams *streams;    /* borrowed */
    struct stream_group *group; /* borrowed: alive as long as it has streams */
    struct api_call *call;      /* until the stream has begun */
    struct http_stream *http;   /* borrowed; NULL: not yet, or gone */
    enum stream_state state;
    struct catching *catching; /* owned; CATCHING only */
    struct session *session;   /* owned: whose page listens; NULL: a key's */
    bool is_dropped;
    bool is_over; /* freed when the read is back */
    int64_t end_us;
    int64_t heartbeat_us; /* when it is due */
    struct loop_timer timer;
};

enum head_phase {
    HEAD_RESTING, /* all that was read is told */
    HEAD_READING,
    HEAD_TELLING,
};

struct stream_head {
    enum head_phase phase;
    bool is_begun; /* mark is a position */
    bool has_news; /* TELLING: some of it is no text yet */
    struct follow_mark mark;
    struct follow_mark before; /* the listeners in `joined` of a dirty group stand here */
    struct arena arena;
    struct follow_news news;
    struct link arriving; /* streams that wait for a read that begins after they came */
    struct link boarding; /* ... that has begun */
    struct link dirty;    /* groups */
    int64_t read_us;      /* when the last one began */
    int64_t pause_us;
    struct loop_timer timer;
};

struct streams {     /* owned by its api */
    struct api *api; /* borrowed */
    struct link all;
    size_t count;
    size_t joined_count;
    size_t group_count;
    size_t catching_reads;
    struct link bucket[STREAM_BUCKETS];
    struct stream_head head;
    struct rng rng;
};

/* ---- event_stream.c ---- */
/* The answer begins: the stream stands where the head does. */
void stream_join(struct event_stream *stream);
/* It is told 503, or, when the position is no more (STORE_ABSENT), ended or told 400. */
void stream_refuse(struct event_stream *stream, enum store_find found);
/* It goes on by itself from this position. */
void stream_part(struct event_stream *stream, const struct follow_mark *mark);
void stream_send(struct event_stream *stream, struct str bytes);
void stream_put_event(const struct streams *streams, const struct event_view *event,
                      const struct follow_mark *mark, struct buf *out);

/* ---- stream_head.c ---- */
void head_init(struct streams *streams);
void head_release(struct streams *streams);
/* A stream without a position has come: it joins when the head has read once more. */
void head_await(struct event_stream *stream);
/* A stream came: there must be a head. */
void head_wake(struct streams *streams);
/* Nothing is read, or told, at this moment: whoever stands at its mark may join. */
bool head_is_settled(const struct streams *streams);
/* The group's listeners have got all up to the head's mark. */
bool head_has_told(const struct stream_group *group);
struct stream_group *group_get(struct streams *streams, const struct uuid *merchant_id);
struct stream_group *group_find(const struct streams *streams, const struct uuid *merchant_id);
void group_leave(struct event_stream *stream); /* frees it with its last stream */

#endif

/*
 * follow.h - reading every committed event once, in an order that can be relied on, without holding
 * anybody up who writes.
 *
 *     mark --follow_read--> news: events in their order, batch by batch
 *       ^                     |
 *       '---- follow_next ----'   after each event a mark that stands just behind it
 *
 * Whatever is visible in one snapshot of the database and lies beyond the mark is news. What is
 * committed later, however old its ids and times are, lies beyond the mark that comes back: numbers
 * of batches that are missing below a writer's high stay as holes (follow_mark.h). They are filled
 * by the batch, or by a row that says that it will never come: of batches that were rolled back the
 * writer's next batch brings it (batch.c), of those that died with their writer the follower
 * itself, as a probe does (store.h), when a hole is HOLE_WAIT_US old.
 *
 * The order: batches stand by their transactions' numbers. Whoever writes an event that follows
 * another has seen that one committed, so its transaction began later: the events of a payment
 * never swap, whoever wrote them. When there is much to read it is cut there, too: everything that
 * is not returned began later than everything that is.
 *
 * Rows of `batches` must be kept as long as marks shall be of use (docs/ledger.md).
 */
#ifndef LEDGER_FOLLOW_H
#define LEDGER_FOLLOW_H

#include "ledger/events.h"
#include "ledger/follow_mark.h"

enum {
    FOLLOW_MERCHANT_MAX = 65536, /* followed at a time: each is looked up in each read */
};

struct follow_batch;
struct follow_news {
    struct follow_mark *mark; /* borrowed: moved by follow_next */
    const struct event_view *events;
    const struct follow_event *places; /* of the events */
    size_t count;
    size_t next;
    const struct follow_batch *batches; /* in their order */
    size_t batch_count;
    size_t batch_next;
    int32_t newest;
    const int32_t *over; /* writers that were read whole, and are no more */
    size_t over_count;
    bool has_more; /* read again at once */
    int64_t now_us;
};

typedef void (*follow_fn)(void *ctx, enum store_find found, struct follow_news *news,
                          const struct error *why);
/* Put the position of now into *mark (borrowed until done). news is empty. */
void follow_begin(struct store *store, struct follow_mark *mark, struct arena *arena,
                  follow_fn done, void *ctx);
/*
 * What these merchants' events were beyond *mark (borrowed until news is used up). STORE_ABSENT: the
 * mark is of another ledger, or of one that was put back since: nothing can be read with it.
 */
void follow_read(struct store *store, const struct uuid *merchants, size_t merchant_count,
                 struct follow_mark *mark, struct arena *arena, follow_fn done, void *ctx);
/*
 * Before the first event is taken: leave out what `until` has not read. The mark then comes exactly
 * to where `until` stands, when it has nothing that `until` lacks and nothing more is to be read.
 */
void follow_keep(struct follow_news *news, const struct follow_mark *until, struct arena *arena);
/* The next event, and the mark behind it; false: no more, and the mark is behind all that was read. */
bool follow_next(struct follow_news *news, const struct event_view **event);

#endif

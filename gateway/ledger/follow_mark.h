/*
 * follow_mark.h - how far somebody has read what is committed: a position per writer.
 *
 *     writer 7:   1 2 3 4 5 . 7 8 | 9 ...        high 8, hole 6: on its way, or never to come
 *     writer 9:   1 2 | 3 ...                    high 2
 *     writers up to 9 are known; those that are missing here are over and were read whole
 *
 * There is no commit order of the house, so a mark is no number and no time: an event that is
 * committed late lies beyond every mark made before. Within the batch that was read last a mark may
 * stand between two events.
 *
 * As text it is bounded; a text that somebody made up reads as a mark or is refused, and says where
 * to read, never what may be read. It is not signed: what clients hold is (api/position.h).
 */
#ifndef LEDGER_FOLLOW_MARK_H
#define LEDGER_FOLLOW_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/id.h"

enum {
    FOLLOW_WRITER_MAX = 256, /* of which batches may still come */
    FOLLOW_HOLE_MAX = 64,    /* ranges of numbers not seen yet, in all */
    FOLLOW_TEXT_MAX = 3072,
};

struct follow_writer {
    int32_t number;
    int64_t high; /* all its batches up to here were read, but the holes */
};
struct follow_hole {
    int32_t number; /* the writer's */
    int64_t least, most;
    int64_t noticed_us; /* monotonic; 0: not yet (read from text) */
};
struct follow_mark {
    int32_t newest;  /* writers up to this number are known */
    int64_t made_us; /* wall clock: when something was last read with it */
    size_t writer_count;
    struct follow_writer writer[FOLLOW_WRITER_MAX]; /* by number */
    size_t hole_count;
    struct follow_hole hole[FOLLOW_HOLE_MAX];
    /* Read up to this event, and no further, in that batch, which is a hole or beyond its writer's
     * high. part_number 0: whole batches were read. */
    int32_t part_number;
    int64_t part_batch;
    struct uuid part_event;
};

/* A writer that registered since; false: too many. Does nothing when it is known. */
bool follow_mark_meet(struct follow_mark *mark, int32_t number) MUST_USE;
/* Its batches were read and no more will come. Keeps it while it has holes. */
void follow_mark_drop(struct follow_mark *mark, int32_t number);
/* The batch was read; false: too many holes, nothing is changed. The writer is known. */
bool follow_mark_read(struct follow_mark *mark, int32_t number, int64_t batch_no,
                      int64_t now_us) MUST_USE;
/* Is it read, as far as this mark goes? */
bool follow_mark_has(const struct follow_mark *mark, int32_t number, int64_t batch_no);
/*
 * Has `mark` surely read all that `other` has? False also when that cannot be told from the two:
 * while one of them still lists a writer that the other has read whole and forgotten.
 */
bool follow_mark_covers(const struct follow_mark *mark, const struct follow_mark *other);

void follow_mark_print(const struct follow_mark *mark, struct buf *out);
/* ERROR_INVALID: no such text was ever printed. */
bool follow_mark_parse(struct str text, struct follow_mark *mark, struct error *err) MUST_USE;

#endif

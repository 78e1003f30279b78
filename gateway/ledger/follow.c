#include "ledger/follow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ledger/call.h"

enum {
    BATCH_READ_MAX = 256,  /* of one writer in one read: each looks up all merchants once */
    OUT_OF_ORDER_MAX = 16, /* connections of a writer (store_writer_connections, at most) */
    EVENT_READ_MAX = 4096,
    RECENT_BATCH_MAX = 256, /* looked at for holes when a mark is made */
    HOLE_WAIT_US = 10000000,
    FILL_MAX = 64,
};
static_assert((int)BATCH_READ_MAX > (int)OUT_OF_ORDER_MAX, "every read comes further");
static_assert((int)EVENT_READ_MAX > 1024 * ((int)STORE_EVENT_MAX + 1),
              "a batch fits into one read");

#define AGE_FIRST INT32_MAX

struct follow_batch {
    struct uuid writer_id;
    int32_t number; /* the writer's */
    int64_t batch_no;
    struct uuid first_event; /* zero: it has none */
    int32_t age; /* of its transaction: greater is older; AGE_FIRST: before all others */
    bool is_hole;
};

struct follow_event { /* where an event stands */
    struct uuid writer_id;
    int64_t batch_no;
};

struct follow {
    struct call call;
    struct arena *arena;
    struct follow_mark *mark;
    const struct uuid *merchants; /* in the arena */
    size_t merchant_count;
    follow_fn done;
    void *ctx;
    struct follow_batch *batches;
    size_t batch_count;
    struct event_view *events;
    struct follow_event *places;
    size_t event_count;
    bool is_foreign;
    bool is_full; /* too many writers, or events */
    struct follow_news news;
};

static struct follow *follow_of(struct pg_job *job)
{
    return LIST_OWNER(job, struct follow, call.request.job);
}

static void finish(struct follow *follow, enum store_find found, const struct error *why)
{
    struct follow_news *news = &follow->news;
    news->mark = follow->mark;
    news->events = follow->events;
    news->places = follow->places;
    news->count = follow->event_count;
    news->batches = follow->batches;
    news->batch_count = follow->batch_count;
    news->now_us = clock_mono_us();
    if (found == STORE_FOUND)
        follow->mark->made_us = clock_wall_us();
    follow->done(follow->ctx, found, found == STORE_FOUND ? news : NULL, why);
    call_free(&follow->call);
}

static struct follow *follow_new(struct store *store, struct follow_mark *mark, struct arena *arena,
                                 pg_result_fn result, pg_end_fn end, follow_fn done, void *ctx)
{
    struct follow *follow = call_new(store, sizeof(*follow), SQL_READER, result, end);
    follow->arena = arena;
    follow->mark = mark;
    follow->done = done;
    follow->ctx = ctx;
    return follow;
}

/* ---- the position of now ----------------------------------------------------------------------- */

static void now_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct follow *follow = follow_of(job);
    struct follow_mark *mark = follow->mark;
    *mark = (struct follow_mark){0};
    for (int row = 0; row < PQntuples(res); row++) {
        int32_t number = column_int4(res, row, 1);
        mark->newest = column_int4(res, row, 0);
        if (column_is_null(res, row, 1))
            continue;
        bool is_first = row == 0 || column_int4(res, row - 1, 1) != number;
        if (is_first && !follow_mark_meet(mark, number)) {
            follow->is_full = true;
            return;
        }
        if (column_is_null(res, row, 2))
            continue;
        int64_t batch_no = column_int8(res, row, 2);
        if (is_first) { /* below the oldest that was looked at nothing is on its way */
            struct follow_writer *writer = &mark->writer[mark->writer_count - 1];
            writer->high = batch_no - 1;
        }
        if (!follow_mark_read(mark, number, batch_no, clock_mono_us()))
            mark->writer[mark->writer_count - 1].high = batch_no; /* as if it began here */
    }
}

static void begin_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct follow *follow = follow_of(job);
    struct error err = why->err;
    if (end == PG_DONE && follow->is_full)
        (void)fail(&err, ERROR_BUSY, "cannot follow: more than %d writers", FOLLOW_WRITER_MAX);
    finish(follow, end == PG_DONE && !follow->is_full ? STORE_FOUND : STORE_FAILED, &err);
}

void follow_begin(struct store *store, struct follow_mark *mark, struct arena *arena,
                  follow_fn done, void *ctx)
{
    struct follow *follow = follow_new(store, mark, arena, now_result, begin_end, done, ctx);
    params_int8(&follow->call.params, RECENT_BATCH_MAX);
    call_add(&follow->call, SQL_FOLLOW_NOW);
    call_submit(&follow->call);
}

/* ---- holes that nobody fills ------------------------------------------------------------------- */

struct filling {
    struct call call;
};

static void fill_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct filling *filling = LIST_OWNER(job, struct filling, call.request.job);
    if (end != PG_DONE)
        log_debug("ledger", "holes not filled; will try again", LOG_CSTR("why", why->err.text));
    call_free(&filling->call);
}

static size_t list_old_holes(const struct follow_mark *mark, int64_t now_us, int32_t *numbers,
                             int64_t *batches)
{
    size_t count = 0;
    for (size_t i = 0; i < mark->hole_count; i++) {
        const struct follow_hole *hole = &mark->hole[i];
        if (hole->noticed_us == 0 || now_us - hole->noticed_us < HOLE_WAIT_US)
            continue;
        for (int64_t at = hole->least; at <= hole->most && count < FILL_MAX; at++) {
            numbers[count] = hole->number;
            batches[count++] = at;
        }
    }
    return count;
}

/* Their writers are dead, or lost the answer and do not ask: the numbers are taken away from them. */
static void fill_old_holes(struct store *store, struct follow_mark *mark)
{
    int32_t numbers[FILL_MAX];
    int64_t batches[FILL_MAX];
    int64_t now_us = clock_mono_us();
    size_t count = list_old_holes(mark, now_us, numbers, batches);
    for (size_t i = 0; i < mark->hole_count; i++) {
        if (mark->hole[i].noticed_us == 0 || now_us - mark->hole[i].noticed_us >= HOLE_WAIT_US)
            mark->hole[i].noticed_us = now_us; /* asked for: once in a while */
    }
    if (count == 0)
        return;
    struct filling *filling = call_new(store, sizeof(*filling), SQL_CONTROL, NULL, fill_end);
    struct params *params = &filling->call.params;
    params_time(params, clock_wall_us());
    params_array_begin(params, VALUE_INT4, count);
    for (size_t i = 0; i < count; i++)
        params_put_int4(params, numbers[i]);
    params_array_end(params);
    params_array_begin(params, VALUE_INT8, count);
    for (size_t i = 0; i < count; i++)
        params_put_int8(params, batches[i]);
    params_array_end(params);
    call_add(&filling->call, SQL_FOLLOW_FILL);
    call_submit(&filling->call);
}

/* ---- which batches ----------------------------------------------------------------------------- */

static int compare_batches(const void *a, const void *b)
{
    const struct follow_batch *x = a;
    const struct follow_batch *y = b;
    if (x->age != y->age)
        return x->age > y->age ? -1 : 1;
    int order = uuid_compare(&x->writer_id, &y->writer_id);
    if (order != 0)
        return order;
    return x->batch_no < y->batch_no ? -1 : x->batch_no > y->batch_no;
}

static int compare_ages(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

/*
 * A writer of which more batches wait than were read: what was not read of it began later than all
 * but OUT_OF_ORDER_MAX of those that were. Whatever is younger than that is left for the next read.
 */
static int32_t youngest_allowed(const struct follow_batch *batches, size_t count)
{
    int32_t ages[BATCH_READ_MAX];
    size_t age_count = 0;
    if (count < BATCH_READ_MAX)
        return INT32_MIN;
    for (size_t i = 0; i < BATCH_READ_MAX; i++) {
        if (batches[i].age != AGE_FIRST)
            ages[age_count++] = batches[i].age;
    }
    qsort(ages, age_count, sizeof(ages[0]), compare_ages);
    return age_count > OUT_OF_ORDER_MAX ? ages[OUT_OF_ORDER_MAX] : AGE_FIRST;
}

static void cut_batches(struct follow *follow)
{
    int32_t youngest = INT32_MIN;
    size_t from = 0;
    for (size_t i = 1; i <= follow->batch_count; i++) {
        const struct follow_batch *first = &follow->batches[from];
        if (i < follow->batch_count && follow->batches[i].number == first->number &&
            follow->batches[i].is_hole == first->is_hole)
            continue;
        int32_t allowed = first->is_hole ? INT32_MIN : youngest_allowed(first, i - from);
        youngest = allowed > youngest ? allowed : youngest;
        from = i;
    }
    qsort(follow->batches, follow->batch_count, sizeof(follow->batches[0]), compare_batches);
    follow->news.has_more = youngest != INT32_MIN;
    while (follow->batch_count > 0 && follow->batches[follow->batch_count - 1].age < youngest)
        follow->batch_count--;
}

static void note_writer(struct follow *follow, const PGresult *res, int row, int32_t *over)
{
    struct follow_news *news = &follow->news;
    int32_t number = column_int4(res, row, 1);
    if (!follow_mark_meet(follow->mark, number))
        follow->is_full = true;
    /* With batches it is looked at once more, when they have been read. */
    if (column_bool(res, row, 3) && column_is_null(res, row, 5))
        over[news->over_count++] = number;
}

/*
 * A number that is used up says nothing of any order: its row came later. What is left of the batch
 * in which the mark stands comes before all that is found now, as it did then.
 */
static int32_t age_of(const struct follow *follow, const PGresult *res, int row)
{
    const struct follow_mark *mark = follow->mark;
    bool is_part = mark->part_number == column_int4(res, row, 1) &&
                   mark->part_batch == column_int8(res, row, 5);
    return is_part || column_bool(res, row, 8) ? AGE_FIRST : column_int4(res, row, 7);
}

static void batches_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct follow *follow = follow_of(job);
    size_t row_count = (size_t)PQntuples(res);
    int32_t *over = ARENA_ARRAY(follow->arena, int32_t, row_count);
    follow->batches = ARENA_ARRAY(follow->arena, struct follow_batch, row_count);
    follow->news.over = over;
    for (int row = 0; row < PQntuples(res) && !follow->is_full; row++) {
        bool is_hole = column_bool(res, row, 4);
        follow->news.newest = column_int4(res, row, 0);
        if (!is_hole && !column_is_null(res, row, 1))
            note_writer(follow, res, row, over);
        if (column_is_null(res, row, 5))
            continue;
        follow->batches[follow->batch_count++] = (struct follow_batch){
            .writer_id = column_uuid(res, row, 2),
            .number = column_int4(res, row, 1),
            .batch_no = column_int8(res, row, 5),
            .first_event = column_uuid(res, row, 6),
            .age = age_of(follow, res, row),
            .is_hole = is_hole,
        };
    }
    follow->is_foreign = follow->news.newest < follow->mark->newest;
    cut_batches(follow);
}

/* ---- their events ------------------------------------------------------------------------------ */

static void events_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct follow *follow = follow_of(job);
    size_t count = (size_t)PQntuples(res);
    follow->events = ARENA_ARRAY(follow->arena, struct event_view, count);
    follow->places = ARENA_ARRAY(follow->arena, struct follow_event, count);
    follow->event_count = count;
    for (size_t i = 0; i < count; i++) {
        int row = (int)i;
        struct uuid merchant_id = column_uuid(res, row, EVENT_COLUMN_COUNT);
        events_take(res, row, &merchant_id, follow->arena, &follow->events[i]);
        follow->places[i].writer_id = column_uuid(res, row, EVENT_COLUMN_COUNT + 1);
        follow->places[i].batch_no = column_int8(res, row, EVENT_COLUMN_COUNT + 2);
    }
}

static bool is_in(const struct follow_event *place, const struct follow_batch *batch)
{
    return place->batch_no == batch->batch_no && uuid_eq(&place->writer_id, &batch->writer_id);
}

/* More than were read: the last batch may not be whole, and what follows it was not looked at. */
static void cut_events(struct follow *follow)
{
    if (follow->event_count < EVENT_READ_MAX)
        return;
    const struct follow_event *last = &follow->places[follow->event_count - 1];
    size_t at = 0;
    while (at < follow->batch_count && !is_in(last, &follow->batches[at]))
        at++;
    follow->batch_count = at;
    while (follow->event_count > 0 &&
           follow->places[follow->event_count - 1].batch_no == last->batch_no &&
           uuid_eq(&follow->places[follow->event_count - 1].writer_id, &last->writer_id))
        follow->event_count--;
    follow->news.has_more = true;
}

/* What was read of the batch in which the mark stands is left out, its rest comes first. */
static void put_part_first(struct follow *follow)
{
    const struct follow_mark *mark = follow->mark;
    const struct follow_batch *part = NULL;
    for (size_t i = 0; mark->part_number > 0 && i < follow->batch_count; i++) {
        const struct follow_batch *batch = &follow->batches[i];
        if (batch->number == mark->part_number && batch->batch_no == mark->part_batch)
            part = batch;
    }
    if (part == NULL)
        return;
    struct event_view *events = ARENA_ARRAY(follow->arena, struct event_view, follow->event_count);
    struct follow_event *places =
        ARENA_ARRAY(follow->arena, struct follow_event, follow->event_count);
    size_t count = 0;
    for (int is_rest = 1; is_rest >= 0; is_rest--) {
        for (size_t i = 0; i < follow->event_count; i++) {
            bool is_of_part = is_in(&follow->places[i], part);
            if (is_of_part != (is_rest == 1) ||
                (is_of_part && uuid_compare(&follow->events[i].event_id, &mark->part_event) <= 0))
                continue;
            events[count] = follow->events[i];
            places[count++] = follow->places[i];
        }
    }
    follow->events = events;
    follow->places = places;
    follow->event_count = count;
}

static void events_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct follow *follow = follow_of(job);
    if (end == PG_DONE) {
        cut_events(follow);
        put_part_first(follow);
    }
    finish(follow, end == PG_DONE ? STORE_FOUND : STORE_FAILED, &why->err);
}

static bool ask_events(struct follow *follow)
{
    struct params *params = &follow->call.params;
    struct uuid floor;
    size_t count = 0;
    memset(floor.byte, 0xff, sizeof(floor.byte));
    for (size_t i = 0; i < follow->batch_count; i++) {
        const struct uuid *first = &follow->batches[i].first_event;
        count += !uuid_is_zero(first);
        if (!uuid_is_zero(first) && uuid_compare(first, &floor) < 0)
            floor = *first;
    }
    if (count == 0 || follow->merchant_count == 0)
        return false;
    call_reset(&follow->call, events_result, events_end);
    params_array_begin(params, VALUE_UUID, follow->merchant_count);
    for (size_t i = 0; i < follow->merchant_count; i++)
        params_put_uuid(params, &follow->merchants[i]);
    params_array_end(params);
    params_uuid(params, &floor);
    params_array_begin(params, VALUE_UUID, count);
    for (size_t i = 0; i < follow->batch_count; i++) {
        if (!uuid_is_zero(&follow->batches[i].first_event))
            params_put_uuid(params, &follow->batches[i].writer_id);
    }
    params_array_end(params);
    params_array_begin(params, VALUE_INT8, count);
    for (size_t i = 0; i < follow->batch_count; i++) {
        if (!uuid_is_zero(&follow->batches[i].first_event))
            params_put_int8(params, follow->batches[i].batch_no);
    }
    params_array_end(params);
    params_int8(params, EVENT_READ_MAX);
    call_add(&follow->call, SQL_FOLLOW_EVENTS);
    call_submit(&follow->call);
    return true;
}

static void batches_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct follow *follow = follow_of(job);
    struct error err = why->err;
    if (end == PG_DONE && follow->is_full) {
        (void)fail(&err, ERROR_BUSY, "cannot follow: more than %d writers", FOLLOW_WRITER_MAX);
        finish(follow, STORE_FAILED, &err);
    } else if (end == PG_DONE && follow->is_foreign) {
        (void)fail(&err, ERROR_NOT_FOUND, "cannot follow: the position is not of this ledger");
        finish(follow, STORE_ABSENT, &err);
    } else if (end != PG_DONE || !ask_events(follow)) {
        finish(follow, end == PG_DONE ? STORE_FOUND : STORE_FAILED, &err);
    }
}

static void put_mark(struct params *params, const struct follow_mark *mark)
{
    params_int4(params, mark->newest);
    params_array_begin(params, VALUE_INT4, mark->writer_count);
    for (size_t i = 0; i < mark->writer_count; i++)
        params_put_int4(params, mark->writer[i].number);
    params_array_end(params);
    params_array_begin(params, VALUE_INT8, mark->writer_count);
    for (size_t i = 0; i < mark->writer_count; i++)
        params_put_int8(params, mark->writer[i].high);
    params_array_end(params);
    params_array_begin(params, VALUE_INT4, mark->hole_count);
    for (size_t i = 0; i < mark->hole_count; i++)
        params_put_int4(params, mark->hole[i].number);
    params_array_end(params);
    params_array_begin(params, VALUE_INT8, mark->hole_count);
    for (size_t i = 0; i < mark->hole_count; i++)
        params_put_int8(params, mark->hole[i].least);
    params_array_end(params);
    params_array_begin(params, VALUE_INT8, mark->hole_count);
    for (size_t i = 0; i < mark->hole_count; i++)
        params_put_int8(params, mark->hole[i].most);
    params_array_end(params);
    params_int8(params, BATCH_READ_MAX);
}

void follow_read(struct store *store, const struct uuid *merchants, size_t merchant_count,
                 struct follow_mark *mark, struct arena *arena, follow_fn done, void *ctx)
{
    CHECK(merchant_count <= FOLLOW_MERCHANT_MAX);
    struct follow *follow = follow_new(store, mark, arena, batches_result, batches_end, done, ctx);
    struct uuid *ids = ARENA_ARRAY(arena, struct uuid, merchant_count);
    if (merchant_count > 0)
        memcpy(ids, merchants, merchant_count * sizeof(*ids));
    follow->merchants = ids;
    follow->merchant_count = merchant_count;
    fill_old_holes(store, mark);
    put_mark(&follow->call.params, mark);
    call_add(&follow->call, SQL_FOLLOW_BATCHES);
    call_submit(&follow->call);
}

/* ---- no further than somebody else ------------------------------------------------------------- */

void follow_keep(struct follow_news *news, const struct follow_mark *until, struct arena *arena)
{
    struct follow_batch *batches = ARENA_ARRAY(arena, struct follow_batch, news->batch_count);
    struct event_view *events = ARENA_ARRAY(arena, struct event_view, news->count);
    struct follow_event *places = ARENA_ARRAY(arena, struct follow_event, news->count);
    size_t batch_count = 0;
    size_t count = 0;
    CHECK(news->next == 0 && news->batch_next == 0);
    for (size_t i = 0; i < news->batch_count; i++) {
        const struct follow_batch *batch = &news->batches[i];
        if (follow_mark_has(until, batch->number, batch->batch_no))
            batches[batch_count++] = *batch;
    }
    for (size_t i = 0, at = 0; i < news->count; i++) {
        size_t looked = 0; /* from where the last one stood: mostly it is the same, or the next */
        while (looked < batch_count &&
               !is_in(&news->places[i], &batches[(at + looked) % batch_count]))
            looked++;
        if (looked == batch_count)
            continue;
        at = (at + looked) % batch_count;
        events[count] = news->events[i];
        places[count++] = news->places[i];
    }
    news->batches = batches;
    news->batch_count = batch_count;
    news->events = events;
    news->places = places;
    news->count = count;
}

/* ---- one after the other ------------------------------------------------------------------------ */

/* Batches before the next event's were read; so was its own, when this event is its last. */
static bool pass(struct follow_news *news, const struct follow_event *until)
{
    while (news->batch_next < news->batch_count) {
        const struct follow_batch *batch = &news->batches[news->batch_next];
        if (until != NULL && is_in(until, batch))
            return true;
        if (!follow_mark_read(news->mark, batch->number, batch->batch_no, news->now_us)) {
            news->count = news->next; /* too many holes: nothing more for now */
            news->batch_count = news->batch_next;
            return false;
        }
        news->batch_next++;
    }
    return until == NULL;
}

static void stand_at(struct follow_news *news, const struct event_view *event)
{
    const struct follow_batch *batch = &news->batches[news->batch_next];
    bool is_last = news->next == news->count || !is_in(&news->places[news->next], batch);
    if (is_last && follow_mark_read(news->mark, batch->number, batch->batch_no, news->now_us)) {
        news->batch_next++;
        return;
    }
    news->mark->part_number = batch->number;
    news->mark->part_batch = batch->batch_no;
    news->mark->part_event = event->event_id;
}

bool follow_next(struct follow_news *news, const struct event_view **event)
{
    struct follow_mark *mark = news->mark;
    if (news->newest > mark->newest)
        mark->newest = news->newest;
    if (news->next < news->count && pass(news, &news->places[news->next])) {
        *event = &news->events[news->next++];
        stand_at(news, *event);
        return true;
    }
    if (news->next < news->count || !pass(news, NULL))
        return false;
    for (size_t i = 0; i < news->over_count; i++)
        follow_mark_drop(mark, news->over[i]);
    news->over_count = 0;
    return false;
}

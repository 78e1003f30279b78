#include "api/ended.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "payment/hash.h"

struct entry {
    struct uuid session_id;
    struct endeds *endeds; /* borrowed */
    bool is_ended;         /* for good */
    bool is_known;
    bool is_asking;
    int64_t asked_us; /* monotonic: when the question that was answered was put */
    int64_t begun_us; /* ... the one in the air */
    struct link waiters;
    UT_hash_handle hh;
};

struct waiter {
    struct link link;
    ended_fn done;
    void *ctx;
};

struct ending {
    struct endeds *endeds;
    struct uuid session_id;
    ended_fn done;
    void *ctx;
};

struct endeds {
    struct store *store;   /* borrowed */
    struct entry *entries; /* owned; in the order in which they came */
};

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    CHECK(memory != NULL);
    return memory;
}

static void entry_free(struct entry *entry)
{
    struct link *next = NULL;
    for (struct link *item = entry->waiters.next; item != &entry->waiters; item = next) {
        next = item->next;
        free(LIST_OWNER(item, struct waiter, link));
    }
    free(entry);
}

struct endeds *endeds_new(struct store *store)
{
    struct endeds *endeds = allocate(sizeof(*endeds));
    endeds->store = store;
    return endeds;
}

void endeds_free(struct endeds **endeds_at)
{
    struct endeds *endeds = *endeds_at;
    if (endeds == NULL) {
        return;
    }
    *endeds_at = NULL;
    struct entry *entry = endeds->entries;
    HASH_CLEAR(hh, endeds->entries);
    while (entry != NULL) {
        struct entry *next = entry->hh.next;
        entry_free(entry);
        entry = next;
    }
    free(endeds);
}

static struct entry *find(struct endeds *endeds, const struct uuid *session_id)
{
    struct entry *entry = NULL;
    HASH_FIND(hh, endeds->entries, session_id, sizeof(*session_id), entry);
    return entry;
}

/* Room for one more: what is being asked stays. False: everything is. */
static bool make_room(struct endeds *endeds)
{
    struct entry *entry = endeds->entries;
    if (HASH_COUNT(endeds->entries) < ENDED_ENTRY_MAX) {
        return true;
    }
    while (entry != NULL && entry->is_asking) {
        entry = entry->hh.next;
    }
    if (entry != NULL) {
        HASH_DEL(endeds->entries, entry);
        entry_free(entry);
    }
    return entry != NULL;
}

/* NULL: there is no room. */
static struct entry *get(struct endeds *endeds, const struct uuid *session_id)
{
    struct entry *entry = find(endeds, session_id);
    if (entry != NULL || !make_room(endeds)) {
        return entry;
    }
    entry = allocate(sizeof(*entry));
    entry->session_id = *session_id;
    entry->endeds = endeds;
    list_init(&entry->waiters);
    HASH_ADD(hh, endeds->entries, session_id, sizeof(entry->session_id), entry);
    return entry;
}

static enum ended state_of(const struct entry *entry)
{
    if (entry == NULL) {
        return ENDED_UNKNOWN;
    }
    if (entry->is_ended) {
        return ENDED_YES;
    }
    bool is_fresh =
        entry->is_known && clock_mono_us() - entry->asked_us < ENDED_FRESH_MS * CLOCK_MS_US;
    return is_fresh ? ENDED_NOT : ENDED_UNKNOWN;
}

enum ended endeds_look(struct endeds *endeds, const struct uuid *session_id)
{
    return state_of(find(endeds, session_id));
}

static void answered(void *ctx, enum store_find found, int64_t count,
                     const struct error *why UNUSED)
{
    struct entry *entry = ctx;
    struct link waiters;
    list_init(&waiters);
    entry->is_asking = false;
    if (found == STORE_FOUND) {
        entry->is_known = true;
        entry->asked_us = entry->begun_us;
        entry->is_ended = entry->is_ended || count > 0;
    }
    enum ended ended = found != STORE_FOUND ? ENDED_UNAVAILABLE : ENDED_NOT;
    ended = entry->is_ended ? ENDED_YES : ended;
    while (!list_is_empty(&entry->waiters)) { /* who asks from within is not of these */
        struct link *item = entry->waiters.next;
        list_remove(item);
        list_add_last(&waiters, item);
    }
    struct link *next = NULL; /* the entry may be gone by now */
    for (struct link *item = waiters.next; item != &waiters; item = next) {
        struct waiter *waiter = LIST_OWNER(item, struct waiter, link);
        next = item->next;
        waiter->done(waiter->ctx, ended);
        free(waiter);
    }
}

static void ask(struct entry *entry)
{
    if (!entry->is_asking) {
        entry->is_asking = true;
        entry->begun_us = clock_mono_us();
        sessions_ask(entry->endeds->store, &entry->session_id, answered, entry);
    }
}

/* One who finds no room asks for himself. */
static void answered_alone(void *ctx, enum store_find found, int64_t count,
                           const struct error *why UNUSED)
{
    struct waiter *waiter = ctx;
    enum ended ended = count > 0 ? ENDED_YES : ENDED_NOT;
    waiter->done(waiter->ctx, found == STORE_FOUND ? ended : ENDED_UNAVAILABLE);
    free(waiter);
}

void endeds_ask(struct endeds *endeds, const struct uuid *session_id, ended_fn done, void *ctx)
{
    struct waiter *waiter = allocate(sizeof(*waiter));
    struct entry *entry = get(endeds, session_id);
    waiter->done = done;
    waiter->ctx = ctx;
    if (entry == NULL) {
        sessions_ask(endeds->store, session_id, answered_alone, waiter);
        return;
    }
    list_add_last(&entry->waiters, &waiter->link);
    ask(entry);
}

bool endeds_watch(struct endeds *endeds, const struct uuid *session_id)
{
    struct entry *entry = get(endeds, session_id);
    enum ended ended = state_of(entry);
    if (entry != NULL && ended == ENDED_UNKNOWN) {
        ask(entry);
    }
    return ended == ENDED_YES;
}

static void ended_here(void *ctx, enum store_find found, int64_t count UNUSED,
                       const struct error *why UNUSED)
{
    struct ending *ending = ctx;
    bool is_done = found == STORE_FOUND;
    struct entry *entry = is_done ? get(ending->endeds, &ending->session_id) : NULL;
    if (entry != NULL) {
        entry->is_ended = true;
    }
    ending->done(ending->ctx, is_done ? ENDED_YES : ENDED_UNAVAILABLE);
    free(ending);
}

void endeds_end(struct endeds *endeds, const struct uuid *session_id, int64_t expires_us,
                ended_fn done, void *ctx)
{
    struct ending *ending = allocate(sizeof(*ending));
    *ending =
        (struct ending){.endeds = endeds, .session_id = *session_id, .done = done, .ctx = ctx};
    sessions_end(endeds->store, session_id, clock_wall_us(), expires_us, ended_here, ending);
}

/*
 * hooks.h - the providers' webhooks, without sockets: what is to be told, to whom, when, how often.
 *
 *     books: an entry or a session came to another state
 *        | hooks_observe, before each commit
 *        v
 *     hook_event, its body as the provider prints it then
 *        | for everybody registered (struct book_hook), or the list's notificationUrl
 *        v
 *     hook_delivery --due--> hooks_take --> hook_wire.h sends it, signed anew each time
 *        ^                                      |
 *        +------- not 2xx: later, and later ----+--> 2xx: told      too often: given up
 *
 * Whoever is registered is told of everything once, soon after it happened, unless the behaviour
 * says otherwise: repeats, disorder, loss, all of them drawn from one generator that can be seeded,
 * or nothing by itself (`hold`) but what hooks_send says, one by one in exactly that order. A
 * webhook may also be demanded before the answer of the request that caused it (`early`).
 *
 * Events and deliveries live in memory only and are bounded: beyond HOOKS_EVENT_MAX an event is
 * forgotten when nobody waits for it any more, else the new one is dropped and counted. A sandbox
 * that is killed forgets what it has not told; who is registered, it remembers (books.h).
 */
#ifndef SANDBOX_HOOKS_H
#define SANDBOX_HOOKS_H

#include "base/json.h"
#include "base/list.h"
#include "base/rng.h"
#include "providers/sandbox/books.h"
#include "providers/sandbox/hook_sign.h"

enum {
    HOOKS_EVENT_MAX = 20000,
    HOOKS_DELIVERY_MAX = 65536,
    HOOKS_BATCH_MAX = 4096, /* of payouts, that are not over */
    HOOKS_REPEAT_MAX = 100,
    HOOKS_BODY_MAX = 1 << 20,
    HOOK_HEADER_MAX = 8,
};

struct call;

struct hook_behaviour {
    bool hold;            /* nothing is sent but by hooks_send */
    bool early;           /* ... before the answer of the request that caused it */
    int64_t repeat_least; /* how often one event is sent */
    int64_t repeat_most;
    uint32_t loss_per_million; /* of what would be sent; it is not tried again */
    int64_t delay_ms;
    int64_t disorder_ms; /* up to that much later, each by itself */
    int64_t retry_ms;    /* after the first failure; twice as long after each further one */
    int64_t retry_ms_most;
    int64_t retry_count_most;
};

struct hook_event {
    struct link link; /* in hooks->events, the oldest first */
    int64_t number;   /* 1, 2, ... */
    struct str id;    /* "WH-..." */
    enum sandbox_provider provider;
    struct str account;
    struct str name; /* "PAYMENT.CAPTURE.COMPLETED" */
    struct str object;
    struct str reference;
    struct str invoice;
    struct str body;
    struct str url; /* of its list; empty: none */
    int64_t created_us;
    size_t waiting;     /* deliveries to be made */
    size_t untried;     /* ... whose first try has not ended */
    int64_t told_count; /* 2xx */
    int64_t try_count;
    char text[]; /* of the strings */
};

struct hook_delivery {
    struct hook_event *event;
    const struct book_hook *hook; /* borrowed; NULL: to the event's own address */
    struct hook_delivery *next;   /* goes when this one is done with; owned */
    int64_t due_us;
    int64_t order;
    int64_t try_count;
    int64_t generation; /* of the books it is from */
};

struct hook_counts {
    int64_t events;
    int64_t sent; /* tries that ended, answered or not */
    int64_t told;
    int64_t failed;
    int64_t lost;
    int64_t given_up;
    int64_t dropped; /* for want of room */
};

struct hooks {
    struct books *books; /* borrowed */
    struct hook_behaviour behaviour;
    struct hook_counts counts;
    struct hook_signer signer;
    bool has_signer;
    char origin[80]; /* where PayPal's clients reach the sandbox: "https://127.0.0.1:9444" */
    struct rng rng;
    struct arena arena;
    struct buf resource;
    struct buf body;
    struct link events;
    size_t event_count;
    int64_t last_number;
    struct table by_id;
    struct book_session *batches[HOOKS_BATCH_MAX]; /* borrowed; PayPal's, told of when over */
    size_t batch_count;
    int64_t ripened_us;
    struct hook_delivery **heap; /* owned; the earliest first */
    size_t heap_count;
    size_t heap_capacity;
    size_t delivery_count; /* in the heap, in chains, being sent */
    int64_t last_order;
    int64_t generation;
};

struct hook_header {
    const char *name;
    struct str value;
};

struct hook_request { /* one try, ready to be sent by POST; strings are in the arena given */
    struct str url;
    struct str ca; /* PEM; empty: the sandbox's own trust */
    struct str body;
    struct str content_type;
    struct hook_header header[HOOK_HEADER_MAX];
    size_t header_count;
};

extern const struct hook_behaviour hook_behaviour_default;

void hooks_open(struct hooks *hooks, struct books *books);
void hooks_close(struct hooks *hooks); /* nothing may be being sent */
/* The books are new: no event, nothing waits, the behaviour is the default again. Deliveries that
 * are being sent are told nothing any more. */
void hooks_reset(struct hooks *hooks);
/* Somebody may have to be told of something. */
bool hooks_are_wanted(const struct hooks *hooks);

/* What is noted in the books, and not committed yet, is told. `call` serves as template: time,
 * settings. */
void hooks_observe(struct hooks *hooks, const struct call *call);
/* Tell of batches of payouts that are over by now: their items are committed. */
void hooks_ripen(struct hooks *hooks, const struct call *call);
int64_t hooks_next_batch_us(const struct hooks *hooks); /* INT64_MAX: none */
/* True when every event from number `from` on to `to` was tried once, or is not to be sent. */
bool hooks_are_told(const struct hooks *hooks, int64_t from, int64_t to);

/* The next delivery that is due by now; NULL: none. It is the caller's until hooks_done. */
struct hook_delivery *hooks_take(struct hooks *hooks, int64_t now_us);
int64_t hooks_next_due_us(const struct hooks *hooks); /* INT64_MAX: never */
void hooks_prepare(struct hooks *hooks, const struct hook_delivery *delivery, int64_t now_us,
                   struct arena *arena, struct hook_request *request);
/* It was answered with that status; 0: not at all. */
void hooks_done(struct hooks *hooks, struct hook_delivery *delivery, int status, int64_t now_us);

struct hook_event *hooks_find(const struct hooks *hooks, struct str id);
/* Send these events now, each to all who are to be told of it, one after the other. False: no room.
 */
bool hooks_send(struct hooks *hooks, struct hook_event *const *events, size_t count,
                int64_t now_us) MUST_USE;

const struct hook_signer *hooks_signer(struct hooks *hooks, int64_t now_us); /* made when needed */
/* Is he to be told of such events of that account? */
bool hook_fits(const struct book_hook *hook, enum sandbox_provider provider, struct str account,
               struct str name);

/* hook_event.c: what a change is called. */
struct hook_words {
    const char *name; /* NULL: nobody is told */
    const char *resource_type;
    const char *resource_version;
    const char *summary;
};
struct hook_words hook_words_of_entry(const struct book_entry *entry, int told_state,
                                      struct arena *arena);
struct hook_words hook_words_of_session(const struct book_session *session);
/* False while the batch of payouts is not over. */
bool hook_words_of_batch(const struct book_session *batch, int64_t now_us,
                         struct hook_words *words);
/* Is there such an event of PayPal's? */
bool hook_is_paypal_event(struct str name);
/* The body, appended. Exactly one of entry and session is given. */
void hook_print(const struct call *call, struct buf *resource, struct str id,
                const struct hook_words *words, const struct book_entry *entry,
                const struct book_session *session, struct buf *out);

/* hook_control.c */
void hook_control_show(struct hooks *hooks, struct call *call);
void hook_control_add(struct hooks *hooks, struct call *call);
void hook_control_remove(struct hooks *hooks, struct call *call);
void hook_control_clear(struct hooks *hooks, struct call *call);
void hook_control_behave(struct hooks *hooks, struct call *call);
void hook_control_events(struct hooks *hooks, struct call *call);
void hook_control_send(struct hooks *hooks, struct call *call);

#endif

#include "providers/sandbox/hooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/id.h"
#include "providers/sandbox/call.h"

enum {
    RESOURCE_BYTES_MAX = 512 << 10,
    ARENA_BYTES_MAX = 4 * HOOKS_BODY_MAX,
    ID_PART = 17,
    BATCH_WATCHED = SESSION_STATE_COUNT, /* in place of a state, which batches have none of */
};

/* 25 tries over three days, as PayPal's; their spacing is ours, as nobody publishes one. */
const struct hook_behaviour hook_behaviour_default = {
    .repeat_least = 1,
    .repeat_most = 1,
    .delay_ms = 300,
    .retry_ms = 1000,
    .retry_ms_most = INT64_C(6) * 3600 * 1000,
    .retry_count_most = 25,
};

/* ---- events ---------------------------------------------------------------------------------- */

static void free_event(struct hooks *hooks, struct hook_event *event)
{
    table_remove(&hooks->by_id, event->id);
    list_remove(&event->link);
    hooks->event_count--;
    free(event);
}

/* Room for one more: the oldest that nobody waits for goes. */
static bool make_room(struct hooks *hooks)
{
    if (hooks->event_count < HOOKS_EVENT_MAX) {
        return true;
    }
    for (struct link *at = hooks->events.next; at != &hooks->events; at = at->next) {
        struct hook_event *event = LIST_OWNER(at, struct hook_event, link);
        if (event->waiting == 0) {
            free_event(hooks, event);
            return true;
        }
    }
    hooks->counts.dropped++;
    return false;
}

/* The strings of *from, which may live anywhere, are copied. */
static struct hook_event *add_event(struct hooks *hooks, const struct hook_event *from)
{
    struct hook_event model = *from;
    struct str *strings[] = {&model.id,        &model.account, &model.name, &model.object,
                             &model.reference, &model.invoice, &model.body, &model.url};
    size_t size = 0;
    for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
        size += strings[i]->len;
    }
    struct hook_event *event = malloc(sizeof(*event) + size);
    CHECK(event);
    char *at = event->text;
    for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
        if (strings[i]->len > 0) {
            memcpy(at, strings[i]->at, strings[i]->len);
        }
        strings[i]->at = at;
        at += strings[i]->len;
    }
    *event = model;
    event->number = ++hooks->last_number;
    list_add_last(&hooks->events, &event->link);
    table_put(&hooks->by_id, event->id, event);
    hooks->event_count++;
    hooks->counts.events++;
    return event;
}

struct hook_event *hooks_find(const struct hooks *hooks, struct str id)
{
    return table_find(&hooks->by_id, id);
}

bool hooks_are_told(const struct hooks *hooks, int64_t from, int64_t to)
{
    for (struct link *at = hooks->events.prev; at != &hooks->events; at = at->prev) {
        const struct hook_event *event = LIST_OWNER(at, struct hook_event, link);
        if (event->number < from) {
            break;
        }
        if (event->number <= to && event->untried > 0) {
            return false;
        }
    }
    return true;
}

/* ---- deliveries: a binary heap by due time, then order --------------------------------------- */

static bool is_earlier(const struct hook_delivery *a, const struct hook_delivery *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void push(struct hooks *hooks, struct hook_delivery *delivery)
{
    if (hooks->heap_count == hooks->heap_capacity) {
        hooks->heap_capacity = hooks->heap_capacity ? hooks->heap_capacity * 2 : 256;
        hooks->heap = realloc(hooks->heap, hooks->heap_capacity * sizeof(struct hook_delivery *));
        CHECK(hooks->heap);
    }
    delivery->order = ++hooks->last_order;
    size_t at = hooks->heap_count++;
    while (at > 0 && is_earlier(delivery, hooks->heap[(at - 1) / 2])) {
        hooks->heap[at] = hooks->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    hooks->heap[at] = delivery;
}

static struct hook_delivery *pop(struct hooks *hooks)
{
    struct hook_delivery *first = hooks->heap[0];
    struct hook_delivery *moved = hooks->heap[--hooks->heap_count];
    size_t at = 0;
    for (size_t child = 1; child < hooks->heap_count; child = 2 * at + 1) {
        if (child + 1 < hooks->heap_count &&
            is_earlier(hooks->heap[child + 1], hooks->heap[child])) {
            child++;
        }
        if (is_earlier(moved, hooks->heap[child])) {
            break;
        }
        hooks->heap[at] = hooks->heap[child];
        at = child;
    }
    if (hooks->heap_count > 0) {
        hooks->heap[at] = moved;
    }
    return first;
}

static struct hook_delivery *new_delivery(struct hooks *hooks, struct hook_event *event,
                                          const struct book_hook *hook, int64_t due_us)
{
    if (hooks->delivery_count >= HOOKS_DELIVERY_MAX) {
        hooks->counts.dropped++;
        return NULL;
    }
    struct hook_delivery *delivery = calloc(1, sizeof(*delivery));
    CHECK(delivery);
    *delivery = (struct hook_delivery){
        .event = event, .hook = hook, .due_us = due_us, .generation = hooks->generation};
    event->waiting++;
    event->untried++;
    hooks->delivery_count++;
    return delivery;
}

static void free_chain(struct hook_delivery *delivery)
{
    while (delivery) {
        struct hook_delivery *next = delivery->next;
        free(delivery);
        delivery = next;
    }
}

static void count_try(struct hook_delivery *delivery)
{
    if (delivery->try_count++ == 0) {
        delivery->event->untried--;
    }
    delivery->event->try_count++;
}

/* What comes after it in its chain goes now. */
static void end_delivery(struct hooks *hooks, struct hook_delivery *delivery, int64_t now_us)
{
    struct hook_delivery *next = delivery->next;
    if (delivery->try_count == 0) {
        delivery->event->untried--;
    }
    delivery->event->waiting--;
    hooks->delivery_count--;
    free(delivery);
    if (next) {
        next->due_us = now_us;
        push(hooks, next);
    }
}

/* As often, as late, as lost as the behaviour says. */
static void schedule(struct hooks *hooks, struct hook_event *event, const struct book_hook *hook,
                     int64_t now_us)
{
    const struct hook_behaviour *behaviour = &hooks->behaviour;
    int64_t spread = behaviour->repeat_most - behaviour->repeat_least + 1;
    int64_t times = behaviour->repeat_least +
                    (int64_t)rng_below(&hooks->rng, (uint64_t)(spread > 0 ? spread : 1));
    for (int64_t i = 0; i < times; i++) {
        int64_t late_ms = behaviour->early ? 0 : behaviour->delay_ms;
        late_ms += (int64_t)rng_below(&hooks->rng, (uint64_t)behaviour->disorder_ms + 1);
        if (rng_chance(&hooks->rng, behaviour->loss_per_million)) {
            hooks->counts.lost++;
            continue;
        }
        struct hook_delivery *delivery = new_delivery(hooks, event, hook, now_us + late_ms * 1000);
        if (delivery) {
            push(hooks, delivery);
        }
    }
}

/* ---- who is told ----------------------------------------------------------------------------- */

static bool has_word(struct str words, struct str word)
{
    while (words.len > 0) {
        if (str_eq(str_cut(&words, ' '), word)) {
            return true;
        }
    }
    return false;
}

bool hook_fits(const struct book_hook *hook, enum sandbox_provider provider, struct str account,
               struct str name)
{
    struct str client = account; /* Mass Payouts: "client/program" */
    client = str_cut(&client, '/');
    return !hook->removed &&
           hook->provider == (int)(hook->is_whole ? sandbox_family(provider) : provider) &&
           (hook->account.len == 0 || str_eq(hook->account, account) ||
            str_eq(hook->account, client)) &&
           (hook->events.len == 0 || has_word(hook->events, name));
}

bool hooks_are_wanted(const struct hooks *hooks)
{
    for (size_t i = 0; i < hooks->books->hook_count; i++) {
        if (!hooks->books->hooks[i]->removed) {
            return true;
        }
    }
    return false;
}

/* hook NULL: its own address. */
static bool is_told(const struct hook_event *event, const struct book_hook *hook)
{
    bool own = event->url.len > 0;
    return hook ? !own && hook_fits(hook, event->provider, event->account, event->name) : own;
}

static bool is_for_anybody(const struct hooks *hooks, const struct hook_event *event)
{
    bool found = is_told(event, NULL);
    for (size_t i = 0; i < hooks->books->hook_count && !found; i++) {
        found = is_told(event, hooks->books->hooks[i]);
    }
    return found;
}

/* The address of its list goes before what is registered. */
static void tell(struct hooks *hooks, struct hook_event *event, int64_t now_us)
{
    for (size_t at = 0; at <= hooks->books->hook_count; at++) {
        const struct book_hook *hook =
            at < hooks->books->hook_count ? hooks->books->hooks[at] : NULL;
        if (is_told(event, hook)) {
            schedule(hooks, event, hook, now_us);
        }
    }
}

/* ---- changes --------------------------------------------------------------------------------- */

/* "WH-...-...", as PayPal's. */
static struct str new_id(struct hooks *hooks)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint8_t random[2 * ID_PART];
    char parts[2][ID_PART + 1];
    rng_fill(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++) {
        parts[i / ID_PART][i % ID_PART] = alphabet[random[i] % 36];
    }
    parts[0][ID_PART] = '\0';
    parts[1][ID_PART] = '\0';
    return arena_printf(&hooks->arena, "WH-%s-%s", parts[0], parts[1]);
}

/* Make the event that *model says most of, when anybody is to be told. */
static void observe(struct hooks *hooks, const struct call *call, struct hook_event *model,
                    const struct hook_words *words, const struct book_entry *entry,
                    const struct book_session *session)
{
    model->name = str_of(words->name);
    model->created_us = call->now_us;
    if (!words->name || !is_for_anybody(hooks, model) || !make_room(hooks)) {
        return;
    }
    model->id = new_id(hooks);
    buf_clear(&hooks->body);
    struct call template = *call;
    template.arena = &hooks->arena;
    template.books = hooks->books;
    template.origin = str_of(hooks->origin);
    hook_print(&template, &hooks->resource, model->id, words, entry, session, &hooks->body);
    if (!buf_is_ok(&hooks->body) || !buf_is_ok(&hooks->resource)) {
        hooks->counts.dropped++;
        return;
    }
    model->body = buf_str(&hooks->body);
    struct hook_event *added = add_event(hooks, model);
    if (!hooks->behaviour.hold) {
        tell(hooks, added, call->now_us);
    }
}

/* What becomes of a batch of payouts is said by time and its items. */
static void watch_batch(struct hooks *hooks, struct book_session *batch)
{
    if (batch->told_state == BATCH_WATCHED) {
        return;
    }
    batch->told_state = BATCH_WATCHED;
    if (!hooks_are_wanted(hooks)) {
        return;
    }
    if (hooks->batch_count < HOOKS_BATCH_MAX) {
        hooks->batches[hooks->batch_count++] = batch;
    } else {
        hooks->counts.dropped++;
    }
}

void hooks_ripen(struct hooks *hooks, const struct call *call)
{
    size_t left = 0;
    hooks->ripened_us = call->now_us;
    for (size_t i = 0; i < hooks->batch_count; i++) {
        struct book_session *batch = hooks->batches[i];
        struct hook_words words;
        if (!hook_words_of_batch(batch, call->now_us, &words)) {
            hooks->batches[left++] = batch;
            continue;
        }
        struct hook_event model = {
            .provider = SANDBOX_PAYPAL_PAYOUTS,
            .account = batch->account,
            .object = batch->id,
            .reference = batch->reference,
        };
        observe(hooks, call, &model, &words, NULL, batch);
    }
    hooks->batch_count = left;
    arena_reset(&hooks->arena);
}

/* One whose time has come, and that waits for an item all the same, is looked at with that. */
int64_t hooks_next_batch_us(const struct hooks *hooks)
{
    int64_t next_us = INT64_MAX;
    for (size_t i = 0; i < hooks->batch_count; i++) {
        int64_t due_us = hooks->batches[i]->due_us;
        next_us = due_us > hooks->ripened_us && due_us < next_us ? due_us : next_us;
    }
    return next_us;
}

static void observe_session(struct hooks *hooks, const struct call *call,
                            struct book_session *session)
{
    struct hook_words words = hook_words_of_session(session);
    struct hook_event model = {
        .provider = (enum sandbox_provider)session->provider,
        .account = session->account,
        .object = session->id,
        .reference = session->units[0].custom_id,
        .invoice = session->units[0].invoice_id,
        .url = session->notification_url,
    };
    observe(hooks, call, &model, &words, NULL, session);
    session->told_state = session->state;
}

static void observe_entry(struct hooks *hooks, const struct call *call, struct book_entry *entry)
{
    struct hook_words words = hook_words_of_entry(entry, entry->told_state, &hooks->arena);
    const struct book_session *session = books_find_session(hooks->books, entry->session);
    struct hook_event model = {
        .provider = (enum sandbox_provider)entry->provider,
        .account = entry->account,
        .object = entry->id,
        .reference = entry->reference,
        .invoice = entry->invoice,
        .url = session ? session->notification_url : STR_NONE,
    };
    observe(hooks, call, &model, &words, entry, NULL);
    entry->told_state = entry->state;
}

void hooks_observe(struct hooks *hooks, const struct call *call)
{
    struct books *books = hooks->books;
    for (size_t i = 0; i < books->noted_sessions.count; i++) {
        struct book_session *session = books->noted_sessions.at[i];
        if (session->provider == SANDBOX_PAYPAL_PAYOUTS) {
            watch_batch(hooks, session);
        } else if (session->state != session->told_state) {
            observe_session(hooks, call, session);
        }
    }
    for (size_t i = 0; i < books->noted_entries.count; i++) {
        struct book_entry *entry = books->noted_entries.at[i];
        if (entry->state != entry->told_state) {
            observe_entry(hooks, call, entry);
        }
    }
    arena_reset(&hooks->arena);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* One that was meant for somebody who is not registered any more is done with. */
struct hook_delivery *hooks_take(struct hooks *hooks, int64_t now_us)
{
    while (hooks->heap_count > 0 && hooks->heap[0]->due_us <= now_us) {
        struct hook_delivery *delivery = pop(hooks);
        if (!delivery->hook || !delivery->hook->removed) {
            return delivery;
        }
        end_delivery(hooks, delivery, now_us);
    }
    return NULL;
}

int64_t hooks_next_due_us(const struct hooks *hooks)
{
    return hooks->heap_count > 0 ? hooks->heap[0]->due_us : INT64_MAX;
}

static int64_t retry_ms_of(const struct hook_behaviour *behaviour, int64_t try_count)
{
    int64_t ms = behaviour->retry_ms;
    for (int64_t i = 1; i < try_count && ms < behaviour->retry_ms_most; i++) {
        ms *= 2;
    }
    return ms < behaviour->retry_ms_most ? ms : behaviour->retry_ms_most;
}

void hooks_done(struct hooks *hooks, struct hook_delivery *delivery, int status, int64_t now_us)
{
    if (delivery->generation != hooks->generation) { /* The books were reset: its event is gone. */
        free_chain(delivery);
        return;
    }
    count_try(delivery);
    hooks->counts.sent++;
    if (status >= 200 && status < 300) {
        hooks->counts.told++;
        delivery->event->told_count++;
        end_delivery(hooks, delivery, now_us);
        return;
    }
    hooks->counts.failed++;
    if (delivery->try_count > hooks->behaviour.retry_count_most) {
        hooks->counts.given_up++;
        end_delivery(hooks, delivery, now_us);
        return;
    }
    delivery->due_us = now_us + retry_ms_of(&hooks->behaviour, delivery->try_count) * 1000;
    push(hooks, delivery);
}

bool hooks_send(struct hooks *hooks, struct hook_event *const *events, size_t count, int64_t now_us)
{
    const struct books *books = hooks->books;
    struct hook_delivery *first = NULL;
    struct hook_delivery **last = &first;
    if (hooks->delivery_count + count * (books->hook_count + 1) > HOOKS_DELIVERY_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at <= books->hook_count; at++) {
            const struct book_hook *hook = at < books->hook_count ? books->hooks[at] : NULL;
            if (is_told(events[i], hook)) {
                *last = new_delivery(hooks, events[i], hook, now_us);
                CHECK(*last);
                last = &(*last)->next;
            }
        }
    }
    if (first) {
        push(hooks, first);
    }
    return true;
}

/* ---- one try --------------------------------------------------------------------------------- */

const struct hook_signer *hooks_signer(struct hooks *hooks, int64_t now_us)
{
    if (!hooks->has_signer) {
        hook_signer_make(&hooks->signer, now_us);
        hooks->has_signer = true;
    }
    return &hooks->signer;
}

static void add_header(struct hook_request *request, const char *name, struct str value)
{
    CHECK(request->header_count < HOOK_HEADER_MAX);
    request->header[request->header_count++] = (struct hook_header){name, value};
}

static void prepare_paypal(struct hooks *hooks, const struct book_hook *hook, int64_t now_us,
                           struct arena *arena, struct hook_request *request)
{
    const struct hook_signer *signer = hooks_signer(hooks, now_us);
    char id[UUID_TEXT_SIZE];
    char text[CLOCK_TEXT_SIZE];
    struct buf signature;
    struct uuid uuid = uuid_new();
    struct str transmission_id = arena_str(arena, uuid_format(&uuid, id));
    struct str time =
        arena_printf(arena, STR_FMT "Z", STR_ARG(str_sub(clock_format_ms(now_us, text), 0, 19)));
    buf_init(&signature, 2048);
    hook_sign_paypal(signer, transmission_id, time, hook->id, request->body, &signature);
    add_header(request, "PAYPAL-TRANSMISSION-ID", transmission_id);
    add_header(request, "PAYPAL-TRANSMISSION-TIME", time);
    add_header(request, "PAYPAL-TRANSMISSION-SIG", arena_str(arena, buf_str(&signature)));
    add_header(request, "PAYPAL-CERT-URL",
               arena_printf(arena, "%s/v1/notifications/certs/%s", hooks->origin, signer->name));
    add_header(request, "PAYPAL-AUTH-ALGO", STR("SHA256withRSA"));
    buf_release(&signature);
}

static void prepare_payoneer(const struct book_hook *hook, int64_t now_us, struct arena *arena,
                             struct hook_request *request)
{
    uint8_t random[8];
    struct buf nonce;
    struct buf value;
    buf_init(&nonce, 64);
    buf_init(&value, 1024);
    rng_fill(random, sizeof(random));
    crypto_hex((struct str){(const char *)random, sizeof(random)}, &nonce);
    hook_sign_payoneer(hook->secret, STR("Webhook-IPCNSender-sandbox"), request->url,
                       buf_str(&nonce), now_us / 1000000, request->body, &value);
    add_header(request, "Authorization", arena_str(arena, buf_str(&value)));
    buf_release(&value);
    buf_release(&nonce);
}

/* "{event}" in a registered address is the event's name. */
static struct str expand(struct arena *arena, struct str url, struct str name)
{
    static const struct str mark = STR_INIT("{event}");
    size_t at = str_find(url, mark, 0);
    if (at == SIZE_MAX) {
        return arena_str(arena, url);
    }
    struct str rest = str_sub(url, at + mark.len, SIZE_MAX);
    return arena_printf(arena, STR_FMT STR_FMT STR_FMT, STR_ARG(str_sub(url, 0, at)), STR_ARG(name),
                        STR_ARG(rest));
}

void hooks_prepare(struct hooks *hooks, const struct hook_delivery *delivery, int64_t now_us,
                   struct arena *arena, struct hook_request *request)
{
    const struct hook_event *event = delivery->event;
    const struct book_hook *hook = delivery->hook;
    *request = (struct hook_request){.content_type = STR("application/json")};
    request->body = arena_str(arena, event->body);
    request->url = hook ? expand(arena, hook->url, event->name) : arena_str(arena, event->url);
    request->ca = hook ? arena_str(arena, hook->ca) : STR_NONE;
    if (sandbox_family(event->provider) == SANDBOX_PAYPAL && hook) {
        prepare_paypal(hooks, hook, now_us, arena, request);
    } else if (event->provider == SANDBOX_PAYONEER_PAYOUTS && hook) {
        prepare_payoneer(hook, now_us, arena, request);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

/* What the journal tells was told before, or is lost. */
static void take_as_told(struct books *books)
{
    for (size_t i = 0; i < books->log_count; i++) {
        books->log[i]->told_state = books->log[i]->state;
    }
    for (size_t i = 0; i < books->sessions.capacity; i++) {
        struct book_session *session = books->sessions.slots[i].value;
        if (session) {
            session->told_state =
                session->provider == SANDBOX_PAYPAL_PAYOUTS ? BATCH_WATCHED : session->state;
        }
    }
}

void hooks_open(struct hooks *hooks, struct books *books)
{
    uint64_t seed;
    memset(hooks, 0, sizeof(*hooks));
    hooks->books = books;
    hooks->behaviour = hook_behaviour_default;
    (void)snprintf(hooks->origin, sizeof(hooks->origin), "https://sandbox.test");
    rng_fill(&seed, sizeof(seed));
    rng_seed(&hooks->rng, seed);
    arena_init(&hooks->arena, ARENA_BYTES_MAX);
    buf_init(&hooks->resource, RESOURCE_BYTES_MAX);
    buf_init(&hooks->body, HOOKS_BODY_MAX);
    list_init(&hooks->events);
    table_init(&hooks->by_id);
    take_as_told(books);
}

static void forget(struct hooks *hooks)
{
    while (hooks->heap_count > 0) {
        free_chain(hooks->heap[--hooks->heap_count]);
    }
    while (!list_is_empty(&hooks->events)) {
        free_event(hooks, LIST_OWNER(hooks->events.next, struct hook_event, link));
    }
}

void hooks_reset(struct hooks *hooks)
{
    forget(hooks);
    hooks->behaviour = hook_behaviour_default;
    hooks->counts = (struct hook_counts){.events = 0};
    hooks->delivery_count = 0;
    hooks->batch_count = 0;
    hooks->generation++;
}

void hooks_close(struct hooks *hooks)
{
    forget(hooks);
    free(hooks->heap);
    table_release(&hooks->by_id);
    buf_release(&hooks->body);
    buf_release(&hooks->resource);
    arena_release(&hooks->arena);
    if (hooks->has_signer) {
        hook_signer_release(&hooks->signer);
    }
    memset(hooks, 0, sizeof(*hooks));
}

/* The control API of webhooks: who is told, how badly, and of what in which order. */
#include "providers/sandbox/hooks.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "providers/sandbox/call.h"
#include "providers/sandbox/control.h"

enum {
    DAY_MS = 86400000,
    SEND_MAX = 10000,
};

/* clang-format off */
static const struct {
    const char *name;
    size_t offset;
    int64_t least;
    int64_t most;
} numbers[] = {
    {"repeat_least",  offsetof(struct hook_behaviour, repeat_least),     0, HOOKS_REPEAT_MAX},
    {"repeat_most",   offsetof(struct hook_behaviour, repeat_most),      0, HOOKS_REPEAT_MAX},
    {"delay_ms",      offsetof(struct hook_behaviour, delay_ms),         0, DAY_MS},
    {"disorder_ms",   offsetof(struct hook_behaviour, disorder_ms),      0, DAY_MS},
    {"retry_ms",      offsetof(struct hook_behaviour, retry_ms),         1, DAY_MS},
    {"retry_ms_most", offsetof(struct hook_behaviour, retry_ms_most),    1, DAY_MS},
    {"retry_count",   offsetof(struct hook_behaviour, retry_count_most), 0, 1000},
};

static const struct {
    const char *name;
    size_t offset;
} switches[] = {
    {"hold",  offsetof(struct hook_behaviour, hold)},
    {"early", offsetof(struct hook_behaviour, early)},
};

static const struct {
    const char *name;
    size_t offset;
} counts[] = {
    {"events",   offsetof(struct hook_counts, events)},
    {"sent",     offsetof(struct hook_counts, sent)},
    {"told",     offsetof(struct hook_counts, told)},
    {"failed",   offsetof(struct hook_counts, failed)},
    {"lost",     offsetof(struct hook_counts, lost)},
    {"given_up", offsetof(struct hook_counts, given_up)},
    {"dropped",  offsetof(struct hook_counts, dropped)},
};
/* clang-format on */

static int64_t *number_at(struct hook_behaviour *behaviour, size_t i)
{
    return (int64_t *)(void *)((char *)behaviour + numbers[i].offset);
}

static bool *switch_at(struct hook_behaviour *behaviour, size_t i)
{
    return (bool *)(void *)((char *)behaviour + switches[i].offset);
}

/* ---- showing --------------------------------------------------------------------------------- */

static void put_hook(struct json_out *out, const struct book_hook *hook)
{
    json_begin_object(out);
    json_put_str(out, "id", hook->id);
    json_put_cstr(out, "provider", sandbox_provider_names[hook->provider]);
    json_put_str(out, "account", hook->account);
    json_put_str(out, "url", hook->url);
    json_put_str(out, "events", hook->events);
    json_end_object(out);
}

static void put_behaviour(struct json_out *out, const struct hook_behaviour *behaviour)
{
    struct hook_behaviour copy = *behaviour;
    char share[MONEY_TEXT_SIZE];
    json_begin_object(out);
    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        json_put_bool(out, switches[i].name, *switch_at(&copy, i));
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        json_put_int(out, numbers[i].name, *number_at(&copy, i));
    }
    json_put_raw(out, "loss", money_format(behaviour->loss_per_million, 6, share));
    json_end_object(out);
}

void hook_control_show(struct hooks *hooks, struct call *call)
{
    struct json_out out;
    control_begin(call, &out);
    json_key(&out, "hooks");
    json_begin_array(&out);
    for (size_t i = 0; i < hooks->books->hook_count; i++) {
        if (!hooks->books->hooks[i]->removed) {
            put_hook(&out, hooks->books->hooks[i]);
        }
    }
    json_end_array(&out);
    json_key(&out, "behaviour");
    put_behaviour(&out, &hooks->behaviour);
    json_put_int(&out, "waiting", (int64_t)hooks->delivery_count);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        json_put_int(
            &out, counts[i].name,
            *(const int64_t *)(const void *)((const char *)&hooks->counts + counts[i].offset));
    }
    json_put_str(&out, "certificate", buf_str(&hooks_signer(hooks, call->now_us)->chain));
    json_end_object(&out);
}

/* ---- who is told ----------------------------------------------------------------------------- */

/* {"provider", "url", "account", "id", "secret", "events": [...], "ca"}: only the first two must
 * be. The same id again replaces what it said. */
void hook_control_add(struct hooks *hooks, struct call *call)
{
    struct books *books = hooks->books;
    struct buf names;
    if (!control_parse(call)) {
        return;
    }
    const json_t *given = call->json;
    const json_t *events = json_object_get(given, "events");
    int provider =
        words_find(sandbox_provider_names, SANDBOX_PROVIDER_COUNT, json_text(given, "provider"));
    struct str url = json_text(given, "url");
    struct str id = json_text(given, "id");
    if (provider == SANDBOX_NONE ||
        (!str_starts(url, STR("https://")) && !str_starts(url, STR("http://")))) {
        control_refuse(call, 422, "bad webhook",
                       "provider must be one of the four, url http:// or https://");
        return;
    }
    id = id.len > 0 ? id : call_random(call, STR("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 17);
    struct book_hook *hook = books_find_hook(books, id);
    hook = hook ? hook : books_add_hook(books, id);
    if (!hook) {
        control_refuse(call, 503, "too many webhooks", "remove some");
        return;
    }
    buf_init(&names, 4096);
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *name = json_array_get(events, i);
        buf_printf(&names, "%s%s", i > 0 ? " " : "",
                   json_is_string(name) ? json_string_value(name) : "");
    }
    hook->provider = provider;
    hook->account = books_keep(books, json_text(given, "account"));
    hook->url = books_keep(books, url);
    hook->secret = books_keep(books, json_text(given, "secret"));
    hook->events = books_keep(books, buf_str(&names));
    hook->ca = books_keep(books, json_text(given, "ca"));
    hook->created_us = call->now_us;
    buf_release(&names);
    books_note_hook(books, hook);
    struct json_out out;
    control_begin(call, &out);
    call->status = 201;
    json_put_str(&out, "id", hook->id);
    json_end_object(&out);
}

static void remove_hook(struct books *books, struct book_hook *hook)
{
    hook->removed = true;
    books_note_hook(books, hook);
}

void hook_control_remove(struct hooks *hooks, struct call *call)
{
    struct book_hook *hook = books_find_hook(hooks->books, call->param[0]);
    if (!hook) {
        control_refuse(call, 404, "no such webhook", "none has this id");
        return;
    }
    remove_hook(hooks->books, hook);
    call->status = 204;
}

void hook_control_clear(struct hooks *hooks, struct call *call)
{
    for (size_t i = 0; i < hooks->books->hook_count; i++) {
        if (!hooks->books->hooks[i]->removed) {
            remove_hook(hooks->books, hooks->books->hooks[i]);
        }
    }
    call->status = 204;
}

/* ---- behaviour ------------------------------------------------------------------------------- */

static bool read_member(struct hook_behaviour *behaviour, const char *name, const json_t *value)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            int64_t number = json_integer_value(value);
            *number_at(behaviour, i) = number;
            return json_is_integer(value) && number >= numbers[i].least &&
                   number <= numbers[i].most;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        if (strcmp(name, switches[i].name) == 0) {
            *switch_at(behaviour, i) = json_is_true(value);
            return json_is_boolean(value);
        }
    }
    if (strcmp(name, "loss") == 0) {
        double share = json_number_value(value);
        bool good = json_is_number(value) && share >= 0.0 && share <= 1.0;
        behaviour->loss_per_million = good ? (uint32_t)(share * 1e6 + 0.5) : 0;
        return good;
    }
    return strcmp(name, "seed") == 0 && json_is_integer(value);
}

/* Each member is optional; one that is wrong leaves all as they are. */
void hook_control_behave(struct hooks *hooks, struct call *call)
{
    struct hook_behaviour behaviour = hooks->behaviour;
    const char *name;
    json_t *value;
    if (!control_parse(call)) {
        return;
    }
    bool good = json_is_object(call->json);
    json_object_foreach(call->json, name, value)
    {
        good = good && read_member(&behaviour, name, value);
    }
    if (!good || behaviour.repeat_least > behaviour.repeat_most) {
        control_refuse(call, 422, "bad behaviour",
                       "known are hold, early, repeat_least, repeat_most (0 to 100), loss (0 to "
                       "1), delay_ms, disorder_ms, retry_ms, retry_ms_most (up to a day), "
                       "retry_count (0 to 1000) and seed");
        return;
    }
    hooks->behaviour = behaviour;
    const json_t *seed = json_object_get(call->json, "seed");
    if (seed) {
        rng_seed(&hooks->rng, (uint64_t)json_integer_value(seed));
    }
    hook_control_show(hooks, call);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void put_event(struct json_out *out, const struct hook_event *event)
{
    char text[CLOCK_TEXT_SIZE];
    json_begin_object(out);
    json_put_int(out, "number", event->number);
    json_put_str(out, "id", event->id);
    json_put_cstr(out, "provider", sandbox_provider_names[event->provider]);
    json_put_str(out, "account", event->account);
    json_put_str(out, "name", event->name);
    json_put_str(out, "object", event->object);
    json_put_str(out, "reference", event->reference);
    json_put_str(out, "invoice", event->invoice);
    json_put_str(out, "time", clock_format_ms(event->created_us, text));
    json_put_int(out, "waiting", (int64_t)event->waiting);
    json_put_int(out, "tries", event->try_count);
    json_put_int(out, "told", event->told_count);
    json_end_object(out);
}

static bool is_asked_for(const struct hook_event *event, struct str invoice, struct str reference)
{
    return (invoice.len == 0 || str_eq(event->invoice, invoice)) &&
           (reference.len == 0 || str_eq(event->reference, reference));
}

/* ?invoice= ?reference= filter; ?since= and ?limit= page by number, oldest first. */
void hook_control_events(struct hooks *hooks, struct call *call)
{
    struct str invoice = STR_NONE;
    struct str reference = STR_NONE;
    int64_t since = control_query_number(call, "since", 0);
    int64_t limit = control_query_number(call, "limit", INT64_MAX);
    struct json_out out;
    (void)call_query(call, "invoice", &invoice);
    (void)call_query(call, "reference", &reference);
    control_begin(call, &out);
    json_key(&out, "events");
    json_begin_array(&out);
    for (struct link *at = hooks->events.next; at != &hooks->events && limit > 0; at = at->next) {
        const struct hook_event *event = LIST_OWNER(at, struct hook_event, link);
        if (event->number > since && is_asked_for(event, invoice, reference)) {
            put_event(&out, event);
            limit--;
        }
    }
    json_end_array(&out);
    json_put_int(&out, "last", hooks->last_number);
    json_end_object(&out);
}

/* {"events": ["WH-...", ...]}: one after the other, each when the one before it was accepted (or
 * given up). */
void hook_control_send(struct hooks *hooks, struct call *call)
{
    if (!control_parse_large(call)) {
        return;
    }
    const json_t *ids = json_object_get(call->json, "events");
    size_t count = json_array_size(ids);
    if (count == 0 || count > SEND_MAX) {
        control_refuse(call, 422, "bad events", "events must be a list of 1 to 10000 ids");
        return;
    }
    struct hook_event **events = ARENA_ARRAY(call->arena, struct hook_event *, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_array_get(ids, i);
        events[i] = hooks_find(hooks, (struct str){json_string_value(id), json_string_length(id)});
        if (!events[i]) {
            control_refuse(call, 404, "no such event", "one of the ids is no event's");
            return;
        }
    }
    if (!hooks_send(hooks, events, count, call->now_us)) {
        control_refuse(call, 503, "no room", "too much waits to be sent");
        return;
    }
    struct json_out out;
    control_begin(call, &out);
    call->status = 202;
    json_put_int(&out, "waiting", (int64_t)hooks->delivery_count);
    json_end_object(&out);
}

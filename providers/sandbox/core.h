/*
 * core.h - the sandbox without sockets: a request in, an answer out. The server around it adds time
 * (latency, hangs) and bad manners (resets, refusals); the unit tests need no more than this.
 * Before each answer, payouts that are due become what they are to become; whatever is committed is
 * told by webhook.
 */
#ifndef SANDBOX_CORE_H
#define SANDBOX_CORE_H

#include "http/route.h"
#include "providers/sandbox/call.h"
#include "providers/sandbox/faults.h"

enum {
    CORE_BODY_MAX = 512 << 20, /* all of /books */
    CORE_COUNTER_MAX = 96,
};

struct core_counter { /* requests that arrived whole, by what they asked */
    enum sandbox_provider provider;
    enum sandbox_operation operation;
    enum http_method method;
    const char *pattern; /* of the route; "" when none fits */
    int64_t count;
};

struct core {
    struct books books;
    struct payouts payouts;
    struct hooks hooks;
    struct faults faults;
    struct sandbox_settings settings;
    int64_t default_delay_ms;
    struct table busy;
    struct buf body;
    struct core_counter counters[CORE_COUNTER_MAX];
    size_t counter_count;
    const char *scheme; /* "https" */
};

/* One provider's API. */
struct dialect {
    enum sandbox_provider provider;
    const struct route *routes;
    const size_t *route_count;
    enum sandbox_operation (*operation)(int route, struct str body);
    void (*answer)(struct call *call);                 /* call->route is set; 0: answers 404 */
    void (*fault_body)(struct call *call, int status); /* 429, 500, 503 */
};

bool core_open(struct core *core, const char *books_file, int64_t delay_ms, const char *scheme,
               struct error *err) MUST_USE;
void core_close(struct core *core);

/*
 * Fill *call for req and find out what it asks. `only` is the provider whose own port it came in
 * by; SANDBOX_NONE: the common port, where all paths are known and the control API is.
 */
void core_classify(struct core *core, const struct http_request *req, struct arena *arena,
                   enum sandbox_provider only, int64_t now_us, struct call *call);
/* The same for a request that waited: it is not counted again. */
void core_classify_again(struct core *core, const struct http_request *req, struct arena *arena,
                         enum sandbox_provider only, int64_t now_us, struct call *call);
/* Let what is due by now happen, and be told. */
bool core_ripen(struct core *core, int64_t now_us, struct error *err) MUST_USE;
/* When the next payout or batch of them changes by itself. */
int64_t core_next_due_us(const struct core *core); /* INT64_MAX: never */
/* Do it and commit it: the answer is in *call; its body is valid until the next core_ call. */
void core_answer(struct core *core, struct call *call);
/* The provider's own error body for 429, 500, 503 instead of doing anything. */
void core_answer_fault(struct core *core, struct call *call, int status);
/* 200 and no JSON, in place of the answer. */
void core_answer_garbage(struct core *core, struct call *call);
/* Every amount in the answer is one minor unit away from what it was. */
void core_answer_other_amount(struct call *call);
/* The answer has left (or never will): repeats of its key are no longer in conflict with it. */
void core_release_key(struct core *core, struct str busy_name);

/* Forget everything but the settings' defaults. */
bool core_reset(struct core *core, struct error *err) MUST_USE;
/* A pending charge or hold comes to its end, as the provider would bring it there. */
void core_settle(struct call *call, struct book_entry *entry, bool completed);

/* control.c */
extern const struct route control_routes[];
extern const size_t control_route_count;
void control_answer(struct core *core, struct call *call);

#endif

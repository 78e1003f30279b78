#include "dashboard/levels_page.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/message.h"
#include "payment/levels.h"

enum {
    ARENA_BYTES_MAX = 16 << 20,
    BODY_BYTES_MAX = 4 << 20,
};

struct asking {              /* until the database has answered */
    struct http_exchange *x; /* NULL: the client is gone */
    struct arena arena;
    char month[8];
};

static void reply(struct http_exchange *x, enum message message, struct str detail)
{
    struct buf body;
    buf_init(&body, 4096);
    message_print(message, detail, STR_NONE, STR_NONE, str_of(http_request_id(x)), &body);
    http_reply(x, &(struct http_response){
                      .status = message_entry(message)->status,
                      .content_type = STR("application/problem+json"),
                      .body = buf_str(&body),
                  });
    buf_release(&body);
}

static void levels_came(void *ctx, enum store_find found, const struct levels *levels,
                        const struct error *why)
{
    struct asking *asking = ctx;
    struct http_exchange *x = asking->x;
    (void)why;
    if (found == STORE_FAILED) {
        reply(x, MESSAGE_UNAVAILABLE, STR("the ledger does not answer"));
    } else {
        struct buf body;
        struct json_out json;
        buf_init(&body, BODY_BYTES_MAX);
        json_out_init(&json, &body);
        levels_print(levels, str_of(asking->month), &json);
        http_reply_json(x, 200, buf_str(&body));
        buf_release(&body);
    }
    arena_release(&asking->arena);
    free(asking);
}

void levels_page_start(struct http_exchange *x, struct store *store)
{
    struct error err;
    struct str month;
    int64_t from_us = 0;
    int64_t to_us = 0;
    const struct uuid all = {{0}};
    char now[8];
    if (!http_query(x, "month", &month)) {
        month = levels_month_of(clock_wall_us(), now);
    }
    if (!levels_month(month, &from_us, &to_us, &err)) {
        reply(x, MESSAGE_INVALID_MEMBER, str_of(err.text));
        return;
    }
    struct asking *asking = calloc(1, sizeof(*asking));
    CHECK(asking != NULL);
    asking->x = x;
    arena_init(&asking->arena, ARENA_BYTES_MAX);
    (void)str_copy_to(month, asking->month, sizeof(asking->month));
    levels_read(store, &all, from_us, to_us, &asking->arena, levels_came, asking);
}

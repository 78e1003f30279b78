/* The words of orders, and their keys. */
#include "ledger/order.h"

#include <stdio.h>

#define KEY_PREFIX "\302\247payout:" /* as in sql_orders.c */

static const char *const state_names[ORDER_STATE_COUNT] = {
    [ORDER_NONE] = "none",         [ORDER_REQUIRES_APPROVAL] = "requires_approval",
    [ORDER_QUEUED] = "queued",     [ORDER_RUNNING] = "running",
    [ORDER_BEGUN] = "begun",       [ORDER_FAILED] = "failed",
    [ORDER_CANCELED] = "canceled", [ORDER_REJECTED] = "rejected",
};

const char *order_state_name(enum order_state state)
{
    CHECK((unsigned)state < ORDER_STATE_COUNT);
    return state_names[state];
}

enum order_state order_state_find(struct str name)
{
    for (int i = ORDER_NONE + 1; i < ORDER_STATE_COUNT; i++) {
        if (str_eq(name, str_of(state_names[i])))
            return (enum order_state)i;
    }
    /* A batch that is neither waiting for approval nor ended. */
    return str_eq(name, STR("open")) ? ORDER_QUEUED : ORDER_NONE;
}

struct str order_key(const struct uuid *order_id, int32_t try_number, char out[ORDER_KEY_SIZE])
{
    char id[UUID_TEXT_SIZE];
    int len = snprintf(out, ORDER_KEY_SIZE, KEY_PREFIX "%s:%d", uuid_format(order_id, id).at,
                       (int)try_number);
    CHECK(len > 0 && len < ORDER_KEY_SIZE);
    return (struct str){out, (size_t)len};
}

bool order_key_is(struct str key)
{
    return str_starts(key, STR("\302\247"));
}

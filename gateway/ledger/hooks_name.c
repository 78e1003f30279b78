/* The names of states and of deliveries. */
#include "ledger/hooks.h"

#include <string.h>

static const char *const state_names[HOOK_STATE_COUNT] = {
    [HOOK_NONE] = "",           [HOOK_WAITING] = "waiting",
    [HOOK_SENDING] = "sending", [HOOK_DELIVERED] = "delivered",
    [HOOK_FAILED] = "failed",   [HOOK_SKIPPED] = "skipped",
};

const char *hook_state_name(enum hook_state state)
{
    CHECK((unsigned)state < HOOK_STATE_COUNT);
    return state_names[state];
}

enum hook_state hook_state_find(struct str name)
{
    for (unsigned i = HOOK_NONE + 1; i < HOOK_STATE_COUNT; i++) {
        if (str_eq(name, str_of(state_names[i])))
            return (enum hook_state)i;
    }
    return HOOK_NONE;
}

/* ---- the name of a delivery ------------------------------------------------------------------ */

enum {
    PREFIX_LEN = 4,
    DIGIT_COUNT = 26,
};

struct str hook_delivery_id(const struct uuid *endpoint_id, const struct uuid *event_id,
                            char out[HOOK_DELIVERY_ID_SIZE])
{
    char endpoint[ID_TEXT_SIZE];
    char event[ID_TEXT_SIZE];
    (void)id_format(ID_ENDPOINT, endpoint_id, endpoint);
    (void)id_format(ID_EVENT, event_id, event);
    memcpy(out, "dlv_", PREFIX_LEN);
    memcpy(out + PREFIX_LEN, event + PREFIX_LEN, DIGIT_COUNT);
    memcpy(out + PREFIX_LEN + DIGIT_COUNT, endpoint + PREFIX_LEN, DIGIT_COUNT + 1);
    return (struct str){out, PREFIX_LEN + 2 * DIGIT_COUNT};
}

bool hook_delivery_parse(struct str text, struct uuid *endpoint_id, struct uuid *event_id)
{
    char part[ID_TEXT_SIZE];
    struct error ignored;
    if (text.len != PREFIX_LEN + 2 * DIGIT_COUNT ||
        !str_eq_nocase(str_sub(text, 0, PREFIX_LEN), STR("dlv_")))
        return false;
    memcpy(part, "evt_", PREFIX_LEN);
    memcpy(part + PREFIX_LEN, text.at + PREFIX_LEN, DIGIT_COUNT);
    if (!id_parse(ID_EVENT, (struct str){part, PREFIX_LEN + DIGIT_COUNT}, event_id, &ignored))
        return false;
    memcpy(part, "whe_", PREFIX_LEN);
    memcpy(part + PREFIX_LEN, text.at + PREFIX_LEN + DIGIT_COUNT, DIGIT_COUNT);
    return id_parse(ID_ENDPOINT, (struct str){part, PREFIX_LEN + DIGIT_COUNT}, endpoint_id,
                    &ignored);
}

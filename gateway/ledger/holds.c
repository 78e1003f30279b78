#include "ledger/holds.h"

#include "base/clock.h"

enum {
    FIELD_END = 0x1F, /* as SQL writes them; authors and reasons hold no control characters */
    HOLD_END = 0x1E,
};

#define WEEK_US (INT64_C(7) * 86400 * CLOCK_SECOND_US)

static const struct str kind_names[HOLD_KIND_COUNT] = {
    [HOLD_NONE] = STR_INIT("open"),
    [HOLD_MAINTENANCE] = STR_INIT("maintenance"),
    [HOLD_DRAINED] = STR_INIT("drained"),
    [HOLD_DISABLED] = STR_INIT("disabled"),
};

const char *hold_kind_name(enum hold_kind kind)
{
    CHECK((unsigned)kind < HOLD_KIND_COUNT);
    return kind_names[kind].at;
}

enum hold_kind hold_kind_find(struct str name)
{
    for (int kind = HOLD_NONE + 1; kind < HOLD_KIND_COUNT; kind++) {
        if (str_eq(kind_names[kind], name))
            return (enum hold_kind)kind;
    }
    return HOLD_NONE;
}

static bool parse_one(struct str text, struct hold *hold)
{
    struct error ignored;
    *hold = (struct hold){.kind = HOLD_NONE};
    bool is_ok = uuid_parse(str_cut(&text, FIELD_END), &hold->hold_id, &ignored);
    hold->kind = hold_kind_find(str_cut(&text, FIELD_END));
    is_ok = str_to_int64(str_cut(&text, FIELD_END), &hold->from_us) && is_ok;
    is_ok = str_to_int64(str_cut(&text, FIELD_END), &hold->until_us) && is_ok;
    hold->weekly = str_eq(str_cut(&text, FIELD_END), STR("t"));
    hold->author = str_cut(&text, FIELD_END);
    hold->reason = text;
    return is_ok && hold->kind != HOLD_NONE;
}

size_t holds_parse(struct str text, struct hold out[HOLD_MAX])
{
    size_t count = 0;
    while (text.len > 0 && count < HOLD_MAX) {
        if (parse_one(str_cut(&text, HOLD_END), &out[count]))
            count++;
    }
    return count;
}

bool hold_is_on(const struct hold *hold, int64_t now_us, int64_t *until_us)
{
    *until_us = hold->until_us;
    if (now_us < hold->from_us)
        return false;
    if (!hold->weekly)
        return hold->until_us == 0 || now_us < hold->until_us;
    int64_t into_us = (now_us - hold->from_us) % WEEK_US;
    int64_t left_us = hold->until_us - hold->from_us - into_us;
    *until_us = now_us + left_us;
    return left_us > 0;
}

bool holds_now(struct str text, int64_t now_us, struct hold *out)
{
    struct hold hold;
    out->kind = HOLD_NONE;
    while (text.len > 0) {
        int64_t until_us = 0;
        bool is_one = parse_one(str_cut(&text, HOLD_END), &hold);
        if (is_one && hold.kind > out->kind && hold_is_on(&hold, now_us, &until_us)) {
            *out = hold;
            out->until_us = until_us;
        }
    }
    return out->kind != HOLD_NONE;
}

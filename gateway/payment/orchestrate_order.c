#include "payment/orchestrate_internal.h"

bool orchestrate_has_next(const struct orchestrate *o)
{
    uint8_t count = o->is_decided_anew ? o->candidate_count : o->order_count;
    return o->attempt_number < count &&
           (o->attempt_number < o->limits.attempt_max || HAS_BUG(BUG_TOO_MANY_ATTEMPTS));
}

void orchestrate_begin_attempt(struct orchestrate *o)
{
    CHECK(o->attempt_number < o->candidate_count);
    CHECK(o->is_decided_anew || o->attempt_number < o->order_count);
    orchestrate_attempt_begin(&o->attempt);
    o->attempt.candidate = o->order[o->attempt_number];
    o->attempt_number++;
}

void orchestrate_decide_anew(struct orchestrate *o, size_t first_count)
{
    CHECK(o->phase == PHASE_NEW && !o->is_resumed);
    CHECK(first_count >= 1 && first_count <= o->candidate_count);
    o->is_decided_anew = true;
    o->order_count = (uint8_t)first_count;
}

/* `order` holds every candidate once. */
static uint8_t find_place(const struct orchestrate *o, uint8_t candidate)
{
    uint8_t place = 0;
    CHECK(candidate < o->candidate_count);
    while (o->order[place] != candidate && place + 1 < o->candidate_count)
        place++;
    return place;
}

int orchestrate_reorder(struct orchestrate *o, const uint8_t *order, size_t count,
                        uint8_t attempt_max)
{
    CHECK(o->phase == PHASE_PREPARING && o->resume_phase == PHASE_SWITCHING);
    CHECK(o->is_decided_anew && o->attempt.send_count == 0);
    if (attempt_max > 0 && (attempt_max < o->limits.attempt_max || HAS_BUG(BUG_BOUND_RAISED)))
        o->limits.attempt_max = attempt_max;
    uint8_t tried = (uint8_t)(o->attempt_number - 1);
    uint8_t end = tried; /* of those who were tried, and of those named again so far */
    for (size_t i = 0; i < count; i++) {
        uint8_t place = find_place(o, order[i]);
        if (HAS_BUG(BUG_TRIED_AGAIN) && place < tried && end < o->candidate_count)
            place = end;
        if (place < end)
            continue;
        o->order[place] = o->order[end];
        o->order[end++] = order[i];
    }
    bool is_nobody = end == tried;
    o->is_decided_anew = !is_nobody;
    o->order_count = is_nobody ? o->attempt_number : end;
    if (is_nobody)
        return ORCHESTRATE_NOBODY;
    o->attempt.candidate = o->order[tried];
    return o->attempt.candidate;
}

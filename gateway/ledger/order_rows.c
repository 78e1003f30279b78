#include "ledger/order_rows.h"

#include <string.h>

#include "base/clock.h"

/* An id carries its time; the two may differ by what clocks of several hosts do. */
#define CLOCK_SLACK_MS INT64_C(3600000)

void order_currency(const PGresult *res, int row, int column, char out[4])
{
    (void)str_copy_to(column_text(res, row, column), out, 4);
}

struct order_note order_take_note(const PGresult *res, int row, struct arena *arena)
{
    return (struct order_note){
        .subject_id = column_uuid(res, row, 0),
        .decision = column_copy(res, row, 1, arena),
        .key_id = column_uuid(res, row, 2),
        .role = column_copy(res, row, 3, arena),
        .created_us = column_time(res, row, 4),
    };
}

/* The smallest id that an object of this millisecond can have. */
static struct uuid id_bound(int64_t ms)
{
    struct uuid id = {{0}};
    for (unsigned i = 0; i < 6 && ms > 0; i++)
        id.byte[i] = (uint8_t)((uint64_t)ms >> (40 - 8 * i));
    return id;
}

void order_put_nullable(struct params *params, struct str text)
{
    if (text.len > 0)
        params_text(params, text);
    else
        params_null(params);
}

void order_put_page(struct params *params, const struct payout_filter *filter)
{
    struct uuid below;
    struct uuid least = {{0}};
    memset(below.byte, 0xff, sizeof(below.byte));
    if (filter->to_us > 0)
        below = id_bound(filter->to_us / CLOCK_MS_US + CLOCK_SLACK_MS);
    if (!uuid_is_zero(&filter->after) && uuid_compare(&filter->after, &below) < 0)
        below = filter->after;
    if (filter->from_us > 0)
        least = id_bound(filter->from_us / CLOCK_MS_US - CLOCK_SLACK_MS);
    params_uuid(params, &below);
    params_uuid(params, &least);
    params_time(params, filter->from_us);
    params_time(params, filter->to_us > 0 ? filter->to_us : INT64_C(1) << 60);
    order_put_nullable(params, filter->status);
}

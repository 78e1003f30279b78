#include "ledger/view.h"

#include "ledger/value.h"

static void column_currency(const PGresult *res, int row, int column, char out[4])
{
    (void)str_copy_to(column_text(res, row, column), out, 4);
}

static void take_payment(struct view *view, const PGresult *res, int row,
                         struct store_payment_view *payment)
{
    struct arena *arena = view->arena;
    payment->row = (struct store_payment){
        .merchant_id = view->merchant_id,
        .payment_id = column_uuid(res, row, 0),
        .created_us = column_time(res, row, 1),
        .amount_minor = column_int8(res, row, 2),
        .capture_automatic = column_bool(res, row, 4),
        .livemode = column_bool(res, row, 5),
        .reference = column_copy(res, row, 6, arena),
        .try_number = column_int4(res, row, 7),
        .method_type = column_copy(res, row, 8, arena),
        .country = column_copy(res, row, 9, arena),
        .key = column_copy(res, row, 10, arena),
        .writer_id = column_uuid(res, row, 11),
        .customer_json = column_copy(res, row, 12, arena),
        .metadata_json = column_copy(res, row, 13, arena),
        .routing_json = column_copy(res, row, 14, arena),
        .tokens_sealed = column_copy(res, row, 15, arena),
    };
    column_currency(res, row, 3, payment->row.currency);
    column_digest(res, row, 16, payment->row.fingerprint);
    payment->status = PAYMENT_PROCESSING;
    payment->updated_us = payment->row.created_us;
    if (!column_is_null(res, row, 17)) {
        payment->status = payment_status_find(column_text(res, row, 17));
        payment->event_count = column_int4(res, row, 18);
        payment->updated_us = column_time(res, row, 19);
    }
    payment->authorized = column_int8(res, row, 20);
    payment->captured = column_int8(res, row, 21);
    payment->refunded = column_int8(res, row, 22);
    payment->row.is_payout = str_eq(column_text(res, row, 23), store_kind_name(STORE_PAYOUTS));
    payment->capture_open = column_int8(res, row, 25);
    payment->refund_open = column_int8(res, row, 26);
    payment->hold_reference = column_copy(res, row, 27, arena);
    if (!column_is_null(res, row, 28))
        payment->hold_ends_us = column_time(res, row, 28);
    if (!column_is_null(res, row, 29))
        payment->row.erased_us = column_time(res, row, 29);
    if (!column_is_null(res, row, 30))
        payment->row.archived_us = column_time(res, row, 30);
    if (!column_is_null(res, row, 24)) {
        payment->row.parent_id = column_uuid(res, row, 24);
        payment->row.operation = operation_find(column_text(res, row, 23));
    }
}

void view_take_payments(struct view *view, const PGresult *res, size_t limit)
{
    view->count = (size_t)PQntuples(res);
    if (view->count > limit)
        view->count = limit;
    view->payments = ARENA_ARRAY(view->arena, struct store_payment_view, view->count);
    for (size_t i = 0; i < view->count; i++)
        take_payment(view, res, (int)i, &view->payments[i]);
}

static void take_attempt(struct view *view, const PGresult *res, int row,
                         struct store_attempt_view *attempt)
{
    struct arena *arena = view->arena;
    attempt->row = (struct store_attempt){
        .merchant_id = view->merchant_id,
        .payment_id = column_uuid(res, row, 0),
        .attempt_id = column_uuid(res, row, 1),
        .number = column_int4(res, row, 2),
        .operation = operation_find(column_text(res, row, 3)),
        .account_id = column_uuid(res, row, 4),
        .provider = column_copy(res, row, 5, arena),
        .amount_minor = column_int8(res, row, 6),
        .decision_json = column_copy(res, row, 8, arena),
        .expected_fee_minor = column_is_null(res, row, 10) ? -1 : column_int8(res, row, 10),
        .created_us = column_time(res, row, 11),
        .writer_id = column_uuid(res, row, 12),
    };
    column_currency(res, row, 7, attempt->row.currency);
    column_digest(res, row, 9, attempt->row.token_hash);
    attempt->parked = !column_is_null(res, row, 13);
    attempt->is_canceled = column_bool(res, row, 13);
    attempt->late.exists = !column_is_null(res, row, 14);
    attempt->late.held_minor = column_int8(res, row, 14);
    attempt->late.open_minor = column_int8(res, row, 15);
    if (!column_is_null(res, row, 16))
        attempt->late.ends_us = column_time(res, row, 16);
}

void view_take_attempts(struct view *view, const PGresult *res)
{
    size_t row_count = (size_t)PQntuples(res);
    view->attempts = ARENA_ARRAY(view->arena, struct store_attempt_view, row_count);
    size_t at = 0;
    for (size_t i = 0; i < row_count; i++) {
        struct store_attempt_view *attempt = &view->attempts[i];
        take_attempt(view, res, (int)i, attempt);
        while (at < view->count &&
               !uuid_eq(&view->payments[at].row.payment_id, &attempt->row.payment_id))
            at++;
        if (at == view->count)
            break;
        struct store_payment_view *payment = &view->payments[at];
        if (payment->attempt_count == 0)
            payment->attempts = attempt;
        payment->attempt_count++;
        view->attempt_count++;
    }
}

/* The attempt that this row belongs to, at or after *at; NULL when there is none. */
static struct store_attempt_view *find_attempt(struct view *view, const PGresult *res, int row,
                                               size_t *at)
{
    struct uuid attempt_id = column_uuid(res, row, 0);
    while (*at < view->attempt_count && !uuid_eq(&view->attempts[*at].row.attempt_id, &attempt_id))
        ++*at;
    return *at < view->attempt_count ? &view->attempts[*at] : NULL;
}

void view_take_sends(struct view *view, const PGresult *res)
{
    struct arena *arena = view->arena;
    struct store_send *sends = ARENA_ARRAY(arena, struct store_send, (size_t)PQntuples(res));
    size_t at = 0;
    for (int row = 0; row < PQntuples(res); row++) {
        struct store_attempt_view *attempt = find_attempt(view, res, row, &at);
        if (attempt == NULL)
            return;
        sends[row] = (struct store_send){
            .merchant_id = view->merchant_id,
            .attempt_id = attempt->row.attempt_id,
            .number = column_int4(res, row, 1),
            .step = column_copy(res, row, 2, arena),
            .moves_money = column_bool(res, row, 3),
            .adapter_version = column_copy(res, row, 4, arena),
            .provider_key = column_copy(res, row, 5, arena),
            .key_valid_until_us = column_time(res, row, 6),
            .not_after_us = column_time(res, row, 7),
            .body_sealed = column_copy(res, row, 8, arena),
            .created_us = column_time(res, row, 9),
        };
        if (attempt->send_count == 0)
            attempt->sends = &sends[row];
        attempt->send_count++;
    }
}

void view_take_outcomes(struct view *view, const PGresult *res)
{
    struct arena *arena = view->arena;
    struct store_outcome *outcomes =
        ARENA_ARRAY(arena, struct store_outcome, (size_t)PQntuples(res));
    size_t at = 0;
    for (int row = 0; row < PQntuples(res); row++) {
        struct store_attempt_view *attempt = find_attempt(view, res, row, &at);
        if (attempt == NULL)
            return;
        outcomes[row] = (struct store_outcome){
            .merchant_id = view->merchant_id,
            .attempt_id = attempt->row.attempt_id,
            .number = column_int4(res, row, 1),
            .send_number = column_int4(res, row, 2),
            .outcome = outcome_find(column_text(res, row, 3)),
            .left = column_bool(res, row, 4),
            .code = column_copy(res, row, 5, arena),
            .reason = column_copy(res, row, 6, arena),
            .reference = column_copy(res, row, 7, arena),
            .facts_json = column_copy(res, row, 8, arena),
            .debug_id = column_copy(res, row, 9, arena),
            .http_status = column_int4(res, row, 10),
            .fee_minor = column_is_null(res, row, 11) ? -1 : column_int8(res, row, 11),
            .elapsed_us = column_int8(res, row, 12),
            .created_us = column_time(res, row, 13),
        };
        if (attempt->outcome_count == 0)
            attempt->outcomes = &outcomes[row];
        attempt->outcome_count++;
    }
}

#include "payment/driver.h"

#include <string.h>

#include "ledger/order.h"
#include "payment/facts.h"
#include "payment/testmethod.h"

static struct str or_empty_object(struct drive *drive, struct str json)
{
    return json.len > 0 ? arena_str(&drive->arena, json) : STR("{}");
}

void drive_view_init(struct drive *drive, size_t attempt_room)
{
    drive->attempt_room = attempt_room;
    drive->rows = ARENA_ARRAY(&drive->arena, struct drive_rows, attempt_room);
    struct drive_view *const views[] = {&drive->committed, &drive->planned};
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        views[i]->attempts = ARENA_ARRAY(&drive->arena, struct store_attempt_view, attempt_room);
        views[i]->payment.attempts = views[i]->attempts;
    }
}

static void copy_row(struct drive *drive, const struct payment_request *request)
{
    struct arena *arena = &drive->arena;
    struct store_payment *row = &drive->committed.payment.row;
    row->merchant_id = drive->merchant->merchant_id;
    row->is_payout = request->is_payout;
    row->created_us = drive->started_us;
    row->amount_minor = request->amount_minor;
    memcpy(row->currency, request->currency->code, sizeof(row->currency));
    row->capture_automatic = request->capture_automatic;
    row->livemode = drive->merchant->livemode;
    row->reference = arena_str(arena, request->reference);
    row->method_type = arena_str(arena, request->method_type);
    row->country = arena_str(arena, facts_country(request));
    row->customer_json = or_empty_object(drive, request->customer_json);
    if (request->is_payout)
        row->customer_json = drive_show_beneficiary(drive->beneficiary, arena);
    row->metadata_json = or_empty_object(drive, request->metadata_json);
    row->routing_json = or_empty_object(drive, request->routing_json);
    row->key = arena_str(arena, request->key);
    memcpy(row->fingerprint, request->fingerprint, sizeof(row->fingerprint));
    row->writer_id = drive->payments->parts.writer_id;
}

void drive_take_request(struct drive *drive, const struct payment_request *request)
{
    CHECK(request->amount_minor > 0 && request->amount_minor <= MONEY_AMOUNT_MAX);
    CHECK(request->key.len > 0 && request->key.len <= 255);
    struct arena *arena = &drive->arena;
    drive->request_id = arena_str(arena, str_of(request->request_id));
    drive->description = arena_str(arena, request->description);
    drive->return_url = arena_str(arena, request->return_url);
    drive->cancel_url = arena_str(arena, request->cancel_url);
    drive->customer_id = arena_str(arena, request->customer_id);
    drive->currency = request->currency;
    drive->operation = facts_operation(request);
    drive->given_id = request->payment_id;
    drive->is_order = order_key_is(request->key);
    if (request->is_payout) {
        CHECK(request->beneficiary != NULL);
        drive->beneficiary = drive_copy_beneficiary(request->beneficiary, arena);
    }
    drive_view_init(drive, drive->payments->config.limits.attempt_max);
    copy_row(drive, request);
    drive_open_view(drive, 1);
    drive_name_key(drive, request->key);
}

void drive_name_key(struct drive *drive, struct str key)
{
    size_t id_size = sizeof(drive->merchant->merchant_id.byte);
    memcpy(drive->hash_key, drive->merchant->merchant_id.byte, id_size);
    memcpy(drive->hash_key + id_size, key.at, key.len);
    drive->hash_key_len = id_size + key.len;
}

void drive_open_view(struct drive *drive, int32_t try_number)
{
    struct store_payment_view *view = &drive->committed.payment;
    view->row.payment_id = uuid_is_zero(&drive->given_id) ? uuid_new() : drive->given_id;
    view->row.try_number = try_number;
    view->status = PAYMENT_PROCESSING;
    view->updated_us = view->row.created_us;
    CHECK(view->attempt_count == 0);
    drive->attempt_number = 0;
    drive->has_request = false;
}

/* The tokens of those who may be asked, and no other. */
void drive_seal_tokens(struct drive *drive)
{
    struct vault_token tokens[ORCHESTRATE_CANDIDATE_MAX];
    size_t count = 0;
    for (size_t i = 0; i < drive->candidate_count; i++) {
        struct str provider = str_of(drive->candidate[i].account->account.provider->name);
        size_t same = 0;
        while (same < count && !str_eq(tokens[same].provider, provider))
            same++;
        if (same == count)
            tokens[count++] = (struct vault_token){provider, drive->candidate[i].token};
    }
    struct store_payment *row = &drive->committed.payment.row;
    if (row->livemode && !row->is_payout && drive->candidate[0].token.len > 0)
        vault_hash_token(&drive->payments->vault, &row->merchant_id, drive->candidate[0].token,
                         row->budget_hash);
    row->tokens_sealed =
        vault_seal_tokens(&drive->payments->vault, &row->merchant_id, &row->payment_id, tokens,
                          count, drive->beneficiary, &drive->arena);
}

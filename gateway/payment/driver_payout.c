#include "payment/driver.h"

#include <assert.h>

#include "base/json.h"

enum {
    SHOWN_BYTES_MAX = 4096,
    IBAN_SHOWN = 4, /* its last characters */
};

enum id_kind drive_id_kind(const struct store_payment *row)
{
    static const enum id_kind kinds[STORE_KIND_COUNT] = {
        [STORE_PAYMENTS] = ID_PAYMENT, [STORE_PAYOUTS] = ID_PAYOUT,
        [STORE_CAPTURES] = ID_CAPTURE, [STORE_VOIDS] = ID_VOID,
        [STORE_REFUNDS] = ID_REFUND,   [STORE_REAUTHORIZATIONS] = ID_REAUTHORIZATION,
    };
    return kinds[store_kind_of(row)];
}

struct str drive_location(const struct store_payment *row, struct arena *arena)
{
    char id[ID_TEXT_SIZE];
    (void)id_format(drive_id_kind(row), &row->payment_id, id);
    if (row->operation == OPERATION_REAUTHORIZE)
        return arena_printf(arena, "/v1/reauthorizations/%s", id);
    return arena_printf(arena, "/v1/" STR_FMT "s/%s", STR_ARG(store_kind_name(store_kind_of(row))),
                        id);
}

/* ---- the beneficiary ---- */

const struct provider_beneficiary *
drive_copy_beneficiary(const struct provider_beneficiary *beneficiary, struct arena *arena)
{
    struct provider_beneficiary *copy = ARENA_ARRAY(arena, struct provider_beneficiary, 1);
    *copy = *beneficiary;
    struct str *const texts[] = {
        &copy->type,         &copy->first_name, &copy->last_name, &copy->business_name,
        &copy->email,        &copy->phone,      &copy->country,   &copy->account_holder,
        &copy->bank_country, &copy->iban,       &copy->bic,       &copy->account_number,
        &copy->routing_code,
    };
    static_assert(sizeof(*copy) == ARRAY_LEN(texts) * sizeof(struct str), "every part is copied");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = arena_str(arena, *texts[i]);
    return copy;
}

static struct str shown_name(const struct provider_beneficiary *beneficiary, struct arena *arena)
{
    struct str first = beneficiary->first_name;
    struct str last = beneficiary->last_name;
    if (beneficiary->business_name.len > 0)
        return beneficiary->business_name;
    if (first.len > 0 && last.len > 0)
        return arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(first), STR_ARG(last));
    if (first.len > 0 || last.len > 0)
        return first.len > 0 ? first : last;
    return beneficiary->account_holder;
}

static void put_text(struct json_out *json, const char *key, struct str text)
{
    if (text.len > 0)
        json_put_str(json, key, text);
    else
        json_put_null(json, key);
}

/* No e-mail, no telephone number, no account: these are only sent to the provider. */
struct str drive_show_beneficiary(const struct provider_beneficiary *beneficiary,
                                  struct arena *arena)
{
    struct buf text;
    struct json_out json;
    struct str iban = beneficiary->iban;
    buf_init(&text, SHOWN_BYTES_MAX);
    json_out_init(&json, &text);
    json_begin_object(&json);
    put_text(&json, "type", beneficiary->type);
    put_text(&json, "name", shown_name(beneficiary, arena));
    put_text(&json, "country", beneficiary->country);
    put_text(&json, "iban_last4",
             iban.len > IBAN_SHOWN ? str_sub(iban, iban.len - IBAN_SHOWN, IBAN_SHOWN) : STR_NONE);
    json_end_object(&json);
    struct str shown = buf_is_ok(&text) ? arena_str(arena, buf_str(&text)) : STR("{}");
    buf_release(&text);
    return shown;
}

/* ---- the status ---- */

/*
 * The core knows neither that money can lie with the provider until somebody takes it, nor why it
 * came back: the adapter's reason says so.
 */
enum payment_status drive_payout_status(const struct orchestrate_write_plan *plan,
                                        struct str reason, bool is_canceled)
{
    bool has_failed = plan->outcome == OUTCOME_FAILED &&
                      (plan->status == PAYMENT_FAILED || plan->status == PAYMENT_DECLINED);
    if (plan->status == PAYMENT_PROCESSING && plan->outcome == OUTCOME_PENDING &&
        str_eq(reason, STR("unclaimed")))
        return PAYMENT_UNCLAIMED;
    if (has_failed && str_eq(reason, STR("canceled")))
        return PAYMENT_CANCELED;
    if (has_failed && str_eq(reason, STR("returned")))
        return is_canceled ? PAYMENT_CANCELED : PAYMENT_RETURNED;
    return plan->status;
}

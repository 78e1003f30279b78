#include "webhook/out_body.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "payment/order_present.h"
#include "payment/present.h"
#include "webhook/out.h"

static void begin(struct json_out *json, struct buf *out, const struct hook_claim *claim)
{
    char id[ID_TEXT_SIZE];
    char time[CLOCK_TEXT_SIZE];
    json_out_init(json, out);
    json_begin_object(json);
    json_put_str(json, "id", id_format(ID_EVENT, &claim->event_id, id));
    json_put_str(json, "type", claim->type);
    json_put_str(json, "timestamp", clock_format_ms(claim->created_us, time));
    json_put_bool(json, "livemode", claim->livemode);
}

void out_body_ping(const struct hook_claim *claim, struct buf *out)
{
    struct json_out json;
    char id[ID_TEXT_SIZE];
    begin(&json, out, claim);
    json_key(&json, "data");
    json_begin_object(&json);
    json_put_str(&json, "id", id_format(ID_ENDPOINT, &claim->endpoint_id, id));
    json_put_cstr(&json, "object", "webhook_endpoint");
    json_end_object(&json);
    json_end_object(&json);
}

void out_body_report(const struct hook_claim *claim, const struct hook_report *report,
                     struct buf *out)
{
    struct json_out json;
    struct buf hash;
    char time[CLOCK_TEXT_SIZE];
    buf_init(&hash, 2 * sizeof(report->sha256));
    begin(&json, out, claim);
    if (report == NULL)
        json_put_bool(&json, "truncated", true);
    json_key(&json, "data");
    json_begin_object(&json);
    json_put_cstr(&json, "object", "report");
    if (report != NULL) {
        crypto_hex((struct str){(const char *)report->sha256, sizeof(report->sha256)}, &hash);
        json_put_str(&json, "name", report->name);
        json_put_str(&json, "what", report->what);
        json_put_str(&json, "period", report->period);
        json_put_str(&json, "from", clock_format_ms(report->from_us, time));
        json_put_str(&json, "to", clock_format_ms(report->to_us, time));
        json_put_str(&json, "file", report->file);
        json_put_int(&json, "rows", report->rows);
        json_put_int(&json, "bytes", report->bytes);
        json_put_str(&json, "sha256", buf_str(&hash));
        json_put_str(&json, "made_at", clock_format_ms(report->made_us, time));
    }
    json_end_object(&json);
    json_end_object(&json);
    buf_release(&hash);
}

static void put_id(struct json_out *json, enum store_kind kind, const struct uuid *payment_id)
{
    static const enum id_kind ids[STORE_KIND_COUNT] = {
        [STORE_ANY] = ID_PAYMENT,
        [STORE_PAYMENTS] = ID_PAYMENT,
        [STORE_PAYOUTS] = ID_PAYOUT,
        [STORE_CAPTURES] = ID_CAPTURE,
        [STORE_VOIDS] = ID_VOID,
        [STORE_REFUNDS] = ID_REFUND,
        [STORE_REAUTHORIZATIONS] = ID_REAUTHORIZATION,
    };
    char id[ID_TEXT_SIZE];
    json_put_bool(json, "truncated", true);
    json_key(json, "data");
    json_begin_object(json);
    json_put_str(json, "id", id_format(ids[kind], payment_id, id));
    json_put_str(json, "object", store_kind_name(kind != STORE_ANY ? kind : STORE_PAYMENTS));
    json_end_object(json);
}

void out_body_payment(const struct hook_claim *claim, const struct store_payment_view *payment,
                      const struct payout_view *payout, const uint8_t *seal_key,
                      struct arena *arena, struct buf *out)
{
    struct json_out json;
    struct buf data;
    enum store_kind kind = payment != NULL ? store_kind_of(&payment->row) : STORE_ANY;
    buf_init(&data, OUT_BODY_MAX);
    if (payout != NULL)
        order_present(payout, seal_key, arena, &data);
    else if (payment != NULL)
        present_payment(payment, &data);
    begin(&json, out, claim);
    if (buf_is_ok(&data) && data.len > 0)
        json_put_raw(&json, "data", buf_str(&data));
    else
        put_id(&json, kind, payout != NULL ? &payout->payout_id : &claim->payment_id);
    json_end_object(&json);
    buf_release(&data);
}

/* order_key: a sign, "payout:", the order's id, ':', the number of the try. */
bool out_body_order(const struct store_payment_view *payment, struct uuid *order_id)
{
    struct str rest = payment->row.key;
    struct error ignored;
    if (!payment->row.is_payout || !order_key_is(rest))
        return false;
    (void)str_cut(&rest, ':');
    return uuid_parse(str_cut(&rest, ':'), order_id, &ignored);
}

#include "payment/explain_internal.h"

#include "router/explain.h"

enum {
    WHY_BYTES_MAX = 4096,
};

static void show(void *ctx, const struct rule_set *rules, const struct route_facts *facts,
                 const struct route_candidate *candidates, size_t count)
{
    struct json_out *json = ctx;
    explain_print_facts(facts, json);
    route_explain(rules, facts, candidates, count, json);
}

void explain_record(const struct history_row *row, const struct replay_sources *sources,
                    struct buf *out)
{
    char id[ID_TEXT_SIZE];
    struct json_out json;
    struct buf why;
    bool is_payout = row->operation == OPERATION_PAYOUT;
    buf_init(&why, WHY_BYTES_MAX);
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "routing_explanation");
    json_put_str(&json, is_payout ? "payout" : "payment",
                 id_format(is_payout ? ID_PAYOUT : ID_PAYMENT, &row->payment_id, id));
    json_put_str(&json, "provider", row->provider);
    enum replay_verdict verdict = replay_show(row, sources, show, &json, &why);
    json_put_raw(&json, "decision", row->decision_json.len > 0 ? row->decision_json : STR("null"));
    json_put_cstr(&json, "replay", replay_verdict_name(verdict));
    if (verdict != REPLAY_SAME)
        json_put_str(&json, "replay_detail", buf_str(&why));
    json_end_object(&json);
    buf_release(&why);
}

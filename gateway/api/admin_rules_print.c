/* Rule sets as JSON, and what is wrong with them. */
#include "api/admin_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "router/check.h"
#include "router/parse.h"

enum {
    WHOLE_CHECK_MAX = 131072, /* bytes: a larger text would hold the worker up for too long */
    FINDINGS_MAX = 1 << 20,
    MOVES_SHOWN = 50,
};

/* ---- findings -------------------------------------------------------------------------------- */

static size_t provider_names(struct str names[ROUTE_CANDIDATE_MAX])
{
    size_t count = 0;
    const struct provider *const *all = provider_all(&count);
    CHECK(count <= ROUTE_CANDIDATE_MAX);
    for (size_t i = 0; i < count; i++)
        names[i] = str_of(all[i]->name);
    return count;
}

bool rules_can_be_used(struct str text, struct error *err)
{
    struct str names[ROUTE_CANDIDATE_MAX];
    size_t count = provider_names(names);
    struct rule_set *rules = rule_set_new(text, names, count, err);
    bool is_ok = rules != NULL;
    rule_set_free(&rules);
    return is_ok;
}

static void put_findings(struct json_out *json, const struct diagnosis *diagnosis)
{
    json_put_bool(json, "valid", diagnosis->error_count == 0);
    json_put_int(json, "errors", (int64_t)diagnosis->error_count);
    json_put_int(json, "warnings", (int64_t)diagnosis->warning_count);
    json_key(json, "findings");
    diagnosis_json(diagnosis, json);
}

static void end_with_findings(struct admin_call *call, const struct diagnosis *diagnosis)
{
    struct json_out json;
    json_out_init(&json, &call->out);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "rule_check");
    put_findings(&json, diagnosis);
    json_end_object(&json);
    admin_end(call, 200);
}

static void refuse(struct admin_call *call, const struct diagnosis *diagnosis, struct buf *findings)
{
    struct error first = {.code = ERROR_NONE};
    (void)diagnosis_first(diagnosis, &first);
    call->reply.findings = arena_str(&call->arena, buf_str(findings));
    admin_fail(call, MESSAGE_INVALID_RULES, "text", "%s", first.text);
}

static void keep_findings(struct admin_call *call, const struct diagnosis *diagnosis, bool is_draft)
{
    struct buf text;
    struct json_out json;
    buf_init(&text, FINDINGS_MAX);
    json_out_init(&json, &text);
    diagnosis_json(diagnosis, &json);
    CHECK(buf_is_ok(&text));
    if (!is_draft)
        end_with_findings(call, diagnosis);
    else if (diagnosis->error_count > 0)
        refuse(call, diagnosis, &text);
    else
        call->rules.findings_json = arena_str(&call->arena, buf_str(&text));
    buf_release(&text);
}

bool rules_check_text(struct admin_call *call, struct str text, bool is_draft)
{
    struct arena arena;
    struct str names[ROUTE_CANDIDATE_MAX];
    size_t count = provider_names(names);
    struct diagnosis *diagnosis = malloc(sizeof(*diagnosis));
    CHECK(diagnosis != NULL);
    arena_init(&arena, CHECK_ARENA_BYTES_MAX);
    diagnosis_init(diagnosis, &arena);
    bool is_served = call->parts.merchants != NULL; /* by a worker that others wait for */
    bool is_right = false;
    if (is_served && text.len > WHOLE_CHECK_MAX) {
        struct ast_tree tree;
        is_right = parse_tree(text, names, count, &arena, &tree, diagnosis);
        diagnosis_sort(diagnosis);
    } else {
        is_right = check_text(text, names, count, NULL, diagnosis);
    }
    keep_findings(call, diagnosis, is_draft);
    free(diagnosis);
    arena_release(&arena);
    return is_draft && is_right;
}

/* ---- versions -------------------------------------------------------------------------------- */

static void put_version(struct json_out *json, const struct rules_version *version)
{
    struct buf hash;
    buf_init(&hash, 64);
    crypto_hex((struct str){(const char *)version->hash, sizeof(version->hash)}, &hash);
    json_put_int(json, "version", version->version);
    json_put_str(json, "hash", buf_str(&hash));
    json_put_str(json, "author", version->author);
    json_put_str(json, "comment", version->comment);
    admin_put_time(json, "created", version->created_us);
    buf_release(&hash);
}

static void put_owner(struct json_out *json, const struct admin_call *call)
{
    admin_put_id(json, "merchant", ID_MERCHANT, &call->merchant_id); /* null: the house */
}

void rules_end_with_version(struct admin_call *call, const struct rules_version *version,
                            int status)
{
    struct json_out json;
    json_out_init(&json, &call->out);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "rule_version");
    put_owner(&json, call);
    put_version(&json, version);
    json_put_str(&json, "text", version->text);
    if (call->rules.findings_json.len > 0)
        json_put_raw(&json, "findings", call->rules.findings_json);
    json_end_object(&json);
    admin_end(call, status);
}

/* ---- what is in force ------------------------------------------------------------------------ */

static void put_number(struct json_out *json, const char *key, int32_t version)
{
    if (version == 0)
        json_put_null(json, key);
    else
        json_put_int(json, key, version);
}

static void put_percent(struct json_out *json, int32_t millionths)
{
    char text[MONEY_TEXT_SIZE];
    if (millionths > 0)
        json_put_str(json, "percent", money_format(millionths, 4, text));
}

static void put_move(struct json_out *json, const struct rules_move *move)
{
    json_begin_object(json);
    json_put_int(json, "number", move->number);
    json_put_cstr(json, "kind", rules_kind_name(move->kind));
    put_number(json, "version", move->version);
    put_number(json, "former", move->former);
    put_percent(json, move->percent_millionths);
    json_put_str(json, "author", move->author);
    json_put_str(json, "reason", move->reason);
    json_put_raw(json, "stop", move->bounds_json.len > 0 ? move->bounds_json : STR("{}"));
    admin_put_time(json, "created", move->created_us);
    json_end_object(json);
}

static void put_tally(struct json_out *json, const char *key, const struct rules_tally *tally)
{
    json_key(json, key);
    json_begin_object(json);
    json_put_int(json, "approved", tally->approved);
    json_put_int(json, "declined", tally->declined);
    json_put_int(json, "unknown", tally->unknown);
    json_put_int(json, "fee_millionths",
                 tally->fee_count > 0 ? tally->fee_sum / tally->fee_count : 0);
    json_end_object(json);
}

static void put_running(struct json_out *json, const char *key, const struct rules_move *move)
{
    if (move == NULL) {
        json_put_null(json, key);
        return;
    }
    json_key(json, key);
    put_move(json, move);
}

void rules_end_with_state(struct admin_call *call, const struct rules_tally *live,
                          const struct rules_tally *canary)
{
    const struct admin_rules *rules = &call->rules;
    struct json_out json;
    json_out_init(&json, &call->out);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "rules");
    put_owner(&json, call);
    put_number(&json, "live", rules_live_version(rules->moves, rules->move_count));
    put_running(&json, "canary", rules_running(rules->moves, rules->move_count, RULES_ARM_CANARY));
    put_running(&json, "shadow", rules_running(rules->moves, rules->move_count, RULES_ARM_SHADOW));
    put_running(&json, "proposal", rules_proposal(rules->moves, rules->move_count));
    if (canary != NULL) {
        json_key(&json, "trial");
        json_begin_object(&json);
        put_tally(&json, "live", live);
        put_tally(&json, "canary", canary);
        json_put_int(&json, "looks", canary->looks);
        json_end_object(&json);
    }
    json_key(&json, "versions");
    json_begin_array(&json);
    for (size_t i = 0; i < rules->version_count; i++) {
        json_begin_object(&json);
        put_version(&json, &rules->versions[i]);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_key(&json, "moves");
    json_begin_array(&json);
    for (size_t i = 0; i < rules->move_count && i < MOVES_SHOWN; i++)
        put_move(&json, &rules->moves[i]);
    json_end_array(&json);
    json_end_object(&json);
    admin_end(call, 200);
}

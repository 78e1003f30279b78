/* The life of rule sets (ledger/rules.h): drafts, publication, four eyes, rolling back. */
#include "api/admin_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"

enum {
    PUT_ROUND_MAX = 4,
};

/* ---- versions -------------------------------------------------------------------------------- */

static void put(struct admin_call *call);

static void put_found(void *ctx, enum store_find found, const struct rules_version *versions,
                      size_t count, const struct error *why)
{
    struct admin_call *call = ctx;
    if (found == STORE_FOUND && count == 1) {
        rules_end_with_version(call, &versions[0], 200); /* the same text: the same version */
    } else if (found == STORE_ABSENT && call->rules.rounds++ < PUT_ROUND_MAX) {
        put(call); /* another version took the number */
    } else if (found == STORE_ABSENT) {
        admin_fail(call, MESSAGE_CONFLICT, NULL, "others write at the same time; try again");
    } else if (!admin_found(call, found, why, "version")) {
        return;
    }
}

static void put_done(void *ctx, enum store_find found, int64_t version, const struct error *why)
{
    struct admin_call *call = ctx;
    struct rules_version *own = &call->rules.version;
    if (found == STORE_FOUND) {
        own->version = (int32_t)version;
        rules_end_with_version(call, own, 201);
    } else if (found == STORE_ABSENT) {
        rules_find(call->parts.store, &call->merchant_id, own->hash, &call->arena, put_found, call);
    } else if (!admin_found(call, found, why, "version")) {
        return;
    }
}

static void put(struct admin_call *call)
{
    rules_put(call->parts.store, &call->rules.version, put_done, call);
}

void admin_rules_put(struct admin_call *call)
{
    struct rules_version *version = &call->rules.version;
    *version = (struct rules_version){
        .merchant_id = call->merchant_id,
        .text = admin_text(call, "text"),
        .comment = admin_text(call, "comment"),
        .author = call->author,
        .created_us = clock_wall_us(),
    };
    crypto_sha256(version->text, version->hash);
    if (rules_check_text(call, version->text, true))
        put(call);
}

void admin_rules_check(struct admin_call *call)
{
    rules_check_text(call, admin_text(call, "text"), false);
}

bool rules_take_version(struct admin_call *call, int32_t *version)
{
    int64_t number = 0;
    if (!str_to_int64(call->name, &number) || number < 1 || number > INT32_MAX) {
        admin_fail(call, MESSAGE_NOT_FOUND, NULL, "there is no such version");
        return false;
    }
    *version = (int32_t)number;
    return true;
}

static void shown(void *ctx, enum store_find found, const struct rules_version *versions,
                  size_t count, const struct error *why)
{
    struct admin_call *call = ctx;
    (void)count;
    if (admin_found(call, found, why, "version"))
        rules_end_with_version(call, &versions[0], 200);
}

void admin_rules_show(struct admin_call *call)
{
    int32_t version = 0;
    if (rules_take_version(call, &version))
        rules_load(call->parts.store, &call->merchant_id, version, &call->arena, shown, call);
}

/* ---- the difference of two ------------------------------------------------------------------- */

static void diff_other(void *ctx, enum store_find found, const struct rules_version *versions,
                       size_t count, const struct error *why)
{
    struct admin_call *call = ctx;
    (void)count;
    if (admin_found(call, found, why, "version"))
        rules_end_with_diff(call, &call->rules.version, &versions[0]);
}

static void diff_one(void *ctx, enum store_find found, const struct rules_version *versions,
                     size_t count, const struct error *why)
{
    struct admin_call *call = ctx;
    int64_t to = admin_number(call, "to", 0);
    (void)count;
    if (!admin_found(call, found, why, "version"))
        return;
    call->rules.version = versions[0];
    rules_load(call->parts.store, &call->merchant_id, (int32_t)to, &call->arena, diff_other, call);
}

void admin_rules_diff(struct admin_call *call)
{
    int32_t version = 0;
    if (rules_take_version(call, &version))
        rules_load(call->parts.store, &call->merchant_id, version, &call->arena, diff_one, call);
}

/* ---- what is in force ------------------------------------------------------------------------ */

static void tallies_read(void *ctx, enum store_find found, const struct rules_tally *live,
                         const struct rules_tally *canary, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_found(call, found, why, "canary"))
        rules_end_with_state(call, live, canary);
}

static void state_versions(void *ctx, enum store_find found, const struct rules_version *versions,
                           size_t count, const struct error *why)
{
    struct admin_call *call = ctx;
    struct admin_rules *rules = &call->rules;
    if (!admin_found(call, found, why, "version"))
        return;
    rules->versions = versions;
    rules->version_count = count;
    const struct rules_move *canary =
        rules_running(rules->moves, rules->move_count, RULES_ARM_CANARY);
    if (canary != NULL)
        rules_tallies(call->parts.store, &call->merchant_id, canary->number, tallies_read, call);
    else
        rules_end_with_state(call, NULL, NULL);
}

static void state_moves(void *ctx, enum store_find found, const struct rules_move *moves,
                        size_t count, const struct error *why)
{
    struct admin_call *call = ctx;
    if (!admin_found(call, found, why, "merchant"))
        return;
    call->rules.moves = moves;
    call->rules.move_count = count;
    rules_list(call->parts.store, &call->merchant_id, &call->arena, state_versions, call);
}

void admin_rules_list(struct admin_call *call)
{
    rules_moves(call->parts.store, &call->merchant_id, &call->arena, state_moves, call);
}

/* ---- moves ----------------------------------------------------------------------------------- */

static void moved(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (found == STORE_ABSENT && why->code == ERROR_CONFLICT)
        admin_fail(call, MESSAGE_CONFLICT, NULL, "somebody else moved first; look again");
    else if (admin_written(call, found, why))
        admin_rules_list(call);
}

static void write_move(struct admin_call *call)
{
    struct admin_rules *rules = &call->rules;
    struct rules_move *move = &rules->move;
    move->number = rules_last_number(rules->moves, rules->move_count) + 1;
    move->former = rules_live_version(rules->moves, rules->move_count);
    move->created_us = clock_wall_us();
    rules_move(call->parts.store, &call->merchant_id, move, moved, call);
}

/* What goes into force can be used here: the text is in the ledger as somebody once put it there. */
static void move_version(void *ctx, enum store_find found, const struct rules_version *versions,
                         size_t count, const struct error *why)
{
    struct admin_call *call = ctx;
    struct error err;
    (void)count;
    if (!admin_found(call, found, why, "version"))
        return;
    if (!rules_can_be_used(versions[0].text, &err))
        admin_fail(call, MESSAGE_CONFLICT, NULL, "this version cannot be used any more: %s",
                   err.text);
    else
        write_move(call);
}

static void move_to(struct admin_call *call, int32_t version)
{
    call->rules.move.version = version;
    if (version == 0)
        write_move(call);
    else
        rules_load(call->parts.store, &call->merchant_id, version, &call->arena, move_version,
                   call);
}

static enum rules_kind kind_of_mode(struct str mode)
{
    return str_eq(mode, STR("canary"))   ? RULES_CANARY
           : str_eq(mode, STR("shadow")) ? RULES_SHADOW
                                         : RULES_PUBLISHED;
}

static bool read_percent(struct admin_call *call, const json_t *object, const char *param,
                         const char *name, int64_t least, int64_t *millionths)
{
    struct error ignored;
    struct str text = json_text(object, name);
    int64_t value = 0;
    if (text.len == 0)
        return true;
    if (!money_parse(text, 4, &value, &ignored) || value < least || value > 1000000) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, param,
                   "must be a percentage with at most 4 decimals, up to 100, as \"0.5\"");
        return false;
    }
    *millionths = value;
    return true;
}

/* How much of it, and when it stops itself; false: the call was ended. */
static bool take_canary(struct admin_call *call)
{
    const json_t *stop = json_object_get(call->body, "stop");
    struct rules_move *move = &call->rules.move;
    struct canary_bounds bounds = canary_bounds_read(STR("{}"));
    int64_t percent = 0;
    struct buf text;
    if (!read_percent(call, call->body, "percent", "percent", 1, &percent) ||
        !read_percent(call, stop, "stop.success_drop", "success_drop", 0,
                      &bounds.success_drop_millionths) ||
        !read_percent(call, stop, "stop.cost_rise", "cost_rise", 0, &bounds.cost_rise_millionths))
        return false;
    if (percent == 0) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, "percent",
                   "say how much of the payments the canary decides, as \"5\"");
        return false;
    }
    const json_t *after = json_object_get(stop, "after_payments");
    if (json_is_integer(after))
        bounds.after_payments = json_integer_value(after);
    move->percent_millionths = (int32_t)percent;
    buf_init(&text, 256);
    canary_bounds_print(&bounds, &text);
    move->bounds_json = arena_str(&call->arena, buf_str(&text));
    buf_release(&text);
    return true;
}

static void publish_moves(void *ctx, enum store_find found, const struct rules_move *moves,
                          size_t count, const struct error *why)
{
    struct admin_call *call = ctx;
    struct admin_rules *rules = &call->rules;
    struct rules_move *move = &rules->move;
    int32_t version = 0;
    if (!admin_found(call, found, why, "merchant") || !rules_take_version(call, &version))
        return;
    rules->moves = moves;
    rules->move_count = count;
    *move = (struct rules_move){
        .kind = kind_of_mode(admin_text(call, "mode")),
        .author = call->author,
        .reason = admin_text(call, "reason"),
    };
    if (move->kind == RULES_CANARY && !take_canary(call))
        return;
    if (rules->needs_approval && move->kind != RULES_SHADOW) /* a canary is told by its percent */
        move->kind = RULES_PROPOSED;
    move_to(call, version);
}

static void approve_moves(void *ctx, enum store_find found, const struct rules_move *moves,
                          size_t count, const struct error *why)
{
    struct admin_call *call = ctx;
    int32_t version = 0;
    if (!admin_found(call, found, why, "merchant") || !rules_take_version(call, &version))
        return;
    const struct rules_move *proposal = rules_proposal(moves, count);
    if (proposal == NULL || proposal->version != version) {
        admin_fail(call, MESSAGE_CONFLICT, NULL, "this version does not wait for an approval");
    } else if (str_eq(proposal->author, call->author)) {
        admin_fail(call, MESSAGE_FORBIDDEN, NULL,
                   "whoever proposed it does not approve it: use another key");
    } else {
        call->rules.moves = moves;
        call->rules.move_count = count;
        call->rules.move = *proposal;
        call->rules.move.kind = proposal->percent_millionths > 0 ? RULES_CANARY : RULES_PUBLISHED;
        call->rules.move.approver = call->author;
        move_to(call, version);
    }
}

static void rollback_moves(void *ctx, enum store_find found, const struct rules_move *moves,
                           size_t count, const struct error *why)
{
    struct admin_call *call = ctx;
    if (!admin_found(call, found, why, "merchant"))
        return;
    if (rules_live_version(moves, count) == 0 &&
        rules_running(moves, count, RULES_ARM_CANARY) == NULL) {
        admin_fail(call, MESSAGE_CONFLICT, NULL,
                   "nothing is published: there is nothing to roll back");
        return;
    }
    call->rules.moves = moves;
    call->rules.move_count = count;
    call->rules.move = (struct rules_move){
        .kind = RULES_ROLLED_BACK,
        .author = call->author,
        .reason = admin_text(call, "reason"),
    };
    move_to(call, rules_former_version(moves, count));
}

static void stop_moves(void *ctx, enum store_find found, const struct rules_move *moves,
                       size_t count, const struct error *why)
{
    struct admin_call *call = ctx;
    bool is_canary = str_eq(admin_text(call, "mode"), STR("canary"));
    if (!admin_found(call, found, why, "merchant"))
        return;
    const struct rules_move *running =
        rules_running(moves, count, is_canary ? RULES_ARM_CANARY : RULES_ARM_SHADOW);
    if (running == NULL) {
        admin_fail(call, MESSAGE_CONFLICT, NULL, "none is running");
        return;
    }
    call->rules.moves = moves;
    call->rules.move_count = count;
    call->rules.move = (struct rules_move){
        .kind = is_canary ? RULES_CANARY_STOPPED : RULES_SHADOW_STOPPED,
        .version = running->version,
        .percent_millionths = running->percent_millionths,
        .bounds_json = running->bounds_json,
        .author = call->author,
        .reason = admin_text(call, "reason"),
    };
    write_move(call);
}

static void read_moves(struct admin_call *call, rules_moves_fn done)
{
    rules_moves(call->parts.store, &call->merchant_id, &call->arena, done, call);
}

static void start_move(struct admin_call *call)
{
    read_moves(call, call->operation == ADMIN_RULES_PUBLISH    ? publish_moves
                     : call->operation == ADMIN_RULES_APPROVE  ? approve_moves
                     : call->operation == ADMIN_RULES_ROLLBACK ? rollback_moves
                                                               : stop_moves);
}

static void move_merchant(void *ctx, enum store_find found, const struct directory_rows *rows,
                          const struct error *why)
{
    struct admin_call *call = ctx;
    if (!admin_found(call, found, why, "merchant"))
        return;
    if (rows->merchant_count == 0) {
        admin_fail(call, MESSAGE_NOT_FOUND, NULL, "there is no such merchant");
        return;
    }
    call->rules.needs_approval = rows->merchants[0].rules_approval;
    start_move(call);
}

/* The house has operators, and no four eyes. */
void admin_rules_move(struct admin_call *call)
{
    if (uuid_is_zero(&call->merchant_id))
        start_move(call);
    else
        directory_load_merchant(call->parts.store, &call->merchant_id, &call->arena, move_merchant,
                                call);
}

/* ---- four eyes ------------------------------------------------------------------------------- */

static void approval_written(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    struct json_out json;
    if (!admin_written(call, found, why))
        return;
    json_out_init(&json, &call->out);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "rules_approval");
    admin_put_id(&json, "merchant", ID_MERCHANT, &call->id);
    json_put_bool(&json, "required", admin_flag(call, "required"));
    json_end_object(&json);
    admin_end(call, 200);
}

void admin_rules_approval(struct admin_call *call)
{
    if (uuid_is_zero(&call->id))
        admin_fail(call, MESSAGE_NOT_FOUND, NULL, "there is no such merchant: name it by its id");
    else
        rules_approval(call->parts.store, &call->id, admin_flag(call, "required"), approval_written,
                       call);
}

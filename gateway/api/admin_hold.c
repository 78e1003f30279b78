/* What holds an account back: switched off, drained, planned maintenance (holds.h). */
#include "api/admin_call.h"

#include "base/clock.h"
#include "ledger/holds.h"

static void put_text(struct json_out *json, const char *key, struct str text)
{
    if (text.len > 0) {
        json_put_str(json, key, text);
    } else {
        json_put_null(json, key);
    }
}

static void print_hold(const struct hold *hold, int64_t now_us, struct json_out *json)
{
    int64_t until_us = 0;
    json_begin_object(json);
    admin_put_id(json, "id", ID_HOLD, &hold->hold_id);
    json_put_cstr(json, "state", hold_kind_name(hold->kind));
    json_put_str(json, "reason", hold->reason);
    json_put_str(json, "author", hold->author);
    admin_put_time(json, "from", hold->from_us);
    admin_put_time(json, "until", hold->until_us);
    json_put_bool(json, "weekly", hold->weekly);
    json_put_bool(json, "active", hold->ended_us <= 0 && hold_is_on(hold, now_us, &until_us));
    admin_put_time(json, "created", hold->created_us);
    admin_put_time(json, "ended", hold->ended_us > 0 ? hold->ended_us : 0);
    put_text(json, "ended_by", hold->ended_by);
    json_end_object(json);
}

static const struct hold *strongest(const struct hold *holds, size_t count, int64_t now_us,
                                    int64_t *until_us)
{
    const struct hold *found = NULL;
    for (size_t i = 0; i < count; i++) {
        int64_t its_until_us = 0;
        if (holds[i].ended_us <= 0 && hold_is_on(&holds[i], now_us, &its_until_us) &&
            (found == NULL || holds[i].kind > found->kind)) {
            found = &holds[i];
            *until_us = its_until_us;
        }
    }
    return found;
}

static void holds_listed(void *ctx, enum store_find found, const struct hold *holds, size_t count,
                         const struct error *why)
{
    struct admin_call *call = ctx;
    struct json_out json;
    int64_t until_us = 0;
    int64_t now_us = clock_wall_us();
    if (!admin_found(call, found, why, "account")) {
        return;
    }
    const struct hold *now = strongest(holds, count, now_us, &until_us);
    const char *state = now != NULL ? hold_kind_name(now->kind) : hold_kind_name(HOLD_NONE);
    json_out_init(&json, &call->out);
    json_begin_object(&json);
    admin_put_id(&json, "account", ID_ACCOUNT, &call->account.account_id);
    json_put_cstr(&json, "object", "account_state");
    json_put_str(&json, "provider", call->account.provider);
    json_put_str(&json, "name", call->account.name);
    json_put_cstr(&json, "state", call->account.disabled ? "disabled" : state);
    put_text(&json, "reason", now != NULL ? now->reason : STR_NONE);
    put_text(&json, "author", now != NULL ? now->author : STR_NONE);
    admin_put_time(&json, "until", until_us);
    json_key(&json, "holds");
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        print_hold(&holds[i], now_us, &json);
    }
    json_end_array(&json);
    json_end_object(&json);
    admin_end(call, 200);
}

static void list(struct admin_call *call)
{
    holds_list(call->parts.store, &call->account.merchant_id, &call->account.account_id,
               &call->arena, holds_listed, call);
}

static void written(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        list(call);
    }
}

/* Nothing was held: that is what was asked for. */
static void opened(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (found == STORE_ABSENT) {
        list(call);
    } else {
        written(ctx, found, why);
    }
}

static int64_t time_of(const struct admin_call *call, const char *member, int64_t otherwise)
{
    int64_t wall_us = 0;
    struct error ignored;
    struct str text = admin_text(call, member);
    return text.len > 0 && clock_parse(text, &wall_us, &ignored) ? wall_us : otherwise;
}

static struct hold make_hold(struct admin_call *call, enum hold_kind kind)
{
    int64_t now_us = clock_wall_us();
    return (struct hold){
        .hold_id = uuid_new(),
        .kind = kind,
        .from_us = time_of(call, "from", now_us),
        .until_us = time_of(call, kind == HOLD_MAINTENANCE ? "to" : "until", 0),
        .weekly = admin_flag(call, "weekly"),
        .author = call->author,
        .reason = admin_text(call, "reason"),
        .created_us = now_us,
    };
}

static void set_state(struct admin_call *call)
{
    enum hold_kind kind = hold_kind_find(admin_text(call, "state"));
    struct hold hold = make_hold(call, kind);
    if (kind == HOLD_NONE) {
        holds_end(call->parts.store, &call->account.merchant_id, &call->account.account_id, NULL,
                  call->author, hold.created_us, opened, call);
    } else if (hold.reason.len == 0) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, "reason", "say why; people will ask");
    } else if (hold.until_us != 0 && hold.until_us <= hold.created_us) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, "until", "it must be in the future");
    } else {
        holds_add(call->parts.store, &call->account.merchant_id, &call->account.account_id, &hold,
                  true, written, call);
    }
}

static void add_window(struct admin_call *call)
{
    const int64_t week_us = INT64_C(7) * 86400 * CLOCK_SECOND_US;
    struct hold open[HOLD_MAX];
    struct hold hold = make_hold(call, HOLD_MAINTENANCE);
    if (hold.until_us <= hold.from_us) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, "to", "it must be after from");
    } else if (!hold.weekly && hold.until_us <= hold.created_us) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, "to", "it must be in the future");
    } else if (hold.weekly && hold.until_us - hold.from_us > week_us) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, "to", "a weekly window is at most a week long");
    } else if (holds_parse(call->account.holds, open) >= HOLD_MAX - 1) {
        admin_fail(call, MESSAGE_CONFLICT, NULL, "the account has %d windows; end some first",
                   HOLD_MAX - 1);
    } else {
        holds_add(call->parts.store, &call->account.merchant_id, &call->account.account_id, &hold,
                  false, written, call);
    }
}

static void end_window(struct admin_call *call)
{
    struct uuid hold_id = admin_id(ID_HOLD, admin_text(call, "hold"));
    if (uuid_is_zero(&hold_id)) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, "hold", "it must be the id of a hold: hld_...");
        return;
    }
    holds_end(call->parts.store, &call->account.merchant_id, &call->account.account_id, &hold_id,
              call->author, clock_wall_us(), written, call);
}

static void account_loaded(void *ctx, enum store_find found, const struct directory_rows *rows,
                           const struct error *why)
{
    struct admin_call *call = ctx;
    if (!admin_found(call, found, why, "account")) {
        return;
    }
    for (size_t i = 0; i < rows->account_count; i++) {
        if (!uuid_eq(&rows->accounts[i].account_id, &call->id)) {
            continue;
        }
        call->account = rows->accounts[i];
        switch ((unsigned)call->operation) {
        case ADMIN_HOLD_SET:
            set_state(call);
            return;
        case ADMIN_HOLD_PLAN:
            add_window(call);
            return;
        case ADMIN_HOLD_END:
            end_window(call);
            return;
        default:
            list(call);
            return;
        }
    }
    admin_fail(call, MESSAGE_NOT_FOUND, NULL, "there is no such account");
}

void admin_hold_show(struct admin_call *call)
{
    struct str by = admin_text(call, "by");
    if (by.len > 0) {
        call->author = arena_printf(&call->arena, STR_FMT " (" STR_FMT ")", STR_ARG(by),
                                    STR_ARG(call->author));
    }
    directory_list_accounts(call->parts.store, &call->arena, account_loaded, call);
}

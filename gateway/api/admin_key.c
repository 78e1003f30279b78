#include "api/admin_call.h"

#include "api/tables.h"
#include "base/clock.h"

enum {
    HINT_FRONT = 13, /* "tpk_test_" and four characters */
    HINT_BACK = 4,
};
#define HOUR_US (3600 * CLOCK_SECOND_US)
#define DAY_US  (24 * HOUR_US)

static bool is_active(const struct directory_key *key)
{
    int64_t now_us = clock_wall_us();
    return (key->disabled_us == 0 || key->disabled_us > now_us) &&
           (key->expires_us == 0 || key->expires_us > now_us);
}

static void print_members(const struct directory_key *key, struct json_out *json)
{
    admin_put_id(json, "id", ID_KEY, &key->key_id);
    json_put_cstr(json, "object", "key");
    json_put_cstr(json, "role", key_role_name(key->role));
    admin_put_id(json, "merchant", ID_MERCHANT, &key->merchant_id);
    json_put_bool(json, "livemode", key->livemode);
    json_put_str(json, "hint", key->hint);
    json_put_bool(json, "active", is_active(key));
    admin_put_time(json, "created", key->created_us);
    admin_put_time(json, "expires", key->expires_us);
    admin_put_time(json, "disabled", key->disabled_us);
}

static void print_key(const struct directory_key *key, struct json_out *json)
{
    json_begin_object(json);
    print_members(key, json);
    json_end_object(json);
}

/* ---- making ---------------------------------------------------------------------------------- */

/* The rest of the row is set: role, merchant, mode. */
static void make_key(struct admin_call *call)
{
    struct directory_key *key = &call->key;
    int64_t days = admin_number(call, "expires_days", 0);
    key->key_id = uuid_new();
    key->created_us = clock_wall_us();
    key->expires_us = days == 0 ? 0 : key->created_us + days * DAY_US;
    key->disabled_us = 0;
    merchant_key_make(key->livemode, call->key_text, key->digest, call->parts.pepper);
    struct str text = str_of(call->key_text);
    key->hint =
        arena_printf(&call->arena, STR_FMT "..." STR_FMT, STR_ARG(str_sub(text, 0, HINT_FRONT)),
                     STR_ARG(str_sub(text, text.len - HINT_BACK, HINT_BACK)));
}

static void end_with_new_key(struct admin_call *call)
{
    struct json_out json;
    json_out_init(&json, &call->out);
    json_begin_object(&json);
    print_members(&call->key, &json);
    json_put_cstr(&json, "key", call->key_text);
    if (call->operation == ADMIN_KEY_ROTATE) {
        admin_put_id(&json, "replaces", ID_KEY, &call->old_key.key_id);
        admin_put_time(&json, "replaced_until", call->old_key.disabled_us);
    }
    json_end_object(&json);
    admin_end(call, 201);
}

static void create_done(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        end_with_new_key(call);
    }
}

static void create_for(struct admin_call *call, const struct uuid *merchant_id, bool livemode)
{
    call->key.role = key_role_find(admin_text(call, "role"));
    call->key.merchant_id = *merchant_id;
    call->key.livemode = livemode;
    make_key(call);
    directory_put_key(call->parts.store, &call->key, create_done, call);
}

static void create_loaded(void *ctx, enum store_find found, const struct directory_rows *rows,
                          const struct error *why)
{
    struct admin_call *call = ctx;
    if (found == STORE_FOUND && rows->merchant_count == 0) {
        found = STORE_ABSENT;
    }
    if (found == STORE_ABSENT) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, "merchant", "there is no such merchant");
        return;
    }
    if (admin_found(call, found, why, "merchant")) {
        create_for(call, &rows->merchants[0].merchant_id, rows->merchants[0].livemode);
    }
}

void admin_key_create(struct admin_call *call)
{
    struct str merchant = admin_text(call, "merchant");
    if (str_eq(admin_text(call, "role"), STR("operator"))) {
        struct uuid none = {{0}};
        if (merchant.len > 0) {
            admin_fail(call, MESSAGE_INVALID_MEMBER, "merchant",
                       "an operator's key is for the whole house: leave merchant out");
            return;
        }
        create_for(call, &none, true);
        return;
    }
    if (merchant.len == 0) {
        admin_fail(call, MESSAGE_MISSING_MEMBER, "merchant",
                   "merchant is needed: the live or test merchant that the key acts for");
        return;
    }
    struct uuid id = admin_id(ID_MERCHANT, merchant);
    directory_load_merchant(call->parts.store, &id, &call->arena, create_loaded, call);
}

/* ---- list ------------------------------------------------------------------------------------ */

static void list_loaded(void *ctx, enum store_find found, const struct directory_rows *rows,
                        const struct error *why)
{
    struct admin_call *call = ctx;
    struct json_out json;
    if (!admin_begin_list(call, found, why, &json)) {
        return;
    }
    for (size_t i = 0; i < rows->key_count; i++) {
        print_key(&rows->keys[i], &json);
    }
    admin_end_list(call, &json);
}

void admin_key_list(struct admin_call *call)
{
    if (uuid_is_zero(&call->merchant_id)) { /* the operators' */
        directory_list_accounts(call->parts.store, &call->arena, list_loaded, call);
    } else {
        directory_load_merchant(call->parts.store, &call->merchant_id, &call->arena, list_loaded,
                                call);
    }
}

/* ---- show, rotate, disable ------------------------------------------------------------------- */

static void end_with_key(struct admin_call *call)
{
    struct json_out json;
    json_out_init(&json, &call->out);
    print_key(&call->key, &json);
    admin_end(call, 200);
}

static void disable_done(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        end_with_key(call);
    }
}

static void disable(struct admin_call *call)
{
    int64_t now_us = clock_wall_us();
    if (call->key.disabled_us != 0 && call->key.disabled_us <= now_us) {
        end_with_key(call); /* it was already */
        return;
    }
    call->key.disabled_us = now_us;
    directory_disable_key(call->parts.store, &call->key.key_id, now_us, disable_done, call);
}

static void old_ended(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    char id[ID_TEXT_SIZE];
    if (found != STORE_FOUND) {
        admin_fail(call, MESSAGE_UNAVAILABLE, NULL,
                   "the old key could not be ended: %s; disable the unused new one, %s, and "
                   "rotate again",
                   why->text, id_format(ID_KEY, &call->key.key_id, id).at);
        return;
    }
    if (admin_written(call, found, why)) {
        end_with_new_key(call);
    }
}

static void new_put(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        directory_disable_key(call->parts.store, &call->old_key.key_id, call->old_key.disabled_us,
                              old_ended, call);
    }
}

static void rotate(struct admin_call *call)
{
    if (!is_active(&call->key)) {
        admin_fail(call, MESSAGE_CONFLICT, NULL,
                   "the key is disabled or expired; create a new one instead");
        return;
    }
    int64_t hours = admin_number(call, "grace_hours", TABLES_GRACE_HOURS);
    int64_t until_us = clock_wall_us() + hours * HOUR_US;
    call->old_key = call->key;
    if (call->key.disabled_us == 0 || call->key.disabled_us > until_us) {
        call->old_key.disabled_us = until_us; /* else it was replaced before and ends sooner */
    }
    make_key(call);
    directory_put_key(call->parts.store, &call->key, new_put, call);
}

static void show_loaded(void *ctx, enum store_find found, const struct directory_rows *rows,
                        const struct error *why)
{
    struct admin_call *call = ctx;
    if (!admin_found(call, found, why, "key")) {
        return;
    }
    call->key = rows->keys[0];
    if (call->operation == ADMIN_KEY_ROTATE) {
        rotate(call);
    } else if (call->operation == ADMIN_KEY_DISABLE) {
        disable(call);
    } else {
        end_with_key(call);
    }
}

void admin_key_show(struct admin_call *call)
{
    directory_load_key(call->parts.store, &call->id, &call->arena, show_loaded, call);
}

#include "ledger/directory.h"

#include "ledger/call.h"
#include "ledger/change.h"
#include "ledger/count.h"

static const struct str role_names[KEY_ROLE_COUNT] = {
    [KEY_ROLE_NONE] = STR_INIT("none"),
    [KEY_MERCHANT] = STR_INIT("merchant"),
    [KEY_FINANCE] = STR_INIT("finance"),
    [KEY_OPERATOR] = STR_INIT("operator"),
};

const char *key_role_name(enum key_role role)
{
    CHECK((unsigned)role < KEY_ROLE_COUNT);
    return role_names[role].at;
}

enum key_role key_role_find(struct str name)
{
    for (int role = KEY_ROLE_NONE + 1; role < KEY_ROLE_COUNT; role++) {
        if (str_eq(role_names[role], name))
            return (enum key_role)role;
    }
    return KEY_ROLE_NONE;
}

/* ---- changes --------------------------------------------------------------------------------- */

static void put_uuid(struct params *params, const struct uuid *id)
{
    if (uuid_is_zero(id))
        params_null(params);
    else
        params_uuid(params, id);
}

static void put_time(struct params *params, int64_t wall_us)
{
    if (wall_us == 0)
        params_null(params);
    else
        params_time(params, wall_us);
}

void directory_put_merchant(struct store *store, const struct directory_merchant *merchant,
                            directory_done_fn done, void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_PUT_MERCHANT, done, ctx, &call);
    params_uuid(params, &merchant->merchant_id);
    put_uuid(params, &merchant->twin_id);
    params_text(params, merchant->name);
    params_bool(params, merchant->livemode);
    params_bool(params, merchant->disabled);
    params_text(params, merchant->country);
    params_time(params, merchant->created_us);
    call_submit(call);
}

void directory_put_key(struct store *store, const struct directory_key *key, directory_done_fn done,
                       void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_PUT_KEY, done, ctx, &call);
    params_uuid(params, &key->key_id);
    put_uuid(params, &key->merchant_id);
    params_text(params, str_of(key_role_name(key->role)));
    params_bool(params, key->livemode);
    params_text(params, key->hint);
    params_bytea(params, (struct str){(const char *)key->digest, sizeof(key->digest)});
    params_time(params, key->created_us);
    put_time(params, key->expires_us);
    put_time(params, key->disabled_us);
    call_submit(call);
}

void directory_put_account(struct store *store, const struct directory_account *account,
                           directory_done_fn done, void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_PUT_ACCOUNT, done, ctx, &call);
    params_uuid(params, &account->merchant_id);
    params_uuid(params, &account->account_id);
    params_text(params, account->provider);
    params_text(params, account->name);
    params_text(params, account->base_url);
    params_text(params, account->secret_ref);
    params_text(params, account->settings_json);
    params_text(params, account->fees_json);
    params_text(params, account->currencies);
    params_text(params, account->methods);
    params_int8(params, account->amount_max_minor);
    params_bool(params, account->disabled);
    params_time(params, account->created_us);
    call_submit(call);
}

void directory_disable_merchant(struct store *store, const struct uuid *merchant_id, bool disabled,
                                directory_done_fn done, void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_DISABLE_MERCHANT, done, ctx, &call);
    params_uuid(params, merchant_id);
    params_bool(params, disabled);
    call_submit(call);
}

void directory_bind_merchant(struct store *store, const struct uuid *merchant_id,
                             struct str client_keys, directory_done_fn done, void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_BIND_MERCHANT, done, ctx, &call);
    params_uuid(params, merchant_id);
    params_bytea(params, client_keys);
    call_submit(call);
}

void directory_limit_merchant(struct store *store, const struct directory_merchant *merchant,
                              directory_done_fn done, void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_LIMIT_MERCHANT, done, ctx, &call);
    params_uuid(params, &merchant->merchant_id);
    params_int8(params, merchant->rate);
    params_int8(params, merchant->burst);
    params_int8(params, merchant->in_flight_max);
    call_submit(call);
}

void directory_approve_merchant(struct store *store, const struct directory_merchant *merchant,
                                directory_done_fn done, void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_APPROVE_MERCHANT, done, ctx, &call);
    params_uuid(params, &merchant->merchant_id);
    params_text(params, merchant->payout_limits_json);
    call_submit(call);
}

void directory_disable_key(struct store *store, const struct uuid *key_id, int64_t at_us,
                           directory_done_fn done, void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_DISABLE_KEY, done, ctx, &call);
    params_uuid(params, key_id);
    put_time(params, at_us);
    call_submit(call);
}

void directory_disable_account(struct store *store, const struct uuid *merchant_id,
                               const struct uuid *account_id, bool disabled, directory_done_fn done,
                               void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_DISABLE_ACCOUNT, done, ctx, &call);
    params_uuid(params, merchant_id);
    params_uuid(params, account_id);
    params_bool(params, disabled);
    call_submit(call);
}

void directory_version(struct store *store, store_count_fn done, void *ctx)
{
    call_submit(count_new(store, SQL_VERSION, done, ctx));
}

#include "api/admin_call.h"

#include "api/tables.h"
#include "base/clock.h"

enum {
    APPROVAL_BYTES_MAX = 16384, /* a limit of every currency */
};

static void put_client_keys(struct json_out *json, const char *name, struct str keys)
{
    json_key(json, name);
    json_begin_array(json);
    for (; keys.len > 0; keys = str_sub(keys, SHA256_SIZE, SIZE_MAX)) {
        struct buf text;
        buf_init(&text, TABLES_CLIENT_KEY_SIZE + 1);
        crypto_base64(str_sub(keys, 0, SHA256_SIZE), &text);
        json_str(json, buf_str(&text));
        buf_release(&text);
    }
    json_end_array(json);
}

static void print_limits(struct json_out *json, const char *name,
                         const struct directory_merchant *merchant)
{
    json_key(json, name);
    json_begin_object(json);
    json_put_int(json, "rate", merchant->rate);
    json_put_int(json, "burst", merchant->burst);
    json_put_int(json, "in_flight_max", merchant->in_flight_max);
    json_end_object(json);
}

static void put_payout_limits(struct json_out *json, const char *name,
                              const struct directory_merchant *merchant)
{
    struct str limits = merchant->payout_limits_json;
    json_put_raw(json, name, limits.len > 0 ? limits : STR("{}"));
}

/* A live merchant and its test twin are shown as one: the twin has no life of its own. */
static void print_pair(const struct directory_merchant *live, const struct directory_merchant *test,
                       struct json_out *json)
{
    json_begin_object(json);
    admin_put_id(json, "id", ID_MERCHANT, &live->merchant_id);
    json_put_cstr(json, "object", "merchant");
    json_put_str(json, "name", live->name);
    if (live->country.len > 0) {
        json_put_str(json, "country", live->country);
    } else {
        json_put_null(json, "country");
    }
    admin_put_id(json, "test_id", ID_MERCHANT, &test->merchant_id);
    put_client_keys(json, "client_keys", live->client_keys);
    put_client_keys(json, "test_client_keys", test->client_keys);
    json_put_bool(json, "disabled", live->disabled);
    json_put_bool(json, "test_disabled", test->disabled);
    print_limits(json, "limits", live);
    print_limits(json, "test_limits", test);
    put_payout_limits(json, "payout_limits", live);
    put_payout_limits(json, "test_payout_limits", test);
    admin_put_time(json, "created", live->created_us);
    json_end_object(json);
}

static void end_with_pair(struct admin_call *call, int status)
{
    struct json_out json;
    json_out_init(&json, &call->out);
    print_pair(&call->live, &call->test, &json);
    admin_end(call, status);
}

static const struct directory_merchant *find_id(const struct directory_rows *rows,
                                                const struct uuid *id)
{
    for (size_t i = 0; i < rows->merchant_count; i++) {
        if (uuid_eq(&rows->merchants[i].merchant_id, id)) {
            return &rows->merchants[i];
        }
    }
    return NULL;
}

static const struct directory_merchant *find_live(const struct directory_rows *rows,
                                                  struct str name)
{
    for (size_t i = 0; i < rows->merchant_count; i++) {
        if (rows->merchants[i].livemode && str_eq(rows->merchants[i].name, name)) {
            return &rows->merchants[i];
        }
    }
    return NULL;
}

/* The twin as it would be made, should it not have been written. */
static struct directory_merchant twin_of(const struct directory_merchant *live)
{
    struct directory_merchant twin = *live;
    twin.merchant_id = live->twin_id;
    twin.twin_id = live->merchant_id;
    twin.livemode = false;
    twin.rate = twin.burst = twin.in_flight_max = 0;
    return twin;
}

static void take_pair(struct admin_call *call, const struct directory_rows *rows,
                      const struct directory_merchant *found)
{
    call->is_live = found->livemode;
    const struct directory_merchant *other = find_id(rows, &found->twin_id);
    struct directory_merchant twin = other != NULL ? *other : twin_of(found);
    call->live = found->livemode ? *found : twin;
    call->test = found->livemode ? twin : *found;
}

/* ---- create ---------------------------------------------------------------------------------- */

static void put_test_done(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        end_with_pair(call, 201);
    }
}

static void put_live_done(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        directory_put_merchant(call->parts.store, &call->test, put_test_done, call);
    }
}

static void make_pair(struct admin_call *call)
{
    call->live = (struct directory_merchant){
        .merchant_id = uuid_new(),
        .twin_id = uuid_new(),
        .name = admin_text(call, "name"),
        .country = admin_text(call, "country"),
        .livemode = true,
        .created_us = clock_wall_us(),
    };
    call->test = twin_of(&call->live);
    directory_put_merchant(call->parts.store, &call->live, put_live_done, call);
}

static void answer_existing(struct admin_call *call, const struct directory_rows *rows,
                            const struct directory_merchant *live)
{
    char id[ID_TEXT_SIZE];
    if (!admin_flag(call, "if_absent")) {
        admin_fail(call, MESSAGE_CONFLICT, "name",
                   "a merchant of this name exists: %s; choose another name, or ask with if_absent",
                   id_format(ID_MERCHANT, &live->merchant_id, id).at);
        return;
    }
    take_pair(call, rows, live);
    if (find_id(rows, &live->twin_id) == NULL) { /* an earlier try ended half-way */
        directory_put_merchant(call->parts.store, &call->test, put_test_done, call);
        return;
    }
    end_with_pair(call, 200);
}

static void create_listed(void *ctx, enum store_find found, const struct directory_rows *rows,
                          const struct error *why)
{
    struct admin_call *call = ctx;
    if (!admin_found(call, found, why, "merchant")) {
        return;
    }
    const struct directory_merchant *live = find_live(rows, admin_text(call, "name"));
    if (live != NULL) {
        answer_existing(call, rows, live);
    } else {
        make_pair(call);
    }
}

void admin_merchant_create(struct admin_call *call)
{
    directory_list_merchants(call->parts.store, &call->arena, create_listed, call);
}

/* ---- list, show ------------------------------------------------------------------------------ */

static void list_listed(void *ctx, enum store_find found, const struct directory_rows *rows,
                        const struct error *why)
{
    struct admin_call *call = ctx;
    struct json_out json;
    if (!admin_begin_list(call, found, why, &json)) {
        return;
    }
    for (size_t i = 0; i < rows->merchant_count; i++) {
        if (rows->merchants[i].livemode) {
            take_pair(call, rows, &rows->merchants[i]);
            print_pair(&call->live, &call->test, &json);
        }
    }
    admin_end_list(call, &json);
}

void admin_merchant_list(struct admin_call *call)
{
    directory_list_merchants(call->parts.store, &call->arena, list_listed, call);
}

/* False: the call was ended. */
static bool find_pair(struct admin_call *call, enum store_find found,
                      const struct directory_rows *rows, const struct error *why)
{
    if (!admin_found(call, found, why, "merchant")) {
        return false;
    }
    const struct directory_merchant *merchant =
        uuid_is_zero(&call->id) ? find_live(rows, call->name) : find_id(rows, &call->id);
    if (merchant == NULL) {
        return admin_found(call, STORE_ABSENT, why, "merchant");
    }
    take_pair(call, rows, merchant);
    return true;
}

static void show_listed(void *ctx, enum store_find found, const struct directory_rows *rows,
                        const struct error *why)
{
    struct admin_call *call = ctx;
    if (find_pair(call, found, rows, why)) {
        end_with_pair(call, 200);
    }
}

void admin_merchant_show(struct admin_call *call)
{
    directory_list_merchants(call->parts.store, &call->arena, show_listed, call);
}

/* ---- disable, enable ------------------------------------------------------------------------- */

static void disable_test_done(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        end_with_pair(call, 200);
    }
}

static void disable_live_done(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        directory_disable_merchant(call->parts.store, &call->test.merchant_id, call->test.disabled,
                                   disable_test_done, call);
    }
}

static void disable_listed(void *ctx, enum store_find found, const struct directory_rows *rows,
                           const struct error *why)
{
    struct admin_call *call = ctx;
    if (!find_pair(call, found, rows, why)) {
        return;
    }
    call->test.disabled = call->operation == ADMIN_MERCHANT_DISABLE;
    if (!call->is_live) { /* the twin alone */
        disable_live_done(call, STORE_FOUND, why);
        return;
    }
    call->live.disabled = call->test.disabled;
    directory_disable_merchant(call->parts.store, &call->live.merchant_id, call->live.disabled,
                               disable_live_done, call);
}

void admin_merchant_disable(struct admin_call *call)
{
    directory_list_merchants(call->parts.store, &call->arena, disable_listed, call);
}

/* ---- bind, unbind ---------------------------------------------------------------------------- */

static void bind_test_done(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        end_with_pair(call, 200);
    }
}

static void bind_live_done(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        directory_bind_merchant(call->parts.store, &call->test.merchant_id, call->client_keys,
                                bind_test_done, call);
    }
}

static void bind_listed(void *ctx, enum store_find found, const struct directory_rows *rows,
                        const struct error *why)
{
    struct admin_call *call = ctx;
    if (!find_pair(call, found, rows, why)) {
        return;
    }
    call->test.client_keys = call->client_keys;
    if (!call->is_live) { /* the twin alone */
        bind_live_done(call, STORE_FOUND, why);
        return;
    }
    call->live.client_keys = call->client_keys;
    directory_bind_merchant(call->parts.store, &call->live.merchant_id, call->client_keys,
                            bind_live_done, call);
}

void admin_merchant_bind(struct admin_call *call)
{
    const json_t *keys = json_object_get(call->body, "client_keys"); /* none: unbind */
    if (call->operation == ADMIN_MERCHANT_BIND && json_array_size(keys) == 0) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, "client_keys",
                   "at least one is needed; to let any client in again, unbind");
        return;
    }
    struct buf digests;
    buf_init(&digests, DIRECTORY_CLIENT_KEY_MAX * SHA256_SIZE + 1);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        struct str text = {json_string_value(key), json_string_length(key)};
        CHECK(crypto_unbase64(text, &digests));
    }
    CHECK(buf_is_ok(&digests) && digests.len % SHA256_SIZE == 0);
    call->client_keys = arena_str(&call->arena, buf_str(&digests));
    buf_release(&digests);
    directory_list_merchants(call->parts.store, &call->arena, bind_listed, call);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void limit_done(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        end_with_pair(call, 200);
    }
}

/* Of the one that was named: what the live merchant may says nothing of its twin. */
static void limit_listed(void *ctx, enum store_find found, const struct directory_rows *rows,
                         const struct error *why)
{
    struct admin_call *call = ctx;
    if (!find_pair(call, found, rows, why)) {
        return;
    }
    struct directory_merchant *merchant = call->is_live ? &call->live : &call->test;
    merchant->rate = admin_number(call, "rate", merchant->rate);
    merchant->burst = admin_number(call, "burst", merchant->burst);
    merchant->in_flight_max = admin_number(call, "in_flight_max", merchant->in_flight_max);
    directory_limit_merchant(call->parts.store, merchant, limit_done, call);
}

void admin_merchant_limit(struct admin_call *call)
{
    directory_list_merchants(call->parts.store, &call->arena, limit_listed, call);
}

/* ---- approval of payouts --------------------------------------------------------------------- */

/* Limits of 0 are none. */
static struct str print_approval(struct admin_call *call)
{
    struct buf text;
    struct json_out json;
    json_t *limits = json_object_get(call->body, "payout_limits");
    buf_init(&text, APPROVAL_BYTES_MAX);
    json_out_init(&json, &text);
    json_begin_object(&json);
    for (void *at = json_object_iter(limits); at; at = json_object_iter_next(limits, at)) {
        int64_t limit = json_integer_value(json_object_iter_value(at));
        if (limit > 0) {
            json_put_int(&json, json_object_iter_key(at), limit);
        }
    }
    json_end_object(&json);
    CHECK(buf_is_ok(&text));
    struct str kept = arena_str(&call->arena, buf_str(&text));
    buf_release(&text);
    return kept;
}

static void approval_listed(void *ctx, enum store_find found, const struct directory_rows *rows,
                            const struct error *why)
{
    struct admin_call *call = ctx;
    if (!find_pair(call, found, rows, why)) {
        return;
    }
    struct directory_merchant *merchant = call->is_live ? &call->live : &call->test;
    merchant->payout_limits_json = print_approval(call);
    directory_approve_merchant(call->parts.store, merchant, limit_done, call);
}

void admin_merchant_approval(struct admin_call *call)
{
    directory_list_merchants(call->parts.store, &call->arena, approval_listed, call);
}

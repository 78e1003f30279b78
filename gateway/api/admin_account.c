#include "api/admin_call.h"

#include <string.h>

#include "base/clock.h"
#include "ledger/price.h"

enum {
    TEXT_MAX = 65536, /* settings or fees as JSON */
};

/* ---- answers --------------------------------------------------------------------------------- */

static void put_words(struct json_out *json, const char *key, struct str words)
{
    json_key(json, key);
    json_begin_array(json);
    while (words.len > 0) {
        struct str word = str_cut(&words, ' ');
        if (word.len > 0) {
            json_str(json, word);
        }
    }
    json_end_array(json);
}

static void put_object(struct json_out *json, const char *key, struct str object)
{
    json_put_raw(json, key, str_trim(object).len > 0 ? object : STR("{}"));
}

/* Why the account cannot be used here and now; kept in the call's arena, empty when it can. */
static struct str problem_of(struct admin_call *call, const struct directory_account *row)
{
    struct merchant_account built;
    merchant_account_build(&built, row, call->parts.config, NULL, &call->arena);
    struct str problem = arena_str(&call->arena, str_of(built.problem));
    merchant_account_release(&built);
    return problem;
}

static void print_account(struct admin_call *call, const struct directory_account *row,
                          struct json_out *json)
{
    struct str problem = problem_of(call, row);
    json_begin_object(json);
    admin_put_id(json, "id", ID_ACCOUNT, &row->account_id);
    json_put_cstr(json, "object", "account");
    admin_put_id(json, "merchant", ID_MERCHANT, &row->merchant_id);
    json_put_str(json, "provider", row->provider);
    json_put_str(json, "name", row->name);
    json_put_str(json, "base_url", row->base_url);
    json_put_str(json, "secret", row->secret_ref);
    put_object(json, "settings", row->settings_json);
    put_object(json, "fees", row->fees_json);
    put_words(json, "currencies", row->currencies);
    put_words(json, "methods", row->methods);
    json_put_int(json, "amount_max", row->amount_max_minor);
    json_put_bool(json, "disabled", row->disabled);
    if (problem.len > 0) {
        json_put_str(json, "problem", problem);
    } else {
        json_put_null(json, "problem");
    }
    admin_put_time(json, "created", row->created_us);
    json_end_object(json);
}

static void end_with_account(struct admin_call *call, int status)
{
    struct json_out json;
    json_out_init(&json, &call->out);
    print_account(call, &call->account, &json);
    admin_end(call, status);
}

/* ---- from a body to a row -------------------------------------------------------------------- */

static struct str object_text(struct admin_call *call, const json_t *object)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    bool is_done = json_canonical(object, &text) && buf_is_ok(&text);
    struct str kept = is_done ? arena_str(&call->arena, buf_str(&text)) : STR_NONE;
    buf_release(&text);
    return kept;
}

static struct str words_text(struct admin_call *call, const json_t *list)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *word = json_array_get(list, i);
        buf_add_str(&text, i > 0 ? STR(" ") : STR_NONE);
        buf_add_str(&text, (struct str){json_string_value(word), json_string_length(word)});
    }
    struct str kept = arena_str(&call->arena, buf_str(&text));
    buf_release(&text);
    return kept;
}

static struct str without_slash(struct str url)
{
    while (str_ends(url, STR("/"))) {
        url.len--;
    }
    return url;
}

/* Members that are there replace what the row has. False: the call was ended. */
static bool take_members(struct admin_call *call)
{
    struct directory_account *row = &call->account;
    const json_t *fees = json_object_get(call->body, "fees");
    const json_t *settings = json_object_get(call->body, "settings");
    const json_t *currencies = json_object_get(call->body, "currencies");
    const json_t *methods = json_object_get(call->body, "methods");
    struct str base_url = admin_text(call, "base_url");
    struct str secret = admin_text(call, "secret");
    row->base_url = base_url.len > 0 ? without_slash(base_url) : row->base_url;
    row->secret_ref = secret.len > 0 ? secret : row->secret_ref;
    row->fees_json = fees != NULL ? object_text(call, fees) : row->fees_json;
    row->settings_json = settings != NULL ? object_text(call, settings) : row->settings_json;
    row->currencies = currencies != NULL ? words_text(call, currencies) : row->currencies;
    row->methods = methods != NULL ? words_text(call, methods) : row->methods;
    row->amount_max_minor = admin_number(call, "amount_max", row->amount_max_minor);
    if (row->fees_json.len == 0 || row->settings_json.len == 0) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, row->fees_json.len == 0 ? "fees" : "settings",
                   "it is larger than %d bytes", TEXT_MAX);
        return false;
    }
    return true;
}

static bool read_stand_in(void *ctx, const char *name, struct secret *value)
{
    (void)ctx;
    (void)name;
    secret_set(value, STR("{\"user\":\"u\",\"password\":\"p\"}"));
    return true;
}

static const char *param_of(struct str problem)
{
    if (str_starts(problem, STR("cannot use base_url"))) {
        return "base_url";
    }
    if (str_starts(problem, STR("cannot use currencies"))) {
        return "currencies";
    }
    return str_starts(problem, STR("cannot read the fee table")) ? "fees" : "settings";
}

/*
 * Everything but the credentials must be right before a row is written; these may be put there
 * later, and may be visible to the gateway alone. False: the call was ended.
 */
static bool check_row(struct admin_call *call)
{
    struct merchants_config config = *call->parts.config;
    struct directory_account row = call->account;
    struct merchant_account built;
    config.read_env = read_stand_in;
    row.secret_ref = STR("env:STAND_IN");
    merchant_account_build(&built, &row, &config, NULL, &call->arena);
    bool is_usable = built.usable;
    if (!is_usable) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, param_of(str_of(built.problem)), "%s",
                   built.problem);
    }
    merchant_account_release(&built);
    return is_usable;
}

static void price_kept(void *ctx, enum store_find found, int64_t count UNUSED,
                       const struct error *why)
{
    struct admin_call *call = ctx;
    if (found == STORE_FAILED) {
        call->put_done(call, found, why);
    } else {
        directory_put_account(call->parts.store, &call->account, call->put_done, call);
    }
}

/* Its fee table first: whoever reads the ledger finds by whom and when it was put there. */
static void put_account(struct admin_call *call, directory_done_fn done)
{
    struct error err;
    struct str fees = str_trim(call->account.fees_json);
    struct cost_table *table = str_eq(fees, STR("{}")) ? NULL : cost_table_new(fees, &err);
    call->put_done = done;
    if (table == NULL) {
        directory_put_account(call->parts.store, &call->account, done, call);
        return;
    }
    struct price price = {
        .merchant_id = call->account.merchant_id,
        .kind = PRICE_FEES,
        .text = cost_table_text(table),
        .author = call->author,
        .created_us = clock_wall_us(),
    };
    memcpy(price.hash, cost_table_hash(table), sizeof(price.hash));
    price_keep(call->parts.store, &price, price_kept, call);
    cost_table_free(&table);
}

/* ---- create ---------------------------------------------------------------------------------- */

static void create_done(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        end_with_account(call, 201);
    }
}

/* True: the call was ended, or goes on with what exists. */
static bool is_taken(struct admin_call *call, const struct directory_rows *rows)
{
    char id[ID_TEXT_SIZE];
    for (size_t i = 0; i < rows->account_count; i++) {
        const struct directory_account *row = &rows->accounts[i];
        if (!str_eq(row->provider, admin_text(call, "provider")) ||
            !str_eq(row->name, admin_text(call, "name"))) {
            continue;
        }
        if (admin_flag(call, "if_absent")) {
            call->account = *row;
            end_with_account(call, 200);
        } else {
            admin_fail(call, MESSAGE_CONFLICT, "name",
                       "the merchant has an account of this name: %s; choose another name, update "
                       "it, or ask with if_absent",
                       id_format(ID_ACCOUNT, &row->account_id, id).at);
        }
        return true;
    }
    if (rows->account_count >= MERCHANT_ACCOUNT_MAX) {
        admin_fail(call, MESSAGE_CONFLICT, NULL, "the merchant has %d accounts, and no more may be",
                   MERCHANT_ACCOUNT_MAX);
        return true;
    }
    return false;
}

static void create_loaded(void *ctx, enum store_find found, const struct directory_rows *rows,
                          const struct error *why)
{
    struct admin_call *call = ctx;
    if (found == STORE_ABSENT) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, "merchant", "there is no such merchant");
        return;
    }
    if (!admin_found(call, found, why, "merchant") || is_taken(call, rows)) {
        return;
    }
    call->account = (struct directory_account){
        .merchant_id = rows->merchants[0].merchant_id,
        .account_id = uuid_new(),
        .provider = admin_text(call, "provider"),
        .name = admin_text(call, "name"),
        .settings_json = STR("{}"),
        .fees_json = STR("{}"),
        .created_us = clock_wall_us(),
    };
    if (take_members(call) && check_row(call)) {
        put_account(call, create_done);
    }
}

void admin_account_create(struct admin_call *call)
{
    struct uuid id = admin_id(ID_MERCHANT, admin_text(call, "merchant"));
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
    for (size_t i = 0; i < rows->account_count; i++) {
        print_account(call, &rows->accounts[i], &json);
    }
    admin_end_list(call, &json);
}

void admin_account_list(struct admin_call *call)
{
    if (uuid_is_zero(&call->merchant_id)) {
        directory_list_accounts(call->parts.store, &call->arena, list_loaded, call);
    } else {
        directory_load_merchant(call->parts.store, &call->merchant_id, &call->arena, list_loaded,
                                call);
    }
}

/* ---- one account ----------------------------------------------------------------------------- */

static void change_done(void *ctx, enum store_find found, const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_written(call, found, why)) {
        end_with_account(call, 200);
    }
}

static void change(struct admin_call *call)
{
    if (take_members(call) && check_row(call)) {
        put_account(call, change_done);
    }
}

static void set_disabled(struct admin_call *call, bool disabled)
{
    call->account.disabled = disabled;
    directory_disable_account(call->parts.store, &call->account.merchant_id,
                              &call->account.account_id, disabled, change_done, call);
}

static void act(struct admin_call *call)
{
    switch ((unsigned)call->operation) {
    case ADMIN_ACCOUNT_UPDATE:
    case ADMIN_ACCOUNT_ROTATE:
        change(call);
        return;
    case ADMIN_ACCOUNT_DISABLE:
        set_disabled(call, true);
        return;
    case ADMIN_ACCOUNT_ENABLE:
        set_disabled(call, false);
        return;
    case ADMIN_ACCOUNT_TEST:
        admin_account_probe(call);
        return;
    default:
        end_with_account(call, 200);
        return;
    }
}

static void show_loaded(void *ctx, enum store_find found, const struct directory_rows *rows,
                        const struct error *why)
{
    struct admin_call *call = ctx;
    if (!admin_found(call, found, why, "account")) {
        return;
    }
    for (size_t i = 0; i < rows->account_count; i++) {
        if (uuid_eq(&rows->accounts[i].account_id, &call->id)) {
            call->account = rows->accounts[i];
            act(call);
            return;
        }
    }
    admin_fail(call, MESSAGE_NOT_FOUND, NULL, "there is no such account");
}

void admin_account_show(struct admin_call *call)
{
    directory_list_accounts(call->parts.store, &call->arena, show_loaded, call);
}

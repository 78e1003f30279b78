#include "api/admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/admin_call.h"
#include "api/tables.h"
#include "base/clock.h"

/* clang-format off */
static const struct {
    admin_fn start;
    const struct field_set *fields;
    enum id_kind id;   /* of its object */
} operations[ADMIN_OPERATION_COUNT] = {
    [ADMIN_MERCHANT_CREATE]  = {admin_merchant_create,  &merchant_fields,       ID_NONE},
    [ADMIN_MERCHANT_LIST]    = {admin_merchant_list,    &no_fields,             ID_NONE},
    [ADMIN_MERCHANT_SHOW]    = {admin_merchant_show,    &no_fields,             ID_MERCHANT},
    [ADMIN_MERCHANT_DISABLE] = {admin_merchant_disable, &no_fields,             ID_MERCHANT},
    [ADMIN_MERCHANT_ENABLE]  = {admin_merchant_disable, &no_fields,             ID_MERCHANT},
    [ADMIN_MERCHANT_BIND]    = {admin_merchant_bind,    &bind_fields,           ID_MERCHANT},
    [ADMIN_MERCHANT_UNBIND]  = {admin_merchant_bind,    &no_fields,             ID_MERCHANT},
    [ADMIN_MERCHANT_LIMIT]   = {admin_merchant_limit,   &limit_fields,          ID_MERCHANT},
    [ADMIN_MERCHANT_APPROVAL] = {admin_merchant_approval, &approval_fields,     ID_MERCHANT},
    [ADMIN_ACCOUNT_CREATE]   = {admin_account_create,   &account_fields,        ID_NONE},
    [ADMIN_ACCOUNT_LIST]     = {admin_account_list,     &no_fields,             ID_NONE},
    [ADMIN_ACCOUNT_SHOW]     = {admin_account_show,     &no_fields,             ID_ACCOUNT},
    [ADMIN_ACCOUNT_UPDATE]   = {admin_account_show,     &account_change_fields, ID_ACCOUNT},
    [ADMIN_ACCOUNT_ROTATE]   = {admin_account_show,     &secret_fields,         ID_ACCOUNT},
    [ADMIN_ACCOUNT_DISABLE]  = {admin_account_show,     &no_fields,             ID_ACCOUNT},
    [ADMIN_ACCOUNT_ENABLE]   = {admin_account_show,     &no_fields,             ID_ACCOUNT},
    [ADMIN_ACCOUNT_TEST]     = {admin_account_show,     &no_fields,             ID_ACCOUNT},
    [ADMIN_HOLD_SHOW]        = {admin_hold_show,        &no_fields,             ID_ACCOUNT},
    [ADMIN_HOLD_SET]         = {admin_hold_show,        &hold_fields,           ID_ACCOUNT},
    [ADMIN_HOLD_PLAN]        = {admin_hold_show,        &maintenance_fields,    ID_ACCOUNT},
    [ADMIN_HOLD_END]         = {admin_hold_show,        &hold_end_fields,       ID_ACCOUNT},
    [ADMIN_RULES_PUT]        = {admin_rules_put,        &rule_fields,           ID_NONE},
    [ADMIN_RULES_LIST]       = {admin_rules_list,       &no_fields,             ID_NONE},
    [ADMIN_RULES_SHOW]       = {admin_rules_show,       &no_fields,             ID_NONE},
    [ADMIN_RULES_DIFF]       = {admin_rules_diff,       &rule_diff_query,       ID_NONE},
    [ADMIN_RULES_CHECK]      = {admin_rules_check,      &rule_check_fields,     ID_NONE},
    [ADMIN_RULES_PUBLISH]    = {admin_rules_move,       &rule_publish_fields,   ID_NONE},
    [ADMIN_RULES_APPROVE]    = {admin_rules_move,       &rule_reason_fields,    ID_NONE},
    [ADMIN_RULES_ROLLBACK]   = {admin_rules_move,       &rule_reason_fields,    ID_NONE},
    [ADMIN_RULES_STOP]       = {admin_rules_move,       &rule_stop_fields,      ID_NONE},
    [ADMIN_RULES_APPROVAL]   = {admin_rules_approval,   &rule_approval_fields,  ID_MERCHANT},
    [ADMIN_RULES_BACKTEST]   = {admin_rules_backtest,   &rule_backtest_fields,  ID_NONE},
    [ADMIN_BACKTEST_SHOW]    = {admin_backtest_show,    &no_fields,             ID_BACKTEST},
    [ADMIN_KEY_CREATE]       = {admin_key_create,       &key_fields,            ID_NONE},
    [ADMIN_KEY_LIST]         = {admin_key_list,         &no_fields,             ID_NONE},
    [ADMIN_KEY_SHOW]         = {admin_key_show,         &no_fields,             ID_KEY},
    [ADMIN_KEY_ROTATE]       = {admin_key_show,         &rotate_fields,         ID_KEY},
    [ADMIN_KEY_DISABLE]      = {admin_key_show,         &no_fields,             ID_KEY},
};
/* clang-format on */

const struct field_set *admin_fields(enum admin_operation operation)
{
    CHECK(operation > ADMIN_NONE && operation < ADMIN_OPERATION_COUNT);
    return operations[operation].fields;
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void call_free(struct admin_call *call)
{
    if (call->is_probing) {
        engine_forget_account(call->parts.engine, &call->built.account.account_id);
    }
    merchant_account_release(&call->built);
    explicit_bzero(call->key_text, sizeof(call->key_text));
    if (call->out.at != NULL) {
        explicit_bzero(call->out.at, call->out.capacity); /* a new key may have been in it */
    }
    buf_release(&call->out);
    json_decref(call->body);
    loop_timer_release(&call->soon);
    arena_release(&call->arena);
    free(call);
}

static void reply_run(void *ctx)
{
    struct admin_call *call = ctx;
    call->reply.body = call->reply.problem == MESSAGE_NONE ? buf_str(&call->out) : STR_NONE;
    call->done(call->ctx, &call->reply);
    call_free(call);
}

void admin_end(struct admin_call *call, int status)
{
    if (!buf_is_ok(&call->out)) {
        admin_fail(call, MESSAGE_INTERNAL, NULL, "the answer is larger than %d bytes",
                   ADMIN_REPLY_MAX);
        return;
    }
    call->reply.status = status;
    loop_timer_start(&call->soon, 0);
}

void admin_fail(struct admin_call *call, enum message problem, const char *param,
                const char *format, ...)
{
    struct field_problem *wrong = &call->reply.wrong;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(wrong->detail, sizeof(wrong->detail), format, args);
    va_end(args);
    wrong->message = problem;
    (void)str_copy_to(str_of(param), wrong->param, sizeof(wrong->param));
    call->reply.problem = problem;
    call->reply.status = message_entry(problem)->status;
    loop_timer_start(&call->soon, 0);
}

bool admin_found(struct admin_call *call, enum store_find found, const struct error *why,
                 const char *what)
{
    if (found == STORE_FAILED) {
        admin_fail(call, MESSAGE_UNAVAILABLE, NULL, "the database does not answer: %s", why->text);
        return false;
    }
    if (found == STORE_ABSENT) {
        admin_fail(call, MESSAGE_NOT_FOUND, NULL, "there is no such %s", what);
        return false;
    }
    return true;
}

bool admin_written(struct admin_call *call, enum store_find found, const struct error *why)
{
    if (found == STORE_ABSENT && why->code == ERROR_CONFLICT) {
        admin_fail(call, MESSAGE_CONFLICT, NULL, "%s", why->text);
        return false;
    }
    if (found == STORE_ABSENT && why->code == ERROR_INVALID) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, NULL, "%s", why->text);
        return false;
    }
    if (!admin_found(call, found, why, "object")) {
        return false;
    }
    if (call->parts.merchants != NULL) {
        merchants_forget(call->parts.merchants);
    }
    return true;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

struct str admin_text(const struct admin_call *call, const char *name)
{
    return json_text(call->body, name);
}

bool admin_flag(const struct admin_call *call, const char *name)
{
    return json_is_true(json_object_get(call->body, name));
}

int64_t admin_number(const struct admin_call *call, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(call->body, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

struct uuid admin_id(enum id_kind kind, struct str text)
{
    struct uuid id = {{0}};
    struct error ignored;
    if (kind == ID_NONE || !id_parse(kind, text, &id, &ignored)) {
        return (struct uuid){{0}};
    }
    return id;
}

/* ---- answers --------------------------------------------------------------------------------- */

void admin_put_time(struct json_out *json, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    if (wall_us == 0) {
        json_put_null(json, key);
    } else {
        json_put_str(json, key, clock_format_ms(wall_us, text));
    }
}

void admin_put_id(struct json_out *json, const char *key, enum id_kind kind, const struct uuid *id)
{
    char text[ID_TEXT_SIZE];
    if (uuid_is_zero(id)) {
        json_put_null(json, key);
    } else {
        json_put_str(json, key, id_format(kind, id, text));
    }
}

bool admin_begin_list(struct admin_call *call, enum store_find found, const struct error *why,
                      struct json_out *json)
{
    if (!admin_found(call, found, why, "merchant")) {
        return false;
    }
    json_out_init(json, &call->out);
    json_begin_object(json);
    json_put_cstr(json, "object", "list");
    json_key(json, "data");
    json_begin_array(json);
    return true;
}

void admin_end_list(struct admin_call *call, struct json_out *json)
{
    json_end_array(json);
    json_put_bool(json, "has_more", false);
    json_end_object(json);
    admin_end(call, 200);
}

/* ---- start ----------------------------------------------------------------------------------- */

static bool take_ids(struct admin_call *call, const struct admin_request *request)
{
    call->id = admin_id(operations[call->operation].id, request->id);
    call->name = arena_str(&call->arena, request->id);
    call->author = arena_str(&call->arena, request->author);
    call->merchant_id = admin_id(ID_MERCHANT, request->merchant);
    if (request->merchant.len > 0 && uuid_is_zero(&call->merchant_id)) {
        admin_fail(call, MESSAGE_INVALID_MEMBER, "merchant", "merchant %s", form_merchant_id.what);
        return false;
    }
    bool needs_id = operations[call->operation].id != ID_NONE;
    bool may_be_name = operations[call->operation].id == ID_MERCHANT && call->name.len > 0;
    if (needs_id && uuid_is_zero(&call->id) && !may_be_name) {
        admin_fail(call, MESSAGE_NOT_FOUND, NULL, "that is not the id of such an object");
        return false;
    }
    return true;
}

void admin_start(const struct admin_parts *parts, const struct admin_request *request,
                 admin_done_fn done, void *ctx)
{
    CHECK(request->operation > ADMIN_NONE && request->operation < ADMIN_OPERATION_COUNT);
    struct admin_call *call = calloc(1, sizeof(*call));
    CHECK(call != NULL);
    call->parts = *parts;
    call->operation = request->operation;
    call->done = done;
    call->ctx = ctx;
    arena_init(&call->arena, ADMIN_ARENA_MAX);
    buf_init(&call->out, ADMIN_REPLY_MAX);
    secret_init(&call->built.account.password);
    loop_timer_init(&call->soon, parts->loop, reply_run, call);
    call->body = request->body != NULL ? json_deep_copy(request->body) : json_object();
    CHECK(call->body != NULL);
    struct field_problem wrong = {.message = MESSAGE_NONE};
    if (!field_check(operations[call->operation].fields, call->body, &wrong)) {
        admin_fail(call, wrong.message, wrong.param, "%s", wrong.detail);
        return;
    }
    if (take_ids(call, request)) {
        operations[call->operation].start(call);
    }
}

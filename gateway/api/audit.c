#include "api/audit.h"

#include <stdlib.h>
#include <string.h>

#include "api/list.h"
#include "api/tables.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/log.h"
#include "ledger/audit.h"

enum {
    RESULT_BYTES_MAX = 1 << 20, /* an answer that is larger is not looked into */
    STATE_LEN_MAX = 40,
    OBJECT_LEN_MAX = 64,
    TYPE_BYTES_MAX = 1024, /* of a Content-Type */
    STATUS_LOST = 500,
    STATUS_REFUSED = 400,
};

struct audit_pending { /* of a call that was recorded; owned by it */
    struct api_call *call;
    api_call_fn then;
    struct uuid audit_id;
    int status; /* of the answer that waits */
    struct buf content_type;
    struct buf body;
};

void audit_free(struct audit_pending **pending)
{
    if (*pending != NULL) {
        buf_release(&(*pending)->content_type);
        buf_release(&(*pending)->body);
        free(*pending);
        *pending = NULL;
    }
}

/* ---- who does what ------------------------------------------------------------------------------ */

static bool is_act(const struct api_call *call)
{
    enum http_method method = http_request(call->x)->method;
    return method != HTTP_GET && method != HTTP_HEAD;
}

static bool is_person(const struct api_call *call)
{
    return call->has_caller && call->caller.role != KEY_MERCHANT;
}

/* Whose data: the caller's, of whom its query or body says, or what it acts on itself. */
static struct uuid whose(struct api_call *call)
{
    struct uuid id = {{0}};
    struct str text;
    struct error ignored;
    if (!call->has_caller) {
        return id; /* what a stranger says stands for nothing */
    }
    if (call->caller.merchant != NULL) {
        return call->caller.merchant->merchant_id;
    }
    bool is_told =
        (api_call_query(call, "merchant", &text) && id_parse(ID_MERCHANT, text, &id, &ignored)) ||
        id_parse(ID_MERCHANT, json_text(call->body, "merchant"), &id, &ignored) ||
        (call->params.count > 0 && id_parse(ID_MERCHANT, call->params.value[0], &id, &ignored));
    return is_told ? id : (struct uuid){{0}};
}

/* Scalars that may be kept. Why a payment was given back is the payment's, and erased with it. */
static void print_data(const struct api_call *call, struct buf *out)
{
    const char *name;
    json_t *value;
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    json_object_foreach(call->body, name, value)
    {
        bool is_payments_own = call->endpoint->has_key && strcmp(name, "reason") == 0;
        if (!audit_keeps(str_of(name)) || is_payments_own) {
            continue;
        }
        if (json_is_integer(value)) {
            json_put_int(&json, name, json_integer_value(value));
        } else if (json_is_boolean(value)) {
            json_put_bool(&json, name, json_is_true(value));
        } else if (json_is_string(value)) {
            json_put_str(&json, name, json_text(call->body, name));
        }
    }
    json_end_object(&json);
}

/* As it stands in the address; what is no id or name of ours is not kept. */
static struct str object_of(const struct api_call *call)
{
    size_t at;
    size_t len;
    struct str object = call->params.count > 0 ? call->params.value[0] : STR_NONE;
    bool is_fit = object.len <= OBJECT_LEN_MAX && str_is_utf8(object) &&
                  str_find_char(object, '\0', 0) == SIZE_MAX &&
                  !crypto_find_card_number(object, &at, &len);
    return is_fit ? object : STR_NONE;
}

static const char *role_of(const struct api_call *call)
{
    return call->has_caller ? key_role_name(call->caller.role) : "nobody";
}

/* Strings are in the buffers that are given, in the call, or static. */
static struct audit_act act_of(struct api_call *call, const struct uuid *audit_id,
                               char actor[ID_TEXT_SIZE], struct buf *data)
{
    struct api *api = call->api;
    struct audit_act act = {
        .audit_id = *audit_id,
        .merchant_id = whose(call),
        .begun_us = clock_wall_us(),
        .unrecorded = api->audit_unrecorded,
        .role = str_of(role_of(call)),
        .action = str_of(call->endpoint->name),
        .object = object_of(call),
        .address = str_of(http_request(call->x)->peer),
        .request = str_of(http_request_id(call->x)),
    };
    api->audit_unrecorded = 0;
    if (call->has_caller) {
        act.key_id = call->caller.key_id;
        act.actor = id_format(ID_KEY, &call->caller.key_id, actor);
    }
    if (call->has_session) {
        act.session_id = call->session.session_id;
    }
    print_data(call, data);
    act.data_json = buf_is_ok(data) ? buf_str(data) : STR("{}");
    return act;
}

/* ---- before ------------------------------------------------------------------------------------- */

static void begun(void *ctx, enum store_find found, int64_t count UNUSED, const struct error *why)
{
    struct audit_pending *pending = ctx;
    struct api_call *call = pending->call;
    if (found == STORE_FOUND) {
        pending->then(call);
        return;
    }
    log_error("api", "an act was not done, since it could not be recorded",
              LOG_CSTR("action", call->endpoint->name), LOG_CSTR("error", why->text));
    audit_free(&call->audit);
    api_call_problem(call, MESSAGE_UNAVAILABLE,
                     STR("it could not be recorded, and was not done; try again"), STR_NONE);
}

void audit_call(struct api_call *call, api_call_fn then)
{
    char actor[ID_TEXT_SIZE];
    struct buf data;
    if (!is_act(call) || !is_person(call)) {
        then(call);
        return;
    }
    struct audit_pending *pending = calloc(1, sizeof(*pending));
    CHECK(pending != NULL && call->audit == NULL);
    *pending = (struct audit_pending){.call = call, .then = then, .audit_id = uuid_new()};
    buf_init(&pending->content_type, TYPE_BYTES_MAX);
    buf_init(&pending->body, CALL_BODY_MAX);
    call->audit = pending;
    buf_init(&data, AUDIT_DATA_MAX);
    struct audit_act act = act_of(call, &pending->audit_id, actor, &data);
    audit_begin(call->api->parts.store, &act, begun, pending);
    buf_release(&data);
}

/* ---- what is refused ---------------------------------------------------------------------------- */

/* As bucket.h does it: the moment at which there is room for all again. */
static bool take_room(struct api *api)
{
    int64_t each_us = AUDIT_REFUSED_EACH_S * CLOCK_SECOND_US;
    int64_t now_us = clock_mono_us();
    int64_t full_us = api->audit_full_us > now_us ? api->audit_full_us : now_us;
    if (full_us - now_us > (AUDIT_REFUSED_BURST - 1) * each_us) {
        api->audit_unrecorded++;
        return false;
    }
    api->audit_full_us = full_us + each_us;
    return true;
}

static void refused(void *ctx UNUSED, enum store_find found, int64_t count UNUSED,
                    const struct error *why)
{
    if (found != STORE_FOUND) {
        log_error("api", "a refused act could not be recorded", LOG_CSTR("error", why->text));
    }
}

void audit_refuse(struct api_call *call, enum message problem)
{
    char actor[ID_TEXT_SIZE];
    struct buf data;
    bool is_sign_in = call->endpoint->fn == session_create;
    if (!is_sign_in && (!is_act(call) || !is_person(call))) {
        return;
    }
    if (!take_room(call->api)) {
        return;
    }
    struct uuid audit_id = uuid_new();
    buf_init(&data, AUDIT_DATA_MAX);
    struct audit_act act = act_of(call, &audit_id, actor, &data);
    const struct audit_answer answer = {
        .ended_us = act.begun_us,
        .status = message_entry(problem)->status,
        .outcome = STR("refused"),
        .code = str_of(message_entry(problem)->code),
    };
    audit_refused(call->api->parts.store, &act, &answer, refused, NULL);
    buf_release(&data);
}

/* ---- after -------------------------------------------------------------------------------------- */

static void told(void *ctx, enum store_find found, int64_t count UNUSED, const struct error *why)
{
    struct audit_pending *pending = ctx;
    struct api_call *call = pending->call;
    if (found != STORE_FOUND) {
        log_error("api", "what came of an act could not be recorded",
                  LOG_CSTR("action", call->endpoint->name), LOG_CSTR("error", why->text));
    }
    call->audit = NULL; /* ours until the answer is out */
    api_call_reply(call, pending->status, buf_str(&pending->content_type), buf_str(&pending->body));
    audit_free(&pending);
}

static struct str outcome_of(int status)
{
    if (status >= STATUS_LOST) {
        return STR("unknown");
    }
    return status >= STATUS_REFUSED ? STR("refused") : STR("done");
}

/* What the answer says of itself: its id and its status. */
static json_t *read_result(int status, struct str body, struct audit_answer *answer)
{
    static const struct json_limits limits = {
        .depth_max = 64, .member_count_max = 65536, .string_bytes_max = RESULT_BYTES_MAX};
    struct error ignored;
    if (status >= STATUS_REFUSED || body.len == 0 || body.len > RESULT_BYTES_MAX) {
        return NULL;
    }
    json_t *json = json_parse(body, &limits, &ignored);
    struct str id = json_text(json, "id");
    struct str state = json_text(json, "status");
    answer->result = id.len < ID_TEXT_SIZE ? id : STR_NONE;
    if (str_is_empty(state)) {
        state = json_text(json, "state");
    }
    answer->state = state.len <= STATE_LEN_MAX ? state : STR_NONE;
    return json;
}

bool audit_reply(struct api_call *call, int status, struct str content_type, struct str body)
{
    struct audit_pending *pending = call->audit;
    if (pending == NULL) {
        return false;
    }
    struct audit_answer answer = {
        .ended_us = clock_wall_us(),
        .status = status,
        .outcome = outcome_of(status),
    };
    if (call->problem != MESSAGE_NONE) {
        answer.code = str_of(message_entry(call->problem)->code);
    }
    pending->status = status;
    buf_add_str(&pending->content_type, content_type);
    buf_add_str(&pending->body, body);
    CHECK(buf_is_ok(&pending->content_type) && buf_is_ok(&pending->body));
    json_t *json = read_result(status, body, &answer);
    audit_end(call->api->parts.store, &pending->audit_id, &answer, told, pending);
    json_decref(json);
    return true;
}

/* ---- the list ----------------------------------------------------------------------------------- */

static void put_text(struct json_out *json, const char *key, struct str text)
{
    if (str_is_empty(text)) {
        json_put_null(json, key);
    } else {
        json_put_str(json, key, text);
    }
}

static void put_time(struct json_out *json, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    put_text(json, key, wall_us > 0 ? clock_format_ms(wall_us, text) : STR_NONE);
}

static void put_id(struct json_out *json, const char *key, enum id_kind kind, const struct uuid *id)
{
    char text[ID_TEXT_SIZE];
    put_text(json, key, uuid_is_zero(id) ? STR_NONE : id_format(kind, id, text));
}

static void print_row(struct api_call *call UNUSED, size_t index, const void *ctx, struct buf *out)
{
    const struct audit_row *row = (const struct audit_row *)ctx + index;
    const struct audit_act *act = &row->act;
    const struct audit_answer *answer = &row->answer;
    bool has_ended = answer->ended_us > 0;
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    put_id(&json, "id", ID_AUDIT, &act->audit_id);
    json_put_cstr(&json, "object", "audit_entry");
    put_time(&json, "created", act->begun_us);
    put_time(&json, "ended", answer->ended_us);
    json_put_str(&json, "role", act->role);
    put_text(&json, "actor", act->actor);
    json_put_bool(&json, "by_session", !uuid_is_zero(&act->session_id));
    put_id(&json, "merchant", ID_MERCHANT, &act->merchant_id);
    json_put_str(&json, "action", act->action);
    put_text(&json, "subject", act->object);
    json_put_raw(&json, "data", act->data_json);
    json_put_str(&json, "outcome", has_ended ? answer->outcome : STR("unknown"));
    if (has_ended) {
        json_put_int(&json, "status", answer->status);
    } else {
        json_put_null(&json, "status");
    }
    put_text(&json, "code", answer->code);
    put_text(&json, "result", answer->result);
    put_text(&json, "result_status", answer->state);
    put_text(&json, "address", act->address);
    put_text(&json, "request_id", act->request);
    json_put_int(&json, "unrecorded", act->unrecorded);
    json_end_object(&json);
}

static void listed(void *ctx, enum store_find found, const struct audit_row *rows, size_t count,
                   bool has_more, const struct error *why UNUSED)
{
    struct api_call *call = ctx;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    api_reply_list(call, STR("/v1/audit"), has_more, count, print_row, rows);
}

static void list(struct api_call *call)
{
    const struct merchant *own = call->caller.merchant;
    struct audit_filter filter = {
        .from_us = api_query_time(call, "created_from"),
        .to_us = api_query_time(call, "created_to"),
        .limit = TABLES_LIST_LIMIT,
    };
    struct str text;
    struct error ignored;
    int64_t limit = 0;
    if (own != NULL) {
        filter.merchant_id = own->merchant_id;
    }
    if (api_call_query(call, "starting_after", &text)) {
        CHECK(id_parse(ID_AUDIT, text, &filter.after, &ignored)); /* the table has checked it */
    }
    if (api_call_query(call, "limit", &text) && str_to_int64(text, &limit)) {
        filter.limit = (unsigned)limit;
    }
    (void)api_call_query(call, "actor", &filter.actor);
    (void)api_call_query(call, "action", &filter.action);
    (void)api_call_query(call, "subject", &filter.object);
    (void)api_call_query(call, "outcome", &filter.outcome);
    audit_list(call->api->parts.store, &filter, &call->arena, listed, call);
}

/* An operator who names no merchant sees all, and what was done to the house. */
void audit_query(struct api_call *call)
{
    struct str text;
    if (call->caller.merchant == NULL && !api_call_query(call, "merchant", &text)) {
        list(call);
    } else {
        api_call_whose(call, list);
    }
}

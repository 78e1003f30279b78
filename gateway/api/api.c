#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#include "api/audit.h"
#include "api/body.h"
#include "api/call.h"
#include "api/download.h"
#include "api/ended.h"
#include "api/intake.h"
#include "api/tables.h"
#include "providers/payee.h"

enum {
    PROBLEM_BYTES_MAX = 4096,
    RETRY_SOON_S = 1,
};

/* ---- answers --------------------------------------------------------------------------------- */

static void call_free(struct api_call *call)
{
    list_remove(&call->link);
    admission_end(call->api->parts.admission, &call->ticket);
    if (call->has_caller && call->caller.merchant != NULL) {
        merchant_drop(call->caller.merchant);
    }
    if (call->payee != NULL) {
        payee_ask_cancel(call->payee);
    }
    audit_free(&call->audit);
    intake_free(&call->intake);
    json_decref(call->body);
    arena_release(&call->arena);
    free(call);
}

void api_call_forget_request(struct api_call *call)
{
    json_decref(call->body);
    call->body = NULL;
    call->params = (struct route_params){0};
    if (call->header_count == 0) { /* else their values are in it: what is left of a quota */
        arena_release(&call->arena);
    }
    http_forget_request(call->x);
}

void api_call_add_header(struct api_call *call, const char *name, struct str value)
{
    CHECK(call->header_count < CALL_HEADER_MAX);
    call->header[call->header_count++] =
        (struct http_header){str_of(name), arena_str(&call->arena, value)};
}

void api_call_reply(struct api_call *call, int status, struct str content_type, struct str body)
{
    if (audit_reply(call, status, content_type, body)) {
        return; /* once more when it is recorded */
    }
    struct http_response response = {
        .status = status,
        .content_type = content_type,
        .body = body,
        .headers = call->header,
        .header_count = call->header_count,
    };
    http_reply(call->x, &response);
    call_free(call);
}

void api_call_reply_json(struct api_call *call, int status, const struct buf *body)
{
    if (buf_is_ok(body)) {
        api_call_reply(call, status, STR("application/json"), buf_str(body));
    } else {
        api_call_problem(call, MESSAGE_INTERNAL,
                         STR("the answer is too large; ask for less at a time"), STR_NONE);
    }
}

void api_call_problem_full(struct api_call *call, enum message problem, struct str detail,
                           struct str param, struct str payment_id, int retry_after_s)
{
    const struct message_entry *entry = message_entry(problem);
    struct buf body;
    call->problem = problem;
    if (retry_after_s == 0 && (entry->status == 503 || entry->status == 429)) {
        retry_after_s = RETRY_SOON_S;
    }
    if (retry_after_s > 0) {
        api_call_add_header(call, "Retry-After", arena_printf(&call->arena, "%d", retry_after_s));
    }
    if (problem == MESSAGE_UNAUTHENTICATED) {
        api_call_add_header(call, "WWW-Authenticate", STR("Bearer realm=\"turnpike\""));
    }
    buf_init(&body, PROBLEM_BYTES_MAX);
    message_print(problem, detail, param, payment_id, str_of(http_request_id(call->x)), &body);
    CHECK(buf_is_ok(&body));
    api_call_reply(call, entry->status, STR("application/problem+json"), buf_str(&body));
    buf_release(&body);
}

void api_call_findings(struct api_call *call, struct str detail, struct str findings_json)
{
    struct buf body;
    call->problem = MESSAGE_INVALID_RULES;
    buf_init(&body, PROBLEM_BYTES_MAX + findings_json.len);
    message_print(MESSAGE_INVALID_RULES, detail, STR("text"), STR_NONE,
                  str_of(http_request_id(call->x)), &body);
    CHECK(buf_is_ok(&body) && body.len > 0);
    body.len--; /* one more member */
    buf_add_str(&body, STR(",\"findings\":"));
    buf_add_str(&body, findings_json);
    buf_add_char(&body, '}');
    CHECK(buf_is_ok(&body));
    api_call_reply(call, message_entry(MESSAGE_INVALID_RULES)->status,
                   STR("application/problem+json"), buf_str(&body));
    buf_release(&body);
}

void api_call_problem(struct api_call *call, enum message problem, struct str detail,
                      struct str param)
{
    api_call_problem_full(call, problem, detail, param, STR_NONE, 0);
}

struct http_stream *api_call_stream(struct api_call *call, http_gone_fn gone, void *ctx)
{
    struct http_stream *stream = http_stream_start(call->x, gone, ctx);
    call_free(call);
    return stream;
}

struct http_stream *api_call_stream_sized(struct api_call *call, struct str content_type,
                                          uint64_t size, http_gone_fn gone, void *ctx)
{
    struct http_response head = {
        .status = 200,
        .content_type = content_type,
        .headers = call->header,
        .header_count = call->header_count,
    };
    struct http_stream *stream = http_stream_start_sized(call->x, &head, size, gone, ctx);
    call_free(call);
    return stream;
}

void api_call_unavailable(struct api_call *call)
{
    api_call_problem(call, MESSAGE_UNAVAILABLE, STR("the ledger does not answer; try again"),
                     STR_NONE);
}

bool api_call_query(struct api_call *call, const char *name, struct str *value)
{
    return http_query(call->x, name, value);
}

/* ---- what goes in ---------------------------------------------------------------------------- */

static bool refuse(struct api_call *call, const struct field_problem *problem)
{
    api_call_problem(call, problem->message, str_of(problem->detail), str_of(problem->param));
    return false;
}

static bool refuse_query(struct api_call *call, struct str name, const char *detail)
{
    struct field_problem problem = {.message = MESSAGE_NONE};
    (void)field_fail(&problem, MESSAGE_CURSOR_MALFORMED, name, "%s", detail);
    if (!str_is_utf8(name)) {
        problem.param[0] = '\0';
    }
    return refuse(call, &problem);
}

static bool is_repeated(struct str query, struct str name)
{
    size_t count = 0;
    while (query.len > 0) {
        struct str pair = str_cut(&query, '&');
        count += str_eq(str_cut(&pair, '='), name);
    }
    return count > 1;
}

/* False: the call was answered. */
static bool check_query(struct api_call *call)
{
    const struct field_set *set = call->endpoint->query;
    struct str query = http_request(call->x)->query;
    struct str rest = query;
    while (rest.len > 0) {
        struct field_problem problem = {.message = MESSAGE_NONE};
        struct str value;
        struct str pair = str_cut(&rest, '&');
        struct str name = str_cut(&pair, '=');
        const struct field *field = field_find(set, name);
        if (field == NULL) {
            return refuse_query(call, name, "no such query parameter is known here");
        }
        if (is_repeated(query, name)) {
            return refuse_query(call, name, "the query parameter stands twice");
        }
        if (!http_query(call->x, field->name, &value)) {
            return refuse_query(call, name, "the value is not well-formed UTF-8");
        }
        if (!field_check_text(field, value, &problem)) {
            if (problem.message != MESSAGE_CARD_DATA) {
                problem.message = MESSAGE_CURSOR_MALFORMED;
            }
            return refuse(call, &problem);
        }
    }
    return true;
}

bool api_call_read_body(struct api_call *call, struct field_problem *problem)
{
    const struct field_set *set = call->endpoint->body;
    struct str text = http_request(call->x)->body;
    bool may_be_empty = set->is_optional;
    if (!(may_be_empty && text.len == 0) && !body_is_json(http_header(call->x, "Content-Type"))) {
        return field_fail(problem, MESSAGE_UNSUPPORTED_MEDIA_TYPE, STR_NONE,
                          "send the body with Content-Type: application/json");
    }
    call->body = set == &rule_fields || set == &rule_check_fields
                     ? body_parse_text(text, problem)
                     : body_parse(text, may_be_empty, &call->arena, problem);
    return call->body != NULL && field_check(set, call->body, problem);
}

/* False: the call was answered. */
static bool take_body(struct api_call *call)
{
    struct field_problem problem = {.message = MESSAGE_NONE};
    bool reads_itself = call->endpoint->fn == intake_start;
    if (call->endpoint->body == NULL || reads_itself || call->body != NULL) {
        return true;
    }
    return api_call_read_body(call, &problem) || refuse(call, &problem);
}

/* ---- who calls ------------------------------------------------------------------------------- */

/* A stolen key is worth nothing without the client's own. */
static bool comes_from_its_client(const struct api_call *call)
{
    const struct merchant *merchant = call->caller.merchant;
    return merchant == NULL || merchant_takes_client(merchant, http_request(call->x)->peer_spki);
}

static bool may_call(const struct api_call *call)
{
    const struct caller *caller = &call->caller;
    if ((call->endpoint->roles & 1u << caller->role) == 0) {
        return false;
    }
    /* An operator's key that is bound to a merchant does not administrate the house. */
    return call->endpoint->fn != admin_handle || caller->merchant == NULL;
}

/* Once more from the start when it is there. */
static void read_large_body(struct api_call *call)
{
    if (http_take_body(call->x)) {
        call_free(call);
    } else {
        api_call_problem(call, MESSAGE_OVERLOADED,
                         STR("too many large bodies are being read; try again"), STR_NONE);
    }
}

void api_call_refuse_caller(struct api_call *call, struct str detail)
{
    if (admit_stranger(call)) {
        audit_refuse(call, MESSAGE_UNAUTHENTICATED);
        api_call_problem(call, MESSAGE_UNAUTHENTICATED, detail, STR_NONE);
    }
}

static void act(struct api_call *call)
{
    audit_call(call, call->endpoint->fn);
}

static void begin(struct api_call *call)
{
    if ((call->endpoint->roles & ROLE_NAMES_MERCHANT) != 0) {
        api_call_whose(call, act);
    } else {
        act(call);
    }
}

/* The caller is known: its merchant is held for us. */
static void go_on(struct api_call *call, const struct caller *caller)
{
    call->caller = *caller;
    call->has_caller = true;
    if (!comes_from_its_client(call)) {
        api_call_refuse_caller(
            call, STR("this key works only with the client certificate of its merchant"));
        return;
    }
    http_vouch(call->x);
    if (!may_call(call)) {
        audit_refuse(call, MESSAGE_FORBIDDEN);
        api_call_problem(call, MESSAGE_FORBIDDEN,
                         call->endpoint->fn == session_create
                             ? STR("a backend's key does not belong into a browser: sign in with "
                                   "an operator's or a finance key")
                             : STR("the role of this key does not allow it"),
                         STR_NONE);
    } else if (call->is_asking) {
        if (admit_large_body(call)) {
            read_large_body(call);
        }
    } else if (admit_caller(call) && check_query(call) && take_body(call)) {
        begin(call);
    }
}

static struct str bearer_of(const struct http_exchange *x)
{
    struct str rest = http_header(x, "Authorization");
    struct str scheme = str_cut(&rest, ' ');
    return str_eq_nocase(scheme, STR("Bearer")) ? str_trim(rest) : STR_NONE;
}

/* What the look-up of keys remembers a key by; a session has no more of it than this. */
static struct str name_of(const struct api_call *call)
{
    return (struct str){(const char *)call->digest, sizeof(call->digest)};
}

static void authenticated(void *ctx, enum merchants_find found, const struct caller *caller)
{
    struct api_call *call = ctx;
    switch (found) {
    case MERCHANTS_FOUND:
        admission_note_key(call->api->parts.admission, name_of(call));
        admit_looked_up(call);
        go_on(call, caller);
        return;
    case MERCHANTS_UNKNOWN:
        api_call_refuse_caller(call, call->has_session
                                         ? STR("the key of this session is not valid any more")
                                         : STR("this is no valid API key"));
        return;
    case MERCHANTS_UNAVAILABLE:
        admit_looked_up(call);
        api_call_unavailable(call);
        return;
    }
}

void api_call_look_up(struct api_call *call, const uint8_t digest[SHA256_SIZE])
{
    struct merchants *merchants = call->api->parts.merchants;
    struct caller caller;
    memcpy(call->digest, digest, sizeof(call->digest));
    if (merchants_try_digest(merchants, call->digest, &caller)) {
        go_on(call, &caller);
    } else if (admit_look_up(call, name_of(call))) {
        merchants_authenticate_digest(merchants, call->digest, authenticated, call);
    }
}

static void authenticate(struct api_call *call)
{
    uint8_t digest[SHA256_SIZE];
    struct str key = bearer_of(call->x);
    struct str cookie = http_header(call->x, "Authorization").len == 0
                            ? cookie_find(http_header(call->x, "Cookie"))
                            : STR_NONE;
    if (call->endpoint->fn == session_create) {
        session_sign_in(call);
    } else if (cookie.len > 0) {
        session_authenticate(call, cookie);
    } else if (!merchant_key_is_valid(key)) {
        api_call_refuse_caller(call, STR("send Authorization: Bearer with a valid API key"));
    } else {
        merchant_key_digest(key, call->api->parts.pepper, digest);
        api_call_look_up(call, digest);
    }
}

/* ---- a request ------------------------------------------------------------------------------- */

static void answer_no_route(struct api_call *call, enum route_result found, const struct buf *allow)
{
    if (!admit_stranger(call)) {
        return;
    }
    if (found == ROUTE_NO_METHOD) {
        api_call_add_header(call, "Allow", buf_str(allow));
        api_call_problem(call, MESSAGE_METHOD_NOT_ALLOWED,
                         STR("the Allow header lists what it takes"), STR_NONE);
    } else {
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is nothing at this address"),
                         STR_NONE);
    }
}

static void refuse_large_body(struct api_call *call)
{
    http_refuse_body(call->x);
    call_free(call);
}

static void handle(struct http_exchange *x, struct api *api, bool is_asking)
{
    const struct http_request *request = http_request(x);
    struct api_call *call = calloc(1, sizeof(*call));
    CHECK(call != NULL);
    call->api = api;
    call->x = x;
    call->is_asking = is_asking;
    arena_init(&call->arena, CALL_ARENA_MAX);
    list_add_last(&api->calls, &call->link);
    const struct route *route = NULL;
    struct buf allow;
    buf_init(&allow, 256);
    enum route_result found = route_find(api_routes(), api_endpoint_count, request->method,
                                         request->path, &route, &call->params, &allow);
    if (found != ROUTE_FOUND) {
        answer_no_route(call, found, &allow);
    } else {
        http_set_route(x, route->pattern);
        call->endpoint = &api_endpoints[route->tag];
        if (is_asking && request->body_len > api_endpoint_body_max(call->endpoint)) {
            refuse_large_body(call);
        } else if (call->endpoint->roles == ROLE_ANYONE) {
            if (admit_stranger(call)) {
                call->endpoint->fn(call);
            }
        } else {
            authenticate(call);
        }
    }
    buf_release(&allow);
}

void api_handle(struct http_exchange *x, void *ctx)
{
    handle(x, ctx, false);
}

void api_handle_large(struct http_exchange *x, void *ctx)
{
    handle(x, ctx, true);
}

/* ---- the module ------------------------------------------------------------------------------ */

struct api *api_new(const struct api_parts *parts)
{
    struct api *api = calloc(1, sizeof(*api));
    CHECK(api != NULL);
    api->parts = *parts;
    api->admin = (struct admin_parts){
        .loop = parts->loop,
        .store = parts->store,
        .merchants = parts->merchants,
        .engine = parts->engine,
        .config = parts->merchants_config,
        .pepper = parts->pepper,
        .probe_ms = parts->answer_ms,
        .backtest_queued = parts->backtest_queued,
        .backtest_ctx = parts->backtest_ctx,
    };
    api->endeds = endeds_new(parts->store);
    list_init(&api->calls);
    event_streams_init(api);
    list_init(&api->board_streams);
    list_init(&api->downloads);
    return api;
}

void api_free(struct api **api_at)
{
    struct api *api = *api_at;
    if (api == NULL) {
        return;
    }
    *api_at = NULL;
    for (struct link *item = api->calls.next; item != &api->calls;) {
        struct api_call *call = LIST_OWNER(item, struct api_call, link);
        item = item->next;
        call_free(call); /* nobody will answer it any more */
    }
    event_streams_free(api);
    board_streams_free(api);
    downloads_free(api);
    endeds_free(&api->endeds);
    buf_release(&api->openapi);
    free(api);
}

/*
 * /v1/session: people sign in to the dashboard with an operator's or finance key, and use it by a cookie from then on.
 *
 *     POST key -> looked up as any key (and limited as any guess) -> cookie, 8 h
 *     request with the cookie, without Authorization:
 *         cookie opens, not expired -> comes from our own pages -> not ended -> the key's call, as if it had been sent
 *
 * What another site makes a browser send is refused before anything is looked up: all that may change something needs a
 * header that no page elsewhere can add, and what the browser says of where it comes from (Fetch Metadata, Origin) must
 * be here. SameSite=Strict keeps the cookie out of such requests in any case.
 */
#include "api/call.h"

#include <string.h>

#include "api/ended.h"
#include "base/clock.h"

#define LIFE_US      (INT64_C(8) * 3600 * CLOCK_SECOND_US)
#define COOKIE_TERMS "; Path=/; Secure; HttpOnly; SameSite=Strict"

enum {
    SESSION_BYTES_MAX = 4096,
};

/* ---- where it comes from ----------------------------------------------------------------------- */

static bool is_read(const struct api_call *call)
{
    enum http_method method = http_request(call->x)->method;
    return method == HTTP_GET || method == HTTP_HEAD;
}

/* "https://" and our own name, as the client called us; a browser leaves the usual port out. */
static bool is_own_origin(const struct api_call *call, struct str origin)
{
    struct str host = http_request(call->x)->host;
    if (!str_starts(origin, STR("https://"))) {
        return false;
    }
    if (str_ends(host, STR(":443"))) {
        host = str_sub(host, 0, host.len - 4);
    }
    return str_eq_nocase(str_sub(origin, 8, SIZE_MAX), host);
}

/* As far as the browser says it. A person may open an address by hand, but sends nothing so. */
static bool is_from_here(const struct api_call *call)
{
    struct str site = http_header(call->x, "Sec-Fetch-Site");
    struct str origin = http_header(call->x, "Origin");
    bool is_by_hand = is_read(call) && str_eq(site, STR("none"));
    if (site.len > 0 && !is_by_hand && !str_eq(site, STR("same-origin"))) {
        return false;
    }
    return origin.len == 0 || is_own_origin(call, origin);
}

static bool has_leave(const struct api_call *call)
{
    bool has_mark = str_eq(http_header(call->x, "Turnpike-Session"), STR("1"));
    return (is_read(call) || has_mark) && is_from_here(call);
}

/* ---- a request by cookie ----------------------------------------------------------------------- */

static void over(struct api_call *call)
{
    api_call_refuse_caller(call, STR("the session is over: sign in again"));
}

static void ended_known(void *ctx, enum ended ended)
{
    struct api_call *call = ctx;
    switch (ended) {
    case ENDED_NOT:
        api_call_look_up(call, call->session.digest);
        return;
    case ENDED_UNKNOWN:
    case ENDED_YES:
        over(call);
        return;
    case ENDED_UNAVAILABLE:
        api_call_unavailable(call);
        return;
    }
}

void session_authenticate(struct api_call *call, struct str cookie)
{
    struct error ignored;
    if (!cookie_parse(call->api->parts.session_key, cookie, &call->session, &ignored) ||
        call->session.expires_us <= clock_wall_us()) {
        over(call);
        return;
    }
    call->has_session = true;
    if (!has_leave(call)) {
        api_call_problem(call, MESSAGE_FORBIDDEN,
                         STR("a session takes requests of its own pages alone: send "
                             "Turnpike-Session: 1 with all but GET"),
                         STR_NONE);
        return;
    }
    enum ended ended = endeds_look(call->api->endeds, &call->session.session_id);
    if (ended == ENDED_UNKNOWN) {
        endeds_ask(call->api->endeds, &call->session.session_id, ended_known, call);
    } else {
        ended_known(call, ended);
    }
}

bool session_is_over(struct api *api, const struct session *session)
{
    return session->expires_us <= clock_wall_us() ||
           endeds_watch(api->endeds, &session->session_id);
}

/* ---- sign-in ----------------------------------------------------------------------------------- */

void session_sign_in(struct api_call *call)
{
    struct field_problem problem = {.message = MESSAGE_FORBIDDEN};
    uint8_t digest[SHA256_SIZE];
    if (!is_from_here(call)) {
        (void)field_fail(&problem, MESSAGE_FORBIDDEN, STR_NONE, "sign in from our own pages alone");
    } else if (api_call_read_body(call, &problem)) {
        struct str key = json_text(call->body, "key");
        if (!merchant_key_is_valid(key)) {
            api_call_refuse_caller(call, STR("this is no valid API key"));
            return;
        }
        merchant_key_digest(key, call->api->parts.pepper, digest);
        api_call_look_up(call, digest);
        return;
    }
    if (admit_stranger(call)) {
        api_call_problem(call, problem.message, str_of(problem.detail), str_of(problem.param));
    }
}

static void put_time(struct json_out *json, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    json_put_str(json, key, clock_format_ms(wall_us, text));
}

static void reply(struct api_call *call, int status)
{
    const struct caller *caller = &call->caller;
    char id[ID_TEXT_SIZE];
    struct buf body;
    struct json_out json;
    buf_init(&body, SESSION_BYTES_MAX);
    json_out_init(&json, &body);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "session");
    json_put_cstr(&json, "role", key_role_name(caller->role));
    json_put_str(&json, "key", id_format(ID_KEY, &caller->key_id, id));
    if (caller->merchant != NULL) {
        json_put_str(&json, "merchant", id_format(ID_MERCHANT, &caller->merchant->merchant_id, id));
        json_put_str(&json, "merchant_name", caller->merchant->name);
        json_put_bool(&json, "livemode", caller->merchant->livemode);
    } else {
        json_put_null(&json, "merchant");
        json_put_null(&json, "merchant_name");
        json_put_null(&json, "livemode");
    }
    put_time(&json, "created", call->session.created_us);
    put_time(&json, "expires", call->session.expires_us);
    json_end_object(&json);
    api_call_reply_json(call, status, &body);
    buf_release(&body);
}

void session_create(struct api_call *call)
{
    struct session *session = &call->session;
    struct buf value;
    *session = (struct session){.session_id = uuid_new(), .created_us = clock_wall_us()};
    session->expires_us = session->created_us + LIFE_US;
    memcpy(session->digest, call->digest, sizeof(session->digest));
    buf_init(&value, COOKIE_VALUE_LEN);
    cookie_print(call->api->parts.session_key, session, &value);
    CHECK(buf_is_ok(&value));
    api_call_add_header(
        call, "Set-Cookie",
        arena_printf(&call->arena, COOKIE_NAME "=" STR_FMT "; Max-Age=%lld" COOKIE_TERMS,
                     STR_ARG(buf_str(&value)), (long long)(LIFE_US / CLOCK_SECOND_US)));
    buf_release(&value);
    reply(call, 201);
}

/* ---- the session itself ------------------------------------------------------------------------ */

/* False: the call was answered, and is no more. */
static bool take_session(struct api_call *call)
{
    if (call->has_session) {
        return true;
    }
    api_call_problem(call, MESSAGE_UNAUTHENTICATED,
                     STR("there is no session: this request came with a key"), STR_NONE);
    return false;
}

void session_show(struct api_call *call)
{
    if (take_session(call)) {
        reply(call, 200);
    }
}

static void signed_out(void *ctx, enum ended ended)
{
    struct api_call *call = ctx;
    if (ended != ENDED_YES) {
        api_call_unavailable(call);
        return;
    }
    api_call_add_header(call, "Set-Cookie", STR(COOKIE_NAME "=; Max-Age=0" COOKIE_TERMS));
    api_call_reply(call, 204, STR_NONE, STR_NONE);
}

void session_delete(struct api_call *call)
{
    if (take_session(call)) {
        endeds_end(call->api->endeds, &call->session.session_id, call->session.expires_us,
                   signed_out, call);
    }
}

/* What an endpoint may answer, for the OpenAPI document: statuses, bodies, headers, problems. */
#include <stdio.h>
#include <string.h>

#include "api/openapi.h"
#include "http/refusal.h"

/* ---- headers --------------------------------------------------------------------------------- */

#define TEXT_SCHEMA   "\"schema\":{\"type\":\"string\"}"
#define NUMBER_SCHEMA "\"schema\":{\"type\":\"integer\",\"minimum\":0}"

/* clang-format off */
static const struct {
    const char *name;
    const char *json; /* the Header Object */
} headers[] = {
    {"Request-Id", "{\"required\":true,\"description\":\"req_...: this request in logs and in the request log.\",\"schema\":{\"type\":\"string\",\"pattern\":\"^req_[0-9A-Z]{26}$\"}}"},
    {"Idempotent-Replayed", "{\"description\":\"true: the stored answer of this key, byte for byte.\",\"schema\":{\"const\":\"true\"}}"},
    {"Location", "{\"description\":\"Address of what was made.\"," TEXT_SCHEMA "}"},
    {"Retry-After", "{\"description\":\"Seconds after which asking again makes sense.\"," NUMBER_SCHEMA "}"},
    {"WWW-Authenticate", "{\"description\":\"How to come: with a key.\"," TEXT_SCHEMA "}"},
    {"Allow", "{\"description\":\"What this address takes.\"," TEXT_SCHEMA "}"},
    {"RateLimit", "{\"description\":\"When little is left of the limit (draft-ietf-httpapi-ratelimit-headers-10).\"," TEXT_SCHEMA "}"},
    {"RateLimit-Policy", "{\"description\":\"The limit.\"," TEXT_SCHEMA "}"},
    {"Link", "{\"description\":\"Of a page of CSV: where the next one is (RFC 8288).\"," TEXT_SCHEMA "}"},
    {"Vary", "{\"description\":\"The body depends on this header of the request.\"," TEXT_SCHEMA "}"},
    {"Content-Disposition", "{\"description\":\"Name of the file.\"," TEXT_SCHEMA "}"},
    {"Set-Cookie", "{\"description\":\"The cookie `" COOKIE_NAME "`: the session, or none any more.\"," TEXT_SCHEMA "}"},
};
/* clang-format on */

static void put_references(struct json_out *out, const char *const *names, size_t count)
{
    json_key(out, "headers");
    json_begin_object(out);
    for (size_t i = 0; i < count; i++) {
        char text[OPENAPI_TEXT_SIZE];
        (void)snprintf(text, sizeof(text), "#/components/headers/%s", names[i]);
        json_key(out, names[i]);
        json_begin_object(out);
        json_put_cstr(out, "$ref", text);
        json_end_object(out);
    }
    json_end_object(out);
}

static bool is_session(const struct endpoint *endpoint)
{
    return endpoint->fn == session_create || endpoint->fn == session_delete;
}

/* ledger.c: pages of the books. */
static bool may_be_csv(const struct endpoint *endpoint)
{
    return endpoint->fn == ledger_accounts_list || endpoint->fn == ledger_transfers_list ||
           endpoint->fn == ledger_balances_show || endpoint->fn == ledger_statements_list;
}

static bool is_file(const struct endpoint *endpoint)
{
    return endpoint->response != NULL &&
           strcmp(endpoint->response, "application/octet-stream") == 0;
}

static void put_success_headers(struct json_out *out, const struct endpoint *endpoint, int status)
{
    const char *names[ARRAY_LEN(headers)];
    size_t count = 0;
    names[count++] = "Request-Id";
    if (endpoint->roles != ROLE_ANYONE) {
        names[count++] = "RateLimit";
        names[count++] = "RateLimit-Policy";
    }
    if (endpoint->has_key) {
        names[count++] = "Idempotent-Replayed";
    }
    if (endpoint->method == HTTP_POST && !is_session(endpoint)) {
        names[count++] = "Location";
    }
    if (status == 202) {
        names[count++] = "Retry-After";
    }
    if (may_be_csv(endpoint)) {
        names[count++] = "Link";
        names[count++] = "Vary";
    }
    if (is_file(endpoint)) {
        names[count++] = "Content-Disposition";
    }
    if (is_session(endpoint)) {
        names[count++] = "Set-Cookie";
    }
    put_references(out, names, count);
}

static void put_problem_headers(struct json_out *out, int status)
{
    const char *names[ARRAY_LEN(headers)];
    size_t count = 0;
    names[count++] = "Request-Id";
    names[count++] = "RateLimit";
    names[count++] = "RateLimit-Policy";
    if (status == 401) {
        names[count++] = "WWW-Authenticate";
    }
    if (status == 409 || status == 422 || status == 429 || status == 503) {
        names[count++] = "Retry-After";
    }
    if (status == 405) {
        names[count++] = "Allow";
    }
    put_references(out, names, count);
}

/* ---- success --------------------------------------------------------------------------------- */

static void put_success(struct json_out *out, const struct endpoint *endpoint, int status,
                        const char *description)
{
    char text[8];
    (void)snprintf(text, sizeof(text), "%d", status);
    json_key(out, text);
    json_begin_object(out);
    json_put_cstr(out, "description", description);
    put_success_headers(out, endpoint, status);
    if (is_file(endpoint)) {
        json_put_raw(out, "content",
                     STR("{\"*/*\":{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}}"));
    } else if (endpoint->response != NULL && endpoint->response[0] >= 'a') { /* no schema */
        json_put_raw(
            out, "content",
            STR("{\"text/event-stream\":{\"schema\":{\"type\":\"string\",\"description\":"
                "\"Each message has an id (where to go on), the event's type, and the Event "
                "as data.\"}}}"));
    } else if (endpoint->response != NULL) {
        openapi_begin_content(out, "application/json", endpoint->response);
        if (may_be_csv(endpoint)) {
            json_end_object(out);
            json_key(out, "text/csv");
            json_begin_object(out);
            json_put_raw(out, "schema",
                         STR("{\"type\":\"string\",\"description\":\"The same rows (RFC 4180), for "
                             "`Accept: text/csv`.\"}"));
        }
        openapi_end_content(out);
    } else if (status != 204) {
        json_put_raw(out, "content", STR("{\"application/json\":{}}"));
    }
    json_end_object(out);
}

/* ---- problems -------------------------------------------------------------------------------- */

static void put_reference(struct json_out *out, const char *key, const char *response)
{
    char text[OPENAPI_TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "#/components/responses/%s", response);
    json_key(out, key);
    json_begin_object(out);
    json_put_cstr(out, "$ref", text);
    json_end_object(out);
}

/* An operator names whose it is. */
static bool names_merchant(const struct endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->query->count; i++) {
        if (strcmp(endpoint->query->fields[i].name, "merchant") == 0)
            return true;
    }
    return false;
}

static bool may_answer(const struct endpoint *endpoint, int status)
{
    bool has_body = endpoint->body != NULL;
    bool has_query = endpoint->query->count > 0;
    bool names_object = str_find(str_of(endpoint->path), STR("{"), 0) != SIZE_MAX;
    if (endpoint->roles == ROLE_ANYONE) {
        return status == 405 || status == 500;
    }
    switch (status) {
    case 400:
    case 422:
        return has_body || has_query;
    case 404:
        return names_object || names_merchant(endpoint);
    case 405:
        return false;
    case 409:
    case 415:
        return has_body || endpoint->method == HTTP_DELETE || is_file(endpoint);
    default:
        return true;
    }
}

/* What is asked for may be there already, and is no conflict then. */
static bool may_exist(const struct endpoint *endpoint)
{
    return endpoint->admin == ADMIN_RULES_PUT || endpoint->admin == ADMIN_MERCHANT_CREATE ||
           endpoint->admin == ADMIN_ACCOUNT_CREATE;
}

void openapi_put_responses(struct json_out *out, const struct endpoint *endpoint)
{
    int last = 0;
    json_key(out, "responses");
    json_begin_object(out);
    if (endpoint->has_key) {
        put_success(out, endpoint, 201,
                    "The final answer, declined or not; the same bytes again under the same key "
                    "(Idempotent-Replayed: true).");
        put_success(out, endpoint, 202, "The outcome is not known yet: read the payment later.");
    } else {
        put_success(out, endpoint, endpoint->status, "Done.");
    }
    if (endpoint->fn == payments_cancel || endpoint->fn == payouts_cancel) {
        put_success(out, endpoint, 202, "What became of it is not known yet: read it later.");
    }
    if (may_exist(endpoint)) {
        put_success(out, endpoint, 200, "It exists, the same: nothing was made.");
    }
    for (int i = MESSAGE_NONE + 1; i < MESSAGE_COUNT; i++) { /* the table is sorted by status */
        int status = message_entry((enum message)i)->status;
        if (status != last && may_answer(endpoint, status)) {
            char key[8];
            char name[32];
            (void)snprintf(key, sizeof(key), "%d", status);
            (void)snprintf(name, sizeof(name), "Problem%d", status);
            put_reference(out, key, name);
        }
        last = status;
    }
    put_reference(out, "default", "Refusal");
    json_end_object(out);
}

static void put_example(struct json_out *out, const char *code, const struct buf *problem)
{
    json_key(out, code);
    json_begin_object(out);
    json_put_raw(out, "value", buf_str(problem));
    json_end_object(out);
}

/* The codes of one status, each with a whole problem document as example. */
static void put_problem(struct json_out *out, int status)
{
    char name[OPENAPI_TEXT_SIZE];
    struct buf text;
    (void)snprintf(name, sizeof(name), "Problem%d", status);
    buf_init(&text, OPENAPI_BYTES_MAX);
    json_key(out, name);
    json_begin_object(out);
    for (int i = MESSAGE_NONE + 1; i < MESSAGE_COUNT; i++) {
        const struct message_entry *entry = message_entry((enum message)i);
        if (entry->status == status) {
            buf_printf(&text, "%s`%s`: %s.", text.len > 0 ? " " : "", entry->code, entry->title);
        }
    }
    json_put_str(out, "description", buf_str(&text));
    put_problem_headers(out, status);
    openapi_begin_content(out, "application/problem+json", "Problem");
    json_key(out, "examples");
    json_begin_object(out);
    for (int i = MESSAGE_NONE + 1; i < MESSAGE_COUNT; i++) {
        const struct message_entry *entry = message_entry((enum message)i);
        if (entry->status == status) {
            buf_clear(&text);
            message_print((enum message)i, STR_NONE, STR_NONE, STR_NONE, STR_NONE, &text);
            put_example(out, entry->code, &text);
        }
    }
    json_end_object(out);
    openapi_end_content(out);
    json_end_object(out);
    buf_release(&text);
}

/* What the HTTP layer refuses before it is known what was asked for. */
static void put_refusals(struct json_out *out)
{
    static const char *const names[] = {"Request-Id", "Retry-After"};
    struct buf text;
    buf_init(&text, OPENAPI_BYTES_MAX);
    json_key(out, "Refusal");
    json_begin_object(out);
    json_put_cstr(out, "description",
                  "The bytes on the connection are refused before it is known what they ask for; "
                  "nothing was done, and the connection ends.");
    put_references(out, names, ARRAY_LEN(names));
    openapi_begin_content(out, "application/problem+json", "Problem");
    json_key(out, "examples");
    json_begin_object(out);
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
        char code[OPENAPI_TEXT_SIZE];
        const struct refusal_reason *reason = refusal_reason((enum refusal)i);
        char body[REFUSAL_BODY_MAX];
        buf_clear(&text);
        buf_add(&text, body, refusal_print((enum refusal)i, NULL, body));
        (void)snprintf(code, sizeof(code), STR_FMT, STR_ARG(reason->code));
        put_example(out, code, &text);
    }
    json_end_object(out);
    openapi_end_content(out);
    json_end_object(out);
    buf_release(&text);
}

void openapi_put_answers(struct json_out *out)
{
    int last = 0;
    json_key(out, "headers");
    json_begin_object(out);
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        json_put_raw(out, headers[i].name, str_of(headers[i].json));
    }
    json_end_object(out);
    json_key(out, "responses");
    json_begin_object(out);
    for (int i = MESSAGE_NONE + 1; i < MESSAGE_COUNT; i++) {
        int status = message_entry((enum message)i)->status;
        if (status != last) {
            put_problem(out, status);
        }
        last = status;
    }
    put_refusals(out);
    json_end_object(out);
}

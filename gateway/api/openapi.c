/* The OpenAPI 3.1 document, printed from the tables of endpoints, fields, answers and problems. */
#include "api/call.h"

#include <stdio.h>
#include <string.h>

#include "api/schema.h"
#include "api/tables.h"

enum {
    DOCUMENT_BYTES_MAX = 4 * 1024 * 1024,
    TEXT_SIZE = 200,
};

#define VERSION "1.0.0"

static const struct {
    unsigned role;
    const char *name;
} roles[] = {{ROLE_MERCHANT, "merchant"}, {ROLE_FINANCE, "finance"}, {ROLE_OPERATOR, "operator"}};

/* ---- parameters ------------------------------------------------------------------------------ */

static void put_parameter(struct json_out *out, const char *name, const char *place, bool required,
                          const char *help)
{
    json_begin_object(out);
    json_put_cstr(out, "name", name);
    json_put_cstr(out, "in", place);
    json_put_bool(out, "required", required);
    if (help != NULL) {
        json_put_cstr(out, "description", help);
    }
    json_key(out, "schema");
}

static void put_id_parameter(struct json_out *out)
{
    put_parameter(out, "id", "path", true, "Id of the object.");
    json_raw(out, STR("{\"type\":\"string\"}"));
    json_end_object(out);
}

static void put_parameters(struct json_out *out, const struct endpoint *endpoint)
{
    json_key(out, "parameters");
    json_begin_array(out);
    if (str_find(str_of(endpoint->path), STR("{id}"), 0) != SIZE_MAX) {
        put_id_parameter(out);
    }
    for (size_t i = 0; i < endpoint->query->count; i++) {
        const struct field *field = &endpoint->query->fields[i];
        put_parameter(out, field->name, "query", field->required, field->help);
        schema_field(field, out);
        json_end_object(out);
    }
    if (endpoint->has_key) {
        json_begin_object(out);
        json_put_cstr(out, "$ref", "#/components/parameters/IdempotencyKey");
        json_end_object(out);
    }
    json_end_array(out);
}

/* ---- bodies and answers ---------------------------------------------------------------------- */

static void begin_content(struct json_out *out, const char *type, const char *schema)
{
    char text[TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "#/components/schemas/%s", schema);
    json_key(out, "content");
    json_begin_object(out);
    json_key(out, type);
    json_begin_object(out);
    json_key(out, "schema");
    json_begin_object(out);
    json_put_cstr(out, "$ref", text);
    json_end_object(out);
}

static void end_content(struct json_out *out)
{
    json_end_object(out);
    json_end_object(out);
}

static void put_payment_examples(struct json_out *out)
{
    json_key(out, "examples");
    json_raw(out,
             STR("{\"card\":{\"value\":{\"amount\":1099,\"currency\":\"EUR\",\"capture\":"
                 "\"automatic\",\"reference\":\"order-1001\",\"method\":{\"type\":\"card\","
                 "\"tokens\":{\"paypal\":\"tok_ok\",\"payoneer\":\"tok_ok\"}},\"customer\":{\"id\":"
                 "\"c-7\",\"country\":\"DE\"},\"metadata\":{\"cart\":\"77\"}}},"
                 "\"test\":{\"value\":{\"amount\":1099,\"currency\":\"EUR\",\"method\":{\"type\":"
                 "\"test\",\"outcome\":\"approved\"}}}}"));
}

/* The same as CSV: behind the JSON, within its content. */
static void put_csv(struct json_out *out)
{
    json_end_object(out);
    json_key(out, "text/csv");
    json_begin_object(out);
    json_put_raw(out, "schema",
                 STR("{\"type\":\"string\",\"description\":\"RFC 4180, UTF-8. The first line "
                     "names members of a PayoutRequest by their paths; an empty cell leaves its "
                     "member out; providers.only and providers.never hold names between "
                     "spaces.\"}"));
    json_put_raw(out, "example",
                 STR("\"amount,currency,reference,beneficiary.type,beneficiary.first_name,"
                     "beneficiary.last_name,payees.paypal\\n12500,EUR,salary-1,individual,Ada,"
                     "Lovelace,ada@example.com\\n\""));
}

static void put_body(struct json_out *out, const struct endpoint *endpoint)
{
    if (endpoint->body == NULL || endpoint->body == &no_fields) {
        return;
    }
    json_key(out, "requestBody");
    json_begin_object(out);
    json_put_bool(out, "required", !endpoint->body->is_optional);
    begin_content(out, "application/json", endpoint->body->name);
    if (endpoint->body == &payment_fields) {
        put_payment_examples(out);
    }
    if (endpoint->body == &payout_batch_fields) {
        put_csv(out);
    }
    end_content(out);
    json_end_object(out);
}

static void put_success(struct json_out *out, const struct endpoint *endpoint, int status,
                        const char *description)
{
    char text[8];
    (void)snprintf(text, sizeof(text), "%d", status);
    json_key(out, text);
    json_begin_object(out);
    json_put_cstr(out, "description", description);
    if (endpoint->response != NULL && strcmp(endpoint->response, "application/octet-stream") == 0) {
        json_put_raw(out, "content",
                     STR("{\"*/*\":{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}}"));
    } else if (endpoint->response != NULL && endpoint->response[0] >= 'a') { /* no schema */
        json_put_raw(
            out, "content",
            STR("{\"text/event-stream\":{\"schema\":{\"type\":\"string\",\"description\":"
                "\"Each message has an id (where to go on), the event's type, and the Event "
                "as data.\"}}}"));
    } else if (endpoint->response != NULL) {
        begin_content(out, "application/json", endpoint->response);
        end_content(out);
    } else if (status != 204) {
        json_put_raw(out, "content", STR("{\"application/json\":{}}"));
    }
    if (endpoint->fn == session_create || endpoint->fn == session_delete) {
        json_put_raw(out, "headers",
                     STR("{\"Set-Cookie\":{\"description\":\"The cookie `" COOKIE_NAME
                         "`: the session, or none any more.\",\"schema\":{\"type\":\"string\"}}}"));
    }
    json_end_object(out);
}

/* Every problem status once, each described by the codes it may carry. */
static void put_problem_reference(struct json_out *out, int status)
{
    char key[8];
    char text[TEXT_SIZE];
    (void)snprintf(key, sizeof(key), "%d", status);
    (void)snprintf(text, sizeof(text), "#/components/responses/Problem%d", status);
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
    bool names_object = str_find(str_of(endpoint->path), STR("{"), 0) != SIZE_MAX;
    if (endpoint->roles == ROLE_ANYONE) {
        return status == 405;
    }
    switch (status) {
    case 400:
        return has_body || endpoint->query->count > 0;
    case 404:
        return names_object || names_merchant(endpoint);
    case 405:
        return false;
    case 409:
    case 415:
    case 422:
        return has_body;
    default:
        return true;
    }
}

static void put_responses(struct json_out *out, const struct endpoint *endpoint)
{
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
    int last = 0;
    for (int i = MESSAGE_NONE + 1; i < MESSAGE_COUNT; i++) { /* the table is sorted by status */
        int status = message_entry((enum message)i)->status;
        if (status != last && may_answer(endpoint, status)) {
            put_problem_reference(out, status);
        }
        last = status;
    }
    json_end_object(out);
}

static const char *tag_of(const struct endpoint *endpoint)
{
    struct str path = str_of(endpoint->path);
    if (endpoint->admin != ADMIN_NONE) {
        return "administration";
    }
    if (str_starts(path, STR("/v1/webhook-"))) {
        return "webhooks";
    }
    return str_starts(path, STR("/v1/payout")) || str_starts(path, STR("/v1/payee")) ? "payouts"
                                                                                     : "payments";
}

/* How one may come: with one of these roles. */
static void put_way(struct json_out *out, const char *scheme, unsigned allowed)
{
    json_begin_object(out);
    json_key(out, scheme);
    json_begin_array(out);
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        if ((allowed & roles[i].role) != 0) {
            json_cstr(out, roles[i].name);
        }
    }
    json_end_array(out);
    json_end_object(out);
}

/* No backend's key becomes a session; who signs in sends the key in the body. */
static void put_security(struct json_out *out, const struct endpoint *endpoint)
{
    unsigned people = endpoint->roles & (ROLE_FINANCE | ROLE_OPERATOR);
    bool is_session = endpoint->fn == session_show || endpoint->fn == session_delete;
    json_key(out, "security");
    json_begin_array(out);
    if (endpoint->roles != ROLE_ANYONE && endpoint->fn != session_create) {
        if (!is_session) {
            put_way(out, "key", endpoint->roles);
        }
        if (people != 0) {
            put_way(out, "session", people);
        }
    }
    json_end_array(out);
}

static void put_endpoint(struct json_out *out, const struct endpoint *endpoint)
{
    static const char *const methods[HTTP_METHOD_COUNT] = {
        [HTTP_METHOD_NONE] = "",  [HTTP_GET] = "get", [HTTP_HEAD] = "head",
        [HTTP_POST] = "post",     [HTTP_PUT] = "put", [HTTP_PATCH] = "patch",
        [HTTP_DELETE] = "delete",
    };
    json_key(out, methods[endpoint->method]);
    json_begin_object(out);
    json_put_cstr(out, "operationId", endpoint->name);
    json_put_cstr(out, "summary", endpoint->summary);
    json_key(out, "tags");
    json_begin_array(out);
    json_cstr(out, tag_of(endpoint));
    json_end_array(out);
    put_security(out, endpoint);
    put_parameters(out, endpoint);
    put_body(out, endpoint);
    put_responses(out, endpoint);
    json_end_object(out);
}

static bool is_first_of_path(size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (str_eq(str_of(api_endpoints[i].path), str_of(api_endpoints[index].path))) {
            return false;
        }
    }
    return true;
}

static void put_paths(struct json_out *out)
{
    json_key(out, "paths");
    json_begin_object(out);
    for (size_t i = 0; i < api_endpoint_count; i++) {
        if (!is_first_of_path(i)) {
            continue;
        }
        struct str path = str_of(api_endpoints[i].path);
        json_key(out, api_endpoints[i].path);
        json_begin_object(out);
        for (size_t at = i; at < api_endpoint_count; at++) {
            if (str_eq(str_of(api_endpoints[at].path), path)) {
                put_endpoint(out, &api_endpoints[at]);
            }
        }
        json_end_object(out);
    }
    json_end_object(out);
}

/* ---- components ------------------------------------------------------------------------------ */

static void put_schemas(struct json_out *out)
{
    json_key(out, "schemas");
    json_begin_object(out);
    for (size_t i = 0; i < field_set_count; i++) {
        json_key(out, field_sets[i]->name);
        schema_set(field_sets[i], out);
    }
    schema_answers(out);
    json_end_object(out);
}

/* The codes of one status, each with a whole problem document as example. */
static void put_problem(struct json_out *out, int status)
{
    char name[TEXT_SIZE];
    struct buf text;
    (void)snprintf(name, sizeof(name), "Problem%d", status);
    buf_init(&text, DOCUMENT_BYTES_MAX);
    json_key(out, name);
    json_begin_object(out);
    for (int i = MESSAGE_NONE + 1; i < MESSAGE_COUNT; i++) {
        const struct message_entry *entry = message_entry((enum message)i);
        if (entry->status == status) {
            buf_printf(&text, "%s`%s`: %s.", text.len > 0 ? " " : "", entry->code, entry->title);
        }
    }
    json_put_str(out, "description", buf_str(&text));
    begin_content(out, "application/problem+json", "Problem");
    json_key(out, "examples");
    json_begin_object(out);
    for (int i = MESSAGE_NONE + 1; i < MESSAGE_COUNT; i++) {
        const struct message_entry *entry = message_entry((enum message)i);
        if (entry->status == status) {
            buf_clear(&text);
            message_print((enum message)i, STR_NONE, STR_NONE, STR_NONE, STR_NONE, &text);
            json_key(out, entry->code);
            json_begin_object(out);
            json_put_raw(out, "value", buf_str(&text));
            json_end_object(out);
        }
    }
    json_end_object(out);
    end_content(out);
    json_end_object(out);
    buf_release(&text);
}

static void put_problems(struct json_out *out)
{
    int last = 0;
    json_key(out, "responses");
    json_begin_object(out);
    for (int i = MESSAGE_NONE + 1; i < MESSAGE_COUNT; i++) {
        int status = message_entry((enum message)i)->status;
        if (status != last) {
            put_problem(out, status);
        }
        last = status;
    }
    json_end_object(out);
}

static void put_components(struct json_out *out)
{
    json_key(out, "components");
    json_begin_object(out);
    json_put_raw(out, "securitySchemes",
                 STR("{\"key\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":"
                     "\"tpk_test_... or tpk_live_...\",\"description\":\"An API key; its role says "
                     "what it may do, and a test key sees and moves test money only.\"},"
                     "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"" COOKIE_NAME
                     "\",\"description\":\"A person who signed in (POST /v1/session): the call of "
                     "that key, for pages of this gateway alone. All but GET needs the header "
                     "Turnpike-Session: 1.\"}}"));
    json_put_raw(
        out, "parameters",
        STR("{\"IdempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":true,"
            "\"description\":\"1 to 255 visible ASCII characters of your own, quoted (RFC 8941) or "
            "bare, new for each payment. The same key gives the same answer; with another body it "
            "is refused.\",\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":510},"
            "\"example\":\"\\\"3f0c7f0e-1001\\\"\"}}"));
    put_schemas(out);
    put_problems(out);
    json_end_object(out);
}

void api_print_openapi(struct buf *buf)
{
    struct json_out out;
    json_out_init(&out, buf);
    json_begin_object(&out);
    json_put_cstr(&out, "openapi", "3.1.0");
    json_put_raw(
        &out, "info",
        STR("{\"title\":\"Turnpike\",\"version\":\"" VERSION "\",\"description\":\"A payment "
            "orchestration gateway: one API in front of several providers, never charging twice. "
            "Amounts are whole numbers of minor units; unknown members are refused by name; errors "
            "are RFC 9457 problem documents whose `code` is stable.\"}"));
    json_put_raw(&out, "servers", STR("[{\"url\":\"/\"}]"));
    json_put_raw(&out, "tags",
                 STR("[{\"name\":\"payments\",\"description\":\"For merchants.\"},{\"name\":"
                     "\"payouts\",\"description\":\"For merchants.\"},{\"name\":"
                     "\"administration\",\"description\":\"For operators.\"}]"));
    put_paths(&out);
    put_components(&out);
    json_end_object(&out);
}

void openapi_show(struct api_call *call)
{
    struct buf *document = &call->api->openapi;
    if (document->len == 0) {
        buf_init(document, DOCUMENT_BYTES_MAX);
        api_print_openapi(document);
    }
    api_call_reply_json(call, 200, document);
}

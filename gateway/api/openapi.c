/* The OpenAPI 3.1 document, printed from the tables of endpoints, fields, answers and problems. */
#include "api/openapi.h"

#include <stdio.h>
#include <string.h>

#include "api/schema.h"
#include "api/tables.h"

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

/* Each {name} of the path. */
static void put_path_parameters(struct json_out *out, struct str path)
{
    static const struct {
        struct str name;
        const char *help;
        struct str schema;
    } known[] = {
        {STR_INIT("id"), "Id of the object.", STR_INIT("{\"type\":\"string\"}")},
        {STR_INIT("version"), "Number of a version, as listRules shows it.",
         STR_INIT("{\"type\":\"integer\",\"minimum\":1}")},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        char segment[OPENAPI_TEXT_SIZE];
        (void)snprintf(segment, sizeof(segment), "{" STR_FMT "}", STR_ARG(known[i].name));
        if (str_find(path, str_of(segment), 0) != SIZE_MAX) {
            put_parameter(out, known[i].name.at, "path", true, known[i].help);
            json_raw(out, known[i].schema);
            json_end_object(out);
        }
    }
}

static void put_parameters(struct json_out *out, const struct endpoint *endpoint)
{
    json_key(out, "parameters");
    json_begin_array(out);
    put_path_parameters(out, str_of(endpoint->path));
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

void openapi_begin_content(struct json_out *out, const char *type, const char *schema)
{
    char text[OPENAPI_TEXT_SIZE];
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

void openapi_end_content(struct json_out *out)
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
    openapi_begin_content(out, "application/json", endpoint->body->name);
    if (endpoint->body == &payment_fields) {
        put_payment_examples(out);
    }
    if (endpoint->body == &payout_batch_fields) {
        put_csv(out);
    }
    openapi_end_content(out);
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
    openapi_put_responses(out, endpoint);
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
    openapi_put_answers(out);
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
            "are RFC 9457 problem documents whose `code` is "
            "stable.\",\"license\":{\"name\":\"Proprietary\",\"identifier\":\"LicenseRef-"
            "Proprietary\"}}"));
    json_put_raw(&out, "servers", STR("[{\"url\":\"/\"}]"));
    json_put_raw(&out, "tags",
                 STR("[{\"name\":\"payments\",\"description\":\"For merchants.\"},{\"name\":"
                     "\"payouts\",\"description\":\"For merchants.\"},{\"name\":"
                     "\"webhooks\",\"description\":\"For merchants.\"},{\"name\":"
                     "\"administration\",\"description\":\"For operators.\"}]"));
    put_paths(&out);
    put_components(&out);
    json_end_object(&out);
}

void openapi_show(struct api_call *call)
{
    struct buf *document = &call->api->openapi;
    if (document->len == 0) {
        buf_init(document, OPENAPI_BYTES_MAX);
        api_print_openapi(document);
    }
    api_call_reply_json(call, 200, document);
}

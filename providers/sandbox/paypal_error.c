/* PayPal's error bodies. */
#include "providers/sandbox/paypal.h"

#include <string.h>

#include "providers/sandbox/paypal_issues.h"

/* clang-format off */
static const struct {
    int status;
    const char *name;
    const char *message;
} kinds[] = {
    {500, "INTERNAL_SERVER_ERROR",  "An internal server error occurred."},
    {400, "INVALID_REQUEST",        "Request is not well-formed, syntactically incorrect, or violates schema."},
    {401, "AUTHENTICATION_FAILURE", "Authentication failed due to missing authorization header, or invalid authentication credentials."},
    {403, "NOT_AUTHORIZED",         "Authorization failed due to insufficient permissions."},
    {404, "RESOURCE_NOT_FOUND",     "The specified resource does not exist."},
    {409, "RESOURCE_CONFLICT",      "The server has detected a conflict while processing this request."},
    {415, "UNSUPPORTED_MEDIA_TYPE", "The server does not support the request payload's media type."},
    {422, "UNPROCESSABLE_ENTITY",   "The requested action could not be performed, semantically incorrect, or failed business validation."},
    {429, "RATE_LIMIT_REACHED",     "Too many requests. Blocked due to rate limiting."},
    {503, "SERVICE_UNAVAILABLE",    "Service Unavailable."},
};
/* clang-format on */

static const struct paypal_issue *find_issue(struct str name)
{
    size_t low = 0;
    size_t high = paypal_issue_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct paypal_issue *issue = &paypal_issues[middle];
        size_t shorter = name.len < issue->name.len ? name.len : issue->name.len;
        int order = memcmp(name.at, issue->name.at, shorter);
        if (order == 0 && name.len == issue->name.len) {
            return issue;
        }
        if (order > 0 || (order == 0 && name.len > issue->name.len)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

int paypal_issue_status(struct str name)
{
    const struct paypal_issue *issue = name.len > 0 ? find_issue(name) : NULL;
    return issue ? issue->status : 0;
}

void paypal_add(struct paypal_problems *problems, struct str field, struct str value,
                const char *issue)
{
    if (problems->count < PAYPAL_PROBLEM_MAX) {
        problems->problem[problems->count++] = (struct paypal_problem){field, value, "body", issue};
    }
}

void paypal_add_debug_id(struct call *call)
{
    for (size_t i = 0; i < call->header_count; i++) {
        if (str_eq(call->headers[i].name, STR("Paypal-Debug-Id"))) {
            return;
        }
    }
    call_add_header(call, STR("Paypal-Debug-Id"), call_random(call, STR("0123456789abcdef"), 13));
}

struct str paypal_debug_id(const struct call *call)
{
    for (size_t i = 0; i < call->header_count; i++) {
        if (str_eq(call->headers[i].name, STR("Paypal-Debug-Id"))) {
            return call->headers[i].value;
        }
    }
    return STR_NONE;
}

static void put_detail(struct json_out *out, const struct paypal_problem *problem)
{
    const struct paypal_issue *issue = find_issue(str_of(problem->issue));
    json_begin_object(out);
    if (problem->field.len > 0) {
        json_put_str(out, "field", problem->field);
    }
    if (problem->value.len > 0) {
        json_put_str(out, "value", problem->value);
    }
    if (problem->field.len > 0) {
        json_put_cstr(out, "location", problem->location);
    }
    json_put_cstr(out, "issue", problem->issue);
    json_put_cstr(out, "description",
                  issue && issue->description ? issue->description
                                              : "The requested action could not be performed.");
    json_end_object(out);
}

static void put_links(struct call *call, struct json_out *out, const char *issue)
{
    bool payments = str_starts(call->req->path, STR("/v2/payments"));
    struct str href =
        arena_printf(call->arena, "https://developer.paypal.com/docs/api/%s/v2/%s%s",
                     payments ? "payments" : "orders", issue ? "#error-" : "", issue ? issue : "");
    json_key(out, "links");
    json_begin_array(out);
    json_begin_object(out);
    json_put_str(out, "href", href);
    json_put_cstr(out, "rel", "information_link");
    json_put_cstr(out, "method", "GET");
    json_end_object(out);
    json_end_array(out);
}

static void put_error(struct call *call, int status, const struct paypal_problem *problems,
                      size_t count)
{
    struct json_out out;
    size_t kind = 0;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        kind = kinds[i].status == status ? i : kind;
    }
    paypal_add_debug_id(call);
    call->status = status;
    call->content_type = STR("application/json");
    buf_clear(call->body);
    json_out_init(&out, call->body);
    json_begin_object(&out);
    json_put_cstr(&out, "name", kinds[kind].name);
    json_put_cstr(&out, "message", kinds[kind].message);
    json_put_str(&out, "debug_id", paypal_debug_id(call));
    if (count > 0) {
        json_key(&out, "details");
        json_begin_array(&out);
        for (size_t i = 0; i < count; i++) {
            put_detail(&out, &problems[i]);
        }
        json_end_array(&out);
    }
    put_links(call, &out, count > 0 ? problems[0].issue : NULL);
    json_end_object(&out);
}

bool paypal_refuse(struct call *call, const struct paypal_problems *problems)
{
    struct paypal_problem chosen[PAYPAL_PROBLEM_MAX];
    int status = 0;
    size_t count = 0;
    for (size_t i = 0; i < problems->count; i++) {
        int one = paypal_issue_status(str_of(problems->problem[i].issue));
        status = status == 0 || one < status ? one : status;
    }
    for (size_t i = 0; i < problems->count; i++) {
        if (paypal_issue_status(str_of(problems->problem[i].issue)) == status) {
            chosen[count++] = problems->problem[i];
        }
    }
    if (count > 0) {
        put_error(call, status, chosen, count);
    }
    return count > 0;
}

void paypal_error(struct call *call, const char *issue, struct str field, const char *location,
                  struct str value)
{
    struct paypal_problem problem = {field, value, location, issue};
    put_error(call, paypal_issue_status(str_of(issue)), &problem, 1);
}

void paypal_error_plain(struct call *call, int status)
{
    put_error(call, status, NULL, 0);
}

void paypal_fault_body(struct call *call, int status)
{
    if (status == 429) {
        call_add_header(call, STR("Retry-After"), STR("1"));
    }
    put_error(call, status, NULL, 0);
}

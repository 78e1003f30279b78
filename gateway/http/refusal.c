#include "http/refusal.h"

#include <stdio.h>

#include "base/error.h"
#include "base/message.h"

/* clang-format off */
static const struct refusal_reason reasons[REFUSAL_COUNT] = {
    [REFUSAL_BARE_LF]           = {400, STR_INIT("bare_line_feed"), STR_INIT("A line feed stands without its carriage return.")},
    [REFUSAL_BARE_CR]           = {400, STR_INIT("bare_carriage_return"), STR_INIT("A carriage return stands without its line feed.")},
    [REFUSAL_CONTROL]           = {400, STR_INIT("control_character"), STR_INIT("The head holds a NUL or another control character.")},
    [REFUSAL_REQUEST_LINE]      = {400, STR_INIT("bad_request_line"), STR_INIT("The request line is not method, target and version with one space between.")},
    [REFUSAL_METHOD_TOKEN]      = {400, STR_INIT("bad_method"), STR_INIT("The method is not a token.")},
    [REFUSAL_METHOD_UNKNOWN]    = {501, STR_INIT("unknown_method"), STR_INIT("This method is not implemented; methods are case-sensitive.")},
    [REFUSAL_VERSION]           = {505, STR_INIT("version_not_supported"), STR_INIT("Only HTTP/1.1 is served.")},
    [REFUSAL_TARGET_FORM]       = {400, STR_INIT("bad_target_form"), STR_INIT("The request target must be a path that begins with a slash.")},
    [REFUSAL_TARGET_BYTES]      = {400, STR_INIT("bad_target"), STR_INIT("The request target holds a character that a URI must encode.")},
    [REFUSAL_TARGET_LONG]       = {414, STR_INIT("target_too_long"), STR_INIT("The request target is longer than this server reads.")},
    [REFUSAL_HEADER_FOLDED]     = {400, STR_INIT("folded_header"), STR_INIT("A header line begins with white space.")},
    [REFUSAL_HEADER_NAME]       = {400, STR_INIT("bad_header_name"), STR_INIT("A header name is empty or holds a character that no name may have.")},
    [REFUSAL_HEADER_NO_COLON]   = {400, STR_INIT("header_without_colon"), STR_INIT("A header line has no colon.")},
    [REFUSAL_HEADER_COUNT]      = {431, STR_INIT("too_many_headers"), STR_INIT("The request has more headers than this server reads.")},
    [REFUSAL_HEADER_LONG]       = {431, STR_INIT("header_too_long"), STR_INIT("A header is longer than this server reads.")},
    [REFUSAL_HEAD_LONG]         = {431, STR_INIT("head_too_long"), STR_INIT("All headers together are longer than this server reads.")},
    [REFUSAL_HOST_COUNT]        = {400, STR_INIT("host_not_once"), STR_INIT("The request must have exactly one Host header.")},
    [REFUSAL_HOST_INVALID]      = {400, STR_INIT("bad_host"), STR_INIT("The Host header is not a host name or address with an optional port.")},
    [REFUSAL_TRANSFER_ENCODING] = {501, STR_INIT("transfer_encoding_not_supported"), STR_INIT("Send the body with Content-Length; transfer codings are not implemented.")},
    [REFUSAL_LENGTH_INVALID]    = {400, STR_INIT("bad_content_length"), STR_INIT("Content-Length is not a decimal number.")},
    [REFUSAL_LENGTH_COUNT]      = {400, STR_INIT("repeated_content_length"), STR_INIT("Content-Length is given more than once.")},
    [REFUSAL_LENGTH_MISSING]    = {411, STR_INIT("length_required"), STR_INIT("This method needs a Content-Length.")},
    [REFUSAL_BODY_UNEXPECTED]   = {400, STR_INIT("body_not_allowed"), STR_INIT("This method takes no body.")},
    [REFUSAL_BODY_LONG]         = {413, STR_INIT("body_too_large"), STR_INIT("The body is larger than this server reads.")},
    [REFUSAL_EXPECTATION]       = {417, STR_INIT("expectation_failed"), STR_INIT("The only expectation that can be met is 100-continue.")},
    [REFUSAL_SECOND_JUDGE]      = {400, STR_INIT("ambiguous_request"), STR_INIT("The head can be read in more than one way.")},
    [REFUSAL_HEAD_SLOW]         = {408, STR_INIT("head_timeout"), STR_INIT("The head of the request did not arrive in time.")},
    [REFUSAL_BUSY]              = {503, STR_INIT("overloaded"), STR_INIT("The server is busy; this request did nothing.")},
    [REFUSAL_BODY_SLOW]         = {408, STR_INIT("body_timeout"), STR_INIT("The body of the request did not arrive in time.")},
};

static const struct {
    int status;
    struct str phrase;
} phrases[] = {
    {200, STR_INIT("OK")}, /* first: the usual one */
    {201, STR_INIT("Created")},
    {202, STR_INIT("Accepted")},
    {204, STR_INIT("No Content")},
    {302, STR_INIT("Found")},
    {303, STR_INIT("See Other")},
    {304, STR_INIT("Not Modified")},
    {400, STR_INIT("Bad Request")},
    {401, STR_INIT("Unauthorized")},
    {402, STR_INIT("Payment Required")},
    {403, STR_INIT("Forbidden")},
    {404, STR_INIT("Not Found")},
    {405, STR_INIT("Method Not Allowed")},
    {406, STR_INIT("Not Acceptable")},
    {408, STR_INIT("Request Timeout")},
    {409, STR_INIT("Conflict")},
    {410, STR_INIT("Gone")},
    {411, STR_INIT("Length Required")},
    {412, STR_INIT("Precondition Failed")},
    {413, STR_INIT("Content Too Large")},
    {414, STR_INIT("URI Too Long")},
    {415, STR_INIT("Unsupported Media Type")},
    {417, STR_INIT("Expectation Failed")},
    {422, STR_INIT("Unprocessable Content")},
    {429, STR_INIT("Too Many Requests")},
    {431, STR_INIT("Request Header Fields Too Large")},
    {500, STR_INIT("Internal Server Error")},
    {501, STR_INIT("Not Implemented")},
    {502, STR_INIT("Bad Gateway")},
    {503, STR_INIT("Service Unavailable")},
    {504, STR_INIT("Gateway Timeout")},
    {505, STR_INIT("HTTP Version Not Supported")},
};
/* clang-format on */

const struct refusal_reason *refusal_reason(enum refusal refusal)
{
    CHECK(refusal > REFUSAL_NONE && refusal < REFUSAL_COUNT);
    return &reasons[refusal];
}

bool refusal_is_retryable(const struct refusal_reason *reason)
{
    return reason->status == 408 || reason->status == 503;
}

struct str refusal_next_step(const struct refusal_reason *reason)
{
    switch (reason->status) {
    case 408:
        return STR("Send it again, whole and in time.");
    case 503:
        return str_of(message_entry(MESSAGE_OVERLOADED)->next_step);
    case 413:
    case 414:
    case 431:
        return STR("Send less: the operator's limits are in docs/limits.md.");
    case 411:
    case 417:
    case 501:
    case 505:
        return STR("Let the HTTP library send HTTP/1.1, with Content-Length and without what the "
                   "detail names.");
    default:
        return STR("Mend what builds the request: an HTTP library does not send this.");
    }
}

size_t refusal_print(enum refusal refusal, const char *request_id, char out[REFUSAL_BODY_MAX])
{
    const struct refusal_reason *reason = refusal_reason(refusal);
    struct str phrase = http_status_phrase(reason->status);
    struct str next_step = refusal_next_step(reason);
    char type[MESSAGE_TYPE_SIZE];
    struct str type_uri = message_type(reason->code, type);
    int len = snprintf(out, REFUSAL_BODY_MAX,
                       "{\"type\":\"" STR_FMT "\",\"title\":\"" STR_FMT
                       "\",\"status\":%d,\"detail\":\"" STR_FMT "\",\"code\":\"" STR_FMT
                       "\",\"retryable\":%s,\"next_step\":\"" STR_FMT "\"%s%s%s}",
                       STR_ARG(type_uri), STR_ARG(phrase), reason->status, STR_ARG(reason->detail),
                       STR_ARG(reason->code), refusal_is_retryable(reason) ? "true" : "false",
                       STR_ARG(next_step), request_id != NULL ? ",\"request_id\":\"" : "",
                       request_id != NULL ? request_id : "", request_id != NULL ? "\"" : "");
    CHECK(len > 0 && len < REFUSAL_BODY_MAX);
    return (size_t)len;
}

struct str http_status_phrase(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return STR("Unknown");
}

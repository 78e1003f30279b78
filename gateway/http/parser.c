#include "http/parser.h"

#include <string.h>

#include "http/judge.h"

enum {
    CLASS_TOKEN = 0x01,   /* RFC 9110 tchar: methods and header names */
    CLASS_PATH = 0x02,    /* RFC 3986 pchar, '/' and '%' */
    CLASS_QUERY = 0x04,   /* the same and ? [ ] */
    CLASS_HOST = 0x08,    /* letters, digits, - . _ */
    CLASS_CONTROL = 0x10, /* C0 without tab, CR and LF; DEL */
    CLASS_LINE = 0x20,    /* CR, LF */
};

/* What each octet may be; 0x80 and above may stand in header values only (obs-text). */
/* clang-format off */
static const unsigned char class_of[256] = {
    0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x00, 0x20, 0x10, 0x10, 0x20, 0x10, 0x10,
    0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10,
    0x00, 0x07, 0x00, 0x01, 0x07, 0x07, 0x07, 0x07, 0x06, 0x06, 0x07, 0x07, 0x06, 0x0f, 0x0f, 0x06,
    0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x06, 0x06, 0x00, 0x06, 0x00, 0x04,
    0x06, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f,
    0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x04, 0x00, 0x04, 0x01, 0x0f,
    0x01, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f,
    0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x00, 0x01, 0x00, 0x07, 0x10,
};

static const char *const method_names[HTTP_METHOD_COUNT] = {
    [HTTP_GET]    = "GET",
    [HTTP_HEAD]   = "HEAD",
    [HTTP_POST]   = "POST",
    [HTTP_PUT]    = "PUT",
    [HTTP_PATCH]  = "PATCH",
    [HTTP_DELETE] = "DELETE",
};
/* clang-format on */

/* What the headers said so far. */
struct findings {
    size_t host_count;
    size_t length_count;
    uint64_t length;
    size_t name_bytes;
    bool close;
    bool expects_continue;
};

static unsigned class_at(struct str s, size_t i)
{
    return class_of[(unsigned char)s.at[i]];
}

static bool all_of(struct str s, unsigned class)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!(class_at(s, i) & class)) {
            return false;
        }
    }
    return true;
}

static bool refuse(enum refusal *why, enum refusal refusal)
{
    *why = refusal;
    return false;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A line of the head ended with the LF at `lf`. True: the head is complete, or *why says why not.
 */
static bool end_line(struct parser *parser, const struct http_limits *limits, size_t lf,
                     enum refusal *why)
{
    bool empty = lf - 1 == parser->line_start;
    parser->line_start = lf + 1;
    if (!empty) {
        parser->line_count++;
        if (parser->line_count > limits->header_count_max + 1) {
            *why = REFUSAL_HEADER_COUNT;
        }
        return *why != REFUSAL_NONE;
    }
    if (parser->line_count > 0) {
        return true;
    }
    if (parser->start > 0) {
        *why = REFUSAL_REQUEST_LINE;
        return true;
    }
    parser->start = lf + 1;
    return false;
}

/* The octet at `i` ends the run of plain ones; REFUSAL_NONE when it is a CR or the LF behind it. */
static enum refusal judge_octet(const struct parser *parser, struct str bytes, size_t i,
                                size_t head_max, bool line_full)
{
    char c = bytes.at[i];
    bool after_cr = i > parser->line_start && bytes.at[i - 1] == '\r';
    if (i - parser->start >= head_max) {
        return REFUSAL_HEAD_LONG;
    }
    if (after_cr) {
        return c == '\n' ? REFUSAL_NONE : REFUSAL_BARE_CR;
    }
    if (c == '\r') {
        return REFUSAL_NONE;
    }
    if (c == '\n') {
        return REFUSAL_BARE_LF;
    }
    if (class_at(bytes, i) & CLASS_CONTROL) {
        return REFUSAL_CONTROL;
    }
    CHECK(line_full);
    return parser->line_count == 0 ? REFUSAL_TARGET_LONG : REFUSAL_HEADER_LONG;
}

enum parser_result parser_scan(struct parser *parser, const struct http_limits *limits,
                               struct str bytes, struct str *head, size_t *consumed,
                               enum refusal *why)
{
    *why = REFUSAL_NONE;
    while (parser->scanned < bytes.len) {
        size_t line_max = parser->line_count == 0 ? limits->target_bytes_max + PARSER_LINE_SLACK
                                                  : limits->header_bytes_max;
        size_t line_stop = parser->line_start + line_max;
        size_t stop =
            smaller(bytes.len, smaller(line_stop, parser->start + limits->head_bytes_max));
        size_t i = parser->scanned;
        bool after_cr = i > parser->line_start && bytes.at[i - 1] == '\r';
        while (!after_cr && i < stop && !(class_at(bytes, i) & (CLASS_CONTROL | CLASS_LINE))) {
            i++;
        }
        parser->scanned = i;
        if (i >= bytes.len) {
            break;
        }
        *why = judge_octet(parser, bytes, i, limits->head_bytes_max, i >= line_stop);
        if (*why != REFUSAL_NONE) {
            return PARSER_REFUSED;
        }
        parser->scanned = i + 1;
        if (bytes.at[i] == '\n' && end_line(parser, limits, i, why)) {
            *head = str_sub(bytes, parser->start, i + 1 - parser->start);
            *consumed = i + 1;
            return *why == REFUSAL_NONE ? PARSER_HEAD : PARSER_REFUSED;
        }
    }
    return PARSER_MORE;
}

static enum http_method find_method(struct str name)
{
    for (int m = HTTP_METHOD_NONE + 1; m < HTTP_METHOD_COUNT; m++) {
        if (str_eq(name, str_of(method_names[m]))) {
            return (enum http_method)m;
        }
    }
    return HTTP_METHOD_NONE;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool percents_are_whole(struct str s)
{
    for (size_t i = str_find_char(s, '%', 0); i < s.len; i = str_find_char(s, '%', i + 1)) {
        if (i + 2 >= s.len || !is_hex(s.at[i + 1]) || !is_hex(s.at[i + 2])) {
            return false;
        }
    }
    return true;
}

static bool parse_target(struct http_request *request, const struct http_limits *limits,
                         enum refusal *why)
{
    struct str target = request->target;
    if (target.len > limits->target_bytes_max) {
        return refuse(why, REFUSAL_TARGET_LONG);
    }
    if (target.len == 0 || target.at[0] != '/') {
        return refuse(why, REFUSAL_TARGET_FORM);
    }
    size_t mark = str_find_char(target, '?', 0);
    request->path = str_sub(target, 0, mark);
    request->query = mark < target.len ? str_sub(target, mark + 1, SIZE_MAX) : STR_NONE;
    if (!all_of(request->path, CLASS_PATH) || !all_of(request->query, CLASS_QUERY) ||
        !percents_are_whole(target)) {
        return refuse(why, REFUSAL_TARGET_BYTES);
    }
    return true;
}

static bool parse_request_line(struct str line, const struct http_limits *limits,
                               struct http_request *request, enum refusal *why)
{
    size_t first = str_find_char(line, ' ', 0);
    size_t second = first == SIZE_MAX ? SIZE_MAX : str_find_char(line, ' ', first + 1);
    if (second == SIZE_MAX || first == 0 || str_find_char(line, ' ', second + 1) != SIZE_MAX) {
        return refuse(why, REFUSAL_REQUEST_LINE);
    }
    struct str method = str_sub(line, 0, first);
    struct str version = str_sub(line, second + 1, SIZE_MAX);
    if (!all_of(method, CLASS_TOKEN)) {
        return refuse(why, REFUSAL_METHOD_TOKEN);
    }
    if (version.len != 8 || !str_starts(version, STR("HTTP/")) || !is_digit(version.at[5]) ||
        version.at[6] != '.' || !is_digit(version.at[7])) {
        return refuse(why, REFUSAL_REQUEST_LINE);
    }
    if (!str_eq(version, STR("HTTP/1.1"))) {
        return refuse(why, REFUSAL_VERSION);
    }
    request->method = find_method(method);
    if (request->method == HTTP_METHOD_NONE) {
        return refuse(why, REFUSAL_METHOD_UNKNOWN);
    }
    request->target = str_sub(line, first + 1, second - first - 1);
    return parse_target(request, limits, why);
}

static bool port_is_valid(struct str port)
{
    int64_t number = 0;
    return port.len > 0 && port.len <= 5 && is_digit(port.at[0]) && str_to_int64(port, &number) &&
           number <= 65535;
}

/* Length of "[...]" in front of a host, 0 when it is no IPv6 literal; ':' and '.' count as hex
 * here. */
static size_t literal_len(struct str host)
{
    size_t end = str_find_char(host, ']', 0);
    if (end == SIZE_MAX || end < 3) {
        return 0;
    }
    for (size_t i = 1; i < end; i++) {
        if (!is_hex(host.at[i]) && host.at[i] != ':' && host.at[i] != '.') {
            return 0;
        }
    }
    return end + 1;
}

/* A name, an IPv4 address or a bracketed IPv6 one, and maybe a port. */
static bool host_is_valid(struct str host)
{
    if (host.len == 0 || host.len > PARSER_HOST_MAX) {
        return false;
    }
    size_t name_len;
    if (host.at[0] == '[') {
        name_len = literal_len(host);
    } else {
        size_t colon = str_find_char(host, ':', 0);
        name_len = colon == SIZE_MAX ? host.len : colon;
        if (!all_of(str_sub(host, 0, name_len), CLASS_HOST)) {
            return false;
        }
    }
    if (name_len == 0 || name_len == host.len) {
        return name_len > 0;
    }
    return host.at[name_len] == ':' && port_is_valid(str_sub(host, name_len + 1, SIZE_MAX));
}

static bool take_length(struct str value, struct findings *findings, enum refusal *why)
{
    if (findings->length_count++ > 0) {
        return refuse(why, REFUSAL_LENGTH_COUNT);
    }
    if (value.len == 0) {
        return refuse(why, REFUSAL_LENGTH_INVALID);
    }
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.at[i])) {
            return refuse(why, REFUSAL_LENGTH_INVALID);
        }
        /* Beyond any body limit the exact number does not matter, but it must not wrap. */
        if (findings->length < UINT64_MAX / 100) {
            findings->length = findings->length * 10 + (uint64_t)(value.at[i] - '0');
        }
    }
    return true;
}

static void take_connection(struct str value, struct findings *findings)
{
    while (value.len > 0) {
        if (str_eq_nocase(str_trim(str_cut(&value, ',')), STR("close"))) {
            findings->close = true;
        }
    }
}

/* The few headers that matter to the framing; the rest is the handler's. */
static bool take_header(const struct http_header *header, struct http_request *request,
                        struct findings *findings, enum refusal *why)
{
    struct str name = header->name;
    switch (name.len) {
    case 4:
        if (str_eq_nocase(name, STR("host"))) {
            findings->host_count++;
            request->host = header->value;
        }
        return true;
    case 6:
        if (str_eq_nocase(name, STR("expect"))) {
            findings->expects_continue = str_eq_nocase(header->value, STR("100-continue"));
            return findings->expects_continue || refuse(why, REFUSAL_EXPECTATION);
        }
        return true;
    case 10:
        if (str_eq_nocase(name, STR("connection"))) {
            take_connection(header->value, findings);
        }
        return true;
    case 14:
        if (str_eq_nocase(name, STR("content-length"))) {
            return take_length(header->value, findings, why);
        }
        return true;
    case 17:
        if (str_eq_nocase(name, STR("transfer-encoding"))) {
            return refuse(why, REFUSAL_TRANSFER_ENCODING);
        }
        return true;
    default:
        return true;
    }
}

static bool parse_header(struct str line, struct http_header *header, enum refusal *why)
{
    if (line.at[0] == ' ' || line.at[0] == '\t') {
        return refuse(why, REFUSAL_HEADER_FOLDED);
    }
    size_t colon = str_find_char(line, ':', 0);
    if (colon == SIZE_MAX) {
        return refuse(why, REFUSAL_HEADER_NO_COLON);
    }
    header->name = str_sub(line, 0, colon);
    header->value = str_trim(str_sub(line, colon + 1, SIZE_MAX));
    if (colon == 0 || !all_of(header->name, CLASS_TOKEN)) {
        return refuse(why, REFUSAL_HEADER_NAME);
    }
    return true;
}

static bool check_framing(const struct http_request *request, const struct findings *findings,
                          const struct http_limits *limits, enum refusal *why)
{
    if (findings->host_count != 1) {
        return refuse(why, REFUSAL_HOST_COUNT);
    }
    if (!host_is_valid(request->host)) {
        return refuse(why, REFUSAL_HOST_INVALID);
    }
    bool body_is_usual = request->method == HTTP_POST || request->method == HTTP_PUT ||
                         request->method == HTTP_PATCH;
    if (findings->length_count == 0 && body_is_usual) {
        return refuse(why, REFUSAL_LENGTH_MISSING);
    }
    if (findings->length > 0 && !body_is_usual && request->method != HTTP_DELETE) {
        return refuse(why, REFUSAL_BODY_UNEXPECTED);
    }
    if (findings->length > limits->large_body_bytes_max) {
        return refuse(why, REFUSAL_BODY_LONG);
    }
    return true;
}

/* Both parsers must have read the same request. */
static bool judges_agree(struct str head, const struct http_request *request,
                         const struct findings *findings)
{
    struct judgement other;
    return judge_head(head, &other) &&
           str_eq(other.method, str_of(method_names[request->method])) &&
           str_eq(other.target, request->target) && other.header_count == request->header_count &&
           other.name_bytes == findings->name_bytes && other.content_length == findings->length;
}

/* The next line of a scanned head: every line in it ends with CRLF. */
static struct str next_line(struct str *rest)
{
    struct str line = str_cut(rest, '\n');
    CHECK(line.len > 0 && line.at[line.len - 1] == '\r');
    line.len--;
    return line;
}

static size_t count_lines(struct str head)
{
    size_t count = 0;
    for (size_t i = str_find_char(head, '\n', 0); i < head.len;
         i = str_find_char(head, '\n', i + 1)) {
        count++;
    }
    return count;
}

bool parser_parse(struct str head, const struct http_limits *limits, struct arena *arena,
                  struct http_request *request, struct parser_framing *framing, enum refusal *why)
{
    struct findings findings = {.host_count = 0};
    struct str rest = head;
    size_t line_count = count_lines(head);
    CHECK(line_count >= 2);
    if (!parse_request_line(next_line(&rest), limits, request, why)) {
        return false;
    }
    size_t header_count = line_count - 2;
    CHECK(header_count <= limits->header_count_max);
    struct http_header *headers = ARENA_ARRAY(arena, struct http_header, header_count);
    for (size_t i = 0; i < header_count; i++) {
        if (!parse_header(next_line(&rest), &headers[i], why) ||
            !take_header(&headers[i], request, &findings, why)) {
            return false;
        }
        findings.name_bytes += headers[i].name.len;
    }
    request->headers = headers;
    request->header_count = header_count;
    if (!check_framing(request, &findings, limits, why)) {
        return false;
    }
    if (!judges_agree(head, request, &findings)) {
        return refuse(why, REFUSAL_SECOND_JUDGE);
    }
    *framing = (struct parser_framing){
        .body_len = (size_t)findings.length,
        .close = findings.close,
        .expects_continue = findings.expects_continue,
    };
    return true;
}

const char *http_method_name(enum http_method method)
{
    CHECK(method > HTTP_METHOD_NONE && method < HTTP_METHOD_COUNT);
    return method_names[method];
}

/*
 * parser.h - from bytes to a request head, refusing whatever two programs might read differently.
 *
 *     bytes --parser_scan--> one whole head --parser_parse--> request + framing
 *              |                                  |
 *              | line ends, control characters,   | request line, header syntax, Host, framing,
 *              | sizes; looks at a byte once      | and llhttp as second judge (judge.h)
 *
 * Stricter than RFC 9112 where the RFC leaves room, so that no proxy in front can disagree with us:
 *   - HTTP/1.1 only (505 for 1.0 and others); methods GET HEAD POST PUT PATCH DELETE, else 501
 *   - origin-form targets only: no absolute-form, no "*"; RFC 3986 characters plus [ ] in the query
 *   - any Transfer-Encoding is 501; a body has exactly one Content-Length of digits
 *   - GET and HEAD have no body
 *   - CRLF only; no folding; no white space before the colon; exactly one valid Host
 *   - one empty line before the request line is skipped (RFC 9112 section 2.2), a second is refused
 * The outcome does not depend on how the bytes were cut into pieces.
 */
#ifndef HTTP_PARSER_H
#define HTTP_PARSER_H

#include "base/arena.h"
#include "http/refusal.h"
#include "http/server.h"

enum {
    PARSER_LINE_SLACK = 32, /* request line: what may stand beside the target */
    PARSER_HOST_MAX = 255,
};

enum parser_result {
    PARSER_MORE = 0, /* the head is not complete yet */
    PARSER_HEAD,     /* it is */
    PARSER_REFUSED,
};

struct parser {        /* progress within one head; all zero at its first byte */
    size_t start;      /* bytes skipped before the request line: 0, or 2 for one empty line */
    size_t scanned;    /* bytes looked at */
    size_t line_start; /* of the line being scanned */
    size_t line_count; /* complete lines after start */
};

struct parser_framing {
    size_t body_len;
    bool close;            /* the client asked for Connection: close */
    bool expects_continue; /* Expect: 100-continue */
};

/*
 * Look at what has been received since the head began (the same start in every call, only more
 * behind). PARSER_HEAD: *head is the head without a skipped empty line, *consumed counts from the
 * start of bytes.
 */
enum parser_result parser_scan(struct parser *parser, const struct http_limits *limits,
                               struct str bytes, struct str *head, size_t *consumed,
                               enum refusal *why);

/*
 * Parse a head that parser_scan delimited. The request borrows from `head`, its header array is
 * taken from the arena; body, peer and arrived_us are left alone. False: *why tells.
 */
bool parser_parse(struct str head, const struct http_limits *limits, struct arena *arena,
                  struct http_request *request, struct parser_framing *framing,
                  enum refusal *why) MUST_USE;

#endif

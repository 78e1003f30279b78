/* The matrix of requests that two programs might read differently, and those that must be served.
 */
#include "http/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK   REFUSAL_NONE
#define H    "Host: api.example\r\n"
#define GET  "GET / HTTP/1.1\r\n"
#define POST "POST /v1/payments HTTP/1.1\r\n" H
#define END  "\r\n"

struct sample {
    struct str raw;
    enum refusal expected;
};

/* clang-format off */
static const struct sample samples[] = {
    /* served */
    {STR_INIT(GET H END), OK},
    {STR_INIT("HEAD /v1/payments?limit=1 HTTP/1.1\r\n" H END), OK},
    {STR_INIT("DELETE /v1/x HTTP/1.1\r\n" H END), OK},
    {STR_INIT("DELETE /v1/x HTTP/1.1\r\n" H "Content-Length: 2\r\n" END), OK},
    {STR_INIT(POST "Content-Length: 0\r\n" END), OK},
    {STR_INIT(POST "Content-Length: 10\r\n" END), OK},
    {STR_INIT(POST "content-length:10\r\n" END), OK},
    {STR_INIT(POST "Content-Length:   10  \r\n" END), OK},
    {STR_INIT(POST "Content-Length:\t10\r\n" END), OK},
    {STR_INIT(POST "Content-Length: 0010\r\n" END), OK},
    {STR_INIT("PUT /v1/x HTTP/1.1\r\n" H "Content-Length: 1\r\n" END), OK},
    {STR_INIT("PATCH /v1/x HTTP/1.1\r\n" H "Content-Length: 1\r\n" END), OK},
    {STR_INIT("\r\n" GET H END), OK},
    {STR_INIT(GET H "Content-Length: 0\r\n" END), OK},
    {STR_INIT(GET H "X-Empty:\r\n" END), OK},
    {STR_INIT(GET H "X-Utf8: gr\xc3\xbc\xc3\x9f\r\n" END), OK},
    {STR_INIT(GET H "X-Tab: a\tb\r\n" END), OK},
    {STR_INIT(GET H "X-Colon: a:b\r\n" END), OK},
    {STR_INIT(GET H "!#$%&'*+-.^_`|~9: all of tchar\r\n" END), OK},
    {STR_INIT(GET H "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAA\r\n" END), OK},
    {STR_INIT(GET H "Upgrade: websocket\r\nConnection: upgrade\r\n" END), OK},
    {STR_INIT(GET H "Connection: close\r\n" END), OK},
    {STR_INIT(POST "Expect: 100-continue\r\nContent-Length: 2\r\n" END), OK},
    {STR_INIT(GET "Host: localhost:8443\r\n" END), OK},
    {STR_INIT(GET "Host: [::1]:8443\r\n" END), OK},
    {STR_INIT(GET "Host: [2001:db8::192.0.2.1]\r\n" END), OK},
    {STR_INIT(GET "Host: 127.0.0.1\r\n" END), OK},
    {STR_INIT("GET /a/b;c=d,e/%7Euser/$&'()*+=:@!-._~ HTTP/1.1\r\n" H END), OK},
    {STR_INIT("GET /?a=/?&created[gte]=1 HTTP/1.1\r\n" H END), OK},
    {STR_INIT("GET //double HTTP/1.1\r\n" H END), OK},
    /* line ends */
    {STR_INIT("GET / HTTP/1.1\nHost: a\n\n"), REFUSAL_BARE_LF},
    {STR_INIT(GET "Host: a\n\r\n"), REFUSAL_BARE_LF},
    {STR_INIT(GET H "\n"), REFUSAL_BARE_LF},
    {STR_INIT(GET "X: a\nHost: b\r\n" END), REFUSAL_BARE_LF},
    {STR_INIT("\n" GET H END), REFUSAL_BARE_LF},
    {STR_INIT("GET / HTTP/1.1\rHost: a\r\r"), REFUSAL_BARE_CR},
    {STR_INIT(GET H "X: a\rb\r\n" END), REFUSAL_BARE_CR},
    {STR_INIT(GET H "X: a\r\r\n" END), REFUSAL_BARE_CR},
    {STR_INIT(GET H "\rX: a\r\n" END), REFUSAL_BARE_CR},
    {STR_INIT(GET H "X: a\r\tb\r\n" END), REFUSAL_BARE_CR},
    {STR_INIT("\r\n\r\n" GET H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("\r\n\r" GET H END), REFUSAL_BARE_CR},
    /* control characters */
    {STR_INIT("GET /\0 HTTP/1.1\r\n" H END), REFUSAL_CONTROL},
    {STR_INIT(GET H "User: admin\0x\r\n" END), REFUSAL_CONTROL},
    {STR_INIT(GET H "Us\0er: a\r\n" END), REFUSAL_CONTROL},
    {STR_INIT(GET H "X: \x01\r\n" END), REFUSAL_CONTROL},
    {STR_INIT(GET H "X: \x0b\r\n" END), REFUSAL_CONTROL},
    {STR_INIT(GET H "X: \x7f\r\n" END), REFUSAL_CONTROL},
    {STR_INIT("GET /\x1b[31m HTTP/1.1\r\n" H END), REFUSAL_CONTROL},
    {STR_INIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), REFUSAL_CONTROL},
    {STR_INIT(POST "Content-Length: \x0b" "3\r\n" END), REFUSAL_CONTROL},
    {STR_INIT(POST "Transfer-Encoding: \x0b" "chunked\r\n" END), REFUSAL_CONTROL},
    {STR_INIT(GET H "X: a\x0c\r\n" END), REFUSAL_CONTROL},
    /* request line */
    {STR_INIT("GET /\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT(" GET / HTTP/1.1\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET  / HTTP/1.1\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET /  HTTP/1.1\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET / HTTP/1.1 \r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET /a b HTTP/1.1\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET\t/ HTTP/1.1\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET /\tHTTP/1.1\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET / HTTP/1.1\t\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET / http/1.1\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET / HTTP/11\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET / HTTP/1.11\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET / HTTP/1,1\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET / HTTP/1.\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET / ICY/1.1\r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET / \r\n" H END), REFUSAL_REQUEST_LINE},
    {STR_INIT("GET / HTTP/1.0\r\n" H END), REFUSAL_VERSION},
    {STR_INIT("GET / HTTP/1.9\r\n" H END), REFUSAL_VERSION},
    {STR_INIT("GET / HTTP/0.9\r\n" H END), REFUSAL_VERSION},
    {STR_INIT("GET / HTTP/2.0\r\n" H END), REFUSAL_VERSION},
    {STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), REFUSAL_VERSION},
    {STR_INIT("G(T / HTTP/1.1\r\n" H END), REFUSAL_METHOD_TOKEN},
    {STR_INIT("GET: / HTTP/1.1\r\n" H END), REFUSAL_METHOD_TOKEN},
    {STR_INIT("G\xc3\x8aT / HTTP/1.1\r\n" H END), REFUSAL_METHOD_TOKEN},
    {STR_INIT("get / HTTP/1.1\r\n" H END), REFUSAL_METHOD_UNKNOWN},
    {STR_INIT("GETT / HTTP/1.1\r\n" H END), REFUSAL_METHOD_UNKNOWN},
    {STR_INIT("TRACE / HTTP/1.1\r\n" H END), REFUSAL_METHOD_UNKNOWN},
    {STR_INIT("OPTIONS * HTTP/1.1\r\n" H END), REFUSAL_METHOD_UNKNOWN},
    {STR_INIT("CONNECT api.example:443 HTTP/1.1\r\n" H END), REFUSAL_METHOD_UNKNOWN},
    /* target */
    {STR_INIT("GET * HTTP/1.1\r\n" H END), REFUSAL_TARGET_FORM},
    {STR_INIT("GET http://api.example/ HTTP/1.1\r\n" H END), REFUSAL_TARGET_FORM},
    {STR_INIT("GET http://evil.example/ HTTP/1.1\r\n" H END), REFUSAL_TARGET_FORM},
    {STR_INIT("GET v1/payments HTTP/1.1\r\n" H END), REFUSAL_TARGET_FORM},
    {STR_INIT("GET ?a=b HTTP/1.1\r\n" H END), REFUSAL_TARGET_FORM},
    {STR_INIT("GET /gr\xfc\xdf HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    {STR_INIT("GET /\xc3\xbc HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    {STR_INIT("GET /a#b HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    {STR_INIT("GET /?a#b HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    {STR_INIT("GET /a\\b HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    {STR_INIT("GET /a\"b HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    {STR_INIT("GET /<a> HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    {STR_INIT("GET /{a} HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    {STR_INIT("GET /[a] HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    {STR_INIT("GET /a^b HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    {STR_INIT("GET /a%zz HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    {STR_INIT("GET /a%2 HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    {STR_INIT("GET /a?b=% HTTP/1.1\r\n" H END), REFUSAL_TARGET_BYTES},
    /* header syntax */
    {STR_INIT(GET H "X: a\r\n b\r\n" END), REFUSAL_HEADER_FOLDED},
    {STR_INIT(GET H "X: a\r\n\tb\r\n" END), REFUSAL_HEADER_FOLDED},
    {STR_INIT(GET " Host: a\r\n" END), REFUSAL_HEADER_FOLDED},
    {STR_INIT(GET H "X:\r\n \r\n" END), REFUSAL_HEADER_FOLDED},
    {STR_INIT(GET "Host : a\r\n" END), REFUSAL_HEADER_NAME},
    {STR_INIT(GET "Host\t: a\r\n" END), REFUSAL_HEADER_NAME},
    {STR_INIT(GET H "X Y: a\r\n" END), REFUSAL_HEADER_NAME},
    {STR_INIT(GET H ": a\r\n" END), REFUSAL_HEADER_NAME},
    {STR_INIT(GET H "X\xc3\xbc: a\r\n" END), REFUSAL_HEADER_NAME},
    {STR_INIT(GET H "X(: a\r\n" END), REFUSAL_HEADER_NAME},
    {STR_INIT(GET H "\"X\": a\r\n" END), REFUSAL_HEADER_NAME},
    {STR_INIT(GET H "X\r\n" END), REFUSAL_HEADER_NO_COLON},
    {STR_INIT(GET H "GET / HTTP/1.1\r\n" END), REFUSAL_HEADER_NO_COLON},
    {STR_INIT(POST "Content-Length : 3\r\n" END), REFUSAL_HEADER_NAME},
    {STR_INIT(POST "Transfer-Encoding : chunked\r\n" END), REFUSAL_HEADER_NAME},
    /* Host */
    {STR_INIT(GET END), REFUSAL_HOST_COUNT},
    {STR_INIT(GET H H END), REFUSAL_HOST_COUNT},
    {STR_INIT(GET H "host: other\r\n" END), REFUSAL_HOST_COUNT},
    {STR_INIT(GET "Host:\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: a b\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: a,b\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: user@a\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: http://a\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: a/b\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: a:\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: a:x\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: a:-1\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: a:+1\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: a:65536\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: a:1:2\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: :80\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: [::1\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: []\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: [::1]x\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: [::1]:\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: [fe80::1%25eth0]\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: \xff\r\n" END), REFUSAL_HOST_INVALID},
    {STR_INIT(GET "Host: a%20b\r\n" END), REFUSAL_HOST_INVALID},
    /* framing */
    {STR_INIT(POST "Transfer-Encoding: chunked\r\n" END), REFUSAL_TRANSFER_ENCODING},
    {STR_INIT(POST "Transfer-Encoding: identity\r\nContent-Length: 3\r\n" END), REFUSAL_TRANSFER_ENCODING},
    {STR_INIT(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" END), REFUSAL_TRANSFER_ENCODING},
    {STR_INIT(POST "transfer-encoding: xchunked\r\n" END), REFUSAL_TRANSFER_ENCODING},
    {STR_INIT(POST "Transfer-Encoding:\r\n" END), REFUSAL_TRANSFER_ENCODING},
    {STR_INIT(POST "Transfer-Encoding: chunked, gzip\r\n" END), REFUSAL_TRANSFER_ENCODING},
    {STR_INIT(GET H "Transfer-Encoding: chunked\r\n" END), REFUSAL_TRANSFER_ENCODING},
    {STR_INIT(POST END), REFUSAL_LENGTH_MISSING},
    {STR_INIT("PUT / HTTP/1.1\r\n" H END), REFUSAL_LENGTH_MISSING},
    {STR_INIT("PATCH / HTTP/1.1\r\n" H END), REFUSAL_LENGTH_MISSING},
    {STR_INIT(POST "Content-Length: 3\r\nContent-Length: 3\r\n" END), REFUSAL_LENGTH_COUNT},
    {STR_INIT(POST "Content-Length: 3\r\nContent-Length: 4\r\n" END), REFUSAL_LENGTH_COUNT},
    {STR_INIT(POST "Content-Length: 3\r\ncONTENT-lENGTH: 4\r\n" END), REFUSAL_LENGTH_COUNT},
    {STR_INIT(POST "Content-Length: 0\r\nContent-Length: 0\r\n" END), REFUSAL_LENGTH_COUNT},
    {STR_INIT(POST "Content-Length: +5\r\n" END), REFUSAL_LENGTH_INVALID},
    {STR_INIT(POST "Content-Length: -5\r\n" END), REFUSAL_LENGTH_INVALID},
    {STR_INIT(POST "Content-Length: 5, 5\r\n" END), REFUSAL_LENGTH_INVALID},
    {STR_INIT(POST "Content-Length: 5 5\r\n" END), REFUSAL_LENGTH_INVALID},
    {STR_INIT(POST "Content-Length: 0x5\r\n" END), REFUSAL_LENGTH_INVALID},
    {STR_INIT(POST "Content-Length: 5.0\r\n" END), REFUSAL_LENGTH_INVALID},
    {STR_INIT(POST "Content-Length: 1e1\r\n" END), REFUSAL_LENGTH_INVALID},
    {STR_INIT(POST "Content-Length:\r\n" END), REFUSAL_LENGTH_INVALID},
    {STR_INIT(POST "Content-Length: \xd9\xa5\r\n" END), REFUSAL_LENGTH_INVALID},
    {STR_INIT(POST "Content-Length: 8388608\r\n" END), REFUSAL_NONE}, /* whose route decides */
    {STR_INIT(POST "Content-Length: 8388609\r\n" END), REFUSAL_BODY_LONG},
    {STR_INIT(POST "Content-Length: 18446744073709551616\r\n" END), REFUSAL_BODY_LONG},
    {STR_INIT(POST "Content-Length: 18446744073709551621\r\n" END), REFUSAL_BODY_LONG},
    {STR_INIT(POST "Content-Length: 99999999999999999999999999999999\r\n" END), REFUSAL_BODY_LONG},
    {STR_INIT(GET H "Content-Length: 1\r\n" END), REFUSAL_BODY_UNEXPECTED},
    {STR_INIT("HEAD / HTTP/1.1\r\n" H "Content-Length: 1\r\n" END), REFUSAL_BODY_UNEXPECTED},
    {STR_INIT(POST "Content-Length: 10\t\r\n" END), REFUSAL_SECOND_JUDGE},
    {STR_INIT(POST "Expect: 200-ok\r\nContent-Length: 2\r\n" END), REFUSAL_EXPECTATION},
    {STR_INIT(POST "Expect:\r\nContent-Length: 2\r\n" END), REFUSAL_EXPECTATION},
    {STR_INIT(POST "Expect: 100-continue, x\r\nContent-Length: 2\r\n" END), REFUSAL_EXPECTATION},
};
/* clang-format on */

struct outcome_of_feed {
    enum parser_result result;
    enum refusal why;
    struct http_request request;
    struct parser_framing framing;
    size_t consumed;
};

/* What a connection does: scan what is there, then more; parse once the head is whole. */
static struct outcome_of_feed feed(struct arena *arena, struct str raw, const size_t *cuts,
                                   size_t cut_count, const struct http_limits *limits)
{
    struct outcome_of_feed out = {.result = PARSER_MORE};
    struct parser parser = {.start = 0};
    struct str head;
    for (size_t i = 0; i <= cut_count && out.result == PARSER_MORE; i++) {
        struct str part = str_sub(raw, 0, i < cut_count ? cuts[i] : raw.len);
        /* An exact copy: the sanitizer sees a look beyond what was received. */
        char *exact = malloc(part.len + 1);
        memcpy(exact, part.at, part.len);
        exact = realloc(exact, part.len ? part.len : 1);
        out.result = parser_scan(&parser, limits, (struct str){exact, part.len}, &head,
                                 &out.consumed, &out.why);
        if (out.result == PARSER_HEAD) {
            head = arena_str(arena, head);
        }
        free(exact);
    }
    if (out.result == PARSER_HEAD &&
        !parser_parse(head, limits, arena, &out.request, &out.framing, &out.why)) {
        out.result = PARSER_REFUSED;
    }
    return out;
}

static void print_sample(struct str raw)
{
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.at[i];
        if (c >= ' ' && c < 0x7f) {
            fputc(c, stderr);
        } else {
            (void)fprintf(stderr, "\\x%02x", c);
        }
    }
    fputc('\n', stderr);
}

static void expect(const struct sample *sample, const size_t *cuts, size_t cut_count)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct outcome_of_feed out = feed(&arena, sample->raw, cuts, cut_count, &http_limits_default);
    enum parser_result expected = sample->expected == OK ? PARSER_HEAD : PARSER_REFUSED;
    if (out.result != expected || out.why != sample->expected) {
        print_sample(sample->raw);
        fail_msg("expected refusal %d, got %d (result %d), first cut at %zu", sample->expected,
                 out.why, out.result, cut_count ? cuts[0] : 0);
    }
    arena_release(&arena);
}

static void every_sample_is_judged_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        expect(&samples[i], NULL, 0);
    }
}

static void arriving_byte_by_byte_changes_no_judgement(void **state)
{
    size_t cuts[1024];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        cuts[i] = i;
    }
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        assert_true(samples[i].raw.len < ARRAY_LEN(cuts));
        expect(&samples[i], cuts, samples[i].raw.len);
    }
}

static void no_single_cut_changes_a_judgement(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        for (size_t cut = 0; cut <= samples[i].raw.len; cut++) {
            expect(&samples[i], &cut, 1);
        }
    }
}

/* No octet but those of the table may be slipped in anywhere: whatever is accepted with one octet
 * changed must still be framed alike. */
static void one_changed_octet_never_changes_the_framing_unseen(void **state)
{
    static const char raw[] = POST "Content-Length: 10\r\nX-Key: value\r\n" END;
    size_t length_at = (size_t)(strstr(raw, "10\r\n") - raw);
    size_t accepted = 0;
    (void)state;
    for (size_t at = 0; at < sizeof raw - 1; at++) {
        for (int octet = 0; octet < 256; octet++) {
            char copy[sizeof raw];
            struct arena arena;
            memcpy(copy, raw, sizeof raw);
            copy[at] = (char)octet;
            arena_init(&arena, 1 << 20);
            struct outcome_of_feed out =
                feed(&arena, (struct str){copy, sizeof raw - 1}, NULL, 0, &http_limits_default);
            if (out.result == PARSER_HEAD) {
                bool digit_given = at >= length_at - 1 && at <= length_at + 1;
                assert_true(digit_given || out.framing.body_len == 10);
                assert_int_equal(out.consumed, sizeof raw - 1);
                accepted++;
            }
            arena_release(&arena);
        }
    }
    assert_true(accepted > 1000);
}

static void a_served_request_is_read_whole(void **state)
{
    static const struct str raw =
        STR_INIT("\r\nPOST /v1/payments/pay_1?limit=5&after=x%20y HTTP/1.1\r\n"
                 "host: api.example:8443\r\nIDEMPOTENCY-Key:  \"3f 0c\"\t\r\nX-Empty:\r\n"
                 "Connection: keep-alive, CLOSE\r\nExpect: 100-Continue\r\n"
                 "Content-Length: 00017\r\n\r\nbody");
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    struct outcome_of_feed out = feed(&arena, raw, NULL, 0, &http_limits_default);
    assert_int_equal(out.result, PARSER_HEAD);
    assert_int_equal(out.consumed, raw.len - 4);
    assert_int_equal(out.request.method, HTTP_POST);
    assert_true(str_eq(out.request.target, STR("/v1/payments/pay_1?limit=5&after=x%20y")));
    assert_true(str_eq(out.request.path, STR("/v1/payments/pay_1")));
    assert_true(str_eq(out.request.query, STR("limit=5&after=x%20y")));
    assert_true(str_eq(out.request.host, STR("api.example:8443")));
    assert_int_equal(out.request.header_count, 6);
    assert_true(str_eq(out.request.headers[1].name, STR("IDEMPOTENCY-Key")));
    assert_true(str_eq(out.request.headers[1].value, STR("\"3f 0c\"")));
    assert_int_equal(out.request.headers[2].value.len, 0);
    assert_true(out.framing.close);
    assert_true(out.framing.expects_continue);
    assert_int_equal(out.framing.body_len, 17);
    arena_release(&arena);
}

static void expect_at_limit(struct str raw, const struct http_limits *limits, enum refusal expected)
{
    size_t cuts[2048];
    struct arena arena;
    assert_true(raw.len <= ARRAY_LEN(cuts));
    for (size_t i = 0; i < raw.len; i++) {
        cuts[i] = i;
    }
    arena_init(&arena, 1 << 20);
    struct outcome_of_feed whole = feed(&arena, raw, NULL, 0, limits);
    struct outcome_of_feed bytes = feed(&arena, raw, cuts, raw.len, limits);
    assert_int_equal(whole.why, expected);
    assert_int_equal(bytes.why, expected);
    assert_int_equal(whole.result, expected == OK ? PARSER_HEAD : PARSER_REFUSED);
    assert_int_equal(bytes.result, whole.result);
    arena_release(&arena);
}

/* "GET /aaa HTTP/1.1", Host, and a header of `value_len` times 'v'. */
static struct str make_request(char *out, size_t size, size_t target_len, size_t value_len,
                               size_t more_headers)
{
    char text[1024];
    int len;
    memset(text, 'a', sizeof text);
    len = snprintf(out, size, "GET /%.*s HTTP/1.1\r\nHost: a\r\nX: %.*s\r\n", (int)target_len - 1,
                   text, (int)value_len, text);
    for (size_t i = 0; i < more_headers; i++) {
        len += snprintf(out + len, size - (size_t)len, "Y: b\r\n");
    }
    len += snprintf(out + len, size - (size_t)len, "\r\n");
    return (struct str){out, (size_t)len};
}

static void each_limit_is_exact_however_the_bytes_arrive(void **state)
{
    struct http_limits limits = http_limits_default;
    char raw[2048];
    (void)state;
    limits.target_bytes_max = 100;
    limits.header_bytes_max = 200;
    limits.header_count_max = 5;
    limits.head_bytes_max = 500;
    expect_at_limit(make_request(raw, sizeof raw, 100, 1, 0), &limits, OK);
    expect_at_limit(make_request(raw, sizeof raw, 101, 1, 0), &limits, REFUSAL_TARGET_LONG);
    expect_at_limit(make_request(raw, sizeof raw, 400, 1, 0), &limits, REFUSAL_TARGET_LONG);
    expect_at_limit(make_request(raw, sizeof raw, 1, 197, 0), &limits, OK);
    expect_at_limit(make_request(raw, sizeof raw, 1, 198, 0), &limits, REFUSAL_HEADER_LONG);
    expect_at_limit(make_request(raw, sizeof raw, 1, 1, 3), &limits, OK);
    expect_at_limit(make_request(raw, sizeof raw, 1, 1, 4), &limits, REFUSAL_HEADER_COUNT);
    struct str exact = make_request(raw, sizeof raw, 1, 150, 0);
    limits.head_bytes_max = exact.len;
    expect_at_limit(exact, &limits, OK);
    limits.head_bytes_max = exact.len - 1;
    expect_at_limit(exact, &limits, REFUSAL_HEAD_LONG);
    limits.head_bytes_max = 60;
    expect_at_limit(exact, &limits, REFUSAL_HEAD_LONG);
}

static void an_endless_line_is_refused_without_its_end(void **state)
{
    struct http_limits limits = http_limits_default;
    char raw[1024];
    (void)state;
    limits.target_bytes_max = 100;
    memset(raw, 'A', sizeof raw);
    expect_at_limit((struct str){raw, sizeof raw}, &limits, REFUSAL_TARGET_LONG);
}

static void an_unfinished_head_asks_for_more(void **state)
{
    static const struct str raw = STR_INIT(POST "Content-Length: 3\r\n" END);
    (void)state;
    for (size_t len = 0; len < raw.len; len++) {
        struct arena arena;
        arena_init(&arena, 1 << 20);
        struct outcome_of_feed out =
            feed(&arena, str_sub(raw, 0, len), NULL, 0, &http_limits_default);
        assert_int_equal(out.result, PARSER_MORE);
        arena_release(&arena);
    }
}

static void the_next_request_is_left_alone(void **state)
{
    static const struct str raw = STR_INIT(GET H END GET H END);
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    struct outcome_of_feed out = feed(&arena, raw, NULL, 0, &http_limits_default);
    assert_int_equal(out.result, PARSER_HEAD);
    assert_int_equal(out.consumed, raw.len / 2);
    arena_release(&arena);
}

static void every_refusal_has_a_status_a_code_and_a_detail(void **state)
{
    (void)state;
    for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
        const struct refusal_reason *reason = refusal_reason((enum refusal)i);
        assert_in_range(reason->status, 400, 505);
        assert_true(reason->code.len > 0 && reason->detail.len > 0);
        assert_false(str_eq(http_status_phrase(reason->status), STR("Unknown")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_is_judged_as_the_table_says),
        cmocka_unit_test(arriving_byte_by_byte_changes_no_judgement),
        cmocka_unit_test(no_single_cut_changes_a_judgement),
        cmocka_unit_test(one_changed_octet_never_changes_the_framing_unseen),
        cmocka_unit_test(a_served_request_is_read_whole),
        cmocka_unit_test(each_limit_is_exact_however_the_bytes_arrive),
        cmocka_unit_test(an_endless_line_is_refused_without_its_end),
        cmocka_unit_test(an_unfinished_head_asks_for_more),
        cmocka_unit_test(the_next_request_is_left_alone),
        cmocka_unit_test(every_refusal_has_a_status_a_code_and_a_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Fuzz the request parser. The first octet chooses where the input is cut, the rest is what a
 * client sends: whole and in pieces the judgement must be the same, and what is accepted must hold
 * together.
 *
 *     make fuzz FUZZ=http_parser
 */
#include "http/parser.h"

#include <stdlib.h>
#include <string.h>

struct judged {
    enum parser_result result;
    enum refusal why;
    size_t consumed;
    struct http_request request;
    struct parser_framing framing;
};

static struct judged judge(struct arena *arena, struct str raw, size_t step)
{
    struct judged out = {.result = PARSER_MORE};
    struct parser parser = {.start = 0};
    struct str head = STR_NONE;
    for (size_t len = step < raw.len ? step : raw.len; out.result == PARSER_MORE; len += step) {
        size_t part = len < raw.len ? len : raw.len;
        char *exact = malloc(part + 1); /* its own block: looking too far is seen */
        CHECK(exact);
        memcpy(exact, raw.at, part);
        out.result = parser_scan(&parser, &http_limits_default, (struct str){exact, part}, &head,
                                 &out.consumed, &out.why);
        if (out.result == PARSER_HEAD) {
            head = arena_str(arena, head);
        }
        free(exact);
        if (part == raw.len) {
            break;
        }
    }
    if (out.result == PARSER_HEAD &&
        !parser_parse(head, &http_limits_default, arena, &out.request, &out.framing, &out.why)) {
        out.result = PARSER_REFUSED;
    }
    return out;
}

static void check_accepted(const struct judged *out, struct str raw)
{
    const struct http_request *request = &out->request;
    size_t host_count = 0;
    CHECK(out->consumed >= 4 && out->consumed <= raw.len);
    CHECK(memcmp(raw.at + out->consumed - 4, "\r\n\r\n", 4) == 0);
    CHECK(request->method > HTTP_METHOD_NONE && request->method < HTTP_METHOD_COUNT);
    CHECK(request->path.len > 0 && request->path.at[0] == '/');
    CHECK(out->framing.body_len <= http_limits_default.large_body_bytes_max);
    CHECK(request->header_count <= http_limits_default.header_count_max);
    for (size_t i = 0; i < request->header_count; i++) {
        struct str name = request->headers[i].name;
        struct str value = request->headers[i].value;
        CHECK(name.len > 0);
        CHECK(str_find_char(value, '\n', 0) == SIZE_MAX &&
              str_find_char(value, '\r', 0) == SIZE_MAX);
        CHECK(str_find_char(value, '\0', 0) == SIZE_MAX);
        CHECK(!str_eq_nocase(name, STR("transfer-encoding")));
        host_count += str_eq_nocase(name, STR("host"));
    }
    CHECK(host_count == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct str raw = {(const char *)data + 1, size - 1};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct judged whole = judge(&arena, raw, raw.len);
    struct judged parts = judge(&arena, raw, (size_t)data[0] + 1);
    CHECK(whole.result == parts.result);
    CHECK(whole.result == PARSER_MORE || whole.why == parts.why);
    if (whole.result == PARSER_HEAD) {
        CHECK(whole.consumed == parts.consumed);
        CHECK(whole.framing.body_len == parts.framing.body_len);
        check_accepted(&whole, raw);
    }
    arena_release(&arena);
    return 0;
}

#include "providers/sandbox/call.h"

#include "base/crypto.h"
#include "base/rng.h"

enum {
    PAYER_MS = 900000,
    PAYOUT_MS = 500,
};

struct sandbox_settings sandbox_settings_default(int64_t delay_ms)
{
    return (struct sandbox_settings){.delay_ms = delay_ms,
                                     .payer_ms = PAYER_MS,
                                     .payout_ms = PAYOUT_MS,
                                     .payout_balance_minor = INT64_C(100000000000),
                                     .program_currency = currency_find(STR("USD"))};
}

struct str call_header(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->req->header_count; i++) {
        if (str_eq_nocase(call->req->headers[i].name, str_of(name))) {
            return call->req->headers[i].value;
        }
    }
    return STR_NONE;
}

bool call_query(const struct call *call, const char *name, struct str *value)
{
    struct str rest = call->req->query;
    while (rest.len > 0) {
        struct str pair = str_cut(&rest, '&');
        struct str key = str_cut(&pair, '=');
        if (str_eq(key, str_of(name))) {
            *value = pair;
            return true;
        }
    }
    return false;
}

struct str call_decode(struct call *call, struct str text)
{
    char *out = arena_alloc(call->arena, text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len ? str_hex_value(text.at[i + 1]) : -1;
        int low = i + 2 < text.len ? str_hex_value(text.at[i + 2]) : -1;
        bool encoded = text.at[i] == '%' && high >= 0 && low >= 0;
        out[len++] = encoded ? (char)(high * 16 + low) : text.at[i];
        i += encoded ? 2 : 0;
    }
    return (struct str){out, len};
}

void call_add_header(struct call *call, struct str name, struct str value)
{
    CHECK(call->header_count < CALL_HEADER_MAX);
    call->headers[call->header_count++] = (struct http_header){name, value};
}

struct str call_random(struct call *call, struct str alphabet, size_t count)
{
    uint8_t random[64];
    CHECK(count <= sizeof(random) && alphabet.len <= 64);
    char *text = arena_alloc(call->arena, count + 1);
    rng_fill(random, count);
    for (size_t i = 0; i < count; i++) {
        text[i] = alphabet.at[random[i] % alphabet.len];
    }
    return (struct str){text, count};
}

bool call_basic(struct call *call, struct str *user, struct str *password)
{
    struct str header = call_header(call, "Authorization");
    struct buf decoded;
    bool done = false;
    if (header.len < 6 || !str_eq_nocase(str_sub(header, 0, 6), STR("Basic "))) {
        return false;
    }
    buf_init(&decoded, 1024);
    if (crypto_unbase64(str_trim(str_sub(header, 6, SIZE_MAX)), &decoded) && buf_is_ok(&decoded) &&
        str_find_char(buf_str(&decoded), ':', 0) != SIZE_MAX) {
        struct str rest = arena_str(call->arena, buf_str(&decoded));
        *user = str_cut(&rest, ':');
        *password = rest;
        done = true;
    }
    buf_release(&decoded);
    return done;
}

void call_send_payer_on(struct call *call, struct str url)
{
    bool usable = url.len > 0;
    for (size_t i = 0; i < url.len; i++) {
        usable = usable && url.at[i] > ' ' && url.at[i] < 0x7f;
    }
    call->status = !usable ? 200 : call->req->method == HTTP_POST ? 303 : 302;
    call->content_type = STR("text/plain; charset=utf-8");
    buf_clear(call->body);
    buf_add_str(call->body, STR("Done. You may close this page.\n"));
    if (usable) {
        call_add_header(call, STR("Location"), url);
    }
}

struct scenario call_scenario(const struct call *call, struct scenario natural)
{
    return call->forced == SCENARIO_NONE ? natural : scenario_of(call->forced);
}

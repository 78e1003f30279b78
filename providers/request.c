/*
 * A packed request:
 *
 *     "TPR1" step flags n  | method | path | body | key | n x (name | value)
 *
 * where step, flags and n are one byte each and "|" is a string: four bytes of length, little
 * endian, and its bytes. It is sealed before it is stored, so whoever can change it has our keys;
 * unpack checks everything nevertheless, because rows outlive versions.
 */
#include "providers/provider.h"

#include <string.h>

#define PACK_MAGIC "TPR1"

enum {
    PACK_MOVES_MONEY = 1,
    PACK_HAS_BODY = 2,
    PACK_BASIC_AUTH = 4,
    PACK_FLAGS = PACK_MOVES_MONEY | PACK_HAS_BODY | PACK_BASIC_AUTH,
};

static void pack_str(struct buf *out, struct str s)
{
    CHECK(s.len <= UINT32_MAX);
    const uint8_t len[4] = {(uint8_t)s.len, (uint8_t)(s.len >> 8), (uint8_t)(s.len >> 16),
                            (uint8_t)(s.len >> 24)};

    buf_add(out, len, sizeof(len));
    buf_add_str(out, s);
}

static bool unpack_byte(struct str *rest, uint8_t *byte)
{
    if (rest->len == 0)
        return false;
    *byte = (uint8_t)rest->at[0];
    *rest = (struct str){rest->at + 1, rest->len - 1};
    return true;
}

static bool unpack_str(struct str *rest, struct arena *arena, struct str *out)
{
    uint32_t len = 0;

    for (unsigned i = 0; i < 4; i++) {
        uint8_t byte = 0;
        if (!unpack_byte(rest, &byte))
            return false;
        len |= (uint32_t)byte << (8 * i);
    }
    if (len > rest->len)
        return false;
    *out = arena_str(arena, (struct str){rest->at, len});
    *rest = (struct str){rest->at + len, rest->len - len};
    return true;
}

static bool unpack_head(struct str *rest, struct provider_request *request)
{
    uint8_t step = 0;
    uint8_t flags = 0;
    uint8_t count = 0;

    if (!str_starts(*rest, STR(PACK_MAGIC)))
        return false;
    *rest = str_sub(*rest, sizeof(PACK_MAGIC) - 1, rest->len);
    if (!unpack_byte(rest, &step) || !unpack_byte(rest, &flags) || !unpack_byte(rest, &count))
        return false;
    if (step >= PROVIDER_STEP_COUNT || (flags & ~PACK_FLAGS) != 0 || count > PROVIDER_HEADER_MAX)
        return false;
    request->step = (enum provider_step)step;
    request->moves_money = (flags & PACK_MOVES_MONEY) != 0;
    request->has_body = (flags & PACK_HAS_BODY) != 0;
    request->basic_auth = (flags & PACK_BASIC_AUTH) != 0;
    request->header_count = count;
    return true;
}

void provider_request_pack(const struct provider_request *request, struct buf *out)
{
    CHECK(request->header_count <= PROVIDER_HEADER_MAX);
    const unsigned flags = (request->moves_money ? PACK_MOVES_MONEY : 0U) |
                           (request->has_body ? PACK_HAS_BODY : 0U) |
                           (request->basic_auth ? PACK_BASIC_AUTH : 0U);

    buf_add_str(out, STR(PACK_MAGIC));
    buf_add_char(out, (char)request->step);
    buf_add_char(out, (char)flags);
    buf_add_char(out, (char)request->header_count);
    pack_str(out, request->method);
    pack_str(out, request->path);
    pack_str(out, request->body);
    pack_str(out, request->key);
    for (size_t i = 0; i < request->header_count; i++) {
        pack_str(out, request->header[i].name);
        pack_str(out, request->header[i].value);
    }
}

bool provider_request_unpack(struct str packed, struct arena *arena,
                             struct provider_request *request, struct error *err)
{
    struct str rest = packed;

    *request = (struct provider_request){.step = PROVIDER_STEP_NONE};
    if (!unpack_head(&rest, request))
        return fail(err, ERROR_INVALID, "cannot unpack request: unknown form");
    bool whole =
        unpack_str(&rest, arena, &request->method) && unpack_str(&rest, arena, &request->path) &&
        unpack_str(&rest, arena, &request->body) && unpack_str(&rest, arena, &request->key);
    for (size_t i = 0; whole && i < request->header_count; i++) {
        whole = unpack_str(&rest, arena, &request->header[i].name) &&
                unpack_str(&rest, arena, &request->header[i].value);
    }
    if (!whole || rest.len != 0)
        return fail(err, ERROR_INVALID, "cannot unpack request: truncated or too long");
    return true;
}

#include "providers/sandbox/token.h"

#include "base/crypto.h"

enum {
    SIGNATURE_LEN = 32,
};

static struct str sign(struct call *call, struct str prefix, struct str text)
{
    uint8_t mac[SHA256_SIZE];
    struct buf hex;
    struct str whole = arena_printf(call->arena, "sandbox token " STR_FMT, STR_ARG(prefix));
    crypto_hmac_sha256(whole, text, mac);
    buf_init(&hex, (size_t)2 * SHA256_SIZE);
    crypto_hex((struct str){(const char *)mac, SIGNATURE_LEN / 2}, &hex);
    struct str copy = arena_str(call->arena, buf_str(&hex));
    buf_release(&hex);
    return copy;
}

struct str token_new(struct call *call, struct str prefix, struct str client, int64_t life_s)
{
    struct buf hex;
    buf_init(&hex, 2048);
    crypto_hex(client, &hex);
    struct str text =
        arena_printf(call->arena, "%lld-" STR_FMT, (long long)call->now_us / 1000000 + life_s,
                     STR_ARG(buf_str(&hex)));
    buf_release(&hex);
    return arena_printf(call->arena, STR_FMT STR_FMT "-" STR_FMT, STR_ARG(prefix), STR_ARG(text),
                        STR_ARG(sign(call, prefix, text)));
}

static struct str owner_of(struct call *call, struct str prefix, struct str token)
{
    int64_t until_s = 0;
    struct buf client;
    struct str owner = STR_NONE;
    if (!str_starts(token, prefix) || token.len < prefix.len + 1 + SIGNATURE_LEN) {
        return owner;
    }
    struct str text = str_sub(token, prefix.len, token.len - prefix.len - 1 - SIGNATURE_LEN);
    struct str mac = str_sub(token, token.len - SIGNATURE_LEN, SIGNATURE_LEN);
    struct str rest = text;
    if (!str_eq(sign(call, prefix, text), mac) || !str_to_int64(str_cut(&rest, '-'), &until_s) ||
        until_s * 1000000 <= call->now_us) {
        return owner;
    }
    buf_init(&client, 1024);
    if (crypto_unhex(rest, &client)) {
        owner = arena_str(call->arena, buf_str(&client));
    }
    buf_release(&client);
    return owner;
}

struct str token_owner(struct call *call, struct str prefix)
{
    struct str header = call_header(call, "Authorization");
    if (header.len < 7 || !str_eq_nocase(str_sub(header, 0, 7), STR("Bearer "))) {
        return STR_NONE;
    }
    return owner_of(call, prefix, str_trim(str_sub(header, 7, header.len)));
}

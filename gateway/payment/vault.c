#include "payment/vault.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/json.h"
#include "base/pack.h"

#define BENEFICIARY "beneficiary" /* beside the names of providers */

enum {
    BOUND_MAX = 64,
};

struct bound {
    char at[BOUND_MAX];
    size_t len;
};

static void bound_add(struct bound *bound, const void *data, size_t len)
{
    CHECK(bound->len + len <= BOUND_MAX);
    memcpy(bound->at + bound->len, data, len);
    bound->len += len;
}

static struct str bound_str(const struct bound *bound)
{
    return (struct str){bound->at, bound->len};
}

static struct bound bound_to(struct str label, const struct uuid *merchant_id,
                             const struct uuid *row_id)
{
    struct bound bound = {.len = 0};
    bound_add(&bound, label.at, label.len);
    bound_add(&bound, merchant_id->byte, sizeof(merchant_id->byte));
    bound_add(&bound, row_id->byte, sizeof(row_id->byte));
    return bound;
}

static struct bound bound_to_send(const struct uuid *merchant_id, const struct uuid *attempt_id,
                                  int32_t number)
{
    struct bound bound = bound_to(STR("send:"), merchant_id, attempt_id);
    uint32_t n = (uint32_t)number;
    uint8_t big_endian[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    bound_add(&bound, big_endian, sizeof(big_endian));
    return bound;
}

/* The plain text is wiped before its memory goes back. */
static void plain_release(struct buf *plain)
{
    if (plain->at != NULL)
        OPENSSL_cleanse(plain->at, plain->capacity);
    buf_release(plain);
}

static struct str seal(const struct vault *vault, const struct bound *bound, struct buf *plain,
                       struct arena *arena)
{
    CHECK(buf_is_ok(plain));
    struct buf sealed;
    buf_init(&sealed, VAULT_TEXT_MAX + AEAD_OVERHEAD);
    crypto_seal(vault->seal_key, bound_str(bound), buf_str(plain), &sealed);
    CHECK(buf_is_ok(&sealed));
    struct str kept = arena_str(arena, buf_str(&sealed));
    buf_release(&sealed);
    return kept;
}

struct str vault_seal_request(const struct vault *vault, const struct uuid *merchant_id,
                              const struct uuid *attempt_id, int32_t send_number,
                              const struct provider_request *request, struct arena *arena)
{
    struct bound bound = bound_to_send(merchant_id, attempt_id, send_number);
    struct buf plain;
    buf_init(&plain, VAULT_TEXT_MAX);
    provider_request_pack(request, &plain);
    CHECK(buf_is_ok(&plain));
    struct buf packed;
    buf_init(&packed, 2 * (size_t)VAULT_TEXT_MAX);
    pack(buf_str(&plain), &packed);
    struct str sealed = seal(vault, &bound, &packed, arena);
    plain_release(&packed);
    plain_release(&plain);
    return sealed;
}

bool vault_open_request(const struct vault *vault, const struct uuid *merchant_id,
                        const struct uuid *attempt_id, int32_t send_number, struct str sealed,
                        struct arena *arena, struct provider_request *request, struct error *err)
{
    struct bound bound = bound_to_send(merchant_id, attempt_id, send_number);
    struct buf plain;
    buf_init(&plain, VAULT_TEXT_MAX);
    struct str text = STR_NONE;
    bool is_done = crypto_open(vault->seal_key, bound_str(&bound), sealed, &plain, err) &&
                   unpack(buf_str(&plain), VAULT_TEXT_MAX, arena, &text, err) &&
                   provider_request_unpack(arena_str(arena, text), arena, request, err);
    plain_release(&plain);
    return is_done || fail_prefix(err, "cannot open the stored request");
}

/* clang-format off */
static const struct {
    const char *name;
    size_t at;
} parts[] = {
    {"type",           offsetof(struct provider_beneficiary, type)},
    {"first_name",     offsetof(struct provider_beneficiary, first_name)},
    {"last_name",      offsetof(struct provider_beneficiary, last_name)},
    {"business_name",  offsetof(struct provider_beneficiary, business_name)},
    {"email",          offsetof(struct provider_beneficiary, email)},
    {"phone",          offsetof(struct provider_beneficiary, phone)},
    {"country",        offsetof(struct provider_beneficiary, country)},
    {"account_holder", offsetof(struct provider_beneficiary, account_holder)},
    {"bank_country",   offsetof(struct provider_beneficiary, bank_country)},
    {"iban",           offsetof(struct provider_beneficiary, iban)},
    {"bic",            offsetof(struct provider_beneficiary, bic)},
    {"account_number", offsetof(struct provider_beneficiary, account_number)},
    {"routing_code",   offsetof(struct provider_beneficiary, routing_code)},
};
/* clang-format on */
static_assert(sizeof(struct provider_beneficiary) == ARRAY_LEN(parts) * sizeof(struct str),
              "every part of a beneficiary is sealed");

static void put_beneficiary(struct json_out *json, const struct provider_beneficiary *beneficiary)
{
    json_key(json, BENEFICIARY);
    json_begin_object(json);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const void *part = (const char *)beneficiary + parts[i].at;
        const struct str *text = part;
        if (text->len > 0)
            json_put_str(json, parts[i].name, *text);
    }
    json_end_object(json);
}

struct str vault_seal_tokens(const struct vault *vault, const struct uuid *merchant_id,
                             const struct uuid *payment_id, const struct vault_token *tokens,
                             size_t count, const struct provider_beneficiary *beneficiary,
                             struct arena *arena)
{
    struct bound bound = bound_to(STR("tokens:"), merchant_id, payment_id);
    struct buf plain;
    buf_init(&plain, VAULT_TEXT_MAX);
    struct json_out json;
    json_out_init(&json, &plain);
    json_begin_object(&json);
    for (size_t i = 0; i < count; i++) {
        json_key_str(&json, tokens[i].provider);
        json_str(&json, tokens[i].token);
    }
    if (beneficiary != NULL)
        put_beneficiary(&json, beneficiary);
    json_end_object(&json);
    struct str sealed = seal(vault, &bound, &plain, arena);
    plain_release(&plain);
    return sealed;
}

/* NULL: *err says why. */
static json_t *open_tokens(const struct vault *vault, const struct bound *bound, struct str sealed,
                           struct error *err)
{
    struct buf plain;
    buf_init(&plain, VAULT_TEXT_MAX);
    json_t *tokens = NULL;
    if (crypto_open(vault->seal_key, bound_str(bound), sealed, &plain, err))
        tokens = json_parse(buf_str(&plain), &json_limits_default, err);
    plain_release(&plain);
    if (tokens == NULL)
        (void)fail_prefix(err, "cannot open the stored tokens");
    return tokens;
}

bool vault_open_token(const struct vault *vault, const struct uuid *merchant_id,
                      const struct uuid *payment_id, struct str sealed, struct str provider,
                      struct arena *arena, struct str *token, struct error *err)
{
    struct bound bound = bound_to(STR("tokens:"), merchant_id, payment_id);
    json_t *tokens = open_tokens(vault, &bound, sealed, err);
    if (tokens == NULL)
        return false;
    *token = arena_str(arena, json_text(tokens, arena_cstr(arena, provider)));
    json_decref(tokens);
    return true;
}

bool vault_open_beneficiary(const struct vault *vault, const struct uuid *merchant_id,
                            const struct uuid *payment_id, struct str sealed, struct arena *arena,
                            struct provider_beneficiary *beneficiary, struct error *err)
{
    struct bound bound = bound_to(STR("tokens:"), merchant_id, payment_id);
    *beneficiary = (struct provider_beneficiary){0};
    json_t *tokens = open_tokens(vault, &bound, sealed, err);
    if (tokens == NULL)
        return false;
    const json_t *stored = json_object_get(tokens, BENEFICIARY);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        void *part = (char *)beneficiary + parts[i].at;
        struct str *text = part;
        *text = arena_str(arena, json_text(stored, parts[i].name));
    }
    json_decref(tokens);
    return true;
}

bool vault_find_payee(const struct vault *vault, const struct uuid *merchant_id,
                      const struct uuid *payment_id, struct str sealed, struct str text,
                      bool *is_found, struct error *err)
{
    static const char *const names[] = {"email", "phone", "iban", "account_number"};
    struct bound bound = bound_to(STR("tokens:"), merchant_id, payment_id);
    json_t *tokens = open_tokens(vault, &bound, sealed, err);
    if (tokens == NULL)
        return false;
    *is_found = false;
    for (void *at = json_object_iter(tokens); at; at = json_object_iter_next(tokens, at)) {
        const json_t *token = json_object_iter_value(at);
        struct str value = {json_string_value(token), json_string_length(token)};
        *is_found = *is_found || (value.len > 0 && str_eq(value, text));
    }
    const json_t *beneficiary = json_object_get(tokens, BENEFICIARY);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        *is_found = *is_found || str_eq_nocase(json_text(beneficiary, names[i]), text);
    json_decref(tokens);
    return true;
}

void vault_hash_token(const struct vault *vault, const struct uuid *merchant_id, struct str token,
                      uint8_t out[SHA256_SIZE])
{
    struct buf text;
    buf_init(&text, VAULT_TEXT_MAX);
    buf_add(&text, merchant_id->byte, sizeof(merchant_id->byte));
    buf_add_str(&text, token);
    CHECK(buf_is_ok(&text));
    crypto_hmac_sha256((struct str){(const char *)vault->hash_key, SHA256_SIZE}, buf_str(&text),
                       out);
    plain_release(&text);
}

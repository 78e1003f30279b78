#include "payment/order_request.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/crypto.h"

static const struct json_limits limits = {
    .depth_max = 16,
    .member_count_max = 512,
    .string_bytes_max = 8192,
};

/* ---- reading --------------------------------------------------------------------------------- */

static struct str text_of(const json_t *value)
{
    return (struct str){json_string_value(value), json_string_length(value)};
}

static json_t *member(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

static struct str print(const json_t *object, struct arena *arena)
{
    struct buf text;
    if (object == NULL)
        return STR_NONE;
    buf_init(&text, 2 * (size_t)ORDER_REQUEST_BYTES_MAX);
    CHECK(json_canonical(object, &text)); /* a part of a body that was small enough */
    struct str kept = arena_str(arena, buf_str(&text));
    buf_release(&text);
    return kept;
}

static void read_beneficiary(const json_t *body, struct provider_beneficiary *who)
{
    const json_t *from = member(body, "beneficiary");
    const json_t *bank = member(from, "bank_account");
    *who = (struct provider_beneficiary){
        .type = json_text(from, "type"),
        .first_name = json_text(from, "first_name"),
        .last_name = json_text(from, "last_name"),
        .business_name = json_text(from, "business_name"),
        .email = json_text(from, "email"),
        .phone = json_text(from, "phone"),
        .country = json_text(from, "country"),
        .account_holder = json_text(bank, "holder"),
        .bank_country = json_text(bank, "country"),
        .iban = json_text(bank, "iban"),
        .bic = json_text(bank, "bic"),
        .account_number = json_text(bank, "account_number"),
        .routing_code = json_text(bank, "routing_code"),
    };
}

static void read_payees(json_t *payees, struct payment_request *request)
{
    for (void *at = json_object_iter(payees); at; at = json_object_iter_next(payees, at)) {
        CHECK(request->token_count < PAYMENT_TOKEN_MAX);
        request->token[request->token_count++] = (struct payment_token){
            .provider = {json_object_iter_key(at), json_object_iter_key_len(at)},
            .token = text_of(json_object_iter_value(at)),
        };
    }
}

static void read_metadata(json_t *metadata, struct payment_request *request)
{
    for (void *at = json_object_iter(metadata); at; at = json_object_iter_next(metadata, at)) {
        CHECK(request->metadata_count < ROUTE_METADATA_MAX);
        request->metadata[request->metadata_count++] = (struct route_pair){
            .name = {json_object_iter_key(at), json_object_iter_key_len(at)},
            .value = text_of(json_object_iter_value(at)),
        };
    }
}

static size_t read_names(const json_t *list, struct str *names)
{
    size_t count = json_array_size(list);
    CHECK(count <= ROUTE_CANDIDATE_MAX);
    for (size_t i = 0; i < count; i++)
        names[i] = text_of(json_array_get(list, i));
    return count;
}

void order_request_read(const json_t *body, struct arena *arena, struct order_request *out)
{
    struct payment_request *request = &out->request;
    *out = (struct order_request){.request.is_payout = true};
    read_beneficiary(body, &out->beneficiary);
    request->amount_minor = json_integer_value(member(body, "amount"));
    request->currency = currency_find(json_text(body, "currency"));
    request->capture_automatic = true;
    request->beneficiary = &out->beneficiary;
    request->reference = json_text(body, "reference");
    request->description = json_text(body, "description");
    request->method_type = STR("payout");
    request->country = out->beneficiary.country;
    request->metadata_json = print(member(body, "metadata"), arena);
    request->routing_json = print(member(body, "providers"), arena);
    read_payees(member(body, "payees"), request);
    read_metadata(member(body, "metadata"), request);
    request->only_count = read_names(json_path(body, "providers.only"), request->only);
    request->never_count = read_names(json_path(body, "providers.never"), request->never);
}

/* ---- sealing --------------------------------------------------------------------------------- */

struct bound {
    char at[6 + 2 * sizeof(struct uuid)];
};

static struct bound bound_to(const struct uuid *merchant_id, const struct uuid *order_id)
{
    struct bound bound;
    memcpy(bound.at, "order:", 6);
    memcpy(bound.at + 6, merchant_id->byte, sizeof(merchant_id->byte));
    memcpy(bound.at + 6 + sizeof(merchant_id->byte), order_id->byte, sizeof(order_id->byte));
    return bound;
}

/* The plain text is wiped before its memory goes back. */
static void plain_release(struct buf *plain)
{
    if (plain->at != NULL)
        OPENSSL_cleanse(plain->at, plain->capacity);
    buf_release(plain);
}

bool order_request_seal(const uint8_t *seal_key, const struct uuid *merchant_id,
                        const struct uuid *order_id, const json_t *body, struct arena *arena,
                        struct str *sealed)
{
    struct bound bound = bound_to(merchant_id, order_id);
    struct buf plain;
    struct buf out;
    buf_init(&plain, ORDER_REQUEST_BYTES_MAX);
    buf_init(&out, ORDER_REQUEST_BYTES_MAX + AEAD_OVERHEAD);
    bool is_done = json_canonical(body, &plain) && buf_is_ok(&plain);
    if (is_done) {
        crypto_seal(seal_key, (struct str){bound.at, sizeof(bound.at)}, buf_str(&plain), &out);
        CHECK(buf_is_ok(&out));
        *sealed = arena_str(arena, buf_str(&out));
    }
    buf_release(&out);
    plain_release(&plain);
    return is_done;
}

json_t *order_request_open(const uint8_t *seal_key, const struct uuid *merchant_id,
                           const struct uuid *order_id, struct str sealed, struct error *err)
{
    struct bound bound = bound_to(merchant_id, order_id);
    struct buf plain;
    json_t *body = NULL;
    buf_init(&plain, ORDER_REQUEST_BYTES_MAX);
    if (crypto_open(seal_key, (struct str){bound.at, sizeof(bound.at)}, sealed, &plain, err))
        body = json_parse(buf_str(&plain), &limits, err);
    plain_release(&plain);
    if (body == NULL)
        (void)fail_prefix(err, "cannot open the stored order");
    return body;
}

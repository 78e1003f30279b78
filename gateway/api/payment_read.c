#include "api/payment_read.h"

#include <assert.h>

#include "api/tables.h"

enum {
    OBJECT_BYTES_MAX = 1024 * 1024, /* a part of the body, printed again with escapes */
};
static_assert((int)TABLES_METADATA_MAX <= (int)ROUTE_METADATA_MAX, "a request has room for it");

static struct str text_of(const json_t *value)
{
    return (struct str){json_string_value(value), json_string_length(value)};
}

/* ---- the method ------------------------------------------------------------------------------ */

static bool check_test(const json_t *tokens, bool livemode, const struct payment_request *request,
                       struct field_problem *problem)
{
    if (livemode) {
        return field_fail(problem, MESSAGE_INVALID_MEMBER, STR("method.type"),
                          "\"test\" is for test keys only");
    }
    if (request->test_outcome.len == 0) {
        return field_fail(problem, MESSAGE_MISSING_MEMBER, STR("method.outcome"),
                          "a test payment needs its outcome");
    }
    return tokens == NULL || field_fail(problem, MESSAGE_INVALID_MEMBER, STR("method.tokens"),
                                        "a test payment takes an outcome, no tokens");
}

/* Both kinds of method in one object: what belongs to the other is refused. */
static bool read_method(const json_t *body, bool livemode, struct payment_request *request,
                        struct field_problem *problem)
{
    const json_t *method = json_object_get(body, "method");
    json_t *tokens = json_object_get(method, "tokens");
    request->method_type = json_text(method, "type");
    request->test_outcome = json_text(method, "outcome");
    request->card_brand = json_path_text(method, "card.brand");
    request->card_country = json_path_text(method, "card.country");
    request->card_bin = json_path_text(method, "card.bin");
    if (str_eq(request->method_type, STR("test"))) {
        return check_test(tokens, livemode, request, problem);
    }
    if (request->test_outcome.len > 0) {
        return field_fail(problem, MESSAGE_INVALID_MEMBER, STR("method.outcome"),
                          "outcome is for method type \"test\" only");
    }
    request->asks_payer = json_object_size(tokens) == 0 &&
                          str_eq(request->method_type, STR("wallet")) &&
                          json_text(body, "return_url").len > 0;
    if (json_object_size(tokens) == 0 && !request->asks_payer) {
        return field_fail(problem, MESSAGE_MISSING_MEMBER, STR("method.tokens"),
                          "tokens is needed: the payer's token at one or more providers; or a "
                          "wallet and return_url, and the payer approves at the provider's page");
    }
    for (void *at = json_object_iter(tokens); at; at = json_object_iter_next(tokens, at)) {
        CHECK(request->token_count < PAYMENT_TOKEN_MAX);
        request->token[request->token_count++] = (struct payment_token){
            .provider = {json_object_iter_key(at), json_object_iter_key_len(at)},
            .token = text_of(json_object_iter_value(at)),
        };
    }
    return true;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static struct str print_object(const json_t *body, const char *name, struct arena *arena)
{
    const json_t *object = json_object_get(body, name);
    struct buf text;
    if (object == NULL) {
        return STR_NONE;
    }
    buf_init(&text, OBJECT_BYTES_MAX);
    CHECK(json_canonical(object, &text)); /* a part of a body that was small enough */
    struct str kept = arena_str(arena, buf_str(&text));
    buf_release(&text);
    return kept;
}

static void read_metadata(const json_t *body, struct payment_request *request)
{
    json_t *metadata = json_object_get(body, "metadata");
    for (void *at = json_object_iter(metadata); at; at = json_object_iter_next(metadata, at)) {
        CHECK(request->metadata_count < ROUTE_METADATA_MAX);
        request->metadata[request->metadata_count++] = (struct route_pair){
            .name = {json_object_iter_key(at), json_object_iter_key_len(at)},
            .value = text_of(json_object_iter_value(at)),
        };
    }
}

static size_t read_names(const json_t *body, const char *path, struct str *names)
{
    const json_t *list = json_path(body, path);
    CHECK(json_array_size(list) <= ROUTE_CANDIDATE_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        names[i] = text_of(json_array_get(list, i));
    }
    return json_array_size(list);
}

bool payment_read(const json_t *body, bool livemode, struct arena *arena,
                  struct payment_request *request, struct field_problem *problem)
{
    *request = (struct payment_request){
        .amount_minor = json_integer_value(json_object_get(body, "amount")),
        .currency = currency_find(json_text(body, "currency")),
        .capture_automatic = !str_eq(json_text(body, "capture"), STR("manual")),
        .reference = json_text(body, "reference"),
        .description = json_text(body, "description"),
        .country = json_path_text(body, "customer.country"),
        .customer_id = json_path_text(body, "customer.id"),
        .return_url = json_text(body, "return_url"),
        .cancel_url = json_text(body, "cancel_url"),
    };
    if (!read_method(body, livemode, request, problem)) {
        return false;
    }
    request->customer_json = print_object(body, "customer", arena);
    request->metadata_json = print_object(body, "metadata", arena);
    request->routing_json = print_object(body, "providers", arena);
    read_metadata(body, request);
    request->only_count = read_names(body, "providers.only", request->only);
    request->never_count = read_names(body, "providers.never", request->never);
    return true;
}
